-- What is wrong in the definition of one table is told in one error, a line for each mistake.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

-- The lines of the ArgumentError of a Table of these parts.
local function mistakes(...)
  local parts = table.pack(...)
  local e = refuse("ArgumentError", "table 't'", function()
    return mr.Table("t", mr.MetaData(), table.unpack(parts, 1, parts.n))
  end)
  local lines = {}
  for line in (tostring(e.message) .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = (line:gsub("^%s+", "")) end
  return lines
end

local function key(type_) return mr.Column("id", type_ or mr.Integer, { primary_key = true }) end

describe("the mistakes of a table", function()
  it("are all told: an unknown column in a constraint does not hide a wrong option", function()
    local lines = mistakes(key(mr.String), mr.UniqueConstraint "nope", mr.Index("ix", "zilch"),
      mr.ForeignKeyConstraint({ "ref" }, { "other.id" }), { sqlite_autoincrement = true })
    assert.equal("table 't': 4 mistakes:", lines[1])
    assert.equal("the unique constraint names no column 'nope'", lines[2])
    assert.equal("the foreign key names no column 'ref'", lines[3])
    assert.equal("the index names no column 'zilch'", lines[4])
    assert.truthy(lines[5]:find("column 'id' is String, and has sqlite_autoincrement = true", 1, true))
    assert.equal(5, #lines)
  end)

  it("are those of one constraint, too: each column that it names wrongly", function()
    local lines = mistakes(key(), mr.Column("name", mr.String), mr.UniqueConstraint("nam", "id", "ide"))
    assert.same({ "table 't': 2 mistakes:", "the unique constraint names no column 'nam' (did you mean 'name'?)",
      "the unique constraint names no column 'ide' (did you mean 'id'?)" }, lines)
  end)

  it("are columns of one name together with what follows", function()
    local lines = mistakes(key(), mr.Column("a", mr.Integer), mr.Column("a", mr.String), mr.UniqueConstraint "b")
    assert.same({ "table 't': 2 mistakes:", "has two columns named 'a'",
      "the unique constraint names no column 'b'" }, lines)
  end)

  it("are no more than there are: a wrong primary key is not blamed a second time", function()
    assert.same({ "table 't': the primary key names no column 'x'" },
      mistakes(mr.Column("id", mr.Integer), mr.PrimaryKeyConstraint "x", { sqlite_autoincrement = true }))
    assert.same({ "table 't' has two primary keys" },
      mistakes(mr.Column("a", mr.Integer), mr.Column("b", mr.String), mr.PrimaryKeyConstraint "a",
        mr.PrimaryKeyConstraint "b", { sqlite_autoincrement = true }))
    assert.same({ "table 't' has two columns named 'id'" },
      mistakes(mr.Column("x", mr.Integer), mr.Column("id", mr.String), key(), { sqlite_autoincrement = true }))
  end)

  it("are a primary key without its columns, and what the columns say", function()
    local lines = mistakes(key(), mr.Column("a", mr.Integer, { primary_key = true }), mr.PrimaryKeyConstraint "id",
      mr.Column("c", mr.Integer, mr.Computed "id", { default = 2 }))
    assert.equal("table 't': 2 mistakes:", lines[1])
    assert.equal("column 'a' has primary_key = true, but the primary key constraint leaves it out", lines[2])
    assert.truthy(lines[3]:find("column 'c' is Computed, and has a default", 1, true))
  end)

  it("are constraints without a name that the convention needs", function()
    local md = mr.MetaData{ naming_convention = { ck = "ck_%(table_name)s_%(constraint_name)s" } }
    local e = refuse("ArgumentError", { "2 mistakes", "no column 'nope'", "its CheckConstraint has no name" },
      function() return mr.Table("t", md, key(), mr.CheckConstraint "id > 0", mr.UniqueConstraint "nope") end)
    assert.equal(3, select(2, (e.message .. "\n"):gsub("\n", "")))
  end)

  it("of a class's table are told when it is declared, with the table's schema", function()
    local db = mr.open "sqlite://"
    refuse("ArgumentError", { "'s.thing'", "2 mistakes", "no column 'nope'", "sqlite_autoincrement = true" },
      function()
        db.Model:extend("Thing", {
          id           = db.Column{ db.String, primary_key = true },
          __table_args = { db.UniqueConstraint "nope", schema = "s", sqlite_autoincrement = true },
        })
      end)
    -- Nothing of it is left: the name can be declared again.
    local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    db.session:add(Thing{})
    db.session:commit()
    assert.equal(1, Thing.query:count())
  end)

  it("of a subclass's table do not hide that its identity is no value of polymorphic_on", function()
    local db = mr.open "sqlite://"
    local Emp = db.Model:extend("Emp", {
      id = db.Column{ db.Integer, primary_key = true }, kind = db.Column{ db.String(10) },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "emp" },
    })
    local function declare(identity)
      local ok, err = pcall(Emp.extend, Emp, "Eng", {
        id = db.Column{ db.Integer, db.ForeignKey "emp.id", primary_key = true },
        __table_args = { mr.UniqueConstraint "nope" }, __mapper_args = { polymorphic_identity = identity },
      })
      assert.falsy(ok)
      local lines = {}
      for line in tostring(err.message):gmatch "[^\n]+" do lines[#lines + 1] = line:match "^%s*(.*)" end
      return lines
    end
    assert.same({ "Eng: 2 mistakes:",
      "Eng: polymorphic_identity: expected a string, got integer 7 (tostring makes one)",
      "table 'eng': the unique constraint names no column 'nope'" }, declare(7))
    assert.same({ "table 'eng': the unique constraint names no column 'nope'" }, declare "eng")
  end)

  it("in the words of __table_args come with those of the columns and constraints, in one order", function()
    local db = mr.open "sqlite://"
    local function body()
      return {
        id           = db.Column{ db.Integer, primary_key = true },
        n            = db.Column{ db.Integer, mr.Computed "id", default = 2 },
        __table_args = { db.UniqueConstraint "nope", 5, comment = 5, sqlite_strct = true, schema = 7, zzz = 1,
                         sqlite_strict = "yes" },
      }
    end
    for _ = 1, 5 do
      local e = refuse("ArgumentError", "table 'thing': 8 mistakes:", db.Model.extend, db.Model, "Thing", body())
      local at = 1
      for _, words in ipairs{ "Thing.__table_args: expected constraints and indexes, got number 5",
                              "Thing.__table_args: comment: expected", "Thing.__table_args: schema: expected",
                              "unknown option 'sqlite_strct'", "Thing.__table_args: sqlite_strict: expected true or",
                              "unknown option 'zzz'", "no column 'nope'", "column 'n' is Computed" } do
        local _, last = e.message:find(words, at, true)
        at = assert(last, words .. " is not behind what comes before it in " .. e.message)
      end
    end
    assert.is_nil(db.metadata.tables.thing)
  end)

  it("in the words alone say where they are, and nothing else", function()
    local db = mr.open "sqlite://"
    local function of(args)
      local e = refuse("ArgumentError", "T.__table_args: ", db.Model.extend, db.Model, "T",
        { id = db.Column{ db.Integer, primary_key = true }, __table_args = args })
      return (e.message:gsub("^T.__table_args: ", ""))
    end
    assert.equal("comment: expected a string without zero bytes, got number 5", of{ comment = 5 })
    assert.equal("expected constraints and indexes, got nil (is the variable set?)", of{ nil, db.Index("ix", "id") })
    assert.truthy(of{ [7] = db.UniqueConstraint "id" }:find("got number 7 (is a variable not set?", 1, true))
    assert.truthy(of{ [true] = db.UniqueConstraint "id" }:find("got true", 1, true))
  end)

  it("do not hide that the class needs a primary key", function()
    local db = mr.open "sqlite://"
    local function body(args) return { n = db.Column{ db.Integer }, __table_args = args } end
    refuse("ArgumentError", { "2 mistakes", "no column 'nope'", "T needs a primary key" }, db.Model.extend, db.Model,
      "T", body{ db.UniqueConstraint "nope" })
    refuse("ArgumentError", { "2 mistakes", "'coment'", "T needs a primary key" }, db.Model.extend, db.Model, "T",
      body{ coment = "x" })
    refuse("MappingError", "T needs a primary key", db.Model.extend, db.Model, "T", body{})
  end)

  it("in the parts and options of Table come with the others", function()
    local lines = mistakes(key(), 5, mr.Column("id", mr.Integer), mr.UniqueConstraint "x",
      { comment = 5, sqlite_strict = 1 })
    assert.same({ "table 't': 5 mistakes:", "Table: comment: expected a string without zero bytes, got number 5",
      "Table: sqlite_strict: expected true or false, got number 1",
      "Table: expected a Column, a constraint or an Index, got number 5", "has two columns named 'id'",
      "the unique constraint names no column 'x'" }, lines)
  end)
end)
