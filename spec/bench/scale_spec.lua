-- scale_spec.lua: `make bench-scale` measures what it is asked for, within its time.

local cjson = require "cjson"

-- Runs it. Returns its output and its report.
local function run(environment)
  local path = os.tmpname()
  local pipe = io.popen(("%s lua5.4 spec/bench/scale.lua %s 2>/dev/null"):format(environment, path))
  local said = pipe:read "a"
  pipe:close()
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  os.remove(path)
  return said, text ~= "" and cjson.decode(text)
end

describe("the benchmark of growth", function()
  local host = io.open((os.getenv "BUILD" or "build") .. "/moonrow")
  if not host then
    pending "needs the host, which has not been built"
    return
  end
  host:close()

  it("takes more seconds and kilobytes for more classes, and says how much each takes", function()
    local said, report = run "SECONDS=60 WORK=classes"
    local results = report.columns[1].results
    assert.equal(6, #results)
    assert.equal(500, results[6].n)
    assert.is_true(results[6].seconds > results[1].seconds)
    assert.is_true(results[6].kilobytes > results[1].kilobytes)
    assert.truthy(said:find("500 +%d+%.%d+ us %d+ B"), said)
  end)

  it("leaves out the steps that do not fit into its time, and says so", function()
    local said, report = run "SECONDS=2 WORK=load"
    local results = report.columns[1].results
    assert.is_true(#results >= 1 and #results < 5)
    assert.truthy(said:find "stopped: load: ", said)
  end)

  it("refuses a work that there is not", function()
    local said, report = run "WORK=lod"
    assert.equal("", said)
    assert.is_false(report)
  end)
end)
