-- UPDATE and DELETE by a query, pages, a recursive cte and a text with values.

local mr = require "moonrow"
local model = dofile "spec/fault/operations/model.lua"

return {
  setup = function() return model(4) end,
  run = function(c)
    local User, session = c.User, c.db.session
    session:rollback()
    c.users = User.query:order_by(User.id):all()
    c.updated = User.query:filter(User.id:gt(2)):update{ name = "changed" }
    c.fetched = User.query:filter(User.name:like "%1"):update{ name = User.name .. "!" }
    c.deleted = User.query:filter_by{ id = 4 }:delete()
    c.page = User.query:order_by(User.id):paginate{ page = 2, per_page = 2 }
    local base = mr.select(mr.literal(1):label "n"):cte{ "numbers", recursive = true }
    local all = base:union_all(mr.select((base.c.n + 1):label "n"):where(base.c.n:lt(4)))
    c.sum = session:scalar(mr.select(mr.func.sum(all.c.n)))
    c.text = session:scalar(mr.text("SELECT name FROM user WHERE id = :id"):bindparams{ id = 1 })
    c.states = { mr.inspect(c.users[3]).state, mr.inspect(c.users[4]).state }
    c.names = c.users[1].name .. " " .. c.users[3].name
    session:rollback()
  end,
  check = function(c)
    assert(c.updated == 2 and c.fetched == 1 and c.deleted == 1)
    assert(c.page.total == 3 and #c.page.items == 1 and c.page.items[1].id == 3)
    assert(c.sum == 10 and c.text == "user 1!" and c.names == "user 1! changed")
    assert(c.states[1] == "persistent" and c.states[2] == "deleted")
    assert(mr.inspect(c.users[4]).state == "persistent")
    assert(c.users[4].name == "user 4" and c.users[1].name == "user 1")
  end,
}
