-- session.lua: making sessions: mr.Session, mr.sessionmaker, and mr.scoped_session, which has one session
-- for each scope and forwards to it.
--
-- Invariant: a scoped session keeps no scope alive (its registry is keyed weakly), and a session no longer
-- than its scope.

local core, require = ...
local options = require "moonrow.options"
local app = require "moonrow.app"
local block = require "moonrow.block"
local listeners = require "moonrow.listeners"
local loader_criteria = require "moonrow.loader_criteria"

local session = {}

local known = { "bind", "autoflush", "expire_on_commit", "autocommit", "info", "class_", "lazy", "batch", "criteria",
  "timeout" }

local begin_options = { "mode", "isolation_level", "read_only" }

local function merged(base, over)
  local result = {}
  for name, value in pairs(base) do result[name] = value end
  for name, value in pairs(over) do result[name] = value end
  return result
end

-- The options that a session's maker keeps until it makes one are looked at when they are given.
local function check(what, given)
  local bind, class = given.bind, given.class_
  if bind ~= nil and core.type_name(bind) ~= "Engine" then
    local meta = type(bind) == "table" and getmetatable(bind)
    local cure = type(bind) == "string" and " (mr.create_engine(url) makes one)"
      or type(meta) == "table" and meta.__name == "Database" and " (a database has one: db.engine)" or ""
    options.expect(what .. ": bind", "an Engine" .. cure, bind)
  end
  if class ~= nil then options.check_callable(what .. ": class_", class) end
  for _, name in ipairs{ "autoflush", "expire_on_commit" } do options.typed(what, given, name, "boolean") end
  options.typed(what, given, "info", "table")
  options.typed(what, given, "lazy", "string")
  options.typed(what, given, "batch", "table")
  if given.lazy ~= nil or given.batch ~= nil then
    core.check_lazy{ lazy = given.lazy or "batch", batch = given.batch } -- a maker may have the other one
  end
  local timeout = given.timeout
  if timeout ~= nil and timeout ~= false and not (type(timeout) == "number" and timeout > 0) then
    options.expect(what .. ": timeout", "seconds above 0, or false", timeout)
  end
  loader_criteria.check(what, given.criteria)
  return given
end

local function make(given)
  local info, bind = given.info, given.bind
  local made = (given.class_ or core.Session)(bind, {
    autoflush = given.autoflush,
    expire_on_commit = given.expire_on_commit,
    lazy = given.lazy,
    batch = given.batch,
    info = info and merged(info, {}), -- each session has its own
    timeout = given.timeout,
  })
  return loader_criteria.adopt(made, given.criteria)
end

local function read(what, ...)
  local given, engine = options.read(what, known, 1, ...)
  check(what, given)
  if engine ~= nil and given.bind ~= nil and given.bind ~= engine then
    core.raise("ArgumentError", what .. ": two engines are given, one by itself and one as the option bind")
  end
  if engine ~= nil then given.bind = engine end
  -- A word of old versions of SQLAlchemy: false means what always holds here.
  if given.autocommit ~= nil and given.autocommit ~= false then
    core.raise("ArgumentError", what .. ": autocommit = true is not supported: a session begins a"
      .. " transaction with its first write, and commit ends it")
  end
  return check(what, given)
end

-- mr.Session(engine, { autoflush =, expire_on_commit =, info =, criteria =, timeout = })
function session.new(...) return make(read("Session", ...)) end

-- ---------------------------------------------------------------- sessionmaker

local Maker = { __name = "sessionmaker" }
Maker.__index = Maker

-- maker(options): a session with the maker's options, and these over them; its info has the entries of both.
function Maker:__call(...)
  local given = read("sessionmaker", ...)
  local info = options.typed("sessionmaker", given, "info", "table")
  if info and self.options.info then given.info = merged(self.options.info, info) end
  return listeners.adopt(self.listeners, make(merged(self.options, given)))
end

-- maker:configure{ bind = engine }: for the sessions made from now on.
function Maker:configure(...) self.options = merged(self.options, read("sessionmaker:configure", ...)) end

-- maker:begin(fn, options): fn with a new session in a transaction, as session:begin(fn, options); the session is
-- closed at the end.
function Maker:begin(...)
  local given, fn = options.read("begin", begin_options, 1, ...)
  options.check_callable("begin", fn)
  local s <close> = self()
  return block.run(function() s:close() end, s.begin, s, fn, given)
end

function Maker:__tostring() return string.format("<sessionmaker bind=%s>", tostring(self.options.bind)) end

-- mr.sessionmaker{ bind = engine, autoflush = false }
function session.maker(...)
  return setmetatable({ options = read("sessionmaker", ...), listeners = listeners.family() }, Maker)
end

-- ---------------------------------------------------------------- scoped_session

local states = setmetatable({}, { __mode = "k" }) -- by scoped session
local methods = {}
local is_open = core.is_open

local function state_of(self, name)
  local state = states[self]
  if state then return state end
  core.raise("ArgumentError",
    string.format("%s is a method of a session: call it with a colon, session:%s(...)", name, name))
end

-- The session of a scope that has one which was not closed.
local function open_session(state, key)
  local current = state.registry[key]
  if current ~= nil and is_open(current) then return current end
end

local function new_session(state, key, ...)
  local made = state.factory(...)
  if made == nil then options.expect("scoped_session: what the factory makes", "a session", made) end
  state.registry[key] = listeners.adopt(state.listeners, made)
  return made
end

-- The scope's session, made when there is none.
local function session_of(state)
  local key = state.scopefunc()
  if key == nil then
    core.raise("InvalidRequestError", "the scopefunc of a scoped session returned nil: it must name a scope")
  end
  local current = state.registry[key]
  if current ~= nil and is_open(current) then return current end
  return new_session(state, key)
end

-- scoped:remove(): closes the scope's session, if there is one; the next use makes a new one.
function methods:remove(...)
  local state = state_of(self, "remove")
  if select("#", ...) > 0 then
    core.raise("ArgumentError",
      "remove takes no argument: it ends the session of the scope (an object is deleted by session:delete(object))")
  end
  local key = state.scopefunc()
  local current = key ~= nil and state.registry[key]
  if not current then return end
  if app.is_done(key) then core.warn_uncommitted(current) end
  -- Closed first: one that is interrupted in between is found again, closed or not.
  local ok, failure = pcall(current.close, current)
  core.fill_place(state.place)
  if state.registry[key] == current then state.registry[key] = nil end
  if not ok then error(failure, 0) end
end

-- scoped:configure{ ... }: for the sessions made from now on.
function methods:configure(...)
  local state = state_of(self, "configure")
  local key = state.scopefunc()
  if warn and key ~= nil and open_session(state, key) then
    warn("moonrow: this scope has a session already, which configure does not change")
  end
  local factory = state.factory
  if type(factory) == "function" or not options.is_callable(factory.configure) then
    core.raise("InvalidRequestError", "configure: the sessions of this scoped_session are made by a function of the "
      .. "program's, which has no options: give scoped_session a sessionmaker, or have the function give them")
  end
  factory:configure(...)
end

-- scoped:has(): is there a session in this scope?
function methods:has()
  local state = state_of(self, "has")
  local key = state.scopefunc()
  return key ~= nil and open_session(state, key) ~= nil
end

-- scoped:_engine(): the engine of the scope's session, or the one that a new session would get; nil where that is not
-- known. For what prints SQL: no session is made.
function methods:_engine()
  local state = state_of(self, "_engine")
  local key = state.scopefunc()
  local current, factory = key ~= nil and open_session(state, key), state.factory
  if current then return current.bind end
  if getmetatable(factory) == Maker then return factory.options.bind end
  local late = type(factory) == "table" and rawget(factory, "late_bind") -- database.lua
  return late and late() or nil
end

-- scoped:query_property(query_class): what Base.query is set to.
function methods:query_property(query_class)
  options.query_class("query_property", query_class)
  return setmetatable({ session = self, query_class = query_class }, { __name = "query_property" })
end

-- Remembers the scope's session for the calls that come, where it is known for how long it is that.
local function remember(state, current)
  if state.scopefunc ~= app.scope_key then return end
  local settled, anywhere = app.is_settled()
  core.fill_place(state.place, settled and current or nil, anywhere, state.scoped)
end

-- A method of the session, forwarded: by the core while it is known which session that is. _session, which the
-- binding asks for where a session is wanted, gives the session itself.
local function forwarder(state, name)
  local function ask(self, ...)
    local own = states[self] or state_of(self, name)
    local current = session_of(own)
    remember(own, current)
    if name == "_session" then return current end
    return current[name](current, ...)
  end
  local method = name == "_session" and core.itself or core.session_methods[name]
  return method and core.forwarder(method, state.scoped, state.place, ask) or ask
end

local Scoped = { __name = "scoped_session" }

-- A field of the session is set there. A function in the place of a method is a spy or a stub of a test's: it stays
-- with the scoped session, until it is set back.
function Scoped:__newindex(name, value)
  if (methods[name] or core.session_methods[name]) and options.is_callable(value) then
    states[self].found[name] = value
  else
    session_of(states[self])[name] = value
  end
end

-- scoped(options): the scope's session; options are for one that does not exist yet.
function Scoped:__call(...)
  local state = states[self]
  if select("#", ...) == 0 then return session_of(state) end
  local meta = type((...)) == "table" and getmetatable((...))
  if type(meta) == "table" and meta.__name == "Database" then
    core.raise("ArgumentError",
      "db.session is the session: write db.session:query(...), without a colon before session")
  end
  local key = state.scopefunc()
  if key ~= nil and open_session(state, key) then
    core.raise("InvalidRequestError",
      "this scope has a session already: options are for a new one (call :remove() first)")
  end
  return new_session(state, key, ...)
end

function Scoped:__tostring()
  local state = states[self]
  local key = state.scopefunc()
  local current = key ~= nil and open_session(state, key)
  if not current then return "<scoped_session>" end
  return string.format("<scoped_session %s>", tostring(current))
end

-- What a scoped session is indexed by. A method stays here once it was found, where Lua reads it without a
-- call; what the session's fields hold is asked for each time.
local function index_of(state)
  state.found = setmetatable({}, { __index = function(found, name)
    local method = methods[name]
    if not method then
      local value = name ~= "_session" and session_of(state)[name]
      if name ~= "_session" and type(value) ~= "function" then return value end
      method = forwarder(state, name)
    end
    found[name] = method
    return method
  end })
  return state.found
end

-- mr.scoped_session(factory, { scopefunc = f })
function session.scoped(...)
  local given, factory = options.read("scoped_session", { "scopefunc" }, 1, ...)
  if not options.is_callable(factory) then
    options.expect("scoped_session", "a sessionmaker (or a function that makes a session)", factory)
  end
  if given.scopefunc ~= nil then options.check_callable("scoped_session: scopefunc", given.scopefunc) end
  local state = {
    factory = factory,
    scopefunc = given.scopefunc or app.scope_key,
    registry = setmetatable({}, { __mode = "k" }),
    listeners = listeners.family(),
    place = core.place(),
  }
  local scoped = setmetatable({}, merged(Scoped, { __index = index_of(state) }))
  state.scoped = scoped
  states[scoped] = state
  return scoped
end

-- session.rest(scoped): its sessions give back the connections that they only keep at hand.
function session.rest(scoped)
  for _, current in pairs(states[scoped].registry) do core.rest(current) end
end

-- session.family_of(value): the listeners of a sessionmaker or scoped_session; nil for anything else.
function session.family_of(value)
  local meta = type(value) == "table" and getmetatable(value)
  if meta == Maker then return value.listeners end
  return states[value] and states[value].listeners
end

return session
