-- Sets and dicts of objects of several classes, and what to_table, from_table and mr.inspect say of subclasses.

local mr = require "moonrow"

describe("objects of subclasses", function()
  local db, Emp, Eng, Boss, Firm, firm

  before_each(function()
    db = mr.open "sqlite://"
    Emp = db.Model:extend("Emp", {
      id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) },
      name = db.Column{ db.String(9) },
      firm_id = db.Column{ db.Integer, db.ForeignKey "firm.id" },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "emp" },
    })
    Eng = Emp:extend("Eng", {
      id = db.Column{ db.Integer, db.ForeignKey "emp.id", primary_key = true },
      lang = db.Column{ db.String(9) },
      __mapper_args = { polymorphic_identity = "eng" },
    })
    Boss = Emp:extend("Boss", { level = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "boss" } })
    Firm = db.Model:extend("Firm", {
      id = db.Column{ db.Integer, primary_key = true },
      staff = db.relationship{ "Emp", collection_class = mr.attribute_keyed "name", backref = "firm" },
      engineers = db.relationship{ "Eng", collection_class = mr.set, viewonly = true },
    })
    db:create_all()
    firm = Firm{ id = 1, staff = { a = Emp{ id = 1 }, b = Eng{ id = 2, lang = "lua" }, c = Boss{ id = 3, level = 4 } } }
    db.session:add(firm)
    db.session:commit()
    db.session:expunge_all()
    firm = Firm.query:one()
  end)

  it("are in one dict by the attribute of their base, and in sets of their own class", function()
    assert.equal("{a = <Emp 1>, b = <Eng 2>, c = <Boss 3>}", tostring(firm.staff))
    assert.equal("lua", firm.staff.b.lang)
    assert.equal(Boss, mr.class_of(firm.staff.c))
    assert.equal(1, #firm.engineers)
    assert.is_true(firm.engineers:has(firm.staff.b))
    firm.staff.b = Boss{ level = 1 }
    db.session:commit()
    assert.equal(1, firm.staff.b.level)
    assert.equal(0, #firm.engineers)
    assert.equal(1, Eng.query:count())
  end)

  it("are tables with what their class adds, and objects of their class again", function()
    assert.same({ id = 2, kind = "eng", name = "b", firm_id = 1, lang = "lua" }, firm.staff.b:to_table())
    local t = firm:to_table{ only = { "id", "staff" } }
    assert.equal(4, t.staff.c.level)
    local other = Firm:from_table(t)
    assert.equal(Eng, mr.class_of(other.staff.b))
    assert.equal(Boss, mr.class_of(other.staff.c))
    assert.equal(Emp, mr.class_of(other.staff.a))
    assert.same(t, other:to_table{ only = { "id", "staff" } })
    assert.equal(Eng, mr.class_of(Emp:from_table{ kind = "eng", lang = "c" }))
    assert.equal(Eng, mr.class_of(Eng:from_table{ lang = "c" }))
  end)

  it("are inspected with the columns of their base", function()
    assert.equal("{id, kind, name, firm_id, lang, firm}", tostring(mr.inspect(Eng).attrs))
    assert.equal("eng", mr.inspect(Eng).tablename)
    assert.equal("emp", mr.inspect(Boss).tablename)
    assert.matches("kind     String(9)", tostring(mr.inspect(Eng)), 1, true)
    assert.equal(4, firm.staff.c.level)
    assert.matches("level    4", tostring(mr.inspect(firm.staff.c)), 1, true)
  end)
end)
