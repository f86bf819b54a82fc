-- mr.automap and db:automap: classes, names and relationships made of what a database has.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local process = require "spec.support.process"

local db, warned
local real_warn = warn

local function run(...)
  local conn <close> = db.engine:connect{ isolation_level = "AUTOCOMMIT" }
  for _, sql in ipairs{ ... } do conn:execute(sql) end
end

before_each(function()
  db, warned = mr.open "sqlite://", {}
  rawset(_G, "warn", function(...) warned[#warned + 1] = table.concat{ ... } end)
end)
after_each(function() rawset(_G, "warn", real_warn) end)

-- The names of the classes.
local function classes()
  local list = {}
  for name in next, db.classes do list[#list + 1] = name end
  table.sort(list)
  return table.concat(list, " ")
end

-- "name: target direction", for each relationship.
local function relationships(class)
  local list = {}
  for name, info in pairs(mr.inspect(class).relationships) do
    list[#list + 1] = string.format("%s: %s %s", name, info.target, info.direction)
  end
  table.sort(list)
  return table.concat(list, ", ")
end

local function attributes(class)
  local list = {}
  for name in pairs(mr.inspect(class).columns) do list[#list + 1] = name end
  return table.concat(list, " ")
end

describe("automap", function()
  it("maps tables, and both sides of their foreign keys", function()
    run("CREATE TABLE artist (id INTEGER PRIMARY KEY, name TEXT)",
      [[CREATE TABLE album (id INTEGER PRIMARY KEY, title VARCHAR(3),
        artist_id INTEGER NOT NULL REFERENCES artist (id))]],
      "INSERT INTO artist VALUES (1, 'AC/DC')", "INSERT INTO album VALUES (1, 'Powerage', 1)")
    db:automap()
    local Album, Artist = db.classes.Album, db.classes.Artist
    assert.equal("albums: Album one to many", relationships(Artist))
    assert.equal("artist: Artist many to one", relationships(Album))
    local album = Album.query:one()
    assert.equal("AC/DC", album.artist.name)
    assert.equal(album, album.artist.albums[1])
    album.title = "longer than three"
    db.session:add(Album{ title = "Let There Be Rock", artist = album.artist })
    db.session:commit()
    assert.equal(2, #album.artist.albums)
    refuse("ArgumentError", { "automap made no class 'Albm'", "Album" }, function() return db.classes.Albm end)
    assert.same({}, warned)
  end)

  it("opens a database", function()
    local path = os.tmpname()
    local made = mr.open("sqlite:///" .. path)
    made.session:execute(mr.text "CREATE TABLE t (id INTEGER PRIMARY KEY)")
    made.session:commit()
    local mapped = mr.automap("sqlite:///" .. path, { echo = false, rename = { t = "Thing" } })
    assert.equal("t", mapped.classes.Thing.__table.name)
    os.remove(path)
    refuse("ArgumentError", { "unknown option 'renam'" }, function() mr.automap("sqlite://", { renam = {} }) end)
    refuse("InvalidRequestError", { "db.classes", "db:automap()" }, function() return mr.open "sqlite://".classes end)
  end)

  it("calls relationships after the columns", function()
    run("CREATE TABLE team (id INTEGER PRIMARY KEY)",
      [[CREATE TABLE game (id INTEGER PRIMARY KEY, home_team_id INTEGER REFERENCES team, "AwayTeamId" REFERENCES team,
        winner INTEGER REFERENCES team)]],
      "CREATE TABLE category (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES category)",
      "CREATE TABLE employee (id INTEGER PRIMARY KEY, manager_id REFERENCES employee, mentor_id REFERENCES employee)")
    db:automap()
    assert.equal("away_team: Team many to one, home_team: Team many to one, team: Team many to one",
      relationships(db.classes.Game))
    assert.equal("away_team_games: Game one to many, home_team_games: Game one to many, team_games: Game one to many",
      relationships(db.classes.Team))
    assert.equal("children: Category one to many, parent: Category many to one", relationships(db.classes.Category))
    assert.equal("manager: Employee many to one, manager_employees: Employee one to many, "
      .. "mentor: Employee many to one, mentor_employees: Employee one to many", relationships(db.classes.Employee))
    db:configure()
  end)

  it("makes many-to-many of tables of two foreign keys, and one-to-one of unique keys", function()
    run("CREATE TABLE post (id INTEGER PRIMARY KEY)", "CREATE TABLE tag (id INTEGER PRIMARY KEY)",
      "CREATE TABLE post_tag (post_id REFERENCES post, tag_id REFERENCES tag, PRIMARY KEY (post_id, tag_id))",
      "CREATE TABLE post_tag_at (post_id REFERENCES post, tag_id REFERENCES tag, at DATETIME, UNIQUE (post_id))",
      "CREATE TABLE person (id INTEGER PRIMARY KEY)",
      "CREATE TABLE friendship (person_id REFERENCES person, friend_id REFERENCES person)",
      "CREATE TABLE passport (person_id INTEGER PRIMARY KEY REFERENCES person)")
    db:automap()
    assert.equal("Passport Person Post PostTagAt Tag", classes())
    assert.equal("post_tag_at: PostTagAt one to many, tags: Tag many to many", relationships(db.classes.Post))
    assert.equal("friends: Person many to many, passport: Passport one to many, people: Person many to many",
      relationships(db.classes.Person))
    local Post, Tag, Person, Passport = db.classes.Post, db.classes.Tag, db.classes.Person, db.classes.Passport
    local one, two = Person{}, Person{}
    one.friends = { two }
    local post = Post{ tags = { Tag{}, Tag{} } }
    db.session:add_all{ post, one, Passport{ person = one } }
    db.session:commit()
    assert.equal(2, #post.tags)
    assert.equal(post, post.tags[1].posts[1])
    assert.equal(one, two.people[1])
    assert.equal(one, one.passport.person)
  end)

  it("never takes a name that a column, a method or Lua has", function()
    run([[CREATE TABLE "end" (id INTEGER PRIMARY KEY, "query" TEXT, "metadata" TEXT, "and" TEXT, "and_" TEXT,
      "__x" TEXT, "a b" TEXT, "a-b" TEXT, "1st" TEXT, "to_table" TEXT, ends TEXT, "end" INTEGER REFERENCES "end")]],
      'CREATE TABLE "order details" (id INTEGER PRIMARY KEY)', 'CREATE TABLE "OrderDetails" (id INTEGER PRIMARY KEY)',
      'CREATE TABLE "2024" (id INTEGER PRIMARY KEY)', [[CREATE TABLE parts (id INTEGER PRIMARY KEY, owner TEXT,
      owner_id INTEGER REFERENCES "end")]], 'CREATE TABLE "日本" (id INTEGER PRIMARY KEY)')
    db:automap()
    assert.equal("End OrderDetails OrderDetails_2 Parts T T2024", classes())
    local End = db.classes.End
    assert.equal("id query_ metadata_ and__2 and_ x_ a_b a_b_2 _1st to_table_ ends end_", attributes(End))
    assert.equal("end_by_end: End many to one, end_by_end_ends: End one to many, parts: Parts one to many",
      relationships(End))
    assert.equal("end_: End many to one", relationships(db.classes.Parts))
    db.session:add(End{ query_ = "q", end_ = nil })
    db.session:commit()
    assert.equal("q", End.query:one().query_)
  end)

  it("names alike each time", function()
    local function names()
      local other = mr.open "sqlite://"
      for _, sql in ipairs{ "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id REFERENCES a, other REFERENCES a)",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b_id REFERENCES b, bs TEXT)" } do
        other.session:execute(mr.text(sql))
      end
      other.session:commit()
      other:automap()
      return relationships(other.classes.A) .. "; " .. relationships(other.classes.B)
    end
    local first = names()
    for _ = 1, 3 do assert.equal(first, names()) end
  end)

  it("names classes, attributes and relationships as it is told", function()
    run("CREATE TABLE artist (id INTEGER PRIMARY KEY, name TEXT, secret TEXT)",
      "CREATE TABLE album (id INTEGER PRIMARY KEY, artist_id REFERENCES artist)",
      "CREATE TABLE log (id INTEGER PRIMARY KEY)")
    db:automap{ rename = { artist = "Band", ["artist.name"] = "called", ["artist.secret"] = false, log = false,
      ["Album.artist"] = "by", ["Band.albums"] = false } }
    assert.equal("Album Band", classes())
    assert.equal("id called", attributes(db.classes.Band))
    assert.equal("", relationships(db.classes.Band))
    assert.equal("by: Band many to one", relationships(db.classes.Album))
    local other = mr.open "sqlite://"
    other.session:execute(mr.text "CREATE TABLE tbl_person (id INTEGER PRIMARY KEY, boss_id REFERENCES tbl_person)")
    other.session:commit()
    local infos = {}
    other:automap{
      name_for_class = function(name) return (name:gsub("^tbl_", ""):gsub("^%l", string.upper)) end,
      name_for_relationship = function(info)
        infos[#infos + 1] = info.kind .. " " .. info.class .. "." .. info.default .. " " .. info.columns[1]
        return info.kind == "one_to_many" and "reports" or nil
      end,
    }
    assert.equal("boss: Person many to one, reports: Person one to many", relationships(other.classes.Person))
    assert.same({ "many_to_one Person.boss boss_id", "one_to_many Person.people boss_id" }, infos)
    refuse("ArgumentError", { "Album.artist cannot be called 'id'" }, function()
      local again = mr.open "sqlite://"
      for _, sql in ipairs{ "CREATE TABLE artist (id INTEGER PRIMARY KEY)",
        "CREATE TABLE album (id INTEGER PRIMARY KEY, artist_id REFERENCES artist)" } do
        again.session:execute(mr.text(sql))
      end
      again.session:commit()
      again:automap{ rename = { ["Album.artist"] = "id" } }
    end)
  end)

  it("keeps the classes of the program, and relates others to them", function()
    run("CREATE TABLE artist (id INTEGER PRIMARY KEY, name TEXT)", "CREATE TABLE label (id INTEGER PRIMARY KEY)",
      "CREATE TABLE album (id INTEGER PRIMARY KEY, artist_id REFERENCES artist, label_id REFERENCES label)",
      "CREATE TABLE genre (id INTEGER PRIMARY KEY)",
      "CREATE TABLE artist_genre (artist_id REFERENCES artist, genre_id REFERENCES genre)")
    local Artist = db.Model:extend("Artist", {
      id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String(3) },
      albums = "a constant",
    })
    db:automap()
    assert.equal(Artist, db.classes.Artist)
    assert.equal("artist: Artist many to one, label: Label many to one", relationships(db.classes.Album))
    assert.equal("artist_albums: Album one to many, genres: Genre many to many", relationships(Artist))
    assert.equal("artists: Artist many to many", relationships(db.classes.Genre))
    assert.equal("String(3)", tostring(Artist.c.name.type))
    local Album = db.classes.Album
    local artist = Artist{ name = "A", artist_albums = { Album{} } }
    db.session:add(artist)
    db.session:commit()
    assert.equal(artist, Album.query:one().artist)
  end)

  it("maps some of the tables", function()
    run("CREATE TABLE artist (id INTEGER PRIMARY KEY)", "CREATE TABLE other (id INTEGER PRIMARY KEY)",
      "CREATE TABLE album (id INTEGER PRIMARY KEY, artist_id REFERENCES artist)", "INSERT INTO artist VALUES (1)")
    db:automap{ only = { "album" } }
    assert.equal("Album", classes())
    assert.equal("", relationships(db.classes.Album))
    db.session:add(db.classes.Album{ artist_id = 1 })
    db.session:commit()
    db:create_all()
    refuse("InvalidRequestError", "automap: only: the database has no table 'albm'",
      function() mr.open "sqlite://":automap{ only = { "albm" } } end)
    refuse("ArgumentError", { "automap: only", "a function of a name" },
      function() db:automap{ only = 5 } end)
  end)

  it("drops foreign keys to what is not there, with a warning", function()
    run("CREATE TABLE t (id INTEGER PRIMARY KEY, gone_id REFERENCES gone (id), other_id REFERENCES T (ID))")
    db:automap()
    assert.equal("other: T many to one, ts: T one to many", relationships(db.classes.T))
    assert.same({ "the foreign key (gone_id) of 't' is left out: there is no table 'gone'" }, db.reflected:warnings())
    assert.equal(1, #warned)
  end)

  it("makes no relationship of a key by which each row refers to itself", function()
    run("CREATE TABLE t (id INTEGER PRIMARY KEY REFERENCES t (id), n INTEGER)",
      "CREATE TABLE node (site INTEGER, id INTEGER, up INTEGER, PRIMARY KEY (site, id), "
        .. "FOREIGN KEY (site, up) REFERENCES node (site, id))",
      "INSERT INTO t VALUES (1, 2)", "INSERT INTO node VALUES (1, 1, NULL), (1, 2, 1)")
    db:automap()
    assert.equal("", relationships(db.classes.T))
    assert.equal(2, db.classes.T.query:one().n)
    assert.equal(2, db.classes.Node.query:count())
  end)

  it("cascades as the foreign key says", function()
    run("CREATE TABLE p (id INTEGER PRIMARY KEY)",
      "CREATE TABLE c (id INTEGER PRIMARY KEY, p_id NOT NULL REFERENCES p ON DELETE CASCADE)",
      "CREATE TABLE n (id INTEGER PRIMARY KEY, p_id REFERENCES p ON DELETE SET NULL)")
    db:automap()
    local P, C, N = db.classes.P, db.classes.C, db.classes.N
    local p = P{}
    db.session:add_all{ C{ p = p }, N{ p = p } }
    db.session:commit()
    db.session:expunge_all()
    p = P.query:one()
    local sent = db:record(function()
      db.session:delete(p)
      db.session:commit()
    end)
    assert.equal("DELETE FROM p WHERE p.id = ?", sent[#sent].statement)
    assert.equal(0, C.query:count())
    assert.is_nil(N.query:one().p_id)
  end)
end)

describe("a table without a primary key", function()
  it("is mapped by its rowid", function()
    run("CREATE TABLE log (line TEXT, [rowid] TEXT)", "INSERT INTO log VALUES ('one', 'x'), ('two', NULL)",
      "CREATE TABLE plain (n INTEGER, _rowid TEXT)")
    db:automap()
    local Log, Plain = db.classes.Log, db.classes.Plain
    assert.equal("line rowid _rowid", attributes(Log))
    assert.equal("_rowid_", mr.inspect(Log).columns._rowid.column)
    assert.equal("_rowid_2", mr.inspect(Plain).primary_key[1])
    local log = Log.query:filter_by{ line = "two" }:one()
    assert.equal(2, log._rowid)
    log.line = "three"
    local new = Log{ line = "four" }
    db.session:add(new)
    db.session:commit()
    assert.equal(3, new._rowid)
    assert.equal("three", db.session:get(Log, 2).line)
    db.session:delete(new)
    db.session:commit()
    assert.equal(2, Log.query:count())
    assert.equal("CREATE TABLE plain ( n INTEGER, _rowid TEXT )", tostring(mr.CreateTable(Plain)))
  end)

  it("is not written where VACUUM has given its number to another row", function()
    local path = os.tmpname()
    db = mr.open("sqlite:///" .. path)
    run("CREATE TABLE log (line TEXT, at DATETIME, n)",
      "INSERT INTO log VALUES ('one', 1709640429, 1), ('two', NULL, x'00'), ('three', 1709640430, 2.5)")
    db:automap()
    local Log = db.classes.Log
    local two, three = Log.query:filter_by{ line = "two" }:one(), Log.query:filter_by{ line = "three" }:one()
    two.line, three.at = "changed", mr.datetime(2024, 1, 1)
    db.session:commit()
    two.n, three.line = 7, nil
    db.session:commit()
    two.n, three.line = 8, "again"
    local other = mr.create_engine("sqlite:///" .. path):connect{ isolation_level = "AUTOCOMMIT" }
    other:execute "DELETE FROM log WHERE line = 'one'"
    other:execute "VACUUM"
    refuse("StaleDataError", { "the row with this number is another one now", "VACUUM" },
      function() db.session:commit() end)
    db.session:rollback()
    two = Log.query:filter_by{ line = "changed" }:one()
    assert.equal(1, two._rowid)
    other:execute "UPDATE log SET n = 9 WHERE rowid = 1"
    db.session:delete(two)
    refuse("StaleDataError", { "<Log 1>", "read it again" }, function() db.session:commit() end)
    db.session:rollback()
    db.session:delete(Log.query:filter_by{ line = "changed" }:one())
    db.session:commit()
    assert.equal(1, Log.query:count())
    other:close()
    process.remove(path)
  end)

  it("is mapped by a unique index of columns that are not NULL", function()
    run("CREATE TABLE a (code TEXT NOT NULL, n INTEGER)", "CREATE UNIQUE INDEX ia ON a (code)",
      "CREATE TABLE b (code TEXT NOT NULL UNIQUE)", "CREATE TABLE c (code TEXT UNIQUE)",
      "CREATE TABLE d (code TEXT NOT NULL)", "CREATE UNIQUE INDEX id ON d (code) WHERE code > 'a'")
    db:automap()
    assert.same({ "code" }, { table.unpack(mr.inspect(db.classes.A).primary_key) })
    assert.same({ "code" }, { table.unpack(mr.inspect(db.classes.B).primary_key) })
    assert.same({ "_rowid" }, { table.unpack(mr.inspect(db.classes.C).primary_key) })
    assert.same({ "_rowid" }, { table.unpack(mr.inspect(db.classes.D).primary_key) })
    db.session:add(db.classes.A{ code = "x", n = 1 })
    db.session:commit()
    assert.equal(1, db.session:get(db.classes.A, "x").n)
  end)

  it("has no class where its columns hide the rowid", function()
    run "CREATE TABLE hidden (rowid TEXT, oid TEXT, _rowid_ TEXT)"
    db:automap()
    assert.equal("", classes())
    assert.matches("'hidden' has no class: it has no key, and no row number", warned[1])
  end)
end)

describe("a view", function()
  before_each(function()
    run("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)", "INSERT INTO t VALUES (1, 5)",
      "CREATE VIEW v AS SELECT id AS t_id, n * 2 AS twice FROM t")
  end)

  it("has no class without a key, and that is said", function()
    db:automap()
    assert.equal("T", classes())
    assert.matches("views have no class (v)", warned[1], 1, true)
    local silent = #warned
    mr.automap("sqlite://", { views = false })
    assert.equal(silent, #warned)
  end)

  it("has one, which is read only, where its key is told", function()
    db:automap{ keys = { v = { "t_id" } } }
    local row = db.session:get(db.classes.V, 1)
    assert.equal(10, row.twice)
    row.twice = 3
    refuse("InvalidRequestError", "view", function() db.session:flush() end)
    db.session:rollback()
    refuse("InvalidRequestError", { "keys: the database has no table or view 'w'" },
      function() mr.open "sqlite://":automap{ keys = { w = { "a" } } } end)
  end)
end)

describe("rows of other programs", function()
  it("with a key that is NULL in part are objects", function()
    run("CREATE TABLE t (a TEXT, b TEXT, n INTEGER, PRIMARY KEY (a, b))", "INSERT INTO t VALUES ('x', NULL, 1)")
    db:automap()
    assert.equal(1, db.classes.T.query:one().n)
  end)

  it("in foreign keys that share columns are found", function()
    run("CREATE TABLE tenant (id INTEGER PRIMARY KEY)",
      "CREATE TABLE person (tenant_id REFERENCES tenant, n INTEGER, PRIMARY KEY (tenant_id, n))",
      [[CREATE TABLE task (tenant_id REFERENCES tenant, n INTEGER, owner_n INTEGER, helper_n INTEGER,
        PRIMARY KEY (tenant_id, n), FOREIGN KEY (tenant_id, owner_n) REFERENCES person,
        FOREIGN KEY (tenant_id, helper_n) REFERENCES person (tenant_id, n))]],
      "INSERT INTO tenant VALUES (1)", "INSERT INTO person VALUES (1, 1), (1, 2)",
      "INSERT INTO task VALUES (1, 1, 1, 2)")
    db:automap()
    local Task = db.classes.Task
    assert.equal("person: Person many to one, person_by_tenant_helper_n: Person many to one, "
      .. "tenant: Tenant many to one", relationships(Task))
    local task = Task.query:one()
    assert.equal(1, task.person.n)
    assert.equal(2, task.person_by_tenant_helper_n.n)
  end)
end)
