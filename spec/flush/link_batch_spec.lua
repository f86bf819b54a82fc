-- The links of one flush go in one batch for each table, from whichever class and side they come.

local mr = require "moonrow"
local support = require "spec.support.models"

local writes = support.writes

describe("links of a many-to-many relationship", function()
  local function staff(mutual)
    local db = mr.open "sqlite://"
    db.Table("links", db.metadata, db.Column{ "emp_id", db.Integer, db.ForeignKey "emp.id" },
      db.Column{ "project_id", db.Integer, db.ForeignKey "project.id" })
    local C = {}
    C.Emp = db.Model:extend("Emp", { id = db.Column{ db.Integer, primary_key = true }, kind = db.Column{ db.String },
      projects = db.relationship{ "Project", secondary = "links", back_populates = mutual and "emps" or nil,
        order_by = "Project.id" },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "emp" } })
    for _, name in ipairs{ "Eng", "Boss" } do
      C[name] = C.Emp:extend(name, { id = db.Column{ db.Integer, db.ForeignKey "emp.id", primary_key = true },
        __mapper_args = { polymorphic_identity = name } })
    end
    C.Project = db.Model:extend("Project", { id = db.Column{ db.Integer, primary_key = true },
      emps = mutual and db.relationship{ "Emp", secondary = "links", back_populates = "projects" } or nil })
    db:create_all()
    return db, C
  end

  local function pairs_of(db)
    local list = {}
    for _, row in ipairs(db.session:execute(mr.text "SELECT emp_id, project_id FROM links ORDER BY 1, 2"):all()) do
      list[#list + 1] = row[1] .. "-" .. row[2]
    end
    return table.concat(list, " ")
  end

  for _, mutual in ipairs{ false, true } do
    it("of several joined classes are inserted and deleted together" .. (mutual and ", seen from both sides" or ""),
      function()
        local db, C = staff(mutual)
        local p, q, r = C.Project{ id = 1 }, C.Project{ id = 2 }, C.Project{ id = 3 }
        local eng, boss = C.Eng{ id = 1, projects = { p, q } }, C.Boss{ id = 2, projects = { p, q } }
        local emp = C.Emp{ id = 3, projects = { p } }
        db.session:add_all{ eng, boss, emp, r }
        local list = writes(db)
        assert.same({ "INSERT links x5" }, { list[#list] })
        local links = 0
        for _, text in ipairs(list) do links = links + (text:find("links", 1, true) and 1 or 0) end
        assert.equal(1, links)
        assert.equal("1-1 1-2 2-1 2-2 3-1", pairs_of(db))
        db.session:no_autoflush(function()
          eng.projects, boss.projects = {}, { q, r }
          emp.projects:append(q)
          if mutual then r.emps:append(emp) end
        end)
        assert.same({ "DELETE links x3", mutual and "INSERT links x3" or "INSERT links x2" }, writes(db))
        assert.equal(mutual and "2-2 2-3 3-1 3-2 3-3" or "2-2 2-3 3-1 3-2", pairs_of(db))
        db.session:commit()
      end)
  end

  it("between objects of one class go in the direction of each side", function()
    local db = mr.open "sqlite://"
    db.Table("follows", db.metadata, db.Column{ "from_id", db.Integer, db.ForeignKey "person.id" },
      db.Column{ "to_id", db.Integer, db.ForeignKey "person.id" })
    local Person
    Person = db.Model:extend("Person", { id = db.Column{ db.Integer, primary_key = true },
      follows = db.relationship{ "Person", secondary = "follows", back_populates = "followers",
        primaryjoin = function() return Person.id:eq(db.metadata.tables.follows.c.from_id) end,
        secondaryjoin = function() return Person.id:eq(db.metadata.tables.follows.c.to_id) end },
      followers = db.relationship{ "Person", secondary = "follows", back_populates = "follows",
        primaryjoin = function() return Person.id:eq(db.metadata.tables.follows.c.to_id) end,
        secondaryjoin = function() return Person.id:eq(db.metadata.tables.follows.c.from_id) end } })
    db:create_all()
    local a, b, c = Person{ id = 1 }, Person{ id = 2 }, Person{ id = 3 }
    db.session:add_all{ a, b, c }
    db.session:flush()
    db.session:no_autoflush(function()
      a.follows:append(b)
      b.followers:append(c)
      c.follows:append(a)
      a.followers:append(b)
    end)
    assert.same({ "INSERT follows x4" }, writes(db))
    local list = {}
    for _, row in ipairs(db.session:execute(mr.text "SELECT from_id, to_id FROM follows ORDER BY 1, 2"):all()) do
      list[#list + 1] = row[1] .. ">" .. row[2]
    end
    assert.equal("1>2 2>1 3>1 3>2", table.concat(list, " "))
  end)
end)
