-- Array columns: lists that are stored as JSON, each of whose items is a value of one type. Restates behaviour that
-- SQLAlchemy proves for ARRAY in test/dialect/postgresql/test_types.py (round trips, items converted by their type,
-- nested arrays, null items) and for types in test/sql/test_types.py.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local ddl = require "spec.support.ddl"

local db, Row

-- A database with the class Row, whose column `v` is an array of the type.
local function open(item)
  db = mr.open "sqlite://"
  Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ mr.Array(item) } })
  db:create_all()
end

local function stored(id)
  return db.session:scalar(mr.text "SELECT v FROM row WHERE id = :id", { id = id or 1 })
end

-- Stores the list. Returns what is read by an object made anew, and the text in the row.
local function round_trip(item, list)
  open(item)
  db.session:add(Row{ v = list })
  db.session:commit()
  db.session:expunge_all()
  return db.session:get(Row, 1).v, stored()
end

describe("An Array", function()
  it("stores the values of each type as JSON, and reads them again", function()
    local null = mr.null
    local cases = {
      { mr.Integer, { 1, -2, math.maxinteger }, "[1,-2,9223372036854775807]" },
      { mr.Float, { 1.0, 0.1, -0.0 }, "[1.0,0.1,-0.0]" },
      { mr.String(5), { "a", "é", "" }, [==[["a","é",""]]==] },
      { mr.Text, { "x\n" }, [==[["x\n"]]==] },
      { mr.Boolean, { true, false }, "[true,false]" },
      { mr.Date, { mr.date(2024, 5, 1) }, [==[["2024-05-01"]]==] },
      { mr.DateTime, { mr.datetime(2024, 5, 1, 12, 30) }, [==[["2024-05-01 12:30:00"]]==] },
      { mr.DateTime{ storage = "unix" }, { mr.datetime(2024, 5, 1, 12, 30) }, "[1714566600]" },
      { mr.DateTime{ digits = 3, separator = "T", zone = "Z" }, { mr.datetime(2024, 5, 1, 12, 30) },
        [==[["2024-05-01T12:30:00.000Z"]]==] },
      { mr.Time, { mr.time(12, 30, 1) }, [==[["12:30:01"]]==] },
      { mr.Interval, { mr.interval{ days = 1 } }, [==[["1970-01-02 00:00:00.000000"]]==] },
      { mr.Enum("a", "b"), { "b", "a" }, [==[["b","a"]]==] },
      { mr.Enum("a", "b", { storage = "position" }), { "b", "a" }, "[1,0]" },
      { mr.Uuid, { "8d1e5b14-9c04-4a4a-8a34-5f0f4d0c3e0b" }, [==[["8d1e5b14-9c04-4a4a-8a34-5f0f4d0c3e0b"]]==] },
      { mr.JSON, { { a = 1 }, { 1 }, "x", 1.0 }, [==[[{"a":1},[1],"x",1.0]]==] },
      { mr.Array(mr.Integer), { { 1, 2 }, {}, null }, "[[1,2],[],null]" },
      { mr.Array(mr.Array(mr.Date)), { { { mr.date(2024, 5, 1) } } }, [==[[[["2024-05-01"]]]]==] },
      { mr.Integer, { 1, null, 3 }, "[1,null,3]" },
      { mr.Integer, {}, "[]" },
    }
    for _, case in ipairs(cases) do
      local read, text = round_trip(case[1], case[2])
      assert.equal(case[3], text)
      assert.equal(#case[2], #read)
      for i = 1, #read do
        if type(read[i]) == "table" then assert.same(case[2][i], read[i])
        else assert.equal(case[2][i], read[i]) end
        assert.equal(math.type(case[2][i]), math.type(read[i]))
      end
    end
  end)

  it("is NULL where it is nil or mr.null", function()
    assert.is_nil((round_trip(mr.Integer, nil)))
    assert.is_nil((round_trip(mr.Integer, mr.null)))
    assert.is_nil(stored())
    assert.equal(1, Row.query:filter(Row.v:is_(nil)):count())
  end)

  it("converts an item as a column of its type would", function()
    local read, text = round_trip(mr.Integer, { 1.0 })
    assert.equal("integer", math.type(read[1]))
    assert.equal("[1]", text)
    read, text = round_trip(mr.Float, { 1 })
    assert.equal("float", math.type(read[1]))
    assert.equal("[1.0]", text)
    read = round_trip(mr.Date, { "2024-05-01", os.date("*t", 0) })
    assert.equal(mr.date(2024, 5, 1), read[1])
    assert.equal(2, #read)
  end)

  it("refuses what is none of the type, and names its place", function()
    open(mr.Integer)
    refuse("ArgumentError", [[Row.v[2]: expected an integer, got string "x"]], Row, { v = { 1, "x" } })
    refuse("ArgumentError", "Row.v[1]: expected an integer, got float 1.5", function() return Row{ v = { 1.5 } } end)
    refuse("ArgumentError", "Row.v[1]: expected an integer, got table", function() return Row{ v = { {} } } end)
    refuse("ArgumentError", "Row.v: an Array takes a list, and the table has keys", Row, { v = { a = 1 } })
    refuse("ArgumentError", "Row.v: an Array takes a list", function() return Row{ v = 5 } end)
    refuse("ArgumentError", "Row.v: an Array takes a list", function() return Row{ v = "[1]" } end)
    refuse("ArgumentError", "Row.v: the array has a hole: item 2 is nil", Row, { v = { 1, nil, 3 } })
    refuse("ArgumentError", "Row.v[1]: JSON cannot hold a function", function() return Row{ v = { print } } end)
    open(mr.Array(mr.Date))
    refuse("ArgumentError", "Row.v[1][2]: expected a date", function()
      return Row{ v = { { mr.date(2024, 1, 1), "x" } } }
    end)
    refuse("ArgumentError", "Row.v[1]: an Array takes a list", function() return Row{ v = { 1 } } end)
    open(mr.String(3))
    refuse("DataError", { "Row.v[1]", "too long for String(3)" }, function() return Row{ v = { "abcd" } } end)
    open(mr.Enum("a", "b"))
    refuse("DataError", { "Row.v[2]", "not a choice of" }, function() return Row{ v = { "a", "c" } } end)
    open(mr.Float)
    refuse("ArgumentError", "Row.v[1]", function() return Row{ v = { 0 / 0 } } end)
    refuse("ArgumentError", "Row.v[1]", function() return Row{ v = { 1 / 0 } } end)
  end)

  it("refuses stored items that are none of the type, when they are read", function()
    open(mr.Integer)
    for id, text in ipairs{ '[1, "x"]', "{}", "5", "[[1]]", "[true]", "[1" } do
      db.session:execute(mr.text "INSERT INTO row (id, v) VALUES (:id, :v)", { id = id, v = text })
    end
    for id, word in ipairs{ "item 2 is a string: expected an integer", "it is an object, and no array",
                            "it is a number, and no array", "item 1 is an array", "item 1 is a boolean", "line 1" } do
      refuse("DataError", { "Row.v of Row " .. id .. " holds", "Array(Integer)", word }, function()
        return db.session:get(Row, id).v
      end)
    end
    db.session:expunge_all()
    local rows = Row.query:execution_options{ bad_values = "keep" }:order_by(Row.id):all()
    assert.equal('[1, "x"]', rows[1].v)
  end)

  it("is edited in its place", function()
    open(mr.Date)
    local row = Row{ v = { mr.date(2024, 5, 1) } }
    db.session:add(row)
    db.session:commit()
    row.v[2] = "2024-05-02"
    db.session:commit()
    assert.equal(mr.date(2024, 5, 2), row.v[2])
    table.remove(row.v, 1)
    db.session:commit()
    assert.equal('["2024-05-02"]', stored())
    row.v[1] = nil
    db.session:commit()
    assert.equal("[]", stored())
    row.v[1] = 5
    refuse("DataError", "Row.v[1]: expected a date", function() db.session:flush() end)
    row.v[1] = mr.null
    db.session:commit()
    assert.equal("[null]", stored())
  end)

  it("gives items of their type in rows, criteria and statements, too", function()
    open(mr.Date)
    local day = mr.date(2024, 5, 1)
    db.session:execute(mr.insert(Row),
      { { id = 1, v = { day } }, { id = 2, v = {} }, { id = 3, v = { "2024-05-01", day } } })
    assert.equal(day, db.session:query(Row.id, Row.v):filter(Row.id:eq(1)):one().v[1])
    assert.equal(day, db.session:scalar(mr.select(Row.v):where(Row.id:eq(3)))[2])
    assert.equal(1, Row.query:filter(Row.v:eq{ day }):one().id)
    assert.equal(2, Row.query:filter(Row.v:in_{ {}, { "2024-05-02" } }):one().id)
    refuse("ArgumentError", "Row.v[1]: expected a date", function() return Row.v:eq{ 5 } end)
    refuse("ArgumentError", { "row 2", "[1]: expected a date" }, function()
      db.session:execute(mr.insert(Row), { { v = { day } }, { v = { "x" } } })
    end)
    local pair = mr.select(mr.func.coalesce(Row.v, Row.v):label "most"):where(Row.id:eq(1))
    assert.equal(day, db.session:execute(pair):first().most[1])
  end)

  it("has a default", function()
    db = mr.open "sqlite://"
    Row = db.Model:extend("Row", {
      id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ mr.Array(mr.Integer), default = {} },
    })
    db:create_all()
    local one, two = Row{}, Row{}
    db.session:add_all{ one, two }
    db.session:flush()
    one.v[1] = 7
    db.session:commit()
    assert.equal("[7]", stored(1))
    assert.equal("[]", stored(2))
    refuse("ArgumentError", "Column default[1]: expected an integer", function()
      return db.Column{ mr.Array(mr.Integer), default = { "x" } }
    end)
  end)

  it("is TEXT on SQLite, and an array of PostgreSQL", function()
    local function columns()
      return mr.Column{ "a", mr.Array(mr.Integer) }, mr.Column{ "b", mr.Array(mr.Array(mr.String(5))) },
        mr.Column{ "c", mr.Array(mr.DateTime) }
    end
    assert.equal("CREATE TABLE t ( a TEXT, b TEXT, c TEXT )",
      tostring(mr.CreateTable(mr.Table("t", mr.MetaData(), columns()))))
    local pg = mr.open "mock+postgresql://"
    pg.Table("t", columns())
    assert.same({ "CREATE TABLE t ( a INTEGER[], b VARCHAR(5)[][], c TIMESTAMP WITHOUT TIME ZONE[] )" },
      ddl.created(pg))
  end)

  it("has a name, and is equal to one of equal items", function()
    assert.equal("Array(Integer)", tostring(mr.Array(mr.Integer)))
    assert.equal("Array(Array(String(3)))", tostring(mr.Array(mr.Array(mr.String(3)))))
    assert.equal(mr.Array(mr.Integer), mr.Array(mr.Integer))
    assert.not_equal(mr.Array(mr.Integer), mr.Array(mr.Float))
    assert.not_equal(mr.Array(mr.Integer), mr.JSON)
    assert.not_equal(mr.Array(mr.Integer), mr.Array(mr.Array(mr.Integer)))
  end)

  it("is one type for one type of items, however often it is written", function()
    for _ = 1, 20000 do mr.Array(mr.Integer) end
    assert.same({ 1 }, (round_trip(mr.Integer, { 1 })))
  end)

  it("is declared with the type of its items", function()
    refuse("ArgumentError", { "type of an Array's items", "mr.Array(mr.Integer)" }, mr.Column, { mr.Array })
    refuse("ArgumentError", "write the type of its items", function() return mr.Array() end)
    refuse("ArgumentError", "write the type of its items", function() return mr.Array(5) end)
    refuse("ArgumentError", { "write the type of its items", "mr.array" }, function() return mr.Array{ 1, 2 } end)
    refuse("ArgumentError", "the Array inside has no type", function() return mr.Array(mr.Array) end)
    refuse("ArgumentError", "no bytes", function() return mr.Array(mr.LargeBinary) end)
    refuse("ArgumentError", "no bytes", function() return mr.Array(mr.Uuid{ storage = "blob" }) end)
    refuse("ArgumentError", { "v", "primary key" }, function()
      return mr.open "sqlite://".Model:extend("Bad", { v = mr.Column{ mr.Array(mr.Integer), primary_key = true } })
    end)
  end)
end)
