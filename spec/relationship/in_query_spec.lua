-- Relationships in queries: with_parent, joins along them, criteria on them, rows of two entities.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local tree = require "spec.support.tree"

local m, db, Post, Category, Comment, Tag

local function fill(options)
  m = blog.filled(options)
  db, Post, Category, Comment, Tag = m.db, m.Post, m.Category, m.Comment, m.Tag
end

-- Runs fn, and asserts its number of statements. Returns them.
local function costs(n, fn) return support.costs(db, n, fn) end

local function category(name) return Category.query:filter_by{ name = name }:one() end
local function post(title) return Post.query:filter_by{ title = title }:one() end

describe("with_parent", function()
  before_each(function() fill() end)

  it("compares the foreign key, without a join", function()
    local lua = category "Lua"
    local texts = costs(1, function()
      assert.equal("{<b>, <c>}", tostring(Post.query:with_parent(lua):filter(Post.title:ne "a"):all()))
    end)
    assert.matches("FROM post WHERE ? = post.category_id AND post.title != ?", texts[1], 1, true)
    assert.equal("{<a>}", tostring(Post.query:with_parent(lua, Category.posts):filter_by{ title = "a" }:all()))
    assert.equal("{<a>}", tostring(Post.query:with_parent(lua, "posts"):filter_by{ title = "a" }:all()))
  end)

  it("goes through a link table", function()
    local a = post "a"
    costs(1, function() assert.equal("{#x, #y}", tostring(Tag.query:with_parent(a):order_by(Tag.id):all())) end)
  end)

  it("reads the value when the query runs", function()
    local c = Category{ name = "new" }
    local query = Post.query:with_parent(c)
    db.session:add(c)
    Post{ title = "late", category = c }
    db.session:flush()
    assert.equal("{<late>}", tostring(query:all()))
  end)

  it("needs a path between the two classes", function()
    local comment = Comment.query:first()
    refuse("InvalidRequestError", "could not locate a relationship between Category and Comment", function()
      return Category.query:with_parent(comment):all()
    end)
    refuse("ArgumentError", { "pots", "posts" }, function() return Post.query:with_parent(category "Lua", "pots") end)
  end)

  it("counts, too", function()
    local lua = category "Lua"
    costs(1, function() assert.equal(3, Post.query:with_parent(lua):count()) end)
  end)
end)

describe("a join along a relationship", function()
  before_each(function() fill() end)

  it("is found from the attribute, its name, or the class", function()
    local sql = "SELECT post.id AS post_id, post.title AS post_title, post.category_id AS post_category_id FROM post "
      .. "JOIN category ON category.id = post.category_id WHERE category.name = ?"
    for _, target in ipairs{ Post.category, "category", Category } do
      local query = Post.query:join(target):filter(Category.name:eq "C")
      assert.equal(sql, tostring(query))
      costs(1, function() assert.equal("{<d>}", tostring(query:all())) end)
    end
  end)

  it("gives each entity once", function()
    assert.equal("{<Lua>, <C>}", tostring(Category.query:join(Category.posts):order_by(Category.id):all()))
  end)

  it("may be outer", function()
    local query = Category.query:outerjoin(Category.posts):filter(Post.id:is_(nil))
    assert.matches("LEFT OUTER JOIN post ON category.id = post.category_id", tostring(query), 1, true)
    assert.equal("{<Ada>}", tostring(query:all()))
  end)

  it("goes through a link table, and on", function()
    local query = Category.query:join(Category.posts):join(Post.tags):filter(Tag.name:eq "y")
    assert.equal("{<Lua>}", tostring(query:all()))
    local count = mr.func.count(Post.id)
    local rows = db.session:query(Category.name, count:label "n"):outerjoin(Category.posts)
      :group_by(Category.id):order_by(Category.id):all()
    assert.same({ 3, 1, 0 }, { rows[1].n, rows[2].n, rows[3].n })
  end)

  it("of a tree uses an alias", function()
    local Node
    db, Node = tree()
    db.session:add(Node{ name = "root", children = { Node{ name = "leaf" } } })
    db.session:commit()
    local parent = mr.aliased(Node, "up")
    local query = Node.query:join(parent, Node.parent):filter(parent.name:eq "root")
    assert.equal("{<leaf>}", tostring(query:all()))
  end)
end)

describe("a criterion on a relationship", function()
  before_each(function() fill() end)

  it("any and has are EXISTS", function()
    local query = Category.query:filter(Category.posts:any(Post.title:eq "d"))
    assert.matches("EXISTS (SELECT 1 FROM post WHERE category.id = post.category_id AND post.title = ?)",
      tostring(query), 1, true)
    assert.equal("{<C>}", tostring(query:all()))
    assert.equal("{<Ada>}", tostring(Category.query:filter(~Category.posts:any()):all()))
    assert.equal("{<d>}", tostring(Post.query:filter(Post.category:has{ name = "C" }):all()))
    assert.equal("{<a>}", tostring(Post.query:filter(Post.tags:any{ name = "y" }):all()))
    assert.equal("{<Lua>}", tostring(Category.query:filter(Category.posts:any(Post.comments:any())):all()))
  end)

  it("compares with objects", function()
    local lua, x = category "Lua", Tag.query:filter_by{ name = "x" }:one()
    assert.equal(3, Post.query:filter(Post.category:eq(lua)):count())
    assert.equal("{<d>}", tostring(Post.query:filter(Post.category:ne(lua)):all()))
    assert.equal(3, #Post.query:filter_by{ category = lua }:all())
    assert.equal(0, Post.query:filter(Post.category:is_(nil)):count())
    assert.equal("{<a>, <b>}", tostring(Post.query:filter(Post.tags:contains(x)):order_by(Post.title):all()))
    assert.equal("{<Lua>}", tostring(Category.query:filter(Category.posts:contains(post "b")):all()))
  end)

  it("refuses what cannot be meant", function()
    refuse("InvalidRequestError", { "Category.posts", "any" }, function() return Category.posts:has() end)
    refuse("InvalidRequestError", { "Post.category", "has" }, function() return Post.category:any() end)
    refuse("ArgumentError", { "Post.category" }, function() return Post.category:eq(nil) end)
    refuse("ArgumentError", { "Post.category" }, function() return Post.category:eq(Tag{ name = "x" }) end)
    refuse("InvalidRequestError", { "Category.posts", "contains" }, function() return Category.posts:eq(post "a") end)
  end)

  it("of a tree sees two levels", function()
    local Node
    db, Node = tree()
    db.session:add(Node{ name = "root", children = { Node{ name = "leaf" } } })
    db.session:commit()
    assert.equal("{<root>}", tostring(Node.query:filter(Node.children:any{ name = "leaf" }):all()))
    assert.equal("{<leaf>}", tostring(Node.query:filter(Node.parent:has{ name = "root" }):all()))
    assert.equal("{<root>}", tostring(Node.query:filter(Node.parent:is_(nil)):all()))
  end)
end)

describe("a result", function()
  before_each(function() fill() end)

  it("has rows of two entities", function()
    local rows = db.session:query(Post, Category):join(Post.category):order_by(Post.title):all()
    assert.equal(4, #rows)
    costs(0, function()
      for _, row in ipairs(rows) do assert.equal(row.Category, row.Post.category) end
    end)
  end)

  it("with yield_per refuses a joined collection", function()
    refuse("InvalidRequestError", { "yield_per", "posts" }, function()
      for _ in Category.query:options(mr.joinedload "posts"):yield_per(2):iter() do error "no row" end
    end)
    local n = 0
    for p in Post.query:options(mr.joinedload "category"):yield_per(2):iter() do
      n = n + 1
      assert.is_truthy(p.category)
    end
    assert.equal(4, n)
  end)
end)
