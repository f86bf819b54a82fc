-- Outside of a transaction no read is stale, and no object goes back to older values.

local mr = require "moonrow"
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

for _, where in ipairs{ "", "?journal_mode=wal", "in memory" } do
  describe("a read outside of a transaction, " .. (where == "" and "in a file" or where), function()
    before_each(function() open(where) end)
    after_each(close)

    it("gives objects in memory what their rows have become", function()
      local ann = session:get(Player, 1)
      assert.equal(3, ann.gold)
      elsewhere "UPDATE player SET gold = 4, name = 'eve' WHERE id = 1"
      local found = session:query(Player):filter_by{ gold = 4 }:first()
      assert.equal(ann, found)
      assert.equal(4, ann.gold)
      assert.equal("eve", ann.name)
      elsewhere "UPDATE player SET gold = NULL WHERE id = 1"
      assert.equal(2, #session:query(Player):all())
      assert.is_nil(ann.gold)
    end)

    it("sees what another session of the program has committed, and what that one has not", function()
      local ann = session:get(Player, 1)
      local other <close> = mr.Session(db.engine)
      other:get(Player, 1).gold = 4
      if where ~= "" then
        other:flush()
        assert.equal(3, session:query(Player):filter_by{ id = 1 }:one().gold)
        session:rollback()
        assert.equal(3, session:query(Player):filter_by{ id = 1 }:one().gold)
      end
      other:commit()
      assert.equal(4, session:query(Player):filter_by{ id = 1 }:one().gold)
      assert.equal(4, ann.gold)
    end)

    it("of other rows lets get read again what is older", function()
      local ann = session:get(Player, 1)
      elsewhere "UPDATE player SET gold = 4 WHERE id = 1"
      assert.equal(3, session:get(Player, 1).gold) -- the session has noticed nothing yet
      local bob = session:get(Player, 2)           -- this is a read: now the session notices
      assert.equal(7, bob.gold)
      assert.equal(3, ann.gold)                    -- no read has included it
      local sent = statements(function() assert.equal(4, session:get(Player, 1).gold) end)
      assert.equal(1, #sent)
      assert.equal(4, ann.gold)
      assert.same({}, statements(function() session:get(Player, 1) session:get(Player, bob.id) end))
    end)

    it("of plain columns lets get read again what is older", function()
      local ann = session:get(Player, 1)
      elsewhere "UPDATE player SET gold = 4 WHERE id = 1"
      assert.equal(4, session:query(Player.gold):filter(Player.id:eq(1)):scalar())
      assert.equal(4, session:get(Player, 1).gold)
      elsewhere "UPDATE player SET gold = 5 WHERE id = 1"
      assert.equal(5, session:execute(mr.text "SELECT gold FROM player WHERE id = 1"):scalar())
      assert.equal(5, session:get(Player, 1).gold)
      elsewhere "UPDATE player SET gold = 6 WHERE id = 1"
      assert.equal(2, session:query(Player):count())
      assert.equal(6, session:get(Player, 1).gold)
      assert.equal(6, ann.gold)
    end)

    it("finds an object deleted whose row is gone, by get", function()
      local bob = session:get(Player, 2)
      elsewhere "DELETE FROM player WHERE id = 2"
      assert.equal(1, session:query(Player):count())
      assert.is_nil(session:get(Player, 2))
      assert.is_nil(session:get(Player, 2))
      assert.equal("bob", bob.name)
    end)

    it("finds a row that came after one was gone", function()
      local bob = session:get(Player, 2)
      elsewhere "DELETE FROM player WHERE id = 2"
      assert.is_nil(session:query(Player):filter_by{ id = 2 }:first())
      elsewhere "INSERT INTO player (id, name, gold) VALUES (2, 'new', 1)"
      assert.equal("new", session:query(Player):filter_by{ id = 2 }:one().name)
      assert.equal("new", session:get(Player, 2).name)
      assert.equal("new", bob.name)
    end)

    it("keeps attributes with changes, and renews the others", function()
      local ann = session:get(Player, 1)
      session:no_autoflush(function()
        ann.gold = 50
        elsewhere "UPDATE player SET gold = 4, name = 'eve' WHERE id = 1"
        session:query(Player):all()
        assert.equal(50, ann.gold)
        assert.equal("eve", ann.name)
        assert.is_true(session:is_modified(ann))
        ann.gold = 4 -- the row has this value now: there is nothing to write
        assert.is_false(session:is_modified(ann))
        ann.gold = 3 -- the row had this value before: this is a change
        assert.is_true(session:is_modified(ann))
      end)
      session:commit()
      assert.equal(3, ann.gold)
      assert.equal("eve", ann.name)
    end)

    it("keeps them in get, too", function()
      local ann = session:get(Player, 1)
      session:no_autoflush(function()
        ann.gold = 50
        elsewhere "UPDATE player SET gold = 4, name = 'eve' WHERE id = 1"
        session:query(Player.id):all()
        assert.equal(ann, session:get(Player, 1))
        assert.equal(50, ann.gold)
        assert.equal("eve", ann.name)
      end)
    end)

    it("of a changed object whose row is gone leaves the change for the flush to tell", function()
      local bob = session:get(Player, 2)
      session:no_autoflush(function()
        bob.gold = 50
        elsewhere "DELETE FROM player WHERE id = 2"
        session:query(Player.id):all()
        assert.is_nil(session:get(Player, 2))
        assert.equal(50, bob.gold)
      end)
      local e = support.error_of(session.commit, session)
      assert.is_true(mr.errors.StaleDataError:is(e))
    end)

    it("changes nothing within a transaction", function()
      if where == "" then return end -- a reader of such a file would make the writer wait
      session:begin(function()
        local ann = session:get(Player, 1)
        elsewhere "UPDATE player SET gold = 4 WHERE id = 1"
        assert.equal(3, session:query(Player):filter_by{ id = 1 }:one().gold)
        assert.equal(3, session:get(Player, 1).gold)
        assert.equal(3, ann.gold)
      end, { mode = "deferred" })
      assert.equal(4, session:get(Player, 1).gold)
    end)

    it("never takes back what was seen: an open cursor is as old as all that is read beside it", function()
      if where == "" then return end
      local ann = session:get(Player, 1)
      local seen = {}
      for player in session:query(Player):order_by(Player.id:desc()):yield_per(1):iter() do
        if player.id == 2 then
          elsewhere "UPDATE player SET gold = gold + 100"
          seen[1] = session:query(Player):filter_by{ id = 1 }:one().gold
        else
          seen[2] = player.gold
        end
      end
      assert.same({ 3, 3 }, seen)
      assert.equal(103, session:query(Player):filter_by{ id = 1 }:one().gold)
      assert.equal(103, ann.gold)
    end)

    it("reads again what this session's own commit has kept only when others commit", function()
      local keeping <close> = mr.Session(db.engine, { expire_on_commit = false })
      local ann, bob = keeping:get(Player, 1), keeping:get(Player, 2)
      ann.gold = 8
      keeping:commit()
      assert.same({}, statements(function()
        assert.equal(15, keeping:get(Player, 1).gold + keeping:get(Player, 2).gold)
      end))
      assert.equal(2, keeping:query(Player):count())
      assert.same({}, statements(function() keeping:get(Player, 1) keeping:get(Player, 2) end))
      keeping:commit()
      elsewhere "UPDATE player SET gold = 9"
      assert.equal(2, #keeping:query(Player):all())
      assert.equal(18, ann.gold + bob.gold)
    end)

    it("is no news where sessions take turns with the engine's connections", function()
      local one <close> = mr.Session(db.engine, { expire_on_commit = false })
      local two <close> = mr.Session(db.engine, { expire_on_commit = false })
      local ann, same = one:get(Player, 1), two:get(Player, 1)
      one:commit()
      two:commit()
      assert.equal(2, one:query(Player):count())
      assert.equal(2, two:query(Player):count())
      assert.same({}, statements(function() return one:get(Player, ann.id), two:get(Player, same.id) end))
    end)

    it("of an inserted object is as new", function()
      local keeping <close> = mr.Session(db.engine, { expire_on_commit = false })
      local carl = Player{ id = 3, name = "carl", gold = 1 }
      keeping:add(carl)
      keeping:commit()
      assert.same({}, statements(function() keeping:get(Player, 3) end))
      elsewhere "UPDATE player SET gold = 9 WHERE id = 3"
      assert.equal(9, keeping:query(Player):filter_by{ id = 3 }:one().gold)
      assert.equal(9, carl.gold)
    end)

    it("goes on after a savepoint and a rollback", function()
      local ann = session:get(Player, 1)
      pcall(session.begin_nested, session, function()
        ann.gold = 40
        session:flush()
        error "no"
      end)
      assert.equal(3, ann.gold)
      session:rollback()
      elsewhere "UPDATE player SET gold = 4 WHERE id = 1"
      session:query(Player):all()
      assert.equal(4, ann.gold)
    end)
  end)
end

describe("what goes with a renewed object", function()
  before_each(function() open "?journal_mode=wal" end)
  after_each(close)

  it("is the object that its foreign key refers to now", function()
    local ann, blue = session:get(Player, 1), session:get(Team, 2)
    assert.equal("red", ann.team.name)
    elsewhere "UPDATE player SET team_id = 2 WHERE id = 1"
    session:query(Player):all()
    assert.equal(blue, ann.team)
    elsewhere "UPDATE player SET team_id = NULL WHERE id = 1"
    session:query(Player):all()
    assert.is_nil(ann.team)
  end)

  it("is not a reference that was set by hand", function()
    local ann, blue = session:get(Player, 1), session:get(Team, 2)
    session:no_autoflush(function()
      ann.team = blue
      elsewhere "UPDATE player SET team_id = NULL WHERE id = 1"
      session:query(Player):all()
      assert.equal(blue, ann.team)
    end)
    session:commit()
    assert.equal(2, ann.team_id)
  end)

  it("is a collection that it had: no row of it was read", function()
    local red = session:get(Team, 1)
    assert.equal(2, #red.players)
    elsewhere "INSERT INTO player (id, name, team_id) VALUES (3, 'carl', 1)"
    session:query(Team):all()
    assert.same({}, statements(function() assert.equal(2, #red.players) end))
  end)

  it("is a deferred column that it had, until get reads it again", function()
    local ann = session:get(Player, 1)
    assert.equal("first", ann.notes)
    elsewhere "UPDATE player SET notes = 'other', gold = 4 WHERE id = 1"
    session:query(Player):all()
    assert.equal(4, ann.gold)
    assert.same({}, statements(function() assert.equal("first", ann.notes) end))
    session:get(Player, 1)
    assert.equal("other", ann.notes)
    assert.same({}, statements(function() session:get(Player, 1) end))
  end)

  it("is told to listeners of refresh where something has changed, once", function()
    local told = {}
    mr.event.listen(Player, "refresh", function(player) told[#told + 1] = player.id .. ":" .. tostring(player.gold) end)
    local ann = session:get(Player, 1)
    session:get(Player, 2)
    session:query(Player):all()
    assert.same({}, told)
    elsewhere "UPDATE player SET gold = 4 WHERE id = 1"
    session:query(Player):all()
    session:query(Player):all()
    assert.same({ "1:4" }, told)
    assert.equal(4, ann.gold)
  end)

  it("comes in one statement by populate_existing as ever", function()
    local ann = session:get(Player, 1)
    elsewhere "UPDATE player SET gold = 4 WHERE id = 1"
    assert.equal(4, session:get(Player, 1, { populate_existing = true }).gold)
    assert.same({}, statements(function() session:get(Player, 1) end))
    assert.equal(4, ann.gold)
  end)
end)

describe("a read of a versioned class", function()
  local Doc
  before_each(function()
    open "?journal_mode=wal"
    Doc = support.versioned(db)
    session:add(Doc{ id = 1, title = "t", body = "b" })
    session:commit()
  end)
  after_each(close)

  it("renews the version with the rest", function()
    local doc = session:get(Doc, 1)
    assert.equal(1, doc.version)
    elsewhere "UPDATE doc SET title = 'u', version = 2"
    session:query(Doc):all()
    assert.equal(2, doc.version)
    doc.body = "c"
    session:commit()
    assert.equal("u", doc.title)
  end)

  it("leaves a changed object its version: the flush finds it stale", function()
    local doc = session:get(Doc, 1)
    session:no_autoflush(function()
      doc.body = "c"
      elsewhere "UPDATE doc SET title = 'u', body = 'd', version = 2"
      session:query(Doc):all()
      session:get(Doc, 1)
      assert.equal("c", doc.body)
      assert.equal(1, doc.version)
      assert.equal("u", doc.title)
    end)
    assert.is_true(mr.errors.StaleDataError:is(support.error_of(session.commit, session)))
    session:rollback()
    assert.equal("d", doc.body)
    assert.equal(2, doc.version)
  end)

  it("leaves one that is to be deleted its version", function()
    local doc = session:get(Doc, 1)
    session:no_autoflush(function()
      session:delete(doc)
      elsewhere "UPDATE doc SET title = 'u', version = 2"
      session:query(Doc):all()
    end)
    assert.is_true(mr.errors.StaleDataError:is(support.error_of(session.commit, session)))
  end)
end)

describe("a loop with lazy loads", function()
  before_each(function() open "?journal_mode=wal" end)
  after_each(close)

  it("sends no more statements while others commit than alone", function()
    local function loop(each)
      local s <close> = mr.Session(db.engine)
      return #statements(function()
        for _, player in ipairs(s:query(Player):order_by(Player.id):all()) do
          each()
          assert.equal("red", player.team.name)
          each()
          local _ = #player.skills
          each()
          for _, mate in ipairs(player.team.players) do
            local _ = #mate.skills
            each()
          end
        end
      end)
    end
    local alone = loop(function() end)
    local n = 0
    assert.equal(alone, loop(function()
      n = n + 1
      db.engine:begin(function(other) other:execute(mr.text "UPDATE player SET gold = gold + 1") end)
    end) - n)
  end)
end)
