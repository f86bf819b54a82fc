-- How relationships are loaded, with the number of statements.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local m, db, Post, Category, Comment, Tag

local function fill(options)
  m = blog.filled(options)
  db, Post, Category, Comment, Tag = m.db, m.Post, m.Category, m.Comment, m.Tag
end

-- Runs fn, which must execute n statements; returns them.
local function costs(n, fn) return support.costs(db, n, fn) end

local function category(name) return Category.query:filter_by{ name = name }:one() end
local function post(title) return Post.query:filter_by{ title = title }:one() end

-- The whole of the filled blog as text, through the relationships.
local function everything(categories)
  local lines = {}
  for _, c in ipairs(categories) do
    local posts = {}
    for _, p in ipairs(c.posts) do posts[#posts + 1] = ("%s%s%s"):format(p, p.comments, p.tags) end
    lines[#lines + 1] = ("%s: %s"):format(c, table.concat(posts, " "))
  end
  return table.concat(lines, "; ")
end
local ALL = "<Lua>: <a>{<a1>, <a2>}{#x, #y} <b>{<b1>}{#x} <c>{}{}; <C>: <d>{}{}; <Ada>: "

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

describe("joinedload", function()
  before_each(function() fill() end)

  it("is one LEFT OUTER JOIN, parents once each and in order", function()
    local query = Category.query:options(mr.joinedload "posts"):order_by(Category.id)
    local texts = costs(1, function()
      local seen = {}
      for c in query:iter() do seen[#seen + 1] = ("%s%s"):format(c, c.posts) end
      assert.same({ "<Lua>{<a>, <b>, <c>}", "<C>{<d>}", "<Ada>{}" }, seen)
    end)
    assert.matches("LEFT OUTER JOIN post AS post_1 ON category.id = post_1.category_id", texts[1], 1, true)
  end)

  it("takes a relationship or its name", function()
    local by_name = Category.query:options(mr.joinedload "posts")
    assert.equal(tostring(by_name), tostring(Category.query:options(mr.joinedload(Category.posts))))
    refuse("ArgumentError", { "post", "posts" }, function()
      return Category.query:options(mr.joinedload "post"):all()
    end)
    refuse("ArgumentError", { "category.name" }, function() return mr.joinedload(Category.name) end)
  end)

  it("remembers a childless parent's empty collection", function()
    local all = Category.query:options(mr.joinedload "posts"):order_by(Category.id):all()
    costs(0, function() assert.equal(0, #all[3].posts) end)
  end)

  it("sets the other side, too", function()
    local all = Category.query:options(mr.joinedload "posts"):all()
    costs(0, function() assert.equal(all[1], all[1].posts[1].category) end)
  end)

  it("limits parents, not joined rows", function()
    local query = Category.query:options(mr.joinedload "posts"):order_by(Category.id)
    local texts = costs(1, function() assert.equal("{<Lua>, <C>}", tostring(query:limit(2):all())) end)
    assert.matches("FROM (SELECT", texts[1], 1, true)
    assert.matches("LIMIT ?", texts[1], 1, true)
    costs(1, function()
      local first = query:first()
      assert.equal("{<a>, <b>, <c>}", tostring(first.posts))
    end)
    costs(1, function() assert.equal("{<d>}", tostring(query:limit(1):offset(1):one().posts)) end)
    costs(1, function() assert.equal("<C>", tostring(query:filter(Category.name:eq "C"):one())) end)
    assert.equal(3, query:count())
  end)

  it("nests two levels of collections, limit counts parents", function()
    local option = mr.joinedload(Category.posts):joinedload(Post.comments)
    local query = Category.query:options(option):order_by(Category.id)
    costs(1, function()
      local all = query:limit(2):all()
      assert.equal(2, #all)
      local seen = {}
      for i, p in ipairs(all[1].posts) do seen[i] = ("%s%s"):format(p, p.comments) end
      assert.same({ "<a>{<a1>, <a2>}", "<b>{<b1>}", "<c>{}" }, seen)
    end)
    db.session:expunge_all()
    costs(2, function() -- a dotted path: the last one is joined, wherever the first is loaded
      local lua = Category.query:options(mr.joinedload "posts.comments"):filter_by{ name = "Lua" }:one()
      assert.equal("{<a1>, <a2>}", tostring(lua.posts[1].comments))
    end)
  end)

  it("of several collections at once does not multiply", function()
    costs(1, function()
      local a = Post.query:options(mr.joinedload "comments", mr.joinedload "tags"):filter_by{ title = "a" }:one()
      assert.equal("{<a1>, <a2>}", tostring(a.comments))
      assert.equal("{#x, #y}", tostring(a.tags))
    end)
    db.session:expunge_all()
    costs(1, function()
      local posts = mr.joinedload "posts"
      local all = Category.query:options(posts:joinedload "comments", posts:joinedload "tags")
      assert.equal(ALL, everything(all:order_by(Category.id):all()))
    end)
  end)

  it("of a many-to-many is one, also with the query's own join to the table", function()
    local query = Post.query:options(mr.joinedload "tags"):order_by(Post.id)
    costs(1, function()
      local tags = {}
      for i, p in ipairs(query:all()) do tags[i] = tostring(p) .. tostring(p.tags) end
      table.sort(tags)
      assert.same({ "<a>{#x, #y}", "<b>{#x}", "<c>{}", "<d>{}" }, tags)
    end)
    db.session:expunge_all()
    costs(1, function()
      local found = query:join(Post.tags):filter(Tag.name:eq "y"):all()
      assert.equal(1, #found)
      assert.equal("{#x, #y}", tostring(found[1].tags)) -- the join filters posts, not what is loaded
    end)
  end)

  it("remembers a NULL many-to-one", function()
    db.session:add(Post{ title = "stray" })
    db.session:commit()
    db.session:expunge_all()
    costs(1, function()
      local stray = Post.query:options(mr.joinedload "category"):filter_by{ title = "stray" }:one()
      assert.is_nil(stray.category)
    end)
  end)

  it("of a many-to-one loads each target once", function()
    costs(1, function()
      local all = Post.query:options(mr.joinedload "category"):order_by(Post.title):all()
      assert.equal("{<a>, <b>, <c>, <d>}", tostring(all))
      assert.equal(all[1].category, all[2].category)
      assert.equal("C", all[4].category.name)
    end)
  end)

  it("may be inner, as the option or the relationship says", function()
    local query = Post.query:options(mr.joinedload("category", { innerjoin = true }))
    assert.matches("FROM post JOIN category AS category_1", tostring(query), 1, true)
    fill{ category = { lazy = "joined", innerjoin = true } }
    assert.matches("FROM post JOIN category AS category_1", tostring(Post.query), 1, true)
  end)

  it("works in get and refresh", function()
    costs(1, function()
      local lua = db.session:get(Category, 1, { options = { mr.joinedload "posts" } })
      assert.is_truthy(lua)
      assert.equal(3, #lua.posts)
    end)
  end)

  it("works in the style of select()", function()
    costs(1, function()
      local stmt = mr.select(Category):options(mr.joinedload(Category.posts)):order_by(Category.id)
      local all = db.session:scalars(stmt):all()
      assert.equal(3, #all)
      assert.equal(3, #all[1].posts)
    end)
  end)

  it("leaves a loaded or changed collection as it is", function()
    local lua = category "Lua"
    local e = Post{ title = "e" }
    lua.posts:append(e)
    db.session:no_autoflush(function()
      local again = Category.query:options(mr.joinedload "posts"):filter_by{ name = "Lua" }:one()
      assert.equal(lua, again)
      assert.is_true(lua.posts:contains(e))
    end)
  end)

  it("of a self-referential class, with join_depth", function()
    local function chain(options)
      local tree, Node = blog.tree(options)
      local top = Node{ name = "1" }
      local node = top
      for i = 2, 5 do
        local child = Node{ name = tostring(i) }
        node.children:append(child)
        node = child
      end
      tree.session:add(top)
      tree.session:commit()
      tree.session:remove()
      return tree, Node
    end
    local Node
    db, Node = chain{ lazy = "joined", join_depth = 3 }
    costs(1, function()
      local top = Node.query:filter_by{ name = "1" }:one()
      assert.equal("4", top.children[1].children[1].children[1].name)
    end)
    db, Node = chain{ lazy = "joined" } -- without a depth it stops at the class
    local top
    costs(1, function() top = Node.query:filter_by{ name = "1" }:one() end)
    assert.is_truthy(top)
    db, Node = chain()
    costs(1, function()
      local one = Node.query:options(mr.joinedload("children"):joinedload("children")):filter_by{ name = "1" }:one()
      assert.equal("3", one.children[1].children[1].name)
    end)
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
    db, Node = blog.tree()
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
    costs(4, function() -- 1203 parents
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
    costs(1, function() -- a collection that holds what the query's criterion let through
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
    db, Node = blog.tree()
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
    db, Node = blog.tree()
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
