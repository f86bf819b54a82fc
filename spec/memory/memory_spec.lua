-- Memory: what the session holds, and what it releases; long loops use a constant amount.

local mr = require "moonrow"
local process = require "spec.support.process"
local support = require "spec.support.models"

local stress = os.getenv "MOONROW_STRESS"
-- Under stress the long ones would take minutes.
local long = stress and pending or it

local function collect()
  for _ = 1, 4 do
    collectgarbage()
    mr.memory{ trace = true }
  end
end

-- The bytes of moonrow and Lua together.
local function bytes() return mr.memory().bytes + collectgarbage "count" * 1024 end

-- Runs the work again and again. Asserts that the bytes in use do not grow by so many.
local function does_not_grow(limit, work)
  local function round()
    work()
    collect()
    return bytes()
  end
  round()
  local before = round()
  for _ = 1, 3 do round() end
  assert.is_true(round() - before < limit, "it grows")
end

local function things(kind)
  local db = mr.open "sqlite://"
  local Thing = db.Model:extend("Thing", {
    id   = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(50) },
    body = db.Column{ kind or db.Text },
  })
  db:create_all()
  return db, Thing
end

local function fill(db, n, body)
  db.session:execute(mr.text [[INSERT INTO thing (id, name, body)
    WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < :n)
    SELECT x, 'thing ' || x, :body FROM c]],
    { n = n, body = body or mr.null })
  db.session:commit()
  db.session:remove()
end

describe("what is reachable", function()
  it("stays: an object, a list, a row that holds one, a field", function()
    local db, Thing = things()
    fill(db, 4)
    local one = db.session:get(Thing, 1)
    local list = Thing.query:filter_by{ id = 2 }:all()
    local row = db.session:query(Thing, Thing.name):filter(Thing.id:eq(3)):one()
    Thing.query:all()
    collect()
    assert.equal(3, #db.session.identity_map)
    assert.equal("thing 1thing 2thing 3", one.name .. list[1].name .. row[1].name)
    local seen = {}
    for _, object in pairs(db.session.identity_map) do seen[#seen + 1] = object end
    assert.equal(3, #seen)
  end)

  it("stays: what is new, changed or deleted, until it is flushed", function()
    local db, Thing = things()
    fill(db, 2)
    do
      local first, second = db.session:get(Thing, 1), db.session:get(Thing, 2)
      first.name = "changed"
      db.session:delete(second)
      db.session:add(Thing{ name = "new" })
    end
    collect()
    assert.equal(1, #db.session.new)
    assert.equal(1, #db.session.dirty)
    assert.equal(1, #db.session.deleted)
    db.session:commit()
    collect()
    assert.equal(0, #db.session.identity_map)
    assert.equal("changed", db.session:get(Thing, 1).name)
    assert.equal(2, Thing.query:count())
  end)

  it("stays through a rollback, though nothing but the session knew it", function()
    local db, Thing = things()
    fill(db, 1)
    db.session:get(Thing, 1).name = "changed"
    db.session:flush()
    collect()
    db.session:rollback()
    assert.equal("thing 1", db.session:get(Thing, 1).name)
  end)

  it("is dropped with its session, and not before its object", function()
    local db, Thing = things()
    fill(db, 1)
    local session = mr.Session(db.engine)
    local object = session:query(Thing):one()
    session:close()
    session = nil -- luacheck: ignore
    collect()
    assert.equal("thing 1", object.name)
  end)

  it("is a proxy that is the same for the same object", function()
    local db, Thing = things()
    fill(db, 3)
    local object = db.session:get(Thing, 1)
    local set = { [object] = true }
    collect()
    assert.is_true(set[db.session:get(Thing, 1)])
    assert.is_true(rawequal(object, Thing.query:filter_by{ id = 1 }:one()))
  end)
end)

describe("a field", function()
  local function sprites()
    local db = mr.open "sqlite://"
    local Sprite = db.Model:extend("Sprite",
      { id = db.Column{ db.Integer, primary_key = true }, data = mr.field() })
    db:create_all()
    return db, Sprite
  end

  it("that refers to its object is collected with it", function()
    local db, Sprite = sprites()
    local alive = setmetatable({}, { __mode = "k" })
    for _ = 1, 50 do
      local s = Sprite{}
      s.data = { s }
      alive[s.data] = true
    end
    collect()
    assert.is_nil(next(alive))
    for _ = 1, 50 do
      local s = Sprite{}
      db.session:add(s)
      db.session:flush()
      s.data = { s }
      alive[s.data] = true
    end
    db.session:commit()
    db.session:remove()
    collect()
    assert.is_nil(next(alive))
  end)
end)

describe("a finalizer", function()
  it("may touch objects, and the session goes on", function()
    local db, Thing = things()
    fill(db, 3)
    local seen
    do
      local object = db.session:get(Thing, 1)
      setmetatable({ object }, { __gc = function(t)
        seen = select(2, pcall(function() return t[1].name end))
        pcall(function() db.session:commit() end)
      end })
    end
    collect()
    assert.is_truthy(seen == "thing 1" or mr.errors.InvalidRequestError:is(seen))
    assert.equal(3, Thing.query:count())
  end)

  it("that gets objects while a list of them is made gets those of the list", function()
    assert.equal("0\n", (process.run "lua5.4 spec/support/finalizers.lua"))
  end)
end)

describe("memory", function()
  -- Nearly all of moonrow's own memory must return. Lua's table of strings shrinks by half in each cycle, so the limit
  -- for both together is higher.
  long("returns when 100,000 objects are dropped", function()
    local db, Thing = things()
    collect()
    local before, own, others = bytes(), mr.memory().bytes, mr.memory().objects
    for _ = 1, 3 do
      local list = {}
      for i = 1, 100000 do list[i] = Thing{ name = "name " .. i } end
      assert.equal("name 1", list[1].name)
      assert.equal(100000, mr.memory().objects - others)
      assert.is_true(bytes() - before > 20e6)
      list = nil -- luacheck: ignore
      collect()
      assert.is_true(mr.memory().objects <= others)
      assert.is_true(mr.memory().bytes - own < 100000, ("%d bytes stay"):format(mr.memory().bytes - own))
      assert.is_true(bytes() - before < 32 * 100000, ("%d bytes stay, with Lua's"):format(bytes() - before))
    end
    assert.equal(0, #db.session.new)
  end)

  long("returns when 20,000 objects are flushed, committed and dropped", function()
    local db, Thing = things()
    for round = 1, 2 do
      local before = round == 2 and bytes()
      local list = {}
      for i = 1, 20000 do list[i] = Thing{ name = "name " .. i } end
      db.session:add_all(list)
      db.session:commit()
      list = nil -- luacheck: ignore
      collect()
      assert.equal(0, #db.session.identity_map)
      if before then assert.is_true(bytes() - before < 500e3, ("%d bytes stay"):format(bytes() - before)) end
    end
  end)

  for _, mode in ipairs{ "incremental", "generational" } do
    long("is flat over 200,000 rows by yield_per, " .. mode, function()
      local db, Thing = things()
      fill(db, 200000)
      local old = collectgarbage(mode)
      finally(function() collectgarbage(old) end)
      collect()
      local before, peak, n, sum = bytes(), 0, 0, 0
      for thing in Thing.query:yield_per(500):iter() do
        n, sum = n + 1, sum + #thing.name
        if n % 1000 == 0 then peak = math.max(peak, bytes()) end
      end
      assert.equal(200000, n)
      assert.is_true(sum > 2000000)
      assert.is_true(peak - before < 16e6, ("%d bytes at the peak"):format(peak - before))
      db.session:remove()
    end)

    long("is flat in a loop that loads 50 kB objects and drops them, " .. mode, function()
      local db, Thing = things()
      fill(db, 200, ("x"):rep(50000))
      local old = collectgarbage(mode)
      finally(function() collectgarbage(old) end)
      collect()
      local before, peak = bytes(), 0
      for i = 1, 4000 do
        local thing = db.session:get(Thing, (i * 7) % 200 + 1)
        assert(thing.id == (i * 7) % 200 + 1)
        if i % 20 == 0 then
          db.session:expunge_all()
          peak = math.max(peak, bytes())
        end
      end
      -- If all of them were held at once, it would be 200 MB.
      assert.is_true(peak - before < 64e6, ("%d bytes at the peak"):format(peak - before))
      db.session:remove()
      collect()
      assert.is_true(bytes() - before < 2e6, ("%d bytes stay"):format(bytes() - before))
    end)

    long("is flat in a loop that creates 50 kB objects and drops them, " .. mode, function()
      local _, Thing = things()
      local old = collectgarbage(mode)
      finally(function() collectgarbage(old) end)
      collect()
      local before, peak = bytes(), 0
      for i = 1, 4000 do
        local thing = Thing{ body = ("x"):rep(50000) .. i }
        assert(thing.id == nil)
        if i % 20 == 0 then peak = math.max(peak, bytes()) end
      end
      assert.is_true(peak - before < 64e6, ("%d bytes at the peak"):format(peak - before))
    end)
  end

  long("is flat while queries of many shapes run", function()
    local db, Thing = things()
    fill(db, 10)
    does_not_grow(300e3, function()
      for i = 1, 300 do
        Thing.query:filter(Thing.name:eq("thing " .. i)):first()
        db.session:execute(mr.text("SELECT " .. i .. " AS n")):all()
      end
    end)
  end)

  long("of a lone session's many commits stays", function()
    local db, Thing = things()
    local thing = Thing{ name = "x" }
    db.session:add(thing)
    db.session:commit()
    does_not_grow(100e3, function()
      for i = 1, 500 do
        thing.name = "name " .. i
        db.session:commit()
      end
    end)
  end)

  it("names what it is made of, and no unknown option", function()
    local memory = mr.memory()
    assert.equal("integer", math.type(memory.bytes))
    assert.equal("integer", math.type(memory.objects))
    local e = support.error_of(mr.memory, { trac = true })
    assert.equal("ArgumentError", e.kind)
    assert.matches("trace", e.message)
  end)
end)

describe("an object of an engine that is gone", function()
  it("keeps its values", function()
    local object
    do
      local db, Thing = things()
      fill(db, 1)
      object = db.session:get(Thing, 1)
      assert.equal("thing 1", object.name)
      db.session:remove()
    end
    collect()
    assert.equal("thing 1", object.name)
    assert.matches("Thing", tostring(object))
  end)
end)
