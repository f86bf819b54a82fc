-- Defaults: when they are made, for which rows, and what they may be. It restates the behaviours of SQLAlchemy's
-- test/sql/test_defaults.py (DefaultRoundTripTest, PKDefaultTest, SpecialTypePKTest, ServerDefaultsOnPKTest).

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function open(columns)
  local db = mr.open "sqlite://"
  local body = { id = db.Column{ db.Integer, primary_key = true } }
  for name, column in pairs(columns(db)) do body[name] = column end
  local Row = db.Model:extend("Row", body)
  db:create_all()
  return db, Row
end

describe("a default", function()
  it("that is a function is called once for each row that needs it", function()
    local calls = 0
    local db, Row = open(function(d)
      return { n = d.Column{ d.Integer, default = function() calls = calls + 1; return calls end } }
    end)
    db.session:add_all{ Row{}, Row{ n = 50 }, Row{} }
    db.session:commit()
    assert.equal(2, calls)
    db.session:execute(mr.insert(Row), { {}, {}, {} })
    assert.equal(5, calls)
    db.session:execute(mr.insert(Row):values{ n = 60 })
    assert.equal(5, calls)
    local list = db.session:execute(mr.select(Row.n):order_by(Row.n)):scalars():all()
    assert.equal("1 2 3 4 5 50 60", table.concat(list, " "))
  end)

  it("that is SQL is computed by the database, and read when it is asked for", function()
    local db, Row = open(function(d)
      return { v = d.Column{ d.String(20), default = mr.func.upper "abc" }, n = d.Column{ d.Integer, default = 5 } }
    end)
    local row = Row{}
    db.session:add(row)
    db.session:flush()
    assert.equal("ABC", row.v)
    assert.equal(5, row.n)
    db.session:execute(mr.insert(Row), { { n = 1 }, { n = 2 } })
    assert.same({ "ABC", "ABC", "ABC" }, db.session:execute(mr.select(Row.v)):scalars():all())
  end)

  it("is not used in an UPDATE, and onupdate not in an INSERT", function()
    local db, Row = open(function(d)
      return { a = d.Column{ d.Integer, default = 1 }, b = d.Column{ d.Integer, onupdate = function() return 9 end },
        m = d.Column{ d.Integer } }
    end)
    local row = Row{}
    db.session:add(row)
    db.session:commit()
    assert.equal(1, row.a)
    assert.is_nil(row.b)
    row.a = nil
    db.session:commit()
    assert.is_nil(row.a)
    assert.equal(9, row.b)
    row.b = 3 -- a value that the program gives is kept
    db.session:commit()
    assert.equal(3, row.b)
    Row.query:update{ m = 1 }
    assert.equal(9, row.b)
    db.session:execute(mr.update(Row):values{ b = 4 })
    assert.equal(4, row.b)
  end)

  it("of a key is made before the row is sent, and known", function()
    local db = mr.open "sqlite://"
    local n = 100
    local Row = db.Model:extend("Row", {
      id = db.Column{ db.Integer, primary_key = true, default = function() n = n + 1; return n end },
      other = db.Column{ db.String(5), primary_key = true, default = "x" },
    })
    db:create_all()
    local row = Row{}
    db.session:add(row)
    db.session:flush()
    assert.equal(101, row.id)
    assert.equal("x", row.other)
    assert.same({ 102, "x" }, db.session:execute(mr.insert(Row):values{}).inserted_primary_key)
    assert.equal(row, db.session:get(Row, { 101, "x" }))
  end)

  it("is checked like a value that is written", function()
    local db, Row = open(function(d)
      return { n = d.Column{ d.String(3), default = function() return "long text" end } }
    end)
    db.session:add(Row{})
    refuse("DataError", 'Row.n: string "long text" has 9 characters, too long for String(3)', db.session.flush,
      db.session)
  end)
end)

describe("a key of a decorated integer", function()
  -- 5 is "INT_5".
  local Special = mr.TypeDecorator{ impl = mr.Integer, name = "Special",
    bind = function(v) return v and math.tointeger(v:sub(5)) end,
    result = function(v) return v and "INT_" .. v end }

  local function classes()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", { id = db.Column{ Special, primary_key = true }, n = db.Column{ db.Integer },
      kids = db.relationship{ "Kid", backref = "row" } })
    local Kid = db.Model:extend("Kid", { id = db.Column{ Special, primary_key = true },
      row_id = db.Column{ db.ForeignKey "row.id" } })
    db:create_all()
    return db, Row, Kid
  end

  it("is numbered by the database, and the number is seen as the program has it", function()
    local db, Row = classes()
    local row = Row{ n = 1 }
    db.session:add(row)
    db.session:flush()
    assert.equal("INT_1", row.id)
    assert.equal(row, db.session:get(Row, "INT_1"))
    assert.same({ "INT_1" }, mr.inspect(row).identity)
    local result = db.session:execute(mr.insert(Row):values{ n = 2 })
    assert.same({ "INT_2" }, result.inserted_primary_key)
    assert.equal(2, result.lastrowid)
    assert.same({ "INT_3" }, db.session:execute(mr.insert(Row):values{ id = "INT_3" }).inserted_primary_key)
    assert.equal("INT_4", db.session:execute(mr.insert(Row):values{ n = 4 }:returning(Row.id)):first().id)
    refuse("DataError", "get(Row): Row.id: the function bind of the type Special cannot convert number 1",
      db.session.get, db.session, Row, 1)
  end)

  it("is given to children that are inserted with their parent", function()
    local db, Row, Kid = classes()
    local row = Row{ kids = { Kid{}, Kid{} } }
    db.session:add(row)
    db.session:commit()
    assert.equal("INT_1", row.kids[2].row_id)
    assert.equal("INT_2", row.kids[2].id)
    assert.equal(2, Kid.query:filter(Kid.row_id:eq "INT_1"):count())
    db.session:expunge_all()
    assert.equal("INT_1", Kid.query:options(mr.joinedload(Kid.row)):first().row.id)
  end)
end)
