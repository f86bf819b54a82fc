-- Operators that a class defines for its objects: each one that Lua has, in the class's body, set later, or inherited.
local mr = require "moonrow"

describe("an operator of a class's objects", function()
  local operators = {
    __add = function(a, b) return a + b end, __sub = function(a, b) return a - b end,
    __mul = function(a, b) return a * b end, __div = function(a, b) return a / b end,
    __mod = function(a, b) return a % b end, __idiv = function(a, b) return a // b end,
    __pow = function(a, b) return a ^ b end, __concat = function(a, b) return a .. b end,
    __band = function(a, b) return a & b end, __bor = function(a, b) return a | b end,
    __bxor = function(a, b) return a ~ b end, __shl = function(a, b) return a << b end,
    __shr = function(a, b) return a >> b end, __call = function(a, b) return a(b) end,
    __unm = function(a) return -a end, __bnot = function(a) return ~a end, __len = function(a) return #a end,
  }
  local unary = { __unm = true, __bnot = true, __len = true }

  local function declare(body)
    local db = mr.open "sqlite://"
    body.id = db.Column{ db.Integer, primary_key = true }
    body.n = db.Column{ db.Integer }
    return db, db.Model:extend("Set", body)
  end

  -- Asserts the metamethod that was called, and its arguments: the operator returns them.
  local function check(event, use, a, b)
    local given = use(a, b)
    assert.equal(event, given[1])
    assert.equal(a, given[2])
    if not unary[event] then assert.equal(b, given[3]) end
  end

  for event, use in pairs(operators) do
    local function fn(a, b) return { event, a, b } end

    it(event .. " is called where the body declares it", function()
      local _, Set = declare{ [event] = fn }
      check(event, use, Set{ n = 1 }, Set{ n = 2 })
      check(event, use, Set{ n = 1 }, 3)
      if not unary[event] and event ~= "__call" then assert.equal(4, use(4, Set{ n = 1 })[2]) end
      local Sub = Set:extend("Sub", {})
      check(event, use, Sub{}, 5)
    end)

    it(event .. " is called where it is set later, for objects that are there and of classes below", function()
      local _, Set = declare{}
      local Sub = Set:extend("Sub", {})
      local a, b = Set{ n = 1 }, Sub{}
      assert.is_false((pcall(use, a, 1)))
      Set[event] = fn
      check(event, use, a, b)
      check(event, use, b, a)
    end)

    it(event .. " comes from a mixin and from an abstract base", function()
      local db = mr.open "sqlite://"
      local mixin = { [event] = fn }
      local Base = db.Model:extend("Base", { __abstract = true, [event] = fn })
      local A = db.Model:extend("A", { mixin, id = db.Column{ db.Integer, primary_key = true } })
      local B = Base:extend("B", { id = db.Column{ db.Integer, primary_key = true } })
      check(event, use, A{}, 1)
      check(event, use, B{}, 1)
    end)
  end

  it("works with objects of the database", function()
    local db, Set = declare{
      __band = function(a, b) return a.n & b.n end, __bnot = function(a) return ~a.n end,
      __shl = function(a, by) return a.n << by end,
    }
    db:create_all()
    db.session:add_all{ Set{ n = 6 }, Set{ n = 3 } }
    db.session:commit()
    local a, b = Set.query:order_by(Set.id):all()[1], Set.query:order_by(Set.id):all()[2]
    assert.equal(2, a & b)
    assert.equal(-7, ~a)
    assert.equal(24, a << 2)
    -- The attributes of the class itself are still expressions.
    assert.equal(1, Set.query:filter(Set.n:eq(6) & Set.id:eq(1)):count())
  end)
end)
