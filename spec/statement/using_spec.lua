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

  it("reads what a function's arguments name, before the function", function()
    local each = mr.func.json_each(mr.func.json_array(Post.id)):table_valued "value"
    local own = mr.func.json_each(mr.func.json_array(Comment.id)):table_valued "value"
    local delete = mr.delete(Comment):where(Comment.post_id:eq(each.c.value))
    assert.equal("DELETE FROM comment WHERE EXISTS (SELECT 1 FROM post, json_each(json_array(post.id)) AS anon_1 WHERE "
      .. "comment.post_id = anon_1.value)", tostring(delete))
    assert.equal("DELETE FROM comment USING post, json_each(json_array(post.id)) AS anon_1 WHERE "
      .. "comment.post_id = anon_1.value", delete:sql{ dialect = "postgresql" })
    for _, other in ipairs{ each, own } do
      local update = mr.update(Comment):values{ body = "x" }:where(Comment.id:eq(other.c.value))
      local n = other == own and 6 or 4
      assert.equal(n, db.session:execute(update).rowcount)
      assert.equal(n, db.session:execute(update, nil, { synchronize_session = "fetch" }).rowcount)
      assert.equal(n, db.session:execute(mr.delete(Comment):where(Comment.id:eq(other.c.value))).rowcount)
      db.session:rollback()
    end
    assert.equal(4, db.session:execute(mr.update(Comment):values{ body = each.c.value:cast(db.String) }
      :where(Comment.id:eq(each.c.value), Post.id:lt(9))).rowcount)
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

-- Restates test/sql/test_insert.py (InsertTest: values called again, rows beside values, a select beside values),
-- test_update.py (ordered_values beside values) and test_defaults.py (each run makes its defaults).
describe("values called again", function()
  local db, Post, Item, calls

  before_each(function()
    local m = blog.open()
    db, Post = m.db, m.Post
    calls = 0
    Item = db.Model:extend("Item", {
      id     = db.Column{ db.Integer, primary_key = true },
      name   = db.Column{ db.String(20), default = "none" },
      ticket = db.Column{ db.Integer, default = function() calls = calls + 1 return calls end },
      twin   = db.Column{ db.Integer, default = function(c) return c.current_parameters.ticket end },
      edits  = db.Column{ db.Integer, onupdate = function(c)
        calls = calls + 1
        return c.current_parameters.ticket * 10
      end },
    })
    db:create_all()
    db.session:execute(mr.insert(Post):values{ id = 1, title = "a" })
  end)

  it("adds to the row of an INSERT; the later value wins", function()
    local base = mr.insert(Post):values{ title = "x" }
    assert.equal("INSERT INTO post (id, title) VALUES (5, 'x')", base:values{ id = 5 }:sql{ literals = true })
    assert.equal("INSERT INTO post (id, title) VALUES (5, 'y')",
      base:values{ id = 5 }:values{ title = "y" }:sql{ literals = true })
    assert.equal("INSERT INTO post (title) VALUES ('x')", base:sql{ literals = true })
    assert.equal("INSERT INTO post (title, category_id) VALUES ('x', (2 + 1))",
      mr.insert(Post):values{ { category_id = mr.literal(2) + 1 } }:values{ title = "x" }:sql{ literals = true })
    assert.equal(1, #db:record(function() db.session:execute(base:values{ id = 5 }) end))
    assert.equal("x", db.session:get(Post, 5).title)
  end)

  it("adds to the SET of an UPDATE; the later value wins", function()
    local update = mr.update(Post):where(Post.id:eq(1)):values{ category_id = 3 }:values{ title = "b" }
    assert.equal("UPDATE post SET title='b', category_id=3 WHERE post.id = 1", update:sql{ literals = true })
    assert.equal("UPDATE post SET title=(post.title || '!'), category_id=3 WHERE post.id = 1",
      update:values{ title = Post.title .. "!" }:sql{ literals = true })
    db.session:execute(update:values{ title = Post.title .. "!", category_id = mr.null })
    assert.equal("a!", db.session:get(Post, 1).title)
  end)

  it("is refused beside several rows, a select and ordered_values; nothing changes", function()
    local one = mr.insert(Post):values{ title = "x" }
    local rows = mr.insert(Post):values{ { title = "x" }, { title = "y" } }
    local select = mr.insert(Post):from_select({ "title" }, mr.select(Post.title))
    local ordered = mr.update(Post):ordered_values{ "title", "x" }
    for _, case in ipairs{
      { "give all rows in one list", function() rows:values{ id = 4 } end },
      { "give all rows in one list", function() rows:values{ { title = "z" } } end },
      { "give all rows in one list", function() one:values{ { title = "y" }, { title = "z" } } end },
      { "from_select", function() select:values{ title = "x" } end },
      { "from_select", function() one:from_select({ "title" }, mr.select(Post.title)) end },
      { "in their order", function() ordered:values{ id = 2 } end },
      { "in their order", function() ordered:ordered_values{ "id", 2 } end },
      { "in their order", function() mr.update(Post):values{ id = 2 }:ordered_values{ "title", "x" } end },
    } do
      refuse("InvalidRequestError", { "already", case[1] }, case[2])
    end
    assert.equal("UPDATE post SET title=?", tostring(ordered))
    assert.equal("INSERT INTO post (title) VALUES (?), (?)", tostring(rows))
  end)

  it("keeps an UPDATE of a class in several tables to one of them", function()
    local Base = db.Model:extend("Base", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(9) }, a = db.Column{ db.Integer }, __mapper_args = { polymorphic_on = "kind" } })
    local Sub = Base:extend("Sub", { id = db.Column{ db.Integer, db.ForeignKey "base.id", primary_key = true },
      b = db.Column{ db.Integer } })
    assert.equal("UPDATE base SET kind=?, a=?", tostring(mr.update(Sub):values{ a = 1 }:values{ kind = "x" }))
    refuse("ArgumentError", { "'a'", "'base'", "'sub'", "an update for each" }, function()
      mr.update(Sub):values{ b = 1 }:values{ a = 1 }
    end)
  end)

  it("leaves the defaults to the run: each run makes its own, and a printed statement none", function()
    local insert = mr.insert(Item):values{ name = "x" }
    assert.equal("INSERT INTO item (name, ticket, twin) VALUES (?, ?, ?)", tostring(insert))
    assert.equal(0, calls)
    db.session:execute(insert)
    db.session:execute(insert)
    db.session:execute(mr.insert(Item):values{ { name = "r" }, { name = "s" } })
    db.session:execute(mr.insert(Item), { { name = "t" }, { name = "u" } })
    db.session:execute(insert:values{ ticket = 50 })
    db.session:execute(mr.insert(Item))
    local seen = {}
    for i, row in ipairs(db.session:execute(mr.select(Item.name, Item.ticket, Item.twin)):all()) do
      seen[i] = ("%s%d=%d"):format(row[1], row[2], row[3])
    end
    assert.equal("x1=1 x2=2 r3=3 s4=4 t5=5 u6=6 x50=50 none7=7", table.concat(seen, " "))
    local update = mr.update(Item):where(Item.id:eq(1)):values{ ticket = 9 }
    assert.equal("UPDATE item SET ticket=?, edits=? WHERE item.id = ?", tostring(update))
    db.session:execute(update)
    db.session:execute(update:values{ ticket = 8 })
    db.session:execute(mr.update(Item), { { id = 2, ticket = 4 }, { id = 3, ticket = 5 } })
    assert.equal(11, calls)
    assert.equal("{(80), (40), (50)}", tostring(db.session:execute(mr.select(Item.edits):limit(3)):all()))
  end)
end)
