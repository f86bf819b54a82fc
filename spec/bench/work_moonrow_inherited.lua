-- work_moonrow_inherited.lua: the workload of joined tables through moonrow.
--   moonrow work_moonrow_inherited.lua WORKLOAD DATABASE
-- Prints the CPU seconds of the workload alone, and its result. Garbage is collected before.

local mr = require "moonrow"
local workload, path = ...

local db = mr.open("sqlite:///" .. path)
local Person = db.Model:extend("Person", {
  id   = db.Column{ db.Integer, primary_key = true },
  name = db.Column{ db.String(40), nullable = false },
  kind = db.Column{ db.String(10), nullable = false },
  __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "person" },
})
local Worker = Person:extend("Worker", {
  id   = db.Column{ db.Integer, db.ForeignKey "person.id", primary_key = true },
  task = db.Column{ db.String(10) },
  __mapper_args = { polymorphic_identity = "worker" },
})
local Chief = Worker:extend("Chief", {
  id   = db.Column{ db.Integer, db.ForeignKey "worker.id", primary_key = true },
  rank = db.Column{ db.Integer },
  __mapper_args = { polymorphic_identity = "chief" },
})

local work = {}

function work.hierarchy()
  local sum = 0
  for _, chief in ipairs(Chief.query:all()) do sum = sum + chief.rank end
  return sum
end

function work.create()
  db:create_all()
  return 0
end

collectgarbage()
mr.memory{ trace = true }
local start = os.clock()
local result = work[workload]()
print(("%.6f %s"):format(os.clock() - start, result))
