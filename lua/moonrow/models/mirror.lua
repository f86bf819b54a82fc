-- mirror.lua: the tables of classes as the database itself would tell of them, to be compared with those it has.
--
-- Invariant: both sides are what the same program says. For SQLite the tables are made in a database in memory; for
-- PostgreSQL in a schema of their own, within a transaction that is rolled back: nothing of it stays.

local core, require = ...
local class_listeners = require "moonrow.class_listeners"
local enums = require "moonrow.migrate.enums"
local inspector = require "moonrow.reflection.inspector"

local mirror = {}

-- mirror.metadatas(): those of all classes.
function mirror.metadatas()
  local list, seen = {}, {}
  for _, class in ipairs(class_listeners.classes()) do
    local metadata = class.__table.metadata
    if not seen[tostring(metadata)] then
      seen[tostring(metadata)] = true
      list[#list + 1] = metadata
    end
  end
  return list
end

-- What is asked of a side. schema: the one in which its tables are; nil: they are where names without one lead.
local function side_of(what, seen, schema)
  local side = {}

  -- The list of { name =, kind = }, in the order of their making.
  function side.objects() return inspector.objects(seen, what, schema) end

  -- The names of the tables, without views and the like, sorted.
  function side.table_names()
    local names = {}
    for _, object in ipairs(side.objects()) do
      if object.kind == "table" then names[#names + 1] = object.name end
    end
    table.sort(names)
    return names
  end

  -- What is known of a table, with types; nil: there is none of that name.
  function side.facts(name) return inspector.facts(seen, what, name, schema) end

  -- The same without types, and of what a name leads to where it is not in the schema.
  function side.look(name) return inspector.look(seen, name, schema) or schema and inspector.look(seen, name) or nil end

  return side
end

-- The tables of the metadata that name no schema, and those that do: such a one cannot be made anew beside itself.
local function sorted_out(metadata)
  local plain, named = {}, {}
  for _, one in ipairs(metadata.sorted_tables) do table.insert(one.schema and named or plain, one) end
  return plain, named
end

local function create(metadatas, bind)
  for _, metadata in ipairs(metadatas) do
    local plain, named = sorted_out(metadata)
    if #named == 0 then metadata:create_all{ bind = bind, checkfirst = false }
    elseif #plain > 0 then metadata:create_all{ bind = bind, tables = plain, checkfirst = false } end
  end
end

-- mirror.left_out(metadatas): the names of the tables that are not compared, because they name a schema.
function mirror.left_out(metadatas)
  local names = {}
  for _, metadata in ipairs(metadatas) do
    for _, one in ipairs(select(2, sorted_out(metadata))) do names[#names + 1] = one.schema .. "." .. one.name end
  end
  return names
end

-- ---------------------------------------------------------------- in memory

local function in_memory(what, metadatas)
  local memory = core.create_engine "sqlite://"
  create(metadatas, memory)
  return side_of(what, inspector.new(what, memory, false)), function() memory:dispose() end
end

-- ---------------------------------------------------------------- in a schema that is taken back

local NO_RIGHT = "42501"

local function make_schema(what, connection)
  local schema = "moonrow_declared_" .. connection:scalar "SELECT pg_backend_pid()"
  local ok, err = pcall(connection.execute, connection, "CREATE SCHEMA " .. schema)
  if ok then return schema end
  if type(err) == "table" and err.orig and err.orig.sqlstate == NO_RIGHT then
    core.raise("OperationalError", string.format("%s: the user may not make a schema in the database, in which the"
      .. " tables of the classes are made, looked at and taken back: GRANT CREATE ON DATABASE ... TO ... allows it",
      what))
  end
  error(err, 0)
end

-- Also those that another schema has already, perhaps with other values.
local function make_enums(connection, schema, metadatas)
  for _, metadata in ipairs(metadatas) do
    for _, one in ipairs(metadata.sorted_tables) do
      for _, expression in pairs(one.c) do enums.create(connection, expression.type, schema) end
    end
  end
end

local function in_schema(what, engine, metadatas)
  local connection = engine:connect()
  local function close()
    if connection.closed then return end
    if connection:in_transaction() then connection:rollback() end
    connection:close()
  end
  local ok, result = pcall(function()
    core.begin_write(connection)
    local schema = make_schema(what, connection)
    connection:execute("SELECT set_config('search_path', :own || ', ' || current_setting('search_path'), true)",
      { own = schema })
    make_enums(connection, schema, metadatas)
    create(metadatas, connection)
    return side_of(what, inspector.new(what, connection, false), schema)
  end)
  if ok then return result, close end
  close()
  error(result, 0)
end

-- ---------------------------------------------------------------- both sides

local Mirror = {}
Mirror.__index = Mirror
function Mirror:__close() self.close() end

-- mirror.open(what, engine, metadatas): ours, theirs: the sides of the classes' tables and of the engine's database;
-- fold(name): the name as it is told from others; by_name(list): a map of what has names;
-- keys_need_tables: does a foreign key need its table?; close(): to be called when
-- both have been asked. what: who asks, for errors.
function mirror.open(what, engine, metadatas)
  local fold = string.lower
  local ours, close
  if engine.name == "postgresql" then
    fold = tostring -- "T" stands beside "t"
    ours, close = in_schema(what, engine, metadatas)
  else
    ours, close = in_memory(what, metadatas)
  end
  local function by_name(list)
    local map = {}
    for _, item in ipairs(list) do map[fold(item.name)] = item end
    return map
  end
  local theirs = side_of(what, inspector.new(what, engine, false))
  return setmetatable({ ours = ours, theirs = theirs, close = close, fold = fold, by_name = by_name,
    keys_need_tables = engine.name == "postgresql" }, Mirror)
end

return mirror
