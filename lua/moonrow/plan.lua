-- plan.lua: how a database runs a statement, as a tree: made of the rows of SQLite and of the JSON of PostgreSQL.
--
-- Invariant: the root has no detail; each step below it has.

local _, require = ...
local options = require "moonrow.options"

local plan = {}

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

-- plan.of_rows(rows): SQLite's rows (id, parent's id, unused, detail) as a tree.
function plan.of_rows(rows)
  local root = node()
  local by_id = { [0] = root }
  for _, row in ipairs(rows) do
    local parent = by_id[row[2]] or root
    by_id[row[1]] = node(row[4])
    parent[#parent + 1] = by_id[row[1]]
  end
  return root
end

-- What PostgreSQL says of a step, in the words of its plans as text: Index Scan using post_pkey on post (Filter: ...).
local conditions = { "Index Cond", "Hash Cond", "Merge Cond", "Recheck Cond", "Join Filter", "Filter" }

local function detail_of(step)
  local words = { step["Join Type"] and step["Join Type"] ~= "Inner" and step["Node Type"] .. " " .. step["Join Type"]
    or step["Node Type"] or "?" }
  if step["Index Name"] then words[#words + 1] = "using " .. step["Index Name"] end
  local object = step["Relation Name"] or step["CTE Name"] or step["Function Name"]
  if object then words[#words + 1] = "on " .. object end
  local alias = step.Alias
  if alias and alias ~= object then words[#words + 1] = object and alias or "on " .. alias end
  for _, name in ipairs(conditions) do
    if step[name] then words[#words + 1] = string.format("(%s: %s)", name, step[name]) end
  end
  return table.concat(words, " ")
end

-- plan.of_json(plans): what EXPLAIN (FORMAT JSON) gives, as a tree. Without recursion: its depth is the database's.
function plan.of_json(plans)
  local root = node()
  local open = {}
  for i = #plans, 1, -1 do open[#open + 1] = { root, plans[i].Plan } end
  while #open > 0 do
    local above, step = table.unpack(table.remove(open))
    local made = node(detail_of(step))
    made.values = step
    above[#above + 1] = made
    for i = #(step.Plans or {}), 1, -1 do open[#open + 1] = { made, step.Plans[i] } end
  end
  return root
end

return plan
