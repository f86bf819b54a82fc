-- Columns that the database computes. Behaviour of SQLAlchemy's test/sql/test_computed and test/orm/test_defaults
-- (ComputedDefaultsOnUpdateTest), except that writing such a column is refused by the library, not by the database.

local mr = require "moonrow"
local ddl = require "spec.support.ddl"
local models = require "spec.support.models"
local refuse = require "spec.support.refuse"

local statements = models.statements

describe("the definition of a computed column", function()
  local function y(dialect, computed, options)
    options = options or {}
    options[1], options[2], options[3] = "y", mr.Integer, computed
    return ddl.of(dialect, function(db) db.Table("t", mr.Column("x", mr.Integer), mr.Column(options)) end)[1]
  end

  it("has the expression, as text", function()
    assert.equal("CREATE TABLE t ( x INTEGER, y INTEGER GENERATED ALWAYS AS (x + 2) )",
      y("sqlite", mr.Computed "x + 2"))
  end)

  it("says STORED or VIRTUAL as persisted says", function()
    ddl.has(y("sqlite", mr.Computed("x + 2", { persisted = true })), "GENERATED ALWAYS AS (x + 2) STORED")
    ddl.has(y("sqlite", mr.Computed{ "x + 2", persisted = false }), "GENERATED ALWAYS AS (x + 2) VIRTUAL")
  end)

  it("is always STORED in PostgreSQL, which refuses a virtual one", function()
    ddl.has(y("postgresql", mr.Computed "x + 2"), "GENERATED ALWAYS AS (x + 2) STORED")
    ddl.has(y("postgresql", mr.Computed{ "x + 2", persisted = true }), "STORED")
    refuse("ArgumentError", { "t.y", "persisted = false", "postgresql" }, y, "postgresql",
      mr.Computed{ "x + 2", persisted = false })
  end)

  it("may be an expression: columns without their table, values written in, in each dialect's spelling", function()
    local c = mr.Table("helper", mr.MetaData(), mr.Column("x", mr.Integer), mr.Column("user", mr.Integer)).c
    ddl.has(y("sqlite", mr.Computed(c.x + 2)), "AS (x + 2)")
    ddl.has(y("sqlite", mr.Computed(c.x / c.x)), "AS (x / (x + 0.0))")
    ddl.has(y("postgresql", mr.Computed(c.x / c.user)), 'AS (x / CAST("user" AS NUMERIC)) STORED')
    ddl.has(y("sqlite", mr.Computed(mr.func.coalesce(c.x, "it's"))), "AS (coalesce(x, 'it''s'))")
  end)

  it("is NOT NULL if it says so, and may have an index and be unique", function()
    ddl.has(y("sqlite", mr.Computed "x + 2", { nullable = false }), "GENERATED ALWAYS AS (x + 2) NOT NULL")
    ddl.has(y("sqlite", mr.Computed "x + 2", { unique = true }), "UNIQUE (y)")
  end)

  it("is refused beside what else makes values, all in one error", function()
    local function with(options) return function() return y("sqlite", mr.Computed "x", options) end end
    refuse("ArgumentError", { "'y'", "Computed", "server_default" }, with{ server_default = "5" })
    refuse("ArgumentError", { "'y'", "Computed", "a default" }, with{ default = 5 })
    refuse("ArgumentError", { "'y'", "Computed", "onupdate" }, with{ onupdate = 5 })
    refuse("ArgumentError", { "'y'", "Computed", "Identity" }, function()
      return mr.Table("t", mr.MetaData(), mr.Column("y", mr.Integer, mr.Computed "x", mr.Identity()))
    end)
    refuse("ArgumentError", "two Computed", mr.Column, mr.Integer, mr.Computed "a", mr.Computed "b")
    refuse("ArgumentError", { "persisted", "true" }, mr.Computed, "x", { persisted = "yes" })
    refuse("ArgumentError", { "Computed", "SQL" }, mr.Computed, 5)
    refuse("ArgumentError", { "one expression", "price * amount" }, mr.Computed)
  end)

  it("is refused in a primary key of SQLite", function()
    local function declare(db) db.Table("t", mr.Column{ "id", mr.Integer, mr.Computed "1", primary_key = true }) end
    refuse("ArgumentError", { "t.id", "primary key", "unique = true" }, ddl.of, "sqlite", declare)
    ddl.has(ddl.of("postgresql", declare)[1], "id INTEGER GENERATED ALWAYS AS (1) STORED NOT NULL, PRIMARY KEY (id)")
  end)
end)

for _, persisted in ipairs{ true, false } do
  describe("a computed column with persisted = " .. tostring(persisted), function()
    local db, Item

    local function open(eager)
      db = mr.open "sqlite://"
      Item = db.Model:extend("Item", {
        id     = db.Column{ db.Integer, primary_key = true },
        price  = db.Column{ db.Integer },
        amount = db.Column{ db.Integer, default = 1 },
        total  = db.Column{ db.Integer, db.Computed{ "price * amount", persisted = persisted } },
        label  = db.Column{ "title", db.String(20), db.Computed{ "'#' || price", persisted = persisted } },
        __mapper_args = { eager_defaults = eager },
      })
      db:create_all()
    end

    local function flush() return statements(db, function() db.session:flush() end) end

    it("is never in an INSERT, and comes with it", function()
      open()
      local item, other = Item{ price = 3, amount = 2 }, Item{ price = 5 }
      db.session:add_all{ item, other }
      assert.same({ "INSERT INTO item (price, amount) VALUES (?, ?) RETURNING id, total, title" }, flush())
      assert.same({}, statements(db, function()
        assert.same({ 6, "#3", 5, "#5" }, { item.total, item.label, other.total, other.label })
      end))
      assert.is_false(mr.inspect(item).modified)
    end)

    it("is never in an UPDATE: it is read again when it is asked for", function()
      open()
      local item = Item{ price = 3, amount = 2 }
      db.session:add(item)
      db.session:flush()
      item.price = 4
      assert.equal(6, item.total)
      assert.same({ "UPDATE item SET price=? WHERE item.id = ?" }, flush())
      assert.same({ "SELECT item.total AS item_total, item.title AS item_title FROM item WHERE item.id = ?" },
        statements(db, function() assert.same({ 8, "#4" }, { item.total, item.label }) end))
      assert.same({}, flush())
    end)

    it("comes with an UPDATE, too, where eager_defaults is true; with neither where it is false", function()
      open(true)
      local item = Item{ price = 3 }
      db.session:add(item)
      db.session:flush()
      item.amount = 5
      assert.same({ "UPDATE item SET amount=? WHERE item.id = ? RETURNING total, title" }, flush())
      assert.same({}, statements(db, function() assert.equal(15, item.total) end))
      open(false)
      item = Item{ price = 3 }
      db.session:add(item)
      assert.same({ "INSERT INTO item (price, amount) VALUES (?, ?)" }, flush())
      assert.equal(1, #statements(db, function() assert.same({ 3, "#3" }, { item.total, item.label }) end))
    end)

    it("cannot be set: in the constructor, by assignment, by a statement, a batch, an upsert, from a select", function()
      open()
      local cure = { "Item.total", "computed by the database", "made of" }
      refuse("ArgumentError", cure, Item, { price = 1, total = 5 })
      local item = Item{ price = 3 }
      for _, value in ipairs{ 5, "x", mr.null } do
        refuse("ArgumentError", cure, function() item.total = value end)
      end
      refuse("ArgumentError", cure, function() item.total = nil end)
      local s = db.session
      refuse("ArgumentError", cure, s.execute, s, mr.insert(Item):values{ price = 1, total = 2 })
      refuse("ArgumentError", cure, s.execute, s, mr.insert(Item), { { price = 1, total = 2 } })
      refuse("ArgumentError", cure, s.execute, s, mr.update(Item):values{ total = 2 })
      refuse("ArgumentError", cure, s.execute, s, mr.update(Item), { { id = 1, total = 2 } })
      refuse("ArgumentError", cure, function() Item.query:update{ total = 3 } end)
      refuse("ArgumentError", cure, s.execute, s, mr.insert(Item):values{ id = 1, price = 1 }
        :on_conflict_do_update{ index_elements = { "id" }, set = { total = 2 } })
      refuse("ArgumentError", cure, s.execute, s, mr.insert(Item):from_select({ "total" }, mr.select(Item.price)))
      db.session:add(item)
      db.session:commit()
      assert.equal(1, Item.query:count())
      assert.equal(3, item.total)
      for _ = 1, 3 do -- of an object that is loaded, or changed, too
        refuse("ArgumentError", cure, function() item.total = 7 end)
        refuse("ArgumentError", { "Item.label", "computed" }, function() item.label = "x" end)
        item.price = item.price + 1
      end
      assert.same({ "UPDATE item SET price=? WHERE item.id = ?" }, flush())
    end)

    it("is in criteria, orders and results as any column", function()
      open()
      db.session:add_all{ Item{ price = 2, amount = 9 }, Item{ price = 5 }, Item{ price = 1 } }
      db.session:commit()
      local totals = mr.select(Item.total):where(Item.total:gt(1)):order_by(Item.total)
      assert.same({ 5, 18 }, db.session:scalars(totals):all())
      assert.equal(2, Item.query:filter_by{ label = "#2" }:one().price)
    end)

    it("is read again after an UPDATE by criteria and by key, and after a rollback", function()
      open()
      local item = Item{ price = 3, amount = 2 }
      db.session:add(item)
      db.session:commit()
      assert.equal(6, item.total)
      Item.query:filter_by{ price = 3 }:update{ price = 10 }
      assert.equal(20, item.total)
      db.session:execute(mr.update(Item), { { id = item.id, amount = 4 } })
      assert.equal(40, item.total)
      db.session:rollback()
      assert.equal(6, item.total)
      local point = db.session:begin_nested()
      item.price = 7
      db.session:flush()
      assert.equal(14, item.total)
      point:rollback()
      assert.equal(6, item.total)
    end)

    it("does not follow an object that is merged, or made anew", function()
      open()
      local item = Item{ price = 3 }
      db.session:add(item)
      db.session:commit()
      assert.equal(3, item.total)
      local other = mr.Session(db.engine)
      local merged = other:merge(item)
      merged.price = 4
      other:commit()
      assert.equal(4, merged.total)
      other:close()
      db.session:refresh(item)
      db.session:expunge(item)
      mr.make_transient(item)
      item.id = nil
      db.session:add(item)
      assert.same({ "INSERT INTO item (price, amount) VALUES (?, ?) RETURNING id, total, title" }, flush())
      assert.equal(4, item.total)
    end)

    it("of an object that takes the row of a deleted one is the new row's", function()
      open()
      local old = Item{ id = 1, price = 3, amount = 2 }
      db.session:add(old)
      db.session:commit()
      for _, values in ipairs{ { id = 1, price = 5 }, { id = 1 } } do
        db.session:delete(db.session:get(Item, 1))
        local new = Item(values)
        db.session:add(new)
        db.session:flush()
        assert.equal(new.price and new.price * new.amount, new.total)
        db.session:commit()
      end
    end)

    it("is a mixin's and a base class's, each table with its own", function()
      db = mr.open "sqlite://"
      local Doubled = { n = db.Column{ db.Integer },
                        double = db.Column{ db.Integer, db.Computed{ "n * 2", persisted = persisted } } }
      local A = db.Model:extend("A", { Doubled, id = db.Column{ db.Integer, primary_key = true } })
      local B = db.Model:extend("B", { Doubled, id = db.Column{ db.Integer, primary_key = true },
                                       type = db.Column{ db.String(5) } })
      local Sub = B:extend("Sub", { more = db.Column{ db.Integer, db.Computed{ "n * 3", persisted = persisted } } })
      db:create_all()
      local a, b, sub = A{ n = 1 }, B{ n = 2 }, Sub{ n = 3 }
      db.session:add_all{ a, b, sub }
      db.session:commit()
      assert.same({ 2, 4, 6, 9 }, { a.double, b.double, sub.double, sub.more })
      refuse("ArgumentError", "Sub.double", Sub, { double = 1 })
    end)
  end)
end

describe("a computed column of a composite key's table", function()
  it("comes with the row, in a batch too, in PostgreSQL's dialect in one statement", function()
    local db = mr.open "mock+postgresql://"
    local T = db.Model:extend("T", {
      a = db.Column{ db.Integer, primary_key = true }, b = db.Column{ db.Integer, primary_key = true },
      sum = db.Column{ db.Integer, db.Computed "a + b" },
    })
    db.session:add_all{ T{ a = 1, b = 2 }, T{ a = 3, b = 4 } }
    local records = db:record(function() pcall(db.session.flush, db.session) end)
    assert.equal("INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) RETURNING t.sum", records[1].statement)
  end)

  it("that refers to its own row by post_update is read again", function()
    local db = mr.open "sqlite://"
    local Node = db.Model:extend("Node", {
      id = db.Column{ db.Integer, primary_key = true },
      best_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
      has_best = db.Column{ db.Boolean, db.Computed "best_id IS NOT NULL" },
      best = db.relationship{ "Node", remote_side = "Node.id", post_update = true },
    })
    db:create_all()
    local node = Node{}
    node.best = node
    db.session:add(node)
    db.session:flush()
    assert.is_true(node.has_best)
    node.best = nil
    db.session:flush()
    assert.is_false(node.has_best)
  end)
end)
