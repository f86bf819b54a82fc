-- inspector.lua: mr.inspect(engine): what a database holds, whoever has made it.
--
-- Invariant: what was asked once is kept until clear_cache; a result is the caller's own. Nothing in the database is
-- changed, and what cannot be read becomes a line of warnings(), not an error.

local core, require = ...
local options = require "moonrow.options"
local types = require "moonrow.reflection.types"
local postgresql_types = require "moonrow.reflection.postgresql_types"

local Inspector = { __name = "Inspector" }
local STATE = {}
local methods = {}

local SAMPLE = 1000 -- rows

-- ---------------------------------------------------------------- asking

local function key_of(schema) return schema or "" end

local function warn_of(state, notes, schema)
  for _, note in ipairs(notes) do
    local line = schema and schema .. ": " .. note or note
    if not state.warned[line] then
      state.warned[line] = true
      state.warnings[#state.warnings + 1] = line
    end
  end
end

local function check_schema(what, schema)
  if schema ~= nil and type(schema) ~= "string" then options.expect(what .. ": schema", "a string", schema) end
end

local function schemas_of(state)
  state.schemas = state.schemas or core.reflect_schemas(state.bind)
  return state.schemas
end

local function objects_of(state, what, schema)
  check_schema(what, schema)
  local known = state.objects[key_of(schema)]
  if known then return known end
  if schema then
    local set = options.set(schemas_of(state))
    set.temp = true -- it is listed only once it has a table
    if not set[schema] then
      core.raise("InvalidRequestError", string.format("%s: the database has no schema '%s'%s", what, schema,
        core.hint(schema, set)))
    end
  end
  local objects = core.reflect_objects(state.bind, schema)
  warn_of(state, objects.notes, schema)
  objects.by_name, objects.spelled = {}, {}
  for _, object in ipairs(objects) do
    objects.by_name[object.name:lower()] = objects.by_name[object.name:lower()] or object
    objects.spelled[object.name] = object
  end
  state.objects[key_of(schema)] = objects
  return objects
end

-- The object of that name: first as it is spelled, for a database may have "T" beside "t".
local function named(objects, name) return objects.spelled[name] or objects.by_name[name:lower()] end

-- All that is known of a table; nil: there is none of that name.
local function find(state, what, name, schema)
  if type(name) ~= "string" then options.expect(what, "a table's name", name) end
  local objects = objects_of(state, what, schema)
  local object = named(objects, name)
  if not object then return nil, objects end
  if not object.facts then
    object.facts = object.read or core.reflect_object(state.bind, schema, object.name)
    if not object.facts then return nil, objects end
    object.facts.schema = schema
    warn_of(state, object.facts.notes, schema)
  end
  return object.facts, objects
end

local function facts_of(self, what, name, schema)
  local facts, objects = find(self[STATE], what, name, schema)
  if facts then return facts end
  core.raise("InvalidRequestError", string.format("%s: the database has no table or view '%s'%s", what, name,
    core.hint(name, objects.spelled)))
end

-- ---------------------------------------------------------------- types

-- Is the failure one of the table: a function that this SQLite has not (1), a damaged page (11)? Others may pass, or
-- are the program's: a lock, no memory, an interruption.
local function is_of_table(e)
  local code = type(e) == "table" and e.orig and e.orig.code
  return math.type(code) == "integer" and (code & 0xff == 1 or code & 0xff == 11)
end

local function sample(state, facts)
  local names, asked = {}, {}
  for _, column in ipairs(facts.columns) do
    if not column.hidden then
      names[#names + 1] = column.name
      asked[#asked + 1] = column
    end
  end
  local candidates = types.candidates(asked)
  local rows = facts.kind ~= "damaged" and #names > 0 and state.sample
  local ok, sampled = true, nil
  if rows then
    ok, sampled = pcall(core.sample_columns, state.bind, facts.schema, facts.name, names, candidates, rows,
      facts.kind == "table" and facts.rowid or nil)
  end
  if not ok then
    if not is_of_table(sampled) then error(sampled, 0) end
    warn_of(state, { string.format("the rows of %q were not looked at: %s", facts.name, sampled.message) })
    sampled = nil
  end
  for i, column in ipairs(asked) do
    local like, why = sampled and sampled[i], nil
    if like == true then column.type = candidates[i][1]
    else column.type, why = types.choose(candidates[i], like) end
    if why then facts.choices[#facts.choices + 1] = string.format("%s.%s: %s", facts.name, column.name, why) end
  end
end

-- Has the database real types? Then no values need to be looked at.
local function is_typed(facts)
  local first = facts.columns[1]
  return first ~= nil and first.affinity == nil
end

-- Sets the type of each column, once.
local function with_types(state, facts)
  if facts.choices then return facts end
  facts.choices = {}
  if is_typed(facts) then
    for _, column in ipairs(facts.columns) do column.type, column.named = postgresql_types.of(column) end
    return facts
  end
  sample(state, facts)
  for _, column in ipairs(facts.columns) do column.type = column.type or core.Any end
  return facts
end

-- ---------------------------------------------------------------- names

local function names_of(self, what, schema, kind)
  local names = {}
  for _, object in ipairs(objects_of(self[STATE], what, schema)) do
    if object.kind == kind then names[#names + 1] = object.name end
  end
  table.sort(names)
  return names
end

function methods:table_names(schema) return names_of(self, "table_names", schema, "table") end
function methods:view_names(schema) return names_of(self, "view_names", schema, "view") end
function methods:virtual_table_names(schema) return names_of(self, "virtual_table_names", schema, "virtual") end
function methods:shadow_table_names(schema) return names_of(self, "shadow_table_names", schema, "shadow") end

function methods:schema_names()
  local list = schemas_of(self[STATE])
  return table.move(list, 1, #list, 1, {})
end

function methods:has_table(name, schema) return self:kind(name, schema) ~= nil end

-- "table", "view", "virtual", "shadow", "internal", "damaged"; nil: there is none of that name.
function methods:kind(name, schema)
  if type(name) ~= "string" then options.expect("kind", "a table's name", name) end
  local object = named(objects_of(self[STATE], "kind", schema), name)
  return object and object.kind
end

-- ---------------------------------------------------------------- parts of a table

local function copy(list) return table.move(list, 1, #list, 1, {}) end

local function column_of(column)
  local computed, identity = column.computed, column.identity
  return {
    name = column.name, type = column.type, nullable = column.nullable, default = column.default,
    primary_key = column.primary_key, declared = column.declared, affinity = column.affinity,
    collation = column.collation, hidden = column.hidden or false, comment = column.comment,
    choices = column.choices and copy(column.choices), base_type = column.base_type,
    autoincrement = column.serial or identity ~= nil or nil,
    identity = identity and {
      always = identity.always, start = identity.start, increment = identity.increment, cycle = identity.cycle,
      minvalue = identity.minvalue, maxvalue = identity.maxvalue, cache = identity.cache,
    } or nil,
    computed = computed and { sqltext = computed.sqltext, persisted = computed.persisted } or nil,
  }
end

function methods:columns(name, schema)
  local columns = {}
  for i, column in ipairs(with_types(self[STATE], facts_of(self, "columns", name, schema)).columns) do
    columns[i] = column_of(column)
  end
  return columns
end

local function constraints_of(self, what, name, schema, kind, make)
  local found = {}
  for _, constraint in ipairs(facts_of(self, what, name, schema).constraints) do
    if constraint.kind == kind then found[#found + 1] = make(constraint) end
  end
  return found
end

local function key(constraint)
  return { name = constraint.name, constrained_columns = copy(constraint.columns),
    on_conflict = constraint.on_conflict }
end

function methods:primary_key(name, schema)
  return constraints_of(self, "primary_key", name, schema, "primary_key", key)[1] or { constrained_columns = {} }
end

local function unique(constraint)
  return { name = constraint.name, column_names = copy(constraint.columns), on_conflict = constraint.on_conflict }
end

function methods:unique_constraints(name, schema)
  return constraints_of(self, "unique_constraints", name, schema, "unique", unique)
end

function methods:check_constraints(name, schema)
  return constraints_of(self, "check_constraints", name, schema, "check", function(constraint)
    return { name = constraint.name, sqltext = constraint.sqltext }
  end)
end

function methods:foreign_keys(name, schema)
  return constraints_of(self, "foreign_keys", name, schema, "foreign_key", function(constraint)
    return {
      name = constraint.name, constrained_columns = copy(constraint.columns),
      referred_schema = constraint.referred_schema or schema, referred_table = constraint.referred_table,
      referred_columns = copy(constraint.referred_columns or {}),
      options = { ondelete = constraint.ondelete, onupdate = constraint.onupdate,
        deferrable = constraint.deferrable, initially = constraint.initially },
    }
  end)
end

local function index_of(index)
  local names, expressions, sorting = {}, nil, nil
  for i, part in ipairs(index.parts) do
    names[i] = part.column or false
    if not part.column then
      expressions = expressions or {}
      expressions[i] = part.expression
    end
    if part.descending then
      sorting = sorting or {}
      sorting[part.column or part.expression] = "desc"
    end
  end
  return { name = index.name, unique = index.unique, column_names = names, expressions = expressions,
    column_sorting = sorting, where = index.where }
end

function methods:indexes(name, schema)
  local indexes = {}
  for i, index in ipairs(facts_of(self, "indexes", name, schema).indexes) do indexes[i] = index_of(index) end
  return indexes
end

function methods:triggers(name, schema)
  local triggers = {}
  for i, trigger in ipairs(facts_of(self, "triggers", name, schema).triggers) do
    triggers[i] = { name = trigger.name, sql = trigger.sql }
  end
  return triggers
end

function methods:table_options(name, schema)
  local facts = facts_of(self, "table_options", name, schema)
  return { without_rowid = facts.without_rowid or false, strict = facts.strict or false,
    autoincrement = facts.autoincrement or false, rowid = facts.rowid, module = facts.module, sql = facts.sql }
end

function methods:table_comment(name, schema)
  return { text = facts_of(self, "table_comment", name, schema).comment }
end

function methods:view_definition(name, schema) return facts_of(self, "view_definition", name, schema).definition end

-- ---------------------------------------------------------------- what was chosen, and left out

-- Which types the stored values have made others than the names of the types say: a line each.
function methods:choices(name, schema)
  return copy(with_types(self[STATE], facts_of(self, "choices", name, schema)).choices)
end

function methods:warnings() return copy(self[STATE].warnings) end

function methods:clear_cache()
  local state = self[STATE]
  state.objects, state.schemas, state.warnings, state.warned = {}, nil, {}, {}
end

-- SQLAlchemy's get_columns and the like.
function Inspector:__index(name)
  local method = methods[name]
  if method then return method end
  local text = tostring(name)
  method = methods[text:gsub("^get_", "", 1)] or text == "get_pk_constraint" and methods.primary_key
  if method then return method end
  if name == "bind" then return self[STATE].bind end
  core.raise("ArgumentError", string.format("Inspector has no method or field '%s'%s", text, core.hint(text, methods)))
end

function Inspector:__tostring() return string.format("Inspector(%s)", tostring(self[STATE].bind)) end

-- ---------------------------------------------------------------- making one

local inspector = {}

-- inspector.new(what, bind, rows): rows: how many are looked at for the types of columns; false: none.
function inspector.new(what, bind, rows)
  if rows == nil or rows == true then rows = SAMPLE end
  if rows ~= false and (math.type(rows) ~= "integer" or rows < 1) and rows ~= math.huge then
    options.expect(what .. ": sample", "a number of rows, or false", rows)
  end
  if rows == math.huge then rows = 0 end
  return setmetatable({ [STATE] = { bind = bind, sample = rows, objects = {}, warnings = {}, warned = {} } }, Inspector)
end

-- inspector.bind_of(value): the engine or connection of what may be inspected; nil: it is neither.
function inspector.bind_of(value)
  local name = core.type_name(value)
  if name == "Engine" or name == "Connection" then return value end
  local meta = type(value) == "table" and getmetatable(value)
  if type(meta) == "table" and meta.__name == "Database" then return value.engine end
  if type(meta) == "table" and meta == Inspector then return value[STATE].bind end
end

-- What build.lua needs of an inspector: the facts of a table, with types; nil: there is none.
function inspector.facts(self, what, name, schema)
  local facts = find(self[STATE], what, name, schema)
  return facts and with_types(self[STATE], facts)
end

-- inspector.look(self, name, schema): the same without types.
function inspector.look(self, name, schema) return (find(self[STATE], "reflect", name, schema)) end

-- inspector.need(self, what, name, schema): the facts of a table, with types; raises where there is none.
function inspector.need(self, what, name, schema)
  return with_types(self[STATE], facts_of(self, what, name, schema))
end

-- inspector.objects(self, what, schema): the list of { name =, kind = }, in the order of their making.
function inspector.objects(self, what, schema) return objects_of(self[STATE], what, schema) end

-- Tables of the library's own, which no program means: steps of undo.
inspector.own = { moonrow_history = true }

-- inspector.table_names(self, what): the names of the tables, without views and the like, sorted.
function inspector.table_names(self, what)
  local names = {}
  for _, object in ipairs(inspector.objects(self, what)) do
    if object.kind == "table" then names[#names + 1] = object.name end
  end
  table.sort(names)
  return names
end

local function read_all(state, what, names, schema)
  local objects = objects_of(state, what, schema)
  for _, facts in ipairs(core.reflect_all(state.bind, schema)) do
    local object = named(objects, facts.name)
    if object then object.read = facts end
  end
  for _, name in ipairs(names) do
    local facts = find(state, what, name, schema)
    if facts then with_types(state, facts) end
  end
end

-- inspector.prepare(self, what, names, schema): reads what is known of the names, with types, in one transaction if
-- they are many: each question by itself goes through the whole schema, and locks the database.
function inspector.prepare(self, what, names, schema)
  local state = self[STATE]
  if #names * 4 < #objects_of(state, what, schema) then return end
  local bind = state.bind
  if core.type_name(bind) ~= "Engine" then return read_all(state, what, names, schema) end
  local connection = bind:connect()
  core.begin_snapshot(connection)
  state.bind = connection
  local ok, err = pcall(read_all, state, what, names, schema)
  state.bind = bind
  connection:close()
  if not ok then error(err, 0) end
end

-- inspector.warn(self, line): adds a line to warnings().
function inspector.warn(self, line) warn_of(self[STATE], { line }) end

return inspector
