-- The driver for PostgreSQL: connections, parameters, statements, errors. It runs where MOONROW_TEST_URL names a
-- server.

local mr = require "moonrow"
local postgresql = require "spec.support.postgresql"
local refuse = require "spec.support.refuse"

describe("a PostgreSQL URL", function()
  it("is refused with the nearest name of a parameter that does not exist", function()
    refuse("ArgumentError", { "unknown parameter 'sslmod'", "did you mean 'sslmode'" }, function()
      mr.create_engine "postgresql://ann@localhost/shop?sslmod=require"
    end)
    refuse("ArgumentError", { "prepare", "true or false" }, function()
      mr.create_engine "postgresql:///shop?prepare=no"
    end)
  end)

  it("of a server that does not answer is an OperationalError without its password", function()
    local engine = mr.create_engine "postgresql://ann:secret@/shop?host=/nowhere/at/all"
    refuse("OperationalError", { "cannot connect", "postgresql://ann:***@/shop", "/nowhere/at/all" }, function()
      engine:connect()
    end)
  end)
end)

describe("a bind of PostgreSQL", function()
  local function statement(query)
    local db = mr.open "mock+postgresql://"
    return db:record(function() db.session:execute(query):all() end)[1].statement
  end

  it("that a query has in two places is one parameter, so that a group is that of its expression", function()
    local t = mr.Table("t", mr.MetaData(), mr.Column("id", mr.Integer), mr.Column("n", mr.Integer))
    local rest = (t.c.n % 3)
    local q = mr.select(rest:label "rest", mr.func.count()):where(t.c.id:gt(5)):group_by(rest):order_by(rest)
    assert.equal(
      "SELECT t.n % $1 AS rest, count(*) AS count_1 FROM t WHERE t.id > $2 GROUP BY t.n % $1 ORDER BY t.n % $1",
      statement(q)
    )
    local other = (t.c.n % 3)
    assert.equal(
      "SELECT t.n % $1 AS rest FROM t GROUP BY t.n % $2",
      statement(mr.select(rest:label "rest"):group_by(other))
    )
  end)
end)

if not postgresql.url then
  pending "the driver for PostgreSQL: MOONROW_TEST_URL names no server"
  return
end

local function open(options) return mr.open(postgresql.fresh() .. (options or "")) end

local function with_items(options)
  local db = open(options)
  local Item = db.Model:extend("Item", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20), nullable = false, unique = true },
    count = db.Column{ db.BigInteger, default = 0 },
  })
  db:create_all()
  return db, Item
end

-- The number of this connection's server process.
local function backend(session) return session:scalar(mr.text "SELECT pg_backend_pid()") end

local function error_of(fn, ...)
  local ok, e = pcall(fn, ...)
  assert.is_false(ok)
  return e
end

describe("PostgreSQL", function()
  it("inserts, loads, changes and deletes objects", function()
    local db, Item = with_items()
    local s = db.session
    local a, b = Item{ name = "a" }, Item{ name = "b", count = 2 ^ 40 // 1 | 0 }
    local records = db:record(function()
      s:add_all{ a, b }
      s:commit()
    end)
    assert.equal(1, #records)
    assert.equal(
      "INSERT INTO item (name, count) VALUES ($1, $2), ($3, $4) RETURNING item.id",
      records[1].statement
    )
    assert.same({ 1, 2 }, { a.id, b.id })
    a.count = 7
    s:delete(b)
    s:commit()
    s:expunge_all()
    local found = Item.query:all()
    assert.equal(1, #found)
    assert.same({ "a", 7 }, { found[1].name, found[1].count })
  end)

  it("keeps values of every type", function()
    local db = open()
    local All = db.Model:extend("All", {
      id = db.Column{ db.Integer, primary_key = true },
      small = db.Column(db.SmallInteger),
      big = db.Column(db.BigInteger),
      float = db.Column(db.Float),
      price = db.Column(db.Numeric(30, 10)),
      ok = db.Column(db.Boolean),
      text = db.Column(db.Text),
      bytes = db.Column(db.LargeBinary),
      day = db.Column(db.Date),
      time = db.Column(db.Time),
      at = db.Column(db.DateTime),
      length = db.Column(db.Interval),
      uuid = db.Column(db.Uuid),
      json = db.Column(db.JSON),
      jsonb = db.Column(db.JSONB),
      kind = db.Column(db.Enum("a", "b")),
    })
    db:create_all()
    local values = {
      small = -7,
      big = math.mininteger,
      float = 0.1,
      price = mr.decimal "12345678901234567890.0123456789",
      ok = false,
      text = "häß \u{1F600} 'x' \\",
      bytes = "a\0\255'",
      day = mr.date(1, 2, 3),
      time = mr.time(13, 4, 5, 678),
      at = mr.datetime(2024, 2, 29, 13, 4, 5, 120000),
      length = mr.interval{ days = -3, seconds = 1.25 },
      uuid = "00112233-4455-6677-8899-aabbccddeeff",
      kind = "b",
    }
    local row = All(values)
    row.json = { list = { 1, 2.5, "x" } }
    row.jsonb = { list = { 1, 2.5, "x" } }
    db.session:add(row)
    db.session:commit()
    db.session:expunge_all()
    for _ = 1, 3 do -- unprepared, and prepared
      local read = All.query:one()
      for name, value in pairs(values) do
        assert.equal(value, read[name], name)
      end
      assert.same({ 1, 2.5, "x" }, { table.unpack(read.json.list) })
      assert.same({ 1, 2.5, "x" }, { table.unpack(read.jsonb.list) })
      for name, value in pairs(values) do
        assert.equal(1, All.query:filter(All[name]:eq(value)):count(), name)
      end
      db.session:expire_all()
    end
  end)

  it("refuses a text with a zero byte, which it would cut off", function()
    local db, Item = with_items()
    db.session:add(Item{ name = "a\0b" })
    refuse("DataError", { "zero byte", "LargeBinary" }, db.session.commit, db.session)
    db.session:rollback()
    assert.equal(0, Item.query:count())
  end)

  it("tells of an error its code, constraint, table and detail, and keeps data of rows out of the message", function()
    local db, Item = with_items()
    local s = db.session
    s:add(Item{ name = "secret" })
    s:commit()
    s:add(Item{ name = "secret" })
    local e = error_of(s.commit, s)
    assert.equal("IntegrityError", e.kind)
    assert.equal("23505", e.orig.sqlstate)
    assert.same({ "item", "item_name_key" }, { e.orig.table, e.orig.constraint })
    assert.truthy(e.orig.detail:find("secret", 1, true))
    assert.is_nil(e.message:find("secret", 1, true))
    s:rollback()
    s:execute(mr.insert(Item):values{ name = "x" })
    e = error_of(s.execute, s, mr.text "INSERT INTO item (id) VALUES (77)")
    assert.same({ "23502", "name" }, { e.orig.sqlstate, e.orig.column })
    s:rollback()
    assert.equal(1, Item.query:count())
  end)

  it("refuses the statements of a transaction after one has failed, until a rollback", function()
    local db, Item = with_items()
    local s = db.session
    s:add(Item{ name = "a" })
    s:flush()
    assert.equal("42P01", error_of(s.execute, s, mr.text "SELECT * FROM nothing").orig.sqlstate)
    refuse("PendingRollbackError", { "rollback()", "nothing" }, s.execute, s, mr.text "SELECT 1")
    refuse("PendingRollbackError", { "rollback()", "nothing" }, s.commit, s)
    s:rollback()
    assert.equal(0, Item.query:count())
  end)

  it("goes on after the rollback of a savepoint in which a statement has failed", function()
    local db, Item = with_items()
    local s = db.session
    s:begin(function()
      s:add(Item{ name = "a" })
      s:flush()
      local ok = pcall(s.begin_nested, s, function()
        s:execute(mr.text "SELECT * FROM nothing")
      end)
      assert.is_false(ok)
      s:add(Item{ name = "b" })
    end)
    assert.equal(2, Item.query:count())
  end)

  it("begins no transaction for a text that it cannot read", function()
    local db = open()
    assert.equal("42601", error_of(db.session.execute, db.session, mr.text "UPDAT x SET y = 1").orig.sqlstate)
    assert.equal(1, db.session:scalar(mr.text "SELECT 1"))
  end)

  it("prepares a statement when it runs again, and anew when its table has changed", function()
    local db, Item = with_items()
    local s, other = db.session, mr.Session(db.engine)
    local prepared = mr.text "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'mr\\_%'"
    s:add(Item{ name = "a" })
    s:commit()
    local all = mr.select(Item.name)
    assert.equal(0, s:scalar(prepared))
    for _ = 1, 3 do
      assert.equal("a", s:scalar(all))
    end
    local count = s:scalar(prepared)
    assert.is_true(count >= 1)
    other:execute(mr.text "ALTER TABLE item ALTER COLUMN name TYPE varchar(30)")
    other:commit()
    for _ = 1, 3 do
      assert.equal("a", s:scalar(all))
    end
  end)

  it("prepares nothing with prepare=false", function()
    local db, Item = with_items "&prepare=false"
    local s = db.session
    for i = 1, 4 do
      s:add(Item{ name = "n" .. i })
      s:commit()
      assert.equal(i, Item.query:count())
    end
    assert.equal(0, s:scalar(mr.text "SELECT count(*) FROM pg_prepared_statements"))
  end)

  it("stops a statement at its timeout, and the session goes on", function()
    local db = open()
    local e = error_of(
      db.session.scalar,
      db.session,
      mr.select(mr.func.pg_sleep(20)):execution_options{ timeout = 0.2 }
    )
    assert.equal("OperationalError", e.kind)
    assert.truthy(e.message:find("timeout", 1, true))
    assert.equal(1, db.session:scalar(mr.text "SELECT 1"))
  end)

  it("tells of a lost connection, and takes another one after the rollback", function()
    local db, Item = with_items()
    local s, other = db.session, mr.Session(db.engine)
    s:add(Item{ name = "a" })
    s:flush()
    other:execute(mr.text "SELECT pg_terminate_backend(:pid)", { pid = backend(s) })
    s:add(Item{ name = "b" })
    local e = error_of(s.flush, s)
    assert.equal("OperationalError", e.kind)
    assert.truthy(e.message:find("connection to the server is lost", 1, true))
    assert.equal("57P01", e.orig.sqlstate)
    s:rollback()
    assert.equal(0, Item.query:count())
    s:add(Item{ name = "c" })
    s:commit()
    assert.equal(1, Item.query:count())
  end)

  it("names the outcome unknown when the connection is lost in a COMMIT", function()
    local db, Item = with_items()
    local s, other = db.session, mr.Session(db.engine)
    s:execute(mr.text [[CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_sleep(20); RETURN NULL; END']])
    s:execute(mr.text [[CREATE CONSTRAINT TRIGGER late AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION slow()]])
    s:commit()
    s:execute(mr.text [[CREATE FUNCTION kill_soon(pid int) RETURNS void LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_sleep(0.3); PERFORM pg_terminate_backend(pid); END']])
    s:commit()
    s:add(Item{ name = "a" })
    s:flush()
    -- Another process ends the connection while COMMIT runs the trigger.
    local query = ("SELECT kill_soon(%d)"):format(backend(s))
    local schema = other:scalar(mr.text "SELECT current_schema()")
    local program = ([[lua5.4 -e 'local mr = require "moonrow"
      local c = mr.create_engine(os.getenv "MOONROW_TEST_URL"):connect()
      c:execute(mr.text "SET search_path = %s") c:execute(mr.text "%s")' &]]):format(schema, query)
    assert(os.execute(program))
    local e = error_of(s.commit, s)
    assert.equal("UnknownOutcomeError", e.kind)
    assert.is_true(mr.errors.OperationalError:is(e))
    s:rollback()
    assert.equal(0, Item.query:count())
  end)

  it("sends integers as the smaller type if it fits, so that functions of the server take them", function()
    local db = open()
    local s = db.session
    assert.equal("bc", s:scalar(mr.select(mr.func.substr("abc", 2))))
    assert.equal(2 ^ 40 // 1 | 0, s:scalar(mr.select(mr.literal(2 ^ 40 // 1 | 0))))
    assert.equal("xxx", s:scalar(mr.select(mr.func.repeat_ and mr.func["repeat"]("x", 3))))
  end)

  it("shortens names of more than 63 bytes by a hash, always in the same way", function()
    local db = open()
    local long = ("x"):rep(62)
    local Long = db.Model:extend("Long", {
      __tablename = long .. "_table",
      id = db.Column{ db.Integer, primary_key = true },
      [long .. "_a"] = db.Column(db.Integer),
      [long .. "_b"] = db.Column(db.Integer),
    })
    db:create_all()
    db:create_all() -- it is there
    db.session:add(Long{ [long .. "_a"] = 1, [long .. "_b"] = 2 })
    db.session:commit()
    local row = Long.query:filter(Long[long .. "_b"]:eq(2)):one()
    assert.same({ 1, 2 }, { row[long .. "_a"], row[long .. "_b"] })
  end)

  it("says that COPY is no statement to execute, and goes on", function()
    local db = with_items()
    local e = error_of(db.session.execute, db.session, mr.text "COPY item TO STDOUT")
    assert.truthy(e.message:find("COPY", 1, true))
    db.session:rollback()
    assert.equal(1, db.session:scalar(mr.text "SELECT 1"))
  end)
end)
