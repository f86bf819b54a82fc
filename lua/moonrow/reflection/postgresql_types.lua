-- postgresql_types.lua: the type of a reflected column of PostgreSQL, by the name that the server gives its type.
--
-- Invariant: a type that our definitions would write under another name keeps the server's (postgresql_type), so that a
-- table which is made again has it. What we do not know is text to us: the server reads and writes it.

local core = ...

local exact = {
  ["integer"] = core.Integer, ["smallint"] = core.SmallInteger, ["bigint"] = core.BigInteger,
  ["double precision"] = core.Float, ["numeric"] = core.Numeric, ["boolean"] = core.Boolean,
  ["character varying"] = core.String, ["text"] = core.Text, ["bytea"] = core.LargeBinary, ["date"] = core.Date,
  ["time without time zone"] = core.Time, ["timestamp without time zone"] = core.DateTime,
  ["interval"] = core.Interval, ["json"] = core.JSON, ["jsonb"] = core.JSONB, ["uuid"] = core.Uuid,
}

-- Types that are written otherwise, and whose values are ours.
local like = {
  ["real"] = core.Float, ["oid"] = core.BigInteger, ["timestamp with time zone"] = core.DateTime,
}

local precise = { ["time"] = core.Time, ["timestamp"] = core.DateTime, ["interval"] = core.Interval }

-- The type, and whether our definitions write it so; nil: it is none of ours.
local function plain_type(name)
  if exact[name] then return exact[name], true end
  if like[name] then return like[name], false end
  local length = name:match "^character varying%((%d+)%)$"
  if length then return core.String(math.tointeger(tonumber(length))), true end
  local digits, behind = name:match "^numeric%((%d+),(%-?%d+)%)$"
  digits, behind = math.tointeger(tonumber(digits)), math.tointeger(tonumber(behind))
  if digits and behind >= 0 and behind <= digits then return core.Numeric(digits, behind), true end
  if digits then return core.Numeric, false end
  -- timestamp(3) without time zone
  local word, zone = name:match "^(%a+)%(%d%)(.*)$"
  if word and precise[word] and not (word == "time" and zone == " with time zone") then return precise[word], false end
end

local types = {}

-- types.of(column): the type, and the name that a definition needs beside it; nil: none.
function types.of(column)
  local name = column.declared
  if column.choices and #column.choices > 0 then return core.Enum(table.unpack(column.choices)), name end
  local item, depth = name, 0
  while item:sub(-2) == "[]" do item, depth = item:sub(1, -3), depth + 1 end
  local found, is_exact = plain_type(item)
  if depth > 0 then
    -- The server tells no depth: INTEGER[][] is integer[] to it.
    if found and is_exact and found ~= core.LargeBinary and found ~= core.JSON and found ~= core.JSONB then
      return core.Array(found)
    end
    return core.Text, name
  end
  if found then return found, not is_exact and name or nil end
  if column.base_type then return plain_type(column.base_type) or core.Text, name end
  return core.Text, name
end

return types
