-- A relationship's collection is used like a Lua list.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local tree = require "spec.support.tree"

describe("a collection", function()
  local m, db, c, p, q, r

  before_each(function()
    m = blog.open()
    db = m.db
    c = m.Category{ name = "C" }
    p, q, r = m.Post{ title = "p" }, m.Post{ title = "q" }, m.Post{ title = "r" }
  end)

  -- Returns the titles in order. Asserts that the other side agrees.
  local function titles()
    local list = {}
    for i, post in ipairs(c.posts) do
      list[i] = post.title
      assert.equal(c, post.category)
    end
    return table.concat(list, " ")
  end

  it("that is not loaded is loaded by its first use, an append too: what is added has its place", function()
    c.posts:append(p)
    db.session:add(c)
    db.session:commit()
    db.session:expire_all()
    local category = db.session:query(m.Category):one()
    local reads = db:record(function() category.posts:append(q) end)
    assert.equal(1, #reads)
    assert.matches("^SELECT", reads[1].statement)
    assert.equal(q, category.posts[2])
    assert.equal(0, #db:record(function() category.posts:append(r) end))
  end)

  it("appends, removes, inserts, clears and extends", function()
    c.posts:append(p)
    c.posts:append(q)
    assert.equal("p q", titles())
    c.posts:insert(1, r)
    assert.equal("r p q", titles())
    c.posts:remove(p)
    assert.equal("r q", titles())
    assert.is_nil(p.category)
    c.posts:insert(3, p)
    assert.equal("r q p", titles())
    c.posts:clear()
    assert.equal("", titles())
    assert.is_nil(q.category)
    c.posts:extend{ q, r }
    assert.equal("q r", titles())
  end)

  it("takes the list that a query gives as a whole", function()
    db.session:add_all{ c, p, q }
    db.session:flush()
    c.posts = m.Post.query:order_by(m.Post.id):all()
    assert.equal("p q", titles())
    local d = m.Category{ name = "D", posts = m.Post.query:filter_by{ title = "q" }:all() }
    assert.equal(d, q.category)
    assert.equal("p", titles())
  end)

  it("extends by another collection", function()
    local d = m.Category{ name = "D", posts = { p, q } }
    c.posts:extend(d.posts)
    assert.equal("p q", titles())
    assert.equal(0, #d.posts)
  end)

  it("knows its length, its items, and what it contains", function()
    assert.equal(0, #c.posts)
    assert.is_nil(c.posts[1])
    c.posts = { p, q }
    assert.equal(2, #c.posts)
    assert.equal(p, c.posts[1])
    assert.equal(q, c.posts[2])
    assert.equal(q, c.posts[#c.posts])
    assert.is_nil(c.posts[3])
    assert.is_nil(c.posts[0])
    assert.is_true(c.posts:contains(p))
    assert.is_false(c.posts:contains(r))
    assert.equal(c.posts, c.posts)
  end)

  it("takes [#c + 1] = item and [#c] = nil", function()
    c.posts[#c.posts + 1] = p
    c.posts[#c.posts + 1] = q
    assert.equal("p q", titles())
    c.posts[#c.posts] = nil
    assert.equal("p", titles())
    assert.is_nil(q.category)
    c.posts[1] = r
    assert.equal("r", titles())
    assert.is_nil(p.category)
    c.posts[1] = r
    assert.equal("r", titles())
    c.posts[1] = nil
    assert.equal("", titles())
  end)

  it("refuses a hole", function()
    c.posts = { p, q }
    refuse("ArgumentError", { "Category.posts[4]", "hole" }, function() c.posts[4] = r end)
    refuse("ArgumentError", { "Category.posts[1]", "hole" }, function() c.posts[1] = nil end)
    refuse("ArgumentError", "Category.posts[0]", function() c.posts[0] = r end)
    refuse("ArgumentError", "Category.posts[-1]", function() c.posts[-1] = r end)
    refuse("ArgumentError", "Category.posts", function() c.posts.first = r end)
    refuse("ArgumentError", "Category.posts", function() c.posts[1.5] = r end)
    refuse("ArgumentError", "Category.posts", function() c.posts:insert(4, r) end)
    refuse("ArgumentError", "Category.posts", function() c.posts:insert(0, r) end)
    refuse("ArgumentError", "Category.posts", function() c.posts = { p, nil, q } end)
    refuse("ArgumentError", "Category.posts", function() c.posts = { p, first = q } end)
    refuse("ArgumentError", { "appendd", "append" }, function() c.posts:appendd(r) end)
    assert.equal("p q", titles())
  end)

  it("refuses what is no item", function()
    c.posts = { p }
    refuse("ArgumentError", { "Category.posts", "Post" }, function() c.posts:append(c) end)
    refuse("ArgumentError", "Category.posts", function() c.posts:append(nil) end)
    refuse("ArgumentError", "Category.posts", function() c.posts:append "p" end)
    refuse("ArgumentError", "Category.posts", function() c.posts[2] = 12 end)
    refuse("ArgumentError", "Category.posts", function() c.posts:extend{ q, 12 } end)
    refuse("ArgumentError", "Category.posts:extend: [x]: a collection takes a list without holes or other keys",
      function() c.posts:extend{ q, x = r } end)
    refuse("ArgumentError", "Category.posts", function() c.posts:extend{ q, nil, r } end)
    refuse("ArgumentError", "Category.posts", function() c.posts = { q, c } end)
    refuse("ArgumentError", "Category.posts", function() c.posts = 12 end)
    refuse("ArgumentError", "Category.posts", function() c.posts = nil end)
    assert.equal("p", titles())
    assert.is_nil(q.category)
  end)

  it("refuses to remove what it has not", function()
    c.posts = { p }
    refuse("ArgumentError", "Category.posts", function() c.posts:remove(q) end)
    refuse("ArgumentError", "Category.posts", function() c.posts:remove(nil) end)
    assert.equal("p", titles())
  end)

  it("is walked by ipairs and pairs", function()
    c.posts = { p, q, r }
    local seen = {}
    for i, post in ipairs(c.posts) do seen[i] = post end
    assert.same({ p, q, r }, seen)
    seen = {}
    for i, post in pairs(c.posts) do seen[i] = post end
    assert.same({ p, q, r }, seen)
    assert.same({ p, q, r }, { table.unpack(c.posts) })
  end)

  it("works with table.insert", function()
    table.insert(c.posts, p)
    table.insert(c.posts, 1, q)
    table.insert(c.posts, 2, r)
    assert.equal("q r p", titles())
  end)

  it("works with table.remove", function()
    c.posts = { p, q, r }
    assert.equal(r, table.remove(c.posts))
    assert.equal("p q", titles())
    assert.equal(p, table.remove(c.posts, 1))
    assert.equal("q", titles())
    assert.is_nil(p.category)
    assert.is_nil(r.category)
    assert.equal(q, table.remove(c.posts))
    assert.is_nil(table.remove(c.posts))
    assert.equal("", titles())
  end)

  it("works with table.sort and table.concat's like", function()
    c.posts = { r, p, q }
    table.sort(c.posts, function(a, b) return a.title < b.title end)
    assert.equal("p q r", titles())
    table.sort(c.posts, function(a, b) return a.title > b.title end)
    assert.equal("r q p", titles())
  end)

  it("of many items, some of them twice, is sorted and shifted as a plain list is", function()
    local plain = {}
    for i = 1, 600 do
      plain[i] = i % 50 == 0 and plain[i - 7] or m.Post{ title = ("%03d"):format(i * 271 % 601) }
      c.posts:append(plain[i])
    end
    local function less(a, b) return a.title < b.title end
    table.sort(plain, less)
    table.sort(c.posts, less)
    for _ = 1, 40 do assert.equal(table.remove(plain, 3), table.remove(c.posts, 3)) end
    table.insert(plain, 5, p)
    table.insert(c.posts, 5, p)
    assert.equal(#plain, #c.posts)
    for i, post in ipairs(plain) do assert.equal(post.title, c.posts[i].title) end
    for _, post in ipairs(plain) do assert.is_true(c.posts:contains(post) and post.category == c) end
  end)

  it("replaces an item as one change: it leaves, the other comes, or neither", function()
    c.posts = { p, q }
    local heard = {}
    local function removed(_, post) heard[#heard + 1] = "removed " .. post.title end
    local function appended(_, post)
      heard[#heard + 1] = "appended " .. post.title
      if post == r then error("not this one", 0) end
    end
    mr.event.listen(m.Category.posts, "remove", removed)
    mr.event.listen(m.Category.posts, "append", appended)
    local s = m.Post{ title = "s" }
    c.posts[1] = s
    assert.same({ "removed p", "appended s" }, heard)
    local ok, message = pcall(function() c.posts[2] = r end)
    assert.same({ false, "not this one" }, { ok, message })
    assert.equal("s q", titles())
    assert.is_nil(r.category)
    assert.is_nil(p.category)
  end)

  it("is sorted in the session without anything to write", function()
    c.posts = { r, p, q }
    db.session:add(c)
    db.session:commit()
    assert.equal(3, #c.posts)
    for _, post in ipairs(c.posts) do assert.equal(c, post.category) end
    assert.equal(0, #support.statements(db, function()
      table.sort(c.posts, function(a, b) return a.title < b.title end)
      assert.equal("p q r", titles())
      db.session:flush()
    end))
    assert.equal(3, #m.Post.query:filter_by{ category_id = c.id }:all())
  end)

  it("keeps pending items through a sort, also under delete-orphan", function()
    local o = blog.open{ category = { backref = mr.backref{ "posts", cascade = "all, delete-orphan" } } }
    local cat = o.Category{ name = "C" }
    o.db.session:add(cat)
    cat.posts = { o.Post{ title = "b" }, o.Post{ title = "c" }, o.Post{ title = "a" } }
    table.sort(cat.posts, function(a, b) return a.title < b.title end)
    assert.equal("{<a>, <b>, <c>}", tostring(cat.posts))
    o.db.session:commit()
    assert.equal(3, o.Post.query:count())
  end)

  it("shows its items", function()
    assert.equal("{}", tostring(c.posts))
    c.posts = { p, q }
    assert.equal("{<p>, <q>}", tostring(c.posts))
  end)

  it("is assigned as a whole", function()
    c.posts = { p, q }
    c.posts = { q, r }
    assert.equal("q r", titles())
    assert.is_nil(p.category)
    c.posts = {}
    assert.is_nil(q.category)
    local d = m.Category{ name = "D", posts = { p } }
    c.posts = d.posts -- another collection can be assigned, like a list
    assert.equal("p", titles())
    assert.equal(0, #d.posts)
    c.posts = c.posts
    assert.equal("p", titles())
  end)

  it("keeps an item until its last occurrence leaves", function()
    c.posts:append(p)
    c.posts:append(q)
    c.posts:append(p)
    assert.equal("{<p>, <q>, <p>}", tostring(c.posts))
    c.posts:remove(p)
    assert.equal("{<q>, <p>}", tostring(c.posts))
    assert.equal(c, p.category)
    c.posts:remove(p)
    assert.is_nil(p.category)
  end)

  it("makes one link row of a repeated item of a many-to-many", function()
    local t = m.Tag{ name = "t" }
    p.tags = { t, t }
    db.session:add(p)
    db.session:commit()
    assert.equal(1, db.session:scalar(mr.text "SELECT count(*) FROM post_tag"))
    assert.equal("{#t}", tostring(p.tags))
    p.tags:append(t)
    db.session:commit()
    assert.equal(1, db.session:scalar(mr.text "SELECT count(*) FROM post_tag"))
    p.tags:remove(t)
    db.session:commit()
    assert.equal(0, db.session:scalar(mr.text "SELECT count(*) FROM post_tag"))
  end)

  it("stays good in a variable when the object expires", function()
    c.posts = { p, q }
    local posts = c.posts
    db.session:add(c)
    db.session:commit()
    assert.equal("{<p>, <q>}", tostring(posts))
    posts:append(r)
    db.session:commit()
    assert.equal("{<p>, <q>, <r>}", tostring(posts))
    assert.equal(c.posts, posts)
  end)

  it("keeps its parent alive", function()
    local posts = m.Category{ name = "kept", posts = { p } }.posts
    collectgarbage() collectgarbage()
    assert.equal(1, #posts)
    assert.equal("kept", posts[1].category.name)
  end)

  it("may grow and shrink while it is walked", function()
    c.posts = { p, q }
    local n = 0
    for i, post in ipairs(c.posts) do
      n = n + 1
      if i == 1 then c.posts:append(r) end
      assert.equal(c, post.category)
    end
    assert.equal(3, n)
  end)

  it("writes what was changed, in one flush", function()
    db.session:add(c)
    c.posts = { p, q }
    db.session:commit()
    c.posts:remove(p)
    c.posts:append(r)
    local texts = support.statements(db, function() db.session:flush() end)
    assert.same({
      "UPDATE post SET category_id=? WHERE post.id = ?",
      "INSERT INTO post (title, category_id) VALUES (?, ?)",
    }, { texts[#texts - 1], texts[#texts] })
    db.session:commit()
    assert.equal("{<q>, <r>}", tostring(c.posts))
    assert.is_nil(p.category_id)
  end)

  it("has a history", function()
    db.session:add(c)
    c.posts = { p, q }
    db.session:commit()
    assert.equal(2, #c.posts)
    c.posts:remove(p)
    c.posts:append(r)
    local history = mr.inspect(c):history "posts"
    assert.equal("{<r>}", tostring(history.added))
    assert.equal("{<q>}", tostring(history.unchanged))
    assert.equal("{<p>}", tostring(history.deleted))
  end)

  it("comes back as it was when the transaction is rolled back", function()
    db.session:add(c)
    c.posts = { p, q }
    db.session:commit()
    c.posts = { r }
    db.session:flush()
    db.session:rollback()
    assert.equal("{<p>, <q>}", tostring(c.posts))
    assert.equal("transient", mr.inspect(r).state)
    assert.equal(c, p.category)
  end)
end)

describe("a collection's order", function()
  it("is order_by's when it is loaded", function()
    local m = blog.filled{ category = { backref = mr.backref{ "posts", order_by = "Post.title" } },
                           comments = { order_by = function() return mr.text "comment.body DESC" end } }
    local lua = m.Category.query:filter_by{ name = "Lua" }:one()
    assert.equal("{<a>, <b>, <c>}", tostring(lua.posts))
    lua.posts:append(m.Post{ title = "0" })
    m.db.session:commit()
    local texts = support.statements(m.db, function() assert.equal("{<0>, <a>, <b>, <c>}", tostring(lua.posts)) end)
    assert.matches("ORDER BY post.title$", texts[#texts])
    assert.equal("{<a2>, <a1>}", tostring(lua.posts[2].comments))
  end)
end)

local state = support.state

describe("a whole collection assigned", function()
  it("draws into the session what it holds now, not what it held", function()
    local db, Node = tree()
    local here, left, parent = Node{ name = "here" }, Node{ name = "left" }, Node{ name = "parent" }
    parent.children:append(left)
    db.session:add(here)
    db.session:flush()
    parent.children = { here }
    assert.same({ "pending", "transient" }, { state(parent), state(left) })
    db.session:commit()
    assert.equal(2, Node.query:count())
  end)

  it("draws in its items, not what they referred to before", function()
    local db, Node = tree()
    local first, second, old, parent = Node{}, Node{}, Node{ name = "old" }, Node{ name = "parent" }
    first.parent = old
    db.session:add(second)
    parent.children = { first, second }
    assert.same({ "pending", "pending", "transient" }, { state(parent), state(first), state(old) })
    assert.equal(0, #old.children)
  end)
end)

describe("an object outside of the session that a collection holds", function()
  it("gets the key at a flush, and is linked once it is added", function()
    local db = mr.open "sqlite://"
    local Owner = db.Model:extend("Owner", {
      id     = db.Column{ db.Integer, primary_key = true },
      things = db.relationship{ "Thing", cascade = "merge" },
    })
    local Thing = db.Model:extend("Thing", {
      id       = db.Column{ db.Integer, primary_key = true },
      owner_id = db.Column{ db.Integer, db.ForeignKey "owner.id" },
    })
    db:create_all()
    local owner, first, second = Owner{}, Thing{}, Thing{}
    local warnings = 0
    mr.set_log(function() warnings = warnings + 1 end)
    owner.things:append(first)
    db.session:add(owner)
    db.session:commit()
    owner.things:append(second)
    db.session:flush()
    mr.set_log(nil)
    assert.equal(2, warnings)
    assert.same({ "transient", 1 }, { state(first), first.owner_id })
    assert.same({ "transient", 1 }, { state(second), second.owner_id })
    db.session:add_all{ first, second }
    db.session:commit()
    assert.equal(2, #owner.things)
  end)
end)
