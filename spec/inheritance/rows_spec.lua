-- An UPDATE of a list of rows, each with its key, of a class whose objects are in several tables. Restates what
-- SQLAlchemy's test/orm/dml/test_bulk says of bulk_update_mappings of joined inheritance. (It does not look at the
-- class of the rows.)

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local staff = require "spec.support.staff"
local support = require "spec.support.models"

describe("an update of rows of a class in joined tables", function()
  local db, C
  before_each(function() db, C = staff.filled "joined" end)

  local function update(class, rows) return db.session:execute(mr.update(class), rows) end

  it("sends one batch for each table that the rows name", function()
    assert.same({ "UPDATE employee x2", "UPDATE engineer x2" }, support.writes(db, function()
      local rows = { { id = 2, name = "N", machine = "a" }, { id = 3, name = "S", machine = "b" } }
      assert.equal(2, update(C.Engineer, rows).rowcount)
    end))
    db.session:commit()
    local found = C.Engineer.query:order_by "id":all()
    assert.same({ "N", "S", "a", "b" }, { found[1].name, found[2].name, found[1].machine, found[2].machine })
    local function one(class, row) return support.writes(db, function() update(class, { row }) end) end
    assert.same({ "UPDATE engineer" }, one(C.Engineer, { id = 2, machine = "c" }))
    assert.same({ "UPDATE employee" }, one(C.Senior, { id = 3, name = "x" }))
  end)

  it("takes rows of which each names other columns", function()
    assert.same({ "UPDATE employee", "UPDATE engineer x2", "UPDATE senior" }, support.writes(db, function()
      update(C.Engineer, { { id = 2, name = "x" }, { id = 3, machine = "y" }, { id = 2, machine = "z" } })
      update(C.Senior, { { id = 3, level = 9 } })
    end))
    local sue = db.session:get(C.Senior, 3)
    assert.same({ "Sue", "y", 9 }, { sue.name, sue.machine, sue.level })
  end)

  it("gives the objects in memory what was written", function()
    local nick, sue = db.session:get(C.Engineer, 2), db.session:get(C.Senior, 3)
    assert.same({ "Nick", "lathe" }, { nick.name, sue.machine })
    update(C.Engineer, { { id = 2, name = "N" }, { id = 3, machine = "m" } })
    support.costs(db, 0, function() assert.same({ "N", "m", 3 }, { nick.name, sue.machine, sue.level }) end)
  end)

  it("refuses a row without its key, one that is gone, and a name that the class does not have", function()
    refuse("ArgumentError", "execute: the row has no value for Engineer.id: an update of rows needs the primary key of "
      .. "each", function() update(C.Engineer, { { id = 2, machine = "a" }, { machine = "b" } }) end)
    refuse("StaleDataError", "expected to update 1 row(s); 0 were matched",
      function() update(C.Manager, { { id = 2, golf = "x" } }) end)
    db.session:rollback()
    refuse("ArgumentError", "Manager has no attribute 'machine'",
      function() update(C.Manager, { { id = 4, machine = "x" } }) end)
    refuse("ArgumentError", "row 1: Engineer.machine: expected a string, got integer 5",
      function() update(C.Engineer, { { id = 2, machine = 5 } }) end)
  end)
end)

describe("an update of rows by their keys", function()
  -- The criterion that a batch of a base's column has, behind the key.
  local TOLD = {
    joined = { Engineer = "employee.kind IN ('engineer', 'senior')", Senior = "employee.kind IN ('senior')",
      Manager = "employee.kind IN ('manager')" },
  }
  TOLD.mixed, TOLD.single = TOLD.joined, TOLD.joined

  for kind, told in pairs(TOLD) do
    it("is of rows of the class alone, where only its base's columns are named: " .. kind, function()
      local db, C = staff.filled(kind)
      local ids = { Engineer = { 2, 3 }, Senior = { 3 }, Manager = { 4 } }
      for class, criterion in pairs(told) do
        local good = {}
        for i, id in ipairs(ids[class]) do
          good[id], ids[class][i] = true, { id = id, name = class .. id }
        end
        local sent = support.sent(db, function() db.session:execute(mr.update(C[class]), ids[class]) end)
        assert.equal(1, #sent)
        assert.equal("UPDATE employee SET name=? WHERE employee.id = ? AND " .. criterion, sent[1][1])
        for id = 1, 5 do
          if not good[id] then
            refuse("StaleDataError", "expected to update 1 row(s); 0 were matched: a row is gone, or is none of "
              .. class, function() db.session:execute(mr.update(C[class]), { { id = id, name = "bad" } }) end)
          end
        end
        db.session:rollback()
      end
      assert.equal("Eve Nick Sue Max", support.words(C.Employee.query:order_by "id":all(), "name"))
    end)
  end

  it("is of rows of a class that shares the table of the class between", function()
    local db, C = staff.filled "mixed"
    local function update(row) return db.session:execute(mr.update(C.Senior), { row }) end
    assert.equal(1, update{ id = 3, machine = "m", level = 4 }.rowcount)
    refuse("StaleDataError", "or is none of Senior", update, { id = 2, machine = "m" })
    db.session:rollback()
    assert.equal("drill", db.session:get(C.Engineer, 2).machine)
    local sent = support.sent(db, function() update{ id = 3, machine = "n" } end)
    assert.equal(1, #sent)
    assert.truthy(sent[1][1]:find("UPDATE engineer SET machine=? WHERE engineer.id = ? AND (EXISTS (SELECT 1 FROM "
      .. "employee AS employee_1 JOIN engineer AS engineer_1 ON", 1, true))
    assert.truthy(sent[1][1]:find("employee_1.kind IN (?)", 1, true))
  end)

  it("is of rows of the class where no column tells the classes apart", function()
    local db = mr.open "sqlite://"
    local Base = db.Model:extend("Base", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9) } })
    local Sub = Base:extend("Sub", { id = db.Column{ db.Integer, db.ForeignKey "base.id", primary_key = true },
      size = db.Column{ db.Integer } })
    db:create_all()
    db.session:add_all{ Base{ id = 1, name = "a" }, Sub{ id = 2, name = "b", size = 1 } }
    db.session:commit()
    local sent = support.sent(db, function()
      assert.equal(1, db.session:execute(mr.update(Sub), { { id = 2, name = "B" } }).rowcount)
    end)
    assert.equal("UPDATE base SET name=? WHERE base.id = ? AND (EXISTS (SELECT 1 FROM base AS base_1 JOIN sub AS sub_1 "
      .. "ON base_1.id = sub_1.id WHERE base_1.id = base.id))", sent[1][1])
    refuse("StaleDataError", "a row is gone, or is none of Sub",
      function() db.session:execute(mr.update(Sub), { { id = 1, name = "A" } }) end)
    db.session:rollback()
    assert.equal(1, db.session:execute(mr.update(Base), { { id = 2, name = "C" } }).rowcount)
  end)
end)

describe("an update of rows of a versioned class in joined tables", function()
  local db, C
  before_each(function()
    local function version(of) return { version = of.Column{ of.Integer, nullable = false } } end
    db, C = staff.filled("joined", { Employee = { version_id_col = "version" } }, { Employee = version })
  end)

  local function update(class, rows) return db.session:execute(mr.update(class), rows) end

  it("finds each row by its version, which rises with a change of any table", function()
    local list = support.sent(db, function()
      assert.equal(2, update(C.Engineer, { { id = 2, version = 1, name = "N" },
        { id = 3, version = 1, machine = "m" } }).rowcount)
    end)
    assert.equal("UPDATE employee SET version=?, name=? WHERE employee.id = ? AND employee.version = ? AND "
      .. "employee.kind IN ('engineer', 'senior')",
      (list[1][1]:gsub("SET name=%?, version=%?", "SET version=?, name=?")))
    db.session:commit()
    local found = C.Employee.query:order_by "id":all()
    assert.same({ 1, 2, 2, 1 }, support.values(found, "version"))
    assert.same({ "Eve", "N", "Sue", "Max" }, support.values(found, "name"))
    assert.same({ "drill", "m" }, { found[2].machine, found[3].machine })
    db.session:refresh(found[3])
    found[3].name = "S" -- the object goes on from there
    db.session:commit()
    assert.equal(3, found[3].version)
  end)

  it("refuses a row of an older version, of another class, and one without a version; nothing is written", function()
    for _, row in ipairs{ { id = 2, version = 7, machine = "x" }, { id = 2, version = 7, name = "x" },
      { id = 1, version = 1, name = "x" } } do
      refuse("StaleDataError", "or is none of Engineer", update, C.Engineer, { row })
      db.session:rollback()
    end
    refuse("ArgumentError", "the row has no value for Engineer.version: an update of rows needs the version that each "
      .. "was read with", update, C.Engineer, { { id = 2, name = "x" } })
    assert.equal("Eve Nick Sue Max", support.words(C.Employee.query:order_by "id":all(), "name"))
    assert.equal("drill", db.session:get(C.Engineer, 2).machine)
  end)
end)
