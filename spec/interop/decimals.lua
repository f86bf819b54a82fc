-- decimals.lua: the operations of decimals.py with mr.decimal.

local mr = require "moonrow"

local D = mr.decimal
local operations = {}

function operations.read(a) return tostring(D(a)) end
function operations.add(a, b) return tostring(D(a) + D(b)) end
function operations.sub(a, b) return tostring(D(a) - D(b)) end
function operations.mul(a, b) return tostring(D(a) * D(b)) end
function operations.div(a, b) return tostring(D(a) / D(b)) end
function operations.idiv(a, b) return tostring(D(a) // D(b)) end
function operations.mod(a, b) return tostring(D(a) % D(b)) end
function operations.pow(a, n) return tostring(D(a) ^ math.tointeger(n)) end
function operations.round(a, digits, mode) return tostring(D(a):round(math.tointeger(digits), mode)) end
function operations.neg(a) return tostring(-D(a)) end
function operations.key(a) return D(a):key() end

function operations.compare(a, b)
  local x, y = D(a), D(b)
  local order = x:compare(y)
  assert((x < y) == (order < 0) and (x == y) == (order == 0) and (x <= y) == (order <= 0))
  assert((x:key() == y:key()) == (order == 0))
  return tostring(order)
end

-- As Python writes a float in hexadecimal digits.
function operations.float(a)
  local number = D(a):tonumber()
  if number == 0 then return "0x0.0p+0" end
  local sign, digits, exponent = ("%.13a"):format(number):match "^(-?)0x1%.(%x+)p([+-]%d+)$"
  return ("%s0x1.%sp%s"):format(sign, digits, exponent)
end

return operations
