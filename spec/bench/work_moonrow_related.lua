-- work_moonrow_related.lua: the workloads of relationships through moonrow.
--   moonrow work_moonrow_related.lua WORKLOAD DATABASE
-- Prints the CPU seconds of the workload alone, and its result. Garbage is collected before.

local mr = require "moonrow"
local workload, path = ...

local db = mr.open("sqlite:///" .. path)
local Parent = db.Model:extend("Parent", {
  id       = db.Column{ db.Integer, primary_key = true },
  name     = db.Column{ db.String(40), nullable = false },
  children = db.relationship{ "Child", back_populates = "parent" },
})
local Child = db.Model:extend("Child", {
  id        = db.Column{ db.Integer, primary_key = true },
  parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id", index = true },
  name      = db.Column{ db.String(40), nullable = false },
  size      = db.Column{ db.Integer, nullable = false },
  parent    = db.relationship{ "Parent", back_populates = "children" },
})
local session = db.session

-- Loads every parent and counts its children. No child is touched.
local function count_children(query)
  local n = 0
  for _, parent in ipairs(query:all()) do n = n + parent.id * #parent.children end
  return n
end

local work = {}

function work.joined() return count_children(Parent.query:options(mr.joinedload(Parent.children))) end
function work.selectin() return count_children(Parent.query:options(mr.selectinload(Parent.children))) end
function work.lazy() return count_children(Parent.query) end
function work.batch() return count_children(Parent.query:options(mr.batchload(Parent.children))) end

-- The first three children of each parent.
function work.limited() return count_children(Parent.query:options(mr.selectinload(Parent.children, { limit = 3 }))) end

-- The number of children beside each parent.
work["count-of"] = function()
  local n = 0
  for _, row in ipairs(session:query(Parent, mr.count_of(Parent.children)):all()) do n = n + row[1].id * row[2] end
  return n
end

function work.count()
  local n = 0
  for _, parent in ipairs(Parent.query:all()) do n = n + parent.id * mr.count(parent, "children") end
  return n
end

local loaded
work["delete-children"] = function()
  for _, child in ipairs(loaded) do session:delete(child) end
  session:commit()
  return #loaded
end

function work.create() return 0 end

local prepare = {
  create = function() db:create_all() end,
  ["delete-children"] = function() loaded = Child.query:all() end,
}

if prepare[workload] then prepare[workload]() end
collectgarbage()
mr.memory{ trace = true }
local start = os.clock()
local result = work[workload]()
print(("%.6f %s"):format(os.clock() - start, result))
