-- Classes of views: they are read, never written; a view is made by create_all only where its query is given.

local mr = require "moonrow"
local ddl = require "spec.support.ddl"
local models = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function open(definition, dialect)
  local db = mr.open(ddl.urls[dialect or "sqlite"])
  local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true },
                                         name = db.Column{ db.String(20) }, age = db.Column{ db.Integer } })
  local Adult = db.Model:extend("Adult", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20) },
    __table_args = { is_view = true, definition = definition and definition(User) or nil },
  })
  return db, User, Adult
end

local TEXT = 'SELECT id, name FROM "user" WHERE age >= 18'
local function as_text() return TEXT end

local function filled(...)
  local db, User, Adult = open(...)
  db:create_all()
  db.session:add_all{ User{ name = "ann", age = 30 }, User{ name = "bob", age = 3 } }
  db.session:commit()
  return db, User, Adult
end

describe("a view", function()
  it("is made behind the tables, and dropped before them, where its query is given", function()
    local db = open(as_text)
    assert.equal("CREATE VIEW adult AS " .. TEXT, ddl.created(db)[2])
    assert.same({}, ddl.created(db))
    assert.same({ "DROP VIEW adult", "DROP TABLE user" }, ddl.sent(db, function() db:drop_all() end))
    assert.same({}, ddl.sent(db, function() db:drop_all() end))
  end)

  it("may be given as a select, whose values are written in", function()
    local function select(User)
      return mr.select(User.id, User.name):where(User.age:ge(18) & User.name:ne "it's")
    end
    local db = open(select)
    assert.equal("CREATE VIEW adult AS SELECT user.id, user.name FROM user WHERE user.age >= 18 "
      .. "AND user.name != 'it''s'", ddl.created(db)[2])
    assert.equal('CREATE VIEW adult AS SELECT "user".id, "user".name FROM "user" WHERE "user".age >= 18 '
      .. "AND \"user\".name != 'it''s'", ddl.created((open(select, "postgresql")))[2])
    open(function() return mr.text(TEXT) end)
    local _, _, Adult = filled(function(User) return User.query:filter(User.age:gt(18)) end)
    assert.equal("ann", Adult.query:one().name)
    refuse("ArgumentError", "'limit'", open, function(User)
      return mr.select(User.id):where(User.age:gt(mr.bindparam "limit"))
    end)
  end)

  it("is ordered by the values that its select has, not by the columns in their place", function()
    local db, _, Adult = filled(function(User)
      return mr.select(User.id, User.name):order_by(mr.literal(7), mr.literal(2):desc(), User.id:desc())
    end)
    assert.matches("ORDER BY (SELECT 7), (SELECT 2) DESC", ddl.stored(db).adult, 1, true)
    assert.equal("bob", db.session:scalars(mr.text "SELECT name FROM adult"):first())
    assert.equal(2, Adult.query:count())
  end)

  it("without a query is somebody else's: never made, never dropped, nothing is asked of it", function()
    local db = open()
    assert.equal(1, #ddl.created(db))
    assert.equal(1, #models.statements(db, function() db:create_all() end))
    assert.same({ "DROP TABLE user" }, ddl.dropped(db))
    local e = refuse("ArgumentError", { "'adult'", "definition" }, function()
      return tostring(mr.CreateTable(db.metadata.tables.adult))
    end)
    assert.truthy(e)
  end)

  it("is read as a table is: queries, get, joins, relationships", function()
    local db, User, Adult = filled(as_text)
    assert.equal("ann", Adult.query:one().name)
    assert.equal("ann", db.session:get(Adult, 1).name)
    assert.is_nil(db.session:get(Adult, 2))
    assert.equal(30, db.session:query(User.age):join(Adult, Adult.id:eq(User.id)):scalar())
  end)

  it("is the target of a relationship, without a foreign key in the database", function()
    local db, _, Adult = open(as_text)
    local Post = db.Model:extend("Post", {
      id = db.Column{ db.Integer, primary_key = true }, adult_id = db.Column{ db.Integer, db.ForeignKey "adult.id" },
      adult = db.relationship{ "Adult", backref = "posts" },
    })
    local statements = ddl.created(db)
    assert.equal("CREATE TABLE post ( id INTEGER NOT NULL, adult_id INTEGER, PRIMARY KEY (id) )",
      statements[1]:find "post" and statements[1] or statements[2])
    models.run(db, "INSERT INTO user (name, age) VALUES ('ann', 30)")
    db.session:add(Post{ adult = Adult.query:one() })
    db.session:commit()
    assert.equal("ann", Post.query:options(mr.joinedload "adult"):one().adult.name)
    assert.equal(1, #Adult.query:one().posts)
  end)

  it("is not written: a flush refuses a new, a changed and a deleted object, and says what to do", function()
    local db, _, Adult = filled(as_text)
    local session = db.session
    local function refused(words)
      local sent = models.statements(db, function() refuse("InvalidRequestError", words, session.flush, session) end)
      assert.same({}, sent)
      session:rollback()
    end
    local new = Adult{ id = 9, name = "x" }
    session:add(new)
    refused{ "a new Adult", "inserted", "view ('adult')", "expunge" }
    local ann = Adult.query:one()
    ann.name = "anna"
    refused{ "Adult 1", "changed", "view ('adult')", "expire" }
    session:delete(Adult.query:one())
    refused{ "Adult 1", "deleted", "view ('adult')" }
    assert.equal("ann", Adult.query:one().name)
    ann.name = "anna"
    ann.name = "ann"
    session:commit()
  end)

  it("is not written by statements, which name the class", function()
    local db, _, Adult = filled(as_text)
    local session = db.session
    local words = { "Adult", "view", "the tables that it reads" }
    refuse("ArgumentError", words, session.execute, session, mr.insert(Adult):values{ id = 1 })
    refuse("ArgumentError", words, session.execute, session, mr.insert(Adult), { { id = 1 }, { id = 2 } })
    refuse("ArgumentError", words, session.execute, session, mr.update(Adult):values{ name = "x" })
    refuse("ArgumentError", words, session.execute, session, mr.delete(Adult))
    refuse("ArgumentError", words, function() Adult.query:delete() end)
    refuse("ArgumentError", words, function() Adult.query:update{ name = "x" } end)
  end)

  it("of other views comes in the order of declaration", function()
    local db = open(as_text)
    db.Table{ "aaa", mr.Column{ "id", mr.Integer, primary_key = true }, is_view = true,
              definition = "SELECT id FROM adult" }
    local statements = ddl.created(db)
    assert.same({ "CREATE VIEW adult AS " .. TEXT, "CREATE VIEW aaa AS SELECT id FROM adult" },
      { table.unpack(statements, 2) })
    assert.same({ "DROP VIEW aaa", "DROP VIEW adult", "DROP TABLE user" }, ddl.dropped(db))
  end)

  it("has no constraints, no indexes and no storage of its own: all mistakes are told together", function()
    local words = { "'v'", "6 mistakes", "'a'", "unique = true", "'b'", "index = true", "UniqueConstraint",
                    "CheckConstraint", "sqlite_strict" }
    refuse("ArgumentError", words, mr.Table, {
      "v", mr.MetaData(), mr.Column("a", mr.Integer, { unique = true }), mr.Column("b", mr.Integer, { index = true }),
      mr.Column("c", mr.Integer, mr.CheckConstraint "c > 0"), mr.UniqueConstraint "a", mr.CheckConstraint "a > 0",
      is_view = true, sqlite_strict = true })
    refuse("ArgumentError", { "definition", "is_view = true" }, mr.Table,
      { "v", mr.MetaData(), mr.Column("a", mr.Integer), definition = "SELECT 1" })
    refuse("ArgumentError", { "definition", "SQL" }, mr.Table,
      { "v", mr.MetaData(), mr.Column("a", mr.Integer), definition = 5, is_view = true })
  end)

  it("in a schema is made and found there", function()
    local db = mr.open "sqlite://"
    local connection = db.engine:connect()
    connection:execute "ATTACH ':memory:' AS other"
    local v = mr.Table{ "v", mr.MetaData(), mr.Column{ "n", mr.Integer }, schema = "other", is_view = true,
                        definition = "SELECT 5 AS n" }
    v.metadata:create_all(connection)
    assert.equal(5, connection:execute(mr.select(v.c.n)):scalar())
    v.metadata:create_all(connection)
    v.metadata:drop_all(connection)
    refuse("OperationalError", "other.v", connection.execute, connection, mr.select(v.c.n))
  end)
end)
