-- Transactions of the session: blocks and values, nested savepoints, what a rollback gives back, and the state after a
-- failed flush.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local process = require "spec.support.process"

local state = support.state

local function usernames(User) return support.values(User.query:order_by(User.id):all(), "username") end

local function new_user(User, name) return User{ username = name, email = name .. "@x" } end

describe("a savepoint", function()
  it("a savepoint rolled back: inner changes and new objects revert, outer ones stay", function()
    local db, User = support.with_users("ann", "bob", "cat")
    local session = db.session
    local ann, bob, cat = session:get(User, 1), session:get(User, 2), session:get(User, 3)
    ann.email = "ann outer@x"
    local outer = new_user(User, "outer")
    session:add(outer)
    local savepoint = session:begin_nested()
    ann.email = "ann inner@x"
    bob.username = "inner bob"
    session:delete(cat)
    local inner = new_user(User, "inner")
    session:add(inner)
    session:flush()
    savepoint:rollback()
    assert.same({ "ann outer@x", "bob", "cat" }, { ann.email, bob.username, cat.username })
    assert.same({ "persistent", "transient", "persistent" }, { state(outer), state(inner), state(cat) })
    assert.is_nil(inner.id)
    assert.is_true(rawequal(cat, session:get(User, 3)))
    assert.is_false(session:contains(inner))
    session:commit()
    assert.same({ "ann", "bob", "cat", "outer" }, usernames(User))
    assert.equal("ann outer@x", ann.email)
  end)

  it("what was changed inside, but not flushed, goes as well", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    local savepoint = db.session:begin_nested()
    ann.email = "inner@x"
    db.session:add(new_user(User, "pending"))
    savepoint:rollback()
    assert.equal("ann@example.com", ann.email)
    assert.same({ 0, 0 }, { #db.session.new, #db.session.dirty })
  end)

  it("restores level by level, to any depth", function()
    local db, User = support.with_users "ann"
    local session = db.session
    local ann = session:get(User, 1)
    local points, made = {}, {}
    for depth = 1, 50 do
      points[depth] = session:begin_nested()
      ann.email = "depth " .. depth
      made[depth] = new_user(User, "user " .. depth)
      session:add(made[depth])
      session:flush()
    end
    for depth = 50, 26, -1 do
      assert.equal("depth " .. depth, ann.email)
      points[depth]:rollback()
      assert.equal("transient", state(made[depth]))
      assert.equal("persistent", state(made[depth - 1]))
    end
    for depth = 25, 11, -1 do points[depth]:commit() end
    assert.equal("depth 25", ann.email)
    points[10]:rollback() -- this also rolls back the savepoints that were committed inside of it
    assert.equal("depth 9", ann.email)
    assert.equal("transient", state(made[20]))
    session:commit()
    assert.equal(10, User.query:count())
    assert.equal("depth 9", ann.email)
  end)

  it("restores keys: generated ones, changed ones, and those of deleted objects", function()
    local db, User = support.with_users("ann", "bob")
    local session = db.session
    local ann, bob = session:get(User, 1), session:get(User, 2)
    ann.id = 11
    session:flush()
    local savepoint = session:begin_nested()
    ann.id = 111
    bob.id = 22
    session:flush()
    session:delete(bob)
    session:flush()
    savepoint:rollback()
    assert.same({ 11, 2 }, { ann.id, bob.id })
    assert.is_true(rawequal(ann, session:get(User, 11)))
    assert.is_true(rawequal(bob, session:get(User, 2)))
    session:rollback()
    assert.is_true(rawequal(ann, session:get(User, 1)))
  end)

  it("an object deleted outside stays deleted, one deleted inside comes back", function()
    local db, User = support.with_users("ann", "bob")
    local session = db.session
    local ann, bob = session:get(User, 1), session:get(User, 2)
    session:delete(ann)
    local savepoint = session:begin_nested()
    session:delete(bob)
    session:flush()
    assert.same({ "deleted", "deleted" }, { state(ann), state(bob) })
    savepoint:rollback()
    assert.same({ "deleted", "persistent" }, { state(ann), state(bob) })
    session:rollback()
    assert.same({ "persistent", "persistent" }, { state(ann), state(bob) })
  end)

  it("a new object deleted again within a savepoint is transient after its rollback", function()
    local db, User = support.users()
    local savepoint = db.session:begin_nested()
    local ann = new_user(User, "ann")
    db.session:add(ann)
    db.session:flush()
    db.session:delete(ann)
    db.session:flush()
    savepoint:rollback()
    assert.equal("transient", state(ann))
    db.session:add(ann)
    db.session:commit()
    assert.same({ "ann" }, usernames(User))
  end)
end)

describe("a flush that fails", function()
  it("a primary-key violation, then rollback: pending objects are out, values restored, it works", function()
    local db, User = support.with_users("ann", "bob")
    local session = db.session
    local ann = session:get(User, 1)
    ann.email = "changed@x"
    local twin, other = User{ id = 2, username = "twin", email = "t@x" }, new_user(User, "other")
    session:add_all{ twin, other }
    local e = refuse("IntegrityError", "UNIQUE constraint failed: user.id", session.flush, session)
    assert.matches("INSERT INTO user", e.statement)
    session:rollback()
    assert.equal("ann@example.com", ann.email)
    assert.same({ "transient", "transient" }, { state(twin), state(other) })
    assert.same({ 2, nil }, { twin.id, other.id })
    twin.id = nil
    session:add_all{ twin, other }
    session:commit()
    assert.same({ "ann", "bob", "twin", "other" }, usernames(User))
  end)

  it("in a savepoint, only the savepoint is lost", function()
    local db, User = support.with_users "ann"
    local session = db.session
    session:add(new_user(User, "outer"))
    local ok = pcall(session.begin_nested, session, function(s) s:add(new_user(User, "ann")) end)
    assert.is_false(ok)
    session:add(new_user(User, "after"))
    session:commit()
    assert.same({ "ann", "outer", "after" }, usernames(User))
  end)
end)

describe("PendingRollbackError", function()
  it("comes from everything that needs the transaction, names the first error, and has one cure", function()
    local db, User = support.with_users "ann"
    local session = db.session
    local ann = session:get(User, 1)
    local function fail()
      session:add(new_user(User, "ann"))
      pcall(session.flush, session)
    end
    fail()
    for name, call in pairs{
      query = function() return session:query(User):all() end,
      get = function() return session:get(User, 99) end,
      execute = function() return session:execute(mr.select(User)) end,
      flush = function() session:add(new_user(User, "x")) session:flush() end,
      commit = function() session:commit() end,
      begin_nested = function() session:begin_nested() end,
      expired = function() return ann.email end,
    } do
      local e = support.error_of(call)
      assert.equal("PendingRollbackError", e.kind, name)
      assert.matches("UNIQUE constraint failed: user.username", e.message, 1, true)
      assert.matches("rollback", e.message)
    end
    session:rollback()
    assert.equal("ann@example.com", ann.email)
    fail()
    session:close()
    assert.same({ "ann" }, usernames(User))
  end)

  it("inside a savepoint is cured by its own rollback", function()
    local db, User = support.with_users "ann"
    local session = db.session
    local outer = new_user(User, "outer")
    session:add(outer)
    local savepoint = session:begin_nested()
    session:add(new_user(User, "ann"))
    pcall(session.flush, session)
    assert.equal("PendingRollbackError", support.error_of(function() return User.query:count() end).kind)
    savepoint:rollback()
    assert.equal(2, User.query:count())
    assert.equal("persistent", state(outer))
    session:commit()
    assert.same({ "ann", "outer" }, usernames(User))
  end)

  it("inside a savepoint is cured by the session's rollback, of all", function()
    local db, User = support.with_users "ann"
    db.session:add(new_user(User, "outer"))
    db.session:begin_nested()
    db.session:begin_nested()
    db.session:add(new_user(User, "ann"))
    pcall(db.session.flush, db.session)
    db.session:rollback()
    assert.is_false(db.session:in_transaction())
    assert.same({ "ann" }, usernames(User))
  end)
end)

describe("a flush that fails before its first statement", function()
  it("changes nothing: the session goes on without a rollback", function()
    local db, User = support.with_users "ann"
    local long = User{ username = ("x"):rep(81), email = "l@x" }
    db.session:add(long)
    refuse("DataError", "User.username", db.session.flush, db.session)
    assert.equal("pending", state(long))
    long.username = "short"
    db.session:commit()
    assert.same({ "ann", "short" }, usernames(User))
  end)
end)

describe("blocks", function()
  it("nest, and each ends its own transaction", function()
    local db, User = support.users()
    local result = db.session:begin(function(session)
      session:add(new_user(User, "a"))
      local inner = session:begin_nested(function(s)
        s:add(new_user(User, "b"))
        return "inner"
      end)
      pcall(session.begin_nested, session, function(s)
        s:add(new_user(User, "c"))
        s:flush()
        error "no"
      end)
      return inner
    end)
    assert.equal("inner", result)
    assert.same({ "a", "b" }, usernames(User))
  end)

  it("as values: closed by the end of the scope, by an error, or by hand", function()
    local db, User = support.users()
    do
      local t <close> = db.session:begin()
      assert.is_true(t.is_active)
      db.session:add(new_user(User, "a"))
      do
        local sp <close> = db.session:begin_nested() -- luacheck: ignore
        db.session:add(new_user(User, "b"))
      end
      local sp <close> = db.session:begin_nested()
      db.session:add(new_user(User, "c"))
      sp:rollback()
      assert.is_false(sp.is_active)
    end
    assert.is_false(db.session:in_transaction())
    assert.same({ "a", "b" }, usernames(User))
    db.session:rollback()
    local t = db.session:begin()
    db.session:add(new_user(User, "d"))
    t:commit()
    assert.is_false(t.is_active)
    assert.same({ "a", "b", "d" }, usernames(User))
  end)

  it("end inner savepoints that were left open", function()
    local db, User = support.users()
    db.session:begin(function(session)
      session:begin_nested()
      session:add(new_user(User, "a"))
      session:begin_nested()
      session:add(new_user(User, "b"))
    end)
    assert.is_false(db.session:in_transaction())
    assert.same({ "a", "b" }, usernames(User))
  end)

  it("that fail to commit are rolled back, and the error is the commit's", function()
    local db, User = support.with_users "ann"
    local e = support.error_of(db.session.begin, db.session, function(session) session:add(new_user(User, "ann")) end)
    assert.equal("IntegrityError", e.kind)
    assert.is_false(db.session:in_transaction())
    assert.same({ "ann" }, usernames(User))
  end)

  it("refuse what is no function and unknown options", function()
    local db = support.users()
    refuse("ArgumentError", "function", db.session.begin, db.session, 5)
    refuse("ArgumentError", { "mod", "mode" }, db.session.begin, db.session, { mod = "deferred" })
    refuse("ArgumentError", "immediate", db.session.begin, db.session, { mode = "lazy" })
    refuse("ArgumentError", "SERIALIZABLE", db.session.begin, db.session, { isolation_level = "CHAOS" })
    refuse("ArgumentError", "unknown option", db.session.begin_nested, db.session, { mode = "deferred" })
    assert.is_false(db.session:in_transaction())
  end)
end)

describe("a transaction of its own mode", function()
  local path, db, Thing

  before_each(function()
    path = os.tmpname()
    db = mr.open("sqlite:///" .. path .. "?journal_mode=wal")
    Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true }, n = db.Column{ db.Integer } })
    db:create_all()
  end)
  after_each(function()
    db.session:remove()
    process.remove(path)
  end)

  it("deferred: all reads see one snapshot, whatever others commit", function()
    for _, options in ipairs{ { mode = "deferred" }, { isolation_level = "SERIALIZABLE" }, { read_only = true } } do
      local reader = mr.Session(db.engine)
      local before = db.session:query(Thing):count()
      reader:begin(function(session)
        assert.equal(before, session:query(Thing):count())
        db.session:add(Thing{})
        db.session:commit()
        assert.equal(before, session:query(Thing):count())
      end, options)
      assert.equal(before + 1, reader:query(Thing):count())
      reader:close()
    end
  end)

  it("by default, reads outside of a write see what others commit", function()
    local reader = mr.Session(db.engine)
    reader:begin(function(session)
      assert.equal(0, session:query(Thing):count())
      db.session:add(Thing{})
      db.session:commit()
      assert.equal(1, session:query(Thing):count())
    end)
    reader:close()
  end)

  it("immediate takes the lock at once", function()
    local other = mr.Session(db.engine)
    db.session:begin(function()
      other:add(Thing{})
      refuse("OperationalError", "locked", other.flush, other)
      other:rollback()
    end, { mode = "immediate" })
    other:add(Thing{})
    other:commit()
    other:close()
    assert.equal(1, Thing.query:count())
  end)

  it("read_only refuses to write, by name, and ends with the transaction", function()
    db.session:add(Thing{ n = 1 })
    db.session:commit()
    local thing = Thing.query:one()
    local session = db.session
    local e = refuse("InvalidRequestError", { "read-only", "UPDATE thing" }, session.begin, session, function(s)
      thing.n = 2
      s:flush()
    end, { read_only = true })
    assert.truthy(e)
    refuse("InvalidRequestError", "read-only", session.begin, session, function(s)
      s:execute(mr.text "DELETE FROM thing")
    end, { read_only = true })
    assert.is_false(session:in_transaction())
    assert.equal(1, thing.n)
    thing.n = 3
    session:commit()
    assert.equal(3, thing.n)
    refuse("ArgumentError", { "immediate", "read_only" }, session.begin, session,
      { mode = "immediate", read_only = true })
  end)

  it("what was read before the first write is read again when others have committed", function()
    db.session:add_all{ Thing{ n = 1 }, Thing{ n = 1 } }
    db.session:commit()
    local one, two = db.session:get(Thing, 1), db.session:get(Thing, 2)
    assert.same({ 1, 1 }, { one.n, two.n })
    local other = mr.Session(db.engine)
    other:get(Thing, 2).n = 50
    other:commit()
    other:close()
    one.n = 10
    db.session:flush()
    assert.equal(50, two.n)
    db.session:commit()
  end)
end)

describe("expire_on_commit", function()
  it("false keeps the values: no statement after a commit", function()
    local db, User = support.users()
    local session = mr.Session(db.engine, { expire_on_commit = false })
    local ann = new_user(User, "ann")
    session:add(ann)
    session:commit()
    assert.same({}, support.statements(db, function() assert.same({ 1, "ann" }, { ann.id, ann.username }) end))
    session.expire_on_commit = true
    ann.email = "e"
    session:commit()
    assert.equal(1, #support.statements(db, function() return ann.username end))
    session:close()
  end)

  it("a rollback expires all the same", function()
    local db, User = support.with_users "ann"
    local session = mr.Session(db.engine, { expire_on_commit = false })
    local ann = session:get(User, 1)
    ann.email = "x"
    session:flush()
    session:rollback()
    assert.equal("ann@example.com", ann.email)
    session:close()
  end)
end)

describe("no_autoflush", function()
  it("nests, gives the function's results, and ends with an error", function()
    local db, User = support.users()
    db.session:add(new_user(User, "ann"))
    local a, b = db.session:no_autoflush(function(session)
      assert.equal(0, session:query(User):count())
      pcall(session.no_autoflush, session, function() error "x" end)
      assert.equal(0, session:query(User):count())
      return 1, 2
    end)
    assert.same({ 1, 2 }, { a, b })
    assert.equal(1, User.query:count())
  end)

  it("may yield", function()
    local db, User = support.users()
    db.session:add(new_user(User, "ann"))
    local session = db.session()
    local co = coroutine.wrap(function()
      session:no_autoflush(function()
        coroutine.yield()
        assert.equal(0, session:query(User):count())
      end)
      assert.equal(1, session:query(User):count())
    end)
    co()
    co()
  end)
end)
