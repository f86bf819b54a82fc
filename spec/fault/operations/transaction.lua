-- A transaction that is run again after a stale row, a read-only one, and objects made transient.

local mr = require "moonrow"
local model = dofile "spec/fault/operations/model.lua"

return {
  setup = function() return model(2) end,
  run = function(c)
    local session, User = c.db.session, c.User
    session:rollback()
    User.query:filter_by{ email = "copy@example.com" }:delete() -- of a run that failed after its commit
    session:commit()
    session:begin(function(s) assert(s:query(User):count() >= 2) end, { read_only = true })
    local runs = 0
    session:retry(function(s)
      runs = runs + 1
      local user = s:get(User, 1)
      local copy = s:get(User, 2)
      mr.make_transient(copy)
      copy.id, copy.email = nil, "copy@example.com"
      s:add(copy)
      user.name = "changed"
      s:flush()
      if runs == 1 then s:execute(mr.update(User), { { id = 99, name = "nobody" } }) end
    end, { sleep = function() end })
  end,
  check = function(c)
    assert(c.User.query:count() == 3)
    assert(c.db.session:get(c.User, 1).name == "changed")
  end,
}
