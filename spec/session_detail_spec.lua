-- Details of a session's life that show only when several things come together.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function state(object) return mr.inspect(object).state end
local function statements(db, fn) return #support.statements(db, fn) end

-- Nodes of a tree; the options are those of Node.children.
local function tree(options)
  local db = mr.open "sqlite://"
  local children = { "Node", backref = db.backref{ "parent", remote_side = "Node.id" }, order_by = "Node.id" }
  for name, value in pairs(options or {}) do children[name] = value end
  local Node = db.Model:extend("Node", {
    id        = db.Column{ db.Integer, primary_key = true },
    name      = db.Column{ db.String(20) },
    parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
    children  = db.relationship(children),
  })
  db:create_all()
  return db, Node
end

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

describe("a deleted object", function()
  it("keeps what it has when the others expire: there is nothing to read again", function()
    local db, Node = tree()
    local node = Node{ name = "gone" }
    db.session:add(node)
    db.session:commit()
    local _ = node.name
    db.session:delete(node)
    db.session:flush()
    db.session:expire_all()
    assert.same({ "deleted", "gone", 0 }, { state(node), node.name, #node.children })
    local savepoint = db.session:begin_nested()
    db.session:add(Node{ name = "other" })
    db.session:flush()
    savepoint:rollback()
    assert.same({ "deleted", "gone" }, { state(node), node.name })
    db.session:commit()
    assert.same({ "detached", "gone" }, { state(node), node.name })
  end)

  it("that is expunged cannot be added again", function()
    local db, Node = tree()
    local node = Node{ name = "gone" }
    db.session:add(node)
    db.session:commit()
    db.session:delete(node)
    db.session:flush()
    db.session:expunge(node)
    assert.equal("detached", state(node))
    refuse("InvalidRequestError", "has been deleted", function() db.session:add(node) end)
    assert.equal("detached", state(node))
  end)

  it("that had expired before its deletion gives no old value", function()
    local db, Node = tree()
    local node = Node{ name = "old" }
    db.session:add(node)
    db.session:commit()
    local _ = node.name
    db.session:expire_all()
    Node.query:delete()
    refuse("ObjectDeletedError", "<Node 1>", function() return node.name end)
    db.session:rollback()
    assert.same({ "persistent", "old" }, { state(node), node.name })
  end)
end)

describe("session:refresh", function()
  it("drops what has changed in the object, and flushes the rest", function()
    local db, Node = tree()
    local one, two = Node{ name = "one" }, Node{ name = "two" }
    db.session:add_all{ one, two }
    db.session:commit()
    one.name, two.name = "1", "2"
    db.session:refresh(one)
    assert.same({ "one", "2", 0 }, { one.name, two.name, #db.session.dirty })
    one.name, one.parent_id = "1", 2
    db.session:refresh(one, { "name" })
    assert.same({ "one", 2 }, { one.name, one.parent_id })
    db.session:commit()
    assert.same({ "one", "2", 2 }, { one.name, two.name, one.parent_id })
  end)
end)

describe("session:refresh of what the flush deletes", function()
  it("says that the row is gone", function()
    local db, Node = tree()
    local node = Node{}
    db.session:add(node)
    db.session:commit()
    db.session:delete(node)
    refuse("InvalidRequestError", { "Could not refresh", "<Node 1>" }, db.session.refresh, db.session, node)
    assert.equal("deleted", state(node))
  end)
end)

describe("session:get", function()
  it("finds nothing when the flush before its reading deletes the row", function()
    local db, Node = tree()
    local node = Node{}
    db.session:add(node)
    db.session:commit()
    db.session:delete(node)
    db.session:expire(node)
    assert.is_nil(db.session:get(Node, 1))
    assert.equal("deleted", state(node))
  end)
end)

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

describe("a whole collection assigned", function()
  it("draws into the session what it holds now, not what it held", function()
    local db, Node = tree()
    local here, left, parent = Node{ name = "here" }, Node{ name = "left" }, Node{ name = "parent" }
    parent.children:append(left)
    db.session:add(here)
    db.session:flush()
    parent.children = { here }
    assert.same({ "pending", "transient" }, { state(parent), state(left) })
    db.session:commit()
    assert.equal(2, Node.query:count())
  end)

  it("draws in its items, not what they referred to before", function()
    local db, Node = tree()
    local first, second, old, parent = Node{}, Node{}, Node{ name = "old" }, Node{ name = "parent" }
    first.parent = old
    db.session:add(second)
    parent.children = { first, second }
    assert.same({ "pending", "pending", "transient" }, { state(parent), state(first), state(old) })
    assert.equal(0, #old.children)
  end)
end)

describe("delete-orphan", function()
  it("a parent that a rollback has put out of the session keeps no orphan", function()
    local db, Node = tree{ cascade = "all, delete-orphan" }
    local root, leaf = Node{ name = "root" }, Node{ name = "leaf" }
    root.children:append(leaf)
    db.session:add(root)
    db.session:commit()
    local other = Node{ name = "other" }
    db.session:add(other)
    other.children:append(leaf)
    db.session:rollback()
    root.children:clear()
    db.session:commit()
    assert.equal(1, Node.query:count())
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

describe("an object outside of the session that a collection holds", function()
  it("gets the key at a flush, and is linked once it is added", function()
    local db = mr.open "sqlite://"
    local Owner = db.Model:extend("Owner", {
      id     = db.Column{ db.Integer, primary_key = true },
      things = db.relationship{ "Thing", cascade = "merge" },
    })
    local Thing = db.Model:extend("Thing", {
      id       = db.Column{ db.Integer, primary_key = true },
      owner_id = db.Column{ db.Integer, db.ForeignKey "owner.id" },
    })
    db:create_all()
    local owner, first, second = Owner{}, Thing{}, Thing{}
    local warnings = 0
    mr.set_log(function() warnings = warnings + 1 end)
    owner.things:append(first)
    db.session:add(owner)
    db.session:commit()
    owner.things:append(second)
    db.session:flush()
    mr.set_log(nil)
    assert.equal(2, warnings)
    assert.same({ "transient", 1 }, { state(first), first.owner_id })
    assert.same({ "transient", 1 }, { state(second), second.owner_id })
    db.session:add_all{ first, second }
    db.session:commit()
    assert.equal(2, #owner.things)
  end)
end)

describe("a collection that was not read before a rollback", function()
  it("is read, when its object has a row again and is deleted", function()
    local db, Node = tree()
    local parent, child = Node{ name = "parent" }, Node{ name = "child" }
    db.session:add(parent)
    db.session:flush()
    child.parent = parent
    db.session:flush()
    db.session:rollback()
    db.session:add(child)
    db.session:flush()
    assert.equal(parent.id, child.parent_id)
    db.session:delete(parent)
    db.session:commit()
    assert.is_nil(child.parent_id)
    assert.equal(1, Node.query:count())
  end)
end)

describe("an object that expired and was given values since", function()
  it("follows a deletion and an update by query", function()
    local db, Node = tree()
    local node = Node{ name = "one" }
    db.session:add(node)
    db.session:commit()
    node.name = "two"
    assert.equal(1, Node.query:filter_by{ name = "two" }:update{ name = "three" })
    assert.equal("three", node.name)
    db.session:commit()
    node.name = "two"
    assert.equal(1, Node.query:filter_by{ name = "two" }:delete())
    assert.equal("deleted", state(node))
    db.session:rollback()
    assert.equal("three", node.name)
  end)
end)

describe("an expunged object whose reference is not loaded", function()
  it("is taken out of its parent's collection, and given another parent", function()
    local db, Node = tree()
    local parent, other, child = Node{ name = "parent" }, Node{ name = "other" }, Node{ name = "child" }
    child.parent = parent
    db.session:add_all{ parent, other, child }
    db.session:commit()
    assert.equal(1, #parent.children)
    db.session:expire(child)
    assert.equal("child", child.name)
    db.session:expunge(child)
    parent.children:remove(child)
    assert.equal(0, #parent.children)
    child.parent = other
    assert.equal("persistent", state(child))
    db.session:commit()
    assert.equal(other.id, child.parent_id)
  end)
end)
