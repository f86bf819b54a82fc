-- from_table.lua: Class:from_table: objects of plain tables, such as object:to_table gives.
--
-- Invariant: nothing of a table is lost: a name that the class does not have is refused. What can be computed from the
-- rest (a column_property, a hybrid without set, a proxy of a relationship that is in the table) is not set.

local core, require = ...
local options = require "moonrow.options"
local to_table = require "moonrow.to_table"
local null = core.null

local from_table = {}

local object_of

-- An object of the relationship's class from what the table has for it: a table, or an object already.
local function member(attribute, value, place)
  if core.is_object(value) then return value end
  if type(value) ~= "table" then
    options.expect("from_table: " .. place, "a table of values, or an object of " .. attribute.target, value)
  end
  return object_of(attribute.class, value, place)
end

-- Raises for a table with names in it, or with a hole: what it has there would be lost.
local function check_list(place, value)
  for key in pairs(value) do
    if math.type(key) ~= "integer" or key < 1 or key > #value then
      core.raise("ArgumentError", string.format("from_table: %s[%s]: a collection takes a list without holes or other "
        .. "keys", place, tostring(key)))
    end
  end
end

local function members(attribute, value, place)
  if not attribute.collection then
    if value == null then return null end
    return member(attribute, value, place)
  end
  if core.is_collection(value) then return value end
  if type(value) ~= "table" then
    options.expect("from_table: " .. place, "a list of tables of values", value)
  end
  if attribute.collection ~= "keyed" then check_list(place, value) end
  local list = {}
  if attribute.collection == "keyed" then
    for key, item in pairs(value) do
      local object = member(attribute, item, string.format("%s[%s]", place, tostring(key)))
      if attribute.keyed_by and object[attribute.keyed_by] == nil then object[attribute.keyed_by] = key end
      list[#list + 1] = object
    end
    return list
  end
  for i = 1, #value do list[i] = member(attribute, value[i], string.format("%s[%d]", place, i)) end
  return list
end

-- A value of the composite's class from a table of its columns, as to_table gives it; others are left as they are.
local function composed(spec, value)
  if type(value) ~= "table" or getmetatable(value) or value.__composite_values then return value end
  local columns = {}
  for i, name in ipairs(spec) do columns[i] = value[name] end
  if next(columns) == nil then return value end
  return spec.class(table.unpack(columns, 1, spec.n))
end

-- Objects for the tables in what a proxy leads to, if that is a relationship.
local function associated(class, spec, value, place)
  local target = core.target_of(class, spec.target)
  local _, by_name = to_table.attributes(target)
  local attribute = by_name[spec.attribute]
  if type(value) ~= "table" or not attribute or attribute.kind ~= "relationship" then return value end
  if core.is_object(value) or core.is_collection(value) then return value end
  if not select(2, core.target_of(class, spec.target)) then return member(attribute, value, place) end
  local list = {}
  for key, item in pairs(value) do
    list[key] = member(attribute, item, string.format("%s[%s]", place, tostring(key)))
  end
  return list
end

-- Is it a hybrid, a composite or an association proxy of the class?
local function is_described(class, name)
  local spec = core.descriptors(class)[name]
  return type(spec) == "table" and (spec.get or spec.n or spec.proxy) ~= nil
end

-- Sets what is made of the attributes: hybrids, composites, association proxies. names: sorted, so that the same table
-- makes the same object.
local function set_described(object, class, names, given, place)
  table.sort(names)
  local specs = core.descriptors(class)
  for _, name in ipairs(names) do
    local spec, value = specs[name], given[name]
    if spec.proxy then
      if given[spec.target] == nil then object[name] = associated(class, spec, value, place .. "." .. name) end
    elseif spec.n then object[name] = composed(spec, value)
    elseif spec.set then object[name] = value
    end
  end
end

-- place: where the table is, for messages: "User", "User.posts[2]".
function object_of(class, given, place)
  class = core.class_for(class, given)
  local _, by_name = to_table.attributes(class)
  local values, keyed, described = {}, {}, {}
  for name, value in pairs(given) do
    local attribute = by_name[name]
    if not attribute and is_described(class, name) then
      described[#described + 1] = name
    elseif not attribute then
      core.raise("ArgumentError", string.format("from_table: %s: %s has no attribute '%s'%s", place, class.__name,
        tostring(name), core.hint(tostring(name), by_name)))
    elseif attribute.kind == "relationship" then
      local found = members(attribute, value, place .. "." .. name)
      if type(found) == "table" and attribute.collection == "keyed" then keyed[name] = found
      else values[name] = found end
    elseif attribute.kind ~= "expression" and not attribute.computed then
      values[name] = value
    end
  end
  local object = core.new_object(class)
  core.init_object(object, values)
  for name, found in pairs(keyed) do core.keyed_set(object[name], found) end
  if described[1] then set_described(object, class, described, given, place) end
  return object
end

-- Class:from_table(values): a new object of what to_table gave, its related objects included; of a list of such, a
-- list. The class's __init is not called.
function from_table.of_class(class, given, ...)
  if not core.is_mapped(class) then
    core.raise("ArgumentError", "from_table is a method of a class: call it with a colon, Class:from_table{ ... }")
  end
  if type(given) ~= "table" or getmetatable(given) or select("#", ...) > 0 then
    options.expect(class.__name .. ":from_table", "one table of values", select("#", ...) > 0 and (...) or given)
  end
  if type(given[1]) ~= "table" then return object_of(class, given, class.__name) end
  local list = core.new_list()
  for i, values in ipairs(given) do list[i] = object_of(class, values, string.format("%s[%d]", class.__name, i)) end
  return list
end

return from_table
