-- Messages about wrong calls: a dot in place of a colon, wrong loops; and how values are printed.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, s, User, Post

before_each(function()
  db = mr.open "sqlite://"
  User = db.Model:extend("User", {
    __tablename = "user",
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40) },
    posts = db.relationship("Post", { backref = "author" }),
  })
  Post = db.Model:extend("Post", {
    __tablename = "post",
    id = db.Column{ db.Integer, primary_key = true },
    user_id = db.Column{ db.ForeignKey "user.id" },
  })
  db:create_all()
  s = db.session
  s:add(User{ name = "ann", posts = { Post{} } })
  s:commit()
end)

describe("a method that is called with a dot", function()
  it("of a database", function()
    for _, name in ipairs{ "create_all", "drop_all", "configure", "record", "scope", "init_app" } do
      for _, first in ipairs{ false, { tables = {} }, print } do
        refuse("ArgumentError", { ("%s is a method of a database"):format(name), ("db:%s(...)"):format(name) },
          db[name], first or nil)
      end
    end
  end)

  it("of a session, scoped or not", function()
    local session <close> = mr.Session(db.engine)
    for _, name in ipairs{ "add", "commit", "query", "get", "execute", "flush", "rollback" } do
      refuse("ArgumentError", { name, "with a colon", ("session:%s(...)"):format(name) }, session[name])
      refuse("ArgumentError", { name, "with a colon" }, session[name], User)
      refuse("ArgumentError", { name, "with a colon" }, s[name], User)
    end
  end)

  it("of an expression, a relationship, a collection, an engine, a query, a result", function()
    local ann = User.query:first()
    for name, call in pairs{
      eq = function() return User.name.eq "a" end,
      in_ = function() return User.name.in_{ "a" } end,
      is_ = function() return User.name.is_(nil) end,
      like = function() return User.name.like "a%" end,
      desc = function() return User.name.desc() end,
      label = function() return User.name.label "x" end,
      any = function() return User.posts.any{ id = 1 } end,
      has = function() return Post.author.has{ name = "x" } end,
      append = function() ann.posts.append(Post{}) end,
      remove = function() ann.posts.remove(ann.posts[1]) end,
      connect = function() return db.engine.connect() end,
      all = function() return User.query.all() end,
      filter_by = function() return User.query.filter_by{ name = "a" } end,
      first = function() return s:execute(mr.select(User)).first() end,
    } do
      refuse("ArgumentError", { name, "called with a colon" }, call)
    end
    for _, name in ipairs{ "all", "first", "count", "iter", "filter", "order_by", "limit", "get" } do
      refuse("ArgumentError", ("called with a colon: query:%s(...)"):format(name), User.query[name])
    end
    assert.equal(1, #ann.posts)
  end)
end)

describe("a function of the module that is called with a colon", function()
  it("says so, and so do those that a database has", function()
    for name, call in pairs{
      select = function(m) return m:select(User) end,
      text = function(m) return m:text "SELECT 1" end,
      and_ = function(m) return m:and_(User.id:eq(1)) end,
      create_engine = function(m) return m:create_engine "sqlite://" end,
      insert = function(m) return m:insert(User) end,
      Column = function(m) return m:Column{ mr.Integer } end,
      relationship = function(m) return m:relationship "User" end,
      joinedload = function(m) return m:joinedload(User.posts) end,
      datetime = function(m) return m:datetime(2024, 1, 1) end,
      interval = function(m) return m:interval{ days = 1 } end,
      open = function(m) return m:open "sqlite://" end,
      sessionmaker = function(m) return m:sessionmaker(db.engine) end,
      desc = function(m) return m:desc(User.name) end,
    } do
      refuse("ArgumentError", ("called with a dot: mr.%s(...)"):format(name), call, mr)
      refuse("ArgumentError", ("called with a dot: db.%s(...)"):format(name), call, db)
    end
    refuse("ArgumentError", "with a dot: mr.func.count(...)", function() return mr.func:count() end)
    refuse("ArgumentError", "with a dot: mr.func.lower(...)", function() return mr.func:lower(User.name) end)
  end)
end)

describe("a loop", function()
  it("over a list, a collection, a class or an object says how it is written", function()
    local ann = User.query:first()
    for _, call in ipairs{
      function() for _ in User.query:paginate{} do error "no" end end,
      function() for _ in User.query:all() do error "no" end end,
      function() for _ in ann.posts do error "no" end end,
    } do
      refuse("ArgumentError", "ipairs(", call)
    end
    refuse("ArgumentError", { "User", "'1'", "not a list" }, function() for _ in ipairs(ann) do error "no" end end)
    refuse("ArgumentError", { "User is a class", "User.query:all()" }, pairs, User)
  end)

  it("over an object is its class's own business where that has __pairs", function()
    User.__pairs = function() return next, { 5 } end
    for _, value in pairs(User{}) do assert.equal(5, value) end
    User.__pairs = nil
  end)
end)

describe("tostring", function()
  it("of mr.null is null, and of no other light userdata", function()
    assert.equal("null", tostring(mr.null))
    assert.equal("{null, 1}", tostring(db:record(function()
      s:execute(mr.text "SELECT :a, :b", { a = mr.null, b = 1 }):all()
    end)[1].parameters))
  end)

  it("of a session says what it holds", function()
    local session <close> = mr.Session(db.engine)
    assert.equal("<Session of sqlite://: 0 in memory>", tostring(session))
    local ann = session:query(User):first()
    session:add(User{ name = "bob" })
    assert.equal("<Session of sqlite://: 1 in memory, 1 new>", tostring(session))
    session:add(User{ name = "cid" })
    ann.name = "eve"
    session:delete(session:query(Post):first())
    assert.matches("^<Session of sqlite://: %d in memory, ", tostring(session))
    assert.matches("1 deleted", tostring(session))
    session:rollback()
    assert.matches("Session of sqlite://", tostring(s))
    session:close()
    assert.equal("<Session (closed)>", tostring(session))
  end)

  it("of what db:record gives is the statements with their parameters", function()
    local record = db:record(function()
      User.query:filter_by{ name = "ann" }:first()
      s:execute(mr.insert(User), { { name = "x" }, { name = "y" } })
    end)
    assert.matches('^{SELECT .* WHERE user.name = %? LIMIT %? {"ann", 1}', tostring(record))
    assert.matches('INSERT INTO user %(name%) VALUES %(%?%) {{"x"}, {"y"}}', tostring(record[2]))
    assert.equal(2, #record)
    assert.equal("ann", record[1].parameters[1])
  end)
end)

describe("the warning of lost work", function()
  it("names the database", function()
    local file = os.tmpname()
    local script = ([[
      local mr = require "moonrow"
      warn "@on"
      local db = mr.open "sqlite:///%s"
      local T = db.Model:extend("T", { __tablename = "t", id = db.Column{ db.Integer, primary_key = true } })
      db:create_all()
      db.session:add(T{})
    ]]):format(file)
    local name = os.tmpname()
    local out <close> = assert(io.open(name, "w"))
    out:write(script)
    out:flush()
    local pipe <close> = assert(io.popen("lua5.4 " .. name .. " 2>&1"))
    assert.matches("a session of sqlite:///" .. file .. " has ended with work that was not committed",
      pipe:read "a", 1, true)
    os.remove(file)
    os.remove(name)
  end)
end)

describe("a type that is called as if it made values", function()
  it("leads to what makes them", function()
    local makers = { Date = "mr.date(", Time = "mr.time(", DateTime = "mr.datetime(", Interval = "mr.interval{" }
    for name, maker in pairs(makers) do
      refuse("ArgumentError", { name, "the type of a column", maker }, mr[name], 2024, 5, 1)
      refuse("ArgumentError", { name, maker }, mr[name], "2024-05-01")
      refuse("ArgumentError", { name, maker }, mr[name], { year = 2024, month = 5, day = 1 })
    end
    for _, name in ipairs{ "Integer", "Float", "Boolean" } do
      refuse("ArgumentError", { name, "the type of a column", ("mr.Column{ mr.%s }"):format(name) }, mr[name], 3)
    end
    assert.equal(mr.Date, mr.Date())
  end)
end)

describe("a relationship without a target", function()
  it("asks for the variable", function()
    refuse("ArgumentError", { "relationship", "got nil", "is the variable set?", "by its name" }, mr.relationship, nil)
    refuse("ArgumentError", { "relationship", "got nil besides", "is the variable set?" }, mr.relationship, "Post", nil)
    refuse("ArgumentError", { 'got string "posts" besides', "options by name" }, mr.relationship, "Post", "posts")
    refuse("ArgumentError", { "backref", "got nil" }, mr.backref, nil)
    refuse("ArgumentError", { "relationship", "a target" }, mr.relationship)
    refuse("ArgumentError", { "relationship", "a target" }, mr.relationship, { backref = "x" })
  end)
end)
