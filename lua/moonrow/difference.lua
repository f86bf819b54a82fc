-- difference.lua: how a list of rows differs from the one before: what was inserted, removed, updated, moved.
--
-- Invariant: the old list, without the rows removed and moved, and then with those moved and inserted put in at their
-- new places, the lowest first, is the new list. As few rows as possible count as moved.

local difference = {}

-- The keys of the rows, made different from each other: a key that comes again has its number behind it.
local function names_of(keys, images)
  local names, seen = {}, {}
  for i = 1, #keys do
    local key = keys[i]
    if key == "" then key = images[i] end
    local n = (seen[key] or 0) + 1
    seen[key] = n
    names[i] = n == 1 and key or key .. "\0" .. n
  end
  return names
end

-- Which of the numbers belong to a longest ascending sequence: a set of their indexes.
local function ascending(numbers)
  local ends, before = {}, {} -- ends[n]: index of the smallest number that ends a sequence of length n
  for i = 1, #numbers do
    local low, high = 1, #ends
    while low <= high do
      local middle = (low + high) // 2
      if numbers[ends[middle]] < numbers[i] then low = middle + 1 else high = middle - 1 end
    end
    before[i] = ends[low - 1]
    ends[low] = i
  end
  local kept, i = {}, ends[#ends]
  while i do
    kept[i] = true
    i = before[i]
  end
  return kept
end

local function is_ascending(numbers)
  for i = 2, #numbers do
    if numbers[i] < numbers[i - 1] then return false end
  end
  return true
end

local function same(old, new)
  if #old.images ~= #new.images then return false end
  for i = 1, #new.images do
    if old.images[i] ~= new.images[i] or old.keys[i] ~= new.keys[i] then return false end
  end
  return true
end

-- difference.of(old, new): of two lists { keys =, images = }: { inserted = new indexes, removed = old indexes,
-- updated = new indexes, moved = { { from = old index, to = new index }, ... } }, each in ascending order; nil: they
-- are equal.
function difference.of(old, new)
  if same(old, new) then return nil end
  local diff = { inserted = {}, removed = {}, updated = {}, moved = {} }
  local place, from, to = {}, {}, {}
  for i, name in ipairs(names_of(old.keys, old.images)) do place[name] = i end
  local stays = {}
  for i, name in ipairs(names_of(new.keys, new.images)) do
    local was = place[name]
    if was then
      from[#from + 1], to[#to + 1], stays[was] = was, i, true
      if old.images[was] ~= new.images[i] then table.insert(diff.updated, i) end
    else
      table.insert(diff.inserted, i)
    end
  end
  for i = 1, #old.keys do
    if not stays[i] then table.insert(diff.removed, i) end
  end
  if not is_ascending(from) then
    local kept = ascending(from)
    for i = 1, #from do
      if not kept[i] then table.insert(diff.moved, { from = from[i], to = to[i] }) end
    end
  end
  return diff
end

return difference
