-- merge must lose nothing: objects that were only read, keys that occur twice, orphans, load = false.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local state = support.state

local history = support.history

--- Declares User -> orders -> lines, which delete orphans, and Order -> address.
local function shop(options)
  options = options or {}
  local db = mr.open "sqlite://"
  local m = { db = db }
  local function id() return db.Column{ db.Integer, primary_key = true } end
  local function name() return db.Column{ db.String(20) } end
  local function to(column) return db.Column{ db.Integer, db.ForeignKey(column) } end
  m.User = db.Model:extend("User", {
    id = id(), name = name(),
    orders = db.relationship{ "Order", backref = "user", cascade = options.orders or "all, delete-orphan",
                              order_by = "Order.id" },
  })
  m.Order = db.Model:extend("Order", {
    id = id(), name = name(), user_id = to "user.id", address_id = to "address.id",
    lines = db.relationship{ "Line", backref = "order", cascade = "all, delete-orphan" },
    address = db.relationship{ "Address", cascade = options.address or "save-update, merge",
                               single_parent = options.address and true or nil },
  })
  m.Address = db.Model:extend("Address", { id = id(), name = name() })
  m.Line = db.Model:extend("Line", { id = id(), name = name(), order_id = to "order.id" })
  db:create_all()
  return m
end

local function store(m, ...)
  m.db.session:add_all{ ... }
  m.db.session:commit()
  m.db.session:remove()
end

local function costs(m, n, fn) return support.costs(m.db, n, fn) end

describe("merge of a new object", function()
  local m, db, User, Order, Address
  local function open(options)
    m = shop(options)
    db, User, Order, Address = m.db, m.User, m.Order, m.Address
  end
  before_each(function() open() end)

  it("whose collection was only looked at leaves the row's collection alone", function()
    store(m, User{ id = 4, name = "ann", orders = { Order{ name = "o" } } })
    local source = User{ id = 4 }
    assert.equal(0, #source.orders)
    assert.is_nil(source.name)
    local ann = db.session:merge(source)
    assert.equal(1, #ann.orders)
    assert.equal("ann", ann.name)
    costs(m, 0, function() db.session:flush() end)
    local pending = User{ id = 4 }
    local other = mr.Session(db.engine)
    other:add(pending)
    assert.equal(0, #pending.orders)
    assert.equal(1, #db.session:merge(pending).orders)
    other:close()
  end)

  it("whose collection was set to nothing, or emptied, empties it", function()
    store(m, User{ id = 4, name = "ann", orders = { Order{ id = 1 }, Order{ id = 2 } } })
    local emptied = User{ id = 4, orders = { Order{ id = 1 } } }
    emptied.orders:clear()
    assert.equal(0, #db.session:merge(emptied).orders)
    db.session:rollback()
    local ann = db.session:merge(User{ id = 4, orders = {}, name = mr.null })
    assert.equal(0, #ann.orders)
    assert.is_nil(ann.name)
    db.session:commit()
    assert.equal(0, Order.query:count())
    store(m, User{ id = 5, orders = { Order{ id = 3 } } })
    local assigned = User{ id = 5 }
    assigned.orders = {}
    db.session:merge(assigned)
    db.session:commit()
    assert.equal(0, Order.query:count())
  end)

  it("makes one object of one key, though the graph has two of it", function()
    local user = db.session:merge(User{ id = 1, orders = {
      Order{ id = 1, address = Address{ id = 9, name = "first" } },
      Order{ id = 2, address = Address{ id = 9, name = "second" } },
      Order{ id = 3, address = Address{ name = "without a key" } },
      Order{ id = 4, address = Address{ name = "without a key" } },
    } })
    local orders = user.orders
    assert.is_true(rawequal(orders[1].address, orders[2].address))
    assert.equal("second", orders[1].address.name)
    assert.is_false(rawequal(orders[3].address, orders[4].address))
    db.session:commit()
    assert.equal(3, Address.query:count())
    assert.equal(9, orders[2].address_id)
  end)

  it("does so with keys of two columns, and of text", function()
    local one = mr.open "sqlite://"
    local Place = one.Model:extend("Place", {
      x = one.Column{ one.Integer, primary_key = true }, y = one.Column{ one.String(5), primary_key = true },
      label = one.Column{ one.String(5) },
      box = one.Column{ one.String(5), one.ForeignKey "box.name" },
    })
    local Box = one.Model:extend("Box", {
      name = one.Column{ one.String(5), primary_key = true }, places = one.relationship{ "Place" },
    })
    one:create_all()
    local box = one.session:merge(Box{ name = "b", places = {
      Place{ x = 1, y = "a", label = "1a" }, Place{ x = 1, y = "a", label = "again" }, Place{ x = 1, y = "b" },
    } })
    assert.equal("again", box.places[1].label)
    one.session:commit()
    assert.equal(2, Place.query:count())
  end)

  it("over a stored one with two of its key changes that one", function()
    store(m, Address{ id = 9, name = "stored" })
    local user = db.session:merge(User{ id = 1, orders = {
      Order{ id = 1, address = Address{ id = 9, name = "first" } }, Order{ id = 2, address = Address{ id = 9 } },
    } })
    assert.is_true(rawequal(user.orders[1].address, user.orders[2].address))
    assert.same({ { "first" }, { "stored" }, {} }, history(user.orders[1].address, "name"))
  end)

  it("with a collection of known and new ones adds, keeps and deletes", function()
    store(m, User{ id = 4, name = "u", orders = { Order{ id = 1, name = "a" }, Order{ id = 2, name = "b" },
                                                  Order{ id = 3, name = "c" } } })
    local merged
    costs(m, 2, function()
      merged = db.session:merge(User{ id = 4, orders = { Order{ id = 1, name = "A" }, Order{ name = "d" },
                                                         Order{ id = 3 } } })
    end)
    assert.same({ "A", "d", "c" }, { merged.orders[1].name, merged.orders[2].name, merged.orders[3].name })
    assert.equal("pending", state(merged.orders[2]))
    local gone = db.session:get(Order, 2)
    assert.same({ { merged.orders[2] }, { gone }, { merged.orders[1], merged.orders[3] } },
      history(merged, "orders"))
    db.session:commit()
    assert.equal("detached", state(gone))
    assert.equal(3, Order.query:count())
  end)

  it("takes an order from its parent", function()
    store(m, User{ id = 1, orders = { Order{ id = 1, name = "a" } } }, User{ id = 2 })
    local merged = db.session:merge(User{ id = 2, orders = { Order{ id = 1 } } })
    assert.equal("a", merged.orders[1].name)
    assert.equal(merged, merged.orders[1].user)
    db.session:commit()
    assert.equal(1, #merged.orders)
    assert.equal(0, #db.session:get(User, 1).orders)
  end)

  it("with another reference, or none, lets go of the orphan", function()
    open{ address = "all, delete-orphan" }
    store(m, Order{ id = 1, address = Address{ name = "a" } }, Order{ id = 2, address = Address{ name = "b" } })
    db.session:merge(Order{ id = 1, address = mr.null })
    db.session:merge(Order{ id = 2, address = Address{ name = "c" } })
    db.session:commit()
    assert.equal("c", Address.query:one().name)
  end)

  it("sees a deleted row as none, and one that is to be deleted as deleted", function()
    store(m, User{ id = 7, name = "old" })
    local old = db.session:get(User, 7)
    db.session:delete(old)
    db.session:no_autoflush(function(session) assert.is_true(rawequal(old, session:merge(User{ id = 7 }))) end)
    db.session:flush()
    assert.equal("deleted", state(old))
    local made = db.session:merge(User{ id = 7, name = "new" })
    assert.is_false(rawequal(old, made))
    db.session:commit()
    assert.equal("new", User.query:one().name)
  end)
end)

describe("merge with load = false", function()
  local m, db, User, Order, Line
  before_each(function()
    m = shop()
    db, User, Order, Line = m.db, m.User, m.Order, m.Line
    store(m, User{ id = 4, name = "u", orders = { Order{ id = 1, name = "a", lines = { Line{ name = "l" } } } } })
  end)

  it("takes a whole loaded graph without a statement, and finds nothing changed", function()
    local source = db.session:get(User, 4)
    assert.equal("l", source.orders[1].lines[1].name)
    db.session:expunge_all()
    local merged
    costs(m, 0, function()
      merged = db.session:merge(source, { load = false })
      assert.equal("l", merged.orders[1].lines[1].name)
      assert.equal(merged, merged.orders[1].user)
      db.session:flush()
    end)
    assert.is_false(rawequal(merged.orders[1], source.orders[1]))
    assert.same({ {}, {}, { merged.orders[1] } }, history(merged, "orders"))
    assert.same({ 0, 0 }, { #db.session.dirty, #db.session.new })
  end)

  it("leaves unloaded what the source has not loaded", function()
    local source = db.session:get(User, 4)
    db.session:expunge_all()
    local merged
    costs(m, 0, function() merged = db.session:merge(source, { load = false }) end)
    assert.same({ "id", "name" }, { table.unpack(mr.inspect(merged).loaded) })
    costs(m, 1, function() assert.equal(1, #merged.orders) end)
  end)

  it("takes its values over edits of the session's own", function()
    local source = db.session:get(User, 4)
    db.session:expunge(source)
    local own = db.session:get(User, 4)
    own.name = "edited"
    assert.is_true(rawequal(own, db.session:merge(source, { load = false })))
    assert.equal("u", own.name)
    costs(m, 0, function() db.session:flush() end)
  end)

  it("refuses a changed object deep in the graph, and has added nothing", function()
    local source = db.session:get(User, 4)
    local order = source.orders[1]
    db.session:expunge_all()
    order.name = "changed"
    refuse("InvalidRequestError", { "<Order 1>", "load = false" }, db.session.merge, db.session, source,
      { load = false })
    assert.equal(0, #db.session.identity_map)
  end)
end)
