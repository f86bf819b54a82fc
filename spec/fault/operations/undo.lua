-- The log of changes, a step of undo, undo, redo, and a conflict.

local mr = require "moonrow"
local model = dofile "spec/fault/operations/model.lua"

return {
  setup = function()
    local c = model(3)
    c.token = c.db:change_token()
    return c
  end,
  run = function(c)
    local db, User = c.db, c.User
    local session, history = db.session, db.history
    session:rollback()
    history:clear()
    session:execute(mr.text "DELETE FROM user")
    session:execute(mr.text "INSERT INTO user VALUES (1, 'ann', 'a'), (2, 'bob', 'b')")
    session:commit()
    c.token = db:change_token()
    local ann, bob = session:get(User, 1), session:get(User, 2)
    session:rollback()
    session:begin(function(s)
      ann.name = "anna"
      s:delete(bob)
      s:add(User{ id = 3, name = "cid" })
    end, { undo = "Edit" })
    c.kinds = {}
    for change in db:changes_since(c.token) do c.kinds[#c.kinds + 1] = change.kind end
    c.undone = history:undo()
    c.name, c.count = ann.name, User.query:count()
    session:rollback()
    c.redone = history:redo()
    c.after, c.left = ann.name, User.query:count()
    session:rollback()
    session:execute(mr.text "UPDATE user SET name = 'x'")
    session:commit()
    local ok, err = pcall(history.undo, history)
    if not ok and err.kind ~= "UndoConflictError" then error(err, 0) end
    c.conflict = not ok and #err.rows
  end,
  check = function(c)
    table.sort(c.kinds)
    assert(table.concat(c.kinds, " ") == "delete insert update", table.concat(c.kinds, " "))
    assert(c.undone == "Edit" and c.redone == "Edit")
    assert(c.name == "ann" and c.count == 2 and c.after == "anna" and c.left == 2)
    assert(c.conflict == 2, c.conflict)
    assert(not c.db.session:in_transaction())
  end,
}
