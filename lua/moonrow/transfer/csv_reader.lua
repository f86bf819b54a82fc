-- csv_reader.lua: CSV, by RFC 4180: fields in quotes may have delimiters, line breaks and doubled quotes in them.
--
-- Invariant: one record is in memory at a time, and the piece of text that it stands in. A field without quotes that
-- is empty is false, one with quotes is "": NULL and the empty text stay apart.

local core = ...

local csv_reader = {}

local MOST = 256 * 1024 * 1024 -- bytes of a record: a quote that is never closed must not read the whole file

local Reader = {}
Reader.__index = Reader

-- csv_reader.new(pieces, delimiter, quote): pieces() gives the next piece of text, or nil. delimiter, quote: one
-- character each, which is no letter or digit.
function csv_reader.new(pieces, delimiter, quote)
  return setmetatable({ pieces = pieces, delimiter = delimiter, quote = quote, text = "", at = 1, line = 1, from = 1 },
    Reader)
end

local function fail(line, message, ...)
  core.raise("DataError", string.format(message, line, ...))
end

-- Reads on, so that what is left of the text becomes at least twice as long; false at the end.
function Reader:more()
  if self.ended then return false end
  local rest = string.sub(self.text, self.at)
  local parts, size = { rest }, #rest
  if size > MOST then
    fail(self.line, "line %d: a record of more than 256 MB: a quote that is opened there is not closed")
  end
  repeat
    local piece = self.pieces()
    if not piece then
      self.ended = true
      break
    end
    parts[#parts + 1] = piece
    size = size + #piece
  until size >= 2 * #rest and size >= 4096
  self.text, self.at = table.concat(parts), 1
  return size > #rest
end

-- The text begins with what says how it is encoded, or does not.
function Reader:skip_mark()
  while #self.text < 3 and self:more() do end
  local mark = string.sub(self.text, 1, 2)
  if mark == "\xFF\xFE" or mark == "\xFE\xFF" then
    fail(1, "line %d: the text is UTF-16: write it as UTF-8")
  end
  if string.sub(self.text, 1, 3) == "\xEF\xBB\xBF" then self.at = 4 end
  self.begun = true
end

-- The fields of a line without quotes.
local function split(line, delimiter)
  local fields, n, at = {}, 0, 1
  while true do
    local found = string.find(line, delimiter, at, true)
    local field = string.sub(line, at, (found or 0) - 1)
    n = n + 1
    fields[n] = field ~= "" and field
    if not found then return fields, n end
    at = found + 1
  end
end

-- The end of the field in quotes that begins at `at`: the place behind its closing quote; nil: it is not in the text.
local function closing(text, at, quote)
  at = at + 1
  while true do
    local found = string.find(text, quote, at, true)
    if not found or found == #text then return nil, found end
    if string.sub(text, found + 1, found + 1) ~= quote then return found + 1 end
    at = found + 2
  end
end

-- The fields of a record that has quotes, which begins at self.at; nil: it is longer than the text. Sets self.at behind
-- it.
function Reader:quoted_record()
  local text, delimiter, quote = self.text, self.delimiter, self.quote
  local fields, n, at = {}, 0, self.at
  while true do
    local field, ended
    if string.sub(text, at, at) == quote then
      local behind, last = closing(text, at, quote)
      if not behind and not self.ended then return nil end
      if not behind and not last then
        fail(self.line + select(2, string.gsub(string.sub(text, self.at, at), "\n", "")),
          "line %d: field %d: the quote that it begins with is not closed", n + 1)
      end
      behind = behind or #text + 1
      field = string.gsub(string.sub(text, at + 1, behind - 2), quote .. quote, quote)
      at = behind
    else
      local stop = string.find(text, "[" .. "%" .. delimiter .. "\n]", at)
      if not stop and not self.ended then return nil end
      field = string.sub(text, at, (stop or 0) - 1)
      if (not stop or string.sub(text, stop, stop) == "\n") and string.sub(field, -1) == "\r" then
        field = string.sub(field, 1, -2)
      end
      field = field ~= "" and field
      at = stop or #text + 1
    end
    n = n + 1
    fields[n] = field
    local next_byte = string.sub(text, at, at)
    if next_byte == "\r" and string.sub(text, at + 1, at + 1) == "" and not self.ended then return nil end
    if next_byte == "\r" and string.find(text, "^\n", at + 1) or next_byte == "\r" and at == #text then
      at, next_byte = at + 1, "\n"
    end
    ended = next_byte == "\n" or next_byte == ""
    if ended then
      self.at = at + 1
      return fields, n
    elseif next_byte ~= delimiter then
      fail(self.line, "line %d: field %d: text behind its closing quote (a quote within it is written twice)", n)
    end
    at = at + 1
  end
end

-- reader:record(): the fields of the next record (false: empty and without quotes), how many, and its line; nil at the
-- end.
function Reader:record()
  if not self.begun then self:skip_mark() end
  local stop = string.find(self.text, "\n", self.at, true)
  while not stop and self:more() do stop = string.find(self.text, "\n", self.at, true) end
  if not stop and self.at > #self.text then return nil end
  local line = string.sub(self.text, self.at, (stop or 0) - 1)
  local number = self.line
  if not string.find(line, self.quote, 1, true) then
    self.at, self.line = (stop or #self.text) + 1, number + 1
    if string.sub(line, -1) == "\r" then line = string.sub(line, 1, -2) end
    local fields, n = split(line, self.delimiter)
    return fields, n, number
  end
  local fields, n = self:quoted_record()
  while not fields do
    self:more()
    fields, n = self:quoted_record()
  end
  local breaks = 1
  for i = 1, n do
    if fields[i] then breaks = breaks + select(2, string.gsub(fields[i], "\n", "")) end
  end
  self.line = number + breaks
  return fields, n, number
end

return csv_reader
