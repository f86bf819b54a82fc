-- A criterion with an object reads the object's key when the query runs.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

describe("a criterion with an object", function()
  local m, db, session, Post, Comment, Category, Tag

  before_each(function()
    m = blog.filled()
    db, Post, Comment, Category, Tag = m.db, m.Post, m.Comment, m.Category, m.Tag
    session = db.session
  end)

  it("may be made before the object has a key, and sends nothing then", function()
    local new, post = Category{ name = "new" }, Post{ title = "n" }
    local by_eq, by_ne, by_name, by_link
    assert.same({}, support.statements(db, function()
      by_eq = session:query(Post):filter(Post.category:eq(new))
      by_ne = session:query(Post):filter(Post.category:ne(new))
      by_name = session:query(Post):filter_by{ category = new }
      by_link = session:query(Tag):filter(Tag.posts:contains(post))
      session:add(new)
      session:query(Post):filter(Post.category:eq(new))
    end))
    post.category = new
    post.tags:append(session:get(Tag, 1))
    assert.equal("{<n>}", tostring(by_eq:all()))
    assert.equal(4, by_ne:count())
    assert.equal("{<n>}", tostring(by_name:all()))
    assert.equal(1, by_link:count())
    assert.equal("<n>", tostring(session:query(Post):filter(by_eq:exists()):filter(Post.title:eq "n"):one()))
  end)

  it("is refused when it runs and the object has no key still", function()
    local new = Category{ name = "new" }
    local q = session:query(Post):filter(Post.category:eq(new))
    for _, method in ipairs{ "all", "count", "first", "delete" } do
      refuse("InvalidRequestError", { "Post.category", "Category", "no id yet", "flush" }, q[method], q)
    end
    session:add(new)
    session:no_autoflush(function()
      refuse("InvalidRequestError", { "Post.category", "no id yet" }, q.all, q)
    end)
    assert.equal(0, q:count())
  end)

  it("goes by the key that the object has when it runs", function()
    local c = session:query(Category):filter_by{ name = "C" }:one()
    local q = session:query(Post):filter(Post.category:eq(c))
    assert.equal("{<d>}", tostring(q:all()))
    local d = session:query(Post):filter_by{ title = "d" }:one()
    d.category = nil
    session:flush()
    c.id = 77
    session:flush()
    d.category_id = 77
    assert.equal("{<d>}", tostring(q:all()))
    session:commit()
    assert.equal("{<d>}", tostring(q:all()))
    session:expire(c)
    assert.equal(1, q:count())
  end)

  it("keeps the last key that was known of an object that has left its session", function()
    local c = session:query(Category):filter_by{ name = "C" }:one()
    local id = c.id
    local criterion = Post.category:eq(c)
    session:commit()
    session:expire(c)
    session:expunge(c)
    assert.equal(1, session:query(Post):filter(criterion):count())
    assert.equal(1, session:query(Post):filter_by{ category_id = id }:count())
  end)

  it("is evaluated in memory by UPDATE and DELETE as before", function()
    local new = Category{ name = "new" }
    local criterion = Post.category:eq(new)
    local post = Post{ title = "n", category = new }
    session:add(post)
    assert.equal(1, session:query(Post):filter(criterion):update({ title = "changed" },
      { synchronize_session = "evaluate" }))
    assert.equal("changed", post.title)
    session:execute(mr.update(Post):values{ title = "again" }:where(criterion))
    session:refresh(post)
    assert.equal("again", post.title)
    assert.equal(1, session:query(Post):filter(criterion):delete())
    assert.equal("deleted", mr.inspect(post).state)
  end)

  it("holds in subqueries, unions, joins and with_parent within another query", function()
    local new = Category{ name = "new" }
    local ids = session:query(Post.id):filter(Post.category:eq(new))
    local outer = session:query(Comment):filter(Comment.post_id:in_(ids))
    local both = session:query(Post):filter(Post.category:eq(new)):union(session:query(Post):filter_by{ title = "a" })
    local joined = session:query(Comment):join(Comment.post):filter(Post.category:eq(new))
    session:add(new)
    new.posts:append(Post{ title = "n", comments = { Comment{ body = "n1" } } })
    assert.equal("{<n1>}", tostring(outer:all()))
    assert.equal(2, both:count())
    assert.equal("{<n1>}", tostring(joined:all()))
    local parent = session:query(Post.id):with_parent(new)
    assert.equal(1, session:query(Comment):filter(Comment.post_id:in_(parent)):count())
  end)

  it("differs between objects, though the queries share their plan", function()
    local names = {}
    for _, c in ipairs(session:query(Category):order_by(Category.name):all()) do
      names[#names + 1] = session:query(Post):filter(Post.category:eq(c)):count()
    end
    assert.same({ 0, 1, 3 }, names)
  end)

  it("lets its object go when it is let go itself, and not before", function()
    local new = Category{ name = "new" }
    local q = session:query(Post):filter(Post.category:eq(new))
    session:add(new)
    session:flush()
    new = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.equal(0, q:count())
    q = nil -- luacheck: ignore
    collectgarbage()
  end)

  it("goes on while a cursor is open over a key of text that changes", function()
    local Code = db.Model:extend("Code", { code = db.Column{ db.String, primary_key = true } })
    local Use = db.Model:extend("Use", {
      id = db.Column{ db.Integer, primary_key = true },
      code = db.Column{ db.String, db.ForeignKey "code.code" },
      of = db.relationship{ "Code" },
    })
    db:create_all()
    local code = Code{ code = ("x"):rep(100) }
    session:add(code)
    for _ = 1, 5 do session:add(Use{ of = code }) end
    session:commit()
    local q, n = session:query(Use):filter(Use.of:eq(code)):yield_per(1), 0
    for _ in q:iter() do
      n = n + 1
      if n == 2 then
        session:no_autoflush(function()
          code.code = ("y"):rep(100)
          collectgarbage()
          assert.equal(0, session:query(Use.id):filter(Use.of:eq(code)):count())
        end)
      end
    end
    assert.equal(5, n)
  end)
end)
