-- differences.lua: what a revision would have to do so that a database becomes what the classes say, as Lua text:
-- `moonrow migrate revision --autogenerate`.
--
-- Invariant: names are never guessed to be new ones of old things: a rename is what the caller says it is. What is not
-- compared is told.

local _, require = ...
local enum_changes = require "moonrow.revisions.enum_changes"
local indexes_of = require "moonrow.models.indexes"
local one_table = require "moonrow.revisions.one_table"
local parts = require "moonrow.models.parts"
local renames = require "moonrow.revisions.renames"
local rules = require "moonrow.revisions.rules"
local type_text = require "moonrow.models.type_text"
local whole_tables = require "moonrow.revisions.whole_tables"

local literal = parts.literal
local own = { moonrow_steps = true, moonrow_revisions = true, moonrow_history = true }

local differences = {}

-- Types as the classes have them, where a text makes them again: a length is told that reflection leaves out.
local function take_types(facts, of_class)
  for _, column in ipairs(facts.columns) do
    for name, expression in pairs(of_class.c) do
      if name == column.name and type_text(expression.type) and not column.named then column.type = expression.type end
    end
  end
end

-- ---------------------------------------------------------------- which tables come, go and change

-- The tables of the classes that the database has not, in the order in which foreign keys allow them to be made.
local function new_tables(both, theirs, metadatas)
  local declared, list = both.by_name(both.ours.objects()), {}
  for _, metadata in ipairs(metadatas) do
    for _, one in ipairs(metadata.sorted_tables) do
      local key = both.fold(one.name)
      local facts = both.ours.facts(one.name)
      if facts then take_types(facts, one) end
      if declared[key] and declared[key].kind == "table" and not theirs.has(key) then list[#list + 1] = one.name end
    end
  end
  return list
end

-- Those of the database that classes have, and those that none has.
local function old_tables(both, theirs)
  local declared, kept, gone = both.by_name(both.ours.objects()), {}, {}
  for _, name in ipairs(theirs.table_names()) do
    if not own[name] then table.insert(declared[both.fold(name)] and kept or gone, name) end
  end
  return kept, whole_tables.sorted(both, theirs, gone)
end

local function note_others(both, notes)
  for _, object in ipairs(both.theirs.objects()) do
    if object.kind == "view" or object.kind == "virtual" then
      notes[#notes + 1] = string.format("'%s' is a %s, which is not compared", object.name,
        object.kind == "view" and "view" or "virtual table")
    end
  end
end

-- Tables that come and go at once, and are half the same, may be one under two names.
local function note_renames(both, theirs, come, gone, notes)
  for _, old in ipairs(gone) do
    local columns = both.by_name(theirs.facts(old).columns)
    for _, new in ipairs(come) do
      local facts, same = both.ours.facts(new), 0
      for _, column in ipairs(facts.columns) do
        if columns[both.fold(column.name)] then same = same + 1 end
      end
      if 2 * same >= math.max(#facts.columns, #theirs.facts(old).columns) then
        notes[#notes + 1] = string.format("if '%s' is '%s' under another name, say so: --rename %s=%s", new, old, old,
          new)
      end
    end
  end
end

-- Takes out of a table's facts, on both sides, the indexes that are not compared.
local function leave_indexes_out(ours, theirs, notes)
  local left_out
  ours.indexes, theirs.indexes, left_out = indexes_of(ours, theirs)
  for _, index in ipairs(left_out) do
    notes[#notes + 1] = string.format("'%s' is an index that models cannot say, and is not compared: %s", index.name,
      index.definition)
  end
end

-- ---------------------------------------------------------------- all of it

-- Calls fn(name, drop) for each index of the side's tables, and for each key that is one (on PostgreSQL): their names
-- are those of the whole database. drop(): the statement that drops it.
local function each_index(both, side, names, fn)
  for _, name in ipairs(names) do
    local facts = side.facts(name)
    for _, index in ipairs(facts.indexes) do
      fn(both.fold(index.name), function() return one_table.drop_index(index) end)
    end
    for _, constraint in ipairs(both.keys_need_tables and facts.constraints or {}) do
      if constraint.kind == "unique" and constraint.name then
        fn(constraint.name, function() return rules.unique.drop(literal(facts.name), constraint) end)
      end
    end
  end
end

local function joined(a, b) return table.move(b, 1, #b, #a + 1, a) end

-- What makes the tables of one side those of another, as one list. kept: the names of those that both have; come and
-- gone: of those that the one or the other has alone.
local function direction(both, from, to, kept, come, gone, notes)
  local texts, adders = { first = {}, body = {}, keys = {}, gone = {} }, {}
  for name, list in pairs(texts) do
    adders[name] = function(text) list[#list + 1] = text end
  end
  local wanted = {}
  local function want(name) wanted[name] = true end
  each_index(both, to, kept, want)
  each_index(both, to, come, want)
  each_index(both, from, gone, function(name, drop)
    if wanted[name] then adders.first(drop()) end
  end)
  for _, name in ipairs(kept) do one_table.change(adders, both, from.facts(name), to.facts(name), notes) end
  whole_tables.create(adders.body, both, to, come)
  whole_tables.drop(adders.gone, both, from, gone)
  local all = {}
  for _, name in ipairs{ "first", "body", "keys", "gone" } do joined(all, texts[name]) end
  return all
end

-- differences.find(both, given, metadatas): two lists of Lua statements, what makes the database what the tables of the
-- metadatas are, and back; and notes for people. both: see models/mirror.lua. given: the renames, { ["table.old"] =
-- "new", ["table"] = "new" }.
function differences.find(both, given, metadatas)
  local notes, ours = {}, both.ours
  local theirs = renames.apply(both, given)
  local come = new_tables(both, theirs, metadatas)
  local kept, gone = old_tables(both, theirs)
  for _, name in ipairs(kept) do leave_indexes_out(ours.facts(name), theirs.facts(name), notes) end
  local up = joined(theirs.up, direction(both, theirs, ours, kept, come, gone, notes))
  local down = joined(direction(both, ours, theirs, kept, gone, come, {}), theirs.down)
  enum_changes.add(up, down, ours, both.theirs, notes, own)
  note_renames(both, theirs, come, gone, notes)
  note_others(both, notes)
  return up, down, notes
end

return differences
