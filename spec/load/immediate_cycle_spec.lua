-- Immediate loads that lead back to where they began, and that go deep.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local DEEP = os.getenv "MOONROW_STRESS" and 60 or 900

describe("immediate loads", function()
  local db, session, Node

  before_each(function()
    db = mr.open "sqlite://"
    session = db.session
  end)

  local function open_nodes(lazy)
    Node = db.Model:extend("Node", {
      id = db.Column{ db.Integer, primary_key = true },
      up_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
      kids = db.relationship{ "Node", lazy = lazy },
    })
    db:create_all()
  end

  -- Rows 1 .. n, each below the one before it; the first below `first`.
  local function fill(n, first)
    local rows = {}
    for i = 1, n do rows[i] = { id = i, up_id = i > 1 and i - 1 or mr.null } end
    session:execute(mr.insert(Node), rows)
    if first then session:execute(mr.text("UPDATE node SET up_id = :up WHERE id = 1"), { up = first }) end
    session:commit()
  end

  it("end where a circle closes, by an option", function()
    open_nodes()
    fill(3, 3)
    local node
    local records = db:record(function()
      local deep = mr.immediateload(Node.kids, { recursion_depth = -1 })
      node = Node.query:options(deep):filter(Node.id:eq(1)):one()
    end)
    assert.equal(4, #records)
    assert.equal(0, #db:record(function() assert.equal(node, node.kids[1].kids[1].kids[1]) end))
  end)

  it("end where a circle closes, by the class", function()
    open_nodes "immediate"
    fill(2, 2)
    local node = Node.query:filter(Node.id:eq(1)):one()
    assert.equal(node, node.kids[1].kids[1])
    assert.equal(2, node.kids[1].id)
  end)

  it("end where two sides of a many-to-many lead to one another", function()
    for _, word in ipairs{ "immediate", "*" } do
      db = mr.open "sqlite://"
      session = db.session
      local lazy = word == "immediate" and word or nil
      local Post = db.Model:extend("Post", { id = db.Column{ db.Integer, primary_key = true },
        tags = db.relationship{ "Tag", secondary = "post_tag", back_populates = "posts", lazy = lazy } })
      local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true },
        posts = db.relationship{ "Post", secondary = "post_tag", back_populates = "tags", lazy = lazy } })
      db.Table("post_tag", db.Column{ "post_id", db.ForeignKey "post.id", primary_key = true },
        db.Column{ "tag_id", db.ForeignKey "tag.id", primary_key = true })
      db:create_all()
      local tags = { Tag{}, Tag{} }
      session:add_all{ Post{ tags = tags }, Post{ tags = tags } }
      session:commit()
      session:expunge_all()
      local query = Post.query
      if word == "*" then query = query:options(mr.immediateload "*") end
      local posts = query:all()
      assert.equal(0, #db:record(function()
        for _, post in ipairs(posts) do
          assert.equal(2, #post.tags)
          for _, tag in ipairs(post.tags) do assert.equal(2, #tag.posts) end
        end
      end))
    end
  end)

  it("go deep, and are refused before the stack of C ends", function()
    open_nodes()
    fill(2000)
    local deep = mr.immediateload(Node.kids, { recursion_depth = -1 })
    local below = Node.query:options(deep):filter(Node.id:eq(2001 - DEEP)):one()
    local count = 0
    assert.equal(0, #db:record(function()
      while below.kids[1] do below, count = below.kids[1], count + 1 end
    end))
    assert.equal(DEEP - 1, count)
    session:expunge_all()
    local query = Node.query:options(deep):filter(Node.id:eq(1))
    refuse("InvalidRequestError", { "Node.kids", "1000", "selectinload" }, query.one, query)
    assert.equal(2000, Node.query:count())
  end)
end)
