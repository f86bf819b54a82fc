-- Mistakes of inheritance are found when the class is declared, all of a class in one error, and nothing of it
-- is left behind.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local staff = require "spec.support.staff"

describe("a declaration of a subclass is refused", function()
  local db, Animal
  before_each(function()
    db = mr.open "sqlite://"
    Animal = db.Model:extend("Animal", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(20) },
      kind = db.Column{ db.String(5) },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "beast" },
    })
  end)

  local function wrong(words, body, base)
    local before = 0
    for _ in pairs(Animal.__table.c) do before = before + 1 end
    refuse("MappingError", words, (base or Animal).extend, base or Animal, "Cat", body)
    local after = 0
    for _ in pairs(Animal.__table.c) do after = after + 1 end
    assert.equal(before, after)
    Animal:extend("Cat", { lives = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "cat" } })
    db:create_all()
  end

  it("that has an identity which another one has", function()
    wrong({ "Cat has the polymorphic_identity of Animal" }, { __mapper_args = { polymorphic_identity = "beast" } })
  end)

  it("that has an identity, where no column tells classes apart", function()
    local Plant = db.Model:extend("Plant", { id = db.Column{ db.Integer, primary_key = true } })
    wrong({ "Cat has a polymorphic_identity, but no column says", "give Plant", "polymorphic_on" },
      { __mapper_args = { polymorphic_identity = "cat" } }, Plant)
  end)

  it("whose identity the column cannot hold", function()
    wrong({ "Cat: polymorphic_identity", "5" }, { __mapper_args = { polymorphic_identity = "pussycat" } })
  end)

  it("whose identity is no choice of an Enum, or of another type", function()
    local Plant = db.Model:extend("Plant", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.Enum("tree", "rose") }, n = db.Column{ db.Integer },
      __mapper_args = { polymorphic_on = "kind" } })
    wrong({ "Cat: polymorphic_identity", "tree" }, { __mapper_args = { polymorphic_identity = "cat" } }, Plant)
    local Stone = db.Model:extend("Stone", { id = db.Column{ db.Integer, primary_key = true },
      n = db.Column{ db.Integer }, __mapper_args = { polymorphic_on = "n" } })
    refuse("MappingError", { "Ruby: polymorphic_identity", "integer" }, Stone.extend, Stone, "Ruby",
      { __mapper_args = { polymorphic_identity = "red" } })
  end)

  it("that gives a column of the table another type", function()
    Animal:extend("Dog", { size = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "dog" } })
    wrong({ "Cat.size", "Dog has a column 'size' in the table 'animal' already, of another type" },
      { size = db.Column{ db.String(5) }, __mapper_args = { polymorphic_identity = "cat" } })
  end)

  it("that has a column which its other classes could not fill", function()
    wrong({ "Cat.lives has nullable = false", "server_default" },
      { lives = db.Column{ db.Integer, nullable = false }, __mapper_args = { polymorphic_identity = "cat" } })
  end)

  it("that declares an attribute of its base again", function()
    refuse("ArgumentError", { "Cat.name", "Animal" }, Animal.extend, Animal, "Cat", { name = db.Column{ db.Integer } })
  end)

  it("with all its mistakes in one error", function()
    Animal:extend("Dog", { size = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "dog" } })
    wrong({ "Cat: 3 mistakes in its inheritance:", "Cat.size", "Cat has the polymorphic_identity of Dog",
      "Cat.lives has nullable = false" }, {
        size = db.Column{ db.String(5) }, lives = db.Column{ db.Integer, nullable = false },
        __mapper_args = { polymorphic_identity = "dog" },
      })
  end)

  it("with those of its columns' definitions among them", function()
    Animal:extend("Dog", { size = db.Column{ db.Integer }, __mapper_args = { polymorphic_identity = "dog" } })
    local function twice() return db.Column{ db.Integer, mr.Computed "id", default = 2 } end
    -- One alone is told as that of any table.
    local e = refuse("ArgumentError", "table 'animal': column 'lives' is Computed", Animal.extend, Animal, "Cat",
      { lives = twice(), __mapper_args = { polymorphic_identity = "cat" } })
    assert.is_nil(e.message:find("\n", 1, true))
    wrong({ "Cat: 4 mistakes", "Cat.size", "column 'lives' is Computed, and has a default", "column 'tail' is Computed",
      "Cat has the polymorphic_identity of Dog" },
      { size = db.Column{ db.String(5) }, lives = twice(), tail = twice(),
        __mapper_args = { polymorphic_identity = "dog" } })
  end)

  it("whose table has no foreign key to that of its base", function()
    wrong({ "Cat has a table of its own, 'cats', but no foreign key from there to 'animal', the table of Animal",
      'ForeignKey "animal.id"' },
      { __tablename = "cats", id = db.Column{ db.Integer, primary_key = true },
        __mapper_args = { polymorphic_identity = "cat" } })
  end)

  it("whose table has no primary key", function()
    refuse("MappingError", { "Cat needs a primary key" }, Animal.extend, Animal, "Cat",
      { __tablename = "cats", lives = db.Column{ db.Integer } })
  end)

  it("whose table has several foreign keys to that of its base, none of which is its key", function()
    wrong({ "Cat: 2 foreign keys lead from 'cats' to the table of Animal", "inherit_condition" }, {
      __tablename = "cats", id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ db.ForeignKey "animal.id" }, b = db.Column{ db.ForeignKey "animal.id" },
    })
  end)

  it("whose foreign key leads to a part of the key only", function()
    local Place = db.Model:extend("Place", {
      x = db.Column{ db.Integer, primary_key = true }, y = db.Column{ db.Integer, primary_key = true } })
    refuse("MappingError", { "Town", "leaves out 'y' of the primary key of Place" }, Place.extend, Place, "Town",
      { __tablename = "town", x = db.Column{ db.Integer, db.ForeignKey "place.x", primary_key = true } })
  end)

  it("that says polymorphic_on again", function()
    wrong({ "Cat has polymorphic_on, which Animal gives already" },
      { fur = db.Column{ db.String(5) }, __mapper_args = { polymorphic_on = "fur", polymorphic_identity = "cat" } })
  end)

  it("that has an inherit_condition without a table, or one that joins nothing", function()
    wrong({ "Cat has an inherit_condition, but no table beside" },
      { __mapper_args = { polymorphic_identity = "cat", inherit_condition = function(c) return c.id:eq(1) end } })
    refuse("MappingError", { "Owl: its inherit_condition makes no column of 'owl' equal to one of 'animal'" },
      Animal.extend, Animal, "Owl", { __tablename = "owl", id = db.Column{ db.Integer, primary_key = true },
        __mapper_args = { inherit_condition = function(c) return c.id:eq(c.id) end } })
  end)

  it("that is a second fallback, or a fallback where nothing tells classes apart", function()
    Animal:extend("Dog", { __mapper_args = { polymorphic_identity = "dog", polymorphic_fallback = true } })
    wrong({ "Cat has polymorphic_fallback, and so has Dog" },
      { __mapper_args = { polymorphic_identity = "cat", polymorphic_fallback = true } })
    refuse("MappingError", { "Rock has polymorphic_fallback, but no class" }, db.Model.extend, db.Model, "Rock",
      { id = db.Column{ db.Integer, primary_key = true }, __mapper_args = { polymorphic_fallback = true } })
  end)
end)

describe("a subclass without an identity", function()
  local db, Animal
  before_each(function()
    db = mr.open "sqlite://"
    Animal = db.Model:extend("Animal", { id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String }, kind = db.Column{ db.String },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "animal" } })
  end)

  it("is a mistake, in its base's table and in one of its own, as its rows would be those of others", function()
    Animal:extend("Cat", {})
    Animal:extend("Dog", { __tablename = "dog",
      id = db.Column{ db.Integer, db.ForeignKey "animal.id", primary_key = true } })
    refuse("MappingError", { "2 mappings are wrong", "Cat: it has no polymorphic_identity",
      "Dog: it has no polymorphic_identity", "of Animal", "kind" }, db.configure, db)
  end)

  it("is none, where it is between two others; but it has no objects", function()
    local Pet = Animal:extend("Pet", { owner = db.Column{ db.String } })
    local Cat = Pet:extend("Cat", { __mapper_args = { polymorphic_identity = "cat" } })
    db:create_all()
    db.session:add(Cat{ name = "Tom", owner = "Ann" })
    db.session:commit()
    assert.equal("Ann", Pet.query:one().owner)
    db.session:add(Pet{ name = "Rex" })
    refuse("InvalidRequestError", { "a new Pet", "no polymorphic_identity", "a subclass" }, db.session.flush,
      db.session)
    db.session:rollback()
    for _, insert in ipairs{ function() db.session:execute(mr.insert(Pet):values{ name = "Rex" }) end,
      function() db.session:execute(mr.insert(Pet), { { name = "Rex" } }) end } do
      refuse("ArgumentError", { "Pet has no polymorphic_identity", "'kind'" }, insert)
    end
    db.session:add(Pet{ name = "Rex", kind = "cat" }) -- the program says what the row is
    db.session:commit()
    db.session:remove()
    assert.equal(2, #Cat.query:all())
  end)

  it("is none that takes all rows of no other class; its new objects need a value that tells it", function()
    local Other = Animal:extend("Other", { __mapper_args = { polymorphic_fallback = true } })
    db:create_all()
    db.session:add(Other{ kind = "yeti" })
    db.session:commit()
    db.session:add(Other{})
    refuse("InvalidRequestError", { "a new Other", "no polymorphic_identity" }, db.session.flush, db.session)
    db.session:rollback()
    assert.equal("yeti", Other.query:one().kind)
  end)
end)

describe("the options of inheritance", function()
  it("are checked for their types and words", function()
    local db = mr.open "sqlite://"
    local function args(options)
      return db.Model.extend, db.Model, "Cat", { id = db.Column{ db.Integer, primary_key = true },
        kind = db.Column{ db.String(5) }, __mapper_args = options }
    end
    refuse("MappingError", { "Cat: polymorphic_on: there is no column 'kinds'", "'kind'" },
      args{ polymorphic_on = "kinds" })
    refuse("ArgumentError", { "polymorphic_on", "42" }, args{ polymorphic_on = 42 })
    refuse("ArgumentError", { "polymorphic_identity", "got table" },
      args{ polymorphic_on = "kind", polymorphic_identity = {} })
    refuse("ArgumentError", { "polymorphic_load", '"inline" or "selectin"' }, args{ polymorphic_load = "later" })
    refuse("ArgumentError", { "with_polymorphic", '"*"' }, args{ with_polymorphic = true })
    refuse("ArgumentError", { "inherit_condition", "function" }, args{ inherit_condition = "x" })
    refuse("ArgumentError", { "polymorphic_fallback", "true or false" }, args{ polymorphic_fallback = 1 })
    refuse("ArgumentError", { "unknown option 'polymorphic_of'", "'polymorphic_on'" }, args{ polymorphic_of = "kind" })
    refuse("ArgumentError", { "Cat.__mapper_args: polymorphic_on",
      "expected an SQL expression from the function, got number 5" },
      args{ polymorphic_on = function() return 5 end })
  end)

  it("bring an error of a function of the program as it is, and leave no class", function()
    local db = mr.open "sqlite://"
    local ok, e = pcall(db.Model.extend, db.Model, "Cat", { id = db.Column{ db.Integer, primary_key = true },
      __mapper_args = { polymorphic_on = function() error({ mine = true }) end } })
    assert.truthy(not ok and e.mine)
    db.Model:extend("Cat", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
  end)
end)

describe("the order of a relationship", function()
  it("names no column of a table that only subclasses have: its loads do not read that", function()
    local db, C = staff.declare("joined", nil, { Company = nil })
    db.Model:extend("Union", { id = db.Column{ db.Integer, db.ForeignKey "company.id", primary_key = true },
      members = db.relationship{ "Employee", viewonly = true, order_by = "Engineer.machine",
        primaryjoin = function() return db.metadata.tables.union.c.id:eq(C.Employee.company_id) end,
        foreign_keys = function() return C.Employee.company_id end } })
    refuse("MappingError", "Union.members: its order_by names 'machine' of the table 'engineer', which is no table of "
      .. "Employee: order by an attribute of Employee, or lead the relationship to a class of 'engineer'",
      function() db:configure() end)
  end)
end)

describe("two classes of one table", function()
  it("may declare the same column, which is one", function()
    local db = mr.open "sqlite://"
    local Animal = db.Model:extend("Animal", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(5) }, __mapper_args = { polymorphic_on = "kind" } })
    local Dog = Animal:extend("Dog", { size = db.Column{ db.Integer }, bark = db.Column{ db.Integer },
      __mapper_args = { polymorphic_identity = "dog" } })
    local Cat = Animal:extend("Cat", { lives = db.Column{ db.Integer }, size = db.Column{ db.Integer },
      __mapper_args = { polymorphic_identity = "cat" } })
    db:create_all()
    db.session:add_all{ Dog{ size = 3, bark = 1 }, Cat{ size = 2, lives = 9 } }
    db.session:commit()
    db.session:remove()
    local dog, cat = table.unpack(Animal.query:order_by(Animal.id):all())
    assert.same({ 3, 1, 2, 9 }, { dog.size, dog.bark, cat.size, cat.lives })
    assert.equal(1, Cat.query:filter(Cat.size:gt(1)):count())
    assert.equal(0, Dog.query:filter_by{ size = 2 }:count())
  end)
end)
