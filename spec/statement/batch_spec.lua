-- Batches: the engine's listeners hear of one execution, and objects in the session do not become stale.

local mr = require "moonrow"
local items = require "spec.support.library".items
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local listen = mr.event.listen

--- Runs fn. Returns what the engine's listeners heard: { "before" or "after", statement, parameters }.
local function told(db, fn)
  local log = {}
  local function before(_, sql, parameters) log[#log + 1] = { "before", sql, parameters } end
  local function after(_, sql, parameters, seconds)
    assert.equal("float", math.type(seconds))
    log[#log + 1] = { "after", sql, parameters }
  end
  listen(db, "before_execute", before)
  listen(db, "after_execute", after)
  fn()
  mr.event.remove(db, "before_execute", before)
  mr.event.remove(db, "after_execute", after)
  return log
end

--- Runs fn. Asserts that the engine's listeners heard of each recorded statement once before and once after it.
local function assert_told_as_recorded(db, fn)
  local records
  local log = told(db, function() records = db:record(fn) end)
  assert.equal(2 * #records, #log)
  for i, record in ipairs(records) do
    assert.same({ "before", record.statement, record.parameters }, log[2 * i - 1])
    assert.same({ "after", record.statement, record.parameters }, log[2 * i])
  end
  return records
end

describe("before_execute and after_execute come once for a batch", function()
  it("of new objects, before the first row, with all parameters; keys come back", function()
    local db, Item = items()
    local rows = {}
    for i = 1, 3 do rows[i] = Item{ name = "item " .. i } end
    db.session:add_all(rows)
    local records = assert_told_as_recorded(db, function() db.session:flush() end)
    assert.equal(1, #records)
    assert.same({ { "item 1", 7 }, { "item 2", 7 }, { "item 3", 7 } }, records[1].parameters)
    assert.same({ 1, 2, 3 }, { rows[1].id, rows[2].id, rows[3].id })
    db.session:commit()
    assert.equal("item 3", db.session:get(Item, 3).name)
  end)

  it("of changed and deleted objects", function()
    local db, Item = items()
    local rows = { Item{ name = "a" }, Item{ name = "b" }, Item{ name = "c" } }
    db.session:add_all(rows)
    db.session:flush()
    for _, row in ipairs(rows) do row.name = row.name .. "!" end
    local records = assert_told_as_recorded(db, function() db.session:flush() end)
    assert.same({ { "a!", 1 }, { "b!", 2 }, { "c!", 3 } }, records[1].parameters)
    for _, row in ipairs(rows) do db.session:delete(row) end
    records = assert_told_as_recorded(db, function() db.session:flush() end)
    assert.same({ { 1 }, { 2 }, { 3 } }, records[1].parameters)
    assert.equal(0, Item.query:count())
  end)

  it("of changed objects whose rows come back by RETURNING", function()
    local db = mr.open "sqlite://"
    local Doc = db.Model:extend("Doc", {
      id      = db.Column{ db.Integer, primary_key = true },
      body    = db.Column{ db.String(9) },
      changed = db.Column{ db.Integer, onupdate = mr.func.abs(-7) },
      __mapper_args = { eager_defaults = true },
    })
    db:create_all()
    local docs = { Doc{ body = "a" }, Doc{ body = "b" } }
    db.session:add_all(docs)
    db.session:flush()
    docs[1].body, docs[2].body = "c", "d"
    local records = assert_told_as_recorded(db, function() db.session:flush() end)
    assert.equal("UPDATE doc SET body=?, changed=abs(?) WHERE doc.id = ? RETURNING changed", records[1].statement)
    assert.same({ { "c", -7, 1 }, { "d", -7, 2 } }, records[1].parameters)
    assert.same({}, support.statements(db, function() assert.same({ 7, 7 }, { docs[1].changed, docs[2].changed }) end))
  end)

  it("of link rows", function()
    local db = mr.open "sqlite://"
    local link = db.Table("link",
      db.Column{ "a", db.Integer, db.ForeignKey "a.id", primary_key = true },
      db.Column{ "b", db.Integer, db.ForeignKey "b.id", primary_key = true })
    local A = db.Model:extend("A", {
      id = db.Column{ db.Integer, primary_key = true },
      bs = db.relationship{ "B", secondary = link },
    })
    local B = db.Model:extend("B", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    local a = A{ bs = { B(), B(), B() } }
    db.session:add(a)
    local records = assert_told_as_recorded(db, function() db.session:flush() end)
    assert.same({ { 1, 1 }, { 1, 2 }, { 1, 3 } }, records[#records].parameters)
    a.bs = {}
    records = assert_told_as_recorded(db, function() db.session:flush() end)
    assert.equal(1, #records)
    assert.equal(3, #records[1].parameters)
  end)

  it("of rows: an insert, an update, a text, on a session and on a connection", function()
    local db, Item = items()
    local s = db.session
    local records = assert_told_as_recorded(db, function()
      s:execute(mr.insert(Item), { { name = "a" }, { name = "b" } })
      s:execute(mr.update(Item), { { id = 1, score = 1 }, { id = 2, score = 2 } })
      s:execute(mr.text "UPDATE item SET score = :score WHERE id = :id",
        { { score = 3, id = 1 }, { score = 4, id = 2 } })
      s:commit()
      local c <close> = db.engine:connect()
      c:execute(mr.insert(Item), { { name = "c" }, { name = "d" } })
      c:commit()
    end)
    assert.equal(4, #records)
    assert.same({ { 3, 1 }, { 4, 2 } }, records[3].parameters)
    assert.equal(4, Item.query:count())
    assert.equal(4, s:get(Item, 2).score)
  end)

  it("and once for a statement of its own, of a row unlike the others, in the order of the rows", function()
    local db, Item = items()
    local log = told(db, function()
      db.session:execute(mr.insert(Item), {
        { name = "a" }, { name = "b" }, { name = mr.func.upper("c") }, { name = "d" }, { name = "e" },
      })
    end)
    local parameters = {}
    for i = 1, #log, 2 do parameters[#parameters + 1] = log[i][3] end
    assert.same({ { { "a", 7 }, { "b", 7 } }, { "c", 7 }, { { "d", 7 }, { "e", 7 } } }, parameters)
    assert.same({ "a", "b", "C", "d", "e" },
      { table.unpack(db.session:scalars(mr.select(Item.name):order_by(Item.id)):all()) })
  end)

  it("and an error of before_execute stops the batch before its first row", function()
    local db, Item = items()
    local mine = {}
    listen(db, "before_execute", function(_, sql) if sql:find "INSERT" then error(mine) end end, { once = true })
    db.session:add_all{ Item{ name = "a" }, Item{ name = "b" } }
    local ok, e
    local records = db:record(function() ok, e = pcall(db.session.flush, db.session) end)
    assert.is_false(ok)
    assert.equal(mine, e)
    assert.equal(0, #records)
    db.session:rollback()
    assert.equal(0, Item.query:count())
    db.session:add_all{ Item{ name = "a" }, Item{ name = "b" } }
    db.session:commit()
    assert.equal(2, Item.query:count())
  end)

  it("and not after a row that the database refuses, whose parameters the error has", function()
    local db, Item = items()
    local log = {}
    listen(db, "before_execute", function() log[#log + 1] = "before" end)
    listen(db, "after_execute", function() log[#log + 1] = "after" end)
    local e = refuse("IntegrityError", "UNIQUE", db.session.execute, db.session, mr.insert(Item),
      { { id = 5, name = "a" }, { id = 5, name = "b" } })
    assert.same({ "before" }, log)
    assert.same({ 5, "b", 7 }, e.params)
    db.session:rollback()
    assert.equal(0, Item.query:count())
  end)

  it("and what the listener changes in the objects does not change what is sent", function()
    local db, Item = items()
    local rows = { Item{ name = "a" }, Item{ name = "b" } }
    db.session:add_all(rows)
    listen(db, "before_execute", function()
      for _, row in ipairs(rows) do row.name = ("changed"):rep(3) end
      collectgarbage()
    end, { once = true })
    local records = db:record(function() db.session:flush() end)
    assert.same({ { "a", 7 }, { "b", 7 } }, records[1].parameters)
    db.session:commit()
    assert.equal(("changed"):rep(3), rows[1].name)
  end)
end)

describe("objects in memory follow an update of rows", function()
  local function loaded()
    local db, Item = items()
    db.session:execute(mr.insert(Item),
      { { name = "a", score = 1 }, { name = "b", score = 2 }, { name = "c", score = 3 } })
    db.session:commit()
    return db, Item, Item.query:order_by(Item.id):all()
  end

  it("take the values without a statement; a rollback brings the old ones back", function()
    local db, Item, rows = loaded()
    local texts = support.statements(db, function()
      db.session:execute(mr.update(Item), { { id = 1, name = "A" }, { id = 3, name = "C" } })
      assert.same({ "A", "b", "C" }, { rows[1].name, rows[2].name, rows[3].name })
      assert.equal(1, rows[1].score)
    end)
    assert.equal(1, #texts)
    assert.is_false(db.session:is_modified(rows[1]))
    assert.equal(0, #db.session.dirty)
    db.session:rollback()
    assert.same({ "a", "c" }, { rows[1].name, rows[3].name })
  end)

  it("go back with a savepoint alone", function()
    local db, Item, rows = loaded()
    db.session:execute(mr.update(Item), { { id = 1, name = "outer" } })
    local savepoint = db.session:begin_nested()
    db.session:execute(mr.update(Item), { { id = 1, name = "inner" } })
    assert.equal("inner", rows[1].name)
    savepoint:rollback()
    assert.equal("outer", rows[1].name)
  end)

  it("read again what only the database knows: expressions, and what onupdate makes", function()
    local db = mr.open "sqlite://"
    local Doc = db.Model:extend("Doc", {
      id      = db.Column{ db.Integer, primary_key = true },
      n       = db.Column{ db.Integer },
      changed = db.Column{ db.Integer, onupdate = 9 },
    })
    db:create_all()
    local doc = Doc{ n = 1, changed = 0 }
    db.session:add(doc)
    db.session:flush()
    db.session:execute(mr.update(Doc), { { id = 1, n = Doc.n + 10 } })
    assert.equal(1, #support.statements(db, function() assert.same({ 11, 9 }, { doc.n, doc.changed }) end))
  end)

  it("have the next version, where rows are versioned, and can be changed again", function()
    local db = mr.open "sqlite://"
    local Doc = db.Model:extend("Doc", {
      id   = db.Column{ db.Integer, primary_key = true },
      body = db.Column{ db.String(9) },
      v    = db.Column{ db.Integer, nullable = false },
      __mapper_args = { version_id_col = "v" },
    })
    db:create_all()
    local doc = Doc{ body = "a" }
    db.session:add(doc)
    db.session:flush()
    db.session:execute(mr.update(Doc), { { id = 1, v = 1, body = "b" } })
    assert.same({ "b", 2 }, { doc.body, doc.v })
    doc.body = "c"
    db.session:commit()
    assert.same({ "c", 3 }, { doc.body, doc.v })
  end)

  it("have their changes flushed first, and without autoflush read again what was written over them", function()
    local db, Item, rows = loaded()
    rows[1].name, rows[1].score = "mine", 10
    db.session:execute(mr.update(Item), { { id = 1, name = "theirs" } })
    assert.same({ "theirs", 10 }, { rows[1].name, rows[1].score })
    db.session:no_autoflush(function()
      rows[1].name, rows[1].score = "mine", 11
      db.session:execute(mr.update(Item), { { id = 1, name = "last" } })
      assert.same({ "last", 11 }, { rows[1].name, rows[1].score })
    end)
    db.session:commit()
    assert.same({ "last", 11 }, { rows[1].name, rows[1].score })
  end)

  it("do not with synchronize_session = false", function()
    local db, Item, rows = loaded()
    db.session:execute(mr.update(Item), { { id = 1, name = "A" } }, { synchronize_session = false })
    assert.equal("a", rows[1].name)
    db.session:refresh(rows[1])
    assert.equal("A", rows[1].name)
  end)

  it("are found by a composite key, by a float that is integral, and by attribute names", function()
    local db = mr.open "sqlite://"
    local Cell = db.Model:extend("Cell", {
      x = db.Column{ db.Integer, primary_key = true, autoincrement = false },
      y = db.Column{ "why", db.Integer, primary_key = true, autoincrement = false },
      a = db.Column{ "aa", db.Integer },
    })
    db:create_all()
    local cells = { Cell{ x = 1, y = 1, a = 1 }, Cell{ x = 1, y = 2, a = 2 } }
    db.session:add_all(cells)
    db.session:flush()
    db.session:execute(mr.update(Cell), { { y = 2.0, x = 1, a = 5 } })
    assert.same({ 1, 5 }, { cells[1].a, cells[2].a })
  end)

  it("leave alone what is not loaded, and objects that another session has", function()
    local path = os.tmpname()
    local db = mr.open("sqlite:///" .. path)
    local Item = db.Model:extend("Item", {
      id = db.Column{ db.Integer, primary_key = true },
      n  = db.Column{ db.Integer },
    })
    db:create_all()
    db.session:execute(mr.insert(Item), { { n = 1 }, { n = 2 } })
    db.session:commit()
    local one, other = db.session:get(Item, 1), mr.Session(db.engine)
    db.session:expire(one)
    local theirs = other:get(Item, 1)
    assert.equal(1, #support.statements(db, function()
      db.session:execute(mr.update(Item), { { id = 1, n = 10 }, { id = 2, n = 20 } })
    end))
    assert.equal(1, theirs.n)
    assert.equal(1, #support.statements(db, function() assert.equal(10, one.n) end))
    other:close()
    db.session:close()
    os.remove(path)
  end)
end)

describe("an empty list of rows", function()
  it("is no row: nothing is sent", function()
    local db, Item = items()
    assert.same({}, support.statements(db, function()
      assert.equal(0, db.session:execute(mr.insert(Item), {}).rowcount)
      assert.equal(0, db.session:execute(mr.update(Item), {}).rowcount)
      assert.same({}, { table.unpack(db.session:scalars(mr.insert(Item):returning(Item), {}):all()) })
    end))
    assert.equal(0, Item.query:count())
  end)
end)
