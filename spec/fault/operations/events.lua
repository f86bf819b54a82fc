-- Listeners of a session, a class, a base without a table, an attribute and an engine. They are called by a flush, and
-- then removed. One of them changes a row, and one queries.

local mr = require "moonrow"
local model = dofile "spec/fault/operations/model.lua"

local told

local listeners = {
  { "session", "before_flush", function(session) session:query(told.User):count() end },
  { "class", "before_insert", function(_, _, user) user.email = user.name .. "@listener" end },
  { "class", "after_insert", function(_, connection, user)
    told.count = connection:execute(mr.text "SELECT :id", { id = user.id }):scalar()
  end },
  { "attribute", "set", function(_, value) return value:upper() end, { retval = true } },
  { "base", "after_insert", function(_, _, user) told.of_base = user.id end },
  { "base", "before_insert", function(_, _, user) told.once = user.name end, { once = true } },
  { "engine", "after_execute", function(_, statement) told.statement = statement end },
}

local function each(c, fn)
  local targets = {
    session = c.db.session, class = c.User, attribute = c.User.name, engine = c.db.engine, base = c.db.Model,
  }
  for _, l in ipairs(listeners) do fn(targets[l[1]], l[2], l[3], l[4]) end
end

return {
  setup = function()
    told = model(1)
    return told
  end,
  run = function(c)
    local session, User = c.db.session, c.User
    session:rollback()
    User.query:filter_by{ name = "NEW" }:delete() -- of a run that failed after its commit
    session:commit()
    each(c, function(target, name, fn, options)
      if not mr.event.contains(target, name, fn) then mr.event.listen(target, name, fn, options or {}) end
    end)
    session:add(User{ name = "new", email = "x" })
    session:commit()
    each(c, function(target, name, fn)
      if mr.event.contains(target, name, fn) then mr.event.remove(target, name, fn) end
    end)
  end,
  check = function(c)
    local users = c.User.query:order_by(c.User.id):all()
    local last = users[#users]
    assert(last.name == "NEW" and last.email == "NEW@listener", last.name)
    assert(c.count == last.id and c.of_base == last.id and c.once == "NEW")
  end,
}
