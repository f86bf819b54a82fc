-- with_variant: a column has another type in one dialect: in its definition, and in what is sent and read. It restates
-- the behaviours of SQLAlchemy's test/sql/test_types.py (VariantTest).

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function definition(column_type, dialect)
  local column_options = { "v", column_type }
  local t = mr.Table("t", mr.MetaData(), mr.Column{ "id", mr.Integer, primary_key = true }, mr.Column(column_options))
  return tostring(mr.CreateTable(t, { dialect = dialect })):match "v ([^,]+),"
end

describe("with_variant", function()
  it("gives a column another SQL type in one dialect", function()
    local text = mr.String(20):with_variant(mr.Text, "postgresql")
    assert.equal("VARCHAR(20)", definition(text, "sqlite"))
    assert.equal("TEXT", definition(text, "postgresql"))
    assert.equal("String(20)", tostring(text))
    assert.equal(20, text.length)
  end)

  it("leaves the type that it was called with as it is", function()
    local plain = mr.String(20)
    local varied = plain:with_variant(mr.Text, "postgresql")
    assert.equal("VARCHAR(20)", definition(plain, "postgresql"))
    assert.not_equal(plain, varied)
    assert.equal(varied, varied)
  end)

  it("takes several dialects at once, and is called for each of several types", function()
    local both = mr.String(20):with_variant(mr.Text, "postgresql", "sqlite")
    assert.equal("TEXT", definition(both, "sqlite"))
    assert.equal("TEXT", definition(both, "postgresql"))
    local chain = mr.String(20):with_variant(mr.Text, "postgresql"):with_variant(mr.String(5), "sqlite")
    assert.equal("VARCHAR(5)", definition(chain, "sqlite"))
    assert.equal("TEXT", definition(chain, "postgresql"))
  end)

  it("makes BIGINT a key that SQLite numbers", function()
    local db = mr.open "sqlite://"
    local Big = mr.BigInteger:with_variant(mr.Integer, "sqlite")
    local Row = db.Model:extend("Row", { id = db.Column{ Big, primary_key = true }, v = db.Column{ db.Integer } })
    assert.truthy(tostring(mr.CreateTable(Row)):find("id INTEGER", 1, true))
    assert.truthy(tostring(mr.CreateTable(Row, { dialect = "postgresql" })):find("id BIGSERIAL", 1, true))
    db:create_all()
    local row = Row{ v = 1 }
    db.session:add(row)
    db.session:commit()
    assert.equal(1, row.id)
  end)

  it("stores, reads and compares in the dialect's form", function()
    local at = mr.datetime(2024, 3, 5, 19, 7, 9)
    local cases = {
      { mr.DateTime:with_variant(mr.DateTime{ storage = "unix" }, "sqlite"), at, "1709665629" },
      { mr.DateTime{ storage = "unix" }:with_variant(mr.DateTime, "sqlite"), at, "'2024-03-05 19:07:09'" },
      { mr.Boolean:with_variant(mr.Boolean{ storage = "Y/N" }, "sqlite"), true, "'Y'" },
      { mr.Boolean{ storage = "Y/N" }:with_variant(mr.Boolean, "sqlite"), true, "1" },
      { mr.Enum("a", "b"):with_variant(mr.Enum("a", "b", { storage = "position" }), "sqlite"), "b", "1" },
      { mr.Uuid:with_variant(mr.Uuid{ storage = "hex" }, "sqlite"), "123e4567-e89b-12d3-a456-426614174000",
        "'123e4567e89b12d3a456426614174000'" },
    }
    for _, case in ipairs(cases) do
      local db = mr.open "sqlite://"
      local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ case[1] } })
      db:create_all()
      db.session:add_all{ Row{ v = case[2] }, Row{} }
      db.session:commit()
      local what = tostring(case[1])
      assert.equal(case[3], db.session:execute(mr.text "SELECT quote(v) FROM row"):scalar(), what)
      assert.equal(case[2], Row.query:filter(Row.v:eq(case[2])):one().v, what)
      assert.equal(1, Row.query:filter(Row.v:in_{ case[2] }):count(), what)
      assert.equal(case[2], db.session:query(Row.v):filter(Row.v:is_not(nil)):scalar(), what)
      db.session:execute(mr.insert(Row), { { v = case[2] }, { v = case[2] } })
      assert.equal(3, Row.query:filter(Row.v:eq(case[2])):count(), what)
      local read = Row.query:from_statement(mr.text "SELECT * FROM row ORDER BY id"):first()
      assert.equal(case[2], read.v, what)
      if case[2] == true then assert.equal(3, Row.query:filter(Row.v):count(), what) end
    end
  end)

  it("sends the other dialect its own form", function()
    local Type = mr.DateTime:with_variant(mr.DateTime{ storage = "unix" }, "postgresql")
    local db = mr.open "mock+postgresql://"
    local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ Type } })
    local sent = db:record(function()
      Row.query:filter(Row.v:eq(mr.datetime(1970, 1, 2))):all()
    end)
    assert.equal(86400, sent[#sent].parameters[1])
    assert.truthy(tostring(mr.CreateTable(Row, { dialect = "postgresql" })):find("v BIGINT", 1, true))
    assert.equal("moonrow_cast(\"row\".v, 'DateTime', 'DateTime')", tostring(mr.cast(Row.v, Type)))
    assert.equal("CAST(row.v AS BIGINT)", mr.cast(Row.v, Type):sql{ dialect = "postgresql" })
  end)

  it("is kept inside of a TypeDecorator", function()
    local impl = mr.String(20):with_variant(mr.Text, "postgresql")
    local Type = mr.TypeDecorator{ impl = impl, name = "Type", bind = function(v, d) return v and d .. ":" .. v end,
      result = function(v) return v and v:match ":(.*)" end }
    assert.equal("VARCHAR(20)", definition(Type, "sqlite"))
    assert.equal("TEXT", definition(Type, "postgresql"))
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ Type } })
    db:create_all()
    db.session:add(Row{ v = "x" })
    db.session:commit()
    assert.equal("x", Row.query:filter(Row.v:eq "x"):one().v)
  end)

  local cases = {
    { "an unknown dialect", function() mr.String(20):with_variant(mr.Text, "mysql") end,
      "with_variant: there is no dialect 'mysql': one of \"sqlite\", \"postgresql\"" },
    { "no dialect", function() mr.String(20):with_variant(mr.Text) end, "the name of a dialect behind the type" },
    { "no type", function() mr.String(20):with_variant("postgresql") end, "expected a type such as db.Text" },
    { "a second variant for a dialect", function()
      mr.String(20):with_variant(mr.Text, "postgresql"):with_variant(mr.Text, "postgresql")
    end, "String(20) has a variant for 'postgresql' already" },
    { "a variant with variants", function()
      mr.String(20):with_variant(mr.Text:with_variant(mr.String(5), "sqlite"), "postgresql")
    end, "has variants itself" },
  }
  for _, case in ipairs(cases) do
    it("refuses " .. case[1], function() refuse("ArgumentError", case[3], case[2]) end)
  end

  -- A class is declared once, and its rows are in two databases, of two dialects.
  local function in_two(column_type)
    local Base = mr.declarative_base()
    local Row = Base:extend("Row", { id = mr.Column{ mr.Integer, primary_key = true }, v = mr.Column{ column_type } })
    local lite, pg = mr.create_engine "sqlite://", mr.create_engine "mock+postgresql://"
    Base.metadata:create_all(lite)
    return Row, mr.Session(lite), mr.Session(pg)
  end

  local function fails(kind, words, fn)
    local ok, e = pcall(fn)
    assert.is_false(ok)
    assert.equal(kind, e.kind or e.name or tostring(e):match "(%a+Error):")
    assert.truthy(tostring(e):find(words, 1, true), tostring(e))
  end

  it("checks lengths, choices, digits and ranges by the type that holds", function()
    local limits = {
      { mr.String(5):with_variant(mr.String(10), "sqlite"), "1234567", "too long for String(5)", "12345678901",
        "too long for String(", "DataError" },
      { mr.Enum("a", "b"):with_variant(mr.Enum("a", "b", "c"), "sqlite"), "c", "not a choice of Enum(a, b)", "d",
        "not a choice of Enum(a, b", "DataError" },
      { mr.Numeric(5, 2):with_variant(mr.Numeric(8, 4), "sqlite"), mr.decimal "1.2345", "than Numeric(5, 2)",
        mr.decimal "1.23456", "than Numeric(", "ArgumentError" },
      { mr.SmallInteger:with_variant(mr.Integer, "sqlite"), 70000, "the range of SmallInteger" },
    }
    for _, case in ipairs(limits) do
      local Row, lite, pg = in_two(case[1])
      local kind = case[6] or "DataError"
      local row = Row{ v = case[2] } -- no engine is known: it is none of the type's here, but one of the other's
      lite:add(row)
      lite:commit()
      assert.equal(case[2], row.v)
      assert.equal(1, lite:query(Row):filter(Row.v:eq(case[2])):count())
      assert.equal(1, lite:query(Row):filter_by{ v = case[2] }:count())
      lite:execute(mr.insert(Row), { { v = case[2] }, { v = case[2] } })
      lite:execute(mr.insert(Row):values{ v = case[2] })
      assert.equal(case[2], lite:execute(mr.insert(Row):values{ v = case[2] }:returning(Row.v)):scalar())
      assert.equal(5, lite:query(Row):update{ v = case[2] })
      assert.equal(1, lite:execute(mr.update(Row):where(Row.id:eq(row.id)):values{ v = case[2] }).rowcount)
      if case[4] then
        fails(kind, case[5], function() row.v = case[4] lite:flush() end)
        lite:rollback()
        fails(kind, case[5], function() lite:execute(mr.insert(Row), { { v = case[2] }, { v = case[4] } }) end)
        lite:rollback()
      end
      pg:add(Row{ id = 1, v = case[2] })
      fails(kind, case[3], function() pg:flush() end)
      pg:rollback()
      local rows = { { id = 1, v = case[2] }, { id = 2, v = case[2] } }
      fails(kind, case[3], function() pg:execute(mr.insert(Row), rows) end)
      fails(kind, case[3], function() pg:execute(mr.insert(Row):values{ id = 1, v = case[2] }) end)
      fails(kind, case[3], function() pg:execute(mr.update(Row):values{ v = case[2] }) end)
      fails(kind, case[3], function() pg:query(Row):update{ v = case[2] } end)
      lite:close()
      pg:close()
    end
  end)

  it("cuts off what the form that holds cannot keep, in the session or at the flush", function()
    local Type = mr.DateTime:with_variant(mr.DateTime{ storage = "unix" }, "sqlite")
    local Row, lite, pg = in_two(Type)
    local at = mr.datetime(2024, 3, 5, 19, 7, 9, 123000)
    local row, other = Row{ v = at }, Row{ id = 1, v = at }
    assert.equal(at, row.v)
    lite:add(row)
    pg:add(other)
    lite:flush()
    pg:flush()
    assert.equal(mr.datetime(2024, 3, 5, 19, 7, 9), row.v)
    assert.equal(at, other.v)
    row.v = at
    assert.equal(mr.datetime(2024, 3, 5, 19, 7, 9), row.v)
  end)

  it("takes a type of other values: they are checked when the dialect is known", function()
    local Row, lite, pg = in_two(mr.String(20):with_variant(mr.Integer, "sqlite"))
    local row, text = Row{ v = 5 }, Row{ id = 1, v = "x" }
    lite:add(row)
    pg:add(text)
    lite:commit()
    pg:flush()
    assert.equal("integer", math.type(row.v))
    assert.equal("integer", lite:execute(mr.text "SELECT typeof(v) FROM row"):scalar())
    assert.equal("x", text.v)
    for _, n in ipairs{
      lite:query(Row):filter(Row.v:eq(5)):count(),
      lite:query(Row):filter(Row.v:in_{ 4, 5 }):count(),
      lite:query(Row):filter(Row.v:between(5, 6)):count(),
      lite:query(Row):filter_by{ v = 5 }:count(),
      lite:query(Row):where("v == 5"):count(),
      lite:query(Row):where("v == $x", { x = 5 }):count(),
    } do
      assert.equal(1, n)
    end
    lite:execute(mr.insert(Row), { { v = 1 }, { v = 2 } })
    assert.equal(7, lite:execute(mr.insert(Row):values{ v = 7 }:returning(Row.v)):scalar())
    assert.equal(8, lite:execute(mr.update(Row):where(Row.v:eq(7)):values{ v = 8 }:returning(Row.v)):scalar())
    assert.equal(9, lite:execute(mr.text "SELECT 9 AS v":columns(Row.v)):scalar())
    assert.equal(8, lite:query(mr.func.max(Row.v)):scalar())
    assert.equal(12, lite:execute(mr.select(mr.cast(mr.literal "12", Row.v.type))):scalar())
    local united = lite:query(Row.v):union(lite:query(Row.v)):order_by(Row.v):all()
    assert.equal(1, united[1].v)
    assert.truthy(mr.cast(Row.id, Row.v.type):sql{ dialect = "postgresql" }:find("AS VARCHAR(20))", 1, true))
    fails("ArgumentError", 'Row.v: expected an integer, got string "abc"', function() row.v = "abc" lite:flush() end)
    lite:rollback()
    local bad = { { v = 1 }, { v = "x" } }
    fails("ArgumentError", "expected an integer", function() lite:execute(mr.insert(Row), bad) end)
    lite:rollback()
    pg:add(Row{ id = 2, v = 5 })
    fails("ArgumentError", "Row.v: expected a string, got integer 5", function() pg:flush() end)
    pg:rollback()
    fails("ArgumentError", "expected a string", function() pg:query(Row):filter(Row.v:eq(5)):all() end)
  end)

  local function tagged(name, impl)
    return mr.TypeDecorator{ impl = impl, name = name, bind = function(v, d) return v and name .. d .. ":" .. v end,
      result = function(v, d) return v and v:match ":(.*)" .. "/" .. d end }
  end

  it("takes a TypeDecorator, whose functions are called in its dialect alone", function()
    local Row, lite, pg = in_two(mr.String(40):with_variant(tagged("D", mr.String(40)), "sqlite"))
    local row, other = Row{ v = "x" }, Row{ id = 1, v = "y" }
    lite:add(row)
    pg:add(other)
    lite:commit()
    pg:flush()
    assert.equal("Dsqlite:x", lite:execute(mr.text "SELECT v FROM row"):scalar())
    assert.equal("x/sqlite", row.v)
    assert.equal("y", other.v)
    assert.equal(1, lite:query(Row):filter(Row.v:eq "x"):count())
    lite:execute(mr.insert(Row), { { v = "z" } })
    local rows = lite:query(Row.v):order_by(Row.id):all()
    assert.equal("x/sqlite", rows[1].v)
    assert.equal("z/sqlite", rows[2].v)
    -- pg's engine was opened last, and the session is closed: the object's own dialect still holds
    local read = lite:query(Row):order_by(Row.id):first()
    lite:close()
    assert.equal("x/sqlite", read.v)
  end)

  it("is given to a TypeDecorator, whose functions are not called in that dialect", function()
    local Row, lite, pg = in_two(tagged("B", mr.String(40)):with_variant(mr.Integer, "sqlite"))
    local row, other = Row{ v = 5 }, Row{ id = 1, v = "y" }
    lite:add(row)
    lite:commit()
    assert.equal(5, row.v)
    assert.equal(1, lite:query(Row):filter(Row.v:eq(5)):count())
    pg:add(other)
    pg:flush()
    assert.equal("y", other.v)
    local Both, here = in_two(tagged("B", mr.String(40)):with_variant(tagged("S", mr.Text), "sqlite"))
    here:add(Both{ v = "x" })
    here:commit()
    assert.equal("Ssqlite:x", here:execute(mr.text "SELECT v FROM row"):scalar())
  end)

  it("refuses at assignment what no dialect takes, and in a session what its own does not", function()
    local Row, lite = in_two(mr.String(5):with_variant(mr.String(10), "postgresql"))
    refuse("ArgumentError", "Row.v: expected a string, got integer 5", function() return Row{ v = 5 } end)
    local row = Row{ v = "x" }
    lite:add(row)
    lite:commit()
    refuse("ArgumentError", "Row.v: expected a string", function() row.v = 5 end)
    row.v = "1234567"
    fails("DataError", "too long for String(5)", function() lite:flush() end)
  end)

  it("reads by the type that holds, and names it where a row is bad", function()
    local Row, lite = in_two(mr.String(20):with_variant(mr.Date, "sqlite"))
    lite:execute(mr.text "INSERT INTO row (v) VALUES ('2024-02-30')")
    fails("DataError", "which is no date", function() return lite:query(Row):first().v end)
    local Late, here = in_two(mr.String(20):with_variant(mr.Numeric(5, 2), "sqlite"))
    here:execute(mr.text "INSERT INTO row (v) VALUES ('abc')")
    local late = here:query(Late):first()
    fails("DataError", "which is no decimal", function() return late.v end)
  end)

  it("is the type of a key, too, which the database then does not number", function()
    local d = mr.open "sqlite://"
    local function key_of(type, dialect)
      local t = mr.Table("t", mr.MetaData(), mr.Column("id", type, { primary_key = true }))
      return tostring(mr.CreateTable(t, { dialect = dialect })):match "id (%S+)"
    end
    assert.equal("TEXT", key_of(mr.Integer:with_variant(mr.Text, "sqlite"), "sqlite"))
    assert.equal("INTEGER", key_of(mr.Integer:with_variant(mr.Text, "postgresql"), "sqlite"))
    assert.equal("TEXT", key_of(mr.Integer:with_variant(mr.Text, "postgresql"), "postgresql"))
    assert.equal("SERIAL", key_of(mr.Integer:with_variant(mr.Text, "sqlite"), "postgresql"))
    local A = d.Model:extend("A", {
      id = d.Column{ d.Integer:with_variant(d.Text, "sqlite"):with_variant(d.Text, "postgresql"), primary_key = true },
    })
    d:create_all()
    d.session:add(A{ id = "x" })
    d.session:commit()
    assert.equal("x", A.query:one().id)
  end)
end)
