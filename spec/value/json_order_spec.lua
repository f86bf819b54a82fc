-- A value inside of JSON is compared and sorted as the number or text that it is. A whole document has no order: the
-- database would compare its text, in which 10 comes before 9.
local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function open(url)
  local db = mr.open(url or "sqlite://")
  local Item = db.Model:extend("Item", {
    id = db.Column{ db.Integer, primary_key = true }, data = db.Column{ db.JSON },
    list = db.Column{ db.Array(db.Integer) },
  })
  db:create_all()
  if not url then
    db.session:add_all{ Item{ id = 1, data = { n = 9, t = "b" }, list = { 2 } },
      Item{ id = 2, data = { n = 10, t = "a" }, list = { 10 } }, Item{ id = 3, data = { n = 9.5, t = "c" } },
      Item{ id = 4 } }
    db.session:commit()
  end
  return db.session, Item
end

local function ids(query)
  local found = {}
  for i, item in ipairs(query:all()) do found[i] = item.id end
  return found
end

describe("values inside of JSON", function()
  it("are compared as the numbers and texts that they are", function()
    local s, Item = open()
    local n, t = Item.data:at "n", Item.data:at "t"
    assert.same({ 1, 3 }, ids(s:query(Item):filter(n:lt(10)):order_by(Item.id)))
    assert.same({ 2 }, ids(s:query(Item):filter(n:ge(10))))
    assert.same({ 1, 2, 3 }, ids(s:query(Item):filter(n:between(9, 10)):order_by(Item.id)))
    assert.same({ 1, 3 }, ids(s:query(Item):filter(t:gt "a"):order_by(Item.id)))
    assert.same({ 2 }, ids(s:query(Item):filter(Item.list:at(1):gt(2))))
  end)

  it("sort so, and so do min, max and windows", function()
    local s, Item = open()
    local n, t = Item.data:at "n", Item.data:at "t"
    assert.same({ 1, 3, 2 }, ids(s:query(Item):filter(n:is_not(nil)):order_by(n)))
    assert.same({ 3, 1, 2 }, ids(s:query(Item):filter(t:is_not(nil)):order_by(t:desc())))
    local row = s:query(mr.func.min(n), mr.func.max(n), mr.func.min(t), mr.func.max(t)):one()
    assert.same({ 9, 10, "a", "c" }, { row[1], row[2], row[3], row[4] })
    local place = mr.func.row_number():over{ order_by = n:desc() }
    assert.equal(2, s:query(place, Item.id):order_by(place):first()[2])
  end)
end)

describe("a whole document", function()
  it("has no order", function()
    local s, Item = open()
    for name, column in pairs{ JSON = Item.data, Array = Item.list, ["JSON "] = Item.data:at("n"):as_json() } do
      local why = { name:match "%a+", "has no order", "x:at(...)" }
      for _, op in ipairs{ "lt", "le", "gt", "ge" } do
        refuse("ArgumentError", why, function() s:query(Item):filter(column[op](column, { 1 })):all() end)
      end
      refuse("ArgumentError", why, function() s:query(Item):order_by(column):all() end)
      refuse("ArgumentError", why, function() s:query(Item):order_by(column:desc():nulls_last()):all() end)
      refuse("ArgumentError", why, function() s:query(mr.func.max(column)):all() end)
      refuse("ArgumentError", why, function() s:query(mr.func.min(column):label "x"):all() end)
      refuse("ArgumentError", why, function() s:query(mr.func.row_number():over{ order_by = column }):all() end)
    end
  end)

  it("is refused in each dialect, also where the database has some order for it", function()
    local _, Item = open "mock+postgresql://"
    local db = mr.open "mock+postgresql://"
    for _, column in ipairs{ Item.data, Item.list, Item.data:cast(mr.JSONB) } do
      for _, sign in ipairs{ "lt", "le", "gt", "ge" } do
        refuse("ArgumentError", "has no order: a value in it has one, x:at(...)", function()
          db.session:query(Item.id):filter(column[sign](column, { 1 })):sql()
        end)
      end
      refuse("ArgumentError", "has no order", function()
        db.session:query(Item.id):filter(column:between({ 1 }, { 2 })):sql()
      end)
    end
    local inside = db.session:query(Item.id):filter(Item.data:at("n"):lt(5)):sql()
    assert.truthy(inside:find(" < ", 1, true))
  end)

  it("is equal, grouped and counted as its text is", function()
    local s, Item = open()
    assert.same({ 1 }, ids(s:query(Item):filter(Item.data:eq{ n = 9, t = "b" })))
    assert.equal(4, #s:query(Item.data, mr.func.count()):group_by(Item.data):all())
    assert.equal(3, s:query(mr.func.count(Item.data:distinct())):scalar())
  end)
end)

describe("the largest of what does not sort", function()
  it("is refused as its order is", function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true },
      long = db.Column{ db.Interval{ storage = "iso" } }, e = db.Column{ db.Enum("b", "a", { storage = "position" }) },
      w = db.Column{ db.Enum("x", "y", { storage = { x = "2", y = "1" } }) } })
    db:create_all()
    db.session:add_all{ Row{ e = "a" }, Row{ e = "b" } }
    db.session:commit()
    for _, column in ipairs{ Row.long, Row.w } do
      refuse("ArgumentError", { "has no order in the database" }, function()
        db.session:query(mr.func.max(column)):all()
      end)
    end
    assert.equal("a", db.session:query(mr.func.max(Row.e)):scalar())
  end)
end)
