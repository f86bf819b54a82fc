-- count_work.lua: the loops whose instructions `make bench-count` counts.
--   moonrow count_work.lua DATABASE WORKLOAD N [WORKLOAD N ...]
-- N is the length of the loop. load does not use it: it reads all rows of the database.

local mr = require "moonrow"
local path = ...

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
local Person = db.Model:extend("Person", {
  id    = db.Column{ db.Integer, primary_key = true },
  first = db.Column{ db.String(20) },
  last  = db.Column{ db.String(20) },
  full  = mr.hybrid{ get = function(self) return self.first .. " " .. self.last end },
})
function Person:full_name() return self.first .. " " .. self.last end
local session = db.session

local n -- the length of the loop that runs
local work = {}

-- Makes the tables and their rows. This is not counted.
function work.fill()
  db:create_all()
  local numbers = "WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :n) "
  local values = "SELECT 'item ' || i, 'tool', i * 0.5, i % 100 FROM number WHERE i <= :n"
  for _, into in ipairs{ "item (name", "product (code" } do
    session:execute(mr.text(numbers .. "INSERT INTO " .. into .. ", kind, price, stock) " .. values), { n = n })
  end
  session:commit()
end

function work.load()
  local sum = 0
  for _, item in ipairs(Item.query:all()) do sum = sum + item.stock end
end

function work.insert()
  for i = 1, n do
    session:add(Item{ name = "item " .. i, kind = "tool", price = i * 0.5, stock = i % 100 })
  end
  session:commit()
end

-- With recording on, a commit of many rows is to take 1.3 times as many instructions at most.
work["insert-recorded"] = function()
  db:change_token()
  work.insert()
end

function work.change()
  for _, item in ipairs(Item.query:all()) do item.stock = item.stock + 1 end
  session:commit()
end

work["change-recorded"] = function()
  db:change_token()
  work.change()
end

local function gets()
  local sum = 0
  for i = 1, n do sum = sum + session:get(Item, i).stock end
end

work.get = gets
work["get-in-transaction"] = function() session:begin(gets, { mode = "deferred" }) end

local function gets_from_memory(of)
  local item = of:get(Item, 1)
  for _ = 1, n do of:get(Item, 1) end
  return item
end

work["get-from-memory"] = function() gets_from_memory(mr.Session(db.engine)) end
work["get-from-memory-scoped"] = function() gets_from_memory(session) end

function work.first()
  local sum = 0
  for i = 1, n do sum = sum + Product.query:filter_by{ code = "item " .. i }:first().stock end
end

work["where-text"] = function()
  local sum = 0
  for i = 1, n do sum = sum + Product.query:where("code == $code", { code = "item " .. i }):first().stock end
end

-- Each text is another one: it is read, checked, and made a query. Garbage is collected at fixed turns.
work["read-text"] = function()
  collectgarbage()
  collectgarbage "stop"
  for i = 1, n do
    local text = ("stock > %d and (kind ~= nil or price > 1.5) and code:like 'J%%'"):format(1000000 + i)
    assert(Product.query:where(text))
    if i % 100 == 0 then collectgarbage() end
  end
  collectgarbage "restart"
end

-- Each class refers to the one before it. The count shows if a class costs more when there are more classes.
function work.configure()
  local other = mr.open "sqlite://"
  for i = 1, n do
    local body = { id = other.Column{ other.Integer, primary_key = true }, __tablename = "class" .. i }
    if i > 1 then
      body.other_id = other.Column{ other.Integer, other.ForeignKey("class" .. i - 1 .. ".id") }
      local key = ("Class%d.other_id"):format(i)
      body.other = other.relationship{ "Class" .. i - 1, foreign_keys = key, backref = "list" }
    end
    other.Model:extend("Class" .. i, body)
  end
  other:configure()
end

local function read(item)
  local stock -- luacheck: ignore
  for _ = 1, n do stock = item.stock end
end

local function read_text(item)
  local name -- luacheck: ignore
  for _ = 1, n do name = item.name end
end

local function write(item)
  for i = 1, n do item.stock = i end
end

local plain = { id = 1, name = "item 1", kind = "tool", price = 0.5, stock = 1 }

work["attribute-read"] = function() read(session:get(Item, 1)) end
work["attribute-text"] = function() read_text(session:get(Item, 1)) end
work["attribute-write"] = function()
  write(session:get(Item, 1))
  session:rollback()
end
work["plain-read"] = function() read(plain) end
work["plain-text"] = function() read_text(plain) end
work["plain-write"] = function() write(plain) end

local function made(values) return values end

-- Collects garbage at fixed turns. Otherwise the count would depend on how far the collector is at the end.
local function make(class)
  collectgarbage()
  collectgarbage "stop"
  for i = 1, n do
    class{ stock = i, name = "x" }
    if i % 1000 == 0 then collectgarbage() end
  end
  collectgarbage "restart"
end

work["make"] = function() make(Item) end
work["plain-make"] = function() make(made) end

-- Collects garbage at fixed turns, too.
local function named(name_of)
  local ada = Person{ first = "Ada", last = "Lovelace" }
  collectgarbage()
  collectgarbage "stop"
  for i = 1, n do
    name_of(ada)
    if i % 1000 == 0 then collectgarbage() end
  end
  collectgarbage "restart"
end

work["hybrid-read"] = function() named(function(person) return person.full end) end
work["method-call"] = function() named(function(person) return person:full_name() end) end

for i = 2, #arg, 2 do
  n = tonumber(arg[i + 1])
  work[arg[i]]()
end
