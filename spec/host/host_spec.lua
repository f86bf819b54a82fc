-- The host: flags, arguments, messages and exit codes are those of the program lua.

local with_script = require "spec.support.script"
local folder = (os.getenv "BUILD" or "build")
local binary = folder .. "/moonrow"

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function quote(text) return "'" .. text:gsub("'", [['\'']]) .. "'" end

-- Runs the host. env: an assignment before the command ("LUA_INIT=..."); input: its standard input. Returns its output
-- and its exit code.
local function run(arguments, input, env)
  local stdin = os.tmpname()
  local file = assert(io.open(stdin, "wb"))
  file:write(input or "")
  file:close()
  local command = ("env -u LUA_INIT -u LUA_INIT_5_4 %s %s %s <%s 2>&1"):format(
    env or "", quote(binary), arguments, quote(stdin))
  local pipe = assert(io.popen(command, "r"))
  local output = pipe:read "a"
  local _, _, code = pipe:close()
  os.remove(stdin)
  return output, code
end

describe("the host", function()
  if not exists(binary) then
    pending("is not built: " .. binary)
    return
  end

  it("runs a script with its arguments", function()
    with_script("print(#arg, arg[0] ~= nil, arg[-1] ~= nil, ...)", function(path)
      local output, code = run(quote(path) .. " one 'two words'")
      assert.equal("2\ttrue\ttrue\tone\ttwo words\n", output)
      assert.equal(0, code)
    end)
  end)

  it("gives the script what follows it as ...", function()
    with_script("print(select('#', ...), (select(2, ...)))", function(path)
      assert.equal("3\tb\n", (run(quote(path) .. " a b -c")))
    end)
  end)

  it("skips a line that begins with #", function()
    with_script("#!/usr/bin/env moonrow\nprint 'shebang'", function(path)
      assert.equal("shebang\n", (run(quote(path))))
    end)
  end)

  it("runs -e and -l in their order", function()
    assert.equal("1\n", (run [[-e 'x = 1' -e 'print(x)']]))
    assert.equal("ABC\n", (run [[-ls=string -e 'print(s.upper "abc")']]))
    assert.equal("ABC\n", (run [[-l string -e 'print(string.upper "abc")']]))
  end)

  it("shows how it is called with -h and --help, and runs nothing", function()
    for _, option in ipairs{ "-h", "--help" } do
      local output = run("-e 'print(1)' " .. option)
      assert.truthy(output:find("^usage: moonrow %[options%]"))
      assert.truthy(output:find("mr is the module", 1, true))
      assert.falsy(output:find("\n1\n", 1, true))
    end
  end)

  it("has the module as mr for -e alone, and not before a script", function()
    assert.equal("true\n", (run("-e 'print(mr == require \"moonrow\")'")))
    with_script("print(mr)", function(path) assert.equal("nil\nnil\n", (run("-e 'print(mr)' " .. quote(path)))) end)
    assert.equal("5\n", (run("-e 'mr = 5' -e 'print(mr)'")))
  end)

  it("prints its version with -v", function()
    local output, code = run "-v"
    assert.truthy(output:match "^moonrow %d+%.%d+  Lua 5%.4")
    assert.equal(0, code)
  end)

  it("prints the version of its SQLite with -v, which is that of its databases and of mr.sqlite_version", function()
    local version = run("-v"):match "SQLite (%d+%.%d+%.%d+)"
    local script = [[local mr = require "moonrow"
      print(mr.sqlite_version, (mr.open("sqlite://").session:scalar(mr.text("SELECT sqlite_version()"))))]]
    assert.equal(version .. "\t" .. version .. "\n", (run("-e " .. quote(script))))
  end)

  it("reads the environment, unless -E", function()
    assert.equal("init\nhere\n", (run([[-e 'print "here"']], nil, [[LUA_INIT='print "init"']])))
    assert.equal("5.4\n", (run([[-e '']], nil, [[LUA_INIT='print "init"' LUA_INIT_5_4='print "5.4"']])))
    assert.equal("here\n", (run([[-E -e 'print "here"']], nil, [[LUA_INIT='print "init"']])))
  end)

  it("reads LUA_INIT from a file when it begins with @", function()
    with_script("print 'from the file'", function(path)
      assert.equal("from the file\n", (run([[-e '']], nil, "LUA_INIT=@" .. quote(path))))
    end)
  end)

  it("turns warnings on; a script turns them off", function()
    assert.equal("Lua warning: w\n", (run [[-e 'warn "w"']]))
    assert.equal("Lua warning: w\n", (run [[-W -e 'warn "w"']]))
    assert.equal("", (run [[-e 'warn "@off"' -e 'warn "w"']]))
  end)

  it("warns of what a script has not committed, unless the script has failed", function()
    local work = [[
      local mr = require "moonrow"
      local db = mr.open "sqlite://"
      local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
      db:create_all()
      db.session:add_all{ User{}, User{} }
    ]]
    local output, code = run("-", work)
    assert.matches("^Lua warning: moonrow: .*2 objects %(2 User%)[^\n]*\n$", output)
    assert.equal(0, code)
    output, code = run("-", work .. "db.session:flush() error 'mine'")
    assert.matches("mine", output)
    assert.is_nil(output:find "warning")
    assert.equal(1, code)
    assert.equal("", (run("-", work .. "warn '@off'")))
    assert.equal("", (run("-", work .. "db.session:commit()")))
  end)

  it("runs stdin with -, and when there is no script", function()
    assert.equal("in\tq\n", (run("- q", "print('in', ...)")))
    assert.equal("in\n", (run("", "print 'in'")))
  end)

  it("ends the options with --", function()
    local output, code = run "-- -e"
    assert.equal("moonrow: cannot open -e: No such file or directory\n", output)
    assert.equal(1, code)
  end)

  it("refuses an option that it does not know", function()
    local output, code = run "-z"
    assert.truthy(output:find("moonrow: unrecognized option '-z'\nusage: moonrow", 1, true))
    assert.equal(1, code)
    output, code = run "-e"
    assert.truthy(output:find("moonrow: '-e' needs argument", 1, true))
    assert.equal(1, code)
  end)

  it("gives the exit code of os.exit", function()
    local _, code = run [[-e 'os.exit(7)']]
    assert.equal(7, code)
    _, code = run [[-e 'os.exit(true, true)']]
    assert.equal(0, code)
  end)

  it("shows an error with its traceback", function()
    local output, code = run [[-e 'local function deep() error("oh") end deep()']]
    assert.truthy(output:find("^moonrow: %(command line%):1: oh\nstack traceback:\n"))
    assert.truthy(output:find("in local 'deep'", 1, true))
    assert.equal(1, code)
  end)

  it("shows an error object by its __tostring, and one without by its type", function()
    local output = run [[-e 'error(setmetatable({}, { __tostring = function() return "object" end }))']]
    assert.truthy(output:find("^moonrow: object\nstack traceback:\n"))
    assert.truthy((run [[-e 'error {}']]):find("^moonrow: %(error object is a table value%)"))
  end)

  it("shows a syntax error with its place", function()
    with_script("local x = = 1\n", function(path)
      local output, code = run(quote(path))
      assert.truthy(output:find(path:gsub("%p", "%%%0") .. ":1: unexpected symbol near '='"))
      assert.equal(1, code)
    end)
  end)

  it("shows an error of moonrow's with the place of the call and a traceback", function()
    with_script("local mr = require 'moonrow'\nlocal function f() return mr.Colum end\nf()", function(path)
      local output, code = run(quote(path))
      local expected = ":2: ArgumentError: moonrow has no name 'Colum' (did you mean 'Column'?)"
      assert.truthy(output:find(expected, 1, true))
      assert.truthy(output:find("\nstack traceback:\n", 1, true))
      assert.equal(1, code)
    end)
  end)

  it("has the module within reach of require, and no global", function()
    assert.equal("nil\ttable\n", (run [[-e 'print(moonrow, type(require "moonrow"))']]))
    assert.equal("true\n", (run [[-e 'print(require "moonrow" == require "moonrow")']]))
  end)

  it("stops a script on SIGINT", function()
    local output, code = run [[-e 'local pid = io.open("/proc/self/stat"):read "n"
      os.execute("(sleep 0.2; kill -INT " .. pid .. ") &") while true do end']]
    assert.truthy(output:find("^moonrow: .-interrupted!\nstack traceback:\n"))
    assert.equal(1, code)
  end)

  it("stops a long statement on SIGINT", function()
    with_script([[
      local mr = require "moonrow"
      local db = mr.open "sqlite://"
      local pid = io.open("/proc/self/stat"):read "n"
      os.execute("(sleep 0.2; kill -INT " .. pid .. ") &")
      db.session:scalar(mr.text [=[WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000)
        SELECT count(*) FROM c]=])]], function(path)
      local began = os.time()
      local output, code = run(quote(path))
      assert.truthy(output:find("^moonrow: interrupted!\nstack traceback:\n"))
      assert.equal(1, code)
      assert.truthy(os.time() - began < 10)
    end)
  end)
end)

describe("the shell", function()
  if not exists(binary) then return end

  -- Runs the shell. Returns its output without the line of the version.
  local function shell(input)
    local output, code = run("-i", input)
    assert.equal(0, code)
    return (output:gsub("^moonrow[^\n]*\n", ""))
  end

  it("prints the values of expressions", function()
    assert.equal("2\na\tnil\tb\n", shell "1 + 1\n'a', nil, 'b'\n")
  end)

  it("runs statements, and prompts nobody in a pipe", function()
    assert.equal("1\n", shell "x = 1\nx\n")
  end)

  it("waits for the end of a statement", function()
    assert.equal("1\n2\n", shell "for i = 1, 2 do\nprint(i)\nend\n")
  end)

  it("keeps what a line declares for the next one, as the guide is typed into it", function()
    assert.equal("3\n1\t2\nnil\n7\n2\n120\n", shell [[
local a = 3
a
local b, c <const> = 1, 2
b, c
local d
d
local e; e = 7
e
local list = {
  1, 2 }
#list
local function factorial(n) return n == 0 and 1 or n * factorial(n - 1) end
factorial(5)
]])
    assert.equal("closed\nnil\nlocal t = 5\n", shell [[
local x <close> = setmetatable({}, { __close = function() print "closed" end })
x
s = "local t = 5"
s
]])
  end)

  it("prints an error and goes on", function()
    local output = shell "error('oh')\nx = * 2\n'still here'\n"
    assert.truthy(output:find("stdin:1: oh\nstack traceback:\n", 1, true))
    assert.truthy(output:find("unexpected symbol near '*'", 1, true))
    assert.truthy(output:find("still here\n$"))
  end)

  it("offers the module as mr", function()
    assert.equal("table\n", shell "type(mr)\n")
  end)

  it("refuses a second copy of the library beside its own", function()
    local module = folder .. "/lib/moonrow.so"
    if not exists(module) then pending "the module is not built"; return end
    local open = ("package.loadlib(%q, 'luaopen_moonrow')()"):format(module)
    local output, code = run("-e " .. quote("require 'moonrow' " .. open))
    assert.equal(1, code)
    assert.truthy(output:find("another copy of moonrow is open in this Lua state", 1, true), output)
    output, code = run("-e " .. quote(open .. " print(pcall(require, 'moonrow'))"))
    assert.equal(0, code)
    assert.truthy(output:find("^false\tanother copy of moonrow"), output)
  end)

  it("prints lists of objects by their items", function()
    local output = shell [[
db = mr.open "sqlite://"
User = db.Model:extend("User", {
  id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.Text },
})
function User:__tostring() return ("<User %q>"):format(self.name) end
db:create_all()
db.session:add_all{ User{ name = "admin" }, User{ name = "guest" } }
User.query:order_by(User.id):all()
User.query:first()
]]
    assert.equal('{<User "admin">, <User "guest">}\n<User "admin">\n', output)
  end)
end)
