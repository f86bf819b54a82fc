-- What a server of PostgreSQL refuses, or takes for something else, in another spelling (seen on 15).

local mr = require "moonrow"
local select_support = require "spec.support.select"

local w, User, f

setup(function()
  w = select_support.open()
  User, f = w.User, mr.func
end)
teardown(function() w.session:remove() end)

local function sql(statement, literals) return statement:sql{ dialect = "postgresql", literals = literals } end

describe("PostgreSQL's spelling", function()
  it("gives one value that stands in several places one number", function()
    local even = User.age % 2
    w.on_postgresql('SELECT "user".age % $1 AS anon_1, count(*) AS count_1 FROM "user" GROUP BY "user".age % $1',
      mr.select(even, f.count()):group_by(even))
    w.on_postgresql('SELECT DISTINCT "user".name || $1 AS anon_1 FROM "user" ORDER BY "user".name || $1',
      (function() local x = User.name .. "!" return mr.select(x):distinct():order_by(x) end)())
    local known = f.coalesce(User.age, 0):label "known"
    w.on_postgresql('SELECT coalesce("user".age, $1) AS known FROM "user" WHERE "user".id > $2 GROUP BY '
      .. 'coalesce("user".age, $1)', mr.select(known):where(User.id:gt(5)):group_by "known")
    local x = mr.literal(7)
    w.on_postgresql("SELECT $1 AS anon_1, $1 AS anon_2, $2 AS anon_3", mr.select(x, x, mr.literal(7)))
  end)

  it("sends such a value once, and gives each run its own", function()
    local engine = mr.create_engine "mock+postgresql://"
    local session = mr.Session(engine)
    for _, n in ipairs{ 2, 3, 5 } do
      local rest = User.age % n
      local sent = engine:record(function()
        session:execute(mr.select(rest):where(User.id:gt(n + 10)):group_by(rest)):all()
      end)
      assert.equal('SELECT "user".age % $1 AS anon_1 FROM "user" WHERE "user".id > $2 GROUP BY "user".age % $1',
        sent[#sent].statement)
      assert.same({ n, n + 10 }, sent[#sent].parameters)
    end
    local sent = engine:record(function()
      session:execute(mr.select(User.age % 2):group_by(User.age % 3)):all()
    end)
    assert.same({ 2, 3 }, sent[#sent].parameters)
    session:close()
  end)

  it("gives each cell of a written row its own", function()
    local x = mr.literal "a"
    local sent = sql(mr.insert(User):values{ { name = x, age = 1 }, { name = x, age = 1 } })
    assert.equal(select(2, sent:gsub("%$4", "")), 1)
  end)

  it("has intervals by seconds", function()
    for seconds, words in pairs{ [93600] = "93600.000000", [-5.25] = "-5.250000", [0] = "0.000000" } do
      assert.equal(("SELECT INTERVAL '%s seconds' AS anon_1"):format(words),
        sql(mr.select(mr.literal(mr.interval{ seconds = seconds })), true))
    end
  end)

  it("has the rest of a division of floats", function()
    assert.equal('SELECT CAST(CAST("user".age / CAST($1 AS NUMERIC) AS NUMERIC) % CAST($2 AS NUMERIC) AS DOUBLE '
      .. 'PRECISION) AS anon_1 FROM "user"', (sql(mr.select(User.age / 2 % 1.5))))
    assert.equal('SELECT "user".age % $1 AS anon_1 FROM "user"', sql(mr.select(User.age % 2)))
  end)

  it("compares documents as JSONB", function()
    local data = mr.column("data", mr.JSON)
    local cases = { [" AS JSONB) = CAST("] = data:eq{ 1 }, [" AS JSONB) != CAST("] = data:ne{ 1 },
      [" AS JSONB) IS DISTINCT FROM CAST("] = data:is_distinct_from{ 1 } }
    for words, criterion in pairs(cases) do
      assert.equal("CAST(data" .. words .. "$1 AS JSONB)", criterion:sql{ dialect = "postgresql" })
    end
    assert.equal("CAST(data AS JSONB) IN (CAST($1 AS JSONB), CAST($2 AS JSONB))",
      data:in_{ { 1 }, { 2 } }:sql{ dialect = "postgresql" })
    assert.equal("(CAST(data AS JSONB) NOT IN (CAST($1 AS JSONB), CAST($2 AS JSONB)))",
      data:not_in{ { 1 }, { 2 } }:sql{ dialect = "postgresql" })
    assert.equal("data IS NULL", data:is_(nil):sql{ dialect = "postgresql" })
  end)
end)
