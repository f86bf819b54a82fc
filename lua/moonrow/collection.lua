-- collection.lua: what collection_class takes: mr.set, mr.attribute_keyed, mr.column_keyed, mr.keyed and
-- mr.ordering_list; and mr.clear.
--
-- Invariant: a mistake in their arguments is told where they are called; one that needs the other class, when the
-- mappings are configured.

local core, require = ...
local options = require "moonrow.options"
require "moonrow.set"
require "moonrow.keyed"
require "moonrow.queried"

local collection = {}

-- mr.set: the collection is a set: it holds an object once, and has no order.
collection.set = core.collection_class{ kind = "set" }

-- The one argument of a function that takes no options.
local function argument(what, ...)
  local _, value, other = options.read(what, {}, 2, ...)
  if other ~= nil then options.expect(what, "one argument", other) end
  return value
end

-- mr.attribute_keyed "name": objects are found by this attribute of theirs.
function collection.attribute_keyed(...)
  local name = argument("attribute_keyed", ...)
  if type(name) ~= "string" or name == "" then
    options.expect("attribute_keyed", 'the name of an attribute of the other class, "name"', name)
  end
  return core.collection_class{ kind = "keyed", attribute = name, reader = function(object) return object[name] end }
end

-- mr.column_keyed(Class.column): the same, by a column: an attribute of the class, "Class.attribute", or a function
-- that gives one.
function collection.column_keyed(...)
  local n = select("#", ...)
  local column = ...
  if n == 1 and type(column) == "table" and getmetatable(column) == nil then
    if #column > 1 then
      core.raise("ArgumentError", "column_keyed: a key is one column: of several, "
        .. 'mr.keyed(function(object) return object.a .. "/" .. object.b end)')
    end
    column = column[1]
  end
  if column == nil or n ~= 1 or type(column) == "number" or type(column) == "boolean" then
    options.expect("column_keyed", 'one column: Class.name, "Class.name", or a function that gives it', column)
  end
  return core.collection_class{ kind = "keyed", column = column }
end

-- mr.keyed(fn): objects are found by fn(object).
function collection.keyed(...)
  local fn = argument("keyed", ...)
  if not options.is_callable(fn) then
    local cure = type(fn) == "string" and string.format(" (by an attribute: mr.attribute_keyed %q)", fn) or ""
    options.expect("keyed", "a function that makes a key of an object" .. cure, fn)
  end
  return core.collection_class{ kind = "keyed", fn = fn }
end

local function whole(given, name, default)
  local value = given[name]
  if value == nil then return default end
  local n = math.type(value) == "float" and math.tointeger(value) or value
  if math.type(n) ~= "integer" then options.expect("ordering_list: " .. name, "a whole number", value) end
  return n
end

-- ordering_func makes the positions, so nothing else can say what they are.
local function check_function(given)
  local fn = given.ordering_func
  if fn == nil then return nil end
  if not options.is_callable(fn) then
    options.expect("ordering_list: ordering_func", "a function(index, list) that makes a position", fn)
  end
  for _, name in ipairs{ "count_from", "step" } do
    if given[name] ~= nil then
      core.raise("ArgumentError", string.format("ordering_list: %s and ordering_func: the function makes the "
        .. "positions, so leave %s out", name, name))
    end
  end
  return fn
end

-- mr.ordering_list("position", { count_from = 1, step = 1 }), or { ordering_func = fn }: a list that keeps each
-- object's place in this attribute.
function collection.ordering_list(...)
  local known = { "count_from", "step", "ordering_func", "reorder_on_append" }
  local given, name = options.read("ordering_list", known, 1, ...)
  if type(name) ~= "string" or name == "" then
    options.expect("ordering_list", 'the name of an attribute of the other class, "position"', name)
  end
  if given.reorder_on_append ~= nil and given.reorder_on_append ~= true then
    options.expect("ordering_list: reorder_on_append", "true (each change numbers the list)", given.reorder_on_append)
  end
  local step = whole(given, "step", 1)
  if step == 0 then core.raise("ArgumentError", "ordering_list: with step = 0 all objects have one number") end
  return core.collection_class{ kind = "list", position = name, count_from = whole(given, "count_from", 1), step = step,
    ordering_func = check_function(given) }
end

-- mr.clear(collection): takes all objects out. A dict has no methods, because each name may be a key.
function collection.clear(items)
  if not core.is_collection(items) then options.expect("clear", "a collection of an object", items) end
  core.list_methods.clear(items)
end

local class = core.collection_class_metatable

function class.__call()
  core.raise("ArgumentError", "a collection class is not called: the collection of an object is made of it, "
    .. "collection_class = mr.set")
end

function class.__tostring() return "collection class" end

return collection
