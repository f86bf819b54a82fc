-- A child that has expired alone: it leaves the loaded collection of its old parent for a new one, without a statement.

local blog = require "spec.support.blog"
local support = require "spec.support.models"

local m, db, Category

local function take(opened)
  m = opened
  db, Category = m.db, m.Category
end

local function costs(n, fn)
  local texts = support.statements(db, fn)
  assert(n == #texts, ("%d statements, not %d:\n%s"):format(#texts, n, table.concat(texts, "\n")))
  return texts
end

local function category(name) return Category.query:filter_by{ name = name }:one() end

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
