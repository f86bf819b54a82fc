-- tree.lua: a tree of nodes: each has its parent and its children.

local mr = require "moonrow"

--- Opens a database in memory; returns it and its class Node. options: further options of Node.children, which may
--- replace the default ones.
return function(options)
  local db = mr.open "sqlite://"
  local children = { "Node", backref = db.backref{ "parent", remote_side = "Node.id" }, order_by = "Node.id" }
  for name, value in pairs(options or {}) do children[name] = value end
  local Node = db.Model:extend("Node", {
    id        = db.Column{ db.Integer, primary_key = true },
    name      = db.Column{ db.String(20) },
    parent_id = db.Column{ db.Integer, db.ForeignKey "node.id", index = true },
    children  = db.relationship(children),
  })
  function Node:__tostring() return "<" .. self.name .. ">" end
  db:create_all()
  return db, Node
end
