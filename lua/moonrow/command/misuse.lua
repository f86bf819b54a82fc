-- misuse.lua: the error of a command that was called wrongly: its reason is printed with the command's usage, and the
-- status is 2.
--
-- Invariant: nothing was done when it is raised.

local Misuse = { __name = "Misuse" }
function Misuse:__tostring() return self.reason end

-- misuse(format, ...): raises it.
return function(format, ...) error(setmetatable({ reason = string.format(format, ...) }, Misuse), 0) end
