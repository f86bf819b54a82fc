-- whole_tables.lua: tables that come and go as a whole, as statements of a revision.
--
-- Invariant: in the order of the statements no foreign key of PostgreSQL refers to a table that is not there: in a
-- circle some are made behind the tables, and dropped before them. SQLite allows any order, and is spared that.

local _, require = ...
local enum_changes = require "moonrow.revisions.enum_changes"
local parts = require "moonrow.models.parts"
local rules = require "moonrow.revisions.rules"

local literal = parts.literal

local whole_tables = {}

-- The foreign key's target as it is written; one that is not there, or is left out, stays out.
local function target_finder(side, is_left_out)
  return function(constraint)
    local other = side.look(constraint.referred_table)
    local columns = constraint.referred_columns
    if not other or other.kind ~= "table" or not columns or is_left_out(constraint) then return nil end
    return { name = other.name, columns = columns }
  end
end

local function create_table(side, name, is_left_out)
  local facts, plain = {}, {}
  for key, value in pairs(side.facts(name)) do facts[key] = value end
  for _, index in ipairs(facts.indexes) do plain[#plain + 1] = not index.definition and index or nil end
  facts.indexes = plain
  local columns, beside = parts.of(facts, function() return nil end, target_finder(side, is_left_out))
  local lines, flags = {}, {}
  for _, column in ipairs(columns) do lines[#lines + 1] = "  " .. column.text end
  for _, text in ipairs(beside) do
    local is_flag = text:find "^sqlite_" or text:find "^comment = "
    if is_flag then flags[#flags + 1] = text else lines[#lines + 1] = "  " .. text end
  end
  if #flags > 0 then lines[#lines + 1] = "  { " .. table.concat(flags, ", ") .. " }" end
  return string.format("m:create_table(%s,\n%s)", literal(name), table.concat(lines, ",\n"))
end

-- Calls fn(name, constraint) for each foreign key of the tables that refers to one of them which stands behind it in
-- the list.
local function each_forward_key(both, side, names, fn)
  local place = {}
  for i, name in ipairs(names) do place[both.fold(name)] = i end
  for i, name in ipairs(names) do
    for _, constraint in ipairs(side.facts(name).constraints) do
      local other = constraint.kind == "foreign_key" and place[both.fold(constraint.referred_table)]
      if other and other > i then fn(name, constraint) end
    end
  end
end

-- whole_tables.create(add, both, side, names): adds what makes the side's tables, in the order of the list.
function whole_tables.create(add, both, side, names)
  local later = {}
  if both.keys_need_tables then
    each_forward_key(both, side, names, function(name, constraint)
      later[constraint], later[#later + 1] = true, { name = name, constraint = constraint }
    end)
  end
  for _, name in ipairs(names) do add(create_table(side, name, function(constraint) return later[constraint] end)) end
  for _, name in ipairs(names) do
    for _, index in ipairs(side.facts(name).indexes) do
      if index.definition then add(enum_changes.execute(index.definition)) end
    end
  end
  for _, one in ipairs(later) do add(rules.foreign_key.create(literal(one.name), one.constraint)) end
end

-- whole_tables.drop(add, both, side, names): adds what drops them, the last of the list first.
function whole_tables.drop(add, both, side, names)
  if both.keys_need_tables then
    each_forward_key(both, side, names, function(name, constraint)
      add(rules.foreign_key.drop(literal(name), constraint))
    end)
  end
  for i = #names, 1, -1 do add(string.format("m:drop_table(%s)", literal(names[i]))) end
end

-- whole_tables.sorted(both, side, names): the names in an order in which as few as possible refer to later ones.
function whole_tables.sorted(both, side, names)
  local list, done, known = {}, {}, {}
  for _, name in ipairs(names) do known[both.fold(name)] = name end
  local function visit(name)
    if done[name] then return end
    done[name] = true
    for _, constraint in ipairs(side.facts(name).constraints) do
      local other = constraint.kind == "foreign_key" and known[both.fold(constraint.referred_table)]
      if other then visit(other) end
    end
    list[#list + 1] = name
  end
  for _, name in ipairs(names) do visit(name) end
  return list
end

return whole_tables
