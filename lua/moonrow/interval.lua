-- interval.lua: mr.interval{ days = 1, hours = 2 }. The core makes an interval of a number or of a text.
--
-- Invariant: the microseconds are added up as floats, so that no sum overflows.

local core, require = ...
local options = require "moonrow.options"
local interval, interval_of = core.interval, core.interval_of

local units = { "weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds" }
local micros = {
  weeks = 7 * 86400e6, days = 86400e6, hours = 3600e6, minutes = 60e6, seconds = 1e6, milliseconds = 1e3,
  microseconds = 1.0,
}

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
  local sum = 0.0
  for unit, n in next, given do
    local size = micros[unit]
    if not size or type(n) ~= "number" then return of_others(given) end
    sum = sum + n * size
  end
  return interval_of(sum)
end

-- mr.interval(value): of a table of units, of a number of seconds, of ISO 8601 text, or of an interval.
return function(...)
  local value, other = ...
  if type(value) == "table" and not (other or getmetatable(value)) then return of_table(value) end
  return interval(...)
end
