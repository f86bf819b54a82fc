-- Definitions as statements: CreateTable, DropTable, CreateIndex, DropIndex. Behaviour of SQLAlchemy's
-- test/sql/test_metadata and test/engine/test_ddlevents, test/sql/test_ddl (if_exists, if_not_exists).

local mr = require "moonrow"
local ddl = require "spec.support.ddl"
local refuse = require "spec.support.refuse"

local function user(db)
  return db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true },
                                   name = db.Column{ db.String(20), index = true } })
end

describe("a definition as a statement", function()
  it("shows its SQL, of a class and of a table", function()
    local User = user(mr.open "sqlite://")
    local sql = "CREATE TABLE user ( id INTEGER NOT NULL, name VARCHAR(20), PRIMARY KEY (id) )"
    assert.equal(sql, tostring(mr.CreateTable(User)))
    assert.equal(sql, tostring(mr.CreateTable(User.__table)))
    assert.equal("DROP TABLE user", tostring(mr.DropTable(User)))
    assert.equal("CREATE INDEX ix_user_name ON user (name)", tostring(mr.CreateIndex(User.__table.indexes[1])))
    assert.equal("DROP INDEX ix_user_name", tostring(mr.DropIndex(User.__table.indexes[1])))
  end)

  it("shows it in another dialect, and with IF EXISTS", function()
    local User = user(mr.open "sqlite://")
    assert.equal('CREATE TABLE IF NOT EXISTS "user" ( id SERIAL NOT NULL, name VARCHAR(20), PRIMARY KEY (id) )',
      tostring(mr.CreateTable{ User, if_not_exists = true, dialect = "postgresql" }))
    assert.equal('DROP TABLE IF EXISTS "user"',
      tostring(mr.DropTable(User, { if_exists = true, dialect = "postgresql" })))
    local index = User.__table.indexes[1]
    assert.equal("CREATE INDEX IF NOT EXISTS ix_user_name ON user (name)",
      tostring(mr.CreateIndex(index, { if_not_exists = true })))
    assert.equal("DROP INDEX IF EXISTS ix_user_name", tostring(mr.DropIndex(index, { if_exists = true })))
  end)

  it("is executed by sessions and connections, in their dialect", function()
    for dialect, words in pairs{ sqlite = "id INTEGER NOT NULL", postgresql = "id SERIAL NOT NULL" } do
      local db = mr.open(ddl.urls[dialect])
      local User = user(db)
      local statements = ddl.sent(db, function()
        db.session:execute(mr.CreateTable(User))
        db.session:commit()
        db.engine:begin(function(connection) connection:execute(mr.CreateIndex(User.__table.indexes[1])) end)
        db.session:execute(mr.DropTable(User))
        db.session:commit()
      end)
      ddl.has(statements[1], words)
      ddl.has(statements[2], "CREATE INDEX")
      ddl.has(statements[3], "DROP TABLE")
    end
  end)

  it("keeps colons of its texts: they are no parameters", function()
    local db = mr.open "sqlite://"
    local t = db.Table("t", mr.Column("a", mr.String(9), mr.CheckConstraint "a <> ' :x' AND a NOT LIKE '%:b'",
      { server_default = "a :c" }))
    db.session:execute(mr.CreateTable(t))
    db.session:commit()
    ddl.has(ddl.stored(db).t, "DEFAULT 'a :c' CHECK (a <> ' :x' AND a NOT LIKE '%:b')")
  end)

  it("in a transaction goes back with it", function()
    local db = mr.open "sqlite://"
    db.session:execute(mr.CreateTable(user(db)))
    db.session:rollback()
    assert.is_nil(ddl.stored(db).user)
  end)

  it("refuses what is no table or index, and an index without a table", function()
    refuse("ArgumentError", { "CreateTable", "a table or a class" }, mr.CreateTable, 5)
    refuse("ArgumentError", { "CreateTable", "0 arguments" }, mr.CreateTable)
    refuse("ArgumentError", { "DropIndex", "Index" }, mr.DropIndex, mr.UniqueConstraint "a")
    refuse("ArgumentError", { "CreateIndex", "'ix'", "table.indexes" }, mr.CreateIndex, mr.Index("ix", "a"))
    local User = user(mr.open "sqlite://")
    refuse("ArgumentError", { "'mysql'", "sqlite", "postgresql" }, mr.CreateTable, User, { dialect = "mysql" })
    refuse("ArgumentError", { "'if_exists'", "known are if_not_exists" }, mr.CreateTable, User, { if_exists = true })
  end)
end)

describe("a table that is made again from what the database has kept", function()
  -- Each option comes back: the stored definition is the one that was sent, and makes an equal table elsewhere.
  it("is the same table", function()
    local db = mr.open "sqlite://"
    db.Table{ "a", mr.Column{ "id", mr.Integer, primary_key = true }, sqlite_autoincrement = true }
    db.Table{ "b", mr.Column{ "k", mr.String(3), primary_key = true }, mr.Column{ "n", mr.Integer },
              mr.Column{ "v", mr.Integer, mr.Computed{ "n + 1", persisted = false } },
              mr.Column{ "s", mr.Integer, mr.Computed{ "n * 2", persisted = true } },
              mr.Column{ "a_id", mr.Integer, mr.ForeignKey{ "a.id", deferrable = true, initially = "DEFERRED" } },
              mr.CheckConstraint("n < 100", { name = "few" }),
              mr.Index{ "ix_e", mr.text "abs(n)", where = "n IS NOT NULL", unique = true },
              sqlite_strict = true, sqlite_with_rowid = false }
    local sent = ddl.created(db)
    local stored, other = ddl.stored(db), mr.open "sqlite://"
    assert.same({ sent[1], sent[2], sent[3] }, { stored.a, stored.b, stored.ix_e })
    for _, name in ipairs{ "a", "b", "ix_e" } do other.session:execute(mr.text(stored[name])) end
    for _, pragma in ipairs{ "table_xinfo('b')", "foreign_key_list('b')", "index_list('b')", "table_list" } do
      local function rows(of)
        local out = {}
        for _, row in ipairs(of.session:execute(mr.text("SELECT * FROM pragma_" .. pragma)):all()) do
          out[#out + 1] = { row:unpack() }
        end
        return out
      end
      assert.same(rows(db), rows(other))
    end
  end)
end)
