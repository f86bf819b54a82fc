-- What a select reads from: joins by themselves (mr.join), joins that say what they begin with (join_from), aliases
-- that a relationship leads to (of_type), tables and columns that no class declares, texts whose columns are known.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, User, Post, Note, Tag, s

before_each(function()
  w = select_support.open()
  User, Post, Note, Tag, s = w.User, w.Post, w.Note, w.Tag, w.session
end)
after_each(function() s:remove() end)

describe("mr.join", function()
  it("joins by the foreign key, by a relationship, and by a condition", function()
    local expected = "SELECT user.name, post.title FROM user JOIN post ON user.id = post.user_id"
    for _, j in ipairs{ mr.join(User, Post), mr.join(User, User.posts), mr.join{ User, Post } } do
      w.gives("ann a1; ann a2; bob b1", mr.select(User.name, Post.title):select_from(j), expected)
    end
    w.gives("ann b1; cid b1", mr.select(User.name, Post.title):select_from(mr.join(User, Post, Post.id:eq(3)))
      :where(User.id:ne(2)))
  end)

  it("goes on with further joins, through a table of links, too", function()
    local j = mr.join(User, User.posts):join(Note):outerjoin(Post.tags)
    w.gives("ann n1 lua; ann n1 sql; bob n2 -", mr.select(User.name, Note.body, Tag.word):select_from(j)
      :order_by(User.id, Tag.word))
  end)

  it("is an outer join, also full", function()
    w.gives("ann a1; ann a2; bob b1; cid -", mr.select(User.name, Post.title):select_from(mr.outerjoin(User, Post)))
    w.gives("ann a1; ann a2; bob b1; cid -",
      mr.select(User.name, Post.title):select_from(mr.join(User, Post, { isouter = true })))
    local full = 'SELECT "user".name FROM "user" FULL OUTER JOIN post ON "user".id = post.user_id'
    w.on_postgresql(full, mr.select(User.name):select_from(mr.full(User, Post)))
    w.on_postgresql(full, mr.select(User.name):select_from(mr.join(User, Post, { full = true })))
  end)

  it("has another join on its right side", function()
    local P, U = mr.aliased(Post), mr.aliased(User)
    local inner = mr.join(P, U, U.id:eq(P.user_id))
    w.gives("ann a1; ann a2; bob b1; cid -",
      mr.select(User.name, P.title):select_from(mr.outerjoin(User, inner, P.user_id:eq(User.id))):order_by(User.id,
        P.id),
      "SELECT user.name, post_1.title FROM user LEFT OUTER JOIN (post AS post_1 JOIN user AS user_1 ON user_1.id = "
        .. "post_1.user_id) ON post_1.user_id = user.id ORDER BY user.id, post_1.id")
  end)

  it("joins tables, aliases and subqueries", function()
    local posts = mr.select(Post.user_id, mr.func.count():label "n"):group_by(Post.user_id):subquery "p"
    w.gives("ann 2; bob 1", mr.select(User.name, posts.c.n):select_from(mr.join(User, posts)))
    w.gives("a1; a1; a2", mr.select(Post.title):select_from(mr.join(Post, w.post_tag)))
    local Boss = mr.aliased(User, "boss")
    w.gives("bob ann; cid ann", mr.select(User.name,
      Boss.name):select_from(mr.join(User, Boss, Boss.id:eq(User.boss_id))))
    w.gives("bob ann; cid ann", mr.select(User.name, Boss.name):select_from(mr.join(User, User.boss:of_type(Boss))))
  end)

  it("has the columns of both, by names that tell the table", function()
    local j = mr.join(User, Post)
    assert.equal(8, #j.c)
    w.gives("1 1; 1 2; 2 3", mr.select(j.c.user_id, j.c.post_id):select_from(j))
    w.gives("a1; a2; b1", mr.select(j.c.title):select_from(j))
    w.gives("1 ann 30 true - 1 a1 1; 1 ann 30 true - 2 a2 1; 2 bob 20 false 1 3 b1 2", mr.select(j),
      "SELECT user.id, user.name, user.age, user.active, user.boss_id, post.id AS id_1, post.title, post.user_id "
        .. "FROM user JOIN post ON user.id = post.user_id")
    refuse("ArgumentError", "'id'", function() return j.c.id end)
  end)

  it("names what is missing", function()
    refuse("ArgumentError", { "join", "what to join" }, mr.join, User)
    refuse("ArgumentError", { "alias", "mr.aliased" }, function() mr.join(User, Post):alias "j" end)
    refuse("ArgumentError", { "outerjoin", "subquery()" }, mr.outerjoin, mr.select(User), Post)
    refuse("InvalidRequestError", { "foreign key", "'user'", "'tag'" }, mr.join, User, Tag)
    refuse("ArgumentError", { "join", "string" }, mr.join, "user", Post)
  end)
end)

describe("a join to what the query reads already", function()
  it("needs another name", function()
    local words = { "can't join User to itself", "mr.aliased(Class)", "subquery:alias()" }
    refuse("InvalidRequestError", words, function() return s:query(User):join(User, User.id:eq(User.boss_id)):all() end)
    local boss = mr.aliased(User)
    w.gives("bob ann; cid ann",
      mr.select(User.name, boss.name):join(boss, boss.id:eq(User.boss_id)):order_by(User.id))
    local grown = mr.select(User):where(User.age:gt(1)):subquery()
    local a, same, b = mr.aliased(User, grown), mr.aliased(User, grown), mr.aliased(User, grown:alias())
    refuse("InvalidRequestError", words,
      function() return s:execute(mr.select(a.name, same.name):join(same, a.id:lt(same.id))):all() end)
    w.gives("ann bob", mr.select(a.name, b.name):join(b, a.id:lt(b.id)))
  end)
end)

describe("join_from", function()
  it("says what the join begins with", function()
    w.gives("a1 ann; a2 ann; b1 bob", mr.select(Post.title, User.name):join_from(Post, User):order_by(Post.id),
      "SELECT post.title, user.name FROM post JOIN user ON user.id = post.user_id ORDER BY post.id")
    w.gives("- cid; a1 ann; a2 ann; b1 bob",
      mr.select(Post.title, User.name):join_from(User, User.posts, { isouter = true }):order_by(Post.id))
  end)

  it("begins with an alias of the relationship's class", function()
    local U = mr.aliased(User)
    w.gives("a1 ann; a2 ann; b1 bob", mr.select(Post.title, U.name):join_from(U, User.posts):order_by(Post.id),
      "SELECT post.title, user_1.name FROM user AS user_1 JOIN post ON user_1.id = post.user_id ORDER BY post.id")
  end)

  it("tells two possible beginnings apart", function()
    local U = mr.aliased(User, "u")
    local q = mr.select(User.name, U.name, Post.title):where(User.id:eq(1), U.id:eq(2))
    refuse("InvalidRequestError", "which of the query's classes", function() return tostring(q:join(Post)) end)
    w.gives("ann bob b1", q:join_from(U, Post))
  end)

  it("takes a condition, and a target alone is refused", function()
    w.gives("ann b1", mr.select(User.name, Post.title):join_from(User, Post, Post.id:eq(3)):where(User.id:eq(1)))
    refuse("ArgumentError", { "join_from", "begins with" }, function() mr.select(User):join_from(Post) end)
  end)
end)

describe("of_type of an alias", function()
  it("joins along the relationship to the alias", function()
    local P = mr.aliased(Post)
    w.gives("ann a2", mr.select(User.name, P.title):join(User.posts:of_type(P)):where(P.title:eq "a2"),
      "SELECT user.name, post_1.title FROM user JOIN post AS post_1 ON user.id = post_1.user_id WHERE post_1.title = ?")
  end)

  it("joins the same relationship twice", function()
    local P, Q = mr.aliased(Post), mr.aliased(Post)
    w.gives("ann a1 a2", mr.select(User.name, P.title, Q.title):join(User.posts:of_type(P)):join(User.posts:of_type(Q))
      :where(P.id:lt(Q.id)))
  end)

  it("goes on from the alias, and from an alias to an alias", function()
    local U, P, N = mr.aliased(User), mr.aliased(Post), mr.aliased(Note)
    w.gives("ann n1; bob n2", mr.select(U.name,
      N.body):join(U.posts:of_type(P)):join(P.notes:of_type(N)):order_by(N.id))
    w.gives("ann cid; ann bob", mr.select(U.name, User.name):join_from(User,
      User.boss:of_type(U)):order_by(User.id:desc()))
  end)

  it("joins through a table of links", function()
    local T = mr.aliased(Tag)
    w.gives("a1 lua; a2 lua", mr.select(Post.title, T.word):join(Post.tags:of_type(T)):where(T.word:eq "lua"))
  end)

  it("is asked with any and has, by a criterion or by values", function()
    local P, U = mr.aliased(Post), mr.aliased(User)
    w.gives("ann", mr.select(User):where(User.posts:of_type(P):any(P.title:eq "a2")),
      "SELECT user.id, user.name, user.age, user.active, user.boss_id FROM user WHERE EXISTS (SELECT 1 FROM "
        .. "post AS post_1 "
        .. "WHERE user.id = post_1.user_id AND post_1.title = ?)")
    w.gives("ann", mr.select(User):where(User.posts:of_type(P):any{ title = "a2" }))
    w.gives("bob; cid", mr.select(User):where(User.boss:of_type(U):has(U.name:eq "ann")):order_by(User.id))
  end)

  it("is what filter_by goes on with", function()
    local P = mr.aliased(Post)
    w.gives("ann", mr.select(User):join(User.posts:of_type(P)):filter_by{ title = "a1" })
  end)

  it("fills the relationship from the alias's rows", function()
    local P = mr.aliased(Post)
    local users
    local texts = w.sent(function()
      users = s:query(User):join(User.posts:of_type(P)):options(mr.contains_eager(User.posts:of_type(P)))
        :filter(P.title:eq "a2"):all()
      assert.equal("a2", users[1].posts[1].title)
      assert.equal(1, #users[1].posts)
    end)
    assert.equal(1, #texts)
    s:expire_all()
    assert.equal(2, #users[1].posts)
  end)

  it("fills two levels from aliases", function()
    local P, N = mr.aliased(Post), mr.aliased(Note)
    local user
    local texts = w.sent(function()
      user = s:query(User):join(User.posts:of_type(P)):join(P.notes:of_type(N))
        :options(mr.contains_eager(User.posts:of_type(P)):contains_eager(P.notes:of_type(N)))
        :filter(N.body:eq "n1"):one()
      assert.equal("n1", user.posts[1].notes[1].body)
    end)
    assert.equal(1, #texts)
  end)

  it("takes an alias of its class, or of one below it, alone", function()
    refuse("ArgumentError", { "of_type", "User", "Post" }, function() return User.posts:of_type(mr.aliased(User)) end)
  end)
end)

describe("mr.table and mr.column", function()
  it("name what no class declares", function()
    local t = mr.table("user", "id", mr.column("name", mr.String))
    w.gives("ann", mr.select(t.c.name):where(t.c.id:eq(1)), "SELECT user.name FROM user WHERE user.id = ?")
    w.gives("1 ann; 2 bob; 3 cid", mr.select(t):order_by(t.c.id))
    assert.equal(1, s:execute(mr.update(t):where(t.c.id:eq(3)):values{ name = "dan" }).rowcount)
    w.gives("dan", mr.select(User):where(User.id:eq(3)))
    s:rollback()
  end)

  it("give the same table for the same words, and no table to create", function()
    assert.equal(mr.table("user", "id"), mr.table("user", "id"))
    assert.not_equal(mr.table("user", "id"), mr.table("user", mr.column("id", mr.Integer)))
    assert.equal("SELECT other.user.id FROM other.user",
      tostring(mr.select(mr.table("user", "id", { schema = "other" }).c.id)))
    refuse("ArgumentError", { "table", "column 1", "number 3" }, mr.table, "user", 3)
    refuse("ArgumentError", { "unknown option 'shema'", "schema" }, mr.table, "user", "id", { shema = "x" })
    refuse("ArgumentError", { "table", "nil" }, mr.table, nil)
  end)

  it("a column alone is a name, with a type for its values", function()
    w.gives("ann 30", mr.select(mr.column "name",
      mr.column("age", mr.Integer)):select_from(User):where(mr.column "age":gt(20)),
      "SELECT name, age FROM user WHERE age > ?")
    assert.equal(true, s:execute(mr.select(mr.column("active", mr.Boolean)):select_from(User)):first().active)
    assert.equal('"odd name" = ?', tostring(mr.column "odd name":eq(1)))
    refuse("ArgumentError", { "column", "3 arguments" }, mr.column, "a", mr.Integer, 3)
  end)

  it("literal_column is SQL as it is written", function()
    w.gives("31; 21; -", mr.select(mr.literal_column("age + 1", mr.Integer):label "next"):select_from(User),
      "SELECT age + 1 AS next FROM user")
    refuse("ArgumentError", "literal_column", mr.literal_column, nil)
  end)
end)

describe("columns of a text", function()
  it("are those of attributes, by which rows and objects are read", function()
    local t = mr.text "SELECT id, name FROM user WHERE age > :least":columns(User.id, User.name)
    w.gives("1 ann; 2 bob", t, nil, { least = 10 })
    assert.equal("ann", s:execute(t, { least = 25 }):one().name)
    assert.equal("ann", s:query(User):from_statement(t):params{ least = 25 }:one().name)
  end)

  it("stand in the text's order, whatever it calls them", function()
    local t = mr.text "SELECT max(id), min(name) FROM user":columns(mr.column("top", mr.Integer),
      mr.column("low", mr.String))
    local row = s:execute(t):one()
    assert.equal(3, row.top)
    assert.equal("ann", row.low)
    local u = mr.text "SELECT name, id FROM user WHERE id = 2":columns(User.name, User.id)
    assert.equal("bob", s:query(User):from_statement(u):one().name)
  end)

  it("make rows of several classes, and fill relationships, from one text", function()
    local t = mr.text("SELECT u.id, u.name, p.id, p.title, p.user_id FROM user u JOIN post p ON p.user_id = "
      .. "u.id ORDER BY p.id")
    t = t:columns(User.id, User.name, Post.id, Post.title, Post.user_id)
    local rows = s:query(User, Post):from_statement(t):all()
    assert.equal("ann a1", rows[1].User.name .. " " .. rows[1].Post.title)
    assert.equal("bob b1", rows[3].User.name .. " " .. rows[3].Post.title)
    s:expire_all()
    local users
    local texts = w.sent(function()
      users = s:query(User):from_statement(t):options(mr.contains_eager(User.posts)):all()
      assert.equal(2, #users[1].posts)
    end)
    assert.equal(1, #texts)
    assert.equal(2, #users)
  end)

  it("are found by name where types are given by name, and have these types", function()
    local t = mr.text "SELECT name, active, id FROM user ORDER BY id":columns{ id = mr.Integer, active = mr.Boolean }
    local row = s:execute(t):first()
    assert.equal(true, row.active)
    assert.equal(1, row.id)
  end)

  it("make the text a subquery and a CTE", function()
    local t = mr.text "SELECT id, name FROM user WHERE id < :most":columns(User.id, User.name)
    local sub = t:subquery "u"
    w.gives("ann a1; ann a2", mr.select(sub.c.name, Post.title):join(Post, Post.user_id:eq(sub.c.id)),
      "SELECT u.name, post.title FROM (SELECT id, name FROM user WHERE id < ?) AS u JOIN post ON post.user_id = u.id",
      { most = 2 })
    local cte = t:cte "u"
    w.gives("ann; bob", mr.select(cte.c.name):order_by(cte.c.id),
      "WITH u AS (SELECT id, name FROM user WHERE id < ?) SELECT u.name FROM u ORDER BY u.id", { most = 3 })
    local one = mr.text "SELECT id FROM user WHERE id = 1":columns(User.id)
    w.gives("a1; a2", mr.select(Post):where(Post.user_id:in_(one)))
  end)

  it("are columns, of a text alone, which takes no further clause", function()
    refuse("ArgumentError", { "columns", "mr.text" }, function() return User.id:columns(User.id) end)
    refuse("ArgumentError", { "columns", "expected columns" }, function() return mr.text "SELECT 1":columns() end)
    refuse("ArgumentError", { "columns", "mr.column" }, function() return mr.text "SELECT 1":columns(5) end)
    refuse("InvalidRequestError", "where",
      function() return mr.text "SELECT 1":columns(User.id):where(User.id:eq(1)) end)
  end)
end)
