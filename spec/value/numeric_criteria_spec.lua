-- A Numeric column in each form of storage, compared with any decimal: also with one that the column could not store,
-- because it has more digits or is too large. The answer is that of the decimals themselves.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local D = mr.decimal

-- The decimals that the rows have, and those that they are compared with.
local STORED = { "0", "12.30", "12.29", "12.31", "-5", "-0.01", "0.01", "99999999.99", "-99999999.99" }
local ASKED = { "0", "12.3", "12.30000", "-0.00", "0.005", "-0.005", "12.305", "12.3049999999999", "-5.001", "-4.999",
  "99999999.995", "99999999.99", "100000000", "-99999999.999", "-100000000", "1e18", "1e19", "-1e19", "1e50", "1e400",
  "-1e400", "1e-50", "-1e-50", "12.3" .. ("0"):rep(45) .. "1", "12.29" .. ("9"):rep(60),
  "-5." .. ("0"):rep(500) .. "1", "0." .. ("0"):rep(420) .. "1", "9223372036854775807", "-92233720368547758.08" }
local TESTS = {
  eq = function(k) return k == 0 end, ne = function(k) return k ~= 0 end, lt = function(k) return k < 0 end,
  le = function(k) return k <= 0 end, gt = function(k) return k > 0 end, ge = function(k) return k >= 0 end,
}

describe("a Numeric column is compared", function()
  for name, storage in pairs{ text = {}, scaled = { storage = "scaled" }, real = { storage = "real" } } do
    it("with any decimal as the decimals are, stored as " .. name, function()
      local db = mr.open "sqlite://"
      local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true },
                                       v = db.Column{ db.Numeric(10, 2, storage) } })
      db:create_all()
      for i, text in ipairs(STORED) do db.session:add(T{ id = i, v = text }) end
      db.session:commit()
      for _, asked in ipairs(ASKED) do
        local value = D(asked)
        for op, holds in pairs(TESTS) do
          local want, got = {}, {}
          for i, text in ipairs(STORED) do
            if holds(D(text):compare(value)) then want[#want + 1] = i end
          end
          local query = db.session:query(T.id):filter(T.v[op](T.v, value)):order_by(T.id)
          for row in query:iter() do got[#got + 1] = row[1] end
          assert.same(want, got, ("v %s %s"):format(op, asked:sub(1, 60)))
        end
      end
    end)
  end

  it("in a list and a range by the same rule", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true },
                                     s = db.Column{ db.Numeric(6, 2, { storage = "scaled" }) },
                                     r = db.Column{ db.Numeric(6, 2, { storage = "real" }) } })
    db:create_all()
    db.session:add(T{ s = "1.00", r = "1.00" })
    db.session:commit()
    for _, column in ipairs{ T.s, T.r } do
      local function count(criterion) return T.query:filter(criterion):count() end
      assert.equal(0, count(column:in_{ D "1.001", D "0.999", D("1." .. ("0"):rep(50) .. "1") }))
      assert.equal(1, count(column:in_{ D "1.001", D "1.000" }))
      assert.equal(1, count(column:between(D "0.9999", D "1.0001")))
      assert.equal(0, count(column:between(D "1.0001", D "1e30")))
    end
    assert.equal("SELECT t.id AS t_id FROM t WHERE t.s < 100.5 AND t.r < 1.005",
      db.session:query(T.id):filter(T.s:lt(D "1.001"), T.r:lt(D "1.009")):sql{ literals = true })
  end)

  it("with no number where SQLite has none: between two integers beyond 2^52", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true },
                                     v = db.Column{ db.Numeric(18, 2, { storage = "scaled" }) } })
    db:create_all()
    db.session:add(T{ v = "9999999999999999.99" })
    db.session:commit()
    local function count(criterion) return T.query:filter(criterion):count() end
    refuse("ArgumentError", { "9999999999999999.995 lies between two values of Numeric(18, 2, ", "value:round(2)" },
      function() return count(T.v:lt(D "9999999999999999.995")) end)
    assert.equal(1, count(T.v:eq(D "9999999999999999.99")))
    assert.equal(1, count(T.v:gt(D "45035996273704.955")))
    assert.equal(1, count(T.v:lt(D "10000000000000000.005"))) -- beyond all that it can store
    assert.equal(0, count(T.v:ge(D "10000000000000000")))
  end)
end)

describe("a decimal of many digits", function()
  it("is a float as Lua's tonumber makes one of its text", function()
    local texts = { "1e307", "1e308", "1e309", "1e400", "-1e400", "1." .. ("1"):rep(500), ("9"):rep(399),
      "0." .. ("0"):rep(9000) .. "1", ("9"):rep(401) .. ".5" }
    for _, text in ipairs(texts) do
      assert.equal(tonumber(text), D(text):tonumber())
    end
  end)

  it("is cast to a float in SQL", function()
    local db = mr.open "sqlite://"
    local long = D("1." .. ("1"):rep(500))
    local float = db.session:query(mr.cast(mr.literal(long, db.Numeric), db.Float)):scalar()
    assert.equal("float", math.type(float))
    assert.is_true(math.abs(float - 10 / 9) < 1e-12)
  end)
end)
