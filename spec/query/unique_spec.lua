-- result:unique(): of rows that are alike the first one is given, as in SQLAlchemy's Result.unique.
-- (Cf. SQLAlchemy's test/base/test_result.py and test/orm/test_core_compilation.py on unique filters.)

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("unique", function()
  local db, Item, session

  before_each(function()
    db = mr.open "sqlite://"
    Item = db.Model:extend("Item", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
      day = db.Column{ db.Date },
      price = db.Column{ db.Numeric(8, 2) },
      size = db.Column{ db.Float },
    })
    db:create_all()
    session = db.session
    local days = { mr.date(2026, 1, 2), mr.date(2026, 1, 3) }
    for i = 1, 6 do
      session:add(Item{ id = i, name = i < 4 and "a" or nil, day = days[i % 2 + 1],
        price = mr.decimal(i % 3 == 0 and "1.50" or "2.00"), size = i % 2 == 0 and 1.0 or 2.5 })
    end
    session:commit()
  end)

  local function rows(...)
    return session:execute(mr.select(...):order_by(Item.id))
  end

  it("gives each value once, in the order of the rows", function()
    assert.same({ "a", mr.null }, { table.unpack(rows(Item.name):scalars():unique():all()) })
    assert.same({ "2026-01-03", "2026-01-02" }, (function()
      local out = {}
      for _, day in ipairs(rows(Item.day):unique():scalars():all()) do out[#out + 1] = tostring(day) end
      return out
    end)())
    assert.equal(2, #rows(Item.price):scalars():unique():all())
    assert.equal(2, #rows(Item.size):scalars():unique():all())
  end)

  it("gives each row once: two are alike if all of their values are", function()
    local found = {}
    for row in rows(Item.name, Item.day):unique():iter() do
      found[#found + 1] = tostring(row.name) .. " " .. tostring(row.day)
    end
    assert.same({ "a 2026-01-03", "a 2026-01-02", "nil 2026-01-02", "nil 2026-01-03" }, found)
    assert.equal(6, #rows(Item.name, Item.day):all())
    assert.equal(4, #rows(Item.name, Item.day):unique():mappings():all())
    assert.equal(2, #rows(Item.id, Item.name, Item.day):columns("name"):unique():all())
  end)

  it("gives an object once, also where a join repeats it", function()
    local other = mr.aliased(Item)
    local statement = mr.select(Item):join_from(Item, other, other.name:eq(Item.name)):order_by(Item.id)
    assert.equal(9, #session:execute(statement):all())
    local items = session:execute(statement):unique():scalars():all()
    assert.equal(3, #items)
    assert.equal(session:get(Item, 1), items[1])
  end)

  it("is about the whole result, however it is read", function()
    local result = rows(Item.name):unique()
    assert.equal("a", result:fetchone().name)
    assert.same({}, { table.unpack(result:fetchmany(0)) })
    assert.equal(1, #result:fetchmany(10))
    assert.is_nil(result:fetchone())
    assert.equal("a", session:execute(mr.select(Item.name):where(Item.id:lt(4))):unique():scalar_one())
    local sizes = {}
    for part in rows(Item.size, Item.name):unique():partitions(3) do sizes[#sizes + 1] = #part end
    assert.same({ 3, 1 }, sizes)
  end)

  it("asks a function what is alike", function()
    local calls = 0
    local found = rows(Item.id):scalars():unique(function(id)
      calls = calls + 1
      return id // 2
    end):all()
    assert.same({ 1, 2, 4, 6 }, { table.unpack(found) })
    assert.equal(6, calls)
    assert.equal(1, #rows(Item.id):unique(function() end):all())
    local callable = setmetatable({}, { __call = function(_, row) return row.name end })
    assert.equal(2, #rows(Item.id, Item.name):unique(callable):all())
  end)

  it("passes an error of the function on, and the session serves on", function()
    local ok, e = pcall(function()
      return rows(Item.id):unique(function() error("no key", 0) end):all()
    end)
    assert.is_false(ok)
    assert.equal("no key", e)
    assert.equal(6, session:query(Item):count())
    refuse("ArgumentError", { "unique", "a function" }, function() return rows(Item.id):unique(3) end)
  end)

  it("tells texts from dates and numbers that look like them", function()
    local both = mr.union_all(mr.select(mr.literal "2026-01-02":label "x"), mr.select(mr.literal(1):label "x"),
      mr.select(mr.literal "1":label "x"), mr.select(mr.literal(1.0):label "x"))
    assert.equal(3, #session:execute(both):scalars():unique():all())
  end)

  it("gives nothing where there is nothing", function()
    local result = session:execute(mr.select(Item.id):where(Item.id:lt(0))):unique()
    assert.equal(0, #result:all())
    assert.equal(0, #result:all())
  end)
end)
