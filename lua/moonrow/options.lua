-- options.lua: how options are told from data, for the functions written in Lua (src/bind/state/argument.c does the
-- same for those in C). Options are the hash part of a sole plain table whose array part is the positional arguments,
-- or a final plain table without array part. A plain table is one without metatable.

local core = ...

local options = {}

local function is_plain(value) return type(value) == "table" and getmetatable(value) == nil end

-- What is known, where nothing is near.
local function words(known)
  local all = {}
  for name in pairs(known) do all[#all + 1] = name end
  table.sort(all)
  return all[1] and string.format(" (known are %s)", table.concat(all, ", ")) or ", which has none"
end

local function check(what, known, given)
  for name in pairs(given) do
    if type(name) ~= "string" or not known[name] then
      local hint = core.hint(tostring(name), known)
      core.raise("ArgumentError", string.format("unknown option '%s' for %s%s",
        tostring(name), what, hint ~= "" and hint or words(known)))
    end
  end
  return given
end

-- options.split(what, known, ...): the options (a table of its own) and the positional arguments (a table
-- with n). known is the set of names that the function called `what` has: { bind = true }.
function options.split(what, known, ...)
  local n = select("#", ...)
  local args = { n = n, ... }
  while n > 0 and args[n] == nil do n = n - 1 end -- options that are nil are none
  args.n = n
  local last = args[n]
  if n == 0 or not is_plain(last) or (n > 1 and #last > 0) then return {}, args end
  local given = {}
  if n > 1 then
    args[n], args.n = nil, n - 1
    for name, value in pairs(last) do given[name] = value end
    return check(what, known, given), args
  end
  args = { n = #last }
  for key, value in pairs(last) do
    if math.type(key) == "integer" and key >= 1 and key <= args.n then
      args[key] = value
    else
      given[key] = value
    end
  end
  return check(what, known, given), args
end

-- options.arguments(what, names, args): raises when there are more positional arguments than names;
-- otherwise they follow as results.
function options.arguments(what, limit, args)
  core.check_open()
  if args.n > limit then
    core.raise("ArgumentError", string.format("%s takes at most %d argument%s, got %d",
      what, limit, limit == 1 and "" or "s", args.n))
  end
  return table.unpack(args, 1, limit)
end

local function show(value)
  if type(value) == "string" then return string.format('string "%s"', value) end
  if type(value) == "number" then return "number " .. string.gsub(tostring(value), ",", ".") end -- a locale's comma
  if value == nil or type(value) == "boolean" then return tostring(value) end
  return type(value)
end

-- options.expect(what, wanted, value): raises "WHAT: expected WANTED, got string "x"".
function options.expect(what, wanted, value)
  core.raise("ArgumentError", string.format("%s: expected %s, got %s", what, wanted, show(value)))
end

-- options.typed(what, given, name, wanted): the option, which must be of the Lua type wanted, or nil.
function options.typed(what, given, name, wanted)
  local value = given[name]
  if value ~= nil and type(value) ~= wanted then options.expect(what .. ": " .. name, wanted, value) end
  return value
end

-- options.callable(value): may it be called?
function options.callable(value)
  if type(value) == "function" then return true end
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
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
