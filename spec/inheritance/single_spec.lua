-- Classes that share one table: which rows a class has, what is written, and what is read when.
-- Restates SQLAlchemy's test/orm/inheritance/test_single and test_basic.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local staff = require "spec.support.staff"
local support = require "spec.support.models"

describe("a family of classes in one table", function()
  local db, C
  before_each(function() db, C = staff.filled "single" end)

  it("writes the identity of each object's class, which the object has at once", function()
    assert.equal("senior", C.Senior{}.kind)
    assert.equal("employee", C.Employee{}.kind)
    local rows = db.session:execute(mr.text "SELECT kind, machine, golf FROM employee ORDER BY id"):all()
    assert.same({ "employee", "engineer", "senior", "manager" },
      { rows[1].kind, rows[2].kind, rows[3].kind, rows[4].kind })
    assert.same({ nil, "drill", "lathe", nil }, { rows[1].machine, rows[2].machine, rows[3].machine, rows[4].machine })
  end)

  it("has one table with the columns of all, in order of declaration", function()
    assert.truthy(C.Manager.__table == C.Employee.__table)
    local names = {}
    for name in pairs(C.Employee.__table.c) do names[#names + 1] = name end
    assert.equal("id name kind company_id machine level golf", table.concat(names, " "))
  end)

  it("is inserted in the order of adding, whatever the classes", function()
    db.session:add_all{ C.Manager{ name = "1" }, C.Engineer{ name = "2" }, C.Manager{ name = "3" } }
    db.session:flush()
    assert.equal("Manager 1, Engineer 2, Manager 3",
      staff.names(C.Employee.query:filter(C.Employee.id:gt(4)):order_by(C.Employee.id):all()))
  end)

  it("gives objects of their own classes to a query of the base, in one statement", function()
    support.costs(db, 1, function()
      assert.equal("Employee Eve, Engineer Nick, Senior Sue, Manager Max",
        staff.names(C.Employee.query:order_by(C.Employee.id):all()))
    end)
  end)

  it("reads the columns of a subclass by one more statement for an object, when the first is used", function()
    local all = C.Employee.query:order_by(C.Employee.id):all()
    local texts = support.costs(db, 1, function() assert.same({ 3, "lathe" }, { all[3].level, all[3].machine }) end)
    assert.equal("SELECT employee.machine AS employee_machine, employee.level AS employee_level FROM employee "
      .. "WHERE employee.id = ?", texts[1])
    support.costs(db, 0, function() assert.equal("Sue", all[3].name) end)
    support.costs(db, 1, function() assert.equal("9 holes", all[4].golf) end)
  end)

  it("gives a subclass its own rows, and those of the classes below it", function()
    assert.equal("Engineer Nick, Senior Sue", staff.names(C.Engineer.query:order_by(C.Engineer.id):all()))
    assert.equal("Senior Sue", staff.names(C.Senior.query:all()))
    assert.equal("SELECT employee.id AS employee_id, employee.name AS employee_name, employee.kind AS employee_kind, "
      .. "employee.company_id AS employee_company_id, employee.golf AS employee_golf FROM employee "
      .. "WHERE employee.kind IN (?)", tostring(C.Manager.query))
    support.costs(db, 1, function()
      for engineer in C.Engineer.query:iter() do assert.truthy(engineer.machine) end
    end)
  end)

  it("joins the criterion of the class to those of the query", function()
    assert.equal(0, C.Manager.query:filter_by{ name = "Nick" }:count())
    assert.is_nil(C.Manager.query:filter_by{ name = "Nick" }:first())
    assert.is_nil(C.Manager.query:filter(C.Manager.name:eq "Nick"):one_or_none())
    assert.equal(1, C.Engineer.query:filter(C.Engineer.name:eq "Nick" | C.Engineer.name:eq "Max"):count())
    assert.equal(2, C.Engineer.query:count())
    assert.equal("Senior Sue", staff.names(C.Engineer.query:order_by(C.Engineer.id:desc()):limit(1):all()))
  end)

  it("is counted, and asked for existence, by class", function()
    assert.is_true(db.session:query(C.Senior.query:exists()):scalar())
    db.session:query(C.Senior):delete()
    assert.is_false(db.session:query(C.Senior.query:exists()):scalar())
    assert.equal(3, C.Employee.query:count())
  end)

  it("has the criterion of a class whose attributes alone are asked for, within functions, too", function()
    assert.equal("SELECT employee.name AS employee_name FROM employee WHERE employee.kind IN (?)",
      tostring(db.session:query(C.Manager.name)))
    assert.equal(1, db.session:query(mr.func.count(C.Manager.id)):scalar())
    assert.equal(4, db.session:query(mr.func.count(C.Employee.id)):scalar())
    assert.same({ "Nick", "Sue" }, db.session:scalars(mr.select(C.Engineer.name):order_by(C.Engineer.id)):all())
    assert.equal(3, db.session:query(C.Engineer.machine, mr.func.max(C.Engineer.id)):one()[2])
  end)

  it("has the criterion under an alias", function()
    local e = mr.aliased(C.Engineer)
    assert.equal("Senior Sue", staff.names(db.session:query(e):filter(e.name:eq "Sue"):all()))
    assert.equal(2, db.session:query(e):count())
    assert.truthy(tostring(db.session:query(e)):find("WHERE employee_1.kind IN (?, ?)", 1, true))
  end)

  it("has the criterion in joins, at the ON", function()
    local q = db.session:query(C.Company):join(C.Company.employees:of_type(C.Manager))
    assert.truthy(tostring(q):find("JOIN employee ON company.id = employee.company_id AND employee.kind IN (?)", 1,
      true))
    local outer = db.session:query(C.Company, C.Senior):outerjoin(C.Company.employees:of_type(C.Senior))
    assert.truthy(tostring(outer):find("LEFT OUTER JOIN employee ON company.id = employee.company_id AND "
      .. "employee.kind IN (?)", 1, true))
    assert.equal(1, #db.session:query(C.Company, C.Manager):join(C.Manager,
      C.Manager.company_id:eq(C.Company.id)):all())
  end)

  it("has the criterion in any, has and of_type", function()
    local with = function(criterion) return db.session:query(C.Company):filter(criterion):count() end
    assert.equal(1, with(C.Company.employees:of_type(C.Senior):any()))
    assert.equal(1, with(C.Company.employees:of_type(C.Engineer):any(C.Engineer.machine:eq "lathe")))
    assert.equal(0, with(C.Company.employees:of_type(C.Manager):any{ name = "Sue" }))
    assert.equal(1, with(C.Company.engineers:any{ name = "Nick" }))
    assert.equal(0, with(C.Company.engineers:any{ name = "Max" }))
    db.session:query(C.Engineer):delete()
    assert.equal(0, with(C.Company.engineers:any()))
  end)

  it("gives a relationship to a subclass only its rows, by every strategy", function()
    for _, option in ipairs{ "lazyload", "joinedload", "selectinload", "subqueryload", "immediateload" } do
      db.session:remove()
      local acme = C.Company.query:options(mr[option](C.Company.engineers)):one()
      assert.equal("Engineer Nick, Senior Sue", staff.names(acme.engineers), option)
    end
  end)

  it("gives a relationship to the base objects of all classes, by every strategy, in as many statements as usual",
    function()
      local costs = { lazyload = 2, joinedload = 1, selectinload = 2, subqueryload = 2, immediateload = 2 }
      for option, n in pairs(costs) do
        db.session:remove()
        support.costs(db, n, function()
          local acme = C.Company.query:options(mr[option](C.Company.employees)):one()
          assert.equal("Employee Eve, Engineer Nick, Senior Sue, Manager Max", staff.names(acme.employees), option)
        end)
      end
    end)
end)

describe("get of a class of a family", function()
  local db, C
  before_each(function() db, C = staff.filled "single" end)

  it("gives the object of the row's class, from the database and from memory", function()
    local sue = db.session:get(C.Employee, 3)
    assert.truthy(mr.class_of(sue) == C.Senior)
    support.costs(db, 0, function()
      for _, class in ipairs{ C.Employee, C.Engineer, C.Senior } do
        assert.truthy(rawequal(db.session:get(class, 3), sue) or db.session:get(class, 3) == sue)
        assert.truthy(class.query:get(3) == sue)
      end
    end)
  end)

  it("gives nil for an object of another class, from memory without a statement", function()
    assert.is_nil(db.session:get(C.Manager, 3))
    assert.is_nil(C.Senior.query:get(2))
    local sue = db.session:get(C.Employee, 3)
    support.costs(db, 0, function() assert.is_nil(db.session:get(C.Manager, 3)) end)
    assert.equal("Sue", sue.name)
  end)

  it("asks for the class in its statement", function()
    assert.truthy(support.costs(db, 1, function() db.session:get(C.Manager, 4) end)[1]
      :find("WHERE employee.id = ? AND employee.kind IN (?)", 1, true))
  end)

  it("gives one object for one row, whichever class of the family is asked", function()
    local sue = C.Senior.query:one()
    assert.truthy(C.Employee.query:filter_by{ name = "Sue" }:one() == sue)
    assert.truthy(C.Engineer.query:filter_by{ name = "Sue" }:one() == sue)
  end)
end)

describe("an object of a subclass in one table", function()
  local db, C
  before_each(function() db, C = staff.filled "single" end)

  it("is changed, refreshed, expired, merged and deleted like any other", function()
    local sue = db.session:get(C.Employee, 3)
    sue.level = 4
    db.session:commit()
    support.costs(db, 1, function() assert.same({ "Sue", 4, "lathe" }, { sue.name, sue.level, sue.machine }) end)
    db.session:execute(mr.text "UPDATE employee SET level = 5 WHERE id = 3")
    db.session:refresh(sue)
    assert.equal(5, sue.level)
    db.session:expire(sue, { "level" })
    support.costs(db, 1, function() assert.equal(5, sue.level) end)
    local merged = db.session:merge(C.Senior{ id = 3, level = 6 })
    assert.truthy(merged == sue and sue.level == 6)
    db.session:delete(sue)
    db.session:commit()
    assert.equal(3, C.Employee.query:count())
  end)

  it("is read whole when it has expired, though the base was asked for", function()
    local sue = db.session:get(C.Employee, 3)
    db.session:expire_all()
    assert.truthy(C.Employee.query:filter_by{ name = "Sue" }:one() == sue)
    support.costs(db, 1, function() assert.same({ 3, "lathe" }, { sue.level, sue.machine }) end)
  end)

  it("keeps its changes when a query of the base finds it", function()
    local sue = C.Senior.query:one()
    sue.level = 9
    db.session:no_autoflush(function() C.Employee.query:all() end)
    assert.equal(9, sue.level)
    C.Employee.query:populate_existing():all()
    assert.equal(9, sue.level)
  end)

  it("is found by bulk updates and deletes of its class and its bases alone", function()
    assert.equal(2, C.Engineer.query:update{ machine = "press" })
    assert.equal(1, C.Manager.query:filter_by{ golf = "9 holes" }:update{ name = "Moe" })
    assert.equal(0, C.Manager.query:filter_by{ name = "Eve" }:delete())
    assert.equal(1, db.session:execute(mr.update(C.Senior):values{ level = 7 }).rowcount)
    assert.equal(2, db.session:execute(mr.delete(C.Engineer)).rowcount)
    assert.equal("Employee Eve, Manager Moe", staff.names(C.Employee.query:order_by(C.Employee.id):all()))
  end)

  it("is written with its identity by a statement, too", function()
    db.session:execute(mr.insert(C.Manager), { { name = "A" }, { name = "B" } })
    assert.equal("Manager Max, Manager A, Manager B", staff.names(C.Manager.query:order_by(C.Manager.id):all()))
  end)

  it("is in a union of its classes", function()
    local q = C.Engineer.query:filter_by{ name = "Nick" }:union(C.Engineer.query:filter_by{ name = "Sue" })
    assert.same({ "Nick", "Sue" }, (function()
      local names = {}
      for _, e in ipairs(q:order_by(C.Engineer.name):all()) do names[#names + 1] = e.name end
      return names
    end)())
  end)

  it("may have its kind set by the program, which the row then tells", function()
    local odd = C.Employee{ name = "Odd", kind = "manager" }
    db.session:add(odd)
    db.session:commit()
    db.session:remove()
    assert.equal("Manager Odd", staff.names(C.Employee.query:filter_by{ name = "Odd" }:all()))
  end)

  it("is an object of the base where its row tells no class", function()
    db.session:execute(mr.text "INSERT INTO employee (name) VALUES ('Nil')")
    assert.equal("Employee Nil", staff.names(C.Employee.query:filter_by{ name = "Nil" }:all()))
  end)
end)

describe("a row whose identity no class has", function()
  local function stranger(args)
    local db, C = staff.filled("single", args)
    db.session:execute(mr.text "UPDATE employee SET kind = 'robot' WHERE id = 2")
    return db, C
  end

  it("is an error that names the row, the value and the cure", function()
    local db, C = stranger()
    local words = { "Employee 2", "kind 'robot'", "polymorphic_fallback" }
    refuse("InvalidRequestError", words, function() C.Employee.query:all() end)
    refuse("InvalidRequestError", words, function() db.session:get(C.Employee, 2) end)
    refuse("InvalidRequestError", words, function() return #db.session:get(C.Company, 1).employees end)
    assert.equal("Manager Max", staff.names(C.Manager.query:all()))
  end)

  it("is an object of the class that says polymorphic_fallback, and keeps its value", function()
    local db, C = stranger{ Employee = { polymorphic_fallback = true } }
    local nick = C.Employee.query:filter_by{ name = "Nick" }:one()
    assert.truthy(mr.class_of(nick) == C.Employee)
    nick.name = "Rob"
    db.session:commit()
    assert.same({ "Rob", "robot" }, { nick.name, nick.kind })
    assert.equal(1, C.Engineer.query:count())
  end)

  it("may be an object of a subclass by polymorphic_fallback", function()
    local _, C = stranger{ Engineer = { polymorphic_fallback = true } }
    assert.equal("Engineer Nick", staff.names(C.Employee.query:filter_by{ name = "Nick" }:all()))
  end)

  it("is found by queries of the class that says polymorphic_fallback, and of its bases, and by no other", function()
    for _, class in ipairs{ "Engineer", "Senior" } do
      local db, C = stranger{ [class] = { polymorphic_fallback = true } }
      db.session:execute(mr.text "INSERT INTO employee (name, company_id) VALUES ('Nil', 1)")
      local nick = db.session:get(C[class], 2)
      assert.equal(class .. " Nick, Senior Sue", staff.names(C.Engineer.query:order_by(C.Engineer.id):all()))
      assert.same({ 2, 1 }, { C.Engineer.query:count(), C.Manager.query:count() })
      assert.equal(class == "Engineer" and 1 or 2, C.Senior.query:count())
      assert.equal(2, #db.session:get(C.Company, 1).engineers)
      assert.equal(1, C.Company.query:filter(C.Company.employees:of_type(C[class]):any(C[class].id:eq(2))):count())
      db.session:expire_all()
      assert.same({ "Nick", "robot", "drill" }, { nick.name, nick.kind, nick.machine })
      for _, sync in ipairs{ "evaluate", "fetch" } do
        local how = { synchronize_session = sync }
        assert.equal(1, C[class].query:filter_by{ name = "Nick" }:update({ machine = sync }, how))
        assert.equal(sync, nick.machine)
      end
    end
  end)

  it("is an object of a fallback without a sibling, too", function()
    local db = mr.open "sqlite://"
    local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) }, __mapper_args = { polymorphic_on = "kind" } })
    local Other = Thing:extend("Other", { __mapper_args = { polymorphic_fallback = true } })
    db:create_all()
    db.session:execute(mr.text "INSERT INTO thing (kind) VALUES ('odd'), (NULL)")
    assert.equal("SELECT thing.id AS thing_id, thing.kind AS thing_kind FROM thing WHERE thing.kind IS NOT NULL",
      tostring(Other.query))
    assert.same({ 1, 2 }, { #Other.query:all(), #Thing.query:all() })
    local Third = Thing:extend("Third", { __mapper_args = { polymorphic_identity = "third" } })
    db.session:add(Third{})
    assert.same({ 1, 1, 3 }, { #Other.query:all(), #Third.query:all(), #Thing.query:all() })
  end)

  it("of another class is refused where a statement of the program brings it", function()
    local db, C = staff.filled "single"
    refuse("InvalidRequestError", { "Manager 3", "the class Senior", "'senior'", "query Employee" }, function()
      C.Manager.query:from_statement(mr.text "SELECT * FROM employee ORDER BY id DESC"):all()
    end)
    local all = C.Employee.query:from_statement(mr.text "SELECT * FROM employee ORDER BY id"):all()
    assert.equal("Employee Eve, Engineer Nick, Senior Sue, Manager Max", staff.names(all))
    support.costs(db, 0, function() assert.equal("lathe", db.session:get(C.Senior, 3).machine) end)
  end)
end)

describe("polymorphic_on", function()
  local function shapes(on, identities, column, url)
    local db = mr.open(url or "sqlite://")
    local Shape = db.Model:extend("Shape", {
      id = db.Column{ db.Integer, primary_key = true },
      what = column(db),
      __mapper_args = { polymorphic_on = on(db), polymorphic_identity = identities[1] },
    })
    local Circle = Shape:extend("Circle", {
      radius = db.Column{ db.Float },
      __mapper_args = { polymorphic_identity = identities[2] },
    })
    local Square = identities[3] ~= nil and Shape:extend("Square", {
      side = db.Column{ db.Float },
      __mapper_args = { polymorphic_identity = identities[3] },
    })
    db:create_all()
    return db, Shape, Circle, Square
  end

  local function proves(db, Shape, Circle, Square)
    db.session:add_all{ Shape{}, Circle{ radius = 1.5 }, Square{ side = 2 } }
    db.session:commit()
    db.session:remove()
    local names = {}
    for shape in Shape.query:order_by(Shape.id):iter() do names[#names + 1] = mr.class_of(shape).__name end
    assert.equal("Shape Circle Square", table.concat(names, " "))
    assert.equal(1.5, Circle.query:one().radius)
    assert.is_nil(db.session:get(Square, 2))
  end

  it("is a column's name, with identities that are numbers", function()
    proves(shapes(function() return "what" end, { 0, 1, 2 }, function(db) return db.Column{ db.Integer } end))
  end)

  it("is a column with choices", function()
    proves(shapes(function() return "what" end, { "shape", "circle", "square" },
      function(db) return db.Column{ db.Enum("shape", "circle", "square"), nullable = false } end))
  end)

  it("is a boolean column, for two of the classes", function()
    local db, Shape, Circle = shapes(function() return "what" end, { false, true, nil },
      function(db) return db.Column{ db.Boolean } end)
    db.session:add_all{ Shape{}, Circle{} }
    db.session:commit()
    db.session:remove()
    assert.truthy(mr.class_of(db.session:get(Shape, 2)) == Circle)
    assert.equal(1, Circle.query:count())
  end)

  it("is the column itself, under another name in the table", function()
    local db = mr.open "sqlite://"
    local what = db.Column{ "what_it_is", db.String(10) }
    local Thing = db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true }, what = what,
      __mapper_args = { polymorphic_on = what, polymorphic_identity = "thing" },
    })
    local Tool = Thing:extend("Tool", { __mapper_args = { polymorphic_identity = "tool" } })
    db:create_all()
    db.session:add(Tool{})
    db.session:commit()
    assert.equal("SELECT thing.what_it_is AS thing_what_it_is, thing.id AS thing_id FROM thing "
      .. "WHERE thing.what_it_is IN (?)", tostring(Tool.query))
    db.session:remove()
    assert.truthy(mr.class_of(Thing.query:one()) == Tool)
  end)

  it("is written, too, where a function gives the column", function()
    local function the_kind(c) return c.kind end
    for _, extra in ipairs{ false, true } do
      local db = mr.open "sqlite://"
      local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true },
        kind = db.Column{ db.String(9) },
        __mapper_args = { polymorphic_on = the_kind, polymorphic_identity = "thing" } })
      local key = extra and db.Column{ db.Integer, db.ForeignKey "thing.id", primary_key = true } or nil
      local Tool = Thing:extend("Tool", { id = key, __mapper_args = { polymorphic_identity = "tool" } })
      db:create_all()
      local tool = Tool{}
      assert.equal("tool", tool.kind)
      db.session:add_all{ Thing{}, tool }
      db.session:commit()
      db.session:remove()
      local all = Thing.query:order_by(Thing.id):all()
      assert.truthy(mr.class_of(all[1]) == Thing and mr.class_of(all[2]) == Tool)
      assert.same({ "thing", "tool", 1 }, { all[1].kind, all[2].kind, Tool.query:count() })
    end
  end)

  it("is an expression over the columns, which tells classes and is written by nobody", function()
    local db = mr.open "sqlite://"
    local Account = db.Model:extend("Account", {
      id = db.Column{ db.Integer, primary_key = true },
      balance = db.Column{ db.Integer, nullable = false },
      __mapper_args = {
        polymorphic_on = function(c) return mr.case({ { c.balance:lt(0), "debt" } }, { else_ = "account" }) end,
        polymorphic_identity = "account",
      },
    })
    local Debt = Account:extend("Debt", { reason = db.Column{ db.String(20) },
      __mapper_args = { polymorphic_identity = "debt" } })
    db:create_all()
    db.session:add_all{ Account{ balance = 5 }, Debt{ balance = -5, reason = "beer" } }
    db.session:commit()
    db.session:remove()
    local all = Account.query:order_by(Account.id):all()
    assert.truthy(mr.class_of(all[1]) == Account and mr.class_of(all[2]) == Debt)
    assert.equal("beer", all[2].reason)
    assert.equal(1, Debt.query:count())
    db.session:remove()
    assert.equal("beer", Debt.query:one().reason)
    assert.is_nil(db.session:get(Debt, 1))
  end)

  it("may begin at a class in the middle", function()
    local db = mr.open "sqlite://"
    local Base = db.Model:extend("Base", { __abstract = true, id = db.Column{ db.Integer, primary_key = true } })
    local Named = { name = db.Column{ db.String(10) } }
    local Animal = Base:extend("Animal", { Named, kind = db.Column{ db.String(10) },
      __mapper_args = { polymorphic_on = "kind" } })
    local Pet = Animal:extend("Pet", { __abstract = true, owner = db.Column{ db.String(10) } })
    local Dog = Pet:extend("Dog", { __mapper_args = { polymorphic_identity = "dog" } })
    local Cat = Pet:extend("Cat", { __mapper_args = { polymorphic_identity = "cat" } })
    db:create_all()
    db.session:add_all{ Dog{ name = "Rex", owner = "Ann" }, Cat{ name = "Tom", owner = "Bob" } }
    db.session:commit()
    db.session:remove()
    assert.equal("Cat Tom, Dog Rex", staff.names(Animal.query:order_by(Animal.name:desc()):all()))
    assert.equal("Bob", Cat.query:one().owner)
    local names = {}
    for name in pairs(Animal.__table.c) do names[#names + 1] = name end
    assert.equal("id kind name owner", (function() table.sort(names) return table.concat(names, " ") end)())
  end)

  it("gives nil for a subclass that an outer join does not find, and keeps the row", function()
    local db = mr.open "sqlite://"
    local Owner = db.Model:extend("Owner", { id = db.Column{ db.Integer, primary_key = true } })
    local Animal = db.Model:extend("Animal", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(10) }, owner_id = db.Column{ db.Integer, db.ForeignKey "owner.id" },
      owner = db.relationship{ "Owner", backref = "animals" },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "animal" } })
    local Cat = Animal:extend("Cat", { __mapper_args = { polymorphic_identity = "cat" } })
    db:create_all()
    db.session:add_all{ Owner{ animals = { Animal{} } }, Owner{ animals = { Cat{}, Animal{} } }, Owner{} }
    db.session:commit()
    local C, s = mr.aliased(Cat), db.session
    local function found(query)
      local out = {}
      for i, row in ipairs(query:order_by(Owner.id):all()) do
        out[i] = row[1].id .. ":" .. tostring(row[2] and (type(row[2]) == "number" and row[2] or row[2].id))
      end
      return table.concat(out, " ")
    end
    for _, query in ipairs{
      s:query(Owner, Cat):outerjoin(Cat, Cat.owner_id:eq(Owner.id)),
      s:query(Owner, Cat):outerjoin(Owner.animals:of_type(Cat)),
      s:query(Owner, C):outerjoin(Owner.animals:of_type(C)),
      s:query(Owner, C):outerjoin(C, C.owner_id:eq(Owner.id)),
      s:query(Owner, C.id):outerjoin(C, C.owner_id:eq(Owner.id)),
    } do
      assert.equal("1:nil 2:2 3:nil", found(query))
    end
    assert.equal("2:2", found(s:query(Owner, Cat):join(Cat, Cat.owner_id:eq(Owner.id))))
    assert.equal("2:2", found(s:query(Owner, Cat):outerjoin(Animal, Animal.owner_id:eq(Owner.id))))
    db.session:remove()
  end)

  it("works in PostgreSQL's dialect", function()
    local db, C = staff.declare("single", nil, nil, "mock+postgresql://")
    assert.truthy(db.session:query(C.Manager):sql():find("employee.kind IN ($1)", 1, true))
  end)
end)
