-- settings.lua: db:settings{ volume = db.Column{ db.Float, default = 1 } }: a table of one row, as an object.
--
-- Invariant: the object belongs to the db.session in which it was asked for. As long as there is no row, it has its
-- defaults in memory; reading it, and reading others, writes nothing. It is inserted by the first flush: one that the
-- program asks for, a commit's, or one that writes something else or a setting. Then it is looked whether another
-- process has made the row meanwhile.

local core, require = ...
local options = require "moonrow.options"

local settings = {}

local KEY = "id" -- the attribute that is the table's key

-- ---------------------------------------------------------------- the class

-- audio_settings: AudioSettings
local function class_name(tablename)
  return (("_" .. tablename):gsub("[^%w]+(%w?)", string.upper))
end

-- What is wrong with what the program has given, besides what is wrong in any class: a list, sorted.
local function mistakes_of(given)
  local mistakes, n = {}, 0
  for name, value in pairs(given) do
    local is_column = core.type_name(value) == "Column"
    if is_column then n = n + 1 end
    if name == KEY then
      mistakes[#mistakes + 1] = string.format("settings: the name '%s' is the table's own key: give the setting "
        .. "another name", KEY)
    elseif is_column and value.primary_key then
      mistakes[#mistakes + 1] = string.format("settings: '%s' is primary_key: the table has one row, whose key is "
        .. "its own '%s': leave primary_key out", name, KEY)
    end
  end
  if n == 0 then
    mistakes[#mistakes + 1] = "settings: there is no setting: write a column for each, "
      .. "{ volume = db.Column{ db.Float, default = 1 } }"
  end
  table.sort(mistakes)
  return mistakes
end

-- The body of the class from what the program has given: its names, the key, and that there is one row.
local function body_of(mr, given)
  local body = { __tablename = "settings", __table_args = { mr.CheckConstraint(KEY .. " = 1") } }
  for name, value in pairs(given) do
    if type(name) ~= "string" then
      options.expect("settings", "columns by name, { volume = db.Column{ db.Float, default = 1 } }", value)
    end
    body[name] = value
  end
  local mistakes = mistakes_of(given)
  if #mistakes == 1 then core.raise("ArgumentError", mistakes[1]) end
  if #mistakes > 1 then
    core.raise("ArgumentError", string.format("settings: %d mistakes:\n  %s", #mistakes,
      table.concat(mistakes, "\n  ")))
  end
  body[KEY] = mr.Column{ mr.Integer, primary_key = true, autoincrement = false }
  return body
end

-- The names of the columns that the program gives, for a second call with the same ones.
local function columns_of(given)
  local names = {}
  for name, value in pairs(given) do
    if core.type_name(value) == "Column" then names[#names + 1] = name end
  end
  table.sort(names)
  return table.concat(names, ", ")
end

local function check_same(entry, given)
  local columns = columns_of(given)
  if columns == entry.columns then return end
  core.raise("ArgumentError", string.format("settings: the table '%s' has the settings %s already, and not %s: "
    .. "db:settings() gives them", entry.tablename, entry.columns, columns ~= "" and columns or "none"))
end

-- ---------------------------------------------------------------- the table

-- CREATE TABLE t ( a INTEGER, ... ): the table's name as SQL has it, and the definitions. The name may have brackets.
local function parts_of(class, mr)
  local text, quoted = tostring(mr.CreateTable(class)):sub(#"CREATE TABLE " + 1), false
  for i = 1, #text do
    local c = text:sub(i, i)
    if c == '"' then quoted = not quoted
    elseif c == "(" and not quoted then return text:sub(1, i - 2), text:sub(i + 1):match "^(.*)%)[^)]*$" end
  end
end

-- Splits the definitions in CREATE TABLE t ( a INTEGER, b NUMERIC(1, 2), "c,d" TEXT ) into { 'a INTEGER', ... }.
local function definitions(class, mr)
  local _, text = parts_of(class, mr)
  local list, depth, quote, from = {}, 0, nil, 1
  for i = 1, #text do
    local c = text:sub(i, i)
    if quote then
      if c == quote then quote = nil end
    elseif c == '"' or c == "'" then quote = c
    elseif c == "(" then depth = depth + 1
    elseif c == ")" then depth = depth - 1
    elseif c == "," and depth == 0 then
      list[#list + 1] = text:sub(from, i - 1)
      from = i + 1
    end
  end
  list[#list + 1] = text:sub(from)
  return list
end

-- The attributes whose columns the table in the database lacks, in the order of the class; nil: there is no table. And
-- a column of the table that an INSERT must give a value for, but that is declared no more; or nil.
local function missing(entry, execute, mr)
  local there, any, lacking = {}, false, {}
  local found = execute(mr.text [[SELECT name, "notnull" AND dflt_value IS NULL AND hidden = 0 FROM
    pragma_table_xinfo(:name)]], { name = entry.tablename })
  for _, row in ipairs(found:all()) do there[row[1]], any = row[2] == 1 or row[2] == true, true end
  if not any then return nil end
  for _, name in ipairs(mr.inspect(entry.class).columns) do
    local column = mr.inspect(entry.class).columns[name].column
    if there[column] == nil then lacking[#lacking + 1] = name end
    there[column] = nil
  end
  for column, needed in pairs(there) do if needed then return lacking, column end end
  return lacking
end

-- Refuses a column that is declared no more, but must have a value: the row could not be inserted.
local function refuse_left_over(entry, execute, column, mr)
  local table_name = parts_of(entry.class, mr)
  if #execute(mr.select(entry.class.c[KEY])):all() > 0 then return end
  core.raise("InvalidRequestError", string.format("settings: the table '%s' has the column '%s', which is NOT NULL, "
    .. "has no default, and is declared no more: the row cannot be inserted without it: declare it again, or execute "
    .. 'ALTER TABLE %s DROP COLUMN "%s"', entry.tablename, column, table_name, (column:gsub('"', '""'))))
end

-- Adds a column to the table, and gives a row that is there its default. It is added without NOT NULL, which SQLite
-- takes with a constant in the definition only.
local function add_column(entry, connection, name, defaults, mr)
  local column, line = mr.inspect(entry.class).columns[name].column, nil
  for _, definition in ipairs(definitions(entry.class, mr)) do
    local plain = definition:match "^%s*(.-)%s*$"
    local quoted = '"' .. column:gsub('"', '""') .. '"'
    if plain:sub(1, #column + 1) == column .. " " or plain:sub(1, #quoted + 1) == quoted .. " " then line = plain end
  end
  local table_name = parts_of(entry.class, mr)
  local sql = string.format("ALTER TABLE %s ADD COLUMN %s", table_name, (line:gsub(" NOT NULL", "", 1)))
  connection:execute(mr.text((sql:gsub(":", "\\:"))))
  if defaults[name] ~= nil then
    connection:execute(mr.update(entry.class):values{ [name] = defaults[name] }:where(entry.class[KEY]:eq(1)))
  end
end

-- A new object with its defaults, in no session.
local function new_object(entry)
  local object = core.new_object(entry.class)
  core.init_object(object, { [KEY] = 1 })
  core.set_defaults(object)
  return object
end

local function add_columns(entry, engine, lacking, mr)
  local defaults = new_object(entry)
  engine:begin(function(connection)
    for _, name in ipairs(lacking) do add_column(entry, connection, name, defaults, mr) end
  end)
end

-- Makes the table, or adds the columns that it lacks. Returns false and the error where that has failed.
local function make(entry, db, lacking, mr)
  if db.session:in_transaction() then
    core.raise("InvalidRequestError", string.format("settings: the table '%s' is made outside of a transaction: call "
      .. "db:settings before the first write, or commit first", entry.tablename))
  end
  if lacking then return pcall(add_columns, entry, db.engine, lacking, mr) end
  return pcall(db.create_all, db, { tables = { entry.class } })
end

-- The table is there with all its columns after it: once for each engine. Another process may do the same at the same
-- time: where this one fails, it looks again.
local function prepare(entry, db, mr)
  local engine, problem = db.engine, nil
  if entry.prepared[engine] then return end
  for _ = 1, 3 do
    local connection <close> = engine:connect()
    local function execute(...) return connection:execute(...) end
    local lacking, left_over = missing(entry, execute, mr)
    if left_over then refuse_left_over(entry, execute, left_over, mr) end
    connection:close()
    if lacking and #lacking == 0 then
      entry.prepared[engine] = true
      return
    end
    local _
    _, problem = make(entry, db, lacking, mr)
  end
  error(problem, 0)
end

-- ---------------------------------------------------------------- the object

-- Another process may have made the row since the object was made: then the object is that row, with what the program
-- has set. The write that finds it out keeps others from making one afterwards.
local function look_for_row(entry, session, object, mr)
  local update = mr.update(entry.class):values{ [KEY] = 1 }:where(entry.class[KEY]:eq(1))
  if session:execute(update, {}, { synchronize_session = false }).rowcount == 0 then return end
  local plain, set = new_object(entry), {}
  for name, value in pairs(object) do
    if name ~= KEY and plain[name] ~= value then set[name] = value == nil and core.null or value end
  end
  session:expunge(object)
  mr.make_transient_to_detached(object)
  session:add(object)
  session:expire(object)
  for name, value in pairs(set) do object[name] = value end
end

local function is_shared(engine) return engine.url:match "^sqlite://[^?]" ~= nil end

local function is_read_only(engine) return engine.url:match "[?&]mode=ro%f[^%w]" ~= nil end

local function listen(entry, db, mr)
  local flush_begins, commit_begins, rolled_back = core.settings_events()
  -- The object waits in no session as long as nothing is set: who only reads it writes nothing, and has nothing to
  -- lose.
  for _, name in ipairs(mr.inspect(entry.class).columns) do
    mr.event.listen(entry.class.c[name], "set", function(object)
      local session = entry.session_of[object]
      if session and core.is_open(session) and mr.inspect(object).transient then session:add(object) end
    end)
  end
  local function add_waiting(session)
    local object = entry.waiting[session]
    if object and mr.inspect(object).transient and not is_read_only(session.bind) then session:add(object) end
    return object
  end
  local function look(session)
    local object = add_waiting(session)
    if not object then return end
    if mr.inspect(object).pending and is_shared(session.bind) then look_for_row(entry, session, object, mr) end
  end
  mr.event.listen(db, flush_begins, look)
  mr.event.listen(db, commit_begins, add_waiting)
  -- A flush that has nothing to write tells no listener.
  local scoped, flush = db.session, db.session.flush
  function scoped.flush(self, ...)
    if self == scoped then add_waiting(scoped()) end
    return flush(self, ...)
  end
  -- A rollback has taken the row, or the changes of an object without one, back.
  mr.event.listen(db, rolled_back, function(session)
    local object = entry.waiting[session]
    if not object or not mr.inspect(object).transient then return end
    entry.session_of[object] = nil
    local plain = new_object(entry)
    for _, name in ipairs(mr.inspect(entry.class).columns) do object[name] = plain[name] end
    entry.session_of[object] = session
  end)
end

local function object_of(entry, db)
  local session = db.session()
  local waiting = entry.waiting[session]
  if waiting and (core.inspect(waiting).transient or session:contains(waiting)) then return waiting end
  local object = session:get(entry.class, 1)
  if object then return object end
  object = new_object(entry)
  entry.waiting[session], entry.session_of[object] = object, session
  return object
end

-- The declared settings of a database, by table; the only ones, or those of the table "settings", are meant by no name.
local function entry_of(state, given)
  local entries = state.settings
  if given then return entries[given.__tablename or "settings"] end
  local only, more = next(entries)
  if only and not next(entries, only) then return more end
  if entries.settings then return entries.settings end
  core.raise("ArgumentError", "settings: none are declared yet: "
    .. "db:settings{ volume = db.Column{ db.Float, default = 1 } }")
end

local function declare(state, db, given)
  local mr = state.mr
  local body = body_of(mr, given)
  local tablename = body.__tablename
  if type(tablename) ~= "string" then options.expect("settings: __tablename", "a string", tablename) end
  local class = db.Model:extend(class_name(tablename), body)
  local entry = {
    class = class, tablename = tablename, columns = columns_of(given),
    prepared = setmetatable({}, { __mode = "k" }), waiting = setmetatable({}, { __mode = "k" }),
    session_of = setmetatable({}, { __mode = "k" }),
  }
  state.settings[tablename] = entry
  listen(entry, db, mr)
  return entry
end

-- db:settings(columns): see database.lua. state: the database's own.
function settings.open(db, state, ...)
  local given = ...
  if select("#", ...) > 1 or given ~= nil and (type(given) ~= "table" or getmetatable(given)) then
    local wrong = given
    if select("#", ...) > 1 then wrong = select(2, ...) end
    options.expect("settings", "one table of columns, { volume = db.Column{ db.Float, default = 1 } }", wrong)
  end
  state.settings = state.settings or {}
  local entry = entry_of(state, given)
  if entry and given then check_same(entry, given) end
  entry = entry or declare(state, db, given)
  prepare(entry, db, state.mr)
  return object_of(entry, db)
end

return settings
