-- get, and first with values of attributes, read one object in a short way if nothing needs the long one. Results,
-- events and errors are the same in both.

local mr = require "moonrow"
local models = require "spec.support.models"

local db, Item, path

-- Two ways to read item i: functions of a session.
local ways = {
  ["by its key"] = function(session, i) return session:get(Item, i) end,
  ["by its values"] = function(session, i) return session:query(Item):filter_by{ code = "c" .. i }:first() end,
  ["by Class.query"] = function(session, i)
    return session == db.session and Item.query:filter_by{ code = "c" .. i }:first() or session:get(Item, i)
  end,
}

local function each_way(fn)
  for name, way in pairs(ways) do
    for _, session in ipairs{ db.session, mr.Session(db.engine) } do
      fn(function(i) return way(session, i) end, session, name)
      session:rollback()
      session:expunge_all()
    end
  end
end

before_each(function()
  path = os.tmpname()
  db = mr.open("sqlite:///" .. path .. "?busy_timeout=300")
  Item = db.Model:extend("Item", {
    id = db.Column{ db.Integer, primary_key = true },
    code = db.Column{ db.String },
    size = db.Column{ db.Integer },
    note = db.Column{ db.Text, deferred = true },
  })
  db:create_all()
  for i = 1, 5 do db.session:add(Item{ code = "c" .. i, size = 10 * i, note = "n" .. i }) end
  db.session:commit()
  db.session:expunge_all()
end)

after_each(function() os.remove(path) end)

describe("an object that is read alone", function()
  it("is that of the row, or nil where there is none, in a transaction and outside", function()
    each_way(function(read, session, name)
      for _, inside in ipairs{ false, true } do
        if inside then session:begin{ mode = "deferred" } end
        for i = 1, 5 do
          local item = read(i)
          assert.same({ i, "c" .. i, 10 * i, "n" .. i }, { item.id, item.code, item.size, item.note }, name)
          assert.equal(item, read(i))
        end
        assert.is_nil(read(9))
        assert.equal(read(2), session:query(Item):filter(Item.size:eq(20)):one())
        if inside then session:rollback() end
      end
    end)
  end)

  it("is told of, with the statement and its parameters, while somebody looks on, and read as before when nobody does",
    function()
      each_way(function(read, session, name)
        read(1)
        local recorded = db:record(function() assert.equal(20, read(2).size) end)
        assert.equal(1, #recorded, name)
        assert.is_true(recorded[1].parameters[1] == 2 or recorded[1].parameters[1] == "c2", name)
        local heard = {}
        local function hear(_, sql) heard[#heard + 1] = sql end
        mr.event.listen(db.engine, "before_execute", hear)
        assert.equal(30, read(3).size)
        mr.event.remove(db.engine, "before_execute", hear)
        assert.equal(recorded[1].statement, heard[1])
        assert.equal(40, read(4).size)
        assert.equal(1, #heard)
        assert.is_true(session.closed == false)
      end)
    end)

  it("is refused with the value's name where a value is none of its type, or read without it", function()
    models.elsewhere(db, "UPDATE item SET size = 'big' WHERE id = 3")
    each_way(function(read)
      assert.equal(10, read(1).size)
      for _ = 1, 2 do
        local e = models.error_of(read, 3)
        assert.matches("size", tostring(e))
        assert.matches("big", tostring(e))
        assert.matches("SELECT", e.statement or tostring(e))
      end
      assert.equal(20, read(2).size)
    end)
    local query = db.session:query(Item):execution_options{ bad_values = "null" }
    assert.is_nil(query:filter_by{ code = "c3" }:first().size)
  end)

  it("is a new read after the table has changed, and an error where that is gone", function()
    each_way(function(read, _, name)
      assert.equal(10, read(1).size)
      models.elsewhere(db, "ALTER TABLE item ADD COLUMN more TEXT DEFAULT 'x'")
      assert.equal(20, read(2).size)
      models.elsewhere(db, "ALTER TABLE item RENAME TO gone")
      for _ = 1, 2 do assert.error_matches(function() read(3) end, "no such table") end
      models.elsewhere(db, "ALTER TABLE gone RENAME TO item")
      assert.equal(30, read(3).size, name)
      models.elsewhere(db, "ALTER TABLE item DROP COLUMN more")
    end)
  end)

  it("waits for a lock once, says what is in the way, and is read when that is gone", function()
    local other = mr.create_engine("sqlite:///" .. path .. "?busy_timeout=0")
    each_way(function(read, session)
      read(1)
      session:rollback()
      local holder = mr.Session(other)
      local transaction = holder:begin{ mode = "exclusive" }
      for _ = 1, 2 do
        local e = models.error_of(read, 2)
        assert.matches("locked", tostring(e))
        assert.matches("SELECT", e.statement or tostring(e))
      end
      transaction:rollback()
      holder:close()
      assert.equal(20, read(2).size)
    end)
  end)

  it("may be asked for by listeners of another's load, and brings their errors", function()
    local loaded, fails = {}, false
    local session
    mr.event.listen(Item, "load", function(item)
      loaded[#loaded + 1] = item.id
      if fails then error "not now" end
      if item.id > 1 then
        assert.equal(item.id - 1, session:get(Item, item.id - 1).id)
        assert.equal(item.id - 1, session:query(Item):filter_by{ code = "c" .. item.id - 1 }:first().id)
      end
    end)
    each_way(function(read, of)
      session, loaded = of, {}
      assert.equal(40, read(4).size)
      assert.same({ 4, 3, 2, 1 }, loaded)
      fails = true
      assert.error_matches(function() read(5) end, "not now")
      fails = false
      assert.equal(50, read(5).size)
    end)
  end)

  it("goes beside a loop that is still reading, and in between statements that write", function()
    each_way(function(read, session)
      local n = 0
      for item in session:query(Item):order_by(Item.id):yield_per(1):iter() do
        n = n + 1
        assert.equal(item, read(item.id))
        assert.equal(10 * (n % 5 + 1), read(n % 5 + 1).size)
      end
      assert.equal(5, n)
      read(1).size = 11
      assert.equal(20, read(2).size)
      assert.equal(11, session:query(Item):filter_by{ size = 11 }:first().size)
    end)
  end)

  it("has keys of any kind", function()
    local Pair = db.Model:extend("Pair", {
      a = db.Column{ db.Integer, primary_key = true },
      b = db.Column{ db.String, primary_key = true },
      v = db.Column{ db.Integer },
    })
    local Day = db.Model:extend("Day", {
      day = db.Column{ db.Date, primary_key = true },
      v = db.Column{ db.Integer },
    })
    db:create_all()
    for i = 1, 40 do
      db.session:add(Pair{ a = i % 4, b = ("key"):rep(i), v = i })
      db.session:add(Day{ day = mr.date(2020, 1, 1) + mr.interval{ days = i }, v = i })
    end
    db.session:commit()
    for _ = 1, 2 do
      db.session:expunge_all()
      for i = 1, 40 do
        assert.equal(i, db.session:get(Pair, { i % 4, ("key"):rep(i) }).v)
        assert.equal(i, db.session:query(Pair):filter_by{ a = i % 4, b = ("key"):rep(i) }:first().v)
        assert.equal(i, db.session:get(Day, mr.date(2020, 1, 1) + mr.interval{ days = i }).v)
        assert.equal(i, db.session:query(Day):filter_by{ v = i }:first().v)
      end
      assert.is_nil(db.session:get(Pair, { 5, "key" }))
    end
  end)
end)
