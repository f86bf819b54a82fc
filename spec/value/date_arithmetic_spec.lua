-- Arithmetic with dates in SQL: SQLite has none. It would calculate with the year at the beginning of their text.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("arithmetic with dates in SQL", function()
  local db, Item
  before_each(function()
    db = mr.open "sqlite://"
    Item = db.Model:extend("Item", {
      id   = db.Column{ db.Integer, primary_key = true },
      at   = db.Column{ db.DateTime },
      born = db.Column{ db.Date },
      noon = db.Column{ db.Time },
      span = db.Column{ db.Interval },
      n    = db.Column{ db.Integer },
    })
    db:create_all()
    db.session:add(Item{ at = "2024-02-29 10:00:00", born = "2024-02-29", n = 5 })
    db.session:commit()
  end)

  local cases = {
    ["a datetime and an interval"] = function() return Item.at + mr.interval{ days = 1 } end,
    ["a moment less a datetime"] = function() return mr.literal(mr.now()) - Item.at end,
    ["two datetimes"] = function() return Item.at - Item.at end,
    ["a date and a number"] = function() return Item.born + 1 end,
    ["a number and a date"] = function() return 1 + Item.born end,
    ["a time"] = function() return Item.noon * 2 end,
    ["an interval"] = function() return Item.span / 2 end,
    ["a remainder"] = function() return Item.span % 2 end,
    ["a negative interval"] = function() return -Item.span end,
    ["a sum"] = function() return mr.func.sum(Item.span) end,
    ["a sum of different ones"] = function() return mr.func.sum(Item.span:distinct()) end,
    ["an average"] = function() return mr.func.avg(Item.at) end,
    ["a total"] = function() return mr.func.total(Item.span) end,
    ["an absolute value"] = function() return mr.func.abs(Item.span) end,
    ["a rounded date"] = function() return mr.func.round(Item.born) end,
    ["a running sum"] = function() return mr.func.sum(Item.span):over{ order_by = Item.id } end,
  }
  local interval = mr.interval(3)
  local compared = { -- with what its type takes; the others with a number
    ["a negative interval"] = interval, ["a sum"] = interval, ["a sum of different ones"] = interval,
    ["an absolute value"] = interval, ["a running sum"] = interval,
  }
  for name, expression in pairs(cases) do
    it("is refused, with what to do instead: " .. name, function()
      local words = { "SQLite cannot calculate with dates", "calculate in Lua", "mr.func.julianday" }
      refuse("ArgumentError", words, function() return db.session:query(expression()):all() end)
      local value = compared[name] or 3
      refuse("ArgumentError", words, function() return Item.query:filter(expression():gt(value)):count() end)
      refuse("ArgumentError", words, function() return Item.query:update({ n = expression() }) end)
      db.session:rollback()
      assert.equal(5, Item.query:one().n)
    end)
  end

  it("is there by SQLite's functions, and in Lua", function()
    assert.equal("2024-03-01 10:00:00", db.session:query(mr.func.datetime(Item.at, "+1 day")):scalar())
    assert.equal(0.0, db.session:query(mr.func.julianday(Item.at) - mr.func.julianday(Item.at)):scalar())
    assert.equal(1, Item.query:filter(Item.at:gt(mr.datetime(2024, 3, 1) - mr.interval{ days = 2 })):count())
  end)

  it("is written for a database that can", function()
    local mock = mr.open "mock+postgresql://"
    assert.equal("SELECT item.at - item.at AS anon_1 FROM item",
      mock:record(function() mock.session:query(Item.at - Item.at):all() end)[1].statement)
  end)
end)
