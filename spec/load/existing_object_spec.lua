-- Loading ahead over objects that are in memory already, by refresh and populate_existing, of classes that refer to
-- themselves, and of keys of several columns.
--
-- What of SQLAlchemy is restated here. E: test_eager_relations, S: test_selectin_relations, Q: test_subquery_relations,
-- L: test_lazy_relations (its tests: ours).
--   E S Q test_runs_query_on_refresh: "is loaded again with an object that has expired"
--   S Q test_runs_query_on_option_refresh: "of an option is, too"
--   S Q test_no_query_on_deferred: "is not loaded where a deferred column is read"
--   E S Q test_populate_existing_propagate: "is overwritten by populate_existing, at each level"
--   E S Q test_loads_second_level_collection_to_scalar: "goes on below a reference that is loaded"
--   E S Q test_loads_second_level_collection_to_collection: "goes on below a collection that is loaded"
--   E S Q test_load_two_levels_collection_to_scalar, _to_collection: "fills both levels of an object in memory"
--   E S Q (SelfReferentialTest) test_basic: "of a tree goes down as far as join_depth says, then lazily"
--   E S Q test_lazy_fallback_doesnt_affect_eager: "of a tree finds below what was loaded above"
--   E S Q test_with_deferred: "of a tree may lack columns"
--   E S Q test_options: "of a tree goes down as far as the option's path"
--   E S Q test_no_depth: "of a tree without a depth stops at the class"
--   S test_symmetric_composite, L test_composite_m2o_load_partial_pks: "by keys of several columns"
--   S test_missing_and_null_fk, L test_no_use_get_params_missing: "of which some are NULL, or lead nowhere"
--   S test_dont_emit_for_redundant_m2o: "asks for no target twice"

local mr = require "moonrow"
local market = require "spec.support.market"
local support = require "spec.support.models"

local ways = {
  { name = "joinedload", lazy = "joined", more = 0 },
  { name = "selectinload", lazy = "selectin", more = 1 },
  { name = "subqueryload", lazy = "subquery", more = 1 },
}

for _, way in ipairs(ways) do
  local load, more = mr[way.name], way.more

  describe(way.name .. " over objects in memory", function()
    local m, db, Customer, Order
    local function open(options)
      m = market.open(options)
      db, Customer, Order = m.db, m.Customer, m.Order
    end
    before_each(function() open() end)

    local function rename_elsewhere() support.elsewhere(db, "UPDATE address SET town = 'Ulm' WHERE id = 2") end

    it("is loaded again with an object that has expired", function()
      open{ addresses = { lazy = way.lazy } }
      local ben = db.session:get(Customer, 2)
      assert.equal("ben:Oslo,Bern,Kiel", market.shown({ ben }, "name", "addresses", "town"))
      db.session:expire(ben)
      support.costs(db, 1 + more, function() assert.equal("ben", ben.name) end)
      support.costs(db, 0, function() assert.equal("ben:2,3,4", market.shown({ ben }, "name", "addresses", "id")) end)
    end)

    it("of an option is, too", function()
      local ben = Customer.query:options(load(Customer.addresses)):filter_by{ id = 2 }:one()
      db.session:expire(ben)
      support.costs(db, 1 + more, function() assert.equal("ben", ben.name) end)
      support.costs(db, 0, function() assert.equal("ben:2,3,4", market.shown({ ben }, "name", "addresses", "id")) end)
    end)

    it("is not loaded where a deferred column is read", function()
      open{ addresses = { lazy = way.lazy } }
      local ben = Customer.query:options(mr.defer(Customer.name)):filter_by{ id = 2 }:one()
      support.costs(db, 1, function() assert.equal("ben", ben.name) end)
      support.costs(db, 0, function() assert.equal(3, #ben.addresses) end)
    end)

    it("is overwritten by populate_existing, at each level", function()
      local path = load(Customer.addresses)
      local query = Customer.query:filter_by{ id = 2 }:options(path)
      local ben = query:one()
      ben.name = "mine"
      ben.addresses[1].town = "mine"
      db.session:no_autoflush(function()
        support.costs(db, 1, function() query:one() end)
        assert.equal("mine:mine,Bern,Kiel", market.shown({ ben }, "name", "addresses", "town"))
        query:populate_existing():one()
        assert.equal("ben:Oslo,Bern,Kiel", market.shown({ ben }, "name", "addresses", "town"))
      end)
      assert.is_false(db.session:is_modified(ben))
    end)

    it("goes on below a reference that is loaded", function()
      local orders = Order.query:options(load(Order.customer)):order_by(Order.id):all()
      local path = load(Order.customer)
      support.costs(db, 1 + 2 * more, function()
        Order.query:options(path[way.name](path, Customer.addresses)):order_by(Order.id):all()
      end)
      support.costs(db, 0, function()
        assert.equal("ann:1", market.shown({ orders[1].customer }, "name", "addresses", "id"))
        assert.equal("cid:5", market.shown({ orders[2].customer }, "name", "addresses", "id"))
      end)
    end)

    it("goes on below a collection that is loaded", function()
      local customers = Customer.query:options(load(Customer.orders)):order_by(Customer.id):all()
      local path = load(Customer.orders)
      support.statements(db, function()
        Customer.query:options(path[way.name](path, m.Order.items)):order_by(Customer.id):all()
      end)
      support.costs(db, 0, function()
        assert.equal("o1:1,2,3 o3:3,4,5 o5:5", market.shown(customers[1].orders, "note", "items", "id"))
      end)
    end)

    it("fills both levels of an object in memory", function()
      local customers = Customer.query:order_by(Customer.id):all()
      local path = load(Customer.orders)
      support.costs(db, 1 + 2 * more, function()
        Customer.query:options(path[way.name](path, m.Order.items)):all()
      end)
      support.costs(db, 0, function()
        assert.equal("o2:1,2,3 o4:1,5", market.shown(customers[3].orders, "note", "items", "id"))
      end)
      local ways_up = load(Order.customer)
      local orders = Order.query:order_by(Order.id):all()
      support.statements(db, function() Order.query:options(ways_up[way.name](ways_up, Customer.addresses)):all() end)
      support.costs(db, 0, function()
        assert.equal("ann:1", market.shown({ orders[5].customer }, "name", "addresses", "id"))
      end)
    end)

    it("leaves what the program has changed", function()
      local ben = db.session:get(Customer, 2)
      ben.addresses = { ben.addresses[1] }
      db.session:no_autoflush(function()
        Customer.query:options(load(Customer.addresses)):all()
        assert.equal("ben:2", market.shown({ ben }, "name", "addresses", "id"))
      end)
      db.session:rollback()
      rename_elsewhere()
      local query = Customer.query:options(load(Customer.addresses))
      support.costs(db, 1 + more, function() query:filter_by{ id = 2 }:one() end)
      assert.equal("ben:Ulm,Bern,Kiel", market.shown({ ben }, "name", "addresses", "town"))
    end)

    it("asks for no target twice", function()
      local kept = Customer.query:all()
      local orders
      support.costs(db, way.name == "subqueryload" and 2 or 1, function()
        orders = Order.query:order_by(Order.id):options(load(Order.customer)):all()
      end)
      support.costs(db, 0, function()
        assert.equal("o1:ann o2:cid o3:ann o4:cid o5:ann", market.shown(orders, "note", "customer", "name"))
      end)
      assert.equal(4, #kept)
    end)
  end)

  describe(way.name .. " of a class that refers to itself", function()
    local db, Node
    local function open(depth)
      db = mr.open "sqlite://"
      Node = db.Model:extend("Node", {
        id        = db.Column{ db.Integer, primary_key = true },
        name      = db.Column{ db.String },
        parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
        children  = db.relationship{ "Node", order_by = "Node.id", lazy = depth and way.lazy or "select",
          join_depth = depth and depth > 0 and depth or nil },
      })
      db:create_all()
      db.session:execute(mr.insert(Node), { { id = 1, name = "n1", parent_id = mr.null },
        { id = 2, name = "n11", parent_id = 1 }, { id = 3, name = "n12", parent_id = 1 },
        { id = 4, name = "n13", parent_id = 1 }, { id = 5, name = "n121", parent_id = 3 },
        { id = 6, name = "n122", parent_id = 3 }, { id = 7, name = "n1221", parent_id = 6 } })
      db.session:commit()
      db.session:remove()
    end
    local function tree(node)
      local parts = {}
      for i, child in ipairs(node.children) do parts[i] = tree(child) end
      return node.name .. (#parts > 0 and "(" .. table.concat(parts, " ") .. ")" or "")
    end
    local WHOLE = "n1(n11 n12(n121 n122(n1221)) n13)"

    it("goes down as far as join_depth says, then lazily", function()
      open(3)
      local root
      support.costs(db, 1 + 3 * more, function() root = Node.query:filter_by{ name = "n1" }:one() end)
      support.costs(db, 1, function() assert.equal(WHOLE, tree(root)) end)
    end)

    it("finds below what was loaded above", function()
      open(1)
      local two
      local order = Node.query:filter(Node.name:in_{ "n1", "n12" }):order_by(Node.id)
      support.costs(db, 1 + more, function() two = order:all() end)
      support.costs(db, 0, function()
        assert.equal("n12", two[1].children[2].name)
        assert.equal("n122", two[1].children[2].children[2].name)
      end)
    end)

    it("may lack columns", function()
      open()
      local root
      local path = load(Node.children):load_only(Node.id)
      support.costs(db, 1 + more, function() root = Node.query:options(path):filter_by{ name = "n1" }:one() end)
      support.costs(db, 0, function() assert.equal(3, #root.children) end)
      support.costs(db, 1, function() assert.equal("n11", root.children[1].name) end)
    end)

    it("goes down as far as the option's path", function()
      open()
      local root
      local path = load(Node.children)
      path = path[way.name](path, Node.children)
      support.costs(db, 1 + 2 * more, function()
        root = Node.query:options(path):filter_by{ name = "n1" }:order_by(Node.id):one()
      end)
      support.costs(db, 0, function() assert.equal("n122", root.children[2].children[2].name) end)
      support.costs(db, 3, function() assert.equal(WHOLE, tree(root)) end)
    end)

    it("without a depth stops at the class", function()
      open(0)
      local root
      support.costs(db, 1, function() root = Node.query:filter_by{ name = "n1" }:one() end)
      support.costs(db, 1, function() assert.equal(3, #root.children) end)
    end)
  end)

  describe(way.name .. " by keys", function()
    local db, Place, Thing
    before_each(function()
      db = mr.open "sqlite://"
      Place = db.Model:extend("Place", {
        x      = db.Column{ db.Integer, primary_key = true },
        y      = db.Column{ db.Integer, primary_key = true },
        things = db.relationship{ "Thing", back_populates = "place", order_by = "Thing.id" },
      })
      Thing = db.Model:extend("Thing", {
        id    = db.Column{ db.Integer, primary_key = true },
        px    = db.Column{ db.Integer },
        py    = db.Column{ db.Integer },
        place = db.relationship{ "Place", back_populates = "things" },
        __table_args = { db.ForeignKeyConstraint({ "px", "py" }, { "place.x", "place.y" }) },
      })
      db:create_all()
      db.session:execute(mr.insert(Place), { { x = 1, y = 1 }, { x = 1, y = 2 }, { x = 2, y = 1 } })
      db.session:execute(mr.insert(Thing), { { id = 1, px = 1, py = 1 }, { id = 2, px = 1, py = 2 },
        { id = 3, px = 1, py = 2 }, { id = 4, px = mr.null, py = mr.null }, { id = 5, px = 1, py = mr.null } })
      db.session:commit()
      db.session:remove()
    end)

    it("of several columns", function()
      support.costs(db, 1 + more, function()
        local places = Place.query:order_by(Place.x, Place.y):options(load(Place.things)):all()
        assert.equal("1:1 2:2,3 1:", market.shown(places, "y", "things", "id"))
      end)
      db.session:expunge_all()
      support.costs(db, 1 + more, function()
        local things = Thing.query:order_by(Thing.id):options(load(Thing.place)):all()
        assert.equal("1:1 2:2 3:2 4:nil 5:nil", market.shown(things, "id", "place", "y"))
      end)
    end)

    it("of which some are NULL, or lead nowhere", function()
      local c = db.engine:connect()
      c:execute(mr.text "PRAGMA foreign_keys = OFF")
      c:execute(mr.text "UPDATE thing SET px = 9, py = 9 WHERE id = 3")
      c:commit()
      c:close()
      support.costs(db, 1 + more, function()
        local things = Thing.query:order_by(Thing.id):options(load(Thing.place)):all()
        assert.equal("1:1 2:2 3:nil 4:nil 5:nil", market.shown(things, "id", "place", "y"))
      end)
      db.session:expunge_all()
      local things = Thing.query:order_by(Thing.id):all()
      support.costs(db, 3, function()
        assert.equal("1:1 2:2 3:nil 4:nil 5:nil", market.shown(things, "id", "place", "y"))
      end)
    end)
  end)
end
