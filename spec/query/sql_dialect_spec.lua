-- The SQL that a query shows is that of its session's engine, however the query was begun.

local mr = require "moonrow"

describe("the SQL of a query", function()
  it("is in the dialect of the session that it would run in, also from Class.query", function()
    local db = mr.open "mock+postgresql://"
    local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      v = db.Column{ db.Integer } })
    local sql = "SELECT item.id AS item_id, item.v AS item_v FROM item WHERE item.v = $1"
    local QUERIES = { Item.query:filter(Item.v:eq(1)), Item.query:filter_by{ v = 1 }, Item.query:where "v == 1",
      db.session:query(Item):filter(Item.v:eq(1)) }
    for i, query in ipairs(QUERIES) do
      assert.equal(sql, query:sql(), i)
      assert.equal(sql, tostring(query), i)
    end
    assert.equal((sql:gsub("%$1", "?")), Item.query:filter(Item.v:eq(1)):sql{ dialect = "sqlite" })
  end)

  it("is that of the scope where it is shown", function()
    local engines = { mr.create_engine "mock+postgresql://", mr.create_engine "sqlite://" }
    local now = 1
    local session = mr.scoped_session(function() return mr.Session(engines[now]) end)
    local Base = mr.declarative_base()
    Base.query = session:query_property()
    local Item = Base:extend("Item", { id = mr.Column{ mr.Integer, primary_key = true } })
    local query = Item.query:filter(Item.id:gt(1))
    session()
    assert.equal("SELECT item.id AS item_id FROM item WHERE item.id > $1", query:sql())
    session:remove()
    now = 2
    session()
    assert.equal("SELECT item.id AS item_id FROM item WHERE item.id > ?", query:sql())
  end)

  it("is SQLite's where only a function of the program could tell the session, and the scope has none yet", function()
    local session = mr.scoped_session(function() error("no session", 0) end)
    local Base = mr.declarative_base()
    Base.query = session:query_property()
    local Item = Base:extend("Item", { id = mr.Column{ mr.Integer, primary_key = true } })
    assert.equal("SELECT item.id AS item_id FROM item WHERE item.id > ?", Item.query:filter(Item.id:gt(1)):sql())
  end)

  it("is SQLite's where the query has no session", function()
    local Item = mr.declarative_base():extend("Item", { id = mr.Column{ mr.Integer, primary_key = true } })
    assert.equal("SELECT item.id FROM item WHERE item.id > ?", mr.select(Item.id):where(Item.id:gt(1)):sql())
  end)

  it("is not known where the function that names the scopes fails: its error comes unchanged", function()
    local Base = mr.declarative_base()
    local none = mr.scoped_session(mr.sessionmaker(), { scopefunc = function() error("no scope", 0) end })
    Base.query = none:query_property()
    local Item = Base:extend("Item", { id = mr.Column{ mr.Integer, primary_key = true } })
    local ok, e = pcall(function() return Item.query:filter(Item.id:gt(1)):sql() end)
    assert.same({ false, "no scope" }, { ok, e })
  end)
end)
