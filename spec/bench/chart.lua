-- chart.lua: draws the report of `make bench` as an SVG. Each row has a bar for moonrow, marks for the other
-- contestants, and lines for its limits. All are multiples of the yardstick, on a logarithmic axis.

local chart = {}

local WIDTH, LEFT, RIGHT = 1000, 430, 36 -- LEFT: the left end of the axis
local VALUE, TIME = 352, 414 -- right ends of the two columns of numbers, left of the axis
local HEAD, ROW, GROUP, FOOT = 150, 28, 42, 104

local style = [[
  svg { font: 13px system-ui, "Segoe UI", "DejaVu Sans", Helvetica, sans-serif; }
  .paper { fill: #ffffff; } .ink { fill: #1c2330; } .faint { fill: #6b7688; } .grid { stroke: #e4e8ee; }
  .one { stroke: #8a94a6; } .bar { fill: #3b6fd4; } .over { fill: #d9822b; } .value { font-weight: 600; }
  .whisker { stroke: #1c2330; stroke-opacity: .55; } .aim { stroke: #1f9d61; } .must { stroke: #c0392b; }
  .luasql { fill: #8e5bc0; } .sqlalchemy { fill: #c2456e; } .title { font-size: 21px; font-weight: 700; }
  .group { font-size: 12px; font-weight: 700; letter-spacing: .08em; } .small { font-size: 11.5px; }
  .band { fill: #f5f7fa; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #14181f; } .ink { fill: #e8ecf3; } .faint { fill: #93a0b4; } .grid { stroke: #2a313d; }
    .one { stroke: #6b7688; } .bar { fill: #5b8def; } .over { fill: #e59a4c; } .whisker { stroke: #e8ecf3; }
    .band { fill: #1a2029; } .aim { stroke: #39c986; }
    .must { stroke: #ff6b5b; } .luasql { fill: #b48ae0; } .sqlalchemy { fill: #ec7fa3; }
  }
]]

local function escape(text)
  return (tostring(text):gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local function text(x, y, class, words, anchor)
  return ('<text x="%.1f" y="%.1f" class="%s"%s>%s</text>'):format(
    x, y, class, anchor and (' text-anchor="%s"'):format(anchor) or "", escape(words))
end

local function line(x1, y1, x2, y2, class, width, dash)
  return ('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s" stroke-width="%s"%s/>'):format(
    x1, y1, x2, y2, class, width, dash and ' stroke-dasharray="3 2"' or "")
end

local function circle(x, y, class) return ('<circle cx="%.1f" cy="%.1f" r="5" class="%s"/>'):format(x, y, class) end

local function diamond(x, y, class)
  return ('<path d="M%.1f %.1f l6 6 l-6 6 l-6 -6 z" class="%s"/>'):format(x, y - 6, class)
end

local marks = { LuaSQL = { circle, "luasql" }, SQLAlchemy = { diamond, "sqlalchemy" } }

local function number(value)
  return (value >= 100 and "%.0f" or value >= 10 and "%.1f" or "%.2f"):format(value)
end

-- ---------------------------------------------------------------- the axis

-- Returns the two ends of the axis, and a function from a ratio to its x. The ends are powers of two: one below the
-- smallest ratio, one above the largest.
local function axis_of(rows)
  local low, high = 1, 4
  for _, row in ipairs(rows) do
    for _, r in pairs(row.results) do
      low, high = math.min(low, r.ratio), math.max(high, r.ratio)
    end
  end
  low = 2 ^ math.floor(math.log(math.max(low, 0.1), 2) - 0.01)
  high = 2 ^ math.ceil(math.log(high, 2) + 0.01)
  if low > 0.5 then low = 0.5 end
  local scale = (WIDTH - RIGHT - LEFT) / math.log(high / low)
  return low, high, function(ratio) return LEFT + math.log(math.max(ratio, low) / low) * scale end
end

local function draw_grid(out, low, high, x, top, bottom)
  local ratio = low
  while ratio <= high do
    out[#out + 1] = line(x(ratio), top, x(ratio), bottom, ratio == 1 and "one" or "grid", ratio == 1 and 1.5 or 1)
    for _, y in ipairs{ top - 8, bottom + 16 } do
      out[#out + 1] = text(x(ratio), y, "faint small", ("%g×"):format(ratio), "middle")
    end
    ratio = ratio * 2
  end
end

-- ---------------------------------------------------------------- a row

-- A limit (must or aim) as a ratio. If the unit of the row is not seconds, the limit is a figure in that unit.
local function as_ratio(row, limit)
  if not limit then return nil end
  return row.unit == "s" and limit or limit / row.results["C loop"].value
end

-- Draws moonrow's bar. Its part beyond the limit `must` has another colour.
local function draw_bar(out, row, x, y)
  local mine, must = row.results.moonrow, as_ratio(row, row.must)
  local from, to = x(math.min(1, mine.ratio)), x(math.max(1, mine.ratio))
  local box = '<rect x="%.1f" y="%.1f" width="%.1f" height="12" rx="%d" class="%s"><title>%s</title></rect>'
  local title = escape(("%s: %s times the bare C loop"):format(row.words, number(mine.ratio)))
  local over = row.must and row.figure > row.must
  out[#out + 1] = box:format(from, y - 6, math.max(to - from, 2), 3, over and "over" or "bar", title)
  if over and must > 1 then out[#out + 1] = box:format(from, y - 6, math.max(x(must) - from, 2), 0, "bar", title) end
  if #mine.ratios > 1 then
    local least, most = math.min(table.unpack(mine.ratios)), math.max(table.unpack(mine.ratios))
    out[#out + 1] = line(x(least), y, x(most), y, "whisker", 1.5)
  end
end

local function draw_limits(out, row, x, y)
  local aim, must = as_ratio(row, row.aim), as_ratio(row, row.must)
  if must then out[#out + 1] = line(x(must), y - 11, x(must), y + 11, "must", 2, true) end
  if aim then out[#out + 1] = line(x(aim), y - 11, x(aim), y + 11, "aim", 2) end
end

local short = { bytes = "B" }

-- The time or memory that moonrow takes: "117 ms", "220 B".
local function amount(row)
  local value = row.results.moonrow.value
  if row.unit ~= "s" then return ("%s %s"):format(number(value), short[row.unit] or row.unit) end
  return number(value * 1000) .. " ms"
end

-- The background of every second row.
local function band(y)
  return ('<rect x="14" y="%.1f" width="%d" height="%d" rx="4" class="band"/>'):format(y, WIDTH - 28, ROW)
end

local function draw_row(out, row, x, y)
  local mine = row.results.moonrow
  out[#out + 1] = text(24, y + 4.5, "ink", row.words)
  out[#out + 1] = text(VALUE, y + 4.5, "ink value", number(mine.ratio) .. "×", "end")
  out[#out + 1] = text(TIME, y + 4.5, "faint", amount(row), "end")
  draw_bar(out, row, x, y)
  draw_limits(out, row, x, y)
  for name, mark in pairs(marks) do
    local r = row.results[name]
    if r then out[#out + 1] = mark[1](x(r.ratio), y, mark[2]) end
  end
end

-- ---------------------------------------------------------------- around the rows

local function draw_key(out, x, y)
  local box = '<rect x="%.1f" y="%.1f" width="26" height="12" rx="3" class="%s"/>'
  local function words(at, what) out[#out + 1] = text(at, y + 4.5, "ink", what) end
  out[#out + 1] = box:format(x, y - 6, "bar")
  words(x + 34, "moonrow")
  out[#out + 1] = circle(x + 116, y, "luasql")
  words(x + 128, "LuaSQL (tables, no ORM)")
  out[#out + 1] = diamond(x + 306, y, "sqlalchemy")
  words(x + 320, "SQLAlchemy (Python)")
  y = y + 22
  out[#out + 1] = line(x + 2, y - 8, x + 2, y + 8, "aim", 2)
  words(x + 10, "aim")
  out[#out + 1] = line(x + 52, y - 8, x + 52, y + 8, "must", 2, true)
  words(x + 60, "must")
  out[#out + 1] = box:format(x + 116, y - 6, "over")
  words(x + 150, "above what it must be")
  out[#out + 1] = line(x + 306, y, x + 332, y, "whisker", 1.5)
  words(x + 340, "from the least to the most of the rounds")
end

local function draw_foot(out, report, others, y)
  for _, row in ipairs(others) do
    out[#out + 1] = text(24, y, "ink", ("%s: %s %s"):format(row.words, number(row.results.moonrow.value), row.unit))
    y = y + 20
  end
  local names = {}
  for _, contestant in ipairs(report.contestants) do
    local version = contestant.version:match("^[^\n]*"):gsub("%s*Copyright.*PUC%-Rio%s*", "  ")
    if version:find(contestant.name, 1, true) ~= 1 then version = contestant.name .. " " .. version end
    if contestant.version ~= "" then names[#names + 1] = version end
  end
  local load = ("load %s to %s"):format(report.load_before or "?", report.load_after or "?")
  out[#out + 1] = text(24, y, "faint small", ("%s · %s · %s"):format(report.machine, load, report.date))
  out[#out + 1] = text(24, y + 18, "faint small", table.concat(names, " · "))
end

-- Returns the rows that have a yardstick, and the others.
local function split(rows)
  local compared, others = {}, {}
  for _, row in ipairs(rows) do
    local list = row.results.moonrow.ratio and compared or others
    list[#list + 1] = row
  end
  return compared, others
end

---Draws a report of bench.lua.
---@param report table
---@return string svg
function chart.draw(report)
  local rows, others = split(report.rows)
  local out, y, group = {}, HEAD, nil
  local low, high, x = axis_of(rows)
  local bands, body = {}, {} -- drawn below the lines of the axis, and above them
  local nth = 0
  for _, row in ipairs(rows) do
    if row.group ~= group then
      group, nth = row.group, 0
      body[#body + 1] = text(24, y + 28, "faint group", group:upper())
      y = y + GROUP
    end
    nth = nth + 1
    if nth % 2 == 1 then bands[#bands + 1] = band(y) end
    draw_row(body, row, x, y + ROW / 2)
    y = y + ROW
  end
  local height = y + FOOT + 20 * #others
  out[#out + 1] = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">'):format(
    WIDTH, height, WIDTH, height)
  out[#out + 1] = "<style>" .. style .. "</style>"
  out[#out + 1] = ('<rect class="paper" width="%d" height="%d" rx="10"/>'):format(WIDTH, height)
  out[#out + 1] = text(24, 38, "ink title", "moonrow beside a bare C loop")
  local words = "How many times the CPU time, or memory, of the same work in C on SQLite itself "
    .. "(of attributes: of a field of a Lua table); medians of %d rounds"
  out[#out + 1] = text(24, 60, "faint", words:format(report.rounds))
  draw_key(out, 24, 88)
  table.move(bands, 1, #bands, #out + 1, out)
  draw_grid(out, low, high, x, HEAD, y + 8)
  table.move(body, 1, #body, #out + 1, out)
  draw_foot(out, report, others, y + 52)
  out[#out + 1] = "</svg>\n"
  return table.concat(out, "\n")
end

return chart
