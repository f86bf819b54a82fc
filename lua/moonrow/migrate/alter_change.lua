-- alter_change.lua: changes of one table in a database that has ALTER TABLE for all of them (PostgreSQL).
--
-- Invariant: the same methods as in sqlite_change.lua, with the same words where they refuse; each sends its statements
-- at once. Read is only what a statement needs (alter_facts.lua). A driver that only records tells nothing of that.

local core, require = ...
local alter_facts = require "moonrow.migrate.alter_facts"
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

local function fail(line, ...) core.raise("InvalidRequestError", string.format(line, ...)) end

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
  if not_null and default == nil and not definition.clause(own, "default") and not definition.clause(own, "computed")
    and not own.type:find "SERIAL" and alter_facts.has_rows(self) then
    fail("%s: the table '%s' has rows, and the new column '%s' is NOT NULL: give it a default, for those rows", what,
      self.name, own.name)
  end
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
  local rows = not allowed and alter_facts.count(self, quoted(name) .. " IS NOT NULL") or 0
  if rows > 0 then
    fail("%s: %d rows of '%s' have a value in '%s', which would be lost: move it first, or say allow_loss = true",
      "drop_column", rows, self.name, name)
  end
  alter(self, "DROP COLUMN %s", quoted(name))
end

function Change:rename_column(...)
  local _, from, to = options.read("rename_column", {}, 2, ...)
  if type(from) ~= "string" then options.expect("rename_column", "a column's name", from) end
  if type(to) ~= "string" then options.expect("rename_column", "the column's new name", to) end
  alter(self, "RENAME COLUMN %s TO %s", quoted(from), quoted(to))
end

-- A default that does not become one of the new type by itself is in PostgreSQL's way: it goes, and comes back cast.
local function set_type(self, name, given)
  enums.create(self.connection, given.type)
  local column, named = quoted(name), given.postgresql_type or render.type(given.type, self.step.dialect)
  local default = alter_facts.default_in_the_way(self, name, named)
  if default then alter(self, "ALTER COLUMN %s DROP DEFAULT", column) end
  alter(self, "ALTER COLUMN %s TYPE %s%s", column, named, given.using and " USING " .. given.using or "")
  if default and given.server_default == nil then
    alter(self, "ALTER COLUMN %s SET DEFAULT CAST(%s AS %s)", column, default, named)
  end
end

local function set_nullable(self, name, nullable)
  local rows = not nullable and alter_facts.count(self, quoted(name) .. " IS NULL") or 0
  if rows > 0 then
    fail("%s: %d rows of '%s' have no value in '%s', which shall be NOT NULL: give a default, for those rows",
      "alter_column", rows, self.name, name)
  end
  alter(self, "ALTER COLUMN %s %s NOT NULL", quoted(name), nullable and "DROP" or "SET")
end

function Change:alter_column(...)
  local what = "alter_column"
  local given, name = options.read(what, sqlite_change.methods.alter_options, 1, ...)
  if type(name) ~= "string" then options.expect(what, "a column's name", name) end
  local column, column_type = quoted(name), given.type
  if column_type then set_type(self, name, given)
  elseif given.default ~= nil or given.server_default then column_type = alter_facts.type_of(self, name) end
  column_type = column_type or core.Text
  if given.default ~= nil then
    run(self, "UPDATE %s SET %s = %s WHERE %s IS NULL", quoted(self.name), column,
      render.value(what, column_type, given.default, self.step.dialect), column)
  end
  if given.nullable ~= nil then set_nullable(self, name, given.nullable) end
  if given.server_default == false then alter(self, "ALTER COLUMN %s DROP DEFAULT", column)
  elseif given.server_default ~= nil then
    local spec = core.Column{ "v", column_type, server_default = given.server_default }
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

-- It takes the place of the key that the table has.
function Change:create_primary_key(...)
  local key = constraints.primary_key("create_primary_key", ...)
  local old = alter_facts.primary_key(self)
  if old then alter(self, "DROP CONSTRAINT %s", quoted(old)) end
  add(self, key)
end

-- wanted: a name, the columns, or a condition.
local function dropper(what, kind)
  Change[what] = function(self, wanted)
    if type(wanted) ~= "string" and type(wanted) ~= "table" then
      options.expect("drop", "a constraint's name, or a list of its columns", wanted)
    end
    local name, there = alter_facts.find_constraint(self, kind, wanted)
    if not name then fail("%s: the table '%s' has none such: %s", what, self.name, there) end
    alter(self, "DROP CONSTRAINT %s", quoted(name))
  end
end
dropper("drop_foreign_key", "f")
dropper("drop_unique", "u")
dropper("drop_check", "c")

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
