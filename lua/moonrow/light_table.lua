-- light_table.lua: mr.table: a table that the program only names in statements, without declaring it: no keys, nothing
-- that create_all would make.
--
-- Invariant: the same description gives the same table, so that its statements are found again, and nothing grows.

local core, require = ...
local options = require "moonrow.options"

local made = {} -- by description
local unknown = core.column("any").type

-- The name and the type of a column that is given as "name" or as mr.column("name", type).
local function described(column, place)
  if type(column) == "string" then return column, unknown end
  if core.type_name(column) ~= "Expression" or not column.name then
    options.expect(string.format("table: column %d", place), "a name, or mr.column(name, type)", column)
  end
  return column.name, column.type
end

-- mr.table("user", "id", mr.column("name", mr.String), { schema = "s" })
local function light_table(name, ...)
  if type(name) ~= "string" then options.expect("table", "a name, then its columns", name) end
  local given, n, schema = { ... }, select("#", ...), nil
  local last = given[n]
  if type(last) == "table" and getmetatable(last) == nil then
    last = options.read("table", { "schema" }, 0, last)
    schema, n = options.typed("table", last, "schema", "string"), n - 1
  end
  local names, kinds, key = {}, {}, { schema or "", name }
  for i = 1, n do
    names[i], kinds[i] = described(given[i], i)
    key[#key + 1] = string.format("%q %s", names[i], kinds[i])
  end
  local found = table.concat(key, "\n")
  if not made[found] then
    local parts = {}
    for i = 1, n do parts[i] = core.Column(names[i], kinds[i]) end
    parts[n + 1] = { schema = schema }
    made[found] = core.Table(name, core.MetaData(), table.unpack(parts, 1, schema and n + 1 or n))
  end
  return made[found]
end

return light_table
