-- The host's commands on a PostgreSQL database.

local migrations = require "spec.support.migrations"
local mr = require "moonrow"
local url = require "spec.support.postgresql".url

local binary = (os.getenv "BUILD" or "build") .. "/moonrow"

-- What the command prints, its standard error, and its exit code.
local function run(arguments)
  local errors = os.tmpname()
  local pipe = assert(io.popen(("%s %s 2>%s"):format(binary, arguments, errors)))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  local file <close> = assert(io.open(errors))
  os.remove(errors)
  return text, file:read "a", code
end

describe("a command on PostgreSQL", function()
  if not url or not migrations.has_host() then
    pending "runs where there is a PostgreSQL server, and the host is built"
    return
  end

  local engine, connection, database, count = nil, nil, nil, 0

  -- Each spec has a database of its own.
  before_each(function()
    count = count + 1
    engine = mr.create_engine(url)
    connection = engine:connect{ isolation_level = "AUTOCOMMIT" }
    local name = ("commands_%06x_%d"):format(math.random(0, 0xffffff), count)
    connection:execute("CREATE DATABASE " .. name)
    database = { name = name, url = url:gsub("/postgres%?", "/" .. name .. "?") }
    database.engine = mr.create_engine(database.url)
  end)

  after_each(function()
    database.engine:dispose()
    connection:execute(("DROP DATABASE %s WITH (FORCE)"):format(database.name))
    connection:close()
    engine:dispose()
  end)

  local function make(...)
    local own <close> = database.engine:connect{ isolation_level = "AUTOCOMMIT" }
    for _, sql in ipairs{ ... } do own:execute(sql) end
  end

  it("finds rows, constraints and sequences that do not hold", function()
    make("CREATE SCHEMA other", 'CREATE TABLE other."Us,er" (id serial PRIMARY KEY, age int)',
      'CREATE TABLE post (id int PRIMARY KEY, "of user" int)', "INSERT INTO post VALUES (1, 9)",
      [[ALTER TABLE post ADD CONSTRAINT "of it" FOREIGN KEY ("of user") REFERENCES other."Us,er" NOT VALID]],
      'INSERT INTO other."Us,er" VALUES (5, 1)')
    local text, _, code = run("check '" .. database.url .. "'")
    assert.equal([[
post 1: of user = 9 refers to no row of Us,er
post: the constraint "of it" is NOT VALID: ALTER TABLE post VALIDATE CONSTRAINT "of it"
other."Us,er": the sequence other."Us,er_id_seq" gives 1 next, and id is at 5 already: ]]
      .. [[SELECT setval('other."Us,er_id_seq"', 5)
]], text)
    assert.equal(1, code)
  end)

  it("writes a database as SQL that psql makes the same of", function()
    if os.execute "command -v psql >/dev/null" ~= true then
      pending "psql is not installed"
      return
    end
    make('CREATE SCHEMA "Odd s"', [[CREATE TYPE "Odd s".mood AS ENUM ('a', 'it''s', 'B c')]],
      "CREATE DOMAIN pos AS int DEFAULT 3 NOT NULL CHECK (value > 0)", 'CREATE TYPE pair AS (x int, "Y y" text)',
      "CREATE TYPE fr AS RANGE (subtype = float8)", "CREATE SEQUENCE own_seq INCREMENT 5 START 10 MAXVALUE 100 CYCLE",
      "SELECT nextval('own_seq')",
      "CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'select i * 2'",
      [[CREATE TABLE "Odd s"."T ""q" (id serial PRIMARY KEY, m "Odd s".mood DEFAULT 'a', p pos, pr pair, r fr,
        "select" text COLLATE "C", d float8, n numeric(10, 3), b bytea, j jsonb, at timestamptz, iv interval,
        arr text[], x2 int GENERATED ALWAYS AS (p * 2) STORED, CHECK (d > -1e300), yes boolean)]],
      [[INSERT INTO "Odd s"."T ""q" (m, p, pr, r, "select", d, n, b, j, at, iv, arr, yes) VALUES ('it''s', 5,
        row(1, 'a"b,\'), '[1,2)', E'back\\slash\n\r tab\t ''q''', 0.1, 1.5, '\x00ff', '{"a": [1, null]}',
        '2024-01-02 03:04+05', '1 mon 2 days', ARRAY['a,b', NULL, '"'], true), (DEFAULT, 1, NULL, NULL, NULL, 'NaN',
        'NaN', NULL, 'null', NULL, '-00:00:01', '{}', NULL)]],
      "CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY (START 7) PRIMARY KEY, v int)",
      "INSERT INTO ident (v) VALUES (1), (2)", "CREATE TABLE parent (a int, b text)",
      "CREATE TABLE child (c int) INHERITS (parent)", "INSERT INTO child VALUES (1, 'x', 2)",
      "CREATE TABLE part (k int PRIMARY KEY, v text) PARTITION BY RANGE (k)",
      "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10)", "CREATE INDEX ON part (v)",
      "INSERT INTO part VALUES (1, 'one')",
      [[CREATE TABLE ref (t int REFERENCES "Odd s"."T ""q" ON DELETE CASCADE DEFERRABLE, k int REFERENCES part,
        own int DEFAULT nextval('own_seq'), dbl int DEFAULT twice(4), UNIQUE (t, k))]],
      "INSERT INTO ref VALUES (1, 1)", 'CREATE INDEX "i x" ON ref (lower(own::text)) WHERE k > 1',
      "CREATE VIEW v1 AS SELECT 1 AS a", "CREATE VIEW v2 WITH (security_barrier) AS SELECT * FROM v1",
      "CREATE TABLE late (a int)", "CREATE OR REPLACE VIEW v1 AS SELECT a FROM late",
      "CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM v2",
      "CREATE FUNCTION rows_of() RETURNS SETOF ref LANGUAGE sql AS 'select * from public.ref'",
      "CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$",
      "CREATE TRIGGER tr BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION trg()",
      "ALTER TABLE parent DISABLE TRIGGER tr", "CREATE TABLE nocol ()", "INSERT INTO nocol DEFAULT VALUES",
      "COMMENT ON TABLE ref IS 'it''s a; comment'", "COMMENT ON COLUMN ref.own IS 'col'")
    local text, said, code = run("dump '" .. database.url .. "'")
    assert.equal("", said)
    assert.equal(0, code)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    local name = database.name .. "_copy"
    connection:execute("CREATE DATABASE " .. name)
    local copy = url:gsub("/postgres%?", "/" .. name .. "?")
    local pipe = assert(io.popen(("psql -q -v ON_ERROR_STOP=1 '%s' -f %s 2>&1 >/dev/null"):format(copy, path)))
    assert.equal("", pipe:read "a")
    pipe:close()
    assert.equal(text, (run("dump '" .. copy .. "'")))
    local there = mr.create_engine(copy)
    local c = there:connect()
    assert.equal(9, c:scalar "INSERT INTO ident (v) VALUES (3) RETURNING id")
    assert.equal(20, c:scalar "SELECT nextval('own_seq')")
    assert.equal(1, c:scalar [[SELECT count(*) FROM "Odd s"."T ""q" WHERE n = 'NaN' AND j = 'null' AND arr = '{}']])
    assert.equal("back\\slash\n\r tab\t 'q'", c:scalar [[SELECT "select" FROM "Odd s"."T ""q" WHERE id = 1]])
    c:rollback()
    c:close()
    there:dispose()
    connection:execute(("DROP DATABASE %s WITH (FORCE)"):format(name))
    os.remove(path)
    assert.equal('{"id":7,"v":1}\n{"id":8,"v":2}\n', (run("dump '" .. database.url .. "' ident --json")))
    assert.truthy(run("dump '" .. database.url .. "' ref"):find("CREATE TABLE public.ref", 1, true))
    local _, why, status = run("dump '" .. database.url .. "' idnet")
    assert.truthy(why:find("no table or view 'idnet' (did you mean 'ident'?)", 1, true), why)
    assert.equal(1, status)
  end)

  it("imports rows into a table of a schema, all of them or none", function()
    make("CREATE SCHEMA other", [[CREATE TABLE other.item (id serial PRIMARY KEY, name text NOT NULL, at timestamptz,
      tags text[], doc jsonb, price numeric(8, 2), yes boolean)]], "CREATE TABLE plain (a int UNIQUE)")
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write [=[[{"name": "a", "at": "2024-01-02 03:04:05", "tags": ["x", "y"], "doc": {"k": [1]}, "price": "1.50",
      "yes": true}, {"name": "b"}]]=]
    file:close()
    local out, said, code = run(("import '%s' %s -t other.item --format json"):format(database.url, path))
    assert.equal("moonrow import: 2 rows into other.item\n", said)
    assert.equal("", out)
    assert.equal(0, code)
    local own <close> = database.engine:connect{ isolation_level = "AUTOCOMMIT" }
    assert.equal("1|a|{x,y}|1|1.50", own:scalar [[SELECT concat_ws('|', id, name, tags, doc -> 'k' -> 0, price)
      FROM other.item WHERE yes]])
    file = assert(io.open(path, "w"))
    file:write "a\n1\n2\n1\n"
    file:close()
    out, said, code = run(("import '%s' %s -t plain --format csv"):format(database.url, path))
    os.remove(path)
    assert.equal("", out)
    assert.truthy(said:find("duplicate key", 1, true), said)
    assert.equal(1, code)
    assert.equal(0, own:scalar "SELECT count(*) FROM plain")
    out, said = run(("import '%s' %s -t itme --format csv"):format(database.url, path))
    assert.truthy(said:find("the database has no table 'itme'", 1, true), said)
    assert.equal("", out)
  end)
end)
