-- UPDATE and DELETE of the rows of a query, also by mr.update and mr.delete in a session.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local people = require "spec.support.people"

local state = support.state

describe("query:update", function()
  local db, Person, all

  before_each(function()
    db, Person = people()
    all = Person.query:order_by(Person.id):all()
  end)

  local function statements(fn) return support.statements(db, fn) end

  it("is one statement, and gives the number of rows matched", function()
    local records = db:record(function()
      assert.equal(2, Person.query:filter_by{ age = 25 }:update{ score = 9 })
    end)
    assert.equal(1, #records)
    assert.equal("UPDATE person SET score=? WHERE person.age = ?", records[1].statement)
    assert.same({ 9.0, 25 }, records[1].parameters)
    assert.equal(0, Person.query:filter_by{ id = 99 }:update{ score = 1 })
    assert.equal(5, Person.query:update{ score = 1 })
    assert.equal(5, Person.query:filter_by{ score = 1 }:count())
  end)

  it("gives the matched objects the new value, and leaves them clean", function()
    assert.equal(2, Person.query:filter(Person.age:eq(25)):update{ name = "x", active = mr.null })
    assert.same({}, statements(function()
      assert.equal("ann", all[1].name)
      assert.equal("x", all[2].name)
      assert.equal("x", all[4].name)
      assert.is_nil(all[4].active)
      assert.equal(0, #db.session.dirty)
      assert.is_false(db.session:is_modified(all[2]))
      db.session:flush()
    end))
    db.session:commit()
    assert.equal("x", Person.query:get(4).name)
  end)

  it("computes expressions in memory, as of the row before", function()
    local texts = statements(function()
      Person.query:filter(Person.id:le(3)):update{ age = Person.age * 2 + 1, score = Person.age }
    end)
    assert.same({ "UPDATE person SET age=(person.age * ? + ?), score=person.age WHERE person.id <= ?" }, texts)
    assert.same({}, statements(function()
      assert.equal(61, all[1].age)
      assert.equal(30.0, all[1].score)
      assert.equal(51, all[2].age)
      assert.equal(25, all[4].age)
    end))
    for i = 1, 3 do db.session:refresh(all[i]) end
    assert.same({ 61, 51, 71 }, { all[1].age, all[2].age, all[3].age })
    assert.same({ 30.0, 25.0, 35.0 }, { all[1].score, all[2].score, all[3].score })
  end)

  it("NULL stays NULL in an expression", function()
    Person.query:update{ age = Person.age + 1 }
    assert.same({}, statements(function() assert.is_nil(all[5].age) end))
    db.session:refresh(all[5])
    assert.is_nil(all[5].age)
  end)

  it("expires what it cannot compute", function()
    Person.query:filter(Person.id:eq(1)):update{ name = mr.func.upper(Person.name) }
    assert.equal(1, #statements(function()
      assert.equal("ANN", all[1].name)
      assert.equal(30, all[1].age)
      assert.equal("bob", all[2].name)
    end))
  end)

  it("evaluates comparisons, AND, OR, NOT, IN, BETWEEN and NULL as the database does", function()
    local criteria = {
      Person.age:gt(25), Person.age:ne(25), ~Person.age:gt(25), Person.age:is_(nil), Person.age:is_not(nil),
      Person.age:in_{ 25, 35 }, Person.age:not_in{ 25, 35 }, Person.age:in_{}, Person.age:not_in{},
      Person.age:not_in{ 25, mr.null }, Person.age:in_{ 25, mr.null },
      Person.age:between(26, 35), ~Person.age:between(26, 35), Person.score:between(Person.age, 3),
      (Person.age:gt(25)) | (Person.score:lt(0)), (Person.age:gt(25)) & (Person.active:eq(true)),
      ~((Person.age:gt(25)) | (Person.score:lt(0))), Person.active, ~Person.active, Person.active:is_(true),
      Person.name:eq "ann", Person.name:gt "bob", Person.name:in_{ "eve", "dan" }, Person.name:ne(mr.null),
      (Person.age + 5):eq(30), (Person.age / 2):eq(12.5), (Person.age % 10):eq(5), (-Person.age):lt(-30),
      Person.score:eq(Person.score), mr.true_ & Person.id:gt(2), Person.id:gt(mr.literal(3)),
      mr.or_(Person.age:is_(nil), mr.not_(Person.name:eq "ann")), (Person.score * Person.id):ge(5),
      Person.age:eq(25.0), (Person.age:gt(20)):eq(true),
    }
    for i, criterion in ipairs(criteria) do
      local wanted = {}
      for _, person in ipairs(Person.query:filter(criterion):all()) do wanted[person.id] = true end
      local before = #statements(function()
        Person.query:filter(criterion):update({ name = "hit" }, { synchronize_session = "evaluate" })
      end)
      assert.equal(1, before)
      for id, person in ipairs(all) do
        assert(state(person) == "persistent")
        local hit
        assert.same({}, statements(function() hit = person.name == "hit" end))
        assert(hit == (wanted[id] or false),
          ("criterion %d (%s) for person %d"):format(i, tostring(criterion), id))
      end
      db.session:rollback()
      all = Person.query:order_by(Person.id):all()
    end
  end)

  it("fetches the keys where it cannot evaluate", function()
    local texts = statements(function()
      assert.equal(1, Person.query:filter(Person.name:like "a%"):update{ age = 1 })
    end)
    assert.same({
      "SELECT person.id FROM person WHERE person.name LIKE ?",
      "UPDATE person SET age=? WHERE person.name LIKE ?",
    }, texts)
    assert.same({}, statements(function()
      assert.equal(1, all[1].age)
      assert.equal(25, all[2].age)
    end))
  end)

  it("fetches when told to, and expired objects find the new value", function()
    db.session:expire(all[1])
    assert.equal(2, #statements(function()
      Person.query:filter_by{ id = 1 }:update({ age = 2 }, { synchronize_session = "fetch" })
    end))
    assert.equal(2, all[1].age)
  end)

  it("leaves the objects alone when told to", function()
    assert.equal(1, #statements(function()
      Person.query:filter(Person.name:like "a%"):update({ age = 1 }, { synchronize_session = false })
    end))
    assert.equal(30, all[1].age)
    db.session:expire(all[1])
    assert.equal(1, all[1].age)
  end)

  it("refuses to evaluate what it cannot, before anything is sent", function()
    assert.same({}, statements(function()
      refuse("InvalidRequestError", { "person.name LIKE", '"fetch"', "false" }, function()
        Person.query:filter(Person.name:like "a%"):update({ age = 1 }, { synchronize_session = "evaluate" })
      end)
    end))
    assert.is_false(db.session:in_transaction())
  end)

  it("expires what a criterion on a value not loaded may have changed", function()
    db.session:expire(all[1], { "age" })
    Person.query:filter(Person.age:eq(30)):update({ score = 7 }, { synchronize_session = "evaluate" })
    assert.equal(7, all[1].score)
    assert.equal(2.5, all[2].score)
  end)

  it("flushes first", function()
    all[1].age = 77
    db.session:add(Person{ name = "fay", age = 77 })
    local texts = statements(function()
      assert.equal(2, Person.query:filter_by{ age = 77 }:update{ score = 3 })
    end)
    assert.equal(3, #texts)
    assert.equal("UPDATE person SET score=? WHERE person.age = ?", texts[3])
    assert.equal(3, all[1].score)
  end)

  it("does not know what is not flushed when it does not flush", function()
    db.session:no_autoflush(function()
      all[1].age = 25
      all[2].age = 99
      assert.equal(2, Person.query:filter_by{ age = 25 }:update{ score = 4 })
      assert.equal(1.5, all[1].score)
      assert.equal(4, all[2].score)
      assert.equal(99, all[2].age)
    end)
  end)

  it("reverts with the transaction, and with a savepoint", function()
    Person.query:filter_by{ id = 1 }:update{ age = 1 }
    local nested = db.session:begin_nested()
    Person.query:filter_by{ id = 1 }:update{ age = 2 }
    assert.equal(2, all[1].age)
    nested:rollback()
    assert.equal(1, all[1].age)
    db.session:rollback()
    assert.equal(30, all[1].age)
  end)

  it("leaves a new object its values when it is rolled back", function()
    local fay = Person{ name = "fay", age = 1 }
    db.session:add(fay)
    Person.query:filter_by{ name = "fay" }:update{ age = Person.age + 1, name = mr.func.upper(Person.name) }
    assert.equal(2, fay.age)
    db.session:rollback()
    assert.equal("transient", state(fay))
    assert.equal("fay", fay.name)
    local gone = Person{ name = "gus" }
    db.session:add(gone)
    Person.query:filter_by{ name = "gus" }:delete()
    assert.equal("deleted", state(gone))
    db.session:rollback()
    assert.equal("transient", state(gone))
    assert.equal("gus", gone.name)
  end)

  it("takes params and a subquery", function()
    assert.equal(1, Person.query:filter(Person.name:eq(mr.bindparam "n")):params{ n = "ann" }:update{ age = 3 })
    assert.equal(3, all[1].age)
    local oldest = db.session:query(mr.func.max(Person.age)):scalar_subquery()
    assert.equal(1, Person.query:filter(Person.age:eq(oldest)):update{ age = 4 })
    assert.equal(4, all[3].age)
  end)

  describe("refuses", function()
    local cases = {
      join = function(q) return q:join(mr.aliased(Person), Person.id:eq(1)) end,
      order_by = function(q) return q:order_by(Person.id) end,
      limit = function(q) return q:limit(1) end,
      offset = function(q) return q:offset(1) end,
      group_by = function(q) return q:group_by(Person.id) end,
      distinct = function(q) return q:distinct() end,
      select_from = function(q) return q:select_from(Person) end,
      from_statement = function(q) return q:from_statement(mr.text "SELECT 1") end,
    }
    for clause, add in pairs(cases) do
      it("a query with " .. clause, function()
        for _, method in ipairs{ "update", "delete" } do
          refuse("ArgumentError", { method, clause }, function()
            local q = add(Person.query)
            return method == "update" and q:update{ age = 1 } or q:delete()
          end)
        end
      end)
    end

    it("values that are not the class's", function()
      refuse("ArgumentError", { "Person", "'agee'", "'age'" }, function() Person.query:update{ agee = 1 } end)
      refuse("ArgumentError", { "Person.age", "expected an integer" }, function() Person.query:update{ age = "1" } end)
      refuse("ArgumentError", { "update", "empty" }, function() Person.query:update{} end)
      refuse("ArgumentError", "update", function() Person.query:update() end)
      refuse("ArgumentError", { "Person.id", "primary key" }, function() Person.query:update{ id = 7 } end)
      refuse("DataError", "Person.name", function() Person.query:update{ name = ("x"):rep(51) } end)
      refuse("ArgumentError", "one class", function() db.session:query(Person.age):update{ age = 1 } end)
      refuse("ArgumentError", "alias", function() db.session:query(mr.aliased(Person)):update{ age = 1 } end)
      refuse("ArgumentError", { "synchronize_session", '"auto"', '"x"' }, function()
        Person.query:update({ age = 1 }, { synchronize_session = "x" })
      end)
      refuse("ArgumentError", { "'sync'" }, function() Person.query:delete{ sync = false } end)
      assert.equal(0, Person.query:filter_by{ age = 1 }:count())
    end)

    it("criteria about another table that nothing relates to this one", function()
      local Other = db.Model:extend("Other", { id = db.Column{ db.Integer, primary_key = true } })
      refuse("ArgumentError", { "nothing relates", "Other", "Person" }, function()
        Person.query:filter(Other.id:eq(1)):delete()
      end)
    end)
  end)
end)

describe("query:delete", function()
  local db, Person, all

  before_each(function()
    db, Person = people()
    all = Person.query:order_by(Person.id):all()
  end)

  for _, how in ipairs{ "auto", "evaluate", "fetch" } do
    it("takes the objects out, and a rollback brings them back: " .. how .. "", function()
      local texts = support.statements(db, function()
        assert.equal(2, Person.query:filter_by{ age = 25 }:delete{ synchronize_session = how })
      end)
      assert.equal(how == "fetch" and 2 or 1, #texts)
      assert.equal("DELETE FROM person WHERE person.age = ?", texts[#texts])
      assert.equal("deleted", state(all[2]))
      assert.equal("persistent", state(all[1]))
      assert.is_false(db.session:contains(all[2]))
      assert.equal(3, #db.session.identity_map)
      assert.is_nil(Person.query:get(2))
      assert.equal(0, #db.session.deleted)
      db.session:rollback()
      assert.equal("persistent", state(all[2]))
      assert.equal("bob", all[2].name)
      assert.is_true(rawequal(all[2], Person.query:get(2)))
      assert.equal(5, #db.session.identity_map)
    end)
  end

  it("is final with the commit", function()
    Person.query:filter_by{ id = 2 }:delete()
    db.session:commit()
    assert.equal("detached", state(all[2]))
    refuse("InvalidRequestError", "deleted", function() db.session:add(all[2]) end)
    assert.equal(4, Person.query:count())
  end)

  it("comes back with its savepoint alone", function()
    Person.query:filter_by{ id = 1 }:delete()
    local nested = db.session:begin_nested()
    Person.query:filter_by{ id = 2 }:delete()
    nested:rollback()
    assert.equal("persistent", state(all[2]))
    assert.equal("deleted", state(all[1]))
    db.session:commit()
    assert.equal("detached", state(all[1]))
    assert.equal(4, Person.query:count())
  end)

  it("makes room for another of the same key", function()
    Person.query:filter_by{ id = 2 }:delete()
    local again = Person{ id = 2, name = "bea" }
    db.session:add(again)
    db.session:flush()
    assert.is_true(rawequal(again, Person.query:get(2)))
    db.session:rollback()
    assert.equal("transient", state(again))
    assert.is_true(rawequal(all[2], Person.query:get(2)))
    assert.equal("bob", all[2].name)
  end)

  it("of everything", function()
    assert.equal(5, Person.query:delete())
    assert.equal(0, #db.session.identity_map)
    assert.equal(0, Person.query:delete())
  end)

  it("leaves the objects alone when told to: reading finds the row gone", function()
    Person.query:filter_by{ id = 2 }:delete{ synchronize_session = false }
    assert.equal("persistent", state(all[2]))
    db.session:expire(all[2])
    refuse("ObjectDeletedError", "Person 2", function() return all[2].name end)
  end)

  it("forgets the change of a deleted object", function()
    db.session:no_autoflush(function()
      all[2].name = "changed"
      Person.query:filter_by{ id = 2 }:delete()
    end)
    assert.equal("deleted", state(all[2]))
    assert.same({}, support.statements(db, function() db.session:flush() end))
    db.session:rollback()
    assert.equal("bob", all[2].name)
  end)

  it("that fails changes no object", function()
    db.session:execute(mr.text
      "CREATE TRIGGER t BEFORE DELETE ON person WHEN old.id = 3 BEGIN SELECT raise(ABORT, 'no'); END")
    db.session:commit()
    all = Person.query:order_by(Person.id):all()
    refuse("IntegrityError", "no", function() Person.query:delete() end)
    for _, person in ipairs(all) do assert.equal("persistent", state(person)) end
    assert.equal(5, Person.query:count())
  end)
end)

describe("session:execute of an update or delete", function()
  local db, Person, all

  before_each(function()
    db, Person = people()
    all = Person.query:order_by(Person.id):all()
  end)

  it("is followed by the objects", function()
    local result = db.session:execute(mr.update(Person):where(Person.age:eq(25)):values{ score = 8 })
    assert.equal(2, result.rowcount)
    assert.same({}, support.statements(db, function() assert.equal(8, all[2].score) end))
    assert.equal(2, db.session:execute(mr.delete(Person):where(Person.age:eq(25))).rowcount)
    assert.equal("deleted", state(all[2]))
    db.session:rollback()
    assert.equal("persistent", state(all[2]))
    assert.equal(2.5, all[2].score)
  end)

  it("takes the option from the call, or from the statement", function()
    local stmt = mr.update(Person):where(Person.id:eq(mr.bindparam "id")):values{ score = 8 }
    assert.equal(2, #support.statements(db, function()
      db.session:execute(stmt, { id = 1 }, { synchronize_session = "fetch" })
    end))
    assert.equal(8, all[1].score)
    assert.equal(1, #support.statements(db, function()
      db.session:execute(stmt:execution_options{ synchronize_session = false }, { id = 2 })
    end))
    assert.equal(2.5, all[2].score)
    refuse("ArgumentError", "'synchronise_session'", function()
      db.session:execute(stmt, { id = 2 }, { synchronise_session = "fetch" })
    end)
    refuse("ArgumentError", "synchronize_session", function()
      stmt:execution_options{ synchronize_session = true }
    end)
  end)

  it("gives its returning as well", function()
    local rows = db.session:execute(mr.update(Person):where(Person.id:eq(1)):values{ age = Person.age + 1 }
      :returning(Person.age)):all()
    assert.equal(31, rows[1][1])
    assert.same({}, support.statements(db, function() assert.equal(31, all[1].age) end))
  end)

  it("of a table says nothing to the objects", function()
    db.session:execute(mr.update(Person.__table):values{ score = 8 })
    assert.equal(1.5, all[1].score)
  end)
end)
