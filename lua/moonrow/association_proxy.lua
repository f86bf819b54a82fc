-- association_proxy.lua: an attribute of the objects that a relationship leads to, as an attribute of the object
-- itself: user.keywords for the keyword of each of user.user_keywords.
--
-- Invariant: what is wrong with a proxy is told when it is declared, or when the mappings are configured.

local core, require = ...
local options = require "moonrow.options"
local association_values = require "moonrow.association_values"
local association_criteria = require "moonrow.association_criteria"

local association_proxy = {}

-- Do the proxies behind the proxy, of which the first is an attribute of the class, come back to one of them?
local function leads_to_itself(spec, class)
  local seen = {}
  while spec and spec.proxy and not seen[spec] do
    seen[spec] = true
    spec = core.descriptors(class)[spec.attribute]
    if not spec or not spec.proxy then return false end
    local kind = core.attribute_kind(class, spec.target)
    if not kind or kind == "column" then return false end
    class = core.target_of(class, spec.target)
    if not class then return false end
  end
  return true
end

-- What is wrong with the proxy as an attribute of the class; nil: nothing.
local function problem_of(spec)
  return function(class)
    local kind = core.attribute_kind(class, spec.target)
    if not kind or kind == "column" then
      return string.format("'%s' is no relationship of %s%s", spec.target, class.__name,
        kind and ", but a column" or core.attribute_hint(class, spec.target))
    end
    local target = core.target_of(class, spec.target)
    if not target then return nil end -- what is wrong with the relationship is told
    if leads_to_itself(spec, target) then
      return string.format("it leads to itself, by way of '%s' and %s.%s", spec.target, target.__name, spec.attribute)
    end
    if core.attribute_kind(target, spec.attribute) or core.has_member(target, spec.attribute) then return nil end
    return string.format("%s, to which '%s' leads, has no attribute '%s'%s", target.__name, spec.target, spec.attribute,
      core.attribute_hint(target, spec.attribute))
  end
end

local function refuse_write(class, name)
  local place = class.__name .. "." .. name
  core.raise("ArgumentError", string.format("%s: it is an association proxy, and no column: a statement cannot write "
    .. "it", place))
end

local known = { "creator", "create_on_none_assignment", "cascade_scalar_deletes" }

-- mr.association_proxy("user_keywords", "keyword", { creator =, create_on_none_assignment =,
-- cascade_scalar_deletes = })
function association_proxy.attribute(...)
  local given, target, attribute = options.read("association_proxy", known, 2, ...)
  if type(target) ~= "string" then
    options.expect("association_proxy", "the name of a relationship, and that of an attribute behind it", target)
  end
  if type(attribute) ~= "string" then
    options.expect("association_proxy", "the name of an attribute behind the relationship", attribute)
  end
  if given.creator ~= nil then options.check_callable("association_proxy: creator", given.creator) end
  options.typed("association_proxy", given, "create_on_none_assignment", "boolean")
  options.typed("association_proxy", given, "cascade_scalar_deletes", "boolean")
  local spec = { proxy = true, target = target, attribute = attribute, name = target }
  for _, name in ipairs(known) do spec[name] = given[name] end
  spec.problem, spec.history = problem_of(spec), association_values.history(spec)
  local read, set = association_values.read(spec), association_values.set(spec)
  return core.descriptor("association proxy", false, read, set, association_criteria.express(spec), refuse_write, spec)
end

return association_proxy
