---@meta _
-- query.lua: queries, statements, results, and how relationships load.
-- luacheck: ignore 212 241

---@class moonrow.ExecutionOptions
---@field autoflush? boolean
---@field yield_per? integer
---@field populate_existing? boolean
---@field bad_values? "raise"|"null"|"keep" what a stored value that is none of its column's type becomes

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- queries

---A class of queries with methods of the program's own. To an editor it is written with a generic of its own,
---`---@class PostQuery<T>: moonrow.Query<T>`, and a class that has it says `---@field query PostQuery<Post>`.
---@class moonrow.QueryClass
local QueryClass = {}
---@param methods table<string, fun(query: moonrow.Query<any>, ...): any>
---@return moonrow.QueryClass
function QueryClass:extend(methods) end

---Immutable: each method returns a new one. tostring(select) is its SQL.
---@class moonrow.Select
local Select = {}

---@generic S
---@param self S
---@param ... moonrow.Criterion
---@return S
function Select:filter(...) end
---@generic S
---@param self S
---@param ... moonrow.Criterion
---@return S
function Select:where(...) end
---@generic S
---@param self S
---@param values table<string, any>
---@return S
function Select:filter_by(values) end
---@generic S
---@param self S
---@param ... moonrow.Expression
---@return S
function Select:order_by(...) end
---@generic S
---@param self S
---@param ... moonrow.Expression
---@return S
function Select:group_by(...) end
---@generic S
---@param self S
---@param ... moonrow.Criterion
---@return S
function Select:having(...) end
---@generic S
---@param self S
---@param n integer
---@return S
function Select:limit(n) end
---@generic S
---@param self S
---@param n integer
---@return S
function Select:offset(n) end
---@generic S
---@param self S
---@return S
function Select:distinct(...) end
---@generic S
---@param self S
---@param rows integer
---@return S
function Select:yield_per(rows) end
---@generic S
---@param self S
---@param values table<string, any>
---@return S
function Select:params(values) end
---@generic S
---@param self S
---@return S
function Select:populate_existing() end
---@generic S
---@param self S
---@param on boolean
---@return S
function Select:autoflush(on) end
---@generic S
---@param self S
---@param target moonrow.Model|moonrow.Expression|moonrow.Table
---@param on? moonrow.Criterion
---@return S
function Select:join(target, on) end
---@generic S
---@param self S
---@param target moonrow.Model|moonrow.Expression|moonrow.Table
---@param on? moonrow.Criterion
---@return S
function Select:outerjoin(target, on) end
---@generic S
---@param self S
---@param ... moonrow.Model|moonrow.Table
---@return S
function Select:select_from(...) end
---@generic S
---@param self S
---@param ... moonrow.Model|moonrow.Expression
---@return S
function Select:with_entities(...) end
---@generic S
---@param self S
---@param ... moonrow.Expression
---@return S
function Select:add_columns(...) end
---@generic S
---@param self S
---@param parent moonrow.Object
---@return S
function Select:with_parent(parent, ...) end
---@generic S
---@param self S
---@param ... moonrow.LoaderOption
---@return S
function Select:options(...) end
---@generic S
---@param self S
---@param statement moonrow.Statement
---@return S
function Select:from_statement(statement) end
---@generic S
---@param self S
---@param ... moonrow.Model|moonrow.Table of the enclosing query, which this one refers to
---@return S
function Select:correlate(...) end
---@generic S
---@param self S
---@param other moonrow.Select
---@return S
function Select:union(other, ...) end
---@generic S
---@param self S
---@param other moonrow.Select
---@return S
function Select:union_all(other, ...) end
---@generic S
---@param self S
---@param other moonrow.Select
---@return S
function Select:intersect(other, ...) end
---@generic S
---@param self S
---@param other moonrow.Select
---@return S
function Select:except_(other, ...) end
---@generic S
---@param self S
---@param options moonrow.ExecutionOptions
---@return S
function Select:execution_options(options) end
---FOR UPDATE, where the database locks rows. SQLite locks no rows, and has nothing of this: neither read, nowait nor
---skip_locked.
---@generic S
---@param self S
---@param options? table
---@return S
function Select:with_for_update(options) end
---@param name? string
---@param options? { recursive?: boolean }
---@return moonrow.Subquery
function Select:cte(name, options) end
---@param name string
---@return moonrow.Expression
function Select:label(name) end
---@param name? string
---@return moonrow.Subquery
function Select:subquery(name) end
---@return moonrow.Expression
function Select:exists() end
---@return moonrow.Expression
function Select:scalar_subquery() end
---The SQL, to be read; with literals its values stand in it, and no ?. Never run it: a value belongs into a parameter.
---@param options? { literals?: boolean }
---@return string
function Select:sql(options) end
---A select that knows its session.
---@class moonrow.Query<T>: moonrow.Select
local Query = {}

---@return T[]
function Query:all() end
---@param ... moonrow.Model|moonrow.Expression
---@return moonrow.Query<any>
function Query:with_entities(...) end
---@param ... moonrow.Expression
---@return moonrow.Query<any>
function Query:add_columns(...) end
---@return T?
function Query:first() end
---@return T
function Query:one() end
---@return T?
function Query:one_or_none() end
---@return any
function Query:scalar() end
---@param key any
---@return T?
function Query:get(key) end
---@return integer
function Query:count() end
---for user in query:iter() do ... end
---@return fun(): T
function Query:iter() end
---Sets the attributes in every row that the query means. Returns how many.
---@param values table<string, any>
---@param options? { synchronize_session?: "auto"|"evaluate"|"fetch"|false }
---@return integer
function Query:update(values, options) end
---Deletes every row that the query means. Returns how many.
---@param options? { synchronize_session?: "auto"|"evaluate"|"fetch"|false }
---@return integer
function Query:delete(options) end
---One page of the result. page: 1 by default; per_page: 20, and max_per_page (100) at most. A page behind the last one
---is empty; with error_out, which is false by default, it is a NoResultFound. Order the query: else pages may overlap.
---@param options? { page?: integer, per_page?: integer, max_per_page?: integer, error_out?: boolean }
---@return moonrow.Pagination<T>
function Query:paginate(options) end

---The query with its statement kept, to be run often with other values for its named parameters (mr.bindparam).
---@return moonrow.CompiledQuery<T>
function Query:compiled() end

---local by_name = User.query:filter(User.name:eq(mr.bindparam "name")):compiled(); by_name:first{ name = "x" }
---@class moonrow.CompiledQuery<T>
local CompiledQuery = {}
---@param values? table<string, any>
---@return T[]
function CompiledQuery:all(values) end
---@param values? table<string, any>
---@return T?
function CompiledQuery:first(values) end
---@param values? table<string, any>
---@return T
function CompiledQuery:one(values) end
---@param values? table<string, any>
---@return T?
function CompiledQuery:one_or_none(values) end
---@param values? table<string, any>
---@return any
function CompiledQuery:scalar(values) end
---for user in compiled:iter{ name = "x" } do ... end
---@param values? table<string, any>
---@return fun(): T
function CompiledQuery:iter(values) end
---@param options? { literals?: boolean }
---@return string
function CompiledQuery:sql(options) end

---@class moonrow.Pagination<T>
---@field items T[]
---@field total integer
---@field pages integer
---@field page integer
---@field per_page integer
---@field has_next boolean
---@field has_prev boolean
---@field next_num integer?
---@field prev_num integer?
local Pagination = {}
---@return moonrow.Pagination<T>?
function Pagination:next() end
---@return moonrow.Pagination<T>?
function Pagination:prev() end
---The numbers to link: left_edge (2) at the beginning, left_current (2) before this page, right_current (4) behind it,
---right_edge (2) at the end; false for each gap.
---@param options? { left_edge?: integer, left_current?: integer, right_current?: integer, right_edge?: integer }
---@return fun(): integer|false
function Pagination:iter_pages(options) end

---A select as a table.
---@class moonrow.Subquery
---@field name string
---@field c table<string, moonrow.Expression>
---@field columns table<string, moonrow.Expression>
local Subquery = {}
---@param name? string
---@return moonrow.Subquery
function Subquery:alias(name) end
---Of a recursive cte: what refers to it.
---@param other moonrow.Select
---@return moonrow.Subquery
function Subquery:union(other) end
---@param other moonrow.Select
---@return moonrow.Subquery
function Subquery:union_all(other) end

---@param ... moonrow.Model|moonrow.Expression
---@return moonrow.Select
function mr.select(...) end

---@class moonrow.Statement

---SQL with :name for parameters.
---@param sql string
---@return moonrow.Statement|moonrow.Expression
function mr.text(sql) end

--- A row of several items: a userdata, which cannot be changed.
---@class moonrow.Row
---@field [integer] any
---@field [string] any
local Row = {}
---@return any ...
function Row:unpack() end

---@class moonrow.Result
---@field rowcount integer
---@field lastrowid integer? nil where nothing was inserted
---@field returns_rows boolean
---@field inserted_primary_key any[]? nil where nothing was inserted
local Result = {}
---@return any[]
function Result:all() end
---@return any
function Result:first() end
---@return any
function Result:one() end
---@return any
function Result:one_or_none() end
---@return moonrow.Row?
function Result:fetchone() end
---@param n integer
---@return any[]
function Result:fetchmany(n) end
---@return any[]
function Result:fetchall() end
---@return string[]
function Result:keys() end
---Rows as tables by column name.
---@return moonrow.Result
function Result:mappings() end
---@return moonrow.Result
function Result:unique() end
---@return any
function Result:scalar_one() end
---@return any
function Result:scalar_one_or_none() end
function Result:close() end
---@return fun(): any
function Result:iter() end
---@return moonrow.Result the first column of each row
function Result:scalars() end
---@return any
function Result:scalar() end

---An INSERT, UPDATE or DELETE; immutable.
---@class moonrow.Write: moonrow.Statement
---@field excluded table<string, moonrow.Expression> what on_conflict_do_update could not insert
local Write = {}
---@param options? { literals?: boolean }
---@return string
function Write:sql(options) end
---@param values table<string, any>|table<string, any>[]
---@return moonrow.Write
function Write:values(values) end
---@param ... moonrow.Criterion
---@return moonrow.Write
function Write:where(...) end
---@param ... moonrow.Model|moonrow.Expression
---@return moonrow.Write
function Write:returning(...) end
---@param columns any[]
---@param select moonrow.Select
---@param options? { include_defaults?: boolean } false: without the defaults of the columns that are not named
---@return moonrow.Write
function Write:from_select(columns, select, options) end
---@class moonrow.OnConflict
---@field index_elements any[] the columns of the key or index
---@field index_where? moonrow.Criterion the condition of a partial index
---@field set table<string, any>
---@field where? moonrow.Criterion which rows are updated

---@param options moonrow.OnConflict
---@return moonrow.Write
function Write:on_conflict_do_update(options) end
---@param options table
---@return moonrow.Write
function Write:execution_options(options) end
---@param options? { index_elements?: any[], index_where?: moonrow.Criterion }
---@return moonrow.Write
function Write:on_conflict_do_nothing(options) end

---@param table moonrow.Model|moonrow.Table
---@return moonrow.Write
function mr.insert(table) end
---@param table moonrow.Model|moonrow.Table
---@return moonrow.Write
function mr.update(table) end
---@param table moonrow.Model|moonrow.Table
---@return moonrow.Write
function mr.delete(table) end
---@generic C
---@param class C
---@param options? { name?: string }
---@return C
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

---Options chain: joinedload(User.posts):selectinload(Post.comments).
---@class moonrow.LoaderOption
local LoaderOption = {}
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:joinedload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:selectinload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:subqueryload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:immediateload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:lazyload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:raiseload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:noload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:defaultload(path, ...) end
---@param path string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:contains_eager(path, ...) end
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:load_only(...) end
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:defer(...) end
---@param ... string|moonrow.Expression
---@return moonrow.LoaderOption
function LoaderOption:undefer(...) end
---@param name string
---@return moonrow.LoaderOption
function LoaderOption:undefer_group(name) end

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

---Class.attribute of a relationship.
---@class moonrow.RelationshipAttribute
---@field key string
---@field name string
local RelationshipAttribute = {}
---@param object moonrow.Object
---@return moonrow.Expression
function RelationshipAttribute:eq(object) end
---@param object moonrow.Object
---@return moonrow.Expression
function RelationshipAttribute:ne(object) end
---@param value nil|lightuserdata
---@return moonrow.Expression
function RelationshipAttribute:is_(value) end
---@param value nil|lightuserdata
---@return moonrow.Expression
function RelationshipAttribute:is_not(value) end
---@param ... moonrow.Criterion
---@return moonrow.Expression
function RelationshipAttribute:any(...) end
---@param ... moonrow.Criterion
---@return moonrow.Expression
function RelationshipAttribute:has(...) end
---@param object moonrow.Object
---@return moonrow.Expression
function RelationshipAttribute:contains(object) end
---@param target moonrow.Model
---@return moonrow.RelationshipAttribute
function RelationshipAttribute:of_type(target) end

---What object.posts gives: list-like, with #, [i], ipairs and assignment besides. Each read makes a view of its own:
---two of one list are equal by ==, but are two keys of a table; the object itself is one key.
---@class moonrow.Collection<T>
---@field [integer] T
local Collection = {}
---@param object T
function Collection:append(object) end
---@param object T
function Collection:remove(object) end
---@param at integer
---@param object T
function Collection:insert(at, object) end
---@param objects T[]
function Collection:extend(objects) end
function Collection:clear() end
---@param object T
---@return boolean
function Collection:contains(object) end
