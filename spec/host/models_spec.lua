-- moonrow models and moonrow diagram: classes written of a database, compared with it, and a picture of its tables.

local mr = require "moonrow"
local process = require "spec.support.process"

local binary = (os.getenv "BUILD" or "build") .. "/moonrow"
local stress = os.getenv "MOONROW_STRESS"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

-- What the command prints, its standard error, and its exit code.
local function run(arguments, environment)
  local errors = os.tmpname()
  local pipe = assert(io.popen(("%s %s %s 2>%s"):format(environment or "", binary, arguments, errors)))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  local said = read(errors)
  os.remove(errors)
  return text, said, code
end

local path, script

before_each(function()
  path, script = os.tmpname(), os.tmpname()
end)
after_each(function()
  process.remove(path)
  os.remove(script)
end)

local function make(...)
  local conn <close> = mr.create_engine("sqlite:///" .. path):connect{ isolation_level = "AUTOCOMMIT" }
  conn:execute "PRAGMA foreign_keys = OFF"
  for _, sql in ipairs{ ... } do conn:execute(sql) end
end

local function copy(from)
  local file <close> = assert(io.open(from, "rb"))
  local to <close> = assert(io.open(path, "wb"))
  to:write(file:read "a")
end

-- Writes the classes of the file into `script`; returns the text.
local function write()
  local text, said, code = run("models " .. path)
  assert.equal(0, code, said)
  local file <close> = assert(io.open(script, "w"))
  file:write(text)
  return text, said
end

local function check() return run(("models --check %s %s"):format(path, script)) end

-- Each class that is declared in the text has what that of automap has, and loads the same rows.
local function compare_with_automap()
  local models = assert(loadfile(script))()
  local mapped = mr.automap("sqlite:///" .. path, { views = false })
  local session, names = mr.open("sqlite:///" .. path).session, 0
  for name, class in pairs(mapped.classes) do
    local declared = models[name]
    assert.equal(tostring(mr.inspect(class)), tostring(mr.inspect(declared)))
    local query = session:query(declared):limit(stress and 5 or 50)
    local rows, others = query:all(), mapped.session:query(class):limit(stress and 5 or 50):all()
    assert.equal(#others, #rows, name)
    for i, row in ipairs(rows) do
      for attribute in pairs(mr.inspect(declared).columns) do
        local value, other = row[attribute], others[i][attribute]
        if type(value) ~= "table" then assert.equal(tostring(other), tostring(value)) end
      end
    end
    for _, row in ipairs{ rows[1] } do
      local other = others[1]
      for attribute, info in pairs(mr.inspect(declared).relationships) do
        if info.collection then assert.equal(#other[attribute], #row[attribute], attribute)
        else assert.equal(tostring(other[attribute]), tostring(row[attribute]), attribute) end
      end
    end
    names = names + 1
  end
  for name in pairs(models) do assert.is_true(name == "Base" or rawget(mapped.classes, name) ~= nil, name) end
  return names
end

local ODD = {
  [[CREATE TABLE "order" (id INTEGER PRIMARY KEY AUTOINCREMENT, "end" TEXT DEFAULT 'a
b', "a ""b" VARCHAR(10) COLLATE NOCASE NOT NULL, code INT64 UNIQUE ON CONFLICT REPLACE,
    g AS (code + 1) STORED, CONSTRAINT positive CHECK (code > 0), UNIQUE (code, "end"))]],
  'CREATE UNIQUE INDEX "by end" ON "order" ("end" DESC, lower(code)) WHERE code > 1',
  [[CREATE TABLE line (order_id INT REFERENCES "order" ON DELETE CASCADE, n INT, parent_order INT, parent_n INT,
    at TIMESTAMP, PRIMARY KEY (order_id, n), FOREIGN KEY (parent_order, parent_n) REFERENCES line (order_id, n))
    WITHOUT ROWID]],
  "CREATE TABLE game (id INTEGER PRIMARY KEY, home_id REFERENCES team (name), away_id REFERENCES team (name))",
  "CREATE TABLE team (name TEXT PRIMARY KEY, captain INT UNIQUE REFERENCES player (number))",
  "CREATE TABLE player (number INT PRIMARY KEY NOT NULL, team TEXT REFERENCES team)",
  "CREATE TABLE friend (a INT REFERENCES player, b INT REFERENCES player, PRIMARY KEY (a, b))",
  "CREATE TABLE log (line TEXT, player INT REFERENCES player)",
  'CREATE TABLE setting ("key" TEXT NOT NULL UNIQUE, value ANY) STRICT',
  "CREATE TABLE lost (id INTEGER PRIMARY KEY, x REFERENCES nobody)",
  "CREATE VIEW v AS SELECT 1 AS one",
  [[INSERT INTO "order" ("end", "a ""b", code) VALUES ('x', 'y', 7)]],
  "INSERT INTO line VALUES (1, 1, NULL, NULL, 1709640429123), (1, 2, 1, 1, NULL)",
  "INSERT INTO player VALUES (1, 'reds'), (2, 'reds')", "INSERT INTO team VALUES ('reds', 1), ('blues', NULL)",
  "INSERT INTO game VALUES (1, 'reds', 'blues')", "INSERT INTO friend VALUES (1, 2)",
  "INSERT INTO log VALUES ('one', 1), ('two', 2)", "INSERT INTO setting VALUES ('k', 1)",
}

describe("moonrow models", function()
  if not exists(binary) then
    pending "the host has not been built"
    return
  end

  local files = { { "../shared/data/chinook.sqlite", 10 }, { "../shared/data/northwind.sqlite", 11 },
    { "../shared/data/gdal_sample.gpkg", 20 }, { "/usr/share/proj/proj.db", 30 } }

  for _, file in ipairs(files) do
    it("writes the classes of " .. file[1]:match "[^/]+$", function()
      local found = exists(file[1]) and file[1] or exists("../" .. file[1]) and "../" .. file[1]
      if not found then return pending(file[1] .. " is not there") end
      copy(found)
      local text = write()
      assert.equal(text, (run("models " .. path)))
      for line in text:gmatch "[^\n]+" do
        assert.is_true(line:find "^%-%-%-" ~= nil or #line <= 400, line)
      end
      local said, agree, code = check()
      assert.equal("", said)
      assert.truthy(agree:find " agree: %d+ tables\n$")
      assert.equal(0, code)
      assert.is_true(compare_with_automap() >= file[2])
    end)
  end

  it("writes what has odd names, keys and references", function()
    make(table.unpack(ODD))
    local _, said = write()
    assert.truthy(said:find("the foreign key (x) of 'lost' is left out", 1, true))
    local differences, _, code = check()
    assert.equal("", differences)
    assert.equal(0, code)
    assert.equal(8, compare_with_automap())
  end)

  it("reads well", function()
    make("CREATE TABLE artist (id INTEGER PRIMARY KEY, name VARCHAR(120) NOT NULL)",
      [[CREATE TABLE album (id INTEGER PRIMARY KEY, title TEXT NOT NULL, price DECIMAL(10,2) DEFAULT 1,
        artist_id INTEGER NOT NULL REFERENCES artist ON DELETE CASCADE)]],
      "CREATE TABLE tag (id INTEGER PRIMARY KEY, word TEXT UNIQUE)",
      "CREATE TABLE album_tag (album_id INTEGER REFERENCES album, tag_id INTEGER REFERENCES tag)",
      "CREATE INDEX album_title ON album (title)")
    local text = write()
    assert.equal(([[
local mr = require "moonrow"

local Base = mr.declarative_base()
local models = { Base = Base }

local tables = {} -- that are no classes, or have no key

tables.album_tag = mr.Table{ "album_tag", Base.metadata,
  mr.Column{ "album_id", mr.Integer, mr.ForeignKey "album.id" },
  mr.Column{ "tag_id", mr.Integer, mr.ForeignKey "tag.id" },
}

models.Album = Base:extend("Album", {
  __tablename = "album",
  id = mr.Column{ mr.Integer, primary_key = true },
  title = mr.Column{ mr.Text, nullable = false },
  price = mr.Column{
    mr.Numeric(10, 2, { storage = "real" }), server_default = mr.text "1", sqlite_type = "DECIMAL(10,2)"
  },
  artist_id = mr.Column{ mr.Integer, mr.ForeignKey("artist.id", { ondelete = "CASCADE" }), nullable = false },
  __table_args = {
    mr.Index{ "album_title", "title" },
  },
  artist = mr.relationship{ "Artist", back_populates = "albums" },
  tags = mr.relationship{ "Tag", secondary = tables.album_tag, back_populates = "albums" },
})

models.Artist = Base:extend("Artist", {
  __tablename = "artist",
  id = mr.Column{ mr.Integer, primary_key = true },
  name = mr.Column{ mr.String, nullable = false, sqlite_type = "VARCHAR(120)" },
  albums = mr.relationship{ "Album", back_populates = "artist", cascade = "all", passive_deletes = true },
})

models.Tag = Base:extend("Tag", {
  __tablename = "tag",
  id = mr.Column{ mr.Integer, primary_key = true },
  word = mr.Column{ mr.Text, unique = true },
  albums = mr.relationship{ "Album", secondary = tables.album_tag, back_populates = "tags" },
})
]]), text:match "(local mr.-\n)\n%-%- %-%-%-")
    assert.truthy(text:find("---@class Album: Album.Class, moonrow.Object\n---@field id integer\n", 1, true))
    assert.truthy(text:find("---@field artist Artist\n", 1, true))
    assert.truthy(text:find("\nreturn models\n$"))
  end)

  it("says where classes and database differ", function()
    make("CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, s TEXT DEFAULT 'x', b_id INTEGER REFERENCES b)",
      "CREATE TABLE b (id INTEGER PRIMARY KEY, word TEXT UNIQUE)", "CREATE TABLE c (id INTEGER PRIMARY KEY)",
      "CREATE INDEX a_n ON a (n)")
    write()
    local conn = mr.create_engine("sqlite:///" .. path):connect{ isolation_level = "AUTOCOMMIT" }
    for _, sql in ipairs{ "DROP INDEX a_n", "DROP TABLE c", "CREATE TABLE d (id INTEGER PRIMARY KEY)",
      "ALTER TABLE b ADD COLUMN more REAL", "DROP TABLE a",
      "CREATE TABLE a (id INTEGER PRIMARY KEY, n VARCHAR(9), s TEXT DEFAULT 'y', b_id INTEGER, CHECK (n > 1))" } do
      conn:execute(sql)
    end
    conn:close()
    local text, _, code = check()
    assert.equal(1, code)
    assert.equal(table.concat({
      "a: type of 'n': INTEGER; in the database VARCHAR(9)", "a: NOT NULL of 'n': yes; in the database no",
      "a: default of 's': 'x'; in the database 'y'",
      "a: the database has not: the foreign key (b_id) to b (id)",
      "a: the database has not: the index 'a_n' (n)", "a: has not: CHECK (n > 1)",
      "b: no column 'more'", "d: no class has the table", "c: the database has no such table", "" }, "\n"),
      (text:gsub(script:gsub("%p", "%%%0") .. ": ", "")))
  end)

  it("compares classes that are written by hand, whatever they are called", function()
    make "CREATE TABLE user (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL)"
    local file = assert(io.open(script, "w"))
    file:write [[
      local mr = require "moonrow"
      local db = mr.open "sqlite://"
      db.Model:extend("Person", { __tablename = "user", number = db.Column{ "id", db.Integer, primary_key = true },
        name = db.Column{ db.String(40), nullable = false } })
      print "aside"
    ]]
    file:close()
    local text, said, code = check()
    assert.equal("", text)
    assert.equal(0, code)
    assert.truthy(said:find("aside", 1, true))
  end)

  it("refuses what is no file, no script or no use", function()
    local text, said, code = run "models sqlite:///nowhere.db"
    assert.equal("", text)
    assert.equal(1, code)
    assert.truthy(said:find("nowhere.db: No such file", 1, true))
    assert.is_false(exists "nowhere.db")
    make "CREATE TABLE t (id INTEGER PRIMARY KEY)"
    text, said, code = run(("models --check %s nowhere.lua"):format(path))
    assert.equal("", text)
    assert.equal(1, code)
    assert.truthy(said:find("nowhere.lua", 1, true))
    for _, arguments in ipairs{ "models", "models --check x", "models -x", "diagram", "diagram --png x" } do
      text, said, code = run(arguments)
      assert.equal("", text)
      assert.equal(2, code)
      assert.truthy(said:find("^usage: moonrow " .. arguments:match "^%a+"), said)
    end
  end)
end)

describe("moonrow diagram", function()
  if not exists(binary) then return end

  before_each(function()
    make("CREATE TABLE artist (id INTEGER PRIMARY KEY, name TEXT)",
      [[CREATE TABLE album (id INTEGER PRIMARY KEY, "title ""<b>""" DECIMAL(10,2) NOT NULL, artist_id INTEGER NOT NULL
        REFERENCES artist, next_id INTEGER UNIQUE REFERENCES album (id))]],
      "CREATE TABLE lone (x)", "CREATE TABLE lone_too (x)")
  end)

  it("writes Mermaid", function()
    local text, _, code = run("diagram --mermaid " .. path)
    assert.equal(0, code)
    assert.equal([[
erDiagram
  "album" {
    integer id PK
    decimal_10_2 title_b
    integer artist_id FK
    integer next_id FK
  }
  "artist" {
    integer id PK
    text name
  }
  "lone" {
    any x
  }
  "lone_too" {
    any x
  }
  "artist" ||--o{ "album" : "artist_id"
  "album" |o--o| "album" : "next_id"
]], text)
  end)

  it("writes dot, in which names are escaped", function()
    local text, _, code = run("diagram --dot " .. path)
    assert.equal(0, code)
    assert.truthy(text:find("title &quot;&lt;b&gt;&quot;", 1, true))
    assert.truthy(text:find("t1:r3:e -> t2:l1:w [dir=both, arrowtail=crow, arrowhead=tee];", 1, true))
    assert.truthy(text:find("t1:r4:e -> t1:r1:e [dir=both, arrowtail=noneotee, arrowhead=teeodot];", 1, true))
    assert.truthy(text:find("t3 -> t4 [style=invis];", 1, true))
  end)

  it("draws SVG where dot is installed, and says that it is not", function()
    local text, said, code = run("diagram " .. path)
    assert.equal(0, code)
    if os.execute "command -v dot >/dev/null" then
      assert.equal("", said)
      assert.truthy(text:find("<svg", 1, true))
      assert.truthy(text:find(">artist_id</text>", 1, true))
    end
    text, said, code = run("diagram " .. path, "PATH=/nowhere")
    assert.equal(0, code)
    assert.equal("moonrow diagram: without graphviz's dot this is Mermaid text\n", said)
    assert.truthy(text:find "^erDiagram\n")
  end)

  it("shows the first columns of a table that has many", function()
    local columns = {}
    for i = 1, 100 do columns[i] = "c" .. i end
    make("CREATE TABLE wide (" .. table.concat(columns, ", ") .. ")")
    local text = run("diagram --dot " .. path)
    assert.truthy(text:find("... 60 more", 1, true))
    assert.is_nil(text:find(">c41<", 1, true))
  end)
end)
