-- tool_spec.lua: examples/tool: two processes edit one file, each in a terminal of its own (tmux), which is read as a
-- person sees it.

local folder = os.getenv "BUILD" or "build"
local binary = folder .. "/moonrow"

local function read(command)
  local pipe = assert(io.popen("(" .. command .. ") 2>&1"))
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

describe("the terminal editor", function()
  if not exists(binary) then return end
  if read "command -v tmux" == "" then
    it("is driven by tmux", function() pending "tmux is not installed: make deps installs it" end)
    return
  end

  local path, server

  local function tmux(words) return read(("tmux -f /dev/null -L %s %s"):format(server, words)) end
  local function screen(who) return (tmux("capture-pane -p -t " .. who):gsub("%s+$", ""):gsub(" +\n", "\n")) end

  -- Waits until the screen of this one has the text.
  local function wait(who, text)
    local seen
    for _ = 1, 100 do
      seen = screen(who)
      if seen:find(text, 1, true) then return seen end
      os.execute "sleep 0.1"
    end
    error(("the screen of %s never had %q:\n%s"):format(who, text, seen), 2)
  end

  local function keys(who, ...)
    for _, key in ipairs{ ... } do tmux(("send-keys -t %s %s"):format(who, quote(key))) end
  end

  local function start(who)
    local command = ("%s examples/tool/tool.lua %s player; echo ended; sleep 60"):format(binary, path)
    tmux(("new-session -d -s %s -x 120 -y 24 %s"):format(who, quote(command)))
    return wait(who, "to undo")
  end

  before_each(function()
    path = os.tmpname()
    server = "moonrowtool" .. path:match "%w+$"
    assert(os.execute(("sqlite3 %s %s"):format(path, quote [[
create table player (id integer primary key, name text, gold integer);
insert into player values (1, 'Ann', 10), (2, 'Zoe', 2500), (3, 'Bob', null);]])))
  end)

  after_each(function()
    tmux "kill-server"
    os.remove(path)
  end)

  it("shows in each window what the other has committed, and undoes its own steps", function()
    assert.equal([[
player: 3 rows, 0 to undo
  id               name             gold
> 1                Ann              10
  2                Zoe              2500
  3                Bob              -]], start "one")
    start "two"
    keys("one", "Right", "j", "Enter", "Zod", "Enter")
    local seen = wait("one", "change name")
    assert.truthy(seen:find("> 2                Zod", 1, true), seen)
    assert.truthy(seen:find("1 to undo", 1, true), seen)
    seen = wait("two", "Zod")
    assert.truthy(seen:find("0 to undo", 1, true), seen)
    keys("two", "a")
    wait("one", "player: 4 rows, 1 to undo")
    keys("one", "u")
    wait("one", "undone: change name")
    seen = wait("two", "Zoe")
    assert.truthy(seen:find("player: 4 rows, 1 to undo", 1, true), seen)
    keys("one", "r")
    wait("two", "Zod")
    keys("two", "u")
    wait("one", "player: 3 rows")
    keys("one", "q")
    wait("one", "ended")
    keys("two", "q")
    wait("two", "ended")
  end)

  it("tells that the other has changed a row since, and overwrites nothing", function()
    start "one"
    start "two"
    keys("one", "l", "Enter", "Eve", "Enter")
    wait("two", "Eve")
    keys("two", "l", "l", "Enter", "7", "Enter")
    wait("one", "Eve              7")
    keys("one", "u")
    wait("one", "rows were changed since by others: Player 1")
    keys("one", "d")
    wait("one", "player: 2 rows")
    wait("two", "player: 2 rows")
    keys("one", "u")
    local seen = wait("two", "Eve              7")
    assert.truthy(seen:find("player: 3 rows", 1, true), seen)
  end)
end)
