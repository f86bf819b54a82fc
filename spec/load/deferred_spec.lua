-- Deferred columns: they are loaded at the first read, with their group in one SELECT; and the effect of expire,
-- refresh, merge and loader options.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local db, User, Order

local function open()
  db = mr.open "sqlite://"
  Order = db.Model:extend("Order", {
    __tablename = "orders",
    id      = db.Column{ db.Integer, primary_key = true },
    name    = db.Column{ db.String(30), deferred_group = "details" },
    open    = db.deferred{ db.Column{ db.Integer }, group = "details" },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id", deferred = true, deferred_group = "details" },
    note    = db.deferred(db.Column{ db.Text }),
    plain   = db.Column{ db.String(30) },
    user    = db.relationship{ "User", backref = db.backref{ "orders", order_by = "Order.id" } },
  })
  User = db.Model:extend("User", {
    id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String(30) },
  })
  db:create_all()
  db.session:add(User{ id = 1, name = "u", orders = {
    Order{ id = 1, name = "n1", open = 1, note = "x1", plain = "p1" },
    Order{ id = 2, name = "n2", open = 2, note = "x2", plain = "p2" },
  } })
  db.session:commit()
  db.session:remove()
end

local function costs(n, fn) return support.costs(db, n, fn) end

local function loaded(object)
  local names = { table.unpack(mr.inspect(object).loaded) }
  table.sort(names)
  return table.concat(names, " ")
end

local history = support.history

local function first() return db.session:get(Order, 1) end
local function with(option) return Order.query:options(option):order_by(Order.id):all() end
local function sql(text) db.session:execute(mr.text(text)) end

local SELECT_GROUP = "SELECT orders.name AS orders_name, orders.open AS orders_open, "
  .. "orders.user_id AS orders_user_id FROM orders WHERE orders.id = ?"
local ALL = "id name note open plain user_id"

describe("a deferred column", function()
  before_each(open)

  it("is not loaded with the object, and comes alone when it is read", function()
    local texts = costs(1, function() Order.query:all() end)
    assert.equal("SELECT orders.id AS orders_id, orders.plain AS orders_plain FROM orders", texts[1])
    local order = first()
    assert.equal("id plain", loaded(order))
    texts = costs(1, function() assert.equal("x1", order.note) end)
    assert.equal("SELECT orders.note AS orders_note FROM orders WHERE orders.id = ?", texts[1])
    costs(0, function() assert.equal("x1", order.note) end)
    assert.equal("id note plain", loaded(order))
  end)

  it("of a group brings the group in one SELECT", function()
    local order = first()
    local texts = costs(1, function()
      assert.equal("n1", order.name)
      assert.equal(1, order.open)
      assert.equal(1, order.user_id)
    end)
    assert.equal(SELECT_GROUP, texts[1])
    assert.equal("id name open plain user_id", loaded(order))
    costs(1, function() assert.equal("x1", order.note) end)
    local other = db.session:get(Order, 2)
    costs(1, function() assert.equal(2, other.open) end) -- each object loads its own group
  end)

  it("is not loaded to be set, nor to be written", function()
    local order = first()
    costs(0, function() order.name = "new" end)
    assert.same({ { "new" }, {}, {} }, history(order, "name"))
    local texts = costs(1, function() db.session:flush() end)
    assert.equal("UPDATE orders SET name=? WHERE orders.id = ?", texts[1])
    costs(0, function() assert.equal("new", order.name) end)
    costs(1, function() assert.equal(1, order.open) end)
    assert.equal("new", order.name)
  end)

  it("that was set keeps the edit when its group is loaded", function()
    local order = first()
    order.name = "new"
    db.session:no_autoflush(function()
      costs(1, function() assert.equal(1, order.open) end)
      assert.equal("new", order.name)
      assert.same({ { "new" }, {}, {} }, history(order, "name"))
    end)
    db.session:commit()
    assert.equal("new", order.name)
  end)

  it("has a history once it is loaded", function()
    local order = first()
    assert.same({ {}, {}, {} }, history(order, "note"))
    assert.equal("x1", order.note)
    assert.same({ {}, {}, { "x1" } }, history(order, "note"))
    order.note = "z"
    assert.same({ { "z" }, { "x1" }, {} }, history(order, "note"))
    order.note = "x1"
    costs(0, function() db.session:flush() end)
  end)

  it("of a new object reads nil; after its INSERT nothing is left to load", function()
    local order = Order{ id = 9, note = "set" }
    assert.is_nil(order.name)
    db.session:add(order)
    db.session:flush()
    costs(0, function()
      assert.is_nil(order.name)
      assert.equal("set", order.note)
    end)
  end)

  it("is flushed before it is read", function()
    local order = first()
    db.session:add(User{ id = 5 })
    local texts = costs(2, function() assert.equal("x1", order.note) end)
    assert.matches("^INSERT", texts[1])
  end)

  it("of a row that is gone, and of a detached object, raises, and names it", function()
    local order = first()
    sql "DELETE FROM orders WHERE id = 1"
    refuse("ObjectDeletedError", "<Order 1>", function() return order.note end)
    db.session:rollback()
    assert.equal("x1", order.note)
    local other = db.session:get(Order, 2)
    db.session:expunge(other)
    refuse("DetachedInstanceError", { "<Order 2>", "note" }, function() return other.note end)
    other.note = "new"
    assert.equal("new", other.note)
    db.session:add(other)
    costs(1, function() db.session:flush() end)
  end)

  it("may be a foreign key: its reference loads it", function()
    local order = first()
    costs(2, function() assert.equal("u", order.user.name) end)
    local other = db.session:get(Order, 2)
    costs(1, function() assert.equal("u", other.user.name) end)
  end)

  it("may be a foreign key that a reference or the parent's deletion clears", function()
    local order = first()
    costs(0, function() order.user = nil end)
    local texts = costs(1, function() db.session:flush() end)
    assert.equal("UPDATE orders SET user_id=? WHERE orders.id = ?", texts[1])
    assert.is_nil(order.user_id)
    db.session:delete(db.session:get(User, 1))
    db.session:commit()
    assert.is_nil(db.session:get(Order, 2).user_id)
  end)

  it("is not loaded to delete the object", function()
    db.session:delete(first())
    costs(1, function() db.session:flush() end)
  end)

  it("is used in queries as any other", function()
    assert.equal(2, Order.query:filter(Order.note:eq "x2"):one().id)
    assert.equal("n1", db.session:scalar(mr.select(Order.name):order_by(Order.note)))
  end)

  it("may come from a mixin, and an abstract base", function()
    local one = mr.open "sqlite://"
    local Base = one.Model:extend("Base", { __abstract = true, memo = one.Column{ one.Text, deferred = true } })
    local mixin = { body = one.deferred{ one.Column{ one.Text }, group = "g" } }
    for _, name in ipairs{ "A", "B" } do
      local Class = Base:extend(name, { mixin, id = one.Column{ one.Integer, primary_key = true } })
      assert.equal(("SELECT %s.id AS %s_id FROM %s"):format(name:lower(), name:lower(), name:lower()),
        tostring(Class.query))
    end
  end)

  it("is no primary key; deferred takes a column; a group implies it", function()
    refuse("ArgumentError", { "'id'", "primary key" }, function()
      return db.Column{ "id", db.Integer, primary_key = true, deferred = true }
    end)
    refuse("ArgumentError", "primary key", function()
      return db.deferred(db.Column{ db.Integer, primary_key = true })
    end)
    refuse("ArgumentError", { "deferred", "Column" }, function() return db.deferred(db.Integer) end)
    refuse("ArgumentError", { "grup", "group" }, function()
      return db.deferred{ db.Column{ db.Integer }, grup = "x" }
    end)
    assert.equal("id plain", loaded(first()))
  end)
end)

describe("undefer and defer", function()
  before_each(open)

  it("load with the query what is named", function()
    local order
    costs(1, function() order = with(mr.undefer "note")[1] end)
    costs(0, function() assert.equal("x1", order.note) end)
    assert.equal("id note plain", loaded(order))
  end)

  it("of a group loads all of it", function()
    local order
    costs(1, function() order = with(mr.undefer_group "details")[1] end)
    assert.equal("id name open plain user_id", loaded(order))
  end)

  it("of one of a group leaves the others, which come together", function()
    local order = with(mr.undefer "name")[1]
    assert.equal("id name plain", loaded(order))
    costs(1, function() assert.equal(1, order.open) end)
    assert.equal(1, order.user_id)
  end)

  it("fill an object that is there already, and overwrite no edit", function()
    local order, other = first(), db.session:get(Order, 2)
    other.note = "edited"
    db.session:no_autoflush(function() costs(1, function() with(mr.undefer "note") end) end)
    costs(0, function() assert.equal("x1", order.note) end)
    assert.equal("edited", other.note)
  end)

  it("take columns, and several options", function()
    local order = Order.query:options(mr.undefer(Order.note), mr.undefer(Order.open)):first()
    assert.equal("id note open plain", loaded(order))
  end)

  it("leave out what is named; load_only leaves out the rest", function()
    local order = with(mr.defer "plain")[1]
    assert.equal("id", loaded(order))
    costs(1, function() assert.equal("p1", order.plain) end)
    db.session:expunge_all()
    order = with(mr.load_only "note")[1]
    assert.equal("id note", loaded(order))
  end)

  it("go through joined, selectin and lazy loading", function()
    local user
    costs(1, function() user = User.query:options(mr.joinedload "orders":undefer_group "details"):one() end)
    costs(0, function() assert.equal("n1", user.orders[1].name) end)
    db.session:expunge_all()
    costs(2, function() user = User.query:options(mr.selectinload "orders":undefer "note"):one() end)
    costs(0, function() assert.equal("x1", user.orders[1].note) end)
    db.session:expunge_all()
    user = User.query:options(mr.defaultload "orders":undefer "note"):one()
    costs(1, function() assert.equal("x1", user.orders[1].note) end)
  end)
end)

describe("expire and refresh of deferred columns", function()
  before_each(open)

  it("an expired object is read without them, and they by themselves", function()
    local order = first()
    assert.equal("x1", order.note)
    assert.equal("n1", order.name)
    assert.equal(ALL, loaded(order))
    db.session:expire(order)
    costs(1, function() assert.equal("p1", order.plain) end)
    assert.equal("id plain", loaded(order))
    costs(1, function() assert.equal("n1", order.name) end)
    db.session:commit()
    costs(2, function()
      assert.equal("x1", order.note)
      assert.equal("p1", order.plain)
    end)
    assert.equal("id note plain", loaded(order))
  end)

  it("by name: one that is loaded is read again, one that is not stays deferred", function()
    local order = first()
    assert.equal("x1", order.note)
    sql "UPDATE orders SET note = 'q'"
    db.session:expire(order, { "note", "name" })
    assert.equal("id plain", loaded(order))
    costs(0, function() assert.equal("p1", order.plain) end)
    costs(1, function() assert.equal("q", order.note) end)
    assert.equal("id note plain", loaded(order))
  end)

  it("of a plain column does not bring them", function()
    local order = first()
    db.session:expire(order, { "plain" })
    costs(1, function() assert.equal("x1", order.note) end)
    assert.equal("id note", loaded(order))
    costs(1, function() assert.equal("p1", order.plain) end)
  end)

  it("of one of a group and a plain one: each is read on its own", function()
    local order = first()
    assert.equal("n1", order.name)
    db.session:expire(order, { "name", "plain" })
    costs(1, function() assert.equal("p1", order.plain) end)
    assert.equal("id open plain user_id", loaded(order))
    costs(1, function() assert.equal("n1", order.name) end)
  end)

  it("refresh leaves them out, unless they are named", function()
    local order = first()
    assert.equal("x1", order.note)
    costs(1, function() db.session:refresh(order) end)
    assert.equal("id plain", loaded(order))
    costs(1, function() db.session:refresh(order, { "note" }) end)
    assert.equal("id note plain", loaded(order))
    costs(1, function() db.session:refresh(order, { "name" }) end)
    assert.equal(ALL, loaded(order))
  end)

  it("the query's undefer counts for a refresh; it does not outlive an expiry", function()
    local order = with(mr.undefer "note")[1]
    costs(1, function() db.session:refresh(order) end)
    assert.equal("id note plain", loaded(order))
    db.session:expire(order)
    costs(1, function() assert.equal("p1", order.plain) end)
    assert.equal("id plain", loaded(order))
  end)

  it("edits are lost by expire_all and rollback", function()
    local order = first()
    db.session:no_autoflush(function(session)
      order.note = "edited"
      session:expire_all()
      assert.equal("x1", order.note)
    end)
    order.note = "edited"
    db.session:flush()
    db.session:rollback()
    assert.equal("", loaded(order))
    assert.equal("x1", order.note)
  end)
end)

describe("populate_existing", function()
  before_each(open)

  it("forgets what the query does not load: it is read again", function()
    local order = first()
    assert.equal("x1", order.note)
    sql "UPDATE orders SET note = 'q', plain = 'z'"
    costs(1, function() Order.query:populate_existing():all() end)
    assert.equal("id plain", loaded(order))
    assert.equal("z", order.plain)
    costs(1, function() assert.equal("q", order.note) end)
    Order.query:populate_existing():options(mr.load_only "note"):all()
    assert.equal("id note", loaded(order))
    costs(1, function() assert.equal("z", order.plain) end)
    Order.query:populate_existing():options(mr.undefer "note"):all()
    assert.equal("id note plain", loaded(order))
  end)

  it("loses edits of it, too", function()
    local order = first()
    db.session:no_autoflush(function()
      order.note = "edited"
      Order.query:populate_existing():all()
      assert.equal("x1", order.note)
    end)
    costs(0, function() db.session:flush() end)
  end)
end)

describe("merge of deferred columns", function()
  before_each(open)

  it("takes those that are set, and loads none", function()
    local merged
    costs(1, function() merged = db.session:merge(Order{ id = 1, note = "new" }) end)
    assert.equal("id note plain", loaded(merged))
    assert.same({ { "new" }, {}, {} }, history(merged, "note"))
    costs(1, function() db.session:flush() end)
    costs(1, function() assert.equal("n1", merged.name) end)
  end)

  it("leaves those that the source has not loaded, with and without load", function()
    for _, load in ipairs{ true, false } do
      local source = first()
      db.session:expunge(source)
      local merged
      costs(load and 1 or 0, function() merged = db.session:merge(source, { load = load }) end)
      assert.equal("id plain", loaded(merged))
      costs(1, function() assert.equal("x1", merged.note) end)
      db.session:expunge_all()
    end
  end)

  it("an object made detached by its key loads them when they are read", function()
    local order = Order{ id = 1 }
    mr.make_transient_to_detached(order)
    db.session:add(order)
    costs(1, function() assert.equal("p1", order.plain) end)
    assert.equal("id plain", loaded(order))
    costs(1, function() assert.equal("x1", order.note) end)
  end)
end)
