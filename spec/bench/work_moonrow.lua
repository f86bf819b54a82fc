-- work_moonrow.lua: the workloads of one table through moonrow.   moonrow work_moonrow.lua WORKLOAD DATABASE
-- Prints the CPU seconds of the workload alone, after a collection; of memory workloads the bytes.

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
  create = function() db:create_all() end,
  change = function() loaded = Item.query:order_by(Item.id):all() end,
  ["change-of-1k"] = function() loaded = Item.query:order_by(Item.id):limit(1000):all() end,
}

function work.create() return 0 end

-- What memory holds that is alive, of Lua and of moonrow.
local function live()
  collectgarbage()
  mr.memory{ trace = true }
  return collectgarbage "count" * 1024, mr.memory().bytes
end

local measure = {}

-- Bytes of an entity that Lua has not touched, and with its proxy.
function measure.bytes()
  local lua, native = live()
  local all = Item.query:all()
  collectgarbage()
  local untouched = (mr.memory().bytes - native) / #all
  for _, item in ipairs(all) do assert(item.stock) end
  collectgarbage()
  local grown = mr.memory().bytes - native + (collectgarbage "count" - lua / 1024) * 1024
  return untouched, grown / #all
end

-- The most that Lua and moonrow held, beyond the start, in a loop over all rows; and how many there were.
measure["yield-per"] = function()
  local lua, native = live()
  local peak, rows = 0, 0
  for item in Item.query:yield_per(1000):iter() do
    if item.stock then rows = rows + 1 end
    if rows % 100 == 0 then
      peak = math.max(peak, collectgarbage "count" * 1024 - lua + mr.memory().bytes - native)
    end
  end
  return peak, rows
end

if measure[workload] then
  print(("%.0f %.0f"):format(measure[workload]()))
  os.exit(0, true)
end

if prepare[workload] then prepare[workload]() end
live()
local start = os.clock()
local result = work[workload]()
print(("%.6f %s"):format(os.clock() - start, result))
