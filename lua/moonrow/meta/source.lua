---@meta _
-- source.lua: what a select reads from: unions and joins that stand alone, tables and columns that no class declares.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- unions

---The rows of all these selects, each once. It gives what the first of them gives: columns, objects, several of these.
---With `order_by`, `limit` and `offset` alone it is written by itself; with other clauses it becomes a subquery.
---
---```lua
---local both = mr.union(mr.select(User.name), mr.select(Post.title)):order_by(User.name):limit(2)
---both --> SELECT user.name FROM user UNION SELECT post.title FROM post ORDER BY name LIMIT ?
---session:scalars(both):all() --> {"Again", "Ann"}
---```
---@error ArgumentError fewer than two, or of several widths
---@param ... moonrow.Select
---@return moonrow.Select
function mr.union(...) end

---The rows of all these selects.
---
---```lua
---local all = mr.union_all(mr.select(Post.user_id), mr.select(User.id)):order_by(Post.user_id)
---session:scalars(all):all() --> {1, 1, 1, 2, 2, 3}
---```
---@param ... moonrow.Select
---@return moonrow.Select
function mr.union_all(...) end

---The rows that all these selects give.
---
---```lua
---session:scalars(mr.intersect(mr.select(User.id), mr.select(Post.user_id))):all() --> {1, 2}
---```
---@param ... moonrow.Select
---@return moonrow.Select
function mr.intersect(...) end

---The rows of the first select that none of the others gives.
---
---```lua
---session:scalars(mr.except_(mr.select(User.id), mr.select(Post.user_id))):all() --> {3}
---```
---@param ... moonrow.Select
---@return moonrow.Select
function mr.except_(...) end

-- ---------------------------------------------------------------- joins

---A join by itself, for `select_from`, as the side of another join, or for its columns: `.c.TABLE_COLUMN`, or
---`.c.COLUMN` where only one side has it. It joins as `query:join` does, and goes on with its own `join`, `outerjoin`
---and `full`.
---
---```lua
---local both = mr.join(User, User.posts)
---mr.select(User.name, Post.title):select_from(both) --> ... FROM user JOIN post ON user.id = post.user_id
---session:scalars(mr.select(both.c.user_name):select_from(both)):first() --> Ann
---mr.select(User.id):select_from(mr.join(User, Post, { isouter = true })) --> ... LEFT OUTER JOIN ...
---```
---@error InvalidRequestError nothing tells how to join, or more than one foreign key does
---@param left moonrow.Model|moonrow.Table|moonrow.Subquery
---@param right moonrow.Model|moonrow.Table|moonrow.Subquery|moonrow.RelationshipAttribute
---@param on? moonrow.Criterion|moonrow.RelationshipAttribute
---@param options? moonrow.JoinOptions
---@return moonrow.Subquery
function mr.join(left, right, on, options) end

---`mr.join`, LEFT OUTER.
---
---```lua
---session:query(User.name):select_from(mr.outerjoin(User, Post)):filter(Post.id:is_(nil)):scalar() --> Cid
---```
---@param left moonrow.Model|moonrow.Table|moonrow.Subquery
---@param right moonrow.Model|moonrow.Table|moonrow.Subquery|moonrow.RelationshipAttribute
---@param on? moonrow.Criterion|moonrow.RelationshipAttribute
---@param options? moonrow.JoinOptions
---@return moonrow.Subquery
function mr.outerjoin(left, right, on, options) end

---`mr.join`, FULL OUTER. SQLite has it since 3.39.
---
---```lua
---mr.select(User.name):select_from(mr.full(User, Post)) --> ... FROM user FULL OUTER JOIN post ON ...
---```
---@param left moonrow.Model|moonrow.Table|moonrow.Subquery
---@param right moonrow.Model|moonrow.Table|moonrow.Subquery|moonrow.RelationshipAttribute
---@param on? moonrow.Criterion|moonrow.RelationshipAttribute
---@param options? moonrow.JoinOptions
---@return moonrow.Subquery
function mr.full(left, right, on, options) end

---@class moonrow.Subquery
local Subquery = {}

---The join of this and another: `mr.join(this, right)`.
---
---```lua
---local more = mr.join(User, Post):join(mr.aliased(User, "other"), mr.literal_column("other.id"):eq(Post.user_id))
---mr.select(User.name):select_from(more) --> ... JOIN user AS other ON other.id = post.user_id
---```
---@param right moonrow.Model|moonrow.Table|moonrow.Subquery|moonrow.RelationshipAttribute
---@param on? moonrow.Criterion|moonrow.RelationshipAttribute
---@param options? moonrow.JoinOptions
---@return moonrow.Subquery
function Subquery:join(right, on, options) end

---`mr.outerjoin(this, right)`.
---
---```lua
---local names = mr.select(User.id, User.name):subquery "n"
---session:query(names.c.name):select_from(names:outerjoin(Post, Post.user_id:eq(names.c.id))):count() --> 4
---```
---@param right moonrow.Model|moonrow.Table|moonrow.Subquery|moonrow.RelationshipAttribute
---@param on? moonrow.Criterion|moonrow.RelationshipAttribute
---@param options? moonrow.JoinOptions
---@return moonrow.Subquery
function Subquery:outerjoin(right, on, options) end

---`mr.full(this, right)`.
---
---```lua
---local all = mr.select(User.id):subquery("u"):full(Post, mr.true_)
---mr.select(Post.id):select_from(all) --> ... FULL OUTER JOIN post ON ...
---```
---@param right moonrow.Model|moonrow.Table|moonrow.Subquery|moonrow.RelationshipAttribute
---@param on? moonrow.Criterion|moonrow.RelationshipAttribute
---@param options? moonrow.JoinOptions
---@return moonrow.Subquery
function Subquery:full(right, on, options) end

-- ---------------------------------------------------------------- tables, columns, texts

---How `mr.table` names its table.
---@class moonrow.LightTableOptions
---The schema, in SQLite the attached database, that it stands in.
---@field schema? string

---A table that is only named in statements: no class declares it, and `create_all` makes nothing of it. Columns are
---names, or `mr.column(name, type)`. The same words give the same table.
---
---```lua
---local users = mr.table("user", "id", mr.column("name", mr.String))
---session:scalars(mr.select(users.c.name):where(users.c.id:eq(1))):one() --> Ann
---mr.select(mr.table("log", "id", { schema = "old" }).c.id) --> SELECT old.log.id FROM old.log
---```
---@error ArgumentError a column is neither a name nor mr.column
---@param name string
---@param ... string|moonrow.Expression|moonrow.LightTableOptions
---@return moonrow.Table
function mr.table(name, ...) end

---A name, quoted where it needs it, as a column of whatever is read.
---
---```lua
---session:execute(mr.select(mr.column("age", mr.Integer)):select_from(User)):first().age --> 34
---```
---@param name string
---@param type? moonrow.Type # of its values; by default they are as the database has them
---@return moonrow.Expression
function mr.column(name, type) end

---SQL as it is written, as a column. For what has no other way; never with what somebody typed in it.
---
---```lua
---session:query(mr.literal_column("age + 1", mr.Integer):label "next"):select_from(User):first().next --> 35
---```
---@param sql string
---@param type? moonrow.Type
---@return moonrow.Expression
function mr.literal_column(sql, type) end

---@class moonrow.Expression
local Expression = {}

---Of a text: the columns that it gives, in its order, or types by name. Then it is a select whose rows have these names
---and types, that objects are read from (`from_statement`), and that has `subquery` and `cte`.
---
---```lua
---local t = mr.text "SELECT id, name FROM user WHERE age > :low":columns(User.id, User.name)
---session:execute(t, { low = 30 }):one().name --> Ann
---mr.select(t:subquery("u").c.name) --> SELECT u.name FROM (SELECT id, name FROM user WHERE age > ?) AS u
---session:execute(mr.text "SELECT max(age) AS top FROM user":columns{ top = mr.Integer }):one().top --> 34
---```
---@error ArgumentError it is no text, or one of them is no column
---@param ... moonrow.Expression|table<string, moonrow.Type>
---@return moonrow.Select
function Expression:columns(...) end

---A criterion: the object is linked with the parent by this relationship. It is `query:with_parent` as an expression,
---to be combined with others, and also about an alias.
---
---```lua
---Post.query:filter(mr.with_parent(ann, User.posts) & Post.title:eq "Hello"):count() --> 1
---Post.query:filter(mr.with_parent(bob, "posts") | Post.title:eq "Hello"):count() --> 2
---```
---@error ArgumentError it is no relationship of the parent's class, or does not lead to the alias's class
---@param parent moonrow.Object
---@param relationship moonrow.RelationshipAttribute|string
---@param alias? moonrow.Model
---@return moonrow.Expression
function mr.with_parent(parent, relationship, alias) end
