-- CTEs in front of INSERT, UPDATE and DELETE, and these as CTEs. Restates cases of test/sql/test_cte.py (inserts,
-- updates and deletes from and as a CTE, add_cte, recursion, hints) and of test/dialect/postgresql/test_query.py.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local blog = require "spec.support.blog"

local function postgres(statement) return statement:sql{ dialect = "postgresql" } end

describe("a CTE in front of a statement", function()
  local db, s, Post, Comment, Category, Tag

  before_each(function()
    local m = blog.filled()
    db, s, Post, Comment, Category, Tag = m.db, m.db.session, m.Post, m.Comment, m.Category, m.Tag
  end)

  local function bodies()
    local out = {}
    for i, c in ipairs(Comment.query:order_by(Comment.body):all()) do out[i] = c.body end
    return table.concat(out, " ")
  end

  --- Runs the statement alone (no objects follow it) and asserts that it is one, and its SQL. Returns how many rows it
  --- wrote or gave.
  local function runs(sql, statement)
    local n, quiet = nil, { synchronize_session = false }
    local records = db:record(function()
      local result = s:execute(statement, nil, not sql:find "SELECT post.title FROM" and quiet or nil)
      n = result.rowcount
      if result.returns_rows then n = #result:all() end
    end)
    assert.same({ sql }, { records[1] and records[1].statement, records[2] and records[2].statement })
    return n
  end

  it("gives INSERT ... SELECT its rows, with the defaults of other columns", function()
    local few = mr.select(Post.id, Post.title):where(Post.title:lt "c"):cte "few"
    assert.equal(2, runs("WITH few AS (SELECT post.id AS id, post.title AS title FROM post WHERE post.title < ?) "
      .. "INSERT INTO comment (post_id, body) SELECT few.id, few.title || ? AS anon_1 FROM few",
      mr.insert(Comment):from_select({ "post_id", "body" }, mr.select(few.c.id, few.c.title .. "9"))))
    assert.equal("a1 a2 a9 b1 b9", bodies())
  end)

  it("is named by the criteria and the values of UPDATE and DELETE", function()
    local counts = mr.select(Comment.post_id, mr.func.count():label "n"):group_by(Comment.post_id):cte "counts"
    local head = "WITH counts AS (SELECT comment.post_id AS post_id, count(*) AS n FROM comment GROUP BY "
      .. "comment.post_id) "
    assert.equal(2, runs(head .. "UPDATE post SET category_id=counts.n FROM counts WHERE counts.post_id = post.id",
      mr.update(Post):values{ category_id = counts.c.n }:where(counts.c.post_id:eq(Post.id))))
    assert.same({ 2, 1 }, { Post.query:filter_by{ title = "a" }:one().category_id,
      Post.query:filter_by{ title = "b" }:one().category_id })
    local update = mr.update(Post):values{
      title = mr.select(counts.c.n:cast(db.String)):where(counts.c.post_id:eq(Post.id)):scalar_subquery(),
    }:where(Post.id:in_(mr.select(counts.c.post_id)))
    assert.equal(2, runs(head .. "UPDATE post SET title=(SELECT CAST(counts.n AS VARCHAR) AS n FROM counts "
      .. "WHERE counts.post_id = post.id) WHERE post.id IN (SELECT counts.post_id FROM counts)", update))
    assert.equal(2, runs(head .. "DELETE FROM comment WHERE comment.post_id IN (SELECT counts.post_id FROM counts "
      .. "WHERE counts.n > ?)",
      mr.delete(Comment):where(Comment.post_id:in_(mr.select(counts.c.post_id):where(counts.c.n:gt(1))))))
    assert.equal("b1", bodies())
  end)

  it("may be recursive, and of two CTEs that name each other", function()
    local n = mr.select(mr.literal(1):label "n"):cte("n", { recursive = true })
    n = n:union_all(mr.select(n.c.n + 1):where(n.c.n:lt(4)))
    local even = mr.select(n.c.n):where((n.c.n % 2):eq(0)):cte "even"
    assert.equal(2, runs("WITH RECURSIVE n(n) AS (SELECT ? AS n UNION ALL SELECT n.n + ? AS anon_1 FROM n WHERE "
      .. "n.n < ?), even AS (SELECT n.n AS n FROM n WHERE n.n % ? = ?) INSERT INTO tag (name) SELECT "
      .. "CAST(even.n AS VARCHAR) AS n FROM even",
      mr.insert(Tag):from_select({ "name" }, mr.select(even.c.n:cast(db.String)))))
    assert.equal("{2, 4}", tostring(s:scalars(mr.select(Tag.name:cast(db.Integer)):where(Tag.name:lt "9")):all()))
  end)

  it("is written once, where it is named several times, and in the order in which they need each other", function()
    local few = mr.select(Post.id):where(Post.title:eq "a"):cte "few"
    local delete = mr.delete(Comment):where(Comment.post_id:in_(mr.select(few.c.id)),
      mr.exists(mr.select(few.c.id)))
    assert.equal("WITH few AS (SELECT post.id AS id FROM post WHERE post.title = ?) DELETE FROM comment WHERE "
      .. "comment.post_id IN (SELECT few.id FROM few) AND (EXISTS (SELECT few.id FROM few))", tostring(delete))
    assert.equal(2, s:execute(delete).rowcount)
  end)

  it("says whether the database keeps its rows", function()
    local q = mr.select(Post.id):where(Post.title:ne "b")
    for hint, words in pairs{ [true] = "AS MATERIALIZED (", [false] = "AS NOT MATERIALIZED (" } do
      local few = q:cte("few", { materialized = hint })
      assert.equal(3, s:scalar(mr.select(mr.func.count()):select_from(few)))
      assert.matches("WITH few " .. words .. "SELECT", tostring(mr.select(few.c.id)), 1, true)
      assert.equal(2, runs("WITH few " .. words .. "SELECT post.id AS id FROM post WHERE post.title != ?) UPDATE tag "
        .. "SET name=? WHERE tag.id IN (SELECT few.id FROM few)",
        mr.update(Tag):values{ name = "q" }:where(Tag.id:in_(mr.select(few.c.id)))))
    end
    local n = mr.select(mr.literal(1):label "n"):cte("n", { recursive = true, materialized = true })
    n = n:union_all(mr.select(n.c.n + 1):where(n.c.n:lt(3)))
    assert.matches("WITH RECURSIVE n(n) AS MATERIALIZED (SELECT", tostring(mr.select(n.c.n)), 1, true)
    assert.equal("{1, 2, 3}", tostring(s:scalars(mr.select(n.c.n)):all()))
    refuse("ArgumentError", { "materialized" }, function() q:cte("few", { materialized = "yes" }) end)
  end)

  it("stands there by add_cte, even if nothing reads it", function()
    local few = mr.select(Post.id):where(Post.title:eq "a"):cte "few"
    local more = mr.select(Category.id):cte "more"
    local head = "WITH few AS (SELECT post.id AS id FROM post WHERE post.title = ?)"
    assert.equal(4, runs(head .. " SELECT post.title FROM post", mr.select(Post.title):add_cte(few)))
    assert.equal(1, runs(head .. ", more AS (SELECT category.id AS id FROM category) INSERT INTO tag (name) VALUES (?)",
      mr.insert(Tag):values{ name = "n" }:add_cte(few, more)))
    assert.equal(1, runs(head .. " DELETE FROM comment WHERE comment.body = ?",
      mr.delete(Comment):add_cte(few):where(Comment.body:eq "a1")))
    assert.equal(head .. ", more AS (SELECT category.id AS id FROM category) UPDATE tag SET name=? WHERE tag.id IN "
      .. "(SELECT few.id FROM few)",
      tostring(mr.update(Tag):values{ name = "n" }:add_cte(few):add_cte(more)
        :where(Tag.id:in_(mr.select(few.c.id)))))
    assert.equal(4, Post.query:add_cte(few):count())
    assert.equal("<a>", tostring(Post.query:add_cte(few):order_by(Post.title):first()))
    for _, wrong in ipairs{ 5, Post, mr.select(Post.id), mr.select(Post.id):subquery "x" } do
      refuse("ArgumentError", { "add_cte", "a CTE" }, function() mr.select(Tag):add_cte(wrong) end)
      refuse("ArgumentError", { "add_cte", "a CTE" }, function() mr.delete(Tag):add_cte(few, wrong) end)
    end
    refuse("ArgumentError", { "add_cte", "a CTE" }, function() mr.select(Tag):add_cte() end)
    refuse("ArgumentError", { "update", "add_cte" }, function() Post.query:add_cte(few):update{ title = "x" } end)
  end)
end)

describe("an INSERT, UPDATE or DELETE as a CTE", function()
  local db, Post, Comment

  before_each(function()
    local m = blog.filled()
    db, Post, Comment = m.db, m.Post, m.Comment
  end)

  it("gives what it returns", function()
    local gone = mr.delete(Comment):where(Comment.body:like "a%"):returning(Comment.id, Comment.body:label "text")
      :cte "gone"
    assert.equal("WITH gone AS (DELETE FROM comment WHERE comment.body LIKE $1 RETURNING comment.id, comment.body AS "
      .. "text) SELECT gone.id, gone.text FROM gone WHERE gone.id > $2",
      postgres(mr.select(gone.c.id, gone.c.text):where(gone.c.id:gt(1))))
    local made = mr.insert(Post):values{ { title = "x" }, { title = "y" } }:returning(Post.id):cte "made"
    assert.equal("WITH made AS (INSERT INTO post (title) VALUES ($1), ($2) RETURNING post.id) INSERT INTO comment "
      .. "(post_id, body) SELECT made.id, $3 AS anon_1 FROM made",
      postgres(mr.insert(Comment):from_select({ "post_id", "body" }, mr.select(made.c.id, mr.literal "hi"))))
    local fresh = mr.update(Post):values{ title = Post.title .. "!" }:where(Post.id:gt(2)):returning(Post):cte "fresh"
    local N = mr.aliased(Post, fresh)
    assert.equal("WITH fresh AS (UPDATE post SET title=(post.title || $1) WHERE post.id > $2 RETURNING post.id, "
      .. "post.title, post.category_id) SELECT fresh.id, fresh.title, fresh.category_id FROM fresh "
      .. "ORDER BY fresh.title",
      postgres(mr.select(N):order_by(N.title)))
  end)

  it("stands beside others, before the statement that moves the rows", function()
    local gone = mr.delete(Comment):where(Comment.post_id:eq(1)):returning(Comment.body):cte "gone"
    local stale = mr.update(Post):values{ title = "old" }:where(Post.id:eq(1)):cte "stale"
    assert.equal("WITH stale AS (UPDATE post SET title=$1 WHERE post.id = $2), gone AS (DELETE FROM comment WHERE "
      .. "comment.post_id = $3 RETURNING comment.body) INSERT INTO post (title) SELECT gone.body FROM gone "
      .. "RETURNING post.id",
      postgres(mr.insert(Post):from_select({ "title" }, mr.select(gone.c.body)):returning(Post.id):add_cte(stale)))
    local upsert = mr.insert(Post):values{ id = 1, title = "x" }
    upsert = upsert:on_conflict_do_update{ index_elements = { "id" }, set = { title = upsert.excluded.title } }
    assert.equal("WITH up AS (INSERT INTO post (id, title) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET title = "
      .. "excluded.title RETURNING post.id) SELECT up.id FROM up",
      postgres(mr.select(upsert:returning(Post.id):cte("up").c.id)))
  end)

  it("is a part of a union, a subquery, a join and another CTE", function()
    local gone = mr.delete(Comment):returning(Comment.id, Comment.post_id):cte "gone"
    local head = "WITH gone AS (DELETE FROM comment RETURNING comment.id, comment.post_id)"
    assert.equal(head .. " SELECT gone.id FROM gone UNION SELECT post.id FROM post",
      postgres(mr.union(mr.select(gone.c.id), mr.select(Post.id))))
    assert.equal(head .. " SELECT post.title FROM post JOIN gone ON gone.post_id = post.id",
      postgres(mr.select(Post.title):join(gone, gone.c.post_id:eq(Post.id))))
    local ids = mr.select(gone.c.id):cte "ids"
    assert.equal(head .. ", ids AS (SELECT gone.id AS id FROM gone) SELECT ids.id FROM ids",
      postgres(mr.select(ids.c.id)))
    assert.equal(head .. " SELECT post.id FROM post WHERE EXISTS (SELECT 1 FROM gone WHERE gone.post_id = post.id)",
      postgres(mr.select(Post.id):where(mr.exists():where(gone.c.post_id:eq(Post.id)))))
  end)

  it("is refused by SQLite, which has none, before anything runs", function()
    local gone = mr.delete(Comment):returning(Comment.id):cte "gone"
    for _, statement in ipairs{
      mr.select(gone.c.id), mr.select(Post):add_cte(gone), mr.update(Post):values{ title = "x" }:add_cte(gone),
      mr.insert(Post):from_select({ "id" }, mr.select(gone.c.id)), mr.select(mr.select(gone.c.id):subquery().c.id),
    } do
      assert.equal(0, #db:record(function()
        refuse("ArgumentError", { "sqlite", "WITH", "execute it first" }, function()
          db.session:execute(statement):all()
        end)
      end))
    end
    assert.equal(3, Comment.query:count())
  end)

  it("needs returning for its columns, and takes no recursion", function()
    refuse("ArgumentError", { "returns no columns", "returning" }, function()
      return mr.delete(Comment):cte("gone").c.id
    end)
    refuse("ArgumentError", { "no column 'idd'", "'id'" }, function()
      return mr.delete(Comment):returning(Comment.id):cte("gone").c.idd
    end)
    refuse("ArgumentError", { "recursive" }, function() mr.delete(Comment):cte("gone", { recursive = true }) end)
    refuse("ArgumentError", { "update", "values" }, function() mr.update(Comment):cte "new" end)
  end)

  it("makes a SELECT a statement that writes: a transaction is begun, and a read-only one refuses it", function()
    local pg = mr.open "mock+postgresql://"
    local Item = pg.Model:extend("Item", { id = pg.Column{ pg.Integer, primary_key = true } })
    local gone = mr.delete(Item):returning(Item.id):cte "gone"
    local sent = pg:record(function() pg.session:execute(mr.select(gone.c.id)):all() end)
    assert.equal("WITH gone AS (DELETE FROM item RETURNING item.id) SELECT gone.id FROM gone", sent[#sent].statement)
    assert.is_true(pg.session:in_transaction())
    pg.session:rollback()
    refuse("InvalidRequestError", { "read-only", "DELETE FROM item" }, function()
      pg.session:begin(function() pg.session:execute(mr.select(gone.c.id)):all() end, { read_only = true })
    end)
  end)
end)
