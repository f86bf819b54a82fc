-- Aggregates over some rows (FILTER), over an order (WITHIN GROUP), and windows with every frame; CASE with a value;
-- IS DISTINCT FROM; functions of any name.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, User, Post, s, f

before_each(function()
  w = select_support.open()
  User, Post, s, f = w.User, w.Post, w.session, mr.func
end)
after_each(function() s:remove() end)

describe("filter of an aggregate", function()
  it("counts only some rows", function()
    w.gives("3 1 20", mr.select(f.count(), f.count():filter(User.age:gt(25)),
      f.sum(User.age):filter(User.name:eq "bob"))
      :select_from(User), "SELECT count(*) AS count_1, count(*) FILTER (WHERE user.age > ?) AS anon_1, "
      .. "sum(user.age) FILTER "
      .. "(WHERE user.name = ?) AS anon_2 FROM user")
  end)

  it("takes several criteria, and more of them later", function()
    w.gives("1", mr.select(f.count():filter(User.age:gt(1), User.age:lt(25))))
    w.gives("1", mr.select(f.count():filter(User.age:gt(1)):filter(User.age:lt(25))))
    w.gives("1", mr.select(f.count(User.id):filter(User.active)))
    w.on_postgresql('SELECT count("user".id) FILTER (WHERE "user".active) AS anon_1 FROM "user"',
      mr.select(f.count(User.id):filter(User.active)))
  end)

  it("stands in HAVING, in an order, in groups and in a window", function()
    w.gives("1", mr.select(Post.user_id):group_by(Post.user_id):having(f.count():filter(Post.title:like "a%"):gt(1)))
    w.gives("2; 1", mr.select(Post.user_id):group_by(Post.user_id):order_by(f.count():filter(Post.title:like "a%")))
    w.gives("1 1; 2 1; 3 1", mr.select(User.id,
      f.count():filter(User.age:gt(25)):over{ order_by = User.id }):order_by(User.id),
      "SELECT user.id, count(*) FILTER (WHERE user.age > ?) OVER (ORDER BY user.id) AS anon_1 FROM user "
        .. "ORDER BY user.id")
  end)

  it("keeps the type of the aggregate", function()
    assert.equal("Integer", tostring(f.count():filter(User.id:gt(1)).type))
    assert.equal(30, s:scalar(mr.select(f.max(User.age):filter(User.id:lt(9)))))
  end)

  it("is for calls alone", function()
    refuse("ArgumentError", { "filter", "function", "User.id" }, function() return User.id:filter(User.age:gt(1)) end)
    refuse("ArgumentError", { "filter", "criterion" }, function() return f.count():filter() end)
    refuse("ArgumentError", { "filter", "nil" }, function() return f.count():filter(nil) end)
  end)
end)

describe("within_group", function()
  it("is PostgreSQL's order of an aggregate", function()
    w.on_postgresql('SELECT percentile_cont($1) WITHIN GROUP (ORDER BY "user".age DESC, "user".id) AS '
      .. 'anon_1 FROM "user"',
      mr.select(f.percentile_cont(0.5):within_group(User.age:desc(), User.id)))
    w.on_postgresql('SELECT mode() WITHIN GROUP (ORDER BY "user".name) FILTER (WHERE "user".id > $1) AS '
      .. 'anon_1 FROM "user"',
      mr.select(f.mode():within_group(User.name):filter(User.id:gt(1))))
    assert.equal("String(20)", tostring(f.mode():within_group(User.name).type))
  end)

  it("is refused with another way on SQLite", function()
    refuse("ArgumentError", { "within_group", "sqlite", "row_number()" },
      function() s:execute(mr.select(f.percentile_cont(0.5):within_group(User.age))):all() end)
    refuse("ArgumentError", { "within_group", "ordered" }, function() return f.mode():within_group() end)
    refuse("ArgumentError", { "within_group", "function" }, function() return User.id:within_group(User.id) end)
  end)
end)

describe("aggregate_order_by", function()
  local function order(x, sql) w.on_postgresql("SELECT " .. sql .. ' AS x FROM "user"', mr.select(x:label "x")) end

  it("is the order in the brackets of the call, also behind a filter and before it", function()
    order(f.string_agg(User.name, ","):aggregate_order_by(User.age:desc():nulls_last(), User.id),
      'string_agg("user".name, $1 ORDER BY "user".age DESC NULLS LAST, "user".id)')
    order(f.group_concat(User.age):aggregate_order_by(f.lower(User.name)),
      'string_agg(CAST("user".age AS TEXT), \',\' ORDER BY lower("user".name))')
    order(f.array_agg(User.name:distinct()):aggregate_order_by(User.name),
      'array_agg(DISTINCT "user".name ORDER BY "user".name)')
    local filtered = 'array_agg("user".id ORDER BY "user".age + $1) FILTER (WHERE "user".id > $2)'
    order(f.array_agg(User.id):aggregate_order_by(User.age + 1):filter(User.id:gt(3)), filtered)
    order(f.array_agg(User.id):filter(User.id:gt(3)):aggregate_order_by(User.age + 1), filtered)
    order(f.sum(f.abs(User.id)):aggregate_order_by(f.abs(User.age)),
      'sum(abs("user".id) ORDER BY abs("user".age))')
    assert.equal("String", tostring(f.string_agg(User.name, ","):aggregate_order_by(User.id).type))
  end)

  it("is refused on SQLite, where a subquery has the order", function()
    local x = f.string_agg(User.name, ","):aggregate_order_by(User.id:desc())
    refuse("ArgumentError", { "aggregate_order_by", "sqlite", "string_agg", "order_by(...):subquery()" },
      function() s:execute(mr.select(x)):all() end)
    refuse("ArgumentError", { "aggregate_order_by", "sqlite" },
      function() s:execute(mr.select(x:filter(User.id:lt(3)))):all() end)
    local names = mr.select(User.name):where(User.id:le(2)):order_by(User.id:desc()):subquery()
    assert.equal("bob,ann", s:scalar(mr.select(f.string_agg(names.c.name, ","))))
  end)

  it("is for one call of a function", function()
    local ids = f.array_agg(User.id)
    refuse("ArgumentError", { "aggregate_order_by", "ordered" }, function() ids:aggregate_order_by() end)
    refuse("ArgumentError", { "aggregate_order_by", "function" }, function() User.id:aggregate_order_by(User.id) end)
    refuse("ArgumentError", { "aggregate_order_by", "one call" },
      function() f.array_agg(User.id):aggregate_order_by(User.id):aggregate_order_by(User.age) end)
    refuse("ArgumentError", { "aggregate_order_by", "ifnull" },
      function() mr.select(f.ifnull(User.id, 1):aggregate_order_by(User.id)):sql{ dialect = "postgresql" } end)
  end)
end)

describe("the frame of a window", function()
  local function frame(options)
    options.order_by = User.id
    return mr.select(f.sum(User.id):over(options):label "n")
  end

  local function has(words, options)
    local text = tostring(frame(options))
    assert(text:find("(ORDER BY user.id " .. words .. ")", 1, true), text)
    s:execute(frame(options)):all() -- SQLite takes it
  end

  it("counts rows, values and groups of equal values", function()
    for unit, word in pairs{ rows = "ROWS", range = "RANGE", groups = "GROUPS" } do
      has(word .. " BETWEEN 1 PRECEDING AND 2 FOLLOWING", { [unit] = { -1, 2 } })
      has(word .. " BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", { [unit] = { mr.null, 0 } })
    end
  end)

  it("has all bounds", function()
    has("ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", { rows = { 0, mr.null } })
    has("ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", { rows = { mr.null, mr.null } })
    has("ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING", { rows = { mr.null, -2 } })
    has("ROWS BETWEEN 3 PRECEDING AND 2 PRECEDING", { rows = { -3, -2 } })
    has("ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING", { rows = { 1, 2 } })
    has("RANGE BETWEEN 0.500000 PRECEDING AND 1.250000 FOLLOWING", { range = { -0.5, 1.25 } })
  end)

  it("leaves rows out", function()
    for word, sql in pairs{ current_row = "CURRENT ROW", group = "GROUP", ties = "TIES", no_others = "NO OTHERS" } do
      has("ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE " .. sql, { rows = { -1, 1 }, exclude = word })
    end
    w.gives("2; 4; 2", frame{ rows = { -1, 1 }, exclude = "current_row" })
  end)

  it("gives the sums that it says", function()
    w.gives("3; 6; 5", frame{ rows = { -1, 1 } })
    w.gives("1; 3; 6", frame{ rows = { mr.null, 0 } })
    w.gives("6; 5; 3", frame{ groups = { 0, mr.null } })
  end)

  it("is one frame that begins before it ends, of whole rows", function()
    refuse("ArgumentError", { "over", "rows", "range" },
      function() return frame{ rows = { 0, 1 }, range = { 0, 1 } } end)
    refuse("ArgumentError", { "over", "rows", "groups" },
      function() return frame{ rows = { 0, 1 }, groups = { 0, 1 } } end)
    refuse("ArgumentError", { "over", "ends before" }, function() return frame{ rows = { 2, 1 } } end)
    refuse("ArgumentError", { "over", "integers" }, function() return frame{ rows = { -0.5, 1 } } end)
    refuse("ArgumentError", { "over", "numbers" }, function() return frame{ range = { "1", 1 } } end)
    refuse("ArgumentError", { "over", "two ends" }, function() return frame{ rows = { 1, 2, 3 } } end)
    refuse("ArgumentError", { "over", "exclude", "ties" },
      function() return frame{ rows = { 0, 1 }, exclude = "tie" } end)
    refuse("ArgumentError", { "over", "exclude", "frame" }, function() return frame{ exclude = "ties" } end)
    refuse("ArgumentError", { "unknown option 'group'", "groups" }, function() return frame{ group = { 0, 1 } } end)
  end)
end)

describe("case with a value", function()
  it("compares it with each of the values", function()
    w.gives("A; B; ?", mr.select(mr.case{ { "ann", "A" }, { "bob", "B" }, value = User.name,
      else_ = "?" }):order_by(User.id),
      "SELECT CASE user.name WHEN ? THEN ? WHEN ? THEN ? ELSE ? END AS anon_1 FROM user ORDER BY user.id")
    w.gives("A; -; -", mr.select(mr.case({ { "ann", "A" } }, { value = User.name })):order_by(User.id))
  end)

  it("takes the values by name, in one order for equal tables", function()
    local a = mr.case({ bob = 2, ann = 1, cid = 3 }, { value = User.name, else_ = 0 })
    local b = mr.case({ cid = 3, ann = 1, bob = 2 }, { value = User.name, else_ = 0 })
    w.gives("1; 2; 3", mr.select(a):order_by(User.id))
    assert.equal(a:sql{ literals = true }, b:sql{ literals = true })
  end)

  it("compares expressions, and stands in an order", function()
    w.gives("cid; ann; bob", mr.select(User.name):order_by(mr.case{ { 3, 0 }, value = User.id, else_ = User.id }))
    w.gives("even; odd; even", mr.select(mr.case{ { 0, "odd" }, value = User.id % 2,
      else_ = "even" }):order_by(User.id))
    w.gives("1; -; -", mr.select(mr.case{ { Post.user_id, 1 }, value = User.id }):join_from(User, Post,
      Post.id:eq(1)):order_by(User.id))
  end)

  it("finds NULL, and booleans in every spelling", function()
    s:execute(mr.text "UPDATE user SET active = 't' WHERE id = 1")
    local q = mr.select(mr.case{ { true, "yes" }, { false, "no" }, { mr.null, "unknown" },
      value = User.active }):order_by(User.id)
    w.gives("yes; no; unknown", q)
    w.gives("-; -; none", mr.select(mr.case{ { mr.null, "none" }, value = User.age }):order_by(User.id))
    s:rollback()
  end)

  it("checks the values against the type of what they are compared with", function()
    refuse("ArgumentError", { "User.age", "integer" }, mr.case, { { "x", 1 }, value = User.age })
    refuse("ArgumentError", { "case", "{value, value}" }, mr.case, { "ann", value = User.name })
    refuse("ArgumentError", { "case" }, mr.case, { value = User.name })
    refuse("ArgumentError", { "case", "values by name" }, mr.case, { [true] = 1 }, { value = User.name })
  end)
end)

describe("is_distinct_from", function()
  it("counts NULL as a value", function()
    w.gives("bob; cid", mr.select(User.name):where(User.age:is_distinct_from(30)):order_by(User.id),
      "SELECT user.name FROM user WHERE user.age IS NOT ? ORDER BY user.id")
    w.gives("ann", mr.select(User.name):where(User.age:is_not_distinct_from(30)))
    w.gives("cid", mr.select(User.name):where(User.age:is_not_distinct_from(mr.null)))
    w.gives("ann; bob", mr.select(User.name):where(User.age:is_distinct_from(mr.null)):order_by(User.id))
    w.gives("ann; bob; cid", mr.select(User.name):where(User.age:is_not_distinct_from(User.age)):order_by(User.id))
  end)

  it("is negated, takes booleans in every spelling, and queries", function()
    w.gives("ann", mr.select(User.name):where(~User.age:is_distinct_from(30)))
    w.gives("bob; cid", mr.select(User.name):where(User.active:is_distinct_from(true)):order_by(User.id))
    local oldest = mr.select(f.max(User.age)):scalar_subquery()
    w.gives("bob; cid", mr.select(User.name):where(User.age:is_distinct_from(oldest)):order_by(User.id))
  end)

  it("has a word of its own on PostgreSQL, where is_ of a value needs it, too", function()
    local q = mr.select(User.id)
    w.on_postgresql('SELECT "user".id FROM "user" WHERE "user".age IS DISTINCT FROM $1',
      q:where(User.age:is_distinct_from(3)))
    w.on_postgresql('SELECT "user".id FROM "user" WHERE "user".age IS NOT DISTINCT FROM NULL',
      q:where(User.age:is_not_distinct_from(mr.null)))
    w.on_postgresql('SELECT "user".id FROM "user" WHERE "user".age IS NOT DISTINCT FROM "user".boss_id',
      q:where(User.age:is_(User.boss_id)))
    w.on_postgresql('SELECT "user".id FROM "user" WHERE "user".age IS DISTINCT FROM "user".boss_id',
      q:where(User.age:is_not(User.boss_id)))
    w.on_postgresql('SELECT "user".id FROM "user" WHERE "user".age IS NULL', q:where(User.age:is_(nil)))
  end)

  it("is evaluated in memory by an update", function()
    local users = s:query(User):order_by(User.id):all()
    local texts = w.sent(function()
      s:query(User):filter(User.age:is_distinct_from(30)):update{ name = "other" }
    end)
    assert.equal(1, #texts)
    assert.equal("ann other other", users[1].name .. " " .. users[2].name .. " " .. users[3].name)
    s:rollback()
  end)

  it("refuses nil, and a list", function()
    refuse("ArgumentError", { "User.age", "is_distinct_from(nil)", "mr.null" },
      function() return User.age:is_distinct_from(nil) end)
    refuse("ArgumentError", "User.age", function() return User.age:is_not_distinct_from{ 1, 2 } end)
  end)
end)

describe("a function of any name", function()
  it("is quoted where its name needs it", function()
    assert.equal('"my func"(?)', tostring(f["my func"](1)))
    assert.equal('"a""b"()', tostring(f['a"b']()))
    assert.equal("pg_catalog.lower(?)", tostring(f["pg_catalog.lower"]("x")))
    w.gives("ANN", mr.select(f["upper"](User.name)):where(User.id:eq(1)))
  end)

  it("has a name", function()
    refuse("ArgumentError", "a function's name", function() return f[""] end)
    refuse("ArgumentError", "a function's name", function() return f[1] end)
  end)
end)
