-- Classes of tables that are there already (__table): columns under other names, some of them, a key that the table
-- does not have. It restates behaviours of SQLAlchemy's test/orm/test_mapper.py about mapped tables and prop filters.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function open()
  local db = mr.open "sqlite://"
  local users = db.Table("users",
    db.Column{ "user_id", db.Integer, primary_key = true },
    db.Column{ "user name", db.String },
    db.Column{ "secret", db.String },
    db.Column{ "note", db.String })
  return db, users
end

local function attributes(class)
  local names = {}
  for _, name in ipairs(mr.inspect(class{}).unloaded) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, " ")
end

local function declare(db, name, body) return function() return db.Model:extend(name, body) end end

describe("a class of a table", function()
  it("has the table's columns as attributes, under their names", function()
    local db, users = open()
    local User = db.Model:extend("User", { __table = users })
    db:create_all()
    db.session:add(User{ secret = "s", ["user name"] = "ann" })
    db.session:commit()
    assert.equal("note secret user name user_id", attributes(User))
    assert.equal("ann", User.query:filter_by{ ["user name"] = "ann" }:one()["user name"])
    assert.equal(users, User.__table)
  end)

  it("gives columns other names in its body, and the rest their own", function()
    local db, users = open()
    local User = db.Model:extend("User", { __table = users, id = users.c.user_id, name = users.c["user name"] })
    db:create_all()
    assert.equal("id name note secret", attributes(User))
    db.session:add(User{ name = "ann", note = "n" })
    db.session:commit()
    local ann = db.session:get(User, 1)
    assert.equal("ann", ann.name)
    assert.equal(1, ann.id)
    assert.equal(1, User.query:filter_by{ name = "ann", note = "n" }:count())
    assert.equal('users."user name"', tostring(User.name))
    refuse("ArgumentError", "user_id", function() return User.user_id end)
  end)

  it("may have deferred columns, and everything else that a class has", function()
    local db, users = open()
    local User = db.Model:extend("User", {
      __table = users,
      name = mr.deferred(users.c["user name"]),
      note = mr.column_property(users.c.note, { group = "more" }),
      secret = mr.deferred(users.c.secret, { group = "more" }),
      loud = mr.column_property(function(cls) return mr.func.upper(cls.name) end),
      nick = mr.synonym "name",
      both = mr.hybrid(function(self) return self.note .. self.secret end),
      __validators = { note = function(_, value) return value .. "!" end },
    })
    db:create_all()
    db.session:add(User{ nick = "ann", note = "n", secret = "s" })
    db.session:commit()
    db.session:remove()
    local ann
    local texts = support.costs(db, 1, function() ann = User.query:one() end)
    assert.equal('SELECT upper(users."user name") AS upper_1, users.user_id AS users_user_id FROM users', texts[1])
    assert.equal("ANN", ann.loud)
    support.costs(db, 1, function() assert.equal("ann", ann.nick) end)
    support.costs(db, 1, function() assert.equal("n!s", ann.both) end)
  end)

  it("leaves out what it excludes, or what it does not include; INSERT and SELECT do not name these", function()
    local db, users = open()
    local Some = db.Model:extend("Some", { __table = users,
      __mapper_args = { exclude_properties = { "secret", users.c.note } } })
    local Few = db.Model:extend("Few", { __table = users, id = users.c.user_id,
      __mapper_args = { include_properties = { "note" } } })
    db:create_all()
    assert.equal("user name user_id", attributes(Some))
    assert.equal("id note", attributes(Few))
    local sent = support.sent(db, function()
      db.session:add(Few{ note = "n" })
      db.session:flush()
      Few.query:all()
    end)
    assert.equal("INSERT INTO users (note) VALUES (?)", sent[1][1])
    assert.equal("SELECT users.user_id AS users_user_id, users.note AS users_note FROM users", sent[2][1])
    refuse("ArgumentError", "secret", Few, { secret = "s" })
    refuse("ArgumentError", "secret", function() return Some.secret end)
    assert.equal(1, db.session:scalar(mr.select(mr.func.count()):select_from(users):where(users.c.secret:is_(nil))))
  end)

  it("without a key takes the one that the class says; its definition has none", function()
    local db = mr.open "sqlite://"
    local links = db.Table("links", db.Column{ "a", db.Integer }, db.Column{ "b", db.Integer },
      db.Column{ "weight", db.Integer })
    local Link = db.Model:extend("Link", { __table = links, __mapper_args = { primary_key = { "a", links.c.b } } })
    local made = db:record(function() db:create_all() end)
    assert.equal("CREATE TABLE links ( a INTEGER, b INTEGER, weight INTEGER )", made[#made].statement)
    db.session:add_all{ Link{ a = 1, b = 2, weight = 3 }, Link{ a = 1, b = 3, weight = 4 } }
    db.session:commit()
    local link = db.session:get(Link, { 1, 3 })
    assert.equal(4, link.weight)
    link.weight = 5
    assert.same({ { "UPDATE links SET weight=? WHERE links.a = ? AND links.b = ?", 5, 1, 3 } },
      support.sent(db, function() db.session:flush() end))
    db.session:delete(link)
    db.session:commit()
    assert.equal(1, Link.query:count())
    local Same = db.Model:extend("Same", { __table = links, __mapper_args = { primary_key = { "a", "b" } } })
    assert.equal(3, db.session:get(Same, { 1, 2 }).weight)
  end)

  it("may be a view's", function()
    local db, users = open()
    local User = db.Model:extend("User", { __table = users, name = users.c["user name"] })
    local view = db.Table("names", db.Column{ "name", db.String }, db.Column{ "n", db.Integer },
      { is_view = true, definition = mr.select(User.name:label "name", mr.func.count():label "n"):group_by(User.name) })
    local Name = db.Model:extend("Name", { __table = view, __mapper_args = { primary_key = "name" } })
    db:create_all()
    db.session:add_all{ User{ name = "a" }, User{ name = "a" }, User{ name = "b" } }
    db.session:commit()
    assert.equal(2, db.session:get(Name, "a").n)
    assert.equal(2, Name.query:count())
  end)

  it("is joined to others by its foreign keys, and relates to them", function()
    local db, users = open()
    local posts = db.Table("posts", db.Column{ "id", db.Integer, primary_key = true },
      db.Column{ "author", db.Integer, db.ForeignKey "users.user_id" })
    local User = db.Model:extend("User", { __table = users, id = users.c.user_id })
    local Post = db.Model:extend("Post", { __table = posts, user_id = posts.c.author,
      user = db.relationship{ "User", backref = "posts" } })
    db:create_all()
    local user = User{ posts = { Post{} } }
    db.session:add(user)
    db.session:commit()
    assert.equal(user.id, user.posts[1].user_id)
    assert.equal(1, User.query:join(User.posts):count())
  end)
end)

describe("a mistake in the class of a table", function()
  it("is told when it is declared", function()
    local db, users = open()
    local links = db.Table("links", db.Column{ "a", db.Integer }, db.Column{ "b", db.Integer })
    refuse("MappingError", { "A needs a primary key" }, declare(db, "A", { __table = links }))
    refuse("ArgumentError", { "B.__mapper_args: primary_key", "'links' has no column 'c'" },
      declare(db, "B", { __table = links, __mapper_args = { primary_key = "c" } }))
    refuse("ArgumentError", { "C.__mapper_args: primary_key", "'users' has another primary key" },
      declare(db, "C", { __table = users, __mapper_args = { primary_key = "note" } }))
    refuse("ArgumentError", { "D.__mapper_args: primary_key", "__table", "primary_key = true" },
      declare(db, "D", { id = db.Column{ db.Integer }, __mapper_args = { primary_key = "id" } }))
    refuse("ArgumentError", { "E.__mapper_args: exclude_properties", "__table" },
      declare(db, "E", { id = db.Column{ db.Integer, primary_key = true },
        __mapper_args = { exclude_properties = { "id" } } }))
    refuse("MappingError", { "F: column 'user_id' of the primary key is not mapped" },
      declare(db, "F", { __table = users, __mapper_args = { exclude_properties = { "user_id" } } }))
    refuse("ArgumentError", { "G.__mapper_args: include_properties or exclude_properties" },
      declare(db, "G", { __table = users,
        __mapper_args = { exclude_properties = { "note" }, include_properties = { "user_id" } } }))
    refuse("ArgumentError", { "H.__mapper_args: include_properties", "'users' has no column 'nte'", "'note'" },
      declare(db, "H", { __table = users, __mapper_args = { include_properties = { "nte" } } }))
    refuse("ArgumentError", { "I.__mapper_args: primary_key", "the list is empty" },
      declare(db, "I", { __table = links, __mapper_args = { primary_key = {} } }))
    refuse("ArgumentError", { "J.b", "synonym" }, declare(db, "J", { __table = users, a = users.c.note,
      b = users.c.note }))
    assert.is_truthy(db.Model:extend("Good", { __table = users }))
  end)
end)

describe("a column of another table", function()
  it("is refused where the class maps a table that is there", function()
    local db, users = open()
    local others = db.Table("others", db.Column{ "id", db.Integer, primary_key = true }, db.Column{ "note", db.String })
    refuse("ArgumentError", { "User.remark", "'note'", "'others'", "'users'" }, db.Model.extend, db.Model, "User",
      { __table = users, remark = others.c.note })
    local User = db.Model:extend("User", { __table = users, remark = users.c.note })
    assert.equal("x", User{ remark = "x" }.remark)
  end)
end)
