-- moonrow migrate: where a database is among the revisions, and what a revision that fails tells.

local migrations = require "spec.support.migrations"
local saved = require "spec.support.saved"

local at -- the folder

local function rows(sql) return saved.sqlite3(at.path .. "/app.db", sql) end
local function tables() return rows "SELECT name FROM sqlite_master WHERE name < 'm' ORDER BY 1" end

describe("moonrow migrate", function()
  if not migrations.has_host() then
    pending "the host has not been built"
    return
  end

  before_each(function() at = migrations.new "" end)
  after_each(function() at:remove() end)

  it("takes back what follows a revision, and no other branch", function()
    at:write_revision("aa1", "nil", 'm:execute "CREATE TABLE a (x)"', 'm:drop_table "a"')
    at:write_revision("bb1", '"aa1"', 'm:execute "CREATE TABLE b (x)"', 'm:drop_table "b"')
    at:write_revision("bb2", '"bb1"', 'm:execute "CREATE TABLE d (x)"', 'm:drop_table "d"')
    at:write_revision("cc1", '"aa1"', 'm:execute "CREATE TABLE c (x)"', 'm:drop_table "c"')
    at:fine "upgrade heads"
    local _, said = at:fine "downgrade cc1"
    assert.matches("there is nothing to do", said)
    at:fine "downgrade bb1"
    assert.equal("a\nb\nc", tables())
    assert.equal("bb1 bb1\ncc1 (head) cc1\n", (at:fine "current"))
    at:write_revision("dd1", '{ "bb2", "cc1" }', "", "")
    at:fine "upgrade"
    at:fine "downgrade cc1"
    assert.equal("a\nb\nc\nd", tables())
    at:fine "downgrade aa1"
    assert.equal("a", tables())
  end)

  it("says how a changed file is accepted, which forgets no other revision", function()
    at:write_revision("aa1", "nil", 'm:execute "CREATE TABLE a (x)"')
    at:write_revision("aa2", '"aa1"', 'm:execute "INSERT INTO a VALUES (1)"')
    at:fine "upgrade"
    at:write_revision("aa1", "nil", 'm:execute "CREATE TABLE a (x)" --[[ why ]]')
    at:write_revision("aa2", '"aa1"', 'm:execute "INSERT INTO a VALUES (1)" --[[ why ]]')
    local _, said = at:run "upgrade"
    assert.matches("aa1_x.lua, migrations/aa2_x.lua was changed after", said)
    at:fine(said:match "moonrow migrate (stamp[^\n]+)")
    at:fine "upgrade"
    assert.equal("1", rows "SELECT count(*) FROM a")
    assert.equal("aa2 (head) aa2\n", (at:fine "current"))
    os.remove(at.path .. "/migrations/aa2_x.lua")
    at:fails("the revision aa2 has run on the database, and there is no file of it", "stamp current")
  end)

  it("prints a script that another program can run", function()
    at:write_revision("aa1", "nil", [[m:execute "CREATE TABLE a (x, y, z)"
      m:execute("INSERT INTO a VALUES (:x, '?', :y)", { x = "it's", y = 4.5 })
      m:execute "SELECT 'moved' WHERE '?' <> ''"
      if m:scalar("SELECT count(*) FROM a WHERE x = :x", { x = "b" }) == 0 then
        m:execute("INSERT INTO a VALUES (:a, :b, :c)", { a = true, b = require "moonrow".null, c = -1 })
      end]])
    at:write_revision("aa2", '"aa1"', 'm:add_column("a", "n", require "moonrow".Integer, { default = 3 })')
    local text = at:fine "upgrade --sql"
    assert.matches([[-- aa1 aa1
CREATE TABLE a (x, y, z);
INSERT INTO a VALUES ('it''s', '?', 4.5);
SELECT 'moved' WHERE '?' <> '';
SELECT count(*) FROM a WHERE x = 'b';
INSERT INTO a VALUES (1, NULL, -1);
]], text, 1, true)
    assert.equal("", tables())
    assert.equal("moved\n0", rows(text:gsub(";\n$", "")))
    assert.equal("it's|?|4.5|3\n1||-1|3", rows "SELECT * FROM a")
    assert.equal("aa2 (head) aa2\n", (at:fine "current"))
    local _, said = at:fine "upgrade"
    assert.matches("there is nothing to do", said)
  end)

  it("tells which revision fails, where, and by which statement", function()
    at:write_revision("aa1", "nil", "\n\n m:execute 'CREATE TABLE a (x)' m:execute 'CREATE TABLE a (y)'")
    at:write_revision("aa2", '"aa1"', "")
    local failure = "the revision in migrations/aa1_x.lua has failed, and nothing of it is kept: migrations"
      .. "/aa1_x.lua:5: OperationalError: (sqlite) table a already exists"
    at:fails(failure, "upgrade")
    at:fails("[SQL: CREATE TABLE a (y)]", "upgrade")
    at:fails(failure, "upgrade --sql")
    assert.equal("", tables())
    at:write_revision("aa1", "nil", "local n = nil + 1")
    at:fails("aa1_x.lua has failed, and nothing of it is kept: migrations/aa1_x.lua:3: attempt to",
      "upgrade")
    at:write("migrations/aa2_x.lua", 'return { revision = "aa2", upgrade = function() end, downgrade = "back" }')
    at:fails("migrations/aa2_x.lua: downgrade is no function, but string", "heads")
  end)
end)
