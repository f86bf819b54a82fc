-- Decimals: made and calculated with in Lua, written, compared, sorted and added up by the database.

local mr = require "moonrow"

local D = mr.decimal

return {
  setup = function()
    local db = mr.open "sqlite://"
    local Item = db.Model:extend("Item", {
      id = db.Column{ db.Integer, primary_key = true },
      price = db.Column{ db.Numeric(40, 2) },
      cents = db.Column{ db.Numeric(10, 2, { storage = "scaled" }) },
    })
    db:create_all()
    return { db = db, Item = Item }
  end,
  run = function(c)
    local session, Item = c.db.session, c.Item
    session:rollback()
    session:execute(mr.delete(Item))
    local large = D "12345678901234567890123456789.25"
    assert(large * large / 3 - large ^ 2 % 7 ~= large)
    for i = 1, 4 do session:add(Item{ price = large * i + D "0.5", cents = (D "1.5" * i):round(2) }) end
    session:flush()
    local query = Item.query:filter(Item.price:gt(large), (Item.price * 2):lt(large * 9)):order_by(Item.price:desc())
    local list = query:all()
    assert(#list == 4 and list[4].price == large + D "0.5" and list[1].cents == D "6")
    list[1].price = "7.5"
    session:execute(mr.update(Item):where(Item.cents:lt(2)):values{ price = Item.price / 4,
      cents = Item.cents * D "1.1" })
    c.sum = session:query(mr.func.sum(Item.price) + mr.func.avg(Item.cents)):scalar()
    session:commit()
  end,
  check = function(c) assert(tostring(c.sum) == "64814814231481481423148148155.5375", tostring(c.sum)) end,
}
