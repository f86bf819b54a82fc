-- dump_postgresql.lua: a PostgreSQL database as the SQL that psql makes the same database of.
--
-- Invariant: all is read in one snapshot, with an empty search path, so that the catalog qualifies each name. Values
-- are what the server writes as text for their types. What is not written is told.

local core, require = ...
local schema = require "moonrow.command.dump_postgresql_schema"

local BEGIN = [[
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = off;
SET client_min_messages = warning;
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
SELECT pg_catalog.set_config('search_path', '', false);
BEGIN;
]]

local READING = { search_path = "", DateStyle = "ISO", IntervalStyle = "postgres", bytea_output = "hex",
  extra_float_digits = "1", quote_all_identifiers = "off" }

-- ---------------------------------------------------------------- which tables

local FIND = [[SELECT c.oid::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm') AND (c.relname = :name AND pg_table_is_visible(c.oid)
  OR n.nspname || '.' || c.relname = :name)]]

local NAMES = [[SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm') AND pg_table_is_visible(c.oid)
  AND c.relnamespace <> 'pg_catalog'::regnamespace]]

-- The oids of what is named, as keys; nil: all.
local function chosen(all, names)
  if #names == 0 then return nil end
  local set = {}
  for _, name in ipairs(names) do
    local found = all(FIND, { name = name })
    if #found == 0 then
      local known = {}
      for _, row in ipairs(all(NAMES)) do known[row[1]] = true end
      core.raise("InvalidRequestError", ("the database has no table or view '%s'%s"):format(name,
        core.hint(name, known)))
    end
    for _, row in ipairs(found) do set[row[1]] = true end
  end
  return set
end

-- ---------------------------------------------------------------- rows

local COLUMNS = [[SELECT quote_ident(attname), attidentity = 'a' FROM pg_attribute
  WHERE attrelid = :t AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum]]

local function write_rows(dump, connection, one, told)
  local names, values, system = {}, {}, ""
  for i, row in ipairs(dump.all(COLUMNS, { t = one.oid })) do
    names[i], values[i] = row[1], ("quote_nullable(%s::text)"):format(row[1])
    if row[2] then system = " OVERRIDING SYSTEM VALUE" end
  end
  local n, texts = #names, {}
  local begin = ("INSERT INTO %s (%s)%s VALUES ("):format(one.name, table.concat(names, ", "), system)
  if n == 0 then begin, values[1] = ("INSERT INTO %s DEFAULT VALUES"):format(one.name), "1" end
  local result <close> = connection:execute(("SELECT %s FROM ONLY %s"):format(table.concat(values, ", "), one.name))
  for row in result:iter() do
    for i = 1, n do texts[i] = row[i] end
    dump.put(begin, table.concat(texts, ", ", 1, n), n == 0 and ";\n" or ");\n")
    told()
  end
end

-- ---------------------------------------------------------------- sequences

local SEQUENCES = [[SELECT c.oid::regclass::text, d.refobjid::bigint, d.deptype = 'i', d.refobjid::regclass::text,
  a.attname, quote_literal(c.oid::regclass::text), quote_literal(d.refobjid::regclass::text), quote_literal(a.attname)
  FROM pg_class c LEFT JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass
  AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE c.relkind = 'S' AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.objid = c.oid AND e.deptype = 'e')
  ORDER BY c.oid]]

-- The sequence of an identity column may have another name in the copy.
local function write_positions(dump)
  for _, row in ipairs(dump.all(SEQUENCES)) do
    if not dump.wanted or dump.wanted[row[2]] then
      local state = dump.all("SELECT last_value, is_called FROM " .. row[1])[1]
      local sequence = row[3] and ("pg_catalog.pg_get_serial_sequence(%s, %s)"):format(row[7], row[8]) or row[6]
      dump.put(("SELECT pg_catalog.setval(%s, %d, %s);\n"):format(sequence, state[1], tostring(state[2])))
    end
  end
end

-- ---------------------------------------------------------------- all of it

-- dump(connection, wanted, put, told, say): writes the tables and views that are wanted (none: the database) by put;
-- told() is called for each row, say(format, ...) for what is left out.
return function(connection, wanted, put, told, say)
  core.begin_snapshot(connection)
  local dump = { put = put }
  function dump.all(sql, parameters) return connection:execute(sql, parameters):all() end
  dump.wanted = chosen(dump.all, wanted)
  for name, value in pairs(READING) do
    dump.all("SELECT set_config(:name, :value, true)", { name = name, value = value })
  end
  put(BEGIN)
  if not dump.wanted then
    schema.namespaces(dump)
    schema.types(dump)
    schema.functions(dump, false)
  end
  schema.sequences(dump)
  local tables = schema.tables(dump)
  for _, one in ipairs(tables) do
    if one.kind == "r" then write_rows(dump, connection, one, told) end
  end
  write_positions(dump)
  schema.constraints(dump, tables, false)
  local views = schema.views(dump)
  if not dump.wanted then schema.functions(dump, true) end
  schema.behind(dump, table.move(views, 1, #views, #tables + 1, table.move(tables, 1, #tables, 1, {})))
  schema.constraints(dump, tables, true)
  put "COMMIT;\n"
  local left_out = dump.wanted and {} or schema.left_out(dump)
  connection:rollback()
  if #left_out > 0 then say("roles and rights are not written, nor are %s", table.concat(left_out, ", ")) end
end
