-- finalizers.lua: finalizers get objects while a list of the same objects is made. This is a process of its own, so
-- that the collector's cycles end while the list is made. It prints how many objects had two proxies.

local mr = require "moonrow"

local count, rounds = 600, 30
local db = mr.open "sqlite://"
local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true } })
db:create_all()
for i = 1, count do db.session:add(Item{ id = i }) end
db.session:commit()

local next_id, got_some, twice = 0, false, 0

for round = 1, rounds do
  collectgarbage()
  local session, got = mr.Session(db.engine), {}
  local function get_some()
    for _ = 1, 5 do
      next_id = next_id % count + 1
      local ok, item = pcall(session.get, session, Item, next_id)
      if ok and item then
        got[item.id] = item
        got_some = true
      end
    end
  end
  for _ = 1, 300 do setmetatable({}, { __gc = get_some }) end
  collectgarbage "generational"
  if round % 2 == 0 then collectgarbage("incremental", 100, 400) end
  for i, item in ipairs(session:query(Item):order_by(Item.id):all()) do
    if got[i] and not rawequal(got[i], item) then twice = twice + 1 end
    if not rawequal(session:get(Item, i), item) then twice = twice + 1 end
  end
  session:close()
end

print(got_some and twice or "no finalizer ran")
