-- block_spec.lua: what a block allows after its transaction was ended inside of it, and what it needs before it begins.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function new_user(User, name) return User{ username = name, email = name } end

local function usernames(db)
  local list = {}
  local c <close> = db.engine:connect()
  for i, row in ipairs(c:execute('SELECT username FROM "user" ORDER BY username'):all()) do list[i] = row.username end
  return list
end

-- The calls that a block refuses after its transaction has ended, by name.
local function calls(s, User, ann)
  return {
    add = function() s:add(new_user(User, "late")) end,
    add_all = function() s:add_all{ new_user(User, "late") } end,
    merge = function() s:merge(new_user(User, "late")) end,
    delete = function() s:delete(ann) end,
    expunge = function() s:expunge(ann) end,
    flush = function() s:flush() end,
    commit = function() s:commit() end,
    begin = function() s:begin() end,
    begin_nested = function() s:begin_nested() end,
    get = function() s:get(User, 1) end,
    refresh = function() s:refresh(ann) end,
    expire = function() s:expire(ann) end,
    query = function() s:query(User):all() end,
    iter = function() for _ in s:query(User):iter() do end end, -- luacheck: ignore
    update = function() s:query(User):update{ email = "late" } end,
    remove = function() s:query(User):delete() end,
    execute = function() s:execute(mr.text "UPDATE user SET email = 'late'") end,
    bulk = function() s:execute(mr.insert(User), { { username = "late", email = "late" } }) end,
    set = function() ann.email = "late" end,
    read = function() return ann.email end,
  }
end

describe("the block of a function whose transaction was ended inside it", function()
  for how, keeps in pairs{ commit = true, rollback = false } do
    it("by " .. how .. " refuses all but rollback and close, and ends without an error", function()
      local db, User = support.with_users "ann"
      local s = db.session()
      local ann = s:get(User, 1)
      local refused = {}
      local result = s:begin(function()
        ann.email = "new"
        s:add(new_user(User, "bob"))
        s[how](s)
        for name, call in pairs(calls(s, User, ann)) do
          local e = refuse("InvalidRequestError", { "block", "ended inside", "commit" }, call)
          assert.is_not.equal("PendingRollbackError", e.kind)
          refused[#refused + 1] = name
        end
        s:rollback()
        refuse("InvalidRequestError", "block", s.add, s, new_user(User, "late"))
        return "result"
      end)
      assert.equal("result", result)
      assert.equal(20, #refused)
      assert.same(keeps and { "ann", "bob" } or { "ann" }, usernames(db))
      assert.equal(keeps and "new" or "ann@example.com", ann.email)
      s:add(new_user(User, "carl")) -- now the block is over
      s:commit()
      assert.same(keeps and { "ann", "bob", "carl" } or { "ann", "carl" }, usernames(db))
    end)

    it("by " .. how .. ", the error of what was refused goes on unchanged", function()
      local db, User = support.users()
      local s = db.session()
      refuse("InvalidRequestError", "block", s.begin, s, function()
        s:add(new_user(User, "ann"))
        s[how](s)
        s:add(new_user(User, "late"))
      end)
      assert.equal(0, #s.new)
      assert.same(keeps and { "ann" } or {}, usernames(db))
    end)
  end

  it("may close the session", function()
    local db, User = support.users()
    local s = mr.Session(db.engine)
    s:begin(function()
      s:add(new_user(User, "ann"))
      s:commit()
      s:close()
    end)
    assert.same({ "ann" }, usernames(db))
  end)

  it("within savepoints: the outer blocks are over, too", function()
    local db, User = support.users()
    local s = db.session()
    s:begin(function()
      s:add(new_user(User, "ann"))
      s:begin_nested(function()
        s:begin_nested(function()
          s:add(new_user(User, "bob"))
          s:commit()
          refuse("InvalidRequestError", "block", s.add, s, new_user(User, "late"))
        end)
        refuse("InvalidRequestError", "block", s.add, s, new_user(User, "late"))
      end)
      refuse("InvalidRequestError", "block", s.add, s, new_user(User, "late"))
    end)
    s:add(new_user(User, "carl"))
    s:rollback()
    assert.same({ "ann", "bob" }, usernames(db))
  end)

  it("that is a savepoint's alone: what is outside goes on", function()
    local db, User = support.users()
    local s = db.session()
    s:begin(function()
      s:add(new_user(User, "ann"))
      pcall(s.begin_nested, s, function()
        s:add(new_user(User, "bob"))
        s:flush()
        error "no"
      end)
      s:add(new_user(User, "carl"))
    end)
    assert.same({ "ann", "carl" }, usernames(db))
  end)

  it("by a savepoint left open and a commit", function()
    local db, User = support.users()
    local s = db.session()
    s:begin(function()
      s:begin_nested()
      s:add(new_user(User, "ann"))
      s:commit()
      refuse("InvalidRequestError", "block", s.commit, s)
    end)
    assert.same({ "ann" }, usernames(db))
  end)

  it("takes no new object by a reference or a collection", function()
    local db = mr.open "sqlite://"
    local Team = db.Model:extend("Team", { id = db.Column{ db.Integer, primary_key = true } })
    local Player = db.Model:extend("Player", {
      id = db.Column{ db.Integer, primary_key = true },
      team_id = db.Column{ db.Integer, db.ForeignKey "team.id" },
      team = db.relationship{ "Team", backref = "players" },
    })
    db:create_all()
    local s = mr.Session(db.engine, { expire_on_commit = false })
    s:begin(function()
      local team = Team{}
      local one = Player{ team = team }
      s:add(team)
      s:commit()
      refuse("InvalidRequestError", { "Team.players", "block" }, function() return Player{ team = team } end)
      refuse("InvalidRequestError", { "Team.players", "block" }, function() team.players:append(Player{}) end)
      refuse("InvalidRequestError", { "Team.players", "block" }, function() team.players:remove(one) end)
      refuse("InvalidRequestError", { "Team.players", "block" }, function() team.players = {} end)
      refuse("InvalidRequestError", { "Player.team", "block" }, function() one.team = nil end)
      assert.equal(team, one.team)
      assert.equal(1, #team.players)
    end)
    assert.equal(0, #s.new)
    s:close()
  end)

  it("listeners of after_commit may note changes for the next transaction", function()
    local db, User = support.users()
    local s = db.session()
    mr.event.listen(s, "after_commit", function() if #s.new == 0 then s:add(new_user(User, "next")) end end)
    s:begin(function()
      s:add(new_user(User, "ann"))
      s:commit()
    end)
    assert.equal(1, #s.new)
    s:rollback()
    s:begin(function() s:add(new_user(User, "bob")) end)
    assert.same({ "ann", "bob" }, usernames(db))
  end)

  it("of a sessionmaker, and of retry", function()
    local db, User = support.users()
    local maker = mr.sessionmaker{ bind = db.engine }
    refuse("InvalidRequestError", "block", maker.begin, maker, function(s)
      s:commit()
      s:add(new_user(User, "late"))
    end)
    refuse("InvalidRequestError", "block", db.session.retry, db.session, function(s)
      s:rollback()
      s:add(new_user(User, "late"))
    end)
    db.session:begin(function(s) s:add(new_user(User, "ann")) end)
    assert.same({ "ann" }, usernames(db))
  end)

  it("that yields meanwhile", function()
    local db, User = support.users()
    local s = db.session()
    local co = coroutine.wrap(function()
      s:begin(function()
        s:add(new_user(User, "ann"))
        coroutine.yield()
        s:commit()
        coroutine.yield()
      end)
    end)
    co()
    co()
    refuse("InvalidRequestError", "block", s.add, s, new_user(User, "late"))
    co()
    s:add(new_user(User, "bob"))
    s:commit()
    assert.same({ "ann", "bob" }, usernames(db))
  end)

  it("and whose coroutine is dropped or closed holds the session up no longer", function()
    local db, User = support.users()
    local s = db.session()
    local function start()
      local co = coroutine.create(function()
        s:begin(function()
          s:commit()
          coroutine.yield()
        end)
      end)
      assert(coroutine.resume(co))
      return co
    end
    assert(coroutine.close(start()))
    s:add(new_user(User, "ann"))
    s:commit()
    start()
    collectgarbage()
    collectgarbage()
    s:add(new_user(User, "bob"))
    s:commit()
    assert.same({ "ann", "bob" }, usernames(db))
  end)
end)

describe("the value of begin whose transaction was ended by hand", function()
  it("leaves the session as any other where it is kept in a plain variable", function()
    local db, User = support.users()
    local s = db.session()
    local t = s:begin()
    s:add(new_user(User, "ann"))
    t:commit()
    s:add(new_user(User, "bob"))
    s:commit()
    s:begin()
    s:add(new_user(User, "carl"))
    s:commit()
    assert.same({ "ann", "bob", "carl" }, usernames(db))
  end)

  it("tells at the end of its scope of what was done after that and not committed", function()
    local db, User = support.users()
    local s = db.session()
    for _, finish in ipairs{ function(t) t:commit() end, function() s:commit() end } do
      refuse("InvalidRequestError", { "block", "ended inside", "User (pending)" }, function()
        local t <close> = s:begin()
        finish(t)
        s:add(new_user(User, "late"))
      end)
      s:rollback()
      refuse("InvalidRequestError", { "block", "ended inside" }, function()
        local t <close> = s:begin()
        finish(t)
        s:add(new_user(User, "late"))
        s:flush()
      end)
      s:rollback()
    end
    assert.same({}, usernames(db))
  end)

  it("tells of nothing where all is committed, or an error is under way", function()
    local db, User = support.users()
    local s = db.session()
    do
      local t <close> = s:begin()
      t:commit()
      s:add(new_user(User, "ann"))
      s:commit()
    end
    do
      local one <close> = s:begin()
      one:commit()
      local two <close> = s:begin() -- luacheck: ignore
      s:add(new_user(User, "bob"))
    end
    local e = support.error_of(function()
      local t <close> = s:begin()
      t:commit()
      s:add(new_user(User, "late"))
      error("mine", 0)
    end)
    assert.equal("mine", e)
    s:rollback()
    assert.same({ "ann", "bob" }, usernames(db))
  end)
end)

describe("begin with changes that wait", function()
  it("names them and the cure, in every form and mode, and changes nothing", function()
    local db, User = support.with_users("ann", "bob", "carl")
    local s = db.session()
    local ann, bob = s:get(User, 1), s:get(User, 2)
    ann.email = "new"
    s:delete(bob)
    s:add(new_user(User, "dora"))
    local words = { "<User 1>", "<User 2>", "<User (pending)>", "commit()", "rollback()" }
    local function never() error "not reached" end
    for _, options in ipairs{ {}, { mode = "deferred" }, { mode = "immediate" }, { read_only = true } } do
      refuse("InvalidRequestError", words, s.begin, s, never, options)
      refuse("InvalidRequestError", words, s.begin, s, options)
    end
    refuse("InvalidRequestError", words, s.retry, s, never)
    assert.is_false(s:in_transaction())
    s:commit()
    assert.same({ "ann", "carl", "dora" }, usernames(db))
    s:begin(function() end)
  end)

  it("names a few of many", function()
    local db, User = support.users()
    for i = 1, 9 do db.session:add(new_user(User, "u" .. i)) end
    refuse("InvalidRequestError", "and 4 more", db.session.begin, db.session)
  end)

  it("takes an equal value, and one that was put back, for no change", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    local email = ann.email
    ann.email = email
    db.session:begin(function() end)
    assert.equal(email, ann.email)
    ann.email = "new"
    ann.email = email
    db.session:begin(function() end)
  end)

  it("is none where they are flushed: then a transaction has begun", function()
    local db, User = support.users()
    local s = db.session()
    s:add(new_user(User, "ann"))
    s:flush()
    refuse("InvalidRequestError", "already begun", s.begin, s)
    s:begin_nested(function() s:add(new_user(User, "bob")) end)
    s:commit()
    assert.same({ "ann", "bob" }, usernames(db))
  end)
end)

describe("a block of engine:begin that was ended inside", function()
  local insert = 'INSERT INTO "user" (username, email) VALUES (:name, :name)'

  for how, keeps in pairs{ commit = true, rollback = false } do
    it("by " .. how .. " runs nothing more, as a function or as a value", function()
      local db = support.users()
      local function work(c)
        c:execute(insert, { name = "ann" })
        c[how](c)
        for _, method in ipairs{ "execute", "scalar", "scalars" } do
          refuse("InvalidRequestError", { method, "ended inside" }, c[method], c, "SELECT 1")
        end
        refuse("InvalidRequestError", "ended inside", c.commit, c)
        c:rollback()
      end
      db.engine:begin(work)
      assert.same(keeps and { "ann" } or {}, usernames(db))
      db.engine:begin(function(c) c:execute 'DELETE FROM "user"' end)
      do
        local c <close> = db.engine:begin()
        work(c)
      end
      assert.same(keeps and { "ann" } or {}, usernames(db))
    end)
  end
end)

describe("an error that is nil", function()
  local lost = { username = "lost", email = "lost" }
  -- Each of these leaves a block by the error.
  local values = {
    begin = function(db, User)
      local s <close> = mr.Session(db.engine)
      local t <close> = s:begin() -- luacheck: ignore
      s:add(User(lost))
      s:flush()
      error(nil)
    end,
    ["begin in a mode"] = function(db, User)
      local s <close> = mr.Session(db.engine)
      local t <close> = s:begin{ mode = "immediate" } -- luacheck: ignore
      s:add(User(lost))
      error(nil)
    end,
    ["the closing value of a loop"] = function(db, User)
      local s <close> = mr.Session(db.engine)
      for _ in next, { 1 }, nil, s:begin() do -- luacheck: ignore
        s:add(User(lost))
        s:flush()
        error(nil)
      end
    end,
    ["a savepoint"] = function(db, User)
      local s <close> = mr.Session(db.engine)
      pcall(function()
        local t <close> = s:begin_nested() -- luacheck: ignore
        s:add(User(lost))
        s:flush()
        error(nil)
      end)
      s:commit()
      error(nil)
    end,
    ["engine:begin"] = function(db)
      local c <close> = db.engine:begin()
      c:execute [[INSERT INTO "user" (username, email) VALUES ('lost', 'lost')]]
      error(nil)
    end,
  }
  local callers = {
    pcall = pcall,
    xpcall = function(fn, ...) return xpcall(fn, function(e) return e end, ...) end,
    ["pcall in a coroutine"] = function(fn, ...)
      return coroutine.wrap(function(...) return pcall(fn, ...) end)(...)
    end,
    ["pcall of a coroutine"] = function(fn, ...) return pcall(coroutine.wrap(fn), ...) end,
  }

  for value, fails in pairs(values) do
    for caller, call in pairs(callers) do
      it("rolls back as any other does: " .. value .. ", " .. caller, function()
        local db, User = support.users()
        assert.same(table.pack(false, nil), table.pack(call(fails, db, User)))
        assert.same({}, usernames(db))
      end)
    end
  end

  it("is none where the scope comes to its end by itself", function()
    local db, User = support.users()
    local s <close> = mr.Session(db.engine)
    do
      local t <close> = s:begin() -- luacheck: ignore
      s:add(new_user(User, "block"))
    end
    local function by_return()
      local t <close> = s:begin() -- luacheck: ignore
      s:add(new_user(User, "return"))
      return nil
    end
    by_return()
    while true do
      local t <close> = s:begin() -- luacheck: ignore
      s:add(new_user(User, "break"))
      if #s.new > 0 then break end
    end
    assert.is_true(pcall(coroutine.wrap(function()
      local c <close> = db.engine:begin()
      c:execute [[INSERT INTO "user" (username, email) VALUES ('coroutine', 'x')]]
    end)))
    assert.same({ "block", "break", "coroutine", "return" }, usernames(db))
  end)
end)
