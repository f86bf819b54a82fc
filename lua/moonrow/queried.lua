-- queried.lua: collections that are queried and never loaded: user.posts with lazy = "dynamic", which is a query too,
-- and with lazy = "write_only", which gives statements.
--
-- Invariant: what is added and removed is noted for the next flush, and loads nothing. Reading sends a query of its own
-- each time, and keeps nothing.

local core, require = ...
local options = require "moonrow.options"
local list, info_of, parts_of = core.list_methods, core.collection_info, core.queried_parts

local function raise(collection, words, ...)
  core.raise("InvalidRequestError", info_of(collection).name .. ": " .. string.format(words, ...))
end

local function check_self(self, name)
  if core.is_collection(self) then return end
  core.raise("ArgumentError",
    string.format("%s: a method of a collection is called with a colon: object.items:%s(...)", name, name))
end

local function check_rest(self, name, cure, ...)
  if select("#", ...) == 0 then return end
  core.raise("ArgumentError", string.format("%s:%s: too many arguments%s", info_of(self).name, name, cure))
end

-- ---------------------------------------------------------------- changing

local changes = {}

-- collection:append(object), add(object)
function changes.append(self, object, ...)
  check_rest(self, "append", " (several objects: extend{ ... })", ...)
  list.append(self, core.collection_item(self, object))
end

-- collection:extend(objects), add_all(objects): all of them or none.
function changes.extend(self, objects, ...)
  check_rest(self, "extend", " (all objects are in one list)", ...)
  list.extend(self, objects)
end

-- collection:remove(object): it must be there, as far as is known without loading the collection.
function changes.remove(self, object, ...)
  check_rest(self, "remove", " (one object at a time)", ...)
  list.remove(self, core.collection_item(self, object))
end

changes.add, changes.add_all = changes.append, changes.extend

-- ---------------------------------------------------------------- dynamic

-- The session to ask; nil: the object has no row, and all that the collection has is what was added. An object that is
-- to be inserted is, by autoflush, before its collection is read.
local function session_of(self)
  local object = parts_of(self)
  local inspection = core.inspect(object)
  local session, state = inspection.session, inspection.state
  if state == "pending" and session.autoflush then
    session:flush()
    state = inspection.state
  end
  if state == "transient" or state == "pending" then return nil end
  if session then return session end
  core.raise("DetachedInstanceError", string.format("%s: %s is not bound to a Session, and its collection cannot be "
    .. "queried: merge the object into a session", info_of(self).name, tostring(object)))
end

local function query_in(self, session)
  local _, class = parts_of(self)
  return core.queried_related(session:query(class), self)
end

local dynamic = {}
for name, method in pairs(changes) do dynamic[name] = method end

-- What these give of an object without a row.
local unsaved = {}

function unsaved.all(added) return added end
function unsaved.count(added) return #added end
function unsaved.first(added) return added[1] end

function unsaved.iter(added)
  local i = 0
  return function()
    i = i + 1
    return added[i]
  end
end

-- collection:contains(object)
function dynamic.contains(self, object, ...)
  check_rest(self, "contains", " (one object at a time)", ...)
  core.collection_item(self, object)
  local session = session_of(self)
  if session then
    local inspection = core.inspect(object)
    if inspection.session ~= session or inspection.state ~= "persistent" then return false end
    local query = query_in(self, session):order_by(core.null)
    for i, name in ipairs(core.class_keys(inspection.class)) do
      query = query:filter(inspection.class[name]:eq(inspection.identity[i]))
    end
    return query:count() > 0
  end
  for _, item in ipairs(core.queried_added(self)) do
    if item == object then return true end
  end
  return false
end

-- All other methods are those of the collection's query.
local forwarders = {}

local function forwarder(name)
  local function forward(self, ...)
    check_self(self, name)
    local session = session_of(self)
    if session then
      local query = query_in(self, session)
      return query[name](query, ...)
    end
    if unsaved[name] then return unsaved[name](core.queried_added(self)) end
    raise(self, "%s is not in the database yet, and cannot be queried: :all(), :count(), :first() and :iter() give "
      .. "what was added", tostring((parts_of(self))))
  end
  forwarders[name] = forward
  return forward
end

-- ---------------------------------------------------------------- write_only

local write_only = {}
for _, name in ipairs{ "append", "add", "extend", "add_all", "remove" } do write_only[name] = changes[name] end

local function criterion(self) return core.with_parent(parts_of(self), info_of(self).attribute) end

-- collection:select(): the Select of its objects, in the collection's order.
function write_only.select(self, ...)
  check_rest(self, "select", " (criteria: select():where(...))", ...)
  local _, class = parts_of(self)
  return core.queried_related(core.select(class), self)
end

-- What a new row of the collection has in the columns that say to whom it belongs.
local function owner_values(self)
  local object, class = parts_of(self)
  local keys, values = core.queried_keys(self), {}
  if not keys then
    raise(self, "a row of %s alone does not say to whom it belongs: :add_all{ ... } takes objects",
      core.describe_class(class).name)
  end
  for _, pair in ipairs(keys) do
    values[pair[1]] = object[pair[2]]
    if values[pair[1]] == nil then
      raise(self, "%s has no %s yet: session:flush() gives it one", tostring(object), pair[2])
    end
  end
  return values
end

local function completed(row, values)
  local whole = {}
  for name, value in pairs(row) do whole[name] = value end
  for name, value in pairs(values) do whole[name] = value end
  return whole
end

-- collection:insert(), insert(row), insert{ row, ... }: an INSERT whose rows belong to the object.
function write_only.insert(self, rows, ...)
  check_rest(self, "insert", " (several rows are in one list)", ...)
  local _, class = parts_of(self)
  local values = owner_values(self)
  if rows == nil then return core.insert(class):values(values) end
  if type(rows) ~= "table" or getmetatable(rows) or core.is_object(rows[1]) then
    options.expect(info_of(self).name .. ":insert",
      "a row { name = value }, or a list of rows (objects: add_all{ ... })", rows)
  end
  if type(rows[1]) ~= "table" then return core.insert(class):values(completed(rows, values)) end
  local whole = {}
  for i, row in ipairs(rows) do whole[i] = completed(row, values) end
  return core.insert(class):values(whole)
end

-- collection:update(), collection:delete(): an UPDATE or DELETE of its objects.
function write_only.update(self, ...)
  check_rest(self, "update", " (what is set: update():values{ ... })", ...)
  local _, class = parts_of(self)
  return core.update(class):where(criterion(self))
end

function write_only.delete(self, ...)
  check_rest(self, "delete", " (one object: session:delete(object))", ...)
  local _, class = parts_of(self)
  return core.delete(class):where(criterion(self))
end

for _, methods in ipairs{ dynamic, write_only } do
  for name, method in pairs(methods) do
    methods[name] = function(self, ...)
      check_self(self, name)
      return method(self, ...)
    end
  end
end

-- ---------------------------------------------------------------- as values

-- Reading as a list, which a queried collection is not.
local function complete(metatable, cure)
  local function refuse(self) raise(self, cure, info_of(self).attribute) end
  metatable.__len, metatable.__pairs, metatable.__call = refuse, refuse, refuse
  function metatable:__newindex()
    raise(self, "nothing is assigned to a place of it: :append(object), :remove(object)")
  end
end

local dynamic_cure = 'lazy = "dynamic" is a query: use :all(), :iter() or :count()'
local write_only_cure = 'lazy = "write_only" is not iterated: session:scalars(object.%s:select())'

local query_methods = core.Query

function core.dynamic_metatable:__index(name)
  local method = dynamic[name] or forwarders[name]
  if method then return method end
  if type(name) ~= "string" then raise(self, "%s", dynamic_cure) end
  if query_methods[name] then return forwarder(name) end
  core.raise("ArgumentError", string.format("%s: a dynamic collection has no method '%s'%s: it has those of a query, "
    .. "append, extend, remove and contains", info_of(self).name, name, core.hint(name, dynamic)))
end

function core.write_only_metatable:__index(name)
  local method = write_only[name]
  if method then return method end
  local attribute = info_of(self).attribute
  if type(name) ~= "string" then raise(self, write_only_cure, attribute) end
  core.raise("ArgumentError", string.format("%s: a write_only collection has no method '%s'%s: it has add, add_all, "
    .. "remove, select, insert, update and delete, and is read by session:scalars(object.%s:select())",
    info_of(self).name, name, core.hint(name, write_only), attribute))
end

complete(core.dynamic_metatable, dynamic_cure)
complete(core.write_only_metatable, write_only_cure)

local function words(self)
  local object, class = parts_of(self)
  local state = core.inspect(object).state
  if state == "transient" or state == "pending" then return tostring(core.queried_added(self)) end
  return tostring(core.queried_related(core.select(class), self))
end

core.dynamic_metatable.__tostring, core.write_only_metatable.__tostring = words, words
