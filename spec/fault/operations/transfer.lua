-- CSV and JSON lines: an import of lines, with a row that is left out, and an export.

local mr = require "moonrow"

return {
  setup = function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", {
      id   = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(20) },
      data = db.Column{ db.JSON },
    })
    db:create_all()
    return { db = db, Row = Row }
  end,
  run = function(c)
    local session, Row = c.db.session, c.Row
    session:rollback()
    session:query(Row):delete()
    local csv = 'id,name,data\n1,a,"{""x"":[1]}"\n2,"b,c",\n'
    session:import(Row, csv:gmatch "[^\n]+", { format = "csv", batch = 1 })
    session:import(Row, ('{"id":3,"name":"d","data":null}'):gmatch "[^\n]+", { format = "jsonl" })
    session:commit()
    local file <close> = assert(io.tmpfile())
    session:query(Row):order_by(Row.id):export{ format = "jsonl", file = file }
    file:seek "set"
    c.text = file:read "a"
  end,
  check = function(c)
    local wanted = '{"id":1,"name":"a","data":{"x":[1]}}\n{"id":2,"name":"b,c"}\n{"id":3,"name":"d","data":null}\n'
    assert(c.text == wanted, c.text)
  end,
}
