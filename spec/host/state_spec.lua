-- The host's Lua state: its own allocator does what realloc and free do, gives memory back, and says when there is
-- none; warnings are those of lua.

local with_script = require "spec.support.script"
local binary = (os.getenv "BUILD" or "build") .. "/moonrow"

-- Runs the script with the host, behind a shell's command. Returns what it prints, and its exit code.
local function run(script, before)
  local output, code
  with_script(script, function(path)
    local pipe = assert(io.popen(("%s '%s' '%s' 2>&1"):format(before or "", binary, path)))
    output = pipe:read "a"
    code = select(3, pipe:close())
  end)
  return output, code
end

-- Strings, tables and buffers of random sizes are made, changed in size, checked and dropped, many times.
local CHURN = [[
  math.randomseed(tonumber(arg[1]) or 7)
  local kept, made = {}, 0
  local function text(i, n) return (("%d:"):format(i) .. ("x"):rep(n)):sub(1, math.max(n, 12)) end
  local function check(i)
    local it = kept[i]
    assert(it.text == text(it.number, it.length), "a text has changed")
    assert(#it.list == it.count, "a list has lost items")
    for k = 1, it.count do assert(it.list[k] == it.number + k, "an item has changed") end
    for k, v in pairs(it.names) do assert(k == "k" .. v, "a name has changed") end
  end
  for step = 1, 60000 do
    local i = math.random(1, 3000)
    local it = kept[i]
    if not it then
      local length, count = math.random(0, 600), math.random(0, 70)
      it = { number = step, length = length, text = text(step, length), list = {}, count = count, names = {} }
      for k = 1, count do it.list[k] = step + k end
      for k = 1, math.random(0, 20) do it.names["k" .. k] = k end
      kept[i], made = it, made + 1
    elseif step % 3 == 0 then -- a list grows or shrinks
      local count = math.random(0, 140)
      for k = it.count + 1, count do it.list[k] = it.number + k end
      for k = count + 1, it.count do it.list[k] = nil end
      it.count = count
    else
      check(i)
      kept[i] = nil
    end
  end
  for i in pairs(kept) do check(i) end
  print(made > 10000)
]]

describe("the host's Lua state", function()
  it("keeps blocks of all sizes as they were written", function()
    for _, mode in ipairs{ "incremental", "generational" } do
      assert.equal("true\n", (run(("collectgarbage %q\n"):format(mode) .. CHURN)))
    end
  end)

  it("gives memory back to the system", function()
    if (os.getenv "SANITIZE" or "") ~= "" then return pending "sanitizers keep what is freed" end
    local status = io.open "/proc/self/status"
    if not status then return pending "the system does not tell how much memory a process has" end
    status:close()
    local output = run [[
      local function resident()
        for line in io.lines "/proc/self/status" do
          local kilobytes = line:match "^VmRSS:%s*(%d+)"
          if kilobytes then return tonumber(kilobytes) end
        end
      end
      local before, all = resident(), {}
      for i = 1, 600000 do all[i] = "string number " .. i end
      local most = resident() - before
      all = nil
      collectgarbage() collectgarbage()
      print(most > 30000, resident() - before < most / 2)
    ]]
    assert.equal("true\ttrue\n", output)
  end)

  it("goes on after there was not enough memory", function()
    if (os.getenv "SANITIZE" or "") ~= "" then return pending "sanitizers need all the memory that there is" end
    local output, code = run([[
      local function fill()
        local all = {}
        for i = 1, math.huge do all[i] = { "string number " .. i } end
      end
      local ok, err = pcall(fill)
      print(ok, err)
      local mr = require "moonrow"
      local db = mr.open "sqlite://"
      local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
      db:create_all()
      for _ = 1, 100 do db.session:add(User{}) end
      db.session:commit()
      print(User.query:count())
    ]], "ulimit -v 200000;")
    assert.equal("false\tnot enough memory\n100\n", output)
    assert.equal(0, code)
  end)

  it("prints a warning of several pieces as one line, and obeys a word of control only as a whole message", function()
    assert.equal("Lua warning: one two\nLua warning: @off and more\nLua warning: still\n", (run [[
      warn("one ", "two")
      warn("@off", " and more")
      warn "still"
      warn "@off"
      warn "not this"
      warn "@unknown"
    ]]))
    assert.equal("Lua warning: again\n", (run [[
      warn "@off"
      warn("not ", "this")
      warn "@on"
      warn "again"
    ]]))
  end)
end)
