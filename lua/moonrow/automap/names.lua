-- names.lua: names of classes and attributes, made of those of tables and columns.
--
-- Invariant: the same names in, the same names out. A name is one that can be written behind a point, and that no class
-- needs for itself.

local core, require = ...
local options = require "moonrow.options"
local keywords = require "moonrow.keywords"

local names = {}

-- ---------------------------------------------------------------- words

local reserved = options.set{ "query", "query_class", "metadata", "extend", "c", "to_table", "from_table" }

local plurals = { child = "children", person = "people", man = "men", woman = "women", mouse = "mice", foot = "feet",
  tooth = "teeth", index = "indexes", datum = "data" }
local unchanged = options.set{ "data", "metadata", "information", "equipment", "series", "species", "news", "media",
  "staff", "people", "children", "men", "women", "mice", "feet", "teeth" }
local singulars = { movies = "movie", cookies = "cookie" }
for one, many in pairs(plurals) do singulars[many] = one end

-- The last word of snake_case, and what stands in front of it.
local function last_word(name) return name:match "^(.-)([^_]*)$" end

-- A crs is one.
local function is_plural(word)
  return unchanged[word] or (#word > 3 and word:find "s$" and not word:find "[usi]s$") or false
end

-- names.plural "order_detail": "order_details"
function names.plural(name)
  local front, word = last_word(name)
  if plurals[word] then return front .. plurals[word] end
  if word == "" or is_plural(word) then return name end
  if word:find "[^aeiou]y$" then return front .. word:sub(1, -2) .. "ies" end
  if word:find "s$" or word:find "x$" or word:find "z$" or word:find "[cs]h$" then return name .. "es" end
  return name .. "s"
end

-- names.singular "categories": "category"
function names.singular(name)
  local front, word = last_word(name)
  if singulars[word] then return front .. singulars[word] end
  if unchanged[word] or not is_plural(word) then return name end
  if word:find "[^aeiou]ies$" and #word > 4 then return front .. word:sub(1, -4) .. "y" end
  if word:find "sses$" or word:find "xes$" or word:find "ches$" or word:find "shes$" then return name:sub(1, -3) end
  return name:sub(1, -2)
end

-- Letters, digits and underscores, the first one no digit.
local function written(name)
  name = name:gsub("[^%w_]", "_")
  if name == "" or name:find "^%d" then name = "_" .. name end
  return name
end

-- names.snake "OrderDetail": "order_detail"
function names.snake(name) return (core.snake_case(written(name)):gsub("__+", "_")) end

-- names.class "order details": "OrderDetails"
function names.class(name)
  if not name:find "%l" then name = name:lower() end
  local class = written(name):gsub("_*([^_]+)", function(word) return word:sub(1, 1):upper() .. word:sub(2) end)
  class = class:gsub("_+$", "")
  if class == "" or class:find "^[^%a]" then class = "T" .. class end
  return keywords[class] and class .. "_" or class
end

-- names.attribute "end": "end_"
function names.attribute(name)
  name = written(name)
  if name:find "^__" then name = name:gsub("^_+", "") .. "_" end
  if keywords[name] or reserved[name] then return name .. "_" end
  return name
end

-- names.stem "artist_id", "ArtistId": "artist"; nil: the name says nothing else than the column's own.
function names.stem(column)
  local snake = names.snake(column)
  for _, suffix in ipairs{ "_id", "_fk", "_key", "_code", "_uuid" } do
    local stem = snake:sub(1, -1 - #suffix)
    if stem ~= "" and snake:sub(-#suffix) == suffix then return stem end
  end
  if column ~= snake then return snake end
end

-- names.common{ "base_crs_auth_name", "base_crs_code" }: "base_crs"; nil: they have no words in common.
function names.common(columns)
  local words = {}
  for word in names.snake(columns[1]):gmatch "[^_]+" do words[#words + 1] = word end
  local n = #words - 1
  for _, column in ipairs(columns) do
    local i = 0
    for word in names.snake(column):gmatch "[^_]+" do
      if words[i + 1] ~= word or i >= n then break end
      i = i + 1
    end
    n = i
  end
  return n > 0 and table.concat(words, "_", 1, n) or nil
end

-- ---------------------------------------------------------------- what is taken

-- names.free(wanted, is_taken): the first of the wanted names that is free; else the last one, with a number.
function names.free(wanted, is_taken)
  for _, name in ipairs(wanted) do
    if not is_taken(name) then return name end
  end
  local last, number = wanted[#wanted], 2
  while is_taken(last .. "_" .. number) do number = number + 1 end
  return last .. "_" .. number
end

return names
