-- staff.lua: a family of classes for specs of inheritance: employees of a company, engineers (some of them senior) and
-- managers, in one table or in several.

local mr = require "moonrow"

local M = {}

--- Declares the classes in a new database in memory, and makes their tables. Returns db and the classes by name.
--- kind: "single" (one table), "joined" (a table for each class), "mixed" (engineers have a table, which Senior
--- shares).
--- args: further __mapper_args, by class; body: further members, by class, as a function of db; more(db): further
--- classes by name.
function M.declare(kind, args, body, url, more)
  local db = mr.open(url or "sqlite://")
  local C = {}
  local function class(base, name, members, identity)
    members.__mapper_args = { polymorphic_identity = identity }
    for option, value in pairs(args and args[name] or {}) do members.__mapper_args[option] = value end
    for key, value in pairs(body and body[name] and body[name](db) or {}) do members[key] = value end
    local own = kind == "joined" or (kind == "mixed" and name ~= "Senior")
    if own and base ~= db.Model then
      members.id = db.Column{ db.Integer, db.ForeignKey(base.__table.name .. ".id"), primary_key = true }
    end
    C[name] = base:extend(name, members)
    return C[name]
  end
  C.Company = db.Model:extend("Company", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20) },
    employees = db.relationship{ "Employee", back_populates = "company", order_by = "Employee.id" },
    engineers = db.relationship{ "Engineer", viewonly = true, order_by = "Engineer.id" },
  })
  args = args or {}
  args.Employee = args.Employee or {}
  args.Employee.polymorphic_on = args.Employee.polymorphic_on or "kind"
  class(db.Model, "Employee", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20) },
    kind = db.Column{ db.String(20) },
    company_id = db.Column{ db.Integer, db.ForeignKey "company.id" },
    company = db.relationship{ "Company", back_populates = "employees" },
  }, "employee")
  class(C.Employee, "Engineer", {
    machine = db.Column{ db.String(20) },
  }, "engineer")
  class(C.Engineer, "Senior", { level = db.Column{ db.Integer } }, "senior")
  class(C.Employee, "Manager", { golf = db.Column{ db.String(20) } }, "manager")
  for name, made in pairs(more and more(db) or {}) do C[name] = made end
  db:create_all()
  return db, C
end

--- Adds one object of each class to company "acme" (keys 1 to 4: Employee, Engineer, Senior, Manager), and commits. The
--- session is empty afterwards.
function M.fill(db, C)
  local acme = C.Company{ name = "acme" }
  db.session:add_all{
    C.Employee{ name = "Eve", company = acme },
    C.Engineer{ name = "Nick", machine = "drill", company = acme },
    C.Senior{ name = "Sue", machine = "lathe", level = 3, company = acme },
    C.Manager{ name = "Max", golf = "9 holes", company = acme },
  }
  db.session:commit()
  db.session:remove()
end

--- "Class name, Class name ..." of a list of objects, in its order.
function M.names(list)
  local words = {}
  for i = 1, #list do words[i] = mr.class_of(list[i]).__name .. " " .. tostring(list[i].name) end
  return table.concat(words, ", ")
end

--- The family that the other functions make, with its objects.
function M.filled(kind, args, body)
  local db, C = M.declare(kind, args, body)
  M.fill(db, C)
  return db, C
end

return M
