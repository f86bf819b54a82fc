-- alter_change.lua: changes of one table in a database that has ALTER TABLE for all of them (PostgreSQL).
--
-- Invariant: the same methods as in sqlite_change.lua; each sends its statements at once. Read is only what a statement
-- needs: the name of the key that is replaced, whether a type is there, and whether values would be lost.

local core, require = ...
local ask = require "moonrow.migrate.ask"
local constraints = require "moonrow.migrate.constraints"
local definition = require "moonrow.migrate.definition"
local enums = require "moonrow.migrate.enums"
local options = require "moonrow.options"
local render = require "moonrow.migrate.render"
local sqlite_change = require "moonrow.migrate.sqlite_change"
local words = require "moonrow.migrate.words"

local Change = {}
Change.__index = Change

local quoted = words.quoted

local function new(step, what, name)
  if type(name) ~= "string" then options.expect(what, "a table's name", name) end
  return setmetatable({ step = step, connection = step.connection, what = what, name = name }, Change)
end

local function run(self, line, ...)
  self.connection:execute(core.plain_sql(string.format(line, ...)))
end

local function alter(self, line, ...)
  run(self, "ALTER TABLE %s %s", quoted(self.name), string.format(line, ...))
end

local function parts(self, list, columns)
  return render.parts(self.name, list, { dialect = self.step.dialect, columns = columns })
end

local function text_literal(text) return "'" .. text:gsub("'", "''") .. "'" end

-- text: false takes the comment away.
local function comment_on(self, column, text)
  run(self, "COMMENT ON COLUMN %s.%s IS %s", quoted(self.name), quoted(column), text and text_literal(text) or "NULL")
end

-- ---------------------------------------------------------------- columns

function Change:add_column(...)
  local what = "add_column"
  local column, default = render.column(what, ...)
  enums.create(self.connection, column.type)
  local made, indexes = parts(self, { column })
  local own = made.columns[1]
  local not_null = definition.clause(own, "not_null")
  if not_null and default ~= nil then definition.set(own, "not_null", nil) end
  alter(self, "ADD COLUMN %s", definition.column_text(own))
  if default ~= nil then
    run(self, "UPDATE %s SET %s = %s", quoted(self.name), quoted(own.name),
      render.value(what, column.type, default, self.step.dialect))
  end
  if not_null and default ~= nil then alter(self, "ALTER COLUMN %s SET NOT NULL", quoted(own.name)) end
  for _, constraint in ipairs(made.constraints) do alter(self, "ADD %s", constraint.text) end
  for _, sql in ipairs(indexes) do run(self, "%s", sql) end
  if column.comment then comment_on(self, own.name, column.comment) end
end

function Change:drop_column(...)
  local given, name = options.read("drop_column", { "allow_loss" }, 1, ...)
  if type(name) ~= "string" then options.expect("drop_column", "a column's name", name) end
  local allowed = given.allow_loss
  if allowed == nil then allowed = self.step.allow_loss end
  local sql = string.format("SELECT count(*) FROM %s WHERE %s IS NOT NULL", quoted(self.name), quoted(name))
  local rows = not allowed and ask(self.connection, core.plain_sql(sql)) or 0
  if rows > 0 then
    core.raise("InvalidRequestError", string.format("%s: %d rows of '%s' have a value in '%s', which would be lost:"
      .. " move it first, or say allow_loss = true", "drop_column", rows, self.name, name))
  end
  alter(self, "DROP COLUMN %s", quoted(name))
end

function Change:rename_column(...)
  local _, from, to = options.read("rename_column", {}, 2, ...)
  if type(from) ~= "string" then options.expect("rename_column", "a column's name", from) end
  if type(to) ~= "string" then options.expect("rename_column", "the column's new name", to) end
  alter(self, "RENAME COLUMN %s TO %s", quoted(from), quoted(to))
end

function Change:alter_column(...)
  local what = "alter_column"
  local given, name = options.read(what, sqlite_change.methods.alter_options, 1, ...)
  if type(name) ~= "string" then options.expect(what, "a column's name", name) end
  local column = quoted(name)
  if given.type then
    enums.create(self.connection, given.type)
    local named = given.postgresql_type or render.type(given.type, self.step.dialect)
    alter(self, "ALTER COLUMN %s TYPE %s%s", column, named,
      given.using and " USING " .. given.using or "")
  end
  if given.default ~= nil then
    run(self, "UPDATE %s SET %s = %s WHERE %s IS NULL", quoted(self.name), column,
      render.value(what, given.type or core.Text, given.default, self.step.dialect), column)
  end
  if given.nullable ~= nil then alter(self, "ALTER COLUMN %s %s NOT NULL", column, given.nullable and "DROP"
    or "SET") end
  if given.server_default == false then alter(self, "ALTER COLUMN %s DROP DEFAULT", column)
  elseif given.server_default ~= nil then
    local spec = core.Column{ "v", given.type or core.Text, server_default = given.server_default }
    alter(self, "ALTER COLUMN %s SET %s", column, definition.clause(parts(self, { spec }).columns[1], "default").text)
  end
  if given.comment ~= nil then comment_on(self, name, given.comment) end
  if given.name then self:rename_column(name, given.name) end
end

-- ---------------------------------------------------------------- keys, constraints and indexes

-- The constraint's own columns stand in the table that its text is made of.
local function add(self, constraint)
  local columns = {}
  for i, name in ipairs(constraint.columns) do columns[i] = name or nil end
  if #columns == 0 then columns[1] = "c" end
  for _, one in ipairs(parts(self, { constraint }, columns).constraints) do alter(self, "ADD %s", one.text) end
end

function Change:create_foreign_key(...) add(self, constraints.foreign_key("create_foreign_key", ...)) end
function Change:create_unique(...) add(self, constraints.unique("create_unique", ...)) end
function Change:create_check(...) add(self, constraints.check("create_check", ...)) end

local KEY = "SELECT conname FROM pg_catalog.pg_constraint WHERE contype = 'p' AND conrelid = to_regclass(:name)"

-- It takes the place of the key that the table has.
function Change:create_primary_key(...)
  local key = constraints.primary_key("create_primary_key", ...)
  local old = ask(self.connection, KEY, { name = quoted(self.name) })
  if old then alter(self, "DROP CONSTRAINT %s", quoted(old)) end
  add(self, key)
end

local function dropper(what)
  Change[what] = function(self, name)
    if type(name) ~= "string" then options.expect(what, "the constraint's name", name) end
    alter(self, "DROP CONSTRAINT %s", quoted(name))
  end
end
for _, what in ipairs{ "drop_foreign_key", "drop_unique", "drop_check" } do dropper(what) end

function Change:create_index(...)
  local index = constraints.index("create_index", ...)
  local columns = {}
  for _, name in ipairs(index.columns) do columns[#columns + 1] = name or nil end
  if #columns == 0 then columns[1] = "c" end
  local _, indexes = parts(self, { index }, columns)
  run(self, "%s", indexes[1])
end

function Change:drop_index(...) self.step:drop_index(...) end

-- All is sent already.
function Change.finish() end

return { new = new, methods = Change }
