-- count.lua: how many objects a collection has, without loading them: mr.count_of as a column, mr.count of an object.
--
-- Invariant: a number that is given out is that of the database and of what the session knows of it: numbers that were
-- asked for other objects too are forgotten when the session writes, expires its objects, or reads newer data.

local core, require = ...
local options = require "moonrow.options"

local is_object, counted = core.is_object, core.counted

local count = {}

-- How many objects a statement counts for.
local MOST = 500

-- mr.count_of(Class.attr), mr.count_of(Class.attr, criterion): the number of related rows as a value of a query.
-- mr.count_of("attr", { deferred = }): the same as an attribute in the body of a class.
function count.of(attribute, criterion, ...)
  if select("#", ...) > 0 then core.raise("ArgumentError", "count_of: criteria are joined by &") end
  if type(attribute) == "string" then
    if criterion ~= nil and (type(criterion) ~= "table" or getmetatable(criterion) ~= nil) then
      options.expect("count_of", "a relationship such as User.posts before a criterion", attribute)
    end
    local given = options.read("count_of", { "deferred", "group" }, 0, criterion or {})
    return core.column_property(function(class) return core.related_count(class[attribute]) end, given)
  end
  if core.type_name(attribute) ~= "Relationship" then
    options.expect("count_of", "a relationship such as User.posts, or (in the body of a class) its name", attribute)
  end
  return core.related_count(attribute, criterion)
end

-- What the last statement for a relationship of a session has counted: { stamp =, asked =, counts = {} }.
local known = setmetatable({}, { __mode = "k" })

-- Values of these types are equal where they are the same; others, such as dates, where their texts are.
local plain = { number = true, string = true }

-- The key of an object as one value.
local function identity(key)
  if #key == 1 then return plain[type(key[1])] and key[1] or tostring(key[1]) end
  local parts = {}
  for i, value in ipairs(key) do
    parts[i] = math.type(value) == "integer" and tostring(value) or string.format("%q", tostring(value))
  end
  return table.concat(parts, ",")
end

-- The criterion: the alias's key is one of these.
local function among(alias, names, keys)
  if #names == 1 then
    local values = {}
    for i, key in ipairs(keys) do values[i] = key[1] end
    return alias[names[1]]:in_(values)
  end
  local rows = {}
  for i, key in ipairs(keys) do
    local parts = {}
    for k, name in ipairs(names) do parts[k] = alias[name]:eq(key[k]) end
    rows[i] = core.and_(table.unpack(parts))
  end
  return core.or_(table.unpack(rows))
end

-- The query that counts them. repeats: an item may be linked several times, and counts once.
local function counting(session, class, alias, attribute, columns, criterion, repeats)
  local items = { table.unpack(columns) }
  local function of(...) return session:query(...):select_from(alias):join(alias[attribute]):filter(criterion) end
  local target = repeats and core.target_of(class, attribute)
  local names = target and core.class_keys(target)
  if not target or #names == 1 then
    items[#items + 1] = target and core.func.count(target[names[1]]:distinct()) or core.func.count()
    return of(table.unpack(items)):group_by(table.unpack(columns))
  end
  for i, column in ipairs(columns) do items[i] = column:label("parent_" .. i) end
  for i, name in ipairs(names) do items[#columns + i] = target[name]:label("item_" .. i) end
  local each = of(table.unpack(items)):distinct():subquery()
  local parents = {}
  for i in ipairs(columns) do parents[i] = each.c["parent_" .. i] end
  items = { table.unpack(parents) }
  items[#items + 1] = core.func.count()
  return session:query(table.unpack(items)):group_by(table.unpack(parents))
end

-- The numbers of these objects of the class that declares the collection, or of classes below it, by identity. object:
-- one that keeps criteria of its query, which is counted alone; or nil.
local function ask(session, class, attribute, keys, repeats, object)
  local alias, names = core.aliased(class), core.class_keys(class)
  local columns = {}
  for i, name in ipairs(names) do columns[i] = alias[name] end
  local counts = {}
  for _, key in ipairs(keys) do counts[identity(key)] = 0 end
  local query = counting(session, class, alias, attribute, columns, among(alias, names, keys), repeats)
  for _, row in ipairs((object and core.with_kept_criteria(query, object) or query):all()) do
    local first = row[1]
    local id = #names == 1 and plain[type(first)] and first or identity{ table.unpack(row, 1, #names) }
    counts[id] = row[#names + 1]
  end
  return counts
end

-- Of the keys, the first ones that were not counted.
local function uncounted(keys, counts)
  local out = {}
  for _, key in ipairs(keys) do
    if #out == MOST then break end
    if not counts[identity(key)] then out[#out + 1] = key end
  end
  return out
end

-- mr.count(object, "posts"): how many objects the collection has. One that is loaded is counted in memory. Otherwise
-- the first object asks the database alone, and the second for itself and the next ones.
function count.count(object, attribute)
  if not is_object(object) then
    options.expect("count", "an object (query:count() counts rows, and mr.func.count is SQL's)", object)
  end
  local key, stamp, session, relationship, repeats, class, criteria = counted(object, attribute)
  if key == nil then return (core.collection_state(object[attribute])) end
  local id = plain[type(key)] and key or identity(type(key) == "table" and key or { key })
  if criteria then return ask(session, class, attribute, core.neighbours(object, attribute, 1), repeats, object)[id] end
  local of_session = known[session]
  if not of_session then
    of_session = {}
    known[session] = of_session
  end
  local last = of_session[relationship]
  local counts = last and last.stamp == stamp and last.counts or {}
  if counts[id] then return counts[id] end
  -- Those that were counted lie around the object, too: so twice as many are looked at.
  local keys = core.neighbours(object, attribute, last and 2 * MOST or 1)
  if last then keys = uncounted(keys, counts) end
  for other, n in pairs(ask(session, class, attribute, keys, repeats)) do counts[other] = n end
  of_session[relationship] = { stamp = stamp, counts = counts }
  return counts[id]
end

return count
