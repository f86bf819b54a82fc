-- INSERT ... ON CONFLICT for a partial index, which is named by its condition.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("index_where of on_conflict", function()
  local db, Item

  local function open(condition)
    db = mr.open "sqlite://"
    Item = db.Model:extend("Item", {
      id     = db.Column{ db.Integer, primary_key = true },
      email  = db.Column{ db.String(40) },
      state  = db.Column{ db.String(10) },
      active = db.Column{ db.Boolean },
      score  = db.Column{ db.Float },
    })
    db:create_all()
    db.session:execute(mr.text("CREATE UNIQUE INDEX ix ON item (email) WHERE " .. condition))
    db.session:commit()
  end

  local function upsert(criterion, values, score)
    local statement = mr.insert(Item):values(values)
      :on_conflict_do_update{ index_elements = { "email" }, index_where = criterion, set = { score = score } }
    db.session:execute(statement)
    return tostring(statement)
  end

  local cases = {
    { "active = 1", function() return Item.active:eq(true) end, { active = true },
      "ON CONFLICT (email) WHERE active = 1 DO UPDATE SET score = ?" },
    { "active = 1", function() return Item.active end, { active = true }, "WHERE active = 1 DO" },
    { "active = 0", function() return ~Item.active end, { active = false }, "WHERE active = 0 DO" },
    { "active", function() return mr.text "active" end, { active = true }, "WHERE active" },
    { "state = 'it''s'", function() return Item.state:eq "it's" end, { state = "it's" }, "WHERE state = 'it''s' DO" },
    { "state IN ('a', 'b')", function() return Item.state:in_{ "a", "b" } end, { state = "b" },
      "WHERE state IN ('a', 'b') DO" },
    { "score > 1.5", function() return Item.score:gt(1.5) end, { score = 2.0 }, "WHERE score > 1.5 DO" },
    { "state IS NULL", function() return Item.state:is_(nil) end, {}, "WHERE state IS NULL DO" },
    { "state <> 'x' AND active = 1", function() return Item.state:ne "x" & Item.active:eq(true) end,
      { state = "y", active = true }, "WHERE state != 'x' AND active = 1 DO" },
    { "state = 'a'", function() return mr.text "state = 'a'" end, { state = "a" }, "WHERE state = 'a' DO" },
  }
  for _, case in ipairs(cases) do
    it("finds the index WHERE " .. case[1], function()
      open(case[1])
      local values = { email = "e" }
      for name, value in pairs(case[3]) do values[name] = value end
      for round = 1, 2 do
        local sql = upsert(case[2](), values, 9.5)
        assert.truthy(sql:find(case[4], 1, true), sql)
        assert.equal(1, Item.query:count())
        if round == 2 then assert.equal(9.5, Item.query:one().score) end
      end
    end)
  end

  it("serves do_nothing", function()
    open "active = 1"
    local statement = mr.insert(Item):values{ email = "e", active = true }
      :on_conflict_do_nothing{ index_elements = { "email" }, index_where = Item.active:eq(true) }
    db.session:execute(statement)
    db.session:execute(statement)
    assert.equal(1, Item.query:count())
  end)

  it("is not taken for that of an equal statement with other values", function()
    open "state = 'a'"
    upsert(Item.state:eq "a", { email = "e", state = "a" }, 1)
    refuse("OperationalError", "ON CONFLICT clause does not match", upsert, Item.state:eq "b", { email = "e" }, 1)
  end)

  it("takes what can be written out, and goes with index_elements", function()
    open "active = 1"
    refuse("ArgumentError", "parameter 'x': a condition of an index takes no parameters",
      upsert, Item.state:eq(mr.bindparam "x"), { email = "e" }, 1)
    refuse("ArgumentError", "index_where goes with index_elements", function()
      mr.insert(Item):on_conflict_do_nothing{ index_where = Item.active:eq(true) }
    end)
    refuse("ArgumentError", "is written as mr.text here", upsert, Item.state:eq "a\0b", { email = "e" }, 1)
  end)
end)
