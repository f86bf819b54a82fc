-- A transaction with a savepoint, rolled back: everything is as before.

local model = dofile "spec/fault/operations/model.lua"

return {
  setup = function() return model(2) end,
  run = function(c)
    local session, User = c.db.session, c.User
    session:rollback()
    local user = session:get(User, 1)
    user.name = "outer"
    local savepoint = session:begin_nested()
    session:add(User{ name = "inner", email = "inner@example.com" })
    user.name = "inner"
    session:flush()
    savepoint:rollback()
    assert(user.name == "outer")
    session:rollback()
    c.user = user
  end,
  check = function(c)
    assert(c.user.name == "user 1")
    assert(c.User.query:count() == 2)
  end,
}
