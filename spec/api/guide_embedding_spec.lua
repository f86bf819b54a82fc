-- The guide's page about embedding names all functions of moonrow.h.

local guide = require "spec.support.guide"
local known = require "spec.support.known"

describe("the guide's table of the functions of moonrow.h", function()
  it("has each, and no other", function()
    local declared = {}
    for line in io.lines "src/include/moonrow.h" do
      local name = not line:match "^[ /#]" and line:match "([%w_]+)%("
      if name then declared[name] = true end
    end
    assert.is_true(declared.mr_db_commit and declared.luaopen_moonrow)
    local told = guide.names(guide.table("embedding", "for", "All functions"), 2)
    known.same(declared, told)
  end)
end)
