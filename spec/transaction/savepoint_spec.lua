-- Savepoints and rollbacks with relationships: the links of objects that a rollback has made transient.

local blog = require "spec.support.blog"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local state = support.state

describe("an object that a rollback made transient", function()
  it("and that then gives up its links is not brought back by the other end", function()
    local m = blog.filled()
    local session = m.db.session
    local tag = session:get(m.Tag, 3)
    local post = m.Post{ title = "new", tags = { tag } }
    session:flush()
    assert.equal("persistent", state(post))
    session:rollback()
    assert.equal(1, #post.tags)
    post.tags = {}
    session:add(tag)
    assert.equal("transient", state(post))
    session:commit()
    assert.equal(0, #tag.posts)
    assert.equal(0, m.Post.query:filter_by{ title = "new" }:count())
  end)

  it("and that keeps its links comes back whole, with the other end as it was", function()
    local m = blog.filled()
    local session = m.db.session
    local tag = session:get(m.Tag, 3)
    local post = m.Post{ title = "new", tags = { tag } }
    session:flush()
    session:rollback()
    session:add(post)
    session:commit()
    assert.equal("{<new>}", tostring(tag.posts))
  end)
end)

describe("an object inserted before a savepoint, changed in it and expunged", function()
  it("is no affair of the session's when both are rolled back", function()
    local m = blog.open()
    local session = m.db.session
    local tag = m.Tag{ name = "one" }
    session:add(tag)
    local point = session:begin_nested()
    tag.name = "two"
    session:flush()
    session:expunge(tag)
    point:rollback()
    assert.same({ "detached", "two" }, { state(tag), tag.name })
    session:rollback()
    assert.same({ "transient", "two" }, { state(tag), tag.name })
    assert.is_nil(tag.id)
  end)
end)

describe("a transaction that has ended", function()
  it("refuses to commit, and leaves what came after it alone", function()
    local m = blog.open()
    local session = m.db.session
    local outer = session:begin()
    local inner = session:begin_nested()
    session:add(m.Tag{ name = "lost" })
    session:rollback()
    assert.same({ false, false }, { inner.is_active, outer.is_active })
    session:add(m.Tag{ name = "later" })
    refuse("InvalidRequestError", "closed", inner.commit, inner)
    refuse("InvalidRequestError", "closed", outer.commit, outer)
    assert.equal(1, #session.new)
    session:commit()
    refuse("InvalidRequestError", "closed", outer.commit, outer)
    assert.equal("later", m.Tag.query:one().name)
  end)

  it("takes a rollback for what it is: nothing", function()
    local m = blog.open()
    local session = m.db.session
    local point = session:begin_nested()
    session:add(m.Tag{})                 -- it has no name
    refuse("IntegrityError", "tag.name", point.commit, point)
    assert.is_false(point.is_active)
    session:add(m.Tag{ name = "later" })
    point:rollback()
    session:commit()
    assert.equal(1, m.Tag.query:count())
  end)

  it("may be ended inside its block", function()
    local m = blog.open()
    local session = m.db.session
    do
      local t <close> = session:begin()
      session:add(m.Tag{ name = "a" })
      t:commit()
      refuse("InvalidRequestError", "closed", t.commit, t)
    end
    assert.equal(1, m.Tag.query:count())
  end)
end)
