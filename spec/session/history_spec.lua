-- mr.inspect(obj):history: the values that were added, deleted and unchanged, in each state of an object, without
-- loading.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"

local m, db, Post, Category, Tag

local function open()
  m = blog.filled()
  db, Post, Category, Tag = m.db, m.Post, m.Category, m.Tag
end

local history = support.history

local function is(object, name, added, deleted, unchanged)
  assert.same({ added, deleted, unchanged }, history(object, name))
end

local function costs(n, fn) return support.costs(db, n, fn) end

local function post(title) return Post.query:filter_by{ title = title }:one() end
local function category(name) return Category.query:filter_by{ name = name }:one() end

describe("the history of a new object", function()
  before_each(open)

  it("has what was set, and nothing of what was only read", function()
    local p, c = Post{}, Category{}
    assert.is_nil(p.title)
    assert.is_nil(p.category)
    assert.equal(0, #c.posts)
    is(p, "title", {}, {}, {})
    is(p, "category", {}, {}, {})
    is(c, "posts", {}, {}, {})
    p.title = nil
    is(p, "title", { mr.null }, {}, {})
    p.title = "a"
    p.title = "b"
    is(p, "title", { "b" }, {}, {})
  end)

  it("follows both sides", function()
    for _, add in ipairs{ false, true } do
      local p, c, d = Post{ title = "p" }, Category{ name = "c" }, Category{ name = "d" }
      if add then db.session:add_all{ p, c, d } end
      db.session:no_autoflush(function()
        p.category = c
        is(p, "category", { c }, {}, {})
        is(c, "posts", { p }, {}, {})
        p.category = d
        is(p, "category", { d }, {}, {})
        is(c, "posts", {}, {}, {})
        is(d, "posts", { p }, {}, {})
        d.posts:remove(p)
        is(p, "category", { mr.null }, {}, {})
        is(d, "posts", {}, {}, {})
      end)
    end
  end)
end)

describe("the history of a column", function()
  before_each(open)

  it("knows a value that was put back, and nil set to nil", function()
    local c = category "Ada"
    is(c, "name", {}, {}, { "Ada" })
    c.name = "x"
    is(c, "name", { "x" }, { "Ada" }, {})
    c.name = "Ada"
    is(c, "name", {}, {}, { "Ada" })
    local d = post "d"
    d.category_id = nil
    db.session:commit()
    assert.is_nil(d.category_id)
    d.category_id = nil
    is(d, "category_id", {}, {}, { mr.null })
    costs(0, function() db.session:flush() end)
  end)

  it("that has expired knows nothing of before, until it is loaded", function()
    local c = category "Ada"
    db.session:commit()
    costs(0, function()
      is(c, "name", {}, {}, {})
      c.name = "x"
      is(c, "name", { "x" }, {}, {})
    end)
    db.session:flush()
    is(c, "name", {}, {}, { "x" })
  end)
end)

describe("the history of a reference", function()
  local a, lua, ada
  before_each(function()
    open()
    a, ada = post "a", category "Ada"
    lua = a.category
    assert.equal("Lua", lua.name)
  end)

  it("has the old and the new one, and neither when it is put back", function()
    is(a, "category", {}, {}, { lua })
    a.category = ada
    is(a, "category", { ada }, { lua }, {})
    a.category = nil
    is(a, "category", { mr.null }, { lua }, {})
    a.category = lua
    is(a, "category", {}, {}, { lua })
    costs(0, function() db.session:flush() end)
  end)

  it("that is not loaded knows the old one when it is in the session, and loads nothing", function()
    local b = post "b"
    costs(0, function()
      is(b, "category", {}, {}, {})
      b.category = ada
      is(b, "category", { ada }, { lua }, {})
    end)
    db.session:commit()
    costs(0, function()
      b.category = nil
      is(b, "category", { mr.null }, {}, {})
    end)
    costs(1, function() db.session:flush() end)
    assert.is_nil(b.category_id)
  end)

  it("does not follow a foreign key that is set", function()
    a.category_id = ada.id
    is(a, "category", {}, {}, { lua })
    is(a, "category_id", { ada.id }, { lua.id }, {})
    db.session:commit()
    assert.equal(ada, a.category)
  end)

  it("of an object made detached is what it was, and goes on", function()
    db.session:expunge_all()
    a.category = ada
    is(a, "category", { ada }, { lua }, {})
    db.session:add(a)
    db.session:commit()
    assert.equal("Ada", a.category.name)
  end)
end)

describe("the history of a collection", function()
  local lua, a, b, c, d
  before_each(function()
    open()
    lua, d = category "Lua", post "d"
    a, b, c = lua.posts[1], lua.posts[2], lua.posts[3]
    assert.equal(lua, a.category) -- found in the session, without a statement
  end)

  it("changes with each append and removal, and ends when all is as it was", function()
    db.session:no_autoflush(function()
      is(lua, "posts", {}, {}, { a, b, c })
      lua.posts:append(d)
      is(lua, "posts", { d }, {}, { a, b, c })
      lua.posts:remove(a)
      is(lua, "posts", { d }, { a }, { b, c })
      lua.posts:remove(d)
      is(lua, "posts", {}, { a }, { b, c })
      lua.posts:append(a)
      is(lua, "posts", {}, {}, { b, c, a })
      is(a, "category", {}, {}, { lua })
    end)
    costs(0, function()
      db.session:expire(d) -- a change of its category was taken back
      db.session:flush()
    end)
  end)

  it("of an assignment is the difference", function()
    local e = Post{ title = "e" }
    lua.posts = { c, e, b }
    is(lua, "posts", { e }, { a }, { c, b })
    is(a, "category", { mr.null }, { lua }, {})
    lua.posts = {}
    is(lua, "posts", {}, { a, b, c }, {})
    db.session:rollback()
    is(lua, "posts", {}, {}, {})
    assert.equal("{<a>, <b>, <c>}", tostring(lua.posts))
  end)

  it("that is not loaded shows what its other side has done to it", function()
    local ada = category "Ada"
    costs(0, function()
      a.category = ada
      is(ada, "posts", { a }, {}, {})
      is(lua, "posts", {}, { a }, { b, c })
      a.category = lua
      is(ada, "posts", {}, {}, {})
      is(lua, "posts", {}, {}, { b, c, a })
    end)
    costs(0, function() db.session:flush() end)
  end)

  it("is empty after a flush, and after a rollback as before", function()
    lua.posts:remove(a)
    db.session:flush()
    is(lua, "posts", {}, {}, { b, c })
    is(a, "category", {}, {}, { mr.null })
    db.session:rollback()
    is(lua, "posts", {}, {}, {})
    assert.equal(3, #lua.posts)
    assert.equal(lua, a.category)
  end)

  it("of a many-to-many has the same on either side", function()
    local z = Tag.query:filter_by{ name = "z" }:one()
    local x = Tag.query:filter_by{ name = "x" }:one()
    assert.same({ 2, 0, 2 }, { #a.tags, #z.posts, #x.posts })
    z.posts = { a, b }
    is(z, "posts", { a, b }, {}, {})
    assert.equal(z, history(a, "tags")[1][1])
    x.posts:remove(a)
    is(x, "posts", {}, { a }, { b })
    assert.equal(x, history(a, "tags")[2][1])
    costs(2, function() db.session:flush() end) -- one DELETE and one INSERT of link rows
    is(z, "posts", {}, {}, { a, b })
  end)
end)
