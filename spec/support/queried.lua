-- queried.lua: users with posts, and tags of posts, for specs of collections that are read by queries only.

local mr = require "moonrow"

local M = {}

--- Opens a database in memory with User <- Post <-> Tag. posts, tags: options of User.posts and Post.tags; ondelete: of
--- the foreign key of a post. Returns a table with db, User, Post and Tag, for user_with, too.
function M.open(posts, tags, ondelete)
  local db = mr.open "sqlite://"
  local m = { db = db }
  local links = db.Table("post_tag",
    db.Column{ "post_id", db.ForeignKey "post.id", primary_key = true },
    db.Column{ "tag_id", db.ForeignKey "tag.id", primary_key = true })
  local of_user = { "Post", order_by = "Post.title", backref = "user" }
  local of_post = { "Tag", secondary = links }
  for name, value in pairs(posts) do of_user[name] = value end
  for name, value in pairs(tags) do of_post[name] = value end
  m.User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String },
    posts = db.relationship(of_user) })
  m.Post = db.Model:extend("Post", {
    id      = db.Column{ db.Integer, primary_key = true },
    title   = db.Column{ db.String },
    user_id = db.Column{ db.Integer, db.ForeignKey("user.id", { ondelete = ondelete }) },
    tags    = db.relationship(of_post),
  })
  m.Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String } })
  return m
end

--- A user with posts of these titles, committed; the session has nothing else.
function M.user_with(m, ...)
  local posts = {}
  for i, title in ipairs{ ... } do posts[i] = m.Post{ title = title } end
  m.db.session:add(m.User{ id = 1, name = "ann", posts = posts })
  m.db.session:commit()
  m.db.session:remove()
  return m.db.session:get(m.User, 1)
end

--- options with those of more, which count first.
function M.with(options, more)
  for name, value in pairs(more or {}) do options[name] = value end
  return options
end

return M
