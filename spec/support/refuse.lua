-- refuse.lua: asserts that a call is refused by an error of a kind whose message holds each of the words:
-- what the user wrote, and the cure. Returns the error.

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
