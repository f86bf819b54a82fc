-- query.lua: the methods of queries, results, sessions and connections that give one row or one column; classes of
-- queries.
--
-- Invariant: a method that gives one value closes the Result, so that no cursor stays open.

local core, require = ...
local options = require "moonrow.options"

local Result, Query = core.result_methods, core.Query
local all, first, scalars, fetchmany, tuples = Result.all, Result.first, Result.scalars, Result.fetchmany, Result.tuples
local null = core.null

Result.fetchall = all

local function without_null(value)
  if value == null then return nil end
  return value
end

-- The only one of the rows; nil when there is none and none is required. class: of the query, for the message, or nil.
local function only(rows, required, class)
  local n, of = #rows, class and string.format(" (query of %s)", class) or ""
  if n > 1 then
    core.raise("MultipleResultsFound", string.format("Multiple rows were found when %s was required%s",
      required and "exactly one" or "one or none", of))
  end
  if n == 0 and required then
    core.raise("NoResultFound", string.format("No row was found when one was required%s", of))
  end
  return rows[1]
end

-- ---------------------------------------------------------------- results

-- result:one(), result:one_or_none(): the only row.
function Result:one() return only(all(self), true) end
function Result:one_or_none() return only(all(self), false) end

-- result:scalar(): the first column of the first row; nil for NULL, and when there is no row. scalar_one and
-- scalar_one_or_none: of the only row.
function Result:scalar() return without_null(first(scalars(self))) end
function Result:scalar_one() return without_null(only(all(scalars(self)), true)) end
function Result:scalar_one_or_none() return without_null(only(all(scalars(self)), false)) end

-- for rows in result:partitions(n) do: lists of n rows, and a shorter one at the end. break closes the result.
function Result:partitions(n)
  if math.type(n) ~= "integer" or n < 1 then options.expect("partitions", "an integer of 1 or more", n) end
  local result = tuples(self)
  local function more()
    local rows = fetchmany(result, n)
    return #rows > 0 and rows or nil
  end
  return more, nil, nil, result
end

-- ---------------------------------------------------------------- queries

-- query:one(), query:one_or_none(): the only object or row. query:scalar(): the first column of the only row; nil for
-- NULL, and when there is no row. The same of a compiled query: compiled:one{ name = "x" }.
local function add_methods(methods, run)
  function methods.one(...)
    local result, class = run("one", ...)
    return without_null(only(all(result), true, class))
  end

  function methods.one_or_none(...)
    local result, class = run("one_or_none", ...)
    return without_null(only(all(result), false, class))
  end

  function methods.scalar(...)
    local result, class = run("scalar", ...)
    return without_null(only(all(scalars(result)), false, class))
  end
end

add_methods(Query, core.run_query)
add_methods(core.compiled_methods, core.run_compiled)

-- Query:extend{ name = function }: a class of queries with more methods.
function Query:extend(methods)
  if type(self) ~= "table" then options.expect("extend", "a query class: write Query:extend{ ... }", self) end
  if type(methods) ~= "table" or getmetatable(methods) then options.expect("extend", "a table of methods", methods) end
  local class = {}
  for name, method in pairs(methods) do
    if type(name) ~= "string" then options.expect("extend", "methods by name", name) end
    class[name] = method
  end
  return setmetatable(class, { __index = self, __name = "QueryClass" })
end

-- ---------------------------------------------------------------- sessions and connections

-- scalars(statement, ...), scalar(statement, ...): as execute, and the first column of all rows, of the first row.
local session, connection = core.session_methods, core.connection_methods
local execute, execute_on = session.execute, core.connection_execute

function session.scalars(...) return scalars(execute(...)) end
function session.scalar(...) return Result.scalar(execute(...)) end
function connection.scalars(...) return scalars(execute_on("scalars", ...)) end
function connection.scalar(...) return Result.scalar(execute_on("scalar", ...)) end
