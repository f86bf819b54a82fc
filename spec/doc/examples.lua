-- examples.lua: runs the examples of the reference: the blocks of ```lua in the annotations.
--
-- Each runs alone, with `mr`, and with the classes and objects of examples.fixture. Two kinds of lines are checked:
--   CODE --> TEXT    the values of the expression CODE print as TEXT; "..." in TEXT stands for any text
--   CODE --! TEXT    CODE raises an error whose text contains TEXT; "KIND: TEXT" also checks its kind
-- CODE may begin in an earlier line. An example without such lines must only run to its end.
--
-- Invariant: no example sees the changes of another. Each has a database of its own.

local examples = {}

-- The code before each example. The reference shows it.
examples.fixture = [[
local db = mr.open "sqlite://"

local User = db.Model:extend("User", {
  id   = db.Column{ db.Integer, primary_key = true },
  name = db.Column{ db.String(40), nullable = false },
  age  = db.Column{ db.Integer },
})
local Post = db.Model:extend("Post", {
  id      = db.Column{ db.Integer, primary_key = true },
  title   = db.Column{ db.String(80), nullable = false },
  body    = db.Column{ db.Text },
  user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
  author  = db.relationship{ "User", backref = "posts" },
})
function User:__tostring() return self.name end
function Post:__tostring() return self.title end

db:create_all()
local session = db.session
local ann, bob, cid = User{ name = "Ann", age = 34 }, User{ name = "Bob", age = 27 }, User{ name = "Cid" }
ann.posts = { Post{ title = "Hello" }, Post{ title = "Again" } }
bob.posts = { Post{ title = "News" } }
session:add_all{ ann, bob, cid }
session:commit()
]]

-- examples.blocks(text): the blocks of ```lua in a text of Markdown.
function examples.blocks(text)
  local blocks = {}
  for code in ("\n" .. text .. "\n"):gmatch "\n```lua\n(.-)\n```%f[\n]" do blocks[#blocks + 1] = code end
  return blocks
end

local function lines_of(code)
  local lines = {}
  for line in (code .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

-- Finds the first line of the expression or statement that ends in the line `last`. It is the nearest line from which
-- the text compiles. Returns its number, and the text, with "return" before an expression.
local function begin_of(lines, last, code, may_be_statement)
  local text = code
  for first = last, 1, -1 do
    if first < last then text = lines[first] .. "\n" .. text end
    local says = text:match "%S"
    if says and load("return " .. text) then return first, "return " .. text end
    if says and may_be_statement and load(text) then return first, text end
  end
  error("this is no expression: " .. code, 0)
end

-- Makes the program of an example. Each line to check becomes a call of __check or __raises. Returns it, and the
-- wanted texts with their lines.
function examples.translate(code)
  local lines, wanted = lines_of(code), {}
  for number, line in ipairs(lines) do
    local source, sign, want = line:match "^(.-)%s+%-%-([>!])%s?(.-)%s*$"
    if source then
      local n = #wanted + 1
      wanted[n] = { line = number, text = want }
      local first, text = begin_of(lines, number, source, sign == "!")
      for above = first, number - 1 do lines[above] = "" end
      lines[number] = ("%s(%d, function() %s end)"):format(sign == ">" and "__check" or "__raises", n,
        text:gsub("\n", " "))
    end
  end
  return table.concat(lines, "\n"), wanted
end

local function is_like(text, want)
  local pattern = want:gsub("%p", "%%%0"):gsub("%%%.%%%.%%%.", ".-")
  return text:match("^" .. pattern .. "$") ~= nil
end

-- examples.run(code, chunk name): runs an example. Returns its mistakes as text or nil, and the number of lines that
-- it checked.
function examples.run(code, name)
  local program, wanted = examples.translate(code)
  local problems, seen = {}, 0
  local function check(n, fn)
    seen = seen + 1
    local values = table.pack(fn())
    for i = 1, values.n do values[i] = tostring(values[i]) end
    local text = table.concat(values, ", ")
    if not is_like(text, wanted[n].text) then
      problems[#problems + 1] = ("line %d gives %s, and not %s"):format(wanted[n].line, text, wanted[n].text)
    end
  end
  local function raises(n, fn)
    seen = seen + 1
    local ok, problem = pcall(fn)
    local text = ok and "no error" or tostring(problem)
    if ok or not text:find(wanted[n].text, 1, true) then
      problems[#problems + 1] = ("line %d raises %s, and not %s"):format(wanted[n].line, text, wanted[n].text)
    end
  end
  local chunk, mistake = load("local mr, __check, __raises = ...\n" .. examples.fixture .. program, "=" .. name)
  if not chunk then return mistake, 0 end
  local ok, problem = xpcall(chunk, function(e) return tostring(e) end, require "moonrow", check, raises)
  if not ok then problems[#problems + 1] = problem end
  if ok and seen < #wanted then problems[#problems + 1] = "not all of its lines were reached" end
  return problems[1] and table.concat(problems, "\n"), seen
end

return examples
