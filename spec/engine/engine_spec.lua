-- Engines: URLs, options, connections, records of statements; databases in files.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"
local process = require "spec.support.process"

-- The files of the running spec. They are removed at its end.
local paths = {}
local function path()
  local name = os.tmpname()
  paths[#paths + 1] = name
  return name
end

after_each(function()
  for i, name in ipairs(paths) do
    process.remove(name)
    paths[i] = nil
  end
end)

-- Declares a class Thing with an id and a name, and makes its table.
local function things(url, options)
  local db = mr.open(url, options)
  local Thing = db.Model:extend("Thing", {
    id   = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(20) },
  })
  db:create_all()
  return db, Thing
end

describe("a URL", function()
  it("names a file by an absolute or a relative path", function()
    local name = path()
    local db, Thing = things("sqlite:///" .. name)
    db.session:add(Thing{ name = "a" })
    db.session:commit()
    db.session:remove()
    local again, Same = things("sqlite:///" .. name)
    assert.equal("a", Same.query:one().name)
    again.session:remove()
    local relative = ("moonrow-%s.db"):format(name:match "[^/]*$")
    paths[#paths + 1] = relative
    local here = mr.create_engine("sqlite:///" .. relative)
    here:begin(function(conn) conn:execute(mr.text "CREATE TABLE t (x INTEGER)") end)
    local file = assert(io.open(relative, "rb"))
    assert.equal("SQLite format 3", file:read(15))
    file:close()
  end)

  it("without a path is a database of its own, shared by its sessions", function()
    for _, url in ipairs{ "sqlite://", "sqlite:///:memory:" } do
      local db, Thing = things(url)
      local _, Other = things(url)
      db.session:add(Thing{ name = "a" })
      db.session:commit()
      db.session:remove()
      local session = mr.Session(db.engine)
      assert.equal(1, session:query(Thing):count())
      session:close()
      assert.equal(0, Other.query:count())
    end
  end)

  it("has options", function()
    local name = path()
    local db = things("sqlite:///" .. name .. "?journal_mode=wal&synchronous=normal")
    assert.equal("wal", db.session:scalar(mr.text "PRAGMA journal_mode"))
    assert.equal(1, db.session:scalar(mr.text "PRAGMA synchronous"))
    db.session:remove()
    local plain = things("sqlite:///" .. path())
    assert.equal("delete", plain.session:scalar(mr.text "PRAGMA journal_mode"))
    plain.session:remove()
  end)

  it("may hold odd characters", function()
    local name = path() .. " größe %41.db"
    paths[#paths + 1] = name
    local db, Thing = things("sqlite:///" .. name:gsub("%%", "%%25"))
    db.session:add(Thing{})
    db.session:commit()
    db.session:remove()
    assert(io.open(name, "rb")):close()
  end)

  it("is refused when it is none, with the forms that are understood", function()
    for _, wrong in ipairs{ "", "test.db", "/tmp/test.db", "sqlite", "sqlite:", "sqlite:/x.db", "://",
      "sqlite//:x" } do
      refuse("ArgumentError", { '"' .. wrong .. '"', "sqlite:///" }, mr.open, wrong)
      refuse("ArgumentError", "sqlite:///", mr.create_engine, wrong)
    end
    for _, wrong in ipairs{ false, 12, {}, print } do
      refuse("ArgumentError", "", mr.open, wrong)
      refuse("ArgumentError", "", mr.create_engine, wrong)
    end
    refuse("ArgumentError", "nil", mr.open, nil)
    refuse("ArgumentError", "nil", mr.create_engine, nil)
  end)

  it("is refused when its dialect is unknown", function()
    refuse("ArgumentError", { "oracle", "sqlite" }, mr.open, "oracle://scott:tiger@host/x")
    refuse("ArgumentError", { "sqlit", "sqlite" }, mr.open, "sqlit:///x.db")
    local e = refuse("ArgumentError", "oracle", mr.create_engine, "oracle://scott:tiger@host/x")
    assert.is_nil(e.message:find("tiger", 1, true))
  end)

  it("is refused when its option is unknown", function()
    refuse("ArgumentError", { "journal_mod", "did you mean 'journal_mode'?" }, function()
      mr.open "sqlite:///x.db?journal_mod=wal":create_all()
    end)
    refuse("ArgumentError", { "journal_mode", "fast" }, function()
      local db = mr.open "sqlite://?journal_mode=fast"
      db.session:execute(mr.text "SELECT 1")
    end)
  end)
end)

describe("a file that cannot be opened", function()
  it("is named, and the program goes on", function()
    local function go(url)
      return function()
        local db = mr.open(url)
        db.session:execute(mr.text "SELECT 1"):all()
      end
    end
    local e = refuse("OperationalError", "/nonexistent/dir/x.db", go "sqlite:////nonexistent/dir/x.db")
    assert.matches("unable to open database file", e.message)
    assert.is_true(mr.errors.DatabaseError:is(e))
    refuse("OperationalError", "/tmp", go "sqlite:////tmp")
    local name = path()
    local file = assert(io.open(name, "wb"))
    file:write(("this is no database at all\n"):rep(100))
    file:close()
    e = support.error_of(go("sqlite:///" .. name))
    assert.is_true(mr.errors.DatabaseError:is(e))
    assert.matches("not a database", e.message)
  end)

  it("may be there the next time", function()
    local folder = path()
    os.remove(folder)
    local file = folder .. "/x.db"
    local ok, db = pcall(mr.open, "sqlite:///" .. file)
    if ok then
      refuse("OperationalError", file, function() return db.session:scalar(mr.text "SELECT 1") end)
      db.session:rollback()
      assert(os.execute("mkdir " .. folder))
      assert.equal(1, db.session:scalar(mr.text "SELECT 1"))
      db.session:remove()
    else
      assert.equal("OperationalError", db.kind)
    end
    os.execute("rm -rf " .. folder)
  end)
end)

describe("an engine", function()
  it("takes options, old ones too, and no unknown ones", function()
    assert.is_truthy(mr.create_engine("sqlite://", { convert_unicode = true }))
    assert.is_truthy(mr.create_engine{ "sqlite://", echo = false })
    refuse("ArgumentError", { "'ecoh'", "did you mean 'echo'?" }, mr.create_engine, "sqlite://",
      { ecoh = true })
    refuse("ArgumentError", { "'ecoh'", "did you mean 'echo'?" }, mr.open, "sqlite://", { ecoh = true })
    refuse("ArgumentError", "echo", mr.create_engine, "sqlite://", { echo = "yes" })
  end)

  it("records what is executed, in order, with parameters and durations", function()
    local db, Thing = things "sqlite://"
    local records = db.engine:record(function()
      db.session:add(Thing{ name = "a" })
      db.session:commit()
      Thing.query:filter_by{ name = mr.null }:all()
    end)
    assert.equal(2, #records)
    assert.equal("INSERT INTO thing (name) VALUES (?)", records[1].statement)
    assert.same({ "a" }, records[1].parameters)
    assert.equal("number", type(records[1].duration))
    assert.is_true(records[1].duration >= 0)
    assert.equal("SELECT thing.id AS thing_id, thing.name AS thing_name FROM thing WHERE thing.name IS NULL",
      records[2].statement)
    assert.same({}, records[2].parameters)
  end)

  it("records NULL as mr.null", function()
    local db, Thing = things "sqlite://"
    local records = db:record(function()
      db.session:execute(mr.insert(Thing):values{ name = mr.null })
      db.session:execute(mr.text "SELECT :a, :b", { a = mr.null, b = 1 })
    end)
    assert.equal(2, #records[2].parameters)
    assert.equal(mr.null, records[2].parameters[1])
  end)

  it("records a batch as one, and leaves transactions and set-up out", function()
    local db, Thing = things "sqlite://"
    local records = db:record(function()
      local list = {}
      for i = 1, 10 do list[i] = Thing{ name = "n" .. i } end
      db.session:add_all(list)
      db.session:commit()
      db.session:begin_nested(function() db.session:execute(mr.text "DELETE FROM thing") end)
      db.session:rollback()
    end)
    assert.equal(2, #records)
    assert.equal(10, #records[1].parameters)
    assert.same({ "n10" }, records[1].parameters[10])
  end)

  it("records may be nested, and end when the function fails", function()
    local db, Thing = things "sqlite://"
    local inner
    local outer = db:record(function()
      Thing.query:count()
      inner = db:record(function() Thing.query:all() end)
      Thing.query:count()
    end)
    assert.equal(1, #inner)
    assert.equal(3, #outer)
    local mine = {}
    local ok, e = pcall(db.record, db, function() error(mine) end)
    assert.is_false(ok)
    assert.equal(mine, e)
    assert.equal(1, #db:record(function() Thing.query:all() end))
    refuse("ArgumentError", "record", function() db:record() end)
    local co = coroutine.wrap(function()
      return #db:record(function()
        Thing.query:all()
        coroutine.yield "half"
        Thing.query:all()
      end)
    end)
    assert.equal("half", co())
    assert.equal(2, co())
  end)

  it("begins, commits and rolls back blocks", function()
    local db, Thing = things "sqlite://"
    local result = db.engine:begin(function(conn)
      conn:execute(mr.insert(Thing):values{ name = "a" })
      return "done"
    end)
    assert.equal("done", result)
    assert.equal(1, Thing.query:count())
    local ok, e = pcall(db.engine.begin, db.engine, function(conn)
      conn:execute(mr.text "DELETE FROM thing")
      error("mine", 0)
    end)
    assert.is_false(ok)
    assert.equal("mine", e)
    assert.equal(1, Thing.query:count())
  end)

  it("connects: what is not committed is rolled back", function()
    local db, Thing = things "sqlite://"
    do
      local conn <close> = db.engine:connect()
      conn:execute(mr.insert(Thing):values{ name = "a" })
      conn:commit()
      conn:execute(mr.insert(Thing):values{ name = "b" })
      assert.equal(2, conn:execute(mr.text "SELECT count(*) FROM thing"):scalar())
    end
    assert.equal(1, Thing.query:count())
  end)

  it("checks foreign keys", function()
    local db = things "sqlite://"
    local Child = db.Model:extend("Child", {
      id       = db.Column{ db.Integer, primary_key = true },
      thing_id = db.Column{ db.Integer, db.ForeignKey "thing.id" },
    })
    db:create_all()
    db.session:add(Child{ thing_id = 99 })
    refuse("IntegrityError", "FOREIGN KEY", db.session.commit, db.session)
    db.session:rollback()
    assert.equal(0, Child.query:count())
    assert.equal(1, db.session:scalar(mr.text "PRAGMA foreign_keys"))
  end)

  it("logs when it is asked to", function()
    local out, ok = process.lua [[
      local mr = require 'moonrow'
      local db = mr.open('sqlite://', { echo = true })
      db.session:execute(mr.text('SELECT 41 + :n'), { n = 1 })]]
    assert.is_true(ok)
    assert.matches("SELECT 41 + ?", out, 1, true)
  end)
end)

describe("another session", function()
  it("does not find what is pending, nor what is flushed and not committed", function()
    local db, Thing = things("sqlite:///" .. path())
    local other <close> = mr.Session(db.engine)
    db.session:add(Thing{ name = "a" })
    assert.equal(1, Thing.query:count())
    assert.equal(0, other:query(Thing):count())
    db.session:commit()
    assert.equal(1, other:query(Thing):count())
    db.session:remove()
  end)
end)

describe("another program's changes", function()
  it("are seen, and a table that went away is an error that passes", function()
    local name = path()
    local db, Thing = things("sqlite:///" .. name)
    local other = mr.create_engine("sqlite:///" .. name)
    assert.equal(0, Thing.query:count())
    other:begin(function(conn) conn:execute(mr.text "INSERT INTO thing (name) VALUES ('theirs')") end)
    assert.equal("theirs", Thing.query:one().name)
    other:begin(function(conn) conn:execute(mr.text "DROP TABLE thing") end)
    db.session:rollback()
    refuse("OperationalError", "thing", function() return Thing.query:all() end)
    db:create_all()
    assert.equal(0, Thing.query:count())
    db.session:remove()
  end)
end)
