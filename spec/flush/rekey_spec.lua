-- A key that passes from one object to another: in one flush, across savepoints and rollbacks, after an object has left
-- the session.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local state = support.state

--- Declares a class whose key is a text, and commits rows with these keys.
local function items(...)
  local db = mr.open "sqlite://"
  local Item = db.Model:extend("Item", {
    code  = db.Column{ db.String(20), primary_key = true },
    stock = db.Column{ db.Integer },
  })
  db:create_all()
  local made = {}
  for i, code in ipairs{ ... } do made[i] = Item{ code = code, stock = i } end
  db.session:add_all(made)
  db.session:commit()
  return db, Item, table.unpack(made)
end

local function rows(db)
  local list = {}
  for _, row in ipairs(db.session:execute(mr.text "SELECT code, stock FROM item ORDER BY code"):all()) do
    list[#list + 1] = row[1] .. "=" .. row[2]
  end
  return table.concat(list, " ")
end

describe("a key given up in a flush", function()
  it("is free for a new object in the same flush", function()
    local db, Item, a = items("a")
    a.code = "b"
    local new = Item{ code = "a", stock = 7 }
    db.session:add(new)
    assert.same({ "UPDATE item SET code=? WHERE item.code = ?", "INSERT INTO item (code, stock) VALUES (?, ?)" },
      support.statements(db, function() db.session:flush() end))
    assert.is_true(rawequal(new, db.session:get(Item, "a")))
    assert.is_true(rawequal(a, db.session:get(Item, "b")))
    db.session:commit()
    assert.equal("a=7 b=1", rows(db))
  end)

  it("goes back to its object when the transaction or a savepoint is rolled back", function()
    local db, Item, a = items("a")
    for _, nested in ipairs{ false, true } do
      local point = nested and db.session:begin_nested()
      a.code = "b"
      local new = Item{ code = "a", stock = 7 }
      db.session:add(new)
      db.session:flush()
      if point then point:rollback() else db.session:rollback() end
      assert.equal("transient", state(new))
      assert.is_true(rawequal(a, db.session:get(Item, "a")))
      assert.is_nil(db.session:get(Item, "b"))
      assert.equal("a=1", rows(db))
    end
  end)

  it("is not free when its object keeps it", function()
    local db, Item, a = items("a")
    a.stock = 2
    db.session:add(Item{ code = "a" })
    refuse("IntegrityError", "item.code", db.session.flush, db.session)
    db.session:rollback()
    assert.equal(1, a.stock)
  end)
end)

describe("a deleted object that was expunged", function()
  it("cannot be added: its row is gone", function()
    local db, _, a = items("a")
    db.session:delete(a)
    db.session:flush()
    db.session:expunge(a)
    assert.equal("detached", state(a))
    refuse("InvalidRequestError", { "<Item 'a'>", "has been deleted" }, db.session.add, db.session, a)
    db.session:commit()
    refuse("InvalidRequestError", { "<Item 'a'>", "has been deleted" }, db.session.add, db.session, a)
  end)

  it("can be added again after a rollback, which gives its row back", function()
    local db, Item, a = items("a")
    local point = db.session:begin_nested()
    db.session:delete(a)
    db.session:flush()
    db.session:expunge(a)
    point:rollback()
    db.session:add(a)
    assert.equal("persistent", state(a))
    a.stock = 5
    db.session:commit()
    assert.equal("a=5", rows(db))
    assert.is_true(rawequal(a, db.session:get(Item, "a")))
  end)
end)

describe("a row that a statement put in the place of a deleted object's", function()
  local function replaced(nested)
    local db, Item, a = items("a")
    local session = db.session
    local point = nested and session:begin_nested()
    session:delete(a)
    session:flush()
    session:execute(mr.insert(Item):values{ code = "a", stock = 9 })
    local read = session:get(Item, "a")
    assert.equal(9, read.stock)
    return session, Item, a, read, function() if nested then point:rollback() else session:rollback() end end
  end

  for _, nested in ipairs{ false, true } do
    local where = nested and "a savepoint" or "the transaction"

    it("gives the place back when " .. where .. " is rolled back", function()
      local session, Item, a, read, undo = replaced(nested)
      read.stock = 10
      undo()
      assert.same({ "persistent", "detached" }, { state(a), state(read) })
      assert.is_true(rawequal(a, session:get(Item, "a")))
      assert.equal(1, a.stock)
      assert.equal(0, #session.dirty)
      session:commit()
      assert.equal(1, a.stock)
    end)

    it("gives it back when its own object was deleted, too, and " .. where .. " is rolled back", function()
      local session, Item, a, read, undo = replaced(nested)
      session:delete(read)
      session:flush()
      assert.is_nil(session:get(Item, "a"))
      undo()
      assert.same({ "persistent", "detached" }, { state(a), state(read) })
      assert.is_true(rawequal(a, session:get(Item, "a")))
    end)
  end
end)

describe("a key that an expired object has", function()
  it("is free when its row is gone", function()
    local db, Item = items("a")
    local session = db.session
    local ghost
    do
      session:execute(mr.insert(Item):values{ code = "b", stock = 1 })
      ghost = session:get(Item, "b")
      session:rollback()
    end
    assert.equal("persistent", state(ghost))
    local new = Item{ code = "b", stock = 2 }
    session:add(new)
    session:commit()
    assert.same({ "persistent", "detached" }, { state(new), state(ghost) })
    assert.is_true(rawequal(new, session:get(Item, "b")))
    assert.equal("a=1 b=2", rows(db))
  end)

  it("is not when the row is there", function()
    local db, Item, a = items("a")
    db.session:add(Item{ code = "a" })
    refuse("IntegrityError", "item.code", db.session.flush, db.session)
    db.session:rollback()
    assert.equal(1, a.stock)
  end)
end)
