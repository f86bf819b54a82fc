-- Booleans that other programs have stored as text, wherever a statement takes a boolean for truth: conditions, CASE,
-- sums.

local mr = require "moonrow"
local support = require "spec.support.models"

local TRUE, FALSE, NULL = "1 2 3 4 5", "6 7 8 9 10 11", "12"
local spellings = { "1", "'1'", "'t'", "'true'", "1.0", "0", "'0'", "'f'", "'false'", "''", "0.0", "NULL" }

describe("a boolean that is stored as text", function()
  local db, Flag, s

  before_each(function()
    db = mr.open "sqlite://"
    s = db.session
    Flag = db.Model:extend("Flag", {
      id = db.Column{ db.Integer, primary_key = true }, done = db.Column{ db.Boolean, index = true },
      n = db.Column{ db.Integer },
    })
    s:execute(mr.text "CREATE TABLE flag (id INTEGER PRIMARY KEY, done, n INTEGER)")
    s:execute(mr.text "CREATE INDEX ix_flag_done ON flag (done)")
    for id, literal in ipairs(spellings) do
      s:execute(mr.text(("INSERT INTO flag VALUES (%d, %s, %d)"):format(id, literal, id)))
    end
    s:commit()
  end)

  local function found(criterion) return support.words(Flag.query:filter(criterion):order_by(Flag.id):all(), "id") end

  it("is a condition where a function, a case or a subquery gives it", function()
    local done = Flag.done
    assert.equal(TRUE, found(mr.func.coalesce(done, false)))
    assert.equal(FALSE .. " " .. NULL, found(mr.not_(mr.func.coalesce(done, false))))
    assert.equal(TRUE, found(mr.func.ifnull(done, mr.null) & mr.func.coalesce(done, false)))
    local case = mr.case{ { Flag.n:gt(0), done }, else_ = false }
    assert.equal(TRUE, found(case))
    assert.equal(FALSE, found(~case))
    local Other = mr.aliased(Flag)
    local inner = s:query(Other.done):filter(Other.id:eq(Flag.id)):scalar_subquery()
    assert.equal(TRUE, found(inner))
    assert.equal(FALSE, found(mr.not_(inner)))
    assert.equal(FALSE, found(inner:eq(false)))
    local groups = s:query(Flag.done):group_by(Flag.id):having(mr.func.max(done)):all()
    assert.equal(5, #groups)
  end)

  it("is a condition of CASE", function()
    local case = mr.case{ { Flag.done, "yes" }, { ~Flag.done, "no" }, else_ = "?" }
    local words = {}
    for i, row in ipairs(s:query(case):order_by(Flag.id):all()) do words[i] = row[1] end
    assert.equal("yes yes yes yes yes no no no no no no ?", table.concat(words, " "))
    assert.equal(5, s:query(mr.func.sum(mr.case{ { Flag.done, 1 }, else_ = 0 })):scalar())
    assert.equal(5, s:query(mr.func.sum(mr.func.iif(Flag.done, 1, 0))):scalar())
  end)

  it("counts as 1 and 0 where it becomes a number", function()
    local row = s:query(mr.func.sum(Flag.done), mr.func.sum(~Flag.done), mr.func.total(Flag.done),
      mr.func.avg(Flag.done), mr.func.sum(Flag.done:cast(mr.Integer))):one()
    assert.same({ 5, 6, 5.0, 5 / 11, 5 }, { row:unpack() })
    assert.equal("integer", math.type(row[1]))
    assert.equal(TRUE, found(Flag.done:cast(mr.Integer):eq(1)))
    local counts = s:query(mr.func.sum(Flag.done)):group_by(Flag.n % 2):order_by(Flag.n % 2):all()
    assert.same({ 2, 3 }, { counts[1][1], counts[2][1] })
    local sub = s:query(mr.func.sum(Flag.done):label "total"):subquery()
    assert.equal(5, s:query(sub.c.total):scalar())
  end)

  it("equals true, false and conditions that are", function()
    local done = Flag.done
    assert.equal(TRUE, found(done:eq(mr.true_())))
    assert.equal(FALSE, found(done:eq(mr.false_())))
    assert.equal(FALSE, found(done:ne(mr.true_())))
    assert.equal(TRUE, found(mr.true_():eq(done)))
    assert.equal(TRUE .. " " .. FALSE, found(done:eq(Flag.n:lt(6))))
    assert.equal(TRUE .. " " .. FALSE, found(Flag.n:lt(6):eq(done)))
    assert.equal("", found(Flag.n:lt(6):ne(done)))
  end)

  it("is before and after another boolean by its truth", function()
    local done = Flag.done
    assert.equal(TRUE, found(done:gt(false)))
    assert.equal(FALSE, found(done:lt(true)))
    assert.equal(TRUE, found(done:ge(true)))
    assert.equal(FALSE, found(done:le(false)))
    assert.equal(FALSE, found(mr.literal(true):gt(done)))
  end)

  it("is evaluated as the database sees it, when rows are updated by such criteria", function()
    local done = Flag.done
    for _, criterion in ipairs{ done, ~done, done:eq(mr.true_()), done:ne(mr.false_()), done:eq(Flag.n:lt(6)),
      done:lt(true), done:ge(true), mr.func.coalesce(done, true) } do
      local flags = Flag.query:order_by(Flag.id):all()
      Flag.query:filter(criterion):update({ n = Flag.n + 100 })
      local stored = s:execute(mr.text "SELECT n FROM flag ORDER BY id"):all()
      for i, flag in ipairs(flags) do assert.equal(stored[i][1], flag.n) end
      s:rollback()
    end
  end)

  it("is found by the index of its column", function()
    for _, criterion in ipairs{ Flag.done, ~Flag.done, Flag.done:eq(true), Flag.done:is_(false),
      Flag.done:eq(mr.true_()) } do
      local statement = db:record(function() Flag.query:filter(criterion):all() end)[1].statement:gsub("%?", "1")
      local plan = s:execute(mr.text("EXPLAIN QUERY PLAN " .. statement)):one()
      assert.matches("USING INDEX ix_flag_done", plan.detail, 1, true)
    end
  end)

  it("needs no words in a database that has booleans", function()
    local mock = mr.open "mock+postgresql://"
    local Thing = mock.Model:extend("Thing", { id = mock.Column{ mock.Integer, primary_key = true },
      done = mock.Column{ mock.Boolean } })
    local record = mock:record(function()
      mock.session:query(mr.case{ { Thing.done, 1 }, else_ = 0 }):filter(mr.func.coalesce(Thing.done, false),
        Thing.done:eq(mr.true_())):all()
    end)[1]
    assert.matches("CASE WHEN thing.done THEN", record.statement, 1, true)
    assert.matches("WHERE coalesce(thing.done, $3) AND thing.done = true", record.statement, 1, true)
  end)
end)

describe("a sum of booleans", function()
  it("is an integer, whether they are many or none", function()
    local db = mr.open "sqlite://"
    local Flag = db.Model:extend("Flag", { id = db.Column{ db.Integer, primary_key = true },
      done = db.Column{ db.Boolean } })
    db:create_all()
    assert.is_nil(db.session:query(mr.func.sum(Flag.done)):scalar())
    db.session:add_all{ Flag{ done = true }, Flag{ done = true }, Flag{ done = false } }
    db.session:commit()
    assert.equal(2, db.session:query(mr.func.sum(Flag.done)):scalar())
    assert.equal(3, db.session:query(mr.func.sum(Flag.id:gt(0))):scalar())
  end)
end)
