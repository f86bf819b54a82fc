-- Class.query and Class.query:filter_by{...} with plain values are lookups: first() runs a statement that the class
-- keeps. Any other method turns them into the query that they stand for. Only the speed is different.

local mr = require "moonrow"
local models = require "spec.support.models"

local db, Person, Pet

local function statements(fn) return models.sent(db, fn) end

before_each(function()
  db = mr.open "sqlite://"
  Person = db.Model:extend("Person", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String },
    age = db.Column{ db.Integer },
    height = db.Column{ db.Float },
    alive = db.Column{ db.Boolean },
    born = db.Column{ db.Date },
    pets = db.relationship{ "Pet", back_populates = "owner" },
  })
  Pet = db.Model:extend("Pet", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String },
    owner_id = db.Column{ db.Integer, db.ForeignKey "person.id" },
    owner = db.relationship{ "Person", back_populates = "pets" },
  })
  db:create_all()
  for i, name in ipairs{ "Ann", "Bob", "Cid", "Bob" } do
    db.session:add(Person{ name = name, age = 20 + i, height = i / 2, alive = i > 1, born = mr.date(2000, 1, i),
      pets = { Pet{ name = "pet of " .. name } } })
  end
  db.session:commit()
end)

describe("first of a filter_by", function()
  it("sends the statement of the same criterion written out, and finds the same", function()
    local cases = {
      { { name = "Bob" }, Person.name:eq "Bob" },
      { { age = 22 }, Person.age:eq(22) },
      { { height = 1.5 }, Person.height:eq(1.5) },
      { { name = "Bob", age = 24 }, Person.age:eq(24) & Person.name:eq "Bob" },
      { { name = "Nobody" }, Person.name:eq "Nobody" },
      { { alive = true }, Person.alive:eq(true) },
      { { born = mr.date(2000, 1, 3) }, Person.born:eq(mr.date(2000, 1, 3)) },
      { { name = mr.null }, Person.name:eq(mr.null) },
      { { name = "Bob", alive = true, age = 24, height = 2, id = 4 }, Person.age:eq(24) & Person.alive:eq(true)
        & Person.height:eq(2) & Person.id:eq(4) & Person.name:eq "Bob" },
    }
    for _, case in ipairs(cases) do
      local written, found, again
      local long = statements(function() written = Person.query:filter(case[2]):first() end)
      local short = statements(function() found = Person.query:filter_by(case[1]):first() end)
      local second = statements(function() again = Person.query:filter_by(case[1]):first() end)
      assert.same(long, short)
      assert.same(long, second)
      assert.equal(written, found)
      assert.equal(written, again)
    end
  end)

  it("takes the values at the time of filter_by, and keeps them", function()
    local values = { name = "B" .. "ob" }
    local query = Person.query:filter_by(values)
    values.name, values.age = "Ann", 5
    values = nil -- luacheck: ignore
    for i = 1, 50 do local _ = ("x"):rep(i) .. i end
    collectgarbage()
    collectgarbage()
    assert.equal("Bob", query:first().name)
    assert.equal("Bob", query:first().name)
  end)

  it("finds texts of every length, with zero bytes, in one attribute and in two", function()
    local Word = db.Model:extend("Word", { id = db.Column{ db.Integer, primary_key = true }, a = db.Column{ db.String },
      b = db.Column{ db.String }, n = db.Column{ db.Integer } })
    db:create_all()
    local lengths = { 0, 1, 2, 39, 40, 41, 255, 256, 5000 }
    for i, n in ipairs(lengths) do
      db.session:add(Word{ a = ("a\0"):rep(n), b = ("b" .. i):rep(n), n = i })
    end
    db.session:commit()
    for i, n in ipairs(lengths) do
      assert.equal(i, Word.query:filter_by{ a = ("a\0"):rep(n) }:first().n)
      local query = Word.query:filter_by{ a = ("a\0"):rep(n), n = i, b = ("b" .. i):rep(n) }
      collectgarbage()
      assert.equal(i, query:first().n)
      assert.equal(i, query:filter_by{ n = i }:one().n)
      assert.equal(1, query:count())
      assert.is_nil(Word.query:filter_by{ a = ("a\0"):rep(n), b = "a" }:first())
    end
  end)

  it("keeps its class's own methods, through each of its clauses", function()
    local Named = mr.Query:extend{ named = function(self, name) return self:filter_by{ name = name } end }
    assert.error_matches(function() return Person.query:named "Bob" end, "no method 'named'")
    Person.query_class = Named
    assert.equal(24, Person.query:named "Bob":filter_by{ age = 24 }:first().age)
    assert.equal(24, Person.query:filter_by{ age = 24 }:named "Bob":first().age)
    assert.equal(24, Person.query:filter(Person.age:gt(22)):named "Bob":first().age)
    Person.query_class = nil
    assert.error_matches(function() return Person.query:filter_by{ age = 24 }:named "Bob" end, "no method 'named'")
  end)

  it("flushes first, unless it is told not to", function()
    local person = Person{ name = "Dan" }
    db.session:add(person)
    db.session:no_autoflush(function() assert.is_nil(Person.query:filter_by{ name = "Dan" }:first()) end)
    assert.equal(person, Person.query:filter_by{ name = "Dan" }:first())
    person.name = "Eve"
    assert.is_nil(Person.query:filter_by{ name = "Dan" }:first())
    assert.equal(person, Person.query:filter_by{ name = "Eve" }:first())
    db.session:delete(person)
    assert.is_nil(Person.query:filter_by{ name = "Eve" }:first())
  end)

  it("loads what the class's relationships want with it", function()
    local Home = db.Model:extend("Home", {
      id = db.Column{ db.Integer, primary_key = true },
      street = db.Column{ db.String },
      rooms = db.relationship{ "Room", lazy = "selectin" },
      doors = db.relationship{ "Door", lazy = "joined" },
    })
    local parts = {}
    for _, name in ipairs{ "Room", "Door" } do
      parts[name] = db.Model:extend(name, {
        id = db.Column{ db.Integer, primary_key = true },
        home_id = db.Column{ db.Integer, db.ForeignKey "home.id" },
      })
    end
    db:create_all()
    db.session:add(Home{ street = "a", rooms = { parts.Room(), parts.Room() }, doors = { parts.Door(), parts.Door() } })
    db.session:commit()
    db.session:expunge_all()
    local home
    local short = statements(function() home = Home.query:filter_by{ street = "a" }:first() end)
    assert.equal(0, #statements(function() assert.same({ 2, 2 }, { #home.rooms, #home.doors }) end))
    db.session:expunge_all()
    assert.same(statements(function() Home.query:filter(Home.street:eq "a"):first() end), short)
  end)

  it("tells listeners of the object, and brings their errors", function()
    local heard, fails = {}, false
    mr.event.listen(Person, "load", function(person)
      heard[#heard + 1] = person.name
      if fails then error "refused" end
      return Person.query:filter_by{ name = "Cid" }:first() -- the same statement, while it runs
    end)
    db.session:expunge_all()
    assert.equal("Ann", Person.query:filter_by{ name = "Ann" }:first().name)
    assert.same({ "Ann", "Cid" }, heard)
    db.session:expunge_all()
    fails = true
    assert.error_matches(function() Person.query:filter_by{ name = "Bob" }:first() end, "refused")
    fails = false
    assert.equal("Bob", Person.query:filter_by{ name = "Bob" }:first().name)
  end)

  it("gives the object as others have changed it", function()
    local session, other = mr.Session(db.engine), mr.Session(db.engine)
    local ann = session:query(Person):filter_by{ name = "Ann" }:first()
    other:get(Person, 1).age = 70
    other:commit()
    assert.equal(ann, session:query(Person):filter_by{ name = "Ann" }:first())
    assert.equal(70, ann.age)
  end)

  it("passes over rows whose key is NULL", function()
    db.session:execute(mr.text "CREATE TABLE tag (code TEXT PRIMARY KEY, kind TEXT)")
    db.session:execute(mr.text "INSERT INTO tag VALUES (NULL, 'x'), ('a', 'x')")
    db.session:commit()
    local Tag = db.Model:extend("Tag", { code = db.Column{ db.String, primary_key = true },
      kind = db.Column{ db.String } })
    for _ = 1, 2 do assert.equal("a", Tag.query:filter_by{ kind = "x" }:first().code) end
  end)

  it("names a stored value that does not fit, each time", function()
    db.session:execute(mr.text "UPDATE person SET age = 'old' WHERE id = 1")
    db.session:commit()
    for _ = 1, 2 do
      assert.error_matches(function() Person.query:filter_by{ name = "Ann" }:first() end, "Person.age")
    end
    assert.equal(22, Person.query:filter_by{ name = "Bob" }:first().age)
  end)

  it("runs on the session of the scope that it runs in", function()
    local query = Person.query:filter_by{ name = "Ann" }
    local outside = query:first()
    mr.App():scope(function()
      local inside = query:first()
      assert.are_not.equal(outside, inside)
      assert.equal(inside, db.session:get(Person, 1))
      assert.equal(inside, query:first())
    end)
    assert.equal(outside, query:first())
    db.session:remove()
    assert.are_not.equal(outside, query:first())
  end)

  it("keeps many statements, of one attribute and of several", function()
    local columns = { id = db.Column{ db.Integer, primary_key = true } }
    for i = 1, 40 do columns["c" .. i] = db.Column{ db.Integer } end
    local Wide = db.Model:extend("Wide", columns)
    db:create_all()
    local wide = Wide{}
    for i = 1, 40 do wide["c" .. i] = i end
    db.session:add(wide)
    db.session:commit()
    for _ = 1, 2 do
      for i = 1, 39 do
        assert.equal(wide, Wide.query:filter_by{ ["c" .. i] = i }:first())
        assert.equal(wide, Wide.query:filter_by{ ["c" .. i] = i, ["c" .. i + 1] = i + 1 }:first())
        assert.is_nil(Wide.query:filter_by{ ["c" .. i] = i, ["c" .. i + 1] = i }:first())
      end
    end
  end)

  it("refuses what filter_by has always refused, with the same words", function()
    assert.error_matches(function() Person.query:filter_by{} end, "the table is empty")
    assert.error_matches(function() Person.query:filter_by{ nmae = "Ann" } end, "did you mean 'name'")
    assert.error_matches(function() Person.query:filter_by{ age = "Ann" } end, "Person.age")
    assert.error_matches(function() Person.query:filter_by{ name = 5 } end, "Person.name")
    assert.error_matches(function() Person.query:filter_by{ "Ann" } end, "by name")
    assert.error_matches(function() Person.query:filter_by{ name = "Ann" }:first(2) end, "first")
    assert.error_matches(function() Person.query.filter_by({}, { name = "Ann" }) end, "a query")
    assert.error_matches(function() Person.query.first() end, "a query")
    local ann = db.session:get(Person, 1)
    assert.equal("pet of Ann", Pet.query:filter_by{ owner = ann }:first().name)
  end)

  it("needs a session that is open and can read", function()
    local session = mr.Session(db.engine)
    local query = session:query(Person):filter_by{ name = "Ann" }
    assert.equal("Ann", query:first().name)
    session:close()
    assert.error_matches(function() query:first() end, "closed")
  end)
end)

describe("a lookup is a query for whoever asks it for more", function()
  local function both(with)
    local written = Person.query:filter(Person.name:eq "Bob")
    local short = Person.query:filter_by{ name = "Bob" }
    short:first()
    return with(written), with(short)
  end

  it("by all, one_or_none, count, iter and tostring", function()
    local function same(with) assert.same(both(with)) end
    same(function(q) return q:all() end)
    same(function(q) return q:count() end)
    same(function(q) return tostring(q) end)
    same(function(q) return statements(function() q:all() end) end)
    same(function(q)
      local ids = {}
      for person in q:iter() do ids[#ids + 1] = person.id end
      return ids
    end)
    same(function(q) return select(2, pcall(q.one, q)).message end)
  end)

  it("by further clauses, and within another query", function()
    local function same(with) assert.same(both(function(q) return statements(function() with(q) end) end)) end
    same(function(q) q:order_by(Person.age:desc()):first() end)
    same(function(q) q:filter_by{ age = 24 }:first() end)
    same(function(q) q:filter(Person.age:gt(3)):limit(1):all() end)
    same(function(q) q:options(mr.joinedload(Person.pets)):first() end)
    same(function(q) q:join(Person.pets):first() end)
    same(function(q) db.session:query(q:exists()):scalar() end)
    same(function(q) q:update{ age = 1 } end)
  end)

  it("and stays one that first runs", function()
    local query = Person.query:filter_by{ name = "Bob" }
    assert.equal(2, #query:all())
    assert.equal(2, query:first().id)
    local all = Person.query
    assert.equal(4, #all:all())
    assert.equal(3, all:filter_by{ name = "Cid" }:first().id)
    collectgarbage()
    assert.equal(4, #all:all())
    assert.equal(1, all:first().id)
  end)

  it("with the methods of its class", function()
    local Named = mr.Query:extend{ by = function(self, name) return self:filter_by{ name = name }:first() end }
    assert.equal(1, Person.query:filter_by{ name = "Ann" }:first().id)
    Person.query_class = Named
    assert.equal(3, Person.query:by("Cid").id)
    assert.error_matches(function() return Pet.query.by end, "no method 'by'")
    local other = mr.scoped_session(mr.sessionmaker{ bind = db.engine })
    db.Model.query = other:query_property()
    assert.are_not.equal(db.session:get(Person, 1), Person.query:by "Ann")
    assert.equal(other:get(Person, 1), Person.query:by "Ann")
  end)
end)
