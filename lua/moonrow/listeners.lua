-- listeners.lua: who listens to sessions and engines: lists of functions by event name, and how those of a
-- sessionmaker or scoped_session reach the sessions that it makes.
--
-- Invariant: a list is never changed in place, so that one which is being walked stays as it is; what was
-- removed meanwhile is not called any more.

local core = ...

local listeners = {}

local Hub = {}
Hub.__index = Hub

-- listeners.hub(watch): watch(name, on) is called when an event gets its first listener and loses its last.
function listeners.hub(watch) return setmetatable({ lists = {}, watch = watch }, Hub) end

local function find(hub, name, fn)
  for _, listener in ipairs(hub.lists[name] or {}) do
    if listener.fn == fn then return listener end
  end
end

-- hub:add(name, fn, once): a function listens once, with the options given last.
function Hub:add(name, fn, once)
  local known = find(self, name, fn)
  if known then
    known.once = once
    return
  end
  local before = self.lists[name]
  local list = before and table.move(before, 1, #before, 1, {}) or {}
  list[#list + 1] = { fn = fn, once = once }
  if not before then self.watch(name, true) end -- may raise: nobody listens then
  self.lists[name] = list
end

local function drop(hub, name, listener)
  listener.gone = true
  local list = {}
  for _, other in ipairs(hub.lists[name] or {}) do
    if other ~= listener then list[#list + 1] = other end
  end
  hub.lists[name] = list[1] and list or nil
  if not list[1] then hub.watch(name, false) end
end

-- hub:remove(name, fn): was it there?
function Hub:remove(name, fn)
  local listener = find(self, name, fn)
  if listener then drop(self, name, listener) end
  return listener ~= nil
end

function Hub:contains(name, fn) return find(self, name, fn) ~= nil end

-- hub:fire(name, ...): calls them in the order in which they were added.
function Hub:fire(name, ...)
  for _, listener in ipairs(self.lists[name] or {}) do
    if not listener.gone then
      if listener.once then drop(self, name, listener) end
      listener.fn(...)
    end
  end
end

-- ---------------------------------------------------------------- sessions

local by_session = setmetatable({}, { __mode = "k" })

-- The hub of one session, made when there is none. Its parents are those of its makers.
local function of_session(session)
  local hub = by_session[session]
  if hub then return hub end
  local hooked = {}
  local function watch(name)
    if hooked[name] then return end
    core.session_hook(session, name)
    hooked[name] = true
  end
  hub = listeners.hub(watch)
  hub.parents = {}
  by_session[session] = hub
  return hub
end

listeners.of_session = of_session

local function reach(session, parent, name)
  if session.closed then return end
  local hub = of_session(session)
  for _, known in ipairs(hub.parents) do
    if known == parent then return hub.watch(name) end
  end
  table.insert(hub.parents, parent)
  hub.watch(name)
end

-- listeners.family(): the hub of what makes sessions: listening to it is listening to each of them.
function listeners.family()
  local made = setmetatable({}, { __mode = "k" })
  local hub
  hub = listeners.hub(function(name, on)
    if not on then return end
    for session in pairs(made) do reach(session, hub, name) end
  end)
  hub.made = made
  return hub
end

-- listeners.adopt(hub, session): the session is one of the family. Returns the session.
function listeners.adopt(hub, session)
  hub.made[session] = true
  for name in pairs(hub.lists) do reach(session, hub, name) end
  return session
end

-- ---------------------------------------------------------------- engines

-- The hub of an engine, whichever of its values is given.
function listeners.of_engine(engine)
  local hub = core.engine_hub(engine)
  if hub then
    hub.weak.engine = engine
    return hub
  end
  -- The engine is not kept by its hub: the value that was used last turns events on and off.
  local weak = setmetatable({ engine = engine }, { __mode = "v" })
  hub = listeners.hub(function(name, on)
    if weak.engine then core.engine_hook(weak.engine, name, on) end
  end)
  hub.weak = weak
  return core.engine_hub(engine, hub)
end

local function on_session(session, name)
  local hub = by_session[session]
  for _, parent in ipairs(hub.parents) do parent:fire(name, session) end
  hub:fire(name, session)
end

local function on_engine(hub, name, ...) hub:fire(name, ...) end

core.event_dispatchers(on_session, on_engine)

return listeners
