-- Tables in schemas: in SQLite, a schema is the name of an attached database.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local models = require "spec.support.models"

local EXISTS = "SELECT 1 FROM %ssqlite_master WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE"

describe("a table in a schema", function()
  local paths, db

  before_each(function()
    paths = { os.tmpname(), os.tmpname() }
    db = mr.open("sqlite:///" .. paths[1])
    mr.event.listen(db.engine, "connect", function(connection)
      connection:execute("ATTACH DATABASE '" .. paths[2] .. "' AS aux")
    end)
  end)

  after_each(function()
    db.session:remove()
    db.engine:dispose()
    for _, path in ipairs(paths) do os.remove(path) end
  end)

  local function declare(name, tablename, schema, body)
    body.__tablename, body.__table_args = tablename, { schema = schema }
    body.id = db.Column{ db.Integer, primary_key = true }
    return db.Model:extend(name, body)
  end

  local function tables_of(schema)
    local sql = "SELECT name FROM " .. schema .. ".sqlite_master WHERE type = 'table' ORDER BY name"
    return table.concat(db.session:execute(mr.text(sql)):scalars():all(), " ")
  end

  it("is referred to by its name alone within its schema, and the reference holds", function()
    local Parent = declare("Parent", "a", "aux", { name = db.Column{ db.String(10), index = true } })
    local Child = declare("Child", "c", "aux", {
      a_id = db.Column{ db.Integer, db.ForeignKey "aux.a.id" },
      parent = db.relationship{ "Parent", backref = "children" },
    })
    assert.same({
      EXISTS:format "aux.", EXISTS:format "aux.",
      "CREATE TABLE aux.a ( name VARCHAR(10), id INTEGER NOT NULL, PRIMARY KEY (id) )",
      "CREATE INDEX aux.ix_aux_a_name ON a (name)",
      "CREATE TABLE aux.c ( a_id INTEGER, id INTEGER NOT NULL, PRIMARY KEY (id), FOREIGN KEY(a_id) REFERENCES a (id) )",
    }, models.statements(db, function() db:create_all() end))
    db.session:add(Parent{ name = "x", children = { Child{}, Child{} } })
    db.session:commit()
    assert.equal(2, #Parent.query:options(mr.joinedload(Parent.children)):one().children)
    local e = models.error_of(function() db.session:execute(mr.insert(Child), { a_id = 77 }) end)
    assert.equal("IntegrityError", e.kind)
  end)

  it("is referred to by its name alone in a constraint of the table, too", function()
    declare("Parent", "a", "aux", {})
    db.Table{ "c", db.metadata, db.Column{ "a_id", db.Integer },
              db.ForeignKeyConstraint{ { "a_id" }, { "aux.a.id" } }, schema = "aux" }
    assert.equal("CREATE TABLE aux.c ( a_id INTEGER, FOREIGN KEY(a_id) REFERENCES a (id) )",
      models.statements(db, function() db:create_all() end)[4])
  end)

  it("is no target of a foreign key of another database: SQLite has none, the relationship works", function()
    local Parent = declare("Parent", "a", "aux", {})
    local Child = declare("Child", "c", nil, {
      a_id = db.Column{ db.Integer, db.ForeignKey "aux.a.id" },
      parent = db.relationship{ "Parent" },
    })
    local statements = models.statements(db, function() db:create_all() end)
    assert.equal("CREATE TABLE c ( a_id INTEGER, id INTEGER NOT NULL, PRIMARY KEY (id) )", statements[4])
    db.Table{ "d", db.metadata, db.Column{ "a_id", db.Integer }, db.ForeignKeyConstraint{ { "a_id" }, { "aux.a.id" } } }
    assert.equal("CREATE TABLE d ( a_id INTEGER )", models.statements(db, function() db:create_all() end)[4])
    db.session:add(Child{ parent = Parent{} })
    db.session:commit()
    assert.equal(1, Child.query:one().parent.id)
  end)

  it("may be called main, the database itself, in any case of letters", function()
    declare("Parent", "a", "MAIN", {})
    declare("Child", "c", nil, { a_id = db.Column{ db.Integer, db.ForeignKey "MAIN.a.id" } })
    local statements = models.statements(db, function() db:create_all() end)
    assert.equal('CREATE TABLE "MAIN".a ( id INTEGER NOT NULL, PRIMARY KEY (id) )', statements[3])
    assert.equal("CREATE TABLE c ( a_id INTEGER, id INTEGER NOT NULL, PRIMARY KEY (id), " ..
                 "FOREIGN KEY(a_id) REFERENCES a (id) )", statements[4])
    assert.equal(2, #models.statements(db, function() db:create_all() end))
  end)

  it("is made and dropped where it belongs, whatever another schema holds", function()
    declare("Here", "a", nil, {})
    db:create_all()
    assert.equal("", tables_of "aux")
    declare("There", "a", "aux", {})
    db:create_all()
    assert.equal("a", tables_of "aux")
    assert.equal(2, #models.statements(db, function() db:create_all() end))
    local gone = models.statements(db, function() db:drop_all() end)
    assert.equal("DROP TABLE aux.a", gone[3])
    assert.equal("DROP TABLE a", gone[4])
    assert.equal("", tables_of "main" .. tables_of "aux")
  end)

  it("is found in any case of letters, as the database finds it", function()
    db.session:execute(mr.text "CREATE TABLE Mixed (id INTEGER PRIMARY KEY)")
    db.session:commit()
    declare("Mixed", "mixed", nil, {})
    assert.equal(1, #models.statements(db, function() db:create_all() end))
  end)

  for _, order in ipairs{ { "aux", "none" }, { "none", "aux" } } do
    it("has its own rows, declared in the order " .. table.concat(order, ", "), function()
      local classes = {}
      for _, schema in ipairs(order) do
        classes[schema] = declare("In_" .. schema, "a", schema == "aux" and "aux" or nil,
          { name = db.Column{ db.String(10) } })
      end
      db:create_all()
      db.session:add_all{ classes.aux{ name = "there" }, classes.none{ name = "here" } }
      db.session:commit()
      assert.equal("there", classes.aux.query:one().name)
      assert.equal("here", classes.none.query:one().name)
      local There = mr.aliased(classes.aux)
      assert.equal("here", db.session:query(classes.none.name):join(There, There.id:eq(classes.none.id)):scalar())
    end)
  end

  it("is told from the table of its name that has none, in one statement and around it", function()
    local Here = declare("Here", "a", nil, { name = db.Column{ db.String(10) } })
    local There = declare("There", "A", "aux", { name = db.Column{ db.String(10) }, here_id = db.Column{ db.Integer } })
    db:create_all()
    local s = db.session
    s:add_all{ Here{ id = 1, name = "one" }, Here{ id = 2, name = "two" } }
    s:add_all{ There{ id = 1, name = "of two", here_id = 2 }, There{ id = 2, name = "of none", here_id = 7 } }
    s:commit()
    local row = s:query(Here, There):join(There, There.here_id:eq(Here.id)):one()
    assert.same({ "two", "of two" }, { row[1].name, row[2].name })
    assert.equal("of two", s:query(There):join(Here, There.here_id:eq(Here.id)):filter(Here.name:eq "two"):one().name)
    -- Without its schema, the name inside the subquery would mean the nearer table.
    local referred = mr.exists(mr.select(There.id):where(There.here_id:eq(Here.id)))
    assert.equal("two", Here.query:filter(referred):one().name)
    local name = s:query(There.name):filter(There.here_id:eq(Here.id)):scalar_subquery()
    local rows = s:query(Here.name, name):order_by(Here.id):all()
    assert.is_nil(rows[1][2])
    assert.equal("of two", rows[2][2])
    s:execute(mr.update(Here):values{ name = name }:where(referred))
    assert.equal("of two", s:query(Here.name):filter(Here.id:eq(2)):scalar())
    s:execute(mr.delete(Here):where(~referred))
    assert.equal(2, s:query(Here.id):scalar())
    assert.same({ "SELECT a.id AS a_id FROM a" }, models.statements(db, function() s:query(Here.id):all() end))
  end)

  it("is refused a second time, named with its schema", function()
    declare("One", "a", "aux", {})
    local e = models.error_of(declare, "Two", "a", "aux", {})
    assert.equal("MappingError", e.kind)
    assert.truthy(e.message:find("a table named 'aux.a' is declared already", 1, true))
    e = models.error_of(function() db.Table{ "a", db.metadata, db.Column{ "x", db.Integer }, schema = "aux" } end)
    assert.truthy(e.message:find("table 'aux.a' is already defined in this metadata", 1, true))
  end)

  it("is found in metadata.tables by schema and name", function()
    declare("Here", "a", nil, {})
    declare("There", "a", "aux", {})
    local tables = db.metadata.tables
    assert.is_nil(tables.a.schema)
    assert.equal("aux", tables["aux.a"].schema)
    local names = {}
    for name in pairs(tables) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "a", "aux.a" }, names)
  end)
end)

describe("a schema that the connection does not have", function()
  it("is told with its cure, by create_all and by a statement", function()
    local db = mr.open "sqlite://"
    local A = db.Model:extend("A", { __table_args = { schema = "nope" },
                                     id = db.Column{ db.Integer, primary_key = true } })
    refuse("OperationalError", { "nope", "ATTACH its file" }, db.create_all, db)
    refuse("OperationalError", { "nope", "ATTACH its file" }, db.session.execute, db.session, mr.CreateTable(A))
  end)
end)

describe("a table in a schema of PostgreSQL", function()
  it("is looked for in its schema, and referred to with it", function()
    local db = mr.open "mock+postgresql://"
    db.Model:extend("A", { __table_args = { schema = "s" }, id = db.Column{ db.Integer, primary_key = true } })
    db.Model:extend("C", { id = db.Column{ db.Integer, db.ForeignKey "s.a.id", primary_key = true } })
    local records = db:record(function() db:create_all() end)
    local found = {}
    for _, record in ipairs(records) do found[#found + 1] = record.statement end
    local sql = table.concat(found, "\n")
    assert.truthy(sql:find("relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $2)", 1, true))
    assert.same({ "a", "s" }, records[1].parameters)
    assert.truthy(sql:find("FOREIGN KEY(id) REFERENCES s.a (id)", 1, true))
  end)
end)
