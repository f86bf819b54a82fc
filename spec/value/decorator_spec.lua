-- TypeDecorator: the program's own values of a column, what is stored for them, and when the program's functions are
-- called. It restates the behaviours of SQLAlchemy's test/sql/test_types.py (UserDefinedTest,
-- UserDefinedRoundTripTest).

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

-- A list of words as one text. `calls` counts the calls of its functions.
local function words(options)
  local calls = { bind = 0, result = 0 }
  local given = {
    impl = mr.String(40), name = "Words",
    bind = function(value)
      calls.bind = calls.bind + 1
      return value and table.concat(value, ",")
    end,
    result = function(value)
      calls.result = calls.result + 1
      if value == nil then return nil end
      local list = {}
      for word in value:gmatch "[^,]+" do list[#list + 1] = word end
      return list
    end,
  }
  for name, value in pairs(options or {}) do given[name] = value end
  return mr.TypeDecorator(given), calls
end

-- A class with the column `v` of the type, in a database of its own.
local function class_of(column_type, column)
  local db = mr.open "sqlite://"
  local options = { column_type }
  for name, value in pairs(column or {}) do options[name] = value end
  local Row = db.Model:extend("Row", {
    id = db.Column{ db.Integer, primary_key = true }, v = db.Column(options), n = db.Column{ db.Integer },
  })
  db:create_all()
  return db, Row
end

local function stored(db)
  return db.session:execute(mr.text "SELECT v FROM row ORDER BY id"):scalars():all()
end

describe("a TypeDecorator", function()
  it("has its name, the SQL type and the arguments of the type that it decorates", function()
    local Words = words()
    local db, Row = class_of(Words)
    assert.equal("Words", tostring(Words))
    assert.equal(40, Words.length)
    assert.truthy(tostring(mr.CreateTable(db.metadata.tables.row)):find("v VARCHAR(40)", 1, true))
    assert.truthy(tostring(mr.CreateTable(db.metadata.tables.row, { dialect = "postgresql" })):find("v VARCHAR(40)", 1,
      true))
    assert.equal("TypeDecorator", tostring(mr.TypeDecorator{ impl = mr.Text, bind = tostring }))
    assert.truthy(Row)
  end)

  it("gives its arguments to the type that it decorates when it is called", function()
    local Words = words{ impl = mr.String }
    local long = Words(200)
    assert.equal(200, long.length)
    assert.equal("Words", tostring(long))
    assert.equal(Words, Words())
    assert.not_equal(Words, long)
    local db, Row = class_of(Words(5))
    db.session:add(Row{ v = { "a", "b" } })
    db.session:commit()
    assert.equal("a", Row.query:one().v[1])
    refuse("ArgumentError", "length must be at least 1", Words, 0)
  end)

  it("sends what bind makes, and gives what result makes", function()
    local Words, calls = words()
    local db, Row = class_of(Words)
    local row = Row{ v = { "a", "b" } }
    assert.same({ "a", "b" }, row.v)
    assert.equal(0, calls.bind)
    db.session:add(row)
    db.session:commit()
    assert.equal(1, calls.bind)
    assert.same({ "a,b" }, stored(db))
    assert.same({ "a", "b" }, row.v)
    assert.equal(1, calls.result)
  end)

  it("converts a value at its first read, once, and gives the same one from then on", function()
    local Words, calls = words()
    local db, Row = class_of(Words)
    db.session:add_all{ Row{ v = { "a" } }, Row{ v = { "b" } }, Row{ v = { "c" } } }
    db.session:commit()
    db.session:expunge_all()
    calls.result = 0
    local rows = Row.query:order_by(Row.id):all()
    assert.equal(0, calls.result)
    assert.equal(rows[2].v, rows[2].v)
    rows[2].n = 5
    db.session:flush()
    assert.equal(rows[2].v, rows[2].v)
    assert.equal(1, calls.result)
    db.session:commit()
    assert.same({ "b" }, rows[2].v)
    assert.equal(2, calls.result) -- the object was read again
  end)

  it("stores what a value is at the flush, not at the assignment", function()
    local Words = words()
    local db, Row = class_of(Words)
    local row = Row{ v = { "a" } }
    db.session:add(row)
    row.v[2] = "later"
    db.session:flush()
    assert.same({ "a,later" }, stored(db))
  end)

  it("takes a value that the program finds equal for no change, and asks `equal` where there is one", function()
    local function same(a, b) return table.concat(a) == table.concat(b) end
    local Words = words{ equal = same }
    local db, Row = class_of(Words)
    local row = Row{ v = { "a", "b" } }
    db.session:add(row)
    db.session:commit()
    assert.same({ "a", "b" }, row.v)
    row.v = { "ab" }
    assert.is_false(mr.inspect(row).modified)
    row.v = { "ab", "c" }
    assert.is_true(mr.inspect(row).modified)
    assert.equal(1, #db:record(function() db.session:flush() end))
    row.v = { "abc" }
    assert.equal(0, #db:record(function() db.session:flush() end))
  end)

  it("compares strings before they are sent: one that is sent differently each time is not written again", function()
    local n = 0
    local Salted = mr.TypeDecorator{
      impl = mr.String(40), name = "Salted",
      bind = function(value) n = n + 1; return n .. ":" .. value end,
      result = function(value) return (value:gsub("^%d+:", "")) end,
    }
    local db, Row = class_of(Salted)
    local row = Row{ v = "secret" }
    db.session:add(row)
    db.session:commit()
    assert.equal("secret", row.v)
    row.v = "secret"
    assert.equal(0, #db:record(function() db.session:flush() end))
    row.v = "other"
    row.v = "secret"
    assert.equal(0, #db:record(function() db.session:flush() end))
    row.v = "other"
    db.session:commit()
    assert.same({ "2:other" }, stored(db))
  end)

  it("gives the history as the program sees it", function()
    local Words = words()
    local db, Row = class_of(Words)
    local row = Row{ v = { "a" } }
    db.session:add(row)
    db.session:commit()
    assert.same({ "a" }, row.v)
    row.v = { "b" }
    local history = mr.inspect(row):history "v"
    assert.same({ "b" }, history.added[1])
    assert.same({ "a" }, history.deleted[1])
    db.session:rollback()
    assert.same({ "a" }, row.v)
    assert.same({ "a" }, mr.inspect(row):history("v").unchanged[1])
  end)

  it("shows both functions nil, and nil passes through", function()
    local seen = {}
    local Noted = mr.TypeDecorator{
      impl = mr.String(20), name = "Noted",
      bind = function(value) seen[#seen + 1] = "bind " .. tostring(value); return value end,
      result = function(value) seen[#seen + 1] = "result " .. tostring(value); return value end,
    }
    local db, Row = class_of(Noted)
    local row = Row{ v = nil }
    db.session:add(row)
    db.session:commit()
    assert.is_nil(row.v)
    assert.is_nil(row.v)
    assert.same({ "bind nil", "result nil" }, seen)
    row.v = "x"
    db.session:commit()
    row.v = mr.null
    db.session:commit()
    assert.same({ mr.null }, stored(db))
    assert.equal("bind nil", seen[#seen])
  end)

  it("may store a value for nil, and give one for NULL", function()
    local Blank = mr.TypeDecorator{
      impl = mr.String(20), name = "Blank",
      bind = function(value) return value or "-" end,
      result = function(value) return value ~= "-" and value or "nothing" end,
    }
    local db, Row = class_of(Blank)
    local one, two = Row{}, Row{ v = "two" }
    db.session:add_all{ one, two }
    db.session:commit()
    assert.same({ "-", "two" }, stored(db))
    assert.equal("nothing", one.v)
    two.v = nil
    db.session:commit()
    assert.same({ "-", "-" }, stored(db))
    db.session:execute(mr.text "UPDATE row SET v = NULL")
    db.session:commit()
    assert.equal("nothing", two.v)
    assert.equal("nothing", db.session:query(Row.v):first()[1])
  end)

  it("may have bind alone, or result alone", function()
    local Upper = mr.TypeDecorator{ impl = mr.String(20), name = "Upper", bind = string.upper }
    local db, Row = class_of(Upper)
    local row = Row{ v = "abc" }
    db.session:add(row)
    db.session:commit()
    assert.equal("ABC", row.v)
    local Length = mr.TypeDecorator{ impl = mr.String(20), result = function(value) return value and #value end }
    db, Row = class_of(Length)
    row = Row{ v = "abc" }
    db.session:add(row)
    db.session:commit()
    assert.equal(3, row.v)
    assert.same({ "abc" }, stored(db))
  end)

  it("gives both functions the name of the dialect", function()
    local seen = {}
    local Noted = mr.TypeDecorator{
      impl = mr.String(20), name = "Noted",
      bind = function(value, dialect) seen[#seen + 1] = dialect; return value end,
      result = function(value, dialect) seen[#seen + 1] = dialect; return value end,
    }
    local db, Row = class_of(Noted)
    local pg = mr.create_engine "mock+postgresql://"
    local row = Row{ v = "x" }
    db.session:add(row)
    db.session:commit()
    assert.equal("x", row.v)
    assert.same({ "sqlite", "sqlite" }, seen)
    local session = mr.Session(pg)
    session:add(Row{ id = 1, v = "y" })
    session:flush()
    assert.equal("postgresql", seen[3])
    session:execute(mr.select(Row.id):where(Row.v:eq "q"))
    assert.equal("postgresql", seen[4])
    session:close()
  end)

  it("decorates another one: the outer bind is first, the inner result is first", function()
    local Inner = mr.TypeDecorator{ impl = mr.String(40), name = "Inner",
      bind = function(v) return v and "<" .. v .. ">" end, result = function(v) return v and v:sub(2, -2) end }
    local Outer = mr.TypeDecorator{ impl = Inner, name = "Outer",
      bind = function(v) return v and table.concat(v, "|") end,
      result = function(v) return v and { v:match "([^|]*)|([^|]*)" } end }
    local db, Row = class_of(Outer)
    local row = Row{ v = { "a", "b" } }
    db.session:add(row)
    db.session:commit()
    assert.same({ "<a|b>" }, stored(db))
    assert.same({ "a", "b" }, row.v)
    assert.equal(1, Row.query:filter(Row.v:eq{ "a", "b" }):count())
  end)

  it("decorates a type with a storage of its own, and one of many spellings", function()
    local function year(impl)
      return mr.TypeDecorator{ impl = impl, name = "Year",
        bind = function(v) return v and mr.datetime(v, 1, 1) end, result = function(v) return v and v.year end }
    end
    for _, impl in ipairs{ mr.DateTime{ storage = "unix" }, mr.DateTime{ digits = 3 }, mr.DateTime } do
      local db, Row = class_of(year(impl))
      db.session:add_all{ Row{ v = 1999 }, Row{ v = 2024 } }
      db.session:commit()
      assert.equal(2024, Row.query:filter(Row.v:eq(2024)):one().v)
      assert.equal(1, Row.query:filter(Row.v:gt(2000)):count())
      assert.equal(2, Row.query:filter(Row.v:in_{ 1999, 2024 }):count())
      assert.equal(1, Row.query:filter(Row.v:between(2000, 2030)):count())
    end
    local db, Row = class_of(year(mr.DateTime)) -- as other programs spell it
    db.session:execute(mr.text "INSERT INTO row (v) VALUES ('2024-01-01 00:00:00.000000')")
    assert.equal(1, Row.query:filter(Row.v:eq(2024)):count())
    assert.equal(1, Row.query:filter(Row.v:in_{ 2024, 2025 }):count())
    assert.equal("2024", tostring(Row.query:first().v))
  end)

  it("decorates an Enum, whose choices are checked", function()
    local State = mr.TypeDecorator{ impl = mr.Enum("on", "off", { storage = "position" }), name = "State",
      bind = function(v) return v and "on" or "off" end, result = function(v) return v == "on" end }
    local db, Row = class_of(State)
    db.session:add_all{ Row{ v = true }, Row{ v = false } }
    db.session:commit()
    assert.same({ 0, 1 }, stored(db))
    assert.is_true(Row.query:filter(Row.v:eq(true)):one().v)
    local Wrong = mr.TypeDecorator{ impl = mr.Enum("on", "off"), name = "Wrong", bind = function() return "maybe" end }
    db, Row = class_of(Wrong)
    db.session:add(Row{ v = 1 })
    refuse("DataError", 'Row.v: string "maybe" is not a choice of', db.session.flush, db.session)
  end)

  it("is shared by many columns, of several classes", function()
    local Words = words()
    local db = mr.open "sqlite://"
    local columns = { id = db.Column{ db.Integer, primary_key = true } }
    for i = 1, 30 do columns["c" .. i] = db.Column{ Words } end
    local A, B = db.Model:extend("A", columns), db.Model:extend("B", {
      id = db.Column{ db.Integer, primary_key = true }, w = db.Column{ Words } })
    db:create_all()
    local values = {}
    for i = 1, 30 do values["c" .. i] = { "w" .. i } end
    db.session:add_all{ A(values), B{ w = { "b" } } }
    db.session:commit()
    local a = A.query:one()
    for i = 1, 30 do assert.same({ "w" .. i }, a["c" .. i]) end
    assert.same({ "b" }, B.query:one().w)
  end)

  it("takes any value of Lua: tables, booleans, userdata, functions", function()
    local names = { [print] = "print", [true] = "yes" }
    local Named = mr.TypeDecorator{ impl = mr.String(20), name = "Named",
      bind = function(v) return names[v] or v:format "%Y" end,
      result = function(v) for k, name in pairs(names) do if name == v then return k end end return v end }
    local db, Row = class_of(Named)
    db.session:add_all{ Row{ v = print }, Row{ v = true }, Row{ v = mr.date(2024, 1, 1) } }
    db.session:commit()
    assert.same({ "print", "yes", "2024" }, stored(db))
    assert.equal(print, Row.query:first().v)
  end)

  it("leaves SQL expressions to the database", function()
    local Words, calls = words()
    local db, Row = class_of(Words)
    local row = Row{ v = mr.func.upper "q,r" }
    db.session:add(row)
    db.session:commit()
    assert.same({ "Q", "R" }, row.v)
    assert.equal(0, calls.bind)
  end)

  it("makes the values of defaults: of a value, of a function, and of onupdate", function()
    local Words = words()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", {
      id = db.Column{ db.Integer, primary_key = true }, n = db.Column{ db.Integer },
      v = db.Column{ Words, default = { "d" } },
      f = db.Column{ Words, default = function() return { "f", "g" } end },
      u = db.Column{ Words, onupdate = function() return { "u" } end },
    })
    db:create_all()
    local row = Row{}
    db.session:add(row)
    db.session:commit()
    assert.same({ "d" }, row.v)
    assert.same({ "f", "g" }, row.f)
    assert.is_nil(row.u)
    row.n = 1
    db.session:commit()
    assert.same({ "u" }, row.u)
    db.session:execute(mr.insert(Row), { { n = 2 }, { n = 3 }, { n = 4, v = { "x" } } })
    assert.same({ "d", "d", "d", "x" }, stored(db))
  end)

  it("keeps its values and functions while they are in use, and no longer", function()
    local Words = words()
    local db, Row = class_of(Words)
    local gone = setmetatable({}, { __mode = "k" })
    do
      local value = { "a" }
      gone[value] = true
      local row = Row{ v = value }
      db.session:add(row)
      collectgarbage()
      assert.equal(value, row.v)
      db.session:commit()
      row.v = { "b" }
      db.session:commit()
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(gone))
    assert.same({ "b" }, stored(db))
  end)
end)

describe("a conversion that fails", function()
  local function boom(value) error("boom of " .. tostring(value)) end

  it("in bind names the column, the value and the cause with its place, and writes nothing", function()
    local Bad = words{ name = "Bad", bind = function(value) if value then boom(value) end end }
    local db, Row = class_of(Bad)
    db.session:add(Row{ v = "x" })
    local e = refuse("DataError",
      'Row.v: the function bind of the type Bad cannot convert string "x": spec/value/decorator_spec.lua:',
      db.session.flush, db.session)
    assert.truthy(tostring(e):find("boom of x", 1, true))
    db.session:rollback()
    assert.same({}, stored(db))
    local e2 = refuse("DataError", "Row.v: the function bind of the type Bad", function()
      Row.query:filter(Row.v:eq "q"):all()
    end)
    assert.truthy(e2)
    refuse("DataError", "Row.v: the function bind of the type Bad", function()
      db.session:execute(mr.insert(Row), { { v = "a" }, { v = "b" } })
    end)
  end)

  it("in result names the column, the object and the stored value, and leaves the object's other values", function()
    local Bad = words{ name = "Bad", bind = function(v) return v end,
      result = function(value) if value == "x" then boom(value) end return value end }
    local db, Row = class_of(Bad)
    db.session:add_all{ Row{ v = "x", n = 5 }, Row{ v = "y", n = 6 } }
    db.session:commit()
    local rows = Row.query:order_by(Row.id):all()
    refuse("DataError",
      'Row.v of Row 1: the function result of the type Bad cannot read string "x": spec/value/decorator_spec.lua:',
      function() return rows[1].v end)
    assert.equal(5, rows[1].n)
    assert.equal("y", rows[2].v)
    rows[1].v = "z" -- a value that cannot be read can be overwritten
    db.session:commit()
    assert.equal("z", rows[1].v)
  end)

  it("in result of a row of columns is raised when the value is asked for", function()
    local Bad = words{ name = "Bad", bind = function(v) return v end, result = boom }
    local db, Row = class_of(Bad)
    db.session:add(Row{ v = "x", n = 5 })
    db.session:commit()
    local row = db.session:query(Row.v, Row.n):first()
    assert.equal(5, row.n)
    refuse("DataError", 'Row.v: the function result of the type Bad cannot read string "x"',
      function() return row.v end)
    refuse("DataError", "Row.v: the function result", function() return db.session:query(Row.v):scalar() end)
  end)

  it("because bind gives a value of another type names both", function()
    local Bad = mr.TypeDecorator{ impl = mr.String(5), name = "Bad", bind = function(v) return v end }
    local db, Row = class_of(Bad)
    db.session:add(Row{ v = { 1 } })
    refuse("ArgumentError", "Row.v (what the function bind of the type Bad gave): expected a string, got",
      db.session.flush, db.session)
    db.session:rollback()
    db.session:add(Row{ v = "too long" })
    refuse("DataError", 'Row.v: string "too long" has 8 characters, too long for Bad', db.session.flush, db.session)
    db.session:rollback()
    local Sql = mr.TypeDecorator{ impl = mr.String(5), name = "Sql", bind = function() return mr.func.now() end }
    db, Row = class_of(Sql)
    db.session:add(Row{ v = 1 })
    refuse("ArgumentError", "expected a string, got an SQL expression", db.session.flush, db.session)
  end)

  it("because a function yields says so, inside of coroutines, too", function()
    local Bad = words{ name = "Bad", bind = function(v) if v then coroutine.yield() end end }
    local db, Row = class_of(Bad)
    coroutine.wrap(function()
      db.session:add(Row{ v = { "a" } })
      refuse("DataError", "it yields, which a type's conversion cannot", db.session.flush, db.session)
    end)()
  end)

  it("of an error that is no string shows it", function()
    local Bad = words{ name = "Bad", bind = function(v) if v then error(setmetatable({}, { __tostring = function()
      return "an object" end })) end end }
    local db, Row = class_of(Bad)
    db.session:add(Row{ v = { "a" } })
    refuse("DataError", "cannot convert table: an object", db.session.flush, db.session)
    local Worse = words{ name = "Worse", bind = function(v) if v then error(setmetatable({}, { __tostring = function()
      error "again" end })) end end }
    db, Row = class_of(Worse)
    db.session:add(Row{ v = { "a" } })
    refuse("DataError", "Row.v: the function bind of the type Worse cannot convert table: table",
      db.session.flush, db.session)
  end)
end)

describe("a wrong declaration of a TypeDecorator is refused:", function()
  local cases = {
    { "no options", function() mr.TypeDecorator() end, "TypeDecorator: expected a table of options" },
    { "no impl", function() mr.TypeDecorator{ bind = print } end, "it needs the type that is stored" },
    { "an impl that is no type", function() mr.TypeDecorator{ impl = "String", bind = print } end,
      "TypeDecorator: impl: expected a type" },
    { "no function", function() mr.TypeDecorator{ impl = mr.Text } end, "it has neither bind nor result" },
    { "a bind that is none", function() mr.TypeDecorator{ impl = mr.Text, bind = "x" } end,
      "TypeDecorator: bind: expected a function(value, dialect)" },
    { "an unknown option", function() mr.TypeDecorator{ impl = mr.Text, bind = print, results = print } end,
      "results" },
    { "a name that is no string", function() mr.TypeDecorator{ impl = mr.Text, bind = print, name = 5 } end, "name" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function() refuse("ArgumentError", case[3], case[2]) end)
  end
end)
