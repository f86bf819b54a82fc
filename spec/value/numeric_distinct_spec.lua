-- Decimals of a column without a number of digits: 12.3 and 12.30 are one value wherever the database compares rows,
-- though their texts differ.

local mr = require "moonrow"

describe("12.3 and 12.30 of a Numeric without digits", function()
  local db = mr.open "sqlite://"
  local s = db.session
  local Item = db.Model:extend("Item", {
    id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ db.Numeric }, w = db.Column{ db.Numeric },
    n = db.Column{ db.Numeric(10, 2) },
  })
  db:create_all()
  s:execute(mr.insert(Item), {
    { id = 1, v = "12.3", w = "12.300", n = 1 }, { id = 2, v = "12.30", w = "9", n = 1 },
    { id = 3, v = "5", w = "7", n = 2 },
  })
  s:commit()

  local function values(statement)
    local list = {}
    for i, row in ipairs(s:execute(statement):all()) do list[i] = tostring(row[1]:normalize()) end
    table.sort(list)
    return table.concat(list, " ")
  end

  it("are one row of DISTINCT, under the column's name", function()
    assert.equal("12.3 5", values(mr.select(Item.v):distinct()))
    assert.equal("12.3 5", values(mr.select(Item.v:label "x"):distinct():order_by "x"))
    assert.equal("12.3 5", values(mr.select(Item.v, Item.n):distinct():order_by(Item.v)))
    assert.equal("24.6 5", values(mr.select(Item.v * mr.case({ { Item.v:gt(6), 2 } }, { else_ = 1 })):distinct()))
    assert.equal("5", tostring(s:query(Item.v):distinct():order_by(Item.v):first().v))
    assert.equal(2, s:query(Item.v):distinct():count())
    assert.equal(3, #Item.query:distinct():all())
    local x = mr.select(Item.v):distinct():subquery()
    assert.equal("12.3 5", values(mr.select(x.c.v)))
  end)

  it("are counted once", function()
    assert.equal(2, s:query(mr.func.count(Item.v:distinct())):scalar())
    assert.equal(1, s:query(mr.func.count(Item.v:distinct())):filter(Item.id:lt(3)):scalar())
    assert.equal(3, s:query(mr.func.count(Item.v)):scalar())
  end)

  it("are one row of UNION, INTERSECT and EXCEPT, and two of UNION ALL", function()
    local v, w = mr.select(Item.v), mr.select(Item.w)
    assert.equal("12.3 5 7 9", values(v:union(w)))
    assert.equal("12.3", values(v:intersect(w)))
    assert.equal("5", values(v:except_(w)))
    assert.equal("12.3 12.3 12.3 5 7 9", values(v:union_all(w)))
    assert.equal("12.3 5 7 9", values(v:union(w:order_by(Item.w):limit(3))))
    assert.equal("12.3 5 7 9", values(v:union_all(w):union(v)))
    assert.equal("12.3 5 7 9", values(v:union(mr.select(Item.v):union_all(w))))
  end)

  it("stand in one partition of a window", function()
    local function partitions(by)
      local list = {}
      local number = mr.func.row_number():over{ partition_by = by, order_by = Item.id }
      local query = mr.select(Item.id, number:label "x"):order_by(Item.id)
      for i, row in ipairs(s:execute(query):all()) do list[i] = row.x end
      return table.concat(list, " ")
    end
    assert.equal("1 2 1", partitions(Item.v))
    assert.equal("1 2 1", partitions{ Item.n, Item.v })
    assert.equal("1 2 1", partitions(mr.func.coalesce(Item.v, Item.w)))
  end)

  it("are one value of CASE", function()
    local which = mr.case({ { mr.decimal "12.300", "that" } }, { value = Item.v, else_ = "other" })
    assert.equal(2, Item.query:filter(which:eq "that"):count())
    local same = mr.case({ { Item.w, "that" } }, { value = Item.v, else_ = "other" })
    assert.equal(1, Item.query:filter(same:eq "that"):one().id)
  end)

  it("change no SQL of columns with a number of digits, and none of queries that compare no rows", function()
    assert.equal("SELECT DISTINCT item.n FROM item", tostring(mr.select(Item.n):distinct()))
    assert.equal("SELECT item.v FROM item", tostring(mr.select(Item.v)))
    local other = mr.aliased(Item)
    assert.truthy(tostring(mr.select(mr.select(other.v):where(other.id:eq(1)):scalar_subquery()):distinct())
      :find("^SELECT DISTINCT %(SELECT item_1%.v FROM .*%) COLLATE decimal AS anon_1"))
    assert.equal("SELECT DISTINCT item.v FROM item", mr.select(Item.v):distinct():sql{ dialect = "postgresql" })
  end)
end)
