-- sqlite_change.lua: changes of one table in SQLite, gathered and then made: by ALTER TABLE where that is enough, else
-- by one rebuild of the table.
--
-- Invariant: until finish() the file has the table as it was, but for columns that were renamed. A change that would
-- lose values is refused, unless the step or the program allows it.

local core, require = ...
local constraints = require "moonrow.migrate.constraints"
local definition = require "moonrow.migrate.definition"
local inspector = require "moonrow.reflection.inspector"
local options = require "moonrow.options"
local rebuild = require "moonrow.migrate.rebuild"
local render = require "moonrow.migrate.render"
local values = require "moonrow.migrate.values"
local words = require "moonrow.migrate.words"

local Change = {}
Change.__index = Change

local quoted = words.quoted

local function fail(line, ...) core.raise("InvalidRequestError", string.format(line, ...)) end

-- ---------------------------------------------------------------- the table

local function names_of(made)
  local names = {}
  for i, column in ipairs(made.columns) do names[i] = column.name end
  return names
end

-- Reads the definition anew; nothing is changed yet.
local function load(self)
  local sql = rebuild.stored(self.connection, self.name)
  self.old, self.new = definition.read(sql), definition.read(sql)
  if not self.old then fail("%s: SQLite keeps the table '%s' in a form that cannot be changed", self.what,
    self.name) end
  self.old.name, self.new.name = self.name, self.name
  self.sources, self.added, self.after, self.retyped = {}, {}, {}, {}
  self.rebuilds = false
  for _, column in ipairs(self.old.columns) do
    if not definition.clause(column, "computed") then self.sources[column.name] = quoted(column.name) end
  end
end

-- sqlite_change.new(step, what, name): what: the function's name, for messages.
local function new(step, what, name)
  if type(name) ~= "string" then options.expect(what, "a table's name", name) end
  local sql, spelled = rebuild.stored(step.connection, name)
  if not sql then
    local known = {}
    for _, row in ipairs(step.connection:execute "SELECT name FROM sqlite_master WHERE type = 'table'":all()) do
      known[row.name] = true
    end
    fail("%s: the database has no table '%s'%s", what, name, core.hint(name, known))
  end
  if sql:upper():find "^%s*CREATE%s+VIRTUAL" then fail("%s: '%s' is a virtual table, which has no other form", what,
    name) end
  local self = setmetatable({ step = step, connection = step.connection, what = what, name = spelled }, Change)
  load(self)
  return self
end

local function column_at(self, what, name)
  if type(name) ~= "string" then options.expect(what, "a column's name", name) end
  local column, place = definition.find(self.new, name)
  if column then return column, place end
  local known = {}
  for _, other in ipairs(self.new.columns) do known[other.name] = true end
  fail("%s: the table '%s' has no column '%s'%s", what, self.name, name, core.hint(name, known))
end

-- fn(table, column): the type that the column has already, for columns that refer to it without a type of their own.
local function types(connection)
  local seen
  return function(name, column)
    seen = seen or inspector.new("migrate", connection, false)
    local facts = inspector.facts(seen, "migrate", name)
    for _, other in ipairs(facts and facts.columns or {}) do
      if words.same(other.name, column) then return other.type end
    end
  end
end

local function rendered(self, parts)
  parts.sqlite_strict = definition.is_strict(self.new) or nil
  return render.parts(self.name, parts, { dialect = "sqlite", columns = names_of(self.new),
    type_of = types(self.connection) })
end

local function count(self, condition)
  local sql = string.format("SELECT count(*) FROM %s WHERE %s", quoted(self.name), condition)
  return self.connection:scalar(core.plain_sql(sql))
end

-- ---------------------------------------------------------------- adding

-- A key or a foreign key of the new column alone stands in its own clause, as ALTER TABLE ADD COLUMN wants it.
local function into_clause(constraint)
  if constraint.kind == "foreign_key" and #constraint.columns == 1 then
    local before = constraint.name and "CONSTRAINT " .. quoted(constraint.name) .. " " or ""
    local at = constraint.text:find("%)%s*REFERENCES") + 1
    return { kind = "references", name = constraint.name, text = before .. constraint.text:sub(at):gsub("^%s+", "") }
  elseif constraint.kind == "check" then return constraint end
  return nil
end

-- Can ALTER TABLE add the column as its definition is?
local function is_addable(column)
  local computed = definition.clause(column, "computed")
  if computed then return not computed.text:upper():find "STORED" end
  if definition.clause(column, "primary_key") or definition.clause(column, "unique") then return false end
  local default = definition.clause(column, "default")
  if default and not values.is_constant(default.text) then return false end
  if definition.clause(column, "not_null") and not default then return false end
  return not definition.clause(column, "check") -- of rows that are there it tells less clearly
end

local function check_fillable(self, what, column)
  if count(self, "1") == 0 then return end
  fail("%s: the table '%s' has rows, and the new column '%s' is NOT NULL: give it a default, for those rows", what,
    self.name, column.name)
end

local function has_triggers(self)
  for _, part in ipairs(rebuild.parts(self.connection, self.name)) do
    if part.type == "trigger" then return true end
  end
  return false
end

function Change:add_column(...)
  local what = "add_column"
  local column, default = render.column(what, ...)
  local made, indexes = rendered(self, { column })
  local own = made.columns[1]
  if definition.find(self.new, own.name) then
    fail("%s: the table '%s' has a column '%s' already", what, self.name, own.name)
  end
  for _, constraint in ipairs(made.constraints) do
    local clause = into_clause(constraint)
    if clause then
      own.clauses[#own.clauses + 1], own.text = clause, nil
    else
      self.new.constraints[#self.new.constraints + 1] = constraint
      self.rebuilds = true
    end
  end
  local source = default ~= nil and render.value(what, column.type, default, "sqlite") or nil
  local not_null, has_default = definition.clause(own, "not_null"), definition.clause(own, "default")
  if not_null and not has_default and source and values.is_constant(source) then
    definition.set(own, "default", "DEFAULT " .. source)
  elseif not_null and not has_default and not source and not definition.clause(own, "computed") then
    check_fillable(self, what, own)
  end
  -- An UPDATE would run the table's triggers, which the new column is no business of.
  local fills = source and not definition.clause(own, "default")
  if not is_addable(own) or (fills and has_triggers(self)) then self.rebuilds = true end
  if source then self.sources[own.name] = source end
  self.new.columns[#self.new.columns + 1] = own
  self.added[#self.added + 1] = { column = own, source = source }
  for _, sql in ipairs(indexes) do self.after[#self.after + 1] = sql end
end

-- ---------------------------------------------------------------- dropping

local function is_in(names, name)
  for _, other in ipairs(names) do
    if words.same(other, name) then return true end
  end
  return false
end

-- Drops the keys that have the column; what else says its name keeps it from being dropped.
local function drop_constraints_of(self, what, name)
  local kept = {}
  for _, constraint in ipairs(self.new.constraints) do
    local of_it = is_in(constraint.columns, name)
    if constraint.kind == "check" and words.mentions(constraint.text, name) then
      fail("%s: '%s' is named by %s of '%s': drop that in the same batch, before the column", what, name,
        constraint.text, self.name)
    end
    if not of_it then kept[#kept + 1] = constraint end
  end
  self.new.constraints = kept
  for _, column in ipairs(self.new.columns) do
    for _, kind in ipairs{ "computed", "check" } do
      local clause = definition.clause(column, kind)
      if clause and not words.same(column.name, name) and words.mentions(clause.text, name) then
        fail("%s: '%s' is named by the column '%s' of '%s': %s", what, name, column.name, self.name, clause.text)
      end
    end
  end
end

local function drop_indexes_of(self, what, name)
  local facts = core.reflect_object(self.connection, nil, self.name)
  for _, index in ipairs(facts and facts.indexes or {}) do
    local has = false
    for _, part in ipairs(index.parts) do has = has or part.column and words.same(part.column, name) end
    if not has then
      local sql = (index.where or "")
      for _, part in ipairs(index.parts) do sql = sql .. " " .. (part.expression or "") end
      if words.mentions(sql, name) then
        fail("%s: '%s' is named by the index '%s' of '%s': drop that first", what, name, index.name, self.name)
      end
    else
      self.connection:execute(core.plain_sql("DROP INDEX " .. quoted(index.name)))
    end
  end
end

-- A trigger of UPDATE OF a column that is not there never fires, and SQLite says nothing of it.
local function check_triggers(self, what, name)
  for _, part in ipairs(rebuild.parts(self.connection, self.name)) do
    local between = false
    for _, word in ipairs(part.type == "trigger" and words.read(part.sql) or {}) do
      if word.upper == "ON" then break end
      if between and words.same(words.name(word), name) then
        fail("%s: '%s' is named by the trigger '%s' of '%s': drop that first", what, name, part.name, self.name)
      end
      between = between or word.upper == "OF"
    end
  end
end

-- Is it allowed that values are lost? given: the options of the change.
local function may_lose(self, given)
  if given.allow_loss ~= nil then return given.allow_loss end
  return self.step.allow_loss
end

function Change:drop_column(...)
  local what = "drop_column"
  local given, name = options.read(what, { "allow_loss" }, 1, ...)
  options.typed(what, given, "allow_loss", "boolean")
  local column, place = column_at(self, what, name)
  if is_in(definition.key(self.new), column.name) then
    fail("%s: '%s' is in the primary key of '%s': give the table another key first", what, column.name, self.name)
  end
  if #self.new.columns == 1 then fail("%s: '%s' is the only column of '%s'", what, column.name, self.name) end
  if definition.find(self.old, column.name) and self.sources[column.name] and not may_lose(self, given) then
    local rows = count(self, quoted(column.name) .. " IS NOT NULL")
    if rows > 0 then
      fail("%s: %d rows of '%s' have a value in '%s', which would be lost: move it first, or say allow_loss = true",
        what, rows, self.name, column.name)
    end
  end
  drop_constraints_of(self, what, column.name)
  check_triggers(self, what, column.name)
  if definition.find(self.old, column.name) then drop_indexes_of(self, what, column.name) end
  table.remove(self.new.columns, place)
  for i, added in ipairs(self.added) do
    if added.column == column then table.remove(self.added, i) end
  end
  self.sources[column.name] = nil
  self.rebuilds = true
end

-- ---------------------------------------------------------------- altering

local alter_options = { "type", "nullable", "default", "server_default", "using", "name", "comment", "sqlite_collation",
  "postgresql_type", "allow_loss" }
Change.alter_options = alter_options

local function set_server_default(what, column, column_type, value)
  if value == false then return definition.set(column, "default", nil) end
  if type(value) ~= "string" and core.type_name(value) ~= "Expression" then
    options.expect(what .. ": server_default", "SQL text, an expression, or false", value)
  end
  local made = render.parts("t", { core.Column{ "v", column_type or core.Text, server_default = value } },
    { dialect = "sqlite" })
  definition.set(column, "default", definition.clause(made.columns[1], "default").text)
end

local function set_nullable(self, what, column, nullable, source, fill)
  if nullable then return definition.set(column, "not_null", nil) end
  definition.set(column, "null", nil)
  definition.set(column, "not_null", "NOT NULL")
  if fill or not source then return end
  local rows = count(self, source .. " IS NULL")
  if rows > 0 then
    fail("%s: %d rows of '%s' have no value in '%s', which shall be NOT NULL: give a default, for those rows", what,
      rows, self.name, column.name)
  end
end

function Change:alter_column(...)
  local what = "alter_column"
  local given, name = options.read(what, alter_options, 1, ...)
  for option, wanted in pairs{ nullable = "boolean", using = "string", name = "string", allow_loss = "boolean",
    sqlite_collation = "string" } do
    options.typed(what, given, option, wanted)
  end
  local column = column_at(self, what, name)
  local column_type = given.type or types(self.connection)(self.name, column.name)
  if given.type ~= nil and core.type_name(given.type) ~= "Type" then
    options.expect(what .. ": type", "a type, such as db.Integer", given.type)
  end
  if given.type then
    column.type, column.text = render.type(given.type, "sqlite", definition.is_strict(self.new)), nil
    if not may_lose(self, given) then self.retyped[#self.retyped + 1] = column end
  end
  local source = self.sources[column.name]
  if given.using then source = "(" .. given.using .. ")" end
  local fill = given.default ~= nil and render.value(what, column_type or core.Any, given.default, "sqlite") or nil
  if fill and source then source = string.format("coalesce(%s, %s)", source, fill) end
  if given.nullable ~= nil then set_nullable(self, what, column, given.nullable, source, fill) end
  if given.server_default ~= nil then set_server_default(what, column, column_type, given.server_default) end
  if given.sqlite_collation then
    definition.set(column, "collate", "COLLATE " .. quoted(given.sqlite_collation))
  end
  if self.sources[column.name] then self.sources[column.name] = source end
  self.rebuilds = true
  if given.name and given.name ~= column.name then self:rename_column(column.name, given.name) end
end

-- SQLite itself renames it, in triggers, views and the foreign keys of other tables, too.
function Change:rename_column(...)
  local what = "rename_column"
  local _, from, to = options.read(what, {}, 2, ...)
  if type(to) ~= "string" then options.expect(what, "the column's new name", to) end
  local column = column_at(self, what, from)
  if definition.find(self.new, to) and not words.same(from, to) then
    fail("%s: the table '%s' has a column '%s' already", what, self.name, to)
  end
  self:finish()
  rebuild.run(self.connection, string.format("ALTER TABLE %s RENAME COLUMN %s TO %s", quoted(self.name),
    quoted(column.name), render.spelled(to, "sqlite")))
  load(self)
end

-- ---------------------------------------------------------------- keys, constraints and indexes

function Change:create_foreign_key(...) self:add_constraint(constraints.foreign_key("create_foreign_key", ...)) end
function Change:create_unique(...) self:add_constraint(constraints.unique("create_unique", ...)) end
function Change:create_check(...) self:add_constraint(constraints.check("create_check", ...)) end

function Change:add_constraint(constraint)
  local made = rendered(self, { constraint })
  for _, one in ipairs(made.constraints) do
    if one.name then
      for _, other in ipairs(self.new.constraints) do
        if other.name and words.same(other.name, one.name) then
          fail("the table '%s' has a constraint '%s' already", self.name, one.name)
        end
      end
    end
    self.new.constraints[#self.new.constraints + 1] = one
  end
  self.rebuilds = true
end

function Change:drop_foreign_key(...) self:drop_constraint("drop_foreign_key", "foreign_key", "references", ...) end
function Change:drop_unique(...) self:drop_constraint("drop_unique", "unique", "unique", ...) end
function Change:drop_check(...) self:drop_constraint("drop_check", "check", "check", ...) end

-- beside, own: what the clause is called beside the columns, and in one.
function Change:drop_constraint(what, beside, own, wanted)
  local place, column = constraints.find(self.new, beside, own, wanted)
  if not place then
    fail("%s: the table '%s' has none such: %s", what, self.name, constraints.list(self.new, beside, own))
  end
  if column then
    table.remove(column.clauses, place)
    column.text = nil
  else
    table.remove(self.new.constraints, place)
  end
  self.rebuilds = true
end

-- Another primary key: the columns' names, in their order; none: no key.
function Change:create_primary_key(...)
  local constraint = constraints.primary_key("create_primary_key", ...)
  local _, place, column = definition.key(self.new)
  if column then definition.set(column, "primary_key", nil) end
  for i, other in ipairs(self.new.constraints) do
    if other == place then table.remove(self.new.constraints, i) end
  end
  for _, name in ipairs(constraint.columns) do
    local source = self.sources[column_at(self, "create_primary_key", name).name]
    local rows = source and count(self, source .. " IS NULL") or 0
    if rows > 0 then
      fail("create_primary_key: %d rows of '%s' have no value in '%s': a key has one in every row", rows, self.name,
        name)
    end
  end
  local made = rendered(self, { constraint })
  for _, one in ipairs(made.constraints) do table.insert(self.new.constraints, 1, one) end
  self.rebuilds = true
end

function Change:create_index(...)
  local index = constraints.index("create_index", ...)
  local _, indexes = rendered(self, { index })
  self.after[#self.after + 1] = indexes[1]
end

function Change:drop_index(...)
  local given, name = options.read("drop_index", { "if_exists" }, 1, ...)
  self.step:drop_index(name, { if_exists = given.if_exists })
end

-- ---------------------------------------------------------------- making them

local function add_columns(self)
  for _, added in ipairs(self.added) do
    rebuild.run(self.connection, string.format("ALTER TABLE %s ADD COLUMN %s", quoted(self.name),
      definition.column_text(added.column)))
    local default = definition.clause(added.column, "default")
    local is_default = default and default.text:gsub("^DEFAULT%s+", "", 1) == added.source
    if added.source and not is_default then
      rebuild.run(self.connection, string.format("UPDATE %s SET %s = %s", quoted(self.name),
        quoted(added.column.name), added.source))
    end
  end
end

local NOT_OF_TYPE = 3091 -- SQLite's code where a column of a STRICT table cannot hold a value

local function rebuild_now(self)
  local tell = self.step.tell
  local ok, err = pcall(rebuild.run_all, self.connection, self.old, self.new, self.sources,
    tell and function(done, total) tell(self.name, done, total) end)
  if ok then return end
  if #self.retyped > 0 and type(err) == "table" and err.orig and err.orig.code == NOT_OF_TYPE then
    core.raise("IntegrityError", string.format("alter_column: %s: say how it is converted, using = 'CAST(...)'",
      err.orig.message))
  end
  error(err, 0)
end

-- Makes the changes. May be called again, after more of them.
function Change:finish()
  if self.rebuilds then
    rebuild_now(self)
    for _, column in ipairs(self.retyped) do values.check_type(self, column) end
  else
    add_columns(self)
  end
  local after = self.after
  if self.rebuilds or #self.added > 0 then load(self) end
  self.after = {}
  for _, sql in ipairs(after) do rebuild.run(self.connection, sql) end
end

return { new = new, methods = Change, types = types }
