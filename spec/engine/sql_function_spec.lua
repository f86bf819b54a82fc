-- Lua functions, aggregates and collations that SQL calls: engine:create_function, create_aggregate, create_collation.

local mr = require "moonrow"

local stress = os.getenv "MOONROW_STRESS"

local db, engine, session

before_each(function()
  db = mr.open "sqlite://"
  engine, session = db.engine, db.session
end)

local function ask(sql) return session:scalar(mr.text(sql)) end

describe("a function of SQL", function()
  it("gets values of every kind, and returns them", function()
    local got
    engine:create_function("keep", function(...)
      got = table.pack(...)
      return (...)
    end)
    assert.equal(7, ask "SELECT keep(7, 1.5, 'text', x'00ff', NULL)")
    assert.same({ 7, 1.5, "text", "\0\255", n = 5 }, got)
    assert.equal("integer", math.type(got[1]))
    local kinds = { ["1"] = "integer", ["1.5"] = "real", ["'a'"] = "text", ["x'ff'"] = "blob", NULL = "null" }
    for value, kind in pairs(kinds) do
      assert.equal(kind, ask("SELECT typeof(keep(" .. value .. "))"))
    end
    engine:create_function("yes", function() return true end, { args = 0 })
    engine:create_function("price", function() return mr.decimal "1.50" end, { args = 0 })
    assert.equal(1, ask "SELECT yes()")
    assert.equal("1.50", ask "SELECT price()")
  end)

  it("is there on every connection of the engine, also on later ones", function()
    local path = os.tmpname()
    local files = mr.create_engine("sqlite:///" .. path)
    local before = files:connect()
    files:create_function("twice", function(x) return 2 * x end, { args = 1, deterministic = true })
    local after = files:connect()
    assert.equal(4, before:scalar(mr.text "SELECT twice(2)"))
    assert.equal(6, after:scalar(mr.text "SELECT twice(3)"))
    before:execute "CREATE TABLE t (x, CHECK (twice(x) < 10))"
    before:execute "CREATE INDEX i ON t (twice(x))" -- only of a deterministic one
    before:execute "INSERT INTO t VALUES (4)"
    assert.has_error(function() before:execute "INSERT INTO t VALUES (5)" end)
    before:close()
    after:close()
    files:dispose()
    os.remove(path)
  end)

  it("takes the place of one of the same name", function()
    engine:create_function("f", function() return 1 end)
    assert.equal(1, ask "SELECT f()")
    engine:create_function("f", function() return 2 end)
    assert.equal(2, ask "SELECT f()")
    assert.equal(2, engine:connect():scalar(mr.text "SELECT f()"))
  end)

  it("raises its own error where the statement runs, and the session goes on", function()
    local mine = { code = 7 }
    engine:create_function("bad", function() error(mine) end)
    engine:create_function("worse", function() error("no good", 0) end)
    local ok, err = pcall(ask, "SELECT bad()")
    assert.is_false(ok)
    assert.equal(mine, err)
    ok, err = pcall(ask, "SELECT worse()")
    assert.is_false(ok)
    assert.equal("no good", err)
    assert.equal(1, ask "SELECT 1")
    session:execute(mr.text "CREATE TABLE t (x)")
    session:commit()
    session:execute(mr.text "INSERT INTO t VALUES (1)")
    assert.is_false(pcall(session.execute, session, mr.text "INSERT INTO t SELECT worse() FROM t"))
    assert.equal(1, ask "SELECT count(*) FROM t")
    session:commit()
  end)

  it("may use the same session, but not end what calls it", function()
    session:execute(mr.text "CREATE TABLE t (x)")
    session:execute(mr.text "INSERT INTO t VALUES (1), (2), (3)")
    engine:create_function("others", function(x)
      return ask("SELECT count(*) FROM t WHERE x <> " .. x)
    end)
    assert.equal(6, ask "SELECT sum(others(x)) FROM t")
    for _, method in ipairs{ "commit", "rollback", "close" } do
      engine:create_function("ends", function() session[method](session) end)
      local ok, err = pcall(ask, "SELECT ends()")
      assert.is_false(ok)
      assert.truthy(tostring(err):find "InvalidRequestError")
      assert.truthy(err.message:find(method .. "() is not possible in a function that a statement of the session calls",
        1, true))
    end
    assert.equal(3, ask "SELECT count(*) FROM t")
  end)

  it("cannot yield", function()
    engine:create_function("waits", function() coroutine.yield() end)
    local ok, err = coroutine.wrap(function() return pcall(ask, "SELECT waits()") end)()
    assert.is_false(ok)
    assert.truthy(err.message:find("or an SQL function cannot yield", 1, true))
  end)

  it("outlives the variables that held it", function()
    do
      local bias = { 40 }
      engine:create_function("biased", function(x) return bias[1] + x end)
    end
    for _ = 1, stress and 3 or 20 do
      collectgarbage()
      assert.equal(42, ask "SELECT biased(2)")
    end
  end)

  it("is refused where it is none", function()
    for message, call in pairs{
      ["create_function: expected a name"] = function() engine:create_function(1, print) end,
      ["create_function: f: expected a function"] = function() engine:create_function("f", 1) end,
      ["args: expected a number of arguments, 0 to 100"] = function()
        engine:create_function("f", print, { args = 101 })
      end,
      ["create_aggregate: step: expected a function"] = function() engine:create_aggregate("f", {}) end,
      ["create_collation: c: expected a function"] = function() engine:create_collation "c" end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.truthy(err.message:find(message, 1, true), err.message)
    end
    engine:create_function("gives", function() return {} end)
    local ok, err = pcall(ask, "SELECT gives()")
    assert.is_false(ok)
    assert.truthy(err.message:find("the SQL function 'gives' returned table", 1, true))
    local mock = mr.create_engine "mock+sqlite://"
    ok, err = pcall(mock.create_function, mock, "f", print)
    assert.is_false(ok)
    assert.truthy(tostring(err):find "InvalidRequestError")
  end)
end)

describe("an aggregate of SQL", function()
  it("has a state for each group", function()
    engine:create_aggregate("median", {
      args = 1,
      init = function() return {} end,
      step = function(values, value) values[#values + 1] = value end,
      finish = function(values)
        table.sort(values)
        return values[(#values + 1) // 2]
      end,
    })
    engine:create_aggregate("total", {
      init = function() return 0 end,
      step = function(sum, value) return sum + value end, finish = function(sum) return sum end,
    })
    assert.equal(2, ask "SELECT median(column1) FROM (VALUES (3), (1), (2))")
    assert.is_nil(ask "SELECT median(1) WHERE 0")
    local rows = session:execute(mr.text [[SELECT column1 AS g, total(column2) FROM
      (VALUES (1, 1), (2, 5), (1, 2)) GROUP BY 1 ORDER BY 1]]):all()
    assert.same({ { 1, 3 }, { 2, 5 } }, { { rows[1][1], rows[1][2] }, { rows[2][1], rows[2][2] } })
  end)

  it("raises the error of each of its functions", function()
    for _, part in ipairs{ "init", "step", "finish" } do
      local parts = { init = function() return {} end, step = function() end, finish = function() end }
      parts[part] = function() error("in " .. part, 0) end
      engine:create_aggregate("fails", parts)
      local ok, err = pcall(ask, "SELECT fails(column1) FROM (VALUES (1), (2))")
      assert.is_false(ok)
      assert.equal("in " .. part, err)
      assert.equal(1, ask "SELECT 1")
    end
  end)
end)

describe("a collation", function()
  it("orders texts", function()
    engine:create_collation("by_length", function(a, b) return #a - #b end)
    local rows = session:scalars(mr.text
      "SELECT column1 FROM (VALUES ('ccc'), ('a'), ('bb')) ORDER BY column1 COLLATE by_length"):all()
    assert.same({ "a", "bb", "ccc" }, rows)
    assert.equal(1, ask "SELECT 'abc' = 'xyz' COLLATE by_length")
  end)

  it("raises its error, and what it must return", function()
    engine:create_collation("bad", function() error("no order", 0) end)
    engine:create_collation("none", function() end)
    local ok, err = pcall(ask, "SELECT 'a' < 'b' COLLATE bad")
    assert.is_false(ok)
    assert.equal("no order", err)
    ok, err = pcall(ask, "SELECT 'a' < 'b' COLLATE none")
    assert.is_false(ok)
    assert.truthy(err.message:find("the collation 'none' returned nil: it returns a number", 1, true))
    assert.equal(1, ask "SELECT 1")
  end)

  for _, index in ipairs{ "", " UNIQUE" } do
    it("that fails in a write leaves no wrong index behind:" .. (index == "" and " plain" or index), function()
      local calls, fails = 0, false
      engine:create_collation("flaky", function(a, b)
        calls = calls + 1
        if fails and calls > 3 then error("no order", 0) end
        return a < b and -1 or a > b and 1 or 0
      end)
      session:execute(mr.text "CREATE TABLE t (a TEXT COLLATE flaky)")
      session:execute(mr.text("CREATE" .. index .. " INDEX i ON t (a)"))
      session:execute(mr.text "INSERT INTO t VALUES ('a'), ('c'), ('e'), ('g')")
      session:commit()
      calls, fails = 0, true
      local ok, err = pcall(session.execute, session, mr.text "INSERT INTO t VALUES ('b'), ('d'), ('f'), ('h')")
      fails = false
      assert.is_false(ok)
      assert.equal("no order", err)
      pcall(session.commit, session)
      session:rollback()
      assert.same({}, db:integrity_check())
      assert.equal(4, ask "SELECT count(*) FROM t")
      session:execute(mr.text "INSERT INTO t VALUES ('b')")
      session:commit()
      assert.same({ "a", "b", "c", "e", "g" }, session:scalars(mr.text "SELECT a FROM t ORDER BY a"):all())
    end)
  end
end)
