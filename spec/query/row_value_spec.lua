-- Rows keep numbers and short texts in their own memory, and make Lua values of them when they are read: a program
-- cannot see where a value is kept.

local mr = require "moonrow"

local db, session, Thing
before_each(function()
  db = mr.open "sqlite://"
  session = db.session
  Thing = db.Model:extend("Thing", {
    id = db.Column{ db.Integer, primary_key = true }, text = db.Column{ db.Text }, data = db.Column{ db.LargeBinary },
    size = db.Column{ db.Float }, fresh = db.Column{ db.Boolean },
    born = db.Column{ db.Date }, more = db.Column{ db.DateTime },
  })
  db:create_all()
end)
after_each(function() session:remove() end)

local function columns()
  return session:query(Thing.id, Thing.text, Thing.data, Thing.size, Thing.fresh, Thing.born, Thing.more)
    :order_by(Thing.id)
end

describe("a row's values", function()
  it("are whole at each length, whatever bytes they are of", function()
    local texts = {}
    for _, length in ipairs{ 0, 1, 39, 40, 41, 200, 100000 } do
      texts[#texts + 1] = ("a\0é"):rep(length):sub(1, length) .. "."
      session:add(Thing{ text = ("é"):rep(length), data = texts[#texts] })
    end
    session:commit()
    local rows = columns():all()
    collectgarbage()
    for i, row in ipairs(rows) do
      assert.equal(texts[i], row.data)
      assert.equal(texts[i], row[3])
      assert.equal(("é"):rep((#texts[i] - 1)), row.text)
      assert.same({ i, row.text, texts[i] }, { row:unpack() })
    end
  end)

  it("are what was stored, of each kind, and NULL leaves no gap", function()
    session:add(Thing{ text = "a", data = "\0\1", size = 0.5, fresh = false,
      born = { year = 2024, month = 2, day = 29 }, more = { year = 2024, month = 2, day = 29, hour = 1 } })
    session:add(Thing{})
    session:add(Thing{ more = { year = 2024, month = 1, day = 1 } })
    session:commit()
    local full, empty, only = table.unpack(columns():all())
    collectgarbage()
    assert.same({ 1, "a", "\0\1", 0.5, false }, { table.unpack({ full:unpack() }, 1, 5) })
    assert.equal("2024-02-29", tostring(full.born))
    assert.equal(1, full.more.hour)
    assert.same({ id = 2 }, empty:mapping())
    assert.equal(7, #empty)
    assert.equal(7, select("#", empty:unpack()))
    assert.equal(2024, only.more.year)
    assert.is_nil(only.born)
  end)

  it("are the same object each time they are asked for", function()
    session:add(Thing{ born = { year = 2024, month = 2, day = 29 }, more = { year = 2024, month = 1, day = 1 } })
    session:commit()
    local row = columns():one()
    assert.is_true(rawequal(row.born, row.born))
    assert.is_true(rawequal(row.more, row[7]))
    local thing, id, more = session:query(Thing, Thing.id, Thing.more):one():unpack()
    assert.equal(thing.id, id)
    assert.is_true(thing.more == more)
  end)

  it("are equal where the rows' values are, and can be told apart where one differs", function()
    local long = ("x"):rep(60)
    session:add_all{ Thing{ text = "a" }, Thing{ text = "a" }, Thing{ text = long }, Thing{ text = long }, Thing{} }
    session:commit()
    local r = session:query(Thing.text, Thing.size):order_by(Thing.id):all()
    assert.is_true(r[1] == r[2] and r[3] == r[4])
    assert.is_false(r[1] == r[3] or r[1] == r[5])
  end)

  it("outlive the result, the session and the engine", function()
    session:add(Thing{ text = "short", data = ("long"):rep(30), size = 2.5 })
    session:commit()
    local row = columns():first()
    session:remove()
    db.engine:dispose()
    collectgarbage()
    assert.equal("short", row.text)
    assert.equal(("long"):rep(30), row.data)
    assert.equal(2.5, row.size)
  end)

  it("come through each way of reading a result alike", function()
    local long = ("x"):rep(60)
    session:add_all{ Thing{ text = "a", size = 1.5 }, Thing{ text = long } }
    session:commit()
    local query = session:query(Thing.id, Thing.text, Thing.size):order_by(Thing.id)
    local expected = { { 1, "a", 1.5 }, { 2, long } }
    local function read(rows)
      local all = {}
      for i, row in ipairs(rows) do all[i] = { row:unpack() } end
      return all
    end
    assert.same(expected, read(query:all()))
    local streamed = {}
    for row in query:yield_per(1):iter() do streamed[#streamed + 1] = row end
    assert.same(expected, read(streamed))
    assert.same(expected, read(session:execute(mr.text "SELECT id, text, size FROM thing ORDER BY id"):all()))
    local scalars = session:execute(mr.select(Thing.text):order_by(Thing.id)):scalars():all()
    assert.same({ "a", long }, { table.unpack(scalars) })
  end)
end)
