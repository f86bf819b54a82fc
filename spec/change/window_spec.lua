-- Long lists: query:window{ size = 50 }: keys in memory, objects a page at a time, and it follows the database in poll.

local mr = require "moonrow"

local db, session, Item, Pair, told

before_each(function()
  db = mr.open "sqlite://"
  Item = db.Model:extend("Item", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40) },
    rank = db.Column{ db.Integer },
    tags = db.relationship{ "Tag", order_by = "Tag.id" },
  })
  db.Model:extend("Tag", {
    id = db.Column{ db.Integer, primary_key = true },
    item_id = db.Column{ db.Integer, db.ForeignKey "item.id" },
  })
  Pair = db.Model:extend("Pair", {
    a = db.Column{ db.Integer, primary_key = true },
    b = db.Column{ db.String(10), primary_key = true },
    name = db.Column{ db.String(40) },
  })
  db:create_all()
  session = db.session
  local items, pairs_ = {}, {}
  for i = 1, 100 do items[i] = { id = i, name = "n" .. i, rank = 101 - i } end
  for i = 1, 10 do pairs_[i] = { a = (i - 1) // 5, b = "b" .. i, name = "p" .. i } end
  session:execute(mr.insert(Item), items)
  session:execute(mr.insert(Pair), pairs_)
  session:commit()
  told = {}
end)

local function execute(sql)
  session:execute(mr.text(sql))
  session:commit()
end

local function note(v, diff)
  local words = {}
  for _, kind in ipairs{ "removed", "inserted", "updated" } do
    if #diff[kind] > 0 then words[#words + 1] = kind .. " " .. table.concat(diff[kind], ",") end
  end
  for _, move in ipairs(diff.moved) do words[#words + 1] = "moved " .. move.from .. ">" .. move.to end
  told[#told + 1] = #v .. ": " .. table.concat(words, " ")
end

local function poll()
  told = {}
  local calls = db:poll()
  assert.equal(#told, calls)
  return told
end

describe("a window", function()
  it("reads the keys at first, and a page at a time", function()
    local v
    local function count(fn) return #db:record(fn) end
    assert.equal(1, count(function() v = Item.query:order_by(Item.rank):window{ size = 10, pages = 2 } end))
    assert.equal(0, count(function() assert.equal(100, #v) end))
    assert.equal(1, count(function() assert.equal("n100", v[1].name) end))
    assert.equal(0, count(function() assert.equal("n91", v[10].name) end))
    assert.equal(1, count(function() assert.equal("n90", v[11].name) end))
    assert.equal(0, count(function() assert.equal("n100", v[1].name) end))
    assert.equal(1, count(function() assert.equal("n1", v[100].name) end)) -- the second page goes
    assert.equal(0, count(function() assert.equal("n100", v[1].name) end))
    assert.equal(1, count(function() assert.equal("n90", v[11].name) end))
    assert.is_nil(v[0])
    assert.is_nil(v[101])
    assert.equal(session:get(Item, 100), v[1])
    assert.equal(11, v:find(v[11]))
    assert.is_nil(v:find(Item{ id = 500 }))
    assert.equal("<Window of 100: SELECT item.id AS item_id FROM item ORDER BY item.rank>", tostring(v))
    v:close()
  end)

  it("keeps the query's criteria, joins, limit and offset, and its loader options", function()
    execute "INSERT INTO tag (item_id) VALUES (100), (100), (98)"
    local v <close> = session:query(Item):join(Item.tags):order_by(Item.rank):options(mr.selectinload(Item.tags))
      :window{ size = 5 }
    assert.equal(2, #v) -- each object once
    assert.equal(100, v[1].id)
    assert.equal(0, #db:record(function() assert.equal(2, #v[1].tags) end))
    local w <close> = Item.query:filter(Item.id:gt(10)):order_by(Item.id):limit(7):offset(2):window{ size = 5 }
    assert.equal(7, #w)
    assert.equal(13, w[1].id)
    assert.equal(19, w[7].id)
  end)

  it("follows the database in poll", function()
    local v <close> = Item.query:order_by(Item.rank):window{ size = 10, on_change = note }
    assert.equal("n91", v[10].name)
    execute "UPDATE item SET name = 'far' WHERE id = 1" -- nobody looks at it
    assert.same({}, poll())
    execute "UPDATE item SET name = 'near' WHERE id = 91"
    assert.same({ "100: updated 10" }, poll())
    assert.equal("near", v[10].name)
    execute "UPDATE item SET rank = 500 WHERE id = 100"
    assert.same({ "100: updated 100 moved 1>100" }, poll())
    assert.equal("n99", v[1].name)
    assert.equal("n100", v[100].name)
    session:add(Item{ id = 200, rank = 0 })
    session:delete(session:get(Item, 99))
    session:commit()
    assert.same({ "100: removed 1 inserted 1" }, poll())
    assert.equal(200, v[1].id)
    execute "DELETE FROM item"
    assert.same({ "0: removed " .. table.concat((function()
      local list = {}
      for i = 1, 100 do list[i] = i end
      return list
    end)(), ",") }, poll())
    assert.is_nil(v[1])
  end)

  it("reads no keys again where only other columns were changed", function()
    local v <close> = Item.query:order_by(Item.rank):window{ size = 10, on_change = note }
    assert.truthy(v[1])
    execute "UPDATE item SET name = 'x'"
    local records = db:record(function() assert.same({ "100: updated 1,2,3,4,5,6,7,8,9,10" }, poll()) end)
    assert.equal(1, #records)
    assert.truthy(records[1].statement:find("IN (", 1, true))
  end)

  it("does not notice what only its own transaction has, and waits for its end", function()
    local v <close> = Item.query:order_by(Item.id):window{ size = 10, on_change = note }
    session:delete(v[3])
    session:flush()
    assert.same({}, poll())
    assert.equal(100, #v)
    session:rollback()
    assert.same({}, poll())
    assert.equal(3, v[3].id)
  end)

  it("has keys of several columns", function()
    local v <close> = Pair.query:order_by(Pair.a:desc(), Pair.b):window{ size = 3, on_change = note }
    assert.equal(10, #v)
    assert.equal("p10", v[1].name)
    assert.equal("p1", v[6].name)
    assert.equal(6, v:find(session:get(Pair, { 0, "b1" })))
    execute "UPDATE pair SET name = 'q' WHERE b = 'b10'"
    execute "DELETE FROM pair WHERE b = 'b3'"
    assert.same({ "9: removed 8 updated 1" }, poll())
    assert.equal("q", v[1].name)
  end)

  it("holds no objects but those of the last pages", function()
    local v <close> = Item.query:order_by(Item.id):window{ size = 10, pages = 1 }
    local seen = setmetatable({}, { __mode = "k" })
    for i = 1, 100 do seen[v[i]] = true end
    collectgarbage()
    collectgarbage()
    local n = 0
    for _ in pairs(seen) do n = n + 1 end
    assert.equal(10, n)
  end)

  it("refuses what it cannot show", function()
    local function message(fn, ...) return select(2, pcall(fn, ...)).message end
    assert.truthy(message(function() session:query(Item.id):window() end)
      :find("window: the query must give the objects of one class", 1, true))
    assert.truthy(message(function() Item.query:window{ size = 0 } end):find("an integer of 1 or more", 1, true))
    assert.truthy(message(function() Item.query:window{ sise = 1 } end):find("size", 1, true))
    local v <close> = Item.query:window()
    assert.equal("a window has no 'fnd' (did you mean 'find'?)", message(function() return v.fnd end))
    assert.truthy(message(function() v[1] = v[2] end):find("a window is not assigned to", 1, true))
  end)
end)
