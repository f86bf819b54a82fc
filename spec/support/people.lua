-- people.lua: a class with a column of each simple kind, and five committed rows, for specs of queries.

local mr = require "moonrow"

--- Opens a database in memory; returns it and its class Person. The session is empty. ids 1 to 5: ann 30, bob 25, cat
--- 35, dan 25, eve without an age.
return function()
  local db = mr.open "sqlite://"
  local Person = db.Model:extend("Person", {
    id     = db.Column{ db.Integer, primary_key = true },
    name   = db.Column{ db.String(50), nullable = false },
    age    = db.Column{ db.Integer },
    score  = db.Column{ db.Float },
    active = db.Column{ db.Boolean },
  })
  function Person:__tostring() return "<" .. self.name .. ">" end
  db:create_all()
  db.session:add_all{
    Person{ name = "ann", age = 30, score = 1.5, active = true },
    Person{ name = "bob", age = 25, score = 2.5, active = false },
    Person{ name = "cat", age = 35, active = true },
    Person{ name = "dan", age = 25, score = -1, active = true },
    Person{ name = "eve" },
  }
  db.session:commit()
  db.session:remove()
  return db, Person
end
