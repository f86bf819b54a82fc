-- bench.lua: runs each workload through each contestant in interleaved rounds, each in a process of its
-- own, and prints the medians of the CPU seconds and their ratios to the bare C loop of the same run.
--
--   make bench            (BENCH_ROUNDS=5 rounds; make bench-deps brings LuaSQL and SQLAlchemy)

local here = arg[0]:match "^(.*)/[^/]*$"
local build = os.getenv "BUILD" or "build"
local rounds = tonumber(os.getenv "BENCH_ROUNDS") or 5
local scratch = os.tmpname()
os.remove(scratch)

local workloads = {
  { "load", "load 100k entities, touch one attribute", aim = 2 },
  { "insert", "insert 100k through add and commit", aim = 3 },
  { "get", "20k gets, autocommit" },
  { "get-in-transaction", "20k gets in a transaction" },
  { "change", "change 100 of 100k loaded, commit" },
  { "change-of-1k", "change 100 of 1k loaded, commit" },
}

local function works(command)
  return os.execute(command .. " >/dev/null 2>&1") == true
end

local contestants = {
  { "C loop", build .. "/spec/bench/bare" },
  { "moonrow", build .. "/moonrow " .. here .. "/work_moonrow.lua" },
}
if works "lua5.4 -e 'require \"luasql.sqlite3\"'" then
  contestants[#contestants + 1] = { "LuaSQL", "lua5.4 " .. here .. "/work_luasql.lua" }
end
if works "/usr/bin/python3 -c 'import sqlalchemy'" then
  contestants[#contestants + 1] = { "SQLAlchemy", "/usr/bin/python3 " .. here .. "/work_sqlalchemy.py" }
end

local function run(command)
  local pipe = assert(io.popen(command))
  local line = pipe:read "l"
  assert(pipe:close(), command .. " failed")
  return line
end

local function copy(from, to)
  assert(os.execute(("cp %s %s"):format(from, to)))
end

-- An empty database, and one with the rows, made by the bare loop.
local function make_databases()
  local db = require "moonrow".open("sqlite:///" .. scratch .. ".empty")
  db.Model:extend("Item", {
    id    = db.Column{ db.Integer, primary_key = true },
    name  = db.Column{ db.String(40), nullable = false },
    kind  = db.Column{ db.String(20), nullable = false },
    price = db.Column{ db.Float, nullable = false },
    stock = db.Column{ db.Integer, nullable = false },
  })
  db:create_all()
  db.engine:dispose()
  copy(scratch .. ".empty", scratch .. ".full")
  run(build .. "/spec/bench/bare insert " .. scratch .. ".full")
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local function measure(workload)
  local times = {}
  for _ = 1, rounds do
    for i, contestant in ipairs(contestants) do
      copy(scratch .. (workload == "insert" and ".empty" or ".full"), scratch)
      local seconds = tonumber(run(("%s %s %s"):format(contestant[2], workload, scratch)):match "%S+")
      times[i] = times[i] or {}
      table.insert(times[i], seconds)
    end
  end
  for i, list in ipairs(times) do times[i] = median(list) end
  return times
end

make_databases()
io.write("medians of ", rounds, " rounds, CPU milliseconds (and times the C loop)\n")
io.write(("%-42s"):format "")
for _, contestant in ipairs(contestants) do io.write(("%20s"):format(contestant[1])) end
io.write("\n")
for _, workload in ipairs(workloads) do
  local times = measure(workload[1])
  io.write(("%-42s"):format(workload[2]))
  for _, seconds in ipairs(times) do io.write(("%12.2f (%5.2f)"):format(seconds * 1000, seconds / times[1])) end
  io.write(workload.aim and ("   aim %.1f\n"):format(workload.aim) or "\n")
end
local untouched, touched = run(contestants[2][2] .. " bytes " .. scratch .. ".full"):match "(%d+) (%d+)"
print(("bytes per entity of five columns: %s, with its Lua proxy %s"):format(untouched, touched))
for _, suffix in ipairs { "", ".empty", ".full" } do os.remove(scratch .. suffix) end
