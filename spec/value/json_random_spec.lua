-- Random edits inside JSON columns, with flushes, commits, rollbacks and collections between them, against a model of
-- plain tables: what is read, and what stands in the rows at the end, is what the model has. Tables are held in
-- variables over commits, too.

local mr = require "moonrow"

local function random_text()
  local parts = {}
  for i = 1, math.random(0, 9) do parts[i] = utf8.char(math.random(0, 0xD7FF)) end
  return table.concat(parts)
end

local function random_value(depth)
  local kind = math.random(8)
  if kind == 1 then return math.random(0) end
  if kind == 2 then return math.random() * 10.0 ^ math.random(-300, 300) end
  if kind == 3 then return math.random() < 0.5 end
  if kind == 4 then return mr.null end
  if kind == 5 or depth <= 0 then return random_text() end
  local made = kind == 6 and mr.array() or {}
  for i = 1, math.random(0, 4) do made[kind == 6 and i or "k" .. math.random(9)] = random_value(depth - 1) end
  return made
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local made = setmetatable({}, getmetatable(value))
  for k, v in pairs(value) do made[k] = copy(v) end
  return made
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
  if getmetatable(a) ~= getmetatable(b) then return false end
  for k, v in pairs(a) do
    if not same(v, b[k]) then return false end
  end
  for k in pairs(b) do
    if a[k] == nil then return false end
  end
  return true
end

-- One random change somewhere inside the table.
local function edit(t)
  if getmetatable(t) then
    local n, kind = #t, math.random(3)
    if kind == 1 then t[n + 1] = random_value(2)
    elseif kind == 2 and n > 0 then table.remove(t)
    elseif n > 0 then t[math.random(n)] = random_value(2) end
    return
  end
  local key = "k" .. math.random(9)
  if type(t[key]) == "table" and math.random() < 0.6 then edit(t[key])
  elseif math.random() < 0.3 then t[key] = nil
  else t[key] = random_value(2) end
end

-- The same random change in both.
local function edit_both(a, b)
  local seed = math.random(1 << 30)
  math.randomseed(seed)
  edit(a)
  math.randomseed(seed)
  edit(b)
end

local function run(seed, steps)
  math.randomseed(seed)
  local db = mr.open "sqlite://"
  local session = db.session
  local Doc = db.Model:extend("Doc", { id = db.Column{ db.Integer, primary_key = true }, data = db.Column{ mr.JSON } })
  db:create_all()
  local model, committed, held = {}, {}, {}
  local function copied(values)
    local made = {}
    for id, value in pairs(values) do made[id] = { copy(value[1]) } end
    return made
  end
  for step = 1, steps do
    local op, id = math.random(12), math.random(12)
    local known = model[id]
    if op <= 2 then
      local value = random_value(3)
      if known then session:get(Doc, id).data = copy(value)
      else session:add(Doc{ id = id, data = copy(value) }) end
      model[id], held[id] = { copy(value) }, nil
    elseif op <= 6 and known then
      local doc = session:get(Doc, id)
      if type(doc.data) == "table" then
        edit_both(doc.data, known[1])
        if math.random() < 0.5 then held[id] = doc.data end
      end
    elseif op == 7 and held[id] then
      edit_both(held[id], known[1])
    elseif op == 8 then
      session:flush()
    elseif op == 9 then
      session:commit()
      committed = copied(model)
    elseif op == 10 and math.random() < 0.3 then
      session:rollback()
      model, held = copied(committed), {}
    elseif op == 11 then
      collectgarbage()
    elseif known then
      assert.is_true(same(session:get(Doc, id).data, known[1]), ("seed %d, step %d"):format(seed, step))
    end
  end
  session:commit()
  session:expunge_all()
  for id, value in pairs(model) do
    assert.is_true(same(session:get(Doc, id).data, value[1]), ("seed %d, at the end"):format(seed))
  end
end

describe("Random edits inside JSON columns", function()
  it("are stored as a model of plain tables has them", function()
    for seed = 1, 8 do run(seed, 400) end
  end)
end)
