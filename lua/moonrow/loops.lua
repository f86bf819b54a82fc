-- loops.lua: does this Lua close the closing value of a for loop that is left by break?
--
-- Lua 5.4.4, as Debian has it, does not if a function made in the loop uses the loop's variable: it closes the value
-- later, when its place on the stack may have another value, and then raises "attempt to call a nil value". With such a
-- Lua our iterators give no closing value; the cursor of a loop that was left is closed when it is collected.
--
-- Invariant: the probe runs once, when the library opens, and its own error is caught.

local core = ...

local closed, held = false, nil
local closing = setmetatable({}, { __close = function() closed = true end })

local function items() return next, { true, true }, nil, closing end

local function probe()
  for item in items() do
    held = function() return item end
    if held then break end
  end
  return closed
end

-- Within pcall: a Lua with the fault may raise when the function ends.
local ok, sound = pcall(probe)
core.loops_close(ok and sound)
