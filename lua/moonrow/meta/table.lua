---@meta _
-- table.lua: tables, sets of tables, and their definitions as statements.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- tables

---What a table says besides its parts: in `mr.Table{ ... }` and in `__table_args`.
---
---```lua
---local Tag = db.Model:extend("Tag", {
---  id = db.Column{ db.Integer, primary_key = true },
---  __table_args = { sqlite_strict = true, sqlite_autoincrement = true },
---})
---mr.CreateTable(Tag) --> CREATE TABLE tag...AUTOINCREMENT...STRICT...
---local Word = db.Model:extend("Word", {
---  word = db.Column{ db.String(20), primary_key = true },
---  __table_args = { sqlite_with_rowid = false },
---})
---mr.CreateTable(Word) --> ...WITHOUT ROWID...
---local Adult = db.Model:extend("Adult", {
---  id = db.Column{ db.Integer, primary_key = true },
---  __table_args = { is_view = true, definition = mr.select(User.id):where(User.age:ge(30)) },
---})
---local Page = db.Model:extend("Page", {
---  rowid = db.Column{ db.Integer, primary_key = true },
---  text = db.Column{ db.Text },
---  __table_args = { sqlite_using = { "fts5", tokenize = "porter" } },
---})
---mr.CreateTable(Page) --> CREATE VIRTUAL TABLE page USING fts5(text, tokenize = 'porter')
---db:create_all()
---Adult.query:count() --> 1
---```
---@class moonrow.TableOptions
---In SQLite the name of an attached database.
---@field schema? string
---What is told to databases that keep comments (PostgreSQL).
---@field comment? string
---No number is used twice, in SQLite; false by default.
---@field sqlite_autoincrement? boolean
---SQLite checks the types of values; false by default.
---@field sqlite_strict? boolean
---false: WITHOUT ROWID, in SQLite. true by default.
---@field sqlite_with_rowid? boolean
---A virtual table of SQLite, of this module: `"fts5"`, `{ "fts5", tokenize = "porter" }`, or with all of its arguments.
---@field sqlite_using? string|table<string|integer, string|number>
---It is a view: it is read only, and made only if a definition is given. false by default.
---@field is_view? boolean
---The view's query.
---@field definition? string|moonrow.Expression|moonrow.Select

---A table. `Class.__table` is that of a class.
---
---```lua
---local t = User.__table
---t.name --> user
---t.schema --> nil
---t.c.name --> user.name
---t.columns.name --> user.name
---t.metadata == db.metadata --> true
---t.primary_key[1].name --> id
---t.comment --> nil
---#t.indexes --> 0
---#t.constraints --> 0
---```
---@class moonrow.Table
---Its name in the database.
---@field name string
---The name of the attached database, where it has one.
---@field schema string?
---Its columns, as expressions.
---@field c table<string, moonrow.Expression>
---The same.
---@field columns table<string, moonrow.Expression>
---The set of tables that it is in.
---@field metadata moonrow.MetaData
---The columns of its primary key.
---@field primary_key moonrow.Expression[]
---What the program says of it.
---@field comment string?
---Its indexes.
---@field indexes moonrow.Constraint[]
---Those of the table, without what is written with one column.
---@field constraints moonrow.Constraint[]
local Table = {}

---The table under another name in a statement.
---
---```lua
---local other = User.__table:alias "other"
---mr.select(other.c.name) --> SELECT other.name...FROM user AS other
---```
---@param name? string
---@return moonrow.Subquery
function Table:alias(name) end

---Makes the table, with its indexes.
---
---```lua
---local t = mr.Table("note", mr.MetaData(), mr.Column{ "id", mr.Integer, primary_key = true })
---t:create(db.engine)
---session:execute(t:insert():values{ id = 7 })
---session:scalar(t:select()) --> 7
---```
---@param engine moonrow.Engine
function Table:create(engine) end

---Drops the table.
---
---```lua
---Post.__table:drop(db.engine)
---Post.query:count() --! OperationalError:
---```
---@param engine moonrow.Engine
function Table:drop(engine) end

---A select of all its columns.
---
---```lua
---#session:execute(User.__table:select()):all() --> 3
---```
---@return moonrow.Select
function Table:select() end

---An INSERT into it: `mr.insert(table)`.
---
---```lua
---session:execute(User.__table:insert():values{ name = "Dan" }).rowcount --> 1
---```
---@return moonrow.Write
function Table:insert() end

---An UPDATE of it: `mr.update(table)`.
---
---```lua
---session:execute(User.__table:update():values{ age = 1 }).rowcount --> 3
---```
---@return moonrow.Write
function Table:update() end

---A DELETE from it: `mr.delete(table)`.
---
---```lua
---session:execute(Post.__table:delete()).rowcount --> 3
---```
---@return moonrow.Write
function Table:delete() end

---A table: `mr.Table{ "name", metadata, Column..., Constraint..., schema = "main" }`; `db.Table` takes the database's
---metadata, where none is given.
---
---```lua
---local t = mr.Table{ "note", mr.MetaData(), mr.Column{ "id", mr.Integer, primary_key = true },
---  schema = "main", comment = "what was said" }
---t.schema --> main
---local link = db.Table("link", db.Column{ "a_id", db.Integer, db.ForeignKey "user.id" })
---link.metadata == db.metadata --> true
---```
---@param name string
---@param metadata moonrow.MetaData
---@param ... moonrow.Column|moonrow.Constraint|moonrow.TableOptions
---@return moonrow.Table
function mr.Table(name, metadata, ...) end

---A set of tables.
---
---```lua
---db.metadata.tables.user == User.__table --> true
---db.metadata.sorted_tables[1].name --> user
---#db.metadata.sorted_tables --> 2
---```
---@class moonrow.MetaData
---By name, "schema.name" for one in a schema.
---@field tables table<string, moonrow.Table>
---Each behind the tables that it refers to.
---@field sorted_tables moonrow.Table[]
local MetaData = {}

---Patterns of names: `"fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s"`. Tokens: table_name,
---referred_table_name, constraint_name (the given name), column_0_name (any number), column_0_N_name (all of them, with
---_ between), column_0N_name, and the same with label (TABLE_COLUMN) and referred_column. Another key is a token of the
---program's: a function of the constraint and the table that returns a string.
---
---```lua
---local md = mr.MetaData{ naming_convention = { ix = "ix_%(table_name)s_%(column_0_name)s",
---  uq = "uq_%(column_0_name)s", ck = "ck_%(constraint_name)s",
---  fk = "fk_%(referred_table_name)s", pk = "pk_%(table_name)s" } }
---local t = mr.Table("note", md, mr.Column{ "id", mr.Integer, primary_key = true }, mr.Column{ "who", mr.Integer },
---  mr.UniqueConstraint "who")
---t.constraints[#t.constraints].name --> uq_who
---```
---@class moonrow.NamingConvention
---Of an index.
---@field ix? string
---Of a UniqueConstraint, and of a column that is unique.
---@field uq? string
---Of a CheckConstraint.
---@field ck? string
---Of a foreign key.
---@field fk? string
---Of a primary key.
---@field pk? string
---A token of the program's.
---@field [string] string|fun(constraint: moonrow.Constraint, table: moonrow.Table): string

---@class moonrow.MetaDataOptions
---How constraints and indexes without a name are called; by default the library gives none.
---@field naming_convention? moonrow.NamingConvention

---A new, empty set of tables.
---
---```lua
---#mr.MetaData().sorted_tables --> 0
---mr.MetaData{ naming_convention = { pk = "pk_%(table_name)s" } }.sorted_tables[1] --> nil
---```
---@param options? moonrow.MetaDataOptions
---@return moonrow.MetaData
function mr.MetaData(options) end

---Makes the tables that are missing, in foreign-key order.
---
---```lua
---local other = mr.open "sqlite://"
---db.metadata:create_all{ bind = other.engine, tables = { User.__table }, checkfirst = true }
---other.session:scalar(mr.text "SELECT count(*) FROM user") --> 0
---```
---@param options moonrow.CreateOptions
function MetaData:create_all(options) end

---Makes tables of those that a database has, with all that it says of them; those that the metadata has already stay as
---they are. What refers to something that is not there is left out, with a warning.
---
---```lua
---local md = mr.MetaData()
---local seen = md:reflect{ bind = db.engine, only = { "post" } }
---md.tables.post.c.title --> post.title
---md.tables.user.name --> user
---#seen:warnings() --> 0
---```
---@param options moonrow.ReflectOptions
---@return moonrow.Inspector
---@error InvalidRequestError when `only` names a table that is not there, or there is no such schema
function MetaData:reflect(options) end

---Drops the tables that are there, in the other order.
---
---```lua
---db.metadata:drop_all{ bind = db.engine }
---User.query:count() --! OperationalError:
---```
---@param options moonrow.CreateOptions
function MetaData:drop_all(options) end

-- ---------------------------------------------------------------- definitions as statements

---A definition as a statement: tostring is its SQL; sessions and connections execute it.
---@class moonrow.DDL

---@class moonrow.CreateDdlOptions
---IF NOT EXISTS; false by default.
---@field if_not_exists? boolean
---For whom tostring writes it; "sqlite" by default.
---@field dialect? "sqlite"|"postgresql"

---@class moonrow.DropDdlOptions
---IF EXISTS; false by default.
---@field if_exists? boolean
---For whom tostring writes it; "sqlite" by default.
---@field dialect? "sqlite"|"postgresql"

---CREATE TABLE.
---
---```lua
---mr.CreateTable(User, { if_not_exists = true, dialect = "postgresql" }) --> CREATE TABLE IF NOT EXISTS "user" (...
---```
---@param table moonrow.Table|moonrow.Model
---@param options? moonrow.CreateDdlOptions
---@return moonrow.DDL
function mr.CreateTable(table, options) end

---DROP TABLE.
---
---```lua
---session:execute(mr.DropTable(Post))
---mr.DropTable(Post, { if_exists = true, dialect = "sqlite" }) --> DROP TABLE IF EXISTS post
---```
---@param table moonrow.Table|moonrow.Model
---@param options? moonrow.DropDdlOptions
---@return moonrow.DDL
function mr.DropTable(table, options) end

---CREATE INDEX.
---
---```lua
---local index = mr.Index("ix_user_age", User.age)
---session:execute(mr.CreateIndex(index, { if_not_exists = true }))
---mr.CreateIndex(index) --> CREATE INDEX ix_user_age ON user (age)
---```
---@param index moonrow.Constraint one of table.indexes
---@param options? moonrow.CreateDdlOptions
---@return moonrow.DDL
function mr.CreateIndex(index, options) end

---DROP INDEX.
---
---```lua
---mr.DropIndex(mr.Index("ix_user_age", User.age), { if_exists = true }) --> DROP INDEX IF EXISTS ix_user_age
---```
---@param index moonrow.Constraint
---@param options? moonrow.DropDdlOptions
---@return moonrow.DDL
function mr.DropIndex(index, options) end
