-- names.lua: the nearest name to one that nobody knows, for "did you mean". The same measure as the
-- core's: an edit distance of at most a third of the name's length, and of at least one.

local min, max = math.min, math.max

local function distance(a, b, limit)
  local la, lb = #a, #b
  if la - lb > limit or lb - la > limit then return limit + 1 end
  local row = {}
  for j = 0, lb do row[j] = j end
  for i = 1, la do
    local diagonal, best = row[0], i
    row[0] = i
    for j = 1, lb do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
      best = min(best, row[j])
    end
    if best > limit then return limit + 1 end
  end
  return row[lb]
end

local names = {}

-- names.nearest(name, set, ...): the nearest of the string keys of the sets, or nil. Ties go to the
-- first in alphabetical order, so that messages do not depend on the order of a hash.
function names.nearest(name, ...)
  local limit = max(1, #name // 3)
  local best, best_distance
  for i = 1, select("#", ...) do
    for candidate in pairs((select(i, ...))) do
      if type(candidate) == "string" then
        local d = distance(name, candidate, limit)
        if d <= limit and (not best or d < best_distance or (d == best_distance and candidate < best)) then
          best, best_distance = candidate, d
        end
      end
    end
  end
  return best
end

-- names.hint(name, set, ...): " (did you mean 'x'?)", or "".
function names.hint(name, ...)
  local best = names.nearest(name, ...)
  return best and (" (did you mean '%s'?)"):format(best) or ""
end

return names
