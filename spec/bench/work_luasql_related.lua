-- work_luasql_related.lua: the workloads of relationships through LuaSQL. Each row becomes a Lua table.
-- The program itself links parents and children.
--   lua5.4 work_luasql_related.lua WORKLOAD DATABASE

local driver = require "luasql.sqlite3"
local workload, path = ...
local KEYS, CHILDREN = 500, 100000

local env = driver.sqlite3()
local db = env:connect(path)
assert(db:execute "PRAGMA foreign_keys=ON")
local columns = "id, parent_id, name, size"

local function rows(sql)
  local cursor = assert(db:execute(sql))
  return function()
    local row = cursor:fetch({}, "a")
    if not row then cursor:close() end
    return row
  end
end

local function parents()
  local list = {}
  for row in rows "SELECT id, name FROM parent" do
    row.children = {}
    list[#list + 1] = row
  end
  return list
end

local function count_children(list)
  local n = 0
  for _, parent in ipairs(list) do n = n + parent.id * #parent.children end
  return n
end

local work = {}

function work.joined()
  local list, parent = {}, {}
  for row in rows [[SELECT parent.id AS pid, parent.name AS pname, child.id, child.parent_id, child.name,
                           child.size FROM parent LEFT OUTER JOIN child ON parent.id = child.parent_id]] do
    if row.pid ~= parent.id then
      parent = { id = row.pid, name = row.pname, children = {} }
      list[#list + 1] = parent
    end
    parent.children[#parent.children + 1] = row
  end
  return count_children(list)
end

function work.selectin()
  local list, by_id = parents(), {}
  for i = 1, #list, KEYS do
    local keys = {}
    for k = i, math.min(i + KEYS - 1, #list) do
      keys[#keys + 1] = list[k].id
      by_id[list[k].id] = list[k]
    end
    local list_of_keys = table.concat(keys, ", ")
    for row in rows(("SELECT %s FROM child WHERE parent_id IN (%s)"):format(columns, list_of_keys)) do
      local children = by_id[row.parent_id].children
      children[#children + 1] = row
    end
  end
  return count_children(list)
end

function work.lazy()
  local list = parents()
  for _, parent in ipairs(list) do
    for row in rows(("SELECT %s FROM child WHERE parent_id = %d"):format(columns, parent.id)) do
      parent.children[#parent.children + 1] = row
    end
  end
  return count_children(list)
end

work.batch = work.lazy -- which is what it has

function work.limited()
  local list = parents()
  for _, parent in ipairs(list) do
    for row in rows(("SELECT %s FROM child WHERE parent_id = %d ORDER BY id LIMIT 3"):format(columns, parent.id)) do
      parent.children[#parent.children + 1] = row
    end
  end
  return count_children(list)
end

local function sum_of_counts(sql)
  local n = 0
  for row in rows(sql) do n = n + row.id * row.n end
  return n
end

work["count-of"] = function()
  return sum_of_counts("SELECT id, name, (SELECT count(*) FROM child WHERE parent_id = parent.id) AS n FROM parent")
end

function work.count()
  local _ = parents()
  return sum_of_counts("SELECT parent_id AS id, count(*) AS n FROM child GROUP BY parent_id")
end

work["delete-children"] = function()
  db:setautocommit(false)
  for i = 1, CHILDREN do assert(db:execute(("DELETE FROM child WHERE id = %d"):format(i))) end
  db:commit()
  return CHILDREN
end

collectgarbage()
local start = os.clock()
local result = work[workload]()
print(("%.6f %s"):format(os.clock() - start, result))
