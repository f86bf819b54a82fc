-- query.lua: the methods of queries, results, sessions and connections that give one row or one column; classes of
-- queries.
--
-- Invariant: a method that gives one value closes the Result, so that no cursor stays open.

local core, require = ...
local options = require "moonrow.options"

local Result, Query = core.result_methods, core.Query
local all, first, scalars = Result.all, Result.first, Result.scalars
local null, run_query = core.null, core.run_query

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

-- ---------------------------------------------------------------- queries

-- query:one(), query:one_or_none(): the only object or row.
function Query.one(...)
  local result, class = run_query("one", ...)
  return without_null(only(all(result), true, class))
end

function Query.one_or_none(...)
  local result, class = run_query("one_or_none", ...)
  return without_null(only(all(result), false, class))
end

-- query:scalar(): the first column of the only row; nil for NULL, and when there is no row.
function Query.scalar(...)
  local result, class = run_query("scalar", ...)
  return without_null(only(all(scalars(result)), false, class))
end

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
