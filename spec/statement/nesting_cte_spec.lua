-- CTEs inside of CTEs, subqueries and unions, by default in front of the whole statement; with nesting = true in front
-- of the innermost query that reads them. Restates cases of NestingCTETest of SQLAlchemy's test/sql/test_cte.py:
--
--   test_select_with_nesting_cte_in_cte, test_nesting_cte_at_top_level   stands inside of the CTE that reads it
--   test_double_nesting_cte_in_cte, test_nesting_cte_in_nesting_cte_in_cte   may read another one
--   test_nesting_cte_in_recursive_cte, test_recursive_nesting_cte_in_cte,
--   test_recursive_nesting_cte_in_recursive_cte     and recursion: around and inside
--   test_same_nested_cte_is_not_generated_twice     is written once in a query, and once in each that reads it
--   test_nesting_cte_in_cte_with_same_name          may have the name of another one
--   test_compound_select_with_nesting_cte_in_cte    of a union stands in front of it
--   test_select_from_insert_cte_with_nesting, test_select_from_update_cte_with_nesting,
--   test_select_from_delete_cte_with_nesting        stands in an INSERT, UPDATE and DELETE
--   test_select_with_nesting_cte_in_cte_w_add_cte   stands where add_cte says

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local blog = require "spec.support.blog"

local function postgres(statement) return statement:sql{ dialect = "postgresql" } end

--- A nesting CTE of one row and one column, v.
local function one(value, name) return mr.select(mr.literal(value):label "v"):cte(name, { nesting = true }) end

describe("a nesting CTE", function()
  local db, s, Post, Comment, Tag

  before_each(function()
    local m = blog.filled()
    db, s, Post, Comment, Tag = m.db, m.db.session, m.Post, m.Comment, m.Tag
  end)

  --- Asserts the SQL and the rows of the query, which is one statement.
  local function gives(rows, sql, query)
    local found
    local records = db:record(function() found = s:execute(query):all() end)
    assert.same({ sql }, { records[1].statement, records[2] and records[2].statement })
    local texts = {}
    for i, row in ipairs(found) do texts[i] = tostring(row) end
    assert.equal(rows, table.concat(texts, " "))
  end

  it("stands inside of the CTE or subquery that reads it", function()
    local n = one(1, "n")
    gives("(1)", "WITH n AS (SELECT ? AS v) SELECT n.v FROM n", mr.select(n.c.v))
    gives("(1)", "WITH c AS (WITH n AS (SELECT ? AS v) SELECT n.v AS o FROM n) SELECT c.o FROM c",
      mr.select(mr.select(n.c.v:label "o"):cte("c").c.o))
    gives("(1)", "SELECT x.v FROM (WITH n AS (SELECT ? AS v) SELECT n.v AS v FROM n) AS x",
      mr.select(mr.select(n.c.v):subquery("x").c.v))
    gives('("a", 3) ("b", 4)', "SELECT post.title, (WITH n AS (SELECT ? AS v) SELECT n.v + post.id AS anon_1 FROM n) "
      .. "AS z FROM post WHERE post.title < ? ORDER BY post.title",
      mr.select(Post.title, mr.select(n.c.v + Post.id):scalar_subquery():label "z"):where(Post.title:lt "c")
        :order_by(Post.title))
  end)

  it("may read another one", function()
    local n = one(1, "n")
    local m = mr.select((n.c.v + 5):label "v"):cte("m", { nesting = true })
    gives("(6)", "WITH c AS (WITH m AS (WITH n AS (SELECT ? AS v) SELECT n.v + ? AS v FROM n) SELECT m.v AS v FROM m) "
      .. "SELECT c.v FROM c", mr.select(mr.select(m.c.v):cte("c").c.v))
    gives("(6, 1)", "SELECT x.v, x.w FROM (WITH m AS (WITH n AS (SELECT ? AS v) SELECT n.v + ? AS v FROM n), n AS "
      .. "(SELECT ? AS v) SELECT m.v AS v, n.v AS w FROM m JOIN n ON m.v != n.v) AS x",
      (function()
        local x = mr.select(m.c.v, n.c.v:label "w"):join_from(m, n, m.c.v:ne(n.c.v)):subquery "x"
        return mr.select(x.c.v, x.c.w)
      end)())
  end)

  it("is written once in a query, and once in each that reads it", function()
    local n = one(1, "n")
    gives("(1)", "WITH n AS (SELECT ? AS v) SELECT n.v FROM n WHERE EXISTS (SELECT post.id FROM post WHERE "
      .. "post.id = n.v)", mr.select(n.c.v):where(mr.exists(mr.select(Post.id):where(Post.id:eq(n.c.v)))))
    local few = mr.select(Post.id):where(Post.id:in_(mr.select(n.c.v)) | Post.id:in_(mr.select(n.c.v + 1)))
    gives("(1) (2)", "SELECT post.id FROM post WHERE post.id IN (WITH n AS (SELECT ? AS v) SELECT n.v FROM n) OR "
      .. "post.id IN (WITH n AS (SELECT ? AS v) SELECT n.v + ? AS anon_1 FROM n)", few)
  end)

  it("may have the name of another one, where the two are not read in one query", function()
    local n, second, outer = one(1, "n"), one(2, "n"), mr.select(mr.literal(7):label "v"):cte "n"
    local a, b = mr.select(n.c.v):subquery "a", mr.select(second.c.v):subquery "b"
    gives("(1, 2)", "SELECT a.v, b.v AS v_1 FROM (WITH n AS (SELECT ? AS v) SELECT n.v AS v FROM n) AS a JOIN "
      .. "(WITH n AS (SELECT ? AS v) SELECT n.v AS v FROM n) AS b ON a.v != b.v",
      mr.select(a.c.v, b.c.v):join_from(a, b, a.c.v:ne(b.c.v)))
    gives("(1, 7)", "WITH n AS (SELECT ? AS v) SELECT a.v, n.v AS v_1 FROM (WITH n AS (SELECT ? AS v) SELECT n.v AS v "
      .. "FROM n) AS a JOIN n ON a.v != n.v", mr.select(a.c.v, outer.c.v):join_from(a, outer, a.c.v:ne(outer.c.v)))
    for _, pair in ipairs{ { n, second }, { n, outer }, { outer, n } } do
      local both = mr.select(pair[1].c.v, pair[2].c.v:label "w"):join_from(pair[1], pair[2], mr.true_)
      refuse("ArgumentError", { "two different CTEs", "'n'" }, function() s:execute(both) end)
      refuse("ArgumentError", { "two different CTEs", "'n'" }, function() s:execute(mr.select(both:subquery().c.w)) end)
    end
  end)

  it("of a union stands in front of it; of a member with a limit inside of that", function()
    local n, second = one(1, "n"), one(2, "n")
    local union = mr.union_all(mr.select(n.c.v), mr.select(n.c.v + 1))
    gives("(1) (2)", "WITH n AS (SELECT ? AS v) SELECT n.v FROM n UNION ALL SELECT n.v + ? AS anon_1 FROM n", union)
    gives("(1) (2)", "SELECT u.v FROM (WITH n AS (SELECT ? AS v) SELECT n.v AS v FROM n UNION ALL SELECT n.v + ? AS "
      .. "anon_1 FROM n) AS u", mr.select(union:subquery("u").c.v))
    gives("(1) (2)", "WITH n AS (SELECT ? AS v) SELECT * FROM (WITH n AS (SELECT ? AS v) SELECT n.v FROM n LIMIT ?) "
      .. "UNION ALL SELECT n.v FROM n", mr.union_all(mr.select(n.c.v):limit(1), mr.select(second.c.v)))
  end)

  it("and recursion: around and inside", function()
    local n = one(1, "n")
    local r = mr.select(n.c.v:label "r"):cte("r", { recursive = true })
    r = r:union(mr.select(r.c.r + 1):where(r.c.r:lt(3)))
    gives("(1) (2) (3)", "WITH RECURSIVE r(r) AS (WITH n AS (SELECT ? AS v) SELECT n.v AS r FROM n UNION SELECT r.r "
      .. "+ ? AS anon_1 FROM r WHERE r.r < ?) SELECT r.r FROM r", mr.select(r.c.r))
    local q = mr.select(mr.literal(1):label "q"):cte("q", { recursive = true, nesting = true })
    q = q:union_all(mr.select(q.c.q + 1):where(q.c.q:lt(2)))
    gives("(1) (2)", "WITH c AS (WITH RECURSIVE q(q) AS (SELECT ? AS q UNION ALL SELECT q.q + ? AS anon_1 FROM q WHERE "
      .. "q.q < ?) SELECT q.q AS q FROM q) SELECT c.q FROM c", mr.select(mr.select(q.c.q):cte("c").c.q))
    local both = mr.select(q.c.q:label "r"):cte("r", { recursive = true })
    both = both:union(mr.select(both.c.r + 1):where(both.c.r:lt(4)))
    gives("(1) (2) (3) (4)", "WITH RECURSIVE r(r) AS (WITH RECURSIVE q(q) AS (SELECT ? AS q UNION ALL SELECT q.q + ? "
      .. "AS anon_1 FROM q WHERE q.q < ?) SELECT q.q AS r FROM q UNION SELECT r.r + ? AS anon_1 FROM r WHERE r.r < ?) "
      .. "SELECT r.r FROM r ORDER BY r.r", mr.select(both.c.r):order_by(both.c.r))
  end)

  it("sees the query around its own", function()
    local of = mr.select(Comment.id):where(Comment.post_id:eq(Post.id)):correlate(Post):cte("own", { nesting = true })
    gives('("a", 2) ("b", 1)', "SELECT post.title, (WITH own AS (SELECT comment.id AS id FROM comment WHERE "
      .. "comment.post_id = post.id) SELECT count(*) AS count_1 FROM own) AS n FROM post WHERE post.title < ? "
      .. "ORDER BY post.title",
      mr.select(Post.title, mr.select(mr.func.count()):select_from(of):scalar_subquery():label "n")
        :where(Post.title:lt "c"):order_by(Post.title))
  end)

  it("gives objects, with limits and eager loads", function()
    local P = mr.aliased(Post, mr.select(Post):where(Post.title:gt "a"):cte("p", { nesting = true }))
    assert.equal("{<b>}", tostring(s:query(P):order_by(P.title):limit(1):all()))
    local posts
    assert.equal(1, #db:record(function()
      posts = s:query(P):options(mr.joinedload(P.comments)):order_by(P.title):limit(1):all()
      assert.equal("<b1>", tostring(posts[1].comments[1]))
    end))
    assert.equal(3, s:query(P):count())
    assert.equal("<b>", tostring(s:query(P):order_by(P.title):first()))
  end)

  it("stands in an INSERT, UPDATE and DELETE", function()
    local n = one(3, "n")
    local made = mr.insert(Tag):from_select({ "name" }, mr.select(n.c.v:cast(db.String)))
    assert.equal("INSERT INTO tag (name) WITH n AS (SELECT ? AS v) SELECT CAST(n.v AS VARCHAR) AS v FROM n",
      tostring(made))
    assert.equal(1, s:execute(made).rowcount)
    local written = mr.update(Tag):values{ name = "q" }:where(Tag.id:eq(n.c.v))
    assert.equal("WITH n AS (SELECT ? AS v) UPDATE tag SET name=? FROM n WHERE tag.id = n.v", tostring(written))
    assert.equal(1, s:execute(written).rowcount)
    local gone = mr.delete(Comment):where(Comment.id:in_(mr.select(n.c.v)))
    assert.equal("DELETE FROM comment WHERE comment.id IN (WITH n AS (SELECT ? AS v) SELECT n.v FROM n)",
      tostring(gone))
    assert.equal(1, s:execute(gone).rowcount)
    local up = written:returning(Tag.id):cte("up", { nesting = true })
    assert.equal("SELECT x.id FROM (WITH up AS (WITH n AS (SELECT $1 AS v) UPDATE tag SET name=$2 FROM n WHERE "
      .. "tag.id = n.v RETURNING tag.id) SELECT up.id AS id FROM up) AS x",
      postgres(mr.select(mr.select(up.c.id):subquery("x").c.id)))
  end)

  it("stands where add_cte says, even if nothing reads it", function()
    gives("(1) (2) (3) (4)", "SELECT x.id FROM (WITH n AS (SELECT ? AS v) SELECT post.id AS id FROM post) AS x "
      .. "ORDER BY x.id", (function()
        local x = mr.select(Post.id):add_cte(one(1, "n")):subquery "x"
        return mr.select(x.c.id):order_by(x.c.id)
      end)())
    refuse("ArgumentError", { "nesting" }, function() mr.select(Post):cte("n", { nesting = 1 }) end)
  end)

  it("is another statement than one in front of all, also from the cache", function()
    for _ = 1, 2 do
      for nesting, sql in pairs{
        [true] = "SELECT x.v FROM (WITH n AS (SELECT ? AS v) SELECT n.v AS v FROM n) AS x",
        [false] = "WITH n AS (SELECT ? AS v) SELECT x.v FROM (SELECT n.v AS v FROM n) AS x",
      } do
        local n = mr.select(mr.literal(5):label "v"):cte("n", { nesting = nesting })
        gives("(5)", sql, mr.select(mr.select(n.c.v):subquery("x").c.v))
      end
    end
  end)
end)

describe("a CTE without nesting", function()
  it("stands in front of all where a CTE, a subquery or a recursion reads it", function()
    local m = blog.filled()
    local s, Post = m.db.session, m.Post
    local few = mr.select(Post.id):where(Post.title:gt "a"):cte "few"
    local head = "WITH few AS (SELECT post.id AS id FROM post WHERE post.title > ?)"
    local c, x = mr.select(few.c.id):cte "c", mr.select(few.c.id):subquery "x"
    assert.equal(head .. ", c AS (SELECT few.id AS id FROM few) SELECT c.id FROM c", tostring(mr.select(c.c.id)))
    assert.equal(head .. " SELECT x.id FROM (SELECT few.id AS id FROM few) AS x", tostring(mr.select(x.c.id)))
    assert.equal(3, #s:execute(mr.select(x.c.id)):all())
    local n = mr.select(mr.literal(1):label "n"):cte("n", { recursive = true })
    n = n:union_all(mr.select(n.c.n + 1):where(n.c.n:lt(3)))
    local k = mr.select(n.c.n:label "k"):cte("k", { recursive = true })
    k = k:union(mr.select(k.c.k + n.c.n):where(k.c.k:lt(5)):join_from(k, n, mr.true_))
    assert.equal("{1, 2, 3, 4, 5, 6, 7}", tostring(s:scalars(mr.select(k.c.k):order_by(k.c.k)):all()))
  end)
end)
