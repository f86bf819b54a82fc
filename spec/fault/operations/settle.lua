-- A parent is deleted, and its children change before the flush. Children that moved to another parent stay. A new
-- child of the deleted parent never gets a row. An orphan is deleted, although it has no parent any more. At the end,
-- an object that a rollback removed from the session is added again.

local mr = require "moonrow"

return {
  setup = function()
    local db = mr.open "sqlite://"
    local Parent = db.Model:extend("Parent", {
      id       = db.Column{ db.Integer, primary_key = true },
      children = db.relationship{ "Child", back_populates = "parent", cascade = "all, delete-orphan" },
    })
    local Child = db.Model:extend("Child", {
      id        = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
      parent    = db.relationship{ "Parent", back_populates = "children" },
    })
    db:create_all()
    return { db = db, Parent = Parent, Child = Child }
  end,
  run = function(c)
    local session, Parent, Child = c.db.session, c.Parent, c.Child
    session:rollback()
    for _, old in ipairs(Parent.query:all()) do session:delete(old) end
    session:commit()
    local old, other = Parent{ children = { Child{}, Child{}, Child{} } }, Parent{}
    session:add_all{ old, other }
    session:commit()
    session:no_autoflush(function()
      local moved, added, orphan = old.children[1], old.children[2], old.children[3]
      orphan.parent = nil
      session:delete(old)
      old.children:append(Child{})
      moved.parent = other
      session:add(added)
      added.parent = other
      session:commit()
    end)
    local new = Child{ parent = other }
    session:flush()
    session:rollback()
    assert(#other.children == 2)
    session:add(new)
    session:commit()
  end,
  check = function(c)
    assert(c.Child.query:count() == 3)
    assert(c.Parent.query:count() == 1)
    assert(#c.Parent.query:one().children == 3)
  end,
}
