---@meta _
-- decimal.lua: decimals.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

---How a decimal is rounded: "half_even", a half to the even neighbour, as banks do; "half_up", a half away from zero,
---as in school; "half_down", a half towards zero; "up", away from zero; "down", towards zero; "ceiling", to the next
---higher one; "floor", to the next lower one.
---@alias moonrow.Rounding
---| "half_even"
---| "half_up"
---| "half_down"
---| "up"
---| "down"
---| "ceiling"
---| "floor"

---An exact number, with as many digits as it was written with: tostring gives "12.30" for `mr.decimal "12.30"`.
---Immutable. `+ - * / % // ^` and the negative work among decimals, and with Lua's integers; floats are refused,
---because 0.1 as a float is not the number 0.1. Sums, differences and products are exact; a quotient has 28
---significant digits, the last one rounded half to even. `//` and `%` round down, as Lua's do; a power is an integer.
---
---`==` compares decimals by their value, and `<` `<=` with integers, too. A decimal is never `==` to an integer,
---which Lua decides without asking: `d:compare(5) == 0` does it. Two decimals are two keys of a table, even if they
---are equal: `d:key()` is a key that equal ones share. There is no NaN and no infinity.
---
---```lua
---mr.decimal "0.1" + mr.decimal "0.2" --> 0.3
---mr.decimal "12.30" * 3 --> 36.90
---mr.decimal(1) / 3 --> 0.3333333333333333333333333333
---mr.decimal "-7.5" // 2 .. " " .. mr.decimal "-7.5" % 2 --> -4 0.5
---mr.decimal "1.05" ^ 2 --> 1.1025
---mr.decimal "12.3" == mr.decimal "12.30" --> true
---mr.decimal "1.5" < 2 --> true
---mr.decimal "1.5" + 0.1 --! ArgumentError: cannot calculate 1.5 + number 0.1 (a float is not exact
---```
---@class moonrow.Decimal
---@operator add(moonrow.Decimal|integer): moonrow.Decimal
---@operator sub(moonrow.Decimal|integer): moonrow.Decimal
---@operator mul(moonrow.Decimal|integer): moonrow.Decimal
---@operator div(moonrow.Decimal|integer): moonrow.Decimal
---@operator idiv(moonrow.Decimal|integer): moonrow.Decimal
---@operator mod(moonrow.Decimal|integer): moonrow.Decimal
---@operator pow(integer): moonrow.Decimal
---@operator unm: moonrow.Decimal
local Decimal = {}

---With so many digits behind the point. A negative number rounds to tens, hundreds and so on.
---
---```lua
---mr.decimal "12.345":round(2) --> 12.34
---mr.decimal "12.345":round(2, "half_up") --> 12.35
---mr.decimal "12.3":round(2) --> 12.30
---mr.decimal "1250":round(-2) --> 1200
---mr.decimal "0.5":round() --> 0
---```
---@error ArgumentError there is no such way of rounding
---@param digits? integer 0 by default
---@param mode? moonrow.Rounding "half_even" by default
---@return moonrow.Decimal
function Decimal:round(digits, mode) end

---With as many digits behind the point as the other decimal has.
---
---```lua
---mr.decimal "12.345":quantize(mr.decimal "0.01", "up") --> 12.35
---```
---@error ArgumentError there is no such way of rounding
---@param other moonrow.Decimal
---@param mode? moonrow.Rounding "half_even" by default
---@return moonrow.Decimal
function Decimal:quantize(other, mode) end

---The number of digits behind the point.
---
---```lua
---mr.decimal "12.30":scale() --> 2
---```
---@return integer
function Decimal:scale() end

---1, 0 or -1.
---
---```lua
---mr.decimal "-12.30":sign() --> -1
---```
---@return integer
function Decimal:sign() end

---Without its sign.
---
---```lua
---mr.decimal "-12.30":abs() --> 12.30
---```
---@return moonrow.Decimal
function Decimal:abs() end

---Less than the other (-1), equal (0) or greater (1).
---
---```lua
---mr.decimal "12.00":compare(12) --> 0
---```
---@error ArgumentError the other is neither a decimal nor an integer
---@param other moonrow.Decimal|integer
---@return integer
function Decimal:compare(other) end

---The digits as they are; the same as tostring(d).
---
---```lua
---mr.decimal "12.30":tostring() --> 12.30
---```
---@return string
function Decimal:tostring() end

---Text that equal decimals share, for the keys of tables.
---
---```lua
---mr.decimal "12.30":key() == mr.decimal "12.3":key() --> true
---```
---@return string
function Decimal:key() end

---Without zeros at the end behind the point.
---
---```lua
---mr.decimal "12.30":normalize() --> 12.3
---```
---@return moonrow.Decimal
function Decimal:normalize() end

---The float that is nearest to it.
---
---```lua
---mr.decimal "12.30":tonumber() --> 12.3
---```
---@return number
function Decimal:tonumber() end

---The integer that it is; nil if it is none, or one of more than 64 bits.
---
---```lua
---mr.decimal "12.00":tointeger() --> 12
---mr.decimal "12.30":tointeger() --> nil
---```
---@return integer?
function Decimal:tointeger() end

---A decimal of a text of digits, of an integer, or of a decimal. At most 10000 digits.
---
---```lua
---mr.decimal "12.30" --> 12.30
---mr.decimal "-.5" --> -0.5
---mr.decimal "1.5e3" --> 1500
---mr.decimal(42) --> 42
---mr.decimal(0.1) --! ArgumentError: decimal: number 0.1: a float is not exact
---mr.decimal "NaN" --! ArgumentError: decimal: string "NaN": there is no NaN
---```
---@error ArgumentError it is a float, or no number
---@param value string|integer|moonrow.Decimal
---@return moonrow.Decimal
function mr.decimal(value) end
