-- Linked objects: cascades, backrefs, generated keys into dependants, every kind of loading, a delete that cascades.

local mr = require "moonrow"

return {
  setup = function()
    local db = mr.open "sqlite://"
    local Post = db.Model:extend("Post", {
      id          = db.Column{ db.Integer, primary_key = true },
      title       = db.Column{ db.String(80), nullable = false },
      category_id = db.Column{ db.Integer, db.ForeignKey "category.id" },
      category    = db.relationship{ "Category", backref = db.backref{ "posts", cascade = "all, delete-orphan" } },
    })
    local Category = db.Model:extend("Category", {
      id   = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(50), nullable = false },
    })
    db:create_all()
    return { db = db, Post = Post, Category = Category }
  end,
  run = function(c)
    local session, Category, Post = c.db.session, c.Category, c.Post
    session:rollback()
    for _, old in ipairs(Category.query:all()) do session:delete(old) end
    session:commit()
    local lua = Category{ name = "Lua" }
    Post{ title = "one", category = lua }
    lua.posts:append(Post{ title = "two" })
    session:add(lua)
    session:commit()
    session:expunge_all()
    c.joined = tostring(Category.query:options(mr.joinedload "posts"):all()[1].posts)
    session:expunge_all()
    c.selectin = #Category.query:options(mr.selectinload "posts"):one().posts
    session:expunge_all()
    local category = Category.query:one()
    category.posts:remove(category.posts[1])
    session:commit()
  end,
  check = function(c)
    assert(c.joined:find "Post" and c.selectin == 2)
    assert(c.Post.query:one().category == c.Category.query:one())
    assert(c.Post.query:one().title == "two")
  end,
}
