-- Recursive CTEs, text with values, and queries inside of queries.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local people = require "spec.support.people"
local blog = require "spec.support.blog"
local tree = require "spec.support.tree"

describe("a recursive cte", function()
  local db, Node, session

  before_each(function()
    db, Node = tree()
    session = db.session
    session:add(Node{ name = "r", children = {
      Node{ name = "a", children = { Node{ name = "b" } } }, Node{ name = "c" },
    } })
    session:add(Node{ name = "other" })
    session:commit()
  end)

  local function branch()
    return session:query(Node.id, Node.name, Node.parent_id):filter(Node.name:eq "r")
      :cte{ "tree", recursive = true }
  end

  local function below(base)
    return session:query(Node.id, Node.name, Node.parent_id):filter(Node.parent_id:eq(base.c.id))
  end

  it("goes on from its own rows by union_all", function()
    local base = branch()
    local all = base:union_all(below(base))
    local rows
    local texts = support.statements(db, function()
      rows = session:query(all.c.name):order_by(all.c.id):all()
    end)
    assert.same({ "WITH RECURSIVE tree(id, name, parent_id) AS (SELECT node.id AS id, node.name AS name, "
      .. "node.parent_id AS parent_id FROM node WHERE node.name = ? UNION ALL SELECT node.id AS id, "
      .. "node.name AS name, node.parent_id AS parent_id FROM node, tree WHERE node.parent_id = tree.id) "
      .. "SELECT tree.name AS tree_name FROM tree ORDER BY tree.id" }, texts)
    local names = {}
    for i, row in ipairs(rows) do names[i] = row[1] end
    assert.equal(4, #names)
    assert.is_nil(table.concat(names, " "):find("other", 1, true))
  end)

  it("gives entities by a join, or by in_", function()
    local base = branch()
    local all = base:union(below(base))
    assert.equal(4, Node.query:join(all, Node.id:eq(all.c.id)):count())
    assert.equal(4, #Node.query:filter(Node.id:in_(session:query(all.c.id))):all())
    assert.equal(1, #Node.query:filter(Node.id:not_in(session:query(all.c.id))):all())
  end)

  it("counts without a table", function()
    local base = mr.select(mr.literal(1):label "n"):cte{ "numbers", recursive = true }
    local all = base:union_all(mr.select((base.c.n + 1):label "n"):where(base.c.n:lt(5)))
    assert.equal(15, session:scalar(mr.select(mr.func.sum(all.c.n))))
    local more = base:union_all(mr.select(mr.literal(9):label "n"),
      mr.select((base.c.n + 1):label "n"):where(base.c.n:lt(5)))
    assert.equal(24, session:scalar(mr.select(mr.func.sum(more.c.n))))
  end)

  it("can have an alias in its second part", function()
    local base = branch()
    local parent = base:alias "p"
    local all = base:union_all(session:query(Node.id, Node.name, Node.parent_id)
      :filter(Node.parent_id:eq(parent.c.id)))
    assert.equal(4, session:query(all.c.id):count())
  end)

  it("refuses what is none", function()
    refuse("ArgumentError", "union_all", function() return session:query(Node.id):subquery():union_all() end)
    refuse("ArgumentError", "union_all", function() return branch():union_all() end)
    refuse("ArgumentError", "union_all", function() return branch():union_all(Node) end)
  end)
end)

describe("text:bindparams", function()
  local db, Person

  before_each(function() db, Person = people() end)

  it("gives values that are parameters, never text", function()
    local text = mr.text "SELECT id FROM person WHERE name = :name AND age > :age OR name = :name"
    local bound = text:bindparams{ name = "cat' --", age = 1 }
    local records = db:record(function() assert.equal(0, #db.session:execute(bound):all()) end)
    assert.equal("SELECT id FROM person WHERE name = ? AND age > ? OR name = ?", records[1].statement)
    assert.same({ "cat' --", 1, "cat' --" }, records[1].parameters)
    assert.equal(3, db.session:scalar(text:bindparams{ name = "cat" }:bindparams{ age = 1 }))
    assert.equal(3, db.session:scalar(text:bindparams{ name = "cat" }, { age = 1 }))
    assert.equal(3, db.session:scalar(text, { name = "cat", age = 1 }))
  end)

  it("takes types", function()
    local text = mr.text("SELECT :day"):bindparams(mr.bindparam("day", mr.Date))
    assert.equal("2024-02-29", tostring(db.session:scalar(text, { day = mr.date(2024, 2, 29) })))
  end)

  it("is for filter, order_by and from_statement too", function()
    assert.equal("<cat>", tostring(Person.query:filter(mr.text("age > :a"):bindparams{ a = 30 }):one()))
    local statement = mr.text("SELECT * FROM person WHERE age = :a ORDER BY id"):bindparams{ a = 25 }
    assert.equal("{<bob>, <dan>}", tostring(Person.query:from_statement(statement):all()))
    assert.equal("{<bob>, <dan>}", tostring(Person.query
      :from_statement(mr.text "SELECT * FROM person WHERE age = :a ORDER BY id"):params{ a = 25 }:all()))
  end)

  it("refuses a name that the text has not", function()
    refuse("ArgumentError", { "'nmae'" }, function() return mr.text("SELECT :name"):bindparams{ nmae = 1 } end)
    refuse("ArgumentError", "bindparams", function() return mr.text("SELECT :name"):bindparams() end)
    refuse("ArgumentError", "bindparams", function() return mr.text("SELECT :name"):bindparams "name" end)
    refuse("ArgumentError", "mr.text", function() return Person.id:bindparams{ id = 1 } end)
  end)
end)

describe("a query within a query", function()
  local m, session

  before_each(function()
    m = blog.filled()
    session = m.db.session
  end)

  it("exists", function()
    local q = m.Post.query:filter_by{ title = "a" }
    local texts = support.statements(m.db, function()
      assert.is_true(session:query(q:exists()):scalar())
      assert.is_false(session:query(m.Post.query:filter_by{ title = "no" }:exists()):scalar())
    end)
    assert.matches("^SELECT EXISTS %(SELECT 1 FROM post WHERE post.title = %?%)", texts[1])
    local with = m.Category.query:filter(mr.exists(mr.select(m.Post.id)
      :where(m.Post.category_id:eq(m.Category.id)))):order_by(m.Category.name)
    assert.equal("{<C>, <Lua>}", tostring(with:all()))
  end)

  it("exists past the offset only where it has so many different rows", function()
    local Post, Comment = m.Post, m.Comment
    local function exists(q) return session:query(q:exists()):scalar() end
    local bodies = #session:query(Comment.post_id):distinct():all()
    assert.is_true(bodies > 0 and bodies < Comment.query:count())
    local different = session:query(Comment.post_id):distinct()
    assert.is_true(exists(different:offset(bodies - 1)))
    assert.is_false(exists(different:offset(bodies)))
    assert.is_true(exists(session:query(Comment.post_id):offset(bodies)))
    local of_post = mr.select(Comment.post_id):where(Comment.post_id:eq(Post.id)):distinct()
    assert.equal(0, session:query(Post):filter(of_post:offset(1):exists()):count())
    assert.equal(bodies, session:query(Post):filter(of_post:offset(0):exists()):count())
  end)

  it("correlates by itself, or as told", function()
    local Post, Category = m.Post, m.Category
    local count = session:query(mr.func.count(Post.id)):filter(Post.category_id:eq(Category.id))
    local alone = Category.query:filter(count:scalar_subquery():gt(1))
    local told = Category.query:filter(count:correlate(Category):scalar_subquery():gt(1))
    assert.equal("{<Lua>}", tostring(alone:all()))
    assert.equal("{<Lua>}", tostring(told:all()))
    assert.equal(tostring(alone), tostring(told))
    assert.matches("WHERE %(SELECT count%(post.id%) AS count_1 FROM post WHERE post.category_id = category.id%) > %?",
      tostring(told))
  end)

  it("gets by a key, whole or by name", function()
    local post = m.Post.query:get(1)
    assert.is_true(rawequal(post, m.Post.query:get{ 1 }))
    assert.is_true(rawequal(post, m.Post.query:get{ id = 1 }))
    refuse("InvalidRequestError", "get", function() return m.Post.query:limit(1):get(1) end)
  end)
end)
