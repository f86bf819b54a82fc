-- Decimals in SQL: comparisons, order, aggregates and arithmetic are exact on SQLite, in each form of storage, and
-- native on PostgreSQL. Restates behaviour of SQLAlchemy's test/sql/test_types.py (ExpressionTest, NumericTest) and
-- test/sql/test_operators.py, where decimals are concerned.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local D = mr.decimal

local TYPES = { text = mr.Numeric(10, 2), any = mr.Numeric, scaled = mr.Numeric(10, 2, { storage = "scaled" }),
  real = mr.Numeric(10, 2, { storage = "real" }) }

-- Rows 1 to 5, for which text would sort otherwise than numbers: 100 < 12.30 < 9.50.
local VALUES = { "12.30", "9.5", "100", "-3.25", "12.3" }

local function shop(type)
  local db = mr.open "sqlite://"
  local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ type },
    n = db.Column{ db.Integer }, f = db.Column{ db.Float }, other = db.Column{ db.Numeric(12, 4) } })
  db:create_all()
  for i, value in ipairs(VALUES) do
    db.session:add(Item{ id = i, v = value, n = i, f = i + 0.5, other = value })
  end
  db.session:commit()
  return db, Item
end

local function ids(query)
  local list = {}
  for _, item in ipairs(query:all()) do list[#list + 1] = item.id end
  return table.concat(list, " ")
end

for name, type in pairs(TYPES) do
  describe("decimals stored as " .. name .. " in SQLite", function()
    local db, Item = shop(type)
    local s = db.session
    local function where(...) return ids(Item.query:filter(...):order_by(Item.id)) end
    local function scalar(x) return tostring(s:query(x):scalar()) end

    it("are equal by their value", function()
      assert.equal("1 5", where(Item.v:eq "12.3"))
      assert.equal("1 5", where(Item.v:eq(D "12.30000")))
      assert.equal("3", where(Item.v:eq(100)))
      assert.equal("2 3 4", where(Item.v:ne "12.30"))
      assert.equal("1 3 5", where(Item.v:in_{ "12.3", 100, D "7" }))
      assert.equal("2 4", where(Item.v:not_in{ "12.3", 100 }))
      assert.equal("1 2 5", where((Item.v:eq "12.3") | (Item.v:eq "9.50")))
      assert.equal("", where(Item.v:eq(mr.null)))
    end)

    it("are equal as parts of tuples", function()
      assert.equal("1", where(mr.tuple_(Item.v, Item.n):in_{ { "12.3", 1 }, { D "12.300", 4 } }))
      assert.equal("5", where(mr.tuple_(Item.n, Item.v):eq(mr.tuple_(5, D "12.30"))))
      if name == "text" or name == "any" then
        assert.equal("1 2 3 4 5", where(mr.tuple_(Item.v, Item.other):eq(mr.tuple_(Item.other, Item.v))))
      end
    end)

    it("with more digits than the column has are equal to none, and have their place among them", function()
      assert.equal("", where(Item.v:eq "12.305"))
      assert.equal("1 2 3 4 5", where(Item.v:ne "12.305"))
      assert.equal("1 2 4 5", where(Item.v:lt "12.305"))
      assert.equal("3", where(Item.v:gt "12.305"))
      assert.equal("3", where(Item.v:ge "12.301"))
      assert.equal("1 3 5", where(Item.v:ge "12.299"))
      assert.equal("1 2 4 5", where(Item.v:between("-3.251", "12.301")))
    end)

    it("are less and greater as numbers are", function()
      assert.equal("2 4", where(Item.v:lt(12)))
      assert.equal("1 2 4 5", where(Item.v:le "12.3"))
      assert.equal("3", where(Item.v:gt "12.3"))
      assert.equal("1 2 3 5", where(Item.v:ge "9.5"))
      assert.equal("1 2 4 5", where(Item.v:between(-4, "12.3")))
      assert.equal("3", where(~Item.v:between(-4, "12.3")))
    end)

    it("are sorted as numbers are", function()
      assert.equal("4 2 1 5 3", ids(Item.query:order_by(Item.v, Item.id)))
      assert.equal("3 1 5 2 4", ids(Item.query:order_by(Item.v:desc(), Item.id)))
      assert.equal("4 2 1 5 3", ids(Item.query:order_by(Item.v:asc():nulls_last(), Item.id)))
      assert.equal("3 5 1 2 4", ids(Item.query:order_by((-Item.v), Item.id:desc())))
      assert.equal("4 2", ids(Item.query:order_by(Item.v):limit(2)))
      local ranked = s:query(Item.id, mr.func.row_number():over{ order_by = { Item.v:desc(), Item.id } }:label "r")
        :order_by(Item.id):all()
      local ranks = {}
      for i, row in ipairs(ranked) do ranks[i] = row.r end
      assert.same({ 2, 4, 1, 5, 3 }, ranks)
      ranks = {}
      for i, row in ipairs(s:query(mr.func.rank():over{ order_by = Item.v }:label "r"):order_by(Item.id):all()) do
        ranks[i] = row.r
      end
      assert.same({ 3, 2, 5, 1, 3 }, ranks)
    end)

    it("are added up, averaged, and the least and the greatest are found", function()
      assert.equal("130.85", scalar(mr.func.sum(Item.v)))
      assert.equal("118.55", scalar(mr.func.sum(Item.v:distinct())))
      assert.equal("26.17", scalar(mr.func.avg(Item.v)))
      assert.equal("-3.25", scalar(mr.func.min(Item.v)))
      assert.is_true(s:query(mr.func.max(Item.v)):scalar() == D "100")
      assert.equal("nil", tostring(s:query(mr.func.sum(Item.v)):filter(Item.id:gt(9)):scalar()))
      assert.is_nil(s:query(mr.func.avg(Item.v)):filter(Item.id:gt(9)):scalar())
      local running = {}
      for i, row in ipairs(s:query(mr.func.sum(Item.v):over{ order_by = Item.id, rows = { -1, 0 } }:label "total")
        :order_by(Item.id):all()) do
        running[i] = row.total
      end
      assert.is_true(running[2] == D "21.8" and running[3] == D "109.5" and running[5] == D "9.05")
      local groups = s:query(Item.v, mr.func.count(Item.id)):group_by(Item.v):having(mr.func.sum(Item.v):gt(20)):all()
      assert.equal(2, #groups)
    end)

    it("are calculated with exactly", function()
      local function row(...) return s:query(...):filter(Item.id:eq(2)):first() end
      for _, case in ipairs{
        { Item.v + Item.v, "19" }, { Item.v - 10, "-0.5" }, { Item.v * Item.n, "19" }, { Item.v * D "0.001", "0.0095" },
        { Item.v / 3, "3.166666666666666666666666667" }, { Item.v % 4, "1.5" }, { -Item.v, "-9.5" },
        { D "100" - Item.v, "90.5" }, { 2 * Item.v, "19" }, { Item.v * Item.v, "90.25" },
        { mr.func.abs(-Item.v), "9.5" },
        { mr.func.round(Item.v * D "1.015", 2), "9.64" }, { mr.func.round(Item.v), "10" },
        { mr.func.coalesce(Item.v, 0), "9.5" }, { mr.func.coalesce(mr.func.nullif(Item.v, "9.5"), 7), "7" },
        { mr.case{ { Item.id:eq(2), Item.v }, else_ = 0 }, "9.5" },
        { mr.case{ { Item.id:eq(1), 0 }, else_ = Item.v }, "9.5" },
        { Item.v:cast(mr.Numeric(10, 1)), "9.5" }, { Item.v:cast(mr.Numeric), "9.5" }, { Item.v + Item.other, "19" },
        { (Item.v + 1) * (Item.v - 1), "89.25" }, { D "1.1" + Item.n, "3.1" }, { Item.n * D "0.1", "0.2" },
        { mr.func.coalesce(Item.v, Item.other + D "0.0001"), "9.5" }, { mr.func.max(Item.v, Item.other + 1), "10.5" },
        { mr.func.coalesce(mr.func.nullif(Item.v, D "9.5"), Item.other / 8), "1.1875" },
        { mr.case{ { Item.id:eq(1), Item.v }, else_ = Item.other + D "0.0001" }, "9.5001" },
        { Item.n:cast(mr.Numeric(10, 2)) / 3, "0.6666666666666666666666666667" },
      } do
        local value = row(case[1]:label "x").x
        assert.is_true(value == D(case[2]), ("%s: %s, not %s"):format(case[1], value, case[2]))
      end
      assert.equal(9, row(Item.v:cast(mr.Integer):label "x").x)
      assert.equal(9.5, row(Item.v:cast(mr.Float):label "x").x)
      assert.equal(9.5 * 2.5, row((Item.v * Item.f):label "x").x)
      assert.is_nil(row((Item.v / 0):label "x").x)
    end)

    it("are compared with other columns and with results", function()
      assert.equal("1 2 3 5", where(Item.v:gt(Item.n)))
      assert.equal("4", where(Item.v:lt(Item.f)))
      assert.equal("1 2 3 4 5", where(Item.v:eq(Item.other)))
      assert.equal("1 2 3 4 5", where(Item.other:ge(Item.v)))
      if name == "text" or name == "any" then
        assert.equal("", where(Item.v:is_distinct_from(Item.other)))
        assert.equal("1 2 3 4 5", where(Item.v:in_{ Item.other, D "7" }))
        assert.equal("1 2 3 4 5", where(Item.v:in_(s:query(Item.other))))
        assert.equal("2 3 4", where(Item.v:in_(s:query(Item.other):filter(Item.id:between(2, 4)))))
      else
        refuse("ArgumentError", "stored in different forms", where, Item.v:in_{ Item.other, D "7" })
        refuse("ArgumentError", "stored in different forms", where, Item.v:in_(s:query(Item.other)))
      end
      assert.equal("", where(Item.v:ne(Item.other)))
      assert.equal("1", where((Item.v * Item.n):eq "12.3"))
      assert.equal("1 3 5", where((Item.v * 2):gt "20"))
      assert.equal("3", where(Item.v:gt(s:query(mr.func.avg(Item.v)))))
      assert.equal("3", where(Item.v:eq(s:query(mr.func.max(Item.v)))))
      assert.equal("1 2 3 5", where(mr.func.coalesce(Item.v, 10):gt(5)))
      assert.equal("1 3 5", where((Item.v + Item.n):between(13, 200)))
      assert.equal("1 5", where(mr.func.round(Item.v):eq(12)))
    end)

    it("are set to results, which get the column's digits", function()
      local update = mr.update(Item):where(Item.id:eq(1))
      local function set(x)
        s:execute(update:values{ v = x })
        return tostring(s:query(Item.v):filter(Item.id:eq(1)):scalar())
      end
      assert.equal(name == "any" and "13.22250" or "13.22", set(Item.v * D "1.075"))
      assert.equal(name == "any" and "1" or "1.00", set(Item.n))
      assert.equal(name == "any" and "12.3049" or "12.30", set(Item.other + D "0.0049"))
      assert.equal(name == "any" and "5" or "1 5", where(Item.v:eq "12.3"))
      s:rollback()
    end)
  end)
end

describe("decimals in PostgreSQL", function()
  local db = mr.open "mock+postgresql://"
  local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
    price = db.Column{ db.Numeric(10, 2) }, n = db.Column{ db.Integer }, loose = db.Column{ db.Numeric } })
  local function sql(x) return x:sql{ literals = true } end

  it("are compared, sorted and calculated with by the database itself", function()
    local query = db.session:query(Item.id)
    for _, case in ipairs{
      { query:filter(Item.price:lt "12.3"), "WHERE item.price < '12.30'" },
      { query:filter(Item.price:eq(D "12.3")), "WHERE item.price = '12.30'" },
      { query:filter(Item.loose:eq(D "12.3")), "WHERE item.loose = '12.3'" },
      { query:filter(Item.price:between(1, 2)), "BETWEEN '1.00' AND '2.00'" },
      { query:filter(Item.price:in_{ 1, "2.5" }), "IN ('1.00', '2.50')" },
      { query:order_by(Item.price:desc()), "ORDER BY item.price DESC" },
      { db.session:query(mr.func.sum(Item.price * Item.n)), "sum(item.price * item.n)" },
      { db.session:query(mr.func.avg(Item.price), mr.func.max(Item.loose)), "avg(item.price)" },
      { db.session:query(-Item.price, Item.price / 3), "item.price / " },
      { db.session:query(Item.n:cast(mr.Numeric(10, 2))), "CAST(item.n AS NUMERIC(10, 2))" },
    } do
      assert.truthy(sql(case[1]):find(case[2], 1, true), sql(case[1]))
      assert.falsy(sql(case[1]):find "decimal")
    end
    local sent = db:record(function()
      db.session:execute(mr.update(Item):values{ price = Item.price * D "1.1" })
    end)
    assert.equal("UPDATE item SET price=(item.price * $1)", sent[#sent].statement)
  end)
end)

describe("a decimal in an expression", function()
  local db, Item = shop(mr.Numeric(10, 2))

  it("gives results of the type Numeric", function()
    local function kind(x) return debug.getmetatable(db.session:query(x):limit(1):scalar()).__name end
    for _, x in ipairs{ Item.v + 1, Item.v * Item.n, mr.func.sum(Item.v), mr.func.avg(Item.v), mr.func.min(Item.v),
      mr.func.coalesce(Item.v, 0), mr.func.round(Item.v, 1), Item.n:cast(mr.Numeric(5, 1)), Item.n * D "1.5" } do
      assert.equal("Decimal", kind(x), tostring(x))
    end
  end)

  it("stands in a union with decimals of its own form, and of no more digits than the first has", function()
    local s = db.session
    local function united(a, b)
      local list = {}
      for i, row in ipairs(s:query(a:label "x"):union_all(s:query(b:label "x")):all()) do list[i] = tostring(row.x) end
      table.sort(list)
      return list[1] .. " " .. list[#list]
    end
    local words = { "cannot stand in one column", "first query of the union" }
    refuse("ArgumentError", words, united, Item.v, Item.other)
    assert.equal("-3.2500 9.5000", united(Item.other, Item.v:cast(mr.Numeric(12, 4))))
    assert.equal("-3.2500 9.5000", united(Item.other, Item.v))
    assert.equal("-3.2500 9.5000", united(Item.v:cast(mr.Numeric(12, 4)), Item.other))
    local Scaled = db.Model:extend("Scaled", { id = db.Column{ db.Integer, primary_key = true },
      v = db.Column{ mr.Numeric(10, 2, { storage = "scaled" }) } })
    db:create_all()
    s:add(Scaled{ v = "7.5" })
    s:commit()
    refuse("ArgumentError", words, united, Item.v, Scaled.v)
    refuse("ArgumentError", words, united, Scaled.v, Item.v)
    assert.equal("-3.25 9.50", united(Item.v, Scaled.v:cast(mr.Numeric(10, 2))))
  end)

  it("is no other type's value", function()
    refuse("ArgumentError", { "Item.n", "expected an integer" }, Item.n.eq, Item.n, D "1.5")
    refuse("ArgumentError", { "Item.n", "expected an integer" }, Item, { n = D "1" })
    refuse("ArgumentError", { "Item.f", "expected a number" }, Item, { f = D "1" })
    assert.equal(1.5, Item{ f = D "1.5":tonumber() }.f)
  end)
end)

describe("a function that does not give a column's decimal back", function()
  it("is given the decimal, whatever the column stores", function()
    local f = mr.func
    for name, storage in pairs{ text = false, scaled = "scaled", real = "real" } do
      local db = mr.open "sqlite://"
      local T = db.Model:extend("T", {
        id = db.Column{ db.Integer, primary_key = true },
        p = db.Column{ storage and db.Numeric(10, 2, { storage = storage }) or db.Numeric(10, 2) },
      })
      db:create_all()
      for _, p in ipairs{ "13.30", "2.05", "13.30" } do db.session:add(T{ p = p }) end
      db.session:commit()
      local row = db.session:query(f.total(T.p), f.ceil(f.max(T.p)), f.floor(f.max(T.p)), f.group_concat(T.p),
        f.count(T.p:distinct()), f.total(T.p:distinct()), f.iif(f.min(T.p):gt(1), f.min(T.p), 1.5)):first()
      local shown = {}
      for i = 1, #row do shown[i] = tostring(row[i]) end
      assert.equal("28.65 14.0 13.0 13.30,2.05,13.30 2 15.35 2.05", table.concat(shown, " "), name)
    end
  end)
end)
