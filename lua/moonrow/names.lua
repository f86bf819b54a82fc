-- names.lua: the nearest name to one that nobody knows, for "did you mean". The same measure as the
-- core's (src/base/names.c): slips of typing only, one for each six letters; two neighbours swapped count as one;
-- else a name that begins with it.
--
-- Invariant: a name is never suggested for itself.

local byte, min, max = string.byte, math.min, math.max

local function distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = byte(a, i) == byte(b, j)
      row[j] = min(last[j - 1] + (same and 0 or 1), last[j] + 1, row[j - 1] + 1)
      if i > 1 and j > 1 and byte(a, i) == byte(b, j - 1) and byte(a, i - 1) == byte(b, j) then
        row[j] = min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

local names = {}

-- The first name, in alphabetical order, that begins with the one given, which was cut short.
local function extended(name, ...)
  local best
  for i = 1, #name >= 4 and select("#", ...) or 0 do
    for candidate in pairs((select(i, ...))) do
      local begins = type(candidate) == "string" and string.sub(candidate, 1, #name) == name
      if begins and (not best or candidate < best) then best = candidate end
    end
  end
  return best
end

-- names.nearest(name, set, ...): the nearest of the string keys of the sets, or nil. Ties go to the
-- first in alphabetical order, so that messages do not depend on the order of a hash.
function names.nearest(name, ...)
  if #name > 64 then return nil end
  local best, best_distance
  for i = 1, select("#", ...) do
    for candidate in pairs((select(i, ...))) do
      if type(candidate) == "string" then
        local d = distance(name, candidate)
        local slips = min(3, 1 + min(#name, #candidate) // 6)
        local alike = d > 0 and d <= slips and 2 * d <= max(#name, #candidate)
        if alike and (not best or d < best_distance or (d == best_distance and candidate < best)) then
          best, best_distance = candidate, d
        end
      end
    end
  end
  return best or extended(name, ...)
end

-- names.hint(name, set, ...): " (did you mean 'x'?)", or "".
function names.hint(name, ...)
  local best = names.nearest(name, ...)
  return best and string.format(" (did you mean '%s'?)", best) or ""
end

return names
