-- options.lua: how the functions written in Lua read their arguments and options, and refuse a wrong one.
--
-- Invariant: a mistake is answered in the same words as one in a function written in C (src/bind/state/argument.c).

local core = ...

local options = {
  -- options.read(what, known, n, ...): the options in a table of their own, then n positional arguments, of the
  -- function called `what`. known: the list of its options' names; n: from 0 to 3; -1: any number.
  read = core.arguments,
  -- options.expect(what, wanted, value): raises "WHAT: expected WANTED, got string "x"".
  expect = core.expect,
  -- options.is_callable(value): is it a function, or has it __call?
  is_callable = core.is_callable,
}

local words = { boolean = "true or false", number = "a number", string = "a string", table = "a table" }

-- options.typed(what, given, name, wanted): the option of this name, which must be of the Lua type wanted, or nil.
function options.typed(what, given, name, wanted)
  local value = given[name]
  if value ~= nil and type(value) ~= wanted then options.expect(what .. ": " .. name, words[wanted], value) end
  return value
end

-- options.check_callable(what, value): raises where the value cannot be called.
function options.check_callable(what, value)
  if not options.is_callable(value) then options.expect(what, "a function", value) end
end

-- options.query_class(what, value): a table of methods for queries, or nil.
function options.query_class(what, value)
  if value ~= nil and type(value) ~= "table" then
    options.expect(what .. ": query_class", "a table of methods for queries", value)
  end
  return value
end

-- options.set{ "a", "b" }: { a = true, b = true }
function options.set(list)
  local known = {}
  for _, name in ipairs(list) do known[name] = true end
  return known
end

return options
