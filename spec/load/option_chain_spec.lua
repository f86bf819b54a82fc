-- Chains of loader options: each link costs one option, however long the chain is, and links share nothing that one of
-- them could change.

local mr = require "moonrow"
local select_support = require "spec.support.select"

local stress = os.getenv "MOONROW_STRESS"
local N = stress and 200 or 2000

local w, User, Post, s

before_each(function()
  w = select_support.open()
  User, Post, s = w.User, w.Post, w.session
end)
after_each(function() s:remove() end)

--- The bytes that the core and Lua have now.
local function bytes()
  collectgarbage()
  collectgarbage()
  return mr.memory().bytes + collectgarbage "count" * 1024
end

--- Asserts that a chain whose links are all kept has less than `most` bytes for each of them. next(link, i): one more.
local function costs_little(most, first, next)
  local chain, before = { first }, bytes()
  for i = 1, N do chain[i + 1] = next(chain[i], i) end
  local each = (bytes() - before) / N
  assert.is_true(each < most, each)
  return chain
end

describe("a chain of", function()
  it("query:options() keeps each option once", function()
    local chain = costs_little(4000, User.query, function(q) return q:options(mr.selectinload(User.posts)) end)
    local found
    assert.equal(2, #w.sent(function() found = chain[N + 1]:order_by(User.id):all() end))
    assert.equal(0, #w.sent(function() assert.equal(2, #found[1].posts) end))
  end)

  it("the options of one path keeps each step once", function()
    local chain = costs_little(4000, mr.selectinload(User.posts), function(option, i)
      return i % 2 == 1 and option:selectinload(Post.author) or option:selectinload(User.posts)
    end)
    local found
    assert.equal(2, #w.sent(function() found = User.query:options(chain[3]):order_by(User.id):all() end))
    assert.equal(0, #w.sent(function() assert.equal(found[1], found[1].posts[1].author) end))
    assert.equal(3, #User.query:options(chain[N + 1]):all())
  end)

  it("with_loader_criteria says each criterion once", function()
    local q = User.query:order_by(User.id)
    for i = 1, N do q = q:options(mr.with_loader_criteria(User, User.id:ne(i % 5 + 2))) end
    w.gives("ann", q, "SELECT user.id AS user_id, user.name AS user_name, user.age AS user_age, "
      .. "user.active AS user_active, user.boss_id AS user_boss_id FROM user WHERE user.id != ? AND user.id != ? "
      .. "AND user.id != ? AND user.id != ? AND user.id != ? ORDER BY user.id")
  end)
end)

describe("two links of one chain", function()
  local function statements(q)
    s:expunge_all()
    return #w.sent(function() q:all() end)
  end

  it("do not see each other's options", function()
    local base = User.query:options(mr.load_only(User.name), mr.load_only(User.name))
    local posts = base:options(mr.selectinload(User.posts))
    local staff = base:options(mr.selectinload(User.staff))
    local both = posts:options(mr.selectinload(User.staff))
    local again = posts:options(mr.selectinload(User.boss))
    assert.same({ 1, 2, 2, 3, 3 }, { statements(base), statements(posts), statements(staff), statements(both),
      statements(again) })
    s:expunge_all()
    local first = staff:order_by(User.id):first()
    assert.equal(0, #w.sent(function() return #first.staff end))
    assert.equal(1, #w.sent(function() return #first.posts end))
  end)

  it("do not see each other's steps, also when one of them is an error", function()
    local base = mr.selectinload(User.posts):selectinload(Post.notes)
    local tags = mr.selectinload(User.posts):selectinload(Post.tags)
    local a, b = base:defer "body", base:raiseload "post"
    assert.is_false((pcall(function() return base:load_only(1) end)))
    local c = base:load_only "body"
    for i, want in ipairs{ { base, 3 }, { tags, 3 }, { a, 3 }, { b, 3 }, { c, 3 } } do
      assert.equal(want[2], statements(User.query:options(want[1])), i)
    end
    s:expunge_all()
    local note = User.query:options(a):order_by(User.id):first().posts[1].notes[1]
    assert.equal(1, #w.sent(function() assert.equal("n1", note.body) end))
    s:expunge_all()
    note = User.query:options(c):order_by(User.id):first().posts[1].notes[1]
    assert.equal(0, #w.sent(function() assert.equal("n1", note.body) end))
  end)

  it("keep what they name when the others are gone", function()
    local function joined()
      local alias = mr.aliased(Post)
      return User.query:join(User.posts:of_type(alias)):options(mr.contains_eager(User.posts:of_type(alias)))
    end
    local q = joined()
    for _ = 1, 3 do
      q:options(mr.with_loader_criteria(User, User.id:gt(9)))
      collectgarbage()
    end
    local found = q:order_by(User.id):all()
    assert.equal(0, #w.sent(function() assert.equal(2, #found[1].posts) end))
  end)
end)

describe("a column that is read many times", function()
  it("has a number each time", function()
    local q = s:query(User.id)
    for _ = 1, 300 do q = q:add_columns(User.id) end
    local sql = q:sql()
    for _, label in ipairs{ "AS user_id,", "AS user_id__1,", "AS user_id__2,", "AS user_id__300 FROM" } do
      assert.is_truthy(sql:find(label, 1, true), label)
    end
    assert.equal(301, #q:first())
  end)
end)
