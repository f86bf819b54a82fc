-- A query that runs a given statement: methods that cannot apply to it are refused, the others work.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

describe("a query with from_statement", function()
  local m, db, session, Post, Comment

  before_each(function()
    m = blog.filled()
    db, Post, Comment = m.db, m.Post, m.Comment
    session = db.session
  end)

  local clauses = {
    filter = function(q) return q:filter(Post.id:eq(1)) end,
    where = function(q) return q:where(Post.id:eq(1)) end,
    filter_by = function(q) return q:filter_by{ id = 1 } end,
    having = function(q) return q:having(Post.id:eq(1)) end,
    order_by = function(q) return q:order_by(Post.id) end,
    group_by = function(q) return q:group_by(Post.id) end,
    distinct = function(q) return q:distinct() end,
    limit = function(q) return q:limit(1) end,
    offset = function(q) return q:offset(1) end,
    with_for_update = function(q) return q:with_for_update() end,
    join = function(q) return q:join(Post.comments) end,
    outerjoin = function(q) return q:outerjoin(Comment) end,
    select_from = function(q) return q:select_from(Post) end,
    correlate = function(q) return q:correlate(Post) end,
  }

  for name, add in pairs(clauses) do
    it("refuses " .. name .. ", after it and before it, and sends nothing", function()
      for _, q in ipairs{ session:query(Post), mr.select(Post) } do
        local texts = support.statements(db, function()
          refuse("InvalidRequestError", { name, "from_statement", "statement" }, function()
            return add(q:from_statement(mr.text "SELECT * FROM post"))
          end)
          refuse("InvalidRequestError", { name, "before" }, function()
            return add(q:from_statement(mr.select(Post)))
          end)
          refuse("InvalidRequestError", { "from_statement" }, function()
            return add(q):from_statement(mr.text "SELECT * FROM post")
          end)
        end)
        assert.same({}, texts)
      end
    end)
  end

  it("refuses with_parent, and a second statement", function()
    local category = session:query(m.Category):first()
    local q = session:query(Post):from_statement(mr.text "SELECT * FROM post")
    refuse("InvalidRequestError", { "with_parent" }, q.with_parent, q, category)
    refuse("InvalidRequestError", { "with_parent" }, function()
      return session:query(Post):with_parent(category):from_statement(mr.text "SELECT * FROM post")
    end)
    refuse("InvalidRequestError", { "from_statement" }, q.from_statement, q, mr.select(Post))
  end)

  it("counts the rows of a select, and says of text why it cannot", function()
    assert.equal(2, session:query(Post):from_statement(mr.select(Post):where(Post.id:le(2))):count())
    local q = session:query(Post):from_statement(mr.text "SELECT * FROM post")
    for _, method in ipairs{ "count", "subquery", "cte" } do
      refuse("InvalidRequestError", { method, "from_statement", "select" }, q[method], q)
    end
    assert.is_true(session:query(q:exists()):scalar())
  end)

  it("knows the columns of a union, and of a select from a subquery", function()
    local function of(id) return session:query(Post):filter(Post.id:eq(id)) end
    assert.equal("{<a>}", tostring(session:query(Post):from_statement(of(2):union(of(2))):all()))
    assert.equal("{<a>, <b>}", tostring(session:query(Post):from_statement(
      of(3):union(of(2)):order_by(Post.title)):all()))
    local few = mr.aliased(Post, of(2):subquery())
    assert.equal("{<a>}", tostring(session:query(Post):from_statement(session:query(few)):all()))
    local both = session:query(few, Post):filter(Post.id:eq(3))
    assert.equal("{<b>}", tostring(session:query(Post):from_statement(both):all()))
  end)

  it("stays what it was after a refusal", function()
    local q = session:query(Post):from_statement(mr.text "SELECT * FROM post ORDER BY id DESC")
    refuse("InvalidRequestError", { "limit" }, q.limit, q, 1)
    assert.equal("{<c>, <b>, <a>, <d>}", tostring(q:all()))
    assert.equal("<c>", tostring(q:first()))
  end)

  it("takes params, populate_existing, execution_options, autoflush and yield_per", function()
    local q = session:query(Post):from_statement(mr.text "SELECT * FROM post WHERE id >= :low ORDER BY id")
    assert.equal("{<b>, <c>}", tostring(q:params{ low = 3 }:all()))
    local post = session:get(Post, 3)
    session:execute(mr.text "UPDATE post SET title = 'z' WHERE id = 3")
    assert.equal("{<z>, <c>}", tostring(q:params{ low = 3 }:populate_existing():all()))
    assert.equal("z", post.title)
    post.title = "mine"
    assert.equal("{<mine>, <c>}", tostring(q:params{ low = 3 }:autoflush(false):all()))
    assert.equal("{<z>, <c>}", tostring(
      q:params{ low = 3 }:execution_options{ populate_existing = true, autoflush = false }:all()))
    local seen = {}
    for p in q:params{ low = 3 }:yield_per(1):iter() do seen[#seen + 1] = p.title end
    assert.same({ "z", "c" }, seen)
    assert.equal('{("z"), ("c")}', tostring(q:params{ low = 3 }:with_entities(Post.title):all()))
  end)

  it("loads eagerly as it is told, by further statements where nothing can be joined", function()
    local q = session:query(Post):from_statement(mr.text "SELECT * FROM post ORDER BY title")
    for _, load in ipairs{ mr.joinedload, mr.selectinload, mr.subqueryload } do
      session:expunge_all()
      local counts = {}
      local texts = support.statements(db, function()
        for i, post in ipairs(q:options(load(Post.comments)):all()) do counts[i] = #post.comments end
      end)
      assert.same({ 2, 1, 0, 0 }, counts)
      assert.equal(2, #texts)
    end
  end)

  it("fills a relationship from the statement's own join", function()
    local q = session:query(Post):options(mr.contains_eager(Post.comments))
    local posts
    local texts = support.statements(db, function()
      posts = q:from_statement(mr.text("SELECT post.id AS post_id, post.title AS post_title, comment.id AS comment_id, "
        .. "comment.body AS comment_body FROM post JOIN comment ON comment.post_id = post.id "
        .. "ORDER BY comment.id DESC")):all()
      assert.equal("{<b>, <a>}", tostring(posts))
      assert.equal("{<b1>} {<a2>, <a1>}", tostring(posts[1].comments) .. " " .. tostring(posts[2].comments))
    end)
    assert.equal(1, #texts)
  end)

  it("knows the columns of a select by what they are, where names are shared", function()
    local rows = session:query(Post, Comment):from_statement(
      mr.select(Post, Comment):join(Post.comments):order_by(Comment.id:desc())):all()
    local seen = {}
    for i, row in ipairs(rows) do seen[i] = tostring(row.Post) .. tostring(row.Comment) end
    assert.equal("<b><b1> <a><a2> <a><a1>", table.concat(seen, " "))
    local row = session:query(Post, Comment.body):from_statement(
      mr.select(Comment.body, Comment.id, Post):join(Comment.post):where(Comment.body:eq "b1")):one()
    assert.same({ "b", "b1" }, { row.Post.title, row.body })
    session:expunge_all()
    local texts = support.statements(db, function()
      local posts = session:query(Post):options(mr.contains_eager(Post.comments)):from_statement(
        mr.select(Post, Comment):join(Post.comments):order_by(Post.id, Comment.id)):all()
      assert.equal("{<a>, <b>} {<a1>, <a2>}", tostring(posts) .. " " .. tostring(posts[1].comments))
    end)
    assert.equal(1, #texts)
  end)

  it("does not take the parent's columns for those of what it fills", function()
    refuse("InvalidRequestError", { "id", "Comment" }, function()
      return session:query(Post):options(mr.contains_eager(Post.comments))
        :from_statement(mr.text "SELECT post.* FROM post JOIN comment ON comment.post_id = post.id"):all()
    end)
  end)
end)
