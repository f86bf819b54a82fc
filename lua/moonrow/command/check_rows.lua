-- check_rows.lua: rows whose foreign keys lead nowhere, as lines that name them.
--
-- Invariant: of a foreign key no more than so many rows are named, whatever their number; the others are counted.

local core, require = ...
local class_listeners = require "moonrow.class_listeners"

local check_rows = {}

check_rows.most = 20

-- check_rows.quote(name): the name as it stands in SQL.
function check_rows.quote(name) return '"' .. name:gsub('"', '""') .. '"' end

-- check_rows.titles(): fn(table's name), the name of the class that has the table, or nil.
function check_rows.titles()
  local names = {}
  for _, class in ipairs(class_listeners.classes()) do
    local name = class.__table and class.__table.name
    if name then names[name] = names[name] or core.describe_class(class).name end
  end
  return function(name) return names[name] end
end

local function shown(value)
  if type(value) == "string" then return ("%q"):format(value):gsub("\\\n", "\\n") end
  return value == nil and "NULL" or tostring(value)
end

local function tuple(list)
  return #list == 1 and list[1] or "(" .. table.concat(list, ", ") .. ")"
end

local function values(row, first, n)
  local texts = {}
  for i = 1, n do texts[i] = shown(row[first + i - 1]) end
  return tuple(texts)
end

-- check_rows.add(add, titles, key, rows, count): tells of rows without their parents. key: child, columns, parent,
-- and key_columns, those that name a row of the child (none: its row id does); rows: the values of key_columns, or the
-- row id, then those of columns; count: how many such rows there are.
function check_rows.add(add, titles, key, rows, count)
  local child, parent = titles(key.child) or key.child, titles(key.parent)
  local leads = ("%s refers to no %s"):format("%s", parent or "row of " .. key.parent)
  local width = math.max(#key.key_columns, 1)
  for _, row in ipairs(rows) do
    local name = values(row, 1, width)
    local what = ("%s = %s"):format(tuple(key.columns), values(row, width + 1, #key.columns))
    add("foreign_key", ("%s %s: %s"):format(child, #key.key_columns > 0 and name or "of row id " .. name,
      leads:format(what)))
  end
  if count > #rows then
    add("foreign_key", ("%s: %d more whose %s"):format(child, count - #rows, leads:format(tuple(key.columns))),
      count - #rows)
  end
end

return check_rows
