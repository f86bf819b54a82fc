-- Events: who is told what, in which order, what a listener may do, and what an error in one leaves behind.

local mr = require "moonrow"
local two_classes = require "spec.support.library".open
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local listen, remove, contains = mr.event.listen, mr.event.remove, mr.event.contains

--- A function that notes its arguments under a name, and the list that it notes them in.
local function noting(log, name)
  return function(...) log[#log + 1] = { name, ... } end
end

local function names_of(log)
  local names = {}
  for i, entry in ipairs(log) do names[i] = entry[1] end
  return names
end

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

describe("events of a class", function()
  it("come around each statement with class, connection and object", function()
    local db, User = support.users()
    local log = {}
    for _, what in ipairs{ "insert", "update", "delete" } do
      listen(User, "before_" .. what, noting(log, "before_" .. what))
      listen(User, "after_" .. what, noting(log, "after_" .. what))
    end
    local ann = User{ username = "ann", email = "a@x" }
    db.session:add(ann)
    db.session:flush()
    ann.email = "new@x"
    db.session:flush()
    db.session:delete(ann)
    db.session:flush()
    assert.same({ "before_insert", "after_insert", "before_update", "after_update", "before_delete",
      "after_delete" }, names_of(log))
    for _, entry in ipairs(log) do
      assert.equal(User, entry[2])
      assert.equal(ann, entry[4])
    end
  end)

  it("of before_insert and before_update may change the row", function()
    local db, User = support.users()
    listen(User, "before_insert", function(_, _, user) user.email = user.username .. "@inserted" end)
    listen(User, "before_update", function(_, _, user) user.email = user.username .. "@updated" end)
    local ann = User{ username = "ann", email = "x" }
    db.session:add(ann)
    local records = db:record(function() db.session:flush() end)
    assert.same({ "ann", "ann@inserted" }, records[1].parameters)
    assert.equal("ann@inserted", ann.email)
    ann.username = "eve"
    db.session:flush()
    db.session:expire(ann)
    assert.equal("eve@updated", ann.email)
    assert.equal(0, #db.session.dirty)
  end)

  it("lend their connection, which sees this transaction and cannot be ended", function()
    local db, User = support.users()
    local lent, counted
    listen(User, "after_insert", function(_, connection, user)
      lent = connection
      counted = connection:scalar "SELECT count(*) FROM user"
      connection:execute(mr.text "UPDATE user SET email = 'from the event' WHERE id = :id", { id = user.id })
      refuse("InvalidRequestError", "commit", connection.commit, connection)
      refuse("InvalidRequestError", "rollback", connection.rollback, connection)
      refuse("InvalidRequestError", "close", connection.close, connection)
    end)
    local ann = User{ username = "ann", email = "a@x" }
    db.session:add(ann)
    db.session:commit()
    assert.equal(1, counted)
    assert.equal("from the event", ann.email)
    refuse("InvalidRequestError", "closed", lent.execute, lent, "SELECT 1")
  end)

  it("may query in the session, without a flush within the flush", function()
    local db, User = support.with_users "ann"
    local found
    listen(User, "before_insert", function() found = db.session:query(User):count() end)
    db.session:add(User{ username = "bob", email = "b@x" })
    db.session:commit()
    assert.equal(1, found)
  end)

  it("tell of objects loaded and refreshed", function()
    local db, User = support.with_users("ann", "bob")
    local log = {}
    listen(User, "load", noting(log, "load"))
    listen(User, "refresh", noting(log, "refresh"))
    local all = User.query:order_by(User.id):all()
    assert.same({ "load", "load" }, names_of(log))
    assert.equal(all[1], log[1][2])
    assert.equal("ann", log[1][2].username)
    User.query:all()
    assert.equal(2, #log)
    db.session:refresh(all[2])
    assert.same({ "load", "load", "refresh" }, names_of(log))
    assert.equal(all[2], log[3][2])
  end)

  it("end in an error that comes unchanged; after rollback the session works", function()
    for _, name in ipairs{ "before_insert", "after_insert" } do
      local db, User = support.users()
      local mine = setmetatable({}, { __tostring = function() return "mine" end })
      listen(User, name, function() error(mine) end, { once = true })
      local ann = User{ username = "ann", email = "a@x" }
      db.session:add(ann)
      local ok, e = pcall(db.session.flush, db.session)
      assert.is_false(ok)
      assert.equal(mine, e)
      db.session:rollback()
      assert.is_nil(ann.id)
      db.session:add(ann)
      db.session:commit()
      assert.equal(1, User.query:count())
    end
  end)

  it("are named with the first error when the session waits for its rollback", function()
    local db, User = support.users()
    listen(User, "after_insert", function() error "the printer is on fire" end, { once = true })
    db.session:add(User{ username = "ann", email = "a@x" })
    pcall(db.session.flush, db.session)
    local e = support.error_of(function() return User.query:all() end)
    assert.equal("PendingRollbackError", e.kind)
    assert.matches("the printer is on fire", e.message)
    db.session:rollback()
    assert.equal(0, User.query:count())
  end)

  it("refuse a flush, a commit and a rollback within", function()
    for _, method in ipairs{ "flush", "commit", "rollback", "close" } do
      local db, User = support.users()
      listen(User, "before_insert", function() db.session[method](db.session) end)
      db.session:add(User{ username = "ann", email = "a@x" })
      refuse("InvalidRequestError", method, db.session.flush, db.session)
      db.session:rollback()
    end
  end)

  it("can be removed, and called once", function()
    local db, User = support.users()
    local log = {}
    local always, once = noting(log, "always"), noting(log, "once")
    listen(User, "before_insert", once, { once = true })
    listen(User, "before_insert", always)
    db.session:add_all{ User{ username = "a", email = "a" }, User{ username = "b", email = "b" } }
    db.session:flush()
    assert.same({ "once", "always", "always" }, names_of(log))
    assert.is_false(contains(User, "before_insert", once))
    assert.is_true(contains(User, "before_insert", always))
    remove(User, "before_insert", always)
    db.session:add(User{ username = "c", email = "c" })
    db.session:flush()
    assert.equal(3, #log)
  end)
end)

describe("events of an attribute", function()
  it("set comes with object, value and old value, before the change", function()
    local _, Author = two_classes()
    local log = {}
    listen(Author.name, "set", function(author, value, old)
      log[#log + 1] = { author.name, value, old }
    end)
    local author = Author{ name = "ann" }
    author.name = "bob"
    author.age = 7
    author.name = nil
    assert.same({ nil, "ann", nil }, log[1])
    assert.same({ "ann", "bob", "ann" }, log[2])
    assert.same({ "bob", nil, "bob" }, log[3])
    assert.equal(3, #log)
  end)

  it("replaces the value with retval, which is checked like any other", function()
    local _, Author = two_classes()
    listen(Author.name, "set", function(_, value) return value:upper() end, { retval = true })
    listen(Author.age, "set", function(_, value) return value == 13 and "unlucky" or value end, { retval = true })
    local author = Author{ name = "ann", age = 12 }
    assert.equal("ANN", author.name)
    assert.equal(12, author.age)
    refuse("ArgumentError", { "Author.age", "integer" }, function() author.age = 13 end)
    assert.equal(12, author.age)
  end)

  it("keeps the value of a listener that returns nothing, without retval", function()
    local _, Author = two_classes()
    listen(Author.name, "set", function() return "other" end)
    assert.equal("ann", Author{ name = "ann" }.name)
  end)

  it("rejects by an error, which comes unchanged and changes nothing", function()
    local _, Author = two_classes()
    local mine = {}
    listen(Author.name, "set", function(_, value) if value == "no" then error(mine) end end)
    local author = Author{ name = "yes" }
    local ok, e = pcall(function() author.name = "no" end)
    assert.is_false(ok)
    assert.equal(mine, e)
    assert.equal("yes", author.name)
  end)

  it("append and remove come for a collection, set for a reference; each side has its own", function()
    local _, Author, Book = two_classes()
    local log = {}
    listen(Author.books, "append", noting(log, "append"))
    listen(Author.books, "remove", noting(log, "remove"))
    listen(Book.author, "set", noting(log, "set"))
    local ann, book = Author{ name = "ann" }, Book{ title = "one" }
    ann.books:append(book)
    assert.equal("append", log[1][1])
    assert.equal(ann, log[1][2])
    assert.equal(book, log[1][3])
    ann.books:remove(book)
    local removed
    for _, entry in ipairs(log) do if entry[1] == "remove" then removed = entry end end
    assert.equal(ann, removed[2])
    assert.equal(book, removed[3])
    log[1] = nil
    book.author = ann
    local set
    for _, entry in pairs(log) do if entry[1] == "set" and entry[3] == ann then set = entry end end
    assert.equal(book, set[2])
  end)

  it("append may give another object with retval", function()
    local _, Author, Book = two_classes()
    local other = Book{ title = "other" }
    listen(Author.books, "append", function() return other end, { retval = true })
    local ann = Author{ name = "ann" }
    ann.books:append(Book{ title = "one" })
    assert.equal(1, #ann.books)
    assert.equal(other, ann.books[1])
    assert.equal(ann, other.author)
  end)

  it("is not fired by loading", function()
    local db, User = support.with_users "ann"
    listen(User.email, "set", function() error "loaded" end)
    assert.equal("ann@example.com", User.query:one().email)
    db.session:refresh(User.query:one())
  end)

  it("goes on to the next listener when one removes itself, and when one is called once", function()
    local _, Author = two_classes()
    local log = {}
    listen(Author.name, "set", noting(log, "once"), { once = true })
    local function self_removing()
      log[#log + 1] = { "self" }
      remove(Author.name, "set", self_removing)
    end
    listen(Author.name, "set", self_removing)
    listen(Author.name, "set", noting(log, "always"))
    local author = Author()
    author.name = "a"
    author.name = "b"
    assert.same({ "once", "self", "always", "always" }, names_of(log))
  end)
end)

describe("events of an engine", function()
  it("come around each statement, with its text and parameters", function()
    local db, User = support.users()
    local log = {}
    listen(db.engine, "before_execute", noting(log, "before"))
    listen(db, "after_execute", noting(log, "after"))
    db.session:add(User{ username = "ann", email = "a@x" })
    db.session:commit()
    assert.same({ "before", "after" }, names_of(log))
    assert.equal("INSERT INTO user (username, email) VALUES (?, ?)", log[1][3])
    assert.same({ "ann", "a@x" }, { table.unpack(log[1][4]) })
    assert.equal("INSERT INTO user (username, email) VALUES (?, ?)", log[2][3])
    assert.equal("number", type(log[2][5]))
  end)

  it("connect comes with each new connection, which it may set up", function()
    local path = os.tmpname()
    local db = mr.open("sqlite:///" .. path)
    local count = 0
    listen(db.engine, "connect", function(connection)
      count = count + 1
      connection:execute "PRAGMA cache_size = 77"
    end)
    local one, two = mr.Session(db.engine), mr.Session(db.engine)
    assert.equal(77, one:scalar(mr.text "PRAGMA cache_size"))
    one:begin()
    one:execute(mr.text "CREATE TABLE t (a)")
    assert.equal(77, two:scalar(mr.text "PRAGMA cache_size"))
    assert.equal(2, count)
    one:close()
    two:close()
    os.remove(path)
  end)

  it("stop a statement by an error, which comes unchanged", function()
    local db, User = support.with_users "ann"
    local mine = {}
    local function stop(_, sql) if sql:find "DELETE" then error(mine) end end
    listen(db.engine, "before_execute", stop)
    db.session:delete(User.query:one())
    local ok, e = pcall(db.session.flush, db.session)
    assert.is_false(ok)
    assert.equal(mine, e)
    db.session:rollback()
    assert.equal(1, User.query:count())
    remove(db.engine, "before_execute", stop)
    db.session:delete(User.query:one())
    db.session:commit()
    assert.equal(0, User.query:count())
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
    refuse("ArgumentError", "boolean", listen, User, "load", fn, { once = 1 })
    refuse("ArgumentError", "lisen", function() return mr.event.lisen end)
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
