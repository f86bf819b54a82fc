-- A flush of inserts, an update and a delete. After a failed one the session is rolled back, and all is done again.

local model = dofile "spec/fault/operations/model.lua"

return {
  setup = function() return model(3) end,
  run = function(c)
    local session, User = c.db.session, c.User
    session:rollback()
    session:add(User{ name = "new one", email = "n1@example.com" })
    session:add(User{ name = "new two", email = "n2@example.com" })
    session:get(User, 1).name = "changed"
    session:delete(session:get(User, 2))
    session:commit()
  end,
  check = function(c)
    local names = {}
    for _, user in ipairs(c.User.query:order_by(c.User.id):all()) do names[#names + 1] = user.name end
    assert(table.concat(names, ",") == "changed,user 3,new one,new two", table.concat(names, ","))
  end,
}
