-- count_spec.lua: counts of instructions are compared only if the same tools have made them.

local figures = dofile "spec/bench/count_figures.lua"

-- Runs count.lua as `make test` does. Returns its output and its status.
local function run(environment)
  local pipe = io.popen(environment .. " lua5.4 spec/bench/count.lua test 2>&1")
  local said = pipe:read "a"
  local _, _, status = pipe:close()
  return said, status
end

describe("the count of instructions", function()
  it("has figures for each loop, and what they were made with", function()
    assert.truthy(figures.counts.load and figures.counts.insert and figures.counts["attribute-write"])
    for _, count in pairs(figures.counts) do assert.equal("integer", math.type(count)) end
    for _, key in ipairs{ "machine", "compiler", "flags", "libc", "lua", "sqlite", "valgrind" } do
      assert.equal("string", type(figures.made_with[key]), key)
    end
  end)

  it("is not compared, and takes no time, where the compiler or its flags are others", function()
    if not os.execute "command -v valgrind >/dev/null" then return pending "valgrind is not installed" end
    local said, status = run "CC=gcc CFLAGS='-O0 -g'"
    assert.truthy(said:find("instructions were not compared: ", 1, true), said)
    assert.equal(77, status)
    said, status = run "CC=/bin/true CFLAGS='-O2 -g'"
    assert.truthy(said:find("instructions were not compared: ", 1, true), said)
    assert.equal(77, status)
  end)
end)
