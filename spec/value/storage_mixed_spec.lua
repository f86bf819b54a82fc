-- Values beside a column that is stored in a form of its own: in coalesce, CASE, unions, min and max, and orders. A
-- value takes the form of the column; what has no common form is refused.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local D = mr.datetime(2020, 1, 1)
local TOKEN = "123e4567-e89b-12d3-a456-426614174000"

local function model()
  local db = mr.open "sqlite://"
  local Row = db.Model:extend("Row", {
    id = db.Column{ db.Integer, primary_key = true },
    at = db.Column{ db.DateTime{ storage = "unix" } }, usual = db.Column{ db.DateTime },
    level = db.Column{ db.Enum("low", "mid", "high", { storage = "position" }) },
    word = db.Column{ db.Enum("a", "b", { storage = { a = "x", b = "" } }) },
    done = db.Column{ db.Boolean{ storage = "Y/N" } }, token = db.Column{ db.Uuid{ storage = "blob" } },
    lasts = db.Column{ db.Interval{ storage = "seconds" } }, took = db.Column{ db.Interval{ storage = "iso" } },
  })
  db:create_all()
  db.session:add_all{
    Row{ id = 1, at = mr.datetime(2024, 1, 1), usual = D, level = "low", word = "b", done = true, token = mr.uuid4(),
      lasts = mr.interval(1), took = mr.interval(1) },
    Row{ id = 2 },
  }
  db.session:commit()
  return db, Row
end

describe("a value beside a column of another form", function()
  local db, Row
  before_each(function() db, Row = model() end)

  -- The expression's value in the second row, where all columns are NULL.
  local function second(expression)
    return db.session:query(expression):filter(Row.id:eq(2)):scalar()
  end

  it("takes its form in coalesce, ifnull and nullif", function()
    local rest = { { Row.at, D }, { Row.level, "high" }, { Row.word, "b" }, { Row.done, false }, { Row.token, TOKEN },
      { Row.lasts, mr.interval(2) } }
    for _, pair in ipairs(rest) do
      assert.equal(pair[2], second(mr.func.coalesce(pair[1], pair[2])))
      assert.equal(pair[2], second(mr.func.ifnull(pair[1], pair[2])))
      assert.equal(pair[2], second(mr.func.coalesce(pair[1], mr.literal(pair[2]))))
      assert.equal(pair[2], second(mr.func.coalesce(mr.func.nullif(pair[1], pair[2]), pair[2])))
    end
    assert.is_nil(db.session:query(mr.func.nullif(Row.level, "low")):filter(Row.id:eq(1)):scalar())
    local sent = db:record(function() second(mr.func.coalesce(Row.at, D)) end)
    assert.equal(1577836800, sent[1].parameters[1])
  end)

  it("takes its form in CASE, whichever of them stands first", function()
    for _, pair in ipairs{ { Row.at, D }, { Row.level, "high" }, { Row.done, false }, { Row.token, TOKEN } } do
      assert.equal(pair[2], second(mr.case{ { Row.id:eq(1), pair[1] }, else_ = pair[2] }))
      assert.equal(pair[2], second(mr.case{ { Row.id:eq(2), pair[2] }, else_ = pair[1] }))
      assert.equal(pair[2], second(mr.func.iif(Row.id:eq(1), pair[1], pair[2])))
    end
  end)

  it("takes its form in what is written", function()
    Row.query:update{ at = mr.func.coalesce(Row.at, D), level = mr.case{ { Row.id:eq(2), "high" }, else_ = Row.level } }
    assert.same({ 1704067200, 1577836800 },
      db.session:execute(mr.text "SELECT at FROM row ORDER BY id"):scalars():all())
    assert.same({ 0, 2 }, db.session:execute(mr.text "SELECT level FROM row ORDER BY id"):scalars():all())
  end)

  it("takes its form in max and min of several values", function()
    assert.equal(mr.datetime(2024, 1, 1), db.session:query(mr.func.max(Row.at, D)):filter(Row.id:eq(1)):scalar())
    assert.equal(D, db.session:query(mr.func.min(Row.at, D)):filter(Row.id:eq(1)):scalar())
  end)

  it("is refused in a union, with the cure, which works", function()
    refuse("ArgumentError", { 'a union cannot have DateTime beside DateTime{ storage = "unix" }', "mr.literal" },
      function() db.session:execute(mr.select(Row.at):union_all(mr.select(mr.literal(D)))) end)
    refuse("ArgumentError", "a union cannot have",
      function() db.session:execute(mr.select(mr.literal(D)):union_all(mr.select(Row.at))) end)
    refuse("ArgumentError", "a union cannot have",
      function() db.session:execute(mr.select(mr.literal "low"):union_all(mr.select(Row.level))) end)
    local union = mr.select(Row.at):where(Row.id:eq(1)):union_all(mr.select(mr.literal(D, Row.at.type)))
    assert.same({ "2024-01-01 00:00:00", "2020-01-01 00:00:00" }, (function()
      local list = db.session:execute(union):scalars():all()
      return { tostring(list[1]), tostring(list[2]) }
    end)())
  end)
end)

describe("columns of two forms", function()
  it("are refused where they would become one result", function()
    local db, Row = model()
    local words = 'the database cannot give DateTime and DateTime{ storage = "unix" } as one result'
    refuse("ArgumentError", words, function() db.session:query(mr.func.coalesce(Row.at, Row.usual)):all() end)
    refuse("ArgumentError", "as one result", function()
      db.session:query(mr.case{ { Row.id:eq(1), Row.usual }, else_ = Row.at }):all()
    end)
    refuse("ArgumentError", "a union cannot have", function()
      db.session:query(Row.at):union(db.session:query(Row.usual)):all()
    end)
  end)
end)

describe("the order of stored forms", function()
  it("is that of the choices, of an Enum by position", function()
    local db, Row = model()
    db.session:add_all{ Row{ id = 3, level = "high" }, Row{ id = 4, level = "mid" } }
    db.session:commit()
    local list = mr.select(Row.level):where(Row.level:is_not(nil)):order_by(Row.level:desc())
    assert.same({ "high", "mid", "low" }, db.session:execute(list):scalars():all())
    assert.equal("high", db.session:query(mr.func.max(Row.level)):scalar())
  end)

  it("is refused where it would be another one", function()
    local _, Row = model()
    for _, column in ipairs{ Row.took, Row.word } do
      refuse("ArgumentError", "has no order in the database", function() Row.query:order_by(column):all() end)
      refuse("ArgumentError", "has no order in the database", function() Row.query:order_by(column:desc()):all() end)
      refuse("ArgumentError", "has no order in the database", function()
        Row.query:order_by(Row.id, column:asc()):all()
      end)
    end
  end)
end)

describe("a text that is no choice of an Enum", function()
  it("finds nothing in a criterion, also where a choice is stored as an empty text", function()
    local db, Row = model()
    assert.equal(0, Row.query:filter(Row.level:eq "lo"):count())
    assert.equal(1, Row.query:filter(Row.level:ne "lo"):count())
    assert.equal(1, Row.query:filter(Row.level:in_{ "lo", "low" }):count())
    assert.equal(1, Row.query:filter(Row.word:eq "b"):count())
    assert.equal(0, Row.query:filter(Row.word:eq "c"):count())
    assert.equal(1, Row.query:filter(Row.word:ne "c"):count())
    db.session:add(Row{ word = "c" })
    refuse("DataError", "is not a choice of", db.session.flush, db.session)
  end)
end)
