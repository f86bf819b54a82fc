-- Applications, scopes and teardowns with linked objects: the end of a scope detaches objects, and these keep what they
-- have loaded.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local app, db, Post, Category

before_each(function()
  app = mr.App "blog"
  app.config.DATABASE_URI = "sqlite://"
  db = mr.Database(app)
  Post = db.Model:extend("Post", {
    id = db.Column{ db.Integer, primary_key = true },
    title = db.Column{ db.String(80) },
    category_id = db.Column{ db.Integer, db.ForeignKey "category.id" },
    category = db.relationship{ "Category", backref = "posts" },
  })
  Category = db.Model:extend("Category", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(50) },
  })
  db:create_all()
  app:scope(function()
    db.session:add(Category{ name = "Lua", posts = { Post{ title = "a" }, Post{ title = "b" } } })
    db.session:commit()
  end)
end)

local state = support.state
local function lua() return Category.query:filter_by{ name = "Lua" }:one() end

describe("the end of a scope", function()
  it("detaches all that was loaded in it, also through relationships", function()
    local category, post
    app:scope(function()
      category = lua()
      post = category.posts[1]
      assert.equal("persistent", state(post))
    end)
    assert.equal("detached", state(category))
    assert.equal("detached", state(post))
    assert.is_nil(mr.object_session(category))
  end)

  it("leaves a detached object what it has", function()
    local category = app:scope(function()
      local c = lua()
      assert.equal(2, #c.posts)
      return c
    end)
    assert.equal(0, #support.statements(db, function()
      assert.equal("Lua", category.name)
      assert.equal(2, #category.posts)
      assert.equal("a", category.posts[1].title)
      for _, post in ipairs(category.posts) do assert.equal(1, post.category_id) end
    end))
  end)

  it("leaves the rest to an error that names the attribute and the cure", function()
    local category, post = app:scope(function() return lua(), Post.query:first() end)
    local e = refuse("DetachedInstanceError", { "Category", "'posts'", "session" }, function()
      return category.posts
    end)
    assert.matches("scope_relationship_spec.lua:%d+", e.where)
    refuse("DetachedInstanceError", { "Post", "'category'", "session" }, function() return post.category end)
  end)

  it("leaves what joinedload and selectinload loaded", function()
    for _, load in ipairs{ mr.joinedload, mr.selectinload, mr.subqueryload, mr.immediateload } do
      local all = app:scope(function() return Category.query:options(load "posts"):all() end)
      assert.equal(2, #all[1].posts)
      assert.equal("b", all[1].posts[2].title)
    end
  end)

  it("after a commit leaves nothing but an error, unless expire_on_commit is off", function()
    local category = app:scope(function()
      local c = lua()
      assert.equal(2, #c.posts)
      c.name = "LUA"
      db.session:commit()
      return c
    end)
    refuse("DetachedInstanceError", { "Category", "'name'" }, function() return category.name end)
    local Session = mr.sessionmaker{ bind = db.engine, expire_on_commit = false }
    local session = Session()
    local c = session:query(Category):one()
    assert.equal(2, #c.posts)
    c.name = "Lua"
    session:commit()
    session:close()
    assert.equal("Lua", c.name)
    assert.equal(2, #c.posts)
  end)

  it("rolls back what was not committed, on both sides", function()
    local post = app:scope(function()
      local c = lua()
      local p = Post{ title = "c", category = c }
      db.session:flush()
      return p
    end)
    app:scope(function()
      assert.equal(2, #lua().posts)
      assert.equal(2, Post.query:count())
    end)
    assert.is_nil(mr.object_session(post))
  end)

  it("comes with an error, too, after the teardowns", function()
    local seen, category
    app:on_teardown(function(e) seen = e end)
    local ok, e = pcall(app.scope, app, function()
      category = lua()
      category.posts:clear()
      db.session:flush()
      error "no further"
    end)
    assert.is_false(ok)
    assert.equal(e, seen)
    assert.equal("detached", state(category))
    app:scope(function() assert.equal(2, #lua().posts) end)
  end)
end)

describe("a detached object", function()
  local category

  before_each(function()
    category = app:scope(function()
      local c = lua()
      assert.equal(2, #c.posts)
      return c
    end)
  end)

  it("comes back with add, and what hangs on it too", function()
    app:scope(function()
      db.session:add(category)
      assert.equal("persistent", state(category))
      assert.equal("persistent", state(category.posts[1]))
      category.posts:append(Post{ title = "c" })
      db.session:commit()
    end)
    app:scope(function() assert.equal(3, #lua().posts) end)
  end)

  it("comes back as another object with merge", function()
    app:scope(function()
      local merged = db.session:merge(category)
      assert.not_equal(category, merged)
      assert.equal(2, #merged.posts)
      assert.equal("detached", state(category))
    end)
  end)

  it("is not lent to another scope's object by mistake", function()
    app:scope(function()
      local mine = lua()
      refuse("InvalidRequestError", "Category", function() db.session:add(category) end)
      assert.equal("persistent", state(mine))
    end)
  end)

  it("changes in memory on both sides", function()
    local post = category.posts[1]
    category.posts:remove(post)
    assert.equal(1, #category.posts)
    assert.is_nil(post.category)
    app:scope(function()
      db.session:add(category)
      db.session:add(post)
      db.session:commit()
      assert.is_nil(post.category_id)
    end)
  end)
end)

describe("scopes within scopes", function()
  it("have objects of their own for the same rows", function()
    app:scope(function()
      local outer = lua()
      app:scope(function()
        local inner = lua()
        assert.not_equal(outer, inner)
        assert.not_equal(outer.posts[1], inner.posts[1])
        refuse("InvalidRequestError", "session", function() inner.posts:append(outer.posts[1]) end)
      end)
      assert.equal("persistent", state(outer))
      assert.equal(2, #outer.posts)
    end)
  end)

  it("may be left by a coroutine that is closed", function()
    local category
    local co = coroutine.create(function()
      app:scope(function()
        category = lua()
        assert.equal(2, #category.posts)
        coroutine.yield()
      end)
    end)
    assert.is_true(coroutine.resume(co))
    assert.equal("persistent", state(category))
    assert.is_true(coroutine.close(co))
    assert.equal("detached", state(category))
    assert.equal(2, #category.posts)
  end)
end)
