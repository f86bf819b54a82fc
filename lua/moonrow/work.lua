-- work.lua: methods of the session that are made of others: retry, which runs a transaction again.
--
-- Invariant: what fails for good comes unchanged, and the session is left as begin leaves it.

local core, require = ...
local options = require "moonrow.options"

local methods = core.session_methods

-- ---------------------------------------------------------------- retry

-- SQLite's result codes: busy and locked. PostgreSQL's for what another run may cure: others have changed what was
-- read, a deadlock, a lock that was not waited for.
local passing = { [5] = true, [6] = true }
local states = { ["40001"] = true, ["40P01"] = true, ["55P03"] = true }

-- May another run of the transaction succeed?
local function is_passing(e)
  if not core.errors.Error:is(e) then return false end
  if core.errors.StaleDataError:is(e) then return true end
  if not core.errors.OperationalError:is(e) or type(e.orig) ~= "table" then return false end
  local code = e.orig.code
  return states[e.orig.sqlstate] or (math.type(code) == "integer" and passing[code & 0xff]) or false
end

local function check_number(given, name, default, at_least)
  local value = options.typed("retry", given, name, "number")
  if value == nil then return default end
  if value < at_least then options.expect("retry: " .. name, "a number of at least " .. at_least, value) end
  return value
end

local begin_options = { "mode", "isolation_level", "read_only", "undo", "merge" }
local retry_options = { "times", "wait", "sleep", table.unpack(begin_options) }

-- What begin is given: its own options, or nothing.
local function options_of_begin(given)
  local found
  for _, name in ipairs(begin_options) do
    if given[name] ~= nil then
      found = found or {}
      found[name] = given[name]
    end
  end
  return found
end

-- session:retry(fn, { times = 5, wait = 0.02, sleep = f, mode = ... }): session:begin(fn), with the options of begin
-- that are given, again when it fails because the database is busy, of a deadlock, or because a row was changed by
-- somebody else (StaleDataError): up to `times` runs in all. Before the second it waits for `wait` seconds, then for
-- twice as long, and so on, each time less a random part. sleep(seconds) replaces the waiting: an event loop's may
-- yield.
function methods.retry(self, ...)
  local given, fn = options.read("retry", retry_options, 1, ...)
  options.check_callable("retry", fn)
  local times = check_number(given, "times", 5, 1)
  if math.type(times) ~= "integer" then options.expect("retry: times", "an integer", times) end
  local wait = check_number(given, "wait", 0.02, 0)
  local sleep = given.sleep
  if sleep ~= nil then options.check_callable("retry: sleep", sleep) end
  sleep = sleep or core.sleep
  local how = options_of_begin(given)
  for run = 1, math.huge do
    local results = table.pack(pcall(self.begin, self, fn, how))
    if results[1] then return table.unpack(results, 2, results.n) end
    if run >= times or self:in_transaction() or not is_passing(results[2]) then error(results[2], 0) end
    sleep(wait * (0.5 + math.random() / 2))
    wait = wait * 2
  end
end

return methods
