-- types.lua: reads a type in the grammar of LuaCATS: "string|fun(n: integer): T[]?". Returns the names that it uses, in
-- order.
--
--   types.parse(text, at) -> { names = { "string", ... }, last = position behind the type } or nil, message
--
-- Invariant: reads from left to right, and takes the longest type that begins at the position. The caller reads the
-- text behind it, such as the words of a comment.

local types = {}

local LITERALS = { ["true"] = true, ["false"] = true }

-- A state s has the text, the position `at`, and the names so far.
local function skip(s) s.at = s.text:match("^[ \t]*()", s.at) end

local function take(s, pattern)
  skip(s)
  local found, behind = s.text:match("^(" .. pattern .. ")()", s.at)
  if found then s.at = behind end
  return found
end

local function fail(s, wanted)
  error({ message = ("expected %s at %q"):format(wanted, s.text:sub(s.at)) }, 0)
end

local function need(s, pattern, wanted)
  return take(s, pattern) or fail(s, wanted)
end

local parse_type

-- Reads the items of a list, up to the closing sign.
local function list(s, closing, item)
  if take(s, closing) then return end
  repeat
    if take(s, closing) then return end
    item(s)
  until not take(s, ",")
  need(s, closing, closing:sub(-1))
end

local function argument(s)
  local name = take(s, "%.%.%.") or need(s, "[%a_][%w_]*", "the name of a parameter")
  if name ~= "..." then take(s, "%?") end
  if take(s, ":") then parse_type(s) end
end

local function one_return(s)
  if take(s, "%.%.%.") then return end
  parse_type(s)
  take(s, "%.%.%.")
end

local function function_type(s)
  if take(s, "<") then
    list(s, ">", function() need(s, "[%a_][%w_]*", "a generic name") end)
  end
  need(s, "%(", "(")
  list(s, "%)", argument)
  if take(s, ":") then
    repeat one_return(s) until not take(s, ",")
  end
end

local function member(s)
  if take(s, "%[") then
    parse_type(s)
    need(s, "%]", "]")
  else
    need(s, "[%a_][%w_]*", "the name of a field")
    take(s, "%?")
  end
  need(s, ":", ":")
  parse_type(s)
end

local function primary(s)
  if take(s, "%(") then
    parse_type(s)
    need(s, "%)", ")")
  elseif take(s, "{") then list(s, "}", member)
  elseif take(s, '"[^"]*"') or take(s, "'[^']*'") or take(s, "%-?%d+") then return
  elseif take(s, "`[%a_][%w_]*`") then return
  elseif take(s, "fun%f[%W]") then function_type(s)
  else
    local name = need(s, "[%a_][%w_]*", "a type")
    while s.text:match("^%.[%a_]", s.at) do name = name .. "." .. take(s, "%.[%a_][%w_]*"):sub(2) end
    if not LITERALS[name] then s.names[#s.names + 1] = name end
    if s.text:sub(s.at, s.at) == "<" then
      take(s, "<")
      list(s, ">", parse_type)
    end
  end
end

function parse_type(s)
  repeat
    primary(s)
    -- "[]" and "?" follow the type without a space.
    while s.text:match("^%[%]", s.at) or s.text:match("^%?", s.at) do
      s.at = s.at + (s.text:sub(s.at, s.at) == "?" and 1 or 2)
    end
    local bar = s.text:match("^[ \t]*|[ \t]*()", s.at)
    if bar then s.at = bar end
  until not bar
end

function types.parse(text, at)
  local state = { text = text, at = at or 1, names = {} }
  local ok, problem = pcall(parse_type, state)
  if not ok then return nil, type(problem) == "table" and problem.message or problem end
  return { names = state.names, last = state.at }
end

return types
