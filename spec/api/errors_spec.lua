-- Errors: their fields, kinds, texts and places; errors of callbacks; the session goes on after an error.

local mr = require "moonrow"
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

local function line() return debug.getinfo(2, "l").currentline end
local here = debug.getinfo(1, "S").short_src

describe("an error", function()
  local db, User

  before_each(function() db, User = support.with_users "ann" end)

  after_each(function()
    db.session:rollback()
    assert.equal("ann", User.query:one().username)
  end)

  it("of the database has the statement, the parameters and the database's words", function()
    db.session:add(User{ username = "ann", email = "other@x" })
    local e = support.error_of(db.session.flush, db.session)
    assert.equal("IntegrityError", e.kind)
    assert.matches("UNIQUE constraint failed: user.username", e.message, 1, true)
    assert.equal("INSERT INTO user (username, email) VALUES (?, ?)", e.statement)
    assert.same({ "ann", "other@x" }, e.params)
    assert.equal("UNIQUE constraint failed: user.username", e.orig.message)
    assert.equal("number", type(e.orig.code))
    assert.equal("string", type(e.traceback))
  end)

  it("has parameters without holes", function()
    local e = support.error_of(function()
      db.session:execute(mr.text "INSERT INTO user (id, username, email) VALUES (:i, :u, :e)",
        { i = mr.null, u = mr.null, e = "x" })
    end)
    assert.equal("IntegrityError", e.kind)
    assert.equal(3, #e.params)
    assert.equal(mr.null, e.params[2])
    assert.equal("x", e.params[3])
  end)

  it("says where the user called", function()
    local at
    local e = support.error_of(function() at = line() User.query:filter_by{ nmae = 1 } end)
    assert.equal(here .. ":" .. at, e.where)
    e = support.error_of(function() at = line() db.session:execute(mr.text "SELECT * FROM nowhere") end)
    assert.equal(here .. ":" .. at, e.where)
    e = support.error_of(function() at = line() local _ = mr.open "nonsense" end)
    assert.equal(here .. ":" .. at, e.where)
    e = support.error_of(function() at = line() local _ = User{ usernam = 1 } end)
    assert.equal(here .. ":" .. at, e.where)
    e = support.error_of(function() at = line() User{}.id = "x" end)
    assert.equal(here .. ":" .. at, e.where)
    e = support.error_of(function() at = line() return db.Colum end)
    assert.equal(here .. ":" .. at, e.where)
    e = support.error_of(function() at = line() local _ = mr.Session(nil, { autoflsh = true }) end)
    assert.equal(here .. ":" .. at, e.where)
    e = support.error_of(function() at = line() db.session:add(12) end)
    assert.equal(here .. ":" .. at, e.where)
  end)

  it("prints: where, what", function()
    local e = support.error_of(function() User.query:filter_by{ nmae = 1 } end)
    local text = tostring(e)
    assert.equal(e.where, text:sub(1, #e.where))
    assert.matches(e.message, text, 1, true)
    assert.equal("x" .. text, "x" .. e)
    assert.equal(text .. "x", e .. "x")
    assert.equal(text .. text, e .. e)
  end)

  it("has a traceback of the call", function()
    local function my_function() db.session:execute(mr.text "SELECT * FROM nowhere") end
    local e = support.error_of(function() my_function() return 1 end)
    assert.matches("my_function", e.traceback)
    assert.matches(here, e.traceback, 1, true)
  end)

  it("is of its kind and the kinds above", function()
    db.session:add(User{ username = "ann", email = "o" })
    local e = support.error_of(db.session.flush, db.session)
    for _, kind in ipairs{ "IntegrityError", "DatabaseError",
      "Error" } do assert.is_true(mr.errors[kind]:is(e)) end
    for _, kind in ipairs{ "OperationalError", "ArgumentError", "InvalidRequestError", "StaleDataError",
      "NoMemoryError" } do
      assert.is_false(mr.errors[kind]:is(e))
    end
    for _, other in ipairs{ "text", 12, true, {}, print, User,
      User{} } do assert.is_false(mr.errors.Error:is(other)) end
    assert.is_false(mr.errors.Error:is(nil))
    assert.is_false(mr.errors.Error:is(setmetatable({ kind = "Error" }, {})))
  end)

  it("knows every kind", function()
    for _, kind in ipairs{ "Error", "ArgumentError", "InvalidRequestError", "NoResultFound",
      "MultipleResultsFound",
      "DetachedInstanceError", "PendingRollbackError", "ObjectDeletedError", "MappingError",
      "StaleDataError", "DatabaseError",
      "IntegrityError", "OperationalError", "UnknownOutcomeError", "DataError", "ProgrammingError", "NoMemoryError" } do
      assert.equal("function", type(mr.errors[kind].is))
    end
    local e = support.error_of(function() User.query:filter_by{ username = "zoe" }:one() end)
    assert.equal("NoResultFound", e.kind)
    assert.is_true(mr.errors.InvalidRequestError:is(e))
    refuse("ArgumentError", { "'IntegrtyError'", "did you mean 'IntegrityError'?" }, function()
      return mr.errors.IntegrtyError
    end)
  end)

  it("comes for each constraint as an IntegrityError", function()
    for _, text in ipairs{
      "INSERT INTO user (id, username, email) VALUES (1, 'x', 'x')",
      "INSERT INTO user (username, email) VALUES ('ann', 'x')",
      "INSERT INTO user (username, email) VALUES (NULL, 'x')",
    } do
      refuse("IntegrityError", "constraint failed", function() db.session:execute(mr.text(text)) end)
      db.session:rollback()
    end
  end)

  it("names the class and the attribute of what is missing", function()
    db.session:add(User{ username = "bob" })
    local e = support.error_of(db.session.flush, db.session)
    assert.equal("IntegrityError", e.kind)
    assert.matches("user.email", e.message, 1, true)
  end)

  it("in SQL leaves the session in order", function()
    for _, text in ipairs{ "", "SELEC 1", "SELECT (", "SELECT 1; SELECT 2", "SELECT * FROM nowhere",
      "SELECT nothing FROM user" } do
      local e = support.error_of(function() db.session:execute(mr.text(text)):all() end)
      assert.is_true(mr.errors.Error:is(e))
      assert.equal(1, User.query:count())
    end
  end)
end)

describe("a callback's error", function()
  local mine = setmetatable({}, { __tostring = function() return "mine" end })
  local db, User

  before_each(function() db, User = support.with_users "ann" end)

  it("comes back unchanged", function()
    for _, value in ipairs{ mine, "text", 12, false, print } do
      local function throw() error(value, 0) end
      local calls = {
        function() db.session:begin(throw) end,
        function() db.session:begin_nested(throw) end,
        function() db.session:no_autoflush(throw) end,
        function() db:record(throw) end,
        function() db.engine:begin(throw) end,
        function() mr.App "x":scope(throw) end,
      }
      for _, call in ipairs(calls) do
        local ok, e = pcall(call)
        assert.is_false(ok)
        assert.is_true(rawequal(value, e))
        db.session:rollback()
      end
    end
    assert.equal(1, User.query:count())
  end)

  it("of nil too", function()
    local ok, e = pcall(function() db.session:begin(function() error(nil) end) end)
    assert.is_false(ok)
    assert.is_nil(e)
    assert.equal(1, User.query:count())
  end)

  it("in a constructor leaves nothing behind", function()
    function User.__init() error(mine) end
    local ok, e = pcall(User, "x")
    assert.is_false(ok)
    assert.is_true(rawequal(mine, e))
    assert.equal(0, #db.session.new)
    assert.equal(1, User.query:count())
  end)

  it("in a tostring of an object passes", function()
    function User.__tostring() error(mine) end
    local ok, e = pcall(tostring, User.query:one())
    assert.is_false(ok)
    assert.is_true(rawequal(mine, e))
    ok = pcall(function() return tostring(User.query:all()) end)
    assert.is_false(ok)
    assert.equal(1, User.query:count())
  end)

  it("of the database, raised again, keeps its fields", function()
    local ok, e = pcall(db.session.begin, db.session, function(session)
      session:execute(mr.text "SELECT * FROM nowhere")
    end)
    assert.is_false(ok)
    assert.equal("OperationalError", e.kind)
    assert.equal("SELECT * FROM nowhere", e.statement)
  end)
end)

describe("a session", function()
  local db, User

  before_each(function() db, User = support.with_users "ann" end)

  it("that is closed gives errors that say so, and can be closed again", function()
    local session = mr.Session(db.engine)
    local ann = session:query(User):one()
    session:add(User{ username = "bob", email = "b@x" })
    session:close()
    session:close()
    assert.equal("detached", mr.inspect(ann).state)
    assert.equal("ann", ann.username)
    local cases = {
      function() session:add(User{}) end,
      function() session:query(User):all() end,
      function() session:get(User, 1) end,
      function() session:flush() end,
      function() session:commit() end,
      function() session:begin() end,
      function() session:execute(mr.text "SELECT 1") end,
    }
    for _, case in ipairs(cases) do refuse("InvalidRequestError", "closed", case) end
    session:close()
    assert.equal(1, User.query:count())
  end)

  it("refuses what is no object", function()
    for _, wrong in ipairs{ true, 12, "x", {}, print, User, db } do
      refuse("ArgumentError", "add", db.session.add, db.session, wrong)
      refuse("ArgumentError", "delete", db.session.delete, db.session, wrong)
      refuse("ArgumentError", "", db.session.expunge, db.session, wrong)
      refuse("ArgumentError", "", db.session.refresh, db.session, wrong)
      refuse("ArgumentError", "", db.session.expire, db.session, wrong)
    end
    refuse("ArgumentError", { "add", "nil" }, db.session.add, db.session, nil)
    refuse("ArgumentError", { "add_all" }, db.session.add_all, db.session, User{})
    refuse("ArgumentError", { "add_all" }, db.session.add_all, db.session, { User{}, 12 })
    assert.equal(0, #db.session.new)
    refuse("ArgumentError", "inspect", mr.inspect, 12)
    assert.equal(1, User.query:count())
  end)

  it("refuses what is another's, or nobody's", function()
    local other = mr.Session(db.engine)
    local theirs = other:query(User):one()
    refuse("InvalidRequestError", { "User", "session" }, db.session.add, db.session, theirs)
    refuse("InvalidRequestError", "User", db.session.delete, db.session, theirs)
    refuse("InvalidRequestError", "User", db.session.expunge, db.session, theirs)
    refuse("InvalidRequestError", "User", db.session.refresh, db.session, theirs)
    local transient = User{ username = "b", email = "b" }
    refuse("InvalidRequestError", "User", db.session.delete, db.session, transient)
    refuse("InvalidRequestError", "User", db.session.refresh, db.session, transient)
    refuse("InvalidRequestError", "User", db.session.expunge, db.session, transient)
    other:close()
    db.session:add(theirs)
    assert.equal("persistent", mr.inspect(theirs).state)
    assert.equal("ann", theirs.username)
  end)

  it("refuses unknown names, attributes and options, with the nearest", function()
    refuse("ArgumentError", { "'comit'", "did you mean 'commit'?" }, function() db.session:comit() end)
    local session = mr.Session(db.engine)
    refuse("ArgumentError", { "'quer'", "did you mean 'query'?" }, function() return session.quer end)
    refuse("ArgumentError", { "'autoflsh'", "did you mean 'autoflush'?" }, mr.Session, db.engine,
      { autoflsh = false })
    refuse("ArgumentError", { "'autoflsh'", "did you mean 'autoflush'?" }, mr.sessionmaker,
      { autoflsh = false })
    refuse("ArgumentError", { "autoflush", "no" }, mr.Session, db.engine, { autoflush = "no" })
    refuse("ArgumentError", "bind", mr.Session, "sqlite://")
    local ann = User.query:one()
    refuse("ArgumentError", { "'emial'", "did you mean 'email'?" }, db.session.expire, db.session, ann,
      { "emial" })
    refuse("ArgumentError", { "'emial'", "did you mean 'email'?" }, db.session.refresh, db.session, ann,
      { "emial" })
    refuse("ArgumentError", { "'sate'", "did you mean 'state'?" }, function() return mr.inspect(ann).sate end)
    refuse("ArgumentError", { "'emial'" }, function() return mr.inspect(ann):history "emial" end)
    session:close()
    assert.equal("ann", ann.username)
  end)

  it("without an engine says so", function()
    local session = mr.Session()
    local e = support.error_of(function() session:query(User):all() end)
    assert.is_true(mr.errors.Error:is(e))
    assert.matches("bind", e.message)
    assert.matches("engine", e.message:lower())
    session:close()
  end)

  it("is called with a colon", function()
    local session = mr.Session(db.engine)
    for _, name in ipairs{ "add", "commit", "query", "close" } do
      local e = support.error_of(function() session[name](User{}) end)
      assert.is_true(mr.errors.Error:is(e) or type(e) == "string")
      e = support.error_of(function() session[name]() end)
      assert.is_true(mr.errors.Error:is(e) or type(e) == "string")
    end
    session:close()
  end)

  it("cannot be used from within a flush by a default", function()
    local Odd = db.Model:extend("Odd", {
      id = db.Column{ db.Integer, primary_key = true },
      n  = db.Column{ db.Integer, default = function()
        db.session:commit()
        return 1
      end },
    })
    db:create_all()
    db.session:add(Odd{})
    refuse("InvalidRequestError", "flush", db.session.flush, db.session)
    db.session:rollback()
    assert.equal(0, Odd.query:count())
  end)

  it("cannot be yielded across by a default", function()
    local Odd = db.Model:extend("Odd", {
      id = db.Column{ db.Integer, primary_key = true },
      n  = db.Column{ db.Integer, default = function() return coroutine.yield() end },
    })
    db:create_all()
    db.session:add(Odd{})
    local co = coroutine.create(function() db.session:flush() end)
    local ok, e = coroutine.resume(co)
    assert.is_false(ok)
    assert.matches("yield", tostring(e))
    db.session:rollback()
    assert.equal(0, Odd.query:count())
  end)
end)

describe("an unknown name", function()
  it("of the module, a database, a class raises with the nearest", function()
    local db, User = support.users()
    refuse("ArgumentError", { "'opne'", "did you mean 'open'?" }, function() return mr.opne end)
    refuse("ArgumentError", { "'sesion'", "did you mean 'session'?" }, function() return db.sesion end)
    refuse("ArgumentError", { "'Colum'", "did you mean 'Column'?" }, function() return db.Colum end)
    refuse("ArgumentError", { "User", "'usrname'", "did you mean 'username'?" }, function()
      return User.usrname
    end)
    refuse("ArgumentError", "'zzzzzz'", function() return User.zzzzzz end)
    refuse("ArgumentError", { "User", "'1'" }, function() return User{}[1] end)
    refuse("ArgumentError", "User", function() User{}[{}] = 1 end)
    refuse("ArgumentError", "User", function() return User{ "x" } end)
    refuse("ArgumentError", "User", function() return User "x" end)
    assert.equal(0, User.query:count())
  end)
end)

describe("a statement that cannot be prepared", function()
  it("is told of with the parameters that it was to run with", function()
    local db = mr.open "sqlite://"
    local e = refuse("OperationalError", "no such table: t", function()
      db.session:execute(mr.text "SELECT a FROM t WHERE a = :a AND b = :b", { a = 5, b = "x" })
    end)
    assert.equal("SELECT a FROM t WHERE a = ? AND b = ?", e.statement)
    assert.same({ 5, "x" }, e.params)
  end)
end)
