-- A row refers to a key in another spelling than the object's: texts that differ in case or in spaces at the end, texts
-- that are numbers, references of another type than their key.

local mr = require "moonrow"
local support = require "spec.support.models"
local spelled = require "spec.support.spelled"

local db

local function sent(fn) return support.statements(db, fn) end

local function run(...) support.run(db, ...) end

before_each(function() db = mr.open "sqlite://" end)

-- The result of an SQL text.
local function stored(sql)
  return db.session:execute(mr.text(sql)):scalar()
end

describe("an object", function()
  local Thing

  -- Makes a table with a column that is declared in one way, and mapped in another.
  local function open(declared, mapped, ...)
    run("CREATE TABLE thing (k " .. declared .. " PRIMARY KEY, v TEXT)", ...)
    Thing = db.Model:extend("Thing", {
      k = db.Column{ mapped, primary_key = true, autoincrement = false },
      v = db.Column{ db.Text },
    })
  end

  local cases = {
    { "texts without regard to case", "VARCHAR(10) COLLATE NOCASE", "String", "Abc", "abc", "ABC" },
    { "texts without regard to spaces behind", "CHAR(10) COLLATE RTRIM", "String", "ab", "ab", "ab   " },
    { "texts in a column of integers", "INTEGER", "String", "7", "007", "7" },
    { "texts in a column INT", "INT", "Text", "7", "7.0", " 7" },
    { "integers in a column of texts", "TEXT", "Integer", "5", 5, 5 },
    { "floats in a column of integers", "INT", "Float", "5", 5.0, 5 },
  }

  for _, case in ipairs(cases) do
    local words, declared, mapped, row, one, two = table.unpack(case)
    it("is the same under every spelling of its key: " .. words, function()
      open(declared, db[mapped], ("INSERT INTO thing VALUES ('%s', 'x')"):format(row))
      local thing = db.session:get(Thing, one)
      assert.equal("x", thing.v)
      assert.equal(thing, db.session:get(Thing, two))
      assert.equal(thing, Thing.query:one())
      db.session:expire(thing)
      assert.equal("x", thing.v)
      db.session:refresh(thing)
      thing.v = "y"
      db.session:commit()
      assert.equal("y", stored "SELECT v FROM thing")
      assert.equal(thing, Thing.query:filter_by{ k = two }:one())
      assert.equal("y", thing.v)
      db.session:delete(thing)
      db.session:commit()
      assert.equal(0, stored "SELECT count(*) FROM thing")
    end)

    it("that was inserted keeps its row, which the database spells otherwise: " .. words, function()
      open(declared, db[mapped])
      local thing = Thing{ k = two, v = "x" }
      db.session:add(thing)
      db.session:flush()
      assert.equal(thing, Thing.query:one())
      assert.equal(1, #db.session.identity_map)
      db.session:commit()
      assert.equal("x", thing.v)
      assert.equal(thing, Thing.query:one())
      assert.equal(thing, db.session:get(Thing, one))
      assert.equal(thing, db.session:merge(Thing{ k = one, v = "z" }))
      db.session:commit()
      assert.equal("z", stored "SELECT v FROM thing")
      db.session:rollback()
      assert.equal("z", thing.v)
      db.session:delete(thing)
      db.session:flush()
      assert.equal(0, stored "SELECT count(*) FROM thing")
      db.session:rollback()
      assert.equal(thing, Thing.query:one())
    end)

    it("that was read again, before a query finds it, is not made twice: " .. words, function()
      open(declared, db[mapped])
      local thing = Thing{ k = two, v = "x" }
      db.session:add(thing)
      db.session:commit()
      assert.equal("x", thing.v)
      assert.equal(thing, Thing.query:first())
      thing.v = "y"
      db.session:commit()
      db.session:refresh(thing, { "v" })
      assert.equal("y", thing.v)
      assert.equal(1, #db.session.identity_map)
    end)
  end

  it("follows an upsert that changes the case of its key, and comes back with a rollback", function()
    open("VARCHAR(10) COLLATE NOCASE", db.String, "INSERT INTO thing VALUES ('abc', 'old')")
    local thing = Thing.query:one()
    local upsert = mr.insert(Thing):values{ k = "ABC", v = "new" }
    upsert = upsert:on_conflict_do_update{ index_elements = { "k" }, set = { k = "ABC", v = "new" } }
    db.session:execute(upsert)
    assert.equal(thing, Thing.query:one())
    assert.same({ "ABC", "ABC" }, { thing.k, mr.inspect(thing).identity[1] })
    db.session:refresh(thing)
    assert.equal("new", thing.v)
    db.session:rollback()
    assert.same({ "abc", "old" }, { thing.k, thing.v })
    db.session:execute(upsert)
    db.session:commit()
    assert.same({ "ABC", "new" }, { thing.k, thing.v })
    assert.equal(thing, Thing.query:one())
    thing.v = "last"
    db.session:commit()
    assert.equal("last", stored "SELECT v FROM thing")
  end)

  it("whose key is set to another spelling stays itself", function()
    open("VARCHAR(10) COLLATE NOCASE", db.String, "INSERT INTO thing VALUES ('abc', 'x')")
    local thing = db.session:get(Thing, "ABC")
    thing.k = "Abc"
    db.session:commit()
    assert.equal("Abc", stored "SELECT k FROM thing")
    assert.equal(thing, Thing.query:one())
    assert.equal(thing, db.session:get(Thing, "abc"))
  end)

  it("is another where the database tells them apart, and nothing is asked", function()
    open("VARCHAR(10)", db.String, "INSERT INTO thing VALUES ('abc', 'x'), ('ABC', 'y'), ('7', 'z'), ('07', 'w')")
    assert.same({ "SELECT thing.k AS thing_k, thing.v AS thing_v FROM thing" }, sent(function()
      assert.equal(4, #Thing.query:all())
    end))
    local a, b = db.session:get(Thing, "abc"), db.session:get(Thing, "ABC")
    assert.are_not.equal(a, b)
    db.session:expire_all()
    assert.same({ "x", "y" }, { a.v, b.v })
  end)

  it("is found by the criteria of an UPDATE and a DELETE as the database finds it", function()
    open("VARCHAR(10) COLLATE NOCASE", db.String, "INSERT INTO thing VALUES ('abc', 'x'), ('d', 'y')")
    local abc, d = db.session:get(Thing, "abc"), db.session:get(Thing, "d")
    Thing.query:filter_by{ k = "ABC" }:update{ v = "new" }
    assert.same({ "new", "y" }, { abc.v, d.v })
    local ok, e = pcall(function()
      Thing.query:filter_by{ k = "ABC" }:update({ v = "newer" }, { synchronize_session = "evaluate" })
    end)
    assert.is_false(ok)
    assert.matches("cannot be evaluated in memory", e.message)
    Thing.query:filter(Thing.k:in_{ "ABC", "D" }):delete()
    assert.same({ "deleted", "deleted" }, { mr.inspect(abc).state, mr.inspect(d).state })
  end)

  it("of a view keeps its row, too", function()
    open("VARCHAR(10) COLLATE NOCASE", db.String, "INSERT INTO thing VALUES ('abc', 'x'), ('d', 'y')",
      "CREATE VIEW seen AS SELECT * FROM thing")
    local Seen = db.Model:extend("Seen", { k = db.Column{ db.String, primary_key = true }, v = db.Column{ db.Text } })
    local abc = db.session:get(Seen, "ABC")
    assert.equal("abc", abc.k)
    run "UPDATE thing SET k = 'Abc' WHERE k = 'abc'"
    assert.equal(abc, Seen.query:filter_by{ v = "x" }:one())
    assert.same({ "Abc", 2 }, { abc.k, Seen.query:count() })
  end)

  it("is one in a cursor, and under a savepoint, and keeps what was changed in it", function()
    open("VARCHAR(10) COLLATE NOCASE", db.String, "INSERT INTO thing VALUES ('abc', 'x'), ('d', 'y')")
    local abc = db.session:get(Thing, "ABC")
    local function rename(k) db.session:execute(mr.text("UPDATE thing SET k = '" .. k .. "' WHERE k = 'abc'")) end
    rename "Abc"
    local seen = {}
    for thing in Thing.query:order_by(Thing.v):yield_per(1):iter() do seen[#seen + 1] = thing end
    assert.equal(abc, seen[1])
    local savepoint = db.session:begin_nested()
    rename "ABC"
    assert.equal(abc, Thing.query:filter_by{ k = "abc" }:one())
    assert.equal("ABC", abc.k)
    savepoint:rollback()
    assert.equal("Abc", abc.k)
    abc.v = "mine"
    db.session:no_autoflush(function()
      rename "aBC"
      assert.equal(abc, Thing.query:filter_by{ k = "abc" }:one())
    end)
    assert.same({ "aBC", "mine" }, { abc.k, abc.v })
    db.session:commit()
    assert.equal("mine", stored "SELECT v FROM thing WHERE k = 'abc'")
  end)

  it("is asked for only where a key is alike", function()
    open("VARCHAR(10) COLLATE NOCASE", db.String, "INSERT INTO thing VALUES ('abc', 'x'), ('abd', 'y')")
    local abc, abd = db.session:get(Thing, "abc"), db.session:get(Thing, "abd")
    run "UPDATE thing SET k = 'ABC' WHERE v = 'x'"
    local all
    assert.same({ "SELECT thing.k AS thing_k, thing.v AS thing_v FROM thing ORDER BY thing.v",
      "SELECT thing.k AS thing_k FROM thing WHERE thing.k IS ?" },
      sent(function() all = Thing.query:order_by(Thing.v):all() end))
    assert.same({ abc, abd }, { all[1], all[2] })
  end)

  it("is never two: what is found to be another object's row is an error that names both", function()
    open("TEXT", db.Text, "INSERT INTO thing VALUES ('abc', 'x'), ('ABC', 'y')")
    local one, other = db.session:get(Thing, "abc"), db.session:get(Thing, "ABC")
    run("DROP TABLE thing", "CREATE TABLE thing (k TEXT COLLATE NOCASE PRIMARY KEY, v TEXT)",
      "INSERT INTO thing VALUES ('ABC', 'z')")
    assert.equal("z", other.v)
    local ok, e = pcall(function() return one.v end)
    assert.is_false(ok)
    assert.equal("InvalidRequestError", e.kind)
    assert.equal("the session has two objects for one row: the row found for Thing 'abc' is Thing 'ABC', which another "
      .. "object is; expunge one of them", e.message)
    db.session:expunge(other)
    assert.same({ "z", "ABC" }, { one.v, one.k })
  end)
end)

describe("parts of a composite key", function()
  it("are found under other spellings, and under NULL", function()
    run("CREATE TABLE thing (a TEXT COLLATE NOCASE, b INTEGER, v TEXT, PRIMARY KEY (a, b))",
      "INSERT INTO thing VALUES ('Abc', 7, 'x'), ('Abc', NULL, 'y'), (NULL, 7, 'z')")
    local Thing = db.Model:extend("Thing", {
      a = db.Column{ db.Text, primary_key = true },
      b = db.Column{ db.Text, primary_key = true },
      v = db.Column{ db.Text },
    })
    local x, y = db.session:get(Thing, { "abc", "007" }), db.session:get(Thing, { "ABC", mr.null })
    local z = db.session:get(Thing, { mr.null, "07" })
    assert.same({ "x", "y", "z" }, { x.v, y.v, z.v })
    run "UPDATE thing SET a = 'ABC' WHERE a = 'abc'"
    local all = Thing.query:order_by(Thing.v):all()
    assert.same({ x, y, z }, { all[1], all[2], all[3] })
    x.v, y.v, z.v = "X", "Y", "Z"
    db.session:commit()
    assert.equal("X,Y,Z", stored "SELECT group_concat(v) FROM (SELECT v FROM thing ORDER BY v)")
  end)
end)

local strategies = { "lazyload", "joinedload", "selectinload", "subqueryload", "immediateload" }

describe("a relationship gives the same by every strategy where", function()
  local Parent, Child

  local function open(...) Parent, Child = spelled.open(db, ...) end

  -- The v of each child's parent, or "-": "five - six".
  local function references(option)
    local out = {}
    for i, child in ipairs(Child.query:order_by(Child.id):options(option):all()) do
      out[i] = child.parent and child.parent.v or "-"
    end
    return table.concat(out, " ")
  end

  -- Each parent of the query with the ids of its children: "five:1,2 six:".
  local function collections(query)
    local out = {}
    for i, parent in ipairs(query:all()) do
      local ids = {}
      for k, child in ipairs(parent.children) do ids[k] = child.id end
      out[i] = parent.v .. ":" .. table.concat(ids, ",")
    end
    return table.concat(out, " ")
  end

  -- Asserts what references() and collections() give with every strategy.
  local function check(wanted_references, wanted_collections)
    for _, load in ipairs(strategies) do
      db.session:expunge_all()
      assert.equal(wanted_references, references(mr[load](Child.parent)), load)
      db.session:expunge_all()
      assert.equal(wanted_collections,
        collections(Parent.query:order_by(Parent.v):options(mr[load](Parent.children))), load)
      db.session:expunge_all()
      -- Now the parents are in the identity map, and there are options below them.
      local parents = Parent.query:all()
      assert.equal(wanted_references, references(mr[load](Child.parent):joinedload(Parent.children)),
        load .. " of known parents")
      assert.equal(2, #parents)
    end
    db.session:expunge_all()
    assert.equal(wanted_collections, collections(Parent.query:outerjoin(Parent.children)
      :options(mr.contains_eager(Parent.children)):order_by(Parent.v, Child.id)))
  end

  it("a reference to integers is text", function()
    open("INTEGER", db.Integer, "TEXT", db.Text, "(5, 'five'), (6, 'six')",
      "(1, '5'), (2, '05'), (3, '9'), (4, 'x'), (5, NULL), (6, '6')")
    check("five five - - - six", "five:1,2 six:6")
  end)

  it("a reference to texts is an integer", function()
    open("TEXT", db.Text, "INTEGER", db.Integer, "('5', 'five'), ('06', 'six')", "(1, 5), (2, 6), (3, 7), (4, NULL)")
    check("five six - -", "five:1 six:2")
  end)

  it("a reference to floats is an integer, and one to integers a float", function()
    open("FLOAT", db.Float, "INTEGER", db.Integer, "(5, 'five'), (6.5, 'six')", "(1, 5), (2, 6), (3, NULL)")
    check("five - -", "five:1 six:")
    db = mr.open "sqlite://"
    open("INTEGER", db.Integer, "FLOAT", db.Float, "(5, 'five'), (6, 'six')", "(1, 5), (2, 6.5), (3, 6.0)")
    check("five - six", "five:1 six:3")
  end)

  it("columns without a type, or of floats, hold integers in two ways", function()
    for _, declared in ipairs{ "", "BLOB", "FLOAT" } do
      db = mr.open "sqlite://"
      open("INTEGER", db.Integer, declared, db.Integer, "(5, 'five'), (6, 'six')",
        "(1, 5), (2, 5.0), (3, 6.0), (4, NULL), (5, 7.0)")
      check("five five six - -", "five:1,2 six:3")
      assert.equal("integer", math.type(db.session:get(Child, 2).parent_k))
      db = mr.open "sqlite://"
      open(declared, db.Integer, "INTEGER", db.Integer, "(5.0, 'five'), (6, 'six')", "(1, 5), (2, 6), (3, 7)")
      check("five six -", "five:1 six:2")
      local five = db.session:get(Parent, 5)
      assert.equal("integer", math.type(five.k))
      assert.equal(five, db.session:get(Child, 1).parent)
      assert.equal(five, db.session:get(Parent, five.k))
    end
  end)

  it("a column without a type has no rule to turn integers into texts", function()
    for _, declared in ipairs{ "", "BLOB" } do
      db = mr.open "sqlite://"
      open("TEXT", db.Text, declared, db.Integer, "('5', 'five'), ('6', 'six')", "(1, 5), (2, 6), (3, NULL)")
      check("- - -", "five: six:")
    end
  end)

  it("both do not regard case", function()
    open("TEXT COLLATE NOCASE", db.Text, "TEXT COLLATE NOCASE", db.Text, "('Abc', 'x'), ('d', 'y')",
      "(1, 'abc'), (2, 'ABC'), (3, 'e'), (4, 'D'), (5, NULL)")
    check("x x - y -", "x:1,2 y:4")
  end)

  it("the key alone does not regard case", function()
    open("TEXT COLLATE NOCASE", db.Text, "TEXT REFERENCES parent (k)", db.Text, "('Abc', 'x'), ('d', 'y')",
      "(1, 'abc'), (2, 'ABC'), (3, NULL), (4, 'D')")
    check("x x - y", "x:1,2 y:4")
  end)

  it("texts are in columns of numbers, or numbers in columns of texts", function()
    open("INTEGER", db.Text, "TEXT", db.Text, "(7, 'x'), (8, 'y')", "(1, '007'), (2, '7'), (3, '9'), (4, NULL)")
    check("x x - -", "x:1,2 y:")
    db = mr.open "sqlite://"
    open("TEXT", db.Integer, "INTEGER", db.Integer, "('7', 'x'), ('8', 'y')", "(1, 7), (2, 9), (3, NULL)")
    check("x - -", "x:1 y:")
  end)

  it("spaces at the end do not count", function()
    open("CHAR(5) COLLATE RTRIM", db.String, "CHAR(5) COLLATE RTRIM", db.String, "('ab   ', 'x'), ('c', 'y')",
      "(1, 'ab'), (2, 'ab '), (3, 'c    '), (4, 'd')")
    check("x x y -", "x:1,2 y:3")
  end)

  it("the reference is set by objects, which the column gets in its own type", function()
    open("INTEGER", db.Integer, "TEXT", db.Text, "(5, 'five'), (6, 'six')", "(1, '5')")
    local five, six = db.session:get(Parent, 5), db.session:get(Parent, 6)
    local child = Child.query:one()
    child.parent = six
    local new = Child{ parent = five }
    db.session:add(new)
    db.session:flush()
    assert.same({ "6", "5" }, { child.parent_k, new.parent_k })
    assert.equal(new, Child.query:with_parent(five):one())
    assert.equal(child, Child.query:filter(Child.parent:eq(six)):one())
    db.session:commit()
    assert.same({ six, five }, { child.parent, new.parent })
    db.session:delete(six)
    db.session:commit()
    assert.is_nil(child.parent_k)
    db = mr.open "sqlite://"
    open("TEXT", db.Text, "INTEGER", db.Integer, "('5', 'five'), ('06', 'six')", "(1, 5)")
    child = Child.query:one()
    child.parent = db.session:get(Parent, "06")
    db.session:commit()
    assert.same({ 6, "six" }, { child.parent_k, child.parent.v })
    db = mr.open "sqlite://"
    open("TEXT", db.Text, "REAL", db.Float, "('1.5', 'half'), ('2', 'two'), ('1e-1', 'tenth'), ('nan', 'none')",
      "(1, 2.0)")
    for key, number in pairs{ ["1.5"] = 1.5, ["2"] = 2.0, ["1e-1"] = 0.1, nan = "nan" } do
      child = Child{ parent = db.session:get(Parent, key) }
      db.session:add(child)
      db.session:flush()
      assert.equal(number, child.parent_k)
      if key ~= "nan" then assert.equal("float", math.type(child.parent_k)) end
    end
    db.session:rollback()
  end)

  it("a deleted parent lets go of children under every spelling", function()
    open("TEXT COLLATE NOCASE", db.Text, "TEXT REFERENCES parent (k)", db.Text, "('Abc', 'x'), ('d', 'y')",
      "(1, 'abc'), (2, 'ABC'), (3, 'D')")
    db.session:delete(db.session:get(Parent, "ABC"))
    db.session:commit()
    assert.equal("d", db.session:get(Child, 3).parent.k)
    assert.equal(2, stored "SELECT count(*) FROM child WHERE parent_k IS NULL")
  end)
end)

describe("a many-to-many over texts without regard to case", function()
  it("gives the same by every strategy", function()
    run("CREATE TABLE post (k TEXT COLLATE NOCASE PRIMARY KEY, v TEXT)",
      "CREATE TABLE tag (id TEXT COLLATE NOCASE PRIMARY KEY)",
      "CREATE TABLE post_tag (post_k TEXT, tag_id TEXT)",
      "INSERT INTO post VALUES ('A', 'a'), ('b', 'b')", "INSERT INTO tag VALUES ('Red'), ('blue')",
      "INSERT INTO post_tag VALUES ('a', 'RED'), ('A', 'BLUE'), ('B', 'red')")
    local Post = db.Model:extend("Post", {
      k = db.Column{ db.Text, primary_key = true },
      v = db.Column{ db.Text },
      tags = db.relationship{ "Tag", secondary = "post_tag", backref = "posts", order_by = "Tag.id" },
    })
    db.Model:extend("Tag", { id = db.Column{ db.Text, primary_key = true } })
    db.Table("post_tag", db.metadata, db.Column("post_k", db.Text, db.ForeignKey "post.k"),
      db.Column("tag_id", db.Text, db.ForeignKey "tag.id"))
    for _, load in ipairs(strategies) do
      db.session:expunge_all()
      local out = {}
      for _, post in ipairs(Post.query:order_by(Post.v):options(mr[load](Post.tags)):all()) do
        out[#out + 1] = post.v .. tostring(post.tags)
      end
      assert.same({ "a{<Tag 'blue'>, <Tag 'Red'>}", "b{<Tag 'Red'>}" }, out, load)
    end
  end)
end)

describe("a value that is none of the key's type", function()
  it("refers to what the database finds by it, or to nothing, and no internal name is told", function()
    run("CREATE TABLE parent (a INTEGER, b INTEGER, v TEXT, PRIMARY KEY (a, b))",
      "CREATE TABLE child (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER)",
      "INSERT INTO parent VALUES (1, 'x', 'one'), (2, 2, 'two')",
      "INSERT INTO child VALUES (1, 1, 'x'), (2, 2, 2), (3, 'q', 'x')")
    local Parent = db.Model:extend("Parent", {
      a = db.Column{ db.Integer, primary_key = true, autoincrement = false },
      b = db.Column{ db.Integer, primary_key = true, autoincrement = false },
      v = db.Column{ db.Text },
    })
    local Child = db.Model:extend("Child", {
      id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ db.Integer },
      b = db.Column{ db.Integer },
      parent = db.relationship{ "Parent" },
      __table_args = { db.ForeignKeyConstraint({ "a", "b" }, { "parent.a", "parent.b" }) },
    })
    for _, load in ipairs(strategies) do
      db.session:expunge_all()
      local out = {}
      local q = Child.query:order_by(Child.id):options(mr[load](Child.parent))
      for _, child in ipairs(q:execution_options{ bad_values = "keep" }:all()) do
        out[#out + 1] = child.parent and child.parent.v or "-"
      end
      assert.equal("one two -", table.concat(out, " "), load)
    end
    local ok, e = pcall(db.session.get, db.session, Parent, { "x", 1 })
    assert.is_false(ok)
    assert.matches('Parent.a: expected an integer, got string "x"', e.message, 1, true)
  end)
end)
