-- url.lua: the database that a command is given.
--
-- Invariant: no file is made by being looked at: SQLite's must be there.

local core = ...

local url = {}

-- url.of(given): the URL; a path without a scheme is a file of SQLite.
function url.of(given) return given:find "^[%w+]+://" and given or "sqlite:///" .. given end

-- url.check(text, io): raises where the URL names a file of SQLite that cannot be opened.
function url.check(text, io)
  local path = text:match "^sqlite:///([^?]+)"
  if not path or path:find "^:memory:" then return end
  path = path:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  local file, why = io.open(path, "rb")
  if not file then core.raise("ArgumentError", why) end
  file:close()
end

-- url.engine(given, host): the engine, and the URL as it may be shown: without a password.
function url.engine(given, host)
  local text = url.of(given)
  url.check(text, host.io)
  local engine = core.create_engine(text)
  return engine, text == given and engine.url or given
end

return url
