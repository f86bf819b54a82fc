---@meta _
-- migrate.lua: changes of the tables of a database that is there already.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow.Database
local Database = {}

-- ---------------------------------------------------------------- files that are older than the program

---@class moonrow.MigrateOptions
---May steps drop what has values? false by default: drop_column, drop_table and alter_column refuse it, unless they say
---allow_loss themselves.
---@field allow_loss? boolean
---Where the file is copied to before the first step; by default the file's path with `.before-STEP` behind it; false:
---nowhere. What is empty, or in memory, is not copied.
---@field backup? string|boolean
---true: a new file gets all tables of today's classes, and counts as one on which all steps have run. false by default.
---@field create? boolean
---What becomes of a file on which another function has run under a step's name; "refuse" by default.
---@field edited? "refuse"|"ignore"
---Is called while rows are copied; true: a line on the terminal.
---@field progress? true|fun(table: string, done: integer, total: integer)

---What `db:migrate` has done.
---@class moonrow.MigrateResult
---The names of the steps that ran.
---
---```lua
---#db:migrate("game", {}).applied --> 0
---```
---@field applied string[]
---Where the file was copied to.
---
---```lua
---db:migrate("game", {}).backup --> nil
---```
---@field backup string?

---Runs the steps that the database has not seen, each in a transaction of its own. They are remembered by owner and
---name; steps that were given away stay as they are, and new ones stand behind them.
---
---```lua
---local steps = { { "01 add mana", function(m) m:add_column("user", "mana", db.Integer, { default = 7 }) end } }
---local how = { backup = false, create = false, edited = "refuse", allow_loss = false }
---db:migrate("game", steps, how).applied[1] --> 01 add mana
---session:scalar(mr.text "SELECT mana FROM user") --> 7
---#db:migrate("game", steps, { progress = true }).applied --> 0
---db:migrate("game", {}) --! InvalidRequestError: migrate: the file is newer than the program
---```
---@param owner string whose steps they are: "game", "mod:farm"
---@param steps { [1]: string, [2]: fun(m: moonrow.Migration) }[]
---@param options? moonrow.MigrateOptions
---@return moonrow.MigrateResult
---@error InvalidRequestError the file is newer, or its steps are no beginning of these; a change would lose values
---@error IntegrityError a step leaves rows that refer to none
function Database:migrate(owner, steps, options) end

---How the database and the classes of `db` differ: a line for each difference, such as a column that the database has
---not. An empty list: they agree. Columns are compared by type, NOT NULL, default, collation and expression; keys,
---constraints and indexes by what they say. A default that the database alone has, on a column that is NOT NULL, is no
---difference: with it the column has come to a table with rows.
---
---```lua
---#db:check_schema() --> 0
---session:execute(mr.text "ALTER TABLE user ADD COLUMN mana INTEGER")
---session:commit()
---db:check_schema()[1] --> user: no column 'mana'
---```
---@return string[]
function Database:check_schema() end

-- ---------------------------------------------------------------- a step

---What a step gets: changes of tables, and SQL. It sees tables as they are at that moment, never classes.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  assert(m.dialect == "sqlite" and m.connection.engine == db.engine and m.allow_loss == false and m.tell == nil)
---end } })
---```
---@class moonrow.Migration
---The connection on which it runs.
---@field connection moonrow.Connection
---"sqlite" or "postgresql".
---@field dialect string
---May it drop what has values?
---@field allow_loss boolean
---Who is told how many rows are copied.
---@field tell fun(table: string, done: integer, total: integer)?
local Migration = {}

---Makes a table: columns and constraints as `mr.Table` takes them.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  m:create_table("pet", db.Column{ "id", db.Integer, primary_key = true },
---    db.Column{ "owner_id", db.ForeignKey "user.id" }, { sqlite_strict = true })
---end } })
---mr.inspect(db):table_options "pet".strict --> true
---```
---@param name string
---@param ... moonrow.Column|moonrow.Constraint|moonrow.TableOptions
function Migration:create_table(name, ...) end

---@class moonrow.DropTableOptions
---No error where there is none; false by default.
---@field if_exists? boolean
---Drop it with its rows; by default as `db:migrate` says.
---@field allow_loss? boolean

---Drops a table.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  m:drop_table("post", { allow_loss = true })
---  m:drop_table("nothing", { if_exists = true })
---end } })
---mr.inspect(db):has_table "post" --> false
---```
---@param name string
---@param options? moonrow.DropTableOptions
function Migration:drop_table(name, options) end

---Gives a table another name; foreign keys, views and triggers follow.
---
---```lua
---db:migrate("game", { { "01", function(m) m:rename_table("post", "article") end } })
---mr.inspect(db):has_table "article" --> true
---```
---@param from string
---@param to string
function Migration:rename_table(from, to) end

---@class moonrow.AddColumnOptions
---The value, or the SQL expression, for the rows that there are. The table has it as its default only where a column
---that is NOT NULL needs that.
---@field default? any
---A default that the table has.
---@field server_default? string|moonrow.Expression
---true by default.
---@field nullable? boolean
---No two rows have the same value; false by default.
---@field unique? boolean
---An index, ix_TABLE_COLUMN; false by default.
---@field index? boolean
---Part of the primary key; false by default.
---@field primary_key? boolean
---See `mr.Column`.
---@field autoincrement? boolean|"auto"
---What is told to databases that keep comments (PostgreSQL).
---@field comment? string
---See `mr.Column`.
---@field sqlite_type? string
---See `mr.Column`.
---@field sqlite_collation? string

---Adds a column: a name, a type and options, or a Column and `{ default = value }`.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  m:add_column("user", "mana", db.Integer, { default = 7, nullable = false, index = true })
---  m:add_column("user", "code", db.String(9), { server_default = "x", unique = false, primary_key = false,
---    autoincrement = false, comment = "secret", sqlite_type = "VARCHAR(9)", sqlite_collation = "NOCASE" })
---  m:add_column("user", db.Column{ "boss_id", db.ForeignKey "user.id" }, { default = 1 })
---end } })
---session:execute(mr.text "SELECT mana, code, boss_id FROM user"):first() --> (7, "x", 1)
---```
---@param table string
---@param name string|moonrow.Column
---@param type? moonrow.Type|moonrow.AddColumnOptions
---@param options? moonrow.AddColumnOptions
function Migration:add_column(table, name, type, options) end

---@class moonrow.DropColumnOptions
---Drop it with its values; by default as `db:migrate` says.
---@field allow_loss? boolean

---Drops a column, and the indexes, unique and foreign keys that have it.
---
---```lua
---db:migrate("game", { { "01", function(m) m:drop_column("post", "body", { allow_loss = true }) end } })
---#mr.inspect(db):columns "post" --> 3
---```
---@param table string
---@param name string
---@param options? moonrow.DropColumnOptions
---@error InvalidRequestError it has values, or a CHECK, another column or a partial index says its name
function Migration:drop_column(table, name, options) end

---@class moonrow.AlterColumnOptions
---Its new type. Values that do not become one of it are refused.
---@field type? moonrow.Type
---May it be NULL?
---@field nullable? boolean
---The value, or the SQL expression, for the rows that have none.
---@field default? any
---A default that the table has; false: none.
---@field server_default? string|moonrow.Expression|false
---SQL for the new values, in which the columns are the old ones.
---@field using? string
---Its new name.
---@field name? string
---What is told to databases that keep comments (PostgreSQL); false: none any more.
---@field comment? string|false
---The collation that SQLite compares its texts by.
---@field sqlite_collation? string
---What PostgreSQL calls its type, beside `type`.
---@field postgresql_type? string
---Keep values that are not of the new type; by default as `db:migrate` says.
---@field allow_loss? boolean

---Changes a column; what is not said stays as it is.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  m:alter_column("user", "age", { type = db.Text, nullable = false, default = "?", server_default = false,
---    using = "age || ' years'", sqlite_collation = "NOCASE", postgresql_type = "citext", comment = "in words",
---    allow_loss = false })
---  m:alter_column("user", "age", { name = "years" })
---end } })
---session:execute(mr.text "SELECT years FROM user"):scalars():all() --> {"34 years", "27 years", "?"}
---```
---@param table string
---@param name string
---@param options moonrow.AlterColumnOptions
function Migration:alter_column(table, name, options) end

---Gives a column another name; keys, indexes, views and triggers follow.
---
---```lua
---db:migrate("game", { { "01", function(m) m:rename_column("user", "name", "label") end } })
---session:scalar(mr.text "SELECT label FROM user") --> Ann
---```
---@param table string
---@param from string
---@param to string
function Migration:rename_column(table, from, to) end

---Gives a table another primary key.
---
---```lua
---db:migrate("game", { { "01", function(m) m:create_primary_key("post", { "id", "user_id" }) end } })
---#mr.inspect(db):primary_key "post".constrained_columns --> 2
---```
---@param table string
---@param columns string[]
function Migration:create_primary_key(table, columns) end

---@class moonrow.MigrationForeignKeyOptions
---What a DELETE of the other row does.
---@field ondelete? "CASCADE"|"SET NULL"|"SET DEFAULT"|"RESTRICT"|"NO ACTION"
---What an UPDATE of its key does.
---@field onupdate? "CASCADE"|"SET NULL"|"SET DEFAULT"|"RESTRICT"|"NO ACTION"
---May a transaction check it at its end?
---@field deferrable? boolean
---When it is checked.
---@field initially? "DEFERRED"|"IMMEDIATE"

---Adds a foreign key.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  m:add_column("post", "reader_id", db.Integer)
---  m:create_foreign_key("fk_reader", "post", "reader_id", "user", "id", { ondelete = "SET NULL", onupdate = "CASCADE",
---    deferrable = true, initially = "DEFERRED" })
---end } })
---mr.inspect(db):foreign_keys "post"[2].name --> fk_reader
---```
---@param name string?
---@param table string
---@param columns string|string[]
---@param other string
---@param targets string|string[]
---@param options? moonrow.MigrationForeignKeyOptions
function Migration:create_foreign_key(name, table, columns, other, targets, options) end

---Drops a foreign key, by its name or its columns.
---
---```lua
---db:migrate("game", { { "01", function(m) m:drop_foreign_key("post", { "user_id" }) end } })
---#mr.inspect(db):foreign_keys "post" --> 0
---```
---@param table string
---@param name string|string[]
function Migration:drop_foreign_key(table, name) end

---@class moonrow.MigrationKeyOptions
---May a transaction check it at its end? Not in SQLite.
---@field deferrable? boolean
---When it is checked.
---@field initially? "DEFERRED"|"IMMEDIATE"
---What SQLite does with a row that breaks it.
---@field sqlite_on_conflict? moonrow.Conflict

---Adds a UNIQUE constraint.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  m:create_unique("uq_name", "user", { "name" }, { sqlite_on_conflict = "ABORT" })
---end } })
---mr.inspect(db):unique_constraints "user"[1].name --> uq_name
---db:migrate("mod", { { "01", function(m)
---  m:create_unique(nil, "user", "age", { deferrable = true, initially = "DEFERRED" })
---end } }) --! ArgumentError: table 'user': sqlite defers foreign keys only
---```
---@param name string?
---@param table string
---@param columns string|string[]
---@param options? moonrow.MigrationKeyOptions
function Migration:create_unique(name, table, columns, options) end

---Drops a UNIQUE constraint, by its name or its columns.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  m:create_unique("uq_name", "user", "name")
---  m:drop_unique("user", "uq_name")
---end } })
---#mr.inspect(db):unique_constraints "user" --> 0
---```
---@param table string
---@param name string|string[]
function Migration:drop_unique(table, name) end

---@class moonrow.MigrationCheckOptions
---What SQLite does with a row that breaks it.
---@field sqlite_on_conflict? moonrow.Conflict

---Adds a CHECK constraint.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  m:create_check("ck_age", "user", "age > 0", { sqlite_on_conflict = "ABORT" })
---end } })
---mr.inspect(db):check_constraints "user"[1].sqltext --> age > 0
---```
---@param name string?
---@param table string
---@param condition string|moonrow.Expression
---@param options? moonrow.MigrationCheckOptions
function Migration:create_check(name, table, condition, options) end

---Drops a CHECK constraint, by its name or its condition.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  m:create_check(nil, "user", "age > 0")
---  m:drop_check("user", "age>0")
---end } })
---#mr.inspect(db):check_constraints "user" --> 0
---```
---@param table string
---@param name string
function Migration:drop_check(table, name) end

---@class moonrow.MigrationIndexOptions
---No two rows have the same values; false by default.
---@field unique? boolean
---The index has only the rows that meet it.
---@field where? string|moonrow.Expression
---The same, for SQLite only.
---@field sqlite_where? string|moonrow.Expression
---The same, for PostgreSQL only.
---@field postgresql_where? string|moonrow.Expression

---Makes an index.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  m:create_index("ix_name", "user", { mr.text "lower(name)" }, { unique = true, where = "age > 0" })
---  m:create_index("ix_age", "user", "age", { sqlite_where = "age > 0", postgresql_where = "age > 1" })
---end } })
---#mr.inspect(db):indexes "user" --> 2
---```
---@param name string
---@param table string
---@param columns string|(string|moonrow.Expression)[]
---@param options? moonrow.MigrationIndexOptions
function Migration:create_index(name, table, columns, options) end

---@class moonrow.DropIndexOptions
---No error where there is none; false by default.
---@field if_exists? boolean

---Drops an index.
---
---```lua
---db:migrate("game", { { "01", function(m) m:drop_index("ix_none", { if_exists = true }) end } })
---```
---@param name string
---@param options? moonrow.DropIndexOptions
function Migration:drop_index(name, options) end

---Several changes of one table, for which SQLite copies its rows once. t has the methods of `m` that change a table,
---without the table's name.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  m:batch("user", function(t)
---    t:alter_column("name", { type = db.Text })
---    t:create_unique("uq_name", "name")
---    t:drop_column("age", { allow_loss = true })
---  end)
---end } })
---#mr.inspect(db):columns "user" --> 2
---```
---@param table string
---@param fn fun(t: table)
function Migration:batch(table, fn) end

---Runs a statement, or SQL; its result. What begins or ends transactions is refused.
---
---```lua
---db:migrate("game", { { "01", function(m) m:execute("UPDATE user SET age = :age", { age = 1 }) end } })
---User.query:first().age --> 1
---```
---@param statement moonrow.Statement|moonrow.Select|string
---@param params? table
---@return moonrow.Result
function Migration:execute(statement, params) end

---The first column of the first row.
---
---```lua
---db:migrate("game", { { "01", function(m) assert(m:scalar "SELECT count(*) FROM user" == 3) end } })
---```
---@param statement moonrow.Statement|moonrow.Select|string
---@param params? table
---@return any
function Migration:scalar(statement, params) end

---A table as it is at that moment, for `mr.select`, `mr.insert` and the like.
---
---```lua
---db:migrate("game", { { "01", function(m)
---  local user = m:table "user"
---  m:execute(mr.update(user):where(user.c.name:eq "Ann"):values{ age = 1 })
---end } })
---User.query:first().age --> 1
---```
---@param name string
---@return moonrow.Table
function Migration:table(name) end
