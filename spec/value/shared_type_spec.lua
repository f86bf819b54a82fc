-- Lua strings beside an expression of another type, of which one is the result: in coalesce, nullif, CASE, greatest,
-- lag. They are dates, decimals, bytes and words, as they are in a comparison.

local mr = require "moonrow"

describe("a Lua string of which a function or CASE may make its result", function()
  local db, s, Row, f

  setup(function()
    db = mr.open "sqlite://"
    s, f = db.session, mr.func
    Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true },
      bytes = db.Column{ db.LargeBinary }, uuid = db.Column{ db.Uuid }, day = db.Column{ db.Date },
      at = db.Column{ db.DateTime }, unix = db.Column{ db.DateTime{ storage = "unix" } },
      price = db.Column{ db.Numeric(10, 2) }, kind = db.Column{ db.Enum("mage", "thief") } })
    db:create_all()
    s:add_all{ Row{ id = 1, bytes = "x\255", uuid = "12345678-1234-5678-1234-567812345678", day = "2024-01-02",
      at = "2024-01-02 03:04:05", unix = "2024-01-02 03:04:05", price = "1.50", kind = "mage" }, Row{ id = 2 } }
    s:commit()
  end)
  teardown(function() s:remove() end)

  local VALUES = { bytes = "x\255", uuid = "12345678-1234-5678-1234-567812345678", day = "2024-01-02",
    at = "2024-01-02T03:04:05", unix = "2024-01-02 03:04:05", price = "1.5", kind = "mage" }

  local function ids(criterion)
    return tostring(s:scalars(mr.select(Row.id):where(criterion):order_by(Row.id)):all())
  end

  for name, value in pairs(VALUES) do
    it("is a value of the column's type: " .. name, function()
      local x = Row[name]
      assert.equal("{1, 2}", ids(f.coalesce(x, value):eq(value)))
      assert.equal("{1, 2}", ids(f.ifnull(x, value):eq(value)))
      assert.equal("{1, 2}", ids(f.nullif(x, value):is_(nil)))
      assert.equal("{1, 2}", ids(mr.case{ { x:is_(nil), value }, else_ = x }:eq(value)))
      assert.equal("{1, 2}", ids(mr.case{ { x:is_not(nil), x }, else_ = value }:eq(value)))
      local one = s:get(Row, 1)[name]
      local read = s:scalars(mr.select(f.coalesce(x, value)):order_by(Row.id)):all()
      assert.same({ one, one }, { read[1], read[2] })
      local lag = f.lag(x, 1, value):over{ order_by = Row.id }
      read = s:scalars(mr.select(lag):order_by(Row.id)):all()
      assert.same({ one, one }, { read[1], read[2] })
    end)
  end

  it("is so in greatest and least, and in iif behind its condition", function()
    assert.equal("{1, 2}", ids(f.greatest(Row.unix, "2024-01-02 03:04:05"):eq "2024-01-02 03:04:05"))
    assert.equal("{1}", ids(f.least(Row.price, "10"):eq "1.5"))
    if db.engine.dialect.name ~= "postgresql" then
      assert.equal("{1, 2}", ids(f.iif(Row.bytes:is_(nil), "x\255", Row.bytes):eq "x\255"))
    end
  end)

  it("is a text where it is no such value", function()
    assert.equal("none", s:scalar(mr.select(mr.case{ { Row.id:eq(2), "none" }, else_ = Row.day:cast(mr.Text) })
      :where(Row.id:eq(2))))
    assert.equal('SELECT coalesce("row".kind, ?) AS coalesce_1 FROM "row"',
      mr.select(f.coalesce(Row.kind, "other")):sql{ dialect = "sqlite" })
    assert.equal("{2}", ids(f.coalesce(Row.kind:cast(mr.Text), "other"):eq "other"))
  end)

  it("has that type also as a literal, in a tuple and as the value of a parameter", function()
    for name, value in pairs(VALUES) do
      local x = Row[name]
      assert.equal("{1}", ids(x:eq(mr.literal(value))), name)
      assert.equal("{1}", ids(mr.literal(value):eq(x)), name)
      assert.equal("{1}", ids(x:eq(mr.bindparam("p", { value = value }))), name)
      assert.equal("{1, 2}", ids(f.coalesce(x, mr.literal(value)):eq(value)), name)
      assert.equal("{1}", ids(mr.tuple_(Row.id, x):eq(mr.tuple_(1, value))), name)
      assert.equal("{1}", ids(mr.tuple_(1, value):eq(mr.tuple_(Row.id, x))), name)
      if name ~= "kind" then
        assert.equal("{1}", ids(mr.tuple_(Row.id, x):between(mr.tuple_(1, value), mr.tuple_(1, value))), name)
      end
    end
    assert.same({ "mage", 1 }, { s:execute(mr.select(mr.literal "mage", Row.id):where(Row.id:eq(1))):one():unpack() })
    local text = mr.literal("1.5", mr.String)
    assert.equal("String", tostring(text.type))
    assert.equal("{1}", ids(Row.unix:eq(mr.bindparam("p", { value = "2024-01-02 03:04:05" }))))
    local late = mr.select(Row.id):where(Row.unix:eq(mr.bindparam("p", { value = "2020-01-01" })))
    assert.equal(1, s:scalar(late, { p = "2024-01-02 03:04:05" }))
    assert.is_nil(s:scalar(late))
  end)
end)
