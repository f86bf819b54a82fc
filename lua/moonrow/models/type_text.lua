-- type_text.lua: a type as it is written in Lua.
--
-- Invariant: run, the text makes a type that is equal to the type, or there is no text.

local core = ...

local function literal(value)
  return type(value) == "string" and string.format("%q", value):gsub("\\\n", "\\n") or tostring(value)
end

local function enum(parts)
  local items, stored = {}, {}
  for i, choice in ipairs(parts.choices) do
    items[i] = literal(choice)
    if parts.forms then stored[i] = string.format("[%s] = %s", literal(choice), literal(parts.forms[i])) end
  end
  -- A name is kept as SQL writes it: a quoted one loses its quotes.
  local name = parts.named and parts.named:gsub('^"(.*)"$', "%1"):gsub('""', '"')
  if name then items[#items + 1] = string.format("{ name = %s }", literal(name)) end
  if parts.forms then items[#items + 1] = string.format("{ storage = { %s } }", table.concat(stored, ", ")) end
  return string.format("mr.Enum(%s)", table.concat(items, ", "))
end

-- type_text(type): "mr.String(20)"; nil: it is made of Lua functions, or has variants.
local function type_text(given)
  local parts = core.type_parts(given)
  if not parts then return nil end
  if parts.item then
    local item = type_text(parts.item)
    return item and string.format("mr.Array(%s)", item)
  end
  if parts.choices then return enum(parts) end
  if parts.none_as_null then return "mr.JSON{ none_as_null = true }" end
  return "mr." .. parts.text
end

return type_text
