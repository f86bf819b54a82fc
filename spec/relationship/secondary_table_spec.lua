-- Rows of secondary tables: their other columns; each link is written and deleted once, from either side.

local mr = require "moonrow"
local support = require "spec.support.models"

describe("a secondary table with columns of its own", function()
  local db, Post, Tag, calls

  before_each(function()
    db, calls = mr.open "sqlite://", 0
    local links = db.Table{ "post_tag",
      db.Column{ "kind", db.String(9), default = "plain" },
      db.Column{ "post_id", db.Integer, db.ForeignKey{ "post.id" }, primary_key = true },
      db.Column{ "size", db.Integer, default = mr.func.abs(-3) },
      db.Column{ "tag_name", db.String(9), db.ForeignKey{ "tag.name" }, primary_key = true },
      db.Column{ "serial", db.Integer, default = function() calls = calls + 1 return calls end },
      db.Column{ "state", db.String(9), server_default = "new" },
      db.Column{ "changes", db.Integer, onupdate = mr.func.abs(-7) },
    }
    Post = db.Model:extend("Post", {
      id = db.Column{ db.Integer, primary_key = true },
      tags = db.relationship{ "Tag", secondary = links, backref = db.backref{ "posts", passive_updates = false },
                              passive_updates = false },
    })
    Tag = db.Model:extend("Tag", { name = db.Column{ db.String(9), primary_key = true } })
    db:create_all()
  end)

  local function rows()
    local list = {}
    for i, row in ipairs(db.session:execute(mr.text(
      "SELECT post_id, tag_name, kind, size, serial, state, changes FROM post_tag ORDER BY serial")):all()) do
      list[i] = table.concat({ row:unpack() }, " ", 1, 6) .. " " .. tostring(row[7])
    end
    return list
  end

  it("gets their defaults", function()
    db.session:add(Post{ tags = { Tag{ name = "a" }, Tag{ name = "b" } } })
    local records = db:record(function() db.session:flush() end)
    assert.equal("INSERT INTO post_tag (kind, post_id, size, tag_name, serial) VALUES (?, ?, abs(?), ?, ?)",
      records[3].statement)
    assert.same({ { "plain", 1, -3, "a", 1 }, { "plain", 1, -3, "b", 2 } }, records[3].parameters)
    assert.same({ "1 a plain 3 1 new nil", "1 b plain 3 2 new nil" }, rows())
  end)

  it("is deleted from by its keys, and updated with their onupdate", function()
    local tag = Tag{ name = "a" }
    local post = Post{ tags = { tag, Tag{ name = "b" } } }
    db.session:add(post)
    db.session:flush()
    post.tags:remove(post.tags[2])
    db.session:flush()
    db.session:execute(mr.text "PRAGMA defer_foreign_keys = ON")
    tag.name = "c"
    local records = db:record(function() db.session:flush() end)
    assert.equal("UPDATE post_tag SET post_id=?, tag_name=?, changes=abs(?) "
                 .. "WHERE post_tag.post_id = ? AND post_tag.tag_name = ?", records[2].statement)
    assert.same({ 1, "c", -7, 1, "a" }, records[2].parameters)
    assert.same({ "1 c plain 3 1 new 7" }, rows())
  end)
end)

local state = support.state

local function statements(db, fn) return #support.statements(db, fn) end

describe("links of many to many", function()
  local function orders()
    local db = mr.open "sqlite://"
    local links = db.Table("links",
      db.Column{ "order_id", db.Integer, db.ForeignKey "order.id", primary_key = true },
      db.Column{ "keyword_id", db.Integer, db.ForeignKey "keyword.id", primary_key = true })
    local Order = db.Model:extend("Order", {
      id       = db.Column{ db.Integer, primary_key = true },
      keywords = db.relationship{ "Keyword", secondary = links, backref = "orders" },
    })
    local Keyword = db.Model:extend("Keyword", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    return db, Order, Keyword
  end

  it("one end deleted, then the other: each link is deleted once", function()
    local db, Order, Keyword = orders()
    local order, one, two = Order{}, Keyword{}, Keyword{}
    order.keywords = { one, two }
    db.session:add(order)
    db.session:flush()
    db.session:delete(one)
    db.session:flush()
    db.session:delete(order)
    db.session:commit()
    assert.equal(0, db.session:scalar(mr.text "SELECT count(*) FROM links"))
    assert.equal(1, Keyword.query:count())
  end)

  it("an item that a flush has deleted is taken out of the collection without a statement", function()
    local db, Order, Keyword = orders()
    local order, one = Order{}, Keyword{}
    order.keywords = { one }
    db.session:add(order)
    db.session:flush()
    db.session:delete(one)
    db.session:flush()
    order.keywords:remove(one)
    assert.equal(0, statements(db, function() db.session:flush() end))
    db.session:commit()
    assert.equal(0, #order.keywords)
  end)

  it("both ends agree after a rollback, also where one had not read its collection", function()
    local db, Order, Keyword = orders()
    local order, keyword = Order{}, Keyword{}
    db.session:add(order)
    db.session:flush()
    keyword.orders:append(order)
    db.session:rollback()
    assert.same({ "transient", "transient" }, { state(order), state(keyword) })
    assert.same({ 1, 1 }, { #keyword.orders, #order.keywords })
    assert.is_true(rawequal(keyword, order.keywords[1]))
    db.session:add(keyword)
    db.session:commit()
    assert.equal(1, #order.keywords)
  end)
end)

describe("a link that was never written, as its object was outside of the session", function()
  it("is not missed when its parent is deleted", function()
    local db = mr.open "sqlite://"
    local link = db.Table("link", db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id", primary_key = true },
      db.Column{ "post_id", db.Integer, db.ForeignKey "post.id", primary_key = true })
    local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
    local Post = db.Model:extend("Post", {
      id   = db.Column{ db.Integer, primary_key = true },
      tags = db.relationship{ "Tag", secondary = link },
    })
    db:create_all()
    local inside, outside, post = Tag{}, Tag{}, Post{}
    db.session:add_all{ inside, outside, post }
    db.session:commit()
    post.tags = { inside, outside }
    db.session:expunge(outside)
    local warnings = {}
    mr.set_log(function(text) warnings[#warnings + 1] = text end)
    db.session:flush()
    mr.set_log(nil)
    assert.equal(1, #warnings)
    assert.matches("not in session", warnings[1])
    db.session:delete(post)
    db.session:commit()
    assert.equal(0, db.session:scalar(mr.select(mr.func.count()):select_from(link)))
  end)
end)
