-- selectinload(path, { limit = n }): the first objects of each parent; and recursion_depth.

local mr = require "moonrow"
local support = require "spec.support.models"

local db, Author, Book, Tag, links

local function library(options)
  db = mr.open "sqlite://"
  links = db.Table("book_tag", db.Column{ "book_id", db.ForeignKey "book.id" },
    db.Column{ "tag_id", db.ForeignKey "tag.id" })
  local of_books = { "Book", back_populates = "author" }
  for name, value in pairs(options or {}) do of_books[name] = value end
  Author = db.Model:extend("Author", { id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String }, books = db.relationship(of_books) })
  Book = db.Model:extend("Book", {
    id        = db.Column{ db.Integer, primary_key = true },
    title     = db.Column{ db.String },
    author_id = db.Column{ db.Integer, db.ForeignKey "author.id" },
    author    = db.relationship{ "Author", back_populates = "books" },
    tags      = db.relationship{ "Tag", secondary = links, order_by = "Tag.name" },
  })
  Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String } })
  db:create_all()
  for i = 1, 3 do
    local author = Author{ id = i, name = "a" .. i }
    db.session:add(author)
    for j = 1, 4 * (i % 3) do Book{ title = i .. "." .. j, author = author } end -- 4, 8, none
  end
  db.session:flush()
  local first = Book.query:filter_by{ title = "1.1" }:one()
  first.tags:extend{ Tag{ name = "x" }, Tag{ name = "y" }, Tag{ name = "z" } }
  db.session:flush()
  db.session:execute(mr.insert(links), { { book_id = first.id, tag_id = first.tags[1].id } }) -- the link, again
  db.session:commit()
  db.session:remove()
end

local function titles(author)
  local list = {}
  for i, book in ipairs(author.books) do list[i] = book.title end
  return table.concat(list, " ")
end

local function latest(n) return mr.selectinload(Author.books, { limit = n, order_by = Book.id:desc() }) end

describe("a limit for each parent", function()
  before_each(function() library() end)

  it("loads the first objects of each, in the order given, by one statement", function()
    local authors
    local query = Author.query:order_by(Author.id):options(latest(2))
    local texts = support.costs(db, 2, function() authors = query:all() end)
    assert.matches("row_number%(%) OVER %(PARTITION BY book.author_id ORDER BY book.id DESC, book.id%)", texts[2])
    support.costs(db, 0, function()
      assert.equal("1.4 1.3", titles(authors[1]))
      assert.equal("2.8 2.7", titles(authors[2]))
      assert.equal("", titles(authors[3]))
    end)
    assert.equal("{<Book 4>, <Book 3>}", tostring(authors[1].books))
    assert.is_true(authors[1].books:contains(authors[1].books[2]))
    assert.is_false(authors[1].books:contains(authors[2].books[1]))
  end)

  it("follows the relationship's order, and the key, where it has none of its own", function()
    local first = Author.query:options(mr.selectinload("books", { limit = 3 })):first()
    assert.equal("1.1 1.2 1.3", titles(first))
    library{ order_by = function() return Book.title:desc() end }
    first = Author.query:options(mr.selectinload("books", { limit = 3 })):first()
    assert.equal("1.4 1.3 1.2", titles(first))
  end)

  it("takes expressions with values in the order, each its own", function()
    for _, title in ipairs{ "1.2", "1.4" } do
      db.session:expunge_all()
      local order = { mr.case{ { Book.title:eq(title), 0 }, else_ = 1 }, Book.id }
      local first = Author.query:options(mr.selectinload("books", { limit = 2, order_by = order })):first()
      assert.equal(title .. " 1.1", titles(first))
    end
  end)

  it("counts objects, not links, of a many-to-many", function()
    local option = mr.selectinload(Book.tags, { limit = 2, order_by = Tag.name:desc() })
    local book = Book.query:filter_by{ title = "1.1" }:options(option):one()
    assert.equal("zy", book.tags[1].name .. book.tags[2].name)
    db.session:expunge_all()
    book = Book.query:filter_by{ title = "1.1" }:options(mr.selectinload(Book.tags, { limit = 2 })):one()
    assert.equal("xy", book.tags[1].name .. book.tags[2].name)
    assert.equal(2, #book.tags)
  end)

  it("goes on below, and below another option", function()
    local path = latest(1):selectinload(Book.tags)
    assert.equal(3, #db:record(function() Author.query:options(path):all() end))
    db.session:expunge_all()
    local books = Book.query:options(mr.joinedload(Book.author):selectinload(Author.books, { limit = 2 })):all()
    assert.equal(2, #books[1].author.books)
  end)

  it("is of this query: another one may load all, or another part", function()
    local first = Author.query:options(latest(2)):first()
    assert.equal(2, #first.books)
    Author.query:options(latest(3)):first()
    assert.equal(3, #first.books)
    Author.query:options(mr.selectinload "books"):first()
    assert.equal(4, #first.books)
    Author.query:options(latest(1)):first()
    assert.equal(4, #first.books)
  end)

  it("is what inspect calls partial, and unloaded", function()
    local first = Author.query:options(latest(2)):first()
    local seen = mr.inspect(first)
    assert.same({ "books" }, { table.unpack(seen.partial) })
    assert.same({ "books" }, { table.unpack(seen.unloaded) })
    db.session:expire(first, { "books" })
    assert.equal(0, #seen.partial)
    assert.equal(4, #first.books)
    assert.equal(0, #seen.partial)
  end)

  it("makes the list read-only", function()
    local first = Author.query:options(latest(2)):first()
    local book = Book{ title = "new" }
    for _, change in ipairs{
      function() first.books:append(book) end,
      function() first.books:insert(1, book) end,
      function() first.books:remove(first.books[1]) end,
      function() first.books:clear() end,
      function() first.books[1] = book end,
      function() first.books[#first.books + 1] = book end,
      function() first.books[#first.books] = nil end,
      function() first.books:extend{ book } end,
      function() first.books = { book } end,
      function() table.sort(first.books, function(a, b) return a.id < b.id end) end,
    } do
      local e = support.error_of(change)
      assert.equal("InvalidRequestError", e.kind)
      assert.matches("Author.books holds a part of its objects", e.message)
    end
    assert.equal("1.4 1.3", titles(first))
    assert.equal(0, #db.session.dirty)
  end)

  it("gives way to the whole list when the other side changes", function()
    local first = Author.query:options(latest(2)):first()
    first.books[1].author = nil
    assert.equal("1.1 1.2 1.3", titles(first))
    db.session:rollback()
    first = Author.query:options(latest(2)):first()
    Book{ title = "new", author = first }
    assert.equal("1.1 1.2 1.3 1.4 new", titles(first))
  end)

  it("outlives a flush of something else", function()
    local first = Author.query:options(latest(2)):first()
    first.name = "other"
    db.session:flush()
    assert.equal("1.4 1.3", titles(first))
  end)

  it("is not what a deletion goes by: all children lose their parent", function()
    local first = Author.query:options(latest(2)):first()
    db.session:delete(first)
    db.session:commit()
    assert.equal(4, Book.query:filter(Book.author_id:is_(nil)):count())
  end)

  it("is not what a delete cascade goes by: all children go", function()
    library{ cascade = "all, delete-orphan" }
    db.session:execute(mr.delete(links)) -- one of them is there twice
    local first = Author.query:options(latest(1)):first()
    db.session:delete(first)
    db.session:commit()
    assert.equal(8, Book.query:count())
  end)

  it("survives the collector", function()
    local first = Author.query:options(latest(2)):first()
    for _ = 1, 3 do
      collectgarbage()
      mr.memory{ trace = true }
    end
    assert.equal(0, #db:record(function() assert.equal("1.4 1.3", titles(first)) end))
  end)

  it("works for sets and dicts", function()
    library{ collection_class = mr.set }
    local first = Author.query:options(latest(2)):first()
    assert.equal(2, #first.books)
    assert.equal("InvalidRequestError", support.error_of(function() first.books:add(Book{}) end).kind)
    library{ collection_class = mr.attribute_keyed "title" }
    first = Author.query:options(latest(2)):first()
    assert.equal("1.4", first.books["1.4"].title)
    assert.is_nil(first.books["1.1"])
    assert.equal("InvalidRequestError", support.error_of(function() first.books["x"] = Book{ title = "x" } end).kind)
  end)

  it("works with yield_per, more parents than a statement takes, and composite keys", function()
    local n = 0
    for author in Author.query:options(latest(2)):yield_per(2):iter() do n = n + #author.books end
    assert.equal(4, n)
    local more, rows = {}, {}
    for i = 1, 600 do
      more[i] = { id = 100 + i, name = "x" }
      for _ = 1, 3 do rows[#rows + 1] = { title = "t", author_id = 100 + i } end
    end
    db.session:execute(mr.insert(Author), more)
    db.session:execute(mr.insert(Book), rows)
    db.session:commit()
    n = 0
    assert.equal(3, #db:record(function()
      local query = Author.query:filter(Author.id:gt(100)):options(latest(2))
      for _, author in ipairs(query:all()) do n = n + #author.books end
    end))
    assert.equal(1200, n)
    local Order = db.Model:extend("Order", { shop = db.Column{ db.String, primary_key = true },
      no = db.Column{ db.Integer, primary_key = true }, lines = db.relationship{ "Line" } })
    local Line = db.Model:extend("Line", { id = db.Column{ db.Integer, primary_key = true },
      shop = db.Column{ db.String }, no = db.Column{ db.Integer },
      __table_args = { db.ForeignKeyConstraint({ "shop", "no" }, { "order.shop", "order.no" }) } })
    db:create_all()
    for i = 1, 3 do db.session:add(Order{ shop = "s", no = i, lines = { Line{}, Line{}, Line{} } }) end
    db.session:commit()
    db.session:remove()
    for _, order in ipairs(Order.query:options(mr.selectinload("lines", { limit = 2 })):all()) do
      assert.equal(2, #order.lines)
    end
  end)

  it("is refused where it says nothing", function()
    local function refused(words, fn) assert.matches(words, support.error_of(fn).message, 1, true) end
    refused("limit is a number of objects for each parent", function() mr.selectinload("books", { limit = 0 }) end)
    refused("selectinload: limit is a number of objects for each parent, from 1 to 1000000000, got "
      .. math.maxinteger .. ": without a limit all are loaded",
      function() mr.selectinload("books", { limit = math.maxinteger }) end)
    refused("no limit is given", function() mr.selectinload("books", { order_by = Book.id }) end)
    refused("Book.author refers to one object", function()
      Book.query:options(mr.selectinload("author", { limit = 2 })):all()
    end)
    refused("of a relationship, not of", function() mr.selectinload("*", { limit = 2 }) end)
    refused("unknown option 'limit'", function() mr.joinedload("books", { limit = 2 }) end)
  end)
end)

describe("two limits for one object", function()
  local N

  before_each(function()
    db = mr.open "sqlite://"
    N = db.Model:extend("Node", {
      id        = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
      children  = db.relationship{ "Node", order_by = "Node.id" },
    })
    db:create_all()
    for i = 1, 21 do db.session:add(N{ id = i, parent_id = i > 1 and (i - 2) // 4 + 1 or nil }) end
    db.session:commit()
    db.session:remove()
  end)

  -- How many children each node has in memory: of 21 nodes the first five have four.
  local function lengths(query)
    db.session:expunge_all()
    local all, list = {}, {}
    for node in query:order_by(N.id):iter() do all[#all + 1] = node end
    assert.equal(0, #db:record(function() for i, node in ipairs(all) do list[i] = #node.children end end))
    return table.concat(list)
  end

  local function each(n) return tostring(n):rep(5) .. ("0"):rep(16) end

  it("are that of the upper path", function()
    local two = mr.selectinload(N.children, { limit = 2 })
    assert.equal(each(2), lengths(N.query:options(two:selectinload(N.children, { limit = 1 }))))
    assert.equal(each(1), lengths(N.query:options(
      mr.selectinload(N.children, { limit = 1 }):selectinload(N.children, { limit = 3 }))))
    assert.equal(each(4), lengths(N.query:options(
      mr.selectinload(N.children):selectinload(N.children, { limit = 1 }))))
    assert.equal(each(4), lengths(N.query:options(
      mr.joinedload(N.children):selectinload(N.children, { limit = 1 }))))
  end)

  it("hold where what is below has none, however it is loaded, and chunk by chunk", function()
    for _, way in ipairs{ "selectinload", "subqueryload", "joinedload", "immediateload" } do
      local two = mr.selectinload(N.children, { limit = 2 })
      local path = two[way](two, N.children)
      assert.equal(each(2), lengths(N.query:options(path)), way)
      assert.equal(each(2), lengths(N.query:populate_existing():options(path)), way)
      if way ~= "joinedload" then assert.equal(each(2), lengths(N.query:options(path):yield_per(4)), way) end
    end
  end)

  it("are those of this query: another one may have others", function()
    local function read(n)
      local list = {}
      local query = N.query:order_by(N.id):options(
        mr.selectinload(N.children, { limit = n }):selectinload(N.children, { limit = 1 }))
      for i, node in ipairs(query:all()) do list[i] = #node.children end
      return table.concat(list)
    end
    local kept = N.query:all()
    assert.same({ each(2), each(3), each(1) }, { read(2), read(3), read(1) })
    assert.equal(21, #kept)
    -- only the upper one is reached here
    db.session:expunge_all()
    local top = N.query:filter(N.parent_id:is_(nil)):options(
      mr.selectinload(N.children, { limit = 2 }):selectinload(N.children, { limit = 1 })):one()
    assert.same({ 2, 1 }, { #top.children, #top.children[1].children })
  end)
end)

describe("recursion_depth", function()
  local Node

  before_each(function()
    db = mr.open "sqlite://"
    Node = db.Model:extend("Node", {
      id        = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
      children  = db.relationship{ "Node", backref = db.backref{ "parent", remote_side = "Node.id" },
        order_by = "Node.id" },
    })
    db:create_all()
    for i = 1, 6 do db.session:add(Node{ id = i, parent_id = i > 1 and i - 1 or nil }) end -- a chain
    db.session:commit()
    db.session:remove()
  end)

  -- How deep the tree of node 1 is loaded, and the statements that took.
  local function deep(option)
    local node
    local n = #db:record(function() node = Node.query:options(option):filter_by{ id = 1 }:one() end)
    local depth = 0
    while node and table.concat(mr.inspect(node).loaded, " "):find "children" do
      depth = depth + 1
      node = node.children[1]
    end
    return depth, n
  end

  it("follows a class that refers to itself so many levels", function()
    for levels = 1, 4 do
      db.session:expunge_all()
      local depth, n = deep(mr.selectinload(Node.children, { recursion_depth = levels }))
      assert.same({ levels, levels + 1 }, { depth, n })
    end
  end)

  it("-1 follows it to the end, cycles included", function()
    local depth, n = deep(mr.selectinload(Node.children, { recursion_depth = -1 }))
    assert.same({ 6, 7 }, { depth, n })
    db.session:execute(mr.text "UPDATE node SET parent_id = 6 WHERE id = 1")
    db.session:commit()
    db.session:expunge_all()
    assert.equal(7, #db:record(function()
      Node.query:options(mr.selectinload("children", { recursion_depth = -1 })):filter_by{ id = 1 }:one()
    end))
  end)

  it("goes with a limit, with immediateload, and with other options of the same query", function()
    local limited = Node.query:options(mr.selectinload(Node.children, { recursion_depth = 3, limit = 5 })):first()
    assert.equal(0, #db:record(function() assert.equal(4, limited.children[1].children[1].children[1].id) end))
    db.session:expunge_all()
    assert.equal(3, (deep(mr.immediateload(Node.children, { recursion_depth = 3 }))))
    db.session:expunge_all()
    local node = Node.query:options(mr.selectinload("children", { recursion_depth = 3 }), mr.raiseload "*"):first()
    assert.equal(4, node.children[1].children[1].children[1].id)
  end)

  it("is refused of another class, and of no number of levels", function()
    for _, depth in ipairs{ 0, -2, math.mininteger } do
      local e = support.error_of(function() mr.selectinload("children", { recursion_depth = depth }) end)
      assert.equal("selectinload: recursion_depth is a number of levels, from 1 to 1000000000, or -1 for all that "
        .. "there are, got " .. depth, e.message)
    end
    local Leaf = db.Model:extend("Leaf", { id = db.Column{ db.Integer, primary_key = true },
      node_id = db.Column{ db.Integer, db.ForeignKey "node.id" }, node = db.relationship{ "Node" } })
    db:create_all()
    local e = support.error_of(function()
      Leaf.query:options(mr.selectinload("node", { recursion_depth = 2 })):all()
    end)
    assert.equal("Leaf.node leads to Node: recursion_depth is for relationships that lead to the same class again; go "
      .. "on by a further step, mr.selectinload(Leaf.node):selectinload(Node.NAME)", e.message)
  end)
end)
