-- What prints a query has no effect: no session comes into being, no connection is opened, no statement is sent; and
-- the SQL is that of the database to which the query would go.

local mr = require "moonrow"

local function open(url)
  local db = mr.open(url)
  local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
  return db, User
end

local function forms_of(q)
  return { tostring(q), q:sql(), q:sql{ literals = true }, q:sql{ dialect = "postgresql" } }
end

describe("printing a query of Class.query", function()
  it("makes no session", function()
    local db, User = open "sqlite://"
    local queries = { User.query, User.query:filter_by{ id = 1 }, User.query:filter(User.id:gt(1)):order_by(User.id),
      User.query:where "id > 1", User.query:tag "shown", User.query:with_entities(User.id) }
    for _, q in ipairs(queries) do
      assert.matches('FROM "?user"?', forms_of(q)[1])
      assert.is_false(db.session:has())
    end
    local compiled = User.query:filter(User.id:eq(mr.bindparam "id")):compiled()
    assert.matches("user.id = ", tostring(compiled) .. compiled:sql(), 1, true)
    assert.matches("FROM user", tostring(User.query:subquery()) .. tostring(User.query:exists()), 1, true)
    assert.is_false(db.session:has())
  end)

  it("has the spelling of the engine that its session would have", function()
    local _, User = open "mock+postgresql://"
    local maker = mr.sessionmaker{ bind = mr.create_engine "mock+postgresql://" }
    local scoped = mr.scoped_session(maker)
    for _, q in ipairs{ User.query:filter_by{ id = 1 }, scoped:query(User):filter_by{ id = 1 } } do
      assert.matches("= $1", tostring(q), 1, true)
    end
    local own = mr.scoped_session(mr.sessionmaker{ bind = mr.create_engine "mock+postgresql://" })
    local Base = mr.declarative_base()
    Base.query = own:query_property()
    local Post = Base:extend("Post", { id = mr.Column{ mr.Integer, primary_key = true } })
    assert.matches("= $1", Post.query:filter_by{ id = 1 }:sql(), 1, true)
    assert.is_false(own:has())
  end)

  it("calls no function of the program that makes sessions", function()
    local calls, engine = 0, mr.create_engine "sqlite://"
    local scoped = mr.scoped_session(function()
      calls = calls + 1
      return mr.Session(engine)
    end)
    local Base = mr.declarative_base()
    Base.query = scoped:query_property()
    local Post = Base:extend("Post", { id = mr.Column{ mr.Integer, primary_key = true } })
    assert.equal("SELECT post.id AS post_id FROM post WHERE post.id = ?", tostring(Post.query:filter_by{ id = 1 }))
    assert.equal("<scoped_session>", tostring(scoped))
    assert.equal(0, calls)
    Base.metadata:create_all(engine)
    assert.equal(0, Post.query:count())
    assert.equal(1, calls)
    assert.equal("<scoped_session " .. tostring(scoped()) .. ">", tostring(scoped))
  end)

  it("works without an application, in a scope without a name, and after the session's end", function()
    local db = mr.Database()
    local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
    assert.equal("SELECT user.id AS user_id FROM user", tostring(User.query))
    local nameless = mr.scoped_session(mr.sessionmaker(), { scopefunc = function() end })
    local Base = mr.declarative_base()
    Base.query = nameless:query_property()
    local Post = Base:extend("Post", { id = mr.Column{ mr.Integer, primary_key = true } })
    assert.equal("SELECT post.id AS post_id FROM post", tostring(Post.query))
    assert.equal("<scoped_session>", tostring(nameless))
    local s = mr.Session(mr.create_engine "sqlite://")
    local q = s:query(Post)
    s:close()
    assert.equal("SELECT post.id AS post_id FROM post", tostring(q))
  end)

  it("makes one to explain, as the database is asked", function()
    local db, User = open "sqlite://"
    db:create_all()
    db.session:remove()
    assert.equal("SCAN user", User.query:explain()[1].detail)
    assert.is_true(db.session:has())
  end)
end)
