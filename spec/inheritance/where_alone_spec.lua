-- A class with a table of its own beside its base's that only criteria name: its rows are those of both tables.

local mr = require "moonrow"

describe("a class of several tables that only the criteria name", function()
  local db, s, Dept, Emp, Eng, Lead

  before_each(function()
    db = mr.open "sqlite://"
    s = db.session
    Dept = db.Model:extend("Dept", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9) } })
    Emp = db.Model:extend("Emp", { id = db.Column{ db.Integer, primary_key = true },
      dept_id = db.Column{ db.Integer, db.ForeignKey "dept.id" }, kind = db.Column{ db.String(9) },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "emp" } })
    Eng = Emp:extend("Eng", { id = db.Column{ db.Integer, db.ForeignKey "emp.id", primary_key = true },
      lang = db.Column{ db.String(9) }, __mapper_args = { polymorphic_identity = "eng" } })
    Lead = Eng:extend("Lead", { id = db.Column{ db.Integer, db.ForeignKey "eng.id", primary_key = true },
      staff = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "lead" } })
    db:create_all()
    s:add_all{ Dept{ id = 1, name = "a" }, Dept{ id = 2, name = "b" }, Dept{ id = 3, name = "c" } }
    s:flush()
    s:add_all{ Eng{ dept_id = 1, lang = "lua" }, Eng{ dept_id = 2, lang = "c" }, Emp{ dept_id = 3 },
      Lead{ dept_id = 2, lang = "lua", staff = 4 } }
    s:commit()
  end)
  after_each(function() s:remove() end)

  local function gives(expected, q, sql)
    if sql then assert.equal(sql, q:sql{ dialect = "sqlite" }) end
    local rows
    assert.equal(1, #db:record(function() rows = s:execute(q):all() end))
    local texts = {}
    for i, row in ipairs(rows) do texts[i] = tostring(row[1]) end
    assert.equal(expected, table.concat(texts, " "))
  end

  it("is related to itself by its key", function()
    local q = mr.select(Dept.name):where(Eng.dept_id:eq(Dept.id)):order_by(Dept.name, Eng.id)
    gives("a b b", q, "SELECT dept.name FROM dept, emp, eng WHERE emp.dept_id = dept.id AND emp.id = eng.id "
      .. "ORDER BY dept.name, emp.id")
    gives("a b", q:where(Eng.lang:eq "lua"))
    gives("b", mr.select(Dept.name):where(Lead.dept_id:eq(Dept.id), Lead.staff:gt(1)),
      "SELECT dept.name FROM dept, emp, lead, eng WHERE emp.dept_id = dept.id AND lead.staff > ? AND emp.id = eng.id "
        .. "AND eng.id = lead.id")
    gives("3", mr.select(mr.func.count()):where(Eng.dept_id:gt(0)))
    gives("1", mr.select(mr.func.count()):where(Eng.lang:eq "lua", Eng.dept_id:eq(1)))
    local engineers = mr.select(Dept.name):where(Eng.dept_id:eq(Dept.id), Eng.lang:eq "lua")
    local leads = mr.select(Dept.name):where(Lead.dept_id:eq(Dept.id))
    gives("a b", mr.union(engineers, leads):order_by(Dept.name))
  end)

  it("is so in mr.exists, once for all its criteria", function()
    local q = mr.select(Dept.name):order_by(Dept.name)
    local alone = mr.exists():where(Eng.dept_id:eq(Dept.id), Eng.lang:eq "lua")
    gives("a b", q:where(alone), "SELECT dept.name FROM dept WHERE EXISTS (SELECT 1 FROM emp, eng WHERE "
      .. "emp.dept_id = dept.id AND emp.id = eng.id AND eng.lang = ?) ORDER BY dept.name")
    gives("c", q:where(~mr.exists():where(Eng.dept_id:eq(Dept.id))))
    gives("b", q:where(mr.exists():where(Lead.staff:eq(4)):where(Lead.dept_id:eq(Dept.id))))
    local of_class = mr.exists(Eng):where(Eng.dept_id:eq(Dept.id), Eng.lang:eq "lua")
    gives("a b", q:where(of_class), "SELECT dept.name FROM dept WHERE EXISTS (SELECT 1 FROM emp JOIN eng ON "
      .. "emp.id = eng.id WHERE emp.dept_id = dept.id AND eng.lang = ?) ORDER BY dept.name")
    local is_engineer = mr.exists():where(Eng.id:eq(Emp.id), Eng.lang:eq "lua")
    gives("1 4", mr.select(Emp.id):where(is_engineer):order_by(Emp.id))
  end)

  it("is the one that the query reads where it does", function()
    gives("lua", mr.select(Eng.lang):where(Eng.dept_id:eq(1)),
      "SELECT eng.lang FROM emp JOIN eng ON emp.id = eng.id WHERE emp.dept_id = ?")
    gives("1 4", mr.select(Emp.id):where(Eng.lang:eq "lua"):order_by(Emp.id),
      "SELECT emp.id FROM emp LEFT OUTER JOIN eng ON emp.id = eng.id WHERE eng.lang = ? ORDER BY emp.id")
    local e = mr.aliased(Eng)
    gives("a", mr.select(Dept.name):where(e.dept_id:eq(Dept.id), e.lang:eq "lua", Dept.id:eq(1)))
  end)
end)
