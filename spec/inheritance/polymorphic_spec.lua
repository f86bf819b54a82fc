-- What a query of a base class reads of its subclasses: with_polymorphic, selectin_polymorphic, polymorphic_load,
-- of_type; in one table, in joined tables, and mixed.
-- Restates SQLAlchemy's test/orm/inheritance/test_polymorphic_rel, test_poly_loading, test_with_poly and
-- test/orm/test_of_type.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local staff = require "spec.support.staff"
local support = require "spec.support.models"

local EVERYBODY = "Employee Eve, Engineer Nick, Senior Sue, Manager Max"

-- Asserts that nothing more is read for what the subclasses add.
local function is_loaded(db, list)
  support.costs(db, 0, function()
    assert.same({ "drill", "lathe", 3, "9 holes" }, { list[2].machine, list[3].machine, list[3].level, list[4].golf })
  end)
end

for _, kind in ipairs{ "single", "joined", "mixed" } do
  describe("a base class with subclasses (" .. kind .. ")", function()
    local db, C
    before_each(function() db, C = staff.filled(kind) end)

    describe("with_polymorphic", function()
      it("reads what all subclasses add, in one statement", function()
        local any = mr.with_polymorphic(C.Employee, "*")
        local all = support.costs(db, 1, function()
          return db.session:query(any):order_by(any.id):all()
        end) and db.session:query(any):order_by(any.id):all()
        assert.equal(EVERYBODY, staff.names(all))
        is_loaded(db, all)
      end)

      it("reads what the listed subclasses add, and leaves the others for later", function()
        local any = mr.with_polymorphic(C.Employee, { C.Engineer })
        local all = db.session:query(any):order_by(any.id):all()
        assert.equal(EVERYBODY, staff.names(all))
        support.costs(db, 0, function() assert.same({ "drill", "lathe" }, { all[2].machine, all[3].machine }) end)
        support.costs(db, 1, function() assert.equal(3, all[3].level) end)
        support.costs(db, 1, function() assert.equal("9 holes", all[4].golf) end)
      end)

      it("lets criteria and orders name attributes of the subclasses", function()
        local any = mr.with_polymorphic(C.Employee, { C.Engineer, C.Manager })
        local q = db.session:query(any):filter(any.Engineer.machine:eq "drill" | any.Manager.golf:eq "9 holes")
        assert.equal("Manager Max, Engineer Nick", staff.names(q:order_by(any.name):all()))
        assert.equal(2, q:count())
        assert.equal("Employee Eve, Manager Max, Engineer Nick, Senior Sue",
          staff.names(db.session:query(any):order_by(any.Engineer.machine, any.name):all()))
      end)

      it("may stand beside the class itself, under names of its own", function()
        local any = mr.with_polymorphic(C.Employee, { C.Senior }, { aliased = true })
        local found = db.session:query(C.Employee, any):filter(any.Senior.level:gt(1), C.Employee.name:eq "Eve"):one()
        assert.equal("Employee Eve, Senior Sue", staff.names{ found[1], found[2] })
        local named = mr.with_polymorphic(C.Employee, "*", { name = "x" })
        local employee = kind == "single" and "employee AS x" or "employee AS x_employee"
        assert.truthy(tostring(db.session:query(named)):find(employee, 1, true))
        assert.equal(4, db.session:query(named):count())
      end)

      it("makes a limit, a union and a subquery of it work", function()
        local any = mr.with_polymorphic(C.Employee, "*")
        local all = db.session:query(any):order_by(any.id):limit(2):offset(2):all()
        assert.equal("Senior Sue, Manager Max", staff.names(all))
        local names = db.session:query(any.name, any.Engineer.machine):order_by(any.id):all()
        assert.same({ "Nick", "drill" }, { names[2][1], names[2][2] })
        assert.equal(2, db.session:query(any):filter(any.id:in_(mr.select(C.Engineer.id))):count())
      end)

      it("may be the right side of an outer join that is written as a FROM object", function()
        db.session:add(C.Company{ name = "empty" })
        db.session:commit()
        local on = C.Engineer.company_id:eq(C.Company.id)
        for _, right in ipairs{ C.Engineer, mr.aliased(C.Engineer) } do
          if right ~= C.Engineer then on = right.company_id:eq(C.Company.id) end
          local q = db.session:query(C.Company.name, right):select_from(mr.outerjoin(C.Company, right, on))
          local names = {}
          for _, row in ipairs(q:order_by(C.Company.id, right.id):all()) do
            names[#names + 1] = row[1] .. " " .. (row[2] and row[2].name or "-")
          end
          assert.equal("acme Nick, acme Sue, empty -", table.concat(names, ", "))
        end
      end)

      it("is joined from, and loaded eagerly from", function()
        local any = mr.with_polymorphic(C.Employee, "*", { aliased = true })
        assert.equal(4, db.session:query(any):join(any.company):filter(C.Company.name:eq "acme"):count())
        local all = db.session:query(any):options(mr.joinedload(any.company)):order_by(any.id):all()
        support.costs(db, 0, function() assert.equal("acme", all[4].company.name) end)
        is_loaded(db, all)
      end)

      it("gives objects in memory what they have not loaded yet", function()
        local all = C.Employee.query:order_by(C.Employee.id):all()
        local any = mr.with_polymorphic(C.Employee, "*")
        db.session:query(any):all()
        is_loaded(db, all)
      end)

      it("is refused for what is no subclass, and without one", function()
        refuse("ArgumentError", { "with_polymorphic: Company is no subclass of Employee" },
          mr.with_polymorphic, C.Employee, { C.Company })
        refuse("ArgumentError", { "with_polymorphic", "a list of subclasses" }, mr.with_polymorphic, C.Employee, "all")
        refuse("ArgumentError", { "with_polymorphic", "subclasses of Employee" }, mr.with_polymorphic, C.Employee, {})
        local any = mr.with_polymorphic(C.Employee, { C.Engineer })
        refuse("ArgumentError", { "Employee has no attribute 'golf'" }, function() return any.golf end)
      end)
    end)

    describe("selectin_polymorphic", function()
      it("reads what subclasses add by one more statement for each class of objects", function()
        local all
        support.costs(db, 3, function()
          all = C.Employee.query:options(mr.selectin_polymorphic(C.Employee, { C.Engineer, C.Manager }))
            :order_by(C.Employee.id):all()
        end)
        support.costs(db, 0, function()
          assert.same({ "drill", "lathe", "9 holes" }, { all[2].machine, all[3].machine, all[4].golf })
        end)
        support.costs(db, 1, function() assert.equal(3, all[3].level) end)
      end)

      it("reads an object with the most special class that is listed", function()
        local all
        support.costs(db, 4, function()
          all = C.Employee.query:options(mr.selectin_polymorphic(C.Employee, "*")):order_by(C.Employee.id):all()
        end)
        is_loaded(db, all)
      end)

      it("asks for no class without objects, and for nothing that is loaded", function()
        local max = C.Manager.query:one()
        support.costs(db, 1, function()
          C.Employee.query:options(mr.selectin_polymorphic(C.Employee, { C.Manager })):filter_by{ name = "Max" }:all()
        end)
        assert.equal("9 holes", max.golf)
        support.costs(db, 1, function()
          C.Employee.query:options(mr.selectin_polymorphic(C.Employee, "*")):filter_by{ name = "Eve" }:all()
        end)
      end)

      it("is refused on a query that loads none of its class", function()
        refuse("ArgumentError", { "selectin_polymorphic", "Employee", "Company" }, function()
          C.Company.query:options(mr.selectin_polymorphic(C.Employee, { C.Manager })):all()
        end)
      end)

      it("goes on behind a path", function()
        local acme
        support.costs(db, 3, function()
          acme = C.Company.query:options(mr.selectinload(C.Company.employees)
            :selectin_polymorphic(C.Employee, { C.Manager })):one()
        end)
        support.costs(db, 0, function() assert.equal("9 holes", acme.employees[4].golf) end)
        db.session:remove()
        support.costs(db, 2, function()
          acme = C.Company.query:options(mr.joinedload(C.Company.employees):selectin_polymorphic{ C.Manager }):one()
        end)
        support.costs(db, 0, function() assert.equal("9 holes", acme.employees[4].golf) end)
      end)

      it("works for many objects, with yield_per, and for get", function()
        local list = {}
        for i = 1, 1100 do list[i] = C.Engineer{ name = "E" .. i, machine = "m" .. i } end
        db.session:add_all(list)
        db.session:commit()
        db.session:remove()
        local option = mr.selectin_polymorphic(C.Employee, { C.Engineer })
        support.costs(db, 4, function()
          local all = C.Employee.query:options(option):order_by(C.Employee.id):all()
          assert.equal("m1000", all[1004].machine)
        end)
        db.session:remove()
        local n = 0
        local q = C.Employee.query:options(option):filter(C.Employee.id:gt(4)):order_by(C.Employee.id)
        for e in q:yield_per(100):iter() do
          n = n + 1
          assert.equal("m" .. n, e.machine)
        end
        assert.equal(1100, n)
        db.session:remove()
        support.costs(db, 2, function()
          assert.equal("drill", db.session:get(C.Employee, 2, { options = { option } }).machine)
        end)
      end)
    end)

    describe("of_type", function()
      it("in an eager load reads what the subclass adds, and keeps the objects of all classes", function()
        local costs = { joinedload = 1, selectinload = 2, subqueryload = 2 }
        for option, n in pairs(costs) do
          db.session:remove()
          local acme
          support.costs(db, n, function()
            acme = C.Company.query:options(mr[option](C.Company.employees:of_type(C.Engineer))):one()
          end)
          assert.equal(EVERYBODY, staff.names(acme.employees), option)
          support.costs(db, 0, function()
            assert.same({ "drill", "lathe" }, { acme.employees[2].machine, acme.employees[3].machine })
          end)
          support.costs(db, 1, function() assert.equal("9 holes", acme.employees[4].golf) end)
        end
      end)

      it("takes with_polymorphic, for several classes", function()
        for _, option in ipairs{ "joinedload", "selectinload", "subqueryload" } do
          db.session:remove()
          local any = mr.with_polymorphic(C.Employee, "*")
          local acme = C.Company.query:options(mr[option](C.Company.employees:of_type(any))):one()
          assert.equal(EVERYBODY, staff.names(acme.employees), option)
          is_loaded(db, acme.employees)
        end
      end)

      it("narrows a join to the subclass, or to an alias of it", function()
        local join = function(target) return db.session:query(C.Company):join(C.Company.employees:of_type(target)) end
        assert.equal(1, join(C.Engineer):filter(C.Engineer.machine:eq "lathe"):count())
        assert.equal(0, join(C.Manager):filter(C.Manager.name:eq "Sue"):count())
        local e, other = mr.aliased(C.Engineer), mr.aliased(C.Senior)
        assert.equal(1, join(e):filter(e.machine:eq "drill"):count())
        assert.equal(1, join(e):join(C.Company.employees:of_type(other)):filter(e.machine:eq "drill",
          other.level:eq(3)):count())
        local any = mr.with_polymorphic(C.Employee, { C.Engineer, C.Manager }, { aliased = true })
        assert.equal(2, #db.session:query(C.Company.id, any.id):join(C.Company.employees:of_type(any))
          :filter(any.Engineer.machine:eq "drill" | any.Manager.golf:eq "9 holes"):all())
        assert.equal(1, db.session:query(C.Company):outerjoin(C.Company.employees:of_type(C.Senior)):count())
      end)

      it("narrows any and has", function()
        local with = function(criterion) return db.session:query(C.Company):filter(criterion):count() end
        assert.equal(1, with(C.Company.employees:of_type(C.Engineer):any(C.Engineer.machine:eq "drill")))
        assert.equal(1, with(C.Company.employees:of_type(C.Engineer):any{ machine = "drill", name = "Nick" }))
        assert.equal(0, with(C.Company.employees:of_type(C.Manager):any(C.Manager.name:eq "Nick")))
        assert.equal(1, with(C.Company.employees:of_type(C.Senior):any()))
        local any = mr.with_polymorphic(C.Employee, "*", { aliased = true })
        local either = any.Engineer.machine:eq "none" | any.Manager.golf:eq "9 holes"
        assert.equal(1, with(C.Company.employees:of_type(any):any(either)))
        local e = mr.aliased(C.Engineer)
        assert.equal(1, with(C.Company.employees:of_type(e):any(e.machine:eq "drill")))
        refuse("ArgumentError", { "of_type: Company is no Employee" }, function()
          C.Company.employees:of_type(C.Company)
        end)
      end)

      it("takes an object of its class for contains, and refuses another", function()
        local nick, max = C.Engineer.query:filter_by{ name = "Nick" }:one(), C.Manager.query:one()
        local employees = C.Company.employees
        for _, of in ipairs{ C.Engineer, C.Employee, mr.aliased(C.Engineer), mr.with_polymorphic(C.Employee, "*") } do
          assert.equal("acme", C.Company.query:filter(employees:of_type(of):contains(nick)):one().name)
        end
        refuse("ArgumentError", { "Company.employees:of_type(Engineer):contains", "Manager" },
          function() return employees:of_type(C.Engineer):contains(max) end)
        local other = mr.aliased(C.Engineer)
        refuse("ArgumentError", "Manager", function() return employees:of_type(other):contains(max) end)
      end)

      it("lets contains_eager fill the list with what the query has joined", function()
        local acme = C.Company.query:join(C.Company.employees:of_type(C.Engineer))
          :options(mr.contains_eager(C.Company.employees:of_type(C.Engineer))):order_by(C.Engineer.id):one()
        assert.equal("Engineer Nick, Senior Sue", staff.names(acme.employees))
        support.costs(db, 0, function() assert.equal("lathe", acme.employees[2].machine) end)
        db.session:remove()
        local any = mr.with_polymorphic(C.Employee, "*", { aliased = true })
        acme = C.Company.query:join(C.Company.employees:of_type(any))
          :options(mr.contains_eager(C.Company.employees:of_type(any))):order_by(any.id):one()
        assert.equal(EVERYBODY, staff.names(acme.employees))
        is_loaded(db, acme.employees)
      end)
    end)
  end)

  describe("polymorphic_load (" .. kind .. ")", function()
    it("inline reads what the class adds with each query of the base", function()
      local db, C = staff.filled(kind, { Engineer = { polymorphic_load = "inline" },
        Manager = { polymorphic_load = "inline" } })
      local all = C.Employee.query:order_by(C.Employee.id):all()
      support.costs(db, 0, function()
        assert.same({ "drill", "lathe", "9 holes" }, { all[2].machine, all[3].machine, all[4].golf })
      end)
      support.costs(db, 1, function() assert.equal(3, all[3].level) end)
      db.session:remove()
      support.costs(db, 1, function() assert.equal("9 holes", db.session:get(C.Employee, 4).golf) end)
      db.session:remove()
      for _, option in ipairs{ "joinedload", "selectinload", "lazyload" } do
        db.session:remove()
        local acme = C.Company.query:options(mr[option](C.Company.employees)):one()
        assert.equal(EVERYBODY, staff.names(acme.employees))
        support.costs(db, 0, function() assert.equal("9 holes", acme.employees[4].golf) end)
      end
      assert.equal(4, C.Employee.query:count())
      assert.equal(1, C.Company.query:join(C.Company.employees):filter(C.Employee.name:eq "Max"):count())
      assert.equal(1, C.Employee.query:filter_by{ name = "Max" }:update{ name = "Moe" })
    end)

    it("selectin reads it by one more statement for each class", function()
      local db, C = staff.filled(kind, { Engineer = { polymorphic_load = "selectin" },
        Manager = { polymorphic_load = "selectin" } })
      local all
      support.costs(db, 3, function() all = C.Employee.query:order_by(C.Employee.id):all() end)
      support.costs(db, 0, function() assert.same({ "drill", "9 holes" }, { all[2].machine, all[4].golf }) end)
      db.session:remove()
      support.costs(db, 4, function() C.Company.query:options(mr.selectinload(C.Company.employees)):one() end)
    end)

    it("is 'with_polymorphic = \"*\"' for all classes below", function()
      local db, C = staff.filled(kind, { Employee = { with_polymorphic = "*" } })
      local all
      support.costs(db, 1, function() all = C.Employee.query:order_by(C.Employee.id):all() end)
      is_loaded(db, all)
      assert.equal("Engineer Nick, Senior Sue", staff.names(C.Engineer.query:order_by(C.Engineer.id):all()))
      local e = mr.aliased(C.Employee)
      db.session:remove()
      is_loaded(db, db.session:query(e):order_by(e.id):all())
    end)
  end)
end

describe("relationships of a subclass", function()
  local function shops(kind, lazy)
    local db, C = staff.declare(kind, nil, {
      Engineer = function(db)
        return { tools = db.relationship{ "Tool", back_populates = "engineer", lazy = lazy, order_by = "Tool.id" } }
      end,
    })
    C.Tool = db.Model:extend("Tool", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(10) },
      engineer_id = db.Column{ db.Integer, db.ForeignKey(kind == "single" and "employee.id" or "engineer.id") },
      engineer = db.relationship{ "Engineer", back_populates = "tools" },
    })
    db:create_all()
    staff.fill(db, C)
    db.session:get(C.Employee, 2).tools:append(C.Tool{ name = "bit" })
    db.session:get(C.Employee, 3).tools:append(C.Tool{ name = "belt" })
    db.session:commit()
    db.session:remove()
    return db, C
  end

  for _, kind in ipairs{ "single", "joined" } do
    it("are loaded with the objects that have them (" .. kind .. ")", function()
      local db, C = shops(kind)
      assert.equal("Sue", db.session:query(C.Tool):filter_by{ name = "belt" }:one().engineer.name)
      db.session:remove()
      local all
      support.costs(db, 2, function()
        all = C.Employee.query:options(mr.selectinload(C.Engineer.tools)):order_by(C.Employee.id):all()
      end)
      support.costs(db, 0, function() assert.equal("bit", all[2].tools[1].name) end)
      db.session:remove()
      local any = mr.with_polymorphic(C.Employee, { C.Engineer })
      support.costs(db, 1, function()
        all = db.session:query(any):options(mr.joinedload(any.Engineer.tools)):order_by(any.id):all()
      end)
      support.costs(db, 0, function() assert.equal("belt", all[3].tools[1].name) end)
      assert.equal(EVERYBODY, staff.names(all))
      db.session:remove()
      support.costs(db, 3, function()
        local acme = C.Company.query:options(mr.selectinload(C.Company.employees:of_type(C.Engineer))
          :selectinload(C.Engineer.tools)):one()
        all = acme.employees
      end)
      support.costs(db, 0, function() assert.equal("belt", all[3].tools[1].name) end)
      db.session:remove()
      support.costs(db, 1, function()
        local acme = C.Company.query:options(mr.joinedload(C.Company.employees:of_type(C.Engineer))
          :joinedload(C.Engineer.tools)):one()
        all = acme.employees
      end)
      support.costs(db, 0, function()
        assert.same({ "bit", "belt" }, { all[2].tools[1].name, all[3].tools[1].name })
      end)
    end)

    it("are asked by any and has, and joined (" .. kind .. ")", function()
      local db, C = shops(kind)
      assert.equal("Engineer Nick", staff.names(C.Engineer.query:filter(C.Engineer.tools:any{ name = "bit" }):all()))
      assert.equal("Senior Sue", staff.names(C.Senior.query:join(C.Senior.tools):filter(C.Tool.name:eq "belt"):all()))
      assert.equal(1, C.Tool.query:filter(C.Tool.engineer:has{ name = "Nick" }):count())
      assert.equal(1, C.Tool.query:join(C.Tool.engineer):filter(C.Engineer.machine:eq "lathe"):count())
      local q = db.session:query(C.Company):join(C.Company.employees:of_type(C.Engineer)):join(C.Engineer.tools)
      assert.equal(1, q:filter(C.Tool.name:eq "bit"):count())
      local nick = db.session:get(C.Engineer, 2)
      assert.equal(1, C.Tool.query:filter(C.Tool.engineer:eq(nick)):count())
      assert.equal(1, C.Tool.query:with_parent(nick, C.Engineer.tools):count())
      support.costs(db, 0, function()
        return C.Tool.query:filter_by{ name = "bit" }:options(mr.lazyload(C.Tool.engineer))
      end)
    end)

    it("with lazy = selectin follow a query of the base (" .. kind .. ")", function()
      local db, C = shops(kind, "selectin")
      local all
      support.costs(db, 2, function() all = C.Employee.query:order_by(C.Employee.id):all() end)
      support.costs(db, 0, function() assert.equal("bit", all[2].tools[1].name) end)
    end)

    it("give a reference nil where its row is of another class (" .. kind .. ")", function()
      local db, C = shops(kind)
      if kind == "single" then
        db.session:execute(mr.text "UPDATE tool SET engineer_id = 4 WHERE name = 'bit'")
        db.session:commit()
        local max = db.session:get(C.Employee, 4)
        assert.is_nil(C.Tool.query:filter_by{ name = "bit" }:one().engineer)
        db.session:remove()
        assert.is_nil(C.Tool.query:options(mr.selectinload(C.Tool.engineer)):filter_by{ name = "bit" }:one().engineer)
        assert.truthy(max)
      end
      refuse("ArgumentError", { "Tool.engineer" }, function() C.Tool{ engineer = C.Manager{} } end)
    end)
  end
end)

for _, kind in ipairs{ "single", "joined", "mixed" } do
  describe("an object of the base that is merged onto one of a subclass (" .. kind .. ")", function()
    local db, C
    before_each(function() db, C = staff.filled(kind) end)

    it("changes what it has, and leaves the class", function()
      for _, held in ipairs{ false, true } do
        local sue = held and db.session:get(C.Senior, 3) or nil
        local merged = db.session:merge(C.Employee{ id = 3, name = held and "Su" or "Susan" })
        assert.truthy(mr.class_of(merged) == C.Senior and (not sue or merged == sue))
        assert.equal("senior", merged.kind)
        assert.same({ "UPDATE employee" }, support.writes(db))
        db.session:commit()
        db.session:remove()
        assert.same({ "senior", 3 }, { db.session:get(C.Employee, 3).kind, db.session:get(C.Senior, 3).level })
      end
      assert.equal("Su", db.session:get(C.Engineer, 3).name)
    end)

    it("does so at every level, and by the cascade of a relationship", function()
      db.session:merge(C.Company{ id = 1, employees = { C.Employee{ id = 2 }, C.Engineer{ id = 3, machine = "saw" } } })
      db.session:commit()
      db.session:remove()
      assert.equal("Employee Eve, Engineer Nick, Senior Sue, Manager Max",
        staff.names(C.Employee.query:order_by(C.Employee.id):all()))
      assert.same({ "saw", 3 }, { db.session:get(C.Senior, 3).machine, db.session:get(C.Senior, 3).level })
    end)

    it("writes a kind that the program has given it", function()
      assert.equal("manager", db.session:merge(C.Employee{ id = 2, kind = "manager" }).kind)
      assert.equal("new", db.session:merge(C.Employee{ id = 9, name = "new" }).name)
      assert.equal("employee", db.session:get(C.Employee, 9).kind)
    end)
  end)
end

describe("a concrete class", function()
  it("has a whole table of its own, and the methods of its base", function()
    local db = mr.open "sqlite://"
    local Pet = db.Model:extend("Pet", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(10), nullable = false },
      age = db.Column{ db.Integer, default = 1 },
    })
    function Pet:hello() return "I am " .. self.name end
    local Parrot = Pet:extend("Parrot", {
      age = db.Column{ db.Float },
      words = db.Column{ db.Integer },
      __mapper_args = { concrete = true },
    })
    local Ara = Parrot:extend("Ara", { color = db.Column{ db.String(9) }, __tablename = "macaw",
      __mapper_args = { concrete = true } })
    db:create_all()
    assert.same({ "pet", "parrot", "macaw" }, { Pet.__table.name, Parrot.__table.name, Ara.__table.name })
    local names = {}
    for name in pairs(Ara.__table.c) do names[#names + 1] = name end
    table.sort(names)
    assert.equal("age color id name words", table.concat(names, " "))
    db.session:add_all{ Pet{ name = "Rex" }, Parrot{ name = "Polly", age = 2.5, words = 3 },
      Ara{ name = "Joe", color = "red" } }
    assert.same({ "INSERT pet", "INSERT parrot", "INSERT macaw" }, support.writes(db))
    db.session:commit()
    db.session:remove()
    assert.same({ 1, 1, 1 }, { Pet.query:count(), Parrot.query:count(), Ara.query:count() })
    assert.equal("I am Joe", Ara.query:one():hello())
    assert.same({ 2.5, 3 }, { Parrot.query:one().age, Parrot.query:one().words })
    assert.truthy(db.session:get(Pet, 1) ~= db.session:get(Parrot, 1))
    Parrot.query:one().words = 4
    assert.same({ "UPDATE parrot" }, support.writes(db))
    refuse("MappingError", { "Rock is concrete, but extends no class" }, db.Model.extend, db.Model, "Rock",
      { id = db.Column{ db.Integer, primary_key = true }, __mapper_args = { concrete = true } })
  end)
end)

describe("listeners of a base class", function()
  it("hear of objects of subclasses over all tables, once for each", function()
    local db, C = staff.filled "joined"
    local heard = {}
    for _, name in ipairs{ "before_insert", "after_insert", "before_update", "after_update", "before_delete",
      "after_delete",
      "load", "refresh" } do
      mr.event.listen(C.Employee, name, function(...)
        local object = select(select("#", ...), ...)
        heard[#heard + 1] = name .. " " .. mr.class_of(object).__name
      end, { propagate = true })
    end
    local s = C.Senior{ name = "S", level = 1 }
    db.session:add(s)
    db.session:flush()
    s.level = 2
    db.session:flush()
    db.session:delete(s)
    db.session:flush()
    local max = C.Employee.query:filter_by{ name = "Max" }:one()
    assert.equal("9 holes", max.golf)
    assert.same({ "before_insert Senior", "after_insert Senior", "before_update Senior", "after_update Senior",
      "before_delete Senior", "after_delete Senior", "load Manager", "refresh Manager" }, heard)
  end)
end)
