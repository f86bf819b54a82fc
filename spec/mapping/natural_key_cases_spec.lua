-- Natural keys that change, in the cases of SQLAlchemy's test/orm/test_naturalpks.py (name of the behaviour there:
-- title here, without a file: in this one). "passive" is ON UPDATE CASCADE, "nonpassive" passive_updates = false.
--   NaturalPKTest
--     entity                               is the object's from the flush on
--     load_after_expire                    is read again where it has changed elsewhere
--     flush_new_pk_after_expire            is written of an expired object
--     update_to_sql_expr, ..._self_sql_expr  flush/natural_key_spec: a key becomes what an expression makes of it ...
--     onetomany (two), bidirectional (two) is followed by the objects of a list
--     manytoone (four, and cold)           flush/natural_key_spec: is followed by what refers to it ...
--     onetoone (two)                       is followed by one object
--     manytomany (two)                     is followed by the links of a many-to-many
--     manytoone_deferred_relationship_expr (not restated)
--   ReversePKsTest (two)                   goes from one object to another in one flush ...
--   SelfReferentialTest (four)             is followed within one table
--   NonPKCascadeTest (two)                 that is no primary key, but unique, is followed, too
--   CascadeToFKPKTest (thirteen)           flush/natural_key_spec: a key that is a foreign key
--   JoinedInheritanceTest (eight), JoinedInheritancePKOnFKTest (two)
--                                          of a joined class is followed by its tables ..., by what refers to it
--   UnsortablePKTest                       (not restated: keys have no order of their own in Lua)

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local costs, words, writes = support.costs, support.words, support.writes

-- Runs fn(passive, options of a foreign key, what allows keys to change one by one) for both ways.
local function both(fn)
  for _, passive in ipairs{ true, false } do
    local db = mr.open "sqlite://"
    local function key(target) return db.ForeignKey{ target, onupdate = passive and "CASCADE" or nil } end
    fn(db, passive, key, function()
      if not passive then db.session:execute(mr.text "PRAGMA defer_foreign_keys = ON") end
    end)
  end
end

describe("a natural key", function()
  it("is the object's from the flush on", function()
    local db = mr.open "sqlite://"
    local City = db.Model:extend("City", { name = db.Column{ db.String(20), primary_key = true },
      size = db.Column{ db.Integer } })
    db:create_all()
    local city = City{ name = "Ulm", size = 1 }
    db.session:add(city)
    db.session:flush()
    assert.equal(city, db.session:get(City, "Ulm"))
    city.name = "Bonn"
    assert.same({ "UPDATE city" }, writes(db))
    costs(db, 0, function() assert.equal(city, db.session:get(City, "Bonn")) end)
    assert.is_nil(db.session:get(City, "Ulm"))
    db.session:expunge_all()
    city = db.session:get(City, "Bonn")
    assert.equal("Bonn", city.name)
  end)

  it("is read again where it has changed elsewhere", function()
    local db = mr.open "sqlite://"
    local City = db.Model:extend("City", { name = db.Column{ db.String(20), primary_key = true },
      size = db.Column{ db.Integer } })
    db:create_all()
    local city = City{ name = "Ulm", size = 1 }
    db.session:add(city)
    db.session:commit()
    db.session:execute(mr.text "UPDATE city SET name = 'Bonn'")
    db.session:expire(city)
    refuse("ObjectDeletedError", "City", function() return city.size end)
    assert.equal("Bonn", City.query:one().name)
    db.session:rollback()
    assert.equal(1, city.size)
  end)

  it("is written of an expired object", function()
    local db = mr.open "sqlite://"
    local City = db.Model:extend("City", { name = db.Column{ db.String(20), primary_key = true },
      size = db.Column{ db.Integer } })
    db:create_all()
    local city = City{ name = "Ulm", size = 1 }
    db.session:add(city)
    db.session:commit()
    db.session:expire(city)
    city.name = "Bonn"
    db.session:commit()
    assert.same({ "Bonn", 1 }, { city.name, city.size })
    assert.equal(city, City.query:one())
  end)

  it("is followed by the objects of a list", function()
    both(function(db, passive, key, defer)
      local City = db.Model:extend("City", {
        name = db.Column{ db.String(20), primary_key = true },
        streets = db.relationship{ "Street", back_populates = "city", order_by = "Street.id",
          passive_updates = passive },
      })
      local Street = db.Model:extend("Street", {
        id = db.Column{ db.Integer, primary_key = true },
        city_name = db.Column{ db.String(20), key "city.name" },
        city = db.relationship{ "City", back_populates = "streets", passive_updates = passive },
      })
      db:create_all()
      local city, one, two = City{ name = "Ulm" }, Street{ id = 1 }, Street{ id = 2 }
      city.streets = { one, two }
      db.session:add(city)
      db.session:flush()
      assert.same({ "Ulm", "Ulm" }, { one.city_name, two.city_name })
      defer()
      city.name = "Bonn"
      assert.same(passive and { "UPDATE city" } or { "UPDATE city", "UPDATE street x2" }, writes(db))
      db.session:expire(one)
      assert.same({ "Bonn", city }, { one.city_name, one.city })
      db.session:commit()
      assert.equal("Bonn Bonn", words(Street.query:order_by(Street.id):all(), "city_name"))
      assert.equal(2, #city.streets)
      city.streets:remove(one)
      assert.same({ "UPDATE street" }, writes(db))
      defer()
      city.name = "Kiel"
      assert.same(passive and { "UPDATE city" } or { "UPDATE city", "UPDATE street" }, writes(db))
      db.session:commit()
      assert.is_nil(one.city_name)
      assert.equal("Kiel", two.city_name)
    end)
  end)

  it("is followed by one object", function()
    both(function(db, passive, key, defer)
      local City = db.Model:extend("City", {
        name = db.Column{ db.String(20), primary_key = true },
        mayor = db.relationship{ "Mayor", uselist = false, back_populates = "city", passive_updates = passive },
      })
      local Mayor = db.Model:extend("Mayor", {
        id = db.Column{ db.Integer, primary_key = true },
        city_name = db.Column{ db.String(20), key "city.name", unique = true },
        city = db.relationship{ "City", back_populates = "mayor", passive_updates = passive },
      })
      db:create_all()
      local city = City{ name = "Ulm", mayor = Mayor{} }
      local mayor = city.mayor
      db.session:add(city)
      db.session:flush()
      defer()
      city.name = "Bonn"
      assert.same(passive and { "UPDATE city" } or { "UPDATE city", "UPDATE mayor" }, writes(db))
      db.session:commit()
      assert.same({ "Bonn", city, mayor }, { mayor.city_name, mayor.city, city.mayor })
    end)
  end)

  it("is followed by the links of a many-to-many", function()
    both(function(db, passive, key, defer)
      db.Table("visit", db.Column{ "city_name", db.String(20), key "city.name", primary_key = true },
        db.Column{ "guest_name", db.String(20), key "guest.name", primary_key = true })
      local City = db.Model:extend("City", {
        name = db.Column{ db.String(20), primary_key = true },
        guests = db.relationship{ "Guest", secondary = "visit", back_populates = "cities", passive_updates = passive },
      })
      local Guest = db.Model:extend("Guest", {
        name = db.Column{ db.String(20), primary_key = true },
        cities = db.relationship{ "City", secondary = "visit", back_populates = "guests", passive_updates = passive },
      })
      db:create_all()
      local ulm, eve, bob = City{ name = "Ulm" }, Guest{ name = "Eve" }, Guest{ name = "Bob" }
      ulm.guests = { eve, bob }
      db.session:add(ulm)
      db.session:flush()
      defer()
      ulm.name = "Bonn"
      assert.same(passive and { "UPDATE city" } or { "UPDATE city", "UPDATE visit x2" }, writes(db))
      defer()
      eve.name = "Eva"
      assert.same(passive and { "UPDATE guest" } or { "UPDATE guest", "UPDATE visit" }, writes(db))
      db.session:commit()
      local links = {}
      for _, row in ipairs(db.session:execute(mr.text "SELECT * FROM visit ORDER BY guest_name"):all()) do
        links[#links + 1] = row[1] .. " " .. row[2]
      end
      assert.same({ "Bonn Bob", "Bonn Eva" }, links)
      assert.equal(ulm, eve.cities[1])
    end)
  end)

  it("goes from one object to another in one flush, and comes back with a savepoint", function()
    local db = mr.open "sqlite://"
    local Page = db.Model:extend("Page", {
      code = db.Column{ db.Integer, primary_key = true, autoincrement = false },
      status = db.Column{ db.Integer, primary_key = true, autoincrement = false },
      title = db.Column{ db.String(20) },
    })
    db:create_all()
    local published, editable = Page{ code = 1, status = 1, title = "p" }, Page{ code = 1, status = 2, title = "e" }
    db.session:add_all{ published, editable }
    db.session:commit()
    for _, savepoint in ipairs{ true, false } do
      if savepoint then db.session:begin_nested() end
      published.status, editable.status = 3, 1
      db.session:flush()
      assert.equal(editable, db.session:get(Page, { 1, 1 }))
      assert.equal(published, db.session:get(Page, { 1, 3 }))
      if savepoint then
        db.session:rollback()
        assert.equal(published, db.session:get(Page, { 1, 1 }))
        assert.equal(editable, db.session:get(Page, { 1, 2 }))
      end
    end
    db.session:commit()
    assert.same({ 3, 1 }, { published.status, editable.status })
  end)

  it("is followed within one table", function()
    both(function(db, passive, key, defer)
      local Node = db.Model:extend("Node", {
        name = db.Column{ db.String(20), primary_key = true },
        parent_name = db.Column{ db.String(20), key "node.name" },
        parent = db.relationship{ "Node", remote_side = "Node.name", passive_updates = passive,
          backref = db.backref{ "children", passive_updates = passive, order_by = "Node.name" } },
      })
      db:create_all()
      local top = Node{ name = "top", children = { Node{ name = "a" }, Node{ name = "b" } } }
      local a = top.children[1]
      db.session:add(top)
      db.session:flush()
      defer()
      top.name = "peak"
      assert.same(passive and { "UPDATE node" } or { "UPDATE node", "UPDATE node x2" }, writes(db))
      db.session:commit()
      assert.same({ "peak", top }, { a.parent_name, a.parent })
      assert.equal("a b", words(top.children, "name"))
    end)
  end)

  it("that is no primary key, but unique, is followed, too", function()
    both(function(db, passive, key, defer)
      local City = db.Model:extend("City", {
        id = db.Column{ db.Integer, primary_key = true },
        code = db.Column{ db.String(9), unique = true },
        streets = db.relationship{ "Street", passive_updates = passive, order_by = "Street.id" },
      })
      local Street = db.Model:extend("Street", {
        id = db.Column{ db.Integer, primary_key = true },
        code = db.Column{ db.String(9), key "city.code" },
      })
      db:create_all()
      local city = City{ code = "u", streets = { Street{}, Street{} } }
      db.session:add(city)
      db.session:flush()
      defer()
      city.code = "b"
      assert.same(passive and { "UPDATE city" } or { "UPDATE city", "UPDATE street x2" }, writes(db))
      db.session:commit()
      assert.equal("b b", words(Street.query:all(), "code"))
      assert.equal(2, #city.streets)
    end)
  end)

  it("of a joined class is followed by its tables, of two levels and of three", function()
    both(function(db, passive, key, defer)
      local Person = db.Model:extend("Person", { name = db.Column{ db.String, primary_key = true },
        kind = db.Column{ db.String },
        __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "person" } })
      local Manager = Person:extend("Manager", { name = db.Column{ db.String, key "person.name", primary_key = true },
        level = db.Column{ db.String },
        __mapper_args = { polymorphic_identity = "manager" } })
      local Owner = Manager:extend("Owner", { name = db.Column{ db.String, key "manager.name", primary_key = true },
        owns = db.Column{ db.String },
        __mapper_args = { polymorphic_identity = "owner" } })
      db:create_all()
      local m, o = Manager{ name = "dogbert", level = "1" }, Owner{ name = "wally", owns = "x" }
      db.session:add_all{ m, o }
      db.session:commit()
      for _, name in ipairs{ "2", "3" } do
        defer()
        m.name, o.name = "m" .. name, "o" .. name
        local list = writes(db)
        assert.same(passive and { "UPDATE person x2" }
          or { "UPDATE person x2", "UPDATE manager x2", "UPDATE owner" }, list)
        db.session:commit()
        assert.same({ "m" .. name, "1" }, { m.name, m.level })
        assert.same({ "o" .. name, "x" }, { o.name, o.owns })
        db.session:remove()
        m, o = db.session:get(Manager, "m" .. name), db.session:get(Owner, "o" .. name)
        assert.equal("x", o.owns)
      end
    end)
  end)

  it("of a joined class is followed by what refers to it", function()
    both(function(db, passive, key, defer)
      local Person, Boss
      Person = db.Model:extend("Person", { name = db.Column{ db.String, primary_key = true },
        kind = db.Column{ db.String },
        __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "person" } })
      Boss = Person:extend("Boss", { name = db.Column{ db.String, key "person.name", primary_key = true },
        engs = db.relationship{ "Eng", back_populates = "boss", passive_updates = passive,
          foreign_keys = "Eng.boss_name", order_by = "Eng.name" },
        __mapper_args = { polymorphic_identity = "boss" } })
      local Eng = Person:extend("Eng", { name = db.Column{ db.String, key "person.name", primary_key = true },
        boss_name = db.Column{ db.String, key "boss.name" },
        boss = db.relationship{ "Boss", back_populates = "engs", passive_updates = passive,
          foreign_keys = "Eng.boss_name" },
        __mapper_args = { polymorphic_identity = "eng", inherit_condition = function(c) return c.name
          :eq(Person.name) end } })
      db:create_all()
      local b, e1, e2 = Boss{ name = "dogbert" }, Eng{ name = "e1" }, Eng{ name = "e2" }
      b.engs = { e1, e2 }
      db.session:add(b)
      db.session:commit()
      assert.equal(2, #b.engs)
      defer()
      b.name = "pointy"
      db.session:commit()
      assert.same({ "pointy", "pointy" }, { e1.boss_name, e2.boss_name })
      db.session:remove()
      assert.equal("e1 e2", words(db.session:get(Boss, "pointy").engs, "name"))
      if not passive then return end -- what is not loaded is read by the flush: natural_key_spec
      db.session:remove()
      b = db.session:get(Boss, "pointy")
      b.name = "again"
      db.session:commit()
      db.session:remove()
      assert.equal("again", db.session:get(Eng, "e1").boss_name)
      assert.equal("e1 e2", words(db.session:get(Boss, "again").engs, "name"))
    end)
  end)
end)
