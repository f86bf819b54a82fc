-- What commits have changed: db:changes_since(token). Whoever writes: the unit of work, statements for many rows, text,
-- cascades and triggers of the database. What was rolled back is not told.

local mr = require "moonrow"

local db, Team, Player, Badge, token

before_each(function()
  db = mr.open "sqlite://"
  Team = db.Model:extend("Team", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40), unique = true },
    players = db.relationship{ "Player", back_populates = "team", passive_deletes = true },
  })
  Player = db.Model:extend("Player", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ "called", db.String(40) },
    score = db.Column{ db.Float },
    born = db.Column{ db.Date },
    team_id = db.Column{ db.Integer, db.ForeignKey("team.id", { ondelete = "CASCADE" }) },
    team = db.relationship{ "Team", back_populates = "players" },
    badges = db.relationship{ "Badge", secondary = "player_badge" },
  })
  Badge = db.Model:extend("Badge", { id = db.Column{ db.Integer, primary_key = true } })
  db.Table("player_badge",
    db.Column{ "player_id", db.Integer, db.ForeignKey "player.id", primary_key = true },
    db.Column{ "badge_id", db.Integer, db.ForeignKey "badge.id", primary_key = true })
  db:create_all()
  token = db:change_token()
end)

local function show(values)
  if not values then return "" end
  local list = {}
  for name, value in pairs(values) do
    list[#list + 1] = name .. "=" .. (value == mr.null and "null" or tostring(value))
  end
  table.sort(list)
  return "{" .. table.concat(list, " ") .. "}"
end

-- What was committed since the last call, a line for each row.
local function since()
  local list = {}
  for change in db:changes_since(token) do
    token = change.token
    local key = type(change.key) == "table" and table.concat(change.key, ",") or tostring(change.key)
    local old, new = show(change.old), show(change.new)
    local row = change.class and tostring(change.class) or change.table
    list[#list + 1] = string.format("%s %s %s%s%s%s%s%s", change.kind, row, key, old ~= "" and " " or "", old,
      new ~= "" and " " or "", new, change.caused and " caused" or "")
  end
  return list
end

local function execute(sql, params) db.session:execute(mr.text(sql), params) end

describe("changes_since tells", function()
  it("the rows that a flush has written, with their values, and links", function()
    assert.equal(0, token)
    local ann = Player{ name = "Ann", score = 5, born = mr.date(2000, 2, 29) }
    db.session:add(ann)
    db.session:commit()
    assert.same({ "insert <class Player> 1 {born=2000-02-29 id=1 name=Ann score=5.0 team_id=null}" }, since())
    ann.name, ann.score = "Anna", 6
    ann.team = Team{ name = "red" }
    db.session:commit()
    assert.same({
      "insert <class Team> 1 {id=1 name=red}",
      "update <class Player> 1 {name=Ann score=5.0 team_id=null} {name=Anna score=6.0 team_id=1}",
    }, since())
    db.session:delete(ann)
    db.session:commit()
    assert.same({ "delete <class Player> 1 {born=2000-02-29 id=1 name=Anna score=6.0 team_id=1}" }, since())
  end)

  it("the rows of link tables", function()
    local ann, badge = Player{ name = "Ann" }, Badge{ id = 7 }
    db.session:add_all{ ann, badge }
    db.session:commit()
    since()
    ann.badges:append(badge)
    db.session:commit()
    assert.same({ "insert player_badge 1,7 {badge_id=7 player_id=1}" }, since())
    ann.badges:clear()
    db.session:commit()
    assert.same({ "delete player_badge 1,7 {badge_id=7 player_id=1}" }, since())
  end)

  it("what statements for many rows and text write", function()
    db.session:execute(mr.insert(Team), { { name = "red" }, { name = "blue" } })
    db.session:commit()
    assert.same({ "insert <class Team> 1 {id=1 name=red}", "insert <class Team> 2 {id=2 name=blue}" }, since())
    Team.query:filter(Team.name:eq "red"):update{ name = "RED" }
    execute("UPDATE team SET name = 'BLUE' WHERE name = :n", { n = "blue" })
    db.session:commit()
    assert.same({ "update <class Team> 1 {name=red} {name=RED}", "update <class Team> 2 {name=blue} {name=BLUE}" },
      since())
    db.session:execute(mr.insert(Team):values{ id = 1, name = "one" }:on_conflict_do_update{
      index_elements = { Team.id }, set = { name = "one" } })
    Team.query:filter(Team.id:eq(2)):delete()
    db.session:commit()
    assert.same({ "update <class Team> 1 {name=RED} {name=one}", "delete <class Team> 2 {id=2 name=BLUE}" }, since())
  end)

  it("cascades of the database and triggers, which are marked", function()
    execute "CREATE TABLE log (what TEXT)"
    execute "CREATE TRIGGER noted AFTER DELETE ON player BEGIN INSERT INTO log VALUES (old.called); END"
    local red = Team{ name = "red" }
    red.players = { Player{ name = "Ann" } }
    db.session:add(red)
    db.session:commit()
    since()
    db.session:delete(red)
    db.session:commit()
    local told = since()
    table.sort(told)
    assert.same({
      "delete <class Player> 1 {born=null id=1 name=Ann score=null team_id=1} caused",
      "delete <class Team> 1 {id=1 name=red}",
      "insert log nil {what=Ann} caused",
    }, told)
  end)

  it("rows that REPLACE deletes, and a changed key", function()
    execute "INSERT INTO team VALUES (1, 'red'), (2, 'blue')"
    db.session:commit()
    since()
    execute "INSERT OR REPLACE INTO team VALUES (3, 'red')"
    execute "UPDATE team SET id = 9 WHERE id = 2"
    db.session:commit()
    assert.same({ "delete <class Team> 1 {id=1 name=red}", "insert <class Team> 3 {id=3 name=red}",
      "update <class Team> 9 {id=2} {id=9}" }, since())
  end)

  it("each row of a DELETE that was prepared before recording began", function()
    db:forget_changes()
    execute "INSERT INTO team VALUES (1, 'red'), (2, 'blue')"
    execute "DELETE FROM team"
    execute "INSERT INTO team VALUES (1, 'red'), (2, 'blue')"
    token = db:change_token()
    assert.equal(0, token)
    execute "DELETE FROM team"
    db.session:commit()
    assert.same({ "delete <class Team> 1 {id=1 name=red}", "delete <class Team> 2 {id=2 name=blue}" }, since())
  end)

  it("the session and the time of the commit", function()
    local before = mr.now()
    db.session:add(Team{ name = "red" })
    db.session:commit()
    local other <close> = mr.Session(db.engine)
    other:add(Team{ name = "blue" })
    other:commit()
    local sessions = {}
    for change in db:changes_since(token) do
      sessions[#sessions + 1] = change.session
      assert.is_true(change.when >= before and change.when <= mr.now())
    end
    assert.equal(2, #sessions)
    assert.equal(other, sessions[2])
    assert.not_equal(other, sessions[1])
  end)

  it("what connections commit, with and without a transaction", function()
    db.engine:begin(function(connection) connection:execute(mr.text "INSERT INTO team VALUES (1, 'red')") end)
    local connection <close> = db.engine:connect{ isolation_level = "AUTOCOMMIT" }
    connection:execute(mr.text "INSERT INTO team VALUES (2, 'blue')")
    connection:execute(mr.text "UPDATE team SET name = 'x' WHERE id = 2")
    assert.same({ "insert <class Team> 1 {id=1 name=red}", "insert <class Team> 2 {id=2 name=blue}",
      "update <class Team> 2 {name=blue} {name=x}" }, since())
    assert.equal(3, token)
    for change in db:changes_since(2) do assert.is_nil(change.session) end
  end)
end)

describe("changes_since does not tell", function()
  local function add(name) db.session:add(Team{ name = name }) end

  it("what was rolled back, wholly or to a savepoint", function()
    add "red"
    db.session:flush()
    db.session:rollback()
    assert.same({}, since())
    add "blue"
    pcall(function()
      db.session:begin_nested(function()
        add "green"
        db.session:flush()
        error "no"
      end)
    end)
    db.session:begin_nested(function() add "white" end)
    db.session:commit()
    assert.same({ "insert <class Team> 1 {id=1 name=blue}", "insert <class Team> 2 {id=2 name=white}" }, since())
  end)

  it("what a statement has written that failed", function()
    execute "INSERT INTO team VALUES (1, 'red')"
    local sql = "INSERT INTO team VALUES (5, 'x'), (6, 'red')"
    assert.has_error(function() execute(sql) end)
    assert.has_error(function() execute((sql:gsub("INTO", "OR FAIL INTO", 1))) end)
    assert.has_error(function() execute(sql) end)
    db.session:commit()
    assert.same({ "insert <class Team> 1 {id=1 name=red}", "insert <class Team> 5 {id=5 name=x}" }, since())
  end)

  it("what the database has rolled back by itself", function()
    execute "INSERT INTO team VALUES (1, 'red')"
    assert.has_error(function() execute "INSERT OR ROLLBACK INTO team VALUES (2, 'blue'), (3, 'red')" end)
    db.session:rollback()
    add "green"
    db.session:commit()
    assert.same({ "insert <class Team> 1 {id=1 name=green}" }, since())
  end)

  it("an UPDATE that leaves its row as it was, nor a commit without changes", function()
    execute "INSERT INTO team VALUES (1, 'red')"
    db.session:commit()
    since()
    execute "UPDATE team SET name = 'red'"
    execute "DELETE FROM team WHERE id = 7"
    db.session:commit()
    assert.same({}, since())
    assert.equal(1, db:change_token())
  end)

  it("what was committed before recording began, or after it was ended", function()
    db:forget_changes()
    add "red"
    db.session:commit()
    token = db:change_token()
    assert.same({}, since())
    add "blue"
    db.session:commit()
    assert.equal(1, #since())
    db:forget_changes()
    add "green"
    db.session:commit()
    token = 0
    assert.same({}, since())
  end)
end)

describe("values are told as they are stored:", function()
  local function written(definition, ...)
    execute(definition)
    for _, sql in ipairs{ ... } do execute(sql) end
    db.session:commit()
    return since()
  end

  it("columns that the database computes", function()
    assert.same({ "insert t nil {a=1 s=2 z=zed}", "update t nil {a=1 s=2} {a=2 s=3}", "delete t nil {a=2 s=3 z=zed}" },
      written("CREATE TABLE t (g AS (a * 10) VIRTUAL, a INTEGER, s AS (a + 1) STORED, h AS (a) VIRTUAL, z)",
        "INSERT INTO t (a, z) VALUES (1, 'zed')", "UPDATE t SET a = 2", "DELETE FROM t"))
  end)

  it("whole numbers in a column of floats", function()
    assert.same({ "insert t nil {r=5.0}", "delete t nil {r=5.0}" },
      written("CREATE TABLE t (r REAL)", "INSERT INTO t VALUES (5)", "DELETE FROM t"))
  end)

  it("the default of a column that was added later", function()
    assert.same({ "insert t 1 {id=1}" }, written("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)"))
    assert.same({ "update t 2 {id=1} {id=2}", "delete t 2 {d=42 e=it's id=2}" },
      written("ALTER TABLE t ADD COLUMN d INTEGER NOT NULL DEFAULT 42",
        "ALTER TABLE t ADD COLUMN e TEXT NOT NULL DEFAULT 'it''s'", "UPDATE t SET id = 2", "DELETE FROM t"))
  end)

  it("texts with zero bytes, blobs, and tables without row numbers", function()
    assert.same({ "insert t a\0b,1 {b=\1\2 k=a\0b n=1}", "update t a\0b,1 {b=\1\2} {b=}" },
      written("CREATE TABLE t (k TEXT, n INTEGER, b BLOB, PRIMARY KEY (k, n)) WITHOUT ROWID",
        "INSERT INTO t VALUES (CAST(x'610062' AS TEXT), 1, x'0102')", "UPDATE t SET b = x''"))
  end)
end)

it("the rows of an object of a joined class belong to that class, in each of its tables", function()
  local Animal = db.Model:extend("Animal", { id = db.Column{ db.Integer, primary_key = true },
    kind = db.Column{ db.String(10) }, __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "animal" } })
  local Dog = Animal:extend("Dog", { id = db.Column{ db.Integer, db.ForeignKey "animal.id", primary_key = true },
    bark = db.Column{ db.Text }, __mapper_args = { polymorphic_identity = "dog" } })
  local Cat = Animal:extend("Cat", { __mapper_args = { polymorphic_identity = "cat" } })
  db:create_all()
  db.session:add_all{ Dog{ bark = "wow" }, Cat{} }
  db.session:commit()
  local told = since()
  table.sort(told)
  assert.same({ "insert <class Cat> 2 {id=2 kind=cat}", "insert <class Dog> 1 {bark=wow id=1}",
    "insert <class Dog> 1 {id=1 kind=dog}" }, told)
end)

it("a token that is too old is refused, and mistakes name their cure", function()
  local function message(...)
    local ok, err = pcall(db.changes_since, db, ...)
    assert.is_false(ok)
    return tostring(err)
  end
  assert.matches("changes_since: expected a token, as db:change_token%(%) and each change have one, got nil",
    message(nil))
  assert.matches("got number %-1", message(-1))
  for i = 1, 4 do
    db.session:add(Team{ name = tostring(i) })
    execute("INSERT INTO badge VALUES (:i)", { i = i })
    execute "CREATE TABLE IF NOT EXISTS large (t TEXT)"
    execute "INSERT INTO large VALUES (hex(zeroblob(3000000)))"
    db.session:commit()
  end
  local ok, err = pcall(db:changes_since(0))
  assert.is_false(ok)
  assert.matches("InvalidRequestError: changes_since: what was changed after token 0 is not in memory any more %(the"
    .. " oldest that is has 3%): read the rows again, and go on from db:change_token%(%)", tostring(err))
  local next_change = db:changes_since(2)
  assert.equal(3, next_change().token)
end)

describe("a database that does not tell its rows", function()
  it("has one unknown change for each transaction", function()
    local deaf = mr.open "mock+sqlite://"
    local Thing = deaf.Model:extend("Thing", {
      id = deaf.Column{ deaf.Integer, primary_key = true },
      n = deaf.Column{ deaf.Integer },
    })
    local from = deaf:change_token()
    deaf.session:add(Thing{ id = 1, n = 2 })
    deaf.session:commit()
    local list = {}
    for change in deaf:changes_since(from) do
      list[#list + 1] = { change.kind, change.table, change.outside, change.session == deaf.session() }
    end
    assert.same({ { "unknown", nil, nil, true } }, list)
  end)
end)
