-- render.lua: columns, constraints and indexes that a step names, as SQL: a table of a metadata of its own is made of
-- them, and its CREATE TABLE taken apart.
--
-- Invariant: the program's classes and metadata have no part in it: what a step says stands in the step.

local core, require = ...
local definition = require "moonrow.migrate.definition"
local options = require "moonrow.options"

local render = {}

-- ---------------------------------------------------------------- what a step writes

local column_options = { "nullable", "default", "server_default", "unique", "index", "primary_key", "autoincrement",
  "comment", "sqlite_type", "sqlite_collation" }

-- render.column(what, ...): a Column and its default, of (name, type, { options }), or of (Column, { default = }).
-- default: the value or SQL expression for the rows that there are.
function render.column(what, ...)
  local n = select("#", ...)
  local first = ...
  if core.type_name(first) == "Column" then
    local given = options.read(what, { "default" }, 1, ...)
    if not first.name then options.expect(what, 'a Column with a name: Column{ "name", type }', first) end
    return first, given.default
  end
  if n < 2 then options.expect(what, "a name, a type and options, or a Column", first) end
  local given, name, column_type = options.read(what, column_options, 2, ...)
  if type(name) ~= "string" then options.expect(what, "a column's name", name) end
  local spec = { name, column_type }
  for _, option in ipairs(column_options) do
    if option ~= "default" then spec[option] = given[option] end
  end
  return core.Column(spec), given.default
end

-- ---------------------------------------------------------------- tables

local function has_column(made, name)
  for own in pairs(made.c) do
    if own == name then return true end
  end
  return false
end

local function stub_column(name, column_type)
  return core.Column{ name, column_type or core.Integer, system = true }
end

-- Makes what the foreign keys of the table refer to, as far as it is not there: columns that no definition names.
local function add_targets(metadata, made, type_of)
  for _, target in ipairs(core.foreign_targets(made)) do
    local schema, name, column = target:match "^([^.]+)%.([^.]+)%.([^.]+)$"
    if not schema then name, column = target:match "^([^.]+)%.([^.]+)$" end
    if name then
      local other = core.table_in(metadata, name, schema)
      local stub = stub_column(column, type_of and type_of(name, column))
      if not other then core.Table{ name, metadata, stub, schema = schema }
      elseif not has_column(other, column) then core.append_column(other, stub) end
    end
  end
end

-- render.table(name, parts, how): a Table of the name with the parts (and options) of a list. how.columns: names of
-- columns that it has besides; how.type_of(table, column): the type of what is there already, or nil.
function render.table(name, parts, how)
  local metadata = core.MetaData()
  local spec = { name, metadata }
  for key, part in pairs(parts) do
    if type(key) == "string" then spec[key] = part end
  end
  local own = {}
  for _, part in ipairs(parts) do
    spec[#spec + 1] = part
    if core.type_name(part) == "Column" then own[part.name or ""] = true end
  end
  for _, column in ipairs(how.columns or {}) do
    if not own[column] then
      own[column] = true
      spec[#spec + 1] = stub_column(column, how.type_of and how.type_of(name, column))
    end
  end
  local made = core.Table(spec)
  add_targets(metadata, made, how.type_of)
  return made
end

-- render.create(table, dialect): its CREATE TABLE, and a list of its CREATE INDEX.
function render.create(made, dialect)
  local indexes = {}
  for i, index in ipairs(made.indexes) do indexes[i] = tostring(core.CreateIndex(index, { dialect = dialect })) end
  return tostring(core.CreateTable(made, { dialect = dialect })), indexes
end

-- render.parts(name, parts, how): the definition of such a table taken apart, its indexes' SQL, and the table.
-- how.dialect: "sqlite" or "postgresql".
function render.parts(name, parts, how)
  local made = render.table(name, parts, how)
  local sql, indexes = render.create(made, how.dialect)
  return definition.read(sql), indexes, made
end

-- ---------------------------------------------------------------- values

-- An array is JSON to us; PostgreSQL makes its elements of the texts in it. An array of arrays is left to the server.
local function as_array(sql, column_type)
  local parts = core.type_parts(column_type)
  local item = parts and parts.item and core.type_parts(parts.item)
  if not item or item.item then return sql end
  return string.format("CAST(ARRAY(SELECT jsonb_array_elements_text(CAST(%s AS JSONB))) AS %s)", sql,
    render.type(column_type, "postgresql"))
end

-- render.value(what, type, value, dialect): the value, or SQL expression, as SQL in parentheses.
function render.value(what, column_type, value, dialect)
  if value == core.now then value = core.now() end
  if options.is_callable(value) and type(value) == "function" then
    core.raise("ArgumentError", string.format("%s: default is a value or an SQL expression, not a function: fill the"
      .. " rows by m:execute, or row by row, where each needs its own", what))
  end
  local is_sql = core.type_name(value) == "Expression"
  local column = core.Column{ "v", column_type, server_default = is_sql and value or core.literal(value, column_type) }
  local sql = tostring(core.CreateTable(core.Table("t", core.MetaData(), column), { dialect = dialect }))
  local read = definition.read(sql)
  local text = definition.clause(read.columns[1], "default").text:gsub("^DEFAULT%s+", "", 1)
  return dialect == "postgresql" and not is_sql and as_array(text, column_type) or text
end

-- render.type(type, dialect, strict): what the type is called in a definition. strict: in one of a STRICT table.
function render.type(column_type, dialect, strict)
  local made = core.Table{ "t", core.MetaData(), core.Column{ "v", column_type }, sqlite_strict = strict }
  return definition.read(tostring(core.CreateTable(made, { dialect = dialect }))).columns[1].type
end

-- render.spelled(name, dialect): the column's name as a definition has it: in quotes only where it needs them.
function render.spelled(name, dialect)
  return render.parts("t", { core.Column{ name, core.Integer } }, { dialect = dialect }).columns[1].spelled
end

return render
