-- Arguments and options without a meaning are refused at once, by their names: nothing is ignored, and nothing fails
-- later.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, s, User

before_each(function()
  db = mr.open "sqlite://"
  User = db.Model:extend("User", {
    __tablename = "user",
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40) },
    about = db.Column{ db.Text, deferred_group = "texts" },
    posts = db.relationship("Post", { backref = "author" }),
  })
  db.Model:extend("Post", {
    __tablename = "post",
    id = db.Column{ db.Integer, primary_key = true },
    user_id = db.Column{ db.ForeignKey "user.id" },
    body = db.Column{ db.Text, deferred_group = "bodies" },
  })
  db:create_all()
  s = db.session()
  s:add(User{ id = 1, name = "ann" })
  s:commit()
end)

describe("options of schema, engine and sessions", function()
  it("of another type are refused when they are given", function()
    refuse("ArgumentError", { "server_default", "number 5" }, db.Column, { db.Integer, server_default = 5 })
    refuse("ArgumentError", { "server_default", "true" }, db.Column, { db.Integer, server_default = true })
    refuse("ArgumentError", { "query_class", "number 5" }, mr.open, "sqlite://", { query_class = 5 })
    refuse("ArgumentError", { "query_class", "number 5" }, mr.Database, { query_class = 5 })
    refuse("ArgumentError", { "query_class", "number 5" }, db.session.query_property, db.session, 5)
    refuse("ArgumentError", { "statement_cache", "1 to 100000" }, mr.create_engine, "sqlite://", {
      statement_cache = 0 })
    refuse("ArgumentError", { "busy_timeout" }, mr.create_engine, "sqlite://", { busy_timeout = -2 })
    refuse("ArgumentError", { "trace", '"x"' }, mr.memory, { trace = "x" })
    refuse("ArgumentError", { "trace", "-1" }, mr.memory, { trace = -1 })
    refuse("ArgumentError", { "memory" }, mr.memory, 5)
    refuse("ArgumentError", { "bind", "an Engine" }, mr.Session, db.engine, { bind = 5 })
    refuse("ArgumentError", { "bind", "two engines" }, mr.Session, db.engine, { bind = mr.create_engine "sqlite://" })
    refuse("ArgumentError", { "bind", "an Engine" }, mr.Session, User)
    for _, what in ipairs{ "sessionmaker" } do
      refuse("ArgumentError", { what, "bind", "number 5" }, mr[what], 5)
      refuse("ArgumentError", { what, "bind", "number 5" }, mr[what], { bind = 5 })
      refuse("ArgumentError", { what, "autoflush", '"x"' }, mr[what], { autoflush = "x" })
      refuse("ArgumentError", { what, "class_", "number 5" }, mr[what], { class_ = 5 })
      refuse("ArgumentError", { what, "info", "number 5" }, mr[what], { info = 5 })
    end
    local maker = mr.sessionmaker()
    refuse("ArgumentError", { "bind", "number 5" }, maker.configure, maker, { bind = 5 })
    assert.equal("ann", mr.Session(db.engine, { bind = db.engine }):get(User, 1).name)
  end)

  it("statement_cache keeps as many as it says", function()
    local engine = mr.create_engine("sqlite://", { statement_cache = 1 })
    local connection <close> = engine:connect()
    for _ = 1, 2 do
      assert.equal(1, connection:execute(mr.text "SELECT 1"):scalar())
      assert.equal(2, connection:execute(mr.text "SELECT 2"):scalar())
    end
  end)
end)

describe("arguments of the session", function()
  it("beyond those that a method takes are refused", function()
    local a, b = User{ name = "a" }, User{ name = "b" }
    refuse("ArgumentError", { "add", "add_all" }, s.add, s, a, b)
    assert.equal(0, #s.new)
    for _, name in ipairs{ "delete", "expunge", "contains" } do
      refuse("ArgumentError", { name, "one argument", "got 2" }, s[name], s, a, b)
    end
    refuse("ArgumentError", { "add_all", "one list" }, s.add_all, s, { a }, b)
    refuse("ArgumentError", { "expire", "one list" }, s.expire, s, a, "id", "name")
    refuse("ArgumentError", { "refresh", "one list" }, s.refresh, s, a, "id", "name")
    refuse("ArgumentError", "merge", s.merge, s, a, b)
    refuse("ArgumentError", "rollback takes no argument", s.rollback, s, a)
    refuse("ArgumentError", "expire_all", s.expire_all, s, a)
    refuse("ArgumentError", "expunge_all", s.expunge_all, s, a)
    refuse("ArgumentError", { "get", "one list" }, s.get, s, User, 1, 2)
    refuse("ArgumentError", { "get", "one list" }, s.get, s, User, 1, {}, 2)
    refuse("ArgumentError", { "get: options", "number 5" }, s.get, s, User, 1, { options = 5 })
    refuse("ArgumentError", { "retry: sleep", '"x"' }, s.retry, s, print, { sleep = "x" })
    refuse("ArgumentError", { "retry: times", "1.5" }, s.retry, s, print, { times = 1.5 })
  end)

  it("a key by names has the key's names", function()
    refuse("ArgumentError", { "get(User)", "'idd'", "did you mean 'id'?" }, s.get, s, User, { idd = 1 })
    refuse("ArgumentError", { "get(User)", "'name'", "primary key" }, s.get, s, User, { id = 1, name = "ann" })
    refuse("ArgumentError", { "get(User)", "'frob'" }, s.get, s, User, { frob = 1 })
    assert.equal("ann", s:get(User, { id = 1 }).name)
    local q = s:query(User)
    refuse("ArgumentError", { "get(User)", "'idd'", "did you mean 'id'?" }, q.get, q, { idd = 1 })
    refuse("ArgumentError", { "get(User)", "'name'", "primary key" }, q.get, q, { id = 1, name = "ann" })
    refuse("ArgumentError", { "get", "one list" }, q.get, q, 1, 2)
    assert.equal("ann", q:get{ id = 1 }.name)
  end)

  it("nil is no function of a block, and without one the block is a value", function()
    for _, name in ipairs{ "begin", "begin_nested", "no_autoflush" } do
      refuse("ArgumentError", { name, "got nil", "is the variable set?" }, s[name], s, nil)
    end
    refuse("ArgumentError", { "begin", "got nil", "begin{ mode" }, s.begin, s, nil, { mode = "immediate" })
    refuse("ArgumentError", { "begin", "got nil" }, db.engine.begin, db.engine, nil)
    assert.is_false(s:in_transaction())
    local block = s:begin{ mode = "immediate" }
    assert.is_true(s:in_transaction())
    block:rollback()
  end)
end)

describe("arguments of a query's methods", function()
  it("beyond those that they take are refused", function()
    local q = s:query(User)
    for _, name in ipairs{ "all", "first", "one", "one_or_none", "scalar", "count", "iter" } do
      refuse("ArgumentError", { name, "no argument", "got 1" }, q[name], q, User.id:eq(1))
    end
    refuse("ArgumentError", { "limit", "one argument", "offset" }, q.limit, q, 1, 2)
    refuse("ArgumentError", { "offset", "one argument" }, q.offset, q, 1, 2)
    assert.equal("ann", q:limit(1):first().name)
    assert.equal(1, q:count())
  end)
end)

describe("arguments of expressions and results", function()
  it("are refused where they mean nothing", function()
    for _, name in ipairs{ "is_", "is_not" } do
      refuse("ArgumentError", { name, "number 5", ":eq" }, User.id[name], User.id, 5)
      refuse("ArgumentError", { name, '"x"' }, User.id[name], User.id, "x")
    end
    local sum = mr.func.sum(User.id)
    refuse("ArgumentError", { "over", "rows and range" }, sum.over, sum, { rows = { 1, 2 }, range = { 1, 2 } })
    assert.equal("sum(user.id) OVER (RANGE BETWEEN CURRENT ROW AND 2 FOLLOWING)", tostring(sum:over{ range = { 0,
      2 } }))
    assert.equal("sum(user.id) OVER (ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING)", tostring(sum:over{ rows = { 0, 2 } }))
    refuse("ArgumentError", { "bindparam", "3 arguments" }, mr.bindparam, "x", db.Integer, 5)
    refuse("ArgumentError", { "bindparam", "a type", "number 5" }, mr.bindparam, "x", 5)
  end)

  it("a column of a result that it does not have is refused at once", function()
    refuse("ArgumentError", { "scalars", "1 column,", "not 2" },
      function() s:execute(mr.select(User.id)):scalars(2) end)
    refuse("ArgumentError", { "scalars", "1 column,", "not 2" },
      function() s:execute(mr.text "SELECT 1 WHERE 0"):scalars(2) end)
    refuse("ArgumentError", { "scalars", '"x"' }, function() s:execute(mr.select(User.id)):scalars "x" end)
    assert.same({ "ann" }, s:execute(mr.select(User.id, User.name)):scalars(2):all())
    assert.same({ "ann" }, s:execute(mr.text "SELECT id, name FROM user"):scalars(2):all())
  end)
end)

describe("a loader option", function()
  it("whose path does not exist is refused, also where it is a path alone", function()
    local function load(option) return s:query(User):options(option):all() end
    refuse("ArgumentError", { "'nope'", "User" }, load, mr.defaultload "nope")
    refuse("ArgumentError", { "'nope'", "Post" }, load, mr.defaultload "posts.nope")
    refuse("ArgumentError", { "'nope'", "Post" }, load, mr.defaultload(User.posts):defaultload "nope")
    refuse("ArgumentError", { "User.name", "not a relationship" }, load, mr.defaultload "name")
    assert.equal(1, #load(mr.defaultload "posts"))
    assert.equal(1, #load(mr.defaultload(User.posts)))
  end)

  it("for a group that no column has is refused", function()
    local function load(option) return s:query(User):options(option):all() end
    refuse("ArgumentError", { "undefer_group", "'nope'", "User" }, load, mr.undefer_group "nope")
    refuse("ArgumentError", { "undefer_group", "'bodies'", "User" }, load, mr.undefer_group "bodies")
    refuse("ArgumentError", { "undefer_group", "'texts'", "Post" }, load,
      mr.defaultload(User.posts):undefer_group "texts")
    refuse("ArgumentError", { "undefer_group", "one group" }, mr.undefer_group, "texts", "more")
    assert.equal(1, #load(mr.undefer_group "texts"))
    assert.equal(1, #load(mr.selectinload(User.posts):undefer_group "bodies"))
    assert.equal(1, #load(mr.defaultload "posts":undefer_group "bodies"))
  end)
end)

describe("a collection's methods", function()
  it("refuse what is no list, no position, no object, by an error object", function()
    local posts = User{}.posts
    for _, value in ipairs{ 5, "abc", true, User{} } do
      refuse("ArgumentError", { "User.posts:extend", "a list" }, posts.extend, posts, value)
    end
    refuse("ArgumentError", { "User.posts:extend", "nil" }, posts.extend, posts)
    refuse("ArgumentError", { "User.posts:insert", '"x"' }, posts.insert, posts, "x", User{})
    refuse("ArgumentError", { "User.posts", "Post", "got nil" }, posts.insert, posts, 1)
    refuse("ArgumentError", { "User.posts", "Post", "got nil" }, posts.append, posts)
    refuse("ArgumentError", { "User.posts", "Post", "got nil" }, posts.remove, posts)
    assert.equal(0, #posts)
  end)
end)

describe("a session whose transaction is dead", function()
  it("refuses what changes or reads, and answers what only asks, until its rollback", function()
    local ann = s:get(User, 1)
    s:add(User{ id = 1, name = "twin" })
    pcall(s.flush, s)
    for name, arguments in pairs{
      add = { User{} }, delete = { ann }, expunge = { ann }, expunge_all = {}, expire = { ann }, expire_all = {},
      merge = { ann },
      refresh = { ann }, flush = {}, commit = {}, get = { User, 2 }, execute = { mr.text "SELECT 1" },
      begin_nested = {},
    } do
      refuse("PendingRollbackError", "rollback()", s[name], s, table.unpack(arguments))
    end
    assert.is_boolean(s:is_modified(ann))
    assert.is_true(s:contains(ann))
    assert.is_table(s.new)
    assert.is_true(s:in_transaction())
    s:rollback()
    s:expire_all()
    s:expunge_all()
    assert.equal("ann", s:get(User, 1).name)
  end)
end)

describe("a version", function()
  local Doc

  local function declare(generator)
    Doc = db.Model:extend("Doc", {
      __tablename = "doc",
      id = db.Column{ db.Integer, primary_key = true },
      text = db.Column{ db.Text },
      version = db.Column{ db.Integer },
      __mapper_args = { version_id_col = "version", version_id_generator = generator },
    })
    db:create_all()
  end

  local function stored() return s:execute(mr.text "SELECT count(*) FROM doc WHERE version IS NULL"):scalar() end

  it("is never written as NULL, whoever writes it", function()
    declare()
    s:execute(mr.insert(Doc), { { id = 1, text = "a" }, { id = 2, text = "b" } })
    local words = { "Doc.version", "NULL" }
    refuse("InvalidRequestError", words, function() return mr.insert(Doc):values{ id = 3, version = mr.null } end)
    refuse("InvalidRequestError", words, function() return mr.insert(Doc):values{ { id = 3, version = 1 }, { id = 4,
      version = mr.null } } end)
    refuse("InvalidRequestError", words, function() return mr.insert(Doc):values{ id = 3,
      version = mr.literal(mr.null) } end)
    refuse("InvalidRequestError", words, s.execute, s, mr.insert(Doc), { id = 3, version = mr.null })
    refuse("InvalidRequestError", words, s.execute, s, mr.insert(Doc), { { id = 3, version = 1 }, { id = 4,
      version = mr.null } })
    refuse("InvalidRequestError", words, function() return mr.update(Doc):values{ version = mr.null } end)
    refuse("InvalidRequestError", words, s.import, s, Doc, { { id = 3, version = mr.null } })
    local q = s:query(Doc)
    refuse("InvalidRequestError", words, q.update, q, { version = mr.null })
    assert.equal(0, stored())
    assert.equal(2, q:count())
    assert.equal(1, s:get(Doc, 1).version)
  end)

  it("is not made NULL by a generator that gives nil", function()
    local value = 1
    declare(function() return value end)
    s:add(Doc{ id = 1, text = "a" })
    s:commit()
    value = nil
    local words = { "version_id_generator", "Doc.version", "NULL" }
    s:get(Doc, 1).text = "b"
    refuse("InvalidRequestError", words, s.flush, s)
    s:rollback()
    refuse("InvalidRequestError", words, s.execute, s, mr.insert(Doc), { id = 2 })
    s:rollback()
    refuse("InvalidRequestError", words, s.execute, s, mr.insert(Doc), { { id = 2 }, { id = 3 } })
    s:rollback()
    refuse("InvalidRequestError", words, s.execute, s, mr.update(Doc), { { id = 1, text = "c", version = 1 }, {
      id = 1, text = "d", version = 1 } })
    s:rollback()
    assert.equal(0, stored())
    value = 5
    s:get(Doc, 1).text = "b"
    s:commit()
    assert.equal(5, s:get(Doc, 1).version)
  end)
end)

describe("FOR UPDATE", function()
  it("is nothing that SQLite has: the query is the same", function()
    local q = s:query(User.id)
    assert.equal(tostring(q), tostring(q:with_for_update{ nowait = true }))
    assert.equal(1, q:with_for_update{ nowait = true }:count())
  end)
end)
