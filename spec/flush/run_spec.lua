-- Runs of many rows of one shape: each row is told apart, whatever stands in the middle of a run, and nothing is half
-- done when a run fails or is rolled back. 600 rows: more than what is updated in memory at once.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local N = 600

local function open(constraint)
  local db = mr.open "sqlite://"
  local Item = db.Model:extend("Item", {
    id    = db.Column{ db.Integer, primary_key = true },
    name  = db.Column{ db.String(20), unique = constraint },
    note  = db.Column{ db.String(20) },
    price = db.Column{ db.Float },
  })
  db:create_all()
  return db, Item
end

local function fill(db, class, make)
  local rows = {}
  for i = 1, N do
    rows[i] = class(make(i))
    db.session:add(rows[i])
  end
  return rows
end

local function plain(i) return { name = "n" .. i, note = "x", price = i / 2 } end
local function state(row) return mr.inspect(row).state end
local function scalar(db, sql) return db.session:execute(mr.text(sql)):scalar() end

local function all_are(wanted, rows)
  for i, row in ipairs(rows) do assert.equal(wanted, state(row), "row " .. i) end
end

describe("a run of new rows", function()
  it("gives each object its own key, state and values, and the attributes that were not set nil", function()
    local db, Item = open()
    local rows = fill(db, Item, function(i) return i % 3 == 0 and { name = "n" .. i } or plain(i) end)
    assert.equal(N, #db.session.new)
    db.session:flush()
    assert.equal(0, #db.session.new)
    all_are("persistent", rows)
    for i, row in ipairs(rows) do
      assert.equal(i, row.id)
      assert.equal(row, db.session:get(Item, i))
      assert.equal(i % 3 > 0 and "x" or nil, row.note)
      assert.is_false(db.session:is_modified(row))
    end
    assert.equal(N, scalar(db, "SELECT count(*) FROM item WHERE id = 0 + substr(name, 2)"))
    assert.equal(N // 3, scalar(db, "SELECT count(*) FROM item WHERE note IS NULL AND price IS NULL"))
    db.session:commit()
    assert.equal("n17", rows[17].name)
  end)

  it("is broken by rows that need more: keys of their own, expressions, defaults, NULLs", function()
    local db = mr.open "sqlite://"
    local made = 0
    local Item = db.Model:extend("Item", {
      id    = db.Column{ db.Integer, primary_key = true },
      name  = db.Column{ db.String(20) },
      code  = db.Column{ db.Integer, default = function() made = made + 1 return -made end },
      place = db.Column{ db.String(10), server_default = "here" },
    })
    db:create_all()
    local rows = fill(db, Item, function(i)
      local values = { name = "n" .. i, code = i, place = "p" .. i }
      if i % 50 == 0 then values.id = 10000 + i end
      if i % 70 == 0 then values.name = mr.func.upper("n" .. i) end
      if i % 110 == 0 then values.code = nil end
      if i % 130 == 0 then values.place = nil end
      if i % 170 == 0 then values.name = nil end
      return values
    end)
    db.session:commit()
    assert.equal(N // 110, made)
    for i, row in ipairs(rows) do
      if i % 50 == 0 then assert.equal(10000 + i, row.id) end
      local name = (i % 70 == 0 and "N" or "n") .. i
      if i % 170 == 0 then name = nil end
      assert.equal(name, row.name)
      if i % 110 == 0 then assert.is_true(row.code < 0) else assert.equal(i, row.code) end
      assert.equal(i % 130 == 0 and "here" or "p" .. i, row.place)
      assert.equal(row.name, scalar(db, "SELECT name FROM item WHERE id = " .. row.id))
    end
  end)

  it("works for natural, composite and generated keys, and keys of texts in another order", function()
    local db = mr.open "sqlite://"
    local Natural = db.Model:extend("Natural", {
      code = db.Column{ db.String(20), primary_key = true }, body = db.Column{ db.String },
    })
    local Pair = db.Model:extend("Pair", {
      a = db.Column{ db.Integer, primary_key = true }, b = db.Column{ db.String, primary_key = true },
      body = db.Column{ db.String },
    })
    db:create_all()
    local naturals = fill(db, Natural, function(i) return { code = "c" .. (i * 7 % N), body = "b" .. i } end)
    local pairs_ = fill(db, Pair, function(i) return { a = i % 10, b = "b" .. i, body = "p" .. i } end)
    db.session:flush()
    for i = 1, N do
      assert.equal(naturals[i], db.session:get(Natural, "c" .. (i * 7 % N)))
      assert.equal(pairs_[i], db.session:get(Pair, { i % 10, "b" .. i }))
    end
    db.session:rollback()
    all_are("transient", naturals)
    assert.equal("c7", naturals[1].code)
    assert.equal("b9", pairs_[9].b)
  end)

  it("has first versions and foreign keys", function()
    local db = mr.open "sqlite://"
    local Parent = db.Model:extend("Parent", { id = db.Column{ db.Integer, primary_key = true } })
    local Child = db.Model:extend("Child", {
      id        = db.Column{ db.Integer, primary_key = true },
      name      = db.Column{ db.String },
      version   = db.Column{ db.Integer, nullable = false },
      parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
      parent    = db.relationship{ "Parent", backref = "children" },
      __mapper_args = { version_id_col = "version" },
    })
    db:create_all()
    local parents = { Parent{}, Parent{}, Parent{} }
    local rows = fill(db, Child, function(i) return { name = "c" .. i, parent = parents[i % 4] } end)
    db.session:commit()
    for i, row in ipairs(rows) do
      assert.equal(1, row.version)
      assert.equal(parents[i % 4] and parents[i % 4].id, row.parent_id)
      assert.equal(parents[i % 4], row.parent)
    end
    assert.equal(N // 4, #parents[2].children)
    for _, row in ipairs(rows) do row.name = "d" end
    db.session:commit()
    for _, row in ipairs(rows) do assert.equal(2, row.version) end
  end)

  it("knows what the database computes of each, also after changes", function()
    local db = mr.open "sqlite://"
    local Box = db.Model:extend("Box", {
      id    = db.Column{ db.Integer, primary_key = true },
      side  = db.Column{ db.Integer },
      twice = db.Column{ db.Integer, mr.Computed "side * 2" },
    })
    db:create_all()
    local rows = fill(db, Box, function(i) return { side = i } end)
    db.session:flush()
    for i, row in ipairs(rows) do assert.equal(2 * i, row.twice) end
    for i, row in ipairs(rows) do row.side = -i end
    db.session:flush()
    for i, row in ipairs(rows) do assert.equal(-2 * i, row.twice) end
  end)

  it("that a constraint stops in the middle leaves nothing behind, and can be sent again", function()
    local db, Item = open(true)
    db.session:add(Item{ name = "n400" })
    db.session:commit()
    local rows = fill(db, Item, plain)
    local e = refuse("IntegrityError", "item.name", db.session.commit, db.session)
    assert.is_truthy(e.statement:find "^INSERT INTO item")
    assert.same({ "n400", "x", 200 }, e.params)
    db.session:rollback()
    all_are("transient", rows)
    for i, row in ipairs(rows) do
      assert.is_nil(row.id)
      assert.equal("n" .. i, row.name)
    end
    assert.equal(1, scalar(db, "SELECT count(*) FROM item"))
    assert.equal(1, #Item.query:all())
    db.session:rollback()
    rows[400].name = "other"
    db.session:add_all(rows)
    db.session:commit()
    assert.equal(N + 1, Item.query:count())
    all_are("persistent", rows)
  end)

  it("names the attribute and value that is too long before anything is sent", function()
    local db, Item = open()
    local rows = fill(db, Item, plain)
    rows[300].note = ("ü"):rep(20) -- 20 characters, 40 bytes: fits
    rows[301].note = ("ü"):rep(21)
    assert.equal(0, #support.statements(db, function()
      refuse("DataError", { "Item.note", "21 characters" }, db.session.flush, db.session)
    end))
    rows[301].note = "short"
    db.session:commit()
    assert.equal(("ü"):rep(20), rows[300].note)
  end)

  it("does what listeners do meanwhile: change values, add others, raise, start to listen", function()
    local db, Item = open()
    local later = {}
    local function insert(_, _, row)
      if row.price and row.price % 10 == 0 then row.note = "even" end
      if row.name == "n100" and not later[1] then
        later[1] = Item{ name = "later" }
        db.session:add(later[1])
      end
    end
    mr.event.listen(Item, "before_insert", insert)
    mr.event.listen(Item, "after_insert", function(_, _, row)
      assert.is_truthy(row.id)
      if row.name == "n200" then row.note = "changed" end
    end)
    local rows = fill(db, Item, plain)
    db.session:flush()
    assert.equal("even", rows[20].note)
    assert.equal("changed", rows[200].note)
    assert.is_true(db.session:is_modified(rows[200]))
    assert.equal("pending", state(later[1]))
    assert.equal("even", db.session:no_autoflush(function()
      return scalar(db, "SELECT note FROM item WHERE name = 'n200'")
    end))
    db.session:commit()
    assert.equal("changed", scalar(db, "SELECT note FROM item WHERE name = 'n200'"))
    assert.equal(N + 1, later[1].id)

    local armed = true
    mr.event.listen(Item, "before_insert", function(_, _, row)
      if armed and row.name == "n500" then error("stop here", 0) end
    end)
    rows = fill(db, Item, plain)
    local ok, e = pcall(db.session.flush, db.session)
    assert.is_false(ok)
    assert.is_truthy(tostring(e):find("stop here", 1, true))
    db.session:rollback()
    all_are("transient", rows)
    armed = false
    db.session:add_all(rows)
    db.session:commit()
    assert.equal(2 * N + 1, Item.query:count())
  end)

  it("is rolled back whole: objects are as before the flush; and by savepoints", function()
    local db, Item = open()
    local first = fill(db, Item, plain)
    db.session:flush()
    local savepoint = db.session:begin_nested()
    local second = fill(db, Item, plain)
    for _, row in ipairs(first) do row.note = "changed" end
    db.session:flush()
    all_are("persistent", second)
    savepoint:rollback()
    all_are("transient", second)
    all_are("persistent", first)
    assert.is_nil(second[7].id)
    assert.equal("n7", second[7].name)
    for i, row in ipairs(first) do assert.same({ i, "x" }, { row.id, row.note }) end
    db.session:rollback()
    all_are("transient", first)
    for i, row in ipairs(first) do assert.same({ nil, "x", "n" .. i }, { row.id, row.note, row.name }) end
    assert.equal(0, Item.query:count())
  end)

  it("committed before: what a later transaction changes and rolls back is the row's again", function()
    local db, Item = open()
    local rows = fill(db, Item, plain)
    db.session:commit()
    for _, row in ipairs(rows) do row.note = "outer" end
    db.session:flush()
    local savepoint = db.session:begin_nested()
    for _, row in ipairs(rows) do row.note = "inner" end
    db.session:flush()
    savepoint:rollback()
    all_are("persistent", rows)
    for i, row in ipairs(rows) do assert.same({ i, "outer" }, { row.id, row.note }) end
    db.session:rollback()
    all_are("persistent", rows)
    for i, row in ipairs(rows) do assert.same({ i, "x" }, { row.id, row.note }) end
  end)

  it("is seen by after_flush as it was before, and by the next commit not again", function()
    local db, Item = open()
    local seen
    mr.event.listen(db.session, "after_flush", function(session)
      seen = { #session.new, #session.dirty, #session.deleted }
    end)
    local rows = fill(db, Item, plain)
    db.session:flush()
    assert.same({ N, 0, 0 }, seen)
    for i = 1, 300 do rows[i].note = "y" end
    for i = 301, N do db.session:delete(rows[i]) end
    db.session:flush()
    assert.same({ 0, 300, 300 }, seen)
    assert.equal(0, #support.statements(db, function() db.session:flush() end))
  end)
end)

describe("a run of changed rows", function()
  it("writes the changed columns of each, in the order of their keys", function()
    local db, Item = open()
    local rows = fill(db, Item, plain)
    db.session:commit()
    for i = N, 1, -1 do
      if i % 5 == 0 then rows[i].name = "m" .. i end
      if i % 5 ~= 1 then rows[i].price = i + 0.25 end
      if i % 7 == 0 then rows[i].note = nil end
    end
    local last = 0
    for _, record in ipairs(db:record(function() db.session:flush() end)) do
      local lists = type(record.parameters[1]) == "table" and record.parameters or { record.parameters }
      for _, list in ipairs(record.statement:find "^UPDATE" and lists or {}) do
        assert.is_true(list[#list] > last)
        last = list[#list]
      end
    end
    assert.equal(0, #db.session.dirty)
    db.session:commit()
    for i, row in ipairs(rows) do
      assert.equal((i % 5 == 0 and "m" or "n") .. i, row.name)
      assert.equal(i % 5 ~= 1 and i + 0.25 or i / 2, row.price)
      assert.equal(i % 7 ~= 0 and "x" or nil, row.note)
    end
  end)

  it("stops at a row that is gone, which it names; the changes of all are lost by the rollback", function()
    local db, Item = open()
    local rows = fill(db, Item, plain)
    db.session:commit()
    for _, row in ipairs(rows) do row.note = "new" end
    db.session:no_autoflush(function() db.session:execute(mr.text "DELETE FROM item WHERE id = 444") end)
    refuse("StaleDataError", { "Item 444" }, db.session.flush, db.session)
    db.session:rollback()
    for _, row in ipairs(rows) do assert.equal("x", row.note) end
  end)

  it("set back to what they were sends nothing", function()
    local db, Item = open()
    local rows = fill(db, Item, plain)
    db.session:commit()
    for _, row in ipairs(rows) do
      local old = row.note
      row.note = "other"
      row.price = row.price
      row.note = old
    end
    assert.equal(0, #db.session.dirty)
    assert.equal(0, #support.statements(db, function() db.session:flush() end))
  end)

  it("gives back its old values with a rollback, and knows what has changed until then", function()
    local db, Item = open()
    local rows = fill(db, Item, plain)
    db.session:commit()
    for _, row in ipairs(rows) do assert.equal("x", row.note) end
    for i, row in ipairs(rows) do
      row.note, row.price, row.name = "a", -i, "b"
      row.note = "c"
    end
    assert.same({ { "c" }, { "x" }, {} }, support.history(rows[9], "note"))
    db.session:flush()
    assert.same({ {}, {}, { "c" } }, support.history(rows[9], "note"))
    db.session:rollback()
    for i, row in ipairs(rows) do assert.same({ "n" .. i, "x", i / 2 }, { row.name, row.note, row.price }) end
  end)
end)

describe("a run of deleted rows", function()
  it("takes them out of the session, and back with a rollback", function()
    local db, Item = open()
    local rows = fill(db, Item, plain)
    db.session:commit()
    for i = N, 1, -1 do db.session:delete(rows[i]) end
    assert.equal(N, #db.session.deleted)
    db.session:flush()
    assert.equal(0, #db.session.deleted)
    all_are("deleted", rows)
    assert.is_nil(db.session:get(Item, 5))
    db.session:rollback()
    all_are("persistent", rows)
    assert.equal(rows[5], db.session:get(Item, 5))
    assert.equal("n5", rows[5].name)
    for _, row in ipairs(rows) do db.session:delete(row) end
    db.session:commit()
    all_are("detached", rows)
    assert.equal(0, #db.session.identity_map)
    assert.equal(0, Item.query:count())
  end)

  it("frees their keys for new objects of the same transaction, and of the same flush", function()
    local db, Item = open()
    local rows = fill(db, Item, plain)
    db.session:commit()
    for _, row in ipairs(rows) do db.session:delete(row) end
    db.session:flush()
    local again = fill(db, Item, function(i) return { id = i, name = "again" } end)
    db.session:flush()
    for i, row in ipairs(again) do assert.equal(row, db.session:get(Item, i)) end
    for _, row in ipairs(again) do db.session:delete(row) end
    local third = fill(db, Item, function(i) return { id = i, name = "third" } end)
    db.session:commit()
    all_are("detached", rows)
    all_are("detached", again)
    all_are("persistent", third)
    assert.equal(N, scalar(db, "SELECT count(*) FROM item WHERE name = 'third'"))
  end)

  it("stops at a row that is gone, which it names", function()
    local db, Item = open()
    local rows = fill(db, Item, plain)
    db.session:commit()
    for _, row in ipairs(rows) do db.session:delete(row) end
    db.session:no_autoflush(function() db.session:execute(mr.text "DELETE FROM item WHERE id = 333") end)
    refuse("StaleDataError", { "Item 333" }, db.session.flush, db.session)
    db.session:rollback()
    all_are("persistent", { rows[1], rows[332], rows[N] })
  end)
end)
