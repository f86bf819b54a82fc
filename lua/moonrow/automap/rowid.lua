-- rowid.lua: classes whose objects are found by SQLite's number of the row, which VACUUM gives to other rows.
--
-- Invariant: an UPDATE or DELETE of such an object is sent only if the row with its number still has what the object
-- has loaded. The transaction has begun by then, so nobody changes the row in between.

local core, require = ...
local event = require "moonrow.event"
local class_listeners = require "moonrow.class_listeners"

-- What the object's row had in the column when it was read; found: is that known?
local function loaded(inspection, name)
  local history = inspection:history(name)
  local list = #history.deleted > 0 and history.deleted or history.unchanged
  return list[1], #list > 0
end

-- The attributes that are compared: JSON is compared by nobody.
local function compared(class, key)
  local names = {}
  for _, attribute in ipairs(core.describe_class(class).attributes) do
    local name = attribute.name
    if attribute.kind == "column" and name ~= key and attribute.type ~= "JSON" then names[#names + 1] = name end
  end
  return names
end

local function checker(key)
  local names
  return function(class, connection, object)
    names = names or compared(class, key)
    local inspection, criteria = core.inspect(object), {}
    criteria[1] = class[key]:eq(inspection.identity[1])
    for _, name in ipairs(names) do
      local value, found = loaded(inspection, name)
      if found then criteria[#criteria + 1] = value == core.null and class[name]:is_(nil) or class[name]:eq(value) end
    end
    local query = core.select(class[key]):where(table.unpack(criteria))
    if connection:execute(query):first() then return end
    core.raise("StaleDataError", string.format("%s: the row with this number is another one now, or has been changed "
      .. "(VACUUM numbers the rows of a table without a key anew): read it again", tostring(object)))
  end
end

-- The events before which the row is looked at: an INSERT has no row yet.
local WATCHED = { "update", "delete" }

class_listeners.watch(function(class)
  local key = core.row_number(class)
  if not key then return end
  local check = checker(key)
  for _, verb in ipairs(WATCHED) do event.listen(class, "before_" .. verb, check) end
end)
