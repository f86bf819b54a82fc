-- readme.lua: makes the README's table of figures from the report of `make bench`.
--   lua5.4 spec/bench/readme.lua [build/bench.json]            prints it
--   lua5.4 spec/bench/readme.lua [build/bench.json] --write    puts it into README.md, between its marks
--
-- Invariant: no figure is written by hand. Each is a median of the report.

local cjson = require "cjson"

local readme = {}

-- The rows of the report that the table shows, each with its words in the table.
local ROWS = {
  { "load", "load 100,000 objects, read one attribute of each" },
  { "get", "20,000 times `session:get(Item, key)`" },
  { "first", "20,000 times `filter_by{ ... }:first()`" },
  { "joined", "10,000 parents with 100,000 children, by one join" },
  { "lazy", "10,000 lazy collections, a statement each" },
  { "insert", "make 100,000 objects, add and commit them" },
  { "change-each", "load 100,000 objects, change each, commit" },
  { "import", "import 300,000 rows, without objects" },
  { "bytes", "memory of a loaded object" },
  { "attribute-read", "read an attribute (first column: a field of a Lua table)" },
}
local COLUMNS = { "C loop", "moonrow", "LuaSQL", "SQLAlchemy" }
local HEADS = {
  ["C loop"] = "bare C loop", moonrow = "**moonrow**", LuaSQL = "LuaSQL (tables, no ORM)",
  SQLAlchemy = "SQLAlchemy (Python)",
}
local FIRST, LAST = "<!-- figures: lua5.4 spec/bench/readme.lua --write -->", "<!-- end of the figures -->"

local function thousands(text)
  local head, tail = text:match "^(%d+)(.*)$"
  return head:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "") .. tail
end

local function number(value)
  return thousands((value >= 100 and "%.0f" or value >= 10 and "%.0f" or "%.1f"):format(value))
end

local function cell(row, result)
  if not result then return "" end
  if row.unit == "s" then return number(result.value * 1000) .. " ms" end
  return number(result.value) .. " " .. row.unit
end

local function date_of(report) return report.date:match "^%d+%-%d+%-%d+" end

local function version_of(report, name)
  for _, contestant in ipairs(report.contestants) do
    if contestant.name == name then return contestant.version:match "%d[%d.]*" end
  end
end

---The table, as Markdown.
---@param report table of bench.lua, read from JSON
---@return string
function readme.table_of(report)
  local by_name, shown, lines = {}, {}, {}
  for _, row in ipairs(report.rows) do by_name[row.name] = row end
  for _, name in ipairs(COLUMNS) do
    if version_of(report, name) or name == "C loop" or name == "moonrow" then shown[#shown + 1] = name end
  end
  local heads, rule = { "" }, { "---" }
  for i, name in ipairs(shown) do
    local version = name ~= "moonrow" and version_of(report, name)
    heads[i + 1] = HEADS[name]:gsub("^%w+", version and "%0 " .. version or "%0")
    rule[i + 1] = "---:"
  end
  lines[1] = "| " .. table.concat(heads, " | ") .. " |"
  lines[2] = "| " .. table.concat(rule, " | ") .. " |"
  for _, entry in ipairs(ROWS) do
    local row = by_name[entry[1]]
    if row then
      local cells = { entry[2] }
      for i, name in ipairs(shown) do
        local text = cell(row, row.results[name])
        cells[i + 1] = name == "moonrow" and "**" .. text .. "**" or text
      end
      lines[#lines + 1] = "| " .. table.concat(cells, " | ") .. " |"
    end
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = ("CPU time, medians of %d rounds on %s, %s. `make bench` measures again."):format(
    report.rounds, report.machine, date_of(report))
  return table.concat(lines, "\n")
end

---The README's text with the table between its marks.
---@param text string
---@param figures string
---@return string
function readme.put(text, figures)
  local from, behind = text:find(FIRST, 1, true)
  local to = from and text:find(LAST, behind, true)
  assert(to, "README.md has no marks for the figures: " .. FIRST .. " ... " .. LAST)
  return text:sub(1, behind) .. "\n" .. figures .. "\n" .. text:sub(to)
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function main(arguments)
  local path, write = "build/bench.json", false
  for _, argument in ipairs(arguments) do
    if argument == "--write" then write = true else path = argument end
  end
  local figures = readme.table_of(cjson.decode(read(path)))
  if not write then
    print(figures)
    return
  end
  local text = readme.put(read "README.md", figures)
  local file <close> = assert(io.open("README.md", "w"))
  file:write(text)
end

if arg and arg[0] and arg[0]:match "readme%.lua$" then main(arg) end

return readme
