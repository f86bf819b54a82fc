-- The rollback of a savepoint: what it gives back, and what it does not touch.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"

local state = support.state
local function new_user(User, name) return User{ username = name, email = name .. "@x" } end

-- Changes inside of a savepoint. Nothing is read between the two rollbacks: the object gets what it had before the
-- savepoint.
local in_savepoint = {
  ["an update"] = function(session, user)
    user.username = "b"
    session:flush()
  end,
  ["two updates"] = function(session, user)
    user.username = "b"
    session:flush()
    user.username = "c"
    session:flush()
  end,
  ["an update not flushed"] = function(_, user) user.username = "b" end,
  ["a change of the key"] = function(session, user)
    user.id, user.username = 77, "b"
    session:flush()
  end,
  ["a deletion"] = function(session, user)
    session:delete(user)
    session:flush()
  end,
  ["an update by query"] = function(session, _, User) session:query(User):update{ username = "b" } end,
  ["a fetching update by query"] = function(session, _, User)
    session:query(User):update({ username = "b" }, { synchronize_session = "fetch" })
  end,
  ["a deletion by query"] = function(session, _, User) session:query(User):delete() end,
  ["an expiry before the update"] = function(session, user)
    session:expire(user)
    user.username = "b"
    session:flush()
    session:expire_all()
  end,
  ["an expiry after the update"] = function(session, user)
    user.username = "b"
    session:flush()
    session:expire(user)
  end,
  ["an inner savepoint released"] = function(session, user)
    local inner = session:begin_nested()
    user.username = "b"
    session:flush()
    inner:commit()
  end,
}

describe("a new object after the rollback of a savepoint and then of all", function()
  for what, change in pairs(in_savepoint) do
    it("has what it had before the savepoint: " .. what, function()
      local db, User = support.with_users()
      local user = new_user(User, "a")
      db.session:add(user)
      db.session:flush()
      local savepoint = db.session:begin_nested()
      change(db.session, user, User)
      savepoint:rollback()
      db.session:rollback()
      assert.equal("transient", state(user))
      assert.same({ nil, "a", "a@x" }, { user.id, user.username, user.email })
    end)
  end

  it("has what a released savepoint has changed", function()
    local db, User = support.with_users()
    local user = new_user(User, "a")
    db.session:add(user)
    db.session:flush()
    local savepoint = db.session:begin_nested()
    user.username = "b"
    db.session:flush()
    savepoint:commit()
    db.session:expire_all()
    db.session:rollback()
    assert.same({ nil, "b", "a@x" }, { user.id, user.username, user.email })
  end)
end)

describe("after the rollback of a savepoint", function()
  local db, User, session, ann, bob

  before_each(function()
    db, User = support.with_users("ann", "bob")
    session = db.session
    ann, bob = session:get(User, 1), session:get(User, 2)
  end)

  local function reads() return #support.statements(db, function() return ann.username, bob.username end) end

  it("what it has not written stays loaded", function()
    local savepoint = session:begin_nested()
    bob.username = "inner bob"
    session:flush()
    savepoint:rollback()
    assert.equal(1, reads())
    assert.equal("bob", bob.username)
  end)

  it("what was read after it had written is read again", function()
    local savepoint = session:begin_nested()
    session:execute(mr.text "UPDATE user SET username = username || '!'")
    session:refresh(ann)
    assert.equal("ann!", ann.username)
    savepoint:rollback()
    assert.equal("ann", ann.username)
    assert.equal("bob", bob.username)
  end)

  it("what was found to be empty then is read again", function()
    local m = blog.open()
    local category = m.Category{ name = "C" }
    category.posts:append(m.Post{ title = "p" })
    m.db.session:add(category)
    m.db.session:commit()
    local savepoint = m.db.session:begin_nested()
    m.db.session:execute(mr.text "DELETE FROM post")
    assert.equal(0, #category.posts)
    savepoint:rollback()
    assert.equal(1, #category.posts)
  end)

  it("a foreign key that followed its parent's by ON UPDATE CASCADE is as before", function()
    local memory = mr.open "sqlite://"
    local Parent = memory.Model:extend("Parent", {
      id = memory.Column{ memory.Integer, primary_key = true },
      children = memory.relationship{ "Child", passive_updates = true },
    })
    local Child = memory.Model:extend("Child", {
      id = memory.Column{ memory.Integer, primary_key = true },
      parent_id = memory.Column{ memory.Integer, memory.ForeignKey{ "parent.id", onupdate = "CASCADE" } },
    })
    memory:create_all()
    local child = Child{}
    local parent = Parent{ children = { child } }
    memory.session:add(parent)
    memory.session:commit()
    assert.same({ 1, 1, 1 }, { parent.id, #parent.children, child.parent_id })
    local savepoint = memory.session:begin_nested()
    parent.id = 9
    memory.session:flush()
    assert.equal(9, child.parent_id)
    savepoint:rollback()
    assert.same({ 1, 1, 1 }, { parent.id, #parent.children, child.parent_id })
  end)
end)

describe("a rollback of all levels", function()
  it("leaves new objects their references, whatever an inner level has read", function()
    local m = blog.open()
    local session = m.db.session
    local category = m.Category{ name = "C" }
    session:add(category)
    session:commit()
    local post = m.Post{ title = "p" }
    category.posts:append(post)
    session:begin_nested()
    session:add(m.Category{ name = "D" })
    session:flush()
    assert.equal(2, #m.Category.query:all())
    session:rollback()
    assert.same({ "transient", "p", nil }, { state(post), post.title, post.id })
    assert.equal(category, post.category)
    assert.equal("C", category.name)
  end)
end)

local m, db, Post, Category

local function take(opened)
  m = opened
  db, Post, Category = m.db, m.Post, m.Category
end

local function costs(n, fn) return support.costs(db, n, fn) end

local function category(name) return Category.query:filter_by{ name = name }:one() end
local function post(title) return Post.query:filter_by{ title = title }:one() end

describe("a savepoint that is rolled back", function()
  before_each(function() take(blog.filled()) end)

  it("takes its rows out of collections that were first read inside it", function()
    local lua = category "Lua"
    local savepoint = db.session:begin_nested()
    db.session:add(Post{ title = "inner", category_id = lua.id })
    db.session:flush()
    assert.equal(4, #lua.posts)
    savepoint:rollback()
    costs(2, function() assert.equal(3, #lua.posts) end) -- one for the category, one for its posts
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
