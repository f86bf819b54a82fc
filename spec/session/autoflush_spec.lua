-- autoflush: a read that needs the database flushes first; a read that memory can answer does not.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"
local tree = require "spec.support.tree"

local state = support.state

describe("reading a reference", function()
  it("that is none, or is in the identity map, flushes nothing", function()
    local m = blog.filled()
    local session, Post = m.db.session, m.Post
    local lua, a = session:get(m.Category, 1), session:get(Post, 2)
    local loose = Post{ title = "loose" }
    session:add(loose)
    session:flush()
    local pending = m.Tag{}                   -- it has no name: a flush would fail
    session:add(pending)
    assert.equal(0, #m.db:record(function()
      assert.is_true(rawequal(lua, a.category))
      assert.is_nil(loose.category)
    end))
    assert.equal("pending", state(pending))
  end)

  it("that must be loaded flushes first", function()
    local m = blog.filled()
    local session = m.db.session
    local a = session:get(m.Post, 2)
    local tag = m.Tag{ name = "new" }
    session:add(tag)
    assert.equal("Lua", a.category.name)
    assert.equal("persistent", state(tag))
  end)

  it("still follows a foreign key that was set by hand", function()
    local m = blog.filled()
    local session = m.db.session
    local c, a = session:get(m.Category, 2), session:get(m.Post, 2)
    a.category_id = c.id
    assert.is_true(rawequal(c, a.category))
  end)
end)

describe("refresh", function()
  it("of an object that its own flush deletes is refused, as that of any deleted one", function()
    local m = blog.filled()
    local session = m.db.session
    local tag = session:get(m.Tag, 3)
    session:delete(tag)
    refuse("InvalidRequestError", { "<Tag 3>", "Could not refresh" }, session.refresh, session, tag)
    assert.equal("deleted", state(tag))
    refuse("InvalidRequestError", { "<Tag 3>", "not persistent" }, session.refresh, session, tag)
    session:rollback()
    assert.equal("z", tag.name)
  end)
end)

describe("get of an expired object", function()
  it("that its own flush deletes gives nothing", function()
    local m = blog.filled()
    local session = m.db.session
    local tag = session:get(m.Tag, 3)
    session:commit()
    session:delete(tag)
    assert.is_nil(session:get(m.Tag, 3))
    assert.equal("deleted", state(tag))
    session:rollback()
    assert.is_true(rawequal(tag, session:get(m.Tag, 3)))
  end)
end)

local function statements(db, fn) return #support.statements(db, fn) end

describe("autoflush", function()
  it("does not come before a reference that the identity map answers", function()
    local db, Node = tree()
    local root, leaf, free = Node{ name = "root" }, Node{ name = "leaf" }, Node{ name = "free" }
    leaf.parent = root
    db.session:add_all{ root, leaf, free }
    db.session:commit()
    for _, node in ipairs{ root, leaf, free } do assert.is_string(node.name) end
    local pending = Node{ name = "pending" }
    db.session:add(pending)
    assert.equal(0, statements(db, function()
      assert.is_true(rawequal(root, leaf.parent))
      assert.is_nil(free.parent)
    end))
    assert.equal("pending", state(pending))
  end)

  it("does not come before one whose key was set to that of such an object", function()
    local db, Node = tree()
    local root, leaf = Node{ name = "root" }, Node{ name = "leaf" }
    db.session:add_all{ root, leaf }
    db.session:commit()
    leaf.parent_id = root.id
    assert.is_true(rawequal(root, leaf.parent))
    assert.equal(1, #db.session.dirty)
    db.session:commit()
    assert.is_true(rawequal(root, leaf.parent))
  end)
end)

describe("an error in a flush that comes by itself", function()
  local m, session, reads

  before_each(function()
    m = blog.filled()
    session = m.db.session
    local post = session:get(m.Post, 2)
    local other = session:get(m.Post, 3)
    session:refresh(other)
    reads = {
      all = function() return session:query(m.Tag):all() end,
      count = function() return session:query(m.Tag):count() end,
      get = function() return session:get(m.Tag, 99) end,
      execute = function() return session:execute(mr.select(m.Tag)) end,
      ["lazy load"] = function() return #post.tags end,
      refresh = function() return session:refresh(other) end,
      update = function() return session:query(m.Tag):update{ name = "t" } end,
    }
  end)

  it("says so, and how to do without it, whatever reads", function()
    for name, read in pairs(reads) do
      session:add(m.Tag{})
      local e = refuse("IntegrityError", { "tag.name", "autoflush", "no_autoflush" }, read)
      assert.truthy(e.statement:find("INSERT INTO tag", 1, true), name)
      assert.truthy(e.orig, name)
      session:rollback()
    end
  end)

  it("says nothing of it where the program has flushed or committed", function()
    for _, write in ipairs{ session.flush, session.commit } do
      session:add(m.Tag{})
      local e = refuse("IntegrityError", { "tag.name" }, write, session)
      assert.is_nil(e.message:find("autoflush", 1, true))
      session:rollback()
    end
  end)

  it("is not told again of the reads that it stops", function()
    session:add(m.Tag{})
    refuse("IntegrityError", { "autoflush" }, reads.all)
    local e = refuse("PendingRollbackError", { "rollback" }, reads.all)
    assert.is_nil(e.message:find("no_autoflush", 1, true))
  end)

  it("passes on what a listener raised, as it is", function()
    mr.event.listen(m.Tag, "before_insert", function() error({ mine = true }) end)
    session:add(m.Tag{ name = "x" })
    local ok, e = pcall(reads.all)
    assert.is_false(ok)
    assert.is_true(e.mine)
  end)
end)
