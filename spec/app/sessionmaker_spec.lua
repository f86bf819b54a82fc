-- sessionmaker and scoped_session: the options that a session gets from its maker and from the call, and the listeners
-- of a maker.

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

describe("listening to a sessionmaker", function()
  it("leaves alone the sessions that were collected", function()
    local db = mr.open "sqlite://"
    local maker, told = mr.sessionmaker{ bind = db.engine }, 0
    local kept = maker()
    for _ = 1, 3 do maker() end
    collectgarbage()
    mr.event.listen(maker, "before_commit", function() told = told + 1 end)
    kept:commit()
    maker():commit()
    assert.equal(2, told)
  end)
end)

describe("a scoped_session", function()
  it("refuses a factory that makes nothing", function()
    local scoped = mr.scoped_session(function() end)
    refuse("ArgumentError", { "scoped_session", "factory", "nil" }, scoped)
    refuse("ArgumentError", { "scoped_session", "factory", "nil" }, function() return scoped.dirty end)
  end)
end)
