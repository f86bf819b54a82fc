-- Attributes of a subclass, or of an alias of one, where the class itself is no item of the query: the query reads the
-- class's rows alone, from all of the class's tables, however the attributes are used.
-- After SQLAlchemy's test/orm/inheritance: test_polymorphic_rel.py and test_selects.py (aliases of joined classes,
-- read by columns), test_basic.py (counts of a subclass), test_single.py.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local staff = require "spec.support.staff"
local support = require "spec.support.models"

-- The values of the rows as text, and what the one statement says from " FROM " on.
local function read(db, query)
  local words = {}
  local sent = support.sent(db, function()
    for i, row in ipairs(query:all()) do
      local values = {}
      for k = 1, #row do values[k] = tostring(row[k]) end
      words[i] = table.concat(values, " ")
    end
  end)
  assert.equal(1, #sent)
  table.sort(words)
  return table.concat(words, ", "), sent[1][1]:match " FROM (.*)$"
end

-- For each kind of family: what a query of an alias of the class reads, before WHERE and with it.
local FROM = {
  joined = {
    Engineer = "employee AS employee_1 JOIN engineer AS engineer_1 ON employee_1.id = engineer_1.id",
    Senior = "employee AS employee_1 JOIN engineer AS engineer_1 ON employee_1.id = engineer_1.id "
      .. "JOIN senior AS senior_1 ON engineer_1.id = senior_1.id",
    Manager = "employee AS employee_1 JOIN manager AS manager_1 ON employee_1.id = manager_1.id",
  },
  mixed = {
    Engineer = "employee AS employee_1 JOIN engineer AS engineer_1 ON employee_1.id = engineer_1.id",
    Senior = "employee AS employee_1 JOIN engineer AS engineer_1 ON employee_1.id = engineer_1.id "
      .. "WHERE employee_1.kind IN (?)",
    Manager = "employee AS employee_1 JOIN manager AS manager_1 ON employee_1.id = manager_1.id",
  },
  single = {
    Engineer = "employee AS employee_1 WHERE employee_1.kind IN (?, ?)",
    Senior = "employee AS employee_1 WHERE employee_1.kind IN (?)",
    Manager = "employee AS employee_1 WHERE employee_1.kind IN (?)",
  },
}
local OWN = { Engineer = "machine", Senior = "level", Manager = "golf" }
local NAMES = { Engineer = "Nick, Sue", Senior = "Sue", Manager = "Max" }
local BOTH = { Engineer = "Nick drill, Sue lathe", Senior = "Sue 3", Manager = "Max 9 holes" }
local COUNT = { Engineer = "2", Senior = "1", Manager = "1" }

for kind, froms in pairs(FROM) do
  describe("attributes of a " .. kind .. " subclass, without the class", function()
    local db, C, s
    before_each(function()
      db, C = staff.filled(kind)
      s = db.session
    end)

    it("read its rows through an alias, one or several, its own or its base's", function()
      for class, from in pairs(froms) do
        local e = mr.aliased(C[class])
        local words, sql = read(db, s:query(e.name))
        assert.same({ NAMES[class], from }, { words, sql })
        words, sql = read(db, s:query(e.name, e[OWN[class]]))
        assert.same({ BOTH[class], from }, { words, sql })
        words, sql = read(db, s:query(mr.func.upper(e.name) .. "!"))
        assert.same({ NAMES[class]:upper():gsub("%a+", "%0!"), from }, { words, sql })
        sql = select(2, read(db, s:query(e[OWN[class]])))
        assert.equal(from, sql)
        sql = select(2, read(db, s:query(e[OWN[class]], e)))
        assert.equal(from, sql)
      end
    end)

    it("are counted, grouped and ordered through an alias", function()
      for class, from in pairs(froms) do
        local e = mr.aliased(C[class])
        local words, sql = read(db, s:query(mr.func.count(e.id)))
        assert.same({ COUNT[class], from }, { words, sql })
        support.costs(db, 1, function() assert.equal(tonumber(COUNT[class]), s:query(e.name):count()) end)
        words, sql = read(db, s:query(e.name, mr.func.count(e[OWN[class]])):group_by(e.name):order_by(e[OWN[class]]))
        assert.equal((NAMES[class]:gsub("%a+", "%0 1")), words)
        assert.equal(from, (sql:gsub(" GROUP BY.*", "")))
        assert.truthy(sql:find("GROUP BY employee_1.name ORDER BY", 1, true))
      end
    end)

    it("are read within a scalar subquery, a subquery, a CTE, IN and a union", function()
      for class in pairs(froms) do
        for _, e in ipairs{ C[class], mr.aliased(C[class]) } do
          local n = mr.select(mr.func.count(e.name)):scalar_subquery()
          assert.equal(COUNT[class], (read(db, s:query(n:label "n"))))
          local some = s:query(e.id, e.name, e[OWN[class]]):subquery()
          assert.equal(NAMES[class], (read(db, s:query(some.c.name))))
          local cte = mr.select(e.name):cte "named"
          assert.equal(NAMES[class], (read(db, s:query(cte.c.name))))
          local nobody = mr.select(e.company_id):where(e.name:eq "Eve")
          assert.equal("", (read(db, s:query(C.Company.name):filter(C.Company.id:in_(nobody)))))
          local both = s:query(e.name):union_all(s:query(C.Employee.name):filter(C.Employee.name:eq "Eve"))
          assert.equal("Eve, " .. NAMES[class], (read(db, both)))
          local with = mr.select(mr.func.count(e.id)):where(e.company_id:eq(C.Company.id)):scalar_subquery()
          assert.equal("acme " .. COUNT[class], (read(db, s:query(C.Company.name, with:label "n"))))
        end
      end
    end)

    it("are asked for by exists, as arguments", function()
      s:query(C.Senior):delete()
      s:query(C.Manager):delete()
      for class, is in pairs{ Engineer = "true", Senior = "false", Manager = "false" } do
        for _, e in ipairs{ C[class], mr.aliased(C[class]) } do
          assert.equal(is, (read(db, s:query(mr.exists(e.id)))), class)
          assert.equal(is, (read(db, s:query(mr.exists(e.name, e[OWN[class]])))), class)
          assert.equal("false", (read(db, s:query(mr.exists(e.id):where(e.name:eq "Eve")))), class)
          local own = mr.exists(e.id):where(e.company_id:eq(C.Company.id))
          assert.equal(is == "true" and "acme" or "", (read(db, s:query(C.Company.name):filter(own))), class)
        end
      end
    end)

    it("belong to the class in WHERE alone, through an alias", function()
      for class, from in pairs(froms) do
        local e = mr.aliased(C[class])
        local q = s:query(C.Company.name):filter(e.name:eq "Eve")
        local words, sql = read(db, q)
        assert.equal("", words)
        assert.truthy(sql:find("company, " .. (from:match "^(.*) WHERE" or from), 1, true), sql)
        assert.equal(0, q:count())
        assert.equal("acme", (read(db, s:query(C.Company.name):filter(e.company_id:eq(C.Company.id)):distinct())))
        assert.equal("false", (read(db, s:query(mr.exists():where(e.name:eq "Eve")))))
        assert.equal("true", (read(db, s:query(mr.exists():where(e.name:in_{ "Nick", "Sue", "Max" })))))
      end
    end)

    it("are of no alias that the query does not read, in an order or a group", function()
      local e = mr.aliased(C.Engineer)
      for word, q in pairs{
        order_by = s:query(C.Company.name):order_by(e.name),
        group_by = s:query(C.Company.name):group_by(e.machine),
        having = s:query(mr.func.count(C.Company.id)):having(e.name:eq "x"),
      } do
        refuse("InvalidRequestError", word .. ": the query does not read the alias that "
          .. (word == "group_by" and "Engineer.machine" or "Employee.name") .. " is of", function() q:all() end)
      end
      assert.equal("acme, acme", (read(db, s:query(C.Company.name):join(e, e.company_id:eq(C.Company.id))
        :order_by(e.name))))
    end)

    it("stand beside a join of the same alias, and name the class to filter_by", function()
      for class in pairs(froms) do
        local e = mr.aliased(C[class])
        local q = s:query(C.Company.name, e.name):join(e, e.company_id:eq(C.Company.id))
        assert.equal((NAMES[class]:gsub("%a+", "acme %0")), (read(db, q)))
        assert.equal((NAMES[class]:gsub("%a+", "%0 acme")), (read(db, s:query(e.name, C.Company.name):join(e.company))))
        local value = class == "Senior" and 3 or class == "Manager" and "9 holes" or "drill"
        local name = class == "Senior" and "Sue" or class == "Manager" and "Max" or "Nick"
        assert.equal(name, (read(db, s:query(e.name):filter_by{ [OWN[class]] = value })))
        assert.equal(name, (read(db, s:query(e.name):where(OWN[class] .. " == $v", { v = value }))))
      end
    end)

    it("of two aliases keep apart", function()
      local a, b = mr.aliased(C.Engineer), mr.aliased(C.Engineer)
      local words = read(db, s:query(a.name, b.machine):filter(a.id:lt(b.id)))
      assert.equal("Nick lathe", words)
      words = read(db, s:query(a.name, b.name):join(b, a.company_id:eq(b.company_id)))
      assert.equal("Nick Nick, Nick Sue, Sue Nick, Sue Sue", words)
      words = read(db, s:query(a.name, a.machine):filter(a.id:lt(9)))
      assert.equal("Nick drill, Sue lathe", words)
    end)

    it("correlate where the query around reads the alias", function()
      local e, other = mr.aliased(C.Engineer), mr.aliased(C.Employee)
      local later = mr.select(mr.func.count(other.id)):where(other.id:gt(e.id)):scalar_subquery()
      assert.equal("Nick 2, Sue 1", (read(db, s:query(e.name, later:label "n"))))
      local q = s:query(e):filter(mr.exists():where(other.id:gt(e.id) & other.name:eq "Sue"))
      support.costs(db, 1, function() assert.equal("Engineer Nick", staff.names(q:all())) end)
      later = mr.select(mr.func.count(other.id)):where(other.id:gt(e.id)):correlate(e):scalar_subquery()
      assert.equal("Nick 2, Sue 1", (read(db, s:query(e.name, later:label "n"))))
    end)

    it("update and delete other rows by them", function()
      local e = mr.aliased(C.Engineer)
      local eve = mr.select(e.company_id):where(e.name:eq "Eve")
      assert.equal(0, s:execute(mr.update(C.Company):where(C.Company.id:in_(eve)):values{ name = "x" }).rowcount)
      assert.equal(0, s:execute(mr.delete(C.Company):where(C.Company.id:in_(eve))).rowcount)
      local of = mr.exists(e.id):where(e.company_id:eq(C.Company.id) & e.name:eq "Nick")
      assert.equal(1, s:execute(mr.update(C.Company):where(of):values{ name = "x" }).rowcount)
      local stmt = mr.update(C.Company):values{ name = e.name }:where(e.company_id:eq(C.Company.id))
        :where(e.name:eq "Nick")
      assert.equal(1, s:execute(stmt).rowcount)
      s:expire_all()
      assert.equal("Nick", C.Company.query:one().name)
    end)
  end)
end

describe("attributes alone of an alias of with_polymorphic", function()
  it("read the tables of all its classes, and lose no row", function()
    local db, C = staff.filled "joined"
    local any = mr.with_polymorphic(C.Employee, { C.Engineer }, { aliased = true })
    local words, sql = read(db, db.session:query(any.name, any.Engineer.machine))
    assert.equal("Eve nil, Max nil, Nick drill, Sue lathe", words)
    assert.equal("employee AS employee_1 LEFT OUTER JOIN engineer AS engineer_1 ON employee_1.id = engineer_1.id", sql)
    assert.equal("4", (read(db, db.session:query(mr.func.count(any.id)))))
    local all = mr.with_polymorphic(C.Employee, "*", { aliased = true })
    words, sql = read(db, db.session:query(all.name, all.Engineer.machine))
    assert.equal("Eve nil, Max nil, Nick drill, Sue lathe", words)
    assert.equal(3, select(2, sql:gsub("LEFT OUTER JOIN", "")))
  end)
end)

describe("an attribute of a class that shares a table, in WHERE alone", function()
  local db, C
  before_each(function() db, C = staff.filled "single" end)

  it("is of that class, where nothing else reads the table", function()
    local words, sql = read(db, db.session:query(C.Company.name):filter(C.Senior.name:eq "Eve"))
    assert.same({ "", "company, employee WHERE employee.name = ? AND employee.kind IN (?)" }, { words, sql })
    words, sql = read(db, db.session:query(C.Company.name):filter(C.Senior.company_id:eq(C.Company.id)
      & C.Senior.name:eq "Sue"))
    assert.equal("acme", words)
    assert.equal(1, select(2, sql:gsub("kind IN", "")))
    assert.equal("false", (read(db, db.session:query(mr.exists():where(C.Senior.name:eq "Eve")))))
    local twice = mr.exists():where(C.Senior.name:ne "x", C.Senior.level:gt(1)):where(C.Senior.level:lt(9))
    words, sql = read(db, db.session:query(twice))
    assert.equal("true", words)
    assert.equal(1, select(2, sql:gsub("kind IN", "")))
  end)

  it("is of whatever class reads the table", function()
    local sql = select(2, read(db, db.session:query(C.Employee.id):filter(C.Senior.level:eq(3)
      | C.Manager.golf:eq "9 holes")))
    assert.equal(nil, sql:find("kind", 1, true))
    sql = select(2, read(db, db.session:query(mr.exists(C.Employee.id):where(C.Senior.level:eq(3)))))
    assert.equal(nil, sql:find("kind", 1, true))
  end)
end)
