-- The order of the choices of an Enum that is stored by position, or in other forms that sort as its choices do: that
-- of their declaration, in <, <=, >, >=, between, order_by, min and max.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local FORMS = {
  { "its position", { storage = "position" } },
  { "its position from 1 on", { storage = "position", first = 1 } },
  { "numbers that rise", { storage = { low = -5, mid = 0, high = 70 } } },
  { "words that sort as the choices do", { storage = { low = "a", mid = "b", high = "c" } } },
}
local LEVELS = { "low", "mid", "high" }

local function model(options)
  local db = mr.open "sqlite://"
  local Row = db.Model:extend("Row", {
    id = db.Column{ db.Integer, primary_key = true },
    level = db.Column{ db.Enum("low", "mid", "high", options) },
    least = db.Column{ db.Enum("low", "mid", "high", options) },
  })
  db:create_all()
  for i, level in ipairs(LEVELS) do db.session:add(Row{ id = i, level = level, least = "mid" }) end
  db.session:add(Row{ id = 4 })
  db.session:commit()
  return db, Row
end

local function ids(query)
  local list = {}
  for i, row in ipairs(query:all()) do list[i] = row.id end
  table.sort(list)
  return table.concat(list, " ")
end

for _, form in ipairs(FORMS) do
  describe("an Enum stored by " .. form[1], function()
    it("is compared by the order of its choices", function()
      local _, Row = model(form[2])
      assert.equal("1", ids(Row.query:filter(Row.level:lt "mid")))
      assert.equal("1 2", ids(Row.query:filter(Row.level:le "mid")))
      assert.equal("3", ids(Row.query:filter(Row.level:gt "mid")))
      assert.equal("2 3", ids(Row.query:filter(Row.level:ge "mid")))
      assert.equal("", ids(Row.query:filter(Row.level:lt "low")))
      assert.equal("1 2", ids(Row.query:filter(Row.level:between("low", "mid"))))
      assert.equal("3", ids(Row.query:filter(mr.not_(Row.level:between("low", "mid")))))
      assert.equal("1", ids(Row.query:filter(mr.not_(Row.level:ge "mid"))))
    end)

    it("is so by a parameter, an alias, a literal on the left, and beside another column", function()
      local _, Row = model(form[2])
      assert.equal("3", ids(Row.query:filter(Row.level:gt(mr.bindparam "x")):params{ x = "mid" }))
      assert.equal("1", ids(Row.query:filter(Row.level:lt(Row.least))))
      assert.equal("2 3", ids(Row.query:filter(Row.level:between(Row.least, "high"))))
      assert.equal("1 2", ids(Row.query:filter(mr.literal("high", Row.level.type):gt(Row.level))))
      local alias = mr.aliased(Row)
      local found = Row.query:join(alias, alias.id:eq(Row.id)):filter(alias.level:gt "low"):count()
      assert.equal(2, found)
    end)

    it("is ordered, and has a least and a greatest value", function()
      local db, Row = model(form[2])
      local list = mr.select(Row.level):where(Row.level:is_not(nil)):order_by(Row.level:desc())
      assert.same({ "high", "mid", "low" }, db.session:execute(list):scalars():all())
      assert.equal("low", db.session:query(mr.func.min(Row.level)):scalar())
      assert.equal("high", db.session:query(mr.func.max(Row.level)):scalar())
    end)

    it("is written by an UPDATE and a DELETE with such a criterion", function()
      local _, Row = model(form[2])
      assert.equal(2, Row.query:filter(Row.level:lt "high"):update{ least = "low" })
      assert.equal(2, Row.query:filter_by{ least = "low" }:count())
      assert.equal(1, Row.query:filter(Row.level:gt "mid"):delete())
    end)

    it("has no place for a text that is no choice, which is equal to nothing", function()
      local _, Row = model(form[2])
      local words = 'string "medium" is not a choice of Enum(low'
      for _, criterion in ipairs{ Row.level:lt "medium", Row.level:ge "medium", Row.level:between("low", "medium"),
        Row.level:between("medium", "high") } do
        refuse("ArgumentError", words, function() Row.query:filter(criterion):all() end)
      end
      assert.equal(0, Row.query:filter(Row.level:eq "medium"):count())
    end)
  end)
end

it("an Enum whose forms sort in another order is refused by < and between, too, on each database", function()
  local _, Row = model{ storage = { low = "z", mid = "b", high = "c" } }
  for _, criterion in ipairs{ Row.level:lt "high", Row.level:between("low", "mid"), mr.literal "low":lt(Row.level) } do
    refuse("ArgumentError", "has no order in the database", function() Row.query:filter(criterion):all() end)
  end
end)
