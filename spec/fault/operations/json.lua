-- JSON and arrays: objects that show tables, edits in their places, rows, criteria, many rows, and a table that cannot
-- be stored.

local mr = require "moonrow"

return {
  setup = function()
    local db = mr.open "sqlite://"
    local Doc = db.Model:extend("Doc", {
      id = db.Column{ db.Integer, primary_key = true }, data = db.Column{ mr.JSON },
      days = db.Column{ mr.Array(mr.Date), default = {} },
    })
    db:create_all()
    local data = { list = { 1, 2.5, "x" }, deep = { { { a = mr.null } } } }
    db.session:add(Doc{ id = 1, data = data, days = { "2024-02-29" } })
    db.session:commit()
    return { db = db, Doc = Doc }
  end,
  run = function(c)
    local Doc, session = c.Doc, c.db.session
    session:rollback()
    session:expunge_all()
    local doc = session:get(Doc, 1)
    doc.data.list[4] = { b = true, a = "y" }
    doc.days[2] = mr.date(2024, 3, 1)
    c.modified = session:is_modified(doc)
    session:flush()
    session:execute(mr.insert(Doc),
      { { id = 2, data = { x = 1 } }, { id = 3, data = mr.array() }, { id = 4, data = "s" } })
    c.found = Doc.query:filter(Doc.data:in_{ { x = 1 }, "s" }):count()
    c.row = session:query(Doc.data, Doc.days):filter(Doc.id:eq(1)):one()
    c.list, c.days = #c.row.data.list, #c.row.days
    c.merged = session:merge(Doc{ id = 2, data = { y = 2 } }).data.y
    doc.data.list[5] = print
    local ok, e = pcall(session.flush, session)
    if ok or not mr.errors.DataError:is(e) then error(e, 0) end
    c.message = e.message
    session:rollback()
    c.after = #doc.data.list
  end,
  check = function(c)
    assert(c.modified and c.found == 2 and c.list == 4 and c.days == 2 and c.merged == 2 and c.after == 3)
    assert(c.message:find("Doc.data.list[5]: JSON cannot hold a function", 1, true))
    assert(c.db.session:scalar(mr.text "SELECT count(*) FROM doc") == 1)
  end,
}
