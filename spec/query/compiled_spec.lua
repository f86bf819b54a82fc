-- query:compiled() keeps the query's statement. It runs with other values for its named parameters each time, and gives
-- the same as the query with params.

local mr = require "moonrow"
local models = require "spec.support.models"

local db, User, Post

local function statements(fn) return models.sent(db, fn) end

before_each(function()
  db = mr.open "sqlite://"
  User = db.Model:extend("User", {
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String },
    age = db.Column{ db.Integer },
    posts = db.relationship{ "Post", back_populates = "user" },
  })
  Post = db.Model:extend("Post", {
    id = db.Column{ db.Integer, primary_key = true },
    title = db.Column{ db.String },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    user = db.relationship{ "User", back_populates = "posts" },
  })
  db:create_all()
  for i, name in ipairs{ "ann", "bob", "cid", "bob" } do
    db.session:add(User{ name = name, age = 20 + i, posts = { Post{ title = "of " .. name } } })
  end
  db.session:commit()
end)

describe("a compiled query", function()
  it("gives by each method what the query gives with params", function()
    local query = User.query:filter(User.name:eq(mr.bindparam "name")):order_by(User.id)
    local by_name = query:compiled()
    for _ = 1, 2 do
      for _, name in ipairs{ "ann", "bob", "nobody" } do
        local values = { name = name }
        for _, method in ipairs{ "first", "all", "one_or_none", "one" } do
          local written, expected, kept, got
          local long = statements(function()
            written, expected = pcall(function() return query:params(values)[method](query:params(values)) end)
          end)
          local short = statements(function() kept, got = pcall(by_name[method], by_name, values) end)
          assert.equal(written, kept)
          if written then assert.same(expected, got) else assert.equal(expected.message, got.message) end
          assert.same(long, short)
        end
        local ids = {}
        for user in by_name:iter(values) do ids[#ids + 1] = user.id end
        assert.equal(#by_name:all(values), #ids)
      end
    end
    assert.equal(tostring(query), tostring(by_name))
  end)

  it("gives rows and scalars as well", function()
    local older = db.session:query(User.name, User.age):filter(User.age:gt(mr.bindparam "age")):order_by(User.id)
      :compiled()
    assert.equal(2, #older:all{ age = 22 })
    assert.equal("cid", older:first{ age = 22 }.name)
    assert.is_nil(older:first{ age = 99 })
    local count = db.session:query(mr.func.count()):select_from(User):filter(User.age:gt(mr.bindparam "age"))
      :compiled()
    assert.equal(3, count:scalar{ age = 21 })
    assert.equal(0, count:scalar{ age = 50 })
    assert.equal("ann", db.session:query(User.name):filter(User.id:eq(mr.bindparam "id")):compiled():scalar{ id = 1 })
  end)

  it("goes on with what the query had: values, constants, options, limits", function()
    local from, to = mr.bindparam "from", mr.bindparam "to"
    local query = User.query:filter(User.age:ge(from), User.age:le(to), User.name:ne "cid")
      :params{ to = 23 }:order_by(User.id:desc())
    local between = query:compiled()
    assert.same({ 2, 1 }, { between:all{ from = 21 }[1].id, between:all{ from = 21 }[2].id })
    assert.equal(4, between:first{ from = 21, to = 30 }.id)
    assert.equal(2, between:first{ from = 21 }.id)
    assert.equal(1, #query:limit(1):offset(1):compiled():all{ from = 21 })
    assert.equal(1, query:limit(1):offset(1):compiled():first{ from = 21 }.id)
    local eager = User.query:options(mr.selectinload(User.posts)):filter(User.name:eq(mr.bindparam "name")):compiled()
    for _, name in ipairs{ "ann", "cid" } do
      db.session:expunge_all()
      local user = eager:first{ name = name }
      assert.equal(0, #statements(function() assert.equal("of " .. name, user.posts[1].title) end))
    end
    local joined = User.query:join(User.posts):filter(Post.title:eq(mr.bindparam "title")):compiled()
    assert.equal("cid", joined:one{ title = "of cid" }.name)
  end)

  it("runs on the session of the scope, after a flush, and sees what others have written", function()
    local by_name = User.query:filter(User.name:eq(mr.bindparam "name")):compiled()
    local outside = by_name:first{ name = "ann" }
    mr.App():scope(function() assert.are_not.equal(outside, by_name:first{ name = "ann" }) end)
    local dan = User{ name = "dan" }
    db.session:add(dan)
    assert.equal(dan, by_name:first{ name = "dan" })
    db.session:rollback()
    assert.is_nil(by_name:first{ name = "dan" })
    local other = mr.Session(db.engine)
    other:get(User, 1).age = 60
    other:commit()
    assert.equal(60, by_name:first{ name = "ann" }.age)
  end)

  it("names a value that is missing, unknown, or of another type", function()
    local by_age = User.query:filter(User.age:eq(mr.bindparam("age", mr.Integer))):compiled()
    for _ = 1, 2 do
      for _, method in ipairs{ "first", "all", "one" } do
        assert.error_matches(function() by_age[method](by_age) end, "bind parameter 'age'")
        assert.error_matches(function() by_age[method](by_age, { aeg = 1 }) end, "no parameter 'aeg'.*'age'")
        assert.error_matches(function() by_age[method](by_age, { age = "old" }) end, "age")
        assert.error_matches(function() by_age[method](by_age, { 5 }) end, "names of parameters")
        assert.error_matches(function() by_age[method](by_age, 5) end, "a table of values by name")
        assert.error_matches(function() by_age[method](by_age, { age = 21 }, { age = 22 }) end, "all values")
      end
      assert.equal(1, by_age:first{ age = 21 }.id)
    end
    assert.error_matches(function() by_age.first(User.query, {}) end, "CompiledQuery")
    assert.error_matches(function() mr.select(User):compiled() end, "no session")
  end)

  it("takes by each method the values of its limit and offset, of which first needs no limit", function()
    local limit = mr.bindparam "limit"
    local query = User.query:order_by(User.id):limit(limit)
    for _, case in ipairs{
      { query, { limit = 3 } },
      { query:offset(mr.bindparam "offset"), { limit = 3, offset = 1 } },
      { query:filter(User.age:gt(mr.bindparam "age")), { limit = 2, age = 21 } },
      { db.session:query(User.name):order_by(User.id):limit(limit + 1), { limit = 1 } },
    } do
      local values, compiled = case[2], case[1]:compiled()
      for _ = 1, 2 do
        for _, method in ipairs{ "first", "all" } do
          local written = case[1]:params(values)
          assert.equal(tostring(written[method](written)), tostring(compiled[method](compiled, values)))
        end
        assert.error_matches(function() compiled:first{ limti = 1 } end, "no parameter 'limti'.*'limit'")
        assert.error_matches(function() compiled:all{ limti = 1 } end, "no parameter 'limti'.*'limit'")
      end
    end
  end)

  it("lives as long as it is held, and after its query", function()
    local compiled = {}
    for i = 1, 20 do
      compiled[i] = User.query:filter(User.age:gt(i), User.name:eq(mr.bindparam("name" .. i))):compiled()
      compiled[i]:first{ ["name" .. i] = "ann" }
    end
    collectgarbage()
    collectgarbage()
    for i = 1, 20 do assert.equal(1, compiled[i]:first{ ["name" .. i] = "an" .. "n" }.id) end
    compiled = nil -- luacheck: ignore
    collectgarbage()
  end)

  it("is made anew when the mappings have changed", function()
    local by_name = User.query:filter(User.name:eq(mr.bindparam "name")):compiled()
    assert.equal(1, by_name:first{ name = "ann" }.id)
    db.Model:extend("Note", {
      id = db.Column{ db.Integer, primary_key = true },
      user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
      user = db.relationship{ "User", backref = "notes" },
    })
    db:create_all()
    assert.equal(1, by_name:first{ name = "ann" }.id)
    assert.equal(0, #by_name:first{ name = "ann" }.notes)
  end)
end)
