-- class_listeners.lua: who listens to classes and attributes. A target may have no objects of its own: a base without
-- a table, a mixin, a column or relationship that one of these declares. Its listeners listen to each mapped class that
-- comes from it.
--
-- Invariant: a target, an attribute, an event and a function have one listener at most. A class hears of the listeners
-- that were there before it, in the order of listening, from its declaration on. Where memory ends, or a debug hook
-- raises, a listener may be left half attached: it is not `ready`, counts as none, and goes with the next question for
-- it.

local core = ...

local class_listeners = {}

local all = {} -- the listeners, in the order of listening; replaced, never changed in place
local classes = {} -- the mapped classes, in the order of declaration
local watchers = {} -- functions that are called for each mapped class when it is declared

-- All that allocates comes before the first change.
local function forget(listener)
  local others = {}
  for _, other in ipairs(all) do
    if other ~= listener then others[#others + 1] = other end
  end
  local hooks = listener.hooks
  listener.ready = false
  for place = #hooks, 1, -1 do
    if hooks[place] then core.unlisten(hooks[place]) end
    hooks[place] = nil
  end
  all = others
end

-- The listener, or nil. A listener that is not ready goes. Values are compared by rawequal: those of a program may have
-- __eq.
local function find(target, attribute, name, fn)
  for _, listener in ipairs(all) do
    if rawequal(listener.target, target) and listener.attribute == attribute and listener.name == name
      and rawequal(listener.fn, fn) then
      if listener.ready then return listener end
      return forget(listener)
    end
  end
end

-- How a message calls what an attribute holds, and the events that come to it.
local holders = {
  column = { "a column", "set" },
  reference = { "one object", "set" },
  list = { "a list", "append", "remove" },
}

-- The message where the event never comes to the attribute; nil where it comes, or may come.
local function misfit(what, class, attribute, name)
  local holder = holders[core.attribute_kind(class, attribute)]
  if not holder or holder[2] == name or holder[3] == name then return end
  return string.format("%s: '%s' is no event of %s.%s, which is %s: listen to '%s'",
    what, name, class.__name, attribute, holder[1], table.concat(holder, "' and '", 2))
end

local function attach(listener, class, attribute)
  if attribute then listener.class, listener.name_there = class, attribute end -- the last place says it for all
  local hooks = listener.hooks
  local place = #hooks + 1
  hooks[place] = false -- room for the hook, so that no hook is lost where memory ends
  hooks[place] = core.listen(class, attribute, listener.name, listener.call, listener.retval, listener.propagate)
end

-- ---------------------------------------------------------------- targets without objects of their own

-- The list of what a class is made of besides its own body and its mapped bases.
local function sources(class)
  local list = {}
  while class do
    local _, base, mixins = core.class_parts(class)
    for _, mixin in ipairs(mixins or {}) do list[#list + 1] = mixin end
    class = base
    if class and not core.class_parts(class) then list[#list + 1] = class end
  end
  return list
end

-- The name under which the source, a mixin or a base without a table, declares the column or relationship; or nil.
local function declared_name(source, declaration)
  local body = source
  if type(source) ~= "table" then body = select(4, core.class_parts(source)) end
  for name, value in next, body or {} do
    if type(name) == "string" and rawequal(value, declaration) then return name end
  end
end

-- Has the class hear of the listener, if the class comes from the listener's target.
local function reach(listener, class)
  for _, source in ipairs(sources(class)) do
    local attribute
    local comes_from = rawequal(source, listener.target)
    if listener.of_attribute then
      attribute = declared_name(source, listener.target)
      local kind = attribute and core.attribute_kind(class, attribute)
      comes_from = kind ~= nil and kind ~= "column" or (kind and listener.name == "set")
    end
    if comes_from then
      listener.heard = true
      return attach(listener, class, attribute)
    end
  end
end

local function attach_everywhere(listener)
  if listener.mapped then return attach(listener, listener.target, listener.attribute) end
  for _, class in ipairs(classes) do reach(listener, class) end
end

local function on_declared(class)
  classes[#classes + 1] = class
  for _, listener in ipairs(all) do
    if listener.ready and not listener.mapped then reach(listener, class) end
  end
  for _, fn in ipairs(watchers) do fn(class) end
end

-- A table that is no class, and of no class's body, has no objects and no events: its listener would wait forever.
local function before_configure()
  for _, listener in ipairs(all) do
    if listener.ready and not listener.mapped and not listener.heard and not listener.of_attribute
      and type(listener.target) == "table" then
      core.raise("MappingError", string.format("event.listen: the table that '%s' is listened to on is no class, "
        .. "and no class has it as a mixin: listen to the class, or name the table in the array part of a class's body",
        listener.name))
    end
  end
end

-- Whether a relationship is a list may be known only now.
local function after_configure()
  for _, listener in ipairs(all) do
    local problem = listener.ready and listener.class
      and misfit("event.listen", listener.class, listener.name_there, listener.name)
    if problem then
      forget(listener)
      core.raise("MappingError", problem)
    end
  end
end

core.watch_classes(on_declared, before_configure, after_configure)

-- ---------------------------------------------------------------- for mr.event

-- What the target stands for: a class and an attribute's name, or the target itself, which has no objects of its own.
-- Raises for a value that has no events of the kind. Returns target, attribute, mapped.
local function read_target(what, kind, target, name)
  local class, attribute = core.listener_target(what, kind == "attribute", target)
  if not class then return target, nil, false end
  local problem = attribute and misfit(what, class, attribute, name)
  if problem then core.raise("ArgumentError", problem) end
  return class, attribute, true
end

-- class_listeners.add(kind, target, name, fn, given): fn listens once, with the options given last: once, retval,
-- propagate. kind: "class" or "attribute".
function class_listeners.add(kind, target, name, fn, given)
  local place, attribute, mapped = read_target("event.listen", kind, target, name)
  if not mapped and given.propagate == false then
    core.raise("ArgumentError", "event.listen: propagate = false leaves nothing to listen to: a base without a table, "
      .. "or a mixin, has no objects but those of the classes that come from it")
  end
  local once, retval, propagate = given.once or false, given.retval or false, given.propagate or false
  local before = find(place, attribute, name, fn)
  if before then
    if before.once == once and before.retval == retval and before.propagate == propagate then return end
    forget(before)
  end
  local listener = {
    target = place, attribute = attribute, mapped = mapped, of_attribute = kind == "attribute", name = name, fn = fn,
    call = fn, once = once, retval = retval, propagate = propagate, hooks = {}, ready = false,
  }
  if once then
    listener.call = function(...)
      forget(listener)
      return fn(...)
    end
  end
  local longer = table.move(all, 1, #all, 1, {})
  longer[#longer + 1] = listener
  all = longer
  local ok, problem = pcall(attach_everywhere, listener)
  local unheard = ok and listener.class and misfit("event.listen", listener.class, listener.name_there, name)
  if not ok or unheard then forget(listener) end
  if unheard then core.raise("ArgumentError", unheard) end
  if not ok then error(problem, 0) end
  listener.ready = true
end

-- class_listeners.classes(): the mapped classes, in the order of declaration. The list is not to be changed.
function class_listeners.classes() return classes end

-- class_listeners.comes_from(class, source): is the source, a mixin or a base without a table, a part of the class?
function class_listeners.comes_from(class, source)
  for _, other in ipairs(sources(class)) do
    if rawequal(other, source) then return true end
  end
  return false
end

-- class_listeners.watch(fn): fn(class) is called for each mapped class, when it is declared.
function class_listeners.watch(fn) watchers[#watchers + 1] = fn end

-- class_listeners.contains(kind, target, name, fn): does fn listen?
function class_listeners.contains(kind, target, name, fn)
  local place, attribute = read_target("event.contains", kind, target, name)
  return find(place, attribute, name, fn) ~= nil
end

-- class_listeners.remove(kind, target, name, fn): fn is not called any more. Did it listen?
function class_listeners.remove(kind, target, name, fn)
  local place, attribute = read_target("event.remove", kind, target, name)
  local listener = find(place, attribute, name, fn)
  if listener then forget(listener) end
  return listener ~= nil
end

return class_listeners
