-- How deep texts of criteria nest: each construct at each depth is computed rightly, or refused with its place, and
-- never in the words of the database.

local mr = require "moonrow"
local criteria = require "spec.support.criteria"
local refuse = require "spec.support.refuse"

local STRESS = os.getenv "MOONROW_STRESS"
local DEEPEST, STEP, MIXES = STRESS and 60 or 120, STRESS and 13 or 1, STRESS and 10 or 400

local m, allowed
setup(function()
  m = criteria.filled()
  allowed = { "level", "rank", "name", "vip", "price", "score" }
  for i = 1, 12 do allowed[#allowed + 1] = ("posts.author."):rep(i - 1) .. "posts.score" end
end)

-- The text in quotes of a level that it does not have itself.
local function quoted(text)
  local level = ""
  while text:find("]" .. level .. "]", 1, true) or text:find("[" .. level .. "[", 1, true) do level = level .. "=" end
  return "[" .. level .. "[" .. text .. "]" .. level .. "]"
end

local function around(open, seed, close, rest)
  return function(d) return open:rep(d) .. seed .. close:rep(d) .. (rest or "") end
end
local function behind(seed, more, rest) return function(d) return seed .. more:rep(d) .. rest end end

-- Lists in lists: posts, whose author has posts.
local function lists(name, rest)
  return function(d)
    local text = "score > 3"
    for i = 1, d do
      text = name .. "(" .. (i == d and "posts" or "author.posts") .. ", " .. quoted(text) .. ")" .. rest
    end
    return text
  end
end

local CONSTRUCTS = {
  ["any"] = lists("any", ""), ["all"] = lists("all", ""), ["none"] = lists("none", ""),
  ["count"] = lists("count", " > 0"), ["not any"] = lists("not any", ""), ["not all"] = lists("not all", ""),
  ["+ to the right"] = around("level + (", "level", ")", " > 1"),
  ["- to the right"] = around("level - (", "level", ")", " > 1"),
  ["* to the right"] = around("0.5 * (", "level", ")", " > 1"),
  ["/ to the right"] = around("level / (", "rank", ")", " > 1"),
  ["// to the right"] = around("level // (", "rank", ")", " > 1"),
  ["% to the right"] = around("level % (", "rank", ")", " > 1"),
  ["+"] = behind("level", " + rank", " > 1"), ["-"] = behind("level", " - rank", " > 1"),
  ["*"] = behind("score", " * 1.5", " > 1"), ["/"] = behind("level", " / rank", " > 1"),
  ["//"] = behind("level", " // rank", " > 1"), ["%"] = behind("level", " % rank", " > 1"),
  ["//, a number"] = behind("level", " // 2", " == 0"),
  ["+ and *"] = around("level + 0.5 * (", "level", ")", " > 1"),
  ["- -"] = around("- ", "level", "", " > 1"), ["-("] = around("-(", "level", ")", " > 1"),
  [".. to the right"] = around("name .. (", "name", ")", " ~= name"), [".."] = behind("name", " .. name", " > 'J'"),
  ["# .."] = function(d) return "#(" .. ("name .. ("):rep(d) .. "name" .. (")"):rep(d) .. ") > 3" end,
  ["and"] = behind("vip", " and level > 1", ""), ["or"] = behind("vip", " or level > 10", ""),
  ["and to the right"] = around("rank > 0 and (", "level > 1", ")"),
  ["and, or"] = around("(rank > 0 and (vip or ", "level > 1", "))"),
  ["or, and"] = around("(vip or (rank > 0 and ", "level > 1", "))"),
  ["not"] = around("not ", "vip", ""), ["not("] = around("not (", "level > 1", ")"),
  ["not (.. and)"] = around("not (rank > 0 and ", "level > 1", ")"),
  ["not (and ..)"] = around("not (", "level > 1", " and rank > 0)"),
  ["not (.. or)"] = around("not (vip or ", "level in { 1, 11 }", ")"),
  ["not like"] = around("not (rank > 0 and ", "name:ilike 'j%'", ")"),
  ["lower"] = behind("name", ":lower()", " == 'jim'"), ["upper"] = behind("name", ":upper()", ":like 'J%'"),
  ["decimals, +"] = around("price + (", "price", ")", " > 1"), ["decimals, - -"] = around("- ", "price", "", " > 1"),
  ["decimals, /"] = around("price / (", "price", ")", " == price"),
  ["decimals, %"] = behind("price", " % price", " == 0"),
  ["decimals, //"] = around("price // (", "price", ")", " > 1"),
  ["decimals, ~="] = around("price - (", "price", ")", " ~= price"),
  ["between"] = around("(level - ", "rank", ")", ":between(1, 100)"),
  ["in"] = around("level - (", "level", ")", " in { 0, 3 }"),
  ["a parameter"] = around("level - (", "$p", ")", " > 1"),
}

local function params_of(text) return text:find("$p", 1, true) and { p = 1 } or nil end

-- Runs the text in all ways: true, or false where it is refused with its place.
local function tried(text)
  local params = params_of(text)
  local ok, query = pcall(m.User.query.where, m.User.query, text, params)
  if not ok then
    assert.equal("ArgumentError", query.kind, text .. ": " .. tostring(query))
    assert.matches("\n +.*\n *%^", query.message, nil, text)
    assert.is_truthy(query.message:find("nested too deeply", 1, true)
      or query.message:find("nests deeper than 100 levels", 1, true), query.message)
    return false
  end
  local names = criteria.names(query)
  assert.equal(criteria.in_memory(m, text, params), names, text)
  local n = #query:all()
  assert.equal(n, query:count(), text)
  local filter = mr.filter(m.User, text, { allow = allowed, params = params, max_nodes = 5000 })
  assert.equal(5 - n, m.User.query:where(~filter):count(), text)
  assert.equal(n, m.User.query:where(m.User.id:in_(m.db.session:query(m.User.id):where(text, params))):count(), text)
  return true
end

describe("a text that nests", function()
  for name in pairs(CONSTRUCTS) do
    it("by " .. name .. " is computed, or refused", function()
      assert.is_true(tried(CONSTRUCTS[name](1)))
      local refused = false
      for d = 2, DEEPEST, STEP do
        local good = tried(CONSTRUCTS[name](d))
        assert.is_false(good and refused, name .. ": " .. d .. " levels are good, and fewer are not")
        refused = not good
      end
    end)
  end

  it("is computed as deep as a program may need", function()
    for name, least in pairs{ any = 6, all = 6, none = 6, count = 8, ["not all"] = 6, ["/ to the right"] = 24,
      ["// to the right"] = 14, ["- to the right"] = 24, lower = 24, ["- -"] = 36, ["and, or"] = 13, ["-"] = 70,
      ["not (.. and)"] = 22, ["not"] = 90, [".."] = 120, ["and"] = 120, ["+ to the right"] = 24,
      ["decimals, +"] = 12 } do
      if not STRESS then assert.is_true(tried(CONSTRUCTS[name](least)), name) end
    end
  end)

  it("by all of these in turn is computed, or refused", function()
    local state = 88172645463325252
    local function random(n)
      state = state ~ (state << 13)
      state = state ~ (state >> 7)
      state = state ~ (state << 17)
      return (state >> 11) % n + 1
    end
    local function pick(list) return list[random(#list)] end
    local number = { "level + (%s)", "level - (%s)", "(%s) - rank", "level * (%s)", "level / (%s)", "level // (%s)",
      "(%s) %% rank", "-(%s)", "(%s) // 2", "2 * (%s) / rank" }
    local text = { "name .. (%s)", "(%s):lower()", "(%s) .. 'x'", "(%s):upper()" }
    local whole = { "not (%s)", "vip and (%s)", "(%s) or level > 3", "not (%s and vip)", "rank > 0 and not (%s)",
      "(%s) and name ~= nil", "%s and rank > 2" }
    local below = { "author.vip and author.rank > 0", "score ~= nil", "not (score > 2)" }
    local good, bad = 0, 0
    for i = 1, MIXES do
      local depth, value = random(40), nil
      if i % 3 == 0 then
        value = "name"
        for _ = 1, depth do value = pick(text):format((value:gsub("%%", "%%%%"))) end
        value = value .. " ~= 'x'"
      else
        value = "level"
        for _ = 1, depth do value = pick(number):gsub("%%s", (value:gsub("%%", "%%%%"))):gsub("%%%%", "%%") end
        value = value .. " > 3"
      end
      for _ = 1, random(12) do value = pick(whole):gsub("%%s", (value:gsub("%%", "%%%%"))) end
      if i % 5 == 0 then
        local inner = pick(below)
        for d = 1, random(9) do
          inner = pick{ "any", "all", "none", "not all" } .. "(" .. "author.posts" .. ", " .. quoted(inner) .. ")"
          if d % 2 == 0 then inner = "not (" .. inner .. " and score > 1)" end
        end
        value = value .. " or any(posts, " .. quoted(inner) .. ")"
      end
      if pcall(m.User.query.where, m.User.query, value) then
        good = good + 1
        assert.equal(criteria.in_memory(m, value), criteria.names(m.User.query:where(value)), value)
        m.User.query:where(value):count()
      else
        bad = bad + 1
        refuse("ArgumentError", { "^" }, function() return m.User.query:where(value) end)
      end
    end
    assert.is_true(good > MIXES // 4 and bad > 0, good .. " good, " .. bad .. " refused")
  end)
end)

describe("a text that is long", function()
  local function count(text, params) return m.User.query:where(text, params):count() end

  it("joins as many strings as it has", function()
    for _, n in ipairs{ 199, 200, 201, 500, 999, 1500, STRESS and 1600 or 4900 } do
      local text = "name .. " .. ("'a' .. "):rep(n - 1) .. "name"
      assert.equal(1, count(text .. " == $x", { x = "Jim" .. ("a"):rep(n - 1) .. "Jim" }))
      assert.equal("Jim", criteria.in_memory(m, text .. " == $x", { x = "Jim" .. ("a"):rep(n - 1) .. "Jim" }))
    end
    assert.equal(1, count("#(" .. ("name .. "):rep(700) .. "name) == 2103 and level == 11"))
  end)

  it("says where a pattern is longer than the database reads", function()
    assert.equal(0, count("name:like($x)", { x = ("a"):rep(50000) }))
    for _, text in ipairs{ "name:like($x)", "name:ilike($x)", "vip and name:contains($x)", "name:not_like($x)" } do
      refuse("ArgumentError", { "bytes, and SQLite's LIKE takes 50000", "^~" }, function()
        return m.User.query:where(text, { x = ("a"):rep(50001) })
      end)
    end
    refuse("ArgumentError", { "52002 bytes" }, function()
      return m.User.query:where("name:contains '" .. ("%"):rep(26000) .. "'")
    end)
    refuse("ArgumentError", { "the pattern has 50002 bytes", "^" }, function()
      return m.User.query:where("any(posts, 'title:contains($x)')", { x = ("a"):rep(50000) })
    end)
  end)

  it("says where it follows more references than the database joins", function()
    local db = mr.open "sqlite://"
    local body = { id = db.Column{ db.Integer, primary_key = true } }
    local tests = {}
    for i = 1, 61 do
      body["r" .. i .. "_id"] = db.Column{ db.Integer, db.ForeignKey "goal.id" }
      body["r" .. i] = db.relationship{ "Goal", foreign_keys = "Wide.r" .. i .. "_id" }
      tests[i] = "r" .. i .. ".name == 'x'"
    end
    local Goal = db.Model:extend("Goal", {
      id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String },
    })
    local Wide = db.Model:extend("Wide", body)
    db:create_all()
    db.session:add(Wide{ r60 = Goal{ name = "x" } })
    db.session:commit()
    local text = table.concat(tests, " or ", 1, 60)
    assert.equal(1, Wide.query:where(text):count())
    refuse("ArgumentError", { "more than 60 references", "^~~" }, function()
      return Wide.query:where(text .. " or r61.name == 'x'")
    end)
    refuse("OperationalError", { "64 tables", "by a subquery" }, function()
      local query = Wide.query:where(text)
      for _ = 1, 4 do
        local goal = mr.aliased(Goal)
        query = query:join(goal, Wide.r1_id:eq(goal.id))
      end
      return query:all()
    end)
  end)
end)
