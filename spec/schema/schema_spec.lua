-- Tables: their DDL, create_all and drop_all, names that need quotes, keys of several columns, and wrong declarations.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

-- The statements of create_all, without its checks.
local function ddl(db, fn)
  local out = {}
  for _, text in ipairs(support.statements(db, fn or function() db:create_all() end)) do
    if text:find "^CREATE" or text:find "^DROP" then out[#out + 1] = text end
  end
  return out
end

-- Declares a class with nothing but an id, and what body adds.
local function plain(db, name, body)
  body = body or {}
  body.id = body.id or db.Column{ db.Integer, primary_key = true }
  return db.Model:extend(name, body)
end

describe("DDL", function()
  local db

  before_each(function() db = mr.open "sqlite://" end)

  it("spells the types", function()
    db.Model:extend("Every", {
      id = db.Column{ db.Integer, primary_key = true },
      a  = db.Column{ db.Integer },
      b  = db.Column{ db.BigInteger },
      c_ = db.Column{ "c", db.Float },
      d  = db.Column{ db.Boolean },
      e  = db.Column{ db.String(30) },
      f  = db.Column{ db.String },
      g  = db.Column{ db.Text },
      h  = db.Column{ db.LargeBinary },
      i  = db.Column{ db.Date },
      j  = db.Column{ db.Time },
      k  = db.Column{ db.DateTime },
    })
    assert.same({ "CREATE TABLE every ( id INTEGER NOT NULL, a INTEGER, b BIGINT, c FLOAT, d BOOLEAN, "
      .. "e VARCHAR(30), f VARCHAR, g TEXT, h BLOB, i DATE, j TIME, k DATETIME, PRIMARY KEY (id) )" },
      ddl(db))
  end)

  it("keeps the order in which columns are written, however many", function()
    local z = db.Column{ db.Integer, primary_key = true }
    local body, expected = { z = z }, { "z INTEGER NOT NULL" }
    local list = {}
    for i = 1, 60 do
      list[i] = db.Column{ db.Integer }
      body[("c%d"):format((i * 37) % 61)] = list[i]
      expected[#expected + 1] = ("c%d INTEGER"):format((i * 37) % 61)
    end
    db.Model:extend("Wide", body)
    assert.same({ "CREATE TABLE wide ( " .. table.concat(expected, ", ") .. ", PRIMARY KEY (z) )" }, ddl(db))
  end)

  it("has foreign keys, in their order, and takes their type from the column they name", function()
    plain(db, "Child", {
      parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id", nullable = false },
      code      = db.Column{ db.ForeignKey "parent.code" },
    })
    db.Model:extend("Parent", {
      id   = db.Column{ db.Integer, primary_key = true },
      code = db.Column{ db.String(2), unique = true },
    })
    local texts = ddl(db)
    assert.equal(2, #texts)
    assert.equal("CREATE TABLE parent ( id INTEGER NOT NULL, code VARCHAR(2), PRIMARY KEY (id), "
      .. "UNIQUE (code) )", texts[1])
    assert.matches("^CREATE TABLE child %(.*FOREIGN KEY%(parent_id%) REFERENCES parent %(id%)", texts[2])
    assert.matches("FOREIGN KEY%(code%) REFERENCES parent %(code%)", texts[2])
    assert.matches("code VARCHAR%(2%)", texts[2])
    assert.same({ "DROP TABLE child", "DROP TABLE parent" }, ddl(db, function() db:drop_all() end))
    assert.same({}, ddl(db, function() db:drop_all() end))
  end)

  it("has indexes, unique ones too", function()
    db.Model:extend("Thing", {
      id   = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(10), index = true },
      slug = db.Column{ db.String(10), index = true, unique = true },
    })
    assert.same({
      "CREATE TABLE thing ( id INTEGER NOT NULL, name VARCHAR(10), slug VARCHAR(10), PRIMARY KEY (id) )",
      "CREATE INDEX ix_thing_name ON thing (name)",
      "CREATE UNIQUE INDEX ix_thing_slug ON thing (slug)",
    }, ddl(db))
    assert.same({}, ddl(db))
  end)

  it("has constraints of several columns", function()
    plain(db, "Thing", {
      a = db.Column{ db.Integer },
      b = db.Column{ db.Integer },
      __table_args = { db.UniqueConstraint("a", "b", { name = "a_and_b" }), db.CheckConstraint "a < b" },
    })
    local text = ddl(db)[1]
    assert.matches("CONSTRAINT a_and_b UNIQUE (a, b)", text, 1, true)
    assert.matches("CHECK (a < b)", text, 1, true)
  end)

  it("has a server's default", function()
    plain(db, "Thing", {
      n    = db.Column{ db.Integer, server_default = mr.text "7" },
      made = db.Column{ db.DateTime, server_default = mr.text "CURRENT_TIMESTAMP" },
    })
    local text = ddl(db)[1]
    assert.matches("n INTEGER DEFAULT 7", text, 1, true)
    assert.matches("made DATETIME DEFAULT CURRENT_TIMESTAMP", text, 1, true)
  end)

  it("is written for what is missing only", function()
    plain(db, "First")
    assert.equal(1, #ddl(db))
    plain(db, "Second")
    assert.same({ "CREATE TABLE second ( id INTEGER NOT NULL, PRIMARY KEY (id) )" }, ddl(db))
    assert.same({ "DROP TABLE first" },
      ddl(db, function() db:drop_all{ tables = { db.metadata.tables.first } } end))
    assert.same({ "CREATE TABLE first ( id INTEGER NOT NULL, PRIMARY KEY (id) )" }, ddl(db))
  end)

  it("is in the transaction of nobody: tables are there for all", function()
    local Thing = plain(db, "Thing")
    db:create_all()
    local other = mr.Session(db.engine)
    assert.equal(0, other:query(Thing):count())
    other:close()
  end)

  it("puts tables that refer to each other in a cycle somewhere", function()
    plain(db, "Hen", { egg_id = db.Column{ db.Integer, db.ForeignKey "egg.id" } })
    plain(db, "Egg", { hen_id = db.Column{ db.Integer, db.ForeignKey "hen.id" } })
    assert.equal(2, #ddl(db))
    db:drop_all()
    assert.equal(2, #ddl(db))
  end)
end)

describe("names", function()
  it("are quoted where they must be", function()
    local db = mr.open "sqlite://"
    local Order = db.Model:extend("Order", {
      id      = db.Column{ db.Integer, primary_key = true },
      select  = db.Column{ db.String(10) },
      Mixed   = db.Column{ db.Integer },
      spaced  = db.Column{ "with space", db.Integer },
      quoted  = db.Column{ 'with "quote"', db.Integer },
      unicode = db.Column{ "größe 漢字", db.Integer },
    })
    assert.equal('CREATE TABLE "order" ( id INTEGER NOT NULL, "select" VARCHAR(10), "Mixed" INTEGER, '
      .. '"with space" INTEGER, "with ""quote""" INTEGER, "größe 漢字" INTEGER, PRIMARY KEY (id) )',
      ddl(db)[1])
    local order = Order{ select = "x", Mixed = 1, spaced = 2, quoted = 3, unicode = 4 }
    db.session:add(order)
    db.session:commit()
    db.session:remove()
    order = Order.query:filter_by{ select = "x",
      spaced = 2 }:filter(Order.quoted:eq(3) & Order.unicode:gt(3)):one()
    assert.same({ "x", 1, 2, 3, 4 }, { order.select, order.Mixed, order.spaced, order.quoted, order.unicode })
    order.quoted = 33
    order.select = "from"
    db.session:commit()
    assert.equal(33, Order.query:order_by(Order.spaced:desc()):first().quoted)
    db.session:delete(order)
    db.session:commit()
    assert.equal(0, Order.query:count())
    db:drop_all()
  end)

  it("may differ between attribute and column", function()
    local db = mr.open "sqlite://"
    local User = db.Model:extend("User", {
      id   = db.Column{ db.Integer, primary_key = true },
      mail = db.Column{ "email", db.String(20) },
    })
    db:create_all()
    db.session:add(User{ mail = "a@x" })
    db.session:commit()
    assert.same({ "SELECT user.id AS user_id, user.email AS user_email FROM user WHERE user.email = ?" },
      support.statements(db,
        function() assert.equal("a@x", User.query:filter_by{ mail = "a@x" }:all()[1].mail) end))
    refuse("ArgumentError", "'email'", User, { email = "x" })
  end)

  it("of a table may be given", function()
    local db = mr.open "sqlite://"
    local User = plain(db, "User", { __tablename = "people of old" })
    assert.equal("people of old", User.__table.name)
    assert.equal('CREATE TABLE "people of old" ( id INTEGER NOT NULL, PRIMARY KEY (id) )', ddl(db)[1])
  end)
end)

describe("a key of several columns", function()
  local db, Seat

  before_each(function()
    db = mr.open "sqlite://"
    Seat = db.Model:extend("Seat", {
      line   = db.Column{ db.String(2), primary_key = true },
      number = db.Column{ db.Integer, primary_key = true },
      guest  = db.Column{ db.String(20) },
    })
    db:create_all()
  end)

  it("is in the DDL", function()
    local other = mr.open "sqlite://"
    other.Model:extend("Seat", {
      line   = other.Column{ other.String(2), primary_key = true },
      number = other.Column{ other.Integer, primary_key = true },
    })
    assert.equal("CREATE TABLE seat ( line VARCHAR(2) NOT NULL, number INTEGER NOT NULL, "
      .. "PRIMARY KEY (line, number) )", ddl(other)[1])
  end)

  it("works in get, changes and deletes", function()
    db.session:add_all{ Seat{ line = "a", number = 1 }, Seat{ line = "a", number = 2 },
      Seat{ line = "b", number = 1 } }
    db.session:commit()
    local seat = db.session:get(Seat, { "a", 2 })
    assert.is_true(rawequal(seat, Seat.query:filter_by{ line = "a", number = 2 }:one()))
    assert.same({}, support.statements(db, function()
      assert.is_true(rawequal(seat, db.session:get(Seat, { "a", 2.0 })))
      assert.is_true(rawequal(seat, db.session:get(Seat, { line = "a", number = 2 })))
    end))
    assert.is_nil(db.session:get(Seat, { "c", 1 }))
    assert.same({ "a", 2 }, { table.unpack(mr.inspect(seat).identity) })
    seat.guest = "ann"
    local records = db:record(function() db.session:flush() end)
    assert.equal("UPDATE seat SET guest=? WHERE seat.line = ? AND seat.number = ?", records[1].statement)
    assert.same({ "ann", "a", 2 }, records[1].parameters)
    db.session:delete(seat)
    db.session:commit()
    assert.equal(2, Seat.query:count())
    assert.is_nil(db.session:get(Seat, { "a", 2 }))
  end)

  it("is refused where it is not whole", function()
    refuse("ArgumentError", "Seat", function() return db.session:get(Seat, { "a" }) end)
    refuse("ArgumentError", "Seat", function() return db.session:get(Seat, "a") end)
    refuse("ArgumentError", "Seat", function() return db.session:get(Seat, { "a", 1, 2 }) end)
    refuse("ArgumentError", { "Seat.number", "expected an integer" }, function()
      return db.session:get(Seat, { "a", "1" })
    end)
    db.session:add(Seat{ line = "a" })
    local e = support.error_of(db.session.flush, db.session)
    assert.is_true(mr.errors.Error:is(e))
    db.session:rollback()
    assert.equal(0, Seat.query:count())
  end)

  it("that a user gives may be text alone", function()
    local Country = db.Model:extend("Country", { code = db.Column{ db.String(2), primary_key = true } })
    db:create_all()
    db.session:add_all{ Country{ code = "de" }, Country{ code = "at" } }
    db.session:commit()
    assert.equal("de", db.session:get(Country, "de").code)
    refuse("ArgumentError", "Country.code", function() return db.session:get(Country, 1) end)
  end)
end)

describe("a table", function()
  it("is declared without a class", function()
    local db = mr.open "sqlite://"
    local tags = db.Table("tags", db.Column{ "id", db.Integer, primary_key = true },
      db.Column{ "name", db.String(20), nullable = false })
    assert.equal("tags", tags.name)
    assert.same({ "CREATE TABLE tags ( id INTEGER NOT NULL, name VARCHAR(20) NOT NULL, PRIMARY KEY (id) )" },
      ddl(db))
    db.session:execute(mr.insert(tags):values{ name = "lua" })
    assert.equal("lua", db.session:scalar(mr.select(tags.c.name)))
    assert.equal(tags, db.metadata.tables.tags)
  end)

  it("may be given to a class", function()
    local db = mr.open "sqlite://"
    local tags = db.Table("tags", db.Column{ "id", db.Integer, primary_key = true },
      db.Column{ "name", db.String(20) })
    local Tag = db.Model:extend("Tag", { __table = tags })
    db:create_all()
    db.session:add(Tag{ name = "lua" })
    db.session:commit()
    assert.equal("lua", Tag.query:filter_by{ name = "lua" }:one().name)
  end)

  it("has its own metadata when it is given", function()
    local metadata = mr.MetaData()
    mr.Table("a", metadata, mr.Column{ "id", mr.Integer, primary_key = true })
    local engine = mr.create_engine "sqlite://"
    local records = engine:record(function() metadata:create_all(engine) end)
    assert.equal("CREATE TABLE a ( id INTEGER NOT NULL, PRIMARY KEY (id) )", records[#records].statement)
    assert.equal(1, #engine:record(function() metadata:create_all{ bind = engine } end))
  end)

  it("is not declared twice, and has no unknown columns", function()
    local db = mr.open "sqlite://"
    local tags = db.Table("tags", db.Column{ "id", db.Integer, primary_key = true })
    refuse("ArgumentError", { "'tags'", "already" }, function()
      db.Table("tags", db.Column{ "id", db.Integer, primary_key = true })
    end)
    refuse("ArgumentError", { "'idd'", "did you mean 'id'?" }, function() return tags.c.idd end)
    refuse("ArgumentError", "id", function()
      db.Table("two", db.Column{ "id", db.Integer }, db.Column{ "id", db.Integer })
    end)
    refuse("ArgumentError", "Table", function() db.Table(nil) end)
    refuse("ArgumentError", "MetaData", function() mr.Table("a", mr.Column{ "id", mr.Integer }) end)
  end)
end)

describe("a mistake in a model", function()
  local db, Good

  before_each(function()
    db = mr.open "sqlite://"
    Good = plain(db, "Good", { name = db.Column{ db.String(10), unique = true } })
    db:create_all()
  end)

  -- The classes that were declared before still work.
  after_each(function()
    db:create_all()
    db.session:add(Good{ name = "x" })
    db.session:commit()
    assert.equal(1, Good.query:count())
  end)

  -- Declares the class and configures the mappings: one of them finds the mistake.
  local function declare(name, body)
    return function()
      db.Model:extend(name, body)
      db:configure()
    end
  end

  it("is to have no primary key", function()
    refuse("MappingError", { "Bad", "primary key", "primary_key = true" },
      declare("Bad", { n = db.Column{ db.Integer } }))
    refuse("MappingError", { "Empty", "primary key" }, declare("Empty", {}))
    plain(db, "Bad") -- the name is still free
  end)

  it("is to have the name of another", function()
    refuse("MappingError", { "Good", "already" },
      declare("Good", { id = db.Column{ db.Integer, primary_key = true } }))
    refuse("MappingError", { "Other", "'good'", "__tablename" },
      declare("Other", { __tablename = "good", id = db.Column{ db.Integer, primary_key = true } }))
  end)

  it("is an unknown option, with the nearest", function()
    refuse("ArgumentError", { "'primry_key'", "Column", "did you mean 'primary_key'?" }, function()
      return db.Column{ db.Integer, primry_key = true }
    end)
    refuse("ArgumentError", { "'zzz'", "Column" }, function()
      return db.Column(db.Integer, { zzz = true })
    end)
    refuse("ArgumentError", { "primary_key", "yes" }, function()
      return db.Column{ db.Integer, primary_key = "yes" }
    end)
    refuse("ArgumentError", { "'__tablenam'", "did you mean '__tablename'?" },
      declare("Bad", { __tablenam = "x", id = db.Column{ db.Integer, primary_key = true } }))
  end)

  it("is an unknown type, with the nearest", function()
    refuse("ArgumentError", { "'Strin'", "did you mean 'String'?" }, function() return db.Strin(10) end)
    refuse("ArgumentError", { "'Intger'", "did you mean 'Integer'?" }, function() return mr.Intger end)
    refuse("ArgumentError", "Column", function() return db.Column{ "id", "integer" } end)
    refuse("ArgumentError", { "Column", "type" }, function() return db.Column{} end)
    refuse("ArgumentError", { "Column", "nil" }, function() return db.Column(nil) end)
    refuse("ArgumentError", { "String" }, function() return db.String "ten" end)
    refuse("ArgumentError", { "String" }, function() return db.String(-1) end)
  end)

  it("is a foreign key to nowhere", function()
    plain(db, "Bad", { x_id = db.Column{ db.Integer, db.ForeignKey "god.id" } })
    refuse("ArgumentError", { "bad.x_id", "'god.id'", "did you mean 'good'?" }, function()
      db:create_all()
    end)
    -- Declared late, but before it is needed.
    db.Model:extend("God", { id = db.Column{ db.Integer, primary_key = true } })
  end)

  it("is a foreign key to a column that is not there", function()
    refuse("ArgumentError", '"good"', function() return db.ForeignKey "good" end)
    refuse("ArgumentError", "ForeignKey", function() return db.ForeignKey(nil) end)
    local other = mr.open "sqlite://"
    plain(other, "Good")
    plain(other, "Bad", { x_id = other.Column{ other.Integer, other.ForeignKey "good.idd" } })
    refuse("ArgumentError", { "bad.x_id", "'good.idd'", "did you mean 'id'?" }, function()
      other:create_all()
    end)
  end)

  it("is a name that the class needs", function()
    for _, name in ipairs{ "query", "metadata", "extend", "c" } do
      local e = support.error_of(declare("Bad",
        { id = db.Column{ db.Integer, primary_key = true }, [name] = db.Column{ db.Integer } }))
      assert.matches("Bad." .. name, e.message, 1, true)
      assert.matches(('Column{ "%s"'):format(name), e.message, 1, true)
    end
    local Fine = plain(db, "Fine", { query_ = db.Column{ "query", db.String(10) } })
    db:create_all()
    db.session:add(Fine{ query_ = "q" })
    db.session:commit()
    assert.equal("q", Fine.query:one().query_)
  end)

  it("is a body or a name of the wrong kind", function()
    refuse("ArgumentError", "extend", function() db.Model:extend() end)
    refuse("MappingError", { "Bad", "primary key" }, declare("Bad"))
    refuse("ArgumentError", "extend", function() db.Model:extend(12, {}) end)
    refuse("ArgumentError", "extend", function() db.Model.extend("Bad", {}) end)
    refuse("ArgumentError", "__tablename",
      declare("Bad", { __tablename = 5, id = db.Column{ db.Integer, primary_key = true } }))
  end)

  it("is one column in two classes", function()
    local shared = db.Column{ db.Integer, primary_key = true }
    db.Model:extend("One", { id = shared })
    local e = support.error_of(declare("Two", { id = shared }))
    assert.is_true(mr.errors.Error:is(e))
    assert.matches("'id'", e.message)
    assert.matches("needs its own", e.message)
  end)
end)
