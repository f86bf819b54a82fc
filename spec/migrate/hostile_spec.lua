-- Definitions that are hard to read, and files that are hard to change. Everything is looked at by plain sqlite3.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local saved = require "spec.support.saved"

local path, db

before_each(function() path = saved.path() end)
after_each(function()
  if db then db.engine:dispose() end
  db = nil
  saved.remove(path)
end)

local function make(...) saved.make(path, ...) end
local function rows(sql) return saved.sqlite3(path, sql) end

local count = 0
local function step(fn, options)
  db = db or mr.open("sqlite:///" .. path)
  options = options or {}
  options.backup = false
  count = count + 1
  return db:migrate("spec " .. count, { { "step", fn } }, options)
end

local function rebuild(name)
  step(function(m)
    m:batch(name, function(t)
      t:create_check("ck_rebuilt", "1")
      t:drop_check "ck_rebuilt"
    end)
  end)
  assert.equal("ok", rows "PRAGMA integrity_check")
end

describe("a definition is read", function()
  -- Each with what a column "c" of it loses when its NOT NULL goes.
  local definitions = {
    "CREATE TABLE t (a INT DEFAULT -1 NOT NULL, c INT DEFAULT NULL NOT NULL CHECK (c <> 'NOT NULL'), d)",
    "CREATE TABLE t (a, b REFERENCES t ON DELETE SET NULL NOT NULL DEFAULT 1, c DEFAULT 'x'NOT NULL)",
    "CREATE TABLE t (a UNIQUE, c REFERENCES t (a) ON DELETE SET DEFAULT DEFAULT 5 NOT NULL NOT DEFERRABLE)",
    "CREATE TABLE t (c NOT NULL, a, b, UNIQUE (a) UNIQUE (b) CHECK (a > 0 OR a IS NOT NULL) FOREIGN KEY (b)"
      .. " REFERENCES t (a))",
    "CREATE TABLE t (c INT CONSTRAINT one CONSTRAINT two NOT NULL CONSTRAINT lost, a CONSTRAINT tail)",
    'CREATE TABLE t (c "primary key" (3, 4) NOT NULL, a [not null], b `unique` DEFAULT "NOT NULL")',
    "CREATE TABLE t (c UNSIGNED BIG INT NOT -- ) , NULL\n NULL, /* d INT NOT NULL, */ a DECIMAL (10, 2) -- last\n)",
    "CREATE TABLE t ('c' TEXT NOT NULL COLLATE \"NOCASE\", 'a b' TEXT, PRIMARY KEY ('a b', c DESC))",
    "CREATE TABLE t (c NOT NULL DEFAULT ((1) + (2)), b AS (coalesce(c, ',NOT NULL)')) VIRTUAL NOT NULL)",
    "CREATE TABLE t (c NOT NULL DEFAULT x'00', a DEFAULT +1.5e-3, b DEFAULT CURRENT_TIMESTAMP, d DEFAULT TRUE)",
  }

  it("whatever is in it, and written again as it was", function()
    for _, sql in ipairs(definitions) do
      saved.remove(path)
      db = nil
      make(sql)
      local before = rows "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo('t')"
      local keys = rows "SELECT * FROM pragma_foreign_key_list('t')"
      rebuild "t"
      assert.equal(before, rows "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo('t')")
      assert.equal(keys, rows "SELECT * FROM pragma_foreign_key_list('t')")
      step(function(m) m:alter_column("t", "c", { nullable = true }) end)
      assert.equal(before:gsub("(c|[^\n]-|)1(|[^\n]*)", function(a, b) return a .. "0" .. b end, 1),
        rows "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo('t')", sql)
      db.engine:dispose()
    end
  end)
end)

describe("a step loses nothing", function()
  it("to a constraint that drops rows without a word", function()
    make("CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (1), (2), (NULL)")
    for _, how in ipairs{ "IGNORE", "REPLACE" } do
      refuse("IntegrityError", "UNIQUE", step, function(m)
        m:create_unique(nil, "t", "a", { sqlite_on_conflict = how })
      end)
    end
    assert.equal("4", rows "SELECT count(*) FROM t")
  end)

  it("to triggers, which a filled column does not run", function()
    make("CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2)", "CREATE TABLE log (x)",
      "CREATE TRIGGER tr AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (new.a); DELETE FROM t WHERE a = 2; END",
      "CREATE TRIGGER ti AFTER INSERT ON t BEGIN DELETE FROM log; INSERT INTO log VALUES ('i'); END")
    step(function(m) m:add_column("t", "b", mr.Integer, { default = 3 }) end)
    assert.equal("1|3\n2|3", rows "SELECT * FROM t; SELECT * FROM log")
    assert.equal("2", rows "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'")
  end)

  it("of values: zero bytes, huge and negative rows, floats, blobs, other types than declared", function()
    make("CREATE TABLE t (a INT, b TEXT, c REAL, d)",
      "INSERT INTO t (rowid, a, b, c, d) VALUES (-9223372036854775808, 'abc', 'x' || char(0) || 'y', 1, x'00ff')",
      "INSERT INTO t (rowid, a, b, c, d) VALUES (9223372036854775807, 9e999, 1, '2x', -0.0), (5, x'31', NULL, 0.1,"
        .. " 1e300)")
    local sql = "SELECT rowid, quote(a), hex(b), quote(c), quote(d), typeof(a), typeof(b), typeof(c), typeof(d) FROM t"
    local before = rows(sql)
    rebuild "t"
    assert.equal(before, rows(sql))
    step(function(m) m:create_check(nil, "t", "1") end, { progress = function() end })
    assert.equal(before, rows(sql))
  end)
end)

describe("progress is told", function()
  it("of each table that is copied, in parts of 50000 rows, whatever numbers its rows", function()
    local n = os.getenv "MOONROW_STRESS" and 10 or 120000
    local fill = ("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d) INSERT INTO "):format(n)
    make("CREATE TABLE a (id INTEGER PRIMARY KEY, x)", fill .. "a SELECT i * 3 - 1000, i FROM c",
      "CREATE TABLE own (x, CHECK (own.x > 0))", fill .. "own (rowid, x) SELECT -i, i FROM c",
      "CREATE TABLE w (x PRIMARY KEY) WITHOUT ROWID", fill .. "w SELECT i FROM c", "CREATE TABLE none (x)")
    local told = {}
    for _, name in ipairs{ "a", "own", "w", "none" } do
      local sql = ("SELECT count(*), sum(x), min(x), max(x) FROM %s"):format(name)
      local before = rows(sql)
      step(function(m) m:create_check("ck", name, "1") end, { progress = function(of, done, total)
        told[#told + 1] = ("%s %d/%d"):format(of, done, total)
      end })
      assert.equal(before, rows(sql))
    end
    assert.equal(("-%d|-1"):format(n), rows "SELECT min(rowid), max(rowid) FROM own")
    if n == 120000 then
      assert.same({ "a 50000/120000", "a 100000/120000", "a 120000/120000", "own 50000/120000", "own 100000/120000",
        "own 120000/120000" }, told)
    end
    step(function(m) m:drop_check("a", "ck") end, { progress = true })
    refuse("ArgumentError", "true for a line on the terminal", step, function() end, { progress = 1 })
  end)
end)

describe("a file can be changed", function()
  it("whose foreign keys do not fit what they refer to", function()
    make("CREATE TABLE p (a, b)",
      "CREATE TABLE c (x REFERENCES p (a), y, z REFERENCES gone, FOREIGN KEY (x, y) REFERENCES p (b, a))",
      "INSERT INTO c VALUES (1, 2, 3)")
    rebuild "c"
    rebuild "p"
    assert.equal("1|2|3", rows "SELECT * FROM c")
    make "CREATE TABLE q (id INTEGER PRIMARY KEY)"
    step(function(m) m:add_column("q", "n", mr.Integer, { default = 1, nullable = false }) end)
  end)

  it("in UTF-16, with write-ahead log, with full text search over the table", function()
    make("PRAGMA encoding = 'UTF-16'", "PRAGMA journal_mode = wal",
      "CREATE TABLE doc (id INTEGER PRIMARY KEY, größe TEXT)", "CREATE VIRTUAL TABLE f USING fts5(größe,"
        .. " content=doc, content_rowid=id)",
      "CREATE TRIGGER ai AFTER INSERT ON doc BEGIN INSERT INTO f (rowid, größe) VALUES (new.id, new.größe); END",
      "INSERT INTO doc VALUES (7, 'ein großer Hund'), (9, 'eine Katze')")
    rebuild "doc"
    assert.equal("9", rows "INSERT INTO doc VALUES (11, 'ein Pferd'); SELECT rowid FROM f WHERE f MATCH 'katze'")
    assert.equal("11", rows "SELECT rowid FROM f WHERE f MATCH 'pferd'")
    refuse("InvalidRequestError", "'f' is a virtual table", step, function(m) m:add_column("f", "x", mr.Text) end)
  end)

  it("where a trigger fires on a column that goes: it is refused", function()
    make("CREATE TABLE t (a, b)", "CREATE TABLE log (x)",
      "CREATE TRIGGER tr AFTER UPDATE OF b ON t BEGIN INSERT INTO log VALUES (1); END")
    refuse("InvalidRequestError", "'b' is named by the trigger 'tr' of 't'", step,
      function(m) m:drop_column("t", "b") end)
  end)

  it("with views over views, and triggers in their place", function()
    make("CREATE TABLE t (a, b)", "CREATE VIEW v AS SELECT a FROM t", "CREATE VIEW w AS SELECT a AS x FROM v",
      "CREATE TRIGGER i INSTEAD OF INSERT ON w BEGIN INSERT INTO t VALUES (new.x, 0); END", "INSERT INTO w VALUES (3)")
    rebuild "t"
    assert.equal("3\n4", rows "INSERT INTO w VALUES (4); SELECT * FROM w")
    refuse("OperationalError", "view v", step, function(m) m:drop_column("t", "a", { allow_loss = true }) end)
    step(function(m)
      m:execute "DROP VIEW w"
      m:execute "DROP VIEW v"
      m:drop_column("t", "a", { allow_loss = true })
    end)
    assert.equal("0\n0", rows "SELECT * FROM t")
  end)

  it("by names that are SQL, and texts that look like parameters", function()
    make([[CREATE TABLE "select * from x; --" (":a" INT, "?1" TEXT DEFAULT ':b', "@c" INT CHECK (":a" <> '$d'))]],
      [[INSERT INTO "select * from x; --" VALUES (1, '?', 3)]])
    local name = "select * from x; --"
    step(function(m)
      m:batch(name, function(t)
        t:add_column("%s%d\n", mr.Text, { default = ":x '?' %s", nullable = false })
        t:alter_column(":a", { type = mr.Text })
        t:create_unique("u'\"q", { ":a", "?1" })
        t:rename_column("@c", "end")
      end)
      m:rename_table(name, "'")
    end)
    assert.equal("1|?|3|:x '?' %s", rows [[SELECT * FROM "'"]])
    assert.equal(":b", rows [[INSERT INTO "'" (":a") VALUES (2); SELECT "?1" FROM "'" WHERE ":a" = '2']])
  end)
end)
