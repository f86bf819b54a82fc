-- A host with its own SQLite inside (make SQLITE_AMALGAMATION=dir): it uses that SQLite, and hides it from other
-- modules.

local folder = os.getenv "BUILD" or "build"
local binary = folder .. "/moonrow"
local amalgamation = os.getenv "SQLITE_AMALGAMATION" or ""

local function read_command(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function run(script) return read_command(("%s -e '%s' 2>&1"):format(binary, script)) end

describe("a host with an SQLite of its own", function()
  if amalgamation == "" then
    pending "is not tested: make SQLITE_AMALGAMATION=dir test does it, where dir has sqlite3.c and sqlite3.h"
    return
  end

  it("uses the version that was compiled in", function()
    local header = assert(io.open(amalgamation .. "/sqlite3.h")):read "a"
    local version = header:match '#define%s+SQLITE_VERSION%s+"([%d.]+)"'
    assert.equal(version .. "\n", run 'print(require("moonrow").sqlite_version)')
  end)

  it("needs no library of SQLite, and shows none of its functions to what it loads", function()
    assert.is_nil(read_command("ldd " .. binary):find "sqlite")
    assert.is_nil(read_command("nm -D " .. binary):find "sqlite3_")
  end)

  it("is compiled with the flags that SQLite recommends, and keeps what moonrow needs", function()
    local options = run [[
      local mr = require("moonrow")
      local rows = mr.open("sqlite://").session:execute(mr.text("PRAGMA compile_options")):all()
      for _, row in ipairs(rows) do print(row[1]) end]]
    for option in ("DQS=0 THREADSAFE=2 OMIT_AUTOINIT OMIT_SHARED_CACHE USE_ALLOCA ENABLE_FTS5"):gmatch "%S+" do
      assert.truthy(("\n" .. options):find("\n" .. option .. "\n", 1, true), option)
    end
    assert.is_nil(options:find "OMIT_DECLTYPE")
    assert.is_nil(options:find "OMIT_PROGRESS_CALLBACK")
  end)

  it("lives beside the system's library, which a C module of a script brings", function()
    local said = run [[
      local mr = require("moonrow")
      local found, driver = pcall(require, "luasql.sqlite3")
      if not found then return print("none") end
      local other = driver.sqlite3():connect(""):execute("SELECT sqlite_version()"):fetch()
      local db = mr.open("sqlite://")
      print(other ~= "" and db.session:scalar(mr.text("SELECT sqlite_version()")) == mr.sqlite_version)]]
    if said == "none\n" then return pending "LuaSQL is not installed" end
    assert.equal("true\n", said)
  end)
end)
