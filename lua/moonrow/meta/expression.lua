---@meta _
-- expression.lua: SQL expressions.
-- luacheck: ignore 212 241

---@since 0.1

---An expression that is true or false.
---@alias moonrow.Criterion moonrow.Expression

---@class moonrow.SqlOptions
---The database whose SQL it is, "sqlite" or "postgresql"; by default that of the query's session, or SQLite.
---@field dialect? "sqlite"|"postgresql"
---The values stand in the SQL in place of ?; false by default.
---@field literals? boolean

---A value, an expression, or a query (a scalar subquery); never nil.
---@alias moonrow.Operand any

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- expressions

---@class moonrow.LikeOptions
---A character that takes its meaning from the % or _ behind it.
---@field escape? string

---@class moonrow.MatchOptions
---Do % and _ of the text stand for themselves? true by default for a string; an expression cannot be escaped.
---@field autoescape? boolean
---The character that is written before them; "/" by default.
---@field escape? string

---The window of a function: `function:over{ ... }`.
---@class moonrow.OverOptions
---What makes the groups: an expression, or a list.
---@field partition_by? any
---The order in the window: an expression, or a list.
---@field order_by? any
---The rows from the first to the second, counted from this one; nil: without a bound.
---@field rows? any
---The same, counted in values, which may be fractions.
---@field range? any
---The same, counted in groups of rows that are equal in the order.
---@field groups? any
---What the frame leaves out: "current_row", "group", "ties" or "no_others".
---@field exclude? string

---An SQL expression: a column, a value, a comparison. `User.age + 1`, `a & b`, `..` and the other operators make new
---ones; Lua's ==, <, and, or, not cannot be used, and raise where they can.
---
---```lua
---User.age + 1 --> user.age + ?
---(User.name .. "!") --> user.name || ?
---User.age.name --> age
---User.age.key --> age
---User.age.type --> Integer
---User.age < 3 --! ArgumentError:
---```
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
---Of a column or a label.
---@field name string?
---Of an attribute.
---@field key string?
---What its values are.
---@field type moonrow.Type
local Expression = {}

---The SQL, to be read; with literals its values stand in it, and no ?. Never run it: a value belongs into a parameter.
---
---```lua
---User.age:gt(30):sql() --> user.age > ?
---User.age:gt(30):sql{ literals = true } --> user.age > 30
---User.age:gt(30):sql{ dialect = "postgresql" } --> "user".age > $1
---```
---@param options? moonrow.SqlOptions
---@return string
function Expression:sql(options) end

---Is it equal? Lua's == cannot be used: its result is always true or false.
---
---```lua
---User.query:filter(User.age:eq(27)):all() --> {Bob}
---User.age:eq(nil) --! ArgumentError:
---```
---@error ArgumentError the value is nil: `is_(nil)` asks for NULL
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:eq(value) end

---Is it another value? Of NULL, neither `eq` nor `ne` is true.
---
---```lua
---User.query:filter(User.age:ne(27)):all() --> {Ann}
---```
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:ne(value) end

---Is it less?
---
---```lua
---User.query:filter(User.age:lt(30)):all() --> {Bob}
---```
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:lt(value) end

---Is it less or equal?
---
---```lua
---User.query:filter(User.age:le(27)):all() --> {Bob}
---```
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:le(value) end

---Is it greater?
---
---```lua
---User.query:filter(User.age:gt(27)):all() --> {Ann}
---```
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:gt(value) end

---Is it greater or equal?
---
---```lua
---User.query:filter(User.age:ge(27)):count() --> 2
---```
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:ge(value) end

---IS: is it NULL (`is_(nil)`), true or false?
---
---```lua
---User.query:filter(User.age:is_(nil)):all() --> {Cid}
---```
---@param value nil|boolean|lightuserdata
---@return moonrow.Expression
function Expression:is_(value) end

---IS NOT.
---
---```lua
---User.query:filter(User.age:is_not(nil)):count() --> 2
---```
---@param value nil|boolean|lightuserdata
---@return moonrow.Expression
function Expression:is_not(value) end

---Is it one of these values, or of those that a query gives?
---
---```lua
---User.query:filter(User.name:in_{ "Ann", "Bob" }):count() --> 2
---User.query:filter(User.id:in_(mr.select(Post.user_id))):count() --> 2
---```
---@param values any[]|moonrow.Query
---@return moonrow.Expression
function Expression:in_(values) end

---Is it none of these values?
---
---```lua
---User.query:filter(User.name:not_in{ "Ann", "Bob" }):all() --> {Cid}
---```
---@param values any[]|moonrow.Query
---@return moonrow.Expression
function Expression:not_in(values) end

---% stands for any text, _ for one character; escape: a character that takes this from the next one. SQLite's LIKE does
---not tell the capital letters of ASCII from small ones.
---
---```lua
---User.query:filter(User.name:like "%n%"):all() --> {Ann}
---User.name:like("50/%", { escape = "/" }) --> user.name LIKE ? ESCAPE '/'
---```
---@param pattern moonrow.Operand
---@param options? moonrow.LikeOptions
---@return moonrow.Expression
function Expression:like(pattern, options) end

---Not `like`.
---
---```lua
---User.query:filter(User.name:not_like "A%"):count() --> 2
---User.name:not_like("50/%", { escape = "/" }) --> user.name NOT LIKE ? ESCAPE '/'
---```
---@param pattern moonrow.Operand
---@param options? moonrow.LikeOptions
---@return moonrow.Expression
function Expression:not_like(pattern, options) end

---`like`, whatever the case of letters; in SQLite, of the letters of ASCII.
---
---```lua
---User.query:filter(User.name:ilike "ann"):all() --> {Ann}
---```
---@param pattern moonrow.Operand
---@param options? moonrow.LikeOptions
---@return moonrow.Expression
function Expression:ilike(pattern, options) end

---Does it begin with the text? % and _ of a string stand for themselves, by the escape character ("/" by default),
---unless autoescape is false. Those of an expression are wildcards.
---
---```lua
---User.query:filter(User.name:startswith "A"):all() --> {Ann}
---User.query:filter(User.name:startswith("_", { autoescape = false })):count() --> 3
---User.query:filter(User.name:startswith("A", { escape = "!" })):count() --> 1
---```
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:startswith(text, options) end

---Does it end with the text? As `startswith`.
---
---```lua
---User.query:filter(User.name:endswith "b"):all() --> {Bob}
---```
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:endswith(text, options) end

---Has it the text in it? As `startswith`.
---
---```lua
---User.query:filter(User.name:contains "i"):all() --> {Cid}
---```
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:contains(text, options) end

---Not `ilike`.
---
---```lua
---User.query:filter(User.name:not_ilike "a%"):count() --> 2
---```
---@param pattern moonrow.Operand
---@param options? moonrow.LikeOptions
---@return moonrow.Expression
function Expression:not_ilike(pattern, options) end

---`startswith`, whatever the case of letters; in SQLite, of the letters of ASCII.
---
---```lua
---User.query:filter(User.name:istartswith "a"):all() --> {Ann}
---```
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:istartswith(text, options) end

---`endswith`, whatever the case of letters; in SQLite, of the letters of ASCII.
---
---```lua
---User.query:filter(User.name:iendswith "B"):all() --> {Bob}
---```
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:iendswith(text, options) end

---`contains`, whatever the case of letters; in SQLite, of the letters of ASCII.
---
---```lua
---User.query:filter(User.name:icontains "I"):all() --> {Cid}
---```
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:icontains(text, options) end

---The bits that both have.
---
---```lua
---session:query(mr.literal(6):bitwise_and(3)):scalar() --> 2
---```
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:bitwise_and(value) end

---The bits that one of them has.
---
---```lua
---session:query(mr.literal(6):bitwise_or(3)):scalar() --> 7
---```
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:bitwise_or(value) end

---The bits that only one of them has.
---
---```lua
---User.age:bitwise_xor(3) --> ...user.age...
---```
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:bitwise_xor(value) end

---Its bits, shifted to the left.
---
---```lua
---session:query(mr.literal(1):lshift(4)):scalar() --> 16
---```
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:lshift(value) end

---Its bits, shifted to the right.
---
---```lua
---session:query(mr.literal(16):rshift(2)):scalar() --> 4
---```
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:rshift(value) end

---The bits that it has not.
---
---```lua
---session:query(mr.literal(5):bitwise_not()):scalar() --> -6
---```
---@return moonrow.Expression
function Expression:bitwise_not() end

---Of a text: values for its :names.
---
---```lua
---User.query:filter(mr.text("age > :low"):bindparams{ low = 30 }):all() --> {Ann}
---```
---@param values table<string, any>
---@return moonrow.Expression
function Expression:bindparams(values) end

---Is it neither less than the first nor greater than the second?
---
---```lua
---User.query:filter(User.age:between(20, 30)):all() --> {Bob}
---```
---@param low moonrow.Operand
---@param high moonrow.Operand
---@return moonrow.Expression
function Expression:between(low, high) end

---In rising order.
---
---```lua
---User.query:order_by(User.name:asc()):all() --> {Ann, Bob, Cid}
---```
---@return moonrow.Expression
function Expression:asc() end

---In falling order.
---
---```lua
---User.query:order_by(User.name:desc()):all() --> {Cid, Bob, Ann}
---```
---@return moonrow.Expression
function Expression:desc() end

---NULL before all values.
---
---```lua
---User.query:order_by(User.age:asc():nulls_first()):first() --> Cid
---```
---@return moonrow.Expression
function Expression:nulls_first() end

---NULL behind all values.
---
---```lua
---User.query:order_by(User.age:asc():nulls_last()):first() --> Bob
---```
---@return moonrow.Expression
function Expression:nulls_last() end

---DISTINCT, in a function.
---
---```lua
---session:query(mr.func.count(Post.user_id:distinct())):scalar() --> 2
---```
---@return moonrow.Expression
function Expression:distinct() end

---With a name, under which the row has it.
---
---```lua
---session:query((User.age * 2):label "double"):first().double --> 68
---```
---@param name string
---@return moonrow.Expression
function Expression:label(name) end

---CAST(... AS type): a value of the type, in its form of storage. See `mr.cast`.
---
---```lua
---session:query(mr.literal("7"):cast(mr.Integer)):scalar() --> 7
---```
---@param type moonrow.Type
---@return moonrow.Expression
function Expression:cast(type) end

---With a collation: how texts are compared.
---
---```lua
---User.query:filter(User.name:collate "NOCASE":eq "ann"):all() --> {Ann}
---```
---@param name string
---@return moonrow.Expression
function Expression:collate(name) end

---An operator that has no method.
---
---```lua
---User.query:filter(User.name:op "GLOB" "A*"):all() --> {Ann}
---User.age:op("->>", { return_type = mr.Integer })("$.a").type --> Integer
---```
---@param operator string
---@param options? moonrow.OpOptions
---@return fun(value: moonrow.Operand): moonrow.Expression
function Expression:op(operator, options) end

---Of a function: over a window of rows.
---
---```lua
---session:query(User.name, mr.func.row_number():over{ order_by = User.age:desc() }:label "place"):first().place --> 1
---mr.func.sum(User.age):over{ partition_by = User.name, rows = { nil, 0 }, order_by = User.id } --> sum(...
---mr.func.sum(User.age):over{ order_by = User.id, range = { nil, 0 } } --> sum(user.age) OVER (...)
---mr.func.avg(User.age):over{ order_by = User.id, groups = { -1, 1 }, exclude = "current_row" } --> avg(...
---```
---@param options? moonrow.OverOptions
---@return moonrow.Expression
function Expression:over(options) end

---All of them: SQL's AND. `a & b` is the same.
---
---```lua
---User.query:filter(mr.and_(User.age:gt(20), User.age:lt(30))):all() --> {Bob}
---User.query:filter(User.age:gt(20) & User.age:lt(30)):all() --> {Bob}
---```
---@param ... moonrow.Criterion
---@return moonrow.Expression
function mr.and_(...) end

---One of them: SQL's OR. `a | b` is the same.
---
---```lua
---User.query:filter(mr.or_(User.age:gt(30), User.age:is_(nil))):count() --> 2
---User.query:filter(User.age:gt(30) | User.age:is_(nil)):count() --> 2
---```
---@param ... moonrow.Criterion
---@return moonrow.Expression
function mr.or_(...) end

---What a text that somebody else has written may use.
---@class moonrow.FilterOptions
---@field allow string[] the attributes: "name", "clan.name", "posts.score"
---@field params? table<string, any> values for its parameters; others may be there, too
---@field max_nodes? integer the most names, values and operators; default 100

---A criterion of a text in Lua's own grammar that somebody else has written, an end user perhaps: it is checked before
---any SQL is made of it, and names nothing but what is allowed.
---
---```lua
---local options = { allow = { "name", "age" }, params = { least = 20 }, max_nodes = 50 }
---User.query:where(mr.filter(User, "age > $least and name ~= 'Ann'", options)):all() --> {Bob}
---mr.filter(User, "id == 1", options) --! ArgumentError: 'id' is not allowed here
---```
---@error ArgumentError the text has a mistake, uses what is not allowed, or is too large; a parameter has no value
---@param class moonrow.Model
---@param text string
---@param options moonrow.FilterOptions
---@return moonrow.Expression
function mr.filter(class, text, options) end

---Does the object meet the criteria, with the values that it has now? What is not loaded is loaded. The result is the
---database's, whose criteria the same text may be.
---
---```lua
---mr.matches(bob, "age > $least and name ~= 'Ann'", { least = 20 }) --> true
---```
---@error ArgumentError the text has a mistake; an integer is too large
---@error InvalidRequestError only the database knows an attribute, such as a hybrid
---@param object moonrow.Object
---@param text string
---@param params? table<string, any>
---@return boolean
function mr.matches(object, text, params) end

---SQL's NOT. `~a` is the same.
---
---```lua
---User.query:filter(mr.not_(User.age:gt(30))):all() --> {Bob}
---User.query:filter(~User.age:gt(30)):all() --> {Bob}
---```
---@param criterion moonrow.Criterion
---@return moonrow.Expression
function mr.not_(criterion) end

---CASE: the value of the first condition that is true, else else_ (NULL by default).
---
---```lua
---local word = mr.case{ { User.age:gt(30), "old" }, { User.age:gt(0), "young" }, else_ = "?" }
---session:query(word):order_by(User.id):all() --> {("old"), ("young"), ("?")}
---```
---
---With `value`, each case is a value that it is compared with: CASE value WHEN ...; then they may also stand by name.
---
---```lua
---local short = mr.case{ { "Ann", "A" }, { "Bob", "B" }, value = User.name, else_ = "?" }
---session:query(short):order_by(User.id):all() --> {("A"), ("B"), ("?")}
---local number = mr.case({ Ann = 1, Bob = 2 }, { value = User.name, else_ = 0 })
---session:query(number):order_by(User.id):all() --> {(1), (2), (0)}
---```
---@param cases table
---@param options? { else_: any, value: any } # in place of else_ and value beside the cases
---@return moonrow.Expression
function mr.case(cases, options) end

---CAST(value AS type): a value of the type, in its form of storage. Where no value of the one type can be one of the
---other, that is an ArgumentError; a text that does not spell a value is a DataError.
---
---```lua
---session:query(mr.cast("7", mr.Integer)):scalar() --> 7
---session:query(mr.cast("2024-02-29 13:04:05", mr.Date)):scalar() --> 2024-02-29
---```
---@param value moonrow.Operand
---@param type moonrow.Type
---@return moonrow.Expression
function mr.cast(value, type) end

---A value as an expression.
---
---```lua
---session:query(mr.literal(6) * 7):scalar() --> 42
---session:query(mr.literal("2024-02-29", mr.Date)):scalar().month --> 2
---```
---@param value any
---@param type? moonrow.Type
---@return moonrow.Expression
function mr.literal(value, type) end

---What a parameter is.
---@class moonrow.BindparamOptions
---Its type, in place of the second argument.
---@field type? moonrow.Type
---Its value for when none is given.
---@field value? any
---Its value is a list, behind IN or in a text; false by default. `in_` makes any parameter one of these.
---@field expanding? boolean

---A place for a value that params, a compiled query or execute gives by name. Behind `in_` its value is a list. One of
---JSON, by its type or beside a column of JSON, takes tables.
---
---```lua
---User.query:filter(User.age:gt(mr.bindparam("low", mr.Integer))):params{ low = 30 }:all() --> {Ann}
---User.query:filter(User.age:gt(mr.bindparam("low", { value = 30 }))):all() --> {Ann}
---User.query:filter(User.id:in_(mr.bindparam "ids")):params{ ids = { 1, 3 } }:all() --> {Ann, Cid}
---session:execute(mr.text "SELECT count(*) FROM user WHERE id IN :ids"
---  :bindparams(mr.bindparam("ids", { type = mr.Integer, expanding = true })), { ids = { 1, 2 } }):scalar() --> 2
---```
---@param name string
---@param type? moonrow.Type
---@param options? moonrow.BindparamOptions
---@return moonrow.Expression
function mr.bindparam(name, type, options) end

---Several expressions, compared at once.
---
---```lua
---User.query:filter(mr.tuple_(User.name, User.age):in_{ { "Ann", 34 }, { "Bob", 1 } }):all() --> {Ann}
---```
---@param ... moonrow.Operand
---@return moonrow.Expression
function mr.tuple_(...) end

---A part of a date or time: "year", "month", "day", "hour", "minute", "second", "doy", "dow", "week", "epoch" ...
---
---```lua
---session:query(mr.extract("year", mr.literal(mr.date(2024, 2, 29)))):scalar() --> 2024
---```
---@param field string "year", "month" ...
---@param value moonrow.Operand
---@return moonrow.Expression
function mr.extract(field, value) end

---EXISTS (...), as a criterion: of a query, or built by `where`, where it reads what its criteria name.
---
---```lua
---User.query:filter(mr.exists(mr.select(Post.id):where(Post.user_id:eq(User.id)))):count() --> 2
---User.query:filter(~mr.exists():where(Post.user_id:eq(User.id))):all() --> {Cid}
---User.query:filter(mr.exists(Post):where(Post.user_id:eq(User.id))):count() --> 2
---```
---@param query? moonrow.Query|moonrow.Select|moonrow.Model|moonrow.Expression
---@return moonrow.Expression
function mr.exists(query, ...) end

---In rising order: `expression:asc()`. A string is the name of a label or column of the query.
---
---```lua
---User.query:order_by(mr.asc(User.name)):first() --> Ann
---```
---@param expression moonrow.Expression|string
---@return moonrow.Expression
function mr.asc(expression) end

---In falling order: `expression:desc()`. A string is the name of a label or column of the query.
---
---```lua
---User.query:order_by(mr.desc(User.name)):first() --> Cid
---session:query((User.age * 2):label "double"):order_by(mr.desc "double":nulls_last()):first() --> (68)
---```
---@param expression moonrow.Expression|string
---@return moonrow.Expression
function mr.desc(expression) end

---NULL before all values: `expression:nulls_first()`.
---
---```lua
---User.query:order_by(mr.nulls_first(User.age)):first() --> Cid
---```
---@param expression moonrow.Expression
---@return moonrow.Expression
function mr.nulls_first(expression) end

---NULL behind all values: `expression:nulls_last()`.
---
---```lua
---User.query:order_by(mr.nulls_last(User.age)):first() --> Bob
---```
---@param expression moonrow.Expression
---@return moonrow.Expression
function mr.nulls_last(expression) end

---DISTINCT, in a function: `expression:distinct()`.
---
---```lua
---session:query(mr.func.count(mr.distinct(Post.user_id))):scalar() --> 2
---```
---@param expression moonrow.Expression
---@return moonrow.Expression
function mr.distinct(expression) end
