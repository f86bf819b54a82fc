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
    { "a type of other values", function() mr.String(20):with_variant(mr.Integer, "postgresql") end,
      "String(20) takes a string, and Integer takes an integer" },
    { "a TypeDecorator", function()
      mr.String(20):with_variant(mr.TypeDecorator{ impl = mr.Text, bind = tostring }, "postgresql")
    end, "decorate the whole" },
  }
  for _, case in ipairs(cases) do
    it("refuses " .. case[1], function() refuse("ArgumentError", case[3], case[2]) end)
  end
end)
