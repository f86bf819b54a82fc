-- library.lua: the functions that a script has in a sandbox: Lua's own, where they do little, and others in place of
-- those that lead outside or work for long without a step of Lua.
--
-- Invariant: no function here gives the script a value that the program can see, too, but the functions themselves.

local _, require = ...
local patterns = require "moonrow.sandbox.patterns"

-- copied(from, names): a table with the functions of these names, those that there are.
local function copied(from, names)
  local list = {}
  for name in names:gmatch "%S+" do list[name] = from and from[name] end
  return list
end

local function strings(charge)
  local own = patterns.methods(charge)
  own.char, own.len = string.char, string.len
  for _, name in ipairs{ "byte", "sub", "upper", "lower", "reverse" } do
    local native = string[name]
    own[name] = function(s, ...)
      if type(s) == "string" then charge(#s / 8) end
      return native(s, ...)
    end
  end
  function own.rep(s, n, separator)
    local times = math.tointeger(n)
    if times and times > 0 then charge(times) charge(times * (#tostring(s) + #tostring(separator or "")) / 8) end
    return string.rep(s, n, separator)
  end
  function own.format(...)
    for i = 1, select("#", ...) do
      local value = select(i, ...)
      charge(i + (type(value) == "string" and #value / 4 or 0))
    end
    return string.format(...)
  end
  return own
end

local function tables(charge)
  local own = {}
  local function between(i, j)
    i, j = math.tointeger(i), math.tointeger(j)
    if i and j and j >= i then charge(j + 0.0 - i + 1) end
  end
  function own.concat(list, separator, i, j)
    between(i or 1, j or #list)
    return table.concat(list, separator, i, j)
  end
  function own.unpack(list, i, j)
    between(i or 1, j or #list)
    return table.unpack(list, i, j)
  end
  function own.move(from, i, j, ...)
    between(i, j)
    return table.move(from, i, j, ...)
  end
  function own.insert(list, ...)
    if select("#", ...) ~= 1 then between(1, #list) end
    return table.insert(list, ...)
  end
  function own.remove(list, ...)
    if select("#", ...) > 0 then between(1, #list) end
    return table.remove(list, ...)
  end
  function own.sort(list, before)
    between(1, #list)
    return table.sort(list, before or function(a, b) return a < b end) -- each comparison is counted
  end
  own.pack = table.pack
  return own
end

-- pcall and xpcall that let no limit pass, and coroutines whose errors are caught inside: what closes their variables
-- runs where hooks are called.
local function protected(env, reached, checked)
  local function passed(ok, ...)
    if not ok then checked((...)) else checked() end
    return ok, ...
  end
  function env.pcall(...) return passed(pcall(...)) end
  function env.xpcall(f, handler, ...)
    return passed(xpcall(f, function(e)
      if reached(e) then return e end -- no hook stops a handler
      return handler(e)
    end, ...))
  end
end

local function coroutines(charge, checked)
  local own = copied(coroutine, "isyieldable running status yield")
  local function ended(ok, ...)
    if not ok then
      checked((...))
      error((...), 0)
    end
    return ...
  end
  function own.create(f)
    charge(200)
    if type(f) ~= "function" then error("bad argument #1 to 'create' (function expected)", 2) end
    return coroutine.create(function(...) return ended(pcall(f, ...)) end)
  end
  local function resumed(ok, ...)
    checked(not ok and (...) or nil)
    return ok, ...
  end
  function own.resume(co, ...) return resumed(coroutine.resume(co, ...)) end
  function own.close(co) return resumed(coroutine.close(co)) end
  function own.wrap(f)
    local co = own.create(f)
    return function(...) return ended(coroutine.resume(co, ...)) end
  end
  return own
end

-- Metatables: a script's tables are its own, for what crosses is copied; strings, functions and coroutines have none
-- that it can see. No finalizer comes to be: Lua looks for __gc when a metatable is set, and at no other time.
local function metatables(env)
  function env.getmetatable(value) return type(value) == "table" and getmetatable(value) or nil end
  function env.setmetatable(value, meta)
    if type(value) ~= "table" then error("bad argument #1 to 'setmetatable' (table expected)", 2) end
    if type(meta) == "table" and rawget(meta, "__gc") ~= nil then
      error("a script in a sandbox has no finalizers: __gc", 2)
    end
    return setmetatable(value, meta)
  end
end

local function loaders(env, charge, compile)
  function env.load(text, name, _, given)
    if type(text) == "function" then
      local pieces = {}
      for piece in text do
        if type(piece) ~= "string" or piece == "" then break end
        pieces[#pieces + 1] = piece
      end
      text = table.concat(pieces)
    end
    if type(text) ~= "string" then error("bad argument #1 to 'load' (string expected)", 2) end
    charge(#text)
    return compile(text, type(name) == "string" and name or "=script", given or env)
  end
end

-- library.new(charge, checked, compile): the environment, and a copy of its string functions that no script can reach.
-- charge(n) counts n instructions; reached(e): was a limit reached? compile(text, name, env) is load.
local function new(charge, reached, compile)
  local function checked(e)
    if reached(e) then error("the sandbox has reached its limit", 0) end
  end
  local env = copied({
    assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, rawequal = rawequal, rawget = rawget,
    rawlen = rawlen, rawset = rawset, select = select, tostring = tostring, type = type,
  }, "assert error ipairs next pairs rawequal rawget rawlen rawset select tostring type")
  function env.tonumber(...)
    if type(...) == "string" then charge(#(...)) end
    return tonumber(...)
  end
  env.string, env.table = strings(charge), tables(charge)
  env.math = copied(math, "abs acos asin atan ceil cos deg exp floor fmod huge log max maxinteger min mininteger "
    .. "modf pi rad random sin sqrt tan tointeger type ult")
  env.coroutine = coroutines(charge, checked)
  protected(env, reached, checked)
  metatables(env)
  loaders(env, charge, compile)
  env._G, env._VERSION = env, "Lua 5.4"
  local methods = {}
  for name, f in pairs(env.string) do methods[name] = f end
  return env, methods
end

return { new = new }
