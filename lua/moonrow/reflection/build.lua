-- build.lua: tables made of what a database holds: mr.Table{ "t", metadata, autoload_with = engine }, metadata:reflect.
--
-- Invariant: a table that is made so, and created in another database, is reflected there as the same table: types,
-- keys, constraints, indexes and defaults are as they were written. What it refers to and is not there is left out,
-- with a warning.

local core, require = ...
local inspector = require "moonrow.reflection.inspector"

local build = {}

-- ---------------------------------------------------------------- parts

-- build.numbers(column): does the database number the rows by it, where it is the key? An INTEGER key of SQLite's does.
function build.numbers(column)
  if column.affinity ~= nil then return column.declared:upper() == "INTEGER" end
  return column.serial or column.identity ~= nil
end

local function quoted(name) return '"' .. name:gsub('"', '""') .. '"' end

local sql_text = core.text

-- The options of an Identity that are not the usual ones.
local function identity_of(identity, declared)
  local top = declared == "smallint" and 32767 or declared == "integer" and 2147483647 or math.maxinteger
  local up = identity.increment > 0
  local low, high = up and 1 or (declared == "bigint" and math.mininteger or -top - 1), up and top or -1
  return {
    always = identity.always, cycle = identity.cycle or nil,
    start = identity.start ~= (up and low or high) and identity.start or nil,
    increment = identity.increment ~= 1 and identity.increment or nil,
    minvalue = identity.minvalue ~= low and identity.minvalue or nil,
    maxvalue = identity.maxvalue ~= high and identity.maxvalue or nil,
    cache = identity.cache ~= 1 and identity.cache or nil,
  }
end

build.identity_of = identity_of

-- build.is_tree(facts): is it an R*Tree, whose first column is its key, though it declares none?
function build.is_tree(facts)
  return facts.kind == "virtual" and facts.module ~= nil and facts.module:lower():find("^rtree") ~= nil
end

-- is_key: it is the key, though no constraint says so. virtual: its table is a virtual one, which has no defaults.
local function column_of(column, key, is_key, virtual)
  if is_key then return core.Column{ column.name, core.Integer, primary_key = true } end
  if virtual then return core.Column{ column.name, column.type } end
  local sqlite = column.affinity ~= nil
  local parts = {
    column.name, column.type, nullable = column.nullable, sqlite_type = sqlite and column.declared or nil,
    sqlite_collation = sqlite and column.collation or nil, sqlite_on_conflict_not_null = column.on_conflict,
    postgresql_type = column.named, comment = column.comment,
  }
  local alone = key and key.columns[1] == column.name and #key.columns == 1
  if column.identity then parts[#parts + 1] = core.Identity(identity_of(column.identity, column.declared))
  elseif column.serial and not alone then
    parts[#parts + 1] = core.Identity{} -- a sequence that belongs to no key
  end
  if column.default and not column.computed then parts.server_default = sql_text(column.default) end
  if column.computed then parts[#parts + 1] = core.Computed(column.computed.sqltext,
    { persisted = column.computed.persisted }) end
  if alone then
    parts.autoincrement = build.numbers(column) and "auto" or false
  end
  return core.Column(parts)
end

local function index_item(part)
  local collation = part.collation and " COLLATE " .. quoted(part.collation) or ""
  if part.column and collation == "" and not part.descending then return part.column end
  local sql = part.column and quoted(part.column) .. collation or part.expression
  return sql_text(sql .. (part.descending and " DESC" or ""))
end

local function index_of(index, facts)
  local sqlite = facts.columns[1].affinity ~= nil
  local items = { index.name, unique = index.unique, [sqlite and "sqlite_where" or "postgresql_where"] = index.where }
  for i, part in ipairs(index.parts) do items[i + 1] = index_item(part) end
  return core.Index(items)
end

-- The name of a constraint; nil: it has none, or the one that the database gives by itself.
function build.name_of(constraint) return not constraint.servers_name and constraint.name or nil end

local function with_name(list, constraint)
  list.name = build.name_of(constraint)
  list.sqlite_on_conflict = constraint.on_conflict
  return list
end

-- The columns that a foreign key refers to, and the table, as that spells them; nil and a reason: it is dropped.
local function target_of(self, constraint, facts)
  local schema = constraint.referred_schema or facts.schema
  local other = inspector.look(self, constraint.referred_table, schema)
  if not other then return nil, string.format("there is no table '%s'", constraint.referred_table) end
  if other.kind ~= "table" then return nil, string.format("'%s' is no table, but a %s", other.name, other.kind) end
  if not constraint.referred_columns then
    return nil, string.format("it names no columns, and the primary key of '%s' has not as many", other.name)
  end
  local targets = {}
  for i, name in ipairs(constraint.referred_columns) do
    for _, column in ipairs(other.columns) do
      if column.name:lower() == name:lower() then targets[i] = column.name end
    end
    if not targets[i] then return nil, string.format("'%s' has no column '%s'", other.name, name) end
  end
  return targets, schema and schema .. "." .. other.name or other.name
end

build.target_of = target_of

-- The own columns as the table spells them.
local function own_names(facts, names)
  local own = {}
  for i, name in ipairs(names) do
    for _, column in ipairs(facts.columns) do
      if column.name:lower() == name:lower() then own[i] = column.name end
    end
  end
  return own
end

local function foreign_key_of(self, constraint, facts)
  local targets, other = target_of(self, constraint, facts)
  if not targets then
    inspector.warn(self, string.format("the foreign key (%s) of '%s' is left out: %s",
      table.concat(constraint.columns, ", "), facts.name, other))
    return nil
  end
  local prefix = other .. "."
  for i, name in ipairs(targets) do targets[i] = prefix .. name end
  return core.ForeignKeyConstraint(own_names(facts, constraint.columns), targets, {
    name = build.name_of(constraint), ondelete = constraint.ondelete, onupdate = constraint.onupdate,
    deferrable = constraint.deferrable, initially = constraint.initially,
  })
end

local makers = {
  primary_key = function(_, constraint)
    return core.PrimaryKeyConstraint(with_name({ table.unpack(constraint.columns) }, constraint))
  end,
  unique = function(_, constraint)
    return core.UniqueConstraint(with_name({ table.unpack(constraint.columns) }, constraint))
  end,
  check = function(_, constraint)
    return core.CheckConstraint(with_name({ constraint.sqltext }, constraint))
  end,
  foreign_key = foreign_key_of,
}

-- ---------------------------------------------------------------- a table

local function key_of(facts)
  for _, constraint in ipairs(facts.constraints) do
    if constraint.kind == "primary_key" then return constraint end
  end
end

local function view_definition(facts)
  if not facts.names_columns then return facts.definition end
  local names = {}
  for i, column in ipairs(facts.columns) do names[i] = quoted(column.name) end
  local name = quoted(facts.name .. "_")
  return string.format("WITH %s(%s) AS (%s) SELECT * FROM %s", name, table.concat(names, ", "), facts.definition, name)
end

-- The parts of the table: columns, then constraints and indexes. rowid: the row's number is a column, too, and the key,
-- where there is no other.
local function parts_of(self, facts, rowid)
  local parts, key = {}, key_of(facts)
  local tree, virtual = build.is_tree(facts), facts.kind == "virtual"
  for _, column in ipairs(facts.columns) do
    if not column.hidden then
      parts[#parts + 1] = column_of(column, key, tree and #parts == 0, virtual)
    end
  end
  if tree then return parts end
  if (rowid or virtual) and not key and facts.rowid then
    parts[#parts + 1] = core.Column{ facts.rowid, core.Integer, primary_key = true, system = true }
  end
  if facts.kind == "view" or virtual then return parts end
  for _, constraint in ipairs(facts.constraints) do
    parts[#parts + 1] = makers[constraint.kind](self, constraint, facts)
  end
  for _, index in ipairs(facts.indexes) do parts[#parts + 1] = index_of(index, facts) end
  return parts
end

-- Puts the program's parts in front of the database's; a column of it takes the place of the database's.
local function with_given(parts, given)
  local args, own = {}, {}
  for _, part in ipairs(given) do
    if core.type_name(part) == "Column" then own[part.name or ""] = part
    else args[#args + 1] = part end
  end
  for _, part in ipairs(parts) do
    local name = core.type_name(part) == "Column" and part.name or nil
    args[#args + 1] = own[name] or part
    if name then own[name] = nil end
  end
  for _, column in pairs(own) do args[#args + 1] = column end
  return args
end

-- build.table(self, metadata, facts, given, rowid): makes the table. given: more parts and options of the program's.
function build.table(self, metadata, facts, given, rowid)
  local parts = parts_of(self, facts, rowid)
  if given then parts = with_given(parts, given) end
  local args = table.move(parts, 1, #parts, 3, { facts.name, metadata, schema = facts.schema })
  if facts.kind == "view" then
    args.is_view, args.definition = true, view_definition(facts)
  elseif facts.kind == "virtual" then
    args.sqlite_using = facts.using and (facts.using .. (facts.using:find("(", 1, true) and "" or "()"))
  elseif facts.columns[1] and facts.columns[1].affinity then
    args.sqlite_strict, args.sqlite_with_rowid = facts.strict, not facts.without_rowid
    args.sqlite_autoincrement = facts.autoincrement
  end
  args.comment = facts.comment
  if #facts.columns == 0 then
    core.raise("InvalidRequestError", string.format("the table '%s' cannot be reflected: %s", facts.name,
      facts.notes[1] or "it has no columns"))
  end
  return core.Table(args)
end

-- build.columns(facts): the columns alone, for a table that is there already.
function build.columns(facts)
  local columns, key = {}, key_of(facts)
  for _, column in ipairs(facts.columns) do
    if not column.hidden and column.primary_key == 0 then columns[#columns + 1] = column_of(column, key) end
  end
  return columns
end

function build.has_column(made, name)
  for own in pairs(made.c) do
    if own == name then return true end
  end
  return false
end

-- build.referred(self, facts): the names of the tables that it refers to, and that are there; and by their positions
-- the schemas of those in another one.
function build.referred(self, facts)
  local names, schemas = {}, {}
  for _, constraint in ipairs(facts.constraints) do
    if constraint.kind == "foreign_key" then
      local other = inspector.look(self, constraint.referred_table, constraint.referred_schema or facts.schema)
      if other and other.kind == "table" then
        names[#names + 1] = other.name
        schemas[#names] = constraint.referred_schema
      end
    end
  end
  return names, schemas
end

return build
