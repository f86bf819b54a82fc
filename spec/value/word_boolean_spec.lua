-- A Boolean that is stored as one of two words: a truth value that is written into it, chosen beside it or compared
-- with it becomes the word, and in arithmetic the word counts as 1 or 0, on every database.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local function join(rows)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = tostring(row)
  end
  return table.concat(list, " ")
end

describe("a boolean that is stored as a word", function()
  local db, Flag, s

  before_each(function()
    db = mr.open "sqlite://"
    s = db.session
    Flag = db.Model:extend("Flag", {
      id = db.Column{ db.Integer, primary_key = true },
      done = db.Column{ db.Boolean{ storage = "Y/N" } },
      seen = db.Column{ db.Boolean{ storage = "Y/N" } },
      weight = db.Column{ db.Integer },
      price = db.Column{ db.Numeric(6, 2) },
    })
    db:create_all()
    s:add_all{
      Flag{ id = 1, done = true, seen = false, weight = 3, price = "1.50" },
      Flag{ id = 2, done = false, seen = true, weight = 5, price = "2.25" },
      Flag{ id = 3, weight = 7, price = "4.00" },
    }
    s:commit()
  end)

  -- The stored words of a column, in the order of the keys.
  local function words(name)
    local list = {}
    for row in s:execute(mr.text("SELECT " .. name .. " AS word FROM flag ORDER BY id")):iter() do
      list[#list + 1] = row.word or "-"
    end
    return table.concat(list, " ")
  end

  local function found(criterion) return support.words(Flag.query:filter(criterion):order_by(Flag.id):all(), "id") end

  it("is written as a word where its value is a condition", function()
    s:execute(mr.update(Flag):values{ done = mr.not_(Flag.done), seen = Flag.id:gt(1) })
    s:commit()
    assert.equal("N Y -", words "done")
    assert.equal("N Y Y", words "seen")
    Flag.query:update{ done = mr.or_(Flag.seen, Flag.done), seen = Flag.seen }
    s:commit()
    assert.equal("N Y Y", words "done")
    assert.equal("N Y Y", words "seen")
    assert.is_true(s:get(Flag, 3).done)
    s:execute(mr.insert(Flag):values{ id = 4, done = mr.select(mr.func.count(Flag.id)):scalar_subquery():gt(2) })
    s:execute(mr.insert(Flag):from_select({ "id", "done", "seen" },
      mr.select(Flag.id + 10, Flag.weight:gt(4), Flag.seen):where(Flag.id:le(2))))
    s:add(Flag{ id = 20, done = mr.literal(1):eq(2) })
    s:commit()
    assert.equal("N Y Y Y N Y N", words "done")
    assert.equal("N Y Y - N Y -", words "seen")
  end)

  it("is chosen among conditions", function()
    local chosen = s:query(mr.func.coalesce(Flag.done, Flag.id:eq(3))):order_by(Flag.id):all()
    assert.equal("(true) (false) (true)", join(chosen))
    local case = mr.case{ { Flag.id:eq(1), Flag.seen }, else_ = Flag.weight:gt(5) }
    assert.equal("(false) (false) (true)", join(s:query(case):order_by(Flag.id):all()))
  end)

  it("is compared with conditions, words of SQL and values", function()
    assert.equal("1", found(Flag.done:is_(true)))
    assert.equal("2 3", found(Flag.done:is_not(true)))
    assert.equal("2 3", found(Flag.done:is_distinct_from(true)))
    assert.equal("1", found(Flag.done:is_not_distinct_from(true)))
    assert.equal("1 2", found(Flag.done:eq(Flag.id:eq(1))))
    assert.equal("2", found(Flag.done:lt(Flag.id:eq(2))))
    assert.equal("(true) (false) (false)", join(s:query(mr.func.greatest(Flag.done, false)):order_by(Flag.id):all()))
  end)

  it("counts as 1 and 0 in sums, averages and extremes", function()
    local f = mr.func
    local row = s:query(f.sum(Flag.done), f.avg(Flag.done), f.max(Flag.done), f.min(Flag.done),
      f.sum(mr.distinct(Flag.done))):one()
    assert.same({ 1, 0.5, true, false, 1 }, { row[1], row[2], row[3], row[4], row[5] })
  end)

  it("counts so in arithmetic, where the database calculates with booleans", function()
    if db.engine.dialect.name ~= "sqlite" then return end
    local sums = s:query(Flag.done + 1, Flag.weight * Flag.done, Flag.done / 2, Flag.price * Flag.done)
    assert.equal("(2, 3, 0.5, 1.50) (1, 0, 0.0, 0.00) (nil, nil, nil, nil)", join(sums:order_by(Flag.id):all()))
  end)
end)

describe("a boolean whose word for true comes first", function()
  it("has no order in any database", function()
    local db = mr.open "sqlite://"
    local Flag = db.Model:extend("Flag", {
      id = db.Column{ db.Integer, primary_key = true }, done = db.Column{ db.Boolean{ storage = "N/Y" } },
    })
    db:create_all()
    db.session:add_all{ Flag{ done = true }, Flag{ done = false } }
    db.session:commit()
    local words = { 'Boolean{ storage = "N/Y" } has no order in the database' }
    for _, query in ipairs{
      Flag.query:order_by(Flag.done), Flag.query:filter(Flag.done:gt(false)),
      Flag.query:filter(Flag.done:between(false, true)), db.session:query(mr.func.max(Flag.done)),
    } do
      refuse("ArgumentError", words, function() query:all() end)
    end
    assert.equal(1, Flag.query:filter(Flag.done:eq(true)):count())
  end)
end)

describe("an interval as text", function()
  it("has no order in any database", function()
    local db = mr.open "sqlite://"
    local Span = db.Model:extend("Span", {
      id = db.Column{ db.Integer, primary_key = true }, lasts = db.Column{ db.Interval{ storage = "iso" } },
    })
    local words = { 'Interval{ storage = "iso" } has no order in the database' }
    for _, criterion in ipairs{ Span.lasts:gt "PT1S", Span.lasts:le(Span.lasts), Span.lasts:between("PT1S", "P1D") } do
      refuse("ArgumentError", words, function() return Span.query:filter(criterion):count() end)
      for _, dialect in ipairs{ "sqlite", "postgresql" } do
        refuse("ArgumentError", words, function() return Span.query:filter(criterion):sql{ dialect = dialect } end)
      end
    end
    refuse("ArgumentError", words, function() return db.session:query(mr.func.greatest(Span.lasts, "PT1S")):all() end)
  end)
end)
