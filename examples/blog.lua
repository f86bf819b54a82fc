-- The second program: posts in categories. Both ways of associating, lazy and joined loading, with_parent.
--   build/moonrow examples/blog.lua

local mr = require "moonrow"
local db = mr.open "sqlite://"

-- Post names Category before there is one: names resolve when they are first needed.
local Post = db.Model:extend("Post", {
  id          = db.Column{ db.Integer, primary_key = true },
  title       = db.Column{ db.String(80), nullable = false },
  body        = db.Column{ db.Text, nullable = false },
  pub_date    = db.Column{ db.DateTime, nullable = false, default = mr.now },
  category_id = db.Column{ db.Integer, db.ForeignKey "category.id", nullable = false },
  category    = db.relationship{ "Category", backref = db.backref{ "posts", lazy = true } },
})
function Post:__tostring() return ("<Post %q>"):format(self.title) end

local Category = db.Model:extend("Category", {
  id   = db.Column{ db.Integer, primary_key = true },
  name = db.Column{ db.String(50), nullable = false },
})
function Category:__tostring() return ("<Category %q>"):format(self.name) end

db:create_all()

local function say(...)
  local words = table.pack(...)
  for i = 1, words.n do words[i] = tostring(words[i]) end
  print("  " .. table.concat(words, "  "))
end

-- Runs fn, and says how many statements it took and what they were.
local function show(fn)
  local records = db:record(fn)
  print(("  -- %d statement%s"):format(#records, #records == 1 and "" or "s"))
  for _, record in ipairs(records) do print("  " .. record.statement) end
end

print "Two ways of associating a post with a category:"
local py = Category{ name = "Python" }
Post{ title = "Hello Python!", body = "Python is pretty cool", category = py }
local p = Post{ title = "Snakes", body = "Ssssssss" }
py.posts:append(p)
say(p.category == py, py.posts) -- both sides agree at once
db.session:add(py)
say("pending:", #db.session.new) -- the posts came along
show(function() db.session:commit() end)

print "The posts of a category are loaded when they are first read:"
show(function() say(py.posts) end)
show(function() say(#py.posts, py.posts[1].category == py) end)

print "Categories with their posts in one statement:"
local lua = Category{ name = "Lua" }
lua.posts = { Post{ title = "Tables", body = "All the way down" } }
db.session:add(lua)
db.session:add(Category{ name = "Empty" })
db.session:commit()
db.session:expunge_all()
local query = Category.query:options(mr.joinedload "posts"):order_by(Category.name)
show(function()
  for category in query:iter() do say(category, category.posts) end
end)

print "Two statements, whatever the number of categories:"
db.session:expunge_all()
show(function()
  for category in Category.query:options(mr.selectinload(Category.posts)):order_by(Category.name):iter() do
    say(category, category.posts)
  end
end)

print "The posts of one category that are not about snakes:"
py = Category.query:filter_by{ name = "Python" }:one()
show(function()
  say(Post.query:with_parent(py):filter(Post.title:ne "Snakes"):all())
end)

print "Categories that have a post about tables, and those that have none:"
say(Category.query:filter(Category.posts:any(Post.title:like "Tab%")):all())
say(Category.query:filter(~Category.posts:any()):all())

print "A post changes its category:"
local snakes = Post.query:filter_by{ title = "Snakes" }:one()
snakes.category = Category.query:filter_by{ name = "Lua" }:one()
show(function() db.session:commit() end)
say(py.posts, snakes.category.posts)
