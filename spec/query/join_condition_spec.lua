-- The condition of a join is used, whether it is an argument or an option.

local blog = require "spec.support.blog"

describe("the condition of a join", function()
  local session, Post, Comment

  before_each(function()
    local m = blog.filled()
    session, Post, Comment = m.db.session, m.Post, m.Comment
  end)

  it("along a relationship may be the second argument or the option onclause", function()
    local by_argument = session:query(Post):join(Post.comments, Comment.id:eq(1))
    local by_option = session:query(Post):join(Post.comments, { onclause = Comment.id:eq(1) })
    local by_name = session:query(Post):join("comments", { onclause = Comment.id:eq(1) })
    assert.truthy(tostring(by_argument):find("comment.id = ", 1, true))
    assert.equal(tostring(by_argument), tostring(by_option))
    assert.equal(tostring(by_argument), tostring(by_name))
    assert.equal(1, by_option:count())
  end)

  it("onto a class may be the second argument or the option onclause", function()
    local by_argument = session:query(Post):join(Comment, Post.comments)
    local by_option = session:query(Post):join(Comment, { onclause = Post.comments })
    assert.equal(tostring(by_argument), tostring(by_option))
    assert.equal(session:query(Post):join(Post.comments):count(), by_option:count())
  end)

  it("is refused where it is given twice, and for several relationships", function()
    local q = session:query(Post)
    local function message(...) return select(2, pcall(q.join, q, ...)).message end
    local condition = Comment.id:eq(1)
    assert.equal("join: the condition is given twice",
      message(Post.comments, condition, { onclause = condition }))
    assert.equal("join: the condition is given twice", message(Comment, condition, { onclause = condition }))
    assert.equal("join: a condition goes with one relationship, not 2",
      message(Post.comments, Comment.post, { onclause = condition }))
  end)
end)
