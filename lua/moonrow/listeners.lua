-- listeners.lua: who listens to sessions and engines: lists of functions by event name, and how those of a
-- sessionmaker or scoped_session reach the sessions that it makes.
--
-- Invariant: a list is never changed in place, so a loop over it is safe. A listener that was removed during the loop
-- is not called any more.

local core = ...

local listeners = {}

-- The listeners of one session, of one engine, or of all sessions that a maker makes.
local Audience = {}
Audience.__index = Audience

-- listeners.audience(watch): watch(name, on) is called when an event gets its first listener and loses its last.
function listeners.audience(watch) return setmetatable({ lists = {}, watch = watch }, Audience) end

local function find(audience, name, fn)
  for _, listener in ipairs(audience.lists[name] or {}) do
    if listener.fn == fn then return listener end
  end
end

-- audience:add(name, fn, once): a function listens once, with the options given last.
function Audience:add(name, fn, once)
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

local function drop(audience, name, listener)
  listener.gone = true
  local list = {}
  for _, other in ipairs(audience.lists[name] or {}) do
    if other ~= listener then list[#list + 1] = other end
  end
  audience.lists[name] = list[1] and list or nil
  if not list[1] then audience.watch(name, false) end
end

-- audience:remove(name, fn): was it there?
function Audience:remove(name, fn)
  local listener = find(self, name, fn)
  if listener then drop(self, name, listener) end
  return listener ~= nil
end

function Audience:contains(name, fn) return find(self, name, fn) ~= nil end

-- audience:fire(name, ...): calls them in the order in which they were added.
function Audience:fire(name, ...)
  for _, listener in ipairs(self.lists[name] or {}) do
    if not listener.gone then
      if listener.once then drop(self, name, listener) end
      listener.fn(...)
    end
  end
end

-- ---------------------------------------------------------------- sessions

local by_session = setmetatable({}, { __mode = "k" })

-- The audience of one session, made when there is none. Its parents are those of its makers.
local function of_session(session)
  local audience = by_session[session]
  if audience then return audience end
  local hooked = {}
  local function watch(name)
    if hooked[name] then return end
    core.session_hook(session, name)
    hooked[name] = true
  end
  audience = listeners.audience(watch)
  audience.parents = {}
  by_session[session] = audience
  return audience
end

listeners.of_session = of_session

local function reach(session, parent, name)
  if session.closed then return end
  local audience = of_session(session)
  for _, known in ipairs(audience.parents) do
    if known == parent then return audience.watch(name) end
  end
  table.insert(audience.parents, parent)
  audience.watch(name)
end

-- listeners.family(): the audience of what makes sessions: listening to it is listening to each of them.
function listeners.family()
  local made = setmetatable({}, { __mode = "k" })
  local audience
  audience = listeners.audience(function(name, on)
    if not on then return end
    for session in pairs(made) do reach(session, audience, name) end
  end)
  audience.made = made
  return audience
end

-- listeners.adopt(audience, session): the session is one of the family. Returns the session.
function listeners.adopt(audience, session)
  audience.made[session] = true
  for name in pairs(audience.lists) do reach(session, audience, name) end
  return session
end

-- ---------------------------------------------------------------- engines

-- The audience of an engine, whichever of its values is given.
function listeners.of_engine(engine)
  local audience = core.engine_audience(engine)
  if audience then
    audience.weak.engine = engine
    return audience
  end
  -- The engine is not kept by its audience: the value that was used last turns events on and off.
  local weak = setmetatable({ engine = engine }, { __mode = "v" })
  audience = listeners.audience(function(name, on)
    if weak.engine then core.engine_hook(weak.engine, name, on) end
  end)
  audience.weak = weak
  return core.engine_audience(engine, audience)
end

local function on_session(session, name)
  local audience = by_session[session]
  for _, parent in ipairs(audience.parents) do parent:fire(name, session) end
  audience:fire(name, session)
end

local function on_engine(audience, name, ...) audience:fire(name, ...) end

core.event_dispatchers(on_session, on_engine)

return listeners
