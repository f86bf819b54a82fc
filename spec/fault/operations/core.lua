-- Statements without entities: insert, update, select, text, and an error of the database.

local mr = require "moonrow"
local model = dofile "spec/fault/operations/model.lua"

return {
  setup = function() return model(1) end,
  run = function(c)
    local session, User = c.db.session, c.User
    session:rollback()
    session:execute(mr.insert(User):values{ name = "a", email = "a@example.com" })
    c.rows = session:execute(mr.select(User.id, User.name):where(User.name:eq "a")):all()
    c.text = session:execute(mr.text "SELECT count(*) AS n FROM user WHERE id > :id", { id = 0 }):scalar()
    local ok, e = pcall(session.execute, session, mr.text "SELECT nonsense FROM nowhere")
    if not ok and mr.errors.NoMemoryError:is(e) then error(e, 0) end
    if not ok and type(e) == "string" then error(e, 0) end
    assert(not ok)
    session:rollback()
  end,
  check = function(c) assert(c.rows[1].name == "a" and c.text == 2) end,
}
