-- mr.decimal: exact numbers. The expected digits are those of python's decimal (behaviour of its documentation and of
-- its General Decimal Arithmetic tests), with two differences that are said below: sums and products are exact, and //
-- and % round down, as Lua's do.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local D = mr.decimal

local function same(expected, d) assert.equal(expected, tostring(d)) end

describe("a decimal is made", function()
  it("of text, and keeps its digits", function()
    for _, text in ipairs{ "0", "12.30", "-12.30", "0.00", "100", "0.000001", ("9"):rep(60) .. "." .. ("1"):rep(60) } do
      same(text, D(text))
    end
    for text, expected in pairs{ ["+1.5"] = "1.5", [".5"] = "0.5", ["-.5"] = "-0.5", ["5."] = "5", ["007"] = "7",
      ["000.10"] = "0.10", ["-0"] = "0", ["-0.00"] = "0.00", ["1e3"] = "1000", ["1.20E+2"] = "120",
      ["1.5e-3"] = "0.0015", ["0e5"] = "0", ["12.5e1"] = "125", ["-1E-2"] = "-0.01" } do
      same(expected, D(text))
    end
  end)

  it("of integers, the smallest and the largest, too", function()
    same("42", D(42))
    same("-9223372036854775808", D(math.mininteger))
    same("9223372036854775807", D(math.maxinteger))
    assert.is_true(rawequal(D(D "1.5"), D "1.5") == false)
    local d = D "1.5"
    assert.is_true(rawequal(d, D(d)))
  end)

  it("of nothing else: the error has the cure", function()
    refuse("ArgumentError", { "0.1", "a float is not exact", "as a string" }, D, 0.1)
    refuse("ArgumentError", "a float is not exact", D, 2.0)
    for _, text in ipairs{ "", " ", "1 ", " 1", "1,5", "1.2.3", "--1", "+-1", "e5", "1e", "1e+", "0x10", "1_000", ".",
      "-", "12a", "1\0" } do
      refuse("ArgumentError", "is no decimal", D, text)
    end
    for _, text in ipairs{ "NaN", "nan", "-NaN", "sNaN", "Infinity", "-inf", "+Inf" } do
      refuse("ArgumentError", "no NaN and no infinity", D, text)
    end
    for _, value in ipairs{ true, {}, print } do refuse("ArgumentError", "decimal: expected a string", D, value) end
    refuse("ArgumentError", "decimal: expected a string", D, nil)
    refuse("ArgumentError", "one argument, got 2", D, "1", "2")
  end)

  it("of at most 10000 digits", function()
    assert.equal(10000, #tostring(D(("1"):rep(10000))))
    refuse("ArgumentError", "more than 10000 digits", D, ("1"):rep(10001))
    for _, text in ipairs{ "1e10001", "1e-10001", "1e99999999999999999999", "1e-99999999999999999999" } do
      refuse("ArgumentError", "more than 10000 digits", D, text)
    end
  end)
end)

describe("arithmetic of decimals", function()
  it("adds and subtracts exactly: the result has the larger number of digits", function()
    same("0.3", D "0.1" + D "0.2")
    same("3.30", D "1.10" + D "2.2")
    same("-0.1", D "1" - D "1.1")
    same("0.00", D "1.10" - D "1.10")
    same("10000000000000000000000000000.00000000000000000001", D "1e28" + D "1e-20")
    same("18446744073709551614", D(math.maxinteger) + D(math.maxinteger))
    same("-9223372036854775809", D(math.mininteger) - 1)
    same("100000000000000000000", D "99999999999999999999" + 1)
  end)

  it("multiplies exactly: the digits behind the point add up", function()
    same("2.2500", D "1.50" * D "1.50")
    same("-36.90", D "12.30" * -3)
    same("0.00", D "0" * D "1.25")
    same("121932631137021795226185032733862429504001414418287658588617.5176",
      D "123456789012345678901234567890.12" * D "987654321098765432109876543210.98")
    same("85070591730234615847396907784232501249", D(math.maxinteger) * D(math.maxinteger))
  end)

  it("divides with 28 significant digits, half to even", function()
    for _, case in ipairs{
      { "1", "3", "0.3333333333333333333333333333" }, { "2", "3", "0.6666666666666666666666666667" },
      { "1", "4", "0.25" }, { "10", "2", "5" }, { "1.00", "2", "0.50" }, { "100", "0.01", "10000" },
      { "-1", "7", "-0.1428571428571428571428571429" }, { "7", "-8", "-0.875" }, { "0", "3", "0" },
      { "0.00", "3", "0.00" }, { "2.40", "2", "1.20" }, { "1", "99", "0.01010101010101010101010101010" },
      { "12345678901234567890123456789", "1", "12345678901234567890123456790" },
      { "1", "3e30", "0.0000000000000000000000000000003333333333333333333333333333" },
      { "99999999999999999999999999995", "10", "10000000000000000000000000000" },
      { "-3.04549734672068", "-524699152652532.13022", "0.000000000000005804273422826505919383855454" },
      { "1e40", "3", "3333333333333333333333333333000000000000" },
    } do
      same(case[3], D(case[1]) / D(case[2]))
    end
    same("0.5", 1 / D "2")
  end)

  it("rounds // down, and % has the sign of the divisor, as Lua's do", function()
    for _, a in ipairs{ 7, -7, 6, -6, 0 } do
      for _, b in ipairs{ 2, -2, 3, -3 } do
        same(tostring(a // b), D(a) // D(b))
        same(tostring(a % b), D(a) % D(b))
      end
    end
    same("3", D "7.5" // 2)
    same("1.5", D "7.5" % 2)
    same("-0.5", D "7.5" % D "-2")
    same("0.05", D "1.25" % D "0.1")
    local a, b = D "-123456789012345678901234567890.5", D "0.7"
    assert.is_true((a // b) * b + a % b == a)
  end)

  it("raises to a power that is an integer", function()
    same("1024", D "2" ^ 10)
    same("1.157625", D "1.05" ^ 3)
    same("1", D "0" ^ 0)
    same("-1", D "-1" ^ 1000001)
    same("0.125", D "2" ^ -3)
    same("0.3333333333333333333333333333", D "3" ^ -1)
    same("1267650600228229401496703205376", D "2" ^ 100)
    refuse("ArgumentError", "the power of a decimal is an integer", function() return D "2" ^ 0.5 end)
    refuse("ArgumentError", "the power of a decimal is an integer", function() return 2 ^ D "2" end)
    refuse("ArgumentError", "more than 10000 digits", function() return D "10" ^ 100000 end)
    refuse("ArgumentError", "more than 10000 digits", function() return D "2" ^ math.maxinteger end)
    refuse("ArgumentError", "more than 10000 digits", function() return D "2" ^ math.mininteger end)
    refuse("ArgumentError", "divided by zero", function() return D "0" ^ -1 end)
  end)

  it("gives negatives, absolutes and signs; there is no negative zero", function()
    same("-12.30", -D "12.30")
    same("12.30", -D "-12.30")
    same("0.00", -D "0.00")
    same("12.30", D "-12.30":abs())
    same("12.30", D "12.30":abs())
    assert.equal(-1, D "-0.01":sign())
    assert.equal(0, D "-0.00":sign())
    assert.equal(1, D "1":sign())
    same("0.0", D "-0.04":round(1))
  end)

  it("refuses floats, text and a division by zero, with the cure", function()
    refuse("ArgumentError", { "cannot calculate 1 + number 1.5", "not exact" }, function() return D "1" + 1.5 end)
    refuse("ArgumentError", { "number 1.5 * 1", "not exact" }, function() return 1.5 * D "1" end)
    refuse("ArgumentError", { '1 - string "2"', "mr.decimal" }, function() return D "1" - "2" end)
    refuse("ArgumentError", { 'string "2" / 1', "mr.decimal" }, function() return "2" / D "1" end)
    refuse("ArgumentError", "cannot calculate 1 + table", function() return D "1" + {} end)
    refuse("ArgumentError", "cannot calculate 1 + 2024-01-01", function() return D "1" + mr.date(2024, 1, 1) end)
    refuse("ArgumentError", "cannot calculate", function() return mr.interval(1) * D "2" end)
    for _, op in ipairs{ function(a, b) return a / b end, function(a, b) return a // b end,
      function(a, b) return a % b end } do
      refuse("ArgumentError", "divided by zero", op, D "1", 0)
      refuse("ArgumentError", "divided by zero", op, D "0", D "0.00")
    end
    refuse("ArgumentError", "more than 10000 digits", function() return D "1e9000" * D "1e9000" end)
  end)
end)

describe("decimals are compared", function()
  it("by their value, whatever their digits are", function()
    assert.is_true(D "12.3" == D "12.30")
    assert.is_true(D "0" == D "-0.00")
    assert.is_false(D "12.3" == D "-12.3")
    assert.is_false(D "12.3" == D "12.31")
    local order = { "-100", "-12.31", "-12.3", "-0.5", "0", "0.05", "0.1", "9", "10", "99999999999999999999.1" }
    for i = 1, #order do
      for j = 1, #order do
        assert.equal(i < j, D(order[i]) < D(order[j]))
        assert.equal(i <= j, D(order[i]) <= D(order[j]))
        assert.equal(i == j, D(order[i]) == D(order[j]))
      end
    end
  end)

  it("with integers by <, <= and compare", function()
    assert.is_true(D "1.5" < 2 and 1 < D "1.5" and D "2.00" <= 2 and 2 <= D "2.00")
    assert.equal(0, D "2.00":compare(2))
    assert.equal(-1, D "1.99":compare(2))
    assert.equal(1, D "1.99":compare(D "1.9"))
    assert.is_false(D "2" == 2) -- Lua asks nobody
    refuse("ArgumentError", { "cannot compare 1 with number 1.5", "not exact" }, function() return D "1" < 1.5 end)
    refuse("ArgumentError", { 'string "2"', "mr.decimal" }, function() return D "1" <= "2" end)
    refuse("ArgumentError", "cannot compare", function() return D "1" < mr.now() end)
    refuse("ArgumentError", "cannot compare", function() return D "1":compare(nil) end)
  end)

  it("as keys of tables by key()", function()
    local t = { [D "12.3":key()] = "x" }
    assert.equal("x", t[D "12.300":key()])
    assert.equal("12", D "12.00":key())
    assert.equal("0", D "0.00":key())
    assert.equal("1200", D "1200":key())
    assert.is_nil(({ [D "1"] = true })[D "1"])
  end)
end)

describe("a decimal is rounded", function()
  -- value, then the result of half_even, half_up, half_down, up, down, ceiling, floor
  local modes = { "half_even", "half_up", "half_down", "up", "down", "ceiling", "floor" }
  local rows = {
    { "1.5", "2", "2", "1", "2", "1", "2", "1" }, { "2.5", "2", "3", "2", "3", "2", "3", "2" },
    { "-1.5", "-2", "-2", "-1", "-2", "-1", "-1", "-2" }, { "-2.5", "-2", "-3", "-2", "-3", "-2", "-2", "-3" },
    { "1.1", "1", "1", "1", "2", "1", "2", "1" }, { "-1.1", "-1", "-1", "-1", "-2", "-1", "-1", "-2" },
    { "1.6", "2", "2", "2", "2", "1", "2", "1" }, { "2.500001", "3", "3", "3", "3", "2", "3", "2" },
    { "3.0", "3", "3", "3", "3", "3", "3", "3" }, { "0.5", "0", "1", "0", "1", "0", "1", "0" },
  }

  it("in each way", function()
    for _, row in ipairs(rows) do
      for i, mode in ipairs(modes) do same(row[i + 1], D(row[1]):round(0, mode)) end
    end
  end)

  it("to a number of digits, half to even by default", function()
    same("12.34", D "12.345":round(2))
    same("12.36", D "12.355":round(2))
    same("12.300", D "12.3":round(3))
    same("13", D "12.9":round())
    same("1200", D "1250":round(-2))
    same("1400", D "1350":round(-2))
    same("0", D "12":round(-3))
    same("1000", D "999.999":round(0))
    same("100000000000000000000000000000", D "99999999999999999999999999999.5":round())
  end)

  it("as another one by quantize", function()
    same("12.35", D "12.345":quantize(D "0.01", "half_up"))
    same("12", D "12.345":quantize(D "1"))
    same("12.34500", D "12.345":quantize(D "1.00000"))
    refuse("ArgumentError", "quantize", D "1".quantize, D "1", 2)
  end)

  it("in no other way", function()
    refuse("ArgumentError", { "round", "half_even", '"bankers"' }, D "1".round, D "1", 2, "bankers")
    refuse("ArgumentError", "round: expected a number of digits", D "1".round, D "1", 1.5)
    refuse("ArgumentError", "round: expected a number of digits", D "1".round, D "1", "2")
    refuse("ArgumentError", "more than 10000 digits", D "1".round, D "1", 20000)
  end)
end)

describe("a decimal becomes", function()
  it("text: by tostring, .. and %s", function()
    assert.equal("12.30", tostring(D "12.30"))
    assert.equal("12.30", D "12.30":tostring())
    assert.equal("costs 12.30 each", "costs " .. D "12.30" .. " each")
    assert.equal("1.02", D "1.0" .. 2)
    assert.equal("12.30", ("%s"):format(D "12.30"))
    refuse("ArgumentError", "cannot calculate 1 .. table", function() return D "1" .. {} end)
  end)

  it("a number, an integer, or nil where it is none", function()
    assert.equal(12.3, D "12.30":tonumber())
    assert.equal("float", math.type(D "12":tonumber()))
    assert.equal(0.1, D "0.1":tonumber())
    assert.equal(12, D "12.00":tointeger())
    assert.equal("integer", math.type(D "12.00":tointeger()))
    assert.equal(math.mininteger, D "-9223372036854775808":tointeger())
    assert.is_nil(D "12.30":tointeger())
    assert.is_nil(D "9223372036854775808":tointeger())
  end)

  it("one with other digits: scale, normalize", function()
    assert.equal(2, D "12.30":scale())
    assert.equal(0, D "1200":scale())
    same("12.3", D "12.30":normalize())
    same("12", D "12.00":normalize())
    same("1200", D "1200":normalize())
  end)

  it("nothing else: it cannot be changed, and has no other fields", function()
    local d = D "1"
    refuse("ArgumentError", "cannot be changed", function() d.x = 1 end)
    refuse("ArgumentError", "'rond'", function() return d.rond end)
    for _, method in ipairs{ "round", "scale", "sign", "abs", "key", "tonumber", "tointeger", "quantize", "compare" } do
      refuse("ArgumentError", method == "round" and "decimal" or "", d[method], 1)
    end
  end)
end)
