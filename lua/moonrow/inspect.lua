-- inspect.lua: mr.inspect(class) and what mr.inspect(object) has besides what the core tells: attributes with their
-- histories, changes, and texts of both for people.
--
-- Invariant: nothing is loaded and nothing is changed, but by attrs.name.value, which reads the attribute.

local core, require = ...
local options = require "moonrow.options"
local to_table = require "moonrow.to_table"
local inspector = require "moonrow.reflection.inspector"
local attributes_of = to_table.attributes
local default_write = print -- luacheck: ignore (the program may have none)

local getters, methods = core.inspection_getters, core.inspection_methods

-- ---------------------------------------------------------------- text

local LONGEST = 60

-- Cuts a long text, not within a character of UTF-8.
local function cut(text)
  if #text <= LONGEST then return text end
  return text:sub(1, LONGEST - 3):gsub("[\xC0-\xFF][\x80-\xBF]*$", "") .. "..."
end

-- A value as a person reads it, in one line.
local function shown(value)
  if value == nil or value == core.null then return "NULL" end
  if type(value) == "string" then
    return '"' .. cut(value:gsub('[%c"\\]', function(c)
      return c == "\n" and "\\n" or c:find '["\\]' and "\\" .. c or string.format("\\x%02x", c:byte())
    end)) .. '"'
  end
  return cut(tostring(value))
end

-- Lines of columns: the first ones as wide as the widest of them.
local function aligned(lines)
  local widest = 0
  for _, line in ipairs(lines) do widest = math.max(widest, #line[1]) end
  for i, line in ipairs(lines) do lines[i] = "  " .. line[1] .. (" "):rep(widest - #line[1] + 2) .. line[2] end
  return lines
end

-- dump(write): gives each line to write, or prints it.
local function dump(self, write)
  write = write or default_write
  if not options.is_callable(write) then
    options.expect("dump", "a function that takes a line", write)
  end
  for line in string.gmatch(tostring(self) .. "\n", "(.-)\n") do write(line) end
end

-- ---------------------------------------------------------------- histories

local History = { __name = "History" }
History.__index = History

-- history:has_changes(): is anything added or deleted?
function History:has_changes() return #self.added > 0 or #self.deleted > 0 end

-- history:empty(): is nothing known?
function History:empty() return not self:has_changes() and #self.unchanged == 0 end

function History:__tostring()
  return string.format("added %s, deleted %s, unchanged %s", tostring(self.added), tostring(self.deleted),
    tostring(self.unchanged))
end

local plain_history = methods.history

function methods.history(...) return setmetatable(plain_history(...), History) end

-- ---------------------------------------------------------------- objects

local states = { "transient", "pending", "persistent", "deleted", "detached" }

for _, state in ipairs(states) do
  getters[state] = function(self) return self.state == state end
end

-- One attribute of an object. The keys of the getters are its fields.
local Attribute = { __name = "AttributeState" }
local of_attribute = {
  name = function(attribute) return attribute.info.name end,
  key = function(attribute) return attribute.info.name end,
  kind = function(attribute) return attribute.info.kind end,
  loaded = function(attribute) return core.is_loaded(attribute.object, attribute.info.name) end,
  value = function(attribute) return attribute.object[attribute.info.name] end,
  history = function(attribute) return attribute.inspection:history(attribute.info.name) end,
}

function of_attribute.loaded_value(attribute)
  if of_attribute.loaded(attribute) then return of_attribute.value(attribute) end
end

local ATTRIBUTE = {}

function Attribute:__index(name)
  local getter = of_attribute[name]
  if getter then return getter(self[ATTRIBUTE]) end
  core.raise("ArgumentError", string.format("AttributeState has no method or field '%s'%s", tostring(name),
    core.hint(tostring(name), of_attribute)))
end

function Attribute:__tostring()
  local attribute = self[ATTRIBUTE]
  local loaded = of_attribute.loaded(attribute)
  return attribute.info.name .. " = " .. (loaded and shown(of_attribute.value(attribute)) or "(not loaded)")
end

-- A list of names, which gives what stands behind a name by it; make(info) makes that.
local Names = { __name = "Attributes" }
local BEHIND = {}

function Names:__index(name)
  local behind = rawget(self, BEHIND)
  local info = behind.by_name[name]
  if info then return behind.make(info) end
  if math.type(name) then return nil end
  core.raise("ArgumentError", string.format("%s has no attribute '%s'%s", behind.class_name, tostring(name),
    core.hint(tostring(name), behind.by_name)))
end

function Names:__tostring() return "{" .. table.concat(self, ", ") .. "}" end

-- for name, attribute in pairs(names)
function Names:__pairs()
  local i = 0
  return function()
    i = i + 1
    local name = rawget(self, i)
    if name then return name, self[name] end
  end, self, nil
end

local function same(info) return info end

local function names_of(class, make, wanted)
  local names, by_name = {}, {}
  for _, info in ipairs((attributes_of(class))) do
    if not wanted or wanted(info) then
      names[#names + 1] = info.name
      by_name[info.name] = info
    end
  end
  names[BEHIND] = { by_name = by_name, make = make, class_name = class.__name }
  return setmetatable(names, Names)
end

-- inspect(object).attrs: a list of names; attrs.name is what is known of the attribute.
function getters.attrs(self)
  local object = self.object
  return names_of(self.class, function(info)
    return setmetatable({ [ATTRIBUTE] = { inspection = self, object = object, info = info } }, Attribute)
  end)
end

-- inspect(object).changes: the histories of what has changed, by name.
function getters.changes(self)
  local changes = {}
  for _, info in ipairs((attributes_of(self.class))) do
    if info.kind ~= "synonym" then
      local history = self:history(info.name)
      if history:has_changes() then changes[info.name] = history end
    end
  end
  return changes
end

local function identity_of(self)
  local identity = self.identity
  if not identity then return "" end
  local words = {}
  for i, value in ipairs(identity) do words[i] = shown(value) end
  return " " .. table.concat(words, ", ")
end

-- What is said of an attribute's change: of a new object everything is new.
local function change_of(self, info)
  local history = self:history(info.name)
  if self.transient or self.pending or not history:has_changes() then return "" end
  if info.collection then
    return string.format(" (added %s, deleted %s)", cut(tostring(history.added)), cut(tostring(history.deleted)))
  end
  if #history.deleted == 0 then return " (changed)" end
  return string.format(" (was %s)", shown(history.deleted[1]))
end

function core.inspection_metatable.__tostring(self)
  local object, lines = self.object, {}
  for _, info in ipairs((attributes_of(self.class))) do
    if info.kind ~= "synonym" then
      local text = "(not loaded)"
      if core.is_loaded(object, info.name) then text = shown(object[info.name])
      elseif self.transient or self.pending then text = "(not set)" end
      lines[#lines + 1] = { info.name, text .. change_of(self, info) }
    end
  end
  return string.format("%s%s (%s%s)\n%s", self.class.__name, identity_of(self), self.state,
    self.persistent and self.modified and ", changed" or "", table.concat(aligned(lines), "\n"))
end

methods.dump = dump

-- ---------------------------------------------------------------- classes

local ClassInspection = { __name = "ClassInspection" }
local CLASS = {}

local function is_column(info) return info.kind == "column" end
local function is_relationship(info) return info.kind == "relationship" end

local of_class = {
  class = function(class) return class end,
  name = function(class) return class.__name end,
  table = function(class) return class.__table end,
  tablename = function(class) return select(2, core.class_keys(class)) end,
  primary_key = function(class) return (core.class_keys(class)) end,
  attrs = function(class) return names_of(class, same) end,
  columns = function(class) return names_of(class, same, is_column) end,
  relationships = function(class) return names_of(class, same, is_relationship) end,
}

function ClassInspection:__index(name)
  if name == "dump" then return dump end
  local getter = of_class[name]
  if getter then return getter(self[CLASS]) end
  core.raise("ArgumentError", string.format("ClassInspection has no method or field '%s'%s", tostring(name),
    core.hint(tostring(name), of_class)))
end

function ClassInspection.__newindex(_, name)
  core.raise("ArgumentError", string.format("ClassInspection cannot be changed by assignment (to %s)", tostring(name)))
end

local function words_of_column(class, info)
  local words = { tostring(class.c[info.name].type) }
  if info.key then words[#words + 1] = "primary key" end
  if not info.key and not info.nullable then words[#words + 1] = "not null" end
  if info.foreign_key then words[#words + 1] = "foreign key" end
  if info.deferred then words[#words + 1] = "deferred" end
  if info.computed then words[#words + 1] = "computed" end
  if info.column ~= info.name then words[#words + 1] = "column " .. info.column end
  return table.concat(words, ", ")
end

local many = { list = "list of ", set = "set of ", keyed = "dict of " }

local function words_of_relationship(info)
  local words = { (many[info.collection] or "") .. info.target }
  words[#words + 1] = info.direction
  if info.back_populates then words[#words + 1] = "other side " .. info.target .. "." .. info.back_populates end
  if info.viewonly then words[#words + 1] = "viewonly" end
  return table.concat(words, ", ")
end

function ClassInspection:__tostring()
  local class, lines = self[CLASS], {}
  for _, info in ipairs((attributes_of(class))) do
    local words = info.kind == "synonym" and "synonym of " .. info.synonym_of or info.kind
    if is_column(info) then words = words_of_column(class, info)
    elseif is_relationship(info) then words = words_of_relationship(info) end
    lines[#lines + 1] = { info.name, words }
  end
  return string.format("%s (table %s)\n%s", class.__name, self.tablename, table.concat(aligned(lines), "\n"))
end

-- mr.inspect(object or class); mr.inspect(engine or db, { sample = rows })
return function(value, ...)
  if core.is_mapped(value) then return setmetatable({ [CLASS] = value }, ClassInspection) end
  local bind = inspector.bind_of(value)
  if not bind then return core.inspect(value, ...) end
  local given = options.read("inspect", { "sample" }, 1, value, ...)
  return inspector.new("inspect", bind, given.sample)
end
