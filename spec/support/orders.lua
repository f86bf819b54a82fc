-- orders.lua: users with addresses and orders, orders of items, items with keywords, and a tree of nodes: the rows that
-- SQLAlchemy's tests of queries use, so that their results can be compared with ours.

local mr = require "moonrow"

local M = {}

local function fill(db, m)
  local function add(class, names, rows)
    for _, row in ipairs(rows) do
      local values = {}
      for i, name in ipairs(names) do values[name] = row[i] end
      db.session:add(class(values))
    end
    db.session:flush()
  end
  add(m.User, { "id", "name" }, { { 7, "jack" }, { 8, "ed" }, { 9, "fred" }, { 10, "chuck" } })
  add(m.Address, { "id", "user_id", "email" }, { { 1, 7, "jack@bean.com" }, { 2, 8, "ed@wood.com" },
    { 3, 8, "ed@bettyboop.com" }, { 4, 8, "ed@lala.com" }, { 5, 9, "fred@fred.com" } })
  add(m.Order, { "id", "user_id", "address_id", "description", "isopen" }, { { 1, 7, 1, "order 1", 0 },
    { 2, 9, 4, "order 2", 0 }, { 3, 7, 1, "order 3", 1 }, { 4, 9, 4, "order 4", 1 }, { 5, 7, nil, "order 5", 0 } })
  add(m.Item, { "id", "description" },
    { { 1, "item 1" }, { 2, "item 2" }, { 3, "item 3" }, { 4, "item 4" }, { 5, "item 5" } })
  add(m.Keyword, { "id", "name" }, { { 1, "blue" }, { 2, "red" }, { 3, "green" }, { 4, "big" }, { 5, "small" },
    { 6, "round" }, { 7, "square" } })
  add(m.Node, { "id", "parent_id", "data" }, { { 1, nil, "n1" }, { 2, 1, "n11" }, { 3, 1, "n12" }, { 4, 1, "n13" },
    { 5, 3, "n121" }, { 6, 3, "n122" }, { 7, 3, "n123" } })
  local function link(table_, names, pairs_)
    for _, pair in ipairs(pairs_) do
      db.session:execute(mr.insert(table_):values{ [names[1]] = pair[1], [names[2]] = pair[2] })
    end
  end
  link(m.order_item, { "order_id", "item_id" }, { { 1, 1 }, { 1, 2 }, { 1, 3 }, { 2, 1 }, { 2, 2 }, { 2, 3 }, { 3, 3 },
    { 3, 4 }, { 3, 5 }, { 4, 1 }, { 4, 5 }, { 5, 5 } })
  link(m.item_keyword, { "item_id", "keyword_id" }, { { 1, 2 }, { 1, 4 }, { 1, 6 }, { 2, 2 }, { 2, 5 }, { 2, 7 },
    { 3, 3 }, { 3, 4 }, { 3, 6 } })
  db.session:commit()
  db.session:remove()
end

--- Opens a database in memory with the classes and their rows. The session is empty.
function M.filled()
  local db = mr.open "sqlite://"
  local m = { db = db }
  local function link(name, a, b)
    return db.Table(name, db.Column{ a .. "_id", db.Integer, db.ForeignKey(a .. ".id"), primary_key = true },
      db.Column{ b .. "_id", db.Integer, db.ForeignKey(b .. ".id"), primary_key = true })
  end
  local function id() return db.Column{ db.Integer, primary_key = true } end
  m.order_item, m.item_keyword = link("order_item", "order", "item"), link("item_keyword", "item", "keyword")
  m.User = db.Model:extend("User", { id = id(), name = db.Column{ db.String(30), nullable = false },
    addresses = db.relationship{ "Address", back_populates = "user", order_by = "Address.id" },
    orders = db.relationship{ "Order", back_populates = "user", order_by = "Order.id" } })
  m.Address = db.Model:extend("Address", { id = id(), user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    email = db.Column{ db.String(50), nullable = false },
    user = db.relationship{ "User", back_populates = "addresses" } })
  m.Order = db.Model:extend("Order", { id = id(), user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    address_id = db.Column{ db.Integer, db.ForeignKey "address.id" }, description = db.Column{ db.String(30) },
    isopen = db.Column{ db.Integer }, user = db.relationship{ "User", back_populates = "orders" },
    address = db.relationship "Address",
    items = db.relationship{ "Item", secondary = m.order_item, order_by = "Item.id" } })
  m.Item = db.Model:extend("Item", { id = id(), description = db.Column{ db.String(30) },
    keywords = db.relationship{ "Keyword", secondary = m.item_keyword, order_by = "Keyword.id" } })
  m.Keyword = db.Model:extend("Keyword", { id = id(), name = db.Column{ db.String(30) } })
  m.Node = db.Model:extend("Node", { id = id(), parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
    data = db.Column{ db.String(30) },
    children = db.relationship{ "Node", back_populates = "parent", order_by = "Node.id" },
    parent = db.relationship{ "Node", back_populates = "children", remote_side = "Node.id" } })
  for _, name in ipairs{ "User", "Address", "Order", "Item", "Keyword", "Node" } do
    local letter = name:sub(1, 1)
    m[name].__tostring = function(object) return letter .. object.id end
  end
  db:create_all()
  fill(db, m)
  return m
end

return M
