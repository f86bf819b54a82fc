-- Tables declared with options and parts of wrong types: each is refused at the declaration, by a message that names
-- the part and what it expects.
local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db = mr.open "sqlite://"
local n = 0
local function declare(...)
  n = n + 1
  return tostring(mr.CreateTable(db.Table("hostile" .. n, ...)))
end
local function id(options)
  local column = { "id", db.Integer, primary_key = true }
  for name, value in pairs(options or {}) do column[name] = value end
  return db.Column(column)
end
local function with(...) return declare(id(), ...) end

local CASES = {
  { { "autoincrement", 'true, false or "auto"', 'string "yes"' }, function() id{ autoincrement = "yes" } end },
  { { "sqlite_autoincrement", "true or false" }, function() with{ sqlite_autoincrement = "yes" } end },
  { { "column 'id'", "2 columns" }, function()
    declare(id{ autoincrement = true }, db.Column{ "b", db.Integer, primary_key = true })
  end },
  { { "column 'b'", "is no primary key" }, function() with(db.Column{ "b", db.Integer, autoincrement = true }) end },
  { { "sqlite_with_rowid = false", "leave one of them out" }, function()
    declare(id{ autoincrement = true }, { sqlite_with_rowid = false })
  end },
  { { "sqlite_strict", "number 1" }, function() with{ sqlite_strict = 1 } end },
  { { "'sqlite_strikt'", "did you mean 'sqlite_strict'" }, function() with{ sqlite_strikt = true } end },
  { { "schema: expected a string", "number 5" }, function() with{ schema = 5 } end },
  { { "Table: expected a name", "number 5" }, function() db.Table(5, id()) end },
  { { "two columns named 'id'" }, function() with(id()) end },
  { { "'nulable'", "did you mean 'nullable'" }, function() db.Column{ "x", db.Integer, nulable = false } end },
  { { "Column: nullable", 'string "no"' }, function() db.Column{ "x", db.Integer, nullable = "no" } end },
  { { "Column: comment", "number 5" }, function() id{ comment = 5 } end },
  { { "Column 'x' needs a type" }, function() with(db.Column{ "x" }) end },
  { { "Column: expected a type", "number 5" }, function() db.Column{ "x", 5 } end },
  { { "Computed: expected SQL text", "number 5" }, function() db.Computed(5) end },
  { { "column 'b' is Computed", "has a default" }, function()
    with(db.Column{ "b", db.Integer, db.Computed "1", default = 3 })
  end },
  { { "column 'b' is Computed", "has an Identity" }, function()
    with(db.Column{ "b", db.Integer, db.Computed "1", db.Identity() })
  end },
  { { "Identity: start", 'string "a"' }, function() db.Identity{ start = "a" } end },
  { { "increment of an Identity must not be 0" }, function()
    declare(db.Column{ "id", db.Integer, db.Identity{ increment = 0 }, primary_key = true })
  end },
  { { "CheckConstraint: expected SQL text", "number 5" }, function() db.CheckConstraint(5) end },
  { { "CheckConstraint: expected SQL text" }, function() db.CheckConstraint "" end },
  { { "UniqueConstraint: name at least one column" }, function() db.UniqueConstraint() end },
  { { "the unique constraint names no column 'nope'" }, function() with(db.UniqueConstraint "nope") end },
  { { "the primary key names no column 'nope'" }, function() with(db.PrimaryKeyConstraint "nope") end },
  { { 'ForeignKey: expected "table.column"', "number 5" }, function() db.ForeignKey(5) end },
  { { "ForeignKey: deferrable", 'string "x"' }, function() db.ForeignKey("a.id", { deferrable = "x" }) end },
  { { "initially", '"DEFERRED" or "IMMEDIATE"' }, function()
    db.ForeignKey("a.id", { deferrable = true, initially = "soon" })
  end },
  { { "ondelete", '"CASCADE"', '"explode"' }, function() db.ForeignKey("a.id", { ondelete = "explode" }) end },
  { { "as many columns as targets" }, function() db.ForeignKeyConstraint({ "id" }, { "a.id", "a.b" }) end },
  { { "Index: expected a column", "number 5" }, function() db.Index("i", 5) end },
  { { "Index: expected a name, then the columns" }, function() db.Index "i" end },
  { { "CreateTable: expected a table or a class" }, function() mr.CreateTable(5) end },
  { { "String: the length must be at least 1" }, function() db.String(-1) end },
  { { "Numeric: there cannot be 5 digits behind the point among 2" }, function() db.Numeric(2, 5) end },
  { { "the choice 'a' is there twice" }, function() db.Enum("a", "a") end },
  { { "Array: write the type of its items" }, function() db.Array() end },
  { { "storage is one of", '"unx"' }, function() db.DateTime{ storage = "unx" } end },
  { { "unknown key 'xx'", "ix, uq, ck, fk and pk" }, function()
    mr.MetaData{ naming_convention = { xx = "a" } }
  end },
  { { "unknown token 'nope'" }, function() mr.MetaData{ naming_convention = { ix = "%(nope)s" } } end },
  { { "naming_convention: expected a table of patterns" }, function() mr.MetaData{ naming_convention = "a" } end },
}

describe("a part of a table that is wrong", function()
  for _, case in ipairs(CASES) do
    it("is refused at the declaration: " .. case[1][1], function() refuse("ArgumentError", case[1], case[2]) end)
  end
end)
