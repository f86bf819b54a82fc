-- A reference of a child that is eager by its class is not loaded if it leads back to the parent whose collection is
-- being loaded.

local mr = require "moonrow"
local tree = require "spec.support.tree"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function open(collection, reference)
  local db = mr.open "sqlite://"
  local Parent = db.Model:extend("Parent", {
    a = db.Column{ db.Integer, primary_key = true, autoincrement = false },
    b = db.Column{ db.String, primary_key = true },
    children = db.relationship{ "Child", back_populates = "parent", lazy = collection },
  })
  local Child = db.Model:extend("Child", {
    id = db.Column{ db.Integer, primary_key = true },
    parent_a = db.Column{ db.Integer },
    parent_b = db.Column{ db.String },
    friend_id = db.Column{ db.Integer, db.ForeignKey "friend.id" },
    parent = db.relationship{ "Parent", back_populates = "children", lazy = reference },
    friend = db.relationship{ "Friend", lazy = "joined" },
    __table_args = { db.ForeignKeyConstraint({ "parent_a", "parent_b" }, { "parent.a", "parent.b" }) },
  })
  local Friend = db.Model:extend("Friend", { id = db.Column{ db.Integer, primary_key = true } })
  db:create_all()
  local friend = Friend{}
  db.session:add(Parent{ a = 1, b = "x", children = { Child{ friend = friend }, Child{} } })
  db.session:commit()
  db.session:remove()
  return db, Parent, Child
end

describe("the way back from a collection", function()
  for _, reference in ipairs{ "joined", "selectin", "subquery", "immediate" } do
    for _, collection in ipairs{ "select", "immediate", "selectin", "subquery", "joined" } do
      it(("of lazy = %q is not loaded by a reference of lazy = %q"):format(collection, reference), function()
        local db, Parent = open(collection, reference)
        local parent
        local texts = support.statements(db, function()
          parent = db.session:query(Parent):one()
          assert.equal(2, #parent.children)
          local friends = 0
          for _, child in ipairs(parent.children) do
            assert.is_true(rawequal(parent, child.parent))
            if child.friend then friends = friends + 1 end
          end
          assert.equal(1, friends)
        end)
        assert.equal(collection == "joined" and 1 or 2, #texts)
        local last = texts[#texts]
        assert.truthy(last:find("friend_1", 1, true))
        assert.is_nil(last:find("JOIN parent", 1, true))
      end)
    end
  end

  it("is loaded when the children are asked for themselves, or an option says so", function()
    local db, Parent, Child = open("select", "joined")
    local texts = support.statements(db, function()
      for _, child in ipairs(db.session:query(Child):all()) do assert.equal("x", child.parent.b) end
    end)
    assert.equal(1, #texts)
    assert.truthy(texts[1]:find("JOIN parent", 1, true))
    db.session:expunge_all()
    texts = support.statements(db, function()
      local parent = db.session:query(Parent):options(mr.defaultload(Parent.children):joinedload(Child.parent)):one()
      assert.equal(2, #parent.children)
    end)
    assert.truthy(texts[2]:find("JOIN parent", 1, true))
    db.session:expunge_all()
    local parent = db.session:query(Parent):options(mr.lazyload(Parent.children):raiseload "*"):one()
    refuse("InvalidRequestError", { "Child.parent" }, function() return parent.children[1].parent end)
  end)

  it("is followed lazily by a child that belongs to another object by then", function()
    local db, Parent, Child = open("select", "joined")
    db.session:add(Parent{ a = 2, b = "y" })
    db.session:commit()
    local child = db.session:get(Parent, { 1, "x" }).children[1]
    child.parent_a, child.parent_b = 2, "y"
    db.session:commit()
    assert.equal("y", child.parent.b)
    assert.equal("y", db.session:query(Child):filter_by{ id = child.id }:populate_existing():one().parent.b)
  end)

  it("of a tree ends at the object that is asked", function()
    local db, Node = tree{ backref = mr.backref{ "parent", remote_side = "Node.id", lazy = "joined" } }
    db.session:add(Node{ name = "r", children = { Node{ name = "a" }, Node{ name = "b" } } })
    db.session:commit()
    db.session:remove()
    local root = db.session:query(Node):filter_by{ name = "r" }:one()
    local texts = support.statements(db, function()
      assert.equal(2, #root.children)
      assert.is_true(rawequal(root, root.children[1].parent))
    end)
    assert.equal(1, #texts)
    assert.is_nil(texts[1]:find("JOIN", 1, true))
  end)

  it("of what is no key is joined as ever", function()
    local db = mr.open "sqlite://"
    local A = db.Model:extend("A", {
      id = db.Column{ db.Integer, primary_key = true },
      code = db.Column{ db.String, unique = true },
      bs = db.relationship{ "B", back_populates = "a" },
    })
    local B = db.Model:extend("B", {
      id = db.Column{ db.Integer, primary_key = true },
      code = db.Column{ db.String, db.ForeignKey "a.code" },
      a = db.relationship{ "A", back_populates = "bs", lazy = "joined" },
    })
    db:create_all()
    db.session:add(A{ code = "q", bs = { B{} } })
    db.session:commit()
    db.session:remove()
    local a = db.session:query(A):one()
    local texts = support.statements(db, function() assert.is_true(rawequal(a, a.bs[1].a)) end)
    assert.equal(1, #texts)
  end)
end)
