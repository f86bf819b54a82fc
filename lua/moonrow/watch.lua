-- watch.lua: live queries: query:watch(fn), and db:poll(), which tells them.
--
-- Invariant: fn is called by query:watch itself, once, and then only within poll; with rows that are committed, and
-- only where they differ from those of the call before. A watch lives as long as its handle; what it depends on is what
-- its statements have read the last time.

local core, require = ...
local options = require "moonrow.options"
local changes = require "moonrow.changes"
local difference = require "moonrow.difference"

local ROUNDS = 10 -- of one poll: what the functions themselves commit is told in the next one
local KNOWN = 500 -- so many statements are remembered by what they read

local watch = {}

local Watch = { __name = "Watch" }
Watch.__index = Watch

-- ---------------------------------------------------------------- engines

-- What an engine's watches share: { engine =, feed =, list =, token =, reads =, polling =, version = }.
local states = setmetatable({}, { __mode = "k" })
local weak = { __mode = "v" }

local function state_of(engine)
  local state = states[engine]
  if not state then
    state = { list = setmetatable({}, weak), last = 0, token = 0, reads = {}, known = 0 }
    if engine.dialect.name == "sqlite" then
      state.feed = changes.feed(engine, true)
      state.feed:poll()
      state.token = state.feed:token()
    end
    states[engine] = state
  end
  return state
end

-- PostgreSQL: a text that is another one after each commit of anybody.
local function version_of(state, engine)
  local connection <close> = engine:connect()
  state.version = connection:scalar(core.text "SELECT CAST(pg_current_snapshot() AS TEXT)")
  return state.version
end

-- ---------------------------------------------------------------- what a query depends on

-- What the statement reads: schema, table, column, schema ...; false: that is not told.
local function reads_of(state, session, sql)
  local known = state.reads[sql]
  if known == nil then
    if state.known >= KNOWN then state.reads, state.known = {}, 0 end
    known = core.statement_reads(session, sql) or false
    state.reads[sql], state.known = known, state.known + 1
  end
  return known
end

local function is_awaited(awaited, schema, name)
  return awaited.table == name and (awaited.schema or "main") == schema
end

local function add_reads(interest, reads, awaited)
  for i = 1, #reads, 3 do
    if not (awaited and is_awaited(awaited, reads[i], reads[i + 1])) then
      interest:add(reads[i], reads[i + 1], reads[i + 2])
    end
  end
end

-- A wake: { interest =, state =, unsure =, statements = }: what some statements have read. Where the database does not
-- tell that, or of PostgreSQL, any commit wakes it.
local function wake_of(state)
  return { state = state, interest = state.feed and state.feed:interest(), unsure = not state.feed, statements = {},
    token = state.token, version = state.version }
end

local function forget(wake)
  if wake.interest then wake.interest:clear() end
  wake.unsure, wake.statements = not wake.interest, {}
end

local function depend(wake, query, records, awaited)
  local interest, session = wake.interest, core.query_session("watch", query)
  local schema = core.schema_seen(session)
  if schema ~= wake.state.schema then wake.state.schema, wake.state.reads, wake.state.known = schema, {}, 0 end
  for i, record in ipairs(records) do
    local sql, main = record.statement, i == 1 and awaited
    if not wake.statements[sql] then
      local reads = reads_of(wake.state, session, sql)
      if not reads then wake.unsure = true end
      add_reads(interest, reads or {}, main)
      wake.statements[sql] = not main
    end
  end
  if awaited then interest:add(awaited.schema or "main", awaited.table, awaited.column, awaited.value) end
end

-- Was it woken since it was asked last, or has looked?
local function take(wake)
  local state, new = wake.state, wake.unsure and (wake.token ~= wake.state.token or wake.version ~= wake.state.version)
  wake.token, wake.version = state.token, state.version
  return wake.interest and wake.interest:take() or new
end

-- watch.run(wake, query, run, more): the results of run(query), which runs its statements. From now on the wake is
-- woken by what they have read; more: and by what it was woken by before. The last result of run: { table =, value =,
-- ... } as core.run_watched gives it, or {}.
function watch.run(wake, query, run, more)
  local results
  local engine = core.query_session("watch", query).bind
  local records = engine:record(function() results = table.pack(run(query)) end)
  local awaited = results[results.n]
  if not more then forget(wake) end
  if wake.interest then depend(wake, query, records, awaited.value ~= nil and awaited or nil) end
  return table.unpack(results, 1, results.n - 1)
end

-- ---------------------------------------------------------------- watches

-- watch.begin(query, nwakes, tell, on_error): a watch with so many wakes, whose `tell(self, woken)` is called where one
-- was woken (woken[i]: the i-th was); it returns true if it has called the program. It is not in the engine's list yet:
-- watch.join.
function watch.begin(query, nwakes, tell, on_error)
  local engine = core.query_session("watch", query).bind
  local state = state_of(engine)
  if not state.feed then version_of(state, engine) end
  local self = setmetatable({ query = query, state = state, tell = tell, on_error = on_error, wakes = {} }, Watch)
  for i = 1, nwakes do self.wakes[i] = wake_of(state) end
  return self
end

function watch.join(self)
  local state = self.state
  state.last = state.last + 1
  state.list[state.last] = self
  -- In a transaction what it has seen may be undone.
  if not core.query_rests(self.query) then self.due = { true, true } end
  return self
end

local function look(self)
  local rows, keys, images = watch.run(self.wakes[1], self.query, core.run_watched)
  return rows, { keys = keys, images = images }
end

local function tell(self)
  local rows, seen = look(self)
  self.due = nil
  local diff = difference.of(self.seen, seen)
  if not diff then return false end
  self.seen = seen
  self.fn(rows, diff)
  return true
end

-- query:watch(fn, { on_error = }): calls fn(rows) now, and fn(rows, diff) in each db:poll() in which the rows, or what
-- is loaded eagerly with them, differ from the last time. Returns the handle, with which it ends.
function core.Query.watch(query, ...)
  local given, fn = options.read("watch", { "on_error" }, 1, ...)
  options.check_callable("watch", fn)
  if given.on_error ~= nil then options.check_callable("watch: on_error", given.on_error) end
  local self = watch.begin(query:autoflush(false), 1, tell, given.on_error)
  self.fn = fn
  local rows
  rows, self.seen = look(self)
  watch.join(self)
  fn(rows)
  return self
end

-- watch:close(): fn is not called any more. So it is when nobody has the handle any longer.
function Watch:close()
  self.closed = true
  for _, wake in ipairs(self.wakes) do
    if wake.interest then wake.interest:close() end
  end
end

Watch.__close = Watch.close

function Watch:__tostring() return string.format("<Watch%s: %s>", self.closed and " (closed)" or "", self.query) end

-- ---------------------------------------------------------------- polling

-- The living watches in the order in which they began.
local function living(state)
  local list, ids = {}, {}
  for id in pairs(state.list) do ids[#ids + 1] = id end
  table.sort(ids)
  for _, id in ipairs(ids) do
    local self = state.list[id]
    if self and not self.closed then list[#list + 1] = self else state.list[id] = nil end
  end
  return list
end

-- Asks all of its wakes. Until it has looked, it stays to be called: now, or when the transaction of its session is
-- over.
local function is_woken(self)
  local woken = self.due or {}
  for i, wake in ipairs(self.wakes) do woken[i] = take(wake) or woken[i] end
  self.due = next(woken) and woken or nil
  return self.due ~= nil
end

local function call(self)
  if not core.query_rests(self.query) then return false end
  return self.tell(self, self.due)
end

-- Is its session closed? Then it is told once, as an error, and never asked again.
local function is_over(self)
  local ok, session = pcall(core.query_session, "watch", self.query)
  return not ok or session.closed
end

local function round(state, failures)
  local calls = 0
  for _, self in ipairs(living(state)) do
    if not self.closed and is_woken(self) then
      local ok, told = pcall(call, self)
      if ok and told then calls = calls + 1 end
      if not ok then
        if is_over(self) then self:close() end
        if self.on_error then self.on_error(told, self) else failures[#failures + 1] = told end
      end
    end
  end
  return calls
end

local function is_new(state, engine)
  local token, version = state.token, state.version
  if state.feed then state.token = state.feed:token() else version_of(state, engine) end
  return token ~= state.token or version ~= state.version
end

local function check_rest()
  for _, session in ipairs(core.sessions()) do
    if not core.session_is_idle(session) then
      core.raise("InvalidRequestError", "poll: it cannot be called by a listener, in the middle of a load, a flush or "
        .. "a commit: call it from the program's own loop")
    end
  end
end

-- Is a poll at work? One whose function has yielded, and whose coroutine is gone, is not.
local function is_polling(state)
  local poller = state.polling and state.polling[1]
  return poller ~= nil and coroutine.status(poller) ~= "dead"
end

local function has_due(state)
  for _, self in pairs(state.list) do
    if self.due then return true end
  end
  return false
end

-- db:poll(): tells the watches of all that was committed since the last time. Returns how many functions were called.
function watch.poll(engine, ...)
  options.read("poll", {}, 0, ...)
  local state = states[engine]
  if not state then return 0 end
  if is_polling(state) then
    core.raise("InvalidRequestError", "poll: it is called by the function of a watch, which poll itself has called")
  end
  check_rest()
  local calls, failures = 0, {}
  state.polling = setmetatable({ (coroutine.running()) }, weak)
  local ok, err = pcall(function()
    if state.feed then state.feed:poll() end
    for n = 1, ROUNDS do
      if not is_new(state, engine) and not (n == 1 and has_due(state)) then break end
      calls = calls + round(state, failures)
    end
  end)
  state.polling = nil
  if not ok then error(err, 0) end
  if failures[1] then error(failures[1], 0) end
  return calls
end

function core.engine_methods.poll(engine, ...) return watch.poll(engine, ...) end

return watch
