-- SQL expressions: methods that compare, & | ~, arithmetic, functions, text; their meaning and their SQL.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local people = require "spec.support.people"

describe("an expression", function()
  local db, Person

  before_each(function() db, Person = people() end)

  -- The SQL of the criterion, as the query prints it.
  local function sql(criterion)
    return (tostring(db.session:query(Person.id):filter(criterion)):gsub("^.- WHERE ", ""))
  end

  -- The names of the people whom the criterion finds, ordered by id. Asserts that the printed SQL is what runs.
  local function who(criterion)
    local out = {}
    local records = db:record(function()
      for i, row in ipairs(db.session:query(Person.name):filter(criterion):order_by(Person.id):all()) do
        out[i] = row.name
      end
    end)
    assert.equal(1, #records)
    return table.concat(out, " ")
  end

  it("compares", function()
    local cases = {
      { Person.age:eq(25), "person.age = ?", "bob dan" },
      { Person.age:ne(25), "person.age != ?", "ann cat" },
      { Person.age:lt(30), "person.age < ?", "bob dan" },
      { Person.age:le(30), "person.age <= ?", "ann bob dan" },
      { Person.age:gt(30), "person.age > ?", "cat" },
      { Person.age:ge(30), "person.age >= ?", "ann cat" },
      { Person.id:eq(Person.age - 29), "person.id = person.age - ?", "ann" },
      { Person.age:between(26, 35), "person.age BETWEEN ? AND ?", "ann cat" },
      { Person.name:like "%a%", "person.name LIKE ?", "ann cat dan" },
      { Person.name:not_like "%a%", "person.name NOT LIKE ?", "bob eve" },
      { Person.name:ilike "A%", "lower(person.name) LIKE lower(?)", "ann" },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[2], sql(case[1]))
      assert.equal(case[3], who(case[1]))
    end
  end)

  it("knows NULL", function()
    local null, not_null = "person.age IS NULL", "person.age IS NOT NULL"
    for _, criterion in ipairs{ Person.age:is_(nil), Person.age:is_(mr.null), Person.age:eq(mr.null) } do
      assert.equal(null, sql(criterion))
      assert.equal("eve", who(criterion))
    end
    for _,
      criterion in ipairs{ Person.age:is_not(nil), Person.age:is_not(mr.null), Person.age:ne(mr.null) } do
      assert.equal(not_null, sql(criterion))
      assert.equal("ann bob cat dan", who(criterion))
    end
  end)

  it("knows booleans", function()
    assert.equal("ann cat dan", who(Person.active:eq(true)))
    assert.equal("bob", who(Person.active:eq(false)))
    assert.equal("ann cat dan", who(Person.active:is_(true)))
    assert.equal("ann cat dan", who(Person.active))
    assert.equal("bob", who(~Person.active))
    assert.equal("bob", who(mr.not_(Person.active)))
  end)

  it("joins by & | ~, with the parentheses that it needs", function()
    local a, b, c = Person.age:eq(25), Person.id:gt(2), Person.name:eq "ann"
    assert.equal("person.age = ? AND person.id > ? OR person.name = ?", sql(a & b | c))
    assert.equal("ann dan", who(a & b | c))
    assert.equal("person.age = ? AND (person.id > ? OR person.name = ?)", sql(a & (b | c)))
    assert.equal("dan", who(a & (b | c)))
    assert.equal("person.age != ?", sql(~a))
    assert.equal("NOT (person.age = ? AND person.id > ?)", sql(~(a & b)))
    assert.equal("ann bob cat", who(~(a & b) & Person.age:is_not(nil)))
    assert.equal("person.age NOT BETWEEN ? AND ?", sql(~Person.age:between(1, 2)))
    assert.equal("person.age IS NOT NULL", sql(~Person.age:is_(nil)))
    assert.equal("person.name NOT LIKE ?", sql(~Person.name:like "x"))
    assert.equal(sql(a & b & c), sql(mr.and_(a, b, c)))
    assert.equal(sql(a | b | c), sql(mr.or_(a, b, c)))
    assert.equal("person.age = ? AND (person.id > ? OR person.name = ?)", sql(mr.and_(a, mr.or_(b, c))))
  end)

  it("looks into lists", function()
    assert.equal("ann cat", who(Person.id:in_{ 1, 3, 99 }))
    assert.equal("bob dan", who(Person.id:not_in{ 1, 3, 5 }))
    assert.equal("bob dan eve", who(~Person.id:in_{ 1, 3 }))
    assert.equal("", who(Person.id:in_{}))
    assert.equal("ann bob cat dan eve", who(Person.id:not_in{}))
    assert.matches("^person%.id IN %(%?, %?", sql(Person.id:in_{ 1, 2 }))
    local many = {}
    for i = 1, 700 do many[i] = i + 2 end
    assert.equal("cat dan eve", who(Person.id:in_(many)))
    assert.equal("bob dan", who(Person.id:in_(db.session:query(Person.id):filter_by{ age = 25 })))
  end)

  it("escapes what it looks for in a string", function()
    db.session:add_all{ Person{ name = "50%" }, Person{ name = "a_b" }, Person{ name = "axb" },
      Person{ name = "a/b" } }
    db.session:commit()
    assert.equal("50%", who(Person.name:contains "%"))
    assert.equal("a_b", who(Person.name:startswith "a_"))
    assert.equal("a_b axb a/b bob", (who(Person.name:endswith "b"):gsub("^bob (.*)$", "%1 bob")))
    assert.equal("a_b", who(Person.name:endswith "_b"))
    assert.equal("a/b", who(Person.name:contains "/"))
    assert.equal("ann", who(Person.name:startswith "an"))
  end)

  it("computes", function()
    local function value(expression)
      return db.session:query(expression):filter(Person.id:eq(1)):scalar()
    end
    assert.equal(31, value(Person.age + 1))
    assert.equal(29, value(Person.age - 1))
    assert.equal(60, value(Person.age * 2))
    assert.equal(60, value(2 * Person.age))
    assert.equal(70, value(100 - Person.age))
    assert.equal(2, value(Person.age % 4))
    assert.equal(7.5, value(Person.age / 4))
    assert.equal("ann!", value(Person.name .. "!"))
    assert.equal("!ann", value("!" .. Person.name))
    assert.equal(-30, value(-Person.age))
    assert.equal(120, value((Person.age + 30) * 2))
    assert.equal(90, value(Person.age + 30 * 2))
    assert.equal(20, value(Person.age - (Person.age - 20)))
    assert.equal("ANN", value(mr.func.upper(Person.name)))
    assert.equal(3, value(mr.func.length(Person.name)))
    assert.equal("ann", value(mr.func.coalesce(Person.name, "x")))
    assert.equal(6, value(Person.age:bitwise_and(7)))
  end)

  -- 1e16 + 1 is 1e16, but 1 + 1 is not lost in it.
  it("adds and multiplies in the order of its brackets", function()
    local age = Person.age
    local cases = {
      { age + (age + 1), "person.age + (person.age + ?)" },
      { age * (age * 2), "person.age * (person.age * ?)" },
      { (age + age) + 1, "person.age + person.age + ?" },
      { (age * age) * 2, "person.age * person.age * ?" },
    }
    for _, case in ipairs(cases) do assert.equal(case[2] .. " > ?", sql(case[1]:gt(0))) end
    local one = mr.cast(1, mr.Float)
    local function value(x) return db.session:query(x):scalar() end
    assert.equal(1e16 + (1.0 + 1.0), value(mr.cast(1e16, mr.Float) + (one + one)))
    assert.equal((1e16 + 1.0) + 1.0, value((mr.cast(1e16, mr.Float) + one) + one))
    assert.equal(1e308 * (10.0 * 1e-10), value(mr.cast(1e308, mr.Float) * (one * 10.0 * 1e-10)))
  end)

  it("orders", function()
    local function order(...)
      local out = {}
      for i, row in ipairs(db.session:query(Person.name):order_by(...):all()) do out[i] = row.name end
      return table.concat(out, " ")
    end
    assert.equal("eve dan cat bob ann", order(Person.id:desc()))
    assert.equal("eve bob dan ann cat", order(Person.age:asc(), Person.id))
    assert.equal("bob dan ann cat eve", order(Person.age:asc():nulls_last(), Person.id:asc()))
    assert.equal("bob dan ann cat eve", order{ Person.age:asc():nulls_last(), Person.id:asc() })
  end)

  it("never puts a value into the SQL", function()
    local evil = "x'; DROP TABLE person; --"
    local records = db:record(function()
      assert.is_nil(Person.query:filter_by{ name = evil }:first())
      Person.query:filter(Person.name:like(evil)):all()
      Person.query:filter(Person.name:in_{ evil, "b" }):all()
      Person.query:filter((Person.name .. evil):eq "b"):all()
      Person.query:filter(mr.func.lower(evil):eq(Person.name)):all()
      db.session:add(Person{ name = evil })
      db.session:flush()
    end)
    for _, record in ipairs(records) do assert.is_nil(record.statement:find("DROP", 1, true)) end
    assert.equal(1, Person.query:filter_by{ name = evil }:count())
  end)

  it("is not compared by Lua's operators", function()
    refuse("ArgumentError", "use :lt()", function() return Person.age < 3 end)
    refuse("ArgumentError", "use :le()", function() return Person.age <= 3 end)
    refuse("ArgumentError", "use :lt()", function() return 3 < Person.age end)
    refuse("ArgumentError", ":lt()", function() return Person.age > 3 end)
    refuse("ArgumentError", ":le()", function() return Person.age >= 3 end)
    refuse("ArgumentError", ":lt()", function() return Person.age < Person.id end)
  end)

  it("is not compared with nil by a mistake", function()
    local nothing = nil
    refuse("ArgumentError", { "is_(nil)", "mr.null" }, function() return Person.age:eq(nothing) end)
    refuse("ArgumentError", { "is_(nil)", "mr.null" }, function() return Person.age:eq() end)
    refuse("ArgumentError", { "mr.null" }, function() return Person.age:ne(nothing) end)
    refuse("ArgumentError", "nil", function() return Person.age:lt(nothing) end)
    refuse("ArgumentError", "nil", function() return Person.name:like(nothing) end)
    refuse("ArgumentError", "nil", function() return Person.age:between(1, nothing) end)
    refuse("ArgumentError", "in_", function() return Person.age:in_(nothing) end)
    refuse("ArgumentError", "in_", function() return Person.age:in_(3) end)
    assert.equal(5, Person.query:count())
  end)

  it("is joined with expressions only", function()
    local a = Person.age:eq(3)
    refuse("ArgumentError", "true", function() return a & true end)
    refuse("ArgumentError", "false", function() return false | a end)
    refuse("ArgumentError", "nil", function() return a & nil end)
    refuse("ArgumentError", "nil", function() return mr.and_(a, nil) end)
    refuse("ArgumentError", "true", function() return mr.or_(a, true) end)
    assert.equal(5, Person.query:count())
  end)

  it("has no unknown methods", function()
    refuse("ArgumentError", { "'equals'" }, function() return Person.age:equals(3) end)
    refuse("ArgumentError", { "'betwen'", "did you mean 'between'?" }, function()
      return Person.age:betwen(1, 2)
    end)
  end)

  it("checks the values it is compared with", function()
    refuse("ArgumentError", { "Person.age", "expected an integer", 'string "old"' }, function()
      return Person.query:filter(Person.age:gt "old"):all()
    end)
    refuse("ArgumentError", "Person.age", function()
      return Person.query:filter(Person.age:between(1, "x")):all()
    end)
    refuse("ArgumentError", "Person.active", function()
      return Person.query:filter(Person.active:eq(1)):all()
    end)
    assert.equal("bob dan", who(Person.age:eq(25.0)))
    assert.equal(5, Person.query:count())
  end)

  it("may be deep, but not endless", function()
    local chain = Person.id:eq(0)
    for i = 1, 3000 do chain = chain | Person.id:eq(i) end
    local ok, e = pcall(who, chain)
    if ok then
      assert.equal("ann bob cat dan eve", e)
    else
      assert.is_true(mr.errors.Error:is(e))
    end
    e = support.error_of(function()
      local deep = Person.age + 1
      for _ = 1, 5000 do deep = 1 - (deep * 2) end
      return db.session:query(deep):all()
    end)
    assert.is_true(mr.errors.Error:is(e))
    assert.equal(5, Person.query:count())
  end)

  it("reaches a column by c", function()
    assert.equal("bob dan", who(Person.c.age:eq(25)))
    refuse("ArgumentError", { "'agee'", "did you mean 'age'?" }, function() return Person.c.agee end)
  end)
end)

describe("text", function()
  local db, Person

  before_each(function() db, Person = people() end)

  it("binds its :names", function()
    local records = db:record(function()
      local row = db.session:execute(mr.text "SELECT name, age FROM person WHERE age = :age AND id > :id",
        { age = 25, id = 2 }):one()
      assert.equal("dan", row.name)
      assert.equal(25, row.age)
    end)
    assert.equal("SELECT name, age FROM person WHERE age = ? AND id > ?", records[1].statement)
    assert.same({ 25, 2 }, records[1].parameters)
  end)

  it("leaves colons alone that name nothing", function()
    assert.equal("10:30 a::b", db.session:scalar(mr.text "SELECT '10:30 a::b'"))
    assert.equal("x:y", db.session:scalar(mr.text "SELECT 'x:y'"))
  end)

  it("is a criterion, and takes its values from params", function()
    local query = Person.query:filter(mr.text "age = :age"):order_by(Person.id)
    assert.equal("bob", query:params{ age = 25 }:first().name)
    assert.equal("ann", query:params{ age = 30 }:first().name)
    assert.equal(2, query:filter(Person.active:eq(false) | Person.id:gt(0)):params{ age = 25 }:count())
  end)

  it("refuses a bind without a value", function()
    refuse("InvalidRequestError", "'age'", function()
      return db.session:execute(mr.text "SELECT * FROM person WHERE age = :age"):all()
    end)
    assert.equal(5, Person.query:count())
  end)

  it("binds NULL", function()
    assert.is_nil(db.session:scalar(mr.text "SELECT :x", { x = mr.null }))
    assert.equal(1, db.session:scalar(mr.text "SELECT :x IS NULL", { x = mr.null }))
  end)

  it("is text", function()
    refuse("ArgumentError", "text", function() return mr.text(nil) end)
    refuse("ArgumentError", "text", function() return mr.text(12) end)
    refuse("ArgumentError", "mr.text", function() return db.session:execute("SELECT 1") end)
  end)
end)
