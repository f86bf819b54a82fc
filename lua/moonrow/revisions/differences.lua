-- differences.lua: what a revision would have to do so that a database becomes what the classes say, as Lua text:
-- `moonrow migrate revision --autogenerate`.
--
-- Invariant: names are never guessed to be new ones of old things: a rename is what the caller says it is. What is not
-- compared is told.

local core, require = ...
local enum_changes = require "moonrow.revisions.enum_changes"
local parts = require "moonrow.models.parts"
local rules = require "moonrow.revisions.rules"
local type_text = require "moonrow.models.type_text"
local whole_tables = require "moonrow.revisions.whole_tables"
local words = require "moonrow.migrate.words"

local literal = parts.literal
local own = { moonrow_steps = true, moonrow_revisions = true }

local function braces(list) return #list > 0 and ", { " .. table.concat(list, ", ") .. " }" or "" end

local option = rules.option

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
  local items = { index.name:lower(), tostring(index.unique), index.where or "" }
  for _, part in ipairs(index.parts) do
    items[#items + 1] = (part.column or part.expression):lower() .. (part.descending and " desc" or "")
      .. (part.collation or "")
  end
  return table.concat(items, "|")
end

local function create_index(t, index, where)
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

-- Appends what makes the table `from` what `to` is. renamed: by the old column's name the new one.
local function change_table(add, both, from, to, renamed, notes)
  local t, fold, before, after = literal(to.name), both.fold, both.by_name(from.columns), both.by_name(to.columns)
  local where = in_postgresql(to.columns[1]) and "postgresql_where" or "sqlite_where"
  each_missing(from.indexes, to.indexes, index_key, function(index)
    add(string.format("m:drop_index(%s)", literal(index.name)))
  end)
  local gone, come = {}, {}
  for _, kind in ipairs{ "foreign_key", "unique", "check" } do
    each_missing(of_kind(from, kind), of_kind(to, kind), rules[kind].key,
      function(c) add(rules[kind].drop(t, c)) end)
  end
  local function alter(column, name)
    local new = after[fold(name)]
    note_column(notes, to.name, column, new)
    if is_computed_anew(column, new) then
      add(drop_column(to, new))
      add(add_column(to, new))
    else
      add(alter_column(from, name, column, to, new))
    end
  end
  for _, column in ipairs(from.columns) do
    local new = renamed[column.name]
    if new then
      add(string.format("m:rename_column(%s, %s, %s)", t, literal(column.name), literal(new)))
      alter(column, new)
      before[fold(new)] = column
    elseif after[fold(column.name)] then
      alter(column, column.name)
    else
      gone[#gone + 1] = column
    end
  end
  for _, column in ipairs(to.columns) do
    if not before[fold(column.name)] then
      come[#come + 1] = column.name
      add(add_column(to, column))
    end
  end
  for _, column in ipairs(gone) do
    add(drop_column(from, column))
    for _, name in ipairs(come) do
      notes[#notes + 1] = string.format("%s: if '%s' is '%s' under another name, say so: --rename %s.%s=%s", to.name,
        name,
        column.name, to.name, column.name, name)
    end
  end
  for _, kind in ipairs{ "primary_key", "unique", "check", "foreign_key" } do
    each_missing(of_kind(to, kind), of_kind(from, kind), rules[kind].key,
      function(c) add(rules[kind].create(t, c)) end)
  end
  each_missing(to.indexes, from.indexes, index_key, function(index) add(create_index(t, index, where)) end)
  if from.comment ~= to.comment then add(comment_table(to)) end
  for _, flag in ipairs{ "strict", "without_rowid", "autoincrement" } do
    if (from[flag] or false) ~= (to[flag] or false) then
      notes[#notes + 1] = string.format("%s: %s differs, and is not changed by a revision: make the table anew",
        to.name,
        flag:upper():gsub("_", " "))
    end
  end
end

local differences = {}

-- Types as the classes have them, where a text makes them again: a length is told that reflection leaves out.
local function take_types(facts, of_class)
  for _, column in ipairs(facts.columns) do
    for name, expression in pairs(of_class.c) do
      if name == column.name and type_text(expression.type) and not column.named then column.type = expression.type end
    end
  end
end

-- ---------------------------------------------------------------- all of it

-- The names of one table's columns that are new, by the old ones, and back.
local function renamed_columns(both, name, from, new, renames)
  local renamed, back = {}, {}
  for _, column in ipairs(from.columns) do
    local wanted = name .. "." .. column.name
    local to_name = renames[wanted]
    if to_name then
      if not both.by_name(new.columns)[both.fold(to_name)] then
        core.raise("InvalidRequestError", string.format("--rename: no class has a column %s.%s", name, to_name))
      end
      renamed[column.name], back[to_name] = to_name, column.name
      renames[wanted] = nil
    end
  end
  return renamed, back
end

-- The tables of the classes that the database has not, in the order in which foreign keys allow them to be made.
local function new_tables(both, metadatas)
  local declared, stored, list = both.by_name(both.ours.objects()), both.by_name(both.theirs.objects()), {}
  for _, metadata in ipairs(metadatas) do
    for _, one in ipairs(metadata.sorted_tables) do
      local key = both.fold(one.name)
      local facts = both.ours.facts(one.name)
      if facts then take_types(facts, one) end
      if declared[key] and declared[key].kind == "table" and not stored[key] then list[#list + 1] = one.name end
    end
  end
  return list
end

local function note_others(both, notes)
  for _, object in ipairs(both.theirs.objects()) do
    if object.kind == "view" or object.kind == "virtual" then
      notes[#notes + 1] = string.format("'%s' is a %s, which is not compared", object.name,
        object.kind == "view" and "view" or "virtual table")
    end
  end
end

-- differences.find(both, renames, metadatas): two lists of Lua statements, what makes the database what the tables of
-- the metadatas are, and back; and notes for people. both: see models/mirror.lua. renames: { ["table.old"] = "new" }.
function differences.find(both, renames, metadatas)
  local ours, theirs = both.ours, both.theirs
  local up, down, notes, gone = {}, {}, {}, {}
  local function to(list) return function(text) list[#list + 1] = text end end
  local come = new_tables(both, metadatas)
  whole_tables.create(to(up), both, ours, come)
  local declared = both.by_name(ours.objects())
  for _, name in ipairs(theirs.table_names()) do
    if not own[name] then
      if declared[both.fold(name)] then
        local from, new = theirs.facts(name), ours.facts(name)
        local renamed, back = renamed_columns(both, name, from, new, renames)
        change_table(to(up), both, from, new, renamed, notes)
        change_table(to(down), both, new, from, back, {})
      else
        gone[#gone + 1] = name
      end
    end
  end
  for name in pairs(renames) do
    core.raise("InvalidRequestError", string.format("--rename: the database has no column %s", name))
  end
  gone = whole_tables.sorted(both, theirs, gone)
  whole_tables.drop(to(up), both, theirs, gone)
  local first = {} -- what went comes back before what refers to it
  whole_tables.create(to(first), both, theirs, gone)
  table.move(down, 1, #down, #first + 1)
  table.move(first, 1, #first, 1, down)
  whole_tables.drop(to(down), both, ours, come)
  enum_changes.add(up, down, ours, theirs, notes, own)
  note_others(both, notes)
  return up, down, notes
end

return differences
