-- annotate.lua: writes annotations (LuaCATS) of the classes that a program has declared, for editors: the command
-- `moonrow annotate`.
--
-- Invariant: the text depends on the classes alone, in the order of their declaration. It is a Lua file that does
-- nothing.

local core, require = ...
local annotations = require "moonrow.annotations"
local class_listeners = require "moonrow.class_listeners"

-- ---------------------------------------------------------------- the command

-- The classes that are described: the first of each name, and only names that annotations can have.
local function described(complain)
  local list, seen = {}, {}
  for _, class in ipairs(class_listeners.classes()) do
    local description = core.describe_class(class)
    local name = description.name
    if not string.find(name, "^[%a_][%w_.]*$") then
      complain(string.format("the class '%s' is left out: annotations have no such names", name))
    elseif seen[name] then
      complain(string.format("a second class '%s' is left out", name))
    else
      seen[name] = true
      list[#list + 1] = description
    end
  end
  return list
end

-- annotate(source, debug, complain): the annotations of all classes that are declared, as text; nil where there is
-- none. source: the name of the file that has declared them. debug: Lua's library, which knows the names of parameters,
-- or nil. complain(text) is told what is left out.
return function(source, debug, complain)
  local classes, lines = described(complain), {}
  if #classes == 0 then return nil end
  local function add(line, ...) lines[#lines + 1] = select("#", ...) > 0 and string.format(line, ...) or line end
  add "---@meta _"
  add("-- The classes of %s, for editors. Written by: moonrow annotate %s", source, source)
  add ""
  annotations.add(add, classes, debug)
  return table.concat(lines, "\n") .. "\n"
end
