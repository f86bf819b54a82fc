-- Attributes of a subclass with a table of its own, in criteria and orders of a query of its base: the table is joined.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local staff = require "spec.support.staff"
local support = require "spec.support.models"

describe("an attribute of a subclass with its own table, in a query of the base", function()
  local db, C
  before_each(function() db, C = staff.filled "joined" end)

  local ENGINEER = "FROM employee LEFT OUTER JOIN engineer ON employee.id = engineer.id"
  local MANAGER = " LEFT OUTER JOIN manager ON employee.id = manager.id"

  -- Runs the function, which sends one statement; returns what the statement says from FROM on, and its result.
  local function from(fn)
    local result
    local sent = support.sent(db, function() result = fn() end)
    assert.equal(1, #sent)
    return sent[1][1]:match "FROM employee.*", result
  end

  it("orders by it, and loses no row", function()
    local sql, found = from(function() return C.Employee.query:order_by(C.Engineer.machine:desc(), "id"):all() end)
    assert.equal(ENGINEER .. " ORDER BY engineer.machine DESC, employee.id", sql)
    assert.equal("Senior Sue, Engineer Nick, Employee Eve, Manager Max", staff.names(found))
  end)

  it("asks for it, also for one or the other", function()
    local sql, found = from(function() return C.Employee.query:filter(C.Engineer.machine:eq "lathe"):all() end)
    assert.equal(ENGINEER .. " WHERE engineer.machine = ?", sql)
    assert.equal("Senior Sue", staff.names(found))
    sql, found = from(function()
      return C.Employee.query:filter(C.Engineer.machine:eq "drill" | C.Manager.golf:like "9%"):order_by "id":all()
    end)
    assert.equal(ENGINEER .. MANAGER .. " WHERE engineer.machine = ? OR manager.golf LIKE ? ORDER BY employee.id", sql)
    assert.equal("Engineer Nick, Manager Max", staff.names(found))
    assert.equal(2, C.Employee.query:filter(C.Engineer.machine:is_(nil)):count())
    assert.equal("Max", C.Employee.query:filter(C.Manager.golf:is_not(nil)):one().name)
  end)

  it("joins all tables between, in the order in which they depend", function()
    local sql, found = from(function() return C.Employee.query:filter(C.Senior.level:gt(2)):all() end)
    assert.equal("FROM employee LEFT OUTER JOIN engineer ON employee.id = engineer.id LEFT OUTER JOIN senior ON "
      .. "engineer.id = senior.id WHERE senior.level > ?", sql)
    assert.equal("Senior Sue", staff.names(found))
  end)

  it("groups by it", function()
    local sql, rows = from(function()
      return db.session:query(C.Engineer.machine, mr.func.count(C.Employee.id)):group_by(C.Engineer.machine):all()
    end)
    assert.equal("FROM employee JOIN engineer ON employee.id = engineer.id GROUP BY engineer.machine", sql)
    assert.equal(2, #rows)
    sql, rows = from(function()
      return db.session:query(mr.func.count(C.Employee.id)):group_by(C.Engineer.machine)
        :having(C.Engineer.machine:is_(nil)):all()
    end)
    assert.equal(ENGINEER .. " GROUP BY engineer.machine HAVING engineer.machine IS NULL", sql)
    assert.equal(2, rows[1][1])
  end)

  it("does so behind a join, within a subquery, with a limit and a collection", function()
    local sql, found = from(function()
      return db.session:query(C.Company):join(C.Company.employees):filter(C.Manager.golf:eq "9 holes"):all()
    end)
    assert.is_nil(sql) -- it begins with the company
    assert.equal("acme", found[1].name)
    local ids = C.Employee.query:filter(C.Engineer.machine:eq "drill"):with_entities(C.Employee.id)
    assert.equal("Nick", C.Employee.query:filter(C.Employee.id:in_(ids)):one().name)
    local some = C.Company.query:filter(C.Company.employees:any(C.Employee.id:in_(ids))):all()
    assert.equal(1, #some)
    support.costs(db, 1, function()
      local all = mr.joinedload(C.Employee.company):joinedload(C.Company.employees)
      local first = C.Employee.query:options(all):order_by(C.Engineer.machine:desc()):limit(2):all()
      assert.equal("Senior Sue, Engineer Nick", staff.names(first))
      assert.equal(4, #first[1].company.employees)
    end)
  end)

  it("asks for it of related objects", function()
    local exists = "EXISTS (SELECT 1 FROM employee LEFT OUTER JOIN engineer ON employee.id = engineer.id "
    local function companies(criterion)
      local found
      local sent = support.sent(db, function() found = C.Company.query:filter(criterion):all() end)
      return sent[1][1], #found
    end
    local sql, n = companies(C.Company.employees:any(C.Engineer.machine:eq "drill"))
    assert.truthy(sql:find(exists .. "WHERE company.id = employee.company_id AND engineer.machine = ?)", 1, true), sql)
    assert.equal(1, n)
    sql, n = companies(C.Company.employees:any(C.Engineer.machine:eq "nothing" | C.Manager.golf:eq "nothing"))
    assert.equal(1, select(2, sql:gsub("JOIN manager", "")))
    assert.equal(0, n)
    n = select(2, companies(C.Company.engineers:any(C.Senior.level:eq(3))))
    assert.equal(1, n)
    assert.equal(1, select(2, companies(C.Company.employees:any(C.Employee.name:eq "Eve" & C.Manager.golf:is_(nil)))))
  end)

  it("asks for what only the subclass's relationship leads to", function()
    db, C = staff.declare("joined", nil, {
      Senior = function(of) return { tools = of.relationship{ "Tool" } } end,
    }, nil, function(of)
      local key = of.ForeignKey "senior.id"
      return { Tool = of.Model:extend("Tool", { id = of.Column{ of.Integer, primary_key = true },
        name = of.Column{ of.String(9) }, senior_id = of.Column{ of.Integer, key } }) }
    end)
    staff.fill(db, C)
    db.session:add(C.Tool{ name = "saw", senior_id = 3 })
    db.session:commit()
    local function names(criterion)
      local sql, found = from(function() return C.Employee.query:filter(criterion):order_by "id":all() end)
      return staff.names(found), sql
    end
    local words, sql = names(C.Senior.tools:any())
    assert.equal("Senior Sue", words)
    assert.equal(ENGINEER .. " LEFT OUTER JOIN senior ON engineer.id = senior.id WHERE EXISTS (SELECT 1 FROM tool "
      .. "WHERE senior.id = tool.senior_id) ORDER BY employee.id", sql)
    assert.equal("Senior Sue", (names(C.Senior.tools:any(C.Tool.name:eq "saw") | C.Manager.golf:eq "nothing")))
    assert.equal("Employee Eve, Engineer Nick, Manager Max", (names(~C.Senior.tools:any())))
    assert.equal(1, C.Employee.query:filter(C.Senior.tools:any(C.Tool.name:eq "saw")):count())
  end)

  it("joins no table that the query reads already", function()
    local sql = from(function()
      return C.Employee.query:join(C.Engineer.__table)
        :filter(C.Engineer.machine:eq "drill"):all()
    end)
    assert.equal(nil, sql:find("LEFT", 1, true))
    sql = from(function() return C.Engineer.query:order_by(C.Engineer.machine):all() end)
    assert.equal(nil, sql:find("LEFT", 1, true))
    local any = mr.with_polymorphic(C.Employee, "*")
    sql = from(function() return db.session:query(any):order_by(any.Engineer.machine):all() end)
    assert.equal(1, select(2, sql:gsub("JOIN engineer", "")))
  end)

  it("updates and deletes by it", function()
    local function writes(fn)
      local sent = support.sent(db, fn)
      return sent[#sent][1]
    end
    local two = C.Engineer.machine:eq "drill" | C.Manager.golf:eq "9 holes"
    local sql = writes(function() assert.equal(2, C.Employee.query:filter(two):update{ name = "Both" }) end)
    assert.equal("UPDATE employee SET name=? WHERE employee.id IN (SELECT employee.id AS employee_id " .. ENGINEER
      .. MANAGER .. " WHERE engineer.machine = ? OR manager.golf = ?)", sql)
    assert.same({ "Eve", "Both", "Sue", "Both" }, support.values(C.Employee.query:order_by "id":all(), "name"))
    assert.equal(1, C.Employee.query:filter(C.Senior.level:eq(3)):delete())
    assert.equal(3, C.Employee.query:count())
    assert.equal(1, db.session:query(C.Engineer):count())
  end)

  it("updates rows of the query's class alone, where that shares its base's table", function()
    db = mr.open "sqlite://"
    local Base = db.Model:extend("Base", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) }, size = db.Column{ db.Integer }, name = db.Column{ db.String(9) },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "base" } })
    local Middle = Base:extend("Middle", { __mapper_args = { polymorphic_identity = "middle" } })
    local Low = Middle:extend("Low", { id = db.Column{ db.Integer, db.ForeignKey "base.id", primary_key = true },
      depth = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "low" } })
    db:create_all()
    db.session:add_all{ Base{ size = 1 }, Middle{ size = 1 }, Low{ size = 1, depth = 1 }, Low{ size = 1 } }
    db.session:commit()
    for _, how in ipairs{ "auto", "fetch", false } do
      assert.equal(2, Middle.query:filter(Low.depth:is_(nil)):update({ size = 5 }, { synchronize_session = how }))
    end
    assert.same({ 1, 5, 1, 5 }, support.values(Base.query:order_by "id":all(), "size"))
    assert.equal(2, Middle.query:filter(Low.depth:is_(nil)):delete())
    assert.equal("Base, Low", (staff.names(Base.query:order_by "id":all()):gsub(" nil", "")))
  end)

  it("says which attribute is of no table of the query", function()
    local alias = mr.aliased(C.Employee)
    refuse("InvalidRequestError", "order_by: the query does not read 'engineer', the table of Engineer.machine: "
      .. "join it, or name the attribute of what the query reads (of an alias, through the alias)",
      function() db.session:query(alias):order_by(C.Engineer.machine):all() end)
    refuse("InvalidRequestError", "group_by: the query does not read 'company', the table of Company.name",
      function() C.Employee.query:group_by(C.Company.name):all() end)
    refuse("InvalidRequestError", "having: the query does not read 'company', the table of Company.name",
      function() db.session:query(mr.func.count(C.Employee.id)):having(C.Company.name:eq "x"):all() end)
  end)
end)
