-- ended_transaction_spec.lua: the database ends a transaction by itself, in the middle of a statement. Nothing of it
-- may count as stored afterwards.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local process = require "spec.support.process"

local error_of = support.error_of

-- Makes a table in which a row named "full" ends the transaction by a constraint, and one named "gone" by a trigger.
local function open(url, options)
  local db = mr.open(url or "sqlite://", options)
  local Item = db.Model:extend("Item", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(80), nullable = false },
  })
  local c = db.engine:connect()
  c:execute "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL UNIQUE ON CONFLICT ROLLBACK)"
  c:execute [[CREATE TRIGGER gone BEFORE INSERT ON item WHEN new.name = 'gone'
    BEGIN SELECT RAISE(ROLLBACK, 'gone with it'); END]]
  c:execute [[CREATE TRIGGER gone_too BEFORE UPDATE ON item WHEN new.name = 'gone'
    BEGIN SELECT RAISE(ROLLBACK, 'gone with it'); END]]
  c:execute [[CREATE TRIGGER gone_as_well BEFORE DELETE ON item WHEN old.name = 'precious'
    BEGIN SELECT RAISE(ROLLBACK, 'gone with it'); END]]
  c:execute "INSERT INTO item (name) VALUES ('taken')"
  c:commit()
  c:close()
  return db, Item
end

local function names(db)
  local list = {}
  local c <close> = db.engine:connect()
  for i, row in ipairs(c:execute("SELECT name FROM item ORDER BY id"):all()) do list[i] = row.name end
  return list
end

local insert = "INSERT INTO item (name) VALUES (:name)"

-- Each of these runs a statement that ends the transaction.
local ways = {
  ["a statement"] = function(s) s:execute(mr.text(insert), { name = "taken" }) end,
  ["a trigger"] = function(s) s:execute(mr.text(insert), { name = "gone" }) end,
  ["an insert of a class"] = function(s, Item) s:execute(mr.insert(Item), { name = "gone" }) end,
  ["a batch"] = function(s, Item)
    s:execute(mr.insert(Item), { { name = "b1" }, { name = "gone" }, { name = "b2" } })
  end,
  ["a batch that returns"] = function(s, Item)
    s:execute(mr.insert(Item):returning(Item.id), { { name = "b1" }, { name = "gone" } }):all()
  end,
  ["import"] = function(s, Item) s:import(Item, { { name = "b1" }, { name = "gone" } }) end,
  ["an update of a query"] = function(s, Item) s:query(Item):filter_by{ name = "first" }:update{ name = "gone" } end,
  ["a delete of a query"] = function(s, Item)
    s:execute(mr.text(insert), { name = "precious" })
    s:query(Item):filter_by{ name = "precious" }:delete()
  end,
  ["a flush"] = function(s, Item)
    s:add(Item{ name = "gone" })
    s:flush()
  end,
  ["an autoflush"] = function(s, Item)
    s:add(Item{ name = "gone" })
    s:query(Item):all()
  end,
  ["a refresh that flushes"] = function(s, Item)
    s:add(Item{ name = "gone" })
    s:refresh(s:query(Item):filter_by{ name = "first" }:one())
  end,
  ["returned objects read step by step"] = function(s, Item)
    for _ in s:execute(mr.insert(Item):values{ { name = "r1" }, { name = "gone" } }:returning(Item)):iter() do end -- luacheck: ignore
  end,
}

describe("a transaction that the database ends by itself in", function()
  for name, way in pairs(ways) do
    it(name .. " needs a rollback before the session goes on, and is gone in memory as well", function()
      local db, Item = open()
      local s = db.session()
      local first, rolled_back = Item{ name = "first" }, 0
      mr.event.listen(s, "after_rollback", function() rolled_back = rolled_back + 1 end)
      s:add(first)
      s:flush()
      local e = error_of(way, s, Item)
      assert.is_not.equal("PendingRollbackError", e.kind)
      assert.equal("transient", mr.inspect(first).state)
      assert.is_nil(first.id)
      assert.equal(1, rolled_back)
      assert.is_true(s:in_transaction())
      for _, call in ipairs{
        function() s:execute(mr.text(insert), { name = "late" }) end,
        function() s:add(Item{ name = "late" }) end,
        function() s:query(Item):all() end,
        function() s:get(Item, 1) end,
        function() s:flush() end,
        function() s:commit() end,
        function() s:begin() end,
        function() s:begin_nested() end,
      } do
        local refused = refuse("PendingRollbackError", "rollback", call)
        local said = e.message:gsub(" %(in an autoflush.*", ""):gsub(" %([%l ]*rows? %d.*", "") -- without the place
        assert.matches(said, refused.message, 1, true)
      end
      s:rollback()
      assert.equal(1, rolled_back)
      assert.is_false(s:in_transaction())
      assert.same({ "taken" }, names(db))
      s:add(first)
      s:commit()
      assert.same({ "taken", "first" }, names(db))
    end)

    it(name .. " cannot be committed in part by its block", function()
      local db, Item = open()
      local e = refuse("PendingRollbackError", "rollback", db.session.begin, db.session, function(s)
        s:add(Item{ name = "first" })
        s:flush()
        pcall(way, s, Item)
        pcall(s.execute, s, mr.text(insert), { name = "late" })
      end)
      assert.truthy(e)
      assert.is_false(db.session:in_transaction())
      assert.same({ "taken" }, names(db))
      db.session:begin(function(s) s:add(Item{ name = "next" }) end)
      assert.same({ "taken", "next" }, names(db))
    end)

    it(name .. " within savepoints is lost at all levels", function()
      local db, Item = open()
      local s = db.session()
      refuse("PendingRollbackError", "rollback", s.begin, s, function()
        s:add(Item{ name = "first" })
        local ok, e = pcall(s.begin_nested, s, function()
          s:begin_nested(function()
            s:add(Item{ name = "inner" })
            s:flush()
            way(s, Item)
          end)
        end)
        assert.is_false(ok)
        assert.is_not.equal("PendingRollbackError", e.kind)
        s:add(Item{ name = "late" })
      end)
      assert.is_false(s:in_transaction())
      assert.same({ "taken" }, names(db))
    end)
  end

  it("its first statement is over all the same", function()
    local db = open()
    local s = db.session()
    refuse("IntegrityError", "UNIQUE", ways["a statement"], s)
    refuse("PendingRollbackError", "UNIQUE", s.execute, s, mr.text(insert), { name = "late" })
    s:rollback()
    s:execute(mr.text(insert), { name = "later" })
    s:commit()
    assert.same({ "taken", "later" }, names(db))
  end)

  it("a value of begin: its commit is refused, and the end of its scope", function()
    local db, Item = open()
    local s = db.session()
    local t = s:begin()
    s:add(Item{ name = "first" })
    s:flush()
    pcall(ways["a trigger"], s)
    refuse("PendingRollbackError", "gone with it", t.commit, t)
    assert.is_false(s:in_transaction())
    refuse("PendingRollbackError", "gone with it", function()
      local again <close> = s:begin() -- luacheck: ignore
      s:add(Item{ name = "first" })
      s:flush()
      pcall(ways["a trigger"], s)
    end)
    assert.is_false(s:in_transaction())
    assert.same({ "taken" }, names(db))
  end)

  it("savepoints as values: each is ended by hand, and the session by rollback", function()
    local db, Item = open()
    local s = db.session()
    s:add(Item{ name = "first" })
    local one, two = s:begin_nested(), s:begin_nested()
    pcall(ways["a trigger"], s)
    refuse("PendingRollbackError", "gone with it", two.commit, two)
    one:rollback()
    refuse("PendingRollbackError", "gone with it", s.add, s, Item{ name = "late" })
    s:rollback()
    s:add(Item{ name = "next" })
    s:commit()
    assert.same({ "taken", "next" }, names(db))
  end)

  it("a statement of a listener that catches the error: the flush and the commit fail", function()
    for _, event in ipairs{ "before_flush", "after_flush", "before_commit" } do
      local db, Item = open()
      local s = db.session()
      s:add(Item{ name = "first" })
      s:flush()
      mr.event.listen(s, event, function() pcall(ways["a trigger"], s) end)
      s:add(Item{ name = "second" })
      refuse("PendingRollbackError", "gone with it", s.commit, s)
      refuse("PendingRollbackError", "gone with it", s.add, s, Item{ name = "late" })
      s:rollback()
      assert.same({ "taken" }, names(db))
    end
  end)

  it("a mapper's listener that catches the error: nothing of the flush is stored", function()
    local db, Item = open()
    local s = db.session()
    mr.event.listen(Item, "before_insert", function(_, connection, item)
      if item.name == "second" then pcall(connection.execute, connection, mr.text(insert), { name = "gone" }) end
    end)
    s:add(Item{ name = "first" })
    s:flush()
    s:add(Item{ name = "second" })
    refuse("PendingRollbackError", "gone with it", s.commit, s)
    s:rollback()
    assert.same({ "taken" }, names(db))
  end)

  it("a listener of after_rollback that closes the session", function()
    local db, Item = open()
    local s = mr.Session(db.engine)
    s:add(Item{ name = "first" })
    s:flush()
    mr.event.listen(s, "after_rollback", function() pcall(s.close, s) end)
    refuse("IntegrityError", "gone with it", ways["a trigger"], s)
    s:close()
    assert.same({ "taken" }, names(db))
  end)

  it("close needs no rollback before it", function()
    local db, Item = open()
    local s = mr.Session(db.engine)
    s:add(Item{ name = "first" })
    s:flush()
    pcall(ways["a trigger"], s)
    s:close()
    db.session:add(Item{ name = "next" })
    db.session:commit()
    assert.same({ "taken", "next" }, names(db))
  end)

  it("a full disk", function()
    local db, Item = open()
    local s = db.session()
    db.engine:begin(function(c)
      c:execute "CREATE TABLE heap (x)"
    end)
    refuse("PendingRollbackError", "full", s.begin, s, function()
      s:execute(mr.text(insert), { name = "first" })
      s:execute(mr.text "PRAGMA max_page_count = 8")
      refuse("OperationalError", "full", s.execute, s, mr.text "INSERT INTO heap VALUES (randomblob(100000))")
      s:execute(mr.text(insert), { name = "late" })
    end)
    assert.same({ "taken" }, names(db))
    s:add(Item{ name = "next" })
    s:commit()
    assert.same({ "taken", "next" }, names(db))
  end)

  -- This limits the memory of the whole process, and cannot be undone: so it is another process.
  it("a SELECT that runs out of memory", function()
    local options = mr.open "sqlite://".session:execute(mr.text "PRAGMA compile_options"):scalars():all()
    for _, option in ipairs(options) do
      if option == "DEFAULT_MEMSTATUS=0" then pending "this SQLite does not count its memory"; return end
    end
    local text = process.lua(([[
      package.cpath = %q
      local mr = require "moonrow"
      local db = mr.open "sqlite://"
      local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true } })
      db:create_all()
      db.engine:begin(function(c) c:execute("PRAGMA hard_heap_limit = " .. (64 << 20)) end)
      local ok, e = pcall(db.session.begin, db.session, function(s)
        s:add(Item{})
        s:flush()
        print(pcall(s.execute, s, mr.text "SELECT length(hex(zeroblob(100000000 + id))) FROM item"))
        s:add(Item{})
      end)
      print(ok, e.kind, Item.query:count())
    ]]):format(package.cpath))
    assert.matches("^false\t.*memory.*\nfalse\tPendingRollbackError\t0\n$", text)
  end)
end)

describe("a connection whose transaction the database ends", function()
  it("refuses to go on until it is rolled back", function()
    local db = open()
    local c <close> = db.engine:connect()
    c:execute(insert, { name = "first" })
    refuse("IntegrityError", "gone with it", c.execute, c, insert, { name = "gone" })
    for _, call in ipairs{
      function() c:execute(insert, { name = "late" }) end,
      function() c:execute "SELECT 1" end,
      function() c:commit() end,
    } do
      refuse("PendingRollbackError", { "rollback", "gone with it" }, call)
    end
    c:rollback()
    c:execute(insert, { name = "next" })
    c:commit()
    assert.same({ "taken", "next" }, names(db))
  end)

  it("given back and taken again knows nothing of it", function()
    local db = open()
    local c = db.engine:connect()
    c:execute(insert, { name = "first" })
    pcall(c.execute, c, insert, { name = "gone" })
    c:close()
    local again <close> = db.engine:connect()
    again:execute(insert, { name = "next" })
    again:commit()
    assert.same({ "taken", "next" }, names(db))
  end)

  it("in a block of engine:begin stores nothing of it, as a function or as a value", function()
    local db = open()
    refuse("PendingRollbackError", "gone with it", db.engine.begin, db.engine, function(c)
      c:execute(insert, { name = "first" })
      pcall(c.execute, c, insert, { name = "gone" })
      pcall(c.execute, c, insert, { name = "late" })
    end)
    local kept
    refuse("PendingRollbackError", "gone with it", function()
      local c <close> = db.engine:begin()
      kept = c
      c:execute(insert, { name = "first" })
      pcall(c.execute, c, insert, { name = "gone" })
    end)
    assert.is_true(kept.closed)
    db.engine:begin(function(c) c:execute(insert, { name = "next" }) end)
    assert.same({ "taken", "next" }, names(db))
  end)
end)
