-- IN with very many values: one parameter stands for all of them.

local mr = require "moonrow"
local people = require "spec.support.people"
local refuse = require "spec.support.refuse"

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

local stress = os.getenv "MOONROW_STRESS"
local MANY = stress and 10001 or 300000

describe("IN with very many values", function()
  local db, Person

  before_each(function() db, Person = people() end)

  it("sends them as one text", function()
    local list, found = numbers(MANY), nil
    local records = db:record(function() found = Person.query:filter(Person.id:in_(list)):order_by(Person.id):all() end)
    assert.equal("{<ann>, <bob>, <cat>, <dan>, <eve>}", tostring(found))
    assert.matches("WHERE person.id IN (SELECT +value FROM json_each(?)) ORDER BY", records[1].statement, 1, true)
    assert.equal(1, #records[1].parameters)
    assert.equal("[1,2,3,", records[1].parameters[1]:sub(1, 7))
    assert.equal(0, Person.query:filter(Person.id:not_in(list)):count())
    list[3] = MANY + 1
    assert.equal("{<cat>}", tostring(Person.query:filter(Person.id:not_in(list)):all()))
    list[MANY + 1] = nil
  end)

  it("finds texts with all characters, and NULL as IN does", function()
    local names = {}
    for i = 1, 10000 do names[i] = "nobody " .. i end
    local odd = { "ann", 'q"uote', "back\\slash", "line\nbreak", "tab\t\1", "größe", "", "[1]", "null" }
    for i, name in ipairs(odd) do
      names[#names + 1] = name
      if i > 1 then db.session:add(Person{ name = name }) end
    end
    db.session:flush()
    assert.equal(#odd, Person.query:filter(Person.name:in_(names)):count())
    assert.equal(4, Person.query:filter(Person.name:not_in(names)):count())
    names[#names + 1] = mr.null
    assert.equal(#odd, Person.query:filter(Person.name:in_(names)):count())
    assert.equal(0, Person.query:filter(Person.name:not_in(names)):count())
  end)

  it("goes with further criteria, joins, updates and deletes, and in memory", function()
    local list = numbers(MANY)
    local some = Person.query:filter(Person.id:in_(list), Person.age:eq(25))
    assert.equal(2, some:count())
    assert.equal(2, some:filter(Person.id:in_{ 1, 2, 4 }, Person.id:not_in(numbers(10001)) | Person.age:eq(25)):count())
    local bob = db.session:get(Person, 2)
    assert.equal(1, #db:record(function() assert.equal(2, some:update{ score = 9 }) end))
    assert.equal(9, bob.score)
    assert.equal(2, some:delete())
    assert.equal(3, Person.query:count())
    local subquery = db.session:query(Person.id):filter(Person.id:in_(list)):subquery()
    assert.equal(3, db.session:query(subquery.c.id):count())
  end)

  it("of dates, floats and texts with zero bytes is a parameter for each, up to what the database takes", function()
    local scores = {}
    for i = 1, 10001 do scores[i] = i + 0.5 end
    local records = db:record(function()
      assert.equal("{<ann>, <bob>}", tostring(Person.query:filter(Person.score:in_(scores)):order_by(Person.id):all()))
    end)
    assert.is_true(#records[1].parameters > 10000)
    local names = { "ann", "a\0b" }
    for i = 3, 10001 do names[i] = "n" .. i end
    db.session:add(Person{ name = "a\0b" })
    assert.equal(2, Person.query:filter(Person.name:in_(names)):count())
  end)

  it("is written for a reader with its values, and for PostgreSQL as an array", function()
    local query = Person.query:filter(Person.id:in_(numbers(10001)))
    assert.matches("IN %(1, 2, 3, .*, 10001%)$", query:sql{ literals = true })
    assert.matches("person.id = ANY ($1)", query:sql{ dialect = "postgresql" }, 1, true)
    local without = Person.query:filter(Person.id:not_in(numbers(10001)))
    assert.matches("WHERE (person.id != ALL ($1))", without:sql{ dialect = "postgresql" }, 1, true)
    local mock = mr.open "mock+postgresql://"
    local Thing = mock.Model:extend("Thing", {
      id = mock.Column{ mock.Integer, primary_key = true },
      name = mock.Column{ mock.Text },
    })
    local names = { 'q"uote', "back\\slash", "line\nbreak", mr.null }
    for i = 5, 10001 do names[i] = "n" end
    local records = mock:record(function() Thing.query:filter(Thing.name:in_(names)):all() end)
    assert.equal('{"q\\"uote","back\\\\slash","line\nbreak",NULL,"n",', records[1].parameters[1]:sub(1, 47))
  end)
end)

-- Each: a kind of column, the values of its rows, the values that are looked for. One of them 10,001 times must find
-- what it finds three times.
local KINDS = {
  { "Text", { "5", "1", "true", "x" }, { "5", "x", "y" } },
  { "String", { "5", "1", "x" }, { "5", "y" } },
  { "Integer", { 5, 1, 0, math.mininteger, math.maxinteger }, { 5, 7, math.mininteger, math.maxinteger } },
  { "Float", { 5.0, 1.5 }, { 5, 1.5, 2 } },
  { "Boolean", { true, false }, { true, false } },
  { "Boolean", { true, false }, { true, false }, { storage = "Y/N" } },
  { "Numeric", { 12, 1 }, { 12, mr.decimal "12.00", 2 } },
  { "Numeric", { 12, 1 }, { 12, mr.decimal "12.00", 2 }, { storage = "scaled" } },
  { "Numeric", { 12, 1 }, { 12, mr.decimal "12.00", 2 }, { storage = "real" } },
  { "Date", { "2024-01-31", "2024-02-01" }, { "2024-01-31", mr.date(2024, 2, 1), "2025-01-01" } },
  { "Date", { "2024-01-31", "2024-02-01" }, { "2024-01-31", mr.date(2024, 2, 1) }, { storage = "unix" } },
  { "DateTime", { "2024-01-31 10:00:00" }, { "2024-01-31 10:00:00", mr.datetime "2024-01-31 10:00:00" } },
  { "DateTime", { "2024-01-31 10:00:00" }, { "2024-01-31 10:00:00" }, { storage = "unix" } },
  { "DateTime", { "2024-01-31 10:00:00" }, { "2024-01-31 10:00:00" }, { storage = "unix_ms" } },
  { "DateTime", { "2024-01-31 10:00:00" }, { "2024-01-31 10:00:00" }, { storage = "cocoa" } },
  { "DateTime", { "2024-01-31 10:00:00" }, { "2024-01-31 10:00:00" }, { storage = "julian" } },
}

-- With a collector that runs at every chance, a list of 10,001 values takes seconds: then the first of the cases stands
-- for all, and each fifth kind for its neighbours.
local function some_of(cases) return stress and { cases[1] } or cases end
local function each_fifth(kinds)
  local some = {}
  for i = 1, #kinds, stress and 5 or 1 do some[#some + 1] = kinds[i] end
  return some
end

local function repeated(value, n)
  local list = {}
  for i = 1, n do list[i] = value end
  return list
end

-- How many rows have the column in the list, and how many not; of a query that is refused, the message.
local function counted(db, id, column, value, n)
  local list, found = repeated(value, n), {}
  for i, criterion in ipairs{ "in_", "not_in" } do
    local ok, answer = pcall(function()
      return #db.session:execute(mr.select(id):where(column[criterion](column, list))):all()
    end)
    found[i] = ok and answer or tostring(answer):match "^[^\n]*"
  end
  return found
end

describe("a long list finds what a short one finds", function()
  it("in columns without a type, of each affinity", function()
    local db = mr.open "sqlite://"
    db.session:execute(mr.text "CREATE TABLE t (i INTEGER PRIMARY KEY, a TEXT, b, n NUMERIC, r REAL)")
    db.session:execute(mr.text [[INSERT INTO t VALUES (1, '5', '5', '5', 5), (2, '1', 1, 1, 1),
      (3, '5.0', 5.0, 5.0, 5.0), (4, '-9223372036854775808', '-9223372036854775808', -1, 0),
      (5, 'x', 'x', 'x', 'x'), (6, NULL, NULL, NULL, NULL)]])
    local plain = mr.table("t", mr.column "i", mr.column "a", mr.column "b", mr.column "n", mr.column "r")
    local words = mr.text "SELECT i, a, b, n, r FROM t":columns(mr.column "i", mr.column "a", mr.column "b",
      mr.column "n", mr.column "r"):subquery "words"
    for _, from in ipairs(some_of{ plain, words }) do
      for _, name in ipairs{ "i", "a", "b", "n", "r" } do
        for _, value in ipairs(some_of{ 5, 1, true, "5", "5.0", "1", "x", math.mininteger, 5.5 }) do
          local short = counted(db, from.c.i, from.c[name], value, 3)
          assert.same(short, counted(db, from.c.i, from.c[name], value, 10001), name .. " " .. tostring(value))
        end
      end
    end
    assert.same({ 1, 4 }, counted(db, plain.c.i, plain.c.a, 5, 10001))
    assert.same({ 1, 4 }, counted(db, plain.c.i, plain.c.a, true, 10001))
    assert.same({ 2, 3 }, counted(db, plain.c.i, plain.c.a + mr.literal(0), 5, 10001))
  end)

  for _, kind in ipairs(each_fifth(KINDS)) do
    local name, stored, sought, options = table.unpack(kind)
    it("in columns of " .. name .. (options and " stored as " .. options.storage or ""), function()
      local db = mr.open "sqlite://"
      local form = options and (name == "Numeric" and db.Numeric(10, 2, options) or db[name](options))
      local Thing = db.Model:extend("Thing", {
        id = db.Column{ db.Integer, primary_key = true },
        x  = db.Column{ form or db[name] },
      })
      db:create_all()
      for _, value in ipairs(stored) do db.session:add(Thing{ x = value }) end
      db.session:commit()
      -- what is sought as itself, as a number and as a text
      local values = table.move(sought, 1, #sought, 1, {})
      for _, value in ipairs{ 1, "5", 5, true } do values[#values + 1] = value end
      local any = 0
      for _, value in ipairs(some_of(values)) do
        local short = counted(db, Thing.id, Thing.x, value, 3)
        assert.same(short, counted(db, Thing.id, Thing.x, value, 10001), tostring(value))
        if short[1] == 1 then any = any + 1 end
      end
      assert.is_true(any > 0)
    end)
  end
end)

describe("an error of a long statement", function()
  it("does not print all of it, nor its values", function()
    local db, Person = people()
    local scores = {}
    for i = 1, 10001 do scores[i] = i + 0.5 end
    local e = refuse("OperationalError", "no such column", function()
      db.session:execute(mr.text("SELECT x.nope FROM person AS x WHERE '" .. ("a"):rep(100000) .. "' = 'b'"))
    end)
    assert.is_true(#tostring(e) < 4000)
    assert.matches("... (97", tostring(e), 1, true)
    assert.is_true(#e.statement > 100000)
    local _, letters = pcall(db.session.execute, db.session, mr.text("SELECT nope, '" .. ("é"):rep(9000) .. "' || 'a'"))
    assert.truthy(utf8.len(tostring(letters)))
    _, letters = pcall(db.session.execute, db.session, mr.text("SELECT nope , '" .. ("é"):rep(9000) .. "'"))
    assert.truthy(utf8.len(tostring(letters)))
    local _, long = pcall(function() Person.query:filter(Person.score:in_(scores), mr.text "nope = 1"):all() end)
    assert.is_true(#tostring(long) < 4500)
    assert.matches("nope", tostring(long), 1, true)
  end)
end)
