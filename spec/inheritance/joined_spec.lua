-- Classes with a table for each: how rows are written over the tables, and how many statements read them.
-- Restates SQLAlchemy's test/orm/inheritance/test_basic, test_selects and test/orm/test_naturalpks (joined
-- inheritance).

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local staff = require "spec.support.staff"
local support = require "spec.support.models"

describe("a family of classes in joined tables", function()
  local db, C
  before_each(function() db, C = staff.filled "joined" end)

  it("is made of tables with a key that refers to that of the base", function()
    assert.equal("senior", C.Senior.__table.name)
    local names = {}
    for name in pairs(C.Senior.__table.c) do names[#names + 1] = name end
    assert.equal("level id", table.concat(names, " "))
    assert.equal(mr.class_of(db.session:get(C.Employee, 3)), C.Senior)
  end)

  it("inserts table by table, from the base down, and carries the key", function()
    local sue = C.Senior{ name = "S", machine = "m", level = 1 }
    db.session:add(sue)
    local sent = support.sent(db, function() db.session:flush() end)
    assert.same({
      { "INSERT INTO employee (name, kind, company_id) VALUES (?, ?, ?)", "S", "senior", mr.null },
      { "INSERT INTO engineer (machine, id) VALUES (?, ?)", "m", 5 },
      { "INSERT INTO senior (level, id) VALUES (?, ?)", 1, 5 },
    }, sent)
    support.costs(db, 0, function() assert.same({ 5, "S", "m", 1 }, { sue.id, sue.name, sue.machine, sue.level }) end)
  end)

  it("inserts many objects in a batch for each table", function()
    local list = {}
    for i = 1, 5 do list[i] = C.Engineer{ name = "E" .. i, machine = "m" .. i } end
    db.session:add_all(list)
    assert.same({ "INSERT employee x5", "INSERT engineer x5" }, support.writes(db))
    assert.equal("m4", list[4].machine)
    db.session:commit()
    assert.same({ 5, "E1", "m1" }, { list[1].id, list[1].name, list[1].machine })
    assert.equal(9, list[5].id)
  end)

  it("inserts objects of several classes in the order of adding, and each table of a subclass once", function()
    db.session:add_all{ C.Manager{ name = "1", golf = "a" }, C.Engineer{ name = "2" },
      C.Manager{ name = "3", golf = "c" } }
    assert.same({ "INSERT employee x3", "INSERT manager x2", "INSERT engineer" }, support.writes(db))
    assert.equal("Manager 1, Engineer 2, Manager 3",
      staff.names(C.Employee.query:filter(C.Employee.id:gt(4)):order_by(C.Employee.id):all()))
  end)

  it("updates only the tables whose columns have changed", function()
    local sue = C.Senior.query:one()
    sue.level = 4
    assert.same({ { "UPDATE senior SET level=? WHERE senior.id = ?", 4, 3 } },
      support.sent(db, function() db.session:flush() end))
    sue.machine = "press"
    assert.same({ "UPDATE engineer" }, support.writes(db))
    sue.name, sue.level = "Susan", 5
    assert.same({ "UPDATE employee", "UPDATE senior" }, support.writes(db))
    db.session:commit()
    assert.same({ "Susan", "press", 5 }, { sue.name, sue.machine, sue.level })
  end)

  it("updates many objects in a batch for each table", function()
    for i = 1, 3 do db.session:add(C.Engineer{ name = "E" .. i, machine = "m" }) end
    db.session:commit()
    for _, e in ipairs(C.Engineer.query:all()) do
      e.machine = "new " .. e.id
      e.name = "N" .. e.id
    end
    local writes = support.writes(db)
    assert.same({ "UPDATE employee x5", "UPDATE engineer x5" }, writes)
  end)

  it("deletes from the tables in reverse", function()
    db.session:delete(C.Senior.query:one())
    assert.same({ "DELETE senior", "DELETE engineer", "DELETE employee" }, support.writes(db))
    for _, e in ipairs(C.Employee.query:all()) do db.session:delete(e) end
    db.session:flush()
    for _, name in ipairs{ "employee", "engineer", "senior", "manager" } do
      assert.equal(0, db.session:execute(mr.text("SELECT count(*) FROM " .. name)):scalar())
    end
  end)

  it("loads a class by one statement over its tables", function()
    local text = support.costs(db, 1, function()
      local sue = C.Senior.query:one()
      assert.same({ 3, "Sue", "lathe", 3, "senior" }, { sue.id, sue.name, sue.machine, sue.level, sue.kind })
    end)[1]
    assert.truthy(text:find("FROM employee JOIN engineer ON employee.id = engineer.id "
      .. "JOIN senior ON engineer.id = senior.id", 1, true))
    support.costs(db, 1, function()
      assert.equal("Engineer Nick, Senior Sue", staff.names(C.Engineer.query:order_by(C.Engineer.id):all()))
    end)
  end)

  it("loads the base's columns alone for a query of the base, and the rest of an object when it is needed", function()
    local all
    support.costs(db, 1, function()
      all = C.Employee.query:order_by(C.Employee.id):all()
      assert.equal("Employee Eve, Engineer Nick, Senior Sue, Manager Max", staff.names(all))
    end)
    support.costs(db, 1, function() assert.same({ 3, "lathe" }, { all[3].level, all[3].machine }) end)
    support.costs(db, 1, function() assert.equal("9 holes", all[4].golf) end)
    support.costs(db, 0, function() assert.equal("Sue", all[3].name) end)
  end)

  it("sorts, filters and limits by columns of all its tables", function()
    assert.equal("Senior Sue", staff.names(C.Senior.query:filter_by{ name = "Sue", machine = "lathe",
      level = 3 }:all()))
    assert.equal("Senior Sue, Engineer Nick",
      staff.names(C.Engineer.query:order_by(C.Engineer.machine:desc(), C.Engineer.name):all()))
    assert.equal("Engineer Nick", staff.names(C.Engineer.query:order_by(C.Engineer.name):limit(1):all()))
    assert.equal("Nick", C.Engineer.query:filter(C.Engineer.machine:like "d%"):first().name)
    assert.equal("Sue", C.Senior.query:filter_by{ name = "Sue" }:first().name)
    assert.is_nil(C.Senior.query:filter_by{ name = "Nick" }:first())
  end)

  it("is counted and asked for existence over its tables", function()
    assert.same({ 4, 2, 1, 1 }, { C.Employee.query:count(), C.Engineer.query:count(), C.Senior.query:count(),
      C.Manager.query:count() })
    assert.is_true(db.session:query(C.Senior.query:filter_by{ name = "Sue" }:exists()):scalar())
    assert.is_false(db.session:query(C.Senior.query:filter_by{ name = "Max" }:exists()):scalar())
  end)

  it("reads rows of the class alone where only attributes are asked for", function()
    assert.equal("SELECT employee.name AS employee_name FROM employee JOIN manager ON employee.id = manager.id",
      tostring(db.session:query(C.Manager.name)))
    assert.equal(1, db.session:query(mr.func.count(C.Manager.id)):scalar())
    assert.same({ "Nick", "Sue" }, db.session:scalars(mr.select(C.Engineer.name):order_by(C.Engineer.id)):all())
    assert.same({ "Sue", "lathe", 3 }, { table.unpack(db.session:query(C.Senior.name, C.Senior.machine,
      C.Senior.level):one()) })
  end)

  it("gives get the object of its class, and nil for another's", function()
    local sue = db.session:get(C.Employee, 3)
    support.costs(db, 0, function()
      assert.truthy(db.session:get(C.Engineer, 3) == sue and db.session:get(C.Senior, 3) == sue)
      assert.is_nil(db.session:get(C.Manager, 3))
    end)
    db.session:remove()
    support.costs(db, 1, function() assert.is_nil(db.session:get(C.Manager, 3)) end)
    support.costs(db, 1, function() assert.equal(3, db.session:get(C.Senior, 3).level) end)
  end)

  it("refreshes, expires and merges objects over the tables", function()
    local sue = C.Senior.query:one()
    db.session:commit()
    support.costs(db, 1, function() assert.same({ "Sue", "lathe", 3 }, { sue.name, sue.machine, sue.level }) end)
    db.session:execute(mr.text "UPDATE senior SET level = 8")
    db.session:execute(mr.text "UPDATE employee SET name = 'X' WHERE id = 3")
    support.costs(db, 1, function() db.session:refresh(sue) end)
    assert.same({ "X", 8 }, { sue.name, sue.level })
    db.session:expire(sue, { "level", "name" })
    support.costs(db, 1, function() assert.same({ 8, "X" }, { sue.level, sue.name }) end)
    local merged = db.session:merge(C.Senior{ id = 3, level = 9, name = "Y" })
    assert.truthy(merged == sue)
    assert.same({ "UPDATE employee", "UPDATE senior" }, support.writes(db))
    db.session:merge(C.Manager{ id = 9, name = "New", golf = "g" })
    assert.same({ "INSERT employee", "INSERT manager" }, support.writes(db))
  end)

  it("takes back all tables with a rollback, and with a savepoint", function()
    local sue = C.Senior.query:one()
    sue.level, sue.name = 7, "Z"
    db.session:flush()
    db.session:rollback()
    assert.same({ "Sue", 3 }, { sue.name, sue.level })
    local ok = pcall(function()
      db.session:begin_nested(function()
        sue.level = 1
        db.session:add(C.Engineer{ name = "no" })
        db.session:flush()
        error "no"
      end)
    end)
    assert.is_false(ok)
    assert.equal(3, sue.level)
    assert.equal(2, C.Engineer.query:count())
  end)

  it("leaves no part of an object behind where a later table refuses its row", function()
    db.session:execute(mr.text "CREATE UNIQUE INDEX one_golf ON manager (golf)")
    db.session:commit()
    db.session:add(C.Manager{ name = "Twin", golf = "9 holes" })
    refuse("IntegrityError", { "manager.golf" }, function() db.session:flush() end)
    db.session:rollback()
    assert.equal(4, C.Employee.query:count())
  end)

  it("lets a relationship lead to and from any class of the tree", function()
    for _, option in ipairs{ "lazyload", "joinedload", "selectinload", "subqueryload", "immediateload" } do
      db.session:remove()
      local acme = C.Company.query:options(mr[option](C.Company.engineers)):one()
      assert.equal("Engineer Nick, Senior Sue", staff.names(acme.engineers), option)
      db.session:remove()
      acme = C.Company.query:options(mr[option](C.Company.employees)):one()
      assert.equal("Employee Eve, Engineer Nick, Senior Sue, Manager Max", staff.names(acme.employees), option)
      db.session:remove()
      local sue = C.Senior.query:options(mr[option](C.Senior.company)):one()
      assert.equal("acme", sue.company.name, option)
    end
  end)

  it("is joined, and asked by any and has, over its tables", function()
    assert.equal(2, C.Engineer.query:join(C.Engineer.company):filter(C.Company.name:eq "acme"):count())
    assert.equal("Senior Sue", staff.names(C.Senior.query:join(C.Senior.company):filter_by{ name = "acme" }:all()))
    assert.equal(1, C.Manager.query:filter(C.Manager.company:has{ name = "acme" }):count())
    local q = db.session:query(C.Company, C.Senior):join(C.Senior, C.Senior.company_id:eq(C.Company.id))
    assert.equal(1, #q:all())
    assert.truthy(tostring(q):find("FROM company JOIN (employee JOIN engineer ON employee.id = engineer.id "
      .. "JOIN senior ON engineer.id = senior.id) ON employee.company_id = company.id", 1, true))
    assert.equal(0, db.session:query(C.Company):filter(C.Company.engineers:any{ name = "Max" }):count())
    assert.equal(1, db.session:query(C.Company):filter(C.Company.engineers:any{ machine = "drill" }):count())
    local acme = C.Company.query:one()
    assert.equal(2, C.Engineer.query:with_parent(acme, C.Company.engineers):count())
    assert.equal(2, C.Engineer.query:filter(C.Engineer.company:eq(acme)):count())
  end)

  it("has aliases of all its tables", function()
    local e = mr.aliased(C.Engineer)
    local q = db.session:query(e):filter(e.machine:eq "lathe", e.name:eq "Sue")
    assert.equal("Senior Sue", staff.names(q:all()))
    local froms = "FROM employee AS employee_1 JOIN engineer AS engineer_1 ON employee_1.id = engineer_1.id"
    assert.truthy(tostring(q):find(froms, 1, true))
    local x = mr.aliased(C.Engineer, "x")
    assert.truthy(tostring(db.session:query(x)):find("employee AS x_employee JOIN engineer AS x_engineer", 1, true))
    local pairs_of = db.session:query(C.Engineer, e):filter(C.Engineer.id:lt(e.id)):one()
    assert.equal("Engineer Nick, Senior Sue", staff.names{ pairs_of[1], pairs_of[2] })
    local again = mr.aliased(e)
    assert.equal(2, db.session:query(again):count())
  end)
end)

describe("bulk updates and deletes of joined tables", function()
  local db, C
  before_each(function() db, C = staff.filled "joined" end)

  it("write the class's own table, for rows that meet criteria on all tables", function()
    local nick = C.Engineer.query:filter_by{ name = "Nick" }:one()
    local texts = support.statements(db, function()
      assert.equal(1, C.Engineer.query:filter_by{ name = "Nick" }:update{ machine = "saw" })
    end)
    assert.equal("UPDATE engineer SET machine=? FROM employee WHERE employee.id = engineer.id AND employee.name = ?",
      texts[#texts])
    support.costs(db, 0, function() assert.equal("saw", nick.machine) end)
    assert.equal(2, C.Engineer.query:update{ machine = "x" })
  end)

  it("write a column of the base's table only in rows of the class", function()
    assert.equal(1, C.Manager.query:update{ name = "Boss" })
    assert.equal("Employee Eve, Engineer Nick, Senior Sue, Manager Boss",
      staff.names(C.Employee.query:order_by(C.Employee.id):all()))
    assert.equal(1, C.Engineer.query:filter_by{ machine = "drill" }:update{ name = "N" })
    assert.equal(1, db.session:execute(mr.update(C.Senior):values{ name = "S" }:where(C.Senior.level:eq(3))).rowcount)
    assert.equal("Employee Eve, Engineer N, Senior S, Manager Boss",
      staff.names(C.Employee.query:order_by(C.Employee.id):all()))
  end)

  it("set columns of several tables, for the rows that met the criteria before", function()
    local sue = C.Senior.query:one()
    for _, how in ipairs{ "auto", "evaluate", "fetch" } do
      local texts = support.statements(db, function()
        assert.equal(1, C.Senior.query:filter_by{ level = sue.level }:update({ name = how, machine = "m " .. how,
          level = sue.level + 1 }, { synchronize_session = how }))
      end)
      assert.same({ "SELECT senior.id FROM senior WHERE senior.level = ?",
        "UPDATE employee SET name=? WHERE employee.id IN (?)", "UPDATE engineer SET machine=? WHERE engineer.id IN (?)",
        "UPDATE senior SET level=? WHERE senior.id IN (?)" }, texts)
      support.costs(db, 0, function() assert.same({ how, "m " .. how }, { sue.name, sue.machine }) end)
      assert.equal(0, #db.session.dirty)
      db.session:commit()
      assert.same({ how, "m " .. how }, { sue.name, sue.machine })
    end
    C.Senior.query:update({ name = "off", level = 1 }, { synchronize_session = false })
    assert.equal("fetch", sue.name)
    db.session:refresh(sue)
    assert.same({ "off", 1 }, { sue.name, sue.level })
  end)

  it("set all columns or none", function()
    db.session:execute(mr.text "CREATE TRIGGER no BEFORE UPDATE ON manager BEGIN SELECT RAISE(ABORT, 'no'); END")
    refuse("IntegrityError", "no", function() C.Manager.query:update{ name = "a", golf = "b" } end)
    assert.equal("Max", C.Manager.query:one().name)
    refuse("ArgumentError", { "Manager.golf", "'manager'", "an update for each" },
      function() C.Manager.query:update{ name = "a", golf = C.Manager.name } end)
    refuse("ArgumentError", { "Manager", "'nam'", "'name'" },
      function() C.Manager.query:update{ nam = "a", golf = "b" } end)
    refuse("ArgumentError", { "update:", "'employee'", "'manager'", "query:update" },
      function() mr.update(C.Manager):values{ name = "a", golf = "b" } end)
  end)

  it("delete from all tables of the class and of those below it", function()
    local sue, nick = C.Senior.query:one(), C.Engineer.query:filter_by{ name = "Nick" }:one()
    for _, how in ipairs{ "auto", "evaluate", "fetch" } do
      assert.equal("lathe", sue.machine)
      local texts = support.statements(db, function()
        assert.equal(1, C.Engineer.query:filter(C.Engineer.machine:eq "lathe"):delete{ synchronize_session = how })
      end)
      assert.same({ "SELECT engineer.id FROM engineer WHERE engineer.machine = ?",
        "DELETE FROM senior WHERE senior.id IN (?)", "DELETE FROM engineer WHERE engineer.id IN (?)",
        "DELETE FROM employee WHERE employee.id IN (?)" }, texts)
      assert.same({ "deleted", "persistent" }, { mr.inspect(sue).state, mr.inspect(nick).state })
      assert.equal("Employee Eve, Engineer Nick, Manager Max", staff.names(C.Employee.query:order_by "id":all()))
      db.session:rollback()
      assert.equal("persistent", mr.inspect(sue).state)
    end
    assert.equal(4, C.Employee.query:delete{ synchronize_session = false })
    for _, name in ipairs{ "employee", "engineer", "senior", "manager" } do
      assert.equal(0, db.session:execute(mr.text("SELECT count(*) FROM " .. name)):scalar())
    end
  end)

  it("delete many rows, and rows whose key has several columns", function()
    local Place = db.Model:extend("Place", { x = db.Column{ db.Integer, primary_key = true },
      y = db.Column{ db.Integer, primary_key = true }, kind = db.Column{ db.String },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "place" } })
    local Town = Place:extend("Town", { __tablename = "town", name = db.Column{ db.String },
      x = db.Column{ db.Integer, primary_key = true }, y = db.Column{ db.Integer, primary_key = true },
      __table_args = { db.ForeignKeyConstraint({ "x", "y" }, { "place.x", "place.y" }) },
      __mapper_args = { polymorphic_identity = "town" } })
    db:create_all()
    for x = 1, 40 do
      for y = 1, 30 do db.session:add(Town{ x = x, y = y, name = x > 20 and "far" or "near" }) end
    end
    db.session:commit()
    assert.equal(600, Town.query:filter_by{ name = "far" }:update{ kind = "town", name = "gone" })
    assert.equal(600, Town.query:filter_by{ name = "gone" }:delete())
    assert.same({ 600, 600 }, { Place.query:count(), Town.query:filter(Town.x:le(20)):count() })
  end)

  it("are refused as statements that would write a part of the objects", function()
    refuse("ArgumentError", { "delete: objects of Engineer", "several tables", "session:query(Engineer)" },
      db.session.execute, db.session, mr.delete(C.Engineer))
    refuse("ArgumentError", { "delete: objects of Employee", "several tables" },
      db.session.execute, db.session, mr.delete(C.Employee))
    refuse("ArgumentError", { "insert: objects of Engineer", "several tables", "session:add_all" }, mr.insert,
      C.Engineer)
    db.session:execute(mr.insert(C.Employee):values{ name = "Ida" })
    assert.equal("employee", C.Employee.query:filter_by{ name = "Ida" }:one().kind)
  end)

  it("work for classes that share a joined table", function()
    local _, M = staff.filled "mixed"
    assert.equal(1, M.Senior.query:update{ level = 5 })
    assert.equal(1, M.Senior.query:filter_by{ name = "Sue" }:update{ machine = "m" })
    assert.equal("drill", M.Engineer.query:filter_by{ name = "Nick" }:one().machine)
    assert.equal(1, M.Senior.query:delete())
    assert.equal(1, M.Engineer.query:count())
  end)
end)

describe("a new object with the key of a deleted one", function()
  it("keeps what the row has in each table where it says nothing, and takes expressions", function()
    local db, C = staff.filled "joined"
    db.session:delete(C.Senior.query:one())
    db.session:add(C.Senior{ id = 3, level = mr.func.abs(-8) })
    db.session:commit()
    local sue = C.Senior.query:one()
    assert.same({ "Sue", "lathe", 8, "senior" }, { sue.name, sue.machine, sue.level, sue.kind })
  end)

  it("takes its row where both are in the same tables, and is refused with the cure where they are not", function()
    for _, kind in ipairs{ "single", "joined", "mixed" } do
      for _, pair in ipairs{ { "Senior", "Senior" }, { "Engineer", "Manager" }, { "Senior", "Engineer" },
        { "Engineer", "Senior" }, { "Senior", "Employee" }, { "Employee", "Senior" } } do
        local db, C = staff.filled(kind)
        local old = db.session:query(C[pair[1]]):filter_by{ kind = pair[1]:lower() }:one()
        local id = old.id
        local function make() return C[pair[2]]{ id = id, name = "New" } end
        local share = pair[1] == pair[2] or kind == "single"
          or kind == "mixed" and pair[1] ~= "Employee" and pair[2] ~= "Employee" and pair[2] ~= "Manager"
        db.session:delete(old)
        db.session:add(make())
        if not share then
          refuse("InvalidRequestError", { pair[1] .. " " .. id, "a new " .. pair[2], "session:flush()" },
            db.session.flush, db.session)
          db.session:rollback()
          db.session:delete(db.session:get(C.Employee, id))
          db.session:flush()
          db.session:add(make())
        end
        db.session:commit()
        db.session:remove()
        local new = db.session:get(C.Employee, id)
        assert.same({ pair[2], "New", 4 }, { mr.class_of(new).__name, new.name, #C.Employee.query:all() })
        assert.equal(#C.Senior.query:all(), kind == "joined"
          and db.session:execute(mr.text "SELECT count(*) FROM senior"):scalar() or #C.Senior.query:all())
      end
    end
  end)
end)

describe("versions of joined tables", function()
  local function versioned()
    local db = mr.open "sqlite://"
    local Base = db.Model:extend("Base", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(10) },
      kind = db.Column{ db.String(10) },
      version = db.Column{ db.Integer, nullable = false },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "base", version_id_col = "version" },
    })
    local Sub = Base:extend("Sub", {
      id = db.Column{ db.Integer, db.ForeignKey "base.id", primary_key = true },
      data = db.Column{ db.String(10) },
      __mapper_args = { polymorphic_identity = "sub" },
    })
    db:create_all()
    return db, Base, Sub
  end

  it("rise with a change of any table, and are compared in the base's", function()
    local db, Base, Sub = versioned()
    local s = Sub{ name = "a", data = "b" }
    db.session:add(s)
    db.session:commit()
    assert.equal(1, s.version)
    s.data = "c"
    assert.same({ { "UPDATE base SET version=? WHERE base.id = ? AND base.version = ?", 2, 1, 1 },
      { "UPDATE sub SET data=? WHERE sub.id = ?", "c", 1 } }, support.sent(db, function() db.session:flush() end))
    assert.equal(2, s.version)
    s.name = "z"
    assert.same({ "UPDATE base" }, support.writes(db))
    assert.equal(3, s.version)
    db.session:commit()
    assert.equal(3, Base.query:one().version)
    db.session:execute(mr.text "UPDATE base SET version = 9")
    s.data = "d"
    refuse("StaleDataError", { "base", "Sub 1" }, function() db.session:flush() end)
    db.session:rollback()
    assert.equal("c", s.data)
    db.session:delete(s)
    db.session:commit()
    assert.equal(0, Base.query:count())
  end)

  it("make a deletion of a stale object an error, and nothing is deleted", function()
    local db, _, Sub = versioned()
    local s = Sub{ data = "b" }
    db.session:add(s)
    db.session:commit()
    assert.equal("b", s.data)
    db.session:execute(mr.text "UPDATE base SET version = 9")
    db.session:delete(s)
    refuse("StaleDataError", { "base" }, function() db.session:flush() end)
    db.session:rollback()
    assert.equal(1, Sub.query:count())
  end)
end)

describe("keys of joined tables", function()
  it("may be natural and of several columns, and change over the tables by ON UPDATE CASCADE", function()
    local db = mr.open "sqlite://"
    local Place = db.Model:extend("Place", {
      x = db.Column{ db.Integer, primary_key = true },
      y = db.Column{ db.String(5), primary_key = true },
      kind = db.Column{ db.String(5) },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "place" },
    })
    local Town = Place:extend("Town", {
      x = db.Column{ db.Integer, primary_key = true },
      y = db.Column{ db.String(5), primary_key = true },
      people = db.Column{ db.Integer },
      __table_args = { db.ForeignKeyConstraint({ "x", "y" }, { "place.x", "place.y" }, { onupdate = "CASCADE" }) },
      __mapper_args = { polymorphic_identity = "town" },
    })
    db:create_all()
    local town = Town{ x = 1, y = "a", people = 5 }
    db.session:add(town)
    db.session:commit()
    assert.equal(5, db.session:get(Place, { 1, "a" }).people)
    town.y = "b"
    assert.same({ { "UPDATE place SET y=? WHERE place.x = ? AND place.y = ?", "b", 1, "a" } },
      support.sent(db, function() db.session:flush() end))
    town.x, town.people = 2, 6
    assert.same({ "UPDATE place", "UPDATE town" }, support.writes(db))
    db.session:commit()
    db.session:remove()
    assert.equal(6, db.session:get(Town, { 2, "b" }).people)
    db.session:delete(db.session:get(Town, { 2, "b" }))
    db.session:commit()
    assert.equal(0, Place.query:count())
  end)

  it("may have another name in the subclass, as an attribute of its own", function()
    local db = mr.open "sqlite://"
    local Base = db.Model:extend("Base", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(5) } })
    local Sub = Base:extend("Sub", { sub_id = db.Column{ db.Integer, db.ForeignKey "base.id", primary_key = true },
      data = db.Column{ db.String(5) } })
    db:create_all()
    local s = Sub{ name = "n", data = "d" }
    db.session:add(s)
    db.session:flush()
    support.costs(db, 0, function() assert.same({ 1, 1 }, { s.id, s.sub_id }) end)
    db.session:commit()
    db.session:remove()
    s = db.session:get(Sub, 1)
    assert.same({ 1, 1, "n", "d" }, { s.id, s.sub_id, s.name, s.data })
    assert.equal(1, Sub.query:filter(Sub.sub_id:eq(1)):count())
  end)

  it("that two objects of a family share are refused", function()
    local db, C = staff.filled "joined"
    local keep = db.session:get(C.Engineer, 2)
    db.session:add(C.Manager{ id = 2, name = "again" })
    refuse("IntegrityError", {}, function() db.session:flush() end)
    db.session:rollback()
    assert.equal("Nick", keep.name)
  end)
end)

describe("columns of joined tables", function()
  it("may have defaults, defaults of the database, onupdate and computed values in each table", function()
    local db = mr.open "sqlite://"
    local n = 0
    local Base = db.Model:extend("Base", {
      id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ db.Integer, default = function() n = n + 1 return n end },
      b = db.Column{ db.Integer, server_default = "7" },
      changed = db.Column{ db.Integer, default = 0, onupdate = 1 },
    })
    local Sub = Base:extend("Sub", {
      id = db.Column{ db.Integer, db.ForeignKey "base.id", primary_key = true },
      e = db.Column{ db.Integer, default = 3 },
      d = db.Column{ db.Integer, server_default = "8" },
      twice = db.Column{ db.Integer, db.Computed "e * 2" },
      touched = db.Column{ db.Integer, onupdate = 5 },
    })
    db:create_all()
    local s = Sub{}
    db.session:add(s)
    db.session:flush()
    assert.same({ 1, 1, 7, 0, 3, 8, 6 }, { s.id, s.a, s.b, s.changed, s.e, s.d, s.twice })
    assert.equal(1, n)
    s.e = 4
    assert.same({ "UPDATE sub" }, support.writes(db))
    assert.same({ 8, 5, 0 }, { s.twice, s.touched, s.changed })
    s.a = 9
    assert.same({ "UPDATE base" }, support.writes(db))
    assert.equal(1, s.changed)
  end)

  it("of one name in both tables are one attribute, written to both, with a warning", function()
    local said = {}
    local db = mr.open "sqlite://"
    local Base = db.Model:extend("Base", { id = db.Column{ db.Integer, primary_key = true },
      note = db.Column{ db.String(5) } })
    local real_warn = warn
    rawset(_G, "warn", function(text) said[#said + 1] = text end)
    local Sub = Base:extend("Sub", { id = db.Column{ db.Integer, db.ForeignKey "base.id", primary_key = true },
      note = db.Column{ db.String(5) } })
    rawset(_G, "warn", real_warn)
    assert.truthy(said[1] and said[1]:find("Sub.note: the tables 'base' and 'sub' both have a column for it", 1, true))
    db:create_all()
    local s = Sub{ note = "x" }
    db.session:add(s)
    db.session:commit()
    s.note = "y"
    db.session:commit()
    local row = db.session:execute(mr.text "SELECT base.note AS a, sub.note AS b FROM base, sub"):one()
    assert.same({ "y", "y" }, { row.a, row.b })
    assert.equal("y", s.note)
  end)

  it("may be deferred, in groups over the tables", function()
    local db = mr.open "sqlite://"
    local Base = db.Model:extend("Base", { id = db.Column{ db.Integer, primary_key = true },
      text = db.Column{ db.Text, deferred = true, deferred_group = "big" } })
    local Sub = Base:extend("Sub", { id = db.Column{ db.Integer, db.ForeignKey "base.id", primary_key = true },
      x = db.Column{ db.Integer }, more = db.Column{ db.Text, deferred = true, deferred_group = "big" } })
    db:create_all()
    db.session:add(Sub{ text = "t", x = 1, more = "m" })
    db.session:commit()
    db.session:remove()
    local s = Sub.query:one()
    support.costs(db, 0, function() assert.equal(1, s.x) end)
    support.costs(db, 1, function() assert.same({ "t", "m" }, { s.text, s.more }) end)
    db.session:remove()
    s = Sub.query:options(mr.undefer(Sub.more)):one()
    support.costs(db, 0, function() assert.equal("m", s.more) end)
  end)
end)

describe("a joined class", function()
  it("may refer to its own tree, and to itself", function()
    local db = mr.open "sqlite://"
    local Person = db.Model:extend("Person", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(10) },
      kind = db.Column{ db.String(10) },
      boss_id = db.Column{ db.Integer, db.ForeignKey "boss.id" },
      boss = db.relationship{ "Boss", back_populates = "people" },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "person" },
    })
    local Boss = Person:extend("Boss", {
      id = db.Column{ db.Integer, db.ForeignKey "person.id", primary_key = true },
      title = db.Column{ db.String(10) },
      people = db.relationship{ "Person", back_populates = "boss", foreign_keys = "Person.boss_id",
        order_by = "Person.id" },
      __mapper_args = { polymorphic_identity = "boss", inherit_condition = function(c) return c.id:eq(Person.id) end },
    })
    db:create_all()
    local top = Boss{ name = "top", title = "CEO" }
    local mid = Boss{ name = "mid", title = "CTO", boss = top }
    db.session:add_all{ Person{ name = "low", boss = mid }, mid, top }
    db.session:commit()
    db.session:remove()
    local low = Person.query:filter_by{ name = "low" }:one()
    assert.equal("CTO", low.boss.title)
    assert.equal("CEO", low.boss.boss.title)
    assert.equal("Boss mid", staff.names(Boss.query:filter_by{ name = "top" }:one().people))
    assert.equal(1, Person.query:filter(Person.boss:has{ title = "CTO" }):count())
    assert.equal(1, Boss.query:filter(Boss.people:any{ name = "low" }):count())
  end)

  it("may have links to a class, from a table of the middle", function()
    local db = mr.open "sqlite://"
    local link = db.Table("skills", db.Column{ "engineer_id", db.Integer, db.ForeignKey "engineer.id",
      primary_key = true },
      db.Column{ "skill_id", db.Integer, db.ForeignKey "skill.id", primary_key = true })
    local Employee = db.Model:extend("Employee", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9) }, kind = db.Column{ db.String(9) },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "e" } })
    local Engineer = Employee:extend("Engineer", { id = db.Column{ db.Integer, db.ForeignKey "employee.id",
      primary_key = true },
      skills = db.relationship{ "Skill", secondary = link, back_populates = "engineers", order_by = "Skill.id" },
      __mapper_args = { polymorphic_identity = "n" } })
    local Senior = Engineer:extend("Senior", { id = db.Column{ db.Integer, db.ForeignKey "engineer.id",
      primary_key = true },
      level = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "s" } })
    local Skill = db.Model:extend("Skill", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9) },
      engineers = db.relationship{ "Engineer", secondary = link, back_populates = "skills",
        order_by = "Engineer.id" } })
    db:create_all()
    local lua, c = Skill{ name = "lua" }, Skill{ name = "c" }
    db.session:add_all{ Engineer{ name = "a", skills = { lua } }, Senior{ name = "b", level = 1, skills = { lua, c } } }
    db.session:commit()
    for _, option in ipairs{ "lazyload", "joinedload", "selectinload", "subqueryload" } do
      db.session:remove()
      local skill = Skill.query:options(mr[option](Skill.engineers)):filter_by{ name = "lua" }:one()
      assert.equal("Engineer a, Senior b", staff.names(skill.engineers), option)
      db.session:remove()
      local b = Senior.query:options(mr[option](Senior.skills)):one()
      assert.equal("Skill lua, Skill c", staff.names(b.skills), option)
    end
    assert.equal(1, Senior.query:filter(Senior.skills:any{ name = "c" }):count())
    local b = Senior.query:one()
    b.skills:remove(b.skills[1])
    assert.same({ "DELETE skills" }, support.writes(db))
    db.session:delete(b)
    db.session:commit()
    assert.equal("Engineer a", staff.names(Skill.query:filter_by{ name = "lua" }:one().engineers))
  end)

  it("may map tables that are there already", function()
    local db = mr.open "sqlite://"
    local base = db.Table("base", db.Column{ "id", db.Integer, primary_key = true }, db.Column{ "name", db.String(9) },
      db.Column{ "kind", db.String(9) })
    local sub = db.Table("sub", db.Column{ "id", db.Integer, db.ForeignKey "base.id", primary_key = true },
      db.Column{ "data", db.String(9) })
    local Base = db.Model:extend("Base", { __table = base,
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "b" } })
    local Sub = Base:extend("Sub", { __table = sub, __mapper_args = { polymorphic_identity = "s" } })
    db:create_all()
    db.session:add(Sub{ name = "n", data = "d" })
    db.session:commit()
    db.session:remove()
    local s = Base.query:one()
    assert.truthy(mr.class_of(s) == Sub)
    assert.same({ 1, "n", "d" }, { s.id, s.name, s.data })
  end)
end)
