-- Options that change what relationships say of themselves: for one, for all ("*"), along a path; and what a lazy
-- reference asks for.
--
-- What of SQLAlchemy is restated here. D: test_default_strategies, O: test_options, E: test_eager_relations,
-- L: test_lazy_relations, F: test_deferred (its tests: ours).
--   D test_downgrade_baseline: "what the relationships say themselves"
--   D test_disable_eagerloads: "lazyload '*' takes all of it away"
--   D test_last_one_wins: "the last option for one thing counts"
--   D test_star_must_be_alone, test_star_cant_be_followed: "'*' ends a path"
--   D test_select_with_joinedload, test_select_with_subqueryload: "lazyload '*' leaves what is named"
--   D test_joined, test_subquery: "'*' changes all, at each level"
--   D test_joined_path_wildcards, test_subquery_path_wildcards: "'*' at each step of a path"
--   D test_joined_with_lazyload, test_subquery_with_lazyload, test_joined_with_subqueryload,
--     test_subquery_with_joinedload: "'*' leaves what is named"
--   D test_defaultload_dont_propagate, test_defaultload_yes_propagate: "defaultload leads on, and changes nothing"
--   O test_eager_options, E test_options (LoadOnExisting), O test_option_propagate: "an option follows what it loads"
--   O test_eager_options_with_limit, test_lazy_options_with_limit: "under a limit"
--   O test_eager_degrade, test_eager_degrade_deep: "of an object in memory, an eager relationship is loaded when it is
--     used"
--   O test_lazy_options: "lazyload of an eager relationship"
--   O test_synonym_options: "by a synonym"
--   O test_option_against_nonexistent_, test_option_with_column_, test_col_option_against_relationship_attr,
--     test_wrong_type_in_option_any_random_type, test_option_against_wrong_multi_entity_type_attr_one: "are refused"
--   E deep_options_1, deep_options_2, deep_options_4, deep_options_5, deep_options_6: "go deep in their own order"
--   E test_inner_join, test_inner_join_options: "an inner join, as the relationship or the option says"
--   E test_inner_join_nested_chaining_negative_options_one, test_unnested_outerjoin_propagation_only_on_correct_path:
--     "an inner join below an outer one is an outer one"
--   E test_useget_cancels_eager: "a join back to the parent is not made"
--   E test_column_property, test_column_property_desc, test_column_property_correlated: "of an attribute in SQL"
--   E test_limit_2, test_limit_3, test_manytoone_limit: "a limit and a join of the query's own"
--   L test_uses_get, test_many_to_one: "a reference asks by the key, and the identity map first"
--   L test_backrefs_dont_lazyload: "setting one side loads nothing"
--   L test_dont_use_get_pj_is_different, test_no_use_get_params_missing: "with a condition of its own, it is asked"
--   L test_m2o_noload: "noload of a reference"
--   L test_needs_parent: "a detached object raises"
--   L test_correlated_lazyload: "a condition with a subquery"
--   F test_undefer_group_from_relationship_lazyload, _subqueryload, _joinedload: "undefer_group behind a path"
--   F test_load_only_propagate_unbound, test_load_only_parent_specific, test_load_only_path_specific: "load_only behind
--     a path"

local mr = require "moonrow"
local market = require "spec.support.market"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local m, db, Customer, Address, Order, Item, Word

local function open(options, extra)
  m = market.open(options, extra)
  db, Customer, Address, Order, Item, Word = m.db, m.Customer, m.Address, m.Order, m.Item, m.Word
end

-- Reads all that customers lead to.
local function walk(customers)
  local n = 0
  for _, customer in ipairs(customers) do
    n = n + #customer.addresses
    for _, order in ipairs(customer.orders) do
      for _, item in ipairs(order.items) do n = n + #item.words end
    end
  end
  return n
end

-- How many statements the query of all customers takes with these options, and the reading of everything after it.
local function cost(...)
  db.session:expunge_all()
  local options, all = { ... }, nil
  local first = #db:record(function()
    local query = Customer.query:order_by(Customer.id)
    all = (#options > 0 and query:options(table.unpack(options)) or query):all()
  end)
  local later = #db:record(function() assert.equal(21, walk(all)) end)
  return { first, later }
end

local joined_then_subquery = { addresses = { lazy = "joined" }, orders = { lazy = "joined" },
  items = { lazy = "subquery" }, words = { lazy = "subquery" } }

describe("options over eager relationships", function()
  before_each(function() open(joined_then_subquery) end)

  it("what the relationships say themselves", function() assert.same({ 3, 0 }, cost()) end)

  it("lazyload '*' takes all of it away", function()
    assert.same({ 1, 4 + 4 + 5 + 5 }, cost(mr.lazyload "*"))
    local texts = support.statements(db, function() Customer.query:options(mr.lazyload "*"):all() end)
    assert.is_nil(texts[1]:find "JOIN")
  end)

  it("the last option for one thing counts", function()
    assert.same({ 3, 4 }, cost(mr.subqueryload(Customer.addresses), mr.lazyload(Customer.addresses)))
    assert.same({ 4, 0 }, cost(mr.lazyload(Customer.addresses), mr.subqueryload(Customer.addresses)))
    local first = cost(mr.lazyload "*", mr.subqueryload "*")
    assert(first[1] >= 5)
    assert.equal(0, first[2])
  end)

  it("lazyload '*' leaves what is named", function()
    assert.same({ 1, 4 + 5 + 5 }, cost(mr.lazyload "*", mr.joinedload(Customer.addresses)))
    assert.same({ 2, 4 + 5 + 5 }, cost(mr.lazyload "*", mr.subqueryload(Customer.addresses)))
  end)

  it("lazyload of an eager relationship", function()
    assert.same({ 3, 4 }, cost(mr.lazyload(Customer.addresses)))
    -- The orders of ann and cid bring their items and words, by a statement each; cid's words are in memory by then.
    assert.same({ 1, 4 + 2 + 1 }, cost(mr.lazyload(Customer.orders)))
  end)

  it("defaultload leads on, and changes nothing", function()
    assert.same({ 3, 0 }, cost(mr.defaultload(Customer.orders):defaultload(Order.items)))
    assert.same({ 2, 5 }, cost(mr.defaultload(Customer.orders):defaultload(Order.items):lazyload(Item.words)))
    assert.same({ 1, 5 + 2 }, cost(mr.defaultload(Customer.orders):lazyload "*"))
    assert.same({ 2, 5 }, cost(mr.defaultload(Customer.orders):defaultload(Order.items):lazyload "*"))
  end)

  it("of an object in memory, an eager relationship is loaded when it is used", function()
    local ann = Customer.query:options(mr.lazyload "*"):filter_by{ id = 1 }:one()
    support.costs(db, 1, function() assert.equal(1, #ann.addresses) end)
    support.costs(db, 1, function() assert.equal(3, #ann.orders) end)
    support.costs(db, 2, function() assert.equal(2, #ann.orders[1].items[1].words) end)
    db.session:expunge_all()
    ann = Customer.query:options(mr.lazyload(Customer.orders)):filter_by{ id = 1 }:one()
    support.costs(db, 3, function() assert.equal(3, #ann.orders) end)
    support.costs(db, 0, function() assert.equal(2, #ann.orders[1].items[1].words) end)
  end)

  it("under a limit", function()
    local query = Customer.query:order_by(Customer.id):limit(1)
    support.costs(db, 3, function() assert.equal(1 + 9, walk(query:all())) end)
    db.session:expunge_all()
    support.costs(db, 4, function()
      assert.equal(1 + 9, walk(query:options(mr.subqueryload(Customer.addresses)):all()))
    end)
    db.session:expunge_all()
    local texts = support.statements(db, function()
      assert.equal(1 + 9, walk(query:options(mr.lazyload(Customer.addresses), mr.lazyload(Customer.orders)):all()))
    end)
    assert.is_nil(texts[1]:find "JOIN")
  end)
end)

describe("options over lazy relationships", function()
  before_each(function() open() end)

  it("'*' changes all, at each level", function()
    -- Both sides of a customer's relationships lead back: they are not followed for ever.
    assert.same({ 1, 0 }, cost(mr.joinedload(Customer.addresses), mr.joinedload(Customer.orders):joinedload(Order.items)
      :joinedload(Item.words)))
    assert.same({ 5, 0 }, cost(mr.subqueryload(Customer.addresses), mr.subqueryload(Customer.orders)
      :subqueryload(Order.items):subqueryload(Item.words)))
    local first = cost(mr.selectinload "*")
    assert.equal(0, first[2])
  end)

  it("'*' at each step of a path", function()
    local path = mr.joinedload(Customer.orders)
    assert.same({ 1, 4 + 5 }, cost(path:joinedload "*"))
    assert.same({ 1, 4 }, cost(mr.joinedload(Customer.orders):joinedload(Order.items):joinedload "*"))
    assert.same({ 4, 4 }, cost(mr.subqueryload(Customer.orders):subqueryload(Order.items):subqueryload "*"))
  end)

  it("'*' leaves what is named", function()
    assert.same({ 1, 4 + 4 + 5 + 5 }, cost(mr.lazyload(Customer.orders), mr.lazyload(Customer.addresses)))
    local texts = support.statements(db, function()
      Customer.query:options(mr.joinedload "*", mr.lazyload(Customer.addresses)):all()
    end)
    assert.matches('LEFT OUTER JOIN "order"', texts[1])
    assert.is_nil(texts[1]:find "customer.id = address_1.customer_id")
    texts = support.statements(db, function()
      Customer.query:options(mr.subqueryload "*", mr.joinedload(Customer.addresses)):filter_by{ id = 1 }:all()
    end)
    assert.matches("LEFT OUTER JOIN address", texts[1])
    db.session:expunge_all()
    texts = support.statements(db, function()
      Customer.query:options(mr.joinedload "*", mr.subqueryload(Customer.addresses)):filter_by{ id = 1 }:all()
    end)
    assert.is_nil(texts[1]:find "customer.id = address_1.customer_id")
    assert(#texts >= 2)
  end)

  it("'*' ends a path", function()
    refuse("ArgumentError", { 'joinedload: "*" ends a path' }, function()
      return mr.joinedload "*":joinedload(Order.items)
    end)
    refuse("ArgumentError", { 'load_only: "*" ends a path' }, function()
      return mr.joinedload(Customer.orders):lazyload "*":load_only(Order.note)
    end)
  end)

  it("an option follows what it loads", function()
    local customers
    local path = mr.lazyload(Customer.orders):joinedload(Order.items)
    support.costs(db, 1, function() customers = Customer.query:options(path):order_by(Customer.id):all() end)
    support.costs(db, 1, function()
      assert.equal("o1:1,2,3 o3:3,4,5 o5:5", market.shown(customers[1].orders, "note", "items", "id"))
    end)
    support.costs(db, 1, function()
      assert.equal("o2:1,2,3 o4:1,5", market.shown(customers[3].orders, "note", "items", "id"))
    end)
  end)

  it("go deep in their own order", function()
    local items = mr.joinedload(Customer.orders):joinedload(Order.items)
    assert.same({ 1, 4 + 5 }, cost(items))
    assert.same({ 2, 4 }, cost(items:subqueryload(Item.words)))
    assert.same({ 1, 4 + 4 + 5 }, cost(mr.defaultload(Customer.orders):defaultload(Order.items):joinedload(Item.words)))
    assert.same({ 1, 4 + 4 + 5 }, cost(mr.lazyload(Customer.orders):joinedload(Order.items)))
    assert.same({ 3, 4 }, cost(mr.selectinload(Customer.orders):selectinload(Order.items):joinedload(Item.words)))
  end)

  it("by a synonym", function()
    open(nil, function(all) all.Customer.towns = mr.synonym "addresses" end)
    for _, path in ipairs{ mr.joinedload(Customer.towns), mr.joinedload "towns" } do
      db.session:expunge_all()
      local ben
      support.costs(db, 1, function() ben = Customer.query:options(path):filter_by{ id = 2 }:one() end)
      support.costs(db, 0, function() assert.equal(3, #ben.towns) end)
    end
  end)

  it("are refused", function()
    local function with(make) return function() return Customer.query:options(make()):all() end end
    refuse("ArgumentError", { "Customer", "adresses", "addresses" },
      with(function() return mr.joinedload "adresses" end))
    refuse("ArgumentError", { "Customer.name", "relationship" }, with(function() return mr.joinedload "name" end))
    refuse("ArgumentError", { "Customer.orders", "columns" }, with(function() return mr.defer "orders" end))
    refuse("ArgumentError", { "joinedload" }, with(function() return mr.joinedload(5) end))
    refuse("ArgumentError", { "Order.items", "the query loads no Order" },
      with(function() return mr.joinedload(Order.items) end))
    refuse("ArgumentError", { "Item", "adresses" },
      with(function() return mr.joinedload(Customer.orders):joinedload(Order.items):joinedload "adresses" end))
  end)

  it("an inner join, as the relationship or the option says", function()
    local texts = support.costs(db, 1, function()
      Order.query:options(mr.joinedload(Order.customer, { innerjoin = true })):all()
    end)
    assert.matches('FROM "order" JOIN customer AS customer_1', texts[1])
    open{ address = { lazy = "joined", innerjoin = true } }
    texts = support.costs(db, 1, function() assert.equal(4, #Order.query:all()) end)
    assert.matches('FROM "order" JOIN address AS address_1', texts[1])
    texts = support.costs(db, 1, function()
      assert.equal(5, #Order.query:options(mr.joinedload(Order.address, { innerjoin = false })):all())
    end)
    assert.matches('FROM "order" LEFT OUTER JOIN address', texts[1])
  end)

  it("an inner join below an outer one is an outer one", function()
    local path = mr.joinedload(Customer.orders):joinedload(Order.items, { innerjoin = true })
    local texts = support.costs(db, 1, function() assert.equal(4, #Customer.query:options(path):all()) end)
    assert.is_nil(texts[1]:find " [^R] JOIN item")
    db.session:expunge_all()
    assert.equal("ann:1,3,5 ben: cid:2,4 dee:", market.shown(Customer.query:options(path):order_by(Customer.id):all(),
      "name", "orders", "id"))
  end)

  it("a join back to the parent is not made", function()
    open{ addresses = { lazy = "joined" }, customer = { lazy = "joined" } }
    local texts = support.costs(db, 1, function() Customer.query:all() end)
    assert.equal(1, select(2, texts[1]:gsub("LEFT OUTER JOIN", "")))
    db.session:expunge_all()
    local ben = db.session:get(Customer, 2)
    texts = support.costs(db, 0, function() return ben.addresses[1].customer end)
    assert.same({}, texts)
  end)

  it("of an attribute in SQL", function()
    open(nil, function(all)
      all.Customer.towns = mr.count_of "addresses"
    end)
    for _, name in ipairs{ "joinedload", "selectinload", "subqueryload" } do
      db.session:expunge_all()
      local addresses
      support.statements(db, function()
        addresses = Address.query:options(mr[name](Address.customer)):order_by(Address.id):all()
      end)
      support.costs(db, 0, function()
        assert.equal("Rome:1 Oslo:3 Bern:3 Kiel:3 Cork:1", market.shown(addresses, "town", "customer", "towns"))
      end)
    end
    assert.equal("ben", Customer.query:order_by(Customer.towns:desc()):options(mr.joinedload(Customer.addresses))
      :first().name)
  end)

  it("a limit and a join of the query's own", function()
    local query = Item.query:join(Item.words):filter(Word.text:ne "new"):order_by(Item.id):distinct()
    support.costs(db, 1, function()
      assert.equal("i2:red i3:old,new", market.shown(query:options(mr.joinedload(Item.words)):limit(2):offset(1):all(),
        "name", "words", "text"))
    end)
    db.session:expunge_all()
    local orders = Order.query:join(Order.customer):filter(Customer.name:eq "ann"):order_by(Order.id:desc())
    support.costs(db, 1, function()
      local path = mr.joinedload(Order.address)
      assert.equal("o5:nil o3:Rome", market.shown(orders:options(path):limit(2):all(), "note", "address", "town"))
    end)
  end)
end)

describe("a lazy load", function()
  before_each(function() open() end)

  it("a reference asks by the key, and the identity map first", function()
    local order = db.session:get(Order, 1)
    local texts = support.costs(db, 1, function() assert.equal("Rome", order.address.town) end)
    assert.matches("FROM address WHERE address.id = %?$", texts[1])
    local other = db.session:get(Order, 3)
    support.costs(db, 0, function() assert.equal(order.address, other.address) end)
    local last = db.session:get(Order, 5)
    support.costs(db, 0, function() assert.is_nil(last.address) end)
  end)

  it("setting one side loads nothing", function()
    local order, ben = db.session:get(Order, 1), db.session:get(Customer, 2)
    support.costs(db, 0, function()
      order.customer = ben
      Order{ note = "new", customer = ben }
    end)
    support.costs(db, 3, function() assert.equal("ben:o1,new", market.shown({ ben }, "name", "orders", "note")) end)
  end)

  it("with a condition of its own, it is asked", function()
    open(nil, function(all)
      all.Trip = all.db.Model:extend("Trip", {
        __table = all.Order.__table,
        address = all.db.relationship{ "Address", viewonly = true },
        home    = all.db.relationship{ "Address", viewonly = true, uselist = false,
          primaryjoin = function()
            return all.Trip.address_id:eq(all.Address.id) & all.Address.town:ne "Cork"
          end },
      })
    end)
    local rome, cork = db.session:get(m.Trip, 1), db.session:get(m.Trip, 2)
    assert.equal("Cork", cork.address.town)
    support.costs(db, 2, function()
      assert.equal("Rome", rome.home.town)
      assert.is_nil(cork.home)
    end)
    local none = db.session:get(m.Trip, 5)
    support.statements(db, function() assert.is_nil(none.home) end)
  end)

  it("noload of a reference", function()
    open{ address = { lazy = "noload" } }
    local order = db.session:get(Order, 1)
    support.costs(db, 0, function() assert.is_nil(order.address) end)
    order = Order.query:options(mr.lazyload(Order.address)):populate_existing():filter_by{ id = 3 }:one()
    assert.equal("Rome", order.address.town)
  end)

  it("a detached object raises", function()
    local ben, order = db.session:get(Customer, 2), db.session:get(Order, 1)
    db.session:expunge_all()
    refuse("DetachedInstanceError", { "Customer 2", "addresses" }, function() return ben.addresses end)
    refuse("DetachedInstanceError", { "Order 1", "address" }, function() return order.address end)
  end)

  it("a condition with a subquery", function()
    open(nil, function(all)
      all.Buyer = all.db.Model:extend("Buyer", {
        __table = all.Customer.__table,
        latest  = all.db.relationship{ "Order", viewonly = true, uselist = false,
          primaryjoin = function()
            local other = mr.aliased(all.Order)
            return all.Buyer.id:eq(all.Order.customer_id) & all.Order.id:eq(mr.select(mr.func.max(other.id))
              :where(other.customer_id:eq(all.Order.customer_id)):scalar_subquery())
          end },
      })
    end)
    local Buyer, expected = m.Buyer, "ann:o5 ben:nil cid:o4 dee:nil"
    assert.equal(expected, market.shown(Buyer.query:order_by(Buyer.id):all(), "name", "latest", "note"))
    for _, name in ipairs{ "joinedload", "selectinload", "subqueryload", "batchload" } do
      db.session:expunge_all()
      local query = Buyer.query:order_by(Buyer.id):options(mr[name](Buyer.latest))
      assert.equal(expected, market.shown(query:all(), "name", "latest", "note"))
    end
  end)
end)

describe("columns behind a path", function()
  local Page, Book
  before_each(function()
    open(nil, function(all)
      Page = all.db.Model:extend("Page", {
        id       = all.db.Column{ all.db.Integer, primary_key = true },
        order_id = all.db.Column{ all.db.Integer, all.db.ForeignKey "order.id" },
        text     = all.db.Column{ all.db.String, deferred = true, deferred_group = "long" },
        more     = all.db.Column{ all.db.String, deferred = true, deferred_group = "long" },
      })
      Book = all.db.Model:extend("Book", {
        __table = all.Order.__table,
        pages   = all.db.relationship{ "Page", order_by = "Page.id" },
      })
    end)
    db.session:execute(mr.insert(Page), { { order_id = 1, text = "t", more = "m" } })
    db.session:commit()
  end)

  it("undefer_group behind a path", function()
    for _, name in ipairs{ "lazyload", "selectinload", "subqueryload", "joinedload", "immediateload", "batchload" } do
      db.session:expunge_all()
      local book = Book.query:options(mr[name](Book.pages):undefer_group "long"):filter_by{ id = 1 }:one()
      local page = book.pages[1]
      support.costs(db, 0, function() assert.equal("tm", page.text .. page.more) end)
    end
  end)

  it("load_only behind a path", function()
    for _, name in ipairs{ "lazyload", "selectinload", "subqueryload", "joinedload", "immediateload", "batchload" } do
      db.session:expunge_all()
      local ann = Customer.query:options(mr[name](Customer.orders):load_only(Order.note)):filter_by{ id = 1 }:one()
      local order = ann.orders[1]
      support.costs(db, 0, function() assert.equal("o1", order.note) end)
      support.costs(db, 1, function() assert.is_false(order.is_open) end)
      support.costs(db, 0, function() assert.equal("ann", ann.name) end)
    end
  end)
end)
