-- moonrow check: what is wrong with a database, and its exit status.

local migrations = require "spec.support.migrations"
local saved = require "spec.support.saved"
local with_script = require "spec.support.script"

local binary = (os.getenv "BUILD" or "build") .. "/moonrow"

-- What the command prints, its standard error, and its exit code.
local function run(arguments)
  local errors = os.tmpname()
  local pipe = assert(io.popen(("%s check %s 2>%s"):format(binary, arguments, errors)))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  local file <close> = assert(io.open(errors))
  os.remove(errors)
  return text, file:read "a", code
end

describe("moonrow check", function()
  if not migrations.has_host() then
    pending "the host has not been built"
    return
  end

  local path

  before_each(function() path = saved.path() end)
  after_each(function() saved.remove(path) end)

  it("finds nothing in a sound file, and says so", function()
    saved.make(path, "CREATE TABLE a (id INTEGER PRIMARY KEY)", "CREATE TABLE b (a REFERENCES a)",
      "INSERT INTO b VALUES (NULL)")
    local text, said, code = run(path)
    assert.equal("", text)
    assert.equal(("moonrow check: sqlite:///%s is fine (2 tables)\n"):format(path):gsub("sqlite:///", ""), said)
    assert.equal(0, code)
    text, said, code = run("--json sqlite:///" .. path)
    assert.equal('{"count":0,"faults":[],"ok":true}\n', text)
    assert.equal("", said)
    assert.equal(0, code)
  end)

  it("names rows without their parents by their keys", function()
    saved.make(path, "CREATE TABLE user (id INTEGER PRIMARY KEY)", "CREATE TABLE post (user_id REFERENCES user)",
      [[CREATE TABLE "odd ""w" (a TEXT, b INT, u INT REFERENCES user (id), PRIMARY KEY (a, b)) WITHOUT ROWID]],
      "CREATE TABLE pair (rowid TEXT, x, y, FOREIGN KEY (x, y) REFERENCES two (p, q))",
      "CREATE TABLE two (p, q, UNIQUE (p, q))", "INSERT INTO post VALUES (7), (NULL)",
      [[INSERT INTO "odd ""w" VALUES ('it''s', 2, 9)]], "INSERT INTO pair VALUES ('n', 1, 'x'), ('n', 1, NULL)")
    local text, said, code = run(path)
    assert.equal([[
odd "w ("it's", 2): u = 9 refers to no row of user
pair of row id 1: (x, y) = (1, "x") refers to no row of two
post of row id 1: user_id = 7 refers to no row of user
]], text)
    assert.truthy(said:find("3 faults in " .. path, 1, true))
    assert.equal(1, code)
  end)

  it("names a bounded number of rows, and counts the others", function()
    saved.make(path, "CREATE TABLE user (id INTEGER PRIMARY KEY)",
      "CREATE TABLE post (id INTEGER PRIMARY KEY, user_id INT REFERENCES user)", [[WITH RECURSIVE n(i) AS (SELECT 1
      UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO post SELECT i, i FROM n]])
    local text, said = run(path)
    assert.equal(21, select(2, text:gsub("\n", "")))
    assert.truthy(text:find("post: 480 more whose user_id refers to no row of user\n", 1, true), text)
    assert.truthy(said:find("500 faults", 1, true))
  end)

  it("tells of foreign keys that cannot be, and looks at the others", function()
    saved.make(path, "CREATE TABLE a (x)", "CREATE TABLE b (x REFERENCES a (x))", "CREATE TABLE c (x REFERENCES no)",
      "INSERT INTO b VALUES (1)", "INSERT INTO c VALUES (1)")
    local text = run(path)
    assert.truthy(text:find "b: .*foreign key mismatch", text)
    assert.truthy(text:find("c of row id 1: x = 1 refers to no row of no\n", 1, true), text)
  end)

  it("tells of values that the file's own rules forbid, and of damage", function()
    saved.make(path, "CREATE TABLE a (x)", "INSERT INTO a VALUES (NULL)", "PRAGMA writable_schema = ON",
      "UPDATE sqlite_master SET sql = 'CREATE TABLE a (x NOT NULL)'")
    assert.truthy(run(path):find("NULL value in a.x\n", 1, true))
    local file = assert(io.open(path, "r+b"))
    file:seek("set", 100)
    file:write(("\255"):rep(400))
    file:close()
    local text, _, code = run("--json " .. path)
    assert.truthy(text:find '^{"count":1,"faults":%[{"kind":"integrity","message":"[^"]*malformed', text)
    assert.equal(1, code)
  end)

  it("compares the database with classes, and names rows by them", function()
    saved.make(path, "CREATE TABLE user (id INTEGER PRIMARY KEY)", "INSERT INTO user VALUES (1)",
      "CREATE TABLE post (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES user, x)",
      "INSERT INTO post VALUES (3, 4, 5)")
    with_script([[
      local url = ...
      local mr = require "moonrow"
            local Base = mr.declarative_base()
      Base:extend("User", { id = mr.Column{ mr.Integer, primary_key = true } })
      Base:extend("Article", { __tablename = "post", id = mr.Column{ mr.Integer, primary_key = true },
        user_id = mr.Column{ mr.Integer, mr.ForeignKey "user.id" } })
      print("given " .. url)]], function(models)
      local text, said, code = run(("%s -m %s"):format(path, models))
      assert.equal("Article 3: user_id = 4 refers to no User\npost: no column 'x'\n", text)
      assert.truthy(said:find("given sqlite:///" .. path, 1, true))
      assert.equal(1, code)
      saved.make(path, "DELETE FROM post", "ALTER TABLE post DROP COLUMN x")
      text, said, code = run(("%s -m%s"):format(path, models))
      assert.equal("", text)
      assert.truthy(said:find(("agrees with %s"):format(models), 1, true), said)
      assert.equal(0, code)
    end)
    with_script("error 'not today'", function(models)
      local text, said, code = run(("%s -m %s"):format(path, models))
      assert.equal("", text)
      assert.truthy(said:find("not today", 1, true))
      assert.equal(1, code)
    end)
  end)

  it("makes no file of a name that is none", function()
    local text, said, code = run(path)
    assert.equal("", text)
    assert.equal(("moonrow check: %s: No such file or directory\n"):format(path), said)
    assert.equal(1, code)
    assert.is_false(saved.exists(path))
  end)
end)
