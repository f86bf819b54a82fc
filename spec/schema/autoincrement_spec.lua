-- Keys that the database numbers: AUTOINCREMENT, autoincrement, Identity. Behaviour of SQLAlchemy's
-- test/dialect/sqlite (AutoIncrementTest, SQLite keyword AUTOINCREMENT), test/sql/test_metadata (autoincrement columns)
-- and test/sql/test_identity_column, except that mistakes are refused at the declaration.

local mr = require "moonrow"
local ddl = require "spec.support.ddl"
local refuse = require "spec.support.refuse"

local function table_of(dialect, ...)
  local parts = { ... }
  local statements, db = ddl.of(dialect, function(db) db.Table("t", table.unpack(parts)) end)
  return statements[1], db
end

local function key(options)
  options[1], options.primary_key = options[1] or mr.Integer, true
  table.insert(options, 1, options.name or "id")
  options.name = nil
  return mr.Column(options)
end

describe("AUTOINCREMENT", function()
  it("is written by sqlite_autoincrement of a table", function()
    local db = mr.open "sqlite://"
    db.Table{ "t", key{}, mr.Column("x", mr.Integer, { unique = true }), sqlite_autoincrement = true }
    assert.same({ "CREATE TABLE t ( id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, x INTEGER, UNIQUE (x) )" },
      ddl.created(db))
  end)

  it("is written by __table_args of a class, with constraints beside it", function()
    local db = mr.open "sqlite://"
    db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true }, x = db.Column{ db.Integer },
                           __table_args = { db.CheckConstraint "x > 0", sqlite_autoincrement = true } })
    assert.same({ "CREATE TABLE t ( id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, x INTEGER, CHECK (x > 0) )" },
      ddl.created(db))
  end)

  it("is written by autoincrement = true of a column, also of BigInteger and of a foreign key", function()
    ddl.has(table_of("sqlite", key{ autoincrement = true }), "( id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT )")
    ddl.has(table_of("sqlite", key{ mr.BigInteger, autoincrement = true }), "id INTEGER NOT NULL PRIMARY KEY AUTO")
    local statements = ddl.of("sqlite", function(db)
      db.Table("a", key{})
      db.Table("b", mr.Column{ "id", mr.ForeignKey "a.id", primary_key = true, autoincrement = true })
    end)
    assert.equal("CREATE TABLE b ( id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, FOREIGN KEY(id) REFERENCES a (id) )",
      statements[2])
  end)

  it("is not written where nothing asks for it", function()
    for _, options in ipairs{ {}, { autoincrement = "auto" }, { autoincrement = false } } do
      ddl.has(table_of("sqlite", key(options)), "( id INTEGER NOT NULL, PRIMARY KEY (id) )")
    end
    local db = mr.open "sqlite://"
    db.Table{ "t", key{}, sqlite_autoincrement = false }
    assert.is_nil(ddl.created(db)[1]:find "AUTOINCREMENT")
  end)

  it("keeps the name of the key, given or by convention", function()
    local md = mr.MetaData{ naming_convention = { pk = "pk_%(table_name)s" } }
    local t = mr.Table{ "t", md, key{}, sqlite_autoincrement = true }
    assert.equal("CREATE TABLE t ( id INTEGER NOT NULL CONSTRAINT pk_t PRIMARY KEY AUTOINCREMENT )",
      tostring(mr.CreateTable(t)))
    t = mr.Table{ "u", mr.MetaData(), mr.Column{ "id", mr.Integer, autoincrement = true },
                  mr.PrimaryKeyConstraint("id", { name = "mine" }) }
    assert.equal("CREATE TABLE u ( id INTEGER NOT NULL CONSTRAINT mine PRIMARY KEY AUTOINCREMENT )",
      tostring(mr.CreateTable(t)))
  end)

  it("is SQLite's: PostgreSQL numbers by a type as ever", function()
    local db = mr.open "mock+postgresql://"
    db.Table{ "t", key{ autoincrement = true }, sqlite_autoincrement = true }
    assert.same({ "CREATE TABLE t ( id SERIAL NOT NULL, PRIMARY KEY (id) )" }, ddl.created(db))
  end)

  it("never uses a number twice", function()
    for _, once in ipairs{ true, false } do
      local db = mr.open "sqlite://"
      local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true },
                                       __table_args = { sqlite_autoincrement = once } })
      db:create_all()
      local first = T{}
      db.session:add(first)
      db.session:commit()
      db.session:delete(first)
      db.session:commit()
      local second = T{}
      db.session:add(second)
      db.session:commit()
      assert.equal(once and 2 or 1, second.id)
      assert.same({ once and 3 or 2 }, db.session:execute(mr.insert(T):values{}).inserted_primary_key)
    end
  end)
end)

describe("autoincrement", function()
  local function declare(...)
    local parts = { ... }
    return function() return mr.Table("t", mr.MetaData(), table.unpack(parts)) end
  end

  it("= true is refused where no database numbers the column", function()
    refuse("ArgumentError", { "'t'", "'id'", "String", "autoincrement = true", "Integer" },
      declare(key{ mr.String(5), autoincrement = true }))
    refuse("ArgumentError", { "'t'", "'n'", "no primary key", "primary_key = true" },
      declare(key{}, mr.Column("n", mr.Integer, { autoincrement = true })))
    refuse("ArgumentError", { "'t'", "'a'", "2 columns" },
      declare(key{ name = "a", autoincrement = true }, key{ name = "b" }))
    refuse("ArgumentError", { "'t'", "'id'", "server_default" },
      declare(key{ autoincrement = true, server_default = "5" }))
    refuse("ArgumentError", 'true, false or "auto"', mr.Column, mr.Integer, { autoincrement = "yes" })
  end)

  it("= true of a foreign key is refused when its target turns out to be no integer", function()
    local db = mr.open "sqlite://"
    db.Table("a", key{ mr.String(3) })
    db.Table("b", mr.Column{ "id", mr.ForeignKey "a.id", primary_key = true, autoincrement = true })
    refuse("ArgumentError", { "b.id", "no integer", "leave its autoincrement out" }, db.create_all, db)
  end)

  it("of two columns is one mistake each, and all are told together", function()
    local e = refuse("ArgumentError", { "2 mistakes", "'a'", "'b'" },
      declare(key{ name = "a", autoincrement = true }, key{ name = "b", autoincrement = true }))
    local _, lines = e.message:gsub("\n", "")
    assert.equal(2, lines)
  end)

  it("by sqlite_autoincrement is refused without a key that SQLite numbers", function()
    local function with(...)
      local parts = { "t", mr.MetaData(), ... }
      parts.sqlite_autoincrement = true
      return function() return mr.Table(parts) end
    end
    refuse("ArgumentError", { "sqlite_autoincrement", "one column", "2" }, with(key{ name = "a" }, key{ name = "b" }))
    refuse("ArgumentError", { "sqlite_autoincrement", "one column", "0" }, with(mr.Column("a", mr.Integer)))
    refuse("ArgumentError", { "sqlite_autoincrement", "String", "'id'" }, with(key{ mr.String(4) }))
    refuse("ArgumentError", { "sqlite_autoincrement", "autoincrement = false" }, with(key{ autoincrement = false }))
    refuse("ArgumentError", { "sqlite_autoincrement", "'id'", "a default" }, with(key{ default = 5 }))
    refuse("ArgumentError", { "sqlite_autoincrement", "'id'", "a foreign key" },
      with(mr.Column{ "id", mr.ForeignKey "a.id", primary_key = true }))
    refuse("ArgumentError", { "sqlite_autoincrement", "'id'", "a foreign key" },
      with(key{}, mr.ForeignKeyConstraint({ "id" }, { "a.id" })))
    refuse("ArgumentError", { "sqlite_autoincrement", "true or false" }, mr.Table,
      { "t", mr.MetaData(), key{}, sqlite_autoincrement = "yes" })
  end)

  it("that is refused leaves no table and no class behind", function()
    local db = mr.open "sqlite://"
    refuse("ArgumentError", { "'user'", "'name'" }, db.Model.extend, db.Model, "User",
      { name = db.Column{ db.String(5), primary_key = true, autoincrement = true } })
    local User = db.Model:extend("User", { name = db.Column{ db.String(5), primary_key = true } })
    db:create_all()
    db.session:add(User{ name = "x" })
    db.session:commit()
    assert.equal("x", User.query:one().name)
  end)
end)

describe("a key with nullable = true", function()
  it("is refused, as it would be NOT NULL all the same", function()
    refuse("ArgumentError", { "'t'", "'id'", "nullable = true" }, mr.Table, "t", mr.MetaData(), key{ nullable = true })
    refuse("ArgumentError", { "'t'", "'id'", "nullable = true" }, mr.Table, "t", mr.MetaData(),
      mr.Column("id", mr.Integer, { nullable = true }), mr.PrimaryKeyConstraint "id")
    ddl.has(table_of("sqlite", key{ nullable = false }), "id INTEGER NOT NULL")
  end)
end)

describe("Identity", function()
  it("is written with its options in PostgreSQL", function()
    local cases = {
      [mr.Identity()] = "GENERATED BY DEFAULT AS IDENTITY,",
      [mr.Identity{ always = true }] = "GENERATED ALWAYS AS IDENTITY,",
      [mr.Identity{ start = 42, increment = 3 }] = "GENERATED BY DEFAULT AS IDENTITY (START WITH 42 INCREMENT BY 3),",
      [mr.Identity{ minvalue = 1, maxvalue = 10, cycle = true, cache = 5 }] =
        "(MINVALUE 1 MAXVALUE 10 CACHE 5 CYCLE),",
      [mr.Identity{ nominvalue = true, nomaxvalue = true, cycle = false }] =
        "(NO MINVALUE NO MAXVALUE NO CYCLE),",
      [mr.Identity{ start = -7, increment = -1 }] = "(START WITH -7 INCREMENT BY -1),",
    }
    for identity, words in pairs(cases) do
      ddl.has(table_of("postgresql", mr.Column{ "id", mr.Integer, identity, primary_key = true }),
        "( id INTEGER " .. (words:find "^GEN" and words or "GENERATED BY DEFAULT AS IDENTITY " .. words))
    end
  end)

  it("is an integer primary key in SQLite", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", { id = db.Column{ db.BigInteger, db.Identity(), primary_key = true } })
    assert.same({ "CREATE TABLE t ( id INTEGER NOT NULL, PRIMARY KEY (id) )" }, ddl.created(db))
    local a, b = T{}, T{ id = 7 }
    db.session:add_all{ a, b }
    db.session:commit()
    assert.same({ 1, 7 }, { a.id, b.id })
  end)

  it("beside the key is PostgreSQL's: left out of the INSERT, and fetched; SQLite refuses to make it", function()
    local function declare(db)
      return db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true },
                                    number = db.Column{ db.Integer, db.Identity{ start = 100 } } })
    end
    local db = mr.open "mock+postgresql://"
    local T = declare(db)
    ddl.has(ddl.created(db)[1], "number INTEGER GENERATED BY DEFAULT AS IDENTITY (START WITH 100), PRIMARY KEY")
    assert.equal("INSERT INTO t DEFAULT VALUES RETURNING t.id, t.number", (function()
      db.session:add(T{})
      return db:record(function() pcall(db.session.flush, db.session) end)[1].statement
    end)())
    local lite = mr.open "sqlite://"
    declare(lite)
    refuse("ArgumentError", { "t.number", "Identity", "sqlite", "primary key" }, lite.create_all, lite)
  end)

  it("in one column of a composite key is numbered in PostgreSQL alone", function()
    local function declare(db)
      db.Table("t", mr.Column{ "a", mr.Integer, mr.Identity(), primary_key = true }, key{ name = "b" })
    end
    ddl.has(ddl.of("postgresql", declare)[1], "a INTEGER GENERATED BY DEFAULT AS IDENTITY, b INTEGER NOT NULL")
    refuse("ArgumentError", { "t.a", "Identity" }, ddl.of, "sqlite", declare)
  end)

  it("does not go with what else makes values", function()
    local function with(options, identity)
      options[1], options[2], options[3] = "id", options.type or mr.Integer, identity or mr.Identity()
      options.type, options.primary_key = nil, true
      return function() return mr.Table("t", mr.MetaData(), mr.Column(options)) end
    end
    refuse("ArgumentError", { "'id'", "Identity", "server_default" }, with{ server_default = "1" })
    refuse("ArgumentError", { "'id'", "Identity", "autoincrement = false" }, with{ autoincrement = false })
    refuse("ArgumentError", { "'id'", "Identity", "String" }, with{ type = mr.String(3) })
    refuse("ArgumentError", { "'id'", "always = true", "default" }, with({ default = 5 }, mr.Identity{ always = true }))
    refuse("ArgumentError", { "increment", "0" }, with({}, mr.Identity{ increment = 0 }))
    refuse("ArgumentError", "two Identity", mr.Column, mr.Integer, mr.Identity(), mr.Identity())
    refuse("ArgumentError", { "'strat'", "did you mean 'start'?" }, mr.Identity, { strat = 1 })
    refuse("ArgumentError", "minvalue and nominvalue", mr.Identity, { minvalue = 1, nominvalue = true })
    refuse("ArgumentError", "options only", mr.Identity, 5)
    refuse("ArgumentError", { "nullable = true", "Identity" }, function()
      return mr.Table("t", mr.MetaData(), mr.Column{ "n", mr.Integer, mr.Identity(), nullable = true })
    end)
  end)
end)
