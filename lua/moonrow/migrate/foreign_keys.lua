-- foreign_keys.lua: which rows of a file refer to no row, before a step and behind it.
--
-- Invariant: a step is told of what it breaks, even where it mends as much elsewhere; and not of what was broken before
-- it, under another table's name, too.

local core, require = ...
local words = require "moonrow.migrate.words"

local foreign_keys = {}

local function add(self, kind, child, parent, count, why)
  local key = kind .. child:lower() .. "\0" .. (parent or ""):lower()
  local item = self.items[key]
  if not item then
    item = { kind = kind, child = child, parent = parent, count = 0, why = why }
    self.items[key] = item
  end
  item.count = item.count + count
end

-- foreign_keys.read(connection): { tables =, a set of lower names; items =, what is broken: by key { kind =, child =,
-- parent =, count =, why = }, of kind "rows", or "misfit": a foreign key for which SQLite cannot look up rows }.
function foreign_keys.read(connection)
  local self = { tables = {}, items = {} }
  for _, name in ipairs(connection:execute "SELECT name FROM sqlite_master WHERE type = 'table'":scalars():all()) do
    self.tables[name:lower()] = true
    local sql = core.plain_sql(string.format("PRAGMA foreign_key_check(%s)", words.quoted(name)))
    local ok, rows = pcall(function() return connection:execute(sql):all() end)
    if not ok then add(self, "misfit", name, nil, 1, rows.orig and rows.orig.message or tostring(rows)) end
    for _, row in ipairs(ok and rows or {}) do add(self, "rows", row[1], row[3], 1, tostring(row[2])) end
  end
  return self
end

-- Is the item about a table that is here and not there? It may have another name there.
local function is_named_anew(item, here, there)
  for _, name in ipairs{ item.child, item.parent } do
    if here.tables[name:lower()] and not there.tables[name:lower()] then return true end
  end
  return false
end

local function refuse(label, item)
  if item.kind == "misfit" then
    core.raise("OperationalError", string.format("%s leaves a foreign key of '%s' that does not fit what it refers to"
      .. " (%s); nothing of the step is kept", label, item.child, item.why))
  end
  core.raise("IntegrityError", string.format("%s leaves %d rows of %s to %s without the row that they refer to, such"
    .. " as row %s; nothing of it is kept", label, item.count, item.child, item.parent, item.why))
end

-- How many rows, and keys, are broken of tables that have another name there, by kind.
local function count_renamed(here, there)
  local counts = { rows = 0, misfit = 0 }
  for _, item in pairs(here.items) do
    if is_named_anew(item, here, there) then counts[item.kind] = counts[item.kind] + item.count end
  end
  return counts
end

-- The keys in an order that does not depend on chance; those of rows before those that do not fit.
local function sorted_keys(items)
  local keys = {}
  for key in pairs(items) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return a > b end)
  return keys
end

-- foreign_keys.check(connection, label, before): raises where the step of the label has broken some. Returns what
-- foreign_keys.read says now.
function foreign_keys.check(connection, label, before)
  local now = foreign_keys.read(connection)
  local come, gone = count_renamed(now, before), count_renamed(before, now)
  for _, key in ipairs(sorted_keys(now.items)) do
    local item, old = now.items[key], before.items[key]
    local is_worse = item.count > (old and old.count or 0)
    if is_worse and is_named_anew(item, now, before) then is_worse = come[item.kind] > gone[item.kind] end
    if is_worse then refuse(label, item) end
  end
  return now
end

return foreign_keys
