-- Orphans in less common cases: one to one, where the parent's side is not in memory; new children of a deleted parent;
-- and passive_deletes = "all".

local mr = require "moonrow"
local support = require "spec.support.models"

local db, s, Parent, Child

local state = support.state
local function rows()
  local out = {}
  for row in s:execute(mr.text "SELECT id, parent_id FROM child ORDER BY id"):iter() do
    out[#out + 1] = ("%d:%s"):format(row[1], row[2] or "nil")
  end
  return table.concat(out, " ")
end

-- options: list, nullable, alone (no backref), and options of the relationship.
local function open(o)
  db = mr.open "sqlite://"
  s = db.session
  Parent = db.Model:extend("Parent", {
    id  = db.Column{ db.Integer, primary_key = true },
    kid = db.relationship{ "Child", cascade = o.cascade or "all, delete-orphan", uselist = o.list or false,
                           lazy = o.lazy, passive_deletes = o.passive_deletes,
                           back_populates = not o.alone and "parent" or nil },
  })
  Child = db.Model:extend("Child", {
    id        = db.Column{ db.Integer, primary_key = true },
    parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id", nullable = o.nullable },
    parent    = not o.alone and db.relationship{ "Parent", back_populates = "kid" } or nil,
  })
  db:create_all()
end

-- Makes n committed parents with a child each; the session is empty.
local function fill(n, list)
  for _ = 1, n do s:add(Parent{ kid = list and { Child{} } or Child{} }) end
  s:commit()
  s:expunge_all()
end

for _, nullable in ipairs{ true, false } do
  describe("an only child whose foreign key " .. (nullable and "may" or "must not") .. " be NULL", function()
    before_each(function()
      open{ nullable = nullable }
      fill(2)
    end)

    it("is deleted when its parent is taken away, though no parent is in memory", function()
      local child = s:get(Child, 1)
      child.parent = nil
      s:flush()
      assert.equal("deleted", state(child))
      assert.equal("2:2", rows())
    end)

    it("is deleted when its parent's side is not loaded", function()
      local parent, child = s:get(Parent, 1), s:get(Child, 1)
      child.parent = nil
      s:flush()
      assert.equal("2:2", rows())
      assert.is_nil(parent.kid)
    end)

    it("is deleted when it has expired itself", function()
      local child = s:get(Child, 1)
      s:commit()
      child.parent = nil
      local texts = support.statements(db, function() s:flush() end)
      assert.equal(2, #texts) -- the first reads the foreign key
      assert.matches("^DELETE", texts[2])
      assert.equal("2:2", rows())
    end)

    it("is deleted when another takes its place, from either side", function()
      local one, two = s:get(Child, 1), s:get(Child, 2)
      s:commit()
      one.parent = s:get(Parent, 2)
      s:commit()
      assert.equal("detached", state(two))
      assert.equal("1:2", rows())
      local parent, new = s:get(Parent, 2), Child{}
      s:commit()
      parent.kid = new
      s:commit()
      assert.equal(new.id .. ":2", rows())
      assert.equal("detached", state(one))
      s:commit()
      s:add(Child{ parent = parent })
      s:commit()
      assert.equal("detached", state(new))
      assert.equal(1, Child.query:count())
    end)

    it("stays when it is given another parent before the flush", function()
      s:no_autoflush(function()
        local child, other = s:get(Child, 1), s:get(Parent, 2)
        s:delete(s:get(Child, 2))
        child.parent = nil
        child.parent = other
        s:flush()
      end)
      assert.equal("1:2", rows())
    end)

    it("stays when its parent is put back", function()
      local child = s:get(Child, 1)
      local parent = child.parent
      child.parent = nil
      child.parent = parent
      s:commit()
      assert.equal("1:1 2:2", rows())
    end)

    it("comes back with a rollback", function()
      local child = s:get(Child, 1)
      child.parent = nil
      s:flush()
      s:rollback()
      assert.equal("persistent", state(child))
      assert.equal("1:1 2:2", rows())
      assert.equal(1, child.parent.id)
    end)
  end)
end

describe("an only child that never had a parent", function()
  it("is no orphan", function()
    open{}
    local child, parent = Child{}, Parent{}
    s:add_all{ child, parent }
    s:commit()
    child.parent = parent
    child.parent = nil
    s:commit()
    assert.equal("1:nil", rows())
    child.parent = nil
    s:commit()
    assert.equal("1:nil", rows())
  end)

  it("may have its foreign key cleared by hand: no relationship has lost it", function()
    open{}
    fill(1)
    s:get(Child, 1).parent_id = mr.null
    s:commit()
    assert.equal("1:nil", rows())
  end)
end)

describe("the parent's side of an only child", function()
  for _, lazy in ipairs{ "raise", "raise_on_sql" } do
    it(("is known where it is replaced, whatever its loading (%s)"):format(lazy), function()
      open{ lazy = lazy, nullable = false }
      fill(1)
      s:add(Child{ parent = s:get(Parent, 1) })
      s:commit()
      assert.equal("2:1", rows())
    end)
  end
end)

describe("a child of a list that deletes orphans", function()
  it("is deleted when its parent is taken away, though no parent is in memory", function()
    open{ list = true, nullable = false }
    fill(2, true)
    s:get(Child, 1).parent = nil
    s:commit()
    assert.equal("2:2", rows())
  end)

  for _, alone in ipairs{ false, true } do
    for _, list in ipairs{ true, false } do
      local title = (" (%s, %s)"):format(list and "a list" or "a scalar", alone and "alone" or "with a backref")

      local function give(parent, child)
        if list then parent.kid:append(child) else parent.kid = child end
      end

      it("is never inserted when its parent goes in the same flush" .. title, function()
        open{ list = list, alone = alone, nullable = false }
        fill(1, list)
        local parent = s:get(Parent, 1)
        for _, first in ipairs{ true, false } do
          local new = Child{}
          s:no_autoflush(function()
            if first then give(parent, new) end
            s:delete(parent)
            if not first then give(parent, new) end
            assert.equal("pending", state(new))
            local texts = support.statements(db, function() s:flush() end)
            for _, text in ipairs(texts) do assert.not_matches("^INSERT", text) end
          end)
          assert.equal("transient", state(new))
          assert.equal(0, #s.new)
          assert.equal("", rows())
          s:rollback()
          assert.equal("1:1", rows())
          s:expire(parent)
        end
      end)

      it("is inserted when it was given to another parent in time" .. title, function()
        open{ list = list, alone = alone, nullable = false }
        fill(1, list)
        local parent, other, new = s:get(Parent, 1), Parent{}, Child{}
        s:add(other)
        s:no_autoflush(function()
          give(parent, new)
          s:delete(parent)
          give(other, new)
          s:commit()
        end)
        assert.equal("persistent", state(new))
        assert.equal(("%d:%d"):format(new.id, other.id), rows())
      end)
    end
  end

  it("stays pending when that flush fails before its first statement", function()
    open{ list = true }
    fill(1, true)
    local parent, new = s:get(Parent, 1), Child{}
    parent.kid:append(new)
    local bad = Child{ id = 5 }
    s:add(bad)
    mr.event.listen(Child, "before_insert", function(_, _, target) if target.id == 5 then error "no" end end)
    s:no_autoflush(function()
      s:delete(parent)
      assert.is_false(pcall(s.flush, s))
      assert.equal("pending", state(new))
      s:add(parent)
      s:expunge(bad)
      s:commit()
    end)
    assert.equal("1:1 2:1", rows())
  end)
end)

for _, alone in ipairs{ false, true } do
  describe('a child of passive_deletes = "all"' .. (alone and "" or " with a backref"), function()
    local function opened(list)
      open{ list = list, alone = alone, cascade = "save-update, merge", passive_deletes = "all" }
      fill(2, list)
      return s:get(Parent, 1), s:get(Child, 1)
    end

    it("keeps its foreign key when it is removed", function()
      local parent, child = opened(true)
      parent.kid:remove(child)
      assert.equal(0, #parent.kid)
      if not alone then assert.is_nil(child.parent) end
      assert.same({}, support.statements(db, function() s:flush() end))
      assert.equal("1:1 2:2", rows())
      s:commit()
      assert.equal(child, parent.kid[1])
      if not alone then assert.equal(parent, child.parent) end
      parent.kid = {}
      s:commit()
      assert.equal("1:1 2:2", rows())
    end)

    it("keeps it when it is replaced", function()
      local parent = opened(false)
      parent.kid = nil
      s:commit()
      assert.equal("1:1 2:2", rows())
      parent.kid = Child{}
      s:commit()
      assert.equal("1:1 2:2 3:1", rows())
    end)

    it("follows another parent that it is given", function()
      local parent, child = opened(true)
      parent.kid:remove(child)
      s:get(Parent, 2).kid:append(child)
      s:commit()
      assert.equal("1:2 2:2", rows())
    end)

    it("keeps nothing that it never had", function()
      local parent = opened(true)
      local new = Child{}
      parent.kid:append(new)
      parent.kid:remove(new)
      s:commit()
      assert.equal("1:1 2:2 3:nil", rows())
    end)

    if not alone then
      it("loses it by its own side", function()
        local _, child = opened(true)
        child.parent = nil
        s:commit()
        assert.equal("1:nil 2:2", rows())
      end)
    end
  end)
end
