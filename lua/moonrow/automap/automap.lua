-- automap.lua: mr.automap(url): classes for the tables that a database has.
--
-- Invariant: a table that a class of the program's maps keeps that class. A table without a key that a row could be
-- found by has no class, and a warning says so.

local core, require = ...
local options = require "moonrow.options"
local inspector = require "moonrow.reflection.inspector"
local reflect = require "moonrow.reflection.reflect"
local build = require "moonrow.reflection.build"
local names = require "moonrow.automap.names"
local relationships = require "moonrow.automap.relationships"

local automap = {}

-- ---------------------------------------------------------------- which tables

local function wanted_names(seen, given)
  local list, known, views = {}, {}, {}
  local named = type(given.only) == "table" and options.set(given.only) or {}
  for _, object in ipairs(inspector.objects(seen, "automap", given.schema)) do
    local kind = object.kind
    local keyed = given.keys[object.name] ~= nil
    local asked = keyed or named[object.name]
    if (kind == "table" and not inspector.own[object.name]) or (kind == "view" and keyed)
      or (kind == "virtual" and asked) then
      known[object.name] = true
      list[#list + 1] = object.name
    elseif kind == "view" and given.views ~= false and given.only == nil then
      views[#views + 1] = object.name
    end
  end
  if #views > 0 then
    inspector.warn(seen, string.format('views have no class (%s): automap{ keys = { [%q] = { "column" } } } says which '
      .. "columns tell the rows apart, and views = false is silent", table.concat(views, ", "), views[1]))
  end
  for name in pairs(given.keys) do
    if not known[name] then
      core.raise("InvalidRequestError", string.format("automap: keys: the database has no table or view '%s'%s", name,
        core.hint(name, known)))
    end
  end
  table.sort(list)
  if given.only == nil then return list end
  local chosen, is_list = {}, type(given.only) == "table"
  local set = is_list and options.set(given.only)
  for _, name in ipairs(is_list and given.only or {}) do
    if not known[name] then
      core.raise("InvalidRequestError", string.format("automap: only: the database has no table '%s'%s", name,
        core.hint(name, known)))
    end
  end
  for _, name in ipairs(list) do
    if set and set[name] or not set and given.only(name) then chosen[#chosen + 1] = name end
  end
  return chosen
end

-- ---------------------------------------------------------------- keys

local function not_null(facts, name)
  for _, column in ipairs(facts.columns) do
    if column.name:lower() == name:lower() then return not column.nullable and column.name or nil end
  end
end

-- The columns of a list, if all are NOT NULL.
local function all_not_null(facts, list)
  local columns = {}
  for i, name in ipairs(list) do
    columns[i] = name and not_null(facts, name)
    if not columns[i] then return nil end
  end
  return #columns > 0 and columns or nil
end

-- The columns by which the rows of a table without a primary key are told apart: a unique index of NOT NULL columns.
local function unique_key(facts)
  for _, constraint in ipairs(facts.constraints) do
    if constraint.kind == "unique" then
      local columns = all_not_null(facts, constraint.columns)
      if columns then return columns end
    end
  end
  for _, index in ipairs(facts.indexes) do
    local list = {}
    for i, part in ipairs(index.parts) do list[i] = part.column or false end
    local columns = index.unique and not index.where and all_not_null(facts, list)
    if columns then return columns end
  end
end

local function has_key(facts)
  for _, constraint in ipairs(facts.constraints) do
    if constraint.kind == "primary_key" then return true end
  end
  return false
end

-- The key that the program or an index gives; then whether the row's number is needed.
local function key_of(facts, given)
  local said = given.keys[facts.name]
  if said then return said, false end
  if has_key(facts) or build.is_tree(facts) then return nil, false end
  local columns = unique_key(facts)
  return columns, columns == nil
end

-- ---------------------------------------------------------------- classes

local function class_name(facts, given, taken)
  local name = given.rename[facts.name]
  if name == nil and given.name_for_class then name = given.name_for_class(facts.name, names.class(facts.name)) end
  if name == false then return nil end
  if name ~= nil and type(name) ~= "string" then
    core.raise("ArgumentError", string.format("automap: the name of the class of '%s' is a string, or false: none",
      facts.name))
  end
  name = name or names.free({ names.class(facts.name) }, function(wanted) return taken[wanted] end)
  if taken[name] then
    core.raise("ArgumentError", string.format("automap: the class of '%s' cannot be called '%s': the class of '%s' is",
      facts.name, name, taken[name]))
  end
  taken[name] = facts.name
  return name
end

-- Sets body[attribute] for each column, under names that are free.
local function place_columns(side, given)
  local taken, members = side.taken, given.members
  local function is_taken(name) return taken[name] or members[name] end
  local columns, others, best, columns_of_table = {}, {}, {}, side.table.c
  for _, column in ipairs(side.facts.columns) do
    if not column.hidden then
      local name = column.name
      best[name] = given.attributes[name]
      local list = best[name] == name and columns or others
      list[#list + 1] = name
    end
  end
  -- A name that needs no change goes to its column first.
  table.sort(columns)
  table.sort(others)
  for _, name in ipairs(table.move(others, 1, #others, #columns + 1, columns)) do
    local attribute = given.rename[side.facts.name .. "." .. name]
    if attribute == nil then
      attribute = best[name]
      if is_taken(attribute) then attribute = names.free({ attribute }, is_taken) end
    elseif attribute and (type(attribute) ~= "string" or is_taken(attribute)) then
      core.raise("ArgumentError", string.format("automap: the column '%s' of '%s' cannot be called '%s'", name,
        side.facts.name, tostring(attribute)))
    end
    if attribute then
      taken[attribute] = true
      side.body[attribute] = columns_of_table[name]
      side.attribute_of[name] = attribute
    else
      side.excluded[#side.excluded + 1] = name
    end
  end
  if side.rowid then
    local attribute = names.free({ "_rowid" }, is_taken)
    side.taken[attribute] = true
    side.body[attribute] = side.table.c[side.facts.rowid]
    side.number = attribute
  end
end

local function mapper_args(side)
  local args = {}
  if side.key then
    args.primary_key = {}
    for i, name in ipairs(side.key) do args.primary_key[i] = side.table.c[name] end
  end
  if #side.excluded > 0 then args.exclude_properties = side.excluded end
  return args
end

-- What is known of a table that gets a class, or has one; nil: it gets none.
local function side_of(seen, metadata, name, given, taken)
  local facts = inspector.facts(seen, "automap", name, given.schema)
  if not facts or #facts.columns == 0 then return end
  local key, by_rowid = key_of(facts, given)
  local existing = core.table_in(metadata, facts.name, given.schema)
  local class = existing and core.class_of_table(existing)
  if class then
    return { name = class.__name, class = class, table = existing, facts = facts, taken = {}, specs = {} }
  end
  if by_rowid and (not facts.rowid or facts.kind == "view") then
    inspector.warn(seen, string.format("the table '%s' has no class: it has no key, and no row number", facts.name))
    return
  end
  local class_named = class_name(facts, given, taken)
  if not class_named then return end
  local made = reflect.tables(seen, metadata, { facts.name }, false, { schema = given.schema, rowid = by_rowid })[1]
  return { name = class_named, table = made, facts = facts, key = key, rowid = by_rowid, taken = {}, specs = {},
    base = given.base, body = {}, excluded = {}, attribute_of = {} }
end

local function declare(side, base)
  side.body.__table = side.table
  local args = mapper_args(side)
  if next(args) then side.body.__mapper_args = args end
  for _, item in ipairs(side.specs) do side.body[item.name] = core.relationship(item.spec) end
  return base:extend(side.name, side.body)
end

-- ---------------------------------------------------------------- classes by name

local Classes = { __name = "Classes" }

function Classes:__index(name)
  local known = {}
  for key in next, self do known[key] = true end
  core.raise("ArgumentError", string.format("automap made no class '%s'%s", tostring(name),
    core.hint(tostring(name), known)))
end

local known_options = { "schema", "only", "views", "keys", "rename", "name_for_class", "name_for_relationship",
  "sample" }

local function checked(given)
  for _, name in ipairs{ "keys", "rename" } do
    options.typed("automap", given, name, "table")
    given[name] = given[name] or {}
  end
  options.typed("automap", given, "schema", "string")
  options.typed("automap", given, "views", "boolean")
  for _, name in ipairs{ "name_for_class", "name_for_relationship" } do
    if given[name] ~= nil then options.check_callable("automap: " .. name, given[name]) end
  end
  local only = given.only
  if only ~= nil and type(only) ~= "table" and type(only) ~= "function" then
    options.expect("automap: only", "a list of names, or a function of a name", only)
  end
  return given
end

automap.options = known_options

-- A table whose values are found once: tables have many names in common.
local function memo(find)
  return setmetatable({}, { __index = function(self, name)
    local value = find(name)
    self[name] = value
    return value
  end })
end

-- automap.run(base, engine, given): declares the classes. Returns them by name, the inspector, and what was planned:
-- sides, in the order of their tables' names, the set of those that are associations, and the class of each other one.
-- given.quiet: nothing is warned of.
function automap.run(base, engine, given)
  checked(given)
  given.base = base
  given.members = memo(function(name) return core.has_member(base, name) end)
  given.attributes = memo(names.attribute)
  local metadata, seen = base.metadata, inspector.new("automap", engine, given.sample)
  local sides, by_table, taken, classes = {}, {}, {}, {}
  for _, existing in pairs(metadata.tables) do
    local class = core.class_of_table(existing)
    if class then taken[class.__name] = existing.name end
  end
  local wanted = wanted_names(seen, given)
  inspector.prepare(seen, "automap", wanted, given.schema)
  for _, name in ipairs(wanted) do
    local side = side_of(seen, metadata, name, given, taken)
    if side then
      sides[#sides + 1] = side
      by_table[side.facts.name:lower()] = side
      if side.body then place_columns(side, given) end
    end
  end
  for _, side in ipairs(sides) do
    -- What has no class, and is referred to: the tables alone.
    local others, schemas = build.referred(seen, side.facts)
    reflect.tables(seen, metadata, others, true, { schema = given.schema, schemas = schemas })
  end
  local associations, class_of = relationships.plan(sides, by_table, given), {}
  for _, side in ipairs(sides) do
    if not associations[side] then
      class_of[side] = side.class or declare(side, base)
      classes[side.name] = class_of[side]
    end
  end
  if not given.quiet then reflect.warn_of(seen, 0) end
  return setmetatable(classes, Classes), seen, { sides = sides, associations = associations, classes = class_of }
end

return automap
