-- Named parameters: with a value for when none is given, and lists (expanding) behind IN.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, User, Post, s

before_each(function()
  w = select_support.open()
  User, Post, s = w.User, w.Post, w.session
end)
after_each(function() s:remove() end)

describe("a parameter with a value of its own", function()
  it("has this value unless another is given", function()
    local q = mr.select(User.name):where(User.age:ge(mr.bindparam("least", { value = 25 }))):order_by(User.id)
    w.gives("ann", q, "SELECT user.name FROM user WHERE user.age >= ? ORDER BY user.id")
    w.gives("ann; bob", q, nil, { least = 1 })
    w.gives("ann; bob", q:params{ least = 20 })
  end)

  it("keeps its own value where two queries have one structure", function()
    local function named(name) return s:query(User):filter(User.name:eq(mr.bindparam("n", mr.String,
      { value = name }))) end
    assert.equal("ann", named "ann":one().name)
    assert.equal("bob", named "bob":one().name)
    assert.equal("bob", named "ann":params{ n = "bob" }:one().name)
    assert.equal(1, named "cid":count())
    assert.equal("cid", named "cid":compiled():one().name)
    assert.equal("ann", named "cid":compiled():one{ n = "ann" }.name)
  end)

  it("stands in a subquery, a union, a text and a statement that writes", function()
    local low = mr.bindparam("low", { value = 25 })
    w.gives("a1; a2", mr.select(Post.title):where(Post.user_id:in_(mr.select(User.id):where(User.age:gt(low)))))
    w.gives("ann; cid", mr.union(mr.select(User.name):where(User.age:gt(low)),
      mr.select(User.name):where(User.age:is_(nil))))
    w.gives("ann", mr.text "SELECT name FROM user WHERE age > :low":bindparams(low))
    local update = mr.update(User):where(User.age:gt(low)):values{ name = mr.bindparam("to", mr.String,
      { value = "old" }) }
    local ann = s:get(User, 1)
    assert.equal(1, s:execute(update).rowcount)
    assert.equal("old", ann.name)
    s:rollback()
    assert.equal(2, s:execute(update, { low = 1 }).rowcount)
    s:rollback()
  end)

  it("is checked against its type, and is read in the SQL with literals", function()
    refuse("ArgumentError", { "bindparam", "'n'", "integer" }, mr.bindparam, "n", mr.Integer, { value = "x" })
    local q = s:query(User.id):filter(User.age:gt(mr.bindparam("n", { value = 3 })))
    assert.equal("SELECT user.id AS user_id FROM user WHERE user.age > 3", q:sql{ literals = true })
    refuse("ArgumentError", { "n: ", "integer" }, function() q:params{ n = "x" }:all() end)
  end)

  it("may be NULL, a date, or false", function()
    w.gives("cid", mr.select(User.name):where(User.age:is_not_distinct_from(mr.bindparam("age", mr.Integer,
      { value = mr.null }))))
    w.gives("bob", mr.select(User.name):where(User.active:eq(mr.bindparam("on", mr.Boolean, { value = false }))))
  end)
end)

describe("a list parameter", function()
  it("takes a list of any length behind IN", function()
    local q = mr.select(User.name):where(User.id:in_(mr.bindparam "ids")):order_by(User.id)
    w.gives("ann; cid", q, "SELECT user.name FROM user WHERE user.id IN (?, ?) ORDER BY user.id", { ids = { 1, 3 } })
    w.gives("ann; bob; cid", q, nil, { ids = { 3, 2, 1 } })
    w.gives("", q, nil, { ids = {} })
    w.gives("bob; cid", mr.select(User.name):where(User.id:not_in(mr.bindparam("ids",
      { expanding = true }))):order_by(User.id),
      nil, { ids = { 1 } })
    w.on_postgresql('SELECT "user".name FROM "user" WHERE "user".id IN ($1, $2) ORDER BY "user".id', q,
      { ids = { 1, 2 } })
  end)

  it("goes with update and delete of a query", function()
    local q = s:query(User):filter(User.id:in_(mr.bindparam "ids"))
    assert.equal(2, q:params{ ids = { 1, 2 } }:update{ age = 5 })
    assert.equal(1, s:query(w.Note):filter(w.Note.id:in_(mr.bindparam "ids")):params{ ids = { 2, 9 } }:delete())
    s:rollback()
    local connection <close> = w.db.engine:connect()
    assert.equal('{("ann"), ("cid")}',
      tostring(connection:execute(q:with_entities(User.name):params{ ids = { 1, 3 } }):all()))
  end)

  it("of 300,000 values is one parameter", function()
    local ids = {}
    for i = 1, 300000 do ids[i] = i end
    local count = mr.select(mr.func.count()):select_from(User):where(User.id:in_(mr.bindparam "ids"))
    w.gives("3", count, nil, { ids = ids })
  end)

  it("is given by params of a query, too, and leaves the query as it was", function()
    local q = s:query(User):filter(User.name:in_(mr.bindparam "names")):order_by(User.id)
    assert.equal("{ann, cid}", tostring(q:params{ names = { "cid", "ann" } }:all()))
    assert.equal("{bob}", tostring(q:params{ names = { "bob" } }:all()))
    assert.equal(2, q:params{ names = { "bob", "ann", "x" } }:count())
  end)

  it("checks each value against the column's type", function()
    local q = s:query(User):filter(User.id:in_(mr.bindparam "ids"))
    refuse("ArgumentError", { "ids: ", "integer" }, function() return q:params{ ids = { 1, "x" } } end)
    refuse("ArgumentError", { "'ids'", "item 2", "mr.null" }, function() return q:params{ ids = { 1, nil, 3 } } end)
    local active = s:query(User):filter(User.active:in_(mr.bindparam "on"))
    assert.equal("{bob}", tostring(active:params{ on = { false } }:all()))
  end)

  it("stands in subqueries, aliases, joins, options and statements that write", function()
    local sub = mr.select(User.id):where(User.id:in_(mr.bindparam "ids")):subquery "u"
    w.gives("b1", mr.select(Post.title):join(sub, sub.c.id:eq(Post.user_id)), nil, { ids = { 2, 3 } })
    w.gives("a1; a2", mr.select(Post.title):where(Post.user_id:in_(mr.select(sub.c.id))), nil, { ids = { 1 } })
    w.gives("ann a1", mr.select(User.name, Post.title):join(Post,
      (Post.user_id:eq(User.id)) & Post.id:in_(mr.bindparam "ids")),
      nil, { ids = { 1 } })
    assert.equal(2, s:execute(mr.update(User):where(User.id:in_(mr.bindparam "ids")):values{ age = 1 },
      { ids = { 1, 2 } }).rowcount)
    assert.equal(1, s:execute(mr.delete(w.Note):where(w.Note.id:in_(mr.bindparam "ids")), { ids = { 2 } }).rowcount)
    s:rollback()
  end)

  it("stands in a text, whose parameter says that it is a list", function()
    local t = mr.text "SELECT name FROM user WHERE id IN :ids ORDER BY id":bindparams(mr.bindparam("ids",
      { expanding = true }))
    w.gives("ann; bob", t, "SELECT name FROM user WHERE id IN (?, ?) ORDER BY id", { ids = { 2, 1 } })
    refuse("ArgumentError", "'ids'", function() s:execute(mr.text "SELECT :ids", { ids = { 1 } }) end)
  end)

  it("is an error when it is not given, or not a list", function()
    local q = s:query(User):filter(User.id:in_(mr.bindparam "ids"))
    refuse("ArgumentError", { "'ids'", "params{ ids = { ... } }" }, function() q:all() end)
    refuse("ArgumentError", { "'ids'", "before compiled()" }, function() q:compiled():all{ ids = { 1 } } end)
    assert.equal("{ann}", tostring(q:params{ ids = { 1 } }:compiled():all()))
    refuse("ArgumentError", "'ids'", function() q:params{ ids = 1 }:all() end)
    refuse("ArgumentError", { "'others'", "got a list of 1 value", "in_" },
      function() return q:params{ others = { 1 } } end)
    refuse("ArgumentError", { "bindparam", "ids" }, mr.bindparam, "ids", { expanding = true, value = 1 })
    refuse("ArgumentError", { "in_", "'ids'" }, function() return User.id:in_(mr.bindparam("ids", { value = 1 })) end)
    refuse("ArgumentError", { "in_", "tuple" },
      function() return mr.tuple_(User.id, User.age):in_(mr.bindparam "x") end)
  end)

  it("is written as one parameter where the query is only read", function()
    assert.equal("SELECT user.id FROM user WHERE user.id IN (?)",
      tostring(mr.select(User.id):where(User.id:in_(mr.bindparam "ids"))))
  end)

  it("bindparam takes a name, a type, and options by name", function()
    refuse("ArgumentError", { "bindparam", "a name" }, mr.bindparam)
    refuse("ArgumentError", { "bindparam", "a name" }, mr.bindparam, "a b")
    refuse("ArgumentError", { "bindparam", "3 arguments" }, mr.bindparam, "a", mr.Integer, 3)
    refuse("ArgumentError", { "unknown option 'valeu'", "value" }, mr.bindparam, "a", { valeu = 3 })
    w.gives("ann", mr.select(User.name):where(User.id:eq(mr.bindparam{ "id", type = mr.Integer, value = 1 })))
  end)
end)

describe("a parameter that is a list", function()
  it("takes no single value, and the message shows how it is a list", function()
    local db, Person = require "spec.support.people"()
    local wanted = { "'ids'", "a single value is none", "params{ ids = { ... } }" }
    local criterion = Person.id:in_(mr.bindparam "ids")
    for _, value in ipairs{ "x", 5, true } do
      require "spec.support.refuse"("ArgumentError", wanted, function()
        Person.query:filter(criterion):params{ ids = value }:all()
      end)
      require "spec.support.refuse"("ArgumentError", wanted, function()
        db.session:execute(mr.select(Person.id):where(criterion), { ids = value })
      end)
    end
    assert.equal(1, Person.query:filter(criterion):params{ ids = { 5 } }:count())
  end)
end)
