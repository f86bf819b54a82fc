-- What schema objects print as: how they are written.

local mr = require "moonrow"

describe("tostring", function()
  it("of a constraint says its kind, its columns and its name", function()
    local SHOWN = {
      { mr.UniqueConstraint("a", "b"), 'UniqueConstraint("a", "b")' },
      { mr.UniqueConstraint("a", { name = "uq" }), 'UniqueConstraint("a", { name = "uq" })' },
      { mr.PrimaryKeyConstraint "id", 'PrimaryKeyConstraint("id")' },
      { mr.CheckConstraint "a > 1", "CheckConstraint(a > 1)" },
      { mr.CheckConstraint("a > 1", { name = "ck" }), 'CheckConstraint(a > 1, { name = "ck" })' },
      { mr.CheckConstraint(mr.column("a", mr.Integer):gt(1)), "CheckConstraint(...)" },
      { mr.ForeignKeyConstraint({ "a", "b" }, { "t.x", "t.y" }),
        'ForeignKeyConstraint({"a", "b"}, {"t.x", "t.y"})' },
      { mr.ForeignKey "t.id", 'ForeignKey("t.id")' },
      { mr.Index("ix", "a", mr.text "lower(b)"), 'Index("ix", "a", ...)' },
      { mr.Computed "a + 1", "Computed(a + 1)" },
      { mr.Identity(), "Identity()" },
    }
    for _, case in ipairs(SHOWN) do assert.equal(case[2], tostring(case[1])) end
  end)

  it("of what a table has says the same", function()
    local md = mr.MetaData()
    assert.equal("MetaData(0 tables)", tostring(md))
    local t = mr.Table("t", md, mr.Column("id", mr.Integer, { primary_key = true }),
      mr.Column("a", mr.Integer, { index = true, unique = true }), mr.Column("r", mr.Integer, mr.ForeignKey "t.id"),
      mr.UniqueConstraint("a", "r"), mr.ForeignKeyConstraint({ "a" }, { "t.id" }))
    assert.equal("MetaData(1 table)", tostring(md))
    assert.equal("t", tostring(t))
    assert.equal("t.a", tostring(t.c.a))
    local shown = {}
    for _, k in ipairs(t.constraints) do shown[#shown + 1] = tostring(k) end
    for _, ix in ipairs(t.indexes) do shown[#shown + 1] = tostring(ix) end
    assert.same({ 'UniqueConstraint("a", "r")', 'ForeignKeyConstraint({"a"}, {"t.id"})', 'Index("a")' }, shown)
    assert.equal("s.u", tostring(mr.Table("u", md, mr.Column("id", mr.Integer), { schema = "s" })))
  end)
end)
