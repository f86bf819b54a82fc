-- Long chains of linked objects: nothing uses the C stack for each link. 100,000 objects; a million when MOONROW_LONG
-- is set.

local mr = require "moonrow"
local tree = require "spec.support.tree"

local n = os.getenv "MOONROW_LONG" and 1000000 or 100000
local stressed = (os.getenv "MOONROW_STRESS" or "") ~= ""

-- Under stress each call collects garbage: a long chain would take hours.
local function test(name, fn)
  if stressed then pending(name .. " (not under stress)") else it(name, fn) end
end

describe("a chain of " .. n .. " objects", function()
  -- Makes a chain, linked by `parent` or by `children`. Returns its first and its last node.
  local function chain(Node, by_children)
    local first = Node{ name = "first" }
    local last = first
    for _ = 2, n do
      local node = Node{}
      if by_children then last.children:append(node) else node.parent = last end
      last = node
    end
    return first, last
  end

  test("is made, traced, flushed, walked and deleted", function()
    local db, Node = tree{ cascade = "all" }
    local first, last = chain(Node, false)
    collectgarbage() collectgarbage() -- now only links hold the nodes in between
    db.session:add(last) -- the cascade reaches all nodes
    assert.equal(n, #db.session.new)
    db.session:commit()
    assert.equal(n, Node.query:count())
    assert.equal(n, last.id)
    assert.equal(1, first.id)

    db.session:remove()
    collectgarbage() collectgarbage()
    local depth, node = 1, db.session:get(Node, n)
    while node.parent do
      node = node.parent
      depth = depth + 1
    end
    assert.equal(n, depth)
    assert.equal("first", node.name)

    db.session:delete(node) -- the cascade deletes all children
    assert.equal(n, #db.session.deleted)
    db.session:commit()
    assert.equal(0, Node.query:count())
    db.session:remove()
    node = nil -- luacheck: ignore
    collectgarbage() collectgarbage()
  end)

  test("goes through collections, expunges, and comes back", function()
    local db, Node = tree{ cascade = "all" }
    local first, last = chain(Node, true)
    db.session:add(first)
    assert.equal("pending", mr.inspect(last).state)
    db.session:expunge(first)
    assert.equal("transient", mr.inspect(last).state)
    db.session:add(last)
    assert.equal("pending", mr.inspect(first).state)
    db.session:flush()
    db.session:rollback()
    assert.equal("transient", mr.inspect(last).state)
    assert.is_nil(first.id)
  end)

  test("without owners is freed as a whole", function()
    local db, Node = tree()
    collectgarbage() collectgarbage()
    local before = collectgarbage "count"
    do
      local first = chain(Node, false)
      assert.equal("first", first.name)
    end
    for _ = 1, 4 do collectgarbage() end
    assert.equal(0, #db.session.new)
    assert.is_true(collectgarbage "count" < before + 20000)
  end)

  test("loads one level of n children", function()
    local db, Node = tree()
    local root = Node{ name = "root" }
    for _ = 1, n - 1 do Node{ parent = root } end
    db.session:add(root)
    db.session:commit()
    db.session:remove()
    root = Node.query:filter_by{ name = "root" }:one()
    assert.equal(n - 1, #root.children)
    db.session:delete(root)
    db.session:commit()
    assert.equal(n - 1, Node.query:filter(Node.parent_id:is_(nil)):count())
  end)
end)

describe("a deep chain", function()
  it("of rows that refer to each other is deleted: a statement finds the next row, another deletes the last", function()
    local fresh = mr.open "sqlite://"
    local Node = fresh.Model:extend("Node", {
      id = fresh.Column{ fresh.Integer, primary_key = true },
      parent_id = fresh.Column{ fresh.Integer, fresh.ForeignKey "node.id", index = true },
      children = fresh.relationship{ "Node", cascade = "all",
        backref = fresh.backref{ "parent", remote_side = "Node.id" } },
    })
    fresh:create_all()
    local length = os.getenv "MOONROW_STRESS" and 300 or 8000
    local rows = {}
    for i = 1, length do rows[i] = { id = i, parent_id = i > 1 and i - 1 or mr.null } end
    fresh.session:execute(mr.insert(Node), rows)
    fresh.session:commit()
    local records = fresh:record(function()
      fresh.session:delete(fresh.session:get(Node, 1))
      fresh.session:commit()
    end)
    assert.equal(1 + 2 * length, #records)
    assert.equal(0, Node.query:count())
  end)
end)
