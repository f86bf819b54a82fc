-- A PostgreSQL server that ends a connection in each phase: what the program is told, and that it goes on. It runs
-- where MOONROW_TEST_URL names a server.

local mr = require "moonrow"
local postgresql = require "spec.support.postgresql"

if not postgresql.url then
  pending "ended connections of PostgreSQL: MOONROW_TEST_URL names no server"
  return
end

describe("a connection that the server has ended", function()
  local db, Item, admin

  before_each(function()
    local url = postgresql.fresh()
    db = mr.open(url)
    admin = mr.create_engine(url):connect{ isolation_level = "AUTOCOMMIT" }
    Item = db.Model:extend("Item", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column(db.Text),
    })
    db:create_all()
    db.session:add_all{ Item{ name = "a" }, Item{ name = "b" } }
    db.session:commit()
  end)
  after_each(function() admin:close() end)

  local function backend(session) return session:scalar(mr.text "SELECT pg_backend_pid()") end

  -- Ends the server's process, and waits until it is gone.
  local function terminate(pid)
    admin:execute(mr.text "SELECT pg_terminate_backend(:pid, 5000)", { pid = pid })
  end

  local function lost(fn, ...)
    local ok, e = pcall(fn, ...)
    assert.is_false(ok)
    assert.equal("OperationalError", e.kind, tostring(e))
    return e
  end

  -- The session goes on with another connection, and finds what was committed.
  local function goes_on(names)
    db.session:rollback()
    local list = {}
    for i, item in ipairs(Item.query:order_by(Item.id):all()) do list[i] = item.name end
    assert.equal(names or "a b", table.concat(list, " "))
    db.session:add(Item{ name = "c" })
    db.session:commit()
    assert.equal(3, Item.query:count())
  end

  it("while it was idle is replaced, and nobody notices", function()
    local pid = backend(db.session)
    db.session:commit()
    db.session:close()
    terminate(pid)
    assert.equal("a", Item.query:order_by(Item.id):first().name)
    assert.not_equal(pid, backend(db.session))
    goes_on()
  end)

  it("while a session holds it is an error at the next statement", function()
    db.session:begin(function(s)
      s:add(Item{ name = "x" })
      s:flush()
      terminate(backend(s))
      local e = lost(function() return Item.query:count() end)
      assert.truthy(e.orig.sqlstate == "57P01" or e.message:find "connection", tostring(e))
      s:rollback()
    end)
    goes_on()
  end)

  it("while a statement runs is that statement's error", function()
    local pid = backend(db.session)
    admin:execute(mr.text("CREATE FUNCTION ended() RETURNS int LANGUAGE plpgsql AS "
      .. "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN 1; END'"))
    local e = lost(function() return db.session:scalar(mr.text "SELECT ended()") end)
    assert.equal("57P01", e.orig.sqlstate)
    db.session:rollback()
    assert.not_equal(pid, backend(db.session))
    goes_on()
  end)

  it("in the middle of a flush leaves nothing of it", function()
    db.session:begin(function(s)
      s:add(Item{ name = "x" })
      s:flush()
      local pid = backend(s)
      Item.query:order_by(Item.id):first().name = "changed"
      terminate(pid)
      lost(s.flush, s)
      s:rollback()
    end)
    goes_on()
  end)

  it("within a savepoint ends the whole transaction", function()
    db.session:begin(function(s)
      s:add(Item{ name = "x" })
      s:flush()
      local ok = pcall(s.begin_nested, s, function()
        terminate(backend(s))
        return Item.query:count()
      end)
      assert.is_false(ok)
      s:rollback()
    end)
    goes_on()
  end)

  it("before a rollback is no error of it", function()
    db.session:begin(function(s)
      s:add(Item{ name = "x" })
      s:flush()
      terminate(backend(s))
      s:rollback()
    end)
    goes_on()
  end)

  it("before a COMMIT is an outcome that nobody knows, or an error; never a success", function()
    local s = db.session
    s:add(Item{ name = "x" })
    s:flush()
    terminate(backend(s))
    local ok, e = pcall(s.commit, s)
    assert.is_false(ok)
    assert.is_true(mr.errors.OperationalError:is(e), tostring(e))
    goes_on()
  end)

  it("while rows are read by yield_per leaves those that were read", function()
    local seen = {}
    for item in Item.query:order_by(Item.id):yield_per(1):iter() do
      seen[#seen + 1] = item.name
      if #seen == 1 then terminate(backend(mr.Session(db.engine))) end
    end
    assert.same({ "a", "b" }, seen)
    goes_on()
  end)
end)
