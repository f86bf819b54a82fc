---@meta _
-- expression.lua: SQL expressions.
-- luacheck: ignore 212 241

---@alias moonrow.Criterion moonrow.Expression
---@alias moonrow.Operand any a value, an expression, or a query (a scalar subquery); never nil
---@alias moonrow.Source moonrow.Session|moonrow.ScopedSession|moonrow.Database

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- expressions

---@class moonrow.MatchOptions
---@field autoescape? boolean true by default for a string; an expression cannot be escaped
---@field escape? string one character

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
---@field key string?
---@field type moonrow.Type
local Expression = {}

---@param options? { literals?: boolean }
---@return string
function Expression:sql(options) end
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
---% stands for any text, _ for one character; escape: a character that takes this from the next one. SQLite's LIKE does
---not tell the capital letters of ASCII from small ones.
---@param pattern moonrow.Operand
---@param options? { escape?: string }
---@return moonrow.Expression
function Expression:like(pattern, options) end
---@param pattern moonrow.Operand
---@param options? { escape?: string }
---@return moonrow.Expression
function Expression:not_like(pattern, options) end
---Whatever the case of letters; in SQLite, of the letters of ASCII.
---@param pattern moonrow.Operand
---@param options? { escape?: string }
---@return moonrow.Expression
function Expression:ilike(pattern, options) end
---% and _ of a string stand for themselves, by the escape character ("/" by default), unless autoescape is false. Those
---of an expression are wildcards. The other five are like it; i...: whatever the case of letters (in SQLite, of ASCII).
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:startswith(text, options) end
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:endswith(text, options) end
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:contains(text, options) end
---@param pattern moonrow.Operand
---@param options? { escape?: string }
---@return moonrow.Expression
function Expression:not_ilike(pattern, options) end
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:istartswith(text, options) end
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:iendswith(text, options) end
---@param text moonrow.Operand
---@param options? moonrow.MatchOptions
---@return moonrow.Expression
function Expression:icontains(text, options) end
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:bitwise_and(value) end
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:bitwise_or(value) end
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:bitwise_xor(value) end
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:lshift(value) end
---@param value moonrow.Operand
---@return moonrow.Expression
function Expression:rshift(value) end
---@return moonrow.Expression
function Expression:bitwise_not() end
---Of text(): values for its :names.
---@param values table<string, any>
---@return moonrow.Expression
function Expression:bindparams(values) end
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

---A place for a value that params, or execute, gives by name.
---@param name string
---@param type? moonrow.Type
---@return moonrow.Expression
function mr.bindparam(name, type) end
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
