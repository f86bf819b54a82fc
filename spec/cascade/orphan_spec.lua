-- delete-orphan in special cases: two kinds of parents, trees, keys that contain the parent's key, detached graphs,
-- moves.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local tree = require "spec.support.tree"

local ORPHAN = "all, delete-orphan"

local db

local state = support.state
local function id() return db.Column{ db.Integer, primary_key = true } end
local function to(column) return db.Column{ db.Integer, db.ForeignKey(column) } end

local function costs(n, fn) return support.costs(db, n, fn) end

local function flushes(n) return costs(n, function() db.session:flush() end) end

describe("an object with two kinds of parents, both of which delete orphans,", function()
  local Person, Area, Home, Room, home, person, area

  before_each(function()
    db = mr.open "sqlite://"
    Person = db.Model:extend("Person", { id = id(), homes = db.relationship{ "Home", cascade = ORPHAN } })
    Area = db.Model:extend("Area", { id = id(), homes = db.relationship{ "Home", cascade = ORPHAN } })
    Home = db.Model:extend("Home", {
      id = id(), person_id = to "person.id", area_id = to "area.id",
      rooms = db.relationship{ "Room", cascade = ORPHAN, backref = "home" },
    })
    Room = db.Model:extend("Room", { id = id(), home_id = to "home.id" })
    db:create_all()
    home = Home{ rooms = { Room{} } }
    person, area = Person{ homes = { home } }, Area{ homes = { home } }
    db.session:add_all{ person, area }
  end)

  it("is deleted when one of them loses it, with what depends on it", function()
    db.session:commit()
    person.homes:remove(home)
    assert.equal("persistent", state(home))
    db.session:commit()
    assert.equal("detached", state(home))
    assert.same({ 0, 0 }, { Home.query:count(), Room.query:count() })
    assert.equal(0, #area.homes)
  end)

  it("leaves the session when it is pending and one of them loses it", function()
    local room = home.rooms[1]
    person.homes:remove(home)
    assert.same({ "transient", "transient" }, { state(home), state(room) })
    person.homes:append(home)
    assert.same({ "pending", "pending" }, { state(home), state(room) })
    db.session:commit()
    assert.equal(1, Room.query:count())
  end)

  it("needs only one of them", function()
    local other = Home{}
    local elsewhere = Area{ homes = { other } }
    db.session:add(elsewhere)
    db.session:commit()
    assert.equal("persistent", state(other))
    elsewhere.homes:remove(other)
    db.session:commit()
    assert.equal("detached", state(other))
    assert.equal("persistent", state(home))
  end)

  it("stays when it moves between parents of a kind before the flush", function()
    local next_person = Person{}
    db.session:add(next_person)
    db.session:commit()
    assert.same({ 1, 0, 1 }, { #person.homes, #next_person.homes, #area.homes })
    person.homes:remove(home)
    next_person.homes:append(home)
    flushes(1)
    assert.equal("persistent", state(home))
  end)

  it("is an orphan at the flush between removal and the new parent: it cannot come back then", function()
    db.session:commit()
    person.homes:remove(home)
    db.session:flush()
    refuse("InvalidRequestError", { "<Home 1>", "deleted" }, function() Person{}.homes:append(home)
      db.session:add(home) end)
    db.session:rollback()
    assert.equal("persistent", state(home))
    assert.equal(1, #person.homes)
  end)
end)

describe("a tree that deletes orphans", function()
  local Node, root, middle, leaf

  before_each(function()
    db = mr.open "sqlite://"
    Node = db.Model:extend("Node", {
      id = id(), parent_id = to "node.id",
      children = db.relationship{ "Node", cascade = ORPHAN, order_by = "Node.id",
                                  backref = db.backref{ "parent", remote_side = "Node.id" } },
    })
    db:create_all()
    root, middle, leaf = Node{}, Node{}, Node{}
    root.children:append(middle)
    middle.children:append(leaf)
    db.session:add(root)
    db.session:commit()
  end)

  local function states() return { state(root), state(middle), state(leaf) } end

  it("loses the whole branch with its node", function()
    root.children:remove(middle)
    local texts = flushes(4) -- the children of each node are read; children are deleted first
    assert.matches("^SELECT", texts[2])
    assert.matches("^DELETE", texts[3])
    assert.same({ "persistent", "deleted", "deleted" }, states())
  end)

  it("is deleted from the leaves up", function()
    db.session:delete(root)
    local records = db:record(function() db.session:flush() end)
    local ids = {}
    for i, record in ipairs(records) do ids[i] = record.parameters[1] end
    assert.same({ 3, 2, 1 }, ids)
    assert.same({ "deleted", "deleted", "deleted" }, states())
  end)

  it("keeps a leaf that has moved up before its node is deleted", function()
    root.children:append(leaf)
    db.session:delete(middle)
    db.session:commit()
    assert.same({ "persistent", "detached", "persistent" }, states())
    assert.equal(root, leaf.parent)
    assert.equal(1, #root.children)
  end)

  it("loses a node whose parent is set to nil, when that was known", function()
    assert.equal(root, middle.parent)
    assert.equal(1, #root.children)
    middle.parent = nil
    assert.equal(0, #root.children)
    db.session:commit()
    assert.equal(1, Node.query:count())
  end)
end)

describe("children that have their parent's key", function()
  local Owner, Part, owner, first

  before_each(function()
    db = mr.open "sqlite://"
    Owner = db.Model:extend("Owner", {
      id = id(), parts = db.relationship{ "Part", backref = "owner", cascade = ORPHAN, order_by = "Part.n" },
    })
    Part = db.Model:extend("Part", {
      owner_id = db.Column{ db.Integer, db.ForeignKey "owner.id", primary_key = true },
      n = id(), word = db.Column{ db.String(9) },
    })
    db:create_all()
    owner = Owner{ id = 1, parts = { Part{ n = 1, word = "a" }, Part{ n = 2, word = "b" } } }
    db.session:add_all{ owner, Owner{ id = 2 } }
    db.session:commit()
    first = owner.parts[1]
  end)

  it("are deleted when they leave: their key is not cleared", function()
    owner.parts:remove(first)
    assert.equal("DELETE FROM part WHERE part.owner_id = ? AND part.n = ?", flushes(1)[1])
  end)

  it("take the key of the parent that they move to", function()
    local other = db.session:get(Owner, 2)
    other.parts:append(first)
    db.session:commit()
    assert.equal(2, first.owner_id)
    assert.same({ 1, 1 }, { #owner.parts, #other.parts })
    assert.equal("a", db.session:get(Part, { 2, 1 }).word)
  end)

  it("are updated when others with the same keys take their place", function()
    local texts
    owner.parts = { Part{ n = 1, word = "new" }, owner.parts[2] }
    texts = flushes(1)
    assert.matches("^UPDATE part SET", texts[1])
    db.session:commit()
    assert.equal("new", owner.parts[1].word)
    assert.equal("detached", state(first))
  end)

  it("are merged by their keys", function()
    db.session:expunge_all()
    local merged = db.session:merge(Owner{ id = 1, parts = {
      Part{ owner_id = 1, n = 1, word = "new" }, Part{ owner_id = 1, n = 3 },
    } })
    flushes(3) -- one UPDATE, one INSERT, one DELETE
    db.session:commit()
    assert.same({ "new" }, { merged.parts[1].word, merged.parts[2].word })
    assert.equal(2, Part.query:count())
  end)
end)

describe("a detached parent that has lost a child", function()
  it("takes it along when it is added: it is deleted then", function()
    db = mr.open "sqlite://"
    local User = db.Model:extend("User", { id = id(), orders = db.relationship{ "Order", cascade = ORPHAN } })
    local Order = db.Model:extend("Order", { id = id(), user_id = to "user.id" })
    db:create_all()
    local kept, lost = Order{}, Order{}
    local user = User{ orders = { kept, lost } }
    db.session:add(user)
    db.session:commit()
    assert.equal(2, #user.orders)
    db.session:expunge_all()
    user.orders = { kept }
    assert.equal("detached", state(lost))
    db.session:add(user)
    assert.same({ "persistent", "persistent" }, { state(kept), state(lost) })
    db.session:commit()
    assert.equal("detached", state(lost))
    assert.equal(1, Order.query:count())
  end)
end)

describe("a one-to-one that deletes orphans", function()
  local User, Card, user, card

  before_each(function()
    db = mr.open "sqlite://"
    User = db.Model:extend("User", {
      id = id(), card = db.relationship{ "Card", uselist = false, cascade = ORPHAN, backref = "user" },
    })
    Card = db.Model:extend("Card", { id = id(), user_id = to "user.id" })
    db:create_all()
    user, card = User{}, Card{}
    user.card = card
    db.session:add(user)
  end)

  it("deletes what is replaced from either side, and what is set to nil", function()
    db.session:commit()
    local second, third = Card{}, Card{}
    user.card = second
    assert.is_nil(card.user)
    db.session:commit()
    assert.equal("detached", state(card))
    third.user = user
    assert.equal(third, user.card)
    assert.is_nil(second.user)
    db.session:commit()
    assert.equal("detached", state(second))
    user.card = nil
    db.session:commit()
    assert.equal(0, Card.query:count())
  end)

  it("lets a pending one that is replaced leave the session", function()
    local second = Card{}
    user.card = second
    assert.same({ "transient", "pending" }, { state(card), state(second) })
    assert.is_nil(card.user)
    db.session:commit()
    assert.equal(1, Card.query:count())
  end)

  it("keeps one that has gone to another user, when its first one is deleted", function()
    db.session:commit()
    for _, give in ipairs{
      function(other) other.card = card end,
      function(other) card.user = other end,
    } do
      local other = User{}
      db.session:add(other)
      db.session:flush()
      give(other)
      db.session:delete(user)
      db.session:commit()
      assert.equal("persistent", state(card))
      assert.equal(other, card.user)
      user = other
    end
  end)

  it("loads what it replaces, from the side of the key as well: its row must be known", function()
    db.session:commit()
    local second = Card{}
    assert.equal(1, user.id)
    local texts = costs(1, function() second.user = user end)
    assert.matches("FROM card", texts[1])
    costs(0, function() assert.equal(second, user.card) end)
  end)
end)

describe("delete-orphan", function()
  it("a parent that a rollback has put out of the session keeps no orphan", function()
    local Node
    db, Node = tree{ cascade = "all, delete-orphan" }
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
