---@meta _
-- select.lua: selects, and subqueries.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- selects

---How a query runs: `query:execution_options{ ... }`.
---@class moonrow.ExecutionOptions
---Does it write first what has changed? By default as its session has it.
---@field autoflush? boolean
---How many rows are in memory at a time; by default all.
---@field yield_per? integer
---Objects in memory are read again; false by default.
---@field populate_existing? boolean
---What a stored value that is none of its column's type becomes; "raise" by default, a DataError.
---@field bad_values? "raise"|"null"|"keep"
---How many seconds each statement may run; then it is stopped, an OperationalError. false: no limit, also where the
---session or engine has one.
---@field timeout? number|false

---A class of queries with methods of the program's own. To an editor it is written with a generic of its own,
---`---@class PostQuery<T>: moonrow.Query<T>`, and a class that has it says `---@field query PostQuery<Post>`.
---@class moonrow.QueryClass
local QueryClass = {}

---A class of queries with these methods besides; `query_class` of a class or a database says where it is used.
---
---```lua
---User.query_class = mr.Query:extend{ named = function(query, name) return query:filter_by{ name = name } end }
---User.query:named "Bob":first() --> Bob
---```
---@param methods table<string, fun(query: moonrow.Query<any>, ...: any): any>
---@return moonrow.QueryClass
function QueryClass:extend(methods) end

---A SELECT. Immutable: each method returns a new one. `tostring(select)` is its SQL.
---
---```lua
---mr.select(User.name):where(User.age:gt(30)) --> SELECT user.name...FROM user...WHERE user.age > ?
---```
---@class moonrow.Select
local Select = {}

---A SELECT of classes, attributes and expressions, which is run by `session:execute` or `session:scalars`.
---
---```lua
---session:scalars(mr.select(User):order_by(User.id)):first() --> Ann
---session:execute(mr.select(User.name, User.age):where(User.id:eq(2))):one() --> ("Bob", 27)
---```
---@param ... moonrow.Model|moonrow.Expression
---@return moonrow.Select
function mr.select(...) end

---The SQL, to be read; with literals its values stand in it, and no ?. Never run it: a value belongs into a parameter.
---
---```lua
---mr.select(User.name):where(User.age:gt(30)):sql{ literals = true } --> ...WHERE user.age > 30
---```
---@param options? moonrow.SqlOptions
---@return string
function Select:sql(options) end

---Only rows that fulfil all the criteria.
---
---```lua
---User.query:filter(User.age:gt(20), User.name:ne "Ann"):all() --> {Bob}
---User.query:filter("age > $least and name ~= 'Ann'", { least = 20 }):all() --> {Bob}
---User.query:filter(nil) --! ArgumentError:
---```
---A single text has Lua's own grammar, and is followed by a table with the values of its parameters (`$least`); its
---names are attributes of the query's class.
---@error ArgumentError a criterion is none: nil, true or false, what Lua's == gives; a text has a mistake
---@generic S
---@param self S
---@param ... moonrow.Criterion|string|table<string, any>
---@return S
function Select:filter(...) end

---The same as `filter`.
---
---```lua
---User.query:where(User.age:gt(30)):all() --> {Ann}
---User.query:where("any(posts, \"title == 'News'\")"):all() --> {Bob}
---```
---@generic S
---@param self S
---@param ... moonrow.Criterion|string|table<string, any>
---@return S
function Select:where(...) end

---Only rows whose attributes have these values; mr.null asks for NULL. Of the class that was joined last.
---
---```lua
---User.query:filter_by{ name = "Bob", age = 27 }:all() --> {Bob}
---User.query:filter_by{ age = mr.null }:all() --> {Cid}
---User.query:filter_by{ nmae = "Bob" } --! ArgumentError:
---```
---@generic S
---@param self S
---@param values table<string, any>
---@return S
function Select:filter_by(values) end

---In the order of these expressions, behind those that were given before. nil takes back all of them.
---
---```lua
---User.query:order_by(User.age:desc()):all() --> {Ann, Bob, Cid}
---```
---@generic S
---@param self S
---@param ... moonrow.Expression
---@return S
function Select:order_by(...) end

---A row for each group.
---
---```lua
---session:query(Post.user_id, mr.func.count()):group_by(Post.user_id):order_by(Post.user_id):all() --> {(1, 2), (2, 1)}
---```
---@generic S
---@param self S
---@param ... moonrow.Expression
---@return S
function Select:group_by(...) end

---Only groups that fulfil all the criteria.
---
---```lua
---session:query(Post.user_id):group_by(Post.user_id):having(mr.func.count():gt(1)):all() --> {(1)}
---```
---@generic S
---@param self S
---@param ... moonrow.Criterion
---@return S
function Select:having(...) end

---At most so many rows; of a query with a joined collection, so many objects. nil: all.
---
---```lua
---User.query:order_by(User.id):limit(2):all() --> {Ann, Bob}
---```
---@generic S
---@param self S
---@param n integer
---@return S
function Select:limit(n) end

---Without the first so many rows.
---
---```lua
---User.query:order_by(User.id):offset(1):limit(1):all() --> {Bob}
---```
---@generic S
---@param self S
---@param n integer
---@return S
function Select:offset(n) end

---Each row once.
---
---```lua
---session:query(Post.user_id):distinct():count() --> 2
---```
---@generic S
---@param self S
---@return S
function Select:distinct(...) end

---So many rows are in memory at a time, while the result is walked over.
---
---```lua
---local n = 0
---for user in User.query:yield_per(2):iter() do n = n + 1 end
---n --> 3
---```
---@generic S
---@param self S
---@param rows integer
---@return S
function Select:yield_per(rows) end

---Values for the names in its text and its bindparams.
---
---```lua
---User.query:filter(mr.text "age > :low"):params{ low = 30 }:all() --> {Ann}
---```
---@generic S
---@param self S
---@param values table<string, any>
---@return S
function Select:params(values) end

---Objects in memory are read again, and what was changed in them is lost.
---
---```lua
---ann.name = "Anna"
---session:no_autoflush(function() User.query:populate_existing():all() end)
---ann.name --> Ann
---```
---@generic S
---@param self S
---@return S
function Select:populate_existing() end

---Does it write first what has changed?
---
---```lua
---session:add(User{ name = "Dan" })
---User.query:autoflush(false):count() --> 3
---session:rollback()
---```
---@generic S
---@param self S
---@param on boolean
---@return S
function Select:autoflush(on) end

---How `join` and `outerjoin` join.
---@class moonrow.JoinOptions
---LEFT OUTER JOIN, as `outerjoin` does; false by default.
---@field isouter? boolean
---FULL OUTER JOIN; false by default.
---@field full? boolean
---The condition, in place of the second argument.
---@field onclause? moonrow.Criterion|moonrow.RelationshipAttribute

---JOIN: with the objects of a relationship, or with a class or table, by its foreign key or by a condition.
---
---```lua
---User.query:join(User.posts):filter(Post.title:eq "News"):all() --> {Bob}
---User.query:join(Post, User.id:eq(Post.user_id)):distinct():count() --> 2
---User.query:join{ Post, onclause = User.posts, isouter = true, full = false }:filter(Post.id:is_(nil)):all() --> {Cid}
---```
---@error InvalidRequestError nothing tells how to join, or more than one foreign key does
---@generic S
---@param self S
---@param target moonrow.Model|moonrow.Expression|moonrow.RelationshipAttribute|moonrow.Table|moonrow.Subquery
---@param on? moonrow.Criterion|moonrow.RelationshipAttribute
---@param options? moonrow.JoinOptions
---@return S
function Select:join(target, on, options) end

---LEFT OUTER JOIN: rows without a partner stay.
---
---```lua
---User.query:outerjoin(User.posts):filter(Post.id:is_(nil)):all() --> {Cid}
---```
---@generic S
---@param self S
---@param target moonrow.Model|moonrow.Expression|moonrow.RelationshipAttribute|moonrow.Table|moonrow.Subquery
---@param on? moonrow.Criterion|moonrow.RelationshipAttribute
---@param options? moonrow.JoinOptions
---@return S
function Select:outerjoin(target, on, options) end

---What it selects from, where that is not what its items say.
---
---```lua
---session:query(mr.func.count()):select_from(User):scalar() --> 3
---```
---@generic S
---@param self S
---@param ... moonrow.Model|moonrow.Table|moonrow.Subquery
---@return S
function Select:select_from(...) end

---Selects these in place of what it did.
---
---```lua
---User.query:filter(User.age:gt(30)):with_entities(User.name):all() --> {("Ann")}
---```
---@generic S
---@param self S
---@param ... moonrow.Model|moonrow.Expression
---@return S
function Select:with_entities(...) end

---Selects these, too.
---
---```lua
---User.query:add_columns(User.age * 2):first() --> (Ann, 68)
---```
---@generic S
---@param self S
---@param ... moonrow.Expression
---@return S
function Select:add_columns(...) end

---Only objects that the parent is linked with, by the relationship that is named or by the only one that there is. No
---join.
---
---```lua
---Post.query:with_parent(ann):order_by(Post.id):all() --> {Hello, Again}
---Post.query:with_parent(ann, User.posts):count() --> 2
---```
---@error InvalidRequestError no relationship leads from one class to the other
---@generic S
---@param self S
---@param parent moonrow.Object
---@return S
function Select:with_parent(parent, ...) end

---How relationships and columns are loaded.
---
---```lua
---local users = User.query:options(mr.selectinload(User.posts)):all()
---#db:record(function() return #users[1].posts end) --> 0
---```
---@generic S
---@param self S
---@param ... moonrow.LoaderOption
---@return S
function Select:options(...) end

---The objects of a statement's rows.
---
---```lua
---User.query:from_statement(mr.text "SELECT * FROM user WHERE age > 30"):all() --> {Ann}
---```
---@generic S
---@param self S
---@param statement moonrow.Statement
---@return S
function Select:from_statement(statement) end

---In a subquery: these are of the enclosing query. Without it, what the enclosing query selects from is found by
---itself. `mr.null`: nothing is of the enclosing query.
---
---```lua
---local posts = mr.select(mr.func.count(Post.id)):where(Post.user_id:eq(User.id)):correlate(User):scalar_subquery()
---User.query:filter(posts:eq(2)):all() --> {Ann}
---```
---@generic S
---@param self S
---@param ... moonrow.Model|moonrow.Table
---@return S
function Select:correlate(...) end

---The rows of all of them, each once.
---
---```lua
---User.query:filter_by{ name = "Ann" }:union(User.query:filter_by{ name = "Bob" }):count() --> 2
---```
---@generic S
---@param self S
---@param other moonrow.Select
---@return S
function Select:union(other, ...) end

---The rows of all of them.
---
---```lua
---local ages = mr.select(User.age):where(User.id:eq(1))
---#session:execute(ages:union_all(ages)):all() --> 2
---```
---@generic S
---@param self S
---@param other moonrow.Select
---@return S
function Select:union_all(other, ...) end

---The rows that each of them has.
---
---```lua
---User.query:filter(User.age:gt(20)):intersect(User.query:filter(User.age:lt(30))):all() --> {Bob}
---```
---@generic S
---@param self S
---@param other moonrow.Select
---@return S
function Select:intersect(other, ...) end

---The rows that the others have not.
---
---```lua
---User.query:except_(User.query:filter(User.age:gt(20))):all() --> {Cid}
---```
---@generic S
---@param self S
---@param other moonrow.Select
---@return S
function Select:except_(other, ...) end

---How it runs.
---
---```lua
---User.query:execution_options{ autoflush = false, yield_per = 10, populate_existing = true }:count() --> 3
---session:execute(mr.text "UPDATE user SET age = 'old' WHERE id = 1")
---User.query:filter_by{ id = 1 }:execution_options{ bad_values = "null", timeout = 5 }:one().age --> nil
---session:rollback()
---```
---@generic S
---@param self S
---@param options moonrow.ExecutionOptions
---@return S
function Select:execution_options(options) end

---A comment before the SQL of its statements, with these words and the file and line of the call, wherever the SQL is
---shown: in logs, records, events and errors. Caches hold one statement for all tags.
---
---```lua
---tostring(User.query:tag "shop") --> /* shop ... */ SELECT ...
---```
---@error ArgumentError the words would end the comment
---@generic S
---@param self S
---@param words string
---@return S
function Select:tag(words) end

---What `with_for_update` takes.
---@class moonrow.ForUpdateOptions
---A row that is locked is an error; false by default.
---@field nowait? boolean
---Rows that are locked are left out; false by default.
---@field skip_locked? boolean
---FOR SHARE, and with key_share FOR KEY SHARE; false by default.
---@field read? boolean
---FOR NO KEY UPDATE: rows that refer to these may still be made; false by default. It stands with read only.
---@field key_share? boolean

---FOR UPDATE, where the database locks rows. SQLite locks no rows, and has nothing of this: neither read, nowait nor
---skip_locked.
---
---```lua
---User.query:with_for_update():count() --> 3
---local other = mr.open "mock+postgresql://"
---local Item = other.Model:extend("Item", { id = other.Column{ other.Integer, primary_key = true } })
---local function words(options)
---  return other:record(function() Item.query:with_for_update(options):all() end)[1].statement:match "FOR .*"
---end
---words{ read = true, nowait = true } --> FOR SHARE NOWAIT
---words{ skip_locked = true } --> FOR UPDATE SKIP LOCKED
---words{ key_share = true } --> FOR NO KEY UPDATE
---```
---@generic S
---@param self S
---@param options? moonrow.ForUpdateOptions
---@return S
function Select:with_for_update(options) end

---@class moonrow.CteOptions
---The name, in place of the first argument.
---@field name? string
---May it refer to itself? false by default.
---@field recursive? boolean
---AS MATERIALIZED, or with false AS NOT MATERIALIZED: does the database keep its rows? By default it decides.
---@field materialized? boolean
---Does it stand in front of the innermost query that reads it? false by default: it stands in front of the statement.
---@field nesting? boolean

---A common table expression: WITH name AS (...). A recursive one refers to itself in a `union`.
---
---```lua
---local n = mr.select(mr.literal(1):label "n"):cte("n", { recursive = true })
---n = n:union_all(mr.select(n.c.n + 1):where(n.c.n:lt(5)))
---session:scalars(mr.select(n.c.n)):all() --> {1, 2, 3, 4, 5}
---mr.select(User.id):cte{ name = "ids", materialized = true, nesting = true }.name --> ids
---```
---@param name? string
---@param options? moonrow.CteOptions
---@return moonrow.Subquery
function Select:cte(name, options) end

---CTEs that stand in front, whether the query reads from them or not. (What it reads from is there anyway.)
---
---```lua
---local old = mr.select(User.id):where(User.age:gt(30)):cte "old"
---mr.select(Post.id):add_cte(old)
-----> WITH old AS (SELECT user.id AS id FROM user WHERE user.age > ?) SELECT post.id FROM post
---```
---@generic S
---@param self S
---@param ... moonrow.Subquery
---@return S
function Select:add_cte(...) end

---As an expression with a name: a scalar subquery.
---
---```lua
---local count = mr.select(mr.func.count(Post.id)):where(Post.user_id:eq(User.id)):label "posts"
---session:query(User.name, count):order_by(User.id):first().posts --> 2
---```
---@param name string
---@return moonrow.Expression
function Select:label(name) end

---As a table, to select from or to join.
---
---```lua
---local adults = User.query:filter(User.age:gt(30)):subquery "adults"
---session:query(adults.c.name):all() --> {("Ann")}
---```
---@param name? string
---@return moonrow.Subquery
function Select:subquery(name) end

---EXISTS (...), as a criterion.
---
---```lua
---User.query:filter(mr.select(Post.id):where(Post.user_id:eq(User.id)):exists()):count() --> 2
---```
---@return moonrow.Expression
function Select:exists() end

---As an expression: the first column of its only row.
---
---```lua
---User.query:filter(User.age:eq(mr.select(mr.func.max(User.age)):scalar_subquery())):all() --> {Ann}
---```
---@return moonrow.Expression
function Select:scalar_subquery() end

-- ---------------------------------------------------------------- subqueries and aliases

---A select, or a table, as a table under a name.
---
---```lua
---local s = mr.select(User.name):subquery "s"
---s.name --> s
---s.c.name --> s.name
---s.columns.name --> s.name
---```
---@class moonrow.Subquery
---The name that it has in the SQL.
---@field name string
---Its columns, as expressions.
---@field c table<string, moonrow.Expression>
---The same.
---@field columns table<string, moonrow.Expression>
local Subquery = {}

---The same under another name.
---
---```lua
---mr.select(User.name):subquery "a":alias("b").c.name --> b.name
---```
---@param name? string
---@return moonrow.Subquery
function Subquery:alias(name) end

---Of a recursive cte: what refers to it; each row once.
---
---```lua
---local n = mr.select(mr.literal(1):label "n"):cte("n", { recursive = true })
---n = n:union(mr.select((n.c.n + 1):label "n"):where(n.c.n:lt(3)))
---session:scalars(mr.select(n.c.n)):all() --> {1, 2, 3}
---```
---@param other moonrow.Select
---@return moonrow.Subquery
function Subquery:union(other) end

---Of a recursive cte: what refers to it.
---
---```lua
---local n = mr.select(mr.literal(1):label "n"):cte("n", { recursive = true })
---n = n:union_all(mr.select((n.c.n + 1):label "n"):where(n.c.n:lt(3)))
---session:scalars(mr.select(n.c.n)):all() --> {1, 2, 3}
---```
---@param other moonrow.Select
---@return moonrow.Subquery
function Subquery:union_all(other) end

---@class moonrow.AliasOptions
---Its name in the SQL; by default one is made.
---@field name? string

---The class a second time in one query.
---
---```lua
---local Older = mr.aliased(User, { name = "older" })
---session:query(User.name, Older.name):join(Older, Older.age:gt(User.age)):all() --> {("Bob", "Ann")}
---```
---@generic C
---@param class C
---@param options? moonrow.AliasOptions
---@return C
function mr.aliased(class, options) end

---@class moonrow.WithPolymorphicOptions
---Its tables get names of their own, so that it can stand beside the class itself. false by default.
---@field aliased? boolean
---The same.
---@field flat? boolean
---The name of its alias in the SQL; of several tables: name_table.
---@field name? string

---The class together with what these subclasses (or all, by "*") add to it, read in one statement; their attributes are
---those of `alias.Subclass`.
---
---```lua
---local Fruit = db.Model:extend("Fruit", { id = db.Column{ db.Integer, primary_key = true },
---  kind = db.Column{ db.String(9) }, __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "fruit" } })
---local Plum = Fruit:extend("Plum", { id = db.Column{ db.Integer, db.ForeignKey "fruit.id", primary_key = true },
---  stones = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "plum" } })
---db:create_all()
---session:add(Plum{ stones = 3 })
---session:flush()
---local Any = mr.with_polymorphic(Fruit, { Plum }, { aliased = true, flat = true, name = "f" })
---session:query(Any):filter(Any.Plum.stones:gt(2)):count() --> 1
---```
---@generic C
---@param class C
---@param subclasses moonrow.Model[]|"*"
---@param options? moonrow.WithPolymorphicOptions
---@return C
function mr.with_polymorphic(class, subclasses, options) end
