-- command.lua: the commands `moonrow models` and `moonrow diagram`.
--
-- Invariant: the result alone goes to the standard output, all else to the standard error.

local _, require = ...
local compare = require "moonrow.models.compare"
local diagram = require "moonrow.models.diagram"
local json = require "moonrow.command.json"
local misuse = require "moonrow.command.misuse"
local source = require "moonrow.models.source"
local url = require "moonrow.command.url"

local commands = {}

-- ---------------------------------------------------------------- models

local function check_models(given, script, host)
  local engine, shown = url.engine(given[1], host)
  if not host.run("moonrow models", script, url.of(given[1])) then return false end
  local lines, compared = compare(engine)
  if given.json then
    json.write(host, { ok = #lines == 0, tables = compared, differences = json.list(lines) })
    return #lines == 0
  end
  for _, line in ipairs(lines) do host.io.stdout:write(script, ": ", line, "\n") end
  if #lines == 0 then host.say("%s and %s agree: %d tables", script, shown, compared) end
  return #lines == 0
end

function commands.models(given, host)
  if given.check then
    local script = given[2] or given.models or misuse "the file of classes is missing: --check URL models.lua"
    if given[2] and given.models then misuse("'%s' is one word too many", given[2]) end
    return check_models(given, script, host)
  end
  if given[2] or given.models then misuse "a file of classes goes with --check" end
  if given.json then misuse "--json goes with --check" end
  local text, left_out = source(url.engine(given[1], host))
  for _, line in ipairs(left_out) do host.say("%s", line) end
  host.io.stdout:write(text)
  return true
end

-- ---------------------------------------------------------------- diagram

-- What dot makes of the text; nil: it is not installed.
local function drawn(text, host)
  local path = host.os.tmpname()
  local file = host.io.open(path, "w")
  if not file then return end
  file:write(text)
  file:close()
  local pipe = host.io.popen("dot -Tsvg '" .. path .. "' 2>/dev/null")
  local svg = pipe and pipe:read "a"
  local ok = pipe and pipe:close()
  host.os.remove(path)
  return ok and svg ~= "" and svg or nil
end

function commands.diagram(given, host)
  if given.dot and given.mermaid then misuse "--dot or --mermaid" end
  local tables = diagram.read((url.engine(given[1], host)))
  local text = given.mermaid and diagram.mermaid(tables) or diagram.dot(tables)
  if not (given.dot or given.mermaid) then
    text = drawn(text, host)
    if not text then
      host.say "without graphviz's dot this is Mermaid text"
      text = diagram.mermaid(tables)
    end
  end
  host.io.stdout:write(text)
  return true
end

-- By name: command(given, host) runs it; true when all went well. given: what arguments.read gives; host: see
-- command/run.lua, and say(format, ...), which prints a line to the standard error.
return commands
