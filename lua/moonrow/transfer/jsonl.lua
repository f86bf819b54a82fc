-- jsonl.lua: JSON lines: an object of JSON on each line.
--
-- Invariant: one line is in memory at a time, and the piece of text that it stands in.

local core = ...

local jsonl = {}

-- jsonl.reader(pieces): fn() gives the next line that is not blank, and its number; nil at the end.
function jsonl.reader(pieces)
  local text, at, number, ended = "", 1, 0, false
  local function more()
    local parts = { string.sub(text, at) }
    local size, least = #parts[1], math.max(2 * #parts[1], 4096)
    while size < least do
      local piece = pieces()
      if not piece then
        ended = true
        break
      end
      parts[#parts + 1] = piece
      size = size + #piece
    end
    text, at = table.concat(parts), 1
  end
  local function next_line()
    local stop = string.find(text, "\n", at, true)
    while not stop and not ended do
      more()
      stop = string.find(text, "\n", at, true)
    end
    if not stop and at > #text then return nil end
    local line = string.sub(text, at, (stop or 0) - 1)
    at, number = (stop or #text) + 1, number + 1
    if number == 1 then line = string.gsub(line, "^\xEF\xBB\xBF", "") end
    return line
  end
  return function()
    local line
    repeat line = next_line() until not line or string.find(line, "%S")
    return line, number
  end
end

-- jsonl.decode(line, place): the table of the line. place: "line 3".
function jsonl.decode(line, place)
  local value, ok, why = core.json_decode(line)
  if not ok then core.raise("DataError", string.format("%s: no JSON: %s", place, why)) end
  if type(value) ~= "table" or getmetatable(value) ~= nil then -- an array has one
    core.raise("DataError", string.format('%s: an object of JSON is wanted, { "name": value }', place))
  end
  return value
end

-- jsonl.writer(names): fn(texts, n) gives the line of the values' JSON, with its end. A nil is left out.
function jsonl.writer(names)
  local keys = {}
  for i, name in ipairs(names) do keys[i] = core.json_encode(name, "export") .. ":" end
  return function(texts, n)
    local parts = {}
    for i = 1, n do
      if texts[i] then parts[#parts + 1] = keys[i] .. texts[i] end
    end
    return "{" .. table.concat(parts, ",") .. "}\n"
  end
end

return jsonl
