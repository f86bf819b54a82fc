-- The model of a small game, and its state: C reads and changes the same objects.

local mr = require "moonrow"

local db = mr.open "sqlite://"

local Monster = db.Model:extend("Monster", {
  id    = db.Column{ db.Integer, primary_key = true },
  name  = db.Column{ db.String(40), unique = true, nullable = false },
  hp    = db.Column{ db.Integer, nullable = false, default = 10 },
  angry = db.Column{ db.Boolean, nullable = false, default = false },
})
function Monster:__tostring()
  return ("<Monster %s, %d hp%s>"):format(self.name, self.hp, self.angry and ", angry" or "")
end

function Monster:hit(points)
  self.hp = self.hp - points
  self.angry = true
  return self.hp > 0
end

db:create_all()
db.session:add_all{
  Monster{ name = "troll", hp = 30 }, Monster{ name = "bat", hp = 3 }, Monster{ name = "slime" },
}
db.session:commit()

-- The monsters weaker than a limit.
local function weaker_than(limit)
  return Monster.query:filter(Monster.hp:lt(limit)):order_by(Monster.name):all()
end

return db, weaker_than -- for C
