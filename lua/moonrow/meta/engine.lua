---@meta _
-- engine.lua: engines and connections.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- engines

---What `mr.create_engine` takes, and `mr.open`, too. The first three may stand in the URL, which counts before them.
---@class moonrow.EngineOptions
---How long to wait for a lock of another connection, in milliseconds; 5000 by default.
---@field busy_timeout? integer
---How a commit can be taken back; by default what the file says, and a new file "delete".
---@field journal_mode? "delete"|"truncate"|"persist"|"memory"|"wal"|"off"
---When SQLite waits for the disk; "full" by default.
---@field synchronous? "off"|"normal"|"full"|"extra"
---Logs each statement, with its parameters in a second line; false by default.
---@field echo? boolean
---How many seconds a statement may run; without a limit by default.
---@field timeout? number|false
---Writes the file and line that runs a statement in a comment before its SQL, wherever that is shown; false by default.
---@field tag? boolean
---May `engine:load_extension` be called? false by default.
---@field load_extension? boolean
---How many prepared statements each connection keeps, 1 to 100000; 100 by default.
---@field statement_cache? integer
---How many idle connections are kept, 1 to 10000; 8 by default.
---@field pool_size? integer
---How many more than pool_size may be in use at once; -1: no limit. 10 if pool_size is given, else no limit.
---@field max_overflow? integer
---An idle connection that was opened so many seconds ago is replaced; never by default.
---@field pool_recycle? number
---Accepted; it has no effect.
---@field convert_unicode? boolean

---What may stand behind the `?` of a URL, with `&` between two: `sqlite:///a.db?journal_mode=wal&busy_timeout=100`.
---
---```lua
---mr.open "sqlite://?busy_timeout=100&synchronous=normal".session:scalar(mr.text "PRAGMA synchronous") --> 1
---mr.open "sqlite://?jurnal_mode=wal" --! ArgumentError:
---mr.open "sqlite:///nowhere.db?mode=rw".session:scalar(mr.text "SELECT 1") --! OperationalError:
---mr.open "sqlite:///nowhere.db?immutable=1&vfs=unix".session:scalar(mr.text "SELECT 1") --! OperationalError:
---local file = os.tmpname()
---mr.open("sqlite:///" .. file .. "?journal_mode=wal").session:scalar(mr.text "PRAGMA journal_mode") --> wal
---os.remove(file)
---```
---@class moonrow.UrlParameters
---How a commit can be taken back; it stays with the file.
---@field journal_mode? "delete"|"truncate"|"persist"|"memory"|"wal"|"off"
---When SQLite waits for the disk.
---@field synchronous? "off"|"normal"|"full"|"extra"
---In milliseconds.
---@field busy_timeout? integer
---"ro": it is only read; "rw": it must be there; "rwc", the default: it is made; "memory": in memory.
---@field mode? "ro"|"rw"|"rwc"|"memory"
---"1": nobody changes the file, so it is read without locks.
---@field immutable? "0"|"1"
---The name of one of SQLite's virtual file systems.
---@field vfs? string

---An engine: the connections to one database.
---
---```lua
---local engine = mr.create_engine("sqlite://", { echo = false, busy_timeout = 1000, statement_cache = 10,
---  journal_mode = "wal", synchronous = "normal", convert_unicode = true, timeout = 30, tag = true,
---  load_extension = false, pool_size = 2, max_overflow = 3, pool_recycle = 1800 })
---engine.name --> sqlite
---```
---@error ArgumentError the URL cannot be read, or an option is unknown
---@param url string
---@param options? moonrow.EngineOptions
---@return moonrow.Engine
function mr.create_engine(url, options) end

---An engine: the connections to one database, which are made when they are needed and kept.
---
---```lua
---db.engine.url --> sqlite://
---db.engine.dialect.name --> sqlite
---db.engine.name --> sqlite
---```
---@class moonrow.Engine
---Without a password.
---@field url string
---The database's language.
---@field dialect moonrow.Dialect
---The name of the dialect.
---@field name string
local Engine = {}

---@class moonrow.Dialect
---"sqlite".
---@field name string

---`db:poll()` of the engine's own live queries.
---
---```lua
---db.engine:poll() --> 0
---```
---@return integer
function Engine:poll() end

---Runs fn and returns the statements that the engine executed, in order.
---
---```lua
---local records = db.engine:record(function() User.query:count() end)
---#records --> 1
---```
---@param fn fun()
---@return moonrow.Record[]
function Engine:record(fn) end

---What the pool of an engine holds.
---@class moonrow.PoolStatus
---How many idle connections it keeps.
---@field size integer
---How many may be in use at once; nil: no limit.
---@field max? integer
---Those that nobody uses now.
---@field idle integer
---Those in use.
---@field taken integer
---How many were ever opened.
---@field opened integer
---The lines that took those in use; empty where their number is not limited.
---@field taken_at string[]

---How many connections are idle and in use, and who took these.
---
---```lua
---local now = db.engine:pool_status()
---now.size --> 8
---now.max --> nil
---now.idle >= 0 and now.taken >= 0 and now.opened > 0 --> true
---#now.taken_at --> 0
---```
---@return moonrow.PoolStatus
function Engine:pool_status() end

---@class moonrow.SqlFunctionOptions
---How many arguments it takes; any number by default.
---@field args? integer
---Does it give the same for the same arguments? Only such a one may stand in an index. false by default.
---@field deterministic? boolean

---A Lua function that SQL calls by this name, on every connection of the engine. Arguments are nil, integers, floats
---and strings. Its error is that of the statement. It may use the session, but not end its transaction, and cannot
---yield.
---
---```lua
---db.engine:create_function("st_isempty", function(blob) return blob == nil end, { args = 1, deterministic = true })
---db.session:scalar(mr.text "SELECT st_isempty(NULL)") --> 1
---```
---@param name string
---@param fn fun(...: any): any
---@param options? moonrow.SqlFunctionOptions
function Engine:create_function(name, fn, options) end

---@class moonrow.SqlAggregate: moonrow.SqlFunctionOptions
---Makes the state of a group; an empty table by default.
---@field init? fun(): any
---Sees a row. What it returns, if that is not nil, is the new state.
---@field step fun(state: any, ...: any): any
---Gives the result of a group.
---@field finish fun(state: any): any

---A function of all rows of a group.
---
---```lua
---db.engine:create_aggregate("longest", { args = 1,
---  init = function() return "" end,
---  step = function(longest, text) return #text > #longest and text or longest end,
---  finish = function(longest) return longest end,
---})
---db.session:scalar(mr.text "SELECT longest(column1) FROM (VALUES ('a'), ('ccc'), ('bb'))") --> ccc
---```
---@param name string
---@param parts moonrow.SqlAggregate
function Engine:create_aggregate(name, parts) end

---An order of texts: fn gives a number below 0 where a stands before b, above 0 where it stands behind. Without it, a
---table whose columns or indexes name the collation cannot be written.
---
---```lua
---db.engine:create_collation("by_length", function(a, b) return #a - #b end)
---db.session:scalar(mr.text "SELECT 'xyz' = 'abc' COLLATE by_length") --> 1
---```
---@param name string
---@param fn fun(a: string, b: string): number
function Engine:create_collation(name, fn) end

---Loads an extension of SQLite (a library with functions, collations or modules of tables) into each connection of the
---engine, which was made with the option `load_extension`. SQL itself stays unable to load any.
---
---```lua
---mr.create_engine("sqlite://", { load_extension = true }):load_extension "./none" --! OperationalError:
---mr.create_engine "sqlite://":load_extension "./none" --! InvalidRequestError:
---```
---@param path string without a slash it is looked for where the system's libraries are
---@param entry? string the name of its first function; by default SQLite finds it by the path
function Engine:load_extension(path, entry) end

---@class moonrow.BackupOptions
---So many pages at once, between which others may write; all by default.
---@field pages? integer
---Is called after each step, with the numbers of pages.
---@field progress? fun(done: integer, total: integer)

---Copies the database into a file, over what is there, while others read and write. `db:backup` is the same, and so for
---the next three.
---
---```lua
---local file = os.tmpname()
---db.session:commit()
---db:backup(file, { pages = 64, progress = function(done, total) assert(done <= total) end })
---db:restore(file, { pages = 64, progress = print })
---os.remove(file)
---db:vacuum_into(file)
---#db:integrity_check() --> 0
---os.remove(file)
---```
---@param path string
---@param options? moonrow.BackupOptions
function Engine:backup(path, options) end

---The database becomes what is in the file. All objects of its sessions expire.
---
---```lua
---local file = os.tmpname()
---db.session:commit()
---db.engine:backup(file)
---db.engine:restore(file)
---os.remove(file)
---```
---@error InvalidRequestError a transaction is open
---@param path string
---@param options? moonrow.BackupOptions
function Engine:restore(path, options) end

---What is wrong with the file, rows that refer to none among it; an empty list: nothing.
---
---```lua
---#db.engine:integrity_check() --> 0
---```
---@return string[]
function Engine:integrity_check() end

---A copy without unused pages, in a new file.
---
---```lua
---local file = os.tmpname()
---os.remove(file)
---db.engine:vacuum_into(file)
---os.remove(file)
---```
---@param path string
function Engine:vacuum_into(path) end

---Closes idle connections; they are made again when they are needed.
---
---```lua
---local file = os.tmpname()
---local engine = mr.create_engine("sqlite:///" .. file)
---engine:connect():close()
---engine:dispose()
---os.remove(file)
---```
function Engine:dispose() end

---@class moonrow.ConnectOptions
---"AUTOCOMMIT": each statement is a transaction of its own.
---@field isolation_level? "SERIALIZABLE"|"AUTOCOMMIT"

---A connection of its own. It begins at its first write and is committed by hand; with the isolation level "AUTOCOMMIT"
---each statement is a transaction of its own, as VACUUM and some PRAGMAs need it.
---
---```lua
---local connection <close> = db.engine:connect{ isolation_level = "AUTOCOMMIT" }
---connection:scalar(mr.text "SELECT count(*) FROM user") --> 3
---```
---@param options? moonrow.ConnectOptions
---@return moonrow.Connection
function Engine:connect(options) end

---A transaction: committed at the end of the block, rolled back on an error. Without fn: a connection to close, which
---commits.
---
---```lua
---db.engine:begin(function(connection)
---  return connection:execute(mr.text "UPDATE user SET age = 1").rowcount
---end) --> 3
---```
---@overload fun(self: moonrow.Engine): moonrow.Connection
---@param fn fun(connection: moonrow.Connection): ... nil is refused
---@return any ... what fn returns
function Engine:begin(fn) end

-- ---------------------------------------------------------------- connections

---A connection. With `<close>`, it is closed at the end of the block; what is not committed is rolled back.
---
---```lua
---local connection <close> = db.engine:connect()
---connection.engine == db.engine --> true
---connection.closed --> false
---```
---@class moonrow.Connection
---The engine that it belongs to.
---@field engine moonrow.Engine
---A closed connection answers this and close(), and refuses all else.
---@field closed boolean
local Connection = {}

---Runs a statement. params: values by name, or a list of them, for a batch. Text is SQL.
---
---```lua
---local connection <close> = db.engine:connect()
---connection:execute("SELECT name FROM user WHERE id = :id", { id = 2 }):scalar() --> Bob
---```
---@param statement moonrow.Statement|moonrow.Select|string
---@param params? table
---@return moonrow.Result
function Connection:execute(statement, params) end

---The first column of each row.
---
---```lua
---local connection <close> = db.engine:connect()
---connection:scalars(mr.text "SELECT name FROM user ORDER BY id"):all() --> {"Ann", "Bob", "Cid"}
---```
---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return moonrow.Result
function Connection:scalars(statement, params) end

---The first column of the first row, or nil.
---
---```lua
---local connection <close> = db.engine:connect()
---connection:scalar(mr.select(mr.func.count(User.id))) --> 3
---```
---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return any
function Connection:scalar(statement, params) end

---Has a transaction begun on it?
---
---```lua
---local connection <close> = db.engine:connect()
---connection:in_transaction() --> false
---connection:execute(mr.text "DELETE FROM post")
---connection:in_transaction() --> true
---```
---@return boolean
function Connection:in_transaction() end

---Ends the transaction, if there is one: what it wrote stays.
---
---```lua
---local connection <close> = db.engine:connect()
---connection:execute(mr.text "DELETE FROM post")
---connection:commit()
---Post.query:count() --> 0
---```
function Connection:commit() end

---Ends the transaction, if there is one: what it wrote goes.
---
---```lua
---local connection <close> = db.engine:connect()
---connection:execute(mr.text "DELETE FROM post")
---connection:rollback()
---Post.query:count() --> 3
---```
function Connection:rollback() end

---Gives the connection back, after a rollback of what is not committed.
---
---```lua
---local connection = db.engine:connect()
---connection:close()
---connection.closed --> true
---```
function Connection:close() end
