-- Functions that the databases call by other names, or that one of them has not: what SQLite and PostgreSQL are told,
-- what SQLite finds, and the cure where it has none.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, User, f, s

setup(function()
  w = select_support.open()
  User, f, s = w.User, mr.func, w.session
end)
teardown(function() s:remove() end)

-- How each database is told.
local function forms(x)
  local q = mr.select(x:label "x")
  return q:sql{ dialect = "sqlite" }:match "SELECT (.-) AS x", q:sql{ dialect = "postgresql" }:match "SELECT (.-) AS x"
end

local function value(x) return s:scalar(mr.select(x)) end

describe("a function of another name", function()
  it("is spelled for each database", function()
    local cases = {
      { f.now(), "CURRENT_TIMESTAMP", "now()" },
      { f.current_date(), "CURRENT_DATE", "CURRENT_DATE" },
      { f.current_time(), "CURRENT_TIME", "CURRENT_TIME" },
      { f.current_timestamp(), "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP" },
      { f.localtime(), "time(CURRENT_TIMESTAMP, 'localtime')", "LOCALTIME" },
      { f.localtimestamp(), "datetime(CURRENT_TIMESTAMP, 'localtime')", "LOCALTIMESTAMP" },
      { f.user(), "user()", "USER" },
      { f.current_user(), "current_user()", "CURRENT_USER" },
      { f.session_user(), "session_user()", "SESSION_USER" },
      { f.random(), "random()", "random()" },
      { f.char_length(User.name), "length(user.name)", 'char_length("user".name)' },
      { f.length(User.name), "length(user.name)", 'length("user".name)' },
      { f.octet_length(User.name), "length(CAST(user.name AS BLOB))", 'octet_length("user".name)' },
      { f.coalesce(User.age, 0), "coalesce(user.age, ?)", 'coalesce("user".age, $1)' },
      { f.ifnull(User.age, 0), "ifnull(user.age, ?)", 'coalesce("user".age, $1)' },
      { f.concat(User.name, "-", User.age), "(coalesce(user.name, '') || coalesce(?, '') || coalesce(user.age, ''))",
        'concat("user".name, $1, "user".age)' },
      { f.concat(User.age), "(coalesce(user.age, '') || '')", 'concat("user".age)' },
      { f.concat_ws("-", User.name, User.age),
        "substr(coalesce(? || user.name, '') || coalesce(? || user.age, ''), length(?) + 1)",
        'concat_ws($1, "user".name, "user".age)' },
      { f.greatest(User.age, User.id), "max(coalesce(user.age, user.id), coalesce(user.id, user.age))",
        'greatest("user".age, "user".id)' },
      { f.least(User.age, User.id), "min(coalesce(user.age, user.id), coalesce(user.id, user.age))",
        'least("user".age, "user".id)' },
      { f.greatest(User.age), "(user.age)", 'greatest("user".age)' },
      { f.aggregate_strings(User.name, ","), "group_concat(user.name, ?)", 'string_agg("user".name, $1)' },
      { f.string_agg(User.name), "group_concat(user.name)", "string_agg(\"user\".name, ',')" },
      { f.string_agg(User.name:distinct()), "group_concat(DISTINCT user.name)",
        "string_agg(DISTINCT \"user\".name, ',')" },
      { f.string_agg(User.name:distinct(), "+"), "replace(replace(replace(group_concat(DISTINCT "
        .. "replace(replace(user.name, '~', '~0'), ',', '~1')), ',', replace(replace(?, '~', '~0'), ',', '~1')), "
        .. "'~1', ','), '~0', '~')",
        'string_agg(DISTINCT "user".name, $1)' },
      { f.left(User.name, 2), '"left"(user.name, ?)', 'left("user".name, $1)' },
    }
    for i, case in ipairs(cases) do
      local sqlite, postgresql = forms(case[1])
      assert.same({ case[2], case[3] }, { sqlite, postgresql }, i)
    end
  end)

  it("groups by cube, rollup and grouping sets on PostgreSQL", function()
    local q = mr.select(User.name, f.count())
    w.on_postgresql('SELECT "user".name, count(*) AS count_1 FROM "user" GROUP BY cube("user".name, "user".age)',
      q:group_by(f.cube(User.name, User.age)))
    w.on_postgresql('SELECT "user".name, count(*) AS count_1 FROM "user" GROUP BY rollup("user".name)',
      q:group_by(f.rollup(User.name)))
    w.on_postgresql('SELECT "user".name, count(*) AS count_1 FROM "user" ' ..
      'GROUP BY GROUPING SETS(("user".name, "user".age), "user".name)',
      q:group_by(f.grouping_sets(mr.tuple_(User.name, User.age), User.name)))
  end)

  it("has the type of its values", function()
    local types = { DateTime = { f.now(), f.localtimestamp() }, Time = { f.localtime() }, Date = { f.current_date() },
      Integer = { f.greatest(User.age, 1), f.least(User.id, User.age), f.char_length "a" },
      String = { f.user(), f.concat("a", 1), f.concat_ws("-", "a"), f.aggregate_strings(User.name, ",") } }
    for name, calls in pairs(types) do
      for _, call in ipairs(calls) do assert.equal(name, tostring(call.type)) end
    end
    assert.is_number(value(f.localtimestamp()).year)
    assert.is_number(value(f.localtime()).hour)
  end)
end)

describe("a function that passes over NULL", function()
  it("is concat, which takes it for nothing, and concat_ws, which leaves it out", function()
    local none = User.age
    local function of_cid(...)
      return s:execute(mr.select(...):where(User.id:eq(3))):one():unpack()
    end
    assert.same({ "cid-", "", "3", "cid", "", "cid--x" }, { of_cid(f.concat(User.name, "-", none), f.concat(none),
      f.concat(User.id), f.concat_ws("-", none, User.name, none), f.concat_ws("-", none),
      f.concat_ws("-", User.name, "", "x")) })
    assert.is_nil((of_cid(f.concat_ws(User.name .. mr.cast(none, mr.Text), "a", "b"))))
    assert.same({ "cid4", "cidé, é" },
      { of_cid(f.concat_ws("", User.name, User.id + 1), f.concat_ws("é, ", User.name, "é")) })
  end)

  it("is greatest, and least", function()
    w.gives("ann 30 1; bob 20 2; cid 3 3",
      mr.select(User.name, f.greatest(User.age, User.id), f.least(User.id, User.age)):order_by(User.id))
    w.gives("- - 7", mr.select(f.greatest(User.age, User.boss_id - 1 + User.age), f.least(User.age),
      f.greatest(User.age, User.id, 7)):where(User.id:eq(3)))
    w.gives("ann", mr.select(User.name):where(f.greatest(User.age, 25, User.id):gt(25)))
  end)
end)

describe("on SQLite", function()
  it("max and min of several values are NULL if one is, and PostgreSQL has greatest and least", function()
    w.gives("30; 20; -", mr.select(f.max(User.age, User.id)):order_by(User.id))
    refuse("ArgumentError", { "max of several values", "mr.func.greatest" },
      function() return mr.select(f.max(User.age, 1)):sql{ dialect = "postgresql" } end)
    refuse("ArgumentError", { "min of several values", "mr.func.least" },
      function() return mr.select(f.min(User.age, 1)):sql{ dialect = "postgresql" } end)
  end)

  it("greatest compares decimals as numbers", function()
    local db = mr.open "sqlite://"
    local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      price = db.Column{ db.Numeric(10, 2) }, low = db.Column{ db.Numeric(10, 2) } })
    db:create_all()
    db.session:add_all{ Item{ price = "9", low = "10" }, Item{ price = "100" } }
    db.session:flush()
    local found = db.session:scalars(mr.select(f.greatest(Item.price, Item.low, mr.decimal "9.5")):order_by(Item.id))
    assert.equal("{10.00, 100.00}", tostring(found:all()))
    assert.equal("{9.00, 9.5}",
      tostring(db.session:scalars(mr.select(f.least(Item.price, mr.decimal "9.5")):order_by(Item.id)):all()))
    db.session:rollback()
    db.session:remove()
  end)

  it("string_agg has DISTINCT with any text between the values, whatever they contain", function()
    local texts = { "a,b", "~0~1", "a,b", "z", "", "~", "~1", "z", "," }
    local rows = {}
    for i, text in ipairs(texts) do rows[i] = { i, text } end
    local v = mr.values({ mr.column("i", mr.Integer), mr.column("s", mr.String) }, rows, { name = "v" })
    for _, separator in ipairs{ "+", ",", "~1,", "", "~0", "\n", "'" } do
      for _, name in ipairs{ "string_agg", "group_concat", "aggregate_strings" } do
        local x = f[name](v.c.s:distinct(), separator)
        assert.equal(table.concat({ "a,b", "~0~1", "z", "", "~", "~1", "," }, separator), s:scalar(mr.select(x)))
        assert.equal(table.concat({ "z", "", "~", "~1", "," }, separator),
          s:scalar(mr.select(x:filter(v.c.i:gt(3)))))
      end
    end
    assert.equal(mr.null, s:execute(mr.select(f.string_agg(v.c.s:distinct(), "+")):where(v.c.i:gt(99))):first()[1]
      or mr.null)
    assert.equal("a,b", s:scalar(mr.select(f.string_agg(v.c.s:distinct())):where(v.c.i:in_{ 1, 3 })))
    assert.equal("10+20", s:scalar(mr.select(f.string_agg((v.c.i * 0 + 10 + v.c.i % 2 * 10):distinct(), "+"))
      :where(v.c.i:in_{ 2, 3, 4 })))
    local other = mr.values({ mr.column("s", mr.String) }, { { "a" }, { "A" }, { "b" } }, { name = "v" })
    assert.equal("a+b", s:scalar(mr.select(f.string_agg(other.c.s:collate "NOCASE":distinct(), "+"))))
  end)

  it("string_agg has no DISTINCT with a column between the values", function()
    local v = mr.values({ mr.column("s", mr.String) }, { { "a" }, { "b" } }, { name = "v" })
    refuse("OperationalError", { "DISTINCT", "in a subquery with distinct()" },
      function() s:execute(mr.select(f.string_agg(v.c.s:distinct(), v.c.s))) end)
    local different = mr.select(v.c.s):distinct():order_by(v.c.s:desc()):subquery()
    assert.equal("b+a", s:scalar(mr.select(f.string_agg(different.c.s, "+"))))
  end)

  it("a function that it has not is refused with what it has", function()
    local cases = {
      { f.cube(User.age), "mr.union_all" }, { f.rollup(User.age), "mr.union_all" },
      { f.grouping_sets(User.age), "mr.union_all" }, { f.grouping(User.age), "mr.union_all" },
      { f.user(), "no users" }, { f.current_user(), "no users" }, { f.session_user(), "no users" },
      { f.sysdate(), "mr.func.now()" }, { f.next_value "x", "no sequences" }, { f.nextval "x", "no sequences" },
      { f.array_agg(User.age), "json_group_array" }, { f.bool_and(User.active), "mr.func.min(x)" },
      { f.left(User.name, 1), "substr(x, 1, n)" }, { f.right(User.name, 1), "substr(x, -n)" },
      { f.strpos(User.name, "a"), "instr" }, { f.date_trunc("month", f.now()), "strftime" },
      { f.to_char(f.now(), "YYYY"), "strftime" }, { f.date_part("year", f.now()), "mr.extract" },
      { f.initcap(User.name), "engine:create_function" },
    }
    for _, case in ipairs(cases) do
      refuse("OperationalError", { "no such function", case[2] }, function() value(case[1]) end)
    end
    for _, name in ipairs{ "mode", "percentile_cont", "percentile_disc" } do
      refuse("ArgumentError", { "within_group", "sqlite", "row_number()" },
        function() value(f[name]():within_group(User.age)) end)
    end
    assert.equal(3, s:scalar(mr.select(f.count(User.id))))
  end)

  it("the program may bring it", function()
    local db = mr.open "sqlite://"
    db.engine:create_function("current_user", function() return "me" end)
    db.engine:create_function("left", function(text, n) return text:sub(1, n) end)
    assert.equal("me", db.session:scalar(mr.select(f.current_user())))
    assert.equal("ab", db.session:scalar(mr.select(f.left("abc", 2))))
    db.session:remove()
  end)
end)
