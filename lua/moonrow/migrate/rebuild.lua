-- rebuild.lua: a table of SQLite's made anew by another definition, with all that belongs to it: rows and their
-- numbers, indexes, triggers, the number that AUTOINCREMENT has come to.
--
-- Invariant: it runs in an open transaction with foreign_keys off, and what fails leaves the rest to its rollback.
-- The new table has its own name from the start, and the old one moves out of its way: so that nothing that refers to
-- the name (foreign keys of other tables, views, triggers of others) is rewritten, and nothing is deleted.

local core, require = ...
local definition = require "moonrow.migrate.definition"
local words = require "moonrow.migrate.words"

local rebuild = {}

local CHUNK = 50000 -- rows between two words of progress

local quoted = words.quoted

local function run(connection, sql) return connection:execute(core.plain_sql(sql)) end
rebuild.run = run

-- rebuild.stored(connection, name): what the file says of the table: its SQL and spelling; nil: there is none.
function rebuild.stored(connection, name)
  local sql = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name = :name COLLATE NOCASE"
  local row = connection:execute(sql, { name = name }):first()
  if row then return row.sql, row.name end
end

-- rebuild.parts(connection, name): the indexes and triggers of the table that have a definition, in the order of their
-- making.
function rebuild.parts(connection, name)
  return connection:execute("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = :name COLLATE NOCASE"
    .. " AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid", { name = name }):all()
end

-- rebuild.free_name(connection, name): a name like it that nothing in the file has.
function rebuild.free_name(connection, name)
  local free, n = "moonrow_old_" .. name, 1
  while connection:scalar("SELECT count(*) FROM sqlite_master WHERE name = :name COLLATE NOCASE",
    { name = free }) > 0 do
    n = n + 1
    free = string.format("moonrow_old_%d_%s", n, name)
  end
  return free
end

-- Renames the table alone: what refers to its name goes on doing so. false: SQLite cannot, because the table's own
-- definition says its name (CHECK (hero.level > 0)).
local function rename_alone(connection, name, free)
  run(connection, "PRAGMA legacy_alter_table = ON")
  local ok, err = pcall(run, connection, string.format("ALTER TABLE %s RENAME TO %s", quoted(name), quoted(free)))
  run(connection, "PRAGMA legacy_alter_table = OFF")
  if ok then return true end
  local code = type(err) == "table" and err.orig and err.orig.code
  if code ~= 1 then error(err, 0) end
  return false
end

local ROW = "moonrow_row"

-- Moves the rows of the table to another name. Returns the name by which the number of an old row is read there, or
-- nil.
local function move_away(connection, old, free)
  local rowid = definition.rowid(old)
  if rename_alone(connection, old.name, free) then return rowid end
  local number = rowid and string.format("%s AS %s, ", rowid, ROW) or ""
  run(connection, string.format("CREATE TABLE %s AS SELECT %s* FROM %s", quoted(free), number, quoted(old.name)))
  run(connection, "DROP TABLE " .. quoted(old.name))
  return rowid and ROW
end

-- ---------------------------------------------------------------- rows

-- The two lists of INSERT INTO (columns) SELECT (sources). old_rowid: how the number of an old row is read, or nil.
local function lists(new, sources, old_rowid)
  local into, from = {}, {}
  local new_rowid = definition.rowid(new)
  if old_rowid and new_rowid and not definition.numbers_rows(new) then
    into[1], from[1] = new_rowid, old_rowid
  end
  for _, column in ipairs(new.columns) do
    local source = sources[column.name]
    if source then
      into[#into + 1], from[#from + 1] = quoted(column.name), source
    end
  end
  return table.concat(into, ", "), table.concat(from, ", ")
end

-- The words in front of the INSERT, and behind the old table's name, by which the SQL of a source reads the old rows
-- where it says the table's own name: (SELECT max(age) FROM hero). Else it would read the new table while that is
-- filled.
local function shadow(name, sources, free, rowid, old_rowid)
  local is_named = false
  for _, source in pairs(sources) do is_named = is_named or words.mentions(source, name) end
  if not is_named then return "", "" end
  local number = rowid and string.format("%s AS %s, ", rowid, old_rowid) or ""
  return string.format("WITH %s AS (SELECT %s* FROM %s) ", quoted(name), number, quoted(free)), " AS " .. quoted(name)
end

local function copy_at_once(connection, sql) return run(connection, sql).rowcount end

-- In chunks, so that progress can be told. By the old rows' number, which only grows.
local function copy_in_chunks(connection, sql, rowid, free, progress)
  local total = connection:scalar(core.plain_sql("SELECT count(*) FROM " .. quoted(free)))
  local last, done = nil, 0
  while done < total do
    local where = last and string.format(" WHERE %s > %d", rowid, last) or ""
    local here = string.format("(SELECT %s AS r FROM %s%s ORDER BY %s LIMIT %d)", rowid, quoted(free), where, rowid,
      CHUNK)
    local top = connection:scalar(core.plain_sql("SELECT max(r) FROM " .. here))
    local upto = string.format("%s%s %s <= %d ORDER BY %s", where, last and " AND" or " WHERE", rowid, top, rowid)
    done = done + run(connection, sql .. upto).rowcount
    last = top
    progress(done, total)
  end
  return done
end

-- ---------------------------------------------------------------- the number of AUTOINCREMENT

local function sequence(connection, name)
  if not rebuild.stored(connection, "sqlite_sequence") then return nil end
  return connection:scalar("SELECT seq FROM sqlite_sequence WHERE name = :name", { name = name })
end

local function set_sequence(connection, name, seq)
  if not seq or not rebuild.stored(connection, "sqlite_sequence") then return end
  local done = connection:execute("UPDATE sqlite_sequence SET seq = max(seq, :seq) WHERE name = :name",
    { seq = seq, name = name })
  if done.rowcount == 0 then
    connection:execute("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)", { seq = seq, name = name })
  end
end

local function numbers_once(made)
  for _, column in ipairs(made.columns) do
    local clause = definition.clause(column, "primary_key")
    if clause and clause.text:upper():find "AUTOINCREMENT" then return true end
  end
  return false
end

-- ---------------------------------------------------------------- all of it

-- rebuild.run_all(connection, old, new, sources, progress): old, new: parts of definitions (definition.lua), new.name
-- being old.name. sources: by the new column's name the SQL over the old table that gives its value; a column without
-- one gets its default. progress(done, total): is told of the rows, or nil. Returns the number of rows.
function rebuild.run_all(connection, old, new, sources, progress)
  local name = old.name
  local parts, seq = rebuild.parts(connection, name), sequence(connection, name)
  local free = rebuild.free_name(connection, name)
  local rowid = move_away(connection, old, free)
  run(connection, definition.write(new))
  local into, from = lists(new, sources, rowid)
  local rows = 0
  local order = definition.rowid(old) -- what counts the rows where they are now
  if into ~= "" then
    -- OR ABORT: a constraint's own ON CONFLICT IGNORE or REPLACE would lose rows without a word.
    local with, as = shadow(name, sources, free, rowid, order)
    local sql = string.format("%sINSERT OR ABORT INTO %s (%s) SELECT %s FROM %s%s", with, quoted(name), into, from,
      quoted(free), as)
    if progress and order then rows = copy_in_chunks(connection, sql, order, free, progress)
    else rows = copy_at_once(connection, sql) end
  end
  run(connection, "DROP TABLE " .. quoted(free))
  if numbers_once(new) then set_sequence(connection, name, seq) end
  for _, part in ipairs(parts) do run(connection, part.sql) end
  return rows
end

return rebuild
