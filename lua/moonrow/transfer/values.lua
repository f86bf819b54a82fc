-- values.lua: the values of columns as text, and back, by the type of the column.
--
-- Invariant: what is written is read back as an equal value. A text that says no value of the type is refused here or
-- by the column; nothing is guessed.

local core, require = ...
local options = require "moonrow.options"
local base64 = require "moonrow.transfer.base64"

local values = {}

local null = core.null
local sql_null = core.literal(null) -- a column of JSON takes mr.null for JSON's null

-- ---------------------------------------------------------------- from text

local function integer_of(text, place)
  local digits = string.match(text, "^%s*[+]?(%-?%d+)%.?0*%s*$")
  return digits and math.tointeger(tonumber(digits)) or options.expect(place, "an integer", text)
end

local words = { inf = math.huge, ["+inf"] = math.huge, ["-inf"] = -math.huge, infinity = math.huge,
  ["-infinity"] = -math.huge }

local function float_of(text, place)
  local number = string.find(text, "^%s*[+-]?[%d.]+[eE]?[+-]?%d*%s*$") and tonumber((string.gsub(text, "%+", "", 1)))
    or words[string.lower(text)]
  return number and number + 0.0 or options.expect(place, "a number", text)
end

local truths = { ["true"] = true, t = true, yes = true, y = true, on = true, ["1"] = true, ["false"] = false, f = false,
  no = false, n = false, off = false, ["0"] = false }

local function boolean_of(text, place)
  local value = truths[string.lower(text)]
  if value == nil then options.expect(place, "true or false", text) end
  return value
end

local function bytes_of(text, place)
  return base64.decode(text) or options.expect(place, "bytes as Base64, or \\x and hexadecimal digits", text)
end

local function json_of(text, place)
  local value, ok, why = core.json_decode(text)
  if not ok then options.expect(place, "JSON (" .. why .. ")", text) end
  return value
end

-- By type; of those that are not here, the column reads the text.
local from_text = { Integer = integer_of, SmallInteger = integer_of, BigInteger = integer_of, Float = float_of,
  Boolean = boolean_of, LargeBinary = bytes_of, JSON = json_of, JSONB = json_of, Array = json_of }

local texts = options.set{ "String", "Text", "Enum", "Any", "unknown" }
local json_types = options.set{ "JSON", "JSONB" }

-- values.of_text(column): fn(text, place) gives the value of a field of CSV. place: "line 3: User.age".
function values.of_text(column)
  local read = not column.decorated and from_text[column.type]
  local may_be_empty = texts[column.type] or column.decorated or column.type == "LargeBinary"
  return function(text, place)
    if type(text) ~= "string" then return text end
    if text == "" and not may_be_empty then return values.of_nothing(column) end
    if not read then return text end
    return read(text, place)
  end
end

-- values.of_nothing(column): the value of an empty field: NULL, where the column takes it, else the empty text, or nil,
-- which is the column's default.
function values.of_nothing(column)
  if column.nullable then return json_types[column.type] and sql_null or null end
  return texts[column.type] and column.type ~= "Enum" and "" or nil
end

-- ---------------------------------------------------------------- from JSON

-- The decimal that a number of JSON was written as: with more digits than 15, it cannot be known.
local function decimal_of(number, place)
  if math.type(number) ~= "float" then return number end
  local text = string.format("%.15g", number)
  if tonumber(text) ~= number then
    options.expect(place, "a decimal of 15 digits at most, or one in quotes, which is exact", number)
  end
  return text
end

local from_json = { Numeric = decimal_of }

-- values.of_json(column): fn(value, place) gives the value of the column for one of JSON.
function values.of_json(column)
  local read, convert = from_text[column.type], from_json[column.type]
  if column.decorated or json_types[column.type] or column.type == "Array" then
    return function(value) return value end
  end
  return function(value, place)
    if read and type(value) == "string" then return read(value, place) end
    if convert then return convert(value, place) end
    return value
  end
end

-- ---------------------------------------------------------------- to text

local function number_text(number)
  if math.type(number) == "integer" then return string.format("%d", number) end
  if number ~= number then return "nan" end
  if number == math.huge then return "inf" elseif number == -math.huge then return "-inf" end
  for precision = 15, 17 do
    local text = string.format("%." .. precision .. "g", number)
    if tonumber(text) == number then return text end
  end
end

local function is_json(column) return not column.decorated and json_types[column.type] end
local function is_binary(column) return not column.decorated and column.type == "LargeBinary" end

-- values.to_text(column): fn(value, place) gives the text of a value for CSV, or nil for NULL.
function values.to_text(column)
  local json, binary = is_json(column), is_binary(column)
  return function(value, place)
    if value == nil then return nil end
    if json then return core.json_encode(value, place) end
    local kind = type(value)
    if kind == "string" then return binary and base64.encode(value) or value end
    if kind == "number" then return number_text(value) end
    if kind == "table" then return core.json_encode(value, place) end
    if value == null then return nil end
    return tostring(value)
  end
end

-- values.to_json(column): fn(value, place) gives the JSON of a value, or nil where the name is to be left out: a NULL
-- of a column of JSON, which null would make JSON's null.
function values.to_json(column)
  local json, binary = is_json(column), is_binary(column)
  return function(value, place)
    local kind = type(value)
    if value == nil then return not json and "null" or nil end
    if kind == "number" then
      local text = number_text(value)
      if json and math.type(value) == "float" then return core.json_encode(value, place) end
      return string.find(text, "[in]") and '"' .. text .. '"' or text
    end
    if kind == "boolean" then return tostring(value) end
    if kind == "userdata" and value ~= null then value = tostring(value) end
    if binary and kind == "string" then value = base64.encode(value) end
    return core.json_encode(value, place)
  end
end

return values
