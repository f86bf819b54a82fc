-- mr.count_of as a column, mr.count of an object.

local mr = require "moonrow"
local support = require "spec.support.models"

local db, Author, Book, Tag

local function fill(n, session_options)
  db = mr.open("sqlite://", { session_options = session_options })
  local links = db.Table("book_tag", db.Column{ "book_id", db.ForeignKey "book.id", primary_key = true },
    db.Column{ "tag_id", db.ForeignKey "tag.id", primary_key = true })
  Author = db.Model:extend("Author", {
    id     = db.Column{ db.Integer, primary_key = true },
    name   = db.Column{ db.String },
    books  = db.relationship{ "Book", back_populates = "author" },
    fans   = db.relationship{ "Author", backref = db.backref{ "idol", remote_side = "Author.id" } },
    idol_id = db.Column{ db.Integer, db.ForeignKey "author.id" },
    nbooks = mr.count_of "books",
    nfans  = mr.count_of("fans", { deferred = true }),
  })
  Book = db.Model:extend("Book", {
    id        = db.Column{ db.Integer, primary_key = true },
    title     = db.Column{ db.String },
    author_id = db.Column{ db.Integer, db.ForeignKey "author.id" },
    author    = db.relationship{ "Author", back_populates = "books" },
    tags      = db.relationship{ "Tag", secondary = links },
  })
  Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String } })
  db:create_all()
  for i = 1, n do
    local author = Author{ id = i, name = "a" .. i, idol_id = i > 1 and 1 or nil }
    db.session:add(author)
    for j = 1, i % 4 do
      author.books:append(Book{ title = i .. "." .. j, tags = j > 1 and { Tag{ name = "t" } } or {} })
    end
  end
  db.session:commit()
  db.session:remove()
end

local function all() return Author.query:order_by(Author.id):all() end

describe("mr.count_of", function()
  before_each(function() fill(8) end)

  it("is an attribute of a class", function()
    local authors
    assert.equal(1, #db:record(function()
      authors = all()
      for i, author in ipairs(authors) do assert.equal(i % 4, author.nbooks) end
    end))
    assert.equal(1, #db:record(function() assert.equal(7, authors[1].nfans) end))
    assert.equal(2, Author.query:filter(Author.nbooks:eq(3)):count())
    assert.equal("a3", Author.query:order_by(Author.nbooks:desc(), Author.id):first().name)
  end)

  it("may be the first of all attributes that is used after the declarations", function()
    for _, use in ipairs{
      function(Root) return Root.query:order_by(Root.n:desc()):all()[1].n end,
      function(Root) return Root.query:filter(Root.n:gt(1)):one().n end,
      function(Root) return Root.query:where(Root.n:is_not(nil)):order_by(Root.id):first().n end,
    } do
      for _, target in ipairs{ "Leaf", "Root" } do
        local fresh = mr.open "sqlite://"
        local Root = fresh.Model:extend("Root", {
          id      = fresh.Column{ fresh.Integer, primary_key = true },
          root_id = fresh.Column{ fresh.Integer, fresh.ForeignKey "root.id" },
          under   = fresh.relationship{ target },
          n       = mr.count_of("under", { deferred = true }),
        })
        fresh.Model:extend("Leaf", { id = fresh.Column{ fresh.Integer, primary_key = true },
          root_id = fresh.Column{ fresh.Integer, fresh.ForeignKey "root.id" } })
        for _, statement in ipairs{ "CREATE TABLE root (id INTEGER PRIMARY KEY, root_id INTEGER)",
          "CREATE TABLE leaf (id INTEGER PRIMARY KEY, root_id INTEGER)", "INSERT INTO root (id) VALUES (1)",
          "INSERT INTO " .. target:lower() .. " (root_id) VALUES (1), (1)" } do
          fresh.session:execute(mr.text(statement))
        end
        assert.equal(2, use(Root))
      end
    end
    local Ring = mr.open("sqlite://").Model
    Ring = Ring:extend("Ring", { id = db.Column{ db.Integer, primary_key = true },
      n = mr.column_property(function(class) return class.n + 1 end) })
    assert.matches("Ring.n: its expression is made of itself", support.error_of(function() return Ring.n end).message)
  end)

  it("is a value of a query, with a criterion, along an alias", function()
    local rows = db.session:query(Author.id, mr.count_of(Author.books):label "n"):order_by(Author.id):all()
    assert.same({ 1, 2, 3, 0 }, { rows[1].n, rows[2].n, rows[3].n, rows[4].n })
    assert.equal(2, Author.query:filter(mr.count_of(Author.books, Book.title:like "%.3"):eq(1)):count())
    assert.equal(2, Author.query:filter(mr.count_of(Author.books, { title = "3.1" }):eq(1) |
      mr.count_of(Author.books, { title = "7.2" }):eq(1)):count())
    local other = mr.aliased(Author)
    assert.equal(7, db.session:query(mr.count_of(other.fans)):select_from(other):filter(other.id:eq(1)):scalar())
    assert.equal(1, db.session:query(mr.count_of(Book.tags)):filter(Book.title:eq "2.2"):scalar())
  end)

  it("says what it takes", function()
    assert.matches("expected a relationship", support.error_of(mr.count_of, 5).message)
    assert.matches("a relationship such as User.posts before a criterion",
      support.error_of(mr.count_of, "books", Book.id:eq(1)).message)
    assert.matches("is no collection", support.error_of(mr.count_of, Book.author).message)
    assert.matches("criteria are joined by &", support.error_of(mr.count_of, Author.books, nil, 5).message)
    assert.matches("unknown option 'lazy' for count_of", support.error_of(mr.count_of, "books", { lazy = 1 }).message)
    -- the name alone is for the body of a class
    for wanted, fn in pairs{
      ["query: expected classes, columns or other expressions"] = function()
        db.session:query(mr.count_of "books"):all()
      end,
      ["order_by: expected an SQL expression"] = function() Author.query:order_by(mr.count_of "books"):all() end,
      ["where: expected an SQL expression"] = function() Author.query:where(mr.count_of "books") end,
    } do
      assert.equal(wanted .. ", got a declaration for the body of a class (a query takes Class.attribute, or "
        .. "mr.count_of(Class.attribute))", support.error_of(fn).message)
    end
  end)
end)

describe("mr.count", function()
  it("counts without loading: the first object alone, then the next 500 at once", function()
    fill(1002)
    local authors = all()
    local texts = support.statements(db, function()
      for i, author in ipairs(authors) do assert.equal(i % 4, mr.count(author, "books")) end
    end)
    assert.equal(1 + 3, #texts)
    assert.matches("count%(%*%)", texts[1])
    assert.equal(1, #db:record(function() assert.equal(1, #authors[1].books) end))
  end)

  it("counts for the next ones also where their objects took the places of freed ones", function()
    fill(50)
    for _ = 1, 3 do
      assert.equal(50, #all())
      db.session:expunge_all()
      collectgarbage()
      collectgarbage()
      mr.memory{ trace = true }
    end
    local authors = all()
    assert.equal(2, #db:record(function()
      for i, author in ipairs(authors) do assert.equal(i % 4, mr.count(author, "books")) end
    end))
  end)

  it("counts for the next ones also where many objects lie between them", function()
    fill(50)
    local session, tags = db.session, {}
    for i = 1, 10000 do tags[i] = { id = 1000 + i, name = "t" } end
    session:execute(mr.insert(Tag), tags)
    local first = Author.query:filter(Author.id:le(25)):order_by(Author.id):all()
    local between = Tag.query:all()
    local last = Author.query:filter(Author.id:gt(25)):order_by(Author.id):all()
    assert(#between >= 10000 and #last == 25)
    assert.equal(2, #db:record(function()
      for i, author in ipairs(first) do assert.equal(i % 4, mr.count(author, "books")) end
      for i, author in ipairs(last) do assert.equal((i + 25) % 4, mr.count(author, "books")) end
    end))
  end)

  it("goes by the result where objects load in batches", function()
    fill(20, { lazy = "batch" })
    local some = Author.query:filter((Author.id % 5):eq(0)):order_by(Author.id):all()
    local records = db:record(function()
      for _, author in ipairs(some) do assert.equal(author.id % 4, mr.count(author, "books")) end
    end)
    assert.equal(2, #records)
    local asked = {}
    for _, id in ipairs(records[2].parameters) do asked[id] = true end
    assert.is_nil(asked[11])
    assert.is_true(asked[20])
  end)

  it("takes no statement for what is loaded, new, or detached with its list", function()
    fill(3)
    local first = Author.query:options(mr.selectinload "books"):order_by(Author.id):all()[3]
    assert.equal(0, #db:record(function()
      assert.equal(3, mr.count(first, "books"))
      assert.equal(1, mr.count(Author{ books = { Book{} } }, "books"))
    end))
    db.session:expunge(first)
    assert.equal(3, mr.count(first, "books"))
    assert.equal("DetachedInstanceError", support.error_of(mr.count, first, "fans").kind)
  end)

  it("is right after each change", function()
    fill(12)
    local authors = all()
    for i = 1, 4 do assert.equal(i % 4, mr.count(authors[i], "books")) end
    authors[5].books:append(Book{ title = "new" })
    assert.equal(2, mr.count(authors[5], "books"))
    db.session:add(Book{ title = "new", author_id = 6 })
    assert.equal(3, mr.count(authors[6], "books"))
    Book.query:filter_by{ author_id = 7 }:update{ author_id = 10 }
    assert.equal(0, mr.count(authors[7], "books"))
    assert.equal(2 + 3, mr.count(authors[10], "books"))
    db.session:execute(mr.insert(Book), { { author_id = 8 } })
    assert.equal(1, mr.count(authors[8], "books"))
    db.session:rollback()
    assert.equal(0, mr.count(authors[8], "books"))
    assert.equal(3, mr.count(authors[7], "books"))
    db.session.autoflush = false
    Book{ title = "x", author = authors[9] }
    assert.equal(2, mr.count(authors[9], "books"))
  end)

  it("counts many-to-many, self-references, and by keys of several columns", function()
    fill(8)
    local books = Book.query:order_by(Book.id):all()
    assert.equal(2, #db:record(function()
      for _, book in ipairs(books) do assert.equal(book.title:match "%.1$" and 0 or 1, mr.count(book, "tags")) end
    end))
    local authors = all()
    for i, author in ipairs(authors) do assert.equal(i == 1 and 7 or 0, mr.count(author, "fans")) end
    local Order = db.Model:extend("Order", { shop = db.Column{ db.String, primary_key = true },
      no = db.Column{ db.Integer, primary_key = true }, lines = db.relationship{ "Line" } })
    local Line = db.Model:extend("Line", { id = db.Column{ db.Integer, primary_key = true },
      shop = db.Column{ db.String }, no = db.Column{ db.Integer },
      __table_args = { db.ForeignKeyConstraint({ "shop", "no" }, { "order.shop", "order.no" }) } })
    db:create_all()
    for i = 1, 4 do db.session:add(Order{ shop = i % 2 == 0 and "a" or "b", no = i, lines = { Line{}, Line{} } }) end
    db.session:commit()
    db.session:remove()
    assert.equal(1 + 2, #db:record(function()
      for _, order in ipairs(Order.query:order_by(Order.no):all()) do assert.equal(2, mr.count(order, "lines")) end
    end))
  end)

  it("counts objects of several classes together", function()
    for _, joined in ipairs{ true, false } do
      fill(0)
      local Being = db.Model:extend("Being", {
        id = db.Column{ db.Integer, primary_key = true },
        kind = db.Column{ db.String },
        charms = db.relationship{ "Charm" },
        __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "being" },
      })
      local Mage = Being:extend("Mage", {
        id = joined and db.Column{ db.Integer, db.ForeignKey "being.id", primary_key = true } or nil,
        spells = db.relationship{ "Spell" },
        __mapper_args = { polymorphic_identity = "mage" },
      })
      local Charm = db.Model:extend("Charm", { id = db.Column{ db.Integer, primary_key = true },
        being_id = db.Column{ db.Integer, db.ForeignKey "being.id" } })
      local Spell = db.Model:extend("Spell", { id = db.Column{ db.Integer, primary_key = true },
        mage_id = db.Column{ db.Integer, db.ForeignKey(joined and "mage.id" or "being.id") } })
      db:create_all()
      for i = 1, 9 do
        local charms, spells = {}, {}
        for k = 1, i % 4 do charms[k], spells[k] = Charm{}, Spell{} end
        local values = { id = i, charms = charms, spells = i % 3 == 0 and spells or nil }
        db.session:add(i % 3 == 0 and Mage(values) or Being(values))
      end
      db.session:commit()
      for first = 1, 9 do -- whose class is that of the statement for the others, too
        db.session:remove()
        local beings = Being.query:order_by(Being.id):all()
        assert.equal(2, #db:record(function()
          assert.equal(first % 4, mr.count(beings[first], "charms"))
          for _, i in ipairs{ 3, 1, 2, 4, 5, 6, 7, 8, 9 } do assert.equal(i % 4, mr.count(beings[i], "charms")) end
        end))
        assert.equal(2, #db:record(function()
          for i = 3, 9, 3 do assert.equal(i % 4, mr.count(beings[i], "spells")) end
        end))
      end
    end
  end)

  it("counts what the list would have: the criteria of the object's own query hold", function()
    fill(9)
    local held = Author.query:filter(Author.id:in_{ 2, 3 }):options(
      mr.with_loader_criteria(Book, Book.title:like "%.1")):order_by(Author.id):all()
    local authors = all()
    local function counts(of)
      local list = {}
      for i, author in ipairs(authors) do list[i] = of(author) end
      return table.concat(list, " ")
    end
    local counted
    assert.equal(4, #db:record(function()
      counted = counts(function(author) return mr.count(author, "books") end)
    end))
    assert.equal("1 1 1 0 1 2 3 0 1", counted)
    assert.equal(counted, counts(function(author) return #author.books end))
    assert.equal(2, #held)
  end)

  it("keeps no object, and says what it takes", function()
    fill(4)
    assert.matches("'boks' is not an attribute of Author %(did you mean 'books'%?%)",
      support.error_of(mr.count, all()[1], "boks").message)
    assert.matches("Author.name is no collection", support.error_of(mr.count, all()[1], "name").message)
    assert.matches("expected an object", support.error_of(mr.count, 5, "books").message)
    assert.matches("the name of a collection", support.error_of(mr.count, all()[1]).message)
  end)
end)
