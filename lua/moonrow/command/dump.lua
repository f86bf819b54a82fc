-- dump.lua: the command `moonrow dump`.
--
-- Invariant: what is written is one state of the database. A file that is named appears when all is in it, in the place
-- of the one that was there.

local core, require = ...
local misuse = require "moonrow.command.misuse"
local postgresql = require "moonrow.command.dump_postgresql"
local progress = require "moonrow.transfer.progress"
local reflect = require "moonrow.reflection.reflect"
local session = require "moonrow.session"
local sqlite = require "moonrow.command.dump_sqlite"
local url = require "moonrow.command.url"

local commands = {}

-- ---------------------------------------------------------------- where it goes

local function check(ok, why)
  if not ok then core.raise("OperationalError", "the dump cannot be written: " .. tostring(why)) end
end

-- Calls fn(file) with the file that the option names, or the standard output.
local function into(given, host, fn)
  local file, part = host.io.stdout, nil
  if given.output then
    part = given.output .. ".part"
    local opened, why = host.io.open(part, "wb")
    file = opened or core.raise("ArgumentError", why)
  end
  local ok, e = pcall(function()
    fn(file)
    check(file:flush())
  end)
  if not part then return ok or error(e, 0) end
  file:close()
  if ok then ok, e = pcall(function() check(host.os.rename(part, given.output)) end) end
  if not ok then
    host.os.remove(part)
    error(e, 0)
  end
end

-- ---------------------------------------------------------------- what is written

local EVERY = 1000 -- rows between two lines of progress

-- fn(), to be called for each row, and a value to be closed at the end.
local function counter(given)
  if not given.output then return function() end end
  local told, line = progress.counter("dump", true)
  local count = 0
  return function()
    count = count + 1
    if count % EVERY == 0 then told(count) end
  end, line
end

local function write_sql(given, host, engine)
  local wanted = table.move(given, 2, #given, 1, {})
  into(given, host, function(file)
    local told, line <close> = counter(given) -- luacheck: ignore 211
    local function put(...) check(file:write(...)) end
    local dump = engine.name == "postgresql" and postgresql or sqlite
    local connection <close> = engine:connect()
    dump(connection, wanted, put, told, host.say)
  end)
end

local function write_rows(given, host, engine)
  local table_ = reflect.table{ given[2], core.MetaData(), autoload_with = engine }
  local columns = {}
  for i, column in ipairs(core.table_columns(table_)) do columns[i] = table_.c[column.name] end
  local s <close> = session.new{ bind = engine }
  into(given, host, function(file)
    s:query(table.unpack(columns)):export{ file = file, format = given.csv and "csv" or "jsonl",
      progress = given.output and true or nil }
  end)
end

function commands.dump(given, host)
  local as_rows = given.csv or given.json
  if given.csv and given.json then misuse "--csv or --json" end
  if given.output and url.of(given.output) == url.of(given[1]) then misuse "-o names the database itself" end
  if as_rows and #given ~= 2 then misuse("%s writes the rows of one table", given.csv and "--csv" or "--json") end
  local write = as_rows and write_rows or write_sql
  write(given, host, (url.engine(given[1], host)))
  return true
end

return commands
