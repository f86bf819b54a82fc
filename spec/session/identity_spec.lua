-- The identity map: a session has one object for each row, and finds it by its key without a statement.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local tree = require "spec.support.tree"

local function statements_of(db, fn) return #support.statements(db, fn) end

--- A class whose primary key has these columns.
local function keyed(columns)
  local db = mr.open "sqlite://"
  local body = { note = db.Column{ db.String(40) } }
  for name, type in pairs(columns(db)) do
    body[name] = db.Column{ type, primary_key = true, autoincrement = false }
  end
  local Row = db.Model:extend("Row", body)
  db:create_all()
  return db, Row
end

describe("a key", function()
  it("of numbers: 1 and 1.0 are one, and text is none", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    assert.equal(0, statements_of(db, function()
      assert.is_true(rawequal(ann, db.session:get(User, 1.0)))
      assert.is_true(rawequal(ann, db.session:get(User, { 1 })))
      assert.is_true(rawequal(ann, db.session:get(User, { id = 1 })))
    end))
    refuse("ArgumentError", { "User", "integer", '"1"' }, db.session.get, db.session, User, "1")
    refuse("ArgumentError", "integer", db.session.get, db.session, User, 1.5)
    refuse("ArgumentError", "User", db.session.get, db.session, User, { 1, 2 })
    refuse("ArgumentError", "User", db.session.get, db.session, User, true)
  end)

  it("of text is exact: case, spaces, zero bytes and unicode tell apart", function()
    local db, Row = keyed(function(db) return { code = db.String(40) } end)
    local codes = { "a", "A", "a ", "", "a\0b", "a\0c", "ä", "a\204\136", ("x"):rep(40) }
    for _, code in ipairs(codes) do db.session:add(Row{ code = code, note = code }) end
    db.session:commit()
    local all = {}
    for _, code in ipairs(codes) do
      all[code] = db.session:get(Row, code)
      assert.equal(code, all[code].note)
    end
    assert.equal(#codes, #db.session.identity_map)
    assert.equal(0, statements_of(db, function()
      for _, code in ipairs(codes) do assert.is_true(rawequal(all[code], db.session:get(Row, code))) end
    end))
  end)

  it("of bytes, booleans, floats, dates and decimals", function()
    for _, case in ipairs{
      { "LargeBinary", "\0\1\2", "\0\1\3" }, { "Boolean", true, false }, { "Float", 1, 1.5 },
      { "Date", "2024-01-01", "2024-01-02" }, { "DateTime", "2024-01-01 10:00:00", "2024-01-01T10:00:01" },
      { "Uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174001" },
    } do
      local db, Row = keyed(function(db) return { k = db[case[1]] } end)
      db.session:add_all{ Row{ k = case[2], note = "one" }, Row{ k = case[3], note = "two" } }
      db.session:commit()
      local one, two = db.session:get(Row, case[2]), db.session:get(Row, case[3])
      assert.same({ "one", "two" }, { one.note, two.note })
      assert.equal(0, statements_of(db, function()
        assert.is_true(rawequal(one, db.session:get(Row, case[2])))
        assert.is_true(rawequal(two, db.session:get(Row, case[3])))
      end))
      local found = {}
      for _, row in ipairs(Row.query:all()) do found[row.note] = row end
      assert.is_true(rawequal(one, found.one))
    end
  end)

  it("of several columns, in any order of names", function()
    local db, Row = keyed(function(db) return { a = db.Integer, b = db.String(9) } end)
    db.session:add_all{ Row{ a = 1, b = "x", note = "1x" }, Row{ a = 1, b = "y", note = "1y" },
      Row{ a = 11, b = "x", note = "11x" } }
    db.session:commit()
    local one = db.session:get(Row, { a = 1, b = "x" })
    assert.equal("1x", one.note)
    assert.is_true(rawequal(one, db.session:get(Row, { b = "x", a = 1.0 })))
    assert.equal("11x", db.session:get(Row, { a = 11, b = "x" }).note)
    assert.is_nil(db.session:get(Row, { a = 2, b = "x" }))
    refuse("ArgumentError", "Row", db.session.get, db.session, Row, 1)
  end)
end)

describe("one object for each row", function()
  it("a second object with an identity already present is refused", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    local second = User{ id = 1, username = "other", email = "o@x" }
    db.session:add(second)
    refuse("IntegrityError", { "UNIQUE constraint failed: user.id" }, db.session.flush, db.session)
    db.session:rollback()
    assert.equal("ann", ann.username)
    assert.is_true(rawequal(ann, db.session:get(User, 1)))
    local detached = mr.Session(db.engine):get(User, 1)
    mr.object_session(detached):close()
    refuse("InvalidRequestError", { "<User 1>", "merge" }, db.session.add, db.session, detached)
    assert.is_true(rawequal(ann, db.session:get(User, 1)))
  end)

  it("also when the database would take it, as its row was deleted elsewhere", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    db.session:execute(mr.text "DELETE FROM user")
    db.session:add(User{ id = 1, username = "other", email = "o@x" })
    refuse("InvalidRequestError", { "<User 1>", "conflicts" }, db.session.flush, db.session)
    db.session:rollback()
    assert.equal("ann", ann.username)
  end)

  it("a deleted one makes room for another of the same key", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    db.session:delete(ann)
    db.session:flush()
    local again = User{ id = 1, username = "again", email = "g@x" }
    db.session:add(again)
    db.session:commit()
    assert.is_true(rawequal(again, db.session:get(User, 1)))
    assert.equal("again", again.username)
  end)
end)

describe("get", function()
  it("get: the same object; a new one after expunge_all; expired: one statement, then none", function()
    local db, User = support.with_users "ann"
    local ann
    assert.equal(1, statements_of(db, function() ann = db.session:get(User, 1) end))
    assert.equal(0, statements_of(db, function() assert.is_true(rawequal(ann, db.session:get(User, 1))) end))
    db.session:expire(ann)
    assert.equal(1, statements_of(db, function() assert.is_true(rawequal(ann, db.session:get(User, 1))) end))
    assert.equal(0, statements_of(db, function() db.session:get(User, 1) end))
    assert.equal(0, statements_of(db, function() return ann.username end))
    db.session:expunge_all()
    assert.is_false(rawequal(ann, db.session:get(User, 1)))
  end)

  it("get of a row that is gone gives nil, also when its object is expired", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    db.session:execute(mr.text "DELETE FROM user")
    db.session:expire(ann)
    assert.is_nil(db.session:get(User, 1))
    db.session:rollback()
    assert.equal("ann", db.session:get(User, 1).username)
  end)

  it("populate_existing reads an object again, and its changes are gone", function()
    local db, User = support.with_users "ann"
    local ann = db.session:get(User, 1)
    db.session:execute(mr.text "UPDATE user SET email = 'else@x'")
    assert.equal("ann@example.com", db.session:get(User, 1).email)
    assert.equal("else@x", db.session:get(User, 1, { populate_existing = true }).email)
    assert.equal("else@x", ann.email)
  end)
end)

describe("a changed key", function()
  it("a changed primary key re-keys the identity map", function()
    local db, User = support.with_users("ann", "bob")
    local ann = db.session:get(User, 1)
    ann.id = 10
    assert.is_true(rawequal(ann, db.session:get(User, 10)))
    assert.same({ 10 }, { table.unpack(mr.inspect(ann).identity) })
    assert.is_nil(db.session:get(User, 1))
    db.session:rollback()
    assert.equal(1, ann.id)
    assert.is_true(rawequal(ann, db.session:get(User, 1)))
    assert.is_nil(db.session:get(User, 10))
    ann.id = 20
    db.session:commit()
    assert.equal(0, statements_of(db, function() return mr.inspect(ann).identity end))
    assert.is_true(rawequal(ann, db.session:get(User, 20)))
  end)

  it("children follow: the database moves them with passive_updates, the flush without", function()
    for _, passive in ipairs{ true, false } do
      local db = mr.open "sqlite://"
      local Team = db.Model:extend("Team", {
        code    = db.Column{ db.String(9), primary_key = true },
        players = db.relationship{ "Player", backref = "team", passive_updates = passive },
      })
      local Player = db.Model:extend("Player", {
        id        = db.Column{ db.Integer, primary_key = true },
        team_code = db.Column{ db.String(9), db.ForeignKey{ "team.code", onupdate = passive and "CASCADE" or nil } },
      })
      db:create_all()
      local red = Team{ code = "red" }
      red.players = { Player{}, Player{} }
      db.session:add(red)
      db.session:commit()
      assert.equal(2, #red.players)
      db.session:commit()
      db.session:begin{ mode = "immediate" }
      db.session:execute(mr.text "PRAGMA defer_foreign_keys = ON")
      assert.equal(2, #red.players)
      red.code = "blue"
      local texts = support.statements(db, function() db.session:flush() end)
      assert.equal(passive and 1 or 2, #texts)
      db.session:commit()
      assert.is_true(rawequal(red, db.session:get(Team, "blue")))
      for _, player in ipairs(Player.query:all()) do
        assert.equal("blue", player.team_code)
        assert.is_true(rawequal(red, player.team))
      end
    end
  end)

  it("two may exchange their keys by way of a third", function()
    local db, User = support.with_users("ann", "bob")
    local ann, bob = db.session:get(User, 1), db.session:get(User, 2)
    ann.id = 3
    db.session:flush()
    bob.id = 1
    db.session:flush()
    ann.id = 2
    db.session:commit()
    assert.is_true(rawequal(bob, db.session:get(User, 1)))
    assert.is_true(rawequal(ann, db.session:get(User, 2)))
    assert.equal("bob", bob.username)
  end)
end)

describe("the identity map", function()
  it("counts and walks, and the loop may load and drop", function()
    local db, User = support.with_users("ann", "bob")
    local all = User.query:all()
    assert.equal(2, #db.session.identity_map)
    local seen = {}
    for _, object in pairs(db.session.identity_map) do
      seen[object] = true
      User.query:count()
      db.session:expunge(object)
    end
    for _, user in ipairs(all) do assert.is_true(seen[user]) end
    assert.equal(0, #db.session.identity_map)
  end)

  it("holds weakly what is unchanged, and a loop over many rows stays flat", function()
    local db, User = support.users()
    local rows = {}
    for i = 1, 3000 do rows[i] = { username = "u" .. i, email = "e" .. i } end
    db.session:execute(mr.insert(User), rows)
    db.session:commit()
    local most = 0
    for _ in User.query:yield_per(100):iter() do
      most = math.max(most, #db.session.identity_map)
    end
    for _ = 1, 3 do
      collectgarbage()
      mr.memory{ trace = true }
    end
    assert.equal(0, #db.session.identity_map)
  end)

  it("is of one session: two sessions have two objects of a row", function()
    local db, User = support.with_users "ann"
    local one, two = mr.Session(db.engine), mr.Session(db.engine)
    assert.is_false(rawequal(one:get(User, 1), two:get(User, 1)))
    assert.is_false(one:get(User, 1) == two:get(User, 1))
    one:close()
    two:close()
  end)
end)

describe("an object that nobody holds any more", function()
  local db, User, ann

  -- ann is outside of the session, which has another object for the same row, its twin.
  before_each(function()
    db, User = support.with_users "ann"
    ann = db.session:get(User, 1)
    db.session:expunge(ann)
  end)

  it("is not in the way of another of its identity", function()
    assert.is_false(rawequal(ann, db.session:get(User, 1)))
    db.session:add(ann)
    assert.is_true(rawequal(ann, db.session:get(User, 1)))
  end)

  it("is not in the way where a list is added", function()
    assert.is_false(rawequal(ann, db.session:get(User, 1)))
    local new = User{ username = "new", email = "n@x" }
    db.session:add_all{ new, ann }
    assert.is_true(rawequal(ann, db.session:get(User, 1)))
    assert.same({ "pending", "persistent" }, { mr.inspect(new).state, mr.inspect(ann).state })
  end)

  it("is, where somebody holds it", function()
    local twin = db.session:get(User, 1)
    refuse("InvalidRequestError", { "<User 1>", "already present" }, db.session.add, db.session, ann)
    refuse("InvalidRequestError", { "<User 1>", "already present" }, db.session.add_all, db.session, { ann })
    assert.is_true(rawequal(twin, db.session:get(User, 1)))
  end)

  it("and one that was refused leaves nothing for the next that is added", function()
    local Page = db.Model:extend("Page", {
      id      = db.Column{ db.Integer, primary_key = true },
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
      user    = db.relationship "User",
    })
    local twin, page = db.session:get(User, 1), Page{}
    db.session:add(page)
    refuse("InvalidRequestError", "already present", function() page.user = ann end)
    collectgarbage "stop"
    local ok, message = pcall(db.session.add, db.session, User{ username = "new", email = "n@x" })
    collectgarbage "restart"
    assert.is_true(ok, tostring(message))
    assert.is_true(rawequal(twin, db.session:get(User, 1)))
  end)
end)

local state = support.state

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

describe("get", function()
  it("refuses nil, and names the key", function()
    local users, User = support.with_users "ann"
    refuse("ArgumentError", { "User", "id", "nil" }, function() users.session:get(User, nil) end)
    refuse("ArgumentError", { "User", "id", "nil" }, function() users.session:get(User) end)
    refuse("ArgumentError", { "User", "id", "nil" }, function() users.session:get(User, {}) end)
    assert.is_nil(users.session:get(User, mr.null))
    assert.equal("ann", users.session:get(User, { id = 1 }).username)
  end)
end)
