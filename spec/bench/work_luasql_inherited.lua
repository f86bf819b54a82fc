-- work_luasql_inherited.lua: the workload of joined tables through LuaSQL. Each row becomes a Lua table.
--   lua5.4 work_luasql_inherited.lua WORKLOAD DATABASE

local driver = require "luasql.sqlite3"
local workload, path = ...

local env = driver.sqlite3()
local db = env:connect(path)
local work = {}

function work.hierarchy()
  local list, sum = {}, 0
  local cursor = assert(db:execute [[SELECT person.id, person.name, person.kind, worker.task, chief.rank FROM person
                                     JOIN worker ON person.id = worker.id JOIN chief ON worker.id = chief.id]])
  for row in function() return cursor:fetch({}, "a") end do list[#list + 1] = row end
  cursor:close()
  for _, row in ipairs(list) do sum = sum + row.rank end
  return sum
end

collectgarbage()
local start = os.clock()
local result = work[workload]()
print(("%.6f %s"):format(os.clock() - start, result))
