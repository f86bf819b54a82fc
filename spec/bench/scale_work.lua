-- scale_work.lua: the works that `make bench-scale` measures.
--   moonrow scale_work.lua WORK DATABASE N...
-- Prints a line for each N: N, the CPU seconds, and the most kilobytes that the process has held beyond its start.

local mr = require "moonrow"
local name, path = ...

local BATCH = 10000 -- rows of an import that are in memory at once

local db = mr.open("sqlite:///" .. path)
local Item = db.Model:extend("Item", {
  id    = db.Column{ db.Integer, primary_key = true },
  name  = db.Column{ db.String(40), nullable = false },
  kind  = db.Column{ db.String(20), nullable = false },
  price = db.Column{ db.Float, nullable = false },
  stock = db.Column{ db.Integer, nullable = false },
})
local session = mr.Session(db.engine, { expire_on_commit = false })

-- The memory of the process in kilobytes: "VmRSS" is what it holds now, "VmHWM" the most so far. 0: not known.
local function memory(what)
  local file = io.open "/proc/self/status"
  if not file then return 0 end
  local text = file:read "a"
  file:close()
  return tonumber(text:match(what .. ":%s*(%d+)")) or 0
end

local function values(i) return { name = "item " .. i, kind = "tool", price = i * 0.5, stock = i % 100 } end

-- A work is measured as a whole, unless it returns a function. Then only that function is measured.
local work = {}

function work.fill(n)
  db:create_all()
  session:execute(mr.text [[
    WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :n)
    INSERT INTO item (name, kind, price, stock) SELECT 'item ' || i, 'tool', i * 0.5, i % 100 FROM number WHERE i <= :n
  ]], { n = n })
  session:commit()
end

function work.load(n)
  local sum = 0
  local all = session:query(Item):all()
  for _, item in ipairs(all) do sum = sum + item.stock end
  assert(#all == n)
end

function work.stream(n)
  local count = 0
  for item in session:query(Item):yield_per(1000):iter() do
    if item.stock then count = count + 1 end
  end
  assert(count == n)
end

local function add(n)
  for i = 1, n do session:add(Item(values(i))) end
end

function work.insert(n)
  add(n)
  session:commit()
end

function work.flush(n)
  add(n)
  return function() session:commit() end
end

function work.import(n)
  for first = 1, n, BATCH do
    local rows = {}
    for i = first, math.min(first + BATCH - 1, n) do rows[#rows + 1] = values(i) end
    session:execute(mr.insert(Item), rows)
  end
  session:commit()
end

local loaded
function work.dirty(n)
  loaded = loaded or session:query(Item):all()
  return function()
    for i = 1, math.min(n, #loaded) do loaded[i].stock = loaded[i].stock + 1 end
    session:commit()
  end
end

-- Each class refers to the class before it, and to the class with half its number. Both get a list of the objects that
-- refer to them.
function work.classes(n)
  local other = mr.open "sqlite://"
  for i = 1, n do
    local body = { id = other.Column{ other.Integer, primary_key = true }, name = other.Column(other.String(40)) }
    for k, target in ipairs(i > 1 and { i - 1, i // 2 } or {}) do
      local key, reference = "key_" .. k, "reference_" .. k
      local list = ("list_%d_%d"):format(i, k)
      body[key] = other.Column{ other.Integer, other.ForeignKey(("class%d.id"):format(target)) }
      body[reference] = other.relationship{
        "Class" .. target, foreign_keys = ("Class%d.%s"):format(i, key), backref = list,
      }
    end
    body.__tablename = "class" .. i
    other.Model:extend("Class" .. i, body)
  end
  other:configure()
end

local last_work = work[name]
for i = 3, #arg do
  local n = tonumber(arg[i])
  collectgarbage()
  mr.memory{ trace = true }
  local before, start = memory "VmRSS", os.clock()
  local rest = last_work(n)
  if rest then
    collectgarbage()
    start = os.clock()
    rest()
  end
  print(("%d %.6f %d"):format(n, os.clock() - start, math.max(memory "VmHWM" - before, 0)))
  io.stdout:flush()
end
