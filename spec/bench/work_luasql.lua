-- work_luasql.lua: the workloads of one table through LuaSQL, a Lua table for each row.
--   lua5.4 work_luasql.lua WORKLOAD DATABASE

local driver = require "luasql.sqlite3"
local workload, path = ...
local ROWS, GETS, CHANGES = 100000, 20000, 100

local env = driver.sqlite3()
local db = env:connect(path)
local columns = "id, name, kind, price, stock"

local function rows(sql)
  local cursor = assert(db:execute(sql))
  return function()
    local row = cursor:fetch({}, "a")
    if not row then cursor:close() end
    return row
  end
end

local work = {}

function work.load()
  local sum, all = 0, {} -- luacheck: ignore all
  for row in rows("SELECT " .. columns .. " FROM item") do
    all[#all + 1] = row
    sum = sum + row.stock
  end
  return sum
end

function work.insert()
  db:setautocommit(false)
  for i = 1, ROWS do
    assert(db:execute(("INSERT INTO item (name, kind, price, stock) VALUES ('%s', 'tool', %f, %d)")
      :format(db:escape("item " .. i), i * 0.5, i % 100)))
  end
  db:commit()
  return ROWS
end

local function gets()
  local sum = 0
  for i = 1, GETS do
    for row in rows(("SELECT %s FROM item WHERE id = %d"):format(columns, i * 5)) do sum = sum + row.stock end
  end
  return sum
end

work.get = gets
work["get-in-transaction"] = function()
  db:setautocommit(false)
  local sum = gets()
  db:commit()
  return sum
end

local function change()
  db:setautocommit(false)
  for i = 1, CHANGES do assert(db:execute(("UPDATE item SET stock=%d WHERE id = %d"):format(-i, i * 7))) end
  db:commit()
  return CHANGES
end

work.change = change
work["change-of-1k"] = change

collectgarbage()
local start = os.clock()
local result = work[workload]()
print(("%.6f %s"):format(os.clock() - start, result))
