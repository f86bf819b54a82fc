-- query:explain and session:explain: how the database runs a statement.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local blog = require "spec.support.blog"

describe("explain", function()
  local db, Post, Comment

  before_each(function()
    local m = blog.open()
    db, Post, Comment = m.db, m.Post, m.Comment
  end)

  it("gives the steps of a query in a tree, and does not run it", function()
    local plan
    local records = db:record(function()
      plan = Post.query:filter(Post.id:in_(mr.select(Comment.post_id))):order_by(Post.title):explain()
    end)
    assert.equal(1, #records)
    assert.matches("^EXPLAIN QUERY PLAN SELECT post%.id", records[1].statement)
    assert.matches("^SEARCH post USING INTEGER PRIMARY KEY", plan[1].detail)
    local list = plan:find "LIST SUBQUERY"
    assert.equal("SCAN comment", list[1].detail)
    assert.equal("LIST SUBQUERY 1\n  SCAN comment", tostring(list))
    assert.equal(tostring(plan), table.concat({ tostring(plan[1]), tostring(plan[2]), tostring(plan[3]) }, "\n"))
    assert.is_nil(plan:find "SCAN post")
  end)

  it("has the values in the statement, whatever they hold", function()
    local text = "it's :one, ? and ''"
    local records = db:record(function() Post.query:filter(Post.title:eq(text)):explain() end)
    assert.matches("'it''s :one, ? and '''''", records[1].statement, 1, true)
    local wanted = Post.query:filter(Post.title:eq(mr.bindparam "title"))
    assert.equal("SCAN post", tostring(wanted:params{ title = "x" }:explain()))
    refuse("InvalidRequestError", "'title'", function() wanted:explain() end)
  end)

  it("tells of a session's statements of each kind, without running them", function()
    db.session:add(Post{ id = 3, title = "kept" })
    db.session:commit()
    assert.truthy(db.session:explain(mr.select(Post):where(Post.id:eq(3))):find "PRIMARY KEY")
    assert.truthy(db.session:explain(mr.update(Post):values{ title = "x" }:where(Post.id:eq(3))):find "PRIMARY KEY")
    assert.truthy(db.session:explain(mr.delete(Post):where(Post.id:eq(3))):find "PRIMARY KEY")
    assert.equal("", tostring(db.session:explain(mr.insert(Post):values{ id = 4, title = "x" })))
    assert.is_false(db.session:in_transaction())
    assert.equal(1, Post.query:count())
    assert.equal("kept", db.session:get(Post, 3).title)
  end)

  it("refuses what it cannot explain", function()
    refuse("ArgumentError", "explain", function() db.session:explain "SELECT 1" end)
    refuse("ArgumentError", "'analyze'", function() Post.query:explain{ analyze = true } end)
    refuse("InvalidRequestError", "engine", function() mr.Session():explain(mr.select(Post)) end)
  end)

  it("asks PostgreSQL for its plan as JSON", function()
    local mock = mr.open "mock+postgresql://"
    local Item = mock.Model:extend("Item", { id = mock.Column{ mock.Integer, primary_key = true } })
    local function sent(fn)
      local records = mock:record(fn)
      assert.equal(1, #records)
      return records[1].statement
    end
    assert.equal("EXPLAIN (FORMAT JSON) SELECT item.id AS item_id FROM item WHERE item.id = 3",
      sent(function() assert.equal("", tostring(Item.query:filter_by{ id = 3 }:explain())) end))
    assert.equal("EXPLAIN (FORMAT JSON) DELETE FROM item WHERE item.id > 1",
      sent(function() mock.session:explain(mr.delete(Item):where(Item.id:gt(1))) end))
  end)

  it("reads PostgreSQL's plan as a tree", function()
    -- There is no server here: this is what PostgreSQL 15 says of a join.
    local answer = { { Plan = { ["Node Type"] = "Hash Join", ["Join Type"] = "Left", ["Total Cost"] = 45.5,
      ["Hash Cond"] = "(c.post_id = p.id)", Plans = {
        { ["Node Type"] = "Seq Scan", ["Relation Name"] = "comment", Alias = "c", Filter = "(body = 'x')" },
        { ["Node Type"] = "Hash", Plans = {
          { ["Node Type"] = "Index Scan", ["Index Name"] = "post_pkey", ["Relation Name"] = "post", Alias = "post",
            ["Index Cond"] = "(id < 9)" } } } } } } }
    local reader = assert(loadfile "lua/moonrow/plan.lua")({}, function() return { expect = error } end)
    local plan = reader.of_json(answer)
    assert.equal(table.concat({
      "Hash Join Left (Hash Cond: (c.post_id = p.id))",
      "  Seq Scan on comment c (Filter: (body = 'x'))",
      "  Hash",
      "    Index Scan using post_pkey on post (Index Cond: (id < 9))",
    }, "\n"), tostring(plan))
    assert.equal(45.5, plan[1].values["Total Cost"])
    assert.equal("post_pkey", plan:find("Index Scan").values["Index Name"])
    assert.is_nil(plan:find "Nested Loop")
  end)
end)

describe("sql with a dialect", function()
  it("is spelled for that database, for queries, statements and expressions", function()
    local m = blog.open()
    local Post = m.Post
    local query = Post.query:filter_by{ id = 7 }:with_for_update()
    assert.matches("WHERE post.id = $1 FOR UPDATE", query:sql{ dialect = "postgresql" }, 1, true)
    assert.matches("WHERE post.id = 7 FOR UPDATE", query:sql{ dialect = "postgresql", literals = true }, 1, true)
    assert.matches("WHERE post.id = ?", query:sql{ dialect = "sqlite" }, 1, true)
    assert.equal(query:sql(), query:sql{ dialect = "sqlite" })
    assert.equal("UPDATE post SET title=$1", mr.update(Post):values{ title = "x" }:sql{ dialect = "postgresql" })
    assert.equal("post.title ILIKE $1", Post.title:ilike "x":sql{ dialect = "postgresql" })
    refuse("ArgumentError", { "'postgres'", "'postgresql'" }, function() query:sql{ dialect = "postgres" } end)
    refuse("ArgumentError", "dialect", function() query:sql{ dialect = 5 } end)
  end)
end)
