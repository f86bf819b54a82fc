-- tool.lua: edits a table of any SQLite database in the terminal: a list that is live, and undo.
--
--   moonrow tool.lua FILE TABLE
--
-- Start it twice with one file: what the one commits, the other shows. Each undoes what it has done itself, and is told
-- where the other has changed that since.
--
--   up down left right (or k j h l)   the cell         a   a new row         u   undo        q   quit
--   Enter                             edits it         d   deletes the row   r   redo

local mr = require "moonrow"

local path, name = ...
if not name then
  io.stderr:write "usage: moonrow tool.lua FILE TABLE\n"
  os.exit(2)
end

local db = mr.open("sqlite:///" .. path)
db:automap{ only = { name } }
local _, Row = next(db.classes)
local columns = mr.inspect(Row).columns
local key = mr.inspect(Row).primary_key[1]

local HEIGHT, WIDTH = 18, 16 -- rows on the screen; characters of a column
local at, column, top = 1, 1, 1
local said, typed, dirty, running = "", nil, true, true
local rows

-- ---------------------------------------------------------------- the screen

local function cell(text, width)
  text = text:gsub("%c", " ")
  local n = utf8.len(text) or #text
  if n > width then return text:sub(1, utf8.offset(text, width) - 1) .. "…" end
  return text .. (" "):rep(width - n)
end

local function line_of(i)
  local ok, row = pcall(function() return rows[i] end)
  if not ok or not row then return "" end
  local parts = {}
  for c, column_name in ipairs(columns) do
    local value = row[column_name]
    local text = cell(value == nil and "-" or tostring(value), WIDTH)
    if i == at and c == column then text = "\27[7m" .. text .. "\27[0m" end
    parts[c] = text
  end
  return (i == at and "> " or "  ") .. table.concat(parts, " ")
end

local function draw()
  local names, steps = {}, 0
  for c, column_name in ipairs(columns) do names[c] = cell(column_name, WIDTH) end
  for _, step in ipairs(db.history:steps()) do steps = steps + (step.undone and 0 or 1) end
  local lines = { string.format("%s: %d rows, %d to undo", name, #rows, steps), "  " .. table.concat(names, " ") }
  for i = top, top + HEIGHT - 1 do lines[#lines + 1] = line_of(i) end
  lines[#lines + 1] = typed and columns[column] .. " = " .. typed .. "_" or said
  io.write("\27[H", table.concat(lines, "\27[K\r\n"), "\27[K\27[J")
  io.flush()
end

local function move(to)
  at = math.max(1, math.min(#rows, to))
  top = math.max(1, math.min(at, math.max(top, at - HEIGHT + 1)))
  dirty = true
end

-- ---------------------------------------------------------------- what the keys do

-- Runs fn; what it says, or its error, is told in the last line. After an error nothing is done.
local function try(fn)
  local ok, told = pcall(fn)
  said = ok and (told or "") or tostring(told and told.message or told)
  if not ok then db.session:rollback() end
  dirty = true
end

local function step(words, fn)
  try(function()
    db.session:begin(fn, { undo = words })
    return words
  end)
end

local keys = {}
function keys.q() running = false end
function keys.j() move(at + 1) end
function keys.k() move(at - 1) end
function keys.l() column = math.min(#columns, column + 1) end
function keys.h() column = math.max(1, column - 1) end
keys["\r"] = function() typed = #rows > 0 and "" or nil end
keys["\n"] = keys["\r"]
function keys.a() step("add a row", function() db.session:add(Row{}) end) end
function keys.d()
  local row = rows[at]
  if row then step("delete a row", function() db.session:delete(row) end) end
end
function keys.u() try(function() return "undone: " .. (db.history:undo() or "nothing") end) end
function keys.r() try(function() return "redone: " .. (db.history:redo() or "nothing") end) end

local function finish_typing()
  local row, attribute, text = rows[at], columns[column], typed
  typed = nil
  local value = tonumber(text)
  if value == nil then value = text end
  if text == "" then value = mr.null end
  step("change " .. attribute, function() row[attribute] = value end)
end

local function take(char)
  dirty = true
  if not typed then
    if keys[char] then keys[char]() end
  elseif char == "\r" or char == "\n" then
    finish_typing()
  elseif char == "\27" then
    typed = nil
  elseif char == "\127" or char == "\b" then
    typed = typed:sub(1, (utf8.offset(typed, -1) or 1) - 1)
  elseif char >= " " then
    typed = typed .. char
  end
end

-- Arrows are three characters: \27 [ A
local arrows = { A = "k", B = "j", C = "l", D = "h" }
local function read_key()
  local char = io.read(1)
  if char ~= "\27" or typed then return char end
  local second = io.read(1)
  local third = second == "[" and io.read(1)
  return third and arrows[third] or char
end

-- ---------------------------------------------------------------- the loop

local function run()
  local list <close> = Row.query:order_by(Row[key]):window{
    size = HEIGHT,
    on_change = function() move(at) end,
  }
  rows = list
  io.stdout:setvbuf "full"
  io.write "\27[?25l\27[2J"
  while running do
    local ok, err = pcall(db.poll, db)
    if not ok then said, dirty = err.message, true end
    if dirty then
      dirty = false
      draw()
    end
    local char = read_key() -- waits a fifth of a second
    if char then take(char) end
  end
end

io.stdin:setvbuf "no"
os.execute "stty -icanon -echo min 0 time 2"
local ok, err = xpcall(run, function(e) return type(e) == "string" and debug.traceback(e) or e end)
os.execute "stty icanon echo"
io.write "\27[?25h\27[2J\27[H"
if not ok then error(err, 0) end
