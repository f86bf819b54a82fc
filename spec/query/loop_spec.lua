-- luacheck: ignore 512
-- A for loop over a query or a result is left before its end. If a function in the loop uses the loop's variable, Lua
-- 5.4.4 closes the closing value of the loop too late: in such a Lua the iterators have no closing value.
local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("a for loop over a query, left by break", function()
  local db, T
  local path = os.tmpname()

  before_each(function()
    os.remove(path)
    db = mr.open("sqlite:///" .. path)
    T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true }, n = db.Column{ db.Integer } })
    db:create_all()
    for i = 1, 200 do db.session:add(T{ n = i }) end
    db.session:commit()
  end)

  after_each(function()
    db.session:remove()
    os.remove(path)
  end)

  -- A function that runs the loop, which makes f and is left early. Then other variables take the place of the loop's
  -- own. Returns f(), and the sum of these.
  local function leaving(loop)
    local code = "local T, db, mr = ... local f " .. loop ..
      " local a, b, c, d, e = 1, 2, 3, 4, 5 return f(), a + b + c + d + e"
    local run = assert(load(code))
    return function() return run(T, db, mr) end
  end

  -- Each leaves its loop while a function holds the loop's variable.
  local ways = {
    ["a query"] = leaving [[
      for t in T.query:order_by(T.id):iter() do f = function() return t.n end break end]],
    ["a result"] = leaving [[
      for row in db.session:execute(mr.select(T.id, T.n):order_by(T.id)):iter() do
        f = function() return row.n end
        if row.n == 1 then break end
      end]],
    ["scalars"] = leaving [[
      for n in db.session:scalars(mr.select(T.n):order_by(T.n)):iter() do f = function() return n end break end]],
    ["a query in pieces"] = leaving [[
      for t in T.query:order_by(T.id):yield_per(3):iter() do f = function() return t.n end break end]],
    ["a query in another's loop"] = leaving [[
      for t in T.query:order_by(T.id):iter() do
        for u in T.query:order_by(T.id):iter() do f = function() return t.n * u.n end break end
        local a, b, c = 1, 2, 3
        if f() == a * (b - a) and c then break end
      end]],
    ["a query, by goto"] = leaving [[
      for t in T.query:order_by(T.id):iter() do f = function() return t.n end goto done end
      ::done::]],
  }

  for name, way in pairs(ways) do
    it("goes on as it should: " .. name, function()
      for _ = 1, 20 do
        local n, sum = way()
        assert.equal(1, n)
        assert.equal(15, sum)
      end
    end)

    it("keeps nobody from writing, dropping and closing while the collector has not come by: " .. name, function()
      if name ~= "a query in pieces" then collectgarbage "stop" end
      local ok, message = pcall(function()
        way()
        db.session:add(T{ n = 1000 })
        db.session:commit()
        way()
        local other = mr.Session(mr.create_engine("sqlite:///" .. path, { busy_timeout = 0 }))
        other:execute(mr.insert(T):values{ n = 1001 })
        other:commit()
        other:close()
        way()
        db.session:rollback()
        way()
        db.session:close()
        way()
        db:drop_all()
        db.engine:dispose()
      end)
      collectgarbage "restart"
      assert.is_true(ok, message)
    end)
  end

  it("lets the next statement see what is new, where it read in pieces", function()
    local walk = ways["a query in pieces"]
    for i = 1, 5 do
      walk()
      db.engine:begin(function(connection) connection:execute(mr.insert(T), { n = 500 + i }) end)
      assert.equal(200 + i, T.query:count())
      walk()
      db.engine:begin(function(connection) connection:execute(mr.update(T):where(T.id:eq(1)):values{ n = i }) end)
      assert.equal(i, db.session:scalar(mr.select(T.n):where(T.id:eq(1))))
    end
  end)

  it("goes on while its body sends statements, where it reads in pieces", function()
    local seen = 0
    for t in T.query:order_by(T.id):yield_per(7):iter() do
      seen = seen + 1
      assert.equal(seen, t.n)
      assert.equal(200, T.query:count())
      if seen % 50 == 0 then collectgarbage() end
    end
    assert.equal(200, seen)
  end)

  it("closes its cursor at once where Lua can be trusted with it", function()
    local closed = false
    local closing = setmetatable({}, { __close = function() closed = true end })
    local function items() return next, { true }, nil, closing end
    local held
    local function probe()
      for item in items() do
        held = function() return item end
        if held then break end
      end
      return closed
    end
    local ok, sound = pcall(probe)
    local n = select("#", T.query:iter())
    assert.equal((ok and sound) and 4 or 3, n)
    assert.equal(n, (select("#", db.session:execute(mr.select(T)):iter())))
  end)
end)

describe("the iterator of a query", function()
  it("is a function that works outside of a loop, too: of queries, results and compiled queries", function()
    local db = mr.open "sqlite://"
    local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    db.session:add_all{ User{}, User{}, User{} }
    db.session:commit()
    local query = db.session:query(User.id):order_by(User.id)
    for name, next_row in pairs{
      query = query:iter(), streamed = query:yield_per(1):iter(), compiled = query:compiled():iter(),
      result = db.session:execute(mr.select(User.id):order_by(User.id)):iter(),
    } do
      collectgarbage()
      for id = 1, 3 do assert.equal(id, next_row()[1], name) end
      assert.is_nil(next_row(), name)
      assert.is_nil(next_row(), name)
    end
  end)

  it("says so when its result was closed", function()
    local db = mr.open "sqlite://"
    local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    db.session:add_all{ User{}, User{} }
    db.session:commit()
    local result = db.session:execute(mr.select(User.id))
    local next_row = result:iter()
    next_row()
    result:close()
    refuse("InvalidRequestError", "closed", next_row)
  end)
end)
