-- backup.lua: engine:backup, restore, integrity_check and vacuum_into, which a db has, too.
--
-- Invariant: after a restore no object shows what the database had before: all that sessions of the engine have loaded
-- expires; live queries look again, and no step of before can be undone.

local core, require = ...
local options = require "moonrow.options"
local changes = require "moonrow.changes"
local history = require "moonrow.history"

local methods = core.engine_methods

local function check_path(what, path)
  if type(path) ~= "string" or path == "" then options.expect(what, "the path of a file", path) end
end

local function copy(engine, what, path, ...)
  local given = options.read(what, { "pages", "progress" }, 0, ...)
  check_path(what, path)
  local pages = given.pages
  if pages == nil then pages = 0 elseif math.type(pages) ~= "integer" or pages < 1 or pages > 0x7fffffff then
    options.expect(what .. ": pages", "a number of pages", pages)
  end
  if given.progress ~= nil then options.check_callable(what .. ": progress", given.progress) end
  core.copy_database(engine, path, what == "restore", pages, given.progress)
end

-- engine:backup(path, { pages =, progress = }): copies the database into the file, while others read and write.
function methods:backup(path, ...) copy(self, "backup", path, ...) end

-- engine:restore(path, { pages =, progress = }): the database becomes what is in the file.
function methods:restore(path, ...)
  copy(self, "restore", path, ...)
  for _, session in ipairs(core.sessions()) do
    if session.bind == self then session:expire_all() end
  end
  changes.restored(self)
  history.restored(self)
end

-- On a connection of its own, outside of a transaction.
local function ask(engine, sql)
  local connection <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
  return connection:execute(sql):all()
end

-- engine:integrity_check(): a list of what is wrong with the file, rows without their parents among it; empty: nothing.
function methods:integrity_check()
  local problems = {}
  for _, row in ipairs(ask(self, "PRAGMA integrity_check")) do
    if row[1] ~= "ok" then problems[#problems + 1] = row[1] end
  end
  for _, row in ipairs(ask(self, "PRAGMA foreign_key_check")) do
    problems[#problems + 1] = string.format("row %s of %s refers to no row of %s", tostring(row[2]), row[1], row[3])
  end
  return problems
end

-- engine:vacuum_into(path): a copy without unused pages, in a new file.
function methods:vacuum_into(path)
  check_path("vacuum_into", path)
  local connection <close> = self:connect{ isolation_level = "AUTOCOMMIT" }
  connection:execute("VACUUM INTO '" .. path:gsub("'", "''") .. "'")
end
