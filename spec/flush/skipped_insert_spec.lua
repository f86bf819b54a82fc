-- The database skips the INSERT of a row without an error: no object takes another row for its own.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local function open(...)
  local db = mr.open "sqlite://"
  for _, sql in ipairs{ ... } do db.session:execute(mr.text(sql)) end
  db.session:commit()
  return db
end

local function scalar(db, sql) return db.session:execute(mr.text(sql)):scalar() end
local sent = support.statements

-- Tables t(id, code, body) for which SQLite skips a row whose code exists already.
local ways = {
  ["UNIQUE ON CONFLICT IGNORE"] = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE ON CONFLICT IGNORE, body TEXT DEFAULT 'made')" },
  ["a trigger with RAISE(IGNORE)"] = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT, body TEXT DEFAULT 'made')",
    [[CREATE TRIGGER skip BEFORE INSERT ON t WHEN EXISTS (SELECT 1 FROM t WHERE code = NEW.code)
      BEGIN SELECT RAISE(IGNORE); END]] },
  ["a trigger that writes elsewhere before RAISE(IGNORE)"] = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT, body TEXT DEFAULT 'made')",
    "CREATE TABLE log (id INTEGER PRIMARY KEY, code TEXT)",
    [[CREATE TRIGGER skip BEFORE INSERT ON t WHEN EXISTS (SELECT 1 FROM t WHERE code = NEW.code)
      BEGIN INSERT INTO log (code) VALUES (NEW.code), (NEW.code); SELECT RAISE(IGNORE); END]] },
  ["NOT NULL ON CONFLICT IGNORE and CHECK by a trigger"] = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT, body TEXT NOT NULL ON CONFLICT IGNORE DEFAULT 'made')",
    [[CREATE TRIGGER skip BEFORE INSERT ON t WHEN EXISTS (SELECT 1 FROM t WHERE code = NEW.code)
      BEGIN SELECT RAISE(IGNORE); END]] },
}

local function declare(db, options)
  return db.Model:extend("T", {
    __tablename = "t",
    __mapper_args = options,
    id   = db.Column{ db.Integer, primary_key = true },
    code = db.Column{ db.String },
    body = db.Column{ db.String, server_default = "made" },
  })
end

describe("an object whose INSERT the database skips", function()
  for name, tables in pairs(ways) do
    it("is an error that names it, its values and the cause: " .. name, function()
      for _, eager in ipairs{ "auto", true, false } do
        local db = open(table.unpack(tables))
        local T = declare(db, { eager_defaults = eager })
        local first = T{ code = "x", body = "first" }
        db.session:add(first)
        db.session:commit()
        local again = T{ code = "x", body = eager == "auto" and "again" or nil }
        db.session:add(again)
        refuse("StaleDataError", { "table 't'", "T(code='x'", "ON CONFLICT IGNORE", "RAISE(IGNORE)" },
               db.session.flush, db.session)
        db.session:rollback()
        assert.is_nil(again.id)
        assert.equal("transient", mr.inspect(again).state)
        assert.equal("first", first.body)
        assert.equal(1, scalar(db, "SELECT count(*) FROM t"))
        -- The next object works.
        local other = T{ code = "y", body = "other" }
        db.session:add(other)
        db.session:commit()
        assert.equal("y", T.query:get(other.id).code)
        assert.equal("first", T.query:get(first.id).body)
      end
    end)
  end

  it("is found in the middle of a batch, and with listeners of executions, whose rows wait", function()
    for _, listens in ipairs{ false, true } do
      local db = open(table.unpack(ways["UNIQUE ON CONFLICT IGNORE"]))
      local T = declare(db, { eager_defaults = false })
      if listens then mr.event.listen(db.engine, "before_execute", function() end) end
      for i = 1, 20 do db.session:add(T{ code = "c" .. i % 17, body = "b" .. i }) end
      refuse("StaleDataError", "T(code='c1'", db.session.flush, db.session)
      db.session:rollback()
      assert.equal(0, scalar(db, "SELECT count(*) FROM t"))
    end
  end)

  it("is an error with keys that the program gives, natural and composite ones", function()
    local db = open("CREATE TABLE n (name TEXT PRIMARY KEY ON CONFLICT IGNORE, v INTEGER)",
                    "CREATE TABLE p (a INTEGER, b INTEGER, v INTEGER, PRIMARY KEY (a, b) ON CONFLICT IGNORE)",
                    "CREATE TABLE w (a TEXT PRIMARY KEY, v INTEGER UNIQUE ON CONFLICT IGNORE) WITHOUT ROWID")
    local N = db.Model:extend("N", { __tablename = "n", name = db.Column{ db.String, primary_key = true },
                                     v = db.Column{ db.Integer } })
    local P = db.Model:extend("P", { __tablename = "p", a = db.Column{ db.Integer, primary_key = true },
                                     b = db.Column{ db.Integer, primary_key = true }, v = db.Column{ db.Integer } })
    local W = db.Model:extend("W", { __tablename = "w", a = db.Column{ db.String, primary_key = true },
                                     v = db.Column{ db.Integer } })
    db.session:execute(mr.text "INSERT INTO n VALUES ('x', 1)")
    db.session:execute(mr.text "INSERT INTO p VALUES (1, 2, 1)")
    db.session:execute(mr.text "INSERT INTO w VALUES ('x', 1)")
    db.session:commit()
    for text, make in pairs{ ["N(name='x', v=2)"] = function() return N{ name = "x", v = 2 } end,
                             ["P(a=1, b=2, v=2)"] = function() return P{ a = 1, b = 2, v = 2 } end,
                             ["W(a='y', v=1)"]    = function() return W{ a = "y", v = 1 } end } do
      local o = make()
      db.session:add(o)
      refuse("StaleDataError", text, db.session.flush, db.session)
      db.session:rollback()
      assert.equal("transient", mr.inspect(o).state)
    end
    assert.equal(1, N.query:get("x").v)
    assert.equal(1, P.query:get{ 1, 2 }.v)
    assert.is_nil(W.query:get("y"))
  end)

  it("gives no key to those that refer to it, and rolls a savepoint back alone", function()
    local db = open("CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT UNIQUE ON CONFLICT IGNORE)",
                    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent)")
    local Parent = db.Model:extend("Parent", { id = db.Column{ db.Integer, primary_key = true },
                                               code = db.Column{ db.String }, children = db.relationship "Child" })
    local Child = db.Model:extend("Child", { id = db.Column{ db.Integer, primary_key = true },
                                             parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" } })
    db.session:add_all{ Parent{ code = "a" }, Parent{ code = "b" } }
    db.session:flush()
    local ok = pcall(function()
      db.session:begin_nested(function() db.session:add(Parent{ code = "a", children = { Child(), Child() } }) end)
    end)
    assert.is_false(ok)
    db.session:commit()
    assert.equal(2, Parent.query:count())
    assert.equal(0, Child.query:count())
  end)

  it("may be skipped where the class says so, and its key is given", function()
    local db = open("CREATE TABLE n (name TEXT PRIMARY KEY ON CONFLICT IGNORE, v INTEGER DEFAULT 7)",
                    "INSERT INTO n VALUES ('x', 1)")
    local N = db.Model:extend("N", { __tablename = "n", name = db.Column{ db.String, primary_key = true },
                                     v = db.Column{ db.Integer, server_default = "7" },
                                     __mapper_args = { confirm_inserted_rows = false } })
    local x, y = N{ name = "x" }, N{ name = "y" }
    db.session:add_all{ x, y }
    db.session:commit()
    assert.same({ 1, 7 }, { x.v, y.v })
  end)

  it("has no key of the database if the class lets it be skipped: an error", function()
    local db = open(table.unpack(ways["UNIQUE ON CONFLICT IGNORE"]))
    local T = declare(db, { confirm_inserted_rows = false })
    db.session:add(T{ code = "x", body = "1" })
    db.session:commit()
    db.session:add(T{ code = "x" })
    refuse("StaleDataError", { "T(code='x')", "set the key" }, db.session.flush, db.session)
  end)

  it("is inserted where a later trigger raises IGNORE, or writes to other tables: its key is its own", function()
    local db = open("CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT, body TEXT)",
                    "CREATE TABLE log (id INTEGER PRIMARY KEY, code TEXT)",
                    "INSERT INTO log VALUES (1000, 'old')",
                    [[CREATE TRIGGER note AFTER INSERT ON t
                      BEGIN INSERT INTO log (code) VALUES (NEW.code), (NEW.code); END]])
    local T = declare(db)
    local a, b = T{ code = "a", body = "" }, T{ code = "b", body = "" }
    db.session:add_all{ a, b }
    db.session:commit()
    assert.same({ 1, 2 }, { a.id, b.id })
    assert.equal(5, scalar(db, "SELECT count(*) FROM log"))
    db.session:execute(mr.text "CREATE TRIGGER stop AFTER INSERT ON t BEGIN SELECT RAISE(IGNORE); END")
    local c = T{ code = "c", body = "" }
    db.session:add(c)
    db.session:commit()
    assert.equal("c", scalar(db, "SELECT code FROM t WHERE id = " .. c.id))
  end)

  it("is an error with a key or a value that is an expression, with a version, in a tree", function()
    local db = open([[CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT IGNORE,
                                      parent_id INTEGER, version INTEGER DEFAULT 1)]],
                    "INSERT INTO n (name) VALUES ('a')")
    local N = db.Model:extend("N", {
      __mapper_args = { version_id_col = "version", version_id_generator = false },
      id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String },
      parent_id = db.Column{ db.Integer, db.ForeignKey "n.id" },
      version = db.Column{ db.Integer, server_default = "1" },
      kids = db.relationship("N", { backref = db.backref("parent", { remote_side = "N.id" }) }),
    })
    for _, make in ipairs{ function() return N{ id = mr.text "5 + 6", name = "a" } end,
                           function() return N{ name = mr.func.lower "A" } end,
                           function() return N{ name = "a", kids = { N{ name = "b" } } } end,
                           function() return N{ name = "b", kids = { N{ name = "a" } } } end } do
      db.session:add(make())
      refuse("StaleDataError", { "table 'n'", "N(" }, db.session.flush, db.session)
      db.session:rollback()
      assert.equal(1, N.query:count())
    end
  end)

  it("keeps its key where triggers write to a full-text index", function()
    local db = open("CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT, body TEXT)",
                    "CREATE VIRTUAL TABLE f USING fts5(code)",
                    "INSERT INTO f (rowid, code) VALUES (900, 'z')",
                    "CREATE TRIGGER fill AFTER INSERT ON t BEGIN INSERT INTO f (code) VALUES (NEW.code); END",
                    [[CREATE TRIGGER skip BEFORE INSERT ON t WHEN NEW.code = 'skip'
                      BEGIN INSERT INTO f (code) VALUES (NEW.code); SELECT RAISE(IGNORE); END]])
    local T = declare(db)
    local a, b = T{ code = "a", body = "" }, T{ code = "b", body = "" }
    db.session:add_all{ a, b }
    db.session:commit()
    assert.same({ 1, 2 }, { a.id, b.id })
    db.session:add(T{ code = "skip", body = "" })
    refuse("StaleDataError", "T(code='skip'", db.session.flush, db.session)
  end)

  it("and a row that a trigger keeps from being deleted: confirm_deleted_rows = false", function()
    for _, confirm in ipairs{ true, false } do
      local db = open("CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT, body TEXT)",
                      "INSERT INTO t VALUES (1, 'x', '')",
                      [[CREATE TRIGGER soft BEFORE DELETE ON t
                        BEGIN UPDATE t SET body = 'gone' WHERE id = OLD.id; SELECT RAISE(IGNORE); END]])
      local T = declare(db, { confirm_deleted_rows = confirm })
      db.session:delete(T.query:get(1))
      if confirm then
        refuse("StaleDataError", { "T 1", "trigger" }, db.session.flush, db.session)
      else
        db.session:commit()
        assert.equal("gone", scalar(db, "SELECT body FROM t"))
      end
    end
  end)

  it("is no business of classes that are changed: an UPDATE that is skipped is an error as before", function()
    local db = open(table.unpack(ways["UNIQUE ON CONFLICT IGNORE"]))
    local T = declare(db, { confirm_inserted_rows = false })
    local a, b = T{ code = "a", body = "" }, T{ code = "b", body = "" }
    db.session:add_all{ a, b }
    db.session:commit()
    b.code = "a"
    refuse("StaleDataError", "T 2", db.session.flush, db.session)
  end)
end)

describe("a link row that the database skips", function()
  local function model(constraint, ...)
    local db = open("CREATE TABLE a (id INTEGER PRIMARY KEY)", "CREATE TABLE b (id INTEGER PRIMARY KEY)",
                    "CREATE TABLE ab (a_id INTEGER, b_id INTEGER, " .. constraint .. ")",
                    "INSERT INTO a VALUES (1), (2)", "INSERT INTO b VALUES (1), (2)", ...)
    local ab = db.Table("ab", db.Column{ "a_id", db.Integer, db.ForeignKey "a.id" },
      db.Column{ "b_id", db.Integer, db.ForeignKey "b.id" })
    local A = db.Model:extend("A", { id = db.Column{ db.Integer, primary_key = true },
                                     bs = db.relationship("B", { secondary = ab, backref = "as" }) })
    local B = db.Model:extend("B", { id = db.Column{ db.Integer, primary_key = true } })
    return db, A, B
  end

  it("is an error that names both ends where the link is not there", function()
    for _, constraint in ipairs{ "UNIQUE (b_id) ON CONFLICT IGNORE", "CHECK (a_id < 9)" } do
      local trigger = constraint:find "CHECK"
        and [[CREATE TRIGGER one BEFORE INSERT ON ab WHEN EXISTS (SELECT 1 FROM ab WHERE b_id = NEW.b_id)
              BEGIN SELECT RAISE(IGNORE); END]] or nil
      local db, A, B = model(constraint, trigger)
      A.query:get(1).bs:append(B.query:get(1))
      db.session:commit()
      A.query:get(2).bs:extend{ B.query:get(2), B.query:get(1) }
      refuse("StaleDataError", { "table 'ab'", "A.bs", "A 2", "B 1", "ON CONFLICT IGNORE" },
             db.session.flush, db.session)
      db.session:rollback()
      assert.equal(1, scalar(db, "SELECT count(*) FROM ab"))
      assert.equal(0, #A.query:get(2).bs)
      -- New objects on both sides.
      local a = A()
      db.session:add(a)
      a.bs:append(B.query:get(1))
      refuse("StaleDataError", { "A 3", "B 1" }, db.session.flush, db.session)
      db.session:rollback()
    end
  end)

  it("is as well where the link is there already, and the table ignores a second one", function()
    local db, A, B = model("PRIMARY KEY (a_id, b_id) ON CONFLICT IGNORE")
    local a, b = A.query:get(1), B.query:get(1)
    assert.equal(0, #a.bs)
    db.session:execute(mr.text "INSERT INTO ab VALUES (1, 1)")
    a.bs:extend{ b, B.query:get(2) }
    db.session:commit()
    assert.equal(2, #a.bs)
    assert.equal(2, scalar(db, "SELECT count(*) FROM ab"))
  end)
end)

describe("an INSERT statement that inserted nothing", function()
  it("has rowcount 0, and no key and no rowid of another row", function()
    for _, tables in pairs(ways) do
      local db = open(table.unpack(tables))
      local T = declare(db)
      local insert = function(values) return db.session:execute(mr.insert(T):values(values)) end
      local first = insert{ code = "x" }
      assert.same({ 1, { 1 }, 1 }, { first.rowcount, first.inserted_primary_key, first.lastrowid })
      local skipped = insert{ code = "x" }
      assert.equal(0, skipped.rowcount)
      assert.is_nil(skipped.inserted_primary_key)
      assert.is_nil(skipped.lastrowid)
      local given = insert{ id = 9, code = "x" }
      assert.same({ 0 }, { given.rowcount, given.inserted_primary_key })
      local rows = db.session:execute(mr.insert(T), { { code = "x" }, { code = "y" }, { code = "x" } })
      assert.equal(1, rows.rowcount)
      assert.equal(2, rows.lastrowid)
      local returned = db.session:execute(mr.insert(T):values{ code = "x" }:returning(T.id))
      assert.same({}, returned:all())
      assert.same({ 3 }, insert{ code = "z" }.inserted_primary_key)
      db.session:commit()
      local connection = db.engine:connect()
      assert.is_nil(connection:execute(mr.insert(T):values{ code = "z" }).inserted_primary_key)
      assert.same({ 4 }, connection:execute(mr.insert(T):values{ code = "zz" }).inserted_primary_key)
      connection:close()
    end
  end)

  it("so does an upsert that does nothing; one that changes a row has no new key", function()
    local db = open "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE, body TEXT)"
    local T = declare(db)
    local function upsert(values, update, by)
      local statement = mr.insert(T):values(values)
      statement = update and statement:on_conflict_do_update{ index_elements = { by or "code" }, set = update }
        or statement:on_conflict_do_nothing()
      return db.session:execute(statement)
    end
    assert.same({ 1 }, upsert({ code = "a" }).inserted_primary_key)
    assert.same({ 2 }, upsert({ code = "b" }, { body = "!" }).inserted_primary_key)
    assert.is_nil(upsert({ code = "a" }).inserted_primary_key)
    local changed = upsert({ code = "a" }, { body = "changed" })
    assert.equal(1, changed.rowcount)
    assert.is_nil(changed.inserted_primary_key)
    assert.is_nil(changed.lastrowid)
    assert.equal("changed", scalar(db, "SELECT body FROM t WHERE id = 1"))
    assert.equal(2, scalar(db, "SELECT last_insert_rowid()"))
    -- The conflict is in another column than the given key.
    assert.is_nil(upsert({ id = 7, code = "a" }, { body = "2" }).inserted_primary_key)
    assert.same({ 8 }, upsert({ id = 8, code = "c" }, { body = "2" }).inserted_primary_key)
    -- The conflict is in the key.
    assert.same({ 1 }, upsert({ id = 1, code = "d" }, { body = "3" }, "id").inserted_primary_key)
  end)
end)

describe("a view with INSTEAD OF triggers", function()
  local function model(args)
    local db = open("CREATE TABLE base (id INTEGER PRIMARY KEY, name TEXT, gone INTEGER DEFAULT 0)",
                    "INSERT INTO base (id, name) VALUES (1, 'one')",
                    "CREATE VIEW v AS SELECT id, name FROM base WHERE gone = 0",
                    [[CREATE TRIGGER vi INSTEAD OF INSERT ON v
                      BEGIN INSERT INTO base (id, name) VALUES (NEW.id, NEW.name); END]],
                    [[CREATE TRIGGER vu INSTEAD OF UPDATE ON v
                      BEGIN UPDATE base SET name = NEW.name WHERE id = OLD.id; END]],
                    "CREATE TRIGGER vd INSTEAD OF DELETE ON v BEGIN UPDATE base SET gone = 1 WHERE id = OLD.id; END")
    return db, db.Model:extend("V", { __tablename = "v", __mapper_args = args,
                                      id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String } })
  end

  it("is mapped by confirm_inserted_rows = false and confirm_deleted_rows = false, its keys given", function()
    local db, V = model{ confirm_inserted_rows = false, confirm_deleted_rows = false }
    local two = V{ id = 2, name = "two" }
    db.session:add_all{ two, V{ id = 3, name = "three" } }
    db.session:commit()
    assert.equal("two", two.name)
    two.name = "deux"
    V.query:get(1).name = "un"
    db.session:commit()
    assert.equal("deux", scalar(db, "SELECT name FROM base WHERE id = 2"))
    assert.equal("un", scalar(db, "SELECT name FROM base WHERE id = 1"))
    db.session:delete(two)
    db.session:commit()
    assert.is_nil(V.query:get(2))
    assert.equal(2, V.query:count())
  end)

  it("wants a key, and says so before anything is sent", function()
    for _, args in ipairs{ { confirm_inserted_rows = false }, {} } do
      local db, V = model(args)
      db.session:add(V{ name = "x" })
      assert.same({}, sent(db, function()
        refuse("InvalidRequestError", { "V.id", "view", "set the key" }, db.session.flush, db.session)
      end))
    end
  end)

  it("is an error without the options, which it names", function()
    local db, V = model()
    db.session:add(V{ id = 5, name = "five" })
    refuse("StaleDataError", { "V(id=5, name='five')", "view", "confirm_inserted_rows = false" },
           db.session.flush, db.session)
    db.session:rollback()
    local one = V.query:get(1)
    db.session:delete(one)
    refuse("StaleDataError", { "V 1", "confirm_deleted_rows = false" }, db.session.flush, db.session)
    db.session:rollback()
    one.name = "x"
    refuse("StaleDataError", { "V 1", "confirm_inserted_rows = false" }, db.session.flush, db.session)
  end)

  it("inherits the options, and a statement on it has no key", function()
    local db, V = model{ confirm_inserted_rows = false, confirm_deleted_rows = false }
    local Sub = V:extend("Sub", {})
    db.session:add(Sub{ id = 6, name = "six" })
    db.session:commit()
    assert.equal(1, scalar(db, "SELECT count(*) FROM base WHERE id = 6"))
    local result = db.session:execute(mr.insert(V):values{ id = 7, name = "seven" })
    assert.equal(0, result.rowcount)
    assert.is_nil(result.inserted_primary_key)
    refuse("ArgumentError", { "confirm_inserted_rows", "true or false" }, model, { confirm_inserted_rows = 1 })
    refuse("ArgumentError", { "confirm_inserted_row", "did you mean" }, model, { confirm_inserted_row = false })
  end)
end)
