-- "*" as the relationship in a loader option: one with a path wins over the general one.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

describe("a wildcard", function()
  local m, db, session, Post, Category

  before_each(function()
    m = blog.filled()
    db, Post, Category = m.db, m.Post, m.Category
    session = db.session
  end)

  local function loaded(posts, name)
    for _, post in ipairs(posts) do
      for _, unloaded in ipairs(mr.inspect(post).unloaded) do
        if unloaded == name then return false end
      end
    end
    return true
  end

  it("of a path wins over the one for all, whichever comes first", function()
    for _, order in ipairs{ 1, 2 } do
      session:expunge_all()
      local path, all = mr.selectinload(Category.posts):lazyload "*", mr.raiseload "*"
      local q = session:query(Category):order_by(Category.name)
      q = order == 1 and q:options(path, all) or q:options(all, path)
      local lua = q:all()[3]
      assert.equal("<Lua>", tostring(lua))
      assert.equal(2, #lua.posts[1].comments)
      session:expunge_all()
      refuse("InvalidRequestError", { "posts", "raise" }, function()
        return session:query(Category):options(all):first().posts
      end)
    end
  end)

  it("of a path loads eagerly what the one for all forbids", function()
    for _, options in ipairs{
      { mr.selectinload(Category.posts):selectinload "*", mr.raiseload "*" },
      { mr.raiseload "*", mr.selectinload(Category.posts):selectinload "*" },
    } do
      session:expunge_all()
      local lua = session:query(Category):filter_by{ name = "Lua" }:options(table.unpack(options)):one()
      assert.is_true(loaded(lua.posts, "comments"))
      assert.same({}, support.statements(db, function() assert.equal(2, #lua.posts[1].comments) end))
      refuse("InvalidRequestError", { "Comment.post" }, function() return lua.posts[2].comments[1].post end)
    end
  end)

  it("of a path gives way to a relationship that is named, and to a later one of the same path", function()
    local q = session:query(Category):filter_by{ name = "Lua" }
    local lua = q:options(mr.raiseload "*", mr.selectinload(Category.posts):raiseload "*",
      mr.selectinload(Category.posts):selectinload(Post.comments)):one()
    assert.equal(2, #lua.posts[1].comments)
    refuse("InvalidRequestError", { "Post.tags" }, function() return lua.posts[1].tags end)
    session:expunge_all()
    lua = q:options(mr.selectinload(Category.posts):raiseload "*", mr.raiseload "*",
      mr.selectinload(Category.posts):lazyload "*"):one()
    assert.equal(2, #lua.posts[1].tags)
  end)
end)
