-- Hybrids and composites in the rows of statements: of one row, of lists of rows, of execute and of values.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("a hybrid or a composite in a row of a statement", function()
  local db, s, Person

  local Point = setmetatable({}, { __call = function(class, x, y) return setmetatable({ x = x, y = y }, class) end })
  Point.__index = Point
  function Point:__composite_values() return self.x, self.y end

  before_each(function()
    db = mr.open "sqlite://"
    s = db.session
    Person = db.Model:extend("Person", {
      id = db.Column{ db.Integer, primary_key = true },
      first = db.Column{ db.String }, last = db.Column{ db.String },
      x = db.Column{ db.Integer }, y = db.Column{ db.Integer },
      at = mr.composite(Point, "x", "y"),
      nick = mr.hybrid(function(self) return self.first end),
      name = mr.hybrid{ get = function(self) return self.first .. " " .. self.last end,
        update_expr = function(_, value) return { nick = value:match "^%S+", last = value:match "%S+$" } end },
    })
    db:create_all()
  end)

  local function all()
    local found = {}
    for i, p in ipairs(Person.query:order_by(Person.id):all()) do
      found[i] = ("%s %s %s %s"):format(p.first, p.last, p.x, p.y)
    end
    return found
  end

  local rows = { { name = "Ann Bee", at = Point(1, 2) }, { name = "Bob Cod", at = Point(3, 4) },
    { nick = "Cy", at = mr.null }, { first = "Di", y = 5 } }
  local wanted = { "Ann Bee 1 2", "Bob Cod 3 4", "Cy nil nil nil", "Di nil nil 5" }

  it("is written as its columns, for each row of a list", function()
    s:execute(mr.insert(Person), rows)
    assert.same(wanted, all())
    assert.same({ name = "Ann Bee", at = rows[1].at }, rows[1])
  end)

  it("is written in one statement where the rows are alike", function()
    assert.equal(1, #db:record(function() s:execute(mr.insert(Person):values{ rows[1], rows[2] }) end))
    local names = s:execute(mr.insert(Person):returning(Person.first), { rows[1], rows[2] }):scalars():all()
    assert.same({ "Ann", "Bob" }, { names[1], names[2] })
    assert.same({ wanted[1], wanted[2], wanted[1], wanted[2] }, all())
  end)

  it("is written for one row that execute is given", function()
    s:execute(mr.insert(Person), rows[1])
    assert.same({ wanted[1] }, all())
  end)

  it("is written by an update for each row", function()
    s:execute(mr.insert(Person), { { first = "a" }, { first = "b" } })
    s:execute(mr.update(Person), { { id = 1, name = "Ann Bee", at = Point(1, 2) },
      { id = 2, name = "Bob Cod", at = Point(3, 4) } })
    s:expire_all()
    assert.same({ wanted[1], wanted[2] }, all())
  end)

  it("is refused where its columns are given twice, or its value is none", function()
    refuse("ArgumentError", { "execute", "'x' is set twice", "Person.at" },
      function() s:execute(mr.insert(Person), { { at = Point(1, 2), x = 1 } }) end)
    refuse("ArgumentError", { "Person.at", "__composite_values", "number 3" },
      function() s:execute(mr.insert(Person), { rows[1], { at = 3 } }) end)
    refuse("ArgumentError", { "no attribute 'nmae'", "did you mean 'name'?" },
      function() s:execute(mr.insert(Person), { rows[1], { nmae = 3 } }) end)
    refuse("ArgumentError", "Person.name is not a column (in a list of rows, the first one must name a hybrid or "
      .. "composite if another one does)",
      function() s:execute(mr.insert(Person), { { first = "a" }, { name = "A B" } }) end)
    assert.same({}, all())
  end)
end)
