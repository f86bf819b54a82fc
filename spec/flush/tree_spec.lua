-- The flush of a table that refers to itself: its statements, their order and number.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local tree = require "spec.support.tree"

local db

local function records(n, fn) return support.records(db, n, fn) end
local function writes(fn) return support.writes(db, fn) end

describe("rows of one self-referential table", function()
  local Node

  before_each(function() db, Node = tree() end)

  it("unlinked rows insert in the order they were added, in one batch", function()
    local list = {}
    for i = 1, 10 do list[i] = Node{ name = tostring(i) } end
    db.session:add_all(list)
    assert.same({ "INSERT node x10" }, writes())
    for i = 1, 10 do assert.equal(i, list[i].id) end
  end)

  it("a tree inserts level by level", function()
    local root = Node{ name = "root" }
    for i = 1, 3 do
      local child = Node{ name = "c" .. i }
      root.children:append(child)
      for j = 1, 2 do child.children:append(Node{ name = ("g%d%d"):format(i, j) }) end
    end
    db.session:add(root)
    local list = records(3, function() db.session:flush() end)
    assert.equal("root", list[1].parameters[1])
    assert.equal(3, #list[2].parameters)
    assert.equal(6, #list[3].parameters)
    for _, child in ipairs(root.children) do
      assert.equal(root.id, child.parent_id)
      for _, grandchild in ipairs(child.children) do assert.equal(child.id, grandchild.parent_id) end
    end
  end)

  it('lazy = "raise" never disturbs a flush', function()
    db, Node = tree{ lazy = "raise", cascade = "all",
      backref = mr.backref{ "parent", remote_side = "Node.id", lazy = "raise" } }
    local root = Node{ name = "root" }
    root.children:append(Node{ name = "leaf" })
    db.session:add(root)
    db.session:commit()
    db.session:remove()
    root = Node.query:filter_by{ name = "root" }:one()
    local leaf = Node.query:filter_by{ name = "leaf" }:one()
    refuse("InvalidRequestError", "children", function() return root.children end)
    leaf.parent = nil
    db.session:commit()
    leaf.parent = root
    db.session:commit()
    db.session:delete(root)
    db.session:commit()
    assert.equal(0, Node.query:count())

    db, Node = tree{ lazy = "raise" } -- there is no delete cascade
    db.session:add(Node{ name = "root", children = { Node{ name = "leaf" } } })
    db.session:commit()
    db.session:remove()
    db.session:delete(Node.query:filter_by{ name = "root" }:one())
    db.session:commit()
    assert.is_nil(Node.query:one().parent_id)
  end)

  it("deletes the leaves first", function()
    db, Node = tree{ cascade = "all" }
    local root = Node{ name = "root", children = { Node{ name = "a", children = { Node{ name = "b" } } } } }
    db.session:add(root)
    db.session:commit()
    db.session:delete(root)
    db.session:commit()
    assert.equal(0, Node.query:count())
    assert.equal("detached", mr.inspect(root).state)
  end)

  it("moves a branch", function()
    local a, b = Node{ name = "a" }, Node{ name = "b" }
    local leaf = Node{ name = "leaf", parent = a }
    db.session:add_all{ a, b, leaf }
    db.session:commit()
    leaf.parent = b
    db.session:commit()
    assert.equal(0, #a.children)
    assert.equal("{<leaf>}", tostring(b.children))
  end)

  it("refuses a row that is its own ancestor, and says so", function()
    local a, b = Node{ name = "a" }, Node{ name = "b" }
    a.parent = b
    b.parent = a
    db.session:add(a)
    local e = support.error_of(function() db.session:flush() end)
    assert.matches("cycl", e.message:lower())
    assert.matches("post_update", e.message)
    db.session:rollback()
  end)

  it("lets a row that exists refer to itself", function()
    local a = Node{ name = "a" }
    db.session:add(a)
    db.session:commit()
    a.parent = a
    db.session:commit()
    assert.equal(a, a.parent)
    assert.equal(a.id, a.parent_id)
  end)
end)
