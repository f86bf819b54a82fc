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
---As `collection_class`: the collection is a set. An object is in it once, and there is no order: `moonrow.Set`.
---
---```lua
---local Pet = db.Model:extend("Pet", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
---  owner = db.relationship{ "User", backref = db.backref("pets", { collection_class = mr.set }) },
---})
---db:create_all()
---local rex = Pet{ id = 1 }
---ann.pets:add(rex)
---ann.pets:add(rex)
---#ann.pets --> 1
---```
---@field set moonrow.CollectionClass
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
---An exact decimal: `Numeric(10, 2)` has 10 digits, two of them behind the point. Reads give moonrow.Decimal; writes
---take decimals, integers and texts of digits, but no floats. Without numbers it takes any digits, and keeps them.
---
---```lua
---local Item = db.Model:extend("Item", {
---  id = db.Column{ db.Integer, primary_key = true },
---  price = db.Column{ db.Numeric(10, 2) },
---})
---Item{ price = "12.3" }.price * 3 --> 36.90
---Item{ price = 12.3 } --! ArgumentError: Item.price: expected a decimal, got float 12.3 (a float is not exact
---Item{ price = "12.345" } --! ArgumentError: Item.price: decimal 12.345 has more digits behind the point
---```
---@field Numeric moonrow.Type|fun(...: integer|moonrow.NumericOptions): moonrow.Type
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
---JSON: a table, string, number, boolean, or `mr.null`, which is JSON's null; nil is NULL. Reading gives the same table
---each time, and a flush finds what was changed inside of it. Integers and floats stay apart. A list is an array, `{}`
---an object, `mr.array{}` an empty array.
---
---```lua
---local Doc = db.Model:extend("Doc", { id = db.Column{ db.Integer, primary_key = true }, data = db.Column{ db.JSON } })
---db:create_all()
---local doc = Doc{ data = { tags = { "a" }, price = 1.0 } }
---session:add(doc)
---session:commit()
---doc.data.tags[2] = "b"
---session:commit()
---session:scalar(mr.text "SELECT data FROM doc") --> {"price":1.0,"tags":["a","b"]}
---Doc{ data = { x = print } } --! ArgumentError: Doc.data.x: JSON cannot hold a function
---```
---@field JSON moonrow.Type|fun(options: moonrow.JsonOptions): moonrow.Type
---The same, which PostgreSQL stores in a form that it can compare and index.
---
---```lua
---local Doc = db.Model:extend("Doc", {
---  id = db.Column{ db.Integer, primary_key = true },
---  data = db.Column{ db.JSONB },
---})
---Doc{ data = { a = 1 } }.data.a --> 1
---```
---@field JSONB moonrow.Type|fun(options: moonrow.JsonOptions): moonrow.Type
---A list whose items are of one type: stored as JSON, in PostgreSQL as an array.
---
---```lua
---local Poll = db.Model:extend("Poll", {
---  id = db.Column{ db.Integer, primary_key = true }, days = db.Column{ db.Array(db.Date) } })
---Poll{ days = { "2024-02-29" } }.days[1] --> 2024-02-29
---Poll{ days = { 1 } } --! ArgumentError: Poll.days[1]: expected a date
---```
---@field Array moonrow.Type|fun(item: moonrow.Type): moonrow.Type
---A type with functions of yours around it: what is stored for a value, and what the program sees of it.
---
---```lua
---local Cents = mr.TypeDecorator{ impl = mr.Integer, name = "Cents",
---  bind = function(price) return price and math.tointeger(price * 100) end,
---  result = function(cents) return cents and cents / 100 end }
---local Cake = db.Model:extend("Cake", {
---  id = db.Column{ db.Integer, primary_key = true }, price = db.Column{ Cents } })
---db:create_all()
---session:add(Cake{ price = 2.5 })
---session:commit()
---Cake.query:filter(Cake.price:lt(3)):one().price --> 2.5
---session:execute(mr.text "SELECT price FROM cake"):scalar() --> 250
---```
---@field TypeDecorator fun(options: moonrow.DecoratorOptions): moonrow.Type
local mr = {}

---How a JSON column takes `mr.null`.
---
---```lua
---mr.JSON{ none_as_null = true } --> JSON
---```
---@class moonrow.JsonOptions
---`mr.null` is NULL, not JSON's null.
---@field none_as_null? boolean

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

---The digits of a Numeric, and how it is stored.
---
---```lua
---mr.Numeric{ precision = 10, scale = 2 } --> Numeric(10, 2)
---mr.Numeric(10, 2, { storage = "scaled" }) --> Numeric(10, 2, { storage = "scaled" })
---```
---@class moonrow.NumericOptions
---The number of digits in all, 1 to 1000; any number by default.
---@field precision? integer
---How many of them stand behind the point; 0 by default, and any number without a precision.
---@field scale? integer
---"scaled" is an integer of units of the last digit (1230 for 12.30), of at most 18 digits; "real" is a float, as other
---programs write it, of at most 15 digits. By default it is text, or NUMERIC where the database has that type.
---@field storage? "scaled"|"real"

---How the choices of an Enum are stored.
---
---```lua
---mr.Enum("draft", "sent", { storage = "position", first = 1 }) --> Enum(draft = 1, sent = 2)
---mr.Enum("draft", "sent", { storage = { draft = "d", sent = "s" } }) --> Enum(draft = "d", sent = "s")
---mr.Enum("draft", "sent", { name = "mail_state" }) --> Enum(draft, sent)
---```
---@class moonrow.EnumOptions
---By number, in capitals, or as you say for each choice.
---@field storage? "position"|"upper"|table<string, integer|string>
---The position of the first choice; 0 by default.
---@field first? integer
---A type of this name that PostgreSQL has for it: create_all makes it before the tables, drop_all drops it behind them.
---Elsewhere it is stored as usual.
---@field name? string

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
---`"postgresql://user@host/name"` is a database of a PostgreSQL server.
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
---The steps that can be undone and redone.
---@field history moonrow.History
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

---Copies the database into a file, while others read and write: see `Engine:backup`.
---
---```lua
---local file = os.tmpname()
---db.session:commit()
---db:backup(file, { pages = 64, progress = function(done, total) assert(done <= total) end })
---os.remove(file)
---```
---@param path string
---@param options? moonrow.BackupOptions
function Database:backup(path, options) end

---The database becomes what is in the file; all objects expire.
---
---```lua
---local file = os.tmpname()
---db.session:commit()
---db:backup(file)
---db:restore(file)
---os.remove(file)
---```
---@error InvalidRequestError a transaction is open
---@param path string
---@param options? moonrow.BackupOptions
function Database:restore(path, options) end

---What is wrong with the file; an empty list: nothing.
---
---```lua
---#db:integrity_check() --> 0
---```
---@return string[]
function Database:integrity_check() end

---A copy without unused pages, in a new file.
---
---```lua
---local file = os.tmpname()
---os.remove(file)
---db:vacuum_into(file)
---os.remove(file)
---```
---@param path string
function Database:vacuum_into(path) end

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
---records[#records].waited --> 0.0
---#db:record(function() return #ann.posts end, { max_lazy = 2 }) --> 2
---```
---@param fn fun()
---@param options? moonrow.RecordOptions
---@return moonrow.Record[]
---@error InvalidRequestError accesses have loaded more often than max_lazy: the attribute, and the line
function Database:record(fn, options) end

---A row that a commit has changed.
---@class moonrow.Change
---Of the commit; the changes of one commit have the same.
---@field token integer
---Of the commit, in UTC.
---@field when moonrow.Date
---"unknown": the table was changed, and its rows were not recorded; with `outside`: another program has committed;
---without a table: the database (PostgreSQL) does not tell its rows.
---@field kind "insert"|"update"|"delete"|"unknown"
---The class of the row; nil for a link table, and for a table that no class maps.
---@field class? moonrow.Model
---The name of its table.
---@field table? string
---Of an attached database.
---@field schema? string
---The primary key: a value, or a list of values. After an UPDATE that changes it, the new one.
---@field key? any
---The values before, by attribute (without a class: by column): all of a deleted row, those that differ of an updated
---one. NULL is mr.null.
---@field old? table<string, any>
---The values after: all of an inserted row, those that differ of an updated one.
---@field new? table<string, any>
---That has committed; nil for a connection without a session, and once nobody has the session any more.
---@field session? moonrow.Session
---By a trigger, or by the action of a foreign key.
---@field caused? boolean
---Another program has committed, or a connection of another engine, or a file was restored: what, is not known.
---@field outside? boolean
---Undo or redo has done it.
---@field undo? boolean

---What was committed after the token, row by row, in the order of writing, whoever wrote it: objects, statements for
---many rows, text, cascades and triggers. Recording begins with the first call of this or of change_token; about 16 MB
---are kept.
---
---```lua
---local token = db:change_token()
---ann.age = 36
---session:commit()
---for change in db:changes_since(token) do
---  change.kind, change.key --> update, 1
---  change.class == User --> true
---  change.new.age --> 36
---  change.old.age ~= 36 --> true
---  change.token == token + 1 and change.table == "user" and change.when <= mr.now() --> true
---  change.session ~= nil and not change.caused and not change.outside and not change.schema --> true
---end
---```
---@param token integer
---@return fun(): moonrow.Change|nil
---@error InvalidRequestError some of what was changed after the token is not in memory any more
function Database:changes_since(token) end

---The token of the last commit that has changed something; 0 when there was none since recording began.
---
---```lua
---math.type(db:change_token()) --> integer
---```
---@return integer
function Database:change_token() end

---Tells live queries (`query:watch`, `query:window`) of all that was committed since the last call, also by other
---programs. Call it from the program's own loop: once a frame, or once a second.
---
---```lua
---db:poll() --> 0
---```
---@return integer # how many functions were called
---@error InvalidRequestError it is called by a listener, or by the function of a watch
function Database:poll() end

---What db:track takes: a list of classes and tables, and how long the log keeps what they change.
---@class moonrow.Tracked
---A class, or a table without one.
---@field [integer] moonrow.Model|moonrow.Table
---"30d": so many seconds, minutes, hours, days or weeks (s, m, h, d, w); for ever by default.
---@field retain? string

---Writes each change of these classes and tables into the table `moonrow_change`, in the transaction of the change
---itself, whoever makes it. The table is made if it is missing. A further call takes the place of the one before.
---
---```lua
---local Log = db:track{ User, retain = "30d" }
---ann.age = 60
---session:commit()
---local last = Log.query:order_by(Log.id:desc()):first()
---last.kind, last.class, last.key --> update, User, 1
---last.new.age --> 60
---session:commit()
---```
---@param what moonrow.Tracked
---@return moonrow.Model # the class of the log: id, at, kind, class, of (the table), key, old, new
function Database:track(what) end

---@class moonrow.HistoryOptions
---Steps are kept in the database, too, in the table `moonrow_history`.
---@field persistent? boolean

---How steps of undo are kept. Persistent ones are written in the transaction of their changes, and those of earlier
---runs of the program are in `db.history` again. Call it once, when the program starts.
---
---```lua
---db:history_options{ persistent = true }
---session:begin(function() ann.age = 45 end, { undo = "Birthday" })
---db:history_options{ persistent = true } -- as the next run does
---db.history:undo() --> Birthday
---ann.age ~= 45 --> true
---db:history_options{ persistent = false }
---```
---@param options moonrow.HistoryOptions
---@error InvalidRequestError the database is not SQLite
function Database:history_options(options) end

---Ends recording, and forgets what was recorded.
---
---```lua
---db:forget_changes()
---```
function Database:forget_changes() end

---What undo and redo have: db.history.
---
---```lua
---session:begin(function() ann.age = 40 end, { undo = "Birthday" })
---db.history:undo() --> Birthday
---ann.age ~= 40 --> true
---tostring(db.history) --> <History: 0 to undo, 1 to redo>
---```
---@class moonrow.History
---"undo" or "redo" while one of them is at work, as listeners may ask: else false.
---
---```lua
---db.history.replaying --> false
---```
---@field replaying string|false
local History = {}

---A step: what a transaction has changed whose `begin` had the option undo.
---@class moonrow.Step
---The option undo.
---@field name string
---Of memory.
---@field bytes integer
---It was undone, and can be redone.
---@field undone boolean

---Takes the last step back, in a transaction of its own, which is committed. Each row gets the values of before; no
---defaults, no triggers. Objects in memory follow, and those whose rows come back are the same ones.
---
---```lua
---session:begin(function() ann.age = 41 end, { undo = "Birthday" })
---db.history:undo() --> Birthday
---```
---@return string|nil # the name of the step; nil when there is none
---@error UndoConflictError others have changed its rows since, which are e.rows; nothing was done
---@error InvalidRequestError the session has a transaction, or changes that are not committed
function History:undo() end

---Does the step once more that was undone last.
---
---```lua
---session:begin(function() ann.age = 42 end, { undo = "Birthday" })
---db.history:undo() --> Birthday
---db.history:redo() --> Birthday
---ann.age --> 42
---```
---@return string|nil # the name of the step; nil when there is none
---@error UndoConflictError others have changed its rows since, which are e.rows; nothing was done
function History:redo() end

---The steps, the oldest first; those that were undone are the last ones.
---
---```lua
---session:begin(function() ann.age = 43 end, { undo = "Drag", merge = "drag:1" })
---session:begin(function() ann.age = 44 end, { undo = "Drag", merge = "drag:1" })
---local steps = db.history:steps()
---steps[#steps].name --> Drag
---steps[#steps].undone --> false
---steps[#steps].bytes > 0 --> true
---```
---@return moonrow.Step[]
function History:steps() end

---Forgets all steps.
---
---```lua
---db.history:clear()
---#db.history:steps() --> 0
---```
function History:clear() end

---@class moonrow.HistoryLimits
---How many steps are kept; 100 by default.
---@field steps? integer
---How many bytes of memory they take; 16e6 by default.
---@field bytes? number

---How much is kept: beyond that the oldest steps are forgotten.
---
---```lua
---db.history:limit{ steps = 50, bytes = 1e6 }
---```
---@param limits moonrow.HistoryLimits
function History:limit(limits) end

---@class moonrow.RecordOptions
---So often accesses may load: relationships, deferred columns, objects that have expired. An access more is an error.
---@field max_lazy? integer

---Tells of what loads one by one, of slow statements, and of statements that read whole tables, until it is stopped.
---
---```lua
---local dog <close> = db:watchdog{ n_plus_one = 2, slow = 5, fullscan = 100000, suggest = true,
---  on = function(finding) return finding.message end }
---session:expunge_all()
---for _, user in ipairs(User.query:all()) do assert(#user.posts >= 0) end
---local finding = dog.findings[1]
---finding.kind --> n_plus_one
---finding.attribute --> User.posts
---finding.option --> mr.selectinload(User.posts)
---finding.count --> 3
---finding.where:match ":%d+$" ~= nil --> true
---tostring(dog):match "one by one" --> one by one
---finding.statement == nil and finding.seconds == nil and finding.table == nil --> true
---finding.message:match "3 times" --> 3 times
---dog:stop()
---```
---@param options moonrow.WatchdogOptions
---@return moonrow.Watchdog
function Database:watchdog(options) end

---@class moonrow.WatchdogOptions
---So many loads of one attribute, or of expired objects of one class, on one line of the program are told of.
---@field n_plus_one? integer
---So many seconds of a statement.
---@field slow? number
---So many rows of a table that a statement reads from end to end, by the database's plan.
---@field fullscan? integer
---Called with each finding. Without it a finding is an error.
---@field on? fun(finding: moonrow.Finding)
---Only tell: a finding is no error, nor is an error of `on`.
---@field suggest? boolean

---What a watchdog has found.
---@class moonrow.Finding
---"n_plus_one", "slow" or "fullscan".
---@field kind string
---For people.
---@field message string
---"file:line" of the program.
---@field where string
---n_plus_one: the attribute that was loaded, "User.posts", or the class whose expired objects were read again, "User".
---@field attribute? string
---n_plus_one: of how many objects, so far.
---@field count? integer
---n_plus_one: the option of the query that would have loaded it; where objects have expired, that of the session.
---@field option? string
---slow, fullscan: the SQL.
---@field statement? string
---slow: how long it took.
---@field seconds? number
---fullscan: the table.
---@field table? string

---What watches.
---@class moonrow.Watchdog
---What was found so far, at most 1000 of them.
---@field findings moonrow.Finding[]
local Watchdog = {}

---It watches no more.
---
---```lua
---local dog = db:watchdog{ slow = 1 }
---dog:stop()
---```
function Watchdog:stop() end

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

---The settings of a program: an object of `db.session` that is the only row of its table, `settings` or `__tablename`.
---As long as there is no row, it has the defaults, and reading it writes nothing; once something is set it is an object
---like any other, and a commit writes it. The call makes the table, and adds the columns that a newer program has.
---Without columns, it gives the settings that were declared before, in another session, too.
---
---```lua
---local s = db:settings{ volume = db.Column{ db.Float, default = 1 }, name = db.Column{ db.String(20) } }
---s.volume --> 1.0
---s.volume = 0.5
---session:commit()
---db:settings().volume --> 0.5
---db:settings{ __tablename = "video", width = db.Column{ db.Integer, default = 640 } }.width --> 640
---```
---@param columns? table as a class's body: columns, methods, `__tablename`
---@return any
function Database:settings(columns) end

---A statement that was executed. Printed, it is the statement with its parameters.
---@class moonrow.Record
---Its SQL.
---@field statement string
---Of a batch: a list of lists. NULL is mr.null.
---@field parameters any[]
---In seconds.
---@field duration number
---How many of these seconds it waited for a lock that another connection had. (The BEGIN before it is counted in; a
---COMMIT that waited is a record of its own.)
---@field waited number

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

---@class moonrow.SandboxOptions
---Bytes by which the memory of the Lua state may grow during a run; 16e6 when left out.
---@field memory? number
---Instructions of a run; 1e7 when left out.
---@field instructions? number
---Seconds of a run; 1 when left out.
---@field timeout? number
---What the scripts have as globals beside Lua's own: plain values, tables of them (copied), functions.
---@field globals? table<string, any>

---Scripts that nobody trusts run in it, under limits.
---@class moonrow.Sandbox
local Sandbox = {}

---Runs the script; returns copies of its results. A limit that is reached is an InvalidRequestError.
---
---```lua
---local box = mr.sandbox{ memory = 1e6, timeout = 2, globals = { two = 2 } }
---box:run("return ... + two", 1) --> 3
---```
---@param text string
---@param ... any
---@return any ...
function Sandbox:run(text, ...) end

---A sandbox for scripts. (db:sandbox is a database for one test.)
---
---```lua
---mr.sandbox{ instructions = 1000 }:run "while true do end" --! InvalidRequestError: sandbox: the script
---```
---@param options? moonrow.SandboxOptions
---@return moonrow.Sandbox
function mr.sandbox(options) end

return mr
