-- report_spec.lua: other programs can read the report of `make bench`, and it says what is not known.

local cjson = require "cjson"

package.path = "spec/bench/?.lua;" .. package.path
local chart, json, groups = require "chart", require "json", require "rows"

local function contestant(value, ratio)
  return { value = value, ratio = ratio, values = { value }, ratios = { ratio }, checksum = "1" }
end

local function report()
  return {
    date = "2026-01-01T00:00:00Z", rounds = 1,
    machine = "a <fast> & small one", load_before = 0.5,
    contestants = { { name = "C loop", version = "" }, { name = "moonrow", version = "moonrow 0.1" } },
    skipped = { "LuaSQL" },
    rows = {
      { name = "load", group = "reading", words = 'load "all"',
        unit = "s", must = 2, aim = 1, figure = 3, agree = true,
        results = { ["C loop"] = contestant(0.5, 1.0), moonrow = contestant(1.5, 3.0) } },
      { name = "stream", group = "memory", words = "held", unit = "kB", figure = 7, agree = true,
        results = { moonrow = { value = 7, values = { 7 }, ratios = {}, checksum = "1" } } },
    },
  }
end

describe("the report of the benchmarks", function()
  it("is JSON that gives the same values again", function()
    local r = report()
    r.rows[1].of = "a tab\t, a line\n, a \\ and a \1"
    assert.same(r, cjson.decode(json.encode(r)))
  end)

  it("keeps infinite numbers out of JSON, which has none", function()
    assert.equal("[null, null, 0.25]", json.encode{ 1 / 0, 0 / 0, 0.25 })
  end)

  it("is drawn as a picture that is well-formed, with rows that have no yardstick below", function()
    local svg, open = chart.draw(report()), {}
    assert.truthy(svg:find("a &lt;fast&gt; &amp; small one", 1, true))
    assert.truthy(svg:find("held: 7.00 kB", 1, true))
    assert.truthy(svg:find('class="over"><title>load "all": 3.00 times', 1, true))
    for slash, name, inside in svg:gsub("<style>.-</style>", ""):gmatch "<(/?)([%w]+)([^<>]*)>" do
      if slash == "/" then
        assert.equal(table.remove(open), name)
      elseif inside:sub(-1) ~= "/" then
        open[#open + 1] = name
      end
    end
    assert.same({}, open)
  end)

  it("has rows with names of their own, whose limits are in order", function()
    local seen = {}
    for _, group in ipairs(groups) do
      for _, row in ipairs(group) do
        assert.is_nil(seen[row.name])
        seen[row.name] = true
        assert.truthy(row.words and (row.set or group.set), row.name)
        if row.must then assert.is_true(row.aim <= row.must, row.name) end
      end
    end
    assert.is_true(seen.load and seen.insert and seen["attribute-write"])
  end)

  it("refuses a row that it does not know, and names those that there are", function()
    local pipe = io.popen "ROW=lod lua5.4 spec/bench/bench.lua 2>&1"
    local said = pipe:read "a"
    assert.is_nil((pipe:close()))
    assert.truthy(said:find("no row is called lod; there are: load, load-all", 1, true))
  end)
end)
