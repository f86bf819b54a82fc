-- Long work shows how far it has come: a line that moves on a terminal, and nothing anywhere else.

local build = os.getenv "BUILD" or "build"

local function read(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- What the command writes to its standard error on a terminal, where output and errors meet; "\r\n" ends lines there.
local function on_terminal(command)
  return (read(("script -qec %s /dev/null </dev/null"):format(quote(command))):gsub("\r\n", "\n"))
end

local function with_script(source, fn)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write([[
    local mr = require "moonrow"
    local db = mr.open "sqlite://"
    local Item = db.Model:extend("Item", {
      __tablename = "item",
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(40) },
    })
    db:create_all()
    local n = 0
    local function rows() n = n + 1 return n <= 30 and { name = "x" .. n } or nil end
  ]], source)
  file:close()
  local command = ("LUA_CPATH='%s' lua5.4 %s"):format(package.cpath, path)
  local ok, err = pcall(fn, command)
  os.remove(path)
  if not ok then error(err, 0) end
end

describe("session:import with progress = true", function()
  local import = "print(db.session:import(Item, rows, { batch = 10, progress = true })) db.session:commit()"

  it("moves a line on a terminal, and takes it away", function()
    with_script(import, function(command)
      assert.equal("\r\27[K10 rows\r\27[K20 rows\r\27[K30 rows\r\27[K30\n", on_terminal(command))
    end)
  end)

  it("writes nothing elsewhere", function()
    with_script(import, function(command) assert.equal("30\n", read(command .. " 2>&1")) end)
  end)

  it("takes the line away after an error, too", function()
    with_script([[
      local ok, e = pcall(db.session.import, db.session, Item, function()
        if n == 25 then error "no more" end
        return rows()
      end, { batch = 10, progress = true })
      print(ok, (tostring(e):gsub(".*: ", "")))
      db.session:rollback()
    ]], function(command)
      assert.equal("\r\27[K10 rows\r\27[K20 rows\r\27[Kfalse\tno more\n", on_terminal(command))
    end)
  end)
end)

describe("the tests", function()
  local test = io.open(build .. "/spec/core/base/test_names")
  if not test then
    pending "the C tests have not been built"
    return
  end
  test:close()

  it("say on a terminal what runs, and only what was counted elsewhere", function()
    local scratch = os.tmpname()
    os.remove(scratch)
    local command = ("BUILD=%s SCRATCH=%s ONLY=test_names spec/run.sh core"):format(build, scratch)
    local moving, still = on_terminal(command), read(command .. " 2>&1")
    os.execute("rm -rf " .. scratch)
    assert.matches("\r\27[K   test_names\r\27[K", moving, 1, true)
    assert.equal(moving:gsub("\r\27%[K[^\r\n]*\r\27%[K", ""):gsub("\r\27%[K", ""), still)
    assert.falsy(still:find("\27", 1, true))
    assert.matches("^== core\n   test_names: %d+ passed, 0 failed\n%d+ passed, 0 failed\n$", still)
  end)
end)
