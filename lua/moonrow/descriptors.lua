-- descriptors.lua: looks at what classes make of their attributes (composites, association proxies) when the mappings
-- are configured.
--
-- Invariant: a class is looked at until nothing is wrong with it, nor with what it depends on.

local core, require = ...
local class_listeners = require "moonrow.class_listeners"

local waiting = {} -- { class, name, spec } of what has not been found right yet

class_listeners.watch(function(class)
  for name, spec in pairs(core.descriptors(class)) do
    if spec.problem then
      spec.name = name
      waiting[#waiting + 1] = { class, name, spec }
    end
  end
end)

core.watch_mistakes(function(registry, partial)
  local mistakes, left = {}, {}
  for _, entry in ipairs(waiting) do
    local class, name, spec = entry[1], entry[2], entry[3]
    local other = core.registry_of(class) ~= registry
    local problem = not other and spec.problem(class)
    if problem or other or partial then left[#left + 1] = entry end
    if problem then
      mistakes[#mistakes + 1] = string.format("%s.%s: %s", class.__name, name, problem)
    end
  end
  waiting = left
  table.sort(mistakes)
  return mistakes
end)
