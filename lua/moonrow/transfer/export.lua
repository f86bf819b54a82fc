-- export.lua: query:export: the rows of a query as CSV or JSON lines.
--
-- Invariant: a piece of the rows is in memory at a time; session:import reads what is written as equal values. A file
-- that was opened here is closed, whatever happens.

local core, require = ...
local options = require "moonrow.options"
local csv_writer = require "moonrow.transfer.csv_writer"
local feed = require "moonrow.transfer.feed"
local jsonl = require "moonrow.transfer.jsonl"
local progress = require "moonrow.transfer.progress"
local source = require "moonrow.transfer.source"
local to_table = require "moonrow.to_table"
local values = require "moonrow.transfer.values"

local PIECE = 1000

-- ---------------------------------------------------------------- what is written

-- Adds the columns of objects of the class. prefix: "User." where a row has more than one thing in it. get(row): the
-- object.
local function add_class(found, class, prefix, get)
  for _, attribute in ipairs((to_table.attributes(class))) do
    if attribute.kind == "column" then
      local name = attribute.name
      found[#found + 1] = { name = prefix .. name, type = attribute.type, decorated = attribute.decorated,
        deferred = attribute.deferred and class[name],
        get = function(row)
          local object = get(row)
          return object and object[name]
        end }
    end
  end
end

local function itself(row) return row end

-- All that a row of the query has: a list of { name =, type =, get = fn(row) }.
local function all_columns(query)
  local items, found = core.query_items(query), {}
  if #items == 1 and items[1].class then
    add_class(found, items[1].class, "", itself)
    return found, items[1].class
  end
  for i, item in ipairs(items) do
    local function get(row) return row[i] end
    if item.class then
      add_class(found, item.class, item.name .. ".", get)
    else
      item.name, item.get = item.name or "column_" .. i, get
      found[#found + 1] = item
    end
  end
  return found
end

-- An attribute that is no column: a hybrid, say.
local function attribute_of(class, name)
  local _, by_name = to_table.attributes(class)
  local attribute = by_name[name]
  if attribute and attribute.kind == "relationship" then
    core.raise("ArgumentError", string.format("export: %s.%s is a relationship: name columns", class.__name, name))
  end
  if not attribute and core.descriptors(class)[name] == nil then return nil end
  return { name = name, get = function(object) return object[name] end }
end

-- The columns that the option names, in its order.
local function chosen(given, all, class)
  if given == nil then return all end
  if type(given) ~= "table" or getmetatable(given) or #given == 0 then
    options.expect("export: columns", "a list of names", given)
  end
  local by_name, found = {}, {}
  for _, column in ipairs(all) do by_name[column.name] = column end
  for i, name in ipairs(given) do
    found[i] = by_name[name] or class and attribute_of(class, name)
    if not found[i] then
      core.raise("ArgumentError", string.format("export: the query has no column '%s'%s", tostring(name),
        core.hint(tostring(name), by_name)))
    end
  end
  return found
end

-- ---------------------------------------------------------------- writing

-- The function that gives the text of a row, and that of the header or nil.
local function writer_of(format, columns, given)
  local make = format == "csv" and values.to_text or values.to_json
  local names, texts_of, n = {}, {}, #columns
  for i, column in ipairs(columns) do names[i], texts_of[i] = column.name, make(column) end
  local write, header
  if format == "csv" then
    local delimiter = options.typed("export", given, "delimiter", "string") or given.tabs and "\t" or ","
    write = csv_writer.new(feed.check_character("export", "delimiter", delimiter), '"')
    header = given.header ~= false and write(names, n) or nil
  else
    write = jsonl.writer(names)
  end
  return function(row, number)
    local texts = {}
    for i = 1, n do texts[i] = texts_of[i](columns[i].get(row), "row " .. number .. ": " .. names[i]) end
    return write(texts, n)
  end, header
end

local function put(file, text)
  local ok, why = file:write(text)
  if not ok then core.raise("OperationalError", "export: the file cannot be written: " .. tostring(why)) end
end

-- Writes the rows of the result. Returns how many.
local function write_all(result, file, write, header, told)
  local count = 0
  if header then put(file, header) end
  while true do
    local rows, lines = result:fetchmany(PIECE), {}
    if #rows == 0 then return count end
    for i = 1, #rows do lines[i] = write(rows[i], count + i) end
    put(file, table.concat(lines))
    count = count + #rows
    if told then told(count) end
  end
end

local formats = { csv = "csv", tsv = "csv", jsonl = "jsonl", ndjson = "jsonl" }

local function format_of(given)
  local format = options.typed("export", given, "format", "string")
  if format == nil and type(given.file) == "string" then format = string.match(string.lower(given.file), "%.(%w+)$") end
  if not formats[format] then options.expect("export: format", '"csv", "tsv" or "jsonl"', given.format) end
  given.tabs = format == "tsv"
  return formats[format]
end

-- query:export{ format =, file =, columns =, header =, delimiter =, progress = }: writes the rows of the query into the
-- file (its name, or an open file). Returns how many.
function core.Query:export(...)
  local given = options.read("export", { "format", "file", "columns", "header", "delimiter", "progress" }, 0, ...)
  local format = format_of(given)
  options.typed("export", given, "header", "boolean")
  if type(given.file) ~= "string" and not source.is_handle(given.file) then
    options.expect("export: file", "the name of a file, or an open file", given.file)
  end
  source.check_open("export", given.file)
  local columns = chosen(given.columns, all_columns(self))
  local write, header = writer_of(format, columns, given)
  local told, line <close> = progress.counter("export", given.progress) -- luacheck: ignore 211
  local query = self:yield_per(PIECE)
  for _, column in ipairs(columns) do
    if column.deferred then query = query:options(core.undefer(column.deferred)) end
  end
  local result = core.run_query("export", query)
  local opened = type(given.file) == "string" and source.open_file("export", given.file, "wb")
  local ok, count = pcall(write_all, result, opened or given.file, write, header, told)
  result:close()
  local closed, why = true, nil
  if opened then closed, why = opened:close() end
  if not ok then error(count, 0) end
  if not closed then core.raise("OperationalError", "export: the file cannot be written: " .. tostring(why)) end
  return count
end
