-- window.lua: long lists for tools: query:window{ size = 50 }, of which only the keys are in memory.
--
-- Invariant: the i-th key is that of the i-th object as the last look at the database gave it, and changes only within
-- db:poll(). A page is `size` objects that follow each other; those of the pages that were used last are held.

local core, require = ...
local options = require "moonrow.options"
local watch = require "moonrow.watch"
local difference = require "moonrow.difference"

local STATE = {} -- the key of what a window keeps: no index of a program meets it

local Window = { __name = "Window" }
local methods = {}

-- ---------------------------------------------------------------- keys

-- A key of several columns as one text.
local function joined(parts, n)
  local list = {}
  for i = 1, n do list[i] = string.format("%s %q", type(parts[i]), tostring(parts[i])) end
  return table.concat(list, "\0")
end

-- The keys of the query's rows in their order, each once; the parts of keys of several columns, by key.
local function read_keys(state)
  local keys, parts, seen, n = {}, {}, {}, #state.names
  for row in state.key_query:iter() do
    local key = n == 1 and row[1] or joined(row, n)
    if not seen[key] then
      seen[key] = true
      keys[#keys + 1] = key
      if n > 1 then parts[key] = row end
    end
  end
  return keys, parts
end

local function look_at_keys(state)
  state.keys, state.parts = watch.run(state.watch.wakes[1], state.key_query, function()
    local keys, parts = read_keys(state)
    return keys, parts, {}
  end)
end

-- ---------------------------------------------------------------- pages

-- "The key is one of those from `from` to `to`."
local function criterion(state, from, to)
  local class, names, list = state.class, state.names, {}
  if #names == 1 then return class[names[1]]:in_(table.move(state.keys, from, to, 1, list)) end
  for i = from, to do
    local equal = {}
    for k, name in ipairs(names) do equal[k] = class[name]:eq(state.parts[state.keys[i]][k]) end
    list[#list + 1] = core.and_(table.unpack(equal))
  end
  return core.or_(table.unpack(list))
end

local function key_of(state, object)
  local names, parts = state.names, {}
  if #names == 1 then return object[names[1]] end
  for i, name in ipairs(names) do parts[i] = object[name] end
  return joined(parts, #names)
end

-- The page of that number: its objects, and their images, by key.
local function read_page(state, number)
  local from = (number - 1) * state.size + 1
  local to = math.min(from + state.size - 1, #state.keys)
  local page = { number = number, objects = {}, images = {} }
  if from > to then return page end
  local rows, _, images = core.run_watched(state.rows_query:filter(criterion(state, from, to)))
  for i, object in ipairs(rows) do
    local key = key_of(state, object)
    page.objects[key], page.images[key] = object, images[i]
  end
  return page
end

local function read_pages(state, numbers, more)
  return watch.run(state.watch.wakes[2], state.rows_query, function()
    local pages = {}
    for i, number in ipairs(numbers) do pages[i] = read_page(state, number) end
    return pages, {}
  end, more)
end

-- The page of that number, which is now the first of those that are held.
local function page_of(state, number)
  local pages = state.pages
  for i, page in ipairs(pages) do
    if page.number == number then
      if i > 1 then table.insert(pages, 1, table.remove(pages, i)) end
      return page
    end
  end
  table.insert(pages, 1, read_pages(state, { number }, true)[1])
  pages[state.keep + 1] = nil
  return pages[1]
end

-- ---------------------------------------------------------------- looking again

local function images_of(pages)
  local all = {}
  for _, page in ipairs(pages) do
    for key, image in pairs(page.images) do all[key] = image end
  end
  return all
end

-- Which of the objects that were held, and are held again, have changed: their indexes, ascending.
local function updated(state, before, after)
  local list = {}
  for i, key in ipairs(state.keys) do
    if before[key] and after[key] and before[key] ~= after[key] then list[#list + 1] = i end
  end
  return list
end

-- The numbers of the pages in which the objects of those held are now. before: the keys until now.
local function numbers_of(state, before)
  local place, numbers, known = {}, {}, {}
  for i, key in ipairs(state.keys) do place[key] = i end
  for _, page in ipairs(state.pages) do
    local from = (page.number - 1) * state.size + 1
    for i = from, from + state.size - 1 do
      local at = before[i] ~= nil and place[before[i]]
      local number = at and (at - 1) // state.size + 1
      if number and not known[number] then
        known[number] = true
        numbers[#numbers + 1] = number
      end
    end
  end
  return numbers
end

local function tell(self, woken)
  local state = self.window_state
  local keys, pages = state.keys, state.pages
  if woken[1] then look_at_keys(state) end
  state.pages = read_pages(state, numbers_of(state, keys))
  self.due = nil
  local diff = difference.of({ keys = keys, images = keys }, { keys = state.keys, images = state.keys })
  local changed = updated(state, images_of(pages), images_of(state.pages))
  for i = #state.pages, state.keep + 1, -1 do state.pages[i] = nil end
  if not diff and #changed == 0 then return false end
  diff = diff or { inserted = {}, removed = {}, moved = {} }
  diff.updated = changed
  if not state.on_change then return false end
  state.on_change(state.window[1], diff)
  return true
end

-- ---------------------------------------------------------------- windows

local function integer(given, name, usual)
  local n = given[name]
  if n ~= nil and (math.type(n) ~= "integer" or n < 1) then
    options.expect("window: " .. name, "an integer of 1 or more", n)
  end
  return n or usual
end

-- query:window{ size = 50, pages = 4, on_change = fn, on_error = fn }: the objects of the query as a list that is in
-- the database: v[i], #v. It follows the database in db:poll(), which calls on_change(v, diff).
function core.Query.window(query, ...)
  local given = options.read("window", { "size", "pages", "on_change", "on_error" }, 0, ...)
  local rows_query = core.query_alone(query)
  if not rows_query then
    core.raise("ArgumentError", "window: the query must give the objects of one class, as session:query(Class) does: "
      .. "a list of other rows is watched by query:watch(fn)")
  end
  local class = core.query_items(rows_query)[1].class
  local state = { size = integer(given, "size", 50), keep = integer(given, "pages", 4), class = class,
    names = core.class_keys(class), rows_query = rows_query:autoflush(false), pages = {}, on_change = given.on_change }
  for _, name in ipairs{ "on_change", "on_error" } do
    if given[name] ~= nil then options.check_callable("window: " .. name, given[name]) end
  end
  local columns = {}
  for i, name in ipairs(state.names) do columns[i] = class[name] end
  state.key_query = core.query_unoptioned(query):with_entities(table.unpack(columns)):autoflush(false)
  local self = setmetatable({ [STATE] = state }, Window)
  state.window = setmetatable({ self }, { __mode = "v" })
  state.watch = watch.begin(state.key_query, 2, tell, given.on_error)
  state.watch.window_state = state
  look_at_keys(state)
  watch.join(state.watch)
  return self
end

-- v[i]: the i-th object; nil where there is none, or where its row is gone since the last poll.
function Window:__index(i)
  if math.type(i) ~= "integer" then
    return methods[i] or core.raise("ArgumentError", string.format("a window has no '%s'%s", tostring(i),
      core.hint(tostring(i), methods)))
  end
  local state = self[STATE]
  local key = state.keys[i]
  if key == nil then return nil end
  return page_of(state, (i - 1) // state.size + 1).objects[key]
end

function Window.__newindex()
  core.raise("ArgumentError", "a window is not assigned to: it shows what the database has")
end

-- #v: the number of objects.
function Window:__len() return #self[STATE].keys end

-- v:find(object): its index, or nil.
function methods:find(object)
  local state = self[STATE]
  local key = key_of(state, object)
  for i, other in ipairs(state.keys) do
    if other == key then return i end
  end
  return nil
end

-- v:close(): it does not follow the database any more.
function methods:close() self[STATE].watch:close() end

Window.__close = methods.close

function Window:__tostring() return string.format("<Window of %d: %s>", #self, self[STATE].key_query) end

return {}
