-- Queries: entities, columns, iteration, errors.

local model = dofile "spec/fault/operations/model.lua"

return {
  setup = function() return model(4) end,
  run = function(c)
    local User, session = c.User, c.db.session
    c.all = User.query:filter(User.name:like "user%" & User.id:gt(1)):order_by(User.id:desc()):limit(2):all()
    c.count = User.query:filter_by{ name = "user 3" }:count()
    c.names = {}
    for row in session:query(User.name, User.id):order_by(User.id):iter() do c.names[#c.names + 1] = row.name end
    c.first = User.query:filter(User.id:in_{ 2, 3 }):first()
  end,
  check = function(c)
    assert(#c.all == 2 and c.all[1].id == 4 and c.count == 1 and c.first.id == 2)
    assert(table.concat(c.names, ",") == "user 1,user 2,user 3,user 4")
  end,
}
