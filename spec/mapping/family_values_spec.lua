-- Values of several columns, proxies of dicts and ordering lists where they meet subclasses, versions and validators.

local mr = require "moonrow"
local support = require "spec.support.models"

local costs, words, writes = support.costs, support.words, support.writes

describe("together,", function()
  it("an association proxy of a dict changes one value, or nothing where a validator refuses it", function()
    local db = mr.open "sqlite://"
    local Property
    local U = db.Model:extend("U", { id = db.Column{ db.Integer, primary_key = true }, props = db.relationship{ "P",
      collection_class = mr.attribute_keyed "key", cascade = "all, delete-orphan" },
      values = mr.association_proxy("props", "value", { creator = function(k, v) return Property{ key = k,
        value = v } end }) })
    Property = db.Model:extend("P", { id = db.Column{ db.Integer, primary_key = true }, u_id = db.Column{ db.Integer,
      db.ForeignKey "u.id" }, key = db.Column{ db.String }, value = db.Column{ db.String },
      __validators = { value = function(_, v) if v == "bad" then error("bad", 0) end return v end } })
    db:create_all()
    local u = U{ values = { a = "1", b = "2" } }
    db.session:add(u)
    db.session:commit()
    u.values.a = "3"
    assert.same({ "UPDATE p" }, writes(db))
    u.values.c = "4"
    u.values.b = nil
    assert.same({ "INSERT p", "DELETE p" }, writes(db))
    assert.has_error(function() u.values.d = "bad" end)
    assert.is_nil(u.values.d)
    assert.has_error(function() u.values.a = "bad" end)
    assert.equal("3", u.values.a)
    assert.has_error(function() u.values = { a = "9", z = "bad" } end)
    assert.same({ "3", "4", nil }, { u.values.a, u.values.c, u.values.z })
    assert.same({}, writes(db))
    local n = 0
    for _ in pairs(u.values) do n = n + 1 end
    assert.equal(2, n)
    db.session:merge(U{ id = u.id, values = { a = "m" } })
    db.session:commit()
    assert.equal("m", u.values.a)
    assert.is_nil(u.values.c)
    db.session:delete(u)
    db.session:commit()
    assert.equal(0, Property.query:count())
  end)

  it("a composite of a joined class's tables is written, compared, versioned and updated in each", function()
    local db = mr.open "sqlite://"
    local Pt = setmetatable({ __composite_values = function(s) return s.x, s.y end }, { __call = function(c, x,
      y) return setmetatable({ x = x, y = y }, c) end })
    Pt.__index = Pt
    local A = db.Model:extend("A", { id = db.Column{ db.Integer, primary_key = true }, kind = db.Column{ db.String },
      x = db.Column{ db.Integer },
      v = db.Column{ db.Integer }, __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "a",
        version_id_col = "v" } })
    local B = A:extend("B", { id = db.Column{ db.Integer, db.ForeignKey "a.id", primary_key = true },
      y = db.Column{ db.Integer }, p = mr.composite(Pt, "x", "y"),
      __mapper_args = { polymorphic_identity = "b" } })
    local C = B:extend("C", { id = db.Column{ db.Integer, db.ForeignKey "b.id", primary_key = true },
      z = db.Column{ db.Integer }, q = mr.composite(Pt, "y", "z"),
      __mapper_args = { polymorphic_identity = "c" } })
    db:create_all()
    db.session:add_all{ B{ p = Pt(1, 2) }, C{ p = Pt(3, 4), z = 5 } }
    db.session:commit(); db.session:remove()
    local list = A.query:order_by(A.id):all()
    costs(db, 1, function() assert.same({ 1, 2 }, { list[1].p.x, list[1].p.y }) end)
    list[1].p.y = 9
    assert.same({ "UPDATE a", "UPDATE b" }, writes(db))
    assert.equal(2, list[1].v)
    list[2].q.x = 7
    db.session:flush()
    assert.equal(7, list[2].p.y)
    assert.equal(1, B.query:filter(B.p:eq(Pt(3, 7))):count())
    assert.equal(1, C.query:filter(C.q:eq(Pt(7, 5))):count())
    assert.equal(1, C.query:filter(C.p:eq(Pt(3, 7))):count())
    local a = mr.aliased(C)
    assert.equal(1, db.session:query(a):filter(a.q:eq(Pt(7, 5))):count())
    db.session:commit()
    -- stale: version over a change of the subclass's table alone
    local s2 = mr.Session(db.engine)
    local other = s2:get(C, 2)
    other.z = 100
    list[2].z = 50
    db.session:commit()
    local ok, e = pcall(function() s2:commit() end)
    assert.is_false(ok)
    assert.truthy(tostring(e):find "StaleDataError")
    s2:close()
    assert.equal(1, B.query:filter(B.p:eq(Pt(3, 7))):update{ p = Pt(8, 8) })
    assert.equal(8, db.session:get(C, 2).q.x)
  end)

  it("an ordering list is numbered by sort, move, insert, remove and exchange", function()
    local db = mr.open "sqlite://"
    local L = db.Model:extend("L", { id = db.Column{ db.Integer, primary_key = true }, items = db.relationship{ "I",
      collection_class = mr.ordering_list "pos", order_by = "I.pos", cascade = "all, delete-orphan" } })
    local I = db.Model:extend("I", { id = db.Column{ db.Integer, primary_key = true }, l_id = db.Column{ db.Integer,
      db.ForeignKey "l.id" }, pos = db.Column{ db.Integer }, name = db.Column{ db.String } })
    db:create_all()
    local l = L{}
    for i = 1, 5 do l.items:append(I{ name = string.char(96 + i) }) end
    db.session:add(l)
    db.session:commit()
    local function is(names)
      assert.equal(names, words(l.items, "name"))
      for i, item in ipairs(l.items) do assert.equal(i, item.pos, names) end
      db.session:commit(); db.session:expire_all()
      assert.equal(names, words(l.items, "name"))
      for i, item in ipairs(l.items) do assert.equal(i, item.pos, names) end
    end
    table.sort(l.items, function(a, b) return a.name > b.name end)
    is "e d c b a"
    l.items = table.move(l.items, 2, 4, 1, {})
    is "d c b"
    table.insert(l.items, 1, I{ name = "x" })
    is "x d c b"
    table.insert(l.items, 3, I{ name = "y" })
    is "x d y c b"
    local gone = table.remove(l.items, 2)
    assert.equal("d", gone.name)
    is "x y c b"
    l.items[1], l.items[4] = l.items[4], l.items[1]
    is "b y c x"
    table.move(l.items, 1, 2, 3)
    assert.equal(4, #l.items)
  end)
end)
