-- mr.inspect: the state of an object; and changes of state that only the program makes.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local tree = require "spec.support.tree"
local family = require "spec.support.family"

local function open() return family.open{ parent = function(d) return { notes = d.Column{ d.Text } } end } end

local state = support.state

local function lists(h)
  return { { table.unpack(h.added) }, { table.unpack(h.deleted) }, { table.unpack(h.unchanged) } }
end

describe("mr.inspect", function()
  it("tells state, identity, session and class", function()
    local db, User = support.users()
    local user = User{ username = "ann", email = "a@x" }
    local view = mr.inspect(user)
    assert.same({ "transient", nil, nil }, { view.state, view.identity, view.session })
    assert.equal(User, view.class)
    db.session:add(user)
    assert.equal("pending", view.state)
    assert.equal(db.session(), view.session)
    assert.is_nil(view.identity)
    db.session:flush()
    assert.equal("persistent", view.state)
    assert.same({ 1 }, { table.unpack(view.identity) })
    db.session:delete(user)
    assert.equal("persistent", view.state)
    db.session:flush()
    assert.equal("deleted", view.state)
    db.session:commit()
    assert.equal("detached", view.state)
    assert.is_nil(view.session)
    assert.same({ 1 }, { table.unpack(view.identity) })
  end)

  it("reads without loading: it never sends a statement", function()
    local db, Parent = open()
    db.session:add(Parent{ name = "ann" })
    db.session:commit()
    local ann = Parent.query:one()
    db.session:commit()
    assert.same({}, support.statements(db, function()
      local view = mr.inspect(ann)
      for _, field in ipairs{ "state", "identity", "loaded", "unloaded", "modified" } do
        local _ = view[field]
      end
      for _, name in ipairs{ "name", "children" } do view:history(name) end
    end))
  end)

  it("lists what is loaded and what is not", function()
    local db, Parent = open()
    db.session:add(Parent{ name = "ann" })
    db.session:commit()
    local ann = Parent.query:one()
    assert.same({ "id", "name", "notes" }, { table.unpack(mr.inspect(ann).loaded) })
    assert.same({ "children" }, { table.unpack(mr.inspect(ann).unloaded) })
    local _ = #ann.children
    assert.same({}, { table.unpack(mr.inspect(ann).unloaded) })
    db.session:expire(ann, { "name" })
    assert.same({ "name" }, { table.unpack(mr.inspect(ann).unloaded) })
    db.session:expire(ann)
    assert.same({}, { table.unpack(mr.inspect(ann).loaded) })
  end)

  it("gives the history of a column", function()
    local db, User = support.with_users "ann"
    local user = User.query:one()
    assert.same({ {}, {}, { "ann" } }, lists(mr.inspect(user):history "username"))
    user.username = "bob"
    assert.same({ { "bob" }, { "ann" }, {} }, lists(mr.inspect(user):history "username"))
    user.username = "cat"
    assert.same({ { "cat" }, { "ann" }, {} }, lists(mr.inspect(user):history "username"))
    user.username = "ann"
    assert.same({ {}, {}, { "ann" } }, lists(mr.inspect(user):history "username"))
    db.session:expire(user)
    assert.same({ {}, {}, {} }, lists(mr.inspect(user):history "username"))
    user.username = nil
    assert.same({ { mr.null }, {}, {} }, lists(mr.inspect(user):history "username"))
    local new = User{ username = "dan" }
    assert.same({ { "dan" }, {}, {} }, lists(mr.inspect(new):history "username"))
    assert.same({ {}, {}, {} }, lists(mr.inspect(new):history "email"))
  end)

  it("gives the history of a collection and of a reference", function()
    local db, Parent, Child = open()
    local ann, bob = Parent{ name = "ann" }, Parent{ name = "bob" }
    local one, two, three = Child{ name = "1" }, Child{ name = "2" }, Child{ name = "3" }
    ann.children = { one, two }
    db.session:add_all{ ann, bob, three }
    db.session:flush()
    assert.same({ {}, {}, { one, two } }, lists(mr.inspect(ann):history "children"))
    ann.children:remove(two)
    ann.children:append(three)
    assert.same({ { three }, { two }, { one } }, lists(mr.inspect(ann):history "children"))
    assert.same({ {}, {}, { ann } }, lists(mr.inspect(one):history "parent"))
    one.parent = bob
    assert.same({ { bob }, { ann }, {} }, lists(mr.inspect(one):history "parent"))
    assert.same({ { mr.null }, { ann }, {} }, lists(mr.inspect(two):history "parent"))
    db.session:flush()
    assert.same({ {}, {}, { bob } }, lists(mr.inspect(one):history "parent"))
    assert.same({ {}, {}, { three } }, lists(mr.inspect(ann):history "children"))
  end)

  it("names an attribute that is none, and what is no object", function()
    local _, User = support.users()
    refuse("ArgumentError", { "usernam", "username" }, function()
      mr.inspect(User{ username = "a" }):history "usernam"
    end)
    refuse("ArgumentError", "inspect", mr.inspect, 5)
    refuse("ArgumentError", { "stat", "state" }, function() return mr.inspect(User()).stat end)
  end)
end)

describe("the session's lists", function()
  it("hold what is new, changed and to be deleted", function()
    local db, User = support.with_users("ann", "bob", "cat")
    local ann, bob, cat = table.unpack(User.query:order_by(User.id):all())
    local dan = User{ username = "dan", email = "d@x" }
    db.session:add(dan)
    ann.email = "new@x"
    db.session:delete(bob)
    assert.same({ dan }, { table.unpack(db.session.new) })
    assert.same({ ann }, { table.unpack(db.session.dirty) })
    assert.same({ bob }, { table.unpack(db.session.deleted) })
    for _, user in ipairs{ ann, bob, cat, dan } do assert.is_true(db.session:contains(user)) end
    bob.email = "x" -- it is marked for deletion: so it is not among the dirty ones
    assert.equal(1, #db.session.dirty)
    db.session:rollback()
    assert.same({ 0, 0, 0 }, { #db.session.new, #db.session.dirty, #db.session.deleted })
    assert.is_false(db.session:contains(dan))
  end)

  it("an add takes a deletion back", function()
    local db, User = support.with_users "ann"
    local ann = User.query:one()
    db.session:delete(ann)
    db.session:add(ann)
    assert.same({}, support.statements(db, function() db.session:commit() end))
    assert.equal(1, User.query:count())
  end)

  it("deleting a pending or transient object is refused by name", function()
    local db, User = support.users()
    refuse("InvalidRequestError", "User", db.session.delete, db.session, User{ username = "a", email = "a" })
  end)

  it("is_modified tells of changes that would be written", function()
    local db, User = support.with_users "ann"
    local ann = User.query:one()
    assert.is_false(db.session:is_modified(ann))
    ann.email = "ann@example.com"
    assert.is_false(db.session:is_modified(ann))
    ann.email = "x"
    assert.is_true(db.session:is_modified(ann))
    assert.is_true(mr.inspect(ann).modified)
    db.session:flush()
    assert.is_false(db.session:is_modified(ann))
    assert.is_true(db.session:is_modified(User{ username = "x" }))
    assert.is_false(db.session:is_modified(User{}))
  end)

  it("object_session names the session of an object", function()
    local db, User = support.users()
    local user = User{ username = "ann", email = "a@x" }
    assert.is_nil(mr.object_session(user))
    db.session:add(user)
    assert.equal(db.session(), mr.object_session(user))
    db.session:remove()
    assert.is_nil(mr.object_session(user))
  end)
end)

describe("an object of another session", function()
  it("is refused, and can come by expunge", function()
    local db, User = support.with_users "ann"
    local one, two = mr.Session(db.engine), mr.Session(db.engine)
    local ann = one:get(User, 1)
    local e = refuse("InvalidRequestError", { "<User 1>", "another session", "expunge", "merge" }, two.add, two, ann)
    assert.truthy(e)
    refuse("InvalidRequestError", "<User 1>", two.delete, two, ann)
    refuse("InvalidRequestError", "<User 1>", two.expunge, two, ann)
    refuse("InvalidRequestError", "<User 1>", two.refresh, two, ann)
    refuse("InvalidRequestError", "<User 1>", two.expire, two, ann)
    one:expunge(ann)
    two:add(ann)
    assert.equal("persistent", state(ann))
    ann.email = "two@x"
    two:commit()
    assert.equal("two@x", db.session:get(User, 1).email)
    one:close()
    two:close()
  end)
end)

describe("make_transient", function()
  it("turns a persistent object into a new one with the same values", function()
    local db, User = support.with_users "ann"
    local ann = User.query:one()
    mr.make_transient(ann)
    assert.equal("transient", state(ann))
    assert.is_nil(mr.inspect(ann).identity)
    assert.equal("ann", ann.username)
    assert.is_false(db.session:contains(ann))
    ann.id, ann.username, ann.email = nil, "copy", "copy@x"
    db.session:add(ann)
    db.session:commit()
    assert.equal(2, ann.id)
    assert.equal(2, User.query:count())
  end)

  it("works in every state", function()
    local db, User = support.with_users("ann", "bob")
    local pending = User{ username = "c", email = "c@x" }
    db.session:add(pending)
    mr.make_transient(pending)
    assert.equal("transient", state(pending))
    assert.equal(0, #db.session.new)
    local detached = db.session:get(User, 1)
    db.session:expunge(detached)
    mr.make_transient(detached)
    assert.equal("transient", state(detached))
    local doomed = db.session:get(User, 2)
    db.session:delete(doomed)
    mr.make_transient(doomed)
    assert.equal(0, #db.session.deleted)
    db.session:commit()
    assert.equal(2, User.query:count())
    mr.make_transient(doomed)
    assert.equal("transient", state(doomed))
    local deleted = db.session:get(User, 1)
    db.session:delete(deleted)
    db.session:commit()
    mr.make_transient(deleted)
    db.session:add(deleted)
    db.session:commit()
    assert.equal("ann", db.session:get(User, 1).username)
  end)

  it("has its way back: make_transient_to_detached", function()
    local db, User = support.with_users "ann"
    local stub = User{ id = 1 }
    mr.make_transient_to_detached(stub)
    assert.equal("detached", state(stub))
    assert.equal("DetachedInstanceError", support.error_of(function() return stub.email end).kind)
    db.session:add(stub)
    assert.equal("persistent", state(stub))
    assert.equal("ann", stub.username)
    refuse("InvalidRequestError", "User", mr.make_transient_to_detached, stub)
    refuse("InvalidRequestError", "primary key", mr.make_transient_to_detached, User{ username = "x" })
  end)
end)

describe("detached objects", function()
  it("expiring keeps the edits made after it; an object whose row is gone raises", function()
    local db, User = support.with_users("ann", "bob")
    local ann, bob = db.session:get(User, 1), db.session:get(User, 2)
    ann.email = "lost@x"
    db.session:expire(ann)
    ann.email = "kept@x"
    assert.same({ "ann", "kept@x" }, { ann.username, ann.email })
    db.session:commit()
    assert.equal("kept@x", ann.email)
    db.session:execute(mr.text "DELETE FROM user WHERE id = 2")
    db.session:expire(bob)
    local e = support.error_of(function() return bob.email end)
    assert.equal("ObjectDeletedError", e.kind)
    assert.matches("<User 2>", e.message)
  end)

  it("expire_all, refresh of names, and of an object that is not persistent", function()
    local db, User = support.with_users("ann", "bob")
    local all = User.query:order_by(User.id):all()
    db.session:expire_all()
    assert.equal(1, #support.statements(db, function() return all[1].email end))
    db.session:execute(mr.text "UPDATE user SET username = username || '!', email = 'x' || id")
    db.session:refresh(all[1], { "username" })
    assert.same({ "ann!", "ann@example.com" }, { all[1].username, all[1].email })
    refuse("InvalidRequestError", "User", db.session.refresh, db.session, User{ username = "a" })
    refuse("ArgumentError", { "usernam", "username" }, db.session.refresh, db.session, all[1], { "usernam" })
  end)
end)

describe("detached objects", function()
  it("keep what they have and name what they don't, with the cure", function()
    local db, Parent = open()
    db.session:add(Parent{ name = "ann" })
    db.session:commit()
    local ann = Parent.query:one()
    db.session:remove()
    assert.equal("ann", ann.name)
    local e = refuse("DetachedInstanceError", { "Parent", "children", "merge" }, function() return #ann.children end)
    assert.truthy(e)
    ann.name = "still writable"
    db.session:add(ann)
    db.session:commit()
    assert.equal("still writable", Parent.query:one().name)
  end)

  it("of expunge_all and close are detached; pending ones become transient", function()
    local db, User = support.with_users "ann"
    local session = mr.Session(db.engine)
    local ann, new = session:get(User, 1), User{ username = "n", email = "n" }
    session:add(new)
    session:expunge_all()
    assert.same({ "detached", "transient" }, { state(ann), state(new) })
    assert.equal(0, #session.identity_map)
    session:add_all{ ann, new }
    assert.same({ "persistent", "pending" }, { state(ann), state(new) })
    session:close()
    assert.same({ "detached", "transient" }, { state(ann), state(new) })
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
