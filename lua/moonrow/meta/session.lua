---@meta _
-- session.lua: sessions, what makes them, and their transactions.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- sessions

---A session: its objects, and its transaction. With `<close>`, it is closed at the end of the block.
---
---```lua
---local s <close> = mr.Session(db.engine, { autoflush = false, info = { who = "me" } })
---s.bind == db.engine --> true
---s.info.who --> me
---s.autoflush --> false
---s.expire_on_commit --> true
---s:add(User{ name = "Dan" })
---#s.new --> 1
---s:get(User, 1).age = 35
---#s.dirty --> 1
---s:delete(s:get(User, 3))
---#s.deleted --> 1
---#s.identity_map --> 2
---s:close()
---s.closed --> true
---s:commit() --! InvalidRequestError:
---```
---@class moonrow.Session
---The objects that a flush inserts.
---@field new moonrow.Object[]
---The objects that a flush may update.
---@field dirty moonrow.Object[]
---The objects that a flush deletes.
---@field deleted moonrow.Object[]
---A table of the program's.
---@field info table
---The engine.
---@field bind moonrow.Engine?
---The objects of the session that have rows: # counts them, pairs walks over them.
---@field identity_map table
---Do queries write first what has changed? May be written.
---@field autoflush boolean
---Is what was read read again after a commit? May be written.
---@field expire_on_commit boolean
---A closed session answers this, bind, info and close(), and refuses all else.
---@field closed boolean
---The object of the key: from memory, where it is there and current; nil where there is no such row. key: of a
---composite key a list, or a table by attribute.
---
---```lua
---session:get(User, 1) == ann --> true
---session:get(User, 99) --> nil
---session:get(User, { id = 2 }, { populate_existing = true, options = { mr.joinedload(User.posts) } }) --> Bob
---session:get(User, 1, { with_for_update = { nowait = true } }) --> Ann
---session:get(User, "1") --! ArgumentError:
---```
---@field get fun(self: moonrow.Session, class: moonrow.AnyModel, key: any, options?: moonrow.GetOptions): any
---The same, where the row must be there.
---
---```lua
---session:get_one(User, 1) --> Ann
---session:get_one(User, 99) --! NoResultFound:
---```
---@field get_one fun(self: moonrow.Session, class: moonrow.AnyModel, key: any, options?: moonrow.GetOptions): any
---A query of classes, attributes and expressions in this session.
---
---```lua
---session:query(User):count() --> 3
---session:query(User.name, User.age):filter(User.age:lt(30)):all() --> {("Bob", 27)}
---```
---@field query fun(self: moonrow.Session, item: moonrow.AnyModel|moonrow.Expression, ...: any): moonrow.Query<any>
local Session = {}

---A session of an engine.
---
---```lua
---local named = mr.with_loader_criteria(User, User.name:is_not(nil))
---local s <close> = mr.Session(db.engine, { expire_on_commit = false, autocommit = false, criteria = { named },
---  timeout = 5 })
---s:query(User):count() --> 3
---local made = mr.Session{ bind = db.engine, class_ = function(engine, options) return mr.Session(engine) end }
---made.bind == db.engine --> true
---```
---@param engine? moonrow.Engine
---@param options? moonrow.SessionOptions
---@return moonrow.Session
function mr.Session(engine, options) end

---The object is to get a row, with those that it is linked with (save-update cascade).
---
---```lua
---session:add(User{ name = "Dan", posts = { Post{ title = "Hi" } } })
---session:commit()
---Post.query:count() --> 4
---```
---@param object moonrow.Object
function Session:add(object) end

---`add` of each object of a list.
---
---```lua
---session:add_all{ User{ name = "Dan" }, User{ name = "Eve" } }
---User.query:count() --> 5
---session:rollback()
---```
---@param objects moonrow.Object[]
function Session:add_all(objects) end

---The object's row is to go, at the next flush.
---
---```lua
---session:delete(cid)
---session:commit()
---User.query:count() --> 2
---```
---@error InvalidRequestError the object has no row
---@param object moonrow.Object
function Session:delete(object) end

---The session forgets the object; its row stays, and what was not flushed is not written.
---
---```lua
---session:expunge(ann)
---mr.inspect(ann).state --> detached
---```
---@param object moonrow.Object
function Session:expunge(object) end

---The session forgets all its objects.
---
---```lua
---session:expunge_all()
---#session.identity_map --> 0
---```
function Session:expunge_all() end

---What the object has read is read again when it is asked for; its changes are lost.
---
---```lua
---ann.name = "Anna"
---session:expire(ann, { "name" })
---ann.name --> Ann
---```
---@param object moonrow.Object
---@param names? string[] these attributes only
function Session:expire(object, names) end

---`expire` of all objects.
---
---```lua
---ann.name = "Anna"
---session:expire_all()
---ann.name --> Ann
---```
function Session:expire_all() end

---One page of a select: its objects, or its first column.
---
---```lua
---session:paginate(mr.select(User):order_by(User.id), { per_page = 2 }):next().items --> {Cid}
---```
---@error NotFound there is no such page, with error_out
---@param select moonrow.Select
---@param options? moonrow.PaginateOptions
---@return moonrow.Pagination<any>
function Session:paginate(select, options) end

---How the database runs the statement, which is not run. SQLite only.
---
---```lua
---local plan = session:explain(mr.delete(User):where(User.id:eq(1)))
---plan[1].detail --> SEARCH user USING INTEGER PRIMARY KEY (rowid=?)
---```
---@error InvalidRequestError the database is none whose plans can be read
---@param statement moonrow.Select|moonrow.Statement
---@return moonrow.Plan
function Session:explain(statement) end

---Reads the object again, at once.
---
---```lua
---session:execute(mr.text "UPDATE user SET age = 40 WHERE id = 1")
---session:refresh(ann, { "age" })
---ann.age --> 40
---session:rollback()
---```
---@param object moonrow.Object
---@param names? string[] these attributes only
function Session:refresh(object, names) end

---The session's object of the same key, with the values of this one. Without a row: a new one.
---
---```lua
---local merged = session:merge(User{ id = 1, name = "Anna" })
---merged == ann --> true
---ann.name --> Anna
---local s <close> = mr.Session(db.engine)
---s:merge(bob, { load = false }).name --> Bob
---```
---@generic T
---@param object T
---@param options? moonrow.MergeOptions
---@return T
function Session:merge(object, options) end

---Is the object in the session?
---
---```lua
---session:contains(ann) --> true
---session:contains(User{}) --> false
---```
---@param object moonrow.Object
---@return boolean
function Session:contains(object) end

---Has the object changes that a flush would write?
---
---```lua
---ann.age = 34
---session:flush()
---ann.age = 34
---session:is_modified(ann) --> false
---ann.age = 35
---session:is_modified(ann) --> true
---session:rollback()
---```
---@param object moonrow.Object
---@return boolean
function Session:is_modified(object) end

---Runs a statement. params: values by name; or a list of rows, for an insert, an update (each row has the primary key;
---objects in memory follow, unless synchronize_session = false) or a text.
---
---```lua
---session:execute(mr.select(User):where(User.age:gt(30))):scalars():all() --> {Ann}
---session:execute(mr.text "SELECT name FROM user WHERE id = :id", { id = 2 }):scalar() --> Bob
---session:execute(mr.insert(User), { { name = "Dan" }, { name = "Eve" } }).rowcount --> 2
---session:execute(mr.update(User), { { id = 1, age = 1 } }, { synchronize_session = "evaluate" }).rowcount --> 1
---ann.age --> 1
---session:rollback()
---```
---@param statement moonrow.Statement|moonrow.Select|string
---@param params? table
---@param options? moonrow.ExecuteOptions
---@return moonrow.Result
function Session:execute(statement, params, options) end

---@class moonrow.ExecuteOptions: moonrow.ExecutionOptions
---How objects in memory follow an UPDATE or DELETE; "auto" by default: by evaluating its criteria, or else by what the
---database tells.
---@field synchronize_session? false|"auto"|"evaluate"|"fetch"

---The first column of each row, or the objects.
---
---```lua
---session:scalars(mr.select(User):order_by(User.name:desc())):all() --> {Cid, Bob, Ann}
---```
---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@param options? moonrow.ExecuteOptions
---@return moonrow.Result
function Session:scalars(statement, params, options) end

---The first column of the first row, or nil.
---
---```lua
---session:scalar(mr.select(mr.func.max(User.age))) --> 34
---```
---@param statement moonrow.Statement|moonrow.Select
---@param params? table
---@param options? moonrow.ExecuteOptions
---@return any
function Session:scalar(statement, params, options) end

---Writes what is new, changed or deleted. The transaction goes on.
---
---```lua
---local dan = User{ name = "Dan" }
---session:add(dan)
---session:flush()
---dan.id --> 4
---session:rollback()
---dan.id --> nil
---```
---@error IntegrityError a constraint has failed; the session then waits for its rollback
---@error StaleDataError somebody else has changed or deleted a row
---@error DataError a value is too long for its column
function Session:flush() end

---Flushes, and ends the transaction: what it wrote stays.
---
---```lua
---ann.age = 35
---session:commit()
---session:in_transaction() --> false
---```
---@error IntegrityError a constraint has failed
---@error OperationalError the database is busy
function Session:commit() end

---Ends the transaction: what it wrote goes, and objects are as they were before it.
---
---```lua
---ann.age = 35
---session:rollback()
---ann.age --> 34
---```
function Session:rollback() end

---Rolls back, detaches all objects, and gives the connection back. A closed session refuses all work.
---
---```lua
---local s = mr.Session(db.engine)
---s:close()
---s.closed --> true
---```
function Session:close() end

---A transaction: committed at the end of the block, rolled back on an error. Once it has been ended inside the
---function, by commit or rollback, all else raises there. Without fn: the transaction, a value to close.
---
---```lua
---session:begin(function(s) s:get(User, 1).age = 35; return "done" end) --> done
---do
---  local transaction <close> = session:begin(nil or { mode = "immediate" })
---  session:get(User, 2).age = 28
---end
---session:begin(function(s) return s:query(User):count() end, { isolation_level = "SERIALIZABLE" }) --> 3
---session:begin(function(s) ann.age = 1; s:flush() end, { read_only = true }) --! InvalidRequestError:
---```
---@error InvalidRequestError a transaction has begun, or changes wait that are no part of it
---@overload fun(self: moonrow.Session, options?: moonrow.BeginOptions): moonrow.Transaction
---@param fn fun(session: moonrow.Session): ... nil is refused
---@param options? moonrow.BeginOptions
---@return any ... what fn returns
function Session:begin(fn, options) end

---A savepoint: on an error, or by its rollback, only what was done since then goes.
---
---```lua
---session:begin(function(s)
---  s:add(User{ name = "Dan" })
---  pcall(s.begin_nested, s, function() s:add(User{ name = "Eve" }); error "no" end)
---end)
---User.query:count() --> 4
---```
---@overload fun(self: moonrow.Session): moonrow.Transaction
---@param fn fun(session: moonrow.Session): ... nil is refused
---@return any ... what fn returns
function Session:begin_nested(fn) end

---Has a transaction begun?
---
---```lua
---session:begin(function(s) return s:in_transaction() end) --> true
---session:in_transaction() --> false
---```
---@return boolean
function Session:in_transaction() end

---`session:begin(fn)`, run again when the database was busy, or where a write finds its row changed by somebody else
---(version_id_col). What fn reads before its first write is read outside of the transaction, unless `{ mode =
---"immediate" }` or `{ isolation_level = "SERIALIZABLE" }` begins it first: say one of these where fn computes what it
---writes from what it reads.
---
---```lua
---session:retry(function(s) s:get(User, 1).age = 35; return "done" end,
---  { times = 3, wait = 0.01, sleep = function(seconds) end, mode = "immediate" }) --> done
---```
---@param fn fun(session: moonrow.Session): ...
---@param options? moonrow.RetryOptions
---@return any ... what fn returns
function Session:retry(fn, options) end

---Inserts rows without making objects, in batches; returns how many. They come of a list or an iterator (tables by
---attribute, or rows of a query), or of text, CSV or JSON: of a file's name, an open file or an iterator of
---lines. Fields become values as their columns want. It commits nothing; of a text, all rows go in or none, unless
---`on_error` is "skip". A Table is taken, too, such as the link table of a many-to-many: its rows are by column.
---
---```lua
---session:import(User, { { name = "Dan" }, { name = "Eve" } }, { batch = 1, progress = function(count) end }) --> 2
---local i = 0
---session:import(User, function() i = i + 1; if i <= 3 then return { name = "user " .. i } end end) --> 3
---session:rollback()
---local link = db.Table("likes", db.Column{ "user_id", db.Integer, db.ForeignKey "user.id", primary_key = true },
---  db.Column{ "post_id", db.Integer, db.ForeignKey "post.id", primary_key = true })
---db:create_all()
---session:import(link, { { user_id = 1, post_id = 1 }, { user_id = 2, post_id = 1 } }) --> 2
---session:rollback()
---local lines = ("name;age\nDan;30\nEve;x\n"):gmatch "[^\n]+"
---local n, report = session:import(User, lines, { format = "csv", delimiter = ";", on_error = "skip" })
---n --> 1
---report.skipped --> 1
---report[1].line --> 3
---session:import(User, ("'Dan',1"):gmatch "[^\n]+", { format = "csv", columns = { "name", false }, header = false,
---  quote = "'", map = function(record) return record end }) --> 1
---session:rollback()
---session:import(User, ("{\"name\":\"Dan\",\"age\":\"x\"}"):gmatch "[^\n]+", { format = "jsonl" }) --! ArgumentError:
---```
---@error ArgumentError a value is none of its column's
---@error DataError the text is no CSV, or no JSON
---@error IntegrityError the database refuses a row
---@param class moonrow.Model|moonrow.Table
---@param source string|userdata|(table|moonrow.Row)[]|fun(): (table|moonrow.Row|string)?
---@param options? moonrow.ImportOptions
---@return integer rows
---@return moonrow.ImportReport? report with `on_error = "skip"`
function Session:import(class, source, options) end

---Queries of fn do not write first what has changed. Without fn: a value to close.
---
---```lua
---session:add(User{ name = "Dan" })
---session:no_autoflush(function(s) return s:query(User):count() end) --> 3
---do
---  local block <close> = session:no_autoflush()
---  User.query:count() --> 3
---end
---session:rollback()
---```
---@overload fun(self: moonrow.Session): any
---@param fn fun(session: moonrow.Session): ...
---@return any ... what fn returns
function Session:no_autoflush(fn) end

-- ---------------------------------------------------------------- transactions

---What `session:begin()` gives without a function: with `<close>`, committed at the end of the block, rolled back on an
---error. Where it was ended before, and more was done that is not committed, the end of the block raises.
---
---```lua
---local transaction = session:begin()
---transaction.is_active --> true
---transaction:commit()
---transaction.is_active --> false
---```
---@class moonrow.Transaction
---Has it not ended yet?
---@field is_active boolean
local Transaction = {}

---Ends it: what it wrote stays.
---
---```lua
---local transaction = session:begin()
---ann.age = 35
---transaction:commit()
---ann.age --> 35
---```
---@error InvalidRequestError it has ended already
function Transaction:commit() end

---Ends it: what it wrote goes. Does nothing where it has ended already.
---
---```lua
---local transaction = session:begin()
---ann.age = 35
---transaction:rollback()
---ann.age --> 34
---```
function Transaction:rollback() end

-- ---------------------------------------------------------------- what makes sessions

---Makes sessions: call it.
---
---```lua
---local make = mr.sessionmaker{ bind = db.engine }
---local s <close> = make{ autoflush = false }
---s.autoflush --> false
---```
---@class moonrow.SessionMaker
---@overload fun(options?: moonrow.SessionOptions): moonrow.Session
local SessionMaker = {}

---A maker of sessions with these options.
---
---```lua
---local make = mr.sessionmaker{ bind = db.engine, expire_on_commit = false }
---make().expire_on_commit --> false
---```
---@param options? moonrow.SessionOptions
---@return moonrow.SessionMaker
function mr.sessionmaker(options) end

---Changes the options of the sessions that it makes from now on.
---
---```lua
---local make = mr.sessionmaker()
---make:configure{ bind = db.engine }
---make().bind == db.engine --> true
---```
---@param options moonrow.SessionOptions
function SessionMaker:configure(options) end

---`begin` in a session of its own, which is closed afterwards.
---
---```lua
---local make = mr.sessionmaker{ bind = db.engine }
---make:begin(function(s) s:add(User{ name = "Dan" }) end)
---User.query:count() --> 4
---```
---@param fn fun(session: moonrow.Session): ...
---@param options? moonrow.BeginOptions
---@return any ... what fn returns
function SessionMaker:begin(fn, options) end

---A session for each scope; has every method and field of the scope's session. Called with options, it makes the
---scope's session with them.
---
---```lua
---db.session:query(User):count() --> 3
---db.session().bind == db.engine --> true
---```
---@class moonrow.ScopedSession: moonrow.Session
---@overload fun(options?: moonrow.SessionOptions): moonrow.Session
local ScopedSession = {}

---@class moonrow.ScopedSessionOptions
---Gives the value that stands for the scope; by default the innermost `app:scope` of the coroutine, else the Lua state.
---@field scopefunc? fun(): any

---A session for each scope.
---
---```lua
---local request = 1
---local scoped = mr.scoped_session(mr.sessionmaker{ bind = db.engine }, { scopefunc = function() return request end })
---local first = scoped()
---request = 2
---scoped() == first --> false
---```
---@param factory moonrow.SessionMaker|fun(options?: moonrow.SessionOptions): moonrow.Session
---@param options? moonrow.ScopedSessionOptions
---@return moonrow.ScopedSession
function mr.scoped_session(factory, options) end

---Closes the scope's session; the next use makes a new one.
---
---```lua
---db.session:remove()
---mr.inspect(ann).state --> detached
---```
function ScopedSession:remove() end

---Has the scope a session?
---
---```lua
---db.session:remove()
---db.session:has() --> false
---```
---@return boolean
function ScopedSession:has() end

---Changes the options of the sessions that it makes from now on.
---
---@error InvalidRequestError what makes its sessions is a function, not a sessionmaker
---```lua
---db.session:remove()
---db.session:configure{ autoflush = false }
---db.session.autoflush --> false
---```
---@param options moonrow.SessionOptions
function ScopedSession:configure(options) end

---What Base.query is set to: each class then has a query in the scope's session.
---
---```lua
---local Base = mr.declarative_base{ metadata = mr.MetaData() }
---Base.query = db.session:query_property()
---local Person = Base:extend("Person", { __tablename = "user", id = mr.Column{ mr.Integer, primary_key = true } })
---Person.query:count() --> 3
---```
---@param query_class? moonrow.QueryClass
---@return table
function ScopedSession:query_property(query_class) end

-- ---------------------------------------------------------------- options

---How a transaction begins.
---@class moonrow.BeginOptions
---"immediate": with the lock for writing; "exclusive": with all of them; "deferred": its first read fixes what it sees.
---By default it begins at its first write.
---@field mode? "deferred"|"immediate"|"exclusive"
---In place of mode, in SQL's words. The first two are "deferred".
---@field isolation_level? "SERIALIZABLE"|"REPEATABLE READ"|"READ COMMITTED"
---All reads see one snapshot, and a write is refused; false by default.
---@field read_only? boolean
---The name of a step that db.history can take back; for a block with a function, on SQLite.
---@field undo? string
---Steps that follow each other and have the same are one step, such as those of one drag; not nil.
---@field merge? any

---@class moonrow.RetryOptions: moonrow.BeginOptions
---How many runs in all; 5 by default.
---@field times? integer
---How long to wait before the second run, in seconds, and twice as long before each further one; 0.02 by default.
---@field wait? number
---Waits in place of the library: an event loop's may yield.
---@field sleep? fun(seconds: number)

---@class moonrow.ImportOptions
---How many rows each INSERT has; 10000 by default.
---@field batch? integer
---Called after each batch, with the number of rows until then; true: a line shows it, on a terminal.
---@field progress? true|fun(count: integer)
---"skip": rows that are refused are left out, and reported; "raise" by default.
---@field on_error? "skip"|"raise"
---What is in the text; a file's name may say it by its ending.
---@field format? "csv"|"tsv"|"jsonl"|"ndjson"|"json"
---Which columns the fields of CSV are, in their order (false: none), where there is no header or in its place; of JSON
---lines, which names are taken. A table with names: the columns by the names in the source (false: left out).
---@field columns? (string|false)[]|table<string, string|false>
---Has CSV a first line with names? true by default, false with a list of columns.
---@field header? boolean
---Between fields of CSV; "," by default, a tab for "tsv".
---@field delimiter? string
---Around fields of CSV; '"' by default.
---@field quote? '"'|"'"
---Called with each record of the text before its values are read (a table by name; NULL is `mr.null`); returns the row
---to be read, or nil, which leaves it out.
---@field map? fun(record: table): table?

---What an import left out: the first 100 errors, and how many rows there were.
---@class moonrow.ImportReport
---How many rows were left out.
---@field skipped integer
---An error, by its place in the report.
---@field [integer] moonrow.ImportError

---@class moonrow.ImportError
---The line of the text where the record begins.
---@field line integer?
---The row's place in the list or iterator, where there is no text.
---@field row integer?
---What was wrong.
---@field message string

---@class moonrow.GetOptions
---Read the row again, also where the object is in memory; false by default.
---@field populate_existing? boolean
---How relationships load.
---@field options? moonrow.LoaderOption[]
---Lock the row, and read it; true, or the options of `query:with_for_update`. false by default.
---@field with_for_update? boolean|moonrow.ForUpdateOptions

---@class moonrow.MergeOptions
---false: the object's values are taken for the row's, which is not read. true by default.
---@field load? boolean

---What a session is made with.
---@class moonrow.SessionOptions
---The engine; of a database's sessions, its own by default.
---@field bind? moonrow.Engine
---Queries write first what has changed; true by default.
---@field autoflush? boolean
---What was read is read again after a commit; true by default.
---@field expire_on_commit? boolean
---"batch": relationships that load at their first access do so for many objects at once, and so do deferred columns;
---"select", the default: for one.
---@field lazy? "batch"|"select"
---How "batch" does it.
---@field batch? moonrow.BatchOptions
---Accepted, for programs that say so; true is refused.
---@field autocommit? false
---A table of the program's.
---@field info? table
---What all queries of the session get: a list of `mr.with_loader_criteria(...)`.
---@field criteria? moonrow.LoaderOption[]
---How many seconds each of its statements may run; false: no limit, also where the engine has one.
---@field timeout? number|false
---Makes the session, in place of `mr.Session`.
---@field class_? fun(engine: moonrow.Engine?, options: table): moonrow.Session
