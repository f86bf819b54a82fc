-- Arrays whose items are stored in a form of their own: the same values come back, are edited, and are found, on every
-- database.

local mr = require "moonrow"

local ITEMS = {
  { mr.Enum("small", "big", { storage = "position" }), { "big", "small" } },
  { mr.Enum("small", "big", { storage = { small = 7, big = 9 } }), { "small", "big" } },
  { mr.Enum("small", "big", { storage = "upper" }), { "big", "small" } },
  { mr.Boolean, { true, false } },
  { mr.Boolean{ storage = "Y/N" }, { true, false } },
  { mr.Boolean{ storage = "true/false" }, { false, true } },
  { mr.DateTime{ storage = "unix" }, { mr.datetime(2024, 3, 5, 19, 7, 9), mr.datetime(1969, 12, 31) } },
  { mr.DateTime{ storage = "julian" }, { mr.datetime(2024, 3, 5, 19, 7, 9) } },
  { mr.Date{ storage = "unix_ms" }, { mr.date(2024, 3, 5) } },
  { mr.Date{ storage = "datetime" }, { mr.date(2024, 3, 5) } },
  { mr.Time{ storage = "seconds" }, { mr.time(13, 4, 5) } },
  { mr.Interval{ storage = "iso" }, { mr.interval(-90) } },
  { mr.Interval{ storage = "milliseconds" }, { mr.interval{ days = -1 }, mr.interval(1.5) } },
  { mr.Numeric(10, 2, { storage = "scaled" }), { mr.decimal "1.50", mr.decimal "-0.01" } },
  { mr.Numeric(10, 2, { storage = "real" }), { mr.decimal "1.50", mr.decimal "-0.01" } },
  { mr.Uuid{ storage = "hex" }, { "123e4567-e89b-12d3-a456-426614174000" } },
}

describe("An Array of items with a form of storage", function()
  for _, case in ipairs(ITEMS) do
    it("gives back what it was given: " .. tostring(case[1]), function()
      local db = mr.open "sqlite://"
      local Row = db.Model:extend("Row", {
        id = db.Column{ db.Integer, primary_key = true }, list = db.Column{ db.Array(case[1]) },
      })
      db:create_all()
      local s, values = db.session, case[2]
      local row = Row{ list = { values[1], mr.null, values[2] or values[1] } }
      s:add(row)
      s:commit()
      s:expire(row)
      assert.equal(3, #row.list)
      assert.is_true(row.list[1] == values[1])
      assert.is_true(row.list[2] == mr.null)
      assert.is_true(row.list[3] == (values[2] or values[1]))
      assert.is_false(s:is_modified(row))
      assert.equal(1, Row.query:filter(Row.list:eq{ values[1], mr.null, values[2] or values[1] }):count())
      assert.equal(0, Row.query:filter(Row.list:eq{ values[1] }):count())
      row.list = { values[1] }
      s:commit()
      s:expire(row)
      assert.equal(1, #row.list)
      s:remove()
    end)
  end
end)
