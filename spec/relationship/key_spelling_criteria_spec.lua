-- Criteria with an object (with_parent, eq, ne, contains) find what a join finds, also if the columns of the
-- relationship compare values by different rules.

local mr = require "moonrow"
local support = require "spec.support.models"
local spelled = require "spec.support.spelled"

local db

local function run(...) support.run(db, ...) end

local function sent(fn) return support.statements(db, fn) end

local function ids(list)
  local out = {}
  for i, x in ipairs(list) do out[i] = mr.inspect(x).identity[1] end
  return table.concat(out, ",")
end

before_each(function() db = mr.open "sqlite://" end)

describe("criteria with an object find what a join finds where", function()
  local Parent, Child

  local function open(...) Parent, Child = spelled.open(db, ...) end

  -- Compares each criterion with the join, for every parent and child.
  local function check(total)
    local found = 0
    for _, parent in ipairs(Parent.query:all()) do
      local joined = ids(Child.query:join(Child.parent):filter(Parent.v:eq(parent.v)):order_by(Child.id):all())
      if joined ~= "" then found = found + select(2, joined:gsub("%d+", "")) end
      local q = Child.query:order_by(Child.id)
      assert.equal(joined, ids(parent.children), "lazy")
      assert.equal(joined, ids(q:with_parent(parent):all()), "with_parent")
      assert.equal(joined, ids(q:with_parent(parent, Parent.children):all()), "with_parent along")
      assert.equal(joined, ids(q:filter(Child.parent:eq(parent)):all()), "eq")
      assert.equal(joined, ids(q:filter_by{ parent = parent }:all()), "filter_by")
      assert.equal(select(2, joined:gsub("%d+", "")), q:with_parent(parent):count())
      local alias = mr.aliased(Child)
      assert.equal(joined, ids(db.session:query(alias):filter(alias.parent:eq(parent)):order_by(alias.id):all()))
      assert.equal(Child.query:count() - select(2, joined:gsub("%d+", "")),
        q:filter(Child.parent:ne(parent)):count(), "ne")
      for _, child in ipairs(Child.query:all()) do
        local has = ("," .. joined .. ","):find("," .. child.id .. ",", 1, true) ~= nil
        local down = Parent.query:filter(Parent.children:contains(child)):filter_by{ v = parent.v }:first()
        assert.equal(has, down == parent, "contains")
        local up = Parent.query:with_parent(child, "parent"):filter_by{ v = parent.v }:first()
        assert.equal(has, up == parent, "with_parent upwards")
      end
    end
    assert.equal(total, found)
  end

  local cases = {
    { "only the key disregards case", "TEXT COLLATE NOCASE", "Text", "TEXT", "Text",
      "('Abc', 'x'), ('d', 'y')", "(1, 'abc'), (2, 'ABC'), (3, 'Abc'), (4, 'D'), (5, 'e'), (6, NULL)", 4 },
    { "only the reference disregards case", "TEXT", "Text", "TEXT COLLATE NOCASE", "Text",
      "('Abc', 'x'), ('abc', 'z'), ('d', 'y')",
      "(1, 'abc'), (2, 'ABC'), (3, 'Abc'), (4, 'D'), (5, 'd'), (6, NULL)", 3 },
    { "one disregards case, the other spaces behind", "TEXT COLLATE RTRIM", "Text", "TEXT COLLATE NOCASE", "Text",
      "('abc', 'x'), ('d ', 'y')", "(1, 'abc '), (2, 'ABC'), (3, 'd'), (4, NULL)", 2 },
    { "both disregard case", "TEXT COLLATE NOCASE", "Text", "TEXT COLLATE NOCASE", "Text",
      "('Abc', 'x'), ('d', 'y')", "(1, 'abc'), (2, 'ABC'), (3, 'D'), (4, NULL)", 3 },
    { "the reference to integers is text", "INTEGER", "Integer", "TEXT", "Text",
      "(5, 'x'), (6, 'y')", "(1, '5'), (2, '05'), (3, '6.0'), (4, 'x'), (5, NULL)", 3 },
    { "the reference to texts is an integer", "TEXT", "Text", "INTEGER", "Integer",
      "('5', 'x'), ('06', 'y')", "(1, 5), (2, 6), (3, 7), (4, NULL)", 2 },
    { "the reference to texts has no type", "TEXT", "Text", "", "Text",
      "('5', 'x'), ('b', 'y')", "(1, '5'), (2, 'b'), (3, 'B'), (4, NULL)", 2 },
    { "texts are in columns of integers and of texts", "INTEGER", "Text", "TEXT", "Text",
      "(7, 'x'), (8, 'y')", "(1, '007'), (2, '7'), (3, '9'), (4, NULL)", 2 },
  }
  for _, case in ipairs(cases) do
    local words, key, key_type, ref, ref_type, parents, children, total = table.unpack(case)
    it(words, function()
      open(key, db[key_type], ref, db[ref_type], parents, children)
      check(total)
    end)
  end

  it("rows are updated and deleted by them, under a savepoint, too", function()
    open("TEXT COLLATE NOCASE", db.Text, "TEXT", db.Text, "('Abc', 'x'), ('d', 'y')",
      "(1, 'abc'), (2, 'ABC'), (3, 'D')")
    local abc, d = db.session:get(Parent, "abc"), db.session:get(Parent, "d")
    local savepoint = db.session:begin_nested()
    assert.equal(2, Child.query:with_parent(abc):delete())
    assert.equal("3", ids(Child.query:all()))
    savepoint:rollback()
    assert.equal("1,2", ids(Child.query:with_parent(abc):order_by(Child.id):all()))
    assert.equal(1, Child.query:filter(Child.parent:eq(d)):update{ parent_k = "aBC" })
    assert.equal("1,2,3", ids(Child.query:with_parent(abc):order_by(Child.id):all()))
    assert.equal("", ids(Child.query:with_parent(d):all()))
  end)

  it("an object is new when the criterion is made, or detached when it runs", function()
    open("TEXT COLLATE NOCASE", db.Text, "TEXT", db.Text, "('Abc', 'x')", "(1, 'abc'), (2, 'New')")
    local new = Parent{ k = "new", v = "n" }
    db.session:add(new)
    local q = Child.query:filter(Child.parent:eq(new))
    assert.equal("2", ids(q:all()))
    assert.equal("2", ids(Child.query:with_parent(new):all()))
    local abc = db.session:get(Parent, "ABC")
    q = Child.query:filter(Child.parent:eq(abc))
    db.session:expunge(abc)
    assert.equal("1", ids(q:all()))
    assert.equal("1", ids(Child.query:with_parent(abc, "children"):all()))
  end)

  it("an object was detached before", function()
    for _, close in ipairs{ "expunge", "close" } do
      db = mr.open "sqlite://"
      open("TEXT COLLATE NOCASE", db.Text, "TEXT", db.Text, "('Abc', 'x')", "(1, 'abc'), (2, 'ABC')")
      local abc = Parent.query:one()
      if close == "expunge" then db.session:expunge(abc) else db.session:close() end
      assert.equal("1,2", ids(Child.query:filter(Child.parent:eq(abc)):order_by(Child.id):all()))
      assert.equal("1,2", ids(Child.query:with_parent(abc):order_by(Child.id):all()))
    end
  end)

  it("and take one statement, which stays as it was where the columns compare alike", function()
    open("TEXT COLLATE NOCASE", db.Text, "TEXT COLLATE NOCASE", db.Text, "('Abc', 'x')", "(1, 'abc')")
    local abc = Parent.query:one()
    assert.same({ "SELECT child.id AS child_id, child.parent_k AS child_parent_k FROM child WHERE ? = child.parent_k" },
      sent(function() Child.query:with_parent(abc):all() end))
    assert.same({ "SELECT child.id AS child_id, child.parent_k AS child_parent_k FROM child WHERE ? = child.parent_k" },
      sent(function() Child.query:filter(Child.parent:eq(abc)):all() end))
    db = mr.open "sqlite://"
    open("TEXT COLLATE NOCASE", db.Text, "TEXT", db.Text, "('Abc', 'x')", "(1, 'abc')")
    abc = Parent.query:one()
    local sql = "SELECT child.id AS child_id, child.parent_k AS child_parent_k FROM child WHERE EXISTS (SELECT 1 "
      .. "FROM parent AS parent_1 WHERE parent_1.k = child.parent_k AND parent_1.k = ?)"
    assert.same({ sql }, sent(function() Child.query:with_parent(abc):all() end))
    assert.same({ sql }, sent(function() Child.query:filter(Child.parent:eq(abc)):all() end))
  end)
end)

describe("criteria with an object, where only its key disregards case,", function()
  it("follow a reference of a class to itself", function()
    run("CREATE TABLE node (k TEXT COLLATE NOCASE PRIMARY KEY, up TEXT)",
      "INSERT INTO node VALUES ('A', NULL), ('b', 'a'), ('c', 'A'), ('d', 'B')")
    local Node = db.Model:extend("Node", {
      k = db.Column{ db.Text, primary_key = true },
      up = db.Column{ db.Text, db.ForeignKey "node.k" },
      children = db.relationship{ "Node", backref = mr.backref("parent", { remote_side = "Node.k" }) },
    })
    local a, d = db.session:get(Node, "a"), db.session:get(Node, "d")
    local q = Node.query:order_by(Node.k)
    assert.equal("b,c", ids(q:with_parent(a, Node.children):all()))
    assert.equal("b,c", ids(q:filter(Node.parent:eq(a)):all()))
    assert.equal("b", ids(q:filter(Node.children:contains(d)):all()))
    assert.equal("b", ids(q:with_parent(d, Node.parent):all()))
  end)

  it("compare all columns of a composite key", function()
    run("CREATE TABLE parent (a TEXT COLLATE NOCASE, b INTEGER, v TEXT, PRIMARY KEY (a, b))",
      "CREATE TABLE child (id INTEGER PRIMARY KEY, pa TEXT, pb TEXT)",
      "INSERT INTO parent VALUES ('Abc', 7, 'x'), ('Abc', 8, 'y')",
      "INSERT INTO child VALUES (1, 'abc', '07'), (2, 'ABC', '7'), (3, 'abc', '8'), (4, 'abc', NULL)")
    local Parent = db.Model:extend("Parent", {
      a = db.Column{ db.Text, primary_key = true },
      b = db.Column{ db.Integer, primary_key = true },
      v = db.Column{ db.Text },
      children = db.relationship{ "Child", backref = "parent", order_by = "Child.id" },
    })
    local Child = db.Model:extend("Child", {
      id = db.Column{ db.Integer, primary_key = true },
      pa = db.Column{ db.Text },
      pb = db.Column{ db.Text },
      __table_args = { db.ForeignKeyConstraint({ "pa", "pb" }, { "parent.a", "parent.b" }) },
    })
    local x, y = db.session:get(Parent, { "ABC", 7 }), db.session:get(Parent, { "abc", 8 })
    local q = Child.query:order_by(Child.id)
    assert.same({ "1,2", "3" }, { ids(q:with_parent(x):all()), ids(q:filter(Child.parent:eq(y)):all()) })
    assert.equal(x, Parent.query:filter(Parent.children:contains(db.session:get(Child, 1))):one())
  end)

  it("go through the links of a many-to-many", function()
    run("CREATE TABLE post (k TEXT COLLATE NOCASE PRIMARY KEY)", "CREATE TABLE tag (id INTEGER PRIMARY KEY)",
      "CREATE TABLE post_tag (post_k TEXT, tag_id TEXT)",
      "INSERT INTO post VALUES ('A'), ('b')", "INSERT INTO tag VALUES (1), (2)",
      "INSERT INTO post_tag VALUES ('a', '1'), ('A', '02'), ('B', '01')")
    db.Table("post_tag", db.metadata, db.Column("post_k", db.Text, db.ForeignKey "post.k"),
      db.Column("tag_id", db.Text, db.ForeignKey "tag.id"))
    local Post = db.Model:extend("Post", {
      k = db.Column{ db.Text, primary_key = true },
      tags = db.relationship{ "Tag", secondary = "post_tag", backref = "posts", order_by = "Tag.id" },
    })
    local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
    local a, b = db.session:get(Post, "a"), db.session:get(Post, "B")
    local one, two = db.session:get(Tag, 1), db.session:get(Tag, 2)
    local tags, posts = Tag.query:order_by(Tag.id), Post.query:order_by(Post.k)
    assert.same({ "1,2", "1" }, { ids(tags:with_parent(a):all()), ids(tags:with_parent(b, Post.tags):all()) })
    assert.same({ "A,b", "A" }, { ids(posts:filter(Post.tags:contains(one)):all()),
      ids(posts:filter(Post.tags:contains(two)):all()) })
    assert.equal("1,2", ids(tags:filter(Tag.posts:contains(a)):all()))
    assert.equal("A,b", ids(posts:with_parent(one, Tag.posts):all()))
  end)

  it("go through the links of a class to itself", function()
    run("CREATE TABLE node (k TEXT COLLATE NOCASE PRIMARY KEY)", "CREATE TABLE edge (a TEXT, b TEXT)",
      "INSERT INTO node VALUES ('A'), ('b'), ('c')", "INSERT INTO edge VALUES ('a', 'B'), ('A', 'C'), ('B', 'c')")
    local edge = db.Table("edge", db.metadata, db.Column("a", db.Text, db.ForeignKey "node.k"),
      db.Column("b", db.Text, db.ForeignKey "node.k"))
    local Node
    Node = db.Model:extend("Node", {
      k = db.Column{ db.Text, primary_key = true },
      nexts = db.relationship{ "Node", secondary = edge, backref = "befores",
        primaryjoin = function() return Node.k:eq(edge.c.a) end,
        secondaryjoin = function() return Node.k:eq(edge.c.b) end },
    })
    local a, c = db.session:get(Node, "a"), db.session:get(Node, "C")
    local q = Node.query:order_by(Node.k)
    assert.equal("b,c", ids(q:with_parent(a, Node.nexts):all()))
    assert.equal("A,b", ids(q:filter(Node.nexts:contains(c)):all()))
    assert.equal("b,c", ids(q:filter(Node.befores:contains(a)):all()))
    assert.equal("A,b", ids(q:with_parent(c, Node.befores):all()))
  end)
end)
