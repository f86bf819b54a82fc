-- declared.lua: what a mixin or a base makes for each class anew (declared_attr), and synonyms of hybrids and the like.
--
-- Invariant: a function of declared_attr is called once for each class with a table, when that is declared. The class
-- is not there yet: the function gets what stands for it, which can be read only.

local core, require = ...
local options = require "moonrow.options"

local declared = {}

-- mr.declared_attr(fn)
function declared.attr(...)
  local _, fn = options.read("declared_attr", {}, 1, ...)
  options.check_callable("declared_attr", fn)
  return core.descriptor("declared_attr", "declared", nil, nil, function(_, name, class)
    core.raise("ArgumentError", string.format("%s.%s: a declared_attr is for the body of a class, a base or a mixin",
      class.__name, name))
  end, nil, { fn = fn })
end

local function is_declared(value)
  local spec, kind = core.descriptor_spec(value)
  return kind == "declared_attr" and spec
end

-- What the functions get for the class: its name, its table's name, and what its body, mixins and bases have.
local function stand_in(name, sources, made)
  return setmetatable({}, {
    __index = function(_, key)
      if key == "__name" then return name end
      for i, source in ipairs(sources) do
        local value = rawget(source, key)
        if value ~= nil then return is_declared(value) and made(i, key) or value end
      end
      if key == "__tablename" then return core.snake_case(name) end
    end,
    __newindex = function(_, key)
      core.raise("ArgumentError", string.format("%s: declared_attr: the class is only read here: '%s' is what the "
        .. "function returns", name, tostring(key)))
    end,
    __name = "class",
    __metatable = "moonrow class",
  })
end

-- core.expand_declared(name, sources): copies of the tables that make up the class, strongest first, in which each
-- declared_attr is what its function has made.
function core.expand_declared(name, sources)
  local copies, running = {}, {}
  local cls
  local function made(i, key)
    local value = copies[i][key]
    local spec = is_declared(value)
    if not spec then return value end
    if running[spec] then
      core.raise("MappingError", string.format("%s.%s: its declared_attr is made of itself", name, tostring(key)))
    end
    running[spec] = true
    copies[i][key] = spec.fn(cls)
    running[spec] = nil
    return copies[i][key]
  end
  for i, source in ipairs(sources) do
    copies[i] = {}
    for key, value in pairs(source) do copies[i][key] = value end
  end
  cls = stand_in(name, copies, made)
  local seen = {}
  for i, source in ipairs(sources) do
    for key, value in pairs(source) do
      if is_declared(value) and seen[key] then copies[i][key] = nil -- a stronger one has the name
      elseif is_declared(value) then made(i, key) end
    end
    for key in pairs(source) do
      if type(key) == "string" then seen[key] = true end
    end
  end
  return copies
end

-- core.synonym_of_member(name): the synonym of a hybrid or the like.
function core.synonym_of_member(of)
  return core.descriptor("synonym", false,
    function(object) return object[of] end,
    function(object, value) object[of] = value end,
    function(owner, name)
      local value = owner[of]
      return core.label_of(value, name) or value
    end,
    function(_, _, value) return { [of] = value } end,
    { of = of })
end

return declared
