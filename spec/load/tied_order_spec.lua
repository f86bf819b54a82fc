-- A limit with an order that does not tell all rows apart: which of equal rows are within the limit is the database's
-- choice, and each statement may choose anew. Whatever the strategy, each object has all of its children, and no
-- others; and the pages of a query, put together, are its objects, each once.

local mr = require "moonrow"

local STRATEGIES = { "lazyload", "joinedload", "selectinload", "subqueryload", "immediateload" }

local function open(options)
  local db = mr.open "sqlite://"
  local Author = db.Model:extend("Author", {
    id    = db.Column{ db.Integer, primary_key = true },
    grade = db.Column{ db.Integer },
    books = db.relationship{ "Book", order_by = "Book.id" },
  })
  local Book = db.Model:extend("Book", {
    id        = db.Column{ db.Integer, primary_key = true },
    author_id = db.Column{ db.Integer, db.ForeignKey "author.id" },
    tags      = db.relationship{ "Tag", secondary = "book_tag", order_by = "Tag.id" },
  })
  db.Table("book_tag", db.Column{ "book_id", db.Integer, db.ForeignKey "book.id", primary_key = true },
    db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id", primary_key = true })
  local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
  db:create_all()
  local tags = {}
  for i = 1, 3 do tags[i] = Tag{ id = i } end
  db.session:add_all(tags)
  for a = 1, 12 do
    local books = {}
    for b = 1, a % 4 do books[b] = Book{ id = a * 10 + b, tags = { tags[b % 3 + 1], tags[(b + 1) % 3 + 1] } } end
    db.session:add(Author{ id = a, grade = options and options.grade(a) or 1, books = books })
  end
  db.session:commit()
  db.session:remove()
  return db, Author, Book
end

local function check(author)
  assert.equal(author.id % 4, #author.books)
  for i, book in ipairs(author.books) do
    assert.equal(author.id * 10 + i, book.id)
    assert.equal(2, #book.tags)
  end
end

describe("a limit with an order that is not unique", function()
  for _, strategy in ipairs(STRATEGIES) do
    it("gives each object all of its children by " .. strategy, function()
      for _, descending in ipairs{ false, true } do
        local db, Author, Book = open{ grade = function(a) return a % 2 end }
        local order = descending and Author.grade:desc() or Author.grade
        local q = Author.query:order_by(order):limit(5):offset(2)
          :options(mr[strategy](Author.books):selectinload(Book.tags))
        local authors
        local sent = #db:record(function()
          authors = q:all()
          if strategy ~= "lazyload" then for _, author in ipairs(authors) do check(author) end end
        end)
        assert.equal(5, #authors)
        for _, author in ipairs(authors) do check(author) end
        local most = ({ joinedload = 2, selectinload = 3, subqueryload = 4, immediateload = 11 })[strategy]
        if most then assert(sent <= most, strategy .. ": " .. sent) end
        db.session:remove()
      end
    end)

    it("without any order, too, by " .. strategy, function()
      local db, Author, Book = open()
      for offset = 0, 10, 5 do
        local option = mr[strategy](Author.books):subqueryload(Book.tags)
        for _, author in ipairs(Author.query:limit(4):offset(offset):options(option):all()) do check(author) end
      end
      db.session:remove()
    end)
  end

  it("and with a row that comes between two statements of subqueryload", function()
    local db, Author = open{ grade = function() return 1 end }
    local seen = 0
    mr.event.listen(db.engine, "after_execute", function(connection, statement)
      if seen > 0 or not statement:find("FROM author", 1, true) then return end
      seen = seen + 1
      connection:execute(mr.text "INSERT INTO author (id, grade) VALUES (-1, 1)")
    end)
    local q = db.session:query(Author):order_by(Author.grade):limit(3):options(mr.subqueryload(Author.books))
    local authors = q:all()
    assert.equal(1, seen)
    for _, author in ipairs(authors) do assert.equal(author.id % 4, #author.books) end
    db.session:rollback()
    db.session:remove()
  end)
end)

describe("pages of a query with a join", function()
  it("are its objects, each once, in the order that was asked for", function()
    local db, Author, Book = open{ grade = function(a) return a % 3 end }
    local q = Author.query:join(Author.books):order_by(Author.grade, Author.id)
    local page, ids = q:paginate{ per_page = 2 }, {}
    assert.equal(9, page.total)
    while page do
      assert.is_true(#page.items <= 2)
      for _, author in ipairs(page.items) do ids[#ids + 1] = author.id end
      page = page:next()
    end
    assert.same({ 3, 6, 9, 1, 7, 10, 2, 5, 11 }, ids)
    local by_book = Author.query:join(Author.books):order_by(Book.id:desc()):paginate{ per_page = 3 }
    assert.equal(9, by_book.total)
    assert.equal(11, by_book.items[1].id)
    assert.equal(10, by_book.items[2].id)
    db.session:remove()
  end)
end)
