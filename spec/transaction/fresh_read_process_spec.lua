-- The same while another process commits all the time: no read is stale, no object goes back to older values, and lazy
-- loads need no more statements than without it.

local mr = require "moonrow"
local support = require "spec.support.models"
local game = require "spec.support.game"
local process = require "spec.support.process"

local STRESS = os.getenv "MOONROW_STRESS" ~= nil
local path, url, m

--- Starts a process that commits again and again: each player's gold and each skill's name rise together. Returns a
--- function that ends it and waits for it.
local function start_writer()
  local pipe, finish = process.start("lua5.4", ([[
local mr = require "moonrow"
local db = mr.open(%q, { busy_timeout = 5000 })
local n = 100
repeat
  n = n + 1
  db.engine:begin(function(c)
    c:execute(mr.text "UPDATE player SET gold = :n, name = 'p' || :n", { n = n })
    c:execute(mr.text "UPDATE skill SET name = :n", { n = n })
  end)
  os.execute "sleep 0.002" -- readers of a file without a write-ahead log need some time without the lock
  if n == 101 then io.write("ready\n") io.flush() end
  local stop = io.open(%q)
until stop
]]):format(url, path .. "-stop"))
  local first = pipe:read "l"
  assert(first == "ready", first)
  return function()
    assert(io.open(path .. "-stop", "w")):close()
    assert.equal("", (finish()))
  end
end

for _, mode in ipairs{ "wal", "delete" } do
  describe("while another process commits, journal_mode=" .. mode .. ",", function()
    local stop
    before_each(function()
      path = os.tmpname()
      url = "sqlite:///" .. path .. "?synchronous=off&journal_mode=" .. mode
      m = game.open(url, true)
    end)
    after_each(function()
      if stop then stop() end
      stop = nil
      m.db.session:remove()
      process.remove(path, "-stop")
    end)

    it("each query's objects are as new as its columns, and nothing goes back", function()
      local s <close> = mr.Session(m.db.engine)
      local Player = m.Player
      local ann = s:get(Player, 1)
      stop = start_writer()
      local last, seen = 0, {}
      local rounds = 0
      repeat
        rounds = rounds + 1
        local row = s:query(Player, Player.gold):filter_by{ id = 1 }:one()
        assert.equal(ann, row[1])
        assert.equal(row[2], ann.gold)
        assert.equal("p" .. row[2], ann.name)
        assert.is_true(row[2] >= last, "went back")
        last = row[2]
        -- A plain value: the session notices the new version.
        local bob = s:query(Player.gold):filter_by{ id = 2 }:scalar()
        local again = s:get(Player, 1)
        assert.is_true(again.gold >= bob, "get is older than what was read before it")
        assert.is_true(again.gold >= last, "get went back")
        last = again.gold
        seen[last] = true
        local n = 0
        for _ in pairs(seen) do n = n + 1 end
      until n >= 20 or rounds > 20000
      local n = 0
      for _ in pairs(seen) do n = n + 1 end
      assert.is_true(n >= 20, "the other process has hardly committed")
    end)

    it("an eager load has one snapshot", function()
      local s <close> = mr.Session(m.db.engine)
      local first = s:get(m.Player, 1)
      assert.equal(2, #first.skills)
      stop = start_writer()
      for _ = 1, 100 do
        local players = s:query(m.Player):options(m.db.selectinload(m.Player.skills)):order_by(m.Player.id):all()
        assert.equal(first, players[1])
        assert.equal(players[1].gold, players[2].gold)
        for _, skill in ipairs(first.skills) do assert.equal(tostring(first.gold), skill.name) end
      end
    end)

    it("a transaction takes nothing that it read before for its own", function()
      local s <close> = mr.Session(m.db.engine)
      local ann, bob = s:get(m.Player, 1), s:get(m.Player, 2)
      stop = start_writer()
      for _, how in ipairs{ "immediate", "deferred", "immediate", "deferred" } do
        for _ = 1, 10 do
          s:query(m.Player):filter_by{ id = 1 }:all()
          s:retry(function()
            assert.equal(ann.gold, bob.gold)
            assert.equal(s:execute(mr.text "SELECT gold FROM player WHERE id = 1"):scalar(), ann.gold)
          end, { mode = how, times = 50 })
        end
      end
    end)

    it("a loop with lazy loads sends as many statements as alone", function()
      local function loop()
        local s <close> = mr.Session(m.db.engine)
        return #support.statements(m.db, function()
          for _ = 1, 20 do
            for _, team in ipairs(s:query(m.Team):all()) do
              for _, player in ipairs(team.players) do
                for _, skill in ipairs(player.skills) do assert.equal(player, skill.player) end
                assert.equal(team, player.team)
                local _ = #player.badges
              end
            end
          end
        end)
      end
      local alone = loop()
      stop = start_writer()
      for _ = 1, 5 do
        -- A collector that runs at every chance takes other objects in each loop: then the number is a bound.
        local n = loop()
        assert.is_true(n == alone or (STRESS and n < alone), n .. " statements, and " .. alone .. " alone")
      end
    end)
  end)
end
