-- progress.lua: what is told how many rows have been read or written.
--
-- Invariant: a line on the terminal goes with what it told of.

local core, require = ...
local options = require "moonrow.options"

local progress = {}

-- progress.counter(function's name, progress): fn(count), or nil; and a value to be closed at the end, or nil.
-- progress: the program's function, true, or nil.
function progress.counter(what, given)
  if given ~= nil and given ~= true and not options.is_callable(given) then
    options.expect(what .. ": progress", "a function, or true for a line on the terminal", given)
  end
  if given ~= true then return given, nil end
  local show, line = progress.line()
  return function(count) show(string.format("%d rows", count)) end, line
end

-- progress.line(): fn(text), which shows it in place of the one before, and a value to be closed at the end.
function progress.line()
  return core.progress_line, setmetatable({}, { __close = function() core.progress_line "" end })
end

return progress
