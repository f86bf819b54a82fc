-- criteria_fuzz.lua: random texts of criteria: by the grammar, by the grammar with mistakes, of random tokens, and of
-- random bytes. Each is read, checked, written as SQL, and some are run, in SQL and in memory.
--
--   moonrow spec/fuzz/criteria_fuzz.lua [SEED] [TEXTS]       (lua5.4 works, too)
--
-- Invariant: a text is good, or an ArgumentError whose message shows its place; nothing of it reaches SQL as text. The
-- seed that is printed before a crash repeats it. Sanitizers find crashes.

if os and os.getenv "MOONROW_STRESS" and package and not package.loaded.moonrow then dofile "spec/helper.lua" end
package.path = "./?.lua;" .. package.path
local mr = require "moonrow"
local criteria = require "spec.support.criteria"
local random_criteria = require "spec.support.random_criteria"

local SEED, TEXTS = tonumber(arg and arg[1]) or 1, tonumber(arg and arg[2]) or 2000
local MARK = "zq9" -- in strings of the texts; never in SQL

local state = SEED * 2654435761 + 88172645463325252
local function random(n)
  state = state ~ (state << 13)
  state = state ~ (state >> 7)
  state = state ~ (state << 17)
  return (state >> 11) % n + 1
end
local function pick(list) return list[random(#list)] end

local TOKENS = {
  "level", "name", "clan", "clan.name", "posts", "clan.members", "vip", "price", "born", "data", "levl", "id",
  "any", "all", "none", "count", "(", ")", "{", "}", ",", ".", ":", "==", "~=", "<", "<=", ">", ">=", "and", "or",
  "not", "nil", "true", "false", "in", "+", "-", "*", "/", "//", "%", "..", "#", "1", "0", "-1", "1.5", "1e308",
  "0x7f", "9223372036854775807", "$p1", "$p2", "$p9", "'zq9'", '"zq9"', "[[zq9]]", "'zq9 > 3'", '"score > 3"',
  "like", ":like", ":lower()", ":between(1, 2)", ":in_", "&", "|", "=", "!=", ";", "--", "/*", "*/", "?", "\\",
  "\0", "\n", "\u{20AC}", "\xff", "[", "]", "[==[", "]==]", "SELECT", "DROP TABLE user", "' OR 1=1 --", "1e", "0x",
  "$", "''", "'\\u{", "'\\", '"', "'",
}

local function soup()
  local tokens = {}
  for i = 1, random(30) do tokens[i] = pick(TOKENS) end
  return table.concat(tokens, pick{ " ", "", " " })
end

local function noise()
  local bytes = {}
  for i = 1, random(60) do bytes[i] = string.char(random(256) - 1) end
  return table.concat(bytes)
end

-- The text with parts taken away, doubled, exchanged or put in.
local function spoiled(text)
  for _ = 1, random(4) do
    local at, n = random(#text + 1), random(8)
    local kind = random(4)
    if kind == 1 then text = text:sub(1, at - 1) .. text:sub(at + n)
    elseif kind == 2 then text = text:sub(1, at - 1) .. pick(TOKENS) .. text:sub(at)
    elseif kind == 3 then text = text:sub(1, at + n) .. text:sub(at)
    else text = text:sub(1, at - 1) .. string.char(random(256) - 1) .. text:sub(at + 1) end
  end
  return text
end

local function deep()
  local open, close = table.unpack(pick{ { "(", ")" }, { "not ", "" }, { "-", "" }, { "#", "" }, { "{", "}" },
    { "any(posts, '", "')" }, { "1 + ", "" }, { "vip and ", "" }, { "name .. ", "" }, { "clan.", "" } })
  local n = random(3000)
  return open:rep(n) .. pick{ "vip", "level", "1", "name" } .. close:rep(n)
end

local m = criteria.model(mr.open "sqlite://")
local objects = random_criteria.fill(m, 6, SEED)
local users = m.User.query:all()
local options = { allow = { "level", "name", "clan.name", "posts.score", "vip" } }
print("seed", SEED)
io.stdout:flush()

local good, bad = 0, 0
local function check(text, ok, result, computed)
  if ok then
    good = good + 1
    return
  end
  bad = bad + 1
  if not mr.errors.Error:is(result) then error(("%q raised %s"):format(text, tostring(result))) end
  local kind = result.kind
  -- Limits of the database are known before it is asked. InvalidRequestError: memory cannot compute the text.
  if kind ~= "ArgumentError" and not (kind == "InvalidRequestError" and computed) then
    error(("%q raised %s"):format(text, tostring(result)))
  end
end

for i = 1, TEXTS do
  local text, params = random_criteria.text(SEED * 1000003 + i, objects)
  local kind = random(6)
  if kind <= 2 then text = spoiled(text)
  elseif kind == 3 then text = soup()
  elseif kind == 4 then text = noise()
  elseif kind == 5 and random(8) == 1 then text = deep() end
  if kind > 1 and random(2) == 1 then
    local values = { 1, 1.5, "zq9", true, { 1 }, {}, users[1], { users[2] } }
    for p = 1, 3 do params["p" .. p] = params["p" .. p] or pick(values) end
  end
  for name in pairs(params or {}) do
    if not text:find("$" .. name, 1, true) then params[name] = nil end
  end
  options.params = params
  local ok, query = pcall(m.User.query.where, m.User.query, text, params)
  check(text, ok, query)
  if ok then
    local sql = tostring(query)
    if sql:find(MARK, 1, true) then error(("%q reached SQL: %s"):format(text, sql)) end
    tostring(query:sql{ dialect = "postgresql" })
    if random(3) == 1 then check(text, pcall(query.count, query)) end
    if random(3) == 1 then
      local met, result = pcall(mr.matches, pick(users), text, params)
      check(text, met, result, true)
    end
  end
  if random(4) == 1 then check(text, pcall(mr.filter, m.User, text, options)) end
end
print(("%d good, %d refused"):format(good, bad))
