-- JSON columns: what is stored, what is read, what is refused, and how they are compared. Restates behaviour that
-- SQLAlchemy proves in test/sql/test_types.py (JSONTest) and its suite of types (JSONTest: round trips of single values
-- and structures, null, unicode, defaults), and test/dialect/sqlite (JSON).

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, Doc

-- A database with the class Doc, whose column `data` has the type.
local function open(column_type)
  db = mr.open "sqlite://"
  Doc = db.Model:extend("Doc", {
    id = db.Column{ db.Integer, primary_key = true },
    data = db.Column{ column_type or mr.JSON },
    n = db.Column{ db.Integer },
  })
  db:create_all()
end

before_each(function() open() end)

-- What stands in the file: the storage class and the value as SQLite writes it.
local function stored(id)
  local row = db.session:execute(mr.text "SELECT typeof(data) AS class, quote(data) AS text FROM doc WHERE id = :id",
    { id = id or 1 }):first()
  return row.class .. " " .. row.text
end

-- Stores the value in a new row. Returns what is read from the row by an object made anew.
local function round_trip(value)
  local d = Doc{ data = value }
  db.session:add(d)
  db.session:commit()
  local id = d.id
  db.session:expunge_all()
  return db.session:get(Doc, id).data, stored(id)
end

-- Writes the text into a row as another program would, in a table whose column is declared so.
local function foreign(declared, ...)
  db.session:execute(mr.text "DROP TABLE doc")
  db.session:execute(mr.text("CREATE TABLE doc (id INTEGER PRIMARY KEY, data " .. declared .. ", n INTEGER)"))
  for i, sql in ipairs{ ... } do
    db.session:execute(mr.text("INSERT INTO doc (id, data, n) VALUES (" .. i .. ", " .. sql .. ", 0)"))
  end
  db.session:commit()
end

describe("A JSON column", function()
  it("has TEXT affinity on SQLite, and the types of PostgreSQL", function()
    local t = mr.Table{ "t", mr.MetaData(), mr.Column{ "a", mr.JSON }, mr.Column{ "b", mr.JSONB } }
    assert.equal("CREATE TABLE t ( a TEXT, b TEXT )", tostring(mr.CreateTable(t)))
    local pg = mr.open "mock+postgresql://"
    pg.Table{ "t", mr.Column{ "a", mr.JSON }, mr.Column{ "b", mr.JSONB } }
    assert.same({ "CREATE TABLE t ( a JSON, b JSONB )" }, require "spec.support.ddl".created(pg))
  end)

  it("gives single values back as they are", function()
    for _, value in ipairs{ "text", "", "5", "null", true, false, 0, 1, -1, math.maxinteger, math.mininteger,
      'é\n"\\\0\127',
                            "\u{1F600}" } do
      local read = round_trip(value)
      assert.equal(value, read)
      assert.equal(math.type(value), math.type(read))
    end
  end)

  it("keeps integers and floats apart, and the sign of a zero", function()
    for value, text in pairs{ [1] = "'1'", [-7] = "'-7'" } do
      local read, at = round_trip(value)
      assert.equal("integer", math.type(read))
      assert.equal("text " .. text, at)
    end
    for _, case in ipairs{
      { 1.0, "'1.0'" }, { -0.0, "'-0.0'" }, { 0.0, "'0.0'" }, { 1e15, "'1e+15'" },
      { 2.0 ^ 63, "'9.223372036854776e+18'" },
    } do
      local read, at = round_trip(case[1])
      assert.equal("float", math.type(read))
      assert.equal(string.pack("d", case[1]), string.pack("d", read))
      assert.equal("text " .. case[2], at)
    end
  end)

  it("writes floats in the shortest form that reads back", function()
    local cases = {
      { 0.1, "0.1" }, { 1 / 3, "0.3333333333333333" }, { 0.1 + 0.2, "0.30000000000000004" }, { 5e-324, "5e-324" },
      { 2.0 ^ -44, "5.684341886080802e-14" }, { 1.7976931348623157e308, "1.7976931348623157e+308" },
      { 2.2250738585072014e-308, "2.2250738585072014e-308" }, { 123456789.125, "123456789.125" }, { 1e22, "1e+22" },
      { 9007199254740993.0, "9007199254740992.0" },
    }
    for _, case in ipairs(cases) do
      local read, at = round_trip{ case[1] }
      assert.equal(string.pack("d", case[1]), string.pack("d", read[1]))
      assert.equal("text '[" .. case[2] .. "]'", at)
    end
    math.randomseed(7)
    for _ = 1, 200 do
      local value = string.unpack("d", string.pack("i8", math.random(0)))
      if value == value and math.abs(value) ~= math.huge then
        assert.equal(value, (round_trip(value)))
      end
    end
  end)

  it("gives tables of tables back", function()
    local value = {
      a = { 1, 2, { x = "y" } }, ["key with spaces"] = { mr.null, 1.5 }, [""] = true, list = { {}, { {} } },
    }
    local read, at = round_trip(value)
    assert.same(value, read)
    assert.equal([==[text '{"":true,"a":[1,2,{"x":"y"}],"key with spaces":[null,1.5],"list":[{},[{}]]}']==], at)
  end)

  it("takes {} for an object, and mr.array{} for an array", function()
    assert.equal("text '{}'", select(2, round_trip{}))
    assert.equal("text '[]'", select(2, round_trip(mr.array{})))
    assert.equal("text '[]'", select(2, round_trip(mr.array())))
    assert.equal("text '[1]'", select(2, round_trip(mr.array{ 1 })))
    assert.equal([[text '{"a":[],"b":{}}']], select(2, round_trip{ a = mr.array(), b = {} }))
    local list = {}
    assert.equal(list, mr.array(list))
    assert.equal(list, mr.array(list))
  end)

  it("keeps an array one when its last item is taken away", function()
    round_trip{ list = { 1 } }
    local d = db.session:get(Doc, 1)
    d.data.list[1] = nil
    db.session:commit()
    assert.equal([[text '{"list":[]}']], stored())
    d.data.list[1] = "x"
    db.session:commit()
    assert.equal([[text '{"list":["x"]}']], stored())
  end)

  it("takes a list of results for an array, also an empty one", function()
    round_trip(5)
    local ids = db.session:scalars(mr.select(Doc.id):where(Doc.id:gt(100))):all()
    assert.equal("text '[]'", select(2, round_trip(ids)))
  end)

  it("stores dates and other values of the library as their texts", function()
    local read = round_trip{ at = mr.datetime(2024, 5, 1, 12, 30), day = mr.date(2024, 5, 1) }
    assert.same({ at = tostring(mr.datetime(2024, 5, 1, 12, 30)), day = "2024-05-01" }, read)
  end)

  it("does not tell one table by the order of its keys", function()
    local one, other = {}, {}
    for i = 1, 50 do one["k" .. i] = i end
    for i = 50, 1, -1 do other["k" .. i] = i end
    assert.equal(select(2, round_trip(one)), select(2, round_trip(other)))
  end)
end)

describe("null", function()
  it("is SQL's where it is nil, and JSON's where it is mr.null", function()
    assert.is_nil((round_trip(nil)))
    assert.equal("null NULL", stored(1))
    assert.equal(mr.null, (round_trip(mr.null)))
    assert.equal("text 'null'", stored(2))
    assert.equal(mr.null, (round_trip{ mr.null })[1])
  end)

  it("is always SQL's under none_as_null", function()
    open(mr.JSON{ none_as_null = true })
    assert.is_nil((round_trip(mr.null)))
    assert.equal("null NULL", stored(1))
    assert.equal("text '[null]'", select(2, round_trip{ mr.null }))
    assert.same({ 1 }, Doc.query:filter(Doc.data:is_(nil)):all()[1] and { 1 })
    assert.equal(mr.JSON{ none_as_null = true }, mr.JSON{ none_as_null = true })
    assert.not_equal(mr.JSON{ none_as_null = true }, mr.JSON)
  end)

  it("is asked for as either in criteria", function()
    for _, value in ipairs{ 1, mr.null } do round_trip(value) end
    round_trip(nil)
    local function ids(criterion)
      return db.session:scalars(mr.select(Doc.id):where(criterion):order_by(Doc.id)):all()
    end
    assert.same({ 3 }, { table.unpack(ids(Doc.data:is_(nil))) })
    assert.same({ 1, 2 }, { table.unpack(ids(Doc.data:is_not(nil))) })
    assert.same({ 2 }, { table.unpack(ids(Doc.data:eq(mr.null))) })
    assert.same({ 1 }, { table.unpack(ids(Doc.data:ne(mr.null))) })
    assert.equal(2, Doc.query:filter_by{ data = mr.null }:one().id)
  end)

  it("is written as SQL's by an expression", function()
    round_trip{ 1 }
    local d = db.session:get(Doc, 1)
    d.data = mr.literal(mr.null)
    db.session:commit()
    assert.equal("null NULL", stored())
  end)
end)

describe("What JSON cannot hold", function()
  local function refused(value, words)
    local e = refuse("ArgumentError", words, function() return Doc{ data = value } end)
    local d = Doc{ data = { kept = true } }
    refuse("ArgumentError", words, function() d.data = value end)
    assert.is_true(d.data.kept)
    return e
  end

  it("is refused with the path to it", function()
    refused({ settings = { a = { 1, 2, { b = print } } } }, "Doc.data.settings.a[3].b: JSON cannot hold a function")
    refused({ ["a key"] = { coroutine.create(print) } }, [[Doc.data["a key"][1]: JSON cannot hold a coroutine]])
    refused({ io.stdout }, "Doc.data[1]: JSON cannot hold this userdata")
    refused({ x = Doc{} }, "Doc.data.x: JSON cannot hold this userdata")
    refused({ x = Doc.id }, "Doc.data.x: JSON cannot hold an SQL expression")
    refused(print, "Doc.data: JSON cannot hold a function")
    refused({ x = 0 / 0 }, "Doc.data.x: JSON has no number for NaN")
    refused({ { math.huge } }, "Doc.data[1][1]: JSON has no number for an infinite float")
    refused(-math.huge, "Doc.data: JSON has no number for an infinite float")
    refused({ "\xff" }, "Doc.data[1]: the string is no valid UTF-8")
    refused({ "\u{D800}" }, "Doc.data[1]: the string is no valid UTF-8")
    refused({ a = { ["\xc3"] = 1 } }, "Doc.data.a: the object has a key that is no valid UTF-8")
    refused({ ["a\0b"] = 1 }, "Doc.data: the object has a key with a zero byte")
  end)

  it("are tables that are neither arrays nor objects", function()
    refused({ a = { 1, 2, nil, 4 } }, { "Doc.data.a: the array has a hole: item 3 is nil", "mr.null" })
    refused({ [5] = 1 }, "Doc.data: the array has a hole: item 1 is nil")
    refused({ 1, x = 2 }, "Doc.data: the table has items 1, 2 ... and keys with names")
    refused({ [0] = 1 }, "Doc.data: the table has the key 0")
    refused({ [1.5] = 1 }, "Doc.data: the table has a key that is neither a string nor an integer")
    refused({ [true] = 1 }, "Doc.data: the table has a key that is neither a string nor an integer")
    local marked = mr.array{ 1 }
    marked.x = 2
    refused(marked, "Doc.data: the table has items 1, 2")
    marked[1] = nil
    refused(marked, "Doc.data: the table is an array (mr.array), and has keys with names")
    refused({ setmetatable({}, { __pairs = function() end }) }, "Doc.data[1]: the table has a metatable with __pairs")
  end)

  it("are tables that contain themselves, and not those that stand in two places", function()
    local round = { list = {} }
    round.list[1] = round
    refused(round, "Doc.data.list[1]: the table contains itself")
    local twice = { 1 }
    assert.equal("text '[[1],[1]]'", select(2, round_trip{ twice, twice }))
  end)

  it("are more than 500 levels", function()
    local function nested(n)
      local outer = mr.array{}
      local inner = outer
      for _ = 2, n do
        inner[1] = mr.array{}
        inner = inner[1]
      end
      return outer
    end
    local read, at = round_trip(nested(500))
    assert.equal("text '" .. ("["):rep(500) .. ("]"):rep(500) .. "'", at)
    assert.equal(1, #read)
    refused(nested(501), "nests more than 500 tables deep")
    foreign("TEXT", "'" .. ("["):rep(501) .. ("]"):rep(501) .. "'", "'" .. ("["):rep(3000) .. "'")
    for id = 1, 2 do
      refuse("DataError", { "Doc.data of Doc " .. id, "500 is the most" },
        function() return db.session:get(Doc, id).data end)
    end
  end)

  it("is refused in statements, too, before anything is sent", function()
    local statements = db:record(function()
      refuse("ArgumentError", "row 2: Doc.data[1]: JSON cannot hold a function", function()
        db.session:execute(mr.insert(Doc), { { data = 1 }, { data = { print } } })
      end)
      refuse("ArgumentError", "JSON cannot hold a function", function()
        return Doc.query:filter(Doc.data:eq{ print })
      end)
      refuse("ArgumentError", "JSON has no number for NaN", function()
        return mr.update(Doc):values{ data = 0 / 0 }
      end)
    end)
    assert.same({}, statements)
  end)
end)

describe("JSON text of other programs", function()
  it("is read whatever its spelling is", function()
    foreign("TEXT", [['{ "a" : [ 1, 2.50, 1e2, -0 ], "b": "\u00e9\ud83d\ude00", "z": "\u0000" }']], "' null '", "'7'")
    local read = db.session:get(Doc, 1).data
    assert.same({ a = { 1, 2.5, 100.0, 0 }, b = "é\u{1F600}", z = "\0" }, read)
    assert.equal("float", math.type(read.a[3]))
    assert.equal(mr.null, db.session:get(Doc, 2).data)
    assert.equal(7, db.session:get(Doc, 3).data)
  end)

  it("is read from a column declared JSON, whose affinity has made numbers of numbers", function()
    foreign("JSON", "'5'", "'2.5'", "'\"x\"'", "'{\"a\":1}'", "'true'", "NULL", "'1.0'", "x'5b315d'")
    local read = {}
    for i = 1, 8 do read[i] = db.session:get(Doc, i).data end
    assert.same({ 5, 2.5, "x", { a = 1 }, true, nil, 1, { 1 } }, read)
    assert.equal("integer", math.type(read[1]))
  end)

  it("is refused where a number has more than 64 bits, or is too large for a float", function()
    foreign("TEXT", "'[9223372036854775808]'", "'[1e400]'", "'{\"a\": -9223372036854775809}'", "'9223372036854775807'")
    for id, word in ipairs{ "too big integer", "real number overflow", "too big negative integer" } do
      refuse("DataError", { "Doc.data of Doc " .. id .. " holds", word, "line 1", "bad_values" }, function()
        return db.session:get(Doc, id).data
      end)
    end
    assert.equal(math.maxinteger, db.session:get(Doc, 4).data)
  end)

  it("is refused where it is no JSON, at the first read of that attribute alone", function()
    foreign("TEXT", "'{bad'", "''", "'[1] x'", "'[1,]'", "'\"\\ud800\"'", "x'c3ff'")
    for id = 1, 6 do
      local d = db.session:get(Doc, id)
      assert.equal(0, d.n)
      d.n = id
      refuse("DataError", { "Doc.data of Doc " .. id .. " holds", "cannot be read as JSON" },
        function() return d.data end)
      refuse("DataError", "Doc.data of Doc " .. id, function() return d.data end)
    end
    db.session:commit() -- what is not read is not written either
    assert.equal("text '{bad'", stored(1))
    local d = db.session:get(Doc, 1)
    d.data = { good = true }
    db.session:commit()
    assert.equal([[text '{"good":true}']], stored(1))
  end)

  it("goes with the object under bad_values", function()
    foreign("TEXT", "'{bad'")
    for how, read in pairs{ null = "nil", keep = "{bad" } do
      db.session:expunge_all()
      local d = Doc.query:execution_options{ bad_values = how }:first()
      assert.equal(read, tostring(d.data))
      d.n = d.n + 1
      db.session:commit() -- it expires, and is read again
      assert.equal(read, tostring(d.data))
      db.session:refresh(d)
      assert.equal(read, tostring(d.data))
      db.session:expunge(d)
      assert.equal(read, tostring(d.data))
      assert.equal("text '{bad'", stored(1))
    end
    db.session:expunge_all()
    local d = Doc.query:execution_options{ bad_values = "keep" }:first()
    local text = d.data
    d.data = text -- the same again is no change
    db.session:commit()
    assert.equal("text '{bad'", stored(1))
    refuse("DataError", "the result holds", function() return db.session:scalar(mr.select(Doc.data)) end)
    local row = db.session:query(Doc.id, Doc.data):first()
    assert.equal(1, row.id)
    refuse("DataError", { "column 2 of the row", "{bad" }, function() return row.data end)
    for how, read in pairs{ null = "nil", keep = "{bad" } do
      row = db.session:query(Doc.id, Doc.data):execution_options{ bad_values = how }:first()
      assert.equal(read, tostring(row.data))
    end
  end)
end)

describe("A JSON column works", function()
  it("in rows, which give the same table each time", function()
    round_trip{ a = { 1 } }
    local row = db.session:query(Doc.id, Doc.data):first()
    assert.same({ a = { 1 } }, row.data)
    assert.equal(row.data, row[2])
    assert.equal(row.data, row:mapping().data)
    assert.same({ 1 }, { table.unpack(db.session:scalars(mr.select(Doc.data)):all()[1].a) })
    assert.same({ a = { 1 } }, db.session:scalar(mr.select(Doc.data)))
    assert.same({ a = { 1 } }, Doc.query:with_entities(Doc.data):scalar())
  end)

  it("in criteria, which compare the text", function()
    round_trip{ b = 1, a = { true } }
    round_trip "x"
    round_trip(5)
    assert.equal(1, Doc.query:filter(Doc.data:eq{ a = { true }, b = 1 }):one().id)
    assert.equal(2, Doc.query:filter_by{ data = "x" }:one().id)
    assert.equal(2, Doc.query:filter(Doc.data:in_{ "x", { 1 } }):one().id)
    assert.equal(3, Doc.query:filter(Doc.data:in_{ 5, mr.null }):one().id)
    assert.equal(0, Doc.query:filter(Doc.data:eq(5.0)):count())
    assert.equal([[doc.data = '{"a":1}']], Doc.data:eq{ a = 1 }:sql{ literals = true })
    assert.equal([[doc.data IN ('[]', '"it''s"')]], Doc.data:in_{ mr.array(), "it's" }:sql{ literals = true })
    local statement = db:record(function() Doc.query:filter(Doc.data:eq{ a = 1 }):all() end)[1]
    assert.same({ [[{"a":1}]] }, { table.unpack(statement.parameters) })
  end)

  it("in casts and functions of SQL", function()
    round_trip{ a = { 7, 8 } }
    assert.equal(8, db.session:scalar(mr.select(mr.func.json_extract(Doc.data, "$.a[1]"))))
    assert.same({ a = { 7, 8 } }, db.session:scalar(mr.select(mr.func.coalesce(Doc.data, Doc.data))))
  end)

  it("in defaults, onupdate and server_default", function()
    local calls = 0
    db = mr.open "sqlite://"
    Doc = db.Model:extend("Doc", {
      id = db.Column{ db.Integer, primary_key = true }, n = db.Column{ db.Integer },
      data = db.Column{ mr.JSON, default = { a = { 1 } } },
      made = db.Column{ mr.JSON, default = function() calls = calls + 1 return { call = calls } end,
                        onupdate = function() return mr.array{} end },
      given = db.Column{ mr.JSON, server_default = '{"by": "the server"}' },
    })
    db:create_all()
    local one, two = Doc{}, Doc{}
    db.session:add_all{ one, two }
    db.session:commit()
    assert.same({ a = { 1 } }, one.data)
    assert.not_equal(one.data, two.data)
    assert.same({ 1, 2 }, { one.made.call, two.made.call })
    assert.same({ by = "the server" }, one.given)
    one.n = 1
    db.session:commit()
    assert.equal("[]", db.session:scalar(mr.select(mr.cast(Doc.made, mr.Text)):where(Doc.id:eq(one.id))))
    refuse("ArgumentError", "Column default[1]: JSON cannot hold", function()
      return db.Column{ mr.JSON, default = { [1] = print } }
    end)
  end)

  it("in inserts and updates of many rows", function()
    local rows = {}
    for i = 1, 300 do rows[i] = { id = i, data = { i, s = nil }, n = i } end
    db.session:execute(mr.insert(Doc), rows)
    assert.same({ 300 }, db.session:get(Doc, 300).data)
    db.session:execute(mr.insert(Doc),
      { { id = 301, data = mr.null }, { id = 302, data = "x" }, { id = 303, data = 1.0 } })
    assert.equal(mr.null, db.session:get(Doc, 301).data)
    assert.equal("x", db.session:get(Doc, 302).data)
    assert.equal("float", math.type(db.session:get(Doc, 303).data))
    for i = 1, 300 do rows[i] = { id = i, data = { x = ("y"):rep(i) } } end
    db.session:execute(mr.update(Doc), rows)
    db.session:expire_all()
    assert.equal(("y"):rep(300), db.session:get(Doc, 300).data.x)
    db.session:execute(mr.update(Doc):where(Doc.id:eq(1)):values{ data = { z = mr.null } })
    db.session:expire_all()
    assert.same({ z = mr.null }, db.session:get(Doc, 1).data)
    db.session:rollback()
  end)

  it("in RETURNING", function()
    local row = db.session:execute(mr.insert(Doc):values{ data = { a = 1 } }:returning(Doc.id, Doc.data)):first()
    assert.same({ a = 1 }, row.data)
  end)

  it("in import", function()
    db.session:import(Doc, { { id = 1, data = { a = 1 } }, { id = 2, data = mr.array() }, { id = 3 } })
    db.session:commit()
    assert.same({ a = 1 }, db.session:get(Doc, 1).data)
    assert.equal("text '[]'", stored(2))
    assert.is_nil(db.session:get(Doc, 3).data)
  end)

  it("in STRICT tables", function()
    db = mr.open "sqlite://"
    Doc = db.Model:extend("Doc", {
      __table_args = { sqlite_strict = true },
      id = db.Column{ db.Integer, primary_key = true }, data = db.Column{ mr.JSON },
    })
    db:create_all()
    assert.same({ 1 }, (round_trip{ 1 }))
  end)

  it("over union and subqueries", function()
    round_trip{ a = 1 }
    local sub = mr.select(Doc.id, Doc.data):subquery()
    assert.same({ a = 1 }, db.session:execute(mr.select(sub.c.data)):scalar())
  end)
end)

describe("A mistake in a declaration of JSON", function()
  it("is found", function()
    refuse("ArgumentError", { "data", "primary key", "JSON" }, function()
      return db.Model:extend("Bad", { data = db.Column{ mr.JSON, primary_key = true } })
    end)
    refuse("ArgumentError", "none_as_nul", function() return mr.JSON{ none_as_nul = true } end)
    refuse("ArgumentError", "none_as_null", function() return mr.JSON{ none_as_null = 1 } end)
    refuse("ArgumentError", "JSON takes no arguments", function() return mr.JSON(5) end)
    refuse("ArgumentError", "array: expected one table", function() return mr.array(1) end)
    refuse("ArgumentError", "array: expected one table", function() return mr.array({}, {}) end)
    refuse("ArgumentError", "array: the table has a metatable", function() return mr.array(setmetatable({}, {})) end)
  end)
end)
