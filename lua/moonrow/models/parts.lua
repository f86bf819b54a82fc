-- parts.lua: the parts of a table as Lua text: its columns, constraints and indexes, as one would write them by hand.
--
-- Invariant: run, the text makes the table that reflection makes (reflection/build.lua). What stands in a column, and
-- what beside the columns, does not change that.

local core, require = ...
local build = require "moonrow.reflection.build"
local type_text = require "moonrow.models.type_text"

local parts = {}

-- ---------------------------------------------------------------- values

-- A text as a literal in one line.
local function literal(text) return (string.format("%q", text):gsub("\\\n", "\\n")) end
parts.literal = literal

local function quoted(name) return '"' .. name:gsub('"', '""') .. '"' end

local function literals(list)
  local texts = {}
  for i, text in ipairs(list) do texts[i] = literal(text) end
  return table.concat(texts, ", ")
end

-- Appends `, name = value` for each name and value, if the value is there; a string is a literal already.
local function add_options(items, ...)
  local options = table.pack(...)
  for i = 1, options.n, 2 do
    local value = options[i + 1]
    if value ~= nil and value ~= false then items[#items + 1] = options[i] .. " = " .. tostring(value) end
  end
  return items
end

local function if_text(text) return text and literal(text) end

-- parts.type_text(column): the type as it is written in Lua, and its name in PostgreSQL, where that is to be said
-- beside it.
function parts.type_text(column)
  if not column.choices then return type_text(column.type) or "mr." .. tostring(column.type), column.named end
  local items = { literals(column.choices) }
  if column.named then
    -- The server tells a name as SQL writes it.
    items[2] = string.format("{ name = %s }", literal((column.named:gsub('^"(.*)"$', "%1"):gsub('""', '"'))))
  end
  return string.format("mr.Enum(%s)", table.concat(items, ", "))
end

-- What a type is called in a definition, where nothing else is said.
local sql_names = {}
local function sql_name(type)
  local text = tostring(type)
  if not sql_names[text] then
    local plain = core.Table("t", core.MetaData(), core.Column{ "c", type })
    sql_names[text] = tostring(core.CreateTable(plain)):match "^CREATE TABLE t %( c ?(.-) %)$" or "\0"
  end
  return sql_names[text]
end

-- ---------------------------------------------------------------- which constraints stand in columns

-- Does the name lead to the column of that name? "Id" stands beside "id" in PostgreSQL alone.
local function leads_to(facts, name, column)
  return name == column or facts.columns[1].affinity ~= nil and name:lower() == column:lower()
end

local function spelled(facts, name)
  for _, column in ipairs(facts.columns) do
    if leads_to(facts, name, column.name) then return column end
  end
end

-- Does the column number the rows? SQLite tells that it may be NULL, which it is never.
function parts.numbers_rows(facts, column, key)
  return #key.columns == 1 and build.numbers(column) and not facts.without_rowid
end

-- The primary key stands in the columns if it says no more than they can: no name, no other order, and no NULLs.
local function key_in_columns(facts, key)
  if build.name_of(key) or key.on_conflict then return false end
  local last = 0
  for _, name in ipairs(key.columns) do
    local column = spelled(facts, name)
    if not column or (column.nullable and not parts.numbers_rows(facts, column, key)) then return false end
    for i, other in ipairs(facts.columns) do
      if other == column then
        if i < last then return false end
        last = i
      end
    end
  end
  return true
end

-- sorted.key, sorted.unique[column], sorted.references[column]: in columns; sorted.beside: a list of the others.
local function sort_constraints(facts)
  local sorted = { key = nil, unique = {}, references = {}, beside = {} }
  for _, constraint in ipairs(facts.constraints) do
    local column = constraint.columns and #constraint.columns == 1 and spelled(facts, constraint.columns[1])
    local plain = column and not build.name_of(constraint) and not constraint.on_conflict
    if constraint.kind == "primary_key" and key_in_columns(facts, constraint) then
      sorted.key = constraint
    elseif constraint.kind == "unique" and plain and not sorted.unique[column] then
      sorted.unique[column] = constraint
    elseif constraint.kind == "foreign_key" and column and not sorted.references[column] then
      sorted.references[column] = constraint
    else
      sorted.beside[#sorted.beside + 1] = constraint
    end
  end
  return sorted
end

-- ---------------------------------------------------------------- columns

local function reference_options(constraint)
  return add_options({}, "name", if_text(build.name_of(constraint)), "ondelete", if_text(constraint.ondelete),
    "onupdate", if_text(constraint.onupdate),
    "deferrable", constraint.deferrable ~= nil and tostring(constraint.deferrable) or nil,
    "initially", if_text(constraint.initially))
end

local function reference_text(constraint, target)
  local options = reference_options(constraint)
  local column = literal(target.name .. "." .. target.columns[1])
  if #options == 0 then return "mr.ForeignKey " .. column end
  return string.format("mr.ForeignKey(%s, { %s })", column, table.concat(options, ", "))
end

local function has(facts, list, name)
  for _, other in ipairs(list) do
    if leads_to(facts, other, name) then return true end
  end
  return false
end

-- A column of a key that stands beside the columns is NOT NULL, unless it is said.
local function nullable_text(facts, column, whole_key)
  if not column.nullable then return "false" end
  if not whole_key or not has(facts, whole_key.columns, column.name) then return nil end
  return not parts.numbers_rows(facts, column, whole_key) and "true" or nil
end

-- mr.Identity{ start = 5 }
local function identity_text(column)
  local options, items = build.identity_of(column.identity, column.declared), {}
  for _, name in ipairs{ "always", "start", "increment", "minvalue", "maxvalue", "cycle", "cache" } do
    add_options(items, name, options[name])
  end
  return #items > 0 and string.format("mr.Identity{ %s }", table.concat(items, ", ")) or "mr.Identity()"
end

-- parts.numbering(column): how the database numbers it; nil: it does not.
function parts.numbering(column)
  if column.identity then return identity_text(column) end
  return column.serial and "serial" or nil
end

-- The column; attribute: what the class calls it, nil in a table without a class. target_of: see parts.of.
local function column_text(facts, column, sorted, attribute, target_of)
  local items = { attribute ~= column.name and literal(column.name) or nil }
  local named
  items[#items + 1], named = parts.type_text(column)
  if column.identity then items[#items + 1] = identity_text(column) end
  local reference = sorted.references[column]
  local target = reference and target_of(reference)
  if target then items[#items + 1] = reference_text(reference, target) end
  local computed = column.computed
  if computed then
    items[#items + 1] = string.format("mr.Computed(%s, { persisted = %s })", literal(computed.sqltext),
      tostring(computed.persisted))
  end
  local key = sorted.key and has(facts, sorted.key.columns, column.name) and sorted.key
  local all_keys = key or sorted.whole_key
  local alone = all_keys and #all_keys.columns == 1 and has(facts, all_keys.columns, column.name)
  if column.serial and not alone then items[#items + 1] = "mr.Identity()" end
  local sqlite = column.affinity ~= nil
  local nullable = not key and nullable_text(facts, column, sorted.whole_key) or nil
  -- A key that may be NULL is refused, unless the column says that the table is another program's.
  local other_type = sqlite and (nullable == "true" or column.declared:upper() ~= sql_name(column.type):upper())
  add_options(items, "primary_key", key and true or nil,
    "autoincrement", alone and not build.numbers(column) and "false" or nil,
    "nullable", nullable,
    "unique", sorted.unique[column] and true or nil,
    "server_default", column.default and not computed and "mr.text " .. literal(column.default) or nil,
    "sqlite_type", other_type and literal(column.declared) or nil,
    "postgresql_type", if_text(named), "comment", if_text(column.comment),
    "sqlite_collation", sqlite and if_text(column.collation) or nil,
    "sqlite_on_conflict_not_null", if_text(column.on_conflict))
  return string.format("mr.Column{ %s }", table.concat(items, ", "))
end

-- ---------------------------------------------------------------- constraints and indexes

local function keyed(constraint)
  local items = add_options({ literals(constraint.columns) }, "name",
    if_text(build.name_of(constraint)), "sqlite_on_conflict", if_text(constraint.on_conflict))
  return table.concat(items, ", ")
end

local makers = {
  primary_key = function(constraint) return string.format("mr.PrimaryKeyConstraint{ %s }", keyed(constraint)) end,
  unique = function(constraint) return string.format("mr.UniqueConstraint{ %s }", keyed(constraint)) end,
  check = function(constraint)
    local items = add_options({ literal(constraint.sqltext) }, "name",
      if_text(build.name_of(constraint)), "sqlite_on_conflict", if_text(constraint.on_conflict))
    if #items == 1 then return "mr.CheckConstraint " .. items[1] end
    return string.format("mr.CheckConstraint{ %s }", table.concat(items, ", "))
  end,
  foreign_key = function(constraint, facts, target)
    local own, targets = {}, {}
    for i, name in ipairs(constraint.columns) do
      own[i] = spelled(facts, name).name
      targets[i] = target.name .. "." .. target.columns[i]
    end
    local options = reference_options(constraint)
    return string.format("mr.ForeignKeyConstraint({ %s }, { %s }%s)", literals(own), literals(targets),
      #options > 0 and string.format(", { %s }", table.concat(options, ", ")) or "")
  end,
}

local function index_item(part)
  local collation = part.collation and " COLLATE " .. quoted(part.collation) or ""
  if part.column and collation == "" and not part.descending then return literal(part.column) end
  local sql = part.column and quoted(part.column) .. collation or part.expression
  return "mr.text " .. literal(sql .. (part.descending and " DESC" or ""))
end

local function index_text(index, facts)
  local where = facts.columns[1].affinity ~= nil and "sqlite_where" or "postgresql_where"
  local items = { literal(index.name) }
  for _, part in ipairs(index.parts) do items[#items + 1] = index_item(part) end
  add_options(items, "unique", index.unique or nil, where, if_text(index.where))
  return string.format("mr.Index{ %s }", table.concat(items, ", "))
end

-- ---------------------------------------------------------------- a table

-- parts.of(facts, attribute_of, target_of): columns: a list of { name =, text = } in their order; beside: the texts of
-- what stands in __table_args. attribute_of(name): what the class calls a column; target_of(constraint): the name and
-- columns of the table that a foreign key refers to; nil: it is left out.
function parts.of(facts, attribute_of, target_of)
  local sorted = sort_constraints(facts)
  for _, constraint in ipairs(sorted.beside) do
    if constraint.kind == "primary_key" then sorted.whole_key = constraint end
  end
  local columns, beside = {}, {}
  for _, column in ipairs(facts.columns) do
    if not column.hidden then
      local attribute = attribute_of(column.name)
      columns[#columns + 1] = { name = attribute,
        text = column_text(facts, column, sorted, attribute, target_of) }
    end
  end
  for _, constraint in ipairs(sorted.beside) do
    local target = constraint.kind == "foreign_key" and target_of(constraint)
    if constraint.kind ~= "foreign_key" or target then
      beside[#beside + 1] = makers[constraint.kind](constraint, facts, target)
    end
  end
  for _, index in ipairs(facts.indexes) do beside[#beside + 1] = index_text(index, facts) end
  add_options(beside, "comment", if_text(facts.comment), "sqlite_strict", facts.strict or nil,
    "sqlite_with_rowid", facts.without_rowid and "false" or nil,
    "sqlite_autoincrement", facts.autoincrement or nil)
  return columns, beside
end

return parts
