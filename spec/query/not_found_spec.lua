-- What raises where nothing is found: get_one, get_or_404, first_or_404, one_or_404.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local people = require "spec.support.people"

describe("session:get_one", function()
  local db, Person

  before_each(function() db, Person = people() end)

  it("gives the object as get does, from memory without a statement", function()
    local ann = db.session:get_one(Person, 1)
    assert.equal("ann", ann.name)
    assert.equal(0, #db:record(function() assert.equal(ann, db.session:get_one(Person, 1)) end))
    assert.equal(ann, db.session:get_one(Person, { id = 1 }))
    assert.equal(1, #db:record(function() db.session:get_one(Person, 1, { populate_existing = true }) end))
  end)

  it("raises NoResultFound with the class and the key", function()
    refuse("NoResultFound", { "Person", "number 9" }, db.session.get_one, db.session, Person, 9)
    refuse("NoResultFound", { "Person", "{ id = number 9 }" }, db.session.get_one, db.session, Person, { id = 9 })
    refuse("ArgumentError", { "get(Person)", "nil" }, db.session.get_one, db.session, Person, nil)
    refuse("ArgumentError", { "get", "class" }, db.session.get_one, db.session, nil, 1)
  end)
end)

describe("a query that a web layer may answer with 404", function()
  local Person

  before_each(function() Person = select(2, people()) end)

  it("gives what it finds", function()
    assert.equal("bob", Person.query:get_or_404(2).name)
    assert.equal("bob", Person.query:get_or_404{ id = 2 }.name)
    assert.equal("cat", Person.query:order_by(Person.age:desc()):first_or_404().name)
    assert.equal("eve", Person.query:filter(Person.age:is_(mr.null)):one_or_404().name)
  end)

  it("raises NotFound, which is a NoResultFound, where there is none", function()
    local e = refuse("NotFound", { "Person", "number 9" }, function() Person.query:get_or_404(9) end)
    assert.is_true(mr.errors.NoResultFound:is(e))
    assert.is_true(mr.errors.NotFound:is(e))
    local none = Person.query:filter_by{ name = "zoe" }
    refuse("NotFound", { "no row", "Person" }, function() none:first_or_404() end)
    refuse("NotFound", { "no row", "Person" }, function() none:one_or_404() end)
    refuse("NotFound", { "several", "Person" }, function() Person.query:one_or_404() end)
  end)

  it("raises it with the program's own words", function()
    local none, said = Person.query:filter_by{ name = "zoe" }, { description = "who is zoe?" }
    for _, ask in ipairs{
      function() Person.query:get_or_404(9, said) end,
      function() none:first_or_404(said) end,
      function() none:one_or_404(said) end,
    } do
      assert.equal("who is zoe?", refuse("NotFound", "zoe", ask).message)
    end
  end)

  it("keeps the kind of a mistake", function()
    refuse("ArgumentError", "nil", function() Person.query:get_or_404(nil) end)
    refuse("ArgumentError", "description", function() Person.query:first_or_404{ description = 5 } end)
    refuse("ArgumentError", "words", function() Person.query:one_or_404{ words = "x" } end)
    refuse("InvalidRequestError", "criteria", function() Person.query:filter_by{ id = 1 }:get_or_404(1) end)
  end)
end)

describe("session:get with with_for_update", function()
  it("locks the row, and reads it although the object is in memory", function()
    local db, Person = people()
    local ann = db.session:get(Person, 1)
    local records = db:record(function()
      assert.equal(ann, db.session:get(Person, 1, { with_for_update = true }))
      assert.equal(ann, db.session:get(Person, 1, { with_for_update = false }))
    end)
    assert.equal(1, #records)
    refuse("ArgumentError", "with_for_update", db.session.get, db.session, Person, 1, { with_for_update = "yes" })
    refuse("ArgumentError", "nowait", db.session.get, db.session, Person, 1, { with_for_update = { nowaits = true } })
  end)

  it("is spelled as with_for_update of queries", function()
    local db = mr.open "mock+postgresql://"
    local Person = db.Model:extend("Person", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.Text },
      pets = db.relationship "Pet",
    })
    db.Model:extend("Pet", {
      id = db.Column{ db.Integer, primary_key = true },
      person_id = db.Column{ db.Integer, db.ForeignKey "person.id" },
    })
    local records = db:record(function()
      db.session:get(Person, 1, { with_for_update = true })
      db.session:get(Person, 1, { with_for_update = { read = true, nowait = true } })
      db.session:get(Person, 1, { with_for_update = true, options = { mr.selectinload(Person.pets) } })
    end)
    local select = "SELECT person.id AS person_id, person.name AS person_name FROM person WHERE person.id = $1 FOR "
    for i, ending in ipairs{ "UPDATE", "SHARE NOWAIT", "UPDATE" } do
      assert.equal(select .. ending, records[i].statement)
    end
  end)
end)
