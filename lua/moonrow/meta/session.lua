---@meta _
-- session.lua: engines, connections, sessions.
-- luacheck: ignore 212 241

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- engines

---@param url string
---@param options? moonrow.EngineOptions
---@return moonrow.Engine
function mr.create_engine(url, options) end

---@class moonrow.Engine
---@field url string
---@field dialect { name: string } what its SQL is written for
---@field name string
local Engine = {}

---@param fn fun()
---@return moonrow.Record[]
function Engine:record(fn) end

---Closes idle connections.
function Engine:dispose() end

---A connection of its own. It begins at its first write and is committed by hand; with the isolation level
---"AUTOCOMMIT" each statement is a transaction of its own, as VACUUM and some PRAGMAs need it.
---@param options? { isolation_level?: "SERIALIZABLE"|"AUTOCOMMIT" }
---@return moonrow.Connection
function Engine:connect(options) end

---A transaction: committed at the end of the block, rolled back on an error.
---@overload fun(self: moonrow.Engine): moonrow.Connection
---@param fn fun(connection: moonrow.Connection): ... without one: a value to close; nil is refused
---@return any ...
function Engine:begin(fn) end

---@class moonrow.Connection
---@field engine moonrow.Engine
---@field closed boolean a closed connection answers this and close(), and refuses all else
local Connection = {}

---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return moonrow.Result
function Connection:execute(statement, params) end

---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return moonrow.Result
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

-- ---------------------------------------------------------------- sessions

---@class moonrow.BeginOptions
---@field mode? "deferred"|"immediate"|"exclusive" how it begins; by default at the first write
---@field isolation_level? "SERIALIZABLE"|"REPEATABLE READ"|"READ COMMITTED" in place of mode
---@field read_only? boolean all reads see one snapshot, and a write is refused

---@class moonrow.RetryOptions: moonrow.BeginOptions
---@field times? integer runs in all, by default 5
---@field wait? number seconds before the second run, by default 0.02
---@field sleep? fun(seconds: number) waits in place of the library

---@class moonrow.SessionOptions
---@field bind? moonrow.Engine
---@field autoflush? boolean true by default
---@field expire_on_commit? boolean true by default
---@field autocommit? false
---@field info? table
---@field class_? fun(engine: moonrow.Engine?, options: table): moonrow.Session

---@class moonrow.GetOptions
---@field populate_existing? boolean read the row again, also where the object is in memory
---@field options? moonrow.LoaderOption[]

---@class moonrow.Session
---@field new moonrow.Object[]
---@field dirty moonrow.Object[]
---@field deleted moonrow.Object[]
---@field info table
---@field bind moonrow.Engine?
---@field identity_map table
---@field autoflush boolean
---@field expire_on_commit boolean
---@field closed boolean a closed session answers this, bind, info and close(), and refuses all else
---The object of the key: from memory, where it is there and current; nil where there is no such row. key: of a
---composite key a list, or a table by attribute. options: populate_existing = true reads it again; options = { ... }
---are loader options.
---@field get fun(self: moonrow.Session, class: moonrow.AnyModel, key: any, options?: moonrow.GetOptions): any
---A query of classes, attributes and expressions in this session.
---@field query fun(self: moonrow.Session, item: moonrow.AnyModel|moonrow.Expression, ...: any): moonrow.Query<any>
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
---@generic T
---@param object T
---@param options? { load?: boolean }
---@return T
function Session:merge(object, options) end
---@param object moonrow.Object
---@return boolean
function Session:contains(object) end
---@param object moonrow.Object
---@return boolean
function Session:is_modified(object) end
---params: values by name; or a list of rows, for an insert, an update (each row has the primary key; objects in memory
---follow, unless synchronize_session = false) or a text.
---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@param options? { synchronize_session?: false|"auto"|"evaluate"|"fetch" }
---@return moonrow.Result
function Session:execute(statement, params, options) end
---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return moonrow.Result
function Session:scalars(statement, params) end
---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@return any
function Session:scalar(statement, params) end
function Session:flush() end
function Session:commit() end
function Session:rollback() end
function Session:close() end
---A transaction: committed at the end of the block, rolled back on an error. Once it has been ended inside the
---function, by commit or rollback, all else raises there. Raises where a transaction has begun, or changes wait
---that are no part of it.
---@overload fun(self: moonrow.Session, options?: moonrow.BeginOptions): moonrow.Transaction
---@param fn fun(session: moonrow.Session): ... without one: a value to close; nil is refused
---@param options? moonrow.BeginOptions
---@return any ...
function Session:begin(fn, options) end
---A savepoint.
---@overload fun(self: moonrow.Session): moonrow.Transaction
---@param fn fun(session: moonrow.Session): ... without one: a value to close; nil is refused
---@return any ...
function Session:begin_nested(fn) end
---@return boolean
function Session:in_transaction() end
---session:begin(fn), run again when the database was busy, or where a write finds its row changed by somebody else
---(version_id_col). What fn reads before its first write is read outside of the transaction, unless
---{ mode = "immediate" } or { isolation_level = "SERIALIZABLE" } begins it first: say one of these where fn computes
---what it writes from what it reads.
---@param fn fun(session: moonrow.Session): ...
---@param options? moonrow.RetryOptions
---@return any ...
function Session:retry(fn, options) end
---Inserts rows (tables by attribute, or rows of a query) without making objects, in batches.
---@param class moonrow.Model
---@param source (table|moonrow.Row)[]|fun(): (table|moonrow.Row)?
---@param options? { batch?: integer, progress?: fun(count: integer) }
---@return integer rows
function Session:import(class, source, options) end
---Without fn: local block <close> = session:no_autoflush()
---@overload fun(self: moonrow.Session): any
---@param fn fun(session: moonrow.Session): ...
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
---@param options? moonrow.BeginOptions
---@return any ...
function SessionMaker:begin(fn, options) end

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

---What session:begin() gives without a function: with <close>, committed at the end of the block. Where it was
---ended before, and more was done that is not committed, the end of the block raises.
---@class moonrow.Transaction
---@field is_active boolean
local Transaction = {}
---InvalidRequestError where it has ended already.
function Transaction:commit() end
---Nothing where it has ended already.
function Transaction:rollback() end

-- ---------------------------------------------------------------- events

---@alias moonrow.EventName
---| "before_flush" | "after_flush" | "before_commit" | "after_commit" | "after_rollback" | "after_begin"
---| "before_insert" | "after_insert" | "before_update" | "after_update" | "before_delete" | "after_delete"
---| "load" | "refresh" | "set" | "append" | "remove" | "connect" | "before_execute" | "after_execute"

---@class moonrow.Events
local Events = {}
---Calls fn whenever it happens. target: a session or what makes it, a class, a base or mixin (its classes, now and
---later), an attribute, or an engine.
---@param target any
---@param name moonrow.EventName
---@param fn function
---@param options? { once?: boolean, retval?: boolean, propagate?: boolean }
function Events.listen(target, name, fn, options) end
---@param target any
---@param name moonrow.EventName
---@param fn function
function Events.remove(target, name, fn) end
---@param target any
---@param name moonrow.EventName
---@param fn function
---@return boolean
function Events.contains(target, name, fn) end
---listen, as a function that takes the listener.
---@param target any
---@param name moonrow.EventName
---@param options? { once?: boolean, retval?: boolean, propagate?: boolean }
---@return fun(fn: function): function
function Events.listens_for(target, name, options) end
