-- Rows without objects: a batch of inserts with defaults, one of updates by primary key, and an import.

local mr = require "moonrow"

return {
  setup = function()
    local db = mr.open "sqlite://"
    local n = 0
    local Row = db.Model:extend("Row", {
      id   = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(20) },
      tag  = db.Column{ db.String(20), default = function() n = n + 1 return "tag " .. n end },
    })
    db:create_all()
    return { db = db, Row = Row }
  end,
  run = function(c)
    local session, Row = c.db.session, c.Row
    session:rollback()
    session:execute(mr.insert(Row), {
      { id = 1, name = "a" }, { id = 2, name = "b" }, { id = 3, name = mr.func.upper("c") },
    })
    session:execute(mr.update(Row), { { id = 1, name = "x" }, { id = 2, name = "y" } })
    session:import(Row, { { name = "d" }, { name = "e" }, { name = "f" } }, { batch = 2, progress = function() end })
    session:commit()
  end,
  check = function(c)
    local names = {}
    for _, row in ipairs(c.Row.query:order_by(c.Row.id):all()) do names[#names + 1] = row.name end
    assert(table.concat(names, ",") == "x,y,C,d,e,f", table.concat(names, ","))
  end,
}
