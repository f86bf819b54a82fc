-- Clauses that are taken away again, ranges of rows, other columns, orders by name, correlation, EXISTS that is built.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, User, Post, Note, s

before_each(function()
  w = select_support.open()
  User, Post, Note, s = w.User, w.Post, w.Note, w.session
end)
after_each(function() s:remove() end)

local function names() return mr.select(User.name) end

describe("mr.null takes a clause away", function()
  it("the order, the groups, the limit, the offset, DISTINCT", function()
    local q = names():order_by(User.id):group_by(User.id):limit(1):offset(1):distinct()
    q = q:order_by(mr.null):group_by(mr.null):limit(mr.null):offset(mr.null):distinct(mr.null)
    assert.equal("SELECT user.name FROM user", tostring(q))
  end)

  it("and another may be given", function()
    w.gives("cid; bob; ann", names():order_by(User.id):order_by(mr.null):order_by(User.id:desc()))
    w.gives("ann; bob", names():order_by(User.id):limit(1):limit(mr.null):limit(2))
  end)

  it("nil stays a mistake", function()
    for _, method in ipairs{ "order_by", "group_by", "limit", "offset", "distinct" } do
      refuse("ArgumentError", method, function() local q = names() return q[method](q, nil) end)
    end
  end)
end)

describe("slice", function()
  it("gives the rows from the first to the last, counted from 1", function()
    w.gives("bob; cid", names():order_by(User.id):slice(2, 3),
      "SELECT user.name FROM user ORDER BY user.id LIMIT ? OFFSET ?")
    w.gives("ann", names():order_by(User.id):slice(1, 1), "SELECT user.name FROM user ORDER BY user.id LIMIT ?")
    w.gives("bob; cid", names():order_by(User.id):slice(2))
    w.gives("", names():order_by(User.id):slice(3, 2))
  end)

  it("of a slice counts within it", function()
    w.gives("cid", names():order_by(User.id):slice(2, 9):slice(2, 3))
    w.gives("bob", names():order_by(User.id):limit(2):slice(2, 5))
    w.gives("", names():order_by(User.id):limit(1):slice(2, 5))
    w.gives("cid", names():order_by(User.id):offset(1):slice(2, 5))
  end)

  it("refuses 0, fractions, and an expression as the limit before it", function()
    refuse("ArgumentError", { "slice", "counted from 1" }, function() names():slice(0, 10) end)
    refuse("ArgumentError", "slice", function() names():slice(1.5, 2) end)
    refuse("ArgumentError", "slice", function() names():slice(nil, 2) end)
    refuse("ArgumentError", { "slice", "limit" }, function() names():limit(mr.bindparam "n"):slice(1, 2) end)
  end)
end)

describe("other columns", function()
  it("with_only_columns replaces them, add_entity and add_columns add to them", function()
    w.gives("ann; bob; cid", mr.select(User):with_only_columns(User.name):order_by(User.id))
    w.gives("ann a1; ann a2", mr.select(User.name):add_entity(Post):join(Post):where(User.id:eq(1)):order_by(Post.id))
    local P = mr.aliased(Post, "p")
    local row = s:execute(mr.select(User):add_entity(P):join(P):order_by(P.id)):first()
    assert.equal("a1", row.p.title)
    w.gives("3", mr.select(User):with_only_columns(mr.func.count(User.id)))
  end)
end)

describe("an order by name", function()
  it("is that of a label, an attribute or a column", function()
    local q = mr.select(User.name, (User.age + 1):label "next")
    w.gives("ann 31; bob 21; cid -", q:order_by(mr.desc "next"),
      "SELECT user.name, user.age + ? AS next FROM user ORDER BY next DESC")
    w.gives("cid -; bob 21; ann 31", q:order_by(mr.asc "next"))
    w.gives("cid -; ann 31; bob 21", q:order_by(mr.desc "next":nulls_first()))
    w.gives("cid; bob; ann", mr.select(User):order_by(mr.desc "name"))
    local none = mr.select(mr.literal(mr.null):label "n")
    w.gives("2; 1; -", mr.select(Post.user_id:label "n"):union(none):order_by(mr.desc "n"))
    local t = mr.table("user", "id", "name")
    w.gives("cid; bob; ann", mr.select(t.c.name):order_by(mr.desc "name"))
  end)

  it("stands in a window, where it is a name of SQL", function()
    w.gives("ann 3; bob 2; cid 1", mr.select(User.name,
      mr.func.rank():over{ order_by = mr.desc "id" }):order_by(User.id))
  end)

  it("names nothing else", function()
    refuse("ArgumentError", { "'nme'", "name" }, function() mr.select(User):order_by(mr.desc "nme") end)
    refuse("ArgumentError", "desc", mr.desc, "")
    refuse("ArgumentError", "asc", mr.asc, nil)
  end)
end)

describe("correlation", function()
  local function of_user() return mr.select(mr.func.count(Post.id)):where(Post.user_id:eq(User.id)) end

  it("happens by itself with the query around it", function()
    w.gives("ann 2; bob 1; cid 0", mr.select(User.name, of_user():scalar_subquery()):order_by(User.id))
  end)

  it("correlate(mr.null) reads everything itself", function()
    w.gives("ann 3; bob 3; cid 3", mr.select(User.name,
      of_user():correlate(mr.null):scalar_subquery()):order_by(User.id),
      "SELECT user.name, (SELECT count(post.id) AS count_1 FROM post, user WHERE post.user_id = user.id) AS "
        .. "anon_1 FROM user "
        .. "ORDER BY user.id")
  end)

  it("correlate_except reads what it names itself, and takes all else from around it", function()
    w.gives("ann 2; bob 1; cid 0", mr.select(User.name,
      of_user():correlate_except(Post):scalar_subquery()):order_by(User.id),
      "SELECT user.name, (SELECT count(post.id) AS count_1 FROM post WHERE post.user_id = user.id) AS anon_1 FROM user "
        .. "ORDER BY user.id")
    w.gives("ann 3; bob 3; cid 3",
      mr.select(User.name, of_user():correlate_except(Post, User):scalar_subquery()):order_by(User.id))
  end)

  it("correlate_except reaches through two queries", function()
    local notes = mr.select(Note.id):where(Note.post_id:eq(Post.id), Note.body:eq(mr.literal "n1"),
      User.id:gt(0)):correlate_except(Note)
    local posts = mr.select(Post.id):where(Post.user_id:eq(User.id), notes:exists())
    w.gives("ann", mr.select(User):where(posts:exists()))
  end)

  it("keeps no, and excepted, correlation in an any() of an alias, and under a union", function()
    local count = of_user():correlate_except(Post):scalar_subquery()
    local q = mr.select(User.id, User.name):where(count:eq(2))
    w.gives("1 ann; 3 cid", mr.union(q, mr.select(User.id, User.name):where(User.age:is_(nil))):order_by(User.id))
    local all = mr.select(mr.func.count(User.id)):correlate(mr.null):scalar_subquery()
    w.gives("ann", mr.union(mr.select(User), mr.select(User)):where(all:eq(3), User.id:eq(1)))
  end)

  it("a further correlate starts anew after an exception", function()
    w.gives("ann 2; bob 1; cid 0",
      mr.select(User.name, of_user():correlate_except(User):correlate(User):scalar_subquery()):order_by(User.id))
    refuse("ArgumentError", { "correlate_except", "mr.null" }, function() of_user():correlate_except() end)
  end)
end)

describe("mr.exists", function()
  local function own() return Post.user_id:eq(User.id) end

  it("is built from criteria, and reads what they name", function()
    w.gives("ann", mr.select(User.name):where(mr.exists():where(own(), Post.title:like "a%")),
      "SELECT user.name FROM user WHERE EXISTS (SELECT 1 FROM post WHERE post.user_id = user.id AND post.title LIKE ?)")
    w.gives("cid", mr.select(User.name):where(~mr.exists():where(own())))
    w.gives("ann; bob", mr.select(User.name):where(mr.exists():where(own()) & User.id:lt(9)):order_by(User.id))
  end)

  it("begins with a class, an alias or a column", function()
    local P = mr.aliased(Post)
    w.gives("ann; bob", mr.select(User.name):where(mr.exists(Post):where(own())):order_by(User.id))
    w.gives("ann; bob", mr.select(User.name):where(mr.exists(P):where(P.user_id:eq(User.id))):order_by(User.id))
    w.gives("ann; bob", mr.select(User.name):where(mr.exists(Post.id):where(own())):order_by(User.id))
  end)

  it("of a class that shares a table counts the rows of this class alone", function()
    local db = mr.open "sqlite://"
    local Emp = db.Model:extend("Emp", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String }, boss_id = db.Column{ db.Integer },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "emp" } })
    local Man = Emp:extend("Man", { __mapper_args = { polymorphic_identity = "man" } })
    db:create_all()
    db.session:add_all{ Emp{ id = 1 }, Emp{ id = 2, boss_id = 1 }, Man{ id = 3, boss_id = 2 } }
    db.session:commit()
    local E, M = mr.aliased(Emp), mr.aliased(Man)
    local function ids(criterion) return tostring(db.session:query(E.id):filter(criterion):all()) end
    assert.equal("{(2)}", ids(mr.exists(M):where(M.boss_id:eq(E.id))))
    assert.equal("{(2)}", ids(mr.exists(Man):where(Man.boss_id:eq(E.id))))
    assert.equal("{(1), (2)}", ids(mr.exists(Emp):where(Emp.boss_id:eq(E.id))))
    db.session:remove()
  end)

  it("takes a query, and more criteria for it", function()
    w.gives("ann", mr.select(User.name):where(mr.exists(mr.select(Post.id):where(own())):where(Post.title:eq "a1")))
  end)

  it("reads joins, and correlates as it is told", function()
    w.gives("ann; bob", mr.select(User.name):where(mr.exists():select_from(mr.join(Post,
      Note)):where(own())):order_by(User.id))
    w.gives("ann; bob; cid", mr.select(User.name):where(mr.exists():where(own()):correlate(mr.null)):order_by(User.id),
      "SELECT user.name FROM user WHERE EXISTS (SELECT 1 FROM post, user WHERE post.user_id = user.id) "
        .. "ORDER BY user.id")
    w.gives("ann; bob", mr.select(User.name):where(mr.exists():where(own()):correlate_except(Post)):order_by(User.id))
  end)

  it("stands in a DELETE and in a count", function()
    assert.equal(2, s:query(User):filter(mr.exists():where(own())):count())
    assert.equal(1, s:execute(mr.delete(User):where(~mr.exists():where(own()))).rowcount)
    s:rollback()
  end)

  it("is never changed", function()
    local any = mr.exists():where(own())
    any:where(Post.title:eq "nothing")
    w.gives("ann; bob", mr.select(User.name):where(any):order_by(User.id))
  end)

  it("names what cannot be added", function()
    local union = mr.union(mr.select(Post.id), mr.select(User.id))
    refuse("ArgumentError", { "exists", "union" }, function() mr.exists(union):where(own()) end)
    refuse("ArgumentError", { "where", "mr.exists()" }, function() User.id:where(own()) end)
    refuse("ArgumentError", { "where", "true" }, function() mr.exists():where(true) end)
    refuse("ArgumentError", "exists", mr.exists, nil)
    refuse("ArgumentError", { "select_from", "a class" }, function() mr.exists():select_from() end)
  end)
end)

describe("mr.with_parent", function()
  it("is a criterion about an object, by its relationship or the name of it", function()
    local ann = s:get(User, 1)
    w.gives("a1; a2", mr.select(Post):where(mr.with_parent(ann, User.posts)):order_by(Post.id),
      "SELECT post.id, post.title, post.user_id FROM post WHERE ? = post.user_id ORDER BY post.id")
    w.gives("a1; a2; b1", mr.select(Post):where(mr.with_parent(ann, "posts") | Post.id:eq(3)):order_by(Post.id))
    w.gives("ann", mr.select(User):where(mr.with_parent(s:get(Post, 1), Post.author)))
  end)

  it("goes through a table of links", function()
    w.gives("lua; sql", mr.select(w.Tag.word):where(mr.with_parent(s:get(Post, 1), Post.tags)):order_by(w.Tag.id))
  end)

  it("is about an alias", function()
    local P = mr.aliased(Post)
    local ann = s:get(User, 1)
    w.gives("a1; a2", mr.select(P.title):where(mr.with_parent(ann, User.posts, P)):order_by(P.id))
    w.gives("a1; a2", mr.select(P.title):where(mr.with_parent(ann, User.posts:of_type(P))):order_by(P.id))
    w.gives("a1; a2", mr.select(P.title):with_parent(ann, User.posts:of_type(P)):order_by(P.id))
  end)

  it("names what does not fit", function()
    local ann = s:get(User, 1)
    refuse("ArgumentError", { "with_parent", "relationship of User" }, mr.with_parent, ann)
    refuse("ArgumentError", { "with_parent", "'post'", "posts" }, mr.with_parent, ann, "post")
    refuse("ArgumentError", { "with_parent", "Post.notes", "User" }, mr.with_parent, ann, Post.notes)
    refuse("ArgumentError", { "with_parent", "User.posts", "Post", "User" }, mr.with_parent, ann, User.posts,
      mr.aliased(User))
    refuse("ArgumentError", "with_parent", mr.with_parent, User, User.posts)
  end)
end)
