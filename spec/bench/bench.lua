-- bench.lua: runs each workload through each contestant in interleaved rounds, each in a process of its
-- own, and prints the medians of the CPU seconds and their ratios to the bare C loop of the same run.
--
--   make bench            (BENCH_ROUNDS=5 rounds; make bench-deps brings LuaSQL and SQLAlchemy;
--                          BENCH_ONLY=lazy runs the workloads whose names have that in them)
--
-- A contestant that takes more than a second runs once: its ratio is no matter of noise.

local here = arg[0]:match "^(.*)/[^/]*$"
local build = os.getenv "BUILD" or "build"
local rounds = tonumber(os.getenv "BENCH_ROUNDS") or 5
local only = os.getenv "BENCH_ONLY" or ""
local scratch = os.tmpname()
os.remove(scratch)

-- Each set of workloads has programs and a database of its own.
local item = { suffix = "", fill = "insert", full = scratch .. ".items" }
local related = { suffix = "_related", fill = "fill", full = scratch .. ".related" }

local workloads = {
  { item, "load", "load 100k entities, touch one attribute", aim = 2 },
  { item, "insert", "insert 100k through add and commit", aim = 3, empty = true },
  { item, "get", "20k gets, autocommit" },
  { item, "get-in-transaction", "20k gets in a transaction" },
  { item, "change", "change 100 of 100k loaded, commit" },
  { item, "change-of-1k", "change 100 of 1k loaded, commit" },
  { related, "joined", "joined load of 10k parents, 100k children", aim = 2 },
  { related, "selectin", "selectin load of the same", aim = 2.4 },
  { related, "lazy", "lazy load of the same, 10k statements", aim = 1.8 },
  { related, "delete-children", "delete the 100k children, loaded before", aim = 1.4 },
}

local function works(command)
  return os.execute(command .. " >/dev/null 2>&1") == true
end

-- A contestant's command, by the suffix of the set.
local contestants = {
  { "C loop", build .. "/spec/bench/bare%s" },
  { "moonrow", build .. "/moonrow " .. here .. "/work_moonrow%s.lua" },
}
if works "lua5.4 -e 'require \"luasql.sqlite3\"'" then
  contestants[#contestants + 1] = { "LuaSQL", "lua5.4 " .. here .. "/work_luasql%s.lua" }
end
if works "/usr/bin/python3 -c 'import sqlalchemy'" then
  contestants[#contestants + 1] = { "SQLAlchemy", "/usr/bin/python3 " .. here .. "/work_sqlalchemy%s.py" }
end
local bare, moonrow = contestants[1], contestants[2]

local function run(contestant, set, workload, database)
  local command = ("%s %s %s"):format(contestant[2]:format(set.suffix), workload, database)
  local pipe = assert(io.popen(command))
  local line = pipe:read "l"
  assert(pipe:close(), command .. " failed")
  return line
end

local function copy(from, to)
  assert(os.execute(("cp %s %s"):format(from, to)))
end

-- A database with empty tables made by moonrow, and one with the rows, made by the bare loop.
local function make_databases(set)
  run(moonrow, set, "create", set.full)
  copy(set.full, set.full .. ".empty")
  run(bare, set, set.fill, set.full)
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local function measure(set, workload, empty)
  local times = {}
  for round = 1, rounds do
    for i, contestant in ipairs(contestants) do
      times[i] = times[i] or {}
      if round == 1 or times[i][1] < 1 then
        copy(set.full .. (empty and ".empty" or ""), scratch)
        table.insert(times[i], tonumber(run(contestant, set, workload, scratch):match "%S+"))
      end
    end
  end
  for i, list in ipairs(times) do times[i] = median(list) end
  return times
end

local function print_times()
  io.write("medians of ", rounds, " rounds, CPU milliseconds (and times the C loop)\n")
  io.write(("%-42s"):format "")
  for _, contestant in ipairs(contestants) do io.write(("%18s"):format(contestant[1])) end
  io.write("\n")
  for _, w in ipairs(workloads) do
    if w[2]:find(only, 1, true) then
      io.write(("%-42s"):format(w[3]))
      local times = measure(w[1], w[2], w.empty)
      for _, seconds in ipairs(times) do
        io.write(("%9.2f (%6.2f)"):format(seconds * 1000, seconds / times[1]))
      end
      io.write(w.aim and ("   aim %.1f\n"):format(w.aim) or "\n")
      io.flush()
    end
  end
end

local function print_memory()
  local untouched, touched = run(moonrow, item, "bytes", item.full):match "(%d+) (%d+)"
  print(("bytes per entity of five columns: %s, with its Lua proxy %s"):format(untouched, touched))
  copy(item.full .. ".empty", scratch)
  run(bare, item, "million", scratch)
  local peak, rows = run(moonrow, item, "yield-per", scratch):match "(%d+) (%d+)"
  print(("%s rows with yield_per(1000): at most %d kB beyond the start"):format(rows, peak // 1024))
end

make_databases(item)
make_databases(related)
print_times()
if only == "" then print_memory() end
for _, path in ipairs { scratch, item.full, related.full } do
  os.remove(path)
  os.remove(path .. ".empty")
end
