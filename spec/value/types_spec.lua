-- Column types: the values that they accept, what is stored, what is read, and what is refused.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

-- A database with a class Thing: an id, and a column `value` of the type.
local function thing(type, options)
  local db = mr.open "sqlite://"
  local body = { id = db.Column{ db.Integer, primary_key = true } }
  local column = { type }
  for name, value in pairs(options or {}) do column[name] = value end
  body.value = db.Column(column)
  local Thing = db.Model:extend("Thing", body)
  db:create_all()
  return db, Thing
end

-- Stores the value. Returns what is read, and SQLite's typeof(value) and quote(value).
local function round_trip(type, value)
  local db, Thing = thing(type)
  db.session:add(Thing{ value = value })
  db.session:commit()
  db.session:remove()
  local row = db.session:execute(mr.text [[SELECT typeof(value) AS kind, quote(value) AS text
    FROM thing]]):one()
  local back = Thing.query:one().value
  local by_column = db.session:query(Thing.value):one()[1]
  assert.equal(back, by_column)
  return back, row.kind, row.text
end

-- Asserts that a constructor and an assignment refuse the value, and that the old value stays.
local function refused(type, value, expected, shown)
  local _, Thing = thing(type)
  local object = Thing{}
  refuse("ArgumentError", { "Thing.value: expected a", expected, shown }, function()
    object.value = value
  end)
  assert.is_nil(object.value)
  refuse("ArgumentError", "Thing.value: ", Thing, { value = value })
end

describe("every type", function()
  local all = {
    Integer = 1, BigInteger = 1, Float = 1.5, Boolean = true, Text = "x", LargeBinary = "x",
    Date = "2024-02-29", Time = "12:34:56", DateTime = "2024-02-29 12:34:56",
  }

  it("stores nil and mr.null as NULL, and reads nil", function()
    for name, example in pairs(all) do
      local db, Thing = thing(mr[name])
      local a, b = Thing{ value = mr.null }, Thing{ value = example }
      assert.is_nil(a.value)
      b.value = nil
      assert.is_nil(b.value)
      db.session:add_all{ a, b, Thing{} }
      db.session:commit()
      assert.equal(3, Thing.query:filter(Thing.value:is_(nil)):count())
      a.value = example
      db.session:commit()
      a.value = mr.null
      db.session:commit()
      assert.is_nil(a.value)
      assert.equal(3, Thing.query:filter(Thing.value:is_(nil)):count())
    end
  end)

  it("finds what it stored", function()
    for name, example in pairs(all) do
      local db, Thing = thing(mr[name])
      db.session:add(Thing{ value = example })
      db.session:commit()
      assert.equal(1, Thing.query:filter_by{ value = example }:count())
      assert.equal(1, Thing.query:filter(Thing.value:in_{ example }):count())
      assert.equal(0, Thing.query:filter(Thing.value:ne(example)):count())
      assert.equal(1, Thing.query:filter_by{ value = Thing.query:one().value }:count())
    end
  end)

  it("writes nothing when its own value is put back", function()
    for name, example in pairs(all) do
      local db, Thing = thing(mr[name])
      local object = Thing{ value = example }
      db.session:add(object)
      db.session:commit()
      assert.equal(1, object.id)
      local value = object.value
      assert.same({}, db:record(function()
        object.value = example
        db.session:flush()
        object.value = value
        db.session:flush()
      end))
    end
  end)

  it("refuses tables, functions and objects", function()
    for name in pairs(all) do
      local _, Thing = thing(mr[name])
      local object = Thing{}
      for _, wrong in ipairs{ {}, print, coroutine.create(print), Thing, object, io.stdout } do
        refuse("ArgumentError", "Thing.value", function() object.value = wrong end)
      end
      assert.is_nil(object.value)
    end
  end)
end)

describe("Integer", function()
  it("holds 64 bits", function()
    for _, type in ipairs{ mr.Integer, mr.BigInteger } do
      for _, n in ipairs{ 0, 1, -1, math.maxinteger, math.mininteger, 1 << 53, (1 << 53) + 1 } do
        local back, kind = round_trip(type, n)
        assert.equal(n, back)
        assert.equal("integer", math.type(back))
        assert.equal("integer", kind)
      end
    end
  end)

  it("takes a float only when it is integral", function()
    local back, kind = round_trip(mr.Integer, 3.0)
    assert.equal("integer", math.type(back))
    assert.equal("integer", kind)
    local _, Thing = thing(mr.Integer)
    assert.equal("integer", math.type(Thing{ value = -2.0 ^ 53 }.value))
    refused(mr.Integer, 3.5, "integer", "3.5")
    refused(mr.Integer, 2.0 ^ 63, "integer", "9.22")
    refused(mr.Integer, 0 / 0, "integer", "NaN")
    refused(mr.Integer, math.huge, "integer", "inf")
  end)

  it("takes no strings and no booleans", function()
    refused(mr.Integer, "x", "integer", 'got string "x"')
    refused(mr.Integer, "1", "integer", 'got string "1"')
    refused(mr.Integer, true, "integer", "true")
    refused(mr.BigInteger, "1", "integer", 'got string "1"')
  end)
end)

describe("Float", function()
  it("holds doubles", function()
    for _, x in ipairs{ 0.0, 1.5, -1e300, 0.1, 5e-324, 1.7976931348623157e308, math.huge, -math.huge } do
      local back, kind = round_trip(mr.Float, x)
      assert.equal(x, back)
      assert.equal("float", math.type(back))
      assert.equal("real", kind)
    end
  end)

  it("turns integers into floats", function()
    local _, Thing = thing(mr.Float)
    assert.equal("float", math.type(Thing{ value = 3 }.value))
    local back, kind = round_trip(mr.Float, 3)
    assert.equal("float", math.type(back))
    assert.equal("real", kind)
  end)

  it("refuses NaN and strings", function()
    refused(mr.Float, 0 / 0, "", "NaN")
    refused(mr.Float, "1.5", "", 'string "1.5"')
    refused(mr.Float, true, "", "true")
  end)
end)

describe("Boolean", function()
  it("holds true and false, which is not nil", function()
    local back, kind, text = round_trip(mr.Boolean, true)
    assert.is_true(back)
    assert.equal("integer", kind)
    assert.equal("1", text)
    back, kind, text = round_trip(mr.Boolean, false)
    assert.is_false(back)
    assert.equal("integer", kind)
    assert.equal("0", text)
  end)

  it("refuses what is merely truthy", function()
    refused(mr.Boolean, 1, "boolean", "1")
    refused(mr.Boolean, 0, "boolean", "0")
    refused(mr.Boolean, "true", "boolean", 'string "true"')
  end)
end)

describe("String and Text", function()
  it("hold any bytes", function()
    local every = {}
    for i = 0, 255 do every[#every + 1] = string.char(i) end
    for _, type in ipairs{ mr.String(300), mr.String, mr.Text } do
      for _, s in ipairs{ "", "a", "a\0b", "\0", "ñandú 漢字 🙂", table.concat(every), "100%", "it's",
        '"q"' } do
        local back, kind = round_trip(type, s)
        assert.equal(s, back)
        assert.equal("text", kind)
      end
    end
    local long = ("x"):rep(1000000)
    assert.equal(long, (round_trip(mr.Text, long)))
  end)

  it("take no numbers", function()
    refused(mr.String(10), 12, "string", "12")
    refused(mr.Text, 1.5, "string", "1.5")
    refused(mr.String(10), true, "string", "true")
  end)

  it("of a length are checked at the flush, in characters", function()
    local db, Thing = thing(mr.String(3))
    for _, fits in ipairs{ "abc", "äöü", "漢字🙂", "\xff\xff\xff", "" } do
      db.session:add(Thing{ value = fits })
      db.session:commit()
    end
    assert.equal(5, Thing.query:count())
    for _, long in ipairs{ "abcd", "äöüß", "\xff\xff\xff\xff" } do
      db.session:add(Thing{ value = long })
      refuse("DataError", { "Thing.value", "3" }, db.session.flush, db.session)
      db.session:rollback()
    end
    local first = db.session:get(Thing, 1)
    first.value = "toolong"
    refuse("DataError", "Thing.value", db.session.commit, db.session)
    db.session:rollback()
    assert.equal("abc", first.value)
    assert.equal(5, Thing.query:count())
  end)
end)

describe("LargeBinary", function()
  it("holds bytes as a blob", function()
    local every = {}
    for i = 255, 0, -1 do every[#every + 1] = string.char(i) end
    for _, s in ipairs{ "", "\0\0", table.concat(every), ("\xff"):rep(100000) } do
      local back, kind = round_trip(mr.LargeBinary, s)
      assert.equal(s, back)
      assert.equal("blob", kind)
    end
    refused(mr.LargeBinary, 12, "", "12")
  end)
end)

describe("DateTime", function()
  it("takes ISO strings, tables and values, and stores ISO text", function()
    local back, kind, text = round_trip(mr.DateTime, "2024-02-29 12:34:56")
    assert.equal("text", kind)
    assert.equal("'2024-02-29 12:34:56'", text)
    assert.matches("^2024%-02%-29[T ]12:34:56$", tostring(back))
    assert.equal(back, (round_trip(mr.DateTime, "2024-02-29T12:34:56")))
    assert.equal(back,
      (round_trip(mr.DateTime, { year = 2024, month = 2, day = 29, hour = 12, min = 34, sec = 56 })))
    assert.equal(back, (round_trip(mr.DateTime, back)))
    local fields = { year = 2024, month = 2, day = 29, hour = 12, minute = 34, second = 56 }
    assert.equal(back, (round_trip(mr.DateTime, fields)))
    refused(mr.DateTime, { year = 2024, month = 2 }, "", "table")
    refused(mr.DateTime, { year = 2024, month = 2, day = 29, hour = "noon" }, "", "table")
    local t = os.date "*t"
    assert.equal(t.year, round_trip(mr.DateTime, t).year)
    local now = mr.now()
    assert.equal(now, (round_trip(mr.DateTime, now)))
    assert.equal("'2024-02-29 12:34:56.789012'",
      select(3, round_trip(mr.DateTime, "2024-02-29 12:34:56.789012")))
  end)

  it("has fields, format, and an order", function()
    local back = round_trip(mr.DateTime, "2024-02-29 12:34:56.5")
    assert.same({ 2024, 2, 29, 12, 34, 56, 500000 },
      { back.year, back.month, back.day, back.hour, back.minute, back.second, back.microsecond })
    assert.equal("29.02.2024 12:34", back:format "%d.%m.%Y %H:%M")
    local later = round_trip(mr.DateTime, "2024-03-01 12:34:56.5")
    assert.is_true(back < later)
    assert.is_true(back <= later)
    assert.is_false(back == later)
    assert.is_true(later > back)
    local gap = later - back
    assert.is_true(gap == (later - back))
    assert.is_true(gap < (later + gap) - back)
    assert.is_true(back + gap == later)
    assert.has_error(function() back.year = 2000 end)
    refuse("ArgumentError", { "'yaer'", "did you mean 'year'?" }, function() return back.yaer end)
  end)

  it("is compared in the database", function()
    local db, Thing = thing(mr.DateTime)
    for day = 1, 9 do db.session:add(Thing{ value = ("2024-01-0%d 00:00:00"):format(day) }) end
    db.session:commit()
    assert.equal(4, Thing.query:filter(Thing.value:lt "2024-01-05"):count())
    assert.equal(5, Thing.query:filter(Thing.value:between("2024-01-02", "2024-01-06")):count())
  end)

  it("refuses what is no date", function()
    refused(mr.DateTime, "yesterday", "", '"yesterday"')
    refused(mr.DateTime, "2023-02-29 00:00:00", "", "2023-02-29")
    refused(mr.DateTime, "2024-01-01 25:00:00", "", "25:00:00")
    refused(mr.DateTime, 1700000000, "", "1700000000")
    refused(mr.DateTime, true, "", "true")
    refused(mr.DateTime, "", "", '""')
  end)

  it("says which column holds text that is no date", function()
    local db, Thing = thing(mr.DateTime)
    db.session:execute(mr.text "INSERT INTO thing (id, value) VALUES (1, 'soon')")
    db.session:commit()
    refuse("DataError", { "Thing.value of Thing 1 ", 'holds "soon"' }, function() return Thing.query:all() end)
    db.session:execute(mr.text "UPDATE thing SET value = NULL")
    assert.equal(1, #Thing.query:all())
  end)
end)

describe("Date and Time", function()
  it("round-trip", function()
    local date, kind, text = round_trip(mr.Date, "2024-02-29")
    assert.equal("text", kind)
    assert.equal("'2024-02-29'", text)
    assert.equal("2024-02-29", tostring(date))
    assert.same({ 2024, 2, 29 }, { date.year, date.month, date.day })
    assert.equal(date, (round_trip(mr.Date, { year = 2024, month = 2, day = 29 })))
    assert.is_true(date < round_trip(mr.Date, "2024-03-01"))
    local time
    time, kind, text = round_trip(mr.Time, "12:34:56")
    assert.equal("text", kind)
    assert.equal("'12:34:56'", text)
    assert.equal("12:34:56", tostring(time))
    assert.same({ 12, 34, 56 }, { time.hour, time.minute, time.second })
    assert.is_true(time < round_trip(mr.Time, "12:34:57"))
    assert.equal(mr.date(2024, 2, 29), date)
    assert.equal(mr.time(12, 34, 56), time)
  end)

  it("reach from year 1 to 9999", function()
    for _,
      day in ipairs{ "0001-01-01", "1582-10-15", "1900-02-28", "1970-01-01", "2000-02-29", "9999-12-31" } do
      assert.equal(day, tostring((round_trip(mr.Date, day))))
    end
    refused(mr.Date, "0000-01-01", "", "0000-01-01")
  end)

  it("refuse what is no date, no time", function()
    refused(mr.Date, "2023-02-29", "", "2023-02-29")
    refused(mr.Date, "2024-13-01", "", "2024-13-01")
    refused(mr.Date, "2024-1-1x", "", "2024-1-1x")
    refused(mr.Time, "24:00:00", "", "24:00:00")
    refused(mr.Time, "noon", "", "noon")
  end)
end)

describe("a default", function()
  it("is checked like an assignment", function()
    local db, Thing = thing(mr.Integer, { default = function() return "x" end })
    db.session:add(Thing{})
    refuse("ArgumentError", { "thing.value", "expected an integer", 'string "x"' }, db.session.flush, db.session)
    db.session:rollback()
    assert.equal(0, Thing.query:count())
    refuse("ArgumentError", { "expected an integer", 'string "x"' }, function()
      local other = mr.open "sqlite://"
      other.Model:extend("Thing", {
        id = other.Column{ other.Integer, primary_key = true },
        n  = other.Column{ other.Integer, default = "x" },
      })
    end)
  end)

  it("that raises fails the flush with its own error", function()
    local mine = { "mine" }
    local db, Thing = thing(mr.Integer, { default = function() error(mine) end })
    db.session:add(Thing{})
    local ok, e = pcall(db.session.flush, db.session)
    assert.is_false(ok)
    assert.equal(mine, e)
    db.session:rollback()
    assert.equal(0, Thing.query:count())
  end)

  it("is used where no value is given, nil or mr.null", function()
    local db, Thing = thing(mr.Integer, { default = 7 })
    local a, b, c = Thing{}, Thing{ value = 8 }, Thing{ value = mr.null }
    db.session:add_all{ a, b, c }
    db.session:commit()
    assert.equal(7, a.value)
    assert.equal(8, b.value)
    assert.equal(7, c.value) -- as in SQLAlchemy
    c.value = mr.null
    db.session:commit()
    assert.is_nil(c.value)
  end)

  it("onupdate is used when a row changes", function()
    local db = mr.open "sqlite://"
    local n = 0
    local Thing = db.Model:extend("Thing", {
      id      = db.Column{ db.Integer, primary_key = true },
      name    = db.Column{ db.String(10) },
      changes = db.Column{ db.Integer, default = 0, onupdate = function() n = n + 1 return n end },
    })
    db:create_all()
    local thing_ = Thing{ name = "a" }
    db.session:add(thing_)
    db.session:commit()
    assert.equal(0, thing_.changes)
    thing_.name = "b"
    db.session:commit()
    assert.equal(1, thing_.changes)
    thing_.name = "b"
    db.session:commit()
    assert.equal(1, thing_.changes)
  end)
end)
