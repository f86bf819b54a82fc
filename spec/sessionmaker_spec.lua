-- sessionmaker: what a session gets from its maker and what from the call.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("the info of a sessionmaker", function()
  it("is joined with that of the call, and each session has its own", function()
    local maker = mr.sessionmaker{ info = { global = true, name = "maker" } }
    local one, two = maker(), maker{ info = { name = "two", extra = 1 } }
    assert.same({ global = true, name = "maker" }, one.info)
    assert.same({ global = true, name = "two", extra = 1 }, two.info)
    two.info.global, one.info.name = false, "changed"
    assert.same({ global = true, name = "maker" }, maker().info)
    assert.same({ name = "only" }, mr.sessionmaker()({ info = { name = "only" } }).info)
    refuse("ArgumentError", { "info", "table" }, maker, { info = 5 })
  end)
end)
