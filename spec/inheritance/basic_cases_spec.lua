-- Classes of joined tables, and what tells them apart, case by case.
-- After SQLAlchemy's test/orm/inheritance/test_basic.py (name of the class there: titles here):
--   PolyExpressionEagerLoad.joinedload          of an expression goes with an eager load
--   PolymorphicOnNotLocalTest (five)            may be a column property, and an attribute under another name ...
--   FalseDiscriminatorTest (two)                may be false, of a subclass and of the base
--   PolymorphicAttributeManagementTest (two)    is set when the object is made, and is kept by an update
--   CascadeTest.cascade                         deletes what only the subclass's relationship leads to ...
--   M.use_get                                   is answered from memory where a reference leads to it ...
--   GetTest.get                                 of three levels is found by get through each of its classes ...
--   EagerLazyTest.basic                         has relationships of its own loaded eagerly and lazily ...
--   FlushTest (two)                             has links of a many-to-many, written in the flush of both
--   OptimizedGetOnDeferredTest (five)           loads one deferred column, refreshes, and reads an expired object ...
--   OptimizedLoadTest.optimized_passes          reads the subclass's columns alone ... (there: from its table alone)
--     optimized_get_blank_intermediary          with a table without columns of its own between ...
--     load_expired_on_pending (and twolevel)    after its INSERT reads what the database has set in each table ...
--     composite_column_joined, column_expression_joined
--                                               has composite values and column properties over a subclass's table
--   PKDiscriminatorTest                         may be the primary key
--   NoPolyIdentInMiddleTest                     mistakes_spec; here: below an abstract one ...
--   DeleteOrphanTest                            of a subclass is the parent without which an object is an orphan
--   DiscriminatorOrPkNoneTest (three)           is NULL in a row of an outer join that has none ... (there: an error,
--                                               where a row tells nothing)
--   CompositeJoinedInTest.round_trip            has composite values and column properties over a subclass's table
-- After test_polymorphic_rel.py and test_assorted_poly.py: "the classes of a company".

local mr = require "moonrow"
local staff = require "spec.support.staff"
local support = require "spec.support.models"

local costs, sent, words, writes = support.costs, support.sent, support.words, support.writes

-- Classes A, B and C, each a subclass of the one before with a table of its own; more(db): members of each by name.
local function chain(more)
  local db = mr.open "sqlite://"
  local K, before = {}, nil
  for _, name in ipairs{ "A", "B", "C" } do
    local body = { __mapper_args = { polymorphic_identity = name:lower() } }
    if before then
      body.id = db.Column{ db.Integer, db.ForeignKey(before.__table.name .. ".id"), primary_key = true }
    else
      body.id = db.Column{ db.Integer, primary_key = true }
      body.kind = db.Column{ db.String(5) }
      body.__mapper_args.polymorphic_on = "kind"
    end
    body[name:lower() .. "_data"] = db.Column{ db.String(20) }
    for key, value in pairs(more and more(db)[name] or {}) do body[key] = value end
    K[name] = (before or db.Model):extend(name, body)
    before = K[name]
  end
  return db, K
end

-- The same with an object of each; after(db, K) declares further classes.
local function filled(more, after)
  local db, K = chain(more)
  if after then after(db, K) end
  db:create_all()
  db.session:add_all{ K.A{ id = 1, a_data = "a1" }, K.B{ id = 2, a_data = "a2", b_data = "b2" },
    K.C{ id = 3, a_data = "a3", b_data = "b3", c_data = "c3" } }
  db.session:commit()
  db.session:remove()
  return db, K
end

-- The same, where a B has parts, which are deleted with it.
local function filled_with_parts()
  local Part
  local db, K = filled(function(db)
    return { B = { parts = db.relationship{ "Part", cascade = "all, delete-orphan" } } }
  end, function(db)
    Part = db.Model:extend("Part", { id = db.Column{ db.Integer, primary_key = true },
      b_id = db.Column{ db.Integer, db.ForeignKey "b.id" } })
  end)
  return db, K, Part
end

local function classes(list)
  local out = {}
  for i, x in ipairs(list) do out[i] = mr.class_of(x).__name end
  return table.concat(out, " ")
end

describe("what tells classes apart", function()
  it("is set when the object is made, and is kept by an update", function()
    local db, K = filled()
    assert.same({ "a", "b", "c" }, { K.A{}.kind, K.B{}.kind, K.C{}.kind })
    local c = db.session:get(K.C, 3)
    c.a_data, c.c_data = "x", "y"
    local list = sent(db, function() db.session:commit() end)
    assert.equal(2, #list)
    for _, s in ipairs(list) do assert.equal(nil, s[1]:find("kind", 1, true)) end
    assert.equal("c", c.kind)
    assert.same({ "INSERT a", "INSERT b" }, writes(db, function()
      db.session:add(K.B{ id = 9 })
      db.session:flush()
    end))
  end)

  it("may be false, of a subclass and of the base", function()
    for _, of_base in ipairs{ true, false } do
      local db = mr.open "sqlite://"
      local Base = db.Model:extend("Base", { id = db.Column{ db.Integer, primary_key = true },
        flag = db.Column{ db.Boolean },
        __mapper_args = { polymorphic_on = "flag", polymorphic_identity = not of_base } })
      local Sub = Base:extend("Sub", { __mapper_args = { polymorphic_identity = of_base } })
      db:create_all()
      db.session:add_all{ Base{ id = 1 }, Sub{ id = 2 } }
      db.session:commit()
      db.session:remove()
      costs(db, 2, function()
        assert.equal("Base Sub", classes(Base.query:order_by "id":all()))
        assert.equal("Sub", classes(Sub.query:all()))
      end)
    end
  end)

  it("may be the primary key", function()
    local db = mr.open "sqlite://"
    local Parent = db.Model:extend("Parent", { id = db.Column{ db.Integer, primary_key = true } })
    local Child = db.Model:extend("Child", { id = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" }, parent = db.relationship{ "Parent" },
      name = db.Column{ db.String(9) }, __mapper_args = { polymorphic_on = "id", polymorphic_identity = 0 } })
    local One = Child:extend("One", { __mapper_args = { polymorphic_identity = 1 } })
    local Two = Child:extend("Two", { __mapper_args = { polymorphic_identity = 2 } })
    db:create_all()
    local p = Parent{ id = 1 }
    db.session:add_all{ One{ name = "1", parent = p }, Two{ name = "2", parent = p } }
    db.session:commit()
    db.session:remove()
    costs(db, 1, function() assert.equal("One Two", classes(Child.query:order_by "id":all())) end)
    assert.equal("2", db.session:get(Child, 2).name)
    assert.is_nil(db.session:get(One, 2))
  end)

  it("may be a column property, and an attribute under another name or a synonym's", function()
    local db = mr.open "sqlite://"
    local Base = db.Model:extend("Base", { id = db.Column{ db.Integer, primary_key = true },
      which = db.Column{ "kind", db.String(9) }, sort = db.synonym "which",
      __mapper_args = { polymorphic_on = "which", polymorphic_identity = "base" } })
    local Sub = Base:extend("Sub", { __mapper_args = { polymorphic_identity = "sub" } })
    local Text = db.Model:extend("Text", { id = db.Column{ db.Integer, primary_key = true },
      word = db.Column{ db.String(9) },
      first = db.column_property(function(T) return mr.func.substr(T.word, 1, 1) end),
      __mapper_args = { polymorphic_on = "first", polymorphic_identity = "t" } })
    local X = Text:extend("X", { __mapper_args = { polymorphic_identity = "x" } })
    db:create_all()
    db.session:add_all{ Base{}, Sub{}, Text{ word = "tea" }, X{ word = "xylo" } }
    db.session:commit()
    db.session:remove()
    costs(db, 4, function()
      assert.equal("Base Sub", classes(Base.query:order_by "id":all()))
      assert.equal("sub", Sub.query:one().sort)
      assert.equal("Text X", classes(Text.query:order_by "id":all()))
      assert.equal("xylo", X.query:one().word)
    end)
    local counted = sent(db, function() assert.equal(1, X.query:count()) end)
    assert.equal(1, #counted)
    assert.truthy(counted[1][1]:find("FROM text WHERE substr(text.word, ?, ?) IN (?)", 1, true))
  end)

  it("of an expression goes with an eager load", function()
    local db = mr.open "sqlite://"
    local A = db.Model:extend("A", { id = db.Column{ db.Integer, primary_key = true },
      code = db.Column{ db.String(9) }, child_id = db.Column{ db.Integer, db.ForeignKey "a.id" },
      child = db.relationship{ "A", remote_side = "A.id" },
      __mapper_args = { polymorphic_identity = "a",
        polymorphic_on = function(T) return mr.case({ { T.code:eq "x", "b" } }, { else_ = "a" }) end } })
    local B = A:extend("B", { __mapper_args = { polymorphic_identity = "b" } })
    db:create_all()
    db.session:add(A{ id = 1, code = "y", child = B{ id = 2, code = "x" } })
    db.session:commit()
    db.session:remove()
    costs(db, 1, function()
      local a = A.query:options(mr.joinedload(A.child)):filter(A.id:eq(1)):one()
      assert.equal("A B", classes{ a, a.child })
    end)
    db.session:remove()
    costs(db, 2, function()
      assert.equal("B", classes{ A.query:options(mr.selectinload(A.child)):filter(A.id:eq(1)):one().child })
    end)
  end)

  it("is NULL in a row of an outer join that has none, and then there is no object", function()
    local db, K = filled()
    local P = db.Model:extend("P", { id = db.Column{ db.Integer, primary_key = true },
      b_id = db.Column{ db.Integer, db.ForeignKey "b.id" }, b = db.relationship{ "B" } })
    db:create_all()
    db.session:add_all{ P{ id = 1, b_id = 3 }, P{ id = 2 } }
    db.session:commit()
    db.session:remove()
    costs(db, 1, function()
      local rows = db.session:query(P, K.B):outerjoin(P.b):order_by(P.id):all()
      assert.equal("C", classes{ rows[1][2] })
      assert.is_nil(rows[2][2])
    end)
    db.session:remove()
    costs(db, 1, function()
      local list = P.query:options(mr.joinedload(P.b)):order_by "id":all()
      assert.equal("C", classes{ list[1].b })
      assert.is_nil(list[2].b)
    end)
    db.session:execute(mr.text "UPDATE a SET kind = NULL WHERE id = 2")
    db.session:commit()
    assert.equal("B C", classes(K.B.query:order_by "id":all())) -- a row that tells nothing is of the class asked
    db.session:remove()
    assert.equal("A", classes(K.A.query:filter_by{ id = 2 }:all()))
  end)
end)

describe("a class of joined tables", function()
  it("of three levels is found by get through each of its classes, and from memory then", function()
    for _, first in ipairs{ "A", "B", "C" } do
      local db, K = filled()
      local c
      costs(db, 1, function() c = db.session:get(K[first], 3) end)
      assert.equal("C", classes{ c })
      costs(db, 0, function()
        for _, name in ipairs{ "A", "B", "C" } do assert.equal(c, db.session:get(K[name], 3)) end
      end)
      costs(db, first == "C" and 0 or 1, function() assert.equal("c3", c.c_data) end)
      assert.is_nil(db.session:get(K.C, 1))
      assert.is_nil(db.session:get(K.C, 2))
      assert.equal("B", classes{ db.session:get(K.A, 2) })
    end
  end)

  it("reads the subclass's columns alone for what a query of the base has left out", function()
    local db, K = filled()
    local list
    costs(db, 1, function() list = K.A.query:order_by "id":all() end)
    local one = sent(db, function() assert.equal("b2", list[2].b_data) end)
    assert.same({ "SELECT b.b_data AS b_b_data FROM b WHERE b.id = ?", 2 }, one[1])
    one = sent(db, function() assert.same({ "b3", "c3" }, { list[3].b_data, list[3].c_data }) end)
    assert.equal(1, #one)
    assert.equal(nil, one[1][1]:find("a_data", 1, true))
  end)

  it("with a table without columns of its own between loads in one statement", function()
    local db = mr.open "sqlite://"
    local function key(of) return db.Column{ db.Integer, db.ForeignKey(of .. ".id"), primary_key = true } end
    local A = db.Model:extend("A", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(5) }, x = db.Column{ db.Integer },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "a" } })
    local B = A:extend("B", { id = key "a", __mapper_args = { polymorphic_identity = "b" } })
    local C = B:extend("C", { id = key "b", y = db.Column{ db.Integer },
      __mapper_args = { polymorphic_identity = "c" } })
    db:create_all()
    db.session:add(C{ id = 1, x = 1, y = 2 })
    db.session:commit()
    db.session:remove()
    local c = A.query:one()
    local one = sent(db, function() assert.equal(2, c.y) end)
    assert.equal(1, #one)
    assert.equal(1, one[1][2])
    assert.same({ "DELETE c", "DELETE b", "DELETE a" }, writes(db, function()
      db.session:delete(c)
      db.session:flush()
    end))
  end)

  it("loads one deferred column, refreshes, and reads an expired object by one statement each", function()
    local db, K = filled(function(db)
      return { B = { big = mr.deferred(db.Column{ db.String(9), default = "big" }) } }
    end)
    local b = db.session:get(K.B, 2)
    local one = sent(db, function() assert.equal("big", b.big) end)
    assert.same({ "SELECT b.big AS b_big FROM b WHERE b.id = ?", 2 }, one[1])
    db.session:expire(b, { "b_data" })
    one = sent(db, function() assert.equal("b2", b.b_data) end)
    assert.same({ "SELECT b.b_data AS b_b_data FROM b WHERE b.id = ?", 2 }, one[1])
    db.session:expire(b)
    costs(db, 1, function() assert.same({ "a2", "b2" }, { b.a_data, b.b_data }) end)
    costs(db, 1, function() db.session:refresh(b) end)
    db.session:remove()
    local seen = K.A.query:filter(K.A.id:eq(2)):one()
    db.session:expire(seen)
    costs(db, 1, function() assert.same({ "b2", "a2" }, { seen.b_data, seen.a_data }) end)
  end)

  it("after its INSERT reads what the database has set in each table, by one statement", function()
    local db, K = chain(function(db)
      return { A = { a_set = db.Column{ db.Integer, server_default = "5" } },
        C = { c_set = db.Column{ db.Integer, server_default = "7" } } }
    end)
    db:create_all()
    local c = K.C{ id = 1 }
    db.session:add(c)
    assert.same({ "INSERT a", "INSERT b", "INSERT c" }, writes(db, function() db.session:flush() end))
    costs(db, 0, function() assert.same({ 5, 7 }, { c.a_set, c.c_set }) end)
    db.session:commit()
    costs(db, 1, function() assert.same({ 5, 7 }, { c.a_set, c.c_set }) end)
  end)

  it("has composite values and column properties over a subclass's table", function()
    local Point = { __eq = function(p, q) return p.x == q.x and p.y == q.y end }
    local function point(x, y) return setmetatable({ x = x, y = y }, Point) end
    local db, K = filled(function(db)
      return { B = { x = db.Column{ db.Integer }, y = db.Column{ db.Integer },
        at = db.composite{ point, "x", "y", values = function(p) return p.x, p.y end },
        loud = db.column_property(function(T) return mr.func.upper(T.b_data) end) } }
    end)
    db.session:get(K.B, 2).at = point(3, 4)
    db.session:commit()
    db.session:remove()
    local b
    costs(db, 1, function() b = K.B.query:filter_by{ id = 2 }:one() end)
    costs(db, 0, function() assert.same({ 3, 4, "B2" }, { b.at.x, b.at.y, b.loud }) end)
    assert.equal(b, K.B.query:filter(K.B.at:eq(point(3, 4))):one())
    db.session:remove()
    costs(db, 2, function()
      local seen = K.A.query:filter(K.A.id:eq(2)):one()
      assert.same({ 3, 4, "B2" }, { seen.at.x, seen.at.y, seen.loud })
    end)
  end)

  it("has relationships of its own loaded eagerly and lazily, also through the base", function()
    local Tag
    local db, K = filled(function(db)
      return { C = { tags = db.relationship{ "Tag", order_by = "Tag.id" } } }
    end, function(db)
      Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true },
        c_id = db.Column{ db.Integer, db.ForeignKey "c.id" }, word = db.Column{ db.String(9) } })
    end)
    db.session:add_all{ Tag{ c_id = 3, word = "x" }, Tag{ c_id = 3, word = "y" } }
    db.session:commit()
    db.session:remove()
    local eager = mr.joinedload(K.C.tags)
    costs(db, 1, function() assert.equal("x y", words(K.C.query:options(eager):one().tags, "word")) end)
    db.session:remove()
    costs(db, 2, function()
      local any = mr.with_polymorphic(K.A, "*")
      local list = db.session:query(any):options(mr.selectinload(any.C.tags)):order_by(any.id):all()
      assert.equal("x y", words(list[3].tags, "word"))
    end)
    db.session:remove()
    costs(db, 2, function() assert.equal("x y", words(db.session:get(K.A, 3).tags, "word")) end)
  end)

  it("deletes what only the subclass's relationship leads to, and nothing of its siblings", function()
    local db, K, Part = filled_with_parts()
    db.session:add_all{ Part{ id = 1, b_id = 2 }, Part{ id = 2, b_id = 3 } }
    db.session:commit()
    db.session:remove()
    local c = db.session:get(K.A, 3)
    db.session:delete(c)
    local list = writes(db)
    assert.same({ "DELETE part", "DELETE c", "DELETE b", "DELETE a" }, { table.unpack(list, #list - 3) })
    assert.equal(1, Part.query:one().id)
    assert.equal("A B", classes(K.A.query:order_by "id":all()))
  end)

  it("of a subclass is the parent without which an object is an orphan", function()
    local db, K, Part = filled_with_parts()
    local c, part = db.session:get(K.C, 3), Part{ id = 1 }
    c.parts = { part }
    db.session:commit()
    c.parts:remove(part)
    assert.same({ "DELETE part" }, writes(db))
    assert.equal(0, Part.query:count())
  end)

  it("is answered from memory where a reference leads to it, of a subclass too", function()
    local db, K = filled()
    local P = db.Model:extend("P", { id = db.Column{ db.Integer, primary_key = true },
      b_id = db.Column{ db.Integer, db.ForeignKey "b.id" }, b = db.relationship{ "B" },
      a_id = db.Column{ db.Integer, db.ForeignKey "a.id" }, a = db.relationship{ "A" } })
    db:create_all()
    db.session:add(P{ id = 1, b_id = 3, a_id = 2 })
    db.session:commit()
    db.session:remove()
    local held = { db.session:get(K.C, 3), db.session:get(K.B, 2) }
    local p = db.session:get(P, 1)
    costs(db, 0, function() assert.same({ held[1].id, held[2].id }, { p.b.id, p.a.id }) end)
    assert.is_true(p.b == held[1] and p.a == held[2])
  end)

  it("has links of a many-to-many, written in the flush of both", function()
    local db, K = chain(function(db)
      return { B = { labels = db.relationship{ "Label", secondary = "b_label", backref = "things" } } }
    end)
    local Label = db.Model:extend("Label", { id = db.Column{ db.Integer, primary_key = true } })
    db.Table("b_label", db.Column{ "b_id", db.Integer, db.ForeignKey "b.id", primary_key = true },
      db.Column{ "label_id", db.Integer, db.ForeignKey "label.id", primary_key = true })
    db:create_all()
    local l = Label{ id = 1 }
    local b, c = K.B{ id = 1, labels = { l } }, K.C{ id = 2, labels = { l } }
    db.session:add_all{ b, c }
    local expected = { "INSERT a x2", "INSERT b x2", "INSERT c", "INSERT label", "INSERT b_label x2" }
    assert.same(expected, (function()
      local list = writes(db)
      table.sort(list, function(x, y)
        local order = { a = 1, b = 2, c = 3, label = 4, b_label = 5 }
        return order[x:match "INSERT (%S+)"] < order[y:match "INSERT (%S+)"]
      end)
      return list
    end)())
    assert.equal("B C", classes(l.things))
    db.session:commit()
    l.things:remove(b)
    assert.same({ "DELETE b_label" }, writes(db))
    assert.equal(1, K.A.query:filter(K.B.labels:any(Label.id:eq(1))):count())
  end)

  it("below an abstract one has its columns in a table of its own", function()
    local db = mr.open "sqlite://"
    local A = db.Model:extend("A", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(5) }, __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "a" } })
    local B = A:extend("B", { __abstract = true, b_data = db.Column{ db.String(9) } })
    local C = B:extend("C", { id = db.Column{ db.Integer, db.ForeignKey "a.id", primary_key = true },
      __mapper_args = { polymorphic_identity = "c" } })
    db:create_all()
    db.session:add_all{ A{ id = 1 }, C{ id = 2, b_data = "b" } }
    db.session:commit()
    db.session:remove()
    costs(db, 2, function()
      assert.equal("A C", classes(A.query:order_by "id":all()))
      assert.equal("b", C.query:one().b_data)
    end)
  end)
end)

describe("the classes of a company", function()
  for _, kind in ipairs{ "single", "joined", "mixed" } do
    it("are found along relationships, each way of loading, and by each class: " .. kind, function()
      local db, C = staff.filled(kind)
      for way, n in pairs{ joinedload = 1, selectinload = 2, subqueryload = 2 } do
        db.session:remove()
        costs(db, n, function()
          local acme = C.Company.query:options(mr[way](C.Company.employees)):one()
          assert.equal("Employee Eve, Engineer Nick, Senior Sue, Manager Max", staff.names(acme.employees))
        end)
        db.session:remove()
        costs(db, n, function()
          local acme = C.Company.query:options(mr[way](C.Company.engineers)):one()
          assert.equal("Engineer Nick, Senior Sue", staff.names(acme.engineers))
        end)
      end
    end)

    it("are asked by any, has, of_type and contains, with the SQL of their class: " .. kind, function()
      local db, C = staff.filled(kind)
      local function n(criterion)
        local found
        costs(db, 1, function() found = #C.Company.query:filter(criterion):all() end)
        return found
      end
      assert.equal(1, n(C.Company.employees:of_type(C.Engineer):any(C.Engineer.machine:eq "drill")))
      assert.equal(0, n(C.Company.employees:of_type(C.Manager):any(C.Manager.name:eq "Nick")))
      assert.equal(1, n(C.Company.engineers:any(C.Senior.level:eq(3))))
      assert.equal(0, n(C.Company.engineers:any(C.Engineer.name:eq "Eve")))
      assert.equal(0, n(~C.Company.employees:any()))
      local e = mr.aliased(C.Engineer)
      costs(db, 1, function()
        local rows = db.session:query(C.Company.name, e.name):join(C.Company.employees:of_type(e)):order_by(e.name)
          :all()
        assert.same({ "Nick", "Sue" }, { rows[1][2], rows[2][2] })
        assert.equal(2, #rows)
      end)
      costs(db, 1, function()
        local rows = db.session:query(e.name, C.Company.name):join(e.company):filter(e.machine:like "l%"):all()
        assert.equal("Sue acme", table.concat({ rows[1]:unpack() }, " "))
      end)
      costs(db, 1, function()
        assert.equal(2, C.Employee.query:filter(C.Employee.company:has(C.Company.name:eq "acme")
          & C.Employee.id:in_(mr.select(e.id))):count())
      end)
    end)
  end
end)
