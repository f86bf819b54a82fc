-- A listener for an event that its attribute never has is refused, as soon as the library knows whether the attribute
-- is a list.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local listen = mr.event.listen
local function fn() end

local db, Player, Item

local function key() return db.Column{ db.Integer, primary_key = true } end

-- Declares two classes. The returned function declares the second one.
before_each(function()
  db = mr.open "sqlite://"
  Player = db.Model:extend("Player", {
    id = key(), name = db.Column{ db.String(20) },
    items = db.relationship("Item", { backref = "owner" }),
    card = db.relationship("Item", { uselist = false, viewonly = true }),
  })
  Item = nil
end)

local function declare()
  Item = db.Model:extend("Item", { id = key(), player_id = db.Column{ db.ForeignKey "player.id" } })
end

describe("a listener that would never be called", function()
  it("is refused at once where the mappings are configured", function()
    declare()
    db:configure()
    local both = "'append' and 'remove'"
    refuse("ArgumentError", { "'set'", "Player.items", "a list", both }, listen, Player.items, "set", fn)
    refuse("ArgumentError", { "'append'", "Item.owner", "one object", "'set'" }, listen, Item.owner, "append", fn)
    refuse("ArgumentError", { "'remove'", "Item.owner", "'set'" }, listen, Item.owner, "remove", fn)
    refuse("ArgumentError", { "'append'", "Player.name", "a column", "'set'" }, listen, Player.name, "append", fn)
    refuse("ArgumentError", { "'append'", "Player.card", "one object" }, listen, Player.card, "append", fn)
    listen(Player.items, "append", fn)
    listen(Item.owner, "set", fn)
    listen(Player.card, "set", fn)
    assert.is_true(mr.event.contains(Player.items, "append", fn))
  end)

  it("is refused for the relationship of a mixin when the mappings are configured, and then at once", function()
    declare()
    local calls = 0
    local Owned = {
      owner_id = db.Column{ db.ForeignKey "player.id" }, owner = db.relationship "Player",
    }
    listen(Owned.owner, "append", fn)
    listen(Owned.owner, "set", function() calls = calls + 1 end)
    local Sword = db.Model:extend("Sword", { Owned, id = key() })
    refuse("MappingError", { "event.listen", "'append'", "Sword.owner", "one object", "'set'" }, db.configure, db)
    db:create_all()
    refuse("ArgumentError", { "'remove'", "Sword.owner", "'set'" }, listen, Owned.owner, "remove", fn)
    assert.is_false(mr.event.contains(Owned.owner, "remove", fn))
    local Rope = db.Model:extend("Rope", { Owned, id = key() })
    db:create_all()
    db.session:add_all{ Sword{ owner = Player{} }, Rope{ owner = Player{} } }
    db.session:commit()
    assert.equal(2, calls)
  end)

  it("does not keep others from being heard, and comes in the order of classes", function()
    local log = {}
    declare()
    listen(Item.owner, "set", function(_, player) log[#log + 1] = player.name end)
    local item = Item{}
    Player{ name = "ann" }.items:append(item)
    assert.same({ "ann" }, log)
    refuse("ArgumentError", "Item.owner", listen, Item.owner, "append", fn)
    item.owner = Player{ name = "bob" }
    assert.same({ "ann", "bob" }, log)
  end)
end)
