-- shelf.lua: a parent with children in a collection of the kind that is asked for, and a helper for events.

local mr = require "moonrow"

local M = {}

--- Opens a database in memory with Parent.items, a collection of Item with the options given (collection_class and
--- others; order_by = false: none). Item has name, code (an integer), day (a date), position, and parent, the other
--- side.
function M.open(options)
  local db = mr.open "sqlite://"
  local m = { db = db, session = db.session }
  m.Item = db.Model:extend("Item", {
    id        = db.Column{ db.Integer, primary_key = true },
    name      = db.Column{ db.String(20) },
    code      = db.Column{ db.Integer },
    day       = db.Column{ db.Date },
    position  = db.Column{ db.Integer },
    parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
  })
  local given = { "Item", backref = "parent", order_by = "Item.id" }
  for name, value in pairs(options or {}) do given[name] = value or nil end
  m.Parent = db.Model:extend("Parent", {
    id    = db.Column{ db.Integer, primary_key = true },
    items = db.relationship(given),
  })
  function m.Item:__tostring() return self.name or "?" end
  db:create_all()
  return m
end

--- Writes what happens to the attribute into a list of texts, "append a".
function M.listen(attribute)
  local heard = {}
  for _, event in ipairs{ "append", "remove" } do
    mr.event.listen(attribute, event, function(_, item) heard[#heard + 1] = event .. " " .. tostring(item) end)
  end
  return heard
end

--- The texts of a list of records, shortened to their first word and table: "UPDATE item".
function M.short(records)
  local list = {}
  for i, record in ipairs(records) do
    local verb, rest = record.statement:match "^(%u+) (.*)$"
    local name = verb == "SELECT" and rest:match "FROM ([%w_]+)"
    list[i] = verb .. " " .. (name or rest:gsub("^INTO ", ""):gsub("^FROM ", ""):match "[%w_]+")
  end
  return table.concat(list, ", ")
end

return M
