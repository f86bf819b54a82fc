-- Live queries on a PostgreSQL server: any commit, whoever made it, lets them look; equal rows are not told. It runs
-- where MOONROW_TEST_URL names a server.

local mr = require "moonrow"
local postgresql = require "spec.support.postgresql"

if not postgresql.url then
  pending "live queries on PostgreSQL: MOONROW_TEST_URL names no server"
  return
end

local db, session, Team, Player, told

before_each(function()
  db = mr.open(postgresql.url)
  Team = db.Model:extend("WatchTeam", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40) },
    players = db.relationship{ "WatchPlayer", back_populates = "team", order_by = "WatchPlayer.id" },
  })
  Player = db.Model:extend("WatchPlayer", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40) },
    team_id = db.Column{ db.Integer, db.ForeignKey "watch_team.id" },
    team = db.relationship{ "WatchTeam", back_populates = "players" },
  })
  db:drop_all()
  db:create_all()
  session = db.session
  for i = 1, 3 do session:add(Team{ id = i, name = "team " .. i, players = { Player{ id = i, name = "p" .. i } } }) end
  session:commit()
  told = {}
end)

after_each(function()
  session:rollback()
  db:drop_all()
end)

local function note(rows, diff)
  if not diff then return end
  local words = {}
  for _, kind in ipairs{ "removed", "inserted", "updated" } do
    if #diff[kind] > 0 then words[#words + 1] = kind .. " " .. table.concat(diff[kind], ",") end
  end
  told[#told + 1] = #rows .. ": " .. table.concat(words, " ")
end

local function poll()
  told = {}
  assert.equal(#told, 0)
  db:poll()
  return told
end

describe("the change log of PostgreSQL", function()
  it("tells that something was committed, and not what", function()
    local token = db:change_token()
    session:get(Team, 2).name = "x"
    session:commit()
    Team.query:all()
    session:rollback()
    session:delete(session:get(Player, 1))
    session:flush()
    session:rollback()
    local list = {}
    for change in db:changes_since(token) do
      list[#list + 1] = change.kind .. tostring(change.table) .. tostring(change.outside)
    end
    assert.same({ "unknownnilnil" }, list)
    assert.equal(token + 1, db:change_token())
  end)

  it("refuses the log in a table, and undo", function()
    local function message(fn, ...) return select(2, pcall(fn, ...)).message end
    assert.truthy(message(db.track, db, { Team }):find("track: the log needs an SQLite database", 1, true))
    assert.truthy(message(session.begin, session, function() end, { undo = "x" }):find("undo needs an SQLite", 1, true))
  end)
end)

describe("a live query of PostgreSQL", function()
  it("is told of commits of the session, of other connections, and of what is loaded eagerly", function()
    local _ <close> = Team.query:options(mr.selectinload(Team.players)):order_by(Team.id):watch(note)
    assert.same({}, poll())
    session:get(Team, 2).name = "x"
    session:flush()
    assert.same({}, poll())
    session:commit()
    assert.same({ "3: updated 2" }, poll())
    assert.same({}, poll())
    local there <close> = db.engine:connect()
    there:execute(mr.text "UPDATE watch_player SET name = 'far' WHERE id = 3")
    assert.same({}, poll()) -- not committed yet
    there:commit()
    assert.same({ "3: updated 3" }, poll())
    assert.same({}, poll())
  end)

  it("is not told of equal rows, nor of what was rolled back", function()
    local _ <close> = Team.query:watch(note)
    session:execute(mr.text "UPDATE watch_team SET name = name")
    session:commit()
    assert.same({}, poll())
    session:delete(session:get(Player, 1))
    session:flush()
    session:rollback()
    assert.same({}, poll())
  end)

  it("costs one statement where nothing was committed", function()
    local _ <close> = Team.query:watch(note)
    local w <close> = Player.query:watch(note)
    db:poll()
    assert.equal(1, #db:record(function() db:poll() end))
    w:close()
  end)

  it("sees a transaction that had begun before the last poll", function()
    local _ <close> = Team.query:order_by(Team.id):watch(note)
    local there <close> = db.engine:connect()
    there:execute(mr.text "INSERT INTO watch_team (id, name) VALUES (9, 'late')")
    session:get(Team, 1).name = "first"
    session:commit()
    assert.same({ "3: updated 1" }, poll())
    there:commit()
    assert.same({ "4: inserted 4" }, poll())
  end)

  it("has windows, too", function()
    local v <close> = Team.query:order_by(Team.id):window{ size = 2, on_change = note }
    assert.equal("team 3", v[3].name)
    local there <close> = db.engine:connect()
    there:execute(mr.text "DELETE FROM watch_player")
    there:execute(mr.text "DELETE FROM watch_team WHERE id = 1")
    there:execute(mr.text "UPDATE watch_team SET name = 'z' WHERE id = 3")
    there:commit()
    assert.same({ "2: removed 1 updated 2" }, poll())
    assert.equal("z", v[2].name)
  end)
end)
