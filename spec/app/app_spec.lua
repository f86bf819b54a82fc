-- Applications and their scopes, mr.Database, sessionmaker, scoped_session, declarative_base.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local process = require "spec.support.process"

-- An application with a database in memory, and a class User.
local function application(name)
  local app = mr.App(name or "blog")
  app.config.DATABASE_URI = "sqlite://"
  local db = mr.Database(app)
  local User = db.Model:extend("User", {
    id   = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20) },
  })
  db:create_all()
  return app, db, User
end

describe("an application", function()
  it("is a name and a configuration", function()
    local app = mr.App "blog"
    assert.equal("blog", app.name)
    assert.matches("blog", tostring(app))
    assert.is_nil(app.config.DATABASE_URI)
    refuse("ArgumentError", "App", mr.App, 12)
    refuse("ArgumentError", "Database", mr.Database, 12)
  end)

  it("may be told of the database later", function()
    local app = mr.App "blog"
    app.config.DATABASE_URI = "sqlite://"
    local db = mr.Database()
    local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
    refuse("InvalidRequestError", "init_app", function() return db.engine end)
    refuse("InvalidRequestError", "init_app", function() return User.query:all() end)
    db:init_app(app)
    db:create_all()
    assert.equal(0, User.query:count())
    refuse("ArgumentError", { "init_app", "App" }, db.init_app, db, {})
  end)

  it("without a URI says which configuration is missing", function()
    local db = mr.Database(mr.App "blog")
    local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
    refuse("InvalidRequestError", { "blog", "DATABASE_URI" }, function() db:create_all() end)
    refuse("InvalidRequestError", { "blog", "DATABASE_URI" }, function() return User.query:all() end)
    db.app.config.DATABASE_URI = "sqlite://"
    db:create_all()
    assert.equal(0, User.query:count())
  end)

  it("with a wrong URI says so", function()
    local app = mr.App "blog"
    app.config.DATABASE_URI = "slite:///x.db"
    local db = mr.Database(app)
    refuse("ArgumentError", { "slite", "sqlite" }, function() return db.engine end)
    app.config.DATABASE_URI = "sqlite://"
    assert.equal(1, db.session:scalar(mr.text "SELECT 1"))
  end)
end)

describe("a scope", function()
  local app, db, User

  before_each(function() app, db, User = application() end)

  it("gives the function's results, and passes it arguments", function()
    local a, b, c = app:scope(function(...) return select("#", ...), nil, ... end, "x", nil)
    assert.equal(2, a)
    assert.is_nil(b)
    assert.equal("x", c)
    refuse("ArgumentError", { "scope", "function" }, app.scope, app, 12)
  end)

  it("has a session of its own, which goes at its end", function()
    local outside = db.session()
    local inside, user
    app:scope(function()
      inside = db.session()
      assert.is_false(rawequal(outside, inside))
      assert.is_true(rawequal(inside, db.session()))
      user = User{ name = "ann" }
      db.session:add(user)
      db.session:commit()
      db.session:add(User{ name = "lost" })
      db.session:flush()
    end)
    assert.is_true(rawequal(outside, db.session()))
    assert.equal("detached", mr.inspect(user).state)
    assert.equal(1, User.query:count())
  end)

  it("may be entered in a scope", function()
    app:scope(function()
      local outer = db.session()
      app:scope(function() assert.is_false(rawequal(outer, db.session())) end)
      assert.is_true(rawequal(outer, db.session()))
      db.session:add(User{ name = "ann" })
      db.session:commit()
    end)
    assert.equal(1, User.query:count())
  end)

  it("runs the teardowns, with the error if there is one", function()
    local log = {}
    app:on_teardown(function(err) log[#log + 1] = { "first", err } end)
    app:on_teardown(function(err) log[#log + 1] = { "second", err } end)
    app:scope(function() end)
    assert.equal(2, #log)
    assert.is_nil(log[1][2])
    log = {}
    local mine = { "mine" }
    local ok, e = pcall(app.scope, app, function() error(mine) end)
    assert.is_false(ok)
    assert.is_true(rawequal(mine, e))
    assert.equal(2, #log)
    assert.is_true(rawequal(mine, log[1][2]))
    assert.is_true(rawequal(mine, log[2][2]))
    refuse("ArgumentError", { "on_teardown", "function" }, app.on_teardown, app, nil)
  end)

  it("runs the others where one teardown fails", function()
    local ran = {}
    app:on_teardown(function() ran[#ran + 1] = 1 end)
    app:on_teardown(function() error("mine", 0) end)
    app:on_teardown(function() ran[#ran + 1] = 2 end)
    local inside
    local ok, e = pcall(app.scope, app, function() inside = db.session() end)
    assert.is_false(ok)
    assert.equal("mine", e)
    assert.equal(2, #ran)
    assert.is_false(rawequal(inside, db.session()))
  end)

  it("can use the session in a teardown", function()
    app:on_teardown(function(err)
      if not err then db.session:commit() end
    end)
    app:scope(function() db.session:add(User{ name = "ann" }) end)
    pcall(app.scope, app, function()
      db.session:add(User{ name = "bob" })
      error "no"
    end)
    assert.equal("ann", User.query:one().name)
  end)

  it("belongs to the coroutine that entered it", function()
    local function request(name)
      return coroutine.wrap(function()
        app:scope(function()
          local session = db.session()
          db.session:add(User{ name = name })
          coroutine.yield(session)
          assert.is_true(rawequal(session, db.session()))
          db.session:commit()
        end)
      end)
    end
    local a, b = request "a", request "b"
    local first, second = a(), b()
    assert.is_false(rawequal(first, second))
    assert.is_false(rawequal(first, db.session()))
    assert.equal(0, #db.session.new)
    b()
    a()
    assert.equal(2, User.query:count())
  end)

  it("ends when its coroutine is closed", function()
    local torn
    app:on_teardown(function() torn = true end)
    local co = coroutine.create(function()
      app:scope(function()
        db.session:add(User{ name = "a" })
        db.session:flush()
        coroutine.yield()
      end)
    end)
    assert(coroutine.resume(co))
    assert(coroutine.close(co))
    assert.is_true(torn)
    assert.equal(0, User.query:count())
    db.session:add(User{ name = "b" })
    db.session:commit()
  end)

  it("of a coroutine that is dropped does not hold the database for ever", function()
    for _ = 1, 20 do
      local co = coroutine.wrap(function()
        app:scope(function()
          db.session:add(User{ name = "a" })
          db.session:flush()
          coroutine.yield()
        end)
      end)
      co()
      co = nil -- luacheck: ignore
      collectgarbage() collectgarbage()
    end
    db.session:add(User{ name = "b" })
    db.session:commit()
    assert.equal(1, User.query:count())
  end)

  it("keeps the sessions of many apart, and none of them", function()
    for i = 1, 500 do
      app:scope(function()
        db.session:add(User{ name = "n" .. i })
        db.session:commit()
      end)
    end
    assert.equal(500, User.query:count())
  end)
end)

describe("several applications", function()
  it("have a database each, by the scope", function()
    local one, db, User = application "one"
    local two = mr.App "two"
    two.config.DATABASE_URI = "sqlite://"
    db:init_app(two)
    one:scope(function()
      db:create_all()
      db.session:add(User{ name = "a" })
      db.session:commit()
    end)
    two:scope(function()
      db:create_all()
      assert.equal(0, User.query:count())
      assert.equal(two, db.app)
    end)
    one:scope(function() assert.equal(1, User.query:count()) end)
  end)
end)

describe("db", function()
  it("has every name of the module", function()
    local db = mr.open "sqlite://"
    for _, name in ipairs{ "Column", "Integer", "String", "Text", "ForeignKey", "func", "select", "text",
      "and_", "null", "now" } do
      assert.equal(mr[name], db[name])
    end
    assert.equal(db.Model.metadata, db.metadata)
    assert.is_truthy(db.engine)
    assert.is_true(rawequal(db.session, db.session))
  end)

  it("keeps apart what two of it declare", function()
    local a, A = support.users()
    local b, B = support.users()
    a.session:add(A{ username = "a", email = "a" })
    assert.equal(0, #b.session.new)
    a.session:commit()
    assert.equal(1, A.query:count())
    assert.equal(0, B.query:count())
    assert.is_false(rawequal(a.metadata, b.metadata))
  end)

  it("sends a session's closing home", function()
    local db, User = support.with_users "ann"
    local before = db.session()
    db.session:remove()
    assert.is_false(rawequal(before, db.session()))
    db.session:remove()
    db.session:remove()
    assert.equal(1, User.query:count())
  end)
end)

describe("the second program", function()
  local engine, db_session, Base, User

  before_each(function()
    engine = mr.create_engine("sqlite://", { convert_unicode = true })
    db_session = mr.scoped_session(mr.sessionmaker{ autocommit = false, autoflush = false, bind = engine })
    Base = mr.declarative_base()
    Base.query = db_session:query_property()
    User = Base:extend("User", {
      __tablename = "users",
      id    = mr.Column{ mr.Integer, primary_key = true },
      name  = mr.Column{ mr.String(50), unique = true },
      email = mr.Column{ mr.String(120), unique = true },
    })
    function User:__init(name, email) self.name, self.email = name, email end
    function User:__tostring() return ("<User %q>"):format(self.name) end
    Base.metadata:create_all{ bind = engine }
  end)

  it("runs", function()
    local u = User("admin", "admin@localhost")
    db_session:add(u)
    db_session:commit()
    assert.equal('{<User "admin">}', tostring(User.query:all()))
    assert.is_true(rawequal(u, User.query:filter(User.name:eq "admin"):first()))
    assert.is_true(rawequal(u, User.query:filter_by{ name = "admin" }:one()))
    local records = engine:record(function() User.query:all() end)
    assert.equal(1, #records)
    assert.equal("SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email "
      .. "FROM users", records[1].statement)
  end)

  it("removes its session at the end of a scope", function()
    local app = mr.App "x"
    app:on_teardown(function() db_session:remove() end)
    local user
    app:scope(function()
      user = User("a", "a@b")
      db_session:add(user)
      db_session:commit()
      assert.equal(1, user.id)
    end)
    assert.equal("detached", mr.inspect(user).state)
  end)

  it("does not flush by itself, as it was told", function()
    db_session:add(User("a", "a@b"))
    assert.equal(0, User.query:count())
    db_session:flush()
    assert.equal(1, User.query:count())
    db_session:remove()
    assert.equal(0, User.query:count())
  end)

  it("may create its tables again", function()
    assert.equal(1, #engine:record(function() Base.metadata:create_all{ bind = engine } end))
    Base.metadata:create_all(engine)
    refuse("ArgumentError", { "'bnd'", "did you mean 'bind'?" }, function()
      Base.metadata:create_all{ bnd = engine }
    end)
    local e = support.error_of(function() Base.metadata:create_all() end)
    assert.matches("bind", e.message)
  end)

  it("has no query without a query property", function()
    local Other = mr.declarative_base():extend("Other", { id = mr.Column{ mr.Integer, primary_key = true } })
    local e = support.error_of(function() return Other.query:all() end)
    assert.is_true(mr.errors.Error:is(e))
    assert.matches("query_property", e.message)
  end)
end)

describe("sessionmaker", function()
  it("makes sessions with its options, and others over them", function()
    local db, User = support.with_users "ann"
    local make = mr.sessionmaker{ bind = db.engine, expire_on_commit = false }
    local session = make()
    local ann = session:query(User):one()
    session:commit()
    assert.equal(0, #db:record(function() assert.equal("ann", ann.username) end))
    session:close()
    session = make{ expire_on_commit = true }
    ann = session:query(User):one()
    session:commit()
    assert.equal(1, #db:record(function() assert.equal("ann", ann.username) end))
    session:close()
    assert.is_false(rawequal(make(), make()))
  end)

  it("may get its engine later", function()
    local db, User = support.with_users "ann"
    local make = mr.sessionmaker()
    make:configure{ bind = db.engine }
    local session <close> = make()
    assert.equal(1, session:query(User):count())
  end)

  it("of a database takes options for its next sessions", function()
    local db = support.users()
    db.session:remove()
    db.session:configure{ autoflush = false, expire_on_commit = false }
    assert.is_false(db.session.autoflush)
    assert.is_false(db.session.expire_on_commit)
    assert.equal(db.engine, db.session.bind)
    db.session:remove()
    local other = mr.create_engine "sqlite://"
    db.session:configure{ bind = other }
    assert.equal(other, db.session.bind)
    assert.is_false(db.session.autoflush)
    refuse("ArgumentError", "'autoflsh'", db.session.configure, db.session, { autoflsh = false })
  end)

  it("has no options where a function makes the sessions", function()
    local db = support.users()
    local scoped = mr.scoped_session(function() return mr.Session(db.engine) end)
    refuse("InvalidRequestError", { "configure", "function of the program's", "sessionmaker" }, scoped.configure,
      scoped,
      { autoflush = false })
  end)

  it("accepts autocommit = false, and refuses true", function()
    local db = support.users()
    assert.is_truthy(mr.sessionmaker{ bind = db.engine, autocommit = false }())
    refuse("ArgumentError", "autocommit", function()
      mr.sessionmaker{ bind = db.engine, autocommit = true }()
    end)
    refuse("ArgumentError", "autocommit", mr.Session, db.engine, { autocommit = true })
  end)

  it("refuses unknown options, with the nearest", function()
    refuse("ArgumentError", { "'autoflsh'", "did you mean 'autoflush'?" }, mr.sessionmaker,
      { autoflsh = false })
    local make = mr.sessionmaker{}
    refuse("ArgumentError", "'autoflsh'", make, { autoflsh = false })
    refuse("ArgumentError", "'autoflsh'", make.configure, make, { autoflsh = false })
  end)
end)

describe("a scoped session", function()
  it("is one session for each scope of its function", function()
    local db, User = support.users()
    local current = "a"
    local scoped = mr.scoped_session(mr.sessionmaker{ bind = db.engine },
      { scopefunc = function() return current end })
    local a = scoped()
    scoped:add(User{ username = "a", email = "a" })
    current = "b"
    assert.is_false(rawequal(a, scoped()))
    assert.equal(0, #scoped.new)
    current = "a"
    assert.is_true(rawequal(a, scoped()))
    assert.equal(1, #scoped.new)
    scoped:commit()
    scoped:remove()
    assert.is_false(rawequal(a, scoped()))
    current = nil
    refuse("InvalidRequestError", "scopefunc", function() return scoped() end)
  end)

  it("has the methods and fields of a session", function()
    local db, User = support.with_users "ann"
    assert.equal(1, db.session:query(User):count())
    assert.equal("ann", db.session:get(User, 1).username)
    assert.equal(1, #db.session.identity_map)
    db.session.autoflush = false
    assert.is_false(db.session().autoflush)
    db.session.info.request = 7
    assert.equal(7, db.session.info.request)
    assert.is_true(rawequal(db.session().bind, db.session.bind))
    refuse("ArgumentError", { "'ad'", "did you mean 'add'?" }, function() db.session:ad(1) end)
  end)

  it("refuses what makes no sessions", function()
    refuse("ArgumentError", "scoped_session", mr.scoped_session, nil)
    refuse("ArgumentError", "scoped_session", mr.scoped_session, 12)
    refuse("ArgumentError", "scopefunc", mr.scoped_session, mr.sessionmaker{}, { scopefunc = 1 })
    refuse("ArgumentError", "'scopefnc'", mr.scoped_session, mr.sessionmaker{}, { scopefnc = print })
  end)
end)

describe("declarative_base", function()
  it("makes bases that know nothing of each other", function()
    local A, B = mr.declarative_base(), mr.declarative_base()
    local body = function() return { id = mr.Column{ mr.Integer, primary_key = true } } end
    A:extend("User", body())
    B:extend("User", body())
    assert.is_false(rawequal(A.metadata, B.metadata))
    refuse("MappingError", "User", function() A:extend("User", body()) end)
  end)

  it("takes a metadata", function()
    local metadata = mr.MetaData()
    local Base = mr.declarative_base{ metadata = metadata }
    local User = Base:extend("User", { id = mr.Column{ mr.Integer, primary_key = true } })
    assert.equal(User.__table, metadata.tables.user)
    refuse("ArgumentError", "MetaData", mr.declarative_base, { metadata = 12 })
    refuse("ArgumentError", "'metdata'", mr.declarative_base, { metdata = metadata })
  end)
end)

describe("the end of the program", function()
  it("rolls back and closes what is open", function()
    local path = os.tmpname()
    local output, ok = process.lua(([[
      local mr = require "moonrow"
      local db = mr.open "sqlite:///%s"
      local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true } })
      db:create_all()
      db.session:add(Thing{})
      db.session:commit()
      local thing = Thing.query:one()
      db.session:add(Thing{})
      db.session:flush()
      step, state = Thing.query:yield_per(1):iter()
      step(state)
      io.write "done"]]):format(path))
    assert.equal("done", output)
    assert.is_true(ok)
    local db = mr.open("sqlite:///" .. path)
    assert.equal(1, db.session:scalar(mr.text "SELECT count(*) FROM thing"))
    db.session:remove()
    os.remove(path)
  end)
end)
