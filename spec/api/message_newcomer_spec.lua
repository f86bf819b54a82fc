-- Messages about the mistakes of the first days: names that other libraries have, calls that forget something.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function lacks(e, word)
  assert(not e.message:find(word, 1, true), ("the message should not name %q: %s"):format(word, e.message))
end

local db, s, User, Post

before_each(function()
  db = mr.open "sqlite://"
  s = db.session
  User = db.Model:extend("User", {
    __tablename = "user",
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40) },
    age = db.Column{ db.Integer },
    seen = db.Column{ db.DateTime },
    posts = db.relationship("Post", { backref = "author" }),
  })
  Post = db.Model:extend("Post", {
    __tablename = "post",
    id = db.Column{ db.Integer, primary_key = true },
    title = db.Column{ db.String(40) },
    user_id = db.Column{ db.ForeignKey "user.id" },
  })
  db:create_all()
end)

-- A class with this body refuses it.
local n = 0
local function refuses(words, body, kind)
  n = n + 1
  return refuse(kind or "ArgumentError", words, db.Model.extend, db.Model, "Wrong" .. n, body)
end

describe("a declaration", function()
  local function pk() return db.Column{ db.Integer, primary_key = true } end

  it("without a name, or with a colon too many, shows how it is written", function()
    for _, name in ipairs{ false, { id = pk() }, 5 } do
      local words = { "the class's name", 'Base:extend("User", { ... })' }
      refuse("ArgumentError", words, db.Model.extend, db.Model, name or nil)
    end
    refuse("ArgumentError", { "makes no objects", 'Base:extend("User", { ... })' }, db.Model, { name = "x" })
  end)

  it("with a class option that lacks its underscores, or that there is not", function()
    refuses("__tablename", { tablename = "x", id = pk() })
    refuses("__table_args", { table_args = {}, id = pk() })
    refuses({ "'__primary_key'", "known are", "__tablename" }, { __primary_key = "id", id = pk() })
    refuses("did you mean '__tablename'?", { __tablename__ = "x", id = pk() })
    refuses({ "__table_args", "UniqueConstraint" }, { id = pk(), __table_args = db.UniqueConstraint "id" })
  end)

  it("with a function that was not called", function()
    refuses({ ".name: Column is not called", "name = Column{" }, { id = pk(), name = db.Column })
    refuses({ ".posts: relationship is not called" }, { id = pk(), posts = db.relationship })
    local A = db.Model:extend("Called", { id = pk(), hello = function(self) return self.id end })
    assert.equal(3, A{ id = 3 }:hello())
  end)

  it("with words for a column that other libraries have", function()
    refuse("ArgumentError", { "'pk'", "primary_key = true" }, db.Column, { db.Integer, pk = true })
    refuse("ArgumentError", { "'required'", "nullable = false" }, db.Column, { db.Integer, required = true })
    refuse("ArgumentError", { "Column 'Integer'", "the column's name", "mr.Integer" }, db.Column, { "Integer" })
    refuse("ArgumentError", { "ForeignKey", "User.id" }, db.ForeignKey, User)
    for name, cure in pairs{ Int = "mr.Integer", Varchar = "mr.String(n)", Bool = "mr.Boolean", Double = "mr.Float",
      Timestamp = "mr.DateTime", Blob = "mr.LargeBinary" } do
      refuse("ArgumentError", { name, cure }, function() return mr[name] end)
      refuse("ArgumentError", { name, cure }, function() return db[name] end)
    end
    refuse("ArgumentError", { "colum", "mr.Column" }, function() return mr.colum end)
    refuse("ArgumentError", "did you mean 'Integer'?", function() return mr.integer end)
  end)
end)

describe("a relationship", function()
  -- The mistake is told when the class is first used.
  local function mistaken(words, rel)
    n = n + 1
    local Wrong = db.Model:extend("Other" .. n, {
      id = db.Column{ db.Integer, primary_key = true },
      user_id = db.Column{ db.ForeignKey "user.id" },
      user = rel,
    })
    return refuse("MappingError", words, Wrong)
  end

  it("to a table's name or another spelling leads to the class", function()
    mistaken({ "there is no class 'user'", "'User'" }, db.relationship "user")
    mistaken("did you mean 'User'?", db.relationship "USER")
    mistaken({ "there is no class 'Nobody'", "declare it" }, db.relationship "Nobody")
  end)

  it("with options that name no column leads to the column", function()
    mistaken("did you mean 'User.name'?", db.relationship("User", { order_by = "User.nmae" }))
    mistaken("write function() return User.name:desc() end", db.relationship("User", { order_by = "User.name desc" }))
    mistaken('write "User.name"', db.relationship("User", { order_by = "name" }))
    mistaken({ "primaryjoin", "function() return" }, db.relationship("User", { primaryjoin = "User.id == x" }))
    local function compares() return true end
    mistaken({ "primaryjoin", "== and ~= compare" }, db.relationship("User", { primaryjoin = compares }))
    mistaken({ "secondary", "'links'", "mr.Table" }, db.relationship("User", { secondary = "links" }))
  end)

  it("with a cascade that is no text shows one", function()
    for _, cascade in ipairs{ true, { "all" } } do
      refuses({ "cascade", '"all, delete-orphan"' }, {
        id = db.Column{ db.Integer, primary_key = true },
        posts = db.relationship("Post", { cascade = cascade }),
      })
    end
  end)
end)

describe("a name that another library has", function()
  it("of a query leads to what there is", function()
    for name, cure in pairs{ sort = "order_by", each = "iter()", last = "order_by(User.id:desc()):first()",
      find = "get(key)", left_join = "outerjoin", includes = "selectinload", values = "session:scalars(query)",
      sum = "mr.func", exclude = "filter(~", where_in = "in_{", skip = "offset", take = "limit", fetchall = "all()",
      length = "count()",
      destroy = "delete()", select = "with_entities", page = "paginate{", insert = "session:add" } do
      refuse("ArgumentError", { ("'%s'"):format(name), cure }, function() return User.query[name] end)
      refuse("ArgumentError", { ("'%s'"):format(name), cure }, function() return mr.select(User)[name] end)
    end
    refuse("ArgumentError", "did you mean 'order_by'?", function() return User.query.ordr_by end)
  end)

  it("of a list leads to what there is", function()
    local posts = User{ posts = { Post{} } }.posts
    for name, cure in pairs{ add = "append", push = "append", all = "list[1]", filter = "with_parent(object)",
      count = "#list", filter_by = "with_parent", order_by = "with_parent", delete = "list:remove(item)" } do
      local words = { ("a collection has no method '%s'"):format(name), cure }
      refuse("ArgumentError", words, function() return posts[name] end)
    end
    local words = { "'title'", "attribute of Post", "object.posts[1].title" }
    refuse("ArgumentError", words, function() return posts.title end)
    refuse("ArgumentError", "did you mean 'append'?", function() return posts.apend end)
  end)

  it("of a session, a connection, a relationship, a class or a date leads to what there is", function()
    local connection <close> = db.engine:connect()
    local session <close> = mr.Session(db.engine)
    refuse("ArgumentError", { "'transaction'", "session:begin(" }, function() return session.transaction end)
    refuse("ArgumentError", { "'raw'", "mr.text" }, function() return session.raw end)
    refuse("ArgumentError", { "'query'", "mr.Session(engine)" }, function() return connection.query end)
    refuse("ArgumentError", { "'filter'", "any{ ... }" }, function() return User.posts.filter end)
    refuse("ArgumentError", { "'new'", "the class is called" }, function() return User.new end)
    refuse("ArgumentError", { "'objects'", "Class.query" }, function() return User.objects end)
    refuse("ArgumentError", { "'on'", "mr.event.listen" }, function() return User.on end)
    refuse("ArgumentError", { "'transaction'", "db.session:begin" }, function() return db.transaction end)
    refuse("ArgumentError", { "an object", "mr.func.count" }, mr.count, User.id)
    refuse("ArgumentError", { "an object", "query:count()" }, mr.count, User)
    refuse("ArgumentError", { "mr.func.count(...)" }, mr.func, "count", User.id)
    refuse("ArgumentError", { "'session'", "db.session" }, function() return mr.session end)
    refuse("ArgumentError", { "'Base'", "db.Model" }, function() return mr.Base end)
    refuse("ArgumentError", { "'add'", "mr.interval{" }, function() return mr.now().add end)
  end)

  it("is not suggested where it only looks alike", function()
    for _, name in ipairs{ "on", "eg", "grage" } do
      lacks(refuse("ArgumentError", name, function() return User[name] end), "did you mean")
    end
  end)
end)

describe("nil in the place of an argument", function()
  it("asks whether the variable is set", function()
    for what, call in pairs{
      in_ = function() return User.id:in_(nil) end,
      join = function() return User.query:join(nil) end,
      execute = function() return s:execute(nil) end,
      text = function() return mr.text(nil) end,
      open = function() return mr.open(nil, {}) end,
      record = function() return db:record(nil) end,
      import = function() return s:import(User, nil) end,
      listen = function() return mr.event.listen(nil, "before_insert", print) end,
      select = function() return mr.select(nil) end,
      limit = function() return User.query:limit(nil) end,
      insert = function() return mr.insert(nil) end,
    } do
      refuse("ArgumentError", { what, "got nil (is the variable set?)" }, call)
    end
  end)
end)

describe("a call that forgets something", function()
  it("of a session", function()
    refuse("ArgumentError", { "remove takes no argument", "session:delete(object)" }, s.remove, s, User{})
    refuse("ArgumentError", { "bind", "db.engine" }, mr.Session, db)
    refuse("ArgumentError", { "bind", "mr.create_engine(url)" }, mr.Session, "sqlite://")
    refuse("ArgumentError", { "db.session:query(...)" }, function() return db:session() end)
    refuse("ArgumentError", { "import", "a mapped class, then its rows" }, s.import, s, { {} }, User)
    refuse("ArgumentError", { "insert", ":values{ ... }" }, mr.insert, User, { name = "x" })
  end)

  it("of an attribute that there is not shows those that there are, or the way to a related one", function()
    refuse("ArgumentError", "User has no attribute 'colour' (it has id, name, age, seen, posts)",
      function() return User.query:filter_by{ colour = 1 } end)
    refuse("ArgumentError", "did you mean 'name'?", function() return User.query:filter_by{ nmae = 1 } end)
    for _, name in ipairs{ "posts.title", "posts__title" } do
      refuse("ArgumentError", { name, "filter(User.posts:any{ title = ... })", "join(User.posts)" },
        function() return User.query:filter_by{ [name] = "x" } end)
    end
    refuse("ArgumentError", "filter(Post.author:has{ name = ... })",
      function() return Post.query:filter_by{ ["author.name"] = "x" } end)
    local Wide = { id = db.Column{ db.Integer, primary_key = true } }
    for i = 1, 20 do Wide["column_" .. i] = db.Column{ db.Integer } end
    Wide = db.Model:extend("Wide", Wide)
    refuse("ArgumentError", ", ...)", function() return Wide.query:filter_by{ colour = 1 } end)
  end)

  it("of a row that is referred to", function()
    s:add(Post{ user_id = 77 })
    refuse("IntegrityError", { "FOREIGN KEY constraint failed", "refers to one that is not there" }, s.commit, s)
    s:rollback()
  end)

  it("of a query", function()
    refuse("ArgumentError", { "query", "without quotes", "mr.text" }, s.query, s, "SELECT 1")
    refuse("ArgumentError", { "query", "a function is called" }, s.query, s, mr.func.count)
    refuse("ArgumentError", { "User.age", "between(low, high)" }, function() return User.age:between{ 1, 2 } end)
    refuse("ArgumentError", "the row has 1 column, not 3", function() return s:query(mr.literal(1)):first()[3] end)
    refuse("ArgumentError", { "User.seen", "mr.now()" }, User, { seen = mr.now })
    refuse("ArgumentError", { "cannot compare", "mr.datetime" }, function() return mr.now() < "2024-01-01" end)
    refuse("ArgumentError", { "interval: days: expected a number" }, mr.interval, { days = "1" })
  end)

  it("of a URL", function()
    for text, url in pairs{ ["app.db"] = "sqlite:///app.db", ["/tmp/x.db"] = "sqlite:////tmp/x.db",
      ["sqlite:app.db"] = "sqlite:///app.db", ["file:x.db"] = "sqlite:///x.db", [":memory:"] = "sqlite:///:memory:" } do
      refuse("ArgumentError", ("did you mean %q?"):format(url), mr.open, text)
    end
    lacks(refuse("ArgumentError", "is no database URL", mr.open, ""), "did you mean")
    refuse("ArgumentError", "did you mean 'sqlite'?", mr.open, "SQLite://")
    refuse("ArgumentError", { "in memory", "sqlite:///:memory:" }, mr.open, "sqlite://:memory:")
    refuse("ArgumentError", "the URL stands first", mr.open, { url = "sqlite://" })
    refuse("ArgumentError", { "journal_mode", "wal", "WAL2" }, mr.open, "sqlite://", { journal_mode = "WAL2" })
    refuse("ArgumentError", "mr.open(url)", mr.Database, "sqlite://")
    local app = mr.App "shop"
    app.config.DATABASE_URL = "sqlite://"
    refuse("InvalidRequestError", { "DATABASE_URI", "it has a DATABASE_URL" }, function()
      return mr.Database(app).session:execute(mr.text "SELECT 1")
    end)
  end)
end)

describe("an event that there is not", function()
  it("is answered with those of the target", function()
    local words = { "'before_save'", "known are", "before_insert", "after_update" }
    local e = refuse("ArgumentError", words, mr.event.listen, User, "before_save", print)
    lacks(e, "before_flush")
    lacks(refuse("ArgumentError", { "'save'", "before_commit" }, mr.event.listen, s, "save", print), "before_insert")
    refuse("ArgumentError", { "'change'", "append, remove, set" }, mr.event.listen, User.name, "change", print)
    refuse("ArgumentError", { "'open'", "connect" }, mr.event.listen, db.engine, "open", print)
    refuse("ArgumentError", "did you mean 'before_insert'?", mr.event.listen, User, "beforeInsert", print)
  end)

  it("of another kind of target is told to be one", function()
    refuse("ArgumentError", "'before_insert' is an event of mapped classes, not of sessions", mr.event.listen, s,
      "before_insert", print)
    refuse("ArgumentError", "'before_flush' is an event of sessions", mr.event.listen, User, "before_flush", print)
    refuse("ArgumentError", "'connect' is an event of engines", mr.event.listen, User, "connect", print)
  end)

  it("is listened to with a dot, by that name", function()
    refuse("ArgumentError", "mr.event.listen(target, name, fn)", function() mr.event:listen(User, "load", print) end)
    refuse("ArgumentError", "mr.event.listen(target, name, fn)", function() mr.event.on(User, "load", print) end)
    refuse("ArgumentError", "mr.event.listen(target, name, fn)", function() mr.listen(User, "load", print) end)
  end)
end)
