-- The host's commands: one style of words, options and exit statuses; and that the help, the completion and the manual
-- page know the same.

local migrations = require "spec.support.migrations"
local saved = require "spec.support.saved"

local binary = (os.getenv "BUILD" or "build") .. "/moonrow"

-- What the host prints, its standard error, and its exit code.
local function run(arguments)
  local errors = os.tmpname()
  local pipe = assert(io.popen(("%s %s 2>%s </dev/null"):format(binary, arguments, errors)))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  local file <close> = assert(io.open(errors))
  os.remove(errors)
  return text, file:read "a", code
end

local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

-- The commands that the host lists, in their order.
local function commands()
  local names, listed = {}, run("--help"):match "\nCommands are[^\n]*\n(.-)\nAvailable options"
  for name in ("\n" .. listed):gmatch "\n  (%a+)" do names[#names + 1] = name end
  return names
end

-- The options that a help text lists, sorted.
local function options_of(text)
  local names = {}
  for line in text:match "\n[%a ]*[Oo]ptions are:\n(.*)":gmatch "[^\n]+" do
    for name in (line:match "^  (%-.-)  " or ""):gmatch "%-%-?%a[%a%-]*" do names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- The manual page without its marks.
local function manual()
  local file <close> = assert(io.open "src/package/moonrow.1")
  return (file:read "a":gsub("\\f%u", ""):gsub("\\%-", "-"))
end

describe("a command of the host", function()
  if not migrations.has_host() then
    pending "the host has not been built"
    return
  end

  it("is listed, and says how it is called", function()
    local names = commands()
    assert.truthy(#names >= 8)
    for _, name in ipairs(names) do
      for _, arguments in ipairs{ name .. " --help", name .. " -h", "help " .. name } do
        local text, said, code = run(arguments)
        assert.equal("", said)
        assert.equal(0, code)
        assert.truthy(text:find("usage: moonrow " .. name, 1, true), text)
      end
    end
    assert.equal(run "--help", (run "help"))
  end)

  it("is known to the completion with the same options", function()
    local words = {}
    for _, word in ipairs(lines((run "--commands"))) do words[#words + 1] = word:match "^%a+$" end
    assert.same(commands(), words)
    for _, name in ipairs(words) do
      local completed = {}
      for _, word in ipairs(lines((run("--commands " .. name)))) do
        if word:sub(1, 1) == "-" then completed[#completed + 1] = word end
      end
      completed[#completed + 1] = "-h"
      table.sort(completed)
      assert.same(options_of((run(name .. " --help"))), completed)
    end
  end)

  it("is described in the manual page with the same options", function()
    local page = manual()
    for _, name in ipairs(commands()) do
      local part = page:match("\n%.SS " .. name .. "[ \n](.-)\n%.S[SH]")
      assert.truthy(part, name)
      local described = { "--help", "-h" }
      for tagged in ("\n" .. part):gmatch "\n%.TP\n([^\n]*)" do
        for option in tagged:gsub("[^%-%a]%-%a[%a%-]*", function(word) return " " .. word:sub(2) end)
          :gmatch "%-%-?%a[%a%-]*" do described[#described + 1] = option end
      end
      table.sort(described)
      assert.same(options_of((run(name .. " --help"))), described)
    end
    local all = {}
    for option in page:match "\n%.SH OPTIONS(\n.-)\n%.SH":gmatch "\n%.TP\n([^\n]*)" do
      for name in option:gmatch "%-%-?%a+" do all[name] = true end
    end
    for _, option in ipairs(options_of((run "--help"))) do assert.truthy(all[option], option) end
    for _, one in ipairs(lines((run "--commands migrate"))) do
      if one:find "^%a" then assert.truthy(page:find("%.BR " .. one .. " "), one) end
    end
  end)

  it("is told from a script by its word, which has neither dot nor slash", function()
    local folder = saved.path()
    os.execute(("mkdir %s && cd %s && echo 'print(\"script\", ...)' | tee check other a.lua >/dev/null"):format(folder,
      folder))
    local host = binary:sub(1, 1) == "/" and binary or "$OLDPWD/" .. binary
    local function there(arguments)
      local pipe = assert(io.popen(("cd %s && %s %s 2>&1; echo $?"):format(folder, host, arguments)))
      return (pipe:read "a")
    end
    assert.equal("script\tx\n0\n", there "./check x")
    assert.equal("script\tx\n0\n", there "-- check x")
    assert.equal("script\tx\n0\n", there "a.lua x")
    assert.truthy(there "check":find("^usage: moonrow check URL"))
    assert.equal("moonrow: unknown command 'other': the file is run as ./other\nmoonrow --help lists the commands\n2\n",
      there "other")
    assert.truthy(there "migrat":find("^moonrow: unknown command 'migrat' %(did you mean 'migrate'%?%)\n"))
    os.execute("rm -r " .. folder)
  end)

  it("refuses what it does not know with the nearest that it does, and status 2", function()
    for arguments, words in pairs{
      ["check"] = "usage: moonrow check URL [-m models.lua] [--json]\nmoonrow check: URL is missing\n",
      ["import a"] = "moonrow import: FILE is missing\n",
      ["check a b"] = "moonrow check: 'b' is one word too many\n",
      ["check --jsno a"] = "moonrow check: unknown option '--jsno' (did you mean '--json'?)\n",
      ["check --json=1 a"] = "moonrow check: '--json' takes no value\n",
      ["check --json --json a"] = "moonrow check: '--json' is there twice\n",
      ["check a -m"] = "moonrow check: '-m' needs FILE behind it\n",
      ["diagram --dot --mermaid a"] = "moonrow diagram: --dot or --mermaid\n",
      ["models a b"] = "moonrow models: a file of classes goes with --check\n",
      ["models --json a"] = "moonrow models: --json goes with --check\n",
      ["migrate updgrade"] = "moonrow migrate: unknown command 'updgrade' (did you mean 'upgrade'?)\n",
      ["migrate upgrade --json"] = "moonrow migrate: upgrade does not take --json\n",
      ["migrate current head"] = "moonrow migrate: 'head' is one word too many\n",
      ["migrate show"] = "moonrow migrate: show needs REV behind it\n",
      ["migrate revision"] = 'moonrow migrate: a revision needs a message: -m "..."\n',
      ["shell a b"] = "moonrow shell: 'b' is one word too many\n",
      ["help chekc"] = "moonrow help: unknown command 'chekc' (did you mean 'check'?)\n",
    } do
      local text, said, code = run(arguments)
      assert.equal("", text)
      assert.equal(words, said:sub(-#words))
      assert.truthy(said:find "^usage: moonrow %a+", said)
      assert.equal(2, code)
    end
  end)

  it("takes options before and behind words, and with their values in one word", function()
    local path = saved.path()
    saved.make(path, "CREATE TABLE a (x)")
    for _, arguments in ipairs{ "--json " .. path, path .. " --json", "--json -- " .. path } do
      assert.equal('{"count":0,"faults":[],"ok":true}\n', (run("check " .. arguments)))
    end
    local _, said = run(("migrate --url=sqlite:///%s -d/nowhere current"):format(path))
    assert.truthy(said:find("/nowhere", 1, true), said)
    saved.remove(path)
  end)

  it("says in short why the host takes no such option", function()
    for arguments, words in pairs{ ["--hlep"] = "unrecognized option '--hlep' (did you mean '--help'?)",
      ["-m"] = "'-m' needs a file behind it", ["x.db y"] = "'y' is one word too many: a shell has no script" } do
      local text, said, code = run(arguments)
      assert.equal("", text)
      assert.equal("moonrow: " .. words, said:match "^[^\n]+")
      assert.truthy(said:find("\nusage: moonrow", 1, true), said)
      assert.truthy(said:find "\nmoonrow %-%-help says more\n$", said)
      assert.equal(1, code)
    end
  end)

  it("fails where its answer cannot be written", function()
    local pipe = assert(io.popen(binary .. " version 2>&1 >/dev/full; echo $?"))
    assert.equal("moonrow version: the answer cannot be written: No space left on device\n1\n", pipe:read "a")
    pipe:close()
  end)

  it("tells the versions of the libraries", function()
    local text, _, code = run "version"
    assert.equal(0, code)
    local version = run("-v"):match "^moonrow (%S+)"
    assert.equal(run "-v", (run "--version"))
    assert.truthy(text:find("moonrow     " .. version .. "\nLua         5.4", 1, true), text)
    local json = run "version --json"
    assert.truthy(json:find('"SQLite":"' .. require "moonrow".sqlite_version .. '"', 1, true), json)
    assert.truthy(json:find '^{"Lua":"5%.4%.%d+".*"libpq":[%d"n]', json)
  end)
end)
