-- Several sessions at once: connections, scopes, coroutines, locks, and transactions that are retried.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local process = require "spec.support.process"

local path, db, Thing

local function open(query, busy_timeout)
  path = os.tmpname()
  local url = query == "in memory" and "sqlite://" or "sqlite:///" .. path .. (query or "")
  db = mr.open(url, { busy_timeout = busy_timeout or 50 })
  Thing = db.Model:extend("Thing", {
    id      = db.Column{ db.Integer, primary_key = true },
    n       = db.Column{ db.Integer },
    version = db.Column{ db.Integer, nullable = false },
    __mapper_args = { version_id_col = "version" },
  })
  db:create_all()
end

local function close()
  db.session:remove()
  process.remove(path)
end

--- Runs SQL in another process, which ends its transaction after some seconds; without a number when the function that
--- is returned is called. That function waits for it.
local function hold(file_path, sql, seconds)
  local held = os.tmpname()
  local pipe, finish = process.start("python3", ([[
import os, sqlite3, time
c = sqlite3.connect(%q, isolation_level=None)
for sql in %q.split(";"): c.execute(sql).fetchone()
print("locked", flush=True)
end = time.time() + %s
while os.path.exists(%q) and time.time() < end: time.sleep(0.01)
c.execute("COMMIT")
]]):format(file_path, sql, seconds or 600, held))
  assert(pipe:read "l" == "locked", "python3 with sqlite3 is needed for this spec")
  return function()
    if not seconds then os.remove(held) end
    local output = finish()
    os.remove(held)
    return output
  end
end

local has_python = os.execute "python3 -c 'import sqlite3' >/dev/null 2>&1"

-- In a file with a write-ahead log and in a database in memory, readers do not wait for a writer.
for _, where in ipairs{ "?journal_mode=wal", "in memory" } do
  describe("sessions: " .. where, function()
    before_each(function() open(where) end)
    after_each(close)

    it("have a connection each, given back at the end of the transaction", function()
      local one, two = mr.Session(db.engine), mr.Session(db.engine)
      one:add(Thing{ n = 1 })
      one:flush()
      assert.equal(0, two:query(Thing):count())
      assert.equal(1, one:query(Thing):count())
      one:commit()
      assert.equal(1, two:query(Thing):count())
      one:close()
      two:close()
    end)

    it("that end roll back what was not committed", function()
      do
        local session <close> = mr.Session(db.engine)
        session:add(Thing{ n = 1 })
        session:flush()
      end
      assert.equal(0, Thing.query:count())
      local session = mr.Session(db.engine)
      session:add(Thing{ n = 1 })
      session:flush()
      session = nil -- luacheck: ignore
      for _ = 1, 3 do collectgarbage() end
      db.session:add(Thing{ n = 2 })
      db.session:commit()
      assert.equal(1, Thing.query:count())
    end)

    it("are refused once they are closed, by a clear error", function()
      local session = mr.Session(db.engine)
      session:close()
      session:close()
      refuse("InvalidRequestError", "closed", session.query, session, Thing)
    end)

    it("without an engine hold objects, and say what they lack", function()
      local session = mr.Session()
      session:add(Thing{ n = 1 })
      assert.equal(1, #session.new)
      refuse("InvalidRequestError", "engine", session.flush, session)
      session:close()
    end)
  end)

  describe("a scoped session with a scopefunc: " .. where, function()
    before_each(function() open(where) end)
    after_each(close)

    it("by coroutine: two that interleave never share a transaction", function()
      local scoped = mr.scoped_session(mr.sessionmaker{ bind = db.engine }, { scopefunc = coroutine.running })
      local log = {}
      local function worker(name, value)
        return coroutine.wrap(function()
          log[name] = scoped()
          coroutine.yield()
          assert.equal(0, scoped:query(Thing):count())
          coroutine.yield()
          scoped:begin(function(session)
            assert.equal(log[name], session)
            session:add(Thing{ n = value })
          end)
          coroutine.yield()
          assert.equal(2, scoped:query(Thing):count())
          assert.equal(log[name], scoped())
          scoped:remove()
        end)
      end
      local a, b = worker("a", 1), worker("b", 2)
      for _ = 1, 4 do
        a()
        b()
      end
      assert.not_equal(log.a, log.b)
      scoped:remove()
    end)

    it("a write that waits in one coroutine is not seen or committed by the other", function()
      local scoped = mr.scoped_session(mr.sessionmaker{ bind = db.engine }, { scopefunc = coroutine.running })
      local writer = coroutine.wrap(function()
        scoped:begin(function(session)
          session:add(Thing{ n = 1 })
          session:flush()
          coroutine.yield()
        end)
        scoped:remove()
      end)
      local other = coroutine.wrap(function()
        assert.equal(0, scoped:query(Thing):count())
        assert.is_false(scoped:in_transaction())
        scoped:commit()
        scoped:add(Thing{ n = 2 })
        local e = support.error_of(scoped.commit, scoped)
        assert.equal("OperationalError", e.kind)
        assert.matches("another session", e.message)
        scoped:rollback()
        coroutine.yield()
        scoped:add(Thing{ n = 2 })
        scoped:commit()
        scoped:remove()
      end)
      writer()
      other()
      writer()
      other()
      assert.equal(2, Thing.query:count())
    end)

    it("drops the session of a coroutine that is gone", function()
      local scoped = mr.scoped_session(mr.sessionmaker{ bind = db.engine }, { scopefunc = coroutine.running })
      local weak = setmetatable({}, { __mode = "k" })
      coroutine.wrap(function()
        weak[scoped()] = true
        scoped:add(Thing{ n = 1 })
        scoped:flush()
      end)()
      for _ = 1, 4 do collectgarbage() end
      assert.is_nil(next(weak))
      db.session:add(Thing{ n = 2 })
      db.session:commit()
      assert.equal(1, Thing.query:count())
    end)

    it("db:scope ends with its session, however it ends", function()
      local inside
      db:scope(function()
        inside = db.session()
        db.session:add(Thing{ n = 1 })
        db.session:flush()
      end)
      assert.is_true(inside.closed)
      pcall(db.scope, db, function()
        db.session:add(Thing{ n = 1 })
        db.session:flush()
        error "no"
      end)
      assert.equal(0, Thing.query:count())
    end)
  end)
end

describe("a busy database", function()
  before_each(function() open() end)
  after_each(close)

  it("held by a session of this program is refused at once, and works afterwards", function()
    close()
    open(nil, 60000)
    local other = mr.Session(db.engine)
    other:add(Thing{ n = 1 })
    other:flush()
    db.session:add(Thing{ n = 2 })
    local started = os.time()
    refuse("OperationalError", { "locked", "another session" }, db.session.commit, db.session)
    assert.is_true(os.time() - started < 30, "it has waited for the lock")
    db.session:rollback()
    other:commit()
    db.session:add(Thing{ n = 2 })
    db.session:commit()
    assert.equal(2, Thing.query:count())
    other:close()
  end)

  if not has_python then return end

  it("held by another program gives an OperationalError after the timeout", function()
    local unlock = hold(path, "BEGIN IMMEDIATE")
    local thing = Thing{ n = 1 }
    db.session:add(thing)
    local e = refuse("OperationalError", { "database is locked", "session:retry", "busy_timeout" },
      db.session.commit, db.session)
    assert.same({ 5, "database is locked" }, { e.orig.code & 0xff, e.orig.message })
    db.session:rollback()
    assert.equal("transient", mr.inspect(thing).state)
    unlock()
    db.session:add(thing)
    db.session:commit()
    assert.equal(1, Thing.query:count())
  end)

  it("at the commit: the transaction stays, and another commit ends it", function()
    db.session:add(Thing{ n = 1 })
    db.session:commit()
    local release = hold(path, "BEGIN; SELECT * FROM thing")
    local thing = db.session:get(Thing, 1)
    thing.n = 2
    db.session:flush()
    local e = refuse("OperationalError", "locked", db.session.commit, db.session)
    assert.equal(5, e.orig.code & 0xff)
    assert.is_true(db.session:in_transaction())
    release()
    db.session:commit()
    assert.is_false(db.session:in_transaction())
    assert.equal(2, thing.n)
  end)

  it("held by another program for a while: retry gets through", function()
    local unlock = hold(path, "BEGIN IMMEDIATE", 0.3)
    local runs = 0
    db.session:retry(function(session)
      runs = runs + 1
      session:add(Thing{ n = 1 })
      session:flush()
    end, { times = 20, wait = 0.05 })
    unlock()
    assert.is_true(runs > 1)
    assert.equal(1, Thing.query:count())
  end)
end)

describe("session:retry", function()
  before_each(function() open() end)
  after_each(close)

  it("gives the function's results, in a transaction that is committed", function()
    local a, b = db.session:retry(function(session)
      session:add(Thing{ n = 1 })
      return 1, nil
    end)
    assert.same({ 1, nil }, { a, b })
    assert.is_false(db.session:in_transaction())
    assert.equal(1, Thing.query:count())
  end)

  it("runs again after a StaleDataError, with what is true now", function()
    db.session:add(Thing{ n = 1 })
    db.session:commit()
    local runs, waited = 0, {}
    db.session:retry(function(session)
      runs = runs + 1
      local thing = session:get(Thing, 1)
      if runs == 1 then session:execute(mr.text "UPDATE thing SET version = 9") end
      thing.n = thing.n + 1
    end, { sleep = function(seconds) waited[#waited + 1] = seconds end })
    assert.equal(2, runs)
    assert.equal(1, #waited)
    assert.is_true(waited[1] > 0 and waited[1] <= 0.02)
    assert.equal(2, db.session:get(Thing, 1).n)
  end)

  it("runs again while a session of this program holds the lock; sleep may yield", function()
    local other = mr.Session(db.engine)
    other:add(Thing{ n = 1 })
    other:flush()
    local runs = 0
    local co = coroutine.wrap(function()
      db.session:retry(function(session)
        runs = runs + 1
        session:add(Thing{ n = 2 })
        session:flush()
      end, { sleep = coroutine.yield })
      return "done"
    end)
    assert.is_number(co())
    assert.is_number(co())
    other:commit()
    other:close()
    assert.equal("done", co())
    assert.equal(3, runs)
    assert.equal(2, Thing.query:count())
  end)

  it("waits longer each time, gives up after so many runs, and raises the last error", function()
    db.session:add(Thing{ n = 1 })
    db.session:commit()
    local waited, runs = {}, 0
    local e = support.error_of(db.session.retry, db.session, function(session)
      runs = runs + 1
      local thing = session:get(Thing, 1)
      session:execute(mr.text "UPDATE thing SET version = version + 9")
      thing.n = runs + 100
    end, { times = 4, wait = 1, sleep = function(seconds) waited[#waited + 1] = seconds end })
    assert.equal("StaleDataError", e.kind)
    assert.equal(4, runs)
    assert.equal(3, #waited)
    for i, seconds in ipairs(waited) do assert.is_true(seconds >= 2 ^ (i - 1) / 2 and seconds <= 2 ^ (i - 1)) end
    assert.is_false(db.session:in_transaction())
    assert.equal(1, db.session:get(Thing, 1).n)
  end)

  it("does not run again for anything else, which comes unchanged", function()
    local runs, mine = 0, {}
    local ok, e = pcall(db.session.retry, db.session, function()
      runs = runs + 1
      error(mine)
    end)
    assert.is_false(ok)
    assert.equal(mine, e)
    assert.equal(1, runs)
    db.session:add(Thing{ id = 1 })
    db.session:commit()
    db.session:remove()
    refuse("IntegrityError", "UNIQUE", db.session.retry, db.session, function(session)
      runs = runs + 1
      session:add(Thing{ id = 1 })
    end)
    assert.equal(2, runs)
  end)

  it("refuses to begin within a transaction, and bad options", function()
    db.session:begin(function(session)
      refuse("InvalidRequestError", "already begun", session.retry, session, function() end)
    end)
    refuse("ArgumentError", "function", db.session.retry, db.session, 5)
    refuse("ArgumentError", "times", db.session.retry, db.session, function() end, { times = 0 })
    refuse("ArgumentError", { "time", "times" }, db.session.retry, db.session, function() end, { time = 3 })
  end)
end)
