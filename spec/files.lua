-- files.lua: `make files FILES="a.sqlite b.db"`: tries SQLite files of any program, and prints a table of what could be
-- done with each. Without FILES: the real files that the specs use. The files themselves are only read.
--
--   tables, views     reflected, made again in another database, and reflected there: equal
--   classes, rows     mapped by mr.automap, and read: equal to what plain SQL gives
--   relations         loaded lazily, joined, by selectin and by subquery: as many objects
--   changed           columns in which a value was changed and put back; cloned: rows inserted and deleted again
--   refused           by a constraint, a trigger or a type
--   problems          what went wrong; each is printed below the table

local round_trip = require "spec.support.round_trip"

local columns = { "tables", "views", "classes", "rows", "relations", "changed", "cloned", "refused", "problems" }

local paths = { ... }
if #paths == 0 then
  for _, path in ipairs{ "../shared/data/chinook.sqlite", "../shared/data/northwind.sqlite",
    "../shared/data/gdal_sample.gpkg", "/usr/share/proj/proj.db" } do
    local file = io.open(path, "rb")
    if file then
      file:close()
      paths[#paths + 1] = path
    end
  end
end
if #paths == 0 then
  print 'make files FILES="my.db other.sqlite" tries SQLite files'
  os.exit(1)
end

local line = "%-32s" .. (" %9s"):rep(#columns)
print(line:format("file", table.unpack(columns)))
local failed, below = false, {}
for _, path in ipairs(paths) do
  local report = round_trip.check(path)
  print(line:format(path:match "[^/]*$", report.tables, report.views, report.classes, report.rows,
    report.relationships, report.changed, report.cloned, #report.refused, #report.problems))
  local function add(title, list)
    if #list > 0 then below[#below + 1] = path .. ": " .. title .. ":\n  " .. table.concat(list, "\n  ") end
  end
  add("problems", report.problems)
  add("left out", report.warnings)
  add("types by their values", report.choices)
  failed = failed or #report.problems > 0
end
for _, text in ipairs(below) do print("\n" .. text) end
os.exit(not failed)
