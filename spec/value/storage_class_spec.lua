-- Booleans that other programs have stored as text, and columns without a type: each value keeps its storage class.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function stored(db, table_name, column, id)
  local sql = "SELECT typeof(%s) || ' ' || quote(%s) AS it FROM %s WHERE id = %s"
  sql = sql:format(column, column, table_name, id)
  return db.session:execute(mr.text(sql)):one().it
end

describe("a boolean that is stored as text", function()
  -- Rows 1 to 5 are true, 6 to 11 false, 12 is NULL.
  local literals = { "1", "'1'", "'t'", "'true'", "1.0", "0", "'0'", "'f'", "'false'", "''", "0.0", "NULL" }
  local db, Task

  local function open(sql)
    db = mr.open "sqlite://"
    Task = db.Model:extend("Task", { id = db.Column{ db.Integer, primary_key = true }, done = db.Column{ db.Boolean },
      n = db.Column{ db.Integer } })
    db.session:execute(mr.text("CREATE TABLE task (id INTEGER PRIMARY KEY, done " .. sql .. ", n INTEGER)"))
    for i, literal in ipairs(literals) do
      db.session:execute(mr.text(("INSERT INTO task VALUES (%d, %s, 0)"):format(i, literal)))
    end
    db.session:commit()
  end

  local function found(criterion)
    local ids = {}
    for _, t in ipairs(Task.query:filter(criterion):order_by(Task.id):all()) do ids[#ids + 1] = t.id end
    return table.concat(ids, " ")
  end

  for _, sql in ipairs{ "", "BOOLEAN", "TEXT" } do
    it("is found by each criterion, in a column declared '" .. sql .. "'", function()
      if sql == "TEXT" then literals[5], literals[11] = "'t'", "'f'" end -- in such a column 1.0 is the text '1.0'
      open(sql)
      literals[5], literals[11] = "1.0", "0.0"
      local done = Task.done
      local yes, no, null = "1 2 3 4 5", "6 7 8 9 10 11", "12"
      assert.equal(yes, found(done))
      assert.equal(no, found(mr.not_(done)))
      assert.equal(yes, found(done:eq(true)))
      assert.equal(no, found(done:eq(false)))
      assert.equal(no, found(done:ne(true)))
      assert.equal(yes, found(done:ne(false)))
      assert.equal(yes, found(done:is_(true)))
      assert.equal(no, found(done:is_(false)))
      assert.equal(no .. " " .. null, found(done:is_not(true)))
      assert.equal(yes .. " " .. null, found(done:is_not(false)))
      assert.equal(null, found(done:is_(nil)))
      assert.equal(yes, found(done:in_{ true }))
      assert.equal(yes .. " " .. no, found(done:in_{ true, false }))
      assert.equal(no, found(done:not_in{ true }))
      assert.equal(no, found(mr.not_(done:eq(true))))
      assert.equal(yes, found(mr.tuple_(Task.n, done):in_{ { 0, true } }))
      assert.equal(yes, found(mr.and_(done, Task.n:eq(0))))
      assert.equal(5, Task.query:filter_by{ done = true }:count())
      assert.equal(6, Task.query:filter(done:eq(mr.bindparam "x")):params{ x = false }:count())
      local T = mr.aliased(Task)
      assert.equal(5, #Task.query:join(T, mr.and_(T.id:eq(Task.id), T.done)):all())
      for _, t in ipairs(Task.query:filter(done:is_not(nil)):all()) do
        assert.equal(t, Task.query:filter(Task.id:eq(t.id), done:eq(t.done)):one())
      end
    end)

    it("is written in its own class, and read, set and put back without a change, in '" .. sql .. "'", function()
      open(sql)
      local before = {}
      for id = 1, #literals - 1 do before[id] = sql ~= "TEXT" and stored(db, "task", "done", id) or nil end
      for id in pairs(before) do
        local t = db.session:get(Task, id)
        t.done = not t.done
        t.done = id <= 5
        t.n = 1
      end
      db.session:commit()
      for id, was in pairs(before) do assert.equal(was, stored(db, "task", "done", id)) end
      assert.equal(sql == "TEXT" and "text '1'" or "integer 1", (function()
        db.session:add(Task{ id = 100, done = true })
        db.session:commit()
        return stored(db, "task", "done", 100)
      end)())
    end)
  end

  it("is followed in memory by statements", function()
    open ""
    local all = Task.query:order_by(Task.id):all()
    assert.equal(5, Task.query:filter(Task.done):update({ n = 1 }, { synchronize_session = "evaluate" }))
    assert.equal(6, Task.query:filter(Task.done:eq(false)):update({ n = 2 }, { synchronize_session = "evaluate" }))
    local counts = {}
    assert.same({}, db:record(function() for i, t in ipairs(all) do counts[i] = t.n end end))
    assert.same({ 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0 }, counts)
  end)

  it("is one value of a computed condition, which is 0 or 1", function()
    open ""
    assert.equal(5, Task.query:filter(Task.id:le(5):eq(true)):count())
    local row = db.session:query(Task.id:le(5), Task.done):filter(Task.id:eq(8)):one()
    assert.same({ false, false }, { row[1], row[2] })
  end)

  it("that is none makes memory ask the database", function()
    open ""
    db.session:execute(mr.text "UPDATE task SET done = 'maybe' WHERE id = 1")
    db.session:execute(mr.text "UPDATE task SET done = 2 WHERE id = 2")
    db.session:commit()
    for _, how in ipairs{ "keep", "null" } do
      local all = Task.query:order_by(Task.id):execution_options{ bad_values = how }:all()
      assert.equal(3, Task.query:filter(Task.done):update({ n = 7 }, { synchronize_session = "evaluate" }))
      assert.equal(1, Task.query:filter(Task.done:is_(nil)):update({ n = 8 }, { synchronize_session = "evaluate" }))
      local plain = db.session:execute(mr.text "SELECT n FROM task ORDER BY id"):all()
      for i, t in ipairs(all) do assert.equal(plain[i].n, t.n) end
      db.session:rollback()
    end
  end)
end)

describe("Any", function()
  local db, Item
  before_each(function()
    db = mr.open "sqlite://"
    Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true }, value = db.Column{ db.Any } })
    db:create_all()
  end)

  it("declares no type, so that nothing is converted", function()
    local sql = "SELECT type FROM pragma_table_info('item') WHERE name = 'value'"
    assert.equal("", db.session:execute(mr.text(sql)):scalar())
    for i, case in ipairs{
      { 42, "integer 42" }, { 42.0, "real 42.0" }, { 0.5, "real 0.5" }, { "42", "text '42'" }, { "", "text ''" },
      { "x", "text 'x'" }, { true, "integer 1" }, { false, "integer 0" },
    } do
      db.session:add(Item{ id = i, value = case[1] })
      db.session:commit()
      assert.equal(case[2], stored(db, "item", "value", i))
      local back = db.session:get(Item, i).value
      if type(case[1]) ~= "boolean" then
        assert.equal(case[1], back)
        assert.equal(math.type(case[1]), math.type(back))
        assert.equal(i, Item.query:filter(Item.value:eq(back)):order_by(Item.id:desc()):all()[1].id)
      end
    end
    assert.equal("Any", mr.Any.name)
  end)

  it("keeps what is there: numbers, text and blobs", function()
    local literals = { "42", "1.0", "'x'", "x'0001'", "x''", "'42'", "NULL" }
    for i, literal in ipairs(literals) do
      db.session:execute(mr.text(("INSERT INTO item VALUES (%d, %s)"):format(i, literal)))
    end
    db.session:commit()
    for i in ipairs(literals) do
      local before, item = stored(db, "item", "value", i), db.session:get(Item, i)
      local value = item.value
      assert.same({}, db:record(function()
        item.value = value
        db.session:flush()
      end))
      item.value = "other"
      item.value = value
      db.session:commit()
      assert.equal(before, stored(db, "item", "value", i))
      if value ~= nil then
        assert.equal(item, Item.query:filter(Item.value:eq(value), Item.id:eq(i)):one())
        assert.equal(item, Item.query:filter(Item.value:in_{ value }, Item.id:eq(i)):one())
      end
    end
    assert.equal("\0\1", db.session:get(Item, 4).value)
  end)

  it("may be a key, a blob among them", function()
    local Key = db.Model:extend("Key", { id = db.Column{ db.Any, primary_key = true }, n = db.Column{ db.Integer } })
    db.session:execute(mr.text 'CREATE TABLE "key" (id PRIMARY KEY, n INTEGER)')
    db.session:execute(mr.text "INSERT INTO \"key\" VALUES (x'6162', 0), (7, 0), (1.5, 0), ('t', 0)")
    db.session:commit()
    local sum = 0
    for i, key in ipairs(Key.query:all()) do
      key.n = i
      sum = sum + i
    end
    db.session:commit()
    assert.equal(sum, db.session:query(mr.func.sum(Key.n)):scalar())
    db.session:remove()
    for _, id in ipairs{ "ab", 7, 1.5, "t" } do
      local key = db.session:get(Key, id)
      assert.equal(id, key.id)
      key.n = -1
      db.session:delete(key)
    end
    db.session:commit()
    assert.equal(0, Key.query:count())
  end)

  it("takes no dates and no tables", function()
    refuse("ArgumentError", { "Item.value: expected an integer, float or string, got datetime" }, function()
      return Item{ value = mr.now() }
    end)
    refuse("ArgumentError", "Item.value", function() return Item{ value = {} } end)
    refuse("ArgumentError", "NaN", function() return Item{ value = 0 / 0 } end)
  end)
end)

describe("a blob in a column of text", function()
  it("stays what it is: as LargeBinary, as Any, and kept", function()
    for _, type in ipairs{ mr.LargeBinary, mr.Any, mr.Text } do
      local db = mr.open "sqlite://"
      local Doc = db.Model:extend("Doc", { id = db.Column{ db.Integer, primary_key = true }, body = db.Column{ type },
        n = db.Column{ db.Integer } })
      db.session:execute(mr.text "CREATE TABLE doc (id INTEGER PRIMARY KEY, body TEXT, n INTEGER)")
      db.session:execute(mr.text "INSERT INTO doc VALUES (1, x'610062', 0)")
      db.session:commit()
      local doc = Doc.query:execution_options{ bad_values = "keep" }:one()
      assert.equal("a\0b", doc.body)
      doc.body = doc.body
      doc.n = 1
      db.session:commit()
      doc.body = "a\0b"
      db.session:commit()
      doc.body = "other"
      doc.body = "a\0b"
      db.session:commit()
      assert.equal("blob X'610062'", stored(db, "doc", "body", 1))
      if type ~= mr.Text then
        assert.equal(1, Doc.query:filter_by{ body = doc.body }:count())
        assert.equal(1, Doc.query:filter(Doc.body:in_{ doc.body }):count())
      end
    end
  end)
end)
