-- Objects that a rollback has put out of the session keep their references. When such an object is added again, the
-- objects that it refers to have it again, without a read.

local mr = require "moonrow"
local support = require "spec.support.models"

local db, s, Parent, Child, Tag

local state = support.state
local function id() return db.Column{ db.Integer, primary_key = true } end
local function to(column) return db.Column{ db.Integer, db.ForeignKey(column) } end

before_each(function()
  db = mr.open "sqlite://"
  s = db.session
  Parent = db.Model:extend("Parent", {
    id = id(), children = db.relationship{ "Child", back_populates = "parent", order_by = "Child.id" },
    only = db.relationship{ "Only", back_populates = "parent", uselist = false },
  })
  local link = db.Table("child_tag", db.Column{ "child_id", db.Integer, db.ForeignKey "child.id" },
                        db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id" })
  Child = db.Model:extend("Child", {
    id = id(), parent_id = to "parent.id",
    parent = db.relationship{ "Parent", back_populates = "children" },
    tags = db.relationship{ "Tag", secondary = link, back_populates = "children" },
    toys = db.relationship{ "Toy", back_populates = "child" },
  })
  Tag = db.Model:extend("Tag", { id = id(), children = db.relationship{ "Child", secondary = link,
                                                                        back_populates = "tags" } })
  db:create_all()
end)

-- Further classes of the same registry.
local Only, Toy
before_each(function()
  Only = db.Model:extend("Only", { id = id(), parent_id = to "parent.id",
                                   parent = db.relationship{ "Parent", back_populates = "only" } })
  Toy = db.Model:extend("Toy", { id = id(), child_id = to "child.id",
                                 child = db.relationship{ "Child", back_populates = "toys" } })
  db:create_all()
end)

-- Adds the objects and commits. Returns them.
local function saved(...)
  s:add_all{ ... }
  s:commit()
  return ...
end

-- Flushes, so that new objects have rows, and rolls back. Returns its arguments.
local function rolled_back(...)
  s:flush()
  s:rollback()
  return ...
end

describe("an object that a rollback has made transient, and that is added again,", function()
  it("is in the lists of its parent at once, and after the flush", function()
    local parent = saved(Parent{})
    local child = rolled_back(Child{ parent = parent })
    assert.equal("transient", state(child))
    assert.equal(parent, child.parent)
    assert.equal(0, #parent.children)
    s:add(child)
    assert.equal(1, #parent.children)
    assert.equal(child, parent.children[1])
    s:flush()
    assert.equal(child, parent.children[1])
    assert.equal(1, #parent.children)
    s:commit()
    assert.equal(1, #parent.children)
  end)

  it("is so after the rollback of a savepoint, and by a cascade", function()
    local parent = saved(Parent{})
    local savepoint = s:begin_nested()
    local child, toy = Child{ parent = parent }, Toy{}
    s:flush()
    savepoint:rollback()
    assert.equal(0, #parent.children)
    toy.child = child
    s:add(toy)
    assert.equal("pending", state(child))
    assert.equal(child, parent.children[1])
    s:commit()
    assert.equal(child, parent.children[1])
    assert.equal(child, toy.child)
  end)

  it("is the parent of what it holds again, unless that has another by now", function()
    local one, two, other = saved(Toy{}, Toy{}, Child{})
    local child = Child{ toys = { one, two } }
    s:add(child)
    rolled_back()
    assert.is_nil(one.child)
    assert.is_nil(two.child)
    two.child = other
    s:add(child)
    assert.equal(child, one.child)
    assert.equal(other, two.child)
    s:commit()
    assert.same({ child, other }, { one.child, two.child })
  end)

  it("is in the lists at the other end of a many-to-many", function()
    local tag = saved(Tag{})
    local child = Child{ tags = { tag } }
    s:add(child)
    rolled_back()
    assert.equal(0, #tag.children)
    s:add(child)
    assert.equal(child, tag.children[1])
    s:flush()
    assert.equal(1, #tag.children)
    s:commit()
    assert.equal(1, #tag.children)
    assert.equal(1, #child.tags)
  end)

  it("is the only one of its parent", function()
    local parent = saved(Parent{})
    local only = rolled_back(Only{ parent = parent })
    assert.is_nil(parent.only)
    s:add(only)
    assert.equal(only, parent.only)
    s:commit()
    assert.equal(only, parent.only)
  end)

  it("leaves a parent alone whose list nobody has read", function()
    local parent = saved(Parent{})
    local child = rolled_back(Child{ parent = parent })
    assert.same({}, db:record(function() s:add(child) end))
    assert.equal(1, #db:record(function() s:flush() end)) -- the INSERT of the child
    assert.equal(child, parent.children[1])
  end)

  it("is in the list that nobody has read, when it is read without a flush", function()
    local parent, tag = saved(Parent{}, Tag{})
    local child = rolled_back(Child{ parent = parent, tags = { tag } })
    s:no_autoflush(function()
      s:add(child)
      assert.equal(child, parent.children[1])
      assert.equal(child, tag.children[1])
    end)
    s:flush()
    assert.equal(1, #parent.children)
    assert.equal(1, #tag.children)
  end)

  it("is there once where it is given again to what it refers to", function()
    local parent, other, tag = Parent{}, Child{}, Tag{}
    parent.children:append(other)
    s:add_all{ parent, tag }
    s:commit()
    for _, flushed in ipairs{ true, false } do
      local child = Child{ tags = { tag } }
      parent.children:append(child)
      if flushed then s:flush() end
      s:rollback()
      assert.equal(1, #parent.children)
      assert.equal(0, #tag.children)
      parent.children:insert(1, child)
      assert.equal(2, #parent.children)
      assert.equal(child, parent.children[1])
      assert.equal(1, #tag.children)
      s:flush()
      assert.equal(2, #parent.children)
      s:rollback()
      -- Another child has its place in the list.
      parent.children[1] = child
      assert.equal(1, #parent.children)
      s:rollback()
      parent.children = { child, other }
      assert.equal(2, #parent.children)
      s:rollback()
    end
  end)

  it("is where it was, though it was never flushed", function()
    local parent, tag = saved(Parent{}, Tag{})
    local child = Child{ parent = parent, tags = { tag }, toys = { Toy{} } }
    assert.equal("pending", state(child))
    s:rollback()
    assert.equal(0, #parent.children)
    assert.equal(0, #tag.children)
    s:add(child)
    assert.equal(child, parent.children[1])
    assert.equal(child, tag.children[1])
    s:flush()
    assert.equal(1, #parent.children)
    assert.equal(1, #tag.children)
    assert.equal(child, child.toys[1].child)
  end)

  it("is held again by what it holds, which had forgotten it in the transaction", function()
    for _, flushed in ipairs{ true, false } do
      local first, second = Parent{}, Parent{}
      local tag, child = Tag{}, Child{}
      first.children:append(child)
      tag.children:append(child)
      s:no_autoflush(function()
        s:add_all{ first, tag }
        local savepoint = s:begin_nested()
        second.children:append(child)
        if flushed then s:flush() end
        savepoint:rollback()
        s:rollback()
        assert.equal("transient", state(child))
        s:add_all{ tag, second }
      end)
      assert.equal(child, tag.children[1])
      assert.equal(tag, child.tags[1])
      assert.equal(child, second.children[1])
      assert.equal(second, child.parent)
      s:commit()
      assert.equal(1, #child.tags)
      assert.equal(second, child.parent)
      s:expire_all()
      assert.equal(tag, child.tags[1])
      assert.equal(second, child.parent)
    end
  end)

  it("lets go of what has another by now, also where it is added again by that", function()
    local child, tag = saved(Child{}), Tag{}
    for _, by_itself in ipairs{ true, false } do
      local old, new = Parent{}, Parent{}
      local other = Child{ tags = { tag }, parent = new }
      tag.children:append(Child{ parent = old })
      child.parent = old
      rolled_back()
      assert.equal(child, old.children[#old.children])
      s:no_autoflush(function()
        if by_itself then
          child.parent = new
          s:add(old)
        else
          child.parent = new -- the cascade adds new, then its child, the tag, the tag's other child, and so old
        end
        assert.equal("pending", state(old))
        assert.is_false(old.children:contains(child))
        assert.is_true(new.children:contains(child))
        s:flush()
      end)
      assert.equal(new, child.parent)
      assert.equal(new.id, child.parent_id)
      assert.is_false(old.children:contains(child))
      s:rollback()
      tag.children = {}
      assert.is_false(other.tags:contains(tag))
    end
  end)

  it("has what it took from another, though it was never flushed", function()
    local old, child = Parent{}, Child{}
    old.children:append(child)
    s:add(old)
    s:commit()
    local new = Parent{ children = { child } }
    assert.equal("pending", state(new))
    s:rollback()
    assert.equal(old, child.parent)
    s:add(new)
    assert.equal(new, child.parent)
    assert.equal(0, #old.children)
    s:flush()
    assert.equal(new, child.parent)
    assert.equal(new.id, child.parent_id)
  end)

  it("is not shown where it is not added", function()
    local parent = saved(Parent{})
    local child = rolled_back(Child{ parent = parent })
    assert.equal(0, #parent.children)
    child.parent = nil
    s:add(child)
    assert.equal(0, #parent.children)
    s:commit()
    assert.is_nil(child.parent_id)
  end)

  it("goes out of the lists again with the next rollback", function()
    local parent = saved(Parent{})
    local child = Child{ parent = parent }
    for _ = 1, 3 do
      s:flush()
      assert.equal(child, parent.children[1])
      s:rollback()
      assert.equal(0, #parent.children)
      s:add(child)
      assert.equal(1, #parent.children)
    end
    s:commit()
    assert.equal(1, Child.query:count())
  end)
end)
