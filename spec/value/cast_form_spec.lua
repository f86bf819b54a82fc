-- Casts between the forms in which a type stores its values, parts of stored moments and sums of them: the same on
-- every database, or refused.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local FORMS = {
  DateTime = {
    mr.DateTime, mr.DateTime{ storage = "unix" }, mr.DateTime{ storage = "unix_ms" },
    mr.DateTime{ storage = "unix_us" }, mr.DateTime{ storage = "julian" }, mr.DateTime{ storage = "cocoa" },
  },
  Date = {
    mr.Date, mr.Date{ storage = "datetime" }, mr.Date{ storage = "unix" }, mr.Date{ storage = "unix_ms" },
    mr.Date{ storage = "julian" }, mr.Date{ storage = "cocoa" },
  },
  Time = {
    mr.Time, mr.Time{ storage = "datetime" }, mr.Time{ storage = "seconds" }, mr.Time{ storage = "milliseconds" },
    mr.Time{ storage = "microseconds" },
  },
  Interval = {
    mr.Interval, mr.Interval{ storage = "seconds" }, mr.Interval{ storage = "milliseconds" },
    mr.Interval{ storage = "microseconds" }, mr.Interval{ storage = "days" },
  },
  Enum = {
    mr.Enum("small", "it's big"), mr.Enum("small", "it's big", { storage = "position" }),
    mr.Enum("small", "it's big", { storage = "upper" }),
    mr.Enum("small", "it's big", { storage = { small = "s", ["it's big"] = "b'" } }),
  },
  Uuid = { mr.Uuid, mr.Uuid{ storage = "text" }, mr.Uuid{ storage = "hex" }, mr.Uuid{ storage = "blob" } },
  Boolean = { mr.Boolean, mr.Boolean{ storage = "Y/N" }, mr.Boolean{ storage = "t/f" } },
}

-- Values that each form keeps.
local VALUES = {
  DateTime = { mr.datetime(2024, 3, 5, 19, 7, 9), mr.datetime(1969, 12, 31, 23, 59, 59), mr.datetime(1, 1, 1),
    mr.datetime(9999, 12, 31, 23, 59, 59) },
  Date = { mr.date(2024, 2, 29), mr.date(1969, 12, 31), mr.date(1, 1, 1), mr.date(9999, 12, 31) },
  Time = { mr.time(0, 0), mr.time(13, 4, 5), mr.time(23, 59, 59) },
  Interval = { mr.interval(0), mr.interval{ days = 1, hours = 2 }, mr.interval(-90), mr.interval{ days = -400 } },
  Enum = { "small", "it's big" },
  Uuid = { "123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000" },
  Boolean = { true, false },
}

describe("a cast to another form of storage", function()
  for name, forms in pairs(FORMS) do
    it("gives what a column of that form stores for the same " .. name, function()
      local db = mr.open "sqlite://"
      local columns = { id = db.Column{ db.Integer, primary_key = true } }
      for i, form in ipairs(forms) do
        columns["v" .. i] = db.Column{ form }
        columns["w" .. i] = db.Column{ form }
      end
      local Row = db.Model:extend("Row", columns)
      db:create_all()
      for id, value in ipairs(VALUES[name]) do
        local row = Row{ id = id }
        for i in ipairs(forms) do
          row["v" .. i] = value
        end
        db.session:add(row)
      end
      db.session:commit()
      for i in ipairs(forms) do
        for k, to in ipairs(forms) do
          local what = ("%s as %s"):format(forms[i], to)
          db.session:execute(mr.update(Row):values{ ["w" .. k] = mr.cast(Row["v" .. i], to) })
          for id, value in ipairs(VALUES[name]) do
            local cast = db.session:query(mr.cast(Row["v" .. i], to)):filter(Row.id:eq(id)):scalar()
            assert.is_true(cast == value, ("%s: %s, not %s"):format(what, cast, value))
            assert.equal(1, Row.query:filter(Row.id:eq(id), Row["w" .. k]:eq(value)):count(), what)
          end
          assert.equal(#VALUES[name], Row.query:filter(Row["w" .. k]:eq(Row["v" .. k])):count(), what)
        end
      end
      db.session:remove()
    end)
  end

  it("gives the parts of a second that both forms keep", function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", {
      id = db.Column{ db.Integer, primary_key = true }, us = db.Column{ db.DateTime{ storage = "unix_us" } },
      ms = db.Column{ db.DateTime{ storage = "unix_ms" } }, span = db.Column{ db.Interval{ storage = "microseconds" } },
    })
    db:create_all()
    local moments = { mr.datetime(2024, 3, 5, 19, 7, 9, 123456), mr.datetime(1969, 12, 31, 23, 59, 59, 999999),
      mr.datetime(1, 1, 1, 0, 0, 0, 1), mr.datetime(9999, 12, 31, 23, 59, 59, 999999) }
    for id, at in ipairs(moments) do
      db.session:add(Row{ id = id, us = at, ms = at, span = at - mr.datetime(2000, 1, 1) })
    end
    db.session:commit()
    for id, at in ipairs(moments) do
      local function cast(column, form)
        return db.session:query(mr.cast(column, form)):filter(Row.id:eq(id)):scalar()
      end
      local ms = at:replace{ microsecond = at.microsecond // 1000 * 1000 }
      assert.equal(tostring(at), tostring(cast(Row.us, db.DateTime)))
      assert.equal(tostring(ms), tostring(cast(Row.us, db.DateTime{ storage = "unix_ms" })))
      assert.equal(tostring(ms), tostring(cast(Row.ms, db.DateTime)))
      assert.equal(tostring(at:to_date()), tostring(cast(Row.us, db.Date)))
      assert.equal(tostring(at:to_time()), tostring(cast(Row.us, db.Time)))
      assert.equal(tostring(at:to_time()), tostring(cast(Row.us, db.Time{ storage = "microseconds" })))
      assert.equal(tostring(at:to_date()), tostring(cast(Row.ms, db.Date{ storage = "julian" })))
    end
    db.session:remove()
  end)

  it("reads texts, and writes them", function()
    local db = mr.open "sqlite://"
    local s = db.session
    local text = mr.literal "2024-03-05"
    for _, form in ipairs(FORMS.Date) do
      assert.is_true(s:query(mr.cast(text, form)):scalar() == mr.date(2024, 3, 5), tostring(form))
    end
    for i, form in ipairs(FORMS.Enum) do
      local Row = db.Model:extend("Word" .. i, {
        id = db.Column{ db.Integer, primary_key = true }, word = db.Column{ form }, text = db.Column{ db.Text },
      })
      db:create_all()
      s:add(Row{ word = "it's big", text = "small" })
      s:commit()
      assert.equal("it's big", s:query(mr.cast(Row.word, db.Text)):scalar())
      assert.equal("small", s:query(mr.cast(Row.text, form)):scalar())
    end
    for i, form in ipairs(FORMS.Uuid) do
      local Row = db.Model:extend("Key" .. i, {
        id = db.Column{ form, primary_key = true }, text = db.Column{ db.Text },
      })
      db:create_all()
      s:add(Row{ id = VALUES.Uuid[1], text = VALUES.Uuid[2] })
      s:commit()
      assert.equal(VALUES.Uuid[1], s:query(mr.cast(Row.id, db.Text)):scalar(), tostring(form))
      assert.equal(VALUES.Uuid[2], s:query(mr.cast(Row.text, form)):scalar())
    end
    s:remove()
  end)
end)

describe("a moment that is stored as a number", function()
  it("has parts, and is not calculated with as that number", function()
    local db = mr.open "sqlite://"
    local s = db.session
    local Row = db.Model:extend("Row", {
      id = db.Column{ db.Integer, primary_key = true }, at = db.Column{ db.DateTime{ storage = "unix_ms" } },
      day = db.Column{ db.Date{ storage = "unix" } }, span = db.Column{ db.Interval{ storage = "seconds" } },
    })
    db:create_all()
    s:add(Row{ at = "2024-03-05 19:07:09", day = "2024-03-05", span = "PT90M" })
    s:commit()
    assert.equal(2024, s:query(mr.extract("year", Row.at)):scalar())
    assert.equal(19, s:query(mr.extract("hour", Row.at)):scalar())
    assert.equal(3, s:query(mr.extract("month", Row.day)):scalar())
    local f = mr.func
    for _, expression in ipairs{
      f.sum(Row.at), f.avg(Row.day), f.sum(Row.span), f.sum(Row.span:distinct()), f.abs(Row.span), f.round(Row.at),
      Row.at + 1, Row.day - Row.day, -Row.span, 2 * Row.span, Row.span / 2,
    } do
      refuse("ArgumentError", { "cannot calculate with" }, function() s:query(expression):all() end)
    end
    assert.is_true(s:query(f.max(Row.at)):scalar() == mr.datetime(2024, 3, 5, 19, 7, 9))
    if db.engine.dialect.name == "postgresql" then
      assert.equal("PT1H30M", tostring(s:query(f.sum(mr.cast(Row.span, db.Interval))):scalar()))
      refuse("ArgumentError", { 'DateTime{ storage = "unix_ms" }', "mr.cast(x, mr.DateTime)" }, function()
        s:query(f.sum(Row.at)):all()
      end)
    end
    s:remove()
  end)
end)

describe("a value whose text is not what is stored", function()
  it("is joined and searched by its text alone, which a cast gives", function()
    local db = mr.open "sqlite://"
    local s, f = db.session, mr.func
    local Row = db.Model:extend("Row", {
      id = db.Column{ db.Integer, primary_key = true },
      state = db.Column{ db.Enum("open", "shut", { storage = "position" }) },
      size = db.Column{ db.Enum("big", "small", { storage = { big = "x", small = "y" } }) },
      at = db.Column{ db.DateTime{ storage = "unix" } }, key = db.Column{ db.Uuid{ storage = "blob" } },
      price = db.Column{ db.Numeric(6, 2, { storage = "scaled" }) }, word = db.Column{ db.Enum("a", "b") },
    })
    db:create_all()
    s:add(Row{ state = "shut", size = "small", at = "2024-03-05", key = VALUES.Uuid[1], price = "1.50", word = "b" })
    s:commit()
    local words = { "the database has no text of", "mr.cast(x, mr.Text)" }
    for _, name in ipairs{ "state", "size", "at", "key", "price" } do
      local column = Row[name]
      for _, expression in ipairs{ column .. "!", mr.literal "!" .. column, column:like "s%", column:ilike "s%",
        column:startswith "s", mr.not_(column:like "s%") } do
        refuse("ArgumentError", words, function() s:query(expression):all() end)
      end
    end
    for _, call in ipairs{ f.lower(Row.state), f.length(Row.size), f.substr(Row.at, 1, 2), f.group_concat(Row.key) } do
      refuse("ArgumentError", words, function() s:query(call):all() end)
    end
    local function text(name) return mr.cast(Row[name], db.Text) end
    local row = s:query(text "state" .. "!", text "size":like "s%", f.upper(text "state"), text "price" .. "!"):one()
    assert.same({ "shut!", true, "SHUT", "1.50!" }, { row[1], row[2], row[3], row[4] })
    assert.equal("b!", s:query(Row.word .. "!"):filter(Row.word:like "b%"):scalar())
    assert.equal("1.50", s:query(f.group_concat(Row.price)):scalar())
    s:remove()
  end)
end)
