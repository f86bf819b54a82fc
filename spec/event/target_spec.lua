-- Events of classes, attributes and engines: which listeners are called, and what they may do.

local mr = require "moonrow"
local two_classes = require "spec.support.library".open
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local listen, remove, contains = mr.event.listen, mr.event.remove, mr.event.contains
local noting = support.noting

local function names_of(log) return support.values(log, 1) end

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
