-- Datetimes of seconds since 1970 and of texts with a zone, and back; the day of the week; copies with other fields.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("seconds since 1970", function()
  it("become a datetime in UTC, and are its timestamp", function()
    for seconds, text in pairs{
      [0] = "1970-01-01 00:00:00", [-1] = "1969-12-31 23:59:59", [1709665629] = "2024-03-05 19:07:09",
      [1709665629.25] = "2024-03-05 19:07:09.250000", [-0.5] = "1969-12-31 23:59:59.500000",
      [-62135596800] = "0001-01-01 00:00:00", [253402300799] = "9999-12-31 23:59:59",
    } do
      local at = mr.datetime.from_unix(seconds)
      assert.equal(text, tostring(at))
      assert.equal(seconds, at:timestamp())
      assert.equal(math.type(seconds), math.type(at:timestamp()))
    end
    local now = os.time()
    assert.equal(os.date("!%Y-%m-%d %H:%M:%S", now), tostring(mr.datetime.from_unix(now)))
  end)

  it("are those of a date's midnight", function()
    assert.equal(86400, mr.date(1970, 1, 2):timestamp())
    assert.equal(-86400, mr.date(1969, 12, 31):timestamp())
  end)

  it("are refused where they are none", function()
    refuse("ArgumentError", { "from_unix", "milliseconds" }, mr.datetime.from_unix, 1709665629123)
    refuse("ArgumentError", "from_unix", mr.datetime.from_unix, "5")
    refuse("ArgumentError", "from_unix", mr.datetime.from_unix, 0 / 0)
    refuse("ArgumentError", "from_unix", mr.datetime.from_unix, math.huge)
    refuse("ArgumentError", "from_unix", mr.datetime.from_unix, 1, 2)
    refuse("ArgumentError", "a date or a datetime", function() return mr.time(1):timestamp() end)
    refuse("ArgumentError", { "/", "timestamp()" }, function() return mr.date(2024, 1, 1) / 86400 end)
    refuse("ArgumentError", "from_unix", function() return mr.datetime.from_unx end)
    refuse("ArgumentError", "mr.now", function() return mr.datetime.now() end)
  end)
end)

describe("a text with a zone", function()
  it("becomes a datetime in UTC", function()
    for text, utc in pairs{
      ["2024-03-01T20:00:00+01:00"] = "2024-03-01 19:00:00", ["2024-03-01T20:00:00Z"] = "2024-03-01 20:00:00",
      ["2024-03-01 20:00 -0530"] = "2024-03-02 01:30:00", ["2024-03-01T20:00:00.5"] = "2024-03-01 20:00:00.500000",
      ["2024-03-01"] = "2024-03-01 00:00:00", ["2024-03-01T00:30:00.25+02:00"] = "2024-02-29 22:30:00.250000",
      ["2024-03-01 20:00:00z"] = "2024-03-01 20:00:00",
    } do assert.equal(utc, tostring(mr.datetime.from_iso(text)), text) end
  end)

  it("is refused where it is none", function()
    for _, text in ipairs{ "x", "2024-03-01+01:00", "2024-03-01T20:00:00+16:00", "2024-03-01T20:00:00+01:60",
      "2024-02-30T20:00:00Z", "0001-01-01T00:00:00+01:00" } do
      refuse("ArgumentError", {}, mr.datetime.from_iso, text)
    end
    refuse("ArgumentError", "from_iso", mr.datetime.from_iso, 5)
  end)
end)

describe("a date", function()
  it("has a day of the week: 1 is Monday, 7 is Sunday", function()
    for day = 1, 7 do assert.equal(day, mr.date(2024, 1, day):weekday()) end
    assert.equal(4, mr.datetime(1970, 1, 1, 23, 59):weekday())
    assert.equal(3, mr.datetime(1969, 12, 31, 23, 59):weekday())
    assert.equal(1, mr.date(1, 1, 1):weekday())
    assert.equal(5, mr.date(9999, 12, 31):weekday())
  end)

  it("is copied with other fields", function()
    local at = mr.datetime(2024, 2, 29, 13, 4, 5, 6)
    assert.equal("2024-02-01 00:04:05.000006", tostring(at:replace{ day = 1, hour = 0 }))
    assert.equal("2024-02-29 13:04:05.000006", tostring(at))
    assert.equal("2020-02-29", tostring(at:to_date():replace{ year = 2020 }))
    assert.equal("13:00:00", tostring(mr.time(1):replace{ hour = 13 }))
    refuse("ArgumentError", "February 2023 has no day 29", function() return at:replace{ year = 2023 } end)
    refuse("ArgumentError", "hour", function() return at:to_date():replace{ hour = 1 } end)
    refuse("ArgumentError", "an integer for the day", function() return at:replace{ day = "1" } end)
    refuse("ArgumentError", "interval", function() return mr.interval(5):replace{ day = 1 } end)
  end)

  it("is made by calling mr.datetime, as a function is", function()
    assert.equal("2024-02-29 00:00:00", tostring(mr.datetime(2024, 2, 29)))
    assert.equal("2024-02-29 13:04:00", tostring(mr.datetime "2024-02-29 13:04"))
    assert.equal("2024-02-29 00:00:00", tostring(mr.datetime{ year = 2024, month = 2, day = 29 }))
    assert.equal("1970-01-01 00:00:00", tostring(mr.datetime(os.date("!*t", 0))))
  end)
end)
