-- Declaring a class and making its table.

local mr = require "moonrow"
local tries = 0

return {
  setup = function() return { db = mr.open "sqlite://" } end,
  run = function(c)
    tries = tries + 1
    local db = c.db
    c.Model = db.Model:extend("Thing" .. tries, {
      id   = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(20), unique = true, default = "none" },
      made = db.Column{ db.DateTime, default = mr.now },
    })
    db:create_all()
  end,
  check = function(c)
    c.db.session:add(c.Model{})
    c.db.session:commit()
    assert(c.Model.query:one().name == "none")
  end,
}
