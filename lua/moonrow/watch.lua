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

-- The watch is woken from now on by what the statements have read.
local function depend(self, records, awaited)
  local interest, session = self.interest, core.query_session("watch", self.query)
  interest:clear()
  self.unsure = false
  for i, record in ipairs(records) do
    local reads = reads_of(self.state, session, record.statement)
    if not reads then self.unsure = true end
    add_reads(interest, reads or {}, i == 1 and awaited.value ~= nil and awaited)
  end
  if awaited.value ~= nil then
    interest:add(awaited.schema or "main", awaited.table, awaited.column, awaited.value)
  end
end

-- watch.look(self): runs self.query, and returns its rows and { keys =, images = }. From now on self.interest is
-- woken by what the statements have read.
function watch.look(self)
  local rows, keys, images, awaited
  local records = self.engine:record(function() rows, keys, images, awaited = core.run_watched(self.query) end)
  if self.interest then depend(self, records, awaited) end
  return rows, { keys = keys, images = images }
end

-- ---------------------------------------------------------------- watches

-- Must the watch look again?
local function is_woken(self)
  if not self.interest then return self.state.version ~= self.seen_version end
  local woken = self.interest:take()
  return woken or self.due or (self.unsure and self.state.token ~= self.seen_token)
end

local function note_seen(self) self.seen_token, self.seen_version = self.state.token, self.state.version end

-- watch.begin(query, tell, on_error): a watch whose `tell(self)` is called where it was woken; it returns true if it
-- has called the program. It is not in the engine's list yet: watch.join.
function watch.begin(query, tell, on_error)
  local engine = core.query_session("watch", query).bind
  local self = setmetatable({ query = query:autoflush(false), engine = engine, state = state_of(engine), tell = tell,
    on_error = on_error }, Watch)
  if self.state.feed then self.interest = self.state.feed:interest()
  else version_of(self.state, engine) end
  return self
end

function watch.join(self)
  local state = self.state
  state.last = state.last + 1
  state.list[state.last] = self
  self.due = not core.query_rests(self.query) -- what it has seen may be undone
  note_seen(self)
  return self
end

local function tell(self)
  local rows, seen = watch.look(self)
  self.due = false
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
  local self = watch.begin(query, tell, given.on_error)
  self.fn = fn
  local rows
  rows, self.seen = watch.look(self)
  watch.join(self)
  fn(rows)
  return self
end

-- watch:close(): fn is not called any more. So it is when nobody has the handle any longer.
function Watch:close()
  self.closed = true
  if self.interest then self.interest:close() end
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

local function call(self)
  self.due = true -- until it has looked: now, or when the transaction of its session is over
  if not core.query_rests(self.query) then return false end
  note_seen(self)
  return self.tell(self)
end

local function round(state, failures)
  local calls = 0
  for _, self in ipairs(living(state)) do
    if not self.closed and is_woken(self) then
      local ok, told = pcall(call, self)
      if ok and told then calls = calls + 1 end
      if not ok then
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
  if state.polling then
    core.raise("InvalidRequestError", "poll: it is called by the function of a watch, which poll itself has called")
  end
  check_rest()
  local calls, failures = 0, {}
  state.polling = true
  local ok, err = pcall(function()
    if state.feed then state.feed:poll() end
    for n = 1, ROUNDS do
      if not is_new(state, engine) and not (n == 1 and has_due(state)) then break end
      calls = calls + round(state, failures)
    end
  end)
  state.polling = false
  if not ok then error(err, 0) end
  if failures[1] then error(failures[1], 0) end
  return calls
end

function core.engine_methods.poll(engine, ...) return watch.poll(engine, ...) end

return watch
