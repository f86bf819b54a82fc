-- Rows that are no table's: values, functions that give rows, lateral subqueries. SQLite runs them; the spelling of
-- PostgreSQL is that of the mock.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, User, Post, s, f

before_each(function()
  w = select_support.open()
  User, Post, s, f = w.User, w.Post, w.session, mr.func
end)
after_each(function() s:remove() end)

local function numbers(rows, name)
  return mr.values({ mr.column("id", mr.Integer), mr.column("word", mr.String) }, rows, { name = name })
end

describe("mr.values", function()
  it("are rows to read and to join", function()
    local v = numbers({ { 1, "one" }, { 2, "two" } }, "v")
    w.gives("1 one; 2 two", mr.select(v),
      "SELECT v.id, v.word FROM (SELECT column1 AS id, column2 AS word FROM (VALUES (?, ?), (?, ?))) AS v")
    w.gives("ann one; bob two", mr.select(User.name, v.c.word):join(v, v.c.id:eq(User.id)):order_by(User.id))
    w.on_postgresql("SELECT v.id, v.word FROM (VALUES (CAST($1 AS INTEGER), $2), ($3, $4)) AS v (id, word)",
      mr.select(v))
  end)

  it("have a name that is made, and may stand twice", function()
    local a, b = numbers{ { 1, "x" } }, numbers{ { 2, "y" } }
    w.gives("x y", mr.select(a.c.word, b.c.word):where(a.c.id:lt(b.c.id)))
  end)

  it("take NULL, expressions, dates and every type of a column", function()
    local v = mr.values({ mr.column("d", mr.Date), mr.column("b", mr.Boolean), mr.column("n", mr.Integer) },
      { { mr.date(2024, 2, 29), true, mr.null }, { "2024-03-01", false, mr.literal(1) + 1 } })
    local rows = s:execute(mr.select(v):order_by(v.c.d)):all()
    assert.equal(mr.date(2024, 2, 29), rows[1].d)
    assert.equal(true, rows[1].b)
    assert.is_nil(rows[1].n)
    assert.equal(2, rows[2].n)
  end)

  it("say their types in the first row for PostgreSQL, which takes a date for a text there", function()
    local columns = { mr.column("d", mr.Date), mr.column("b", mr.Boolean), mr.column("n", mr.Numeric(10, 2)),
      mr.column "x", mr.column("t", mr.Text) }
    local first, second = { mr.null, true, "2.5", 1, "a" }, { mr.date(2024, 3, 1), false, mr.null, 2, "b" }
    local v = mr.values(columns, { first, second }, { name = "v" })
    w.on_postgresql("SELECT v.d FROM (VALUES (CAST($1 AS DATE), CAST($2 AS BOOLEAN), CAST($3 AS NUMERIC(10, 2)), $4, "
      .. "$5), ($6, $7, $8, $9, $10)) AS v (d, b, n, x, t)", mr.select(v.c.d))
  end)

  it("stand in a subquery, in IN and in an UPDATE's criterion", function()
    local v = numbers{ { 1, "ann" }, { 3, "nobody" } }
    w.gives("ann; cid", mr.select(User.name):where(User.id:in_(mr.select(v.c.id))):order_by(User.id))
    w.gives("ann", mr.select(User.name):where(mr.exists():where(v.c.word:eq(User.name))))
    assert.equal(2, s:execute(mr.update(User):where(User.id:in_(mr.select(v.c.id))):values{ age = 1 }).rowcount)
    s:rollback()
  end)

  it("have another name by alias", function()
    local a = numbers({ { 1, "x" }, { 2, "y" } }, "a")
    local b = a:alias "b"
    w.gives("x y", mr.select(a.c.word, b.c.word):where(a.c.id:lt(b.c.id)))
    local j = f.json_each "[1, 2]":table_valued("value"):alias "jj"
    w.gives("1; 2", mr.select(j.c.value), "SELECT jj.value FROM json_each(?) AS jj")
    local l = mr.select(Post.id):where(Post.user_id:eq(User.id)):lateral("a"):alias "b"
    w.on_postgresql('SELECT b.id FROM LATERAL (SELECT post.id AS id FROM post, "user" WHERE post.user_id = '
      .. '"user".id) AS b',
      mr.select(l.c.id))
  end)

  it("are what an UPDATE reads", function()
    local v = numbers({ { 1, "new" }, { 2, "newer" } }, "v")
    assert.equal(2, s:execute(mr.update(User):values{ name = v.c.word }:where(User.id:eq(v.c.id))).rowcount)
    w.gives("new; newer; cid", mr.select(User.name):order_by(User.id))
    s:rollback()
  end)

  it("are one statement for rows of one number", function()
    assert.equal(tostring(mr.select(numbers{ { 1, "a" } })), tostring(mr.select(numbers{ { 2, "b" } })))
    local v = numbers({ { 1, "a" }, { 2, "b" }, { 3, "c" } })
    w.gives("3", mr.select(f.count()):select_from(v))
  end)

  it("have columns and rows that fit", function()
    refuse("ArgumentError", { "values", "row 2", "1 values for 2" }, numbers, { { 1, "a" }, { 2 } })
    refuse("ArgumentError", { "id", "integer" }, numbers, { { "x", "a" } })
    refuse("ArgumentError", { "values", "there must be a row" }, numbers, {})
    local twice = { mr.column("a", mr.Integer), mr.column("b"), mr.column("a", mr.String) }
    refuse("ArgumentError", { "values", "two columns", "'a'" }, mr.values, twice, { { 1, 2, "x" } })
    local alike = { mr.column "a", mr.column "A" }
    refuse("ArgumentError", { "values", "two columns", "'A'" }, mr.values, alike, { { 1, 2 } })
    refuse("ArgumentError", { "table_valued", "two columns", "'key'" },
      function() return f.json_each("[1]"):table_valued("key", "value", "key") end)
    refuse("ArgumentError", { "table_valued", "two columns", "'n'" },
      function() return f.generate_series(1, 2):table_valued("n", { with_ordinality = "n" }) end)
    refuse("ArgumentError", { "values", "list of columns" }, mr.values, mr.column "a")
    refuse("ArgumentError", { "values", "mr.column" }, mr.values, { User.id }, { { 1 } })
    refuse("ArgumentError", { "values", "at least one column" }, mr.values, {}, { { 1 } })
    refuse("ArgumentError", { "unknown option 'nam'" }, mr.values, { mr.column "a" }, { { 1 } }, { nam = "x" })
  end)
end)

describe("a function that gives rows", function()
  local doc

  before_each(function()
    s:execute(mr.text "CREATE TABLE doc (id INTEGER PRIMARY KEY, data TEXT)")
    doc = mr.table("doc", mr.column("id", mr.Integer), mr.column("data", mr.Text))
    s:execute(mr.insert(doc), { { id = 1, data = "[1, 2, 3]" }, { id = 2, data = "[5]" }, { id = 3, data = "[]" } })
  end)

  it("is read by the names of its columns", function()
    local j = f.json_each('{"a": 1, "b": "x"}'):table_valued("key", "value")
    w.gives("a 1; b x", mr.select(j.c.key, j.c.value):order_by(j.c.key),
      'SELECT anon_1."key", anon_1.value FROM json_each(?) AS anon_1 ORDER BY anon_1."key"')
    local typed = f.json_each("[1, 2]"):table_valued(mr.column("value", mr.Integer), { name = "j" })
    w.gives("3", mr.select(f.sum(typed.c.value)), "SELECT sum(j.value) AS sum_1 FROM json_each(?) AS j")
  end)

  it("takes columns of what it stands beside, which it needs not name", function()
    local j = f.json_each(doc.c.data):table_valued("value")
    w.gives("1 1; 1 2; 1 3; 2 5", mr.select(doc.c.id, j.c.value):order_by(doc.c.id, j.c.value),
      "SELECT doc.id, anon_1.value FROM doc, json_each(doc.data) AS anon_1 ORDER BY doc.id, anon_1.value")
    w.gives("1; 2; 3", mr.select(j.c.value):where(doc.c.id:eq(1)):order_by(j.c.value))
  end)

  it("is joined, also outer, and asked whether it has a row", function()
    local j = f.json_each(doc.c.data):table_valued("value")
    w.gives("1 2; 1 3; 2 5", mr.select(doc.c.id, j.c.value):join_from(doc, j, j.c.value:gt(1)):order_by(doc.c.id,
      j.c.value))
    w.gives("1 3; 2 1; 3 0", mr.select(doc.c.id, f.count(j.c.value)):select_from(mr.outerjoin(doc, j, mr.true_))
      :group_by(doc.c.id):order_by(doc.c.id))
    w.gives("2", mr.select(doc.c.id):where(mr.exists():where(j.c.value:eq(5))))
  end)

  it("is spelled for PostgreSQL with the names of its columns, or numbered", function()
    local g = f.generate_series(1, 3)
    local v = g:table_valued("n", { name = "g" })
    w.on_postgresql("SELECT g.n FROM generate_series($1, $2) AS g (n)", mr.select(v.c.n))
    w.on_postgresql("SELECT g.n FROM generate_series($1, $2) AS g (n)",
      mr.select(g:table_valued("n", { name = "g", derived = true }).c.n))
    local numbered = g:table_valued("n", { name = "g", with_ordinality = "place" })
    w.on_postgresql("SELECT g.n, g.place FROM generate_series($1, $2) WITH ORDINALITY AS g (n, place)",
      mr.select(numbered.c.n, numbered.c.place))
    refuse("ArgumentError", { "table_valued", "sqlite", "WITH ORDINALITY", "row_number()" },
      function() s:execute(mr.select(numbered.c.n)):all() end)
  end)

  it("has the program's name for a sole column, which PostgreSQL would call as the function is called", function()
    local words = f.unnest(f.string_to_array("a,b", ",")):table_valued("word", { name = "w" })
    w.on_postgresql("SELECT w.word FROM unnest(string_to_array($1, $2)) AS w (word)", mr.select(words.c.word))
    local pair = f.json_each '{"a": 1}':table_valued("key", { name = "j" })
    w.on_postgresql("SELECT j.key FROM json_each($1) AS j", mr.select(pair.c.key))
  end)

  it("generate_series counts on SQLite, too, by any step, and takes no column that stands beside it", function()
    local function series(...)
      local g = f.generate_series(...):table_valued(mr.column("n", mr.Integer), { name = "g" })
      return mr.select(g.c.n), g
    end
    w.gives("1; 2; 3", (series(1, 3)))
    w.gives("1; 4; 7", (series(1, 9, 3)))
    w.gives("3; 2; 1", (series(3, 1, -1)))
    w.gives("", (series(3, 1)))
    w.gives("", (series(1, 3, 0)))
    local _, g = series(1, 4)
    local joined = mr.select(g.c.n, User.name):join_from(g, User, User.id:eq(g.c.n), { isouter = true })
    w.gives("1 ann; 2 bob; 3 cid; 4 -", joined:order_by(g.c.n))
    w.gives("10", mr.select(f.sum(g.c.n)))
    refuse("ArgumentError", { "generate_series", "one column" },
      function() s:execute(mr.select(f.generate_series(1):table_valued("n").c.n)):all() end)
    refuse("ArgumentError", { "generate_series", "sqlite", "'id'", "where(" },
      function() s:execute((series(doc.c.id, 3))):all() end)
    local U = mr.aliased(User)
    refuse("ArgumentError", { "generate_series", "'id'" },
      function() s:execute((series(1, U.id)):add_columns(U.name)):all() end)
    refuse("ArgumentError", "generate_series", function()
      s:execute(mr.update(User):values{ name = "x" }:where(User.id:eq(select(2, series(1, User.id)).c.n)))
    end)
    w.gives("ann 1; bob 3; cid 6", mr.select(User.name, mr.select(f.sum(g.c.n)):where(g.c.n:le(User.id))
      :scalar_subquery()):order_by(User.id))
    local inner = select(2, series(1, User.id))
    w.gives("ann 1; bob 3; cid 6", mr.select(User.name, mr.select(f.sum(inner.c.n)):scalar_subquery())
      :order_by(User.id))
  end)

  it("warns of no product, and comes behind what it takes columns of", function()
    local j = f.json_each(doc.c.data):table_valued("value")
    local q = mr.select(j.c.value, doc.c.id):order_by(j.c.value)
    assert.equal("SELECT anon_1.value, doc.id FROM doc, json_each(doc.data) AS anon_1 ORDER BY anon_1.value",
      tostring(q))
  end)

  it("is the call of a function, with columns", function()
    refuse("ArgumentError", { "table_valued", "mr.func", "User.id" }, function() return User.id:table_valued("a") end)
    refuse("ArgumentError", { "table_valued", "columns" }, function() return f.json_each("[]"):table_valued() end)
    refuse("ArgumentError", { "table_valued", "mr.column" }, function() return f.json_each("[]"):table_valued(3) end)
    refuse("ArgumentError", { "unknown option 'nmae'", "name" },
      function() return f.json_each("[]"):table_valued("a", { nmae = "x" }) end)
  end)
end)

describe("a lateral subquery", function()
  local function newest()
    return mr.select(Post.title):where(Post.user_id:eq(User.id)):order_by(Post.id:desc()):limit(1):lateral "newest"
  end

  it("names what stands before it, on PostgreSQL", function()
    local l = newest()
    w.on_postgresql('SELECT "user".name, newest.title FROM "user" JOIN LATERAL (SELECT post.title AS title FROM post '
      .. 'WHERE post.user_id = "user".id ORDER BY post.id DESC LIMIT $1) AS newest ON true',
      mr.select(User.name, l.c.title):join(l, mr.true_))
    w.on_postgresql('SELECT newest.title, "user".name FROM "user", LATERAL (SELECT post.title AS title FROM post '
      .. 'WHERE post.user_id = "user".id ORDER BY post.id DESC LIMIT $1) AS newest', mr.select(l.c.title, User.name))
    w.on_postgresql('SELECT "user".name, newest.title FROM "user" LEFT OUTER JOIN LATERAL (SELECT '
      .. "post.title AS title FROM post "
      .. 'WHERE post.user_id = "user".id ORDER BY post.id DESC LIMIT $1) AS newest ON true',
      mr.select(User.name, l.c.title):outerjoin(l, mr.true_))
  end)

  it("is refused with other ways on SQLite", function()
    local l = newest()
    refuse("ArgumentError", { "lateral", "sqlite", "scalar_subquery()", "row_number()" },
      function() s:execute(mr.select(User.name, l.c.title):join(l, mr.true_)):all() end)
  end)

  it("has a name that is made, and needs columns that are known", function()
    local l = mr.select(Post.id):where(Post.user_id:eq(User.id)):lateral()
    w.on_postgresql('SELECT "user".id, anon_1.id AS id_1 FROM "user", LATERAL (SELECT post.id AS id FROM post WHERE '
      .. 'post.user_id = "user".id) AS anon_1', mr.select(User.id, l.c.id))
    refuse("InvalidRequestError", "lateral", function() s:query(User):from_statement(mr.text "SELECT 1"):lateral() end)
  end)
end)
