-- command.lua: the commands `moonrow models` and `moonrow diagram`.
--
-- Invariant: the result alone goes to the standard output, all else to the standard error.

local core, require = ...
local compare = require "moonrow.models.compare"
local diagram = require "moonrow.models.diagram"
local source = require "moonrow.models.source"

local USAGE = {
  models = "usage: moonrow models URL > models.lua\n       moonrow models --check URL models.lua\n",
  diagram = "usage: moonrow diagram [--dot | --mermaid] URL > er.svg\n",
}

-- The engine, and the URL as it may be shown: without a password. A path without a scheme is a file of SQLite; it must
-- be there, because a new one would be made.
local function engine_of(given, host)
  local url = given:find "^[%w+]+://" and given or "sqlite:///" .. given
  local path = url:match "^sqlite:///([^?]+)"
  if path then
    local file, why = host.io.open(path, "rb")
    if not file then core.raise("ArgumentError", why) end
    file:close()
  end
  local engine = core.create_engine(url)
  return engine, url == given and engine.url or given
end

-- ---------------------------------------------------------------- models

local function write_models(url, host)
  local text, left_out = source(engine_of(url, host))
  for _, line in ipairs(left_out) do host.complain("moonrow models: " .. line .. "\n") end
  host.io.stdout:write(text)
  return true
end

local function check_models(url, script, host)
  local engine, shown = engine_of(url, host)
  if not host.run(script) then return false end
  local lines, compared = compare(engine)
  for _, line in ipairs(lines) do host.io.stdout:write(script, ": ", line, "\n") end
  if #lines == 0 then
    host.complain(string.format("moonrow models: %s and %s agree: %d tables\n", script, shown, compared))
  end
  return #lines == 0
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

local function draw(url, format, host)
  local tables = diagram.read((engine_of(url, host)))
  local text = format == "--mermaid" and diagram.mermaid(tables) or diagram.dot(tables)
  if not format then
    text = drawn(text, host)
    if not text then
      host.complain "moonrow diagram: without graphviz's dot this is Mermaid text\n"
      text = diagram.mermaid(tables)
    end
  end
  host.io.stdout:write(text)
  return true
end

-- ---------------------------------------------------------------- arguments

-- command(name, arguments, host): runs it; true when all went well. host: io and os, Lua's libraries; complain(text);
-- run(script), which runs the file and returns whether that went well.
return function(name, arguments, host)
  local first, second, third = table.unpack(arguments)
  local n = #arguments
  if name == "models" and n == 1 and first:sub(1, 1) ~= "-" then return write_models(first, host) end
  if name == "models" and n == 3 and first == "--check" then return check_models(second, third, host) end
  if name == "diagram" and n == 1 and first:sub(1, 1) ~= "-" then return draw(first, nil, host) end
  if name == "diagram" and n == 2 and (first == "--dot" or first == "--mermaid") then
    return draw(second, first, host)
  end
  host.complain(USAGE[name])
  return false
end
