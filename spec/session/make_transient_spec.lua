-- make_transient: an object with a row becomes a new object with the same values and references.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"

local db, Post, Category, Comment

local function post(title) return Post.query:filter_by{ title = title }:one() end
local function category(name) return Category.query:filter_by{ name = name }:one() end
local state = support.state

local history = support.history

describe("an object made transient, to be written as a copy,", function()
  local a, lua, ada

  before_each(function()
    local m = blog.filled()
    db, Post, Category, Comment = m.db, m.Post, m.Category, m.Comment
    a, ada = post "a", category "Ada"
    lua = a.category
    assert.equal("Lua", lua.name)
  end)

  local function copy()
    db.session:expunge(a)
    mr.make_transient(a)
    a.id = nil
  end

  it("refers to what it referred to", function()
    copy()
    assert.equal(lua, a.category)
    assert.same({ {}, {}, { lua } }, history(a, "category"))
    db.session:add(a)
    db.session:commit()
    assert.equal(lua, a.category)
    assert.equal(4, #lua.posts)
    assert.equal(2, Post.query:filter_by{ title = "a" }:count())
  end)

  it("follows its foreign key when that is set", function()
    copy()
    a.category_id = ada.id
    db.session:add(a)
    db.session:commit()
    assert.equal(ada, a.category)
    assert.equal(3, #lua.posts)
  end)

  it("or cleared", function()
    copy()
    a.category_id = nil
    db.session:add(a)
    db.session:commit()
    assert.is_nil(a.category)
    assert.is_nil(a.category_id)
  end)

  it("follows a reference that is set anew, whatever the key says", function()
    copy()
    a.category_id = lua.id
    a.category = ada
    assert.same({ { ada }, {}, {} }, history(a, "category"))
    db.session:add(a)
    db.session:commit()
    assert.equal(ada.id, a.category_id)
  end)

  it("follows one that was changed before", function()
    db.session:no_autoflush(function()
      a.category = ada
      copy()
    end)
    db.session:add(a)
    db.session:commit()
    assert.equal(ada.id, a.category_id)
  end)

  it("follows a parent that is copied with it", function()
    db.session:expunge(lua)
    copy()
    mr.make_transient(lua)
    lua.id = nil
    db.session:add(a)
    assert.equal("pending", state(lua))
    db.session:commit()
    assert.equal(lua.id, a.category_id)
    assert.equal(2, Category.query:filter_by{ name = "Lua" }:count())
  end)

  it("takes its collection's rows along, which have not moved by themselves", function()
    local one = a.comments[1]
    copy()
    db.session:add(a)
    db.session:commit()
    assert.equal(a.id, one.post_id)
    assert.equal(2, #a.comments)
    assert.equal(3, Comment.query:count())
  end)

  it("that was pending keeps what was set", function()
    local new = Post{ title = "new", category = lua }
    db.session:add(new)
    mr.make_transient(new)
    assert.equal("transient", state(new))
    new.category_id = ada.id
    db.session:add(new)
    db.session:commit()
    assert.equal(lua.id, new.category_id)
  end)

  it("of a deleted graph is written again with a new add", function()
    local z = category "C"
    local d = z.posts[1]
    assert.equal("d", d.title)
    db.session:delete(z)
    db.session:delete(d)
    db.session:commit()
    mr.make_transient(z)
    mr.make_transient(d)
    db.session:add(z)
    assert.equal("pending", state(d))
    db.session:commit()
    assert.equal("{<d>}", tostring(z.posts))
  end)
end)
