-- check_sqlite.lua: what is wrong with a file of SQLite.
--
-- Invariant: the file is only read. A damaged part is a fault that is told, and the other parts are looked at, too.

local _, require = ...
local check_rows = require "moonrow.command.check_rows"

local CORRUPT, NO_DATABASE = 11, 26
local MOST_LINES = 100

-- Is the error one of the file's, and not of the program or the machine?
local function is_damage(e)
  local code = type(e) == "table" and e.orig and e.orig.code
  return math.type(code) == "integer" and (code & 0xff == CORRUPT or code & 0xff == NO_DATABASE)
end

local function integrity(connection, add)
  for _, row in ipairs(connection:execute(("PRAGMA integrity_check(%d)"):format(MOST_LINES)):all()) do
    if row[1] ~= "ok" then add("integrity", row[1]) end
  end
end

-- ---------------------------------------------------------------- foreign keys

local function all(connection, sql, parameters) return connection:execute(sql, parameters):all() end

-- The names of the columns of the primary key, in their order.
local function key_columns(connection, name)
  local found = {}
  for i, row in ipairs(all(connection, "SELECT name FROM pragma_table_xinfo(:t) WHERE pk > 0 ORDER BY pk",
    { t = name })) do found[i] = row[1] end
  return found
end

-- The foreign keys of the table by the numbers that SQLite gives them.
local function keys_of(connection, name)
  local keys, own = {}, key_columns(connection, name)
  for _, row in ipairs(all(connection, [[SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(:t)
    ORDER BY id, seq]], { t = name })) do
    local key = keys[row[1]] or { child = name, parent = row[2], columns = {}, referred = {}, key_columns = own }
    keys[row[1]] = key
    key.columns[#key.columns + 1] = row[3]
    key.referred[#key.columns] = row[4]
  end
  for _, key in pairs(keys) do
    if #key.referred == 0 then key.referred = key_columns(connection, key.parent) end
  end
  return keys
end

local function quoted(names, prefix)
  local list = {}
  for i, name in ipairs(names) do list[i] = (prefix or "") .. check_rows.quote(name) end
  return list
end

-- A name of the row id that is no column's.
local function rowid_of(connection, name)
  local columns = {}
  for _, row in ipairs(all(connection, "SELECT lower(name) FROM pragma_table_xinfo(:t)", { t = name })) do
    columns[row[1]] = true
  end
  for _, word in ipairs{ "rowid", "_rowid_", "oid" } do
    if not columns[word] then return word end
  end
end

-- The rows of the foreign key by their row ids.
local function rows_at(connection, key, ids)
  local rows, rowid = {}, rowid_of(connection, key.child)
  local wanted = quoted(#key.key_columns > 0 and key.key_columns or { rowid })
  local sql = ("SELECT %s, %s FROM %s WHERE %s = :id"):format(table.concat(wanted, ", "),
    table.concat(quoted(key.columns), ", "), check_rows.quote(key.child), rowid)
  for i, id in ipairs(ids) do rows[i] = all(connection, sql, { id = id })[1] end
  return rows
end

-- The first rows of the foreign key in a table WITHOUT ROWID.
local function rows_without_parent(connection, key)
  local child, tests = quoted(key.columns, "c."), {}
  local parent = quoted(key.referred, "p.")
  for i, column in ipairs(child) do tests[i] = ("%s = %s"):format(parent[i], column) end
  local sql = ("SELECT %s, %s FROM %s c WHERE %s AND NOT EXISTS (SELECT 1 FROM %s p WHERE %s) LIMIT %d"):format(
    table.concat(quoted(key.key_columns, "c."), ", "), table.concat(child, ", "), check_rows.quote(key.child),
    table.concat(child, " IS NOT NULL AND ") .. " IS NOT NULL", check_rows.quote(key.parent),
    table.concat(tests, " AND "), check_rows.most)
  local ok, rows = pcall(all, connection, sql)
  return ok and rows or {} -- without the parent's table, they are counted alone
end

local function check_table(connection, add, titles, name)
  local counts, ids = {}, {}
  for row in connection:execute("SELECT rowid, fkid FROM pragma_foreign_key_check(:t)", { t = name }):iter() do
    local id = row[2]
    counts[id], ids[id] = (counts[id] or 0) + 1, ids[id] or {}
    if row[1] and #ids[id] < check_rows.most then table.insert(ids[id], row[1]) end
  end
  if next(counts) == nil then return end
  local keys = keys_of(connection, name)
  local order = {}
  for id in pairs(counts) do order[#order + 1] = id end
  table.sort(order)
  for _, id in ipairs(order) do
    local rows = #ids[id] > 0 and rows_at(connection, keys[id], ids[id]) or rows_without_parent(connection, keys[id])
    check_rows.add(add, titles, keys[id], rows, counts[id])
  end
end

-- A foreign key to columns that are no key is SQLite's error, and a fault of the table.
local function check_keys(connection, add, titles, name)
  local ok, e = pcall(check_table, connection, add, titles, name)
  if ok then return end
  if not is_damage(e) and not (type(e) == "table" and e.message and e.message:find("mismatch", 1, true)) then
    error(e, 0)
  end
  add("foreign_key", ("%s: %s"):format(name, e.message))
end

local check = { is_damage = is_damage }

-- check.run(connection, add, titles): tells add(kind, message, count) of each fault. Returns what was looked at.
function check.run(connection, add, titles)
  integrity(connection, add)
  local tables = all(connection, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
  for _, row in ipairs(tables) do check_keys(connection, add, titles, row[1]) end
  return ("%d tables"):format(#tables)
end

return check
