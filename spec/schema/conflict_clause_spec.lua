-- ON CONFLICT of constraints, which SQLite has. Behaviour of SQLAlchemy's test/dialect/sqlite, except that a clause
-- without its constraint is refused.

local mr = require "moonrow"
local ddl = require "spec.support.ddl"
local refuse = require "spec.support.refuse"

local function sql(...) return tostring(mr.CreateTable(mr.Table("t", mr.MetaData(), ...))) end

local function column(name, options)
  table.insert(options, 1, name)
  table.insert(options, 2, mr.Integer)
  return mr.Column(options)
end

describe("ON CONFLICT", function()
  it("stands behind each constraint that says it", function()
    for _, word in ipairs{ "ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE" } do
      assert.equal(("CREATE TABLE t ( id INTEGER NOT NULL, x INTEGER NOT NULL ON CONFLICT %s, "
        .. "PRIMARY KEY (id) ON CONFLICT %s, UNIQUE (id, x) ON CONFLICT %s, CHECK (x > 0) ON CONFLICT %s )")
        :gsub("%%s", word),
        sql(column("id", {}), column("x", { nullable = false, sqlite_on_conflict_not_null = word:lower() }),
          mr.PrimaryKeyConstraint("id", { sqlite_on_conflict = word }),
          mr.UniqueConstraint("id", "x", { sqlite_on_conflict = word }),
          mr.CheckConstraint("x > 0", { sqlite_on_conflict = word })))
    end
  end)

  it("of a column's own constraints is said with the column", function()
    ddl.has(sql(column("x", { unique = true, sqlite_on_conflict_unique = "FAIL" })), "UNIQUE (x) ON CONFLICT FAIL")
    ddl.has(sql(column("x", { primary_key = true, sqlite_on_conflict_primary_key = "FAIL" })),
      "PRIMARY KEY (x) ON CONFLICT FAIL")
    ddl.has(sql(column("x", { primary_key = true, sqlite_on_conflict_not_null = "FAIL" })), "NOT NULL ON CONFLICT FAIL")
    ddl.has(sql(column("x", { primary_key = true, sqlite_on_conflict_primary_key = "FAIL" }),
      mr.PrimaryKeyConstraint("x", { name = "k" })), "CONSTRAINT k PRIMARY KEY (x) ON CONFLICT FAIL")
    ddl.has(sql(column("x", { primary_key = true, autoincrement = true, sqlite_on_conflict_primary_key = "IGNORE" })),
      "x INTEGER NOT NULL PRIMARY KEY ON CONFLICT IGNORE AUTOINCREMENT")
  end)

  it("is left out in PostgreSQL", function()
    local t = mr.Table("t", mr.MetaData(), column("x", { unique = true, sqlite_on_conflict_unique = "FAIL" }))
    assert.is_nil(tostring(mr.CreateTable{ t, dialect = "postgresql" }):find "CONFLICT")
  end)

  it("does what it says", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(9), unique = true, sqlite_on_conflict_unique = "REPLACE" } })
    db:create_all()
    db.session:execute(mr.insert(T), { { id = 1, name = "a" }, { id = 2, name = "a" } })
    assert.same({ 2 }, db.session:scalars(mr.select(T.id)):all())
  end)

  it("is refused without its constraint, and in other words", function()
    refuse("ArgumentError", { "'x'", "not_null", "nullable = false" }, sql,
      column("x", { sqlite_on_conflict_not_null = "FAIL" }))
    refuse("ArgumentError", { "'x'", "unique = true" }, sql, column("x", { sqlite_on_conflict_unique = "FAIL" }))
    refuse("ArgumentError", { "'x'", "primary_key = true" }, sql,
      column("x", { sqlite_on_conflict_primary_key = "FAIL" }))
    refuse("ArgumentError", { "'x'", "index = true" }, sql,
      column("x", { unique = true, index = true, sqlite_on_conflict_unique = "FAIL" }))
    refuse("ArgumentError", { "'x'", "2 columns", "PrimaryKeyConstraint" }, sql,
      column("x", { primary_key = true, sqlite_on_conflict_primary_key = "FAIL" }), column("y", { primary_key = true }))
    refuse("ArgumentError", { "sqlite_on_conflict", "REPLACE", "MERGE" }, mr.UniqueConstraint, "x",
      { sqlite_on_conflict = "MERGE" })
  end)
end)
