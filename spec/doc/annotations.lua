-- annotations.lua: reads lua/moonrow/meta/*.lua into tables: classes with their fields and functions, aliases, and the
-- text about each. The reference is made from these tables. Specs compare them with the library.
--
-- In a comment, a text stands above the item that it describes. There are the tags of LuaCATS and two of our own, which
-- editors show unchanged: "@error KIND when" and "@since VERSION". A version also holds for the items of its class that
-- have none. Where @since stands alone, it holds for the rest of the file. A block of ```lua in a text is an example,
-- which is run as a test.
--
-- Invariant: nothing is ignored. A tag or a type that LuaCATS does not know raises an error with its file and line.

local types = require "spec.doc.types"

local annotations = {}

annotations.folder = "lua/moonrow/meta/"
annotations.files = {
  "init", "error", "engine", "schema", "table", "class", "reflection", "migrate", "value", "decimal", "relationship",
  "collection",
  "session", "event", "select", "query", "loading", "statement", "result", "expression", "aggregate", "source",
  "search",
}

local OPERATORS = {}
for name in ("add sub mul div mod concat unm band bor bnot call len idiv pow shl shr"):gmatch "%a+" do
  OPERATORS[name] = true
end

local BUILTIN = {}
for name in ("any nil boolean string number integer table function userdata lightuserdata thread unknown self")
  :gmatch "%a+" do BUILTIN[name] = true end
annotations.builtin = BUILTIN

-- The state of reading: the result, the position, and the block of comment lines that is being read.
local Reader = {}
Reader.__index = Reader

function Reader:fail(message)
  error(("%s:%d: %s"):format(self.path, self.line, message), 0)
end

-- Reads a type at a position of the text. Returns its text and the text behind it. Records the names that it uses.
function Reader:type(text, at)
  local found, problem = types.parse(text, at)
  if not found then self:fail(problem) end
  for _, name in ipairs(found.names) do
    self.uses[#self.uses + 1] = { name = name, path = self.path, line = self.line, block = self.block }
  end
  return (text:sub(at, found.last - 1):gsub("^%s+", "")), text:sub(found.last)
end

local function words(rest) return (rest:gsub("^%s*#?%s*", ""):gsub("%s+$", "")) end

-- Reads generic names: "T, U: moonrow.Model" gives T and U.
function Reader:generics(text)
  local names, at = {}, 1
  repeat
    local name, behind = text:match("^%s*([%a_][%w_]*)%s*()", at)
    if not name then self:fail "expected a generic name" end
    names[#names + 1] = name
    self.block.generics[name] = true
    if text:sub(behind, behind) == ":" then
      local _, rest = self:type(text, behind + 1)
      behind = #text - #rest + 1
    end
    at = text:match("^%s*,()", behind)
  until not at
  return names
end

-- Gives the text, the errors and the version of the block to the item that follows it.
function Reader:claim(into)
  local block = self.block
  into.text = table.concat(block.text, "\n"):gsub("^%s+", ""):gsub("%s+$", "")
  into.since = block.since or (self.class ~= into and self.class and self.class.since) or self.since
  into.errors = block.errors
  into.path, into.line = self.path, self.line
  block.text, block.since, block.errors = {}, nil, {}
  return into
end

local tags = {}

-- Appends the item to the list of its file.
function Reader:put(item)
  local last = self.all.files[#self.all.files]
  if last[#last] ~= item then table.insert(last, item) end
end

function tags.meta() end

function tags.class(reader, rest)
  local name, behind = rest:match "^([%a_][%w_.]*)()"
  if not name then reader:fail "a class without a name" end
  local class = reader.all.classes[name]
  if not class then
    class = { kind = "class", name = name, fields = {}, functions = {}, extends = {}, overloads = {}, operators = {} }
    reader.all.classes[name] = class
    reader.all.order[#reader.all.order + 1] = class
  end
  local generics, after = rest:match("^(%b<>)()", behind)
  if generics then
    class.generics = reader:generics(generics:sub(2, -2))
    behind = after
  end
  local at = rest:match("^%s*:()", behind)
  while at do
    local extends, left = reader:type(rest, at)
    class.extends[#class.extends + 1] = extends
    at = left:match "^%s*,()" and #rest - #left + left:match "^%s*,()"
  end
  reader.class = nil
  local told = reader:claim{}
  if told.text ~= "" or not class.line then
    for key, value in pairs(told) do class[key] = value end
  end
  class.group = class.group or reader.group
  if told.text ~= "" or class.line == reader.line and class.path == reader.path then reader:put(class) end
  reader.class = class
  reader.block.class = class
end

function tags.field(reader, rest)
  local class = reader.block.class or reader:fail "a field without a class"
  rest = rest:gsub("^private ", ""):gsub("^public ", "")
  local field = { kind = "field", class = class }
  local name, optional, behind = rest:match "^([%a_][%w_]*)(%??)%s+()"
  if name then
    field.name, field.optional = name, optional == "?"
  else
    local key
    key, behind = rest:match "^%[([^%]]*)%]%s+()"
    if not key then reader:fail "a field is: name type words" end
    reader:type(key, 1)
    field.name = "[" .. key .. "]"
  end
  local left
  field.type, left = reader:type(rest, behind)
  field.comment = words(left)
  reader:claim(field)
  class.fields[#class.fields + 1] = field
end

function tags.param(reader, rest)
  local name, optional, behind = rest:match "^([%w_.]+)(%??)%s+()"
  if not name then reader:fail "a parameter is: name type words" end
  local param = { name = name, optional = optional == "?" }
  local left
  param.type, left = reader:type(rest, behind)
  param.comment = words(left)
  table.insert(reader.block.params, param)
end

tags["return"] = function(reader, rest)
  local one = {}
  local left
  one.type, left = reader:type(rest, 1)
  local many, comment = left:match "^%s*(%.%.%.)%s*(.*)$"
  one.many, one.comment = many ~= nil, words(comment or left)
  table.insert(reader.block.returns, one)
end

function tags.generic(reader, rest)
  for _, name in ipairs(reader:generics(rest)) do table.insert(reader.block.generic_list, name) end
end

function tags.overload(reader, rest)
  local overload, left = reader:type(rest, 1)
  if left:match "%S" then reader:fail "nothing may stand behind an overload" end
  table.insert(reader.block.class and reader.block.class.overloads or reader.block.overloads, overload)
end

function tags.operator(reader, rest)
  local name, at = rest:match "^(%a+)()"
  if not OPERATORS[name] then reader:fail("no operator is called " .. tostring(name)) end
  local operator = { name = name }
  if rest:sub(at, at) == "(" then
    local left
    operator.argument, left = reader:type(rest, at + 1)
    if left:sub(1, 1) ~= ")" then reader:fail "expected )" end
    at = #rest - #left + 2
  end
  if rest:sub(at, at) ~= ":" then reader:fail "an operator has a result" end
  operator.result = reader:type(rest, at + 1)
  table.insert(reader.block.class.operators, operator)
end

function tags.alias(reader, rest)
  local name, left = rest:match "^([%a_][%w_.]*)%s*(.*)$"
  local alias = reader:claim{ kind = "alias", name = name, values = {}, group = reader.group }
  if left ~= "" then
    local text, behind = reader:type(left, 1)
    alias.type = text
    alias.comment = words(behind)
  end
  reader.all.aliases[name] = alias
  reader.all.alias_order[#reader.all.alias_order + 1] = alias
  reader:put(alias)
  reader.block.alias = alias
end

function tags.since(reader, rest)
  if not rest:match "^%d+%.%d+$" then reader:fail "since is a version: 0.1" end
  reader.block.since = rest
end

function tags.error(reader, rest)
  local kind, when = rest:match "^(%u%a+)%s+(.+)$"
  if not kind then reader:fail "an error is: its kind, and when" end
  table.insert(reader.block.errors, { kind = kind, when = when })
end

function tags.see(reader, rest) table.insert(reader.block.text, "See " .. rest .. ".") end

local function new_block()
  return { text = {}, params = {}, returns = {}, generics = {}, generic_list = {}, overloads = {}, errors = {} }
end

-- Reads one line "---...".
function Reader:comment(line)
  local block = self.block
  local value = line:match "^%-%-%-|%s*(.*)$"
  if value and not block.fenced then
    local alias = block.alias or self:fail "a value without an alias"
    local _, left = self:type(value, 1)
    for word in value:sub(1, #value - #left):gmatch "[^|]+" do
      table.insert(alias.values, { value = words(word), comment = words(left) })
    end
    return
  end
  local tag, rest = line:match "^%-%-%-@(%a+)%s*(.-)%s*$"
  if tag and not block.fenced then
    local handler = tags[tag] or self:fail("no tag is called @" .. tag)
    return handler(self, rest)
  end
  if #block.params + #block.returns > 0 then self:fail "a text stands above the parameters" end
  local text = line:sub(4):gsub("^ ", "")
  if text:match "^```" then block.fenced = not block.fenced end
  table.insert(block.text, text)
end

-- "function owner.name(a, b) end": the block above is about it.
function Reader:func(owner, sign, name, arguments)
  local block = self.block
  local class = self.variables[owner] or self:fail("no class is written as " .. owner)
  self.class, block.owner = class, class
  local func = self:claim{
    kind = "function", class = class, name = name, method = sign == ":", arguments = {},
    params = block.params, returns = block.returns, overloads = block.overloads, generics = block.generic_list,
  }
  local said = {}
  for _, param in ipairs(block.params) do said[param.name] = param end
  for argument in arguments:gmatch "[%w_.]+" do
    table.insert(func.arguments, argument)
    if not said[argument] then
      said[argument] = { name = argument, type = "any", comment = "", unsaid = true }
      table.insert(func.params, said[argument])
    end
    said[argument].there = true
  end
  for _, param in ipairs(func.params) do
    if not param.there and param.name ~= "self" then self:fail("no parameter is called " .. param.name) end
  end
  func.group = self.group
  table.insert(class.functions, func)
  self:put(func)
end

function Reader:read_line(line)
  if line:match "^%-%-%-[^%-]" or line == "---" or self.block.fenced and line:match "^%-%-%-" then
    return self:comment(line)
  end
  if self.block.fenced then self:fail "an example without an end" end
  local owner, sign, name, arguments = line:match "^function ([%w_]+)([.:])([%w_]+)%(([^)]*)%) end$"
  local variable = line:match "^local ([%w_]+) = {}$"
  local group = line:match "^%-%- %-%-%-%-+ (.+)$"
  if owner then self:func(owner, sign, name, arguments)
  elseif variable then self.variables[variable] = self.block.class or self:fail "a variable without a class"
  elseif group then self.group = group
  elseif line ~= "" and not line:match "^%-%- " and not line:match "^return " then
    self:fail("nobody reads this line: " .. line)
  elseif self.block.since and not self.block.class then
    self.since = self.block.since
  elseif #self.block.text > 0 and line == "" then self:fail "a text without what it is about"
  end
  self.class = nil
  self.block = new_block()
end

function Reader:file(path)
  self.path, self.line, self.group, self.variables, self.since = path, 0, nil, {}, nil
  self.block = new_block()
  table.insert(self.all.files, { path = path, name = path:match "([^/]+)%.lua$" })
  for line in io.lines(path) do
    self.line = self.line + 1
    self:read_line(line)
  end
end

-- Reads all annotations. classes and aliases are found by name. order and alias_order are their lists. files has the
-- items of each file in their order. uses has every name in a type, with its place. knows(use) tells whether that name
-- is defined.
function annotations.read(paths)
  local all = { classes = {}, order = {}, aliases = {}, alias_order = {}, files = {} }
  local reader = setmetatable({ all = all, uses = {} }, Reader)
  if not paths then
    paths = {}
    for i, file in ipairs(annotations.files) do paths[i] = annotations.folder .. file .. ".lua" end
  end
  for _, path in ipairs(paths) do reader:file(path) end
  all.uses = reader.uses

  -- Is the name defined at the place of its use?
  function all.knows(use)
    local owner = use.block.class or use.block.owner
    if use.block.generics[use.name] or annotations.builtin[use.name] then return true end
    for _, generic in ipairs(owner and owner.generics or {}) do
      if generic == use.name then return true end
    end
    return all.classes[use.name] ~= nil or all.aliases[use.name] ~= nil
  end
  return all
end

return annotations
