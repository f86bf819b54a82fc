-- Large units of work: time grows in proportion to the work, memory with what is held. This runs only if MOONROW_LONG
-- is set, and prints what it has measured.

local mr = require "moonrow"

if not os.getenv "MOONROW_LONG" then
  describe("large units of work", function() pending "run with MOONROW_LONG=1" end)
  return
end

local function items()
  local db = mr.open "sqlite://"
  local Item = db.Model:extend("Item", {
    id        = db.Column{ db.Integer, primary_key = true },
    name      = db.Column{ db.String(40) },
    score     = db.Column{ db.Integer },
    parent_id = db.Column{ db.Integer, db.ForeignKey "item.id", index = true },
    parent    = db.relationship{ "Item", remote_side = "Item.id", backref = "children" },
  })
  db:create_all()
  return db, Item
end

--- The resident memory of the process, now and at its maximum, in MB.
local function memory()
  local now, peak = 0, 0
  for line in io.lines "/proc/self/status" do
    now = tonumber(line:match "^VmRSS:%s*(%d+)") or now
    peak = tonumber(line:match "^VmHWM:%s*(%d+)") or peak
  end
  return now // 1024, peak // 1024
end

local function timed(what, fn)
  collectgarbage()
  local started = os.clock()
  fn()
  local seconds = os.clock() - started
  local now, peak = memory()
  print(("# %-46s %7.2f s  %5d MB (peak %d MB)"):format(what, seconds, now, peak))
  return seconds
end

local function added(n)
  local db, Item = items()
  local seconds = timed(("%d objects made and added"):format(n), function()
    local session = db.session()
    for i = 1, n do session:add(Item{ name = "item " .. i, score = i }) end
  end)
  seconds = seconds + timed(("%d objects flushed and committed"):format(n), function() db.session:commit() end)
  assert.equal(n, db.session:query(Item):count())
  return seconds
end

describe("large units of work", function()
  -- This comes first: it measures the garbage that the collector leaves, which depends on the heap before.
  it("import of 300,000 rows stays flat", function()
    local db, Item = items()
    local base, most = nil, 0
    timed("import of 300000 rows", function()
      local i = 0
      db.session:import(Item, function()
        i = i + 1
        if i <= 300000 then return { name = "item " .. i, score = i } end
      end, {
        progress = function(count)
          local used = collectgarbage "count"
          if count == 50000 then base = used end
          most = math.max(most, used)
        end,
      })
    end)
    print(("# Lua's memory: %.1f MB after 50000 rows, %.1f MB at most"):format(base / 1024, most / 1024))
    db.session:commit()
    assert.equal(300000, Item.query:count())
    assert.is_true(most < 2 * base + 10240)
  end)

  it("a flush of 1,000,000 new objects takes ten times as long as one of 100,000", function()
    local small = added(100000)
    local large = added(1000000)
    assert.is_true(large < 25 * small, ("%.2f s and %.2f s"):format(small, large))
  end)

  it("new objects that expire one by one, with what cascades from each", function()
    local function expired(n)
      local db = mr.open "sqlite://"
      local Parent = db.Model:extend("Parent", {
        id = db.Column{ db.Integer, primary_key = true },
        children = db.relationship{ "Child", cascade = "all" },
      })
      local Child = db.Model:extend("Child", {
        id = db.Column{ db.Integer, primary_key = true },
        parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
      })
      db:create_all()
      local all = {}
      for i = 1, n do all[i] = Parent{ children = { Child{} } } end
      db.session:add_all(all)
      db.session:flush()
      return timed(("%d new objects expired one by one"):format(n), function()
        for _, parent in ipairs(all) do db.session:expire(parent) end
      end)
    end
    local few, many = expired(2000), expired(20000)
    assert.is_true(many < 30 * few + 0.05, ("%.3f s and %.3f s"):format(few, many))
  end)

  it("a chain of rows that refer to each other is deleted", function()
    local function deleted(n)
      local db, Item = items()
      local rows = {}
      for i = 1, n do rows[i] = { id = i, parent_id = i > 1 and i - 1 or mr.null } end
      db.session:execute(mr.insert(Item), rows)
      db.session:commit()
      return timed(("%d rows in a chain deleted"):format(n), function()
        for _, item in ipairs(Item.query:all()) do db.session:delete(item) end
        db.session:commit()
      end)
    end
    local few, many = deleted(2000), deleted(20000)
    assert.is_true(many < 30 * few + 0.05, ("%.3f s and %.3f s"):format(few, many))
  end)

  it("the items of a list with delete-orphan are replaced one by one", function()
    local function replaced(n)
      local db = mr.open "sqlite://"
      local Parent = db.Model:extend("Parent", {
        id = db.Column{ db.Integer, primary_key = true },
        children = db.relationship{ "Child", cascade = "all, delete-orphan", backref = "parent" },
      })
      local Child = db.Model:extend("Child", {
        id = db.Column{ db.Integer, primary_key = true },
        parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
      })
      db:create_all()
      local old, new = {}, {}
      for i = 1, n do old[i], new[i] = Child{}, Child{} end
      local parent = Parent{ children = old }
      return timed(("%d items replaced one by one"):format(n), function()
        for i = 1, n do parent.children[i] = new[i] end
      end)
    end
    local few, many = replaced(10000), replaced(100000)
    assert.is_true(many < 30 * few + 0.05, ("%.3f s and %.3f s"):format(few, many))
  end)

  it("10,000 dirty among 1,000,000 loaded: the flush looks at what is dirty", function()
    local db, Item = items()
    db.session:import(Item, coroutine.wrap(function()
      for i = 1, 1000000 do coroutine.yield{ id = i, name = "item " .. i, score = i } end
    end))
    db.session:commit()
    local function flush_of(count)
      db.session:remove()
      local all
      timed(("%d objects loaded"):format(count), function() all = Item.query:limit(count):all() end)
      assert.equal(count, #all)
      for i = 1, 10000 do all[i * (count // 10000)].score = -i end
      return timed(("10000 dirty among %d flushed"):format(count), function() db.session:flush() end)
    end
    local few, many = flush_of(20000), flush_of(1000000)
    assert.is_true(many < 3 * few + 0.05, ("%.3f s and %.3f s"):format(few, many))
  end)

  it("a chain 1,000,000 deep is added, flushed, merged and rolled back without recursion", function()
    local db, Item = items()
    local n = 1000000
    local last
    timed(("chain of %d made and added"):format(n), function()
      local first = Item{ name = "0" }
      last = first
      for _ = 2, n do last = Item{ name = "x", parent = last } end
      db.session:add(last)
    end)
    assert.equal(n, #db.session.new)
    timed("the chain flushed", function() db.session:flush() end)
    assert.equal(n, last.id)
    assert.equal(n - 1, last.parent_id)
    local other = mr.Session(db.engine)
    timed("the chain merged into another session", function()
      local merged = other:merge(last, { load = false })
      assert.equal(n, #other.identity_map)
      assert.equal(n, merged.id)
    end)
    other:close()
    timed("the chain rolled back", function() db.session:rollback() end)
    assert.is_nil(last.id)
    assert.equal("transient", mr.inspect(last).state)
  end)
end)
