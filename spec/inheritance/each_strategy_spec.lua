-- of_type and with_polymorphic behind each way of loading: what the subclasses add is read with the objects.

local mr = require "moonrow"

local db, Owner, Thing, Sword, Potion

-- text_key: the database compares the key by rules of its own, so that lazy loads join the rows.
local function world(text_key)
  db = mr.open "sqlite://"
  if text_key then
    db.session:execute(mr.text "CREATE TABLE owner (id VARCHAR COLLATE NOCASE PRIMARY KEY, best_id INTEGER)")
    db.session:commit()
  end
  Owner = db.Model:extend("Owner", {
    id      = db.Column{ text_key and db.String or db.Integer, primary_key = true },
    best_id = db.Column{ db.Integer, db.ForeignKey "thing.id" },
    things  = db.relationship{ "Thing", foreign_keys = "Thing.owner_id", order_by = "Thing.id" },
    best    = db.relationship{ "Thing", foreign_keys = "Owner.best_id" },
    lent    = db.relationship{ "Thing", secondary = "lent", order_by = "Thing.id" },
  })
  Thing = db.Model:extend("Thing", {
    id       = db.Column{ db.Integer, primary_key = true },
    kind     = db.Column{ db.String },
    owner_id = db.Column{ text_key and db.String or db.Integer, db.ForeignKey "owner.id" },
    __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "thing" },
  })
  Sword = Thing:extend("Sword", {
    id     = db.Column{ db.Integer, db.ForeignKey "thing.id", primary_key = true },
    length = db.Column{ db.Integer },
    __tablename = "sword", __mapper_args = { polymorphic_identity = "sword" },
  })
  Potion = Thing:extend("Potion", { taste = db.Column{ db.String },
    __mapper_args = { polymorphic_identity = "potion" } })
  local lent = db.Table("lent", db.Column{ "owner_id", db.ForeignKey "owner.id" },
    db.Column{ "thing_id", db.ForeignKey "thing.id" })
  db:create_all()
  local owners = {}
  for i = 1, 4 do owners[i] = Owner{ id = text_key and "o" .. i or i } end
  db.session:add_all(owners)
  db.session:flush()
  local id = 0
  local links = {}
  for _, owner in ipairs(owners) do
    for _, class in ipairs{ Thing, Sword, Potion, Sword } do
      id = id + 1
      local thing = class{ id = id, owner_id = owner.id }
      if class == Sword then thing.length = id end
      if class == Potion then thing.taste = "t" .. id end
      db.session:add(thing)
      links[#links + 1] = { owner_id = owner.id, thing_id = id }
    end
    db.session:flush()
    owner.best_id = id
  end
  db.session:execute(mr.insert(lent), links)
  db.session:commit()
end

local ways = { selectinload = 2, subqueryload = 2, joinedload = 1, immediateload = 5, lazyload = 5, batchload = 3 }

for _, text_key in ipairs{ false, true } do
  for way, statements in pairs(ways) do
    describe(way .. (text_key and " along a key of the database's rules" or "") .. " with subclasses", function()
      it("reads what they add in the statements that read the objects", function()
        world(text_key)
        for _, name in ipairs{ "things", "best", "lent" } do
          for _, classes in ipairs{ Sword, mr.with_polymorphic(Thing, "*"), mr.with_polymorphic(Thing, { Sword }) } do
            db.session:expunge_all()
            local seen = {}
            local sent = #db:record(function()
              local query = Owner.query:options(mr[way](Owner[name]:of_type(classes))):order_by(Owner.id)
              for _, owner in ipairs(query:all()) do
                for _, thing in ipairs(name == "best" and { owner.best } or owner[name]) do
                  seen[#seen + 1] = thing.kind .. (thing.kind == "sword" and thing.length or "")
                end
              end
            end)
            local one = "thing sword%d potion sword%d"
            local all = { one:format(2, 4), one:format(6, 8), one:format(10, 12), one:format(14, 16) }
            assert.equal(name == "best" and "sword4 sword8 sword12 sword16" or table.concat(all, " "),
              table.concat(seen, " "))
            assert.equal(statements, sent, name)
          end
        end
      end)

      it("goes on along a relationship of the subclass", function()
        world(text_key)
        local Gem = db.Model:extend("Gem", {
          id       = db.Column{ db.Integer, primary_key = true },
          sword_id = db.Column{ db.Integer, db.ForeignKey "sword.id" },
          sword    = db.relationship{ "Sword", backref = "gems" },
        })
        db:create_all()
        for _, sword in ipairs(Sword.query:all()) do db.session:add(Gem{ sword = sword }) end
        db.session:commit()
        db.session:expunge_all()
        local path = mr[way](Owner.things:of_type(Sword)):selectinload(Sword.gems)
        local owners = Owner.query:options(path):order_by(Owner.id):all()
        for _, owner in ipairs(owners) do assert(#owner.things == 4) end
        assert.equal(0, #db:record(function()
          for _, owner in ipairs(owners) do
            assert.equal(1, #owner.things[2].gems)
            assert.is_number(owner.things[4].length)
          end
        end))
      end)
    end)
  end
end

describe("potions, in the table of their base,", function()
  it("are whole where they are asked for", function()
    world(false)
    for way in pairs(ways) do
      db.session:expunge_all()
      local owners = Owner.query:options(mr[way](Owner.things:of_type(Potion))):all()
      for _, owner in ipairs(owners) do assert(#owner.things == 4) end
      assert.equal(0, #db:record(function() for _, owner in ipairs(owners) do assert(owner.things[3].taste) end end))
    end
  end)
end)
