-- Each form in which a date, a time, a datetime or an interval is stored, with values from both ends of what there is,
-- before and after 1970: what is written is read again, is the same when it is written once more, and is found by
-- criteria with that value and with none that is a microsecond beside it.

local mr = require "moonrow"

local MICRO = mr.interval "PT0.000001S"
local stress = os.getenv "MOONROW_STRESS"

local FORMS = {
  DateTime = {
    { mr.DateTime }, { mr.DateTime{ storage = "unix" }, 1000000 }, { mr.DateTime{ storage = "unix_ms" }, 1000 },
    { mr.DateTime{ storage = "unix_us" } }, { mr.DateTime{ storage = "julian" }, 1000 },
    { mr.DateTime{ storage = "cocoa" }, 40 },
    { mr.DateTime{ storage = "iso", digits = 0 }, 1000000 }, { mr.DateTime{ storage = "iso", digits = 6 } },
    { mr.DateTime{ storage = "iso", digits = 3, separator = "T", zone = "Z" }, 1000 },
    { mr.DateTime{ storage = "iso", digits = "auto", zone = " +00:00" } },
    { mr.DateTime{ storage = "iso", digits = 9, zone = "+00:00" } },
  },
  Date = {
    { mr.Date }, { mr.Date{ storage = "datetime" } }, { mr.Date{ storage = "unix" } },
    { mr.Date{ storage = "unix_ms" } }, { mr.Date{ storage = "julian" } }, { mr.Date{ storage = "cocoa" } },
  },
  Time = {
    { mr.Time }, { mr.Time{ storage = "datetime" } }, { mr.Time{ storage = "iso", digits = 3 }, 1000 },
    { mr.Time{ storage = "seconds" }, 1000000 }, { mr.Time{ storage = "milliseconds" }, 1000 },
    { mr.Time{ storage = "microseconds" } },
  },
  Interval = {
    { mr.Interval }, { mr.Interval{ storage = "iso" } }, { mr.Interval{ storage = "seconds" }, 1000000 },
    { mr.Interval{ storage = "milliseconds" }, 1000 }, { mr.Interval{ storage = "microseconds" } },
    { mr.Interval{ storage = "days" }, 40 },
  },
}

local VALUES = {
  DateTime = { "0001-01-01", "0001-01-01 00:00:00.000001", "0999-12-31 23:59:59.999999", "1582-10-15 12:00:00.000001",
    "1969-12-31 23:59:59.999999", "1970-01-01", "1970-01-01 00:00:00.000001", "2000-12-31 23:59:59.999999",
    "2001-01-01 00:00:00.000001", "2024-02-29 12:34:56.789012", "2273-05-06 01:02:03.000007",
    "5138-11-16 09:46:39.123456", "9999-12-31 23:59:59.999970", "9999-12-31 23:59:59.999999" },
  Date = { "0001-01-01", "0001-01-02", "1582-10-15", "1969-12-31", "1970-01-01", "2000-12-31", "2024-02-29",
    "9999-12-31" },
  Time = { "00:00:00", "00:00:00.000001", "11:59:59.999999", "12:00:00.5", "23:59:59", "23:59:59.999999" },
  Interval = { "PT0S", "PT0.000001S", "-PT0.000001S", "P1DT2H", "-P1DT0.5S", "-P719162D", "P2932896DT23H59M59.999999S",
    "P365000DT0.000001S", "-P365000DT0.000001S" },
}
local MAKE = { DateTime = mr.datetime, Date = mr.date, Time = mr.time, Interval = mr.interval }

local METHODS = {
  { "eq", function(a, b) return a == b end }, { "ne", function(a, b) return a ~= b end },
  { "lt", function(a, b) return a < b end }, { "le", function(a, b) return a <= b end },
  { "gt", function(a, b) return a > b end }, { "ge", function(a, b) return a >= b end },
}

-- The value and those beside it that exist.
local function probes(kind, column_type, value, given)
  local list = { value, given }
  if kind == "Date" then return list end
  for _, step in ipairs{ MICRO, -MICRO } do
    local ok, beside = pcall(function()
      if kind ~= "Time" then return value + step end
      local moved = mr.datetime(2000, 1, 2, value.hour, value.minute, value.second, value.microsecond) + step
      return moved.day == 2 and moved:time()
    end)
    -- Without a storage an interval is the datetime so long after 1970.
    local none = column_type == mr.Interval and ok and beside and
      (beside < mr.interval "-P719162D" or beside >= mr.interval "P2932897D")
    if ok and beside and not none then list[#list + 1] = beside end
  end
  return list
end

for kind, forms in pairs(FORMS) do
  describe("the ends of " .. kind .. ",", function()
    for _, form in ipairs(forms) do
      local column_type, unit = form[1], form[2] or 1
      it("stored as " .. tostring(column_type), function()
        local db = mr.open "sqlite://"
        local Row = db.Model:extend("Row", {
          id = db.Column{ db.Integer, primary_key = true },
          value = db.Column{ column_type },
          again = db.Column{ column_type },
        })
        db:create_all()
        local ordered = not tostring(column_type):find 'Interval{ storage = "iso" }'
        for i, text in ipairs(VALUES[kind]) do
          if stress and i % 3 ~= 0 then goto next_value end
          local given = MAKE[kind](text)
          local row = Row{ id = i, value = given }
          local shown = row.value
          db.session:add(row)
          db.session:commit()
          local read = row.value
          local place = tostring(column_type) .. " " .. text .. ": " .. tostring(read)
          assert.is_true(read == shown, place .. " was shown as " .. tostring(shown))
          if unit == 1 then assert.is_true(read == given, place) end
          if kind == "DateTime" or kind == "Interval" then
            local beside = (read - given) / MICRO
            assert.is_true(beside > -unit and beside < unit, place)
          end
          row.again = read
          db.session:commit()
          assert.equal(1, Row.query:filter(Row.id:eq(i), Row.value:eq(Row.again)):count(), place)
          for _, probe in ipairs(probes(kind, column_type, read, given)) do
            for m, method in ipairs(METHODS) do
              local want = method[2](read, probe) and 1 or 0
              if m < 3 or ordered then
                local query = Row.query:filter(Row.id:eq(i), Row.value[method[1]](Row.value, probe))
                assert.equal(want, query:count(), place .. " " .. method[1] .. " " .. tostring(probe))
              end
            end
            local equal = read == probe and 1 or 0
            assert.equal(equal, Row.query:filter(Row.id:eq(i), Row.value:in_{ probe, probe }):count(), place)
            assert.equal(equal, Row.query:filter_by{ id = i, value = probe }:count(), place)
            local named = Row.query:filter(Row.id:eq(i), Row.value:eq(mr.bindparam "x")):params{ x = probe }
            assert.equal(equal, named:count(), place)
            if ordered then
              assert.equal(equal, Row.query:filter(Row.id:eq(i), Row.value:between(probe, probe)):count(), place)
            end
          end
          ::next_value::
        end
      end)
    end
  end)
end
