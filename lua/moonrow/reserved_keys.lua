-- reserved_keys.lua: a key that a step of undo refers to is given to no new object.
--
-- SQLite gives a new row the largest key plus one, so that the key of a deleted row may come again: undo could not
-- bring that row back. Where a step has a larger key than all rows, new objects get their keys here, before the flush.
--
-- Invariant: an object that has a key keeps it; without steps, and for tables that no step refers to, nothing is done.

local core, require = ...
local event = require "moonrow.event"
local inspect = require "moonrow.inspect"

local reserved_keys = {}

-- The class that has brought the key: the topmost one.
local function root_of(class)
  local _, base = core.class_parts(class)
  while base and core.class_parts(base) do
    class = base
    _, base = core.class_parts(class)
  end
  return class
end

-- Gives keys to the new objects of the session. reserved: by table, the largest key that steps refer to.
local function give_keys(session, reserved)
  local next_keys = {}
  for _, object in ipairs(session.new) do
    local root = root_of(core.inspect(object).class)
    local of = inspect(root)
    local largest, key = reserved[of.tablename], of.primary_key
    if largest and #key == 1 and object[key[1]] == nil then
      local next_key = next_keys[of.tablename]
      if not next_key then
        next_key = (session:scalar(core.select(core.func.max(root[key[1]]))) or 0) + 1
      end
      if next_key <= largest then next_key = largest + 1 end
      object[key[1]] = next_key
      next_keys[of.tablename] = next_key + 1
    end
  end
end

local watched = setmetatable({}, { __mode = "k" }) -- by session: true

-- Has the session respect the keys that reserved() gives, from now on.
function reserved_keys.watch(session, reserved)
  if watched[session] then return end
  watched[session] = true
  event.listen(session, (core.settings_events()), function(flushing)
    local keys = reserved()
    if next(keys) then give_keys(flushing, keys) end
  end)
end

return reserved_keys
