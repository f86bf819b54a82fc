-- The effect of an operation on linked objects.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local ORPHAN = "all, delete-orphan"

local m, db, Post, Category, Comment, Tag

local function take(opened)
  m = opened
  db, Post, Category, Comment, Tag = m.db, m.Post, m.Category, m.Comment, m.Tag
end

local state = support.state

local function costs(n, fn) return support.costs(db, n, fn) end

local function category(name) return Category.query:filter_by{ name = name }:one() end
local function post(title) return Post.query:filter_by{ title = title }:one() end

describe("save-update", function()
  before_each(function() take(blog.open()) end)

  it("follows what is there when an object is added", function()
    local c = Category{ name = "C", posts = { Post{ title = "p", comments = { Comment{ body = "1" } } } } }
    local p = c.posts[1]
    db.session:add(c)
    assert.equal("pending", state(p))
    assert.equal("pending", state(p.comments[1]))
    db.session:commit()
    assert.equal(1, Comment.query:count())
  end)

  it("follows what comes after, on either side", function()
    local c = Category{ name = "C" }
    db.session:add(c)
    local p, q = Post{ title = "p", category = c }, Post{ title = "q" }
    assert.equal("pending", state(p))
    c.posts:append(q)
    assert.equal("pending", state(q))
  end)

  it("goes from the child to its parent and the parent's other children", function()
    local c = Category{ name = "C" }
    local p, q = Post{ title = "p", category = c }, Post{ title = "q", category = c }
    db.session:add(p)
    assert.equal("pending", state(c))
    assert.equal("pending", state(q))
  end)

  it("goes through a many-to-many", function()
    local p, t = Post{ title = "p" }, Tag{ name = "t" }
    db.session:add(p)
    t.posts:append(p)
    assert.equal("pending", state(t))
    db.session:commit()
    assert.equal("{#t}", tostring(p.tags))
  end)

  it("makes the four ways of associating equal", function()
    for i, make in ipairs{
      function(c, p) db.session:add(c) p.category = c end,
      function(c, p) p.category = c db.session:add(c) end,
      function(c, p) c.posts:append(p) db.session:add(p) end,
      function(c, p) db.session:add(p) c.posts:append(p) end,
    } do
      local c, p = Category{ name = "c" .. i }, Post{ title = "p" .. i }
      make(c, p)
      assert.equal("pending", state(c))
      assert.equal("pending", state(p))
      db.session:commit()
      assert.equal(c.id, p.category_id)
    end
  end)

  it("may be taken away", function()
    take(blog.open{ category = { cascade = "none", backref = mr.backref{ "posts", cascade = "none" } } })
    local c = Category{ name = "C", posts = { Post{ title = "p" } } }
    db.session:add(c)
    assert.equal("transient", state(c.posts[1]))
  end)

  it("refuses an object of another session", function()
    local other = mr.Session(db.engine)
    local c, p = Category{ name = "C" }, Post{ title = "p" }
    db.session:add(c)
    other:add(p)
    refuse("InvalidRequestError", "session", function() c.posts:append(p) end)
    assert.equal(0, #c.posts)
    assert.is_nil(p.category)
    other:close()
  end)
end)

describe("delete without a cascade", function()
  before_each(function() take(blog.filled()) end)

  it("sets the children's foreign keys to NULL in one batched UPDATE", function()
    local lua = category "Lua"
    assert.equal(3, #lua.posts)
    db.session:delete(lua)
    local records = db:record(function() db.session:flush() end)
    assert.equal(2, #records)
    assert.equal("UPDATE post SET category_id=? WHERE post.id = ?", records[1].statement)
    assert.equal(3, #records[1].parameters)
    assert.equal("DELETE FROM category WHERE category.id = ?", records[2].statement)
    db.session:commit()
    assert.is_nil(post "a".category_id)
    assert.equal(3, Post.query:filter_by{ category_id = mr.null }:count())
  end)

  it("loads the collection first where it is not there", function()
    db.session:delete(category "Lua")
    costs(3, function() db.session:flush() end)
  end)

  it("removes link rows, not what they link", function()
    db.session:delete(post "a")
    db.session:commit()
    assert.equal(1, db.session:scalar(mr.text "SELECT count(*) FROM post_tag"))
    assert.equal(3, Tag.query:count())
    assert.equal(3, Comment.query:count())
  end)
end)

describe("delete with a cascade", function()
  before_each(function()
    take(blog.filled{ category = { backref = mr.backref{ "posts", cascade = "all" } }, comments = { cascade = "all" } })
  end)

  it("goes all the way, children first", function()
    local lua = category "Lua"
    db.session:delete(lua)
    local texts = support.statements(db, function() db.session:flush() end)
    local deletes = {}
    for _, sql in ipairs(texts) do
      if not sql:find "^SELECT" then deletes[#deletes + 1] = sql:match "^DELETE FROM (%S+)" or sql end
    end
    table.sort(deletes, function(a, b) return a < b end)
    assert.same({ "category", "comment", "post", "post_tag" }, deletes)
    assert.matches("^DELETE FROM category", texts[#texts])
    db.session:commit()
    assert.equal(0, Comment.query:count())
    assert.equal(1, Post.query:count())
    assert.equal("detached", state(lua))
  end)

  it("marks the children when the parent is marked", function()
    local lua = category "Lua"
    local a = lua.posts[1]
    db.session:delete(lua)
    assert.equal(3 + 3 + 1, #db.session.deleted)
    assert.is_false(#db.session.dirty > 0)
    db.session:rollback()
    assert.equal("persistent", state(a))
    assert.equal(0, #db.session.deleted)
    assert.equal(4, Post.query:count())
  end)
end)

describe("delete-orphan", function()
  before_each(function()
    take(blog.filled{ category = { backref = mr.backref{ "posts", cascade = ORPHAN } },
                      comments = { cascade = ORPHAN } })
  end)

  it("deletes what the collection loses", function()
    local lua = category "Lua"
    local a = post "a"
    lua.posts:remove(a)
    db.session:commit()
    assert.equal("detached", state(a))
    assert.equal(3, Post.query:count())
    assert.equal(1, Comment.query:count()) -- a's comments were deleted, too
    lua.posts = {}
    db.session:commit()
    assert.equal("{<d>}", tostring(Post.query:all()))
    assert.equal(0, Comment.query:count())
  end)

  it("lets a pending child that is removed leave the session", function()
    local lua = category "Lua"
    local n = #lua.posts
    local new = Post{ title = "new" }
    lua.posts:append(new)
    assert.equal("pending", state(new))
    lua.posts:remove(new)
    assert.equal("transient", state(new))
    costs(0, function() db.session:flush() end)
    assert.equal(n, #lua.posts)
  end)

  it("leaves alone what is moved to another parent", function()
    local lua, c = category "Lua", category "C"
    local a = post "a"
    c.posts:append(a)
    db.session:commit()
    assert.equal("persistent", state(a))
    assert.equal(c, a.category)
    lua.posts:remove(lua.posts[1])
    db.session:commit()
    assert.equal(3, Post.query:count())
  end)

  it("decides at flush: what comes back is no orphan", function()
    local lua = category "Lua"
    local a = lua.posts[1]
    lua.posts:remove(a)
    lua.posts:append(a)
    costs(0, function() db.session:flush() end)
    assert.equal("persistent", state(a))
  end)

  it("removing one child and deleting the parent leaves none", function()
    local lua = category "Lua"
    lua.posts:remove(lua.posts[1])
    db.session:delete(lua)
    db.session:commit()
    assert.equal("{<d>}", tostring(Post.query:all()))
    assert.equal(0, Comment.query:count())
  end)

  it("writes an object that never had a parent", function()
    db.session:add(Post{ title = "stray" })
    db.session:commit()
    assert.is_nil(post "stray".category)
  end)
end)

describe("delete-orphan on a many-to-many", function()
  it("deletes link row and child", function()
    take(blog.open{ tags = { cascade = ORPHAN, single_parent = true } })
    local own, kept = Tag{ name = "own" }, Tag{ name = "kept" }
    local c = Post{ title = "c", tags = { own, kept } }
    db.session:add(c)
    db.session:commit()
    c.tags:remove(own)
    local texts = costs(3, function() db.session:flush() end) -- the first statement reads the tag's other posts
    assert.same({ "DELETE FROM post_tag", "DELETE FROM tag" },
      { texts[2]:match "^DELETE FROM %S+", texts[3]:match "^DELETE FROM %S+" })
    db.session:commit()
    assert.equal("detached", state(own))
    assert.equal("{#kept}", tostring(Tag.query:all()))
    local other = Post{ title = "other" }
    refuse("InvalidRequestError", { "Post.tags", "single parent" }, function() other.tags:append(kept) end)
    db.session:delete(c)
    db.session:commit()
    assert.equal(0, Tag.query:count())
    assert.equal(0, db.session:scalar(mr.text "SELECT count(*) FROM post_tag"))
  end)
end)

describe("delete-orphan on a many-to-one", function()
  local function open()
    local one = mr.open "sqlite://"
    local Address = one.Model:extend("Address", {
      id = one.Column{ one.Integer, primary_key = true },
      lines = one.relationship{ "Line", backref = "address", cascade = ORPHAN },
    })
    local User = one.Model:extend("User", {
      id = one.Column{ one.Integer, primary_key = true },
      address_id = one.Column{ one.Integer, one.ForeignKey "address.id" },
      address = one.relationship{ "Address", backref = one.backref{ "user", uselist = false }, cascade = ORPHAN,
                                  single_parent = true },
    })
    local Line = one.Model:extend("Line", {
      id = one.Column{ one.Integer, primary_key = true },
      address_id = one.Column{ one.Integer, one.ForeignKey "address.id" },
    })
    one:create_all()
    return one, User, Address, Line
  end

  it("deletes the orphan and what depends on it", function()
    local one, User, Address, Line = open()
    local u = User{ address = Address{ lines = { Line{}, Line{} } } }
    one.session:add(u)
    one.session:commit()
    u.address = nil
    one.session:commit()
    assert.equal(0, Address.query:count())
    assert.equal(0, Line.query:count())
    u.address = Address{ lines = { Line{} } }
    one.session:commit()
    u.address = Address{}
    one.session:commit()
    assert.equal(1, Address.query:count())
    assert.equal(0, Line.query:count())
    one.session:delete(u)
    one.session:commit()
    assert.equal(0, Address.query:count())
  end)

  it("single_parent refuses a second parent", function()
    local db2 = mr.open "sqlite://"
    local B = db2.Model:extend("B", { id = db2.Column{ db2.Integer, primary_key = true } })
    local A = db2.Model:extend("A", {
      id = db2.Column{ db2.Integer, primary_key = true },
      b_id = db2.Column{ db2.Integer, db2.ForeignKey "b.id" },
      b = db2.relationship{ "B", cascade = ORPHAN, single_parent = true },
    })
    db2:create_all()
    local b = B{}
    local first, second = A{ b = b }, A{}
    refuse("InvalidRequestError", { "A.b", "single parent" }, function() second.b = b end)
    assert.is_nil(second.b)
    assert.equal(b, first.b)
    db2.session:add(first)
    db2.session:commit() -- an expired reference counts, too
    refuse("InvalidRequestError", { "A.b", "single parent" }, function() second.b = b end)
    first.b = nil
    second.b = b
    assert.equal(b, second.b)
  end)
end)

describe("a child that moves", function()
  before_each(function() take(blog.filled()) end)

  it("leaves the first one's loaded collection at once, and nothing is loaded", function()
    local lua, c = category "Lua", category "C"
    local a = lua.posts[1]
    assert.equal(1, #c.posts)
    costs(0, function()
      c.posts:append(a)
      assert.equal("{<b>, <c>}", tostring(lua.posts))
      assert.equal(c, a.category)
    end)
    local ada, d = category "Ada", post "d"
    costs(0, function()
      d.category = ada -- the posts of neither are loaded
      assert.equal("{<a>}", tostring(c.posts))
    end)
  end)

  it("survives the deletion of the old parent", function()
    take(blog.filled{ category = { backref = mr.backref{ "posts", cascade = "all" } } })
    local lua, c = category "Lua", category "C"
    local a = lua.posts[1]
    c.posts:append(a)
    db.session:delete(lua)
    db.session:commit()
    assert.equal("{<a>, <d>}", tostring(Post.query:order_by(Post.title):all()))
    assert.equal(c, a.category)
  end)

  it("is let go by the assignment of a whole collection", function()
    local lua = category "Lua"
    local a, b, c = lua.posts[1], lua.posts[2], lua.posts[3]
    local e = Post{ title = "e" }
    lua.posts = { b, e }
    assert.is_nil(a.category)
    assert.is_nil(c.category)
    assert.equal(lua, b.category)
    assert.equal(lua, e.category)
    db.session:commit()
    assert.equal("{<b>, <e>}", tostring(lua.posts))
    assert.is_nil(a.category_id)
  end)
end)

describe("expunge, expire and merge", function()
  it("follow their cascades", function()
    take(blog.filled{ category = { backref = mr.backref{ "posts", cascade = "all" } } })
    local lua = category "Lua"
    local a = lua.posts[1]
    db.session:expunge(lua)
    assert.equal("detached", state(lua))
    assert.equal("detached", state(a))
    db.session:add(lua)
    assert.equal("persistent", state(a))
    db.session:execute(mr.text "UPDATE post SET title = 'A' WHERE title = 'a'")
    assert.equal("a", a.title)
    db.session:expire(lua)
    assert.equal("A", a.title) -- the cascade refresh-expire
    db.session:commit()
  end)

  it("without a cascade leave the others", function()
    take(blog.filled())
    local lua = category "Lua"
    local a = lua.posts[1]
    db.session:expunge(lua)
    assert.equal("persistent", state(a))
  end)

  it("merge takes the collection along", function()
    take(blog.filled())
    local lua = category "Lua"
    assert.equal(3, #lua.posts)
    db.session:expunge_all()
    local again = db.session:merge(lua)
    assert.not_equal(lua, again)
    assert.equal(3, #again.posts)
    assert.not_equal(lua.posts[1], again.posts[1])
    costs(0, function() db.session:flush() end)
    db.session:expunge_all()
    local fresh = Category{ id = again.id, name = "Lua!", posts = { Post{ title = "only" } } }
    local merged = db.session:merge(fresh)
    db.session:commit()
    assert.equal("{<only>}", tostring(merged.posts))
    assert.equal("Lua!", merged.name)
  end)
end)

describe("a child that has moved", function()
  local function moved(fn)
    take(blog.open{ category = { backref = mr.backref{ "posts", cascade = "all, delete-orphan" } } })
    db.session:add_all{ Category{ name = "C", posts = { Post{ title = "p" }, Post{ title = "q" } } },
      Category{ name = "D" } }
    db.session:commit()
    local c, d, p = category "C", category "D", post "p"
    fn(c, d, p)
    db.session:commit()
    assert.equal("D", post "p".category.name)
    assert.equal(1, Post.query:count())
  end

  it("survives the cascade of the old parent, whose collection was never loaded", function()
    moved(function(c, d, p)
      p.category = d
      costs(2, function() db.session:delete(c) end) -- the move is flushed, then the posts are read
    end)
  end)

  it("survives it when the old parent has expired after the move", function()
    moved(function(c, d, p)
      p.category = d
      db.session:expire(c)
      db.session:delete(c)
    end)
  end)

  it("survives it without autoflush", function()
    moved(function(c, d, p)
      p.category = d
      db.session:expire(c)
      db.session:no_autoflush(function() db.session:delete(c) end)
    end)
  end)

  it("survives it when its foreign key was set by hand", function()
    moved(function(c, d, p)
      p.category_id = d.id
      db.session:delete(c)
    end)
    moved(function(c, d, p)
      p.category_id = d.id
      db.session:no_autoflush(function() db.session:delete(c) end)
    end)
  end)

  it("and one that is new and refers by its foreign key alone goes with the parent", function()
    take(blog.filled{ category = { backref = mr.backref{ "posts", cascade = "all" } },
      comments = { cascade = "all" } })
    local c = category "C"
    db.session:add(Post{ title = "e", category_id = c.id })
    db.session:delete(c)
    db.session:commit()
    assert.equal(3, Post.query:count())
  end)
end)
