-- What PostgreSQL's catalog tells: mr.inspect, metadata:reflect, automap and models of a server's database. It runs
-- where MOONROW_TEST_URL names a server.

local mr = require "moonrow"
local postgresql = require "spec.support.postgresql"
local refuse = require "spec.support.refuse"

if not postgresql.url then
  pending "reflection of PostgreSQL: MOONROW_TEST_URL names no server"
  return
end

local url, engine, schema

local function run(...)
  local conn <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
  for _, sql in ipairs{ ... } do conn:execute(mr.text(sql)) end
end

before_each(function()
  url = postgresql.fresh()
  engine = mr.create_engine(url)
  schema = url:match "search_path%%3D([%w_]+)"
end)
after_each(function() engine:dispose() end)

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

describe("an inspector of PostgreSQL", function()
  it("lists tables, views, parts of tables and schemas apart", function()
    run("CREATE TABLE zoo (id SERIAL PRIMARY KEY)", 'CREATE TABLE "Ant" (id INTEGER)', "CREATE TABLE ant (other TEXT)",
      "CREATE VIEW v AS SELECT id FROM zoo", "CREATE MATERIALIZED VIEW mv AS SELECT id FROM zoo",
      "CREATE TABLE log (at DATE, n INTEGER) PARTITION BY RANGE (at)",
      "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')")
    local i = mr.inspect(engine)
    assert.same({ "Ant", "ant", "log", "zoo" }, i:table_names())
    assert.same({ "mv", "v" }, i:view_names())
    assert.same({ "log_1" }, i:shadow_table_names())
    assert.equal("id", i:columns "Ant"[1].name)
    assert.equal("other", i:columns "ant"[1].name)
    assert.equal(schema, i:schema_names()[1])
    assert.is_nil(i:kind "nobody")
    assert.same(i:table_names(), i:table_names(schema))
    assert.matches("SELECT .*id", i:view_definition "v")
    refuse("InvalidRequestError", { "no table or view 'zo'", "zoo" }, function() i:columns "zo" end)
    refuse("InvalidRequestError", { "no schema 'nowhere'" }, function() i:table_names "nowhere" end)
  end)

  it("tells of columns: types, NULL, defaults, numbers, comments", function()
    run("CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy')", "CREATE DOMAIN positive AS INTEGER CHECK (VALUE > 0)",
      [[CREATE TABLE t (
        id BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 2), old SERIAL, name VARCHAR(20) NOT NULL
        DEFAULT 'it''s', price NUMERIC(10, 2) DEFAULT 0, m mood DEFAULT 'sad', p positive, twice NUMERIC GENERATED
        ALWAYS AS (price * 2) STORED, t TEXT COLLATE "C", PRIMARY KEY (id, name))]],
      "COMMENT ON COLUMN t.name IS 'who'", "COMMENT ON TABLE t IS 'all of them'")
    local i = mr.inspect(engine)
    local columns = by_name(i:columns "t")
    assert.equal("bigint", columns.id.declared)
    assert.equal(mr.BigInteger, columns.id.type)
    local identity = columns.id.identity
    assert.same({ true, 5, 2, 1 }, { identity.always, identity.start, identity.increment, identity.minvalue })
    assert.is_true(columns.old.autoincrement)
    assert.is_nil(columns.old.default)
    assert.is_nil(columns.old.identity)
    assert.equal("'it''s'::character varying", columns.name.default)
    assert.equal("who", columns.name.comment)
    assert.is_false(columns.name.nullable)
    assert.same({ 1, 2 }, { columns.id.primary_key, columns.name.primary_key })
    assert.same({ "sad", "it's ok", "happy" }, columns.m.choices)
    assert.equal("mood", columns.m.declared)
    assert.same({ "positive", "integer" }, { columns.p.declared, columns.p.base_type })
    assert.equal(mr.Integer, columns.p.type)
    assert.equal(true, columns.twice.computed.persisted)
    assert.matches("price %* ", columns.twice.computed.sqltext)
    assert.equal("C", columns.t.collation)
    assert.equal("all of them", i:table_comment "t".text)
    assert.same({}, i:warnings())
  end)

  it("gives each type of the server's one of ours, and keeps the name of what is none", function()
    local expected = {
      { "SMALLINT", "SmallInteger" }, { "INTEGER", "Integer" }, { "BIGINT", "BigInteger" }, { "REAL", "Float" },
      { "DOUBLE PRECISION", "Float" }, { "NUMERIC", "Numeric" }, { "NUMERIC(10, 2)", "Numeric(10, 2)" },
      { "BOOLEAN", "Boolean" }, { "VARCHAR(30)", "String(30)" }, { "VARCHAR", "String" }, { "TEXT", "Text" },
      { "CHAR(3)", "Text" }, { "BYTEA", "LargeBinary" }, { "DATE", "Date" }, { "TIME", "Time" },
      { "TIMESTAMP", "DateTime" }, { "TIMESTAMPTZ", "DateTime" }, { "TIMESTAMP(3)", "DateTime" },
      { "INTERVAL", "Interval" }, { "JSON", "JSON" }, { "JSONB", "JSONB" }, { "UUID", "Uuid" },
      { "INTEGER[]", "Array(Integer)" }, { "TEXT[]", "Array(Text)" }, { "INET", "Text" }, { "INT4RANGE", "Text" },
      { "TSVECTOR", "Text" }, { "TIMETZ", "Text" }, { "MONEY", "Text" },
    }
    local parts = {}
    for n, pair in ipairs(expected) do parts[n] = string.format("c%d %s", n, pair[1]) end
    run("CREATE TABLE t (" .. table.concat(parts, ", ") .. ")")
    for n, column in ipairs(mr.inspect(engine):columns "t") do
      assert.equal(expected[n][2], tostring(column.type), expected[n][1])
    end
  end)

  it("tells of keys, constraints and indexes", function()
    run([[CREATE TABLE p (b INTEGER, a INTEGER, c INTEGER UNIQUE, PRIMARY KEY (b, a))]],
      [[CREATE TABLE t (
        id INTEGER PRIMARY KEY,
        c INTEGER CONSTRAINT one REFERENCES p (c) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
        CHECK (c > 0), x INTEGER, y INTEGER, self INTEGER REFERENCES t (id),
        CONSTRAINT two FOREIGN KEY (x, y) REFERENCES p (b, a) ON UPDATE CASCADE,
        CONSTRAINT ux UNIQUE (y, x), CONSTRAINT late UNIQUE (self) DEFERRABLE, CONSTRAINT ck CHECK (x <> y))]],
      "CREATE UNIQUE INDEX iu ON t (x)",
      [[CREATE INDEX ie ON t (lower(c::text), y DESC) WHERE x > 0]], "CREATE INDEX ih ON t USING hash (x)")
    local i = mr.inspect(engine)
    assert.same({ constrained_columns = { "b", "a" }, name = "p_pkey" }, i:primary_key "p")
    local keys = i:foreign_keys "t"
    assert.equal("one t_self_fkey two", fields(keys, "name"))
    assert.equal("p t p", fields(keys, "referred_table"))
    assert.same({ "c" }, keys[1].referred_columns)
    assert.same({ ondelete = "SET NULL", deferrable = true, initially = "DEFERRED" }, keys[1].options)
    assert.same({ "x", "y" }, keys[3].constrained_columns)
    assert.same({ "b", "a" }, keys[3].referred_columns)
    assert.same({ onupdate = "CASCADE" }, keys[3].options)
    local unique = i:unique_constraints "t"
    assert.equal("ux late", fields(unique, "name"))
    assert.same({ "y", "x" }, unique[1].column_names)
    local checks = by_name(i:check_constraints "t")
    assert.equal("c > 0", checks.t_c_check.sqltext)
    assert.equal("x <> y", checks.ck.sqltext)
    local indexes = by_name(i:indexes "t")
    assert.is_true(indexes.iu.unique)
    assert.same({ "x" }, indexes.iu.column_names)
    assert.same({ false, "y" }, indexes.ie.column_names)
    assert.equal("lower(c::text)", indexes.ie.expressions[1])
    assert.equal("desc", indexes.ie.column_sorting.y)
    assert.equal("x > 0", indexes.ie.where)
    assert.same({ 'the index "ih" of "t" is one of hash: it is taken for a plain one' }, i:warnings())
  end)

  it("asks so many statements, however many tables there are", function()
    local parts = {}
    for n = 1, 30 do parts[n] = ("CREATE TABLE t%02d (id INTEGER PRIMARY KEY, a TEXT)"):format(n) end
    run(table.unpack(parts))
    local md = mr.MetaData()
    md:reflect(engine)
    assert.equal("a", md.tables.t17.c.a.name)
    assert.equal("id", md.tables.t30.c.id.name)
  end)
end)

-- The definitions of a table in PostgreSQL's words.
local function definition(t)
  local mock = mr.open "mock+postgresql://"
  local texts = {}
  local records = mock:record(function() t.metadata:create_all{ bind = mock.engine, checkfirst = false } end)
  for i, record in ipairs(records) do texts[i] = record.statement end
  return table.concat(texts, "; ")
end

describe("a table that is reflected from PostgreSQL", function()
  it("is made again as it was, and reflected as the same", function()
    run("CREATE TYPE mood AS ENUM ('sad', 'happy')", [[CREATE TABLE person (
        id SERIAL PRIMARY KEY, name VARCHAR(20) NOT NULL DEFAULT 'x', m mood, addr INET, at TIMESTAMPTZ DEFAULT now(),
        number BIGINT GENERATED BY DEFAULT AS IDENTITY (START WITH 100), tags TEXT[],
        low TEXT GENERATED ALWAYS AS (lower(name)) STORED,
        boss_id INTEGER REFERENCES person ON DELETE SET NULL DEFERRABLE, CONSTRAINT u UNIQUE (name, m))]],
      "CREATE INDEX ix ON person (lower(name)) WHERE m = 'sad'", "COMMENT ON TABLE person IS 'people'",
      "COMMENT ON COLUMN person.m IS 'today''s'")
    local md = mr.MetaData()
    local t = mr.Table("person", md, { autoload_with = engine })
    local sql = definition(t)
    assert.matches("CREATE TABLE person %( id SERIAL NOT NULL, name VARCHAR%(20%) DEFAULT 'x'::character varying "
      .. "NOT NULL, m mood,", sql)
    assert.matches("addr inet, at timestamp with time zone DEFAULT now%(%), ", sql)
    assert.matches("number BIGINT GENERATED BY DEFAULT AS IDENTITY %(START WITH 100%), tags TEXT%[%]", sql)
    assert.matches("FOREIGN KEY%(boss_id%) REFERENCES person %(id%) ON DELETE SET NULL DEFERRABLE", sql)
    assert.matches("COMMENT ON COLUMN person.m IS 'today''s'", sql)
    local other = mr.create_engine(postgresql.fresh())
    md:create_all{ bind = other }
    local again = mr.MetaData()
    assert.equal(sql, definition(mr.Table("person", again, { autoload_with = other })))
    other:dispose()
  end)

  it("stores and finds values of types that only the server knows", function()
    run "CREATE TABLE t (id SERIAL PRIMARY KEY, addr INET, span INT4RANGE, at TIMESTAMPTZ, code CHAR(3))"
    local db = mr.open(url)
    db:automap()
    local T = db.classes.T
    local row = T{ addr = "10.0.0.1", span = "[1,5)", at = "2024-03-05 19:07:09", code = "ab" }
    db.session:add(row)
    db.session:commit()
    db.session:expunge_all()
    local found = T.query:filter(T.addr:eq "10.0.0.1", T.span:eq "[1,4]", T.at:eq "2024-03-05 19:07:09"):one()
    assert.same({ "10.0.0.1", "[1,5)", "2024-03-05 19:07:09" }, { found.addr, found.span, tostring(found.at) })
    found.addr = "10.0.0.2"
    db.session:commit()
    assert.equal("10.0.0.2", db.session:scalar(mr.select(T.addr)))
    assert.equal(1, T.query:filter(T.code:eq "ab"):count())
  end)

  it("refers to tables of other schemas, which are reflected with it", function()
    run(("CREATE SCHEMA %s_x"):format(schema), ("CREATE TABLE %s_x.p (id INTEGER PRIMARY KEY)"):format(schema),
      ("CREATE TABLE t (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES %s_x.p)"):format(schema))
    local md = mr.MetaData()
    md:reflect(engine)
    assert.equal("p", md.tables[schema .. "_x.p"].name)
    assert.equal(schema .. "_x", mr.inspect(engine):foreign_keys "t"[1].referred_schema)
    local q = mr.select(md.tables.t):join(md.tables[schema .. "_x.p"])
    assert.matches("JOIN " .. schema .. "_x%.p ON ", tostring(q))
  end)
end)

describe("automap of PostgreSQL", function()
  it("makes classes and relationships", function()
    run("CREATE TABLE artist (id SERIAL PRIMARY KEY, name TEXT NOT NULL)",
      "CREATE TABLE album (id SERIAL PRIMARY KEY, title TEXT, artist_id INTEGER NOT NULL REFERENCES artist)")
    local db = mr.open(url)
    db:automap()
    local classes = db.classes
    local artist = classes.Artist{ name = "a" }
    artist.albums:append(classes.Album{ title = "x" })
    db.session:add(artist)
    db.session:commit()
    assert.equal("a", classes.Album.query:one().artist.name)
  end)
end)

describe("models of PostgreSQL", function()
  it("are a file that declares the classes, which make the same tables", function()
    run("CREATE TYPE mood AS ENUM ('sad', 'happy')", [[CREATE TABLE person (id SERIAL PRIMARY KEY, m mood, addr INET,
        n BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 7), name TEXT NOT NULL UNIQUE,
        at TIMESTAMPTZ DEFAULT now())]],
      "CREATE TABLE pet (id INTEGER PRIMARY KEY, owner_id INTEGER REFERENCES person ON DELETE CASCADE)",
      "CREATE INDEX ix ON pet (owner_id DESC) WHERE owner_id > 0", "COMMENT ON TABLE pet IS 'animals'")
    local pipe = assert(io.popen(("build/moonrow models %q"):format(url)))
    local text = pipe:read "a"
    pipe:close()
    local function has(line) assert.truthy(text:find(line, 1, true), line .. "\n" .. text) end
    has('m = mr.Column{ mr.Enum("sad", "happy", { name = "mood" }) }')
    has('addr = mr.Column{ mr.Text, postgresql_type = "inet" }')
    has("n = mr.Column{ mr.BigInteger, mr.Identity{ always = true, start = 7 }, nullable = false }")
    has("id = mr.Column{ mr.Integer, primary_key = true, autoincrement = false }")
    has('comment = "animals"')
    local models = assert(load(text))()
    local md = mr.MetaData()
    md:reflect(engine)
    assert.equal(definition(md.tables.person), definition(models.Person.__table))
  end)
end)
