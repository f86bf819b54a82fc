-- association_values.lua: what an association proxy is for an object: one value, or a list, a set or a dict of values.
--
-- Invariant: a proxy keeps nothing: each of its operations reads and writes the relationship. A whole list is assigned
-- to the relationship at once, when all objects that it needs are made.

local core, require = ...
local options = require "moonrow.options"

local association_values = {}
local null = core.null

local function fail(where, what, ...)
  core.raise("ArgumentError", string.format("%s: " .. what, where, ...))
end

local function place(class, name) return string.format("%s.%s", class.__name, name) end

-- ---------------------------------------------------------------- what stands behind it

-- "list", "set", "keyed" for a collection; nil for one object.
local function kind_of(object, spec) return (select(2, core.target_of(core.class_of(object), spec.target))) end

-- A new object for the value; of a keyed collection, under the key.
local function create(object, spec, value, key)
  if spec.creator then
    if key ~= nil then return spec.creator(key, value) end
    return spec.creator(value)
  end
  local class = (core.target_of(core.class_of(object), spec.target))
  local values = { [spec.attribute] = value }
  if key ~= nil then
    local info = core.collection_info(object[spec.target])
    if not info.key then
      fail(place(core.class_of(object), spec.name), "its objects are found by a function: creator = "
        .. "function(key, value) ... end makes one")
    end
    values[info.key] = key
  end
  return class(values)
end

local function value_of(spec, item) return item[spec.attribute] end

-- NULL, which a value of a set or by a key is in a loop, is nil in the attribute.
local function plain(value)
  if value == null then return nil end
  return value
end

-- NULL as what a loop can go past.
local function or_null(value)
  if value == nil then return null end
  return value
end

-- The items of the collection, as a list of their own.
local function items_of(proxy)
  local spec, list = proxy.spec, {}
  local view = proxy.object[spec.target]
  if proxy.kind == "list" then
    for i = 1, #view do list[i] = view[i] end
  elseif proxy.kind == "set" then
    for item in pairs(view) do list[#list + 1] = item end
  else
    for _, item in pairs(view) do list[#list + 1] = item end
  end
  return list
end

-- ---------------------------------------------------------------- collections

local Proxy = {} -- of an object's collection: { object =, spec =, kind = }

local function where_of(proxy) return place(core.class_of(proxy.object), proxy.spec.name) end

local function view_of(proxy) return proxy.object[proxy.spec.target] end

-- The values of a list, a set or another proxy, as a list of their own.
local function list_of(where, given, wanted)
  local list = {}
  if getmetatable(given) == "moonrow proxy" and rawget(given, "kind") ~= "keyed" then
    local spec = rawget(given, "spec")
    for i, item in ipairs(items_of(given)) do list[i] = or_null(value_of(spec, item)) end
  elseif core.is_collection(given) then
    return core.collection_as_list(given)
  elseif type(given) == "table" and getmetatable(given) == nil then
    for i = 1, #given do list[i] = given[i] end
    for key in pairs(given) do
      if math.type(key) ~= "integer" or key < 1 or key > #list then
        fail(where, "expected a list of values, got the key %s", tostring(key))
      end
    end
  else
    options.expect(where, wanted or "a list of values (an empty one is {})", given)
  end
  return list
end

-- The first item with the value, and its place.
local function find(proxy, value)
  value = plain(value)
  for i, item in ipairs(items_of(proxy)) do
    if value_of(proxy.spec, item) == value then return item, i end
  end
end

-- for i, value in places(proxy): the values that there were when the loop began; one of NULL is nil, and ends nothing.
local function places(proxy)
  local values, n = {}, 0
  for i, item in ipairs(items_of(proxy)) do values[i], n = value_of(proxy.spec, item), i end
  return function(_, i)
    if i < n then return i + 1, values[i + 1] end
  end, proxy, 0
end

local lists, sets = {}, {} -- their methods

function lists:append(value) view_of(self):append(create(self.object, self.spec, value)) end

function lists:insert(at, value)
  if value == nil then at, value = #self + 1, at end
  view_of(self):insert(at, create(self.object, self.spec, value))
end

-- list:extend(values): all of them or none.
function lists:extend(values)
  local made = {}
  for i, value in ipairs(list_of(where_of(self) .. ":extend", values)) do
    made[i] = create(self.object, self.spec, value)
  end
  view_of(self):extend(made)
end

function lists:remove(value)
  local item = find(self, value)
  if not item then fail(where_of(self), "remove: %s is not in the list", tostring(value)) end
  view_of(self):remove(item)
end

-- list:pop(at): takes the value at the place out (by default the last one) and returns it.
function lists:pop(at)
  local view = view_of(self)
  local item = view[at or #view]
  if not item then return nil end
  local value = value_of(self.spec, item)
  view:remove(item)
  return value
end

function lists:index(value) return (select(2, find(self, value))) end

function sets:add(value)
  if not find(self, value) then view_of(self):add(create(self.object, self.spec, value)) end
end

function sets:discard(value)
  local item = find(self, value)
  if item then view_of(self):remove(item) end
end

function sets:remove(value)
  if not find(self, value) then fail(where_of(self), "remove: %s is not in the set", tostring(value)) end
  sets.discard(self, value)
end

function sets:update(values)
  local known, made = {}, {}
  for _, value in ipairs(list_of(where_of(self) .. ":update", values)) do
    if not known[value] and not find(self, value) then
      known[value] = true
      made[#made + 1] = create(self.object, self.spec, value)
    end
  end
  view_of(self):update(made)
end

function sets:has(value) return find(self, value) ~= nil end

for _, methods in ipairs{ lists, sets } do
  function methods:clear() view_of(self):clear() end
  function methods:contains(value) return find(self, value) ~= nil end
  -- The values as a plain list.
  function methods:all()
    local values = {}
    for i, item in ipairs(items_of(self)) do values[i] = value_of(self.spec, item) end
    return values
  end
  -- for i, value in proxy:iter()
  function methods:iter() return places(self) end
end

-- Each is a method of the attribute's value.
for kind, methods in pairs{ list = lists, set = sets } do
  for name, method in pairs(methods) do
    methods[name] = function(self, ...)
      if getmetatable(self) ~= "moonrow proxy" then
        core.raise("ArgumentError", string.format("%s: a method of a %s of values is called with a colon: "
          .. "object.items:%s(...)", name, kind, name))
      end
      return method(self, ...)
    end
  end
end

local cures = {
  list = { add = "it is append(value)", push = "it is append(value)", discard = "it is remove(value)" },
  set = { append = "it is add(value)", push = "it is add(value)", extend = "it is update(values)" },
}

function Proxy:__index(key)
  local kind = rawget(self, "kind")
  if kind == "keyed" then
    local item = view_of(self)[key]
    return item and value_of(rawget(self, "spec"), item)
  end
  local methods = kind == "set" and sets or lists
  if methods[key] then return methods[key] end
  if math.type(key) and kind == "list" then
    local item = view_of(self)[key]
    return item and value_of(self.spec, item)
  end
  local cure = cures[kind][key]
  core.raise("ArgumentError", string.format("%s, a %s of values, has no method '%s'%s", where_of(self), kind,
    tostring(key), cure and ": " .. cure or core.hint(tostring(key), methods)))
end

function Proxy:__newindex(key, value)
  local kind, spec, view = rawget(self, "kind"), rawget(self, "spec"), view_of(self)
  if kind == "set" then fail(where_of(self), "it is a set: add(value), remove(value)") end
  if value == nil or value == null then
    view[key] = nil
    return
  end
  if kind == "list" and not math.type(key) then
    fail(where_of(self), "expected the place of a value, [1], got %s", tostring(key))
  end
  local item = view[key]
  if item then item[spec.attribute] = value
  elseif kind == "keyed" then view[key] = create(self.object, spec, value, key)
  else view[key] = create(self.object, spec, value) end
end

function Proxy:__len() return #view_of(self) end

local function step_set(list, _)
  list.i = list.i + 1
  if list[list.i] ~= nil then return list[list.i], true end
end

-- pairs: places and values of a list, values of a set, keys and values of a keyed one. A value that is NULL is nil in
-- a list, and mr.null in the others.
function Proxy:__pairs()
  local kind, spec = rawget(self, "kind"), rawget(self, "spec")
  if kind == "list" then return places(self) end
  if kind == "set" then
    local values = { i = 0 }
    for i, item in ipairs(items_of(self)) do values[i] = or_null(value_of(spec, item)) end
    return step_set, values
  end
  local values = {}
  for key, item in pairs(view_of(self)) do values[key] = or_null(value_of(spec, item)) end
  return next, values
end

function Proxy.__eq(a, b)
  return rawget(a, "object") == rawget(b, "object") and rawget(a, "spec") == rawget(b, "spec")
end

function Proxy:__tostring()
  local words = {}
  if rawget(self, "kind") == "keyed" then
    for key, value in pairs(self) do
      words[#words + 1] = string.format("%s = %s", tostring(key), tostring(plain(value)))
    end
    table.sort(words)
  else
    for i, item in ipairs(items_of(self)) do words[i] = tostring(value_of(self.spec, item)) end
  end
  return "{" .. table.concat(words, ", ") .. "}"
end

Proxy.__name, Proxy.__metatable = "proxy", "moonrow proxy"

local function proxy_of(object, spec, kind)
  return setmetatable({ object = object, spec = spec, kind = kind }, Proxy)
end

-- ---------------------------------------------------------------- assigning a whole collection

-- The items that stand for the values: those that are there already, and new ones.
local function assign_list(proxy, values)
  local there, used, wanted = items_of(proxy), {}, {}
  for i, value in ipairs(values) do
    for k, item in ipairs(there) do
      if not wanted[i] and not used[k] and value_of(proxy.spec, item) == plain(value) then
        used[k], wanted[i] = true, item
      end
    end
  end
  for i, value in ipairs(values) do wanted[i] = wanted[i] or create(proxy.object, proxy.spec, value) end
  proxy.object[proxy.spec.target] = wanted
end

local function assign_set(proxy, values)
  local known, distinct = {}, {}
  for _, value in ipairs(values) do
    if not known[value] then
      known[value] = true
      distinct[#distinct + 1] = value
    end
  end
  assign_list(proxy, distinct)
end

local function assign_keyed(proxy, given)
  local spec, view, wanted, there = proxy.spec, view_of(proxy), {}, {}
  for key, value in pairs(given) do
    there[key] = view[key]
    wanted[key] = there[key] or create(proxy.object, spec, value, key)
  end
  for key, item in pairs(there) do -- when all objects are made
    if value_of(spec, item) ~= plain(given[key]) then item[spec.attribute] = given[key] end
  end
  proxy.object[spec.target] = wanted
end

local function assign(object, spec, kind, given)
  local proxy = proxy_of(object, spec, kind)
  local where = where_of(proxy)
  if kind == "keyed" then
    local mine = getmetatable(given) == "moonrow proxy"
    if type(given) ~= "table" or getmetatable(given) ~= nil and not mine then
      options.expect(where, "a table of values by key (an empty one is {})", given)
    end
    return assign_keyed(proxy, given)
  end
  local values = list_of(where, given)
  if kind == "set" then return assign_set(proxy, values) end
  return assign_list(proxy, values)
end

-- ---------------------------------------------------------------- objects

function association_values.read(spec)
  return function(object)
    local kind = kind_of(object, spec)
    if kind then return proxy_of(object, spec, kind) end
    local item = object[spec.target]
    if item == nil then return nil end
    return value_of(spec, item)
  end
end

function association_values.set(spec)
  return function(object, value)
    local kind = kind_of(object, spec)
    if kind then return assign(object, spec, kind, value) end
    if value == null then value = nil end
    local item = object[spec.target]
    if item == nil then
      if value ~= nil or spec.create_on_none_assignment then object[spec.target] = create(object, spec, value) end
    elseif value == nil and spec.cascade_scalar_deletes then
      object[spec.target] = nil
    else
      item[spec.attribute] = value
    end
  end
end

-- The history of the values: those of the objects that came, went and stayed.
function association_values.history(spec)
  return function(_, inspection)
    local made, of = {}, inspection:history(spec.target)
    for _, part in ipairs{ "added", "deleted", "unchanged" } do
      made[part] = {}
      for i = 1, #of[part] do
        local item = of[part][i]
        made[part][i] = or_null(item ~= null and value_of(spec, item) or nil)
      end
    end
    return made
  end
end

return association_values
