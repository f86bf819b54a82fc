-- market.lua: customers with addresses and orders, the items of orders, and the words for items: for specs of loading.

local mr = require "moonrow"

local M = {}

--- Opens a database in memory with Customer <- Address, Customer <- Order -> Address, Order <-> Item <-> Word, and
--- rows. options: { addresses = { lazy = ... }, ... } for the relationships of these names: addresses, orders (of a
--- customer), customer, address, items (of an order), words (of an item). extra(m): declares more before the tables are
--- made.
---
--- ann has an address and the orders 1, 3, 5; ben has three addresses; cid has one, and the orders 2, 4; dee has
--- nothing. Order 1 has the items 1 2 3, order 2 has 1 2 3, order 3 has 3 4 5, order 4 has 1 5, order 5 has 5; order 5
--- has no address.
function M.open(options, extra)
  options = options or {}
  local db = mr.open "sqlite://"
  local m = { db = db }
  local function relationship(name, given)
    for key, value in pairs(options[name] or {}) do given[key] = value end
    return db.relationship(given)
  end
  local function key() return db.Column{ db.Integer, primary_key = true } end
  local function link(name, a, b)
    return db.Table(name, db.Column{ a .. "_id", db.ForeignKey(a .. ".id"), primary_key = true },
      db.Column{ b .. "_id", db.ForeignKey(b .. ".id"), primary_key = true })
  end
  m.order_item, m.item_word = link("order_item", "order", "item"), link("item_word", "item", "word")
  m.Customer = db.Model:extend("Customer", {
    id        = key(),
    name      = db.Column{ db.String },
    addresses = relationship("addresses", { "Address", back_populates = "customer", order_by = "Address.id" }),
    orders    = relationship("orders", { "Order", back_populates = "customer", order_by = "Order.id" }),
  })
  m.Address = db.Model:extend("Address", {
    id          = key(),
    town        = db.Column{ db.String },
    customer_id = db.Column{ db.Integer, db.ForeignKey "customer.id" },
    customer    = relationship("customer", { "Customer", back_populates = "addresses" }),
  })
  m.Order = db.Model:extend("Order", {
    id          = key(),
    note        = db.Column{ db.String },
    is_open     = db.Column{ db.Boolean },
    customer_id = db.Column{ db.Integer, db.ForeignKey "customer.id" },
    address_id  = db.Column{ db.Integer, db.ForeignKey "address.id" },
    customer    = db.relationship{ "Customer", back_populates = "orders" },
    address     = relationship("address", { "Address" }),
    items       = relationship("items", { "Item", secondary = m.order_item, order_by = "Item.id" }),
  })
  m.Item = db.Model:extend("Item", {
    id    = key(),
    name  = db.Column{ db.String },
    words = relationship("words", { "Word", secondary = m.item_word, order_by = "Word.id" }),
  })
  m.Word = db.Model:extend("Word", { id = key(), text = db.Column{ db.String } })
  if extra then extra(m) end
  db:create_all()
  local function fill(class, rows) db.session:execute(mr.insert(class), rows) end
  fill(m.Customer, { { id = 1, name = "ann" }, { id = 2, name = "ben" }, { id = 3, name = "cid" },
    { id = 4, name = "dee" } })
  fill(m.Address, { { id = 1, town = "Rome", customer_id = 1 }, { id = 2, town = "Oslo", customer_id = 2 },
    { id = 3, town = "Bern", customer_id = 2 }, { id = 4, town = "Kiel", customer_id = 2 },
    { id = 5, town = "Cork", customer_id = 3 } })
  fill(m.Order, { { id = 1, note = "o1", is_open = false, customer_id = 1, address_id = 1 },
    { id = 2, note = "o2", is_open = false, customer_id = 3, address_id = 5 },
    { id = 3, note = "o3", is_open = true, customer_id = 1, address_id = 1 },
    { id = 4, note = "o4", is_open = true, customer_id = 3, address_id = 5 },
    { id = 5, note = "o5", is_open = false, customer_id = 1, address_id = mr.null } })
  for i, word in ipairs{ "red", "big", "old", "new" } do fill(m.Word, { { id = i, text = word } }) end
  for i = 1, 5 do fill(m.Item, { { id = i, name = "i" .. i } }) end
  local function links(table, a, b, text)
    for x, y in text:gmatch "(%d):(%d)" do
      fill(table, { { [a] = tonumber(x), [b] = tonumber(y) } })
    end
  end
  links(m.order_item, "order_id", "item_id", "1:1 1:2 1:3 2:1 2:2 2:3 3:3 3:4 3:5 4:1 4:5 5:5")
  links(m.item_word, "item_id", "word_id", "1:1 1:2 2:1 3:3 3:4 4:2 4:4")
  db.session:commit()
  db.session:remove()
  return m
end

--- "ann:1 ben:2,3,4 cid:5 dee:": an attribute of each object, and the attribute `of` of what is in its collection, or
--- of the object that it refers to.
function M.shown(objects, name, collection, of)
  local lines = {}
  for i, object in ipairs(objects) do
    local value, parts = object[collection], {}
    if value == nil then
      parts[1] = "nil"
    elseif debug.getmetatable(value).__name == "collection" then
      for k, item in ipairs(value) do parts[k] = tostring(item[of]) end
    else
      parts[1] = tostring(value[of])
    end
    lines[i] = tostring(object[name]) .. ":" .. table.concat(parts, ",")
  end
  return table.concat(lines, " ")
end

return M
