-- Messages about what is written in another way here: the cure is in the message, and it works.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, s, Team, Member, Match

before_each(function()
  db = mr.open "sqlite://"
  s = db.session
  db.Table("team_member", db.Column("team_id", db.ForeignKey "team.id"),
    db.Column("member_id", db.ForeignKey "member.id"))
  Team = db.Model:extend("Team", {
    __tablename = "team",
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20) },
    members = db.relationship("Member", { secondary = "team_member", back_populates = "teams" }),
    games = db.relationship("Match", { back_populates = "home", foreign_keys = "Match.home_id" }),
    visits = db.relationship("Match", { foreign_keys = "Match.guest_id" }),
  })
  Member = db.Model:extend("Member", {
    __tablename = "member",
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20) },
    teams = db.relationship("Team", { secondary = "team_member", back_populates = "members" }),
  })
  Match = db.Model:extend("Match", {
    __tablename = "match",
    id = db.Column{ db.Integer, primary_key = true },
    day = db.Column{ db.Date },
    home_id = db.Column{ db.ForeignKey "team.id", nullable = false },
    guest_id = db.Column{ db.ForeignKey "team.id" },
    home = db.relationship("Team", { back_populates = "games", foreign_keys = "Match.home_id" }),
  })
  db:create_all()
end)

-- Asserts that the call is refused, with these words.
local function refused(words, fn, kind) return refuse(kind or "ArgumentError", words, fn) end

describe("a query", function()
  before_each(function()
    local red, blue = Team{ name = "red" }, Team{ name = "blue" }
    red.members:extend{ Member{ name = "Ann" }, Member{ name = "Bob" } }
    s:add_all{ red, blue, Match{ home = blue, day = mr.date(2024, 5, 1) } }
    s:commit()
  end)

  it("that joins to a class over a many-to-many is led to the relationship", function()
    local words = { "don't know how to join to Team", "join(Member.teams)" }
    refused(words, function() return Member.query:join(Team):all() end, "InvalidRequestError")
    refused(words, function() return Member.query:outerjoin(Team):all() end, "InvalidRequestError")
    refused("join(Team.members)", function()
      return s:query(Team.id, Team):join(Member):all()
    end, "InvalidRequestError")
    assert.equal(2, #Member.query:join(Member.teams):all())
    local e = refused("select_from", function() return Member.query:join(Match):all() end, "InvalidRequestError")
    assert.is_nil(e.message:find("name the relationship", 1, true))
  end)

  it("that counts, sorts or groups by a class is led to its key", function()
    refused({ "func.count", "write Member.id" }, function() return mr.func.count(Member) end)
    refused({ "group_by", "write Team.id" }, function() return Team.query:group_by(Team) end)
    refused({ "order_by", "write Team.id" }, function() return Team.query:order_by(Team) end)
    refused({ "filter", "write Team.id" }, function() return Team.query:filter(Team) end)
    assert.equal(2, s:query(mr.func.count(Member.id)):scalar())
  end)

  it("that counts, sorts or asks for a relationship is led to the join", function()
    refused({ "got Team.members", "join(Team.members)", "write Member.id" }, function()
      return mr.func.count(Team.members)
    end)
    refused({ "join(Match.home)", "write Team.id" }, function() return Match.query:order_by(Match.home) end)
    refused({ "join(Match.home)", "write Team.id" }, function() return Match.query:group_by(Match.home) end)
    local e = refused({ "query: ", "join(Match.home)", "write Team)" }, function() return s:query(Match.home) end)
    assert.is_nil(e.message:find("Team.id", 1, true))
    refused(":any(), :has()", function() return Match.query:filter(Match.home) end)
    local rows = s:query(Team.name, mr.func.count(Member.id)):join(Team.members):group_by(Team.id):all()
    assert.same({ "red", 2 }, { rows[1]:unpack() })
    assert.equal("blue", s:query(Match, Team):join(Match.home):first()[2].name)
  end)

  it("with a direction beside the column is led to the method", function()
    refused("write Member.name:desc()", function() return Member.query:order_by(Member.name, "desc") end)
    refused("write Member.name:asc()", function() return Member.query:order_by("name", "ASC") end)
    refused("write Member.id:desc()", function() return Member.query:order_by{ Member.name, Member.id, "desc" } end)
    local named = s:query(Member.id, Member.name:label "desc"):order_by(Member.id, "desc")
    assert.equal(2, #named:all())
    assert.equal("Bob", Member.query:order_by(Member.name:desc()):first().name)
  end)

  it("with a criterion in filter_by is led to filter", function()
    refused({ "filter_by: expected a table", "given to filter)" }, function()
      return Member.query:filter_by(Member.name:eq "Ann")
    end)
  end)

  it("with criteria in delete or update is led to filter_by, and changes nothing", function()
    refused("filter_by{ name = ... }:delete(", function() return Member.query:delete{ name = "Ann" } end)
    refused("filter(...):delete(", function() return Member.query:delete(Member.name:eq "Ann") end)
    refused("filter_by{ name = ... }:update(", function()
      return Member.query:update({ name = "Eve" }, { name = "Ann" })
    end)
    refused("unknown option 'naem' for delete", function() return Member.query:delete{ naem = "Ann" } end)
    assert.equal(2, Member.query:count())
    assert.equal(0, Member.query:filter_by{ name = "Eve" }:delete{ synchronize_session = false })
    assert.equal(1, Match.query:filter_by{ id = 1 }:delete())
  end)
end)

describe("a part of a date", function()
  it("is named as it is spelled", function()
    refused({ "'years'", "did you mean 'year'?" }, function() return tostring(mr.extract("years", Match.day)) end)
    refused("did you mean 'minute'?", function() return tostring(mr.extract("minutes", Match.day)) end)
    local e = refused("no field 'century'", function() return tostring(mr.extract("century", Match.day)) end)
    assert.is_nil(e.message:find("did you mean", 1, true))
  end)

  it("is taken by extract, not by a function or a method", function()
    local cure = 'mr.extract("year", x)'
    refused({ "no such function: year", cure }, function()
      return s:query(mr.func.year(Match.day)):all()
    end, "OperationalError")
    refused({ "no such function: MONTH", cure }, function()
      return s:query(mr.func.MONTH(Match.day)):all()
    end, "OperationalError")
    refused({ "'year'", cure }, function() return Match.day.year end)
    refused({ "'month'", cure }, function() return Match.day:month() end)
    local e = refused("no such function: unheard", function() return s:query(mr.func.unheard(1)):all() end,
      "OperationalError")
    assert.is_nil(e.message:find("extract", 1, true))
  end)
end)

describe("a table", function()
  it("with columns by name is led to the list", function()
    refused('Column("id", ...)', function() return db.Table("t", { id = db.Column{ db.Integer } }) end)
    refused('Column("id", ...)', function() return db.Table{ "t", id = db.Column{ db.Integer } } end)
    refused("unknown option 'id' for Table", function() return db.Table("t", { id = 1 }) end)
  end)
end)

describe("the module", function()
  it("leads to the session's methods", function()
    refused("db.session:query(...)", function() return mr.query(Member) end)
    refused("db.session:commit(...)", function() return mr.commit() end)
  end)
end)

describe("a key that must not be NULL", function()
  local NOT_NULL = "NOT NULL constraint failed: match.home_id"
  local words = { NOT_NULL, "<Match 1>", "home_id is cleared", "Team.games", 'cascade = "all, delete-orphan"' }
  local team

  before_each(function()
    team = Team{ name = "red", games = { Match{} } }
    s:add(team)
    s:commit()
  end)

  local function commit_fails(named)
    local e = refuse("IntegrityError", named, s.commit, s)
    s:rollback()
    return e
  end

  it("and is cleared since its parent is deleted is told so, with the cure", function()
    s:delete(team)
    commit_fails(words)
  end)

  it("and is cleared since its object left the collection is told so", function()
    team.games:remove(team.games[1])
    commit_fails(words)
    team.games = {}
    commit_fails(words)
    team.games[1].home = nil
    commit_fails(words)
  end)

  it("and is wanting for another reason is not", function()
    s:add(Match{})
    assert.is_nil(commit_fails(NOT_NULL).message:find("is cleared", 1, true))
    s:get(Match, 1).home_id = mr.null
    assert.is_nil(commit_fails(NOT_NULL).message:find("is cleared", 1, true))
  end)
end)
