-- json_array.lua: the objects of one array of JSON, one after the other: [ { ... }, { ... } ].
--
-- Invariant: one object is in memory at a time, and the piece of text that it stands in. What is not an array of
-- objects is refused with its line.

local core = ...

local json_array = {}

local SPACE = "[ \t\r\n]*"

local function refuse(line, wanted) core.raise("DataError", string.format("line %d: %s", line, wanted)) end

-- What is read: the text that is there, the place in it, and the line of that place.
local Reader = {}
Reader.__index = Reader

-- Forgets what was read, and adds as much as there is, so that an object of any size is put together in few steps;
-- false at the end.
function Reader:more()
  local parts = { string.sub(self.text, self.at) }
  local size, least = 0, #parts[1]
  repeat
    local piece = self.pieces()
    if not piece then break end
    parts[#parts + 1] = piece
    size = size + #piece
  until size >= least
  self.text, self.at = table.concat(parts), 1
  return #parts > 1
end

local function count_lines(text, from, to)
  local n, at = 0, from
  while true do
    at = string.find(text, "\n", at, true)
    if not at or at > to then return n end
    n, at = n + 1, at + 1
  end
end

function Reader:skip_to(at)
  self.line = self.line + count_lines(self.text, self.at, at - 1)
  self.at = at
end

-- The next character that is no space, or nil at the end; the place is behind the spaces.
function Reader:peek()
  while true do
    local _, stop = string.find(self.text, "^" .. SPACE, self.at)
    self:skip_to(stop + 1)
    if self.at <= #self.text then return string.sub(self.text, self.at, self.at) end
    if not self:more() then return nil end
  end
end

-- The text of the object that begins at the place, and its line. It ends with the bracket that closes the first one;
-- what is in it is for the decoder.
function Reader:object()
  local line, depth, at = self.line, 0, self.at
  while true do
    local found = string.find(self.text, '["{}]', at)
    local c = found and string.sub(self.text, found, found)
    if c == '"' then
      local stop = string.find(self.text, '["\\]', found + 1)
      while stop and string.sub(self.text, stop, stop) == "\\" do
        stop = string.find(self.text, '["\\]', stop + 2)
      end
      if stop then at = stop + 1 else found, at = nil, found end
    elseif c then
      depth, at = depth + (c == "{" and 1 or -1), found + 1
      if depth == 0 then
        local text = string.sub(self.text, self.at, found)
        self:skip_to(found + 1)
        return text, line
      end
    end
    if not found then
      local behind = (c and at or #self.text + 1) - self.at
      if not self:more() then refuse(line, "the object has no end") end
      at = self.at + behind
    end
  end
end

-- json_array.reader(pieces): fn() gives the text of the next object, and its line; nil at the end. pieces: fn() gives
-- the next piece of text.
function json_array.reader(pieces)
  local self = setmetatable({ pieces = pieces, text = "", at = 1, line = 1 }, Reader)
  local begun, ended = false, false
  local function begin()
    begun = true
    self:peek()
    if string.sub(self.text, self.at, self.at + 2) == "\xEF\xBB\xBF" then self.at = self.at + 3 end
    if self:peek() ~= "[" then refuse(self.line, "an array of JSON is wanted, [ { ... }, { ... } ]") end
    self.at = self.at + 1
    return self:peek()
  end
  local function finish()
    self.at, ended = self.at + 1, true
    if self:peek() then refuse(self.line, "something stands behind the array") end
  end
  return function()
    if ended then return nil end
    local first = not begun
    local c
    if first then c = begin() else c = self:peek() end
    if c == "]" then return finish() end
    if not first then
      if c ~= "," then refuse(self.line, c and "a comma is wanted between objects" or "the array has no end") end
      self.at = self.at + 1
      c = self:peek()
    end
    if not c then refuse(self.line, "the array has no end") end
    if c ~= "{" then refuse(self.line, 'an object of JSON is wanted, { "name": value }') end
    return self:object()
  end
end

return json_array
