-- db:record(fn, { max_lazy = n }) and db:watchdog{...}: loops that load one by one, slow statements, whole tables read.

local mr = require "moonrow"
local support = require "spec.support.models"

local db, Author, Book

local function here() return debug.getinfo(2, "l").currentline end

describe("who watches", function()
  before_each(function()
    db = mr.open "sqlite://"
    Author = db.Model:extend("Author", {
      id    = db.Column{ db.Integer, primary_key = true },
      name  = db.Column{ db.String },
      bio   = db.Column{ db.Text, deferred = true },
      books = db.relationship{ "Book", back_populates = "author" },
    })
    Book = db.Model:extend("Book", {
      id        = db.Column{ db.Integer, primary_key = true },
      author_id = db.Column{ db.Integer, db.ForeignKey "author.id" },
      author    = db.relationship{ "Author", back_populates = "books" },
    })
    db:create_all()
    for i = 1, 20 do db.session:add(Author{ id = i, name = "a" .. i, bio = "x", books = { Book{} } }) end
    db.session:commit()
    db.session:remove()
  end)

  local function loop(query)
    for _, author in ipairs(query:order_by(Author.id):all()) do assert(#author.books == 1) end
  end

  it("is told of a loop that loads one by one, with its line, count and cure", function()
    local found, line = {}, nil
    local dog <close> = db:watchdog{ n_plus_one = 5, on = function(finding) found[#found + 1] = finding end }
    for _, author in ipairs(Author.query:all()) do
      line = here() assert(#author.books == 1)
    end
    assert.equal(1, #found)
    assert.equal("n_plus_one", found[1].kind)
    assert.equal("Author.books", found[1].attribute)
    assert.matches("watchdog_spec.lua:" .. line .. "$", found[1].where)
    assert.equal("mr.selectinload(Author.books)", found[1].option)
    assert.equal(20, found[1].count)
    assert.matches("Author.books is loaded one by one, 20 times at .*watchdog_spec.lua:" .. line, tostring(dog))
  end)

  it("is told of references and deferred columns, too", function()
    local found = {}
    local dog <close> = db:watchdog{ n_plus_one = 3,
      on = function(finding) found[finding.attribute] = finding.option end }
    for _, book in ipairs(Book.query:all()) do assert(book.author.name) end
    for _, author in ipairs(Author.query:all()) do assert(author.bio) end
    assert.same({ ["Book.author"] = "mr.joinedload(Book.author)", ["Author.bio"] = "mr.undefer(Author.bio)" }, found)
    assert.equal(2, #dog.findings)
  end)

  it("is told of a loop that reads expired objects again, by the name of their class", function()
    local all = Author.query:order_by(Author.id):all()
    local function read() for _, author in ipairs(all) do assert(author.name) end end
    local cure = ": the objects have expired (a commit, a rollback, expire): run one query for them before the loop, "
      .. "or open the session with expire_on_commit = false"
    db.session:commit()
    local dog <close> = db:watchdog{ n_plus_one = 5, suggest = true }
    assert.equal(20, #db:record(read))
    local found = dog.findings[1]
    assert.same({ 1, "n_plus_one", "Author", "expire_on_commit = false", 20 },
      { #dog.findings, found.kind, found.attribute, found.option, found.count })
    assert.matches("Author is read again one by one, 20 times at ", tostring(dog), 1, true)
    assert.equal(cure, found.message:sub(-#cure))
    assert.equal(0, #db:record(read, { max_lazy = 0 }))
    -- whatever attribute is the first; the list of an expired object is a statement more
    db.session:commit()
    for i, author in ipairs(all) do assert(i % 2 == 0 and author.name or author.id) end
    assert.equal("Author", dog.findings[2].attribute)
    db.session:commit()
    assert.equal(40, #db:record(function() for _, author in ipairs(all) do assert(#author.books == 1) end end))
    local counts = {}
    for i = 3, 4 do counts[dog.findings[i].attribute] = dog.findings[i].count end
    assert.same({ Author = 20, ["Author.books"] = 20 }, counts)
    -- some attributes of them
    for _, author in ipairs(all) do db.session:expire(author, { "name" }) end
    read()
    assert.equal("Author.name", dog.findings[5].attribute)
    assert.matches("Author.name is read again one by one", dog.findings[5].message, 1, true)
  end)

  it("hears nothing of expired objects that one query, get, or a flush reads again", function()
    local all = Author.query:order_by(Author.id):all()
    local dog <close> = db:watchdog{ n_plus_one = 2 }
    local function without(fn)
      db.session:commit()
      db:record(fn, { max_lazy = 0 })
    end
    without(function()
      Author.query:all()
      for _, author in ipairs(all) do assert(author.name) end
    end)
    without(function() for i = 1, 20 do assert(db.session:get(Author, i)) end end)
    without(function() for i, author in ipairs(all) do author.name = "b" .. i end db.session:flush() end)
    without(function()
      for _, author in ipairs(all) do db.session:delete(author) end
      db.session:flush()
    end)
    assert.equal(0, Author.query:count())
    assert.equal("nothing was found", tostring(dog))
  end)

  it("max_lazy is told where the function's own pcall has caught it, too", function()
    local all = Author.query:order_by(Author.id):all()
    local ok, err = pcall(function()
      db:record(function()
        for _, author in ipairs(all) do pcall(function() return #author.books end) end
      end, { max_lazy = 2 })
    end)
    assert.falsy(ok)
    assert.matches("20 loads by accesses, and max_lazy is 2: Author.books is loaded one by one, 20 times", err.message,
      1, true)
  end)

  it("max_lazy counts expired objects, too", function()
    local all = Author.query:order_by(Author.id):all()
    db.session:commit()
    local function fails(most)
      return support.error_of(db.record, db, function()
        for _, author in ipairs(all) do assert(author.name) end
      end, { max_lazy = most }).message
    end
    assert.matches("^4 loads by accesses, and max_lazy is 3: Author is read again one by one, 4 times at ", fails(3))
    assert.matches("^1 load by an access, and max_lazy is 0: Author is read again one by one, once at ", fails(0))
  end)

  it("is told of what subclasses add, and the option that reads it", function()
    local Kind = db.Model:extend("Kind", {
      id   = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "kind" },
    })
    local One = Kind:extend("One", { a = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "one" } })
    local Two = Kind:extend("Two", { id = db.Column{ db.Integer, db.ForeignKey "kind.id", primary_key = true },
      b = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "two" } })
    db:create_all()
    for i = 1, 4 do db.session:add_all{ One{ a = i }, Two{ b = i } } end
    db.session:commit()
    local dog <close> = db:watchdog{ n_plus_one = 3, suggest = true }
    local function read(query)
      db.session:expunge_all()
      for _, object in ipairs(query:all()) do assert(mr.class_of(object) == One and object.a or object.b) end
    end
    read(Kind.query:options(mr.selectin_polymorphic(Kind, "*")))
    assert.equal(0, #dog.findings)
    read(Kind.query)
    local cures = {}
    for _, found in ipairs(dog.findings) do cures[found.attribute] = found.option .. " " .. found.count end
    assert.same({ ["One.a"] = "mr.selectin_polymorphic(Kind, { One }) 4",
      ["Two.b"] = "mr.selectin_polymorphic(Kind, { Two }) 4" }, cures)
    assert.matches("Two.b is loaded one by one, 4 times at ", tostring(dog), 1, true)
    assert.matches(": add mr.selectin_polymorphic(Kind, { Two }) to the query", tostring(dog), 1, true)
  end)

  it("hears nothing of what is loaded with the query, in batches, or is in memory", function()
    local dog <close> = db:watchdog{ n_plus_one = 3 }
    loop(Author.query:options(mr.selectinload "books"))
    db.session:expunge_all()
    local kept = Author.query:options(mr.batchload "books"):all() -- else the collector may take them between the loops
    for _, author in ipairs(kept) do assert(#author.books == 1) end
    loop(Author.query)
    assert.equal("nothing was found", tostring(dog))
  end)

  it("hears nothing of a batch loop that works, whatever it reads, chunk by chunk too", function()
    local dog <close> = db:watchdog{ n_plus_one = 2 }
    local make = mr.sessionmaker{ bind = db.engine, lazy = "batch", batch = { max = 3 } }
    local s <close> = make()
    local function read(query)
      s:expunge_all()
      local kept = {} -- a group of which one is left is none
      local sent = #db:record(function()
        for author in query:order_by(Author.id):iter() do
          kept[#kept + 1] = author
          assert(#author.books == 1)
          assert(author.bio and author.name)
        end
      end, { max_lazy = 3 })
      return sent
    end
    -- the first alone, then three at a time; of 20, and of 5, one is left
    assert.equal(1 + (1 + 7) * 3, read(s:query(Author):options(mr.defer "name")))
    assert.equal(1 + 5 * 2 * 3, read(s:query(Author):options(mr.defer "name"):yield_per(4)))
    assert.equal(1 + 4 * 3 * 3, read(s:query(Author):options(mr.defer "name"):yield_per(5)))
    assert.equal("nothing was found", tostring(dog))
  end)

  it("is told of a batch loop that loads one by one all the same", function()
    local dog <close> = db:watchdog{ n_plus_one = 5, suggest = true }
    local make = mr.sessionmaker{ bind = db.engine, lazy = "batch" }
    local s <close> = make()
    local all = s:query(Author):order_by(Author.id):all()
    for i = #all, 1, -1 do assert(#all[i].books == 1) end -- a batch goes forward
    for i = 1, 20 do -- a result each
      s:expunge_all()
      assert(#s:query(Author):filter(Author.id:ge(i)):order_by(Author.id):limit(2):all()[1].books == 1)
    end
    assert.same({ 20, 20 }, { dog.findings[1].count, dog.findings[2].count })
    all = s:query(Author):order_by(Author.id):all()
    for i = #all, 1, -1 do assert(all[i].bio) end
    local lists = "mr.selectinload(Author.books)"
    for i, option in ipairs{ lists, lists, "mr.undefer(Author.bio)" } do
      assert.matches(": add " .. option .. " to the query", dog.findings[i].message, 1, true)
      assert.is_nil(dog.findings[i].message:find "batch") -- they load in batches already
    end
    local e = support.error_of(function()
      db:record(function()
        for i = 1, 20 do
          s:expunge_all()
          assert(s:query(Author):filter(Author.id:ge(i)):limit(2):all()[1].bio)
        end
      end, { max_lazy = 4 })
    end)
    assert.matches("5 loads by accesses, and max_lazy is 4: Author.bio", e.message)
  end)

  it("counts objects: one that expires again and again is one; max_lazy counts each load", function()
    local dog <close> = db:watchdog{ n_plus_one = 2, suggest = true }
    local author = db.session:get(Author, 1)
    local function again(names)
      for _ = 1, 5 do
        db.session:expire(author, names)
        assert(author.name and #author.books == 1)
      end
    end
    again()
    again{ "name", "books" }
    assert.equal("nothing was found", tostring(dog))
    assert.matches("4 loads by accesses, and max_lazy is 3",
      support.error_of(function() db:record(again, { max_lazy = 3 }) end).message)
  end)

  it("is told of its own database alone, and so is max_lazy", function()
    local other = mr.open "sqlite://"
    local dog <close> = other:watchdog{ n_plus_one = 2 }
    assert.equal(0, #other:record(function() loop(Author.query) end, { max_lazy = 0 }))
    assert.equal("nothing was found", tostring(dog))
    db.session:expunge_all()
    assert.matches("1 load by an access", support.error_of(function()
      other:record(function() db:record(function() loop(Author.query) end, { max_lazy = 0 }) end, { max_lazy = 0 })
    end).message)
  end)

  it("gets an error where it has no function, and none where it only suggests", function()
    do
      local dog <close> = db:watchdog{ n_plus_one = 5, suggest = true, on = function() error "mine" end }
      loop(Author.query)
      assert.equal(1, #dog.findings)
    end
    db.session:expunge_all()
    local dog = db:watchdog{ n_plus_one = 5 }
    local e = support.error_of(loop, Author.query)
    assert.equal("InvalidRequestError", e.kind)
    assert.matches("add mr.selectinload%(Author.books%) to the query", e.message)
    dog:stop()
    dog:stop()
    db.session:expunge_all()
    loop(Author.query)
    assert.equal(1, #dog.findings)
  end)

  it("is told of statements that read a large table, and of slow ones", function()
    local found = {}
    local dog <close> = db:watchdog{ fullscan = 10, on = function(finding) found[#found + 1] = finding end }
    Author.query:filter_by{ name = "a3" }:all()
    Author.query:filter_by{ name = "a4" }:all()
    db.session:get(Author, 7)
    Author.query:filter_by{ id = 3 }:all()
    assert.equal(1, #found)
    assert.equal("author", found[1].table)
    assert.matches("a statement reads all rows of author, more than 10, at .*watchdog_spec", found[1].message)
    dog:stop()
    local slow <close> = db:watchdog{ slow = 1e-9, suggest = true }
    Author.query:all()
    assert.equal("slow", slow.findings[1].kind)
    local small <close> = db:watchdog{ fullscan = 100, suggest = true }
    Author.query:all()
    assert.equal(0, #small.findings)
  end)

  it("is not told of a statement that its limit stops; what has no criterion is not said to want an index", function()
    local dog <close> = db:watchdog{ fullscan = 10, suggest = true }
    Author.query:first()
    Author.query:order_by(Author.id):limit(2):all()
    Author.query:order_by(Author.id):limit(2):offset(1):all()
    assert.equal(0, #dog.findings)
    Author.query:order_by(Author.bio):limit(2):all() -- all are sorted
    Author.query:filter_by{ name = "a3" }:limit(1):all() -- all may be looked at
    Author.query:count()
    assert.equal(3, #dog.findings)
    assert.matches("it has no criterion", dog.findings[1].message)
    assert.matches("an index could find them", dog.findings[2].message)
    assert.matches("it has no criterion", dog.findings[3].message)
  end)

  it("is told to want an index only for the SELECT that chooses rows", function()
    local dog <close> = db:watchdog{ fullscan = 10, suggest = true }
    local function advice_of(query)
      local before = #dog.findings
      query:all()
      local list = {}
      for i = before + 1, #dog.findings do
        local found = dog.findings[i]
        list[#list + 1] = found.table .. (found.message:find("an index", 1, true) and " index" or " none")
      end
      table.sort(list)
      return table.concat(list, ", ")
    end
    local s = db.session
    -- the WHERE is that of the scalar subquery, which counts the books of each author
    local counted = mr.select(mr.func.count(Book.id)):where(Book.author_id:eq(Author.id)):scalar_subquery()
    assert.matches("^author none", advice_of(s:query(Author.id, counted)))
    assert.matches("book index", advice_of(s:query(Author.id, counted + 0)))
    assert.equal("author index", advice_of(s:query(Author):filter(Author.name:eq "a )' WHERE (")))
    assert.equal("author index", advice_of(s:query(Author):filter(Author.name:eq(mr.literal_column "') WHERE ('"))))
    assert.equal("author none", advice_of(s:query(mr.case({ { Author.name:eq "x", 1 } }, { else_ = 2 }))))
    -- a query as a table of another: the criterion of either
    local inner = s:query(Author.id, Author.name):filter(Author.name:like "%3"):subquery()
    assert.equal("author index", advice_of(s:query(inner.c.id)))
    local all = s:query(Author.id, Author.name):subquery()
    assert.equal("author index", advice_of(s:query(all.c.id):filter(all.c.name:eq "a3")))
    assert.equal("author none", advice_of(s:query(all.c.name)))
  end)

  it("is told of tables that are read whole under another name", function()
    local dog <close> = db:watchdog{ fullscan = 10, suggest = true }
    local other = mr.aliased(Author)
    db.session:query(other):filter(other.name:eq "a3"):all()
    db.session:query(Author.id, other.id):select_from(Author):join(other, other.name:eq(Author.bio))
      :filter(Author.id:eq(1)):all()
    local tables = {}
    for i, finding in ipairs(dog.findings) do tables[i] = finding.table end
    assert.same({ "author", "author" }, tables)
    assert.matches("reads all rows of author, more than 10", tostring(dog))
  end)

  it("max_lazy is an integer of 0 or more", function()
    for _, value in ipairs{ -1, 1.5, 0 / 0 } do
      local e = support.error_of(function() db:record(function() end, { max_lazy = value }) end)
      assert.equal("ArgumentError", e.kind)
      assert.matches("max_lazy: expected an integer of 0 or more", e.message)
    end
  end)

  it("max_lazy of record refuses the load that is one too many, and names the line", function()
    assert.equal(1 + 20, #db:record(function() loop(Author.query) end, { max_lazy = 20 }))
    db.session:expunge_all()
    local e = support.error_of(function() db:record(function() loop(Author.query) end, { max_lazy = 10 }) end)
    assert.equal("InvalidRequestError", e.kind)
    assert.matches("11 loads by accesses, and max_lazy is 10: Author.books is loaded one by one, 11 times",
      e.message)
    db.session:expunge_all()
    assert.equal(2, #db:record(function() loop(Author.query:options(mr.selectinload "books")) end, { max_lazy = 0 }))
    local mine = {}
    local ok, same = pcall(db.record, db, function() error(mine) end, { max_lazy = 1 })
    assert.is_false(ok)
    assert.equal(mine, same)
    db.session:expunge_all()
    loop(Author.query)
  end)

  it("says what it takes", function()
    assert.matches("say what it watches", support.error_of(db.watchdog, db, {}).message)
    assert.matches("unknown option 'n_plus_on'", support.error_of(db.watchdog, db, { n_plus_on = 1 }).message)
    assert.matches("watchdog: slow: expected a number above 0", support.error_of(db.watchdog, db, { slow = 0 }).message)
    for _, bad in ipairs{ 0, -1, 2.5, 1 / 0, 0 / 0 } do
      for _, name in ipairs{ "n_plus_one", "fullscan" } do
        assert.matches("watchdog: " .. name .. ": expected an integer of 1 or more",
          support.error_of(db.watchdog, db, { [name] = bad }).message)
      end
    end
    assert.matches("slow: expected a number above 0", support.error_of(db.watchdog, db, { slow = 0 / 0 }).message)
    assert.matches("watchdog: on", support.error_of(db.watchdog, db, { slow = 1, on = 5 }).message)
    assert.matches("unknown option 'max'", support.error_of(db.record, db, print, { max = 1 }).message)
  end)
end)
