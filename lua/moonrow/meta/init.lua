---@meta moonrow
-- init.lua: the module, databases, applications, errors. The files of this folder are annotations (LuaCATS) of the
-- public names, for editors with the Lua language server; they are never run. A function that takes options takes
-- them in one table with its arguments, too: f{ a, b, k = v } is f(a, b, { k = v }).
-- luacheck: ignore 212 241

---@class moonrow
---@field _VERSION string
---@field sqlite_version string of the SQLite library in use: "3.40.1"
---@field null lightuserdata a value that is NULL, where nil would vanish: in table constructors
---@field errors table<moonrow.ErrorKind, moonrow.ErrorClass>
---@field func table<string, fun(...): moonrow.Expression> SQL functions: func.count(User.id)
---@field true_ moonrow.Expression
---@field false_ moonrow.Expression
---@field Query moonrow.QueryClass
---@field event moonrow.Events
---@field datetime moonrow.DateTimeMaker
---@field Integer moonrow.Type
---@field SmallInteger moonrow.Type
---@field BigInteger moonrow.Type
---@field Float moonrow.Type
---@field Boolean moonrow.Type|fun(options: { storage: string }): moonrow.Type  storage: the words for true and false, "t/f"
---@field String moonrow.Type|fun(length: integer): moonrow.Type
---@field Text moonrow.Type
---@field LargeBinary moonrow.Type
---@field Date moonrow.Type|fun(options: moonrow.StorageOptions): moonrow.Type  storage: "iso", "datetime", "unix", "unix_ms", "julian", "cocoa"
---@field Time moonrow.Type|fun(options: moonrow.StorageOptions): moonrow.Type  storage: "iso", "datetime", "seconds", "milliseconds", "microseconds"
---@field DateTime moonrow.Type|fun(options: moonrow.StorageOptions): moonrow.Type  storage: "iso", "unix", "unix_ms", "unix_us", "julian", "cocoa"
---@field Interval moonrow.Type|fun(options: moonrow.StorageOptions): moonrow.Type  storage: "iso", "seconds", "milliseconds", "microseconds", "days"
---@field Enum moonrow.Type|fun(...: string|moonrow.EnumOptions): moonrow.Type
---@field Uuid moonrow.Type|fun(options: moonrow.StorageOptions): moonrow.Type  storage: "text", "hex", "blob"
---@field Any moonrow.Type of a column without a type: integers, floats and strings, each stored as what it is
local mr = {}

---How a date, time, interval or uuid is stored.
---@class moonrow.StorageOptions
---@field storage? string the form; the type names which it has
---@field digits? integer|"auto" of the second's fraction, 0 to 9
---@field separator? "T"|" " between date and time
---@field zone? ""|"Z"|"+00:00"|" +00:00" behind a datetime, which is UTC

---How the choices of an Enum are stored.
---@class moonrow.EnumOptions
---@field storage? "position"|"upper"|table<string, integer|string>
---@field first? integer the position of the first choice; 0 if absent

-- ---------------------------------------------------------------- databases and applications

---@class moonrow.DatabaseOptions
---@field metadata? moonrow.MetaData
---@field session_options? moonrow.SessionOptions
---@field engine_options? moonrow.EngineOptions
---@field query_class? moonrow.QueryClass
---@field name? string of the application that mr.open makes

---@class moonrow.EngineOptions
---@field echo? boolean log each statement
---@field busy_timeout? integer milliseconds; 5000 by default
---@field statement_cache? integer prepared statements kept per connection, 1 to 100000; 100 by default
---@field journal_mode? "delete"|"truncate"|"persist"|"memory"|"wal"|"off" as the URL's parameter
---@field synchronous? "off"|"normal"|"full"|"extra" as the URL's parameter
---@field convert_unicode? boolean accepted; it has no effect

---A database with an application of its own. A "sqlite://" has a write-ahead log: sessions read while another writes. A
---file has one if it says so itself; with "?journal_mode=wal" behind its name, it does from then on. Without it, a
---commit is "database is locked" while another connection is in the middle of reading.
---@param url string "sqlite://" (in memory), "sqlite:///relative.db", "sqlite:////absolute.db"
---@param options? moonrow.DatabaseOptions|moonrow.EngineOptions
---@return moonrow.Database
function mr.open(url, options) end

---@param app? moonrow.App
---@param options? moonrow.DatabaseOptions
---@return moonrow.Database
function mr.Database(app, options) end

---Has every name of the module besides its own.
---@class moonrow.Database: moonrow
---@field Model moonrow.Model
---@field metadata moonrow.MetaData
---@field session moonrow.ScopedSession
---@field engine moonrow.Engine made at its first use, from app.config.DATABASE_URI
---@field app moonrow.App
local Database = {}

---@param app moonrow.App
---@return moonrow.Database self
function Database:init_app(app) end

---Makes the tables that are missing, in foreign-key order.
---@param options? { tables?: moonrow.Table[], checkfirst?: boolean, bind?: moonrow.Engine }
function Database:create_all(options) end

---@param options? { tables?: moonrow.Table[], checkfirst?: boolean, bind?: moonrow.Engine }
function Database:drop_all(options) end

---Resolves what the classes say about each other, and reports every mistake.
function Database:configure() end

---Runs fn and returns the statements that it executed.
---@param fn fun()
---@return moonrow.Record[]
function Database:record(fn) end

---@generic T
---@param fn fun(...: any): T
---@param ... any handed to fn
---@return T ...
function Database:scope(fn, ...) end

---Runs fn in a scope whose database is a new one in memory, with the tables of the declared classes: for tests.
---At its end the database is gone, committed or not.
---@generic T
---@param fn fun(...: any): T
---@param ... any handed to fn
---@return T ...
function Database:sandbox(fn, ...) end

---@class moonrow.Record
---@field statement string
---@field parameters any[] of a batch: a list of lists
---@field duration number seconds

---@param name? string
---@return moonrow.App
function mr.App(name) end

---@class moonrow.App
---@field name string
---@field config table DATABASE_URI is the one that moonrow reads
local App = {}

---Runs fn in a scope: at its end the teardowns run (with the error, if there is one), and its sessions go.
---@generic T
---@param fn fun(...: any): T
---@param ... any handed to fn
---@return T ...
function App:scope(fn, ...) end

---@param fn fun(err: any)
---@return fun(err: any) fn
function App:on_teardown(fn) end

-- ---------------------------------------------------------------- errors and memory

---@alias moonrow.ErrorKind
---| "Error"
---| "ArgumentError"
---| "InvalidRequestError"
---| "NoResultFound"
---| "MultipleResultsFound"
---| "DetachedInstanceError"
---| "PendingRollbackError"
---| "ObjectDeletedError"
---| "MappingError"
---| "StaleDataError"
---| "DatabaseError"
---| "IntegrityError"
---| "OperationalError"
---| "DataError"
---| "ProgrammingError"
---| "NoMemoryError"

---@class moonrow.ErrorClass
---@field name moonrow.ErrorKind
local ErrorClass = {}
---Is the value an error of this kind, or of a kind below it?
---@param value any
---@return boolean
function ErrorClass:is(value) end

---What error() raises: an object, whose tostring begins with where.
---@class moonrow.Error
---@field kind moonrow.ErrorKind
---@field message string
---@field where string "file:line" of the call
---@field traceback string
---@field statement string?
---@field params any[]?
---@field orig { message: string, code: integer }?

---Where echo and warnings go, a line each; nil: to io.stderr.
---@param fn? fun(line: string)
function mr.set_log(fn) end

---What the library has taken from the Lua state's allocator; SQLite's own memory is not in it.
---@param options? { trace?: boolean|integer }
---@return { bytes: integer, objects: integer, object_bytes: integer }
function mr.memory(options) end

return mr
