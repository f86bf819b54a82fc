-- Runs: several rows in sequence that set the same columns. There are runs of new, changed and deleted objects, and of
-- rows without objects. In some of them, one row in the middle sets other columns. After a failure the session is
-- rolled back, and everything is done again.

local model = dofile "spec/fault/operations/model.lua"
local mr = require "moonrow"

return {
  setup = function() return model(12) end,
  run = function(c)
    local session, User = c.db.session, c.User
    session:rollback()
    for i = 1, 6 do session:add(User{ name = "new " .. i, email = i ~= 4 and "n" .. i .. "@example.com" or nil }) end
    local users = User.query:order_by(User.id):limit(12):all()
    for i = 1, 5 do users[i].name = "changed " .. i end
    users[3].email = "c3@example.com"
    for i = 8, 12 do session:delete(users[i]) end
    session:flush()
    local rows = {}
    for i = 1, 5 do rows[i] = { name = "row " .. i, email = i ~= 3 and "r" .. i .. "@example.com" or mr.null } end
    session:execute(mr.insert(User), rows)
    session:commit()
  end,
  check = function(c)
    local names = {}
    for _, user in ipairs(c.User.query:order_by(c.User.id):all()) do names[#names + 1] = user.name end
    local wanted = "changed 1,changed 2,changed 3,changed 4,changed 5,user 6,user 7,new 1,new 2,new 3,new 4,new 5,"
      .. "new 6,row 1,row 2,row 3,row 4,row 5"
    assert(table.concat(names, ",") == wanted, table.concat(names, ","))
  end,
}
