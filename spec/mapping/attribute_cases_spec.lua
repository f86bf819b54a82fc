-- Hybrids, composites, association proxies and validators, case by case, where they meet the rest.
-- After SQLAlchemy (name of the behaviour there: titles here):
--   test/ext/test_hybrid.py
--     PropertyExpression.cloning_in_polymorphic_any   of a subclass is asked along a relationship
--     access_from_unmapped, ..._not_yet_mapped         is in a body that several classes take
--     filter_by_update_dml, filter_by_delete_dml       is a key of filter_by in an update and a deletion
--     PropertyOverride.override_getter, ..._expr       has one part replaced in a subclass
--     PropertyMirror.filter_by_mismatched_col, aliased_mismatched_col
--                                                      of another name than its column is that column
--     BulkUpdate.evaluate_*, fetch_* (eight)           is written by an update, and objects in memory have it
--     DMLTest.single_plain_*, expand_* (six)           is a column of rows that are inserted and updated
--     SpecialObject.instance_one..four, query_one..five
--                                                      may be a value of a class of the program's
--   test/orm/test_composites.py
--     update_crit_sql, _evaluate, _fetch               is written by an update with criteria about it
--     bulk_insert, bulk_insert_heterogeneous, bulk_update
--                                                      is in rows that are inserted and updated
--     PrimaryKeyTest (get_by_composite, pk_mutation, null_pk)
--                                                      may be the primary key
--     ConfigAndDeferral (load_only, defer, via_group)  is left out and asked for by the names of its columns
--     ComparatorTest.order_by_aliased, comparator_null is compared and sorted through an alias
--     delete, save_null                                goes with its object
--   test/ext/test_associationproxy.py
--     AutoFlush.list_append, list_extend               is appended to without a flush of half an object
--     ScopeBehavior (four)                             lives on where only the proxy is held
--     MultiOwner (six)                                 of a subclass's relationship is that subclass's
--     DictOfTupleUpdate, bulk_replace                  keeps the objects that stay
--     ComparatorTest.filter_any_chained, filter_ne_null of a chain is asked in one statement
--   test/orm/test_validators.py
--     validator_bulk_dict_set, bulk_collection_set     hears of each object of a whole dict and set
--     validator_override_subclass_*                    is one of the class's own or of its base, for each attribute

local mr = require "moonrow"
local support = require "spec.support.models"

local costs, sent, words, writes = support.costs, support.sent, support.words, support.writes

local Point = setmetatable({}, { __call = function(cls, x, y) return setmetatable({ x = x, y = y }, cls) end })
Point.__index = Point
function Point.__eq(a, b) return a.x == b.x and a.y == b.y end
function Point:__composite_values() return self.x, self.y end

-- ---------------------------------------------------------------- hybrids

describe("a hybrid", function()
  -- Vehicles of a depot, some of them trucks: weight = empty + load.
  local function fleet()
    local db = mr.open "sqlite://"
    local C = {}
    C.Depot = db.Model:extend("Depot", { id = db.Column{ db.Integer, primary_key = true },
      vehicles = db.relationship{ "Vehicle", order_by = "Vehicle.id" } })
    C.Vehicle = db.Model:extend("Vehicle", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) }, empty = db.Column{ db.Integer },
      depot_id = db.Column{ db.Integer, db.ForeignKey "depot.id" },
      weight = mr.hybrid{ get = function(self) return self.empty end,
        set = function(self, value) self.empty = value end },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "vehicle" } })
    C.Truck = C.Vehicle:extend("Truck", { id = db.Column{ db.Integer, db.ForeignKey "vehicle.id", primary_key = true },
      load = db.Column{ db.Integer },
      full = mr.hybrid{ get = function(self) return self.empty + self.load end },
      __mapper_args = { polymorphic_identity = "truck" } })
    db:create_all()
    db.session:add(C.Depot{ id = 1, vehicles = { C.Vehicle{ id = 1, empty = 1 },
      C.Truck{ id = 2, empty = 5, load = 4 } } })
    db.session:commit()
    db.session:remove()
    return db, C
  end

  it("of a subclass is asked along a relationship, of the base, and through an alias", function()
    local db, C = fleet()
    local criterion = C.Depot.vehicles:of_type(C.Truck):any(C.Truck.full:eq(9))
    costs(db, 1, function() assert.equal(1, C.Depot.query:filter(criterion):count()) end)
    criterion = C.Depot.vehicles:any(C.Truck.full:gt(9))
    costs(db, 1, function() assert.equal(0, C.Depot.query:filter(criterion):count()) end)
    costs(db, 1, function() assert.equal(2, C.Vehicle.query:filter(C.Truck.full:eq(9)):one().id) end)
    local t = mr.aliased(C.Truck)
    local one = sent(db, function() assert.equal(9, db.session:query(t.full):one()[1]) end)
    assert.truthy(one[1][1]:find("vehicle AS vehicle_1 JOIN truck AS truck_1 ON vehicle_1.id = truck_1.id", 1, true))
    costs(db, 1, function() assert.equal(9, db.session:query(mr.func.max(t.full)):scalar()) end)
    costs(db, 1, function() assert.equal(9, db.session:scalar(mr.select(C.Truck.full))) end)
  end)

  it("is in a body that several classes take, each with its own columns", function()
    local db = mr.open "sqlite://"
    local Sized = { area = mr.hybrid{ get = function(self) return self.w * self.h end } }
    local made = {}
    for _, name in ipairs{ "Door", "Wall" } do
      made[name] = db.Model:extend(name, { Sized, id = db.Column{ db.Integer, primary_key = true },
        w = db.Column{ db.Integer }, h = db.Column{ db.Integer } })
    end
    db:create_all()
    db.session:add_all{ made.Door{ w = 2, h = 3 }, made.Wall{ w = 5, h = 4 } }
    db.session:commit()
    for name, area in pairs{ Door = 6, Wall = 20 } do
      local one = sent(db, function() assert.equal(area, db.session:query(made[name].area):scalar()) end)
      assert.truthy(one[1][1]:find(("%s.w * %s.h"):format(name:lower(), name:lower()), 1, true))
      assert.equal(area, made[name].query:filter_by{ area = area }:one().area)
    end
  end)

  it("is a key of filter_by in an update and a deletion", function()
    local db, C = fleet()
    local one = sent(db, function() assert.equal(1, C.Vehicle.query:filter_by{ weight = 1 }:update{ weight = 3 }) end)
    assert.same({ "UPDATE vehicle SET empty=? WHERE vehicle.empty = ?", 3, 1 }, one[#one])
    assert.equal(3, db.session:get(C.Vehicle, 1).weight)
    assert.equal(0, C.Vehicle.query:filter_by{ weight = 1 }:count())
  end)

  it("has one part replaced in a subclass, and the rest is the base's", function()
    local db = mr.open "sqlite://"
    local get = function(self) return self.size * 2 end
    local Base = db.Model:extend("Base", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) }, size = db.Column{ db.Integer },
      double = mr.hybrid{ get = get, set = function(self, v) self.size = v // 2 end },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "base" } })
    local Sub = Base:extend("Sub", {
      double = mr.hybrid{ get = get, set = function(self, v) self.size = v // 2 + 1 end,
        expr = function(cls) return cls.size * 2 + 100 end },
      __mapper_args = { polymorphic_identity = "sub" } })
    db:create_all()
    local base, sub = Base{ double = 8 }, Sub{ double = 8 }
    assert.same({ 4, 8, 5, 10 }, { base.size, base.double, sub.size, sub.double })
    db.session:add_all{ base, sub }
    db.session:commit()
    costs(db, 2, function()
      assert.equal(base, Base.query:filter(Base.double:eq(8)):one())
      assert.equal(sub, Sub.query:filter(Sub.double:eq(110)):one())
    end)
  end)

  it("of another name than its column is that column, of a class and of an alias", function()
    local db, C = fleet()
    costs(db, 1, function() assert.equal(1, C.Vehicle.query:filter_by{ weight = 1 }:one().id) end)
    local v = mr.aliased(C.Vehicle)
    local one = sent(db, function() assert.equal(2, db.session:query(v):filter(v.weight:gt(1)):one().id) end)
    assert.truthy(one[1][1]:find("WHERE vehicle_1.empty > ?", 1, true))
    assert.equal(1, db.session:query(C.Vehicle.weight):order_by "weight":first().weight)
  end)

  for _, how in ipairs{ "auto", "evaluate", "fetch", false } do
    it("is written by an update, and objects in memory have it: " .. tostring(how), function()
      local db, C = fleet()
      local one, two = db.session:get(C.Vehicle, 1), db.session:get(C.Truck, 2)
      local options = { synchronize_session = how }
      local heavier = { weight = C.Vehicle.weight + 10 }
      assert.equal(2, C.Vehicle.query:filter(C.Vehicle.weight:gt(0)):update(heavier, options))
      if how == false then db.session:expire_all() end
      assert.same({ 11, 15, 15 }, { one.weight, two.weight, two.empty })
      assert.equal(1, C.Truck.query:filter(C.Truck.full:eq(19)):count())
    end)
  end

  it("is a column of rows that are inserted and updated", function()
    local db, C = fleet()
    db.session:execute(mr.insert(C.Vehicle):values{ id = 7, weight = 70, kind = "vehicle" })
    db.session:execute(mr.update(C.Vehicle):where(C.Vehicle.weight:eq(70)):values{ weight = 71 })
    assert.equal(71, db.session:get(C.Vehicle, 7).weight)
    local list = sent(db, function()
      db.session:execute(mr.insert(C.Vehicle), { { id = 8, empty = 1, kind = "vehicle" },
        { id = 9, empty = 2, kind = "vehicle" } })
    end)
    assert.equal(1, #list)
    assert.equal(2, db.session:get(C.Vehicle, 9).weight)
  end)

  it("may be a value of a class of the program's, which calculates and compares in both", function()
    local db = mr.open "sqlite://"
    local Money = {}
    Money.__index = Money
    local function money(amount, currency) return setmetatable({ amount = amount, currency = currency }, Money) end
    function Money:as(rate) return money(self.amount * rate, "other") end
    local Account = db.Model:extend("Account", { id = db.Column{ db.Integer, primary_key = true },
      cents = db.Column{ db.Integer },
      balance = mr.hybrid{ get = function(self) return money(self.cents, "usd") end,
        set = function(self, m) self.cents = m.amount end,
        expr = function(cls) return cls.cents end } })
    db:create_all()
    local a = Account{ balance = money(100, "usd") }
    assert.same({ 100, "usd", 200 }, { a.balance.amount, a.balance.currency, a.balance:as(2).amount })
    a.balance = money(50, "usd")
    db.session:add(a)
    db.session:commit()
    costs(db, 1, function() assert.equal(a, Account.query:filter((Account.balance * 2):eq(100)):one()) end)
    costs(db, 1, function() assert.equal(50, db.session:query(Account.balance):scalar()) end)
  end)
end)

-- ---------------------------------------------------------------- composites

describe("a composite", function()
  local function spots(more)
    local db = mr.open "sqlite://"
    local body = { id = db.Column{ db.Integer, primary_key = true }, x = db.Column{ db.Integer },
      y = db.Column{ db.Integer }, at = mr.composite(Point, "x", "y") }
    for name, value in pairs(more and more(db) or {}) do body[name] = value end
    local Spot = db.Model:extend("Spot", body)
    db:create_all()
    return db, Spot
  end

  for _, how in ipairs{ "auto", "evaluate", "fetch", false } do
    it("is written by an update with criteria about it, and in memory: " .. tostring(how), function()
      local db, Spot = spots()
      local one, two = Spot{ at = Point(1, 2) }, Spot{ at = Point(3, 4) }
      db.session:add_all{ one, two }
      db.session:commit()
      assert.same({ 1, 3 }, { one.x, two.x })
      local n = Spot.query:filter(Spot.at:eq(Point(1, 2))):update({ at = Point(7, 8) }, { synchronize_session = how })
      assert.equal(1, n)
      if how == false then db.session:expire_all() end
      assert.same({ Point(7, 8), Point(3, 4) }, { one.at, two.at })
      assert.equal(1, Spot.query:filter(Spot.at:eq(Point(7, 8))):count())
    end)
  end

  it("is in rows that are inserted and updated, of several shapes", function()
    local db, Spot = spots()
    local list = writes(db, function()
      db.session:execute(mr.insert(Spot), { { id = 1, at = Point(1, 2) }, { id = 2, at = Point(3, 4) } })
    end)
    assert.same({ "INSERT spot x2" }, list)
    db.session:execute(mr.insert(Spot), { { id = 3, at = Point(5, 6) }, { id = 4, x = 7 }, { id = 5 } })
    db.session:execute(mr.update(Spot), { { id = 4, at = Point(8, 9) }, { id = 1, at = Point(0, 0) } })
    local found = Spot.query:order_by "id":all()
    assert.same({ Point(0, 0), Point(3, 4), Point(5, 6), Point(8, 9) }, { found[1].at, found[2].at, found[3].at,
      found[4].at })
    assert.is_nil(found[5].at)
  end)

  it("may be the primary key: of get by its columns, of criteria, and may change", function()
    local db = mr.open "sqlite://"
    local Cell = db.Model:extend("Cell", { x = db.Column{ db.Integer, primary_key = true },
      y = db.Column{ db.Integer, primary_key = true, autoincrement = false }, at = mr.composite(Point, "x", "y"),
      name = db.Column{ db.String(9) } })
    db:create_all()
    db.session:add(Cell{ at = Point(1, 2), name = "a" })
    db.session:commit()
    db.session:remove()
    local cell = db.session:get(Cell, { 1, 2 })
    costs(db, 1, function() assert.equal(cell, Cell.query:filter(Cell.at:eq(Point(1, 2))):one()) end)
    cell.at = Point(3, 4)
    assert.same({ { "UPDATE cell SET x=?, y=? WHERE cell.x = ? AND cell.y = ?", 3, 4, 1, 2 } },
      sent(db, function() db.session:flush() end))
    costs(db, 0, function() assert.equal(cell, db.session:get(Cell, { 3, 4 })) end)
    assert.has_error(function()
      db.session:add(Cell{ name = "b" })
      db.session:flush()
    end)
    db.session:rollback()
    assert.same(Point(1, 2), cell.at)
  end)

  it("is left out and asked for by the names of its columns", function()
    local db, Spot = spots(function(db) return { name = db.Column{ db.String(9) } } end)
    db.session:add(Spot{ id = 1, at = Point(1, 2), name = "n" })
    db.session:commit()
    db.session:remove()
    local spot
    local one = sent(db, function() spot = Spot.query:options(mr.defer "x", mr.defer "y"):one() end)
    assert.equal("SELECT spot.id AS spot_id, spot.name AS spot_name FROM spot", one[1][1])
    costs(db, 2, function() assert.same(Point(1, 2), spot.at) end)
    db.session:remove()
    one = sent(db, function() spot = Spot.query:options(mr.load_only("x", "y")):one() end)
    assert.equal("SELECT spot.id AS spot_id, spot.x AS spot_x, spot.y AS spot_y FROM spot", one[1][1])
    costs(db, 0, function() assert.same(Point(1, 2), spot.at) end)
    costs(db, 1, function() assert.equal("n", spot.name) end)
  end)

  it("is compared and sorted through an alias, and with nil", function()
    local db, Spot = spots()
    db.session:add_all{ Spot{ id = 1, at = Point(2, 1) }, Spot{ id = 2, at = Point(1, 9) }, Spot{ id = 3 } }
    db.session:commit()
    local s = mr.aliased(Spot)
    local one = sent(db, function()
      assert.equal(1, db.session:query(s):filter(s.at:eq(Point(2, 1))):one().id)
      assert.equal("2 1", words(db.session:query(s):filter(s.x:is_not(nil)):order_by(s.at):all(), "id"))
      assert.equal(3, db.session:query(s):filter(s.at:is_(nil)):one().id)
    end)
    assert.truthy(one[1][1]:find("WHERE spot_1.x = ? AND spot_1.y = ?", 1, true))
    assert.truthy(one[2][1]:find("ORDER BY spot_1.x, spot_1.y", 1, true))
    assert.truthy(one[3][1]:find("spot_1.x IS NULL AND spot_1.y IS NULL", 1, true))
  end)

  it("goes with its object: a deletion keeps the value, nil is NULL in each column", function()
    local db, Spot = spots()
    local spot = Spot{ id = 1, at = Point(1, 2) }
    db.session:add(spot)
    db.session:flush()
    spot.at = nil
    assert.same({ { "UPDATE spot SET x=?, y=? WHERE spot.id = ?", nil, nil, 1 } },
      (function()
        local list = sent(db, function() db.session:flush() end)
        return { { list[1][1], nil, nil, list[1][4] } }
      end)())
    spot.at = Point(5, 6)
    db.session:flush()
    db.session:delete(spot)
    assert.same({ "DELETE spot" }, writes(db))
    assert.same(Point(5, 6), spot.at)
  end)
end)

-- ---------------------------------------------------------------- association proxies

describe("an association proxy", function()
  -- Users with posts (a list), and admins with badges (a list of the subclass).
  local function forum()
    local db = mr.open "sqlite://"
    local C = {}
    C.User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) },
      posts = db.relationship{ "Post", back_populates = "user", cascade = "all, delete-orphan", order_by = "Post.id" },
      titles = mr.association_proxy("posts", "title"),
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "user" } })
    C.Admin = C.User:extend("Admin", { badges = db.relationship{ "Badge", order_by = "Badge.id" },
      badge_names = mr.association_proxy("badges", "name"),
      __mapper_args = { polymorphic_identity = "admin" } })
    C.Post = db.Model:extend("Post", { id = db.Column{ db.Integer, primary_key = true },
      title = db.Column{ db.String(9), nullable = false },
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id", nullable = false },
      user = db.relationship{ "User", back_populates = "posts" },
      badge_names = mr.association_proxy("user", "titles") })
    C.Badge = db.Model:extend("Badge", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9) }, user_id = db.Column{ db.Integer, db.ForeignKey "user.id" } })
    db:create_all()
    return db, C
  end

  it("is appended to without a flush of half an object", function()
    local db, C = forum()
    local user = C.User{ id = 1 }
    db.session:add(user)
    db.session:commit()
    costs(db, 2, function() user.titles:append "a" end) -- the user and its list are read
    user.titles:extend{ "b", "c" }
    assert.same({ "INSERT post x3" }, writes(db))
    assert.equal("a b c", words(user.posts, "title"))
  end)

  it("lives on where only the proxy is held", function()
    local db, C = forum()
    local function titles()
      local user = C.User{ id = 1, titles = { "a", "b" } }
      return user.titles, setmetatable({ user }, { __mode = "v" })
    end
    local list, weak = titles()
    collectgarbage()
    collectgarbage()
    assert.truthy(weak[1])
    assert.same({ 2, "a", "b" }, { #list, list[1], list[2] })
    db.session:add(weak[1])
    db.session:commit()
    local loaded = C.User.query:one().titles
    collectgarbage()
    assert.same({ "a", "b" }, { loaded[1], loaded[2] })
  end)

  it("of a subclass's relationship is that subclass's, and works in its queries and its base's", function()
    local db, C = forum()
    db.session:add(C.Admin{ id = 1, titles = { "t" }, badge_names = { "gold" } })
    db.session:add(C.User{ id = 2, titles = { "u" } })
    db.session:commit()
    db.session:remove()
    assert.has_error(function() return C.User.badge_names end)
    costs(db, 1, function() assert.equal(1, C.Admin.query:filter(C.Admin.badge_names:contains "gold"):one().id) end)
    costs(db, 1, function() assert.equal(1, C.Admin.query:filter(C.Admin.titles:contains "t"):one().id) end)
    costs(db, 1, function() assert.equal(0, C.Admin.query:filter(C.Admin.titles:contains "u"):count()) end)
    local user = db.session:get(C.User, 2)
    assert.has_error(function() return user.badge_names end)
    assert.has_error(function() user.badge_names = { "x" } end)
    assert.same({ "gold" }, { db.session:get(C.User, 1).badge_names[1] })
  end)

  it("keeps the objects that stay when a whole list is given", function()
    local db, C = forum()
    local user = C.User{ id = 1, titles = { "a", "b" } }
    db.session:add(user)
    db.session:commit()
    local b = user.posts[2]
    user.titles = { "b", "c" }
    assert.equal(b, user.posts[1])
    assert.same({ "INSERT post", "DELETE post" }, writes(db))
  end)

  it("of a chain is asked in one statement, and compared with nil", function()
    local db, C = forum()
    db.session:add_all{ C.User{ id = 1, titles = { "a", "b" } }, C.User{ id = 2 } }
    db.session:commit()
    costs(db, 1, function()
      assert.equal("a b", words(C.Post.query:filter(C.Post.badge_names:contains "a"):order_by "id":all(), "title"))
    end)
    costs(db, 1, function() assert.equal(2, C.User.query:filter(~C.User.titles:any()):one().id) end)
    costs(db, 1, function() assert.equal(1, C.User.query:filter(C.User.titles:like "b%"):one().id) end)
  end)
end)

-- ---------------------------------------------------------------- validators

describe("a validator", function()
  it("hears of each object of a whole dict and set, and of none twice", function()
    for _, kind in ipairs{ mr.set, mr.attribute_keyed "word" } do
      local db = mr.open "sqlite://"
      local heard = {}
      local Doc = db.Model:extend("Doc", { id = db.Column{ db.Integer, primary_key = true },
        tags = db.relationship{ "Tag", collection_class = kind },
        __validators = { tags = function(_, tag)
          heard[#heard + 1] = tag.word
          return tag
        end } })
      local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true },
        word = db.Column{ db.String(9) }, doc_id = db.Column{ db.Integer, db.ForeignKey "doc.id" } })
      db:create_all()
      local a, b = Tag{ word = "a" }, Tag{ word = "b" }
      local function whole(...)
        local list = {}
        for i, tag in ipairs{ ... } do list[kind == mr.set and i or tag.word] = tag end
        return list
      end
      local doc = Doc{ tags = whole(a) }
      assert.same({ "a" }, heard)
      doc.tags = whole(a, b)
      table.sort(heard)
      assert.equal("b", heard[#heard])
      db.session:add(doc)
      assert.same({ "INSERT doc", "INSERT tag x2" }, writes(db))
    end
  end)

  it("is one of the class's own or of its base, for each attribute", function()
    local db = mr.open "sqlite://"
    local function adds(word) return function(_, value) return value .. word end end
    local Base = db.Model:extend("Base", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) }, a = db.Column{ db.String(20) }, b = db.Column{ db.String(20) },
      __validators = { a = adds "-base", b = adds "-base" },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "base" } })
    local Sub = Base:extend("Sub", { d = db.Column{ db.String(20) },
      __validators = { a = adds "-sub", d = adds "-sub" },
      __mapper_args = { polymorphic_identity = "sub" } })
    local Low = Sub:extend("Low", { __validators = { b = adds "-low" },
      __mapper_args = { polymorphic_identity = "low" } })
    db:create_all()
    local base, sub, low = Base{ a = "1", b = "2" }, Sub{ a = "1", b = "2", d = "3" }, Low{ a = "1", b = "2", d = "3" }
    assert.same({ "1-base", "2-base" }, { base.a, base.b })
    assert.same({ "1-sub", "2-base", "3-sub" }, { sub.a, sub.b, sub.d })
    assert.same({ "1-sub", "2-low", "3-sub" }, { low.a, low.b, low.d })
    db.session:add_all{ base, sub, low }
    assert.same({ "INSERT base", "INSERT base x2" }, writes(db))
    db.session:commit()
    local n = 0
    costs(db, 1, function()
      for _, x in ipairs(Base.query:order_by "id":all()) do n = n + (x.a:match "%-base" and 1 or 0) end
    end)
    assert.equal(1, n)
  end)
end)
