-- lazy = "dynamic": a collection that is a query.
--
-- What of SQLAlchemy's test/orm/test_dynamic.py is restated here (its test: ours):
--   test_basic: "is a query of the parent's objects, sent at each use"
--   test_slice_access: "takes limits, orders and criteria of its own"
--   test_statement: "prints its statement"
--   test_transient_raise, test_transient_access, test_transient_count, test_transient_all_empty_list:
--     "of a new object gives what was added"
--   test_detached_raise, test_detached_all_empty_list: "of a detached object cannot be queried"
--   test_no_uselist_false, test_no_m2o: "is refused for one object, and for sets, dicts and ordering lists"
--   test_order_by, test_configured_order_by: "has the order of the relationship, which can be taken away"
--   test_count, test_no_count: "counts in the database, and has no length"
--   test_dynamic_on_backref: "is changed from the other side, without a statement"
--   test_no_populate: "cannot be loaded by an option"
--   test_m2m: "of a many-to-many writes links"
--   test_association_nonaliased: "prints its statement"
--   test_persistence: "writes what is added and removed"
--   test_collection_set: "is assigned as a whole, by what differs"
--   test_noload_add, test_noload_remove: "loads nothing to add or remove, and nothing at the flush"
--   test_rollback: "forgets with a rollback"
--   test_self_referential: "of a class that refers to itself"
--   test_remove_orphans: "deletes orphans"
--   test_backref, test_backref_events: "follows the other side", with and without autoflush
--   test_no_deref: "holds its object"
--   test_merge_persistent: "is merged by what the source has set"
--   test_delete_cascade: "loads its objects when the parent is deleted, for the cascade"
--   test_add_transient, test_add_persistent, test_remove_transient, test_backref_pop_transient,
--   test_remove_persistent, test_unchanged_persistent: "has a history of what was added and removed"
--   test_backref_pop_persistent_autoflush_m2m: "is told by the other side of a many-to-many"
--   test_persistent_but_readded, test_missing_but_removed_noflush: "is added to twice, and removed from in vain"

local mr = require "moonrow"
local queried = require "spec.support.queried"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local m, db, User, Post, Tag, Node

local function models(options)
  m = queried.open(queried.with({ lazy = "dynamic" }, options),
    { backref = mr.backref{ "posts", lazy = "dynamic" } })
  db, User, Post, Tag = m.db, m.User, m.Post, m.Tag
  Node = db.Model:extend("Node", {
    id        = db.Column{ db.Integer, primary_key = true },
    parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
    children  = db.relationship{ "Node", lazy = "dynamic", order_by = "Node.id",
      backref = db.backref{ "parent", remote_side = "Node.id" } },
  })
  db:create_all()
end

local function user_with(...) return queried.user_with(m, ...) end

local function titles(list) return support.words(list, "title") end

describe('lazy = "dynamic"', function()
  before_each(function() models() end)

  it("is a query of the parent's objects, sent at each use", function()
    local user = user_with("b", "a")
    local posts = user.posts
    for _ = 1, 2 do
      local texts = support.costs(db, 1, function() assert.equal("a b", titles(posts:all())) end)
      assert.matches("WHERE %? = post.user_id ORDER BY post.title$", texts[1])
    end
    support.costs(db, 1, function() assert.equal("a", posts:first().title) end)
    support.costs(db, 1, function()
      local seen = {}
      for post in posts:iter() do seen[#seen + 1] = post.title end
      assert.same({ "a", "b" }, seen)
    end)
    assert.same({ posts = true }, (function()
      local unloaded = {}
      for _, name in ipairs(mr.inspect(user).unloaded) do unloaded[name] = true end
      return unloaded
    end)())
    assert.equal(posts, user.posts)
  end)

  it("takes limits, orders and criteria of its own", function()
    local user = user_with("a", "b", "c", "d")
    assert.equal("b c", titles(user.posts:offset(1):limit(2):all()))
    assert.equal("c", titles(user.posts:filter_by{ title = "c" }:all()))
    local late = user.posts:filter(Post.title:gt "b"):order_by(mr.null):order_by(Post.title:desc())
    assert.equal("d c", titles(late:all()))
    assert.equal("b", user.posts:slice(2, 2):one().title)
    assert.equal(2, user.posts:where("title < $most", { most = "c" }):count())
    support.costs(db, 2, function()
      local posts = user.posts:options(mr.selectinload "tags"):all()
      for _, post in ipairs(posts) do assert.equal(0, #post.tags) end
    end)
  end)

  it("joins from the object's rows", function()
    local user = user_with("a", "b")
    user.posts:filter_by{ title = "a" }:one().tags:append(Tag{ name = "x" })
    db.session:commit()
    assert.equal("a", titles(user.posts:join(Post.tags):filter(Tag.name:eq "x"):all()))
    assert.equal(1, User.query:join(User.posts):filter(Post.title:eq "a"):count())
    assert.equal(1, User.query:filter(User.posts:any{ title = "b" }):count())
    assert.equal(2, mr.count(user, "posts"))
    assert.equal(2, db.session:query(User.name, mr.count_of(User.posts)):one()[2])
  end)

  it("prints its statement", function()
    local user = user_with "a"
    assert.matches("FROM post WHERE %? = post.user_id ORDER BY post.title$", tostring(user.posts))
    local tag = Tag{ name = "x" }
    assert.equal("{}", tostring(tag.posts))
    db.session:add(tag)
    db.session:flush()
    assert.matches("FROM post, post_tag AS post_tag_1 WHERE %? = post_tag_1.tag_id AND post.id = post_tag_1.post_id",
      tostring(tag.posts))
  end)

  it("of a new object gives what was added", function()
    local user = User{ name = "bob" }
    assert.equal("{}", tostring(user.posts:all()))
    assert.equal(0, user.posts:count())
    assert.is_nil(user.posts:first())
    local post = Post{ title = "x" }
    user.posts:append(post)
    user.posts:extend{ Post{ title = "y" } }
    assert.equal("x y", titles(user.posts:all()))
    assert.equal(2, user.posts:count())
    assert.equal(post, user.posts:first())
    assert.is_true(user.posts:contains(post))
    local seen = {}
    for one in user.posts:iter() do seen[#seen + 1] = one.title end
    assert.same({ "x", "y" }, seen)
    refuse("InvalidRequestError", "is not in the database yet", function() user.posts:filter_by{ title = "x" } end)
    db.session:no_autoflush(function(session)
      session:add(user)
      assert.equal("x y", titles(user.posts:all()))
      refuse("InvalidRequestError", "is not in the database yet", function() user.posts:filter_by{ title = "x" } end)
    end)
    support.costs(db, 3, function() assert.equal("y", user.posts:filter_by{ title = "y" }:one().title) end)
  end)

  it("of a detached object cannot be queried", function()
    local user = user_with "a"
    db.session:expunge(user)
    for _, name in ipairs{ "all", "count", "filter_by" } do
      refuse("DetachedInstanceError", "User.posts", function() user.posts[name](user.posts, { title = "a" }) end)
    end
  end)

  it("is refused for one object, and for sets, dicts and ordering lists", function()
    for _, options in ipairs{ { uselist = false }, { collection_class = mr.set },
      { collection_class = mr.attribute_keyed "title" }, { collection_class = mr.ordering_list "id" } } do
      refuse("MappingError", "are for collections without a collection_class", function()
        models(options)
        db:configure()
      end)
    end
    local base = mr.declarative_base()
    base:extend("A", { id = db.Column{ db.Integer, primary_key = true } })
    local B = base:extend("B", { id = db.Column{ db.Integer, primary_key = true },
      a_id = db.Column{ db.ForeignKey "a.id" }, a = db.relationship("A", { lazy = "dynamic" }) })
    refuse("MappingError", "this is one object", function() B() end)
  end)

  it("has the order of the relationship, which can be taken away", function()
    local user = user_with("b", "c", "a")
    assert.equal("a b c", titles(user.posts:all()))
    assert.equal("c b a", titles(user.posts:order_by(mr.null):order_by(Post.title:desc()):all()))
    local texts = support.costs(db, 1, function() user.posts:order_by(mr.null):all() end)
    assert.is_nil(texts[1]:find "ORDER BY")
  end)

  it("counts in the database, and has no length", function()
    local user = user_with("a", "b", "c")
    local texts = support.costs(db, 1, function() assert.equal(3, user.posts:count()) end)
    assert.matches("count%(", texts[1])
    for _, fn in ipairs{ function() return #user.posts end, function() return user.posts[1] end,
      function() pairs(user.posts) end, function() user.posts() end } do
      refuse("InvalidRequestError", 'lazy = "dynamic" is a query: use :all(), :iter() or :count()', fn)
    end
    refuse("InvalidRequestError", ":append(object)", function() user.posts[1] = Post() end)
    refuse("ArgumentError", "a dynamic collection has no method 'appendd' (did you mean 'append'?)",
      function() user.posts:appendd(Post()) end)
    refuse("ArgumentError", "called with a colon", function() user.posts.count() end)
  end)

  it("is changed from the other side, without a statement", function()
    local user = user_with("a", "b")
    local post = Post.query:filter_by{ title = "a" }:one()
    support.costs(db, 0, function() post.user = nil end)
    assert.equal("b", titles(user.posts:all()))
    assert.is_false(user.posts:contains(post))
    support.costs(db, 0, function() post.user = user end)
    assert.is_true(user.posts:contains(post))
  end)

  it("cannot be loaded by an option", function()
    user_with "a"
    for _, name in ipairs{ "joinedload", "selectinload", "subqueryload", "immediateload", "lazyload", "raiseload",
      "noload", "batchload", "contains_eager" } do
      refuse("InvalidRequestError", "'User.posts' is queried (lazy = \"dynamic\"), and no option can load it",
        function() return User.query:options(mr[name](User.posts)):all() end)
    end
    support.costs(db, 2, function()
      local user = User.query:options(mr.selectinload "*"):one()
      assert.equal("a", titles(user.posts:all()))
    end)
  end)

  it("of a many-to-many writes links", function()
    local tag, post = Tag{ name = "x" }, Post{ title = "a" }
    db.session:add_all{ tag, post }
    db.session:flush()
    tag.posts:append(post)
    assert.same({ "INSERT post_tag" }, support.writes(db))
    assert.equal("a", titles(tag.posts:all()))
    assert.equal(tag, post.tags[1])
    tag.posts:remove(post)
    assert.same({ "DELETE post_tag" }, support.writes(db))
    assert.equal(0, tag.posts:count())
    assert.equal(0, #post.tags)
  end)

  it("is told by the other side of a many-to-many", function()
    local tag, post = Tag{ name = "x" }, Post{ title = "a" }
    tag.posts:append(post)
    db.session:add(tag)
    db.session:commit()
    post.tags:remove(tag)
    assert.same({ {}, { post }, {} }, support.history(tag, "posts"))
    assert.equal(0, tag.posts:count())
  end)

  it("writes what is added and removed", function()
    local user, post = User{ name = "jack" }, Post{ title = "foo" }
    db.session:add_all{ user, post }
    db.session:flush()
    user.posts:append(post)
    assert.same({ "UPDATE post" }, support.writes(db))
    user.posts:remove(post)
    assert.same({ "UPDATE post" }, support.writes(db))
    assert.is_nil(post.user_id)
    user.posts:append(post)
    db.session:flush()
    user.posts:remove(post)
    user.posts:append(Post{ title = "bar" })
    db.session:flush()
    assert.equal("bar", titles(user.posts:all()))
    assert.equal(1, db.session:query(Post):filter_by{ user_id = user.id }:count())
  end)

  it("is assigned as a whole, by what differs", function()
    local user = User{ name = "jack" }
    local a, b, c, d = Post{ title = "a" }, Post{ title = "b" }, Post{ title = "c" }, Post{ title = "d" }
    user.posts = { a, c }
    db.session:add(user)
    assert.equal("a c", titles(user.posts:all()))
    user.posts = { a, b, d }
    assert.equal("a b d", titles(user.posts:all()))
    user.posts = { b, c }
    assert.equal("b c", titles(user.posts:all()))
    user.posts = {}
    assert.equal(0, user.posts:count())
    assert.equal(4, Post.query:count())
  end)

  it("loads nothing to add or remove, and nothing at the flush", function()
    local user = user_with("a", "b", "c")
    user.posts:append(Post{ title = "d" })
    assert.same({ "INSERT post" }, support.writes(db))
    local post = user.posts:filter_by{ title = "b" }:one()
    user.posts:remove(post)
    assert.same({ "UPDATE post" }, support.writes(db))
    db.session:commit()
    local post_of = Post.query:filter_by{ title = "a" }:one()
    local texts = support.statements(db, function()
      user.posts:append(Post{ title = "e" })
      user.posts:remove(post_of)
      db.session:flush()
    end)
    for _, text in ipairs(texts) do assert.is_nil(text:find("WHERE ? = post.user_id", 1, true)) end
    assert.equal("c d e", titles(user.posts:all()))
  end)

  it("forgets with a rollback", function()
    local user = user_with "a"
    user.posts:append(Post{ title = "b" })
    assert.equal("a b", titles(user.posts:all()))
    db.session:rollback()
    assert.equal("a", titles(user.posts:all()))
    local post = user.posts:first()
    user.posts:remove(post)
    assert.equal(0, user.posts:count())
    db.session:rollback()
    assert.equal("a", titles(user.posts:all()))
    assert.equal(user, post.user)
  end)

  it("of a class that refers to itself", function()
    local root = Node{ children = { Node(), Node() } }
    db.session:add(root)
    db.session:commit()
    local children = root.children:all()
    assert.equal(2, #children)
    assert.equal(root, children[1].parent)
    children[1].children:append(children[2])
    db.session:commit()
    assert.equal(1, root.children:count())
    assert.equal(children[1], children[2].parent)
  end)

  it("deletes orphans", function()
    models{ cascade = "all, delete-orphan" }
    local user = user_with("a", "b", "c", "d")
    for _, post in ipairs(user.posts:filter(Post.title:in_{ "b", "d" }):all()) do user.posts:remove(post) end
    db.session:commit()
    assert.equal("a c", titles(Post.query:order_by(Post.title):all()))
    local new = Post{ title = "never" }
    user.posts:append(new)
    user.posts:remove(new)
    db.session:commit()
    assert.equal(2, Post.query:count())
  end)

  for _, autoflush in ipairs{ true, false } do
    it("follows the other side, autoflush = " .. tostring(autoflush), function()
      local session = mr.Session(db.engine, { autoflush = autoflush })
      local user, post = User{ name = "buffy" }, Post{ title = "x" }
      post.user = user
      session:add(post)
      assert.is_true(session:contains(user))
      if not autoflush then session:flush() end
      assert.equal("x", titles(user.posts:all()))
      post.user = nil
      if not autoflush then
        assert.equal("x", titles(user.posts:all()))
        session:flush()
      end
      assert.equal(0, user.posts:count())
      session:close()
    end)
  end

  it("holds its object", function()
    user_with("a")
    db.session:remove()
    local posts = User.query:first().posts
    collectgarbage()
    collectgarbage()
    assert.equal("a", titles(posts:all()))
  end)

  it("keeps none of its objects alive after a flush", function()
    local user = user_with()
    for i = 1, 20 do user.posts:append(Post{ title = tostring(i) }) end
    db.session:flush()
    collectgarbage()
    collectgarbage()
    mr.memory{ trace = true }
    assert.equal(1, #db.session.identity_map)
    assert.equal(20, user.posts:count())
  end)

  it("is merged by what the source has set", function()
    local user = user_with("a", "b")
    local a = user.posts:filter_by{ title = "a" }:one()
    db.session:merge(User{ id = 1, name = "jane" })
    db.session:flush()
    assert.equal("a b", titles(user.posts:all()))
    db.session:merge(User{ id = 1, posts = { Post{ id = a.id, title = "a" }, Post{ title = "c" } } })
    db.session:flush()
    assert.equal("a c", titles(user.posts:all()))
    local fresh = db.session:merge(User{ name = "new", posts = { Post{ title = "z" } } })
    assert.equal("z", titles(fresh.posts:all()))
  end)

  it("loads its objects when the parent is deleted, for the cascade", function()
    local user = user_with("a", "b")
    db.session:delete(user)
    assert.same({ "SELECT post", "UPDATE post x2", "DELETE user" }, support.writes(db))
    assert.equal(2, Post.query:filter(Post.user_id:is_(nil)):count())
    models{ cascade = "all" }
    user = user_with("a", "b")
    support.statements(db, function() db.session:delete(user) end)
    db.session:commit()
    assert.equal(0, Post.query:count())
  end)

  it("has a history of what was added and removed", function()
    local user, post = User{ name = "u" }, Post{ title = "p" }
    user.posts:append(post)
    assert.same({ { post }, {}, {} }, support.history(user, "posts"))
    post.user = nil
    assert.same({ {}, {}, {} }, support.history(user, "posts"))
    user.posts:append(post)
    user.posts:remove(post)
    assert.same({ {}, {}, {} }, support.history(user, "posts"))
    db.session:add(user)
    db.session:flush()
    user.posts:append(post)
    assert.same({ { post }, {}, {} }, support.history(user, "posts"))
    db.session:flush()
    assert.same({ {}, {}, {} }, support.history(user, "posts"))
    local more = Post{ title = "q" }
    user.posts:append(more)
    user.posts:remove(post)
    support.costs(db, 0, function()
      assert.same({ { more }, { post }, {} }, support.history(user, "posts"))
    end)
  end)

  it("is added to twice, and removed from in vain", function()
    local user = user_with "a"
    local post = user.posts:first()
    user.posts:append(post)
    user.posts:append(post)
    assert.same({}, support.writes(db))
    assert.equal(1, user.posts:count())
    local other = Post{ title = "x" }
    db.session:add(other)
    db.session:flush()
    refuse("ArgumentError", "is not in the collection", function() user.posts:remove(other) end)
    refuse("ArgumentError", "is not in the collection", function() user.posts:remove(Post()) end)
    refuse("ArgumentError", "expected a Post, got", function() user.posts:append(user) end)
    refuse("ArgumentError", "expected a Post, got nil", function() user.posts:append(nil) end)
    assert.same({}, support.writes(db))
  end)

  it("is expired, refreshed and copied to a table", function()
    local user = user_with("a", "b")
    user.posts:append(Post{ title = "c" })
    db.session:expire(user, { "posts" })
    db.session:refresh(user, { "posts" })
    assert.same({ title = "a" }, user:to_table{ only = { "posts.title" } }.posts[1])
    assert.is_nil(user:to_table().posts)
    assert.equal(3, #user:to_table{ depth = 1 }.posts)
  end)

  it("updates and deletes its rows by a query", function()
    local user = user_with("a", "b", "c")
    user.posts:filter(Post.title:gt "a"):update{ title = "z" }
    assert.equal("a z z", titles(user.posts:all()))
    user.posts:filter_by{ title = "z" }:delete()
    assert.equal("a", titles(user.posts:all()))
  end)

  it("tells validators and listeners of each object", function()
    local told = {}
    local user = user_with "a"
    local function append(_, post) told[#told + 1] = "+" .. post.title end
    local function remove(_, post) told[#told + 1] = "-" .. post.title end
    mr.event.listen(User.posts, "append", append)
    mr.event.listen(User.posts, "remove", remove)
    user.posts:append(Post{ title = "b" })
    user.posts:remove(user.posts:filter_by{ title = "a" }:one())
    assert.same({ "+b", "-a" }, told)
    mr.event.remove(User.posts, "append", append)
    mr.event.remove(User.posts, "remove", remove)
  end)
end)
