---@meta _
-- statement.lua: INSERT, UPDATE, DELETE, and text.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- statements

---What `execute` runs, besides a select.
---@class moonrow.Statement

---SQL, with :name for parameters. As a statement, and as a criterion or an expression in others.
---
---```lua
---session:execute(mr.text("SELECT name FROM user WHERE id = :id"), { id = 2 }):scalar() --> Bob
---User.query:filter(mr.text "age > 30"):all() --> {Ann}
---```
---@param sql string
---@return moonrow.Statement|moonrow.Expression
function mr.text(sql) end

---An INSERT. Several rows are given to `session:execute` as a list, which makes one batch of them.
---
---```lua
---session:execute(mr.insert(User):values{ name = "Dan" }).rowcount --> 1
---session:execute(mr.insert(User), { { name = "Eve" }, { name = "Fay" } }).rowcount --> 2
---session:rollback()
---```
---@param table moonrow.Model|moonrow.Table
---@return moonrow.Write
function mr.insert(table) end

---An UPDATE of all rows, or of those of `where`.
---
---```lua
---session:execute(mr.update(User):where(User.name:eq "Bob"):values{ age = User.age + 1 }).rowcount --> 1
---bob.age --> 28
---session:rollback()
---```
---@param table moonrow.Model|moonrow.Table
---@return moonrow.Write
function mr.update(table) end

---A DELETE of all rows, or of those of `where`.
---
---```lua
---session:execute(mr.delete(Post):where(Post.title:eq "News")).rowcount --> 1
---session:rollback()
---```
---@param table moonrow.Model|moonrow.Table
---@return moonrow.Write
function mr.delete(table) end

---An INSERT, UPDATE or DELETE; immutable: each method returns a new one. Printed, it is its SQL.
---
---```lua
---mr.update(User):where(User.id:eq(1)):values{ age = 1 } --> UPDATE user SET age=? WHERE user.id = ?
---mr.insert(User).excluded.name --> excluded.name
---```
---@class moonrow.Write: moonrow.Statement
---Of an INSERT: the values that it could not insert, for on_conflict_do_update.
---@field excluded table<string, moonrow.Expression>
local Write = {}

---The SQL, to be read; with literals its values stand in it, and no ?. Never run it: a value belongs into a parameter.
---
---```lua
---mr.delete(User):where(User.age:gt(30)):sql{ literals = true } --> DELETE FROM user WHERE user.age > 30
---```
---@param options? moonrow.SqlOptions
---@return string
function Write:sql(options) end

---The values, or rows of them. Called again, it adds values to one row, and the later one wins. Columns that are not
---named get their defaults when the statement runs, each time anew.
---
---```lua
---session:execute(mr.insert(User):values{ { name = "Dan" }, { name = "Eve" } }).rowcount --> 2
---session:execute(mr.insert(User):values{ name = "Fay" }:values{ age = 30 }).rowcount --> 1
---session:rollback()
---```
---@param values table<string, any>|table<string, any>[]
---@return moonrow.Write
function Write:values(values) end

---The values of an UPDATE, in the order in which SET writes them: pairs of a column, or its name, and a value.
---
---```lua
---mr.update(User):ordered_values({ User.age, 35 }, { "name", "Anna" }) --> UPDATE user SET age=?, name=?
---```
---@param ... any[]
---@return moonrow.Write
function Write:ordered_values(...) end

---Of an UPDATE or DELETE: only rows that fulfil all the criteria.
---
---```lua
---mr.delete(User):where(User.age:lt(18)) --> DELETE FROM user WHERE user.age < ?
---mr.delete(User):where("age < $least", { least = 18 }) --> DELETE FROM user WHERE user.age < ?
---```
---@param ... moonrow.Criterion|string|table<string, any>
---@return moonrow.Write
function Write:where(...) end

---The rows that were written come as its result: these columns, or objects of the class.
---
---```lua
---session:execute(mr.insert(User):values{ name = "Dan" }:returning(User.id)):scalar() --> 4
---session:rollback()
---```
---@param ... moonrow.Model|moonrow.Expression
---@return moonrow.Write
function Write:returning(...) end

---@class moonrow.FromSelectOptions
---false: without the defaults of the columns that are not named. true by default.
---@field include_defaults? boolean

---Of an INSERT: the rows of a select.
---
---```lua
---local insert = mr.insert(User):from_select({ "name" }, mr.select(Post.title), { include_defaults = false })
---session:execute(insert).rowcount --> 3
---session:rollback()
---```
---@param columns any[]
---@param select moonrow.Select
---@param options? moonrow.FromSelectOptions
---@return moonrow.Write
function Write:from_select(columns, select, options) end

---@class moonrow.OnConflictNothing
---The columns of the key or index; by default any.
---@field index_elements? any[]
---The condition of a partial index.
---@field index_where? moonrow.Criterion
---In their place, the name of a unique constraint of the table.
---@field constraint? string

---@class moonrow.OnConflict
---The columns of the key or index.
---@field index_elements? any[]
---In their place, the name of a unique constraint of the table.
---@field constraint? string
---The condition of a partial index.
---@field index_where? moonrow.Criterion
---What the row that is there gets: values and expressions, also of `excluded`.
---@field set table<string, any>
---Which rows are updated; by default all.
---@field where? moonrow.Criterion

---Of an INSERT: a row that is there already is updated.
---
---```lua
---local insert = mr.insert(User):values{ id = 1, name = "Anna" }
---session:execute(insert:on_conflict_do_update{
---  index_elements = { "id" }, index_where = nil, constraint = nil,
---  set = { name = insert.excluded.name }, where = User.age:gt(18),
---}).rowcount --> 1
---ann.name --> Anna
---session:rollback()
---```
---@param options moonrow.OnConflict
---@return moonrow.Write
function Write:on_conflict_do_update(options) end

---Of an INSERT: a row that is there already stays.
---
---```lua
---local insert = mr.insert(User):values{ id = 1, name = "Anna" }
---insert = insert:on_conflict_do_nothing{ index_elements = { "id" }, index_where = nil, constraint = nil }
---session:execute(insert).rowcount --> 0
---session:rollback()
---```
---@param options? moonrow.OnConflictNothing
---@return moonrow.Write
function Write:on_conflict_do_nothing(options) end

---The rows that it returns, as a table for other statements: WITH name AS (DELETE ... RETURNING ...). PostgreSQL runs
---it; SQLite has none, and it is refused there. Defaults are made at this call, and objects in memory do not follow it.
---
---```lua
---local gone = mr.delete(Post):where(Post.title:eq "News"):returning(Post.id):cte "gone"
---mr.select(gone.c.id):sql{ dialect = "postgresql", literals = true }
-----> WITH gone AS (DELETE FROM post WHERE post.title = 'News' RETURNING post.id) SELECT gone.id FROM gone
---```
---@param name? string
---@param options? moonrow.CteOptions
---@return moonrow.Subquery
function Write:cte(name, options) end

---CTEs that stand in front, whether the statement names them or not. (What it names is there anyway.)
---
---```lua
---local old = mr.select(User.id):where(User.age:gt(30)):cte "old"
---mr.delete(Post):add_cte(old)
-----> WITH old AS (SELECT user.id AS id FROM user WHERE user.age > ?) DELETE FROM post
---```
---@param ... moonrow.Subquery
---@return moonrow.Write
function Write:add_cte(...) end

---How a statement runs.
---@class moonrow.WriteOptions: moonrow.SynchronizeOptions
---How many seconds it may run: see moonrow.ExecutionOptions.
---@field timeout? number|false
---Do the objects in memory that it returns take the values of their rows? false by default: they keep what they have.
---@field populate_existing? boolean

---How it runs.
---
---```lua
---local update = mr.update(User):values{ age = 1 }:execution_options{ synchronize_session = false, timeout = 5 }
---session:execute(update).rowcount --> 3
---session:execute(update:returning(User):execution_options{ populate_existing = true }):all()
---bob.age --> 1
---session:rollback()
---```
---@param options moonrow.WriteOptions
---@return moonrow.Write
function Write:execution_options(options) end

---Criteria for the rows that it finds, and that its subqueries read; loader options for the objects that it returns.
---
---```lua
---local adults = mr.with_loader_criteria(User, User.age:ge(18))
---session:execute(mr.update(User):values{ age = 20 }:options(adults)).rowcount --> 2
---session:rollback()
---```
---@param ... moonrow.LoaderOption
---@return moonrow.Write
function Write:options(...) end
