---@meta moonrow
-- meta.lua: annotations (LuaCATS) of the public names, for editors with the Lua language server. It is never
-- run. A function that takes options takes them in one table with its arguments, too: f{ a, b, k = v } is
-- f(a, b, { k = v }).
-- luacheck: ignore 212 241

---@alias moonrow.Criterion moonrow.Expression
---@alias moonrow.Operand any a value, an expression, or a query (a scalar subquery); never nil
---@alias moonrow.Source moonrow.Session|moonrow.ScopedSession|moonrow.Database

---@class moonrow
---@field _VERSION string
---@field null lightuserdata a value that is NULL, where nil would vanish: in table constructors
---@field errors table<moonrow.ErrorKind, moonrow.ErrorClass>
---@field func table<string, fun(...): moonrow.Expression> SQL functions: func.count(User.id)
---@field true_ moonrow.Expression
---@field false_ moonrow.Expression
---@field Query moonrow.QueryClass
---@field Integer moonrow.Type
---@field SmallInteger moonrow.Type
---@field BigInteger moonrow.Type
---@field Float moonrow.Type
---@field Boolean moonrow.Type
---@field String moonrow.Type|fun(length: integer): moonrow.Type
---@field Text moonrow.Type
---@field LargeBinary moonrow.Type
---@field Date moonrow.Type
---@field Time moonrow.Type
---@field DateTime moonrow.Type
---@field Interval moonrow.Type
---@field Enum moonrow.Type|fun(...: string): moonrow.Type
---@field Uuid moonrow.Type
local mr = {}

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
---@field statement_cache? integer prepared statements kept per connection; 100 by default
---@field convert_unicode? boolean accepted; it has no effect

---A database with an application of its own.
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
---@param fn fun(...): T...
---@param ... any
---@return T...
function Database:scope(fn, ...) end

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
---@param fn fun(...): T...
---@param ... any
---@return T...
function App:scope(fn, ...) end

---@param fn fun(err: any)
---@return fun(err: any) fn
function App:on_teardown(fn) end

-- ---------------------------------------------------------------- engines

---@param url string
---@param options? moonrow.EngineOptions
---@return moonrow.Engine
function mr.create_engine(url, options) end

---@class moonrow.Engine
---@field url string
---@field dialect string
---@field name string
local Engine = {}

---@param fn fun()
---@return moonrow.Record[]
function Engine:record(fn) end

---Closes idle connections.
function Engine:dispose() end

---@return moonrow.Connection
function Engine:connect() end

---A transaction: committed at the end of the block, rolled back on an error.
---@param fn? fun(connection: moonrow.Connection): ...
---@return any ...
function Engine:begin(fn) end

---@class moonrow.Connection
---@field engine moonrow.Engine
---@field closed boolean
local Connection = {}

---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return moonrow.Result
function Connection:execute(statement, params) end

---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return any[]
function Connection:scalars(statement, params) end
---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return any
function Connection:scalar(statement, params) end
---@return boolean
function Connection:in_transaction() end
function Connection:commit() end
function Connection:rollback() end
function Connection:close() end

-- ---------------------------------------------------------------- tables

---@class moonrow.Type a type; types with parameters are called: String(80)

---@class moonrow.ColumnOptions
---@field primary_key? boolean
---@field nullable? boolean
---@field unique? boolean
---@field index? boolean
---@field default? any a value, a function, mr.now, or an expression
---@field onupdate? any
---@field server_default? string|moonrow.Expression
---@field autoincrement? boolean
---@field comment? string

---@class moonrow.Column
---@field name string

---mr.Column{ [name,] type, ForeignKey..., primary_key = true }
---@param spec table|moonrow.ColumnOptions
---@return moonrow.Column|any
function mr.Column(spec) end

---@class moonrow.ForeignKey

---@param target string|moonrow.Column "table.column"
---@param options? { ondelete?: string, onupdate?: string, name?: string }
---@return moonrow.ForeignKey
function mr.ForeignKey(target, options) end

---@class moonrow.Constraint
---@param ... string
---@return moonrow.Constraint
function mr.PrimaryKeyConstraint(...) end
---@param ... string
---@return moonrow.Constraint
function mr.UniqueConstraint(...) end
---@param columns string[]
---@param targets string[]
---@param options? { ondelete?: string, onupdate?: string, name?: string }
---@return moonrow.Constraint
function mr.ForeignKeyConstraint(columns, targets, options) end
---@param sql string
---@param options? { name?: string }
---@return moonrow.Constraint
function mr.CheckConstraint(sql, options) end
---@param name string
---@param ... string columns, then { unique = true }
---@return moonrow.Constraint
function mr.Index(name, ...) end

---@class moonrow.Table
---@field name string
---@field schema string?
---@field c table<string, moonrow.Expression>
---@field columns table<string, moonrow.Expression>
---@field metadata moonrow.MetaData
---@field primary_key moonrow.Column[]
local Table = {}

---@param name? string
---@return table
function Table:alias(name) end

---mr.Table{ "name", metadata, Column..., schema = "main" }; of a Database without the metadata.
---@param name string
---@param metadata moonrow.MetaData
---@param ... moonrow.Column|moonrow.Constraint
---@return moonrow.Table
function mr.Table(name, metadata, ...) end

---@class moonrow.MetaData
---@field tables table<string, moonrow.Table>
---@field sorted_tables moonrow.Table[]
local MetaData = {}

---@return moonrow.MetaData
function mr.MetaData() end

---@param options { bind: moonrow.Engine, tables?: moonrow.Table[], checkfirst?: boolean }
function MetaData:create_all(options) end
---@param options { bind: moonrow.Engine, tables?: moonrow.Table[], checkfirst?: boolean }
function MetaData:drop_all(options) end

-- ---------------------------------------------------------------- classes and objects

---@param options? { metadata?: moonrow.MetaData, name?: string }
---@return moonrow.Model
function mr.declarative_base(options) end

---A class: called, it makes an object; indexed by an attribute, it gives the attribute's expression.
---@class moonrow.Model
---@field query moonrow.Query
---@field query_class moonrow.QueryClass?
---@field metadata moonrow.MetaData
---@field c table<string, moonrow.Expression> the columns, whatever methods hide
---@field __init fun(self: moonrow.Object, ...)
---@overload fun(...): moonrow.Object
---@field [string] any
local Model = {}

---@param name string
---@param body table columns, relationships, fields and methods; __tablename, __table_args, __abstract
---@return moonrow.Model
function Model:extend(name, body) end

---@class moonrow.Object
---@field [string] any

---An attribute in memory only.
---@return any
function mr.field() end

---@param object moonrow.Object
---@return moonrow.Inspection
function mr.inspect(object) end

---@class moonrow.Inspection
---@field state "transient"|"pending"|"persistent"|"deleted"|"detached"
---@field identity any
---@field session moonrow.Session?
---@field class moonrow.Model
---@field modified boolean
local Inspection = {}

---@param attribute string
---@return { added: any[], unchanged: any[], deleted: any[] }
function Inspection:history(attribute) end

---@param object moonrow.Object
---@return moonrow.Session?
function mr.object_session(object) end

---@param object moonrow.Object
---@return moonrow.Model
function mr.class_of(object) end

-- ---------------------------------------------------------------- sessions

---@class moonrow.SessionOptions
---@field bind? moonrow.Engine
---@field autoflush? boolean true by default
---@field expire_on_commit? boolean true by default
---@field autocommit? false
---@field info? table
---@field class_? fun(engine: moonrow.Engine?, options: table): moonrow.Session

---@class moonrow.Session
---@field new moonrow.Object[]
---@field dirty moonrow.Object[]
---@field deleted moonrow.Object[]
---@field info table
---@field bind moonrow.Engine?
---@field identity_map table
---@field autoflush boolean
---@field expire_on_commit boolean
local Session = {}

---@param engine? moonrow.Engine
---@param options? moonrow.SessionOptions
---@return moonrow.Session
function mr.Session(engine, options) end

---@param object moonrow.Object
function Session:add(object) end
---@param objects moonrow.Object[]
function Session:add_all(objects) end
---@param object moonrow.Object
function Session:delete(object) end
---@param object moonrow.Object
function Session:expunge(object) end
function Session:expunge_all() end
---@param object moonrow.Object
---@param names? string[]
function Session:expire(object, names) end
function Session:expire_all() end
---@param object moonrow.Object
---@param names? string[]
function Session:refresh(object, names) end
---@param object moonrow.Object
---@param options? { load?: boolean }
---@return moonrow.Object
function Session:merge(object, options) end
---@param class moonrow.Model
---@param key any of a composite key: a list, or a table by attribute
---@param options? table
---@return moonrow.Object?
function Session:get(class, key, options) end
---@param object moonrow.Object
---@return boolean
function Session:contains(object) end
---@param object moonrow.Object
---@return boolean
function Session:is_modified(object) end
---@param ... moonrow.Model|moonrow.Expression
---@return moonrow.Query
function Session:query(...) end
---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return moonrow.Result
function Session:execute(statement, params) end
---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return any[]
function Session:scalars(statement, params) end
---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return any
function Session:scalar(statement, params) end
function Session:flush() end
function Session:commit() end
function Session:rollback() end
function Session:close() end
---A transaction: committed at the end of the block, rolled back on an error.
---@param fn? fun(session: moonrow.Session): ...
---@param options? { mode?: "deferred"|"immediate"|"exclusive" }
---@return any ...
function Session:begin(fn, options) end
---A savepoint.
---@param fn? fun(session: moonrow.Session): ...
---@return any ...
function Session:begin_nested(fn) end
---@return boolean
function Session:in_transaction() end
---@param fn? fun(session: moonrow.Session): ...
---@return any ...
function Session:no_autoflush(fn) end

---@class moonrow.SessionMaker
---@overload fun(options?: moonrow.SessionOptions): moonrow.Session
local SessionMaker = {}

---@param options? moonrow.SessionOptions
---@return moonrow.SessionMaker
function mr.sessionmaker(options) end

---@param options moonrow.SessionOptions
function SessionMaker:configure(options) end
---@param fn fun(session: moonrow.Session): ...
---@return any ...
function SessionMaker:begin(fn) end

---A session for each scope; has every method and field of the scope's session.
---@class moonrow.ScopedSession: moonrow.Session
---@overload fun(options?: moonrow.SessionOptions): moonrow.Session
local ScopedSession = {}

---@param factory moonrow.SessionMaker|fun(options?: moonrow.SessionOptions): moonrow.Session
---@param options? { scopefunc?: fun(): any }
---@return moonrow.ScopedSession
function mr.scoped_session(factory, options) end

---Closes the scope's session; the next use makes a new one.
function ScopedSession:remove() end
---@return boolean
function ScopedSession:has() end
---@param options moonrow.SessionOptions
function ScopedSession:configure(options) end
---What Base.query is set to.
---@param query_class? moonrow.QueryClass
---@return table
function ScopedSession:query_property(query_class) end

-- ---------------------------------------------------------------- queries

---@class moonrow.QueryClass
local QueryClass = {}
---@param methods table<string, fun(query: moonrow.Query, ...): any>
---@return moonrow.QueryClass
function QueryClass:extend(methods) end

---Immutable: each method returns a new one. tostring(query) is its SQL.
---@class moonrow.Query
local Query = {}

---@param ... moonrow.Criterion
---@return moonrow.Query
function Query:filter(...) end
---@param ... moonrow.Criterion
---@return moonrow.Query
function Query:where(...) end
---@param values table<string, any>
---@return moonrow.Query
function Query:filter_by(values) end
---@param ... moonrow.Expression
---@return moonrow.Query
function Query:order_by(...) end
---@param ... moonrow.Expression
---@return moonrow.Query
function Query:group_by(...) end
---@param ... moonrow.Criterion
---@return moonrow.Query
function Query:having(...) end
---@param n integer
---@return moonrow.Query
function Query:limit(n) end
---@param n integer
---@return moonrow.Query
function Query:offset(n) end
---@return moonrow.Query
function Query:distinct(...) end
---@param rows integer
---@return moonrow.Query
function Query:yield_per(rows) end
---@param values table<string, any>
---@return moonrow.Query
function Query:params(values) end
---@return moonrow.Query
function Query:populate_existing() end
---@param on boolean
---@return moonrow.Query
function Query:autoflush(on) end
---@param target moonrow.Model|moonrow.Expression|moonrow.Table
---@param on? moonrow.Criterion
---@return moonrow.Query
function Query:join(target, on) end
---@param target moonrow.Model|moonrow.Expression|moonrow.Table
---@param on? moonrow.Criterion
---@return moonrow.Query
function Query:outerjoin(target, on) end
---@param ... moonrow.Model|moonrow.Table
---@return moonrow.Query
function Query:select_from(...) end
---@param ... moonrow.Model|moonrow.Expression
---@return moonrow.Query
function Query:with_entities(...) end
---@param ... moonrow.Expression
---@return moonrow.Query
function Query:add_columns(...) end
---@param parent moonrow.Object
---@return moonrow.Query
function Query:with_parent(parent, ...) end
---@param ... moonrow.LoaderOption
---@return moonrow.Query
function Query:options(...) end
---@param statement moonrow.Statement
---@return moonrow.Query
function Query:from_statement(statement) end
---@param name? string
---@return table
function Query:subquery(name) end
---@return moonrow.Expression
function Query:exists() end
---@return moonrow.Expression
function Query:scalar_subquery() end
---@return any[]
function Query:all() end
---@return any
function Query:first() end
---@return any
function Query:one() end
---@return any
function Query:one_or_none() end
---@return any
function Query:scalar() end
---@param key any
---@return moonrow.Object?
function Query:get(key) end
---@return integer
function Query:count() end
---for user in query:iter() do ... end
---@return fun(): any
function Query:iter() end

---@class moonrow.Select: moonrow.Query
---@param ... moonrow.Model|moonrow.Expression
---@return moonrow.Select
function mr.select(...) end

---@class moonrow.Statement

---SQL with :name for parameters.
---@param sql string
---@return moonrow.Statement|moonrow.Expression
function mr.text(sql) end

---@class moonrow.Row
---@field [integer] any
---@field [string] any
local Row = {}
---@return any ...
function Row:unpack() end

---@class moonrow.Result
---@field rowcount integer
---@field lastrowid integer
---@field returns_rows boolean
---@field inserted_primary_key any[]
local Result = {}
---@return any[]
function Result:all() end
---@return any
function Result:first() end
---@return any
function Result:one() end
---@return fun(): any
function Result:iter() end
---@return any[]
function Result:scalars() end
---@return any
function Result:scalar() end

---@param table moonrow.Model|moonrow.Table
---@return moonrow.Statement
function mr.insert(table) end
---@param table moonrow.Model|moonrow.Table
---@return moonrow.Statement
function mr.update(table) end
---@param table moonrow.Model|moonrow.Table
---@return moonrow.Statement
function mr.delete(table) end
---@param class moonrow.Model
---@param options? { name?: string }
---@return any
function mr.aliased(class, options) end

-- ---------------------------------------------------------------- relationships and how they load

---@param target string|moonrow.Model|fun(): moonrow.Model
---@param options? table backref, back_populates, lazy, uselist, secondary, cascade, order_by ...
---@return any
function mr.relationship(target, options) end
---@param name string
---@param options? table
---@return any
function mr.backref(name, options) end

---@class moonrow.LoaderOption

---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.joinedload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.selectinload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.subqueryload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.immediateload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.lazyload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.raiseload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.noload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.defaultload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.contains_eager(path, ...) end
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.load_only(...) end
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.defer(...) end
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function mr.undefer(...) end
---@param name string
---@return moonrow.LoaderOption
function mr.undefer_group(name) end

-- ---------------------------------------------------------------- expressions

---@class moonrow.Expression
---@operator band(moonrow.Expression): moonrow.Expression
---@operator bor(moonrow.Expression): moonrow.Expression
---@operator bnot: moonrow.Expression
---@operator add(any): moonrow.Expression
---@operator sub(any): moonrow.Expression
---@operator mul(any): moonrow.Expression
---@operator div(any): moonrow.Expression
---@operator mod(any): moonrow.Expression
---@operator concat(any): moonrow.Expression
---@operator unm: moonrow.Expression
---@field name string?
---@field type moonrow.Type
local Expression = {}

---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:eq(value) end
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:ne(value) end
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:lt(value) end
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:le(value) end
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:gt(value) end
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:ge(value) end
---@param value nil|boolean|lightuserdata
---@return moonrow.Expression
function Expression:is_(value) end
---@param value nil|boolean|lightuserdata
---@return moonrow.Expression
function Expression:is_not(value) end
---@param values any[]|moonrow.Query
---@return moonrow.Expression
function Expression:in_(values) end
---@param values any[]|moonrow.Query
---@return moonrow.Expression
function Expression:not_in(values) end
---@param pattern moonrow.Operand
---@param options? { escape?: string }
---@return moonrow.Expression
function Expression:like(pattern, options) end
---@param pattern moonrow.Operand
---@param options? { escape?: string }
---@return moonrow.Expression
function Expression:not_like(pattern, options) end
---@param pattern moonrow.Operand
---@param options? { escape?: string }
---@return moonrow.Expression
function Expression:ilike(pattern, options) end
---@param text moonrow.Operand
---@return moonrow.Expression
function Expression:startswith(text) end
---@param text moonrow.Operand
---@return moonrow.Expression
function Expression:endswith(text) end
---@param text moonrow.Operand
---@return moonrow.Expression
function Expression:contains(text) end
---@param low moonrow.Operand
---@param high moonrow.Operand
---@return moonrow.Expression
function Expression:between(low, high) end
---@return moonrow.Expression
function Expression:asc() end
---@return moonrow.Expression
function Expression:desc() end
---@return moonrow.Expression
function Expression:nulls_first() end
---@return moonrow.Expression
function Expression:nulls_last() end
---@return moonrow.Expression
function Expression:distinct() end
---@param name string
---@return moonrow.Expression
function Expression:label(name) end
---@param type moonrow.Type
---@return moonrow.Expression
function Expression:cast(type) end
---@param name string
---@return moonrow.Expression
function Expression:collate(name) end
---@param operator string
---@return fun(value: moonrow.Operand): moonrow.Expression
function Expression:op(operator) end
---@param options? { partition_by?: any, order_by?: any, rows?: any, range?: any }
---@return moonrow.Expression
function Expression:over(options) end

---@param ... moonrow.Criterion
---@return moonrow.Expression
function mr.and_(...) end
---@param ... moonrow.Criterion
---@return moonrow.Expression
function mr.or_(...) end
---@param criterion moonrow.Criterion
---@return moonrow.Expression
function mr.not_(criterion) end
---case{ { condition, value }, ..., else_ = value }
---@param cases table
---@return moonrow.Expression
function mr.case(cases) end
---@param value moonrow.Operand
---@param type moonrow.Type
---@return moonrow.Expression
function mr.cast(value, type) end
---@param value any
---@param type? moonrow.Type
---@return moonrow.Expression
function mr.literal(value, type) end

---@param name string
---@param value? any
---@return moonrow.Expression
function mr.bindparam(name, value) end
---@param ... moonrow.Operand
---@return moonrow.Expression
function mr.tuple_(...) end
---@param field string "year", "month" ...
---@param value moonrow.Operand
---@return moonrow.Expression
function mr.extract(field, value) end
---@param query moonrow.Query|moonrow.Select
---@return moonrow.Expression
function mr.exists(query) end
---@param expression moonrow.Expression
---@return moonrow.Expression
function mr.asc(expression) end
---@param expression moonrow.Expression
---@return moonrow.Expression
function mr.desc(expression) end
---@param expression moonrow.Expression
---@return moonrow.Expression
function mr.nulls_first(expression) end
---@param expression moonrow.Expression
---@return moonrow.Expression
function mr.nulls_last(expression) end
---@param expression moonrow.Expression
---@return moonrow.Expression
function mr.distinct(expression) end

-- ---------------------------------------------------------------- dates

---Immutable; == < - work, tostring is ISO 8601.
---@class moonrow.Date
---@field year integer
---@field month integer
---@field day integer
---@field hour integer
---@field minute integer
---@field second integer
---@field microsecond integer
local Date = {}
---@param pattern string as of os.date
---@return string
function Date:format(pattern) end
---@return string
function Date:isoformat() end

---The current time in UTC.
---@return moonrow.Date
function mr.now() end
---@return moonrow.Date
function mr.today() end
---@param year integer
---@param month integer
---@param day integer
---@return moonrow.Date
function mr.date(year, month, day) end
---@param hour integer
---@param minute? integer
---@param second? integer
---@param microsecond? integer
---@return moonrow.Date
function mr.time(hour, minute, second, microsecond) end
---@param year integer
---@param month integer
---@param day integer
---@param hour? integer
---@param minute? integer
---@param second? integer
---@param microsecond? integer
---@return moonrow.Date
function mr.datetime(year, month, day, hour, minute, second, microsecond) end
---@param options { weeks?: number, days?: number, hours?: number, minutes?: number, seconds?: number }
---@return moonrow.Date
function mr.interval(options) end

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

---@param options? { trace?: boolean|integer }
---@return { bytes: integer, objects: integer, object_bytes: integer }
function mr.memory(options) end

return mr
