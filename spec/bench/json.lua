-- json.lua: writes Lua values as JSON with sorted keys and indentation, for the reports of the benchmarks.

local json = {}

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return escapes[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function number(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if value ~= value or value == math.huge or value == -math.huge then return "null" end
  return ("%.9g"):format(value)
end

local encode

-- A list that contains no tables is written on one line.
local function encode_list(list, indent)
  local parts, simple = {}, true
  for i, item in ipairs(list) do
    simple = simple and type(item) ~= "table"
    parts[i] = encode(item, indent .. "  ")
  end
  if simple then return "[" .. table.concat(parts, ", ") .. "]" end
  return "[\n  " .. indent .. table.concat(parts, ",\n  " .. indent) .. "\n" .. indent .. "]"
end

local function encode_object(object, indent)
  local keys, parts = {}, {}
  for key in pairs(object) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = quoted(key) .. ": " .. encode(object[key], indent .. "  ") end
  return "{\n  " .. indent .. table.concat(parts, ",\n  " .. indent) .. "\n" .. indent .. "}"
end

function encode(value, indent)
  if type(value) == "table" then
    if value[1] ~= nil or next(value) == nil then return encode_list(value, indent) end
    return encode_object(value, indent)
  end
  if type(value) == "string" then return quoted(value) end
  if type(value) == "number" then return number(value) end
  return tostring(value)
end

---Renders a value. An empty table is an empty list.
---@param value table|string|number|boolean
---@return string
function json.encode(value) return encode(value, "") end

return json
