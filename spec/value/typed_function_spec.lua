-- What CAST, coalesce, CASE, the aggregates and set operations give is a value of the column's type, in each form of
-- storage: a row of the table below for each type and form, and what each function gives of the low and the high value.
local mr = require "moonrow"

local D = mr.decimal
local LOW, HIGH = mr.datetime(2024, 3, 5, 1, 2, 3), mr.datetime(2024, 3, 5, 19, 7, 9)
local ID = "123e4567-e89b-12d3-a456-42661417400"
local CENTS, CALENDAR = { "coalesce", "case", "cast", "union", "intersect", "min", "max", "sum", "avg" },
  { "coalesce", "case", "cast", "union", "intersect", "min", "max" }
local PLAIN = { "coalesce", "case", "cast", "union", "intersect" }

-- type, low value, high value, functions
local ROWS = {
  { mr.Numeric(10, 2), D "9.50", D "10.25", CENTS },
  { mr.Numeric(10, 2, { storage = "scaled" }), D "9.50", D "10.25", CENTS },
  { mr.Numeric(10, 2, { storage = "real" }), D "9.50", D "10.25", CENTS },
  { mr.Numeric, D "9.5", D "10.25", CENTS },
  { mr.Date, LOW:to_date(), mr.date(2024, 12, 1), CALENDAR },
  { mr.Date{ storage = "datetime" }, LOW:to_date(), mr.date(2024, 12, 1), CALENDAR },
  { mr.Date{ storage = "unix" }, LOW:to_date(), mr.date(2024, 12, 1), CALENDAR },
  { mr.Date{ storage = "julian" }, LOW:to_date(), mr.date(2024, 12, 1), CALENDAR },
  { mr.DateTime, LOW, HIGH, CALENDAR },
  { mr.DateTime{ storage = "iso", digits = 3, separator = "T", zone = "Z" }, LOW, HIGH, CALENDAR },
  { mr.DateTime{ storage = "unix" }, LOW, HIGH, CALENDAR },
  { mr.DateTime{ storage = "unix_us" }, LOW, HIGH, CALENDAR },
  { mr.DateTime{ storage = "cocoa" }, LOW, HIGH, CALENDAR },
  { mr.Time, LOW:to_time(), HIGH:to_time(), CALENDAR },
  { mr.Time{ storage = "datetime" }, LOW:to_time(), HIGH:to_time(), CALENDAR },
  { mr.Time{ storage = "seconds" }, LOW:to_time(), HIGH:to_time(), CALENDAR },
  { mr.Interval, mr.interval{ hours = 9 }, mr.interval{ hours = 10 }, CALENDAR },
  { mr.Interval{ storage = "iso" }, mr.interval{ hours = 9 }, mr.interval{ hours = 10 }, PLAIN },
  { mr.Interval{ storage = "days" }, mr.interval{ hours = 9 }, mr.interval{ hours = 10 }, CALENDAR },
  { mr.Boolean, false, true, CALENDAR },
  { mr.Boolean{ storage = "Y/N" }, false, true, PLAIN },
  { mr.Enum("a", "b"), "a", "b", CALENDAR },
  { mr.Enum("b", "a", { storage = "position" }), "b", "a", CALENDAR },
  { mr.Enum("a", "b", { storage = { a = "z", b = "y" } }), "a", "b", PLAIN },
  { mr.Uuid, ID .. "0", ID .. "1", CALENDAR },
  { mr.Uuid{ storage = "hex" }, ID .. "0", ID .. "1", CALENDAR },
  { mr.Uuid{ storage = "blob" }, ID .. "0", ID .. "1", CALENDAR },
  { mr.JSON, { n = 1 }, { n = 2 }, PLAIN },
  { mr.Array(mr.Date), { LOW:to_date() }, { mr.date(2024, 12, 1) }, PLAIN },
}

-- The query of each function over the column v of rows 1 (low), 2 (high) and 3 (NULL), and what it gives.
local FUNCTIONS = {
  coalesce = function(s, Row, low, high)
    return s:query(mr.func.coalesce(Row.v, mr.literal(low, Row.v.type))):order_by(Row.id), { low, high, low }
  end,
  case = function(s, Row, low, high)
    local case = mr.case{ { Row.id:eq(2), Row.v }, else_ = mr.literal(low, Row.v.type) }
    return s:query(case):order_by(Row.id), { low, high, low }
  end,
  cast = function(s, Row, low, high)
    return s:query(mr.cast(Row.v, Row.v.type)):filter(Row.v:is_not(nil)):order_by(Row.id), { low, high }
  end,
  union = function(s, Row, low, high)
    local one, two = mr.select(Row.v):where(Row.id:eq(1)), mr.select(Row.v):where(Row.id:le(2))
    return s:query(mr.union(one, two):subquery().c.v), { low, high }, true
  end,
  intersect = function(s, Row, _, high)
    return s:query(mr.intersect(mr.select(Row.v), mr.select(Row.v):where(Row.id:eq(2))):subquery().c.v), { high }
  end,
  min = function(s, Row, low) return s:query(mr.func.min(Row.v)), { low } end,
  max = function(s, Row, _, high) return s:query(mr.func.max(Row.v)), { high } end,
  sum = function(s, Row, low, high) return s:query(mr.func.sum(Row.v)), { low + high } end,
  avg = function(s, Row, low, high) return s:query(mr.func.avg(Row.v)), { (low + high) / 2 } end,
}

local function words(v)
  if type(v) ~= "table" then return tostring(v) end
  return v.n and "n=" .. v.n or tostring(v[1])
end

describe("a value stays one of its type through", function()
  for _, row in ipairs(ROWS) do
    local type, low, high, functions = table.unpack(row)
    for _, name in ipairs(functions) do
      it(name .. ": " .. tostring(type), function()
        local db = mr.open "sqlite://"
        local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ type } })
        db:create_all()
        db.session:add_all{ Row{ id = 1, v = low }, Row{ id = 2, v = high }, Row{ id = 3 } }
        db.session:commit()
        local query, wanted, any_order = FUNCTIONS[name](db.session, Row, low, high)
        local got = query:all()
        assert.equal(#wanted, #got)
        if any_order and words(got[1][1]) ~= words(low) then got[1], got[2] = got[2], got[1] end
        for i, value in ipairs(wanted) do
          local is = got[i][1]
          assert.equal(_G.type(value), _G.type(is))
          if _G.type(value) == "table" then
            assert.equal(words(value), words(is))
          else
            assert.equal(getmetatable(value), getmetatable(is))
            assert.equal(value, is)
          end
        end
      end)
    end
  end
end)
