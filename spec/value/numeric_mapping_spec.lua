-- Numeric columns as keys, in relationships, with defaults, in statements of many rows, and in what a flush compares.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local D = mr.decimal

local STORAGES = { text = {}, scaled = { storage = "scaled" }, real = { storage = "real" } }

for name, options in pairs(STORAGES) do
  describe("Numeric stored as " .. name, function()
    local db, Rate, Bill, s
    before_each(function()
      db = mr.open "sqlite://"
      s = db.session
      local N = mr.Numeric(8, 3, options)
      Rate = db.Model:extend("Rate", { code = db.Column{ N, primary_key = true }, name = db.Column{ db.Text } })
      Bill = db.Model:extend("Bill", {
        id = db.Column{ db.Integer, primary_key = true },
        code = db.Column{ N, db.ForeignKey "rate.code" },
        rate = db.relationship("Rate", { backref = "bills" }),
        net = db.Column{ mr.Numeric(10, 2, options), default = "1.5" },
        tax = db.Column{ mr.Numeric(10, 2, options), default = function() return D "0.1" end,
          onupdate = function() return 7 end },
        number = db.Column{ mr.Numeric(6, 1, options), unique = true },
      })
      db:create_all()
      s:add(Bill{ rate = Rate{ code = "1.5", name = "x" }, number = 1 })
      s:add(Rate{ code = 10, name = "y" })
      s:commit()
    end)

    it("is a key: every way to write it finds the one object", function()
      local rate = s:get(Rate, "1.5")
      for _, key in ipairs{ "1.500", D "1.50", "01.5" } do assert.equal(rate, s:get(Rate, key)) end
      assert.equal(s:get(Rate, 10), s:get(Rate, "10.000"))
      assert.equal("<Rate 1.500>", tostring(rate))
      assert.is_nil(s:get(Rate, "1.501"))
      s:expunge_all()
      assert.equal("x", s:get(Rate, D "1.5").name)
      refuse("ArgumentError", { "Rate.code", "not exact" }, s.get, s, Rate, 1.5)
      refuse("ArgumentError", { "Rate.code", "more digits behind" }, s.get, s, Rate, "1.5001")
      s:add(Rate{ code = D "1.5000" })
      refuse("IntegrityError", "rate.code", s.commit, s)
    end)

    it("is a foreign key: objects find each other by every loader strategy", function()
      local rate = s:get(Rate, "1.5")
      local bill = Bill{ code = "1.50" }
      s:add(bill)
      s:commit()
      assert.equal(rate, bill.rate)
      assert.equal(2, #rate.bills)
      for _, option in ipairs{ mr.joinedload, mr.selectinload, mr.subqueryload, mr.lazyload } do
        s:expunge_all()
        local found = Rate.query:options(option(Rate.bills)):order_by(Rate.code):all()
        assert.equal("1.500 10.000", tostring(found[1].code) .. " " .. tostring(found[2].code))
        assert.equal(2, #found[1].bills)
        assert.equal(0, #found[2].bills)
        assert.equal(found[1], found[1].bills[2].rate)
      end
      assert.equal(2, Bill.query:join(Bill.rate):filter(Rate.code:lt(2)):count())
      assert.equal(1, Rate.query:filter(Rate.bills:any{ net = "1.50" }):count())
      assert.equal(2, Bill.query:filter(Bill.rate:has{ code = "1.5" }):count())
      bill = Bill.query:order_by(Bill.id:desc()):first()
      bill.rate = s:get(Rate, 10)
      s:commit()
      assert.equal("10.000", tostring(bill.code))
      bill.rate = nil
      s:commit()
      assert.is_nil(bill.code)
    end)

    it("is changed as a key", function()
      local rate = s:get(Rate, 10)
      rate.code = D "10.00"
      assert.is_false(s:is_modified(rate))
      rate.code = "10.25"
      s:commit()
      assert.equal(rate, s:get(Rate, "10.25"))
      s:delete(rate)
      s:commit()
      assert.is_nil(s:get(Rate, "10.25"))
    end)

    it("has defaults, which get the column's digits, and are checked", function()
      local bill = Bill.query:one()
      assert.equal("1.50 0.10 1.0", ("%s %s %s"):format(bill.net, bill.tax, bill.number))
      bill.number = 2
      s:commit()
      assert.equal("7.00", tostring(bill.tax))
      local Wrong = db.Model:extend("Wrong", { id = db.Column{ db.Integer, primary_key = true },
        a = db.Column{ mr.Numeric(4, 1, options), default = function() return "1.25" end },
        b = db.Column{ mr.Numeric(4, 1, options), default = function() return 0.5 end } })
      db:create_all()
      s:add(Wrong{ b = 1 })
      refuse("ArgumentError", { "Wrong.a", "1.25", "more digits behind the point" }, s.flush, s)
      s:rollback()
      for value, words in pairs{ ["1.25"] = "more digits behind", [0.5] = "not exact" } do
        refuse("ArgumentError", { "Column default", words }, db.Column, { mr.Numeric(4, 1, options), default = value })
      end
      s:add(Wrong{ a = 1 })
      refuse("ArgumentError", { "wrong.b", "0.5", "not exact" }, s.flush, s)
      s:rollback()
    end)

    it("is unique by its value", function()
      s:add(Bill{ number = "1.0" })
      refuse("IntegrityError", "bill.number", s.commit, s)
    end)

    it("has changed only if its value has: 12.3 over 12.30 is no change", function()
      local bill = Bill.query:one()
      bill.net = "1.5000"
      bill.tax = D "0.1"
      bill.number = 1
      assert.is_false(s:is_modified(bill))
      assert.equal(0, #db:record(function() s:flush() end))
      bill.net = "1.51"
      local history = mr.inspect(bill):history "net"
      assert.equal("1.51 1.50", tostring(history.added[1]) .. " " .. tostring(history.deleted[1]))
      bill.net = "1.50"
      assert.equal(0, #db:record(function() s:flush() end))
    end)

    it("is merged", function()
      local rate = s:get(Rate, "1.5")
      assert.equal(rate, s:merge(Rate{ code = D "1.50", name = "merged" }))
      assert.equal("merged", rate.name)
      local bill = s:merge(Bill{ id = 1, net = "1.50" })
      assert.is_false(s:is_modified(bill))
      assert.equal("3.00", tostring(s:merge(Bill{ id = 1, net = 3 }).net))
    end)

    it("is compared and computed in memory by an UPDATE and a DELETE of many rows", function()
      local bill = Bill.query:one()
      assert.equal("1.50", tostring(bill.net))
      assert.equal(1, Bill.query:filter(Bill.net:eq "1.5", Bill.code:gt(D "1.25"))
        :update({ net = D "9.9" }, { synchronize_session = "evaluate" }))
      assert.equal("9.90", tostring(bill.net))
      Bill.query:filter(Bill.net:between(9, "9.95")):update{ net = Bill.net * 2 }
      assert.equal("19.80", tostring(bill.net))
      Bill.query:filter(Bill.net:lt(5)):update{ net = 0 }
      assert.equal("19.80", tostring(bill.net))
      assert.equal(0, Bill.query:filter(Bill.net:in_{ "19.8001", 3 }):delete())
      assert.equal(1, Bill.query:filter(Bill.net:in_{ "19.8", 3 }):delete())
      assert.is_false(s:contains(bill))
    end)

    it("is written and read in statements of many rows", function()
      s:execute(mr.insert(Bill), { { net = "5.5", number = 20 }, { net = D "6", number = "21.0" },
        { net = 7, number = 22 } })
      assert.equal(3, Bill.query:filter(Bill.net:in_{ "5.50", 6, 7 }):count())
      local row = s:query(Bill.net, Bill.number):filter(Bill.number:eq(21)):one()
      assert.equal("(6.00, 21.0)", tostring(row))
      s:execute(mr.update(Bill), { { id = 1, net = "8.5" } })
      assert.equal("8.50", tostring(s:get(Bill, 1).net))
      row = s:execute(mr.insert(Bill):values{ net = "8.8" }:returning(Bill.net, Bill.tax)):first()
      assert.equal("(8.80, 0.10)", tostring(row))
      s:execute(mr.insert(Rate):values{ code = "1.5", name = "a" }:on_conflict_do_update{
        index_elements = { "code" }, set = { name = "b" } })
      assert.equal("b", s:query(Rate.name):filter(Rate.code:eq "1.5"):scalar())
      refuse("ArgumentError", { "net", "1.005", "more digits" }, s.execute, s, mr.insert(Bill),
        { { net = 1 }, { net = "1.005" } })
    end)

    it("is taken from a select: the results get the column's digits", function()
      s:execute(mr.insert(Bill):from_select({ "net", "tax" }, mr.select(Bill.net * D "1.005", Bill.code)))
      s:execute(mr.insert(Bill):from_select({ "net" }, mr.select(Rate.code):union(mr.select(Bill.net + Bill.tax))))
      local found = {}
      for i, row in ipairs(s:query(Bill.net):order_by(Bill.net):all()) do found[i] = tostring(row.net) end
      assert.same({ "1.50", "1.50", "1.51", "1.60", "3.01", "10.00" }, found)
      assert.equal(2, Bill.query:filter(Bill.net:eq "1.5"):count())
      assert.equal(1, Bill.query:filter(Bill.net:eq "3.01"):count())
    end)

    it("is bound to named parameters", function()
      local query = Bill.query:filter(Bill.net:eq(mr.bindparam "x")):compiled()
      for _, value in ipairs{ "1.5", D "1.500" } do assert.equal(1, #query:all{ x = value }) end
      assert.equal(0, #query:all{ x = 2 })
      query = Bill.query:filter(Bill.net:lt(mr.bindparam "x")):compiled()
      assert.equal(1, #query:all{ x = 10 })
      assert.equal(1, Bill.query:filter_by{ net = "1.50" }:count())
      assert.equal("1.50", tostring(Bill.query:filter_by{ net = D "1.5" }:first().net))
    end)
  end)
end

describe("a Numeric column", function()
  local db = mr.open "sqlite://"
  local s = db.session

  it("of any digits takes 12.3 for 12.30, and keeps the digits that it has", function()
    local Loose = db.Model:extend("Loose", { id = db.Column{ db.Integer, primary_key = true },
      v = db.Column{ db.Numeric } })
    db:create_all()
    local row = Loose{ v = "12.30" }
    s:add(row)
    s:commit()
    assert.equal("12.30", tostring(row.v))
    row.v = D "12.3"
    assert.is_false(s:is_modified(row))
    assert.equal(1, Loose.query:filter(Loose.v:eq(D "12.300")):count())
    assert.equal(1, Loose.query:filter(Loose.v:in_{ D "12.3", 7 }):count())
  end)

  it("is the type of an Array's items, and a decimal in JSON is its text", function()
    local Kept = db.Model:extend("Kept", { id = db.Column{ db.Integer, primary_key = true },
      list = db.Column{ db.Array(db.Numeric(5, 2)) }, json = db.Column{ db.JSON } })
    db:create_all()
    local kept = Kept{ list = { "1.5", D "2", 3 }, json = { price = D "1.50" } }
    s:add(kept)
    s:commit()
    assert.is_true(kept.list[1] == D "1.5" and kept.list[2] == D "2" and kept.list[3] == D "3")
    assert.equal('["1.50","2.00","3.00"] {"price":"1.50"}',
      s:execute(mr.text "SELECT list || ' ' || json AS t FROM kept"):first().t)
    refuse("ArgumentError", { "Kept.list[1]", "not exact" }, Kept, { list = { 1.5 } })
    refuse("ArgumentError", { "Kept.list[2]", "more digits" }, Kept, { list = { 1, "1.555" } })
  end)

  it("that the database computes gives decimals", function()
    local Line = db.Model:extend("Line", {
      id = db.Column{ db.Integer, primary_key = true }, price = db.Column{ db.Numeric(10, 2) },
      count = db.Column{ db.Integer },
    })
    db:create_all()
    local line = Line{ price = "0.1", count = 3 }
    s:add(line)
    s:commit()
    local Priced = db.Model:extend("Priced", { __tablename = "priced", id = db.Column{ db.Integer, primary_key = true },
      price = db.Column{ db.Numeric(10, 2) },
      twice = db.Column{ db.Numeric(12, 2), mr.Computed "decimal_mul(price, 2)" } })
    db:create_all()
    local priced = Priced{ price = "0.1" }
    s:add(priced)
    s:commit()
    assert.equal("0.20", tostring(priced.twice))
    priced.price = 5
    s:commit()
    assert.equal("10.00", tostring(priced.twice))
  end)

  it("stands in definitions so that other programs can write to the table", function()
    local Limit = db.Model:extend("Limit", { id = db.Column{ db.Integer, primary_key = true },
      v = db.Column{ db.Numeric(6, 2), server_default = "1" }, w = db.Column{ db.Numeric(6, 2) } })
    mr.CheckConstraint(Limit.v:gt(0))
    mr.CheckConstraint(Limit.w:between(1, D "99.5") & Limit.v:le(Limit.w))
    mr.Index("ix_limit", Limit.v, { where = Limit.v:gt(D "1.5") })
    local sql = tostring(mr.CreateTable(Limit.__table))
    assert.truthy(sql:find("v AS NUMERIC) > '0'", 1, true), sql)
    assert.falsy(sql:find("decimal[_ ]", 1), sql)
    assert.falsy(sql:find("COLLATE", 1, true), sql)
    db:create_all()
    s:add_all{ Limit{ v = 9, w = "10.5" }, Limit{ w = 1 } }
    s:commit()
    assert.equal("1.00", tostring(Limit.query:order_by(Limit.v):first().v))
    assert.equal(1, Limit.query:filter(Limit.v:eq(1)):count())
    s:add(Limit{ v = "10.5", w = 9 })
    refuse("IntegrityError", "CHECK", s.commit, s)
    s:rollback()
    s:add(Limit{ v = "-1", w = 9 })
    refuse("IntegrityError", "CHECK", s.commit, s)
    s:rollback()
  end)

  it("is found by an index: by == and in_ always, by < and in order of an index of its own collation", function()
    local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      v = db.Column{ db.Numeric(10, 2), index = true }, w = db.Column{ db.Numeric(10, 2) } })
    mr.Index("ix_sorted", Item.w:collate "decimal")
    db:create_all()
    local function plan(query)
      local text = query:sql{ literals = true }
      return s:execute(mr.text("EXPLAIN QUERY PLAN " .. text)):first().detail
    end
    assert.truthy(plan(Item.query:filter(Item.v:eq "1.5")):find("ix_item_v", 1, true))
    assert.truthy(plan(Item.query:filter(Item.v:in_{ 1, 2 })):find("ix_item_v", 1, true))
    assert.truthy(plan(Item.query:filter(Item.w:lt "1.5")):find("ix_sorted", 1, true))
    assert.truthy(plan(Item.query:order_by(Item.w):limit(1)):find("ix_sorted", 1, true))
  end)
end)
