-- moonrow migrate on a PostgreSQL server: names that change, and the order of what depends on each other. It runs where
-- MOONROW_TEST_URL names a server.

local mr = require "moonrow"
local migrations = require "spec.support.migrations"
local postgresql = require "spec.support.postgresql"

if not postgresql.url then
  pending "renames on PostgreSQL: MOONROW_TEST_URL names no server"
  return
end

local HEAD = [[
local mr = require "moonrow"
local Base = mr.declarative_base()
]]

local BEFORE = HEAD .. [[
Base:extend("User", { id = mr.Column{ mr.Integer, primary_key = true }, boss_id = mr.Column{ mr.ForeignKey("user.id") },
  name = mr.Column{ mr.String(20), unique = true }, code = mr.Column{ mr.Text, server_default = "7" },
  mood = mr.Column{ mr.Text, server_default = "sad", nullable = false } })
Base:extend("Post", { id = mr.Column{ mr.Integer, primary_key = true }, __table_args = {
  mr.CheckConstraint{ "user_id > 0", name = "ck" }, mr.Index{ "ix", "user_id", postgresql_where = "user_id > 3" } },
  user_id = mr.Column{ mr.ForeignKey("user.id") }, title = mr.Column{ mr.Text },
  twice = mr.Column{ mr.Integer, mr.Computed("user_id * 2", { persisted = true }) } })
]]

local at, engine

local function run(sql)
  local connection <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
  return connection:execute(mr.text(sql))
end

local function scalar(sql) return run(sql):scalar() end

local function models(from, to)
  local text = BEFORE
  for i, part in ipairs(from) do
    local first, last = text:find(part, 1, true)
    assert(first, part)
    while first do
      text = text:sub(1, first - 1) .. to[i] .. text:sub(last + 1)
      first, last = text:find(part, first + #to[i], true)
    end
  end
  at:write("models.lua", text)
end

describe("moonrow migrate on PostgreSQL", function()
  before_each(function()
    local url = postgresql.fresh()
    engine = mr.create_engine(url)
    at = migrations.new(BEFORE)
    at:write("migrations/config.lua", ("return { url = %q, models = 'models.lua' }"):format(url))
    at:fine "revision -m first --autogenerate"
    at:fine "upgrade"
    run [[INSERT INTO "user" (id, name) VALUES (5, 'Ann')]]
    run "INSERT INTO post (id, user_id) VALUES (1, 5)"
  end)
  after_each(function()
    engine:dispose()
    at:remove()
  end)

  it("renames keys, and what refers to them, in whatever order", function()
    models({ "user_id", "user.id", '"User", { id' }, { "owner_no", "person.no", '"Person", { no' })
    local text = at:revision("-m names --autogenerate --rename user=person --rename user.id=no"
      .. " --rename post.user_id=owner_no")
    assert.is_nil(text:find("create_primary_key", 1, true))
    assert.is_nil(text:find("foreign_key", 1, true))
    at:fine "upgrade"
    at:fine "check"
    assert.equal("5 10", scalar [[SELECT concat_ws(' ', "owner_no", twice) FROM post JOIN person ON no = "owner_no"]])
    at:fine "downgrade -1"
    at:fine "upgrade"
    at:fine "check"
    at:fine "test"
  end)

  it("changes types that defaults are in the way of", function()
    models({ 'code = mr.Column{ mr.Text, server_default = "7"', "mood = mr.Column{ mr.Text," },
      { 'code = mr.Column{ mr.Integer, server_default = "7"',
        'mood = mr.Column{ mr.Enum("sad", "happy", { name = "mood" }),' })
    at:fine "revision -m types --autogenerate"
    at:fine "upgrade"
    at:fine "check"
    assert.equal("7 sad", scalar [[SELECT concat_ws(' ', code + 0, mood) FROM "user"]])
    at:fine "downgrade -1"
    at:fine "upgrade"
    at:fine "test"
  end)

  it("makes a key before what refers to it, and drops it after that", function()
    models({ "title = mr.Column{ mr.Text }" }, { 'title = mr.Column{ mr.String(20), mr.ForeignKey("user.name") }' })
    at:fine "revision -m keys --autogenerate"
    at:fine "upgrade"
    at:fine "check"
    models({ "title = mr.Column{ mr.Text }", "name = mr.Column{ mr.String(20), unique = true }" },
      { 'title = mr.Column{ mr.Text, mr.ForeignKey("user.code") }', "name = mr.Column{ mr.String(20) }" })
    at:write("models.lua", (at:read "models.lua":gsub('server_default = "7"', "%0, unique = true")))
    at:fine "revision -m others --autogenerate"
    at:fine "upgrade"
    at:fine "check"
    at:fine "downgrade -1"
    at:fine "upgrade"
    at:fine "test"
  end)

  it("makes indexes and keys with the names of others that go", function()
    models({ '"Post"', "name = mr.Column{ mr.String(20), unique = true }", "nullable = false } })" }, { '"Entry"',
      "name = mr.Column{ mr.String(20) }", 'nullable = false }, __table_args = { mr.Index{ "ix_user", "code" } } })' })
    at:write("models.lua", at:read "models.lua" .. [[
      Base:extend("Tag", { id = mr.Column{ mr.Integer, primary_key = true }, name = mr.Column{ mr.Text },
        __table_args = { mr.UniqueConstraint{ "name", name = "user_name_key" } } })]])
    local text = at:revision "-m clash --autogenerate"
    assert.truthy(text:find('m:drop_index("ix")', 1, true))
    at:fine "upgrade"
    at:fine "check"
    at:fine "downgrade -1"
    at:fine "upgrade"
    at:fine "test"
  end)
end)
