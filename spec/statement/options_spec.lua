-- statement:options: loader criteria of an INSERT, UPDATE or DELETE, loader options of the objects that it returns, and
-- the criteria of queries and sessions in the subqueries of what such a statement writes.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, User, Post, s, kept

local function sql_of(fn)
  local records = db:record(fn)
  return records[#records].statement
end

local function count() return mr.select(mr.func.count(Post.id)):scalar_subquery() end

local function posts_of(user)
  return mr.select(mr.func.count(Post.id)):where(Post.author_id:eq(user.id)):scalar_subquery()
end

before_each(function()
  db = mr.open "sqlite://"
  User = db.Model:extend("User", {
    id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String(20) },
    n = db.Column{ db.Integer },
    posts = db.relationship{ "Post", back_populates = "author", order_by = "Post.id" },
  })
  Post = db.Model:extend("Post", {
    id = db.Column{ db.Integer, primary_key = true }, title = db.Column{ db.String(20) },
    gone = db.Column{ db.Integer, nullable = false, default = 0 },
    author_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    author = db.relationship{ "User", back_populates = "posts" },
  })
  db:create_all()
  s = mr.Session(db.engine)
  s:add_all{ User{ name = "ann", posts = { Post{ title = "a1" }, Post{ title = "a2", gone = 1 } } },
    User{ name = "bob", posts = { Post{ title = "b1", gone = 1 } } } }
  s:commit()
  kept = mr.with_loader_criteria(Post, Post.gone:eq(0))
end)

after_each(function()
  s:close()
  db.session:remove()
end)

describe("options of a statement", function()
  it("narrow the rows that an UPDATE or DELETE of the class finds, and its objects follow", function()
    local a2 = s:query(Post):filter_by{ title = "a2" }:one()
    local update = mr.update(Post):options(kept):values{ title = "x" }
    local sql = sql_of(function() assert.equal(1, s:execute(update).rowcount) end)
    assert.equal("UPDATE post SET title=? WHERE post.gone = ?", sql)
    assert.equal("a2", a2.title)
    assert.equal(sql, tostring(update))
    assert.equal(1, s:execute(mr.delete(Post):where(Post.id:le(2)):options(kept)).rowcount)
    assert.same({ 2, 3 }, s:scalars(mr.select(Post.id):order_by(Post.id)):all())
  end)

  it("narrow the subqueries in the values, the criteria and what is returned", function()
    local update = mr.update(User):options(kept):values{ n = posts_of(User) }
    s:execute(update)
    assert.same({ 1, 0 }, s:scalars(mr.select(User.n):order_by(User.id)):all())
    local some = mr.select(Post.author_id)
    assert.equal(1, s:execute(mr.update(User):options(kept):values{ n = 5 }:where(User.id:in_(some))).rowcount)
    local rows = s:execute(mr.update(User):options(kept):values{ n = 7 }
      :returning(User.id, posts_of(User):label "posts")):all()
    assert.same({ { 1, 1 }, { 2, 0 } }, { { rows[1].id, rows[1].posts }, { rows[2].id, rows[2].posts } })
  end)

  it("narrow what an INSERT takes from a select, and the values of its conflict", function()
    local users = User.__table
    s:execute(mr.insert(users):from_select({ "name" }, mr.select(Post.title)):options(kept))
    assert.same({ "ann", "bob", "a1" }, s:scalars(mr.select(User.name):order_by(User.id)):all())
    local up = mr.insert(User):values{ id = 1, name = "new" }
      :on_conflict_do_update{ index_elements = { "id" }, set = { n = count() } }:options(kept)
    s:execute(up)
    assert.equal(1, s:scalar(mr.select(User.n):where(User.id:eq(1))))
  end)

  it("hold on a connection, in a CTE and in from_statement", function()
    local update = mr.update(Post):options(kept):values{ title = "x" }
    s:rollback()
    db.engine:begin(function(conn) assert.equal(1, conn:execute(update).rowcount) end)
    local posts = s:query(Post):from_statement(update:returning(Post)):all()
    assert.same({ 1, 1 }, { #posts, posts[1].id })
    assert.matches("WHERE post.gone = ",
      mr.select(update:returning(Post.id):cte("w").c.id):sql{ dialect = "postgresql" }, 1, true)
  end)

  it("are kept by later clauses, and leave the statement that they were given to as it is", function()
    local plain = mr.update(Post):values{ title = "x" }
    local with = plain:options(kept):options(mr.with_loader_criteria(Post, Post.id:gt(0))):where(Post.id:lt(9))
    assert.equal("UPDATE post SET title=?", tostring(plain))
    assert.equal("UPDATE post SET title=? WHERE post.id < ? AND post.gone = ? AND post.id > ?", tostring(with))
  end)

  it("load with the objects that the statement returns", function()
    for _, load in ipairs{ mr.selectinload, mr.subqueryload, mr.immediateload, mr.joinedload } do
      s:expunge_all()
      local update = mr.update(User):values{ n = 1 }:returning(User):options(load(User.posts), kept)
      local users
      local records = db:record(function()
        users = s:scalars(update):all()
        table.sort(users, function(a, b) return a.id < b.id end)
        assert.same({ 1, 0 }, { #users[1].posts, #users[2].posts })
      end)
      assert.equal(load == mr.immediateload and 3 or 2, #records)
    end
    s:expunge_all()
    local one = s:scalars(mr.insert(User):values{ name = "eve" }:returning(User)
      :options(mr.raiseload(User.posts))):one()
    refuse("InvalidRequestError", "posts", function() return one.posts end)
    local few = s:scalars(mr.update(User):values{ n = 2 }:where(User.id:eq(2)):returning(User)
      :options(mr.load_only(User.name))):one()
    assert.equal("bob", few.name)
  end)

  it("are refused where they can do nothing", function()
    local load = mr.selectinload(User.posts)
    refuse("ArgumentError", { "execute: the update has a loader option", ":returning(User)" },
      function() s:execute(mr.update(User):values{ n = 1 }:options(load)) end)
    refuse("ArgumentError", { "the delete has a loader option", ":returning(User)" },
      function() s:execute(mr.delete(User):options(load):returning(User.id)) end)
    refuse("ArgumentError", { "the insert has a loader option", "session:execute" }, function()
      db.engine:begin(function(conn) conn:execute(mr.insert(User):values{ n = 1 }:returning(User):options(load)) end)
    end)
    refuse("ArgumentError", "from_statement: the update has a loader option", function()
      return s:query(User):from_statement(mr.update(User):values{ n = 1 }:returning(User):options(load))
    end)
    refuse("ArgumentError", "cte: the update has a loader option",
      function() return mr.update(User):values{ n = 1 }:returning(User.id):options(load):cte() end)
    refuse("ArgumentError", "an update with a list of rows finds each by its key",
      function() s:execute(mr.update(User):options(kept), { { id = 1, n = 2 } }) end)
    refuse("ArgumentError", "a loader option", function() return mr.update(User):options "posts" end)
    refuse("ArgumentError", "a loader option", function() return mr.update(User):options(nil) end)
  end)

  it("of a class that is not returned are refused, as in a query of the statement", function()
    local load = mr.selectinload(Post.author)
    refuse("ArgumentError", { "Post.author", "does not apply" },
      function() s:scalars(mr.update(User):values{ n = 1 }:returning(User):options(load)):all() end)
    refuse("ArgumentError", { "Post.author", "does not apply" },
      function() return s:query(User):options(load):from_statement(mr.select(User)):all() end)
  end)
end)

describe("the criteria of a query or a session", function()
  it("reach the subqueries in the values of query:update", function()
    s:query(User):options(kept):update({ n = posts_of(User) }, { synchronize_session = false })
    assert.same({ 1, 0 }, s:scalars(mr.select(User.n):order_by(User.id)):all())
  end)

  it("of a session reach those of all that it writes", function()
    local own <close> = mr.Session(db.engine, { criteria = { kept } })
    local function counts() return own:scalars(mr.select(User.n):order_by(User.id)):all() end
    own:execute(mr.update(User):values{ n = posts_of(User) })
    assert.same({ 1, 0 }, counts())
    own:execute(mr.update(User.__table):values{ n = posts_of(User) + 10 })
    assert.same({ 11, 10 }, counts())
    own:query(User):update{ n = posts_of(User) + 20 }
    assert.same({ 21, 20 }, counts())
    own:execute(mr.insert(User):values{ name = "n", n = count() })
    own:execute(mr.insert(User), { name = "m", n = count() })
    own:execute(mr.insert(User), { { name = "r1", n = count() }, { name = "r2", n = 3 } })
    own:execute(mr.insert(User):returning(User.id), {
      { name = "q1", n = count() },
      { name = "q2", n = mr.select(mr.func.max(Post.id)):scalar_subquery() } })
    assert.same({ 21, 20, 1, 1, 1, 3, 1, 1 }, counts())
    own:execute(mr.update(User.__table):values{ n = 0 }:where(User.id:in_(mr.select(Post.author_id))))
    assert.same({ 0, 20, 1, 1, 1, 3, 1, 1 }, counts())
    own:execute(mr.insert(User.__table):from_select({ "name" }, mr.select(Post.title)))
    assert.equal(9, own:query(User):count())
    own:rollback()
  end)

  it("narrow a subquery of rows that a row of another class belongs to", function()
    local own <close> = mr.Session(db.engine, { criteria = { kept } })
    own:execute(mr.update(User):values{ n = mr.case{ { User.posts:any(), 1 }, else_ = 0 } })
    assert.same({ 1, 0 }, own:scalars(mr.select(User.n):order_by(User.id)):all())
    own:rollback()
  end)
end)
