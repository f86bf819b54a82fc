-- A program that is killed at any moment of a migration leaves a file of the version before or after: `make crash`
-- kills 100 (MOONROW_KILLS), `make test` 20.

local mr = require "moonrow"
local process = require "spec.support.process"
local saved = require "spec.support.saved"

local STEPS = [[
local mr = require "moonrow"
return {
  { "01 checks", function(m)
    m:batch("hero", function(t)
      t:create_check("ck", "level >= 0")
      t:alter_column("name", { nullable = false, default = "?" })
    end)
  end },
  { "02 mana", function(m)
    m:add_column("hero", "mana", mr.Integer, { default = 7 })
    m:add_column("pet", "kind", mr.String(9), { default = "cat", nullable = false })
    m:create_primary_key("pet", { "id", "hero_id" })
  end },
  { "03 names", function(m)
    m:rename_table("hero", "person")
    m:drop_check("person", "ck")
    m:drop_column("person", "level", { allow_loss = true })
    m:create_table("log", mr.Column{ "id", mr.Integer, primary_key = true })
    m:execute "INSERT INTO log SELECT id FROM person"
  end },
}
]]

local CHILD = [[
local mr = require "moonrow"
mr.open("sqlite:///" .. arg[1]):migrate("game", dofile(arg[2]), { backup = false })
]]

local kills = tonumber(os.getenv "MOONROW_KILLS" or "") or (os.getenv "MOONROW_STRESS" and 3 or 20)

local function write(text)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

local function copy(from, to)
  local source <close> = assert(io.open(from, "rb"))
  local target <close> = assert(io.open(to, "wb"))
  target:write(source:read "a")
end

-- All that a version is, but the times at which its steps ran.
local function state(path)
  local text = { saved.sqlite3(path, "SELECT name, sql FROM sqlite_master ORDER BY name") }
  for _, name in ipairs{ "hero", "person", "pet", "log" } do
    if text[1]:find('TABLE "?' .. name) then text[#text + 1] = saved.sqlite3(path, "SELECT * FROM " .. name) end
  end
  text[#text + 1] = saved.sqlite3(path, "SELECT name FROM moonrow_steps")
  return (table.concat(text, "\n"):gsub("Error: [^\n]*", ""):gsub("Parse error[^\n]*", ""))
end

describe("a program that is killed in a migration", function()
  local base, path, steps, child

  setup(function()
    base, path, steps, child = saved.path(), saved.path(), write(STEPS), write(CHILD)
    saved.make(base, "CREATE TABLE hero (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, level INT)",
      "CREATE TABLE pet (id INTEGER PRIMARY KEY, hero_id INT REFERENCES hero ON DELETE CASCADE)",
      "CREATE INDEX ix ON pet (hero_id)", "CREATE VIEW v AS SELECT name FROM hero",
      [[WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3000)
        INSERT INTO hero SELECT i, 'hero ' || i, i % 9 FROM c]], "INSERT INTO pet SELECT id, id FROM hero")
  end)
  teardown(function()
    saved.remove(base)
    saved.remove(path)
    os.remove(steps)
    os.remove(child)
  end)

  local function migrate(list)
    local db = mr.open("sqlite:///" .. path)
    db:migrate("game", list, { backup = false })
    db.engine:dispose()
  end

  it(("leaves one version whole, %d times"):format(kills), function()
    local list, versions = dofile(steps), {}
    copy(base, path)
    versions[state(path)] = 0
    for i = 1, #list do
      migrate({ table.unpack(list, 1, i) })
      versions[state(path)] = i
    end
    local last = state(path)
    local command = ("lua5.4 %s %s %s"):format(child, path, steps)
    local function now() return tonumber((process.run "date +%s.%N")) end
    process.remove(path)
    copy(base, path)
    local started = now()
    assert(process.run(command) == "")
    local whole, seen = now() - started, {}
    for i = 1, kills do
      process.remove(path)
      copy(base, path)
      local wait = whole * (0.1 + 0.9 * (i - 1 + math.random()) / kills)
      process.run(("sh -c '%s & p=$!; sleep %.4f; kill -9 $p; wait $p'"):format(command, wait))
      saved.check(path)
      local version = versions[state(path)]
      assert(version, "no version: " .. state(path):sub(1, 2000))
      seen[version] = true
      migrate(list)
      assert.equal(last, state(path))
      saved.check(path)
    end
    assert.is_true(next(seen) ~= nil)
  end)
end)
