-- reconstructor.lua: what an object does when it was made of a row: Class.__reconstructor, mr.reconstructor(fn).
--
-- Invariant: a class has one reconstructor, that of its body or of the nearest mixin or base that has one, and it is
-- found anew at each load. A class that never had one costs nothing.

local core, require = ...
local options = require "moonrow.options"
local class_listeners = require "moonrow.class_listeners"

local reconstructor = {}

local watched = setmetatable({}, { __mode = "k" }) -- the classes whose loads are heard

local function watch(class)
  if watched[class] then return end
  watched[class] = true
  core.listen(class, nil, "load", function(object)
    local fn = class.__reconstructor
    if fn then fn(object) end
  end, false, false)
end

local function extends(class, base)
  while class and not rawequal(class, base) do class = select(2, core.class_parts(class)) end
  return class ~= nil
end

-- core.watch_loads(class): the class, or a base without a table, has a reconstructor now.
function core.watch_loads(class)
  for _, mapped in ipairs(class_listeners.classes()) do
    if extends(mapped, class) then watch(mapped) end
  end
end

class_listeners.watch(function(class)
  if class.__reconstructor then watch(class) end
end)

-- mr.reconstructor(fn): a method that is called when an object was made of a row.
function reconstructor.method(...)
  local _, fn = options.read("reconstructor", {}, 1, ...)
  options.check_callable("reconstructor", fn)
  return core.descriptor("reconstructor", "reconstructor", fn, nil, function() return fn end, nil, {})
end

return reconstructor
