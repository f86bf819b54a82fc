-- An object that has expired is read again with the loader options of the query that has loaded it.
--
-- What of SQLAlchemy is restated here:
--   test_expire test_options_joinedload_props_load, and each strategy's test_runs_query_on_option_refresh: "comes with
--   the row" (of each strategy)
--   test_expire test_deferred_expire_normally, test_state_deferred_to_col: "reads the columns that the class says;
--   a refresh those of the options"
--   test_expire test_refresh_maintains_deferred_options: "keeps an option below a lazy relationship"
--   test_expire test_unexpire_eager_dont_overwrite_related: "overwrites nothing"
--   test_expire test_skip_options_that_dont_match, test_unexpire_eager_dont_include_contains_eager: "leaves out options
--   that are not for the object"

local mr = require "moonrow"
local market = require "spec.support.market"
local support = require "spec.support.models"

local m, db, Customer, Order

local function open(options, extra)
  m = market.open(options, extra)
  db, Customer, Order = m.db, m.Customer, m.Order
end

local function costs(n, fn) return support.costs(db, n, fn) end
local function ann(...) return Customer.query:options(...):filter_by{ id = 1 }:one() end
local function loaded(object)
  local names = { table.unpack(mr.inspect(object).loaded) }
  table.sort(names)
  return table.concat(names, " ")
end

local ways = {
  { name = "joinedload", more = 0 }, { name = "selectinload", more = 1 }, { name = "subqueryload", more = 1 },
  { name = "immediateload", more = 1 },
}
local expiries = {
  expire = function(object) db.session:expire(object) end,
  expire_all = function() db.session:expire_all() end,
  commit = function() db.session:commit() end,
}

for _, way in ipairs(ways) do
  local load, more = mr[way.name], way.more

  describe(way.name .. " of an object that has expired", function()
    before_each(function() open() end)

    for name, expire in pairs(expiries) do
      it("comes with the row, after " .. name, function()
        local a = ann(load(Customer.orders))
        expire(a)
        costs(1 + more, function() assert.equal("ann", a.name) end)
        costs(0, function() assert.equal("1 3 5", support.words(a.orders, "id")) end)
        expire(a)
        costs(1 + more, function() assert.equal(3, #a.orders) end)
        costs(0, function() assert.equal("ann", a.name) end)
      end)
    end

    it("comes with a refresh, and with get", function()
      local a = ann(load(Customer.orders))
      support.elsewhere(db, 'UPDATE "order" SET customer_id = 2 WHERE id = 3')
      costs(1 + more, function() db.session:refresh(a) end)
      costs(0, function() assert.equal("1 5", support.words(a.orders, "id")) end)
      db.session:expire(a)
      costs(1 + more, function() assert.equal(a, db.session:get(Customer, 1)) end)
      costs(0, function() assert.equal("1 5", support.words(a.orders, "id")) end)
    end)

    it("goes as far down as the path did", function()
      local a = ann(load(Customer.orders)[way.name](load(Customer.orders), Order.items))
      local orders = { table.unpack(a.orders) }
      db.session:expire_all()
      costs(1 + 2 * more + (way.name == "immediateload" and 2 or 0), function() assert.equal("ann", a.name) end)
      costs(0, function()
        assert.equal("1 2 3", support.words(a.orders[1].items, "id"))
        assert.equal("5", support.words(orders[3].items, "id"))
      end)
    end)

    it("is not asked for by one attribute that has expired, nor by a list", function()
      local a = ann(load(Customer.orders))
      db.session:expire(a, { "name" })
      costs(1, function() assert.equal("ann", a.name) end)
      db.session:expire(a, { "orders" })
      costs(1, function() assert.equal(3, #a.orders) end)
    end)

    it("overwrites nothing", function()
      local a = ann(load(Customer.orders))
      local first = a.orders[1]
      db.session:expire(a)
      db.session:no_autoflush(function()
        first.note = "mine"
        a.name = "new"
        assert.equal(first, a.orders[1])
        assert.equal("mine", first.note)
        assert.equal("new", a.name)
      end)
    end)

    it("is that of the query which reads the object again", function()
      local a = ann(load(Customer.orders))
      db.session:expire(a)
      assert.equal(a, ann())
      db.session:expire(a)
      costs(1, function() assert.equal("ann", a.name) end)
    end)

    it("of a reference, and of both ways round", function()
      local order = Order.query:options(load(Order.customer)[way.name](load(Order.customer), Customer.orders))
        :filter_by{ id = 3 }:one()
      local customer = order.customer
      db.session:commit()
      db:record(function() assert.equal("o3", order.note) end)
      costs(0, function()
        assert.equal(customer, order.customer)
        assert.equal("ann", customer.name)
        assert.equal(order, customer.orders[2])
      end)
    end)
  end)
end

describe("an object that has expired", function()
  before_each(function() open() end)

  it("comes with what a wildcard loads", function()
    local a
    costs(5, function() a = ann(mr.selectinload "*") end)
    db.session:commit()
    costs(5, function() assert.equal("ann", a.name) end)
    assert.equal("addresses id name orders", loaded(a))
  end)

  it("keeps an option below a lazy relationship", function()
    local a = ann(mr.lazyload(Customer.orders):joinedload(Order.items))
    for _, again in ipairs{ function() db.session:refresh(a) end, function() db.session:commit() end } do
      again()
      assert.equal("ann", a.name)
      costs(1, function()
        for _, order in ipairs(a.orders) do assert.truthy(#order.items > 0) end
      end)
    end
  end)

  it("leaves out options that are not for the object: contains_eager, and those below it", function()
    local a = Customer.query:join(Customer.orders):options(
      mr.contains_eager(Customer.orders):joinedload(Order.items)):filter(Order.id:eq(3)):one()
    assert.equal("3", support.words(a.orders, "id"))
    db.session:commit()
    costs(1, function() assert.equal("ann", a.name) end)
    costs(1, function() assert.equal("1 3 5", support.words(a.orders, "id")) end)
  end)

  it("reads all of a collection of which a part was loaded", function()
    local a = ann(mr.selectinload(Customer.orders, { limit = 1 }), mr.selectinload(Customer.addresses))
    assert.equal(1, #a.orders)
    db.session:commit()
    costs(2, function() assert.equal("ann", a.name) end)
    costs(0, function() assert.equal(1, #a.addresses) end)
    costs(1, function() assert.equal(3, #a.orders) end)
  end)

  it("finds its own row under loader criteria, and of what belongs to it what they leave", function()
    local open_orders = mr.with_loader_criteria(Order, Order.is_open:eq(true))
    local a = ann(mr.selectinload(Customer.orders), open_orders,
      mr.with_loader_criteria(Customer, Customer.name:ne "gone"))
    assert.equal("3", support.words(a.orders, "id"))
    a.name = "gone"
    db.session:commit()
    costs(1, function() assert.equal("gone", a.name) end)
    costs(1, function() assert.equal("3", support.words(a.orders, "id")) end)
  end)

  it("of a class that loads eagerly has in its lists what loader criteria leave", function()
    for _, lazy in ipairs{ "joined", "selectin", "subquery", "immediate" } do
      open{ orders = { lazy = lazy } }
      local a = ann(mr.with_loader_criteria(Order, Order.is_open:eq(true)))
      assert.equal("3", support.words(a.orders, "id"))
      db.session:expire(a)
      assert.equal("3", support.words(a.orders, "id"))
      db.session:refresh(a)
      assert.equal("3", support.words(a.orders, "id"))
    end
  end)

  it("reads the columns that the class says; a refresh those of the options", function()
    open(nil, function(made)
      made.Person = made.db.Model:extend("Person", {
        id = made.db.Column{ made.db.Integer, primary_key = true }, name = made.db.Column{ made.db.String },
        age = made.db.Column{ made.db.Integer }, bio = made.db.deferred(made.db.Column{ made.db.String }),
        cv = made.db.deferred{ made.db.Column{ made.db.String }, group = "work" },
      })
    end)
    local Person = m.Person
    db.session:add(Person{ id = 1, name = "p", age = 4, bio = "b", cv = "c" })
    db.session:commit()
    local cases = {
      { mr.undefer(Person.bio), "age bio id name" }, { mr.defer(Person.age), "id name" },
      { mr.load_only(Person.age), "age id" }, { mr.undefer_group "work", "age cv id name" },
    }
    for i, case in ipairs(cases) do
      db.session:remove()
      local p = Person.query:options(case[1]):one()
      assert.equal(case[2], loaded(p), i)
      costs(1, function() db.session:refresh(p) end)
      assert.equal(case[2], loaded(p), i)
      db.session:expire(p)
      costs(1, function() assert.equal("p", p.name) end)
      assert.equal("age id name", loaded(p), i)
    end
  end)

  it("of a subclass leaves out what other subclasses add", function()
    open(nil, function(made)
      local function key() return made.db.Column{ made.db.Integer, primary_key = true } end
      made.Unit = made.db.Model:extend("Unit", { id = key(), kind = made.db.Column{ made.db.String },
        __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "unit" } })
      made.Tank = made.Unit:extend("Tank", { shells = made.db.relationship{ "Shell", order_by = "Shell.id" },
        __mapper_args = { polymorphic_identity = "tank" } })
      made.Ship = made.Unit:extend("Ship", { name = made.db.Column{ made.db.String },
        __mapper_args = { polymorphic_identity = "ship" } })
      made.Shell = made.db.Model:extend("Shell", { id = key(),
        tank_id = made.db.Column{ made.db.ForeignKey "unit.id" } })
    end)
    db.session:add_all{ m.Tank{ shells = { m.Shell{}, m.Shell{} } }, m.Ship{ name = "s" } }
    db.session:commit()
    db.session:remove()
    local tank, ship = table.unpack(m.Unit.query:options(mr.selectinload(m.Tank.shells))
      :order_by(m.Unit.id):all())
    db.session:commit()
    costs(2, function() assert.equal("tank", tank.kind) end)
    costs(0, function() assert.equal(2, #tank.shells) end)
    costs(1, function() assert.equal("s", ship.name) end)
  end)

  it("is found by a key that is spelled in another way", function()
    open(nil, function(made)
      made.Word2 = made.db.Model:extend("Word2", {
        id = made.db.Column{ made.db.String(10), primary_key = true, sqlite_collation = "NOCASE" },
        parts = made.db.relationship{ "Part", lazy = "select" } })
      made.Part = made.db.Model:extend("Part", { id = made.db.Column{ made.db.Integer, primary_key = true },
        word_id = made.db.Column{ made.db.ForeignKey "word2.id" } })
    end)
    db.session:add(m.Word2{ id = "abc", parts = { m.Part{} } })
    db.session:commit()
    db.session:remove()
    local word = m.Word2.query:options(mr.joinedload(m.Word2.parts)):one()
    support.elsewhere(db, "UPDATE word2 SET id = 'ABC'")
    db.session:commit()
    costs(1, function() assert.equal("ABC", word.id) end)
    assert.equal(1, #word.parts)
  end)

  it("that is gone says so", function()
    local dee = Customer.query:options(mr.selectinload(Customer.orders)):filter_by{ id = 4 }:one()
    db.session:commit()
    support.elsewhere(db, "UPDATE customer SET id = 7 WHERE id = 4")
    assert.equal("ObjectDeletedError", support.error_of(function() return dee.name end).kind)
    assert.matches("its row is gone", support.error_of(db.session.refresh, db.session, dee).message)
  end)
end)
