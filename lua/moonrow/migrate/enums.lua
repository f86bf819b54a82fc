-- enums.lua: the types that an Enum with a name has in PostgreSQL.
--
-- Invariant: a type that is there is left as it is, with the values that it has.

local core, require = ...
local ask = require "moonrow.migrate.ask"

local enums = {}

-- enums.of(type): its parts (core.type_parts), if it is an Enum with a name, or an array of one; else nil.
function enums.of(given)
  local parts = core.type_parts(given)
  while parts and parts.item do parts = core.type_parts(parts.item) end
  return parts and parts.choices and parts.named and parts or nil
end

local function literal(text) return "'" .. text:gsub("'", "''") .. "'" end

-- enums.create(connection, type, schema): makes the type of the Enum where it is not there. schema: where; nil: it may
-- be anywhere in the path, and is made in the path's first schema.
function enums.create(connection, given, schema)
  local parts = enums.of(given)
  if not parts then return end
  local name = schema and schema .. "." .. parts.named or parts.named
  if ask(connection, "SELECT 1 WHERE to_regtype(:name) IS NOT NULL", { name = name }) then return end
  local values = {}
  for i, choice in ipairs(parts.choices) do values[i] = literal(choice) end
  connection:execute(core.plain_sql(string.format("CREATE TYPE %s AS ENUM (%s)", name, table.concat(values, ", "))))
end

-- enums.add_values(named, before, after): the statements that give the type the values of the list `after` that the
-- list `before` has not, each in its place; and the list of those that it alone has.
function enums.add_values(named, before, after)
  local there, statements = {}, {}
  for _, value in ipairs(before) do there[value] = true end
  for i, value in ipairs(after) do
    if there[value] then there[value] = "kept" else
      local place = i > 1 and " AFTER " .. literal(after[i - 1]) or before[1] and " BEFORE " .. literal(before[1]) or ""
      statements[#statements + 1] = string.format("ALTER TYPE %s ADD VALUE IF NOT EXISTS %s%s", named, literal(value),
        place)
    end
  end
  local gone = {}
  for _, value in ipairs(before) do
    if there[value] ~= "kept" then gone[#gone + 1] = value end
  end
  return statements, gone
end

return enums
