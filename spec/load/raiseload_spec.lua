-- lazy = 'raise' and raiseload concern reads of the program: a flush and a cascade load what they need.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local tree = require "spec.support.tree"

local m, db, Post, Category, Comment

local function take(opened)
  m = opened
  db, Post, Category, Comment = m.db, m.Post, m.Category, m.Comment
end

local function costs(n, fn) return support.costs(db, n, fn) end

local function category(name) return Category.query:filter_by{ name = name }:one() end
local function post(title) return Post.query:filter_by{ title = title }:one() end

describe("lazy = 'raise'", function()
  it("does not disturb the deletion of a parent", function()
    take(blog.filled{ comments = { lazy = "raise" }, category = { lazy = "raise",
      backref = mr.backref{ "posts", lazy = "raise" } } })
    local lua = category "Lua"
    refuse("InvalidRequestError", { "Category.posts", "raise" }, function() return lua.posts end)
    db.session:delete(lua)
    costs(3, function() db.session:flush() end) -- reads the posts, sets their keys to NULL, deletes the category
    db.session:commit()
    assert.is_nil(post "a".category_id)
  end)

  it("does not disturb a delete cascade", function()
    take(blog.filled{ comments = { lazy = "raise", cascade = "all, delete-orphan" } })
    local a = post "a"
    costs(1, function() db.session:delete(a) end)
    costs(4, function() db.session:flush() end) -- reads the tags; deletes links, comments and the post
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
    local nodes, Node = tree{ lazy = "raise", cascade = "all",
      backref = mr.backref{ "parent", remote_side = "Node.id", lazy = "raise" } }
    local root = Node{ name = "root", children = { Node{ name = "a", children = { Node{ name = "b" } } } } }
    nodes.session:add(root)
    nodes.session:commit()
    nodes.session:delete(root)
    nodes.session:commit()
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

describe("raiseload of an object that has expired", function()
  local Parent, Kid, session
  local function id() return db.Column{ db.Integer, primary_key = true } end

  before_each(function()
    db = mr.open "sqlite://"
    session = db.session
    Parent = db.Model:extend("Parent", { id = id(), kids = db.relationship{ "Kid", back_populates = "parent" } })
    Kid = db.Model:extend("Kid", {
      id = id(), parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
      parent = db.relationship{ "Parent", back_populates = "kids" },
    })
    db:create_all()
    session:add(Parent{})
    session:commit()
    session:expunge_all()
  end)

  local expiries = {
    expire = function(parent) session:expire(parent) end,
    expire_all = function() session:expire_all() end,
    commit = function() session:commit() end,
  }

  local function raises(parent)
    refuse("InvalidRequestError", { "Parent.kids", "raise" }, function() return parent.kids end)
  end

  for name, expire in pairs(expiries) do
    it("is that of the query that reads it again, after " .. name, function()
      local parent = Parent.query:one()
      expire(parent)
      assert.equal(parent, Parent.query:options(mr.raiseload(Parent.kids)):one())
      raises(parent)
      expire(parent)
      raises(parent) -- nothing has read it meanwhile
      assert.equal(1, parent.id)
      raises(parent)
      session:get(Parent, 1)
      raises(parent)
      session:refresh(parent)
      raises(parent)
      expire(parent)
      assert.equal(parent, Parent.query:one())
      assert.equal(0, #parent.kids)
    end)
  end

  it("stays that of the first query where only some attributes have", function()
    local parent = Parent.query:options(mr.raiseload "*"):one()
    session:expire(parent, { "kids" })
    assert.equal(parent, Parent.query:one())
    raises(parent)
  end)

  it("is also that of a query in which it comes along", function()
    session:add(Kid{ parent = Parent.query:one() })
    session:commit()
    local parent = Parent.query:one()
    session:expire(parent)
    local kid = Kid.query:options(mr.joinedload(Kid.parent):raiseload(Parent.kids)):one()
    assert.equal(parent, kid.parent)
    raises(parent)
  end)
end)
