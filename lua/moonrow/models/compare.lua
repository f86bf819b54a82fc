-- compare.lua: where the tables of declared classes and those of a database differ: `moonrow models --check`.
--
-- Invariant: names of classes and attributes do not count. Both sides are what the database says of them (mirror.lua).

local _, require = ...
local indexes_of = require "moonrow.models.indexes"
local mirror = require "moonrow.models.mirror"
local parts = require "moonrow.models.parts"

-- ---------------------------------------------------------------- tables

local function joined(names) return table.concat(names, ", "):lower() end

local function show(value) return value == nil and "none" or tostring(value) end

local function primary_key(facts)
  for _, constraint in ipairs(facts.constraints) do
    if constraint.kind == "primary_key" then return constraint end
  end
end

-- Is the column never NULL, whatever its definition says?
local function is_nullable(facts, column)
  local key = primary_key(facts)
  if key and column.primary_key > 0 and parts.numbers_rows(facts, column, key) then return false end
  return column.nullable
end

-- What is compared of a column, with the words for it.
local aspects = {
  { "type", function(_, column) return column.declared:upper() end },
  { "NOT NULL", function(facts, column) return is_nullable(facts, column) and "no" or "yes" end },
  { "default", function(_, column) return column.default end },
  { "collation", function(_, column) return column.collation and column.collation:upper() end },
  { "expression", function(_, column) return column.computed and column.computed.sqltext end },
  { "values", function(_, column) return column.choices and table.concat(column.choices, ", ") end },
  { "number", function(_, column) return parts.numbering(column) end },
  { "comment", function(_, column) return column.comment end },
}

-- A default that the database alone has fills the rows that there were when a NOT NULL column came to the table.
local function is_filling(aspect, ours, column)
  return aspect == "default" and ours == nil and not column.nullable
end

local function compare_columns(say, both, declared, stored, lenient)
  local there = both.by_name(stored.columns)
  for _, column in ipairs(declared.columns) do
    local other = there[both.fold(column.name)]
    there[both.fold(column.name)] = nil
    if not other then say("the database has no column '%s'", column.name) else
      for _, aspect in ipairs(aspects) do
        local ours, theirs = aspect[2](declared, column), aspect[2](stored, other)
        if ours ~= theirs and not (lenient and is_filling(aspect[1], ours, other)) then
          say("%s of '%s': %s; in the database %s", aspect[1], column.name, show(ours), show(theirs))
        end
      end
    end
  end
  for _, column in ipairs(stored.columns) do
    if there[both.fold(column.name)] and not column.hidden then say("no column '%s'", column.name) end
  end
end

-- Each constraint and index as one text, by which it is found on the other side.
local texts = {
  primary_key = function(c) return string.format("the primary key (%s)", joined(c.columns)) end,
  unique = function(c) return string.format("UNIQUE (%s)", joined(c.columns)) end,
  check = function(c) return string.format("CHECK (%s)", c.sqltext) end,
  foreign_key = function(c)
    return string.format("the foreign key (%s) to %s (%s)%s%s%s%s", joined(c.columns), c.referred_table:lower(),
      joined(c.referred_columns or {}), c.ondelete and " ON DELETE " .. c.ondelete or "",
      c.onupdate and " ON UPDATE " .. c.onupdate or "",
      c.deferrable ~= nil and (c.deferrable and " DEFERRABLE" or " NOT DEFERRABLE") or "",
      c.initially and " INITIALLY " .. c.initially or "")
  end,
}

local function index_text(index)
  if index.definition then return "the index " .. index.definition end
  local items = {}
  for i, part in ipairs(index.parts) do
    items[i] = (part.column or part.expression):lower() .. (part.descending and " desc" or "")
  end
  return string.format("the %sindex '%s' (%s)%s", index.unique and "unique " or "", index.name,
    table.concat(items, ", "), index.where and " WHERE " .. index.where or "")
end

-- Foreign keys to what is not there are no part of a mapping.
local function rules_of(side, facts, indexes)
  local rules = {}
  for _, constraint in ipairs(facts.constraints) do
    local other = constraint.kind ~= "foreign_key" or side.look(constraint.referred_table)
    if other and (other == true or other.kind == "table") then
      rules[#rules + 1] = texts[constraint.kind](constraint)
    end
  end
  for _, index in ipairs(indexes) do rules[#rules + 1] = index_text(index) end
  if facts.comment then rules[#rules + 1] = "the comment " .. facts.comment end
  for _, flag in ipairs{ "strict", "without_rowid", "autoincrement" } do
    if facts[flag] then rules[#rules + 1] = flag:upper():gsub("_", " ") end
  end
  return rules
end

local function compare_rules(say, ours, theirs)
  local counts = {}
  for _, rule in ipairs(theirs) do counts[rule] = (counts[rule] or 0) + 1 end
  for _, rule in ipairs(ours) do
    if (counts[rule] or 0) > 0 then counts[rule] = counts[rule] - 1
    else say("the database has not: %s", rule) end
  end
  for _, rule in ipairs(theirs) do
    if counts[rule] > 0 then
      counts[rule] = counts[rule] - 1
      say("has not: %s", rule)
    end
  end
end

-- ---------------------------------------------------------------- all of it

-- What migrations and undo remember in a database is no table of the program's.
local own = { moonrow_steps = true, moonrow_revisions = true, moonrow_history = true }

-- Has the table something by which a row is found?
local function can_be_mapped(facts) return facts.rowid ~= nil or primary_key(facts) ~= nil end

-- compare(engine, metadata): a list of the differences, and the number of tables that were compared. metadata: its
-- tables alone are compared; nil: those of all classes. lenient: defaults with which columns were added are no
-- difference.
return function(engine, metadata, lenient)
  local lines, compared = {}, 0
  local function add(name, line, ...) lines[#lines + 1] = name .. ": " .. string.format(line, ...) end
  local both <close> = mirror.open("models", engine, metadata and { metadata } or mirror.metadatas())
  local ours, theirs = both.ours, both.theirs
  local declared = both.by_name(ours.objects())
  for _, name in ipairs(theirs.table_names()) do
    local stored = theirs.look(name)
    local key = both.fold(name)
    if declared[key] then
      local made = ours.look(name)
      local function say(line, ...) add(name, line, ...) end
      compare_columns(say, both, made, stored, lenient)
      local of_ours, of_theirs = indexes_of(made, stored)
      compare_rules(say, rules_of(ours, made, of_ours), rules_of(theirs, stored, of_theirs))
      compared = compared + 1
    elseif can_be_mapped(stored) and #stored.columns > 0 and not own[name] then
      add(name, "no class has the table")
    end
    declared[key] = nil
  end
  for _, object in ipairs(ours.objects()) do
    if object.kind == "table" and declared[both.fold(object.name)] then
      add(object.name, "the database has no such table")
    end
  end
  return lines, compared
end
