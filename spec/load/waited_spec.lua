-- The time that a statement waits for a lock is told apart from the time that it runs: record.waited, after_execute,
-- and what the watchdog says of slow statements.

local mr = require "moonrow"
local process = require "spec.support.process"

local path, url, db, Counter

-- Starts a process that holds the database's only lock, until a file PATH-go is there and so many seconds more.
-- Returns a function that lets it go on, and one that waits for its end.
local function holder(seconds)
  local pipe, finish = process.start("lua5.4", ([[
local mr = require "moonrow"
local db = mr.open(%q)
db.session:begin{ mode = "exclusive" }
io.write("ready\n") io.flush()
while not io.open(%q) do os.execute "sleep 0.005" end
os.execute "sleep %s"
db.session:rollback()
]]):format(url, path .. "-go", seconds))
  local first = pipe:read "l"
  assert(first == "ready", first)
  return function() assert(io.open(path .. "-go", "w")):close() end, finish
end

describe("the time waited for a lock", function()
  before_each(function()
    path = os.tmpname()
    url = "sqlite:///" .. path .. "?journal_mode=delete&synchronous=off"
    db = mr.open(url, { busy_timeout = 5000 })
    Counter = db.Model:extend("Counter", {
      id = db.Column{ db.Integer, primary_key = true },
      n  = db.Column{ db.Integer },
    })
    db:create_all()
    db.session:add(Counter{ n = 1 })
    db.session:commit()
  end)
  after_each(function()
    db.session:remove()
    db.engine:dispose()
    process.remove(path, "-go", "-journal")
  end)

  it("is nothing where nobody holds one", function()
    local waited
    local function listener(...) waited = select(5, ...) end
    mr.event.listen(db.engine, "after_execute", listener)
    local records = db:record(function()
      db.session:add(Counter{ n = 2 })
      db.session:commit()
      Counter.query:all()
    end)
    mr.event.remove(db.engine, "after_execute", listener)
    assert.equal(2, #records)
    assert.same({ 0.0, 0.0, 0.0 }, { records[1].waited, records[2].waited, waited })
  end)

  it("is that of a read which gives up", function()
    local other = mr.open(url, { busy_timeout = 60 })
    other.session:execute(mr.text "SELECT n FROM counter") -- now it is prepared, and knows the tables
    other.session:remove()
    local go, finish = holder "0"
    local records = other:record(function()
      assert.is_false(pcall(other.session.execute, other.session, mr.text "SELECT n FROM counter"))
    end)
    go()
    finish()
    assert.equal(1, #records)
    assert(records[1].waited >= 0.06 and records[1].waited <= records[1].duration, records[1].waited)
    other.session:remove()
    other.engine:dispose()
  end)

  it("is that of a read which gets it in the end, and the watchdog says so", function()
    local go, finish = holder "0.5"
    local dog <close> = db:watchdog{ slow = 0.001, suggest = true }
    local function before() go() end
    mr.event.listen(db.engine, "before_execute", before)
    local records = db:record(function() assert.equal(1, Counter.query:count()) end)
    mr.event.remove(db.engine, "before_execute", before)
    finish()
    assert(records[1].waited > 0 and records[1].waited <= records[1].duration, records[1].waited)
    assert.equal(1, #dog.findings)
    assert.equal(records[1].waited, dog.findings[1].waited)
    assert(dog.findings[1].seconds >= dog.findings[1].waited)
    assert.matches("a statement took %d+%.%d+ seconds %(%d+%.%d+ of them waiting for a lock%) at .*waited_spec",
      tostring(dog))
  end)

  it("counts that of the BEGIN before a statement that writes", function()
    local counter = Counter.query:one()
    local go, finish = holder "0.5"
    local records = db:record(function()
      counter.n = 2
      go()
      db.session:flush()
      counter.n = 3
      db.session:flush()
    end)
    finish()
    assert.equal(2, #records)
    assert(records[1].waited > 0 and records[1].waited <= records[1].duration, records[1].waited)
    assert.equal(0.0, records[2].waited)
    db.session:commit()
  end)

  -- A reader of another process keeps the lock that a COMMIT needs. Calls fn when it reads, and it goes on for a while.
  local function while_read(fn)
    local pipe, finish = process.start("lua5.4", ([[
local mr = require "moonrow"
local db = mr.open(%q)
db.session:begin{ mode = "deferred" }
db.session:execute(mr.text "SELECT n FROM counter"):all()
io.write("ready\n") io.flush()
while not io.open(%q) do os.execute "sleep 0.005" end
os.execute "sleep 0.5"
db.session:rollback()
]]):format(url, path .. "-go"))
    assert.equal("ready", pipe:read "l")
    fn(function() assert(io.open(path .. "-go", "w")):close() end)
    finish()
  end

  it("of a COMMIT is recorded, told and watched as that of a statement", function()
    while_read(function(go)
      local told = {}
      local function listener(_, statement, parameters, seconds, waited)
        if waited > 0 then told[#told + 1] = { statement, parameters, seconds, waited } end
      end
      mr.event.listen(db.engine, "after_execute", listener)
      local dog <close> = db:watchdog{ slow = 0.001, suggest = true }
      local records = db:record(function()
        db.session:add(Counter{ n = 5 })
        db.session:flush()
        go()
        db.session:commit()
      end)
      mr.event.remove(db.engine, "after_execute", listener)
      local last = records[#records]
      assert.equal("COMMIT", last.statement)
      assert(last.waited > 0 and last.waited <= last.duration, last.waited)
      assert.same({ { "COMMIT", {}, last.duration, last.waited } }, told)
      local found = dog.findings[#dog.findings]
      assert.equal("COMMIT", found.statement)
      assert.matches("of them waiting for a lock%) at .*waited_spec.lua:%d+: COMMIT", found.message)
    end)
    assert.equal(1, Counter.query:filter_by{ n = 5 }:count())
  end)

  it("of a COMMIT of a connection, too", function()
    while_read(function(go)
      local connection <close> = db.engine:connect()
      local records = db:record(function()
        connection:execute(mr.text "UPDATE counter SET n = 8")
        go()
        connection:commit()
      end)
      assert.equal("COMMIT", records[#records].statement)
      assert(records[#records].waited > 0)
    end)
  end)

  it("of a COMMIT: where the listener fails, all is committed", function()
    while_read(function(go)
      local mine = {}
      local function listener(_, statement)
        if statement == "COMMIT" then error(mine) end
      end
      mr.event.listen(db.engine, "after_execute", listener)
      local counter = Counter.query:one()
      counter.n = 9
      db.session:flush()
      go()
      local ok, e = pcall(db.session.commit, db.session)
      mr.event.remove(db.engine, "after_execute", listener)
      assert.is_false(ok)
      assert.equal(mine, e)
      assert.equal(9, counter.n)
      counter.n = 10
      db.session:commit()
    end)
    assert.equal(10, Counter.query:one().n)
  end)

  it("of a COMMIT that gives up is recorded", function()
    local other = mr.open(url, { busy_timeout = 60 })
    while_read(function(go)
      other.session:execute(mr.text "UPDATE counter SET n = 20")
      local records = other:record(function()
        assert.equal("OperationalError", (select(2, pcall(other.session.commit, other.session))).kind)
      end)
      assert.equal("COMMIT", records[1].statement)
      assert(records[1].waited >= 0.06 and records[1].waited <= records[1].duration, records[1].waited)
      other.session:rollback()
      go()
    end)
    other.engine:dispose()
  end)
end)
