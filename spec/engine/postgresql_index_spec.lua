-- moonrow migrate on a PostgreSQL server: indexes that no class can say are the database's own. It runs where
-- MOONROW_TEST_URL names a server.

local mr = require "moonrow"
local migrations = require "spec.support.migrations"
local postgresql = require "spec.support.postgresql"

if not postgresql.url then
  pending "indexes of PostgreSQL: MOONROW_TEST_URL names no server"
  return
end

local DOC = [[
local mr = require "moonrow"
local Base = mr.declarative_base()
Base:extend("Doc", { id = mr.Column{ mr.Integer, primary_key = true }, body = mr.Column{ mr.Text },
  n = mr.Column{ mr.Integer }, data = mr.Column{ mr.JSONB } %s })
]]

local at, engine

local function run(sql)
  local connection <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
  return connection:execute(mr.text(sql))
end

local function indexes()
  return run([[SELECT string_agg(pg_get_indexdef(indexrelid, 0, true), '; ' ORDER BY indexrelid::regclass::text)
    FROM pg_index WHERE indrelid = to_regclass('doc') AND NOT indisprimary]]):scalar()
end

describe("moonrow migrate on PostgreSQL", function()
  before_each(function()
    local url = postgresql.fresh()
    engine = mr.create_engine(url)
    at = migrations.new(DOC:format "")
    at:write("migrations/config.lua", ("return { url = %q, models = 'models.lua' }"):format(url))
    run "CREATE TABLE doc (id SERIAL PRIMARY KEY, body TEXT, n INTEGER, data JSONB)"
    run "CREATE INDEX a_gin ON doc USING gin (data jsonb_path_ops)"
    run "CREATE INDEX b_include ON doc (n) INCLUDE (body) WHERE n > 3"
    run "CREATE INDEX c_class ON doc (body text_pattern_ops)"
    run "CREATE UNIQUE INDEX d_nulls ON doc (n) NULLS NOT DISTINCT"
  end)
  after_each(function()
    engine:dispose()
    at:remove()
  end)

  it("leaves indexes alone that no class can say, and says so", function()
    at:fine "check"
    local _, said = at:fine "revision -m x --autogenerate"
    assert.matches("'a_gin' is an index that models cannot say, and is not compared: CREATE INDEX a_gin ON doc"
      .. " USING gin (data jsonb_path_ops)", said, 1, true)
    assert.matches("models and database agree", said)
    at:write("models.lua", DOC:format [[, __table_args = { mr.Index{ "a_gin", "data" } }]])
    at:fine "check"
  end)

  it("compares what a class says by SQL of its own", function()
    at:write("models.lua", DOC:format [[, __table_args = { mr.Index{ "c_class", mr.text "body text_pattern_ops" } }]])
    at:fine "check"
    at:write("models.lua", DOC:format [[, __table_args = { mr.Index{ "c_class", mr.text "body varchar_pattern_ops" },
      mr.Index{ "e_new", mr.text "body text_pattern_ops" } }]])
    assert.equal(1, select(3, at:run "check"))
    local before = indexes()
    at:fine "revision -m x --autogenerate"
    at:fine "upgrade"
    at:fine "check"
    at:fine "downgrade base"
    assert.equal(before, indexes())
  end)

  it("makes them again with a table that has gone", function()
    local before = indexes()
    at:write("models.lua", "")
    at:fine "revision -m x --autogenerate"
    at:fine "upgrade"
    at:fine "downgrade base"
    assert.equal(before, indexes())
  end)
end)
