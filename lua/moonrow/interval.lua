-- interval.lua: mr.interval{ days = 1, hours = 2 }. The core makes an interval of a number or of a text.
--
-- Invariant: whole microseconds are added up as integers, which is exact, as long as no sum can overflow; the others as
-- floats.

local core, require = ...
local options = require "moonrow.options"
local interval, interval_of = core.interval, core.interval_of

local units = { "weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds" }
local micros = {
  weeks = 7 * 86400e6, days = 86400e6, hours = 3600e6, minutes = 60e6, seconds = 1e6, milliseconds = 1e3,
  microseconds = 1.0,
}
local MOST = 1e18 -- seven numbers of this size do not overflow

-- The table has something else than units with numbers: mr.interval{ 5 } means mr.interval(5), as with all functions;
-- any other raises, and says what is wrong.
local function of_others(given)
  local named, value = options.read("interval", units, 1, given)
  if value ~= nil and not next(named) then return interval(value) end
  if value ~= nil then options.expect("interval", "either units by name or one value", value) end
  for _, unit in ipairs(units) do
    local n = named[unit]
    if n ~= nil and type(n) ~= "number" then options.expect("interval: " .. unit, "a number", n) end
  end
end

local function of_table(given)
  local sum, whole = 0.0, 0
  for unit, n in next, given do
    local size = micros[unit]
    if not size or type(n) ~= "number" then return of_others(given) end
    local part = n * size
    if math.type(n) == "integer" and part > -MOST and part < MOST then whole = whole + n * (size // 1 | 0)
    else sum = sum + part end
  end
  return interval_of(sum, whole)
end

-- mr.interval(value): of a table of units, of a number of seconds, of ISO 8601 text, or of an interval.
return function(...)
  local value, other = ...
  if type(value) == "table" and not (other or getmetatable(value)) then return of_table(value) end
  return interval(...)
end
