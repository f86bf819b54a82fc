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

  it("hears nothing of what is loaded with the query, in batches, or is in memory", function()
    local dog <close> = db:watchdog{ n_plus_one = 3 }
    loop(Author.query:options(mr.selectinload "books"))
    db.session:expunge_all()
    local kept = Author.query:options(mr.batchload "books"):all() -- else the collector may take them between the loops
    for _, author in ipairs(kept) do assert(#author.books == 1) end
    loop(Author.query)
    assert.equal("nothing was found", tostring(dog))
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
    assert.matches("watchdog: on", support.error_of(db.watchdog, db, { slow = 1, on = 5 }).message)
    assert.matches("unknown option 'max'", support.error_of(db.record, db, print, { max = 1 }).message)
  end)
end)
