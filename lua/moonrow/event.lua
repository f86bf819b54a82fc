-- event.lua: mr.event: listening to sessions, classes, attributes and engines.
--
-- Lua knows who listens: to classes and attributes in class_listeners.lua, to sessions and engines in listeners.lua.
-- C (src/bind/event) only brings the core's events here.
--
-- Invariant: a listener is refused when it is made, not when the event comes: name, target and options are
-- checked here.

local core, require = ...
local options = require "moonrow.options"
local class_listeners = require "moonrow.class_listeners"
local listeners = require "moonrow.listeners"
local session = require "moonrow.session"

local event = {}

-- What each event is of: before_flush = "session", load = "class", set = "attribute", connect = "engine", ...
local kinds = core.event_kinds()

local targets = {
  session = "a Session, a sessionmaker, a scoped_session or a Database",
  engine = "an Engine or a Database",
}

local function is_database(target)
  local meta = type(target) == "table" and getmetatable(target)
  return type(meta) == "table" and rawget(meta, "__name") == "Database"
end

-- The listeners of a session or an engine: a value with add, remove and contains.
local function audience_of(kind, what, target, name)
  if is_database(target) then target = kind == "session" and target.session or target.engine end
  if kind == "engine" and core.type_name(target) == "Engine" then return listeners.of_engine(target) end
  if kind == "session" then
    local family = session.family_of(target)
    if family then return family end
    if core.type_name(target) == "Session" then return listeners.of_session(target) end
  end
  options.expect(string.format("%s: '%s' is an event of %ss", what, name, kind), targets[kind], target)
end

-- The events of what the target is, or of everything: " (known are ...)".
local function known_events(target)
  local shown = core.type_name(target)
  local of = shown == "Engine" and "engine" or (shown == "Session" or session.family_of(target)) and "session"
    or (shown == "Expression" or shown == "Relationship") and "attribute" or core.class_parts(target) ~= nil and "class"
  local names = {}
  for event_name, kind in pairs(kinds) do
    if not of or kind == of then names[#names + 1] = event_name end
  end
  table.sort(names)
  return string.format(" (known are %s)", table.concat(names, ", "))
end

-- Checks the arguments that all three functions have; returns what the event is of.
local function check(what, target, name, fn)
  if type(name) ~= "string" then options.expect(what .. ": the event's name", "a string", name) end
  options.check_callable(what .. ": the listener", fn)
  local kind = kinds[name]
  if not kind then
    local near = core.hint(name, kinds)
    core.raise("ArgumentError",
      string.format("%s: there is no event '%s'%s", what, name, near ~= "" and near or known_events(target)))
  end
  if not targets[kind] and is_database(target) then
    local cure = kind == "class" and "%s: '%s' is an event of classes: listen to db.Model for all of them"
      or "%s: '%s' is an event of attributes: listen to Class.attribute"
    core.raise("ArgumentError", string.format(cure, what, name))
  end
  return kind
end

local known = { "once", "retval", "propagate" }

-- Raises where the function was called with a colon.
local function refuse_self(what, first)
  if rawequal(first, event) then
    core.raise("ArgumentError", string.format("%s is called with a dot: mr.%s(target, name, fn)", what, what))
  end
end

-- event.listen(target, name, fn, { once =, retval =, propagate = }): calls fn at each event (once: at the next
-- one alone). retval: what fn returns replaces the value that is set or appended. propagate: for a class, or an
-- attribute of one, also for the classes that inherit from it; what has no table of its own (a base, a mixin, an
-- attribute that one declares) always reaches all that come from it, now and later.
function event.listen(...)
  refuse_self("event.listen", ...)
  local given, target, name, fn = options.read("event.listen", known, 3, ...)
  local kind = check("event.listen", target, name, fn)
  local once = options.typed("event.listen", given, "once", "boolean")
  local retval = options.typed("event.listen", given, "retval", "boolean")
  if retval and (kind ~= "attribute" or name == "remove") then
    core.raise("ArgumentError",
      string.format("event.listen: retval is for 'set' and 'append' of attributes, not for '%s'", name))
  end
  local propagate = options.typed("event.listen", given, "propagate", "boolean")
  if propagate ~= nil and kind ~= "class" and kind ~= "attribute" then
    core.raise("ArgumentError",
      string.format("event.listen: propagate is for classes and their attributes, not for '%s'", name))
  end
  if kind == "class" and (session.family_of(target) or core.type_name(target) == "Session") then
    core.raise("ArgumentError",
      string.format("event.listen: '%s' is an event of mapped classes, not of sessions", name))
  end
  if kind == "class" or kind == "attribute" then
    class_listeners.add(kind, target, name, fn, given)
  else
    audience_of(kind, "event.listen", target, name):add(name, fn, once)
  end
end

-- event.contains(target, name, fn): does fn listen?
function event.contains(...)
  refuse_self("event.contains", ...)
  local _, target, name, fn = options.read("event.contains", {}, 3, ...)
  local kind = check("event.contains", target, name, fn)
  if kind == "class" or kind == "attribute" then return class_listeners.contains(kind, target, name, fn) end
  return audience_of(kind, "event.contains", target, name):contains(name, fn)
end

-- event.remove(target, name, fn): fn is not called any more.
function event.remove(...)
  refuse_self("event.remove", ...)
  local _, target, name, fn = options.read("event.remove", {}, 3, ...)
  local kind = check("event.remove", target, name, fn)
  local found
  if kind == "class" or kind == "attribute" then
    found = class_listeners.remove(kind, target, name, fn)
  else
    found = audience_of(kind, "event.remove", target, name):remove(name, fn)
  end
  if not found then
    core.raise("InvalidRequestError",
      string.format("event.remove: this function does not listen to '%s' of this target", name))
  end
end

-- event.listens_for(target, name, options)(fn): the same as listen, as a function that takes the listener.
function event.listens_for(...)
  refuse_self("event.listens_for", ...)
  local given, target, name = options.read("event.listens_for", known, 2, ...)
  return function(fn)
    event.listen(target, name, fn, given)
    return fn
  end
end

return setmetatable(event, {
  __index = function(_, name)
    name = tostring(name)
    local cure = (name == "on" or name == "add" or name == "bind") and ": it is mr.event.listen(target, name, fn)"
    core.raise("ArgumentError", string.format("mr.event has no name '%s'%s", name, cure or core.hint(name, event)))
  end,
})
