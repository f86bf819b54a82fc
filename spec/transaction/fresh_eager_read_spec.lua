-- Outside of a transaction, an eager load gives nothing stale.

local support = require "spec.support.models"
local game = require "spec.support.game"

local m, db, Team, Player, session

local function open(where)
  m = game.with_session(where)
  db, Team, Player, session = m.db, m.Team, m.Player, m.session
end

local function close() m.close() end

local function elsewhere(...) support.elsewhere(db, ...) end

local function statements(fn) return support.statements(db, fn) end
local function names(list) return support.words(list, "name") end

--- All ways to load collections and references eagerly.
local function loaders()
  return {
    joinedload = db.joinedload, selectinload = db.selectinload, subqueryload = db.subqueryload,
    immediateload = db.immediateload,
  }
end

for _, strategy in ipairs{ "joinedload", "selectinload", "subqueryload", "immediateload" } do
  describe("an eager load outside of a transaction, by " .. strategy .. ",", function()
    local eager
    before_each(function()
      open "?journal_mode=wal"
      eager = loaders()[strategy]
    end)
    after_each(close)

    it("replaces collections that have not been changed", function()
      local red = session:query(Team):options(eager(Team.players)):filter_by{ id = 1 }:one()
      local players = red.players
      assert.equal("ann bob", names(players))
      elsewhere("INSERT INTO player (id, name, team_id) VALUES (3, 'carl', 1)",
        "UPDATE player SET team_id = 2 WHERE id = 1", "UPDATE player SET name = 'rob' WHERE id = 2")
      session:query(Team):options(eager(Team.players)):all()
      assert.equal("rob carl", names(red.players))
      assert.equal("rob carl", names(players))
      assert.equal("ann", names(session:get(Team, 2).players))
      assert.equal(0, #session.dirty)
    end)

    it("replaces them where a plain query has renewed the parent before", function()
      local red = session:get(Team, 1)
      assert.equal(2, #red.players)
      elsewhere("INSERT INTO player (id, name, team_id) VALUES (3, 'carl', 1)",
        "UPDATE team SET name = 'pink' WHERE id = 1")
      session:query(Team):all()
      assert.equal("pink", red.name)
      session:query(Team):options(eager(Team.players)):all()
      assert.equal("ann bob carl", names(red.players))
    end)

    it("replaces them all the way down", function()
      local ann = session:get(Player, 1)
      assert.equal("run dig", names(ann.skills))
      assert.equal(2, #ann.team.players)
      elsewhere("DELETE FROM skill WHERE id = 1", "INSERT INTO skill VALUES (3, 'fly', 1)",
        "UPDATE skill SET name = 'jump' WHERE id = 2")
      session:query(Team):options(eager(Team.players)[strategy](eager(Team.players), Player.skills)):all()
      assert.equal("jump fly", names(ann.skills))
    end)

    it("replaces what lies behind a collection that is as new already", function()
      local ann = session:get(Player, 1)
      assert.equal("run dig", names(ann.skills))
      elsewhere("DELETE FROM skill WHERE id = 1", "UPDATE skill SET name = 'jump' WHERE id = 2")
      local red = session:query(Team):options(eager(Team.players)):filter_by{ id = 1 }:one()
      assert.equal("ann bob", names(red.players))
      assert.equal("run dig", names(ann.skills))
      session:query(Team):options(eager(Team.players)[strategy](eager(Team.players), Player.skills)):all()
      assert.equal("jump", names(ann.skills))
    end)

    it("replaces what lies behind a reference that is as new already", function()
      local ann, red = session:get(Player, 1), session:get(Team, 1)
      assert.equal(red, ann.team)
      assert.equal(2, #red.players)
      elsewhere "INSERT INTO player (id, name, team_id) VALUES (3, 'carl', 1)"
      session:query(Team):all()
      session:query(Player):all()
      assert.equal(2, #red.players)
      session:query(Player):options(eager(Player.team)[strategy](eager(Player.team), Team.players)):all()
      assert.equal("ann bob carl", names(red.players))
    end)

    it("replaces those of a link table, and their objects", function()
      local ann = session:get(Player, 1)
      assert.equal("star", names(ann.badges))
      elsewhere("INSERT INTO player_badge VALUES (1, 2)", "UPDATE badge SET name = 'sun' WHERE id = 1")
      session:query(Player):options(eager(Player.badges)):all()
      assert.equal("sun moon", names(ann.badges))
    end)

    it("renews the objects of references, and the references", function()
      local ann, red = session:get(Player, 1), session:get(Team, 1)
      assert.equal(red, ann.team)
      elsewhere "UPDATE team SET name = 'pink' WHERE id = 1"
      session:query(Player):options(eager(Player.team)):all()
      assert.equal("pink", red.name)
      elsewhere "UPDATE player SET team_id = 2 WHERE id = 1"
      session:query(Player):options(eager(Player.team)):all()
      assert.equal("blue", ann.team.name)
    end)

    it("renews a reference whose key is on the other side", function()
      local ann, bob = session:get(Player, 1), session:get(Player, 2)
      assert.equal("hi", ann.profile.text)
      assert.is_nil(bob.profile)
      elsewhere "UPDATE profile SET player_id = 2, text = 'ho' WHERE id = 1"
      session:query(Player):options(eager(Player.profile)):all()
      assert.is_nil(ann.profile)
      assert.equal("ho", bob.profile.text)
    end)

    it("leaves changed collections as they are", function()
      local red, blue = session:get(Team, 1), session:get(Team, 2)
      local ann = session:get(Player, 1)
      assert.equal(2, #red.players)
      assert.equal(0, #blue.players)
      session:no_autoflush(function()
        ann.team = blue
        elsewhere "INSERT INTO player (id, name, team_id) VALUES (3, 'carl', 1)"
        session:query(Team):options(eager(Team.players)):all()
        assert.equal("bob", names(red.players))
        assert.equal("ann", names(blue.players))
      end)
      session:commit()
      assert.equal("bob carl", names(red.players))
      assert.equal("ann", names(blue.players))
    end)

    it("sends what it sends alone while nobody commits, and the second time no more", function()
      local function load() return session:query(Team):options(eager(Team.players)):all() end
      local teams = load()
      assert.equal(1, #statements(load))
      assert.equal(2, #teams)
    end)
  end)
end
