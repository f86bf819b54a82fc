-- loader_criteria.lua: with_loader_criteria, a criterion for the rows of a class, or of each class that comes from a
-- mixin or base, wherever a query reads them; and the criteria that all queries of a session get.
--
-- Invariant: what stands for a mixin or base is told class by class when it is used, so that a class that was declared
-- since is not missed. (As in SQLAlchemy, where the function is called for each class.)

local core, require = ...
local options = require "moonrow.options"
local class_listeners = require "moonrow.class_listeners"

local loader_criteria = {}

local known = { "include_aliases", "propagate_to_loaders" }

-- What with_loader_criteria gives: turned into an option of the core when a query gets it.
local Criteria = { __name = "LoaderOption" }

-- An expression has a __call, which tells how to write it.
local function is_function(value) return options.is_callable(value) and core.type_name(value) ~= "Expression" end

local function criterion_for(given, class)
  if not is_function(given) then return given end
  local made = given(class)
  if made == nil then
    local what = string.format("with_loader_criteria: what the function gives for %s", class.__name)
    options.expect(what, "a criterion", made)
  end
  return made
end

local function add(option, criteria, class, passes_on)
  local criterion = criterion_for(criteria.criterion, class)
  return core.loader_criterion(option, class, criterion, criteria.aliases, passes_on)
end

-- Adds the criteria of each class to the option, which may be nil. passes_on: do objects keep them for later loads?
local function extend(option, criteria, passes_on)
  if criteria.mapped then return add(option, criteria, criteria.target, passes_on) end
  for _, class in ipairs(class_listeners.classes()) do
    if class_listeners.comes_from(class, criteria.target) then option = add(option, criteria, class, passes_on) end
  end
  return option
end

-- The option for a query; one without criteria where no class comes from the mixin.
function Criteria:__loader_option() return extend(core.loader_criterion(), self, self.passes_on) end

-- mr.with_loader_criteria(Class, criterion or function(class), { include_aliases =, propagate_to_loaders = })
function core.with_loader_criteria(...)
  local given, target, criterion = options.read("with_loader_criteria", known, 2, ...)
  local mapped = core.is_mapped(target)
  local is_mixin = type(target) == "table" and not getmetatable(target)
  if not mapped and not is_mixin and core.class_parts(target) == nil then
    options.expect("with_loader_criteria", "a class, or a base or mixin of classes", target)
  end
  if not mapped and not is_function(criterion) then
    local what = "with_loader_criteria: the criterion of a base or mixin"
    options.expect(what, "a function that is given each class", criterion)
  end
  local aliases = options.typed("with_loader_criteria", given, "include_aliases", "boolean")
  local passes_on = options.typed("with_loader_criteria", given, "propagate_to_loaders", "boolean")
  local made = setmetatable({
    target = target, mapped = mapped, criterion = criterion,
    aliases = aliases == true, passes_on = passes_on ~= false,
  }, Criteria)
  if mapped then -- a mistake is told here
    made.criterion = criterion_for(criterion, target)
    extend(nil, made, true)
  end
  return made
end

-- ---------------------------------------------------------------- sessions

local sessions = setmetatable({}, { __mode = "k" }) -- the list of criteria of each session that has some

-- The session reads through the criteria itself: its objects do not keep them.
local function tell(session, list)
  local option
  for _, criteria in ipairs(list) do option = extend(option, criteria, false) end
  core.session_criteria(session, option)
end

-- loader_criteria.check(what, list): raises where the option criteria is no list of with_loader_criteria(...).
function loader_criteria.check(what, list)
  if list == nil then return end
  if type(list) ~= "table" or getmetatable(list) then
    options.expect(what .. ": criteria", "a list of with_loader_criteria(...)", list)
  end
  for name, value in pairs(list) do
    if math.type(name) ~= "integer" or getmetatable(value) ~= Criteria then
      options.expect(what .. ": criteria", "a list of with_loader_criteria(...)", value)
    end
  end
end

-- loader_criteria.adopt(session, list): all queries of the session get the criteria. Returns the session.
function loader_criteria.adopt(session, list)
  if list and #list > 0 then
    list = table.move(list, 1, #list, 1, {})
    tell(session, list)
    sessions[session] = list
  end
  return session
end

class_listeners.watch(function()
  for session, list in pairs(sessions) do
    if core.is_open(session) then tell(session, list) end
  end
end)

return loader_criteria
