-- Class:from_table of what is made of attributes: hybrids, composites, association proxies; and their histories.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local Point = {}
Point.__index = Point
function Point.__eq(a, b) return a.x == b.x and a.y == b.y end
function Point:__composite_values() return self.x, self.y end
local function point(x, y) return setmetatable({ x = x, y = y }, Point) end

local function of_columns(...)
  return point(...)
end

local function part(h, name) return { table.unpack(h[name]) } end

describe("from_table", function()
  local db, User, Post
  before_each(function()
    db = mr.open "sqlite://"
    User = db.Model:extend("User", {
      id = db.Column{ db.Integer, primary_key = true },
      first = db.Column{ db.String(20) },
      last = db.Column{ db.String(20) },
      x = db.Column{ db.Integer },
      y = db.Column{ db.Integer },
      name = mr.hybrid{
        get = function(self) return self.first .. " " .. self.last end,
        set = function(self, value) self.first, self.last = value:match "(%S+) (%S+)" end,
      },
      size = mr.hybrid(function(self) return self.x * self.y end),
      call = mr.hybrid_method(function(self) return self.first end),
      at = mr.composite(of_columns, "x", "y"),
      posts = db.relationship{ "Post", back_populates = "user", order_by = "Post.id",
        foreign_keys = "Post.user_id" },
      titles = mr.association_proxy("posts", "title"),
      editors = mr.association_proxy("posts", "editor"),
    })
    Post = db.Model:extend("Post", {
      id = db.Column{ db.Integer, primary_key = true },
      title = db.Column{ db.String(20) },
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
      editor_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
      user = db.relationship{ "User", back_populates = "posts", foreign_keys = "Post.user_id" },
      editor = db.relationship{ "User", foreign_keys = "Post.editor_id" },
    })
    db:create_all()
  end)

  it("sets a hybrid by its set, and leaves one without out, as what the database computes", function()
    local user = User:from_table{ name = "Ann Lee", size = 4, x = 2, y = 3 }
    assert.same({ "Ann", "Lee", 6 }, { user.first, user.last, user.size })
  end)

  it("takes a composite as a value, as the table that to_table makes of it, and as NULL", function()
    assert.same({ 1, 2 }, { (function(u) return u.x, u.y end)(User:from_table{ at = point(1, 2) }) })
    local user = User:from_table{ at = { x = 1, y = 2 } }
    assert.equal(point(1, 2), user.at)
    assert.is_nil(User:from_table{ at = mr.null }.at)
    refuse("ArgumentError", "User.at: expected a value of its class", function() User:from_table{ at = { 1, 2 } } end)
  end)

  it("makes the objects of an association proxy, unless the relationship has them", function()
    local user = User:from_table{ titles = { "a", "b" } }
    assert.same({ "a", "b" }, { user.posts[1].title, user.posts[2].title })
    user = User:from_table{ titles = { "a" }, posts = { { title = "z" } } }
    assert.same({ 1, "z" }, { #user.posts, user.titles[1] })
    user = User:from_table{ editors = { { name = "Bo Ek" }, { first = "Cy" } } }
    assert.same({ 2, "Bo", "Cy" }, { #user.posts, user.posts[1].editor.first, user.editors[2].first })
  end)

  it("makes again what to_table has given", function()
    local user = User{ first = "Ann", last = "Lee", x = 1, y = 2, posts = { Post{ title = "a" }, Post{ title = "b" } } }
    db.session:add(user)
    db.session:commit()
    local only = { "name", "at", "size", "titles", "first", "posts.title" }
    local t = user:to_table{ only = only }
    assert.same({ name = "Ann Lee", at = { x = 1, y = 2 }, size = 2, titles = { "a", "b" }, first = "Ann",
      posts = { { title = "a" }, { title = "b" } } }, t)
    assert.same(t, User:from_table(t):to_table{ only = only })
  end)

  it("refuses methods, and names that the class does not have", function()
    for _, name in ipairs{ "call", "nam", "to_table" } do
      refuse("ArgumentError", ("from_table: User: User has no attribute '%s'"):format(name),
        function() User:from_table{ [name] = "x" } end)
    end
  end)

  it("is reached by mr.inspect: the history of a hybrid and of an association proxy", function()
    local user = User{ name = "Ann Lee", posts = { Post{ title = "a" } } }
    db.session:add(user)
    assert.same({ { "Ann Lee" }, {} }, (function(h) return { part(h, "added"), part(h, "deleted") } end)(
      mr.inspect(user):history "name"))
    db.session:commit()
    assert.same({ "Ann Lee", "a" }, { user.name, user.titles[1] })
    local h = mr.inspect(user):history "name"
    assert.same({ {}, {}, { "Ann Lee" } }, { part(h, "added"), part(h, "deleted"), part(h, "unchanged") })
    assert.is_false(h:has_changes())
    user.last = "Fox"
    h = mr.inspect(user):history "name"
    assert.same({ { "Ann Fox" }, { "Ann Lee" }, {} }, { part(h, "added"), part(h, "deleted"), part(h, "unchanged") })
    user.titles:append "b"
    h = mr.inspect(user):history "titles"
    assert.same({ { "b" }, {}, { "a" } }, { part(h, "added"), part(h, "deleted"), part(h, "unchanged") })
    user.last = "Lee"
    assert.is_false(mr.inspect(user):history("name"):has_changes())
  end)
end)
