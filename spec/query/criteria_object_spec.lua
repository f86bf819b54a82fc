-- Criteria as text that compare references with objects: the keys of the objects count, in SQL and in memory.

local mr = require "moonrow"
local criteria = require "spec.support.criteria"
local refuse = require "spec.support.refuse"

local m, db, User, Clan
before_each(function()
  m = criteria.filled()
  db, User, Clan = m.db, m.User, m.Clan
end)

local function clan(name) return Clan.query:filter_by{ name = name }:one() end
local function user(name) return User.query:filter_by{ name = name }:one() end

-- Those that meet the text in SQL by joins, by subqueries, and in memory.
local function same(expected, text, params)
  assert.equal(expected, criteria.in_memory(m, text, params), text .. " in memory")
  assert.equal(expected, criteria.names(User.query:where(text, params)), text)
  local write = mr.update(User):where(text, params):values{ rank = User.rank }
  local _, n = expected:gsub("%S+", "")
  write = write:execution_options{ synchronize_session = false }
  assert.equal(n, db.session:execute(write).rowcount, text .. " by subqueries")
end

local function sql(text, params) return (tostring(User.query:where(text, params)):match "FROM (.*)") end

describe("a reference that a text compares with an object", function()
  it("is compared by the key", function()
    local red, blue, jim = clan "red", clan "blue", user "Jim"
    same("Jim Joe", "clan == $clan", { clan = red })
    same("Jim Joe", "$clan == clan", { clan = red })
    same("Ann bob% -", "clan ~= $clan", { clan = red })
    same("Ann bob% -", "not (clan == $clan)", { clan = red })
    same("Jim Joe Ann", "clan in $clans", { clans = { red, blue } })
    same("bob% -", "not (clan in $clans)", { clans = { blue, red } })
    same("Ann", "clan in $clans", { clans = { blue } })
    same("", "clan in $clans", { clans = {} })
    same("Jim Joe Ann bob% -", "not (clan in $clans)", { clans = {} })
    same("Jim Joe Ann", "clan in $clans", { clans = Clan.query:all() })
    same("Jim Joe", "clan.leader == $who", { who = jim })
    same("Ann bob% -", "clan.leader ~= $who", { who = jim })
    same("Jim Joe", "clan.leader in $who", { who = { user "Ann", jim } })
    same("Jim Joe", "clan.leader in $who", { who = red.members })
    same("Jim", "any(posts, 'author == $me')", { me = jim })
    same("Jim Joe", "any(posts, 'author.clan == $clan')", { clan = red })
    same("Jim Joe", "any(clan.members, 'profile == $profile')", { profile = m.Profile.query:one() })
    same("Joe Ann bob% -", "profile ~= $profile", { profile = m.Profile.query:one() })
  end)

  it("is the SQL of :eq(), of IN, or of IS NOT", function()
    local red, blue = clan "red", clan "blue"
    assert.equal(tostring(User.query:filter(User.clan:eq(red))), tostring(User.query:where("clan == $c", { c = red })))
    assert.equal("user WHERE user.clan_id IS NOT ?", sql("clan ~= $c", { c = red }))
    assert.equal("user WHERE user.clan_id IN (?, ?)", sql("clan in $c", { c = { red, blue } }))
    assert.equal("user LEFT OUTER JOIN clan AS clan_1 ON clan_1.id = user.clan_id WHERE ? = clan_1.leader_id",
      sql("clan.leader == $u", { u = user "Jim" }))
    local q = User.query:where("clan ~= $c", { c = red }):sql{ dialect = "postgresql" }
    assert.equal([["user".clan_id IS DISTINCT FROM $1]], q:match "WHERE (.*)")
  end)

  it("takes the key when the query runs", function()
    local new = Clan{ name = "new" }
    local query = User.query:where("clan == $c", { c = new })
    refuse("InvalidRequestError", "User.clan: the Clan that it is compared with has no id yet: add it to the session",
      query.all, query)
    refuse("InvalidRequestError", "User.clan: the Clan that it is compared with has no id yet: add it to the session",
      mr.matches, user "Jim", "clan == $c", { c = new })
    db.session:add(new)
    assert.is_false(mr.matches(user "Jim", "clan == $c", { c = new }))
    user "bob%".clan = new
    assert.is_true(mr.matches(user "bob%", "clan == $c", { c = new }))
    assert.equal("bob%", criteria.names(query))
    same("bob%", "clan == $c", { c = new })
  end)

  it("counts as the program has changed it", function()
    local red, blue, jim = clan "red", clan "blue", user "Jim"
    jim.clan_id = blue.id
    same("Jim Ann", "clan == $c", { c = blue })
    user "Joe".clan = blue
    same("Jim Joe Ann", "clan == $c", { c = blue })
    user "Joe".clan = nil
    same("Joe bob% -", "clan ~= $c and not (clan in $l)", { c = red, l = { blue } })
    local profile = m.Profile.query:one()
    profile.user = user "Ann"
    same("Ann", "profile == $p", { p = profile })
    profile.user_id = jim.id
    profile = m.Profile{ motto = "x" }
    user "Joe".profile = profile
    same("Joe", "profile == $p", { p = profile })
  end)

  it("may lead to an object that is deleted", function()
    local red = clan "red"
    db.session:delete(red)
    assert.is_false(mr.matches(user "Jim", "clan == $c", { c = red }))
    same("", "clan == $c", { c = red })
    same("Jim Joe Ann bob% -", "clan ~= $c", { c = red })
    db.session:commit()
    same("", "clan == $c", { c = red })
  end)

  it("takes the object of another session, which has the same key", function()
    local other = mr.sessionmaker{ bind = db.engine }()
    local red = other:get(Clan, clan "red".id)
    same("Jim Joe", "clan == $c", { c = red })
    user "Ann".clan = clan "red"
    same("Jim Joe Ann", "clan == $c", { c = red })
    other:close()
    same("Jim Joe Ann", "clan == $c", { c = red })
  end)

  it("keeps the object of the criterion alive", function()
    local query = User.query:where("clan == $c or clan in $cs", { c = clan "red", cs = { clan "red" } })
    db.session:expunge_all()
    collectgarbage()
    collectgarbage()
    assert.equal("Jim Joe", criteria.names(query))
  end)

  it("is followed by updates and deletes in memory", function()
    local red, jim = clan "red", user "Jim"
    local statements = {}
    mr.event.listen(db.engine, "before_execute", function(e) statements[#statements + 1] = e end)
    assert.equal(2, User.query:where("clan == $c", { c = red })
      :update({ level = 50 }, { synchronize_session = "evaluate" }))
    assert.equal(1, #statements)
    assert.equal(50, jim.level)
    assert.equal(2, User.query:where("not (clan in $c)", { c = { red, clan "blue" } })
      :update({ level = 51 }, { synchronize_session = "evaluate" }))
    assert.equal(50, jim.level)
    assert.equal(51, user "bob%".level)
    assert.equal(2, User.query:where("clan.leader == $j", { j = jim })
      :update({ level = 52 }, { synchronize_session = "fetch" }))
    assert.equal(52, jim.level)
  end)
end)

describe("what is no object of the reference's class", function()
  it("is refused at its place", function()
    local function find(text, params) return function() return User.query:where(text, params) end end
    local e = refuse("ArgumentError", "$c: expected a Clan, got <User 1>",
      find("vip or clan == $c", { c = user "Jim" }))
    assert.equal("  vip or clan == $c\n                 ^~", e.message:match "\n(.*)$")
    refuse("ArgumentError", "$c: expected a Clan, got <User 1>", find("clan in $c", { c = { clan "red", user "Jim" } }))
    refuse("ArgumentError", "$c: expected a Clan, got number 3 (a key is compared with an attribute of clan)",
      find("clan == $c", { c = 3 }))
    refuse("ArgumentError", "$c: the value is nil (that there is no object is written clan == nil)",
      find("clan == $c", { c = mr.null }))
    refuse("ArgumentError", "$c: the parameter has no value (that there is no object is written clan == nil)",
      find("clan == $c", {}))
    refuse("ArgumentError", "$c: expected a list, got <Clan 1>", find("clan in $c", { c = clan "red" }))
    local words = "clan is an object, which is compared by ==, ~= and in, with nil or a parameter: name an attribute "
      .. "of it, clan.id"
    for _, text in ipairs{ "clan < $c", "clan == 3", "clan == clan.leader.clan", "clan:eq($c)", "clan:in_($c)",
      "clan in { $c }", "clan .. 'x' == 'y'", "clan + 1 > 2" } do
      refuse("ArgumentError", words, find(text, { c = clan "red" }))
    end
  end)
end)

describe("a relationship's in_", function()
  it("is refused with the text that takes objects", function()
    local red = Clan.query:filter_by{ name = "red" }:one()
    refuse("ArgumentError", { "User.clan is a relationship", 'where("clan in $list", { list = objects })' },
      function() return User.clan:in_{ red } end)
    refuse("ArgumentError", { 'where("not (clan in $list)"' }, function() return User.clan:not_in{ red } end)
    refuse("ArgumentError", { "User.posts is a list", "User.posts:any(Post.id:in_{ ... })" },
      function() return User.posts:in_{} end)
    same("Jim Joe", "clan in $list", { list = { red } })
  end)
end)

describe("a list that a query has given", function()
  it("is a list of values, too", function()
    local ids = db.session:scalars(mr.select(User.id):where "level > 5"):all()
    same("Jim Ann", "id in $ids", { ids = ids })
  end)
end)

describe("a reference by several columns", function()
  it("is compared by all of them", function()
    local own = mr.open "sqlite://"
    local Place = own.Model:extend("Place", {
      x = own.Column{ own.Integer, primary_key = true },
      y = own.Column{ own.Integer, primary_key = true },
    })
    local Door = own.Model:extend("Door", {
      id = own.Column{ own.Integer, primary_key = true },
      x = own.Column{ own.Integer },
      y = own.Column{ own.Integer },
      beyond_id = own.Column{ own.Integer, own.ForeignKey "door.id" },
      beyond = own.relationship{ "Door", remote_side = "Door.id" },
      place = own.relationship "Place",
      __table_args = { own.ForeignKeyConstraint({ "x", "y" }, { "place.x", "place.y" }) },
    })
    own:create_all()
    local a, b = Place{ x = 1, y = 2 }, Place{ x = 1, y = 3 }
    local first, second, third = Door{ id = 1, place = a }, Door{ id = 2, place = b }, Door{ id = 3 }
    second.beyond = first
    own.session:add_all{ a, b, first, second, third }
    own.session:commit()
    local function check(expected, text, params)
      local ids, memory = own.session:scalars(mr.select(Door.id):where(text, params):order_by(Door.id)):all(), {}
      for i, door in ipairs{ first, second, third } do
        if mr.matches(door, text, params) then memory[#memory + 1] = i end
      end
      assert.equal(expected, table.concat(ids, " "), text)
      assert.equal(expected, table.concat(memory, " "), text .. " in memory")
      local write = mr.update(Door):where(text, params):values{ beyond_id = Door.beyond_id }
      write = write:execution_options{ synchronize_session = "evaluate" }
      assert.equal(#ids, own.session:execute(write).rowcount, text)
    end
    check("1", "place == $p", { p = a })
    check("2 3", "place ~= $p", { p = a })
    check("1 2", "place in $p", { p = { a, b } })
    check("3", "not (place in $p)", { p = { a, b } })
    check("2", "beyond.place == $p", { p = a })
    check("2", "beyond == $d", { d = first })
    check("1 3", "beyond ~= $d", { d = first })
    third.y = 3
    check("2", "place == $p", { p = b })
    third.x = 1
    check("2 3", "place == $p", { p = b })
    local many = {}
    for i = 1, 3000 do many[i] = i % 2 == 0 and a or b end
    check("1 2 3", "place in $p", { p = many })
  end)
end)
