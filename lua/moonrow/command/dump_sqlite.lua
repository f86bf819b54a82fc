-- dump_sqlite.lua: a database of SQLite as the SQL that sqlite3 makes the same database of.
--
-- Invariant: each value is written as a literal of its own storage class, which is read as the same value; a row keeps
-- its row id. The tables in which virtual tables keep their rows are written as they are, and the virtual tables are
-- entered in the schema: so it is no matter what a module does with its rows.

local core, require = ...
local quote = require "moonrow.command.check_rows".quote
local inspector = require "moonrow.reflection.inspector"

local function all(connection, sql, parameters) return connection:execute(sql, parameters):all() end

local function literal_text(text) return "'" .. text:gsub("'", "''") .. "'" end

-- ---------------------------------------------------------------- rows

-- The expression that gives the literal of the column's value; a number, where SQLite knows none for it.
-- sqlite3 takes away the CR of a line, and quote() ends at a zero byte: such texts are written as bytes in the encoding
-- of the database, which the copy has, too.
local function literal(column)
  return ([[CASE typeof(@) WHEN 'real' THEN CASE WHEN CAST(quote(@) AS REAL) = @ THEN quote(@) ELSE @ END
    WHEN 'text' THEN CASE WHEN instr(@, char(13)) > 0 OR instr(@, char(0)) > 0
      THEN 'CAST(x''' || hex(CAST(@ AS BLOB)) || ''' AS TEXT)' ELSE quote(@) END
    ELSE quote(@) END]]):gsub("@", (quote(column):gsub("%%", "%%%%")))
end

-- The number as a product that has its bits exactly: those of the mantissa, and powers of two.
local function product(number)
  local sign, whole, digits, exponent = ("%a"):format(number):match "^(%-?)0x(%d)%.?(%x*)p([+-]%d+)$"
  local power = math.tointeger(exponent) - 4 * #digits
  local factor = power < 0 and "/" or "*"
  power = math.abs(power)
  return ("%s%d.0%s%s%d.0"):format(sign, tonumber(whole .. digits, 16), (factor .. "4294967296.0"):rep(power // 32),
    factor, 1 << power % 32)
end

-- The literal of a number that quote() has lost a bit of: SQLite's own conversions are not exact in all versions.
local function literal_number(connection, number)
  if number == math.huge then return "9e999" elseif number == -math.huge then return "-9e999" end
  local text = ("%.17g"):format(number)
  if not text:find "[.e]" then text = text .. ".0" end
  return connection:scalar("SELECT CAST(:text AS REAL)", { text = text }) == number and text or product(number)
end

-- A name of the row id that no column has, if the table has row ids that no column keeps.
local function rowid_of(connection, name, columns)
  local keys = all(connection, [[SELECT x.cid FROM pragma_index_list(:t) l, pragma_index_xinfo(l.name) x
    WHERE l.origin = 'pk']], { t = name })
  local has_rowid = #keys == 0
  for _, row in ipairs(keys) do has_rowid = has_rowid or row[1] == -1 end
  if not has_rowid then return nil end
  local taken, key = {}, nil
  for _, column in ipairs(columns) do
    taken[column.name:lower()] = true
    if #keys == 0 and column.key > 0 then key = column end
  end
  if key then return nil end -- INTEGER PRIMARY KEY
  for _, word in ipairs{ "rowid", "_rowid_", "oid" } do
    if not taken[word] then return word end
  end
end

-- Are the row ids those that the rows would get by themselves?
local function are_natural(connection, name, rowid)
  local row = all(connection, ("SELECT count(*), min(%s), max(%s) FROM %s"):format(rowid, rowid, quote(name)))[1]
  return row[1] == 0 or row[2] == 1 and row[3] == row[1]
end

local function columns_of(connection, name)
  local columns = {}
  for i, row in ipairs(all(connection, "SELECT name, pk, hidden FROM pragma_table_xinfo(:t)", { t = name })) do
    columns[i] = { name = row[1], key = row[2], computed = row[3] ~= 0 }
  end
  return columns
end

local function write_rows(connection, name, put, told)
  local columns, names, values, some = columns_of(connection, name), {}, {}, false
  local rowid = rowid_of(connection, name, columns)
  local order = rowid and " ORDER BY " .. rowid or ""
  if rowid and not are_natural(connection, name, rowid) then
    names[1], values[1], some = rowid, ("quote(%s)"):format(rowid), true
  end
  for _, column in ipairs(columns) do
    if column.computed then some = true else
      names[#names + 1] = quote(column.name)
      values[#values + 1] = literal(column.name)
    end
  end
  local begin = ("INSERT INTO %s%s VALUES("):format(quote(name), some and "(" .. table.concat(names, ",") .. ")" or "")
  local n, texts = #values, {}
  local result <close> = connection:execute(("SELECT %s FROM %s NOT INDEXED%s"):format(table.concat(values, ","),
    quote(name), order))
  for row in result:iter() do
    for i = 1, n do
      local text = row[i]
      texts[i] = type(text) == "string" and text or literal_number(connection, text)
    end
    put(begin, table.concat(texts, ",", 1, n), ");\n")
    told()
  end
end

-- ---------------------------------------------------------------- the schema

-- The objects that were asked for, as keys; nil: all. A virtual table brings those that keep its rows; a table its
-- indexes and triggers, which are found by it.
local function chosen(connection, wanted)
  if #wanted == 0 then return nil end
  local seen, set = inspector.new("dump", connection, false), {}
  local objects = inspector.objects(seen, "dump")
  for _, name in ipairs(wanted) do
    local kind = seen:kind(name)
    if not kind then
      local names = {}
      for _, object in ipairs(objects) do names[object.name] = true end
      core.raise("InvalidRequestError", ("the database has no table or view '%s'%s"):format(name,
        core.hint(name, names)))
    end
    set[name:lower()] = true
    for _, object in ipairs(kind == "virtual" and objects or {}) do
      local prefix = name:lower() .. "_"
      if object.kind == "shadow" and object.name:lower():sub(1, #prefix) == prefix then
        set[object.name:lower()] = true
      end
    end
  end
  return set
end

local function write_pragmas(connection, put)
  local encoding = all(connection, "PRAGMA encoding")[1][1]
  if encoding ~= "UTF-8" then put("PRAGMA encoding='", encoding, "';\n") end
  put "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n"
  for _, name in ipairs{ "application_id", "user_version" } do
    local value = all(connection, "PRAGMA " .. name)[1][1]
    if value ~= 0 then put(("PRAGMA %s=%d;\n"):format(name, value)) end
  end
end

local function write_virtual(tables, put)
  if #tables == 0 then return end
  put "PRAGMA writable_schema=ON;\n"
  for _, one in ipairs(tables) do
    put("INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql) VALUES('table',", literal_text(one.name), ",",
      literal_text(one.name), ",0,", literal_text(one.sql), ");\n")
  end
  put "PRAGMA writable_schema=OFF;\n"
end

local function write_sequence(connection, set, put)
  local there = all(connection, "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")
  for _, row in ipairs(#there > 0 and all(connection, "SELECT name, quote(seq) FROM sqlite_sequence") or {}) do
    if not set or set[row[1]:lower()] then
      local name = literal_text(row[1])
      put("DELETE FROM sqlite_sequence WHERE name=", name, ";\nINSERT INTO sqlite_sequence VALUES(", name, ",", row[2],
        ");\n")
    end
  end
end

local function write_statistics(connection, put, told)
  if #all(connection, "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'") == 0 then return end
  put "ANALYZE sqlite_master;\nDELETE FROM sqlite_stat1;\n"
  write_rows(connection, "sqlite_stat1", put, told)
end

-- dump(connection, wanted, put, told): writes the tables and views that are wanted (none: all) by put(text, ...);
-- told() is called for each row.
return function(connection, wanted, put, told)
  core.begin_snapshot(connection)
  local set = chosen(connection, wanted)
  write_pragmas(connection, put)
  local virtual = {}
  for _, row in ipairs(all(connection, [[SELECT name, sql FROM sqlite_master WHERE type = 'table'
    AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid]])) do
    local name, sql = row[1], row[2]
    if set and not set[name:lower()] then goto continue end
    if sql:upper():find "^%s*CREATE%s+VIRTUAL%s" then virtual[#virtual + 1] = { name = name, sql = sql } else
      put(sql, ";\n")
      write_rows(connection, name, put, told)
    end
    ::continue::
  end
  write_virtual(virtual, put)
  write_sequence(connection, set, put)
  if not set then write_statistics(connection, put, told) end
  for _, row in ipairs(all(connection, [[SELECT tbl_name, sql FROM sqlite_master WHERE type <> 'table'
    AND sql IS NOT NULL ORDER BY type = 'trigger', type = 'view', rowid]])) do
    if not set or set[row[1]:lower()] then put(row[2], ";\n") end
  end
  put "COMMIT;\n"
  if #virtual > 0 then put "PRAGMA writable_schema=RESET;\n" end
  connection:rollback()
end
