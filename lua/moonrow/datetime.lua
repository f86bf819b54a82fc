-- datetime.lua: other ways to a datetime than its fields: mr.datetime.from_unix(seconds), mr.datetime.from_iso(text).
--
-- Invariant: the table mr.datetime is called as a function; its metatable has __call from the core.

local core, require = ...
local options = require "moonrow.options"
local datetime = core.datetime
local epoch = datetime(1970, 1, 1)
local DAY = 86400

local from = {}

-- mr.datetime.from_unix(seconds): of seconds since 1970, in UTC, as os.time() gives them. Days are added apart from the
-- rest of a day, because microseconds of many years do not fit a float.
function from.from_unix(seconds, ...)
  if type(seconds) ~= "number" or seconds ~= seconds or select("#", ...) > 0 then
    options.expect("from_unix", "seconds since 1970 (one number)", seconds)
  end
  if seconds < -62135596800 or seconds >= 253402300800 then
    core.raise("ArgumentError", ("from_unix: %s seconds lie outside of the years 1 to 9999%s"):format(seconds,
      seconds >= 253402300800 and " (of milliseconds: n / 1000)" or ""))
  end
  return epoch + core.interval_of(seconds // DAY * DAY * 1e6) + core.interval_of(seconds % DAY * 1e6)
end

-- mr.datetime.from_iso(text): of ISO 8601 text with or without a zone ("Z", "+02:00", "-0500"); the result is in UTC.
function from.from_iso(text, ...)
  if type(text) ~= "string" or select("#", ...) > 0 then options.expect("from_iso", "one text of ISO 8601", text) end
  local bare = text:match "^(.-) ?[Zz]$"
  if bare then return datetime(bare) end
  local local_text, sign, hours, minutes = text:match "^(.+%d:%d.-) ?([+-])(%d%d):?(%d%d)$"
  if not local_text then return datetime(text) end
  if tonumber(hours) > 15 or tonumber(minutes) > 59 then
    core.raise("ArgumentError", ("from_iso: %q: there is no offset %s%s:%s"):format(text, sign, hours, minutes))
  end
  local offset = core.interval_of((hours * 60 + minutes) * 60e6)
  if sign == "-" then return datetime(local_text) + offset end
  return datetime(local_text) - offset
end

for name, fn in pairs(from) do datetime[name] = fn end

getmetatable(datetime).__index = function(_, name)
  name = tostring(name)
  local near = core.hint(name, from)
  core.raise("ArgumentError", ("mr.datetime has no function '%s'%s"):format(name,
    core[name] and (" (mr.%s is one)"):format(name) or near))
end
