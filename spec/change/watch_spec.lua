-- Live queries: query:watch(fn) and db:poll(): told once per poll, only of what is committed, and only if it differs.

local mr = require "moonrow"

local stressed = (os.getenv "MOONROW_STRESS" or "") ~= ""

local db, session, Team, Player, Badge, told

local function declare(base)
  Team = base.Model:extend("Team", {
    id = base.Column{ base.Integer, primary_key = true },
    name = base.Column{ base.String(40) },
    motto = base.Column{ base.String(40) },
    players = base.relationship{ "Player", back_populates = "team", order_by = "Player.id" },
  })
  Player = base.Model:extend("Player", {
    id = base.Column{ base.Integer, primary_key = true },
    name = base.Column{ base.String(40) },
    score = base.Column{ base.Integer },
    team_id = base.Column{ base.Integer, base.ForeignKey("team.id", { ondelete = "CASCADE" }) },
    team = base.relationship{ "Team", back_populates = "players" },
    badges = base.relationship{ "Badge", secondary = "player_badge", order_by = "Badge.id" },
  })
  Badge = base.Model:extend("Badge", {
    id = base.Column{ base.Integer, primary_key = true },
    label = base.Column{ base.String(40) },
  })
  base.Table("player_badge",
    base.Column{ "player_id", base.Integer, base.ForeignKey "player.id", primary_key = true },
    base.Column{ "badge_id", base.Integer, base.ForeignKey "badge.id", primary_key = true })
end

before_each(function()
  db = mr.open "sqlite://"
  declare(db)
  db:create_all()
  session = db.session
  for i = 1, 3 do
    local team = Team{ id = i, name = "team " .. i }
    session:add(team)
    for k = 1, 2 do team.players:append(Player{ id = i * 10 + k, name = "p" .. i .. k, score = k }) end
  end
  session:commit()
  told = {}
end)

local function execute(sql)
  session:execute(mr.text(sql))
  session:commit()
end

local function words(diff)
  if not diff then return "first" end
  local list = {}
  for _, kind in ipairs{ "removed", "inserted", "updated" } do
    if #diff[kind] > 0 then list[#list + 1] = kind .. " " .. table.concat(diff[kind], ",") end
  end
  for _, move in ipairs(diff.moved) do list[#list + 1] = "moved " .. move.from .. ">" .. move.to end
  return table.concat(list, " ")
end

-- A function that notes what it is told: the differences in words; the last rows are in told.rows.
local function note(rows, diff)
  told[#told + 1] = words(diff)
  told.rows = rows
end

-- Polls; what was told since.
local function poll()
  told = { rows = told.rows }
  local calls = db:poll()
  assert.equal(#told, calls)
  local rows = told.rows
  told.rows = nil
  local list = told
  told = { rows = rows }
  return list
end

local function ids(rows)
  local list = {}
  for i, row in ipairs(rows) do list[i] = row.id end
  return list
end

describe("a live query", function()
  it("is told at once, and then only in poll", function()
    local _ <close> = Player.query:order_by(Player.id):watch(note)
    assert.same({ "first" }, { table.unpack(told) })
    assert.same({ 11, 12, 21, 22, 31, 32 }, ids(told.rows))
    session:add(Player{ id = 5, name = "new" })
    session:flush()
    assert.same({}, poll()) -- nothing is committed
    session:commit()
    assert.equal(1, #told.rows > 0 and 1)
    assert.same({ "inserted 1" }, poll())
    assert.same({ 5, 11, 12, 21, 22, 31, 32 }, ids(told.rows))
    assert.same({}, poll())
  end)

  it("is told once of all commits since the last poll", function()
    local _ <close> = Player.query:order_by(Player.score, Player.id):watch(note)
    session:get(Player, 11).score = 9
    session:commit()
    session:delete(session:get(Player, 21))
    session:commit()
    session:add(Player{ id = 40, score = 0 })
    session:commit()
    assert.same({ "removed 2 inserted 1 updated 6 moved 1>6" }, poll())
    assert.same({ 40, 31, 12, 22, 32, 11 }, ids(told.rows))
  end)

  it("is not told of what was rolled back, or comes out equal", function()
    local _ <close> = Player.query:watch(note)
    session:get(Player, 11).score = 9
    session:flush()
    session:rollback()
    assert.same({}, poll())
    execute "UPDATE player SET score = score + 0"
    assert.same({}, poll())
    execute "UPDATE player SET score = score + 1"
    execute "UPDATE player SET score = score - 1"
    assert.same({}, poll())
    pcall(function()
      session:begin_nested(function()
        session:execute(mr.text "UPDATE player SET score = 77")
        error "no"
      end)
    end)
    session:commit()
    assert.same({}, poll())
  end)

  it("gives the session's own objects, with their new values", function()
    session.expire_on_commit = false
    local eleven = session:get(Player, 11)
    local _ <close> = Player.query:order_by(Player.id):watch(note)
    execute "UPDATE player SET name = 'renamed' WHERE id = 11"
    assert.same({ "updated 1" }, poll())
    assert.equal(eleven, told.rows[1])
    assert.equal("renamed", eleven.name)
  end)

  it("flushes nothing, keeps what the program has changed, and tells of that when it is committed", function()
    local _ <close> = Player.query:order_by(Player.id):watch(note)
    local eleven = session:get(Player, 11)
    eleven.name = "edited"
    session:add(Player{ id = 99 })
    local other = mr.Session(db.engine)
    other:execute(mr.text "UPDATE player SET score = 50 WHERE id = 12")
    other:commit()
    local records = db:record(function() assert.same({ "updated 2" }, poll()) end)
    for _, record in ipairs(records) do assert.truthy(record.statement:match "^SELECT") end
    assert.equal("edited", eleven.name)
    assert.truthy(session.new[1])
    session:commit()
    assert.same({ "inserted 7 updated 1" }, poll())
    other:close()
  end)

  it("waits while its session has a transaction open", function()
    local _ <close> = Player.query:watch(note)
    session:get(Player, 11).score = 5
    session:commit()
    session:get(Player, 12).score = 6
    session:flush()
    assert.same({}, poll())
    session:rollback()
    assert.same({ "updated 1" }, poll())
  end)

  it("that begins within a transaction is set right when that is over", function()
    session:execute(mr.text "DELETE FROM player WHERE id = 11")
    local _ <close> = Player.query:order_by(Player.id):watch(note)
    assert.same({ 12, 21, 22, 31, 32 }, ids(told.rows))
    assert.same({}, poll())
    session:rollback()
    assert.same({ "inserted 1" }, poll())
  end)
end)

describe("a live query wakes for", function()
  local function check(query, change, want)
    local _ <close> = query:watch(note)
    change()
    assert.same({ want }, poll())
    assert.same({}, poll())
  end

  it("joined tables, whose columns it selects or not", function()
    check(session:query(Player.name, Team.name):join(Player.team):order_by(Player.id),
      function() execute "UPDATE team SET name = 'x' WHERE id = 2" end, "removed 3,4 inserted 3,4")
    check(Player.query:join(Player.team):filter(Team.name:eq "x"):order_by(Player.id),
      function() execute "UPDATE team SET name = 'y' WHERE id = 2" end, "removed 1,2")
  end)

  for _, name in ipairs{ "joinedload", "selectinload", "subqueryload", "immediateload" } do
    it("what " .. name .. " loads, and not for what was read besides", function()
      check(Team.query:options(mr[name](Team.players)):order_by(Team.id),
        function() execute "UPDATE player SET name = 'x' WHERE id = 21" end, "updated 2")
      check(Team.query:options(mr[name](Team.players)):order_by(Team.id),
        function() execute "DELETE FROM player WHERE id = 21" end, "updated 2")
      check(Team.query:options(mr[name](Team.players)[name](mr[name](Team.players), Player.badges)):order_by(Team.id),
        function()
          execute "INSERT INTO badge VALUES (1, 'b')"
          execute "INSERT INTO player_badge VALUES (31, 1)"
        end, "updated 3")
      local _ <close> = Team.query:order_by(Team.id):watch(note)
      assert.equal(2, #told.rows[1].players) -- read by the program
      execute "UPDATE player SET name = 'y' WHERE id = 11"
      assert.same({}, poll())
    end)
  end

  it("rows behind views, triggers and cascades", function()
    execute "CREATE VIEW best AS SELECT id, name FROM player WHERE score > 1"
    local best = db.Table("best", db.Column{ "id", db.Integer }, db.Column{ "name", db.String })
    check(session:query(best.c.id):order_by(best.c.id),
      function() execute "UPDATE player SET score = 0 WHERE id = 12" end, "removed 1")
    execute [[CREATE TRIGGER renamed AFTER UPDATE OF motto ON team BEGIN
      UPDATE player SET name = new.motto WHERE team_id = new.id; END]]
    check(Player.query:order_by(Player.id), function() execute "UPDATE team SET motto = 'm' WHERE id = 3" end,
      "updated 5,6")
    check(Player.query:order_by(Player.id), function() execute "DELETE FROM team WHERE id = 1" end, "removed 1,2")
  end)

  it("tables that only subqueries, unions and CTEs read", function()
    local rich = session:query(Badge.id):filter(Badge.label:eq "rich"):subquery()
    check(Player.query:filter(Player.id:in_(mr.select(rich.c.id))):order_by(Player.id),
      function() execute "INSERT INTO badge VALUES (11, 'rich')" end, "inserted 1")
    local both = session:query(Player.name):union(session:query(Team.name))
    check(both, function() execute "UPDATE team SET name = 'zzz' WHERE id = 2" end, "removed 8 inserted 9")
    check(session:query(mr.func.count(Player.id)), function() execute "DELETE FROM player WHERE id = 32" end,
      "removed 1 inserted 1")
    local cte = session:query(Team.id, Team.motto):cte "mottos"
    -- Of three equal rows without a key the last one is gone.
    check(session:query(cte.c.motto):order_by(cte.c.id),
      function() execute "UPDATE team SET motto = 'q' WHERE id = 1" end, "removed 3 inserted 1")
  end)

  it("what a virtual table keeps in tables of its own", function()
    execute "CREATE VIRTUAL TABLE note USING fts5(body)"
    execute "INSERT INTO note(rowid, body) VALUES (1, 'red fox')"
    local Note = db.Table("note", db.Column{ "rowid", db.Integer })
    local rows = session:query(Note.c.rowid):filter(mr.text "note MATCH 'fox'")
    check(rows, function() execute "INSERT INTO note(rowid, body) VALUES (2, 'a fox again')" end, "inserted 2")
    check(session:query(mr.func.count()):select_from(Note),
      function() execute "INSERT INTO note(rowid, body) VALUES (3, 'dog')" end, "removed 1 inserted 1")
  end)

  it("another program's commit", function()
    local path = os.tmpname()
    local here = mr.open("sqlite:///" .. path)
    declare(here)
    here:create_all()
    local _ <close> = Team.query:watch(note)
    local there = mr.create_engine("sqlite:///" .. path):connect()
    there:execute(mr.text "INSERT INTO team (id, name) VALUES (1, 'far')")
    there:commit()
    assert.equal(1, here:poll())
    assert.equal("inserted 1", told[#told])
    assert.equal("far", told.rows[1].name)
    assert.equal(0, here:poll())
    there:close()
    os.remove(path)
  end)
end)

describe("a live query costs no statement where", function()
  local function statements(query, change)
    local _ <close> = query:watch(note)
    change()
    return #db:record(poll)
  end

  it("another row than its own was changed", function()
    for _, query in ipairs{ Player.query:filter_by{ id = 11 }, Player.query:filter(Player.id:eq(11)),
      Player.query:where "id == 11", Player.query:filter(Player.id:eq(11), Player.score:gt(0)) } do
      assert.equal(0, statements(query, function() execute "UPDATE player SET score = 5 WHERE id <> 11" end))
      assert.equal(0, statements(query, function() execute "INSERT INTO player (name) VALUES ('another')" end))
      assert.equal(1, statements(query, function() execute "UPDATE player SET score = score + 1 WHERE id = 11" end))
    end
    local mates = Player.query:filter_by{ team_id = 2 }
    assert.equal(0, statements(mates, function() execute "UPDATE player SET score = 8 WHERE team_id = 1" end))
    assert.equal(1, statements(mates, function() execute "UPDATE player SET team_id = 1 WHERE id = 21" end))
    assert.equal(1, statements(mates, function() execute "UPDATE player SET team_id = 2 WHERE id = 11" end))
    local named = Player.query:filter_by{ name = "p12" }
    assert.equal(0, statements(named, function() execute "UPDATE player SET name = 'P12' WHERE id = 11" end))
    assert.equal(1, statements(named, function() execute "UPDATE player SET name = 'p12' WHERE id = 11" end))
  end)

  it("only columns were changed that it does not read", function()
    local names = session:query(Team.id, Team.name)
    assert.equal(0, statements(names, function() execute "UPDATE team SET motto = 'm'" end))
    assert.equal(1, statements(names, function() execute "UPDATE team SET name = 'm'" end))
    local count = session:query(mr.func.count()):select_from(Team)
    assert.equal(0, statements(count, function() execute "UPDATE team SET name = 'n', motto = 'm'" end))
    assert.equal(1, statements(count, function() execute "INSERT INTO team (name) VALUES ('o')" end))
  end)

  it("other tables were changed, or none", function()
    assert.equal(0, statements(Team.query, function() execute "UPDATE player SET score = 1" end))
    assert.equal(0, statements(Team.query, function() end))
  end)

  it("but looks at all of a table that it reads twice, or compares by other rules", function()
    local other = mr.aliased(Player)
    local pairs_of = session:query(Player):filter(Player.id:eq(11),
      mr.exists(mr.select(other.id):where(other.score:gt(100))))
    assert.equal(1, statements(pairs_of, function() execute "UPDATE player SET score = 101 WHERE id = 22" end))
    execute "CREATE TABLE word (id INTEGER PRIMARY KEY, w TEXT COLLATE NOCASE)"
    local Word = db.Model:extend("Word", { id = db.Column{ db.Integer, primary_key = true },
      w = db.Column{ db.String } })
    local a = Word.query:filter_by{ w = "a" }
    assert.equal(1, statements(a, function() execute "INSERT INTO word VALUES (1, 'A')" end))
  end)
end)

describe("an empty IN", function()
  it("counts as reading the table, and its rows are told when there are some", function()
    local list = {}
    local _ <close> = Team.query:options(mr.selectinload(Team.players)):filter(Team.name:in_(list)):watch(note)
    assert.same({}, told.rows)
    execute "UPDATE team SET name = 'q'"
    assert.same({}, poll())
    local _ <close> = Team.query:options(mr.selectinload(Team.players)):filter(Team.name:eq "later"):watch(note)
    execute "UPDATE team SET name = 'later' WHERE id = 1"
    assert.same({ "inserted 1" }, poll())
    execute "UPDATE player SET name = 'r' WHERE id = 11" -- the table that no statement has read at first
    assert.same({ "updated 1" }, poll())
  end)
end)

describe("the difference", function()
  it("applied to the old list gives the new one, for random changes", function()
    local seen, rounds = {}, stressed and 15 or 150
    local function apply(old, new, diff)
      local away, list, added = {}, {}, {}
      for _, i in ipairs(diff.removed) do away[i] = true end
      for _, move in ipairs(diff.moved) do
        away[move.from] = true
        added[#added + 1] = move.to
      end
      for _, i in ipairs(diff.inserted) do added[#added + 1] = i end
      table.sort(added)
      for i, row in ipairs(old) do
        if not away[i] then list[#list + 1] = row end
      end
      for _, i in ipairs(added) do table.insert(list, i, new[i]) end
      return list
    end
    local calls = 0
    local _ <close> = Player.query:order_by(Player.score, Player.id):watch(function(rows, diff)
      if diff then
        assert.same(ids(rows), ids(apply(seen, rows, diff)))
        local changed = {}
        for _, i in ipairs(diff.updated) do changed[rows[i].id] = true end
        for _, row in ipairs(seen) do
          if seen.scores[row] and not changed[row.id] and mr.inspect(row).state == "persistent" then
            assert.equal(seen.scores[row], row.score)
          end
        end
        calls = calls + 1
      end
      seen = rows
      seen.scores = {}
      for _, row in ipairs(rows) do seen.scores[row] = row.score end
    end)
    math.randomseed(20)
    for _ = 1, rounds do
      for _ = 1, math.random(4) do
        local all = Player.query:all()
        local one = all[math.random(#all)]
        local what = math.random(4)
        if what == 1 then session:add(Player{ score = math.random(30) })
        elseif what == 2 and #all > 3 then session:delete(one)
        else one.score = math.random(30) end
        session:commit()
      end
      db:poll()
    end
    assert.is_true(calls > rounds / 2)
  end)

  it("moves as few rows as possible, and tells equal rows without a key apart by their number", function()
    local w <close> = Player.query:order_by(Player.score, Player.id):watch(note)
    execute "UPDATE player SET score = 100 WHERE id = 11"
    assert.same({ "updated 6 moved 1>6" }, poll())
    w:close()
    local _ <close> = session:query(Player.score):order_by(Player.score):watch(note)
    execute "UPDATE player SET score = 1 WHERE id = 12"
    assert.same({ "removed 5 inserted 3" }, poll())
  end)
end)

describe("a watch", function()
  it("ends with its handle", function()
    local w = Team.query:watch(note)
    w:close()
    execute "UPDATE team SET name = 'a'"
    assert.same({}, poll())
    assert.truthy(tostring(w):match "^<Watch %(closed%): SELECT")
    do Team.query:watch(note) end
    collectgarbage()
    collectgarbage()
    execute "UPDATE team SET name = 'b'"
    assert.same({}, poll())
  end)

  it("lives on after an error, which on_error gets, or poll raises when all were told", function()
    local errors, fails = {}, true
    local function fail()
      if fails then error("in the function", 0) end
    end
    fails = false
    local w <close> = Team.query:watch(fail, {
      on_error = function(err, which) errors[#errors + 1] = { err, which } end,
    })
    local _ <close> = Team.query:watch(fail)
    local _ <close> = Team.query:watch(note)
    fails = true
    execute "UPDATE team SET name = 'a' WHERE id = 1"
    told = {}
    assert.has_error(function() db:poll() end, "in the function")
    assert.same({ { "in the function", w } }, errors)
    assert.equal("updated 1", told[1])
    fails = false
    execute "UPDATE team SET name = 'b' WHERE id = 1"
    assert.equal(3, db:poll())
  end)

  it("tells an error of its query, and looks again the next time", function()
    local _ <close> = Team.query:watch(note)
    execute "ALTER TABLE team RENAME COLUMN motto TO saying"
    execute "UPDATE team SET name = 'a'"
    assert.has_error(function() db:poll() end)
    execute "ALTER TABLE team RENAME COLUMN saying TO motto"
    assert.same({ "updated 1,2,3" }, poll())
  end)

  it("that fails at its first call does not begin", function()
    assert.has_error(function() Team.query:watch(function() error("at once", 0) end) end, "at once")
    collectgarbage()
    execute "UPDATE team SET name = 'a'"
    assert.equal(0, db:poll())
  end)

  it("may write: that is told in the next round, and rounds are bounded", function()
    local calls = 0
    local _ <close> = Team.query:filter_by{ id = 1 }:watch(function(rows, diff)
      calls = calls + 1
      if diff then
        rows[1].name = rows[1].name .. "+"
        session:commit()
      end
    end)
    local _ <close> = Team.query:filter_by{ id = 1 }:watch(note)
    execute "UPDATE team SET name = 'a' WHERE id = 1"
    assert.equal(20, db:poll())
    assert.equal(11, calls)
    assert.equal(20, db:poll())
    assert.equal(21, calls)
  end)

  it("may begin and end others", function()
    local inner
    local _ <close> = Team.query:watch(function()
      inner = inner or Player.query:watch(note)
    end)
    execute "UPDATE player SET score = 9 WHERE id = 11"
    assert.same({ "updated 1" }, poll())
    local victim
    local _ <close> = Team.query:watch(function() if victim then victim:close() end end)
    victim = Team.query:watch(note)
    execute "UPDATE team SET name = 'z'"
    told = {}
    assert.equal(2, db:poll()) -- the first and the second; the third was ended by the second
    assert.same({}, told)
  end)

  it("refuses what is no function, and poll where it cannot be", function()
    local function message(fn, ...) return select(2, pcall(fn, ...)).message end
    assert.equal("watch: expected a function, got nil (is the variable set?)", message(Team.query.watch, Team.query))
    assert.truthy(message(Team.query.watch, Team.query, note, { on_eror = print }):find("on_error", 1, true))
    assert.truthy(message(db.poll, db, 1):find("poll", 1, true))
    local _ <close> = Team.query:watch(function(_, diff) if diff then db:poll() end end)
    execute "UPDATE team SET name = 'a'"
    local _, err = pcall(db.poll, db)
    assert.equal("InvalidRequestError", err.kind)
    local within
    mr.event.listen(session, "before_flush", function() within = select(2, pcall(db.poll, db)) end)
    session:add(Team{ name = "n" })
    session:commit()
    assert.equal("InvalidRequestError", within.kind)
    assert.truthy(tostring(within):find("poll: it cannot be called by a listener", 1, true))
  end)
end)

describe("1,000 watches by key", function()
  it("read nothing but the row that was changed", function()
    local n = stressed and 20 or 1000
    local rows = {}
    for i = 1, n do rows[i] = { id = 1000 + i, name = "n" .. i, score = i } end
    session:execute(mr.insert(Player), rows)
    session:commit()
    local handles, calls = {}, 0
    for i = 1, n do
      handles[i] = Player.query:filter_by{ id = 1000 + i }:watch(function(_, diff)
        if diff then calls = calls + 1 end
      end)
    end
    execute("UPDATE player SET score = 0 WHERE id = " .. 1000 + n // 2)
    assert.equal(1, #db:record(function() assert.equal(1, db:poll()) end))
    assert.equal(1, calls)
    assert.equal(n, #handles)
  end)
end)

describe("poll", function()
  it("works again after a coroutine in which a function has yielded is gone", function()
    local calls, yields = 0, false
    local _ <close> = Player.query:watch(function()
      calls = calls + 1
      if yields then coroutine.yield() end
    end)
    session:add(Player{ name = "new" })
    session:commit()
    yields = true
    local thread = coroutine.create(function() db:poll() end)
    assert.is_true(coroutine.resume(thread))
    assert.has_error(function() db:poll() end)
    thread = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    yields = false
    session:add(Player{ name = "newer" })
    session:commit()
    assert.equal(1, db:poll())
    assert.equal(3, calls)
  end)

  it("tells once that the session of a watch is closed, and goes on with the others", function()
    local own, calls = mr.Session(db.engine), 0
    local ended = own:query(Player):watch(function() end)
    local _ <close> = Player.query:watch(function() calls = calls + 1 end)
    own:close()
    session:add(Player{ name = "new" })
    session:commit()
    local ok, err = pcall(db.poll, db)
    assert.is_false(ok)
    assert.matches("the session is closed", err.message, 1, true)
    assert.equal(2, calls)
    assert.matches("^<Watch %(closed%)", tostring(ended))
    session:add(Player{ name = "newer" })
    session:commit()
    assert.equal(1, db:poll())
    assert.equal(3, calls)
  end)
end)
