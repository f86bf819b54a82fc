-- lazy = "batch" and columns: those that the query has left out, and those that subclasses add, are loaded for the next
-- objects, too.

local mr = require "moonrow"
local support = require "spec.support.models"

local db, Being, Mage, Smith, Archmage

-- n beings, of four classes in turn: one of its own table, one of the base's, and one below.
local function world(n, session_options)
  db = mr.open("sqlite://", { session_options = session_options })
  Being = db.Model:extend("Being", {
    id    = db.Column{ db.Integer, primary_key = true },
    kind  = db.Column{ db.String },
    name  = db.Column{ db.String },
    story = db.Column{ db.Text },
    age   = db.Column{ db.Integer },
    song  = db.Column{ db.Text, deferred = true },
    __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "being" },
  })
  Mage = Being:extend("Mage", {
    id    = db.Column{ db.Integer, db.ForeignKey "being.id", primary_key = true },
    mana  = db.Column{ db.Integer },
    spell = db.Column{ db.String },
    tome  = db.Column{ db.Text, deferred = true },
    __tablename = "mage", __mapper_args = { polymorphic_identity = "mage" },
  })
  Archmage = Mage:extend("Archmage", {
    id    = db.Column{ db.Integer, db.ForeignKey "mage.id", primary_key = true },
    tower = db.Column{ db.String },
    __tablename = "archmage", __mapper_args = { polymorphic_identity = "archmage" },
  })
  Smith = Being:extend("Smith", { metal = db.Column{ db.String }, __mapper_args = { polymorphic_identity = "smith" } })
  db:create_all()
  local classes = { [0] = Archmage, Being, Mage, Smith }
  for i = 1, n do
    local class = classes[i % 4]
    local being = class{ name = "n" .. i, story = "story " .. i, age = i, song = "song " .. i }
    if class == Mage or class == Archmage then being.mana, being.spell, being.tome = i, "s" .. i, "t" .. i end
    if class == Archmage then being.tower = "w" .. i end
    if class == Smith then being.metal = "m" .. i end
    db.session:add(being)
    db.session:flush()
  end
  db.session:commit()
  db.session:remove()
end

local function count(fn)
  local records = db:record(fn)
  return #records, records
end

describe("columns that a query has left out", function()
  local batch = { lazy = "batch" }

  it("are loaded for the next objects, too, where objects load in batches", function()
    world(20, batch)
    for _, option in ipairs{ mr.defer(Being.story), mr.load_only(Being.name, Being.kind) } do
      db.session:expunge_all()
      local smiths = Smith.query:options(option):order_by(Being.id):all()
      local n, records = count(function()
        for _, smith in ipairs(smiths) do assert.equal("story " .. smith.id, smith.story) end
      end)
      assert.equal(2, n)
      assert.matches("^SELECT being.id AS being_id, being.kind AS being_kind, being.story AS being_story FROM being "
        .. "WHERE being.id IN ", records[2].statement)
    end
  end)

  it("are loaded in batches by mr.batchload, too, and one by one without it", function()
    world(8)
    local function read(...)
      db.session:expunge_all()
      local all = Smith.query:options(mr.defer(Being.story), ...):all()
      return (count(function() for _, smith in ipairs(all) do assert(smith.story) end end))
    end
    assert.equal(2, read())
    world(40)
    assert.equal(10, read())
    assert.equal(2, read(mr.batchload "*"))
  end)

  it("go by the numbers of the query's option for all, or else by those of the session", function()
    local function read(session_options, ...)
      world(80, session_options) -- 20 of them are smiths
      local all = Smith.query:options(mr.defer(Being.story), ...):order_by(Being.id):all()
      return (count(function() for _, smith in ipairs(all) do assert.equal("story " .. smith.id, smith.story) end end))
    end
    local session = { lazy = "batch", batch = { after = 0, max = 10 } }
    assert.equal(2, read(session))
    assert.equal(3 + 4, read(nil, mr.batchload("*", { after = 3, max = 5 })))
    assert.equal(3 + 4, read(session, mr.batchload("*", { after = 3, max = 5 })))
    assert.equal(1 + 1, read(session, mr.batchload("*", { max = 500 })))
    assert.equal(1 + 2, read({ lazy = "batch", batch = { max = 10 } }))
  end)

  it("never take more statements than one by one, and keep what the program has set", function()
    world(12, batch)
    local smiths = Smith.query:options(mr.defer(Being.story), mr.defer(Being.age)):order_by(Being.id):all()
    smiths[3].story = "mine"
    assert.equal(3, (count(function() return smiths[1].story, smiths[2].story end))) -- one is the UPDATE
    assert.equal("mine", smiths[3].story)
    db.session:commit()
    assert.equal("mine", smiths[3].story)
  end)

  it("leave alone what has expired, was expunged or deleted", function()
    world(40, batch)
    local smiths = Smith.query:options(mr.defer(Being.story)):order_by(Being.id):all()
    db.session:expire(smiths[4])
    db.session:expunge(smiths[5])
    db.session:delete(smiths[6])
    local _ = smiths[1].story
    local n, records = count(function() assert.equal("story 7", smiths[2].story) end)
    local asked = {}
    for _, id in ipairs(records[n].parameters) do asked[id] = true end
    assert.is_true(asked[7] and asked[11] and asked[27] and true)
    assert.is_nil(asked[15] or asked[19] or asked[23])
  end)

  it("of a row that is gone raise for its object alone", function()
    world(16, batch)
    local smiths = Smith.query:options(mr.defer(Being.story)):order_by(Being.id):all()
    db.session:execute(mr.text "DELETE FROM being WHERE id = 11")
    assert.equal("story 3", smiths[1].story)
    assert.equal("story 7", smiths[2].story)
    assert.equal("ObjectDeletedError", support.error_of(function() return smiths[3].story end).kind)
    assert.equal(0, (count(function() assert.equal("story 15", smiths[4].story) end)))
  end)

  it("may be the key of a reference", function()
    world(1)
    local Pet = db.Model:extend("Pet", {
      id    = db.Column{ db.Integer, primary_key = true },
      of_id = db.Column{ db.Integer, db.ForeignKey "being.id" },
      of    = db.relationship "Being",
    })
    db:create_all()
    for _ = 1, 12 do db.session:add(Pet{ of_id = 1 }) end
    db.session:commit()
    db.session:expunge_all()
    local pets = Pet.query:options(mr.defer(Pet.of_id), mr.batchload "*"):all()
    assert.equal(3, (count(function() for _, pet in ipairs(pets) do assert.equal("n1", pet.of.name) end end)))
  end)
end)

describe("columns that subclasses add", function()
  local batch = { lazy = "batch" }

  local function all(...) return Being.query:options(...):order_by(Being.id):all() end

  it("come for the next objects of the class, all of them at once", function()
    world(40, batch)
    local beings = all()
    local n, records = count(function()
      for _, being in ipairs(beings) do
        if being.kind == "mage" then assert.equal("s" .. being.mana, being.spell) end
      end
    end)
    assert.equal(2, n)
    assert.matches("^SELECT being.id AS being_id, being.kind AS being_kind, mage.mana AS mage_mana, "
      .. "mage.spell AS mage_spell FROM being JOIN mage ON being.id = mage.id WHERE ", records[2].statement)
    assert.equal(2, (count(function()
      for _, being in ipairs(beings) do
        if being.kind == "smith" then assert.equal("m" .. being.id, being.metal) end
      end
    end)))
    -- those of a class below are another kind of rows
    assert.equal(2, (count(function()
      for _, being in ipairs(beings) do
        if being.kind == "archmage" then assert.equal(being.id .. "w" .. being.id, being.mana .. being.tower) end
      end
    end)))
    assert.equal(0, (count(function()
      for _, being in ipairs(beings) do assert(being.kind ~= "archmage" or being.spell) end
    end)))
  end)

  it("come with what the query has left out", function()
    world(40, batch)
    local beings = all(mr.defer(Being.story))
    assert.equal(2, (count(function()
      for _, being in ipairs(beings) do
        if being.kind == "mage" then assert.equal("story " .. being.mana, being.story) end
      end
    end)))
  end)

  it("are deferred by their class: then they come in batches of their own", function()
    world(40, batch)
    local beings = all()
    assert.equal(2, (count(function()
      for _, being in ipairs(beings) do
        if being.kind == "mage" then assert.equal("t" .. being.id, being.tome) end
      end
    end)))
    assert.equal(2, (count(function()
      for _, being in ipairs(beings) do
        if being.kind == "mage" then assert.equal(being.id, being.mana) end
      end
    end)))
  end)

  it("of one object alone are read as ever", function()
    world(4, batch)
    local beings = all()
    local _, records = count(function() return beings[2].mana end)
    assert.equal("SELECT mage.mana AS mage_mana, mage.spell AS mage_spell FROM mage WHERE mage.id = ?",
      records[1].statement)
    db.session:expire(beings[2], { "name" })
    assert.equal(1, (count(function() return beings[2].name .. beings[2].spell end)))
  end)

  it("that cannot be read are told to the one who asks for them", function()
    world(16, batch)
    db.session:execute(mr.text "UPDATE mage SET mana = 'many' WHERE id = 10")
    db.session:commit()
    local beings = all()
    assert.equal("2 6 14", beings[2].mana .. " " .. beings[6].mana .. " " .. beings[14].mana)
    assert.equal("DataError", support.error_of(function() return beings[10].mana end).kind)
  end)
end)

describe("random reads of columns", function()
  local names = { being = { "name", "story", "age", "song" }, smith = { "story", "age", "song", "metal" },
    mage = { "name", "story", "mana", "spell", "tome" }, archmage = { "story", "age", "mana", "tower", "tome" } }

  -- Returns what was read, and the number of statements.
  local function run(seed, session_options)
    world(24, session_options)
    math.randomseed(seed)
    local seen = {}
    local options = {}
    for _, name in ipairs{ "name", "story", "age" } do
      if math.random(2) == 1 then options[#options + 1] = mr.defer(name) end
    end
    local beings = Being.query:options(table.unpack(options)):order_by(Being.id):all()
    local n = count(function()
      for _ = 1, 60 do
        local what, from = math.random(10), math.random(#beings)
        if what == 1 then db.session:expire(beings[from])
        elseif what == 2 then db.session:expire(beings[from], { "story" })
        elseif what == 3 then beings[from].age = what
        elseif what == 4 then db.session:flush()
        elseif what == 5 then Being.query:options(mr.load_only(Being.name)):filter(Being.id:gt(from)):all()
        else
          local pick = math.random(5)
          for i = from, math.min(from + 6, #beings) do
            local of = names[beings[i].kind]
            seen[#seen + 1] = tostring(beings[i][of[(pick - 1) % #of + 1]])
          end
        end
      end
    end)
    return table.concat(seen, " "), n
  end

  it("give the same as one by one, in no more statements", function()
    local stressed = (os.getenv "MOONROW_STRESS" or "") ~= ""
    for seed = 1, stressed and 2 or 25 do
      local lazily, most = run(seed)
      local batched, n = run(seed, { lazy = "batch" })
      assert.equal(lazily, batched, "seed " .. seed)
      assert.is_true(n <= most, ("seed %d: %d statements, lazily %d"):format(seed, n, most))
    end
  end)
end)
