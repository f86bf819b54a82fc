-- loops.lua: does this Lua close the closing value of a for loop that is left by break?
--
-- Lua 5.4.4, as Debian has it, does not where a function in the loop holds the loop's variable: it closes the value
-- later, when its place on the stack may hold something else, and then raises "attempt to call a nil value". There our
-- iterators give no closing value: what they hold is let go when it is collected.

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

-- In a call of its own: a Lua with the fault may raise at its end.
local ok, sound = pcall(probe)
core.loops_close(ok and sound)
