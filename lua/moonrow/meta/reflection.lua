---@meta _
-- reflection.lua: what a database holds that another program has made; tables and classes made of it.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

---@class moonrow.Database
local Database = {}

-- ---------------------------------------------------------------- inspecting

---@class moonrow.InspectOptions
---So many rows of a table, from both of its ends, are looked at for the types of its columns; false: none, and the
---names of the types count alone. 1000 by default; `math.huge`: all.
---@field sample? integer|false

---What a database holds: `mr.inspect(engine)`. What was asked is kept until `clear_cache`. The methods are also there
---under SQLAlchemy's names, `get_columns` and the like.
---
---```lua
---local i = mr.inspect(db.engine, { sample = 100 })
---i.bind == db.engine --> true
---```
---@class moonrow.Inspector
---The engine or connection that is asked.
---@field bind moonrow.Engine|moonrow.Connection
local Inspector = {}

---What `inspector:columns` gives of a column.
---
---```lua
---local id = mr.inspect(db):columns "user"[1]
---id.name, id.type, id.declared, id.affinity --> id, Integer, INTEGER, INTEGER
---id.nullable, id.primary_key, id.hidden --> false, 1, false
---id.default, id.collation, id.computed --> nil, nil, nil
---```
---@class moonrow.ReflectedColumn
---Its name.
---@field name string
---The type that reads its values.
---@field type moonrow.Type
---The type as it is declared: "VARCHAR(80)"; "" without one.
---@field declared string
---What SQLite makes of the declared type: "INTEGER", "REAL", "TEXT", "BLOB" or "NUMERIC"; nil in PostgreSQL.
---@field affinity? string
---May it be NULL?
---@field nullable boolean
---The SQL of its default.
---@field default? string
---Its position in the primary key, from 1; 0: it is not in it.
---@field primary_key integer
---The collation, if it is another than BINARY.
---@field collation? string
---In a virtual table: it is not among the columns of `SELECT *`.
---@field hidden boolean
---The expression that the database computes it by, and whether it is stored: `{ sqltext =, persisted = }`.
---@field computed? table
---What the database tells of it for readers.
---@field comment? string
---The choices, if it is of an enum of PostgreSQL's.
---@field choices? string[]
---The type that a domain of PostgreSQL's narrows.
---@field base_type? string
---Is it numbered by a sequence of its own (PostgreSQL's SERIAL and IDENTITY)?
---@field autoincrement? boolean
---How it is numbered: `{ always =, start =, increment =, minvalue =, maxvalue =, cycle =, cache = }`.
---@field identity? table

---The names of the tables, without views, virtual tables, their shadow tables, and SQLite's own.
---
---```lua
---mr.inspect(db):table_names()[1] --> post
---```
---@param schema? string
---@return string[]
---@error InvalidRequestError when there is no such schema
function Inspector:table_names(schema) end

---The names of the views.
---
---```lua
---#mr.inspect(db):view_names() --> 0
---```
---@param schema? string
---@return string[]
function Inspector:view_names(schema) end

---The names of the virtual tables, such as FTS5's.
---
---```lua
---#mr.inspect(db):virtual_table_names() --> 0
---```
---@param schema? string
---@return string[]
function Inspector:virtual_table_names(schema) end

---The names of the tables in which virtual tables keep their rows.
---
---```lua
---#mr.inspect(db):shadow_table_names() --> 0
---```
---@param schema? string
---@return string[]
function Inspector:shadow_table_names(schema) end

---The names of the databases that the connection has attached, "main" first.
---
---```lua
---mr.inspect(db):schema_names()[1] --> main
---```
---@return string[]
function Inspector:schema_names() end

---Is there a table or view of the name?
---
---```lua
---mr.inspect(db):has_table "user" --> true
---```
---@param name string
---@param schema? string
---@return boolean
function Inspector:has_table(name, schema) end

---"table", "view", "virtual", "shadow", "internal" (SQLite's own), or "damaged", whose definition SQLite cannot read;
---nil: there is none of the name.
---
---```lua
---mr.inspect(db):kind "user" --> table
---mr.inspect(db):kind "nobody" --> nil
---```
---@param name string
---@param schema? string
---@return string?
function Inspector:kind(name, schema) end

---The columns of a table or view, in their order.
---
---```lua
---mr.inspect(db):columns "user"[2].declared --> VARCHAR(40)
---local id = mr.inspect(db):columns "user"[1]
---id.base_type, id.identity, id.choices, id.comment, id.autoincrement --> nil, nil, nil, nil, nil
---mr.inspect(db):columns "usr" --! InvalidRequestError: columns: the database has no table or view 'usr'
---```
---@param name string
---@param schema? string
---@return moonrow.ReflectedColumn[]
---@error InvalidRequestError when there is no such table or view
function Inspector:columns(name, schema) end

---The primary key: `{ name =, constrained_columns = { ... }, on_conflict = }`; without one the list is empty.
---
---```lua
---mr.inspect(db):primary_key "user".constrained_columns[1] --> id
---```
---@param name string
---@param schema? string
---@return table
function Inspector:primary_key(name, schema) end

---The foreign keys, in the order of their declaration: `{ name =, constrained_columns =, referred_schema =,
---referred_table =, referred_columns =, options = { ondelete =, onupdate =, deferrable =, initially = } }`.
---
---```lua
---local key = mr.inspect(db):foreign_keys "post"[1]
---key.constrained_columns[1], key.referred_table, key.referred_columns[1] --> user_id, user, id
---```
---@param name string
---@param schema? string
---@return table[]
function Inspector:foreign_keys(name, schema) end

---The indexes that are no constraints: `{ name =, unique =, column_names =, expressions =, column_sorting =, where =
---}`. At the place of an expression, column_names has false, and expressions its SQL.
---
---```lua
---#mr.inspect(db):indexes "user" --> 0
---```
---@param name string
---@param schema? string
---@return table[]
function Inspector:indexes(name, schema) end

---The UNIQUE constraints: `{ name =, column_names =, on_conflict = }`.
---
---```lua
---#mr.inspect(db):unique_constraints "user" --> 0
---```
---@param name string
---@param schema? string
---@return table[]
function Inspector:unique_constraints(name, schema) end

---The CHECK constraints: `{ name =, sqltext = }`.
---
---```lua
---#mr.inspect(db):check_constraints "user" --> 0
---```
---@param name string
---@param schema? string
---@return table[]
function Inspector:check_constraints(name, schema) end

---The triggers: `{ name =, sql = }`.
---
---```lua
---#mr.inspect(db):triggers "user" --> 0
---```
---@param name string
---@param schema? string
---@return table[]
function Inspector:triggers(name, schema) end

---What else a table says: `{ without_rowid =, strict =, autoincrement =, rowid =, module =, sql = }`. rowid: the name
---by which the row's number can be read.
---
---```lua
---mr.inspect(db):table_options "user".rowid --> rowid
---```
---@param name string
---@param schema? string
---@return table
function Inspector:table_options(name, schema) end

---What the database tells of it for readers: `{ text = }`, nil in it where there is nothing.
---
---```lua
---mr.inspect(db):table_comment "user".text --> nil
---```
---@param name string
---@param schema? string
---@return table
function Inspector:table_comment(name, schema) end

---A view's query; nil for a table.
---
---```lua
---mr.inspect(db):view_definition "user" --> nil
---```
---@param name string
---@param schema? string
---@return string?
function Inspector:view_definition(name, schema) end

---Why columns have another type than the name of their declared type says: a line each.
---
---```lua
---session:execute(mr.text "UPDATE user SET age = 'old' WHERE name = 'Ann'")
---session:commit()
---mr.inspect(db):choices "user"[1] --> user.age: Any, not Integer: it holds integers and texts, such as "old"
---```
---@param name string
---@param schema? string
---@return string[]
function Inspector:choices(name, schema) end

---What could not be read, and was left out: a line each.
---
---```lua
---#mr.inspect(db):warnings() --> 0
---```
---@return string[]
function Inspector:warnings() end

---Forgets what was asked, so that changes of the database are seen.
---
---```lua
---local i = mr.inspect(db)
---i:table_names()
---session:execute(mr.text "CREATE TABLE new (a)")
---session:commit()
---i:has_table "new" --> false
---i:clear_cache()
---i:has_table "new" --> true
---```
function Inspector:clear_cache() end

-- ---------------------------------------------------------------- tables

---@class moonrow.AutoloadOptions
---Whose table it is.
---@field autoload_with moonrow.Engine|moonrow.Connection|moonrow.Database
---Add the columns that a table of the metadata lacks; false by default: it stays as it is.
---@field extend_existing? boolean
---Make the tables, too, that its foreign keys refer to; true by default.
---@field resolve_fks? boolean
---See `moonrow.InspectOptions`.
---@field sample? integer|false
---The name of an attached database.
---@field schema? string

---A table as the database has it. A Column that is given takes the place of the database's.
---
---```lua
---local md = mr.MetaData()
---local posts = mr.Table("post", md, { autoload_with = db, resolve_fks = true, extend_existing = false, sample = 10 })
---posts.c.title --> post.title
---md.tables.user.name --> user
---local wrong = { autoload_with = db, schema = "other" }
---mr.Table("post", mr.MetaData(), wrong) --! InvalidRequestError: Table: the database has no schema 'other'
---```
---@param name string
---@param metadata moonrow.MetaData
---@param options moonrow.AutoloadOptions
---@return moonrow.Table
---@error InvalidRequestError when the database has no such table
function mr.Table(name, metadata, options) end

---@class moonrow.ReflectOptions
---Whose tables they are; of `db:reflect` the engine of db.
---@field bind? moonrow.Engine|moonrow.Connection
---The name of an attached database.
---@field schema? string
---The names of the tables, or a function of a name; by default all.
---@field only? string[]|fun(name: string): boolean
---Views, too; false by default.
---@field views? boolean
---Add the columns that tables of the metadata lack; false by default.
---@field extend_existing? boolean
---Make the tables, too, that foreign keys refer to; true by default.
---@field resolve_fks? boolean
---See `moonrow.InspectOptions`.
---@field sample? integer|false

---`metadata:reflect` of `db.metadata` and `db.engine`.
---
---```lua
---local other = mr.open "sqlite://"
---other:reflect{ bind = db.engine, only = function(name) return name == "user" end, views = true, sample = false,
---  extend_existing = true, resolve_fks = false }
---other.metadata.tables.user.c.name --> user.name
---other:reflect{ schema = "temp" }:warnings()[1] --> nil
---```
---@param options? moonrow.ReflectOptions
---@return moonrow.Inspector
function Database:reflect(options) end

-- ---------------------------------------------------------------- classes

---@class moonrow.AutomapOptions
---The name of an attached database.
---@field schema? string
---The names of the tables, or a function of a name; by default all.
---@field only? string[]|fun(name: string): boolean
---false: no word about views, which have no class without a key.
---@field views? boolean
---The columns that tell the rows of a view, or of a table without a key, apart: `{ report = { "year", "month" } }`.
---@field keys? table<string, string[]>
---Names in place of those that are made: of a class `{ album = "Record" }`, of an attribute
---`{ ["album.title"] = "name" }`, of a relationship `{ ["Album.artist"] = "by" }`; false: none.
---@field rename? table<string, string|false>
---The name of the class of a table; nil: the one that is made; false: no class.
---@field name_for_class? fun(table: string, default: string): string|false|nil
---The name of a relationship; nil: the one that is made, `info.default`; false: none. info has class, target, kind,
---table and columns, too.
---@field name_for_relationship? fun(info: table): string|false|nil
---See `moonrow.InspectOptions`.
---@field sample? integer|false

---@class moonrow.AutomapOpenOptions: moonrow.AutomapOptions, moonrow.OpenOptions

---Opens a database and maps what it holds: `db.classes`. A class for each table, named after it; a relationship for
---each foreign key, on both sides; tables of just two foreign keys are many-to-many relationships. Types are chosen as
---`mr.inspect` does; lengths are not enforced. A table without a key is mapped by its rowid, as the attribute
---`_rowid`; before such a row is changed or deleted, it is compared with what its object has loaded.
---
---```lua
---local db = mr.automap("sqlite://", { keys = {}, rename = {}, views = false, echo = false })
---db.classes.Album --! ArgumentError: automap made no class 'Album'
---```
---@param url string
---@param options? moonrow.AutomapOpenOptions
---@return moonrow.Database
function mr.automap(url, options) end

---Maps the tables of `db`'s database that no class maps yet, in `db.classes`; what was left out, and which types were
---chosen by the values, is in `db.reflected`. Returns db.
---
---```lua
---session:execute(mr.text "CREATE TABLE pet (id INTEGER PRIMARY KEY, user_id REFERENCES user, name VARCHAR(20))")
---session:commit()
---db:automap{ rename = { ["pet.name"] = "called", ["User.pets"] = "animals" }, sample = 10, schema = nil,
---  only = { "pet", "user" }, name_for_class = function(name, default) return default end,
---  name_for_relationship = function(info) return info.default end }
---local Pet = db.classes.Pet
---session:add(Pet{ called = "Rex", user = ann })
---session:commit()
---#ann.animals --> 1
---db.classes.User == User --> true
---```
---@param options? moonrow.AutomapOptions
---@return moonrow.Database
function Database:automap(options) end

---@class moonrow.Database
---The classes that `automap` has made, by name.
---
---```lua
---db:automap().classes.User == User --> true
---```
---@field classes table<string, moonrow.Model>
---The inspector that `automap` has used.
---
---```lua
---#db:automap().reflected:warnings() --> 0
---```
---@field reflected moonrow.Inspector
