-- work_plain.lua: the time that a field of a plain Lua table takes. It is the yardstick for attributes.
--   lua5.4 work_plain.lua WORKLOAD DATABASE
-- Prints nanoseconds and a result. The loops are those of work_moonrow.lua.

local TOUCHES = 1000000
local workload = ...

local work = {}

work["attribute-read"] = function(item)
  local stock
  for _ = 1, TOUCHES do stock = item.stock end
  return stock
end

work["attribute-write"] = function(item)
  for i = 1, TOUCHES do item.stock = i end
  return item.stock
end

local start = os.clock()
for _ = 1, TOUCHES do end -- luacheck: ignore 542
local empty = os.clock() - start
start = os.clock()
local result = work[workload]{ id = 1, name = "item 1", kind = "tool", price = 0.5, stock = 1 }
print(("%.2f %d"):format((os.clock() - start - empty) / TOUCHES * 1e9, result))
