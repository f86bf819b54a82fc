-- association_criteria.lua: what an association proxy is for a class: criteria about the values that it leads to.
--
-- Invariant: a criterion is one about the relationship, with any() or has(); a proxy of proxies asks each in turn.

local core = ...

local association_criteria = {}
local null = core.null

local function fail(where, what, ...)
  core.raise("ArgumentError", string.format("%s: " .. what, where, ...))
end

local Criteria = {} -- Class.attribute of a proxy

local function is_list(self) return self.list end

-- The criterion that the relationship leads to an object for which the criterion holds.
local function exists(self, criterion)
  if is_list(self) then return self.first:any(criterion) end
  return self.first:has(criterion)
end

-- What the attribute is in SQL, whether it leads to objects in the end, whether to several, and whether it is a proxy.
local function inner(self)
  local spec, class = self.spec, self.target_class
  local of = core.descriptors(class)[spec.attribute]
  local value = class[spec.attribute]
  if of and of.proxy then
    local _, of_objects, list = inner(value)
    return value, of_objects, value.list or list, true
  end
  local kind = core.attribute_kind(class, spec.attribute)
  if kind == "list" or kind == "reference" then return value, true, kind == "list" end
  if not core.attribute_of(value) and not core.label_of(value, "x") then
    fail(self.where, "%s.%s is no attribute of the database, so there are no criteria about it", class.__name,
      spec.attribute)
  end
  return value, false, false
end

-- Does it lead to several values?
local function several(self)
  local _, _, list = inner(self)
  return self.list or list
end

local methods = {}

local function some(self, criterion)
  local value, of_objects, list, of_proxy = inner(self)
  if not (of_objects or of_proxy) then return exists(self, criterion) end
  if list then return exists(self, value:any(criterion)) end
  return exists(self, value:has(criterion))
end

function methods:any(criterion)
  if not several(self) then fail(self.where, "it leads to one value: use :has()") end
  return some(self, criterion)
end

function methods:has(criterion)
  if several(self) then fail(self.where, "it leads to several values: use :any()") end
  return some(self, criterion)
end

function methods:contains(value, ...)
  local attribute, of_objects, list = inner(self)
  if not of_objects then return exists(self, attribute:contains(value, ...)) end
  if not several(self) then fail(self.where, "it leads to one object: use :eq()") end
  if list then return exists(self, attribute:contains(value)) end
  return exists(self, attribute:eq(value))
end

-- nil is refused as everywhere, and so are objects where there are several.
local function check(self, value, name)
  local attribute, of_objects = inner(self)
  if value == nil then fail(self.where, "%s(nil): use is_(nil) or mr.null", name) end
  if of_objects and several(self) then fail(self.where, "it leads to several objects: use :contains()") end
  return attribute
end

function methods:eq(value)
  local attribute = check(self, value, "eq")
  if value ~= null then return exists(self, attribute:eq(value)) end
  local criterion = exists(self, attribute:is_(nil))
  if is_list(self) then return criterion end
  return criterion | self.first:is_(nil)
end

function methods:ne(value)
  local attribute = check(self, value, "ne")
  if value == null then return exists(self, attribute:is_not(nil)) end
  return exists(self, attribute:ne(value))
end

function methods:is_(value)
  if value ~= nil and value ~= null then fail(self.where, "is_: expected nil: values are compared with :eq()") end
  return methods.eq(self, null)
end

function methods:is_not(value)
  if value ~= nil and value ~= null then fail(self.where, "is_not: expected nil: values are compared with :ne()") end
  return methods.ne(self, null)
end

-- The other methods of a column: there is a value for which they hold.
function Criteria:__index(name)
  if methods[name] then return methods[name] end
  local attribute, of_objects = inner(self)
  if of_objects then
    core.raise("ArgumentError", string.format("%s has no method '%s'%s", rawget(self, "where"), tostring(name),
      core.hint(tostring(name), methods)))
  end
  local method = attribute[name]
  return function(_, ...) return exists(self, method(attribute, ...)) end
end

function Criteria:__newindex(name)
  fail(rawget(self, "where"), "it cannot be changed by assignment (to '%s')", tostring(name))
end

function Criteria:__tostring() return rawget(self, "where") end

Criteria.__name, Criteria.__metatable = "association proxy", "moonrow association proxy"

function association_criteria.express(spec)
  return function(owner, name, class)
    local first = owner[spec.target]
    local target, kind = core.target_of(class, spec.target)
    local made = {
      spec = spec, where = string.format("%s.%s", class.__name, name), first = first, target_class = target,
      list = kind ~= nil,
    }
    made.attr = { first, target[spec.attribute] }
    return setmetatable(made, Criteria)
  end
end

return association_criteria
