-- Indexes: of columns, of expressions, with a condition, named or by convention. Behaviour of SQLAlchemy's
-- test/sql/test_constraints (ConstraintGenTest's indexes, IndexTest), test/sql/test_metadata (IndexTest) and
-- test/dialect/sqlite (partial indexes).

local mr = require "moonrow"
local ddl = require "spec.support.ddl"
local models = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function open(dialect, ...)
  local db = mr.open(ddl.urls[dialect or "sqlite"])
  local User = db.Model:extend("User", {
    id     = db.Column{ db.Integer, primary_key = true },
    name   = db.Column{ db.String(20) },
    mail   = db.Column{ "e-mail", db.String(20) },
    age    = db.Column{ db.Integer },
    active = db.Column{ db.Boolean },
    __table_args = { ... },
  })
  return db, User
end

-- The CREATE INDEX statements.
local function indexes(db)
  local out = ddl.created(db)
  table.remove(out, 1)
  return out
end

describe("an index in __table_args", function()
  it("names columns by their names in the database", function()
    assert.same({ 'CREATE INDEX ix ON user (name, "e-mail")', "CREATE UNIQUE INDEX ux ON user (age)" },
      indexes(open("sqlite", mr.Index{ "ix", "name", "e-mail" }, mr.Index("ux", "age", { unique = true }))))
    refuse("ArgumentError", { "'user'", "index", "'nam'", "did you mean 'name'?" }, open, "sqlite",
      mr.Index("ix", "nam"))
  end)

  it("has its name as an option, too, or none: then the convention names it", function()
    assert.same({ "CREATE INDEX mine ON user (name, age)", "CREATE INDEX ix_user_age ON user (age)" },
      indexes(open("sqlite", mr.Index{ "name", "age", name = "mine" }, mr.Index{ nil, "age" })))
    refuse("ArgumentError", { "Index", "name", "columns" }, mr.Index, "alone")
    refuse("ArgumentError", "Index", mr.Index)
  end)

  it("takes expressions as mr.text, in any order with columns", function()
    assert.same({ "CREATE INDEX ix ON user (lower(name), age)" },
      indexes(open("sqlite", mr.Index{ "ix", mr.text "lower(name)", "age" })))
    assert.same({ 'CREATE INDEX ix ON "user" (lower(name), age DESC)' },
      indexes(open("postgresql", mr.Index{ "ix", mr.text "lower(name)", mr.text "age DESC" })))
  end)

  it("is partial by where, one text for all or one for each database", function()
    local function of(dialect, options)
      options[1], options[2] = "ix", "name"
      return indexes(open(dialect, mr.Index(options)))[1]
    end
    assert.equal("CREATE INDEX ix ON user (name) WHERE age > 5", of("sqlite", { where = "age > 5" }))
    assert.equal('CREATE INDEX ix ON "user" (name) WHERE age > 5', of("postgresql", { where = "age > 5" }))
    assert.equal("CREATE INDEX ix ON user (name) WHERE age > 5", of("sqlite", { sqlite_where = mr.text "age > 5" }))
    assert.equal('CREATE INDEX ix ON "user" (name)', of("postgresql", { sqlite_where = mr.text "age > 5" }))
    assert.equal("CREATE INDEX ix ON user (name) WHERE age > 1",
      of("sqlite", { sqlite_where = "age > 1", where = "b" }))
  end)

  it("is unique among the rows that its condition meets", function()
    local db, User = open("sqlite", mr.Index{ "ux", "name", unique = true, where = "active = 1" })
    db:create_all()
    db.session:add_all{ User{ name = "a", active = false }, User{ name = "a", active = false },
                        User{ name = "a", active = true } }
    db.session:commit()
    db.session:add(User{ name = "a", active = true })
    refuse("IntegrityError", "user.name", db.session.flush, db.session)
  end)
end)

describe("an index of a class's attributes", function()
  it("belongs to the table at once", function()
    local db, User = open()
    local index = mr.Index{ "ix_lower", mr.func.lower(User.name), User.age:desc() }
    assert.equal("user", index.table.name)
    assert.same({ "CREATE INDEX ix_lower ON user (lower(name), age DESC)" }, indexes(db))
    db:drop_all()
    assert.same({ "CREATE INDEX ix_lower ON user (lower(name), age DESC)" }, indexes(db))
  end)

  it("writes columns without their table, values as they are, and parentheses where PostgreSQL needs them", function()
    for _, dialect in ipairs{ "sqlite", "postgresql" } do
      local db, User = open(dialect)
      mr.Index{ "a", User.age + 1, (User.age * 2):desc(), User.name:collate "NOCASE" }
      mr.Index{ "b", User.mail, unique = true, where = User.age:gt(5) & User.name:ne "it's" & User.name:is_not(nil) }
      mr.Index{ "c", User.age, where = User.active:eq(true) }
      mr.Index{ "d", User.age, where = User.age:in_{ 1, 2 } }
      local sql = table.concat(indexes(db), "\n")
      ddl.has(sql, (dialect == "sqlite" and "(age + 1" or "((age + 1)") .. ", (age * 2) DESC, name COLLATE")
      ddl.has(sql, '("e-mail") WHERE age > 5 AND name != \'it\'\'s\' AND name IS NOT NULL')
      ddl.has(sql, dialect == "sqlite" and "(age) WHERE active = 1" or "(age) WHERE active = true")
      ddl.has(sql, "(age) WHERE age IN (1, 2)")
    end
  end)

  it("serves the queries that it is made for", function()
    local db, User = open()
    mr.Index{ "ix_lower", mr.func.lower(User.name) }
    mr.Index{ "ix_some", User.age, where = User.active:eq(true) }
    db:create_all()
    local function plan(query)
      local sql = tostring(query):gsub("%?", "'x'")
      local rows = db.session:execute(mr.text("EXPLAIN QUERY PLAN " .. sql)):all()
      return rows[1][4]
    end
    ddl.has(plan(mr.select(User.id):where(mr.func.lower(User.name):eq "x")), "ix_lower")
    ddl.has(plan(mr.select(User.id):where(User.age:eq(4)):where(mr.text "active = 1")), "ix_some")
  end)

  it("is the target of an upsert with the same condition", function()
    local db, User = open()
    mr.Index{ "ux", User.name, unique = true, where = User.active:eq(true) }
    db:create_all()
    for _, age in ipairs{ 1, 2 } do
      db.session:execute(mr.insert(User):values{ name = "a", active = true, age = age }
        :on_conflict_do_update{ index_elements = { "name" }, index_where = User.active:eq(true), set = { age = age } })
    end
    assert.same({ 2 }, db.session:scalars(mr.select(User.age)):all())
  end)

  it("is refused over several tables, over a view, and for another table", function()
    local db, User = open()
    local Post = db.Model:extend("Post", { id = db.Column{ db.Integer, primary_key = true } })
    refuse("ArgumentError", { "Index", "several tables" }, mr.Index, "ix", User.id, Post.id)
    local index = mr.Index{ "ix_mine", User.age }
    refuse("ArgumentError", { "the Index", "'user'", "strings" }, db.Model.extend, db.Model, "Bad",
      { id = db.Column{ db.Integer, primary_key = true }, __table_args = { index } })
    local Old = db.Model:extend("Old", { id = db.Column{ db.Integer, primary_key = true },
                                         __table_args = { is_view = true } })
    refuse("ArgumentError", { "'old'", "view", "tables" }, mr.Index, "ix", Old.id)
    refuse("ArgumentError", { "Index", "alias" }, mr.Index, "ix", mr.aliased(User).age)
    refuse("ArgumentError", { "CheckConstraint", "alias" }, mr.CheckConstraint, mr.aliased(User).age:gt(1))
    refuse("ArgumentError", "'limit'", mr.Index, "ix", User.age, { where = User.age:gt(mr.bindparam "limit") })
    refuse("ArgumentError", { "'wher'", "did you mean 'where'?" }, mr.Index, "ix", "a", { wher = "x" })
    refuse("ArgumentError", "Index", mr.Index, "ix", 5)
    assert.equal(1, #indexes(db) - 1)
  end)

  it("of a table in a schema is made in that schema", function()
    for dialect, sql in pairs{ sqlite = "CREATE INDEX main.ix_main_t_a ON t (a)",
                               postgresql = "CREATE INDEX ix_main_t_a ON main.t (a)" } do
      local db = mr.open(ddl.urls[dialect])
      local t = db.Table{ "t", mr.Column("a", mr.Integer), schema = "main" }
      mr.Index{ nil, t.c.a }
      assert.equal(sql, ddl.created(db)[2])
    end
  end)
end)

describe("table.indexes", function()
  it("lists them with name, columns and uniqueness", function()
    local _, User = open("sqlite", mr.Index("a", "name", "age"))
    mr.Index{ nil, User.age, mr.func.lower(User.name), unique = true }
    local list = User.__table.indexes
    assert.same({ "a", "ix_user_age" }, models.values(list, "name"))
    assert.same({ "name", "age" }, list[1].columns)
    assert.same({ "age", false }, list[2].columns)
    assert.is_true(list[2].unique)
    assert.is_false(list[1].unique)
    assert.equal(User.__table, list[1].table)
  end)
end)
