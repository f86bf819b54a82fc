-- db:sandbox: a test uses its own database, which is removed at its end. The program's database is never changed.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local process = require "spec.support.process"

local function model(db)
  local User = db.Model:extend("User", {
    id    = db.Column{ db.Integer, primary_key = true },
    name  = db.Column{ db.String(20), unique = true },
    posts = db.relationship("Post", { backref = "author" }),
  })
  local Post = db.Model:extend("Post", {
    id      = db.Column{ db.Integer, primary_key = true },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
  })
  return User, Post
end

local PROGRAM = [[
  warn "@on"
  local mr = require "moonrow"
  local db = mr.open "sqlite://"
  local User = db.Model:extend("User", {
    id   = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20), unique = true },
  })
]]

-- The output of a program that begins with a class User.
local function said(source) return (process.lua(PROGRAM .. source)) end

describe("a sandbox", function()
  local db, User, Post

  before_each(function()
    db = mr.open "sqlite://"
    User, Post = model(db)
    db:create_all()
    db.session:add(User{ name = "real" })
    db.session:commit()
  end)

  it("has the tables, no rows, and takes commits with it", function()
    for _ = 1, 3 do
      db:sandbox(function()
        assert.equal(0, User.query:count())
        db.session:add(User{ name = "ann", posts = { Post{}, Post{} } })
        db.session:commit()
        assert.equal(2, #User.query:filter_by{ name = "ann" }:one().posts)
      end)
    end
    assert.same({ "real" }, db.session:scalars(mr.select(User.name)):all())
    assert.equal(0, Post.query:count())
  end)

  it("hands arguments to the function, and its results and errors back", function()
    assert.same({ 1, nil, 3, n = 3 }, table.pack(db:sandbox(function(...) return ... end, 1, nil, 3)))
    local problem = {}
    local ok, e = pcall(db.sandbox, db, function() error(problem) end)
    assert.is_false(ok)
    assert.equal(problem, e)
    assert.equal("real", User.query:one().name)
    refuse("ArgumentError", { "sandbox", "a function", "nil" }, db.sandbox, db, nil)
    refuse("ArgumentError", { "sandbox", "db:sandbox" }, db.sandbox, print)
  end)

  it("leaves their values to objects that go out of it, detached", function()
    local ann = db:sandbox(function()
      local new = User{ name = "ann" }
      db.session:add(new)
      db.session:commit()
      assert.equal("ann", new.name)
      return new
    end)
    assert.equal("detached", mr.inspect(ann).state)
    assert.equal("ann", ann.name)
  end)

  it("leaves a transaction and the objects of the program alone", function()
    local real = User.query:one()
    real.name = "changed"
    db.session:flush()
    db:sandbox(function()
      assert.equal(0, User.query:count())
      assert.is_false(db.session:contains(real))
      db.session:rollback()
    end)
    assert.is_true(db.session:in_transaction())
    db.session:commit()
    assert.equal("changed", real.name)
  end)

  it("says nothing of what was not committed, even where a flush has failed", function()
    assert.equal("", said [[
      db:sandbox(function()
        db.session:add(User{ name = "ann" })
        db.session:flush()
      end)
      db:sandbox(function()
        db.session:add_all{ User{ name = "ann" }, User{ name = "ann" } }
        assert(not pcall(db.session.flush, db.session))
      end)
    ]])
  end)

  it("warns of what a scope within it has lost", function()
    assert.matches("warning: .- not committed and is lost: 1 object", said [[
      db:sandbox(function()
        db:scope(function() db.session:add(User{ name = "ann" }) end)
        assert(User.query:count() == 0)
      end)
    ]])
  end)

  it("holds for scopes within it: of the database, and of any application", function()
    local app = db.app
    db:sandbox(function()
      local function work(name)
        db.session:add(User{ name = name })
        db.session:commit()
        return db.engine
      end
      local engine = db.engine
      assert.equal(engine, db:scope(work, "ann"))
      assert.equal(engine, app:scope(work, "bob"))
      assert.equal(engine, mr.App("other"):scope(work, "eve"))
      assert.equal(engine, coroutine.wrap(work)("joe"))
      assert.equal(4, User.query:count())
      local session <close> = mr.Session(db.engine)
      assert.equal(4, session:query(User):count())
      assert.equal(4, #db:record(function() for _ = 1, 4 do User.query:count() end end))
    end)
    assert.equal(1, User.query:count())
  end)

  it("nests, each with a database of its own", function()
    db:sandbox(function()
      db.session:add(User{ name = "ann" })
      db.session:commit()
      db:sandbox(function() assert.equal(0, User.query:count()) end)
      assert.equal(1, User.query:count())
    end)
  end)

  it("is one for each coroutine that enters it", function()
    local function test(name)
      db:sandbox(function()
        db.session:add(User{ name = name })
        db.session:commit()
        coroutine.yield()
        assert.equal(name, User.query:one().name)
        coroutine.yield "done"
      end)
    end
    local a, b = coroutine.create(test), coroutine.create(test)
    assert(coroutine.resume(a, "a"))
    assert(coroutine.resume(b, "b"))
    assert.equal("real", User.query:one().name)
    assert.same({ true, "done" }, { coroutine.resume(a) })
    assert.same({ true, "done" }, { coroutine.resume(b) })
    assert.is_true(coroutine.close(a))
    assert(coroutine.resume(b))
    assert.equal("real", User.query:one().name)
  end)

  it("is of its database alone: another one stays as it is", function()
    local other = mr.open "sqlite://"
    local Other = other.Model:extend("User", { id = other.Column{ other.Integer, primary_key = true } })
    other:create_all()
    db:sandbox(function()
      other.session:add(Other{})
      other.session:commit()
      other:sandbox(function()
        assert.equal(0, Other.query:count())
        assert.equal(0, User.query:count())
      end)
    end)
    assert.equal(1, Other.query:count())
  end)

  it("needs no application, and shows the configuration of the only one", function()
    local alone = mr.Database()
    local Alone = model(alone)
    alone:sandbox(function() assert.equal(0, Alone.query:count()) end)
    local app = mr.App "game"
    alone:init_app(app)
    app.config.DATABASE_URI, app.config.LIMIT = "sqlite:///never.db", 7
    alone:sandbox(function()
      assert.equal(7, alone.app.config.LIMIT)
      assert.equal("sqlite://", alone.app.config.DATABASE_URI)
      assert.equal(0, Alone.query:count())
    end)
    assert.equal(app, alone.app)
    assert.is_nil(io.open "never.db")
  end)

  it("never opens the program's file", function()
    local name = os.tmpname()
    os.remove(name)
    local file_db = mr.open("sqlite:///" .. name)
    local OfFile = model(file_db)
    file_db:sandbox(function()
      file_db.session:add(OfFile{ name = "ann" })
      file_db.session:commit()
    end)
    assert.is_nil(io.open(name))
    process.remove(name)
  end)
end)
