-- indexes.lua: which indexes of two tables are compared.
--
-- Invariant: an index that a class cannot say (of another method than a B-tree, with columns included, with NULLs that
-- are not distinct) is the database's own, and no difference. Such a one has a definition.

local function by_name(list)
  local map = {}
  for _, index in ipairs(list) do map[index.name:lower()] = index end
  return map
end

-- indexes(ours, theirs): the lists that are compared, of the facts of a class's table and of the database's; and the
-- list of those of the database that are left out.
return function(ours, theirs)
  local declared, stored = by_name(ours.indexes), by_name(theirs.indexes)
  local of_ours, of_theirs, left_out = {}, {}, {}
  for _, index in ipairs(theirs.indexes) do
    local other = declared[index.name:lower()]
    table.insert((not index.definition or other and other.definition) and of_theirs or left_out, index)
  end
  for _, index in ipairs(ours.indexes) do
    local other = stored[index.name:lower()]
    if index.definition or not other or not other.definition then of_ours[#of_ours + 1] = index end
  end
  return of_ours, of_theirs, left_out
end
