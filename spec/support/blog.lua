-- blog.lua: posts, their categories and comments, and tags of posts as a many-to-many.

local mr = require "moonrow"

local M = {}

--- Opens a database in memory with Category <- Post <- Comment and Post <-> Tag. Each of the options category, comments
--- and tags is a table of options for that relationship. It may replace the default ones.
function M.open(options)
  options = options or {}
  local db = mr.open "sqlite://"
  local m = { db = db }
  local function relationship(name, given)
    for k, v in pairs(options[name] or {}) do given[k] = v end
    return db.relationship(given)
  end

  m.post_tag = db.Table("post_tag",
    db.Column{ "post_id", db.Integer, db.ForeignKey "post.id", primary_key = true },
    db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id", primary_key = true })
  m.Post = db.Model:extend("Post", {
    id          = db.Column{ db.Integer, primary_key = true },
    title       = db.Column{ db.String(80), nullable = false },
    category_id = db.Column{ db.Integer, db.ForeignKey "category.id" },
    category    = relationship("category", { "Category", backref = db.backref{ "posts", lazy = true } }),
    comments    = relationship("comments", { "Comment", back_populates = "post" }),
    tags        = relationship("tags", { "Tag", secondary = m.post_tag, backref = "posts" }),
  })
  m.Category = db.Model:extend("Category", {
    id   = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(50), nullable = false },
  })
  m.Comment = db.Model:extend("Comment", {
    id      = db.Column{ db.Integer, primary_key = true },
    body    = db.Column{ db.Text },
    post_id = db.Column{ db.Integer, db.ForeignKey "post.id" },
    post    = db.relationship{ "Post", back_populates = "comments" },
  })
  m.Tag = db.Model:extend("Tag", {
    id   = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20), nullable = false },
  })
  function m.Post:__tostring() return "<" .. self.title .. ">" end
  function m.Category:__tostring() return "<" .. self.name .. ">" end
  function m.Comment:__tostring() return "<" .. self.body .. ">" end
  function m.Tag:__tostring() return "#" .. self.name end
  db:create_all()
  return m
end

--- The same with rows and an empty session. Categories: Lua (posts a, b, c), C (post d), Ada (no posts). Post a has the
--- comments a1 and a2, post b has b1. Tags: x (on a and b), y (on a), z (on no post).
function M.filled(options)
  local m = M.open(options)
  local Post, Comment, Tag = m.Post, m.Comment, m.Tag
  local x, y = Tag{ name = "x" }, Tag{ name = "y" }
  local lua = m.Category{ name = "Lua" }
  m.db.session:add_all{
    lua, m.Category{ name = "C", posts = { Post{ title = "d" } } }, m.Category{ name = "Ada" },
    x, y, Tag{ name = "z" },
  }
  lua.posts:extend{
    Post{ title = "a", comments = { Comment{ body = "a1" }, Comment{ body = "a2" } }, tags = { x, y } },
    Post{ title = "b", comments = { Comment{ body = "b1" } }, tags = { x } },
    Post{ title = "c" },
  }
  m.db.session:flush()
  m.db.session:commit()
  m.db.session:remove()
  return m
end

--- Reads the whole of the filled blog through the relationships, and returns it as text.
function M.everything(categories)
  local lines = {}
  for _, c in ipairs(categories) do
    local posts = {}
    for _, p in ipairs(c.posts) do posts[#posts + 1] = ("%s%s%s"):format(p, p.comments, p.tags) end
    lines[#lines + 1] = ("%s: %s"):format(c, table.concat(posts, " "))
  end
  return table.concat(lines, "; ")
end

--- The text that everything() gives for all categories.
M.ALL = "<Lua>: <a>{<a1>, <a2>}{#x, #y} <b>{<b1>}{#x} <c>{}{}; <C>: <d>{}{}; <Ada>: "

return M
