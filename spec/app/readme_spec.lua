-- The README is true: its program runs, its picture of the demo is what the demo prints, its links lead somewhere.

local cjson = require "cjson"

package.path = "spec/bench/?.lua;" .. package.path
local readme = require "readme"

local function read(path)
  local file = assert(io.open(path), path)
  local text = file:read "a"
  file:close()
  return text
end

describe("the README", function()
  local text = read "README.md"

  it("has a program that prints what it says", function()
    local command = "LUA_CPATH='%s' lua5.4 spec/guide.lua README.md lua5.4 -W 2>&1"
    local pipe = assert(io.popen(command:format(package.cpath)))
    local out = pipe:read "a"
    assert.is_true(pipe:close(), out)
    assert.matches("^ok 1 ", out)
  end)

  it("shows of the demo what it prints", function()
    local picture = assert(text:match "\n```sh\nmake demo\n```\n\n```\n(.-)```")
    local printed, at, lines = read "examples/world.expected", 1, 0
    for part in (picture .. "...\n"):gmatch "(.-)%.%.%.\n" do
      local from, to = printed:find(part, at, true)
      assert(from, "the demo does not print: " .. part)
      at = to
      lines = lines + select(2, part:gsub("\n", ""))
    end
    assert.is_true(lines > 10)
  end)

  it("links to files that there are", function()
    local linked = {}
    for target in text:gmatch "%]%(([^)]+)%)" do
      local path = target:gsub("#.*", "")
      linked[path] = true
      if not path:match "^https?:" then assert(io.open(path), path .. " is linked, and not there"):close() end
    end
    assert.is_true(linked["examples/guide/README.md"] and linked["examples/guide/tutorial.md"])
  end)

  it("has a table of figures where the command puts it", function()
    local figures = assert(text:match "<!%-%- figures: [^\n]*%-%->\n(.-)\n<!%-%- end of the figures %-%->")
    assert.matches("^|  | bare C loop | %*%*moonrow%*%* |", figures)
    assert.matches("\nCPU time, medians of %d+ rounds on .*, %d+%-%d+%-%d+%. `make bench` measures again%.$", figures)
    assert.equal(text, readme.put(text, figures))
    assert.has_error(function() readme.put("no marks", figures) end)
  end)
end)

describe("the README's table", function()
  local function result(value) return { value = value, values = { value }, ratios = {} } end
  local function report()
    return {
      date = "2026-01-02T00:00:00Z", rounds = 3, machine = "a machine",
      contestants = { { name = "C loop", version = "" }, { name = "moonrow", version = "moonrow 0.1" },
        { name = "SQLAlchemy", version = "1.4.46" } },
      rows = {
        { name = "load", unit = "s", results = { ["C loop"] = result(0.0281), moonrow = result(0.1124),
          SQLAlchemy = result(1.59812) } },
        { name = "bytes", unit = "bytes", results = { ["C loop"] = result(122.5), moonrow = result(219.97),
          SQLAlchemy = result(1133.4) } },
        { name = "attribute-read", unit = "ns", results = { ["C loop"] = result(1.9), moonrow = result(19.1) } },
        { name = "of no interest", unit = "s", results = { moonrow = result(1) } },
      },
    }
  end

  it("has the medians of those who took part, and a blank where there is none", function()
    assert.equal([[
|  | bare C loop | **moonrow** | SQLAlchemy 1.4.46 (Python) |
| --- | ---: | ---: | ---: |
| load 100,000 objects, read one attribute of each | 28 ms | **112 ms** | 1,598 ms |
| memory of a loaded object | 122 bytes | **220 bytes** | 1,133 bytes |
| read an attribute (first column: a field of a Lua table) | 1.9 ns | **19 ns** |  |

CPU time, medians of 3 rounds on a machine, 2026-01-02. `make bench` measures again.]],
      readme.table_of(cjson.decode(cjson.encode(report()))))
  end)
end)
