-- Stored values of every kind under each form of storage, as other programs, or nobody, would write them: huge numbers,
-- zero bytes, blobs, wrong forms. What is read is found again by criteria and as a key, and what is not is a DataError.

local mr = require "moonrow"

local function forms(make, ...)
  local list = {}
  for i, storage in ipairs{ ... } do list[i] = make{ storage = storage } end
  return list
end

local TYPES = {
  { mr.DateTime, mr.DateTime{ digits = 0 }, mr.DateTime{ digits = 9 },
    mr.DateTime{ storage = "iso", separator = "T", digits = 3, zone = "Z" },
    mr.DateTime{ zone = " +00:00", digits = 6 } },
  forms(mr.DateTime, "unix", "unix_ms", "unix_us", "julian", "cocoa"),
  { mr.Date }, forms(mr.Date, "iso", "datetime", "unix", "unix_ms", "julian", "cocoa"),
  { mr.Time, mr.Time{ digits = 0 } }, forms(mr.Time, "datetime", "seconds", "milliseconds", "microseconds"),
  { mr.Interval }, forms(mr.Interval, "iso", "seconds", "milliseconds", "microseconds", "days"),
  { mr.Boolean, mr.Boolean{ storage = "Y/N" } },
  { mr.Enum("a", "b", ""), mr.Enum("a", "b", { storage = "position" }), mr.Enum("a", "b", { storage = "upper" }),
    mr.Enum("a", "b", { storage = { a = math.mininteger, b = math.maxinteger } }) },
  { mr.Uuid }, forms(mr.Uuid, "text", "hex", "blob"),
  { mr.Any, mr.Float, mr.Integer, mr.SmallInteger, mr.String(5), mr.LargeBinary },
  { mr.TypeDecorator{ impl = mr.DateTime, name = "Moment", result = function(v) return v end },
    mr.TypeDecorator{ impl = mr.Uuid{ storage = "blob" }, name = "Token", bind = function(v) return v end } },
}

local STORED = {
  "NULL", "0", "1", "-1", "2", "9223372036854775807", "-9223372036854775808", "9223372036854775807000", "1e308",
  "-1e308", "9e999", "-9e999", "1e-320", "0.5", "-0.0", "253402300799", "253402300800", "-62135596800",
  "-62135596801", "253402300799999999", "2451545.0", "5373484.5", "1721425.5", "1721425.4999999", "86399", "86400",
  "86399999999", "3659999.99999999", "3660000", "1709640429.25", "''", "' '", "'a'", "'A'", "'b'", "'Y'", "'N'",
  "'y'", "'t'", "'true'", "'TRUE'", "'2024-02-29'", "'2024-02-30'", "'2024-02-29 13:04:05'",
  "'2024-02-29T13:04:05.123Z'", "'2024-02-29 13:04:05.123456789'", "'2024-02-29 13:04:05.123456000'",
  "'2024-02-29 13:04:05+23:59'", "'2024-02-29 13:04:05-24:00'", "'2024-02-29 13:04:05 +02:00'",
  "'0001-01-01 00:00:00+23:59'", "'9999-12-31 23:59:59-23:59'", "'0000-00-00'", "'9999-12-31'", "'10000-01-01'",
  "'13:04'", "'13:04:05.5'", "'24:00:00'", "'2000-01-01 13:04:05'", "'1970-01-01 00:00:00.000001'",
  "'1969-12-31 23:59:59.999999'", "'P1D'", "'-P1DT2H3M4.5S'", "'P99999999999999999999D'", "'PT0.0000001S'",
  "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "'6ba7b8109dad11d180b400c04fd430c8'",
  "'6BA7B8109DAD11D180B400C04FD430C8'", "'6ba7b810-9dad-11d1-80b4-00c04fd430c'",
  "x'6ba7b8109dad11d180b400c04fd430c8'", "x''", "x'00'", "x'6ba7b8109dad11d180b400c04fd430c8ff'", "char(0)",
  "'a'||char(0)||'b'", "'2024-02-29'||char(0)", "zeroblob(100000)", "hex(zeroblob(5000))",
  "cast('2024-02-29' as blob)", "cast('Y' as blob)", "cast(x'ff' as text)", "'0x10'", "'1e5'", "'inf'", "'nan'",
  "'1709640429'", "'2024-1-1'", "' 2024-01-01'", "'2024-01-01 '",
}

local function attempt(fn)
  local ok, result = pcall(fn)
  if ok then return result end
  assert(mr.errors.Error:is(result), "no error object: " .. tostring(result))
  return nil, result
end

local function run(session, sql) return session:execute(mr.text(sql)) end

-- One stored value in a column and in a key. Returns whether it was read; nil: no key can have it.
local function try(db, Row, Key, literal)
  local session = db.session
  session:expunge_all()
  run(session, "DELETE FROM row")
  run(session, "DELETE FROM key")
  run(session, ("INSERT INTO row (id, v) VALUES (1, %s)"):format(literal))
  if not pcall(run, session, ("INSERT INTO key (v, x) VALUES (%s, 1)"):format(literal)) then return nil end
  local row, wrong = attempt(function() return Row.query:first() end)
  if not row then
    assert(wrong.kind == "DataError", tostring(wrong))
    assert(attempt(function() return Row.query:execution_options{ bad_values = "null" }:first() end).v == nil)
    session:expunge_all()
    local kept = attempt(function() return Row.query:execution_options{ bad_values = "keep" }:first() end)
    assert(kept and kept.v ~= nil)
    return false
  end
  local value = row.v
  if value == nil then return true end
  local function count(criterion) return Row.query:filter(criterion):count() end
  assert(count(Row.v:eq(value)) == 1, "eq")
  assert(count(Row.v:in_{ value }) == 1, "in_")
  assert(count(Row.v:ne(value)) == 0, "ne")
  local key = Key.query:first()
  assert(session:get(Key, key.v) == key, "get")
  session:expunge_all()
  assert(session:get(Key, value), "get from the database")
  key = Key.query:first()
  key.x = 2
  session:flush()
  session:delete(key)
  session:flush()
  assert(run(session, "SELECT count(*) FROM key"):scalar() == 0, "delete")
  return true
end

describe("hostile stored values of", function()
  for _, family in ipairs(TYPES) do
    for _, column_type in ipairs(family) do
      it(tostring(column_type), function()
        local db = mr.open "sqlite://"
        local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true },
          v = db.Column{ column_type } })
        local Key = db.Model:extend("Key", { v = db.Column{ column_type, primary_key = true },
          x = db.Column{ db.Integer } })
        db:create_all()
        local read, refused = 0, 0
        for _, literal in ipairs(STORED) do
          local ok, result = pcall(try, db, Row, Key, literal)
          assert(ok, ("%s: %s"):format(literal, tostring(result)))
          if result then read = read + 1
          elseif result == false then refused = refused + 1 end
          db.session:rollback()
        end
        assert.is_true(read > 0)
        local all = column_type == mr.Any or column_type == mr.Integer or column_type == mr.SmallInteger
        assert.is_true(refused > 0 or all) -- SQLite itself refuses what is no integer in a key of integers
      end)
    end
  end
end)

describe("a key that is spelled in another way than its column", function()
  it("is found by the value that was read", function()
    local db = mr.open "sqlite://"
    local Key = db.Model:extend("Key", { v = db.Column{ db.DateTime{ digits = 0 }, primary_key = true } })
    db:create_all()
    db.session:execute(mr.text "INSERT INTO key (v) VALUES ('2024-02-29T13:04:05.123Z')")
    local key = Key.query:one()
    assert.equal(key, db.session:get(Key, key.v))
    db.session:delete(key)
    db.session:commit()
    assert.equal(0, Key.query:count())
  end)

  it("of a Date that is stored as a datetime may lack the time", function()
    local db = mr.open "sqlite://"
    local Key = db.Model:extend("Key", { v = db.Column{ db.Date{ storage = "datetime" }, primary_key = true } })
    db:create_all()
    db.session:execute(mr.text "INSERT INTO key (v) VALUES ('2024-02-29'), ('2024-03-01 00:00:00')")
    db.session:commit()
    for _, key in ipairs(Key.query:all()) do
      assert.equal(1, Key.query:filter(Key.v:eq(key.v)):count())
      assert.equal(key, db.session:get(Key, key.v))
    end
  end)
end)
