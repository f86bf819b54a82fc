-- relationships.lua: which relationships the foreign keys of tables mean, and what they are called.
--
-- Invariant: classes are looked at in the order of their tables' names, and foreign keys in that of their declaration,
-- so that the same database has the same names. A name is never that of a column, a method or another relationship.

local core, require = ...
local names = require "moonrow.automap.names"

local relationships = {}

-- A class, as automap knows it: { name, table, facts, base, taken = { attribute = true }, specs = { ... }, class = one
-- that the program has declared, or nil }.

local function is_taken(side, members)
  return function(name)
    if side.taken[name] or (side.class and core.has_member(side.class, name)) or members[name] then return true end
    return side.class ~= nil and core.has_property(side.class, name)
  end
end

-- Takes the first free name; asks the program, and refuses a name of its that is taken.
local function take(side, wanted, options, info)
  local taken = is_taken(side, options.members)
  local name = names.free(wanted, taken)
  local renamed = options.rename[side.name .. "." .. name]
  if renamed == nil and options.name_for_relationship then
    info.class, info.default = side.name, name
    renamed = options.name_for_relationship(info)
  end
  if renamed == false then return nil end
  if renamed ~= nil then
    if type(renamed) ~= "string" then
      core.raise("ArgumentError",
        string.format("automap: the name of %s.%s is a string, or false: none", side.name, name))
    end
    if renamed ~= name and taken(renamed) then
      core.raise("ArgumentError", string.format("automap: %s.%s cannot be called '%s': the class has an attribute or a "
        .. "method of that name", side.name, name, renamed))
    end
    name = renamed
  end
  side.taken[name] = true
  return name
end

-- ---------------------------------------------------------------- foreign keys

local function same_columns(a, b)
  if #a ~= #b then return false end
  local set = {}
  for _, name in ipairs(a) do set[name:lower()] = true end
  for _, name in ipairs(b) do
    if not set[name:lower()] then return false end
  end
  return true
end

-- Is there one row at most for the columns?
local function is_unique(facts, columns)
  for _, constraint in ipairs(facts.constraints) do
    local kind = constraint.kind
    if (kind == "primary_key" or kind == "unique") and same_columns(constraint.columns, columns) then return true end
  end
  for _, index in ipairs(facts.indexes) do
    local parts = {}
    for i, part in ipairs(index.parts) do parts[i] = part.column or "" end
    if index.unique and not index.where and same_columns(parts, columns) then return true end
  end
  return false
end

local function spelled(facts, name)
  for _, column in ipairs(facts.columns) do
    if column.name == name then return name end
  end
  local wanted = name:lower()
  for _, column in ipairs(facts.columns) do
    if column.name:lower() == wanted then return column.name end
  end
end

-- Does each row refer to itself by it? That relates no objects.
local function refers_to_itself(side, key)
  if key.target ~= side then return false end
  for i, name in ipairs(key.locals) do
    if name ~= key.remotes[i] then return false end
  end
  return true
end

-- The foreign keys of a class's table to tables that have a class, each once.
local function keys_of(side, by_table)
  local keys, met = {}, {}
  for _, constraint in ipairs(side.facts.constraints) do
    local target = constraint.kind == "foreign_key" and not constraint.referred_schema
      and by_table[constraint.referred_table:lower()]
    if target then
      local key = { target = target, locals = {}, remotes = {}, ondelete = constraint.ondelete }
      for i, name in ipairs(constraint.columns) do
        key.locals[i] = spelled(side.facts, name)
        local remote = constraint.referred_columns and constraint.referred_columns[i]
        key.remotes[i] = remote and spelled(target.facts, remote)
      end
      local said = table.concat(key.locals, "\0") .. "\0\0" .. target.facts.name
      if #key.remotes == #key.locals and not met[said] and not refers_to_itself(side, key) then
        met[said] = true
        keys[#keys + 1] = key
      end
    end
  end
  return keys
end

-- A table of nothing but two foreign keys is no class of its own.
local function association_of(side, keys)
  if #keys ~= 2 or side.class then return end
  local used, n = {}, 0
  for _, key in ipairs(keys) do
    for _, name in ipairs(key.locals) do
      if used[name] then return end
      used[name] = true
      n = n + 1
    end
  end
  return n == #side.facts.columns and keys or nil
end

-- ---------------------------------------------------------------- names

local function one(side) return names.singular(names.snake(side.name)) end
local function many(side) return names.plural(one(side)) end

-- The names that the reference of a foreign key may have, the best first.
local function reference_names(key)
  local target, list = one(key.target), {}
  local stem = #key.locals == 1 and names.stem(key.locals[1]) or #key.locals > 1 and names.common(key.locals)
  if stem then list[1] = names.attribute(stem) end
  list[#list + 1] = names.attribute(target)
  local by = {}
  for i, name in ipairs(key.locals) do by[i] = names.stem(name) or names.snake(name) end
  list[#list + 1] = names.attribute(target .. "_by_" .. table.concat(by, "_"))
  return list
end

-- The names of the other side, for a reference of this name. several: other keys refer to the same class.
local function collection_names(side, reference, several, unique)
  local noun = unique and one(side) or many(side)
  local by = reference .. "_" .. noun
  if reference == "parent" and not unique then return { "children", by } end
  if several then return { names.attribute(by) } end
  return { names.attribute(noun), names.attribute(by) }
end

-- ---------------------------------------------------------------- what is declared

local function columns_of(side, list)
  local columns = {}
  for i, name in ipairs(list) do columns[i] = side.table.c[name] end
  return columns
end

local function join_of(near, key, far)
  local terms = {}
  for i, name in ipairs(key.locals) do terms[i] = near.table.c[name]:eq(far.table.c[key.remotes[i]]) end
  return #terms == 1 and terms[1] or core.and_(table.unpack(terms))
end

-- Declares two sides of one relationship; each is { side, name or nil, spec, key, other }: the foreign key that it goes
-- by, and the second one of an association. owner: the side whose table has them. A class of the program's takes no new
-- attributes but by a backref of another class.
local function declare_both(owner, one_side, other_side)
  for i, near in ipairs{ one_side, other_side } do
    local far = i == 1 and other_side or one_side
    if near.name and not near.side.class then
      local spec = near.spec
      if far.name and far.side.class then
        local back = { far.name }
        for _, option in ipairs{ "uselist", "cascade", "passive_deletes" } do back[option] = far.spec[option] end
        spec.backref = core.backref(back)
      else
        spec.back_populates = far.name
      end
      near.side.specs[#near.side.specs + 1] = { name = near.name, spec = spec, owner = owner, key = near.key,
        other = near.other, far = i == 2 }
    end
  end
end

-- Both sides of a foreign key.
local function declare_key(side, key, several, options)
  local target = key.target
  if side.class and target.class then return end
  local unique = is_unique(side.facts, key.locals)
  local info = { kind = "many_to_one", target = target.name, columns = key.locals, table = side.facts.name }
  local reference = take(side, reference_names(key), options, info)
  info = { kind = unique and "one_to_one" or "one_to_many", target = side.name, columns = key.locals,
    table = side.facts.name }
  local back = take(target, collection_names(side, reference or one(target), several, unique), options, info)
  local join, columns = join_of(side, key, target), columns_of(side, key.locals)
  local is_self = side == target
  local to_one = { target.name, primaryjoin = join, foreign_keys = columns, uselist = false,
    remote_side = is_self and columns_of(target, key.remotes) or nil }
  local to_many = { side.name, primaryjoin = join, foreign_keys = columns, uselist = not unique,
    remote_side = is_self and columns or nil }
  if key.ondelete == "CASCADE" then to_many.cascade, to_many.passive_deletes = "all", true end
  if key.ondelete == "SET NULL" then to_many.passive_deletes = true end
  declare_both(side, { side = side, name = reference, spec = to_one, key = key },
    { side = target, name = back, spec = to_many, key = key })
end

-- Both sides of an association table.
local function declare_association(side, keys, several, options)
  local a, b = keys[1], keys[2]
  local function wanted(from, to)
    local noun = many(to.target)
    if from.target == to.target then
      return { names.attribute(names.plural(names.stem(to.locals[1]) or noun)), names.attribute(noun) }
    end
    local by = noun .. "_by_" .. names.snake(side.facts.name)
    if several then return { names.attribute(by) } end
    return { names.attribute(noun), names.attribute(by) }
  end
  local function info(to)
    return { kind = "many_to_many", target = to.target.name, columns = to.locals, table = side.facts.name }
  end
  if a.target.class and b.target.class then return end
  local function spec_of(from, to)
    return { to.target.name, secondary = side.table, primaryjoin = join_of(side, from, from.target),
      secondaryjoin = join_of(side, to, to.target) }
  end
  local there = take(a.target, wanted(a, b), options, info(b))
  local back = take(b.target, wanted(b, a), options, info(a))
  declare_both(side, { side = a.target, name = there, spec = spec_of(a, b), key = a, other = b },
    { side = b.target, name = back, spec = spec_of(b, a), key = b, other = a })
end

-- ---------------------------------------------------------------- all of them

local function count(map, key)
  map[key] = (map[key] or 0) + 1
end

-- relationships.plan(sides, by_table, options): sets the specs of each side. Returns the set of sides that are
-- associations, which become no classes.
function relationships.plan(sides, by_table, options)
  local associations, pairs_met, keys = {}, {}, {}
  for _, side in ipairs(sides) do
    keys[side] = keys_of(side, by_table)
    associations[side] = options.associations ~= false and association_of(side, keys[side]) or nil
  end
  -- What refers to an association needs a class there.
  for _, side in ipairs(sides) do
    for _, key in ipairs(keys[side]) do associations[key.target] = nil end
  end
  for side, of in pairs(associations) do
    if associations[of[1].target] or associations[of[2].target] then associations[side] = nil end
  end
  for _, side in ipairs(sides) do
    local of = associations[side]
    if of then
      local a, b = of[1].target.name, of[2].target.name
      count(pairs_met, a < b and a .. "\0" .. b or b .. "\0" .. a)
    end
  end
  for _, side in ipairs(sides) do
    local of, to = associations[side], {}
    for _, key in ipairs(of and {} or keys[side]) do count(to, key.target) end
    for _, key in ipairs(of and {} or keys[side]) do declare_key(side, key, to[key.target] > 1, options) end
  end
  for _, side in ipairs(sides) do
    local of = associations[side]
    if of then
      local a, b = of[1].target.name, of[2].target.name
      declare_association(side, of, pairs_met[a < b and a .. "\0" .. b or b .. "\0" .. a] > 1, options)
    end
  end
  return associations
end

return relationships
