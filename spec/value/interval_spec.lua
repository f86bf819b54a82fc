-- Intervals: their texts wherever they are shown, and the texts and tables that make one.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function open()
  local db = mr.open "sqlite://"
  local Span = db.Model:extend("Span", {
    id     = db.Column{ db.Integer, primary_key = true },
    length = db.Column{ db.Interval },
  })
  db:create_all()
  return db, Span
end

local texts = {
  PT0S = 0, PT5S = 5, ["-PT5S"] = -5, ["PT4.5S"] = 4.5, ["PT0.000001S"] = 1e-6, PT1M = 60, PT1H = 3600, P1D = 86400,
  P14D = 14 * 86400, P1DT1S = 86401, ["P1DT2H3M4.5S"] = 93784.5, ["-P1DT2H3M4.5S"] = -93784.5, PT23H59M59S = 86399,
}

describe("the text of an interval", function()
  it("is ISO 8601, and read again as the same interval", function()
    for text, seconds in pairs(texts) do
      assert.equal(text, tostring(mr.interval(seconds)))
      assert.equal(text, mr.interval(seconds):isoformat())
      assert.equal(mr.interval(seconds), mr.interval(text))
      assert.equal(seconds, mr.interval(text).total_seconds)
    end
    assert.equal("P14D", tostring(mr.interval "P2W"))
    assert.equal("P1DT12H", tostring(mr.interval "PT36H"))
  end)

  it("is the same in %s, in a concatenation, and of an interval that was calculated", function()
    local span = mr.datetime(2024, 3, 1, 12) - mr.datetime(2024, 2, 28)
    assert.equal("took P2DT12H", ("took %s"):format(span))
    assert.equal("took P2DT12H", "took " .. span)
    assert.equal("P2DT12H or -P2DT12H", span .. " or " .. -span)
    assert.equal("P2DT12H2024-03-01", span .. mr.date(2024, 3, 1))
    assert.equal("1P2DT12H", 1 .. span)
    assert.equal("at 2024-03-01 12:00:00", "at " .. mr.datetime(2024, 3, 1, 12))
    refuse("ArgumentError", "cannot calculate P1D .. nil", function() return mr.interval "P1D" .. nil end)
    refuse("ArgumentError", "cannot calculate table .. P1D", function() return {} .. mr.interval "P1D" end)
  end)

  it("leaves a concatenation with a column to SQL", function()
    local _, Span = open()
    assert.has_match("||", tostring(mr.date(2024, 1, 2) .. mr.func.upper(Span.id)), 1, true)
    assert.has_match("||", tostring(mr.func.upper(Span.id) .. mr.date(2024, 1, 2)), 1, true)
  end)

  it("is the one of messages and of the log", function()
    local _, Span = open()
    refuse("ArgumentError", "cannot compare number 5 with -PT5S", function() return mr.interval(-5) > 5 end)
    refuse("ArgumentError", "got P1D", mr.date, mr.interval "P1D")
    refuse("ArgumentError", { "Span.id", "interval PT5S" }, Span, { id = mr.interval(5) })
    local lines = {}
    mr.set_log(function(line) lines[#lines + 1] = line end)
    local loud = mr.create_engine("sqlite://", { echo = true })
    local conn = loud:connect()
    conn:execute(mr.text "SELECT :span", { span = mr.interval "PT90M" })
    conn:close()
    mr.set_log(nil)
    assert.has_match("[PT1H30M]", table.concat(lines, "\n"), 1, true)
  end)
end)

describe("an interval of a table", function()
  it("is the sum of its units", function()
    local units = { weeks = 1, days = 1, hours = 2, minutes = 3, seconds = 4, milliseconds = 500, microseconds = 7 }
    assert.equal("P8DT2H3M4.500007S", tostring(mr.interval(units)))
    assert.equal("PT12H", tostring(mr.interval{ days = 1.5, hours = -24 }))
    assert.equal("PT0S", tostring(mr.interval{}))
    assert.equal("-PT0.000001S", tostring(mr.interval{ microseconds = -1 }))
  end)

  it("is that of its only value where no unit is named, as with all functions", function()
    assert.equal(mr.interval(5), mr.interval{ 5 })
    assert.equal(mr.interval(5), mr.interval{ "PT5S" })
    assert.equal(mr.interval(5), mr.interval{ mr.interval(5) })
  end)

  it("is refused where something is neither a unit nor a number, with its name", function()
    refuse("ArgumentError", "unknown option 'dys' for interval (did you mean 'days'?)", mr.interval, { dys = 1 })
    refuse("ArgumentError", 'interval: days: expected a number, got string "1"', mr.interval, { days = "1" })
    refuse("ArgumentError", "interval: hours: expected a number", mr.interval, { days = 1, hours = {} })
    refuse("ArgumentError", "either units by name or one value, got number 5", mr.interval, { 5, days = 1 })
    refuse("ArgumentError", "interval: expected one argument, got 2", mr.interval, { 5, 6 })
    refuse("ArgumentError", "expected option names, got table", mr.interval, { days = 1, [{}] = 2 })
    refuse("ArgumentError", "shorter than 3660000 days", mr.interval, { days = 0 / 0 })
    refuse("ArgumentError", "mr.interval(...)", mr.interval, mr, { days = 1 })
  end)

  it("names the line of the program where it is refused", function()
    local _, e = pcall(function() return mr.interval{ days = "1" } end)
    assert.has_match("interval_spec.lua:%d+", e.where)
  end)
end)

describe("an attribute of intervals", function()
  it("takes the text, in objects, criteria and statements, and stores a datetime", function()
    local db, Span = open()
    local span = Span{ length = "P1DT2H" }
    assert.equal(mr.interval{ days = 1, hours = 2 }, span.length)
    db.session:add(span)
    db.session:commit()
    db.session:execute(mr.insert(Span):values{ length = "-PT5S" })
    db.session:commit()
    local stored = db.session:execute(mr.text "SELECT length FROM span ORDER BY id"):scalars():all()
    assert.same({ "1970-01-02 02:00:00.000000", "1969-12-31 23:59:55.000000" }, { stored[1], stored[2] })
    assert.equal(1, Span.query:filter(Span.length:eq "P1DT2H"):count())
    assert.equal(1, Span.query:filter(Span.length:lt "PT0S"):count())
    Span.query:filter_by{ length = "-PT5S" }:update{ length = "P1W" }
    assert.equal("P7D", tostring(Span.query:order_by(Span.id:desc()):first().length))
  end)

  it("refuses other texts and numbers, and says what to write", function()
    local _, Span = open()
    local bad = { "", "1 days", "P1Y", "P1M", "P", "PT", "P1.5D", "PT1S1M", "1970-01-02", "P3660000D", "P1D\0" }
    for _, text in ipairs(bad) do
      refuse("ArgumentError", { "Span.length: expected an interval", 'write it as "P1D' }, Span, { length = text })
      refuse("ArgumentError", { "interval: string", 'write "P1DT2H3M4.5S"' }, mr.interval, text)
    end
    refuse("ArgumentError", { "Span.length: expected an interval", "mr.interval{ seconds = ... }" },
      Span, { length = 90 })
    refuse("ArgumentError", "shorter than 3660000 days", mr.interval, { days = 3660000 })
    refuse("ArgumentError", "ISO 8601 text", mr.interval, mr.today())
  end)

  it("names the interval that no datetime can stand for", function()
    local db, Span = open()
    db.session:add(Span{ length = "P3000000D" })
    refuse("DataError", "the interval P3000000D cannot be stored", db.session.flush, db.session)
    db.session:rollback()
    for _, criterion in ipairs{
      Span.length:gt "P3000000D", Span.length:eq "P3000000D", Span.length:in_{ "P1D", "P3000000D" },
      Span.length:between("P1D", "P3000000D"), mr.literal "P3000000D":lt(Span.length),
    } do
      refuse("DataError", { "the interval P3000000D cannot be stored", "(it is for span.length)" }, function()
        Span.query:filter(criterion):all()
      end)
    end
  end)
end)

describe("an interval of whole microseconds is exact", function()
  it("times an integer, also beyond the digits of a float", function()
    local micro = mr.interval{ microseconds = 1 }
    local long = 269481274718807467 * micro
    assert.equal(807467, long.microseconds)
    assert.equal(3118996, long.days)
    assert.equal(long, micro * 269481274718807467)
    assert.equal(long, mr.interval{ microseconds = 269481274718807467 })
    assert.equal(-long, -269481274718807467 * micro)
    assert.equal(mr.interval(0), 0 * long)
    assert.equal(mr.interval(0), math.mininteger * mr.interval(0))
  end)

  it("by an integer, rounded to the nearest one, also beyond the digits of a float", function()
    local long = mr.interval{ days = 3000000, microseconds = 1 }
    assert.equal(tostring(long), tostring(long / 1))
    assert.equal(tostring(-long), tostring(long / -1))
    local function micros(n) return mr.interval{ microseconds = n } end
    assert.equal(tostring(mr.interval{ days = 1000000, microseconds = 1 }),
      tostring((long + micros(2)) / 3))
    for _, case in ipairs{ { 7, 2, 4 }, { -7, 2, -4 }, { 7, -2, -4 }, { -7, -2, 4 }, { 7, 3, 2 }, { 8, 3, 3 },
      { 0, 5, 0 }, { 1, math.mininteger, 0 }, { 1, math.maxinteger, 0 } } do
      assert.equal(tostring(micros(case[3])), tostring(micros(case[1]) / case[2]), case[1] .. "/" .. case[2])
    end
    assert.is_false((pcall(function() return long / 0 end)))
  end)

  it("of a table that mixes units, and floats", function()
    assert.equal(1, mr.interval{ days = 3600000, microseconds = 1 }.microseconds)
    assert.equal(mr.interval{ days = 1 }, mr.interval{ days = 0.5, hours = 12 })
    assert.equal(mr.interval{ days = 3000000 }, mr.interval{ days = 6000000, hours = -72000000.0 })
    assert.equal(mr.interval{ days = 3000000 }, mr.interval{ days = 6000000, weeks = -3000000 / 7, microseconds = 0 })
  end)

  it("is refused where it is too long, without overflow", function()
    for _, make in ipairs{
      function() return math.maxinteger * mr.interval(1) end,
      function() return math.mininteger * mr.interval{ microseconds = 1 } end,
      function() return mr.interval{ days = 3659999 } * 2 end,
      function() return mr.interval{ weeks = math.maxinteger, days = math.mininteger } end,
      function() return mr.interval{ microseconds = math.maxinteger, milliseconds = math.maxinteger } end,
      function() return mr.interval{ days = 1e300 } end,
    } do
      local ok, e = pcall(make)
      assert.is_false(ok)
      assert.truthy(tostring(e):find("it must be shorter than 3660000 days", 1, true), tostring(e))
    end
  end)
end)

describe("format", function()
  it("has the year and the week of ISO 8601", function()
    for text, week in pairs{ ["2024-12-30"] = "2025-W01-1 25", ["2021-01-03"] = "2020-W53-7 20",
      ["2020-12-31"] = "2020-W53-4 20", ["0001-01-01"] = "0001-W01-1 01", ["9999-12-31"] = "9999-W52-5 99" } do
      assert.equal(week, mr.date(text):format "%G-W%V-%u %g")
    end
  end)
end)
