-- A collection of which a part is loaded (a limit for each parent) beside what the session does with objects: merge,
-- refresh, expire, deletions and cascades, changes from the other side, tables.

local mr = require "moonrow"
local support = require "spec.support.models"

local db, Author, Book, author

local function library(options)
  db = mr.open "sqlite://"
  local books = { "Book", back_populates = "author", order_by = "Book.id" }
  for name, value in pairs(options or {}) do books[name] = value end
  Author = db.Model:extend("Author", { id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String }, books = db.relationship(books) })
  Book = db.Model:extend("Book", {
    id        = db.Column{ db.Integer, primary_key = true },
    title     = db.Column{ db.String },
    author_id = db.Column{ db.Integer, db.ForeignKey "author.id" },
    author    = db.relationship{ "Author", back_populates = "books" },
  })
  db:create_all()
  db.session:add(Author{ id = 1, name = "ann", books = { Book{ title = "a" }, Book{ title = "b" }, Book{ title = "c" },
    Book{ title = "d" } } })
  db.session:commit()
  db.session:remove()
  author = Author.query:options(mr.selectinload(Author.books, { limit = 2 })):one()
end

local function titles(of) return support.words(of.books, "title") end

describe("a collection of which a part is loaded", function()
  before_each(function()
    library()
    assert.equal("a b", titles(author))
    assert.same({ "books" }, mr.inspect(author).partial)
    assert.same({ "books" }, mr.inspect(author).unloaded)
  end)

  it("has no history, and does not make its object dirty", function()
    assert.same({ {}, {}, {} }, support.history(author, "books"))
    assert.is_false(db.session:is_modified(author))
    author.name = "x"
    assert.same({ "UPDATE author" }, support.writes(db))
    assert.equal("a b", titles(author))
  end)

  it("refuses each way of changing it, and names the cure", function()
    local book = author.books[1]
    for _, change in ipairs{
      function() author.books:append(Book{ title = "x" }) end, function() author.books:remove(book) end,
      function() author.books:insert(1, Book{ title = "x" }) end, function() author.books:clear() end,
      function() author.books:extend{ Book{ title = "x" } } end, function() author.books = {} end,
      function() author.books[2] = nil end, function() author.books[1] = Book{ title = "x" } end,
      function() table.insert(author.books, Book{ title = "x" }) end, function() table.remove(author.books) end,
    } do
      local e = support.error_of(change)
      assert.matches("InvalidRequestError: ", tostring(e.kind) .. ": ")
      assert.matches("expire it first", e.message)
    end
    assert.equal("a b", titles(author))
    assert.same({}, support.writes(db))
  end)

  it("is whole after an expiry", function()
    db.session:expire(author, { "books" })
    assert.same({}, mr.inspect(author).partial)
    support.costs(db, 1, function() assert.equal("a b c d", titles(author)) end)
    author.books:remove(author.books[4])
    assert.same({ "UPDATE book" }, support.writes(db))
  end)

  it("is whole after a refresh that names it, and after a commit", function()
    db.session:refresh(author, { "books" })
    support.costs(db, 0, function() assert.equal("a b c d", titles(author)) end)
    library()
    db.session:commit()
    assert.equal("a b c d", titles(author))
  end)

  it("stays a part where a refresh reads the columns alone", function()
    support.elsewhere(db, "UPDATE author SET name = 'new' WHERE id = 1")
    db.session:refresh(author, { "name" })
    assert.equal("new", author.name)
    assert.equal("a b", titles(author))
  end)

  it("shows the whole when a book comes from the other side, without a statement for the change", function()
    local book
    support.costs(db, 0, function() book = Book{ title = "e", author = author } end)
    assert.equal("a b c d e", titles(author))
    assert.same({}, mr.inspect(author).partial)
    assert.equal(book, author.books[5])
  end)

  it("shows the whole when one leaves it through the other side", function()
    local book = author.books[2]
    support.costs(db, 0, function() book.author = nil end)
    assert.equal("a c d", titles(author))
    db.session:commit()
    assert.equal(3, #author.books)
  end)

  it("is no value for merge: the other object keeps its list", function()
    local other <close> = mr.Session(db.engine)
    local copy = other:merge(author)
    assert.equal("a b c d", titles(copy))
    assert.same({}, support.statements(db, function() other:flush() end))
    other:expunge_all()
    copy = other:merge(author, { load = false })
    assert.equal("a b c d", titles(copy))
  end)

  it("is replaced where a whole list is merged onto its object", function()
    local keep = author.books[1]
    db.session:merge(Author{ id = 1, name = "ann", books = { Book{ id = keep.id, title = "a" } } })
    db.session:commit()
    assert.equal("a", titles(author))
    assert.equal(3, Book.query:filter(Book.author_id:is_(nil)):count())
  end)

  it("gives a table of its part, and loads nothing for it", function()
    support.costs(db, 0, function()
      local out = author:to_table{ depth = 1 }
      assert.equal(2, #out.books)
      assert.equal("b", out.books[2].title)
    end)
    assert.is_nil(author:to_table().books)
    for name in pairs(author) do assert.is_not.equal("books", name) end
  end)

  it("is seen by a detached object, which can load no more", function()
    db.session:expunge(author)
    assert.equal("a b", titles(author))
  end)

  it("keeps its items alive, and as they are in the session", function()
    collectgarbage()
    collectgarbage()
    author.books[1].title = "mine"
    assert.same({ "UPDATE book" }, support.writes(db))
    assert.equal("mine b", titles(author))
  end)
end)

describe("the deletion of an object of which a part is loaded", function()
  it("clears all foreign keys", function()
    library()
    assert.equal("a b", titles(author))
    db.session:delete(author)
    db.session:commit()
    assert.equal(4, Book.query:filter(Book.author_id:is_(nil)):count())
  end)

  it("with delete-orphan deletes all", function()
    library{ cascade = "all, delete-orphan" }
    assert.equal("a b", titles(author))
    db.session:delete(author)
    db.session:commit()
    assert.equal(0, Book.query:count())
  end)

  it("with passive_deletes leaves what is not loaded to the database", function()
    library{ cascade = "all, delete-orphan", passive_deletes = true }
    assert.equal("a b", titles(author))
    db.session:delete(author)
    local e = support.error_of(db.session.flush, db.session) -- the rows have no ON DELETE
    assert.equal("IntegrityError", e.kind)
    db.session:rollback()
    assert.equal(4, Book.query:count())
  end)

  it("undone, leaves the list as it was asked for", function()
    library{ cascade = "all, delete-orphan" }
    db.session:delete(author)
    db.session:flush()
    db.session:rollback()
    assert.equal("a b c d", titles(author))
  end)
end)
