-- mr.Table with autoload_with, and metadata:reflect: tables made of what a database has.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local engine, md, warned
local real_warn = warn

local function run(...)
  local conn <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
  for _, sql in ipairs{ ... } do conn:execute(sql) end
end

before_each(function()
  engine, md, warned = mr.create_engine "sqlite://", mr.MetaData(), {}
end)

-- The CREATE TABLE and CREATE INDEX of a table.
local function definition(t)
  local list = { tostring(mr.CreateTable(t)) }
  for _, index in ipairs(t.indexes) do list[#list + 1] = tostring(mr.CreateIndex(index)) end
  return table.concat(list, "; ")
end

describe("Table with autoload_with", function()
  it("has what the database's table has", function()
    run("CREATE TABLE artist (id INTEGER PRIMARY KEY)",
      [[CREATE TABLE album (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL COLLATE NOCASE,
        artist_id INTEGER CONSTRAINT fk REFERENCES artist ON DELETE CASCADE, price REAL DEFAULT (1 + 1) CHECK
        (price > 0), twice REAL AS (price * 2) STORED, UNIQUE (title, artist_id) ON CONFLICT IGNORE) STRICT]],
      "CREATE INDEX ix ON album (title COLLATE RTRIM DESC, price) WHERE price > 1")
    local album = mr.Table("album", md, { autoload_with = engine })
    assert.equal([[CREATE TABLE album ( id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT COLLATE "NOCASE" NOT NULL, ]]
      .. [[artist_id INTEGER, price REAL DEFAULT (1 + 1), twice REAL GENERATED ALWAYS AS (price * 2) STORED, ]]
      .. [[UNIQUE (title, artist_id) ON CONFLICT IGNORE, CONSTRAINT fk FOREIGN KEY(artist_id) REFERENCES artist (id) ]]
      .. [[ON DELETE CASCADE, CHECK (price > 0) ) STRICT; CREATE INDEX ix ON album ]]
      .. [[("title" COLLATE "RTRIM" DESC, price) WHERE price > 1]], definition(album))
    assert.equal("artist", md.tables.artist.name)
  end)

  it("keeps declared types, defaults of every spelling, and nullable keys", function()
    run([[CREATE TABLE t (a LONGVARCHAR(20) DEFAULT 'it''s :x', b "ODD type" DEFAULT -5, c DEFAULT CURRENT_DATE,
      d DEFAULT (strftime('%H:%M', 'now')), e DEFAULT NULL, f DEFAULT x'00', g DEFAULT "q", h DEFAULT TRUE,
      i INT NOT NULL ON CONFLICT REPLACE DEFAULT 1.5e3, PRIMARY KEY (b, a)) WITHOUT ROWID]])
    local t = mr.Table{ "t", md, autoload_with = engine }
    assert.equal([[CREATE TABLE t ( a LONGVARCHAR(20) DEFAULT 'it''s :x' NOT NULL, b ODD type DEFAULT -5 NOT NULL, ]]
      .. [[c DEFAULT CURRENT_DATE, d DEFAULT (strftime('%H:%M', 'now')), e DEFAULT NULL, f DEFAULT (x'00'), ]]
      .. [[g DEFAULT "q", h DEFAULT TRUE, i INT DEFAULT 1.5e3 NOT NULL ON CONFLICT REPLACE, ]]
      .. [[PRIMARY KEY (b, a) ) WITHOUT ROWID]],
      definition(t))
    run("CREATE TABLE u (a TEXT PRIMARY KEY)")
    assert.equal("CREATE TABLE u ( a TEXT, PRIMARY KEY (a) )",
      definition(mr.Table{ "u", md, autoload_with = engine }))
  end)

  it("takes columns of the program's in place of the database's", function()
    run("CREATE TABLE t (id INTEGER PRIMARY KEY, flag TEXT, old TEXT)")
    local t = mr.Table("t", md, mr.Column{ "flag", mr.Boolean{ storage = "Y/N" } }, { autoload_with = engine })
    assert.equal('Boolean{ storage = "Y/N" }', tostring(t.c.flag.type))
    assert.equal("Text", tostring(t.c.old.type))
    assert.equal(t, mr.Table("t", md, { autoload_with = engine }))
    run("ALTER TABLE t ADD COLUMN new INTEGER DEFAULT 3")
    assert.equal(3, #t.c)
    mr.Table("t", md, { autoload_with = engine, extend_existing = true })
    assert.equal("Integer", tostring(t.c.new.type))
  end)

  it("reads the rows", function()
    run("CREATE TABLE t (id INTEGER PRIMARY KEY, [at] DATETIME)", "INSERT INTO t VALUES (1, 1709640429)")
    local t = mr.Table("t", md, { autoload_with = engine })
    local session <close> = mr.Session(engine)
    assert.equal("2024-03-05 12:07:09", tostring(session:scalar(mr.select(t.c.at))))
    assert.equal(1, session:scalar(mr.select(t.c.id):where(t.c.at:eq(mr.datetime(2024, 3, 5, 12, 7, 9)))))
  end)

  it("refuses what is not there, and options that it does not know", function()
    run "CREATE TABLE person (id INTEGER PRIMARY KEY)"
    refuse("InvalidRequestError", { "Table: the database has no table or view 'persn'", "person" },
      function() mr.Table("persn", md, { autoload_with = engine }) end)
    refuse("ArgumentError", { "unknown option 'autload'" },
      function() mr.Table("person", md, { autoload_with = engine, autload = 1 }) end)
    refuse("ArgumentError", { "Table: autoload_with: expected an engine" },
      function() mr.Table("person", md, { autoload_with = "sqlite://" }) end)
    assert.is_nil(md.tables.person)
  end)
end)

describe("metadata:reflect", function()
  before_each(function()
    run("CREATE TABLE a (id INTEGER PRIMARY KEY, b_id REFERENCES b (id))", "CREATE TABLE b (id INTEGER PRIMARY KEY)",
      "CREATE TABLE lost (id INTEGER PRIMARY KEY, gone REFERENCES nobody (id), odd REFERENCES b (missing))",
      "CREATE VIEW v AS SELECT id FROM a", "CREATE VIEW renamed (one, two) AS SELECT 1, id FROM a",
      "CREATE VIRTUAL TABLE words USING fts5(body)")
  end)

  local function names()
    local list = {}
    for name in pairs(md.tables) do list[#list + 1] = name end
    table.sort(list)
    return table.concat(list, " ")
  end

  it("makes tables, and views where they are wanted", function()
    md:reflect{ bind = engine }
    assert.equal("a b lost", names())
    md = mr.MetaData()
    md:reflect(engine, { views = true })
    assert.equal("a b lost renamed v", names())
    local elsewhere = mr.create_engine "sqlite://"
    md:create_all{ bind = elsewhere }
    local i = mr.inspect(elsewhere)
    assert.same({ "renamed", "v" }, i:view_names())
    assert.equal("one", i:columns "renamed"[1].name)
    assert.equal("two", i:columns "renamed"[2].name)
  end)

  it("makes those that are named, and what they refer to", function()
    md:reflect{ bind = engine, only = { "a" } }
    assert.equal("a b", names())
    md = mr.MetaData()
    md:reflect{ bind = engine, only = { "a" }, resolve_fks = false }
    assert.equal("a", names())
    md = mr.MetaData()
    md:reflect{ bind = engine, only = function(name) return name ~= "lost" end }
    assert.equal("a b", names())
    refuse("InvalidRequestError", { "reflect: the database has no table 'lst'", "lost" },
      function() md:reflect{ bind = engine, only = { "lst" } } end)
    refuse("ArgumentError", { "reflect: expected an engine" }, function() md:reflect() end)
    refuse("ArgumentError", { "reflect: only", "expected a list of names" },
      function() md:reflect{ bind = engine, only = { 5 } } end)
  end)

  it("leaves out foreign keys to what is not there, and says so", function()
    rawset(_G, "warn", function(...) warned[#warned + 1] = table.concat{ ... } end)
    local seen = md:reflect{ bind = engine }
    rawset(_G, "warn", real_warn)
    assert.equal(0, #md.tables.lost.constraints - 1)
    assert.same({ "the foreign key (gone) of 'lost' is left out: there is no table 'nobody'",
      "the foreign key (odd) of 'lost' is left out: 'b' has no column 'missing'" }, seen:warnings())
  end)

  it("reflects an attached schema under its name", function()
    local conn <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
    conn:execute "ATTACH ':memory:' AS other"
    conn:execute "CREATE TABLE other.t (id INTEGER PRIMARY KEY, u REFERENCES U (id))"
    conn:execute "CREATE TABLE other.u (id INTEGER PRIMARY KEY)"
    md:reflect{ bind = conn, schema = "other" }
    assert.equal("other.t other.u", names())
    assert.equal("other.u", md.sorted_tables[1].schema .. "." .. md.sorted_tables[1].name)
  end)

  it("makes tables that refer to each other, and to themselves", function()
    run("CREATE TABLE x (id INTEGER PRIMARY KEY, y REFERENCES y, parent REFERENCES x)",
      "CREATE TABLE y (id INTEGER PRIMARY KEY, x REFERENCES x)")
    md:reflect{ bind = engine, only = { "x" } }
    assert.equal("x y", names())
    local elsewhere = mr.create_engine "sqlite://"
    md:create_all{ bind = elsewhere }
    assert.equal(2, #mr.inspect(elsewhere):foreign_keys "x")
  end)

  it("keeps names with points in foreign keys", function()
    run('CREATE TABLE "p.q" ("r.s" INTEGER PRIMARY KEY)', 'CREATE TABLE z (a REFERENCES "p.q" ("r.s"))')
    md:reflect{ bind = engine, only = { "z" } }
    md:create_all{ bind = mr.create_engine "sqlite://" }
    assert.equal("p.q z", names())
  end)
end)
