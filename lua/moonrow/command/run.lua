-- run.lua: runs a command of the host's.
--
-- Invariant: what was asked goes to the standard output, all else to the standard error. The status is 0 where all went
-- well, 1 where the answer is no or something failed, 2 where the command was called wrongly: nothing was done then.

local core, require = ...
local arguments = require "moonrow.command.arguments"
local catalogue = require "moonrow.command.catalogue"
local help = require "moonrow.command.help"

local FINE, FAILED, WRONG = 0, 1, 2

-- What is told of an error: what is wrong; of a mistake of our own, where it arose, too.
local function describe(host)
  return function(e)
    if type(e) == "string" and e:find "^%[moonrow%." then return host.debug.traceback(e, 2) end
    return e
  end
end

local function is_misuse(e)
  local meta = type(e) == "table" and getmetatable(e)
  return type(meta) == "table" and meta.__name == "Misuse"
end

-- The message; it need not name the method of the command's own name, too.
local function text_of(e, name)
  local text = type(e) == "table" and e.message or tostring(e)
  local prefix = name .. ": "
  return text:sub(1, #prefix) == prefix and text:sub(#prefix + 1) or text
end

-- run(name, words, host): runs the command, and returns its status; for the shell, which the host runs, also its URL
-- and its models, or false. host: io, os and debug, Lua's libraries; loadfile; complain(text); list(folder) and
-- make_folder(path); run(command, script, url), which runs the file and returns whether that went well; libraries(),
-- names and versions.
return function(name, words, host)
  local command = catalogue.by_name[name]
  local title = "moonrow " .. name
  if not command then
    host.complain(("moonrow: %s\nmoonrow --help lists the commands\n"):format(help.unknown(name, host)))
    return WRONG
  end
  local url, models
  local ok, result = xpcall(function()
    local given = arguments.read(command, words)
    if given.help then
      host.io.stdout:write(help.of_command(command))
      return true
    end
    if not command.module then
      url, models = given[1] or false, given.models or false
      return true
    end
    local functions = require(command.module)
    function host.say(format, ...) host.complain(("%s: %s\n"):format(title, format:format(...))) end
    local fine = functions[name](given, host)
    local written, why = host.io.stdout:flush()
    if not written then core.raise("OperationalError", "the answer cannot be written: " .. tostring(why)) end
    return fine
  end, describe(host))
  if ok then return result and FINE or FAILED, url, models end
  local wrong = is_misuse(result)
  host.complain(("%s%s: %s\n"):format(wrong and help.usage(command) .. "\n" or "", title, text_of(result, name)))
  return wrong and WRONG or FAILED
end
