-- mr.inspect(engine): what a database holds, in every spelling that SQLite takes.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, engine

local function run(...)
  local conn <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
  for _, sql in ipairs{ ... } do conn:execute(sql) end
end

local function inspect(options) return mr.inspect(engine, options) end

local function by_name(list)
  local found = {}
  for _, item in ipairs(list) do found[item.name or "?"] = item end
  return found
end

local function fields(list, field)
  local values = {}
  for i, item in ipairs(list) do values[i] = item[field] == nil and "-" or tostring(item[field]) end
  return table.concat(values, " ")
end

before_each(function()
  db = mr.open "sqlite://"
  engine = db.engine
end)

describe("an inspector", function()
  it("lists tables, views, virtual and shadow tables apart", function()
    run("CREATE TABLE zoo (id INTEGER PRIMARY KEY AUTOINCREMENT)", "CREATE TABLE ant (id)",
      "CREATE VIEW v AS SELECT id FROM zoo", "CREATE VIRTUAL TABLE words USING fts5(body)",
      "CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)", "CREATE INDEX i ON ant (id)")
    local i = inspect()
    assert.same({ "ant", "zoo" }, i:table_names())
    assert.same({ "v" }, i:view_names())
    assert.same({ "boxes", "words" }, i:virtual_table_names())
    assert.same({ "boxes_node", "boxes_parent", "boxes_rowid", "words_config", "words_content", "words_data",
      "words_docsize", "words_idx" }, i:shadow_table_names())
    assert.equal("table", i:kind "ZOO")
    assert.equal("view", i:kind "v")
    assert.equal("virtual", i:kind "words")
    assert.equal("shadow", i:kind "words_idx")
    assert.equal("internal", i:kind "sqlite_sequence")
    assert.is_nil(i:kind "nobody")
    assert.is_true(i:has_table "v")
    assert.is_false(i:has_table "i")
    assert.equal("fts5", i:table_options "words".module)
    assert.equal("body", i:columns "words"[1].name)
  end)

  it("knows the shadow tables of modules that this SQLite has not", function()
    run("CREATE TABLE t_segdir (a)", "CREATE TABLE t_segments (a)", "CREATE TABLE t_other (a)",
      "PRAGMA writable_schema = ON",
      "INSERT INTO sqlite_master VALUES ('table', 't', 't', 0, 'CREATE VIRTUAL TABLE t USING fts3(a)')",
      "PRAGMA writable_schema = RESET")
    local i = inspect()
    assert.same({ "t_other" }, i:table_names())
    assert.same({ "t_segdir", "t_segments" }, i:shadow_table_names())
  end)

  it("tells of columns: types, NULL, defaults, keys, generated ones", function()
    run [[CREATE TABLE t (
      a VARCHAR ( 20 ) DEFAULT 'it''s', b "LONG VARCHAR" NOT NULL ON CONFLICT REPLACE DEFAULT "x",
      c DECIMAL(10, 2) DEFAULT -1.5e+3, d DATETIME DEFAULT CURRENT_TIMESTAMP, e INT DEFAULT (1 + 2),
      f GENERATED ALWAYS AS (a || ',)' || b) STORED, g AS (e * 2), h, [i j] BLOB DEFAULT x'00ff', k TEXT COLLATE NOCASE,
      l BOOLEAN DEFAULT true, m TEXT DEFAULT NULL, PRIMARY KEY (h, a))]]
    local columns = by_name(inspect():columns "t")
    local function default(name) return columns[name].default end
    assert.equal("VARCHAR ( 20 )", columns.a.declared)
    assert.equal("TEXT", columns.a.affinity)
    assert.equal(mr.String, columns.a.type)
    assert.equal("'it''s'", default "a")
    assert.is_true(columns.a.nullable)
    assert.equal(2, columns.a.primary_key)
    assert.equal(1, columns.h.primary_key)
    assert.is_false(columns.b.nullable)
    assert.equal('"x"', default "b")
    assert.equal("-1.5e+3", default "c")
    assert.equal("CURRENT_TIMESTAMP", default "d")
    assert.equal(mr.DateTime, columns.d.type)
    assert.equal("1 + 2", default "e")
    assert.same({ sqltext = "a || ',)' || b", persisted = true }, columns.f.computed)
    assert.same({ sqltext = "e * 2", persisted = false }, columns.g.computed)
    assert.equal("", columns.h.declared)
    assert.equal("BLOB", columns.h.affinity)
    assert.equal(mr.Any, columns.h.type)
    assert.equal("x'00ff'", default "i j")
    assert.equal("NOCASE", columns.k.collation)
    assert.equal("true", default "l")
    assert.equal("NULL", default "m")
    assert.is_nil(default "h")
    assert.same({ "h", "a" }, inspect():primary_key "t".constrained_columns)
  end)

  it("gives each declared type a type of ours: by its name, else by its affinity", function()
    local expected = {
      INTEGER = mr.Integer, int = mr.Integer, BIGINT = mr.BigInteger, ["UNSIGNED BIG INT"] = mr.BigInteger,
      SMALLINT = mr.SmallInteger, ["TINYINT(1)"] = mr.SmallInteger, INT64 = mr.BigInteger,
      ["int unsigned"] = mr.Integer,
      ["INTEGER_OR_TEXT"] = mr.Any, POINT = mr.LargeBinary, FLOATING = mr.Float, ["double precision"] = mr.Float,
      ["varchar(30)"] = mr.String, ["CHARACTER VARYING(5)"] = mr.String, LONGVARCHAR = mr.Text, CLOB = mr.Text,
      XCHAR = mr.Text, BLOB = mr.LargeBinary, STRING = mr.Any, WHATEVER = mr.Any, DATE = mr.Date, TIME = mr.Time,
      ["timestamp with time zone"] = mr.DateTime, ["DATETIME(6)"] = mr.DateTime, BOOLEAN = mr.Boolean,
      bool = mr.Boolean,
      JSON = mr.JSON, UUID = mr.Uuid, GUID = mr.Uuid, ["DECIMAL(10,2)"] = mr.Numeric(10, 2, { storage = "real" }),
      ["NUMERIC(20, 5)"] = mr.Numeric(20, 5), NUMERIC = mr.Numeric, MONEY = mr.Numeric, [""] = mr.Any,
    }
    local names, parts = {}, {}
    for declared in pairs(expected) do names[#names + 1] = declared end
    table.sort(names)
    for n, declared in ipairs(names) do parts[n] = string.format("c%d %s", n, declared) end
    run("CREATE TABLE t (" .. table.concat(parts, ", ") .. ")")
    for n, column in ipairs(inspect():columns "t") do
      assert.equal(tostring(expected[names[n]]), tostring(column.type), names[n])
    end
  end)

  it("tells of foreign keys in the order of their declaration", function()
    run("CREATE TABLE p (a, b, c UNIQUE, PRIMARY KEY (b, a))",
      [[CREATE TABLE t (
        c CONSTRAINT one REFERENCES p (c) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED NOT NULL CHECK (c > 0),
        x, y, z REFERENCES missing, self INTEGER REFERENCES t (id), id INTEGER PRIMARY KEY,
        CONSTRAINT "two" FOREIGN KEY (x, y) REFERENCES P ON UPDATE CASCADE NOT DEFERRABLE
        CONSTRAINT three FOREIGN KEY ([x], `y`) REFERENCES p (b, a) MATCH FULL ON DELETE NO ACTION)]])
    local keys = inspect():foreign_keys "t"
    assert.equal("one - - two three", fields(keys, "name"))
    assert.equal("p missing t P p", fields(keys, "referred_table"))
    assert.same({ "c" }, keys[1].referred_columns)
    assert.same({ ondelete = "SET NULL", deferrable = true, initially = "DEFERRED" }, keys[1].options)
    assert.same({}, keys[2].referred_columns)
    assert.same({ "b", "a" }, keys[4].referred_columns)
    assert.same({ "x", "y" }, keys[4].constrained_columns)
    assert.same({ onupdate = "CASCADE", deferrable = false }, keys[4].options)
    assert.same({}, keys[5].options)
    assert.equal("c > 0", inspect():check_constraints "t"[1].sqltext)
    assert.is_false(by_name(inspect():columns "t").c.nullable)
  end)

  it("tells of unique constraints, checks and indexes", function()
    run([[CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE, b CHECK (b IN ('(', "b")), c -- a comment, with ) and '
      , d TEXT COLLATE NOCASE, /* another ( */ CONSTRAINT "u, 2" UNIQUE (c, b), UNIQUE (b COLLATE NOCASE, a),
      CONSTRAINT ck CHECK (a <> ')' AND (b OR c)))]],
      "CREATE UNIQUE INDEX iu ON t (d)", "CREATE INDEX ie ON t (lower(a || ','), b DESC) WHERE c > 0 AND b <> ')'",
      "CREATE INDEX ic ON t (d COLLATE BINARY, a + b COLLATE NOCASE DESC)")
    local i = inspect()
    local unique = i:unique_constraints "t"
    assert.equal("- u, 2 -", fields(unique, "name"))
    assert.equal("REPLACE", unique[1].on_conflict)
    assert.same({ "c", "b" }, unique[2].column_names)
    local checks = i:check_constraints "t"
    assert.equal([[b IN ('(', "b")]], checks[1].sqltext)
    assert.same({ name = "ck", sqltext = "a <> ')' AND (b OR c)" }, checks[2])
    local indexes = i:indexes "t"
    assert.equal("iu ie ic", fields(indexes, "name"))
    assert.equal("true false false", fields(indexes, "unique"))
    assert.same({ "d" }, indexes[1].column_names)
    assert.same({ false, "b" }, indexes[2].column_names)
    assert.equal("lower(a || ',')", indexes[2].expressions[1])
    assert.equal("c > 0 AND b <> ')'", indexes[2].where)
    assert.equal("desc", indexes[2].column_sorting.b)
    assert.equal("a + b COLLATE NOCASE", indexes[3].expressions[2])
  end)

  it("tells of a table's options, triggers and views", function()
    run("CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "CREATE TABLE b (k TEXT PRIMARY KEY) WITHOUT ROWID, STRICT",
      "CREATE TABLE c (rowid, oid)", "CREATE TABLE e (rowid, oid, _rowid_)",
      "CREATE TRIGGER tr AFTER INSERT ON a BEGIN SELECT 1; END",
      "CREATE VIEW v (x, y) AS SELECT id, 'AS' FROM a -- last", "CREATE TABLE f AS SELECT 1 AS one")
    local i = inspect()
    local function options(name)
      local o = i:table_options(name)
      return o.autoincrement, o.without_rowid, o.strict, o.rowid
    end
    assert.same({ true, false, false, "rowid" }, { options "a" })
    assert.same({ false, true, true }, { options "b" })
    assert.equal("_rowid_", i:table_options "c".rowid)
    assert.is_nil(i:table_options "e".rowid)
    assert.equal("tr", i:triggers "a"[1].name)
    assert.matches("^CREATE TRIGGER tr", i:triggers "a"[1].sql)
    assert.equal("SELECT id, 'AS' FROM a -- last", i:view_definition "v")
    assert.equal("x y", fields(i:columns "v", "name"))
    assert.equal("one", fields(i:columns "f", "name"))
    assert.same({}, i:warnings())
  end)

  it("reads names with quotes, new lines, keywords and points", function()
    run([[CREATE TABLE "a ""b"" 'c' ]x
.y" ("select" INTEGER, "say ""hi""" TEXT CONSTRAINT "check" CHECK ("say ""hi""" <> ']'), "[z]" UNIQUE)]],
      [[CREATE INDEX "ix "" 1" ON "a ""b"" 'c' ]x
.y" ("select")]])
    local i = inspect()
    local name = i:table_names()[1]
    assert.equal('a "b" \'c\' ]x\n.y', name)
    assert.equal('select say "hi" [z]', fields(i:columns(name), "name"))
    assert.same({ name = "check", sqltext = [["say ""hi""" <> ']']] }, i:check_constraints(name)[1])
    assert.equal('ix " 1', i:indexes(name)[1].name)
    assert.same({ "[z]" }, i:unique_constraints(name)[1].column_names)
  end)

  it("reads a table of 2,000 columns", function()
    local parts = {}
    for n = 1, 2000 do parts[n] = "c" .. n .. " INTEGER" end
    run("CREATE TABLE wide (" .. table.concat(parts, ", ") .. ")")
    local columns = inspect():columns "wide"
    assert.equal(2000, #columns)
    assert.equal("c2000", columns[2000].name)
  end)

  it("reads the schemas that are attached", function()
    local conn <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
    conn:execute "ATTACH ':memory:' AS other"
    conn:execute "CREATE TABLE other.t (id INTEGER PRIMARY KEY, u REFERENCES u (id))"
    conn:execute "CREATE TABLE other.u (id INTEGER PRIMARY KEY)"
    conn:execute "CREATE TEMP TABLE passing (a)"
    local i = mr.inspect(conn)
    assert.same({ "main", "temp", "other" }, i:schema_names())
    assert.same({ "t", "u" }, i:table_names "other")
    assert.same({ "passing" }, i:table_names "temp")
    assert.same({}, i:table_names())
    assert.equal("other", i:foreign_keys("t", "other")[1].referred_schema)
    refuse("InvalidRequestError", { "no schema 'othr'", "other" }, function() i:table_names "othr" end)
  end)
end)

describe("the values of a column", function()
  local function type_of(declared, ...)
    run("DROP TABLE IF EXISTS t", "CREATE TABLE t (id INTEGER PRIMARY KEY, c " .. declared .. ")")
    for _, value in ipairs{ ... } do run("INSERT INTO t (c) VALUES (" .. value .. ")") end
    local i = inspect()
    local type = i:columns "t"[2].type
    return tostring(type), i:choices "t"[1]
  end

  it("choose Any where they are of another class than the declared type", function()
    local type, why = type_of("INTEGER", "1", "'two'")
    assert.equal("Any", type)
    assert.equal('t.c: Any, not Integer: it holds integers and texts, such as "two"', why)
    assert.equal("Any", (type_of("VARCHAR(5)", "'a'", "x'00'")))
    assert.equal("Text", (type_of("JSON", "'{'")))
    assert.same({ "Integer" }, { type_of("INTEGER", "1", "NULL") })
    assert.equal("Text", (type_of("POINT", "'POINT(1 2)'")))
  end)

  it("choose the form of a date", function()
    assert.equal('DateTime{ storage = "unix" }', (type_of("DATETIME", "1709640429")))
    assert.equal('DateTime{ storage = "unix_ms" }', (type_of("TIMESTAMP", "1709640429123", "1709640429000")))
    assert.equal('DateTime{ storage = "unix_us" }', (type_of("TIMESTAMP", "1709640429123456")))
    assert.equal('DateTime{ storage = "julian" }', (type_of("DATETIME", "2460375.088")))
    assert.equal('DateTime{ storage = "iso", digits = 3, separator = "T", zone = "Z" }',
      (type_of("DATETIME", "'2024-03-05T19:07:09.123Z'", "'2024-03-06T00:00:00.000Z'")))
    assert.equal("DateTime", (type_of("DATETIME", "'2024-03-05 19:07:09.123'", "'2024-03-06 00:00:00'")))
    assert.equal("Any", (type_of("DATETIME", "7")))
    assert.equal("Any", (type_of("DATE", "'2024-03-05'", "'tomorrow'")))
    assert.equal("Date", (type_of("DATE", "'2024-03-05 00:00:00'")))
  end)

  it("choose the words of a boolean, and the digits of a decimal", function()
    assert.equal('Boolean{ storage = "t/f" }', (type_of("BOOLEAN", "'t'", "'f'")))
    assert.equal("Boolean", (type_of("BOOLEAN", "0", "1")))
    assert.equal("Integer", (type_of("BOOLEAN", "0", "7")))
    assert.equal('Numeric(10, 2, { storage = "real" })', (type_of("DECIMAL(10,2)", "12.3", "4")))
    assert.equal("Numeric", (type_of("DECIMAL(10,2)", "12.345")))
    assert.equal("Uuid", (type_of("UUID", "'00000000-0000-4000-8000-000000000000'")))
    assert.equal('Uuid{ storage = "blob" }', (type_of("UUID", "x'00112233445566778899aabbccddeeff'")))
  end)

  it("are those of both ends of a table, as many as said", function()
    run "CREATE TABLE t (c INTEGER)"
    run "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO t SELECT i FROM n"
    run("UPDATE t SET c = 'x' WHERE rowid = 50")
    assert.equal("Any", tostring(inspect():columns "t"[1].type))
    assert.equal("Integer", tostring(inspect{ sample = 10 }:columns "t"[1].type))
    assert.equal("Integer", tostring(inspect{ sample = false }:columns "t"[1].type))
    assert.equal("Any", tostring(inspect{ sample = math.huge }:columns "t"[1].type))
    run("UPDATE t SET c = 'x' WHERE rowid = 99")
    assert.equal("Any", tostring(inspect{ sample = 10 }:columns "t"[1].type))
    refuse("ArgumentError", { "inspect: sample", "a number of rows" }, function() inspect{ sample = "x" } end)
  end)
end)

describe("what cannot be read", function()
  it("is named, and the rest goes on: a view that fails, a module that is not there", function()
    run("CREATE TABLE t (a)", "CREATE VIEW v AS SELECT a FROM t", "CREATE TABLE u (a)",
      "CREATE VIEW w AS SELECT a FROM u", "DROP TABLE u", "PRAGMA writable_schema = ON",
      "INSERT INTO sqlite_master VALUES ('table', 'm', 'm', 0, 'CREATE VIRTUAL TABLE m USING nomodule(a)')",
      "PRAGMA writable_schema = RESET")
    local i = inspect()
    assert.same({ "t" }, i:table_names())
    assert.same({ "v", "w" }, i:view_names())
    assert.same({}, i:columns "w")
    assert.same({}, i:columns "m")
    assert.equal(1, #i:columns "v")
    local warnings = table.concat(i:warnings(), "\n")
    assert.truthy(warnings:find('cannot read "w": no such table: main.u', 1, true))
    assert.truthy(warnings:find('cannot read "m": no such module: nomodule', 1, true))
    assert.equal(2, #i:warnings())
    i:clear_cache()
    assert.same({}, i:warnings())
  end)

  it("is an entry of the schema that SQLite refuses", function()
    local path = os.tmpname()
    local file = mr.open("sqlite:///" .. path)
    local conn = file.engine:connect{ isolation_level = "AUTOCOMMIT" }
    local statements = { "CREATE TABLE good (a INTEGER PRIMARY KEY)", "CREATE TABLE bad (a)",
      "CREATE INDEX i ON bad (a)", "PRAGMA writable_schema = ON",
      "UPDATE sqlite_master SET sql = 'CREATE TABLE bad (((' WHERE name = 'bad'" }
    for _, sql in ipairs(statements) do conn:execute(sql) end
    conn:close()
    file.engine:dispose()
    local i = mr.inspect(mr.create_engine("sqlite:///" .. path))
    assert.same({ "good" }, i:table_names())
    assert.equal("damaged", i:kind "bad")
    assert.equal("a", i:columns "good"[1].name)
    assert.same({}, i:columns "bad")
    assert.matches("malformed database schema", i:warnings()[1])
    os.remove(path)
  end)

  it("is a name with a zero byte", function()
    run("CREATE TABLE t (a)", "CREATE TABLE zero (a)", "PRAGMA writable_schema = ON",
      "UPDATE sqlite_master SET name = CAST(x'7a0065' AS TEXT), tbl_name = CAST(x'7a0065' AS TEXT) WHERE name = 'zero'")
    local i = inspect()
    assert.same({ "t" }, i:table_names())
    assert.matches("zero byte", i:warnings()[1])
  end)

  it("is an empty name", function()
    run('CREATE TABLE t (a, "" TEXT, b)', 'CREATE TABLE "" (a)')
    local i = inspect()
    assert.same({ "t" }, i:table_names())
    assert.matches("a table whose name is empty", i:warnings()[1])
    assert.same({ "a", "b" }, { i:columns "t"[1].name, i:columns "t"[2].name })
    assert.matches('"t" has a column whose name is empty', i:warnings()[2])
  end)

  it("is a table that is not there", function()
    run "CREATE TABLE person (a)"
    refuse("InvalidRequestError", { "no table or view 'persn'", "person" }, function() inspect():columns "persn" end)
    refuse("ArgumentError", { "columns: expected a table's name" }, function() inspect():columns(5) end)
    refuse("ArgumentError", { "no method or field 'colums'", "columns" }, function() return inspect().colums end)
  end)
end)

describe("an inspector's names", function()
  it("are also SQLAlchemy's", function()
    run "CREATE TABLE t (a INTEGER PRIMARY KEY)"
    local i = inspect()
    assert.same({ "t" }, i:get_table_names())
    assert.same({ "a" }, i:get_pk_constraint "t".constrained_columns)
    assert.equal("a", i:get_columns "t"[1].name)
  end)

  it("asks the database once", function()
    run("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE u (a INTEGER PRIMARY KEY)")
    local i = inspect()
    i:columns "t"
    run "CREATE TABLE v (a)"
    assert.same({ "t", "u" }, i:table_names())
    i:clear_cache()
    assert.same({ "t", "u", "v" }, i:table_names())
    i:columns "t"[1].name = "changed"
    assert.equal("a", i:columns "t"[1].name)
  end)
end)
