-- Composite values: several columns as one value of a class of the program's. It restates behaviours of SQLAlchemy's
-- test/orm/test_composites.py.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local costs, error_of, sent = support.costs, support.error_of, support.sent

local Point = setmetatable({}, { __call = function(cls, x, y) return setmetatable({ x = x, y = y }, cls) end })
Point.__index = Point
function Point.__eq(a, b) return a.x == b.x and a.y == b.y end
function Point:__tostring() return ("(%s, %s)"):format(self.x, self.y) end
function Point:__composite_values() return self.x, self.y end

-- A database with a graph of two edges; the session is empty. extra: what Edge has besides.
local function graph(extra)
  local db = mr.open "sqlite://"
  local Graph = db.Model:extend("Graph", {
    id = db.Column{ db.Integer, primary_key = true },
    edges = db.relationship("Edge", { back_populates = "graph", order_by = "Edge.id" }),
  })
  local body = {
    id = db.Column{ db.Integer, primary_key = true },
    graph_id = db.Column{ db.Integer, db.ForeignKey "graph.id" },
    graph = db.relationship("Graph", { back_populates = "edges" }),
    x1 = db.Column{ db.Integer }, y1 = db.Column{ db.Integer },
    x2 = db.Column{ db.Integer }, y2 = db.Column{ db.Integer },
    from = mr.composite(Point, "x1", "y1"),
    to = mr.composite(Point, "x2", "y2", { comparator = {
      near = function(self, point, d) return (self.columns[1] - point.x):between(-d, d) end,
    } }),
  }
  for name, value in pairs(extra or {}) do body[name] = value end
  local Edge = db.Model:extend("Edge", body)
  db:create_all()
  db.session:add(Graph{ edges = {
    Edge{ from = Point(3, 4), to = Point(5, 6) }, Edge{ from = Point(14, 5), to = Point(2, 7) },
  } })
  db.session:commit()
  db.session:remove()
  return db, Edge, Graph
end

local function where(query) return tostring(query):match "WHERE (.*)$" end
local function order(query) return tostring(query):match "ORDER BY (.*)$" end

describe("a composite value of an object", function()
  it("goes through a round trip", function()
    local db, Edge, Graph = graph()
    local edges = Graph.query:one().edges
    assert.same({ Point(3, 4), Point(5, 6), Point(14, 5), Point(2, 7) },
      { edges[1].from, edges[1].to, edges[2].from, edges[2].to })
    assert.equal(3, edges[1].x1)
    assert.equal(Point, getmetatable(edges[1].from))
    assert.is_truthy(db and Edge)
  end)

  it("is the same value as long as its columns are", function()
    local _, Edge = graph()
    local edge = Edge.query:first()
    assert.is_true(rawequal(edge.from, edge.from))
    local before = edge.from
    edge.x1 = 8
    assert.equal(Point(8, 4), edge.from)
    assert.equal(Point(3, 4), before)
    edge.x1 = 3
    assert.equal(Point(3, 4), edge.from)
  end)

  it("is written when another value is assigned: the columns that differ", function()
    local db, Edge = graph()
    local edge = Edge.query:order_by(Edge.id:desc()):first()
    edge.to = Point(18, 7)
    assert.same({ { "UPDATE edge SET x2=? WHERE edge.id = ?", 18, 2 } }, sent(db, function() db.session:flush() end))
    db.session:commit()
    assert.equal(Point(18, 7), db.session:get(Edge, edge.id).to)
    edge.to = Point(18, 7)
    assert.equal(0, #db.session.dirty)
  end)

  it("of a new object is nil until it is set, and so are NULLs of a row", function()
    local db, Edge = graph()
    local edge = Edge{}
    assert.is_nil(edge.from)
    db.session:add(edge)
    db.session:commit()
    assert.is_nil(edge.from)
    edge.y1 = 1
    assert.equal(Point(nil, 1), edge.from)
  end)

  it("is set to nil, which is NULL in each column", function()
    local db, Edge = graph()
    local edge = Edge.query:first()
    for _, none in ipairs{ mr.null, false } do
      edge.from = Point(1, 2)
      edge.from = none or nil
      assert.is_nil(edge.from)
      assert.is_nil(edge.x1)
      db.session:flush()
      assert.equal(1, Edge.query:filter(Edge.from:is_(nil)):count())
    end
  end)

  it("follows expire, refresh, rollback and a flush", function()
    local db, Edge = graph()
    local edge = Edge.query:first()
    assert.equal(Point(3, 4), edge.from)
    db.session:expire(edge)
    costs(db, 1, function() assert.equal(Point(3, 4), edge.from) end)
    edge.from = Point(1, 1)
    db.session:flush()
    assert.equal(Point(1, 1), edge.from)
    db.session:rollback()
    assert.equal(Point(3, 4), edge.from)
    db.session:execute(mr.text "UPDATE edge SET x1 = 33")
    db.session:refresh(edge)
    assert.equal(Point(33, 4), edge.from)
  end)

  it("comes with an eager load: no statement more", function()
    local db, _, Graph = graph()
    for _, option in ipairs{ mr.joinedload, mr.selectinload } do
      db.session:remove()
      local g = Graph.query:options(option(Graph.edges)):one()
      costs(db, 0, function() assert.equal(Point(2, 7), g.edges[2].to) end)
    end
  end)

  it("is loaded with deferred columns when it is read", function()
    local db = mr.open "sqlite://"
    local Thing = db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true },
      x = db.Column{ db.Integer, deferred_group = "place" }, y = db.Column{ db.Integer, deferred_group = "place" },
      place = mr.composite(Point, "x", "y"),
    })
    db:create_all()
    db.session:add(Thing{ place = Point(1, 2) })
    db.session:commit()
    db.session:remove()
    local thing = Thing.query:one()
    costs(db, 1, function() assert.equal(Point(1, 2), thing.place) end)
  end)

  it("has a history", function()
    local db, Edge = graph()
    local edge = Edge.query:first()
    local h = mr.inspect(edge):history "from"
    assert.same({ 0, 0, Point(3, 4) }, { #h.added, #h.deleted, h.unchanged[1] })
    edge.from = Point(3, 9)
    h = mr.inspect(edge):history "from"
    assert.same({ Point(3, 9), Point(3, 4), 0 }, { h.added[1], h.deleted[1], #h.unchanged })
    edge.from = nil
    h = mr.inspect(edge):history "from"
    assert.equal(mr.null, h.added[1])
    local new = Edge{ from = Point(1, 2) }
    h = mr.inspect(new):history "from"
    assert.same({ Point(1, 2), 0, 0 }, { h.added[1], #h.deleted, #h.unchanged })
    assert.is_truthy(db)
  end)

  it("that cannot be stored changes no column; the error names what is wrong", function()
    local _, Edge = graph()
    local edge = Edge.query:first()
    refuse("ArgumentError", { "Edge.y1", '"bad"' }, function() edge.from = Point(1, "bad") end)
    assert.same({ 3, 4, Point(3, 4) }, { edge.x1, edge.y1, edge.from })
    assert.equal(0, #mr.inspect(edge):history("x1").added)
    refuse("ArgumentError", { "Edge.from", "__composite_values", 'string "x"' }, function() edge.from = "x" end)
    refuse("ArgumentError", { "Edge.from", "__composite_values" }, function() edge.from = { 1, 2 } end)
    refuse("ArgumentError", { "Edge.y1", '"bad"' }, Edge, { from = Point(1, "bad") })
  end)

  it("is changed by a merge", function()
    local db, Edge = graph()
    local edge = Edge.query:first()
    local copy = db.session:merge(Edge{ id = edge.id, from = Point(7, 7) })
    assert.equal(edge, copy)
    assert.equal(Point(7, 7), edge.from)
  end)
end)

describe("a composite value with false in it", function()
  it("has it in its history", function()
    local db = mr.open "sqlite://"
    local function pair(on, x) return { on = on, x = x } end
    local Lamp = db.Model:extend("Lamp", {
      id = db.Column{ db.Integer, primary_key = true }, on = db.Column{ db.Boolean }, x = db.Column{ db.Integer },
      both = mr.composite(pair, "on", "x", { values = function(value) return value.on, value.x end }),
    })
    db:create_all()
    local lamp = Lamp{ both = pair(false, nil) }
    db.session:add(lamp)
    db.session:commit()
    assert.is_false(lamp.both.on)
    assert.same({ { on = false } }, mr.inspect(lamp):history("both").unchanged)
    lamp.both = pair(true, 3)
    assert.same({ { on = false } }, mr.inspect(lamp):history("both").deleted)
    assert.same({ { on = true, x = 3 } }, mr.inspect(lamp):history("both").added)
  end)
end)

describe("a composite value that is changed inside", function()
  it("is written at the flush, and counts as a change before", function()
    local db, Edge = graph()
    local edge = Edge.query:first()
    local from = edge.from
    from.x = 99
    assert.is_true(mr.inspect(edge).modified)
    db.session:commit()
    db.session:remove()
    assert.equal(Point(99, 4), Edge.query:get(1).from)
  end)

  it("is seen by a query, which flushes it, and by the next read", function()
    local db, Edge = graph()
    local edge = Edge.query:first()
    edge.from.y = 77
    assert.equal(77, edge.y1 == 77 and 77 or edge.from.y)
    assert.equal(1, Edge.query:filter_by{ from = Point(3, 77) }:count())
    edge.to.x = -1
    assert.equal(Point(-1, 6), edge.to)
    assert.equal(-1, edge.x2)
    assert.is_truthy(db)
  end)

  it("of a new object is inserted as it is then", function()
    local db, Edge = graph()
    local point = Point(1, 2)
    local edge = Edge{ from = point }
    point.x = 5
    db.session:add(edge)
    db.session:commit()
    db.session:remove()
    assert.equal(1, Edge.query:filter_by{ from = Point(5, 2) }:count())
  end)

  it("is written though the program holds the value alone, or nothing", function()
    local db, Edge = graph()
    Edge.query:get(1).from.x = 41
    local point = Edge.query:get(2).to
    collectgarbage()
    collectgarbage()
    point.y = 42
    collectgarbage()
    db.session:commit()
    db.session:remove()
    assert.equal(Point(41, 4), Edge.query:get(1).from)
    assert.equal(Point(2, 42), Edge.query:get(2).to)
  end)

  it("is lost with the attribute: by refresh and expire", function()
    local db, Edge = graph()
    local edge = Edge.query:get(1)
    edge.from.x = 50
    db.session.autoflush = false
    db.session:refresh(edge)
    assert.equal(Point(3, 4), edge.from)
    edge.from.x = 49
    db.session:refresh(edge)
    assert.equal(Point(3, 4), edge.from)
    local before = edge.from
    before.x = 51
    before.y = 8
    db.session:expire(edge, { "x1" })
    assert.equal(Point(3, 8), edge.from)
    before.x = 53
    db.session:commit()
    assert.equal(Point(3, 8), edge.from)
  end)

  it("and columns that are set count in the order in which the program does it, each column for itself", function()
    local db, Edge = graph()
    local edge = Edge.query:get(1)
    local value = edge.from
    value.y = 52
    edge.x1 = 7 -- both
    assert.equal(Point(7, 52), edge.from)
    assert.same({ 7, 52 }, { edge.x1, edge.y1 })
    value.y = 53 -- the object has another value by now
    db.session:commit()
    assert.same({ 7, 52 }, { edge.x1, edge.y1 })

    value = edge.from
    value.x = 1
    edge.x1 = 2
    db.session:commit()
    assert.equal(2, edge.x1)
    value = edge.from
    edge.x1 = 3
    value.x = 4
    value.y = 5
    db.session:commit()
    assert.same({ 4, 5 }, { edge.x1, edge.y1 })
    value.y = 6
    edge.y1 = 5 -- as the row has it
    assert.same({ 4, 5, Point(4, 5) }, { edge.x1, edge.y1, edge.from })
  end)

  it("is kept beside what a merge, an update and another composite of the columns write", function()
    local db, Edge = graph{
      height = mr.composite(function(y1, y2) return setmetatable({ x = y1, y = y2 }, Point) end, "y1", "y2"),
    }
    local edge = Edge.query:get(1)
    edge.from.x = 30
    db.session:merge(Edge{ id = 1, y1 = 40 })
    assert.equal(Point(30, 40), edge.from)
    db.session.autoflush = false
    edge.from.x = 31
    Edge.query:filter_by{ id = 1 }:update{ y1 = 41 }
    assert.equal(Point(31, 41), edge.from)
    edge.from.x, edge.height.y = 32, 62
    db.session:flush()
    assert.same({ 32, 41, 62 }, { edge.x1, edge.y1, edge.y2 })
    edge.from.x = 33
    edge.height = Point(43, 63)
    assert.equal(Point(33, 43), edge.from)
    edge.to.x = 9
    edge.height.x = 44
    edge.from = Point(1, 2)
    db.session:commit()
    assert.same({ 1, 2, 9, 63 }, { edge.x1, edge.y1, edge.x2, edge.y2 })
  end)

  it("is that of all objects and attributes that have the value, though the program holds it alone", function()
    local db, Edge = graph()
    local point = Point(1, 1)
    do
      local one, two = Edge.query:get(1), Edge.query:get(2)
      one.from, one.to, two.from = point, point, point
    end
    db.session:commit()
    collectgarbage()
    collectgarbage()
    point.x = 5
    db.session:commit()
    db.session:remove()
    assert.same({ Point(5, 1), Point(5, 1), Point(5, 1) },
      { Edge.query:get(1).from, Edge.query:get(1).to, Edge.query:get(2).from })
  end)

  it("after a commit is written, if the row is still what it was", function()
    local db, Edge = graph()
    local edge = Edge.query:get(1)
    local value = edge.from
    db.session:commit()
    value.x = 70
    db.session:commit()
    assert.same({ 70, 4 }, { edge.x1, edge.y1 })
    assert.is_true(rawequal(value, edge.from))
    db.session:commit()
    value.y = 71
    local other = mr.Session(db.engine)
    other:execute(mr.text "UPDATE edge SET y1 = 99 WHERE id = 1")
    other:commit()
    refuse("StaleDataError", { "Edge.from", "y1" }, db.session.commit, db.session)
    db.session:rollback()
    assert.equal(Point(70, 99), edge.from)
    value.x = 1
    db.session:commit()
    assert.equal(Point(70, 99), edge.from)
  end)

  it("that cannot be stored does not keep its columns from being set", function()
    local db, Edge = graph()
    local edge = Edge.query:get(1)
    edge.from.y = "bad"
    edge.x1 = 5
    assert.equal(5, edge.x1)
    refuse("ArgumentError", { "Edge.y1", '"bad"' }, db.session.flush, db.session)
    edge.from = Point(5, 6)
    db.session:commit()
    assert.equal(Point(5, 6), edge.from)
  end)

  it("is taken back to a savepoint", function()
    local db, Edge = graph()
    local edge = Edge.query:get(1)
    edge.from.x = 10
    local savepoint = db.session:begin_nested()
    edge.from.x = 20
    db.session:flush()
    savepoint:rollback()
    assert.equal(Point(10, 4), edge.from)
    db.session:commit()
    assert.equal(Point(10, 4), Edge.query:get(1).from)
  end)

  it("is merged, and told by history and dirty", function()
    local db, Edge = graph()
    local source = Edge{ id = 1, from = Point(1, 1) }
    source.from.y = 2
    local edge = db.session:merge(source)
    assert.equal(Point(1, 2), edge.from)
    db.session:commit()
    edge.from.x = 8
    assert.equal(1, #db.session.dirty)
    assert.same({ Point(8, 2), Point(1, 2) }, { mr.inspect(edge):history("from").added[1],
      mr.inspect(edge):history("from").deleted[1] })
  end)

  it("that cannot be stored is an error of the flush, which names it", function()
    local db, Edge = graph()
    local edge = Edge.query:get(1)
    edge.from.x = "bad"
    refuse("ArgumentError", { "Edge.x1", '"bad"' }, db.session.flush, db.session)
    edge.from = Point(1, 1)
    db.session:commit()
    assert.equal(Point(1, 1), edge.from)
  end)

  it("is forgotten by a rollback", function()
    local db, Edge = graph()
    local edge = Edge.query:first()
    edge.from.x = 50
    db.session:rollback()
    assert.equal(Point(3, 4), edge.from)
    db.session:commit()
    assert.equal(Point(3, 4), Edge.query:get(1).from)
  end)
end)

describe("a composite value in SQL", function()
  it("is compared column by column", function()
    local _, Edge = graph()
    assert.equal("edge.x1 = ? AND edge.y1 = ?", where(Edge.query:filter(Edge.from:eq(Point(3, 4)))))
    assert.equal("NOT (edge.x1 = ? AND edge.y1 = ?)", where(Edge.query:filter(Edge.from:ne(Point(3, 4)))))
    for name, sign in pairs{ lt = "<", le = "<=", gt = ">", ge = ">=" } do
      assert.equal(("edge.x1 %s ? AND edge.y1 %s ?"):format(sign, sign),
        where(Edge.query:filter(Edge.from[name](Edge.from, Point(3, 4)))))
    end
    assert.equal("edge.x1 IS NULL AND edge.y1 IS NULL", where(Edge.query:filter(Edge.from:eq(mr.null))))
    assert.equal("NOT (edge.x1 IS NULL AND edge.y1 IS NULL)", where(Edge.query:filter(Edge.from:is_not(nil))))
    assert.equal(1, Edge.query:filter(Edge.from:eq(Point(3, 4))):one().id)
    assert.equal(2, Edge.query:filter(Edge.from:ne(Point(3, 4))):one().id)
    assert.equal(2, Edge.query:filter(Edge.from:in_{ Point(3, 4), Point(14, 5) }):count())
    assert.equal(1, Edge.query:filter(Edge.from:not_in{ Point(3, 4) }):count())
    assert.equal(0, Edge.query:filter(Edge.from:in_{}):count())
  end)

  it("is a key of filter_by, any and has, and comes from an alias", function()
    local db, Edge, Graph = graph()
    assert.equal(1, Edge.query:filter_by{ from = Point(3, 4), to = Point(5, 6) }:one().id)
    assert.equal(1, Graph.query:filter(Graph.edges:any{ to = Point(2, 7) }):count())
    assert.equal(0, Graph.query:filter(Graph.edges:any{ to = Point(9, 9) }):count())
    local Other = mr.aliased(Edge)
    assert.equal("edge_1.x1 = ? AND edge_1.y1 = ?", where(db.session:query(Other):filter(Other.from:eq(Point(3, 4)))))
    assert.equal(1, db.session:query(Other):filter(Other.from:ne(Point(14, 5))):one().id)
    local q = db.session:query(Graph):join(Other, Graph.edges):filter(Other.from:eq(Point(14, 5)))
    assert.equal(1, q:count())
  end)

  it("orders by its columns, with a direction for each", function()
    local db, Edge = graph()
    assert.equal("edge.x1, edge.y1, edge.x2 DESC, edge.y2 DESC", order(Edge.query:order_by(Edge.from, Edge.to:desc())))
    assert.equal("edge.x1 ASC NULLS FIRST, edge.y1 ASC NULLS FIRST",
      order(Edge.query:order_by(Edge.from:asc():nulls_first())))
    assert.equal("edge.x1, edge.y1", order(Edge.query:order_by "from"))
    local Other = mr.aliased(Edge)
    assert.equal("edge_1.x1, edge_1.y1", order(db.session:query(Other):order_by(Other.from)))
    assert.equal(2, Edge.query:order_by(Edge.from:desc()):first().id)
    assert.equal("edge.x1, edge.y1", tostring(mr.select(Edge.id):group_by(Edge.from)):match "GROUP BY (.*)$")
  end)

  it("has methods of the program's", function()
    local _, Edge = graph()
    assert.equal(1, Edge.query:filter(Edge.to:near(Point(4, 0), 1)):one().id)
    refuse("ArgumentError", { "Edge.to", "'nearr'", "'near'" }, function() return Edge.to:nearr() end)
  end)

  it("is written by an update, an insert, and seen in memory", function()
    local db, Edge = graph()
    local edge = Edge.query:filter(Edge.from:eq(Point(14, 5))):one()
    for i, how in ipairs{ "evaluate", "fetch" } do
      Edge.query:filter(Edge.from:eq(Point(14, 5))):update({ to = Point(16, i) }, { synchronize_session = how })
      assert.equal(Point(16, i), edge.to)
    end
    db.session:execute(mr.insert(Edge):values{ from = Point(1, nil) })
    assert.equal(1, Edge.query:filter_by{ from = Point(1, nil) }:count())
    Edge.query:update{ to = mr.null }
    assert.is_nil(edge.to)
    assert.equal(3, Edge.query:filter(Edge.to:is_(nil)):count())
  end)

  it("is refused where it can be no operand, with the cure", function()
    local db, Edge = graph()
    refuse("ArgumentError", { "Edge.from", "is_(nil) or mr.null" }, function() return Edge.from:eq(nil) end)
    refuse("ArgumentError", { "Edge.from", "NULL has no order" }, function() return Edge.from:lt(Point(1, nil)) end)
    refuse("ArgumentError", { "Edge.from:eq", "__composite_values", "number 3" }, function() return Edge.from:eq(3) end)
    refuse("ArgumentError", "table.unpack(Class.attribute.columns)", function() db.session:query(Edge.from) end)
    refuse("ArgumentError", "filter", function() Edge.query:filter(Edge.from) end)
    local row = db.session:query(table.unpack(Edge.from.columns)):order_by(Edge.id):first()
    assert.same({ 3, 4 }, { row.x1, row.y1 })
  end)
end)

describe("the class of a composite value", function()
  it("may be a function, with a function that gives the values back", function()
    local db = mr.open "sqlite://"
    local Thing = db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true }, a = db.Column{ db.String }, b = db.Column{ db.String },
      pair = mr.composite(function(a, b) return a .. "-" .. b end, "a", "b",
        { values = function(text) return text:match "^(.*)-(.*)$" end }),
    })
    db:create_all()
    db.session:add(Thing{ pair = "x-y" })
    db.session:commit()
    db.session:remove()
    assert.equal("x-y", Thing.query:filter_by{ pair = "x-y" }:one().pair)
  end)

  it("may have fields of the columns' names, or return a list", function()
    local db = mr.open "sqlite://"
    local Money = {}
    Money.__index = Money
    local List = { __composite_values = function(self) return { self.one, self.two } end }
    List.__index = List
    local Thing = db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true },
      amount = db.Column{ db.Integer }, unit = db.Column{ db.String },
      money = mr.composite(function(a, u) return setmetatable({ amount = a, unit = u }, Money) end, "amount", "unit"),
      list = mr.composite(function(a, u) return setmetatable({ one = a, two = u }, List) end, "amount", "unit"),
    })
    local thing = Thing{ money = setmetatable({ amount = 3, unit = "EUR" }, Money) }
    assert.same({ 3, "EUR" }, { thing.amount, thing.unit })
    assert.equal("EUR", thing.list.two)
    thing.list = setmetatable({ one = 4, two = "CHF" }, List)
    assert.same({ 4, "CHF" }, { thing.money.amount, thing.money.unit })
  end)

  it("has its error passed on; one that gives too many values is refused", function()
    local problem = {}
    local db = mr.open "sqlite://"
    local Three = setmetatable({ __composite_values = function() return 1, 2, 3 end }, { __call = error })
    Three.__index = Three
    local Thing = db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true }, a = db.Column{ db.Integer },
      bad = mr.composite(function() error(problem) end, "id", "a"),
      three = mr.composite(Three, "id", "a"),
    })
    local thing = Thing{ id = 1 }
    assert.equal(problem, error_of(function() return thing.bad end))
    refuse("ArgumentError", { "Thing.three", "3 values", "2 columns", "id, a" },
      function() thing.three = setmetatable({}, Three) end)
  end)

  it("serves mixins, synonyms, subclasses and validators of the columns", function()
    local Placed = function(db)
      return { x = db.Column{ db.Integer }, y = db.Column{ db.Integer }, place = mr.composite(Point, "x", "y"),
        spot = mr.synonym "place",
        __validators = { x = function(_, value) assert(value == nil or value >= 0, "negative") return value end } }
    end
    local db = mr.open "sqlite://"
    local A = db.Model:extend("A", { Placed(db), id = db.Column{ db.Integer, primary_key = true } })
    local B = A:extend("B", {})
    assert.equal(Point(1, 2), B{ spot = Point(1, 2) }.place)
    assert.equal("a.x = ? AND a.y = ?", where(db.session:query(A):filter_by{ spot = Point(1, 2) }))
    local a = A{ place = Point(1, 2) }
    assert.matches("negative", error_of(function() a.place = Point(-1, 9) end))
    assert.equal(Point(1, 2), a.place)
    assert.equal(2, a.y)
  end)
end)

describe("a mistake in a composite", function()
  it("is told where it is made, or when the mappings are configured, all together", function()
    refuse("ArgumentError", { "composite", "number 3" }, mr.composite, 3)
    refuse("ArgumentError", { "composite", "names of attributes" }, mr.composite, Point)
    refuse("ArgumentError", { "composite", "names of attributes", "number 3" }, mr.composite, Point, 3)
    refuse("ArgumentError", { "composite", "'vlues'", "'values'" }, mr.composite, Point, "x", { vlues = print })
    refuse("ArgumentError", { "composite: values", "a function" }, mr.composite, Point, "x", { values = 3 })
    local db = mr.open "sqlite://"
    db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true },
      x = db.Column{ db.Integer },
      a = mr.composite(Point, "x", "yy"),
      b = mr.composite(Point, "idd", "x"),
      other = mr.column_property(function() return 3 end),
    })
    local e = refuse("MappingError", { "3 mappings are wrong", "Thing.a: 'yy' is no column of Thing",
      "Thing.b: 'idd' is no column of Thing (did you mean 'id'?)", "Thing.other" }, db.configure, db)
    assert.equal(e.message, error_of(db.configure, db).message)
  end)
end)
