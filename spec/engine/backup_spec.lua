-- Copies of a database, what is wrong with its file, and URLs that say how it is opened.

local mr = require "moonrow"
local process = require "spec.support.process"

local path, other

before_each(function() path, other = os.tmpname(), os.tmpname() end)
after_each(function()
  process.remove(path)
  process.remove(other)
end)

local function open(url)
  local db = mr.open(url or "sqlite:///" .. path)
  local Item = db.Model:extend("Item", {
    id = db.Column{ db.Integer, primary_key = true }, text = db.Column{ db.Text },
  })
  return db, Item
end

local function filled(url)
  local db, Item = open(url)
  db:create_all()
  for i = 1, 60 do db.session:add(Item{ id = i, text = ("x"):rep(300) }) end
  db.session:commit()
  return db, Item
end

local function message(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

describe("backup and restore", function()
  for _, url in ipairs{ "", "sqlite://", "?journal_mode=wal" } do
    it("copy a database and bring it back: " .. (url == "" and "a file" or url), function()
      local db, Item = filled(url == "sqlite://" and url or "sqlite:///" .. path .. url)
      local steps, last = 0, nil
      db:backup(other, { pages = 2, progress = function(done, total)
        steps, last = steps + 1, { done, total }
      end })
      assert.is_true(steps > 3)
      assert.equal(last[2], last[1])
      local item = db.session:get(Item, 1)
      item.text = "changed"
      db.session:commit()
      db.session:add(Item{ id = 99 })
      db.session:commit()
      assert.equal("changed", item.text)
      db.session:commit()
      db:restore(other)
      assert.equal(300, #item.text)
      assert.equal(60, Item.query:count())
      db.session:commit()
      assert.same({}, db:integrity_check())
    end)
  end

  it("restore is refused while a transaction is open", function()
    local db, Item = filled()
    db:backup(other)
    db.session:add(Item{ id = 99 })
    db.session:flush()
    local err = message(db.restore, db, other)
    assert.truthy(tostring(err):find "InvalidRequestError")
    assert.truthy(err.message:find("restore: a session has an open transaction: commit or roll it back first", 1, true))
    db.session:rollback()
    db:restore(other)
    assert.equal(60, Item.query:count())
  end)

  it("backup goes on while another writes", function()
    local db = filled()
    local writer = mr.create_engine("sqlite:///" .. path):connect{ isolation_level = "AUTOCOMMIT" }
    local writes = 0
    db:backup(other, { pages = 3, progress = function(done, total)
      if writes < 2 and done < total then
        writes = writes + 1
        writer:execute("INSERT INTO item (id) VALUES (" .. 1000 + writes .. ")")
      end
    end })
    assert.equal(2, writes)
    assert.equal(62, mr.open("sqlite:///" .. other).session:scalar(mr.text "SELECT count(*) FROM item"))
    writer:close()
  end)

  it("an error of progress, and a file that cannot be used, are told", function()
    local db, Item = filled()
    assert.equal("stop", message(db.backup, db, other, { progress = function() error("stop", 0) end }))
    assert.truthy(message(db.backup, db, "/nowhere/x.db").message:find('cannot open database "/nowhere/x.db"', 1, true))
    assert.truthy(tostring(message(db.restore, db, "/nowhere/x.db")):find "OperationalError")
    assert.truthy(message(db.backup, db).message:find("backup: expected the path of a file", 1, true))
    assert.truthy(message(db.backup, db, other, { pages = 0 }).message:find "pages: expected a number of pages")
    assert.equal(60, Item.query:count())
  end)

  it("vacuum_into writes a new file", function()
    local db = filled()
    os.remove(other)
    db:vacuum_into(other)
    assert.equal(60, mr.open("sqlite:///" .. other).session:scalar(mr.text "SELECT count(*) FROM item"))
    assert.truthy(message(db.vacuum_into, db, other).message:find("output file already exists", 1, true))
  end)

  it("integrity_check names rows without parents", function()
    local db = open()
    local connection <close> = db.engine:connect{ isolation_level = "AUTOCOMMIT" }
    for _, sql in ipairs{ "PRAGMA foreign_keys = OFF", "CREATE TABLE a (id INTEGER PRIMARY KEY)",
      "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id REFERENCES a)", "INSERT INTO b VALUES (7, 1)" } do
      connection:execute(sql)
    end
    assert.same({ "row 7 of b refers to no row of a" }, db:integrity_check())
  end)
end)

describe("the mode of a URL", function()
  local function scalar(url, sql) return mr.open(url).session:scalar(mr.text(sql)) end

  it("reads only, and makes no file where it shall not", function()
    filled().session:close()
    local url = "sqlite:///" .. path
    local count = "SELECT count(*) FROM item"
    assert.equal(60, scalar(url .. "?mode=ro", count))
    assert.equal(60, scalar(url .. "?mode=rw", count))
    assert.equal(60, scalar(url .. "?immutable=1", count))
    assert.equal(60, scalar(url .. "?vfs=unix", count))
    assert.equal(1, scalar("sqlite:///nowhere?mode=memory", "SELECT 1"))
    local session = mr.open(url .. "?mode=ro").session
    assert.truthy(message(session.execute, session, mr.text "DELETE FROM item").message:find "readonly database")
    for _, mode in ipairs{ "mode=rw", "mode=ro", "immutable=1" } do
      local err = message(scalar, "sqlite:///nowhere.db?" .. mode, "SELECT 1")
      assert.truthy(tostring(err):find "OperationalError")
      assert.truthy(err.message:find("there is no such file, and by the mode of its URL it is not made", 1, true),
        err.message)
      assert.is_nil(io.open "nowhere.db")
    end
  end)

  it("is refused where SQLite has none such", function()
    assert.truthy(message(mr.create_engine, "sqlite:///x?mode=x").message:find 'mode cannot be "x"; it takes ro')
    assert.truthy(message(mr.create_engine, "sqlite:///x?immutable=2").message:find("it takes 0 or 1", 1, true))
    assert.truthy(message(scalar, "sqlite:///" .. path .. "?vfs=none", "SELECT 1").message
      :find("SQLite has no VFS of this name", 1, true))
  end)

  it("reads an immutable file with signs in its name", function()
    local odd = path .. "a ?#%.db"
    local connection = mr.create_engine("sqlite:///" .. odd:gsub("%%", "%%25"):gsub("%?", "%%3F"):gsub("#", "%%23"))
      :connect{ isolation_level = "AUTOCOMMIT" }
    connection:execute "CREATE TABLE t (x)"
    connection:close()
    local url = "sqlite:///" .. odd:gsub("%%", "%%25"):gsub("%?", "%%3F"):gsub("#", "%%23") .. "?immutable=1"
    assert.equal(1, scalar(url, "SELECT count(*) FROM sqlite_schema"))
    process.remove(odd)
  end)
end)
