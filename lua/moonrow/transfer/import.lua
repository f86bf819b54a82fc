-- import.lua: session:import: rows of a list, an iterator, CSV or JSON are inserted without making objects.
--
-- Invariant: nothing is committed. Of a text, all rows go in or none, unless the program says that bad ones are left
-- out. No more than a batch of rows is in memory.

local core, require = ...
local options = require "moonrow.options"
local batches = require "moonrow.transfer.batches"
local feed = require "moonrow.transfer.feed"
local progress = require "moonrow.transfer.progress"
local source = require "moonrow.transfer.source"

local MOST = 100 -- errors that a report has

-- ---------------------------------------------------------------- rows as they are

-- A row of a query as a table, in which NULL has its name: left out, it would be the column's default.
local function table_of(row)
  local values = {}
  for i, name in ipairs(row:keys()) do
    local value = row[i]
    if value == nil then value = core.null end
    values[name] = value
  end
  return values
end

-- Is it a plain list, or one that a query gave? (That one has __call, to say that a loop over it needs ipairs.)
local function is_list(rows)
  if type(rows) ~= "table" then return false end
  local meta = getmetatable(rows)
  return meta == nil or type(meta) == "table" and meta.__name == "List"
end

-- A nil in the list is no end: the rows behind it would be left out. So would what has a name.
local function list_source(list)
  local i, n = 0, #list
  for place in next, list do
    if math.type(place) ~= "integer" then
      core.raise("ArgumentError", string.format("import: the list of rows has the key '%s': "
        .. "options stand behind the list, import(Class, rows, { batch = 1000 })", tostring(place)))
    end
    if place > n then n = place end
  end
  return function()
    i = i + 1
    if i <= n and list[i] == nil then options.expect("import: item " .. i .. " of the list", "a table (a row)", nil) end
    return list[i]
  end
end

-- The feed of an iterator that gives tables or rows.
local function feed_of_rows(iterator)
  local n = 0
  local function read()
    local row = iterator()
    if row == nil then return nil end
    n = n + 1
    if core.type_name(row) == "Row" then row = table_of(row) end
    if type(row) == "string" then
      core.raise("ArgumentError", 'import: the iterator gives a string: lines of text need format = "csv", '
        .. '"jsonl" or "json"')
    end
    if type(row) ~= "table" then options.expect("import: what the iterator gives", "a table (a row)", row) end
    return row, n
  end
  return { read = read, row = function(row) return row end, word = "row" }
end

-- ---------------------------------------------------------------- arguments

-- The arguments of import. The values that query:iter() gives to a loop may stand in place of its function alone; a row
-- that stands where the list is wanted would be read as options, and an empty list, too.
local function arguments(...)
  local class, rows, state = ...
  if select("#", ...) == 2 and type(rows) == "table" and next(rows) == nil then return class, rows, {} end
  if core.type_name(state) == "Result" and options.is_callable(rows) then return class, rows end
  if select("#", ...) == 2 and class ~= nil and type(rows) == "table" and getmetatable(rows) == nil
    and #rows == 0 and next(rows) ~= nil then
    core.raise("ArgumentError", "import: one row is given, or options alone: rows are a list, { { name = ... }, ... }")
  end
  return ...
end

local formats = { csv = "csv", tsv = "csv", jsonl = "jsonl", ndjson = "jsonl", json = "json" }

-- The format that the options or the file's name say, or nil; and whether its fields stand between tabs.
local function format_of(given, from)
  local format = options.typed("import", given, "format", "string")
  if format and not formats[format] then options.expect("import: format", '"csv", "tsv", "jsonl" or "json"', format) end
  local ending = not format and type(from) == "string" and string.match(string.lower(from), "%.(%w+)$")
  format = format or formats[ending] and ending
  if not format and source.is_text(from) then
    core.raise("ArgumentError",
      'import: the name of the file does not say what is in it: give format = "csv", "jsonl" or "json"')
  end
  return formats[format], format == "tsv"
end

local text_options = { "columns", "header", "delimiter", "quote", "map" }

-- The feed of the source, and a value to be closed at the end.
local function open(class, from, given)
  local format, tabs = format_of(given, from)
  if format then
    if given.map ~= nil then options.check_callable("import: map", given.map) end
    local pieces, file = source.open(from)
    given.tabs = tabs
    local ok, made = pcall(feed[format], class, pieces, given)
    if not ok then
      if file then file:close() end
      error(made, 0)
    end
    return made, file
  end
  for _, name in ipairs(text_options) do
    if given[name] ~= nil then
      core.raise("ArgumentError", string.format("import: %s is for text, CSV or JSON, and not for rows", name))
    end
  end
  if is_list(from) then from = list_source(from) end
  if not options.is_callable(from) then
    options.expect("import", "the name of a file, an open file, an iterator (a function), or a list of rows", from)
  end
  return feed_of_rows(from)
end

-- ---------------------------------------------------------------- the work

-- The next rows of the feed, at most n, with their places, and whether there may be more.
local function take(from, n, refused)
  local rows, places = {}, {}
  while #rows < n do
    local record, place = from.read()
    if record == nil then return rows, places, false end
    local ok, row = pcall(from.row, record, place)
    if not ok then
      if not refused then error(row, 0) end
      if not batches.is_of_row(row) then error(row, 0) end
      refused(place, row)
    elseif row ~= nil then
      rows[#rows + 1] = row
      places[#rows] = place
    end
  end
  return rows, places, true
end

-- What refuses rows keeps of them: a list of { line or row =, message = }, and skipped, how many there are.
local function new_report(word)
  local report = { skipped = 0 }
  return report, function(place, e)
    report.skipped = report.skipped + 1
    if #report < MOST then report[#report + 1] = { [word] = place, message = e.message } end
  end
end

local function run(session, class, from, batch, told, refused)
  local insert, count, more = core.insert(class), 0, true
  while more do
    local rows, places
    rows, places, more = take(from, batch, refused)
    if #rows > 0 then
      if refused then count = count + batches.insert_each(session, insert, rows, places, from.word, refused)
      else
        batches.insert(session, insert, rows, places, from.word)
        count = count + #rows
      end
      if told then told(count) end
    end
  end
  return count
end

-- session:import(M, source, { batch = 10000, progress = fn, on_error = "skip", format =, columns =, header =,
-- delimiter =, quote =, map = }): inserts what the source gives: a list of rows (tables by attribute, or rows of a
-- query) or an iterator of them, or text, CSV, JSON lines or an array of JSON, of a file, a handle or an iterator of
-- lines, whose values become those of the columns. No objects are made; it is done in the session's transaction.
-- progress(count) is called after each batch; progress = true shows the count in a line, on a terminal. Returns how
-- many rows went in, and with on_error = "skip" the report of those that did not. It commits nothing: the transaction
-- is the caller's. After an error no row of a text is in; of other rows those before it are the caller's to commit or
-- to roll back.
function core.session_methods.import(self, ...)
  local given, class, rows = options.read("import", { "batch", "progress", "on_error", "format",
    table.unpack(text_options) }, 2, arguments(...))
  if core.class_parts(class) == nil and core.type_name(class) ~= "Table" then
    options.expect("import", "a mapped class" .. (type(class) == "table" and ", then its rows" or ""), class)
  end
  local batch = options.typed("import", given, "batch", "number") or 10000
  if math.type(batch) ~= "integer" or batch < 1 then options.expect("import: batch", "a positive integer", batch) end
  if given.on_error ~= nil and given.on_error ~= "skip" and given.on_error ~= "raise" then
    options.expect("import: on_error", '"skip" or "raise"', given.on_error)
  end
  local told, line <close> = progress.counter("import", given.progress) -- luacheck: ignore 211
  local from, file <close> = open(class, rows, given) -- luacheck: ignore 211
  local report, refused
  if given.on_error == "skip" then report, refused = new_report(from.word) end
  local count
  if from.word == "row" then count = run(self, class, from, batch, told, refused)
  else self:begin_nested(function() count = run(self, class, from, batch, told, refused) end)
  end
  if report then return count, report end
  return count
end
