-- The first program of the documentation, line by line.

local mr = require "moonrow"
local support = require "spec.support.models"

describe("the quickstart", function()
  local db, User

  before_each(function() db, User = support.users() end)

  it("creates tables once", function()
    assert.same({}, support.statements(db, function() end))
    local again = support.statements(db, function() db:create_all() end)
    assert.equal(1, #again) -- only the check is sent
  end)

  it("writes the DDL", function()
    local other = mr.open "sqlite://"
    other.Model:extend("User", {
      id       = other.Column{ other.Integer, primary_key = true },
      username = other.Column{ other.String(80), unique = true, nullable = false },
      email    = other.Column{ other.String(120), unique = true, nullable = false },
    })
    local texts = support.statements(other, function() other:create_all() end)
    assert.equal("CREATE TABLE user ( id INTEGER NOT NULL, username VARCHAR(80) NOT NULL, email VARCHAR(120) NOT NULL, "
      .. "PRIMARY KEY (id), UNIQUE (username), UNIQUE (email) )", texts[#texts])
  end)

  it("adds, commits and finds the identical objects", function()
    local admin = User{ username = "admin", email = "admin@example.com" }
    local guest = User{ username = "guest", email = "guest@example.com" }
    db.session:add(admin)
    db.session:add(guest)
    db.session:commit()
    local all = User.query:all()
    assert.equal('{<User "admin">, <User "guest">}', tostring(all))
    assert.equal(2, #all)
    assert.equal(admin, User.query:filter_by{ username = "admin" }:first())
    assert.is_true(rawequal(admin, all[1]))
    assert.equal(1, admin.id)
    assert.equal(2, guest.id)
  end)

  it("inserts in one batch", function()
    local records = db:record(function()
      db.session:add_all{ User{ username = "a", email = "a@x" }, User{ username = "b", email = "b@x" } }
      db.session:commit()
    end)
    assert.equal(1, #records)
    assert.equal("INSERT INTO user (username, email) VALUES (?, ?)", records[1].statement)
    assert.same({ { "a", "a@x" }, { "b", "b@x" } }, records[1].parameters)
  end)

  it("selects with labels, and limits first()", function()
    local select = "SELECT user.id AS user_id, user.username AS user_username, user.email AS user_email FROM user"
    local texts = support.statements(db, function()
      User.query:all()
      User.query:filter_by{ username = "admin" }:first()
    end)
    assert.same({
      select,
      select .. " WHERE user.username = ? LIMIT ?",
    }, texts)
  end)

  it("names tables in snake case", function()
    local names = { User = "user", BlogPost = "blog_post", HTTPServerLog = "http_server_log",
                    CamelCase2Thing = "camel_case2_thing", PreABCPost = "pre_abc_post", AstV2Node = "ast_v2_node" }
    for class, name in pairs(names) do
      local other = mr.open "sqlite://"
      local Class = other.Model:extend(class, { id = other.Column{ other.Integer, primary_key = true } })
      assert.equal(name, Class.__table.name)
    end
  end)
end)

describe("an object", function()
  local db, User

  before_each(function() db, User = support.users() end)

  it("prints its state by default", function()
    local Plain = db.Model:extend("Plain", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    local plain = Plain{}
    assert.equal("<Plain (transient)>", tostring(plain))
    db.session:add(plain)
    assert.equal("<Plain (pending)>", tostring(plain))
    db.session:commit()
    assert.equal("<Plain 1>", tostring(plain))
  end)

  it("refuses unknown names with the nearest", function()
    local e = support.error_of(User, { usernam = "x" })
    assert.equal("ArgumentError", e.kind)
    assert.equal("'usernam' is an invalid keyword argument for User (did you mean 'username'?)", e.message)
    local user = User{}
    e = support.error_of(function() return user.emial end)
    assert.equal("User has no attribute 'emial' (did you mean 'email'?)", e.message)
    e = support.error_of(function() user.emial = 1 end)
    assert.equal("User has no attribute 'emial' (did you mean 'email'?)", e.message)
    e = support.error_of(function() return User.usrname end)
    assert.equal("User has no attribute 'usrname' (did you mean 'username'?)", e.message)
  end)

  it("refuses a value of the wrong type at the assignment", function()
    local user = User{}
    local e = support.error_of(function() user.id = "x" end)
    assert.equal("ArgumentError", e.kind)
    assert.equal('User.id: expected an integer, got string "x"', e.message)
    assert.is_nil(user.id)
    user.id = 3.0
    assert.equal("integer", math.type(user.id))
    assert.has_error(function() user.id = 3.5 end)
    assert.has_error(function() user.username = 12 end)
    assert.has_error(function() user.username = {} end)
    assert.has_error(function() user.username = User{} end)
  end)

  it("keeps in-memory fields", function()
    local Sprite = db.Model:extend("Sprite", { id = db.Column{ db.Integer, primary_key = true }, picture = mr.field() })
    db:create_all()
    local s = Sprite{ picture = { 1, 2 } }
    assert.same({ 1, 2 }, s.picture)
    db.session:add(s)
    db.session:commit()
    s.picture = s
    local id = s.id
    s = nil -- luacheck: ignore
    collectgarbage() collectgarbage()
    local again = db.session:get(Sprite, id)
    assert.equal(again, again.picture)
    assert.is_nil(Sprite{}.picture)
  end)

  it("takes methods, constants and metamethods", function()
    function User:shout() return self.username:upper() end
    User.LIMIT = 3
    function User.__len() return 7 end
    local user = User{ username = "ann" }
    assert.equal("ANN", user:shout())
    assert.equal(3, user.LIMIT)
    assert.equal(7, #user)
    local e = support.error_of(function() function User.email() end end)
    assert.equal("User.email is a mapped attribute: a method needs another name", e.message)
    e = support.error_of(function() User.__index = {} end)
    assert.matches("__index", e.message)
  end)

  it("runs an overridden constructor, and not on loading", function()
    local calls = 0
    function User:__init(username, email)
      calls = calls + 1
      db.Model.__init(self, { username = username, email = email })
    end
    db.session:add(User("ann", "ann@x"))
    db.session:commit()
    db.session:remove()
    assert.equal("ann@x", User.query:one().email)
    assert.equal(1, calls)
  end)
end)
