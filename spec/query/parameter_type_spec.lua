-- A named parameter without a type of its own stands for a value: it is checked and converted as a value is that is
-- written in its place, in a criterion, and in the values of a statement.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local UUID = "123e4567-e89b-12d3-a456-426614174000"

local function model()
  local db = mr.open "sqlite://"
  local T = db.Model:extend("T", {
    id    = db.Column{ db.Integer, primary_key = true },
    n     = db.Column{ db.Integer },
    small = db.Column{ db.SmallInteger },
    text  = db.Column{ db.String(3) },
    yes   = db.Column{ db.Boolean },
    at    = db.Column{ db.DateTime },
    unix  = db.Column{ db.DateTime{ storage = "unix" } },
    price = db.Column{ db.Numeric(4, 2) },
    level = db.Column{ db.Enum("low", "high", { storage = "position" }) },
    token = db.Column{ db.Uuid{ storage = "blob" } },
  })
  db:create_all()
  return db, T
end

-- Attribute, what finds its value in the row, what does not fit.
local CASES = {
  { "n", { 5, 5.0 }, { "5", 5.5, true } },
  { "text", { "abc" }, { 5 } },
  { "yes", { true }, { 1, "true" } },
  { "at", { "2024-02-29", "2024-02-29T00:00:00", mr.date(2024, 2, 29), mr.datetime(2024, 2, 29) }, { 5, "soon" } },
  { "unix", { "2024-02-29", mr.datetime(2024, 2, 29) }, { 1709164800, "soon" } },
  { "price", { "1.5", "1.50", mr.decimal "1.500" }, { 1.5, "x" } },
  { "level", { "high" }, { 1 } },
  { "token", { UUID, UUID:upper(), (UUID:gsub("-", "")) }, { "x" } },
}

describe("a named parameter has the type of what it stands beside", function()
  local db, T
  before_each(function()
    db, T = model()
    db.session:add(T{ n = 5, text = "abc", yes = true, at = "2024-02-29", unix = "2024-02-29", price = "1.5",
                      level = "high", token = UUID })
    db.session:commit()
  end)

  for _, case in ipairs(CASES) do
    local name, fits, wrong = table.unpack(case)
    it("in criteria with " .. name, function()
      local x, column = mr.bindparam "x", T[name]
      local list = mr.bindparam("x", { expanding = true })
      local criteria = { column:in_(list), column:eq(x), x:eq(column), column:in_{ x } }
      if name ~= "level" then criteria[#criteria + 1] = column:between(x, x) end -- this Enum has no order
      for i, criterion in ipairs(criteria) do
        local query = T.query:filter(criterion)
        local function count(value) return query:params{ x = i == 1 and { value } or value }:count() end
        for _, value in ipairs(fits) do assert.equal(1, count(value), name .. " " .. i .. " " .. tostring(value)) end
        for _, value in ipairs(wrong) do refuse("ArgumentError", "x: expected ", count, value) end
      end
      assert.equal(0, T.query:filter(column:ne(x)):params{ x = fits[1] }:count())
      assert.equal(0, T.query:filter(column:eq(x)):params{ x = mr.null }:count())
    end)

    it("in the values of statements that write " .. name, function()
      local x = mr.bindparam "x"
      local insert, update = mr.insert(T):values{ [name] = x }, mr.update(T):values{ [name] = x }
      local upsert = mr.insert(T):values{ id = 1 }:on_conflict_do_update{ index_elements = { "id" },
                                                                          set = { [name] = x } }
      for _, statement in ipairs{ insert, update, upsert } do
        for _, value in ipairs(wrong) do
          refuse("ArgumentError", "x: expected ", db.session.execute, db.session, statement, { x = value })
        end
        for _, value in ipairs(fits) do db.session:execute(statement, { x = value }) end
      end
      local values = {}
      for _, row in ipairs(T.query:all()) do values[tostring(row[name])] = true end
      assert.is_nil(next(values, next(values)))
      assert.equal(1 + #fits, T.query:filter(T[name]:eq(fits[1])):count())
    end)
  end

  it("also the limits of the column that it is written into", function()
    local function write(name, value)
      db.session:execute(mr.insert(T):values{ [name] = mr.bindparam "x" }, { x = value })
    end
    refuse("DataError", "x: integer 70000 is outside of -32768 to 32767", write, "small", 70000)
    refuse("DataError", "too long for String(3)", write, "text", "abcd")
    refuse("DataError", 'x: string "" is not a choice of Enum', write, "level", "")
    refuse("ArgumentError", "x: decimal 1000 has more digits", write, "price", 1000)
    assert.equal(1, T.query:filter(T.text:ne(mr.bindparam "x")):params{ x = "abcd" }:count()) -- nothing is written
  end)

  it("and another one, if it is said", function()
    local sum = T.query:filter((T.n + mr.bindparam "x"):gt(mr.bindparam("y", mr.Float)))
    assert.equal(1, sum:params{ x = 0.5, y = 5.25 }:count())
  end)
end)
