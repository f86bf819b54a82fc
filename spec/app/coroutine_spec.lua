-- coroutine_spec.lua: blocks and scopes in coroutines: an error in a coroutine ends its blocks and scopes; a coroutine
-- without a scope uses the scope of its caller.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function application()
  local app = mr.App "test"
  app.config.DATABASE_URI = "sqlite://"
  local db = mr.Database(app)
  local User = db.Model:extend("User", {
    id = db.Column{ db.Integer, primary_key = true },
    username = db.Column{ db.String(80), nullable = false },
  })
  app:scope(function() db:create_all() end)
  return app, db, User
end

-- Runs fn in a coroutine, which dies of an error, and is kept. Returns the error.
local dead = {}
local function dies(fn, ...)
  local co = coroutine.create(fn)
  dead[#dead + 1] = co
  local ok, e = coroutine.resume(co, ...)
  while ok and coroutine.status(co) == "suspended" do ok, e = coroutine.resume(co) end
  assert.is_false(ok)
  assert.equal("dead", coroutine.status(co))
  return e, co
end

describe("a coroutine that dies", function()
  after_each(function() dead = {} end)

  -- The error is raised at once, or after a yield.
  for when, pause in pairs{ ["at once"] = function() end, ["after a yield"] = coroutine.yield } do
    describe(when, function()
      local mine = setmetatable({}, { __tostring = function() return "mine" end })

      it("in app:scope runs the teardowns and lets the next one write; its error is unchanged", function()
        local app, db, User = application()
        local seen = {}
        app:on_teardown(function(e) seen[#seen + 1] = e or "none" end)
        for i = 1, 3 do
          local e = dies(function()
            app:scope(function()
              db.session:add(User{ username = "u" .. i })
              db.session:flush()
              pause()
              error(mine)
            end)
          end)
          assert.equal(mine, e)
        end
        assert.same({ mine, mine, mine }, seen)
        app:scope(function()
          db.session:add(User{ username = "next" })
          db.session:commit()
          assert.equal(1, User.query:count())
        end)
        assert.same({ mine, mine, mine, "none" }, seen)
      end)

      it("in nested scopes ends them from the inside", function()
        local app = application()
        local other = mr.App "other"
        local order = {}
        app:on_teardown(function() order[#order + 1] = "outer" end)
        other:on_teardown(function() order[#order + 1] = "inner" end)
        local e = dies(function()
          app:scope(function()
            other:scope(function()
              pause()
              error(mine)
            end)
          end)
        end)
        assert.equal(mine, e)
        assert.same({ "inner", "outer" }, order)
      end)

      it("in begin, begin_nested, Maker:begin, engine:begin and retry holds no lock", function()
        local db, User = support.users()
        local maker = mr.sessionmaker{ bind = db.engine }
        local function work(s)
          s:add(User{ username = "lost", email = "lost" })
          s:flush()
          pause()
          error(mine)
        end
        local made
        local forms = {
          begin = function() mr.Session(db.engine):begin(work) end,
          mode = function() mr.Session(db.engine):begin(work, { mode = "immediate" }) end,
          nested = function()
            mr.Session(db.engine):begin(function(s) s:begin_nested(work) end)
          end,
          maker = function()
            maker:begin(function(s)
              made = s
              work(s)
            end)
          end,
          retry = function() mr.Session(db.engine):retry(work) end,
          engine = function()
            db.engine:begin(function(c)
              c:execute "INSERT INTO user (username, email) VALUES ('lost', 'lost')"
              pause()
              error(mine)
            end)
          end,
        }
        for name, form in pairs(forms) do
          assert.equal(mine, (dies(form)), name)
          collectgarbage "stop" -- a block must end without the collector's help
          local s = mr.Session(db.engine)
          local ok, e = pcall(function()
            s:add(User{ username = name, email = name })
            s:commit()
          end)
          s:close()
          collectgarbage "restart"
          assert.is_true(ok, tostring(e))
        end
        assert.is_true(made.closed)
        assert.equal(6, User.query:count())
      end)

      it("in no_autoflush leaves autoflush as it was", function()
        local db, User = support.users()
        local s = db.session()
        dies(function()
          s:no_autoflush(function()
            s:no_autoflush(function()
              pause()
              error(mine)
            end)
          end)
        end)
        s:add(User{ username = "ann", email = "ann" })
        assert.equal(1, User.query:count())
      end)

      it("in record ends the recording", function()
        local db = support.users()
        assert.equal(mine, (dies(function()
          db:record(function()
            pause()
            error(mine)
          end)
        end)))
        assert.equal(1, #db:record(function() db.session:scalar(mr.text "SELECT 1") end))
      end)

      it("with a nil error", function()
        local app, db, User = application()
        local torn = 0
        app:on_teardown(function() torn = torn + 1 end)
        local e = dies(function()
          app:scope(function()
            db.session:begin(function(s)
              s:add(User{ username = "lost" })
              pause()
              error(nil)
            end)
          end)
        end)
        assert.is_nil(e)
        assert.equal(1, torn)
        app:scope(function() assert.equal(0, User.query:count()) end)
      end)
    end)
  end

  it("and is closed afterwards ends its scope once", function()
    local app = application()
    local torn = 0
    app:on_teardown(function() torn = torn + 1 end)
    local _, co = dies(function() app:scope(error, "mine", 0) end)
    coroutine.close(co)
    assert.equal(1, torn)
  end)

  it("within a value of begin holds its lock no longer than to the next who needs it", function()
    for _, mode in ipairs{ "immediate", "exclusive" } do
      local path = os.tmpname()
      local db = mr.open("sqlite:///" .. path)
      local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
      db:create_all()
      for _ = 1, 3 do
        local co = coroutine.create(function()
          local s <close> = mr.Session(db.engine)
          local t <close> = s:begin{ mode = mode } -- luacheck: ignore
          s:add(User{})
          s:flush()
          error "mine"
        end)
        assert.is_false(coroutine.resume(co))
        co = nil -- luacheck: ignore
        db.session:add(User{})
        db.session:commit()
      end
      do
        local co = coroutine.create(function()
          local s = mr.Session(db.engine)
          s:begin{ mode = mode }
          coroutine.yield()
        end)
        assert(coroutine.resume(co))
        co = nil -- luacheck: ignore
        assert.equal(3, User.query:count())
      end
      db.session:remove()
      os.remove(path)
    end
  end)

  it("holds its lock no longer than to the first question that a new connection asks of the schema", function()
    local path = os.tmpname()
    local first, second = mr.open("sqlite:///" .. path), mr.open("sqlite:///" .. path)
    local function declare(db)
      return db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.Text } })
    end
    local User = declare(second)
    declare(first)
    first:create_all()
    first.session:remove()
    local pause = collectgarbage("setpause", 1000)
    local co = coroutine.create(function()
      local s = mr.Session(first.engine)
      s:begin{ mode = "exclusive" }
      coroutine.yield()
    end)
    assert(coroutine.resume(co))
    co = nil -- luacheck: ignore
    local ok, count = pcall(function() return User.query:count() end)
    collectgarbage("setpause", pause)
    assert.is_true(ok, tostring(count))
    assert.equal(0, count)
    second.session:remove()
    os.remove(path)
  end)

  it("and is held: the lock is told of, as one that is held is", function()
    local db, User = support.users()
    local co = coroutine.create(function()
      local s = mr.Session(db.engine)
      local t <close> = s:begin{ mode = "immediate" } -- luacheck: ignore
      error "mine"
    end)
    assert.is_false(coroutine.resume(co))
    db.session:add(User{ username = "ann", email = "ann" })
    refuse("OperationalError", "another session of this program", db.session.flush, db.session)
    coroutine.close(co)
    db.session:rollback()
    db.session:add(User{ username = "ann", email = "ann" })
    db.session:commit()
  end)
end)

describe("the traceback of an error in a block", function()
  local function fails_deep_inside() error "mine" end
  local function work()
    fails_deep_inside()
    return 1
  end

  local app = application()
  local db = { engine = mr.create_engine "sqlite://" }
  local forms = {
    scope = function() app:scope(work) end,
    begin = function() mr.Session(db.engine):begin(work) end,
    nested = function() mr.Session(db.engine):begin_nested(work) end,
    maker = function() mr.sessionmaker{ bind = db.engine }:begin(work) end,
    no_autoflush = function() mr.Session(db.engine):no_autoflush(work) end,
    engine = function() db.engine:begin(work) end,
    record = function() db.engine:record(work) end,
  }

  for name, form in pairs(forms) do
    it("is whole for a handler outside: " .. name, function()
      local _, text = xpcall(form, debug.traceback)
      assert.matches("fails_deep_inside", text)
      local co = coroutine.wrap(function() return select(2, xpcall(form, debug.traceback)) end)
      assert.matches("fails_deep_inside", co())
    end)
  end
end)

describe("a coroutine without a scope of its own", function()
  it("is in the scope of its user: one object for a row, and its change is not lost", function()
    local app, db, User = application()
    app:scope(function()
      db.session:add_all{ User{ username = "a" }, User{ username = "b" } }
      db.session:commit()
      local users = coroutine.wrap(function()
        for user in User.query:order_by(User.id):iter() do coroutine.yield(user) end
      end)
      local outside = db.session:get(User, 1)
      local inside = users()
      assert.is_true(rawequal(outside, inside))
      inside.username = "changed"
      assert.equal("b", users().username)
      db.session:commit()
    end)
    app:scope(function() assert.equal("changed", db.session:get(User, 1).username) end)
  end)

  it("is in that of whoever resumes it now, not of who made it", function()
    local app, db = application()
    local co = coroutine.wrap(function()
      while true do coroutine.yield(db.session(), db.app) end
    end)
    local outside = co()
    local first, second
    app:scope(function()
      first = co()
      assert.is_true(rawequal(first, db.session()))
      app:scope(function()
        second = co()
        assert.is_true(rawequal(second, db.session()))
      end)
      assert.is_true(rawequal(first, (co())))
    end)
    assert.is_false(rawequal(first, second))
    assert.is_false(rawequal(first, outside))
    assert.is_true(rawequal(outside, (co())))
  end)

  it("is in the scope of the nearest that waits, however old that is", function()
    local app, db = application()
    local ask = function() return db.session() end
    -- A coroutine with its own scope. It runs the functions that it is given.
    local function waiter()
      local co = coroutine.wrap(function()
        app:scope(function()
          local work = coroutine.yield()
          while work do work = coroutine.yield(work()) end
        end)
      end)
      co()
      return co
    end
    local old, new = waiter(), waiter()
    local of_old, of_new = old(ask), new(ask)
    assert.is_false(rawequal(of_old, of_new))
    for _ = 1, 2 do -- the second time the coroutine is known already
      local inner = coroutine.wrap(function()
        while true do coroutine.yield(ask()) end
      end)
      -- One coroutine resumes the other, which resumes a generator: the generator uses the scope of the latter.
      assert.is_true(rawequal(of_old, new(function() return old(inner) end)))
      assert.is_true(rawequal(of_new, old(function() return new(inner) end)))
      assert.is_true(rawequal(of_old, new(function() return old(inner) end)))
      -- Through several coroutines without a scope.
      assert.is_true(rawequal(of_old, new(function()
        return coroutine.wrap(function()
          return old(function()
            local co = coroutine.create(function() return coroutine.wrap(ask)() end)
            return select(2, coroutine.resume(co))
          end)
        end)()
      end)))
      -- Through metamethods, sort and pcall.
      assert.is_true(rawequal(of_new, old(function()
        return new(function()
          local got
          table.sort({ 1, 2 }, function(a, b)
            local _, session = pcall(coroutine.wrap(function() return setmetatable({}, { __index = ask }).x end))
            got = session
            return a < b
          end)
          return got
        end)
      end)))
    end
    old()
    new()
  end)

  it("that waits for nobody with a scope has the one of the whole state", function()
    local app, db = application()
    local outside = db.session()
    local suspended = coroutine.wrap(function() app:scope(coroutine.yield) end)
    suspended()
    assert.is_true(rawequal(outside, coroutine.wrap(function() return db.session() end)()))
    suspended()
  end)

  it("has its own as soon as it enters one", function()
    local app, db = application()
    app:scope(function()
      local outer = db.session()
      coroutine.wrap(function()
        assert.is_true(rawequal(outer, db.session()))
        app:scope(function() assert.is_false(rawequal(outer, db.session())) end)
        assert.is_true(rawequal(outer, db.session()))
      end)()
      assert.is_true(rawequal(outer, db.session()))
    end)
  end)
end)
