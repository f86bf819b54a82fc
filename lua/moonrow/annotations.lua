-- annotations.lua: annotations (LuaCATS) of classes that are described by core.describe_class: lines for a file that an
-- editor reads.
--
-- Invariant: the text depends on the descriptions alone, in their order; names of each class that have no order are
-- sorted.

local core, require = ...
local keywords = require "moonrow.keywords"

local annotations = {}

-- ---------------------------------------------------------------- types

local types = {
  Integer = "integer", SmallInteger = "integer", BigInteger = "integer", Float = "number", Boolean = "boolean",
  String = "string", Text = "string", LargeBinary = "string", Uuid = "string",
  Date = "moonrow.Date", Time = "moonrow.Date", DateTime = "moonrow.Date", Interval = "moonrow.Date",
  Numeric = "moonrow.Decimal", Any = "integer|number|string", JSON = "any", JSONB = "any", Array = "any[]",
}

-- What a constructor takes besides: texts of ISO 8601, tables of os.date.
local also_given = { Date = "|string|table", Time = "|string|table", DateTime = "|string|table", Interval = "|string",
  Numeric = "|string|integer" }

local function quoted(choices)
  local words = {}
  for i, choice in ipairs(choices) do words[i] = string.format("%q", choice) end
  return table.concat(words, "|")
end

local function value_type(attribute)
  if attribute.kind == "relationship" then return attribute.target end
  return attribute.choices and quoted(attribute.choices) or types[attribute.type] or "any"
end

local collections = { list = "moonrow.Collection", set = "moonrow.Set", keyed = "moonrow.Keyed" }

-- The type of object.attribute.
local function read_type(attribute)
  if attribute.many then return string.format("%s<%s>", collections[attribute.collection], attribute.target) end
  return value_type(attribute) .. (attribute.nullable and "|nil" or "")
end

-- The type of a value in Class{ attribute = value }. mr.null is a light userdata.
local function given_type(attribute)
  if attribute.many and attribute.collection == "keyed" then return "table<any, " .. attribute.target .. ">" end
  if attribute.many then return attribute.target .. "[]" end
  return value_type(attribute) .. (also_given[attribute.type] or "") .. (attribute.nullable and "|lightuserdata" or "")
end

-- The parameters' names of a function, as far as it tells them: "whom, ...".
local function parameters(fn, debug, skip)
  if not debug then return { "..." } end
  local info, names = debug.getinfo(fn, "u"), {}
  for i = 1 + skip, info.nparams do names[#names + 1] = debug.getlocal(fn, i) or ("a" .. i) end
  if info.isvararg then names[#names + 1] = "..." end
  return names
end

local function typed(names)
  local list = {}
  for i, name in ipairs(names) do list[i] = name == "..." and "...: any" or name .. ": any" end
  return table.concat(list, ", ")
end

local function method_type(class, fn, debug)
  local of_object = not debug or debug.getlocal(fn, 1) == "self"
  local rest = typed(parameters(fn, debug, of_object and debug and 1 or 0))
  if not of_object then return string.format("fun(%s): any", rest) end
  return string.format("fun(self: %s%s): any", class, rest ~= "" and ", " .. rest or "")
end

-- ---------------------------------------------------------------- text

-- The name of a field: ["a name"] where it is none that stands alone.
local function field_name(name)
  if string.find(name, "^[%a_][%w_]*$") and not keywords[name] then return name end
  return string.format("[%q]", name)
end

-- Members that every class has, and that are annotated for all.
local common = {
  to_table = true, from_table = true, query = true, query_class = true, metadata = true, extend = true, c = true,
}

local function sorted_keys(set)
  local names = {}
  for name in pairs(set) do
    if type(name) == "string" and string.sub(name, 1, 2) ~= "__" and not common[name] then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function add_object(add, class)
  add("---@class %s: %s.Class, moonrow.Object", class.name, class.name)
  for _, attribute in ipairs(class.attributes) do
    add("---@field %s %s", field_name(attribute.name), read_type(attribute))
  end
  for _, name in ipairs(sorted_keys(class.fields)) do add("---@field %s any", field_name(name)) end
  for _, name in ipairs(sorted_keys(class.members)) do
    local _, kind = core.descriptor_spec(class.members[name])
    local of = kind == "hybrid method" and "fun(...): any" or "any"
    if kind then add("---@field %s %s", field_name(name), of) end
  end
  add ""
end

local function add_class(add, class, debug)
  add("---@class %s.Class: moonrow.Model", class.name)
  add("---@field query moonrow.Query<%s>", class.name)
  for _, attribute in ipairs(class.attributes) do
    local expression = attribute.kind == "relationship" and "moonrow.RelationshipAttribute" or "moonrow.Expression"
    add("---@field %s %s", field_name(attribute.name), expression)
  end
  for _, name in ipairs(sorted_keys(class.members)) do
    local member = class.members[name]
    local known = core.descriptor_spec(member) and "any"
      or type(member) == "function" and method_type(class.name, member, debug)
      or math.type(member) == "integer" and "integer" or type(member)
    add("---@field %s %s", field_name(name), known)
  end
  local init = class.members.__init
  if type(init) == "function" then
    add("---@overload fun(%s): %s", typed(parameters(init, debug, 1)), class.name)
  else
    add("---@overload fun(values?: %s.Values): %s", class.name, class.name)
  end
  add ""
end

local function add_optional(add, name, of)
  local shown = field_name(name)
  if shown == name then add("---@field %s? %s", name, of)
  else add("---@field %s %s|nil", shown, of) end
end

local function add_values(add, class)
  if class.members.__init then return end
  add("---@class %s.Values", class.name)
  for _, attribute in ipairs(class.attributes) do
    add_optional(add, attribute.name, given_type(attribute))
  end
  for _, name in ipairs(sorted_keys(class.fields)) do add_optional(add, name, "any") end
  for _, name in ipairs(sorted_keys(class.members)) do
    local _, kind = core.descriptor_spec(class.members[name])
    if kind and kind ~= "hybrid method" then add_optional(add, name, "any") end
  end
  add ""
end

local function add_uses(add, classes)
  add "---@class moonrow.Model"
  for _, class in ipairs(classes) do
    add('---@field extend fun(self: moonrow.Model, name: "%s", body: table): %s.Class', class.name, class.name)
  end
  add ""
  add "---@class moonrow.Session"
  for _, class in ipairs(classes) do
    add("---@field get fun(self: moonrow.Session, class: %s.Class, key: any, options?: moonrow.GetOptions): %s?",
      class.name, class.name)
  end
  for _, class in ipairs(classes) do
    add("---@field query fun(self: moonrow.Session, class: %s.Class): moonrow.Query<%s>", class.name, class.name)
  end
end

-- annotations.add(add, classes, debug): gives add the lines, as string.format takes them. debug: Lua's library, which
-- knows the names of parameters, or nil.
function annotations.add(add, classes, debug)
  for _, class in ipairs(classes) do
    add_object(add, class)
    add_class(add, class, debug)
    add_values(add, class)
  end
  add_uses(add, classes)
end

return annotations
