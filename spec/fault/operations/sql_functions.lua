-- Functions, an aggregate and a collation of SQL, that are called; and a database that is copied away and back.

local mr = require "moonrow"
local model = dofile "spec/fault/operations/model.lua"

return {
  setup = function()
    local c = model(4)
    c.path = os.tmpname()
    return c
  end,
  run = function(c)
    local session, engine = c.db.session, c.db.engine
    session:rollback()
    engine:create_function("shout", function(...) return select("#", ...) .. tostring((...)):upper() end)
    engine:create_aggregate("joined", {
      args = 1,
      step = function(list, value) list[#list + 1] = value end,
      finish = function(list) return table.concat(list, ",") end,
    })
    engine:create_collation("backwards", function(a, b) return a < b and 1 or a > b and -1 or 0 end)
    c.shout = session:scalar(mr.text "SELECT shout('a', 1, 2, 3, 4, 5, 6, 7, 8, 9)")
    c.joined = session:scalar(mr.text "SELECT joined(id) FROM user")
    c.last = session:scalar(mr.text "SELECT name FROM user ORDER BY name COLLATE backwards LIMIT 1")
    session:rollback()
    c.db:backup(c.path, { pages = 1, progress = function(done, total) c.done, c.total = done, total end })
    c.db:restore(c.path)
    c.problems = #c.db:integrity_check()
  end,
  check = function(c)
    os.remove(c.path)
    assert(c.shout == "10A" and c.joined == "1,2,3,4" and c.last == "user 4" and c.done == c.total)
    assert(c.problems == 0 and c.User.query:count() == 4)
  end,
}
