-- rules.lua: keys and constraints as statements of a revision.
--
-- Invariant: of two constraints with one key, neither has anything to change.

local _, require = ...
local parts = require "moonrow.models.parts"

local literal = parts.literal

local function names(list)
  local texts = {}
  for i, name in ipairs(list) do texts[i] = literal(name) end
  return "{ " .. table.concat(texts, ", ") .. " }"
end

local function option(list, name, text)
  if text then list[#list + 1] = name .. " = " .. text end
end

local function braces(list) return #list > 0 and ", { " .. table.concat(list, ", ") .. " }" or "" end

local function joined(list) return table.concat(list, ","):lower() end

local function wanted(constraint) return constraint.name and literal(constraint.name) or names(constraint.columns) end

local rules = {
  unique = {
    key = function(c) return joined(c.columns) end,
    create = function(t, c)
      return string.format("m:create_unique(%s, %s, %s)", c.name and literal(c.name) or "nil", t, names(c.columns))
    end,
    drop = function(t, c) return string.format("m:drop_unique(%s, %s)", t, wanted(c)) end,
  },
  check = {
    key = function(c) return c.sqltext end,
    create = function(t, c)
      return string.format("m:create_check(%s, %s, %s)", c.name and literal(c.name) or "nil", t, literal(c.sqltext))
    end,
    drop = function(t, c) return string.format("m:drop_check(%s, %s)", t, literal(c.name or c.sqltext)) end,
  },
  foreign_key = {
    key = function(c)
      return table.concat({ joined(c.columns), c.referred_table:lower(), joined(c.referred_columns or {}),
        c.ondelete or "", c.onupdate or "", tostring(c.deferrable), c.initially or "" }, "|")
    end,
    create = function(t, c)
      local list = {}
      option(list, "ondelete", c.ondelete and literal(c.ondelete))
      option(list, "onupdate", c.onupdate and literal(c.onupdate))
      option(list, "deferrable", c.deferrable ~= nil and tostring(c.deferrable))
      option(list, "initially", c.initially and literal(c.initially))
      return string.format("m:create_foreign_key(%s, %s, %s, %s, %s%s)", c.name and literal(c.name) or "nil", t,
        names(c.columns), literal(c.referred_table), names(c.referred_columns or {}), braces(list))
    end,
    drop = function(t, c) return string.format("m:drop_foreign_key(%s, %s)", t, wanted(c)) end,
  },
  primary_key = {
    key = function(c) return joined(c.columns) end,
    create = function(t, c) return string.format("m:create_primary_key(%s, %s)", t, names(c.columns)) end,
    drop = function() return nil end,
  },
}

-- rules.option(list, name, text): adds "name = text", if there is a text.
rules.option = option

return rules
