-- Primary keys that change: parts of them, in chains, and together with the foreign keys that refer to them.

local mr = require "moonrow"
local support = require "spec.support.models"

local db

local function sent(fn) return support.statements(db, fn or function() db.session:flush() end) end

describe("a part of a composite key", function()
  it("changes on an expired object, too", function()
    db = mr.open "sqlite://"
    local Cell = db.Model:extend("Cell", {
      x = db.Column{ db.Integer, primary_key = true, autoincrement = false },
      y = db.Column{ db.Integer, primary_key = true, autoincrement = false },
    })
    db:create_all()
    local cell = Cell{ x = 1, y = 2 }
    db.session:add(cell)
    db.session:commit()
    cell.y = 3
    assert.same({ "UPDATE cell SET y=? WHERE cell.x = ? AND cell.y = ?" }, sent())
    assert.equal(cell, db.session:get(Cell, { 1, 3 }))
    assert.same({ 1, 3 }, { cell.x, cell.y })
    db.session:rollback()
    assert.equal(cell, db.session:get(Cell, { 1, 2 }))
    assert.same({ 1, 2 }, { cell.x, cell.y })
  end)
end)

describe("a key that is a foreign key", function()
  local User, Address, user

  local function open(passive)
    db = mr.open "sqlite://"
    local column = { "user.name", onupdate = passive and "CASCADE" or nil }
    User = db.Model:extend("User", {
      name = db.Column{ db.String(20), primary_key = true },
      addresses = db.relationship{ "Address", passive_updates = passive,
                                   backref = db.backref{ "user", passive_updates = passive } },
    })
    Address = db.Model:extend("Address", {
      user_name = db.Column{ db.String(20), db.ForeignKey(column), primary_key = true },
      email = db.Column{ db.String(20), primary_key = true },
      note = db.Column{ db.String(20) },
    })
    db:create_all()
    user = User{ name = "ed", addresses = { Address{ email = "1" }, Address{ email = "2" } } }
    db.session:add_all{ user, User{ name = "other", addresses = {} } }
    db.session:flush()
    if not passive then db.session:execute(mr.text "PRAGMA defer_foreign_keys = ON") end
  end

  it("follows its parent's by ON UPDATE CASCADE while the rest of it changes by an UPDATE", function()
    open(true)
    local one, two = user.addresses[1], user.addresses[2]
    user.name, one.email, two.note = "jack", "9", "x"
    assert.same({ "UPDATE user SET name=? WHERE user.name = ?",
                  "UPDATE address SET email=? WHERE address.user_name = ? AND address.email = ?",
                  "UPDATE address SET note=? WHERE address.user_name = ? AND address.email = ?" }, sent())
    assert.equal(one, db.session:get(Address, { "jack", "9" }))
    assert.equal(two, db.session:get(Address, { "jack", "2" }))
    db.session:commit()
    assert.same({ "9", "2" }, { one.email, two.email })
    assert.equal(2, #user.addresses)
  end)

  it("follows by UPDATEs, one each", function()
    open(false)
    local one = user.addresses[1]
    user.name, one.email = "jack", "9"
    assert.same({ "UPDATE user SET name=? WHERE user.name = ?",
                  "UPDATE address SET user_name=?, email=? WHERE address.user_name = ? AND address.email = ?",
                  "UPDATE address SET user_name=? WHERE address.user_name = ? AND address.email = ?" }, sent())
    db.session:commit()
    assert.equal(one, db.session:get(Address, { "jack", "9" }))
  end)

  it("goes to another parent whose key changes in the same flush", function()
    for _, passive in ipairs{ true, false } do
      open(passive)
      local one, other = user.addresses[1], db.session:get(User, "other")
      one.user, other.name = other, "new"
      sent()
      assert.equal(one, db.session:get(Address, { "new", "1" }))
      db.session:commit()
      assert.equal("new", one.user.name)
      assert.equal(1, #user.addresses)
    end
  end)
end)

it("a key becomes what an expression makes of it, and comes back with the UPDATE", function()
  for _, passive in ipairs{ true, false } do
    db = mr.open "sqlite://"
    local Tag = db.Model:extend("Tag", {
      name = db.Column{ db.String(20), primary_key = true },
      posts = db.relationship{ "Post", passive_updates = passive },
    })
    local Post = db.Model:extend("Post", {
      id = db.Column{ db.Integer, primary_key = true },
      tag_name = db.Column{ db.String(20), db.ForeignKey{ "tag.name", onupdate = passive and "CASCADE" or nil } },
    })
    db:create_all()
    local tag = Tag{ name = "a", posts = { Post{} } }
    db.session:add(tag)
    db.session:flush()
    if not passive then db.session:execute(mr.text "PRAGMA defer_foreign_keys = ON") end
    tag.name = Tag.name .. "b"
    assert.same({ "UPDATE tag SET name=(tag.name || ?) WHERE tag.name = ? RETURNING name",
                  not passive and "UPDATE post SET tag_name=? WHERE post.id = ?" or nil }, sent())
    assert.same({ "ab", "ab" }, { tag.name, tag.posts[1].tag_name })
    assert.equal(tag, db.session:get(Tag, "ab"))
    db.session:commit()
    assert.equal("ab", tag.posts[1].tag_name)
    tag.name = tag.name .. "c"
    db.session:rollback()
    assert.equal("ab", tag.name)
  end
end)

describe("a key that changes, and a many-to-one without another side", function()
  local User, Address

  local function open()
    db = mr.open "sqlite://"
    User = db.Model:extend("User", { name = db.Column{ db.String(20), primary_key = true } })
    Address = db.Model:extend("Address", {
      email = db.Column{ db.String(20), primary_key = true },
      user_name = db.Column{ db.String(20) },
      user = db.relationship{ "User", passive_updates = false, foreign_keys = "Address.user_name",
                              primaryjoin = function() return User.name:eq(Address.user_name) end },
    })
    db:create_all()
    local ed = User{ name = "ed" }
    db.session:add_all{ Address{ email = "1", user = ed }, Address{ email = "2", user = ed },
                        Address{ email = "3", user = User{ name = "other" } } }
    db.session:commit()
    return ed
  end

  local update = { "UPDATE user SET name=? WHERE user.name = ?",
                   "UPDATE address SET user_name=? WHERE address.email = ?" }

  it("is followed by what refers to it, also where the reference is not loaded", function()
    open()
    db.session:remove()
    local ed, list = db.session:get(User, "ed"), Address.query:order_by(Address.email):all()
    ed.name = "jack"
    assert.same(update, sent())
    assert.same({ "jack", "jack", "other" }, { list[1].user_name, list[2].user_name, list[3].user_name })
    assert.equal(ed, list[1].user)
  end)

  it("is followed by what has expired: it is read first", function()
    local ed = open()
    local list = Address.query:order_by(Address.email):all()
    db.session:commit()
    ed.name = "jack"
    local texts = sent()
    assert.equal(5, #texts) -- one SELECT for each of the three objects, which must be found first
    assert.same(update, { texts[4], texts[5] })
    db.session:commit()
    assert.same({ "jack", "jack", "other" }, { list[1].user_name, list[2].user_name, list[3].user_name })
  end)
end)

it("a new object takes the key that another leaves in the same flush", function()
  db = mr.open "sqlite://"
  local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
  db:create_all()
  local old = Tag{ id = 1 }
  db.session:add(old)
  db.session:commit()
  old.id = 2
  local new = Tag{ id = 1 }
  db.session:add(new)
  assert.same({ "UPDATE tag SET id=? WHERE tag.id = ?", "INSERT INTO tag (id) VALUES (?)" }, sent())
  assert.equal(new, db.session:get(Tag, 1))
  assert.equal(old, db.session:get(Tag, 2))
  db.session:rollback()
  assert.equal(old, db.session:get(Tag, 1))
  assert.equal("transient", mr.inspect(new).state)
end)

it("a row is deleted under the key that has followed its parent's", function()
  db = mr.open "sqlite://"
  local User = db.Model:extend("User", {
    name = db.Column{ db.String(20), primary_key = true },
    addresses = db.relationship{ "Address" },
  })
  local Address = db.Model:extend("Address", {
    user_name = db.Column{ db.String(20), db.ForeignKey{ "user.name", onupdate = "CASCADE" }, primary_key = true },
    email = db.Column{ db.String(20), primary_key = true },
  })
  db:create_all()
  local user = User{ name = "ed", addresses = { Address{ email = "1" }, Address{ email = "2" } } }
  db.session:add(user)
  db.session:commit()
  assert.equal(2, #user.addresses)
  db.session:delete(user.addresses[1])
  user.name = "jack"
  local records = db:record(function() db.session:flush() end)
  assert.equal("DELETE FROM address WHERE address.user_name = ? AND address.email = ?", records[2].statement)
  assert.same({ "jack", "1" }, records[2].parameters)
  db.session:rollback()
  assert.equal(2, #user.addresses)
  assert.equal("ed", user.addresses[1].user_name)
end)

describe("a changed primary key", function()
  local fresh, Parent, Child, parent

  before_each(function()
    fresh = mr.open "sqlite://"
    Parent = fresh.Model:extend("Parent", {
      code = fresh.Column{ fresh.String(10), primary_key = true },
      name = fresh.Column{ fresh.String(10) },
      children = fresh.relationship{ "Child", passive_updates = false, backref = "parent",
        foreign_keys = "Child.parent_code",
        primaryjoin = function() return Parent.code:eq(Child.parent_code) end },
    })
    Child = fresh.Model:extend("Child", {
      id = fresh.Column{ fresh.Integer, primary_key = true },
      parent_code = fresh.Column{ fresh.String(10) },
    })
    fresh:create_all()
    parent = Parent{ code = "a", name = "A", children = { Child{}, Child{} } }
    fresh.session:add(parent)
    fresh.session:commit()
  end)

  local function rekey()
    local texts = support.statements(fresh, function()
      parent.code = "b"
      fresh.session:flush()
    end)
    assert.same({
      "SELECT child.id AS child_id, child.parent_code AS child_parent_code FROM child WHERE ? = child.parent_code",
      "UPDATE parent SET code=? WHERE parent.code = ?",
      "UPDATE child SET parent_code=? WHERE child.id = ?",
    }, texts)
    fresh.session:commit()
    assert.equal(2, Child.query:filter_by{ parent_code = "b" }:count())
    assert.equal(2, #parent.children)
    assert.equal("A", parent.name)
    assert.is_true(rawequal(parent, fresh.session:get(Parent, "b")))
  end

  it("is followed by children that are not loaded", function()
    assert.equal("a", parent.code)
    rekey()
  end)

  it("is followed by them when the parent has expired", function() rekey() end)

  it("that has expired and is set to what it was is no change", function()
    parent.code = "a"
    assert.same({}, support.statements(fresh, function() fresh.session:flush() end))
    assert.equal(1, #support.statements(fresh, function()
      assert.equal("A", parent.name)
      assert.equal("a", parent.code)
    end))
  end)
end)
