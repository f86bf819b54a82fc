-- Criteria as text over columns of each type, and over values that another program has stored: memory finds what SQL
-- finds, or says which attribute it cannot compare.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function ids(list)
  local keys = {}
  for i, row in ipairs(list) do keys[i] = type(row) == "table" and row.id or row.id end
  return table.concat(keys, " ")
end

-- The text finds these rows in SQL, and the same in memory.
local function same(class, expected, text, params)
  assert.equal(expected, ids(class.query:where(text, params):order_by "id":all()), text)
  local met = {}
  for _, row in ipairs(class.query:order_by "id":all()) do
    if mr.matches(row, text, params) then met[#met + 1] = row end
  end
  assert.equal(expected, ids(met), text .. " in memory")
end

describe("a column of the type Any", function()
  local db, T
  before_each(function()
    db = mr.open "sqlite://"
    T = db.Model:extend("T", {
      id = db.Column{ db.Integer, primary_key = true },
      any = db.Column{ db.Any }, other = db.Column{ db.Any },
      n = db.Column{ db.Integer }, f = db.Column{ db.Float }, s = db.Column{ db.String },
      d = db.Column{ db.Numeric(10, 2) }, b = db.Column{ db.Boolean }, born = db.Column{ db.Date },
      next_id = db.Column{ db.Integer, db.ForeignKey "t.id" },
      next = db.relationship{ "T", remote_side = "T.id" },
    })
    db:create_all()
    for i, value in ipairs{ 5, "5", 1.5, "1.5", "x", mr.null } do
      db.session:add(T{ id = i, any = value, other = 5, n = 5, f = 1.5, s = "5", next_id = i > 1 and 1 or nil })
    end
    db.session:commit()
  end)

  it("compares as Lua does: a string equals no number", function()
    same(T, "1", "any == n")
    same(T, "1", "n == any")
    same(T, "2 3 4 5 6", "any ~= n")
    same(T, "2", "any == s")
    same(T, "3", "any == f")
    same(T, "1", "any == other")
    same(T, "1", "any == 5")
    same(T, "2", "any == '5'")
    same(T, "2", "any == $v", { v = "5" })
    same(T, "1 2", "any in { 5, '5' }")
    same(T, "3 4", "any in $v", { v = { 1.5, "1.5" } })
    same(T, "2 3 4 5 6", "next.any == n")
    same(T, "", "next.any == s")
    same(T, "6", "any == nil")
    same(T, "3", "any:eq(f)")
    assert.matches("t.any IS coalesce(t.n, NULL)", tostring(T.query:where "any == n"), 1, true)
    assert.matches("WHERE t.any = ?", tostring(T.query:where "any == 5"), 1, true)
  end)

  it("has numbers before strings", function()
    same(T, "3", "any < n")
    same(T, "2 4 5", "any > n")
    same(T, "1 3 4", "any < '5'")
    same(T, "2 5", "any >= s")
  end)

  it("is compared with nothing that it cannot hold", function()
    for text, words in pairs{
      ["any == d"] = "d is a decimal", ["any < d"] = "d is a decimal", ["b == any"] = "b, which is a boolean",
      ["any == born"] = "born is a date", ["any == true"] = "true is a boolean",
    } do refuse("ArgumentError", words, function() return T.query:where(text) end) end
    refuse("ArgumentError", "$v: expected a number or a string, got true",
      function() return T.query:where("any == $v", { v = true }) end)
    refuse("ArgumentError", "$v: expected a number or a string",
      function() return T.query:where("any == $v", { v = mr.date(2000, 1, 1) }) end)
  end)
end)

describe("a column of a type with another form of storage", function()
  local db, T
  before_each(function()
    db = mr.open "sqlite://"
    T = db.Model:extend("T", {
      id = db.Column{ db.Integer, primary_key = true },
      iv = db.Column{ db.Interval }, secs = db.Column{ db.Interval{ storage = "seconds" } },
      u = db.Column{ db.Uuid }, blob = db.Column{ db.Uuid{ storage = "blob" } },
      unix = db.Column{ db.DateTime{ storage = "unix" } },
      iso = db.Column{ db.DateTime{ storage = "iso", separator = "T", zone = "Z", digits = 3 } },
      day = db.Column{ db.Date{ storage = "datetime" } }, hour = db.Column{ db.Time{ storage = "seconds" } },
      kind = db.Column{ db.Enum("a", "b", { storage = "position" }) }, yes = db.Column{ db.Boolean{ storage = "t/f" } },
      cents = db.Column{ db.Numeric(10, 2, { storage = "scaled" }) },
      real = db.Column{ db.Numeric(10, 2, { storage = "real" }) },
    })
    db:create_all()
    local u = "123e4567-e89b-12d3-a456-42661417400"
    for i = 1, 3 do
      db.session:add(T{ id = i, iv = mr.interval{ hours = 10 * i }, secs = mr.interval{ hours = 10 * i }, u = u .. i,
        blob = u .. i, unix = mr.datetime(2000, 1, i), iso = mr.datetime(2000, 1, i), day = mr.date(2000, 1, i),
        hour = mr.time(i), kind = i < 3 and "a" or "b", yes = i == 2, cents = i .. ".50", real = i .. ".50" })
    end
    db.session:add(T{ id = 4 })
    db.session:commit()
  end)

  it("is computed in memory", function()
    local u = "123e4567-e89b-12d3-a456-426614174002"
    same(T, "2", "iv == 'PT20H'")
    same(T, "2 3", "iv > $v", { v = mr.interval{ hours = 15 } })
    same(T, "1 3 4", "secs ~= 'PT20H'")
    same(T, "2", "u == $u", { u = u })
    same(T, "2", "blob == $u", { u = u })
    same(T, "2 3", "blob in $u", { u = { u, u:gsub("2$", "3"), nil } })
    same(T, "2 3", "unix >= '2000-01-02'")
    same(T, "2", "iso == '2000-01-02'")
    same(T, "1", "iso < '2000-01-02'")
    same(T, "2", "day == '2000-01-02'")
    same(T, "2 3", "day > '2000-01-01'")
    same(T, "1 2", "hour < '03:00'")
    same(T, "3", "kind == 'b'")
    same(T, "3 4", "kind ~= 'a'")
    same(T, "2", "yes")
    same(T, "1", "cents == 1.5 and real == 1.5")
    same(T, "4", "iv == nil and u == nil and kind == nil")
    refuse("ArgumentError", "takes strings", function() return T.query:where "blob:like '1%'" end)
  end)
end)

describe("a value that another program has spelled in its own way", function()
  local db, T
  before_each(function()
    db = mr.open "sqlite://"
    T = db.Model:extend("T", {
      id = db.Column{ db.Integer, primary_key = true },
      d = db.Column{ db.Numeric(10, 2), index = true }, e = db.Column{ db.Numeric },
      at = db.Column{ db.DateTime }, day = db.Column{ db.Date },
    })
    db:create_all()
    db.session:execute(mr.text [[INSERT INTO t (id, d, e, at, day) VALUES
      (1, '1.50', '1.5', '2000-01-02 00:00:00', '2000-01-02'),
      (2, '1.5', '1.500', '2000-01-02 00:00:00.000', '2000-01-02'),
      (3, '1.500', '01.5', '2000-01-02T00:00:00', '2000-01-02 00:00:00'),
      (4, NULL, NULL, NULL, NULL)]])
    db.session:commit()
  end)

  it("is found by ==, if it is a usual spelling, by an index", function()
    local query = T.query:where "d == 1.5 and at == '2000-01-02' and day == '2000-01-02'"
    assert.equal("1 2", ids(query:order_by "id":all()))
    assert.matches("ix_t_d", tostring(T.query:where "d == 1.5":explain()))
    for id = 1, 2 do
      assert.is_true(mr.matches(db.session:get(T, id), "d == 1.5 and at == '2000-01-02' and day == '2000-01-02'"))
    end
  end)

  it("is found by an order of decimals, and of decimals without a number of digits by all", function()
    same(T, "1 2 3", "d < 1.6")
    same(T, "1 2 3", "d >= 1.5")
    same(T, "1 2 3", "e == 1.5")
    same(T, "1 2 3", "e in { 1.5 }")
    same(T, "1 2 3", "d + 0 == 1.5")
  end)

  it("is otherwise not found by ==, and refused in memory, where the message names it", function()
    local odd = db.session:get(T, 3)
    for text, name in pairs{
      ["d == 1.5"] = "d", ["d ~= 1.5"] = "d", ["d in { 1.5 }"] = "d", ["at == '2000-01-02'"] = "at",
      ["at < '2000-01-03'"] = "at", ["day == '2000-01-02'"] = "day", ["day in { '2000-01-02' }"] = "day",
      ["id == 3 and not (day == '2000-01-01')"] = "day",
    } do
      refuse("InvalidRequestError", { "'" .. name .. "' is stored in a spelling of another program", "by a query" },
        function() return mr.matches(odd, text) end)
    end
    assert.equal("3 4", ids(T.query:where "d ~= 1.5":order_by "id":all()))
    odd.d = "2.50"
    assert.is_true(mr.matches(odd, "d == 2.5"))
    odd.d = "1.50"
    db.session:rollback()
    assert.is_true(mr.matches(odd, "id == 3 or d == 1.5"))
  end)

  it("is left to the database by an UPDATE or DELETE", function()
    local rows = T.query:order_by "id":all()
    assert.equal(2, T.query:where "d == 1.5":update({ e = 7 }, { synchronize_session = "evaluate" }))
    assert.equal(mr.decimal "7", rows[1].e)
    assert.equal(mr.decimal "1.5", rows[3].e)
    assert.equal(2, T.query:filter(T.d:eq "1.5"):update({ e = 8 }, { synchronize_session = "evaluate" }))
    assert.equal(mr.decimal "8", rows[2].e)
    assert.equal(mr.decimal "1.5", rows[3].e)
  end)
end)

describe("what cannot be computed in memory", function()
  it("is named, with the cure", function()
    local criteria = require "spec.support.criteria"
    local m = criteria.filled()
    local jim = m.User.query:first()
    m.User.loud = mr.column_property(mr.func.upper(m.User.name))
    refuse("InvalidRequestError", { "matches: ", "'loud' is made of an SQL expression", "ask by a query" },
      function() return mr.matches(jim, "level > 3 and loud == 'JIM'") end)
    refuse("InvalidRequestError", { "any(posts)", 'write synchronize_session = "fetch" or false' }, function()
      return m.User.query:where "any(posts) and level > 3":update({ rank = 1 }, { synchronize_session = "evaluate" })
    end)
    refuse("InvalidRequestError", { "count(clan.members)" }, function()
      return m.User.query:where "level > 3 and count(clan.members) > 1"
        :delete{ synchronize_session = "evaluate" }
    end)
    assert.equal(1, m.User.query:where "any(posts, 'score == 4')":update{ rank = 50 })
    assert.equal(50, jim.rank)
  end)
end)

-- A text compares strings by their bytes, and an expression as SQL does.
describe("a column with a collation", function()
  it("is compared by its bytes, alone, along a path, in lists and in statements that write", function()
    local db = mr.open "sqlite://"
    local T = db.Model:extend("T", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(20), sqlite_collation = "NOCASE" },
      next_id = db.Column{ db.Integer, db.ForeignKey "t.id" },
      next = db.relationship{ "T", remote_side = "T.id" },
    })
    db:create_all()
    db.session:add_all{ T{ id = 1, name = "Ann" }, T{ id = 2, name = "ANN", next_id = 1 }, T{ id = 3 } }
    db.session:commit()
    for _ = 1, 2 do -- a text that was read before is found in another way
      same(T, "", "name == 'ann'")
      same(T, "1", "name == 'Ann'")
      same(T, "2", "name == $n", { n = "ANN" })
    end
    same(T, "2 3", "name ~= 'Ann'")
    same(T, "2", "name:ne('Ann')")
    same(T, "2", "name in { 'ANN', 'x' }")
    same(T, "1", "name in $names", { names = { "Ann", "ann" } })
    same(T, "1 2", "name < 'a'")
    same(T, "2", "next.name == 'Ann'")
    same(T, "", "next.name == 'ANN'")
    same(T, "2", "name ~= next.name and next ~= nil")
    assert.equal(2, T.query:filter(T.name:eq "ann"):count())
    assert.equal(1, T.query:where("name == 'ANN'"):update{ name = "x" })
    assert.equal('WHERE (t.name) COLLATE "C" < $1',
      T.query:where("name < 'a'"):sql{ dialect = "postgresql" }:match "WHERE.*")
    assert.equal('WHERE (t.name COLLATE "BINARY") = ?', T.query:where("name == 'Ann'"):sql():match "WHERE.*")
  end)
end)
