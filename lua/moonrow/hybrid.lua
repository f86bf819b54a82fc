-- hybrid.lua: attributes and methods that are one Lua function for objects and for SQL.
--
-- Invariant: in SQL a hybrid is an expression under its own name; what its function gives instead, or raises, is told
-- with the names of class and hybrid.

local core, require = ...
local options = require "moonrow.options"

local hybrid = {}

-- By the expression of a hybrid that update_expr writes: the hybrid's name. One that is only another one is written as
-- that is.
local written = setmetatable({}, { __mode = "k" })

-- ---------------------------------------------------------------- messages

local cure = "expr = function(cls) ... end says what it is in SQL"

local function place(class, name) return string.format("%s.%s", class.__name, name) end

local function fail(class, name, what, ...)
  core.raise("ArgumentError", string.format("%s: " .. what, place(class, name), ...))
end

-- The function that is written for objects has failed for the class.
local function explain(class, name, problem)
  local text = problem
  if type(problem) ~= "string" then
    text = core.errors.Error:is(problem) and string.format("%s: %s", problem.where or "?", problem.message)
      or tostring(problem)
  end
  fail(class, name, "the hybrid's function does not work in SQL: %s (%s)", text, cure)
end

-- Calls the hybrid's function for the class or alias. given.expr is for SQL alone: its error is its own.
local function in_sql(class, name, expr, fn, ...)
  if expr then return expr(...) end
  local result = table.pack(pcall(fn, ...))
  if not result[1] then explain(class, name, result[2]) end
  return table.unpack(result, 2, result.n)
end

-- ---------------------------------------------------------------- in SQL

-- The methods of the comparator, which get the expression that the hybrid is.
local function methods_of(comparator, owner, expression)
  if type(comparator) == "function" then comparator = comparator(owner) end
  local methods = {}
  for name, fn in pairs(comparator) do
    methods[name] = function(_, ...) return fn(expression, ...) end
  end
  return methods
end

local function express(given)
  return function(owner, name, class)
    local value = in_sql(class, name, given.expr, given.get, owner)
    local expression = core.label_of(value, name)
    if expression and given.comparator then
      expression = core.compared(expression, methods_of(given.comparator, owner, expression))
    end
    if expression and given.update_expr then written[expression] = name
    elseif expression and written[value] then written[expression] = written[value] end
    if expression then return expression end
    local kind = type(value)
    if kind == "userdata" or kind == "table" and getmetatable(value) then return value end -- a relationship, a query
    if value == nil then fail(class, name, "the hybrid is nil for the class: %s", cure) end
    if kind == "boolean" then
      fail(class, name, "the hybrid is %s for the class, as ==, and, or, not work in Lua alone: in SQL they are :eq(), "
        .. "&, |, ~ (%s)", tostring(value), cure)
    end
    fail(class, name, "the hybrid is a %s for the class, no expression: %s, and mr.literal(value) makes one of a value",
      kind, cure)
  end
end

-- What a statement writes: the columns that update_expr names, or the one that the hybrid is.
local function spread(given)
  return function(class, name, value)
    if given.update_expr then
      local values = given.update_expr(class, value)
      if type(values) ~= "table" or getmetatable(values) then
        options.expect(place(class, name) .. ": update_expr", "a table of values by attribute from it", values)
      end
      return values
    end
    local expression = in_sql(class, name, given.expr, given.get, class)
    local attribute = expression ~= nil and written[expression] or core.attribute_of(expression)
    if not attribute then
      fail(class, name, "the hybrid is no column, so a statement cannot write it: update_expr = function(cls, value) "
        .. "return { attribute = value } end says what to write")
    end
    return { [attribute] = value }
  end
end

-- ---------------------------------------------------------------- its history

-- What the hybrid is now, and what it was with the attributes as they are in the database; where the function needs
-- more than attributes, that may not be known.
local function history(given)
  return function(object, inspection)
    local before, changed = {}, false
    local function old(_, name)
      local class = core.class_of(object)
      if core.attribute_kind(class, name) == nil then return object[name] end
      local h = inspection:history(name)
      changed = changed or #h.added > 0 or #h.deleted > 0
      local value
      if #h.unchanged > 0 then value = h.unchanged[1]
      elseif #h.deleted > 0 then value = h.deleted[1]
      elseif #h.added == 0 then value = object[name] end
      if value == core.null then return nil end
      return value
    end
    local now = given.get(object)
    local known, was = pcall(given.get, setmetatable(before, { __index = old }))
    local function one(value)
      if value == nil then return { core.null } end
      return { value }
    end
    local new = inspection.transient or inspection.pending
    if not changed or known and was == now then return { added = {}, deleted = {}, unchanged = one(now) } end
    return { added = one(now), deleted = known and not new and one(was) or {}, unchanged = {} }
  end
end

-- ---------------------------------------------------------------- declaring

local known = { "get", "set", "expr", "comparator", "update_expr" }

local function check(what, given, name)
  if given[name] ~= nil then options.check_callable(what .. ": " .. name, given[name]) end
end

-- mr.hybrid(get), mr.hybrid{ get =, set =, expr =, comparator =, update_expr = }
function hybrid.attribute(...)
  local given, get = options.read("hybrid", known, 1, ...)
  if get ~= nil then given.get = get end
  if given.get == nil then options.expect("hybrid: get", "a function of an object, or of the class", nil) end
  for _, name in ipairs{ "get", "set", "expr", "update_expr" } do check("hybrid", given, name) end
  local comparator = given.comparator
  local plain = type(comparator) == "table" and not getmetatable(comparator)
  if comparator ~= nil and type(comparator) ~= "function" and not plain then
    options.expect("hybrid: comparator", "a table of methods, { eq = function(expression, value) ... end }", comparator)
  end
  if type(comparator) == "table" then
    for name, fn in pairs(comparator) do options.check_callable("hybrid: comparator." .. tostring(name), fn) end
  end
  given.history = history(given)
  return core.descriptor("hybrid", false, given.get, given.set, express(given), spread(given), given)
end

-- mr.hybrid_method(fn), mr.hybrid_method{ fn, expr = }
function hybrid.method(...)
  local given, fn = options.read("hybrid_method", { "expr" }, 1, ...)
  options.check_callable("hybrid_method", fn)
  check("hybrid_method", given, "expr")
  local function express_method(_, name, class)
    return function(...) return in_sql(class, name, given.expr, fn, ...) end
  end
  return core.descriptor("hybrid method", "method", fn, nil, express_method, function(class, name)
    fail(class, name, "a hybrid method is no column, and cannot be written")
  end, given)
end

return hybrid
