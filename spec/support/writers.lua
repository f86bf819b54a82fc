-- writers.lua: authors, their posts, and the tags of posts, for specs of queries and loading: Author.posts,
-- Post.author, Post.tags.

local mr = require "moonrow"

local function with(fields, more)
  for name, value in pairs(more or {}) do fields[name] = value end
  return fields
end

--- Declares the classes in a new database in memory; the caller creates the tables. Returns db, Author, Post, Tag.
--- author and post: functions that get the database and return further attributes of the class; or nil.
return function(author, post)
  local db = mr.open "sqlite://"
  local link = db.Table("post_tag",
    db.Column{ "post_id", db.Integer, db.ForeignKey "post.id", primary_key = true },
    db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id", primary_key = true })
  local Author = db.Model:extend("Author", with({
    id    = db.Column{ db.Integer, primary_key = true },
    name  = db.Column{ db.String(10) },
    posts = db.relationship{ "Post", back_populates = "author", order_by = "Post.id" },
  }, author and author(db)))
  local Post = db.Model:extend("Post", with({
    id        = db.Column{ db.Integer, primary_key = true },
    title     = db.Column{ db.String(10) },
    author_id = db.Column{ db.Integer, db.ForeignKey "author.id" },
    author    = db.relationship{ "Author", back_populates = "posts" },
    tags      = db.relationship{ "Tag", secondary = link, order_by = "Tag.id" },
  }, post and post(db)))
  local Tag = db.Model:extend("Tag", {
    id   = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(10) },
  })
  return db, Author, Post, Tag
end
