-- Numeric columns: what is taken, what is read, what stands in the file. Restates behaviour of SQLAlchemy's
-- test/sql/test_types.py (NumericTest, NumericRawSQLTest and the numeric parts of suite/test_types.py).

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local D = mr.decimal

local STORAGES = { text = mr.Numeric(10, 2), scaled = mr.Numeric(10, 2, { storage = "scaled" }),
  real = mr.Numeric(10, 2, { storage = "real" }) }

-- A class with one column `v` of the type, in a database of its own.
local function class_of(column_type, more)
  local db = mr.open "sqlite://"
  local body = { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ column_type } }
  for name, column in pairs(more or {}) do body[name] = db.Column(column) end
  local Row = db.Model:extend("Row", body)
  db:create_all()
  return db, Row
end

local function stored(db)
  local row = db.session:execute(mr.text "SELECT typeof(v) AS class, quote(v) AS text FROM row"):first()
  return row.class .. " " .. row.text
end

local function kind(d) return tostring(debug.getmetatable(d).__name) end

describe("the type Numeric", function()
  it("has digits in all and behind the point, by position or by name", function()
    for _, type in ipairs{ mr.Numeric(10, 2), mr.Numeric{ 10, 2 }, mr.Numeric{ precision = 10, scale = 2 },
      mr.Numeric(10, { scale = 2 }) } do
      assert.equal("Numeric(10, 2)", tostring(type))
    end
    assert.equal("Numeric", tostring(mr.Numeric))
    assert.equal("Numeric", tostring(mr.Numeric()))
    assert.equal("Numeric(8, 0)", tostring(mr.Numeric(8)))
    assert.equal('Numeric(10, 2, { storage = "scaled" })', tostring(STORAGES.scaled))
    assert.is_true(mr.Numeric(10, 2) == mr.Numeric(10, 2))
    assert.is_false(mr.Numeric(10, 2) == mr.Numeric(10, 3))
    assert.is_false(mr.Numeric(10, 2) == STORAGES.real)
  end)

  it("refuses digits that do not go together, with the cure", function()
    refuse("ArgumentError", { "3 digits behind the point among 2" }, mr.Numeric, 2, 3)
    refuse("ArgumentError", { "from 1 to 1000", "0" }, mr.Numeric, 0)
    refuse("ArgumentError", { "from 1 to 1000", "1001" }, mr.Numeric, 1001)
    refuse("ArgumentError", { "Numeric: expected the number of digits in all", "-1" }, mr.Numeric, -1, 2)
    refuse("ArgumentError", { "Numeric: expected the number of digits behind" }, mr.Numeric, 10, 1.5)
    refuse("ArgumentError", { "Numeric: expected the number of digits in all", '"10"' }, mr.Numeric, "10")
    refuse("ArgumentError", "two numbers", mr.Numeric, 1, 2, 3)
    refuse("ArgumentError", "need the number of all digits", mr.Numeric, { scale = 2 })
    refuse("ArgumentError", { '"scaled", "real"', '"text"' }, mr.Numeric, 10, 2, { storage = "text" })
    refuse("ArgumentError", { "needs a number of digits from 1 to 18" }, mr.Numeric, 19, 2, { storage = "scaled" })
    refuse("ArgumentError", { "needs a number of digits from 1 to 15" }, mr.Numeric, { storage = "real" })
    refuse("ArgumentError", { "unknown option 'scal'" }, mr.Numeric, { precision = 10, scal = 2 })
  end)

  it("is called so in the table of each database", function()
    local db, Row = class_of(mr.Numeric(10, 2), { a = { mr.Numeric }, s = { STORAGES.scaled }, r = { STORAGES.real } })
    local sql = tostring(mr.CreateTable(Row.__table))
    for _, words in ipairs{ "v DECIMAL_TEXT(10, 2)", "a DECIMAL_TEXT", "s BIGINT", "r FLOAT" } do
      assert.truthy(sql:find(words, 1, true), sql)
    end
    local pg = mr.open "mock+postgresql://"
    local Other = pg.Model:extend("Other", { id = pg.Column{ pg.Integer, primary_key = true },
      v = pg.Column{ pg.Numeric(10, 2) }, a = pg.Column{ pg.Numeric }, p = pg.Column{ pg.Numeric(8) } })
    local sent = pg:record(function() Other.__table:create(pg.engine) end)
    for _, words in ipairs{ "v NUMERIC(10, 2)", "a NUMERIC,", "p NUMERIC(8, 0)" } do
      assert.truthy(sent[#sent].statement:find(words, 1, true), sent[#sent].statement)
    end
    db.session:close()
  end)
end)

describe("a value of a Numeric column", function()
  it("is taken as a decimal, an integer or a text, and has the column's digits at once", function()
    for _, type in pairs(STORAGES) do
      local db, Row = class_of(type)
      for given, expected in pairs{ ["12.3"] = "12.30", ["12.30"] = "12.30", ["12.3000"] = "12.30", ["+.5"] = "0.50",
        ["-7"] = "-7.00", ["007"] = "7.00", ["-0"] = "0.00", ["99999999.99"] = "99999999.99" } do
        for _, value in ipairs{ given, D(given) } do
          local row = Row{ v = value }
          assert.equal("Decimal", kind(row.v))
          assert.equal(expected, tostring(row.v))
          db.session:add(row)
          db.session:commit()
          assert.equal(expected, tostring(row.v))
          assert.equal(1, Row.query:filter(Row.v:eq(value), Row.id:eq(row.id)):count())
        end
      end
      local row = Row{ v = 5 }
      assert.equal("5.00", tostring(row.v))
      row.v = mr.null
      assert.is_nil(row.v)
    end
  end)

  it("without digits keeps those that it is given", function()
    local db, Row = class_of(mr.Numeric)
    local long = ("1234567890"):rep(6) .. "." .. ("0987654321"):rep(6)
    for given, expected in pairs{ ["12.30"] = "12.30", ["12"] = "12", [long] = long, ["0.10"] = "0.10",
      ["000.1"] = "0.1" } do
      local row = Row{ v = given }
      db.session:add(row)
      db.session:commit()
      assert.equal(expected, tostring(row.v))
      assert.equal("text '" .. expected .. "'", stored(db))
      db.session:delete(row)
      db.session:commit()
    end
  end)

  it("stands in the file as its storage says", function()
    for storage, expected in pairs{ text = "text '12.30'", scaled = "integer 1230", real = "real 12.3" } do
      local db, Row = class_of(STORAGES[storage])
      db.session:add(Row{ v = "12.3" })
      db.session:commit()
      assert.equal(expected, stored(db))
    end
    for storage, expected in pairs{ text = "text '-0.05'", scaled = "integer -5", real = "real -0.05" } do
      local db, Row = class_of(STORAGES[storage])
      db.session:execute(mr.insert(Row):values{ v = "-.05" })
      assert.equal(expected, stored(db))
      assert.equal("-0.05", tostring(db.session:query(Row.v):scalar()))
    end
  end)

  it("is refused as a float, in words that name class, attribute, value and cure", function()
    for _, type in ipairs{ mr.Numeric(10, 2), mr.Numeric, STORAGES.scaled, STORAGES.real } do
      local db, Row = class_of(type)
      local words = { "Row.v", "1.5", "not exact", "mr.decimal" }
      refuse("ArgumentError", words, Row, { v = 1.5 })
      refuse("ArgumentError", words, function() Row{}.v = 1.5 end)
      refuse("ArgumentError", words, Row.v.eq, Row.v, 1.5)
      refuse("ArgumentError", words, Row.v.in_, Row.v, { 1, 1.5 })
      refuse("ArgumentError", words, function() return Row.v * 1.5 end)
      refuse("ArgumentError", words, function() return 1.5 + Row.v end)
      refuse("ArgumentError", words, function() mr.insert(Row):values{ v = 1.5 } end)
      refuse("ArgumentError", { "v", "1.5" }, function() db.session:execute(mr.insert(Row), { { v = 1.5 } }) end)
      refuse("ArgumentError", words, function() Row.query:update{ v = 1.5 } end)
      refuse("ArgumentError", words, function() Row.query:filter_by{ v = 1.5 }:all() end)
      refuse("ArgumentError", { "Row.v", "float 2" }, Row, { v = 2.0 })
    end
  end)

  it("is refused with more digits than the column has, but for zeros", function()
    for _, type in pairs(STORAGES) do
      local db, Row = class_of(type)
      local behind = { "v", "12.345", "more digits behind the point than Numeric(10, 2", "round(2)" }
      local before = { "v", "123456789", "more digits in front of the point than Numeric(10, 2" }
      for _, case in ipairs{ { "12.345", behind }, { D "12.345", behind }, { "123456789", before },
        { 123456789, before }, { D "123456789.00", before } } do
        local value, words = case[1], case[2]
        refuse("ArgumentError", words, Row, { v = value })
        refuse("ArgumentError", words, function() Row{}.v = value end)
        refuse("ArgumentError", words, function() db.session:execute(mr.insert(Row):values{ v = value }) end)
        refuse("ArgumentError", words, function() db.session:execute(mr.insert(Row), { { v = 1 }, { v = value } }) end)
        refuse("ArgumentError", words, function() Row.query:update{ v = value } end)
      end
      db.session:rollback()
      assert.equal(0, Row.query:count())
      assert.equal("12.34", tostring(Row{ v = "12.3400" }.v))
    end
  end)

  it("is refused as other text and as other values", function()
    local _, Row = class_of(mr.Numeric(10, 2))
    for _, value in ipairs{ "", "abc", "1,5", "1e2", "NaN", "Infinity", true, mr.now(), { 1 } } do
      refuse("ArgumentError", { "Row.v", "expected a decimal" }, Row, { v = value })
    end
  end)
end)

describe("what other programs store in a Numeric column", function()
  local cases = { -- what stands there, and what is read with two digits, and without a number of digits
    { "12", "12.00", "12" }, { "'12'", "12.00", "12" }, { "12.3", "12.30", "12.3" }, { "'12.3'", "12.30", "12.3" },
    { "'12.300'", "12.30", "12.300" }, { "-3", "-3.00", "-3" }, { "0.1", "0.10", "0.1" },
    { "1e3", "1000.00", "1000" }, { "'+5'", "5.00", "5" }, { "'.5'", "0.50", "0.5" }, { "'1.25e1'", "12.50", "12.5" },
    { "12.300000000000001", "12.30" }, { "0.1 + 0.2", "0.30" }, { "9007199254740993", "9007199254740993.00",
      "9007199254740993" },
  }

  -- The column `v` as another program has declared it, with these values, as a Numeric(20, 2) or a Numeric.
  local function opened(declared, type)
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ type } })
    db.session:execute(mr.text("CREATE TABLE row (id INTEGER PRIMARY KEY, v " .. declared .. ")"))
    for i, case in ipairs(cases) do
      db.session:execute(mr.text(("INSERT INTO row VALUES (%d, %s)"):format(i, case[1])))
    end
    db.session:commit()
    return db, Row
  end

  it("is read with the digits of the column, whatever the affinity of the column is", function()
    for _, declared in ipairs{ "", "TEXT", "NUMERIC", "DECIMAL(10, 2)", "INTEGER", "BLOB" } do
      local _, Row = opened(declared, mr.Numeric(20, 2))
      for i, row in ipairs(Row.query:order_by(Row.id):all()) do
        assert.equal(cases[i][2], tostring(row.v), declared .. " " .. cases[i][1])
      end
    end
  end)

  it("is read with its own digits where the column has no number of digits", function()
    for _, declared in ipairs{ "", "BLOB" } do
      local _, Row = opened(declared, mr.Numeric)
      for i, row in ipairs(Row.query:order_by(Row.id):all()) do
        if cases[i][3] then assert.equal(cases[i][3], tostring(row.v), cases[i][1]) end
      end
    end
  end)

  it("is found by the value that was read: numbers in a column of numbers, texts with and without zeros", function()
    local found = { ["TEXT"] = { "'12'", "'12.3'", "12.3", "0.1", "12" }, ["DECIMAL(10, 2)"] = { "12", "12.3", "'12'",
      "'12.300'", "'12.3'", "-3", "0.1", "1e3", "'+5'", "'.5'", "'1.25e1'" } }
    for declared, list in pairs(found) do
      local _, Row = opened(declared, mr.Numeric(20, 2))
      for _, text in ipairs(list) do
        for i, case in ipairs(cases) do
          if case[1] == text then
            local value = Row.query:get(i).v
            assert.equal(1, Row.query:filter(Row.v:eq(value), Row.id:eq(i)):count(), declared .. text)
            assert.equal(0, Row.query:filter(Row.v:ne(value), Row.id:eq(i)):count(), declared .. text)
            assert.equal(1, Row.query:filter(Row.v:in_{ value, 77 }, Row.id:eq(i)):count(), declared .. text)
          end
        end
      end
    end
  end)

  it("is read as numbers by storage", function()
    local db, Row = class_of(STORAGES.real)
    for _, case in ipairs(cases) do
      db.session:execute(mr.text("INSERT INTO row (v) VALUES (" .. case[1] .. ")"))
      local large = case[1] == "9007199254740993" -- no float
      if not large then assert.equal(case[2], tostring(Row.query:one().v), case[1]) end
      db.session:execute(mr.text "DELETE FROM row")
      db.session:expunge_all()
    end
    db, Row = class_of(STORAGES.scaled)
    for number, expected in pairs{ [0] = "0.00", [5] = "0.05", [-5] = "-0.05", [1230] = "12.30", [100] = "1.00" } do
      db.session:execute(mr.text("INSERT INTO row (v) VALUES (" .. number .. ")"))
      assert.equal(expected, tostring(Row.query:one().v))
      db.session:execute(mr.text "DELETE FROM row")
      db.session:expunge_all()
    end
  end)
end)
