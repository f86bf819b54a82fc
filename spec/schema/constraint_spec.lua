-- CHECK constraints, foreign keys that are deferred, and those of tables that refer to each other. Behaviour of
-- SQLAlchemy's test/sql/test_constraints and test/sql/test_metadata, test/engine/test_ddlevents' use_alter, and
-- test/orm/test_cycles.

local mr = require "moonrow"
local ddl = require "spec.support.ddl"
local models = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function id() return mr.Column{ "id", mr.Integer, primary_key = true } end

local function first(dialect, ...)
  local parts = { ... }
  return ddl.of(dialect, function(db) db.Table("t", table.unpack(parts)) end)[1]
end

describe("a CHECK", function()
  it("of a column stands in the column, with its name", function()
    assert.equal("CREATE TABLE t ( a INTEGER NOT NULL CHECK (a > 0), "
      .. "b INTEGER CONSTRAINT small CHECK (b < 9) CHECK (b <> 5) )",
      first("sqlite", mr.Column("a", mr.Integer, mr.CheckConstraint "a > 0", { nullable = false }),
        mr.Column("b", mr.Integer, mr.CheckConstraint("b < 9", { name = "small" }), mr.CheckConstraint "b <> 5")))
  end)

  it("of a table stands behind the columns, with its name", function()
    assert.equal("CREATE TABLE t ( a INTEGER, CONSTRAINT x CHECK (a > 0), CHECK (a < 5) )",
      first("sqlite", mr.Column("a", mr.Integer), mr.CheckConstraint("a > 0", { name = "x" }),
        mr.CheckConstraint "a < 5"))
  end)

  it("of a column is copied with a mixin's column, and holds in each table", function()
    local db = mr.open "sqlite://"
    local Aged = { age = db.Column{ db.Integer, db.CheckConstraint("age >= 0", { name = "born" }) } }
    for _, name in ipairs{ "Cat", "Dog" } do
      local Class = db.Model:extend(name, { Aged, id = db.Column{ db.Integer, primary_key = true } })
      db:create_all()
      db.session:add(Class{ age = -1 })
      refuse("IntegrityError", "born", db.session.flush, db.session)
      db.session:rollback()
    end
  end)

  it("is the only constraint that a column takes, besides its options", function()
    refuse("ArgumentError", { "CheckConstraint only", "unique = true" }, mr.Column, "a", mr.Integer,
      mr.UniqueConstraint "a")
    refuse("ArgumentError", { "CheckConstraint only", "index" }, mr.Column, "a", mr.Integer, mr.Index("ix", "a"))
  end)
end)

describe("a UniqueConstraint of a class's attributes", function()
  it("belongs to the table at once", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true }, a = db.Column{ db.Integer },
                                     b = db.Column{ db.Integer } })
    mr.UniqueConstraint(T.a, T.b, { name = "both" })
    ddl.has(ddl.created(db)[1], "CONSTRAINT both UNIQUE (a, b)")
    refuse("ArgumentError", { "the constraint", "'t'", "strings" }, db.Table, "u", mr.Column("a", mr.Integer),
      mr.UniqueConstraint(T.a))
  end)
end)

describe("a CheckConstraint of a class's attributes", function()
  it("belongs to the table at once, in an attached database too", function()
    local db = mr.open "sqlite://"
    local connection = db.engine:connect()
    connection:execute "ATTACH ':memory:' AS other"
    local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true }, a = db.Column{ db.Integer },
                                     __table_args = { schema = "other" } })
    mr.CheckConstraint(T.a:gt(5) & T.a:ne(7), { name = "big" })
    db.metadata:create_all(connection)
    refuse("IntegrityError", "big", connection.execute, connection, mr.insert(T):values{ a = 3 })
    connection:execute(mr.insert(T):values{ a = 9 })
    assert.same({ "big" }, models.values(T.__table.constraints, "name"))
    local V = db.Model:extend("V", { id = db.Column{ db.Integer, primary_key = true },
                                     __table_args = { is_view = true } })
    for _, make in ipairs{ mr.CheckConstraint, mr.UniqueConstraint } do
      refuse("ArgumentError", { "'v'", "view", "tables" }, make, make == mr.UniqueConstraint and V.id or V.id:gt(1))
    end
    connection:close()
  end)
end)

describe("a foreign key", function()
  local function child(dialect, ...)
    local key = mr.ForeignKey(...)
    return ddl.of(dialect, function(db)
      db.Table("p", id())
      db.Table("c", mr.Column("p_id", mr.Integer, key))
    end)[2]
  end

  it("is deferrable, or not, behind its actions", function()
    for _, dialect in ipairs{ "sqlite", "postgresql" } do
      local function has(options, words)
        ddl.has(child(dialect, "p.id", options), "REFERENCES p (id)" .. words .. " )")
      end
      has({}, "")
      has({ deferrable = true }, " DEFERRABLE")
      has({ deferrable = false }, " NOT DEFERRABLE")
      has({ deferrable = true, initially = "deferred" }, " DEFERRABLE INITIALLY DEFERRED")
      has({ initially = "IMMEDIATE" }, " NOT DEFERRABLE INITIALLY IMMEDIATE")
      has({ initially = "DEFERRED" }, " DEFERRABLE INITIALLY DEFERRED")
      has({ ondelete = "cascade", onupdate = "SET NULL", deferrable = true, initially = "DEFERRED" },
        " ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED")
    end
    local sql = ddl.of("sqlite", function(db)
      db.Table("p", id())
      db.Table("c", mr.Column("p_id", mr.Integer), mr.ForeignKeyConstraint({ "p_id" }, { "p.id" },
        { deferrable = true, initially = "DEFERRED", name = "fk" }))
    end)[2]
    ddl.has(sql, "CONSTRAINT fk FOREIGN KEY(p_id) REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED")
  end)

  it("refuses other words", function()
    refuse("ArgumentError", { "initially", '"DEFERRED" or "IMMEDIATE"', "garbage" }, mr.ForeignKey, "a.b",
      { initially = "garbage" })
    refuse("ArgumentError", { "deferrable", "yes" }, mr.ForeignKey, "a.b", { deferrable = "yes" })
    refuse("ArgumentError", { "DEFERRED", "deferrable = true" }, mr.ForeignKey, "a.b",
      { deferrable = false, initially = "DEFERRED" })
    refuse("ArgumentError", { "'defferable'", "did you mean 'deferrable'?" }, mr.ForeignKey, "a.b",
      { defferable = true })
  end)

  it("that is deferred is looked at when the transaction commits", function()
    local db = mr.open "sqlite://"
    local P = db.Model:extend("P", { id = db.Column{ db.Integer, primary_key = true } })
    db.Model:extend("C", { id = db.Column{ db.Integer, primary_key = true },
      p_id = db.Column{ db.Integer, db.ForeignKey{ "p.id", deferrable = true, initially = "DEFERRED" } } })
    db:create_all()
    db.session:execute(mr.text "INSERT INTO c (p_id) VALUES (1)")
    db.session:add(P{ id = 1 })
    db.session:commit()
    db.session:execute(mr.text "INSERT INTO c (p_id) VALUES (7)")
    refuse("IntegrityError", "FOREIGN KEY", db.session.commit, db.session)
  end)

  it("keeps its options in a mixin's column", function()
    local db = mr.open "sqlite://"
    db.Model:extend("P", { id = db.Column{ db.Integer, primary_key = true } })
    local Child = { p_id = db.Column{ db.Integer, db.ForeignKey{ "p.id", deferrable = true, ondelete = "CASCADE" } } }
    db.Model:extend("C", { Child, id = db.Column{ db.Integer, primary_key = true } })
    ddl.has(ddl.created(db)[2], "REFERENCES p (id) ON DELETE CASCADE DEFERRABLE")
  end)
end)

describe("UNIQUE and PRIMARY KEY", function()
  it("are deferrable in PostgreSQL; SQLite says that it cannot", function()
    local unique = mr.UniqueConstraint("a", { deferrable = true, initially = "DEFERRED", name = "u" })
    local key = mr.PrimaryKeyConstraint("a", { deferrable = true })
    local sql = first("postgresql", mr.Column("a", mr.String(3)), key, unique)
    ddl.has(sql, "PRIMARY KEY (a) DEFERRABLE, CONSTRAINT u UNIQUE (a) DEFERRABLE INITIALLY DEFERRED")
    refuse("ArgumentError", { "'t'", "foreign keys only", "UniqueConstraint" }, first, "sqlite",
      mr.Column("a", mr.String(3)), unique)
    refuse("ArgumentError", { "'t'", "foreign keys only", "PrimaryKeyConstraint" }, first, "sqlite",
      mr.Column("a", mr.String(3)), key)
  end)
end)

describe("tables that refer to each other", function()
  local function hen_and_egg(db, options)
    options = options or {}
    db.Table("hen", id(), mr.Column("egg_id", mr.Integer, mr.ForeignKey("egg.id", { name = options.hen })))
    db.Table("egg", id(), mr.Column("hen_id", mr.Integer, mr.ForeignKey("hen.id",
      { name = options.egg, use_alter = options.use_alter })))
  end

  it("are made as they are in SQLite, which looks at keys later, and dropped with rows in them", function()
    local statements, db = ddl.of("sqlite", hen_and_egg)
    assert.equal(2, #statements)
    ddl.has(statements[1], "REFERENCES")
    ddl.has(statements[2], "REFERENCES")
    models.run(db, "PRAGMA defer_foreign_keys=ON", "INSERT INTO hen VALUES (1, 1)", "INSERT INTO egg VALUES (1, 1)")
    assert.equal(2, #ddl.dropped(db))
  end)

  it("get the key to the later one by ALTER TABLE in PostgreSQL", function()
    local statements, db = ddl.of("postgresql", function(new) hen_and_egg(new, { hen = "fk_hen", egg = "fk_egg" }) end)
    assert.same({
      "CREATE TABLE egg ( id SERIAL NOT NULL, hen_id INTEGER, PRIMARY KEY (id) )",
      "CREATE TABLE hen ( id SERIAL NOT NULL, egg_id INTEGER, PRIMARY KEY (id), "
        .. "CONSTRAINT fk_hen FOREIGN KEY(egg_id) REFERENCES egg (id) )",
      "ALTER TABLE egg ADD CONSTRAINT fk_egg FOREIGN KEY(hen_id) REFERENCES hen (id)",
    }, statements)
    assert.same({ "ALTER TABLE egg DROP CONSTRAINT fk_egg", "DROP TABLE hen", "DROP TABLE egg" }, ddl.dropped(db))
  end)

  it("need a name for that key to be dropped; making them needs none; a convention is enough", function()
    local statements, db = ddl.of("postgresql", hen_and_egg)
    assert.equal("ALTER TABLE egg ADD FOREIGN KEY(hen_id) REFERENCES hen (id)", statements[3])
    refuse("ArgumentError", { "'egg'", "'hen'", "egg.hen_id", "name" }, ddl.dropped, db)
    local md = mr.MetaData{ naming_convention = { fk = "fk_%(table_name)s" } }
    db = mr.open("mock+postgresql://", { metadata = md })
    hen_and_egg(db)
    assert.equal("ALTER TABLE egg ADD CONSTRAINT fk_egg FOREIGN KEY(hen_id) REFERENCES hen (id)", ddl.created(db)[3])
    assert.equal("ALTER TABLE egg DROP CONSTRAINT fk_egg", ddl.dropped(db)[1])
  end)

  it("say by use_alter which key comes later; SQLite writes it with the table", function()
    local function declare(db) hen_and_egg(db, { hen = "fk_hen", egg = "fk_egg", use_alter = true }) end
    local statements, db = ddl.of("postgresql", declare)
    assert.equal("ALTER TABLE egg ADD CONSTRAINT fk_egg FOREIGN KEY(hen_id) REFERENCES hen (id)", statements[3])
    assert.same({ "egg", "hen" }, models.values(db.metadata.sorted_tables, "name"))
    statements = ddl.of("sqlite", declare)
    assert.equal(2, #statements)
    ddl.has(statements[1], "CONSTRAINT fk_egg FOREIGN KEY(hen_id) REFERENCES hen (id)")
  end)

  it("in a circle of three, with constraints of several columns, and with themselves", function()
    local function declare(db)
      for at, name in ipairs{ "a", "b", "c" } do
        local to = ({ "b", "c", "a" })[at]
        db.Table(name, mr.Column{ "x", mr.Integer, primary_key = true },
          mr.Column{ "y", mr.Integer, primary_key = true },
          mr.Column{ "to_x", mr.Integer }, mr.Column{ "to_y", mr.Integer },
          mr.ForeignKeyConstraint({ "to_x", "to_y" }, { to .. ".x", to .. ".y" }, { name = "fk_" .. name }),
          mr.ForeignKeyConstraint({ "to_x", "to_y" }, { name .. ".x", name .. ".y" }, { name = "self_" .. name }))
      end
    end
    local statements, db = ddl.of("postgresql", declare)
    assert.equal(4, #statements)
    ddl.has(statements[4], "ALTER TABLE a ADD CONSTRAINT fk_a FOREIGN KEY(to_x, to_y) REFERENCES b (x, y)")
    for _, name in ipairs{ "a", "b", "c" } do
      ddl.has(table.concat(statements, "\n"), "CONSTRAINT self_" .. name .. " FOREIGN KEY")
    end
    assert.equal("ALTER TABLE a DROP CONSTRAINT fk_a", ddl.dropped(db)[1])
    assert.equal(3, #ddl.of("sqlite", declare))
  end)

  it("refer to a table that is there already in the table itself", function()
    local db = mr.open "mock+postgresql://"
    hen_and_egg(db, { egg = "fk_egg" })
    local statements = ddl.sent(db, function() db:create_all{ tables = { db.metadata.tables.egg } } end)
    assert.equal(1, #statements)
    ddl.has(statements[1], "CONSTRAINT fk_egg FOREIGN KEY(hen_id) REFERENCES hen (id)")
  end)
end)
