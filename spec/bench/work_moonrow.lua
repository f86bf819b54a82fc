-- work_moonrow.lua: the workloads of one table through moonrow.   moonrow work_moonrow.lua WORKLOAD DATABASE
-- Prints the CPU seconds of the workload alone, and its result. Garbage is collected before. Workloads of the table
-- `measure` print bytes, kilobytes or nanoseconds instead of seconds.

local mr = require "moonrow"
local workload, path = ...

local ROWS, IMPORTS, GETS, CHANGES, TOUCHES = 100000, 300000, 20000, 100, 1000000

local db = mr.open("sqlite:///" .. path)
local Item = db.Model:extend("Item", {
  id    = db.Column{ db.Integer, primary_key = true },
  name  = db.Column{ db.String(40), nullable = false },
  kind  = db.Column{ db.String(20), nullable = false },
  price = db.Column{ db.Float, nullable = false },
  stock = db.Column{ db.Integer, nullable = false },
})
local Product = db.Model:extend("Product", {
  id    = db.Column{ db.Integer, primary_key = true },
  code  = db.Column{ db.String(40), nullable = false, unique = true },
  kind  = db.Column{ db.String(20), nullable = false },
  price = db.Column{ db.Float, nullable = false },
  stock = db.Column{ db.Integer, nullable = false },
})
local session = db.session

local work, prepare = {}, {}

function prepare.create() db:create_all() end
function work.create() return 0 end

-- ---------------------------------------------------------------- reading

function work.load()
  local sum = 0
  for _, item in ipairs(Item.query:all()) do sum = sum + item.stock end
  return sum
end

work["load-all"] = function()
  local sum = 0
  for _, item in ipairs(Item.query:all()) do
    sum = sum + item.id + item.stock + #item.name + #item.kind + item.price * 2 // 1
  end
  return sum
end

function work.columns()
  local sum = 0
  local query = session:query(Item.id, Item.name, Item.kind, Item.price, Item.stock)
  for _, row in ipairs(query:all()) do sum = sum + row.stock end
  return sum
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

function work.first()
  local sum = 0
  for i = 1, GETS do sum = sum + Product.query:filter_by{ code = "code " .. i * 5 }:first().stock end
  return sum
end

work["where-text"] = function()
  local sum = 0
  for i = 1, GETS do sum = sum + Product.query:where("code == $code", { code = "code " .. i * 5 }):first().stock end
  return sum
end

-- ---------------------------------------------------------------- writing

local function add_rows()
  for i = 1, ROWS do
    session:add(Item{ name = "item " .. i, kind = "tool", price = i * 0.5, stock = i % 100 })
  end
end

function work.insert()
  add_rows()
  session:commit()
  return ROWS
end

prepare.flush = add_rows
function work.flush()
  session:commit()
  return ROWS
end

local loaded
local function change()
  for i = 1, CHANGES do loaded[i * 7].stock = -i end
  session:commit()
  return CHANGES
end

work.change = change
function prepare.change() loaded = Item.query:order_by(Item.id):all() end
work["change-of-1k"] = change
prepare["change-of-1k"] = function() loaded = Item.query:order_by(Item.id):limit(1000):all() end

work["change-each"] = function()
  local all = Item.query:all()
  for _, item in ipairs(all) do item.stock = item.stock + 1 end
  session:commit()
  return #all
end

local rows
function prepare.import()
  rows = {}
  for i = 1, IMPORTS do rows[i] = { name = "item " .. i, kind = "tool", price = i * 0.5, stock = i % 100 } end
end
function work.import()
  session:execute(mr.insert(Item), rows)
  session:commit()
  return #rows
end

-- ---------------------------------------------------------------- attributes and memory

-- Collects garbage. Returns the bytes that Lua and moonrow then hold.
local function live()
  collectgarbage()
  mr.memory{ trace = true }
  return collectgarbage "count" * 1024, mr.memory().bytes
end

-- Workloads that print another value instead of seconds. Each returns the value and its result.
local measure = {}

local function nanoseconds(loop, item)
  local start = os.clock()
  for _ = 1, TOUCHES do end -- luacheck: ignore 542
  local empty = os.clock() - start
  start = os.clock()
  local result = loop(item)
  return (os.clock() - start - empty) / TOUCHES * 1e9, result
end

measure["attribute-read"] = function()
  local function loop(item)
    local stock
    for _ = 1, TOUCHES do stock = item.stock end
    return stock
  end
  return nanoseconds(loop, Item.query:order_by(Item.id):first())
end

-- A hybrid, and a method that does the same.
measure["hybrid-read"] = function()
  Item.held = mr.hybrid(function(self) return self.stock end)
  local function loop(item)
    local stock
    for _ = 1, TOUCHES do stock = item.held end
    return stock
  end
  return nanoseconds(loop, Item.query:order_by(Item.id):first())
end

measure["method-call"] = function()
  function Item:hold() return self.stock end
  local function loop(item)
    local stock
    for _ = 1, TOUCHES do stock = item:hold() end
    return stock
  end
  return nanoseconds(loop, Item.query:order_by(Item.id):first())
end

measure["attribute-write"] = function()
  local function loop(item)
    for i = 1, TOUCHES do item.stock = i end
    return item.stock
  end
  return nanoseconds(loop, Item.query:order_by(Item.id):first())
end

-- Bytes of an entity that Lua has not touched.
measure["bytes"] = function()
  local _, native = live()
  local all = Item.query:all()
  collectgarbage()
  return (mr.memory().bytes - native) / #all, #all
end

-- Bytes of an entity with its proxy in Lua.
measure["bytes-touched"] = function()
  local lua, native = live()
  local all = Item.query:all()
  for _, item in ipairs(all) do assert(item.stock) end
  collectgarbage()
  return (mr.memory().bytes - native + collectgarbage "count" * 1024 - lua) / #all, #all
end

-- Loops over all rows. Returns the most kilobytes that Lua and moonrow held beyond the start, and the number of rows.
measure["stream"] = function()
  local lua, native = live()
  local peak, count = 0, 0
  for item in Item.query:yield_per(1000):iter() do
    if item.stock then count = count + 1 end
    if count % 100 == 0 then
      peak = math.max(peak, collectgarbage "count" * 1024 - lua + mr.memory().bytes - native)
    end
  end
  return peak / 1024, count
end

if measure[workload] then
  print(("%.2f %d"):format(measure[workload]()))
  session:rollback()
  os.exit(0, true)
end

if prepare[workload] then prepare[workload]() end
live()
local start = os.clock()
local result = work[workload]()
print(("%.6f %.0f"):format(os.clock() - start, result))
