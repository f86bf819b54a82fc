---@meta _
-- schema.lua: types, tables, classes and objects.
-- luacheck: ignore 212 241

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- tables

---A type; types with parameters are called: String(80).
---@class moonrow.Type
---@field name string
---@field length integer?

---@class moonrow.ColumnOptions
---@field primary_key? boolean
---@field nullable? boolean
---@field unique? boolean
---@field index? boolean an index, ix_TABLE_COLUMN
---@field default? any a value, a function (or what can be called like one), mr.now, or an expression
---@field onupdate? any
---@field server_default? string|moonrow.Expression
---The database numbers the rows. "auto", the default: where the key is one integer column that is no foreign key.
---@field autoincrement? boolean|"auto"
---@field comment? string
---@field deferred? boolean loaded when it is first read
---@field deferred_group? string what is loaded together with it

---@class moonrow.Column
---@field name string
---@field type moonrow.Type
---@field table moonrow.Table?
---@field nullable boolean
---@field primary_key boolean
---@field unique boolean
---@field comment string?

---mr.Column{ [name,] type, ForeignKey..., primary_key = true }
---@param spec table|moonrow.ColumnOptions
---@return moonrow.Column|any
function mr.Column(spec) end

---A column that is loaded when it is first read, with the others of its group.
---@param column moonrow.Column
---@param options? { group?: string }
---@return moonrow.Column|any
function mr.deferred(column, options) end

---@class moonrow.ForeignKey

---@param target string|moonrow.Column "table.column"
---@param options? { ondelete?: string, onupdate?: string, name?: string }
---@return moonrow.ForeignKey
function mr.ForeignKey(target, options) end

---@class moonrow.Constraint
---@field name string? the one that it was given; the library makes none

---@param ... string columns, then { name = "..." }
---@return moonrow.Constraint
function mr.PrimaryKeyConstraint(...) end
---@param ... string columns, then { name = "..." }
---@return moonrow.Constraint
function mr.UniqueConstraint(...) end
---@param columns string[]
---@param targets string[]
---@param options? { ondelete?: string, onupdate?: string, name?: string }
---@return moonrow.Constraint
function mr.ForeignKeyConstraint(columns, targets, options) end
---@param sql string
---@param options? { name?: string }
---@return moonrow.Constraint
function mr.CheckConstraint(sql, options) end
---@param name string
---@param ... string columns, then { unique = true }
---@return moonrow.Constraint
function mr.Index(name, ...) end

---@class moonrow.Table
---@field name string
---@field schema string?
---@field c table<string, moonrow.Expression>
---@field columns table<string, moonrow.Expression>
---@field metadata moonrow.MetaData
---@field primary_key moonrow.Column[]
local Table = {}

---@param name? string
---@return moonrow.Subquery
function Table:alias(name) end
---@param engine moonrow.Engine
function Table:create(engine) end
---@param engine moonrow.Engine
function Table:drop(engine) end
---@return moonrow.Select
function Table:select() end
---@return moonrow.Write
function Table:insert() end
---@return moonrow.Write
function Table:update() end
---@return moonrow.Write
function Table:delete() end

---mr.Table{ "name", metadata, Column..., schema = "main" }; of a Database without the metadata.
---@param name string
---@param metadata moonrow.MetaData
---@param ... moonrow.Column|moonrow.Constraint
---@return moonrow.Table
function mr.Table(name, metadata, ...) end

---@class moonrow.MetaData
---@field tables table<string, moonrow.Table> by name, "schema.name" for one in a schema
---@field sorted_tables moonrow.Table[]
local MetaData = {}

---@return moonrow.MetaData
function mr.MetaData() end

---@param options { bind: moonrow.Engine, tables?: moonrow.Table[], checkfirst?: boolean }
function MetaData:create_all(options) end
---@param options { bind: moonrow.Engine, tables?: moonrow.Table[], checkfirst?: boolean }
function MetaData:drop_all(options) end

-- ---------------------------------------------------------------- classes and objects

---@param options? { metadata?: moonrow.MetaData, name?: string }
---@return moonrow.Model
function mr.declarative_base(options) end

---A class: called, it makes an object; indexed by an attribute, it gives the attribute's expression.
---
---A class of the program's is two classes to an editor: `User` is what an object is, `User.Class` what the class itself
---is. lua/README.md shows how they are written.
---@class moonrow.Model
---@field query moonrow.Query<any>
---@field query_class moonrow.QueryClass?
---@field metadata moonrow.MetaData
---@field c table<string, moonrow.Expression> the columns, whatever methods hide
---@field __init fun(self: any, ...)
---A class with this one as its base. body: columns, relationships, fields and methods, besides __tablename,
---__table_args, __abstract and __mapper_args.
---@field extend fun(self: moonrow.Model, name: string, body: table): moonrow.AnyModel
---@overload fun(...): any

---A class that no annotation describes: each of its names may be anything.
---@class moonrow.AnyModel: moonrow.Model
---@field [string] any

---@class moonrow.MapperArgs
---@field version_id_col? moonrow.Column|string finds a row by the version that it was read with
---@field version_id_generator? false|fun(before: any): any the next version; false: not made by the library
---@field eager_defaults? boolean|"auto" what the database makes comes with an INSERT ("auto"), an UPDATE too (true)
---@field confirm_inserted_rows? boolean false: an INSERT of an object need not insert a row (a view)
---@field confirm_deleted_rows? boolean false: a DELETE of an object need not find its row

---An object of a class, which is a row or is to become one. Classes of the program's name their attributes.
---@class moonrow.Object

---An attribute in memory only.
---@return any
function mr.field() end

---@param object moonrow.Object
---@return moonrow.Inspection
function mr.inspect(object) end

---@class moonrow.Inspection
---@field state "transient"|"pending"|"persistent"|"deleted"|"detached"
---@field identity any
---@field session moonrow.Session?
---@field class moonrow.Model
---@field modified boolean
---@field loaded string[] the attributes in memory
---@field unloaded string[]
local Inspection = {}

---@param attribute string
---@return { added: any[], unchanged: any[], deleted: any[] }
function Inspection:history(attribute) end

---@param object moonrow.Object
---@return moonrow.Session?
function mr.object_session(object) end

---Makes the object as if it had never had a row.
---@param object moonrow.Object
function mr.make_transient(object) end
---Makes a transient object with a key as if its row had been loaded and its session closed.
---@param object moonrow.Object
function mr.make_transient_to_detached(object) end

---@param object moonrow.Object
---@return moonrow.Model
function mr.class_of(object) end

-- ---------------------------------------------------------------- dates

---Immutable; == < - work, tostring is ISO 8601. Each read makes a value of its own: two that are equal by == are two
---keys of a table. What is grouped by a date has tostring(date) as its key.
---@class moonrow.Date
---@field year integer
---@field month integer
---@field day integer
---@field hour integer
---@field minute integer
---@field second integer
---@field microsecond integer
local Date = {}
---@param pattern string as of os.date
---@return string
function Date:format(pattern) end
---@return string
function Date:isoformat() end
---@return moonrow.Date
function Date:to_date() end
---@return moonrow.Date
function Date:to_time() end

---The current time in UTC.
---@return moonrow.Date
function mr.now() end
---@return moonrow.Date
function mr.today() end
---@param year integer
---@param month integer
---@param day integer
---@return moonrow.Date
function mr.date(year, month, day) end
---@param hour integer
---@param minute? integer
---@param second? integer
---@param microsecond? integer
---@return moonrow.Date
function mr.time(hour, minute, second, microsecond) end
---@param year integer
---@param month integer
---@param day integer
---@param hour? integer
---@param minute? integer
---@param second? integer
---@param microsecond? integer
---@return moonrow.Date
function mr.datetime(year, month, day, hour, minute, second, microsecond) end
---@class moonrow.Lengths
---@field weeks? number
---@field days? number
---@field hours? number
---@field minutes? number
---@field seconds? number
---@field milliseconds? number
---@field microseconds? number

---A length of time; without years and months, which have no fixed length. tostring is ISO 8601 ("P1DT2H3M4.5S",
---"-PT5S", "PT0S"), which is read again, here and where an attribute is written. Two add up; a number times one is
---one; a date or a datetime moves by one. Its fields are days, seconds (0 to 86399), microseconds, and total_seconds.
---In the database it is the datetime that lies so far after 1970-01-01.
---@param value string|number|moonrow.Date|moonrow.Lengths a number is seconds
---@return moonrow.Date
function mr.interval(value) end
