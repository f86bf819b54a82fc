-- Declaring relationships, and both of their sides in memory.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function id(db) return db.Column{ db.Integer, primary_key = true } end
local function reference(db, target) return db.Column{ db.Integer, db.ForeignKey(target) } end

describe("a relationship's target", function()
  local db

  before_each(function() db = mr.open "sqlite://" end)

  it("is a name, declared before or after", function()
    local Post = db.Model:extend("Post", {
      id = id(db), category_id = reference(db, "category.id"),
      category = db.relationship{ "Category", backref = "posts" },
    })
    function Post.__tostring() return "<Post>" end -- the class is used here, but needs no mapping yet
    local Category = db.Model:extend("Category", { id = id(db) })
    local c = Category{}
    assert.equal(c, Post{ category = c }.category)
    assert.equal("{<Post>}", tostring(c.posts))

    local Comment = db.Model:extend("Comment", {
      id = id(db), post_id = reference(db, "post.id"), post = db.relationship{ "Post", backref = "comments" },
    })
    local p = Post{}
    Comment{ post = p }
    assert.equal(1, #p.comments)
  end)

  it("is a class", function()
    local Category = db.Model:extend("Category", { id = id(db) })
    local Post = db.Model:extend("Post", {
      id = id(db), category_id = reference(db, "category.id"),
      category = db.relationship(Category, { backref = "posts" }),
    })
    local c = Category{}
    local p = Post{ category = c }
    assert.equal(p, c.posts[1])
  end)

  it("is a function that returns the class", function()
    local Category
    local Post = db.Model:extend("Post", {
      id = id(db), category_id = reference(db, "category.id"),
      category = db.relationship{ function() return Category end, backref = "posts" },
    })
    Category = db.Model:extend("Category", { id = id(db) })
    local c = Category{}
    local p = Post{ category = c }
    assert.equal(p, c.posts[1])
  end)

  it("may be the class itself", function()
    local Node
    Node = db.Model:extend("Node", {
      id = id(db), parent_id = reference(db, "node.id"),
      parent = db.relationship{ function() return Node end, remote_side = "Node.id", backref = "children" },
    })
    local root = Node{}
    local leaf = Node{ parent = root }
    assert.equal(leaf, root.children[1])
    assert.equal(root, leaf.parent)
  end)

  it("must exist, with class, attribute and cure in the message", function()
    local Post = db.Model:extend("Post", {
      id = id(db), category_id = reference(db, "category.id"), category = db.relationship "Categry",
    })
    db.Model:extend("Category", { id = id(db) })
    refuse("MappingError", { "Post.category", "Categry", "Category" }, Post, {})
  end)
end)

describe("a class attribute that a backref makes", function()
  it("is there at once", function()
    local m = blog.open()
    assert.equal("Category.posts", tostring(m.Category.posts))
    assert.equal("Tag.posts", tostring(m.Tag.posts))
    refuse("ArgumentError", { "Category", "postz", "posts" }, function() return m.Category.postz end)
  end)

  it("is no place for a method", function()
    local m = blog.open()
    m.db:configure()
    assert.equal("posts", m.Category.posts.key)
    refuse("ArgumentError", "Category.posts", function() function m.Category.posts() end end)
    local db = mr.open "sqlite://"
    db.Model:extend("Post", {
      id = id(db), category_id = reference(db, "category.id"),
      category = db.relationship{ "Category", backref = "posts" },
    })
    local Category = db.Model:extend("Category", { id = id(db) })
    function Category.posts() end -- before the mappings are configured
    refuse("ArgumentError", "Category.posts", Category, {})
  end)

  it("is in the constructor", function()
    local m = blog.open()
    local p, q = m.Post{ title = "p" }, m.Post{ title = "q" }
    local c = m.Category{ name = "C", posts = { p, q } }
    assert.equal(c, p.category)
    assert.equal("{<p>, <q>}", tostring(c.posts))
    refuse("ArgumentError", { "pots", "posts" }, m.Category, { pots = {} })
  end)
end)

describe("both sides", function()
  local m, db

  before_each(function()
    m = blog.open()
    db = m.db
  end)

  it("agree when the reference is set", function()
    local c, d = m.Category{ name = "C" }, m.Category{ name = "D" }
    local p = m.Post{ title = "p" }
    p.category = c
    assert.is_true(c.posts:contains(p))
    p.category = d
    assert.equal(0, #c.posts)
    assert.equal(p, d.posts[1])
    p.category = nil
    assert.equal(0, #d.posts)
    assert.is_nil(p.category)
    p.category = c
    p.category = mr.null
    assert.is_nil(p.category)
    assert.equal(0, #c.posts)
  end)

  it("agree when the collection changes", function()
    local c, p = m.Category{ name = "C" }, m.Post{ title = "p" }
    c.posts:append(p)
    assert.equal(c, p.category)
    c.posts:remove(p)
    assert.is_nil(p.category)
    c.posts[1] = p
    assert.equal(c, p.category)
    c.posts:clear()
    assert.is_nil(p.category)
  end)

  it("agree when a child moves to another collection", function()
    local c, d, p = m.Category{ name = "C" }, m.Category{ name = "D" }, m.Post{ title = "p" }
    c.posts:append(p)
    d.posts:append(p)
    assert.equal(d, p.category)
    assert.equal(0, #c.posts)
    assert.equal(1, #d.posts)
  end)

  it("agree in back_populates", function()
    local p = m.Post{ title = "p" }
    local comment = m.Comment{ body = "1", post = p }
    assert.equal(comment, p.comments[1])
    p.comments:remove(comment)
    assert.is_nil(comment.post)
  end)

  it("agree in a many-to-many", function()
    local p, q, t = m.Post{ title = "p" }, m.Post{ title = "q" }, m.Tag{ name = "t" }
    p.tags:append(t)
    assert.equal("{<p>}", tostring(t.posts))
    t.posts:append(q)
    assert.equal("{#t}", tostring(q.tags))
    p.tags:remove(t)
    assert.equal("{<q>}", tostring(t.posts))
    t.posts = {}
    assert.equal(0, #q.tags)
  end)

  it("agree in a one-to-one", function()
    local one = mr.open "sqlite://"
    local User = one.Model:extend("User", {
      id = id(one), profile = one.relationship{ "Profile", uselist = false, back_populates = "user" },
    })
    local Profile = one.Model:extend("Profile", {
      id = id(one), user_id = reference(one, "user.id"), user = one.relationship{ "User", back_populates = "profile" },
    })
    one:create_all()
    local u, v = User{}, User{}
    local p = Profile{ user = u }
    assert.equal(p, u.profile)
    v.profile = p
    assert.equal(v, p.user)
    assert.is_nil(u.profile)
    local q = Profile{}
    v.profile = q
    assert.equal(v, q.user)
    assert.is_nil(p.user)
    one.session:add_all{ u, v, p }
    one.session:commit()
    assert.equal(v.id, q.user_id)
    one.session:remove()
    v = User.query:filter(User.profile:has()):one()
    assert.equal(1, #support.statements(one, function() assert.equal(v, v.profile.user) end))
  end)

  it("cost no statement, and load nothing", function()
    m = blog.filled()
    db = m.db
    local lua = m.Category.query:filter_by{ name = "Lua" }:one()
    assert.equal(0, #support.statements(db, function()
      local p = m.Post{ title = "new", category = lua }
      assert.equal(lua, p.category)
      assert.equal("pending", mr.inspect(p).state)
      m.Post{ title = "newer" }.category = lua
      assert.equal(2, #db.session.new)
    end))
  end)

  it("move a child in the database at once: it leaves the first one's loaded list, and no statement is sent", function()
    m = blog.filled()
    db = m.db
    local lua, c = table.unpack(m.Category.query:options(mr.selectinload "posts"):filter(m.Category.name:ne "Ada")
      :order_by(m.Category.id):all())
    local post = lua.posts[2]
    support.costs(db, 0, function()
      c.posts:append(post)
      assert.equal("{<a>, <c>}", tostring(lua.posts))
      assert.equal("{<d>, <b>}", tostring(c.posts))
      assert.equal(c, post.category)
      assert.same({ { post }, {}, { c.posts[1] } }, support.history(c, "posts"))
      assert.same({ {}, { post }, { lua.posts[1], lua.posts[2] } }, support.history(lua, "posts"))
    end)
    assert.same({ "UPDATE post" }, support.writes(db))
    assert.equal(c.id, post.category_id)
  end)

  it("move a child out of a list that is not loaded: it stays unloaded, and lacks the child when it is read", function()
    m = blog.filled()
    db = m.db
    local post = m.Post.query:filter_by{ title = "b" }:one()
    local c = m.Category.query:options(mr.selectinload "posts"):filter_by{ name = "C" }:one()
    local lua = m.Category.query:filter_by{ name = "Lua" }:one()
    db.session:no_autoflush(function()
      support.costs(db, 0, function()
        c.posts:append(post)
        assert.equal(c, post.category)
        assert.is_true(support.unloaded(lua, "posts"))
      end)
      support.costs(db, 1, function() assert.equal("{<a>, <c>}", tostring(lua.posts)) end)
      support.costs(db, 0, function() assert.equal("{<d>, <b>}", tostring(c.posts)) end)
    end)
    assert.same({ "UPDATE post" }, support.writes(db))
  end)

  it("of a list that is assigned as a whole: those left out lose it, those new get it, the rest stay", function()
    m = blog.filled()
    db = m.db
    local lua, c = table.unpack(m.Category.query:options(mr.selectinload "posts"):filter(m.Category.name:ne "Ada")
      :order_by(m.Category.id):all())
    local a, b, last, d = lua.posts[1], lua.posts[2], lua.posts[3], c.posts[1]
    local new = m.Post{ title = "new" }
    support.costs(db, 0, function()
      lua.posts = { b, d, new }
      assert.is_nil(a.category)
      assert.is_nil(last.category)
      for _, post in ipairs{ b, d, new } do assert.equal(lua, post.category) end
      assert.equal("{}", tostring(c.posts))
      assert.equal("pending", mr.inspect(new).state)
    end)
    assert.same({ "UPDATE post x3", "INSERT post" }, support.writes(db))
    assert.is_nil(a.category_id)
    assert.is_nil(last.category_id)
    assert.same({ lua.id, lua.id, lua.id }, { b.category_id, d.category_id, new.category_id })
    db.session:commit()
    db.session:remove()
    lua = m.Category.query:filter_by{ name = "Lua" }:one()
    local titles = support.values(lua.posts, "title")
    table.sort(titles)
    assert.same({ "b", "d", "new" }, titles)
  end)

  it("take objects of the right class only", function()
    local p = m.Post{ title = "p" }
    refuse("ArgumentError", { "Post.category", "Category" }, function() p.category = m.Tag{ name = "t" } end)
    refuse("ArgumentError", { "Post.category" }, function() p.category = 12 end)
    refuse("ArgumentError", { "Post.comments", "Comment" }, function() p.comments:append(p) end)
    refuse("ArgumentError", { "Post.comments" }, function() p.comments = { m.Comment{ body = "1" }, p } end)
    assert.equal(0, #p.comments)
    refuse("ArgumentError", { "Post.comments" }, function() p.comments = m.Comment{ body = "1" } end)
    refuse("ArgumentError", { "Post.comments" }, function() p.comments = nil end)
    refuse("ArgumentError", { "Post.category" }, m.Post, { title = "x", category = {} })
  end)

  it("survive a collection of garbage", function()
    local py = m.Category{ name = "Python" }
    do py.posts:append(m.Post{ title = "only there" }) end
    collectgarbage() collectgarbage()
    assert.equal("only there", py.posts[1].title)
    db.session:add(py)
    py = nil -- luacheck: ignore
    collectgarbage() collectgarbage()
    db.session:commit()
    assert.equal(1, m.Post.query:count())
  end)
end)

describe("a mapping mistake", function()
  local db

  before_each(function() db = mr.open "sqlite://" end)

  local function category() return db.Model:extend("Category", { id = id(db), name = db.Column{ db.Text } }) end

  -- Declares Post with these attributes, and asserts that the mapping is refused with these words.
  local function mistake(words, body)
    body.id = id(db)
    local Post = db.Model:extend("Post", body)
    refuse("MappingError", words, Post, {})
  end

  it("is an unknown option, with the nearest", function()
    refuse("ArgumentError", { "bakref", "backref" }, function() return db.relationship{ "Category", bakref = "x" } end)
    refuse("ArgumentError", { "lasy", "lazy" }, function() return db.backref{ "posts", lasy = true } end)
  end)

  it("is an unknown word in an option", function()
    refuse("ArgumentError", { "Post.category", "lazy", "joind", "joined" }, function()
      db.Model:extend("Post", { id = id(db), category = db.relationship{ "Category", lazy = "joind" } })
    end)
    refuse("ArgumentError", { "Post.category", "cascade", "delet" }, function()
      db.Model:extend("Post", { id = id(db), category = db.relationship{ "Category", cascade = "all, delet" } })
    end)
  end)

  it("is two tables without a foreign key between them", function()
    category()
    mistake({ "Post.category", "foreign key" }, { category = db.relationship "Category" })
  end)

  it("is two foreign keys to choose from", function()
    category()
    mistake({ "Post.category", "foreign_keys" }, {
      a_id = reference(db, "category.id"), b_id = reference(db, "category.id"),
      category = db.relationship "Category",
    })
  end)

  it("is cured by foreign_keys", function()
    local Category = category()
    local Post = db.Model:extend("Post", {
      id = id(db), a_id = reference(db, "category.id"), b_id = reference(db, "category.id"),
      a = db.relationship{ "Category", foreign_keys = "Post.a_id", backref = "a_posts" },
      b = db.relationship{ "Category", foreign_keys = function() return db.Model.metadata.tables.post.c.b_id end },
    })
    db:create_all()
    db.session:add(Post{ a = Category{ name = "x" }, b = Category{ name = "y" } })
    db.session:commit()
    local p = Post.query:one()
    assert.equal("x", p.a.name)
    assert.equal("y", p.b.name)
    assert.not_equal(p.a_id, p.b_id)
    assert.equal(p, p.a.a_posts[1])
  end)

  it("is a back_populates that is not there", function()
    db.Model:extend("Category", { id = id(db) })
    mistake({ "Post.category", "posts" }, {
      category_id = reference(db, "category.id"),
      category = db.relationship{ "Category", back_populates = "posts" },
    })
  end)

  it("is a backref over an attribute that is there", function()
    category()
    mistake({ "Post.category", "name" }, {
      category_id = reference(db, "category.id"), category = db.relationship{ "Category", backref = "name" },
    })
  end)

  it("is a secondary table that is not there", function()
    category()
    mistake({ "Post.categories", "links" }, { categories = db.relationship{ "Category", secondary = "links" } })
  end)

  it("is a secondary or a target that is none: the message tells what was given", function()
    category()
    mistake("Post.categories: secondary: expected a Table or its name, got number 5",
      { categories = db.relationship{ "Category", secondary = function() return 5 end } })
    local Note = db.Model:extend("Note", { id = id(db), category = db.relationship{ function() return "x", 7 end } })
    refuse("MappingError", { "Note.category", "'x'" }, Note, {})
  end)

  it("is delete-orphan on a many-to-one without single_parent", function()
    category()
    mistake({ "Post.category", "single_parent" }, {
      category_id = reference(db, "category.id"),
      category = db.relationship{ "Category", cascade = "all, delete-orphan" },
    })
  end)

  it("is told together with the others", function()
    db.Model:extend("Post", {
      id = id(db), a = db.relationship "Nowhere", b = db.relationship "Neverwhere",
    })
    local e = refuse("MappingError", { "Post.a", "Nowhere", "Post.b", "Neverwhere" }, db.configure, db)
    assert.matches("2 mappings", e.message)
  end)

  it("ends when the class is declared later", function()
    local Post = db.Model:extend("Post", {
      id = id(db), category_id = reference(db, "category.id"), category = db.relationship "Category",
    })
    refuse("MappingError", "Post.category", Post, {})
    local Category = category()
    assert.equal("x", Post{ category = Category{ name = "x" } }.category.name)
  end)
end)
