-- Class{ ... }: values of each type reach a new object; conversions, listeners and collections on the way. And writing
-- an attribute again, and reading it by any name.

local mr = require "moonrow"

local long_name = ("a_name_that_lua_does_not_keep_once_because_it_is_long"):rep(2)

local function open(more)
  local db = mr.open("sqlite://")
  local columns = {
    id      = db.Column{ db.Integer, primary_key = true },
    count   = db.Column{ db.Integer },
    price   = db.Column{ db.Float },
    ready   = db.Column{ db.Boolean },
    title   = db.Column{ db.String(40) },
    body    = db.Column{ db.Text },
    bytes   = db.Column{ db.LargeBinary },
    day     = db.Column{ db.Date },
    at      = db.Column{ db.DateTime },
    color   = db.Column{ db.Enum("red", "green") },
    [long_name] = db.Column{ db.String(40), name = "long" },
    note = mr.field(),
  }
  for name, column in pairs(more and more(db) or {}) do columns[name] = column end
  local Thing = db.Model:extend("Thing", columns)
  db:create_all()
  return db, Thing
end

local given = {
  id = 7, count = 3, price = 2, ready = false, title = "a\0b", body = ("x"):rep(3000),
  bytes = "\0\255", day = { year = 2024, month = 2, day = 29 }, at = "2024-02-29 13:04:05", color = "green",
  [long_name] = "long", note = "kept aside",
}

local function assert_given(thing)
  assert.equal(7, thing.id)
  assert.equal(3, thing.count)
  assert.equal("float", math.type(thing.price))
  assert.equal(2.0, thing.price)
  assert.is_false(thing.ready)
  assert.equal("a\0b", thing.title)
  assert.equal(given.body, thing.body)
  assert.equal("\0\255", thing.bytes)
  assert.equal("2024-02-29", tostring(thing.day))
  assert.equal("2024-02-29 13:04:05", tostring(thing.at))
  assert.equal("green", thing.color)
  assert.equal("long", thing[long_name])
end

describe("a new object", function()
  it("has a value of every type before and after its row is written", function()
    local db, Thing = open()
    local thing = Thing(given)
    assert_given(thing)
    assert.equal("kept aside", thing.note)
    db.session:add(thing)
    db.session:commit()
    assert_given(thing)
    db.session:remove()
    assert_given(db.session:get(Thing, 7))
  end)

  it("keeps its texts when the table and its strings are gone", function()
    local _, Thing = open()
    local things = {}
    for i = 1, 200 do things[i] = Thing{ title = "title " .. i, body = ("body %d "):format(i):rep(20), count = i } end
    collectgarbage()
    collectgarbage()
    for i = 1, 200 do
      assert.equal("title " .. i, things[i].title)
      assert.equal(("body %d "):format(i):rep(20), things[i].body)
      things[i].title = ("longer than before %d"):format(i)
      things[i].body = ""
      assert.equal(("longer than before %d"):format(i), things[i].title)
      assert.equal("", things[i].body)
    end
  end)

  it("keeps them where a finalizer empties the table meanwhile", function()
    local _, Thing = open()
    for i = 1, 300 do
      local values = { title = "title " .. i, body = ("b%d"):format(i):rep(10) }
      setmetatable({}, { __gc = function() values.title, values.body = nil, nil end })
      local title, body = values.title, values.body
      local thing = Thing(values)
      if i % 10 == 0 then collectgarbage() end
      if thing.title ~= nil then assert.equal(title, thing.title) end
      if thing.body ~= nil then assert.equal(body, thing.body) end
    end
  end)

  it("with more columns than are set at once has them all", function()
    local _, Thing = open(function(db)
      local more = {}
      for i = 1, 120 do more["c" .. i] = db.Column{ db.Integer } end
      return more
    end)
    local values = { day = "2024-02-29", note = "n" }
    for i = 1, 120 do values["c" .. i] = i end
    local thing = Thing(values)
    for i = 1, 120 do assert.equal(i, thing["c" .. i]) end
    assert.equal("2024-02-29", tostring(thing.day))
    assert.equal("n", thing.note)
  end)

  it("is refused with the attribute that is wrong, whatever else is right", function()
    local db, Thing = open()
    for name, value in pairs{ count = "many", price = "much", ready = 2, day = "soon", title = 5,
                              bytes = 5, color = 5, nothing = 1 } do
      local good = { count = 1, title = "t", note = "n", day = "2024-02-29" }
      good[name] = value
      local ok, err = pcall(Thing, good)
      assert.is_false(ok, name)
      assert.is_truthy(tostring(err):find(name, 1, true), tostring(err))
    end
    db.session:flush()
    assert.equal(0, Thing.query:count())
  end)

  it("takes null as a value, which is not the same as none", function()
    local _, Thing = open(function(db)
      return { level = db.Column{ db.Integer, default = 5 }, other = db.Column{ db.Integer, default = 6 } }
    end)
    local thing = Thing{ level = mr.null, count = 1 }
    assert.is_nil(thing.level)
    assert.same({ added = { mr.null }, deleted = {}, unchanged = {} }, mr.inspect(thing):history "level")
    assert.same({ added = {}, deleted = {}, unchanged = {} }, mr.inspect(thing):history "other")
  end)

  it("tells listeners of its values, and these may set other attributes", function()
    local _, Thing = open()
    local asked = {}
    mr.event.listen(Thing.title, "set", function() asked[#asked + 1] = "title" end)
    mr.event.listen(Thing.price, "set", function() asked[#asked + 1] = "price" end)
    mr.event.listen(Thing.count, "set", function(target, value)
      asked[#asked + 1] = "count"
      target.price = value * 2
    end)
    local thing = Thing{ count = 4, title = "t" }
    assert.equal(8.0, thing.price)
    table.sort(asked)
    assert.same({ "count", "price", "title" }, asked)
  end)

  it("gets an attribute that a backref makes later", function()
    local db = mr.open("sqlite://")
    local Parent = db.Model:extend("Parent", { id = db.Column{ db.Integer, primary_key = true },
                                               name = db.Column{ db.String(10) } })
    assert.equal("first", Parent{ name = "first" }.name)
    local Child = db.Model:extend("Child", {
      id        = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
      parent    = db.relationship("Parent", { backref = "children" }),
    })
    local child = Child{}
    local parent = Parent{ name = "second", children = { child } }
    assert.equal("second", parent.name)
    assert.equal(parent, child.parent)
    assert.equal(1, #parent.children)
  end)
end)

describe("an attribute that is written again and again", function()
  local db, Thing, thing

  before_each(function()
    db, Thing = open()
    db.session:add(Thing{ id = 1, count = 1, price = 1.5, title = "one" })
    db.session:commit()
    thing = db.session:get(Thing, 1)
  end)

  local function updates(fn) return #db:record(fn) end

  it("is written once, with the last value", function()
    for i = 2, 10 do
      thing.count = i
      thing.price = i / 2
    end
    assert.same({ added = { 10 }, deleted = { 1 }, unchanged = {} }, mr.inspect(thing):history "count")
    assert.equal(1, updates(function() db.session:flush() end))
    db.session:commit()
    assert.same({ 10, 5.0 }, { thing.count, thing.price })
  end)

  it("is not changed when its first value comes back", function()
    for _, back in ipairs{ { "count", 1, 2 }, { "price", 1.5, 2.5 } } do
      local name, first, other = table.unpack(back)
      thing[name] = other
      thing[name] = other + 1
      thing[name] = first
      assert.is_false(db.session:is_modified(thing))
      thing[name] = other
      thing[name] = nil
      thing[name] = other
      assert.same({ added = { other }, deleted = { first }, unchanged = {} }, mr.inspect(thing):history(name))
      thing[name] = first
      assert.is_false(db.session:is_modified(thing))
    end
    assert.equal(0, updates(function() db.session:flush() end))
  end)

  it("takes what fits its type, each time", function()
    thing.count = 2
    thing.count = 3.0
    assert.equal("integer", math.type(thing.count))
    thing.price = 2.5
    thing.price = 3
    assert.equal("float", math.type(thing.price))
    assert.has_error(function() thing.count = 2.5 end)
    assert.has_error(function() thing.count = "x" end)
    assert.has_error(function() thing.price = 0 / 0 end)
    assert.same({ 3, 3.0 }, { thing.count, thing.price })
  end)

  it("is heard each time once somebody listens", function()
    thing.count = 2
    local heard = {}
    mr.event.listen(Thing.count, "set", function(_, value) heard[#heard + 1] = value end)
    thing.count = 3
    thing.count = 4
    assert.same({ 3, 4 }, heard)
  end)

  it("is read again after a rollback", function()
    thing.count = 2
    thing.count = 3
    db.session:rollback()
    assert.equal(1, thing.count)
    thing.count = 5
    db.session:commit()
    thing.count = 6 -- it has expired before this
    thing.count = 7
    db.session:commit()
    assert.equal(7, thing.count)
  end)

  it("of an object that has left its session is kept, and written when it is added again", function()
    assert.equal(1, thing.count)
    db.session:expunge(thing)
    thing.count = 2
    thing.count = 3
    db.session:add(thing)
    db.session:commit()
    assert.equal(3, thing.count)
  end)
end)
