-- check.lua: the command `moonrow check`: what is wrong with a database, and where it differs from the classes.
--
-- Invariant: the answer has each fault that was found, or says how many more there are; what stops the looking is an
-- error, and no answer.

local _, require = ...
local check_rows = require "moonrow.command.check_rows"
local compare = require "moonrow.models.compare"
local json = require "moonrow.command.json"
local sqlite = require "moonrow.command.check_sqlite"
local postgresql = require "moonrow.command.check_postgresql"
local url = require "moonrow.command.url"

local commands = {}

-- What the database says of itself, then how it differs from the classes, if there are any. Returns what was looked at.
local function look(engine, add, with_models)
  local of_dialect, looked = engine.name == "postgresql" and postgresql or sqlite, nil
  local ok, e = pcall(function()
    local connection <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
    looked = of_dialect.run(connection, add, check_rows.titles())
    for _, line in ipairs(with_models and compare(engine, nil, true) or {}) do add("schema", line) end
  end)
  if not ok and not of_dialect.is_damage(e) then error(e, 0) end
  if not ok then add("integrity", e.message) end
  return looked
end

function commands.check(given, host)
  local engine, shown = url.engine(given[1], host)
  if given.models and not host.run("moonrow check", given.models, url.of(given[1])) then return false end
  local faults, count = {}, 0
  local function add(kind, message, more)
    faults[#faults + 1] = { kind = kind, message = message }
    count = count + (more or 1)
    if not given.json then host.io.stdout:write(message, "\n") end
  end
  local looked = look(engine, add, given.models)
  if given.json then json.write(host, { ok = count == 0, count = count, faults = json.list(faults) })
  elseif count > 0 then host.say("%d fault%s in %s", count, count == 1 and "" or "s", shown)
  else host.say("%s is fine (%s)%s", shown, looked, given.models and " and agrees with " .. given.models or "") end
  return count == 0
end

return commands
