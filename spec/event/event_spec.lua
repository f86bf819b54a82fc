-- Events of sessions and sessionmakers: which listeners are called, in which order, and the effect of an error in a
-- listener.

local mr = require "moonrow"
local two_classes = require "spec.support.library".open
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local listen, remove, contains = mr.event.listen, mr.event.remove, mr.event.contains
local noting = support.noting

local function names_of(log) return support.values(log, 1) end

describe("session events", function()
  local session_names = { "before_flush", "after_flush", "before_commit", "after_commit", "after_rollback" }

  it("come in the order of the work, each with the session", function()
    local db, User = support.users()
    local session, log = mr.Session(db.engine), {}
    for _, name in ipairs(session_names) do listen(session, name, noting(log, name)) end
    session:add(User{ username = "ann", email = "a@x" })
    session:commit()
    assert.same({ "before_commit", "before_flush", "after_flush", "after_commit" }, names_of(log))
    for _, entry in ipairs(log) do assert.equal(session, entry[2]) end
    session:add(User{ username = "bob", email = "b@x" })
    session:flush()
    session:rollback()
    assert.equal("after_rollback", log[#log][1])
    session:close()
  end)

  it("do not come to a flush that has nothing to do", function()
    local db = support.users()
    local session, log = mr.Session(db.engine), {}
    listen(session, "before_flush", noting(log, "before_flush"))
    session:flush()
    assert.same({}, log)
    session:close()
  end)

  it("see the lists: before the flush what is to be done, after it what was", function()
    local db, User = support.with_users("ann", "bob")
    local session = mr.Session(db.engine)
    local ann, bob = session:get(User, 1), session:get(User, 2)
    local seen = {}
    local function note(name)
      listen(session, name, function(s) seen[name] = { #s.new, #s.dirty, #s.deleted } end)
    end
    note "before_flush"
    note "after_flush"
    session:add(User{ username = "cat", email = "c@x" })
    ann.email = "new@x"
    session:delete(bob)
    session:commit()
    assert.same({ 1, 1, 1 }, seen.before_flush)
    assert.same({ 1, 1, 1 }, seen.after_flush)
    assert.same({ 0, 0, 0 }, { #session.new, #session.dirty, #session.deleted })
    session:close()
  end)

  it("of before_flush may add, change and delete: it is part of this flush", function()
    local db, User = support.with_users("ann", "bob")
    local session = mr.Session(db.engine)
    local ann, bob = session:get(User, 1), session:get(User, 2)
    listen(session, "before_flush", function(s)
      s:add(User{ username = "dan", email = "d@x" })
      ann.email = "changed@x"
      s:delete(bob)
    end, { once = true })
    session:add(User{ username = "cat", email = "c@x" })
    session:flush()
    assert.same({ 0, 0, 0 }, { #session.new, #session.dirty, #session.deleted })
    session:commit()
    assert.equal(3, session:query(User):count())
    assert.equal("changed@x", ann.email)
    session:close()
  end)

  it("of before_flush may query, which does not flush again", function()
    local db, User = support.with_users "ann"
    local session, counted = mr.Session(db.engine), nil
    listen(session, "before_flush", function(s) counted = s:query(User):count() end)
    session:add(User{ username = "bob", email = "b@x" })
    session:flush()
    assert.equal(1, counted)
    session:close()
  end)

  it("of after_flush may change: a commit flushes that as well", function()
    local db, User = support.with_users "ann"
    local session = mr.Session(db.engine)
    listen(session, "after_flush", function(s) s:add(User{ username = "log", email = "l@x" }) end, { once = true })
    session:add(User{ username = "bob", email = "b@x" })
    session:commit()
    assert.equal(3, session:query(User):count())
    session:close()
  end)

  it("of before_commit may change: that is committed", function()
    local db, User = support.with_users "ann"
    local session = mr.Session(db.engine)
    listen(session, "before_commit", function(s)
      s:add(User{ username = "bob", email = "b@x" })
      s:flush()
      s:query(User):filter_by{ username = "bob" }:one().email = "again@x"
    end)
    session:commit()
    assert.equal("again@x", db.session:query(User):filter_by{ username = "bob" }:one().email)
    session:close()
  end)

  it("refuse what would pull the ground from under the flush, by a clear error", function()
    local db, User = support.users()
    for _, method in ipairs{ "flush", "commit", "rollback", "close", "begin" } do
      local session = mr.Session(db.engine)
      listen(session, "before_flush", function(s) s[method](s) end)
      session:add(User{ username = "ann", email = "a@x" })
      local e = refuse("InvalidRequestError", method, session.flush, session)
      assert.matches("flush", e.message)
      session:rollback()
      session:close()
    end
  end)

  it("end in an error that comes unchanged, and leave a session that works after rollback", function()
    for _, name in ipairs{ "before_flush", "after_flush", "before_commit" } do
      local db, User = support.users()
      local session, mine = mr.Session(db.engine), { "mine" }
      listen(session, name, function() error(mine) end, { once = true })
      local ann = User{ username = "ann", email = "a@x" }
      session:add(ann)
      local ok, e = pcall(session.commit, session)
      assert.is_false(ok)
      assert.equal(mine, e)
      session:rollback()
      assert.equal("transient", mr.inspect(ann).state)
      assert.is_nil(ann.id)
      session:add(ann)
      session:commit()
      assert.equal(1, session:query(User):count())
      session:close()
    end
  end)

  it("come with a flush that fails, whose own error is the one that is told", function()
    local db, User = support.users()
    local session, mine, log = mr.Session(db.engine), { "mine" }, {}
    local function failing() error(mine) end
    listen(User, "after_insert", failing)
    listen(session, "after_rollback", function()
      log[#log + 1] = "rollback"
      pcall(listen, User, "no such event", print)
      error "another"
    end, { once = true })
    session:add(User{ username = "ann", email = "a@x" })
    local ok, e = pcall(session.flush, session)
    assert.is_false(ok)
    assert.equal(mine, e)
    assert.same({ "rollback" }, log)
    session:rollback()
    session:close()
  end)

  it("once are called once, and a removed one no more, even one that removes itself", function()
    local db, User = support.users()
    local session, log = mr.Session(db.engine), {}
    local a, c = noting(log, "a"), noting(log, "c")
    local function b(s)
      log[#log + 1] = { "b" }
      remove(s, "before_flush", b)
    end
    listen(session, "before_flush", a, { once = true })
    listen(session, "before_flush", b)
    listen(session, "before_flush", c)
    assert.is_true(contains(session, "before_flush", c))
    session:add(User{ username = "ann", email = "a@x" })
    session:flush()
    session:add(User{ username = "bob", email = "b@x" })
    session:flush()
    assert.same({ "a", "b", "c", "c" }, names_of(log))
    remove(session, "before_flush", c)
    assert.is_false(contains(session, "before_flush", c))
    session:add(User{ username = "cat", email = "c@x" })
    session:flush()
    assert.equal(4, #log)
    session:close()
  end)
end)

describe("listening to a sessionmaker or a scoped session", function()
  it("reaches the sessions made before and after, maker first", function()
    local db, User = support.users()
    local Session, log = mr.sessionmaker{ bind = db.engine }, {}
    local early = Session()
    listen(early, "before_flush", noting(log, "own"))
    local of_maker = noting(log, "maker")
    listen(Session, "before_flush", of_maker)
    early:add(User{ username = "ann", email = "a@x" })
    early:flush()
    assert.same({ "maker", "own" }, names_of(log))
    early:close()
    local late = Session()
    late:add(User{ username = "ann", email = "a@x" })
    late:flush()
    assert.same({ "maker", "own", "maker" }, names_of(log))
    assert.equal(late, log[3][2])
    late:rollback()
    remove(Session, "before_flush", of_maker)
    late:add(User{ username = "bob", email = "b@x" })
    late:flush()
    assert.equal(3, #log)
    late:close()
  end)

  it("reaches each scope's session, also after remove", function()
    local db, User = support.users()
    local log = {}
    listen(db.session, "after_commit", noting(log, "commit"))
    listen(db, "after_commit", noting(log, "db"), { once = true })
    db.session:add(User{ username = "ann", email = "a@x" })
    db.session:commit()
    db.session:remove()
    db.session:add(User{ username = "bob", email = "b@x" })
    db.session:commit()
    assert.same({ "commit", "db", "commit" }, names_of(log))
    assert.not_equal(log[1][2], log[3][2])
  end)

  it("keeps no session alive", function()
    local db = support.users()
    local Session = mr.sessionmaker{ bind = db.engine }
    listen(Session, "before_flush", function() end)
    local weak = setmetatable({}, { __mode = "k" })
    for _ = 1, 5 do weak[Session()] = true end
    for _ = 1, 3 do collectgarbage() end
    assert.is_nil(next(weak))
  end)
end)

describe("event.listen", function()
  it("refuses an unknown event, target and option, and names the nearest", function()
    local db, User = support.users()
    local fn = function() end
    refuse("ArgumentError", { "before_comit", "before_commit" }, listen, db.session, "before_comit", fn)
    refuse("ArgumentError", "a Session", listen, User, "before_flush", fn)
    refuse("ArgumentError", "an Engine", listen, db.session, "connect", fn)
    refuse("ArgumentError", "class", listen, db.session, "before_insert", fn)
    refuse("ArgumentError", "attribute", listen, User, "set", fn)
    refuse("ArgumentError", { "append", "User.email", "set" }, listen, User.email, "append", fn)
    refuse("ArgumentError", { "oncee", "once" }, listen, User, "load", fn, { oncee = true })
    refuse("ArgumentError", "retval", listen, User, "load", fn, { retval = true })
    refuse("ArgumentError", "function", listen, User, "load", "fn")
    refuse("ArgumentError", { "event.listen: once", "true or false" }, listen, User, "load", fn, { once = 1 })
    refuse("ArgumentError", "lisen", function() return mr.event.lisen end)
  end)

  it("names the cure where it is called with a colon, and where a database is given for its classes", function()
    local db, User = support.users()
    for _, name in ipairs{ "listen", "remove", "contains", "listens_for" } do
      refuse("ArgumentError", { "event." .. name, "called with a dot" }, mr.event[name], mr.event, User, "load", print)
    end
    refuse("ArgumentError", { "'before_insert'", "db.Model" }, listen, db, "before_insert", print)
    refuse("ArgumentError", { "'set'", "Class.attribute" }, listen, db, "set", print)
    refuse("ArgumentError", { "'listen'", "mr.event.listen" }, function() return mr.listen end)
    local log = {}
    listen(db.Model, "before_insert", noting(log, "insert"))
    db.session:add(User{ username = "ann", email = "a@x" })
    db.session:commit()
    assert.equal(1, #log)
  end)

  it("refuses to remove what does not listen", function()
    local db, User = support.users()
    local fn = function() end
    refuse("InvalidRequestError", "load", remove, User, "load", fn)
    refuse("InvalidRequestError", "after_flush", remove, db.session, "after_flush", fn)
  end)

  it("works as a function that takes the listener, too", function()
    local _, Author = two_classes()
    local log = {}
    local fn = mr.event.listens_for(Author.name, "set", { once = true })(noting(log, "set"))
    assert.is_true(contains(Author.name, "set", fn))
    Author{ name = "ann" }
    assert.equal(1, #log)
  end)
end)
