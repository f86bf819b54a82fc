-- mr.union, union_all, intersect and except_ stand alone: they are written as SQL writes them, give what their first
-- query gives (columns, objects, several of these), and go wherever a select goes.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, User, Post, Note, s

before_each(function()
  w = select_support.open()
  User, Post, Note, s = w.User, w.Post, w.Note, w.session
end)
after_each(function() s:remove() end)

local function ids(class) return mr.select(class.id) end

describe("a union that stands alone", function()
  it("is written by itself, ordered and limited by the names of its first select", function()
    w.gives("3; 2", mr.union(ids(User), ids(Post)):order_by(User.id:desc()):limit(2),
      "SELECT user.id FROM user UNION SELECT post.id FROM post ORDER BY id DESC LIMIT ?")
    w.gives("2; 3", mr.union(ids(User), ids(Post)):order_by(mr.asc "id"):offset(1),
      "SELECT user.id FROM user UNION SELECT post.id FROM post ORDER BY id ASC LIMIT -1 OFFSET ?")
    w.on_postgresql('SELECT "user".id FROM "user" UNION SELECT post.id FROM post ORDER BY id LIMIT $1',
      mr.union(ids(User), ids(Post)):order_by(User.id):limit(2))
  end)

  it("keeps each row of union_all, what is in both of intersect, and what is only in the first of except_", function()
    w.gives("1; 1; 2; 2; 3; 3", mr.union_all(ids(User), ids(Post)):order_by(User.id))
    w.gives("1; 2", mr.intersect(ids(User), ids(Note)):order_by(User.id),
      "SELECT user.id FROM user INTERSECT SELECT note.id FROM note ORDER BY id")
    w.gives("3", mr.except_(ids(User), ids(Note)), "SELECT user.id FROM user EXCEPT SELECT note.id FROM note")
    w.gives("3", mr.except_(ids(User), ids(Note), mr.select(mr.literal(1))))
  end)

  it("takes its queries as a list, and queries of a session, too", function()
    w.gives("1; 2; 3", mr.union{ ids(User), ids(Post), ids(Note) })
    w.gives("a1; a2; ann; b1; bob; cid", mr.union(s:query(User.name), s:query(Post.title)):order_by(User.name))
    assert.same({ "ann", "cid" }, s:scalars(mr.union(User.query:filter_by{ name = "ann" }:with_entities(User.name),
      mr.select(User.name):where(User.age:is_(nil)))):all())
  end)

  it("gives objects where its queries are of a class, by one statement", function()
    local two = mr.union(mr.select(User):where(User.age:gt(25)), mr.select(User):where(User.name:eq "cid"))
    w.gives("ann; cid", two:order_by(User.name),
      "SELECT user.id, user.name, user.age, user.active, user.boss_id FROM user "
        .. "WHERE user.age > ? UNION SELECT user.id, user.name, user.age, user.active, user.boss_id FROM user "
        .. "WHERE user.name = ? ORDER BY name")
    assert.equal(s:get(User, 1), s:scalars(two:order_by(User.id)):first())
  end)

  it("gives rows of several classes", function()
    local function of(title) return mr.select(User, Post):join(User.posts):where(Post.title:eq(title)) end
    w.gives("bob b1; ann a2", mr.union(of "a2", of "b1"):order_by(Post.id:desc()))
    local row = s:execute(mr.union(of "a2", of "a2")):one()
    assert.equal(s:get(User, 1), row.User)
    assert.equal(s:get(Post, 2), row.Post)
  end)

  it("gives a class beside a column", function()
    local q = mr.select(User, mr.literal(1):label "n"):where(User.name:eq "ann")
    w.gives("ann 1; bob 2", mr.union(q, mr.select(User, mr.literal(2):label "n"):where(User.name:eq "bob"))
      :order_by(mr.asc "n"))
  end)

  it("becomes a subquery where its first select reads several tables, which may have a column of that name", function()
    local function joined(...) return mr.select(...):join(User.posts) end
    local q = mr.union(joined(User.id), joined(Post.id))
    w.gives("3; 2; 1", q:order_by(User.id:desc()),
      "SELECT anon_1.id FROM (SELECT user.id AS id FROM user JOIN post ON user.id = post.user_id UNION "
        .. "SELECT post.id AS id FROM user JOIN post ON user.id = post.user_id) AS anon_1 ORDER BY anon_1.id DESC")
    w.gives("1; 2; 3", q, "SELECT user.id FROM user JOIN post ON user.id = post.user_id UNION "
      .. "SELECT post.id FROM user JOIN post ON user.id = post.user_id")
    w.gives("3; 2", mr.union(ids(User), joined(Post.id)):order_by(User.id:desc()):limit(2),
      "SELECT user.id FROM user UNION SELECT post.id FROM user JOIN post ON user.id = post.user_id "
        .. "ORDER BY id DESC LIMIT ?")
    w.gives("2; 1", mr.union(ids(User):where(User.id:eq(Post.user_id)), ids(User):where(User.id:eq(1)))
      :order_by(User.id:desc()))
    w.gives("2; 2; 1; 1", mr.union_all(mr.union(joined(User.id), joined(User.id)), mr.union(joined(User.id),
      joined(User.id))):order_by(User.id:desc()))
  end)

  it("of a class with a table of its own beside that of its base is ordered by the base's key", function()
    local db = mr.open "sqlite://"
    local Animal = db.Model:extend("Animal", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String }, __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "animal" } })
    local Dog = Animal:extend("Dog", { id = db.Column{ db.Integer, db.ForeignKey "animal.id", primary_key = true },
      bark = db.Column{ db.String }, __mapper_args = { polymorphic_identity = "dog" } })
    db:create_all()
    db.session:add_all{ Animal{}, Dog{ bark = "wuff" }, Dog{ bark = "wau" } }
    db.session:commit()
    local dogs = db.session:scalars(mr.union(mr.select(Dog), mr.select(Dog)):order_by(Dog.id:desc())):all()
    assert.same({ "wau", "wuff" }, { dogs[1].bark, dogs[2].bark })
    db.session:remove()
  end)

  it("becomes a subquery when a clause is about a row of it", function()
    w.gives("ann", mr.union(mr.select(User), mr.select(User)):where(User.name:eq "ann"))
    w.gives("ann a1; ann a2", mr.union(mr.select(User), mr.select(User)):join(User.posts)
      :with_entities(User.name, Post.title):where(User.id:eq(1)):order_by(Post.id))
    w.gives("3", mr.union(ids(User), ids(Post)):with_entities(mr.func.count()))
    w.gives("3; 2; 1", mr.union(ids(User), ids(Post)):order_by(-User.id))
  end)

  it("stands in FROM, as a value, behind IN and EXISTS, in a CTE, and in another union", function()
    local all = mr.union(ids(User), ids(Post))
    local sub = all:subquery "u"
    w.gives("3", mr.select(mr.func.max(sub.c.id)),
      "SELECT max(u.id) AS max_1 FROM (SELECT user.id AS id FROM user UNION SELECT post.id AS id FROM post) AS u")
    w.gives("ann; bob; cid", mr.select(User):where(User.id:in_(all)):order_by(User.id))
    w.gives("3", mr.select(mr.func.count()):select_from(User):where(all:exists()))
    local cte = all:cte "u"
    w.gives("1; 2; 3", mr.select(cte.c.id):order_by(cte.c.id),
      "WITH u AS (SELECT user.id AS id FROM user UNION SELECT post.id AS id FROM post) SELECT u.id FROM u "
        .. "ORDER BY u.id")
    w.gives("1; 2; 9", mr.union(mr.intersect(ids(User), ids(Note)), mr.select(mr.literal(9))),
      "SELECT * FROM (SELECT user.id FROM user INTERSECT SELECT note.id FROM note) UNION SELECT ? AS anon_1")
    w.on_postgresql('(SELECT "user".id FROM "user" INTERSECT SELECT note.id FROM note) UNION SELECT post.id FROM post',
      mr.union(mr.intersect(ids(User), ids(Note)), ids(Post)))
  end)

  it("keeps the order and the limit of each of its selects", function()
    w.gives("1; 3", mr.union(ids(User):order_by(User.id):limit(1), ids(User):order_by(User.id:desc()):limit(1))
      :order_by(User.id))
    w.on_postgresql('(SELECT "user".id FROM "user" ORDER BY "user".id LIMIT $1) UNION SELECT post.id FROM post',
      mr.union(ids(User):order_by(User.id):limit(1), ids(Post)))
  end)

  it("is the statement of from_statement", function()
    local users = mr.union(mr.select(User):where(User.id:eq(3)),
      mr.select(User):where(User.id:eq(1))):order_by(User.id:desc())
    local found = s:query(User):from_statement(users):all()
    assert.equal("cid", found[1].name)
    assert.equal("ann", found[2].name)
  end)

  it("is counted, and loads what its options say", function()
    local q = mr.union(mr.select(User), mr.select(User)):options(mr.selectinload(User.posts)):order_by(User.id)
    local users
    local texts = w.sent(function()
      users = s:scalars(q):all()
      assert.equal(2, #users[1].posts)
      assert.equal(0, #users[3].posts)
    end)
    assert.equal(2, #texts)
  end)

  it("is what an alias of its class reads, and what an INSERT takes its rows from", function()
    local u = mr.union(mr.select(User), mr.select(User)):subquery()
    local A = mr.aliased(User, u)
    w.gives("ann", mr.select(A):where(A.name:eq "ann"))
    w.gives("ann a1; ann a2; bob b1", mr.select(A.name, Post.title):join(A.posts):order_by(Post.id))
    local insert = mr.insert(Note):from_select({ "body" }, mr.union(mr.select(User.name), mr.select(Post.title)))
    assert.equal(6, s:execute(insert).rowcount)
    s:rollback()
  end)

  it("has names for expressions, and for columns of one name", function()
    local f = mr.func
    w.gives("cid; bob; ann; CID; BOB; ANN",
      mr.union(mr.select(f.lower(User.name):label "x"), mr.select(f.upper(User.name):label "x"))
        :order_by(mr.desc "x"), "SELECT lower(user.name) AS x FROM user UNION SELECT upper(user.name) AS x "
        .. "FROM user ORDER BY x DESC")
    w.gives("2 3; 1 2; 1 1", mr.union(mr.select(User.id, Post.id):join(Post), mr.select(User.id, Post.id):join(Post))
      :order_by(Post.id:desc()))
    w.gives("ann 2; bob 2; cid 2", mr.union_all(mr.select(User.name), mr.select(User.name)):with_entities(User.name,
      f.count())
      :group_by(User.name):having(f.count():gt(1)):order_by(User.name))
  end)

  it("limits objects, not the rows of their joined children", function()
    local users = s:scalars(mr.union(mr.select(User),
      mr.select(User)):options(mr.joinedload(User.posts)):order_by(User.id):limit(2)):all()
    assert.equal(2, #users)
    assert.equal(2, #users[1].posts)
  end)

  it("takes parameters by name, also a list in one of its selects", function()
    local q = mr.union(ids(User):where(User.age:gt(mr.bindparam "least")),
      ids(User):where(User.name:in_(mr.bindparam "names")))
    w.gives("1; 3", q:order_by(User.id), nil, { least = 25, names = { "cid" } })
  end)

  it("reads a column as its values are where the selects give other types", function()
    w.gives("3; ann", mr.union(mr.select(User.age):where(User.age:eq(30)):with_entities(User.id + 2),
      mr.select(User.name):where(User.name:eq "ann")))
    w.gives("ann; 7", mr.union_all(mr.select(User.name):where(User.id:eq(1)), mr.select(mr.literal(7))))
  end)

  it("needs two queries or more of the same width", function()
    refuse("ArgumentError", { "union", "two queries" }, mr.union, ids(User))
    refuse("ArgumentError", { "union_all", "select" }, mr.union_all, ids(User), User)
    refuse("ArgumentError", { "intersect", "number of columns" }, mr.intersect, ids(User),
      mr.select(Post.id, Post.title))
    refuse("ArgumentError", { "unknown option 'all'" }, mr.union, { ids(User), ids(Post), all = true })
  end)
end)
