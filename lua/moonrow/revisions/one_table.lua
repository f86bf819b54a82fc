-- one_table.lua: what makes one table what another is, as statements of a revision.
--
-- Invariant: what is in the way goes first (foreign keys, indexes), what needs others comes last (foreign keys), and
-- columns go when all else is done: between the lists a person may move what they hold.

local _, require = ...
local enum_changes = require "moonrow.revisions.enum_changes"
local parts = require "moonrow.models.parts"
local rules = require "moonrow.revisions.rules"
local words = require "moonrow.migrate.words"

local literal, option = parts.literal, rules.option

local function braces(list) return #list > 0 and ", { " .. table.concat(list, ", ") .. " }" or "" end

-- ---------------------------------------------------------------- columns

local function is_nullable(facts, column)
  for _, constraint in ipairs(facts.constraints) do
    if constraint.kind == "primary_key" and column.primary_key > 0
      and parts.numbers_rows(facts, column, constraint) then return false end
  end
  return column.nullable
end

-- The column's text without what keys and constraints beside it say, which are compared by themselves.
local function column_text(facts, column)
  local alone = { name = facts.name, columns = { column }, constraints = {}, indexes = {} }
  return parts.of(alone, function() return nil end, function() return nil end)[1].text
end

local function add_column(facts, column)
  local needs = not column.nullable and not column.default and not column.computed
  return string.format("m:add_column(%s, %s%s)", literal(facts.name), column_text(facts, column),
    needs and ", { default = nil --[[ what the rows get that there are ]] }" or "")
end

local function drop_column(facts, column)
  return string.format("m:drop_column(%s, %s)", literal(facts.name), literal(column.name))
end

local function in_postgresql(column) return column.affinity == nil end

-- A type of PostgreSQL's is cast to another one where it says how, which covers more than what it does by itself.
local function add_type(list, to)
  local text, named = parts.type_text(to)
  option(list, "type", text)
  option(list, "postgresql_type", named and literal(named))
  if in_postgresql(to) then
    option(list, "using", literal(string.format("%s::%s", words.quoted(to.name), to.declared)))
  end
end

-- What makes the column `from` what `to` is; nil: it is so.
local function alter_column(facts, column, from, to_facts, to)
  local list = {}
  if from.declared:upper() ~= to.declared:upper() then add_type(list, to) end
  local nullable = is_nullable(to_facts, to)
  if is_nullable(facts, from) ~= nullable then option(list, "nullable", tostring(nullable)) end
  if from.default ~= to.default then
    option(list, "server_default", to.default and "mr.text " .. literal(to.default) or "false")
  end
  if (from.collation or ""):upper() ~= (to.collation or ""):upper() and not in_postgresql(to) then
    option(list, "sqlite_collation", literal(to.collation or "BINARY"))
  end
  if from.comment ~= to.comment then option(list, "comment", to.comment and literal(to.comment) or "false") end
  if #list == 0 then return nil end
  return string.format("m:alter_column(%s, %s%s)", literal(facts.name), literal(column), braces(list))
end

-- Is it computed otherwise? Then it is made anew, because no database changes it.
local function is_computed_anew(from, to)
  local before, after = from.computed, to.computed
  return before and after and (before.sqltext ~= after.sqltext or before.persisted ~= after.persisted)
end

-- What differs and no step changes.
local function note_column(notes, name, from, to)
  local function note(line, ...)
    notes[#notes + 1] = string.format("%s.%s: " .. line .. ", which a revision does not change: make the column anew",
      name, to.name, ...)
  end
  if (from.computed == nil) ~= (to.computed == nil) then
    note("it is %s", to.computed and "computed in the models, and stored in the database"
      or "stored in the models, and computed in the database")
  end
  local before, after = parts.numbering(from), parts.numbering(to)
  if before ~= after then
    note("it is numbered by %s, in the database by %s", after or "nothing", before or "nothing")
  end
end

-- ---------------------------------------------------------------- indexes

local function index_key(index)
  if index.definition then return index.definition end
  local items = { index.name:lower(), tostring(index.unique), index.where or "" }
  for _, part in ipairs(index.parts) do
    items[#items + 1] = (part.column or part.expression):lower() .. (part.descending and " desc" or "")
      .. (part.collation or "")
  end
  return table.concat(items, "|")
end

local function create_index(t, index, where)
  if index.definition then return enum_changes.execute(index.definition) end
  local items, list = {}, {}
  for i, part in ipairs(index.parts) do
    local plain = part.column and not part.descending and not part.collation
    local sql = part.column and words.quoted(part.column) or part.expression
    if part.collation then sql = sql .. " COLLATE " .. words.quoted(part.collation) end
    items[i] = plain and literal(part.column) or "mr.text " .. literal(sql .. (part.descending and " DESC" or ""))
  end
  option(list, "unique", index.unique and "true")
  option(list, where, index.where and literal(index.where))
  return string.format("m:create_index(%s, %s, { %s }%s)", literal(index.name), t, table.concat(items, ", "),
    braces(list))
end

-- Pairs of the lists by their keys: fn(item) for each that the other list has not.
local function each_missing(list, others, key, fn)
  local counts = {}
  for _, other in ipairs(others) do counts[key(other)] = (counts[key(other)] or 0) + 1 end
  for _, item in ipairs(list) do
    local k = key(item)
    if (counts[k] or 0) > 0 then counts[k] = counts[k] - 1 else fn(item) end
  end
end

local function of_kind(facts, kind)
  local list = {}
  for _, constraint in ipairs(facts.constraints) do
    if constraint.kind == kind then list[#list + 1] = constraint end
  end
  return list
end

-- ---------------------------------------------------------------- one table

local function comment_table(facts)
  local text = facts.comment and "'" .. facts.comment:gsub("'", "''") .. "'" or "NULL"
  return enum_changes.execute(string.format("COMMENT ON TABLE %s IS %s", words.quoted(facts.name), text))
end

-- Its columns: those that stay are altered, in the body; new ones are added there; the others go at the end.
local function change_columns(lists, both, from, to, notes)
  local before, after, come = both.by_name(from.columns), both.by_name(to.columns), {}
  for _, column in ipairs(from.columns) do
    local new = after[both.fold(column.name)]
    if new then
      note_column(notes, to.name, column, new)
      if is_computed_anew(column, new) then
        lists.body(drop_column(to, new))
        lists.body(add_column(to, new))
      else
        lists.body(alter_column(from, column.name, column, to, new))
      end
    end
  end
  for _, column in ipairs(to.columns) do
    if not before[both.fold(column.name)] then
      come[#come + 1] = column.name
      lists.body(add_column(to, column))
    end
  end
  for _, column in ipairs(from.columns) do
    if not after[both.fold(column.name)] then
      lists.gone(drop_column(from, column))
      for _, name in ipairs(come) do
        notes[#notes + 1] = string.format("%s: if '%s' is '%s' under another name, say so: --rename %s.%s=%s", to.name,
          name, column.name, to.name, column.name, name)
      end
    end
  end
end

-- one_table.drop_index(index)
local function drop_index(index) return string.format("m:drop_index(%s)", literal(index.name)) end

-- one_table.change(lists, both, from, to, notes): appends what makes the table `from` what `to` is. lists: functions
-- that take a statement: first, body, keys (for foreign keys), gone. notes: gets what is told.
local function change(lists, both, from, to, notes)
  local t = literal(to.name)
  local where = in_postgresql(to.columns[1]) and "postgresql_where" or "sqlite_where"
  local function drop(kind, add)
    each_missing(of_kind(from, kind), of_kind(to, kind), rules[kind].key, function(c) add(rules[kind].drop(t, c)) end)
  end
  local function create(kind, add)
    each_missing(of_kind(to, kind), of_kind(from, kind), rules[kind].key, function(c) add(rules[kind].create(t, c)) end)
  end
  drop("foreign_key", lists.first)
  each_missing(from.indexes, to.indexes, index_key, function(index) lists.first(drop_index(index)) end)
  drop("unique", lists.first)
  drop("check", lists.body)
  change_columns(lists, both, from, to, notes)
  for _, kind in ipairs{ "primary_key", "unique", "check" } do create(kind, lists.body) end
  create("foreign_key", lists.keys)
  each_missing(to.indexes, from.indexes, index_key, function(index) lists.body(create_index(t, index, where)) end)
  if from.comment ~= to.comment then lists.body(comment_table(to)) end
  for _, flag in ipairs{ "strict", "without_rowid", "autoincrement" } do
    if (from[flag] or false) ~= (to[flag] or false) then
      notes[#notes + 1] = string.format("%s: %s differs, and is not changed by a revision: make the table anew",
        to.name, flag:upper():gsub("_", " "))
    end
  end
end

return { change = change, drop_index = drop_index }
