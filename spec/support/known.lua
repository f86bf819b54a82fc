-- known.lua: the options and values that the library itself lists in its messages.

local known = {}

-- Calls fn with a wrong word, and returns the set of words that its message lists: "(known are a, b)".
function known.options(fn, ...)
  local ok, e = pcall(fn, ...)
  assert(not ok, "the call was not refused")
  local list = e.message:match "%(known are (.-)%)"
  assert(list, e.message)
  local set = {}
  for word in list:gmatch "[%w_]+" do set[word] = true end
  return set
end

-- Adds the public names of a table to a set.
function known.copy(into, from)
  for name in pairs(from) do
    if type(name) == "string" and (name == "_VERSION" or name:sub(1, 1) ~= "_") then into[name] = true end
  end
  return into
end

-- The names of a type's methods and getters: its index function has them as upvalues.
function known.methods(value)
  local index = debug.getmetatable(value).__index
  if type(index) == "table" then
    return debug.getmetatable(index) and known.methods(index) or known.copy({}, index)
  end
  local names = {}
  for i = 1, 20 do
    local name, upvalue = debug.getupvalue(index, i)
    if not name then break end
    local is_set = name == "" or name == "methods" or name == "getters"
    if is_set and type(upvalue) == "table" then known.copy(names, upvalue) end
  end
  return names
end

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return table.concat(list, " ")
end

-- Asserts that the set of names in a text is the set of names that exist. also: further names that the text may have.
-- where: the text, for the message; nil: the page.
function known.same(there, said, also, where)
  local missing, unknown = {}, {}
  for name in pairs(there) do missing[name] = not said[name] or nil end
  for name in pairs(said) do unknown[name] = not there[name] and not (also and also[name]) or nil end
  where = where or "the page"
  assert(not next(missing), where .. " does not name: " .. sorted(missing))
  assert(not next(unknown), where .. " names what there is not: " .. sorted(unknown))
end

return known
