-- to_table.lua: objects, lists and rows as plain tables, as encoders of JSON take them: object:to_table; pairs(object).
--
-- Invariant: what is given has no metatable and no object of the library in it: dates and the like are their texts,
-- NULL is mr.null. Nothing is loaded that the program has not asked for by `only` or `depth`; but an object that has
-- expired is read again, as by any read of it.

local core, require = ...
local options = require "moonrow.options"
require "moonrow.set"
local null = core.null

local to_table = {}

-- ---------------------------------------------------------------- attributes

local known = setmetatable({}, { __mode = "k" }) -- by class: { list =, n =, by_name = }

-- The attributes of a class: a list of { name =, kind =, ... }, and the same by name.
function to_table.attributes(class)
  local entry = known[class]
  local list, n = core.class_attributes(class, entry and entry.n)
  if not list then return entry.list, entry.by_name end
  entry = { list = list, n = n, by_name = {} }
  for _, attribute in ipairs(list) do entry.by_name[attribute.name] = attribute end
  known[class] = entry
  return list, entry.by_name
end

-- Reads the row of an object that has expired again, in one statement.
local function renew(object, list)
  if not core.is_expired(object) then return end
  for _, attribute in ipairs(list) do
    if attribute.kind == "column" and not attribute.deferred and not core.is_loaded(object, attribute.name) then
      return object[attribute.name]
    end
  end
end

-- ---------------------------------------------------------------- pairs(object)

-- The names and values of what is loaded, a value nil for NULL.
function core.object_pairs(object)
  local list = to_table.attributes(core.class_of(object))
  renew(object, list)
  local i = 0
  return function()
    while list[i + 1] do
      i = i + 1
      local attribute = list[i]
      if attribute.kind ~= "synonym" and core.is_loaded(object, attribute.name) then
        return attribute.name, object[attribute.name]
      end
    end
  end, object, nil
end

-- ---------------------------------------------------------------- values

local convert

-- A table that a column holds (JSON), or that a type gives: a copy, without metatables.
local function copied(value, seen)
  if seen[value] then core.raise("ArgumentError", "to_table: a value refers to itself") end
  seen[value] = true
  local copy = {}
  for key, inner in next, value do copy[key] = type(inner) == "table" and copied(inner, seen) or convert(inner) end
  seen[value] = nil
  return copy
end

-- A value of a column or row.
function convert(value)
  if value == nil then return null end
  local kind = type(value)
  if kind == "table" then return copied(value, {}) end
  if kind == "userdata" and value ~= null then return tostring(value) end
  return value
end

-- A key of a dict, as JSON has it: a string.
local function text_key(key)
  if key == null then return "null" end
  return type(key) == "string" and key or tostring(key)
end

-- ---------------------------------------------------------------- options

-- Adds a name of `only`, which may go on behind a point ("posts.title"), to the tree.
local function add_name(tree, name)
  local first, rest = name:match "^([^.]+)%.(.+)$"
  if not first then
    tree[name] = tree[name] or true
    return
  end
  if type(tree[first]) ~= "table" then tree[first] = {} end
  add_name(tree[first], rest)
end

-- `only` as a tree: { name = true, posts = { title = true } }. It is a list of names; a relationship's own names are
-- written behind a point, or as a list under its name.
local function tree_of(only)
  if type(only) == "string" then only = { only } end
  if type(only) ~= "table" or getmetatable(only) then
    options.expect("to_table: only", "a list of names of attributes", only)
  end
  local tree = {}
  for key, value in pairs(only) do
    if math.type(key) == "integer" and type(value) == "string" then add_name(tree, value)
    elseif type(key) == "string" and type(value) == "table" then tree[key] = tree_of(value)
    elseif type(key) == "string" and value == true then tree[key] = tree[key] or true
    else options.expect("to_table: only", 'names of attributes, as "name" or posts = { "title" }', value)
    end
  end
  return tree
end

local function read_options(...)
  local given = options.read("to_table", { "only", "depth" }, 0, ...)
  local depth = given.depth
  if depth ~= nil and (type(depth) ~= "number" or (math.tointeger(depth) or -1) < 0) then
    options.expect("to_table: depth", "how many relationships deep, 0 or more", depth)
  end
  return { tree = given.only ~= nil and tree_of(given.only) or nil, depth = math.tointeger(depth or 0) }
end

-- ---------------------------------------------------------------- objects

local object_to_table

-- A circle of lists multiplies at each level: before memory ends, it is told.
local MOST_OBJECTS = 1000000

local function count_object(asked)
  local counted = asked.counted
  if not counted then return { n = 1 } end
  counted.n = counted.n + 1
  if counted.n > MOST_OBJECTS then
    core.raise("ArgumentError", string.format("to_table: depth goes through more than %d objects, as circles of "
      .. "relationships do: a smaller one, or only = { ... }, chooses what is wanted", MOST_OBJECTS))
  end
  return counted
end

local function no_relationship(object, name)
  core.raise("ArgumentError", string.format("to_table: %s.%s is no relationship: it has no attributes to choose",
    core.class_of(object).__name, name))
end

-- What a collection has, each made by make(item): a list of the items of a list or a set; of a dict by its keys.
local function each_of(kind, value, make)
  local found = {}
  if kind == "keyed" then
    for key, item in pairs(value) do found[text_key(key)] = make(item) end
  elseif kind == "set" then
    for item in pairs(value) do found[#found + 1] = make(item) end
  else
    for i = 1, #value do found[i] = make(value[i]) end
  end
  return found
end

-- The objects of a relationship's value. The next level down: what is asked for there.
local function related(attribute, value, below)
  if attribute.collection and core.collection_info(value).kind == "dynamic" then value = value:all() end
  if not attribute.collection then
    if value == nil then return null end
    return object_to_table(value, below)
  end
  return each_of(attribute.collection, value, function(object) return object_to_table(object, below) end)
end

-- "list", "set" or "keyed" for a collection, a list of results, or an association proxy's collection.
local function kind_of(value)
  if core.is_object(value) then return nil end
  local class = getmetatable(value)
  if class == "moonrow proxy" then return rawget(value, "kind") end
  if class == core.list_metatable then return "list" end
  return core.is_collection(value) and core.collection_info(value).kind or nil
end

-- A value that is no column's: a hybrid's, an association proxy's. below: nil where no attributes of it are chosen;
-- no_objects(): raises for a value that has none to choose from.
local function any_value(value, below, no_objects)
  if core.is_object(value) then return object_to_table(value, below or { depth = 0 }) end
  local kind = kind_of(value)
  if not kind and type(value) == "table" and getmetatable(value) == nil and core.is_object(value[1]) then
    kind = "list"
  end
  if kind then return each_of(kind, value, function(item) return any_value(item, below, no_objects) end) end
  if below and value ~= nil and value ~= null then no_objects() end
  return convert(value)
end

-- A name of `only` that is no column or relationship of the mapping: a hybrid, say. wanted: the names below it, or
-- true.
local function other_value(object, name, wanted)
  local value = object[name]
  if type(value) == "function" then
    core.raise("ArgumentError", string.format("to_table: %s.%s is a method: only takes attributes",
      core.class_of(object).__name, name))
  end
  local below = type(wanted) == "table" and { depth = 0, tree = wanted } or nil
  return any_value(value, below, function() no_relationship(object, name) end)
end

-- A class may have its own to_table, which is asked for its objects wherever they are.
function object_to_table(object, asked)
  local own = object.to_table
  if own ~= to_table.of_object then
    return own(object, { depth = asked.depth, only = asked.tree })
  end
  return to_table.convert(object, asked)
end

-- asked: { depth = (how many relationships deep), tree = (of names; nil: all that is loaded), counted = { n = (the
-- objects until now) } }
function to_table.convert(object, asked)
  local list, by_name = to_table.attributes(core.class_of(object))
  local counted = count_object(asked)
  local tree, depth = asked.tree, asked.depth
  local found = {}
  renew(object, list)
  for _, attribute in ipairs(list) do
    local name, kind = attribute.name, attribute.kind
    local wanted = tree and tree[name]
    if kind == "relationship" then
      if wanted or not tree and depth > 0 then
        local below = { depth = math.max(depth - 1, 0), tree = type(wanted) == "table" and wanted or nil,
          counted = counted }
        found[name] = related(attribute, object[name], below)
      end
    elseif wanted or not tree and kind ~= "synonym" and core.is_loaded(object, name) then
      if kind == "synonym" then
        found[name] = other_value(object, name, wanted)
      else
        if type(wanted) == "table" then no_relationship(object, name) end
        found[name] = convert(object[name])
      end
    end
  end
  for name, wanted in pairs(tree or {}) do
    if not by_name[name] then found[name] = other_value(object, name, wanted) end
  end
  return found
end

-- object:to_table{ only =, depth = }
function to_table.of_object(object, ...)
  if not core.is_object(object) then
    core.raise("ArgumentError", "to_table is a method of an object: call it with a colon, object:to_table()")
  end
  return to_table.convert(object, read_options(...))
end

-- ---------------------------------------------------------------- lists and rows

-- A row of several items: { name = value }; an object of it is a table, too.
local function of_row(row, asked)
  local found = {}
  for name, value in pairs(row) do
    if core.is_object(value) then found[name] = object_to_table(value, asked)
    else found[name] = convert(value) end
  end
  return found
end

local function of_item(item, asked)
  if core.is_object(item) then return object_to_table(item, asked) end
  if core.type_name(item) == "Row" then return of_row(item, asked) end
  return convert(item)
end

-- list:to_table{ only =, depth = }: of a list of results or a collection: a list of tables; of a dict by its keys.
function to_table.of_list(list, ...)
  local asked, found = read_options(...), {}
  for i = 1, #list do found[i] = of_item(list[i], asked) end
  return found
end

function to_table.of_set(set, ...)
  local asked, found = read_options(...), {}
  for object in pairs(set) do found[#found + 1] = of_item(object, asked) end
  return found
end

-- row:to_table{ only =, depth = }
function to_table.of_row(row, ...)
  return of_row(row, read_options(...))
end

core.list_methods.to_table = to_table.of_list
core.set_methods.to_table = to_table.of_set
core.list_metatable.__index = { to_table = to_table.of_list }
core.row_methods.to_table = to_table.of_row

return to_table
