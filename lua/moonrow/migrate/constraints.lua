-- constraints.lua: keys, checks and indexes as a step names them: made, and found in a definition.
--
-- Invariant: the name comes first, and may be nil; columns are a list of names, or one name.

local core, require = ...
local definition = require "moonrow.migrate.definition"
local options = require "moonrow.options"
local words = require "moonrow.migrate.words"

local constraints = {}

local function check_name(what, name)
  if name ~= nil and type(name) ~= "string" then options.expect(what, "the name, or nil", name) end
  return name
end

local function columns_of(what, columns)
  if type(columns) == "string" then return { columns } end
  if type(columns) ~= "table" or #columns == 0 then options.expect(what, "a list of columns' names", columns) end
  for _, name in ipairs(columns) do
    if type(name) ~= "string" then options.expect(what, "a column's name", name) end
  end
  return columns
end

-- The arguments, nil among them, and the options behind them.
local function arguments(what, known, n, ...)
  local count, given = select("#", ...), nil
  local list = { ... }
  if count == n + 1 then given = list[n + 1] end
  if count > n + 1 or count < n or (given ~= nil and type(given) ~= "table") then
    core.raise("ArgumentError", string.format("%s: expected %d arguments, and options behind them, got %d", what, n,
      count))
  end
  options.read(what, known, 0, given or {})
  return given or {}, table.unpack(list, 1, n)
end

local function copy(given, name)
  local made = { name = name }
  for key, value in pairs(given) do made[key] = value end
  return made
end

-- (name, columns, other table, its columns, { ondelete = ... })
function constraints.foreign_key(what, ...)
  local known = { "ondelete", "onupdate", "deferrable", "initially" }
  local given, name, columns, other, targets = arguments(what, known, 4, ...)
  check_name(what, name)
  columns, targets = columns_of(what, columns), columns_of(what, targets)
  if type(other) ~= "string" then options.expect(what, "the other table's name", other) end
  local full = {}
  for i, target in ipairs(targets) do full[i] = other .. "." .. target end
  return core.ForeignKeyConstraint(columns, full, copy(given, name))
end

function constraints.unique(what, ...)
  local known = { "deferrable", "initially", "sqlite_on_conflict" }
  local given, name, columns = arguments(what, known, 2, ...)
  local spec = copy(given, check_name(what, name))
  return core.UniqueConstraint(table.move(columns_of(what, columns), 1, #columns, 1, spec))
end

function constraints.check(what, ...)
  local given, name, sql = arguments(what, { "sqlite_on_conflict" }, 2, ...)
  if type(sql) ~= "string" and core.type_name(sql) ~= "Expression" then options.expect(what, "the condition's SQL",
    sql) end
  local spec = copy(given, check_name(what, name))
  spec[1] = sql
  return core.CheckConstraint(spec)
end

-- (columns) or (name, columns)
function constraints.primary_key(what, ...)
  if select("#", ...) == 1 then return core.PrimaryKeyConstraint(columns_of(what, (...))) end
  local given, name, columns = arguments(what, { "sqlite_on_conflict" }, 2, ...)
  local spec = copy(given, check_name(what, name))
  return core.PrimaryKeyConstraint(table.move(columns_of(what, columns), 1, #columns, 1, spec))
end

-- (name, columns and expressions, { unique =, where = })
function constraints.index(what, ...)
  local known = { "unique", "where", "sqlite_where", "postgresql_where" }
  local given, name, columns = arguments(what, known, 2, ...)
  if type(name) ~= "string" then options.expect(what, "the index's name", name) end
  if type(columns) == "string" then columns = { columns } end
  if type(columns) ~= "table" or getmetatable(columns) or #columns == 0 then
    options.expect(what, "a list of columns", columns)
  end
  local spec = copy(given)
  spec[1] = name
  return core.Index(table.move(columns, 1, #columns, 2, spec))
end

-- ---------------------------------------------------------------- finding

local function same_columns(a, b)
  if #a ~= #b then return false end
  for i, name in ipairs(a) do
    if not words.same(name, b[i]) then return false end
  end
  return true
end

-- The condition without the spaces around its words.
local function bare(sql)
  local texts = {}
  for _, word in ipairs(words.read(sql)) do texts[#texts + 1] = word.upper or word.text end
  return table.concat(texts, " ")
end

-- Is the constraint the wanted one: by its name, its columns, or its condition?
local function fits(constraint, columns, wanted)
  if type(wanted) == "table" then return constraint.kind ~= "check" and same_columns(columns, wanted) end
  if constraint.name and words.same(constraint.name, wanted) then return true end
  if constraint.kind ~= "check" then return not constraint.name and same_columns(columns, { wanted }) end
  local inside = constraint.text:match "[cC][hH][eE][cC][kK]%s*%((.*)%)"
  return inside ~= nil and bare(inside) == bare(wanted)
end

-- constraints.find(made, beside, own, wanted): its place among the constraints, or among the clauses of the column that
-- comes second; nil: there is none. wanted: a name, a list of columns, or a condition.
function constraints.find(made, beside, own, wanted)
  if type(wanted) ~= "string" and type(wanted) ~= "table" then
    options.expect("drop", "a constraint's name, or a list of its columns", wanted)
  end
  for i, constraint in ipairs(made.constraints) do
    if constraint.kind == beside and fits(constraint, constraint.columns, wanted) then return i end
  end
  for _, column in ipairs(made.columns) do
    for i, clause in ipairs(column.clauses) do
      if clause.kind == own and fits(clause, { column.name }, wanted) then return i, column end
    end
  end
end

-- constraints.list(made, beside, own): what there is of the kind, in words.
function constraints.list(made, beside, own)
  local lines = {}
  for _, constraint in ipairs(made.constraints) do
    if constraint.kind == beside then lines[#lines + 1] = constraint.text end
  end
  for _, column in ipairs(made.columns) do
    local clause = definition.clause(column, own)
    if clause then lines[#lines + 1] = column.name .. " " .. clause.text end
  end
  return #lines == 0 and "it has none at all" or "it has " .. table.concat(lines, "; ")
end

return constraints
