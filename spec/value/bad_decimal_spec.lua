-- A row whose Numeric column holds no decimal: the object is loaded, and the error comes when the attribute is read.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function shop()
  local db = mr.open "sqlite://"
  local Item = db.Model:extend("Item", {
    id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.Text },
    price = db.Column{ db.Numeric(10, 2) }, cost = db.Column{ db.Numeric },
    box_id = db.Column{ db.ForeignKey "box.id" },
  })
  local Box = db.Model:extend("Box", { id = db.Column{ db.Integer, primary_key = true },
    worth = db.Column{ db.Numeric(5, 1) }, items = db.relationship("Item", { backref = "box" }) })
  db:create_all()
  db.session:execute(mr.text "INSERT INTO box VALUES (1, 'much'), (2, '1.5')")
  db.session:execute(mr.text [[INSERT INTO item VALUES (1, 'a', 'abc', '1', 1), (2, 'b', '12.345', x'00', 1),
    (3, 'c', '1.50', '2.00', 2), (4, 'd', '1e', 'NaN', NULL)]])
  db.session:commit()
  return db, Item, Box
end

describe("an object whose row holds no decimal", function()
  local db, Item, Box, s
  before_each(function()
    db, Item, Box = shop()
    s = db.session
  end)

  it("is loaded, and its other attributes are read without a further statement", function()
    local sent = db:record(function()
      local list = Item.query:order_by(Item.id):all()
      assert.equal(4, #list)
      assert.equal("a", list[1].name)
      assert.equal("1", tostring(list[1].cost))
      assert.equal("1.50", tostring(list[3].price))
    end)
    assert.equal(1, #sent)
  end)

  it("raises when the attribute is read, naming class, attribute, row, value and cure; each time", function()
    local list = Item.query:order_by(Item.id):all()
    for _ = 1, 2 do
      refuse("DataError", { 'Item.price of Item 1 holds "abc"', "no decimal", "bad_values" },
        function() return list[1].price end)
    end
    refuse("DataError", { 'Item.price of Item 2 holds "12.345"', "fits its column" },
      function() return list[2].price end)
    refuse("DataError", { "Item.cost of Item 2 holds x'00'" }, function() return list[2].cost end)
    refuse("DataError", { 'Item.cost of Item 4 holds "NaN"' }, function() return list[4].cost end)
    assert.equal("1", tostring(list[1].cost))
  end)

  it("raises after get, refresh, a commit and an expire, and nowhere else", function()
    local item = s:get(Item, 1)
    local function bad() return item.price end
    refuse("DataError", "Item.price of Item 1", bad)
    s:refresh(item)
    assert.equal("a", item.name)
    refuse("DataError", "Item.price of Item 1", bad)
    s:commit()
    refuse("DataError", "Item.price of Item 1", bad)
    assert.equal("a", item.name)
    s:expire(item)
    assert.equal("a", item.name)
    refuse("DataError", "Item.price of Item 1", bad)
    s:expire(item, { "price" })
    refuse("DataError", "Item.price of Item 1", bad)
  end)

  it("raises where it was loaded along a relationship, too", function()
    for _, option in ipairs{ mr.joinedload(Box.items), mr.selectinload(Box.items), mr.subqueryload(Box.items),
      mr.lazyload(Box.items) } do
      local box = Box.query:options(option):order_by(Box.id):first()
      assert.equal(2, #box.items)
      assert.equal("a", box.items[1].name)
      refuse("DataError", "Item.price of Item 1", function() return box.items[1].price end)
      refuse("DataError", "Box.worth of Box 1", function() return box.worth end)
      s:expunge_all()
    end
  end)

  it("can be given a good value, and written", function()
    local item = s:get(Item, 1)
    item.price = "7"
    s:commit()
    assert.equal("7.00", tostring(item.price))
    local other = s:get(Item, 2)
    other.name = "changed"
    s:commit()
    local row = s:execute(mr.text "SELECT name, price FROM item WHERE id = 2"):first()
    assert.equal("changed 12.345", row.name .. " " .. row.price)
    s:delete(other)
    s:commit()
    assert.equal(3, Item.query:count())
  end)

  it("is read as its query says: bad_values goes with the object", function()
    local list = Item.query:execution_options{ bad_values = "null" }:order_by(Item.id):all()
    assert.is_nil(list[1].price)
    s:commit()
    assert.is_nil(list[1].price)
    assert.equal("1.50", tostring(list[3].price))
    s:expunge_all()
    list = Item.query:execution_options{ bad_values = "keep" }:order_by(Item.id):all()
    assert.equal("abc", list[1].price)
    s:commit()
    assert.equal("abc", list[1].price)
    list[1].price = list[1].price
    assert.is_false(s:is_modified(list[1]))
    s:expunge_all()
    local first = s:get(Item, 1)
    refuse("DataError", "Item.price of Item 1", function() return first.price end)
    Item.query:execution_options{ bad_values = "null", populate_existing = true }:all()
    assert.is_nil(first.price)
  end)

  it("raises where the value itself is asked for", function()
    refuse("DataError", { "Item.price", "row 1 of the result" }, function() return s:query(Item.price):all() end)
    refuse("DataError", "Item.price", function() return s:query(Item, Item.price):all() end)
    assert.equal("1.50", tostring(s:query(Item.price):filter(Item.id:eq(3)):scalar()))
    assert.is_nil(s:query(Item.price):execution_options{ bad_values = "null" }:order_by(Item.id):first().price)
  end)

  it("raises at the load where the value is its key", function()
    local Key = db.Model:extend("Key", { id = db.Column{ db.Numeric(5, 1), primary_key = true } })
    db:create_all()
    s:execute(mr.text "INSERT INTO key VALUES ('x')")
    refuse("DataError", "Key.id", function() return Key.query:all() end)
  end)

  it("makes SQL that calculates with it fail, and a comparison sorts it behind the decimals", function()
    refuse("OperationalError", '"abc" is no decimal', function() return s:query(mr.func.sum(Item.price)):scalar() end)
    s:rollback()
    local ids = {}
    for i, row in ipairs(s:query(Item.id):order_by(Item.price):all()) do ids[i] = row.id end
    assert.same({ 3, 2, 4, 1 }, ids)
    assert.equal(2, Item.query:filter(Item.price:lt(100)):count())
  end)
end)

describe("a stored decimal with more digits than its column", function()
  local cases = {
    { mr.Numeric(10, 2), "1e20", "'123456789.00'", "123456789", "'1.234'", "'99999999.995'", "'-100000000'" },
    { mr.Numeric(5, 5), "1", "'1.00000'" },
    { mr.Numeric(4, 2, { storage = "scaled" }), "10000" },
    { mr.Numeric(4, 2, { storage = "real" }), "100.0", "12345" },
  }
  for _, case in ipairs(cases) do
    for i = 2, #case do
      it("is refused where it is read: " .. case[i] .. " in " .. tostring(case[1]), function()
        local db = mr.open "sqlite://"
        local Row = db.Model:extend("Row",
          { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ case[1] } })
        db:create_all()
        db.session:execute(mr.text("INSERT INTO row VALUES (1, " .. case[i] .. ")"))
        local row = Row.query:one()
        refuse("DataError", { "Row.v of Row 1 holds", "no decimal" }, function() return row.v end)
        assert.is_nil(Row.query:execution_options{ bad_values = "null", populate_existing = true }:one().v)
      end)
    end
  end

  it("is no limit for what SQL computes, and the largest is read", function()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row",
      { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ db.Numeric(4, 2) } })
    db:create_all()
    db.session:add_all{ Row{ v = "99.99" }, Row{ v = "-99.99" }, Row{ v = "99.99" } }
    db.session:flush()
    for _, v in ipairs{ Row.v * 1000, mr.func.abs(Row.v * 1000), mr.func.coalesce(Row.v * 1000, 0) } do
      assert.equal("99990.00", tostring(db.session:query(v):order_by(Row.id):first()[1]))
    end
    assert.equal("199.98", tostring(db.session:query(mr.func.sum(Row.v)):filter(Row.v:gt(0)):scalar()))
    assert.equal("-99.99", tostring(Row.query:filter(Row.id:eq(2)):one().v))
  end)
end)
