-- Mistakes in criteria as text, with the place and the nearest name; and texts that end users write.

local mr = require "moonrow"
local criteria = require "spec.support.criteria"
local models = require "spec.support.models"
local refuse = require "spec.support.refuse"

local m
setup(function() m = criteria.filled() end)

local function refused(words, text, params)
  return refuse("ArgumentError", words, function() return m.User.query:where(text, params) end)
end

describe("a mistake in a text", function()
  it("is shown with a caret under its place", function()
    assert.equal("User has no attribute 'levl' (did you mean 'level'?)\n  rank > 1 and levl > 3\n" ..
      "               ^~~~", refused("levl", "rank > 1 and levl > 3").message)
    assert.equal("Post has no attribute 'scor' (did you mean 'score'?)\n  pinned and scor > 3\n             ^~~~",
      refused("scor", "vip and any(posts, 'pinned and scor > 3')").message)
    assert.equal("'x' is a string, and cannot be compared with level, which is a number\n  level == 'x'\n" ..
      "           ^~~",
      refused("level", "level == 'x'").message)
    local long = refused("nam", ("level > 3 and "):rep(20) .. "nam == 'x'" .. (" and level > 3"):rep(20)).message
    local line, carets = long:match "\n  (.-)\n(.*)$"
    assert.is_true(#line < 90)
    assert.equal("nam", line:sub(carets:find "%^" - 2):sub(1, 3))
    line, carets = refused("unexpected", "name == 'üüü' ;").message:match "\n(.-)\n(.*)$"
    assert.equal(utf8.len(line), utf8.len(carets))
  end)

  it("names what is written instead", function()
    for text, words in pairs{
      ["level == 1 & rank == 2"] = "use and", ["vip | vip"] = "use or", ["~vip"] = "use not", ["!vip"] = "use not",
      ["vip && vip"] = "use and", ["vip || vip"] = "use or", ["level != 3"] = "write ~=", ["level <> 3"] = "write ~=",
      ["level = 3"] = "write ==", ["1 < level < 3"] = "not chained", ["level == 3 == true"] = "not chained",
      ["level in {1} in {2}"] = "not chained", ["not level == 3"] = "not (x == y)", ["level > ?"] = "$name",
      ["name is nil"] = "Lua's grammar", ["level ^ 2 == 4"] = "powers", ["name == 'x' -- y"] = "no comments",
    } do refused(words, text) end
  end)

  it("is a wrong type, an unknown name, a list without any", function()
    for text, words in pairs{
      ["name == 3"] = "3 is a number", ["name + 1 == 2"] = "joined by ..", ["level .. 'x' == 'x'"] = "takes strings",
      ["level"] = "no condition", ["name and vip"] = "no condition", ["not nil"] = "nil is no condition",
      ["vip < true"] = "has no order", ["kind < 'mage'"] = "has no order", ["data == 'x'"] = "nil alone",
      ["born > 'yesterday'"] = "expected a date", ["kind == 'mag'"] = "did you mean 'mage'",
      ["price + score > 1"] = "cannot be calculated", ["posts.score > 3"] = 'any(posts, "score ...")',
      ["posts == nil"] = "none(posts)", ["any(clan, 'id == 1')"] = "is asked of a list", ["ani(posts)"] = "'any'",
      ["any(posts, score > 3)"] = "a text in quotes", ["all(posts)"] = "a comma", ["count(posts)"] = "no condition",
      ["name:lik 'x'"] = "did you mean 'like'", ["level:like 'x'"] = "takes strings", ["level:between(1)"] = "takes 2",
      ["clan == 3"] = "clan.id", ["clan.nam == 'x'"] = "did you mean 'name'", ["clan.id.x == 3"] = "has no 'x'",
      ["$a == $b"] = "so that it has a type", ["level in 3"] = "a list", ["level in { nil }"] = "a list has no nil",
      ["level > nil"] = "nil has no order", ["(level > 3) == true"] = "join it by and, or", ["name:eq(nil)"] = "== nil",
    } do refused(words, text, { a = 1, b = 2 }) end
  end)

  it("is a text that ends too early, or goes on", function()
    for text, words in pairs{
      [""] = "empty", [" \n"] = "empty", ["level >"] = "the text ends", ["(level > 3"] = ") is missing",
      ["level > 3)"] = "the end", ["level > 3 vip"] = "an operator", ["'abc"] = "no end", ["[[abc"] = "no end",
      ["name == '\\q'"] = "escape", ["name == '\\300'"] = "255", ["name == '\\u{FFFFFFFFF}'"] = "too large",
      ["level > 3x"] = "no number", ["0x > level"] = "no number", ["1e > level"] = "no number",
      ["level not in { 3 }"] = "not stands before a condition: write not (x in { 1, 2 })",
      ["upper(name) == 'X'"] = "'upper' is a method, which stands behind a value: x:upper(...)",
      ["uper(name) == 'X'"] = "there is no function 'uper'",
      ["level > $"] = "a name", ["level > \1"] = "unexpected", ["level\0 > 3"] = "unexpected",
    } do refused(words, text) end
  end)

  it("is a parameter without a value, with nil, with a wrong one, or with a name that the text has not", function()
    refused({ "$min", "no value", "^~~~" }, "level > $min")
    refused({ "$min", "no value" }, "level > $min", {})
    refused({ "$min", "nil" }, "level > $min", { min = mr.null })
    refused({ "$min", "expected a number", 'string "x"' }, "level > $min", { min = "x" })
    refused({ "$min", "nan" }, "score > $min", { min = 0 / 0 })
    refused({ "$b", "expected a date" }, "born > $b", { b = "x" })
    refused({ "$p", "decimal" }, "price > $p", { p = 1.5 })
    refused({ "$l", "expected a list" }, "level in $l", { l = 3 })
    refused({ "$l", "names" }, "level in $l", { l = { a = 1 } })
    refused({ "$l", "expected a number" }, "level in $l", { l = { 1, "x" } })
    refused({ "$mim", "did you mean 'min'" }, "level > $min", { min = 1, mim = 2 })
    refused({ "$least", "no value", "\n  score > $least" }, "any(posts, 'score > $least') and level > $x", { x = 1 })
    refused({ "$leas", "did you mean 'least'" }, "any(posts, 'score > $least')", { leas = 1 })
    refused("by name", "level > $min", { 1 })
    refused("a table", "level > $min", 5)
    refuse("ArgumentError", "one text", function() return m.User.query:where("vip", {}, "vip") end)
    refuse("ArgumentError", "no class", function() return m.db.session:query(mr.func.now()):where "vip" end)
  end)

  it("never reaches SQL", function()
    for _, text in ipairs{
      "name == 'x'; DROP TABLE user", "1 = 1", "name == ''' OR 1=1 --'", "id in (SELECT id FROM user)",
      "name == 'x' UNION SELECT 1", "(SELECT 1)", "name LIKE 'x'", "user.name == 'x'", "rowid == 1",
    } do
      assert.same(0, #models.statements(m.db, function()
        assert.is_false((pcall(function() return m.User.query:where(text):all() end)), text)
      end))
    end
    local hostile = "'); DROP TABLE user; --"
    local q = m.User.query:where(("name == %q or name:contains %q"):format(hostile, hostile))
    assert.is_nil(tostring(q):find("DROP", 1, true))
    assert.equal("", criteria.names(q))
  end)

  it("is a text that nests too deep, or is too long", function()
    refused("nests deeper", ("("):rep(200) .. "vip" .. (")"):rep(200))
    refused("nests deeper", ("not "):rep(200) .. "vip")
    refused("nests deeper", ("- "):rep(200) .. "level > 1")
    refused("nests deeper", "level" .. (" + 1"):rep(200) .. " > 1")
    refused("5000 parts", ("vip or "):rep(6000) .. "vip")
    refused("65536", "name == '" .. ("x"):rep(70000) .. "'")
    refused("the path is too long", ("clan."):rep(40) .. "id == 1")
    refused("the name is too long", ("x"):rep(300))
    local text = "vip"
    for _ = 1, 12 do text = ("any(posts, %q)"):format("any(author.posts, " .. ("%q"):format(text) .. ")") end
    assert.is_false((pcall(function() return m.User.query:where(text) end)))
    assert.equal("Jim bob%", criteria.names(m.User.query:where(("vip or "):rep(2000) .. "vip")))
    assert.equal("Jim bob%", criteria.names(m.User.query:where(("("):rep(90) .. "vip" .. (")"):rep(90))))
  end)
end)

describe("mr.filter", function()
  local function filter(text, options)
    options = options or {}
    options.allow = options.allow or { "name", "level", "clan.name", "posts.score" }
    return m.User.query:where(mr.filter(m.User, text, options))
  end

  local function not_allowed(words, text, options)
    return refuse("ArgumentError", words, function() return filter(text, options) end)
  end

  it("takes what is allowed", function()
    assert.equal("Jim", criteria.names(filter("level > $min and clan.name == 'red'", { params = { min = 5, me = 1 } })))
    assert.equal("user LEFT OUTER JOIN clan AS clan_1 ON clan_1.id = user.clan_id WHERE clan_1.name = ?",
      criteria.from(filter "clan.name == 'red'"))
    assert.equal("Jim Joe", criteria.names(filter "any(posts, 'score > 3')"))
    assert.equal("bob% -", criteria.names(filter "clan == nil"))
  end)

  it("joins with other criteria, and stands in statements", function()
    local User = m.User
    local red = mr.filter(User, "clan.name == 'red'", { allow = { "clan.name" } })
    assert.equal("Jim Joe bob%", criteria.names(User.query:where(red | User.level:lt(0))))
    assert.equal("Ann bob% -", criteria.names(User.query:where(~red)))
    assert.equal("Jim", criteria.names(User.query:where(red & User.vip)))
    assert.equal(2, User.query:where(red):update{ rank = 7 })
    assert.equal(2, m.db.session:execute(mr.update(User):where(red):values{ rank = 8 }).rowcount)
    m.db.session:rollback()
    local other = mr.aliased(User)
    local q = m.db.session:query(other):where(mr.filter(other, "clan.name == 'red' and level > 5",
      { allow = { "clan.name", "level" } }))
    assert.equal("Jim", q:one().name)
  end)

  it("refuses what is not, before it looks for it, and in texts seen before", function()
    not_allowed({ "'rank' is not allowed here", "name, level, clan.name, posts.score", "^~~~" },
      "level > 1 and rank > 1")
    assert.equal(not_allowed("secret", "secret == 1").message:gsub("secret", "?"),
      (not_allowed("rank", "rank == 1").message:gsub("rank", "?"):gsub("%^~+", "^~~~~~")))
    not_allowed("'clan.power'", "clan.power > 1")
    not_allowed("'posts.title'", "any(posts, 'title == \"x\"')")
    not_allowed("'nam' is not allowed here (did you mean 'name'?)", "nam == 'x'")
    assert.equal("Jim Joe Ann bob% -", criteria.names(m.User.query:where "rank > 0"))
    not_allowed("'rank'", "rank > 0")
    not_allowed("'name'", "name == 'x'", { allow = {} })
  end)

  it("limits the size", function()
    not_allowed("more than 5 parts", "level > 1 and level > 2 and level > 3", { max_nodes = 5 })
    filter("level > 1 and level > 2 and level > 3")
    not_allowed("may have 5", "level > 1 and level > 2 and level > 3", { max_nodes = 5 })
    refuse("ArgumentError", "max_nodes", function() return filter("level > 1", { max_nodes = 0 }) end)
  end)

  it("wants a class, a text and a list of what is allowed", function()
    refuse("ArgumentError", "allow is missing", mr.filter, m.User, "vip")
    refuse("ArgumentError", "a list", mr.filter, m.User, "vip", { allow = "vip" })
    refuse("ArgumentError", "names of attributes", mr.filter, m.User, "vip", { allow = { 1 } })
    refuse("ArgumentError", "alow", mr.filter, m.User, "vip", { alow = {} })
    refuse("ArgumentError", "a class and a text", mr.filter, m.User)
  end)
end)

describe("mr.matches", function()
  it("computes over an object with the values that it has now, a new one too", function()
    local user = m.User{ name = "new", level = 5, posts = { m.Post{ score = 7 } } }
    assert.is_true(mr.matches(user, "level == $n and any(posts, 'score > 6') and clan == nil", { n = 5 }))
    user.level = 6
    assert.is_false(mr.matches(user, "level == 5"))
  end)

  it("raises where an integer overflows", function()
    local user = m.User{ level = math.maxinteger }
    for _, text in ipairs{ "level + 1 > 0", "level * 2 > 0", "0 - level - 2 < 0", "-(0 - level - 1) > 0" } do
      refuse("ArgumentError", { "the integer is too large", "^" }, mr.matches, user, text)
    end
    assert.is_true(mr.matches(user, "level + 0 > 0 and level * 1.0 > 1e18"))
  end)

  it("says where only the database knows", function()
    local db = mr.open "sqlite://"
    local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true },
      twice = mr.hybrid(function(self) return self.id * 2 end) })
    db:create_all()
    refuse("InvalidRequestError", "only the database", mr.matches, Thing{ id = 1 }, "twice == 2")
    refuse("ArgumentError", "matches", mr.matches, Thing, "id == 1")
    refuse("ArgumentError", "a text", mr.matches, Thing{ id = 1 }, 5)
  end)
end)

describe("a function of lists without its parentheses", function()
  it("is told, at its place", function()
    for _, name in ipairs{ "any", "all", "none", "count" } do
      local words = { name .. " asks a list, which stands in parentheses: " .. name .. '(posts, "score > 3")', "^~" }
      for _, text in ipairs{ name .. " posts", name .. " == 1", "vip and " .. name } do
        refused(words, text)
        refuse("ArgumentError", words, mr.filter, m.User, text, { allow = { "vip", "posts" } })
      end
    end
    refused({ "an attribute or a value" }, "any()")
  end)

  it("is an attribute where the class has one of the name", function()
    local db = mr.open "sqlite://"
    local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true },
      count = db.Column{ db.Integer }, any = mr.hybrid(function(self) return self.count + 1 end) })
    db:create_all()
    assert.equal(0, Thing.query:where("count == 1 and any == 2"):count())
  end)
end)

describe("a hexadecimal number", function()
  it("is Lua's", function()
    for _, text in ipairs{ "0x1p0", "0x.8", "0xA.8", "0x.8p1", "0x1P+2", "0x1p-2", "0xffp0", "0x1.", "0X.1p4",
      "0x1.fffffffffffff8p0", "0x1.fffffffffffff7ffffffffp0", "0xfffffffffffffbffp0", "0x123456789abcdef01.8",
      "0x1fffffffffffffffff.0p-8", "0x0.0000000000000000000123456789abcdef1p3", "0x1p-1074", "0x1p9999", "0x0p5",
      "0xff", "0xffffffffffffffff", "0x1ffffffffffffffff" } do
      local value = assert(tonumber(text), text)
      local found = m.User.query:where("rank == 1 and " .. text .. " == $x", { x = value })
      if value < math.huge then assert.equal("Jim", criteria.names(found), text) end
      assert.is_true(mr.matches(m.User{}, text .. " == $x", { x = value }), text)
    end
    for _, text in ipairs{ "0x", "0xg", "0x.", "0x.p1", "0x1p", "0x1p+", "0x1.2.3", "0x1p1.5", "0x1p0x", "0x1pg" } do
      refused({ "this is no number", "^" }, "level == " .. text)
    end
  end)
end)

describe("the options of mr.filter", function()
  local function wrong(words, options)
    refuse("ArgumentError", words, mr.filter, m.User, "level > 1", options)
  end

  it("are checked before the text", function()
    wrong({ "filter: allow", "'levl'", "did you mean 'level'" }, { allow = { "level", "levl" } })
    wrong({ "'clan.nam': Clan has no attribute 'nam' (did you mean 'name'?)" }, { allow = { "level", "clan.nam" } })
    wrong({ "'posts.author.scoer': User", "'score'" }, { allow = { "level", "posts.author.scoer" } })
    wrong({ "'level.x': User.level is a value, and has no 'x'" }, { allow = { "level.x" } })
    wrong({ "'': User has no attribute ''" }, { allow = { "" } })
    wrong({ "'clan.': Clan has no attribute ''" }, { allow = { "clan." } })
    wrong({ "has no attribute" }, { allow = { ("x"):rep(300) } })
    wrong({ "filter: allow: expected a list of attributes' names: {" },
      { allow = { level = true } })
    wrong({ "filter: allow: expected a list", '"level"' }, { allow = "level" })
    wrong({ "filter: allow: expected the names of attributes" }, { allow = { 1 } })
    wrong({ "filter: params: expected a table of values by name, got number 3" }, { allow = { "level" }, params = 3 })
    wrong({ "filter: params", "given by name" }, { allow = { "level" }, params = { 1 } })
    wrong({ "max_nodes: expected an integer", '"x"' }, { allow = { "level" }, max_nodes = "x" })
    wrong({ "max_nodes: expected an integer", "1.5" }, { allow = { "level" }, max_nodes = 1.5 })
    wrong({ "max_nodes: expected 1 to 5000, got 0" }, { allow = { "level" }, max_nodes = 0 })
    wrong({ "unknown option 'max_node'", "'max_nodes'" }, { allow = { "level" }, max_node = 3 })
    wrong({ "unknown option 'parms'", "'params'" }, { allow = { "level" }, parms = {} })
    assert.is_truthy(mr.filter(m.User, "level > 1", { allow = { "level", "clan", "posts", "clan.leader.posts.title" },
      params = { unused = 3 } }))
  end)
end)

describe("a query without a class", function()
  it("says which function a text has there", function()
    local query = m.db.session:query(mr.func.count()):select_from(m.User)
    refuse("ArgumentError", "mr.filter(Class, ...)", query.where, query, "level > 5")
    assert.equal(2, query:where(mr.filter(m.User, "level > 5", { allow = { "level" } })):scalar())
  end)
end)
