-- Listeners of before_insert and the like: what they see of an object, and the effect of what they set.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, Parent, Child, seen

before_each(function()
  db, seen = mr.open "sqlite://", {}
  Parent = db.Model:extend("Parent", {
    id = db.Column{ db.Integer, primary_key = true },
    children = db.relationship{ "Child", backref = "parent" },
  })
  Child = db.Model:extend("Child", {
    id        = db.Column{ db.Integer, primary_key = true },
    name      = db.Column{ db.String(20) },
    parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
    version   = db.Column{ db.Integer },
    kind      = db.Column{ db.String(20), default = "plain" },
    changes   = db.Column{ db.Integer, onupdate = function() return 7 end },
    __mapper_args = { version_id_col = "version" },
  })
  db:create_all()
end)

local function watch(event, fn)
  mr.event.listen(Child, event, function(_, _, child)
    seen[#seen + 1] = ("%s %s %s %s %s"):format(event, tostring(child.parent_id), tostring(child.version),
      tostring(child.kind), tostring(child.changes))
    if fn then fn(child) end
  end)
end

local function flushed()
  seen = {}
  db.session:flush()
  return seen
end

describe("a hook", function()
  it("of a new row sees the key of its parent before, and all of the row after", function()
    watch "before_insert" watch "after_insert"
    db.session:add(Parent{ children = { Child{} } })
    assert.same({ "before_insert 1 nil nil nil", "after_insert 1 1 plain nil" }, flushed())
  end)

  it("of a changed row sees the foreign key before, the version and onupdate after", function()
    watch "before_update" watch "after_update"
    local one, two = Parent{ children = { Child{} } }, Parent{}
    db.session:add_all{ one, two }
    db.session:flush()
    local child = one.children[1]
    child.parent = two
    assert.same({ "before_update 2 1 plain nil", "after_update 2 2 plain 7" }, flushed())
    assert.same({ 2, 2, 7 }, { child.parent_id, child.version, child.changes })
    db.session:delete(two)
    assert.same({ "before_update nil 2 plain 7", "after_update nil 3 plain 7" }, flushed())
  end)

  it("that fails leaves the object as it was", function()
    local mine = {}
    local parent, fail = Parent{ children = { Child{} } }, true
    db.session:add_all{ parent, Parent{} }
    db.session:commit()
    local child = parent.children[1]
    assert.equal(1, child.version)
    mr.event.listen(Child, "after_update", function() if fail then error(mine) end end)
    child.parent = Parent.query:get(2)
    local ok, e = pcall(db.session.flush, db.session)
    assert.is_false(ok)
    assert.equal(mine, e)
    refuse("PendingRollbackError", "rolled back", db.session.flush, db.session)
    db.session:rollback()
    assert.same({ 1, 1, nil }, { child.parent_id, child.version, child.changes })
    fail = false
    child.parent = Parent.query:get(2)
    db.session:commit()
    assert.same({ 2, 2, 7 }, { child.parent_id, child.version, child.changes })
  end)

  it("may set a column that it was lent: before, that is written; after, it is a change", function()
    local parent = Parent{ children = { Child{} } }
    db.session:add_all{ parent, Parent{} }
    db.session:commit()
    local child = parent.children[1]
    watch("before_update", function(c) c.changes = 50 end)
    watch("after_update", function(c)
      c.kind = c.kind .. "!"
      if c.version == 2 then c.parent_id = nil end
    end)
    child.parent = Parent.query:get(2)
    assert.same({ "before_update 2 1 plain nil", "after_update 2 2 plain 50" }, flushed())
    assert.same({ nil, "plain!", 50 }, { child.parent_id, child.kind, child.changes })
    assert.same({ 2 }, mr.inspect(child):history "parent_id".deleted)
    -- Setting 50 was no change.
    assert.same({ "before_update nil 2 plain! 50", "after_update nil 3 plain! 7" }, flushed())
  end)
end)
