-- grid.lua: rows of texts as a table that fits a window: columns side by side, cut where the window ends, or, where
-- there are too many of them, each row as lines of its own.
--
-- Invariant: no line is wider than the window, but for a window narrower than a name.

local grid = {}

local GAP, NARROWEST, LEAST_VALUE = 2, 6, 10

-- Code points that take two places, and none.
local wide = { { 0x1100, 0x115F }, { 0x2E80, 0xA4CF }, { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF }, { 0xFE30, 0xFE6F },
  { 0xFF00, 0xFF60 }, { 0xFFE0, 0xFFE6 }, { 0x1F300, 0x1FAFF }, { 0x20000, 0x3FFFD } }
local none = { { 0x300, 0x36F }, { 0x200B, 0x200F }, { 0xFE00, 0xFE0F } }

local function is_in(ranges, code)
  for _, range in ipairs(ranges) do
    if code >= range[1] and code <= range[2] then return true end
  end
  return false
end

local function places(code)
  if code < 0x300 then return 1 end
  return is_in(none, code) and 0 or is_in(wide, code) and 2 or 1
end

local CHARACTER = "[\0-\x7F\xC0-\xFF][\x80-\xBF]*"

-- The code point of a character of UTF-8.
local function code_of(character)
  local first, rest = character:byte(), #character - 1
  local code = rest == 0 and first or first & (0x3F >> rest)
  for i = 2, #character do code = code << 6 | character:byte(i) & 0x3F end
  return code
end

-- width(text): the places that it takes on a terminal.
function grid.width(text)
  if not text:find "[\x80-\xFF]" then return #text end
  local sum = 0
  for character in text:gmatch(CHARACTER) do sum = sum + places(code_of(character)) end
  return sum
end

-- cut(text, most): the text, or its beginning and "…", in at most so many places.
function grid.cut(text, most)
  if grid.width(text) <= most then return text end
  local parts, sum = {}, 1
  for character in text:gmatch(CHARACTER) do
    sum = sum + places(code_of(character))
    if sum > most then break end
    parts[#parts + 1] = character
  end
  return table.concat(parts) .. "…"
end

local function padded(text, width, right)
  local space = (" "):rep(width - grid.width(text))
  return right and space .. text or text .. space
end

-- The columns' widths: as wide as what is in them; the widest give up places until all fit. nil: they cannot.
local function widths_of(names, rows, window)
  local widths, sum = {}, GAP * (#names - 1)
  for i, name in ipairs(names) do
    local most = grid.width(name)
    for _, row in ipairs(rows) do most = math.max(most, grid.width(row[i])) end
    widths[i] = most
    sum = sum + most
  end
  while sum > window do
    local widest = 1
    for i = 2, #widths do if widths[i] > widths[widest] then widest = i end end
    if #widths == 0 or widths[widest] <= NARROWEST then return nil end
    widths[widest] = widths[widest] - 1
    sum = sum - 1
  end
  return widths
end

local function beside(names, rows, widths, right, head)
  local lines = {}
  local function add(cells, mark)
    local parts = {}
    for i, width in ipairs(widths) do
      local last = i == #widths and not right[i]
      local text = grid.cut(cells[i], width)
      parts[i] = mark(last and text or padded(text, width, right[i]))
    end
    lines[#lines + 1] = table.concat(parts, (" "):rep(GAP))
  end
  add(names, head)
  local rules = {}
  for i, width in ipairs(widths) do rules[i] = ("-"):rep(width) end
  add(rules, head)
  for _, row in ipairs(rows) do add(row, function(text) return text end) end
  return lines
end

-- below(names, row, window, head): one row, a line for each value.
function grid.below(names, row, window, head)
  local widest, lines = 0, {}
  for _, name in ipairs(names) do widest = math.max(widest, grid.width(name)) end
  for i, name in ipairs(names) do
    local room = math.max(window - widest - 2 * GAP, LEAST_VALUE)
    lines[i] = (" "):rep(GAP) .. head(padded(name, widest)) .. (" "):rep(GAP) .. grid.cut(row[i], room)
  end
  return lines
end

-- lines(names, rows, window, right, head): the lines of a table. names: of the columns; rows: lists of as many texts;
-- window: its width; right[i]: is column i set to the right; head(text): marks what belongs to the head.
function grid.lines(names, rows, window, right, head)
  local widths = widths_of(names, rows, window)
  if widths then return beside(names, rows, widths, right, head) end
  local lines = {}
  for i, row in ipairs(rows) do
    lines[#lines + 1] = head("-- " .. i)
    table.move(grid.below(names, row, window, head), 1, #names, #lines + 1, lines)
  end
  return lines
end

return grid
