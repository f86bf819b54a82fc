-- moonrow dump: a database as SQL, which sqlite3 makes the same database of; the rows of a table as CSV and JSON lines.

local migrations = require "spec.support.migrations"
local process = require "spec.support.process"
local saved = require "spec.support.saved"

local binary = (os.getenv "BUILD" or "build") .. "/moonrow"

-- What the command prints, its standard error, and its exit code.
local function run(arguments)
  local errors = os.tmpname()
  local pipe = assert(io.popen(("%s dump %s 2>%s"):format(binary, arguments, errors)))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  local file <close> = assert(io.open(errors))
  os.remove(errors)
  return text, file:read "a", code
end

-- All that sqlite3 knows of a file, sorted, for virtual tables stand elsewhere in its dump.
local function known(path, ...)
  local texts = { saved.sqlite3(path, "PRAGMA integrity_check; PRAGMA encoding; PRAGMA user_version;"
    .. "PRAGMA application_id"), (process.run("sqlite3 " .. path .. " .dump")) }
  for _, sql in ipairs{ ... } do texts[#texts + 1] = saved.sqlite3(path, sql) end
  local lines = {}
  for line in table.concat(texts, "\n"):gmatch "[^\n]+" do lines[#lines + 1] = line end
  table.sort(lines)
  return table.concat(lines, "\n")
end

describe("moonrow dump", function()
  if not migrations.has_host() then
    pending "the host has not been built"
    return
  end

  local path, copy

  before_each(function() path, copy = saved.path(), saved.path() .. ".copy" end)
  after_each(function()
    saved.remove(path)
    saved.remove(copy)
  end)

  -- Dumps the file, makes the copy of it, and asserts that both are equal. Returns the text.
  local function same(...)
    local text, said, code = run(path)
    assert.equal("", said)
    assert.equal(0, code)
    local out = assert(io.open(copy .. ".sql", "wb"))
    out:write(text)
    out:close()
    assert.equal("", (process.run(("sqlite3 %s < %s.sql"):format(copy, copy))))
    os.remove(copy .. ".sql")
    assert.equal(known(path, ...), known(copy, ...))
    return text
  end

  it("writes values of all kinds so that they come back with their storage classes", function()
    saved.make(path, "CREATE TABLE t (a, b)", [[INSERT INTO t VALUES (1, 2.5), ('it''s', x'00ff'), (NULL, 9e999),
      (-9e999, 'a' || char(13, 10) || 'b;'), (CAST(x'610062' AS TEXT), 0.1), (1e300, -0.0), (x'', ''),
      (9223372036854775807, 1.7976931348623157e308), (-9223372036854775808, 5e-324), (3.0, CAST(x'ff' AS TEXT))]])
    same "SELECT rowid, typeof(a), quote(a), typeof(b), hex(b), quote(b) FROM t"
  end)

  it("writes numbers with all their bits", function()
    saved.make(path, "CREATE TABLE t (x REAL)")
    local values = {}
    math.randomseed(23)
    for i = 1, 2000 do
      local x
      repeat x = string.unpack("d", string.pack("i8", math.random(math.mininteger, math.maxinteger))) until x == x
      values[i] = ("(%.17g)"):format(x):gsub("inf", "9e999")
    end
    saved.make(path, "INSERT INTO t VALUES " .. table.concat(values, ", "))
    local text = same()
    assert.truthy(text:find("*4294967296.0", 1, true) or text:find("/4294967296.0", 1, true), "no number was rare")
    local other = ("ATTACH '%s' AS o; SELECT count(*) FROM t JOIN o.t u ON u.rowid = t.rowid WHERE t.x = u.x"):format(
      copy)
    assert.equal("2000", saved.sqlite3(path, other))
  end)

  it("keeps row ids, generated columns, odd names, counters, and tables of all sorts", function()
    saved.make(path, "PRAGMA user_version = -3", "PRAGMA application_id = 7", "CREATE TABLE gaps (a)",
      "INSERT INTO gaps(rowid, a) VALUES (-5, 'x'), (7, 'y')",
      [[CREATE TABLE "odd ""n:%a" ("x y" TEXT, ":p" INT AS (length("x y")) STORED, "rowid" INT, v INT AS (1))]],
      [[INSERT INTO "odd ""n:%a" ("x y", "rowid") VALUES ('é€', 7)]],
      "CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT)", "INSERT INTO auto VALUES (5, 'a'), (9, 'b')",
      "DELETE FROM auto WHERE id = 9", "CREATE TABLE w (a TEXT, b INT, PRIMARY KEY (a, b)) WITHOUT ROWID",
      "INSERT INTO w VALUES ('q', 1)", "CREATE TABLE s (a INT, b ANY) STRICT", "INSERT INTO s VALUES (1, '1')",
      "CREATE TABLE d (a INTEGER PRIMARY KEY DESC, b)", "INSERT INTO d VALUES (7, 1)", "CREATE TABLE empty (x)",
      "CREATE INDEX i ON gaps (a) WHERE a > 1", [[CREATE UNIQUE INDEX "i "" 2" ON w (b DESC)]],
      "CREATE VIEW later AS SELECT * FROM v", "CREATE VIEW v AS SELECT a, 'x;y' FROM gaps",
      "CREATE TRIGGER t1 AFTER INSERT ON gaps BEGIN DELETE FROM gaps; END",
      "CREATE TRIGGER t2 INSTEAD OF INSERT ON later BEGIN SELECT 1; END", "ANALYZE")
    local text = same("SELECT rowid, * FROM gaps", "SELECT oid, * FROM d", [[SELECT _rowid_, * FROM "odd ""n:%a"]],
      "SELECT * FROM sqlite_sequence", "SELECT * FROM sqlite_stat1")
    assert.truthy(text:find('INSERT INTO "gaps"(rowid,"a") VALUES(-5,', 1, true))
    assert.truthy(text:find('INSERT INTO "auto" VALUES(5,', 1, true))
  end)

  it("keeps virtual tables with their rows", function()
    saved.make(path, "CREATE TABLE doc (id INTEGER PRIMARY KEY, body TEXT)",
      "INSERT INTO doc VALUES (3, 'hello world')",
      "CREATE VIRTUAL TABLE f USING fts5(body, content='doc', content_rowid='id')",
      "INSERT INTO f(f) VALUES ('rebuild')", "CREATE VIRTUAL TABLE g USING fts5(body, prefix='2')",
      "INSERT INTO g(rowid, body) VALUES (99, 'hello sky')", "CREATE VIRTUAL TABLE r USING rtree(id, a, b)",
      "INSERT INTO r VALUES (1, 0.1, 2.5)", "CREATE VIRTUAL TABLE h USING fts4(body)", "INSERT INTO h VALUES ('x')",
      "CREATE TRIGGER t AFTER INSERT ON doc BEGIN INSERT INTO f(rowid, body) VALUES (new.id, new.body); END")
    same("SELECT rowid, * FROM f('world')", "SELECT rowid, * FROM g('he*')", "SELECT * FROM r WHERE a < 1",
      "SELECT * FROM h WHERE h MATCH 'x'")
  end)

  it("keeps the encoding", function()
    saved.make(path, "PRAGMA encoding = 'UTF-16le'", "CREATE TABLE t (a)",
      "INSERT INTO t VALUES ('é' || char(13) || 'x'), (x'ff')")
    same "SELECT hex(a), length(a) FROM t"
  end)

  it("writes the tables and views that are named, with what belongs to them", function()
    saved.make(path, "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT)", "INSERT INTO a VALUES (4)",
      "CREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT)", "INSERT INTO b VALUES (5)", "CREATE INDEX ib ON b (id)",
      "CREATE VIEW v AS SELECT 1", "CREATE VIEW w AS SELECT 2",
      "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END")
    assert.equal([[
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);
INSERT INTO "a" VALUES(4);
DELETE FROM sqlite_sequence WHERE name='a';
INSERT INTO sqlite_sequence VALUES('a',4);
CREATE VIEW w AS SELECT 2;
CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END;
COMMIT;
]], (run(path .. " A w")))
    local text, said, code = run(path .. " aa")
    assert.equal("", text)
    assert.equal("moonrow dump: the database has no table or view 'aa'\n", said)
    assert.equal(1, code)
  end)

  it("writes the rows of a table as CSV and JSON lines", function()
    saved.make(path, 'CREATE TABLE t (id INTEGER PRIMARY KEY, "a b" TEXT, c BLOB, d REAL)',
      "INSERT INTO t VALUES (1, 'x,\"y\"', x'00ff', 0.5), (2, NULL, NULL, NULL)", "CREATE VIEW v AS SELECT 7 AS seven")
    assert.equal('id,a b,c,d\n1,"x,""y""",AP8=,0.5\n2,,,\n', (run(path .. " t --csv")))
    assert.equal('{"id":1,"a b":"x,\\"y\\"","c":"AP8=","d":0.5}\n{"id":2,"a b":null,"c":null,"d":null}\n',
      (run("--json " .. path .. " t")))
    assert.equal('{"seven":7}\n', (run("--json " .. path .. " v")))
    for arguments, words in pairs{ ["--csv --json a t"] = "--csv or --json", ["--csv a"] = "the rows of one table",
      ["-o a a"] = "-o names the database itself" } do
      local _, said, code = run(arguments)
      assert.truthy(said:find(words, 1, true), said)
      assert.equal(2, code)
    end
  end)

  it("writes a file that appears when all is in it, or not at all", function()
    saved.make(path, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    local text, said, code = run(("-o %s %s"):format(copy, path))
    assert.equal("", text)
    assert.equal("", said)
    assert.equal(0, code)
    assert.equal(run(path), process.run("cat " .. copy))
    local _, _, failed = run(("-o %s %s nothing"):format(copy, path))
    assert.equal(1, failed)
    assert.equal(run(path), process.run("cat " .. copy))
    assert.is_false(saved.exists(copy .. ".part"))
    _, said, code = run(("-o /nowhere/x %s"):format(path))
    assert.truthy(said:find("/nowhere/x.part: No such file", 1, true))
    assert.equal(1, code)
  end)

  it("tells of a place that takes no more", function()
    saved.make(path, "CREATE TABLE t (a)", "INSERT INTO t VALUES (zeroblob(100000))")
    local pipe = assert(io.popen(("%s dump %s 2>&1 >/dev/full; echo $?"):format(binary, path)))
    assert.equal("moonrow dump: the dump cannot be written: No space left on device\n1\n", pipe:read "a")
    pipe:close()
  end)
end)
