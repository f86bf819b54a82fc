-- step.lua: `m`, what a step of a migration gets: changes of tables, SQL, and rows.
--
-- Invariant: a step never sees the program's classes. All that it does is in the transaction that its runner has begun
-- (run.lua), which it can neither end nor leave.

local core, require = ...
local alter_change = require "moonrow.migrate.alter_change"
local ask = require "moonrow.migrate.ask"
local options = require "moonrow.options"
local rebuild = require "moonrow.migrate.rebuild"
local reflect = require "moonrow.reflection.reflect"
local render = require "moonrow.migrate.render"
local sqlite_change = require "moonrow.migrate.sqlite_change"
local words = require "moonrow.migrate.words"

local Step = { __name = "Migration" }
local SAID = {} -- the key of the list of what its steps say; no field that a program sees
local methods = {}

local quoted = words.quoted

local function run(self, sql) return rebuild.run(self.connection, sql) end

local function check_text(what, wanted, value)
  if type(value) ~= "string" or value == "" then options.expect(what, wanted, value) end
end

-- ---------------------------------------------------------------- tables

local function in_sqlite(self) return self.dialect == "sqlite" end

-- m:create_table(name, Column..., Constraint..., { sqlite_strict = true })
function methods:create_table(name, ...)
  check_text("create_table", "a table's name", name)
  local parts = {}
  for _, part in ipairs{ ... } do
    if type(part) == "table" and getmetatable(part) == nil then
      for key, value in pairs(part) do
        if type(key) == "string" then parts[key] = value else parts[#parts + 1] = value end
      end
    else
      parts[#parts + 1] = part
    end
  end
  local seen = in_sqlite(self) and sqlite_change.types(self.connection) or nil
  local made = render.table(name, parts, { type_of = seen })
  -- With its types and comments.
  if not seen then return made.metadata:create_all{ bind = self.connection, tables = { made }, checkfirst = false } end
  local sql, indexes = render.create(made, self.dialect)
  run(self, sql)
  for _, index in ipairs(indexes) do run(self, index) end
end

function methods:drop_table(...)
  local what = "drop_table"
  local given, name = options.read(what, { "if_exists", "allow_loss" }, 1, ...)
  check_text(what, "a table's name", name)
  local allowed = given.allow_loss
  if allowed == nil then allowed = self.allow_loss end
  local there, spelled = true, name
  if in_sqlite(self) then
    local sql, stored = rebuild.stored(self.connection, name)
    if not sql then
      if given.if_exists then return end
      core.raise("InvalidRequestError", string.format("%s: the database has no table '%s'", what, name))
    end
    spelled = stored
  elseif not allowed then
    there = ask(self.connection, "SELECT 1 WHERE to_regclass(:name) IS NOT NULL", { name = quoted(name) })
  end
  local sql = "SELECT count(*) FROM " .. quoted(spelled)
  local rows = there and not allowed and ask(self.connection, core.plain_sql(sql)) or 0
  if rows > 0 then
    core.raise("InvalidRequestError", string.format("%s: '%s' has %d rows, which would be lost: move them first, or"
      .. " say allow_loss = true", what, spelled, rows))
  end
  run(self, string.format("DROP TABLE %s%s", given.if_exists and "IF EXISTS " or "", quoted(name)))
end

function methods:rename_table(...)
  local _, from, to = options.read("rename_table", {}, 2, ...)
  check_text("rename_table", "a table's name", from)
  check_text("rename_table", "the table's new name", to)
  -- To SQLite a name in other letters, large and small, is one that is there already.
  if in_sqlite(self) and words.same(from, to) then
    local between = rebuild.free_name(self.connection, from)
    run(self, string.format("ALTER TABLE %s RENAME TO %s", quoted(from), quoted(between)))
    from = between
  end
  run(self, string.format("ALTER TABLE %s RENAME TO %s", quoted(from), quoted(to)))
end

-- ---------------------------------------------------------------- changes of a table

local function change_of(self, what, name)
  return (in_sqlite(self) and sqlite_change or alter_change).new(self, what, name)
end

local function forward(what)
  methods[what] = function(self, name, ...)
    local change = change_of(self, what, name)
    change[what](change, ...)
    change:finish()
  end
end
for _, what in ipairs{ "add_column", "drop_column", "alter_column", "rename_column", "create_primary_key" } do
  forward(what)
end

-- m:drop_unique(table, name or columns) and the like.
for _, what in ipairs{ "drop_foreign_key", "drop_unique", "drop_check" } do forward(what) end

-- m:create_index(name, table, columns, options): the table stands behind the name.
for _, what in ipairs{ "create_index", "create_foreign_key", "create_unique", "create_check" } do
  methods[what] = function(self, name, of, ...)
    local change = change_of(self, what, of)
    change[what](change, name, ...)
    change:finish()
  end
end

-- m:drop_index(name, { if_exists = true })
function methods:drop_index(...)
  local given, name = options.read("drop_index", { "if_exists" }, 1, ...)
  check_text("drop_index", "the index's name", name)
  run(self, string.format("DROP INDEX %s%s", given.if_exists and "IF EXISTS " or "", quoted(name)))
end

-- m:batch(table, fn): fn(t) makes several changes of it, for which SQLite copies its rows once.
function methods:batch(...)
  local _, name, fn = options.read("batch", {}, 2, ...)
  options.check_callable("batch", fn)
  local change = change_of(self, "batch", name)
  fn(change)
  change:finish()
end

-- ---------------------------------------------------------------- SQL and rows

-- Words that would end the step's transaction, or do nothing in it.
local refused = options.set{ "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "START", "ABORT",
  "VACUUM", "ATTACH", "DETACH" }

local function check_statement(self, statement)
  if type(statement) ~= "string" then return end
  local said = rawget(self, SAID)
  if said then said[#said + 1] = statement end
  local list = words.read(statement)
  local first, second = list[1] and list[1].upper, list[2] and list[2].upper
  if refused[first] or first == "PREPARE" and second == "TRANSACTION" then
    core.raise("InvalidRequestError", string.format("execute: %s: the step runs in a transaction of its own, which ends"
      .. " with it", first))
  end
end

-- m:execute(SQL or statement, params): its result.
function methods:execute(statement, params)
  check_statement(self, statement)
  return self.connection:execute(statement, params)
end

-- m:scalar(SQL or statement, params): the first column of the first row.
function methods:scalar(statement, params)
  check_statement(self, statement)
  return self.connection:execute(statement, params):scalar()
end

-- m:table(name): the table as it is at this moment of the step, for mr.select, mr.insert and the like.
function methods:table(name)
  check_text("table", "a table's name", name)
  return reflect.table(name, core.MetaData(), { autoload_with = self.connection, resolve_fks = false })
end

-- ---------------------------------------------------------------- the object

local getters = { connection = true, dialect = true, allow_loss = true, tell = true }

function Step.__index(_, name)
  local method = methods[name]
  if method then return method end
  if getters[name] then return nil end
  core.raise("ArgumentError", string.format("a migration has no method '%s'%s", tostring(name),
    core.hint(tostring(name), methods)))
end

function Step:__tostring() return "Migration(" .. self.dialect .. ")" end

local step = { methods = methods }

-- step.new(connection, how): how.allow_loss; how.tell(table, done, total), or nil; how.said: a list that gets the SQL
-- which the step itself says, or nil.
function step.new(connection, how)
  return setmetatable({ connection = connection, dialect = connection.engine.name, allow_loss = how.allow_loss or false,
    tell = how.tell, [SAID] = how.said }, Step)
end

return step
