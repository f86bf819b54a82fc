-- populate_existing overwrites a change of an object: what other objects knew because of that change is undone, too.

local blog = require "spec.support.blog"

local m, session, ada, post

before_each(function()
  m = blog.filled()
  session = m.db.session
  ada = m.Category.query:filter_by{ name = "Ada" }:one()
  post = m.Post.query:filter_by{ title = "a" }:one()
end)

local ways = {
  ["session:get"] = function() session:get(m.Post, post.id, { populate_existing = true }) end,
  ["a query"] = function() m.Post.query:populate_existing():all() end,
}

for name, read in pairs(ways) do
  describe("populate_existing of " .. name, function()
    it("takes an object out of the collection that its lost reference had put it into", function()
      session:no_autoflush(function()
        post.category = ada
        read()
        assert.equal("Lua", post.category.name)
        assert.equal(0, #ada.posts)
      end)
    end)

    it("leaves who holds the object to be left when its reference is set", function()
      local lua = m.Category.query:filter_by{ name = "Lua" }:one()
      assert.equal(3, #lua.posts)
      read()
      post.category = ada
      assert.equal(2, #lua.posts)
      assert.equal(1, #ada.posts)
    end)
  end)
end
