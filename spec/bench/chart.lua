-- chart.lua: draws what `make bench` measured as an SVG: a bar for moonrow in each row, marks for the other
-- contestants, and lines for what is aimed at, all as multiples of the yardstick on a logarithmic axis.

local chart = {}

local WIDTH, LEFT, RIGHT = 1000, 376, 40 -- LEFT: where the axis begins
local HEAD, ROW, GROUP, FOOT = 132, 30, 40, 96

local style = [[
  svg { font: 13px system-ui, "Segoe UI", "DejaVu Sans", Helvetica, sans-serif; }
  .paper { fill: #ffffff; } .ink { fill: #1c2330; } .faint { fill: #6b7688; } .grid { stroke: #e4e8ee; }
  .one { stroke: #8a94a6; } .bar { fill: #3b6fd4; } .over { fill: #d9822b; } .value { font-weight: 600; }
  .whisker { stroke: #1c2330; stroke-opacity: .55; } .aim { stroke: #1f9d61; } .must { stroke: #c0392b; }
  .luasql { fill: #8e5bc0; } .sqlalchemy { fill: #c2456e; } .title { font-size: 21px; font-weight: 700; }
  .group { font-size: 12px; font-weight: 700; letter-spacing: .08em; } .small { font-size: 11.5px; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #14181f; } .ink { fill: #e8ecf3; } .faint { fill: #93a0b4; } .grid { stroke: #2a313d; }
    .one { stroke: #6b7688; } .bar { fill: #5b8def; } .over { fill: #e59a4c; } .whisker { stroke: #e8ecf3; }
    .aim { stroke: #39c986; } .must { stroke: #ff6b5b; } .luasql { fill: #b48ae0; } .sqlalchemy { fill: #ec7fa3; }
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

-- From below the smallest ratio to above the largest, in powers of two; which x belongs to a ratio.
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
    out[#out + 1] = text(x(ratio), top - 8, "faint small", ("%g×"):format(ratio), "middle")
    ratio = ratio * 2
  end
end

-- ---------------------------------------------------------------- a row

-- must and aim as ratios: those of other units are figures of their own.
local function as_ratio(row, limit)
  if not limit then return nil end
  return row.unit == "s" and limit or limit / row.results["C loop"].value
end

local function draw_bar(out, row, x, y)
  local mine = row.results.moonrow
  local from, to = x(math.min(1, mine.ratio)), x(math.max(1, mine.ratio))
  local over = row.must and row.figure > row.must
  local box = '<rect x="%.1f" y="%.1f" width="%.1f" height="12" rx="3" class="%s"><title>%s</title></rect>'
  out[#out + 1] = box:format(from, y - 6, math.max(to - from, 2), over and "over" or "bar",
    escape(("%s: %s times the yardstick"):format(row.words, number(mine.ratio))))
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

local function draw_row(out, row, x, y)
  local mine = row.results.moonrow
  local value = number(mine.ratio) .. "×"
  if row.unit ~= "s" then value = ("%s %s"):format(number(mine.value), short[row.unit] or row.unit) end
  out[#out + 1] = text(LEFT - 86, y + 4.5, "ink", row.words, "end")
  out[#out + 1] = text(LEFT - 12, y + 4.5, "ink value", value, "end")
  draw_bar(out, row, x, y)
  draw_limits(out, row, x, y)
  for name, mark in pairs(marks) do
    local r = row.results[name]
    if r then out[#out + 1] = mark[1](x(r.ratio), y, mark[2]) end
  end
end

-- ---------------------------------------------------------------- around the rows

local function draw_key(out, x, y)
  out[#out + 1] = ('<rect x="%.1f" y="%.1f" width="26" height="12" rx="3" class="bar"/>'):format(x, y - 6)
  out[#out + 1] = text(x + 34, y + 4.5, "ink", "moonrow")
  out[#out + 1] = ('<rect x="%.1f" y="%.1f" width="26" height="12" rx="3" class="over"/>'):format(x + 106, y - 6)
  out[#out + 1] = text(x + 140, y + 4.5, "ink", "above what it must be")
  out[#out + 1] = line(x + 300, y - 9, x + 300, y + 9, "aim", 2)
  out[#out + 1] = text(x + 310, y + 4.5, "ink", "aim")
  out[#out + 1] = line(x + 352, y - 9, x + 352, y + 9, "must", 2, true)
  out[#out + 1] = text(x + 362, y + 4.5, "ink", "must")
  out[#out + 1] = circle(x + 416, y, "luasql")
  out[#out + 1] = text(x + 428, y + 4.5, "ink", "LuaSQL (tables, no ORM)")
  out[#out + 1] = diamond(x + 606, y, "sqlalchemy")
  out[#out + 1] = text(x + 620, y + 4.5, "ink", "SQLAlchemy 1.4")
end

local function draw_foot(out, report, others, y)
  for _, row in ipairs(others) do
    out[#out + 1] = text(24, y, "ink", ("%s: %s %s"):format(row.words, number(row.results.moonrow.value), row.unit))
    y = y + 20
  end
  local names = {}
  for _, contestant in ipairs(report.contestants) do
    local version = contestant.version:match "^[^\n]*"
    if version:find(contestant.name, 1, true) ~= 1 then version = contestant.name .. " " .. version end
    if contestant.version ~= "" then names[#names + 1] = version end
  end
  local load = ("load %s to %s"):format(report.load_before or "?", report.load_after or "?")
  out[#out + 1] = text(24, y, "faint small", ("%s · %s · %s"):format(report.machine, load, report.date))
  out[#out + 1] = text(24, y + 18, "faint small", table.concat(names, " · "))
end

-- Rows with a yardstick, and the others.
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
  local body = {}
  for _, row in ipairs(rows) do
    if row.group ~= group then
      group = row.group
      body[#body + 1] = text(24, y + 25, "faint group", group:upper())
      y = y + GROUP
    end
    draw_row(body, row, x, y + ROW / 2)
    y = y + ROW
  end
  local height = y + FOOT + 20 * #others
  out[#out + 1] = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">'):format(
    WIDTH, height, WIDTH, height)
  out[#out + 1] = "<style>" .. style .. "</style>"
  out[#out + 1] = ('<rect class="paper" width="%d" height="%d" rx="10"/>'):format(WIDTH, height)
  out[#out + 1] = text(24, 38, "ink title", "moonrow beside a bare C loop")
  out[#out + 1] = text(24, 60, "faint",
    ("CPU time, memory and attributes as multiples of the yardstick: medians of %d rounds, shorter is better")
      :format(report.rounds))
  draw_key(out, 24, 86)
  draw_grid(out, low, high, x, HEAD, y + 8)
  table.move(body, 1, #body, #out + 1, out)
  draw_foot(out, report, others, y + 40)
  out[#out + 1] = "</svg>\n"
  return table.concat(out, "\n")
end

return chart
