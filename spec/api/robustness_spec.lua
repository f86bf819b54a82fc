-- robustness_spec.lua: hostile programs: they use values after their finalizers, close an object inside its own
-- callbacks, take functions out of objects, declare strange classes. And a short run of spec/fuzz/api_fuzz.lua.

local mr = require "moonrow"

-- Under stress each call does a step of the collector: then fewer rounds are enough.
local stress = (os.getenv "MOONROW_STRESS" or "") ~= ""

describe("robustness", function()
  local db, User

  before_each(function()
    db = mr.open "sqlite://"
    User = db.Model:extend("User", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(20) },
    })
    db:create_all()
  end)

  after_each(function()
    mr.set_log(nil)
    db.session:remove()
  end)

  -- Runs use(value) in a finalizer that runs after the finalizer of the value.
  local function in_finalizer(value, use)
    local ok, results
    do
      local late = setmetatable({}, { __gc = function(self) ok, results = pcall(use, self.value) end })
      late.value = value()
    end
    collectgarbage()
    collectgarbage()
    assert.is_not_nil(ok)
    return ok, results
  end

  describe("values after their finalizers", function()
    local cases = {
      expression = { function() return User.id:eq(3) end, function(x) return x & x end },
      ["expression as an argument"] = {
        function() return User.id:eq(3) end,
        function(x) return User.query:filter(x) end,
      },
      query = { function() return User.query:filter(User.id:eq(3)) end, function(x) return x:all() end },
      ["query as an argument"] = {
        function() return User.query:filter(User.id:eq(3)) end,
        function(x) return mr.exists(x) end,
      },
      alias = { function() return mr.aliased(User) end, function(x) return x.id end },
      ["alias as an argument"] = { function() return mr.aliased(User) end, function(x) return db.session:query(x) end },
      subquery = { function() return User.query:subquery() end, function(x) return x.c end },
      columns = { function() return User.query:subquery().c end, function(x) return x.id end },
      option = {
        function() return mr.contains_eager("posts", { alias = mr.aliased(User) }) end,
        function(x) return User.query:options(x) end,
      },
      statement = { function() return mr.insert(User) end, function(x) return x.excluded end },
      engine = { function() return mr.create_engine "sqlite://" end, function(x) return x:connect() end },
      connection = { function() return db.engine:connect() end, function(x) return x:execute "select 1" end },
      session = { function() return mr.Session(db.engine) end, function(x) return x:query(User):all() end },
      ["identity map"] = { function() return mr.Session(db.engine).identity_map end, function(x) return #x end },
    }
    for name, case in pairs(cases) do
      it(name .. " raises", function()
        local ok = in_finalizer(case[1], case[2])
        assert.is_false(ok)
      end)
    end

    it("a transaction refuses to commit", function()
      local ok = in_finalizer(function() return mr.Session(db.engine):begin() end, function(t) t:commit() end)
      assert.is_false(ok)
    end)

    it("objects still give their values", function()
      local ok, name = in_finalizer(function() return User{ name = "x" } end, function(u) return u.name end)
      assert.is_true(ok)
      assert.equal("x", name)
    end)
  end)

  describe("finalizers that use the library", function()
    it("let objects be made and errors be raised meanwhile", function()
      local on, ran = true, 0
      local function litter()
        setmetatable({}, { __gc = function()
          if not on then return end
          ran = ran + 1
          pcall(User, { nam = 1 })
          mr.memory{ trace = true }
          db.session:query(User):count()
          litter()
        end })
      end
      for _ = 1, stress and 2 or 20 do litter() end
      local pause, multiplier = collectgarbage("setpause", 1), collectgarbage("setstepmul", 1000)
      -- The number of objects in one cycle of the collector depends on the specs that ran before.
      local i, enough = 0, stress and 20 or 400
      while i < enough or (ran <= 2 and i < 100000) do
        i = i + 1
        local user = User{ name = "u" .. i }
        local ok, err = pcall(User, { nmae = i })
        assert.is_false(ok)
        assert.equal("ArgumentError", err.kind)
        assert.equal("u" .. i, user.name)
      end
      on = false
      collectgarbage("setpause", pause)
      collectgarbage("setstepmul", multiplier)
      assert.is_true(ran > 2)
    end)
  end)

  describe("callbacks", function()
    it("of a default may lead to the same default", function()
      local depth, Item = 0, nil
      Item = db.Model:extend("Item", {
        id = db.Column{ db.Integer, primary_key = true },
        name = db.Column{ db.String(20), default = function()
          depth = depth + 1
          if depth == 1 then db.session:execute(mr.insert(Item):values{ id = 2 }) end
          return "name" .. depth
        end },
      })
      db:create_all()
      db.session:execute(mr.insert(Item):values{ id = 1 })
      assert.equal('{(1, "name2"), (2, "name2")}', tostring(db.session:query(Item.id, Item.name):all()))
    end)

    it("of a default may close the connection that executes", function()
      local connection
      local Item = db.Model:extend("Item", {
        id = db.Column{ db.Integer, primary_key = true },
        name = db.Column{ db.String(20), default = function() connection:close() return "x" end },
      })
      db:create_all()
      for _, rows in ipairs{ { id = 1 }, { { id = 1 }, { id = 2 } } } do
        connection = db.engine:connect()
        assert.error_matches(function() connection:execute(mr.insert(Item), rows) end, "the connection is closed")
      end
      assert.equal(0, Item.query:count())
    end)

    it("of a default may close the session that executes", function()
      local session
      local Item = db.Model:extend("Item", {
        id = db.Column{ db.Integer, primary_key = true },
        name = db.Column{ db.String(20), default = function() session:close() return "x" end },
      })
      db:create_all()
      session = mr.Session(db.engine)
      assert.error_matches(function() session:execute(mr.insert(Item), { id = 1 }) end, "the session is closed")
      assert.equal(0, Item.query:count())
    end)

    it("of the log cannot call the library", function()
      local engine = mr.create_engine("sqlite://", { echo = true })
      local connection, said = engine:connect(), {}
      mr.set_log(function()
        local ok, err = pcall(connection.close, connection)
        said[#said + 1] = ok or err
      end)
      assert.equal(1, connection:scalar "select 1")
      connection:execute "create table thing (id integer)"
      connection:commit()
      assert.is_true(#said >= 3)
      for _, err in ipairs(said) do assert.matches("cannot be called by the function that logs", err) end
    end)
  end)

  describe("sessions that nothing else keeps", function()
    local function each(sessions)
      db.Model.query = sessions
      db.session:add(User{ name = "x" })
      db.session:commit()
      for _ = 1, 5 do
        for user in User.query:iter() do
          collectgarbage()
          assert.equal("x", user.name)
        end
        assert.equal(1, #User.query:all())
      end
    end

    it("live as long as their query runs: a scope whose key is garbage", function()
      local scoped = mr.scoped_session(mr.sessionmaker{ bind = db.engine }, { scopefunc = function() return {} end })
      each(scoped:query_property())
    end)

    it("live as long as their query runs: a source of its own", function()
      local methods = { _session = function() return mr.Session(db.engine) end }
      each{ session = setmetatable({}, { __index = methods }) }
    end)
  end)

  describe("a coroutine that is closed", function()
    it("in engine:begin(fn) rolls back at once", function()
      local co = coroutine.create(function()
        db.engine:begin(function(connection)
          connection:execute(mr.insert(User), { name = "x" })
          coroutine.yield()
        end)
      end)
      assert.is_true(coroutine.resume(co))
      collectgarbage "stop"
      assert.is_true(coroutine.close(co))
      local ok, n = pcall(function() return User.query:count() end)
      collectgarbage "restart"
      assert.is_true(ok)
      assert.equal(0, n)
    end)

    it("in record(fn) ends the recording", function()
      local co = coroutine.create(function() db:record(coroutine.yield) end)
      assert.is_true(coroutine.resume(co))
      assert.is_true(coroutine.close(co))
      assert.equal(1, #db:record(function() User.query:all() end))
    end)
  end)

  describe("functions out of their objects", function()
    it("of rows refuse what is none", function()
      local row = db.session:execute(mr.text "select 1 as a"):first()
      local step = pairs(row)
      assert.is_nil(step(42))
      local meta = getmetatable(row)
      if meta then assert.is_false((pcall(meta.__index, 42, "a"))) end
    end)

    it("of Class.c refuse what is none", function()
      local meta = getmetatable(User.c)
      if meta then assert.is_false((pcall(meta.__index, 42, "id"))) end
    end)

    it("of the identity map refuse what is none", function()
      local meta = getmetatable(db.session.identity_map)
      if meta then
        assert.is_false((pcall(meta.__len, io.stdout)))
        assert.is_false((pcall(meta.__pairs, {})))
      end
    end)

    it("of collections are not given away", function()
      local Post = db.Model:extend("Post", {
        id = db.Column{ db.Integer, primary_key = true },
        user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
        user = db.relationship{ "User", backref = "posts" },
      })
      assert.is_truthy(Post.user)
      assert.equal("string", type(getmetatable(User{}.posts)))
      assert.equal("string", type(getmetatable(db.session:no_autoflush())))
    end)
  end)

  describe("declarations", function()
    it("may use a constraint twice, and for two classes", function()
      local unique = mr.UniqueConstraint "a"
      local function body(args)
        return {
          id = db.Column{ db.Integer, primary_key = true },
          a = db.Column{ db.Integer },
          b = db.Column{ db.Integer },
          __table_args = args,
        }
      end
      db.Model:extend("First", body{ unique, unique })
      db.Model:extend("Second", body{ unique, mr.UniqueConstraint "b" })
      db.Model:extend("Third", body{ unique })
      local only = { checkfirst = false, tables = { db.metadata.tables.third } }
      local created = db:record(function() db:create_all(only) end)
      local _, n = created[1].statement:gsub("UNIQUE", "")
      assert.equal(1, n)
    end)

    it("may stand on many abstract bases", function()
      local base, n = db.Model, stress and 100 or 1000
      for i = 1, n do
        base = base:extend("Base" .. i, { __abstract = true, ["method" .. i] = function() return i end })
      end
      local Leaf = base:extend("Leaf", { id = db.Column{ db.Integer, primary_key = true } })
      assert.equal(1, Leaf.method1())
      assert.equal(n, Leaf{}["method" .. n]())
    end)

    it("refuse a zero byte in any name", function()
      local with_zero = {
        label = function() return User.name:label "a\0b" end,
        collate = function() return User.name:collate "a\0b" end,
        class = function() return db.Model:extend("A\0B", { id = db.Column{ db.Integer, primary_key = true } }) end,
        table_name = function()
          return db.Model:extend("A", { __tablename = "a\0b", id = db.Column{ db.Integer, primary_key = true } })
        end,
        table_ = function() return db.Table("a\0b", db.Column{ "id", db.Integer, primary_key = true }) end,
        subquery = function() return db.session:query(User):subquery "a\0b" end,
        cte = function() return db.session:query(User):cte "a\0b" end,
        alias = function() return mr.aliased(User, "a\0b") end,
        alias_option = function() return mr.aliased{ User, name = "a\0b" } end,
        choice = function() return db.Enum("a\0b") end,
      }
      for what, make in pairs(with_zero) do
        local ok, e = pcall(make)
        assert.is_false(ok, what)
        assert.equal("ArgumentError", e.kind, what)
        assert.matches("has a zero byte in it", e.message, 1, true)
      end
    end)

    it("refuse a list of expressions that is longer than Lua's stack", function()
      local items = {}
      for i = 1, 1000001 do items[i] = User.id end
      local ok, e = pcall(User.id.in_, User.id, items)
      assert.is_false(ok)
      assert.equal("ArgumentError", e.kind)
      assert.matches("too many items", e.message, 1, true)
    end)

    it("refuse to replace what belongs to db", function()
      for _, name in ipairs{ "session", "Model", "engine", "create_all", "Column" } do
        local before = db[name]
        local ok, e = pcall(function() db[name] = 1 end)
        assert.is_false(ok, name)
        assert.equal("ArgumentError", e.kind)
        assert.equal(("db.%s belongs to moonrow and cannot be set"):format(name), e.message)
        assert.equal(before, db[name])
      end
      db.mine = "kept"
      assert.equal("kept", db.mine)
    end)

    it("refuse a zero byte in an attribute's name", function()
      assert.error_matches(function()
        db.Model:extend("Odd", { ["i\0d"] = db.Column{ db.Integer, primary_key = true } })
      end, "zero byte")
    end)
  end)

  it("survives random calls (spec/fuzz/api_fuzz.lua)", function()
    local fuzz = dofile "spec/fuzz/api_fuzz.lua"
    for seed = 1, stress and 1 or 3 do fuzz.run(seed, stress and 60 or 300) end
  end)
end)
