-- The sections of src/README.md about files, connections and limits are true.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function open(url)
  local db = mr.open(url)
  local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true } })
  db:create_all()
  db.session:add_all{ Item{}, Item{} }
  db.session:commit()
  return db, Item
end

describe("a commit beside somebody who reads", function()
  local path

  before_each(function() path = os.tmpname() end)
  after_each(function()
    for _, ending in ipairs{ "", "-journal", "-wal", "-shm" } do os.remove(path .. ending) end
  end)

  local function commit_beside_a_reader(url)
    local db, Item = open(url)
    local reader <close> = mr.Session(db.engine)
    local tx <close> = reader:begin{ read_only = true }
    assert.equal(2, reader:query(Item):count())
    db.session:add(Item{})
    local ok, e = pcall(db.session.commit, db.session)
    if not ok then db.session:rollback() end
    tx:rollback()
    db.session:remove()
    return ok, e
  end

  it("fails without waiting in a new file, and passes in memory", function()
    local began = os.time()
    local ok, e = commit_beside_a_reader("sqlite:///" .. path .. "?busy_timeout=60000")
    assert.is_false(ok)
    assert.equal("OperationalError", e.kind)
    assert.has_match("database is locked", e.message, 1, true)
    assert.is_true(os.time() - began < 30, "it has waited for the lock")
    assert.is_true((commit_beside_a_reader "sqlite://"))
  end)

  it("passes in a file that was once told to have a write-ahead log", function()
    local db = open("sqlite:///" .. path .. "?journal_mode=wal")
    db.session:remove()
    db.engine:dispose()
    local again = mr.create_engine("sqlite:///" .. path)
    local conn <close> = again:connect()
    assert.equal("wal", conn:scalar(mr.text "PRAGMA journal_mode"))
    assert.equal(1, conn:scalar(mr.text "PRAGMA foreign_keys"))
    assert.equal(0, conn:scalar(mr.text "PRAGMA busy_timeout"))
    os.remove(path)
    assert.is_true((commit_beside_a_reader("sqlite:///" .. path .. "?journal_mode=wal")))
  end)

  it("one session writes at a time in memory, too", function()
    local db, Item = open "sqlite://"
    local other <close> = mr.Session(db.engine)
    other:add(Item{})
    other:flush()
    assert.equal(2, Item.query:count())
    db.session:add(Item{})
    refuse("OperationalError", "database is locked by another session of this program", db.session.flush, db.session)
    db.session:rollback()
    other:rollback()
  end)
end)

describe("what is closed", function()
  it("answers little, and refuses all else", function()
    local db, Item = open "sqlite://"
    local conn = db.engine:connect()
    conn:close()
    conn:close()
    assert.is_true(conn.closed)
    for _, name in ipairs{ "commit", "rollback", "in_transaction", "execute", "scalar", "scalars" } do
      local statement = name:find "^[es]" and mr.text "SELECT 1" or nil
      refuse("InvalidRequestError", "the connection is closed", conn[name], conn, statement)
    end
    refuse("InvalidRequestError", "the connection is closed", function() return conn.engine end)
    local session = mr.Session(db.engine)
    local item = session:get(Item, 1)
    session:close()
    session:close()
    assert.is_true(session.closed)
    assert.equal(db.engine, session.bind)
    assert.is_table(session.info)
    for _, name in ipairs{ "commit", "rollback", "flush", "in_transaction", "expire_all", "expunge_all" } do
      refuse("InvalidRequestError", "the session is closed", session[name], session)
    end
    for _, name in ipairs{ "add", "delete", "contains", "expire", "is_modified" } do
      refuse("InvalidRequestError", "the session is closed", session[name], session, item)
    end
    for _, name in ipairs{ "new", "dirty", "deleted", "autoflush", "identity_map", "expire_on_commit" } do
      refuse("InvalidRequestError", "the session is closed", function() return session[name] end)
    end
    assert.equal(1, item.id)
    assert.equal("detached", mr.inspect(item).state)
  end)
end)

describe("the limits", function()
  local function nested(Item, levels, step)
    local expression = Item.id
    for _ = 1, levels do expression = step(expression) end
    return Item.query:filter(expression:eq(-1)):count()
  end

  it("let an expression nest nearly 500 levels, and chains of & and | be as long as they are", function()
    local db, Item = open "sqlite://"
    local steps = {
      function(x) return x + 1 end, function(x) return x .. "x" end, function(x) return mr.func.abs(x) end,
      function(x) return -x end,
    }
    for i, step in ipairs(steps) do
      refuse("ArgumentError", "nested deeper than 500 levels", nested, Item, 500, step)
      if i == 1 then assert.equal(0, nested(Item, 490, step)) end
    end
    local any = Item.id:eq(-1)
    for i = 2, 3000 do any = any | Item.id:eq(-i) end
    assert.equal(0, Item.query:filter(any):count())
    db.session:remove()
  end)

  it("let joined loading follow 64 relationships, of which SQLite joins 63", function()
    local db = mr.open "sqlite://"
    local Node = db.Model:extend("Node", {
      id        = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
      parent    = db.relationship{ "Node", remote_side = "Node.id" },
    })
    db:create_all()
    local function load(strategy, levels)
      local option = mr[strategy](Node.parent)
      for _ = 2, levels do option = option[strategy](option, Node.parent) end
      return #Node.query:options(option):all()
    end
    assert.equal(0, load("joinedload", 63))
    refuse("OperationalError", "at most 64 tables", load, "joinedload", 64)
    refuse("ArgumentError", "Node.parent goes deeper than 64 levels", load, "joinedload", 65)
    assert.equal(0, load("selectinload", 200))
  end)
end)

describe("names and defaults", function()
  it("of an index are made, of constraints are not", function()
    local db = mr.open "sqlite://"
    db.Model:extend("Item", {
      id   = db.Column{ db.Integer, primary_key = true, autoincrement = "auto" },
      code = db.Column{ db.Integer, index = true, unique = true },
      rank = db.Column{ db.Integer, index = true },
      __table_args = { db.UniqueConstraint("code", "rank"), db.UniqueConstraint{ "rank", "id", name = "by_rank" } },
    })
    local made = {}
    for i, record in ipairs(db:record(function() db:create_all{ checkfirst = false } end)) do
      made[i] = record.statement
    end
    local all = table.concat(made, "\n")
    assert.has_match("CREATE INDEX ix_item_rank ON item (rank)", all, 1, true)
    assert.has_match(", UNIQUE (code, rank)", all, 1, true)
    assert.has_match("CONSTRAINT by_rank UNIQUE (rank, id)", all, 1, true)
    assert.equal(1, select(2, all:gsub("CONSTRAINT", "")))
  end)

  it("of get and paginate are as written", function()
    local db, Item = open "sqlite://"
    refuse("ArgumentError", "known are populate_existing, options", db.session.get, db.session, Item, 1,
      { nothing = true })
    local page = Item.query:order_by(Item.id):paginate()
    assert.same({ 1, 20 }, { page.page, page.per_page })
    assert.equal(100, Item.query:paginate{ per_page = 1000 }.per_page)
    assert.equal(0, #Item.query:paginate{ page = 2 }.items)
    refuse("NotFound", "no page 2", Item.query.paginate, Item.query, { page = 2, error_out = true })
  end)
end)
