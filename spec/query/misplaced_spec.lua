-- What stands where SQL has no place for it: orders, DISTINCT, queries of several columns. And SQLite's own errors of
-- that kind, which say what to do.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, User, Post, s, f

setup(function()
  w = select_support.open()
  User, Post, s, f = w.User, w.Post, w.session, mr.func
end)
teardown(function() s:remove() end)

describe("an order", function()
  it("has one direction and one place for NULL, said in any order", function()
    local ordered = "SELECT user.name FROM user ORDER BY user.age DESC NULLS LAST"
    w.gives("ann; bob; cid", mr.select(User.name):order_by(User.age:desc():nulls_last()), ordered)
    w.gives("ann; bob; cid", mr.select(User.name):order_by(User.age:nulls_last():desc()), ordered)
    w.gives("cid; bob; ann", mr.select(User.name):order_by(mr.asc(User.age:nulls_first())),
      "SELECT user.name FROM user ORDER BY user.age ASC NULLS FIRST")
    w.gives("ann; bob; cid", mr.select(User.name):order_by(mr.desc(mr.nulls_last "age")))
  end)

  it("says each of them once", function()
    for _, twice in ipairs{ { "nulls_last", "nulls_last" }, { "nulls_first", "nulls_last" } } do
      refuse("ArgumentError", { twice[2] .. ": User.age", "where NULL stands", "say it once" },
        function() return User.age[twice[1]](User.age)[twice[2]](User.age[twice[1]](User.age)) end)
    end
    for _, twice in ipairs{ { "desc", "desc" }, { "asc", "desc" }, { "desc", "asc" } } do
      local once = User.age[twice[1]](User.age)
      refuse("ArgumentError", { twice[2] .. ": User.age", "its direction", "say it once" },
        function() return once[twice[2]](once) end)
      refuse("ArgumentError", { twice[2], "its direction" },
        function() return once[twice[2]](once:nulls_last()) end)
    end
  end)

  it("is no value", function()
    local down = User.age:desc()
    for name, query in pairs{
      filter = mr.select(User.id):where(down), compared = mr.select(User.id):where(down:eq(1)),
      sum = mr.select(down + 1), column = mr.select(down), label = mr.select(down:label "x"),
      group = mr.select(User.age):group_by(down), call = mr.select(f.max(down)), cast = mr.select(down:cast(mr.Text)),
      between = mr.select(User.id):where(User.age:between(down, 1)),
      case = mr.select(mr.case{ { User.age:gt(1), down } }),
      collated = mr.select(User.id):order_by(down:collate "NOCASE"),
      summed = mr.select(User.id):order_by(down + 1),
      inner = mr.select(f.rank():over{ order_by = f.abs(down) }),
      partition = mr.select(f.rank():over{ partition_by = down }),
    } do
      local words = { "desc() makes an order", "order_by" }
      local e = refuse("ArgumentError", words, function() return s:execute(query):all() end)
      assert.is_nil(e.orig, name)
    end
    refuse("ArgumentError", "nulls_first() makes an order",
      function() return tostring(mr.select(User.age:nulls_first())) end)
    refuse("ArgumentError", "asc() makes an order",
      function() return mr.update(User):values{ age = User.age:asc() }:sql() end)
  end)

  it("stands in windows and groups", function()
    local rank = f.rank():over{ order_by = { User.age:desc():nulls_last(), User.id } }
    w.gives("ann 1; bob 2; cid 3", mr.select(User.name, rank):order_by(User.id))
    w.on_postgresql(
      'SELECT percentile_cont($1) WITHIN GROUP (ORDER BY "user".age DESC NULLS LAST) AS anon_1 FROM "user"',
      mr.select(f.percentile_cont(0.5):within_group(User.age:nulls_last():desc())))
  end)
end)

describe("distinct()", function()
  it("stands before a function's or a query's first item", function()
    w.gives("2", mr.select(f.count(User.age:distinct())))
    w.gives("1; 2", mr.select(Post.user_id:distinct():label "u"):order_by(Post.user_id))
    for _, query in ipairs{ mr.select(User.id):where(User.age:distinct():eq(1)),
      mr.select(User.id, User.age:distinct()),
      mr.select(User.id):order_by(User.age:distinct()), mr.select(f.coalesce(User.id, User.age:distinct())),
      mr.select(User.age:distinct() + 1), mr.select(f.abs(f.abs(1) + User.age:distinct())) } do
      refuse("ArgumentError", { "distinct() is for the first argument", "query:distinct()" },
        function() return s:execute(query):all() end)
    end
  end)
end)

describe("a query that is compared", function()
  it("has as many columns as what it is compared with", function()
    local one, two = mr.select(User.id), mr.select(User.id, User.age)
    local pair = mr.tuple_(User.id, User.age)
    for words, criterion in pairs{
      ["2 columns is compared with 1 value"] = User.id:in_(two), ["1 column is compared with 2 values"] = pair:in_(one),
      ["2 columns is compared with 1 value:"] = User.id:eq(two:scalar_subquery()),
      ["1 column is compared with 2 values:"] = pair:ne(one:scalar_subquery()),
      ["2 columns is compared"] = User.id:not_in(two), ["2 columns is compared with "] = User.id:in_(two:union(two)),
    } do
      refuse("ArgumentError", { words, "with_only_columns" },
        function() return s:execute(mr.select(User.name):where(criterion)):all() end)
    end
    w.gives("ann; bob", mr.select(User.name):where(pair:in_(two)))
    w.gives("ann", mr.select(User.name):where(pair:eq(two:where(User.id:eq(1)):correlate(mr.null):scalar_subquery())))
    w.gives("ann; bob; cid", mr.select(User.name):where(User.id:in_(mr.select(mr.text "id"):select_from(User))))
  end)
end)

describe("SQLite's error", function()
  local many = {}
  for i = 1, 200 do many[i] = i end
  local cases = {
    ["call it for parts"] = function() return mr.select(f.max(table.unpack(many))) end,
    ["mr.func passes on"] = function() return mr.select(f.abs(1, 2)) end,
    ["engine:create_function"] = function() return mr.select(f.no_such(1)) end,
    ["engine:create_collation"] = function() return mr.select(User.id):order_by(User.name:collate "XX") end,
    ["ask it by having"] = function() return mr.select(User.id):where(f.count():gt(1)) end,
    ["with over{ ... }"] = function() return mr.select(f.rank()) end,
    ["in a query around"] = function() return mr.select(User.id):where(f.rank():over{ order_by = User.id }:eq(1)) end,
    ["that are no aggregates"] = function() return mr.select(f.count()):select_from(User):group_by(f.count()) end,
    ["rows are chosen by where()"] = function() return mr.select(User.id):having(User.id:gt(1)) end,
    ["filter() is for aggregates: rows"] = function() return mr.select(f.upper(User.name):filter(User.id:gt(1))) end,
    ["over{ ... } is for aggregates"] = function() return mr.select(f.upper(User.name):over()) end,
    ["with group_by"] = function() return mr.select(f.count(User.age:distinct()):over()) end,
    ["in a subquery with distinct()"] = function()
      return mr.select(f.group_concat(User.name:distinct(), User.name))
    end,
    ["the value of one column"] = function() return mr.select(f.sum(User.age):over{ range = { -1, 1 } }) end,
    ["name the columns one by one"] = function() return mr.select(mr.tuple_(User.id, User.age)) end,
    ["which column is meant"] = function()
      return mr.select(f.abs(mr.select(User.id, User.age):scalar_subquery()))
    end,
    ["tables of FTS5"] = function() return mr.select(User.id):where(User.name:match "x") end,
    ["json_valid"] = function() return mr.select(mr.literal("{", mr.Text):at "a") end,
    ["mr.aliased(Class)"] = function()
      local a, b = mr.aliased(User, { name = "x" }), mr.aliased(Post, { name = "x" })
      return mr.select(a.id, b.id)
    end,
  }

  it("is followed by what to do", function()
    for words, make in pairs(cases) do
      local e = refuse("OperationalError", { "(sqlite) ", words }, function() return s:execute(make()):all() end)
      assert.is_truthy(e.orig, words)
    end
  end)
end)
