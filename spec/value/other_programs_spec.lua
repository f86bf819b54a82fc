-- A column that another program has filled: how each of them writes a kind of value. The bytes are written by hand,
-- with the type that the program declares; the row is read, found by a criterion with the value that was read and by
-- one made in Lua, and written to another row, which a criterion finds, too.
local mr = require "moonrow"

local at = mr.datetime(2024, 3, 5, 19, 7, 9, 123000)
local second = mr.datetime(2024, 3, 5, 19, 7, 9)
local day, clock = mr.date(2024, 3, 5), mr.time(19, 7, 9, 123000)
local long = mr.interval{ days = 1, hours = 2, minutes = 3, seconds = 4.5 }
local uuid = "123e4567-e89b-12d3-a456-426614174000"
local hex = uuid:gsub("-", "")

-- Bytes as base64, as SQLObject writes them into a column of text.
local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function encode(bytes)
  if not bytes then return nil end
  local out = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    for k = 3, 0, -1 do
      local digit = n >> 6 * k & 63
      out[#out + 1] = (k == 1 and not b or k == 0 and not c) and "=" or digits:sub(digit + 1, digit + 1)
    end
  end
  return table.concat(out)
end
local function decode(text)
  if not text then return nil end
  local bits, n, out = 0, 0, {}
  for digit in text:gmatch "[A-Za-z0-9+/]" do
    bits, n = bits << 6 | digits:find(digit, 1, true) - 1, n + 6
    if n >= 8 then
      n = n - 8
      out[#out + 1] = string.char(bits >> n & 255)
    end
  end
  return table.concat(out)
end
local Base64 = mr.TypeDecorator{ impl = mr.Text, name = "Base64", bind = encode, result = decode }

-- Doctrine's: every unit in two digits, years and months included. Days are what an interval has.
local DoctrineInterval = mr.TypeDecorator{ impl = mr.String(255), name = "DoctrineInterval",
  bind = function(value)
    if not value then return nil end
    local back, s = value < mr.interval(0), value < mr.interval(0) and -value or value
    return ("%sP00Y00M%02dDT%02dH%02dM%02dS"):format(back and "-" or "+", s.days, s.seconds // 3600,
      s.seconds // 60 % 60, s.seconds % 60)
  end,
  result = function(text)
    if not text then return nil end
    local sign, years, months, rest = text:match "^([+-])P(%d+)Y(%d+)M(.*)$"
    assert(sign and tonumber(years) == 0 and tonumber(months) == 0, "no interval of days and seconds")
    local value = mr.interval("P" .. rest)
    return sign == "-" and -value or value
  end }

-- Storm's and python's: "1 day, 2:03:04.5".
local StormInterval = mr.TypeDecorator{ impl = mr.Text, name = "StormInterval",
  bind = function(value)
    if not value then return nil end
    local micros = value.microseconds
    local fraction = micros > 0 and (".%06d"):format(micros):gsub("0+$", "") or ""
    return ("%d day%s, %d:%02d:%02d%s"):format(value.days, value.days == 1 and "" or "s", value.seconds // 3600,
      value.seconds // 60 % 60, value.seconds % 60, fraction)
  end,
  result = function(text)
    if not text then return nil end
    local days, hours, minutes, seconds = text:match "^(%-?%d+) days?, (%d+):(%d+):([%d.]+)$"
    return mr.interval{ days = math.tointeger(days), hours = math.tointeger(hours),
      minutes = math.tointeger(minutes), seconds = tonumber(seconds) }
  end }

-- Who, what it declares, what it stores (SQL), our type, the value.
local rows = {
  { "SQLAlchemy, Sequel: datetime", "DATETIME", "'2024-03-05 19:07:09.123000'", mr.DateTime, at },
  { "Django, Peewee, Active Record: datetime", "datetime", "'2024-03-05 19:07:09.123'", mr.DateTime, at },
  { "Doctrine, Eloquent: datetime", "DATETIME", "'2024-03-05 19:07:09'", mr.DateTime, second },
  { "Sequelize: datetime", "DATETIME", "'2024-03-05 19:07:09.123 +00:00'",
    mr.DateTime{ digits = 3, zone = " +00:00" }, at },
  { "Prisma: datetime", "DATETIME", "'2024-03-05T19:07:09.123+00:00'",
    mr.DateTime{ digits = 3, separator = "T", zone = "+00:00" }, at },
  { "Kysely, GeoPackage: datetime", "DATETIME", "'2024-03-05T19:07:09.123Z'",
    mr.DateTime{ digits = 3, separator = "T", zone = "Z" }, at },
  { "Knex, MikroORM, Drizzle timestamp_ms: datetime", "DATETIME", "1709665629123",
    mr.DateTime{ storage = "unix_ms" }, at },
  { "Drizzle timestamp, Peewee's TimestampField, Rose: datetime", "INTEGER", "1709665629",
    mr.DateTime{ storage = "unix" }, second },
  { "Core Data: datetime", "TIMESTAMP", "731358429.123", mr.DateTime{ storage = "cocoa" }, at },
  { "Rose timestamp: datetime", "TIMESTAMP", "'2024-03-05 19:07:09.123000000'", mr.DateTime{ digits = 9 }, at },
  { "Eloquent: date", "DATE", "'2024-03-05 00:00:00'", mr.Date{ storage = "datetime" }, day },
  { "Knex: date", "DATE", "1709596800000", mr.Date{ storage = "unix_ms" }, day },
  { "Active Record: time", "time", "'2000-01-01 19:07:09.123000'", mr.Time{ storage = "datetime" }, clock },
  { "old Rails: true", "boolean", "'t'", mr.Boolean{ storage = "t/f" }, true },
  { "old Rails, Sequel: false", "boolean", "'f'", mr.Boolean{ storage = "t/f" }, false },
  { "SQLAlchemy: enum, by its name in capitals", "VARCHAR(5)", "'SENT'",
    mr.Enum("draft", "sent", { storage = "upper" }), "sent" },
  { "Active Record: enum, by position", "INTEGER", "1", mr.Enum("draft", "sent", { storage = "position" }), "sent" },
  { "Pony, Peewee's BinaryUUIDField: uuid", "BLOB", "x'" .. hex .. "'", mr.Uuid{ storage = "blob" }, uuid },
  { "SQLAlchemy, Django: uuid", "CHAR(32)", "'" .. hex .. "'", mr.Uuid{ storage = "hex" }, uuid },
  { "the others: uuid", "TEXT", "'" .. uuid .. "'", mr.Uuid{ storage = "text" }, uuid },
  { "Django: interval", "bigint", "93784500000", mr.Interval{ storage = "microseconds" }, long },
  { "Pony: interval", "REAL", "1.5", mr.Interval{ storage = "days" }, mr.interval{ days = 1, hours = 12 } },
  { "SQLAlchemy: interval", "DATETIME", "'1970-01-02 02:03:04.500000'", mr.Interval, long },
  { "Storm: interval", "TEXT", "'1 day, 2:03:04.5'", StormInterval, long },
  { "Doctrine: interval", "VARCHAR(255)", "'+P00Y00M01DT02H03M04S'", DoctrineInterval,
    mr.interval{ days = 1, hours = 2, minutes = 3, seconds = 4 } },
  { "Doctrine: interval backwards", "VARCHAR(255)", "'-P00Y00M01DT00H00M00S'", DoctrineInterval,
    -mr.interval{ days = 1 } },
  { "most: decimal in a column of NUMERIC affinity", "DECIMAL(10, 2)", "12.30",
    mr.Numeric(10, 2, { storage = "real" }), mr.decimal "12.30" },
  { "Peewee, Pony: decimal as text", "DECIMAL_TEXT", "'12.30'", mr.Numeric(10, 2), mr.decimal "12.30" },
  { "SQLObject: bytes as base64", "TEXT", "'AP8QYQ=='", Base64, "\0\255\16a" },
  { "DBIx::Class: bytes as text with zero bytes", "TEXT", "CAST(x'61006200' AS TEXT)", mr.Text, "a\0b\0" },
}

local function open(declared, sql, column_type)
  local db = mr.open "sqlite://"
  db.session:execute(mr.text(("CREATE TABLE row (id INTEGER PRIMARY KEY, v %s)"):format(declared)))
  db.session:execute(mr.text(("INSERT INTO row VALUES (1, %s)"):format(sql)))
  local Row = db.Model:extend("Row", { __tablename = "row", id = db.Column{ db.Integer, primary_key = true },
    v = db.Column{ column_type } })
  db.session:commit()
  return db, Row
end

local function bytes_of(db, id)
  return db.session:execute(mr.text "SELECT typeof(v), hex(v) FROM row WHERE id = :id", { id = id }):one()
end

describe("what another program has stored", function()
  for _, row in ipairs(rows) do
    local name, declared, sql, column_type, value = table.unpack(row, 1, 5)
    it("is read, found, and written the same way: " .. name, function()
      local db, Row = open(declared, sql, column_type)
      local one = db.session:get(Row, 1)
      assert.equal(value, one.v)
      assert.equal(1, Row.query:filter(Row.v:eq(one.v)):count())
      assert.equal(1, Row.query:filter(Row.v:eq(value)):one().id)
      assert.equal(1, Row.query:filter(Row.v:in_{ value }):one().id)
      assert.equal(0, Row.query:filter(Row.v:ne(value)):count())
      local kind, bytes = bytes_of(db, 1):unpack()
      db.session:add(Row{ id = 2, v = value })
      db.session:commit()
      assert.equal(2, Row.query:filter(Row.v:eq(value)):count())
      assert.equal(kind, bytes_of(db, 2)[1])
      local found = Row.query:filter(Row.v:eq(value), Row.id:eq(2)):one()
      db.session:expire(found)
      assert.equal(value, found.v)
      assert.equal(value, one.v)
      one.v = value
      assert.is_false(db.session:is_modified(one))
      assert.equal(bytes, bytes_of(db, 1)[2])
    end)
  end
end)

describe("a datetime with a zone of its own, as Peewee, Pony and calibre store it", function()
  it("is read in UTC, found by what was read, and stays as it was written", function()
    local db, Row = open("DATETIME", "'2024-03-05 21:07:09.123000+02:00'", mr.DateTime)
    assert.equal(at, db.session:get(Row, 1).v)
    assert.equal(1, Row.query:filter(Row.v:eq(db.session:get(Row, 1).v)):count())
    db.session:get(Row, 1).v = at
    db.session:commit()
    assert.equal("2024-03-05 21:07:09.123000+02:00", db.session:scalar(mr.text "SELECT v FROM row"))
  end)
end)

describe("Perl's false, which DBIx::Class stores as an empty text", function()
  it("is false, and is found and negated as such", function()
    local db, Row = open("BOOLEAN", "''", mr.Boolean)
    assert.is_false(db.session:get(Row, 1).v)
    db.session:add(Row{ id = 2, v = true })
    assert.equal(1, Row.query:filter(Row.v:eq(false)):one().id)
    assert.equal(1, Row.query:filter(~Row.v):one().id)
    assert.equal(2, Row.query:filter(Row.v):one().id)
    db.session:get(Row, 1).v = false
    db.session:commit()
    assert.equal("text", bytes_of(db, 1)[1])
  end)
end)

describe("a number of JSON in a column declared JSON, where SQLite makes a number of it", function()
  it("is read as the JSON that the number is, and found by it", function()
    for stored, value in pairs{ ["1.0"] = 1, ["5"] = 5, ["1.5"] = 1.5 } do
      local db, Row = open("JSON", "'" .. stored .. "'", mr.JSON)
      assert.equal(value, db.session:get(Row, 1).v)
      assert.equal(1, Row.query:filter(Row.v:eq(value)):one().id)
    end
  end)

  it("is a float beyond 64 bits, as SQLite keeps it, and found by what was read", function()
    local db, Row = open("JSON", "'12345678901234567890'", mr.JSON)
    local read = db.session:get(Row, 1).v
    assert.equal("float", math.type(read))
    assert.equal(12345678901234567890.0, read)
    assert.equal(1, Row.query:filter(Row.v:eq(read)):one().id)
  end)

  it("is named where a document in a column of text has one beyond 64 bits, and the rest of the row is read", function()
    local db, Row = open("TEXT", "'{\"n\":12345678901234567890}'", mr.JSON)
    local one = db.session:get(Row, 1)
    assert.equal(1, one.id)
    require "spec.support.refuse"("DataError", { "Row.v of Row 1" }, function() return one.v end)
    local kept = Row.query:execution_options{ bad_values = "keep" }:populate_existing():one()
    assert.equal('{"n":12345678901234567890}', kept.v)
  end)
end)
