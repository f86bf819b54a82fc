-- box.lua: mr.sandbox{...}: scripts that nobody trusts, in the same Lua state, under limits. (db:sandbox(fn) is another
-- thing: a database for one test.)
--
-- Invariant: nothing crosses the border but nil, booleans, numbers, strings, copies of plain tables, and functions,
-- which are wrapped: the program's run without the limits, the script's run under them whoever calls them.

local core, require = ...
local options = require "moonrow.options"
local library = require "moonrow.sandbox.library"

local words = {
  memory = "limit of memory, %.0f bytes", instructions = "limit of %.0f instructions",
  timeout = "limit of time, %g seconds",
  yield = "end of what it may do: it yields to the program", interrupt = "end: the program was interrupted",
}
local plain = options.set{ "nil", "boolean", "number", "string" }

-- crossing(wrap, refuse): a function that copies values for the other side; wrap(f): what a function becomes there;
-- refuse(value) raises for one that stays.
local function crossing(wrap, refuse)
  local function convert(value, seen, work)
    local kind = type(value)
    if plain[kind] then return value end
    if kind == "function" then return wrap(value) end
    if kind ~= "table" or getmetatable(value) ~= nil then return refuse(value) end
    local copy = seen[value]
    if not copy then
      copy = {}
      seen[value] = copy
      work[#work + 1] = value
    end
    return copy
  end
  return function(...)
    local seen, work, list = {}, {}, table.pack(...)
    for i = 1, list.n do list[i] = convert(list[i], seen, work) end
    local at = 1
    while work[at] do
      local from = work[at]
      local copy = seen[from]
      for key, value in next, from do copy[convert(key, seen, work)] = convert(value, seen, work) end
      at = at + 1
    end
    return table.unpack(list, 1, list.n)
  end
end

local function positive(given, name, default)
  local value = options.typed("sandbox", given, name, "number")
  if value == nil then return default end
  if value <= 0 or value ~= value then options.expect("sandbox: " .. name, "a number above 0", value) end
  return value
end

local function text_of(e)
  if type(e) == "string" or type(e) == "number" or core.errors.Error:is(e) then return tostring(e) end
  return "an error that is a " .. type(e)
end

local box = {}
local methods = { __index = box, __name = "Sandbox", __metatable = "Sandbox" }
local parts = setmetatable({}, { __mode = "k" }) -- by sandbox: { run =, env =, import =, load = }

local function part_of(self, what)
  return parts[self] or options.expect(what, "a sandbox: box:" .. what .. "(...)", self)
end

-- box:run(text, ...): runs the script, whose ... are copies of the arguments; returns copies of its results.
function box:run(text, ...)
  local part = part_of(self, "run")
  if type(text) ~= "string" then options.expect("run", "the text of a script", text) end
  return part.run(part.start, text, part.import(...))
end

local function new(given)
  local limit = {
    memory = positive(given, "memory", 16e6), instructions = positive(given, "instructions", 1e7),
    timeout = positive(given, "timeout", 1),
  }
  local limits
  local function reached(e) return core.limits_reason(limits, e) end
  local function checked(e)
    if reached(e) then error("the sandbox has reached its limit", 0) end
  end
  local function charge(n) core.limits_charge(limits, n) end
  local env, strings = library.new(charge, reached, core.load_text)
  limits = core.limits_new(limit.memory, limit.instructions, limit.timeout, strings)

  -- Wrapped functions by the program's and the other way round: one that crosses twice is itself again.
  local inward, outward = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })
  local import, export

  local function finished(done, ok, ...)
    local reason = core.limits_reason(limits, not done and ok or not ok and (...) or nil)
    if reason then
      core.raise("InvalidRequestError", "sandbox: the script has reached its "
        .. words[reason]:format(limit[reason]))
    end
    if not done then core.raise("Error", "sandbox: the script failed: " .. text_of(ok)) end
    if not ok then core.raise("Error", "sandbox: the script failed: " .. text_of((...))) end
    return ...
  end

  -- Runs f(...), values of the script's side, under the limits; the results are copied while these hold.
  local function run(f, ...)
    return finished(core.limits_run(limits, function(...)
      return pcall(function(...) return export(f(...)) end, ...)
    end, ...))
  end

  local function answered(ok, ...)
    checked()
    if not ok then error(text_of((...)), 0) end
    return ...
  end

  import = crossing(function(f)
    if outward[f] then return outward[f] end
    local inner = inward[f]
    if not inner then
      inner = function(...) return answered(pcall(import, answered(core.limits_outside(limits, f, export(...))))) end
      inward[f], outward[inner] = inner, f
    end
    return inner
  end, function(value)
    local message = "sandbox: a %s cannot be given to a script: give it plain values and functions"
    core.raise("ArgumentError", message:format(core.type_name(value)))
  end)
  export = crossing(function(f)
    if outward[f] then return outward[f] end
    return function(...) return run(f, import(...)) end
  end, function(value)
    local kind = type(value) == "table" and "metatable" or type(value)
    error(string.format("a %s cannot leave the sandbox", kind), 0)
  end)

  local function start(text, ...)
    charge(#text)
    local f, mistake = core.load_text(text, "=script", env)
    if not f then error(mistake, 0) end
    return f(...)
  end
  for name, value in pairs(options.typed("sandbox", given, "globals", "table") or {}) do
    if type(name) ~= "string" then options.expect("sandbox: globals", "names", name) end
    env[name] = import(value)
  end
  return { run = run, start = start, import = import }
end

-- mr.sandbox{ memory =, instructions =, timeout =, globals = }
local function sandbox(...)
  local given = options.read("sandbox", { "memory", "instructions", "timeout", "globals" }, 0, ...)
  local self = setmetatable({}, methods)
  parts[self] = new(given)
  return self
end

return sandbox
