-- Hybrids: one Lua function for the object and for SQL. It restates behaviours of SQLAlchemy's test/ext/test_hybrid.py.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local costs, sent = support.costs, support.sent

-- A database with people, who have bosses; the session is empty.
local function people(extra)
  local db = mr.open "sqlite://"
  local body = {
    id      = db.Column{ db.Integer, primary_key = true },
    first   = db.Column{ db.String },
    last    = db.Column{ db.String },
    age     = db.Column{ db.Integer },
    boss_id = db.Column{ db.Integer, db.ForeignKey "person.id" },
    boss    = db.relationship{ "Person", remote_side = "Person.id", backref = "staff" },
    full    = mr.hybrid{
      get = function(self) return self.first .. " " .. self.last end,
      set = function(self, value) self.first, self.last = value:match "^(%S+) (%S+)$" end,
    },
    years   = mr.hybrid{ get = function(self) return self.age end, set = function(self, n) self.age = n end },
    adult   = mr.hybrid{
      get = function(self) return self.age >= 18 end,
      expr = function(cls) return cls.age:ge(18) end,
    },
    older   = mr.hybrid_method{
      function(self, n) return self.age > n end,
      expr = function(cls, n) return cls.age:gt(n) end,
    },
    in_years = mr.hybrid_method(function(self, n) return self.age + n end),
  }
  for name, value in pairs(extra or {}) do body[name] = value end
  local Person = db.Model:extend("Person", body)
  db:create_all()
  local eve = Person{ first = "Eve", last = "Ash", age = 50 }
  db.session:add_all{ eve, Person{ first = "Ann", last = "Bee", age = 17, boss = eve },
    Person{ first = "Bob", last = "Cod", age = 30, boss = eve } }
  db.session:commit()
  db.session:remove()
  return db, Person
end

local function names(list) return support.words(list, "first") end

local function where(query) return tostring(query):match "WHERE (.*)$" end

describe("a hybrid of an object", function()
  it("is what its function makes of the object, new or loaded, and sends nothing", function()
    local db, Person = people()
    local new = Person{ first = "A", last = "B", age = 20 }
    assert.equal("A B", new.full)
    assert.is_true(new.adult)
    local ann = Person.query:filter_by{ first = "Ann" }:one()
    costs(db, 0, function()
      assert.equal("Ann Bee", ann.full)
      assert.is_false(ann.adult)
      assert.is_false(ann:older(17))
      assert.equal(20, ann:in_years(3))
    end)
  end)

  it("loads the attributes that it reads", function()
    local db, Person = people()
    local ann = Person.query:filter_by{ first = "Ann" }:one()
    db.session:expire(ann)
    costs(db, 1, function() assert.equal("Ann Bee", ann.full) end)
  end)

  it("is set by its set, which changes the attributes and is flushed with them", function()
    local db, Person = people()
    local ann = Person.query:filter_by{ first = "Ann" }:one()
    ann.full = "Anna Boo"
    assert.equal("Anna", ann.first)
    assert.equal("Boo", ann.last)
    assert.same({ "UPDATE person" }, support.writes(db))
    ann.years = 18
    assert.is_true(ann.adult)
  end)

  it("is not set where it has no set; the error names class and hybrid", function()
    local _, Person = people()
    local person = Person{ first = "A" }
    refuse("ArgumentError", { "Person.adult", "no set" }, function() person.adult = true end)
    refuse("ArgumentError", { "Person.adult", "no set" }, Person, { adult = true })
    refuse("ArgumentError", { "Person.older", "method" }, function() person.older = 1 end)
    refuse("ArgumentError", { "Person.older", "method" }, Person, { older = 1 })
  end)

  it("is set in the constructor, after the columns and before the relationships", function()
    local order = {}
    local _, Person = people{
      seen = mr.hybrid{
        get = function(self) return self.age end,
        set = function(self, value) order = { self.age, self.boss, value } end,
      },
    }
    local boss = Person{ first = "X" }
    local person = Person{ full = "A B", seen = 3, boss = boss, age = 5 }
    assert.equal("A", person.first)
    assert.same({ 5, [3] = 3 }, order)
    assert.equal(boss, person.boss)
  end)

  it("whose set fails in the constructor leaves nothing behind", function()
    local db, Person = people{
      bad = mr.hybrid{ get = function() return 1 end, set = function() error("no such name", 0) end },
    }
    local boss = Person.query:filter_by{ first = "Eve" }:one()
    local count = #boss.staff
    local e = support.error_of(Person, { bad = 1, boss = boss })
    assert.equal("no such name", e)
    assert.equal(count, #boss.staff)
    assert.equal(0, #db.session.new)
  end)

  it("passes on the error of its function unchanged", function()
    local problem = {}
    local _, Person = people{ bad = mr.hybrid(function() error(problem) end) }
    local person = Person{}
    assert.equal(problem, support.error_of(function() return person.bad end))
  end)

  it("may yield in a coroutine", function()
    local _, Person = people{ waits = mr.hybrid(function(self) return coroutine.yield(self.first) end) }
    local person = Person{ first = "A" }
    local co = coroutine.wrap(function() return "got " .. person.waits end)
    assert.equal("A", co())
    assert.equal("got x", co "x")
  end)
end)

describe("a hybrid in SQL", function()
  it("is the expression that the same function makes of the class", function()
    local db, Person = people()
    assert.equal("person.first || ? || person.last", tostring(Person.full))
    assert.equal("person.age + ?", tostring(Person:in_years(3)))
    local statements = sent(db, function()
      assert.equal(2, db.session:query(Person.id):filter(Person.full:eq "Ann Bee"):scalar())
    end)
    local sql = "SELECT person.id AS person_id FROM person WHERE person.first || ? || person.last = ?"
    assert.same({ { sql, " ", "Ann Bee" } }, statements)
  end)

  it("is a criterion by itself, negated and joined", function()
    local _, Person = people()
    assert.equal("Eve Bob", names(Person.query:filter(Person.adult):order_by(Person.id):all()))
    assert.equal("Ann", names(Person.query:filter(~Person.adult):all()))
    assert.equal("Eve", names(Person.query:filter(Person.adult & Person:older(30)):all()))
  end)

  it("is a column of the result under its own name, and of a subquery", function()
    local db, Person = people()
    local row = db.session:query(Person.full, Person.years):order_by(Person.id):first()
    assert.equal("Eve Ash", row.full)
    assert.equal(50, row.years)
    local inner = db.session:query(Person.id, Person.full):subquery()
    assert.equal("Ann Bee", db.session:query(inner.c.full):filter(inner.c.full:like "Ann%"):scalar())
  end)

  it("orders and groups, by itself and by its name", function()
    local db, Person = people()
    assert.equal("Ann Bob Eve", names(Person.query:order_by(Person.full):all()))
    assert.equal("Eve Bob Ann", names(Person.query:order_by(Person.full:desc()):all()))
    assert.equal("Ann Bob Eve", names(Person.query:order_by "full":all()))
    local rows = db.session:query(Person.adult, mr.func.count()):group_by(Person.adult):order_by(Person.adult):all()
    assert.same({ { false, 1 }, { true, 2 } }, { { rows[1][1], rows[1][2] }, { rows[2][1], rows[2][2] } })
  end)

  it("is compared by filter_by, and by any and has", function()
    local _, Person = people()
    assert.equal("Bob", Person.query:filter_by{ full = "Bob Cod" }:one().first)
    assert.equal("Bob", Person.query:filter_by{ full = "Bob Cod", age = 30 }:one().first)
    assert.equal("Ann Bob", names(Person.query:filter(Person.boss:has{ full = "Eve Ash" }):order_by(Person.id):all()))
    assert.equal("Eve", names(Person.query:filter(Person.staff:any{ full = "Ann Bee" }):all()))
    assert.equal("Eve", names(Person.query:filter(Person.staff:any(Person.adult)):all()))
    assert.equal("person.first || ? || person.last IS NULL", where(Person.query:filter_by{ full = mr.null }))
  end)

  it("of an alias reads the alias", function()
    local db, Person = people()
    local Boss = mr.aliased(Person)
    assert.equal("person_1.first || ? || person_1.last", tostring(Boss.full))
    assert.equal("person_1.age > ?", tostring(Boss:older(3)))
    local q = db.session:query(Person):join(Boss, Person.boss_id:eq(Boss.id)):filter(Boss.full:eq "Eve Ash")
    assert.equal("Ann Bob", names(q:order_by(Person.full):all()))
    assert.equal("person_1.first || ? || person_1.last = ?",
      where(db.session:query(Boss):filter_by{ full = "Eve Ash" }))
    assert.equal("Eve Ash", db.session:query(Boss):order_by "full":offset(2):one().full)
  end)

  it("of a class and of its alias in one query are told apart in the order", function()
    local db, Person = people()
    local Boss = mr.aliased(Person)
    local query = db.session:query(Person.full, Boss.full):join(Boss, Person.boss_id:eq(Boss.id))
    local order = tostring(query:order_by(Boss.full, Person.full)):match "ORDER BY (.*)$"
    assert.equal("person_1.first || ? || person_1.last, person.first || ? || person.last", order)
    local row = query:order_by(Boss.full, Person.full:desc()):first()
    assert.same({ "Bob Cod", "Eve Ash" }, { row[1], row[2] })
    local one = tostring(db.session:query(Person.full):order_by(Boss.full)):match "ORDER BY (.*)$"
    assert.equal("person_1.first || ? || person_1.last", one)
    assert.equal('"full"', tostring(db.session:query(Person.full):order_by(Person.full)):match "ORDER BY (.*)$")
  end)

  it("may be made of another hybrid", function()
    local _, Person = people{
      title = mr.hybrid(function(self) return "Dr. " .. self.full end),
    }
    assert.equal("Dr. A B", Person{ full = "A B" }.title)
    assert.equal("Ann", Person.query:filter_by{ title = "Dr. Ann Bee" }:one().first)
  end)

  it("may be a relationship, along which queries join", function()
    local _, Person = people{ chief = mr.hybrid(function(self) return self.boss end) }
    assert.equal("Eve", Person.query:filter_by{ first = "Ann" }:one().chief.first)
    local Boss = mr.aliased(Person)
    assert.equal(2, Person.query:join(Boss, Person.chief):filter(Boss.first:eq "Eve"):count())
    assert.equal(2, Person.query:filter(Person.chief:has{ first = "Eve" }):count())
    local eve = Person.query:filter_by{ first = "Eve" }:one()
    assert.equal(2, Person.query:filter_by{ chief = eve }:count())
  end)

  it("may be a subquery that belongs to the row", function()
    local _, Person
    _, Person = people{
      size = mr.hybrid{
        get = function(self) return #self.staff end,
        expr = function(cls)
          local Worker = mr.aliased(Person)
          return mr.select(mr.func.count(Worker.id)):where(Worker.boss_id:eq(cls.id)):scalar_subquery()
        end,
      },
    }
    local eve = Person.query:filter(Person.size:gt(1)):one()
    assert.equal("Eve", eve.first)
    assert.equal(2, eve.size)
    assert.equal("Ann Bob Eve", names(Person.query:order_by(Person.size, Person.first):all()))
  end)

  it("compares by its comparator, by filter_by, too", function()
    local _, Person = people{
      name = mr.hybrid{
        get = function(self) return self.first end,
        comparator = {
          eq = function(x, value) return mr.func.lower(x):eq(mr.func.lower(value)) end,
          rhymes = function(x, ending) return x:endswith(ending) end,
        },
      },
    }
    assert.equal("lower(person.first) = lower(?)", where(Person.query:filter(Person.name:eq "ANN")))
    assert.equal("Ann", Person.query:filter_by{ name = "ANN" }:one().name)
    assert.equal("Bob", names(Person.query:filter(Person.name:rhymes "ob"):all()))
    assert.equal("Ann", names(Person.query:filter(Person.name:like "A%"):all()))
    assert.equal("Ann Bob Eve", names(Person.query:order_by(Person.name):all()))
    assert.equal("person.first || ?", tostring(Person.name .. "!"))
    assert.equal("lower(person_1.first) = lower(?)", tostring(mr.aliased(Person).name:eq "x"))
  end)

  it("may have a comparator that is made for the class", function()
    local asked
    local _, Person = people{
      name = mr.hybrid{
        get = function(self) return self.first end,
        comparator = function(cls)
          asked = cls
          return { eq = function(_, value) return cls.last:eq(value) end }
        end,
      },
    }
    assert.equal("person.last = ?", tostring(Person.name:eq "Bee"))
    assert.equal(Person, asked)
  end)
end)

describe("a hybrid that a statement writes", function()
  it("is the column that it is, also through another hybrid", function()
    local db, Person = people{ again = mr.hybrid(function(self) return self.years end) }
    local ann = Person.query:filter_by{ first = "Ann" }:one()
    for i, how in ipairs{ "evaluate", "fetch" } do
      costs(db, how == "fetch" and 2 or 1, function()
        Person.query:filter_by{ first = "Ann" }:update({ years = 40 + i }, { synchronize_session = how })
      end)
      assert.equal(40 + i, ann.age)
      Person.query:filter_by{ first = "Ann" }:update({ again = 60 + i }, { synchronize_session = how })
      assert.equal(60 + i, ann.again)
    end
    assert.equal(62, db.session:scalar(mr.select(Person.age):where(Person.first:eq "Ann")))
    Person.query:update{ years = Person.years + 1 }
    assert.equal(63, ann.years)
  end)

  it("is what its update_expr says", function()
    local update_expr = function(_, value)
      local first, last = value:match "^(%S+) (%S+)$"
      return { first = first, last = last }
    end
    local get = function(self) return self.first .. " " .. self.last end
    local db, Person = people{
      name = mr.hybrid{ get = get, update_expr = update_expr },
      called = mr.hybrid(function(self) return self.name end),
    }
    local ann = Person.query:filter_by{ first = "Ann" }:one()
    assert.same({ { "UPDATE person SET first=?, last=? WHERE person.id = ?", "Moon", "Beam", 2 } },
      sent(db, function() Person.query:filter(Person.id:eq(2)):update{ name = "Moon Beam" } end))
    assert.equal("Moon Beam", ann.name)
    Person.query:filter(Person.id:eq(2)):update{ called = "Sun Shine", age = 1 }
    assert.equal("Sun Shine", ann.called)
    db.session:execute(mr.insert(Person):values{ name = "New One" })
    assert.equal("New One", Person.query:filter_by{ first = "New" }:one().name)
    db.session:execute(mr.update(Person):where(Person.id:eq(2)):values{ name = "Last Time" })
    db.session:expire_all()
    assert.equal("Last Time", ann.name)
  end)

  it("is refused where it is no column, or where its column is given twice", function()
    local _, Person = people()
    refuse("ArgumentError", { "Person.full", "update_expr" }, function() Person.query:update{ full = "a b" } end)
    refuse("ArgumentError", { "age", "twice", "Person.years" },
      function() Person.query:update{ years = 1, age = 2 } end)
    refuse("ArgumentError", { "Person.older", "method" }, function() Person.query:update{ older = 1 } end)
    local _, Odd = people{
      odd = mr.hybrid{ get = function(self) return self.age end, update_expr = function() return 3 end },
      round = mr.hybrid{ get = function(self) return self.age end,
        update_expr = function(_, v) return { round = v } end },
    }
    refuse("ArgumentError", { "Person.odd", "update_expr", "a table", "number 3" },
      function() Odd.query:update{ odd = 1 } end)
    refuse("ArgumentError", { "Person", "by way of itself" }, function() Odd.query:update{ round = 1 } end)
  end)
end)

describe("a hybrid that several classes have", function()
  local Named = {
    full = mr.hybrid{
      get = function(self) return self.first .. "-" .. self.last end,
      set = function(self, value) self.first, self.last = value:match "^(%S+)-(%S+)$" end,
    },
  }

  it("comes with a mixin, and with a base without a table", function()
    local db = mr.open "sqlite://"
    local Base = db.Model:extend("Base", {
      __abstract = true, Named,
      id = db.Column{ db.Integer, primary_key = true },
      first = db.Column{ db.String }, last = db.Column{ db.String },
      short = mr.hybrid(function(self) return self.first end),
    })
    local Cat = Base:extend("Cat", {})
    local Dog = Base:extend("Dog", { short = mr.hybrid(function(self) return self.last end) })
    db:create_all()
    db.session:add_all{ Cat{ full = "a-b" }, Dog{ full = "c-d" } }
    db.session:commit()
    assert.equal("cat.first || ? || cat.last", tostring(Cat.full))
    assert.equal("a-b", Cat.query:filter_by{ full = "a-b" }:one().full)
    assert.equal("c", Dog.query:filter_by{ short = "d" }:one().first)
    assert.equal("a", Cat.query:one().short)
    assert.equal("d", Dog.query:one().short)
  end)

  it("is inherited by a subclass, which may have its own", function()
    local db, Person = people()
    local Child = Person:extend("Child", {
      adult = mr.hybrid{ get = function() return false end, expr = function() return mr.false_() end },
    })
    local child = Child{ full = "C D", age = 60 }
    assert.is_false(child.adult)
    assert.equal("C D", child.full)
    assert.equal("person.first || ? || person.last", tostring(Child.full))
    assert.equal("person.age >= ?", tostring(Person.adult))
    assert.equal(0, Child.query:filter(Child.adult):count())
    assert.is_truthy(db)
  end)

  it("may be given to a class after its declaration", function()
    local _, Person = people()
    Person.initial = mr.hybrid{ get = function(self) return self.first end }
    assert.equal("A", Person{ first = "A" }.initial)
    assert.equal("Ann", Person.query:filter_by{ initial = "Ann" }:one().initial)
  end)
end)

describe("a mistake in a hybrid", function()
  it("that works for objects alone names the hybrid, its place and the cure", function()
    local _, Person = people{
      adult2 = mr.hybrid(function(self) return self.age >= 18 end),
      upper = mr.hybrid(function(self) return string.upper(self.first) end),
      same = mr.hybrid(function(self) return self.first == self.last end),
      none = mr.hybrid(function() return nil end),
      word = mr.hybrid(function() return "x" end),
      length = mr.hybrid(function(self) return #self.first end),
    }
    local e = refuse("ArgumentError", { "Person.adult2", "hybrid_spec.lua:", ":le() or :ge()", "expr =" },
      function() return Person.adult2 end)
    assert.is_truthy(e.where:match "hybrid_spec.lua:")
    refuse("ArgumentError", { "Person.upper", "hybrid_spec.lua:", "upper", "expr =" },
      function() return Person.upper end)
    refuse("ArgumentError", { "Person.same", "is false for the class", ":eq()", "expr =" },
      function() return Person.query:filter_by{ same = true } end)
    refuse("ArgumentError", { "Person.none", "is nil for the class", "expr =" },
      function() return mr.aliased(Person).none end)
    refuse("ArgumentError", { "Person.word", "is a string for the class", "mr.literal" },
      function() return Person.query:order_by "word" end)
    refuse("ArgumentError", { "Person.length", "expr =" }, function() return Person.length end)
    assert.is_true(Person{ first = "A", last = "A" }.same)
    assert.equal("X", Person{ first = "x" }.upper)
  end)

  it("in its expr is passed on unchanged", function()
    local problem = {}
    local _, Person = people{ bad = mr.hybrid{ get = function() return 1 end, expr = function() error(problem) end } }
    assert.equal(problem, support.error_of(function() return Person.bad end))
    assert.equal(problem, support.error_of(function() return Person.query:filter_by{ bad = 1 } end))
  end)

  it("in its declaration is told where it is made", function()
    refuse("ArgumentError", { "hybrid", "'gte'", "'get'" }, mr.hybrid, { gte = print })
    refuse("ArgumentError", { "hybrid: get", "a function", "nil" }, mr.hybrid, { set = print })
    refuse("ArgumentError", { "hybrid: get", "number 3" }, mr.hybrid, { get = 3 })
    refuse("ArgumentError", { "hybrid: set", 'string "x"' }, mr.hybrid, { get = print, set = "x" })
    refuse("ArgumentError", { "hybrid: comparator", "number 1" }, mr.hybrid, { get = print, comparator = 1 })
    refuse("ArgumentError", { "hybrid: comparator.eq", "number 1" },
      mr.hybrid, { get = print, comparator = { eq = 1 } })
    refuse("ArgumentError", { "hybrid_method", "nil" }, mr.hybrid_method, {})
    refuse("ArgumentError", { "hybrid_method: expr" }, mr.hybrid_method, { print, expr = 1 })
  end)

  it("of its name finds the nearest one, and a column of its name is refused", function()
    local _, Person = people()
    refuse("ArgumentError", { "'ful'", "'full'" }, function() return Person.query:filter_by{ ful = 1 } end)
    refuse("ArgumentError", { "'ful'", "'full'" }, Person, { ful = 1 })
    refuse("ArgumentError", { "'ful'", "'full'" }, function() return mr.aliased(Person).ful end)
    refuse("ArgumentError", { "'yeers'", "'years'" }, function() Person.query:update{ yeers = 1 } end)
    local db = mr.open "sqlite://"
    local Base = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true } })
    refuse("ArgumentError", { "Part.id", "hybrid" }, Base.extend, Base, "Part", { id = mr.hybrid(print) })
  end)
end)
