-- Criteria as text, in Lua's own grammar: what they find, what SQL they are, and the same in memory.

local mr = require "moonrow"
local criteria = require "spec.support.criteria"
local models = require "spec.support.models"

local m
setup(function() m = criteria.filled() end)

-- The text finds these users in SQL, and the same in memory.
local function finds(expected, text, params)
  assert.equal(expected, criteria.names(m.User.query:where(text, params)), text)
  assert.equal(expected, criteria.in_memory(m, text, params), text .. " in memory")
end

local function sql(text, params) return criteria.from(m.User.query:where(text, params)) end

describe("a text of criteria", function()
  it("has Lua's tokens and precedence", function()
    finds("Jim", "level > $min and (clan.name ~= nil or vip) and name:like 'J%'", { min = 10 })
    finds("Jim Ann", "level > 5 or level > 100 and vip")
    finds("Jim", "(level > 5 or level > 100) and vip")
    finds("Jim", "level + 2 * 3 == 17")
    finds("Jim", "2 + level * 3 == 35 and -level == -11 and - -level == 11")
    finds("Jim", "level // 2 * 2 + level % 2 == 11")
    finds("Jim", "level - 1 - 1 == 9")
    finds("Jim", "'<' .. name .. '>' == '<Jim>'")
    finds("Jim", "#name + 8 == 11 and rank == 1")
    finds("Jim", "name == \"Jim\" and name == 'Jim' and name == [[Jim]] and name == [==[Jim]==]")
    finds("Jim", "name == '\\74\\x69\\u{6D}'")
    finds("Jim", "level == 0xB and level == 11.0 and level == 1.1e1 and level < 1e400")
    finds("", "level == 9223372036854775807")
    finds("Jim", "\n level\t==\r\n11 ")
    finds("Joe bob%", "not not (level < 4)")
  end)

  it("has two truth values: a NULL never makes the whole unknown", function()
    finds("-", "name == nil")
    finds("Jim Joe Ann bob%", "name ~= nil")
    finds("Joe Ann bob% -", "name ~= 'Jim'")
    finds("Joe Ann bob% -", "not (name == 'Jim')")
    finds("Jim", "not (name ~= 'Jim')")
    finds("Joe bob% -", "not (level > 5)")
    finds("Joe bob%", "level <= 5")
    finds("Joe Ann bob% -", "not (level > 5 and vip)")
    finds("Jim bob%", "vip")
    finds("Joe Ann -", "not vip")
    finds("Joe", "vip == false")
    finds("Jim Ann bob% -", "vip ~= false")
    finds("Ann -", "vip == nil")
    finds("Joe Ann -", "vip ~= true")
    finds("-", "name == clan.name or level == nil and clan.power == level")
    finds("Jim Joe Ann bob% -", "true")
    finds("", "false or not true")
    finds("Joe Ann bob% -", "not (price == 9.99)")
    finds("Joe Ann bob% -", "price ~= 9.99")
    finds("Ann -", "price == nil")
    finds("Joe Ann bob% -", "not (born > '1999-12-31')")
    finds("Joe Ann bob% -", "seen ~= '2024-05-06 07:08:09'")
    finds("Joe Ann bob% -", "kind ~= 'mage'")
  end)

  it("leaves SQL's truth to SQL's methods", function()
    finds("Joe Ann bob%", "name:ne('Jim')")
    finds("Jim -", "not name:ne 'Jim'")
    finds("Joe", "vip:eq(false)")
    finds("Joe", "vip:ne(true)")
    finds("Jim Joe", "level:between(3, 11)")
    finds("Ann bob% -", "not level:between(3, 11)")
    finds("Jim Ann", "level:gt(5)")
    finds("Ann bob%", "level:not_in{ 3, 11 }")
    finds("Jim Joe", "level:in_({ 3, 11 })")
  end)

  it("divides as Lua does, whatever the signs, integers and floats alike", function()
    local numbers = { -7, -3, -1, 1, 2, 7, -7.5, -1.5, -0.25, 0.25, 1.0, 2.5, 7.5 }
    for _, x in ipairs(numbers) do
      for _, y in ipairs(numbers) do
        local text = ("$x // $y == %.17g and $x %% $y == %.17g and $x / $y == %.17g"):format(x // y, x % y, x / y)
        assert.equal(m.User.query:count(), m.User.query:where(text, { x = x, y = y }):count(),
          ("%s and %s: %s"):format(x, y, text))
        assert.is_true(mr.matches(m.User.query:first(), text, { x = x, y = y }), text)
      end
    end
  end)

  it("floors // and %, divides by zero to nil, and compares strings by their bytes", function()
    finds("bob%", "level // 2 == -4")
    finds("bob%", "level % 3 == 2 and level < 0")
    finds("Ann", "level % -3 == -1 and level > 11")
    finds("Joe", "score // 1.5 == -2.0 and score % 1.5 == 1.0")
    finds("Jim Joe Ann bob% -", "level / 0 == nil and level // 0 == nil and level % 0 == nil and 1.0 / 0.0 == nil")
    finds("Jim", "level / 2 == 5.5")
    finds("Jim", "price // 2 == 4 and price % 2 == 1.99")
    finds("bob%", "price // 1 == -1 and price % 1 == 0.5")
    finds("Jim Joe", "name < 'a' and name > 'B'")
    finds("bob%", "name > 'Z'")
    finds("", "name == 'jim'")
  end)

  it("looks for values in lists", function()
    finds("Jim Joe", "level in $levels", { levels = { 3, 11, 99 } })
    finds("Ann bob% -", "not (level in $levels)", { levels = { 3, 11 } })
    finds("Jim Ann", "name in { 'Jim', 'Ann', $other }", { other = "x" })
    finds("", "level in $levels", { levels = {} })
    finds("Jim Joe Ann bob% -", "not (level in $levels)", { levels = {} })
    finds("Jim", "kind in { 'mage' }")
    finds("Jim", "born in $days", { days = { "2000-01-02", mr.date(2001, 1, 1) } })
  end)

  it("knows the methods of strings", function()
    finds("Jim Joe", "name:startswith 'J'")
    finds("bob%", "name:endswith '%'")
    finds("bob%", "name:contains($part)", { part = "b%" })
    finds("Jim Joe", "name:ilike 'j%'")
    finds("Ann bob%", "name:not_like 'J%'")
    finds("Jim Joe", "name:istartswith 'j'")
    finds("Jim", "name:lower() == 'jim' and name:upper() == 'JIM' and name:len() == 3")
    finds("Jim", "(name .. '!'):like '_im!'")
  end)

  it("reads literals and parameters as the type of what they stand beside", function()
    finds("Jim", "born > '1999-01-01'")
    finds("Jim", "born == $day", { day = mr.date(2000, 1, 2) })
    finds("Jim", "'2024-05-06T07:08:09' == seen")
    finds("Jim Joe", "price > 1.5 and price * 2 < 20.001")
    finds("Joe", "price == 10.00 and price == $p", { p = mr.decimal "10" })
    finds("Jim Ann", "score > $x", { x = 0 })
    finds("Jim", "level > 10.5 and level < $x", { x = 11.5 })
    finds("Ann", "data ~= nil")
  end)
end)

describe("references in a text", function()
  it("are one LEFT JOIN each, however often they are named", function()
    finds("Jim Joe", "clan.name == 'red' and clan.power > 3 and clan.id ~= nil")
    assert.equal("user LEFT OUTER JOIN clan AS clan_1 ON clan_1.id = user.clan_id " ..
      "WHERE clan_1.name = ? AND clan_1.power > ? AND clan_1.id IS NOT NULL",
      sql "clan.name == 'red' and clan.power > 3 and clan.id ~= nil")
    finds("Jim Joe", "clan.leader.name == 'Jim' and clan.leader.level == 11")
    local _, joins = sql("clan.leader.name == 'Jim' and clan.leader.level == 11 and clan.power > 0"):gsub("JOIN", "")
    assert.equal(2, joins)
    local both = m.User.query:where("clan.name ~= nil"):where("clan.power > 3 and level > $x", { x = 4 })
    assert.equal("Jim", criteria.names(both))
    _, joins = criteria.from(both):gsub("JOIN", "")
    assert.equal(1, joins)
  end)

  it("are nil where they lead to nothing", function()
    finds("bob% -", "clan == nil")
    finds("Jim Joe Ann", "clan ~= nil")
    finds("Jim Joe Ann", "clan")
    finds("bob% -", "not clan")
    finds("Ann bob% -", "clan.leader == nil")
    finds("Ann bob% -", "clan.power == nil")
    finds("Joe Ann bob% -", "profile == nil")
    finds("Jim", "profile.motto == 'go'")
  end)

  it("never repeat a parent, whatever the tables say", function()
    m.db.session:add(m.Profile{ motto = "go", user_id = 1 }) -- a second one: the foreign key is not unique
    m.db.session:flush()
    assert.equal("Jim", criteria.names(m.User.query:where "profile.motto == 'go'"))
    assert.equal(1, m.User.query:where("profile.motto == 'go' and clan.name == 'red'"):count())
    assert.same({ "Jim" }, m.db.session:scalars(mr.select(m.User.name):where "profile.motto == 'go'"):all())
    m.db.session:rollback()
  end)

  it("work under limits, eager loads, counts, orders, unions and aliases", function()
    local User = m.User
    local q = User.query:where "clan.power > 3"
    assert.equal(2, q:count())
    assert.equal("Jim", q:order_by("id"):first().name)
    local limited = q:options(mr.joinedload "posts", mr.joinedload "clan"):order_by("id"):limit(2):all()
    local one, two = limited[1], limited[2]
    assert.same({ "Jim", 2, "red", "Joe" }, { one.name, #one.posts, one.clan.name, two.name })
    assert.equal("Joe", q:order_by(User.level):limit(1):one().name)
    assert.is_true(m.db.session:query(q:exists()):scalar())
    assert.equal("Jim Joe bob%", criteria.names(q:union(User.query:where "level < 0")))
    assert.equal("Jim Joe", criteria.names(User.query:filter(User.id:in_(q:with_entities(User.id)))))
    local other = mr.aliased(User)
    local names = m.db.session:query(other):where("clan.power > 3 and level < 5"):all()
    assert.same({ 1, "Joe" }, { #names, names[1].name })
    assert.equal("Jim", q:filter_by{ name = "Jim" }:one().name)
    assert.equal("Joe", q:join(User.posts):filter(m.Post.title:eq "c"):one().name)
    assert.equal(1, #q:paginate{ per_page = 1 }.items)
  end)

  it("work in mr.select, with names of columns, and in statements that write", function()
    local User, session = m.User, m.db.session
    assert.same({ "Jim", "Joe" }, session:scalars(mr.select(User.name):where("clan.name == $c", { c = "red" })
      :order_by(User.id)):all())
    assert.equal(2, session:execute(mr.update(User):where("clan.name == 'red'"):values{ rank = 9 }).rowcount)
    assert.equal(1, User.query:where("clan.name == 'red' and level < 5"):update{ rank = 8 })
    assert.equal(1, session:execute(mr.delete(m.Post):where("author.clan.name == 'blue'")).rowcount)
    assert.equal(1, m.Post.query:where("author.clan.leader ~= nil and title == 'c'"):delete())
    session:rollback()
  end)

  it("work from a class of several tables, and to one", function()
    local db = mr.open "sqlite://"
    local Firm = db.Model:extend("Firm", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
      boss_id = db.Column{ db.Integer, db.ForeignKey "person.id" },
      boss = db.relationship{ "Engineer", foreign_keys = "Firm.boss_id" },
    })
    local Person = db.Model:extend("Person", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
      type = db.Column{ db.String },
      firm_id = db.Column{ db.Integer, db.ForeignKey "firm.id" },
      firm = db.relationship{ "Firm", foreign_keys = "Person.firm_id", backref = "staff" },
      __mapper_args = { polymorphic_on = "type", polymorphic_identity = "person" },
    })
    local Engineer = Person:extend("Engineer", {
      id = db.Column{ db.Integer, db.ForeignKey "person.id", primary_key = true },
      skill = db.Column{ db.String },
      __mapper_args = { polymorphic_identity = "engineer" },
    })
    db:create_all()
    local firm = Firm{ name = "acme" }
    local eve = Engineer{ name = "Eve", skill = "c", firm = firm }
    db.session:add_all{ firm, eve, Person{ name = "Pat", firm = firm } }
    db.session:flush()
    firm.boss = eve
    db.session:commit()
    local function names(class, text) return criteria.names(class.query:where(text)) end
    assert.equal("Eve", names(Engineer, "skill == 'c' and firm.name == 'acme' and name == 'Eve'"))
    assert.equal("Eve Pat", names(Person, "firm.boss.skill == 'c' and firm.boss.name == 'Eve'"))
    assert.equal("Pat", names(Person, "any(firm.staff, \"name == 'Eve'\") and name ~= 'Eve'"))
    assert.is_true(mr.matches(eve, "firm.boss.skill == 'c' and skill == 'c'"))
    assert.equal(1, Firm.query:where("boss.skill == 'c' and any(staff, \"name == 'Pat'\")"):count())
    assert.equal(1, Engineer.query:where("firm.name == 'acme'"):update{ skill = "d" })
  end)
end)

describe("lists in a text", function()
  it("are asked by any, all, none and count", function()
    finds("Jim", "any(posts, 'score > 3 and pinned')")
    finds("Joe bob% -", "all(posts, 'score > 3')")
    finds("Joe bob% -", "not any(posts, 'not (score > 3)')")
    finds("Jim Joe Ann", "any(posts)")
    finds("bob% -", "none(posts)")
    finds("Ann bob% -", "none(posts, 'score > 3')")
    finds("Jim", "count(posts) > 1")
    finds("Jim Joe", "count(posts, 'score > $least') == 1", { least = 3 })
    finds("Jim Joe", "any(tags, [[word == 'lua']])")
    finds("Jim", 'all(tags, "word in $words") and count(tags) == 2', { words = { "lua", "go" } })
    finds("Jim Joe", "any(clan.members, 'level > $x and any(posts, [[score > 3]])')", { x = 10 })
    finds("Jim", "any(posts, [[author.clan.leader.name == 'Jim' and score == 4]])")
    finds("Jim Joe Ann bob% -", "all(clan.members, 'true')")
    finds("bob% -", "count(clan.members) == 0")
    finds("Joe", "any(clan.members, [[name == 'Jim']]) and none(profile.user.posts) and name ~= 'Jim'")
  end)

  it("are EXISTS and a counting subquery", function()
    assert.equal("user WHERE EXISTS (SELECT 1 FROM post AS post_1 WHERE user.id = post_1.author_id AND " ..
      "post_1.score > ? AND post_1.pinned IN (1, '1', 't', 'true'))", sql "any(posts, 'score > 3 and pinned')")
    assert.equal("user WHERE NOT (EXISTS (SELECT 1 FROM post AS post_1 WHERE user.id = post_1.author_id AND " ..
      "(post_1.score > ?) IS NOT 1))", sql "all(posts, 'score > 3')")
    assert.equal("user WHERE (SELECT count(*) AS count_1 FROM post AS post_1 WHERE user.id = post_1.author_id) > ?",
      sql "count(posts) > 2")
  end)
end)

describe("texts in other places", function()
  it("stand in any and has, in filter, and join with other criteria", function()
    local User, Post = m.User, m.Post
    assert.equal("Jim", criteria.names(User.query:filter(User.posts:any("score > $x and pinned", { x = 3 }))))
    assert.equal("Jim Joe", criteria.names(User.query:filter(User.clan:has "leader.name == 'Jim'")))
    assert.equal("Jim", criteria.names(User.query:filter("level > 5"):filter(User.vip)))
    assert.equal("Jim", criteria.names(User.query:where(User.level:gt(5), User.vip)))
    assert.equal(1, Post.query:filter("author.name == 'Jim' and pinned"):count())
  end)

  it("compare composites and hybrids", function()
    local db = mr.open "sqlite://"
    local Point = setmetatable({}, { __call = function(class, x, y) return setmetatable({ x = x, y = y }, class) end })
    Point.__index = Point
    local Spot = db.Model:extend("Spot", {
      id = db.Column{ db.Integer, primary_key = true }, x = db.Column{ db.Integer }, y = db.Column{ db.Integer },
      at = mr.composite{ Point, "x", "y" },
      sum = mr.hybrid(function(self) return self.x + self.y end),
      big = mr.hybrid{ get = function(self) return self.x > 10 end, expr = function(cls) return cls.x:gt(10) end },
    })
    db:create_all()
    db.session:add_all{ Spot{ id = 1, x = 1, y = 2 }, Spot{ id = 2, x = 20, y = 5 } }
    db.session:commit()
    assert.equal(2, Spot.query:where("at.x > 3 and sum == 25 and big"):one().id)
    assert.equal(1, Spot.query:where("not big and sum < $n", { n = 4 }):one().id)
    assert.equal(2, Spot.query:where("big == true"):one().id)
  end)

  it("are the same in memory after an UPDATE and a DELETE", function()
    local db, User = models.users()
    db.session:add_all{ User{ username = "a", email = "1" }, User{ username = "b", email = "2" } }
    db.session:commit()
    local all = User.query:order_by("id"):all()
    local statements = models.statements(db, function()
      User.query:where("username ~= 'b' and #email == 1"):update({ email = "x" }, { synchronize_session = "evaluate" })
    end)
    assert.equal(1, #statements)
    assert.equal("x", all[1].email)
    assert.equal("2", all[2].email)
    User.query:where("username in { 'b' }"):delete{ synchronize_session = "evaluate" }
    assert.equal("deleted", mr.inspect(all[2]).state)
    db.session:rollback()
  end)

  it("are found again by class and text, and read anew when the class changes", function()
    local db, User = models.with_users "a"
    local function find(name) return User.query:where("username == $name", { name = name }):first() end
    assert.equal("a", find("a").username)
    assert.is_nil(find "b")
    assert.equal("a", find("a").username)
    assert.is_false((pcall(function() return User.query:where "any(notes)" end)))
    db.Model:extend("Note", { id = db.Column{ db.Integer, primary_key = true },
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id" }, user = db.relationship{ "User", backref = "notes" } })
    assert.matches("EXISTS (SELECT 1 FROM note", tostring(User.query:where "any(notes)"), 1, true)
    assert.equal("a", find("a").username)
    for i = 1, 600 do tostring(User.query:where("username == 'x" .. i .. "'")) end -- more than are kept
    assert.equal("a", find("a").username)
  end)
end)
