-- get from the database and from the identity map, refresh, expire, and lazy reading after a commit.

local model = dofile "spec/fault/operations/model.lua"

return {
  setup = function() return model(2) end,
  run = function(c)
    local session, User = c.db.session, c.User
    c.one = session:get(User, 1)
    assert(session:get(User, 1) == c.one)
    session:refresh(c.one)
    session:expire(c.one)
    c.name = c.one.name
    c.none = session:get(User, 99)
  end,
  check = function(c) assert(c.name == "user 1" and c.none == nil and c.one.id == 1) end,
}
