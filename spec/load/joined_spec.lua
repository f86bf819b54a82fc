-- joinedload: its statement, and the objects that come of its rows.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local tree = require "spec.support.tree"

local m, db, Post, Category, Tag

local function fill(options)
  m = blog.filled(options)
  db, Post, Category, Tag = m.db, m.Post, m.Category, m.Tag
end

-- Runs fn, and asserts its number of statements. Returns them.
local function costs(n, fn) return support.costs(db, n, fn) end

local function category(name) return Category.query:filter_by{ name = name }:one() end

local everything, ALL = blog.everything, blog.ALL

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
    costs(2, function() -- a path with a dot: the last relationship is joined to the statement that loads the first one
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
      assert.equal("{#x, #y}", tostring(found[1].tags)) -- the join filters the posts; the tags are all loaded
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
      local nodes, Node = tree(options)
      local top = Node{ name = "1" }
      local node = top
      for i = 2, 5 do
        local child = Node{ name = tostring(i) }
        node.children:append(child)
        node = child
      end
      nodes.session:add(top)
      nodes.session:commit()
      nodes.session:remove()
      return nodes, Node
    end
    local Node
    db, Node = chain{ lazy = "joined", join_depth = 3 }
    costs(1, function()
      local top = Node.query:filter_by{ name = "1" }:one()
      assert.equal("4", top.children[1].children[1].children[1].name)
    end)
    db, Node = chain{ lazy = "joined" } -- without join_depth, the join stops at the class
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
