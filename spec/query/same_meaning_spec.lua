-- What SQLite and PostgreSQL write or take otherwise, and what a query means by it in both: a backslash in LIKE,
-- group_concat; and lists of conditions that SQLite cannot take in a reasonable time.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, User, f

setup(function()
  w = select_support.open()
  User, f = w.User, mr.func
end)
teardown(function() w.session:remove() end)

-- The WHERE in PostgreSQL and in SQLite.
local function wheres(q)
  return q:sql{ dialect = "postgresql" }:match "WHERE (.*)", q:sql{ dialect = "sqlite" }:match "WHERE (.*)"
end

describe("a backslash in the pattern of LIKE", function()
  it("is a character like any other in both", function()
    local cases = {
      { User.name:like "a\\b%", '"user".name LIKE $1 ESCAPE \'\'', "user.name LIKE ?" },
      { User.name:not_like "\\", '"user".name NOT LIKE $1 ESCAPE \'\'', "user.name NOT LIKE ?" },
      { User.name:ilike "a\\b", '"user".name ILIKE $1 ESCAPE \'\'', "lower(user.name) LIKE lower(?)" },
      { User.name:not_ilike "a\\b", '"user".name NOT ILIKE $1 ESCAPE \'\'', "lower(user.name) NOT LIKE lower(?)" },
      { User.name:like(User.name), '"user".name LIKE "user".name ESCAPE \'\'', "user.name LIKE user.name" },
      { User.name:like(mr.bindparam "p"), '"user".name LIKE $1 ESCAPE \'\'', "user.name LIKE ?" },
      { User.name:like("a" .. User.name), '"user".name LIKE $1 || "user".name ESCAPE \'\'',
        "user.name LIKE ? || user.name" },
      { User.name:like "a%", '"user".name LIKE $1', "user.name LIKE ?" },
      { User.name:ilike "", '"user".name ILIKE $1', "lower(user.name) LIKE lower(?)" },
      { User.name:like("a\\%", { escape = "\\" }),
        '"user".name LIKE $1 ESCAPE \'\\\'', "user.name LIKE ? ESCAPE '\\'" },
      { User.name:contains "a\\b", '"user".name LIKE \'%\' || $1 || \'%\' ESCAPE \'/\'',
        "user.name LIKE '%' || ? || '%' ESCAPE '/'" },
    }
    for i, case in ipairs(cases) do
      local postgresql, sqlite = wheres(mr.select(User.id):where(case[1]))
      assert.same({ case[2], case[3] }, { postgresql, sqlite }, i)
    end
  end)

  it("is so in criteria as text", function()
    local postgresql, sqlite = wheres(w.session:query(User):where("name:like($p)", { p = "a\\%" }))
    assert.same({ '"user".name LIKE $1 ESCAPE \'\'', "user.name LIKE ?" }, { postgresql, sqlite })
    postgresql = wheres(w.session:query(User):where [[name:ilike("\\")]])
    assert.equal('"user".name ILIKE $1 ESCAPE \'\'', postgresql)
  end)

  it("finds the same in SQLite, and a pattern with one is another statement than one without", function()
    local User2 = w.User
    local s = w.session
    s:add(User2{ id = 901, name = "a\\b" })
    s:flush()
    for _ = 1, 2 do
      assert.equal(1, s:query(User2):filter(User2.name:like "a\\b"):count())
      assert.equal(1, s:query(User2):filter(User2.name:like "a_b"):count())
      assert.equal(0, s:query(User2):filter(User2.name:like "a\\%\\"):count())
    end
    s:rollback()
  end)
end)

describe("group_concat and string_agg", function()
  it("have the name of each database", function()
    local function forms(x)
      local q = mr.select(x:label "x")
      local postgresql = q:sql{ dialect = "postgresql" }:match "SELECT (.-) AS x"
      return postgresql, q:sql{ dialect = "sqlite" }:match "SELECT (.-) AS x"
    end
    local cases = {
      { f.group_concat(User.name), 'string_agg("user".name, \',\')', "group_concat(user.name)" },
      { f.group_concat(User.name, "; "), 'string_agg("user".name, $1)', "group_concat(user.name, ?)" },
      { f.group_concat(User.age), 'string_agg(CAST("user".age AS TEXT), \',\')', "group_concat(user.age)" },
      { f.group_concat(User.name:distinct()), 'string_agg(DISTINCT "user".name, \',\')',
        "group_concat(DISTINCT user.name)" },
      { f.string_agg(User.name, ", "), 'string_agg("user".name, $1)', "group_concat(user.name, ?)" },
      { f.group_concat(User.name):filter(User.age:gt(1)),
        'string_agg("user".name, \',\') FILTER (WHERE "user".age > $1)',
        "group_concat(user.name) FILTER (WHERE user.age > ?)" },
    }
    for i, case in ipairs(cases) do
      local postgresql, sqlite = forms(case[1])
      assert.same({ case[2], case[3] }, { postgresql, sqlite }, i)
    end
  end)

  it("give the same rows by either name", function()
    local names = mr.select(User.name:label "name"):where(User.id:le(2)):order_by(User.id):subquery()
    assert.equal("ann+bob", w.session:scalar(mr.select(f.string_agg(names.c.name, "+"))))
    assert.equal("ann,bob", w.session:scalar(mr.select(f.group_concat(names.c.name))))
  end)
end)

describe("a list of conditions with very many values", function()
  local function list(n, make)
    local all = {}
    for i = 1, n do all[i] = make(i) end
    return all
  end

  -- A collector that runs at every chance takes minutes for lists as long as these.
  local stress = os.getenv "MOONROW_STRESS"
  local many, most = stress and 200 or 33000, stress and 11000 or 100000

  it("is refused on SQLite, which takes time for the square of their number", function()
    if stress then return pending "it takes minutes" end
    local q = mr.select(User.id):where(mr.or_(table.unpack(list(33000, function(i) return User.id:eq(i) end))))
    refuse("ArgumentError", { "or_ of 33000 conditions", "32766 are the most", "in_{ ... }" },
      function() w.session:execute(q) end)
    local all = mr.select(User.id):where(table.unpack(list(33000, function(i) return User.id:ne(i) end)))
    refuse("ArgumentError", { "and_ of 33000 conditions", "not_in{ ... }" }, function() w.session:execute(all) end)
    assert.is_true(#q:sql{ dialect = "postgresql" } > 33000)
    assert.is_true(#q:sql{ literals = true } > 33000)
  end)

  it("without values is right, and so is an IN in their place", function()
    local none = list(many, function() return User.id:is_(nil) end)
    assert.equal(0, w.session:scalar(mr.select(f.count(User.id)):where(mr.or_(table.unpack(none)))))
    local ids = list(most, function(i) return i end)
    assert.equal(3, w.session:scalar(mr.select(f.count(User.id)):where(User.id:in_(ids))))
    assert.equal(0, w.session:scalar(mr.select(f.count(User.id)):where(User.id:not_in(ids), User.name:ne "x")))
  end)
end)
