-- SQL that PostgreSQL takes otherwise than SQLite: arrays and documents in criteria, DISTINCT with an order, and what
-- it alone has. Where MOONROW_TEST_URL names a server, it is run there.

local mr = require "moonrow"
local postgresql = require "spec.support.postgresql"

describe("subqueryload below an ordered collection", function()
  it("asks for the distinct keys without an order, which PostgreSQL would refuse", function()
    local db = mr.open(postgresql.url and postgresql.fresh() or "sqlite://")
    local Customer = db.Model:extend("Customer", {
      id = db.Column{ db.Integer, primary_key = true },
      orders = db.relationship{ "Order", order_by = "Order.number" },
    })
    local Order = db.Model:extend("Order", {
      id = db.Column{ db.Integer, primary_key = true },
      number = db.Column(db.Integer),
      customer_id = db.Column{ db.Integer, db.ForeignKey "customer.id" },
      address_id = db.Column{ db.Integer, db.ForeignKey "address.id" },
      address = db.relationship "Address",
    })
    local Address = db.Model:extend("Address", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    db.session:add(Customer{ orders = { Order{ number = 2, address = Address{} }, Order{ number = 1 } } })
    db.session:commit()
    db.session:remove()
    local records = db:record(function()
      local all = Customer.query:options(mr.subqueryload(Customer.orders):subqueryload(Order.address)):all()
      assert.equal(1, all[1].orders[1].number)
      assert.equal(1, all[1].orders[2].address.id)
    end)
    local last = records[#records].statement
    assert.matches("SELECT DISTINCT", last)
    assert.is_nil(last:find("ORDER BY", 1, true), last)
  end)
end)

if not postgresql.url then
  pending "the SQL of PostgreSQL: MOONROW_TEST_URL names no server"
  return
end

describe("PostgreSQL", function()
  local db, Item

  before_each(function()
    db = mr.open(postgresql.fresh())
    Item = db.Model:extend("Item", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(20), unique = true },
      tags = db.Column(db.Array(db.Integer)),
      json = db.Column(db.JSON),
      jsonb = db.Column(db.JSONB),
      n = db.Column(db.Integer),
    })
    db:create_all()
    db.session:add_all{
      Item{ name = "a", tags = { 7, 8 }, json = { k = { 1 } }, jsonb = { k = { 1 } }, n = 1 },
      Item{ name = "b", tags = mr.array{}, json = { k = 2 }, jsonb = { k = 2 }, n = 1 },
    }
    db.session:commit()
  end)

  local function names(q)
    local list = {}
    for i, item in ipairs(q:order_by(Item.name):all()) do list[i] = item.name end
    return table.concat(list, " ")
  end

  it("compares arrays and documents, alone, in lists, and by a path", function()
    assert.equal("a", names(Item.query:filter(Item.tags:eq{ 7, 8 })))
    assert.equal("b", names(Item.query:filter(Item.tags:ne{ 7, 8 })))
    assert.equal("a b", names(Item.query:filter(Item.tags:in_{ { 7, 8 }, mr.array{} })))
    assert.equal("a", names(Item.query:filter(Item.tags:at(1):eq(7))))
    for _, column in ipairs{ Item.json, Item.jsonb } do
      assert.equal("a", names(Item.query:filter(column:eq{ k = { 1 } })))
      assert.equal("a b", names(Item.query:filter(column:in_{ { k = { 1 } }, { k = 2 } })))
      assert.equal("", names(Item.query:filter(column:in_{})))
      assert.equal("a", names(Item.query:filter(column:at("k"):eq{ 1 })))
      assert.equal("b", names(Item.query:filter(Item.name:eq "b", column:at("k"):is_distinct_from{ 1 })))
    end
  end)

  it("inserts or changes, and does nothing where a row is there", function()
    local s = db.session
    local upsert = mr.insert(Item):values{ { name = "a", n = 5 }, { name = "c", n = 6 } }
      :on_conflict_do_update{ index_elements = { "name" }, set = { n = 9 } }:returning(Item.name, Item.n)
    local rows = s:execute(upsert):all()
    assert.equal('{("a", 9), ("c", 6)}', tostring(rows))
    local nothing = mr.insert(Item):values{ name = "a" }:on_conflict_do_nothing():returning(Item.id)
    assert.equal(0, #s:execute(nothing):all())
    s:commit()
  end)

  it("takes the first row of each group by distinct_on", function()
    local q = db.session:query(Item):distinct(Item.n):order_by(Item.n, Item.name:desc())
    assert.equal("b", q:one().name)
  end)

  it("locks rows, passes by locked ones, and does not wait for them", function()
    local other <close> = mr.Session(db.engine)
    db.session:begin(function(s)
      assert.equal("a", s:query(Item):filter_by{ name = "a" }:with_for_update():one().name)
      assert.equal("b", other:query(Item):order_by(Item.name):with_for_update{ skip_locked = true }:one().name)
      other:rollback()
      local ok, e = pcall(function()
        return other:query(Item):filter_by{ name = "a" }:with_for_update{ nowait = true }:one()
      end)
      assert.is_false(ok)
      assert.equal("55P03", e.orig.sqlstate)
      other:rollback()
    end)
  end)

  it("reads rows of a lateral subquery", function()
    local inner = mr.select((Item.n + 1):label "next"):where(Item.id:eq(Item.id)):limit(1):lateral "l"
    local q = mr.select(Item.name, inner.c.next):join(inner, mr.true_()):order_by(Item.name)
    local rows = db.session:execute(q):all()
    assert.equal(2, #rows)
    assert.equal(2, rows[1].next)
  end)

  it("checks a deferrable constraint at the COMMIT", function()
    local Node = db.Model:extend("Node", {
      id = db.Column{ db.Integer, primary_key = true, autoincrement = false },
      next_id = db.Column{ db.Integer, db.ForeignKey("node.id", { deferrable = true, initially = "DEFERRED" }) },
    })
    db:create_all()
    db.session:execute(mr.insert(Node.__table):values{ id = 1, next_id = 2 })
    db.session:execute(mr.insert(Node.__table):values{ id = 2 })
    db.session:commit()
    db.session:execute(mr.insert(Node.__table):values{ id = 3, next_id = 4 })
    local ok, e = pcall(db.session.commit, db.session)
    assert.is_false(ok)
    assert.equal("23503", e.orig.sqlstate)
    db.session:rollback()
    assert.equal(2, Node.query:count())
  end)

  it("makes tables in another schema, with comments, and finds them there", function()
    local schema = postgresql.prefix .. "other"
    db.session:execute(mr.text("CREATE SCHEMA " .. schema))
    db.session:commit()
    local md = mr.MetaData()
    local t = mr.Table("t", md, mr.Column("id", mr.Integer, { primary_key = true, comment = "key" }),
      { schema = schema, comment = "elsewhere" })
    md:create_all{ bind = db.engine }
    md:create_all{ bind = db.engine }
    assert.equal("elsewhere", mr.inspect(db.engine):table_comment("t", schema).text)
    db.session:execute(mr.insert(t):values{ id = 5 })
    assert.equal(5, db.session:scalar(mr.select(t.c.id)))
    db.session:commit()
    md:drop_all{ bind = db.engine }
    assert.is_false(mr.inspect(db.engine):has_table("t", schema))
  end)

  it("gives back what the server has made: identities, computed columns, defaults, rows that are written", function()
    local Made = db.Model:extend("Made", {
      id = db.Column{ db.BigInteger, db.Identity{ start = 10, increment = 5 }, primary_key = true },
      n = db.Column(db.Integer),
      twice = db.Column{ db.Integer, mr.Computed "n * 2" },
      at = db.Column{ db.DateTime, server_default = mr.func.now() },
    })
    db:create_all()
    local a, b = Made{ n = 3 }, Made{ n = 4 }
    db.session:add_all{ a, b }
    db.session:commit()
    assert.same({ 10, 15, 6, 8 }, { a.id, b.id, a.twice, b.twice })
    assert.truthy(a.at)
    local s = db.session
    assert.equal("{(15, 10)}", tostring(s:execute(mr.update(Made):where(Made.n:eq(4)):values{ n = 5 }
      :returning(Made.id, Made.twice)):all()))
    assert.equal("{(10)}", tostring(s:execute(mr.delete(Made):where(Made.n:eq(3)):returning(Made.id)):all()))
  end)
end)
