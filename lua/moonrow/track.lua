-- track.lua: db:track{ Player, Item, retain = "30d" }: the log of changes in a table, written in the transaction of the
-- changes themselves.
--
-- Invariant: what is in the log is committed with its rows, or not at all. The log tells nothing of itself.

local core, require = ...
local options = require "moonrow.options"
local changes = require "moonrow.changes"
local inspect = require "moonrow.inspect"

local TABLE = "moonrow_change" -- as MR_CHANGE_LOG_TABLE

local track = {}

local units = { s = 1, m = 60, h = 3600, d = 86400, w = 7 * 86400 }

-- The seconds of "30d", "12h".
local function seconds_of(text)
  local n, unit = tostring(text):match "^(%d+)([smhdw])$"
  if type(text) ~= "string" or not n then
    options.expect("track: retain", 'a time such as "30d" (s, m, h, d or w)', text)
  end
  return tonumber(n) * units[unit]
end

local function declare(db)
  return db.Model:extend("ChangeLog", {
    id = db.Column{ db.Integer, primary_key = true },
    at = db.Column{ db.DateTime, nullable = false, index = true },
    kind = db.Column{ db.String(10), nullable = false },
    class = db.Column{ db.String(80) },
    of = db.Column{ "of_table", db.String(80), nullable = false, index = true },
    key = db.Column{ db.JSON{ none_as_null = true } },
    old = db.Column{ db.JSON{ none_as_null = true } },
    new = db.Column{ db.JSON{ none_as_null = true } },
    __tablename = TABLE,
    __table_args = { sqlite_autoincrement = true },
  })
end

-- Values as JSON has them: dates and decimals are texts.
local function plain(values)
  if values == nil or values == core.null then return values end
  if type(values) ~= "table" then return type(values) == "userdata" and tostring(values) or values end
  local copy = {}
  for name, value in pairs(values) do copy[name] = plain(value) end
  return copy
end

local function row_of(change, now)
  local class = change.class and tostring(change.class):match "^<class (.+)>$"
  return { at = now, kind = change.kind, class = class or core.null, of = change.table,
    key = change.key == nil and core.null or plain(change.key), old = plain(change.old) or core.null,
    new = plain(change.new) or core.null }
end

-- db:track(classes and tables, { retain = }): the class of the log.
function track.start(db, state, engine, ...)
  local args = table.pack(...)
  local given = args.n == 1 and type(args[1]) == "table" and getmetatable(args[1]) == nil and args[1]
  if not given or #given == 0 then
    options.expect("track", 'classes, as in db:track{ Player, retain = "30d" }', args[1])
  end
  for name in pairs(given) do
    if type(name) ~= "number" and name ~= "retain" then
      core.raise("ArgumentError", string.format("unknown option '%s' for track (known are retain)", tostring(name)))
    end
  end
  if engine.name ~= "sqlite" then
    core.raise("InvalidRequestError", "track: the log needs an SQLite database: no other tells which rows a commit has "
      .. "changed")
  end
  local retain = given.retain ~= nil and seconds_of(given.retain)
  local Log = state.change_log or declare(db)
  state.change_log = Log
  local tracked = {}
  for _, class in ipairs(given) do
    tracked[core.type_name(class) == "Table" and class.name or inspect(class).tablename] = true
  end
  db.metadata:create_all{ bind = engine, tables = { inspect(Log).table } }
  changes.on_commit(engine, db.Model, "track", function(connection, commit)
    local rows, now = {}, core.now()
    for _, change in ipairs(commit:changes()) do
      if tracked[change.table] then rows[#rows + 1] = row_of(change, now) end
    end
    if #rows == 0 then return end
    connection:execute(core.insert(Log), rows)
    if retain then
      connection:execute(core.delete(Log):where(Log.at:lt(now - core.interval(retain))))
    end
  end)
  return Log
end

return track
