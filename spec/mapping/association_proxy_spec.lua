-- Association proxies: an attribute behind a relationship, as an attribute of the object itself; association objects.
-- It restates behaviours of SQLAlchemy's test/ext/test_associationproxy.py.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local costs, error_of = support.costs, support.error_of

-- A database of users, who have keywords by way of association objects (user_keywords) and a plain secondary table
-- (tags), and bosses.
local function library()
  local db = mr.open "sqlite://"
  local UserKeyword
  local User = db.Model:extend("User", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String },
    user_keywords = db.relationship("UserKeyword",
      { back_populates = "user", cascade = "all, delete-orphan", order_by = "UserKeyword.id" }),
    keywords = mr.association_proxy("user_keywords", "keyword",
      { creator = function(keyword) return UserKeyword{ keyword = keyword } end }),
    words = mr.association_proxy("user_keywords", "word"),
    tags = db.relationship("Keyword", { secondary = "tag", order_by = "Keyword.id" }),
    tag_words = mr.association_proxy("tags", "word"),
    boss_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    boss = db.relationship("User", { remote_side = "User.id" }),
    boss_name = mr.association_proxy("boss", "name"),
    boss_keywords = mr.association_proxy("boss", "keywords"),
  })
  UserKeyword = db.Model:extend("UserKeyword", {
    id = db.Column{ db.Integer, primary_key = true },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    keyword_id = db.Column{ db.Integer, db.ForeignKey "keyword.id" },
    note = db.Column{ db.String },
    user = db.relationship("User", { back_populates = "user_keywords" }),
    keyword = db.relationship("Keyword"),
    word = mr.association_proxy("keyword", "word"),
  })
  local Keyword = db.Model:extend("Keyword", {
    id = db.Column{ db.Integer, primary_key = true },
    word = db.Column{ db.String },
    size = mr.hybrid{ get = function(self) return #self.word end,
      expr = function(cls) return mr.func.length(cls.word) end },
    loud = mr.field(),
  })
  function Keyword:__tostring() return self.word end
  db.Table("tag", db.Column{ "user_id", db.Integer, db.ForeignKey "user.id", primary_key = true },
    db.Column{ "keyword_id", db.Integer, db.ForeignKey "keyword.id", primary_key = true })
  db:create_all()
  return db, User, Keyword, UserKeyword
end

-- The same with two users: "u" with the keywords a and b, the tags x and y and the boss "b"; and the boss.
local function filled()
  local db, User, Keyword, UserKeyword = library()
  local a, b = Keyword{ word = "a" }, Keyword{ word = "b" }
  local user = User{ name = "u", keywords = { a, b }, tag_words = { "x", "y" }, boss_name = "b" }
  db.session:add(user)
  db.session:commit()
  return db, User, user, Keyword, UserKeyword
end

local function where(query) return tostring(query):match "WHERE (.*)$" end

describe("an association proxy of a list", function()
  it("gives the attribute of each object, by index, length and loop", function()
    local _, _, user = filled()
    assert.equal(2, #user.keywords)
    assert.equal("a", user.keywords[1].word)
    assert.is_nil(user.keywords[3])
    local words = {}
    for i, word in ipairs(user.tag_words) do words[i] = word end
    assert.same({ "x", "y" }, words)
    words = {}
    for i, word in pairs(user.tag_words) do words[i] = word end
    assert.same({ "x", "y" }, words)
    assert.same({ "x", "y" }, user.tag_words:all())
    assert.equal("{x, y}", tostring(user.tag_words))
    assert.is_true(user.tag_words == user.tag_words)
    assert.is_false(user.tag_words == user.keywords)
  end)

  it("appends by the creator, and by the class without one", function()
    local db, User, Keyword, UserKeyword = library()
    local user, a = User{}, Keyword{ word = "a" }
    user.keywords:append(a)
    assert.equal(UserKeyword, mr.class_of(user.user_keywords[1]))
    assert.equal(user, user.user_keywords[1].user)
    user.tag_words:append "x"
    user.tag_words:insert(1, "w")
    user.tag_words[3] = "z"
    table.insert(user.tag_words, "last")
    assert.same({ "w", "x", "z", "last" }, user.tag_words:all())
    assert.equal(Keyword, mr.class_of(user.tags[1]))
    db.session:add(user)
    db.session:commit()
    assert.equal(5, Keyword.query:count())
  end)

  it("removes the first with the value, pops and clears", function()
    local _, _, user = filled()
    user.tag_words:extend{ "x", "z" }
    user.tag_words:remove "x"
    assert.same({ "y", "x", "z" }, user.tag_words:all())
    assert.equal("z", user.tag_words:pop())
    assert.equal("y", user.tag_words:pop(1))
    user.tag_words[1] = nil
    assert.equal(0, #user.tag_words)
    assert.is_nil(user.tag_words:pop())
    user.keywords:clear()
    assert.equal(0, #user.user_keywords)
    refuse("ArgumentError", { "User.tag_words", "remove", "nothing" }, function() user.tag_words:remove "nothing" end)
  end)

  it("sets the attribute of the object at an index", function()
    local _, _, user = filled()
    local first = user.tags[1]
    user.tag_words[1] = "new"
    assert.equal(first, user.tags[1])
    assert.equal("new", first.word)
  end)

  it("knows what is in it", function()
    local _, _, user, Keyword = filled()
    assert.is_true(user.tag_words:contains "x")
    assert.is_false(user.tag_words:contains "q")
    assert.is_true(user.keywords:contains(user.user_keywords[1].keyword))
    assert.is_false(user.keywords:contains(Keyword{}))
    assert.equal(2, user.tag_words:index "y")
    assert.is_nil(user.tag_words:index "q")
  end)

  it("takes a whole list: objects that are there stay, others are made and leave", function()
    local db, _, user = filled()
    local x = user.tags[1]
    user.tag_words = { "q", "x" }
    assert.equal(x, user.tags[2])
    assert.same({ "q", "x" }, user.tag_words:all())
    db.session:commit()
    assert.same({ "x", "q" }, user.tag_words:all()) -- in the order of the keys
    local b = user.keywords[2]
    user.user_keywords[2].note = "kept"
    db.session:flush()
    user.keywords = { b }
    assert.same({ "DELETE user_keyword" }, support.writes(db))
    assert.equal("kept", user.user_keywords[1].note)
    user.keywords = user.keywords
    assert.equal(1, #user.keywords)
    user.tag_words = {}
    assert.equal(0, #user.tags)
  end)

  it("takes it in the constructor; what is refused leaves nothing behind", function()
    local db, User, user, Keyword = filled()
    assert.same({ "m", "n" }, User{ tag_words = { "m", "n" } }.tag_words:all())
    refuse("ArgumentError", { "Keyword.word", "integer 3" }, User, { tag_words = { "m", 3 } })
    refuse("ArgumentError", { "Keyword.word", "integer 3" }, function() user.tag_words = { "m", 3 } end)
    refuse("ArgumentError", { "Keyword.word", "integer 3" }, function() user.tag_words:extend{ "m", 3 } end)
    assert.same({ "x", "y" }, user.tag_words:all())
    assert.equal(0, #db.session.new)
    refuse("ArgumentError", { "User.tag_words", "a list of values (an empty one is {})", "nil" },
      function() user.tag_words = nil end)
    refuse("ArgumentError", { "User.tag_words", "the key x" }, function() user.tag_words = { x = 1 } end)
    refuse("ArgumentError", { "User.tag_words", "'push'", "append(value)" }, function() user.tag_words:push "x" end)
    refuse("ArgumentError", { "User.tag_words", "'apend'", "'append'" }, function() user.tag_words:apend "x" end)
    assert.is_truthy(Keyword)
  end)

  it("loads its relationship once, and takes part in eager loads", function()
    local db, User, user = filled()
    local id = user.id
    db.session:remove()
    user = db.session:get(User, id)
    costs(db, 1, function() assert.same({ "x", "y" }, user.tag_words:all()) end)
    costs(db, 0, function() assert.equal(2, #user.tag_words) end)
    db.session:remove()
    costs(db, 1, function()
      local loaded = User.query:options(mr.joinedload(User.user_keywords):joinedload "keyword"):filter_by{ name = "u" }
        :one()
      assert.equal("a", loaded.keywords[1].word)
      assert.equal("b", loaded.words[2])
    end)
  end)

  it("cascades with its relationship: orphans go, and the user's deletion takes them along", function()
    local db, _, user, Keyword, UserKeyword = filled()
    user.keywords:remove(user.keywords[1])
    db.session:commit()
    assert.equal(1, UserKeyword.query:count())
    db.session:delete(user)
    db.session:commit()
    assert.equal(0, UserKeyword.query:count())
    assert.equal(4, Keyword.query:count())
  end)

  it("keeps its object alive, and what it is asked for is always the object's own", function()
    local _, User = library()
    local words
    do
      local user = User{ tag_words = { "x" } }
      words = user.tag_words
    end
    collectgarbage()
    collectgarbage()
    assert.equal("x", words[1])
    words:append "y"
    assert.equal(2, #words)
  end)
end)

-- Users whose tags are a set, and whose notes are found by their keys.
local function collections(options)
  local db = mr.open "sqlite://"
  local User = db.Model:extend("User", {
    id = db.Column{ db.Integer, primary_key = true },
    tags = db.relationship("Tag", { collection_class = mr.set, cascade = "all, delete-orphan" }),
    names = mr.association_proxy("tags", "name"),
    notes = db.relationship("Note", { collection_class = mr.attribute_keyed "key", cascade = "all, delete-orphan" }),
    texts = mr.association_proxy("notes", "text", options),
    by_function = db.relationship("Note", { collection_class = mr.keyed(function(note) return note.key end),
      viewonly = true }),
    more = mr.association_proxy("by_function", "text"),
  })
  local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id" } })
  local Note = db.Model:extend("Note", { id = db.Column{ db.Integer, primary_key = true }, key = db.Column{ db.String },
    text = db.Column{ db.String }, user_id = db.Column{ db.Integer, db.ForeignKey "user.id" } })
  db:create_all()
  return db, User, Tag, Note
end

local function sorted(set)
  local list = {}
  for value in pairs(set) do list[#list + 1] = value end
  table.sort(list)
  return table.concat(list, " ")
end

describe("an association proxy of a set", function()
  it("has a value once, and the methods of a set", function()
    local _, User = collections()
    local user = User{ names = { "a", "b", "a" } }
    assert.equal(2, #user.names)
    user.names:add "c"
    user.names:add "a"
    assert.equal("a b c", sorted(user.names))
    user.names:remove "b"
    user.names:discard "nothing"
    user.names:discard "c"
    user.names:update{ "d", "a", "d" }
    assert.equal("a d", sorted(user.names))
    assert.is_true(user.names:has "d" and user.names:contains "a")
    assert.is_false(user.names:has "q")
    assert.equal(2, #user.tags)
    user.names:clear()
    assert.equal(0, #user.tags)
    refuse("ArgumentError", { "User.names", "remove", "nothing" }, function() user.names:remove "nothing" end)
    refuse("ArgumentError", { "User.names", "set of values", "'append'", "add(value)" },
      function() user.names:append "x" end)
    refuse("ArgumentError", { "User.names", "add(value)" }, function() user.names[1] = "x" end)
  end)

  it("takes a whole set: objects that are there stay", function()
    local db, User, Tag = collections()
    local user = User{ names = { "a", "b" } }
    db.session:add(user)
    db.session:commit()
    local kept
    for tag in pairs(user.tags) do if tag.name == "b" then kept = tag end end
    user.names = { "b", "c", "c" }
    db.session:commit()
    assert.equal("b c", sorted(user.names))
    assert.is_true(user.tags:has(kept))
    assert.equal(2, Tag.query:count())
    local other = User{ names = user.names }
    assert.equal("b c", sorted(other.names))
    assert.equal(1, User.query:filter(User.names:eq "c", User.names:eq "b"):count())
  end)
end)

describe("an association proxy of a collection by keys", function()
  it("reads and writes values by key", function()
    local db, User = collections()
    local user = User{ texts = { k = "v", l = "w" } }
    assert.equal("v", user.texts.k)
    assert.is_nil(user.texts.nothing)
    assert.equal(2, #user.texts)
    user.texts.k = "new"
    user.texts.m = "x"
    user.texts.l = nil
    user.texts.nothing = nil
    local found = {}
    for key, value in pairs(user.texts) do found[key] = value end
    assert.same({ k = "new", m = "x" }, found)
    assert.equal("x", user.notes.m.text)
    assert.equal("m", user.notes.m.key)
    assert.equal("{k = new, m = x}", tostring(user.texts))
    db.session:add(user)
    db.session:commit()
    assert.equal(user, User.query:filter(User.texts:eq "x"):one())
  end)

  it("takes a whole table: objects whose key is in it stay, with the new value", function()
    local _, User = collections()
    local user = User{ texts = { k = "v", l = "w" } }
    local kept = user.notes.k
    user.texts = { k = "z", q = "q" }
    assert.equal(kept, user.notes.k)
    assert.equal("z", kept.text)
    assert.is_nil(user.texts.l)
    user.texts = User{ texts = { a = "b" } }.texts
    assert.equal("{a = b}", tostring(user.texts))
    user.texts = {}
    assert.equal(0, #user.notes)
    refuse("ArgumentError", { "User.texts", "a table of values by key", "nil" }, function() user.texts = nil end)
  end)

  it("makes objects by a creator of key and value, which a key by a function needs", function()
    local Note
    local options = { creator = function(key, value) return Note{ key = key, text = value .. "!" } end }
    local _, User, _, declared = collections(options)
    Note = declared
    assert.equal("v!", User{ texts = { k = "v" } }.texts.k)
    refuse("ArgumentError", { "User.more", "creator = function(key, value)" }, User, { more = { k = "v" } })
  end)
end)

describe("an association proxy of one object", function()
  it("reads and writes behind the reference", function()
    local _, User = library()
    local boss = User{ name = "b" }
    local user = User{ boss = boss }
    assert.equal("b", user.boss_name)
    user.boss_name = "new"
    assert.equal("new", boss.name)
    user.boss_name = nil
    assert.is_nil(boss.name)
    assert.equal(boss, user.boss)
  end)

  it("makes the object where there is none, but not for nil", function()
    local _, User = library()
    local user = User{}
    assert.is_nil(user.boss_name)
    user.boss_name = nil
    assert.is_nil(user.boss)
    user.boss_name = "b"
    assert.equal("b", user.boss.name)
    assert.equal("c", User{ boss_name = "c" }.boss.name)
  end)

  it("with options makes it for nil, and takes it away for nil", function()
    local db = mr.open "sqlite://"
    local A = db.Model:extend("A", {
      id = db.Column{ db.Integer, primary_key = true },
      b_id = db.Column{ db.Integer, db.ForeignKey "b.id" },
      b = db.relationship "B",
      eager = mr.association_proxy("b", "value", { create_on_none_assignment = true }),
      strict = mr.association_proxy("b", "value", { cascade_scalar_deletes = true }),
    })
    db.Model:extend("B", { id = db.Column{ db.Integer, primary_key = true }, value = db.Column{ db.String } })
    local a = A{}
    a.eager = nil
    assert.is_truthy(a.b)
    a.strict = "x"
    assert.equal("x", a.b.value)
    a.strict = nil
    assert.is_nil(a.b)
    a.strict = nil
    assert.is_nil(a.b)
  end)

  it("may lead to another proxy", function()
    local db, User, user = filled()
    assert.equal("a", user.words[1])
    assert.equal(0, #user.boss_keywords)
    user.boss.keywords = { user.keywords[1] }
    assert.equal("a", user.boss_keywords[1].word)
    user.boss_keywords:append(user.keywords[2])
    assert.equal(2, #user.boss.keywords)
    assert.is_nil(User{}.boss_keywords)
    db.session:commit()
    assert.equal(2, #user.boss.user_keywords)
  end)
end)

describe("an association proxy in criteria", function()
  it("of objects knows contains, any and has", function()
    local _, User, user = filled()
    local a = user.keywords[1]
    assert.equal("EXISTS (SELECT 1 FROM user_keyword WHERE user.id = user_keyword.user_id AND "
      .. "? = user_keyword.keyword_id)", where(User.query:filter(User.keywords:contains(a))))
    assert.equal(user, User.query:filter(User.keywords:contains(a)):one())
    assert.equal(user, User.query:filter(User.keywords:any{ word = "b" }):one())
    assert.equal(user, User.query:filter(User.keywords:any()):one())
    assert.equal("b", User.query:filter(~User.keywords:any()):one().name)
    refuse("ArgumentError", { "User.keywords", "use :any()" }, function() return User.keywords:has{ word = "a" } end)
    refuse("ArgumentError", { "User.keywords", "use :contains()" }, function() return User.keywords:eq(a) end)
    refuse("ArgumentError", { "User.keywords", "'lik'" }, function() return User.keywords:lik(a) end)
  end)

  it("of a column has the column's methods: there is an object for which they hold", function()
    local _, User, user = filled()
    assert.equal("EXISTS (SELECT 1 FROM tag, keyword WHERE user.id = tag.user_id AND keyword.id = tag.keyword_id AND "
      .. "keyword.word = ?)", where(User.query:filter(User.tag_words:eq "x")))
    assert.equal(user, User.query:filter(User.tag_words:eq "x"):one())
    assert.equal(user, User.query:filter_by{ tag_words = "y" }:one())
    assert.equal(user, User.query:filter(User.tag_words:like "x%"):one())
    assert.equal(user, User.query:filter(User.tag_words:in_{ "q", "y" }):one())
    assert.equal(user, User.query:filter(User.tag_words:contains "x"):one())
    assert.equal(user, User.query:filter(User.tag_words:any{ word = "x" }):one())
    assert.equal(0, User.query:filter(User.tag_words:eq "q"):count())
    assert.equal(0, User.query:filter(User.tag_words:is_(nil)):count())
  end)

  it("of one object compares it, and finds nil where there is none", function()
    local _, User, user = filled()
    assert.equal(user, User.query:filter(User.boss_name:eq "b"):one())
    assert.equal(user, User.query:filter_by{ boss_name = "b" }:one())
    assert.equal(0, User.query:filter(User.boss_name:ne "b"):count())
    assert.equal("b", User.query:filter(User.boss_name:is_(nil)):one().name)
    assert.equal("b", User.query:filter(User.boss_name:eq(mr.null)):one().name)
    assert.equal(user, User.query:filter(User.boss_name:is_not(nil)):one())
    assert.equal(user, User.query:filter(User.boss_name:has{ name = "b" }):one())
    refuse("ArgumentError", { "User.boss_name", "is_(nil) or mr.null" }, function() return User.boss_name:eq(nil) end)
    refuse("ArgumentError", { "User.boss_name", "use :has()" }, function() return User.boss_name:any() end)
  end)

  it("of another proxy goes on along it", function()
    local db, User, user, _, UserKeyword = filled()
    assert.equal(user, User.query:filter(User.words:eq "a"):one())
    assert.equal(1, UserKeyword.query:filter(UserKeyword.word:eq "a"):count())
    user.boss.keywords = { user.keywords[1] }
    db.session:flush()
    assert.equal(user, User.query:filter(User.boss_keywords:any{ word = "a" }):one())
    assert.equal(user, User.query:filter(User.boss_keywords:contains(user.keywords[1])):one())
    assert.equal(0, User.query:filter(User.boss_keywords:any{ word = "b" }):count())
  end)

  it("of an alias begins at the alias; attr has both parts, to join along", function()
    local db, User, user, Keyword = filled()
    local Other = mr.aliased(User)
    assert.equal(user, db.session:query(Other):filter(Other.tag_words:eq "x"):one())
    local criterion = where(db.session:query(Other):filter(Other.tag_words:eq "x"))
    assert.is_truthy(criterion:find("user_1.id = tag.user_id", 1, true))
    assert.equal(user, User.query:join(User.keywords.attr[1]):join(User.keywords.attr[2])
      :filter(Keyword.word:eq "a"):one())
  end)

  it("of a hybrid behind the relationship uses its SQL", function()
    local db, User, user = filled()
    User.sizes = mr.association_proxy("tags", "size")
    assert.same({ 1, 1 }, user.sizes:all())
    assert.equal(user, User.query:filter(User.sizes:eq(1)):one())
    assert.equal(0, User.query:filter(User.sizes:gt(1)):count())
    assert.is_truthy(db)
  end)
end)

describe("association objects", function()
  it("have a key of both sides and columns of their own; the proxy reaches past them", function()
    local db = mr.open "sqlite://"
    local Line
    local Order = db.Model:extend("Order", {
      id = db.Column{ db.Integer, primary_key = true },
      lines = db.relationship("Line", { backref = "order", cascade = "all, delete-orphan" }),
      items = mr.association_proxy("lines", "item", {
        creator = function(item) return Line{ item = item, price = 7 } end,
      }),
    })
    local Item = db.Model:extend("Item", {
      id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String },
    })
    Line = db.Model:extend("Line", {
      order_id = db.Column{ db.Integer, db.ForeignKey "order.id", primary_key = true },
      item_id = db.Column{ db.Integer, db.ForeignKey "item.id", primary_key = true },
      price = db.Column{ db.Integer },
      item = db.relationship "Item",
    })
    db:create_all()
    local cup, pot = Item{ name = "cup" }, Item{ name = "pot" }
    local order = Order{ items = { cup, pot } }
    db.session:add(order)
    assert.same({ 'INSERT "order"', "INSERT item x2", "INSERT line x2" },
      (function() local w = support.writes(db) table.sort(w) return w end)())
    assert.equal(7, order.lines[2].price)
    order.lines[1].price = 9
    order.items = { cup }
    assert.equal(9, order.lines[1].price)
    db.session:commit()
    assert.equal(1, Line.query:count())
    assert.equal(9, db.session:get(Line, { order.id, cup.id }).price)
    assert.equal(order, Order.query:filter(Order.items:contains(cup)):one())
    assert.equal(0, Order.query:filter(Order.items:contains(pot)):count())
    order.items:append(pot)
    order.items:remove(cup)
    db.session:commit()
    assert.equal(pot, order.items[1])
  end)
end)

describe("an association proxy of several classes", function()
  it("comes with a mixin, is inherited, and has synonyms", function()
    local db = mr.open "sqlite://"
    local function tagged(name)
      return {
        tags = mr.declared_attr(function(cls) return db.relationship(cls.__name .. "Tag") end),
        tag_names = mr.association_proxy("tags", "name"),
        labels = mr.synonym "tag_names",
      }, name
    end
    local A = db.Model:extend("A", { (tagged "A"), id = db.Column{ db.Integer, primary_key = true } })
    db.Model:extend("ATag", { id = db.Column{ db.Integer, primary_key = true },
      a_id = db.Column{ db.Integer, db.ForeignKey "a.id" }, name = db.Column{ db.String } })
    local B = A:extend("B", {})
    db:create_all()
    local b = B{ labels = { "x" } }
    assert.equal("x", b.tags[1].name)
    db.session:add(b)
    db.session:commit()
    assert.equal(1, db.session:query(A):filter(A.tag_names:eq "x"):count())
  end)
end)

describe("a mistake in an association proxy", function()
  it("is told where it is made, or when the mappings are configured, all together", function()
    refuse("ArgumentError", { "association_proxy", "name of a relationship", "nil" }, mr.association_proxy)
    refuse("ArgumentError", { "association_proxy", "behind the relationship", "nil" }, mr.association_proxy, "tags")
    refuse("ArgumentError", { "association_proxy: creator", "a function" }, mr.association_proxy, "tags", "word",
      { creator = 3 })
    refuse("ArgumentError", { "association_proxy", "'creater'", "'creator'" }, mr.association_proxy, "tags", "word",
      { creater = print })
    refuse("ArgumentError", { "cascade_scalar_deletes", "true or false" }, mr.association_proxy, "tags", "word",
      { cascade_scalar_deletes = 1 })
    local db = mr.open "sqlite://"
    local Thing = db.Model:extend("Thing", {
      id = db.Column{ db.Integer, primary_key = true },
      parts = db.relationship("Part", { backref = "thing" }),
      a = mr.association_proxy("partz", "name"),
      b = mr.association_proxy("id", "name"),
      names = mr.association_proxy("parts", "nmae"),
      good = mr.association_proxy("parts", "name"),
    })
    db.Model:extend("Part", {
      id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String },
      thing_id = db.Column{ db.Integer, db.ForeignKey "thing.id" },
      siblings = mr.association_proxy("thing", "parts"),
    })
    local e = refuse("MappingError", { "3 mappings are wrong",
      "Thing.a: 'partz' is no relationship of Thing (did you mean 'parts'?)",
      "Thing.b: 'id' is no relationship of Thing, but a column",
      "Thing.names: Part, to which 'parts' leads, has no attribute 'nmae' (did you mean 'name'?)" },
      db.configure, db)
    assert.equal(e.message, error_of(Thing).message)
  end)

  it("of SQL without a column says so, and a statement cannot write it", function()
    local db, User, user = filled()
    User.shouts = mr.association_proxy("tags", "loud")
    user.tags[1].loud = "X"
    assert.equal("X", user.shouts[1])
    refuse("ArgumentError", "loud", function() return User.shouts:eq "X" end)
    refuse("ArgumentError", { "User.tag_words", "association proxy" },
      function() User.query:update{ tag_words = {} } end)
    assert.is_truthy(db)
  end)
end)
