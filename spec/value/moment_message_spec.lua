-- What cannot be calculated or stored is told as an error object that names the operands, or the column: intervals
-- divided by zero, operators that they have not, an interval that a column cannot hold; texts with zero bytes are
-- shown whole.

local mr = require "moonrow"
local postgresql = require "spec.support.postgresql"
local refuse = require "spec.support.refuse"

describe("an interval", function()
  it("is not divided by zero", function()
    for _, zero in ipairs{ 0, 0.0, -0.0, mr.interval(0) } do
      refuse("ArgumentError", { "PT5S / ", "cannot be divided by zero" }, function() return mr.interval(5) / zero end)
    end
    assert.equal(2.5, mr.interval(5) / mr.interval(2))
    assert.equal(mr.interval(0), mr.interval(0) / 5)
  end)

  it("and other moments have no remainder, floor and power", function()
    refuse("ArgumentError", "cannot calculate PT5S % PT3S", function() return mr.interval(5) % mr.interval(3) end)
    refuse("ArgumentError", "cannot calculate PT5S // number 2", function() return mr.interval(5) // 2 end)
    refuse("ArgumentError", "cannot calculate number 2 ^ PT5S", function() return 2 ^ mr.interval(5) end)
    refuse("ArgumentError", "cannot calculate 2024-01-02 % number 7", function() return mr.date(2024, 1, 2) % 7 end)
    refuse("ArgumentError", 'cannot calculate PT5S % string "3"', function() return mr.interval(5) % "3" end)
  end)

  it("beside a decimal is refused, too", function()
    refuse("ArgumentError", "cannot calculate", function() return mr.interval(5) % mr.decimal "3" end)
  end)

  if not postgresql.url then
    it("that a column cannot hold names the column", function()
      local db = mr.open "sqlite://"
      local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true },
        n = db.Column{ db.Integer }, took = db.Column{ db.Interval } })
      db:create_all()
      local long, session = mr.interval{ days = 3650000 }, db.session
      local words = { "the interval P3650000D cannot be stored", "(it is for row.took)" }
      refuse("DataError", words, function()
        session:add(Row{ n = 1, took = long })
        session:flush()
      end)
      session:rollback()
      refuse("DataError", words, function() session:execute(mr.insert(Row):values{ took = long }) end)
      session:rollback()
      refuse("DataError", words, function()
        session:execute(mr.insert(Row), { { took = mr.interval(1) }, { took = long } })
      end)
      session:rollback()
      refuse("DataError", words, function() Row.query:update{ took = long } end)
    end)
  end
end)

describe("a text with a zero byte", function()
  it("is shown whole in messages", function()
    refuse("ArgumentError", 'string "1\\0 2" is no decimal', mr.decimal, "1\0 2")
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true }, at = db.Column{ db.Date } })
    refuse("ArgumentError", 'Row.id: expected an integer, got string "1\\0 2"', function()
      return Row{ id = "1\0 2" }
    end)
    refuse("ArgumentError", 'got string "a\\0b"', function() return Row{ at = "a\0b" } end)
    refuse("ArgumentError", "...", function() return Row{ id = ("\0"):rep(1000) } end)
  end)
end)
