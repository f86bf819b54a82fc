-- Does the database make the key? The table's definition in the file decides, whoever has created the table.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local run = support.run

local function open(...)
  local db = mr.open "sqlite://"
  run(db, ...)
  return db
end

local function declare(db, options)
  options = options or {}
  return db.Model:extend("T", {
    __tablename = "t",
    __table_args = { schema = options.schema },
    __mapper_args = { eager_defaults = options.eager },
    id   = db.Column{ options.column or "id", options.type or db.Integer, primary_key = true },
    name = db.Column{ db.String },
    made = db.Column{ db.String, server_default = "now" },
  })
end

-- Rows whose rowid is not their id: the last rowid would name another row.
local function body(key) return "(" .. key .. ", name TEXT, made TEXT DEFAULT 'now')" end
local function fill(db, schema)
  run(db, ("INSERT INTO %st (id, name) VALUES (2, 'other'), (1, 'one')"):format(schema and schema .. "." or ""))
end

local numbered = {
  body "id INTEGER PRIMARY KEY", body "id integer primary key", body "ID InTeGeR PRIMARY KEY ASC",
  body '"id" INTEGER PRIMARY KEY AUTOINCREMENT', body "id INTEGER NOT NULL CONSTRAINT pk PRIMARY KEY",
  "(id INTEGER, name TEXT, made TEXT DEFAULT 'now', PRIMARY KEY (id))",
  "(id INTEGER, name TEXT, made TEXT DEFAULT 'now', PRIMARY KEY (id DESC))",
  "(name TEXT UNIQUE, id [INTEGER], made TEXT DEFAULT 'now', CONSTRAINT k PRIMARY KEY (ID))",
}
local unnumbered = {
  body "id INT PRIMARY KEY", body "id BIGINT PRIMARY KEY", body "id INTEGER PRIMARY KEY DESC",
  body "id integer primary key desc", body "id SMALLINT PRIMARY KEY", body "id INTEGER(4) PRIMARY KEY",
  body "id PRIMARY KEY", body "id INTEGER UNIQUE", body "id INTEGER",
  "(id INT, name TEXT, made TEXT DEFAULT 'now', PRIMARY KEY (id))",
  "(id INTEGER, name TEXT, made TEXT DEFAULT 'now', PRIMARY KEY (id, name))",
  "(name INTEGER PRIMARY KEY, id INTEGER, made TEXT DEFAULT 'now')",
  body "id INTEGER PRIMARY KEY" .. " WITHOUT ROWID", body "id INT PRIMARY KEY" .. " WITHOUT ROWID",
}

describe("a key that the database makes", function()
  it("is the rowid of a sole key that is declared INTEGER, in any case and form", function()
    for _, columns in ipairs(numbered) do
      for _, eager in ipairs{ "auto", false } do
        local db = open("CREATE TABLE t " .. columns)
        fill(db)
        local T = declare(db, { eager = eager })
        local new = T{ name = "new" }
        db.session:add(new)
        db.session:commit()
        assert.equal(3, new.id)
        assert.equal("new", new.name)
        assert.same({ 4 }, db.session:execute(mr.insert(T):values{ name = "n" }).inserted_primary_key)
      end
    end
  end)

  it("is none of other declarations: the error names class, column, table and cure, before anything is sent", function()
    for _, columns in ipairs(unnumbered) do
      for _, eager in ipairs{ "auto", false } do
        local db = open("CREATE TABLE t " .. columns)
        if not columns:find "^%(name" then fill(db) end
        local T = declare(db, { eager = eager })
        local before = T.query:count()
        local new = T{ name = "new" }
        db.session:add(new)
        local record = db:record(function()
          refuse("InvalidRequestError", { "T.id", "a new T", "'t'", "INTEGER PRIMARY KEY", "set the key" },
                 db.session.flush, db.session)
        end)
        assert.equal(0, #record)
        assert.is_nil(new.id)
        db.session:rollback()
        assert.equal(before, T.query:count())
        -- The program gives the key.
        if not columns:find "^%(name" then
          db.session:add(T{ id = 77, name = "given" })
          db.session:commit()
          assert.equal("given", T.query:get(77).name)
        end
      end
    end
  end)

  it("of a statement is null where the table makes none", function()
    local db = open("CREATE TABLE t " .. body "id INT PRIMARY KEY")
    fill(db)
    local T = declare(db)
    local result = db.session:execute(mr.insert(T):values{ name = "x" })
    assert.same({ mr.null }, result.inserted_primary_key)
    assert.same({ 5 }, db.session:execute(mr.insert(T):values{ id = 5 }).inserted_primary_key)
  end)

  it("may be a hidden rowid that the class maps", function()
    for _, column in ipairs{ "rowid", "_rowid_", "OID" } do
      local db = open("CREATE TABLE t (id INT PRIMARY KEY, name TEXT, made TEXT DEFAULT 'now')")
      fill(db)
      local T = declare(db, { column = column })
      local new = T{ name = "new" }
      db.session:add(new)
      db.session:commit()
      assert.equal(3, new.id)
      run(db, "DROP TABLE t", "CREATE TABLE t (rowid TEXT, oid TEXT, _rowid_ TEXT, name TEXT, made TEXT DEFAULT 'now')")
      db.session:add(T{ name = "new" })
      refuse("InvalidRequestError", { "T.id", "set the key" }, db.session.flush, db.session)
      db.session:rollback()
      run(db, "DROP TABLE t", "CREATE TABLE t (id TEXT PRIMARY KEY, name TEXT, made TEXT DEFAULT 'now') WITHOUT ROWID")
      db.session:add(T{ name = "new" })
      assert.has_error(function() db.session:flush() end)
      db.session:rollback()
    end
  end)

  it("may be that of an R*Tree or a full-text index", function()
    local db = open("CREATE VIRTUAL TABLE box USING rtree(id, x0, x1)", "CREATE VIRTUAL TABLE doc USING fts5(body)")
    local Box = db.Model:extend("Box", { id = db.Column{ db.Integer, primary_key = true }, x0 = db.Column{ db.Float },
                                         x1 = db.Column{ db.Float } })
    local Doc = db.Model:extend("Doc", { id = db.Column{ "rowid", db.Integer, primary_key = true },
                                         body = db.Column{ db.Text } })
    local box, doc = Box{ x0 = 1, x1 = 2 }, Doc{ body = "words" }
    db.session:add_all{ Box{ id = 9, x0 = 0, x1 = 1 }, box, doc }
    db.session:commit()
    assert.same({ 10, 2 }, { box.id, box.x1 })
    assert.same({ 1, "words" }, { doc.id, doc.body })
  end)

  it("is asked of attached databases, and of temporary tables before others", function()
    local db = open("ATTACH ':memory:' AS other", "CREATE TABLE other.t " .. body "id INT PRIMARY KEY",
                    "CREATE TABLE main.t " .. body "id INTEGER PRIMARY KEY")
    fill(db) fill(db, "other")
    local Main = declare(db)
    local Other = db.Model:extend("Other", { __tablename = "t", __table_args = { schema = "other" },
                                             id = db.Column{ db.Integer, primary_key = true },
                                             name = db.Column{ db.String } })
    local one = Main{ name = "a" }
    db.session:add(one)
    db.session:flush()
    assert.equal(3, one.id)
    db.session:add(Other{ name = "b" })
    refuse("InvalidRequestError", "Other.id", db.session.flush, db.session)
    db.session:rollback()
    db.session:execute(mr.text("CREATE TEMP TABLE t " .. body "id INT PRIMARY KEY"))
    db.session:add(Main{ name = "c", made = "other shape" })
    refuse("InvalidRequestError", "T.id", db.session.flush, db.session)
  end)
end)

describe("a table that is made anew", function()
  local keyed = "CREATE TABLE t " .. body "id INTEGER PRIMARY KEY"
  local plain = "CREATE TABLE t " .. body "id INT PRIMARY KEY"

  it("by the session is asked again", function()
    local db = open(keyed)
    local T = declare(db)
    for _ = 1, 2 do
      local a = T{ name = "a" }
      db.session:add(a)
      db.session:commit()
      assert.equal(1, a.id)
      run(db, "DROP TABLE t", plain)
      db.session:add(T{ name = "b" })
      refuse("InvalidRequestError", "T.id", db.session.flush, db.session)
      db.session:rollback()
      run(db, "DROP TABLE t", keyed)
      db.session:expunge_all()
    end
  end)

  it("and taken back by a rollback or a savepoint's is asked again", function()
    local db = open(keyed)
    local T = declare(db)
    for _, way in ipairs{ "rollback", "savepoint" } do
      local point = way == "savepoint" and db.session:begin_nested() or nil
      db.session:execute(mr.text "DROP TABLE t")
      db.session:execute(mr.text(plain))
      db.session:add(T{ id = 5, name = "x" })
      db.session:flush()
      if point then point:rollback() else db.session:rollback() end
      local b = T{ name = "b" }
      db.session:add(b)
      db.session:commit()
      assert.equal("b", T.query:get(b.id).name)
    end
  end)

  it("by another connection is asked again, in the statement that meets it", function()
    local path = os.tmpname()
    local db, elsewhere = mr.open("sqlite:///" .. path), mr.create_engine("sqlite:///" .. path)
    run(db, keyed)
    local function there(...)
      local sqls = { ... }
      elsewhere:begin(function(connection) for _, sql in ipairs(sqls) do connection:execute(sql) end end)
    end
    local T = declare(db)
    db.session:add(T{ name = "a" })
    db.session:commit()
    there("DROP TABLE t", plain, "INSERT INTO t (id, name) VALUES (2, 'other')")
    db.session:expunge_all()
    for _, made in ipairs{ "same shape", false } do
      db.session:add(T{ name = "b", made = made or nil })
      refuse("InvalidRequestError", "T.id", db.session.flush, db.session)
      db.session:rollback()
    end
    there("DROP TABLE t", keyed, "INSERT INTO t (id, name) VALUES (7, 'other')")
    -- A query has noticed the change already, and its result is still open.
    local open_result = db.session:execute(T.query:yield_per(1))
    assert.equal(7, open_result:fetchone()[1].id)
    local c = T{ name = "c", made = "m" }
    db.session:add(c)
    db.session:flush()
    assert.equal(8, c.id)
    db.session:close()
    db.engine:dispose()
    elsewhere:dispose()
    os.remove(path)
  end)
end)

describe("create_all", function()
  it("makes sole BigInteger and SmallInteger keys INTEGER, so that they make themselves", function()
    for _, name in ipairs{ "BigInteger", "SmallInteger", "Integer" } do
      local db = mr.open "sqlite://"
      local T = declare(db, { type = db[name] })
      db:create_all()
      assert.equal("CREATE TABLE t ( id INTEGER NOT NULL, name VARCHAR, made VARCHAR DEFAULT 'now', PRIMARY KEY (id) )",
                   db.session:execute(mr.text "SELECT sql FROM sqlite_master"):scalar())
      local a, b = T{ name = "a" }, T{ name = "b" }
      db.session:add_all{ a, b }
      db.session:commit()
      assert.same({ 1, 2 }, { a.id, b.id })
      local big = T{ id = name == "SmallInteger" and 9 or math.maxinteger - 1, name = "big" }
      db.session:add(big)
      db.session:commit()
      assert.equal("big", T.query:get(big.id).name)
    end
  end)

  it("leaves those of composite keys, of references, and with autoincrement = false as they are", function()
    local db = mr.open "sqlite://"
    db.Model:extend("A", { x = db.Column{ db.BigInteger, primary_key = true },
                           y = db.Column{ db.SmallInteger, primary_key = true } })
    db.Model:extend("B", { id = db.Column{ db.BigInteger, primary_key = true, autoincrement = false } })
    db.Model:extend("C", { id = db.Column{ db.BigInteger, db.ForeignKey "b.id", primary_key = true },
                           n = db.Column{ db.BigInteger } })
    db:create_all()
    local names = mr.text "SELECT sql FROM sqlite_master WHERE type = 'table' ORDER BY name"
    local tables = db.session:execute(names):scalars():all()
    assert.same({ "CREATE TABLE a ( x BIGINT NOT NULL, y SMALLINT NOT NULL, PRIMARY KEY (x, y) )",
                  "CREATE TABLE b ( id BIGINT NOT NULL, PRIMARY KEY (id) )",
                  "CREATE TABLE c ( id BIGINT NOT NULL, n BIGINT, PRIMARY KEY (id), " ..
                  "FOREIGN KEY(id) REFERENCES b (id) )" },
                tables)
  end)
end)

describe("a number in a composite key", function()
  it("is made by no table of SQLite: autoincrement = true is refused, and a missing value is named", function()
    local db = mr.open "sqlite://"
    local function composite(name, autoincrement)
      return db.Model:extend(name, { id = db.Column{ db.Integer, primary_key = true, autoincrement = autoincrement },
                                     lang = db.Column{ db.String, primary_key = true } })
    end
    refuse("ArgumentError", { "'l'", "'id'", "autoincrement = true", "2 columns", "set its values" }, composite, "L",
      true)
    local M = composite "M"
    db:create_all()
    db.session:add(M{ lang = "en" })
    refuse("InvalidRequestError", { "M.id", "set it" }, db.session.flush, db.session)
  end)
end)
