-- check_postgresql.lua: what is wrong with a PostgreSQL database, as far as SQL tells it: rows without their parents
-- (constraints may have been switched off), constraints and indexes that do not hold, sequences that are behind.
--
-- Invariant: the database is only read. The server's own files are for pg_amcheck.

local _, require = ...
local check_rows = require "moonrow.command.check_rows"

local OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'"

local function all(connection, sql, parameters) return connection:execute(sql, parameters):all() end

-- ---------------------------------------------------------------- foreign keys

-- A row for each pair of columns of each foreign key.
local KEYS = [[SELECT c.oid::bigint, c.conrelid::regclass::text, c.confrelid::regclass::text, r.relname, p.relname,
  a.attname, b.attname, c.conrelid::bigint
  FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_class p ON p.oid = c.confrelid
  JOIN pg_namespace n ON n.oid = r.relnamespace
  CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY k(child, parent, place)
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.child
  JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.parent
  WHERE c.contype = 'f' AND c.conparentid = 0 AND ]] .. OURS .. " ORDER BY 2, c.conname, k.place"

local KEY_COLUMNS = [[SELECT a.attname FROM pg_constraint c
  CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY k(n, place)
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n
  WHERE c.contype = 'p' AND c.conrelid = :t ORDER BY k.place]]

local function quoted(names, prefix)
  local list = {}
  for i, name in ipairs(names) do list[i] = prefix .. check_rows.quote(name) end
  return list
end

-- The list of foreign keys. from and to: the tables as they stand in SQL.
local function keys_of(connection)
  local list, by_id = {}, {}
  for _, row in ipairs(all(connection, KEYS)) do
    local key = by_id[row[1]]
    if not key then
      key = { from = row[2], to = row[3], child = row[4], parent = row[5], columns = {}, referred = {},
        key_columns = {} }
      for i, found in ipairs(all(connection, KEY_COLUMNS, { t = row[8] })) do key.key_columns[i] = found[1] end
      by_id[row[1]] = key
      list[#list + 1] = key
    end
    table.insert(key.columns, row[6])
    table.insert(key.referred, row[7])
  end
  return list
end

local function check_key(connection, add, titles, key)
  local child, parent, tests = quoted(key.columns, "c."), quoted(key.referred, "p."), {}
  for i, column in ipairs(child) do tests[i] = ("%s = %s"):format(parent[i], column) end
  local behind = ("FROM %s c WHERE %s AND NOT EXISTS (SELECT 1 FROM %s p WHERE %s)"):format(key.from,
    table.concat(child, " IS NOT NULL AND ") .. " IS NOT NULL", key.to, table.concat(tests, " AND "))
  local count = all(connection, "SELECT count(*) " .. behind)[1][1]
  if count == 0 then return end
  local names = #key.key_columns > 0 and quoted(key.key_columns, "c.") or { "c.ctid::text" }
  local rows = all(connection, ("SELECT %s, %s %s LIMIT %d"):format(table.concat(names, ", "),
    table.concat(child, ", "), behind, check_rows.most))
  check_rows.add(add, titles, key, rows, count)
end

-- ---------------------------------------------------------------- constraints, indexes, sequences

local NOT_VALID = [[SELECT c.conrelid::regclass::text, quote_ident(c.conname) FROM pg_constraint c
  JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
  WHERE NOT c.convalidated AND ]] .. OURS .. " ORDER BY 1, 2"

local INVALID = [[SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text FROM pg_index i
  JOIN pg_class r ON r.oid = i.indrelid JOIN pg_namespace n ON n.oid = r.relnamespace
  WHERE NOT (i.indisvalid AND i.indisready) AND ]] .. OURS .. " ORDER BY 1, 2"

-- The sequences that columns take their numbers of, growing ones.
local SEQUENCES = [[SELECT d.objid::regclass::text, r.oid::regclass::text, a.attname, s.seqincrement
  FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid JOIN pg_class r ON r.oid = d.refobjid
  JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.refobjsubid
  JOIN pg_namespace n ON n.oid = r.relnamespace
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  AND s.seqincrement > 0 AND NOT s.seqcycle AND ]] .. OURS .. " ORDER BY 2, 3"

local function check_sequence(connection, add, sequence, name, column, increment)
  local state = all(connection, "SELECT last_value, is_called FROM " .. sequence)[1]
  local following = state[2] and state[1] + increment or state[1]
  local most = all(connection, ("SELECT max(%s)::bigint FROM %s"):format(check_rows.quote(column), name))[1][1]
  if most and most >= following then
    add("sequence", ("%s: the sequence %s gives %d next, and %s is at %d already: SELECT setval('%s', %d)"):format(
      name, sequence, following, column, most, sequence:gsub("'", "''"), most))
  end
end

local check = {}

-- check.is_damage(e): no error of a server tells of files.
function check.is_damage() return false end

-- check.run(connection, add, titles): tells add(kind, message, count) of each fault. Returns what was looked at.
function check.run(connection, add, titles)
  local keys = keys_of(connection)
  for _, key in ipairs(keys) do check_key(connection, add, titles, key) end
  for _, row in ipairs(all(connection, NOT_VALID)) do
    add("constraint", ("%s: the constraint %s is NOT VALID: ALTER TABLE %s VALIDATE CONSTRAINT %s"):format(row[1],
      row[2], row[1], row[2]))
  end
  for _, row in ipairs(all(connection, INVALID)) do
    add("index", ("%s: the index %s is not valid: REINDEX INDEX %s"):format(row[1], row[2], row[2]))
  end
  for _, row in ipairs(all(connection, SEQUENCES)) do
    check_sequence(connection, add, row[1], row[2], row[3], row[4])
  end
  return ("%d foreign keys; the files of the server are for pg_amcheck"):format(#keys)
end

return check
