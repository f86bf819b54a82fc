-- count.lua: counts the instructions of small loops with valgrind's callgrind, and compares them with the figures in
-- count_figures.lua. Counts do not change when the machine is busy, as times do.
--
--   make bench-count            prints the table; fails if a loop takes 3 % more than its figure
--   make bench-count-update     writes new figures after an intended change; look at the difference
--
-- Each loop is run with a short and with a long length, in a whole process. Its figure is the difference of the two
-- counts, divided by the difference of the lengths. So the start of a process does not count. Its end does count,
-- because it frees the objects of the loop.
--
-- Lua's hashes have a seed, made of the time and of addresses. The seed decides which keys collide, which changes the
-- count of a small loop by up to 3 %. So the clock stands still (preload/fixed_time.c), and both command lines have the
-- same length. Small loops run with three seeds, and the least count is used. They run one after the other in one
-- process, so that each seed needs only one run more than there are loops.
--
-- Another compiler, C library, Lua, SQLite or valgrind gives other counts. Then nothing is compared, a message says so,
-- and the status is 77.

local here = arg[0]:match "^(.*)/[^/]*$"
local build = os.getenv "BUILD" or "build"
local scratch = build .. "/test/count"
local figures_path = here .. "/count_figures.lua"
local updating = arg[1] == "update"
local for_test = arg[1] == "test" -- then nothing is measured if it cannot be compared

local TOLERANCE = 1.03
local SEEDS = { 1, 2, 3 }

-- Each of these has its own processes. short, long: the two lengths. must: the goal. start: the first count ever made.
local large = {
  { name = "load", words = "load, a row", short = 2000, long = 10000, must = 4400, start = 7000, rows = true },
  { name = "insert", words = "insert through add and commit, a row", short = 1000, long = 6000, must = 15000,
    start = 25300, empty = true },
  { name = "insert-recorded", words = "the same with db:change_token()", short = 1000, long = 6000, must = 16300,
    start = 14883, empty = true },
  { name = "change", words = "loaded, one column changed, committed, a row", short = 1000, long = 6000, must = 14000,
    start = 12700, rows = true },
  { name = "change-recorded", words = "the same with db:change_token()", short = 1000, long = 6000, must = 16500,
    start = 17900, rows = true },
  { name = "get", words = "get that loads, autocommit", short = 500, long = 3000, must = 11000, start = 19900 },
  { name = "get-in-transaction", words = "the same in a transaction", short = 500, long = 3000, must = 9500,
    start = 18000 },
  { name = "first", words = "filter_by{...}:first() of a query seen before", short = 500, long = 2500, must = 18000,
    start = 50000 },
  { name = "where-text", words = 'where"code == $code":first() of a text seen before', short = 500, long = 2500,
    must = 20000, start = 49418 },
  { name = "read-text", words = "where of a text read for the first time", short = 600, long = 1600, must = 60000,
    start = 76320 },
  { name = "configure", words = "a class declared and configured, of 400", short = 100, long = 400, must = 160000,
    start = 1850000 },
}

-- These run one after the other in one process. less: the same loop over a plain table; its count is subtracted.
local SHORT, LONG = 1000, 6000
local small = {
  { name = "get-from-memory", words = "get from the identity map: session:get", must = 600, start = 2700 },
  { name = "get-from-memory-scoped", words = "the same through db.session", must = 900, start = 4800 },
  { name = "plain-read" },
  { name = "plain-text" },
  { name = "plain-write" },
  { name = "plain-make" },
  { name = "attribute-read", words = "attribute read, over a plain table's", less = "plain-read", must = 300,
    start = 581 },
  { name = "attribute-text", words = "text read", less = "plain-text", must = 400, start = 694 },
  { name = "make", words = 'Class{ a = 1, b = "x" } made and dropped', less = "plain-make", must = 3200,
    start = 6700 },
  { name = "attribute-write", words = "attribute write", less = "plain-write", must = 400, start = 1294 },
  { name = "method-call", words = "a method of two attributes called", must = 3600, start = 3497 },
  { name = "hybrid-read", words = "a hybrid of the same read: what the method costs", must = 3600, start = 3361 },
}

local function read_command(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  return pipe:close() and text:gsub("%s+$", "") or nil
end

-- ---------------------------------------------------------------- what the figures depend on

local function read_versions()
  local host = build .. "/moonrow"
  local sqlite = [[ -e 'local mr = require "moonrow"
    print((mr.open "sqlite://".session:scalar(mr.text "SELECT sqlite_version()")))']]
  return {
    compiler = read_command(("%s --version | head -n 1"):format(os.getenv "CC" or "gcc")),
    flags = os.getenv "CFLAGS" or "",
    libc = read_command "ldd --version | head -n 1",
    lua = (read_command(host .. " -v") or ""):match "Lua [%d.]+",
    machine = read_command "uname -m" .. (os.execute "grep -qw avx2 /proc/cpuinfo" and " with avx2" or ""),
    sqlite = read_command(host .. sqlite),
    valgrind = read_command "valgrind --version 2>/dev/null",
  }
end

-- A message about the first difference; nil: there is none.
local function difference(versions, figures)
  for _, key in ipairs{ "machine", "compiler", "flags", "libc", "lua", "sqlite", "valgrind" } do
    if versions[key] ~= figures.made_with[key] then
      return ("%s is %q here and was %q when the figures were made"):format(key, versions[key], figures.made_with[key])
    end
  end
end

-- ---------------------------------------------------------------- counting

local function make_scratch()
  assert(os.execute(("rm -rf %s && mkdir -p %s"):format(scratch, scratch)))
  assert(os.execute(("ln -s %s/moonrow %s/moonrow && cp %s/count_work.lua %s/spec/bench/preload/fixed_time.so %s")
    :format(build, scratch, here, build, scratch)))
end

-- Makes a database of n rows, unless it exists. The names of all databases have the same length.
local function make_database(name, n)
  if os.execute(("test -e %s/%s"):format(scratch, name)) then return end
  assert(read_command(("cd %s && ./moonrow count_work.lua %s fill %d"):format(scratch, name, n)))
end

local FULL = "full000000"

local function length(n) return ("%06d"):format(n) end

-- Starts a run. Returns a function that waits for its end and returns its instructions.
local function start(database, words, seed)
  local command = ("cd %s && env -i COUNT_SEED=%d LD_PRELOAD=./fixed_time.so valgrind --tool=callgrind "
    .. "--callgrind-out-file=/dev/null ./moonrow count_work.lua %s %s 2>&1"):format(scratch, seed, database, words)
  local pipe = assert(io.popen(command))
  return function()
    local said = pipe:read "a"
    local count = said:match "Collected : (%d+)"
    if not pipe:close() or not count then error(("%s\nfailed: %s"):format(command, said), 0) end
    return tonumber(count)
  end
end

-- Runs jobs, two at a time. A job is a list of the arguments of start. Its function `done` gets the instructions.
local function run_jobs(jobs)
  for i = 1, #jobs, 2 do
    local waiting = {}
    for k = i, math.min(i + 1, #jobs) do waiting[k] = start(table.unpack(jobs[k])) end
    for k = i, math.min(i + 1, #jobs) do jobs[k].done(waiting[k]()) end
  end
end

local function add_large(jobs, counts)
  for _, w in ipairs(large) do
    local short
    for _, n in ipairs{ w.short, w.long } do
      local database = w.rows and "rows" .. length(n) or w.empty and "none" .. length(n) or FULL
      make_database(database, w.rows and n or w.empty and 0 or 5000)
      local job = { database, w.name .. " " .. length(n), SEEDS[1] }
      function job.done(count)
        if short then counts[w.name] = (count - short) / (w.long - w.short) else short = count end
      end
      jobs[#jobs + 1] = job
    end
  end
end

local function words_of_small(which)
  local words = {}
  for i, w in ipairs(small) do words[i] = w.name .. " " .. length(w == which and LONG or SHORT) end
  return table.concat(words, " ")
end

local function add_small(jobs, counts)
  make_database(FULL, 5000)
  for _, seed in ipairs(SEEDS) do
    local all_short
    jobs[#jobs + 1] = { FULL, words_of_small(nil), seed, done = function(count) all_short = count end }
    for _, w in ipairs(small) do
      local job = { FULL, words_of_small(w), seed }
      function job.done(count)
        local each = (count - all_short) / (LONG - SHORT)
        counts[w.name] = math.min(counts[w.name] or each, each)
      end
      jobs[#jobs + 1] = job
    end
  end
end

-- Counts all loops. Returns the instructions of one turn of each loop by name, as integers.
local function count_all()
  local jobs, counts = {}, {}
  make_scratch()
  add_large(jobs, counts)
  add_small(jobs, counts)
  run_jobs(jobs)
  local result = {}
  for _, list in ipairs{ large, small } do
    for _, w in ipairs(list) do
      if w.words then result[w.name] = math.floor(counts[w.name] - (counts[w.less] or 0) + 0.5) end
    end
  end
  os.execute("rm -rf " .. scratch)
  return result
end

-- ---------------------------------------------------------------- the figures

local function each_workload()
  return coroutine.wrap(function()
    for _, list in ipairs{ large, small } do
      for _, w in ipairs(list) do
        if w.words then coroutine.yield(w) end
      end
    end
  end)
end

local function read_figures()
  local chunk = loadfile(figures_path, "t", {})
  return chunk and chunk() or { made_with = {}, counts = {} }
end

local function write_figures(versions, counts)
  local file = assert(io.open(figures_path, "w"))
  file:write "-- count_figures.lua: instructions of one turn of each loop. Written by `make bench-count-update`.\n"
  file:write "\nreturn {\n  made_with = {\n"
  for _, key in ipairs{ "machine", "compiler", "flags", "libc", "lua", "sqlite", "valgrind" } do
    file:write(("    %s = %q,\n"):format(key, versions[key]))
  end
  file:write "  },\n  counts = {\n"
  for w in each_workload() do file:write(("    [%q] = %d,\n"):format(w.name, counts[w.name])) end
  file:write "  },\n}\n"
  assert(file:close())
  print("written: " .. figures_path)
end

-- ---------------------------------------------------------------- printing

-- Prints the table. Returns how many loops take more instructions than their figures, and how many take fewer.
local function print_table(counts, figures)
  local worse, better = 0, 0
  print(("%-50s%9s%9s%9s%9s%9s"):format("instructions", "at first", "figure", "now", "ratio", "must"))
  for w in each_workload() do
    local now, figure = counts[w.name], figures[w.name]
    local ratio = figure and now / figure
    local words = now > w.must and "  above must" or ""
    if ratio and ratio > TOLERANCE then
      worse = worse + 1
      words = words .. "  MORE THAN ITS FIGURE"
    elseif ratio and ratio < 1 / TOLERANCE then
      better = better + 1
    end
    local ratio_words = ratio and ("%.3f"):format(ratio) or "-"
    print(("%-50s%9d%9s%9d%9s%9d%s"):format(w.words, w.start, figure or "-", now, ratio_words, w.must, words))
  end
  return worse, better
end

local function main()
  local figures, versions = read_figures(), read_versions()
  if not versions.valgrind then
    print "   instructions were not counted: valgrind is not installed"
    return 77
  end
  if updating then
    local counts = count_all()
    print_table(counts, figures.counts)
    write_figures(versions, counts)
    return 0
  end
  local other = difference(versions, figures)
  if other then print(("   instructions were not compared: %s"):format(other)) end
  if other and for_test then return 77 end
  local worse, better = print_table(count_all(), other and {} or figures.counts)
  if better > 0 then
    print(("   %d take less than their figures: make bench-count-update writes them down"):format(better))
  end
  if worse > 0 then print "   if more is meant: make bench-count-update" end
  return other and 77 or worse > 0 and 1 or 0
end

os.exit(main())
