-- An UPDATE of a list of rows, each with its key, of a class whose objects are in several tables. Restates what
-- SQLAlchemy's test/orm/dml/test_bulk says of bulk_update_mappings of joined inheritance.

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
