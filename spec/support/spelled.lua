-- spelled.lua: parents and children whose key columns the database compares by rules of its own, for specs about keys
-- in several spellings.

local support = require "spec.support.models"

local M = {}

--- Makes the tables parent and child with rows, and declares Parent and Child. key: the type of the parent's key in
--- CREATE TABLE; ref: the definition of the child's column, behind its name. key_type, ref_type: the types of the
--- attributes. parents: rows (k, v) as SQL; children: rows (id, parent_k). Returns Parent, Child.
function M.open(db, key, key_type, ref, ref_type, parents, children)
  support.run(db,
    "CREATE TABLE parent (k " .. key .. " PRIMARY KEY, v TEXT)",
    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_k " .. ref .. ")",
    "INSERT INTO parent VALUES " .. parents, "INSERT INTO child VALUES " .. children)
  local Parent = db.Model:extend("Parent", {
    k = db.Column{ key_type, primary_key = true, autoincrement = false },
    v = db.Column{ db.Text },
    children = db.relationship{ "Child", backref = "parent", order_by = "Child.id" },
  })
  local Child = db.Model:extend("Child", {
    id = db.Column{ db.Integer, primary_key = true },
    parent_k = db.Column{ ref_type, db.ForeignKey "parent.k" },
  })
  return Parent, Child
end

return M
