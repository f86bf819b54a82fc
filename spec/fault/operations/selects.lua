-- Selects of many kinds: unions and joins that stand alone, lists and defaults of parameters, windows, rows of values
-- and of functions, texts with columns, EXISTS that is built, JSON, regular expressions.

local mr = require "moonrow"
local model = dofile "spec/fault/operations/model.lua"

return {
  setup = function() return model(4) end,
  run = function(c)
    local User, session, f = c.User, c.db.session, mr.func
    local function all(q, params) return #session:execute(q, params):all() end
    local Other = mr.aliased(User)
    local listed = mr.select(User.id):where(User.id:in_(mr.bindparam "ids"))
    local v = mr.values({ mr.column("id", mr.Integer), mr.column("word", mr.String) }, { { 1, "a" }, { 2, "b" } })
    local each = f.json_each '["x", "y"]':table_valued("key", "value")
    c.counts = {
      all(mr.union(mr.select(User), mr.select(User)):order_by(User.id:desc()):limit(3)),
      all(mr.union(mr.union(mr.select(User.id), listed), mr.select(mr.literal(9))), { ids = { 1, 2 } }),
      all(mr.select(User.name, Other.name):select_from(mr.join(User, Other, Other.id:eq(User.id)))),
      all(mr.select(User.name):where(User.id:gt(mr.bindparam("low", { value = 2 })))),
      all(mr.select(User.id, f.count():filter(User.id:gt(1)):over{ order_by = User.id, groups = { -1, mr.null } })),
      all(mr.select(User.id, v.c.word):join(v, v.c.id:eq(User.id))),
      all(mr.select(each.c.value):where(each.c.key:is_distinct_from(mr.null))),
      all(mr.text "SELECT id, name FROM user WHERE id < :n":columns(User.id, User.name), { n = 4 }),
      all(mr.select(User.id):where(mr.exists():where(Other.id:eq(User.id), Other.id:gt(1)):correlate_except(Other))),
      all(mr.select(User.id):where(mr.literal '{"n": [1, 2]}':at("n", -1):eq(2), User.name:regexp_match "^user [12]$")),
      all(mr.select(mr.case{ { 1, "one" }, value = User.id, else_ = "more" }):order_by(User.id):slice(2, 3)),
      all(mr.select(f.regexp_replace(User.name, "(u)", "\\1\\1", "g")):select_from(User)),
    }
  end,
  check = function(c)
    assert(table.concat(c.counts, " ") == "3 5 4 2 4 2 2 3 3 2 2 4", table.concat(c.counts, " "))
  end,
}
