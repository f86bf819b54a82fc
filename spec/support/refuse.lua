-- refuse.lua: refuse(kind, words, fn, ...) asserts that fn raises an error of the kind, and that its message contains
-- each of the words. Returns the error.

local mr = require "moonrow"

return function(kind, words, fn, ...)
  local ok, e = pcall(fn, ...)
  assert(not ok, "no error was raised")
  assert(mr.errors.Error:is(e), "not an error object: " .. tostring(e))
  assert(e.kind == kind, ("expected %s, got %s: %s"):format(kind, e.kind, tostring(e)))
  if type(words) == "string" then words = { words } end
  for _, word in ipairs(words) do
    assert(e.message:find(word, 1, true), ("the message does not name %q: %s"):format(word, e.message))
  end
  return e
end
