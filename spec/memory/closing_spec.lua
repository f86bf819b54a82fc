-- Finalizers that are older than the library run after it has closed, at the end of the Lua state.

local process = require "spec.support.process"

describe("a finalizer older than the library", function()
  local has_valgrind = os.execute "valgrind --version >/dev/null 2>&1"
  local sanitized = (os.getenv "LD_PRELOAD" or ""):find "asan"

  for _, mode in ipairs{ "incremental", "generational" } do
    it("is told by every door that moonrow is closed, under the collector's mode " .. mode, function()
      local output, ok = process.run("lua5.4 spec/support/closing.lua " .. mode)
      assert.equal("tried them all\n", output)
      assert.is_true(ok)
    end)

    it("reads and writes nothing that was freed, under the collector's mode " .. mode, function()
      if not has_valgrind or sanitized then return pending "needs valgrind, without sanitizers" end
      local output, ok = process.run("valgrind -q --error-exitcode=99 lua5.4 spec/support/closing.lua " .. mode)
      assert.equal("tried them all\n", output)
      assert.is_true(ok)
    end)
  end
end)

describe("a value whose finalizer has run", function()
  local mr = require "moonrow"

  it("says so, while the library is open", function()
    local db = mr.open "sqlite://"
    local seen
    do
      local keep = setmetatable({}, { __gc = function(t) seen = { pcall(function() return t.query:all() end) } end })
      keep.query = db.session:query(mr.func.now()) -- newer than the table: its finalizer runs first
    end
    collectgarbage()
    collectgarbage()
    assert.is_false(seen[1])
    assert.matches("this value is gone", tostring(seen[2]))
  end)
end)
