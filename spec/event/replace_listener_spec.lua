-- Replacing an item of a list, while listeners change the list.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"

local m, category, new

local function titles() return support.words(category.posts, "title") end

before_each(function()
  m = blog.filled()
  category = m.Category.query:filter_by{ name = "Lua" }:one()
  new = m.Post{ title = "new" }
  assert.equal("a b c", titles())
end)

local function listen_once(event, fn)
  mr.event.listen(m.Category.posts, event, fn, { once = true })
end

describe("replacing an item", function()
  it("replaces the one that was meant where a listener of append removes another before it", function()
    local first, second = category.posts[1], category.posts[2]
    listen_once("append", function() category.posts:remove(first) end)
    category.posts[2] = new
    assert.equal("new c", titles())
    assert.is_nil(second.category)
    assert.equal(category, new.category)
    m.db.session:commit()
    assert.equal("c new", titles()) -- in the order of the rows
  end)

  it("puts the new one in the place of what a listener of remove has removed itself", function()
    local second = category.posts[2]
    listen_once("remove", function() category.posts:remove(second) end)
    category.posts[2] = new
    assert.equal("a new c", titles())
    assert.is_nil(second.category)
    assert.equal(category, new.category)
  end)
end)
