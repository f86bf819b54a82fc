-- Events of bases, mixins and inherited classes: which classes a listener hears, from which moment, and in which order.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local listen, remove, contains = mr.event.listen, mr.event.remove, mr.event.contains

local function database()
  local db = mr.open "sqlite://"
  local log = {}
  local function noting(name) return function() log[#log + 1] = name end end
  --- Runs fn. Returns what listeners noted meanwhile.
  local function noted(fn)
    for i = #log, 1, -1 do log[i] = nil end
    fn()
    return { table.unpack(log) }
  end
  return db, noting, noted
end

local function key(db) return db.Column{ db.Integer, primary_key = true } end

--- Adds an object and flushes it.
local function save(db, object)
  return function()
    db.session:add(object)
    db.session:flush()
  end
end

describe("a listener of a base without a table", function()
  it("hears of all classes that extend it, those before it and those after it", function()
    local db, noting, noted = database()
    local Early = db.Model:extend("Early", { id = key(db) })
    local fn = noting "base"
    listen(db.Model, "before_insert", fn)
    local Late = db.Model:extend("Late", { id = key(db) })
    db:create_all()
    assert.same({ "base" }, noted(save(db, Early())))
    assert.same({ "base" }, noted(save(db, Late())))
    assert.is_true(contains(db.Model, "before_insert", fn))
    assert.is_false(contains(Early, "before_insert", fn))
    remove(db.Model, "before_insert", fn)
    assert.is_false(contains(db.Model, "before_insert", fn))
    local Last = db.Model:extend("Last", { id = key(db) })
    db.session:commit()
    db:create_all()
    assert.same({}, noted(save(db, Early())))
    assert.same({}, noted(save(db, Last())))
    refuse("InvalidRequestError", "before_insert", remove, db.Model, "before_insert", fn)
  end)

  it("is given the class of the object, the connection and the object", function()
    local db = database()
    local given
    mr.event.listens_for(db.Model, "after_insert")(function(...) given = { ... } end)
    local Item = db.Model:extend("Item", { id = key(db) })
    db:create_all()
    local item = Item()
    save(db, item)()
    assert.equal(Item, given[1])
    assert.equal(item, given[3])
  end)

  it("works for a declarative_base and for an __abstract class, each for its own classes alone", function()
    local db, noting, noted = database()
    local Base = mr.declarative_base()
    local Stamped = db.Model:extend("Stamped", { __abstract = true, made = db.Column{ db.Integer } })
    listen(Base, "before_insert", noting "other base")
    listen(Stamped, "before_insert", noting "stamped")
    local Inner = Stamped:extend("Inner", { __abstract = true })
    listen(Inner, "before_insert", noting "inner")
    local A = Stamped:extend("A", { id = key(db) })
    local B = Inner:extend("B", { id = key(db) })
    local C = db.Model:extend("C", { id = key(db) })
    db:create_all()
    assert.same({ "stamped" }, noted(save(db, A())))
    assert.same({ "stamped", "inner" }, noted(save(db, B())))
    assert.same({}, noted(save(db, C())))
  end)

  it("comes once for a class far below, also where a mapped class lies between", function()
    local db, noting, noted = database()
    listen(db.Model, "before_insert", noting "base")
    local A = db.Model:extend("A", { id = key(db), n = db.Column{ db.Integer } })
    local B = A:extend("B", {})
    db:create_all()
    assert.same({ "base" }, noted(save(db, B{ n = 1 })))
  end)

  it("is called once in all with once, by whichever class comes first", function()
    local db, noting, noted = database()
    listen(db.Model, "before_insert", noting "once", { once = true })
    local A = db.Model:extend("A", { id = key(db) })
    local B = db.Model:extend("B", { id = key(db) })
    db:create_all()
    assert.same({ "once" }, noted(function()
      save(db, B())()
      save(db, A())()
      save(db, B())()
    end))
  end)

  it("takes propagate = true, and refuses false, which would leave nothing", function()
    local db, noting = database()
    local fn = noting "x"
    listen(db.Model, "load", fn, { propagate = true })
    assert.is_true(contains(db.Model, "load", fn))
    refuse("ArgumentError", { "propagate = false", "mixin" }, listen, db.Model, "load", fn, { propagate = false })
    refuse("ArgumentError", { "propagate", "before_flush" }, listen, db.session, "before_flush", fn,
      { propagate = true })
    refuse("ArgumentError", "a mapped class", listen, 5, "load", fn)
  end)

  it("may remove itself while it is called", function()
    local db, noting, noted = database()
    local function leaving()
      noting "leaving"()
      remove(db.Model, "before_insert", leaving)
    end
    listen(db.Model, "before_insert", leaving)
    listen(db.Model, "before_insert", noting "staying")
    local A = db.Model:extend("A", { id = key(db) })
    db:create_all()
    assert.same({ "leaving", "staying", "staying" }, noted(function()
      db.session:add_all{ A(), A() }
      db.session:flush()
    end))
  end)
end)

describe("a listener of a mixin", function()
  it("hears of the classes that name it, also of those that an abstract base lets inherit it", function()
    local db, noting, noted = database()
    local Stamped = { made = db.Column{ db.Integer } }
    local Early = db.Model:extend("Early", { Stamped, id = key(db) })
    listen(Stamped, "before_insert", noting "stamped")
    local Late = db.Model:extend("Late", { Stamped, id = key(db) })
    local Base = db.Model:extend("Base", { Stamped, __abstract = true })
    local Below = Base:extend("Below", { id = key(db) })
    local Other = db.Model:extend("Other", { id = key(db) })
    db:create_all()
    assert.same({ "stamped" }, noted(save(db, Early{ made = 1 })))
    assert.same({ "stamped" }, noted(save(db, Late{ made = 1 })))
    assert.same({ "stamped" }, noted(save(db, Below{ made = 1 })))
    assert.same({}, noted(save(db, Other())))
  end)

  it("stays with the mixin, which nothing else keeps", function()
    local db, noting, noted = database()
    local A
    do
      local Mixin = { n = db.Column{ db.Integer } }
      listen(Mixin, "before_insert", noting "mixin")
      A = db.Model:extend("A", { Mixin, id = key(db) })
    end
    for _ = 1, 3 do collectgarbage() end
    for _ = 1, 100 do local _ = {} end
    db:create_all()
    assert.same({ "mixin" }, noted(save(db, A())))
  end)
end)

describe("a listener of an attribute that a base or mixin declares", function()
  it("hears of that attribute of all classes, before and after", function()
    local db, _, noted = database()
    local Named = { name = db.Column{ db.String(20) }, other = db.Column{ db.String(20) } }
    local Base = db.Model:extend("Base", { __abstract = true, size = db.Column{ db.Integer } })
    local Early = Base:extend("Early", { Named, id = key(db) })
    local seen = {}
    local function on_name(object, value, old) seen[#seen + 1] = { object, value, old } end
    local function on_size(_, value) return value * 2 end
    listen(Named.name, "set", on_name)
    listen(Base.size, "set", on_size, { retval = true })
    local Late = Base:extend("Late", { Named, id = key(db) })
    local early, late = Early{ name = "e", other = "o", size = 1 }, Late{ name = "l", size = 2 }
    assert.same({ { early, "e" }, { late, "l" } }, seen)
    assert.same({ 2, 4 }, { early.size, late.size })
    assert.is_true(contains(Named.name, "set", on_name))
    assert.is_false(contains(Named.other, "set", on_name))
    remove(Named.name, "set", on_name)
    remove(Base.size, "set", on_size)
    noted(function() late.name, late.size = "again", 5 end)
    assert.equal(2, #seen)
    assert.equal(5, late.size)
  end)

  it("works for a relationship, with append and remove", function()
    local db, noting, noted = database()
    local Tag = db.Model:extend("Tag", { id = key(db), owner_id = db.Column{ db.Integer, db.ForeignKey "owner.id" } })
    local Tagged = { tags = db.relationship{ "Tag" } }
    listen(Tagged.tags, "append", noting "append")
    local Owner = db.Model:extend("Owner", { Tagged, id = key(db) })
    listen(Tagged.tags, "remove", noting "remove")
    assert.same({ "append", "remove" }, noted(function()
      local owner, tag = Owner(), Tag()
      owner.tags:append(tag)
      owner.tags:remove(tag)
    end))
  end)

  it("is refused for the column of a table, which no class reads by", function()
    local db, noting = database()
    local column = db.Column{ "n", db.Integer, primary_key = true }
    db.Table("t", column)
    refuse("ArgumentError", "an attribute of a class", listen, column, "set", noting "x")
  end)
end)

describe("a listener of a class that others inherit from", function()
  local function family()
    local db, noting, noted = database()
    local Animal = db.Model:extend("Animal", { id = key(db), name = db.Column{ db.String(20) } })
    local Cat = Animal:extend("Cat", {})
    return db, noting, noted, Animal, Cat
  end

  it("hears of that class alone, unless it propagates", function()
    local db, noting, noted, Animal, Cat = family()
    listen(Animal, "before_insert", noting "own")
    listen(Animal, "before_insert", noting "all", { propagate = true })
    local Lion = Cat:extend("Lion", {})
    db:create_all()
    assert.same({ "own", "all" }, noted(save(db, Animal{ name = "a" })))
    assert.same({ "all" }, noted(save(db, Cat{ name = "c" })))
    assert.same({ "all" }, noted(save(db, Lion{ name = "l" })))
  end)

  it("comes in the order of listening among those of its subclass", function()
    local db, noting, noted, Animal, Cat = family()
    listen(Animal, "before_insert", noting "base 1", { propagate = true })
    listen(Cat, "before_insert", noting "cat")
    listen(Animal, "before_insert", noting "base 2", { propagate = true })
    db:create_all()
    assert.same({ "base 1", "cat", "base 2" }, noted(save(db, Cat{ name = "c" })))
  end)

  it("is removed from all of them at once, and with once from all by the first", function()
    local db, noting, noted, Animal, Cat = family()
    local fn = noting "all"
    listen(Animal, "before_insert", fn, { propagate = true })
    listen(Animal, "before_insert", noting "once", { propagate = true, once = true })
    db:create_all()
    assert.same({ "all", "once" }, noted(save(db, Cat{ name = "c" })))
    assert.same({ "all" }, noted(save(db, Animal{ name = "c" })))
    remove(Animal, "before_insert", fn)
    assert.same({}, noted(save(db, Cat{ name = "c" })))
    local Lion = Cat:extend("Lion", {})
    assert.same({}, noted(save(db, Lion{ name = "c" })))
  end)

  it("of an attribute: of the class by which it is named, and with propagate of those below", function()
    local _, noting, noted, Animal, Cat = family()
    listen(Animal.name, "set", noting "animal")
    listen(Animal.name, "set", noting "all", { propagate = true })
    listen(Cat.name, "set", noting "cat")
    local Lion = Cat:extend("Lion", {})
    assert.same({ "animal", "all" }, noted(function() Animal{ name = "a" } end))
    assert.same({ "all", "cat" }, noted(function() Cat{ name = "c" } end))
    assert.same({ "all" }, noted(function() Lion{ name = "l" } end))
  end)
end)

describe("a function that listens twice to the same", function()
  it("is called once, and gone with one removal: of a class, an attribute, a base, a session, an engine", function()
    local db = database()
    local A = db.Model:extend("A", { id = key(db), n = db.Column{ db.Integer } })
    db:create_all()
    local function calls(target, name, work)
      local n = 0
      local function fn() n = n + 1 end
      listen(target, name, fn)
      listen(target, name, fn)
      work()
      remove(target, name, fn)
      assert.is_false(contains(target, name, fn))
      return n
    end
    local function insert()
      db.session:add(A())
      db.session:flush()
    end
    assert.equal(1, calls(A, "before_insert", insert))
    assert.equal(1, calls(db.Model, "before_insert", insert))
    assert.equal(1, calls(A.n, "set", function() A{ n = 1 } end))
    assert.equal(1, calls(db.session, "before_flush", insert))
    assert.equal(1, calls(db, "before_execute", insert))
  end)

  it("has the options that were given last", function()
    local db, noting, noted = database()
    local A = db.Model:extend("A", { id = key(db), n = db.Column{ db.Integer } })
    local B = A:extend("B", {})
    db:create_all()
    local fn = noting "called"
    listen(A, "before_insert", fn, { once = true })
    listen(A, "before_insert", fn, { propagate = true })
    assert.same({ "called" }, noted(save(db, B{ n = 1 })))
    assert.same({ "called" }, noted(save(db, A{ n = 1 })))
    local session_fn = noting "flush"
    listen(db.session, "before_flush", session_fn)
    listen(db.session, "before_flush", session_fn, { once = true })
    remove(A, "before_insert", fn)
    assert.same({ "flush" }, noted(save(db, A{ n = 1 })))
    assert.same({}, noted(save(db, A{ n = 1 })))
  end)
end)
