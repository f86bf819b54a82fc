-- Patterns with zero bytes, and patterns longer than SQLite's LIKE takes.

local mr = require "moonrow"

local db, T
before_each(function()
  db = mr.open "sqlite://"
  T = db.Model:extend("T", { id = db.Column{ db.Integer, primary_key = true }, s = db.Column{ db.String } })
  db:create_all()
  for i, s in ipairs{ "a\0b", "a", "\0", "A\0B%", "ab", "" } do db.session:add(T{ id = i, s = s }) end
  db.session:add(T{ id = 7 })
  db.session:commit()
end)

local function ids(query)
  local keys = {}
  for i, row in ipairs(query:order_by "id":all()) do keys[i] = row.id end
  return table.concat(keys, " ")
end

describe("a pattern with a zero byte", function()
  it("is found as it is, in expressions", function()
    for expected, criterion in pairs{
      ["1 3 4"] = T.s:contains "\0", ["1 4"] = T.s:icontains "A\0b", ["3"] = T.s:startswith "\0",
      ["1 3"] = T.s:endswith("\0b") | T.s:endswith "\0",
      ["2 5 6"] = T.s:not_like "%\0%", ["1"] = T.s:like("a!\0b", { escape = "!" }),
      ["4 "] = T.s:contains "\0B%", ["1 4 "] = T.s:contains("\0_", { autoescape = false }),
      ["4  "] = T.s:contains("\0b\u{E4}%", { escape = "\u{E4}", autoescape = false }),
    } do assert.equal((expected:gsub("%s+$", "")), ids(T.query:filter(criterion)), tostring(criterion)) end
  end)

  it("is found as it is, in a text and in memory", function()
    local function same(expected, text, params)
      assert.equal(expected, ids(T.query:where(text, params)), text)
      local met = {}
      for _, row in ipairs(T.query:order_by "id":all()) do
        if mr.matches(row, text, params) then met[#met + 1] = row.id end
      end
      assert.equal(expected, table.concat(met, " "), text .. " in memory")
    end
    same("1 3 4", "s:contains '\\0'")
    same("1 3 4", "s:contains($x)", { x = "\0" })
    same("3", "s:startswith($x)", { x = "\0" })
    same("1 4", "s:like($x)", { x = "a\0%" })
    same("1 4", "s:icontains($x)", { x = "A\0b" })
    same("2 5 6", "s:not_like '%\\0%'")
    same("2 5 6 7", "not s:contains '\\0'")
    same("2 5 6", "s:not_ilike '%\\0%'")
  end)

  it("costs an ordinary pattern nothing", function()
    assert.matches("t.s LIKE ? ESCAPE '/'", tostring(T.query:where "s:contains 'x'"), 1, true)
    assert.matches("t.s LIKE ?", tostring(T.query:filter(T.s:like "x%")), 1, true)
    assert.matches("mr_like(t.s, ?)", tostring(T.query:filter(T.s:like "\0%")), 1, true)
    assert.equal("2 5", ids(T.query:filter(T.s:like "a%", ~T.s:contains "\0")))
    assert.equal("1 2 4 5", ids(T.query:filter(T.s:like "a%")))
  end)
end)

describe("a pattern of more than 50,000 bytes", function()
  it("is compared, in expressions", function()
    local long = ("x"):rep(60000)
    db.session:add(T{ id = 8, s = "<" .. long .. ">" })
    assert.equal("8", ids(T.query:filter(T.s:contains(long))))
    assert.equal("1 2 3 4 5 6", ids(T.query:filter(T.s:not_like("%" .. long .. "%"))))
  end)
end)
