-- A model and some rows for the operations.

local mr = require "moonrow"

return function(rows)
  local db = mr.open "sqlite://"
  local User = db.Model:extend("User", {
    id    = db.Column{ db.Integer, primary_key = true },
    name  = db.Column{ db.String(20), nullable = false },
    email = db.Column{ db.String(40), unique = true },
  })
  db:create_all()
  for i = 1, rows do db.session:add(User{ name = "user " .. i, email = i .. "@example.com" }) end
  db.session:commit()
  return { db = db, User = User }
end
