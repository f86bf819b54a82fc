-- Unions of queries of a class with several tables, and what is reached from them by a key of the lower table.

local mr = require "moonrow"

describe("a union of a class whose relationship starts at a key of its own table", function()
  local db, Being, Mage, Spell
  before_each(function()
    db = mr.open "sqlite://"
    Being = db.Model:extend("Being", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) }, __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "being" } })
    Mage = Being:extend("Mage", { id = db.Column{ db.Integer, db.ForeignKey "being.id", primary_key = true },
      name = db.Column{ db.String(9) }, spells = db.relationship("Spell", { back_populates = "mage" }),
      __mapper_args = { polymorphic_identity = "mage" } })
    Spell = db.Model:extend("Spell", { id = db.Column{ db.Integer, primary_key = true },
      mage_id = db.Column{ db.Integer, db.ForeignKey "mage.id" },
      mage = db.relationship("Mage", { back_populates = "spells" }) })
    db:create_all()
    for i = 1, 3 do db.session:add(Mage{ name = "m" .. i, spells = { Spell{}, Spell{} } }) end
    db.session:commit()
    db.session:remove()
  end)

  local function ends()
    return Mage.query:filter(Mage.name:eq "m1"):union(Mage.query:filter(Mage.name:eq "m3"))
  end

  it("is joined and asked along it", function()
    assert.equal(2, #ends():join(Mage.spells):all())
    assert.equal("m3", ends():filter(Mage.spells:any(Spell.id:gt(4))):one().name)
    assert.equal("m1", ends():filter(~Mage.spells:any(Spell.id:gt(4))):one().name)
    assert.equal(0, ends():filter(Mage.spells:any(Spell.id:eq(3))):count())
  end)

  it("loads it eagerly, and with a limit", function()
    for _, load in ipairs{ mr.joinedload, mr.subqueryload, mr.selectinload } do
      db.session:remove()
      local found = ends():options(load(Mage.spells)):order_by(Mage.name:desc()):all()
      assert.same({ 2, "m3", 5, 6 }, { #found, found[1].name, found[1].spells[1].id, found[1].spells[2].id })
      db.session:remove()
      found = ends():options(load(Mage.spells)):order_by(Mage.name):limit(1):all()
      assert.same({ 1, "m1", 2 }, { #found, found[1].name, #found[1].spells })
    end
  end)

  it("does so through with_polymorphic", function()
    local any = mr.with_polymorphic(Being, "*")
    local q = db.session:query(any):filter(any.id:eq(1)):union(db.session:query(any):filter(any.Mage.name:eq "m2"))
    local found = q:options(mr.joinedload(any.Mage.spells)):order_by(any.id):all()
    assert.same({ 2, "m2", 3 }, { #found, found[2].name, found[2].spells[1].id })
  end)
end)
