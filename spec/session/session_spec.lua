-- The session with columns only: states, identity, autoflush, changes, transactions.

local mr = require "moonrow"
local support = require "spec.support.models"

local state = support.state

describe("states", function()
  it("go from transient to detached", function()
    local db, User = support.users()
    local user = User{ username = "ann", email = "a@x" }
    assert.equal("transient", state(user))
    db.session:add(user)
    assert.equal("pending", state(user))
    assert.same({ user }, { table.unpack(db.session.new) })
    db.session:flush()
    assert.equal("persistent", state(user))
    assert.equal(0, #db.session.new)
    assert.is_true(db.session:contains(user))
    db.session:delete(user)
    assert.equal(1, #db.session.deleted)
    db.session:flush()
    assert.equal("deleted", state(user))
    db.session:commit()
    assert.equal("detached", state(user))
    assert.is_false(db.session:contains(user))
    assert.equal(0, User.query:count())
  end)

  it("leave the session by expunge", function()
    local db, User = support.with_users "ann"
    local user = User.query:one()
    db.session:expunge(user)
    assert.equal("detached", state(user))
    assert.equal("ann", user.username)
    assert.is_false(rawequal(user, User.query:one()))
    local pending = User{ username = "bob", email = "b@x" }
    db.session:add(pending)
    db.session:expunge(pending)
    assert.equal("transient", state(pending))
    db.session:commit()
    assert.equal(1, User.query:count())
  end)

  it("keep values after remove, and name what was never loaded", function()
    local db, User = support.with_users "ann"
    local user = User.query:one()
    assert.equal("ann", user.username)
    db.session:remove()
    assert.equal("detached", state(user))
    assert.equal("ann", user.username)
    local other = User.query:one()
    db.session:expire(other)
    db.session:remove()
    local e = support.error_of(function() return other.email end)
    assert.equal("DetachedInstanceError", e.kind)
    assert.matches("User", e.message)
    assert.matches("email", e.message)
  end)
end)

describe("identity", function()
  it("gives one object per row", function()
    local db, User = support.with_users("ann", "bob")
    local ann = db.session:get(User, 1)
    assert.is_true(rawequal(ann, User.query:filter_by{ username = "ann" }:one()))
    assert.is_true(rawequal(ann, db.session:get(User, 1.0)))
    assert.same({}, support.statements(db, function() db.session:get(User, 1) end))
    assert.has_error(function() db.session:get(User, "1") end)
    assert.is_nil(db.session:get(User, 99))
    assert.equal(1, #db.session.identity_map)
  end)

  it("holds weakly", function()
    local db, User = support.with_users("ann", "bob")
    local all = User.query:all() -- luacheck: ignore
    assert.equal(2, #db.session.identity_map)
    all = nil -- luacheck: ignore
    for _ = 1, 4 do
      collectgarbage()
      mr.memory{ trace = true }
    end
    assert.equal(0, #db.session.identity_map)
  end)

  it("holds what is changed until it is flushed", function()
    local db, User = support.with_users "ann"
    User.query:one().email = "new@x"
    collectgarbage() collectgarbage()
    mr.memory{ trace = true }
    assert.equal(1, #db.session.dirty)
    db.session:commit()
    assert.equal("new@x", User.query:one().email)
  end)

  it("refuses a second object of one identity", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    db.session:add(User{ id = 1, username = "other", email = "o@x" })
    local e = support.error_of(db.session.flush, db.session)
    assert.is_true(mr.errors.Error:is(e))
    db.session:rollback()
    assert.equal("ann", ann.username)
  end)

  it("gives a new object after expunge_all", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    db.session:expunge_all()
    assert.is_false(rawequal(ann, db.session:get(User, 1)))
  end)
end)

describe("the unit of work", function()
  it("writes only changed columns", function()
    local db, User = support.with_users "ann"
    local ann = User.query:one()
    local records = db:record(function()
      ann.email = "new@x"
      db.session:commit()
    end)
    assert.equal(1, #records)
    assert.equal("UPDATE user SET email=? WHERE user.id = ?", records[1].statement)
    assert.same({ "new@x", 1 }, records[1].parameters)
  end)

  it("writes nothing for an equal value, or one put back", function()
    local db, User = support.with_users "ann"
    local ann = User.query:one()
    assert.same({}, support.statements(db, function()
      ann.email = "ann@example.com"
      db.session:flush()
      ann.email = "x"
      ann.email = "ann@example.com"
      db.session:flush()
    end))
    assert.is_false(db.session:is_modified(ann))
    assert.equal(0, #db.session.dirty)
  end)

  it("orders tables by their foreign keys, whatever the order of add", function()
    local db = mr.open "sqlite://"
    local Child = db.Model:extend("Child", {
      id = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
    })
    local Parent = db.Model:extend("Parent", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    db.session:add(Child{ id = 1, parent_id = 7 })
    db.session:add(Parent{ id = 7 })
    assert.same({ "INSERT INTO parent (id) VALUES (?)", "INSERT INTO child (id, parent_id) VALUES (?, ?)" },
      support.statements(db, function() db.session:flush() end))
    db.session:commit()
    local parent, child = db.session:get(Parent, 7), db.session:get(Child, 1)
    db.session:delete(parent)
    db.session:delete(child)
    assert.same({ "DELETE FROM child WHERE child.id = ?", "DELETE FROM parent WHERE parent.id = ?" },
      support.statements(db, function() db.session:flush() end))
  end)

  it("reports rows that are gone as stale", function()
    local db, User = support.with_users "ann"
    local ann = User.query:one()
    db.session:execute(mr.text "DELETE FROM user")
    ann.email = "new@x"
    local e = support.error_of(db.session.flush, db.session)
    assert.equal("StaleDataError", e.kind)
    assert.matches("expected to update 1 row%(s%); 0 were matched", e.message)
    db.session:rollback()
    assert.equal("ann@example.com", ann.email)
  end)

  it("evaluates defaults at the flush", function()
    local db = mr.open "sqlite://"
    local n = 0
    local Thing = db.Model:extend("Thing", {
      id    = db.Column{ db.Integer, primary_key = true },
      kind  = db.Column{ db.String(10), default = "plain" },
      count = db.Column{ db.Integer, default = function() n = n + 1 return n end },
      made  = db.Column{ db.DateTime, default = mr.now },
      state = db.Column{ db.String(10), server_default = "new" },
    })
    db:create_all()
    local a, b = Thing{}, Thing{ kind = "odd" }
    db.session:add_all{ a, b }
    assert.is_nil(a.kind)
    db.session:commit()
    assert.equal("plain", a.kind)
    assert.equal("odd", b.kind)
    assert.equal(2, b.count)
    assert.equal("new", a.state)
    assert.equal(os.date "!%Y", tostring(a.made):sub(1, 4))
  end)

  it("checks lengths at the flush", function()
    local db, User = support.users()
    db.session:add(User{ username = ("x"):rep(81), email = "e" })
    local e = support.error_of(db.session.flush, db.session)
    assert.equal("DataError", e.kind)
    assert.matches("User.username", e.message)
  end)
end)

describe("autoflush", function()
  it("lets a query find what is pending", function()
    local db, User = support.users()
    db.session:add(User{ username = "ann", email = "a@x" })
    assert.equal(1, User.query:filter_by{ username = "ann" }:count())
    db.session:add(User{ username = "bob", email = "b@x" })
    db.session:no_autoflush(function() assert.equal(1, User.query:count()) end)
    assert.equal(2, User.query:count())
  end)

  it("can be turned off", function()
    local db, User = support.users()
    local session = mr.Session(db.engine, { autoflush = false })
    session:add(User{ username = "ann", email = "a@x" })
    assert.equal(0, session:query(User):count())
    session:close()
  end)
end)

describe("expiry", function()
  it("reloads after a commit, once", function()
    local db, User = support.with_users "ann"
    local ann = User.query:one()
    db.session:commit()
    local texts = support.statements(db, function()
      assert.equal("ann", ann.username)
      assert.equal("ann@example.com", ann.email)
      assert.equal(1, ann.id)
    end)
    assert.equal(1, #texts)
  end)

  it("can be turned off", function()
    local db, User = support.users()
    local session = mr.Session(db.engine, { expire_on_commit = false })
    local ann = User{ username = "ann", email = "a@x" }
    session:add(ann)
    session:commit()
    assert.same({}, support.statements(db, function() assert.equal("ann", ann.username) end))
    session:close()
  end)

  it("keeps the edits made after it", function()
    local db, User = support.with_users "ann"
    local ann = User.query:one()
    db.session:expire(ann)
    ann.email = "mine@x"
    assert.equal("ann", ann.username)
    assert.equal("mine@x", ann.email)
  end)

  it("refreshes from the database", function()
    local db, User = support.with_users "ann"
    local ann = User.query:one()
    db.session:execute(mr.text "UPDATE user SET email = 'else@x'")
    assert.equal("ann@example.com", ann.email)
    db.session:refresh(ann)
    assert.equal("else@x", ann.email)
    db.session:execute(mr.text "UPDATE user SET email = 'third@x'")
    db.session:expire(ann, { "email" })
    assert.equal("third@x", ann.email)
  end)

  it("tells of a row that is gone", function()
    local db, User = support.with_users "ann"
    local ann = User.query:one()
    db.session:execute(mr.text "DELETE FROM user")
    db.session:expire(ann)
    local e = support.error_of(function() return ann.email end)
    assert.equal("ObjectDeletedError", e.kind)
  end)
end)
