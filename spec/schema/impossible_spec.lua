-- Mistakes in a definition that a database would tell late or never: defaults that no row can have, what makes a value
-- twice, names that are there twice, foreign keys of another type than their key. They are told when the class is
-- declared, all together, or when the mappings are configured.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function columns(db, more)
  local list = { id = db.Column{ db.Integer, primary_key = true } }
  for name, column in pairs(more) do list[name] = column end
  return list
end

local function declare(more)
  local db = mr.open "sqlite://"
  return db.Model:extend("A", columns(db, more(db)))
end

describe("a default that no row can have", function()
  local CASES = {
    { "SmallInteger", function() return mr.SmallInteger, 40000 end, "is outside of -32768 to 32767" },
    { "Enum", function() return mr.Enum("a", "b"), "c" end, "is not a choice of Enum(a, b)" },
    { "a stored Enum", function() return mr.Enum("a", "b", { storage = "position" }), "c" end, "is not a choice of" },
    { "String", function() return mr.String(2), "abc" end, "has 3 characters, too long for String(2)" },
    { "a variant", function() return mr.String(2):with_variant(mr.String(1), "sqlite"), "abc" end, "too long" },
  }
  for _, case in ipairs(CASES) do
    for _, option in ipairs{ "default", "onupdate" } do
      it("is told when the class is declared: " .. option .. " of " .. case[1], function()
        local column_type, value = case[2]()
        refuse("ArgumentError", { "table 'a': column 'x': " .. option .. ": ", case[3] }, declare, function(db)
          return { x = db.Column{ column_type, [option] = value } }
        end)
      end)
    end
  end

  it("is told together with other mistakes", function()
    local words = { "table 'a': 4 mistakes:", "column 's': default: integer 40000", "column 'e': default",
      "column 't': onupdate", "column 'y' is Computed" }
    refuse("ArgumentError", words, declare, function(db)
      return {
        s = db.Column{ db.SmallInteger, default = 40000 }, e = db.Column{ db.Enum "a", default = "b" },
        t = db.Column{ db.String(2), onupdate = "abc" }, y = db.Column{ db.Integer, mr.Computed "s", default = 1 },
      }
    end)
  end)

  it("is none that a row can have, also by one of its variants", function()
    declare(function(db)
      return { s = db.Column{ db.SmallInteger, default = -32768 }, e = db.Column{ db.Enum("a", "b"), default = "b" },
        t = db.Column{ db.String(2), default = "ab" },
        v = db.Column{ db.String(2):with_variant(db.String(3), "sqlite"), default = "abc" } }
    end)
  end)

  it("is told of a table, and of a column that comes later", function()
    refuse("ArgumentError", "table 't': column 's': default", function()
      mr.Table("t", mr.MetaData(), mr.Column{ "s", mr.SmallInteger, default = 40000 })
    end)
  end)
end)

describe("what makes a value", function()
  it("is an Identity or a default, not both", function()
    refuse("ArgumentError", { "column 'n' has an Identity and a default", "leave one of them out" }, declare,
      function(db) return { n = db.Column{ db.Integer, mr.Identity(), default = 5 } } end)
  end)
end)

describe("a name that is there twice", function()
  local function table_of(metadata, name, ...)
    return mr.Table(name, metadata, mr.Column{ "id", mr.Integer, primary_key = true }, mr.Column{ "x", mr.Integer },
      mr.Column{ "y", mr.Integer }, ...)
  end

  it("is refused for two constraints of a table", function()
    local words = { "table 't'", "two constraints are named 'c'", "a name of its own" }
    refuse("ArgumentError", words, table_of, mr.MetaData(), "t", mr.CheckConstraint("x > 1", { name = "c" }),
      mr.CheckConstraint("x > 2", { name = "c" }))
    refuse("ArgumentError", words, table_of, mr.MetaData(), "t", mr.UniqueConstraint("x", { name = "c" }),
      mr.CheckConstraint("x > 2", { name = "c" }))
    refuse("ArgumentError", words, mr.Table, "t", mr.MetaData(),
      mr.Column{ "a", mr.Integer, mr.CheckConstraint("a > 1", { name = "c" }) },
      mr.Column{ "b", mr.Integer, mr.ForeignKey("t.a", { name = "c" }) })
  end)

  it("is allowed in two tables, and where the convention makes two names of it", function()
    local metadata = mr.MetaData()
    table_of(metadata, "t", mr.CheckConstraint("x > 1", { name = "c" }))
    table_of(metadata, "u", mr.CheckConstraint("x > 1", { name = "c" }))
    table_of(mr.MetaData{ naming_convention = { ck = "ck_%(constraint_name)s" } }, "t",
      mr.CheckConstraint("x > 1", { name = "c" }), mr.UniqueConstraint("x", { name = "c" }))
  end)

  it("is refused for two indexes, in one table or in all of a schema", function()
    refuse("ArgumentError", { "table 't'", "two indexes are named 'i'", "on table 't'" }, table_of, mr.MetaData(), "t",
      mr.Index("i", "x"), mr.Index("i", "y"))
    local metadata = mr.MetaData()
    local first = table_of(metadata, "t", mr.Index("i", "x"))
    refuse("ArgumentError", { "table 'u'", "two indexes are named 'i'", "on table 't'" }, table_of, metadata, "u",
      mr.Index("i", "x"))
    refuse("ArgumentError", "two indexes are named 'i'", mr.Index, "i", first.c.y)
    assert.is_nil(metadata.tables.u)
    mr.Table("u", metadata, mr.Column{ "x", mr.Integer }, mr.Index("i", "x"), { schema = "other" })
  end)
end)

describe("a foreign key of another type than its key", function()
  -- The warnings of configuring.
  local function warnings(own, key)
    local found = {}
    local db = mr.open "sqlite://"
    db.Model:extend("B", { id = db.Column{ key, primary_key = true } })
    local A = db.Model:extend("A", columns(db, {
      b_id = db.Column{ own, db.ForeignKey "b.id" }, free = db.Column{ db.ForeignKey "b.id" } }))
    local host = rawget(_G, "warn")
    rawset(_G, "warn", function(text) found[#found + 1] = text end)
    local ok, e = pcall(db.configure, db)
    if ok then db:configure() end
    rawset(_G, "warn", host)
    assert(ok, e)
    assert.is_not_nil(A)
    return found
  end

  it("warns, once, and names both", function()
    local found = warnings(mr.Text, mr.Integer)
    assert.equal(1, #found)
    assert.truthy(found[1]:find("A.b_id is Text, and refers to b.id, which is Integer: PostgreSQL refuses", 1, true))
    assert.truthy(found[1]:find("leave the type out", 1, true))
    assert.equal(1, #warnings(mr.Date, mr.Text))
    assert.equal(1, #warnings(mr.LargeBinary, mr.Text))
  end)

  it("warns where both are stored in different forms", function()
    local found = warnings(mr.Uuid{ storage = "text" }, mr.Uuid{ storage = "blob" })
    assert.equal(1, #found)
    assert.truthy(found[1]:find("finds none equal", 1, true))
  end)

  it("does not warn of types that are compared as the same", function()
    assert.same({}, warnings(mr.BigInteger, mr.Integer))
    assert.same({}, warnings(mr.String(20), mr.Text))
    assert.same({}, warnings(mr.Uuid{ storage = "blob" }, mr.Uuid{ storage = "blob" }))
    assert.same({}, warnings(mr.Any, mr.Integer))
  end)
end)

describe("a key that SQLite would not number", function()
  it("is told where the class asks for numbers", function()
    local words = { 'sqlite_type = "INT"', "SQLite numbers a column of the type INTEGER alone" }
    refuse("ArgumentError", words, function()
      mr.Table("a", mr.MetaData(),
        mr.Column("id", mr.Integer, { primary_key = true, autoincrement = true, sqlite_type = "INT" }))
    end)
    refuse("ArgumentError", words, function()
      mr.Table{ "a", mr.MetaData(), mr.Column("id", mr.Integer, { primary_key = true, sqlite_type = "INT" }),
        sqlite_autoincrement = true }
    end)
    local same = mr.Table("a", mr.MetaData(),
      mr.Column("id", mr.Integer, { primary_key = true, autoincrement = true, sqlite_type = "integer" }))
    assert.equal("CREATE TABLE a ( id integer NOT NULL PRIMARY KEY AUTOINCREMENT )", tostring(mr.CreateTable(same)))
    local plain = mr.Column("id", mr.Integer, { primary_key = true, sqlite_type = "INT" })
    assert.truthy(mr.Table("a", mr.MetaData(), plain))
  end)
end)

describe("a constraint that has a column two times", function()
  it("is told, and which one", function()
    local function with(constraint)
      return function()
        local key = mr.Column("id", mr.Integer, { primary_key = true })
        mr.Table("a", mr.MetaData(), key, mr.Column("x", mr.Integer), constraint)
      end
    end
    refuse("ArgumentError", "the unique constraint names the column 'x' twice: leave it out once",
      with(mr.UniqueConstraint("x", "id", "x")))
    refuse("ArgumentError", "the foreign key names the column 'x' twice: leave it out once",
      with(mr.ForeignKeyConstraint({ "x", "x" }, { "b.x", "b.y" })))
  end)
end)

describe("nil in the place of the options", function()
  it("is no argument", function()
    local db = mr.open "sqlite://"
    local A = db.Model:extend("A", {
      id = db.Column{ db.Integer, primary_key = true }, a_id = db.Column{ db.ForeignKey("a.id", nil) },
      twice = db.Column{ db.Integer, mr.Computed("id * 2", nil), mr.CheckConstraint("id > 0", nil) },
    })
    db:create_all(nil)
    assert.truthy(tostring(mr.CreateTable(A, nil)):find("REFERENCES a (id)", 1, true))
    refuse("ArgumentError", "expected one", mr.ForeignKey, "a.id", "b.id")
  end)
end)

describe("a value that a column cannot have", function()
  it("is told with the column's name, where it has one", function()
    refuse("ArgumentError", "Column 'born' default: expected an integer, got string", mr.Column, "born", mr.Integer,
      { default = "x" })
    refuse("ArgumentError", "Column onupdate: expected an integer, got string", mr.Column, mr.Integer,
      { onupdate = "x" })
    refuse("ArgumentError", "String: the length must be at most 2147483647", mr.String, 1 << 31)
  end)
end)
