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
    assert.matches("WHERE person.id IN (SELECT value FROM json_each(?)) ORDER BY", records[1].statement, 1, true)
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
