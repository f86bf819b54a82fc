-- Expressions in a table's definition (CHECK, server_default) are written in the dialect of the database in which the
-- table is created, not of the one where it was declared.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

-- The CREATE statements of create_all.
local function created(db)
  local out = {}
  for _, record in ipairs(db:record(function() db:create_all() end)) do
    if record.statement:find "^CREATE" then out[#out + 1] = record.statement end
  end
  return table.concat(out, "\n")
end

local function has(text, part) assert.truthy(text:find(part, 1, true), text) end

local function column(name, type, options)
  options = options or {}
  options[1], options[2] = name, type
  return mr.Column(options)
end

describe("a definition with expressions", function()
  -- The columns that the conditions use, from a table that is declared elsewhere.
  local c = mr.Table("rows", mr.MetaData(), column("open", mr.Boolean), column("low", mr.Integer),
    column("high", mr.Integer), column("user", mr.Integer)).c

  -- Declares the same table for the database of the URL.
  local function declare(url)
    local db = mr.open(url)
    db.Table("rows",
      column("id", db.Integer, { primary_key = true }), column("open", db.Boolean), column("low", db.Integer),
      column("high", db.Integer), column("user", db.Integer),
      column("made", db.DateTime, { server_default = mr.func.now() }),
      column("day", db.Integer, { server_default = mr.text "1 + 1" }),
      column("yes", db.Boolean, { server_default = mr.true_() }),
      mr.CheckConstraint(c.open:is_(true), { name = "is_open" }),
      mr.CheckConstraint((c.low / c.high):lt(c.user), { name = "in_order" }),
      mr.CheckConstraint "low <> 7")
    return db
  end

  it("is SQLite's in SQLite", function()
    local sql = created(declare "sqlite://")
    has(sql, "made DATETIME DEFAULT CURRENT_TIMESTAMP")
    has(sql, "day INTEGER DEFAULT (1 + 1)")
    has(sql, "yes BOOLEAN DEFAULT 1")
    has(sql, "CONSTRAINT is_open CHECK ((rows.open IS NOT NULL AND rows.open IN (1, '1', 't', 'true')))")
    has(sql, "CONSTRAINT in_order CHECK (rows.low / (rows.high + 0.0) < rows.user)")
    has(sql, "CHECK (low <> 7)")
  end)

  it("is PostgreSQL's in PostgreSQL", function()
    local sql = created(declare "mock+postgresql://")
    has(sql, "id SERIAL NOT NULL")
    has(sql, "made TIMESTAMP WITHOUT TIME ZONE DEFAULT now()")
    has(sql, "day INTEGER DEFAULT 1 + 1")
    has(sql, "yes BOOLEAN DEFAULT true")
    has(sql, "CONSTRAINT is_open CHECK (rows.open IS true)")
    has(sql, 'CONSTRAINT in_order CHECK (rows.low / CAST(rows.high AS NUMERIC) < rows."user")')
    has(sql, "CHECK (low <> 7)")
  end)

  it("holds what it says, in SQLite", function()
    local db = declare "sqlite://"
    db:create_all()
    local rows = db.metadata.tables.rows
    local function insert(values)
      return db.engine:begin(function(conn) conn:execute(rows:insert():values(values)) end)
    end
    insert{ open = true, low = 1, high = 2, user = 3 }
    for name, values in pairs{
      is_open = { open = false, low = 1, high = 2, user = 3 }, in_order = { open = true, low = 6, high = 2, user = 3 },
    } do
      local ok, e = pcall(insert, values)
      assert.is_false(ok)
      assert.equal("IntegrityError", e.kind)
      has(e.message, name)
    end
    local row = db.session:execute(mr.select(rows)):one()
    assert.equal(2, row.day)
    assert.is_true(row.yes)
  end)

  it("has values written into it, each as the dialect writes it", function()
    for url, yes in pairs{ ["sqlite://"] = "IN (1, '1', 't', 'true')", ["mock+postgresql://"] = "IS true" } do
      local db = mr.open(url)
      db.Table("rows", column("low", db.Integer), column("open", db.Boolean), column("high", db.Integer),
        column("name", db.String, { server_default = mr.func.lower "It's" }),
        mr.CheckConstraint(c.low:gt(5) & c.high:in_{ 1, 2 }, { name = "a" }), mr.CheckConstraint(c.open:is_(true)),
        mr.CheckConstraint(mr.func.coalesce(mr.date(2024, 1, 2), 1.5, -3):is_not(nil)))
      local sql = created(db)
      has(sql, "CONSTRAINT a CHECK (rows.low > 5 AND rows.high IN (1, 2))")
      has(sql, "lower('It''s')")
      has(sql, "coalesce('2024-01-02', 1.5, -3)")
      has(sql, yes)
    end
  end)

  it("refuses a named parameter, and what is no SQL, where it is written", function()
    refuse("ArgumentError", "'limit'", mr.CheckConstraint, c.low:gt(mr.bindparam "limit"))
    refuse("ArgumentError", "CheckConstraint", mr.CheckConstraint, 5)
  end)
end)
