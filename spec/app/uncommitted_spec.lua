-- uncommitted_spec.lua: a script or a scope ends with work that was not committed: a warning says what is lost.

local mr = require "moonrow"
local process = require "spec.support.process"

local prelude = [[
  package.cpath = %q
  warn "@on"
  local mr = require "moonrow"
  local app = mr.App "test"
  app.config.DATABASE_URI = "sqlite://"
  local db = mr.Database(app)
  local function id() return db.Column{ db.Integer, primary_key = true } end
  local User = db.Model:extend("User", { id = id(), name = db.Column{ db.Text } })
  local Post = db.Model:extend("Post", { id = id(), title = db.Column{ db.Text } })
  db:create_all()
  db.session:add_all{ User{ name = "a" }, User{ name = "b" }, Post{ title = "c" } }
  db.session:commit()
  db.session:remove()
]]

-- Runs a script in another process. Returns its warnings as a list of texts.
local function warnings(source)
  local list = {}
  for line in process.lua(prelude:format(package.cpath) .. source):gmatch "[^\n]+" do
    local text = line:match "^Lua warning: moonrow: (.*)$"
    if text then list[#list + 1] = text end
    assert(text or line:find "mine" or line:find "stack traceback" or line:find "^%s" or line == "done", line)
  end
  return list
end

local function one(source, ...)
  local list = warnings(source)
  assert.equal(1, #list, table.concat(list, "\n"))
  for _, part in ipairs{ ... } do assert.truthy(list[1]:find(part, 1, true), list[1] .. "\nlacks " .. part) end
end

local function none(source) assert.same({}, warnings(source)) end

describe("at the end of a script", function()
  it("what was added, changed and deleted is told of, by class", function()
    one([[
      local a, b = db.session:get(User, 1), db.session:get(User, 2)
      a.name = "new"
      db.session:delete(b)
      db.session:add_all{ Post{}, Post{} }]], "not committed", "4 objects", "2 User", "2 Post")
  end)

  it("what was flushed as well, each object once", function()
    one([[
      local a = db.session:get(User, 1)
      local post = Post{}
      db.session:add(post)
      for i = 1, 3 do
        a.name = "new" .. i
        post.title = "new" .. i
        db.session:flush()
      end
      a.name = "last"
      db.session:add(Post{})]], "3 objects", "1 User", "2 Post")
    one([[
      for i = 1, 100 do db.session:add(User{ name = "n" .. i }) end
      db.session:flush()
      collectgarbage()]], "100 objects (100 User)")
    one([[db.session:delete(db.session:get(Post, 1)) db.session:flush()]], "1 object (1 Post)")
  end)

  it("a change by an attribute that its class was given later", function()
    one([[
      local team = db.Table("team", db.metadata, db.Column{ "id", db.Integer, primary_key = true })
      local Player = db.Model:extend("Player", {
        id = id(), team_id = db.Column{ db.Integer, db.ForeignKey "team.id" } })
      db:create_all()
      db.session:add(Player{})
      db.session:commit()
      local player = db.session:get(Player, 1)
      local Team = db.Model:extend("Team", {
        __table = team, players = db.relationship("Player", { backref = "team" }) })
      player.team = Team{}]], "2 objects", "1 Player", "1 Team")
  end)

  it("what statements wrote", function()
    one([[db.session:execute(mr.text "DELETE FROM user")]], "what 1 statement wrote")
    one([[User.query:update{ name = "x" } Post.query:delete() db.session:add(User{})]], "1 object (1 User)",
      "what 2 statements wrote")
    one([[local c = db.engine:connect() c:execute "DELETE FROM user"]], "connection", "not committed")
  end)

  it("in a transaction and a savepoint that were left open", function()
    one([[
      db.session:begin()
      db.session:add(User{})
      db.session:begin_nested()
      db.session:add(Post{})]], "2 objects", "1 User", "1 Post")
  end)

  it("what was written again after a savepoint was rolled back, and once what was written before it", function()
    one([[
      local a, b = db.session:get(User, 1), db.session:get(User, 2)
      db.session:begin()
      b.name = "x"
      db.session:flush()
      for _, commits in ipairs{ false, true, false } do
        local point = db.session:begin_nested()
        a.name, b.name = a.name .. "x", b.name .. "x"
        db.session:flush()
        if commits then point:commit() else point:rollback() end
      end
      a.name, b.name = "y", "y"
      db.session:flush()]], "2 objects (2 User)")
    one([[
      local a = db.session:get(User, 1)
      db.session:begin()
      local point = db.session:begin_nested()
      a.name = "x"
      db.session:flush()
      point:rollback()
      a.name = "y"
      db.session:flush()]], "1 object (1 User)")
  end)

  it("but for what was rolled back", function()
    one([[
      local s = db.session
      s:add(User{})
      local point = s:begin_nested()
      s:add_all{ Post{}, Post{} }
      s:execute(mr.text "DELETE FROM user")
      point:rollback()
      local kept = s:begin_nested()
      s:add(Post{})
      kept:commit()]], "2 objects", "1 User", "1 Post")
  end)

  it("in a session of its own, and in one that is dropped", function()
    one([[local s = mr.Session(db.engine) s:add(User{})]], "1 object (1 User)")
    one([[
      do
        local s = mr.Session(db.engine)
        s:add(User{})
      end
      collectgarbage() collectgarbage()]], "1 object (1 User)")
    one([[do local s <close> = mr.Session(db.engine) s:add(User{}) end]], "1 object (1 User)")
  end)

  it("nothing is told where nothing is lost", function()
    none ""
    none [[User.query:all() db.session:get(User, 1).name = "a"]]
    none [[db.session:add(User{}) db.session:commit()]]
    none [[db.session:add(User{}) db.session:flush() db.session:rollback()]]
    none [[db.session:execute(mr.text "DELETE FROM user") db.session:commit() User.query:all()]]
    none [[db.session:begin() User.query:all()]]
    none [[local a = db.session:get(User, 1) a.name = "x" a.name = "a"]]
    none [[db.session:begin(function(s) s:add(User{}) end)]]
    none [[pcall(db.session.begin, db.session, function(s) s:add(User{}) error "mine" end)]]
    none [[local c <close> = db.engine:connect() c:execute "DELETE FROM user" c:commit()]]
    none [[db.engine:begin(function(c) c:execute "DELETE FROM user" end)]]
    none [[do local c <close> = db.engine:begin() c:execute "DELETE FROM user" end]]
  end)

  it("where os.exit ends the script in the midst of it", function()
    one([[db.session:add(User{ name = "d" }) os.exit(0, true)]], "1 object (1 User)")
    one([[local s <close> = mr.Session(db.engine) s:add(User{ name = "d" }) os.exit(0, true)]], "1 object (1 User)")
    one([[local c <close> = db.engine:connect() c:execute "DELETE FROM user" os.exit(0, true)]], "a connection")
    none [[local s <close> = mr.Session(db.engine) s:add(User{}) s:commit() os.exit(0, true)]]
  end)

  it("nor where the program itself has closed or removed it, or turned warnings off", function()
    none [[local s = mr.Session(db.engine) s:add(User{}) s:close()]]
    none [[db.session:add(User{}) db.session:remove()]]
    none [[db.session:add(User{}) db.session:expunge_all()]]
    none [[warn "@off" db.session:add(User{})]]
  end)

  it("nor after a failed flush, which was told of", function()
    none [[
      db.session:add(User{ id = 1 })
      print(pcall(db.session.flush, db.session) or "done")]]
  end)
end)

describe("at the end of a scope", function()
  it("what its session has not committed is told of, once", function()
    one([[app:scope(function() db.session:add(User{}) end) print "done"]], "1 object (1 User)")
    one([[app:scope(function() db.session:add(User{}) db.session:flush() end)]], "1 object (1 User)")
    one([[coroutine.wrap(function()
      app:scope(function()
        db.session:add(User{})
        coroutine.yield()
      end)
    end)() collectgarbage() collectgarbage()]], "1 object (1 User)")
  end)

  it("by whatever teardown removes it, and not where one commits", function()
    one([[
      local scoped = mr.scoped_session(mr.sessionmaker{ bind = db.engine })
      app:on_teardown(function() scoped:remove() end)
      app:scope(function() scoped:add(Post{}) end)]], "1 object (1 Post)")
    none [[
      app:on_teardown(function(e) if not e then db.session:commit() end end)
      app:scope(function() db.session:add(Post{}) end)]]
  end)

  it("not where it ends with an error, in the main program and in a coroutine", function()
    none [[pcall(app.scope, app, function() db.session:add(User{}) error "mine" end)]]
    none [[coroutine.resume(coroutine.create(function()
      app:scope(function() db.session:add(User{}) db.session:flush() error "mine" end)
    end))]]
    none [[pcall(function() local s <close> = mr.Session(db.engine) s:add(User{}) error "mine" end)]]
    none [[mr.sessionmaker{ bind = db.engine }:begin(function(s) s:add(User{}) end)]]
    none [[pcall(function() mr.sessionmaker{ bind = db.engine }:begin(function(s) s:add(User{}) error "mine" end) end)]]
  end)
end)

describe("a scope whose function does not come to its end, with no error to tell why,", function()
  local fails = {
    ["by an error that is nil"] = function(run) assert.is_nil(select(2, pcall(run))) end,
    ["by one in a coroutine"] = function(run) assert.is_nil(select(2, pcall(coroutine.wrap(run)))) end,
    ["by one of a coroutine that stays"] = function(run)
      assert.same({ false, nil }, { coroutine.resume(coroutine.create(run)) })
    end,
    ["by coroutine.close"] = function(run)
      local co = coroutine.create(run)
      assert(coroutine.resume(co, coroutine.yield))
      assert(coroutine.close(co))
    end,
  }
  for name, fail in pairs(fails) do
    it("gives its teardowns an error, lest they take its work for whole: " .. name, function()
      local app = mr.App "test"
      app.config.DATABASE_URI = "sqlite://"
      local db = mr.Database(app)
      local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
      db:create_all()
      local errors = {}
      app:on_teardown(function(e)
        errors[#errors + 1] = e
        if e == nil then db.session:commit() end
      end)
      fail(function(leave)
        app:scope(function()
          db.session:add(User{})
          db.session:flush();
          (leave or error)(nil)
        end)
      end)
      assert.equal(1, #errors)
      assert.is_true(mr.errors.InvalidRequestError:is(errors[1]))
      assert.matches("has not come to its end", errors[1].message)
      assert.equal(0, User.query:count())
    end)
  end

  it("raises the error of a teardown that is nil as any other", function()
    local app = mr.App "test"
    local torn = 0
    app:on_teardown(function() torn = torn + 1 end)
    app:on_teardown(function() error(nil) end)
    assert.same({ n = 2, false, nil }, table.pack(pcall(app.scope, app, function() return true end)))
    assert.equal(1, torn)
  end)

  it("as os.exit leaves it", function()
    none [[
      app:on_teardown(function(e)
        print(mr.errors.InvalidRequestError:is(e) and "done" or "a failure")
      end)
      app:scope(function()
        db.session:add(User{})
        os.exit(0, true)
      end)
    ]]
  end)
end)
