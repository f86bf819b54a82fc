-- Queries of entities and columns, without relationships.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local people = require "spec.support.people"

local COLUMNS = "SELECT person.id AS person_id, person.name AS person_name, person.age AS person_age, "
  .. "person.score AS person_score, person.active AS person_active FROM person"

-- The names of entities or rows, in order: "ann bob".
local function names(list) return support.words(list, "name") end

describe("a query", function()
  local db, Person

  before_each(function() db, Person = people() end)

  -- Asserts that the session still works.
  local function goes_on() assert.equal(5, Person.query:count()) end

  it("filters by keys, each a criterion", function()
    local records = db:record(function()
      assert.equal("bob", names(Person.query:filter_by{ age = 25, name = "bob" }:all()))
    end)
    assert.equal(1, #records)
    assert.equal(2, #records[1].parameters)
    assert.equal("dan", names(Person.query:filter_by{ age = 25 }:filter_by{ name = "dan" }:all()))
    assert.equal("eve", names(Person.query:filter_by{ age = mr.null }:all()))
  end)

  it("filters by expressions, several at once or one after the other", function()
    local both = { COLUMNS .. " WHERE person.age = ? AND person.id > ?" }
    assert.same(both, support.statements(db, function()
      assert.equal("dan", names(Person.query:filter(Person.age:eq(25), Person.id:gt(2)):all()))
    end))
    assert.same(both, support.statements(db, function()
      assert.equal("dan", names(Person.query:filter(Person.age:eq(25)):filter(Person.id:gt(2)):all()))
    end))
    assert.equal("dan", names(Person.query:where(Person.age:eq(25), Person.id:gt(2)):all()))
  end)

  it("orders, limits and skips", function()
    assert.equal("cat ann bob dan",
      names(Person.query:filter(Person.age:is_not(nil)):order_by(Person.age:desc(), Person.id):all()))
    local records = db:record(function()
      assert.equal("bob cat", names(Person.query:order_by(Person.name:asc()):limit(2):offset(1):all()))
    end)
    assert.equal(COLUMNS .. " ORDER BY person.name ASC LIMIT ? OFFSET ?", records[1].statement)
    assert.same({ 2, 1 }, records[1].parameters)
    assert.equal("dan eve", names(Person.query:order_by(Person.id):offset(3):all()))
    assert.equal(0, #Person.query:limit(0):all())
    assert.equal("eve dan", names(Person.query:order_by(Person.name:desc()):limit(2):all()))
  end)

  it("gives the first, or nil", function()
    assert.equal("cat", Person.query:order_by(Person.age:desc()):first().name)
    assert.is_nil(Person.query:filter_by{ name = "zoe" }:first())
  end)

  it("counts in the database", function()
    local texts = support.statements(db, function()
      assert.equal(2, Person.query:filter_by{ age = 25 }:count())
    end)
    assert.same({ "SELECT count(*) AS count_1 FROM (" .. COLUMNS .. " WHERE person.age = ?) AS anon_1" },
      texts)
    assert.equal("integer", math.type(Person.query:count()))
    assert.equal(3, Person.query:limit(3):count())
    assert.equal(0, #db.session.identity_map)
  end)

  it("gives the one, and says when there is none or there are several", function()
    assert.equal("ann", Person.query:filter_by{ name = "ann" }:one().name)
    assert.equal("ann", Person.query:filter_by{ name = "ann" }:one_or_none().name)
    assert.is_nil(Person.query:filter_by{ name = "zoe" }:one_or_none())
    refuse("NoResultFound", "Person", function() Person.query:filter_by{ name = "zoe" }:one() end)
    refuse("MultipleResultsFound", "Person", function() Person.query:filter_by{ age = 25 }:one() end)
    local e = refuse("MultipleResultsFound", "Person", function()
      Person.query:filter_by{ age = 25 }:one_or_none()
    end)
    assert.is_true(mr.errors.InvalidRequestError:is(e))
    goes_on()
  end)

  it("gets by key, from the identity map when it can", function()
    local ann = Person.query:get(1)
    assert.equal("ann", ann.name)
    assert.same({}, support.statements(db, function() assert.is_true(rawequal(ann, Person.query:get(1))) end))
    assert.is_nil(Person.query:get(99))
    assert.same({ COLUMNS .. " WHERE person.id = ?" },
      support.statements(db, function() Person.query:get(2) end))
  end)

  it("is immutable, so that a prefix can be shared", function()
    local young = Person.query:filter(Person.age:lt(31))
    local sorted = young:order_by(Person.id:desc())
    local text = tostring(young)
    assert.equal("dan", sorted:limit(1):one().name)
    assert.equal("ann", young:filter_by{ name = "ann" }:one().name)
    assert.equal(3, young:count())
    assert.equal("dan bob ann", names(sorted:all()))
    assert.equal(text, tostring(young))
  end)

  it("prints its SQL", function()
    assert.equal(COLUMNS .. " WHERE person.age = ?", tostring(Person.query:filter_by{ age = 25 }))
    assert.equal(COLUMNS .. " WHERE person.age = ?",
      tostring(db.session:query(Person):filter(Person.age:eq(25))))
    assert.same({}, support.statements(db, function() tostring(Person.query) end))
  end)

  it("made from a class finds its session when it runs", function()
    local query = Person.query:filter_by{ name = "ann" }
    local first = query:one()
    db.session:remove()
    local second = query:one()
    assert.is_false(rawequal(first, second))
    assert.equal("detached", mr.inspect(first).state)
    assert.is_true(db.session:contains(second))
  end)

  it("gives the same object for the same row", function()
    local all = Person.query:order_by(Person.id):all()
    local again = Person.query:order_by(Person.id):all()
    for i = 1, 5 do assert.is_true(rawequal(all[i], again[i])) end
  end)

  it("does not overwrite what is loaded or changed", function()
    local ann = Person.query:get(1)
    ann.age = 31
    db.session:no_autoflush(function() Person.query:all() end)
    assert.equal(31, ann.age)
    db.session:rollback()
    assert.equal(30, ann.age)
  end)

  it("gives a list that prints", function()
    assert.equal("{<ann>, <bob>}", tostring(Person.query:order_by(Person.id):limit(2):all()))
    assert.equal("{}", tostring(Person.query:filter_by{ name = "zoe" }:all()))
    assert.equal("table", type(Person.query:all()))
  end)

  describe("refuses", function()
    it("what is no criterion", function()
      for _, wrong in ipairs{ true, false, 1, "name = 'ann'", {} } do
        local e = support.error_of(function() Person.query:filter(wrong):all() end)
        assert.equal("ArgumentError", e.kind)
      end
      refuse("ArgumentError", "nil", function() return Person.query:filter(nil) end)
      refuse("ArgumentError", "nil", function() return Person.query:filter(Person.id:gt(1), nil) end)
      refuse("ArgumentError", "nil", function() return Person.query:where(nil) end)
      refuse("ArgumentError", "true", function() return Person.query:filter(Person.age == 3 or true) end)
      goes_on()
    end)

    it("an empty filter_by", function()
      refuse("ArgumentError", "filter_by", function() return Person.query:filter_by{} end)
      refuse("ArgumentError", "filter_by", function() return Person.query:filter_by() end)
      refuse("ArgumentError", "filter_by", function() return Person.query:filter_by{ age = nil } end)
      goes_on()
    end)

    it("an unknown key of filter_by, with the nearest", function()
      refuse("ArgumentError", { "'nmae'", "Person", "did you mean 'name'?" }, function()
        return Person.query:filter_by{ nmae = "ann" }:all()
      end)
      refuse("ArgumentError", "filter_by", function() return Person.query:filter_by{ "ann" }:all() end)
      goes_on()
    end)

    it("a value of the wrong type", function()
      refuse("ArgumentError", { "Person.id", "expected an integer", 'string "1"' }, function()
        return Person.query:filter_by{ id = "1" }:all()
      end)
      refuse("ArgumentError", { "Person.id", "expected an integer", 'string "1"' }, function()
        return Person.query:filter(Person.id:eq "1"):all()
      end)
      refuse("ArgumentError", { "Person.id", "expected an integer" }, function()
        return Person.query:filter(Person.id:in_{ 1, "2" }):all()
      end)
      refuse("ArgumentError", { "Person.id", "expected an integer", 'string "1"' }, function()
        return Person.query:get "1"
      end)
      refuse("ArgumentError", "Person.id", function() return Person.query:get(1.5) end)
      refuse("ArgumentError", "Person", function() return Person.query:get(nil) end)
      refuse("ArgumentError", "Person", function() return Person.query:get{ 1, 2 } end)
      goes_on()
    end)

    it("a limit that is no number", function()
      refuse("ArgumentError", { "limit", "ten" }, function() return Person.query:limit "ten":all() end)
      refuse("ArgumentError", { "offset", "1.5" }, function() return Person.query:offset(1.5):all() end)
      refuse("ArgumentError", "yield_per", function() return Person.query:yield_per(0):all() end)
      goes_on()
    end)

    it("to be called, indexed or measured", function()
      refuse("ArgumentError", { ":all()", ":iter()" }, function()
        for _ in Person.query do break end -- luacheck: ignore 512
      end)
      refuse("ArgumentError", { ":all()", ":iter()" }, function() return #Person.query end)
      refuse("ArgumentError", { ":all()", ":iter()" }, function() return Person.query[1] end)
      goes_on()
    end)

    it("an unknown method, with the nearest", function()
      refuse("ArgumentError", { "'fitler'", "did you mean 'filter'?" }, function()
        return Person.query:fitler()
      end)
      refuse("ArgumentError", { "'ordr_by'", "did you mean 'order_by'?" }, function()
        return Person.query:ordr_by(Person.id)
      end)
      goes_on()
    end)

    it("what is nothing to query", function()
      refuse("ArgumentError", '"Person"', function() return db.session:query "Person" end)
      refuse("ArgumentError", "query", function() return db.session:query() end)
      refuse("ArgumentError", "nil", function() return db.session:query(nil) end)
      refuse("ArgumentError", "nil", function() return db.session:query(Person, nil) end)
      refuse("ArgumentError", "order_by", function() return Person.query:order_by(true) end)
      goes_on()
    end)
  end)
end)

describe("iteration", function()
  local db, Person

  before_each(function() db, Person = people() end)

  it("gives each in order, in one statement", function()
    local seen = {}
    local texts = support.statements(db, function()
      for person in Person.query:order_by(Person.id):iter() do seen[#seen + 1] = person end
    end)
    assert.equal("ann bob cat dan eve", names(seen))
    assert.equal(1, #texts)
  end)

  it("releases its cursor at a break", function()
    for _ = 1, 200 do
      for _ in Person.query:yield_per(1):iter() do break end -- luacheck: ignore 512
    end
    db.session:add(Person{ name = "fay" })
    db.session:commit()
    assert.equal(6, Person.query:count())
  end)

  it("releases its cursor at an error in the body", function()
    local ok, e = pcall(function()
      for _ in Person.query:yield_per(1):iter() do error("mine", 0) end
    end)
    assert.is_false(ok)
    assert.equal("mine", e)
    db:drop_all()
    db:create_all()
    assert.equal(0, Person.query:count())
  end)

  it("reads ahead, so that a commit inside does no harm", function()
    local seen = {}
    for person in Person.query:order_by(Person.id):iter() do
      seen[#seen + 1] = person
      person.age = 50
      db.session:commit()
    end
    assert.equal("ann bob cat dan eve", names(seen))
    assert.equal(5, Person.query:filter_by{ age = 50 }:count())
  end)

  it("by yield_per reads in pieces of any size", function()
    for size = 1, 7 do
      local seen = {}
      for person in Person.query:order_by(Person.id):yield_per(size):iter() do seen[#seen + 1] = person end
      assert.equal("ann bob cat dan eve", names(seen))
    end
    assert.equal(5, #Person.query:yield_per(2):all())
  end)

  for _, what in ipairs{ "commit", "rollback", "remove" } do
    it("by yield_per raises after a " .. what, function()
      local seen = 0
      local e = support.error_of(function()
        for _ in Person.query:yield_per(1):iter() do
          seen = seen + 1
          db.session[what](db.session)
        end
      end)
      assert.equal("InvalidRequestError", e.kind)
      assert.matches(what == "remove" and "close" or what, e.message)
      assert.equal(1, seen)
      db.session:add(Person{ name = "fay" })
      db.session:commit()
      assert.equal(6, Person.query:count())
    end)
  end

  it("lets an abandoned one be collected", function()
    do
      local step, state, control = Person.query:yield_per(1):iter()
      assert.equal("ann", step(state, control).name)
    end
    collectgarbage() collectgarbage()
    db:drop_all()
    db:create_all()
    assert.equal(0, Person.query:count())
  end)

  it("may write and query inside", function()
    for person in Person.query:yield_per(2):iter() do
      person.age = Person.query:filter_by{ id = person.id }:one().id
      db.session:flush()
    end
    db.session:commit()
    assert.equal(4, Person.query:get(4).age)
  end)

  it("over rows of columns", function()
    local out = {}
    for row in db.session:query(Person.id, Person.name):order_by(Person.id):yield_per(2):iter() do
      out[#out + 1] = row.id .. row.name
    end
    assert.equal("1ann 2bob 3cat 4dan 5eve", table.concat(out, " "))
  end)
end)

describe("rows", function()
  local db, Person

  before_each(function() db, Person = people() end)

  it("have numbers, names, a length and unpack", function()
    local records = db:record(function()
      local row = db.session:query(Person.name, Person.age):order_by(Person.id):first()
      assert.equal("ann", row[1])
      assert.equal(30, row[2])
      assert.equal("ann", row.name)
      assert.equal(30, row.age)
      assert.equal(2, #row)
      assert.same({ "ann", 30 }, { row:unpack() })
      assert.same({ "ann", 30 }, { table.unpack(row) })
      local name, age = row:unpack()
      assert.equal("ann30", name .. age)
    end)
    assert.equal("SELECT person.name AS person_name, person.age AS person_age FROM person "
      .. "ORDER BY person.id LIMIT ?", records[1].statement)
    assert.equal(0, #db.session.identity_map)
  end)

  it("count their columns, NULL or not", function()
    local row = db.session:query(Person.name, Person.age, Person.score):filter(Person.age:is_(nil)):one()
    assert.equal(3, #row)
    assert.is_nil(row.age)
    assert.is_nil(row[3])
    assert.equal(3, select("#", row:unpack()))
    assert.equal(3, select("#", table.unpack(row)))
    assert.equal("eve", (row:unpack()))
  end)

  it("mix entities and columns", function()
    local row = db.session:query(Person, Person.age):filter_by{ name = "bob" }:one()
    assert.is_true(rawequal(Person.query:get(2), row[1]))
    assert.is_true(rawequal(row[1], row.Person))
    assert.equal(25, row.age)
    assert.equal(2, #row)
  end)

  it("take labels, and expressions", function()
    local row = db.session:query(Person.name:label "who",
      (Person.age + 1):label "next"):order_by(Person.id):first()
    assert.equal("ann", row.who)
    assert.equal(31, row.next)
    row = db.session:query(mr.func.max(Person.age):label "oldest", mr.func.count(Person.id)):one()
    assert.equal(35, row.oldest)
    assert.equal(5, row[2])
  end)

  it("let a column's name win over a method's", function()
    local row = db.session:query(Person.name:label "unpack"):order_by(Person.id):first()
    assert.equal("ann", row.unpack)
    assert.equal("ann", (table.unpack(row)))
  end)

  it("refuse unknown names, with the nearest; the number after the last gives nil", function()
    local row = db.session:query(Person.name, Person.age):first()
    refuse("ArgumentError", { "'nam'", "did you mean 'name'?" }, function() return row.nam end)
    assert.is_nil(row[3])
    assert.has_error(function() return row[0] end)
    local seen = {}
    for i, value in ipairs(row) do seen[i] = value end
    assert.same({ "ann", 30 }, seen)
    assert.has_error(function() row.name = "x" end)
  end)

  it("of a single column are rows still, and a scalar is its value", function()
    local rows = db.session:query(Person.name):order_by(Person.id):all()
    assert.equal(5, #rows)
    assert.equal("ann", rows[1][1])
    assert.equal("ann", db.session:query(Person.name):filter_by{ id = 1 }:scalar())
    assert.is_nil(db.session:query(Person.name):filter_by{ id = 99 }:scalar())
    refuse("MultipleResultsFound", "", function() db.session:query(Person.name):scalar() end)
  end)

  it("live on when the session is gone", function()
    local rows = db.session:query(Person.name, Person.age):order_by(Person.id):all()
    db.session:remove()
    collectgarbage()
    assert.equal("ann bob cat dan eve", names(rows))
  end)
end)

describe("a session's query", function()
  it("is of that session", function()
    local db, Person = people()
    local other = mr.Session(db.engine)
    local mine, theirs = Person.query:get(1), other:query(Person):get(1)
    assert.is_false(rawequal(mine, theirs))
    assert.is_true(other:contains(theirs))
    assert.is_false(db.session:contains(theirs))
    other:close()
    assert.equal("detached", mr.inspect(theirs).state)
    assert.equal("ann", theirs.name)
  end)

  it("raises from the database, and the session goes on", function()
    local db, Person = people()
    local Ghost = db.Model:extend("Ghost", { id = db.Column{ db.Integer, primary_key = true } })
    local e = refuse("OperationalError", { "no such table", "ghost" }, function()
      return Ghost.query:all()
    end)
    assert.equal("SELECT ghost.id AS ghost_id FROM ghost", e.statement)
    assert.equal(5, Person.query:count())
    db:create_all()
    assert.equal(0, Ghost.query:count())
  end)
end)
