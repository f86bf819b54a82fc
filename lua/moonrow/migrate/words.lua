-- words.lua: SQL as a list of words, for reading definitions that SQLite keeps as text.
--
-- Invariant: what stands in quotes, and comments, is never taken for words of SQL.

local words = {}

local closing = { ["'"] = "'", ['"'] = '"', ["`"] = "`", ["["] = "]" }

-- The place of the last byte of what is quoted from `at` on. A quote that is doubled is one of the text.
local function end_of_quoted(sql, at)
  local close = closing[sql:sub(at, at)]
  local from = at + 1
  while true do
    local last = sql:find(close, from, true)
    if not last then return #sql end
    if close == "]" or sql:sub(last + 1, last + 1) ~= close then return last end
    from = last + 2
  end
end

-- The kind of the word at `at`, and its last byte; nil: a space or a comment.
local function next_word(sql, at)
  local c = sql:sub(at, at)
  if c:find "%s" then return nil, select(2, sql:find("^%s+", at)) end
  if sql:find("^%-%-", at) then return nil, sql:find("\n", at, true) or #sql end
  if sql:find("^/%*", at) then return nil, select(2, sql:find("*/", at + 2, true)) or #sql end
  if c == "'" then return "string", end_of_quoted(sql, at) end
  if closing[c] then return "name", end_of_quoted(sql, at) end
  if c:find "[%a_\128-\255]" then return "word", select(2, sql:find("^[%w_$\128-\255]+", at)) end
  if c:find "%d" or sql:find("^%.%d", at) then return "number", select(2, sql:find("^[%w.]+", at)) end
  return "symbol", at
end

-- words.read(sql): a list of { kind =, text =, from =, to = }. upper: of a word, its letters as capitals.
function words.read(sql)
  local list, at = {}, 1
  while at <= #sql do
    local kind, last = next_word(sql, at)
    if kind then
      local text = sql:sub(at, last)
      list[#list + 1] = { kind = kind, text = text, from = at, to = last,
        upper = kind == "word" and text:upper() or nil }
    end
    at = last + 1
  end
  return list
end

-- words.name(word): the name that it stands for. A text in ' is a name where SQLite wants one.
function words.name(word)
  local open = word.text:sub(1, 1)
  local close = closing[open]
  if not close or word.kind == "word" then return word.text end
  local inner = word.text:sub(2, -2)
  return close == "]" and inner or (inner:gsub(close .. close, close))
end

-- words.quoted(name): the name as SQL writes one, whatever is in it.
function words.quoted(name) return '"' .. name:gsub('"', '""') .. '"' end

-- words.list(names): several, with commas between them.
function words.list(names)
  local list = {}
  for i, name in ipairs(names) do list[i] = words.quoted(name) end
  return table.concat(list, ", ")
end

-- words.same(a, b): are the names of SQLite the same? Only ASCII's letters have two forms there.
function words.same(a, b)
  local function lower(name)
    return (name:gsub("%u", function(c) return string.char(c:byte() + 32) end))
  end
  return lower(a) == lower(b)
end

-- words.mentions(sql, name): does a word of the SQL, in quotes or not, say the name?
function words.mentions(sql, name)
  for _, word in ipairs(words.read(sql)) do
    if (word.kind == "word" or word.kind == "name") and words.same(words.name(word), name) then return true end
  end
  return false
end

return words
