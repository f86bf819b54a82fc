-- UPDATE ... FROM and DELETE ... USING: statements whose values and criteria name other tables. Restates cases of
-- test/sql/test_update.py, test_delete.py and test/orm/dml/test_update_delete_where.py.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local blog = require "spec.support.blog"

describe("a statement that names another table", function()
  local db, Post, Comment, Category

  -- Post p1 to p4; post i has i - 1 comments; p1 and p2 are of "news", p3 of "tips".
  before_each(function()
    local m = blog.open()
    db, Post, Comment, Category = m.db, m.Post, m.Comment, m.Category
    local news, tips = Category{ name = "news" }, Category{ name = "tips" }
    for i = 1, 4 do
      local post = Post{ title = "p" .. i, category = i <= 2 and news or i == 3 and tips or nil }
      for j = 1, i - 1 do post.comments:append(Comment{ body = ("c%d%d"):format(i, j) }) end
      db.session:add(post)
    end
    db.session:commit()
  end)

  local function titles()
    local out = {}
    for i, post in ipairs(Post.query:order_by(Post.id):all()) do out[i] = post.title end
    return table.concat(out, " ")
  end

  it("is an UPDATE with FROM, whose values may come from there", function()
    local update = mr.update(Post):values{ title = Category.name }:where(Post.category_id:eq(Category.id))
    assert.equal("UPDATE post SET title=category.name FROM category WHERE post.category_id = category.id",
      tostring(update))
    assert.equal(tostring(update), update:sql{ dialect = "postgresql" })
    assert.equal(3, db.session:execute(update).rowcount)
    assert.equal("news news tips p4", titles())
  end)

  it("is a DELETE with USING, or with EXISTS where there is no USING", function()
    local delete = mr.delete(Comment):where(Comment.post_id:eq(Post.id), Post.title:eq "p3")
    assert.equal("DELETE FROM comment WHERE EXISTS (SELECT 1 FROM post WHERE comment.post_id = post.id AND "
      .. "post.title = ?)", tostring(delete))
    assert.equal("DELETE FROM comment USING post WHERE comment.post_id = post.id AND post.title = $1",
      delete:sql{ dialect = "postgresql" })
    assert.equal(2, db.session:execute(delete).rowcount)
    assert.equal(4, Comment.query:count())
  end)

  it("changes the objects in memory, which it finds by one more statement", function()
    local posts = Post.query:order_by(Post.id):all()
    local records = db:record(function()
      Post.query:filter(Post.category_id:eq(Category.id), Category.name:eq "news"):update{ title = "new" }
    end)
    assert.equal(2, #records)
    assert.equal("SELECT post.id FROM post, category WHERE post.category_id = category.id AND category.name = ?",
      records[1].statement)
    assert.equal(0, #db:record(function()
      assert.same({ "new", "new", "p3", "p4" },
        { posts[1].title, posts[2].title, posts[3].title, posts[4].title })
    end))
    local comments = Comment.query:order_by(Comment.id):all()
    assert.equal(3, Comment.query:filter(Comment.post_id:eq(Post.id), Post.title:eq "p4"):delete())
    assert.same({ "persistent", "deleted" }, { mr.inspect(comments[3]).state, mr.inspect(comments[4]).state })
    db.session:rollback()
    assert.equal("p1 p2 p3 p4", titles())
  end)

  it("may name an alias of its own table, a subquery or a CTE", function()
    local Other = mr.aliased(Post)
    assert.equal(3, Post.query:filter(Post.id:gt(Other.id), Post.title:ne(Other.title)):update{ title = "later" })
    assert.equal("p1 later later later", titles())
    db.session:rollback()
    local counts = mr.select(Comment.post_id, mr.func.count():label "n"):where(Comment.body:ne "c43")
      :group_by(Comment.post_id)
    local sub, cte = counts:subquery "counts", counts:cte "counts"
    local by_sub = mr.update(Post):values{ title = sub.c.n:cast(db.String) }
      :where(sub.c.post_id:eq(Post.id), Post.title:ne "p3")
    assert.equal("UPDATE post SET title=CAST(counts.n AS VARCHAR) FROM (SELECT comment.post_id AS post_id, "
      .. "count(*) AS n FROM comment WHERE comment.body != 'c43' GROUP BY comment.post_id) AS counts "
      .. "WHERE counts.post_id = post.id AND post.title != 'p3'", by_sub:sql{ literals = true })
    db.session:execute(by_sub)
    assert.equal("p1 1 p3 2", titles())
    db.session:execute(mr.delete(Comment):where(Comment.post_id:eq(cte.c.post_id), cte.c.n:gt(1)))
    assert.equal("c21", Comment.query:one().body)
  end)

  it("correlates what is nested in its criteria", function()
    local delete = mr.delete(Comment):where(Comment.post_id:eq(Post.id),
      mr.exists(mr.select(Category.id):where(Category.id:eq(Post.category_id))))
    assert.matches("FROM post WHERE comment.post_id = post.id AND (EXISTS (SELECT category.id FROM category WHERE "
      .. "category.id = post.category_id)))", tostring(delete), 1, true)
    assert.equal(3, db.session:execute(delete).rowcount)
  end)

  it("is refused where nothing relates the two tables, and changes nothing", function()
    for _, call in ipairs{
      function() Post.query:filter(Comment.body:eq "c21"):delete() end,
      function() Post.query:filter(Comment.body:eq "c21"):update{ title = "x" } end,
      function() db.session:execute(mr.update(Post):values{ title = Comment.body }) end,
      function() db.session:execute(mr.delete(Post):where(Category.name:eq "news", Post.id:eq(1))) end,
    } do
      assert.equal(0, #db:record(function()
        refuse("ArgumentError", { "nothing relates", "Post", "any()" }, call)
      end))
    end
    assert.equal("p1 p2 p3 p4", titles())
  end)

  it("returns columns of its own table, and of the others where the database does", function()
    local update = mr.update(Post):values{ title = Category.name }:where(Post.category_id:eq(Category.id))
    assert.equal("{(1), (2), (3)}", tostring(db.session:execute(update:returning(Post.id)):all()))
    local both = update:returning(Post.id, Category.name)
    assert.matches("RETURNING post.id, category.name", both:sql{ dialect = "postgresql" }, 1, true)
    refuse("ArgumentError", { "returning", "'name'", "Post" }, function() return both:sql() end)
    refuse("ArgumentError", { "returning", "'id'", "Post" }, function()
      db.session:execute(mr.insert(Post):values{ title = "x" }:returning(Comment.id))
    end)
  end)
end)

describe("ordered_values", function()
  local db, Post

  before_each(function()
    local m = blog.open()
    db, Post = m.db, m.Post
    db.session:add(Post{ id = 1, title = "a" })
    db.session:commit()
  end)

  it("writes the columns in the order in which they are given", function()
    local update = mr.update(Post):ordered_values({ Post.category_id, mr.null }, { "title", Post.title .. "b" })
    assert.equal("UPDATE post SET category_id=?, title=(post.title || ?)", tostring(update))
    db.session:execute(update)
    assert.equal("ab", db.session:get(Post, 1).title)
    assert.equal("UPDATE post SET title=?, category_id=?",
      tostring(mr.update(Post):ordered_values({ Post.c.title, "x" }, { Post.category_id, 5 })))
  end)

  it("refuses what is no pair, and a column that is set twice", function()
    local update = mr.update(Post)
    refuse("ArgumentError", "twice", function() update:ordered_values({ "title", "a" }, { Post.title, "b" }) end)
    refuse("ArgumentError", "pairs", function() update:ordered_values() end)
    refuse("ArgumentError", "pairs", function() update:ordered_values{ "title" } end)
    refuse("ArgumentError", "pairs", function() update:ordered_values("title", "a") end)
    refuse("ArgumentError", "'titel'", function() update:ordered_values{ "titel", "a" } end)
    refuse("ArgumentError", "column", function() update:ordered_values{ 5, "a" } end)
    refuse("ArgumentError", "Post.category_id", function() update:ordered_values{ "category_id", "x" } end)
    refuse("ArgumentError", "update", function() mr.insert(Post):ordered_values{ "title", "a" } end)
  end)
end)
