-- complete.lua: what may follow the text before the cursor: globals and keywords, the members of a value, the tables of
-- `db` inside a statement, the names of files inside another text.
--
-- Invariant: completing runs nothing of the program's and loads nothing: of a mapped object the names alone are asked
-- for, and a table's metamethods are not called.

local core, require = ...
local commands = require "moonrow.shell.commands"
local keywords = require "moonrow.keywords"

-- ---------------------------------------------------------------- members

local function add_keys(names, value)
  for key in next, value do
    if type(key) == "string" and key:find "^[%a_][%w_]*$" then names[key] = true end
  end
end

local function describe(names, class)
  local description = core.describe_class(class)
  for _, attribute in ipairs(description.attributes) do names[attribute.name] = true end
  for name in pairs(description.members) do if type(name) == "string" then names[name] = true end end
end

-- The names that the index function of a type of the library knows: in the tables that are its first upvalues.
local function add_members(names, index, debug)
  for i = 1, 2 do
    local _, upvalue = debug.getupvalue(index, i)
    if type(upvalue) ~= "table" then return end
    add_keys(names, upvalue)
  end
end

-- The class of the object; nil: it is none.
local function class_of(value, debug)
  if not core.is_object(value) then return nil end
  for key, class in next, debug.getmetatable(value) do
    if type(key) == "userdata" and type(class) ~= "boolean" and debug.getmetatable(class)
      and debug.getmetatable(class).__name == "class" then return class end
  end
end

local function members_of(value, debug)
  local names = {}
  local depth, deepest = 0, 8
  while value ~= nil and depth < deepest do
    if type(value) == "table" then add_keys(names, value) end
    local meta = debug.getmetatable(value)
    if not meta then break end
    local class = class_of(value, debug) or meta.__name == "class" and value
    if class then
      describe(names, class)
      if class ~= value then break end
    end
    local index = rawget(meta, "__index")
    if type(index) == "function" then add_members(names, index, debug) end
    value = type(index) == "table" and index or nil
    depth = depth + 1
  end
  return names
end

local ours = { Database = true, moonrow = true, Classes = true } -- tables of the library's, by their __name

-- The value of one step of a path. Only values of the library that are no objects are indexed as the program does it.
local function step(value, name, debug)
  if type(value) == "table" then
    local found = rawget(value, name)
    if found ~= nil then return found end
  end
  local meta = debug.getmetatable(value)
  if not meta or core.is_object(value) then return nil end
  if type(value) ~= "userdata" and not ours[meta.__name] then
    return type(meta.__index) == "table" and rawget(meta.__index, name) or nil
  end
  local ok, found = pcall(function() return value[name] end)
  return ok and found or nil
end

local function value_of(path, globals, debug)
  local value = globals
  for name in path:gmatch "[%a_][%w_]*" do
    if value == nil then return nil end
    value = step(value, name, debug)
  end
  return value
end

-- ---------------------------------------------------------------- files and tables

-- The names in the folder that begin with the word; folders end with a slash.
local function files(path)
  local folder, word = path:match "^(.*/)([^/]*)$"
  if not folder then folder, word = "./", path end
  local pipe = io.popen("ls -1ap -- '" .. folder:gsub("'", "'\\''") .. "' 2>/dev/null")
  local names = {}
  if not pipe then return names, word end
  for name in pipe:lines() do
    if name ~= "./" and name ~= "../" and (name:sub(1, 1) ~= "." or word:sub(1, 1) == ".") then names[name] = true end
  end
  pipe:close()
  return names, word
end

-- The tables of the database `db` whose statement is typed; nil: it is no statement.
local function tables(text, globals)
  local word = text:lower():match "%f[%a]from%s+([%w_]*)$" or text:lower():match "%f[%a]join%s+([%w_]*)$"
    or text:lower():match "%f[%a]into%s+([%w_]*)$" or text:lower():match "%f[%a]update%s+([%w_]*)$"
  local db = rawget(globals, "db")
  if not word or db == nil then return nil end
  local names = {}
  local ok, list = pcall(function() return globals.mr.inspect(db.engine):get_table_names() end)
  for _, name in ipairs(ok and list or {}) do names[name] = true end
  return names, text:sub(#text - #word + 1)
end

-- The text since the quotation mark that is open at its end; nil: none is.
local function open_string(text)
  local mark, at
  local i = 1
  while i <= #text do
    local c = text:sub(i, i)
    if mark and c == "\\" then i = i + 1
    elseif mark and c == mark then mark = nil
    elseif not mark and (c == '"' or c == "'") then mark, at = c, i end
    i = i + 1
  end
  return mark and text:sub(at + 1)
end

-- ---------------------------------------------------------------- the answer

-- The names that may be meant, as keys, and the part of the text that they go on from.
local function candidates(text, globals, debug)
  local inside = open_string(text)
  if inside then
    local names, word = tables(inside, globals)
    if names then return names, word end
    return files((inside:gsub("^sqlite:///", "")))
  end
  local command = text:match "^:([%a]*)$"
  if command then
    return commands.names(), command
  end
  local path, word = text:match "([%a_][%w_%.:]*)[%.:]([%a_]?[%w_]*)$"
  if path then
    local value = value_of(path, globals, debug)
    return value ~= nil and members_of(value, debug) or {}, word
  end
  word = text:match "[%a_][%w_]*$" or ""
  if text:sub(1, #text - #word):find "[%.:]$" then return {}, word end -- a member of what only a call would tell
  local names = {}
  add_keys(names, globals)
  for name in pairs(keywords) do names[name] = true end
  return names, word
end

local function common(list)
  local prefix = list[1]
  for _, name in ipairs(list) do
    while name:sub(1, #prefix) ~= prefix do prefix = prefix:sub(1, -2) end
  end
  return prefix
end

local MOST_LISTED = 120

-- The names in columns, read downwards, as many as the window has place for.
local function listed(list, window)
  local n, widest = math.min(#list, MOST_LISTED), 0
  for i = 1, n do widest = math.max(widest, #list[i]) end
  local columns = math.max(1, (window + 2) // (widest + 2))
  local height = (n + columns - 1) // columns
  local lines = {}
  for line = 1, height do
    local names = {}
    for i = line, n, height do names[#names + 1] = ("%-" .. widest .. "s"):format(list[i]) end
    lines[line] = table.concat(names, "  "):gsub(" +$", "")
  end
  if #list > n then lines[#lines + 1] = ("... %d more"):format(#list - n) end
  return table.concat(lines, "\n")
end

local complete = {}

-- completer(globals, debug, width): the function that the host asks: function(text) gives what to insert behind the
-- text (or nil), and the names that are possible, in one text, where there are several (or nil). debug: Lua's library;
-- width(): the columns of the window.
function complete.completer(globals, debug, width)
  return function(text)
    local names, word = candidates(text, globals, debug)
    local list = {}
    for name in pairs(names) do
      local hidden = name:sub(1, 1) == "_" and word == ""
      if name:sub(1, #word) == word and not hidden then list[#list + 1] = name end
    end
    if #list == 0 then return nil end
    table.sort(list)
    local rest = common(list):sub(#word + 1)
    if rest ~= "" then return rest end
    return nil, #list > 1 and listed(list, width()) or nil
  end
end

return complete
