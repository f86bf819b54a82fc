-- lazy = 'raise' and raiseload are for the user's reads: a flush and a cascade load what they need (CONFORMANCE 6).

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
