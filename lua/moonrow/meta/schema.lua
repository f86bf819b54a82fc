---@meta _
-- schema.lua: types, columns, constraints, and columns that the database fills. Tables are in table.lua.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- columns

---A type; types with parameters are called: `String(80)`, `Enum("a", "b")`.
---
---```lua
---mr.String(80).name --> String(80)
---mr.String(80).length --> 80
---mr.String{ length = 80 } == mr.String(80) --> true
---mr.Integer.length --> nil
---```
---@class moonrow.Type
---As it is written: "String(80)".
---@field name string
---In characters, of a String that has one.
---@field length integer?
---The type, with another one in its place in databases of a dialect, "sqlite" or "postgresql": that one defines the
---column there, and checks, converts, stores and reads its values. It may take other values, or be a TypeDecorator.
---What is assigned to an object outside of a session is refused at once only if no dialect takes it, and else checked
---at the flush.
---
---```lua
---local Long = mr.String(20):with_variant(mr.Text, "postgresql")
---mr.CreateTable(mr.Table("long", mr.MetaData(), mr.Column{ "v", Long }), { dialect = "postgresql" }) --> ...v TEXT...
---```
---@field with_variant fun(self: moonrow.Type, type: moonrow.Type, dialect: string, ...: string): moonrow.Type

---What a TypeDecorator does with the values of a column. The guide's page of types tells when.
---
---```lua
---mr.TypeDecorator{ impl = mr.String(20), name = "Upper", bind = string.upper } --> Upper
---mr.TypeDecorator{ impl = mr.Text, bind = tostring, equal = rawequal, cache_ok = true } --> TypeDecorator
---```
---@class moonrow.DecoratorOptions
---The type that is stored.
---@field impl moonrow.Type
---Makes the stored value of the program's; dialect: "sqlite", "postgresql".
---@field bind? fun(value: any, dialect: string): any
---Makes the program's value of a stored one.
---@field result? fun(value: any, dialect: string): any
---The same as bind, where a value is written into the SQL.
---@field literal? fun(value: any, dialect: string): any
---Is a value that is set the same as the one before? By default `==`.
---@field equal? fun(a: any, b: any): boolean
---Its name in messages.
---@field name? string
---Known from SQLAlchemy; statements are always kept.
---@field cache_ok? boolean

---@class moonrow.StringOptions
---In characters.
---@field length? integer

---What `mr.Column` takes besides the name, the type and the foreign keys.
---@class moonrow.ColumnOptions
---The column's name in the table; by default that of the attribute.
---@field name? string
---The type, where it does not stand in the array part.
---@field type? moonrow.Type
---Part of the primary key; false by default.
---@field primary_key? boolean
---May it be NULL? true by default, except in a primary key.
---@field nullable? boolean
---No two rows have the same value; false by default.
---@field unique? boolean
---An index, ix_TABLE_COLUMN; a unique one where unique is true, too. false by default.
---@field index? boolean
---What an INSERT takes where there is no value: a value, a function (or what can be called like one), mr.now, or an SQL
---expression. A function of Lua with a parameter gets the context: its `current_parameters` are the values that the row
---has by then, by attribute.
---@field default? any
---The same for an UPDATE.
---@field onupdate? any
---A default that the table itself has: SQL's text, or an expression.
---@field server_default? string|moonrow.Expression
---The database numbers the rows. "auto", the default: where the key is one integer column that is no foreign key. true:
---SQLite never uses a number twice (AUTOINCREMENT); the column is the whole primary key, and an integer.
---@field autoincrement? boolean|"auto"
---What is told to databases that keep comments (PostgreSQL).
---@field comment? string
---Loaded when it is first read; false by default.
---@field deferred? boolean
---What is loaded together with it; makes it deferred.
---@field deferred_group? string
---What SQLite does with a row that breaks NOT NULL.
---@field sqlite_on_conflict_not_null? moonrow.Conflict
---The same for one that breaks UNIQUE.
---@field sqlite_on_conflict_unique? moonrow.Conflict
---The same for one whose key is there already.
---@field sqlite_on_conflict_primary_key? moonrow.Conflict
---What stands in CREATE TABLE as its type in SQLite, where that is not the type's own word. A column that has it may be
---NULL in a primary key, as SQLite's keys may.
---@field sqlite_type? string
---The collation that SQLite compares its texts by: "NOCASE", "RTRIM", or one of the program's.
---@field sqlite_collation? string
---What stands in CREATE TABLE as its type in PostgreSQL: "INET", "TSRANGE", "TIMESTAMP WITH TIME ZONE". The type says
---what its values are in Lua: mr.Text for most.
---@field postgresql_type? string
---Each row has it without a definition in the table, such as SQLite's rowid; CREATE TABLE leaves it out. false by
---default.
---@field system? boolean

---A column of a table.
---
---```lua
---local column = mr.Column{ "id", mr.Integer, primary_key = true }
---local t = mr.Table("note", mr.MetaData(), column)
---column.name --> id
---column.type --> Integer
---column.table == t --> true
---column.nullable --> false
---column.primary_key --> true
---column.unique --> false
---column.comment --> nil
---```
---@class moonrow.Column
---Its name in the table.
---@field name string
---Its type.
---@field type moonrow.Type
---The table it belongs to; nil before it has one.
---@field table moonrow.Table?
---May it be NULL?
---@field nullable boolean
---Is it part of the primary key?
---@field primary_key boolean
---Has no other row the same value?
---@field unique boolean
---What the program says of it.
---@field comment string?

---A column: `mr.Column{ [name,] type, ForeignKey..., option = value ... }`. Behind the type also a CheckConstraint,
---Computed or Identity.
---
---```lua
---local Item = db.Model:extend("Item", {
---  id    = db.Column{ db.Integer, primary_key = true, autoincrement = "auto" },
---  label = db.Column{ "title", db.String(20), unique = true, index = true, nullable = false, comment = "as printed" },
---  made  = db.Column{ db.DateTime, default = mr.now, onupdate = mr.now },
---  price = db.Column{ name = "cents", type = db.Integer, server_default = "0" },
---  notes = db.Column{ db.Text, deferred = true, deferred_group = "long" },
---})
---db:create_all()
---session:add(Item{ label = "cup" })
---session:commit()
---local cup = Item.query:one()
---cup.price --> 0
---cup.made <= mr.now() --> true
---tostring(Item.query:filter(Item.label:eq "cup")):match "WHERE .*" --> WHERE item.title = ?
---```
---@error ArgumentError no type, two of them, or an option that is unknown
---@param spec table|moonrow.ColumnOptions the name, the type and foreign keys in its array part, and options
---@return moonrow.Column|any
function mr.Column(spec) end

---@class moonrow.DeferredOptions
---What is loaded together with it.
---@field group? string

---A column that is loaded when it is first read, with the others of its group.
---
---```lua
---local Book = db.Model:extend("Book", {
---  id = db.Column{ db.Integer, primary_key = true },
---  text = mr.deferred(db.Column{ db.Text }, { group = "long" }),
---})
---tostring(Book.query) --> SELECT book.id AS book_id...FROM book
---```
---@param column moonrow.Column
---@param options? moonrow.DeferredOptions
---@return moonrow.Column|any
function mr.deferred(column, options) end

-- ---------------------------------------------------------------- keys, constraints and indexes

---@class moonrow.ForeignKeyOptions
---What a DELETE of the other row does.
---@field ondelete? "CASCADE"|"SET NULL"|"SET DEFAULT"|"RESTRICT"|"NO ACTION"
---What an UPDATE of its key does.
---@field onupdate? "CASCADE"|"SET NULL"|"SET DEFAULT"|"RESTRICT"|"NO ACTION"
---The constraint's name.
---@field name? string
---May a transaction check it at its end? By default as the database does.
---@field deferrable? boolean
---"DEFERRED": it is checked when the transaction commits; "IMMEDIATE": with each statement.
---@field initially? "DEFERRED"|"IMMEDIATE"
---Where tables refer to each other: this key is added behind all tables; false by default.
---@field use_alter? boolean

---A foreign key of a column.
---
---```lua
---mr.ForeignKey("user.id", { ondelete = "CASCADE", onupdate = "CASCADE", name = "fk_owner" }) --> ...user.id...
---```
---@class moonrow.ForeignKey

---The column refers to another one.
---
---```lua
---local Note = db.Model:extend("Note", {
---  id = db.Column{ db.Integer, primary_key = true },
---  user_id = db.Column{ db.Integer, mr.ForeignKey("user.id", { ondelete = "CASCADE" }) },
---})
---local records = db:record(function() db:create_all() end)
---records[#records].statement:match "REFERENCES.*CASCADE" --> REFERENCES user (id) ON DELETE CASCADE
---```
---@param target string|moonrow.Column "table.column"
---@param options? moonrow.ForeignKeyOptions
---@return moonrow.ForeignKey
function mr.ForeignKey(target, options) end

---A constraint or an index, in a table's arguments or in `__table_args`.
---
---```lua
---local index = mr.Index("ix_age", User.age, { unique = true })
---index.name --> ix_age
---index.table == User.__table --> true
---index.columns[1] --> age
---index.unique --> true
---```
---@class moonrow.Constraint
---Given, or made by the naming convention of the table's metadata.
---@field name string?
---Of those that are a table's.
---@field table moonrow.Table?
---The names of its columns; false stands for an expression.
---@field columns (string|false)[]
---Does it keep two rows from having the same values?
---@field unique boolean

---@class moonrow.KeyOptions
---The constraint's name.
---@field name? string
---May a transaction check it at its end? Not in SQLite.
---@field deferrable? boolean
---"DEFERRED": it is checked when the transaction commits; "IMMEDIATE": with each statement.
---@field initially? "DEFERRED"|"IMMEDIATE"
---What SQLite does with a row that breaks it.
---@field sqlite_on_conflict? moonrow.Conflict

---@class moonrow.ConstraintOptions
---The constraint's name.
---@field name? string
---What SQLite does with a row that breaks it.
---@field sqlite_on_conflict? moonrow.Conflict

---What SQLite does with a row that breaks a constraint; ABORT by default.
---@alias moonrow.Conflict "ROLLBACK"|"ABORT"|"FAIL"|"IGNORE"|"REPLACE"

---A primary key of several columns.
---
---```lua
---local t = mr.Table("seat", mr.MetaData(), mr.Column{ "row", mr.Integer }, mr.Column{ "place", mr.Integer },
---  mr.PrimaryKeyConstraint("row", "place", { name = "pk_seat" }))
---#t.primary_key --> 2
---mr.PrimaryKeyConstraint("row", { deferrable = true, initially = "DEFERRED" }).columns[1] --> row
---```
---@param ... string|moonrow.KeyOptions columns, then options
---@return moonrow.Constraint
function mr.PrimaryKeyConstraint(...) end

---No two rows have the same values in these columns. Of attributes of a class (`User.name`) it belongs to the class's
---table at once.
---
---```lua
---local Seat = db.Model:extend("Seat", {
---  id = db.Column{ db.Integer, primary_key = true }, row = db.Column{ db.Integer }, place = db.Column{ db.Integer },
---  __table_args = { mr.UniqueConstraint("row", "place", { name = "uq_seat" }) },
---})
---db:create_all()
---session:add_all{ Seat{ row = 1, place = 1 }, Seat{ row = 1, place = 1 } }
---session:commit() --! IntegrityError:
---local key = mr.Column{ "key", mr.Text, unique = true, nullable = false, sqlite_on_conflict_unique = "REPLACE",
---  sqlite_on_conflict_not_null = "IGNORE" }
---local id = mr.Column{ "id", mr.Integer, primary_key = true, sqlite_on_conflict_primary_key = "ABORT" }
---local code = mr.Column{ "code", mr.String, sqlite_type = "LONGVARCHAR", sqlite_collation = "NOCASE" }
---local address = mr.Column{ "address", mr.Text, postgresql_type = "INET" }
---local number = mr.Column{ "rowid", mr.Integer, primary_key = true, system = true }
---mr.CreateTable(mr.Table("coded", mr.MetaData(), number, code)) --> ...( code LONGVARCHAR COLLATE "NOCASE" )
---mr.CreateTable(mr.Table("setting", mr.MetaData(), id, key,
---  mr.CheckConstraint("key <> ''", { sqlite_on_conflict = "FAIL" }))) --> ...ON CONFLICT REPLACE...
---```
---@param ... string|moonrow.Expression|moonrow.KeyOptions columns, then options
---@return moonrow.Constraint
function mr.UniqueConstraint(...) end

---A foreign key of several columns.
---
---```lua
---mr.ForeignKeyConstraint({ "row", "place" }, { "seat.row", "seat.place" }, { name = "fk_seat", ondelete = "SET NULL",
---  onupdate = "CASCADE", deferrable = true, initially = "DEFERRED", use_alter = true }).name --> fk_seat
---```
---@param columns string[]
---@param targets string[]
---@param options? moonrow.ForeignKeyOptions
---@return moonrow.Constraint
function mr.ForeignKeyConstraint(columns, targets, options) end

---A condition that each row fulfils.
---
---```lua
---local Person = db.Model:extend("Person", {
---  id = db.Column{ db.Integer, primary_key = true }, age = db.Column{ db.Integer },
---  __table_args = { mr.CheckConstraint("age >= 0", { name = "ck_age" }) },
---})
---db:create_all()
---session:add(Person{ age = -1 })
---session:commit() --! IntegrityError:
---```
---Of attributes of a class (`User.age:ge(0)`) it belongs to the class's table at once.
---@param condition string|moonrow.Expression values in it are written into the SQL
---@param options? moonrow.ConstraintOptions
---@return moonrow.Constraint
function mr.CheckConstraint(condition, options) end

---@class moonrow.IndexOptions
---No two rows have the same values; false by default.
---@field unique? boolean
---The index's name, where it is not the first argument.
---@field name? string
---The index has only the rows that meet it.
---@field where? string|moonrow.Expression
---The same, for SQLite only.
---@field sqlite_where? string|moonrow.Expression
---The same, for PostgreSQL only.
---@field postgresql_where? string|moonrow.Expression

---An index. Of attributes of a class (`User.name`, `mr.func.lower(User.name)`) it belongs to the class's table at once.
---A string is a column's name; SQL is written `mr.text "lower(name)"`. Without a name the naming convention names it.
---
---```lua
---mr.Index("ix_name_age", "name", "age", { unique = true }).name --> ix_name_age
---local index = mr.Index("ix_adults", User.name, { where = User.age:ge(18) })
---mr.CreateIndex(index) --> CREATE INDEX ix_adults ON user (name) WHERE age >= 18
---mr.Index{ "ix_a", "a", sqlite_where = "a > 0", postgresql_where = "a > 1" }.name --> ix_a
---```
---@param name string?
---@param ... string|moonrow.Expression|moonrow.IndexOptions columns and expressions, then options
---@return moonrow.Constraint
function mr.Index(name, ...) end

-- ---------------------------------------------------------------- columns that the database fills

---@class moonrow.ComputedOptions
---true: stored; false: computed when it is read; by default as the database does.
---@field persisted? boolean

---A column that the database computes; it is never written, and read with the row or after it.
---@class moonrow.Computed

---A column is computed: SQL, or an expression of columns.
---
---```lua
---local Box = db.Model:extend("Box", {
---  id = db.Column{ db.Integer, primary_key = true },
---  width = db.Column{ db.Integer },
---  double = db.Column{ db.Integer, mr.Computed("width * 2", { persisted = true }) },
---})
---db:create_all()
---local box = Box{ width = 4 }
---session:add(box)
---session:commit()
---box.double --> 8
---```
---@param expression string|moonrow.Expression
---@param options? moonrow.ComputedOptions
---@return moonrow.Computed
function mr.Computed(expression, options) end

---A column that PostgreSQL numbers (GENERATED ... AS IDENTITY); in SQLite it is an integer primary key.
---@class moonrow.Identity

---@class moonrow.IdentityOptions
---Values of the program are refused; false by default.
---@field always? boolean
---The first number; 1 by default.
---@field start? integer
---What is added each time; 1 by default.
---@field increment? integer
---The least number.
---@field minvalue? integer
---The greatest number.
---@field maxvalue? integer
---There is no least number.
---@field nominvalue? boolean
---There is no greatest number.
---@field nomaxvalue? boolean
---Behind the last number comes the first again; false by default.
---@field cycle? boolean
---How many numbers a connection takes at once.
---@field cache? integer

---A column is numbered by PostgreSQL.
---
---```lua
---local Ticket = db.Model:extend("Ticket", {
---  id = db.Column{ db.Integer, mr.Identity{ start = 100 }, primary_key = true },
---})
---local all = mr.Identity{ always = true, increment = 2, minvalue = 1, maxvalue = 99, cycle = true, cache = 5 }
---local open = mr.Identity{ nominvalue = true, nomaxvalue = true }
---mr.CreateTable(Ticket, { dialect = "postgresql" }) --> ...GENERATED BY DEFAULT AS IDENTITY (START WITH 100)...
---```
---@param options? moonrow.IdentityOptions
---@return moonrow.Identity
function mr.Identity(options) end
