-- work_luasql.lua: the workloads of one table through LuaSQL. Each row becomes a Lua table.
--   lua5.4 work_luasql.lua WORKLOAD DATABASE

local driver = require "luasql.sqlite3"
local workload, path = ...
local ROWS, IMPORTS, GETS, CHANGES = 100000, 300000, 20000, 100

local env = driver.sqlite3()
local db = env:connect(path)
assert(db:execute "PRAGMA foreign_keys=ON")
local columns = "id, name, kind, price, stock"

local function rows(sql)
  local cursor = assert(db:execute(sql))
  return function()
    local row = cursor:fetch({}, "a")
    if not row then cursor:close() end
    return row
  end
end

local work, prepare = {}, {}

function work.load()
  local sum, all = 0, {} -- luacheck: ignore all
  for row in rows("SELECT " .. columns .. " FROM item") do
    all[#all + 1] = row
    sum = sum + row.stock
  end
  return sum
end

work.columns = work.load

work["load-all"] = function()
  local sum, all = 0, {} -- luacheck: ignore all
  for row in rows("SELECT " .. columns .. " FROM item") do
    all[#all + 1] = row
    sum = sum + row.id + row.stock + #row.name + #row.kind + row.price * 2 // 1
  end
  return sum
end

local function insert(name, i)
  assert(db:execute(("INSERT INTO item (name, kind, price, stock) VALUES ('%s', 'tool', %f, %d)")
    :format(db:escape(name), i * 0.5, i % 100)))
end

function work.insert()
  db:setautocommit(false)
  for i = 1, ROWS do insert("item " .. i, i) end
  db:commit()
  return ROWS
end

local names
local function make_names(n)
  names = {}
  for i = 1, n do names[i] = "item " .. i end
end

local function insert_names()
  db:setautocommit(false)
  for i, name in ipairs(names) do insert(name, i) end
  db:commit()
  return #names
end

function prepare.flush() make_names(ROWS) end
work.flush = insert_names
function prepare.import() make_names(IMPORTS) end
work.import = insert_names

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

function work.first()
  local sum = 0
  for i = 1, GETS do
    for row in rows(("SELECT id, code, kind, price, stock FROM product WHERE code = '%s' LIMIT 1")
      :format(db:escape("code " .. i * 5))) do
      sum = sum + row.stock
    end
  end
  return sum
end

work["where-text"] = work.first

local function change()
  db:setautocommit(false)
  for i = 1, CHANGES do assert(db:execute(("UPDATE item SET stock=%d WHERE id = %d"):format(-i, i * 7))) end
  db:commit()
  return CHANGES
end

work.change = change
work["change-of-1k"] = change

work["change-each"] = function()
  local all = {}
  for row in rows("SELECT " .. columns .. " FROM item") do all[#all + 1] = row end
  db:setautocommit(false)
  for _, row in ipairs(all) do
    assert(db:execute(("UPDATE item SET stock=%d WHERE id = %d"):format(row.stock + 1, row.id)))
  end
  db:commit()
  return #all
end

-- Bytes of Lua for each row that is kept as a table. They are the same for bytes and bytes-touched.
local function bytes()
  local before, all = collectgarbage "count", {}
  for row in rows("SELECT " .. columns .. " FROM item") do all[#all + 1] = row end
  collectgarbage()
  return (collectgarbage "count" - before) * 1024 / #all, #all
end

if workload == "bytes" or workload == "bytes-touched" then
  print(("%.1f %d"):format(bytes()))
  os.exit(0)
end

if prepare[workload] then prepare[workload]() end
collectgarbage()
local start = os.clock()
local result = work[workload]()
print(("%.6f %.0f"):format(os.clock() - start, result))
