-- INSERT ... ON CONFLICT: what the row that is there gets, which constraint is meant, and the objects that it returns.
-- Restates cases of test/dialect/test_sqlite.py and test/dialect/postgresql (InsertOnConflict), and of
-- test/orm/dml/test_bulk_statements.py (upserts with populate_existing).

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function postgres(statement) return statement:sql{ dialect = "postgresql" } end

describe("an upsert", function()
  local db, s, User, ann, bob

  before_each(function()
    db = mr.open "sqlite://"
    s = db.session
    User = db.Model:extend("User", {
      id    = db.Column{ db.Integer, primary_key = true },
      name  = db.Column{ db.String(20) },
      age   = db.Column{ db.Integer },
      seen  = db.Column{ "seen_at", db.Integer, onupdate = 7 },
      __table_args = { db.UniqueConstraint{ "name", name = "uq_name" }, db.Index{ "ix_old", "age", unique = true,
        where = mr.text "age > 90" } },
    })
    function User:__tostring() return ("%s %d"):format(self.name, self.age) end
    db:create_all()
    ann, bob = User{ name = "ann", age = 1 }, User{ name = "bob", age = 2 }
    s:add_all{ ann, bob }
    s:commit()
  end)

  local function rows()
    return tostring(s:execute(mr.select(User.name, User.age):order_by(User.id)):all())
  end

  --- The upsert of ann (10) and cid (30), whose age is the new one.
  local function upsert()
    local insert = mr.insert(User):values{ { name = "ann", age = 10 }, { name = "cid", age = 30 } }
    return insert:on_conflict_do_update{ index_elements = { User.name }, set = { age = insert.excluded.age } }
  end

  it("sets values, values of the row that came, and of the row that is there", function()
    local insert = mr.insert(User):values{ name = "ann", age = 10 }
    local both = insert:on_conflict_do_update{ index_elements = { "name" },
      set = { name = insert.excluded.name .. "!", age = User.age + insert.excluded.age, seen = 5 } }
    assert.equal("INSERT INTO user (name, age) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET name = (excluded.name || "
      .. "?), age = (user.age + excluded.age), seen_at = ?", tostring(both))
    s:execute(both)
    assert.equal('{("ann!", 11), ("bob", 2)}', rows())
    assert.equal(5, s:scalar(mr.select(User.seen):where(User.id:eq(1))))
  end)

  it("leaves rows alone that do not fulfil where, and all by do_nothing", function()
    local insert = mr.insert(User):values{ { name = "ann", age = 10 }, { name = "bob", age = 1 } }
    local older = insert:on_conflict_do_update{ index_elements = { "name" }, set = { age = insert.excluded.age },
      where = User.age:lt(insert.excluded.age) & User.name:ne "x" }
    assert.equal("INSERT INTO user (name, age) VALUES (?, ?), (?, ?) ON CONFLICT (name) DO UPDATE SET age = "
      .. "excluded.age WHERE user.age < excluded.age AND user.name != ?", tostring(older))
    s:execute(older)
    assert.equal('{("ann", 10), ("bob", 2)}', rows())
    assert.equal(1, s:execute(mr.insert(User):values{ { name = "ann", age = 3 }, { name = "dan", age = 4 } }
      :on_conflict_do_nothing()).rowcount)
    assert.equal('{("ann", 10), ("bob", 2), ("dan", 4)}', rows())
  end)

  it("names a constraint; SQLite gets its columns", function()
    local insert = mr.insert(User):values{ name = "ann", age = 10 }
    local named = insert:on_conflict_do_update{ constraint = "uq_name", set = { age = insert.excluded.age } }
    assert.equal("INSERT INTO user (name, age) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET age = excluded.age",
      tostring(named))
    assert.equal('INSERT INTO "user" (name, age) VALUES ($1, $2) ON CONFLICT ON CONSTRAINT uq_name DO UPDATE SET '
      .. "age = excluded.age", postgres(named))
    s:execute(named)
    s:execute(insert:on_conflict_do_nothing{ constraint = "uq_name" })
    assert.equal('{("ann", 10), ("bob", 2)}', rows())
    local other = insert:on_conflict_do_nothing{ constraint = "uq_other" }
    assert.matches("ON CONFLICT ON CONSTRAINT uq_other DO NOTHING", postgres(other), 1, true)
    refuse("ArgumentError", { "User", "'uq_other'", "index_elements" }, function() s:execute(other) end)
    refuse("ArgumentError", { "constraint", "index_elements", "one of them" }, function()
      insert:on_conflict_do_nothing{ constraint = "uq_name", index_elements = { "name" } }
    end)
    refuse("ArgumentError", { "constraint", "index_where" }, function()
      insert:on_conflict_do_nothing{ constraint = "uq_name", index_where = User.age:gt(90) }
    end)
    refuse("ArgumentError", { "constraint", "string" }, function() insert:on_conflict_do_nothing{ constraint = 5 } end)
    refuse("ArgumentError", { "name the conflicting columns" }, function()
      insert:on_conflict_do_update{ set = { age = 1 } }
    end)
  end)

  it("names the condition of a partial index", function()
    local insert = mr.insert(User):values{ name = "eve", age = 95 }
    local old = insert:on_conflict_do_update{ index_elements = { "age" }, index_where = User.age:gt(90),
      set = { name = insert.excluded.name } }
    assert.equal("INSERT INTO user (name, age) VALUES (?, ?) ON CONFLICT (age) WHERE age > 90 DO UPDATE SET name = "
      .. "excluded.name", tostring(old))
    s:execute(old)
    s:execute(old:values{ name = "fay" })
    assert.equal('{("ann", 1), ("bob", 2), ("fay", 95)}', rows())
  end)

  it("returns objects; those in memory keep what they have loaded", function()
    assert.equal(1, ann.age)
    local got
    local sent = db:record(function() got = s:scalars(upsert():returning(User)):all() end)
    assert.equal(1, #sent)
    assert.equal("INSERT INTO user (name, age) VALUES (?, ?), (?, ?) ON CONFLICT (name) DO UPDATE SET age = "
      .. "excluded.age RETURNING id, name, age, seen_at", sent[1].statement)
    assert.equal(ann, got[1])
    assert.equal("{ann 1, cid 30}", tostring(got))
    s:refresh(ann)
    assert.equal(10, ann.age)
  end)

  it("gives them the values of their rows by populate_existing, which the statement or the call says", function()
    for _, run in ipairs{
      function(statement) return s:scalars(statement:execution_options{ populate_existing = true }):all() end,
      function(statement) return s:scalars(statement, nil, { populate_existing = true }):all() end,
      function(statement)
        return s:query(User):from_statement(statement):execution_options{ populate_existing = true }:all()
      end,
    } do
      local sent = db:record(function()
        local got = run(upsert():returning(User))
        assert.equal(ann, got[1])
        assert.equal("{ann 10, cid 30}", tostring(got))
      end)
      assert.equal(1, #sent)
      assert.equal(0, #s.dirty)
      s:rollback()
      assert.equal(1, ann.age)
    end
  end)

  it("does the same for the rows of a list", function()
    local insert = mr.insert(User)
    insert = insert:on_conflict_do_update{ index_elements = { "name" }, set = { age = insert.excluded.age } }
      :returning(User)
    local many = {}
    for i = 1, 700 do many[i] = { name = i == 600 and "bob" or i == 5 and "ann" or "n" .. i, age = 1000 + i } end
    local got
    local sent = db:record(function() got = s:scalars(insert, many, { populate_existing = true }):all() end)
    assert.equal(4, #sent)
    assert.same({ 700, ann, bob, 1005, 1600 }, { #got, got[5], got[600], ann.age, bob.age })
  end)

  it("flushes changes first, so that the upsert comes last; without autoflush the row wins over them", function()
    ann.age = 99
    s:scalars(upsert():returning(User)):all()
    assert.same({ 99, false }, { ann.age, s:is_modified(ann) }) -- flushed; what the upsert wrote is not read
    s:rollback()
    ann.age = 99
    s:scalars(upsert():returning(User), nil, { populate_existing = true }):all()
    assert.same({ 10, false }, { ann.age, s:is_modified(ann) })
    s:rollback()
    s:no_autoflush(function()
      ann.age, bob.age = 99, 98
      s:scalars(upsert():returning(User)):all()
      assert.same({ 99, true }, { ann.age, s:is_modified(ann) })
      s:scalars(upsert():returning(User), nil, { populate_existing = true }):all()
      assert.same({ 10, false }, { ann.age, s:is_modified(ann) })
    end)
    assert.same({ 98, true }, { bob.age, s:is_modified(bob) }) -- no row of the upsert is bob's
  end)

  it("says which options a statement has", function()
    refuse("ArgumentError", { "populate_existin", "populate_existing" }, function()
      upsert():execution_options{ populate_existin = true }
    end)
    refuse("ArgumentError", { "populate_existing", "true or false" }, function()
      upsert():execution_options{ populate_existing = 1 }
    end)
    refuse("ArgumentError", { "populate_existing" }, function()
      s:execute(upsert(), nil, { populate_existing = "yes" })
    end)
    refuse("ArgumentError", { "known are synchronize_session" }, function()
      User.query:update({ age = 1 }, { populate_existing = true })
    end)
  end)
end)
