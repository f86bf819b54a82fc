---@meta _
-- aggregate.lua: what stands behind an aggregate or a window function, comparisons in which NULL is a value, and EXISTS
-- that is built.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow.Expression
local Expression = {}

---Of an aggregate: over the rows that meet the criteria. FILTER (WHERE ...).
---
---```lua
---session:query(mr.func.count():filter(User.age:gt(30))):select_from(User):scalar() --> 1
---mr.func.sum(User.age):filter(User.name:eq "Ann") --> sum(user.age) FILTER (WHERE user.name = ?)
---```
---@error ArgumentError it is no call of a function
---@param ... moonrow.Criterion
---@return moonrow.Expression
function Expression:filter(...) end

---Of an aggregate that needs an order: WITHIN GROUP (ORDER BY ...). PostgreSQL has it; SQLite does not.
---
---```lua
---session:query(mr.func.percentile_cont(0.5):within_group(User.age)):all() --! ArgumentError: within_group
---```
---@error ArgumentError the database has none
---@param ... moonrow.Expression
---@return moonrow.Expression
function Expression:within_group(...) end

---Of an aggregate that keeps what it reads in order: `string_agg(x, ',' ORDER BY y)`. PostgreSQL has it; on SQLite the
---aggregate reads a subquery with the order.
---
---```lua
---local names = mr.func.string_agg(User.name, ","):aggregate_order_by(User.age:desc(), User.id)
---session:query(names):all() --! ArgumentError: aggregate_order_by
---```
---@error ArgumentError the database has none, it has an order already, or is no call of a function
---@param ... moonrow.Expression
---@return moonrow.Expression
function Expression:aggregate_order_by(...) end

---Is it another value, where NULL is a value, too? IS DISTINCT FROM; in SQLite IS NOT.
---
---```lua
---User.query:filter(User.age:is_distinct_from(34)):all() --> {Bob, Cid}
---User.query:filter(User.age:ne(34)):all() --> {Bob}
---```
---@error ArgumentError the value is nil: NULL is `mr.null`
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:is_distinct_from(value) end

---Is it the same value, where NULL is a value, too?
---
---```lua
---User.query:filter(User.age:is_not_distinct_from(mr.null)):all() --> {Cid}
---```
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:is_not_distinct_from(value) end

---Of `mr.exists`: with a criterion more.
---
---```lua
---User.query:filter(mr.exists():where(Post.user_id:eq(User.id), Post.title:eq "News")):all() --> {Bob}
---```
---@error ArgumentError it is another expression
---@param ... moonrow.Criterion
---@return moonrow.Expression
function Expression:where(...) end

---Of `mr.exists`: what it reads, where its criteria do not say so.
---
---```lua
---mr.exists():select_from(mr.join(User, Post)):where(Post.id:gt(1)) --> EXISTS (SELECT 1 FROM user JOIN post ...)
---```
---@param ... moonrow.Model|moonrow.Table|moonrow.Subquery
---@return moonrow.Expression
function Expression:select_from(...) end

---Of `mr.exists`: these are of the query around it, and nothing else is; `mr.null`: nothing.
---
---```lua
---User.query:filter(mr.exists():where(Post.user_id:eq(User.id)):correlate(User)):count() --> 2
---```
---@param ... moonrow.Model|moonrow.Table|moonrow.Subquery
---@return moonrow.Expression
function Expression:correlate(...) end

---Of `mr.exists`: all but these are of the query around it.
---
---```lua
---User.query:filter(mr.exists():where(Post.user_id:eq(User.id)):correlate_except(Post)):count() --> 2
---```
---@param ... moonrow.Model|moonrow.Table|moonrow.Subquery
---@return moonrow.Expression
function Expression:correlate_except(...) end

---@class moonrow.Select
local Select = {}

---A join whose left side is named, where several could be it. Else as `join`.
---
---```lua
---session:query(User.name, Post.title):join_from(User, Post):filter(Post.title:eq "News"):one() --> ("Bob", "News")
---```
---@generic S
---@param self S
---@param left moonrow.Model|moonrow.Table|moonrow.Subquery
---@param target moonrow.Model|moonrow.Table|moonrow.Subquery|moonrow.RelationshipAttribute
---@param on? moonrow.Criterion|moonrow.RelationshipAttribute
---@param options? moonrow.JoinOptions
---@return S
function Select:join_from(left, target, on, options) end

---The rows from the first to the last, counted from 1; without the last, to the end. A slice of a slice counts within
---it.
---
---```lua
---User.query:order_by(User.id):slice(2, 3):all() --> {Bob, Cid}
---User.query:slice(0, 10) --! ArgumentError: slice
---```
---@generic S
---@param self S
---@param first integer
---@param last? integer
---@return S
function Select:slice(first, last) end

---Selects these in place of what it did: `with_entities`.
---
---```lua
---mr.select(User):with_only_columns(User.name):where(User.id:eq(1)) --> SELECT user.name FROM user WHERE user.id = ?
---```
---@generic S
---@param self S
---@param ... moonrow.Model|moonrow.Expression
---@return S
function Select:with_only_columns(...) end

---Selects objects of this class, too.
---
---```lua
---session:query(User.name):add_entity(Post):join(Post):filter(Post.title:eq "News"):one() --> ("Bob", News)
---```
---@generic S
---@param self S
---@param ... moonrow.Model
---@return S
function Select:add_entity(...) end

---In a subquery: all but these are of the enclosing query.
---
---```lua
---local posts = mr.select(mr.func.count(Post.id)):where(Post.user_id:eq(User.id)):correlate_except(Post)
---posts = posts:scalar_subquery()
---User.query:filter(posts:eq(2)):all() --> {Ann}
---```
---@generic S
---@param self S
---@param ... moonrow.Model|moonrow.Table|moonrow.Subquery
---@return S
function Select:correlate_except(...) end
