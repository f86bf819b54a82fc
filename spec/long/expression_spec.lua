-- Long conditions and paths of options, which a program builds in a loop: they may have any length, and time grows in
-- proportion.

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

  -- The seconds for loading n levels below the first node. All of them must be loaded without a further statement.
  local function seconds(strategy, n)
    db.session:remove()
    local option = mr[strategy](Node.children)
    for _ = 2, n do option = option[strategy](option, Node.children) end
    local start = os.clock()
    local node = Node.query:options(option):filter_by{ id = 1 }:one()
    local took = os.clock() - start
    local records = db:record(function()
      for _ = 1, n do node = node.children[1] end
    end)
    assert.equal(n + 1, node.id)
    assert.equal(0, #records)
    return took
  end

  it("takes a time that grows with the levels, not with their power", function()
    for _, strategy in ipairs{ "selectinload", "immediateload" } do
      local short = math.max(seconds(strategy, 50), 0.002)
      local long = seconds(strategy, 400)
      assert(long < short * 60, ("%s: %.3f s for 50 levels, %.3f s for 400"):format(strategy, short, long))
    end
  end)

  it("of subqueries ends before the parser of the database does", function()
    seconds("subqueryload", 60)
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
