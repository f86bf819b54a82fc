-- Ctrl-C in stock Lua, whose handler only sets a debug hook: the program stops at once, also a statement that runs, or
-- a wait for a lock. (For the host: host/host_spec.lua.)

local library = os.getenv "LUA_CPATH" or ""

-- Runs the program in stock Lua, and sends it SIGINT after a moment. Returns its output, and the seconds that it took.
local function interrupted(program)
  local path, database = os.tmpname(), os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write([[
    local mr = require "moonrow"
    local pid = io.open("/proc/self/stat"):read "n"
    local long = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000) "
    local db = mr.open "sqlite://"
    local function ctrl_c() os.execute("(sleep 0.2; kill -INT " .. pid .. ") &") end
  ]], program)
  file:close()
  local began = os.time()
  local pipe = assert(io.popen(("LUA_CPATH='%s' lua5.4 %s %s 2>&1"):format(library, path, database)))
  local output = pipe:read "a"
  pipe:close()
  for _, name in ipairs{ path, database, database .. "-journal" } do os.remove(name) end
  return output, os.time() - began
end

local function stops(program)
  local output, seconds = interrupted(program)
  assert.has_match("interrupted!\nstack traceback", output, 1, true)
  assert.is_nil(output:find("went on", 1, true), output)
  assert.is_true(seconds < 15, "it took too long")
  return output
end

describe("Ctrl-C in stock Lua stops", function()
  it("a query of a session", function()
    stops [[ctrl_c() db.session:scalar(mr.text(long .. "SELECT count(*) FROM c")) print "went on"]]
  end)

  it("a statement of a connection, and one that writes", function()
    stops [[
      local conn = db.engine:connect()
      conn:execute(mr.text "CREATE TABLE t (x)")
      ctrl_c()
      conn:execute(mr.text("INSERT INTO t " .. long .. "SELECT x FROM c WHERE x < 0"))
      print "went on"]]
  end)

  it("a result that is read row by row", function()
    stops [[
      ctrl_c()
      for row in db.session:execute(mr.text(long .. "SELECT x FROM c WHERE x % 900000000 = 1")) do end
      print "went on"]]
  end)

  it("a statement behind others in one call of the library", function()
    stops [[
      local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true } })
      db:create_all()
      db.session:execute(mr.text("CREATE TRIGGER slow AFTER INSERT ON t WHEN new.id = 3 BEGIN " ..
        "SELECT count(*) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000) " ..
        "SELECT x FROM c); END"))
      db.session:commit()
      for id = 1, 3 do db.session:add(T{ id = id }) end
      ctrl_c()
      db.session:flush()
      print "went on"]]
  end)

  it("a statement of a coroutine, as soon as the main program goes on", function()
    local output = stops [[
      ctrl_c()
      local co = coroutine.create(function()
        return pcall(db.session.scalar, db.session, mr.text(long .. "SELECT count(*) FROM c"))
      end)
      local _, _, e = coroutine.resume(co)
      print "went on"]]
    assert.has_match("in function 'coroutine.resume'", output, 1, true)
  end)

  it("a wait for a lock", function()
    stops [[
      local url = "sqlite:///" .. arg[1] .. "?busy_timeout="
      local mine = mr.create_engine(url .. "60000"):connect()
      mine:execute(mr.text "CREATE TABLE t (x)")
      mine:commit()
      os.execute(([=[lua5.4 -e '
        local mr = require "moonrow"
        local theirs = mr.create_engine("%s"):connect()
        theirs:execute(mr.text "INSERT INTO t VALUES (1)")
        os.execute "sleep 3"' >/dev/null 2>&1 &]=]):format(url .. "100"))
      os.execute "sleep 0.3"
      ctrl_c()
      mine:execute(mr.text "INSERT INTO t VALUES (1)")
      print "went on"]]
  end)
end)

describe("a debug hook that a program sets for itself", function()
  local mr = require "moonrow"

  it("stops no statement, whatever it is called for", function()
    local db = mr.open "sqlite://"
    local long = mr.text [[WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200000)
      SELECT count(*) FROM c]]
    local calls = 0
    local function count() calls = calls + 1 end
    debug.sethook(count, "crl", 1)
    local ok, n = pcall(db.session.scalar, db.session, long)
    debug.sethook()
    assert.is_true(ok, tostring(n))
    assert.equal(200000, n)
    local co = coroutine.create(function() return db.session:scalar(long) end)
    debug.sethook(co, count, "crl", 1)
    assert.same({ true, 200000 }, { coroutine.resume(co) })
    assert.is_true(calls > 0)
  end)
end)
