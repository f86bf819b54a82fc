-- Rows of secondary tables: their other columns.

local mr = require "moonrow"

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
