-- New rows of one shape go together, many in one statement, where nobody listens to statements: each object gets its
-- own key all the same, a refused row is named, and tables where rows may be skipped or renumbered get them in turn.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local N = os.getenv "MOONROW_STRESS" and 150 or 700

describe("many new rows", function()
  local db, session
  before_each(function()
    db = mr.open "sqlite://"
    session = db.session
  end)

  local function item_class(more)
    local body = {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(40), nullable = false, unique = true },
      stock = db.Column{ db.Integer },
    }
    for key, value in pairs(more or {}) do body[key] = value end
    return db.Model:extend("Item", body)
  end

  local function sql(text) return session:execute(mr.text(text)) end

  -- Adds n objects, whose names say their number; commits; each must have the row of its name.
  local function add_all(Item, n, from)
    local items = {}
    for i = 1, n do
      items[i] = Item{ name = ("n%d"):format((from or 0) + i), stock = i % 5 ~= 0 and i or nil }
      session:add(items[i])
    end
    session:commit()
    return items
  end

  local function keys_of(items)
    local keys = {}
    for i, item in ipairs(items) do keys[i] = item.id end
    return keys
  end

  local function assert_rows(items)
    local found = {}
    for row in session:execute(mr.text "SELECT id, name FROM item"):iter() do found[row.name] = row.id end
    for i, item in ipairs(items) do assert.equal(found[item.name], item.id, "object " .. i) end
  end

  it("get their own keys, next to rows of another shape", function()
    local Item = item_class()
    db:create_all()
    local items = add_all(Item, N)
    assert.equal(N, session:scalar(mr.select(mr.func.count(Item.id))))
    for i, key in ipairs(keys_of(items)) do assert.equal(i, key) end
    assert_rows(items)
    assert.equal(nil, items[N - N % 5].stock)
  end)

  it("of all kinds of values are stored as they are alone", function()
    local Kind = db.Model:extend("Kind", {
      id = db.Column{ db.Integer, primary_key = true },
      text = db.Column{ db.Text },
      blob = db.Column{ db.LargeBinary },
      real = db.Column{ db.Float },
      flag = db.Column{ db.Boolean },
      day = db.Column{ db.Date },
      price = db.Column{ db.Numeric(12, 2) },
      json = db.Column{ db.JSON },
    })
    db:create_all()
    local kinds = {}
    for i = 1, N do
      kinds[i] = Kind{
        text = "a\0b" .. i, blob = "\0\255" .. i, real = i / 4, flag = i % 2 == 0, day = mr.date(2024, 2, 1 + i % 28),
        price = mr.decimal(("%d.%02d"):format(i, i % 100)), json = { i, "x" },
      }
      session:add(kinds[i])
    end
    session:commit()
    session:expire_all()
    for i = 1, N do
      local kind = kinds[i]
      assert.equal("a\0b" .. i, kind.text)
      assert.equal("\0\255" .. i, kind.blob)
      assert.equal(i / 4, kind.real)
      assert.equal(i % 2 == 0, kind.flag)
      assert.equal(mr.date(2024, 2, 1 + i % 28), kind.day)
      assert.equal(("%d.%02d"):format(i, i % 100), tostring(kind.price))
      assert.equal(i, kind.json[1])
    end
  end)

  it("name the one that is refused, and the others stay new", function()
    local Item = item_class()
    db:create_all()
    add_all(Item, 1)
    local items = {}
    for i = 1, N do
      items[i] = Item{ name = i == N - 20 and "n1" or "m" .. i, stock = i }
      session:add(items[i])
    end
    local number = ("number %d of %d new Item"):format(N - 20, N)
    local err = refuse("IntegrityError", number, session.commit, session)
    assert.equal("INSERT INTO item (name, stock) VALUES (?, ?)", err.statement)
    session:rollback()
    assert.equal(1, session:scalar(mr.select(mr.func.count(Item.id))))
    items[N - 20].name = "m"
    session:add_all(items)
    session:commit()
    assert_rows(items)
  end)

  it("in a table that the database numbers by AUTOINCREMENT, also behind deleted rows", function()
    local Item = item_class{ __table_args = { sqlite_autoincrement = true } }
    db:create_all()
    sql "INSERT INTO item (id, name) VALUES (5000, 'last')"
    sql "DELETE FROM item"
    session:commit()
    local items = add_all(Item, N)
    assert.equal(5001, items[1].id)
    assert.equal(5000 + N, items[N].id)
    assert_rows(items)
  end)

  it("behind the largest key take free ones", function()
    local Item = item_class()
    db:create_all()
    sql(("INSERT INTO item (id, name) VALUES (%d, 'last')"):format(math.maxinteger))
    session:commit()
    assert_rows(add_all(Item, N))
  end)

  it("up to the largest key", function()
    local Item = item_class()
    db:create_all()
    sql(("INSERT INTO item (id, name) VALUES (%d, 'near')"):format(math.maxinteger - 100))
    session:commit()
    assert_rows(add_all(Item, N))
  end)

  it("whose table has a trigger that makes other rows", function()
    local Item = item_class()
    db:create_all()
    sql [[CREATE TRIGGER doubled BEFORE INSERT ON item WHEN new.name NOT LIKE '%+' BEGIN
            INSERT INTO item (name) VALUES (new.name || '+'); END]]
    session:commit()
    local items = add_all(Item, N)
    assert.equal(2 * N, session:scalar(mr.select(mr.func.count(Item.id))))
    assert_rows(items)
  end)

  it("whose table has a temporary trigger", function()
    local Item = item_class()
    db:create_all()
    sql [[CREATE TEMP TRIGGER doubled BEFORE INSERT ON main.item WHEN new.name NOT LIKE '%+' BEGIN
            INSERT INTO item (name) VALUES (new.name || '+'); END]]
    session:commit()
    assert_rows(add_all(Item, N))
  end)

  it("whose trigger another connection has made since", function()
    local path = os.tmpname()
    db = mr.open("sqlite:///" .. path)
    session = db.session
    local Item = item_class()
    db:create_all()
    assert_rows(add_all(Item, N))
    local other = mr.open("sqlite:///" .. path)
    other.session:execute(mr.text [[CREATE TRIGGER doubled BEFORE INSERT ON item WHEN new.name NOT LIKE '%+' BEGIN
      INSERT INTO item (name) VALUES (new.name || '+'); END]])
    other.session:commit()
    other.engine:dispose()
    assert_rows(add_all(Item, N, N))
    assert.equal(3 * N, session:scalar(mr.select(mr.func.count(Item.id))))
    db.engine:dispose()
    os.remove(path)
  end)

  it("of a table that skips what conflicts are refused as they are alone", function()
    local Item = item_class()
    sql "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT IGNORE, stock INTEGER)"
    session:commit()
    for i = 1, N do session:add(Item{ name = "n" .. (i == N - 1 and 1 or i) }) end
    refuse("StaleDataError", "item", session.commit, session)
    session:rollback()
    assert.equal(0, session:scalar(mr.select(mr.func.count(Item.id))))
  end)

  it("of a table that replaces what conflicts", function()
    local Item = item_class()
    sql "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT REPLACE, stock INTEGER)"
    session:commit()
    add_all(Item, N)
    local again = add_all(Item, N)
    assert.equal(N, session:scalar(mr.select(mr.func.count(Item.id))))
    assert_rows(again)
  end)

  it("with keys of their own, in a table without rowid", function()
    local Pair = db.Model:extend("Pair", {
      a = db.Column{ db.Integer, primary_key = true },
      b = db.Column{ db.String(9), primary_key = true },
      note = db.Column{ db.Text },
      __table_args = { sqlite_with_rowid = false },
    })
    db:create_all()
    local pairs_ = {}
    for i = 1, N do
      pairs_[i] = Pair{ a = i % 7, b = "b" .. i, note = "p" .. i }
      session:add(pairs_[i])
    end
    session:commit()
    session:expire_all()
    for i = 1, N do assert.equal("p" .. i, pairs_[i].note) end
  end)

  it("that refer to one another, and to parents made in the same flush", function()
    local Node = db.Model:extend("Node", {
      id = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
      name = db.Column{ db.String(20) },
      children = db.relationship{ "Node", backref = mr.backref("parent", { remote_side = "Node.id" }) },
    })
    db:create_all()
    sql "PRAGMA foreign_keys = ON"
    local nodes = {}
    for i = 1, N do
      nodes[i] = Node{ name = "n" .. i }
      if i > 1 then nodes[i].parent = nodes[i // 2] end
    end
    session:add(nodes[1])
    session:commit()
    session:expire_all()
    for i = 2, N do assert.equal("n" .. i // 2, nodes[i].parent.name) end
  end)

  it("of subclasses, whose two tables have the same keys", function()
    local Base = db.Model:extend("Base", {
      id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ db.String(10) },
      name = db.Column{ db.String(20) },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "base" },
    })
    local Sub = Base:extend("Sub", {
      id = db.Column{ db.Integer, db.ForeignKey "base.id", primary_key = true },
      more = db.Column{ db.String(20) },
      __mapper_args = { polymorphic_identity = "sub" },
    })
    db:create_all()
    local all = {}
    for i = 1, N do
      all[i] = i % 3 == 0 and Base{ name = "b" .. i } or Sub{ name = "s" .. i, more = "m" .. i }
      session:add(all[i])
    end
    session:commit()
    local other = "SELECT count(*) FROM base JOIN sub USING (id) WHERE 'm' || substr(name, 2) <> more"
    local bad = session:scalar(mr.text(other))
    assert.equal(0, bad)
    for i = 1, N do
      assert.equal((i % 3 == 0 and "b" or "s") .. i, all[i].name)
      if i % 3 ~= 0 then assert.equal("m" .. i, all[i].more) end
    end
  end)

  it("of a secondary table", function()
    local tags = mr.Table("item_tag", db.metadata, db.Column{ "item_id", db.ForeignKey "item.id", primary_key = true },
      db.Column{ "tag_id", db.ForeignKey "tag.id", primary_key = true })
    local Tag = db.Model:extend("Tag", { id = db.Column{ db.Integer, primary_key = true } })
    local Item = item_class{ tags = db.relationship{ "Tag", secondary = tags, order_by = "Tag.id" } }
    db:create_all()
    local all = {}
    for i = 1, 30 do all[i] = Tag{ id = i } end
    local items = {}
    for i = 1, N // 10 do
      items[i] = Item{ name = "n" .. i }
      for k = i % 10 + 1, i % 10 + 20 do items[i].tags:append(all[k]) end
      session:add(items[i])
    end
    session:commit()
    session:expire_all()
    for i = 1, N // 10 do
      assert.equal(20, #items[i].tags)
      assert.equal(all[i % 10 + 1], items[i].tags[1])
    end
  end)

  it("are one execution with as many rows for a listener", function()
    local Item = item_class()
    db:create_all()
    local records = db:record(function() add_all(Item, 100) end)
    local count = 0
    for _, record in ipairs(records) do
      assert.truthy(record.statement:find "^INSERT INTO item %(name[, stock]*%) VALUES %([?, ]+%)$", record.statement)
      count = count + #record.parameters
    end
    assert.equal(100, count)
  end)

  it("given to mr.insert as a list", function()
    local Item = item_class()
    db:create_all()
    local rows = {}
    for i = 1, N do rows[i] = { name = "n" .. i, stock = i } end
    local result = session:execute(mr.insert(Item), rows)
    assert.equal(N, result.rowcount)
    session:commit()
    local sum = session:scalar(mr.text "SELECT count(*) FROM item WHERE name = 'n' || stock AND id = stock")
    assert.equal(N, sum)
    for i = 2, N do rows[i].name = "m" .. i end
    refuse("IntegrityError", "row 1", session.execute, session, mr.insert(Item), rows)
    session:rollback()
  end)

  it("given to mr.insert, of which one late row is refused", function()
    local Item = item_class()
    db:create_all()
    local rows = {}
    for i = 1, N do rows[i] = { name = i == N - 3 and "n5" or "n" .. i } end
    refuse("IntegrityError", "row " .. N - 3, session.execute, session, mr.insert(Item), rows)
    session:rollback()
    assert.equal(0, session:scalar(mr.select(mr.func.count(Item.id))))
  end)

  it("whose default reads the table sees all rows before it", function()
    local Item
    Item = item_class{ place = db.Column{ db.Integer, default = function()
      return (session:scalar(mr.text "SELECT coalesce(max(place), 0) FROM item")) + 1
    end } }
    db:create_all()
    add_all(Item, 100)
    assert.equal(100, session:scalar(mr.text "SELECT max(place) FROM item"))
    local rows = {}
    for i = 1, 100 do rows[i] = { name = "m" .. i } end
    session:execute(mr.insert(Item), rows)
    session:commit()
    assert.equal(200, session:scalar(mr.text "SELECT count(DISTINCT place) FROM item"))
  end)

  it("whose default writes a row of the same table", function()
    local calls = 0
    local Item = item_class{ place = db.Column{ db.Integer, default = function()
      calls = calls + 1
      if calls == 50 then session:execute(mr.text "INSERT INTO item (name) VALUES ('between')") end
      return calls
    end } }
    db:create_all()
    local items = add_all(Item, 100)
    assert_rows(items)
    assert.equal(101, session:scalar(mr.select(mr.func.count(Item.id))))
  end)

  it("given to mr.insert, of which a default fails late: those before it are there", function()
    local calls = 0
    local Item = item_class{ place = db.Column{ db.Integer, default = function()
      calls = calls + 1
      return calls < 50 and calls or error "enough"
    end } }
    db:create_all()
    local rows = {}
    for i = 1, 100 do rows[i] = { name = "m" .. i } end
    assert.is_false((pcall(session.execute, session, mr.insert(Item), rows)))
    assert.equal(49, session:scalar(mr.text "SELECT count(*) FROM item"))
  end)

  it("whose function in a CHECK fails late: those before it are there", function()
    local Item = item_class()
    db.engine:create_function("fine", function(name)
      if name == "m50" then error "no fifty" end
      return 1
    end)
    sql "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT CHECK (fine(name)), stock INTEGER)"
    session:commit()
    local rows = {}
    for i = 1, 100 do rows[i] = { name = "m" .. i } end
    local ok, err = pcall(session.execute, session, mr.insert(Item), rows)
    assert.is_false(ok)
    assert.truthy(tostring(err):find("no fifty", 1, true))
    assert.equal(49, session:scalar(mr.text "SELECT count(*) FROM item"))
  end)

  it("do not refer to rows behind them in their own table", function()
    local Node = db.Model:extend("Node", {
      id = db.Column{ db.Integer, primary_key = true },
      next_id = db.Column{ db.Integer, db.ForeignKey "node.id" },
    })
    db:create_all()
    for _, at in ipairs{ 3, 40, 65, 95 } do
      local rows = {}
      for i = 1, 100 do rows[i] = { id = i, next_id = i == at and i + 1 or i } end
      refuse("IntegrityError", "FOREIGN KEY", session.execute, session, mr.insert(Node), rows)
      session:rollback()
    end
  end)

  it("with so many columns that few rows fit one statement", function()
    local body = { id = db.Column{ db.Integer, primary_key = true } }
    for c = 1, 250 do body["c" .. c] = db.Column{ db.Integer } end
    local Wide = db.Model:extend("Wide", body)
    db:create_all()
    local all = {}
    for i = 1, 60 do
      local values = {}
      for c = 1, 250 do values["c" .. c] = i * 1000 + c end
      all[i] = Wide(values)
      session:add(all[i])
    end
    session:commit()
    session:expire_all()
    for i = 1, 60 do
      assert.equal(i * 1000 + 250, all[i].c250)
      assert.equal(i, all[i].id)
    end
  end)
end)
