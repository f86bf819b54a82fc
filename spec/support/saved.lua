-- saved.lua: a database file of a spec's own, plain sqlite3's view of it, and its removal.

local mr = require "moonrow"
local process = require "spec.support.process"

local saved = {}

--- A path that no file has.
function saved.path()
  local path = os.tmpname()
  os.remove(path)
  return path
end

--- Runs SQL on the file by a connection without foreign keys, as another program would.
function saved.make(path, ...)
  local engine = mr.create_engine("sqlite:///" .. path)
  local connection = engine:connect{ isolation_level = "AUTOCOMMIT" }
  connection:execute "PRAGMA foreign_keys = OFF"
  for _, sql in ipairs{ ... } do connection:execute(sql) end
  connection:close()
  engine:dispose()
end

--- What plain sqlite3 prints for the SQL.
function saved.sqlite3(path, sql)
  local file = os.tmpname()
  local out <close> = assert(io.open(file, "w"))
  out:write(sql, ";\n")
  out:close()
  local text = process.run(("sqlite3 '%s' < %s"):format(path, file))
  os.remove(file)
  return (text:gsub("\n$", ""))
end

--- Asserts that plain sqlite3 finds nothing wrong with the file.
function saved.check(path)
  local said = saved.sqlite3(path, "PRAGMA integrity_check; PRAGMA foreign_key_check")
  assert(said == "ok", said)
end

--- Removes the file, and what lies beside it.
function saved.remove(path)
  process.remove(path)
  os.execute(("rm -f '%s'.before-*"):format(path))
end

function saved.exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

return saved
