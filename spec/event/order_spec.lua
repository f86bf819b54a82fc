-- The order of events, and what a listener sees and may do at each: in a flush, on both sides of a relationship, and at
-- the end of a transaction.

local mr = require "moonrow"
local library = require "spec.support.library".open
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local listen, remove = mr.event.listen, mr.event.remove

--- Returns a log, a function that makes listeners which write their name and arguments to the log, and a function that
--- empties it.
local function logbook()
  local log = {}
  local function noting(name)
    return function(...)
      local words = { name }
      for i = 1, select("#", ...) do words[i + 1] = tostring((select(i, ...))) end
      log[#log + 1] = table.concat(words, " ")
    end
  end
  --- Runs fn. Returns what was written to the log meanwhile.
  local function during(fn, ...)
    for i = #log, 1, -1 do log[i] = nil end
    fn(...)
    return { table.unpack(log) }
  end
  return noting, during, log
end

describe("events of one flush", function()
  it("tell of new rows before changed ones, and send the changed ones first", function()
    local db, Author, Book = library()
    local _, during, log = logbook()
    local x, y = Author{ name = "x" }, Author{ name = "y" }
    db.session:add_all{ x, y }
    db.session:commit()
    db.session:refresh(x)
    db.session:refresh(y)
    for _, what in ipairs{ "before_insert", "after_insert", "before_update", "after_update" } do
      for _, class in ipairs{ Author, Book } do
        listen(class, what, function(_, _, object) log[#log + 1] = what .. " " .. tostring(object) end)
      end
    end
    listen(db, "before_execute", function(_, sql) log[#log + 1] = sql:match "^%u+ %l+" or sql:match "^%u+ INTO %l+" end)
    x.name, y.age = "x2", 5
    db.session:add_all{ Author{ name = "n" }, Author{ name = "m", books = { Book{ title = "b" } } } }
    assert.same({
      "before_insert n", "before_insert m", "before_update x2", "before_update y",
      "UPDATE author", "UPDATE author", "INSERT INTO author",
      "after_insert n", "after_insert m", "after_update x2", "after_update y",
      "before_insert b", "INSERT INTO book", "after_insert b",
    }, during(db.session.flush, db.session))
  end)

  it("let before_insert change a row that this flush updates", function()
    local db, Author = library()
    local count = Author{ name = "count", age = 0 }
    db.session:add(count)
    db.session:commit()
    local _ = count.age
    listen(Author, "before_insert", function() count.age = count.age + 1 end)
    count.name = "counter"
    db.session:add_all{ Author{ name = "a" }, Author{ name = "b" } }
    local texts = support.statements(db, function() db.session:flush() end)
    assert.same({ "UPDATE author SET name=?, age=? WHERE author.id = ?",
      "INSERT INTO author (name, age) VALUES (?, ?)" }, texts)
    assert.equal(0, #db.session.dirty)
    db.session:expire(count)
    assert.equal(2, count.age)
  end)

  it("come for before_update where a collection alone has changed; it may take a change back", function()
    local db, Author, Book = library()
    local _, during, log = logbook()
    local ann = Author{ name = "ann" }
    db.session:add(ann)
    db.session:commit()
    db.session:refresh(ann)
    assert.equal(0, #ann.books)
    listen(Author, "before_update", function(_, _, author)
      log[#log + 1] = "before"
      author.name = "ann"
    end)
    listen(Author, "after_update", function() log[#log + 1] = "after" end)
    ann.books:append(Book{ title = "b" })
    assert.same({ "before", "after" }, during(db.session.flush, db.session))
    ann.name = "bob"
    local texts
    assert.same({ "before", "after" }, during(function()
      texts = support.statements(db, function() db.session:flush() end)
    end))
    assert.same({}, texts)
    assert.equal(0, #db.session.dirty)
  end)

  it("leave what a listener adds or changes beyond the flush to the next one", function()
    local db, Author, Book = library()
    local other = Author{ name = "other" }
    db.session:add(other)
    db.session:commit()
    local _ = other.name
    listen(Author, "after_insert", function(_, _, author)
      db.session:add(Book{ title = "of " .. author.name })
      other.age = 1
    end)
    db.session:add(Author{ name = "new" })
    db.session:flush()
    assert.same({ 1, 1 }, { #db.session.new, #db.session.dirty })
    db.session:commit()
    assert.equal("of new", db.session:query(Book):one().title)
    assert.equal(1, other.age)
  end)
end)

describe("events of both sides of a relationship", function()
  local function watched()
    local db, Author, Book = library()
    local noting, during = logbook()
    listen(Author.books, "append", noting "append")
    listen(Author.books, "remove", noting "remove")
    listen(Book.author, "set", noting "set")
    return during, Author{ name = "ann" }, Author{ name = "bob" }, Book{ title = "one" }, Book{ title = "two" }, db,
      Author
  end

  it("come for the side that the program changes, then for the other", function()
    local during, ann, _, one, two = watched()
    assert.same({ "append ann one", "set one ann nil" }, during(function() ann.books:append(one) end))
    assert.same({ "set two ann nil", "append ann two" }, during(function() two.author = ann end))
    assert.same({ "remove ann one", "set one nil ann" }, during(function() ann.books:remove(one) end))
    assert.same({ "set two nil ann", "remove ann two" }, during(function() two.author = nil end))
  end)

  it("come for the collection that loses the object, too, whichever side moves it", function()
    local during, ann, bob, one, two = watched()
    ann.books = { one, two }
    assert.same({ "set one bob ann", "remove ann one", "append bob one" }, during(function() one.author = bob end))
    assert.same({ "append bob two", "remove ann two", "set two bob ann" },
      during(function() bob.books:append(two) end))
    assert.same({ 0, 2 }, { #ann.books, #bob.books })
  end)

  it("do not come for the other side where nothing changes", function()
    local during, ann, _, one = watched()
    one.author = ann
    assert.same({ "set one ann ann" }, during(function() one.author = ann end))
    assert.equal(1, #ann.books)
  end)

  it("come for what an assignment of a whole collection adds, then for what it takes away", function()
    local during, ann, _, one, two = watched()
    ann.books = { one }
    assert.same({ "append ann two", "set two ann nil", "remove ann one", "set one nil ann" },
      during(function() ann.books = { two } end))
    assert.same({}, during(function() ann.books = { two } end))
  end)

  it("know the reference before, and the collection that loses, without a statement", function()
    local during, ann, bob, one, _, db = watched()
    ann.books = { one }
    db.session:add_all{ ann, bob }
    db.session:commit()
    for _, object in ipairs{ ann, bob, one } do db.session:refresh(object) end
    local texts
    assert.same({ "set one bob ann", "remove ann one", "append bob one" }, during(function()
      texts = support.statements(db, function() one.author = bob end)
    end))
    assert.same({}, texts)
  end)

  it("reject on the side that loses, and leave all as it was", function()
    local _, ann, bob, one, _, _, Author = watched()
    ann.books = { one }
    local mine = {}
    local function keep() error(mine) end
    listen(Author.books, "remove", keep)
    local ok, e = pcall(function() one.author = bob end)
    assert.is_false(ok)
    assert.equal(mine, e)
    assert.equal(ann, one.author)
    assert.same({ 1, 0 }, { #ann.books, #bob.books })
  end)

  it("of one to one: both references that are left", function()
    local db = mr.open "sqlite://"
    local Person = db.Model:extend("Person", {
      id   = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9) },
      pass = db.relationship{ "Pass", back_populates = "person", uselist = false },
    })
    local Pass = db.Model:extend("Pass", {
      id        = db.Column{ db.Integer, primary_key = true },
      name      = db.Column{ db.String(9) },
      person_id = db.Column{ db.Integer, db.ForeignKey "person.id" },
      person    = db.relationship{ "Person", back_populates = "pass" },
    })
    function Person:__tostring() return self.name end
    function Pass:__tostring() return self.name end
    local noting, during = logbook()
    listen(Person.pass, "set", noting "pass")
    listen(Pass.person, "set", noting "person")
    local p, q = Person{ name = "p", pass = Pass{ name = "1" } }, Person{ name = "q", pass = Pass{ name = "2" } }
    local first, second = p.pass, q.pass
    assert.same({ "pass p 2 1", "person 1 nil p", "pass q nil 2", "person 2 p q" },
      during(function() p.pass = second end))
    assert.is_nil(first.person)
    assert.is_nil(q.pass)
  end)

  it("may take the object away themselves", function()
    local during, ann, _, one, two, _, Author = watched()
    ann.books = { two, one }
    local function taking() ann.books = { one } end
    listen(Author.books, "remove", taking, { once = true })
    during(function() ann.books:remove(two) end)
    assert.same({ 1, one }, { #ann.books, ann.books[1] })
  end)
end)

describe("events at the end of a transaction", function()
  it("after_commit finds the values of the transaction, without a statement", function()
    local db, Author = library()
    local ann = Author{ name = "ann" }
    local seen, texts
    listen(db.session, "after_commit", function(session)
      texts = support.statements(db, function() seen = { ann.id, ann.name, mr.inspect(ann).state } end)
      assert.is_false(session:in_transaction())
    end)
    db.session:add(ann)
    db.session:commit()
    assert.same({ 1, "ann", "persistent" }, seen)
    assert.same({}, texts)
    assert.equal(1, #support.statements(db, function() assert.equal("ann", ann.name) end))
  end)

  it("after_commit and after_rollback refuse statements; what they add is of the next transaction", function()
    local db, Author = library()
    for _, name in ipairs{ "after_commit", "after_rollback" } do
      local session, called = mr.Session(db.engine), false
      listen(session, name, function(s)
        called = true
        refuse("InvalidRequestError", { "execute", "ended" }, s.execute, s, mr.text "SELECT 1")
        refuse("InvalidRequestError", "ended", function() return s:query(Author):all() end)
        for _, method in ipairs{ "flush", "commit", "rollback", "begin", "begin_nested", "close" } do
          refuse("InvalidRequestError", { method, "ended" }, s[method], s)
        end
        s:add(Author{ name = "later" })
      end, { once = true })
      session:add(Author{ name = "now" })
      session:flush()
      if name == "after_commit" then session:commit() else session:rollback() end
      assert.is_true(called)
      assert.equal(1, #session.new)
      session:commit()
      assert.equal(name == "after_commit" and 2 or 3, session:query(Author):count())
      session:close()
    end
  end)

  it("after_commit may change: the object keeps it for the next transaction", function()
    local db, Author = library()
    local ann, bob = Author{ name = "ann", age = 1 }, Author{ name = "bob", age = 1 }
    listen(db.session, "after_commit", function() ann.age = 2 end, { once = true })
    db.session:add_all{ ann, bob }
    db.session:commit()
    assert.equal(1, #db.session.dirty)
    assert.same({ 2, 1 }, { ann.age, bob.age })
    db.session:commit()
    assert.equal(2, ann.age)
  end)

  it("an error of after_commit comes unchanged; all is committed and read again", function()
    local db, Author = library()
    local mine, ann = {}, Author{ name = "ann" }
    listen(db.session, "after_commit", function() error(mine) end, { once = true })
    db.session:add(ann)
    local ok, e = pcall(db.session.commit, db.session)
    assert.is_false(ok)
    assert.equal(mine, e)
    assert.is_false(db.session:in_transaction())
    assert.equal(1, #support.statements(db, function() assert.equal("ann", ann.name) end))
    db.session:commit()
    assert.equal(1, Author.query:count())
  end)

  it("come for savepoints, each commit and rollback; not for a rollback of nothing", function()
    local db, Author = library()
    local noting, during = logbook()
    for _, name in ipairs{ "before_flush", "after_flush", "before_commit", "after_commit", "after_rollback" } do
      local note = noting(name)
      listen(db, name, function() note() end)
    end
    local s = db.session
    assert.same({ "before_commit", "after_commit" }, during(s.commit, s))
    assert.same({}, during(s.rollback, s))
    assert.same({ "before_flush", "after_flush", "before_commit", "before_flush", "after_flush", "after_commit" },
      during(function()
        s:add(Author{ name = "a" })
        local savepoint = s:begin_nested()
        s:add(Author{ name = "b" })
        savepoint:commit()
      end))
    assert.same({ "before_flush", "after_flush", "after_rollback" }, during(function()
      local savepoint = s:begin_nested()
      s:add(Author{ name = "c" })
      s:flush()
      savepoint:rollback()
    end))
    assert.same({ "before_commit", "after_commit", "before_commit", "after_commit" }, during(function()
      s:begin_nested()
      s:commit()
    end))
    assert.same({ "after_rollback" }, during(function()
      s:add(Author{ name = "pending" })
      s:rollback()
    end))
    assert.same({ "before_flush", "after_flush" }, during(function()
      s:add(Author{ name = "open" })
      s:flush()
      s:close()
    end))
    assert.equal(2, Author.query:count())
  end)

  it("a listener of load may query, read relationships and remove itself", function()
    local db, Author, Book = library()
    db.session:add_all{ Author{ name = "a", books = { Book{ title = "1" } } }, Author{ name = "b" } }
    db.session:commit()
    db.session:expunge_all()
    local seen = {}
    local function on_load(author)
      seen[#seen + 1] = { author.name, db.session:query(Book):count(), #author.books }
      if #seen == 2 then remove(Author, "load", on_load) end
    end
    listen(Author, "load", on_load)
    assert.equal(2, #db.session:query(Author):order_by(Author.id):all())
    assert.same({ { "a", 1, 1 }, { "b", 1, 0 } }, seen)
    db.session:expunge_all()
    assert.equal(2, #db.session:query(Author):all())
    assert.equal(2, #seen)
  end)
end)

describe("a listener that yields", function()
  it("is refused by an error that says what to do, wherever it listens; the session works after rollback", function()
    local db, Author = library()
    local function yielding() coroutine.yield() end
    local function saving()
      db.session:add(Author{ name = "a" })
      db.session:commit()
    end
    for _, case in ipairs{
      { db, "before_flush" }, { db, "after_flush" }, { db, "before_commit" }, { db, "after_commit" },
      { Author, "before_insert" }, { Author, "after_insert" }, { Author.name, "set" }, { db, "before_execute" },
    } do
      listen(case[1], case[2], yielding, { once = true })
      coroutine.wrap(function()
        refuse("InvalidRequestError", { "event handler", "cannot yield", "coroutine" }, saving)
      end)()
      db.session:rollback()
    end
    db.session:execute(mr.delete(Author))
    saving()
    assert.equal(1, Author.query:count())
  end)
end)

describe("a listener that takes itself and an earlier one away", function()
  it("keeps none of the later ones from being called", function()
    local db = mr.open "sqlite://"
    local Thing = db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true },
      n  = db.Column{ db.Integer },
    })
    db:create_all()
    local thing = Thing{ n = 0 }
    local function flush()
      db.session:add(Thing{})
      db.session:flush()
    end
    local events = {
      { Thing, "before_insert", flush },
      { Thing.n, "set", function() thing.n = thing.n + 1 end },
      { db.session, "before_flush", flush },
      { db.engine, "before_execute", function() db.session:execute(mr.text "SELECT 1") end },
    }
    for _, event in ipairs(events) do
      local target, name, fire = table.unpack(event)
      local heard = {}
      local function first() heard[#heard + 1] = "first" end
      local function second()
        heard[#heard + 1] = "second"
        mr.event.remove(target, name, first)
        mr.event.remove(target, name, debug.getinfo(1, "f").func)
      end
      local function third() heard[#heard + 1] = "third" end
      for _, fn in ipairs{ first, second, third } do mr.event.listen(target, name, fn) end
      fire()
      fire()
      mr.event.remove(target, name, third)
      assert.equal("first second third third", table.concat(heard, " "), name)
    end
  end)
end)
