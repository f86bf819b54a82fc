-- composite.lua: several columns as one value of a class of the program's.
--
-- Invariant: the columns say what the value is. An object gives the same value as long as its columns and the value
-- agree; what the program changes inside of a value is written into the columns, at the next read or flush. Of a column
-- that was set otherwise, too, what was said last counts. All columns of a value are set, or none.

local core, require = ...
local options = require "moonrow.options"

local composite = {}
local null = core.null

-- By object, by declaration: the value that the object has given; what that stood for then; what the columns had.
local held = setmetatable({}, { __mode = "k" })

local function fail(place, what, ...)
  core.raise("ArgumentError", string.format("%s: " .. what, place, ...))
end

local function place(class, name) return string.format("%s.%s", class.__name, name) end

-- ---------------------------------------------------------------- what a value has for its columns

-- Calls the value's own function: its results, or the list that it returns.
local function by_method(spec, value)
  local method = value.__composite_values
  if method == nil then return nil end
  local values = table.pack(method(value))
  local list = values[1]
  if values.n == 1 and spec.n > 1 and type(list) == "table" and getmetatable(list) == nil then
    values = table.pack(table.unpack(list, 1, math.max(#list, spec.n)))
  end
  return values
end

local function by_fields(spec, value)
  local values, any = { n = spec.n }, false
  for i, name in ipairs(spec) do
    values[i] = value[name]
    any = any or values[i] ~= nil
  end
  return any and values
end

-- The values that the value stands for, as a list with n; raises for what is none. where: the place for the message, or
-- the object whose attribute it is.
local function values_of(spec, where, value)
  local kind, values = type(value), nil
  if spec.values then values = table.pack(spec.values(value))
  elseif kind == "table" or kind == "userdata" and value ~= null and core.type_name(value) == "userdata" then
    values = by_method(spec, value) or kind == "table" and getmetatable(value) ~= nil and by_fields(spec, value)
  end
  if type(where) == "userdata" and (not values or values.n > spec.n) then
    where = place(core.class_of(where), spec.name)
  end
  if not values then
    options.expect(where, string.format("a value of its class, with a method __composite_values that returns %s",
      table.concat(spec, ", ")), value)
  end
  if values.n > spec.n then
    fail(where, "the value gives %d values, and there are %d columns (%s)", values.n, spec.n, table.concat(spec, ", "))
  end
  for i = 1, spec.n do
    if values[i] == null then values[i] = nil end
  end
  values.n = spec.n
  return values
end

local function agree(a, b, n)
  for i = 1, n do
    if a[i] ~= b[i] then return false end
  end
  return true
end

-- ---------------------------------------------------------------- objects

-- By value: the objects that have given it. An object lives as long as its values do.
local owners = setmetatable({}, { __mode = "k" })

local function can_change(value) return type(value) == "table" or type(value) == "userdata" end

local function forget(object, spec)
  local all = held[object]
  local entry = all and all[spec]
  if not entry then return end
  all[spec] = nil
  for _, other in pairs(all) do
    if rawequal(other.value, entry.value) then return end
  end
  local of = can_change(entry.value) and owners[entry.value]
  if of then of[object] = nil end
end

-- The object has the value now, whose own values are given, and its columns have the values in columns.
local function hold(object, spec, value, given, columns)
  forget(object, spec)
  local all = held[object]
  if not all then
    all = {}
    held[object] = all
  end
  all[spec] = { value = value, given = given, columns = columns, lost = {} }
  if can_change(value) then
    owners[value] = owners[value] or {}
    owners[value][object] = true
  end
  core.show_composite(object, spec)
end

-- What the columns have, and whether one has anything.
local function columns_of(object, spec)
  local columns, any = {}, false
  for i, name in ipairs(spec) do
    columns[i] = object[name]
    any = any or columns[i] ~= nil
  end
  return columns, any
end

-- Writes what the program has changed inside of the value that the object has given: into the columns that it shows,
-- each for itself, so that what was set otherwise since stays.
local function note_edits(object, spec, entry, standing)
  local now = values_of(spec, object, entry.value)
  if agree(now, entry.given, spec.n) then return end
  local names, values, places = {}, {}, {}
  for i = 1, spec.n do
    if now[i] ~= entry.given[i] and not entry.lost[i] and standing:sub(i, i) == "s" then
      places[#places + 1] = i
      names[#places], values[#places] = spec[i], now[i]
    end
  end
  if #places == 0 then return end
  core.set_together(object, names, values, #places)
  for _, i in ipairs(places) do entry.given[i], entry.columns[i] = now[i], object[spec[i]] end
end

-- Looks at the columns that were read again: where the row still has what it had, the value shows them. The others are
-- not those of the value any more, whatever becomes of them later; returns the attribute of one that was changed inside
-- of the value, too.
local function show_again(object, spec, entry, standing)
  local again, changed, now = {}, nil, nil
  for i = 1, spec.n do
    if standing:sub(i, i) ~= "s" and not entry.lost[i] then
      if object[spec[i]] == entry.columns[i] then again[#again + 1] = spec[i]
      else
        now = now or values_of(spec, object, entry.value)
        if now[i] ~= entry.given[i] then changed = spec[i] end
        entry.lost[i] = true
      end
    end
  end
  if #again > 0 then core.show_composite(object, again) end
  return changed
end

-- Does the object have the value still, whose edits have been noted?
local function is_same(object, spec, entry, columns)
  return not entry.behind and next(entry.lost) == nil and agree(columns, entry.columns, spec.n)
    and agree(values_of(spec, object, entry.value), entry.given, spec.n)
end

local function read(spec)
  return function(object)
    local entry = held[object] and held[object][spec]
    local standing = entry and core.composite_standing(object, spec)
    if standing then
      show_again(object, spec, entry, standing)
      note_edits(object, spec, entry, core.composite_standing(object, spec))
    end
    local columns, any = columns_of(object, spec)
    entry = held[object] and held[object][spec]
    if entry and is_same(object, spec, entry, columns) then
      core.show_composite(object, spec)
      return entry.value
    end
    if not any then
      forget(object, spec)
      return nil
    end
    local value = spec.class(table.unpack(columns, 1, spec.n))
    hold(object, spec, value, values_of(spec, object, value), columns)
    return value
  end
end

local function set(spec)
  return function(object, value)
    local none = value == nil or value == null
    local given = none and {} or values_of(spec, object, value)
    local before = held[object] and held[object][spec]
    if before then held[object][spec] = nil end -- what was changed inside of it is overwritten
    local ok, err = pcall(core.set_together, object, spec, given, spec.n)
    if before then held[object][spec] = before end
    if not ok then error(err, 0) end
    if none then forget(object, spec)
    else hold(object, spec, value, given, (columns_of(object, spec))) end
  end
end

-- Was something changed inside of the value that an expired column would have?
local function is_changed_after(spec, object, entry, standing)
  local now = values_of(spec, object, entry.value)
  for i = 1, spec.n do
    if now[i] ~= entry.given[i] and not entry.lost[i] and standing:sub(i, i) == "e" then return true end
  end
  return false
end

-- How the columns stand to the value, after those that were read again have been looked at. In a flush, the row is read
-- for what was changed inside of a value after its columns had expired.
local function look(object, spec, entry, session, flushing)
  local standing = core.composite_standing(object, spec, session)
  if not standing or not standing:find("[er]") then return standing end
  local expired = standing:find("e", 1, true) ~= nil
  if expired and not (flushing and is_changed_after(spec, object, entry, standing)) then return standing end
  local changed = show_again(object, spec, entry, standing)
  if changed and expired then
    core.raise("StaleDataError", string.format("%s: the value was changed inside after it had expired, and the row has "
      .. "another %s by now: read the attribute again, and change what is there",
      place(core.class_of(object), spec.name), changed))
  end
  return core.composite_standing(object, spec)
end

local function is_lost(entry, n)
  for i = 1, n do
    if not entry.lost[i] then return false end
  end
  return true
end

-- The composites of an object in the order of their names: of two that have a column in common, it is the last that
-- counts, in each run of the program.
local function by_name(entries)
  local specs = {}
  for spec in pairs(entries) do specs[#specs + 1] = spec end
  table.sort(specs, function(a, b) return a.name < b.name end)
  return ipairs(specs)
end

local function note_all(object, entries, session, flushing)
  local any = false
  for _, spec in by_name(entries) do
    local entry = entries[spec]
    local standing = look(object, spec, entry, session, flushing)
    if standing then note_edits(object, spec, entry, standing) end
    if standing and is_lost(entry, spec.n) then forget(object, spec) end
    any = any or entries[spec] ~= nil
  end
  return any
end

-- core.composite_edits(session, object, flushing): writes what the program has changed inside of the values of the
-- object; nil: of all objects of the session. Returns whether there are values that may change.
function core.composite_edits(session, object, flushing)
  if object then return held[object] ~= nil and note_all(object, held[object], nil, flushing) end
  local objects, any = {}, false
  for each in pairs(held) do objects[#objects + 1] = each end
  for _, each in ipairs(objects) do any = note_all(each, held[each], session, flushing) or any end
  return any
end

-- core.composite_set(object, name): the column has been set, to what counts more than what was changed in it before.
function core.composite_set(object, name)
  for spec, entry in pairs(held[object] or {}) do
    for i = 1, spec.n do
      if spec[i] == name and not entry.lost[i] then
        local ok, now = pcall(values_of, spec, object, entry.value)
        entry.columns[i] = object[name]
        if ok then
          entry.given[i] = now[i]
          entry.behind = entry.behind or entry.columns[i] ~= now[i]
        end
        core.show_composite(object, { name })
      end
    end
  end
end

-- core.composite_drop(session, object): the columns that have expired are not those of a value any more.
function core.composite_drop(session, object)
  for each, entries in pairs(held) do
    if object == nil or each == object then
      for spec, entry in pairs(entries) do
        local standing = core.composite_standing(each, spec, session)
        for i = 1, standing and #standing or 0 do
          if standing:sub(i, i) == "e" then entry.lost[i] = true end
        end
      end
    end
  end
end

-- mr.inspect(object):history(name)
local function history(spec)
  return function(object, inspection)
    local new, old, changed, known = {}, {}, false, false
    for i, name in ipairs(spec) do
      local column = inspection:history(name)
      local now, before = column.added[1], column.deleted[1]
      if #column.unchanged > 0 then now, before = column.unchanged[1], column.unchanged[1] end
      changed = changed or #column.added > 0
      known = known or #column.deleted > 0
      if now ~= null then new[i] = now end
      if before ~= null then old[i] = before end
    end
    local function value_of(list)
      for i = 1, spec.n do
        if list[i] ~= nil then return { spec.class(table.unpack(list, 1, spec.n)) } end
      end
      return {}
    end
    if not changed then return { added = {}, deleted = {}, unchanged = value_of(new) } end
    return { added = { read(spec)(object) or null }, deleted = known and value_of(old) or {}, unchanged = {} }
  end
end

-- ---------------------------------------------------------------- criteria

local Criteria = {} -- Class.attribute of a composite

local function own_columns(self) return rawget(self, "columns") end

local function with(self, fn)
  local list = {}
  for i, column in ipairs(own_columns(self)) do list[i] = fn(column) end
  return setmetatable({ columns = list, spec = rawget(self, "spec"), where = rawget(self, "where") }, Criteria)
end

local methods = {}

-- Each column compared with its value; joined by AND, as SQLAlchemy does.
local function compare(operator)
  return function(self, value)
    local where, spec = rawget(self, "where"), rawget(self, "spec")
    if value == nil then fail(where, "%s(nil): use is_(nil) or mr.null", operator) end
    local values = value == null and {} or values_of(spec, where .. ":" .. operator, value)
    local criteria = {}
    for i, column in ipairs(own_columns(self)) do
      if values[i] == nil and operator ~= "eq" then
        fail(where, "%s: the value has no %s, and NULL has no order", operator, spec[i])
      end
      if values[i] == nil then criteria[i] = column:is_(nil)
      else criteria[i] = column[operator](column, values[i]) end
    end
    return core.and_(table.unpack(criteria))
  end
end

for _, operator in ipairs{ "eq", "lt", "le", "gt", "ge" } do methods[operator] = compare(operator) end

function methods:ne(value)
  if value == nil then fail(rawget(self, "where"), "ne(nil): use is_not(nil) or mr.null") end
  return ~methods.eq(self, value)
end

function methods:is_(value)
  if value ~= nil and value ~= null then
    fail(rawget(self, "where"), "is_: expected nil: values are compared with :eq()")
  end
  return methods.eq(self, null)
end

function methods:is_not(value) return ~methods.is_(self, value) end

function methods:in_(list)
  if type(list) ~= "table" or getmetatable(list) then
    options.expect(rawget(self, "where") .. ":in_", "a list of values", list)
  end
  local criteria = {}
  for i, value in ipairs(list) do criteria[i] = methods.eq(self, value) end
  if #criteria == 0 then return core.false_() end
  return core.or_(table.unpack(criteria))
end

function methods:not_in(list) return ~methods.in_(self, list) end

for _, name in ipairs{ "asc", "desc", "nulls_first", "nulls_last" } do
  methods[name] = function(self) return with(self, function(column) return column[name](column) end) end
end

Criteria.__name = "composite"
Criteria.__metatable = "moonrow composite"
Criteria.__columns = own_columns -- order_by and group_by take them one by one

function Criteria:__index(name)
  local spec = rawget(self, "spec")
  local own = spec.comparator and spec.comparator[name]
  if own then return function(_, ...) return own(self, ...) end end
  local method = methods[name]
  if method then return method end
  local where = rawget(self, "where")
  core.raise("ArgumentError", string.format("%s has no method '%s'%s (its columns are %s.columns)", where,
    tostring(name), core.hint(tostring(name), methods, spec.comparator or {}), where))
end

function Criteria:__newindex(name)
  core.raise("ArgumentError", string.format("%s cannot be changed by assignment (to '%s')", rawget(self, "where"),
    tostring(name)))
end

function Criteria:__tostring()
  local texts = {}
  for i, column in ipairs(own_columns(self)) do texts[i] = tostring(column) end
  return table.concat(texts, ", ")
end

local function express(spec)
  return function(owner, name, class)
    local columns = {}
    for i, attribute in ipairs(spec) do
      columns[i] = owner[attribute]
      if not core.attribute_of(columns[i]) then
        fail(place(class, name), "'%s' is no column: a composite is made of columns of the class", attribute)
      end
    end
    return setmetatable({ columns = columns, spec = spec, where = place(class, name) }, Criteria)
  end
end

local function spread(spec)
  return function(class, name, value)
    local values, made = value == null and {} or values_of(spec, place(class, name), value), {}
    for i, attribute in ipairs(spec) do
      made[attribute] = values[i] == nil and null or values[i]
    end
    return made
  end
end

-- ---------------------------------------------------------------- declaring

-- What is wrong with the composite as an attribute of the class; nil: nothing. For the check of all classes.
local function problem_of(spec)
  return function(class)
    for _, attribute in ipairs(spec) do
      local kind = core.attribute_kind(class, attribute)
      if kind ~= "column" then
        return string.format("'%s' is no column of %s%s", attribute, class.__name,
          kind and ", but a relationship" or core.attribute_hint(class, attribute))
      end
    end
  end
end

-- mr.composite(Class, "x", "y", { values =, comparator = })
function composite.attribute(...)
  local given = table.pack(options.read("composite", { "values", "comparator" }, -1, ...))
  local opts, class = given[1], given[2]
  if not options.is_callable(class) then
    options.expect("composite", "a class, or a function, that makes a value of the columns'", class)
  end
  local spec = { class = class, values = opts.values, comparator = opts.comparator, n = given.n - 2 }
  for i = 3, given.n do
    if type(given[i]) ~= "string" then
      options.expect("composite", "the names of attributes behind the class", given[i])
    end
    spec[i - 2] = given[i]
  end
  if spec.n == 0 then options.expect("composite", "the names of attributes behind the class", nil) end
  if spec.values ~= nil then options.check_callable("composite: values", spec.values) end
  options.typed("composite", opts, "comparator", "table")
  spec.history, spec.problem = history(spec), problem_of(spec)
  return core.descriptor("composite", false, read(spec), set(spec), express(spec), spread(spec), spec)
end

return composite
