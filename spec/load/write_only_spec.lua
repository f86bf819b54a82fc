-- lazy = "write_only": a collection that is changed, and read by statements only.
--
-- What of SQLAlchemy's test/orm/test_dynamic.py (its classes WriteOnly...) is restated here (its test: ours):
--   test_iteration_error: "is not iterated, and names the cure"
--   test_order_by, test_configured_order_by: "selects in the order of the relationship"
--   test_persistence: "writes what is added and removed"
--   test_collection_set, test_replace_transient, test_replace_persistent: "is assigned to a new object only"
--   test_noload_add, test_noload_remove: "loads nothing to add or remove"
--   test_rollback: "forgets with a rollback"
--   test_merge_persistent: "is merged where nothing must be loaded"
--   test_passive_deletes_required: "keeps its parent from being deleted"
--   test_passive_deletes_succeed: "lets the database delete or clear its rows"
--   test_remove_orphans: "deletes orphans"
--   test_bulk_insert: "inserts rows that belong to the object"
--   test_bulk_update: "updates the rows of the object"
--   test_bulk_delete: "deletes the rows of the object"
--   test_add_persistent, test_remove_persistent (WriteOnlyHistoryTest): "has a history, without a statement"

local mr = require "moonrow"
local queried = require "spec.support.queried"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local m, db, User, Post, Tag

local function models(options, ondelete)
  m = queried.open(queried.with({ lazy = "write_only" }, options), { lazy = "write_only", passive_deletes = true },
    ondelete)
  db, User, Post, Tag = m.db, m.User, m.Post, m.Tag
  db:create_all()
end

local function user_with(...) return queried.user_with(m, ...) end

local function titles(user) return support.words(db.session:scalars(user.posts:select()):all(), "title") end

describe('lazy = "write_only"', function()
  before_each(function() models() end)

  it("is not iterated, and names the cure", function()
    local user = user_with("a", "b")
    for _, fn in ipairs{ function() return #user.posts end, function() return user.posts[1] end,
      function() pairs(user.posts) end, function() user.posts() end } do
      refuse("InvalidRequestError", 'lazy = "write_only" is not iterated: session:scalars(object.posts:select())', fn)
    end
    for _, name in ipairs{ "all", "count", "filter", "append_all" } do
      refuse("ArgumentError", ("has no method '%s'"):format(name), function() return user.posts[name] end)
    end
    refuse("ArgumentError", "did you mean 'select'?", function() return user.posts.selects end)
    refuse("InvalidRequestError", ":remove(object)", function() user.posts[1] = nil end)
    refuse("ArgumentError", "called with a colon", function() user.posts.select() end)
    refuse("InvalidRequestError", "no option can load it",
      function() return User.query:options(mr.joinedload(User.posts)):all() end)
  end)

  it("selects in the order of the relationship", function()
    local user = user_with("b", "c", "a")
    support.costs(db, 1, function() assert.equal("a b c", titles(user)) end)
    local statement = user.posts:select():where(Post.title:ne "a"):order_by(mr.null):order_by(Post.title:desc())
    assert.equal("c", db.session:scalars(statement):first().title)
    assert.matches("WHERE %? = post.user_id ORDER BY post.title$", tostring(user.posts))
    assert.equal("{<Tag (transient)>}", tostring(Post{ tags = { Tag() } }.tags))
  end)

  it("writes what is added and removed", function()
    local user, post = User{ name = "jack" }, Post{ title = "foo" }
    db.session:add_all{ user, post }
    db.session:flush()
    user.posts:add(post)
    assert.equal(user, post.user)
    assert.same({ "UPDATE post" }, support.writes(db))
    user.posts:remove(post)
    user.posts:add_all{ Post{ title = "a" }, Post{ title = "b" } }
    assert.same({ "UPDATE post", "INSERT post x2" }, support.writes(db))
    assert.equal("a b", titles(user))
  end)

  it("is assigned to a new object only", function()
    local user = User{ name = "u", posts = { Post{ title = "a" }, Post{ title = "b" } } }
    user.posts = { Post{ title = "c" } }
    db.session:add(user)
    db.session:flush()
    assert.equal("c", titles(user))
    refuse("InvalidRequestError", "'User.posts' cannot be loaded (lazy = \"write_only\")",
      function() user.posts = {} end)
    assert.equal("c", titles(user))
  end)

  it("loads nothing to add or remove", function()
    local user = user_with("a", "b")
    local post = db.session:scalars(user.posts:select()):first()
    user.posts:remove(post)
    user.posts:add(Post{ title = "c" })
    assert.same({ "UPDATE post", "INSERT post" }, support.writes(db))
    assert.equal("b c", titles(user))
  end)

  it("writes the links of a many-to-many", function()
    local post = Post{ title = "p", tags = { Tag{ name = "x" } } }
    db.session:add(post)
    db.session:commit()
    assert.equal(1, post.id)
    local tag = Tag{ name = "y" }
    post.tags:add(tag)
    assert.same({ "INSERT tag", "INSERT post_tag" }, support.writes(db))
    post.tags:remove(tag)
    assert.same({ "DELETE post_tag" }, support.writes(db))
    assert.equal(1, #db.session:scalars(post.tags:select()):all())
  end)

  it("forgets with a rollback", function()
    local user = user_with "a"
    user.posts:add(Post{ title = "b" })
    assert.equal("a b", titles(user))
    db.session:rollback()
    assert.equal("a", titles(user))
    assert.same({}, support.writes(db))
  end)

  it("is merged where nothing must be loaded", function()
    local fresh = db.session:merge(User{ id = 1, name = "new", posts = { Post{ title = "z" } } })
    db.session:flush()
    assert.equal("z", titles(fresh))
    db.session:merge(User{ id = 1, name = "other" })
    db.session:flush()
    assert.equal("z", titles(fresh))
    refuse("InvalidRequestError", "merging into it", function()
      db.session:merge(User{ id = 1, posts = { Post{ title = "y" } } })
    end)
  end)

  it("keeps its parent from being deleted", function()
    local user = user_with("a", "b")
    refuse("InvalidRequestError", "passive_deletes = true leaves its rows to the database", function()
      db.session:delete(user)
      db.session:flush()
    end)
    db.session:rollback()
    assert.equal("a b", titles(user))
  end)

  it("lets the database delete or clear its rows", function()
    models({ passive_deletes = true, cascade = "all, delete-orphan" }, "CASCADE")
    local user = user_with("a", "b")
    db.session:delete(user)
    assert.same({ "DELETE user" }, support.writes(db))
    assert.equal(0, Post.query:count())
    models({ passive_deletes = true }, "SET NULL")
    user = user_with("a", "b")
    db.session:delete(user)
    assert.same({ "DELETE user" }, support.writes(db))
    assert.equal(2, Post.query:filter(Post.user_id:is_(nil)):count())
  end)

  it("deletes orphans", function()
    models({ passive_deletes = true, cascade = "all, delete-orphan" }, "CASCADE")
    local user = user_with("a", "b", "c")
    user.posts:remove(Post.query:filter_by{ title = "b" }:one())
    db.session:commit()
    assert.equal("a c", titles(user))
    assert.equal(2, Post.query:count())
  end)

  it("inserts rows that belong to the object", function()
    local user = user_with()
    local session = db.session
    session:execute(user.posts:insert():values{ title = "a" })
    session:execute(user.posts:insert{ title = "b" })
    support.costs(db, 1, function() session:execute(user.posts:insert{ { title = "c" }, { title = "d" } }) end)
    local made = session:scalars(user.posts:insert{ title = "e" }:returning(Post)):one()
    assert.equal(user, made.user)
    assert.equal("a b c d e", titles(user))
    refuse("InvalidRequestError", "has no id yet: session:flush() gives it one",
      function() User().posts:insert{ title = "x" } end)
    refuse("InvalidRequestError", "does not say to whom it belongs: :add_all{ ... } takes objects",
      function() made.tags:insert{ name = "x" } end)
    refuse("ArgumentError", "objects: add_all{ ... }", function() user.posts:insert{ Post() } end)
    refuse("ArgumentError", "a list of rows", function() user.posts:insert(5) end)
    refuse("ArgumentError", "several rows are in one list", function() user.posts:insert({}, {}) end)
  end)

  it("updates the rows of the object", function()
    local user = user_with("a", "b")
    db.session:add(Post{ title = "a" })
    local result = db.session:execute(user.posts:update():where(Post.title:eq "a"):values{ title = "z" })
    assert.equal(1, result.rowcount)
    assert.equal("b z", titles(user))
    local post = Post.query:filter_by{ title = "z" }:one()
    post.tags:add_all{ Tag{ name = "x" }, Tag{ name = "y" } }
    db.session:flush()
    db.session:add(Tag{ name = "other" })
    assert.equal(2, db.session:execute(post.tags:update():values{ name = "t" }).rowcount)
    refuse("ArgumentError", "update():values{ ... }", function() user.posts:update{ title = "x" } end)
  end)

  it("deletes the rows of the object", function()
    local user = user_with("a", "b", "c")
    db.session:add(Post{ title = "a" })
    assert.equal(2, db.session:execute(user.posts:delete():where(Post.title:lt "c")).rowcount)
    assert.equal("c", titles(user))
    assert.equal(2, Post.query:count())
    refuse("ArgumentError", "one object: session:delete(object)", function() user.posts:delete(Post()) end)
  end)

  it("has a history, without a statement", function()
    local user = user_with "a"
    local old, new = Post.query:one(), Post{ title = "n" }
    support.costs(db, 0, function()
      user.posts:add(new)
      user.posts:remove(old)
      assert.same({ { new }, { old }, {} }, support.history(user, "posts"))
      assert.is_true(mr.inspect(user).modified)
    end)
  end)

  it("is left out of tables, and counted", function()
    local user = user_with("a", "b")
    assert.same({ id = 1, name = "ann" }, user:to_table())
    refuse("InvalidRequestError", "is not iterated", function() user:to_table{ only = "posts" } end)
    assert.equal(2, mr.count(user, "posts"))
    db.session:expire(user, { "posts" })
    db.session:refresh(user)
    assert.equal("a b", titles(user))
  end)
end)
