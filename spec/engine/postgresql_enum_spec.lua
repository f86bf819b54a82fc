-- Enums of PostgreSQL's own: Enum with a name is a type of the database, made and dropped with the tables. It runs
-- where MOONROW_TEST_URL names a server.

local mr = require "moonrow"
local postgresql = require "spec.support.postgresql"
local refuse = require "spec.support.refuse"

describe("an Enum with a name", function()
  it("is a type of PostgreSQL's, and a text elsewhere", function()
    local md = mr.MetaData()
    local t = mr.Table("t", md, mr.Column("m", mr.Enum("sad", "happy", { name = "Mood" })))
    local function definition(url)
      local db = mr.open(url)
      return db:record(function() md:create_all{ bind = db.engine, checkfirst = false } end)
    end
    local records = definition "mock+postgresql://"
    assert.equal([[CREATE TABLE t ( m "Mood" )]], records[#records].statement)
    assert.equal("CREATE TABLE t ( m VARCHAR(5) )", tostring(mr.CreateTable(t)))
    refuse("ArgumentError", { 'Enum: name = "m"', "no other storage" }, function()
      mr.Enum("a", { name = "m", storage = "position" })
    end)
    refuse("ArgumentError", { 'postgresql_type = "inet"', "mr.Text" }, function()
      mr.Column{ "a", postgresql_type = "inet" }
    end)
  end)
end)

if not postgresql.url then
  pending "enums of PostgreSQL: MOONROW_TEST_URL names no server"
  return
end

describe("an enum of PostgreSQL", function()
  local function has(db, name)
    return db.session:scalar(mr.text "SELECT to_regtype(:name) IS NOT NULL", { name = name })
  end

  it("is made before the tables that use it, and goes with the last of them", function()
    local db = mr.open(postgresql.fresh())
    local mood = db.Enum("sad", "it's ok", { name = "mood" })
    db.Model:extend("Person", {
      id = db.Column{ db.Integer, primary_key = true },
      mood = db.Column{ mood, nullable = false },
    })
    local Day = db.Model:extend("Day", {
      id = db.Column{ db.Integer, primary_key = true },
      mood = db.Column(mood),
      moods = db.Column(db.Array(mood)),
    })
    db:create_all()
    db:create_all()
    assert.is_true(has(db, "mood"))
    db.session:commit()
    db.metadata:drop_all{ bind = db.engine, tables = { Day.__table } }
    assert.is_true(has(db, "mood"))
    db.session:commit()
    db:create_all()
    db:drop_all()
    assert.is_false(has(db, "mood"))
  end)

  it("stores, finds, lists and changes its choices", function()
    local db = mr.open(postgresql.fresh())
    local Person = db.Model:extend("Person", {
      id = db.Column{ db.Integer, primary_key = true },
      mood = db.Column{ db.Enum("sad", "ok", "happy", { name = "mood" }), default = "ok" },
      moods = db.Column(db.Array(db.Enum("sad", "ok", "happy", { name = "mood" }))),
    })
    db:create_all()
    local s = db.session
    s:add_all{ Person{ mood = "sad", moods = { "sad", "ok" } }, Person{}, Person{ mood = "happy" } }
    s:commit()
    s:expunge_all()
    assert.equal(1, Person.query:filter_by{ mood = "sad" }:one().id)
    assert.equal(2, Person.query:filter(Person.mood:in_{ "sad", "ok" }):count())
    assert.equal(3, Person.query:order_by(Person.mood:desc()):first().id)
    local person = s:get(Person, 1)
    assert.same({ "sad", "ok" }, { table.unpack(person.moods) })
    person.mood = "happy"
    s:commit()
    s:execute(mr.update(Person):where(Person.id:eq(2)):values{ mood = "sad" })
    s:commit()
    assert.same({ "happy", "sad", "happy" },
      { table.unpack(s:scalars(mr.select(Person.mood):order_by(Person.id)):all()) })
    refuse("DataError", { "Person.mood" }, function()
      person.mood = "glad"
      s:commit()
    end)
  end)
end)
