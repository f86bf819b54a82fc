-- post_update: foreign keys are written after their rows, by one UPDATE for each row, so that rows may refer to each
-- other.

local mr = require "moonrow"
local tree = require "spec.support.tree"
local refuse = require "spec.support.refuse"

local db

-- Flushes. Returns "UPDATE person favorite_id,owner_id x2" and the like for each statement.
local function writes()
  local list = {}
  for i, record in ipairs(db:record(function() db.session:flush() end)) do
    local verb, rest = record.statement:match "^(%u+) (.*)"
    local name = rest:match "^INTO (%S+)" or rest:match "FROM (%S+)" or rest:match "^%S+"
    local set = {}
    for column in (rest:match " SET (.*) WHERE" or ""):gmatch "([%w_]+)=" do set[#set + 1] = column end
    local n = type(record.parameters[1]) == "table" and #record.parameters or 1
    local columns = #set > 0 and " " .. table.concat(set, ",") or ""
    list[i] = verb .. " " .. name .. columns .. (n > 1 and " x" .. n or "")
  end
  return list
end

-- Declares a person with balls, one of which is the favorite.
local function people(balls, favorite)
  db = mr.open "sqlite://"
  balls, favorite = balls or {}, favorite or {}
  balls[1], balls.foreign_keys = "Ball", "Ball.person_id"
  favorite[1], favorite.foreign_keys = "Ball", "Person.favorite_id"
  local Ball = db.Model:extend("Ball", {
    id = db.Column{ db.Integer, primary_key = true },
    person_id = db.Column{ db.Integer, db.ForeignKey "person.id" },
  })
  local Person = db.Model:extend("Person", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20) },
    favorite_id = db.Column{ db.Integer, db.ForeignKey "ball.id" },
    balls = db.relationship(balls),
    favorite = db.relationship(favorite),
  })
  db:create_all()
  return Person, Ball
end

describe("post_update", function()
  it("writes the foreign keys of a row in one UPDATE, however many relationships write to it", function()
    db = mr.open "sqlite://"
    local body = { id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String(20) } }
    local children = {}
    for i = 1, 3 do
      local child = "Child" .. i
      body["c" .. i .. "_id"] = db.Column{ db.Integer, db.ForeignKey("child" .. i .. ".id") }
      body["all" .. i] = db.relationship{ child, foreign_keys = child .. ".parent_id" }
      body["c" .. i] = db.relationship{ child, foreign_keys = "Parent.c" .. i .. "_id", post_update = true }
      children[i] = db.Model:extend(child, {
        id = db.Column{ db.Integer, primary_key = true },
        parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id", nullable = false },
      })
    end
    local Parent = db.Model:extend("Parent", body)
    db:create_all()
    local p = Parent{}
    for i, Child in ipairs(children) do
      p["all" .. i] = { Child{}, Child{} }
      p["c" .. i] = p["all" .. i][2]
    end
    db.session:add(p)
    assert.same({ "INSERT parent", "INSERT child1 x2", "INSERT child2 x2", "INSERT child3 x2",
                  "UPDATE parent c1_id,c2_id,c3_id" }, writes())
    p.c1, p.c3, p.name = nil, p.all3[1], "p"
    assert.same({ "UPDATE parent name", "UPDATE parent c1_id,c3_id" }, writes())
    db.session:commit()
    assert.same({ nil, 2, 1 }, { p.c1_id, p.c2_id, p.c3_id })
  end)

  it("on the children of a deleted parent clears each once, whichever sides have it", function()
    local Person, Ball = people({ post_update = true, cascade = "all, delete-orphan", backref = "person" })
    local p = Person{ balls = { Ball{}, Ball{}, Ball{} } }
    p.favorite = p.balls[2]
    db.session:add(p)
    assert.same({ "INSERT ball x3", "INSERT person", "UPDATE ball person_id x3" }, writes())
    db.session:delete(p)
    assert.same({ "UPDATE ball person_id x3", "DELETE person", "DELETE ball x3" }, writes())
    db.session:commit()
    assert.equal(0, Ball.query:count())
  end)

  it("keeps a child that moves, also without the other side, also when its old parent is deleted", function()
    local Person, Ball = people{ post_update = true }
    local one, two, ball = Person{ name = "1" }, Person{ name = "2" }, Ball{}
    one.balls:append(ball)
    two.balls = {}
    db.session:add_all{ one, two }
    db.session:flush()
    one.balls:remove(ball)
    two.balls:append(ball)
    db.session:flush()
    assert.equal(two.id, ball.person_id)
    db.session:commit()
    assert.equal(two.id, ball.person_id)
    assert.same({ 0, 1 }, { #one.balls, #two.balls })
    two.balls:remove(ball)
    one.balls:append(ball)
    db.session:delete(two)
    db.session:commit()
    assert.equal(one.id, ball.person_id)
    one.balls:remove(ball)
    assert.same({ "UPDATE ball person_id" }, writes())
    assert.is_nil(ball.person_id)
  end)

  it("follows a many-to-one that changes, in one UPDATE", function()
    local Person, Ball = people({ post_update = true, backref = mr.backref{ "person", post_update = true } })
    local one, two, ball = Person{}, Person{}, Ball{}
    ball.person = one
    db.session:add_all{ one, two }
    assert.same({ "INSERT ball", "INSERT person x2", "UPDATE ball person_id" }, writes())
    ball.person = two
    assert.same({ "UPDATE ball person_id" }, writes())
    one.balls:append(ball)
    assert.same({ "UPDATE ball person_id" }, writes())
    db.session:commit()
    assert.equal(one, ball.person)
  end)

  it("brings the onupdate of the row's other columns with it, unless the program sets them", function()
    db = mr.open "sqlite://"
    local n = 0
    local Team = db.Model:extend("Team", {
      id = db.Column{ db.Integer, primary_key = true },
      captain_id = db.Column{ db.Integer, db.ForeignKey "player.id" },
      captain = db.relationship{ "Player", foreign_keys = "Team.captain_id", post_update = true },
      players = db.relationship{ "Player", foreign_keys = "Player.team_id" },
      changes = db.Column{ db.Integer, default = 0, onupdate = function() n = n + 1 return n end },
      server = db.Column{ db.Integer, onupdate = mr.func.abs(-5) },
    })
    local Player = db.Model:extend("Player", {
      id = db.Column{ db.Integer, primary_key = true },
      team_id = db.Column{ db.Integer, db.ForeignKey "team.id" },
    })
    db:create_all()
    local ann = Player{}
    local team = Team{ players = { ann }, captain = ann }
    db.session:add(team)
    assert.same({ "INSERT team", "INSERT player", "UPDATE team captain_id,changes,server" }, writes())
    assert.same({ 1, 5 }, { team.changes, team.server })
    local other = Team{ players = { Player{} }, changes = 50, server = 70 }
    other.captain = other.players[1]
    db.session:add(other)
    assert.same({ "INSERT team", "INSERT player", "UPDATE team captain_id" }, writes())
    assert.same({ 50, 70 }, { other.changes, other.server })
    db.session:delete(team)
    assert.same({ "UPDATE player team_id", "UPDATE team captain_id,changes,server", "DELETE team" }, writes())
    assert.same({ 1, 5 }, { team.changes, team.server })
  end)
end)

describe("rows that refer to each other in a cycle", function()
  it("are refused with the cure, when they are inserted and when they are deleted", function()
    local nodes, Node = tree()
    local a, b = Node{ name = "a" }, Node{ name = "b" }
    a.parent, b.parent = b, a
    nodes.session:add(a)
    refuse("InvalidRequestError", { "cycle", "Node", "node", "inserted", "post_update" },
      nodes.session.flush, nodes.session)
    nodes.session:rollback()
    a.parent, b.parent = nil, a
    nodes.session:add(a)
    nodes.session:commit()
    a.parent = b
    nodes.session:commit()
    nodes.session:delete(a)
    nodes.session:delete(b)
    refuse("InvalidRequestError", { "cycle", "Node", "deleted", "post_update" },
      nodes.session.flush, nodes.session)
    nodes.session:rollback()
    assert.equal(2, Node.query:count())
  end)
end)
