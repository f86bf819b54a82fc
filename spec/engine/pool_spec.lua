-- The pool of an engine: how many connections it opens and keeps, who has taken them, and what is said when there is
-- none left.

local mr = require "moonrow"

describe("the pool of an engine", function()
  local path, engine

  before_each(function() path = os.tmpname() end)
  after_each(function()
    engine = nil
    collectgarbage()
    os.remove(path)
  end)

  -- Connections of PostgreSQL where there is a server, of a file elsewhere.
  local function open(options)
    local postgresql = os.getenv "MOONROW_TEST_URL"
    engine = mr.create_engine(postgresql and "sqlite://" or "sqlite:///" .. path, options)
    return engine
  end

  local function refused(...)
    local ok, e = pcall(...)
    assert.is_false(ok)
    return e
  end

  local function status()
    local now = engine:pool_status()
    return ("%d idle, %d taken, %d opened"):format(now.idle, now.taken, now.opened)
  end

  local function line() return debug.getinfo(2, "l").currentline end

  it("counts the connections that are idle, taken and opened", function()
    open()
    assert.same({ size = 8, idle = 0, taken = 0, opened = 0, taken_at = {} }, engine:pool_status())
    local a, b = engine:connect(), engine:connect()
    assert.equal("0 idle, 2 taken, 2 opened", status())
    a:close()
    assert.equal("1 idle, 1 taken, 2 opened", status())
    local c = engine:connect()
    assert.equal("0 idle, 2 taken, 2 opened", status())
    b:close()
    c:close()
    engine:dispose()
    assert.equal("0 idle, 0 taken, 2 opened", status())
  end)

  it("keeps pool_size idle connections and closes those beyond", function()
    open{ pool_size = 1, max_overflow = 2 }
    local list = { engine:connect(), engine:connect(), engine:connect() }
    assert.equal("0 idle, 3 taken, 3 opened", status())
    for _, connection in ipairs(list) do
      connection:close()
    end
    assert.equal("1 idle, 0 taken, 3 opened", status())
  end)

  it("refuses one more than it may open, and names the lines that took the others", function()
    open{ pool_size = 1, max_overflow = 1 }
    local session = mr.Session(engine)
    session:begin()
    session:execute(mr.text "SELECT 1")
    local first = line() - 1
    local connection = engine:connect()
    local second = line() - 1
    local e = refused(engine.connect, engine)
    assert.equal("OperationalError", e.kind)
    local said = tostring(e)
    assert.truthy(said:find("all 2 connections that the pool may open are in use", 1, true), said)
    assert.truthy(said:find("pool_spec.lua:" .. second, 1, true), said)
    assert.truthy(said:find("pool_spec.lua:", 1, true), said)
    local now = engine:pool_status()
    assert.equal(2, now.max)
    table.sort(now.taken_at)
    assert.equal(2, #now.taken_at)
    assert.truthy(now.taken_at[1]:find("pool_spec%.lua:%d+$"))
    assert.truthy(tonumber(now.taken_at[1]:match "%d+$") <= first)
    assert.equal(second, tonumber(now.taken_at[2]:match "%d+$"))
    session:rollback()
    local third = engine:connect()
    assert.equal("0 idle, 2 taken, 2 opened", status())
    third:close()
    connection:close()
    assert.same({}, engine:pool_status().taken_at)
  end)

  it("refuses a session's statement in the same way, and the session goes on when there is one", function()
    open{ pool_size = 1, max_overflow = 0 }
    local connection = engine:connect()
    local session = mr.Session(engine)
    local e = refused(session.scalar, session, mr.text "SELECT 1")
    assert.equal("OperationalError", e.kind)
    connection:close()
    assert.equal(1, session:scalar(mr.text "SELECT 1"))
    session:close()
    assert.equal("1 idle, 0 taken, 1 opened", status())
  end)

  it("takes back what the program has dropped without closing it", function()
    open{ pool_size = 1, max_overflow = 0 }
    for _ = 1, 3 do
      engine:connect()
    end
    assert.equal(1, engine:pool_status().opened)
  end)

  it("has no limit with max_overflow = -1", function()
    open{ pool_size = 1, max_overflow = -1 }
    local list = {}
    for i = 1, 12 do
      list[i] = engine:connect()
    end
    assert.is_nil(engine:pool_status().max)
    assert.equal("0 idle, 12 taken, 12 opened", status())
    for _, connection in ipairs(list) do
      connection:close()
    end
  end)

  it("replaces an idle connection that is older than pool_recycle", function()
    open{ pool_recycle = 1e-6 }
    engine:connect():close()
    local clock = os.clock()
    while os.clock() - clock < 0.001 do end
    engine:connect():close()
    assert.equal("1 idle, 0 taken, 2 opened", status())
    open{ pool_recycle = 3600 }
    engine:connect():close()
    engine:connect():close()
    assert.equal("1 idle, 0 taken, 1 opened", status())
  end)

  it("takes its options from mr.open, and refuses wrong ones", function()
    local db = mr.open("sqlite://", { pool_size = 2, max_overflow = 3, pool_recycle = 60 })
    assert.equal(5, db.engine:pool_status().max)
    local function told(words, options)
      local e = refused(mr.create_engine, "sqlite://", options)
      assert.equal("ArgumentError", e.kind)
      assert.truthy(e.message:find(words, 1, true), e.message)
    end
    told("option 'pool_size' expects a number of connections, 1 to 10000", { pool_size = 0 })
    told("option 'max_overflow' expects a number of connections, 0 to 10000, or -1", { max_overflow = -2 })
    told("option 'pool_recycle' expects seconds above 0", { pool_recycle = 0 })
    told("option 'pool_recycle' expects seconds above 0", { pool_recycle = "60" })
  end)
end)
