-- enum_changes.lua: what a revision has to do to the enums of a PostgreSQL database.
--
-- Invariant: new values come before what uses them, and a type goes behind the last table that used it.

local _, require = ...
local enums = require "moonrow.migrate.enums"
local parts = require "moonrow.models.parts"

local enum_changes = {}

-- enum_changes.execute(sql): the Lua statement that runs it.
function enum_changes.execute(sql) return string.format("m:execute(%s)", parts.literal(sql)) end

local execute = enum_changes.execute

-- The enums of a side's tables, by the names of their types: lists of values.
local function enums_of(side, skipped)
  local found = {}
  for _, name in ipairs(side.table_names()) do
    if not skipped[name] then
      for _, column in ipairs(side.facts(name).columns) do
        if column.choices and column.named then found[column.named] = column.choices end
      end
    end
  end
  return found
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function note_values(notes, named, added, gone)
  if added > 0 then
    notes[#notes + 1] = named .. ": a value of it can be used only when the revision has ended, and is not taken away"
      .. " by downgrade"
  end
  if #gone > 0 then
    notes[#notes + 1] = string.format("%s: PostgreSQL cannot take a value away: %s", named, table.concat(gone, ", "))
  end
end

-- enum_changes.add(up, down, ours, theirs, notes, skipped): adds to the lists of statements what the sides (mirror.lua)
-- differ by. skipped: a set of tables that do not count.
function enum_changes.add(up, down, ours, theirs, notes, skipped)
  local wanted, stored, first = enums_of(ours, skipped), enums_of(theirs, skipped), {}
  for _, named in ipairs(sorted_keys(stored)) do
    if wanted[named] then
      local statements, gone = enums.add_values(named, stored[named], wanted[named])
      for _, sql in ipairs(statements) do first[#first + 1] = execute(sql) end
      note_values(notes, named, #statements, gone)
    else
      up[#up + 1] = execute("DROP TYPE " .. named)
    end
  end
  table.move(up, 1, #up, #first + 1)
  table.move(first, 1, #first, 1, up)
  for _, named in ipairs(sorted_keys(wanted)) do
    if not stored[named] then down[#down + 1] = execute("DROP TYPE " .. named) end
  end
end

return enum_changes
