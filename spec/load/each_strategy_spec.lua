-- What each way of loading ahead promises, in the same words for all: the objects, and the number of statements.
--
-- What of SQLAlchemy is restated here. E: test_eager_relations, S: test_selectin_relations, Q: test_subquery_relations,
-- L: test_lazy_relations (its tests: ours).
--   E S Q L test_basic: "loads the collections of each object, empty ones too"
--   E S Q test_from_statement: "follows a statement that is given as text"
--   S Q test_from_get: "goes with get"
--   S Q test_from_params: "follows a query with parameters"
--   E test_many_to_many, S Q test_many_to_many_plain, L test_many_to_many: "loads a many-to-many"
--   S Q test_many_to_many_with_join, _with_join_alias: "does not mind the query's own join to the same table"
--   E S Q L test_orderby, E S Q L test_orderby_desc, E S Q test_orderby_multi: "keeps the order of the relationship"
--   E S Q test_orderby_related: "leaves the order of the query alone, also by a related table"
--   E S Q test_options_pathing, S Q test_mapper_pathing: "goes down a path"
--   E S Q test_cyclical: "stops where both sides load each other"
--   S Q test_cyclical_explicit_join_depth: "goes round as often as join_depth says"
--   E S Q L test_double_w_ac, E S Q test_double_same_mappers: "loads two relationships to the same class"
--   E S Q L test_limit: "counts objects of the query under a limit"
--   E S Q L test_one_to_many_scalar, S test_one_to_many_scalar_none: "loads one object on the other side"
--   E S Q L test_many_to_one, E test_many_to_one_null, S test_m2o_none_value_present: "loads references, nil too"
--   S test_o2m_empty_list_present: "loads the collections of each object, empty ones too"
--   E S Q test_double_with_aggregate: "goes with a query of a class and an aggregate"
--   E L test_distinct: "of distinct objects"
--   E Q test_group_by_only: "of objects that are grouped"
--   E test_two_entities, test_aliased_entity_one, test_aliased_entity_two: "of each class in a row of several"
--   S Q test_no_query_on_deferred: "is not sent again where a deferred column is read"
--   E L test_no_orphan: "of an object without a parent"

local mr = require "moonrow"
local market = require "spec.support.market"
local support = require "spec.support.models"

-- By strategy: its option, and how many statements one relationship of the query's objects takes besides the query.
local ways = {
  { name = "joinedload", lazy = "joined", more = 0 },
  { name = "selectinload", lazy = "selectin", more = 1 },
  { name = "subqueryload", lazy = "subquery", more = 1 },
}

local ALL = "ann:1 ben:2,3,4 cid:5 dee:"

for _, way in ipairs(ways) do
  local load, more = mr[way.name], way.more

  describe(way.name, function()
    local m, db, Customer, Address, Order, Item, Word
    local function open(options, extra)
      m = market.open(options, extra)
      db, Customer, Address, Order, Item, Word = m.db, m.Customer, m.Address, m.Order, m.Item, m.Word
    end
    before_each(function() open() end)

    -- Runs fn with an empty session; asserts the number of statements and what it returns, here and when it is loaded.
    local function gives(n, expected, fn, ...)
      db.session:expunge_all()
      local got
      support.costs(db, n, function(...) got = fn(...) end, ...)
      assert.equal(expected, got)
    end

    it("loads the collections of each object, empty ones too", function()
      gives(1 + more, ALL, function()
        local all = Customer.query:order_by(Customer.id):options(load(Customer.addresses)):all()
        assert.same({ "orders" }, mr.inspect(all[4]).unloaded)
        return market.shown(all, "name", "addresses", "id")
      end)
      open{ addresses = { lazy = way.lazy } }
      gives(1 + more, ALL, function()
        return market.shown(Customer.query:order_by(Customer.id):all(), "name", "addresses", "id")
      end)
      gives(1 + 4, ALL, function()
        local all = Customer.query:order_by(Customer.id):options(mr.lazyload(Customer.addresses)):all()
        return market.shown(all, "name", "addresses", "id")
      end)
    end)

    it("follows a statement that is given as text", function()
      -- Nothing can be joined to it: joinedload sends a statement, too.
      gives(2, "ann:1 ben:2,3,4", function()
        local text = mr.text "SELECT id, name FROM customer WHERE id < :n ORDER BY id"
        local query = db.session:query(Customer):from_statement(text):params{ n = 3 }
        return market.shown(query:options(load(Customer.addresses)):all(), "name", "addresses", "id")
      end)
    end)

    it("goes with get", function()
      gives(1 + more, "ben:2,3,4", function()
        local one = db.session:get(Customer, 2, { options = { load(Customer.addresses) } })
        return market.shown({ one }, "name", "addresses", "id")
      end)
    end)

    it("follows a query with parameters", function()
      local query = Customer.query:filter(Customer.name:eq(mr.bindparam "who")):options(load(Customer.addresses))
      for _, name in ipairs{ "ben", "cid" } do
        gives(1 + more, name == "ben" and "ben:2,3,4" or "cid:5", function()
          return market.shown(query:params{ who = name }:all(), "name", "addresses", "id")
        end)
      end
    end)

    it("loads a many-to-many", function()
      gives(1 + more, "i1:red,big i2:red i3:old,new i4:big,new i5:", function()
        return market.shown(Item.query:order_by(Item.id):options(load(Item.words)):all(), "name", "words", "text")
      end)
      gives(1 + 5, "i1:red,big i2:red i3:old,new i4:big,new i5:", function()
        return market.shown(Item.query:order_by(Item.id):all(), "name", "words", "text")
      end)
    end)

    it("does not mind the query's own join to the same table", function()
      local expected = "i1:red,big i2:red"
      gives(1 + more, expected, function()
        local query = Item.query:join(Item.words):filter(Word.text:eq "red"):order_by(Item.id)
        return market.shown(query:options(load(Item.words)):all(), "name", "words", "text")
      end)
      gives(1 + more, expected, function()
        local word = mr.aliased(Word)
        local query = Item.query:join(word, Item.words):filter(word.text:eq "red"):order_by(Item.id)
        return market.shown(query:options(load(Item.words)):all(), "name", "words", "text")
      end)
    end)

    it("keeps the order of the relationship", function()
      open{ addresses = { order_by = "Address.town" } }
      gives(1 + more, "ann:Rome ben:Bern,Kiel,Oslo cid:Cork dee:", function()
        local all = Customer.query:order_by(Customer.id):options(load(Customer.addresses)):all()
        return market.shown(all, "name", "addresses", "town")
      end)
      open{ addresses = { order_by = function() return Address.town:desc() end } }
      gives(1 + more, "ben:Oslo,Kiel,Bern", function()
        return market.shown({ Customer.query:options(load(Customer.addresses)):filter_by{ id = 2 }:one() }, "name",
          "addresses", "town")
      end)
      gives(2, "ben:Oslo,Kiel,Bern", function()
        return market.shown({ Customer.query:filter_by{ id = 2 }:one() }, "name", "addresses", "town")
      end)
      open{ orders = { order_by = function() return { Order.is_open, Order.id:desc() } end } }
      gives(1 + more, "ann:5,1,3 ben: cid:2,4 dee:", function()
        local all = Customer.query:order_by(Customer.id):options(load(Customer.orders)):all()
        return market.shown(all, "name", "orders", "id")
      end)
    end)

    it("leaves the order of the query alone, also by a related table", function()
      gives(1 + more, "ben:2,3,4 cid:5 ann:1", function()
        local query = Customer.query:join(Customer.addresses):group_by(Customer.id)
          :order_by(mr.func.min(Address.town))
        return market.shown(query:options(load(Customer.addresses)):all(), "name", "addresses", "id")
      end)
      gives(1 + more, "ann:1", function()
        local query = Customer.query:filter(Address.customer_id:eq(Customer.id), Address.town:eq "Rome")
        return market.shown(query:order_by(Address.id:desc()):options(load(Customer.addresses)):all(), "name",
          "addresses", "id")
      end)
    end)

    it("goes down a path", function()
      local function words(all)
        local out = {}
        for _, customer in ipairs(all) do
          for _, order in ipairs(customer.orders) do
            for _, item in ipairs(order.items) do out[#out + 1] = #item.words end
          end
        end
        return table.concat(out, " ")
      end
      local expected = "2 1 2 2 2 0 0 2 1 2 2 0"
      gives(1 + 3 * more, expected, function()
        local path = load(Customer.orders)
        path = path[way.name](path, Order.items)
        path = path[way.name](path, Item.words)
        return words(Customer.query:order_by(Customer.id):options(path):all())
      end)
      open{ orders = { lazy = way.lazy }, items = { lazy = way.lazy }, words = { lazy = way.lazy } }
      gives(1 + 3 * more, expected, function() return words(Customer.query:order_by(Customer.id):all()) end)
    end)

    it("stops where both sides load each other", function()
      open{ addresses = { lazy = way.lazy }, customer = { lazy = way.lazy } }
      gives(1 + more, ALL, function()
        local all = Customer.query:order_by(Customer.id):all()
        for _, customer in ipairs(all) do
          for _, address in ipairs(customer.addresses) do assert.equal(customer, address.customer) end
        end
        return market.shown(all, "name", "addresses", "id")
      end)
      gives(1 + more, "Cork:cid", function()
        return market.shown(Address.query:filter_by{ id = 5 }:all(), "town", "customer", "name")
      end)
    end)

    it("goes round as often as join_depth says", function()
      open{ addresses = { lazy = way.lazy, join_depth = 1 }, customer = { lazy = way.lazy, join_depth = 1 } }
      gives(1 + more, ALL, function()
        return market.shown(Customer.query:order_by(Customer.id):all(), "name", "addresses", "id")
      end)
    end)

    it("loads two relationships to the same class", function()
      local function both(lazy)
        open(nil, function(all)
          local function part(is_open)
            return all.db.relationship{ "Order", viewonly = true, lazy = lazy, order_by = "Order.id",
              primaryjoin = function()
                return all.Buyer.id:eq(all.Order.customer_id) & all.Order.is_open:eq(is_open)
              end }
          end
          all.Buyer = all.db.Model:extend("Buyer", { __table = all.Customer.__table, open = part(true),
            closed = part(false) })
        end)
      end
      both(way.lazy)
      gives(1 + 2 * more, "ann:3 ben: cid:4 dee: / ann:1,5 ben: cid:2 dee:", function()
        local all = m.Buyer.query:order_by(m.Buyer.id):all()
        return market.shown(all, "name", "open", "id") .. " / " .. market.shown(all, "name", "closed", "id")
      end)
      both "select"
      gives(1 + 8, "ann:3 ben: cid:4 dee: / ann:1,5 ben: cid:2 dee:", function()
        local all = m.Buyer.query:order_by(m.Buyer.id):all()
        return market.shown(all, "name", "open", "id") .. " / " .. market.shown(all, "name", "closed", "id")
      end)
    end)

    it("counts objects of the query under a limit", function()
      gives(1 + more, "ben:2,3,4 cid:5", function()
        local query = Customer.query:order_by(Customer.id):limit(2):offset(1):options(load(Customer.addresses))
        return market.shown(query:all(), "name", "addresses", "id")
      end)
      gives(1 + more, "i5: i4:big,new", function()
        local query = Item.query:order_by(Item.id:desc()):limit(2):options(load(Item.words))
        return market.shown(query:all(), "name", "words", "text")
      end)
      gives(1 + 2, "ben:2,3,4 cid:5", function()
        return market.shown(Customer.query:order_by(Customer.id):limit(2):offset(1):all(), "name", "addresses", "id")
      end)
    end)

    it("loads one object on the other side", function()
      open(nil, function(all)
        all.Buyer = all.db.Model:extend("Buyer", {
          __table = all.Customer.__table,
          home    = all.db.relationship{ "Address", viewonly = true, uselist = false,
            primaryjoin = function() return all.Buyer.id:eq(all.Address.customer_id) end },
        })
      end)
      gives(1 + more, "ann:Rome cid:Cork dee:nil", function()
        local query = m.Buyer.query:filter(m.Buyer.name:ne "ben"):order_by(m.Buyer.id)
        return market.shown(query:options(load(m.Buyer.home)):all(), "name", "home", "town")
      end)
      gives(1 + 3, "ann:Rome cid:Cork dee:nil", function()
        local query = m.Buyer.query:filter(m.Buyer.name:ne "ben"):order_by(m.Buyer.id)
        return market.shown(query:all(), "name", "home", "town")
      end)
    end)

    it("loads references, nil too", function()
      gives(1 + more, "o1:Rome o2:Cork o3:Rome o4:Cork o5:nil", function()
        local all = Order.query:order_by(Order.id):options(load(Order.address)):all()
        local got = market.shown(all, "note", "address", "town")
        assert.equal(all[1].address, all[3].address)
        return got
      end)
      gives(1 + 2, "o1:Rome o2:Cork o3:Rome o4:Cork o5:nil", function()
        local all = Order.query:order_by(Order.id):all()
        return market.shown(all, "note", "address", "town")
      end)
    end)

    it("goes with a query of a class and an aggregate", function()
      gives(1 + more, "ann:1 ben:2,3,4 cid:5 1,3,1", function()
        local query = db.session:query(Customer, mr.func.count(Address.id)):join(Customer.addresses)
          :group_by(Customer.id):order_by(Customer.id):options(load(Customer.addresses))
        local objects, counts = {}, {}
        for i, row in ipairs(query:all()) do objects[i], counts[i] = row[1], row[2] end
        return market.shown(objects, "name", "addresses", "id") .. " " .. table.concat(counts, ",")
      end)
    end)

    it("of distinct objects", function()
      gives(1 + more, "ann:1 ben:2,3,4 cid:5", function()
        local query = Customer.query:join(Customer.addresses):distinct():order_by(Customer.id)
        return market.shown(query:options(load(Customer.addresses)):all(), "name", "addresses", "id")
      end)
      gives(1 + 3, "ann:1 ben:2,3,4 cid:5", function()
        local query = Customer.query:join(Customer.addresses):distinct():order_by(Customer.id)
        return market.shown(query:all(), "name", "addresses", "id")
      end)
    end)

    it("of objects that are grouped", function()
      gives(1 + more, "ann:1,3,5 cid:2,4", function()
        local query = Customer.query:join(Customer.orders):group_by(Customer.id):having(mr.func.count():gt(1))
          :order_by(Customer.id)
        return market.shown(query:options(load(Customer.orders)):all(), "name", "orders", "id")
      end)
    end)

    it("of each class in a row of several", function()
      gives(1 + 2 * more, "ann:1 cid:5 / o3:3,4,5 o4:1,5", function()
        local query = db.session:query(Customer, Order):join(Customer.orders):filter(Order.is_open:eq(true))
          :order_by(Customer.id):options(load(Customer.addresses), load(Order.items))
        local customers, orders = {}, {}
        for i, row in ipairs(query:all()) do customers[i], orders[i] = row[1], row[2] end
        local of_customers = market.shown(customers, "name", "addresses", "id")
        return of_customers .. " / " .. market.shown(orders, "note", "items", "id")
      end)
      gives(1 + 2 * more, "o1:1,2,3 / o3:3,4,5", function()
        local other = mr.aliased(Order)
        local query = db.session:query(Order, other):join(other, other.id:eq(Order.id + 2)):filter(Order.id:eq(1))
          :options(load(Order.items), load(other.items))
        local one, two = table.unpack(query:one())
        return market.shown({ one }, "note", "items", "id") .. " / " .. market.shown({ two }, "note", "items", "id")
      end)
    end)

    it("is not sent again where a deferred column is read", function()
      local one
      gives(1 + more, "ben:2,3,4", function()
        one = Customer.query:options(load(Customer.addresses), mr.load_only(Customer.id)):filter_by{ id = 2 }:one()
        local ids = {}
        for i, address in ipairs(one.addresses) do ids[i] = address.id end
        return "ben:" .. table.concat(ids, ",")
      end)
      support.costs(db, 1, function() assert.equal("ben", one.name) end)
    end)

    it("of an object without a parent", function()
      db.session:add(Order{ note = "lost" })
      db.session:commit()
      gives(way.name == "subqueryload" and 2 or 1, "lost:nil", function()
        local query = Order.query:filter_by{ note = "lost" }:options(load(Order.customer))
        return market.shown(query:all(), "note", "customer", "name")
      end)
      gives(1, "lost:nil", function()
        return market.shown(Order.query:filter_by{ note = "lost" }:all(), "note", "customer", "name")
      end)
    end)
  end)
end
