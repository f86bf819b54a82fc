-- A child that has expired by itself: it moves from the loaded collection of its old parent to a new one without a
-- statement.

local blog = require "spec.support.blog"
local support = require "spec.support.models"

local m, db, Category

local function take(opened)
  m = opened
  db, Category = m.db, m.Category
end

local function costs(n, fn) return support.costs(db, n, fn) end

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

-- A relationship that deletes orphans: although the new parent is noted, the old one must be found.
for _, scalar in ipairs{ true, false } do
  local kind = scalar and "reference" or "list"
  describe(("an object that has expired alone, of a %s that deletes orphans,"):format(kind), function()
    local mr = require "moonrow"
    local s, A, B, old, new, child

    before_each(function()
      db = mr.open "sqlite://"
      A = db.Model:extend("A", {
        id = db.Column{ db.Integer, primary_key = true },
        held = db.relationship{ "B", uselist = not scalar, back_populates = "a", cascade = "all, delete-orphan" },
      })
      B = db.Model:extend("B", {
        id   = db.Column{ db.Integer, primary_key = true },
        a_id = db.Column{ db.Integer, db.ForeignKey "a.id" },
        a    = db.relationship{ "A", back_populates = "held" },
      })
      db:create_all()
      s = mr.Session(db.engine, { autoflush = false, expire_on_commit = false })
      child = B{}
      old, new = A{ held = scalar and child or { child } }, A{}
      s:add_all{ old, new }
      s:commit()
    end)
    after_each(function() s:close() end)

    local function holds(a)
      if scalar then return a.held == child end
      return a.held:contains(child)
    end

    local ways = {
      ["its parent's side"] = function() if scalar then new.held = child else new.held:append(child) end end,
      ["its parent's side, as a whole"] = function() new.held = scalar and child or { child } end,
      ["its own"] = function() child.a = new end,
    }
    for way, give in pairs(ways) do
      it("leaves the old parent for a new one, given by " .. way, function()
        assert.is_true(holds(old))
        assert.is_false(holds(new))
        for _, names in ipairs{ false, { "a", "a_id" } } do
          s:expire(child, names or nil)
          give()
          assert.is_false(holds(old))
          assert.is_true(holds(new))
          s:flush()
          assert.is_false(holds(old))
          assert.equal(new, child.a)
          s:delete(old)
          s:commit()
          assert.equal(new.id, s:execute(mr.text "SELECT a_id FROM b"):scalar())
          old, new = new, A{}
          s:add(new)
          s:commit()
          assert.is_false(holds(new))
        end
      end)
    end

    it("takes the place of another in the new one's list", function()
      if scalar then return end
      new.held:append(B{})
      s:commit()
      s:expire(child)
      new.held[1] = child
      assert.is_false(holds(old))
      s:commit()
      assert.equal(1, s:query(B):count())
    end)
  end)
end
