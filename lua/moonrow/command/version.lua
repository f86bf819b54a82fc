-- version.lua: the command `moonrow version`.
--
-- Invariant: a library that is looked for when it is needed, and is not there, is named as missing.

local _, require = ...
local json = require "moonrow.command.json"

local commands = {}

function commands.version(given, host)
  local list = host.libraries()
  if given.json then
    local all = {}
    for _, one in ipairs(list) do all[one[1]] = one[2] or json.null end
    json.write(host, all)
    return true
  end
  for _, one in ipairs(list) do host.io.stdout:write(("%-10s  %s\n"):format(one[1], one[2] or "not installed")) end
  return true
end

return commands
