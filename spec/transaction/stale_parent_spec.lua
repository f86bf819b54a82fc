-- Another connection has committed: unchanged objects are read again, changed ones keep their changes. An expired child
-- still leaves the collection of a parent that was kept.

local mr = require "moonrow"
local support = require "spec.support.models"
local family = require "spec.support.family"

local path, db, Parent, Child
local old, new, child

local function costs(n, fn) return support.costs(db, n, fn) end

local function open(options)
  db, Parent, Child = family.open{ url = "sqlite:///" .. path, children = { uselist = options.uselist } }
  local one = Child{ name = "one" }
  local children = options.uselist == false and one or { one, Child{ name = "two" } }
  db.session:add_all{ Parent{ name = "old", children = children }, Parent{ name = "new" } }
  db.session:commit()
  db.session:remove()
  old, new = db.session:get(Parent, 1), db.session:get(Parent, 2)
  child = options.uselist == false and old.children or old.children[1]
  assert.equal("one", child.name)
end

local function commit_elsewhere() support.elsewhere(db, "UPDATE child SET name = 'elsewhere' WHERE id = 1") end

-- Two ways in which the first write of the transaction notices the other commit.
local writes = {
  ["by a flush of the parent"] = function()
    old.name = "OLD"
    commit_elsewhere()
    db.session:flush()
  end,
  ["by a statement, the parent changed and not flushed"] = function()
    commit_elsewhere()
    db.session:no_autoflush(function(session)
      old.name = "OLD"
      session:execute(mr.text "UPDATE parent SET name = 'n' WHERE id = 2")
    end)
  end,
}

for how, write in pairs(writes) do
  describe("a child that has expired " .. how, function()
    before_each(function() path = os.tmpname() end)
    after_each(function()
      db.session:remove()
      os.remove(path)
    end)

    local function expired()
      write()
      assert.same({}, { table.unpack(mr.inspect(child).loaded) })
      assert.equal("OLD", old.name)
    end

    it("leaves the parent's loaded collection for a new parent, and loads nothing", function()
      open{}
      db.session:no_autoflush(function()
        expired()
        costs(0, function()
          child.parent = new
          assert.equal(1, #old.children)
          assert.is_false(old.children:contains(child))
        end)
      end)
      db.session:commit()
      assert.equal("elsewhere", child.name)
      assert.equal(1, #old.children)
      assert.equal(1, #new.children)
    end)

    it("leaves it for none", function()
      open{}
      db.session:no_autoflush(function()
        expired()
        costs(0, function() child.parent = nil end)
        assert.equal(1, #old.children)
      end)
      db.session:commit()
      assert.is_nil(child.parent_id)
      assert.equal(1, #old.children)
    end)

    it("leaves it for a new parent's collection", function()
      open{}
      db.session:no_autoflush(function()
        expired()
        new.children:append(child)
        assert.equal(1, #old.children)
        assert.equal(new, child.parent)
      end)
      db.session:commit()
      assert.equal(1, #old.children)
      assert.equal(1, #new.children)
    end)

    it("leaves the parent of a one-to-one", function()
      open{ uselist = false }
      db.session:no_autoflush(function()
        expired()
        child.parent = nil
        assert.is_nil(old.children)
      end)
      db.session:commit()
      assert.is_nil(child.parent_id)
    end)
  end)
end
