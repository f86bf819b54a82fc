-- A step of a migration on a PostgreSQL server: what its methods find there, and what they refuse. It runs where
-- MOONROW_TEST_URL names a server.

local mr = require "moonrow"
local postgresql = require "spec.support.postgresql"
local refuse = require "spec.support.refuse"

if not postgresql.url then
  pending "steps on PostgreSQL: MOONROW_TEST_URL names no server"
  return
end

local db, number

before_each(function()
  db, number = mr.open(postgresql.fresh()), 0
end)
after_each(function()
  db.session:close()
  db.engine:dispose()
end)

local function make(...)
  for _, sql in ipairs{ ... } do db.session:execute(mr.text(sql)) end
  db.session:commit()
end

local function step(fn)
  number = number + 1
  return db:migrate("spec " .. number, { { "step", fn } })
end

local function scalar(sql)
  local value = db.session:scalar(mr.text(sql))
  db.session:commit()
  return value
end

local function default_of(column)
  return scalar("SELECT column_default FROM information_schema.columns WHERE table_name = 't' AND column_name = '"
    .. column .. "' AND table_schema = current_schema()")
end

describe("a step on PostgreSQL changes", function()
  it("the type of a column whose default does not become one of it by itself", function()
    make("CREATE TABLE t (a TEXT DEFAULT '1', b TEXT DEFAULT 'x', c TEXT DEFAULT '3', d INTEGER DEFAULT 4,"
      .. " e SERIAL, f VARCHAR(5) DEFAULT 'y')", "INSERT INTO t (a) VALUES ('7')")
    step(function(m)
      m:alter_column("t", "a", { type = mr.Integer, using = "a::integer" })
      m:alter_column("t", "b", { type = mr.Enum("x", "y", { name = "kind" }), using = "b::kind" })
      m:alter_column("t", "c", { type = mr.Integer, using = "c::integer", server_default = mr.text "5" })
      m:alter_column("t", "d", { type = mr.BigInteger })
      m:alter_column("t", "e", { type = mr.BigInteger })
      m:alter_column("t", "f", { type = mr.Text })
      m:execute "INSERT INTO t (a) VALUES (8)"
    end)
    assert.equal("7 x 3 4 1 y; 8 x 5 4 2 y",
      scalar "SELECT string_agg(concat_ws(' ', a, b, c, d, e, f), '; ' ORDER BY a) FROM t")
    assert.equal("4", default_of "d")
    assert.matches("^nextval", default_of "e")
  end)

  it("values and defaults by the type that the column has", function()
    make('CREATE TABLE t (a BOOLEAN, b DATE, "A" TEXT, c INTEGER[])', "INSERT INTO t (c) VALUES (NULL)")
    step(function(m)
      m:alter_column("t", "a", { default = true, server_default = mr.literal(false, mr.Boolean) })
      m:alter_column("t", "b", { default = mr.date(2024, 1, 2), nullable = false })
      m:alter_column("t", "c", { default = { 4, 5 } })
      m:add_column("t", mr.Column{ "d", mr.Array(mr.Text), nullable = false }, { default = { "x", 'y"}' } })
      m:add_column("t", mr.Column{ "e", mr.Array(mr.Date) }, { default = {} })
    end)
    assert.equal([[(t,2024-01-02,,"{4,5}","{x,""y\\""}""}",{})]], scalar "SELECT t::text FROM t")
    assert.equal("false", default_of "a")
  end)

  it("constraints by their columns and conditions, as on SQLite", function()
    make("CREATE TABLE p (id INTEGER PRIMARY KEY)", [[CREATE TABLE t (a INTEGER REFERENCES p CHECK (a > 0),
      "B ""x" INTEGER UNIQUE, UNIQUE (a, "B ""x"), CHECK (a < 9), CONSTRAINT named CHECK (a <> 5))]])
    local function left()
      return scalar [[SELECT string_agg(pg_get_constraintdef(oid), '; ') FROM pg_constraint
        WHERE conrelid = 't'::regclass]]
    end
    refuse("InvalidRequestError", [[drop_unique: the table 't' has none such: it has t_B "x_key UNIQUE ("B ""x");]],
      step, function(m) m:drop_unique("t", { 'B "x', "a" }) end)
    refuse("InvalidRequestError", "drop_check: the table 't' has none such: it has named CHECK", step,
      function(m) m:drop_check("t", "a > 1") end)
    refuse("InvalidRequestError", "has none such: it has none at all", step,
      function(m) m:drop_foreign_key("p", { "id" }) end)
    step(function(m)
      m:drop_unique("t", { "a", 'B "x' })
      m:drop_unique("t", 'B "x')
      m:drop_foreign_key("t", "a")
      m:drop_check("t", "(a>0)")
      m:drop_check("t", "named")
    end)
    assert.equal("CHECK ((a < 9))", left())
  end)
end)

describe("a step on PostgreSQL is refused with its cure, where", function()
  before_each(function() make("CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (NULL), (2)") end)

  it("rows lack the value of a column that is NOT NULL", function()
    refuse("InvalidRequestError", "the table 't' has rows, and the new column 'b' is NOT NULL: give it a default", step,
      function(m) m:add_column("t", "b", mr.Integer, { nullable = false }) end)
    refuse("InvalidRequestError", "1 rows of 't' have no value in 'a', which shall be NOT NULL: give a default", step,
      function(m) m:alter_column("t", "a", { nullable = false }) end)
    step(function(m)
      m:add_column("t", mr.Column{ "n", mr.Integer, mr.Identity(), nullable = false })
      m:add_column("t", mr.Column{ "c", mr.Integer, mr.Computed("n + 1", { persisted = true }), nullable = false })
      m:add_column("t", mr.Column{ "d", mr.Integer, server_default = "3", nullable = false })
    end)
    assert.equal("2 3 3", scalar "SELECT concat_ws(' ', n, c, d) FROM t WHERE a = 2")
  end)

  it("others depend on what it changes", function()
    make "CREATE VIEW seen AS SELECT a FROM t"
    refuse("ProgrammingError", 'view seen depends on column "a"', step,
      function(m) m:alter_column("t", "a", { type = mr.BigInteger }) end)
    refuse("DatabaseError", "view seen depends on column a of table t", step,
      function(m) m:drop_column("t", "a", { allow_loss = true }) end)
  end)

  it("a session of the program has written to it: it would wait for ever", function()
    db.session:execute(mr.text "INSERT INTO t VALUES (3)")
    refuse("OperationalError", "a session of this program has written, and not committed: commit, roll back or close",
      step, function(m) m:add_column("t", "b", mr.Integer) end)
    db.session:commit()
    db.session:execute(mr.text "SELECT * FROM t")
    step(function(m) m:add_column("t", "b", mr.Integer) end)
  end)

  it("a statement cannot run in a transaction, or would end it", function()
    refuse("OperationalError", "a step of a migration is one transaction", step,
      function(m) m:execute "CREATE INDEX CONCURRENTLY i ON t (a)" end)
    for _, sql in ipairs{ "ABORT", "start transaction", "/* a */ PREPARE TRANSACTION 'x'" } do
      refuse("InvalidRequestError", "the step runs in a transaction of its own", step, function(m) m:execute(sql) end)
    end
  end)
end)

describe("a step on PostgreSQL sees", function()
  it("what the program has done that it waited for, whatever the isolation of transactions is", function()
    local strict = mr.open(postgresql.fresh() .. "%20-cdefault_transaction_isolation%3Dserializable")
    local level
    strict:migrate("game", { { "1", function(m) level = m:scalar "SHOW transaction_isolation" end } })
    assert.equal("read committed", level)
    assert.equal("serializable", strict.session:scalar(mr.text "SHOW transaction_isolation"))
    strict.session:close()
    strict.engine:dispose()
  end)
end)

describe("a step on PostgreSQL that sets the search_path", function()
  it("is remembered where the program's tables are, as are those behind it", function()
    local schema = scalar "SELECT current_schema()"
    make(("CREATE SCHEMA %s_other"):format(schema))
    local function other(m)
      m:execute(("SET search_path TO %s_other"):format(schema))
      m:execute "CREATE TABLE u (a INTEGER)"
    end
    local function dump(m)
      m:execute "SELECT pg_catalog.set_config('search_path', '', false)"
      m:execute(("CREATE TABLE %s.v (a INTEGER)"):format(schema))
    end
    local steps = { { "1", other }, { "2", dump }, { "3", function(m) m:add_column("v", "b", mr.Integer) end } }
    assert.same({ "1", "2", "3" }, db:migrate("game", steps).applied)
    assert.same({}, db:migrate("game", steps).applied)
    assert.equal(3, scalar "SELECT count(*) FROM moonrow_steps")
    assert.is_nil(scalar(("SELECT to_regclass('%s_other.moonrow_steps')"):format(schema)))
  end)
end)
