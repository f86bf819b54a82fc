-- What SQLite cannot alter is made anew, with all that belongs to the table. Everything is looked at by plain sqlite3.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local saved = require "spec.support.saved"

local path, db

before_each(function()
  path = saved.path()
end)
after_each(function()
  if db then db.engine:dispose() end
  saved.remove(path)
end)

local function make(...) saved.make(path, ...) end
local function rows(sql) return saved.sqlite3(path, sql) end

-- Runs the step on the file, and checks what it leaves.
local function step(fn, options)
  db = db and db.engine.url == "sqlite:///" .. path and db or mr.open("sqlite:///" .. path)
  options = options or {}
  options.backup = false
  db:migrate(tostring(fn), { { "step", fn } }, options)
  saved.check(path)
end

local function batch(name, fn, options)
  return step(function(m) m:batch(name, fn) end, options)
end

-- Something that only a rebuild can do, and that leaves the rest as it is.
local function rebuild(name)
  batch(name, function(t)
    t:create_check("ck_rebuilt", "1")
    t:drop_check "ck_rebuilt"
  end)
end

describe("a rebuild keeps", function()
  it("rows, indexes, triggers, views, and the rows of others that refer to it", function()
    make("CREATE TABLE hero (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, born DEFAULT (date('now')))",
      "CREATE TABLE pet (id INTEGER PRIMARY KEY, hero_id INT REFERENCES hero ON DELETE CASCADE)",
      "CREATE UNIQUE INDEX by_name ON hero (name DESC, lower(born)) WHERE id > 1",
      "CREATE INDEX other ON pet (hero_id)", "CREATE VIEW v AS SELECT h.name, p.id FROM hero h JOIN pet p ON"
        .. " p.hero_id = h.id",
      "CREATE TABLE log (line)",
      "CREATE TRIGGER t1 AFTER INSERT ON hero BEGIN INSERT INTO log VALUES (new.name); END",
      "CREATE TRIGGER t2 AFTER DELETE ON pet BEGIN DELETE FROM hero WHERE id = old.hero_id; END",
      "CREATE TRIGGER t3 INSTEAD OF DELETE ON v BEGIN DELETE FROM pet WHERE id = old.id; END",
      "INSERT INTO hero VALUES (1, 'Ann', '2000'), (5, 'Bob', NULL), (3, 'Cid', 'x')",
      "INSERT INTO pet VALUES (1, 1), (2, 1), (3, 5)", "DELETE FROM log")
    local function all()
      return rows [[SELECT type, name, tbl_name, sql FROM sqlite_master
        WHERE name <> 'hero' AND tbl_name <> 'moonrow_steps' ORDER BY name;
        SELECT * FROM hero; SELECT * FROM pet; SELECT * FROM v; SELECT * FROM log]]
    end
    local before = all()
    rebuild "hero"
    assert.equal(before, all())
    assert.equal("Eve", rows "INSERT INTO hero (id, name) VALUES (9, 'Eve'); SELECT * FROM log")
    assert.equal("2|1", rows [[PRAGMA foreign_keys = ON; DELETE FROM hero WHERE id = 5;
      SELECT count(*), min(hero_id) FROM pet]])
  end)

  it("comments, each with what it is about", function()
    make([=[CREATE TABLE a ( -- the head
      -- a number
      x INT /* in */ NOT NULL, -- the x, with a comma
      y INT -- the y
      , z INT, /* one */ -- two
      "--" TEXT, '/*' TEXT /* t */,
      CHECK (x > 0) -- positive
      , /* last */ UNIQUE (y) /* y */
      -- the end
    ) /* of */ STRICT -- it]=], "INSERT INTO a VALUES (1, 2, 3, 'p', 'q')")
    rebuild "a"
    assert.equal([=[CREATE TABLE "a" (
  -- the head
  -- a number
  x INT /* in */ NOT NULL, -- the x, with a comma
  y INT, -- the y
  z INT, /* one */ -- two
  "--" TEXT,
  '/*' TEXT, /* t */
  CHECK (x > 0), -- positive
    /* last */
  UNIQUE (y) /* y */ -- the end
) STRICT]=], rows "SELECT sql FROM sqlite_master WHERE name = 'a'")
    rebuild "a"
    step(function(m) m:drop_column("a", "z", { allow_loss = true }) end)
    local sql = rows "SELECT sql FROM sqlite_master WHERE name = 'a'"
    assert.is_nil(sql:find("two", 1, true))
    assert.matches("y INT, -- the y\n", sql, 1, true)
    assert.equal("1|2|p|q", rows "SELECT * FROM a")
  end)

  it("STRICT, whose columns have types of their own", function()
    make("CREATE TABLE b (x INTEGER) strict", "INSERT INTO b VALUES (4)")
    step(function(m)
      m:add_column("b", "name", mr.String(40), { default = "Ann", nullable = false })
      m:add_column("b", mr.Column{ "born", mr.Date, unique = true })
      m:alter_column("b", "x", { type = mr.String(3) })
    end)
    assert.equal("4|text|Ann|", rows "SELECT x, typeof(x), name, born FROM b")
    assert.matches("born TEXT", rows "SELECT sql FROM sqlite_master WHERE name = 'b'")
    assert.equal("1", rows "SELECT strict FROM pragma_table_list WHERE name = 'b'")
    refuse("IntegrityError", "cannot store TEXT value in INTEGER column b.name: say how it is converted", step,
      function(m) m:alter_column("b", "name", { type = mr.Integer }) end)
  end)

  it("what SQL reads of the table's own rows while it is made anew", function()
    for _, definition in ipairs{ "CREATE TABLE a (x INT, y INT)", "CREATE TABLE a (x INT, y INT, CHECK (a.x < 9))",
      "CREATE TABLE a (x INT PRIMARY KEY, y INT) WITHOUT ROWID" } do
      saved.remove(path)
      make(definition, "INSERT INTO a VALUES (3, 1), (5, 2)")
      batch("a", function(t)
        t:alter_column("y", { using = "(SELECT max(x) FROM a) * 10 + a.y", type = mr.Text })
        t:add_column("z", mr.Integer, { default = mr.text '(SELECT count(*) FROM A o WHERE o.x <= "a".x)' })
      end)
      assert.equal("3|51|1\n5|52|2", rows "SELECT * FROM a")
      db.engine:dispose()
      db = nil
    end
    saved.remove(path)
    make("CREATE TABLE a (x)", "INSERT INTO a (rowid, x) VALUES (4, 'p'), (9, 'q')")
    batch("a", function(t) t:alter_column("x", { using = "(SELECT min(rowid) FROM a) || x" }) end,
      { progress = function() end })
    assert.equal("4|4p\n9|4q", rows "SELECT rowid, x FROM a")
  end)

  it("the number that AUTOINCREMENT has come to", function()
    make("CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, x)", "INSERT INTO a (x) VALUES (1), (2), (3)",
      "DELETE FROM a WHERE id > 1", "CREATE TABLE empty (id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
      "INSERT INTO empty (x) VALUES (1), (2)", "DELETE FROM empty")
    rebuild "a"
    rebuild "empty"
    assert.equal("a|3\nempty|2", rows "SELECT * FROM sqlite_sequence ORDER BY name")
    assert.equal("4", rows "INSERT INTO a (x) VALUES (9); SELECT max(id) FROM a")
    assert.equal("3", rows "INSERT INTO empty (x) VALUES (9); SELECT max(id) FROM empty")
  end)

  it("the numbers of rows that no column shows", function()
    make("CREATE TABLE a (x)", "INSERT INTO a (rowid, x) VALUES (7, 'a'), (-3, 'b')",
      "CREATE TABLE d (id INTEGER PRIMARY KEY DESC, x)", "INSERT INTO d (rowid, id, x) VALUES (7, 1, 'a')",
      "CREATE TABLE taken (rowid, oid)", "INSERT INTO taken (_rowid_, rowid, oid) VALUES (44, 1, 2)",
      "CREATE TABLE all_taken (rowid, oid, _rowid_)", "INSERT INTO all_taken VALUES (1, 2, 3)",
      "CREATE TABLE k (id TEXT PRIMARY KEY)", "INSERT INTO k (rowid, id) VALUES (12, 'x')")
    for _, name in ipairs{ "a", "d", "taken", "all_taken", "k" } do rebuild(name) end
    assert.equal("-3|b\n7|a", rows "SELECT rowid, x FROM a")
    assert.equal("7|1|a", rows "SELECT rowid, * FROM d")
    assert.equal("44|1|2", rows "SELECT _rowid_, * FROM taken")
    assert.equal("1|2|3", rows "SELECT * FROM all_taken")
    assert.equal("12|x", rows "SELECT rowid, * FROM k")
    batch("a", function(t) t:add_column("rowid", mr.Integer, { default = 1, nullable = false, index = true }) end)
    assert.equal("-3|b|1\n7|a|1", rows "SELECT _rowid_, x, rowid FROM a")
  end)

  it("computed columns, STRICT, WITHOUT ROWID, checks, collations, conflict clauses", function()
    make("CREATE TABLE g (a INT CONSTRAINT nn NOT NULL ON CONFLICT REPLACE DEFAULT 4, b AS (a * 2), "
      .. "c TEXT GENERATED ALWAYS AS (a || 'x') STORED, UNIQUE (a) ON CONFLICT IGNORE, CHECK (g.a > 0))",
      "INSERT INTO g (a) VALUES (1), (2)",
      "CREATE TABLE s (id INTEGER PRIMARY KEY, v ANY, t TEXT) STRICT", "INSERT INTO s VALUES (1, x'00', 't'), (2, 3,"
        .. " NULL)",
      "CREATE TABLE w (a TEXT, b INT, v ANY, PRIMARY KEY (b DESC, a COLLATE NOCASE)) WITHOUT ROWID, STRICT",
      "INSERT INTO w VALUES ('x', 1, 2.5), ('y', 2, NULL)")
    local before = rows "SELECT *, b, c FROM g; SELECT * FROM s; SELECT *, typeof(v) FROM w"
    for _, name in ipairs{ "g", "s", "w" } do rebuild(name) end
    assert.equal(before, rows "SELECT *, b, c FROM g; SELECT * FROM s; SELECT *, typeof(v) FROM w")
    local sql = rows "SELECT sql FROM sqlite_master WHERE name IN ('g', 's', 'w')"
    for _, part in ipairs{ "CONSTRAINT nn NOT NULL ON CONFLICT REPLACE DEFAULT 4", "b AS (a * 2)",
      "c TEXT GENERATED ALWAYS AS (a || 'x') STORED", "UNIQUE (a) ON CONFLICT IGNORE", "CHECK (g.a > 0)", ") STRICT",
      "PRIMARY KEY (b DESC, a COLLATE NOCASE)", ") WITHOUT ROWID, STRICT" } do
      assert(sql:find(part, 1, true), part)
    end
    assert.equal("4", rows "INSERT INTO g (a) VALUES (NULL); SELECT max(a) FROM g")
  end)

  it("odd names, and what looks like SQL's words in them", function()
    make([[CREATE TABLE "a ""b" ("c,d(" TEXT DEFAULT ',)''"', [e f] INT, `g``h` INT, "check" INT,
      "primary" REFERENCES "a ""b" ("i:j"),
      "i:j" INT /* , x INT */ UNIQUE, -- CHECK (0), "y" INT,
      "größe" INT CHECK ("check" <> ':no' and "größe" is not null or 1), 'k' INT)]],
      [[INSERT INTO "a ""b" VALUES ('1', 2, 3, 4, 6, 6, 7, 8)]],
      [[CREATE INDEX "i ""x" ON "a ""b" ("c,d(", "i:j")]],
      [[CREATE TRIGGER "t "";" AFTER UPDATE ON "a ""b" BEGIN UPDATE "a ""b" SET "check" = ':x' || "check"; END]])
    local before = rows [[SELECT * FROM "a ""b"]]
    rebuild 'a "b'
    assert.equal(before, rows [[SELECT * FROM "a ""b"]])
    batch('A "B', function(t)
      t:drop_column("e f", { allow_loss = true })
      t:alter_column("i:j", { nullable = false })
      t:add_column("new, one", mr.Text, { default = "it's", nullable = false })
      t:create_index("ix ?", { "new, one" })
    end)
    assert.equal("1|3|4|6|6|7|8|it's", rows [[SELECT * FROM "a ""b"]])
    assert.equal(":x4", rows [[UPDATE "a ""b" SET "c,d(" = 'z'; SELECT "check" FROM "a ""b"]])
  end)

  it("foreign keys of every kind: to itself, to what is not there, deferred, between two tables", function()
    make("CREATE TABLE tree (id INTEGER PRIMARY KEY, up INT REFERENCES tree ON DELETE CASCADE, "
      .. "lost REFERENCES nobody MATCH FULL ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED)",
      "INSERT INTO tree VALUES (1, NULL, NULL), (2, 1, NULL), (3, 2, NULL)",
      "CREATE TABLE hen (id INTEGER PRIMARY KEY, egg INT REFERENCES egg (id) ON DELETE CASCADE)",
      "CREATE TABLE egg (id INTEGER PRIMARY KEY, hen INT, CONSTRAINT layer FOREIGN KEY (hen) REFERENCES hen (id) ON"
        .. " DELETE CASCADE)",
      "INSERT INTO hen VALUES (1, 1)", "INSERT INTO egg VALUES (1, 1)")
    for _, name in ipairs{ "tree", "hen", "egg" } do rebuild(name) end
    assert.equal("3\n1\n1", rows "SELECT count(*) FROM tree; SELECT count(*) FROM hen; SELECT count(*) FROM egg")
    local sql = rows "SELECT sql FROM sqlite_master"
    for _, part in ipairs{ "up INT REFERENCES tree ON DELETE CASCADE",
      "lost REFERENCES nobody MATCH FULL ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED", "REFERENCES egg (id)",
      "CONSTRAINT layer FOREIGN KEY (hen) REFERENCES hen (id) ON DELETE CASCADE" } do
      assert(sql:find(part, 1, true), part)
    end
  end)

  it("a table that was made of a SELECT, or altered before", function()
    make("CREATE TABLE a AS SELECT 1 AS x, 'b' AS \"y z\"", "ALTER TABLE a ADD COLUMN q INT DEFAULT 3 CHECK (q > 1)")
    rebuild "a"
    assert.equal("1|b|3", rows "SELECT * FROM a")
  end)

  it("a file whose views did not run before", function()
    make("CREATE TABLE a (x)", "CREATE VIEW v AS SELECT nix FROM a", "INSERT INTO a VALUES (1)")
    rebuild "a"
    assert.equal("1", rows "SELECT * FROM a")
  end)
end)

describe("a table is changed in", function()
  before_each(function()
    make("CREATE TABLE hero (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL DEFAULT 'x', level TEXT, clan_id INT, "
      .. "CONSTRAINT uq_name UNIQUE (name), CONSTRAINT ck CHECK (level <> ''))",
      "CREATE TABLE clan (id INTEGER PRIMARY KEY, label TEXT)", "INSERT INTO clan VALUES (1, 'reds')",
      "INSERT INTO hero VALUES (1, 'Ann', '7', 1), (2, 'Bob', NULL, NULL)")
  end)

  local function sql_of(name) return rows(("SELECT sql FROM sqlite_master WHERE name = '%s'"):format(name)) end

  it("its columns: type, default, NULL, name", function()
    batch("hero", function(t)
      t:alter_column("level", { type = mr.Integer, nullable = false, default = 1 })
      t:alter_column("name", { server_default = false, nullable = true, type = mr.Text })
      t:alter_column("clan_id", { name = "clan", server_default = "1" })
    end)
    assert.equal("1|Ann|7|1|integer\n2|Bob|1||integer", rows "SELECT *, typeof(level) FROM hero")
    assert.equal('CREATE TABLE "hero" (\n  id INTEGER PRIMARY KEY,\n  name TEXT,\n  level INTEGER NOT NULL,\n'
      .. "  clan INT DEFAULT '1',\n  CONSTRAINT uq_name UNIQUE (name),\n  CONSTRAINT ck CHECK (level <> '')\n)",
      sql_of "hero")
  end)

  it("its key, if every row has a value for it", function()
    saved.remove(path)
    make("CREATE TABLE k (a INTEGER, b INT)", "INSERT INTO k VALUES (4, 1), (NULL, 2)")
    refuse("InvalidRequestError", "create_primary_key: 1 rows of 'k' have no value in 'a'", step,
      function(m) m:create_primary_key("k", { "b", "a" }) end)
    step(function(m)
      m:execute "UPDATE k SET a = 9 WHERE a IS NULL"
      m:create_primary_key("k", { "a" })
    end)
    assert.equal("4|1\n9|2", rows "SELECT * FROM k")
  end)

  it("its values, by SQL that says how", function()
    step(function(m) m:alter_column("hero", "level", { type = mr.Integer, using = "length(name) * 2" }) end)
    assert.equal("Ann|6\nBob|6", rows "SELECT name, level FROM hero")
  end)

  it("its keys and constraints", function()
    batch("hero", function(t)
      t:create_foreign_key("fk_clan", "clan_id", "clan", "id", { ondelete = "SET NULL" })
      t:create_unique(nil, { "clan_id", "level" })
      t:create_check("ck_name", "name <> 'nobody'")
      t:drop_unique "uq_name"
      t:drop_check "level <> ''"
    end)
    local sql = sql_of "hero"
    for _, part in ipairs{ "CONSTRAINT fk_clan FOREIGN KEY(clan_id) REFERENCES clan (id) ON DELETE SET NULL",
      "UNIQUE (clan_id, level)", "CONSTRAINT ck_name CHECK (name <> 'nobody')" } do
      assert(sql:find(part, 1, true), sql)
    end
    assert.is_nil(sql:find("uq_name", 1, true))
    assert.is_nil(sql:find("level <>", 1, true))
    batch("hero", function(t)
      t:drop_foreign_key{ "clan_id" }
      t:drop_unique{ "clan_id", "level" }
      t:create_primary_key{ "name" }
    end)
    sql = sql_of "hero"
    assert.is_nil(sql:find("REFERENCES", 1, true))
    assert.is_nil(sql:find("UNIQUE", 1, true))
    assert.truthy(sql:find("id INTEGER,", 1, true) and sql:find("PRIMARY KEY (name)", 1, true))
    assert.equal("1|Ann\n2|Bob", rows "SELECT id, name FROM hero")
    batch("hero", function(t) t:create_primary_key{ "id" } end)
    assert.equal("3", rows "INSERT INTO hero (name) VALUES ('Cid'); SELECT max(id) FROM hero")
  end)

  it("its name, and that of a column, wherever they are written", function()
    make("CREATE TABLE pet (id INTEGER PRIMARY KEY, h INT REFERENCES hero (id))", "INSERT INTO pet VALUES (1, 2)",
      "CREATE VIEW v AS SELECT name FROM hero", "CREATE TRIGGER t AFTER INSERT ON pet BEGIN UPDATE hero SET name ="
        .. " 'y'; END")
    step(function(m)
      m:rename_table("hero", "Person")
      m:rename_table("Person", "person")
      m:rename_column("person", "name", "full name")
    end)
    assert.equal("Ann\nBob", rows "SELECT * FROM v")
    assert.equal("person", rows "SELECT name FROM sqlite_master WHERE name LIKE 'person'")
    assert.truthy(sql_of "pet":find('REFERENCES "person"', 1, true))
    assert.truthy(sql_of "t":find('"full name"', 1, true))
  end)

  it("what depends on a column that goes: its keys and indexes go, what else names it keeps it", function()
    make("CREATE INDEX ix ON hero (clan_id, name)", "CREATE INDEX partial ON hero (name) WHERE level > 1",
      "CREATE TABLE g (a, b AS (a + 1), c CHECK (c > d), d)")
    step(function(m) m:drop_column("hero", "clan_id", { allow_loss = true }) end)
    assert.equal("partial", rows "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    local function no(words, name, column)
      refuse("InvalidRequestError", words, step, function(m) m:drop_column(name, column, { allow_loss = true }) end)
    end
    no("'level' is named by CONSTRAINT ck CHECK (level <> '')", "hero", "level")
    no("'a' is named by the column 'b' of 'g': AS (a + 1)", "g", "a")
    no("'d' is named by the column 'c' of 'g': CHECK (c > d)", "g", "d")
    refuse("InvalidRequestError", "'level' is named by the index 'partial' of 'hero'", batch, "hero", function(t)
      t:drop_check "ck"
      t:drop_column("level", { allow_loss = true })
    end)
    step(function(m) m:drop_column("hero", "name", { allow_loss = true }) end)
    assert.is_nil(sql_of "hero":find("UNIQUE", 1, true))
    make "CREATE TABLE one (a)"
    no("'a' is the only column of 'one'", "one", "a")
  end)

  it("one statement, where SQLite can alter it", function()
    local function statements(fn)
      db = mr.open("sqlite:///" .. path)
      local list = {}
      for _, record in ipairs(db:record(function() step(fn) end)) do
        local sql = record.statement
        local changes = sql:find "^ALTER" or sql:find "^UPDATE" or sql:find '^CREATE TABLE "'
        if changes or sql:find '^INSERT OR ABORT INTO "' then
          list[#list + 1] = sql
        end
      end
      return list
    end
    assert.same({ 'ALTER TABLE "hero" ADD COLUMN a INTEGER' },
      statements(function(m) m:add_column("hero", "a", mr.Integer) end))
    assert.same({ 'ALTER TABLE "hero" ADD COLUMN b INTEGER NOT NULL DEFAULT (5)' },
      statements(function(m) m:add_column("hero", "b", mr.Integer, { default = 5, nullable = false }) end))
    assert.same({ 'ALTER TABLE "hero" ADD COLUMN c INTEGER', 'UPDATE "hero" SET "c" = (5)' },
      statements(function(m) m:add_column("hero", "c", mr.Integer, { default = 5 }) end))
    assert.same({ [[ALTER TABLE "hero" ADD COLUMN d INTEGER DEFAULT '5']] },
      statements(function(m) m:add_column("hero", "d", mr.Integer, { server_default = "5" }) end))
    assert.same({ 'ALTER TABLE "hero" ADD COLUMN e INTEGER REFERENCES clan (id)' },
      statements(function(m) m:add_column("hero", mr.Column{ "e", mr.ForeignKey "clan.id" }) end))
    assert.equal(3, #statements(function(m)
      m:add_column("hero", "f", mr.Text, { default = mr.func.upper(mr.text "name"), nullable = false })
    end)) -- moved away, made, filled
    assert.equal("ANN\nBOB", rows "SELECT f FROM hero")
    assert.equal("5|5|5\n5|5|5", rows "SELECT b, c, d FROM hero")
  end)
end)

describe("what fails in the middle of a rebuild leaves the file as it was:", function()
  local function dump() return saved.sqlite3(path, ".dump") end

  it("a constraint that rows break, a value that STRICT refuses, a function that raises", function()
    make("CREATE TABLE a (id INTEGER PRIMARY KEY, x ANY) STRICT", "INSERT INTO a VALUES (1, 'x'), (2, 'x'), (3, 4)",
      "CREATE TABLE b (a_id INT REFERENCES a ON DELETE CASCADE)", "INSERT INTO b VALUES (1), (2)",
      "CREATE TRIGGER t AFTER DELETE ON a BEGIN DELETE FROM b; END")
    local before = dump()
    local function fails(kind, fn)
      local ok, e = pcall(batch, "a", fn)
      assert.is_false(ok)
      assert.equal(kind, type(e) == "table" and e.kind or e)
      assert.equal(before, dump())
    end
    fails("IntegrityError", function(t) t:create_unique("uq", { "x" }) end)
    fails("IntegrityError", function(t) t:create_check("ck", "id < 3") end)
    fails("IntegrityError", function(t) t:alter_column("x", { type = mr.Integer }) end)
    fails("OperationalError", function(t) t:alter_column("x", { type = mr.Text,
      using = "abs(-9223372036854775808)" }) end)
    fails("OperationalError", function(t) t:alter_column("x", { type = mr.Text, using = "nothing(x)" }) end)
    fails("no", function(t)
      t:rename_column("x", "y")
      error("no", 0)
    end)
  end)
end)
