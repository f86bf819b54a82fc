-- explain.lua: query:explain() and session:explain(statement): how the database runs a statement, as a tree.
--
-- Invariant: the statement itself is not run. It is explained with its values written in it, so that the plan is the
-- one for these values.

local core, require = ...
local options = require "moonrow.options"
local plan = require "moonrow.plan"

local Query, session = core.Query, core.session_methods

-- ---------------------------------------------------------------- methods

-- For each database: how its plan of the SQL is asked for and read.
local dialects = {}

function dialects.sqlite(s, sql) return plan.of_rows(s:execute(core.text("EXPLAIN QUERY PLAN " .. sql)):all()) end

function dialects.postgresql(s, sql)
  local text = core.text("EXPLAIN (FORMAT JSON) " .. sql)
  return plan.of_json(s:execute(text:columns(core.column("QUERY PLAN", core.JSON))):scalar() or {})
end

local function explain(s, statement)
  if s.bind == nil then
    core.raise("InvalidRequestError", "explain: the session has no engine, whose database could explain it")
  end
  local name = s.bind.name
  local ask = dialects[name]
  if not ask then
    local known = "explain reads the plans of SQLite and PostgreSQL, and not those of %s"
    core.raise("InvalidRequestError", string.format(known, name))
  end
  return ask(s, statement:sql{ literals = true, dialect = name })
end

-- query:explain(): the steps of the query, in a tree: plan[1].detail, plan[1][1] below it; tostring(plan).
function Query:explain(...)
  options.read("explain", {}, 0, ...)
  return explain(core.query_session("explain", self), self)
end

-- session:explain(statement): the same for a select, an insert, update or delete.
function session:explain(statement, ...)
  options.read("explain", {}, 0, ...)
  local kind = core.type_name(statement)
  if kind ~= "Select" and kind ~= "Query" and kind ~= "Statement" then
    options.expect("explain", "a select, or an insert, update or delete", statement)
  end
  return explain(self, statement)
end
