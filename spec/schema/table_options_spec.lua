-- What a table's options say: STRICT, WITHOUT ROWID, comments; where __table_args come from, and where they are
-- refused. Behaviour of SQLAlchemy's test/dialect/sqlite (table options), test/sql/test_metadata (comments) and
-- test/ext/declarative/test_mixin, test_inheritance (__table_args__).

local mr = require "moonrow"
local ddl = require "spec.support.ddl"
local refuse = require "spec.support.refuse"

local function id() return mr.Column{ "id", mr.Integer, primary_key = true } end

local function made(dialect, parts)
  return ddl.of(dialect, function(db)
    table.insert(parts, 1, "t")
    db.Table(parts)
  end)
end

describe("a STRICT table", function()
  it("has type names that SQLite takes there", function()
    local statements, db = made("sqlite", {
      id(), mr.Column("a", mr.BigInteger), mr.Column("b", mr.Boolean), mr.Column("c", mr.String(5)),
      mr.Column("d", mr.Text), mr.Column("e", mr.Float), mr.Column("f", mr.LargeBinary), mr.Column("g", mr.DateTime),
      mr.Column("h", mr.Date), mr.Column("i", mr.Time), mr.Column("j", mr.Interval), mr.Column("k", mr.Any),
      mr.Column("l", mr.Uuid), mr.Column("m", mr.Enum{ "x", "y" }), sqlite_strict = true })
    assert.equal("CREATE TABLE t ( id INTEGER NOT NULL, a INTEGER, b INTEGER, c TEXT, d TEXT, e REAL, f BLOB, g TEXT, "
      .. "h TEXT, i TEXT, j TEXT, k ANY, l TEXT, m TEXT, PRIMARY KEY (id) ) STRICT", statements[1])
    assert.equal(statements[1], ddl.stored(db).t)
  end)

  it("gives back what was written, and refuses what is of no type", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", {
      id = db.Column{ db.Integer, primary_key = true }, yes = db.Column{ db.Boolean }, at = db.Column{ db.DateTime },
      name = db.Column{ db.String(9) }, ratio = db.Column{ db.Float }, any = db.Column{ db.Any },
      __table_args = { sqlite_strict = true },
    })
    db:create_all()
    local at = mr.datetime(2024, 2, 29, 1, 2, 3)
    db.session:add_all{ T{ yes = true, at = at, name = "x", ratio = 2, any = "5" }, T{ any = 5 } }
    db.session:commit()
    local row = db.session:get(T, 1)
    assert.same({ true, at, "x", 2.0, "5" }, { row.yes, row.at, row.name, row.ratio, row.any })
    assert.equal(5, db.session:get(T, 2).any)
    assert.equal(1, T.query:filter_by{ at = at, yes = true }:count())
    refuse("IntegrityError", "t.ratio", db.session.execute, db.session, mr.text "INSERT INTO t (ratio) VALUES ('x')")
  end)
end)

describe("a STRICT table's sqlite_type", function()
  local function strict(word)
    local x = mr.Column("x", mr.Integer, { sqlite_type = word })
    return mr.Table("t", mr.MetaData(), id(), x, { sqlite_strict = true })
  end

  it("is one of the words that SQLite takes there", function()
    for _, word in ipairs{ "INT", "integer", "Real", "TEXT", "BLOB", "any" } do
      local table_ = strict(word)
      local db = mr.open "sqlite://"
      db.session:execute(mr.CreateTable(table_))
      assert.truthy(tostring(mr.CreateTable(table_)):find("x " .. word, 1, true))
    end
  end)

  it("is refused otherwise, when the table is declared", function()
    for _, word in ipairs{ "LONGINT", "VARCHAR(5)", "INTE", "INTEGERS", "TEXT " } do
      refuse("ArgumentError", { "column 'x'", ("sqlite_type = %q"):format(word), "STRICT" }, strict, word)
    end
  end)
end)

describe("a table WITHOUT ROWID", function()
  it("is written, with STRICT and with a key of several columns", function()
    local key = { mr.Column{ "a", mr.String(3), primary_key = true }, mr.Column{ "b", mr.Integer, primary_key = true } }
    ddl.has(made("sqlite", { key[1], key[2], sqlite_with_rowid = false })[1], "PRIMARY KEY (a, b) ) WITHOUT ROWID")
    ddl.has(made("sqlite", { mr.Column{ "a", mr.String(3), primary_key = true }, sqlite_with_rowid = false,
                             sqlite_strict = true })[1], ") WITHOUT ROWID, STRICT")
    assert.is_nil(made("sqlite", { id(), sqlite_with_rowid = true })[1]:find "ROWID")
    assert.is_nil(made("postgresql", { mr.Column{ "a", mr.String(3), primary_key = true }, sqlite_with_rowid = false,
                                       sqlite_strict = true })[1]:find "ROWID")
  end)

  it("numbers nothing: an object needs its key, which is said before anything is sent", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true }, n = db.Column{ db.Integer },
                                     __table_args = { sqlite_with_rowid = false } })
    db:create_all()
    db.session:add(T{ n = 1 })
    local records = db:record(function()
      refuse("InvalidRequestError", { "T.id", "set it" }, db.session.flush, db.session)
    end)
    assert.equal(0, #records)
    db.session:rollback()
    db.session:add(T{ id = 5, n = 1 })
    db.session:commit()
    assert.equal(1, db.session:get(T, 5).n)
  end)

  it("is refused without a key, and with a key that is to be numbered", function()
    refuse("ArgumentError", { "'t'", "sqlite_with_rowid = false", "primary key" }, made, "sqlite",
      { mr.Column("a", mr.Integer), sqlite_with_rowid = false })
    for _, parts in ipairs{
      { id(), sqlite_autoincrement = true },
      { mr.Column{ "id", mr.Integer, primary_key = true, autoincrement = true } },
      { mr.Column{ "id", mr.Integer, mr.Identity(), primary_key = true } },
    } do
      parts.sqlite_with_rowid = false
      refuse("ArgumentError", { "'t'", "'id'", "numbered", "rowid" }, made, "sqlite", parts)
    end
  end)
end)

describe("a comment", function()
  it("of a table and of columns is told to PostgreSQL, behind the table and its indexes", function()
    local statements, db = made("postgresql", {
      id(), mr.Column("n", mr.Integer, { comment = "it's a \\ number: 5%", index = true }), comment = "the table" })
    assert.same({ "CREATE INDEX ix_t_n ON t (n)", "COMMENT ON TABLE t IS 'the table'",
                  "COMMENT ON COLUMN t.n IS 'it''s a \\ number: 5%'" }, { table.unpack(statements, 2) })
    assert.equal("the table", db.metadata.tables.t.comment)
  end)

  it("is kept in the metadata alone for SQLite", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true, comment = "key" },
                                     __table_args = { comment = "all of it" } })
    assert.same({ "CREATE TABLE t ( id INTEGER NOT NULL, PRIMARY KEY (id) )" }, ddl.created(db))
    assert.equal("all of it", T.__table.comment)
    refuse("ArgumentError", { "comment", "a string", "5" }, mr.Table, { "u", mr.MetaData(), id(), comment = 5 })
  end)

  it("names schemas and odd names as they are quoted", function()
    local db = mr.open "mock+postgresql://"
    db.Table{ "order", mr.Column("Odd name", mr.Integer, { comment = "c" }), schema = "s", comment = "t" }
    assert.same({ "COMMENT ON TABLE s.\"order\" IS 't'", "COMMENT ON COLUMN s.\"order\".\"Odd name\" IS 'c'" },
      { table.unpack(ddl.created(db), 2) })
  end)
end)

describe("__table_args", function()
  local db

  before_each(function() db = mr.open "sqlite://" end)

  local function key() return db.Column{ db.Integer, primary_key = true } end

  it("of a mixin, and of a base without a table, count for each class that has none of its own", function()
    local Strict = { __table_args = { sqlite_strict = true, db.CheckConstraint "id > 0" }, id = key() }
    db.Model:extend("A", { Strict })
    db.Model:extend("B", { Strict, __table_args = { comment = "own" } })
    local Base = db.Model:extend("Base", { __abstract = true, __table_args = { sqlite_autoincrement = true } })
    Base:extend("C", { id = key() })
    local sql = table.concat(ddl.created(db), "\n")
    ddl.has(sql, "CREATE TABLE a ( id INTEGER NOT NULL, PRIMARY KEY (id), CHECK (id > 0) ) STRICT")
    ddl.has(sql, "CREATE TABLE b ( id INTEGER NOT NULL, PRIMARY KEY (id) )\n")
    ddl.has(sql, "CREATE TABLE c ( id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT )")
  end)

  it("of a mixin come with its __tablename and __mapper_args", function()
    local Named = { __tablename = "given", __mapper_args = { version_id_col = "version" },
                    version = db.Column{ db.Integer, nullable = false } }
    local A = db.Model:extend("A", { Named, id = key() })
    assert.equal("given", A.__table.name)
    db:create_all()
    local a = A{}
    db.session:add(a)
    db.session:commit()
    assert.equal(1, a.version)
  end)

  it("are refused where the class has no new table", function()
    local t = db.Table("t", mr.Column{ "id", mr.Integer, primary_key = true })
    refuse("ArgumentError", { "T", "__table_args", "'t'", "is made" }, db.Model.extend, db.Model, "T",
      { __table = t, __table_args = { db.CheckConstraint "id > 0" } })
    local Base = db.Model:extend("Base", { id = key(), type = db.Column{ db.String(5) } })
    refuse("ArgumentError", { "Sub", "__table_args", "'base'", "Base" }, Base.extend, Base, "Sub",
      { __table_args = { db.Index("ix", "id") } })
    Base:extend("Fine", { __table_args = {} })
  end)

  it("refuse an unknown option, naming those that there are", function()
    refuse("ArgumentError", { "Bad.__table_args", "'sqlite_strickt'" }, db.Model.extend, db.Model, "Bad",
      { id = key(), __table_args = { sqlite_strickt = true } })
    refuse("ArgumentError", { "Bad.__table_args", "sqlite_strict", "true or false" }, db.Model.extend, db.Model, "Bad",
      { id = key(), __table_args = { sqlite_strict = 1 } })
    refuse("ArgumentError", { "Bad.__table_args: schema", "5" }, db.Model.extend, db.Model, "Bad",
      { id = key(), __table_args = { schema = 5 } })
    refuse("ArgumentError", { "'sqlite_stric'", "did you mean 'sqlite_strict'?" }, mr.Table,
      { "t", mr.MetaData(), id(), sqlite_stric = true })
  end)

  it("take options of other databases, which count there alone", function()
    db.Model:extend("T", { id = key(), __table_args = { mysql_engine = "InnoDB" } })
    assert.same({ "CREATE TABLE t ( id INTEGER NOT NULL, PRIMARY KEY (id) )" }, ddl.created(db))
  end)
end)
