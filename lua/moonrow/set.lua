-- set.lua: a collection with collection_class = mr.set: object.tags:add(tag), pairs(object.tags).
--
-- Invariant: an object is in a set once. The order in which a loop gives the objects is that of loading, then of
-- adding; nothing depends on it. What is changed goes through the core's list, so that events, cascades and histories
-- follow.

local core, require = ...
local options = require "moonrow.options"
local list, at, find, state, item = core.list_methods, core.collection_at, core.collection_find, core.collection_state,
  core.collection_item

local set = core.set_metatable
local methods = {}

local function name_of(self) return core.collection_info(self).name end

-- The objects of a set, list or result as a list of their own, each once.
local function objects(self)
  local found = {}
  for i = 1, (state(self)) do found[i] = at(self, i) end
  return found
end

-- The objects of what a method of two sets is given: another collection, or a list.
local function others(self, what, given)
  if core.is_collection(given) then return objects(given) end
  if type(given) ~= "table" then
    options.expect(string.format("%s:%s", name_of(self), what), "a collection or a list of objects", given)
  end
  local found, n = {}, #given
  if getmetatable(given) == nil then
    for key in pairs(given) do
      if math.type(key) ~= "integer" or key < 1 or key > n then
        core.raise("ArgumentError", string.format("%s:%s: [%s]: a collection takes a list without holes or other keys",
          name_of(self), what, tostring(key)))
      end
    end
  end
  for i = 1, n do found[i] = item(self, given[i]) end
  return found
end

local function known(list_of)
  local there = {}
  for _, object in ipairs(list_of) do there[object] = true end
  return there
end

-- The objects of a list that are, or are not, in the other one.
local function filter(list_of, other, inside)
  local there, found = known(other), core.new_list()
  for _, object in ipairs(list_of) do
    if (there[object] or false) == inside then found[#found + 1] = object end
  end
  return found
end

-- ---------------------------------------------------------------- one object

-- set:add(object): nothing happens when it is there already.
function methods:add(object)
  list.append(self, item(self, object))
end

-- set:remove(object): it must be there.
function methods:remove(object)
  list.remove(self, item(self, object))
end

-- set:discard(object): it may be there.
function methods:discard(object)
  if find(self, item(self, object)) then list.remove(self, object) end
end

-- set:has(object), set:contains(object)
function methods:has(object) return find(self, object) ~= nil end
methods.contains = methods.has

-- set:pop(): takes one of the objects out and returns it; nil when there is none.
function methods:pop()
  local n = state(self)
  local object = n > 0 and at(self, n) or nil
  if object then core.collection_remove_at(self, n) end
  return object
end

function methods:clear() list.clear(self) end

-- ---------------------------------------------------------------- other sets

-- set:update(objects) adds them; set:difference_update(objects) takes them out; set:intersection_update(objects) keeps
-- no others. Each takes a collection or a list.
function methods:update(given)
  local there, new = {}, {}
  for _, object in ipairs(others(self, "update", given)) do
    if not there[object] then new[#new + 1] = object end
    there[object] = true
  end
  list.extend(self, new) -- all of them or none
end

function methods:difference_update(given)
  for _, object in ipairs(others(self, "difference_update", given)) do methods.discard(self, object) end
end

function methods:intersection_update(given)
  local there = known(others(self, "intersection_update", given))
  for _, object in ipairs(objects(self)) do
    if not there[object] then list.remove(self, object) end
  end
end

-- What a method and an operator make of two lists of objects: a new list.
local combined = {}

function combined.union(mine, theirs)
  local found = filter(mine, {}, false)
  local there = known(found)
  for _, object in ipairs(theirs) do
    if not there[object] then
      there[object] = true
      found[#found + 1] = object
    end
  end
  return found
end

function combined.intersection(mine, theirs) return filter(mine, theirs, true) end

function combined.difference(mine, theirs) return filter(mine, theirs, false) end

function combined.symmetric_difference(mine, theirs)
  local found = filter(mine, theirs, false)
  for _, object in ipairs(filter(theirs, mine, false)) do found[#found + 1] = object end
  return found
end

-- set:union(objects), intersection, difference, symmetric_difference: a new list; the set stays as it is.
for name, combine in pairs(combined) do
  methods[name] = function(self, given) return combine(objects(self), others(self, name, given)) end
end

-- set:issubset(objects), issuperset, isdisjoint
function methods:issubset(given) return #methods.difference(self, given) == 0 end

function methods:issuperset(given) return #filter(others(self, "issuperset", given), objects(self), false) == 0 end

function methods:isdisjoint(given) return #methods.intersection(self, given) == 0 end

core.set_methods = methods

-- Each is a method of a set, and takes what it has names for.
local takes = { clear = 0, pop = 0 }

for name, method in pairs(methods) do
  local most = takes[name] or 1
  methods[name] = function(self, ...)
    if not core.is_collection(self) then
      core.raise("ArgumentError",
        string.format("%s: a method of a set is called with a colon: object.items:%s(...)", name, name))
    end
    if select("#", ...) > most then
      core.raise("ArgumentError", string.format("%s:%s takes %s (several objects: set:update{ ... })", name_of(self),
        name, most == 0 and "nothing" or "one argument"))
    end
    return method(self, ...)
  end
end

-- ---------------------------------------------------------------- as a value

-- The loop may change the set: it gives the objects that were there when it began, if they still are.
local function step(loop)
  while loop.i < #loop do
    loop.i = loop.i + 1
    local object = loop[loop.i]
    if find(loop.set, object) then return object, true end
  end
end

-- for object in pairs(set), for object in set:iter()
function set:__pairs()
  local loop = objects(self)
  loop.i, loop.set = 0, self
  return step, loop
end

methods.iter = set.__pairs

function set:__len() return (state(self)) end

function set:__tostring()
  local words = {}
  for i, object in ipairs(objects(self)) do words[i] = tostring(object) end
  return "{" .. table.concat(words, ", ") .. "}"
end

-- a | b, a & b, a - b: lists, as union, intersection and difference give them. One of both may be a list.
local function operator(name)
  return function(a, b)
    local set_of = core.is_collection(a) and a or b
    return combined[name](others(set_of, name, a), others(set_of, name, b))
  end
end

set.__bor, set.__band, set.__sub = operator "union", operator "intersection", operator "difference"

local cures = {
  append = "it is set:add(object)", push = "it is set:add(object)", insert = "a set has no order: set:add(object)",
  extend = "it is set:update(objects)", sort = 'a set has no order: collection_class = "list" has one',
  delete = "it is set:remove(object), or set:discard(object)", count = "#set is its length",
  size = "#set is its length", length = "#set is its length",
}

function set:__index(name)
  local method = methods[name]
  if method then return method end
  if math.type(name) then
    core.raise("ArgumentError", string.format("%s is a set, and has no item %s: a loop over it is "
      .. "for object in pairs(set) do", name_of(self), tostring(name)))
  end
  local cure = cures[name]
  core.raise("ArgumentError", string.format("a set has no method '%s'%s", tostring(name),
    cure and ": " .. cure or core.hint(tostring(name), methods)))
end

function set:__newindex(key)
  core.raise("ArgumentError", string.format("%s is a set: nothing is assigned to [%s]: write :add(object) or "
    .. ":remove(object)", name_of(self), tostring(key)))
end

function set:__call()
  core.raise("ArgumentError", string.format("%s cannot be called: a loop over it is for object in pairs(set) do",
    name_of(self)))
end

return set
