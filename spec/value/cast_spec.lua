-- A cast gives a value of its type, in each form of storage, from a column, a literal and a plain value, or it is
-- refused in words. SQLite's own CAST would make the number at the beginning of a text of it.
local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local AT, DAY, TIME = mr.datetime(2024, 3, 5, 19, 7, 9, 123456), mr.date(2024, 3, 5), mr.time(19, 7, 9)
local FINE = mr.time(19, 7, 9, 123456)
local LONG, ID = mr.interval{ days = 1, hours = 2 }, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
local PRICE = mr.decimal "12.30"

-- Each type in each form.
local FORMS = {
  Date = { mr.Date, mr.Date{ storage = "datetime" }, mr.Date{ storage = "unix" }, mr.Date{ storage = "unix_ms" },
    mr.Date{ storage = "julian" }, mr.Date{ storage = "cocoa" } },
  Time = { mr.Time, mr.Time{ storage = "iso", digits = 6 }, mr.Time{ storage = "datetime" },
    mr.Time{ storage = "microseconds" } },
  DateTime = { mr.DateTime, mr.DateTime{ storage = "iso", digits = 6, separator = "T", zone = "Z" },
    mr.DateTime{ storage = "unix_us" }, mr.DateTime{ storage = "cocoa" } },
  Interval = { mr.Interval, mr.Interval{ storage = "iso" }, mr.Interval{ storage = "seconds" },
    mr.Interval{ storage = "days" } },
  Boolean = { mr.Boolean, mr.Boolean{ storage = "Y/N" }, mr.Boolean{ storage = "t/f" } },
  Enum = { mr.Enum("open", "shut"), mr.Enum("open", "shut", { storage = "position" }),
    mr.Enum("open", "shut", { storage = "upper" }) },
  Uuid = { mr.Uuid, mr.Uuid{ storage = "text" }, mr.Uuid{ storage = "hex" }, mr.Uuid{ storage = "blob" } },
  Numeric = { mr.Numeric(12, 2), mr.Numeric(12, 2, { storage = "scaled" }), mr.Numeric(12, 2, { storage = "real" }) },
  Text = { mr.Text, mr.String(60) },
  Integer = { mr.Integer },
  Float = { mr.Float },
}
local VALUES = { Date = DAY, Time = TIME, DateTime = AT, Interval = LONG, Boolean = true, Enum = "shut", Uuid = ID,
  Numeric = PRICE, Text = "2024-03-05 19:07:09.123456", Integer = 1709665629, Float = 2.5 }

-- What becomes of a value: from, to, the value. What is not listed is refused.
local BECOMES = {
  Date = { Date = DAY, DateTime = mr.datetime(2024, 3, 5), Text = "2024-03-05" },
  Time = { Time = TIME, Interval = mr.interval{ hours = 19, minutes = 7, seconds = 9 }, Text = true },
  DateTime = { DateTime = AT, Date = DAY, Time = FINE, Text = true },
  Interval = { Interval = LONG, Time = mr.time(2, 0, 0), Text = "P1DT2H" },
  Boolean = { Boolean = true, Integer = 1, Float = 1.0, Text = true },
  Enum = { Enum = "shut", Text = "shut" },
  Uuid = { Uuid = ID, Text = ID },
  Numeric = { Numeric = PRICE, Integer = 12, Float = 12.3, Boolean = true, Text = "12.30" },
  Text = { Text = VALUES.Text, Date = DAY, DateTime = AT, Time = FINE },
  Integer = { Integer = 1709665629, Float = 1709665629.0, Numeric = mr.decimal "1709665629.00", Boolean = true,
    Text = "1709665629" },
  Float = { Float = 2.5, Integer = 2, Numeric = mr.decimal "2.50", Boolean = true, Text = "2.5" },
}

local function model()
  local db = mr.open "sqlite://"
  local columns, row = { id = db.Column{ db.Integer, primary_key = true } }, { id = 1 }
  for name, forms in pairs(FORMS) do
    for i, type in ipairs(forms) do
      columns[name .. i] = db.Column{ type }
      row[name .. i] = VALUES[name]
    end
  end
  local Row = db.Model:extend("Row", columns)
  db:create_all()
  db.session:add(Row(row))
  db.session:commit()
  return db.session, Row
end

describe("a cast", function()
  for from, becomes in pairs(BECOMES) do
    for to, value in pairs(becomes) do
      it(("makes %s of %s in each form, and a criterion finds it"):format(to, from), function()
        local s, Row = model()
        for i, is in ipairs(FORMS[from]) do
          for _, type in ipairs(FORMS[to]) do
            local literal = mr.literal(VALUES[from], is)
            for how, x in pairs{ column = Row[from .. i], literal = literal, value = VALUES[from] } do
              local cast = mr.cast(x, type)
              local what = ("%s %s to %s"):format(how, tostring(is), tostring(type))
              local got = s:query(cast):filter(Row.id:eq(1)):one()[1]
              if value == true and to == "Text" then assert.equal("string", _G.type(got), what)
              elseif from == "Boolean" and to == "Text" then assert.truthy(got, what)
              elseif value ~= true or to == "Boolean" then assert.equal(value, got, what) end
              assert.equal(1, s:query(Row):filter(cast:eq(got)):count(), what)
              assert.equal(1, s:query(Row):filter(cast:in_{ got }):count(), what)
            end
          end
        end
      end)
    end
  end

  it("is refused in words where no value can be one of the type", function()
    local s, Row = model()
    local refused = 0
    for from, forms in pairs(FORMS) do
      for i, is in ipairs(forms) do
        for to, types in pairs(FORMS) do
          for _, type in ipairs(types) do
            -- A text is read when the statement runs.
            local read = from == "Text" or is == FORMS.Enum[1] or BECOMES[from][to]
            local numbers = { Integer = true, Float = true, Numeric = true }
            local number = numbers[from] or numbers[to]
            if not read and not number then
              refuse("ArgumentError", { "cast: SQLite cannot turn", from, to }, function()
                s:query(mr.cast(Row[from .. i], type)):all()
              end)
              refused = refused + 1
            end
          end
        end
      end
    end
    assert.is_true(refused > 200)
    for _, from in ipairs{ "Date1", "Time1", "DateTime1", "DateTime2", "Interval1", "Interval2" } do
      for _, type in ipairs{ mr.Integer, mr.Float, mr.Numeric(12, 2) } do
        refuse("ArgumentError", { "cast: SQLite cannot turn", "mr.extract" }, function()
          s:query(mr.cast(Row[from], type)):all()
        end)
      end
    end
    refuse("ArgumentError", { "cast: SQLite cannot turn Integer into DateTime", 'storage = "unix"' }, function()
      s:query(mr.cast(Row.Integer1, mr.DateTime)):all()
    end)
  end)

  it("counts a number as the storage of its type says", function()
    local s, Row = model()
    local function cast(x, type) return s:query(mr.cast(x, type)):filter(Row.id:eq(1)):one()[1] end
    assert.equal(AT:replace{ microsecond = 0 }, cast(Row.Integer1, mr.DateTime{ storage = "unix" }))
    assert.equal(AT:replace{ microsecond = 0 }, cast(1709665629, mr.DateTime{ storage = "unix" }))
    assert.equal(1709665629123456, cast(Row.DateTime3, mr.Integer))
    assert.equal("shut", cast(mr.literal(1), mr.Enum("open", "shut", { storage = "position" })))
  end)

  it("cuts off what the form of its type cannot keep", function()
    local s, Row = model()
    for _, x in ipairs{ Row.DateTime1, mr.literal(AT), AT } do
      assert.equal(AT:replace{ microsecond = 0 },
        s:query(mr.cast(x, mr.DateTime{ storage = "unix" })):filter(Row.id:eq(1)):one()[1])
      assert.equal(AT:replace{ microsecond = 123000 },
        s:query(mr.cast(x, mr.DateTime{ storage = "iso", digits = 3 })):filter(Row.id:eq(1)):one()[1])
    end
    -- A parameter has no form of its own.
    assert.equal(AT, s:query(mr.cast(mr.literal(AT, mr.DateTime{ storage = "unix" }), mr.DateTime)):scalar())
  end)

  it("reads the texts of other programs, NULL and named parameters", function()
    local db = mr.open "sqlite://"
    local s = db.session
    local function cast(x, type) return s:query(mr.cast(mr.literal(x), type)):scalar() end
    assert.equal(mr.datetime(2024, 3, 5, 17, 7, 9), cast("2024-03-05T19:07:09+02:00", mr.DateTime))
    assert.equal(DAY, cast("2024-03-05T19:07:09.5Z", mr.Date))
    assert.equal(mr.time(19, 7, 9), cast("19:07:09", mr.Time))
    assert.equal(LONG, cast("P1DT2H", mr.Interval))
    assert.equal(LONG, cast("1970-01-02 02:00:00", mr.Interval{ storage = "seconds" }))
    for word, truth in pairs{ yes = true, On = true, T = true, no = false, OFF = false, ["0"] = false } do
      assert.equal(truth, cast(word, mr.Boolean))
      assert.equal(truth, cast(word, mr.Boolean{ storage = "Y/N" }))
    end
    for _, name in ipairs{ "Date", "Time", "DateTime", "Interval", "Boolean", "Uuid", "Enum" } do
      for _, type in ipairs(FORMS[name]) do
        assert.is_nil(s:query(mr.cast(mr.null, type)):scalar())
        assert.is_nil(s:query(mr.cast(mr.literal(mr.null), type)):scalar())
      end
    end
    local by_name = s:query(mr.cast(mr.bindparam "at", mr.Date{ storage = "unix" }))
    assert.equal(DAY, by_name:params{ at = "2024-03-05" }:scalar())
    assert.equal(DAY, by_name:params{ at = AT }:scalar())
    refuse("DataError", { 'cast: "5" cannot become a date', "from_unix" }, function()
      by_name:params{ at = 5 }:scalar()
    end)
  end)

  it("says that a text is no value of the type, and not that a row is bad", function()
    local s, Row = model()
    for _, type in ipairs{ mr.Date, mr.Time, mr.DateTime{ storage = "unix" }, mr.Interval, mr.Boolean,
      mr.Uuid{ storage = "hex" } } do
      refuse("DataError", { 'cast: "hello" cannot become a' }, function()
        s:query(mr.cast(mr.literal "hello", type)):all()
      end)
    end
    refuse("ArgumentError", { 'cast: expected a date, got string "hello"' }, mr.cast, "hello", mr.Date)
    refuse("ArgumentError", { "cast: expected a datetime, got integer 5", "from_unix" }, mr.cast, 5, mr.DateTime)
    -- A choice that there is not is found when it is read.
    refuse("DataError", { '"x", which is no choice of Enum(a, b)' }, function()
      s:query(mr.cast(mr.literal "x", mr.Enum("a", "b"))):all()
    end)
    refuse("OperationalError", { "moonrow_cast: no such type" }, function()
      s:execute(mr.text "SELECT moonrow_cast(1, 'Enum number', 'Date')")
    end)
    assert.equal(1, s:query(Row):count())
  end)

  it("has the form of its type in comparisons, and where it is written", function()
    local s, Row = model()
    assert.equal(1, s:query(Row):filter(Row.DateTime3:eq(mr.cast(Row.Text1, FORMS.DateTime[3]))):count())
    assert.equal(1, s:query(Row):filter(Row.Numeric2:eq(mr.cast("12.3", FORMS.Numeric[2]))):count())
    assert.equal(1, s:query(Row):filter(Row.Numeric1:eq(mr.cast(Row.Numeric2, mr.Numeric(12, 2)))):count())
    refuse("ArgumentError", { "cannot compare", "different forms" }, function()
      s:query(Row):filter(Row.DateTime1:eq(mr.cast(Row.Text1, mr.DateTime{ storage = "unix" }))):all()
    end)
    s:execute(mr.update(Row):values{ Date3 = mr.cast(Row.Text1, mr.Date{ storage = "unix" }) })
    assert.equal(DAY, s:query(Row.Date3):scalar())
  end)

  it("is made by SQLite's own functions in an index, which other programs must know", function()
    local function index(type, of)
      local db = mr.open "sqlite://"
      local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true },
        t = db.Column{ of or db.Text } })
      mr.Index{ "ix", mr.cast(Row.t, type) }
      db:create_all()
      return db.session:execute(mr.text "SELECT sql FROM sqlite_master WHERE name = 'ix'"):scalar():match "%((.*)%)$"
    end
    assert.equal("date(t)", index(mr.Date))
    assert.equal("strftime('%H:%M:%f', t)", index(mr.Time))
    assert.equal("strftime('%Y-%m-%d %H:%M:%f', t)", index(mr.DateTime))
    assert.equal("CAST(t AS INTEGER)", index(mr.Integer, mr.DateTime{ storage = "unix" }))
    for _, type in ipairs{ mr.Interval, mr.Boolean, mr.Date{ storage = "unix" }, mr.Uuid{ storage = "hex" } } do
      refuse("ArgumentError", { "cast: SQLite cannot turn Text into", "an index", "other programs" }, index, type)
    end
  end)

  it("is PostgreSQL's own there", function()
    local x = mr.table("t", mr.column("x", mr.Text)).c.x
    for type, word in pairs{ [mr.Date] = "DATE", [mr.Time] = "TIME WITHOUT TIME ZONE",
      [mr.DateTime] = "TIMESTAMP WITHOUT TIME ZONE", [mr.Interval] = "INTERVAL", [mr.Boolean] = "BOOLEAN",
      [mr.Uuid] = "UUID", [mr.Numeric(12, 2)] = "NUMERIC(12, 2)", [mr.JSON] = "JSON" } do
      assert.equal(("CAST(t.x AS %s)"):format(word), mr.cast(x, type):sql{ dialect = "postgresql" })
    end
  end)
end)
