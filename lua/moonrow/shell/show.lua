-- show.lua: values as the shell prints them: lists of rows and objects as tables, plain tables in Lua's own form,
-- everything else as print does.
--
-- Invariant: nothing is loaded or changed by being shown; but a result's rows, which are taken once, are taken.

local core, require = ...
local grid = require "moonrow.shell.grid"
local keywords = require "moonrow.keywords"

local show = {}

local MOST_ROWS, MOST_ITEMS, DEEPEST = 100, 50, 5
local DIM, PLAIN = "\27[2m", "\27[0m"

local function unmarked(text) return text end
local function dimmed(text) return DIM .. text .. PLAIN end

-- ---------------------------------------------------------------- plain tables

local function quoted(text)
  local escapes = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ['"'] = '\\"', ["\\"] = "\\\\" }
  return '"' .. text:gsub('[%c"\\]', function(c) return escapes[c] or ("\\x%02X"):format(c:byte()) end) .. '"'
end

local function key_text(key, text_of)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" and not keywords[key] then return key end
  return "[" .. text_of(key) .. "]"
end

-- Keys beyond the list's, in an order that stays: by type, then by value.
local function keys_of(value)
  local keys = {}
  for key in next, value do
    if math.type(key) ~= "integer" or key < 1 or key > #value then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b)
    local first, second = type(a), type(b)
    if first ~= second then return first < second end
    if first == "number" or first == "string" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

-- Is the table to be shown by what is in it? One with __tostring says itself what it is.
local function is_plain(value)
  if type(value) ~= "table" then return false end
  local meta = getmetatable(value)
  return type(meta) ~= "table" or meta.__tostring == nil and meta.__name == nil
end

local table_text

local function text_of(value, depth, seen, window)
  if type(value) == "string" then return quoted(value) end
  if not is_plain(value) then return tostring(value) end
  if seen[value] then return "{ ... itself }" end
  if depth > DEEPEST then return "{ ... }" end
  return table_text(value, depth, seen, window)
end

function table_text(value, depth, seen, window)
  seen[value] = true
  local items, length, keys = {}, rawlen(value), keys_of(value)
  local function add(text) items[#items + 1] = text end
  for i = 1, math.min(length, MOST_ITEMS) do add(text_of(rawget(value, i), depth + 1, seen, window)) end
  if length > MOST_ITEMS then add(("... %d more"):format(length - MOST_ITEMS)) end
  for i = 1, math.min(#keys, MOST_ITEMS) do
    local key = keys[i]
    add(key_text(key, function(k) return text_of(k, DEEPEST + 1, seen, window) end) .. " = "
      .. text_of(rawget(value, key), depth + 1, seen, window))
  end
  if #keys > MOST_ITEMS then add(("... %d more"):format(#keys - MOST_ITEMS)) end
  seen[value] = nil
  if #items == 0 then return "{}" end
  local line = "{ " .. table.concat(items, ", ") .. " }"
  local indent = ("  "):rep(depth)
  if #line + #indent <= window and not line:find "\n" then return line end
  return "{\n" .. indent .. table.concat(items, ",\n" .. indent) .. "\n" .. ("  "):rep(depth - 1) .. "}"
end

-- ---------------------------------------------------------------- rows and objects

-- A value in a cell: in one line.
local function cell(value)
  if value == nil or value == core.null then return "NULL" end
  local text = type(value) == "table" and is_plain(value) and text_of(value, 1, {}, math.huge) or tostring(value)
  return (text:gsub("\n", " "):gsub("%c", function(c) return ("\\x%02X"):format(c:byte()) end))
end

local function is_row(value) return type(value) == "userdata" and getmetatable(value) == "moonrow Row" end

local function is_result(value) return type(value) == "userdata" and getmetatable(value) == "moonrow Result" end

local is_object = core.is_object

local function is_number(value)
  return type(value) == "number" or type(value) == "userdata" and tostring(value):find "^%-?%d+%.?%d*$" ~= nil
end

-- The names and the values of a row or an object.
local function parts_of(value)
  local names, values = {}, {}
  for name, part in pairs(value) do
    names[#names + 1] = tostring(name)
    values[#values + 1] = part == nil and core.null or part
  end
  return names, values
end

-- The names and the rows of cells of a list of rows or objects; objects of several classes have their columns together.
local function cells_of(list, most)
  local names, places, rows, numbers = {}, {}, {}, {}
  for i = 1, most do
    local own, values = parts_of(list[i])
    local row = {}
    for k, name in ipairs(own) do
      local place = places[name] or #names + 1
      places[name], names[place] = place, name
      row[place] = cell(values[k])
      if numbers[place] ~= false and values[k] ~= core.null then numbers[place] = is_number(values[k]) end
    end
    rows[i] = row
  end
  for _, row in ipairs(rows) do
    for place = 1, #names do row[place] = row[place] or "" end
  end
  return names, rows, numbers
end

local function count_text(n, what, shown)
  local text = ("(%d %s%s"):format(n, what, n == 1 and "" or "s")
  return shown < n and ("%s; the first %d are shown)"):format(text, shown) or text .. ")"
end

-- A list whose items are all rows, or all objects; nil: it is none.
local function kind_of_list(list)
  local kind
  for i = 1, #list do
    local item = list[i]
    local this = is_row(item) and "row" or is_object(item) and "object" or nil
    if not this or kind and kind ~= this then return nil end
    kind = this
  end
  return kind
end

local function list_text(list, kind, state)
  local shown = math.min(#list, MOST_ROWS)
  local names, rows, right = cells_of(list, shown)
  local head = state.colour and dimmed or unmarked
  local lines = grid.lines(names, rows, state.host.width(), right, head)
  lines[#lines + 1] = head(count_text(#list, kind, shown))
  return table.concat(lines, "\n")
end

local function object_text(value, state)
  local names, values = parts_of(value)
  for i, part in ipairs(values) do values[i] = cell(part) end
  local lines = grid.below(names, values, state.host.width(), state.colour and dimmed or unmarked)
  table.insert(lines, 1, tostring(value))
  return table.concat(lines, "\n")
end

-- ---------------------------------------------------------------- statements

local function is_record(value)
  return type(value) == "table" and type(rawget(value, 1)) == "table" and rawget(value[1], "statement") ~= nil
end

local function record_text(list)
  local lines = {}
  for i, entry in ipairs(list) do
    lines[#lines + 1] = ("%d  %.3f ms  %s"):format(i, (entry.duration or 0) * 1000, tostring(entry.statement))
    local parameters = entry.parameters
    if type(parameters) == "table" and #parameters > 0 then
      lines[#lines + 1] = "   with " .. text_of({ table.unpack(parameters, 1, #parameters) }, 1, {}, math.huge)
    end
  end
  return table.concat(lines, "\n")
end

-- ---------------------------------------------------------------- values

-- One value for a terminal; nil: as print does.
local function on_terminal(value, state)
  if is_row(value) or is_object(value) then return object_text(value, state) end
  if type(value) ~= "table" or is_record(value) then return nil end
  if #value == 0 then return nil end
  local kind = kind_of_list(value)
  return kind and list_text(value, kind, state)
end

local function one(value, state)
  if is_result(value) and value.returns_rows then value = value:all() end
  local text = state.terminal and on_terminal(value, state)
  if text then return text end
  if is_record(value) then return record_text(value) end
  if is_plain(value) then return text_of(value, 1, {}, state.host.width()) end
  return tostring(value)
end

-- values(list, state): the text of the values that a line has given, list.n of them.
function show.values(list, state)
  local texts = {}
  for i = 1, list.n do texts[i] = one(list[i], state) end
  return table.concat(texts, "\t")
end

return show
