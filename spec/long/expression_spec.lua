-- Long conditions and paths of options, which a program builds in a loop: they may have any length.

local mr = require "moonrow"
local tree = require "spec.support.tree"

local N = 5000

describe("a condition that grows in a loop", function()
  local db, Node

  before_each(function()
    db, Node = tree()
    for i = 1, 4 do db.session:add(Node{ id = i, name = "n" .. i }) end
    db.session:commit()
  end)

  local function count(criterion) return Node.query:filter(criterion):count() end

  it("is flat: by | and & on either side, or_ and and_", function()
    local grown = {
      { 3, function(c, i) return c | Node.id:eq(i + 2) end },
      { 3, function(c, i) return Node.id:eq(i + 2) | c end },
      { 1, function(c, i) return c & Node.id:ne(i + 1) end },
      { 1, function(c, i) return Node.id:ne(i + 1) & c end },
      { 3, function(c, i) return mr.or_(c, Node.id:eq(i + 2)) end },
      { 1, function(c, i) return mr.and_(Node.id:ne(i + 1), c) end },
      { 3, function(c, i) return c | (Node.id:eq(i + 2) & Node.name:ne "x") end },
      { 4, function(c, i) return c | ~Node.name:eq("x" .. i) end },
    }
    for k, case in ipairs(grown) do
      local c = Node.id:eq(1)
      for i = 1, N do c = case[2](c, i) end
      assert.equal(case[1], count(c), k)
    end
  end)

  it("is flat in having, in a join's condition, within any, negated, and in an UPDATE", function()
    local c = Node.id:eq(1)
    for i = 1, N do c = c | Node.id:eq(-i) end
    assert.equal(1, #Node.query:group_by(Node.id):having(c):all())
    assert.equal(4, #db.session:query(Node.id, mr.aliased(Node).id):filter(c):all())
    assert.equal(0, count(Node.children:any(c)))
    assert.equal(3, count(~c))
    assert.equal(1, Node.query:filter(c):update{ name = "one" })
    assert.equal("one", db.session:get(Node, 1).name)
  end)

  it("may come by one filter after the other", function()
    local q = Node.query
    for i = 1, N do q = q:filter(Node.id:ne(i + 1)) end
    assert.equal(1, q:count())
  end)
end)

describe("a long chain of loader options", function()
  local db, Node

  before_each(function()
    db, Node = tree()
    for i = 1, 420 do db.session:add(Node{ id = i, name = "n", parent_id = i > 1 and i - 1 or nil }) end
    db.session:commit()
  end)

  -- Loads n levels below the first node by the strategy. All of them must be loaded without a further statement.
  -- Returns the number of statements.
  local function statements(strategy, n)
    db.session:remove()
    local option = mr[strategy](Node.children)
    for _ = 2, n do option = option[strategy](option, Node.children) end
    local node
    local loading = db:record(function() node = Node.query:options(option):filter_by{ id = 1 }:one() end)
    local reading = db:record(function()
      for _ = 1, n do node = node.children[1] end
    end)
    assert.equal(n + 1, node.id)
    assert.equal(0, #reading)
    return #loading
  end

  -- Work that grew with the power of the levels would never end here.
  it("takes one statement for each level", function()
    for _, strategy in ipairs{ "selectinload", "immediateload" } do
      for _, n in ipairs{ 1, 50, 400 } do
        assert.equal(n + 1, statements(strategy, n), strategy)
      end
    end
  end)

  it("of subqueries ends before the parser of the database does", function()
    assert.equal(61, statements("subqueryload", 60))
  end)

  it("may have options for columns at each level", function()
    local option = mr.selectinload(Node.children):load_only(Node.id)
    for _ = 2, 60 do option = option:selectinload(Node.children):load_only(Node.id) end
    local node = Node.query:options(option):filter_by{ id = 1 }:one()
    local records = db:record(function()
      for _ = 1, 60 do node = node.children[1] end
    end)
    assert.equal(0, #records)
    assert.equal(1, #db:record(function() assert.equal("n", node.name) end))
  end)
end)
