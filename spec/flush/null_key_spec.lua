-- Tables of other programs, whose primary keys may be NULL. A key that is NULL in part makes an object like any other;
-- a key that is NULL as a whole makes none.

local mr = require "moonrow"
local support = require "spec.support.models"

local db, warned

local function sent(fn) return support.statements(db, fn) end

local function run(...) support.run(db, ...) end

local real_warn = warn
before_each(function()
  warned = {}
  db = mr.open "sqlite://"
  rawset(_G, "warn", function(text) warned[#warned + 1] = text end)
end)
after_each(function() rawset(_G, "warn", real_warn) end)

local values = support.values

describe("a row whose whole key is NULL", function()
  local Team, Player

  -- All players but one belong to team 1; two have no key.
  local function open(lazy)
    run("CREATE TABLE team (id INTEGER PRIMARY KEY, name TEXT)",
      "CREATE TABLE player (code VARCHAR(5) PRIMARY KEY, name TEXT, team_id INTEGER)",
      "INSERT INTO team VALUES (1, 'red'), (2, 'blue')",
      [[INSERT INTO player VALUES (NULL, 'nobody', 1), ('a', 'ann', 1), ('b', 'bob', 1), (NULL, 'none', 1),
        ('c', 'cy', 2)]])
    Team = db.Model:extend("Team", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.Text },
      players = db.relationship{ "Player", order_by = "Player.name", lazy = lazy or "select", backref = "team" },
    })
    Player = db.Model:extend("Player", {
      code = db.Column{ db.String(5), primary_key = true },
      name = db.Column{ db.Text },
      team_id = db.Column{ db.Integer, db.ForeignKey "team.id" },
    })
  end

  for _, lazy in ipairs{ "select", "joined", "selectin", "subquery", "immediate" } do
    it("is in no collection loaded by lazy = '" .. lazy .. "'", function()
      open(lazy)
      local red = Team.query:filter_by{ name = "red" }:one()
      assert.same({ "ann", "bob" }, values(red.players, "name"))
      db.session:expire(red)
      assert.same({ "ann", "bob" }, values(red.players, "name"))
      assert.equal(1, #warned)
    end)
  end

  it("is in no collection that contains_eager fills, and in no limited query with a joined collection", function()
    open()
    local q = Team.query:join(Team.players):options(mr.contains_eager(Team.players)):order_by(Player.name)
    assert.same({ "ann", "bob" }, values(q:all()[1].players, "name"))
    db.session:expunge_all()
    local red = Team.query:options(mr.joinedload(Team.players)):order_by(Team.name:desc()):limit(1):all()[1]
    assert.same({ "ann", "bob" }, values(red.players, "name"))
  end)

  it("is left out of lists, and warned of once, with a cure that works", function()
    open()
    assert.same({ "ann", "bob", "cy" }, values(Player.query:order_by(Player.name):all(), "name"))
    assert.same({ "ann", "bob", "cy" }, values(Player.query:order_by(Player.name):all(), "name"))
    local seen = {}
    for player in Player.query:order_by(Player.name):yield_per(2):iter() do seen[#seen + 1] = player.name end
    assert.same({ "ann", "bob", "cy" }, seen)
    assert.equal(1, #warned)
    assert.matches("Player: rows of table 'player' without a primary key %(code is NULL%) are left out", warned[1])

    local cure = warned[1]:match "(_rowid = Column{.-})"
    local body = load("local Column, Integer = ... return { " .. cure .. " }")(db.Column, db.Integer)
    body.__tablename = "player"
    body.code, body.name = db.Column{ db.String(5) }, db.Column{ db.Text }
    local Row = mr.declarative_base():extend("Row", body)
    local s = mr.Session(db.engine)
    assert.equal(5, s:query(Row):count())
    local nobody = s:query(Row):filter_by{ name = "nobody" }:one()
    nobody.name = "somebody"
    local new = Row{ name = "new" }
    s:add(new)
    s:commit()
    assert.equal(nobody, s:get(Row, nobody._rowid))
    assert.same({ "somebody", "new" }, { nobody.name, s:get(Row, new._rowid).name })
    s:delete(nobody)
    s:commit()
    assert.equal(5, s:query(Row):count())
    assert.equal(1, #warned)
    s:close()
  end)

  it("is not counted", function()
    open()
    assert.same({ "SELECT count(*) AS count_1 FROM (SELECT player.code AS player_code, player.name AS player_name, "
      .. "player.team_id AS player_team_id FROM player WHERE player.code IS NOT NULL) AS anon_1" },
      sent(function() assert.equal(3, Player.query:count()) end))
    assert.equal(2, Player.query:filter_by{ team_id = 1 }:count())
    assert.equal(2, Player.query:join(Player.team):filter(Team.name:eq "red"):count())
    assert.equal(3, Player.query:outerjoin(Player.team):count())
    assert.equal(2, Player.query:with_parent(db.session:get(Team, 1)):count())
    local page = Player.query:order_by(Player.name):paginate{ page = 1, per_page = 2 }
    assert.same({ 3, "ann", "bob" }, { page.total, page.items[1].name, page.items[2].name })
  end)

  it("takes no place of a limit", function()
    open()
    local q = Player.query:order_by(Player.name:desc())
    assert.equal("cy", q:first().name)
    assert.same({ "cy", "bob" }, values(q:limit(2):all(), "name"))
    assert.same({ "ann" }, values(q:limit(2):offset(2):all(), "name"))
    assert.has_error(function() q:filter(Player.name:like "no%"):one() end)
    assert.is_nil(q:filter(Player.name:like "no%"):first())
    assert.equal("cy", q:filter(Player.name:in_{ "nobody", "cy" }):one().name)
  end)

  it("is none of what a deleted parent brings along or clears", function()
    open()
    local red = db.session:get(Team, 1)
    db.session:delete(red)
    db.session:flush()
    assert.equal(3, db.session:query(mr.func.count()):select_from(Player):filter(Player.team_id:is_(nil)):scalar()
      + db.session:query(mr.func.count()):select_from(Player):filter(Player.team_id:eq(2)):scalar())
  end)

  it("has a place of its own where a row has other objects, too", function()
    open()
    local rows = db.session:query(Team, Player):join(Team.players):order_by(Player.name):all()
    assert.equal(5, #rows)
    assert.same({ "ann", nil, "red" }, { rows[1][2].name, rows[4][2], rows[4][1].name })
    assert.equal(1, #warned)
  end)

  it("differs from what an outer join does not find", function()
    open()
    run "DELETE FROM player WHERE team_id = 2 OR code IS NULL"
    local rows = db.session:query(Team, Player):outerjoin(Team.players):order_by(Team.id, Player.name):all()
    assert.same({ "ann", "bob", nil, "blue" }, { rows[1][2].name, rows[2][2].name, rows[3][2], rows[3][1].name })
    assert.same({}, warned)
  end)

  it("leaves tables alone that cannot have such rows", function()
    open()
    assert.same({ "SELECT count(*) AS count_1 FROM "
      .. "(SELECT team.id AS team_id, team.name AS team_name FROM team) AS anon_1" },
      sent(function() assert.equal(2, Team.query:count()) end))
  end)
end)

describe("a row whose key is NULL in part", function()
  local Part, Piece

  local function open(more)
    run("CREATE TABLE part (a INTEGER, b VARCHAR(5), v TEXT, PRIMARY KEY (a, b))",
      "CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT)",
      "CREATE TABLE part_tag (a INTEGER, b VARCHAR(5), tag_id INTEGER)",
      "INSERT INTO part VALUES (1, NULL, 'x'), (1, 'b', 'y'), (NULL, 'c', 'z')",
      "INSERT INTO tag VALUES (1, 'red')",
      "INSERT INTO part_tag VALUES (1, 'b', 1), (1, NULL, 1)")
    Part = db.Model:extend("Part", {
      a = db.Column{ db.Integer, primary_key = true, autoincrement = false },
      b = db.Column{ db.String(5), primary_key = true },
      v = db.Column{ db.Text },
      tags = more and db.relationship{ "Tag", secondary = "part_tag" },
      notes = more and db.relationship{ "Note", primaryjoin = function() return Part.v:eq(more.v) end,
                                        foreign_keys = function() return more.v end, viewonly = true },
    })
  end

  local function part(v) return Part.query:filter_by{ v = v }:one() end

  it("is an object: in lists, counted, and with an identity", function()
    open()
    local all = Part.query:order_by(Part.v):all()
    assert.same({ "x", "y", "z" }, values(all, "v"))
    assert.equal(3, Part.query:count())
    assert.same({ 1, mr.null }, mr.inspect(all[1]).identity)
    assert.equal("<Part (1, nil)>", tostring(all[1]))
    assert.equal(all[3], part "z")
    assert.same({}, warned)
  end)

  it("is found by get, refreshed, expired and read again, compared by IS", function()
    open()
    local x
    local select = "SELECT part.a AS part_a, part.b AS part_b, part.v AS part_v FROM part "
    local by_key = select .. "WHERE part.a IS ? AND part.b IS ?"
    assert.same({ by_key }, sent(function() x = db.session:get(Part, { 1, mr.null }) end))
    assert.equal("x", x.v)
    assert.same({}, sent(function() assert.equal(x, db.session:get(Part, { a = 1, b = mr.null })) end))
    assert.same({ by_key }, sent(function() db.session:refresh(x) end))
    db.session:expire(x)
    assert.same({ by_key }, sent(function() assert.equal("x", x.v) end))
    db.session:expire(x, { "v" })
    assert.same({ "SELECT part.v AS part_v FROM part WHERE part.a IS ? AND part.b IS ?" },
      sent(function() assert.equal("x", x.v) end))
    assert.is_nil(db.session:get(Part, { 2, mr.null }))
    assert.is_nil(db.session:get(Part, { mr.null, mr.null }))
    assert.same({ select .. "WHERE part.a = ? AND part.b = ?" },
      sent(function() assert.equal("y", db.session:get(Part, { 1, "b" }).v) end))
  end)

  it("is updated and deleted by IS, beside rows whose keys are whole", function()
    open()
    local x, y, z = part "x", part "y", part "z"
    x.v, y.v, z.v = "X", "Y", "Z"
    local update = "UPDATE part SET v=? WHERE part.a %s ? AND part.b %s ?"
    local texts = sent(function() db.session:commit() end)
    table.sort(texts)
    local whole, partly = update:format("=", "="), update:format("IS", "IS")
    assert.equal(whole, texts[1])
    assert.equal(partly, texts[2])
    assert.same({ "X", "Y", "Z" }, values(Part.query:order_by(Part.v):all(), "v"))
    db.session:delete(x)
    assert.same({ "DELETE FROM part WHERE part.a IS ? AND part.b IS ?" }, sent(function() db.session:commit() end))
    assert.same({ "Y", "Z" }, values(Part.query:order_by(Part.v):all(), "v"))
    z.a = 7
    db.session:commit()
    assert.same({ 7, "c" }, mr.inspect(z).identity)
    assert.equal("Z", db.session:get(Part, { 7, "c" }).v)
  end)

  it("comes back with a rollback, and gets a whole key that a rollback takes", function()
    open()
    local x = part "x"
    x.b = "new"
    db.session:flush()
    assert.equal(x, db.session:get(Part, { 1, "new" }))
    db.session:rollback()
    assert.equal(x, db.session:get(Part, { 1, mr.null }))
    db.session:delete(x)
    db.session:flush()
    db.session:rollback()
    assert.equal(x, part "x")
    x.a = nil
    assert.has_error(function() db.session:flush() end)
    db.session:rollback()
    assert.equal(1, x.a)
  end)

  it("is merged, and its object detached and attached again", function()
    open()
    local x = part "x"
    db.session:expunge(x)
    x.v = "other"
    local merged = db.session:merge(x)
    assert.are_not.equal(x, merged)
    db.session:commit()
    assert.equal("other", merged.v)
    assert.equal(merged, db.session:get(Part, { 1, mr.null }))
    assert.equal(merged, db.session:merge(Part{ a = 1, b = mr.null, v = "third" }))
    db.session:commit()
    assert.equal("third", merged.v)
  end)

  it("has no children by a foreign key, and its link rows are none of its, whatever the strategy", function()
    local more = {}
    open(more)
    run("CREATE TABLE piece (id INTEGER PRIMARY KEY, a INTEGER, b VARCHAR(5))",
      "INSERT INTO piece VALUES (1, 1, 'b'), (2, 1, NULL), (3, NULL, 'c')")
    Piece = db.Model:extend("Piece", {
      id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ db.Integer },
      b = db.Column{ db.String(5) },
      __table_args = { db.ForeignKeyConstraint({ "a", "b" }, { "part.a", "part.b" }) },
      part = db.relationship{ "Part", backref = "pieces" },
    })
    local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
    local Note = db.Model:extend("Note", { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ db.Text } })
    more.v = Note.v
    db.Table("part_tag", db.metadata,
      db.Column("a", db.Integer), db.Column("b", db.String(5)), db.Column("tag_id", db.Integer, db.ForeignKey "tag.id"),
      db.ForeignKeyConstraint({ "a", "b" }, { "part.a", "part.b" }))
    for _, load in ipairs{ "lazyload", "joinedload", "selectinload", "subqueryload", "immediateload" } do
      db.session:expunge_all()
      local counts, refs = {}, {}
      local parts = Part.query:order_by(Part.v):options(mr[load](Part.pieces), mr[load](Part.tags)):all()
      for _, p in ipairs(parts) do counts[#counts + 1] = p.v .. #p.pieces .. #p.tags end
      assert.same({ "x00", "y11", "z00" }, counts, load)
      db.session:expunge_all()
      for _, p in ipairs(Piece.query:order_by(Piece.id):options(mr[load](Piece.part)):all()) do
        refs[#refs + 1] = p.part and p.part.v or "none"
      end
      assert.same({ "y", "none", "none" }, refs, load)
    end
    local x = part "x"
    x.tags:append(db.session:get(Tag, 1))
    db.session:delete(part "z")
    db.session:flush()
  end)

  it("keeps the collections that its key is not needed for", function()
    local more = {}
    open(more)
    run("CREATE TABLE note (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO note VALUES (1, 'x'), (2, 'x'), (3, 'z')")
    local Note = db.Model:extend("Note", { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ db.Text } })
    more.v = Note.v
    db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
    db.Table("part_tag", db.metadata,
      db.Column("a", db.Integer), db.Column("b", db.String(5)), db.Column("tag_id", db.Integer, db.ForeignKey "tag.id"),
      db.ForeignKeyConstraint({ "a", "b" }, { "part.a", "part.b" }))
    for _, load in ipairs{ "lazyload", "joinedload", "selectinload", "subqueryload", "immediateload" } do
      db.session:expunge_all()
      local counts = {}
      for _, p in ipairs(Part.query:order_by(Part.v):options(mr[load](Part.notes)):all()) do
        counts[#counts + 1] = p.v .. #p.notes
      end
      assert.same({ "x2", "y0", "z1" }, counts, load)
    end
  end)

  it("is not told from others of the same key: to read or to change one of them is an error", function()
    open()
    run "INSERT INTO part VALUES (1, NULL, 'twin')"
    local ok, e = pcall(db.session.get, db.session, Part, { 1, mr.null })
    assert.is_false(ok)
    assert.equal("MultipleResultsFound", e.kind)
    assert.matches("2 rows of table 'part' are Part %(1, nil%)", e.message)
    assert.matches("_rowid = Column", e.message, 1, true)
    local twin = Part.query:filter_by{ v = "twin" }:one()
    twin.v = "changed"
    ok, e = pcall(db.session.flush, db.session)
    assert.same({ false, "StaleDataError" }, { ok, e.kind })
    db.session:rollback()
  end)
end)

describe("the table 'usage' of Debian's proj-data", function()
  local path = "/usr/share/proj/proj.db"
  local file = io.open(path)
  if file then file:close() end

  it("is read with all its rows, and with those alone that have a key, by every strategy", file and function()
    local copy = os.tmpname()
    local into = assert(io.open(copy, "wb"))
    local from = assert(io.open(path, "rb"))
    into:write(from:read "a")
    into:close()
    from:close()
    db = mr.open("sqlite:///" .. copy)
    local total = db.session:execute(mr.text "SELECT count(*) FROM usage"):scalar()
    local keyed = db.session:execute(mr.text [[SELECT count(*) FROM usage
      WHERE auth_name IS NOT NULL OR code IS NOT NULL]]):scalar()
    local Usage = db.Model:extend("Usage", {
      auth_name = db.Column{ db.Text, primary_key = true },
      code = db.Column{ db.Text, primary_key = true },
      scope_auth_name = db.Column{ db.Text },
      scope_code = db.Column{ db.Text },
      __table_args = {
        db.ForeignKeyConstraint({ "scope_auth_name", "scope_code" }, { "scope.auth_name", "scope.code" }),
      },
    })
    local Scope = db.Model:extend("Scope", {
      auth_name = db.Column{ db.Text, primary_key = true },
      code = db.Column{ db.Text, primary_key = true },
      usages = db.relationship{ "Usage", backref = "the_scope" },
    })
    assert.equal(keyed, Usage.query:count())
    assert.equal(keyed, #Usage.query:all())
    assert.equal(total > keyed and 1 or 0, #warned)
    local counts = {}
    for i, load in ipairs{ "selectinload", "subqueryload", "joinedload", "lazyload" } do
      db.session:expunge_all()
      local n = 0
      for _, scope in ipairs(Scope.query:options(mr[load](Scope.usages)):all()) do n = n + #scope.usages end
      counts[i] = n
    end
    assert.same({ keyed, keyed, keyed, keyed }, counts)
    local Row = mr.declarative_base():extend("Row", {
      __tablename = "usage",
      _rowid = db.Column{ "rowid", db.Integer, primary_key = true },
      code = db.Column{ db.Text },
    })
    assert.equal(total, #db.session:query(Row):all())
    db.engine:dispose()
    os.remove(copy)
  end or function() pending "proj-data is not installed" end)
end)
