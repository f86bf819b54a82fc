-- Conditions and orders of relationships that contain constants: each constant is a parameter of the statement, for all
-- ways of loading.

local mr = require "moonrow"

local STRATEGIES = { "lazyload", "joinedload", "selectinload", "subqueryload", "immediateload" }

local function id(db) return db.Column{ db.Integer, primary_key = true } end

-- The ids of a list of objects, in order: "1 3".
local function ids(objects)
  local list = {}
  for i, object in ipairs(objects) do list[i] = tostring(object.id) end
  return table.concat(list, " ")
end

-- Reads the attribute of each object of the class under each strategy, and asserts the values, by id.
local function check(db, class, attribute, expected, read)
  for _, strategy in ipairs(STRATEGIES) do
    db.session:remove()
    local got = {}
    for i, object in ipairs(class.query:options(mr[strategy](class[attribute])):order_by(class.id):all()) do
      got[i] = (read or ids)(object[attribute])
    end
    assert.same(expected, got, strategy)
  end
end

describe("a constant in a one-to-many", function()
  local db, User, Address

  before_each(function()
    db = mr.open "sqlite://"
    Address = db.Model:extend("Address", {
      id = id(db), kind = db.Column{ db.Integer }, label = db.Column{ db.String(20) },
      day = db.Column{ db.Date },
      user_id = db.Column{ db.Integer, db.ForeignKey("user.id", { onupdate = "CASCADE" }) },
    })
    local function of(options)
      options[1], options.viewonly = Address, true
      return db.relationship(options)
    end
    User = db.Model:extend("User", {
      id = id(db), name = db.Column{ db.String(20) },
      all = db.relationship{ Address, cascade = "all, delete-orphan", passive_updates = false,
        order_by = function() return Address.kind % 2 end },
      odd = of{ primaryjoin = function()
        return User.id:eq(Address.user_id) & (Address.kind % 2):eq(1)
      end, order_by = "Address.id" },
      homes = of{ primaryjoin = function() return User.id:eq(Address.user_id) & Address.label:eq "home" end,
                  order_by = function() return mr.desc(Address.kind + 1) end },
      listed = of{ primaryjoin = function() return User.id:eq(Address.user_id) & Address.kind:in_{ 1, 4 } end,
                   order_by = "Address.id" },
      late = of{ primaryjoin = function()
        return User.id:eq(Address.user_id) & Address.day:gt(mr.date(2020, 1, 2))
      end, order_by = "Address.id" },
      twice = of{ primaryjoin = function()
        return User.id:eq(Address.user_id) & (Address.kind * 2):gt(3) & User.name:eq "ada"
      end, order_by = "Address.id" },
      cased = of{ primaryjoin = function() return User.id:eq(Address.user_id) end, order_by = function()
        return { mr.case{ { Address.kind:eq(3), 0 }, else_ = 1 }, Address.id:desc() }
      end },
    })
    db:create_all()
    db.session:add_all{ User{ name = "ada" }, User{ name = "bob" } }
    db.session:flush()
    for i = 1, 4 do
      db.session:add(Address{ kind = i, label = i < 3 and "home" or "work", day = mr.date(2020, 1, i), user_id = 1 })
    end
    db.session:add(Address{ kind = 3, label = "home", day = mr.date(2020, 1, 3), user_id = 2 })
    db.session:commit()
  end)

  it("of its primaryjoin, loaded in every way", function()
    check(db, User, "odd", { "1 3", "5" })
    check(db, User, "listed", { "1 4", "" })
    check(db, User, "late", { "3 4", "5" })
    check(db, User, "twice", { "2 3 4", "" })
  end)

  it("of its order_by: arithmetic and a case", function()
    check(db, User, "homes", { "2 1", "5" })
    check(db, User, "cased", { "3 4 2 1", "5" })
  end)

  it("is a parameter, and the statement is prepared once", function()
    local users = User.query:order_by(User.id):all()
    local records = db:record(function() assert.equal(2, #users[1].homes + #users[2].homes - 1) end)
    assert.equal(2, #records)
    assert.equal(records[1].statement, records[2].statement)
    assert.truthy(records[1].statement:find("label = ?", 1, true))
    assert.truthy(records[1].statement:find("ORDER BY address.kind + ? DESC", 1, true))
  end)

  it("loads again after an expiry, and in a second session", function()
    local user = db.session:get(User, 1)
    assert.equal("2 1", ids(user.homes))
    db.session:expire(user)
    assert.equal("2 1", ids(user.homes))
    db.session:commit()
    db.session:remove()
    assert.equal("2 1", ids(db.session:get(User, 1).homes))
  end)

  it("loads below another relationship's options", function()
    for _, strategy in ipairs(STRATEGIES) do
      db.session:remove()
      local user = User.query:options(mr.lazyload(User.all), mr.lazyload(User.homes):defaultload("*"))
        :filter_by{ id = 1 }:one()
      assert.equal("2 1", ids(user.homes), strategy)
    end
  end)

  it("loads in a flush that needs the collection", function()
    db.session:delete(db.session:get(User, 1))
    db.session:commit()
    assert.equal(1, Address.query:count())
    local bob = db.session:get(User, 2)
    bob.all = {}
    db.session:commit()
    assert.equal(0, Address.query:count())
  end)

  it("loads in a flush that follows a changed key", function()
    local bob = db.session:get(User, 2)
    bob.id = 9
    db.session:commit()
    assert.equal(9, Address.query:filter_by{ id = 5 }:one().user_id)
  end)

  it("joins, counts and compares", function()
    assert.equal(3, User.query:join(User.odd):with_entities(Address):count())
    assert.equal(2, User.query:filter(User.homes:any()):count())
    assert.equal(1, User.query:filter(User.listed:any()):count())
    local user = db.session:get(User, 1)
    assert.equal("1 3", ids(Address.query:with_parent(user, User.odd):order_by(Address.id):all()))
  end)
end)

describe("a constant in a reference", function()
  it("loads in every way", function()
    local db = mr.open "sqlite://"
    local Card, User
    User = db.Model:extend("User", { id = id(db), live = db.Column{ db.Integer } })
    Card = db.Model:extend("Card", {
      id = id(db), user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
      user = db.relationship{ User, viewonly = true, primaryjoin = function()
        return Card.user_id:eq(User.id) & User.live:eq(1)
      end },
    })
    db:create_all()
    db.session:add_all{ User{ live = 1 }, User{ live = 0 } }
    db.session:flush()
    db.session:add_all{ Card{ user_id = 1 }, Card{ user_id = 2 }, Card{ user_id = 1 }, Card{} }
    db.session:commit()
    check(db, Card, "user", { "1", "nil", "1", "nil" }, function(user) return tostring(user and user.id) end)
  end)
end)

describe("a constant in a many-to-many", function()
  local db, Post, Tag

  before_each(function()
    db = mr.open "sqlite://"
    local link = db.Table("post_tag", db.Column{ "post_id", db.Integer, db.ForeignKey "post.id" },
      db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id" }, db.Column{ "weight", db.Integer })
    Tag = db.Model:extend("Tag", { id = id(db), kind = db.Column{ db.Integer } })
    Post = db.Model:extend("Post", {
      id = id(db),
      tags = db.relationship{ Tag, secondary = link },
      heavy = db.relationship{ Tag, secondary = link, viewonly = true, order_by = "Tag.id", primaryjoin = function()
        return Post.id:eq(link.c.post_id) & link.c.weight:gt(5)
      end },
      first = db.relationship{ Tag, secondary = link, viewonly = true, order_by = "Tag.id",
        secondaryjoin = function() return Tag.id:eq(link.c.tag_id) & Tag.kind:eq(1) end },
      near = db.relationship{ Tag, secondary = link, viewonly = true,
        order_by = function() return mr.desc(Tag.kind * 10 + Tag.id) end },
      weighed = db.relationship{ Tag, secondary = link, viewonly = true,
        order_by = function() return { link.c.weight * -1, Tag.id } end },
    })
    db:create_all()
    db.session:add_all{ Post{}, Post{}, Tag{ kind = 1 }, Tag{ kind = 2 }, Tag{ kind = 1 } }
    db.session:flush()
    for _, row in ipairs{ { 1, 1, 9 }, { 1, 2, 1 }, { 1, 3, 5 }, { 2, 2, 8 } } do
      db.session:execute(mr.insert(link):values{ post_id = row[1], tag_id = row[2], weight = row[3] })
    end
    db.session:commit()
  end)

  it("of its primaryjoin, secondaryjoin or order_by, loaded in every way", function()
    check(db, Post, "heavy", { "1", "2" })
    check(db, Post, "first", { "1 3", "" })
    check(db, Post, "near", { "2 3 1", "2" })
  end)

  it("orders by a column of the link table, in every way", function()
    check(db, Post, "weighed", { "1 3 2", "2" })
  end)

  it("loads below options of its own", function()
    for _, name in ipairs{ "heavy", "first", "near", "weighed" } do
      local plain = ids(db.session:get(Post, 1)[name])
      db.session:remove()
      local post = Post.query:options(mr.lazyload(Post[name]):load_only(Tag.id)):filter_by{ id = 1 }:one()
      assert.equal(plain, ids(post[name]), name)
      db.session:remove()
    end
  end)

  it("loads in a flush that deletes the parent", function()
    db.session:delete(db.session:get(Post, 1))
    db.session:commit()
    assert.equal(1, db.session:execute(mr.text "SELECT count(*) FROM post_tag"):scalar())
  end)
end)

describe("a constant in a tree", function()
  it("loads in every way, of texts and of composite keys", function()
    local db = mr.open "sqlite://"
    local Node
    Node = db.Model:extend("Node", {
      a = db.Column{ db.String(5), primary_key = true }, id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(5) }, up_a = db.Column{ db.String(5) }, up_id = db.Column{ db.Integer },
      __table_args = { db.ForeignKeyConstraint({ "up_a", "up_id" }, { "node.a", "node.id" }) },
      leaves = db.relationship{ "Node", viewonly = true, order_by = function() return Node.id * -1 end,
        primaryjoin = function()
          return Node.up_a:eq(Node.a) & Node.up_id:eq(Node.id) & Node.kind:eq "leaf"
        end },
    })
    db:create_all()
    db.session:add(Node{ a = "n", id = 1 })
    db.session:flush()
    for i = 2, 5 do
      db.session:add(Node{ a = "n", id = i, up_a = "n", up_id = 1, kind = i % 2 == 0 and "leaf" or "twig" })
    end
    db.session:commit()
    check(db, Node, "leaves", { "4 2", "", "", "", "" })
  end)
end)
