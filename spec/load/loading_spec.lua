-- How relationships are loaded, and by how many statements.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local tree = require "spec.support.tree"

local m, db, Post, Category

local function fill(options)
  m = blog.filled(options)
  db, Post, Category = m.db, m.Post, m.Category
end

-- Runs fn, and asserts its number of statements. Returns them.
local function costs(n, fn) return support.costs(db, n, fn) end

local function category(name) return Category.query:filter_by{ name = name }:one() end
local function post(title) return Post.query:filter_by{ title = title }:one() end

local everything, ALL = blog.everything, blog.ALL

describe("lazy loading", function()
  before_each(function() fill() end)

  it("selects at the first access, and then no more", function()
    local lua = category "Lua"
    local texts = costs(1, function() assert.equal("{<a>, <b>, <c>}", tostring(lua.posts)) end)
    assert.equal("SELECT post.id AS post_id, post.title AS post_title, post.category_id AS post_category_id FROM post "
      .. "WHERE ? = post.category_id", texts[1])
    costs(0, function() assert.equal(3, #lua.posts) end)
    assert.equal(0, #category "Ada".posts)
  end)

  it("takes a many-to-one from the identity map without SQL", function()
    local lua = category "Lua"
    local posts = lua.posts
    costs(0, function()
      for _, p in ipairs(posts) do assert.equal(lua, p.category) end
    end)
    local d
    costs(1, function() d = post "d" end)
    costs(1, function() assert.equal("C", d.category.name) end)
    costs(0, function() assert.equal("C", d.category.name) end)
  end)

  it("loads a many-to-many through its link table", function()
    local a = post "a"
    costs(1, function() assert.equal("{#x, #y}", tostring(a.tags)) end)
    costs(1, function() assert.equal("{<a>, <b>}", tostring(a.tags[1].posts)) end)
  end)

  it("refreshes the expired parent first: two statements after a commit", function()
    local lua = category "Lua"
    assert.equal(3, #lua.posts)
    lua.posts:append(Post{ title = "e" })
    db.session:commit()
    costs(2, function() assert.equal(4, #lua.posts) end)
    costs(0, function() assert.equal(4, #lua.posts) end)
  end)

  it("knows without SQL that a NULL reference is nil", function()
    db.session:add(Post{ title = "stray" })
    db.session:commit()
    local stray = post "stray"
    costs(0, function() assert.is_nil(stray.category) end)
  end)

  it("sees what is pending, by autoflush", function()
    local lua = category "Lua"
    db.session:add(Post{ title = "e", category_id = lua.id })
    costs(2, function() assert.equal(4, #lua.posts) end)
  end)

  it("of a transient object costs nothing", function()
    local p = Post{ title = "t", category_id = 1 }
    costs(0, function()
      assert.is_nil(p.category)
      assert.equal(0, #p.comments)
    end)
  end)

  it("of a foreign key that was just set needs a flush and an expiry", function()
    local p = Post{ title = "t", category_id = 1 }
    db.session:add(p)
    db.session:commit()
    assert.equal("Lua", p.category.name)
    p.category_id = 2
    db.session:commit()
    assert.equal("C", p.category.name)
  end)

  it("is memory only after the objects of a whole table were loaded", function()
    local categories = Category.query:all()
    assert.equal(3, #categories)
    local posts = Post.query:all()
    costs(0, function()
      local names = {}
      for i, p in ipairs(posts) do names[i] = p.category.name end
      assert.same({ "C", "Lua", "Lua", "Lua" }, (function() table.sort(names) return names end)())
    end)
  end)

  it("merges a change made before the load", function()
    local lua, c = category "Lua", category "C"
    local d, new = post "d", Post{ title = "new" }
    costs(0, function()
      d.category = lua -- neither collection is loaded
      new.category = lua
    end)
    db.session:no_autoflush(function()
      costs(1, function() assert.equal("{<a>, <b>, <c>, <d>, <new>}", tostring(lua.posts)) end)
      costs(1, function() assert.equal(0, #c.posts) end)
    end)
    costs(2, function() db.session:flush() end) -- one UPDATE, one INSERT
  end)

  it("of a detached object raises, and names the cure", function()
    local lua, a = category "Lua", post "a"
    assert.equal(3, #lua.posts)
    assert.equal(lua, a.category)
    db.session:expunge_all()
    assert.equal("{<a>, <b>, <c>}", tostring(lua.posts))
    assert.equal(lua, a.category)
    refuse("DetachedInstanceError", { "Post", "'tags'", "session" }, function() return a.tags end)
    refuse("DetachedInstanceError", { "Post", "'comments'" }, function() return #a.comments end)
    local d = post "d"
    db.session:close()
    refuse("DetachedInstanceError", { "Post", "'category'" }, function() return d.category end)
  end)
end)

describe("a lazy = strategy of the relationship", function()
  local function whole(strategy, statements)
    fill{ comments = { lazy = strategy }, tags = { lazy = strategy },
          category = { backref = mr.backref{ "posts", lazy = strategy } } }
    costs(statements, function() assert.equal(ALL, everything(Category.query:order_by(Category.id):all())) end)
  end

  it("joined: one statement", function() whole("joined", 1) end)
  it("selectin: one more each", function() whole("selectin", 4) end)
  it("subquery: one more each", function() whole("subquery", 4) end)
  it("immediate: one per object and collection", function() whole("immediate", 12) end)
  it("select, the default: as many, when they are read", function() whole("select", 12) end)
  it("true is select, false is joined", function()
    whole(true, 12)
    whole(false, 1)
  end)

  it("noload is empty", function()
    fill{ comments = { lazy = "noload" } }
    local a = post "a"
    costs(0, function() assert.equal(0, #a.comments) end)
  end)

  it("raise is an error, which an option takes away", function()
    fill{ comments = { lazy = "raise" } }
    local a = post "a"
    refuse("InvalidRequestError", { "Post.comments", "raise" }, function() return a.comments end)
    db.session:expunge_all()
    a = Post.query:options(mr.lazyload "comments"):filter_by{ title = "a" }:one()
    costs(1, function() assert.equal(2, #a.comments) end)
    db.session:expunge_all()
    costs(2, function()
      a = Post.query:options(mr.selectinload "comments"):filter_by{ title = "a" }:one()
      assert.equal(2, #a.comments)
    end)
  end)
end)

describe("selectinload", function()
  before_each(function() fill() end)

  it("is one more statement for all parents", function()
    local texts = costs(2, function()
      local all = Category.query:options(mr.selectinload "posts"):order_by(Category.id):all()
      assert.equal("{<a>, <b>, <c>}", tostring(all[1].posts))
      assert.equal("{<d>}", tostring(all[2].posts))
      assert.equal(0, #all[3].posts)
    end)
    assert.matches("WHERE post.category_id IN (", texts[2], 1, true)
  end)

  it("works for a many-to-one and a many-to-many", function()
    costs(2, function()
      local all = Post.query:options(mr.selectinload "category"):order_by(Post.title):all()
      assert.equal("Lua", all[1].category.name)
      assert.equal("C", all[4].category.name)
    end)
    db.session:expunge_all()
    costs(2, function()
      local all = Post.query:options(mr.selectinload "tags"):order_by(Post.title):all()
      assert.equal("{#x, #y}", tostring(all[1].tags))
      assert.equal("{#x}", tostring(all[2].tags))
      assert.equal(0, #all[3].tags)
    end)
  end)

  it("nests, and mixes with joinedload", function()
    costs(3, function()
      local all = Category.query:options(mr.selectinload("posts"):selectinload("comments")):order_by(Category.id):all()
      assert.equal("{<a1>, <a2>}", tostring(all[1].posts[1].comments))
      assert.equal(0, #all[1].posts[3].comments)
    end)
    db.session:expunge_all()
    costs(2, function()
      local all = Category.query:options(mr.selectinload("posts"):joinedload("comments")):order_by(Category.id):all()
      assert.equal("{<a1>, <a2>}", tostring(all[1].posts[1].comments))
    end)
    db.session:expunge_all()
    costs(2, function()
      local all = Category.query:options(mr.joinedload("posts"):selectinload("comments")):order_by(Category.id):all()
      assert.equal("{<a1>, <a2>}", tostring(all[1].posts[1].comments))
    end)
  end)

  it("follows limit, and a query without rows asks no more", function()
    costs(2, function()
      local all = Category.query:options(mr.selectinload "posts"):order_by(Category.id):limit(1):all()
      assert.equal(3, #all[1].posts)
    end)
    costs(1, function()
      assert.same({}, Category.query:options(mr.selectinload "posts"):filter_by{ name = "?" }:all())
    end)
  end)

  it("self-referential to depth 3 is four statements", function()
    local Node
    db, Node = tree()
    local node
    for i = 1, 5 do
      local child = Node{ name = tostring(i) }
      if node then node.children:append(child) else db.session:add(child) end
      node = child
    end
    db.session:commit()
    db.session:remove()
    costs(4, function()
      local option = mr.selectinload("children"):selectinload("children"):selectinload("children")
      local top = Node.query:options(option):filter_by{ name = "1" }:one()
      assert.equal("4", top.children[1].children[1].children[1].name)
    end)
  end)

  it("asks for 500 keys at a time", function()
    local list = {}
    for i = 1, 1200 do list[i] = Category{ name = "n" .. i, posts = { Post{ title = "p" .. i } } } end
    db.session:add_all(list)
    db.session:commit()
    db.session:remove()
    costs(4, function() -- there are 1203 parents
      local all = Category.query:options(mr.selectinload "posts"):order_by(Category.id):all()
      assert.equal(1203, #all)
      assert.equal("p1200", all[1203].posts[1].title)
      assert.equal("p600", all[603].posts[1].title)
    end)
  end)
end)

describe("other strategies", function()
  before_each(function() fill() end)

  it("subqueryload: one more statement, from the query itself", function()
    local texts = costs(2, function()
      local all = Category.query:options(mr.subqueryload "posts"):order_by(Category.id):limit(2):all()
      assert.equal("{<a>, <b>, <c>}", tostring(all[1].posts))
      assert.equal("{<d>}", tostring(all[2].posts))
    end)
    assert.matches("FROM (SELECT", texts[2], 1, true)
  end)

  it("immediateload: a statement for each, at once", function()
    local all
    costs(4, function() all = Category.query:options(mr.immediateload "posts"):order_by(Category.id):all() end)
    costs(0, function() assert.equal(3, #all[1].posts) end)
  end)

  it("raiseload: an error that names the attribute", function()
    local lua = Category.query:options(mr.raiseload "posts"):filter_by{ name = "Lua" }:one()
    refuse("InvalidRequestError", { "Category.posts" }, function() return lua.posts end)
    lua = nil -- luacheck: ignore
    db.session:expunge_all()
    local d = Post.query:options(mr.raiseload "*"):filter_by{ title = "d" }:one()
    refuse("InvalidRequestError", { "Post.category" }, function() return d.category end)
    refuse("InvalidRequestError", { "Post.tags" }, function() return d.tags end)
  end)

  it("raiseload with sql_only lets the identity map answer", function()
    local c = category "C"
    local d = Post.query:options(mr.raiseload("category", { sql_only = true })):filter_by{ title = "d" }:one()
    costs(0, function() assert.equal(c, d.category) end)
    local a = Post.query:options(mr.raiseload("category", { sql_only = true })):filter_by{ title = "a" }:one()
    refuse("InvalidRequestError", { "Post.category" }, function() return a.category end)
  end)

  it("noload: empty, without SQL", function()
    local lua = Category.query:options(mr.noload "posts"):filter_by{ name = "Lua" }:one()
    costs(0, function() assert.equal(0, #lua.posts) end)
  end)

  it("lazyload takes the relationship's own strategy away", function()
    fill{ comments = { lazy = "joined" } }
    local a
    local texts = costs(1, function()
      a = Post.query:options(mr.lazyload "comments"):filter_by{ title = "a" }:one()
    end)
    assert.not_matches("JOIN", texts[1])
    costs(1, function() assert.equal(2, #a.comments) end)
  end)

  it("defaultload only leads further", function()
    local all
    costs(1, function()
      all = Category.query:options(mr.defaultload("posts"):joinedload("comments")):order_by(Category.id):all()
    end)
    costs(1, function()
      local posts = all[1].posts
      assert.equal(2, #posts[1].comments)
    end)
  end)

  it("contains_eager takes the query's own join", function()
    local texts = costs(1, function()
      local all = Post.query:join(Post.category):options(mr.contains_eager "category")
        :filter(Category.name:eq "Lua"):order_by(Post.title):all()
      assert.equal("{<a>, <b>, <c>}", tostring(all))
      assert.equal("Lua", all[1].category.name)
    end)
    assert.not_matches("OUTER", texts[1])
    db.session:expunge_all()
    costs(1, function() -- the collection holds only what the query's criterion found
      local lua = Category.query:join(Category.posts):options(mr.contains_eager(Category.posts))
        :filter(Post.title:in_{ "a", "c" }):one()
      assert.equal("{<a>, <c>}", tostring(lua.posts))
    end)
  end)

  it("contains_eager takes an alias", function()
    local other = mr.aliased(Category)
    costs(1, function()
      local all = Post.query:join(other, Post.category):options(mr.contains_eager("category", { alias = other }))
        :filter(other.name:eq "C"):all()
      assert.equal(1, #all)
      assert.equal("C", all[1].category.name)
    end)
  end)
end)

describe("columns", function()
  before_each(function() fill() end)

  it("load_only leaves the others for later", function()
    local a
    local texts = costs(1, function()
      a = Post.query:options(mr.load_only(Post.title)):filter_by{ title = "a" }:one()
    end)
    assert.equal("SELECT post.id AS post_id, post.title AS post_title FROM post WHERE post.title = ?", texts[1])
    costs(0, function() assert.equal("a", a.title) end)
    costs(1, function() assert.equal(1, a.category_id) end)
    costs(0, function() assert.equal(1, a.category_id) end)
  end)

  it("defer leaves one for later", function()
    local a
    local texts = costs(1, function() a = Post.query:options(mr.defer "title"):filter_by{ title = "a" }:one() end)
    assert.not_matches("post_title", texts[1])
    costs(0, function() assert.equal(1, a.category_id) end)
    costs(1, function() assert.equal("a", a.title) end)
  end)

  it("work on a joined path", function()
    costs(1, function()
      local all = Category.query:options(mr.joinedload("posts"):load_only("title")):order_by(Category.id):all()
      assert.equal("{<a>, <b>, <c>}", tostring(all[1].posts))
    end)
  end)

  it("refuse what is no attribute", function()
    refuse("ArgumentError", { "titel", "title" }, function() return Post.query:options(mr.load_only "titel"):all() end)
  end)
end)
