-- patterns.lua: find, match, gmatch and gsub of a sandbox. A pattern that may need many steps is matched here, in Lua,
-- where the sandbox counts each step; the others are left to Lua's own functions, and are charged.
--
-- Invariant: the results are those of Lua's own functions.

local native = string
local sub, byte, char, find = string.sub, string.byte, string.char, string.find

local CHEAP = 20000 -- steps at most, of what is left to Lua's own functions

-- How many steps the pattern needs on n bytes at most: each repetition may end at each place.
local function most_steps(n, pattern)
  local repeated, steps = 0, 1
  for i = 1, #pattern do
    if find(sub(pattern, i, i), "[*+?-]") then repeated = repeated + 1 end
    if find(sub(pattern, i, i + 1), "^%%[bf%d]") then repeated = repeated + 1 end
  end
  for i = 1, repeated + 1 do steps = steps * (n + i) / i end
  return steps * (#pattern + 1)
end

local function malformed(what) error("malformed pattern (" .. what .. ")", 0) end

-- Where the item that begins at i ends, exclusive: a byte, a class or a set.
local function item_end(p, i)
  local c = sub(p, i, i)
  if c == "%" then
    if i == #p then malformed "ends with '%'" end
    return i + 2
  elseif c ~= "[" then
    return i + 1
  end
  i = i + 1
  if sub(p, i, i) == "^" then i = i + 1 end
  repeat
    if i > #p then malformed "missing ']'" end
    i = i + (sub(p, i, i) == "%" and 2 or 1)
  until sub(p, i, i) == "]"
  return i + 1
end

-- The bytes that the item matches, found when they are asked for.
local function bytes_of(item)
  local pattern = item == "^" and "%^" or item == "$" and "%$" or item
  return setmetatable({}, { __index = function(set, b)
    local has = find(char(b), pattern) ~= nil
    set[b] = has
    return has
  end })
end

local function compile(p, at)
  local items, i = {}, at
  while i <= #p do
    local item
    local c, two = sub(p, i, i), sub(p, i, i + 1)
    if two == "()" then item, i = { op = "position" }, i + 2
    elseif c == "(" then item, i = { op = "open" }, i + 1
    elseif c == ")" then item, i = { op = "close" }, i + 1
    elseif c == "$" and i == #p then item, i = { op = "end" }, i + 1
    elseif two == "%b" then
      if i + 3 > #p then malformed "missing arguments to '%b'" end
      item, i = { op = "balance", first = byte(p, i + 2), last = byte(p, i + 3) }, i + 4
    elseif two == "%f" then
      if sub(p, i + 2, i + 2) ~= "[" then malformed "missing '[' after '%f' in pattern" end
      local stop = item_end(p, i + 2)
      item, i = { op = "frontier", set = bytes_of(sub(p, i + 2, stop - 1)) }, stop
    elseif find(two, "^%%%d") then item, i = { op = "back", n = byte(p, i + 1) - 48 }, i + 2
    else
      local stop = item_end(p, i)
      item, i = { op = "one", set = bytes_of(sub(p, i, stop - 1)) }, stop
      local how = sub(p, i, i)
      if how ~= "" and find("*+-?", how, 1, true) then item.op, i = how, i + 1 end
    end
    items[#items + 1] = item
  end
  return items
end

-- A match of the compiled items in s from place at: the place behind it, or nil. captures: list of { start, stop }; a
-- capture without stop is open; stop "position": its place.
local match

local function balance(s, item, at)
  if byte(s, at) ~= item.first then return nil end
  local depth = 1
  for i = at + 1, #s do
    local b = byte(s, i)
    if b == item.last then
      depth = depth - 1
      if depth == 0 then return i + 1 end
    elseif b == item.first then depth = depth + 1 end
  end
  return nil
end

local function longest(s, items, k, at, captures, least)
  local set, stop = items[k].set, at
  while stop <= #s and set[byte(s, stop)] do stop = stop + 1 end
  for from = stop, at + least, -1 do
    local found = match(s, items, k + 1, from, captures)
    if found then return found end
  end
  return nil
end

local function shortest(s, items, k, at, captures)
  local set = items[k].set
  while true do
    local found = match(s, items, k + 1, at, captures)
    if found then return found end
    if at > #s or not set[byte(s, at)] then return nil end
    at = at + 1
  end
end

local function open(s, items, k, at, captures, stop)
  captures[#captures + 1] = { at, stop }
  local found = match(s, items, k + 1, at, captures)
  if not found then captures[#captures] = nil end
  return found
end

local function close(s, items, k, at, captures)
  local n = #captures
  while n > 0 and captures[n][2] do n = n - 1 end
  if n == 0 then error("invalid pattern capture", 0) end
  captures[n][2] = at
  local found = match(s, items, k + 1, at, captures)
  if not found then captures[n][2] = nil end
  return found
end

local function same_again(s, item, at, captures)
  local c = captures[item.n]
  if not c or not c[2] or c[2] == "position" then error("invalid capture index %" .. item.n, 0) end
  local text = sub(s, c[1], c[2] - 1)
  return sub(s, at, at + #text - 1) == text and at + #text or nil
end

function match(s, items, k, at, captures)
  while true do
    local item = items[k]
    if not item then return at end
    local op = item.op
    if op == "one" then
      if at > #s or not item.set[byte(s, at)] then return nil end
      at = at + 1
    elseif op == "*" then return longest(s, items, k, at, captures, 0)
    elseif op == "+" then return longest(s, items, k, at, captures, 1)
    elseif op == "-" then return shortest(s, items, k, at, captures)
    elseif op == "?" then
      if at <= #s and item.set[byte(s, at)] then
        local found = match(s, items, k + 1, at + 1, captures)
        if found then return found end
      end
    elseif op == "open" then return open(s, items, k, at, captures)
    elseif op == "position" then return open(s, items, k, at, captures, "position")
    elseif op == "close" then return close(s, items, k, at, captures)
    elseif op == "end" then return at == #s + 1 and at or nil
    elseif op == "balance" then at = balance(s, item, at)
    elseif op == "back" then at = same_again(s, item, at, captures)
    elseif item.set[byte(s, at - 1) or 0] or not item.set[byte(s, at) or 0] then return nil
    end
    if not at then return nil end
    k = k + 1
  end
end

-- The values of the captures, as a list with n; the whole match where there are none and whole is asked for.
local function values(s, captures, from, stop, whole)
  local list = { n = #captures }
  for i, c in ipairs(captures) do
    if not c[2] then error("unfinished capture", 0) end
    list[i] = c[2] == "position" and c[1] or sub(s, c[1], c[2] - 1)
  end
  if whole and list.n == 0 then list[1], list.n = sub(s, from, stop - 1), 1 end
  return list
end

-- The first match from place at on: start, place behind it, captures.
local function search(s, items, at, anchored)
  for from = at, anchored and at or #s + 1 do
    local captures = {}
    local stop = match(s, items, 1, from, captures)
    if stop then return from, stop, captures end
  end
end

-- patterns.methods(charge): the four functions, which charge(steps).
local function methods(charge)
  local own = {}

  -- Is it left to Lua's own function? It is charged, then.
  local function is_cheap(s, p)
    local kind, of = type(s), type(p)
    if kind ~= "string" and kind ~= "number" or of ~= "string" and of ~= "number" then return true end
    s, p = tostring(s), tostring(p)
    charge(#p / 8)
    local steps = most_steps(#s, p)
    if steps > CHEAP then return false end
    charge(steps / 8)
    return true
  end

  local function looks(name, s, p, init)
    if is_cheap(s, p) then return native[name](s, p, init) end
    s, p = tostring(s), tostring(p)
    local at = math.tointeger(init or 1) or error("the place is no integer", 0)
    if at < 0 then at = math.max(#s + at + 1, 1) elseif at == 0 then at = 1 end
    if at > #s + 1 then return nil end
    local anchored = sub(p, 1, 1) == "^"
    local from, stop, captures = search(s, compile(p, anchored and 2 or 1), at, anchored)
    if not from then return nil end
    local list = values(s, captures, from, stop, name == "match")
    if name == "match" then return table.unpack(list, 1, list.n) end
    return from, stop - 1, table.unpack(list, 1, list.n)
  end

  function own.find(s, p, init, plain)
    if plain and type(s) == "string" and type(p) == "string" then
      charge(#s * math.min(#p, 64) / 8)
      return native.find(s, p, init, true)
    end
    return looks("find", s, p, init)
  end

  function own.match(s, p, init) return looks("match", s, p, init) end

  function own.gmatch(s, p, init)
    if is_cheap(s, p) then return native.gmatch(s, p, init) end
    s, p = tostring(s), tostring(p)
    local items, at, last = compile(p, 1), init or 1, nil
    if at < 0 then at = math.max(#s + at + 1, 1) elseif at == 0 then at = 1 end
    return function()
      while at <= #s + 1 do
        local from, stop, captures = search(s, items, at)
        if not from then at = #s + 2 return nil end
        at = stop == last and from + 1 or stop
        if stop ~= last then
          last = stop
          local list = values(s, captures, from, stop, true)
          return table.unpack(list, 1, list.n)
        end
      end
      return nil
    end
  end

  local function replaced(whole, list, by)
    local value
    local kind = type(by)
    if kind == "table" then value = by[list[1]]
    elseif kind == "function" then value = by(table.unpack(list, 1, list.n))
    else
      local from, made = 1, {}
      while true do
        local at = find(by, "%", from, true)
        made[#made + 1] = sub(by, from, (at or #by + 1) - 1)
        if not at then return table.concat(made) end
        local c = sub(by, at + 1, at + 1)
        if c == "0" then made[#made + 1] = whole
        elseif c == "%" then made[#made + 1] = "%"
        elseif find(c, "%d") and list[tonumber(c)] then made[#made + 1] = list[tonumber(c)]
        elseif find(c, "%d") then error("invalid capture index %" .. c, 0)
        else error("invalid use of '%' in replacement string", 0) end
        from = at + 2
      end
    end
    if not value then return whole end
    if type(value) ~= "string" and type(value) ~= "number" then
      error(string.format("invalid replacement value (a %s)", type(value)), 0)
    end
    return tostring(value)
  end

  function own.gsub(s, p, by, most)
    local kind = type(by)
    if kind ~= "string" and kind ~= "number" and kind ~= "table" and kind ~= "function" or is_cheap(s, p) then
      return native.gsub(s, p, by, most)
    end
    s, p, by = tostring(s), tostring(p), kind == "number" and tostring(by) or by
    local anchored = sub(p, 1, 1) == "^"
    local items, at, made, n = compile(p, anchored and 2 or 1), 1, {}, 0
    local last
    while n < (most or math.huge) do
      local captures = {}
      local stop = match(s, items, 1, at, captures)
      if stop and stop ~= last then
        n = n + 1
        made[#made + 1] = replaced(sub(s, at, stop - 1), values(s, captures, at, stop, true), by)
        at, last = stop, stop
      elseif at <= #s then
        made[#made + 1] = sub(s, at, at)
        at = at + 1
      else break end
      if anchored then break end
    end
    made[#made + 1] = sub(s, at)
    return table.concat(made), n
  end

  return own
end

return { methods = methods }
