-- work_moonrow_typed.lua: what types cost: the same rows read through typed columns, and through plain ones of the same
-- number.   moonrow work_moonrow_typed.lua WORKLOAD DATABASE
-- Prints the CPU seconds of the workload alone, and its result. To add a type: a column in `typed`, one of what is
-- stored in `plain`, and its value in `fill`.

local mr = require "moonrow"
local workload, path = ...

local ROWS = 100000

local db = mr.open("sqlite:///" .. path)

local typed = {
  at    = db.Column{ db.DateTime },
  done  = db.Column{ db.Boolean },
  level = db.Column{ db.Enum("easy", "normal", "hard") },
  price = db.Column{ db.Numeric(10, 2) },
}
local plain = {
  at    = db.Column{ db.String(30) },
  done  = db.Column{ db.Integer },
  level = db.Column{ db.String(10) },
  price = db.Column{ db.String(12) },
}
local fill = [[
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ]] .. ROWS .. [[)
  INSERT INTO quest (id, at, done, level, price)
  SELECT i, datetime(1700000000 + i * 977, 'unixepoch') || CASE WHEN i % 3 = 0 THEN '.123456' ELSE '' END, i % 2,
    CASE i % 3 WHEN 0 THEN 'easy' WHEN 1 THEN 'normal' ELSE 'hard' END, printf('%d.%02d', i / 100, i % 100) FROM n]]

-- A class over the same table, in a registry of its own.
local function declare(columns)
  local body = { __tablename = "quest", id = mr.Column{ mr.Integer, primary_key = true } }
  for name, column in pairs(columns) do body[name] = column end
  return mr.declarative_base():extend("Quest", body)
end

local Typed, Plain = declare(typed), declare(plain)
local session = db.session

local function load_untouched(class)
  local sum = 0
  for _, quest in ipairs(session:query(class):all()) do sum = sum + quest.id end
  return sum
end

local function load_touched(class)
  local sum = 0
  for _, quest in ipairs(session:query(class):all()) do
    if quest.at and quest.done ~= nil and quest.level and quest.price then sum = sum + quest.id end
  end
  return sum
end

local work = {
  create = function()
    Typed.metadata:create_all{ bind = db.engine }
    return 0
  end,
  fill = function()
    session:execute(mr.text(fill))
    session:commit()
    return ROWS
  end,
  ["load-typed"] = function() return load_untouched(Typed) end,
  ["load-plain"] = function() return load_untouched(Plain) end,
  ["load-typed-all"] = function() return load_touched(Typed) end,
  ["load-plain-all"] = function() return load_touched(Plain) end,
}

collectgarbage()
local start = os.clock()
local result = work[workload]()
print(("%.6f %.0f"):format(os.clock() - start, result))
