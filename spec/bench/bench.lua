-- bench.lua: measures each workload of rows.lua. Prints medians, and writes build/bench.json and build/bench.svg.
--
--   make bench                       all rows
--   make bench ROW="load,insert"     the rows of these names
--   make bench ROW=attribute         no row has this name: all rows that have the word in their names
--   make bench ROUNDS=9              the number of rounds; 5 by default
--
-- In each round all contestants run one after the other, each in a process of its own. A time is the CPU time (user and
-- system) of the workload alone. Other programs change it less than the elapsed time. A ratio compares a time with that
-- of the bare loop in the same round. The table shows the median of all rounds. A contestant that takes more than a
-- second runs only once: noise changes such a time very little.

local here = arg[0]:match "^(.*)/[^/]*$"
package.path = here .. "/?.lua;" .. package.path
local chart = require "chart"
local json = require "json"
local groups = require "rows"

local build = os.getenv "BUILD" or "build"
local rounds = tonumber(os.getenv "ROUNDS") or 5
local wanted = os.getenv "ROW" or ""
local rows = {}
local scratch = os.tmpname()
os.remove(scratch)

for _, group in ipairs(groups) do
  for _, row in ipairs(group) do
    row.group, row.set = group.group, row.set or group.set
    rows[#rows + 1] = row
  end
end

local terminal = os.execute "test -t 2" == true

local function progress(...)
  if terminal then io.stderr:write("\r\27[K", string.format(...)) end
end

local function read_command(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  return pipe:close() and text:gsub("%s+$", "") or nil
end

-- ---------------------------------------------------------------- contestants

-- In the order of the columns. command: %s stands for the suffix of a set. version: a command that prints one line.
local contestants = {
  { name = "C loop", command = build .. "/spec/bench/%s" },
  { name = "moonrow", command = build .. "/moonrow " .. here .. "/work_moonrow%s.lua",
    version = build .. "/moonrow -v" },
  { name = "LuaSQL", command = "lua5.4 " .. here .. "/work_luasql%s.lua",
    version = "lua5.4 -e 'print(require \"luasql.sqlite3\"._VERSION)' 2>/dev/null" },
  { name = "SQLAlchemy", command = "/usr/bin/python3 " .. here .. "/work_sqlalchemy%s.py",
    version = "/usr/bin/python3 -c 'import sqlalchemy; print(sqlalchemy.__version__)' 2>/dev/null" },
}
local bare, moonrow = contestants[1], contestants[2]

local function find_contestants()
  local skipped = {}
  for _, contestant in ipairs(contestants) do
    contestant.found = contestant.version and read_command(contestant.version) or not contestant.version and ""
    if not contestant.found then skipped[#skipped + 1] = contestant.name end
  end
  return skipped
end

local function takes_part(contestant, row)
  if (row.beside or row.alone) and contestant ~= bare and contestant ~= moonrow then return false end
  return contestant.found and (not row.only or row.only == contestant.name)
    and not (row.plain and contestant.name == "LuaSQL") -- whose rows are plain tables
end

local function command_of(contestant, row)
  if row.beside then contestant = moonrow end
  if contestant == bare and row.plain then return "lua5.4 " .. here .. "/work_plain.lua" end
  return contestant.command:format(contestant == bare and row.set.bare or row.set.suffix)
end

local function run(command, workload, database)
  command = ("%s %s %s"):format(command, workload, database)
  local line = assert(read_command(command), command .. " failed")
  local value, result = line:match "^(%S+) (%S+)"
  return assert(tonumber(value), command .. " printed " .. line), result
end

-- ---------------------------------------------------------------- databases

local databases = {}

local function copy(from, to)
  assert(os.execute(("cp %s %s"):format(from, to)))
end

-- Returns the path of a set's database. moonrow creates its tables, and the bare loop fills them. empty: the path of a
-- copy without rows.
local function database_of(set, empty)
  local path = databases[set]
  if not path then
    path = ("%s.%s"):format(scratch, set.fill)
    databases[set] = path
    run(moonrow.command:format(set.suffix), "create", path)
    copy(path, path .. ".empty")
    run(set.bare and bare.command:format(set.bare) or moonrow.command:format(set.suffix), set.fill, path)
  end
  return empty and path .. ".empty" or path
end

local function remove_databases()
  os.remove(scratch)
  for _, path in pairs(databases) do
    os.remove(path)
    os.remove(path .. ".empty")
  end
end

-- ---------------------------------------------------------------- measuring

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local middle = (#sorted + 1) // 2
  return #sorted % 2 == 1 and sorted[middle] or (sorted[middle] + sorted[middle + 1]) / 2
end

-- Runs a workload once. Returns its value, and a text to compare, which stands for all that was read or written.
local function run_once(contestant, row)
  copy(database_of(row.set, row.empty), scratch)
  local workload = contestant == bare and row.bare_workload or row.name
  local value, result = run(command_of(contestant, row), workload, scratch)
  if row.writes then result = select(2, run(bare.command:format(row.set.bare), "sum", scratch)) end
  return value, result
end

-- Measures a row. Returns the result of each contestant by name: the values and ratios of all rounds, their medians,
-- and the checksum.
local function measure(row, place)
  local results, last = {}, rounds * (row.times or 1)
  for round = 1, last do
    local yardstick
    for _, contestant in ipairs(contestants) do
      local name = contestant.name
      local r = results[name] or { values = {}, ratios = {} }
      if takes_part(contestant, row) and (round == 1 or row.unit or r.values[1] < 1) then
        progress("%s %s: round %d of %d, %s", place, row.name, round, last, name)
        local value, checksum = run_once(contestant, row)
        results[name] = r
        r.values[#r.values + 1] = value
        if contestant == bare then yardstick = value end
        if yardstick and yardstick > 0 then r.ratios[#r.ratios + 1] = value / yardstick end
        r.checksum = r.checksum or checksum
        if r.checksum ~= checksum then r.differs = true end
      end
    end
  end
  for _, r in pairs(results) do
    r.value = median(r.values)
    r.ratio = #r.ratios > 0 and median(r.ratios) or nil
  end
  progress ""
  return results
end

-- A message about the first contestant whose checksum differs. nil: all have the same.
local function disagreement(results)
  local first
  for _, contestant in ipairs(contestants) do
    local r = results[contestant.name]
    if r then
      first = first or r
      if r.differs or r.checksum ~= first.checksum then
        return ("%s has read or written something else: %s, not %s"):format(contestant.name, r.checksum, first.checksum)
      end
    end
  end
end

-- ---------------------------------------------------------------- printing

-- The figure of a result to which the limits of the row apply.
local function figure(row, r) return row.unit and r.value or r.ratio end

local function number(value)
  return value >= 100 and ("%.0f"):format(value) or value >= 10 and ("%.1f"):format(value) or ("%.2f"):format(value)
end

local function cell(row, r)
  if not r then return "-" end
  if row.unit then return ("%s %s"):format(number(r.value), row.unit) end
  return ("%s ms (%s)"):format(number(r.value * 1000), number(r.ratio))
end

local function range(r)
  if #r.ratios < 2 then return "" end
  return ("%s-%s"):format(number(math.min(table.unpack(r.ratios))), number(math.max(table.unpack(r.ratios))))
end

local function print_head()
  io.write(("%-49s"):format "")
  for _, contestant in ipairs(contestants) do
    if contestant.found then io.write(("%19s"):format(contestant.name)) end
  end
  io.write(("%12s%7s%7s\n"):format("of moonrow", "must", "aim"))
end

local function print_row(row, results)
  io.write(("%-49s"):format(row.words))
  for _, contestant in ipairs(contestants) do
    if contestant.found then io.write(("%19s"):format(cell(row, results[contestant.name]))) end
  end
  local mine = results.moonrow
  local judged = row.must and figure(row, mine) > row.must and "  above must" or ""
  io.write(("%12s%7s%7s%s\n"):format(row.unit and "" or range(mine), row.must or "", row.aim or "", judged))
  io.flush()
end

local function print_legend(list, skipped)
  print ""
  print(("CPU milliseconds; in brackets the median of %d rounds' ratios to the C loop of the same round.")
    :format(rounds))
  for _, row in ipairs(list) do
    if row.of then print(("  %s: %s"):format(row.name, row.of)) end
  end
  for _, name in ipairs(skipped) do
    print(("  %s is not installed and was skipped: make bench-deps brings it"):format(name))
  end
end

-- ---------------------------------------------------------------- all of it

local function load_average()
  local file = io.open "/proc/loadavg"
  if not file then return nil end
  local first = file:read "n"
  file:close()
  return first
end

local function machine()
  local cpu = read_command "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1"
  return ("%s, %s cores"):format(cpu and cpu ~= "" and cpu or "?", read_command "nproc" or "?")
end

-- The rows that ROW asks for. Each word is the name of a row, or else a part of several names.
local function choose()
  if wanted == "" then return rows end
  local list, taken = {}, {}
  for word in wanted:gmatch "[^,%s]+" do
    local exact, found = false, false
    for _, row in ipairs(rows) do exact = exact or row.name == word end
    for _, row in ipairs(rows) do
      local fits = row.name == word or not exact and row.name:find(word, 1, true)
      found = found or fits
      if fits and not taken[row] then
        taken[row] = true
        list[#list + 1] = row
      end
    end
    if not found then
      local names = {}
      for i, row in ipairs(rows) do names[i] = row.name end
      io.stderr:write(("bench: no row is called %s; there are: %s\n"):format(word, table.concat(names, ", ")))
      os.exit(1)
    end
  end
  return list
end

local function write_file(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  file:close()
  print("written: " .. path)
end

local function main()
  local list = choose()
  local skipped = find_contestants()
  local report = { date = os.date "!%Y-%m-%dT%H:%M:%SZ", rounds = rounds, machine = machine(),
    load_before = load_average(), contestants = {}, skipped = skipped, rows = {} }
  for _, contestant in ipairs(contestants) do
    if contestant.found then
      table.insert(report.contestants, { name = contestant.name, version = contestant.found })
    end
  end
  print(("%s, load %s, %s"):format(report.machine, report.load_before or "?", report.date))
  print_head()
  local wrong = {}
  for i, row in ipairs(list) do
    local results = measure(row, ("[%d/%d]"):format(i, #list))
    print_row(row, results)
    local differs = disagreement(results)
    if differs then
      wrong[#wrong + 1] = row.name .. ": " .. differs
      print("  " .. differs)
    end
    table.insert(report.rows, { name = row.name, group = row.group, words = row.words, of = row.of,
      unit = row.unit or "s", must = row.must, aim = row.aim, figure = figure(row, results.moonrow),
      results = results, agree = not differs })
  end
  report.load_after = load_average()
  print_legend(list, skipped)
  print(("load when it ended: %s"):format(report.load_after or "?"))
  write_file(build .. "/bench.json", json.encode(report) .. "\n")
  write_file(build .. "/bench.svg", chart.draw(report))
  return #wrong == 0
end

local done, good = xpcall(main, debug.traceback)
remove_databases()
if not done then
  io.stderr:write(good, "\n")
  os.exit(1)
end
os.exit(good)
