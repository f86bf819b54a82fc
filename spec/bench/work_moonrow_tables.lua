-- work_moonrow_tables.lua: the workload of a database of 400 tables through moonrow.
--   moonrow work_moonrow_tables.lua WORKLOAD DATABASE
-- Prints the CPU seconds of the workload alone, and its result. Garbage is collected before.

local mr = require "moonrow"
local workload, path = ...
local url = "sqlite:///" .. path

local work = {}

function work.create() mr.open(url).session:execute(mr.text "SELECT 1"):all() end
function work.automap() return mr.automap(url) end

-- The columns, and seven times the foreign keys, each of which is a reference. This is not measured.
local function count(db)
  local result = 0
  for _, class in pairs(db and db.classes or {}) do
    local seen = mr.inspect(class)
    for _ in pairs(seen.columns) do result = result + 1 end
    for _, relationship in pairs(seen.relationships) do
      if relationship.direction == "many to one" then result = result + 7 end
    end
  end
  return result
end

mr.automap "sqlite://" -- the modules are loaded
collectgarbage()
local start = os.clock()
local db = work[workload]()
print(("%.6f %d"):format(os.clock() - start, count(db)))
