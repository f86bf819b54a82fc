-- Statements that do not run inside a transaction, and SQL texts that would end one.

local mr = require "moonrow"
local models = require "spec.support.models"
local refuse = require "spec.support.refuse"
local process = require "spec.support.process"

describe("outside of a transaction", function()
  local path, db, Item

  before_each(function()
    path = os.tmpname()
    db = mr.open("sqlite:///" .. path)
    Item = db.Model:extend("Item", {
      id = db.Column{ db.Integer, primary_key = true },
      n  = db.Column{ db.Integer },
    })
    db:create_all()
  end)

  after_each(function()
    db.session:remove()
    db.engine:dispose()
    process.remove(path, ".copy")
  end)

  local function run(sql, params) return db.session:execute(mr.text(sql), params) end

  it("a session runs VACUUM, and VACUUM INTO makes a copy", function()
    db.session:add(Item{ n = 4 })
    db.session:commit()
    run "VACUUM"
    os.remove(path .. ".copy")
    run("VACUUM INTO :file", { file = path .. ".copy" })
    local copy = mr.open("sqlite:///" .. path .. ".copy")
    assert.equal(4, copy.session:scalar(mr.text "SELECT n FROM item"))
    copy.session:remove()
    copy.engine:dispose()
  end)

  for _, sql in ipairs{ "VACUUM", "vacuum", "DETACH x", "/* c */ PRAGMA journal_mode = delete",
                        "PRAGMA main.synchronous=off",
                        "PRAGMA foreign_keys(0)", "PRAGMA temp_store = memory", "PRAGMA wal_checkpoint",
                        'PRAGMA "foreign_keys" = 0', "PRAGMA main.[foreign_keys] = 0",
                        "PRAGMA `main` . 'foreign_keys'=0",
                        'PRAGMA "wal_checkpoint"', "PRAGMA foreign_keys /* c */ -- d\n = 0" } do
    it("a session that has written refuses, with nothing lost: " .. sql, function()
      db.session:add(Item{ n = 1 })
      refuse("InvalidRequestError", "does not run inside a transaction: commit or roll back first", run, sql)
      db.session:commit()
      assert.equal(1, Item.query:one().n)
    end)
  end

  it("settings are changed, where asked for; asking alone is a read", function()
    run "PRAGMA foreign_keys = OFF"
    assert.equal(0, run "PRAGMA foreign_keys":scalar())
    run "PRAGMA foreign_keys = ON"
    assert.equal("wal", run "PRAGMA journal_mode = wal":scalar())
    db.session:add(Item{ n = 1 })
    db.session:flush()
    assert.equal("wal", run "PRAGMA journal_mode":scalar())
    assert.equal(1, run "PRAGMA foreign_keys":scalar())
    assert.equal("ok", run "PRAGMA integrity_check(5)":scalar())
  end)

  it("settings are those of the session or connection that made them, and of no other", function()
    local function of(session) return session:scalar(mr.text "PRAGMA foreign_keys") end
    local one = mr.Session(db.engine)
    one:execute(mr.text "PRAGMA foreign_keys = OFF")
    one:execute(mr.insert(Item), { n = 1 })
    one:commit()
    assert.equal(0, of(one))
    assert.equal(1, of(db.session))
    one:close()
    local two = mr.Session(db.engine)
    assert.equal(1, of(two))
    two:close()
    for _, level in ipairs{ "SERIALIZABLE", "AUTOCOMMIT" } do
      local connection = db.engine:connect{ isolation_level = level }
      connection:execute(mr.text "PRAGMA foreign_keys = OFF")
      assert.equal(0, of(connection))
      connection:close()
      local another <close> = db.engine:connect()
      assert.equal(1, of(another))
    end
    db.session:execute(mr.text "PRAGMA foreign_keys = OFF")
    db.session:remove()
    assert.equal(1, of(db.session))
  end)

  it("a database is attached, used, and detached", function()
    run "ATTACH DATABASE ':memory:' AS x"
    run "CREATE TABLE x.t (a)"
    refuse("InvalidRequestError", "does not run inside a transaction", run, "DETACH x")
    db.session:commit()
    run "DETACH x"
    assert.equal(0, run "SELECT count(*) FROM pragma_database_list WHERE name = 'x'":scalar())
  end)

  for _, pragma in ipairs{ "user_version", "application_id" } do
    it("PRAGMA " .. pragma .. " = N is a write of the transaction", function()
      run("PRAGMA " .. pragma .. " = 5")
      db.session:rollback()
      assert.equal(0, run("PRAGMA " .. pragma):scalar())
      run("pragma main." .. pragma .. "(6)")
      db.session:commit()
      assert.equal(6, run("PRAGMA main." .. pragma):scalar())
      for i, text in ipairs{ 'PRAGMA "%s" = 9', "PRAGMA [main].[%s](9)", "PRAGMA %s /* = */ = 9", "PRAGMA %s\f=\f9" } do
        run(text:format(pragma))
        db.session:rollback()
        assert.equal(6, run("PRAGMA " .. pragma):scalar(), i)
      end
      db.session:begin({ read_only = true })
      refuse("InvalidRequestError", "read-only", run, "PRAGMA " .. pragma .. " = 7")
      db.session:rollback()
    end)
  end

  it("a query with a function called replace reads", function()
    db.session:begin({ read_only = true })
    assert.equal("b", run "WITH x AS (SELECT replace('a', 'a', 'b') AS y) SELECT y FROM x":scalar())
    refuse("InvalidRequestError", "read-only", run, "WITH x AS (SELECT 1) REPLACE INTO item (id) SELECT 1 FROM x")
    db.session:rollback()
  end)

  for _, sql in ipairs{ "COMMIT", "commit;", "END", "BEGIN", " begin immediate", "ROLLBACK", "SAVEPOINT a",
                        "RELEASE a", "-- x\nROLLBACK TO a" } do
    it("transactions are ended and begun by methods alone, never by text: " .. sql, function()
      db.session:add(Item{ n = 1 })
      db.session:flush()
      local e = refuse("InvalidRequestError", "use begin, begin_nested, commit and rollback", run, sql)
      assert.equal(sql, e.statement)
      refuse("InvalidRequestError", "transactions are the library's own", function()
        db.engine:begin(function(connection) connection:execute(mr.text(sql)) end)
      end)
      db.session:rollback()
      assert.equal(0, Item.query:count())
    end)
  end

  describe("a connection in AUTOCOMMIT", function()
    it("commits each statement, and runs what no transaction can", function()
      local connection <close> = db.engine:connect{ isolation_level = "AUTOCOMMIT" }
      connection:execute(mr.insert(Item), { n = 7 })
      assert.is_false(connection:in_transaction())
      assert.equal(7, Item.query:one().n)
      connection:execute(mr.text "VACUUM")
      connection:rollback()
      assert.equal(1, Item.query:count())
    end)

    it("is asked for by name; a common connection is told by the other one", function()
      refuse("ArgumentError", [[isolation_level is "SERIALIZABLE" or "AUTOCOMMIT", not "autocommit"]],
        db.engine.connect, db.engine, { isolation_level = "autocommit" })
      refuse("ArgumentError", "did you mean 'isolation_level'?", db.engine.connect, db.engine, { isolation_levl = "x" })
      refuse("ArgumentError", "connect takes no arguments but options", db.engine.connect, db.engine, "AUTOCOMMIT")
      local connection = db.engine:connect{ isolation_level = "SERIALIZABLE" }
      connection:execute(mr.insert(Item), { n = 7 })
      assert.is_true(connection:in_transaction())
      connection:close()
      assert.equal(0, Item.query:count())
    end)
  end)
end)

describe("text", function()
  it("finds no parameter in a quoted name of any kind, and finds it in the index of an array", function()
    local db = mr.open "sqlite://"
    local row = db.session:execute(mr.text [[SELECT 1 AS [:q], 2 AS `:r`, 3 AS ":s", :t AS t]], { t = 4 }):one()
    assert.same({ 1, 2, 3, 4 }, { row[1], row[2], row[3], row[4] })
    local mock = mr.open "mock+postgresql://"
    local records = mock:record(function()
      mock.session:execute(mr.text "SELECT a[:i], (b)[:i], ARRAY[:i]", { i = 2 })
    end)
    assert.equal("SELECT a[$1], (b)[$2], ARRAY[$3]", records[1].statement)
  end)
end)

describe("the listeners of connect", function()
  it("run before the file is read, and may still run statements", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(("this is no database "):rep(100))
    file:close()
    local db = mr.open("sqlite:///" .. path)
    local called = 0
    mr.event.listen(db.engine, "connect", function(connection)
      called = called + 1
      -- In place of PRAGMA key: only now the file can be read.
      local whole = assert(io.open(path, "w"))
      whole:close()
      connection:execute "PRAGMA cache_size = 77"
    end)
    assert.equal(77, db.session:scalar(mr.text "PRAGMA cache_size"))
    assert.equal(1, called)
    db.session:remove()
    db.engine:dispose()
    os.remove(path)
  end)

  it("come before the URL's parameters, which have the last word", function()
    local path = os.tmpname()
    local db = mr.open("sqlite:///" .. path .. "?journal_mode=wal")
    mr.event.listen(db.engine, "connect", function(connection)
      connection:execute "PRAGMA journal_mode = truncate"
      connection:execute "PRAGMA foreign_keys = OFF"
    end)
    assert.equal("wal", db.session:scalar(mr.text "PRAGMA journal_mode"))
    assert.equal(0, db.session:scalar(mr.text "PRAGMA foreign_keys"))
    db.session:remove()
    db.engine:dispose()
    process.remove(path)
  end)

  it("a file that is no database is told of all the same", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(("this is no database "):rep(100))
    file:close()
    local db = mr.open("sqlite:///" .. path)
    local e = models.error_of(db.session.scalar, db.session, mr.text "SELECT 1")
    assert.truthy(e.message:find("it holds something else, or is encrypted", 1, true))
    os.remove(path)
  end)
end)

describe("a database file that cannot be opened", function()
  local function message(path)
    local db = mr.open("sqlite:///" .. path)
    return models.error_of(db.session.scalar, db.session, mr.text "SELECT 1").message
  end

  it("is told of by its folder: missing, not writable, or no folder", function()
    local file = os.tmpname()
    assert.truthy(message("/no/such/folder/x.db"):find("its folder does not exist", 1, true))
    assert.truthy(message(file .. "/x.db"):find("a part of its path is a file, not a folder", 1, true))
    local proc = io.open "/proc/self/stat"
    if proc then -- a folder in which nobody can make files
      proc:close()
      assert.truthy(message("/proc/x.db"):find("its folder cannot be written", 1, true))
    end
    os.remove(file)
  end)
end)
