-- Results in parts: some of the columns, and some rows at a time. Restates cases of test/base/test_result.py.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local people = require "spec.support.people"

describe("the columns of a result", function()
  local db, Person, rows

  before_each(function()
    db, Person = people()
    rows = mr.select(Person.id, Person.name, Person.age):order_by(Person.id)
  end)

  it("are chosen by name and by number, in any order", function()
    local result = db.session:execute(rows):columns("age", 1)
    assert.same({ "age", "id" }, result:keys())
    local first = result:first()
    assert.same({ 30, 1, 2 }, { first.age, first.id, #first })
    assert.equal(30, first[1])
    refuse("ArgumentError", "'name'", function() return first.name end)
  end)

  it("are chosen again from what was chosen, and go with the other forms", function()
    assert.equal("(30)", tostring(db.session:execute(rows):columns("name", "age"):columns(2):first()))
    assert.same({ "age" }, db.session:execute(rows):columns("name", "age"):columns "age":keys())
    assert.same({ age = 30 }, db.session:execute(rows):columns("age"):mappings():first())
    assert.equal("{30, 25, 35, 25, null}", tostring(db.session:execute(rows):columns("name", "age"):scalars(2):all()))
    assert.equal(30, db.session:execute(rows):columns("age"):scalar())
    local seen = {}
    for row in db.session:execute(rows):columns("name"):iter() do seen[#seen + 1] = row.name end
    assert.equal("ann bob cat dan eve", table.concat(seen, " "))
  end)

  it("of a statement with RETURNING, too, and of long texts", function()
    local long = ("x"):rep(50)
    local made = mr.insert(Person):values{ name = long }:returning(Person.id, Person.name, Person.age)
    local row = db.session:execute(made):columns("name", "age"):one()
    assert.equal(long, row.name)
    assert.is_nil(row.age)
  end)

  it("that there are not are refused, and single values have none", function()
    refuse("ArgumentError", "'nam'", function() db.session:execute(rows):columns "nam" end)
    refuse("ArgumentError", { "3 columns", "4" }, function() db.session:execute(rows):columns(4) end)
    refuse("ArgumentError", { "1 column", "2" }, function() db.session:execute(rows):columns(1):columns(2) end)
    refuse("ArgumentError", "names or numbers", function() db.session:execute(rows):columns() end)
    refuse("ArgumentError", "number", function() db.session:execute(rows):columns(1.5) end)
    refuse("InvalidRequestError", "single values", function() db.session:execute(rows):scalars():columns(1) end)
    refuse("InvalidRequestError", "no rows", function() db.session:execute(mr.delete(Person)):columns(1) end)
  end)

  it("as tuples are the rows themselves", function()
    assert.equal('{(1, "ann", 30)}', tostring(db.session:execute(rows:limit(1)):tuples():all()))
  end)
end)

describe("the partitions of a result", function()
  local db, Person

  before_each(function() db, Person = people() end)

  local function sizes(result, n)
    local out = {}
    for part in result:partitions(n) do out[#out + 1] = #part end
    return table.concat(out, " ")
  end

  it("have n rows each, and the last one what is left", function()
    local function run() return db.session:execute(mr.select(Person.id)) end
    assert.equal("2 2 1", sizes(run(), 2))
    assert.equal("5", sizes(run(), 5))
    assert.equal("5", sizes(run(), 9))
    assert.equal("", sizes(db.session:execute(mr.select(Person.id):where(Person.id:eq(9))), 2))
    assert.equal("2 2 1", sizes(run():scalars(), 2))
    assert.equal("2 2 1", sizes(db.session:execute(mr.select(Person)):scalars(), 2))
  end)

  it("are read in one statement, and break closes the result", function()
    local result
    local records = db:record(function()
      result = db.session:execute(mr.select(Person.id))
      for part in result:partitions(2) do
        if part[1].id == 1 then break end
      end
    end)
    assert.equal(1, #records)
    refuse("InvalidRequestError", "closed", function() result:fetchone() end)
  end)

  it("have at least one row", function()
    for _, wrong in ipairs{ 0, -1, 1.5, "2" } do
      refuse("ArgumentError", "partitions", function() db.session:execute(mr.select(Person.id)):partitions(wrong) end)
    end
  end)
end)
