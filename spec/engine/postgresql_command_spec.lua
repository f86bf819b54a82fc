-- The host's commands on a PostgreSQL database.

local migrations = require "spec.support.migrations"
local mr = require "moonrow"
local url = require "spec.support.postgresql".url

local binary = (os.getenv "BUILD" or "build") .. "/moonrow"

-- What the command prints, its standard error, and its exit code.
local function run(arguments)
  local errors = os.tmpname()
  local pipe = assert(io.popen(("%s %s 2>%s"):format(binary, arguments, errors)))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  local file <close> = assert(io.open(errors))
  os.remove(errors)
  return text, file:read "a", code
end

describe("a command on PostgreSQL", function()
  if not url or not migrations.has_host() then
    pending "runs where there is a PostgreSQL server, and the host is built"
    return
  end

  local engine, connection, database, count = nil, nil, nil, 0

  -- Each spec has a database of its own.
  before_each(function()
    count = count + 1
    engine = mr.create_engine(url)
    connection = engine:connect{ isolation_level = "AUTOCOMMIT" }
    local name = ("commands_%06x_%d"):format(math.random(0, 0xffffff), count)
    connection:execute("CREATE DATABASE " .. name)
    database = { name = name, url = url:gsub("/postgres%?", "/" .. name .. "?") }
    database.engine = mr.create_engine(database.url)
  end)

  after_each(function()
    database.engine:dispose()
    connection:execute(("DROP DATABASE %s WITH (FORCE)"):format(database.name))
    connection:close()
    engine:dispose()
  end)

  local function make(...)
    local own <close> = database.engine:connect{ isolation_level = "AUTOCOMMIT" }
    for _, sql in ipairs{ ... } do own:execute(sql) end
  end

  it("finds rows, constraints and sequences that do not hold", function()
    make("CREATE SCHEMA other", 'CREATE TABLE other."Us,er" (id serial PRIMARY KEY, age int)',
      'CREATE TABLE post (id int PRIMARY KEY, "of user" int)', "INSERT INTO post VALUES (1, 9)",
      [[ALTER TABLE post ADD CONSTRAINT "of it" FOREIGN KEY ("of user") REFERENCES other."Us,er" NOT VALID]],
      'INSERT INTO other."Us,er" VALUES (5, 1)')
    local text, _, code = run("check '" .. database.url .. "'")
    assert.equal([[
post 1: of user = 9 refers to no row of Us,er
post: the constraint "of it" is NOT VALID: ALTER TABLE post VALIDATE CONSTRAINT "of it"
other."Us,er": the sequence other."Us,er_id_seq" gives 1 next, and id is at 5 already: ]]
      .. [[SELECT setval('other."Us,er_id_seq"', 5)
]], text)
    assert.equal(1, code)
  end)
end)
