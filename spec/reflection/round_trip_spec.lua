-- Real files of other programs: each is reflected, made again elsewhere, mapped, read and written without a loss.

local mr = require "moonrow"
local process = require "spec.support.process"
local round_trip = require "spec.support.round_trip"

local stress = os.getenv "MOONROW_STRESS"
local limits = { rows = stress and 30 or 300, parents = stress and 3 or 15 }

-- A file, what it must have brought at least, and where it comes from.
local files = {
  { "../shared/data/chinook.sqlite", { tables = 11, classes = 10, relationships = 20, changed = 50, cloned = 10 } },
  { "../shared/data/northwind.sqlite", { tables = 11, classes = 11, changed = 70, cloned = 11, views = 1 } },
  { "../shared/data/gdal_sample.gpkg", { tables = 20, classes = 20, relationships = 6, changed = 20 } },
  { "/usr/share/proj/proj.db", { tables = 30, classes = 30, relationships = 80, changed = 100, views = 5 },
    "Debian's package proj-data" },
}

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- The folder of real files stands beside the repository, or beside its work trees.
local function find(path)
  for _, place in ipairs{ path, "../" .. path } do
    if exists(place) then return place end
  end
end

describe("a round trip of", function()
  for _, entry in ipairs(files) do
    local path, least, origin = entry[1], entry[2], entry[3]
    it(path:match "[^/]+$", function()
      local found = find(path)
      if not found then
        pending(path .. " is not there" .. (origin and " (" .. origin .. ")" or ""))
        return
      end
      local report = round_trip.check(found, limits)
      assert.equal("", table.concat(report.problems, "\n"))
      for what, n in pairs(least) do assert.is_true(report[what] >= n, what .. ": " .. report[what]) end
    end)
  end
end)

describe("a round trip of tables made by hand", function()
  local path

  before_each(function() path = os.tmpname() end)
  after_each(function() process.remove(path) end)

  local function make(...)
    local conn <close> = mr.create_engine("sqlite:///" .. path):connect{ isolation_level = "AUTOCOMMIT" }
    conn:execute "PRAGMA foreign_keys = OFF" -- as other programs have it
    for _, sql in ipairs{ ... } do conn:execute(sql) end
  end

  local function check()
    local report = round_trip.check(path)
    return table.concat(report.problems, "\n"), report
  end

  it("loses nothing", function()
    make([[CREATE TABLE "odd ""name" (
        a LONGVARCHAR(20) DEFAULT 'it''s', b "ODD type" DEFAULT -5, c DEFAULT CURRENT_DATE,
        d DEFAULT (strftime('%H:%M', 'now')), e DEFAULT NULL, f BLOB DEFAULT x'00',
        "select" INT64 CHECK ("select" < 9), g AS (a || ')') VIRTUAL, PRIMARY KEY (b, a),
        CONSTRAINT "u q" UNIQUE (e, c) ON CONFLICT IGNORE)]],
      [[CREATE TABLE tree (id INTEGER PRIMARY KEY AUTOINCREMENT, parent_id REFERENCES tree ON DELETE SET NULL
        DEFERRABLE INITIALLY DEFERRED, at DATETIME, name TEXT COLLATE NOCASE UNIQUE)]],
      "CREATE TABLE tight (k TEXT PRIMARY KEY, n INTEGER, r REAL, any ANY) STRICT, WITHOUT ROWID",
      "CREATE TABLE keyless (a, b)", "CREATE UNIQUE INDEX ik ON keyless (lower(a) DESC, b COLLATE NOCASE) WHERE b > 1",
      "CREATE TABLE x (id INTEGER PRIMARY KEY, y_id REFERENCES y)",
      "CREATE TABLE y (id INTEGER PRIMARY KEY, x_id REFERENCES x, gone REFERENCES nobody)",
      "CREATE VIEW v (one) AS SELECT a FROM keyless", "CREATE VIEW broken AS SELECT a FROM nobody",
      "CREATE VIRTUAL TABLE words USING fts5(body)", "CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)",
      [[INSERT INTO "odd ""name" (a, b, "select") VALUES ('x', 1, 3), ('y', NULL, 4)]],
      "INSERT INTO tree VALUES (1, NULL, 1709640429123, 'a'), (2, 1, NULL, 'b'), (3, 1, 1709640429124, 'c')",
      "INSERT INTO tight VALUES ('a', 1, 1.5, 'text'), ('b', NULL, NULL, x'00')",
      "INSERT INTO keyless VALUES (1, 2), ('one', 2.5), (NULL, NULL)", "INSERT INTO x VALUES (1, NULL)",
      "INSERT INTO y VALUES (1, 1, NULL)", "UPDATE x SET y_id = 1", "INSERT INTO words VALUES ('some words')")
    local problems, report = check()
    assert.equal("", problems)
    assert.equal(6, report.tables)
    assert.equal(6, report.classes)
    assert.equal(6, report.relationships)
    -- Refused: two unique clones, two foreign keys that were changed, and what refers to nobody.
    assert.same({ 11, 3, 5 }, { report.changed, report.cloned, #report.refused })
  end)

  it("finds what is wrong", function()
    make("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT)", "INSERT INTO t VALUES (1, 'a')",
      "CREATE TRIGGER spoil AFTER UPDATE ON t BEGIN UPDATE t SET n = 'spoilt' WHERE id = 1; END")
    assert.matches("t: 1 rows are only in main afterwards", (check()))
  end)
end)
