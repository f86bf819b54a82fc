-- UPDATE, DELETE, INSERT and RETURNING: what they write, what the objects in memory show afterwards, and how many
-- statements that takes, of SQLAlchemy's test/orm/dml/test_orm_upd_del_basic.py, test/sql/test_insert.py and
-- test/sql/test_returning.py, restated for our classes. Each case has its origin in its title.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, s, User, Document, john, jack, jill, jane

before_each(function()
  db = mr.open "sqlite://"
  User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(32) }, age_int = db.Column{ "age", db.Integer },
    documents = db.relationship{ "Document", back_populates = "user" } })
  Document = db.Model:extend("Document", { id = db.Column{ db.Integer, primary_key = true },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id" }, title = db.Column{ db.String(32) },
    samename = db.Column{ db.String(10), default = "d" },
    user = db.relationship{ "User", back_populates = "documents" } })
  db:create_all()
  s = mr.Session(db.engine)
  john, jack = User{ name = "john", age_int = 25 }, User{ name = "jack", age_int = 47 }
  jill, jane = User{ name = "jill", age_int = 29 }, User{ name = "jane", age_int = 37 }
  s:add_all{ john, jack, jill, jane }
  s:flush()
  s:commit()
  assert.equal(4, #s:query(User):all())
end)
after_each(function() s:close() end)

local function ages()
  local out = {}
  for i, user in ipairs{ john, jack, jill, jane } do out[i] = user.age_int end
  return table.concat(out, " ")
end

local function stored()
  local out = {}
  for i, age in ipairs(s:scalars(mr.select(User.age_int):order_by(User.id)):all()) do out[i] = age end
  return table.concat(out, " ")
end

--- Runs fn, asserts the number of its statements, and returns their SQL.
local function statements(n, fn)
  local sql = {}
  for i, record in ipairs(db:record(fn)) do sql[i] = record.statement end
  assert.equal(n, #sql, table.concat(sql, "\n"))
  return sql
end

local old = function() return s:query(User):filter(User.age_int:gt(29)) end

describe("an UPDATE by a query", function()
  it("changes objects by computing the criteria (test_update, test_evaluate_before_update)", function()
    statements(1, function() assert.equal(2, old():update({ age_int = User.age_int - 10 },
      { synchronize_session = "evaluate" })) end)
    statements(0, function() assert.equal("25 37 29 27", ages()) end)
    assert.equal("25 37 29 27", stored())
  end)

  it("does so by itself where it can (test_auto_synchronize)", function()
    statements(1, function() old():update{ age_int = 1 } end)
    statements(0, function() assert.equal("25 1 29 1", ages()) end)
  end)

  it("finds them by a SELECT with fetch (test_fetch_before_update)", function()
    local sql = statements(2, function() old():update({ age_int = 2 }, { synchronize_session = "fetch" }) end)
    assert.matches("^SELECT user.id FROM user WHERE", sql[1])
    statements(0, function() assert.equal("25 2 29 2", ages()) end)
  end)

  it("leaves objects alone with false (test_update_without_load, test_bulk_update_synchronize_session)", function()
    statements(1, function() old():update({ age_int = 2 }, { synchronize_session = false }) end)
    statements(0, function() assert.equal("25 47 29 37", ages()) end)
    s:expire_all()
    assert.equal("25 2 29 2", ages())
  end)

  it("returns how many rows it matched (test_update_returns_rowcount)", function()
    assert.equal(2, old():update{ age_int = User.age_int + 0 })
    assert.equal(0, s:query(User):filter(User.age_int:gt(99)):update{ age_int = 1 })
  end)

  it("of all rows needs no criteria (test_update_all)", function()
    assert.equal(4, s:query(User):update{ age_int = 42 })
    assert.equal("42 42 42 42", ages())
  end)

  it("flushes first (test_autoflush_before_evaluate_update, test_update_changes_with_autoflush)", function()
    john.age_int = 50
    statements(2, function() old():update{ age_int = User.age_int - 10 } end)
    assert.equal("40 37 29 27", ages())
  end)

  it("of a column with a change that is not flushed takes the row's (test_update_changes_resets_dirty)", function()
    local quiet = mr.Session(db.engine, { autoflush = false })
    local one = quiet:get(User, 1)
    one.age_int = 50
    quiet:query(User):filter(User.id:eq(1)):update({ age_int = 30 }, { synchronize_session = "evaluate" })
    assert.equal(30, one.age_int)
    quiet:flush()
    assert.equal(30, quiet:scalar(mr.select(User.age_int):where(User.id:eq(1))))
    quiet:close()
  end)

  it("does not read expired objects for it (test_evaluate_dont_refresh_expired_objects)", function()
    s:expire(john)
    s:expire(jack)
    statements(1, function() old():update({ age_int = User.age_int - 10 }, { synchronize_session = "evaluate" }) end)
    statements(0, function() assert.equal("29 27", jill.age_int .. " " .. jane.age_int) end)
    statements(2, function() assert.equal("25 37 29 27", ages()) end)
  end)

  it("takes parameters (test_update_with_bindparams)", function()
    s:query(User):filter(mr.text "age > :x"):params{ x = 29 }:update({ age_int = 5 }, { synchronize_session = "fetch" })
    assert.equal("25 5 29 5", ages())
  end)

  it("takes a name that is another than the column's (test_update_attr_names)", function()
    local sql = statements(1, function() old():update{ age_int = 7 } end)
    assert.equal("UPDATE user SET age=? WHERE user.age > ?", sql[1])
    refuse("ArgumentError", { "User", "'age'" }, function() s:query(User):update{ age = 1 } end)
  end)

  it("takes a CASE and IN (test_update_using_case, test_update_using_in)", function()
    s:query(User):filter(User.name:in_{ "john", "jill" }):update{
      age_int = mr.case{ { User.name:eq "john", 1 }, else_ = 2 } }
    assert.equal("1 47 2 37", ages())
  end)

  it("of another table's values (test_update_from_multitable_same_names, test_no_eval_against_multi_table_criteria)",
    function()
      s:add_all{ Document{ user = jack, title = "a" }, Document{ user = jill, title = "b" } }
      s:flush()
      local q = s:query(Document):filter(Document.user_id:eq(User.id), User.name:eq "jack")
      assert.equal(1, q:update{ samename = "x", title = User.name })
      assert.equal("jack x d", jack.documents[1].title .. " " .. jack.documents[1].samename .. " "
        .. jill.documents[1].samename)
      refuse("InvalidRequestError", { "evaluated", "fetch" }, function()
        q:update({ samename = "y" }, { synchronize_session = "evaluate" })
      end)
    end)

  it("refuses a join, a limit, an order and a group (test_illegal_operations)", function()
    for name, q in pairs{ join = s:query(User):join(User.documents), limit = s:query(User):limit(2),
      order_by = s:query(User):order_by(User.id), group_by = s:query(User):group_by(User.id),
      distinct = s:query(User):distinct(), offset = s:query(User):offset(2) } do
      refuse("ArgumentError", { "update", name, "in_" }, function() q:update{ age_int = 1 } end)
      refuse("ArgumentError", { "delete", name, "in_" }, function() q:delete() end)
    end
    refuse("ArgumentError", { "synchronize_session", "fake" }, function()
      s:query(User):update({ age_int = 1 }, { synchronize_session = "fake" })
    end)
    refuse("ArgumentError", "class", function() s:query(User.id):update{ age_int = 1 } end)
  end)

  it("is taken back by a rollback (test_delete_rollback's twin)", function()
    old():update{ age_int = 1 }
    s:rollback()
    assert.equal("25 47 29 37", ages())
  end)
end)

describe("a DELETE by a query", function()
  it("takes the objects out of the session (test_delete, test_evaluate_before_delete)", function()
    statements(1, function() assert.equal(2, s:query(User):filter(User.name:in_{ "john", "jill" }):delete()) end)
    assert.is_false(s:contains(john))
    assert.is_false(s:contains(jill))
    assert.is_true(s:contains(jack))
    assert.equal("47 37", stored())
  end)

  it("brings them back in a rollback (test_delete_rollback, test_delete_rollback_with_fetch)", function()
    for _, how in ipairs{ "evaluate", "fetch" } do
      s:query(User):filter(User.name:in_{ "john", "jill" }):delete{ synchronize_session = how }
      assert.is_false(s:contains(john))
      s:rollback()
      assert.is_true(s:contains(john))
      assert.is_true(s:contains(jill))
      assert.equal("25 47 29 37", ages())
    end
  end)

  it("leaves them with false (test_delete_without_session_sync)", function()
    statements(1, function() old():delete{ synchronize_session = false } end)
    assert.is_true(s:contains(jack))
  end)

  it("of all rows (test_delete_all)", function()
    assert.equal(4, s:query(User):delete())
    for _, user in ipairs{ john, jack, jill, jane } do assert.is_false(s:contains(user)) end
  end)

  it("cannot compute a function of the database (test_delete_invalid_evaluation)", function()
    refuse("InvalidRequestError", { "evaluated" }, function()
      s:query(User):filter(User.name:eq(mr.select(mr.func.max(User.name)):scalar_subquery()))
        :delete{ synchronize_session = "evaluate" }
    end)
    assert.equal(1, s:query(User):filter(User.name:eq(mr.select(mr.func.max(User.name)):scalar_subquery())):delete())
    assert.is_false(s:contains(john))
  end)

  it("flushes first (test_autoflush_before_fetch_delete)", function()
    john.name = "jojo"
    assert.equal(1, s:query(User):filter_by{ name = "jojo" }:delete{ synchronize_session = "fetch" })
    assert.is_false(s:contains(john))
  end)
end)

describe("a statement of a class", function()
  it("changes the objects as a query does (test_update_newstyle)", function()
    statements(1, function()
      s:execute(mr.update(User):where(User.age_int:gt(29)):values{ age_int = User.age_int - 10 })
    end)
    statements(0, function() assert.equal("25 37 29 27", ages()) end)
  end)

  it("says by an option how (test_update_fetch_returning, test_delete_fetch_returning)", function()
    local update = mr.update(User):where(User.age_int:gt(29)):values{ age_int = 3 }
    s:execute(update:execution_options{ synchronize_session = "fetch" })
    statements(0, function() assert.equal("25 3 29 3", ages()) end)
    s:execute(mr.delete(User):where(User.age_int:eq(3)), nil, { synchronize_session = "fetch" })
    assert.is_false(s:contains(jane))
  end)

  it("returns objects, changed (test_update_evaluate_w_explicit_returning, test_fetch_w_explicit_returning)", function()
    local users = s:scalars(mr.update(User):where(User.age_int:gt(29)):values{ age_int = User.age_int + 1 }
      :returning(User)):all()
    assert.equal(2, #users)
    assert.is_true(users[1] == jack and users[2] == jane)
    assert.equal("25 48 29 38", ages())
  end)

  it("returns columns (test_update_returning_star, test_delete_returning_star)", function()
    assert.equal('{("jack", 57), ("jane", 47)}', tostring(s:execute(mr.update(User):where(User.age_int:gt(29))
      :values{ age_int = User.age_int + 10 }:returning(User.name, User.age_int)):all()))
    assert.equal('{("jack")}', tostring(s:execute(mr.delete(User):where(User.name:eq "jack")
      :returning(User.name)):all()))
    assert.is_false(s:contains(jack))
  end)

  it("of an empty RETURNING is an error (none)", function()
    refuse("ArgumentError", "returning", function() mr.update(User):returning() end)
  end)

  it("writes values in their order (test_update_preserve_parameter_order)", function()
    assert.equal("UPDATE user SET age=?, name=?",
      tostring(mr.update(User):ordered_values({ User.age_int, 1 }, { User.name, "x" })))
    assert.equal("UPDATE user SET name=?, age=?",
      tostring(mr.update(User):ordered_values({ User.name, "x" }, { User.age_int, 1 })))
    refuse("InvalidRequestError", { "ordered_values" }, function() mr.update(User):ordered_values({ User.name, "x" })
      :values{ age_int = 1 } end)
  end)

  it("refuses values of no column (test_unconsumed_names_values_dict)", function()
    refuse("ArgumentError", { "'nam'", "name" }, function() mr.update(User):values{ nam = "x" } end)
    refuse("ArgumentError", { "'nam'" }, function() mr.insert(User):values{ nam = "x" } end)
    refuse("ArgumentError", { "empty" }, function() mr.update(User):values{} end)
  end)
end)

describe("an INSERT", function()
  local function names()
    return tostring(s:scalars(mr.select(User.name):where(User.id:gt(4)):order_by(User.id)):all())
  end

  it("gives the new key (test_chained_insert_pk)", function()
    local result = s:execute(mr.insert(User):values{ name = "new" })
    assert.equal(5, result.inserted_primary_key[1])
    assert.equal('{"new"}', names())
  end)

  it("of several rows is one statement (test_insert_values_multiple)", function()
    local sql = statements(1, function()
      s:execute(mr.insert(User):values{ { name = "a" }, { name = "b" }, { name = "c" } })
    end)
    assert.equal("INSERT INTO user (name) VALUES (?), (?), (?)", sql[1])
    assert.equal('{"a", "b", "c"}', names())
  end)

  it("of rows with other names is refused (test_heterogeneous_multi_values)", function()
    refuse("ArgumentError", { "row" }, function()
      s:execute(mr.insert(User):values{ { name = "a" }, { age_int = 1 } })
    end)
  end)

  it("takes expressions and subqueries as values (test_insert_sql_expr, test_update_supplemental_cols)", function()
    s:execute(mr.insert(User):values{ name = mr.func.upper "x", age_int = mr.select(mr.func.max(User.age_int) + 1)
      :scalar_subquery() })
    assert.equal(48, s:scalar(mr.select(User.age_int):where(User.name:eq "X")))
  end)

  it("of a select (test_insert_from_select_select, test_insert_from_select_with_python_defaults)", function()
    local insert = mr.insert(Document):from_select({ "title", "user_id" }, mr.select(User.name, User.id)
      :where(User.age_int:gt(29)):order_by(User.id))
    assert.equal("INSERT INTO document (title, user_id, samename) SELECT user.name, user.id, ? AS anon_1 FROM user "
      .. "WHERE user.age > ? ORDER BY user.id", tostring(insert))
    assert.equal(2, s:execute(insert).rowcount)
    assert.equal('{("jack", "d"), ("jane", "d")}',
      tostring(s:execute(mr.select(Document.title, Document.samename):order_by(Document.id)):all()))
  end)

  it("of a union (test_insert_from_select_union)", function()
    s:execute(mr.insert(User):from_select({ "name" }, mr.union(mr.select(mr.literal "u1"), mr.select(mr.literal "u2"))))
    assert.equal('{"u1", "u2"}', names())
  end)

  it("of a select without a value for each name is refused (test_insert_from_select_col_values)", function()
    refuse("ArgumentError", { "from_select", "the names are 2", "select 1" }, function()
      mr.insert(User):from_select({ "name", "age_int" }, mr.select(User.name))
    end)
    refuse("ArgumentError", { "from_select", "the names are 1", "select 3" }, function()
      mr.insert(User):from_select({ "name" }, mr.select(User))
    end)
  end)

  it("of values beside a select is refused (test_insert_mix_select_values_exception)", function()
    refuse("InvalidRequestError", { "from_select" }, function()
      mr.insert(User):from_select({ "name" }, mr.select(User.name)):values{ name = "x" }
    end)
  end)

  it("without values writes the defaults (test_empty_insert_default)", function()
    local sql = statements(1, function() s:execute(mr.insert(User)) end)
    assert.equal("INSERT INTO user DEFAULT VALUES", sql[1])
  end)

  it("returns columns, expressions and objects (test_insert_returning, test_anon_expressions)", function()
    assert.equal('{(5, "x!")}', tostring(s:execute(mr.insert(User):values{ name = "x" }
      :returning(User.id, (User.name .. "!"):label "loud")):all()))
    local users = s:scalars(mr.insert(User):values{ { name = "y" }, { name = "z" } }:returning(User)):all()
    assert.equal("y z", users[1].name .. " " .. users[2].name)
    assert.is_true(s:contains(users[1]))
    assert.equal("6 7", users[1].id .. " " .. users[2].id)
  end)

  it("with ON CONFLICT returns what stands there (test_upsert_data_w_defaults)", function()
    local insert = mr.insert(User):values{ { id = 1, name = "JOHN" }, { id = 9, name = "nine" } }
    local users = s:scalars(insert:on_conflict_do_update{ index_elements = { "id" },
      set = { name = insert.excluded.name } }:returning(User):execution_options{ populate_existing = true }):all()
    assert.is_true(users[1] == john)
    assert.equal("JOHN 25 nine", john.name .. " " .. john.age_int .. " " .. users[2].name)
  end)
end)
