-- postgresql.lua: lets specs that were written for a database in memory run on a PostgreSQL server instead.
--
-- With MOONROW_TEST_URL, every mr.open "sqlite://" and mr.create_engine "sqlite://" is a new, empty schema of that
-- server, which is found by search_path. Other URLs are left as they are.

local mr = require "moonrow"

local url = os.getenv "MOONROW_TEST_URL"
local postgresql = { url = url, same_sql = rawequal }

if not url then return postgresql end

local admin
local number = 0

-- A URL of a new schema.
function postgresql.fresh()
  admin = admin or mr.create_engine(url):connect{ isolation_level = "AUTOCOMMIT" }
  if number == 0 then
    local who = math.random(0, 0xffffff)
    postgresql.prefix = ("s%06x_"):format(who)
  end
  number = number + 1
  local schema = postgresql.prefix .. number
  admin:execute(mr.text("CREATE SCHEMA " .. schema))
  return url .. (url:find("?", 1, true) and "&" or "?") .. "options=-csearch_path%3D" .. schema
end

local function moved(given) return given == "sqlite://" and postgresql.fresh() or given end

for _, name in ipairs{ "open", "create_engine" } do
  local original = mr[name]
  rawset(mr, name, function(given, ...)
    if type(given) == "table" then
      local copy = {}
      for k, v in pairs(given) do
        copy[k] = v
      end
      copy[1] = moved(copy[1])
      return original(copy, ...)
    end
    return original(moved(given), ...)
  end)
end

-- "user" is a reserved word there: where a spec has it in a text without quotes, it gets them.
local before_table = { ["FROM "] = true, ["INTO "] = true, ["UPDATE "] = true, ["JOIN "] = true, ["TABLE "] = true }
local text = mr.text
rawset(mr, "text", function(sql, ...)
  if type(sql) == "string" then
    sql = sql:gsub("(%f[%a]%a+ )user%f[^%w_]", function(word)
      return before_table[word:upper()] and word .. '"user"' or nil
    end)
  end
  return text(sql, ...)
end)

-- ---------------------------------------------------------------- SQL in assertions

-- What an assertion compares is brought to SQLite's spelling where it is not equal as it is: ? for $1, no quotes around
-- "user", an INSERT without the RETURNING that gives the key which the database makes.
local function spelled(sql)
  sql = sql:gsub("%$%d+", "?"):gsub('"user"', "user")
  return (sql:gsub("^(INSERT .*) RETURNING [%w_.]+$", "%1"))
end

function postgresql.same_sql(a, b) return spelled(a) == spelled(b) end

local function like(a, b, seen)
  if a == b then return true end
  if type(a) == "string" and type(b) == "string" then return spelled(a) == spelled(b) end
  if type(a) ~= "table" or type(b) ~= "table" or getmetatable(a) or getmetatable(b) then return false end
  if seen[a] then return seen[a] == b end
  seen[a] = b
  for k, v in pairs(a) do
    if not like(v, b[k], seen) then return false end
  end
  for k in pairs(b) do
    if a[k] == nil then return false end
  end
  return true
end

local luassert = require "luassert"
local known = require("luassert.namespaces").assertion
for _, name in ipairs{ "equals", "equal", "same" } do
  local original = known[name].callback
  local words = name == "same" and "same" or "equals"
  luassert:register("assertion", name, function(state, arguments, level)
    if original(state, arguments, level) then return true end
    return state.mod and arguments.n >= 2 and like(arguments[1], arguments[2], {})
  end, "assertion." .. words .. ".positive", "assertion." .. words .. ".negative")
end

return postgresql
