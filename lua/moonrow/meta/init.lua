---@meta moonrow
-- init.lua: the module, its types, databases and applications. The files of this folder are annotations (LuaCATS) of
-- the public names, for editors with the Lua language server; they are never run, and the reference is made of them. A
-- function that takes options takes them in one table with its arguments, too: f{ a, b, k = v } is f(a, b, { k = v }).
-- luacheck: ignore 212 241

---@since 0.1

-- ---------------------------------------------------------------- the module and its types

---The module: what `require "moonrow"` gives. An unknown name on it raises an ArgumentError with the nearest one.
---
---```lua
---mr._VERSION --> moonrow 0.1
---mr.sqlite_version --> 3...
---mr.nulll --! ArgumentError: moonrow has no name 'nulll' (did you mean 'null'?)
---```
---@class moonrow
---The name and version of the library: `"moonrow 0.1"`.
---@field _VERSION string
---The version of the SQLite library in use: `"3.40.1"`.
---@field sqlite_version string
---A value that is NULL, where `nil` would vanish: in table constructors, and in lists. It is true in a condition.
---
---```lua
---User.query:filter_by{ age = mr.null }:all() --> {Cid}
---ann.age = mr.null
---ann.age --> nil
---```
---@field null lightuserdata
---The classes of errors, by kind.
---
---```lua
---local ok, e = pcall(function() User{ nmae = "x" } end)
---mr.errors.ArgumentError:is(e) --> true
---mr.errors.Error:is(e) --> true
---mr.errors.DatabaseError:is(e) --> false
---```
---@field errors moonrow.ErrorKinds
---SQL's functions: `mr.func.NAME(...)` calls the function of any name. The results of the known ones have a type: of
---`count` an integer, of `max` that of its argument.
---
---```lua
---session:query(mr.func.count(User.id)):scalar() --> 3
---session:query(mr.func.upper(User.name)):first()[1] --> ANN
---session:query(mr.func.coalesce(User.age, 0)):order_by(User.id):all() --> {(34), (27), (0)}
---```
---@field func table<string, fun(...: any): moonrow.Expression>
---SQL's true, as a criterion.
---
---```lua
---User.query:filter(mr.true_):count() --> 3
---```
---@field true_ moonrow.Expression
---SQL's false, as a criterion.
---
---```lua
---User.query:filter(mr.false_):count() --> 0
---```
---@field false_ moonrow.Expression
---The class of queries, of which a program makes its own.
---@field Query moonrow.QueryClass
---Listening to what happens.
---@field event moonrow.Events
---Makes datetimes: `mr.datetime(2024, 2, 29, 7, 30)`.
---@field datetime moonrow.DateTimeMaker
---A whole number of 64 bits. Takes a float without a fraction; refuses text.
---
---```lua
---ann.age = 35.0
---ann.age --> 35
---ann.age = "35" --! ArgumentError: User.age: expected an integer, got string "35"
---```
---@field Integer moonrow.Type
---A whole number, SMALLINT in the database's words. SQLite stores it as any other.
---
---```lua
---mr.SmallInteger --> SmallInteger
---```
---@field SmallInteger moonrow.Type
---A whole number, BIGINT in the database's words. SQLite stores it as any other.
---
---```lua
---mr.BigInteger --> BigInteger
---```
---@field BigInteger moonrow.Type
---A number; takes integers, which become floats. Refuses NaN.
---
---```lua
---local Item = db.Model:extend("Item", {
---  id = db.Column{ db.Integer, primary_key = true },
---  weight = db.Column{ db.Float },
---})
---Item{ weight = 2 }.weight --> 2.0
---```
---@field Float moonrow.Type
---true or false; in the database 1 or 0.
---
---```lua
---local Flag = db.Model:extend("Flag", {
---  id = db.Column{ db.Integer, primary_key = true },
---  on = db.Column{ db.Boolean },
---})
---Flag{ on = true }.on --> true
---Flag{ on = 1 } --! ArgumentError: Flag.on: expected a boolean, got integer 1
---```
---@field Boolean moonrow.Type|fun(options: moonrow.BooleanOptions): moonrow.Type
---Text; `String(80)` of at most 80 characters (UTF-8), which is checked when it is written, whatever the database.
---
---```lua
---mr.String(80).length --> 80
---session:add(User{ name = ("x"):rep(41) })
---session:commit() --! DataError:
---```
---@field String moonrow.Type|fun(length: integer): moonrow.Type
---Text of any length.
---
---```lua
---ann.posts[1].body = ("long "):rep(1000)
---session:commit()
---#ann.posts[1].body --> 5000
---```
---@field Text moonrow.Type
---Bytes, as a Lua string.
---
---```lua
---local File = db.Model:extend("File", {
---  id = db.Column{ db.Integer, primary_key = true },
---  data = db.Column{ db.LargeBinary },
---})
---#File{ data = "\0\1\2" }.data --> 3
---```
---@field LargeBinary moonrow.Type
---A day of the calendar; see moonrow.Date. Takes text as `"2024-02-29"`, and os.date's tables.
---
---```lua
---local Day = db.Model:extend("Day", { id = db.Column{ db.Integer, primary_key = true }, on = db.Column{ db.Date } })
---Day{ on = "2024-02-29" }.on.month --> 2
---```
---@field Date moonrow.Type|fun(options: moonrow.StorageOptions): moonrow.Type
---A time of the day.
---
---```lua
---local Alarm = db.Model:extend("Alarm", {
---  id = db.Column{ db.Integer, primary_key = true },
---  at = db.Column{ db.Time },
---})
---Alarm{ at = "07:30" }.at --> 07:30:00
---```
---@field Time moonrow.Type|fun(options: moonrow.StorageOptions): moonrow.Type
---A day and a time, without a zone; `mr.now` gives UTC.
---
---```lua
---local Log = db.Model:extend("Log", {
---  id = db.Column{ db.Integer, primary_key = true },
---  at = db.Column{ db.DateTime },
---})
---Log{ at = "2024-02-29T12:00:00" }.at.hour --> 12
---```
---@field DateTime moonrow.Type|fun(options: moonrow.StorageOptions): moonrow.Type
---A length of time; see `mr.interval`.
---
---```lua
---local Lap = db.Model:extend("Lap", {
---  id = db.Column{ db.Integer, primary_key = true },
---  took = db.Column{ db.Interval },
---})
---Lap{ took = mr.interval{ minutes = 1.5 } }.took --> PT1M30S
---```
---@field Interval moonrow.Type|fun(options: moonrow.StorageOptions): moonrow.Type
---One of some words: `Enum("open", "closed")`; another one is refused when it is written.
---
---```lua
---local Door = db.Model:extend("Door", {
---  id = db.Column{ db.Integer, primary_key = true }, state = db.Column{ db.Enum("open", "closed") } })
---db:create_all()
---session:add(Door{ state = "opn" })
---session:commit() --! DataError: Door.state: string "opn" is not a choice of Enum(open, closed)
---```
---@field Enum moonrow.Type|fun(...: string|moonrow.EnumOptions): moonrow.Type
---A UUID, as text, which stays as it was written.
---
---```lua
---local Key = db.Model:extend("Key", { id = db.Column{ db.Uuid, primary_key = true } })
---Key{ id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8" }.id --> 6ba7b810-9dad-11d1-80b4-00c04fd430c8
---Key{ id = "6ba7b810" } --! ArgumentError: Key.id: expected a uuid
---```
---@field Uuid moonrow.Type|fun(options: moonrow.StorageOptions): moonrow.Type
---A column without a type: integers, floats and strings, each stored as what it is.
---
---```lua
---local Setting = db.Model:extend("Setting", {
---  name = db.Column{ db.String, primary_key = true },
---  value = db.Column{ db.Any },
---})
---Setting{ name = "a", value = 1 }.value --> 1
---Setting{ name = "b", value = "one" }.value --> one
---```
---@field Any moonrow.Type
local mr = {}

---How a date, time, interval or uuid is stored. The guide's page of types has a table of all forms.
---
---```lua
---mr.DateTime{ storage = "iso", digits = 3, separator = "T", zone = "Z" } --> DateTime{ storage = "iso", ...
---mr.DateTime{ storage = "unix_ms" } --> DateTime{ storage = "unix_ms" }
---mr.Interval{ storage = "days" } --> Interval{ storage = "days" }
---mr.Uuid{ storage = "blob" } --> Uuid{ storage = "blob" }
---```
---@class moonrow.StorageOptions
---The form: of DateTime "iso", "unix", "unix_ms", "unix_us", "julian", "cocoa"; of Date "iso", "datetime", "unix",
---"unix_ms", "julian", "cocoa"; of Time "iso", "datetime", "seconds", "milliseconds", "microseconds"; of Interval
---"iso", "seconds", "milliseconds", "microseconds", "days"; of Uuid "text", "hex", "blob".
---@field storage? string
---Of the second's fraction, 0 to 9; "auto" by default: none, or six.
---@field digits? integer|"auto"
---Between date and time; a space by default.
---@field separator? "T"|" "
---Behind a datetime, which is UTC; none by default.
---@field zone? ""|"Z"|"+00:00"|" +00:00"

---How a Boolean is stored.
---
---```lua
---mr.Boolean{ storage = "Y/N" } --> Boolean{ storage = "Y/N" }
---```
---@class moonrow.BooleanOptions
---The words for true and false: "t/f", "Y/N", "true/false" ...
---@field storage string

---How the choices of an Enum are stored.
---
---```lua
---mr.Enum("draft", "sent", { storage = "position", first = 1 }) --> Enum(draft = 1, sent = 2)
---mr.Enum("draft", "sent", { storage = { draft = "d", sent = "s" } }) --> Enum(draft = "d", sent = "s")
---```
---@class moonrow.EnumOptions
---By number, in capitals, or as you say for each choice.
---@field storage? "position"|"upper"|table<string, integer|string>
---The position of the first choice; 0 by default.
---@field first? integer

-- ---------------------------------------------------------------- databases

---What `mr.Database` takes. `mr.open` takes it, too, besides the options of an engine.
---@class moonrow.DatabaseOptions
---The tables that the classes of the database make; a new one by default.
---@field metadata? moonrow.MetaData
---What its sessions are made with.
---@field session_options? moonrow.SessionOptions
---What its engines are made with.
---@field engine_options? moonrow.EngineOptions
---The class of the queries that `Class.query` gives; `mr.Query` by default.
---@field query_class? moonrow.QueryClass
---Of `mr.open`: the name of the application that it makes; "main" by default.
---@field name? string

---What `mr.open` takes: the options of a database, and those of an engine.
---@class moonrow.OpenOptions: moonrow.DatabaseOptions, moonrow.EngineOptions

---A database with an application of its own: a base for classes, metadata, an engine and sessions in one place. A
---`sqlite://` has a write-ahead log: sessions read while another writes. A file has one if it says so itself; with
---`?journal_mode=wal` behind its name, it does from then on. Without it, a commit is "database is locked" while another
---connection is in the middle of reading. What may stand behind the `?`: moonrow.UrlParameters.
---
---```lua
---local db = mr.open("sqlite://", { echo = false, busy_timeout = 1000, name = "blog" })
---db.engine.dialect.name --> sqlite
---db.app.name --> blog
---mr.open "sqlit://" --! ArgumentError:
---```
---@error ArgumentError the URL cannot be read, or an option is unknown
---@error OperationalError the file cannot be opened (at the first use)
---@param url string "sqlite://" (in memory), "sqlite:///relative.db", "sqlite:////absolute.db"
---@param options? moonrow.OpenOptions
---@return moonrow.Database
function mr.open(url, options) end

---A database for an application, or without one (see `db:init_app`).
---
---```lua
---local app = mr.App "blog"
---app.config.DATABASE_URI = "sqlite://"
---local db = mr.Database(app, { session_options = { autoflush = false }, metadata = mr.MetaData(),
---  engine_options = { echo = false }, query_class = mr.Query:extend{} })
---db.session.autoflush --> false
---```
---@param app? moonrow.App
---@param options? moonrow.DatabaseOptions
---@return moonrow.Database
function mr.Database(app, options) end

---A database. It has every name of the module besides its own: `db.Column`, `db.Integer`, `db.relationship` ...
---
---```lua
---db.Integer == mr.Integer --> true
---tostring(db.metadata.tables.user) --> user
---db.session:in_transaction() --> false
---db.engine.url --> sqlite://
---db.app.name --> main
---db.Model == getmetatable(User) --> false
---```
---@class moonrow.Database: moonrow
---The base of its classes: `db.Model:extend("User", { ... })`.
---@field Model moonrow.Model
---The tables of its classes.
---@field metadata moonrow.MetaData
---Its sessions: one for each scope.
---@field session moonrow.ScopedSession
---Of the application whose scope runs, else of its only one; made at its first use, from app.config.DATABASE_URI.
---@field engine moonrow.Engine
---The application whose scope runs, else its only one.
---@field app moonrow.App
local Database = {}

---Gives the database to an application: a session that a scope of it has made goes at the scope's end.
---
---```lua
---local app, db = mr.App "shop", mr.Database()
---app.config.DATABASE_URI = "sqlite://"
---db:init_app(app) == db --> true
---```
---@param app moonrow.App
---@return moonrow.Database self
function Database:init_app(app) end

---@class moonrow.CreateOptions
---The engine; of `db:create_all`, its own by default.
---@field bind? moonrow.Engine
---These tables only.
---@field tables? moonrow.Table[]
---Asks first whether a table is there; true by default.
---@field checkfirst? boolean

---Makes the tables that are missing, in foreign-key order, with their indexes.
---
---```lua
---local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
---db:create_all()
---db:create_all{ tables = { Tag.__table }, checkfirst = false, bind = db.engine } --! OperationalError:
---```
---@param options? moonrow.CreateOptions
function Database:create_all(options) end

---Drops the tables that are there, in the other order.
---
---```lua
---db:drop_all()
---User.query:count() --! OperationalError:
---```
---@param options? moonrow.CreateOptions
function Database:drop_all(options) end

---Resolves what the classes say about each other, and reports every mistake. It happens by itself when one of them is
---first used.
---
---```lua
---db.Model:extend("Bad", { id = db.Column{ db.Integer, primary_key = true }, x = db.relationship "Nobody" })
---db:configure() --! MappingError:
---```
---@error MappingError a class says what cannot be
function Database:configure() end

---Runs fn and returns the statements that it executed, in order. A batch is one of them; BEGIN, COMMIT and what sets up
---a connection are left out.
---
---```lua
---local records = db:record(function() ann.age = 35; session:commit() end)
---records[#records].statement --> UPDATE user SET age=? WHERE user.id = ?
---records[#records].parameters[1] --> 35
---records[#records].duration < 1 --> true
---```
---@param fn fun()
---@return moonrow.Record[]
function Database:record(fn) end

---Runs fn in a scope of the current application: `db.app:scope(fn, ...)`.
---
---```lua
---db:scope(function(a, b) return a + b end, 1, 2) --> 3
---```
---@generic T
---@param fn fun(...: any): T
---@param ... any handed to fn
---@return T ...
function Database:scope(fn, ...) end

---Runs fn in a scope whose database is a new one in memory, with the tables of the declared classes: for tests. At its
---end the database is gone, committed or not.
---
---```lua
---db:sandbox(function()
---  db.session:add(User{ name = "Dan" })
---  db.session:commit()
---  return User.query:count()
---end) --> 1
---User.query:count() --> 3
---```
---@generic T
---@param fn fun(...: any): T
---@param ... any handed to fn
---@return T ...
function Database:sandbox(fn, ...) end

---One page of a select in db.session.
---
---```lua
---db:paginate(mr.select(User.name):order_by(User.id), { per_page = 2 }).items --> {"Ann", "Bob"}
---```
---@error NotFound there is no such page, with error_out
---@param select moonrow.Select
---@param options? moonrow.PaginateOptions
---@return moonrow.Pagination<any>
function Database:paginate(select, options) end

---A statement that was executed. Printed, it is the statement with its parameters.
---@class moonrow.Record
---Its SQL.
---@field statement string
---Of a batch: a list of lists. NULL is mr.null.
---@field parameters any[]
---In seconds.
---@field duration number

-- ---------------------------------------------------------------- applications

---A configuration, and scopes with what is done at their end.
---
---```lua
---local app = mr.App "blog"
---app.name --> blog
---```
---@param name? string
---@return moonrow.App
function mr.App(name) end

---An application.
---
---```lua
---local app = mr.App "blog"
---app.config.DATABASE_URI = "sqlite://"
---mr.Database(app).engine.url --> sqlite://
---```
---@class moonrow.App
---What it was called.
---@field name string
---DATABASE_URI is the one that moonrow reads, when the engine is made.
---@field config table
local App = {}

---Runs fn in a scope: at its end the teardowns run (with the error, if there is one), and its sessions go. Returns what
---fn returns; an error of fn is raised again. The scope holds for the coroutine that entered it, and for those that it
---runs.
---
---```lua
---db.app:scope(function()
---  db.session:add(User{ name = "Dan" })
---  db.session:commit()
---  return "done"
---end) --> done
---```
---@generic T
---@param fn fun(...: any): T
---@param ... any handed to fn
---@return T ...
function App:scope(fn, ...) end

---Has fn called at the end of each scope, last made first.
---
---```lua
---local ended
---db.app:on_teardown(function(err) ended = tostring(err) end)
---db.app:scope(function() end)
---ended --> nil
---```
---@param fn fun(err: any) err: the error that ended the scope, or nil
---@return fun(err: any) fn
function App:on_teardown(fn) end

-- ---------------------------------------------------------------- log and memory

---Where echo and warnings go, a line each; nil: to io.stderr.
---
---```lua
---local lines = {}
---mr.set_log(function(line) lines[#lines + 1] = line end)
---mr.open("sqlite://", { echo = true }).session:scalar(mr.text "SELECT 1") --> 1
---mr.set_log(nil)
---lines[1] --> ...SELECT 1...
---```
---@param fn? fun(line: string)
function mr.set_log(fn) end

---@class moonrow.MemoryOptions
---Has the heap of objects traced first: true wholly, a number that many objects.
---@field trace? boolean|integer

---@class moonrow.MemoryUse
---In bytes: all that the library has taken from the Lua state's allocator.
---@field bytes integer
---How many objects there are.
---@field objects integer
---What these need, in bytes.
---@field object_bytes integer

---What the library has taken from the Lua state's allocator; SQLite's own memory is not in it.
---
---```lua
---local use = mr.memory{ trace = true }
---use.objects >= 6 and use.object_bytes < use.bytes --> true
---```
---@param options? moonrow.MemoryOptions
---@return moonrow.MemoryUse
function mr.memory(options) end

return mr
