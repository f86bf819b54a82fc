-- scale.lua: how time and memory grow with the amount of work. Prints microseconds and bytes for each row, object or
-- class.
--
--   make bench-scale                 all columns, in ten minutes at most
--   make bench-scale SECONDS=120     in two minutes at most
--   make bench-scale WORK=load       one column
--
-- Each step does several times the work of the step before. Most columns run each step in a process of its own. A
-- column stops before a step that would need more than its time or the free memory, and says so. Steps that take more
-- for each unit than an earlier step are named below the table.

local here = arg[0]:match "^(.*)/[^/]*$"
package.path = here .. "/?.lua;" .. package.path
local json = require "json"

local build = os.getenv "BUILD" or "build"
local budget = tonumber(os.getenv "SECONDS") or 600
local wanted = os.getenv "WORK" or ""
local scratch = os.tmpname()
os.remove(scratch)

local ROWS = { 1000, 10000, 100000, 1000000, 10000000 }
local GROWS = 1.5 -- a step is named if it takes so many times the least of the earlier steps
local LEAST = 0.01 -- CPU seconds; steps that take less are not compared

-- share: the column's part of the time. full: the number of rows in the database; true: as many as the step's number;
-- nil: none. together: all steps run in one process. flat: the memory of the whole process must not grow. least: used
-- instead of LEAST.
local columns = {
  { name = "load", unit = "row", steps = ROWS, full = true, share = 4 },
  { name = "stream", unit = "row", steps = ROWS, full = true, share = 3, flat = true },
  { name = "insert", unit = "row", steps = ROWS, share = 5 },
  { name = "flush", unit = "row", steps = ROWS, share = 5 },
  { name = "dirty", unit = "object", steps = { 1, 10, 100, 1000, 10000, 100000, 1000000 }, full = 1000000, share = 2,
    together = true },
  { name = "classes", unit = "class", steps = { 10, 20, 50, 100, 200, 500 }, share = 1, least = 0.0005 },
  { name = "import", unit = "row", steps = { 300000, 1000000, 3000000 }, share = 2, flat = true },
}

-- ---------------------------------------------------------------- running a step

-- The elapsed time in seconds. It is the time that a person waits. os.clock does not count other processes.
local function now()
  local file = io.open "/proc/uptime"
  if not file then return os.time() end
  local seconds = file:read "n"
  file:close()
  return seconds
end

local function free_kilobytes()
  local file = io.open "/proc/meminfo"
  if not file then return math.huge end
  local text = file:read "a"
  file:close()
  return tonumber(text:match "MemAvailable:%s*(%d+)") or math.huge
end

-- Runs a work. Returns the lines that it printed, as tables of n, cpu (seconds) and kilobytes; and true, or nil if it
-- took too long.
local function run(work, database, words, seconds)
  local command = ("timeout %d %s/moonrow %s/scale_work.lua %s %s %s"):format(
    math.max(math.floor(seconds), 1), build, here, work, database, words)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do
    local n, cpu, kilobytes = line:match "^(%d+) (%S+) (%d+)$"
    lines[#lines + 1] = { n = tonumber(n), cpu = tonumber(cpu), kilobytes = tonumber(kilobytes) }
  end
  local good, _, status = pipe:close()
  if not good and status ~= 124 then error(command .. " failed", 0) end
  return lines, good
end

local function with_database(rows, seconds, fn)
  local path = ("%s.%d"):format(scratch, rows)
  local _, good = run("fill", path, rows, seconds)
  local results = { good and fn(path) or nil }
  os.remove(path)
  os.remove(path .. "-journal")
  return table.unpack(results)
end

-- ---------------------------------------------------------------- a column

local function add_result(column, line)
  local result = {
    n = line.n, seconds = line.cpu, kilobytes = line.kilobytes,
    microseconds = line.cpu / line.n * 1e6, bytes = line.kilobytes * 1024 / line.n,
  }
  column.results[#column.results + 1] = result
  io.stderr:write(("%-8s %9d: %10.3f us and %8.0f bytes for each %s, %d kB in all\n"):format(
    column.name, line.n, result.microseconds, result.bytes, column.unit, line.kilobytes))
end

-- Says what the next step would need too much of; nil: nothing.
local function obstacle(last, factor, seconds)
  if not last then return nil end
  local time, memory = last.wall * factor * 1.1, last.kilobytes * factor * 1.1
  if time > seconds then return ("about %.0f s more, of which there are %.0f"):format(time, seconds) end
  if memory > 0.7 * free_kilobytes() then return ("about %.1f GB of memory"):format(memory / 1024 ^ 2) end
end

-- Runs the steps of a column, in so many seconds at most.
local function run_column(column, seconds)
  local begin, last = now(), nil
  column.results = {}
  if column.together then
    with_database(column.full, seconds, function(path)
      local lines, good = run(column.name, path, table.concat(column.steps, " "), seconds - (now() - begin))
      for _, line in ipairs(lines) do add_result(column, line) end
      if not good then column.stopped = "the time was over" end
    end)
    return
  end
  for i, n in ipairs(column.steps) do
    local left = seconds - (now() - begin)
    local why = obstacle(last, n / (column.steps[i - 1] or n), left)
    if why then
      column.stopped = ("%d would take %s"):format(n, why)
      return
    end
    local step_begin = now()
    local lines = with_database(column.full and n or 0, left, function(path)
      return (run(column.name, path, n, left - (now() - step_begin)))
    end)
    local line = lines and lines[1]
    if not line then
      column.stopped = ("%d took too long"):format(n)
      return
    end
    add_result(column, line)
    last = { wall = now() - step_begin, kilobytes = column.flat and 0 or line.kilobytes }
  end
end

-- ---------------------------------------------------------------- what grows

local function amount(n)
  if n >= 1000000 then return ("%gM"):format(n / 1000000) end
  return n >= 1000 and ("%gk"):format(n / 1000) or ("%d"):format(n)
end

-- Adds a message to the list for each step that takes more for a unit than an earlier step.
local function find_growth(list, column)
  local least
  for _, r in ipairs(column.results) do
    if r.seconds >= (column.least or LEAST) then
      if least and r.microseconds > GROWS * least.microseconds then
        list[#list + 1] = ("%s: of %s, each %s takes %.1f times the time that it takes of %s"):format(
          column.name, amount(r.n), column.unit, r.microseconds / least.microseconds, amount(least.n))
      end
      if not least or r.microseconds < least.microseconds then least = r end
    end
  end
  local first, last = column.results[1], column.results[#column.results]
  if column.flat and first and last.kilobytes > 2 * first.kilobytes + 8192 then
    list[#list + 1] = ("%s: %d kB are held with %s, %d kB with %s"):format(
      column.name, last.kilobytes, amount(last.n), first.kilobytes, amount(first.n))
  end
end

-- ---------------------------------------------------------------- printing

local function cell(column, r)
  if not r then return "" end
  local time = ("%.2f us"):format(r.microseconds)
  if column.together then return time end
  return time .. (column.flat and (" %.1f MB"):format(r.kilobytes / 1024) or (" %.0f B"):format(r.bytes))
end

local function result_of(column, n)
  for _, r in ipairs(column.results) do
    if r.n == n then return r end
  end
end

local function print_table(chosen)
  local sizes, seen = {}, {}
  for _, column in ipairs(chosen) do
    for _, r in ipairs(column.results) do
      if not seen[r.n] then
        seen[r.n] = true
        sizes[#sizes + 1] = r.n
      end
    end
  end
  table.sort(sizes)
  io.write(("%-8s"):format "")
  for _, column in ipairs(chosen) do io.write(("%20s"):format(column.name)) end
  io.write "\n"
  for _, n in ipairs(sizes) do
    io.write(("%-8s"):format(amount(n)))
    for _, column in ipairs(chosen) do
      io.write(("%20s"):format(cell(column, result_of(column, n))))
    end
    io.write "\n"
  end
  print "CPU microseconds and bytes for each unit; of stream and import what the process held at most"
  print "load touches one attribute; insert makes, adds and commits; flush is its commit alone; dirty changes that many"
  print "of 1M loaded objects and commits; classes have two references each, and their lists on the other side."
end

local function main()
  local chosen, shares, growth = {}, 0, {}
  for _, column in ipairs(columns) do
    if wanted == "" or column.name == wanted then
      chosen[#chosen + 1] = column
      shares = shares + column.share
    end
  end
  if #chosen == 0 then error("bench-scale: there is no work " .. wanted, 0) end
  local begin = now()
  for _, column in ipairs(chosen) do
    local left = budget - (now() - begin)
    run_column(column, left * column.share / shares) -- time that is left is for the later columns
    shares = shares - column.share
    find_growth(growth, column)
  end
  print_table(chosen)
  for _, column in ipairs(chosen) do
    if column.stopped then print(("stopped: %s: %s"):format(column.name, column.stopped)) end
  end
  for _, words in ipairs(growth) do print("grows: " .. words) end
  if #growth == 0 then print "nothing grows faster than its number" end
  local path = arg[1] or build .. "/scale.json"
  local file = assert(io.open(path, "w"))
  file:write(json.encode{ date = os.date "!%Y-%m-%dT%H:%M:%SZ", columns = chosen, growth = growth }, "\n")
  file:close()
  print(("written: %s, after %.0f s"):format(path, now() - begin))
end

main()
