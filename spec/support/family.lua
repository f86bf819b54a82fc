-- family.lua: a Parent with its children, and a Child with its parent, for specs about two linked objects.

local mr = require "moonrow"

local M = {}

local function with(fields, more)
  for name, value in pairs(more or {}) do fields[name] = value end
  return fields
end

--- Opens a database with the two classes and their tables; returns db, Parent, Child. options.url: the database; nil:
--- in memory. options.children: further options of Parent.children. options.parent, options.child: functions that get
--- the database and return further attributes of the class, which may replace the default ones.
function M.open(options)
  options = options or {}
  local db = mr.open(options.url or "sqlite://")
  local Parent = db.Model:extend("Parent", with({
    id       = db.Column{ db.Integer, primary_key = true },
    name     = db.Column{ db.String(40) },
    children = db.relationship(with({ "Child", back_populates = "parent" }, options.children)),
  }, options.parent and options.parent(db)))
  local Child = db.Model:extend("Child", with({
    id        = db.Column{ db.Integer, primary_key = true },
    name      = db.Column{ db.String(40) },
    parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
    parent    = db.relationship{ "Parent", back_populates = "children" },
  }, options.child and options.child(db)))
  db:create_all()
  return db, Parent, Child
end

return M
