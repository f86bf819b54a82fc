-- The corners of the session: what raises for users but not for the flush, objects that have moved, savepoints,
-- objects that have expired alone, rollbacks after an expiry. With the number of statements.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local m, db, Post, Category, Comment

local function take(opened)
  m = opened
  db, Post, Category, Comment = m.db, m.Post, m.Category, m.Comment
end

local function costs(n, fn)
  local texts = support.statements(db, fn)
  assert(n == #texts, ("%d statements, not %d:\n%s"):format(#texts, n, table.concat(texts, "\n")))
  return texts
end

local function category(name) return Category.query:filter_by{ name = name }:one() end
local function post(title) return Post.query:filter_by{ title = title }:one() end
local function state(object) return mr.inspect(object).state end

describe("lazy = 'raise' (CONFORMANCE 6)", function()
  it("does not disturb the deletion of a parent", function()
    take(blog.filled{ comments = { lazy = "raise" }, category = { lazy = "raise",
      backref = mr.backref{ "posts", lazy = "raise" } } })
    local lua = category "Lua"
    refuse("InvalidRequestError", { "Category.posts", "raise" }, function() return lua.posts end)
    db.session:delete(lua)
    costs(3, function() db.session:flush() end) -- the posts, their keys to NULL, the category
    db.session:commit()
    assert.is_nil(post "a".category_id)
  end)

  it("does not disturb a delete cascade", function()
    take(blog.filled{ comments = { lazy = "raise", cascade = "all, delete-orphan" } })
    local a = post "a"
    costs(1, function() db.session:delete(a) end)
    costs(4, function() db.session:flush() end) -- the tags are read; then links, comments, post
    db.session:commit()
    assert.equal(1, Comment.query:count())
  end)

  it("of the query's raiseload does not either", function()
    take(blog.filled{ comments = { cascade = "all, delete-orphan" } })
    local a = Post.query:options(mr.raiseload "*"):filter_by{ title = "a" }:one()
    refuse("InvalidRequestError", { "Post.comments" }, function() return a.comments end)
    db.session:delete(a)
    db.session:commit()
    assert.equal(1, Comment.query:count())
  end)

  it("does not disturb a tree that is written and deleted", function()
    local tree, Node = blog.tree{ lazy = "raise", cascade = "all",
      backref = mr.backref{ "parent", remote_side = "Node.id", lazy = "raise" } }
    local root = Node{ name = "root", children = { Node{ name = "a", children = { Node{ name = "b" } } } } }
    tree.session:add(root)
    tree.session:commit()
    tree.session:delete(root)
    tree.session:commit()
    assert.equal(0, Node.query:count())
  end)

  it("does not disturb a changed key that children follow", function()
    local fresh = mr.open "sqlite://"
    local Parent, Child
    Parent = fresh.Model:extend("Parent", {
      code = fresh.Column{ fresh.String(10), primary_key = true },
      children = fresh.relationship{ "Child", lazy = "raise", passive_updates = false,
        foreign_keys = "Child.parent_code",
        primaryjoin = function() return Parent.code:eq(Child.parent_code) end },
    })
    Child = fresh.Model:extend("Child", {
      id = fresh.Column{ fresh.Integer, primary_key = true },
      parent_code = fresh.Column{ fresh.String(10) },
    })
    fresh:create_all()
    fresh.session:add(Parent{ code = "a", children = { Child{} } })
    fresh.session:commit()
    local parent = fresh.session:get(Parent, "a")
    parent.code = "b"
    fresh.session:commit()
    assert.equal("b", Child.query:one().parent_code)
  end)
end)

describe("a changed primary key (CONFORMANCE 39)", function()
  local fresh, Parent, Child, parent

  before_each(function()
    fresh = mr.open "sqlite://"
    Parent = fresh.Model:extend("Parent", {
      code = fresh.Column{ fresh.String(10), primary_key = true },
      name = fresh.Column{ fresh.String(10) },
      children = fresh.relationship{ "Child", passive_updates = false, backref = "parent",
        foreign_keys = "Child.parent_code",
        primaryjoin = function() return Parent.code:eq(Child.parent_code) end },
    })
    Child = fresh.Model:extend("Child", {
      id = fresh.Column{ fresh.Integer, primary_key = true },
      parent_code = fresh.Column{ fresh.String(10) },
    })
    fresh:create_all()
    parent = Parent{ code = "a", name = "A", children = { Child{}, Child{} } }
    fresh.session:add(parent)
    fresh.session:commit()
  end)

  local function rekey()
    local texts = support.statements(fresh, function()
      parent.code = "b"
      fresh.session:flush()
    end)
    assert.same({
      "SELECT child.id AS child_id, child.parent_code AS child_parent_code FROM child WHERE ? = child.parent_code",
      "UPDATE parent SET code=? WHERE parent.code = ?",
      "UPDATE child SET parent_code=? WHERE child.id = ?",
    }, texts)
    fresh.session:commit()
    assert.equal(2, Child.query:filter_by{ parent_code = "b" }:count())
    assert.equal(2, #parent.children)
    assert.equal("A", parent.name)
    assert.is_true(rawequal(parent, fresh.session:get(Parent, "b")))
  end

  it("is followed by children that are not loaded", function()
    assert.equal("a", parent.code)
    rekey()
  end)

  it("is followed by them when the parent has expired", function() rekey() end)

  it("that has expired and is set to what it was is no change", function()
    parent.code = "a"
    assert.same({}, support.statements(fresh, function() fresh.session:flush() end))
    assert.equal(1, #support.statements(fresh, function()
      assert.equal("A", parent.name)
      assert.equal("a", parent.code)
    end))
  end)
end)

describe("a child that has moved (CONFORMANCE 10)", function()
  local function moved(fn)
    take(blog.open{ category = { backref = mr.backref{ "posts", cascade = "all, delete-orphan" } } })
    db.session:add_all{ Category{ name = "C", posts = { Post{ title = "p" }, Post{ title = "q" } } },
      Category{ name = "D" } }
    db.session:commit()
    local c, d, p = category "C", category "D", post "p"
    fn(c, d, p)
    db.session:commit()
    assert.equal("D", post "p".category.name)
    assert.equal(1, Post.query:count())
  end

  it("survives the cascade of the old parent, whose collection was never loaded", function()
    moved(function(c, d, p)
      p.category = d
      costs(2, function() db.session:delete(c) end) -- the move is flushed, then the posts are read
    end)
  end)

  it("survives it when the old parent has expired after the move", function()
    moved(function(c, d, p)
      p.category = d
      db.session:expire(c)
      db.session:delete(c)
    end)
  end)

  it("survives it without autoflush", function()
    moved(function(c, d, p)
      p.category = d
      db.session:expire(c)
      db.session:no_autoflush(function() db.session:delete(c) end)
    end)
  end)

  it("survives it when its foreign key was set by hand", function()
    moved(function(c, d, p)
      p.category_id = d.id
      db.session:delete(c)
    end)
    moved(function(c, d, p)
      p.category_id = d.id
      db.session:no_autoflush(function() db.session:delete(c) end)
    end)
  end)

  it("and one that is new and refers by its foreign key alone goes with the parent", function()
    take(blog.filled{ category = { backref = mr.backref{ "posts", cascade = "all" } },
      comments = { cascade = "all" } })
    local c = category "C"
    db.session:add(Post{ title = "e", category_id = c.id })
    db.session:delete(c)
    db.session:commit()
    assert.equal(3, Post.query:count())
  end)
end)

describe("rows that refer to each other in a cycle", function()
  it("are refused with the cure, when they are inserted and when they are deleted", function()
    local tree, Node = blog.tree()
    local a, b = Node{ name = "a" }, Node{ name = "b" }
    a.parent, b.parent = b, a
    tree.session:add(a)
    refuse("InvalidRequestError", { "cycle", "Node", "node", "inserted", "post_update" },
      tree.session.flush, tree.session)
    tree.session:rollback()
    a.parent, b.parent = nil, a
    tree.session:add(a)
    tree.session:commit()
    a.parent = b
    tree.session:commit()
    tree.session:delete(a)
    tree.session:delete(b)
    refuse("InvalidRequestError", { "cycle", "Node", "deleted", "post_update" },
      tree.session.flush, tree.session)
    tree.session:rollback()
    assert.equal(2, Node.query:count())
  end)
end)

describe("a savepoint that is rolled back (CONFORMANCE 37)", function()
  before_each(function() take(blog.filled()) end)

  it("takes its rows out of collections that were first read inside it", function()
    local lua = category "Lua"
    local savepoint = db.session:begin_nested()
    db.session:add(Post{ title = "inner", category_id = lua.id })
    db.session:flush()
    assert.equal(4, #lua.posts)
    savepoint:rollback()
    costs(2, function() assert.equal(3, #lua.posts) end) -- the category is read again, and its posts
  end)

  it("takes back what a statement has done inside it", function()
    local lua = category "Lua"
    local savepoint = db.session:begin_nested()
    db.session:execute(mr.text "UPDATE category SET name = 'Inner' WHERE name = 'Lua'")
    db.session:expire(lua)
    assert.equal("Inner", lua.name)
    savepoint:rollback()
    assert.equal("Lua", lua.name)
  end)

  it("keeps what was changed and added outside", function()
    local lua, c = category "Lua", category "C"
    lua.name = "Outer"
    local added = Post{ title = "outer", category = lua }
    local savepoint = db.session:begin_nested()
    lua.name = "Inner"
    c.name = "Inner too"
    added.category = c
    local inner = Post{ title = "inner", category = lua }
    db.session:flush()
    savepoint:rollback()
    assert.equal("Outer", lua.name)
    assert.equal("C", c.name)
    assert.equal("persistent", state(added))
    assert.equal(lua, added.category)
    assert.equal("transient", state(inner))
    assert.equal(4, #lua.posts)
    db.session:commit()
    assert.equal("Outer", lua.name)
    assert.equal(lua, post "outer".category)
    assert.equal(0, Post.query:filter_by{ title = "inner" }:count())
  end)

  it("expires nothing where nothing was written inside it", function()
    local lua = category "Lua"
    assert.equal(3, #lua.posts)
    local savepoint = db.session:begin_nested()
    assert.equal("C", category "C".name)
    savepoint:rollback()
    costs(0, function()
      assert.equal("Lua", lua.name)
      assert.equal(3, #lua.posts)
    end)
  end)

  it("of which an inner one was committed is undone with it", function()
    local lua = category "Lua"
    local outer = db.session:begin_nested()
    local inner = db.session:begin_nested()
    db.session:add(Post{ title = "inner", category_id = lua.id })
    inner:commit()
    assert.equal(4, #lua.posts)
    outer:rollback()
    assert.equal(3, #lua.posts)
  end)
end)

describe("an object that has expired alone", function()
  before_each(function() take(blog.filled()) end)

  it("leaves the old parent's loaded collection for a new parent, and loads nothing", function()
    local lua, c = category "Lua", category "C"
    local p = lua.posts[1]
    db.session:expire(p)
    costs(0, function() p.category = c end)
    assert.equal(2, #lua.posts)
    db.session:commit()
    assert.equal(2, #lua.posts)
    assert.equal(2, #c.posts)
  end)

  it("leaves it for a new parent's collection too", function()
    local lua, c = category "Lua", category "C"
    local p = lua.posts[1]
    assert.equal(1, #c.posts)
    db.session:expire(p)
    costs(0, function()
      c.posts:append(p)
      assert.equal(2, #lua.posts)
      assert.equal(2, #c.posts)
    end)
  end)

  it("leaves it for none", function()
    local lua = category "Lua"
    local p = lua.posts[1]
    db.session:expire(p)
    costs(0, function() p.category = nil end)
    assert.equal(2, #lua.posts)
    costs(1, function() db.session:flush() end)
    assert.is_nil(p.category_id)
  end)

  it("whose foreign key alone has expired, likewise", function()
    local lua, c = category "Lua", category "C"
    local p = lua.posts[1]
    db.session:expire(p, { "category_id", "category" })
    costs(0, function() p.category = c end)
    assert.equal(2, #lua.posts)
  end)
end)

describe("a rollback", function()
  before_each(function() take(blog.open()) end)

  it("gives an inserted object that has expired the values it had (not its key)", function()
    for _, expire in ipairs{
      function() db.session:expire_all() end,
      function(c) db.session:expire(c) end,
      function(c) db.session:expire(c, { "name" }) end,
      function(c) db.session:refresh(c) end,
      function(c) db.session:expire_all() assert.equal("C", c.name) db.session:expire(c) end,
      function() db.session:begin_nested(function() db.session:add(Category{ name = "inner" })
        db.session:flush() db.session:rollback() end) end,
    } do
      local c = Category{ name = "C" }
      db.session:add(c)
      db.session:flush()
      expire(c)
      db.session:rollback()
      assert.equal("transient", state(c))
      assert.is_nil(c.id)
      assert.equal("C", c.name)
    end
  end)

  it("gives it the values of its last flush", function()
    local c = Category{ name = "C" }
    db.session:add(c)
    db.session:flush()
    db.session:expire_all()
    c.name = "D"
    db.session:flush()
    db.session:expire_all()
    db.session:rollback()
    assert.equal("D", c.name)
    db.session:add(c)
    db.session:commit()
    assert.equal("D", c.name)
    assert.equal(1, c.id)
  end)
end)

describe("get", function()
  it("refuses nil, and names the key", function()
    local users, User = support.with_users "ann"
    refuse("ArgumentError", { "User", "id", "nil" }, function() users.session:get(User, nil) end)
    refuse("ArgumentError", { "User", "id", "nil" }, function() users.session:get(User) end)
    refuse("ArgumentError", { "User", "id", "nil" }, function() users.session:get(User, {}) end)
    assert.is_nil(users.session:get(User, mr.null))
    assert.equal("ann", users.session:get(User, { id = 1 }).username)
  end)
end)

describe("a deep chain", function()
  it("of rows that refer to each other is deleted in linear time", function()
    local fresh = mr.open "sqlite://"
    local Node = fresh.Model:extend("Node", {
      id = fresh.Column{ fresh.Integer, primary_key = true },
      parent_id = fresh.Column{ fresh.Integer, fresh.ForeignKey "node.id", index = true },
      children = fresh.relationship{ "Node", cascade = "all",
        backref = fresh.backref{ "parent", remote_side = "Node.id" } },
    })
    fresh:create_all()
    local function delete_chain(n)
      local rows = {}
      for i = 1, n do rows[i] = { id = i, parent_id = i > 1 and i - 1 or mr.null } end
      fresh.session:execute(mr.insert(Node), rows)
      fresh.session:commit()
      local started = os.clock()
      fresh.session:delete(fresh.session:get(Node, 1))
      fresh.session:commit()
      assert.equal(0, Node.query:count())
      return os.clock() - started
    end
    local n = os.getenv "MOONROW_STRESS" and 300 or 2000
    local few, many = delete_chain(n), delete_chain(4 * n)
    assert(many < 4 * 4 * few + 0.1, ("%.3f s for %d, %.3f s for %d"):format(few, n, many, 4 * n))
  end)
end)
