-- shell_spec.lua: the shell on a terminal: keys go in, and the screen is read as a person sees it. tmux is the
-- terminal.

local folder = os.getenv "BUILD" or "build"
local binary = folder .. "/moonrow"

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function read(command)
  local pipe = assert(io.popen("(" .. command .. ") 2>&1"))
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

describe("the shell on a terminal", function()
  if not exists(binary) then return end
  if read "command -v tmux" == "" then
    it("is driven by tmux", function() pending "tmux is not installed: make deps installs it" end)
    return
  end
  if not read(("ldd %s"):format(binary)):find "libedit" then
    it("edits lines", function() pending "the host was built without libedit: make deps installs it" end)
    return
  end

  local scratch, terminal, history
  local terminals = 0

  setup(function()
    scratch = os.tmpname()
    os.remove(scratch)
    os.execute("mkdir -p " .. scratch)
    history = scratch .. "/history"
    assert(os.execute(("sqlite3 %s/game.db %s"):format(scratch, quote [[
create table player (id integer primary key, name text not null, gold integer);
create table item (id integer primary key, name text, player_id integer references player);
insert into player values (1, 'Ann', 10), (2, 'Zoë', 2500), (3, 'Bob', null);
insert into item values (1, 'sword', 1), (2, 'shield', 1);]])))
    local models = assert(io.open(scratch .. "/models.lua", "w"))
    models:write [[
local mr = require "moonrow"
local Base = mr.declarative_base()
local Hero = Base:extend("Hero", { __tablename = "player", id = mr.Column{ mr.Integer, primary_key = true },
  name = mr.Column{ mr.Text } })
function Hero:greeting() return "Hello, " .. self.name end
return { Hero = Hero }
]]
    models:close()
  end)

  teardown(function() os.execute("rm -rf " .. scratch) end)

  local function tmux(words) return read(("tmux -L %s %s"):format(terminal, words)) end

  local function screen() return (tmux("capture-pane -p"):gsub("%s+$", "")) end

  -- Waits until the screen has the text, which is what the last keys bring.
  local function wait(text)
    local seen
    for _ = 1, 100 do
      seen = screen()
      if seen:find(text, 1, true) then return seen end
      os.execute "sleep 0.1"
    end
    error(("the screen never had %q:\n%s"):format(text, seen), 2)
  end

  local function start(arguments, width)
    terminals = terminals + 1
    terminal = ("moonrow%s%d"):format(scratch:match "[%w]+$", terminals)
    local command = ("env TERM=xterm NO_COLOR=1 MOONROW_HISTORY=%s %s %s; echo ended; sleep 60"):format(history, binary,
      arguments)
    tmux(("-f /dev/null new-session -d -x %d -y 50 %s"):format(width or 80, quote(command)))
    return wait "help says"
  end

  local function keys(...)
    for _, key in ipairs{ ... } do tmux("send-keys " .. quote(key)) end
  end

  -- Types the line; the screen when it has the text. Without one: when the shell waits for the next line.
  local function line(text, expected)
    keys(text, "Enter")
    if expected then return wait(expected) end
    for _ = 1, 100 do
      if screen():find "\n>$" then return end
      os.execute "sleep 0.1"
    end
    error("the shell never came back:\n" .. screen(), 2)
  end

  after_each(function() if terminal then tmux "kill-server" end end)

  it("opens a database, has a class for each table, and shows lists of objects as tables", function()
    local seen = start(scratch .. "/game.db")
    assert.truthy(seen:find("classes: Item, Player", 1, true), seen)
    seen = line("Player.query:order_by(Player.id):all()", "(3 objects)")
    assert.truthy(seen:find([[
id  name  gold
--  ----  ----
 1  Ann     10
 2  Zoë   2500
 3  Bob   NULL
(3 objects)]], 1, true), seen)
    seen = line("Player.query:get(2)", "gold  2500")
    assert.truthy(seen:find("<Player 2>\n  id    2\n  name  Zoë\n  gold  2500\n", 1, true), seen)
    seen = line('db.session:execute(mr.text "select count(*) n from item")', "(1 row)")
    assert.truthy(seen:find("n\n-\n2\n(1 row)", 1, true), seen)
  end)

  it("begins with the program's own classes", function()
    start(("%s/game.db -m %s/models.lua"):format(scratch, scratch))
    line("db.session:query(Hero):first():greeting()", "Hello, Ann")
  end)

  it("cuts columns to the window, and puts values below each other where there are too many", function()
    start("", 40)
    line("db = mr.open 'sqlite://'")
    local seen = line("db.session:execute(mr.text [[select 1 id, 'a long text that does not fit' a, " ..
      "'and another that does not, too' b]])", "(1 row)")
    assert.truthy(seen:find("\nid  a                  b\n", 1, true), seen)
    assert.truthy(seen:find("\n 1  a long text that …  and another th…\n", 1, true)
      or seen:find("\n 1  a long text that", 1, true), seen)
    for shown in seen:gmatch "[^\n]+" do assert.truthy(utf8.len(shown) <= 40, shown) end
    keys("db.session:execute(mr.text [[select 1111111 aaaaaaa, 2 bbbbbbb, 3 ccccccc, 4 ddddddd, 5 eeeeeee, " ..
      "6 ffffffff]])", "Enter")
    seen = wait "ffffffff  6"
    assert.truthy(seen:find("-- 1\n  aaaaaaa   1111111\n  bbbbbbb   2\n", 1, true), seen)
  end)

  it("completes members, tables, files and commands", function()
    start(scratch .. "/game.db")
    keys("Player.query:filter_", "Tab")
    wait "> Player.query:filter_by"
    keys("C-c", "Player.query:f", "Tab")
    wait "filter          filter_by       first           first_or_404    from_statement"
    keys("C-c", "Player.na", "Tab")
    wait "> Player.name"
    keys("C-c", 'x = mr.text "select * from pl', "Tab")
    wait "select * from player"
    keys("C-c", 'io.open("' .. scratch .. "/mod", "Tab")
    wait "models.lua"
    keys("C-c", ":expl", "Tab")
    wait "> :explain"
    keys("C-c", "string.for", "Tab")
    wait "> string.format"
    keys("C-c", "local whi", "Tab")
    wait "> local while"
  end)

  it("completes the attributes of an object and sends nothing", function()
    start(scratch .. "/game.db")
    line("ann = Player.query:get(1)")
    line(":echo on", "echo is on")
    keys("ann.go", "Tab")
    local seen = wait "> ann.gold"
    assert.falsy(seen:find("SELECT", 1, true), seen)
  end)

  it("stops what runs and gives a line up by Ctrl-C, and goes on", function()
    start ""
    keys("while true do end", "Enter")
    os.execute "sleep 0.3"
    keys "C-c"
    wait "interrupted!"
    keys("this is no Lua", "C-c")
    wait "^C"
    keys("for i = 1, 2 do", "Enter")
    wait "\n>>"
    keys "C-c"
    local seen = line("20 + 1", "\n21\n")
    assert.falsy(seen:find("ended", 1, true), seen)
  end)

  it("keeps the history between runs, a statement of several lines as one", function()
    os.remove(history)
    start ""
    keys("x = {", "Enter")
    wait "\n>>"
    line("7 }")
    line("x[1]", "\n7\n")
    keys("quit", "Enter")
    wait "ended"
    tmux "kill-server"
    assert.equal("600", (read(("stat -c %%a %s"):format(history)):gsub("%s", "")))
    start ""
    keys("Up", "Up")
    wait "> x = { 7 }"
    keys "Enter"
    line("x[1] + 1", "\n8\n")
  end)

  it("tells of what is not committed before it leaves", function()
    start(scratch .. "/game.db")
    line('db.session:add(Player{ name = "Cy" })')
    local seen = line("quit", "not committed: 1 object (1 Player)")
    assert.falsy(seen:find("ended", 1, true), seen)
    keys("quit", "Enter")
    seen = wait "ended"
    assert.falsy(seen:find("warning", 1, true), seen)
    tmux "kill-server"
    start(scratch .. "/game.db")
    keys "C-d"
    wait "ended"
  end)

  it("knows the keys of a terminal, and types none of them", function()
    start ""
    keys("ab", "Left", "DC", "c", "Home", "x", "End", "y")
    wait "> xacy"
    keys("C-c", "IC", "F1", "F5", "F12", "PPage", "NPage", "S-Left", "C-Up", "BTab", "q", "C-Left", "p")
    wait "\n> pq"
  end)

  it("gives a line up that is longer than the window, from the middle of it", function()
    start("", 40)
    keys("x = '" .. ("a"):rep(100) .. "é'", "C-a", "w", "C-c", "1 + 1", "Enter")
    local seen = wait "\n2\n"
    assert.truthy(seen:find("é'^C\n> 1 + 1\n2", 1, true), seen)
  end)

  it("outlives a signal of Ctrl-C while it waits for a line", function()
    start ""
    local pane = tmux("list-panes -F '#{pane_pid}'"):match "%d+"
    local pid = read("pgrep -P " .. pane):match "%d+"
    keys "1 +"
    wait "> 1 +"
    os.execute(("kill -INT %s; sleep 0.2; kill -INT %s"):format(pid, pid))
    local seen = line("20 + 2", "\n22\n")
    assert.falsy(seen:find("ended", 1, true), seen)
  end)

  it("lists what is possible in columns of the window, and nothing of what only a call would tell", function()
    start(scratch .. "/game.db", 60)
    keys("Player.query:", "Tab")
    local seen = wait "yield_per"
    assert.truthy(seen:find "\nadd_columns +%a", seen)
    for shown in seen:gmatch "[^\n]+" do assert.truthy(#shown <= 60, shown) end
    keys("C-c", "C-l", "tostring(1).", "Tab", "x")
    seen = wait "tostring(1).x"
    assert.falsy(seen:find("collectgarbage", 1, true), seen)
  end)

  it("keeps the lines of a text in long brackets in the history", function()
    os.remove(history)
    start ""
    keys("x = [[a", "Enter", "  b]]", "Enter", "#x", "Enter")
    wait "\n5\n"
    keys("Up", "Up", "Enter", "x", "Enter")
    wait "a\n  b\n>"
  end)

  it("leaves an incomplete statement by Ctrl-D, and stops until fg by Ctrl-Z", function()
    start ""
    keys("for i = 1, 2 do", "Enter", "C-d")
    wait "\nstdin:1: 'end' expected near <eof>"
    keys("quit", "Enter")
    wait "ended"
    tmux "kill-server"
    tmux(("-f /dev/null new-session -d -x 80 -y 50 %s"):format(quote("env TERM=xterm NO_COLOR=1 PS1='sh> ' "
      .. "MOONROW_HISTORY=" .. history .. " bash --norc --noprofile")))
    wait "sh>"
    keys(binary, "Enter")
    wait "help says"
    keys("30 +", "C-z")
    wait "Stopped"
    keys("fg", "Enter")
    os.execute "sleep 0.3"
    keys(" 3", "Enter")
    wait "\n33\n"
  end)

  it("has commands of its own", function()
    start(scratch .. "/game.db")
    line(":tables", "item\nplayer\n")
    line(":explain Player.query", "SCAN player")
    line(":time on", "time is on")
    line("1 + 1", "ms of the processor")
    line(":ecoh", "there is no :ecoh (did you mean 'echo'?)")
    line(":echo on", "echo is on for 1 database")
    line("Item.query:count()", "SELECT count(*)")
    line(":sql select name from player where id < 2;", "name\n----\nAnn\n(1 row)")
    line(":sql update player set gold = 3 where id = 3", "\n1 row\n")
    line(":sql selec 1", 'near "selec": syntax error')
    line("select 1", "SQL is run by :sql STATEMENT")
    line("help", ":explain QUERY")
    line("help = 5")
    line("help", "\n5\n")
  end)
end)

describe("the shell in a pipe", function()
  if not exists(binary) then return end

  local function shell(input)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(input)
    file:close()
    local output = read(("%s -i < %s"):format(binary, path))
    os.remove(path)
    return (output:gsub("^moonrow[^\n]*\n", ""))
  end

  it("shows plain tables as Lua writes them", function()
    assert.equal('{ 1, "two\\n", { a = true }, b = { [2.5] = 3, ["end"] = 2, ["x y"] = 1 } }\n',
      shell "{ 1, 'two\\n', { a = true }, b = { ['x y'] = 1, ['end'] = 2, [2.5] = 3 } }\n")
    assert.equal("{ me = { ... itself } }\n", shell "t = {} t.me = t\nt\n")
    assert.equal("{}\n", shell "{}\n")
    local long = shell "t = {} for i = 1, 1000 do t[i] = i end\nt\n"
    assert.truthy(long:find("  50,\n  ... 950 more\n}\n", 1, true), long)
    assert.equal("shown\n", shell "setmetatable({ 1 }, { __tostring = function() return 'shown' end })\n")
  end)

  it("prints with the program's own print", function()
    assert.equal("<1>\n", shell "function print(v) io.write('<', tostring(v), '>\\n') end\n1\n")
  end)

  it("takes the bytes of a key for no program", function()
    local output = shell "\27[A\n1 + 1\n"
    assert.truthy(output:find("the line has a control character", 1, true), output)
    assert.falsy(output:find("binary", 1, true), output)
    assert.truthy(output:find("2\n$"), output)
  end)

  it("says without a traceback which file is not there, and how a database is made", function()
    for arguments, words in pairs{ ["/nowhere/a.db"] = "moonrow: /nowhere/a.db: No such file or directory: to make a "
      .. 'new one, in the shell: db = mr.open "sqlite:////nowhere/a.db"\n',
      ["-m /nowhere/m.lua"] = "moonrow: cannot open /nowhere/m.lua: No such file or directory\n",
      ["mysql://x"] = [[moonrow: database URL "mysql://x": unknown dialect 'mysql' (known are sqlite and postgresql)]]
        .. "\n" } do
      assert.equal(words .. "1\n", (read(binary .. " " .. arguments .. "; echo $?")))
    end
  end)

  it("refuses a database that is not there, and words that it does not know", function()
    local output = read(binary .. " sqlite:////nowhere/at.db; echo $?")
    assert.truthy(output:find("/nowhere/at.db: No such file or directory", 1, true), output)
    assert.truthy(output:find("\n1\n$"), output)
    output = read(binary .. " shell a b; echo $?")
    assert.equal("usage: moonrow shell [URL] [-m models.lua]\nmoonrow shell: 'b' is one word too many\n2\n",
      output)
  end)
end)
