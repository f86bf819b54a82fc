-- block.lua: running a function in a block that something must end.
--
-- Invariant: the block ends with the function, whatever ends that, and an error goes on unchanged. Where Lua closes
-- the block's variable by itself the error keeps its traceback; a coroutine that dies of it would leave the
-- variable open.

local core = ...

local block = {}

local function finish(close, ok, ...)
  if ok then return ... end
  local err = ...
  local closed, failure = pcall(close, err)
  if closed then failure = err end
  error(failure, 0)
end

-- block.run(close, fn, ...): fn(...) and its results, within a block whose variable to be closed the caller has:
-- close(err) ends it where an error would not. fn may yield.
function block.run(close, fn, ...)
  if core.error_closes() then return fn(...) end
  return finish(close, pcall(fn, ...))
end

return block
