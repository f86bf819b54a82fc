-- A query of nothing but values about a class whose subquery takes the object's row from around it: a count, any(),
-- has(). There is one for each object of the class.

local mr = require "moonrow"

local db, Author, Poet, Book

before_each(function()
  db = mr.open "sqlite://"
  Author = db.Model:extend("Author", {
    id      = db.Column{ db.Integer, primary_key = true },
    kind    = db.Column{ db.String },
    books   = db.relationship{ "Book", back_populates = "author" },
    n_books = mr.count_of "books",
    n_late  = mr.count_of("books", { deferred = true }),
    double  = mr.column_property(function(class) return class.id * 2 end),
    __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "author" },
  })
  Poet = Author:extend("Poet", { __mapper_args = { polymorphic_identity = "poet" } })
  Book = db.Model:extend("Book", {
    id        = db.Column{ db.Integer, primary_key = true },
    author_id = db.Column{ db.Integer, db.ForeignKey "author.id" },
    author    = db.relationship{ "Author", back_populates = "books" },
  })
  db:create_all()
  db.session:add_all{ Author{ books = { Book{}, Book{} } }, Poet{ books = { Book{} } }, Author{}, Poet{} }
  db.session:add(Book{})
  db.session:commit()
  db.session:remove()
end)

local function values(query)
  local list = {}
  for i, row in ipairs(query:all()) do list[i] = tostring(row[1]) end
  return table.concat(list, " ")
end

describe("a value alone", function()
  it("that counts is one of each object", function()
    local s = db.session
    assert.equal("2 1 0 0", values(s:query(mr.count_of(Author.books))))
    assert.equal("2 1 0 0", values(s:query(Author.n_books):order_by(Author.id)))
    assert.equal("0 0 1 2", values(s:query(Author.n_late):order_by(Author.id:desc())))
    assert.equal("3 2 1 1", values(s:query(Author.n_books + 1)))
    assert.equal("1 0", values(s:query(mr.count_of(Author.books)):filter(Author.id:gt(1)):limit(2)))
    assert.equal("SELECT (SELECT count(*) AS count_1 FROM book WHERE author.id = book.author_id) AS anon_1 FROM author",
      tostring(s:query(mr.count_of(Author.books))))
  end)

  it("is counted, united, and nested", function()
    local s = db.session
    assert.equal(4, s:query(Author.n_books):count())
    local united = s:query(Author.n_books):union(s:query(mr.count_of(Author.books))):all()
    table.sort(united, function(x, y) return x[1] < y[1] end)
    assert.equal("0 1 2", united[1][1] .. " " .. united[2][1] .. " " .. united[3][1])
    assert.equal(3, s:query(mr.func.sum(Author.n_books)):scalar())
    assert.equal(1, Author.query:filter(Author.n_books:gt(s:query(mr.func.avg(Author.n_late) + 1):scalar_subquery()))
      :count())
    assert.equal("2 1 0", values(s:query(Author.n_books):distinct():order_by(Author.n_books:desc())))
    assert.equal(2, s:execute(mr.select(mr.count_of(Author.books))):scalar())
  end)

  it("that is deferred is not computed to count objects", function()
    local function statement(query)
      local n
      local records = db:record(function() n = query:count() end)
      return n, records[1].statement
    end
    local n, sent = statement(Author.query)
    assert.equal(4, n)
    assert.is_nil(sent:find "n_late")
    local _, alone = sent:gsub("FROM book", "")
    assert.equal(1, alone) -- n_books is not deferred
    n, sent = statement(Author.query:options(mr.load_only(Author.kind)):distinct():filter(Author.n_late:ge(1)))
    assert.equal(2, n)
    assert.matches("SELECT DISTINCT author.id AS author_id, author.kind AS author_kind FROM author", sent)
    assert.equal(4, (statement(Author.query:union(Author.query))))
  end)

  it("of a subclass is one of each of its objects", function()
    local s = db.session
    assert.equal("1 0", values(s:query(Poet.n_books)))
    assert.equal("1 0", values(s:query(Poet.n_books, Poet.id)))
    assert.equal("4 8", values(s:query(Poet.double)))
    assert.equal("2 4 6 8", values(s:query(Author.double)))
    local poet = mr.aliased(Poet)
    assert.equal("1 0", values(s:query(mr.count_of(poet.books))))
    assert.equal("1 0", values(s:query(poet.n_books)))
  end)

  it("that asks for others is one of each object", function()
    assert.equal("true true false false", values(db.session:query(Author.books:any())))
    assert.equal("true true true false", values(db.session:query(Book.author:has())))
    assert.equal("false", values(db.session:query(~Book.author:has()):filter(Book.id:eq(1))))
  end)

  it("leaves a query that reads something as it is", function()
    local other = mr.aliased(Author)
    assert.equal("2 1 0 0", values(db.session:query(mr.count_of(other.books)):select_from(other)))
    assert.equal("2 2 1", values(db.session:query(Author.n_books):join(Author.books):order_by(Author.id)))
    -- a subquery that lists all that it reads, as the program wrote it
    local all = mr.select(mr.func.count()):where(Author.id:eq(Book.author_id)):correlate(Author)
    assert.equal("3", values(db.session:query(all:scalar_subquery())))
  end)
end)
