-- viewonly: a change of such a relationship in memory is never written, and is no change of another object.

local mr = require "moonrow"
local support = require "spec.support.models"
local family = require "spec.support.family"

local db, Parent, Child, parent, child

local function costs(n, fn) return support.costs(db, n, fn) end

local function lists(object, name)
  local h = mr.inspect(object):history(name)
  return { #h.added, #h.deleted, #h.unchanged }
end

-- Declares Parent.seen and Child.seen_by, which show the same as Parent.children and Child.parent.
local function open()
  db, Parent, Child = family.open{
    parent = function(d) return { seen = d.relationship{ "Child", viewonly = true, order_by = "Child.id" } } end,
    child = function(d) return { seen_by = d.relationship{ "Parent", viewonly = true } } end,
  }
end

describe("a viewonly relationship", function()
  before_each(function()
    open()
    parent, child = Parent{}, Child{}
    db.session:add_all{ parent, child }
    db.session:commit()
    assert.same({ 1, 1 }, { parent.id, child.id })
  end)

  local function unchanged()
    assert.equal(0, #db.session.dirty)
    assert.is_false(db.session:is_modified(parent))
    assert.is_false(db.session:is_modified(child))
    costs(0, function() db.session:flush() end)
  end

  it("that is a collection may be changed: its object is not", function()
    parent.seen:append(child)
    assert.same({ 0, 0, 1 }, lists(parent, "seen"))
    unchanged()
    assert.equal(1, #parent.seen)
    parent.seen = {}
    unchanged()
    parent.seen = { child }
    db.session:commit()
    assert.equal(0, #parent.seen)
    assert.is_nil(child.parent_id)
  end)

  it("that is a reference, likewise", function()
    child.seen_by = parent
    assert.equal(parent, child.seen_by)
    assert.same({ 0, 0, 1 }, lists(child, "seen_by"))
    unchanged()
    child.seen_by = nil
    assert.is_nil(child.seen_by)
    child.seen_by = parent
    db.session:rollback()
    assert.is_nil(child.seen_by)
  end)

  it("has no other side and no cascade", function()
    local new = Child{}
    parent.seen:append(new)
    assert.equal("transient", mr.inspect(new).state)
    assert.is_nil(new.seen_by)
    assert.is_nil(new.parent)
    local source = Parent{ id = 1, seen = { new } }
    db.session:merge(source)
    unchanged()
  end)

  it("shows what was written once it is read again", function()
    assert.equal(0, #parent.seen)
    parent.children:append(child)
    db.session:flush()
    assert.equal(0, #parent.seen)
    db.session:commit()
    assert.equal(1, #parent.seen)
    assert.equal(parent, child.seen_by)
  end)

  it("does not stand in the way of other changes", function()
    parent.seen:append(child)
    parent.name = "new"
    assert.same({ parent }, { table.unpack(db.session.dirty) })
    costs(1, function() db.session:flush() end)
    local other = Parent{}
    other.seen:append(child)
    db.session:add(other)
    costs(1, function() db.session:flush() end)
    assert.is_nil(child.parent_id)
  end)
end)

describe("the history of a viewonly relationship", function()
  before_each(function()
    db = mr.open "sqlite://"
    Parent = db.Model:extend("Parent", {
      id = db.Column{ db.Integer, primary_key = true },
      seen = db.relationship{ "Child", viewonly = true },
    })
    Child = db.Model:extend("Child", {
      id = db.Column{ db.Integer, primary_key = true }, parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
      seen_by = db.relationship{ "Parent", viewonly = true },
    })
    db:create_all()
  end)

  it("of a new object shows no addition, transient or pending", function()
    parent, child = Parent{}, Child{}
    for _ = 1, 2 do
      parent.seen = { child }
      child.seen_by = parent
      assert.same({ 0, 0, 1 }, lists(parent, "seen"))
      assert.same({ 0, 0, 1 }, lists(child, "seen_by"))
      db.session:add_all{ parent, child }
    end
    db.session:commit()
    assert.is_nil(child.parent_id)
  end)

  it("of an object whose list was never read shows none either", function()
    parent, child = Parent{}, Child{}
    db.session:add_all{ parent, child }
    db.session:commit()
    db.session:expire(parent)
    parent.seen:append(child)
    assert.same({ 0, 0, 1 }, lists(parent, "seen"))
  end)
end)

describe("merge brings what a viewonly relationship has loaded", function()
  local source, other

  before_each(function()
    open()
    db.session:add(Parent{ children = { Child{}, Child{} } })
    db.session:commit()
    db.session:expunge_all()
    source = db.session:get(Parent, 1)
    other = mr.Session(db.engine)
  end)
  after_each(function() other:close() end)

  local function unchanged()
    assert.same({ 0, 0 }, { #other.new, #other.dirty })
    costs(0, function() other:flush() end)
  end

  it("as a list", function()
    assert.same({ 1, 2 }, { source.seen[1].id, source.seen[2].id })
    for _, load in ipairs{ true, false } do
      db.session:expunge_all()
      other:expunge_all()
      local merged = other:merge(source, { load = load })
      costs(0, function() assert.same({ 1, 2 }, { merged.seen[1].id, merged.seen[2].id }) end)
      assert.equal(other, mr.inspect(merged.seen[1]).session)
      assert.same({ 0, 0, 2 }, lists(merged, "seen"))
      unchanged()
    end
  end)

  it("as a reference", function()
    local kid = source.seen[1]
    assert.equal(source, kid.seen_by)
    db.session:expunge_all()
    local merged = other:merge(kid)
    costs(0, function() assert.equal(1, merged.seen_by.id) end)
    assert.equal(other:get(Parent, 1), merged.seen_by)
    unchanged()
  end)

  it("but not what it has not", function()
    db.session:expunge_all()
    local merged = other:merge(source)
    costs(1, function() assert.equal(2, #merged.seen) end)
  end)

  it("nor new objects in it: they are not written", function()
    local new = Parent{ id = 5, seen = { Child{}, source.seen[1] } }
    local merged = other:merge(new)
    assert.equal(1, #merged.seen)
    other:commit()
    assert.equal(2, other:query(Child):count())
    assert.equal(1, other:get(Child, 1).parent_id)
  end)
end)
