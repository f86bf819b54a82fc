-- Rows without objects: batches of inserts and updates, and import, which streams.

local mr = require "moonrow"
local items = require "spec.support.library".items
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function generated(n)
  local i = 0
  return function()
    i = i + 1
    if i <= n then return { name = "item " .. i, score = i } end
  end
end

describe("execute of an insert with rows", function()
  it("is one batch: one record with a list of parameter lists, defaults filled in", function()
    local db, Item = items()
    local records = db:record(function()
      db.session:execute(mr.insert(Item), { { name = "a" }, { name = "b" }, { name = "c" } })
    end)
    assert.equal(1, #records)
    assert.equal("INSERT INTO item (label, score) VALUES (?, ?)", records[1].statement)
    assert.equal(3, #records[1].parameters)
    assert.same({ "c", 7 }, records[1].parameters[3])
    db.session:commit()
    assert.equal(3, Item.query:count())
  end)

  it("is part of the session's transaction", function()
    local db, Item = items()
    db.session:execute(mr.insert(Item), { { name = "a" }, { name = "b" } })
    assert.is_true(db.session:in_transaction())
    db.session:rollback()
    assert.equal(0, Item.query:count())
  end)
end)

describe("rows of a batch", function()
  it("may differ: other columns, NULL, expressions; order and values are kept", function()
    local db, Item = items()
    db.session:execute(mr.insert(Item), {
      { name = "a", score = 1 }, { name = "b", score = 2 }, { name = "c" }, { name = "d", score = mr.null },
      { score = 5.0, name = "e" }, { name = "f", score = mr.func.abs(-6) }, { name = "g", score = 7 },
      { id = 20, name = "h", score = 8 }, { name = "i", score = 9 },
    })
    local seen = {}
    for i, item in ipairs(Item.query:order_by(Item.id):all()) do
      seen[i] = ("%d%s%s"):format(item.id, item.name, item.score)
    end
    assert.same({ "1a1", "2b2", "3c7", "4dnil", "5e5", "6f6", "7g7", "20h8", "21i9" }, seen)
  end)

  it("may have their keys in any order, long ones, one more or less, and values of other kinds in between", function()
    local db = mr.open "sqlite://"
    local long = ("long"):rep(15) -- such strings have several addresses in Lua
    local Thing = db.Model:extend("Thing", {
      id     = db.Column{ db.Integer, primary_key = true },
      name   = db.Column{ db.String(12) },
      [long] = db.Column{ db.String },
      weight = db.Column{ db.Float },
      note   = db.Column{ db.String },
    })
    db:create_all()
    local rows = {}
    for i = 1, 60 do
      local row = {}
      local set = { function() row.name = "n" .. i end, function() row[("long"):rep(15)] = "l" .. i end,
                    function() row.weight = i % 4 == 0 and i or i + 0.5 end }
      for k = 1, 3 do set[(k + i) % 3 + 1]() end
      if i % 7 == 0 then row.note = "x" .. i end
      if i % 11 == 0 then row.name = nil end
      if i % 13 == 0 then row.name = ("ü"):rep(12) end -- 24 bytes
      if i % 17 == 0 then row.weight = mr.null end
      if i % 19 == 0 then row.name = mr.func.upper "up" end
      if i % 23 == 0 then setmetatable(row, {}) end
      rows[i] = row
    end
    db.session:execute(mr.insert(Thing), rows)
    for i, thing in ipairs(Thing.query:order_by(Thing.id):all()) do
      local name = "n" .. i
      if i % 11 == 0 then name = nil end
      if i % 13 == 0 then name = ("ü"):rep(12) end
      if i % 19 == 0 then name = "UP" end
      assert.same({ name, "l" .. i, i % 7 == 0 and "x" .. i or nil }, { thing.name, thing[long], thing.note })
      local weight = i % 4 == 0 and i + 0.0 or i + 0.5
      if i % 17 == 0 then weight = nil end
      assert.equal(weight, thing.weight)
      if weight then assert.equal("float", math.type(thing.weight)) end
    end
    assert.equal(60, Thing.query:count())
    local before = db.session:scalar(mr.select(mr.func.count()):select_from(Thing))
    for _, case in ipairs{ { 0 / 0, "Thing.weight" }, { ("u"):rep(13), "13 characters" } } do
      local bad, words = case[1], case[2]
      local list = { { name = "a", weight = 1.5 }, { name = "b", weight = 2.5 } }
      list[3] = type(bad) == "number" and { name = "c", weight = bad } or { name = bad, weight = 1.5 }
      refuse(type(bad) == "number" and "ArgumentError" or "DataError", { words, "row 3" }, db.session.execute,
             db.session, mr.insert(Thing), list)
    end
    assert.equal(before, Thing.query:count())
  end)

  it("have defaults of their own, also from functions; the first row may be the odd one", function()
    local db = mr.open "sqlite://"
    local n = 0
    local Row = db.Model:extend("Row", {
      id     = db.Column{ db.Integer, primary_key = true },
      a      = db.Column{ db.Integer },
      serial = db.Column{ db.Text, default = function() n = n + 1 return ("x"):rep(n) end },
      made   = db.Column{ db.DateTime, default = mr.now },
      sql    = db.Column{ db.Integer, default = mr.text "40 + 2" },
    })
    db:create_all()
    db.session:execute(mr.insert(Row), { { a = 1 }, { a = 2 }, { a = 3, sql = 1 }, { a = 4, serial = "own", sql = 2 } })
    db.session:execute(mr.insert(Row), { { sql = 1 }, { sql = 2, a = 9 }, { sql = 3 } })
    local rows = Row.query:order_by(Row.id):all()
    local seen = {}
    for i, row in ipairs(rows) do
      seen[i] = ("%s %s %s"):format(row.a, row.serial, row.sql)
      assert.truthy(row.made)
    end
    assert.same({ "1 x 42", "2 xx 42", "3 xxx 1", "4 own 2", "nil xxxx 1", "9 xxxxx 2", "nil xxxxxx 3" }, seen)
  end)

  it("are checked like any value: the error names class, attribute and value", function()
    local db, Item = items()
    refuse("ArgumentError", { "Item.score", "integer", '"x"' }, db.session.execute, db.session, mr.insert(Item),
      { { name = "a", score = 1 }, { name = "b", score = "x" } })
    refuse("ArgumentError", { "Item", "nam", "name" }, db.session.execute, db.session, mr.insert(Item),
      { { name = "a", score = 1 }, { nam = "b", score = 1 } })
    refuse("ArgumentError", "table", db.session.execute, db.session, mr.insert(Item), { { name = "a" }, 5 })
    db.session:rollback()
    local e = refuse("IntegrityError", "NOT NULL constraint failed: item.label", db.session.execute, db.session,
      mr.insert(Item), { { name = "a" }, { name = mr.null } })
    assert.same({ mr.null, 7 }, e.params)
    db.session:rollback()
    assert.equal(0, Item.query:count())
  end)

  it("by the column's name, for a table without a class", function()
    local db = mr.open "sqlite://"
    local t = db.Table("t", db.Column{ "a", db.Integer, primary_key = true }, db.Column{ "b", db.String(9) })
    db:create_all()
    db.session:execute(mr.insert(t), { { a = 1, b = "x" }, { a = 2, b = "y" }, { a = 3, b = "z" } })
    db.session:execute(mr.update(t), { { a = 1, b = "X" }, { b = "Y", a = 2 } })
    assert.same({ "X", "Y", "z" }, { table.unpack(db.session:scalars(mr.select(t.c.b):order_by(t.c.a)):all()) })
  end)
end)

describe("execute of an update with rows", function()
  it("finds each row by its primary key, in one batch", function()
    local db, Item = items()
    db.session:execute(mr.insert(Item), { { id = 1, name = "a" }, { id = 2, name = "b" }, { id = 3, name = "c" } })
    local records = db:record(function()
      local result = db.session:execute(mr.update(Item), { { id = 1, name = "x" }, { id = 3, name = "z" } })
      assert.equal(2, result.rowcount)
    end)
    assert.equal(1, #records)
    assert.equal("UPDATE item SET label=? WHERE item.id = ?", records[1].statement)
    assert.same({ "z", 3 }, records[1].parameters[2])
    assert.same({ "x", "b", "z" }, { table.unpack(db.session:scalars(mr.select(Item.name):order_by(Item.id)):all()) })
  end)

  it("takes rows of several shapes, and composite keys", function()
    local db = mr.open "sqlite://"
    local Cell = db.Model:extend("Cell", {
      x = db.Column{ db.Integer, primary_key = true, autoincrement = false },
      y = db.Column{ db.Integer, primary_key = true, autoincrement = false },
      a = db.Column{ db.Integer },
      b = db.Column{ db.Integer },
    })
    db:create_all()
    db.session:execute(mr.insert(Cell), { { x = 1, y = 1 }, { x = 1, y = 2 } })
    db.session:execute(mr.update(Cell), { { x = 1, y = 1, a = 5 }, { x = 1, y = 2, a = 6, b = 7 } })
    assert.equal(5, db.session:get(Cell, { 1, 1 }).a)
    assert.equal(7, db.session:get(Cell, { 1, 2 }).b)
  end)

  it("takes expressions and NULL", function()
    local db, Item = items()
    db.session:execute(mr.insert(Item), { { id = 1, name = "a", score = 3 }, { id = 2, name = "b", score = 4 } })
    db.session:execute(mr.update(Item), { { id = 1, score = Item.score + 10 }, { id = 2, score = mr.null } })
    assert.equal(13, db.session:get(Item, 1).score)
    assert.is_nil(db.session:get(Item, 2).score)
  end)

  it("raises StaleDataError when a row is gone", function()
    local db, Item = items()
    db.session:execute(mr.insert(Item), { { id = 1, name = "a" } })
    refuse("StaleDataError", "expected to update 2 row(s); 1 were matched", db.session.execute, db.session,
      mr.update(Item), { { id = 1, name = "x" }, { id = 2, name = "y" } })
  end)

  it("names the key that a row lacks, and the attribute that is none", function()
    local db, Item = items()
    db.session:execute(mr.insert(Item), { { id = 1, name = "a" } })
    refuse("ArgumentError", { "Item.id", "primary key" }, db.session.execute, db.session,
      mr.update(Item), { { name = "x" } })
    for _, key in ipairs{ mr.null, Item.id + 0 } do
      refuse("ArgumentError", { "Item.id", "primary key" }, db.session.execute, db.session,
        mr.update(Item), { { id = key, name = "x" } })
    end
    refuse("ArgumentError", { "nam", "name" }, db.session.execute, db.session,
      mr.update(Item), { { id = 1, nam = "x" } })
    refuse("ArgumentError", "list of rows", db.session.execute, db.session,
      mr.update(Item):where(Item.id:eq(1)), { { id = 1, name = "x" } })
  end)
end)

describe("import", function()
  it("inserts what an iterator gives, batch by batch, and tells of its progress", function()
    local db, Item = items()
    local seen = {}
    local records = db:record(function()
      local count = db.session:import(Item, generated(25), {
        batch = 10,
        progress = function(n) seen[#seen + 1] = n end,
      })
      assert.equal(25, count)
    end)
    assert.same({ 10, 20, 25 }, seen)
    assert.equal(3, #records)
    db.session:commit()
    assert.equal(25, Item.query:count())
    assert.equal("item 25", db.session:get(Item, 25).name)
  end)

  it("takes a list, options in one table, and nothing at all", function()
    local db, Item = items()
    assert.equal(2, db.session:import(Item, { { name = "a" }, { name = "b" } }))
    assert.equal(1, db.session:import{ Item, { { name = "c" } }, batch = 1 })
    assert.same({}, support.statements(db, function()
      assert.equal(0, db.session:import(Item, function() end))
    end))
    assert.equal(3, Item.query:count())
  end)

  it("takes rows of a query: its iterator, and its list; NULL stays NULL where the column has a default", function()
    local db, Item = items()
    local Copy = db.Model:extend("Copy", {
      id    = db.Column{ db.Integer, primary_key = true },
      score = db.Column{ db.Integer, default = 5 },
    })
    db:create_all()
    db.session:import(Item, {
      { id = 1, name = "a", score = 1 }, { id = 2, name = "b", score = mr.null }, { id = 3, name = "c", score = 3 },
    })
    local rows = db.session:query(Item.id, Item.score):order_by(Item.id)
    assert.equal(3, db.session:import(Copy, (rows:yield_per(2):iter()), { batch = 2 }))
    assert.equal("{(1, 1), (2, nil), (3, 3)}",
      tostring(db.session:query(Copy.id, Copy.score):order_by(Copy.id):all()))
    db.session:query(Copy):delete()
    assert.equal(3, db.session:import(Copy, rows:all()))
    assert.equal(0, db.session:import(Copy, rows:filter(Item.id:eq(99)):all()))
    assert.equal(1, db.session:import(Copy, db.session:query((Item.id + 9):label "id"):limit(1):iter()))
    db.session:query(Copy):filter(Copy.id:gt(9)):delete()
    assert.equal(3, Copy.query:count())
    refuse("ArgumentError", { "import", "a table (a row)", "<Item 1>" }, db.session.import, db.session, Copy,
      (Item.query:order_by(Item.id):iter()))
  end)

  it("says that a row by itself is no list", function()
    local db, Item = items()
    for _, row in ipairs{ { name = "a" }, { batch = 5 } } do
      refuse("ArgumentError", { "import", "one row", "a list" }, db.session.import, db.session, Item, row)
    end
    assert.equal(0, Item.query:count())
  end)

  it("takes an empty list, which is not read as options, and leaves no row of a list out", function()
    local db, Item = items()
    local s = db.session
    assert.equal(0, s:import(Item, {}))
    assert.equal(0, s:import(Item, {}, { batch = 2 }))
    assert.equal(0, s:import{ Item, {} })
    for _, batch in ipairs{ 1, 10 } do
      for _, list in ipairs{ { { name = "a" }, nil, { name = "c" } }, { [2] = { name = "b" } } } do
        refuse("ArgumentError", { "import", "item", "of the list", "nil" }, s.import, s, Item, list, { batch = batch })
        s:rollback()
      end
    end
    refuse("ArgumentError", { "import", "'batch'", "behind the list" }, s.import, s, Item,
      { { name = "a" }, batch = 1 })
    assert.equal(0, Item.query:count())
  end)

  it("lets an error of the iterator and of progress through unchanged; a rollback takes all back", function()
    local db, Item = items()
    local mine = {}
    local source = generated(30)
    local n = 0
    local ok, e = pcall(db.session.import, db.session, Item, function()
      n = n + 1
      if n == 15 then error(mine) end
      return source()
    end, { batch = 10 })
    assert.is_false(ok)
    assert.equal(mine, e)
    db.session:rollback()
    assert.equal(0, Item.query:count())
    ok, e = pcall(db.session.import, db.session, Item, generated(3), { progress = function() error(mine) end })
    assert.is_false(ok)
    assert.equal(mine, e)
  end)

  it("names a bad row and a bad option", function()
    local db, Item = items()
    refuse("ArgumentError", "a row", db.session.import, db.session, Item, function() return 5 end)
    refuse("ArgumentError", { "Item", "nam", "name" }, db.session.import, db.session, Item, { { nam = "a" } })
    refuse("ArgumentError", "batch", db.session.import, db.session, Item, generated(1), { batch = 0 })
    refuse("ArgumentError", "progress", db.session.import, db.session, Item, generated(1), { progress = 1 })
    refuse("ArgumentError", { "bach", "batch" }, db.session.import, db.session, Item, generated(1), { bach = 1 })
    refuse("ArgumentError", "iterator", db.session.import, db.session, Item)
  end)

  it("runs in flat memory", function()
    local db, Item = items()
    local peak, base = 0, nil
    db.session:import(Item, generated(40000), {
      batch = 1000,
      progress = function(n)
        collectgarbage()
        local used = collectgarbage "count"
        if n == 5000 then base = used end
        peak = math.max(peak, used)
      end,
    })
    assert.is_true(peak < base + 500, ("%.0f kB after 5,000 rows, %.0f kB at the peak"):format(base, peak))
  end)
end)

describe("rows that name no column", function()
  local db, Thing, s
  local thrice = { {}, {}, {} }

  before_each(function()
    db = mr.open "sqlite://"
    Thing = db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true },
      n  = db.Column{ db.Integer, server_default = "5" },
    })
    db:create_all()
    s = db.session
  end)

  it("are rows: each is inserted, on a session and on a connection, by import, too", function()
    assert.equal(3, s:execute(mr.insert(Thing), thrice).rowcount)
    assert.equal(1, s:execute(mr.insert(Thing), { {} }).rowcount)
    assert.equal(3, s:import(Thing, thrice))
    assert.equal(7, Thing.query:filter(Thing.n:eq(5)):count())
    s:commit()
    db.engine:begin(function(connection) connection:execute(mr.insert(Thing), thrice) end)
    assert.equal(10, Thing.query:count())
  end)

  it("stand among others, in any order", function()
    s:execute(mr.insert(Thing), { {}, { id = 7 }, {}, { n = 1 } })
    assert.equal("{(1, 5), (7, 5), (8, 5), (9, 1)}",
      tostring(s:query(Thing.id, Thing.n):order_by(Thing.id):all()))
  end)

  it("come back by RETURNING", function()
    assert.equal("{(1, 5), (2, 5), (3, 5)}",
      tostring(s:execute(mr.insert(Thing):returning(Thing.id, Thing.n), thrice):all()))
  end)

  it("are sent where somebody listens to executions", function()
    local told = {}
    mr.event.listen(db.engine, "before_execute", function(_, sql) told[#told + 1] = sql end)
    s:execute(mr.insert(Thing), thrice)
    assert.same({ "INSERT INTO thing DEFAULT VALUES" }, told)
    assert.equal(3, Thing.query:count())
  end)

  it("are run for a text without parameters, too", function()
    s:execute(mr.insert(Thing), thrice)
    assert.equal(6, s:execute(mr.text "UPDATE thing SET n = n + 1", { {}, {} }).rowcount)
    assert.same({ 7, 7, 7 }, s:scalars(mr.select(Thing.n)):all())
  end)

  it("are refused as values of one statement, which would make one row of them", function()
    refuse("ArgumentError", { "values", "names no column", "session:execute" },
      function() return mr.insert(Thing):values(thrice) end)
    refuse("ArgumentError", "names no column", function() return mr.insert(Thing):values{ {}, { id = 7 } } end)
    s:execute(mr.insert(Thing):values{})
    assert.equal(1, Thing.query:count())
  end)
end)
