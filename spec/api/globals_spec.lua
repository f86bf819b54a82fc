-- The library's Lua part uses Lua's functions as they were when the module was opened, whatever the program does to its
-- globals later.

local process = require "spec.support.process"

describe("a program whose globals are its own", function()
  local modes = {
    overwritten = "has other values under every standard name",
    ["taken away"] = "has no standard name any more",
    libraries = "has taken the functions out of the standard libraries",
    methods = "has taken the methods away from strings",
    strict = "refuses names that it has not declared",
    environment = "requires the library where _ENV is a table of its own",
  }
  for mode, words in pairs(modes) do
    it("can use all of the library when it " .. words, function()
      local output, ok = process.run(("lua5.4 spec/support/globals.lua %q"):format(mode))
      assert.equal("all of it works\n", output)
      assert.is_true(ok)
    end)
  end

  it("is told which function is missing when it opens the library too late", function()
    for _, name in ipairs{ "type", "pairs", "select", "setmetatable", "getmetatable", "ipairs", "next", "pcall" } do
      local output = process.run(([[lua5.4 -e '%s = "mine"; require "moonrow"']]):format(name))
      assert.matches("moonrow needs Lua's function '" .. name .. "'", output)
    end
  end)

  it("may overwrite the libraries before it opens ours", function()
    local script = [[table, math, coroutine, string = 1, 2, 3, 4
      local db = require "moonrow".open "sqlite://"
      db:scope(function() print(db.session:scalar(db.text "select 1")) end)]]
    assert.equal("1\n", (process.run(("lua5.4 -e '%s'"):format(script))))
  end)

  it("sees none of the library's own globals", function()
    local script = [[local before = {} for k in pairs(_G) do before[k] = true end
      require "moonrow"
      for k in pairs(_G) do if not before[k] then print(k) end end]]
    assert.equal("", (process.run(("lua5.4 -e '%s'"):format(script))))
  end)
end)
