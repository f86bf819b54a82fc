---@meta _
-- query.lua: queries, compiled queries, pages.
-- luacheck: ignore 212 241

---@since 0.1

-- ---------------------------------------------------------------- queries

---A select that knows its session: `Class.query`, `session:query(...)`.
---
---```lua
---User.query:filter(User.age:gt(20)):order_by(User.name):all() --> {Ann, Bob}
---#User.query --! ArgumentError:
---```
---@class moonrow.Query<T>: moonrow.Select
local Query = {}

---A live query: calls the function with the rows now, and then within `db:poll()`, whenever what was committed has
---changed them, or what is loaded eagerly with them. It lives as long as its handle, which is the result: `local w
---<close> = ...`.
---
---```lua
---local seen
---local w <close> = User.query:filter_by{ id = 1 }:watch(function(rows, diff) seen = { #rows, diff } end,
---  { on_error = print })
---seen[1], seen[2] --> 1, nil
---ann.age = 70
---session:commit()
---db:poll() --> 1
---seen[2].updated[1], #seen[2].inserted, #seen[2].removed, #seen[2].moved --> 1, 0, 0, 0
---tostring(w):sub(1, 14) --> <Watch: SELECT
---w:close()
---```
---@param fn fun(rows: T[], diff?: moonrow.Diff)
---@param options? moonrow.WatchOptions
---@return moonrow.Watch
function Query:watch(fn, options) end

---@class moonrow.WatchOptions
---Gets what the function or its query raises, and the watch; without it `db:poll` raises that, when all were told.
---@field on_error? fun(err: any, watch: moonrow.Watch)

---The handle of a live query.
---@class moonrow.Watch
local Watch = {}

---The function is not called any more. So it is when nobody has the handle any longer.
---
---```lua
---local w = User.query:watch(function() end)
---w:close()
---```
function Watch:close() end

---How a list differs from the one before. The old list without `removed`, and with the rows `moved` taken out, and then
---with those and the `inserted` ones put in at their new indexes, the lowest first, is the new list.
---@class moonrow.Diff
---Indexes in the new list.
---@field inserted integer[]
---Indexes in the old list.
---@field removed integer[]
---Indexes in the new list: the same object, with other values, or other objects loaded with it.
---@field updated integer[]
---As few as possible.
---@field moved { from: integer, to: integer }[]

---The objects of the query as a list that stays in the database: `#v`, `v[90000]`. Only the keys are in memory, and the
---objects of the pages that were used last. It follows the database within `db:poll()`.
---
---```lua
---local v <close> = User.query:order_by(User.id):window{ size = 50, pages = 4, on_change = function(v, diff) end,
---  on_error = print }
---#v, v[1].name, v[99] --> 3, Ann, nil
---v:find(ann) --> 1
---```
---@param options? moonrow.WindowOptions
---@return moonrow.Window<T>
---@error ArgumentError the query gives something else than the objects of one class
function Query:window(options) end

---@class moonrow.WindowOptions
---So many objects are loaded together; 50 by default.
---@field size? integer
---So many pages are held; 4 by default.
---@field pages? integer
---Called by `db:poll` when the list has changed: `updated` tells of the pages that are held.
---@field on_change? fun(v: moonrow.Window, diff: moonrow.Diff)
---Gets what on_change or a query raises; without it `db:poll` raises that.
---@field on_error? fun(err: any)

---A list that stays in the database.
---@class moonrow.Window<T>
---The object at the index; nil where its row is gone since the last poll.
---@field [integer] T
local Window = {}

---The object's index, or nil.
---
---```lua
---User.query:order_by(User.id):window():find(ann) --> 1
---```
---@param object moonrow.Object
---@return integer?
function Window:find(object) end

---It does not follow the database any more.
---
---```lua
---User.query:window():close()
---```
function Window:close() end

---Writes the rows into a file as CSV or JSON lines, a piece at a time, so that `session:import` reads equal values;
---returns how many. Of objects the columns are written, deferred ones, too.
---
---```lua
---local file = io.tmpfile()
---User.query:order_by(User.id):export{ format = "csv", file = file, header = true, delimiter = ";",
---  columns = { "name", "age" }, progress = function(count) end } --> 3
---file:seek "set"
---file:read "l" --> name;age
---file:read "l" --> Ann;34
---```
---@error ArgumentError the file cannot be opened, or the query has no such column
---@error OperationalError the file cannot be written
---@param options moonrow.ExportOptions
---@return integer rows
function Query:export(options) end

---@class moonrow.ExportOptions
---The file's name, or an open file, which stays open.
---@field file string|userdata
---What is written; a file's name may say it by its ending.
---@field format? "csv"|"tsv"|"jsonl"|"ndjson"
---Which columns, in their order; all by default.
---@field columns? string[]
---Has CSV a first line with the names? true by default.
---@field header? boolean
---Between fields of CSV; "," by default, a tab for "tsv".
---@field delimiter? string
---Called after each piece, with the number of rows until then; true: a line shows it, on a terminal.
---@field progress? true|fun(count: integer)

---All rows, or objects, in a list.
---
---```lua
---User.query:order_by(User.id):all() --> {Ann, Bob, Cid}
---```
---@return T[]
function Query:all() end

---The first one, or nil.
---
---```lua
---User.query:filter_by{ name = "Bob" }:first() --> Bob
---User.query:filter_by{ name = "Nobody" }:first() --> nil
---```
---@return T?
function Query:first() end

---The only one.
---
---```lua
---User.query:filter_by{ name = "Bob" }:one() --> Bob
---```
---@error NoResultFound there is none
---@error MultipleResultsFound there are more
---@return T
function Query:one() end

---The only one, or nil.
---
---```lua
---User.query:filter_by{ name = "Nobody" }:one_or_none() --> nil
---```
---@error MultipleResultsFound there are more
---@return T?
function Query:one_or_none() end

---The first column of the only row, or nil.
---
---```lua
---session:query(mr.func.sum(User.age)):scalar() --> 61
---```
---@error MultipleResultsFound there are more rows
---@return any
function Query:scalar() end

---The object of a key, as `session:get`.
---
---```lua
---User.query:get(2) --> Bob
---```
---@param key any
---@return T?
function Query:get(key) end

---@class moonrow.NotFoundOptions
---The message of the error, in place of words for the program's developer.
---@field description? string

---The object of the key.
---
---```lua
---User.query:get_or_404(2) --> Bob
---User.query:get_or_404(99, { description = "no such user" }) --! NotFound: no such user
---```
---@error NotFound there is no such row
---@param key any
---@param options? moonrow.NotFoundOptions
---@return T
function Query:get_or_404(key, options) end

---The first object, or row.
---
---```lua
---User.query:order_by(User.id):first_or_404() --> Ann
---User.query:filter_by{ name = "Nobody" }:first_or_404{ description = "nobody" } --! NotFound: nobody
---```
---@error NotFound there is none
---@param options? moonrow.NotFoundOptions
---@return T
function Query:first_or_404(options) end

---The only object, or row.
---
---```lua
---User.query:filter_by{ name = "Bob" }:one_or_404() --> Bob
---User.query:one_or_404{ description = "which one?" } --! NotFound: which one?
---```
---@error NotFound there is none, or there are several
---@param options? moonrow.NotFoundOptions
---@return T
function Query:one_or_404(options) end

-- ---------------------------------------------------------------- plans

---How the database runs a statement: a step, with the steps below it by number. `tostring` gives all, a line each.
---
---```lua
---local plan = User.query:filter(User.id:eq(1)):explain()
---plan[1].detail --> SEARCH user USING INTEGER PRIMARY KEY (rowid=?)
---```
---@class moonrow.Plan
---The words of the database; nil of the whole.
---@field detail string?
---All that PostgreSQL says of the step, by its words ("Total Cost").
---@field values? table
---A step below it.
---@field [integer] moonrow.Plan
local Plan = {}

---The first step whose detail has the pattern of Lua, or nil.
---
---```lua
---User.query:order_by(User.name):explain():find "TEMP B%-TREE".detail --> USE TEMP B-TREE FOR ORDER BY
---User.query:explain():find "USING INDEX" --> nil
---```
---@param pattern string
---@return moonrow.Plan?
function Plan:find(pattern) end

---The plan of the query, which is not run. SQLite only.
---
---```lua
---User.query:filter(User.name:eq "Ann"):explain() --> SCAN user
---```
---@error InvalidRequestError the database is none whose plans can be read
---@return moonrow.Plan
function Query:explain() end

---How many rows it has.
---
---```lua
---User.query:filter(User.age:gt(20)):count() --> 2
---```
---@return integer
function Query:count() end

---For a loop over the result.
---
---```lua
---local names = {}
---for user in User.query:order_by(User.id):iter() do names[#names + 1] = user.name end
---table.concat(names, " ") --> Ann Bob Cid
---```
---@return fun(): T
function Query:iter() end

---As of a select; its rows are no objects any more.
---
---```lua
---User.query:with_entities(User.name):first().name --> Ann
---```
---@param ... moonrow.Model|moonrow.Expression
---@return moonrow.Query<any>
function Query:with_entities(...) end

---As of a select; its rows are no objects any more.
---
---```lua
---User.query:add_columns(User.age):first()[1] --> Ann
---```
---@param ... moonrow.Expression
---@return moonrow.Query<any>
function Query:add_columns(...) end

---@class moonrow.SynchronizeOptions
---How objects in memory follow: "evaluate" by evaluating the criteria in memory, "fetch" by asking the database which
---rows are meant, false: not at all; "auto", the default: the first where it can be.
---@field synchronize_session? "auto"|"evaluate"|"fetch"|false

---Sets the attributes in every row that the query means. Returns how many.
---
---```lua
---User.query:filter(User.age:gt(30)):update({ age = User.age + 1 }, { synchronize_session = "fetch" }) --> 1
---ann.age --> 35
---session:rollback()
---```
---@param values table<string, any>
---@param options? moonrow.SynchronizeOptions
---@return integer
function Query:update(values, options) end

---Deletes every row that the query means. Returns how many. No cascade of the session's follows.
---
---```lua
---Post.query:filter_by{ title = "News" }:delete() --> 1
---session:rollback()
---```
---@param options? moonrow.SynchronizeOptions
---@return integer
function Query:delete(options) end

---The query with its statement kept, to be run often with other values for its named parameters (mr.bindparam).
---
---```lua
---local by_name = User.query:filter(User.name:eq(mr.bindparam "name")):compiled()
---by_name:first{ name = "Bob" } --> Bob
---```
---@return moonrow.CompiledQuery<T>
function Query:compiled() end

-- ---------------------------------------------------------------- compiled queries

---A query whose statement is kept. Its functions take the values of the named parameters.
---
---```lua
---local older = User.query:filter(User.age:gt(mr.bindparam "age")):order_by(User.id):compiled()
---older:all{ age = 20 } --> {Ann, Bob}
---older:all{ age = 30 } --> {Ann}
---```
---@class moonrow.CompiledQuery<T>
local CompiledQuery = {}

---All, in a list.
---
---```lua
---User.query:order_by(User.id):compiled():all() --> {Ann, Bob, Cid}
---```
---@param values? table<string, any>
---@return T[]
function CompiledQuery:all(values) end

---The first one, or nil.
---
---```lua
---User.query:filter(User.id:eq(mr.bindparam "id")):compiled():first{ id = 2 } --> Bob
---```
---@param values? table<string, any>
---@return T?
function CompiledQuery:first(values) end

---The only one.
---
---```lua
---User.query:filter(User.id:eq(mr.bindparam "id")):compiled():one{ id = 9 } --! NoResultFound:
---```
---@error NoResultFound there is none
---@error MultipleResultsFound there are more
---@param values? table<string, any>
---@return T
function CompiledQuery:one(values) end

---The only one, or nil.
---
---```lua
---User.query:filter(User.id:eq(mr.bindparam "id")):compiled():one_or_none{ id = 9 } --> nil
---```
---@error MultipleResultsFound there are more
---@param values? table<string, any>
---@return T?
function CompiledQuery:one_or_none(values) end

---The first column of the only row, or nil.
---
---```lua
---session:query(User.name):filter(User.id:eq(mr.bindparam "id")):compiled():scalar{ id = 2 } --> Bob
---```
---@param values? table<string, any>
---@return any
function CompiledQuery:scalar(values) end

---The SQL, to be read; with literals its values stand in it, and no ?. Never run it: a value belongs into a parameter.
---
---```lua
---User.query:filter(User.age:gt(30)):compiled():sql{ literals = true } --> ...WHERE user.age > 30
---```
---@param options? moonrow.SqlOptions
---@return string
function CompiledQuery:sql(options) end

---For a loop over the result.
---
---```lua
---local older, n = User.query:filter(User.age:gt(mr.bindparam "age")):compiled(), 0
---for user in older:iter{ age = 20 } do n = n + 1 end
---n --> 2
---```
---@param values? table<string, any>
---@return fun(): T
function CompiledQuery:iter(values) end

-- ---------------------------------------------------------------- pages

---@class moonrow.PaginateOptions
---From 1 on; 1 by default.
---@field page? integer
---20 by default, and max_per_page at most.
---@field per_page? integer
---100 by default.
---@field max_per_page? integer
---Is a page behind the last one a NotFound? false by default: it is empty.
---@field error_out? boolean

---One page of the result. Order the query: else pages may overlap. Where a join repeats the objects, the page counts
---objects, not rows; an order by what is joined is that of an object's first row.
---
---```lua
---local page = User.query:order_by(User.id):paginate{ page = 1, per_page = 2, max_per_page = 50, error_out = true }
---page.items --> {Ann, Bob}
---```
---@error NotFound there is no such page, with error_out
---@param options? moonrow.PaginateOptions
---@return moonrow.Pagination<T>
function Query:paginate(options) end

---A page. It is its items: `#page`, `page[1]`, `ipairs(page)`.
---
---```lua
---local p = User.query:order_by(User.id):paginate{ page = 2, per_page = 2 }
---p.items --> {Cid}
---p.total --> 3
---p.pages --> 2
---p.page --> 2
---p.per_page --> 2
---p.has_next --> false
---p.has_prev --> true
---p.next_num --> nil
---p.prev_num --> 1
---#p --> 1
---p[1] --> Cid
---```
---@class moonrow.Pagination<T>
---An item, by its place.
---@field [integer] T
---The rows, or objects, of the page.
---@field items T[]
---How many there are on all pages.
---@field total integer
---How many pages there are.
---@field pages integer
---The number of the page, from 1 on.
---@field page integer
---How many there are on a page.
---@field per_page integer
---Is there a page behind it?
---@field has_next boolean
---Is there a page before it?
---@field has_prev boolean
---The number of the next page.
---@field next_num integer?
---The number of the page before.
---@field prev_num integer?
local Pagination = {}

---For a loop over the items.
---
---```lua
---local names = {}
---for user in User.query:order_by(User.id):paginate():iter() do names[#names + 1] = user.name end
---table.concat(names, " ") --> Ann Bob Cid
---```
---@return fun(): T
function Pagination:iter() end

---The next page, or nil.
---
---```lua
---User.query:order_by(User.id):paginate{ per_page = 2 }:next().items --> {Cid}
---```
---@return moonrow.Pagination<T>?
function Pagination:next() end

---The page before, or nil.
---
---```lua
---User.query:order_by(User.id):paginate{ per_page = 2 }:prev() --> nil
---```
---@return moonrow.Pagination<T>?
function Pagination:prev() end

---@class moonrow.IterPagesOptions
---At the beginning; 2 by default.
---@field left_edge? integer
---Before this page; 2 by default.
---@field left_current? integer
---Behind this page; 4 by default.
---@field right_current? integer
---At the end; 2 by default.
---@field right_edge? integer

---The numbers to link; false for each gap.
---
---```lua
---local numbers = {}
---local p = User.query:order_by(User.id):paginate{ per_page = 1, page = 1 }
---for n in p:iter_pages{ left_edge = 1, left_current = 0, right_current = 0, right_edge = 1 } do
---  numbers[#numbers + 1] = tostring(n)
---end
---table.concat(numbers, " ") --> 1 false 3
---```
---@param options? moonrow.IterPagesOptions
---@return fun(): integer|false
function Pagination:iter_pages(options) end
