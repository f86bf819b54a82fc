-- The forms in which types store their values: what stands in the file, as other programs write it; that it is read
-- again, and that criteria find it.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local AT = mr.datetime(2024, 3, 5, 19, 7, 9, 123456)

-- A class with one column `v` of the type, in a database of its own.
local function class_of(column_type)
  local db = mr.open "sqlite://"
  local Row = db.Model:extend("Row", {
    id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ column_type },
  })
  db:create_all()
  return db, Row
end

-- What stands in the file: the storage class, and the value as SQLite writes it.
local function stored(db)
  local row = db.session:execute(mr.text "SELECT typeof(v) AS class, quote(v) AS text FROM row"):first()
  return row.class .. " " .. row.text
end

-- Each type with a value, what stands in the file, and what is read where that is another value.
local FORMS = {
  { mr.DateTime, AT, "text '2024-03-05 19:07:09.123456'" },
  { mr.DateTime{ digits = 3 }, AT, "text '2024-03-05 19:07:09.123'", mr.datetime(2024, 3, 5, 19, 7, 9, 123000) },
  { mr.DateTime{ digits = 0 }, AT, "text '2024-03-05 19:07:09'", mr.datetime(2024, 3, 5, 19, 7, 9) },
  { mr.DateTime{ digits = 6 }, mr.datetime(2024, 3, 5), "text '2024-03-05 00:00:00.000000'" },
  { mr.DateTime{ digits = 9 }, AT, "text '2024-03-05 19:07:09.123456000'" },
  { mr.DateTime{ digits = "auto", separator = "T" }, AT, "text '2024-03-05T19:07:09.123456'" },
  { mr.DateTime{ storage = "iso", digits = 3, separator = "T", zone = "Z" }, AT, "text '2024-03-05T19:07:09.123Z'",
    mr.datetime(2024, 3, 5, 19, 7, 9, 123000) },
  { mr.DateTime{ digits = 6, separator = "T", zone = "+00:00" }, AT, "text '2024-03-05T19:07:09.123456+00:00'" },
  { mr.DateTime{ digits = 6, zone = " +00:00" }, AT, "text '2024-03-05 19:07:09.123456 +00:00'" },
  { mr.DateTime{ storage = "unix" }, AT, "integer 1709665629", mr.datetime(2024, 3, 5, 19, 7, 9) },
  { mr.DateTime{ storage = "unix" }, mr.datetime(1969, 12, 31, 23, 59, 59, 1), "integer -1",
    mr.datetime(1969, 12, 31, 23, 59, 59) },
  { mr.DateTime{ storage = "unix_ms" }, AT, "integer 1709665629123", mr.datetime(2024, 3, 5, 19, 7, 9, 123000) },
  { mr.DateTime{ storage = "unix_us" }, AT, "integer 1709665629123456" },
  { mr.DateTime{ storage = "unix_us" }, mr.datetime(1, 1, 1), "integer -62135596800000000" },
  { mr.DateTime{ storage = "unix_us" }, mr.datetime(9999, 12, 31, 23, 59, 59, 999999), "integer 253402300799999999" },
  { mr.DateTime{ storage = "julian" }, mr.datetime(2000, 1, 1, 12), "real 2451545.0" },
  { mr.DateTime{ storage = "cocoa" }, mr.datetime(2001, 1, 1, 0, 0, 1, 500000), "real 1.5" },
  { mr.Date, mr.date(2024, 3, 5), "text '2024-03-05'" },
  { mr.Date{ storage = "datetime" }, mr.date(2024, 3, 5), "text '2024-03-05 00:00:00'" },
  { mr.Date{ storage = "unix" }, mr.date(2024, 3, 5), "integer 1709596800" },
  { mr.Date{ storage = "unix_ms" }, mr.date(1969, 12, 31), "integer -86400000" },
  { mr.Date{ storage = "julian" }, mr.date(2024, 3, 5), "real 2460374.5" },
  { mr.Date{ storage = "cocoa" }, mr.date(2024, 3, 5), "real 731289600.0" },
  { mr.Time{ digits = 3 }, mr.time(19, 7, 9, 123000), "text '19:07:09.123'" },
  { mr.Time{ storage = "datetime" }, mr.time(19, 7, 9, 123000), "text '2000-01-01 19:07:09.123000'" },
  { mr.Time{ storage = "datetime", digits = 0 }, mr.time(19, 7, 9), "text '2000-01-01 19:07:09'" },
  { mr.Time{ storage = "seconds" }, mr.time(1, 0, 1), "integer 3601" },
  { mr.Time{ storage = "milliseconds" }, mr.time(1, 0, 1, 5000), "integer 3601005" },
  { mr.Time{ storage = "microseconds" }, mr.time(23, 59, 59, 999999), "integer 86399999999" },
  { mr.Interval, mr.interval{ days = 1, hours = 2 }, "text '1970-01-02 02:00:00.000000'" },
  { mr.Interval{ storage = "iso" }, mr.interval{ days = 1, seconds = 4.5 }, "text 'P1DT4.5S'" },
  { mr.Interval{ storage = "seconds" }, mr.interval{ hours = -2 }, "integer -7200" },
  { mr.Interval{ storage = "milliseconds" }, mr.interval{ seconds = 1.5 }, "integer 1500" },
  { mr.Interval{ storage = "microseconds" }, mr.interval{ seconds = 1.5 }, "integer 1500000" },
  { mr.Interval{ storage = "days" }, mr.interval{ hours = 36 }, "real 1.5" },
  { mr.Boolean{ storage = "t/f" }, true, "text 't'" },
  { mr.Boolean{ storage = "t/f" }, false, "text 'f'" },
  { mr.Boolean{ storage = "yes/no" }, true, "text 'yes'" },
  { mr.Boolean{ storage = "1/0" }, false, "text '0'" },
  { mr.Enum("draft", "sent"), "sent", "text 'sent'" },
  { mr.Enum("draft", "sent", { storage = "position" }), "draft", "integer 0" },
  { mr.Enum("draft", "sent", { storage = "position", first = 1 }), "sent", "integer 2" },
  { mr.Enum("draft", "sent", { storage = "upper" }), "sent", "text 'SENT'" },
  { mr.Enum("draft", "sent", { storage = { draft = "d", sent = "s" } }), "sent", "text 's'" },
  { mr.Enum("draft", "sent", { storage = { draft = -1, sent = 10 } }), "draft", "integer -1" },
  { mr.Uuid, "123E4567-E89B-12D3-A456-426614174000", "text '123E4567-E89B-12D3-A456-426614174000'" },
  { mr.Uuid{ storage = "text" }, "123E4567E89B12D3A456426614174000", "text '123e4567-e89b-12d3-a456-426614174000'",
    "123e4567-e89b-12d3-a456-426614174000" },
  { mr.Uuid{ storage = "hex" }, "123e4567-e89b-12d3-a456-426614174000", "text '123e4567e89b12d3a456426614174000'" },
  { mr.Uuid{ storage = "blob" }, "123e4567-e89b-12d3-a456-426614174000", "blob X'123E4567E89B12D3A456426614174000'" },
}

describe("a value is stored in the form of its type, read again and found:", function()
  for _, case in ipairs(FORMS) do
    local column_type, value, text, again = table.unpack(case)
    if again == nil then again = value end
    it(tostring(column_type) .. " " .. tostring(value), function()
      local db, Row = class_of(column_type)
      db.session:add(Row{ id = 1, v = value })
      db.session:commit()
      assert.equal(text, stored(db))
      db.session:expunge_all()
      local row = db.session:get(Row, 1)
      assert.equal(again, row.v)
      local function count(criterion) return Row.query:filter(criterion):count() end
      assert.equal(1, count(Row.v:eq(row.v)))
      assert.equal(0, count(Row.v:ne(row.v)))
      assert.equal(1, count(Row.v:in_{ row.v }))
      assert.equal(1, Row.query:filter_by{ v = row.v }:count())
      assert.equal(1, Row.query:filter(Row.v:eq(mr.bindparam "x")):params{ x = row.v }:count())
      local sorts, most = pcall(function() return db.session:query(mr.func.max(Row.v)):scalar() end)
      assert.equal(tostring(Row.v.type) ~= 'Interval{ storage = "iso" }', sorts, most)
      if sorts then assert.equal(again, most) end
      assert.equal(again, db.session:execute(mr.select(mr.func.coalesce(Row.v, Row.v))):scalar())
    end)
  end

  it("also by the core, in batches, by UPDATE and by upsert", function()
    local db, Row = class_of(mr.DateTime{ storage = "unix" })
    local s = db.session
    s:execute(mr.insert(Row):values{ id = 1, v = AT })
    s:execute(mr.insert(Row), { { id = 2, v = AT }, { id = 3, v = AT } })
    s:execute(mr.insert(Row):values{ id = 1, v = AT }:on_conflict_do_update{
      index_elements = { "id" }, set = { v = mr.datetime(1970, 1, 1) } })
    s:execute(mr.update(Row):where(Row.id:eq(2)):values{ v = mr.datetime(1970, 1, 1, 0, 1, 0, 500000) })
    local seen = {}
    for i, row in ipairs(s:execute(mr.text "SELECT v FROM row ORDER BY id"):all()) do seen[i] = row.v end
    assert.same({ 0, 60, 1709665629 }, seen)
    assert.equal(1, Row.query:filter(Row.v:eq(mr.datetime(1970, 1, 1))):delete())
    s:commit()
    assert.equal(2, Row.query:count())
  end)

  it("a column's default, and the literals of query:sql", function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", {
      id = db.Column{ db.Integer, primary_key = true },
      v = db.Column{ db.DateTime{ storage = "unix_ms" }, default = AT },
      on = db.Column{ db.Boolean{ storage = "Y/N" }, default = false },
    })
    db:create_all()
    db.session:add(Row{})
    db.session:commit()
    assert.equal("integer 1709665629123", stored(db))
    local sql = Row.query:filter(Row.v:lt(AT), Row.on:eq(false)):sql{ literals = true }
    assert.truthy(sql:find([["row".v < 1709665629123.456 AND "row"."on" = 'N']], 1, true), sql)
  end)

  it("as a key, for get, relationships and deletes", function()
    local db = mr.open "sqlite://"
    local uuid, id = db.Uuid{ storage = "blob" }, "123e4567-e89b-12d3-a456-426614174000"
    local Parent = db.Model:extend("Parent", {
      id = db.Column{ uuid, primary_key = true }, children = db.relationship("Child"),
    })
    local Child = db.Model:extend("Child", {
      id = db.Column{ db.Integer, primary_key = true }, parent_id = db.Column{ uuid, db.ForeignKey "parent.id" },
      parent = db.relationship("Parent", { back_populates = "children" }),
    })
    db:create_all()
    db.session:add(Parent{ id = id, children = { Child{}, Child{} } })
    db.session:commit()
    db.session:expunge_all()
    local parent = db.session:get(Parent, id)
    assert.equal(2, #parent.children)
    assert.equal(parent, Child.query:first().parent)
    assert.equal(2, Child.query:filter(Child.parent:eq(parent)):count())
    assert.equal(2, #Parent.query:options(mr.selectinload(Parent.children)):first().children)
    for _, child in ipairs(Child.query:all()) do db.session:delete(child) end
    db.session:delete(parent)
    db.session:commit()
    assert.equal(0, Parent.query:count())
  end)
end)

describe("criteria compare as the values do", function()
  local before, after = AT - mr.interval{ seconds = 1 }, AT + mr.interval{ seconds = 1 }
  local types = {
    mr.DateTime, mr.DateTime{ digits = 3, zone = "Z", separator = "T" }, mr.DateTime{ digits = 0 },
    mr.DateTime{ digits = 6, zone = "+00:00" }, mr.DateTime{ storage = "unix" }, mr.DateTime{ storage = "unix_ms" },
    mr.DateTime{ storage = "unix_us" }, mr.DateTime{ storage = "julian" }, mr.DateTime{ storage = "cocoa" },
  }
  for _, column_type in ipairs(types) do
    it(tostring(column_type), function()
      local db, Row = class_of(column_type)
      for id, v in ipairs{ before, AT, after } do db.session:add(Row{ id = id, v = v }) end
      db.session:commit()
      local values = {}
      for _, row in ipairs(Row.query:order_by(Row.v):all()) do values[#values + 1] = row.v end
      assert.equal(3, #values)
      -- Against each value between and beside those that are stored, the database counts what Lua counts.
      for _, shift in ipairs{ -1, -0.9995, -0.5, -0.000001, 0, 0.000001, 0.0005, 0.5, 1 } do
        local x = AT + mr.interval{ seconds = shift }
        local function expect(name, holds)
          local n = 0
          for _, v in ipairs(values) do if holds(v) then n = n + 1 end end
          assert.equal(n, Row.query:filter(Row.v[name](Row.v, x)):count(), name .. " " .. tostring(x))
        end
        expect("eq", function(v) return v == x end)
        expect("ne", function(v) return v ~= x end)
        expect("lt", function(v) return v < x end)
        expect("le", function(v) return v <= x end)
        expect("gt", function(v) return v > x end)
        expect("ge", function(v) return v >= x end)
        local between = 0
        for _, v in ipairs(values) do if v >= x and v <= after then between = between + 1 end end
        assert.equal(between, Row.query:filter(Row.v:between(x, after)):count(), "between " .. tostring(x))
      end
      assert.equal(19, db.session:query(mr.extract("hour", Row.v)):first()[1])
    end)
  end

  it("a boolean of words is a condition, and its negation", function()
    local db, Row = class_of(mr.Boolean{ storage = "Y/N" })
    for id, v in ipairs{ true, false, mr.null } do db.session:add(Row{ id = id, v = v }) end
    db.session:commit()
    local function ids(criterion)
      local found = {}
      for _, row in ipairs(Row.query:filter(criterion):order_by(Row.id):all()) do found[#found + 1] = row.id end
      return found
    end
    assert.same({ 1 }, ids(Row.v))
    assert.same({ 2 }, ids(mr.not_(Row.v)))
    assert.same({ 1 }, ids(Row.v:is_(true)))
    assert.same({ 2, 3 }, ids(Row.v:is_not(true)))
    assert.same({ 2 }, ids(Row.v:ne(true)))
    assert.truthy(Row.query:filter(Row.v):sql():find([[WHERE "row".v = 'Y']], 1, true))
  end)

  local SAME = {
    { function() return mr.Boolean{ storage = "t/f" } end, true, false },
    { function() return mr.Boolean{ storage = "Y/N" } end, true, false },
    { function() return mr.Enum("x", "y", { storage = "position" }) end, "x", "y" },
    { function() return mr.Enum("x", "y", { storage = "upper" }) end, "x", "y" },
    { function() return mr.Enum("x", "y", { storage = { x = "one", y = "two" } }) end, "x", "y" },
  }
  for _, case in ipairs(SAME) do
    local declare, one, other = table.unpack(case)
    it("columns of one form are compared, united, written, whoever declares them: " .. tostring(declare()), function()
      local db = mr.open "sqlite://"
      local Row = db.Model:extend("Row", {
        id = db.Column{ db.Integer, primary_key = true },
        a = db.Column{ declare() }, b = db.Column{ declare() },
      })
      db:create_all()
      local s = db.session
      s:execute(mr.insert(Row), { { id = 1, a = one, b = one }, { id = 2, a = one, b = other } })
      assert.equal(1, Row.query:filter(Row.a:eq(Row.b)):one().id)
      assert.equal(2, Row.query:filter(Row.a:in_(mr.select(Row.b))):count())
      assert.equal(1, Row.query:filter(mr.tuple_(Row.a, Row.id):eq(mr.tuple_(Row.b, Row.id))):one().id)
      assert.equal(2, #s:execute(mr.select(Row.a):union(mr.select(Row.b))):all())
      local second = s:get(Row, 2)
      Row.query:filter(Row.a:ne(Row.b)):update({ a = Row.b }, { synchronize_session = "auto" })
      assert.equal(other, second.a)
      s:execute(mr.insert(Row):from_select({ "id", "a" }, mr.select(Row.id + 2, Row.b)))
      assert.equal(other, s:get(Row, 4).a)
    end)
  end

  it("a cast gives a boolean of words as 0 and 1, and values of one form in another", function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", {
      id = db.Column{ db.Integer, primary_key = true }, b = db.Column{ db.Boolean{ storage = "Y/N" } },
      at = db.Column{ db.DateTime }, u = db.Column{ db.DateTime{ storage = "unix" } },
      e = db.Column{ db.Enum("x", "y", { storage = "position" }) }, id16 = db.Column{ db.Uuid{ storage = "blob" } },
    })
    db:create_all()
    local s = db.session
    s:execute(mr.insert(Row), { { id = 1, b = true, at = AT, u = AT }, { id = 2, b = false, at = AT, u = AT } })
    local function cast(x, as) return s:query(mr.cast(x, as)):filter(Row.id:lt(3)):order_by(Row.id):all() end
    local rows = cast(Row.b, mr.Boolean)
    assert.same({ true, false }, { rows[1][1], rows[2][1] })
    assert.equal(1709665629, cast(Row.u, mr.Integer)[1][1])
    assert.equal(AT:replace{ microsecond = 0 }, cast(Row.u, mr.DateTime{ storage = "unix" })[1][1])
    assert.equal(AT:replace{ microsecond = 0 }, cast(Row.at, mr.DateTime{ storage = "unix" })[1][1])
    assert.equal(AT:replace{ microsecond = 0 }, cast(Row.u, mr.DateTime)[1][1])
    assert.equal(AT:replace{ microsecond = 0 }, cast(Row.u, mr.DateTime{ storage = "unix_ms" })[1][1])
    assert.is_nil(cast(Row.e, mr.Enum("y", "x", { storage = "position" }))[1][1])
    assert.is_nil(cast(Row.id16, mr.Uuid)[1][1])
    refuse("ArgumentError", { "cast: PostgreSQL cannot turn", "in Lua" }, function()
      return mr.cast(Row.u, mr.DateTime{ separator = "T" }):sql{ dialect = "postgresql" }
    end)
  end)

  it("columns whose words differ are not compared", function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", {
      id = db.Column{ db.Integer, primary_key = true },
      tf = db.Column{ db.Boolean{ storage = "t/f" } }, yn = db.Column{ db.Boolean{ storage = "y/n" } },
      tg = db.Column{ db.Boolean{ storage = "t/g" } }, b = db.Column{ db.Boolean },
      xy = db.Column{ db.Enum("x", "y", { storage = "position" }) },
      yx = db.Column{ db.Enum("y", "x", { storage = "position" }) },
      xyz = db.Column{ db.Enum("x", "y", "z", { storage = "position" }) },
      text = db.Column{ db.Enum("x", "y") },
    })
    db:create_all()
    for _, pair in ipairs{ { "tf", "yn" }, { "tf", "tg" }, { "tf", "b" }, { "xy", "yx" }, { "xy", "xyz" },
      { "xyz", "xy" }, { "xy", "text" } } do
      refuse("ArgumentError", "different forms", function()
        Row.query:filter(Row[pair[1]]:eq(Row[pair[2]])):all()
      end)
    end
  end)

  it("columns of different forms are not compared, and a form without order has none", function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", {
      id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ db.DateTime{ storage = "unix" } }, b = db.Column{ db.DateTime },
      e = db.Column{ db.Enum("x", "y", { storage = { x = 2, y = 1 } }) },
      i = db.Column{ db.Interval{ storage = "iso" } },
    })
    db:create_all()
    refuse("ArgumentError", { 'DateTime{ storage = "unix" }', "different forms" }, function()
      Row.query:filter(Row.a:lt(Row.b)):all()
    end)
    local function refused(word, fn) refuse("ArgumentError", { word, "different forms" }, fn) end
    local s = db.session
    s:execute(mr.insert(Row):values{ id = 1, a = AT, b = AT })
    refused("compare", function() Row.query:filter(Row.a:in_{ Row.b }):all() end)
    refused("compare", function() Row.query:filter(Row.a:in_(mr.select(Row.b))):all() end)
    refused("compare", function() Row.query:filter(Row.a:between(Row.b, Row.b)):all() end)
    refused("compare", function() Row.query:filter(mr.tuple_(Row.a, Row.id):eq(mr.tuple_(Row.b, Row.id))):all() end)
    refused("compare", function()
      Row.query:filter(mr.tuple_(Row.a, Row.id):in_(mr.select(Row.b, Row.id))):all()
    end)
    refused("written", function() s:execute(mr.update(Row):values{ b = Row.a }) end)
    refused("written", function() Row.query:update{ b = Row.a } end)
    refused("written", function()
      s:execute(mr.insert(Row):from_select({ Row.id, Row.b }, mr.select(Row.id, Row.a)))
    end)
    assert.equal(AT, Row.query:first().b)
    s:execute(mr.update(Row):values{ a = Row.a })
    refuse("ArgumentError", { "Enum(x = 2, y = 1)", "no order" }, function() Row.query:filter(Row.e:gt "x"):all() end)
    refuse("ArgumentError", { 'Interval{ storage = "iso" }', "no order" }, function()
      Row.query:filter(Row.i:gt(mr.interval(5))):all()
    end)
  end)
end)

describe("what others have stored", function()
  -- A text in a column without a storage, the value that is read, and whether it sorts with ours.
  local TEXTS = {
    { mr.DateTime, "2024-03-05T19:07:09Z", mr.datetime(2024, 3, 5, 19, 7, 9) },
    { mr.DateTime, "2024-03-05 19:07:09.123 +00:00", mr.datetime(2024, 3, 5, 19, 7, 9, 123000) },
    { mr.DateTime, "2024-03-05 21:37:09.123456+02:30", AT },
    { mr.DateTime, "2024-03-05T14:07:09.123456-05:00", AT },
    { mr.DateTime, "2024-03-05 19:07:09.123456000", AT },
    { mr.DateTime, "2024-03-05 19:07:09.1200000", mr.datetime(2024, 3, 5, 19, 7, 9, 120000) },
    { mr.DateTime, "2024-03-05", mr.datetime(2024, 3, 5) },
    { mr.Date, "2024-03-05 00:00:00", mr.date(2024, 3, 5) },
    { mr.Date, "2024-03-05T00:00:00.000", mr.date(2024, 3, 5) },
    { mr.Time, "2000-01-01 19:07:09.123000", mr.time(19, 7, 9, 123000) },
    { mr.Time, "1970-01-01 19:07:09", mr.time(19, 7, 9) },
    { mr.Time, "19:07:09.123456000", mr.time(19, 7, 9, 123456) },
  }
  for _, case in ipairs(TEXTS) do
    local column_type, text, value = table.unpack(case)
    it("as " .. tostring(column_type) .. ": '" .. text .. "' is read, found, and written back as it was", function()
      local db, Row = class_of(column_type)
      db.session:execute(mr.text "INSERT INTO row (id, v) VALUES (1, :text)", { text = text })
      db.session:commit()
      local row = Row.query:first()
      assert.equal(value, row.v)
      assert.equal(1, Row.query:filter(Row.v:eq(row.v)):count())
      assert.equal(1, Row.query:filter(Row.v:in_{ row.v }):count())
      local other = Row{ id = 2, v = row.v }
      db.session:add(other)
      db.session:commit()
      assert.equal(2, db.session:execute(mr.text "SELECT count(*) FROM row WHERE v = :text", { text = text }):scalar())
    end)
  end

  local BAD = {
    { mr.DateTime, "2024-03-05 19:07:09.1234567" }, { mr.DateTime, "0001-01-01 00:00:00+00:01" },
    { mr.DateTime, "2024-03-05 19:07:09 " },
    { mr.DateTime, "2024-03-05Z" },
    { mr.DateTime, "2024-03-05 19:07:09-00:00" }, { mr.DateTime, "2024-03-05 19:07:09+16:00" },
    { mr.Date, "2024-03-05 00:00:01" }, { mr.Time, "2000-01-02 10:00:00" },
    { mr.Time, "2000-01-01" }, { mr.Interval, "1970-01-01 00:00:00Z" },
    { mr.DateTime{ storage = "unix" }, 253402300800 }, { mr.DateTime{ storage = "unix" }, math.maxinteger },
    { mr.DateTime{ storage = "unix_us" }, math.mininteger }, { mr.DateTime{ storage = "unix" }, 1.5 },
    { mr.DateTime{ storage = "unix" }, "2024-03-05" }, { mr.DateTime{ storage = "cocoa" }, 1e300 },
    { mr.DateTime{ storage = "julian" }, "x" }, { mr.Date{ storage = "unix" }, 1 },
    { mr.Date{ storage = "julian" }, 2460374.25 }, { mr.Time{ storage = "seconds" }, 86400 },
    { mr.Time{ storage = "seconds" }, -1 }, { mr.Interval{ storage = "iso" }, "P1Y" },
    { mr.Interval{ storage = "days" }, 1e12 }, { mr.Interval{ storage = "days" }, 3660000 },
    { mr.Boolean{ storage = "Y/N" }, "y" },
    { mr.Boolean{ storage = "Y/N" }, 1 }, { mr.Enum("a", "b", { storage = "position" }), 2 },
    { mr.Enum("a", "b", { storage = "upper" }), "a" }, { mr.Uuid{ storage = "text" }, ("A"):rep(32) },
    { mr.Uuid{ storage = "hex" }, ("A"):rep(32) }, { mr.Uuid{ storage = "blob" }, ("A"):rep(32) },
  }
  for _, case in ipairs(BAD) do
    local column_type, value = table.unpack(case)
    it("as " .. tostring(column_type) .. ": " .. tostring(value) .. " is refused, and bad_values helps", function()
      local db, Row = class_of(column_type)
      db.session:execute(mr.text "INSERT INTO row (id, v) VALUES (1, :v)", { v = value })
      db.session:commit()
      refuse("DataError", { "row" }, function() Row.query:all() end)
      assert.equal(nil, Row.query:execution_options{ bad_values = "null" }:first().v)
    end)
  end

  it("floats beside the nearest one, as other programs calculate them", function()
    local db, Row = class_of(mr.DateTime{ storage = "julian" })
    db.session:execute(mr.text [[INSERT INTO row (id, v) VALUES (1, julianday('2024-03-05 19:07:09.123')),
      (2, julianday('2024-03-05 19:07:09.123') + 0.000000001)]])
    db.session:commit()
    local rows = Row.query:order_by(Row.id):all()
    local at = mr.datetime(2024, 3, 5, 19, 7, 9, 123000)
    assert.equal(at, rows[1].v)
    assert.equal(at, rows[2].v)
    assert.equal(2, Row.query:filter(Row.v:eq(at)):count())
    assert.equal(2, Row.query:filter(Row.v:in_{ at }):count())
    assert.equal(0, Row.query:filter(Row.v:lt(at)):count())
    assert.equal(2, Row.query:filter(Row.v:le(at)):count())
  end)
end)

describe("options of storage are refused in words:", function()
  local CASES = {
    { function() return mr.DateTime{ storage = "unixx" } end,
      '"iso", "unix", "unix_ms", "unix_us", "julian", "cocoa"' },
    { function() return mr.DateTime{ storage = "unix", digits = 3 } end, 'go with storage = "iso"' },
    { function() return mr.DateTime{ digits = 10 } end, "a number from 0 to 9" },
    { function() return mr.DateTime{ digits = "many" } end, '"auto"' },
    { function() return mr.DateTime{ separator = "-" } end, 'separator is "T" or " "' },
    { function() return mr.DateTime{ zone = "+01:00" } end, "kept in UTC" },
    { function() return mr.DateTime{ zone = "Z" } end, "needs a number of digits" },
    { function() return mr.Time{ zone = "Z", digits = 3 } end, "only a DateTime" },
    { function() return mr.Date{ digits = 3 } end, 'go with storage = "iso"' },
    { function() return mr.DateTime{ storage = "iso", colour = 1 } end, "unknown option 'colour'" },
    { function() return mr.Interval{ days = 1 } end, "mr.interval{ days = 1 }" },
    { function() return mr.DateTime{ timezone = true } end, "DateTime has no option timezone" },
    { function() return mr.Boolean{ storage = "t" } end, "the words for true and false" },
    { function() return mr.Boolean{ storage = "t/t" } end, "the words for true and false" },
    { function() return mr.Boolean{ digits = 3 } end, "storage" },
    { function() return mr.Enum("a", "b", { storage = "name" }) end, '"position", "upper", or a table' },
    { function() return mr.Enum("a", "b", { first = 1 }) end, "first is the number of the first choice" },
    { function() return mr.Enum("a", "b", { storage = "upper", first = 1 }) end, 'for storage = "position"' },
    { function() return mr.Enum("a", "b", { storage = "position", first = math.maxinteger }) end, "too large" },
    { function() return mr.Enum("a", "b", { storage = { a = 1 } }) end, "for the choice 'b'" },
    { function() return mr.Enum("a", "b", { storage = { a = 1, b = 1 } }) end, "stored as the same" },
    { function() return mr.Enum("a", "b", { storage = { a = 1, b = "x" } }) end, "a number for each choice" },
    { function() return mr.Enum("a", "b", { storage = { a = 1, b = 2, c = 3 } }) end, "no choice" },
    { function() return mr.Enum("a", "A", { storage = "upper" }) end, "stored as the same" },
    { function() return mr.Uuid{ storage = "bytes" } end, '"text", "hex", "blob"' },
    { function() return mr.Integer{ storage = "x" } end, "takes no arguments" },
  }
  for i, case in ipairs(CASES) do
    it(i .. ": " .. case[2], function() refuse("ArgumentError", { case[2] }, case[1]) end)
  end

  it("a SmallInteger has its range", function()
    local db, Row = class_of(mr.SmallInteger)
    db.session:add(Row{ v = -32768 })
    db.session:add(Row{ v = 32767 })
    db.session:commit()
    db.session:add(Row{ v = 32768 })
    refuse("DataError", { "Row.v", "32768", "SmallInteger" }, function() db.session:commit() end)
  end)

  it("the SQL of tables", function()
    local sql = {}
    for _, t in ipairs{ mr.DateTime{ storage = "unix" }, mr.DateTime{ storage = "julian" }, mr.DateTime{ digits = 3 },
      mr.Date{ storage = "datetime" }, mr.Interval{ storage = "iso" }, mr.Boolean{ storage = "t/f" },
      mr.Enum("a", "b", { storage = "position" }), mr.Enum("a", "b", { storage = { a = "xx", b = "yyy" } }),
      mr.Uuid{ storage = "blob" }, mr.Uuid{ storage = "hex" }, mr.Uuid{ storage = "text" } } do
      local db = class_of(t)
      sql[#sql + 1] = db.session:execute(mr.text "SELECT type FROM pragma_table_info('row') WHERE name = 'v'"):scalar()
    end
    assert.same({ "BIGINT", "FLOAT", "DATETIME", "DATETIME", "TEXT", "VARCHAR", "INTEGER", "VARCHAR(3)", "BLOB",
      "CHAR(32)", "CHAR(36)" }, sql)
  end)
end)

describe("the choices of an Enum", function()
  for _, storage in ipairs{ "none", "position", "upper" } do
    it("are checked for an empty text, too, by whatever writes it, stored as " .. storage, function()
      local db = mr.open "sqlite://"
      local Row = db.Model:extend("Row", {
        id = db.Column{ db.Integer, primary_key = true },
        v = db.Column{ db.Enum("a", "b", { storage = storage ~= "none" and storage or nil }) },
      })
      db:create_all()
      local s = db.session
      s:add(Row{ id = 1, v = "a" })
      s:commit()
      local writes = {
        function() s:add(Row{ v = "" }) end,
        function() s:add_all{ Row{ v = "" }, Row{ v = "" } } end,
        function() s:get(Row, 1).v = "" end,
        function() s:merge(Row{ id = 1, v = "" }) end,
        function() s:execute(mr.insert(Row), { { v = "a" }, { v = "" } }) end,
        function() s:execute(mr.insert(Row):values{ v = "" }) end,
        function() Row.query:update{ v = "" } end,
        function() s:import(Row, { { v = "a" }, { v = "" } }) end,
      }
      for _, write in ipairs(writes) do
        refuse("DataError", 'string "" is not a choice of Enum(a', function()
          write()
          s:flush()
        end)
        s:rollback()
      end
      assert.equal(1, Row.query:count())
    end)
  end

  it("may have an empty text among them", function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true },
                                         v = db.Column{ db.Enum("", "b") } })
    db:create_all()
    db.session:add(Row{ v = "" })
    db.session:commit()
    assert.equal("", Row.query:one().v)
  end)
end)
