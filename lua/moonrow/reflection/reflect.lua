-- reflect.lua: mr.Table with autoload_with, and metadata:reflect.
--
-- Invariant: a table that the metadata has already is left as it is, unless extend_existing says otherwise; then
-- columns are only added. Each note of the inspector is warned of once.

local core, require = ...
local options = require "moonrow.options"
local inspector = require "moonrow.reflection.inspector"
local build = require "moonrow.reflection.build"

local reflect = {}
local plain_table = core.Table

-- Tells the program what was left out.
local function warn_of(seen, from)
  local lines = seen:warnings()
  for i = from + 1, #lines do core.warn("reflect: " .. lines[i]) end
end

local function extend(existing, facts)
  for _, column in ipairs(build.columns(facts)) do
    if not build.has_column(existing, column.name) then core.append_column(existing, column) end
  end
  return existing
end

-- ---------------------------------------------------------------- several tables

local function full_name(name, schema) return schema and schema .. "." .. name or name end

-- Makes the tables of the names, and those that they refer to if `follow` says so. how: schema, extend_existing, rowid;
-- schemas: those of the names, by their positions, where they are others.
function reflect.tables(seen, metadata, names, follow, how)
  local made, wanted, i, schemas = {}, {}, 1, table.move(how.schemas or {}, 1, #names, 1, {})
  names = table.move(names, 1, #names, 1, {})
  for n, name in ipairs(names) do
    schemas[n] = schemas[n] or how.schema or false
    wanted[full_name(name, schemas[n])] = true
  end
  while i <= #names do
    local name, schema = names[i], schemas[i] or nil
    local existing = core.table_in(metadata, name, schema)
    i = i + 1
    if not existing or how.extend_existing then
      local facts = inspector.facts(seen, "reflect", name, schema)
      if facts and #facts.columns > 0 then
        existing = existing and extend(existing, facts)
          or build.table(seen, metadata, facts, nil, how.rowid)
        local others, elsewhere = {}, {}
        if follow then others, elsewhere = build.referred(seen, facts) end
        for n, other in ipairs(others) do
          local its = elsewhere[n] or schema
          if not wanted[full_name(other, its)] then
            wanted[full_name(other, its)] = true
            names[#names + 1], schemas[#names + 1] = other, its or false
          end
        end
      end
    end
    made[#made + 1] = existing
  end
  return made
end

local function check_only(what, only)
  if only == nil or type(only) == "function" then return end
  if type(only) ~= "table" then options.expect(what .. ": only", "a list of names, or a function of a name", only) end
  for _, name in ipairs(only) do
    if type(name) ~= "string" then
      options.expect(what .. ": only", "a list of names, or a function of a name", name)
    end
  end
end

-- The names that are reflected: tables, views if they are wanted, virtual tables that are named, in alphabetical order.
local function chosen(seen, what, given)
  local known, names = {}, {}
  local named = type(given.only) == "table" and options.set(given.only) or {}
  for _, object in ipairs(inspector.objects(seen, what, given.schema)) do
    local kind = object.kind
    local is_named = (kind == "virtual" or inspector.own[object.name]) and named[object.name]
    if (kind == "table" and not inspector.own[object.name]) or is_named or (given.views and kind == "view") then
      known[object.name] = true
      names[#names + 1] = object.name
    end
  end
  table.sort(names)
  if given.only == nil then return names end
  if type(given.only) == "function" then
    local found = {}
    for _, name in ipairs(names) do
      if given.only(name) then found[#found + 1] = name end
    end
    return found
  end
  for _, name in ipairs(given.only) do
    if not known[name] then
      core.raise("InvalidRequestError", string.format("%s: the database has no table '%s'%s", what, name,
        core.hint(name, known)))
    end
  end
  return given.only
end

local known = { "bind", "schema", "only", "views", "extend_existing", "resolve_fks", "sample" }

-- reflect.reflect(metadata, what, engine, ...): metadata:reflect with the arguments; engine: where none is given.
function reflect.reflect(metadata, what, engine, ...)
  local given, bind = options.read(what, known, 1, ...)
  if bind == nil then bind = given.bind end
  if bind == nil then bind = engine end
  local target = inspector.bind_of(bind)
  if not target then options.expect(what, "an engine: { bind = engine }", bind) end
  options.typed(what, given, "schema", "string")
  for _, name in ipairs{ "views", "extend_existing", "resolve_fks" } do options.typed(what, given, name, "boolean") end
  check_only(what, given.only)
  local seen = inspector.new(what, target, given.sample)
  local names = chosen(seen, what, given)
  inspector.prepare(seen, what, names, given.schema)
  reflect.tables(seen, metadata, names, given.resolve_fks ~= false,
    { schema = given.schema, extend_existing = given.extend_existing })
  warn_of(seen, 0)
  return seen
end

function core.metadata_methods:reflect(...) return reflect.reflect(self, "reflect", nil, ...) end

reflect.warn_of = warn_of

-- ---------------------------------------------------------------- one table

local autoload_options = { "autoload_with", "extend_existing", "resolve_fks", "sample", "schema" }

-- The options among the arguments of Table, as they may be written: f{ ... } or f(..., { ... }).
local function options_among(...)
  local n = select("#", ...)
  local last = n > 0 and select(n, ...) or nil
  local is_plain = type(last) == "table" and getmetatable(last) == nil
  return is_plain and (n == 1 or #last == 0) and last or nil
end

local function autoload(given, name, metadata, ...)
  local target = inspector.bind_of(given.autoload_with)
  if not target then options.expect("Table: autoload_with", "an engine, a connection or a db", given.autoload_with) end
  if type(name) ~= "string" then options.expect("Table", "a name", name) end
  if core.type_name(metadata) ~= "MetaData" then options.expect("Table", "a MetaData after the name", metadata) end
  for _, option in ipairs{ "extend_existing", "resolve_fks" } do options.typed("Table", given, option, "boolean") end
  local schema = options.typed("Table", given, "schema", "string")
  local existing = core.table_in(metadata, name, schema)
  if existing and not given.extend_existing then return existing end
  local seen = inspector.new("Table", target, given.sample)
  local facts = inspector.need(seen, "Table", name, schema)
  local made = existing and extend(existing, facts) or build.table(seen, metadata, facts, { ... })
  if given.resolve_fks ~= false then
    local others, schemas = build.referred(seen, facts)
    reflect.tables(seen, metadata, others, true, { schema = schema, schemas = schemas })
  end
  warn_of(seen, 0)
  return made
end

-- mr.Table{ "name", metadata, parts..., autoload_with = engine }
function reflect.table(...)
  local given = options_among(...)
  if not given or given.autoload_with == nil then return plain_table(...) end
  return autoload(options.read("Table", autoload_options, -1, ...))
end

return reflect
