-- game.lua: players of teams, with skills and badges, for specs in which several sessions or processes use one
-- database.

local mr = require "moonrow"
local process = require "spec.support.process"

local M = {}

--- Opens the database of the URL: { db, Team, Player, Skill, Badge, Profile }. create: makes its tables and rows: team
--- 1 "red" with the players 1 (gold 3) and 2 (gold 7), team 2 "blue" without players; player 1 has the skills 1 "run"
--- and 2 "dig".
function M.open(url, create)
  local db = mr.open(url, { busy_timeout = 2000 })
  local m = { db = db }
  m.player_badge = db.Table("player_badge",
    db.Column{ "player_id", db.Integer, db.ForeignKey "player.id", primary_key = true },
    db.Column{ "badge_id", db.Integer, db.ForeignKey "badge.id", primary_key = true })
  m.Team = db.Model:extend("Team", {
    id      = db.Column{ db.Integer, primary_key = true },
    name    = db.Column{ db.String(20) },
    players = db.relationship{ "Player", back_populates = "team", order_by = "Player.id" },
  })
  m.Player = db.Model:extend("Player", {
    id      = db.Column{ db.Integer, primary_key = true },
    name    = db.Column{ db.String(20) },
    gold    = db.Column{ db.Integer },
    notes   = db.deferred(db.Column{ db.Text }),
    team_id = db.Column{ db.Integer, db.ForeignKey "team.id" },
    team    = db.relationship{ "Team", back_populates = "players" },
    skills  = db.relationship{ "Skill", back_populates = "player", order_by = "Skill.id" },
    badges  = db.relationship{ "Badge", secondary = m.player_badge, order_by = "Badge.id" },
    profile = db.relationship{ "Profile", back_populates = "player", uselist = false },
  })
  m.Skill = db.Model:extend("Skill", {
    id        = db.Column{ db.Integer, primary_key = true },
    name      = db.Column{ db.String(20) },
    player_id = db.Column{ db.Integer, db.ForeignKey "player.id" },
    player    = db.relationship{ "Player", back_populates = "skills" },
  })
  m.Badge = db.Model:extend("Badge", {
    id   = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20) },
  })
  m.Profile = db.Model:extend("Profile", {
    id        = db.Column{ db.Integer, primary_key = true },
    text      = db.Column{ db.String(20) },
    player_id = db.Column{ db.Integer, db.ForeignKey "player.id" },
    player    = db.relationship{ "Player", back_populates = "profile" },
  })
  if not create then return m end
  db:create_all()
  local s = db.session
  s:add_all{ m.Team{ id = 1, name = "red" }, m.Team{ id = 2, name = "blue" } }
  s:flush()
  s:add_all{
    m.Player{ id = 1, name = "ann", gold = 3, notes = "first", team_id = 1 },
    m.Player{ id = 2, name = "bob", gold = 7, notes = "second", team_id = 1 },
  }
  s:flush()
  s:add_all{ m.Skill{ id = 1, name = "run", player_id = 1 }, m.Skill{ id = 2, name = "dig", player_id = 1 } }
  s:add_all{ m.Badge{ id = 1, name = "star" }, m.Badge{ id = 2, name = "moon" } }
  s:add(m.Profile{ id = 1, text = "hi", player_id = 1 })
  s:get(m.Player, 1).badges = { s:get(m.Badge, 1) }
  s:commit()
  s:remove()
  return m
end

--- The same with rows, a session of its own (session), and a function that closes and removes all (close). where:
--- "in memory", or the options of a URL for a file of its own: "", "?journal_mode=wal".
function M.with_session(where)
  local path = os.tmpname()
  local m = M.open(where == "in memory" and "sqlite://" or "sqlite:///" .. path .. where, true)
  m.session = mr.Session(m.db.engine)
  function m.close()
    m.session:close()
    m.db.session:remove()
    process.remove(path)
  end
  return m
end

return M
