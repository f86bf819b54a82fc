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
---The database numbers the rows. "auto", the default: where the key is one integer column that is no foreign key. true:
---SQLite never uses a number twice (AUTOINCREMENT); the column is the whole primary key, and an integer.
---@field autoincrement? boolean|"auto"
---@field comment? string told to databases that keep comments (PostgreSQL)
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

---mr.Column{ [name,] type, ForeignKey..., primary_key = true }. Behind the type also CheckConstraint, Computed ...
---@param spec table|moonrow.ColumnOptions
---@return moonrow.Column|any
function mr.Column(spec) end

---A column that is loaded when it is first read, with the others of its group.
---@param column moonrow.Column
---@param options? { group?: string }
---@return moonrow.Column|any
function mr.deferred(column, options) end

---A column that the database computes; it is never written, and read with the row or after it.
---@class moonrow.Computed

---@param expression string|moonrow.Expression SQL, or an expression of columns
---@param options? { persisted?: boolean } true: stored; false: computed when it is read; absent: as the database does
---@return moonrow.Computed
function mr.Computed(expression, options) end

---A column that PostgreSQL numbers (GENERATED ... AS IDENTITY); in SQLite it is an integer primary key.
---@class moonrow.Identity

---@class moonrow.IdentityOptions
---@field always? boolean values of the program are refused
---@field start? integer
---@field increment? integer
---@field minvalue? integer
---@field maxvalue? integer
---@field nominvalue? boolean
---@field nomaxvalue? boolean
---@field cycle? boolean
---@field cache? integer

---@param options? moonrow.IdentityOptions
---@return moonrow.Identity
function mr.Identity(options) end

---@class moonrow.ForeignKey

---@class moonrow.ForeignKeyOptions
---@field ondelete? string
---@field onupdate? string
---@field name? string
---@field deferrable? boolean
---@field initially? "DEFERRED"|"IMMEDIATE" DEFERRED: it is checked when the transaction commits
---@field use_alter? boolean where tables refer to each other: this key is added behind all tables

---@param target string|moonrow.Column "table.column"
---@param options? moonrow.ForeignKeyOptions
---@return moonrow.ForeignKey
function mr.ForeignKey(target, options) end

---A constraint or an index.
---@class moonrow.Constraint
---@field name string? given, or made by the naming convention of the table's metadata
---@field table moonrow.Table? of those that are a table's
---@field columns (string|false)[] the names of its columns; false: an expression
---@field unique boolean

---@class moonrow.KeyOptions
---@field name? string
---@field deferrable? boolean not in SQLite
---@field initially? "DEFERRED"|"IMMEDIATE"

---@param ... string columns, then moonrow.KeyOptions
---@return moonrow.Constraint
function mr.PrimaryKeyConstraint(...) end
---Of attributes of a class (User.name) it belongs to the class's table at once.
---@param ... string|moonrow.Expression columns, then moonrow.KeyOptions
---@return moonrow.Constraint
function mr.UniqueConstraint(...) end
---@param columns string[]
---@param targets string[]
---@param options? moonrow.ForeignKeyOptions
---@return moonrow.Constraint
function mr.ForeignKeyConstraint(columns, targets, options) end
---Of attributes of a class (User.age:ge(0)) it belongs to the class's table at once.
---@param condition string|moonrow.Expression values in it are written into the SQL
---@param options? { name?: string }
---@return moonrow.Constraint
function mr.CheckConstraint(condition, options) end

---@class moonrow.IndexOptions
---@field unique? boolean
---@field name? string
---@field where? string|moonrow.Expression the index has only the rows that meet it
---@field sqlite_where? string|moonrow.Expression the same, for one database
---@field postgresql_where? string|moonrow.Expression

---Of attributes of a class (User.name, mr.func.lower(User.name)) it belongs to the class's table at once. A string is a
---column's name; SQL is written mr.text "lower(name)". Without a name (nil, no string first) the convention names it.
---@param name string?
---@param ... string|moonrow.Expression columns and expressions, then moonrow.IndexOptions
---@return moonrow.Constraint
function mr.Index(name, ...) end

---A definition as a statement: tostring is its SQL; sessions and connections execute it.
---@class moonrow.DDL

---@param table moonrow.Table|moonrow.Model
---@param options? { if_not_exists?: boolean, dialect?: "sqlite"|"postgresql" } dialect: for tostring
---@return moonrow.DDL
function mr.CreateTable(table, options) end
---@param table moonrow.Table|moonrow.Model
---@param options? { if_exists?: boolean, dialect?: "sqlite"|"postgresql" }
---@return moonrow.DDL
function mr.DropTable(table, options) end
---@param index moonrow.Constraint one of table.indexes
---@param options? { if_not_exists?: boolean, dialect?: "sqlite"|"postgresql" }
---@return moonrow.DDL
function mr.CreateIndex(index, options) end
---@param index moonrow.Constraint
---@param options? { if_exists?: boolean, dialect?: "sqlite"|"postgresql" }
---@return moonrow.DDL
function mr.DropIndex(index, options) end

---What a table says besides its parts: in mr.Table{ ... } and in __table_args.
---@class moonrow.TableOptions
---@field schema? string in SQLite the name of an attached database
---@field comment? string
---@field sqlite_autoincrement? boolean no number is used twice
---@field sqlite_strict? boolean SQLite checks the types of values
---@field sqlite_with_rowid? boolean false: WITHOUT ROWID
---@field is_view? boolean it is a view: it is read only, and made only if definition is given
---@field definition? string|moonrow.Expression|moonrow.Select the view's query

---@class moonrow.Table
---@field name string
---@field schema string?
---@field c table<string, moonrow.Expression>
---@field columns table<string, moonrow.Expression>
---@field metadata moonrow.MetaData
---@field primary_key moonrow.Column[]
---@field comment string?
---@field indexes moonrow.Constraint[]
---@field constraints moonrow.Constraint[] of the table, without what is written with one column
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

---Patterns of names: "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s". Tokens: table_name,
---referred_table_name, constraint_name (the given name), column_0_name (any number), column_0_N_name (all of them, with
---_ between), column_0N_name, and the same with label (TABLE_COLUMN) and referred_column. Another key is a token of the
---program's: a function of the constraint and the table that returns a string.
---@class moonrow.NamingConvention
---@field ix? string
---@field uq? string
---@field ck? string
---@field fk? string
---@field pk? string
---@field [string] string|fun(constraint: moonrow.Constraint, table: moonrow.Table): string

---@param options? { naming_convention?: moonrow.NamingConvention }
---@return moonrow.MetaData
function mr.MetaData(options) end

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
---Seconds since 1970, as os.time() has them: of a datetime in UTC, or of a date's midnight.
---@return integer|number with a fraction it is a float
function Date:timestamp() end
---@return integer 1 is Monday, 7 is Sunday
function Date:weekday() end
---A copy with other fields: at:replace{ hour = 0, minute = 0 }.
---@param fields { year?: integer, month?: integer, day?: integer, hour?: integer, minute?: integer, second?: integer, microsecond?: integer }
---@return moonrow.Date
function Date:replace(fields) end

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
---mr.datetime(2024, 2, 29, 13, 4), mr.datetime "2024-02-29 13:04", mr.datetime{ year = 2024, month = 2, day = 29 }
---@class moonrow.DateTimeMaker
---@overload fun(year: integer, month: integer, day: integer, hour?: integer, minute?: integer, second?: integer, microsecond?: integer): moonrow.Date
---@overload fun(value: string|table|moonrow.Date): moonrow.Date
local DateTimeMaker = {}
---@param seconds number since 1970, as os.time() gives them
---@return moonrow.Date in UTC
function DateTimeMaker.from_unix(seconds) end
---@param text string of ISO 8601, with or without a zone: "2024-02-29T13:04:05+02:00"
---@return moonrow.Date in UTC
function DateTimeMaker.from_iso(text) end
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
