-- An argument that a function does not take is refused: nothing is ignored silently.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("an argument too many", function()
  local db, User, Post, user

  before_each(function()
    db = mr.open "sqlite://"
    User = db.Model:extend("User", {
      id    = db.Column{ db.Integer, primary_key = true },
      name  = db.Column{ db.String(40) },
      posts = db.relationship{ "Post", back_populates = "user" },
    })
    Post = db.Model:extend("Post", {
      id      = db.Column{ db.Integer, primary_key = true },
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
      user    = db.relationship{ "User", back_populates = "posts" },
    })
    db:create_all()
    user = User{ name = "ann" }
    db.session:add(user)
    db.session:commit()
  end)

  -- Asserts that object:method(...) is refused, and that the message names the method and each of the words.
  local function refused(words, object, method, ...)
    local args = table.pack(...)
    local e = refuse("ArgumentError", words, function()
      return object[method](object, table.unpack(args, 1, args.n))
    end)
    assert.has_match(method, e.message, 1, true)
  end

  it("of a collection's methods loses no object", function()
    local posts, a, b = user.posts, Post{}, Post{}
    refused("several objects: extend{ ... }", posts, "append", a, b)
    refused("all objects are in one list", posts, "extend", { a }, { b })
    refused("at most two arguments", posts, "insert", 1, a, b)
    posts:append(a)
    posts:append(b)
    refused("one object at a time", posts, "remove", a, b)
    refused("taken out by remove", posts, "clear", a)
    refused("got 2", posts, "contains", a, b)
    assert.equal(2, #posts)
  end)

  it("of a constructor loses no values", function()
    refuse("ArgumentError", "User: expected one table of values, got 2 arguments", User, { name = "x" }, { id = 5 })
    refuse("ArgumentError", 'such as User{ name = "x" }, got the key 1', User, { "x" })
    local Free = db.Model:extend("Free", { id = db.Column{ db.Integer, primary_key = true } })
    function Free:__init(a, b) self.id = a + b end
    assert.equal(3, Free(1, 2).id)
  end)

  it("of a criterion leaves no criterion out", function()
    local q = User.query
    refused("all values are in one table", q, "filter_by", { name = "ann" }, { id = 2 })
    refused("all values are in one table", q, "params", { a = 1 }, { b = 2 })
    refused("all values are in one list", User.id, "in_", { 1 }, { 2 })
    refused("all values are in one list", User.id, "not_in", { 1 }, { 2 })
    for _, method in ipairs{ "eq", "ne", "lt", "le", "gt", "ge" } do refused("in_{ ... }", User.id, method, 1, 2) end
    refused("got 2", User.name, "is_", nil, nil)
    refused("got 3", User.name, "like", "a%", {}, "b%")
    refused("got 3", User.name, "contains", "a", {}, "b")
    refused("got 3", User.id, "between", 1, 2, 3)
    refused("joined by &", User.posts, "any", Post.id:eq(1), Post.id:eq(2))
    refused("joined by &", Post.user, "has", User.id:eq(1), User.id:eq(2))
    refused("joined by &", User.posts, "contains", Post{}, Post{})
    refuse("ArgumentError", "not_: expected one criterion, got 2", mr.not_, User.id:eq(1), User.id:eq(2))
    refused("criteria are given to filter", q, "exists", User.id:eq(2))
    refused("criteria are given to filter", q, "delete", {}, User.id:eq(2))
  end)

  it("of a query or a statement changes nothing", function()
    local q = User.query
    refused("got 3", q, "update", { name = "bob" }, {}, { id = 7 })
    refused("one list", mr.insert(User), "values", { name = "x" }, { name = "y" })
    refused("got 2", q, "yield_per", 5, 6)
    refused("got 2", q, "autoflush", false, true)
    refused("got 1", q, "populate_existing", false)
    assert.equal("ann", user.name)
    assert.equal(1, q:count())
  end)

  it("of a session's methods is refused", function()
    local session = mr.Session(db.engine)
    refused("got 2", session, "is_modified", user, user)
    session:close()
    refuse("ArgumentError", "interval: expected one argument, got 2", mr.interval, { days = 1 }, { hours = 2 })
  end)
end)

describe("what is no value of an option or a key", function()
  it("is refused, and finds nothing by chance", function()
    local db = mr.open "sqlite://"
    local Pair = db.Model:extend("Pair", {
      a = db.Column{ db.Integer, primary_key = true },
      b = db.Column{ db.Integer, primary_key = true },
    })
    db:create_all()
    for _, key in ipairs{ { Pair.a, 1 }, { a = 1, b = Pair.b }, mr.func.abs(1) } do
      refuse("ArgumentError", "get(Pair): expected a key's value", db.session.get, db.session, Pair, key)
    end
    refuse("ArgumentError", "busy_timeout", mr.create_engine, "sqlite://", { busy_timeout = -1 })
    local ok = mr.create_engine("sqlite://", { busy_timeout = 0 })
    assert.equal("sqlite://", ok.url)
  end)
end)

describe("a function of the module", function()
  it("takes the options of case beside the list, in a table of their own, or refuses what it would lose", function()
    local x = mr.literal(1)
    local one, two = { x:eq(1), "y" }, { x:eq(2), "z" }
    local sql = tostring(mr.case{ one, else_ = "n" })
    assert.has_match("ELSE", sql, 1, true)
    assert.equal(sql, tostring(mr.case({ one }, { else_ = "n" })))
    assert.equal(sql, tostring(mr.case(one, { else_ = "n" })))
    assert.equal(tostring(mr.case{ one, two }), tostring(mr.case(one, two)))
    assert.equal(tostring(mr.case{ one, two, else_ = "n" }), tostring(mr.case(one, two, { else_ = "n" })))
    refuse("ArgumentError", { "else_ = value", 'string "n"' }, mr.case, { one }, "n")
    refuse("ArgumentError", "else_ = value", mr.case, { one, else_ = "n" }, { else_ = "m" })
    refuse("ArgumentError", "else_ = value", mr.case, { one }, { two })
    refuse("ArgumentError", "{condition, value}", mr.case, one, "n")
    refuse("ArgumentError", "'els'", mr.case, { one }, { els = "n" })
    local db = mr.open "sqlite://"
    assert.equal("y", db.session:query(mr.case({ one, two }, { else_ = "n" })):scalar())
    assert.equal("n", db.session:query(mr.case(two, { else_ = "n" })):scalar())
  end)

  it("refuses an argument too many", function()
    local x = mr.literal(1)
    refuse("ArgumentError", { "extract", "number 3" }, mr.extract, "year", x, 3)
    refuse("ArgumentError", { "cast", "number 3" }, mr.cast, x, mr.Integer, 3)
    refuse("ArgumentError", { "literal", "number 3" }, mr.literal, 1, mr.Integer, 3)
    refuse("ArgumentError", { "exists", "number 3" }, mr.exists, mr.select(x), 3)
  end)
end)

describe("words that other libraries give to a session's methods", function()
  it("are answered by what there is instead", function()
    local db = mr.open "sqlite://"
    local words = {
      find = "session:get(Class, key)", all = "session:query(Class)", filter = "filter( ... )",
      where = "filter( ... )", save = "session:add(object)", insert = "session:add(object)",
      update = "session:commit()", destroy = "session:delete(object)",
    }
    for word, cure in pairs(words) do
      local e = refuse("ArgumentError", { "Session has no method '" .. word .. "'", cure }, function()
        return db.session[word]
      end)
      assert.is_nil(e.message:find("did you mean", 1, true))
    end
  end)
end)
