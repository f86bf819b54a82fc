-- INSERT ... SELECT: columns that it does not name get the same defaults as in an INSERT of values.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

describe("from_select", function()
  local db, session, Source, Target, calls

  before_each(function()
    db = mr.open "sqlite://"
    session, calls = db.session, 0
    Source = db.Model:extend("Source", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
    })
    Target = db.Model:extend("Target", {
      id = db.Column{ "target_id", db.Integer, primary_key = true },
      name = db.Column{ db.String },
      kind = db.Column{ "target_kind", db.String, default = "new" },
      ticket = db.Column{ db.Integer, default = function() calls = calls + 1 return calls end },
      at = db.Column{ db.DateTime, default = mr.func.now() },
      top = db.Column{ db.Integer },
      touched = db.Column{ db.Integer, onupdate = 5 },
    })
    db:create_all()
    session:add_all{ Source{ name = "a" }, Source{ name = "b" }, Source{ name = "b" } }
    session:commit()
  end)

  local function rows(class)
    local shown = {}
    for _, x in ipairs((class or Target).query:order_by "id":all()) do
      shown[#shown + 1] = ("%s %s %s"):format(x.name, x.kind, x.ticket)
    end
    return table.concat(shown, ", ")
  end

  it("adds the defaults to the SELECT: values, one call of a function for all rows, SQL", function()
    local texts = support.statements(db, function()
      session:execute(mr.insert(Target):from_select({ "name" }, mr.select(Source.name):order_by(Source.id)))
    end)
    assert.same({ "INSERT INTO target (name, target_kind, ticket, at) SELECT source.name, ? AS anon_1, ? AS anon_2, "
      .. "CURRENT_TIMESTAMP AS now_1 FROM source ORDER BY source.id" }, texts)
    assert.equal("a new 1, b new 1, b new 1", rows())
    assert.equal(1, calls)
    assert.equal(os.date "!%Y", tostring(Target.query:first().at):sub(1, 4))
    assert.is_nil(Target.query:first().touched)
  end)

  it("asks for them each time that it runs, and not when it is shown", function()
    local statement = mr.insert(Target):from_select({ "name" }, mr.select(Source.name):where(Source.id:eq(1)))
    tostring(statement)
    assert.equal(0, calls)
    session:execute(statement)
    session:execute(statement)
    assert.equal("a new 1, a new 2", rows())
  end)

  it("leaves what is named to the SELECT, by attribute or column", function()
    session:execute(mr.insert(Target):from_select({ "name", Target.kind, "ticket" },
      mr.select(Source.name, mr.literal "old", Source.id * 10):where(Source.id:eq(2))))
    assert.equal("b old 20", rows())
    assert.equal(0, calls)
  end)

  it("of a table and on a connection likewise", function()
    local connection = db.engine:connect()
    connection:execute(mr.insert(Target.metadata.tables.target):from_select({ "name" },
      mr.select(Target.metadata.tables.source.c.name):limit(1)))
    connection:commit()
    connection:close()
    assert.equal("a new 1", rows())
  end)

  it("can be told to do without", function()
    session:execute(mr.insert(Target):from_select({ "name" }, mr.select(Source.name):limit(1),
      { include_defaults = false }))
    assert.equal("a nil nil", rows())
    refuse("ArgumentError", { "include_defaultz" }, function()
      mr.insert(Target):from_select({ "name" }, mr.select(Source.name), { include_defaultz = false })
    end)
    refuse("ArgumentError", { "include_defaults" }, function()
      mr.insert(Target):from_select({ "name" }, mr.select(Source.name), { include_defaults = "no" })
    end)
  end)

  it("keeps the rows of a union, of a distinct select, of groups and of a limit", function()
    local b = mr.select(Source.name):where(Source.name:eq "b")
    session:execute(mr.insert(Target):from_select({ "name" }, b:union(mr.select(Source.name))))
    assert.equal(2, Target.query:count())
    session:execute(mr.delete(Target))
    session:execute(mr.insert(Target):from_select({ "name" }, b:union_all(mr.select(Source.name))))
    assert.equal(5, Target.query:count())
    session:execute(mr.delete(Target))
    session:execute(mr.insert(Target):from_select({ "name" }, b:distinct()))
    assert.equal(1, Target.query:count())
    session:execute(mr.delete(Target))
    session:execute(mr.insert(Target):from_select({ "name", "top" },
      mr.select(Source.name, mr.func.count()):group_by(Source.name):order_by(Source.name)))
    local first, second = table.unpack(Target.query:order_by "id":all())
    assert.same({ 1, 2, "new" }, { first.top, second.top, second.kind })
    session:execute(mr.delete(Target))
    session:execute(mr.insert(Target):from_select({ "name" },
      mr.select(Source.name):order_by(Source.id):offset(1):limit(1)))
    assert.equal(1, Target.query:count())
  end)

  it("keeps a default that is a query apart from the tables of the SELECT", function()
    local Log = db.Model:extend("Log", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
      most = db.Column{ db.Integer, default = mr.select(mr.func.max(Source.id)):scalar_subquery() },
    })
    db:create_all()
    session:execute(mr.insert(Log):from_select({ "name" }, mr.select(Source.name):where(Source.id:le(2))))
    local most = {}
    for i, log in ipairs(Log.query:all()) do most[i] = log.most end
    assert.same({ 3, 3 }, most)
  end)

  it("gives rows the first version", function()
    local Versioned = db.Model:extend("Versioned", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
      version = db.Column{ db.Integer, nullable = false },
      __mapper_args = { version_id_col = "version" },
    })
    db:create_all()
    session:execute(mr.insert(Versioned):from_select({ "name" }, mr.select(Source.name):limit(1)))
    local one = Versioned.query:one()
    one.name = "changed"
    session:commit()
    assert.equal(2, one.version)
  end)

  it("with a statement as text says which column needs a value", function()
    local text = session:query(Source.name):from_statement(mr.text "SELECT name FROM source")
    refuse("InvalidRequestError", { "target_kind", "include_defaults = false" }, function()
      session:execute(mr.insert(Target):from_select({ "name" }, text))
    end)
    session:execute(mr.insert(Target):from_select({ "name" }, text, { include_defaults = false }))
    assert.equal(3, Target.query:count())
  end)

  it("goes with returning, conflicts and values of parameters", function()
    local made = session:scalars(mr.insert(Target):from_select({ "name" },
      mr.select(Source.name):where(Source.id:eq(mr.bindparam "which"))):returning(Target), { which = 2 }):all()
    assert.same({ 1, "b", "new" }, { #made, made[1].name, made[1].kind })
    session:execute(mr.insert(Target):from_select({ "id", "name" }, mr.select(mr.literal(made[1].id), Source.name))
      :on_conflict_do_nothing{ index_elements = { "id" } })
    assert.equal("b", Target.query:one().name)
  end)

  it("passes on the error of a default", function()
    local Bad = db.Model:extend("Bad", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String },
      token = db.Column{ db.String, default = function() error "no more tokens" end },
    })
    db:create_all()
    local ok, e = pcall(session.execute, session, mr.insert(Bad):from_select({ "name" }, mr.select(Source.name)))
    assert.is_false(ok)
    assert.truthy(tostring(e):find("no more tokens", 1, true))
    assert.equal(0, Bad.query:count())
  end)
end)
