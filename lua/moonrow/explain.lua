-- explain.lua: query:explain() and session:explain(statement): how the database runs a statement, as a tree.
--
-- Invariant: the statement itself is not run. It is explained with its values written in it, so that the plan is the
-- one for these values.

local core, require = ...
local options = require "moonrow.options"

local Query, session = core.Query, core.session_methods

-- ---------------------------------------------------------------- the tree

local Plan = { __name = "Plan" }
Plan.__index = Plan

-- Appends a line for each step below the node to lines.
local function write(node, depth, lines)
  for _, step in ipairs(node) do
    lines[#lines + 1] = string.rep("  ", depth) .. step.detail
    write(step, depth + 1, lines)
  end
end

function Plan:__tostring()
  local lines = {}
  if self.detail then lines[1] = self.detail end
  write(self, self.detail and 1 or 0, lines)
  return table.concat(lines, "\n")
end

-- plan:find(pattern): the first step, in the order of the text, whose detail has the pattern of Lua; or nil.
function Plan:find(pattern)
  if type(pattern) ~= "string" then options.expect("find", "a pattern", pattern) end
  if self.detail and self.detail:find(pattern) then return self end
  for _, step in ipairs(self) do
    local found = step:find(pattern)
    if found then return found end
  end
  return nil
end

local function node(detail) return setmetatable({ detail = detail }, Plan) end

-- SQLite's rows (id, parent's id, unused, detail) as a tree.
local function read(rows)
  local root = node()
  local by_id = { [0] = root }
  for _, row in ipairs(rows) do
    local parent = by_id[row[2]] or root
    by_id[row[1]] = node(row[4])
    parent[#parent + 1] = by_id[row[1]]
  end
  return root
end

-- ---------------------------------------------------------------- methods

local function explain(s, statement)
  if s.bind == nil then
    core.raise("InvalidRequestError", "explain: the session has no engine, whose database could explain it")
  end
  local name = s.bind.name
  if name ~= "sqlite" then
    core.raise("InvalidRequestError", string.format("explain reads the plans of SQLite, and not those of %s", name))
  end
  return read(s:execute(core.text("EXPLAIN QUERY PLAN " .. statement:sql{ literals = true })):all())
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
