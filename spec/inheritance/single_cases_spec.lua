-- Classes of one table in all kinds of statements: where the criterion of the class stands, and how often.
-- After SQLAlchemy's test/orm/inheritance/test_single.py (name of the behaviour there: title here, without a file: in
-- this one).
--   SingleInheritanceTest
--     single_inheritance, type_filtering          single_spec: gives a subclass its own rows ...
--     discrim_bound_param_cloned_ok               has its criterion in each of two nested queries
--     multi_qualification                         stands beside an alias of a sibling ...
--     column_qualification                        and its sibling in one query have no row in common
--     from_subq, select_from_subquery             may be read from a subquery ...
--     select_from_aliased_w_subclass              has its criterion where only select_from names it
--     select_col_only_from_w_join, select_from_w_join_left, ..._including_entity
--                                                 on the left of a join keeps its criterion in WHERE
--     select_from_w_join_right, type_joins        on the right of a join has its criterion in ON
--     from_statement_select                       is read from a statement of the program
--     from_statement_update                       is read from what an UPDATE returns
--     union_modifiers                             is in unions, intersections and differences ...
--     having                                      is grouped, with its criterion before the groups
--     select_from_count                           has its criterion where only select_from names it
--     select_from_subquery_with_composed_union    may be joined within a subquery that another class is read from
--     count, exists_standalone                    single_spec: is counted, and asked for existence, by class
--   WPolySingleJoinedParityTest (four, of classes and of columns, of the base and of the middle)
--                                                 with_polymorphic of siblings reads both kinds ...
--   RelationshipFromSingleTest.subquery_load      loads a relationship of its own by subqueryload
--   RelationshipToSingleTest
--     of_type                                     single_spec: has the criterion in any, has and of_type
--     outer_join_prop, ..._literal_onclause, ..._no_onclause (and each with _alias)
--                                                 on the right of an outer join has its criterion in ON, however it is
--                                                 written
--     correlated_column_select                    is counted in a nested query for each row
--     relationship_to_subclass_one, ..._any       is the target of a relationship, in each way of asking
--     relationship_to_subclass_implicit_from      alias_rows_spec: is of that class, where nothing else reads the table
--     join_explicit_onclause_no_discriminator     (not restated: a family must tell its classes apart here)
--     no_aliasing_from_overlap                    is not joined to itself without an alias
--     relationship_to_subclass_any_loader_criteria (not restated: new in 2.1)
--   ManyToManyToSingleTest (four)                 is the target of a many-to-many: its criterion goes with each way of
--                                                 loading
--   SingleOnJoinedTest.single_on_joined           families: polymorphic_spec, "mixed"; here: shares a joined table
--   SingleFromPolySelectableTest (five)           (not restated: there is no mapping to a polymorphic union)
--   EagerDefaultEvalTest (persist_foo, persist_bar, and three classes of them)
--                                                 gets the database's defaults of its own columns alone
--   ColExprTest.discrim_on_column_prop            single_spec: is an expression over the columns ...
--   AbstractPolymorphicTest                       mistakes_spec: is none, where it is between two others ...
--   SingleInheritanceTest.bundle_qualification    (not restated: there are no bundles)

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local costs, words = support.costs, support.words

local function where(query) return tostring(query):match "WHERE (.*)$" end
local function from(query) return tostring(query):match " FROM (.*)$" end

-- A depot "north" with a truck and a taxi, a depot "south" with a car; each vehicle has a trip. The session is empty.
local function garage()
  local db = mr.open "sqlite://"
  local C = {}
  C.Depot = db.Model:extend("Depot", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20) },
    vehicles = db.relationship{ "Vehicle", back_populates = "depot", order_by = "Vehicle.id" },
    cars = db.relationship{ "Car", viewonly = true, order_by = "Car.id" },
  })
  C.Vehicle = db.Model:extend("Vehicle", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20) },
    kind = db.Column{ db.String(9) },
    depot_id = db.Column{ db.Integer, db.ForeignKey "depot.id" },
    depot = db.relationship{ "Depot", back_populates = "vehicles" },
    trips = db.relationship{ "Trip", back_populates = "vehicle", order_by = "Trip.id" },
    __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "vehicle" },
  })
  C.Truck = C.Vehicle:extend("Truck", { load = db.Column{ db.Integer },
    __mapper_args = { polymorphic_identity = "truck" } })
  C.Car = C.Vehicle:extend("Car", { seats = db.Column{ db.Integer },
    __mapper_args = { polymorphic_identity = "car" } })
  C.Taxi = C.Car:extend("Taxi", { __mapper_args = { polymorphic_identity = "taxi" } })
  C.Trip = db.Model:extend("Trip", {
    id = db.Column{ db.Integer, primary_key = true },
    vehicle_id = db.Column{ db.Integer, db.ForeignKey "vehicle.id" },
    vehicle = db.relationship{ "Vehicle", back_populates = "trips" },
    goal = db.Column{ db.String(20) },
  })
  db:create_all()
  local north, south = C.Depot{ name = "north" }, C.Depot{ name = "south" }
  db.session:add_all{
    C.Truck{ id = 1, name = "Tom", load = 9, depot = north, trips = { C.Trip{ id = 1, goal = "t" } } },
    C.Car{ id = 2, name = "Kurt", seats = 4, depot = south, trips = { C.Trip{ id = 2, goal = "k" } } },
    C.Taxi{ id = 3, name = "Ed", seats = 5, depot = north, trips = { C.Trip{ id = 3, goal = "e" } } },
  }
  db.session:commit()
  db.session:remove()
  return db, C
end

describe("a class of a shared table", function()
  local db, C
  before_each(function() db, C = garage() end)

  local function rows(query)
    local out = {}
    for i, row in ipairs(query:all()) do out[i] = table.concat({ row:unpack() }, " ") end
    return out
  end

  it("has its criterion in each of two nested queries", function()
    local one = mr.select(mr.func.count(C.Truck.id)):scalar_subquery()
    local two = mr.select(mr.func.count(C.Car.id)):scalar_subquery()
    local q = db.session:query(one:label "trucks", two:label "cars")
    assert.same({ "1 2" }, rows(q))
    assert.equal(2, select(2, tostring(q):gsub("vehicle%.kind IN", "")))
  end)

  it("stands beside an alias of a sibling, each with its own criterion", function()
    local car = mr.aliased(C.Car)
    local pairs_of = db.session:query(C.Truck, car):join(car, mr.true_()):order_by(car.id)
    costs(db, 1, function()
      local list = pairs_of:all()
      assert.same({ "Tom", "Kurt", "Tom", "Ed" }, { list[1][1].name, list[1][2].name, list[2][1].name,
        list[2][2].name })
    end)
    assert.same({ "Tom Kurt", "Tom Ed" },
      rows(db.session:query(C.Truck.name, car.name):join(car, mr.true_()):order_by(car.id)))
    assert.same({ "TOM KURT", "TOM ED" }, rows(db.session:query(mr.func.upper(C.Truck.name), mr.func.upper(car.name))
      :join(car, mr.true_()):order_by(car.id)))
    assert.same({ "Tom Kurt", "Tom Ed" },
      rows(db.session:query(C.Truck.name):add_columns(car.name):join(car, mr.true_()):order_by(car.id)))
  end)

  it("and its sibling in one query have no row in common", function()
    assert.equal(0, #db.session:query(C.Truck.id, C.Car.id):all())
    assert.equal("vehicle.kind IN (?) AND vehicle.kind IN (?, ?)", where(db.session:query(C.Truck.id, C.Car.id)))
  end)

  it("may be read from a subquery of itself, and of the table with criteria of the program", function()
    local inner = mr.aliased(C.Car, mr.select(C.Car):subquery())
    costs(db, 1, function()
      assert.equal("Kurt Ed", words(db.session:query(inner):order_by(inner.id):all(), "name"))
    end)
    assert.equal(2, select(2, tostring(mr.select(inner)):gsub("kind IN", "")))
    local t = C.Vehicle.__table
    local some = mr.select(t):where(t.c.kind:eq "truck"):order_by(t.c.id):limit(10):subquery()
    local truck = mr.aliased(C.Truck, some)
    assert.equal("Tom", words(db.session:query(truck):all(), "name"))
  end)

  it("has its criterion where only select_from names it", function()
    local car = mr.aliased(C.Car)
    assert.equal("vehicle_1.kind IN (?, ?)", where(db.session:query(car.id):select_from(car)))
    assert.same({ "1", "1" }, rows(db.session:query(mr.literal "1"):select_from(car)))
    for class, n in pairs{ [C.Vehicle] = "3", [C.Truck] = "1", [C.Car] = "2", [C.Taxi] = "1" } do
      assert.same({ n }, rows(db.session:query(mr.func.count(1)):select_from(class)))
      assert.same({ n }, rows(db.session:query(mr.func.count(1)):select_from(mr.aliased(class))))
      local alias = mr.aliased(class)
      assert.same({ n }, rows(db.session:query(mr.func.count(alias.id))))
    end
    for class, is in pairs{ [C.Vehicle] = true, [C.Truck] = false } do
      assert.equal(is, db.session:query(mr.exists():select_from(class):where(C.Vehicle.name:eq "Ed")):scalar())
    end
    assert.equal("vehicle.kind IN (?, ?)", where(db.session:query(C.Car.id, C.Car.name):select_from(C.Car)))
  end)

  it("on the left of a join keeps its criterion in WHERE", function()
    for _, car in ipairs{ C.Car, mr.aliased(C.Car) } do
      local name = car == C.Car and "vehicle" or "vehicle_1"
      local expected = ("%s JOIN trip ON %s.id = trip.vehicle_id WHERE %s.kind IN (?, ?)")
        :format(name == "vehicle" and name or "vehicle AS vehicle_1", name, name)
      for i, stmt in ipairs{
        mr.select(C.Trip.id):select_from(car):join(car.trips),
        mr.select(C.Trip.id):select_from(mr.join(car, C.Trip, car.trips)),
        mr.select(C.Trip.id):join_from(car, C.Trip, car.trips),
        mr.select(C.Trip.id):select_from(car):join(C.Trip),
        mr.select(C.Trip):select_from(car):join(car.trips),
        mr.select(C.Trip):select_from(mr.join(car, C.Trip, car.trips)),
        mr.select(C.Trip):join_from(car, C.Trip, car.trips),
        mr.select(C.Trip.id, car.id):select_from(car):join(car.trips),
        mr.select(C.Trip.id, car.id):select_from(mr.join(car, C.Trip, car.trips)),
        mr.select(C.Trip.id, car.id):join_from(car, C.Trip, car.trips),
      } do
        assert.equal(expected, from(stmt), i)
        assert.equal(2, #db.session:execute(stmt):all())
      end
    end
  end)

  it("on the right of a join has its criterion in ON", function()
    for i, stmt in ipairs{
      mr.select(C.Trip):join(C.Trip.vehicle:of_type(C.Car)),
      mr.select(C.Trip):select_from(mr.join(C.Trip, C.Car, C.Trip.vehicle:of_type(C.Car))),
      mr.select(C.Trip):join_from(C.Trip, C.Car, C.Trip.vehicle:of_type(C.Car)),
    } do
      assert.equal("trip JOIN vehicle ON vehicle.id = trip.vehicle_id AND vehicle.kind IN (?, ?)", from(stmt), i)
      assert.equal("k e", words(db.session:scalars(stmt:order_by(C.Trip.id)):all(), "goal"))
    end
  end)

  it("is read from a statement of the program", function()
    costs(db, 1, function()
      assert.equal("Kurt Ed", words(db.session:query(C.Car):from_statement(mr.select(C.Car):order_by(C.Car.id)):all(),
        "name"))
    end)
  end)

  it("is read from what an UPDATE returns", function()
    local update = mr.update(C.Car):values{ seats = 7 }:returning(C.Car)
    local sql = costs(db, 1, function()
      local cars = db.session:scalars(update):all()
      table.sort(cars, function(a, b) return a.id < b.id end)
      assert.equal("Kurt Ed", words(cars, "name"))
      assert.equal("7 7", words(cars, "seats"))
    end)[1]
    assert.truthy(sql:find("UPDATE vehicle SET seats=? WHERE vehicle.kind IN (?, ?) RETURNING ", 1, true), sql)
  end)

  it("is in unions, intersections and differences with a sibling, each side with its criterion", function()
    local cars, trucks = C.Car.query:filter(C.Car.seats:gt(1)), C.Truck.query:filter(C.Truck.load:gt(1))
    local car_ids, truck_ids = db.session:query(C.Car.id), db.session:query(C.Truck.id)
    for method, word in pairs{ union = " UNION ", union_all = " UNION ALL ", except_ = " EXCEPT ",
      intersect = " INTERSECT " } do
      local sql = tostring(car_ids[method](car_ids, truck_ids))
      local left, right = sql:match("FROM %((.-)" .. word .. "(.*)%)")
      assert.truthy(left and left:find("kind IN (?, ?)", 1, true), sql)
      assert.truthy(right:find("kind IN (?)", 1, true), sql)
    end
    assert.same({ 3, 0, 2 }, { car_ids:union(truck_ids):count(), car_ids:intersect(truck_ids):count(),
      car_ids:except_(truck_ids):count() })
    refuse("ArgumentError", "the same number of columns", function()
      return cars:union(trucks):union(C.Vehicle.query)
    end)
  end)

  it("is grouped, with its criterion before the groups", function()
    local q = db.session:query(C.Car.seats, mr.func.count(C.Car.id)):group_by(C.Car.seats):having(C.Car.seats:gt(4))
    assert.equal("vehicle.kind IN (?, ?) GROUP BY vehicle.seats HAVING vehicle.seats > ?", where(q))
    assert.same({ "5 1" }, rows(q))
  end)

  it("may be joined within a subquery that another class is read from", function()
    local trips, vehicles = C.Trip.__table, C.Vehicle.__table
    local sub = mr.select(trips):select_from(mr.outerjoin(trips, vehicles,
      vehicles.c.id:eq(trips.c.vehicle_id) & vehicles.c.kind:eq "truck")):where(vehicles.c.id:is_(nil)):subquery()
    local trip = mr.aliased(C.Trip, sub)
    costs(db, 1, function() assert.equal("k e", words(db.session:query(trip):order_by(trip.id):all(), "goal")) end)
  end)

  it("with_polymorphic of siblings reads both kinds, and their criteria do not exclude each other", function()
    for _, base in ipairs{ C.Vehicle, C.Car } do
      local wp = mr.with_polymorphic(base, base == C.Vehicle and { C.Truck, C.Taxi } or { C.Taxi })
      local q = db.session:query(wp):order_by(wp.id)
      assert.equal(base == C.Vehicle and "Tom Kurt Ed" or "Kurt Ed", words(q:all(), "name"))
      assert.equal("Ed", words(q:filter(wp.Taxi.name:eq "Ed"):all(), "name"))
      if base == C.Vehicle then
        assert.equal("Tom Ed", words(q:filter(wp.Truck.name:eq "Tom" | wp.Taxi.name:eq "Ed"):all(), "name"))
      end
    end
  end)

  it("loads a relationship of its own by subqueryload", function()
    local texts = costs(db, 2, function()
      local cars = C.Car.query:options(mr.subqueryload(C.Car.trips)):order_by(C.Car.id):all()
      assert.same({ "k", "e" }, { cars[1].trips[1].goal, cars[2].trips[1].goal })
    end)
    assert.truthy(texts[2]:find("kind IN (?, ?)", 1, true), texts[2])
  end)

  it("on the right of an outer join has its criterion in ON, however it is written", function()
    local car = mr.aliased(C.Car)
    local plain = "depot LEFT OUTER JOIN vehicle ON depot.id = vehicle.depot_id AND vehicle.kind IN (?, ?)"
    local named = "depot LEFT OUTER JOIN vehicle AS vehicle_1 ON depot.id = vehicle_1.depot_id "
      .. "AND vehicle_1.kind IN (?, ?)"
    local q = function(...) return db.session:query(C.Depot.id, ...) end
    assert.equal(plain, from(q(C.Car.name):outerjoin(C.Depot.cars)))
    assert.equal(named, from(q(car.name):outerjoin(car, C.Depot.cars)))
    assert.equal(plain, from(q(C.Car):outerjoin(C.Car, C.Depot.id:eq(C.Car.depot_id))))
    assert.equal(named, from(q(car):outerjoin(car, C.Depot.id:eq(car.depot_id))))
    assert.equal(plain, from(q(C.Car):outerjoin(C.Car)))
    assert.equal(named, from(q(car):outerjoin(car)))
    C.Car.query:filter_by{ name = "Kurt" }:update{ depot_id = mr.null }
    assert.equal(2, #q(car.name):outerjoin(car, C.Depot.cars):all())
    assert.equal(2, #q(C.Car.name):outerjoin(C.Car, C.Depot.id:eq(C.Car.depot_id)):all())
  end)

  it("is counted in a nested query for each row", function()
    local n = db.session:query(mr.func.count(C.Car.id)):select_from(C.Car):filter(C.Car.depot_id:eq(C.Depot.id))
      :correlate(C.Depot):scalar_subquery()
    local q = db.session:query(C.Depot.name, n:label "n"):order_by(C.Depot.name)
    assert.same({ "north 1", "south 1" }, rows(q))
    assert.truthy(tostring(q):find("WHERE vehicle.depot_id = depot.id AND vehicle.kind IN (?, ?)", 1, true))
  end)

  it("is the target of a relationship, in each way of asking", function()
    local some = C.Car.name:in_{ "Tom", "Kurt" }
    assert.equal("south", words(C.Depot.query:filter(C.Depot.cars:any(some)):all(), "name"))
    assert.equal("south", words(C.Depot.query:join(C.Depot.cars):filter(some):all(), "name"))
    for _, entity in ipairs{ C.Vehicle, C.Car } do
      local list = db.session:query(C.Depot, entity):join(C.Depot.cars):order_by(C.Depot.name):all()
      assert.same({ "Ed", "Kurt" }, { list[1][2].name, list[2][2].name })
      assert.equal(C.Taxi, mr.class_of(list[1][2]))
      assert.equal(2, #list)
    end
  end)

  it("is not joined to itself without an alias", function()
    refuse("OperationalError", "ambiguous", function()
      return C.Car.query:join(C.Car.depot):join(C.Truck, C.Depot.id:eq(C.Truck.depot_id)):all()
    end)
    local truck = mr.aliased(C.Truck)
    assert.equal("Ed", words(C.Car.query:join(C.Car.depot):join(truck, C.Depot.vehicles:of_type(truck)):all(), "name"))
  end)
end)

describe("a class of a shared table that a many-to-many leads to", function()
  it("has its criterion in each way of loading", function()
    local db = mr.open "sqlite://"
    db.Table("ward", db.Column{ "guard_id", db.Integer, db.ForeignKey "guard.id", primary_key = true },
      db.Column{ "place_id", db.Integer, db.ForeignKey "place.id", primary_key = true })
    local Guard = db.Model:extend("Guard", {
      id = db.Column{ db.Integer, primary_key = true },
      gates = db.relationship{ "Gate", secondary = "ward", order_by = "Gate.id" },
    })
    local Place = db.Model:extend("Place", {
      id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) },
      name = db.Column{ db.String(9) },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "place" },
    })
    local Gate = Place:extend("Gate", { __mapper_args = { polymorphic_identity = "gate" } })
    db:create_all()
    db.session:add_all{ Guard{ gates = { Gate{ name = "east" } } }, Place{ name = "yard" } }
    db.session:flush()
    support.run(db, "INSERT INTO ward (guard_id, place_id) SELECT guard.id, place.id FROM guard, place "
      .. "WHERE place.name = 'yard'")
    db.session:remove()
    for name, n in pairs{ joinedload = 1, selectinload = 2, subqueryload = 2, lazyload = 2 } do
      db.session:remove()
      costs(db, n, function()
        local guard = Guard.query:options(mr[name](Guard.gates)):one()
        assert.equal("east", words(guard.gates, "name"), name)
      end)
    end
    local q = db.session:query(Guard.id, Gate.name):join(Guard.gates)
    assert.equal("guard JOIN ward AS ward_1 ON guard.id = ward_1.guard_id JOIN place ON place.id = ward_1.place_id "
      .. "AND place.kind IN (?) WHERE place.kind IN (?)", from(q))
    assert.equal(1, #q:all())
    db.session:add(Guard{})
    assert.equal(2, #db.session:query(Guard.id, Gate.name):outerjoin(Guard.gates):all())
    assert.equal(1, #Guard.query:filter(Guard.gates:any{ name = "east" }):all())
    assert.equal(0, #Guard.query:filter(Guard.gates:any{ name = "yard" }):all())
  end)
end)

describe("a class that shares the table of a joined class", function()
  it("has the criterion, the join and both tables' columns", function()
    local db = mr.open "sqlite://"
    local Person = db.Model:extend("Person", {
      id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) },
      name = db.Column{ db.String(9) },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "person" },
    })
    local Clerk = Person:extend("Clerk", {
      id = db.Column{ db.Integer, db.ForeignKey "person.id", primary_key = true },
      desk = db.Column{ db.Integer },
      __mapper_args = { polymorphic_identity = "clerk" },
    })
    local Chief = Clerk:extend("Chief", { __mapper_args = { polymorphic_identity = "chief" } })
    db:create_all()
    db.session:add_all{ Person{ name = "p" }, Clerk{ name = "c", desk = 1 }, Chief{ name = "h", desk = 2 } }
    assert.same({ "INSERT person", "INSERT clerk x2" }, (function()
      local list = support.writes(db)
      return { list[1]:match "^INSERT person", list[#list] }
    end)())
    db.session:commit()
    db.session:remove()
    local all = mr.with_polymorphic(Person, "*")
    costs(db, 1, function()
      local list = db.session:query(all):order_by(all.id):all()
      assert.same({ Person, Clerk, Chief }, { mr.class_of(list[1]), mr.class_of(list[2]), mr.class_of(list[3]) })
      assert.equal(2, list[3].desk)
    end)
    costs(db, 1, function() assert.equal("c h", words(Clerk.query:order_by(Clerk.id):all(), "name")) end)
    costs(db, 1, function() assert.equal("h", words(Chief.query:all(), "name")) end)
    assert.equal("person.kind IN (?)", where(Chief.query))
  end)
end)

describe("defaults of the database in a shared table", function()
  it("are read for the columns of the object's class alone", function()
    for _, eager in ipairs{ true, false } do
      local db = mr.open "sqlite://"
      local Foo = db.Model:extend("Foo", {
        id = db.Column{ db.Integer, primary_key = true },
        kind = db.Column{ db.String(9) },
        grade = db.Column{ db.Integer, server_default = "5" },
        __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "foo", eager_defaults = eager or nil },
      })
      local Bar = Foo:extend("Bar", { size = db.Column{ db.Integer, server_default = "10" },
        __mapper_args = { polymorphic_identity = "bar" } })
      db:create_all()
      local foo, bar = Foo{}, Bar{}
      db.session:add(foo)
      local sql = costs(db, 1, function() db.session:flush() end)[1]
      assert.is_nil(sql:find("size", 1, true), sql)
      costs(db, sql:find "grade" and 0 or 1, function() assert.equal(5, foo.grade) end)
      db.session:add(bar)
      sql = costs(db, 1, function() db.session:flush() end)[1]
      costs(db, sql:find "size" and 0 or 1, function() assert.same({ 5, 10 }, { bar.grade, bar.size }) end)
    end
  end)
end)
