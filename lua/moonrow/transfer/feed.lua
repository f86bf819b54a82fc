-- feed.lua: the records of CSV, JSON lines and an array of JSON as rows for an INSERT.
--
-- Invariant: a feed has read() -> record, place, and row(record, place) -> row or nil; what is wrong with one record is
-- raised by row, and read goes on behind it.

local core, require = ...
local options = require "moonrow.options"
local csv_reader = require "moonrow.transfer.csv_reader"
local json_array = require "moonrow.transfer.json_array"
local jsonl = require "moonrow.transfer.jsonl"
local to_table = require "moonrow.to_table"
local values = require "moonrow.transfer.values"

local feed = {}

local null = core.null

-- ---------------------------------------------------------------- columns

-- The columns that rows of the class or table may have: by name, and by the names that they have in the database.
local function columns_of(target)
  local by_name, stored = {}, {}
  local list = core.type_name(target) == "Table" and core.table_columns(target) or to_table.attributes(target)
  for _, column in ipairs(list) do
    if column.kind == "column" then
      by_name[column.name] = column
      if column.column then stored[column.column] = column.name end
    end
  end
  return by_name, stored
end

local function title_of(target) return core.type_name(target) == "Table" and tostring(target) or target.__name end

local function no_column(target, by_name, name, place)
  core.raise("ArgumentError", string.format("%s%s has no column '%s'%s", place, title_of(target), tostring(name),
    core.hint(tostring(name), by_name)))
end

-- The option columns: a list of names, and a table of other names for those of the source (false: left out).
local function names_of(given)
  if given == nil then return nil, {} end
  if type(given) ~= "table" or getmetatable(given) then
    options.expect("import: columns", "a list of names, or a table of names by those of the source", given)
  end
  if #given > 0 then return given, {} end
  return nil, given
end

local function renamed(names, name)
  if names[name] ~= nil then return names[name] end
  return name
end

-- ---------------------------------------------------------------- rows

-- The function that makes values of a record: what its columns read, in place.
local function maker(target, by_name, given, readers, nothing)
  local title, map = title_of(target), given.map
  return function(record, place)
    place = "line " .. place
    if map then
      record = map(record)
      if record == nil then return nil end
      if type(record) ~= "table" then options.expect(place .. ": what map gives", "a table (a row), or nil", record) end
    end
    for name, value in next, record do
      local read = readers[name]
      if read == nil then no_column(target, by_name, name, place .. ": ") end
      if not read then record[name] = nil
      elseif value == null then record[name] = nothing(by_name[name])
      else record[name] = read(value, place .. ": " .. title .. "." .. name)
      end
    end
    return record
  end
end

-- By name: what reads the values of the column; false for a column that the database computes.
local function readers_of(by_name, make)
  local readers = {}
  for name, column in pairs(by_name) do readers[name] = not column.computed and make(column) end
  return readers
end

-- ---------------------------------------------------------------- CSV

local function character(given, name, default)
  local value = options.typed("import", given, name, "string") or default
  feed.check_character("import", name, value)
  return value
end

-- feed.check_character(function's name, option's name, value): one character between fields, or around them.
function feed.check_character(what, name, value)
  if #value ~= 1 or string.find(value, "[%w\r\n]") or name == "quote" and not string.find(value, "[\"']") then
    options.expect(what .. ": " .. name, name == "quote" and "'\"' or \"'\"" or "one character, as ';' or '\\t'", value)
  end
  return value
end

-- The names of the fields: those that are given, or those of the first line. false: the field is left out.
local function header_of(reader, target, by_name, stored, given)
  local list, names = names_of(given.columns)
  local header = options.typed("import", given, "header", "boolean")
  if header == nil then header = list == nil end
  local found = header and { reader:record() }
  if not list and not header then
    core.raise("ArgumentError", "import: without a header the columns are named by columns = { ... }, in their order")
  end
  local fields = list or {}
  if not list then
    for i = 1, found[2] or 0 do
      fields[i] = renamed(names, found[1][i] or "")
      if fields[i] and not by_name[fields[i]] and not given.map then fields[i] = stored[fields[i]] or fields[i] end
    end
  end
  local seen = {}
  for _, name in ipairs(fields) do
    if name and not by_name[name] and not given.map then no_column(target, by_name, name, "import: ") end
    if name and seen[name] then
      core.raise("ArgumentError", string.format("import: the column '%s' is there twice", name))
    end
    seen[name] = true
  end
  return fields
end

local function is_blank(fields, n, wanted) return n == 1 and not fields[1] and wanted ~= 1 end

-- feed.csv(target, pieces, given): the feed of CSV.
function feed.csv(target, pieces, given)
  local by_name, stored = columns_of(target)
  local reader = csv_reader.new(pieces, character(given, "delimiter", given.tabs and "\t" or ","),
    character(given, "quote", '"'))
  local header = header_of(reader, target, by_name, stored, given)
  local wanted = #header
  local make = maker(target, by_name, given, readers_of(by_name, values.of_text), values.of_nothing)
  local function read()
    local fields, n, line
    repeat fields, n, line = reader:record() until not fields or not is_blank(fields, n, wanted)
    if fields then fields.n = n end
    return fields, line
  end
  local function row(fields, line)
    if fields.n ~= wanted then
      core.raise("DataError", string.format("line %d: %d fields, where %d are named", line, fields.n, wanted))
    end
    local record = {}
    for i = 1, wanted do
      local name = header[i]
      if name then record[name] = fields[i] or null end
    end
    return make(record, line)
  end
  return { read = read, row = row, word = "line" }
end

-- ---------------------------------------------------------------- JSON

local function same(value) return value ~= nil and null end

-- The feed of objects of JSON, whose texts are given by read().
local function json_feed(target, read, given)
  local by_name = columns_of(target)
  local list, names = names_of(given.columns)
  local wanted = list and options.set(list)
  local make = maker(target, by_name, given, readers_of(by_name, values.of_json), same)
  local function row(line, number)
    local record = jsonl.decode(line, "line " .. number)
    local found = {}
    for name, value in next, record do
      name = renamed(names, name)
      if name and (not wanted or wanted[name]) then found[name] = value end
    end
    return make(found, number)
  end
  return { read = read, row = row, word = "line" }
end

-- feed.jsonl(target, pieces, given), feed.json(target, pieces, given): the feed of JSON lines, and that of an array.
function feed.jsonl(target, pieces, given) return json_feed(target, jsonl.reader(pieces), given) end
function feed.json(target, pieces, given) return json_feed(target, json_array.reader(pieces), given) end

return feed
