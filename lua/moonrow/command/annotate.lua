-- annotate.lua: the command `moonrow annotate`.
--
-- Invariant: nothing is written where there is nothing to say.

local _, require = ...
local annotate = require "moonrow.annotate"

local commands = {}

function commands.annotate(given, host)
  local script = given[1]
  if not host.run("moonrow annotate", script) then return false end
  local text = annotate(script, host.debug, function(line) host.say("%s", line) end)
  if not text then
    host.say("%s declares no class with a table", script)
    return false
  end
  host.io.stdout:write(text)
  return true
end

return commands
