-- moonrow migrate: revisions of an application's tables, on the command line.

local migrations = require "spec.support.migrations"
local process = require "spec.support.process"
local saved = require "spec.support.saved"

local at -- the folder

local function read(path) return at:read(path) end
local function write(name, text) at:write(name, text) end
local function run(arguments) return at:run(arguments) end
local function fine(arguments) return at:fine(arguments) end
local function fails(words, arguments) at:fails(words, arguments) end
local function rows(sql) return saved.sqlite3(at.path .. "/app.db", sql) end

local function revision(...) at:write_revision(...) end

local MODELS = [[
local mr = require "moonrow"
local Base = mr.declarative_base()
Base:extend("User", { id = mr.Column{ mr.Integer, primary_key = true },
  name = mr.Column{ mr.String(20), nullable = false, unique = true } %s })
Base:extend("Post", { id = mr.Column{ mr.Integer, primary_key = true }, title = mr.Column{ mr.Text } %s,
  user_id = mr.Column{ mr.ForeignKey("user.id", { ondelete = "CASCADE" }), index = true } })
]]

local function models(user, post) write("models.lua", MODELS:format(user or "", post or "")) end

describe("moonrow migrate", function()
  if not migrations.has_host() then
    pending "the host has not been built"
    return
  end

  before_each(function() at = migrations.new(MODELS:format("", "")) end)
  after_each(function() at:remove() end)

  it("makes revisions of what the models have, runs them, and takes them back", function()
    local first = fine 'revision -m "First tables!" --autogenerate':gsub("\n", "")
    assert.truthy(first:find "^migrations/%x+_first_tables.lua$")
    local text = read(first)
    for _, part in ipairs{ 'm:create_table("user",', "mr.String(20), nullable = false, unique = true }",
      'mr.ForeignKey("user.id", { ondelete = "CASCADE" })', 'mr.Index{ "ix_post_user_id", "user_id" }',
      'm:drop_table("post")' } do
      assert(text:find(part, 1, true), text)
    end
    local _, said = fine "upgrade"
    assert.truthy(said:find "upgraded to %x+ First tables!")
    assert.truthy(fine "current":find "^%x+ %(head%) First tables!\n$")
    fine "check"
    rows "INSERT INTO user VALUES (1, 'Ann'); INSERT INTO post VALUES (1, 'a', 1)"

    models([[, age = mr.Column{ mr.Integer, server_default = '3' }]], ", body = mr.Column{ mr.Text }")
    local _, _, code = run "check"
    assert.equal(1, code)
    local second = fine "revision -m second --autogenerate":gsub("\n", "")
    assert.truthy(read(second):find('m:add_column("user", mr.Column{ "age", mr.Integer,', 1, true))
    fine "upgrade"
    fine "check"
    assert.equal("1|Ann|3", rows "SELECT * FROM user")
    assert.truthy(fine "test" == "")
    assert.equal(2, select(2, fine "history":gsub("has run", "")))
    fine "downgrade -1"
    assert.equal("1|Ann", rows "SELECT * FROM user")
    assert.equal("1|a|1", rows "SELECT * FROM post")
    fine "downgrade base"
    assert.equal("0", rows "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name <> 'moonrow_revisions'")
    saved.check(at.path .. "/app.db")
  end)

  it("finds every kind of difference, and what it writes makes it go", function()
    saved.make(at.path .. "/app.db", [[CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, old INT UNIQUE,
      odd INT CHECK (odd > 1))]],
      "CREATE INDEX gone ON user (old)", "CREATE TABLE extra (id INTEGER PRIMARY KEY, v TEXT DEFAULT 'x')",
      "CREATE TABLE post (id INTEGER PRIMARY KEY, user_id INT, title TEXT)", "CREATE VIEW v AS SELECT 1")
    fails("no class has a column user.even", "revision -m all --autogenerate --rename user.odd=even")
    models ", even = mr.Column{ mr.Integer, mr.CheckConstraint 'even > 1' }"
    local path, said = fine "revision -m all --autogenerate --rename user.odd=even"
    assert.truthy(said:find "'v' is a view, which is not compared")
    path = path:gsub("\n", "")
    local text = read(path)
    for _, part in ipairs{ 'm:rename_column("user", "odd", "even")', 'm:drop_column("user", "old")',
      'm:drop_index("gone")',
      'm:alter_column("user", "name", { type = mr.String(20), nullable = false })', 'm:drop_table("extra")',
      'm:create_unique(nil, "user", { "name" })', 'm:create_index("ix_post_user_id", "post", { "user_id" })',
      'm:create_foreign_key(nil, "post", { "user_id" }, "user", { "id" }, { ondelete = "CASCADE" })' } do
      assert(text:find(part, 1, true), part .. "\n" .. text)
    end
    local before = rows "SELECT sql FROM sqlite_master WHERE name IN ('user', 'extra')"
    fine "upgrade"
    fine "check"
    fine "downgrade base"
    fine "upgrade"
    fine "check"
    assert.not_equal(before, rows "SELECT sql FROM sqlite_master WHERE name IN ('user', 'extra')")
    saved.check(at.path .. "/app.db")
  end)

  it("writes types, and computes columns anew, as the models say", function()
    local columns = [[, kind = mr.Column(mr.Enum("a", 'b "c"')),
      place = mr.Column(mr.Enum("x", "y", { storage = "position" })),
      tags = mr.Column(mr.Array(mr.Enum("t", "u"))), at = mr.Column(mr.DateTime{ storage = "unix" }),
      twice = mr.Column{ mr.Integer, mr.Computed "id * %d" }]]
    models(columns:format(2))
    local text = read((fine "revision -m first --autogenerate":gsub("\n", "")))
    for _, part in ipairs{ [[mr.Enum("a", "b \"c\"")]], 'mr.Enum("x", "y", { storage = { ["x"] = 0, ["y"] = 1 } })',
      'mr.Array(mr.Enum("t", "u"))', 'mr.DateTime{ storage = "unix" }' } do
      assert(text:find(part, 1, true), part .. "\n" .. text)
    end
    fine "upgrade"
    fine "check"
    rows "INSERT INTO user (id, name) VALUES (4, 'Ann')"
    models(columns:format(3))
    assert.equal(1, select(3, run "check"))
    fine "revision -m second --autogenerate"
    fine "upgrade"
    fine "check"
    assert.equal("12", rows "SELECT twice FROM user")
    fine "downgrade -1"
    assert.equal("8", rows "SELECT twice FROM user")
    fine "test"
  end)

  it("asks for renames, and says which columns need a value", function()
    saved.make(at.path .. "/app.db", "CREATE TABLE user (id INTEGER PRIMARY KEY, label TEXT)")
    local path, said = fine "revision -m x --autogenerate"
    assert.truthy(said:find("if 'name' is 'label' under another name, say so: --rename user.label=name", 1, true))
    assert.truthy(read((path:gsub("\n", ""))):find("default = nil --[[ what the rows get", 1, true))
    os.remove(at.path .. "/" .. path:gsub("\n", ""))
    fails("the database has no column user.nix", "revision -m x --autogenerate --rename user.nix=name")
  end)

  it("knows branches, and joins them", function()
    revision("aa1", "nil", 'm:execute "CREATE TABLE a (x)"', 'm:drop_table "a"')
    revision("bb1", '"aa1"', 'm:execute "CREATE TABLE b (x)"', 'm:drop_table "b"')
    revision("bb2", '"aa1"', 'm:execute "CREATE TABLE c (x)"', 'm:drop_table "c"')
    assert.equal("bb1 bb1\nbb2 bb2\n", fine "heads")
    fails("there are 2 heads: bb1, bb2: join them", "upgrade")
    fails("there are 2 heads", "revision -m x")
    fails("'bb' is the beginning of several revisions", "upgrade bb")
    fine "upgrade bb2"
    assert.equal("a\nc", rows "SELECT name FROM sqlite_master WHERE name < 'm'")
    local path = fine "merge -m together":gsub("\n", "")
    assert.truthy(read(path):find('down_revision = { "bb1", "bb2" }', 1, true))
    fine "upgrade"
    assert.equal("a\nb\nc", rows "SELECT name FROM sqlite_master WHERE name < 'm' ORDER BY 1")
    assert.equal(1, select(2, fine "current":gsub("\n", "")))
    fine "downgrade bb1"
    assert.equal("a\nb\nc", rows "SELECT name FROM sqlite_master WHERE name < 'm' ORDER BY 1")
    assert.truthy(fine "show aa":find "revision aa1\nfollows  none\n")
  end)

  it("refuses what is not right, with nothing done", function()
    revision("aa1", "nil", 'm:execute "CREATE TABLE a (x)"', 'm:drop_table "a"')
    revision("aa2", '"aa1"', 'm:execute "CREATE TABLE b (x)"')
    fine "upgrade"
    fails("aa2_x.lua has no function downgrade(m)", "downgrade base")
    assert.equal("a\nb", rows "SELECT name FROM sqlite_master WHERE name < 'm' ORDER BY 1")
    revision("aa2", '"aa1"', 'm:execute "CREATE TABLE b (y)"')
    fails("aa2_x.lua was changed after it had run on the database", "upgrade")
    fine "stamp aa2"
    fine "upgrade"
    os.remove(at.path .. "/migrations/aa2_x.lua")
    fails("the revision aa2 has run on the database, and there is no file of it in migrations", "current")
    revision("aa2", '"aa0"', "")
    fails("aa2_x.lua follows the revision aa0, of which there is no file", "heads")
    revision("aa2", '"aa3"', "")
    revision("aa3", '"aa2"', "")
    fails("follow each other", "heads")
    os.remove(at.path .. "/migrations/aa3_x.lua")
    write("migrations/aa2_x.lua", "return 1")
    fails("aa2_x.lua returns no revision", "heads")
    write("migrations/aa2_x.lua", "return {")
    fails("the revision cannot be read", "heads")
    os.remove(at.path .. "/migrations/aa2_x.lua")
    fails("there is no revision 'zz' in migrations", "show zz")
    fails("there is no folder of revisions", "-d nowhere heads")
    for _, wrong in ipairs{ "", "nix", "upgrade --nix", "revision", "downgrade", "-m" } do
      fails("usage: moonrow migrate", wrong)
    end
    fails("config.lua is there already", "init")
  end)

  it("keeps a revision whole or not at all", function()
    revision("aa1", "nil", 'm:execute "CREATE TABLE a (x)"')
    revision("aa2", '"aa1"', 'm:execute "CREATE TABLE b (x)"; error "stop"')
    fails("stop", "upgrade")
    assert.equal("a", rows "SELECT name FROM sqlite_master WHERE name < 'm'")
    assert.equal("aa1", rows "SELECT revision FROM moonrow_revisions")
  end)

  it("prints the SQL, and keeps nothing", function()
    revision("aa1", "nil", [[m:execute "CREATE TABLE a (x INT)" m:alter_column("a", "x",
      { type = require "moonrow".Text })]])
    local text = fine "upgrade --sql"
    assert.truthy(text:find "^%-%- aa1 aa1\nCREATE TABLE a %(x INT%);\n")
    assert.truthy(text:find('INSERT OR ABORT INTO "a"', 1, true))
    assert.is_nil(text:find("probe", 1, true))
    assert.equal("0", rows "SELECT count(*) FROM sqlite_master")
  end)

  it("lets one of two programs wait for the other", function()
    revision("aa1", "nil", [[m:execute "CREATE TABLE a (x)" local t = os.time() + 1 while os.time() <= t do end]])
    local command = ("cd '%s' && '%s' migrate upgrade"):format(at.path, at.host)
    local output, ok = process.run(("( (%s) & (%s); a=$?; wait $! && exit $a )"):format(command, command))
    assert.is_true(ok, output)
    assert.equal(1, select(2, output:gsub("upgraded to", "")))
    assert.equal("1", rows "SELECT count(*) FROM moonrow_revisions")
  end)

  it("says of versions that do not end where the models are", function()
    revision("aa1", "nil", [[m:create_table("user", require "moonrow".Column{ "id", require "moonrow".Integer,
      primary_key = true })]],
      'm:drop_table "user"')
    local text, _, code = run "test"
    assert.equal(1, code)
    assert.truthy(text:find("from aa1: user: the database has no column 'name'", 1, true))
  end)
end)
