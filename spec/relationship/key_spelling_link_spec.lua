-- Rows of a secondary table that spell a key in another way than the object: the links that a load finds are the ones
-- that are deleted.

local mr = require "moonrow"
local support = require "spec.support.models"

local db, Post, Tag

local function run(...) support.run(db, ...) end

local function stored()
  return db.session:execute(mr.text(
    "SELECT group_concat(post_k || '-' || tag_id, ' ') FROM (SELECT * FROM post_tag ORDER BY rowid)")):scalar()
end

local function sent(fn) return support.statements(db, fn) end

local function open(post, link_post, tag, link_tag, links, more)
  db = mr.open "sqlite://"
  run("CREATE TABLE post (k " .. post .. " PRIMARY KEY, v TEXT)", "CREATE TABLE tag (id " .. tag .. " PRIMARY KEY)",
    "CREATE TABLE post_tag (post_k " .. link_post .. ", tag_id " .. link_tag .. ")",
    "INSERT INTO post VALUES ('A', 'a'), ('b', 'b')", "INSERT INTO tag VALUES ('7'), ('8')",
    "INSERT INTO post_tag VALUES " .. links)
  db.Table("post_tag", db.metadata, db.Column("post_k", db.Text, db.ForeignKey "post.k"),
    db.Column("tag_id", link_tag == "INTEGER" and db.Integer or db.Text, db.ForeignKey "tag.id"))
  local options = { "Tag", secondary = "post_tag", backref = "posts", order_by = "Tag.id" }
  for k, v in pairs(more or {}) do options[k] = v end
  Post = db.Model:extend("Post", {
    k = db.Column{ db.Text, primary_key = true },
    v = db.Column{ db.Text },
    tags = db.relationship(options),
  })
  Tag = db.Model:extend("Tag", {
    id = db.Column{ tag == "INTEGER" and db.Integer or db.Text, primary_key = true, autoincrement = false } })
end

local cases = {
  { "only the post's key disregards case", "TEXT COLLATE NOCASE", "TEXT", "TEXT", "TEXT",
    "('a', '7'), ('A', '8'), ('B', '7'), ('B', '8')" },
  { "both disregard case", "TEXT COLLATE NOCASE", "TEXT COLLATE NOCASE", "TEXT", "TEXT",
    "('a', '7'), ('A', '8'), ('B', '7'), ('B', '8')" },
  { "the links' texts refer to integers", "TEXT", "TEXT", "INTEGER", "TEXT",
    "('A', '007'), ('A', '08'), ('b', '7'), ('b', '8.0')" },
  { "the links' integers refer to texts", "TEXT", "TEXT", "TEXT", "INTEGER",
    "('A', 7), ('A', 8), ('b', 7), ('b', 8)" },
  { "both sides are spelled otherwise", "TEXT COLLATE NOCASE", "TEXT", "INTEGER", "TEXT",
    "('a', '007'), ('A', '08'), ('B', '7'), ('B', '08')" },
}

describe("a link is deleted as it is found where", function()
  for _, case in ipairs(cases) do
    local words, post, link_post, tag, link_tag, links = table.unpack(case)
    local rows = {}
    for row in links:gmatch "%((.-)%)" do rows[#rows + 1] = row:gsub("'", ""):gsub(", ", "-") end

    it(words .. ": an item is removed, from either side", function()
      open(post, link_post, tag, link_tag, links)
      local a, b = db.session:get(Post, "A"), db.session:get(Post, "b")
      assert.same({ 2, 2 }, { #a.tags, #b.tags })
      a.tags:remove(a.tags[1])
      db.session:commit()
      assert.equal(rows[2] .. " " .. rows[3] .. " " .. rows[4], stored())
      assert.equal(1, #a.tags)
      b.tags[2].posts:remove(b)
      db.session:commit()
      assert.equal(rows[2] .. " " .. rows[3], stored())
      b.tags[1].posts:remove(b)
      db.session:commit()
      assert.equal(rows[2], stored())
    end)

    it(words .. ": the list is cleared, under a savepoint, too", function()
      open(post, link_post, tag, link_tag, links)
      local a = db.session:get(Post, "A")
      local savepoint = db.session:begin_nested()
      a.tags = {}
      db.session:flush()
      assert.equal(rows[3] .. " " .. rows[4], stored())
      savepoint:rollback()
      assert.equal(table.concat(rows, " "), stored())
      assert.equal(2, #a.tags)
      a.tags = {}
      db.session:commit()
      assert.equal(rows[3] .. " " .. rows[4], stored())
      assert.equal(0, #a.tags)
    end)

    it(words .. ": the parent is deleted, and the target", function()
      open(post, link_post, tag, link_tag, links)
      db.session:delete(db.session:get(Post, "A"))
      db.session:commit()
      assert.equal(rows[3] .. " " .. rows[4], stored())
      db.session:delete(Tag.query:order_by(Tag.id):first())
      db.session:commit()
      assert.equal(rows[4], stored())
    end)
  end

  it("one link is there in two spellings", function()
    for _, ref in ipairs{ "TEXT", "TEXT COLLATE NOCASE" } do
      open("TEXT COLLATE NOCASE", ref, "TEXT", "TEXT", "('a', '7'), ('A', '7'), ('b', '7')")
      local a = db.session:get(Post, "A")
      assert.equal(Tag.query:filter_by{ id = "7" }:one(), a.tags[1])
      a.tags = {}
      db.session:commit()
      assert.equal("b-7", stored())
    end
  end)

  it("the key changes in the same flush", function()
    open("TEXT COLLATE NOCASE", "TEXT REFERENCES post (k) ON UPDATE CASCADE", "TEXT", "TEXT", "('A', '7'), ('A', '8')")
    run "PRAGMA foreign_keys = ON"
    local a = db.session:get(Post, "A")
    a.tags:remove(a.tags[1])
    a.k = "new"
    db.session:commit()
    assert.equal("new-8", stored())
    open("TEXT COLLATE NOCASE", "TEXT", "TEXT", "TEXT", "('A', '7'), ('A', '8')", { passive_updates = false })
    a = db.session:get(Post, "A")
    a.tags:remove(a.tags[1])
    a.k = "new"
    db.session:commit()
    assert.equal("new-8", stored())
  end)

  it("it has gone meanwhile, which is an error", function()
    open("TEXT COLLATE NOCASE", "TEXT", "TEXT", "TEXT", "('a', '7'), ('A', '8')")
    local a = db.session:get(Post, "A")
    assert.equal(2, #a.tags)
    db.session:execute(mr.text "DELETE FROM post_tag WHERE tag_id = '7'")
    a.tags = {}
    local ok, e = pcall(db.session.flush, db.session)
    assert.is_false(ok)
    assert.equal("StaleDataError", e.kind)
    db.session:rollback()
  end)

  it("and with one statement for all, which stays as it was where the columns compare alike", function()
    open("TEXT COLLATE NOCASE", "TEXT", "TEXT", "TEXT", "('a', '7'), ('A', '8')")
    local a = db.session:get(Post, "A")
    assert.equal(2, #a.tags)
    a.tags = {}
    assert.same({ "DELETE FROM post_tag WHERE (EXISTS (SELECT 1 FROM post AS post_1 WHERE post_1.k = post_tag.post_k "
      .. "AND post_1.k = ?)) AND post_tag.tag_id = ?" }, sent(function() db.session:flush() end))
    for _, collation in ipairs{ "", " COLLATE NOCASE" } do
      open("TEXT" .. collation, "TEXT" .. collation, "TEXT", "TEXT", "('A', '7'), ('A', '8')")
      a = db.session:get(Post, "A")
      assert.equal(2, #a.tags)
      a.tags = {}
      assert.same({ "DELETE FROM post_tag WHERE post_tag.post_k = ? AND post_tag.tag_id = ?" },
        sent(function() db.session:flush() end))
    end
  end)
end)

describe("a link of", function()
  local function links(columns)
    return db.session:execute(mr.text("SELECT group_concat(" .. columns .. ", ' ') FROM link")):scalar()
  end

  before_each(function() db = mr.open "sqlite://" end)

  it("a class to itself is deleted as it is found", function()
    run("CREATE TABLE node (k TEXT COLLATE NOCASE PRIMARY KEY)", "CREATE TABLE link (a TEXT, b TEXT)",
      "INSERT INTO node VALUES ('A'), ('b'), ('c')",
      "INSERT INTO link VALUES ('a', 'B'), ('A', 'C'), ('B', 'c'), ('C', 'a')")
    local link = db.Table("link", db.metadata, db.Column("a", db.Text, db.ForeignKey "node.k"),
      db.Column("b", db.Text, db.ForeignKey "node.k"))
    local Node
    Node = db.Model:extend("Node", {
      k = db.Column{ db.Text, primary_key = true },
      nexts = db.relationship{ "Node", secondary = link, backref = "befores", order_by = "Node.k",
        primaryjoin = function() return Node.k:eq(link.c.a) end,
        secondaryjoin = function() return Node.k:eq(link.c.b) end },
    })
    local a = db.session:get(Node, "A")
    assert.equal(2, #a.nexts)
    a.nexts:remove(a.nexts[1])
    db.session:commit()
    assert.equal("AC Bc Ca", links "a || b")
    db.session:delete(a)
    db.session:commit()
    assert.equal("Bc", links "a || b")
  end)

  it("a composite key is found by all of its columns", function()
    run("CREATE TABLE post (a TEXT COLLATE NOCASE, b INTEGER, PRIMARY KEY (a, b))",
      "CREATE TABLE tag (id INTEGER PRIMARY KEY)", "CREATE TABLE link (pa TEXT, pb TEXT, t INTEGER)",
      "INSERT INTO post VALUES ('A', 1), ('a', 2)", "INSERT INTO tag VALUES (1), (2)",
      "INSERT INTO link VALUES ('a', '01', 1), ('A', '1', 2), ('A', '2', 1), ('a', '02', 2)")
    db.Table{ "link", db.Column{ "pa", db.Text }, db.Column{ "pb", db.Text },
      db.Column{ "t", db.Integer, db.ForeignKey "tag.id" },
      db.ForeignKeyConstraint({ "pa", "pb" }, { "post.a", "post.b" }) }
    Post = db.Model:extend("Post", {
      a = db.Column{ db.Text, primary_key = true },
      b = db.Column{ db.Integer, primary_key = true },
      tags = db.relationship{ "Tag", secondary = "link", order_by = "Tag.id" },
    })
    Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
    local one = db.session:get(Post, { "a", 1 })
    assert.equal(2, #one.tags)
    one.tags:remove(one.tags[1])
    db.session:commit()
    assert.equal("A12 A21 a022", links "pa || pb || t")
    db.session:delete(one)
    db.session:commit()
    assert.equal("A21 a022", links "pa || pb || t")
    local two = db.session:get(Post, { "A", 2 })
    assert.equal(2, #two.tags)
    two.tags = { Tag{ id = 9 } }
    db.session:commit()
    assert.equal("a29", links "pa || pb || t")
  end)
end)
