-- Statements in a session: select, insert, update, delete and text; their results and rows.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local people = require "spec.support.people"

local function names(list) return support.words(list, "name") end

describe("select", function()
  local db, Person

  before_each(function() db, Person = people() end)

  it("gives rows that hold entities", function()
    local rows
    local texts = support.statements(db, function()
      rows = db.session:execute(mr.select(Person):where(Person.age:eq(25)):order_by(Person.id)):all()
    end)
    assert.same({ "SELECT person.id, person.name, person.age, person.score, person.active FROM person "
      .. "WHERE person.age = ? ORDER BY person.id" }, texts)
    assert.equal(2, #rows)
    assert.equal("bob", rows[1].Person.name)
    assert.is_true(rawequal(Person.query:get(2), rows[1][1]))
  end)

  it("gives rows of columns", function()
    local texts = support.statements(db, function()
      local rows = db.session:execute(mr.select(Person.name, Person.age):where(Person.id:le(2))):all()
      assert.equal("ann bob", names(rows))
      assert.equal(25, rows[2].age)
    end)
    assert.same({ "SELECT person.name, person.age FROM person WHERE person.id <= ?" }, texts)
  end)

  it("gives scalars: entities or values", function()
    assert.equal("ann bob", names(db.session:scalars(mr.select(Person):order_by(Person.id):limit(2)):all()))
    local ages = db.session:scalars(mr.select(Person.age):order_by(Person.id)):all()
    assert.equal(5, #ages)
    assert.equal(30, ages[1])
    assert.equal(mr.null, ages[5])
  end)

  it("gives a scalar", function()
    assert.equal(30, db.session:scalar(mr.select(Person.age):where(Person.name:eq "ann")))
    assert.is_nil(db.session:scalar(mr.select(Person.age):where(Person.name:eq "zoe")))
    assert.equal(5, db.session:scalar(mr.select(mr.func.count(Person.id))))
    assert.equal("ann", db.session:scalar(mr.select(Person):where(Person.id:eq(1))).name)
  end)

  it("takes the words of a query", function()
    local statement = mr.select(Person):filter_by{ age = 25 }:order_by(Person.id:desc()):limit(1):offset(1)
    assert.equal("bob", db.session:scalars(statement):one().name)
    local prefix = mr.select(Person)
    assert.equal(2, #db.session:scalars(prefix:where(Person.age:eq(25))):all())
    assert.equal(5, #db.session:scalars(prefix):all())
    assert.equal("SELECT person.name FROM person WHERE person.id > ?",
      tostring(mr.select(Person.name):where(Person.id:gt(1))))
  end)

  it("sees what is pending", function()
    db.session:add(Person{ name = "fay" })
    assert.equal(6, #db.session:scalars(mr.select(Person)):all())
  end)

  it("works over tables", function()
    local person = Person.__table
    local rows = db.session:execute(mr.select(person):where(person.c.age:eq(25)):order_by(person.c.id)):all()
    assert.equal("bob dan", names(rows))
    assert.equal(25, rows[1].age)
    assert.equal(0, #db.session.identity_map)
  end)

  it("refuses nothing, nil and what is no column", function()
    refuse("ArgumentError", "select", function() return db.session:execute(mr.select()):all() end)
    refuse("ArgumentError", "nil", function() return mr.select(nil) end)
    refuse("ArgumentError", "nil", function() return mr.select(Person.id, nil) end)
    refuse("ArgumentError", "", function() return mr.select(Person):where(nil) end)
    refuse("ArgumentError", { "'wehre'", "did you mean 'where'?" }, function()
      return mr.select(Person):wehre()
    end)
    refuse("ArgumentError", "execute", function() return db.session:execute(nil) end)
    refuse("ArgumentError", "execute", function() return db.session:execute(Person) end)
    assert.equal(5, Person.query:count())
  end)
end)

describe("a result", function()
  local db, Person

  before_each(function() db, Person = people() end)

  local function result() return db.session:execute(mr.select(Person.id, Person.name):order_by(Person.id)) end

  it("gives all, the first, the one", function()
    assert.equal("ann bob cat dan eve", names(result():all()))
    assert.equal("ann", result():first().name)
    refuse("MultipleResultsFound", "", function() return result():one() end)
    refuse("MultipleResultsFound", "", function() return result():one_or_none() end)
    local none = mr.select(Person.id):where(Person.id:eq(99))
    assert.is_nil(db.session:execute(none):first())
    assert.is_nil(db.session:execute(none):one_or_none())
    refuse("NoResultFound", "", function() return db.session:execute(none):one() end)
    assert.equal(1, result():scalar())
    assert.same({ 1, 2, 3, 4, 5 }, { table.unpack(result():scalars():all()) })
  end)

  it("is iterated", function()
    local seen = {}
    for row in result():iter() do seen[#seen + 1] = row end
    assert.equal("ann bob cat dan eve", names(seen))
    for row in result():iter() do -- luacheck: ignore 512
      assert.equal("ann", row.name)
      break
    end
    db.session:add(Person{ name = "fay" })
    db.session:commit()
    assert.equal(6, Person.query:count())
  end)
end)

describe("a write", function()
  local db, Person

  before_each(function() db, Person = people() end)

  it("inserts values, and returns what the database made", function()
    local records = db:record(function()
      db.session:execute(mr.insert(Person):values{ name = "fay", age = 20 })
    end)
    assert.equal(1, #records)
    assert.equal("INSERT INTO person (name, age) VALUES (?, ?)", records[1].statement)
    assert.same({ "fay", 20 }, records[1].parameters)
    db.session:commit()
    assert.equal(20, Person.query:filter_by{ name = "fay" }:one().age)
  end)

  it("inserts a list of rows in one batch", function()
    local records = db:record(function()
      db.session:execute(mr.insert(Person), { { name = "fay", age = 1 }, { name = "gus", age = 2 } })
    end)
    assert.equal(1, #records)
    db.session:commit()
    assert.equal(7, Person.query:count())
    assert.equal(2, Person.query:filter_by{ name = "gus" }:one().age)
  end)

  it("updates and deletes by criterion, and says how many", function()
    local updated = db.session:execute(mr.update(Person):where(Person.age:eq(25)):values{ age = 26 })
    assert.equal(2, updated.rowcount)
    assert.equal(1, db.session:execute(mr.delete(Person):where(Person.name:eq "ann")).rowcount)
    db.session:commit()
    assert.equal(4, Person.query:count())
    assert.equal(2, Person.query:filter_by{ age = 26 }:count())
  end)

  it("is undone by a rollback, and by leaving the session", function()
    db.session:execute(mr.delete(Person))
    assert.equal(0, Person.query:count())
    db.session:rollback()
    assert.equal(5, Person.query:count())
    db.session:execute(mr.text "DELETE FROM person")
    db.session:remove()
    assert.equal(5, Person.query:count())
  end)

  it("refuses unknown columns and wrong values, and the session goes on", function()
    refuse("ArgumentError", { "'nmae'", "did you mean 'name'?" }, function()
      db.session:execute(mr.insert(Person):values{ nmae = "x" })
    end)
    refuse("ArgumentError", { "age", "expected an integer" }, function()
      db.session:execute(mr.insert(Person):values{ name = "x", age = "old" })
    end)
    refuse("ArgumentError", "age", function()
      db.session:execute(mr.update(Person):where(Person.id:eq(1)):values{ age = "old" })
    end)
    refuse("ArgumentError", "", function() return mr.delete(Person):where(nil) end)
    db.session:rollback()
    assert.equal(5, Person.query:count())
  end)
end)
