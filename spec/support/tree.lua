-- Nodes of a tree, as several specs have them.

local mr = require "moonrow"

-- A database and its class Node; the options are those of Node.children.
return function(options)
  local db = mr.open "sqlite://"
  local children = { "Node", backref = db.backref{ "parent", remote_side = "Node.id" }, order_by = "Node.id" }
  for name, value in pairs(options or {}) do children[name] = value end
  local Node = db.Model:extend("Node", {
    id        = db.Column{ db.Integer, primary_key = true },
    name      = db.Column{ db.String(20) },
    parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
    children  = db.relationship(children),
  })
  db:create_all()
  return db, Node
end
