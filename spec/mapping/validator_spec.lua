-- Validators and reconstructors. It restates behaviours of SQLAlchemy's test/orm/test_validators.py, and those of
-- reconstructors in test/orm/test_mapper.py.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local error_of, history, state = support.error_of, support.history, support.state

local function text(value) return value == nil and "nil" or tostring(value) end

-- A database of users and posts. users, posts: what their bodies have besides.
local function blog(users, posts)
  local db = mr.open "sqlite://"
  local body = {
    id    = db.Column{ db.Integer, primary_key = true },
    name  = db.Column{ db.String },
    age   = db.Column{ db.Integer },
    email = db.Column{ db.String },
  }
  for name, value in pairs(users or {}) do body[name] = value end
  local User = db.Model:extend("User", body)
  function User:__tostring() return text(self.name) end
  body = {
    id        = db.Column{ db.Integer, primary_key = true },
    title     = db.Column{ db.String },
    user_id   = db.Column{ db.Integer, db.ForeignKey "user.id" },
    user      = db.relationship{ "User", foreign_keys = "Post.user_id", backref = "posts" },
    reader_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    reader    = db.relationship{ "User", foreign_keys = "Post.reader_id", backref = "read" },
  }
  for name, value in pairs(posts or {}) do body[name] = value end
  local Post = db.Model:extend("Post", body)
  function Post:__tostring() return text(self.title) end
  db:create_all()
  return db, User, Post
end

-- A validator that refuses "fred", and changes any other value.
local function modify(_, value)
  if value == "fred" then error("no fred", 0) end
  return value and value .. " modified"
end

-- A validator that notes its arguments in the log: "posts+a", "posts-a".
local function noting(log)
  return function(_, value, key, removed)
    log[#log + 1] = key .. (removed and "-" or "+") .. text(value)
    return value
  end
end

local function no_bad(_, object)
  if object and object.title == "bad" then error("rejected", 0) end
  return object
end

describe("a validator of a column", function()
  it("changes a value, or refuses it, in the constructor and at an assignment", function()
    local db, User = blog{ __validators = { name = modify } }
    local user = User{ name = "ed" }
    assert.equal("ed modified", user.name)
    assert.equal("no fred", error_of(function() user.name = "fred" end))
    assert.equal("ed modified", user.name)
    assert.equal("no fred", error_of(User, { name = "fred" }))
    user.name = nil
    assert.is_nil(user.name)
    db.session:add(user)
    user.name = "ann"
    db.session:commit()
    assert.equal(user, User.query:filter_by{ name = "ann modified" }:one())
  end)

  it("is called with the object, the value as it was given, and the attribute's name", function()
    local got
    local _, User = blog{ __validators = { age = function(...)
      got = table.pack(...)
      return tonumber((select(2, ...)))
    end } }
    local user = User{ age = "7" }
    assert.equal(7, user.age)
    assert.same({ user, "7", "age", false, n = 4 }, got)
    user.age = mr.null
    assert.is_nil(got[2])
  end)

  it("is not called when an object is loaded, refreshed or expires, nor for defaults and keys at a flush", function()
    local calls = 0
    local function count(_, value) calls = calls + 1 return value end
    local db, User, Post = blog({ __validators = { name = count, id = count } },
      { __validators = { user_id = count } })
    local user = User{ name = "a", posts = { Post{} } }
    assert.equal(1, calls)
    db.session:add(user)
    db.session:commit()
    assert.equal(1, user.posts[1].user_id)
    db.session:refresh(user)
    db.session:expire_all()
    assert.equal("a", user.name)
    db.session:remove()
    assert.equal("a", User.query:options(mr.joinedload "posts"):one().name)
    User.query:update{ name = "b" }
    assert.equal(1, calls)
  end)

  it("sees in the constructor the columns without validators, and those before it", function()
    local seen = {}
    local _, User = blog{ __validators = {
      email = function(self, value) seen[1] = self.name .. self.age return value end,
      age = function(self, value) seen[2] = text(self.email) return value + 1 end,
    } }
    User{ email = "e", age = 3, name = "n" }
    assert.same({ "n4", "nil" }, seen)
  end)

  it("is called once for each value: in the constructor, by __init, in an assignment over another", function()
    local log = {}
    local db, User = blog{ __validators = { name = noting(log) } }
    local user = User{ name = "a" }
    user.name = "b"
    user.name = "b"
    assert.same({ "name+a", "name+b", "name+b" }, log)
    function User:__init(values) db.Model.__init(self, values) end
    User{ name = "c" }
    assert.equal("name+c", log[4])
  end)

  it("leaves the history as an assignment does", function()
    local db, User = blog{ __validators = { name = modify } }
    local user = User{ name = "a" }
    db.session:add(user)
    db.session:commit()
    assert.equal("a modified", user.name)
    user.name = "b"
    assert.same({ { "b modified" }, { "a modified" }, {} }, history(user, "name"))
    error_of(function() user.name = "fred" end)
    assert.same({ { "b modified" }, { "a modified" }, {} }, history(user, "name"))
    db.session:rollback()
    assert.equal("a modified", user.name)
  end)

  it("may set other attributes, and read relationships", function()
    local _, User, Post = blog{ __validators = { name = function(self, value)
      self.email = value .. "@x"
      return value .. #self.posts
    end } }
    local user = User{ posts = { Post{} } }
    user.name = "a"
    assert.same({ "a1", "a@x" }, { user.name, user.email })
  end)

  it("gets an SQL expression as it is", function()
    local db, User = blog{ __validators = { age = function(_, value) return value end } }
    local user = User{ name = "a", age = 1 }
    db.session:add(user)
    db.session:commit()
    user.age = User.age + 1
    db.session:commit()
    assert.equal(2, user.age)
  end)

  it("that returns nothing is an error, not a NULL", function()
    local _, User = blog{ __validators = { name = function() end, email = function() return nil end } }
    local user = User{}
    refuse("ArgumentError", { "User.name", "returns nothing", "return the value" }, function() user.name = "a" end)
    user.email = "a"
    assert.is_nil(user.email)
  end)

  it("whose result is no value of the column is refused, and nothing has changed", function()
    local _, User = blog{ __validators = { age = function(_, value) return value end } }
    local user = User{ age = 1 }
    refuse("ArgumentError", { "User.age", "expected an integer", '"x"' }, function() user.age = "x" end)
    assert.equal(1, user.age)
  end)

  it("is called by a merge; one that refuses leaves the session's objects as they were", function()
    local strict = false
    local db, User, Post = blog{ __validators = {
      age = function(_, value)
        if strict and value == 13 then error("unlucky", 0) end
        return value
      end,
      name = function(_, value) return value .. "!" end,
    } }
    local user = User{ name = "a", age = 1, posts = { Post{ title = "t" } } }
    db.session:add(user)
    db.session:commit()
    assert.equal(1, user.age)
    assert.equal("a!", user.name)
    local copy = db.session:merge(User{ id = user.id, age = 5 })
    assert.equal(user, copy)
    assert.equal(5, user.age)
    db.session:rollback()
    assert.equal("a!", user.name)
    local source = User{ id = user.id, name = "b", email = "e", age = 13 }
    local new = User{ name = "c", age = 13 }
    strict = true
    assert.equal("unlucky", error_of(db.session.merge, db.session, source))
    assert.same({ "a!", 1 }, { user.name, user.age })
    assert.is_nil(user.email)
    assert.equal(0, #db.session.dirty)
    assert.equal("unlucky", error_of(db.session.merge, db.session, new))
    assert.equal(0, #db.session.new)
  end)
end)

describe("a validator of a relationship", function()
  it("refuses an object of a list: append, insert, extend, an index, a whole list, the constructor", function()
    local db, User, Post = blog{ __validators = { posts = no_bad } }
    local a, b, bad = Post{ title = "a" }, Post{ title = "b" }, Post{ title = "bad" }
    local user = User{ name = "u", posts = { a } }
    db.session:add(user)
    for _, change in ipairs{
      function() user.posts:append(bad) end, function() user.posts:insert(1, bad) end,
      function() user.posts:extend{ b, bad } end, function() user.posts[1] = bad end,
      function() user.posts[#user.posts + 1] = bad end, function() user.posts = { b, bad } end,
      function() table.insert(user.posts, bad) end, function() bad.user = user end,
      function() return User{ posts = { b, bad } } end, function() return Post{ title = "bad", user = user } end,
    } do
      assert.equal("rejected", error_of(change))
      assert.equal(1, #user.posts)
      assert.equal(a, user.posts[1])
      assert.is_nil(b.user)
      assert.is_nil(bad.user)
      assert.equal(2, #db.session.new)
      assert.equal("transient", state(bad))
    end
    user.posts:extend{ b }
    assert.equal(user, b.user)
  end)

  it("refuses an object of a set, of which none comes then, and of both sides of a many-to-many", function()
    local db = mr.open "sqlite://"
    local Node
    local links = db.Table("links",
      db.Column{ "a", db.Integer, db.ForeignKey "node.id", primary_key = true },
      db.Column{ "b", db.Integer, db.ForeignKey "node.id", primary_key = true })
    Node = db.Model:extend("Node", {
      id = db.Column{ db.Integer, primary_key = true },
      title = db.Column{ db.String },
      up_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
      up = db.relationship{ "Node", remote_side = "Node.id",
        backref = mr.backref{ "down", collection_class = mr.set } },
      links = db.relationship("Node", {
        secondary = links, backref = "linked",
        primaryjoin = function() return Node.id:eq(links.c.a) end,
        secondaryjoin = function() return Node.id:eq(links.c.b) end,
      }),
      __validators = { down = no_bad, links = no_bad, linked = no_bad, up = no_bad },
    })
    db:create_all()
    local a, b, bad = Node{ title = "a" }, Node{ title = "b" }, Node{ title = "bad" }
    db.session:add_all{ a, b }
    db.session:commit()
    for i, change in ipairs{
      function() a.down:add(bad) end, function() a.down:update{ b, bad } end, function() a.down = { b, bad } end,
      function() bad.up = a end, function() a.links = { b, bad } end, function() a.links:extend{ b, bad } end,
      function() a.linked:append(bad) end, function() bad.linked = { a } end,
      function() return Node{ title = "c", links = { b, bad } } end,
    } do
      assert.equal("rejected", error_of(change), i)
      assert.same({ 0, 0, 0, 0 }, { #a.down, #a.links, #a.linked, #db.session.new }, i)
      assert.is_nil(b.up)
    end
    a.down:update{ b, b }
    a.down:update{ b }
    assert.equal(1, #a.down)
  end)

  it("of an attribute that a backref makes is called from both sides", function()
    local log = {}
    local note = noting(log)
    local _, User, Post = blog({ __validators = { posts = note } }, { __validators = { user = note } })
    local user, other, post = User{ name = "u" }, User{ name = "o" }, Post{ title = "p" }
    user.posts:append(post)
    assert.same({ "posts+p", "user+u" }, log)
    post.user = other
    assert.same({ "posts+p", "user+u", "user+o", "posts+p" }, log)
    other.posts:remove(post)
    assert.same({ "posts+p", "user+u", "user+o", "posts+p", "user+nil" }, log)
  end)

  it("with include_removes hears of what leaves, too", function()
    local log = {}
    local _, User, Post = blog{ __validators = { posts = { noting(log), include_removes = true } } }
    local user, a, b, c = User{}, Post{ title = "a" }, Post{ title = "b" }, Post{ title = "c" }
    user.posts:append(a)
    user.posts:remove(a)
    user.posts = { a, b }
    user.posts = { b, c }
    assert.same({ "posts+a", "posts-a", "posts+a", "posts+b", "posts+c", "posts-a" }, log)
    b.user = nil
    assert.equal("posts-b", log[#log])
  end)

  it("without include_backrefs hears only of changes of its own side", function()
    local log = {}
    local mine = { noting(log), include_backrefs = false, include_removes = true }
    local _, User, Post = blog({ __validators = { posts = mine } }, { __validators = { user = mine } })
    local user, post = User{ name = "u" }, Post{ title = "p" }
    user.posts:append(post)
    post.user = nil
    post.user = user
    user.posts:remove(post)
    assert.same({ "posts+p", "user+nil", "user+u", "posts-p" }, log)
  end)

  it("that refuses a loss leaves both sides as they were", function()
    local _, User, Post = blog{ __validators = {
      posts = { function(_, post, _, removed) assert(not removed, "kept") return post end, include_removes = true },
    } }
    local user, other, post = User{}, User{}, Post{}
    user.posts:append(post)
    for _, change in ipairs{
      function() user.posts:remove(post) end, function() post.user = nil end, function() post.user = other end,
      function() other.posts:append(post) end, function() user.posts = {} end,
    } do
      assert.matches("kept", error_of(change))
      assert.equal(user, post.user)
      assert.equal(1, #user.posts)
      assert.equal(0, #other.posts)
    end
  end)

  it("may put another object in the place", function()
    local spare
    local _, User, Post = blog{ __validators = { posts = function() return spare end } }
    spare = Post{ title = "spare" }
    local user = User{}
    user.posts:append(Post{ title = "given" })
    assert.equal("spare", user.posts[1].title)
    assert.equal(user, spare.user)
    refuse("ArgumentError", { "User.posts", "an object from its validator", "number 3" }, function()
      spare = 3
      user.posts:append(Post{})
    end)
  end)

  it("that refuses the last of several in the constructor leaves the others' objects alone", function()
    local db, User, Post = blog(nil, { __validators = {
      reader = function(_, user) if user and user.name == "evil" then error("rejected", 0) end return user end,
      user = function(_, user) if user and user.name == "evil" then error("rejected", 0) end return user end,
    } })
    local user, evil = User{ name = "u" }, User{ name = "evil" }
    db.session:add_all{ user, evil }
    db.session:commit()
    for _ = 1, 8 do
      assert.equal("rejected", error_of(Post, { user = user, reader = evil }))
      assert.equal("rejected", error_of(Post, { reader = user, user = evil }))
      assert.same({ 0, 0, 0 }, { #user.posts, #user.read, #db.session.new })
    end
  end)
end)

describe("validators of several classes", function()
  it("are inherited, and a subclass's own wins", function()
    local db = mr.open "sqlite://"
    local function validate_foo(_, value)
      if value == "exclude for A" then error(value, 0) end
      return value
    end
    local function suffix(_, value, key) return key == "foo2" and value .. "_" or "_" .. value end
    local A = db.Model:extend("A", {
      id = db.Column{ db.Integer, primary_key = true }, data = db.Column{ db.String }, foo = db.Column{ db.String },
      __validators = { data = function(_, value) return "from A: " .. value end, foo = validate_foo },
    })
    local B = A:extend("B", {
      foo2 = db.Column{ db.String }, bar = db.Column{ db.String },
      __validators = {
        data = function(_, value) return "from B: " .. value end,
        foo = function(self, value)
          value = validate_foo(self, value)
          if value == "exclude for B" then error(value, 0) end
          return value
        end,
        foo2 = suffix, bar = suffix,
      },
    })
    local C = B:extend("C", { __validators = { foo2 = function(_, value) return value .. "-" end } })
    assert.equal("from A: ed", A{ data = "ed" }.data)
    assert.equal("from B: ed", B{ data = "ed" }.data)
    assert.equal("from B: ed", C{ data = "ed" }.data)
    assert.equal("exclude for A", error_of(A, { foo = "exclude for A" }))
    assert.equal("exclude for B", A{ foo = "exclude for B" }.foo)
    assert.equal("exclude for A", error_of(C, { foo = "exclude for A" }))
    assert.equal("exclude for B", error_of(C, { foo = "exclude for B" }))
    local b, c = B{ foo2 = "x", bar = "y" }, C{ foo2 = "x", bar = "y" }
    assert.same({ "x_", "_y", "x-", "_y" }, { b.foo2, b.bar, c.foo2, c.bar })
  end)

  it("a subclass's of an inherited attribute leaves the base class alone", function()
    local db, User = blog()
    local Sub = User:extend("Sub", { __validators = { name = modify } })
    assert.equal("a modified", Sub{ name = "a" }.name)
    assert.equal("fred", User{ name = "fred" }.name)
    local user = User{ name = "x" }
    db.session:add(user)
    db.session:commit()
    user.name = "fred"
    db.session:commit()
    assert.equal("fred", user.name)
  end)

  it("come with mixins and abstract bases, the class's own first", function()
    local db = mr.open "sqlite://"
    local function of(word) return function(_, value) return value .. word end end
    local Mixin = { name = db.Column{ db.String }, __validators = { name = of "-mixin", both = of "-mixin" } }
    local Base = db.Model:extend("Base", {
      __abstract = true, id = db.Column{ db.Integer, primary_key = true },
      both = db.Column{ db.String }, own = db.Column{ db.String }, base = db.Column{ db.String },
      __validators = { both = of "-base", own = of "-base", base = of "-base" },
    })
    local Thing = Base:extend("Thing", { Mixin, __validators = { own = of "-own" } })
    local thing = Thing{ name = "a", both = "a", own = "a", base = "a" }
    assert.same({ "a-mixin", "a-mixin", "a-own", "a-base" }, { thing.name, thing.both, thing.own, thing.base })
  end)

  it("may be anything that can be called", function()
    local validator = setmetatable({}, { __call = function(_, _, value) return value .. "!" end })
    local _, User = blog{ __validators = { name = validator } }
    assert.equal("a!", User{ name = "a" }.name)
  end)
end)

describe("a mistake in __validators", function()
  it("is told when the class is declared", function()
    local db = mr.open "sqlite://"
    local function declare(validators)
      return function()
        db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true }, __validators = validators })
      end
    end
    refuse("ArgumentError", { "Thing.__validators", "a table of functions by attribute", "number 3" }, declare(3))
    refuse("ArgumentError", { "Thing.__validators.id", "function(self, value)", "number 3" }, declare{ id = 3 })
    refuse("ArgumentError", { "Thing.__validators.id", "function(self, value)", "nil" }, declare{ id = {} })
    refuse("ArgumentError", { "Thing.__validators.id", "'include_remove'", "'include_removes'" },
      declare{ id = { print, include_remove = true } })
    refuse("ArgumentError", { "Thing.__validators", "attribute's name" }, declare{ print })
  end)

  it("of a name is told when the mappings are configured, all together", function()
    local db = mr.open "sqlite://"
    db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
      nick = mr.synonym "name",
      shout = mr.column_property(function(cls) return mr.func.upper(cls.name) end),
      __validators = { nmae = print, nick = print, shout = print, name = print },
    })
    local e = refuse("MappingError", { "3 mappings are wrong",
      "Thing.__validators.nmae: there is no such attribute (did you mean 'name'?)",
      "Thing.__validators.nick: it is a synonym", "Thing.__validators.shout: it is computed" }, db.configure, db)
    assert.equal(e.message, error_of(db.configure, db).message)
  end)
end)

describe("a reconstructor", function()
  it("is called when an object is loaded, once, and not in the constructor", function()
    local log = {}
    local db, User = blog()
    function User:__reconstructor() log[#log + 1] = self.name end
    db.session:add_all{ User{ name = "a" }, User{ name = "b" } }
    db.session:commit()
    assert.same({}, log)
    db.session:remove()
    local users = User.query:order_by(User.id):all()
    assert.same({ "a", "b" }, log)
    db.session:refresh(users[1])
    assert.equal(users[1], User.query:get(1))
    db.session:expire_all()
    assert.equal("a", users[1].name)
    assert.same({ "a", "b" }, log)
  end)

  it("fills fields that live in memory alone", function()
    local db, User = blog{
      words = mr.field(),
      count = mr.reconstructor(function(self) self.words = #self.name end),
    }
    function User:__init(values)
      db.Model.__init(self, values)
      self:count()
    end
    local user = User{ name = "abc" }
    assert.equal(3, user.words)
    db.session:add(user)
    db.session:commit()
    db.session:remove()
    assert.equal(3, User.query:one().words)
  end)

  it("comes from a mixin, a base and a mapped class; the nearest one counts", function()
    local db = mr.open "sqlite://"
    local log = {}
    local function note(word) return function() log[#log + 1] = word end end
    local Base = db.Model:extend("Base", { __abstract = true, id = db.Column{ db.Integer, primary_key = true } })
    local A = Base:extend("A", { { __reconstructor = note "mixin" } })
    local B = Base:extend("B", {})
    local C = B:extend("C", { __reconstructor = note "C" })
    Base.__reconstructor = note "base"
    db:create_all()
    db.session:add_all{ A{}, B{} }
    db.session:commit()
    db.session:remove()
    A.query:all()
    B.query:all()
    assert.same({ "mixin", "base" }, log)
    db.session:remove()
    C.query:all()
    assert.equal("C", log[#log])
  end)

  it("that fails lets its error through", function()
    local db, User = blog()
    local problem = {}
    User.__reconstructor = function() error(problem) end
    db.session:add(User{ name = "a" })
    db.session:commit()
    db.session:remove()
    assert.equal(problem, error_of(User.query.all, User.query))
    refuse("ArgumentError", { "reconstructor", "a function" }, mr.reconstructor, 3)
  end)
end)
