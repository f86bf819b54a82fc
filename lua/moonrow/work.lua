-- work.lua: methods of the session that are made of others: retry, which runs a transaction again, and import,
-- which streams rows.
--
-- Invariant: what fails for good comes unchanged, and the session is left as begin leaves it.

local core, require = ...
local options = require "moonrow.options"

local methods = core.session_methods

-- ---------------------------------------------------------------- retry

-- SQLite's result codes: busy and locked. PostgreSQL's words for what another run may cure.
local passing = { [5] = true, [6] = true }
local words = { "deadlock detected", "could not serialize access", "lock timeout" }

-- May another run of the transaction succeed?
local function is_passing(e)
  if not core.errors.Error:is(e) then return false end
  if core.errors.StaleDataError:is(e) then return true end
  if not core.errors.OperationalError:is(e) or type(e.orig) ~= "table" then return false end
  local code, message = e.orig.code, tostring(e.orig.message)
  if math.type(code) == "integer" and passing[code & 0xff] then return true end
  for _, word in ipairs(words) do
    if string.find(message, word, 1, true) then return true end
  end
  return false
end

local function check_number(given, name, default, at_least)
  local value = options.typed("retry", given, name, "number")
  if value == nil then return default end
  if value < at_least then options.expect("retry: " .. name, "a number of at least " .. at_least, value) end
  return value
end

local begin_options = { "mode", "isolation_level", "read_only" }
local retry_options = { "times", "wait", "sleep", table.unpack(begin_options) }

-- What begin is given: its own options, or nothing.
local function options_of_begin(given)
  local found
  for _, name in ipairs(begin_options) do
    if given[name] ~= nil then
      found = found or {}
      found[name] = given[name]
    end
  end
  return found
end

-- session:retry(fn, { times = 5, wait = 0.02, sleep = f, mode = ... }): session:begin(fn), with the options of begin
-- that are given, again when it fails because the database is busy, of a deadlock, or because a row was changed by
-- somebody else (StaleDataError): up to `times` runs in all. Before the second it waits for `wait` seconds, then for
-- twice as long, and so on, each time less a random part. sleep(seconds) replaces the waiting: an event loop's may
-- yield.
function methods.retry(self, ...)
  local given, fn = options.read("retry", retry_options, 1, ...)
  options.check_callable("retry", fn)
  local times = check_number(given, "times", 5, 1)
  if math.type(times) ~= "integer" then options.expect("retry: times", "an integer", times) end
  local wait = check_number(given, "wait", 0.02, 0)
  local sleep = given.sleep
  if sleep ~= nil then options.check_callable("retry: sleep", sleep) end
  sleep = sleep or core.sleep
  local how = options_of_begin(given)
  for run = 1, math.huge do
    local results = table.pack(pcall(self.begin, self, fn, how))
    if results[1] then return table.unpack(results, 2, results.n) end
    if run >= times or self:in_transaction() or not is_passing(results[2]) then error(results[2], 0) end
    sleep(wait * (0.5 + math.random() / 2))
    wait = wait * 2
  end
end

-- ---------------------------------------------------------------- import

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

-- The next rows of the source, at most n: a list, and whether there may be more.
local function take(source, n)
  local rows = {}
  while #rows < n do
    local row = source()
    if row == nil then return rows, false end
    if core.type_name(row) == "Row" then row = table_of(row) end
    if type(row) ~= "table" then options.expect("import: what the iterator gives", "a table (a row)", row) end
    rows[#rows + 1] = row
  end
  return rows, true
end

-- Is it a plain list, or one that a query gave? (That one has __call, to say that a loop over it needs ipairs.)
local function is_list(source)
  if type(source) ~= "table" then return false end
  local meta = getmetatable(source)
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

-- A row is numbered from the beginning of the source, not of its batch.
local function insert_rows(session, insert, rows, before)
  local result = table.pack(pcall(session.execute, session, insert, rows))
  if result[1] then return end
  local e = result[2]
  if core.errors.Error:is(e) and before > 0 then
    local function from_beginning(words_before, n) return words_before .. math.tointeger(before + n) end
    e.message = string.gsub(string.gsub(e.message, "^(row )(%d+)", from_beginning), "(%(row )(%d+)", from_beginning)
  end
  error(e, 0)
end

-- The arguments of import. The values that query:iter() gives to a loop may stand in place of its function alone; a row
-- that stands where the list is wanted would be read as options, and an empty list, too.
local function import_arguments(...)
  local class, source, state = ...
  if select("#", ...) == 2 and type(source) == "table" and next(source) == nil then return class, source, {} end
  if core.type_name(state) == "Result" and options.is_callable(source) then return class, source end
  if select("#", ...) == 2 and class ~= nil and type(source) == "table" and getmetatable(source) == nil
    and #source == 0 and next(source) ~= nil then
    core.raise("ArgumentError", "import: one row is given, or options alone: rows are a list, { { name = ... }, ... }")
  end
  return ...
end

-- What is told how many rows are in: the program's function, or a line on the terminal, which goes with the import.
local function counter(progress)
  if progress ~= true then return progress, nil end
  local function show(count) core.progress_line(string.format("%d rows", count)) end
  return show, setmetatable({}, { __close = function() core.progress_line "" end })
end

-- session:import(M, source, { batch = 10000, progress = fn }): inserts the rows (tables by attribute, or rows of a
-- query) that the iterator source gives, or those of a list, without making objects, in the session's transaction.
-- progress(count) is called after each batch; progress = true shows the count in a line, on a terminal. Returns how
-- many. It commits nothing: the transaction is the caller's. After an error the rows before it are the caller's to
-- commit or to roll back.
function methods.import(self, ...)
  local given, class, source = options.read("import", { "batch", "progress" }, 2, import_arguments(...))
  if core.class_parts(class) == nil and core.type_name(class) ~= "Table" then
    options.expect("import", "a mapped class" .. (type(class) == "table" and ", then its rows" or ""), class)
  end
  local batch = options.typed("import", given, "batch", "number") or 10000
  if math.type(batch) ~= "integer" or batch < 1 then options.expect("import: batch", "a positive integer", batch) end
  if given.progress ~= nil and given.progress ~= true and not options.is_callable(given.progress) then
    options.expect("import: progress", "a function, or true for a line on the terminal", given.progress)
  end
  local progress, line <close> = counter(given.progress) -- luacheck: ignore 211
  if is_list(source) then source = list_source(source) end
  if not options.is_callable(source) then
    options.expect("import", "an iterator (a function), or a list of rows", source)
  end
  local insert, count, more = core.insert(class), 0, true
  while more do
    local rows
    rows, more = take(source, batch)
    if #rows > 0 then
      insert_rows(self, insert, rows, count)
      count = count + #rows
      if progress then progress(count) end
    end
  end
  return count
end

return methods
