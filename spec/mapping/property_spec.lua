-- Synonyms, column properties and attributes that a mixin makes for each class. It restates behaviours of SQLAlchemy's
-- test/orm/test_mapper.py, test_deferred.py and of its tests of column_property and declared_attr.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local costs, history, writes = support.costs, support.history, support.writes

-- A database of users and their posts. extra: further attributes of User, given the function that returns Post.
local function blog(extra)
  local db = mr.open "sqlite://"
  local Post
  local body = {
    id    = db.Column{ db.Integer, primary_key = true },
    first = db.Column{ db.String },
    last  = db.Column{ db.String },
    full  = mr.column_property(function(cls) return cls.first .. " " .. cls.last end),
    size  = mr.column_property(function(cls)
      return mr.select(mr.func.count(Post.id)):where(Post.user_id:eq(cls.id)):scalar_subquery()
    end),
    nick  = mr.synonym "first",
    articles = mr.synonym "posts",
  }
  for name, value in pairs(extra or {}) do body[name] = value end
  local User = db.Model:extend("User", body)
  Post = db.Model:extend("Post", {
    id      = db.Column{ db.Integer, primary_key = true },
    title   = db.Column{ db.String },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    user    = db.relationship{ "User", backref = "posts" },
  })
  db:create_all()
  db.session:add_all{
    User{ first = "Ann", last = "Bee", posts = { Post{ title = "a" }, Post{ title = "b" } } },
    User{ first = "Bob", last = "Cod" },
  }
  db.session:commit()
  db.session:remove()
  return db, User, Post
end

describe("a synonym", function()
  it("reads and writes the attribute that it stands for", function()
    local db, User = blog()
    local ann = User.query:filter_by{ first = "Ann" }:one()
    assert.equal("Ann", ann.nick)
    ann.nick = "Anna"
    assert.equal("Anna", ann.first)
    assert.same({ { "Anna" }, { "Ann" }, {} }, history(ann, "nick"))
    assert.same({ "UPDATE user" }, writes(db))
    assert.equal("C", User{ nick = "C" }.first)
  end)

  it("stands for it in criteria, orders, columns, aliases and updates", function()
    local db, User = blog()
    assert.equal("user.first", tostring(User.nick))
    assert.equal("nick", User.nick.key)
    assert.equal("Bob", User.query:filter_by{ nick = "Bob" }:one().nick)
    assert.equal("Bob", User.query:order_by(User.nick:desc()):first().nick)
    assert.equal("Ann", User.query:order_by "nick":first().nick)
    assert.equal("Ann", db.session:query(User.nick):order_by(User.nick):first().nick)
    local Other = mr.aliased(User)
    assert.equal("user_1.first", tostring(Other.nick))
    assert.equal("Ann", db.session:query(Other.nick):filter(Other.nick:like "A%"):one().nick)
    assert.equal(1, User.query:filter_by{ nick = "Bob" }:update{ nick = "Rob" })
    local rob = User.query:get(2)
    assert.equal("Rob", rob.first)
    costs(db, 1, function() db.session:refresh(rob, { "nick" }) end)
  end)

  it("may stand for a relationship that a backref makes: in joins, criteria and options", function()
    local db, User, Post = blog()
    assert.equal("Ann", User.query:join(User.articles):filter(Post.title:eq "a"):one().first)
    assert.equal("Ann", User.query:filter(User.articles:any{ title = "b" }):one().first)
    local post = Post.query:filter_by{ title = "a" }:one()
    assert.equal("Ann", User.query:filter(User.articles:contains(post)):one().first)
    db.session:remove()
    costs(db, 1, function()
      assert.equal(2, #User.query:options(mr.joinedload "articles"):filter_by{ nick = "Ann" }:one().articles)
    end)
    local user = User{ articles = { Post{}, Post{} } }
    assert.equal(2, #user.posts)
    user.articles:append(Post{})
    assert.equal(user, user.posts[3].user)
  end)

  it("may stand for another synonym, a hybrid, or a column property", function()
    local _, User = blog{
      again = mr.synonym "nick",
      loud = mr.hybrid(function(self) return self.first .. "!" end),
      shout = mr.synonym "loud",
      name = mr.synonym "full",
    }
    local ann = User.query:filter_by{ again = "Ann" }:one()
    assert.equal("Ann", ann.again)
    assert.equal("Ann!", ann.shout)
    assert.equal("Bob", User.query:filter_by{ shout = "Bob!" }:one().first)
    assert.equal("Ann Bee", ann.name)
    assert.equal("Bob", User.query:filter_by{ name = "Bob Cod" }:one().first)
  end)

  it("is given to a class after its declaration, and inherited", function()
    local _, User = blog()
    User.surname = mr.synonym "last"
    local Sub = User:extend("Sub", { alias = mr.synonym "surname" })
    assert.equal("user.last", tostring(User.surname))
    assert.equal("x", Sub{ alias = "x" }.last)
    assert.equal("x", Sub{ last = "x" }.surname)
  end)

  it("of nothing, and of itself, is told when the mappings are configured, all mistakes together", function()
    local db = mr.open "sqlite://"
    db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true },
      a = mr.synonym "b",
      b = mr.synonym "a",
      d = mr.synonym "idd",
      other = db.relationship "Nothing",
    })
    local e = refuse("MappingError", { "4 mappings are wrong", "Thing.a: it is a synonym of itself, by way of 'b'",
      "Thing.d: it is a synonym of 'idd', which Thing does not have (did you mean 'id'?)", "Thing.other" },
      db.configure, db)
    assert.is_truthy(e.message:find("Thing.b", 1, true))
    refuse("ArgumentError", { "synonym", "one attribute's name", "nil" }, mr.synonym)
    refuse("ArgumentError", { "Part.x: synonym is not called" },
      function() db.Model:extend("Part", { x = mr.synonym }) end)
  end)
end)

describe("a column property", function()
  it("is loaded with its object, in the same statement", function()
    local db, User = blog()
    local texts = costs(db, 1, function()
      local ann = User.query:filter_by{ first = "Ann" }:one()
      assert.equal("Ann Bee", ann.full)
      assert.equal(2, ann.size)
    end)
    assert.is_truthy(texts[1]:find("user.first || ? || user.last", 1, true))
    assert.is_truthy(texts[1]:find("(SELECT count(post.id)", 1, true))
  end)

  it("is an expression in queries, under its name, and of aliases", function()
    local db, User = blog()
    assert.equal("Bob", User.query:filter(User.full:eq "Bob Cod"):one().first)
    assert.equal("Bob", User.query:filter_by{ size = 0 }:one().first)
    assert.equal("Bob", User.query:order_by(User.size, "full"):first().first)
    assert.equal("Ann Bee", db.session:query(User.full):order_by(User.full):first().full)
    local Other = mr.aliased(User)
    local ann = db.session:query(Other):filter(Other.full:eq "Ann Bee", Other.size:eq(2)):one()
    assert.equal("Ann Bee", ann.full)
    assert.equal("user_1.first || ? || user_1.last", tostring(Other.full):match "^[^A]*[%w_]$")
  end)

  it("comes with joinedload, selectinload and a limit", function()
    local db, User, Post = blog()
    for _, option in ipairs{ mr.joinedload, mr.selectinload, mr.subqueryload } do
      db.session:remove()
      local post = Post.query:options(option(Post.user)):order_by(Post.id):first()
      costs(db, 0, function() assert.equal("Ann Bee", post.user.full) end)
      db.session:remove()
      local users = User.query:options(option(User.posts)):order_by(User.full:desc()):limit(2):all()
      costs(db, 0, function()
        assert.same({ "Bob Cod", "Ann Bee" }, support.values(users, "full"))
        assert.same({ 0, 2 }, { users[1].size, #users[2].posts })
      end)
    end
  end)

  -- Post and User are both in the query around it: the nested query takes only User from there.
  it("over rows that the query around it reads, too, has the same value", function()
    local db, User, Post = blog()
    costs(db, 1, function()
      for _, post in ipairs(Post.query:options(mr.joinedload(Post.user)):all()) do assert.equal(2, post.user.size) end
    end)
    assert.equal(2, db.session:query(Post.id, User.size):join(Post.user):first()[2])
    assert.equal(2, User.query:join(User.posts):filter(Post.title:eq "a"):one().size)
    local U = mr.aliased(User)
    assert.equal(2, db.session:query(U.size):select_from(U):join(Post, Post.user_id:eq(U.id)):first()[1])
    assert.equal(1, User.query:filter(User.posts:any(User.size:gt(1))):count())
  end)

  it("may be a nested query over its own table alone", function()
    local db, User = blog{ last_id = mr.column_property(function(cls)
      return mr.select(mr.func.max(cls.id)):scalar_subquery()
    end) }
    assert.same({ 2, 2 }, support.values(User.query:order_by(User.id):all(), "last_id"))
    assert.equal(1, #db:record(function() return User.query:filter(User.id:eq(User.last_id)):one() end))
  end)

  -- SQLAlchemy: "returned no FROM clauses due to auto-correlation".
  it("is no guess in other nested queries that read nothing of their own", function()
    local db, User, Post = blog()
    local posts = mr.select(mr.func.count(Post.id)):where(Post.user_id:eq(User.id))
    local function of_both(nested)
      return db.session:query(User.id, Post.id, nested:scalar_subquery()):join(User.posts)
    end
    refuse("ArgumentError", { "reads 'post', 'user', too", ":correlate(...)" }, function() of_both(posts):all() end)
    assert.equal(2, of_both(posts:correlate(User)):first()[3])
  end)

  it("cannot be set, nor written by a statement", function()
    local db, User = blog()
    local ann = User.query:first()
    refuse("ArgumentError", { "User.full", "computed" }, function() ann.full = "x" end)
    refuse("ArgumentError", { "User.full", "computed" }, User, { full = "x" })
    refuse("ArgumentError", { "User.full", "not a column" }, function() User.query:update{ full = "x" } end)
    assert.equal(0, #db.session.dirty)
  end)

  it("of a new object is nil, and is read after its INSERT, all of them in one statement", function()
    local db, User = blog()
    local new = User{ first = "C", last = "D" }
    assert.is_nil(new.full)
    db.session:add(new)
    db.session:flush()
    costs(db, 1, function()
      assert.equal("C D", new.full)
      assert.equal(0, new.size)
    end)
  end)

  it("is read again after a flush of its object, and after an update by a query", function()
    local db, User = blog()
    local ann = User.query:filter_by{ first = "Ann" }:one()
    ann.last = "Boo"
    assert.equal("Ann Bee", ann.full)
    costs(db, 1, function() db.session:flush() end)
    costs(db, 1, function()
      assert.equal("Ann Boo", ann.full)
      assert.equal(2, ann.size)
    end)
    User.query:update{ nick = "Z" }
    assert.equal("Z Boo", ann.full)
    db.session:rollback()
    assert.equal("Ann Bee", ann.full)
  end)

  it("stays as it is until then, and refresh reads it", function()
    local db, User, Post = blog()
    local ann = User.query:filter_by{ first = "Ann" }:one()
    db.session:add(Post{ user_id = ann.id })
    db.session:flush()
    assert.equal(2, ann.size)
    db.session:refresh(ann)
    assert.equal(3, ann.size)
    db.session:expire(ann, { "size" })
    costs(db, 1, function() assert.equal(3, ann.size) end)
  end)

  it("may be deferred, alone and in a group", function()
    local _, User = blog()
    User.shout = mr.column_property(mr.func.upper(User.full), { deferred = true })
    User.a = mr.column_property(User.first .. "1", { group = "more" })
    User.b = mr.deferred(mr.column_property(User.first .. "2"), { group = "more" })
    local ann = User.query:filter_by{ first = "Ann" }:one()
    local s = mr.object_session(ann)
    assert.equal("ANN BEE", ann.shout)
    assert.equal("Ann1Ann2", ann.a .. ann.b)
    s:expunge_all()
    ann = User.query:options(mr.undefer "shout", mr.undefer_group "more"):filter_by{ first = "Ann" }:one()
    local loaded = table.concat(mr.inspect(ann).loaded, " ")
    for _, name in ipairs{ "shout", "a", "b" } do assert.is_truthy(loaded:find(name, 1, true), name) end
    s:expunge_all()
    ann = User.query:options(mr.load_only "first"):filter_by{ first = "Ann" }:one()
    assert.is_nil(table.concat(mr.inspect(ann).loaded, " "):find("full", 1, true))
    assert.equal("Ann Bee", ann.full)
  end)

  it("of a group loads the group in one statement, and a deferred one loads alone", function()
    local db, User = blog{
      a = mr.column_property(function(cls) return cls.first .. "1" end, { group = "more" }),
      b = mr.deferred{ mr.column_property(function(cls) return cls.first .. "2" end), group = "more" },
      alone = mr.column_property(function(cls) return cls.first .. "3" end, { deferred = true }),
    }
    local ann = User.query:filter_by{ first = "Ann" }:one()
    costs(db, 1, function() assert.equal("Ann1Ann2", ann.a .. ann.b) end)
    costs(db, 1, function() assert.equal("Ann3", ann.alone) end)
    ann.first = "X"
    db.session:flush()
    costs(db, 1, function() assert.equal("X Bee", ann.full) end)
    costs(db, 1, function() assert.equal("X1X2", ann.a .. ann.b) end)
  end)

  it("may be made of another one, and come from a mixin or a base", function()
    local db, User = blog{ shout = mr.column_property(function(cls) return mr.func.upper(cls.full) end) }
    assert.equal("ANN BEE", User.query:filter_by{ first = "Ann" }:one().shout)
    local Doubled = { twice = mr.column_property(function(cls) return cls.n * 2 end) }
    local Base = db.Model:extend("Base", {
      __abstract = true,
      id = db.Column{ db.Integer, primary_key = true },
      n = db.Column{ db.Integer },
      thrice = mr.column_property(function(cls) return cls.n * 3 end),
    })
    local A, B = Base:extend("A", { Doubled }), Base:extend("B", { Doubled })
    db:create_all()
    db.session:add_all{ A{ n = 5 }, B{ n = 7 } }
    db.session:commit()
    assert.equal(10, A.query:one().twice)
    assert.equal(14, B.query:one().twice)
    assert.equal(21, B.query:filter_by{ twice = 14 }:one().thrice)
  end)

  it("is inherited, and merge and get work with it", function()
    local db, User = blog()
    local Sub = User:extend("Sub", {})
    assert.equal("Ann Bee", Sub.query:filter_by{ first = "Ann" }:one().full)
    db.session:remove()
    local ann = db.session:get(User, 1)
    assert.equal("Ann Bee", ann.full)
    local other <close> = mr.Session(db.engine)
    ann.last = "New"
    local copy = other:merge(ann)
    other:flush()
    assert.equal("Ann New", copy.full)
    other:rollback()
  end)

  it("may be about a relationship that is configured with it", function()
    local _, User = blog{
      busy = mr.column_property(function(cls) return cls.posts:any() end),
    }
    assert.is_true(User.query:filter_by{ first = "Ann" }:one().busy)
    assert.is_false(User.query:filter_by{ first = "Bob" }:one().busy)
  end)

  it("of a Column is the column, which may be deferred", function()
    local db = mr.open "sqlite://"
    local Thing = db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true },
      text = mr.column_property(db.Column{ db.String }, { deferred = true }),
    })
    db:create_all()
    db.session:add(Thing{ text = "x" })
    db.session:commit()
    db.session:remove()
    local thing = Thing.query:one()
    costs(db, 1, function() assert.equal("x", thing.text) end)
  end)

  it("that is none is told when the mappings are configured, all together; its function's error unchanged", function()
    local db = mr.open "sqlite://"
    local function property(fn) return mr.column_property(fn) end
    db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true },
      a = property(function(cls) return cls.b end),
      b = property(function(cls) return cls.a end),
      n = property(function() return 3 end),
      none = property(function() return nil end),
      typo = property(function(cls) return cls.idd end),
    })
    local e = refuse("MappingError", { "5 mappings are wrong", "Thing.a: its expression is made of itself",
      "Thing.n: expected an SQL expression as its column_property, got number 3", "Thing.none",
      "Thing.typo: Thing has no attribute 'idd'" }, db.configure, db)
    assert.equal(e.message, support.error_of(db.configure, db).message) -- the next use says it again
    local other, problem = mr.open "sqlite://", {}
    other.Model:extend("Bad", { id = other.Column{ other.Integer, primary_key = true },
      x = property(function() error(problem) end) })
    assert.equal(problem, support.error_of(other.configure, other))
  end)
end)

describe("declared_attr", function()
  local function owned(db)
    return {
      owner_id = mr.declared_attr(function() return db.Column{ db.Integer, db.ForeignKey "user.id" } end),
      owner = mr.declared_attr(function(cls)
        return db.relationship{ "User", backref = cls.__name:lower() .. "s", foreign_keys = cls.__name .. ".owner_id" }
      end),
      __tablename = mr.declared_attr(function(cls) return "my_" .. cls.__name:lower() end),
    }
  end

  it("makes columns, relationships and names of tables for each class", function()
    local db = mr.open "sqlite://"
    local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
    local Base = db.Model:extend("Base", {
      __abstract = true, owned(db),
      id = db.Column{ db.Integer, primary_key = true },
      calls = mr.declared_attr(function(cls)
        return mr.hybrid(function(self) return self.id + #cls.__tablename end)
      end),
    })
    local Cat = Base:extend("Cat", {})
    local Dog = Base:extend("Dog", { __tablename = "hounds" })
    db:create_all()
    assert.equal("my_cat", Cat.__table.name)
    assert.equal("hounds", Dog.__table.name)
    local user = User{ dogs = { Dog{} } }
    user.cats:append(Cat{})
    db.session:add(user)
    db.session:commit()
    assert.equal(user, Cat.query:one().owner)
    assert.equal(user, Dog.query:filter(Dog.owner:has{ id = user.id }):one().owner)
    assert.equal(1 + #"my_cat", Cat.query:one().calls)
  end)

  it("is called once for each class with a table, and gets what the class has", function()
    local db = mr.open "sqlite://"
    local seen = {}
    local Mixin = {
      size = 3,
      note = mr.declared_attr(function(cls)
        seen[#seen + 1] = { cls.__name, cls.__tablename, cls.size, cls.kind, cls.missing }
        return db.Column{ db.String(cls.size) }
      end),
    }
    local Base = db.Model:extend("Base", { __abstract = true, Mixin, id = db.Column{ db.Integer, primary_key = true } })
    Base:extend("BlueThing", { kind = "blue" })
    Base:extend("Red", { __tablename = "r", size = 5 })
    assert.same({ { "BlueThing", "blue_thing", 3, "blue" }, { "Red", "r", 5 } }, seen)
  end)

  it("gives way to what the class declares itself; one may read another", function()
    local db = mr.open "sqlite://"
    local Mixin = {
      a = mr.declared_attr(function() return 1 end),
      b = mr.declared_attr(function(cls) return cls.a + 10 end),
    }
    local id = function() return db.Column{ db.Integer, primary_key = true } end
    assert.equal(11, db.Model:extend("One", { Mixin, id = id() }).b)
    assert.equal(15, db.Model:extend("Two", { Mixin, id = id(), a = 5 }).b)
  end)

  it("is refused where it is no function, reads itself, or writes the class", function()
    local db = mr.open "sqlite://"
    local function declare(name, body) return function() db.Model:extend(name, body) end end
    refuse("ArgumentError", { "declared_attr", "a function", "number 3" }, mr.declared_attr, 3)
    refuse("MappingError", { "A.x: its declared_attr is made of itself" },
      declare("A", { x = mr.declared_attr(function(cls) return cls.x end) }))
    refuse("ArgumentError", { "B: declared_attr", "'y'" },
      declare("B", { x = mr.declared_attr(function(cls) cls.y = 1 end) }))
    local problem = {}
    assert.equal(problem, support.error_of(declare("C", { x = mr.declared_attr(function() error(problem) end) })))
  end)
end)
