-- Decimals in every form of storage beside each other, and beside integers and floats: what is calculated, chosen,
-- compared or written is the value, whatever the number is that a column stores for it; or it is refused.

local mr = require "moonrow"
local D = mr.decimal

local ROWS = {
  { scaled = "1.50", finer = "1.500", real = "1.50", text = "1.50", any = "1.5", whole = 1, float = 1.5 },
  { scaled = "150.00", finer = "15.000", real = "0.15", text = "2.00", any = "150", whole = 150, float = 15.0 },
}
local NAMES = { "scaled", "finer", "real", "text", "any", "whole", "float" }
local STORED = { scaled = true, finer = true, real = true }

-- The value as a decimal, however it was given.
local function exact(value)
  if math.type(value) == "float" then return D(("%.15g"):format(value)) end
  return value and D(value)
end

-- Is the value that was read the one that was calculated?
local function same(got, wanted)
  if got == nil or wanted == nil then return got == wanted end
  return exact(got):compare(wanted) == 0
end

describe("a decimal beside another number", function()
  local db, s, Item

  before_each(function()
    db = mr.open "sqlite://"
    s = db.session
    Item = db.Model:extend("Item", {
      id = db.Column{ db.Integer, primary_key = true },
      scaled = db.Column{ db.Numeric(10, 2, { storage = "scaled" }) },
      finer = db.Column{ db.Numeric(10, 3, { storage = "scaled" }) },
      real = db.Column{ db.Numeric(10, 2, { storage = "real" }) },
      text = db.Column{ db.Numeric(10, 2) },
      any = db.Column{ db.Numeric },
      whole = db.Column{ db.Integer },
      float = db.Column{ db.Float },
    })
    db:create_all()
    for id, row in ipairs(ROWS) do
      local item = Item{ id = id }
      for name, value in pairs(row) do item[name] = value end
      s:add(item)
    end
    s:commit()
  end)

  -- fn(x, y, a, b, what): two columns of which one is stored as a number, and a function for their values in row i.
  local function each_pair(fn)
    for _, x in ipairs(NAMES) do
      for _, y in ipairs(NAMES) do
        if x ~= y and (STORED[x] or STORED[y]) then
          fn(Item[x], Item[y], function(i) return exact(ROWS[i][x]), exact(ROWS[i][y]) end, x .. " " .. y, x)
        end
      end
    end
  end

  local function check(what, expression, wanted)
    local rows = s:query(expression:label "v"):order_by(Item.id):all()
    for i = 1, 2 do
      local value = wanted(i)
      assert.is_true(same(rows[i].v, value), ("%s, row %d: %s, not %s"):format(what, i, rows[i].v, value))
    end
  end

  -- The query is refused, because the forms differ.
  local function refused(what, fn)
    local ok, err = pcall(fn)
    assert.is_false(ok, what)
    local told = tostring(err)
    assert.truthy(told:find("ArgumentError", 1, true), told)
    assert.truthy(told:find("different forms", 1, true) or told:find("cannot stand", 1, true), told)
    s:rollback()
  end

  it("is calculated with as the value that it is", function()
    each_pair(function(x, y, values, what)
      check(what .. " +", x + y, function(i) local a, b = values(i); return a + b end)
      check(what .. " -", x - y, function(i) local a, b = values(i); return a - b end)
      check(what .. " *", x * y, function(i) local a, b = values(i); return a * b end)
    end)
    local f = mr.func
    for name in pairs(STORED) do
      local a, b = exact(ROWS[1][name]), exact(ROWS[2][name])
      local row = s:query(f.sum(Item[name]), f.avg(Item[name]), f.max(Item[name]), f.sum(Item[name] * 2)):one()
      assert.is_true(same(row[1], a + b) and same(row[2], (a + b) / 2), name)
      assert.is_true(same(row[3], a:compare(b) > 0 and a or b) and same(row[4], (a + b) * 2), name)
      check(name .. " negated", -Item[name], function(i) return -exact(ROWS[i][name]) end)
      check(name .. " abs", f.abs(-Item[name]), function(i) return exact(ROWS[i][name]) end)
      check(name .. " round", f.round(Item[name], 1), function(i) return exact(ROWS[i][name]):round(1, "half_up") end)
      local over = s:query(f.sum(Item[name]):over{ order_by = Item.id }:label "v"):order_by(Item.id):all()
      assert.is_true(same(over[1].v, a) and same(over[2].v, a + b), name)
      assert.equal(2, s:query(Item.id):group_by(Item.id):having(f.sum(Item[name]):lt(151)):count())
      assert.equal(ROWS[1][name] .. "x", s:query(mr.cast(Item[name], db.Text) .. "x"):filter(Item.id:eq(1)):scalar())
    end
  end)

  it("is chosen as the value that it is", function()
    local f = mr.func
    each_pair(function(x, y, values, what)
      local function first(i) return (values(i)) end
      local function greater(i)
        local a, b = values(i)
        return a:compare(b) < 0 and b or a
      end
      check(what .. " coalesce", f.coalesce(x, y), first)
      check(what .. " coalesce of nothing", f.coalesce(f.nullif(x, x), y), function(i) return select(2, values(i)) end)
      check(what .. " greatest", f.greatest(x, y), greater)
      check(what .. " nullif", f.nullif(x, y), function(i)
        local a, b = values(i)
        if a:compare(b) ~= 0 then return a end
      end)
      check(what .. " case", mr.case{ { Item.id:eq(1), x }, else_ = y }, function(i)
        return select(i, values(i))
      end)
      check(what .. " lag", f.lag(x, 1, y):over{ order_by = Item.id }, function(i)
        if i == 1 then return select(2, values(1)) end
        return (values(1))
      end)
    end)
  end)

  it("is compared as the value that it is, or not at all", function()
    each_pair(function(x, y, values, what, name)
      local equal, greater = {}, {}
      for i = 1, 2 do
        local a, b = values(i)
        if a:compare(b) == 0 then equal[#equal + 1] = i end
        if a:compare(b) > 0 then greater[#greater + 1] = i end
      end
      local function found(criterion)
        local ids = {}
        for i, item in ipairs(Item.query:filter(criterion):order_by(Item.id):all()) do ids[i] = item.id end
        return ids
      end
      assert.same(equal, found(x:eq(y)), what)
      assert.same(greater, found(x:gt(y)), what)
      assert.same(equal, found(x:between(y, y)), what)
      if name == "real" or not STORED[name] and what:find "real$" then return end -- a float, which is equal to others
      refused(what, function() found(x:in_{ y }) end)
      refused(what, function() found(x:is_distinct_from(y)) end)
      refused(what, function() found(x:in_(mr.select(y))) end)
      refused(what, function() found(mr.tuple_(Item.id, x):eq(mr.tuple_(Item.id, y))) end)
    end)
  end)

  it("is written in the form of the column, or not at all", function()
    each_pair(function(x, y, values, what, name)
      if name == "whole" or name == "float" then
        if not what:find "real$" then
          refused(what, function() s:execute(mr.update(Item):values{ [name] = y }) end)
          refused(what, function() s:execute(mr.insert(Item):from_select({ name }, mr.select(y))) end)
        end
        return
      end
      local digits = (name == "finer" or name == "any") and 3 or 2
      local function wanted(i) return select(2, values(i)):round(digits) end
      s:execute(mr.update(Item):values{ [name] = y })
      check(what .. " set", x, wanted)
      s:rollback()
      s:execute(mr.update(Item):values{ [name] = y + 1 })
      check(what .. " set to a sum", x, function(i) return wanted(i) + 1 end)
      s:rollback()
      s:execute(mr.insert(Item):from_select({ "id", name }, mr.select(Item.id + 10, y)))
      assert.is_true(same(s:query(x):filter(Item.id:eq(12)):scalar(), wanted(2)), what)
      s:rollback()
    end)
  end)

  it("is cast as the value that it is", function()
    for _, x in ipairs(NAMES) do
      for _, y in ipairs{ "scaled", "finer", "real", "text", "any", "float" } do
        check(x .. " as " .. y, mr.cast(Item[x], Item[y].type), function(i) return exact(ROWS[i][x]) end)
      end
    end
    assert.equal(150, s:query(mr.cast(Item.scaled, db.Integer)):filter(Item.id:eq(2)):scalar())
  end)
end)
