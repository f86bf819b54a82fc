-- script.lua: the statements of revisions as a script for another program: `moonrow migrate upgrade --sql`.
--
-- Invariant: a statement has its values in it. What only asks for what the next statement needs is left out; what a
-- revision itself says stays, a SELECT, too, which may do something (SELECT setval(...)).

local core, require = ...
local render = require "moonrow.migrate.render"
local words = require "moonrow.migrate.words"

local script = {}

local function literal(value, dialect)
  if value == nil or value == core.null then return "NULL" end
  return (render.value("--sql", core.Any, value, dialect):gsub("^%((.*)%)$", "%1"))
end

-- The statement with its values in the places of ? and $1.
local function with_values(sql, values, dialect)
  local list, parts, at, n = words.read(sql), {}, 1, 0
  for i, word in ipairs(list) do
    local number, last
    if word.text == "?" then
      n = n + 1
      number, last = n, word.to
    elseif word.text == "$" and list[i + 1] and list[i + 1].kind == "number" and list[i + 1].from == word.to + 1 then
      number, last = math.tointeger(tonumber(list[i + 1].text)), list[i + 1].to
    end
    if number and number <= (values.n or #values) then
      parts[#parts + 1] = sql:sub(at, word.from - 1)
      parts[#parts + 1] = literal(values[number], dialect)
      at = last + 1
    end
  end
  parts[#parts + 1] = sql:sub(at)
  return table.concat(parts)
end

-- However its parameters are written.
local function key_of(sql) return (sql:gsub("%$%d+", "?"):gsub(":[%a_][%w_]*", "?")) end

local function only_asks(sql, said)
  return not said[key_of(sql)] and (sql:find "^%s*SELECT" or sql:find "^%s*PRAGMA foreign_key_check")
end

-- script.of(records, said, dialect): a list of the statements, as texts. records: what engine:record gave; said: a list
-- of the SQL that the revisions themselves have said.
function script.of(records, said, dialect)
  local list, keys = {}, {}
  for _, sql in ipairs(said) do keys[key_of(sql)] = true end
  for _, record in ipairs(records) do
    local sql = record.statement
    if not only_asks(sql, keys) then list[#list + 1] = with_values(sql, record.parameters or {}, dialect) end
  end
  return list
end

return script
