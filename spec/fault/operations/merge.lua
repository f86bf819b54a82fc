-- merge of a graph in which a key occurs twice, an expiry that takes changes of other objects back, refresh, copies.

local mr = require "moonrow"

return {
  setup = function()
    local db = mr.open "sqlite://"
    local Post = db.Model:extend("Post", {
      id          = db.Column{ db.Integer, primary_key = true },
      title       = db.Column{ db.String(80) },
      body        = db.Column{ db.Text, deferred_group = "text" },
      category_id = db.Column{ db.String(10), db.ForeignKey "category.id" },
      category    = db.relationship{ "Category", backref = db.backref{ "posts", cascade = "all, delete-orphan" } },
    })
    local Category = db.Model:extend("Category", {
      id   = db.Column{ db.String(10), primary_key = true },
      name = db.Column{ db.String(50) },
    })
    db:create_all()
    return { db = db, Post = Post, Category = Category }
  end,
  run = function(c)
    local session, Category, Post = c.db.session, c.Category, c.Post
    session:rollback()
    for _, old in ipairs(Category.query:all()) do session:delete(old) end
    session:commit()
    session:expunge_all()
    session:merge(Category{ id = "lua", name = "Lua", posts = {
      Post{ id = 1, title = "one", body = "text" }, Post{ id = 2, title = "two" },
      Post{ id = 3, title = "three" }, Post{ id = 3, title = "again" },
    } })
    session:merge(Category{ id = "c" })
    session:commit()
    session:expunge_all()
    local one, other = session:get(Post, 1), session:get(Category, "c")
    session:no_autoflush(function()
      one.category = other
      session:expire(one)
      one.category = other
      session:refresh(one, { "category", "title" })
    end)
    c.body = one.body
    session:flush()
    session:expunge(one)
    mr.make_transient(one)
    one.id, one.category_id = 4, "c"
    session:add(one)
    session:commit()
  end,
  check = function(c)
    assert(c.body == "text")
    assert(c.Category.query:count() == 2 and c.Post.query:count() == 4)
    assert(#c.db.session:get(c.Category, "lua").posts == 3)
    assert(c.db.session:get(c.Category, "lua").name == "Lua")
    assert(c.db.session:get(c.Post, 3).title == "again")
    assert(c.db.session:get(c.Post, 4).category.id == "c")
  end,
}
