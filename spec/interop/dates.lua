-- dates.lua: the operations of dates.py with mr.date, mr.time, mr.datetime and mr.interval.

local mr = require "moonrow"

local operations = {}

local MICRO = mr.interval{ microseconds = 1 }

local function length(count) return math.tointeger(count) * MICRO end

-- An interval in microseconds.
local function count_of(interval)
  return ("%d"):format((interval.days * 86400 + interval.seconds) * 1000000 + interval.microseconds)
end

local function sign(a, b)
  assert((a < b) == (b > a) and (a <= b) == (a < b or a == b))
  return a < b and "-1" or a == b and "0" or "1"
end

function operations.date_add(a, days) return tostring(mr.date(a) + mr.interval{ days = math.tointeger(days) }) end
function operations.date_sub(a, days) return tostring(mr.date(a) - mr.interval{ days = math.tointeger(days) }) end
function operations.date_diff(a, b) return count_of(mr.date(a) - mr.date(b)) end
function operations.at_add(a, n) return tostring(mr.datetime(a) + length(n)) end
function operations.at_sub(a, n) return tostring(mr.datetime(a) - length(n)) end
function operations.at_diff(a, b) return count_of(mr.datetime(a) - mr.datetime(b)) end
function operations.compare_dates(a, b) return sign(mr.date(a), mr.date(b)) end
function operations.compare_ats(a, b) return sign(mr.datetime(a), mr.datetime(b)) end
function operations.compare_times(a, b) return sign(mr.time(a), mr.time(b)) end
function operations.add(a, b) return count_of(length(a) + length(b)) end
function operations.sub(a, b) return count_of(length(a) - length(b)) end
function operations.mul(a, factor) return count_of(length(a) * math.tointeger(factor)) end
function operations.weekday(a) return tostring(mr.date(a):weekday()) end
function operations.format(a, pattern) return mr.datetime(a):format(pattern) end
function operations.timestamp(a) return tostring(mr.datetime(a):timestamp()) end
function operations.from_unix(seconds) return tostring(mr.datetime.from_unix(math.tointeger(seconds))) end
function operations.read(text) return tostring(mr.datetime(text)) end
function operations.valid(y, m, d)
  return tostring(mr.date(math.tointeger(y), math.tointeger(m), math.tointeger(d)))
end

function operations.parts(n)
  local interval = length(n)
  assert(tostring(mr.interval(tostring(interval))) == tostring(interval)) -- its text is read again
  return ("%d %d %d"):format(interval.days, interval.seconds, interval.microseconds)
end

function operations.compare_spans(a, b) return sign(length(a), length(b)) end
function operations.negate(a) return count_of(-length(a)) end
function operations.divide(a, divisor) return count_of(length(a) / math.tointeger(divisor)) end
function operations.units(fields)
  local given = {}
  for name, value in fields:gmatch "(%w+)=(%-?%d+)" do given[name] = math.tointeger(value) end
  return count_of(mr.interval(given))
end

function operations.ratio(a, b) return ("%.17g"):format(length(a) / length(b)) end
function operations.seconds(a) return ("%.17g"):format(length(a).total_seconds) end

local db = mr.open "sqlite://"
local Span = db.Model:extend("Span", { id = db.Column{ db.Integer, primary_key = true },
  span = db.Column{ db.Interval } })
db:create_all()

-- What stands in the file; the interval is read again, and found.
function operations.stored(n)
  db.session:rollback() -- what was refused before
  local span = Span{ span = length(n) }
  db.session:add(span)
  db.session:flush()
  local file = db.session:scalar(mr.text "SELECT span FROM span")
  assert(db.session:scalar(mr.select(Span.span):where(Span.span:eq(length(n)))) == length(n))
  return file
end

function operations.replace(a, fields)
  local given = {}
  for name, value in fields:gmatch "(%w+)=(%d+)" do given[name] = math.tointeger(value) end
  return tostring(mr.datetime(a):replace(given))
end

function operations.split(a)
  local at = mr.datetime(a)
  return ("%s %s"):format(at:to_date(), at:to_time())
end

return operations
