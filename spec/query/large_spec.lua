-- Statements that are large in one way or another: right, or an error that says what to do; the stack has a bound.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, User, s

before_each(function()
  w = select_support.open()
  User, s = w.User, w.session
end)
after_each(function() s:remove() end)

describe("a thousand parameters", function()
  local function numbers(n, fn)
    local list = {}
    for i = 1, n do list[i] = fn(i) end
    return list
  end

  it("are right in OR, in AND, in IN, in columns and in rows of values", function()
    w.gives("ann; bob; cid", mr.select(User):where(mr.or_(table.unpack(numbers(1000,
      function(i) return User.id:eq(i) end)))):order_by(User.id))
    local q = mr.select(User):order_by(User.id)
    for i = 1, 1000 do q = q:where(User.id:ne(i + 1)) end
    w.gives("ann", q)
    w.gives("ann; bob; cid", mr.select(User):where(User.id:in_(numbers(1000,
      function(i) return i end))):order_by(User.id))
    local row = s:execute(mr.select(table.unpack(numbers(1000,
      function(i) return mr.literal(i):label("c" .. i) end)))):one()
    assert.equal(1000, #row)
    assert.equal(777, row.c777)
    local v = mr.values({ mr.column("n", mr.Integer), mr.column("m", mr.Integer) },
      numbers(1000, function(i) return { i, -i } end))
    w.gives("1000 -500500", mr.select(mr.func.count(), mr.func.sum(v.c.m)):select_from(v))
  end)

  it("are right by name", function()
    local parts, values = {}, {}
    for i = 1, 1000 do
      parts[i] = User.id:eq(mr.bindparam("p" .. i))
      values["p" .. i] = i + 1
    end
    w.gives("bob; cid", mr.select(User):where(mr.or_(table.unpack(parts))):order_by(User.id), nil, values)
  end)

  it("more columns than SQLite gives are an error with a cure", function()
    local columns = numbers(2500, function(i) return mr.literal(i):label("c" .. i) end)
    refuse("OperationalError", { "too many columns", "second query" },
      function() s:execute(mr.select(table.unpack(columns))):all() end)
  end)
end)

describe("depth", function()
  local function nested(n)
    local x = User.id + 0
    for _ = 1, n do x = -(x - 1) end
    return mr.select(x):where(User.id:eq(1))
  end

  it("that SQLite reads is right", function()
    assert.equal(1, s:scalar(nested(20)))
  end)

  it("that it does not read is an error with a cure", function()
    local e = refuse("ArgumentError", { "nested more deeply", ":cte()" }, function() s:scalar(nested(200)) end)
    assert.equal("parser stack overflow", e.orig.message)
    assert.is_nil(e.message:find("overflow", 1, true))
    local q = mr.select(User.id)
    for _ = 1, 100 do q = mr.select(User.id):where(User.id:in_(q)) end
    refuse("ArgumentError", { "nested more deeply", ":cte()" }, function() s:execute(q):all() end)
  end)

  it("has a bound for every kind of nesting, and the stack with it", function()
    local steps = {
      function(x) return -(x - 1) end,
      function(x) return mr.func.abs(x) end,
      function(x) return mr.case{ { User.id:gt(0), x }, else_ = 2 } end,
      function(x) return mr.cast(x, mr.Integer) end,
      function(x) return mr.func.sum(x):filter(User.id:gt(0)):over{ order_by = User.id } end,
      function(x) return mr.func.mode():within_group(x) end,
      function(x) return mr.select(x):scalar_subquery() end,
      function(x) return mr.tuple_(x) end,
    }
    for i, step in ipairs(steps) do
      refuse("ArgumentError", "nested deeper than 500 levels", function()
        local x = User.id
        for _ = 1, 100000 do x = step(x) end
        return i
      end)
    end
  end)

  it("of unions of one kind is none: they are one union", function()
    local q = mr.select(User.id)
    for i = 1, 400 do q = mr.union(q, mr.select(User.id):where(User.id:eq(i % 3 + 1))) end
    w.gives("1; 2; 3", q:order_by(User.id))
    local left = mr.except_(mr.except_(mr.select(User.id), mr.select(mr.literal(1))), mr.select(mr.literal(2)))
    w.gives("3", left, "SELECT user.id FROM user EXCEPT SELECT ? AS anon_1 EXCEPT SELECT ? AS anon_1")
    local right = mr.except_(mr.select(User.id), mr.except_(mr.select(User.id), mr.select(mr.literal(1))))
    w.gives("1", right)
    w.gives("1; 2; 3", mr.union(mr.union(mr.select(User.id), mr.select(User.id)):limit(9),
      mr.select(User.id)):order_by(User.id))
    for _ = 1, 200 do q = mr.union(q, mr.select(User.id)) end
    refuse("OperationalError", { "too many terms", "mr.values" }, function() s:execute(q):all() end)
    for _ = 1, os.getenv "MOONROW_STRESS" and 10 or 5000 do q = mr.union(q, mr.select(User.id)) end
    refuse("OperationalError", { "too many terms", "mr.values" }, function() s:execute(q):all() end)
  end)
end)

describe("a text of ten megabytes", function()
  local big = ("x"):rep(10 * 1024 * 1024)

  it("is a value like any other", function()
    assert.equal(#big + 1, #s:scalar(mr.select(mr.literal(big) .. "y")))
    w.gives("", mr.select(User.name):where(User.name:eq(big)))
    w.gives("ann", mr.select(User.name):where(User.name:in_(mr.bindparam "names")), nil, { names = { big, "ann" } })
    w.gives("false", mr.select(mr.literal(big):regexp_match "y"))
    w.gives("-", mr.select(mr.literal "{}":at(big)))
    assert.is_true(#s:query(User.id):filter(User.name:eq(big)):sql{ literals = true } > #big)
  end)

  it("is a pattern, too", function()
    assert.is_nil(s:scalar(mr.select(User.id):where(User.name:contains(big))))
    assert.is_true(s:scalar(mr.select(mr.literal(big .. "y"):startswith(big))))
  end)

  it("is SQL like any other", function()
    assert.equal(#big, #s:scalar(mr.text("SELECT '" .. big .. "'")))
    w.gives(tostring(#big), mr.select(mr.literal_column("length('" .. big .. "')")))
  end)

  it("is not repeated by an error", function()
    local function short(words, fn)
      local e = refuse("OperationalError", words, fn)
      assert.is_true(#e.message < 3000, #e.message)
      assert.is_true(#tostring(e) < 6000, #tostring(e))
    end
    short({ "no such function: nosuch" }, function() s:scalar(mr.select(mr.func.nosuch(big))) end)
    short({ "no such column: xxx", "..." }, function() s:scalar(mr.select(mr.column(big))) end)
    short({ "no such function: xxx" }, function() s:scalar(mr.select(mr.func[big](1))) end)
    short({ "regexp", "too large" }, function() s:scalar(mr.select(mr.literal "x":regexp_match(big))) end)
  end)
end)
