-- Criteria as text where keys were changed, or name rows that are not there: memory answers as the database would.

local mr = require "moonrow"
local criteria = require "spec.support.criteria"
local refuse = require "spec.support.refuse"

local m, db, users
before_each(function()
  m = criteria.filled()
  db = m.db
  users = m.User.query:options(mr.selectinload "posts", mr.selectinload "tags", mr.selectinload "clan",
    mr.selectinload "profile"):order_by "id":all()
end)

local function by_name(name)
  for _, user in ipairs(users) do if user.name == name then return user end end
end

-- Those that meet the text in memory, and then, after an autoflush, in SQL: by joins, and by subqueries.
local function same(expected, text, params)
  local names = {}
  for _, user in ipairs(users) do
    if mr.matches(user, text, params) then names[#names + 1] = user.name or "-" end
  end
  assert.equal(expected, table.concat(names, " "), text .. " in memory")
  assert.equal(expected, criteria.names(m.User.query:where(text, params)), text)
  local write = mr.update(m.User):where(text, params or {}):values{ rank = m.User.rank }
  write = write:execution_options{ synchronize_session = false }
  assert.equal(#names, db.session:execute(write).rowcount, text .. " by subqueries")
end

describe("a foreign key that the program has changed", function()
  it("says what the reference is, before and after the flush", function()
    by_name "Jim".clan_id = by_name "Ann".clan_id
    same("Jim Ann", "clan.name == 'blue'")
    same("Joe", "clan.name == 'red'")
    by_name "Joe".clan_id = nil
    same("Joe bob% -", "clan == nil")
    same("", "clan.name == 'red'")
    by_name "bob%".clan_id = 1
    same("bob%", "clan.name == 'red' and clan.leader ~= nil")
    same("bob%", "clan.leader.name == 'Jim'")
  end)

  it("takes an object out of a list, and into another one", function()
    local post = by_name "Jim".posts[1]
    post.author_id = by_name "bob%".id
    same("bob%", "any(posts, 'score == 4')")
    same("Jim Joe Ann bob%", "count(posts) == 1")
    same("-", "none(posts)")
    post.author_id = nil
    same("bob% -", "none(posts)")
    same("", "any(posts, 'pinned')")
  end)

  it("is none any more where the object that it leads to will be deleted", function()
    local red = by_name "Jim".clan
    db.session:delete(red)
    same("Ann", "clan")
    db.session:rollback()
    db.session:delete(red)
    by_name "Joe".clan_id = by_name "Ann".clan_id
    same("Joe Ann", "clan ~= nil and clan.name == 'blue'")
    db.session:rollback()
    db.session:delete(red)
    same("Jim Joe bob% -", "clan.name == nil")
    db.session:rollback()
    db.session:expire_all()
    db.session:delete(red)
    same("Jim Joe bob% -", "clan == nil")
  end)

  it("is none where reading it has flushed", function()
    for _, text in ipairs{ "clan.name == nil", "clan == nil", "not (clan == $red)" } do
      db.session:rollback()
      users = m.User.query:order_by "id":all()
      local red = by_name "Jim".clan
      db.session:expire(red)
      db.session:delete(red)
      local params = text:find("$red", 1, true) and { red = red } or nil
      same(params and "Jim Joe Ann bob% -" or "Jim Joe bob% -", text, params)
    end
  end)

  it("brings a new object into a list that was loaded before", function()
    local posts = by_name "bob%".posts
    assert.equal(0, #posts)
    db.session:add(m.Post{ title = "new", score = 77, author_id = by_name "bob%".id })
    same("bob%", "any(posts, 'score == 77')")
    same("bob%", "any(posts, 'score == 77')")
    db.session:execute(mr.update(m.Post):where(m.Post.score:eq(77)):values{ author_id = by_name "Ann".id })
    same("Ann", "any(posts, 'score == 77')")
  end)

  it("moves the object of a one-to-one reference", function()
    local profile = by_name "Jim".profile
    profile.user_id = by_name "Ann".id
    same("Ann", "profile ~= nil")
    same("Ann", "profile.motto == 'go'")
    same("Jim Joe bob% -", "not profile")
  end)

  it("counts less than the reference, where the program has set that", function()
    local jim, joe = by_name "Jim", by_name "Joe"
    jim.clan = by_name "Ann".clan
    jim.clan_id = 1
    joe.clan = nil
    same("Jim Ann", "clan.name == 'blue'")
    same("Joe bob% -", "clan == nil")
    by_name "Joe".posts:append(jim.posts[2])
    same("Joe", "any(posts, 'score == 1')")
    same("Joe", "count(posts) == 2")
    jim.posts:clear()
    same("Jim bob% -", "none(posts)")
  end)

  it("is that of an object that is new, too", function()
    local eve = m.User{ name = "Eve", rank = 6, clan_id = 2 }
    assert.is_true(mr.matches(eve, "clan ~= nil"))
    db.session:add(eve)
    users[#users + 1] = eve
    same("Ann Eve", "clan.name == 'blue'")
  end)

  it("is asked of an object without a session as far as it is known", function()
    local joe = by_name "Joe"
    db.session:expunge(joe)
    assert.is_true(mr.matches(joe, "clan.name == 'red'"))
    joe.clan_id = nil
    assert.is_true(mr.matches(joe, "clan == nil and clan.name == nil"))
  end)

  it("takes no statement where what it names is in memory", function()
    local statements = 0
    by_name "Jim".clan_id = by_name "Ann".clan_id
    by_name "Jim".posts[1].author_id = by_name "Joe".id
    mr.event.listen(db.engine, "before_execute", function() statements = statements + 1 end)
    assert.is_true(mr.matches(by_name "Jim", "clan.name == 'blue' and count(posts) == 1"))
    assert.is_true(mr.matches(by_name "Joe", "clan.name == 'red' and count(posts) == 2"))
    assert.equal(0, statements)
  end)
end)

describe("a foreign key whose row is missing", function()
  it("is a reference that is there, to an object without attributes", function()
    db.session:rollback()
    db.session:execute(mr.text "PRAGMA foreign_keys = OFF")
    db.session:commit()
    db.session:execute(mr.text "PRAGMA foreign_keys = OFF")
    db.session:execute(mr.text "UPDATE user SET clan_id = 99 WHERE name = 'Joe'")
    db.session:execute(mr.text "UPDATE clan SET leader_id = 98 WHERE name = 'red'")
    db.session:expire_all()
    users = m.User.query:order_by "id":all()
    assert.is_nil(by_name "Joe".clan)
    same("Jim Joe Ann", "clan ~= nil")
    same("Jim Joe Ann", "clan")
    same("bob% -", "clan == nil")
    same("Joe bob% -", "clan.name == nil")
    same("Joe bob% -", "clan.id == nil")
    same("Jim", "clan.leader ~= nil")
    same("Joe Ann bob% -", "not clan.leader")
    same("", "clan.leader.name ~= nil")
  end)
end)

describe("the value of a parameter", function()
  it("beside an Enum is one of its choices", function()
    same("Jim", "kind == $kind", { kind = "mage" })
    local find = function(text, params) return function() return m.User.query:where(text, params) end end
    local e = refuse("ArgumentError", "$kind: 'mag' is not a choice of Enum(mage, thief) (did you mean 'mage'?)",
      find("level > 3 and kind == $kind", { kind = "mag" }))
    assert.equal("  level > 3 and kind == $kind\n                        ^~~~~", e.message:match "\n(.*)$")
    refuse("ArgumentError", "'ThIEF' is not a choice of", find("kind in $kinds", { kinds = { "mage", "ThIEF" } }))
    refuse("ArgumentError", "'x' is not a choice of", find("kind:ne($kind)", { kind = "x" }))
    same("Jim", "kind == $kind and rank == 1", { kind = "mage" })
    refuse("ArgumentError", "'x' is not a choice of", find("kind == $kind", { kind = "x" }))
    refuse("ArgumentError", "'x' is not a choice of", find("kind == $kind and rank == 1", { kind = "x" }))
    refuse("ArgumentError", "'x' is not a choice of", find("any(clan.members, 'kind == $k')", { k = "x" }))
    refuse("ArgumentError", "'x' is not a choice of",
      function() return mr.matches(users[1], "kind == $k", { k = "x" }) end)
  end)
end)

describe("a foreign key to another column than the key", function()
  it("is followed where it was changed", function()
    local own = mr.open "sqlite://"
    local Place = own.Model:extend("Place", {
      id = own.Column{ own.Integer, primary_key = true },
      code = own.Column{ own.String, unique = true },
      size = own.Column{ own.Integer },
    })
    local Door = own.Model:extend("Door", {
      id = own.Column{ own.Integer, primary_key = true },
      place_code = own.Column{ own.String, own.ForeignKey "place.code" },
      place = own.relationship "Place",
    })
    own:create_all()
    local small, large = Place{ code = "s", size = 1 }, Place{ code = "l", size = 9 }
    local door = Door{ place = small }
    own.session:add_all{ small, large, door }
    own.session:commit()
    assert.is_true(mr.matches(door, "place.size == 1"))
    door.place_code = "l"
    assert.is_true(mr.matches(door, "place.size == 9"))
    assert.equal(1, Door.query:where "place.size == 9":count())
    door.place_code = nil
    assert.is_true(mr.matches(door, "not place and place.size == nil"))
  end)
end)
