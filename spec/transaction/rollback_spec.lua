-- A rollback gives objects that it makes transient their values and collections back.

local tree = require "spec.support.tree"
local blog = require "spec.support.blog"
local support = require "spec.support.models"

describe("a collection that was not read before a rollback", function()
  it("is read, when its object has a row again and is deleted", function()
    local db, Node = tree()
    local parent, child = Node{ name = "parent" }, Node{ name = "child" }
    db.session:add(parent)
    db.session:flush()
    child.parent = parent
    db.session:flush()
    db.session:rollback()
    db.session:add(child)
    db.session:flush()
    assert.equal(parent.id, child.parent_id)
    db.session:delete(parent)
    db.session:commit()
    assert.is_nil(child.parent_id)
    assert.equal(1, Node.query:count())
  end)
end)

local m, db, Category

local function take(opened)
  m = opened
  db, Category = m.db, m.Category
end

local state = support.state

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
