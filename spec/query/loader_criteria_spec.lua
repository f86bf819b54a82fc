-- with_loader_criteria: a criterion for the rows of a class wherever a query reads them, and for all queries of a
-- session.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, User, Post, Tag, Soft, s

local function live(class) return class.deleted:eq(false) end

local function option(options) return mr.with_loader_criteria(Soft, live, options) end

local function titles(list, name)
  local words = {}
  for i, object in ipairs(list) do words[i] = object[name or "title"] end
  table.sort(words)
  return table.concat(words, " ")
end

before_each(function()
  db = mr.open "sqlite://"
  Soft = { deleted = db.Column{ db.Boolean, nullable = false, default = false } }
  local link = db.Table("post_tag", db.Column{ "post_id", db.Integer, db.ForeignKey "post.id", primary_key = true },
    db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id", primary_key = true })
  User = db.Model:extend("User", {
    Soft, id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String(20) },
    boss_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    posts = db.relationship{ "Post", back_populates = "author", order_by = "Post.id" },
    staff = db.relationship{ "User", back_populates = "boss" },
    boss = db.relationship{ "User", back_populates = "staff", remote_side = "User.id" },
  })
  Post = db.Model:extend("Post", {
    Soft, id = db.Column{ db.Integer, primary_key = true }, title = db.Column{ db.String(20) },
    author_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    author = db.relationship{ "User", back_populates = "posts" },
    tags = db.relationship{ "Tag", secondary = link, back_populates = "posts" },
  })
  Tag = db.Model:extend("Tag", {
    Soft, id = db.Column{ db.Integer, primary_key = true }, word = db.Column{ db.String(20) },
    posts = db.relationship{ "Post", secondary = link, back_populates = "tags" },
  })
  db:create_all()
  local new, old = Tag{ word = "new" }, Tag{ word = "old", deleted = true }
  local ann, bob = User{ name = "ann" }, User{ name = "bob", deleted = true, boss = nil }
  ann.posts = { Post{ title = "a1", tags = { new, old } }, Post{ title = "a2", deleted = true, tags = { new } } }
  bob.posts = { Post{ title = "b1", tags = { old } } }
  bob.boss = ann
  local eve = User{ name = "eve", boss = bob }
  eve.posts = { Post{ title = "e1", deleted = true } }
  db.session:add_all{ ann, bob, eve }
  db.session:commit()
  s = mr.Session(db.engine)
end)

after_each(function()
  s:close()
  db.session:remove()
end)

describe("with_loader_criteria", function()
  it("is a criterion of the class that the query is over", function()
    local q = s:query(User):options(mr.with_loader_criteria(User, User.name:ne "eve")):order_by(User.name)
    assert.equal("ann bob", titles(q:all(), "name"))
    assert.has.match("WHERE user.name != %?", tostring(q))
    assert.equal(2, q:count())
  end)

  it("stands behind the query's own criteria, once, however often it is given", function()
    local only = mr.with_loader_criteria(User, User.name:ne "eve")
    local q = s:query(User.id):filter(User.id:gt(0)):options(only, only)
    assert.equal("SELECT user.id AS user_id FROM user WHERE user.id > ? AND user.name != ?", tostring(q))
  end)

  it("narrows a query of columns, a select, and an exists, too", function()
    assert.same({ "ann", "eve" }, s:scalars(mr.select(User.name):options(option()):order_by(User.name)):all())
    assert.equal(2, s:query(mr.func.count(User.id)):options(option()):scalar())
    assert.is_false(s:query(s:query(User):filter(User.name:eq "bob"):options(option()):exists()):scalar())
  end)

  it("narrows each class that comes from a mixin, also one that was declared after the option was made", function()
    local given = option()
    local Late = db.Model:extend("Late", { Soft, id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    s:add_all{ Late{}, Late{ deleted = true } }
    s:flush()
    assert.equal(1, s:query(Late):options(given):count())
    assert.equal(2, s:query(Late):count())
  end)

  it("narrows a join in its ON, so that an outer join drops no row", function()
    local rows = s:query(User.name, Post.title):outerjoin(User.posts):options(option()):order_by(User.name):all()
    local seen = {}
    for i, row in ipairs(rows) do seen[i] = row[1] .. "=" .. tostring(row[2]) end
    assert.same({ "ann=a1", "eve=nil" }, seen)
    assert.equal(1, s:query(User):join(User.posts):options(option()):count())
  end)

  for _, strategy in ipairs{ "joinedload", "selectinload", "subqueryload", "immediateload", "lazyload" } do
    it("narrows what " .. strategy .. " loads", function()
      local users = s:query(User):options(mr[strategy](User.posts), option()):order_by(User.id):all()
      assert.equal("ann eve", titles(users, "name"))
      assert.equal("a1", titles(users[1].posts))
      assert.equal("", titles(users[2].posts))
    end)

    it("narrows it under a limit, and through a link table: " .. strategy, function()
      local posts = s:query(Post):options(mr[strategy](Post.tags), option()):order_by(Post.id):limit(3):all()
      assert.equal("a1 b1", titles(posts))
      assert.equal("new", titles(posts[1].tags, "word"))
      assert.equal("", titles(posts[2].tags, "word"))
    end)

    it("narrows a reference that needs a statement: " .. strategy, function()
      local post = s:query(Post):options(mr[strategy](Post.author), option()):filter(Post.title:eq "b1"):one()
      assert.is_nil(post.author)
    end)
  end

  it("leaves a reference that is in memory, as get does", function()
    local bob = s:query(User):filter(User.name:eq "bob"):one()
    local post = s:query(Post):options(option()):filter(Post.title:eq "b1"):one()
    assert.equal(bob, post.author)
    assert.equal(bob, s:get(User, 2, { options = { option() } }))
    s:expunge_all()
    assert.is_nil(s:get(User, 2, { options = { option() } }))
    assert.is_truthy(s:get(User, 2))
  end)

  it("does not narrow what an expired object reads of itself", function()
    local ann = s:query(User):options(option()):filter(User.name:eq "ann"):one()
    s:execute(mr.update(User):where(User.id:eq(ann.id)):values{ deleted = true }, {}, { synchronize_session = false })
    s:expire(ann)
    assert.is_true(ann.deleted)
    s:refresh(ann)
    assert.equal("ann", ann.name)
  end)

  it("goes on to what objects load later, unless propagate_to_loaders is false", function()
    local ann = s:query(User):options(option()):filter(User.name:eq "ann"):one()
    assert.equal("a1", titles(ann.posts))
    assert.equal("new", titles(ann.posts[1].tags, "word"))
    s:expunge_all()
    ann = s:query(User):options(option{ propagate_to_loaders = false }):filter(User.name:eq "ann"):one()
    assert.equal("a1 a2", titles(ann.posts))
  end)

  it("has objects keep the values of their own query, not those of one like it", function()
    local function users(word)
      local posts = mr.with_loader_criteria(Post, Post.title:ne(word))
      return s:query(User):options(posts):filter(User.name:eq "ann"):one()
    end
    assert.equal("a2", titles(users("a1").posts))
    s:expunge_all()
    assert.equal("a1", titles(users("a2").posts))
    s:expunge_all()
    assert.equal("a1 a2", titles(users("x").posts))
    s:expunge_all()
    assert.equal("a1 a2", titles(s:query(User):filter(User.name:eq "ann"):one().posts))
  end)

  it("leaves out aliases of the program, unless include_aliases says so", function()
    local u = mr.aliased(User)
    local function q(options) return s:query(u.name):options(option(options)):order_by(u.name) end
    assert.equal(3, #q():all())
    assert.equal(2, #q{ include_aliases = true }:all())
    local pairs_of = s:query(User):join(User.boss:of_type(u)):options(option{ include_aliases = true })
    assert.equal(0, pairs_of:count())
    assert.equal(1, s:query(User):join(User.boss:of_type(u)):options(option()):count())
  end)

  it("narrows any() and has(), and subqueries in criteria and in FROM", function()
    assert.equal("ann", titles(s:query(User):options(option()):filter(User.posts:any()):all(), "name"))
    assert.equal("a1", titles(s:query(Post):options(option()):filter(Post.author:has()):all()))
    assert.equal("", titles(s:query(User):options(option()):filter(User.boss:has()):all(), "name"))
    local authors = s:query(Post.author_id)
    assert.equal("ann", titles(s:query(User):options(option()):filter(User.id:in_(authors)):all(), "name"))
    local sub = s:query(Post.author_id, Post.title):subquery()
    local joined = s:query(User.name, sub.c.title):join(sub, sub.c.author_id:eq(User.id)):options(option())
    assert.same({ "ann", "a1" }, { joined:one():unpack() })
    assert.equal(4, s:query(sub.c.title):count())
    assert.equal(2, s:query(sub.c.title):options(option()):count())
  end)

  it("narrows both sides of a union", function()
    local q = s:query(User):filter(User.name:eq "ann"):union(s:query(User):filter(User.name:eq "bob"))
    assert.equal("ann bob", titles(q:all(), "name"))
    assert.equal("ann", titles(q:options(option()):all(), "name"))
  end)

  it("narrows update and delete of a query", function()
    assert.equal(2, s:query(User):options(option()):update{ name = "x" })
    assert.equal(2, s:query(Tag):options(mr.with_loader_criteria(Tag, Tag.word:ne "x")):update{ word = "y" })
    local Note = db.Model:extend("Note", { Soft, id = db.Column{ db.Integer, primary_key = true } })
    db.session:remove()
    s:commit()
    db:create_all()
    s:add_all{ Note{}, Note{ deleted = true } }
    assert.equal(1, s:query(Note):options(option()):delete())
    assert.equal(1, s:query(Note):count())
  end)

  it("is a part of the plan: the same query with and without it, and with other values", function()
    local function names(...) return titles(s:query(User):options(...):all(), "name") end
    for _ = 1, 3 do
      assert.equal("ann bob eve", titles(s:query(User):all(), "name"))
      assert.equal("ann eve", names(option()))
      assert.equal("bob", names(mr.with_loader_criteria(User, User.deleted:eq(true))))
      for _, name in ipairs{ "ann", "bob", "eve" } do
        assert.equal(name, names(mr.with_loader_criteria(User, User.name:eq(name))))
      end
    end
  end)

  it("holds for a compiled query", function()
    local q = s:query(User):filter(User.name:eq(mr.bindparam "name")):options(option()):compiled()
    assert.equal("ann", q:one{ name = "ann" }.name)
    assert.is_nil(q:first{ name = "bob" })
  end)

  it("takes a criterion with a subquery of its own, which it does not narrow", function()
    local q = s:query(User):options(mr.with_loader_criteria(User,
      User.id:in_(mr.select(Post.author_id):where(Post.deleted:eq(true)))), option())
    assert.equal("ann eve", titles(q:all(), "name"))
  end)

  it("refuses what is no class and no criterion", function()
    refuse("ArgumentError", "a class, or a base or mixin",
      function() mr.with_loader_criteria("User", User.deleted:eq(false)) end)
    refuse("ArgumentError", "with_loader_criteria",
      function() mr.with_loader_criteria(User, nil) end)
    refuse("ArgumentError", "with_loader_criteria",
      function() mr.with_loader_criteria(User, true) end)
    refuse("ArgumentError", "a function that is given each class",
      function() mr.with_loader_criteria(Soft, User.deleted:eq(false)) end)
    refuse("ArgumentError", "what the function gives for User",
      function() mr.with_loader_criteria(User, function() end) end)
    refuse("ArgumentError", "include_aliases",
      function() mr.with_loader_criteria(User, live, { aliases = true }) end)
    refuse("ArgumentError", "true or false",
      function() mr.with_loader_criteria(User, live, { include_aliases = 1 }) end)
  end)

  it("raises the error of its function as it is, and the query stays good", function()
    local bad = mr.with_loader_criteria(Soft, function() error "mine" end)
    local q = s:query(User)
    local ok, e = pcall(q.options, q, bad)
    assert.is_false(ok)
    assert.has.match("mine", tostring(e))
    assert.equal(3, q:count())
  end)
end)

describe("with_loader_criteria of classes that inherit", function()
  local Person, Boss, Clerk

  before_each(function()
    Person = db.Model:extend("Person", {
      id = db.Column{ db.Integer, primary_key = true }, kind = db.Column{ db.String(9) },
      name = db.Column{ db.String(9) }, gone = db.Column{ db.Boolean, default = false },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "person" },
    })
    Boss = Person:extend("Boss", { __mapper_args = { polymorphic_identity = "boss" } })
    Clerk = Person:extend("Clerk", {
      __tablename = "clerk", id = db.Column{ db.Integer, db.ForeignKey "person.id", primary_key = true },
      desk = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "clerk" },
    })
    db:create_all()
    s:add_all{ Person{ name = "p" }, Boss{ name = "b" }, Boss{ name = "bg", gone = true },
      Clerk{ name = "c", desk = 1 }, Clerk{ name = "cg", gone = true, desk = 2 } }
    s:flush()
  end)

  it("holds for subclasses, in one table and in two", function()
    local here = mr.with_loader_criteria(Person, Person.gone:eq(false))
    assert.equal("b c p", titles(s:query(Person):options(here):all(), "name"))
    assert.equal("b", titles(s:query(Boss):options(here):all(), "name"))
    assert.equal("c", titles(s:query(Clerk):options(here):all(), "name"))
    assert.equal(1, s:query(Clerk):options(here):count())
    assert.same({ 1 }, s:scalars(mr.select(Clerk.desk):select_from(Clerk):options(here)):all())
    local c = mr.aliased(Clerk)
    local all = mr.with_loader_criteria(Person, Person.gone:eq(false), { include_aliases = true })
    assert.equal("c", titles(s:query(c):options(all):all(), "name"))
  end)

  it("of a subclass does not hold for its base", function()
    local desks = mr.with_loader_criteria(Clerk, Clerk.desk:gt(1))
    assert.equal("cg", titles(s:query(Clerk):options(desks):all(), "name"))
    assert.equal(5, s:query(Person):options(desks):count())
  end)
end)

describe("the criteria of a session", function()
  local function open(...) return mr.Session(db.engine, { criteria = { ... } }) end

  it("hold for all that it reads", function()
    local own <close> = open(option())
    assert.equal("ann eve", titles(own:query(User):all(), "name"))
    assert.equal(2, own:query(User):count())
    assert.is_nil(own:get(User, 2))
    assert.is_nil(own:query(User):filter_by{ name = "bob" }:first())
    assert.equal("a1", titles(own:get(User, 1).posts))
    assert.same({ "ann", "eve" }, own:scalars(mr.select(User.name):order_by(User.name)):all())
    assert.equal(2, own:query(User):update{ name = "x" })
    own:rollback()
    assert.equal(3, s:query(User):count())
  end)

  it("hold for mr.update and mr.delete of a class, whose objects follow, and not for those of a table", function()
    local own <close> = open(option())
    local ann, bob = own:get(User, 1), s:get(User, 2)
    local update = mr.update(User):values{ name = User.name .. "!" }
    local records = db:record(function() assert.equal(2, own:execute(update).rowcount) end)
    local sql = records[#records].statement
    assert.matches("UPDATE user SET name=(user.name || ?) WHERE user.deleted IN (", sql, 1, true)
    assert.equal("ann!", ann.name)
    assert.equal(1, own:execute(update:where(User.id:in_{ 2, 3 }), nil, { synchronize_session = "fetch" }).rowcount)
    assert.equal(1, own:execute(mr.update(Post):values{ title = "z" }:where(Post.author_id:eq(User.id))).rowcount)
    local few = mr.select(Tag.id):cte "few"
    assert.same({ 1 }, own:scalars(mr.update(Tag):values{ word = "w" }:add_cte(few):returning(Tag.id)):all())
    assert.same({}, own:scalars(mr.delete(Post):where(Post.id:eq(2)):returning(Post.id)):all())
    assert.equal(0, own:query(Post):filter(Post.id:eq(2)):delete())
    assert.equal(3, own:execute(mr.update(User.__table):values{ boss_id = mr.null }).rowcount)
    own:rollback()
    assert.equal("bob", bob.name)
    assert.equal(3, s:execute(update).rowcount)
  end)

  it("hold for mr.update of a class in a table with others, beside what tells these apart", function()
    local Pet = db.Model:extend("Pet", {
      Soft, id = db.Column{ db.Integer, primary_key = true }, kind = db.Column{ db.String(9) },
      n = db.Column{ db.Integer, default = 0 },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "pet" },
    })
    local Cat = Pet:extend("Cat", { __mapper_args = { polymorphic_identity = "cat" } })
    db:create_all()
    local own <close> = open(option())
    own:add_all{ Pet{}, Cat{}, Cat{ deleted = true } }
    own:flush()
    local few = mr.select(Pet.id):cte "few"
    for class, n in pairs{ [Pet] = 2, [Cat] = 1 } do
      assert.equal(n, own:execute(mr.update(class):values{ n = 1 }:add_cte(few)).rowcount)
      assert.equal(n, own:execute(mr.update(class):values{ n = 2 }:where(class.id:in_(mr.select(few.c.id)))).rowcount)
    end
    assert.equal(1, own:execute(mr.delete(Cat):add_cte(few)).rowcount)
    assert.equal(1, own:execute(mr.delete(Pet)).rowcount)
    assert.equal(1, own:execute(mr.delete(Pet.__table)).rowcount)
  end)

  it("hold for db.session, and for classes that are declared later", function()
    local other
    local mixin = {}
    other = mr.open("sqlite://", { session_options = { criteria = {
      mr.with_loader_criteria(mixin, function(class) return class.id:gt(1) end) } } })
    mixin.id = other.Column{ other.Integer, primary_key = true }
    local First = other.Model:extend("First", { mixin })
    other:create_all()
    other.session:add_all{ First{}, First{}, First{} }
    other.session:flush()
    assert.equal(2, First.query:count())
    local Second = other.Model:extend("Second", { mixin })
    other.session:commit()
    other:create_all()
    other.session:add_all{ Second{}, Second{} }
    other.session:flush()
    assert.equal(1, Second.query:count())
    assert.is_nil(Second.query:get(1) and Second.query:populate_existing():get(1))
    other.session:remove()
  end)

  it("hold for what is loaded in batches", function()
    local own <close> = mr.Session(db.engine, { criteria = { option() }, lazy = "batch" })
    local users = own:query(User):order_by(User.id):all()
    assert.equal("a1", titles(users[1].posts))
    assert.equal("", titles(users[2].posts))
  end)

  it("are a list of with_loader_criteria", function()
    refuse("ArgumentError", "a list of with_loader_criteria",
      function() mr.Session(db.engine, { criteria = option() }) end)
    refuse("ArgumentError", "a list of with_loader_criteria",
      function() mr.Session(db.engine, { criteria = { "x" } }) end)
    refuse("ArgumentError", "a list of with_loader_criteria",
      function() mr.sessionmaker{ criteria = 1 } end)
  end)
end)
