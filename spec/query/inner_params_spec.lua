-- A query with values for its parameters keeps them when it becomes part of another query.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

describe("values given by params", function()
  local m, session, Post, Comment, Category

  before_each(function()
    m = blog.filled()
    Post, Comment, Category = m.Post, m.Comment, m.Category
    session = m.db.session
  end)

  --- A query for the ids of posts whose title is at least :low, with a value for it.
  local function inner(low)
    return session:query(Post.id):filter(mr.text "post.title >= :low"):params{ low = low }
  end

  local function titles(q) return support.words(q:order_by(Post.title):all(), "title") end

  it("reach a query that in_, a scalar or exists makes a part of another", function()
    assert.equal("c d", titles(session:query(Post):filter(Post.id:in_(inner "c"))))
    assert.equal("a b", titles(session:query(Post):filter(Post.id:not_in(inner "c"))))
    local latest = session:query(mr.func.max(Post.id)):filter(mr.text "post.title <= :t"):params{ t = "b" }
    assert.equal("b", titles(session:query(Post):filter(Post.id:eq(latest:scalar_subquery()))))
    assert.equal(3, session:query(latest:label "latest"):scalar())
    local commented = session:query(Comment):filter(mr.text "comment.post_id = post.id AND comment.body LIKE :b")
      :correlate(Post):params{ b = "%2" }
    assert.equal("a", titles(session:query(Post):filter(commented:exists())))
    assert.equal("a", titles(session:query(Post):filter(mr.exists(commented))))
  end)

  it("reach subqueries, CTEs, aliases and joins to them", function()
    local sub = session:query(Post):filter(mr.text "post.title >= :low"):params{ low = "c" }:subquery()
    assert.equal(2, session:query(sub.c.id):count())
    local sorted = mr.aliased(Post, sub)
    assert.equal("<c>", tostring(session:query(sorted):order_by(sorted.title):first()))
    assert.equal("c d", titles(session:query(Post):join(sub, sub.c.id:eq(Post.id))))
    local cte = inner("d"):cte "late"
    assert.equal("d", titles(session:query(Post):join(cte, cte.c.id:eq(Post.id))))
  end)

  it("stay apart from those of the same name around it and beside it", function()
    local q = session:query(Post):filter(Post.id:in_(inner "b"), mr.text "post.title < :low"):params{ low = "d" }
    assert.equal("b c", titles(q))
    assert.equal("b c d", titles(session:query(Post):filter(Post.id:in_(inner "b"), Post.id:in_(inner "a"))))
    assert.equal(2, q:count())
    local deeper = session:query(Post.id):filter(Post.id:in_(inner "b"), mr.text "post.title < :low")
      :params{ low = "c" }
    assert.equal("b", titles(session:query(Post):filter(Post.id:in_(deeper))))
  end)

  it("reach what is within the FROM of the query", function()
    local open = session:query(Post.id, Post.title):filter(mr.text "post.title >= :low"):subquery()
    local middle = session:query(open.c.id):filter(open.c.title:lt "d"):params{ low = "b" }
    assert.equal("b c", titles(session:query(Post):filter(Post.id:in_(middle))))
    local cte = session:query(Post.id):filter(mr.text "post.title >= :low"):cte "late"
    local twice = session:query(cte.c.id):union(session:query(cte.c.id)):params{ low = "c" }
    assert.equal(2, twice:count())
    local both = session:query(cte.c.id):filter(cte.c.id:in_(session:query(cte.c.id))):params{ low = "c" }
    assert.equal("c d", titles(session:query(Post):filter(Post.id:in_(both))))
  end)

  it("reach the members of a union, and a statement that a query runs", function()
    local a = session:query(Post):filter(mr.text "post.title = :t"):params{ t = "a" }
    local d = session:query(Post):filter(mr.text "post.title = :t"):params{ t = "d" }
    assert.equal("a d", titles(a:union(d)))
    assert.equal(2, a:union_all(d):count())
    assert.equal("{<a>}", tostring(session:query(Post):from_statement(
      mr.select(Post):where(mr.text "post.title = :t"):params{ t = "a" }):all()))
    local text = session:query(Post.id):from_statement(mr.text "SELECT id FROM post WHERE title = :t"):params{ t = "d" }
    assert.equal("d", titles(session:query(Post):filter(Post.id:in_(text))))
  end)

  it("reach a recursive query", function()
    local numbers = mr.select(mr.bindparam("start", mr.Integer):label "n"):params{ start = 3 }
      :cte{ "numbers", recursive = true }
    local all = numbers:union_all(mr.select((numbers.c.n + 1):label "n"):where(mr.text "numbers.n < :stop")
      :params{ stop = 5 })
    assert.equal(12, session:scalar(mr.select(mr.func.sum(all.c.n))))
  end)

  it("reach INSERT, UPDATE and DELETE, and a connection", function()
    session:execute(mr.insert(Category):from_select({ "name" },
      mr.select(Post.title):where(mr.text "post.title >= :low"):params{ low = "d" }))
    assert.equal(1, Category.query:filter_by{ name = "d" }:count())
    session:execute(mr.update(Post):values{ title = "late" }:where(Post.id:in_(inner "c")))
    assert.equal("a b late late", titles(session:query(Post)))
    assert.equal(2, session:query(Post):filter(Post.id:in_(inner "late")):delete())
    session:commit()
    local connection = m.db.engine:connect()
    local later = mr.select(Post.title):where(mr.text "post.title > :t")
    assert.equal("b", connection:execute(later:params{ t = "a" }):scalar())
    assert.equal("b", connection:execute(later, { t = "a" }):scalar())
    connection:close()
  end)

  it("go with eager loading of every strategy, below a limit too", function()
    for _, load in ipairs{ mr.joinedload, mr.subqueryload, mr.selectinload } do
      session:expunge_all()
      local q = session:query(Post):filter(Post.id:in_(inner "a"), mr.text "post.title < :low")
        :params{ low = "c" }:options(load(Post.comments)):order_by(Post.title):limit(2)
      local counts = {}
      for i, post in ipairs(q:all()) do counts[i] = #post.comments end
      assert.same({ 2, 1 }, counts)
    end
  end)

  it("are of the type that the parameter has, and may come later where none is given", function()
    local some = session:query(Post.id):filter(Post.title:eq(mr.bindparam "t"))
    assert.equal("a", titles(session:query(Post):filter(Post.id:in_(some:params{ t = "a" }))))
    assert.equal("d", titles(session:query(Post):filter(Post.id:in_(some)):params{ t = "d" }))
    local half = session:query(Post.id):filter(Post.title:between(mr.bindparam "low", mr.bindparam "high"))
      :params{ low = "b" }
    assert.equal("b c", titles(session:query(Post):filter(Post.id:in_(half)):params{ high = "c" }))
    refuse("InvalidRequestError", { "'high'" }, function()
      return session:query(Post):filter(Post.id:in_(half)):all()
    end)
    local null = session:query(Post.id):filter(mr.text "(:x IS NULL)"):params{ x = mr.null }
    assert.equal("a b c d", titles(session:query(Post):filter(Post.id:in_(null))))
  end)

  it("differ between queries of one shape, which share their plan", function()
    for _, low in ipairs{ "a", "b", "c", "d", "e" } do
      local wanted = 0
      for _, title in ipairs{ "a", "b", "c", "d" } do wanted = wanted + (title >= low and 1 or 0) end
      assert.equal(wanted, #session:query(Post):filter(Post.id:in_(inner(low))):all())
    end
  end)
end)
