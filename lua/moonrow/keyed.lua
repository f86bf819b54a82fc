-- keyed.lua: a collection whose objects are found by a key: object.notes["k"], by mr.attribute_keyed,
-- mr.column_keyed or mr.keyed.
--
-- Invariant: the index is always a key, so a dict has no methods. A key is what the object has now: where an object's
-- key has changed, it is found by the new one. If two objects have one key, the later one is found by it. A key that
-- is NULL is mr.null.

local core, require = ...
local options = require "moonrow.options"
local at, find, find_key, state = core.collection_at, core.collection_find, core.collection_find_key,
  core.collection_state
local item, info_of, list, null = core.collection_item, core.collection_info, core.list_methods, core.null

local keyed = core.keyed_metatable

-- ---------------------------------------------------------------- keys

-- What a key is in an index: dates, decimals and the like count as their texts, because each read gives another value.
local function normal(key)
  if type(key) == "userdata" and key ~= null and not core.is_object(key) then return tostring(key) end
  if math.type(key) == "float" then return math.tointeger(key) or key end
  return key
end

local function key_of(info, object)
  local key
  if info.key then key = object[info.key]
  else key = info.fn(object) end
  if key == nil then return null end
  return normal(key)
end

-- By the object that has the dict: by the dict's info, the positions of its keys at a state of the dict.
local indexes = setmetatable({}, { __mode = "k" })

local function make_index(self, info, n, version)
  local index = { version = version, positions = {}, length = n, n = 0 }
  for i = 1, n do
    local key = key_of(info, at(self, i))
    if not index.positions[key] then index.n = index.n + 1 end
    index.positions[key] = i
  end
  return index
end

-- The dict's index. anew: keys may have changed.
local function index_of(self, info, anew)
  local n, version, parent = state(self)
  local of_parent = indexes[parent]
  if not of_parent then
    of_parent = {}
    indexes[parent] = of_parent
  end
  local index = of_parent[info]
  if anew or not index or index.version ~= version then
    index = make_index(self, info, n, version)
    index.version = select(2, state(self)) -- reading the keys may have loaded something
    of_parent[info] = index
  end
  return index
end

-- The place of the object under the key, and the object; nil: there is none. What the index says is tried first; then
-- the core looks at the attributes, where it can.
local function lookup(self, info, key)
  local i = index_of(self, info).positions[key]
  local object = i and at(self, i)
  if object and key_of(info, object) == key then return i, object end
  i = find_key(self, key)
  if i == false then i = index_of(self, info, true).positions[key] end
  if i then return i, at(self, i) end
end

local function shown(key)
  if type(key) == "string" then return string.format("%q", key) end
  return key == null and "mr.null" or tostring(key)
end

-- ---------------------------------------------------------------- reading

local numbers = { Integer = true, SmallInteger = true, BigInteger = true, Float = true }
local texts = { String = true, Text = true, Enum = true, Uuid = true }
local list_words = options.set{ "append", "add", "remove", "insert", "extend", "clear", "contains", "has", "discard" }

local function cures(info, key)
  local by = string.format("%s is a collection by %s.%s", info.name, info.target, info.key)
  if numbers[info.key_type] and type(key) == "string" then
    if list_words[key] then
      core.raise("ArgumentError", string.format("%s, and has no method '%s': write object.%s[key] = object, "
        .. "object.%s[key] = nil, mr.clear(object.%s)", by, key, info.attribute, info.attribute, info.attribute))
    end
    core.raise("ArgumentError", string.format("%s, a number, and not by %s", by, shown(key)))
  end
  if texts[info.key_type] and math.type(key) then
    core.raise("ArgumentError", string.format("%s, a string, and not a list with an item %s: a loop over it is "
      .. "for key, object in pairs(object.%s) do", by, tostring(key), info.attribute))
  end
end

function keyed:__index(key)
  local info = info_of(self)
  local wanted = normal(key)
  if wanted == nil then return nil end
  local _, object = lookup(self, info, wanted)
  if object == nil and info.key_type then cures(info, key) end
  return object
end

function keyed:__len() return index_of(self, info_of(self), true).n end

-- The keys and objects, in the order of loading.
local function entries(self, info)
  local index, found = index_of(self, info, true), {}
  for i = 1, (state(self)) do
    local object = at(self, i)
    local key = object and key_of(info, object)
    if object and index.positions[key] == i then found[#found + 1] = { key, object } end
  end
  return found
end

local function step(loop)
  while loop.i < #loop do
    loop.i = loop.i + 1
    local entry = loop[loop.i]
    if find(loop.dict, entry[2]) then return entry[1], entry[2] end
  end
end

-- for key, object in pairs(dict): the loop may change the dict.
function keyed:__pairs()
  local loop = entries(self, info_of(self))
  loop.i, loop.dict = 0, self
  return step, loop
end

function keyed:__tostring()
  local words = {}
  for i, entry in ipairs(entries(self, info_of(self))) do
    local name = type(entry[1]) == "string" and string.find(entry[1], "^[%a_][%w_]*$") and entry[1]
      or "[" .. shown(entry[1]) .. "]"
    words[i] = name .. " = " .. tostring(entry[2])
  end
  return "{" .. table.concat(words, ", ") .. "}"
end

function keyed:__call()
  local info = info_of(self)
  core.raise("ArgumentError", string.format("%s cannot be called: a loop over it is "
    .. "for key, object in pairs(object.%s) do", info.name, info.attribute))
end

-- ---------------------------------------------------------------- writing

local function wrong_key(info, key, object, has)
  if has == null then
    core.raise("ArgumentError", string.format("%s[%s]: the key of %s is nil", info.name, shown(key), tostring(object)))
  end
  local cure = info.key_is_column and string.format(", or set its %s first", info.key) or ""
  core.raise("ArgumentError", string.format("%s[%s]: the key of %s is %s: write [%s]%s", info.name, shown(key),
    tostring(object), shown(has), shown(has), cure))
end

-- Gives the object the key, if its attribute has none yet. Returns whether it was given.
local function check_key(info, key, object)
  local wanted, has = normal(key), key_of(info, object)
  if has == wanted then return false end
  if has ~= null or not info.key_is_column or key == null then wrong_key(info, key, object, has) end
  object[info.key] = key
  has = key_of(info, object)
  if has == wanted then return true end
  object[info.key] = nil
  return wrong_key(info, key, object, has)
end

-- The index, which was right at the version before, is right again if the object is at place i now, and nothing else
-- has changed.
local function note_place(self, index, before, key, i, object)
  local n, version = state(self)
  local length = index.length + (i > index.length and 1 or 0)
  if index.version ~= before or at(self, i) ~= object or n ~= length then return end
  if not index.positions[key] then index.n = index.n + 1 end
  index.positions[key], index.length, index.version = i, n, version
end

local function put(self, info, key, object)
  local i, before = lookup(self, info, normal(key))
  if before == object then return end
  local n, version = state(self)
  local index = index_of(self, info)
  if i then core.collection_replace_at(self, i, object)
  else list.append(self, object) end
  note_place(self, index, version, normal(key), i or n + 1, object)
end

function keyed:__newindex(key, object)
  local info = info_of(self)
  if object == nil or object == null then
    local i = lookup(self, info, normal(key))
    if i then core.collection_remove_at(self, i) end
    return
  end
  local given = check_key(info, key, item(self, object))
  local ok, problem = pcall(put, self, info, key, object)
  if ok then return end
  if given then object[info.key] = nil end
  error(problem, 0)
end

-- Puts the objects of a list into the dict, each under its key.
function core.keyed_set(self, objects)
  local info = info_of(self)
  for _, object in ipairs(objects) do put(self, info, key_of(info, object), object) end
end

-- The objects of a table by keys, for object.notes = { k = note }, as a list; raises where a key is not its object's.
function core.keyed_items(self, given)
  local info, found = info_of(self), {}
  for key, object in pairs(given) do
    if key == 1 and not (numbers[info.key_type] or info.fn) and core.is_object(object) then
      core.raise("ArgumentError", string.format("%s takes objects by their keys, { [key] = object }, not a list",
        info.name))
    end
    check_key(info, key, item(self, object))
    found[#found + 1] = object
  end
  return found
end

return keyed
