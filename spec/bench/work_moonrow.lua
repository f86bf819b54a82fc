-- work_moonrow.lua: the workloads through moonrow.   moonrow work_moonrow.lua WORKLOAD DATABASE
-- Prints the CPU seconds of the workload alone, after a collection.

local mr = require "moonrow"
local workload, path = ...

local ROWS, GETS, CHANGES = 100000, 20000, 100

local db = mr.open("sqlite:///" .. path)
local Item = db.Model:extend("Item", {
  id    = db.Column{ db.Integer, primary_key = true },
  name  = db.Column{ db.String(40), nullable = false },
  kind  = db.Column{ db.String(20), nullable = false },
  price = db.Column{ db.Float, nullable = false },
  stock = db.Column{ db.Integer, nullable = false },
})
local session = db.session

local work = {}

function work.load()
  local sum = 0
  for _, item in ipairs(Item.query:all()) do sum = sum + item.stock end
  return sum
end

function work.insert()
  for i = 1, ROWS do
    session:add(Item{ name = "item " .. i, kind = "tool", price = i * 0.5, stock = i % 100 })
  end
  session:commit()
  return ROWS
end

local function gets()
  local sum = 0
  for i = 1, GETS do sum = sum + session:get(Item, i * 5).stock end
  return sum
end

work.get = gets
work["get-in-transaction"] = function()
  return session:begin(gets, { mode = "deferred" })
end

local loaded
local function change()
  for i = 1, CHANGES do loaded[i * 7].stock = -i end
  session:commit()
  return CHANGES
end

work.change = change
work["change-of-1k"] = change

local prepare = {
  insert = function() db:create_all() end,
  change = function() loaded = Item.query:order_by(Item.id):all() end,
  ["change-of-1k"] = function() loaded = Item.query:order_by(Item.id):limit(1000):all() end,
}

if workload == "bytes" then
  collectgarbage()
  local lua, native = collectgarbage "count", mr.memory().bytes
  local all = Item.query:all()
  collectgarbage()
  local untouched = (mr.memory().bytes - native) / #all
  for _, item in ipairs(all) do assert(item.stock) end
  collectgarbage()
  local grown = mr.memory().bytes - native + (collectgarbage "count" - lua) * 1024
  print(("%.0f %.0f"):format(untouched, grown / #all))
  os.exit(0, true)
end

if prepare[workload] then prepare[workload]() end
collectgarbage()
mr.memory{ trace = true }
local start = os.clock()
local result = work[workload]()
print(("%.6f %s"):format(os.clock() - start, result))
