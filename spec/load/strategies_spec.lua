-- All loader strategies give the same result: random mappings, rows, queries and paths are loaded by each of them, and
-- compared with lazy loading: some 20 seconds of it. MOONROW_LONG tries more seeds, MOONROW_SEEDS=FIRST-LAST those;
-- under stress there are fewer, because the collector is slow.

local mr = require "moonrow"
local random_models = require "spec.support.random_models"
local support = require "spec.support.models"

local seeds = { (os.getenv "MOONROW_SEEDS" or ""):match "^(%d+)%-(%d+)$" }
local stressed = (os.getenv "MOONROW_STRESS" or "") ~= ""
local FIRST = tonumber(seeds[1]) or 1
local LAST = tonumber(seeds[2]) or os.getenv "MOONROW_LONG" and 1500 or stressed and 8 or 420
local QUERIES = 4
local STRATEGIES = { "lazyload", "joinedload", "selectinload", "subqueryload", "immediateload",
  "batchload" }

-- What a step of a path, and a query, says of subclasses.
local TYPES = { "of_type", "with", false }
local POLYMORPHIC = { "with", "aliased", "selectin", false }

-- ---------------------------------------------------------------- what is asked

-- A path of one to three relationships, beginning at the class.
local function random_path(m, random, class)
  local path = {}
  for i = 1, random(3) do
    if #m.ways[class] == 0 then break end
    path[i] = random.pick(m.ways[class])
    class = path[i].to
  end
  return path
end

local function key_order(m, class, entity)
  local order = {}
  for i, name in ipairs(m.key_names(class)) do order[i] = entity[name] end
  return table.unpack(order)
end

-- A random query of the class. make() builds it again, for the entity (the class, or an alias of it). ordered: the
-- order of its rows is unique.
local function random_query(m, random, class)
  local words, steps = {}, {}
  local ordered, rows = random.chance(50), false
  local function add(word, step)
    words[#words + 1] = word
    steps[#steps + 1] = step
  end
  local alias, joins = random.chance(25), false
  local asked = m.inherits[class] and random.chance(30) and class .. "x" or class
  if asked ~= class then words[1] = "only " .. asked end
  if random.chance(30) then
    local limit = random(500) * 100
    add("filter", function(q, e) return q:filter(e.n:gt(limit)) end)
  end
  if not alias and random.chance(25) and #m.ways[class] > 0 then
    local way = random.pick(m.ways[class])
    if way.to ~= class then
      joins = true
      add("join " .. way.name, function(q) return q:join(m.classes[class][way.name]) end)
    end
  end
  if random.chance(20) then add("distinct", function(q) return q:distinct() end) end
  if random.chance(25) then
    local kind = random.pick{ "union", "union_all", "intersect", "except_" }
    add(kind, function(q, e) return q[kind](q, m.db.session:query(e):filter(e.tag:eq(1))) end)
  end
  if random.chance(12) and #steps == 0 then
    rows = random.pick(m.names)
    if rows == class then rows = false end
  end
  if random.chance(40) then
    ordered = true
    local limit, offset = random(4), random.chance(50) and random(3) - 1
    add("limit", function(q, e)
      q = q:order_by(e.tag, key_order(m, class, e)):limit(limit)
      return offset and q:offset(offset) or q
    end)
  elseif ordered then
    add("order", function(q, e) return q:order_by(e.n:desc(), key_order(m, class, e)) end)
  end
  local wide = m.inherits[class] and asked == class and not alias and not joins
  -- poly: what the query reads in place of the class: "with" or "aliased", or "selectin" as an option more.
  local function make(options, poly)
    poly = wide and poly
    local entity = alias and mr.aliased(m.classes[asked]) or m.classes[asked]
    if poly == "with" then entity = mr.with_polymorphic(m.classes[class], "*") end
    if poly == "aliased" then
      entity = mr.with_polymorphic(m.classes[class], { m.classes[class .. "x"] }, { aliased = true })
    end
    local q = rows and m.db.session:query(entity, m.classes[rows].n) or m.db.session:query(entity)
    for _, step in ipairs(steps) do q = step(q, entity) end
    if poly == "selectin" then
      q = q:options(mr.selectin_polymorphic(m.classes[class], { m.classes[class .. "x"] }))
    end
    return options and q:options(options(entity)) or q
  end
  return { make = make, ordered = ordered, rows = rows, text = (alias and "alias " or "") .. table.concat(words, " ")
           .. (rows and " with " .. rows or "") }
end

-- What a step leads to: "of_type" the subclass, or the class "with" it.
local function narrowed(m, way, attribute, how)
  if not how or not m.inherits[way.to] then return attribute end
  local target = m.classes[way.to .. "x"]
  return attribute:of_type(how == "of_type" and target or mr.with_polymorphic(m.classes[way.to], { target }))
end

-- The options for the path: one strategy for each step. types: what each step leads to; or nil.
local function options_of(m, path, strategies, types)
  return function(entity)
    local option
    for i, way in ipairs(path) do
      local attribute = narrowed(m, way, entity[way.name], types and types[i])
      option = option and option[strategies[i]](option, attribute) or mr[strategies[i]](attribute)
      entity = m.classes[way.to]
    end
    return option
  end
end

-- ---------------------------------------------------------------- what comes of it

-- "1{2{} 3{nil}}": the objects along the path. Lists without an order are sorted.
local function signature(m, object, class, path, i)
  if object == nil then return "nil" end
  local way = path[i]
  if not way then return m.key(object, class) end
  local value, parts = object[way.name], {}
  if way.reference then
    parts[1] = signature(m, value, way.to, path, i + 1)
  else
    for k, item in ipairs(value) do parts[k] = signature(m, item, way.to, path, i + 1) end
    if not way.ordered then table.sort(parts) end
  end
  return m.key(object, class) .. "{" .. table.concat(parts, " ") .. "}"
end

-- What subclasses add to the objects along the path, in the order of their keys.
local function additions(m, object, class, path, i, found)
  if object == nil then return found end
  local key = m.key(object, class)
  if mr.class_of(object) ~= m.classes[class] then found[class .. key] = object.extra end
  local way = path[i]
  if not way then return found end
  for _, item in ipairs(way.reference and { object[way.name] } or object[way.name]) do
    additions(m, item, way.to, path, i + 1, found)
  end
  return found
end

local function addition_lines(m, query, objects, class, path, lines)
  local found, words = {}, {}
  for _, row in ipairs(objects) do additions(m, query.rows and row[1] or row, class, path, 1, found) end
  for key, value in pairs(found) do words[#words + 1] = key .. "=" .. tostring(value) end
  table.sort(words)
  lines[#lines + 1] = table.concat(words, " ")
end

local function all_signatures(m, query, options, class, path, poly)
  local lines, objects = {}, query.make(options, poly):all()
  local statements = support.statements(m.db, function()
    for i, row in ipairs(objects) do
      local object = query.rows and row[1] or row
      lines[i] = signature(m, object, class, path, 1)
      if query.rows then lines[i] = lines[i] .. " " .. tostring(row[2]) end
    end
  end)
  if not query.ordered then table.sort(lines) end
  addition_lines(m, query, objects, class, path, lines)
  return table.concat(lines, "\n"), #statements
end

-- False if a step leads to objects whose attribute an earlier step has loaded already.
local function is_straight(path)
  local seen = {}
  for i, way in ipairs(path) do
    if seen[way.name] or (i > 1 and path[i - 1].back == way.name) then return false end
    seen[way.name] = true
  end
  return true
end

-- ---------------------------------------------------------------- comparing

local function describe_path(class, path, strategies, types)
  local words = { class }
  for i, way in ipairs(path) do
    words[#words + 1] = strategies[i] .. " " .. way.name .. (types and types[i] and ":" .. types[i] or "")
  end
  return table.concat(words, ", ")
end

local function uses(strategies, n, ...)
  for i = 1, n do
    for _, name in ipairs{ ... } do
      if strategies[i] == name then return true end
    end
  end
  return false
end

-- The same query, with another option: over objects in memory, or in batches.
local function changed_query(query, how)
  local changed = setmetatable({ text = query.text .. " " .. how }, { __index = query })
  function changed.make(options, poly)
    local q = query.make(options, poly)
    return how == "in batches" and q:yield_per(2) or q:populate_existing()
  end
  return changed
end

-- contains_eager with the query's own outer join gives what a lazy load gives.
local function compare_contains(m, seed, class, way)
  local Class = m.classes[class]
  local plain = { ordered = false, text = "all", make = function() return m.db.session:query(Class) end }
  local joined = { ordered = false, text = "contains_eager " .. way.name, make = function()
    return m.db.session:query(Class):outerjoin(Class[way.name]):options(mr.contains_eager(Class[way.name]))
  end }
  local path = { setmetatable({ ordered = false }, { __index = way }) }
  m.db.session:remove()
  local expected = all_signatures(m, plain, nil, class, path)
  m.db.session:remove()
  local got, later = all_signatures(m, joined, nil, class, path)
  local where = ("seed %d: %s with contains_eager %s"):format(seed, class, way.name)
  if got ~= expected then error(("%s\nexpected:\n%s\ngot:\n%s"):format(where, expected, got), 0) end
  if later > 0 then error(("%s\n%d statements after it was loaded"):format(where, later), 0) end
end

-- Two paths that begin at the same objects.
local function compare_branches(m, seed, class, path, other, query, random)
  local function both(one, two)
    return function(entity) return options_of(m, path, one)(entity), options_of(m, other, two)(entity) end
  end
  local one = { random.pick(STRATEGIES), random.pick(STRATEGIES), random.pick(STRATEGIES) }
  local two = { random.pick(STRATEGIES), random.pick(STRATEGIES), random.pick(STRATEGIES) }
  for _, along in ipairs{ path, other } do
    m.db.session:remove()
    local expected = all_signatures(m, query, nil, class, along)
    m.db.session:remove()
    local where = ("seed %d: %s; and %s; query: %s"):format(seed, describe_path(class, path, one),
      describe_path(class, other, two), query.text)
    local ok, got = pcall(all_signatures, m, query, both(one, two), class, along)
    if not ok then error(where .. "\n" .. tostring(got), 0) end
    if got ~= expected then error(("%s\nexpected:\n%s\ngot:\n%s"):format(where, expected, got), 0) end
  end
end

local function compare(m, seed, class, path, query, strategies, expected, types, poly)
  m.db.session:remove()
  local where = ("seed %d: %s; query: %s %s"):format(seed, describe_path(class, path, strategies, types), query.text,
    poly or "")
  local ok, got, later = pcall(all_signatures, m, query, options_of(m, path, strategies, types), class, path, poly)
  if not ok then error(where .. "\n" .. tostring(got), 0) end
  if got ~= expected then error(("%s\nexpected:\n%s\ngot:\n%s"):format(where, expected, got), 0) end
  if later > 0 and is_straight(path) and not uses(strategies, #path, "lazyload", "immediateload", "batchload") then
    error(("%s\n%d statements after it was loaded"):format(where, later), 0)
  end
end

-- Some of the objects are in memory already.
local function compare_warm(m, seed, class, path, query, strategies, expected, warm)
  m.db.session:remove()
  local kept = m.db.session:query(m.classes[warm]):all()
  local where = ("seed %d: %s; query: %s; with every %s in memory"):format(seed,
    describe_path(class, path, strategies), query.text, warm)
  local ok, got = pcall(all_signatures, m, query, options_of(m, path, strategies), class, path)
  if not ok then error(where .. "\n" .. tostring(got), 0) end
  if got ~= expected then error(("%s\nexpected:\n%s\ngot:\n%s"):format(where, expected, got), 0) end
  return kept
end

local function try_seed(seed)
  local m = random_models.make(seed)
  local random = m.random
  for _ = 1, QUERIES do
    local class = random.pick(m.names)
    local path = random_path(m, random, class)
    local query = random_query(m, random, class)
    m.db.session:remove()
    local ok, expected = pcall(all_signatures, m, query, nil, class, path)
    if not ok then error(("seed %d: %s: query: %s\n%s"):format(seed, class, query.text, expected), 0) end
    if #path > 0 then
      for _, strategy in ipairs(STRATEGIES) do
        compare(m, seed, class, path, query, { strategy, strategy, strategy }, expected)
      end
      if m.inherits[class] or m.inherits[path[1].to] then
        for _ = 1, 2 do
          local mix = { random.pick(STRATEGIES), random.pick(STRATEGIES), random.pick(STRATEGIES) }
          local types = { random.pick(TYPES), random.pick(TYPES), random.pick(TYPES) }
          compare(m, seed, class, path, query, mix, expected, types, random.pick(POLYMORPHIC))
        end
      end
      for _ = 1, 4 do
        local mix = { random.pick(STRATEGIES), random.pick(STRATEGIES), random.pick(STRATEGIES) }
        compare(m, seed, class, path, query, mix, expected)
        compare_warm(m, seed, class, path, query, mix, expected, random.pick(m.names))
        compare_warm(m, seed, class, path, changed_query(query, "populate_existing"), mix, expected,
          random.pick(m.names))
        if not uses(mix, #path, "joinedload") and not query.text:find "join" and not query.text:find "union" then
          compare(m, seed, class, path, changed_query(query, "in batches"), mix, expected)
        end
      end
      if path[1].to ~= class then compare_contains(m, seed, class, path[1]) end
      local other = random_path(m, random, class)
      if other[1].name ~= path[1].name then compare_branches(m, seed, class, path, other, query, random) end
    end
  end
  m.db.engine:dispose()
end

describe("every strategy gives what every other gives", function()
  it(("over random mappings, rows, queries and ways (seeds %d to %d)"):format(FIRST, LAST), function()
    for seed = FIRST, LAST do try_seed(seed) end
  end)
end)
