-- source.lua: where text comes from: a file by its name, a handle, or an iterator of lines, all as one function that
-- gives the next piece of text.
--
-- Invariant: a file that was opened here is closed by the function that this gives; a handle of the program's is not.

local core, require = ...
local options = require "moonrow.options"

local source = {}

local PIECE = 65536

-- source.is_handle(value): is it an open file of Lua's, or something that is read like one?
function source.is_handle(value)
  if type(value) ~= "userdata" then return false end
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__name == "FILE*"
end

-- source.open_file(function's name, path, mode): the handle.
function source.open_file(what, path, mode)
  if not io then
    core.raise("ArgumentError", string.format("%s: there is no library io in this Lua to open '%s' with: give a handle",
      what, path))
  end
  local file, why = io.open(path, mode)
  if not file then core.raise("ArgumentError", string.format("%s: the file cannot be opened: %s", what, why)) end
  return file
end

-- source.check_open(function's name, file): raises for a handle that the program has closed.
function source.check_open(what, file)
  if tostring(file) == "file (closed)" then core.raise("ArgumentError", what .. ": the file is closed") end
end

-- Lines as io.lines gives them have lost their ends.
local function of_lines(iterator)
  return function()
    local line = iterator()
    if line == nil then return nil end
    if type(line) ~= "string" then options.expect("import: what the iterator gives", "a string (a line)", line) end
    return string.sub(line, -1) == "\n" and line or line .. "\n"
  end
end

local function of_handle(file)
  return function()
    local piece, why = file:read(PIECE)
    if not piece and why then core.raise("OperationalError", "import: the file cannot be read: " .. why) end
    return piece
  end
end

-- source.open(value): fn() gives the next piece of text, or nil; and a value to be closed at the end, or nil.
function source.open(value)
  if type(value) == "string" then
    local file = source.open_file("import", value, "rb")
    return of_handle(file), file
  end
  if source.is_handle(value) then
    source.check_open("import", value)
    return of_handle(value)
  end
  if options.is_callable(value) then return of_lines(value) end
  options.expect("import", "the name of a file, an open file, or an iterator of lines", value)
end

-- source.is_text(value): does import read text from it, whatever the options say?
function source.is_text(value) return type(value) == "string" or source.is_handle(value) end

return source
