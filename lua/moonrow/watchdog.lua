-- watchdog.lua: what an application does to its database without wanting it: loops that load one by one, slow
-- statements, statements that read a whole table. db:watchdog{...} tells of it, db:record(fn, { max_lazy = n })
-- refuses it.
--
-- Invariant: without a watchdog nothing here runs, and the core tells nothing.

local core, require = ...
local options = require "moonrow.options"
local event = require "moonrow.event"

local watchdog = {}

-- ---------------------------------------------------------------- loads by accesses

local watchers = {} -- functions that are called with each load: list

local function tell(...)
  for _, watcher in ipairs({ table.unpack(watchers) }) do watcher(...) end
end

local function watch(fn)
  watchers[#watchers + 1] = fn
  if #watchers == 1 then core.watch_accesses(tell) end
end

local function unwatch(fn)
  for i = #watchers, 1, -1 do
    if watchers[i] == fn then table.remove(watchers, i) end
  end
  if #watchers == 0 then core.watch_accesses(nil) end
end

local kinds = setmetatable({}, { __mode = "k" }) -- what a finding has loaded: a key of cures, or "subclass"

-- The option that would have loaded it: of the query, or of the session where the objects have expired.
local cures = {
  column = "mr.undefer(%s)", reference = "mr.joinedload(%s)", collection = "mr.selectinload(%s)",
  object = "expire_on_commit = false", value = "expire_on_commit = false",
}

local function cure(name, class, kind, base)
  if kind == "subclass" then return "mr.selectin_polymorphic(" .. base .. ", { " .. class .. " })" end
  return (cures[kind]:gsub("%%s", name))
end

local messages = {
  object = "%s is read again one by one, %s at %s: the objects have expired (a commit, a rollback, expire): run one "
    .. "query for them before the loop, or open the session with %s",
  subclass = "%s is loaded one by one, %s at %s: add %s to the query",
}
messages.value = messages.object

local batches = setmetatable({}, { __mode = "k" }) -- the findings of what loads in batches, and did not: as a set

local function words_of(found)
  local words = messages[kinds[found]] or batches[found] and messages.subclass
    or '%s is loaded one by one, %s at %s: add %s to the query, or lazy = "batch"'
  local times = found.count == 1 and "once" or found.count .. " times"
  return string.format(words, found.attribute, times, found.where, found.option)
end

local MOST_NUMBERS = 1000 -- of the objects of one place that are told apart

-- Counts loads of the engine's objects by attribute and place; objects: the objects that have loaded instead, each
-- once. What is read of an object that has expired is all of it, whatever attribute was asked for. A batch takes back
-- those that were its beginning. Returns what the load belongs to, if it counts, and by how much the count has changed.
local function counter(engine, objects)
  local seen, numbers, mine = {}, {}, core.engine_number(engine)
  return function(class, attribute, where, kind, base, number, loads, database, in_batches)
    if database and database ~= mine then return nil, 0 end
    local name = kind == "object" and class or class .. "." .. attribute
    local key = name .. "@" .. where
    local found = seen[key]
    if loads < 0 then
      local back = found and math.min(found.count, -loads) or 0
      if found then found.count = found.count - back end
      return nil, -back
    end
    if not found then
      found = { kind = "n_plus_one", attribute = name, where = where, count = 0,
        option = cure(name, class, kind, base) }
      seen[key] = found
      kinds[found] = kind
      batches[found] = in_batches or nil
      numbers[found] = { n = 0 }
    end
    local known = numbers[found]
    if objects and known[number] then return nil, 0 end
    if objects and known.n < MOST_NUMBERS then
      known.n = known.n + 1
      known[number] = true
    end
    found.count = found.count + 1
    return found, 1
  end
end

-- db:record(fn, { max_lazy = n }): an access that loads once more than n raises, and names the line that did it most.
function watchdog.record(engine, fn, ...)
  local given = options.read("record", { "max_lazy" }, 0, ...)
  local most = options.typed("record", given, "max_lazy", "number")
  if not most then return engine:record(fn) end
  if most < 0 or most % 1 ~= 0 then options.expect("record: max_lazy", "an integer of 0 or more", most) end
  options.check_callable("record", fn)
  local count, all, worst, told = counter(engine), 0, nil, nil
  local function watcher(...)
    local found, more = count(...)
    all = all + more
    if not found then return end
    if not worst or found.count > worst.count then worst = found end
    if all <= most then return end
    local words = all == 1 and "1 load by an access, and max_lazy is %d: %s"
      or all .. " loads by accesses, and max_lazy is %d: %s"
    told = string.format(words, most // 1 | 0, words_of(worst))
    core.raise("InvalidRequestError", told)
  end
  watch(watcher)
  local ok, records = pcall(engine.record, engine, fn)
  unwatch(watcher)
  if not ok then error(records, 0) end
  if told then core.raise("InvalidRequestError", told) end -- a pcall of the function's own has caught it
  return records
end

-- ---------------------------------------------------------------- the watchdog

local Watchdog = { __name = "Watchdog" }
Watchdog.__index = Watchdog

-- One more finding. With `on` it is given to that function; else, unless it only suggests, it is an error.
local function report(self, found)
  if #self.findings < 1000 then self.findings[#self.findings + 1] = found end
  if self.suggests then
    if self.on then pcall(self.on, found) end
  elseif self.on then
    self.on(found)
  else
    core.raise("InvalidRequestError", found.message)
  end
end

local function watch_loads(self, most)
  local count = counter(self.engine, true)
  self.watcher = function(...)
    local found = count(...)
    if not found then return end
    if found.count == most then
      found.message = words_of(found)
      report(self, found)
    elseif found.count > most then
      found.message = words_of(found)
    end
  end
  watch(self.watcher)
end

-- The table that has the name in the statement: its own, or that of an alias.
local function table_named(statement, name)
  local as = ' AS "?' .. name:gsub("%W", "%%%0") .. '"?%f[^%w_"]'
  for _, before in ipairs{ "FROM %(*", "JOIN %(*", ", %(*" } do
    local found = statement:match(before .. "([%w_]+)" .. as) or statement:match(before .. '"([^"]+)"' .. as)
    if found then return found end
  end
  return name
end

-- Does the statement stop after the rows of its limit: chooses it none of them, and sorts or counts none?
local function stops_early(statement, plan)
  if not statement:find " LIMIT %S+ OFFSET %S+$" and not statement:find " LIMIT %S+$" then return false end
  for _, word in ipairs{ " WHERE ", " JOIN ", " GROUP BY ", " DISTINCT ", "%(SELECT " } do
    if statement:find(word) then return false end
  end
  for _, step in ipairs(plan) do
    if step[4]:find "TEMP B%-TREE" then return false end
  end
  return true
end

-- The SELECTs of the statement, the outer ones first: { text = what stands in it alone, around = the one around it, if
-- it is one of its tables }.
local function selects(statement)
  local list, stack = { { text = "" } }, {}
  local now, from = list[1], 1
  while true do
    local at, last, found = statement:find("([()'\"])", from)
    now.text = now.text .. statement:sub(from, at and at - 1)
    if not at then return list end
    from = last + 1
    if found == "(" then
      stack[#stack + 1] = now
      if statement:find("^SELECT ", from) then
        local is_table = now.text:find "FROM %(*$" or now.text:find "JOIN %(*$"
        now = { text = "", around = is_table and now }
        list[#list + 1] = now
      else
        now.text = now.text .. "("
      end
    elseif found == ")" then
      now = table.remove(stack) or now
      now.text = now.text .. ")"
    else
      local ending = statement:find(found, from, true) or #statement
      now.text = now.text .. (found == '"' and statement:sub(from, ending - 1) or "")
      from = ending + 1
    end
  end
end

-- Does the SELECT that reads the table of that name (or alias) choose among its rows?
local function has_criterion(statement, name)
  local pattern = "%f[%w_]" .. name:gsub("%W", "%%%0") .. "%f[^%w_][^.]"
  for _, one in ipairs(selects(statement)) do
    if (one.text .. " "):find(pattern) then
      while one do
        if one.text:find " WHERE " then return true end
        one = one.around
      end
      return false
    end
  end
  return statement:find " WHERE " ~= nil
end

-- The tables of more than `rows` rows that the statement reads from end to end, each { name =, criterion = }.
local function scanned(connection, statement, rows)
  local list = {}
  if not statement:upper():find "^%s*SELECT" and not statement:upper():find "^%s*WITH" then return list end
  local ok, plan = pcall(function()
    return connection:execute(core.text("EXPLAIN QUERY PLAN " .. statement:gsub("?", "NULL"):gsub(":", "\\:"))):all()
  end)
  if not ok or stops_early(statement, plan) then return list end
  for _, step in ipairs(plan) do
    local shown = step[4]:match "^SCAN ([^%s]+)"
    local name = shown and table_named(statement, shown)
    local known = name and not step[4]:find "USING" and pcall(function()
      local counted = connection:execute(core.text(string.format(
        'SELECT count(*) FROM (SELECT 1 FROM "%s" LIMIT %d)', name, rows + 1))):all()
      if counted[1][1] > rows then
        list[#list + 1] = { name = name, criterion = has_criterion(statement, shown) }
      end
    end)
    if known == false then break end
  end
  return list
end

local function watch_statements(self, given)
  local explained, busy = {}, false
  self.listener = function(connection, statement, _, seconds, waited)
    if busy or self.stopped then return end
    busy = true
    local ok, e = pcall(function()
      if given.slow and seconds > given.slow then
        local place = core.user_place()
        local of_it = waited > 0 and string.format(" (%.3f of them waiting for a lock)", waited) or ""
        report(self, { kind = "slow", statement = statement, seconds = seconds, waited = waited, where = place,
          message = string.format("a statement took %.3f seconds%s at %s: %s", seconds, of_it, place, statement) })
      end
      if given.fullscan and not explained[statement] then
        explained[statement] = true
        for _, found in ipairs(scanned(connection, statement, given.fullscan)) do
          local advice = found.criterion and "an index could find them" or "it has no criterion"
          report(self, { kind = "fullscan", statement = statement, table = found.name, where = core.user_place(),
            message = string.format("a statement reads all rows of %s, more than %d, at %s: %s: %s",
              found.name, given.fullscan, core.user_place(), advice, statement) })
        end
      end
    end)
    busy = false
    if not ok then error(e, 0) end
  end
  event.listen(self.engine, "after_execute", self.listener)
end

-- dog:stop(): it watches no more.
function Watchdog:stop()
  if self.stopped then return end
  self.stopped = true
  if self.watcher then unwatch(self.watcher) end
  if self.listener then event.remove(self.engine, "after_execute", self.listener) end
end

Watchdog.__close = Watchdog.stop

function Watchdog:__tostring()
  local lines = {}
  for i, found in ipairs(self.findings) do lines[i] = found.message end
  return #lines > 0 and table.concat(lines, "\n") or "nothing was found"
end

-- db:watchdog{ n_plus_one = 5, slow = 0.05, fullscan = 1000, on = fn, suggest = true }
function watchdog.start(engine, ...)
  local given = options.read("watchdog", { "n_plus_one", "slow", "fullscan", "on", "suggest" }, 0, ...)
  local slow = options.typed("watchdog", given, "slow", "number")
  if slow and (slow <= 0 or slow ~= slow) then options.expect("watchdog: slow", "a number above 0", slow) end
  for _, name in ipairs{ "n_plus_one", "fullscan" } do
    local value = options.typed("watchdog", given, name, "number")
    if value and (value < 1 or value % 1 ~= 0) then
      options.expect("watchdog: " .. name, "an integer of 1 or more", value)
    end
  end
  options.typed("watchdog", given, "suggest", "boolean")
  if given.on ~= nil then options.check_callable("watchdog: on", given.on) end
  if not (given.n_plus_one or given.slow or given.fullscan) then
    core.raise("ArgumentError", "watchdog: say what it watches: n_plus_one, slow or fullscan")
  end
  local self = setmetatable({ engine = engine, on = given.on, suggests = given.suggest, findings = {} }, Watchdog)
  if given.n_plus_one then watch_loads(self, given.n_plus_one) end
  if given.slow or given.fullscan then watch_statements(self, given) end
  return self
end

return watchdog
