-- Messages: a mistake is answered with what the user most likely meant, and with nothing misleading.

local mr = require "moonrow"
local spy = require "luassert.spy"
local refuse = require "spec.support.refuse"
local lacks = require "spec.support.models".lacks

local db, s, User

before_each(function()
  db = mr.open "sqlite://"
  User = db.Model:extend("User", {
    __tablename = "user",
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40) },
    kind = db.Column{ db.String(10) },
    born = db.Column{ db.Date },
    seen = db.Column{ db.DateTime },
    wakes = db.Column{ db.Time },
    posts = db.relationship("Post", { backref = "author" }),
    greet = function() return "hi" end,
    LIMIT = 5,
    note = mr.field(),
  })
  db.Model:extend("Post", {
    __tablename = "post",
    id = db.Column{ db.Integer, primary_key = true },
    user_id = db.Column{ db.ForeignKey "user.id" },
  })
  db:create_all()
  s = db.session
end)

describe("did you mean", function()
  it("names slips of typing: a letter too many, one missing, one changed, two swapped", function()
    for _, name in ipairs{ "namee", "nme", "nane", "nmae", "Name" } do
      refuse("ArgumentError", { name, "did you mean 'name'?" }, function() return User{}[name] end)
    end
    refuse("ArgumentError", "did you mean 'statement_cache'?", mr.create_engine, "sqlite://", { statment_cahe = 1 })
  end)

  it("names the word of which only the beginning was written, the first in alphabetical order", function()
    refuse("ArgumentError", "did you mean 'autoflush'?", function() return mr.Session(db.engine).autof end)
    refuse("ArgumentError", "did you mean 'execute'?", function() return mr.Session(db.engine).exec end)
    refuse("ArgumentError", "did you mean 'create_engine'?", function() return mr.create end)
    refuse("ArgumentError", "did you mean 'microsecond'?", function() return mr.datetime(2024, 1, 2).micro end)
    refuse("ArgumentError", "did you mean 'number_of_users'?", function()
      return s:execute(mr.text "select 1 as number_of_users"):first().number
    end)
  end)

  it("names nothing that is two edits away in a short word", function()
    for _, name in ipairs{ "gnae", "fame_", "nm", "ixx", "borrow", "seat_" } do
      lacks(refuse("ArgumentError", name, function() return User{}[name] end), "did you mean")
      lacks(refuse("ArgumentError", name, function() return User{ [name] = 1 } end), "did you mean")
      lacks(refuse("ArgumentError", name, s.query(s, User).filter_by, s:query(User), { [name] = 1 }), "did you mean")
    end
    lacks(refuse("ArgumentError", "'opal'", function() return mr.opal end), "did you mean")
    lacks(refuse("ArgumentError", "'opal'", function() return db.opal end), "did you mean")
    lacks(refuse("ArgumentError", "'ecco'", mr.create_engine, "sqlite://", { ecco = true, echo = nil }), "'ecco'?")
  end)

  it("never names the word itself", function()
    for _, name in ipairs{ "greet", "LIMIT", "query" } do
      lacks(refuse("ArgumentError", "User." .. name, function() User{}[name] = 1 end), "did you mean")
      lacks(refuse("ArgumentError", "User." .. name, User, { [name] = 1 }), "did you mean")
    end
  end)
end)

describe("words of other libraries", function()
  it("on an object lead to the session, also where an attribute's name is near", function()
    local ann = User{ name = "ann" }
    refuse("ArgumentError", { "'save'", "db.session:add" }, function() ann:save() end)
    refuse("ArgumentError", { "'delete'", "db.session:delete" }, function() ann:delete() end)
    refuse("ArgumentError", { "'reload'", "db.session:refresh" }, function() ann:reload() end)
    refuse("ArgumentError", { "'update'", "query(Class):update" }, function() ann:update{ name = "x" } end)
  end)

  it("on a class do, too", function()
    for _, word in ipairs{ "find", "get", "all", "first", "where", "filter_by" } do
      lacks(refuse("ArgumentError", { word, "db.session:get", "db.session:query" }, function() return User[word] end),
        "did you mean")
    end
    refuse("ArgumentError", { "'create'", "db.session:add" }, function() User:create{ name = "x" } end)
  end)

  it("on a database name the session's method", function()
    for _, word in ipairs{ "query", "add", "commit", "get", "execute", "retry" } do
      local e = refuse("ArgumentError", { ("'%s'"):format(word), ("db.session:%s("):format(word) },
        function() return db[word] end)
      lacks(e, "did you mean")
    end
  end)
end)

describe("a date that the calendar does not have", function()
  it("is told of by the part that is wrong", function()
    for text, words in pairs{
      ["2024-02-30"] = "February 2024 has no day 30", ["2023-02-29"] = "February 2023 has no day 29",
      ["2024-04-31"] = "April 2024 has no day 31", ["2024-13-01"] = "no month 13", ["2024-00-01"] = "no month 0",
      ["0000-01-01"] = "no year 0", ["2024-01-00"] = "January 2024 has no day 0",
    } do
      for _, e in ipairs{
        refuse("ArgumentError", { "User.born", text, words }, User, { born = text }),
        refuse("ArgumentError", { "User.born", words }, User.born.eq, User.born, text),
        refuse("ArgumentError", { "User.seen", words }, User, { seen = text .. " 10:00:00" }),
        refuse("ArgumentError", { "date", text, words }, mr.date, text),
      } do
        lacks(e, "2024-02-29")
      end
    end
    for text, words in pairs{ ["25:00"] = "no hour 25", ["12:60:00"] = "no minute 60",
      ["12:00:61"] = "no second 61" } do
      lacks(refuse("ArgumentError", { "User.wakes", words }, User, { wakes = text }), "13:04:05")
      refuse("ArgumentError", { "User.seen", words }, User, { seen = "2024-01-01 " .. text })
    end
  end)

  it("is told of by the field where it is written as fields", function()
    refuse("ArgumentError", { "date", "February 2024 has no day 30" }, mr.date, 2024, 2, 30)
    refuse("ArgumentError", { "datetime", "no hour 24" }, mr.datetime, { year = 2024, month = 2, day = 1, hour = 24 })
    refuse("ArgumentError", { "time", "no minute -1" }, mr.time, { hour = 1, minute = -1 })
    refuse("ArgumentError", { "date", "no year 10000" }, mr.date, { year = 10000, month = 1, day = 1 })
    refuse("ArgumentError", { "User.born", "February 2024 has no day 30" }, User, { born = { year = 2024, month = 2,
      day = 30 } })
    refuse("ArgumentError", { "User.seen", "no hour 24" }, User, { seen = { year = 2024, month = 2, day = 1,
      hour = 24 } })
    refuse("ArgumentError", { "User.born", "'day'" }, User, { born = { year = 2024, month = 2 } })
    refuse("ArgumentError", { "User.born", "'month'", '"May"' }, User, { born = { year = 2024, month = "May",
      day = 1 } })
    refuse("ArgumentError", { "User.seen", "no month 13" }, User.seen.lt, User.seen, { year = 2024, month = 13,
      day = 1 })
  end)

  it("has the right form shown where the form is wrong", function()
    refuse("ArgumentError", { "User.born", "2024-02-29" }, User, { born = "30.2.2024" })
    refuse("ArgumentError", { "date", "2024-02-29" }, mr.date, "24-2-3")
  end)
end)

describe("a boolean for a criterion", function()
  it("tells of == and of not", function()
    local q = s:query(User)
    local no = not User.name:eq "a"
    for _, e in ipairs{
      refuse("ArgumentError", "filter", q.filter, q, no),
      refuse("ArgumentError", "where", mr.select(User).where, mr.select(User), no),
      refuse("ArgumentError", "having", q.having, q, no),
      refuse("ArgumentError", "and_", mr.and_, no, User.id:eq(1)),
      refuse("ArgumentError", "not_", mr.not_, no),
    } do
      refuse("ArgumentError", { "`not` makes a boolean: write ~User.name:eq(x)", "User.name:eq(x)" }, error, e)
    end
    refuse("ArgumentError", { "== and ~=", "write & and |" }, q.filter, q, User.name:eq "a" and true)
  end)
end)

describe("a class", function()
  it("is declared by a name and one table", function()
    for _, more in ipairs{ { __tablename = "t" }, 5, "x" } do
      refuse("ArgumentError", { "extend", "two arguments, got 3", "one table" },
        function() User:extend("More", { __abstract = true }, more) end)
    end
    assert.truthy(User:extend("More", { __abstract = true }))
  end)
end)

describe("a list for one value", function()
  it("is called a list, with its length, and the cure is in_", function()
    local list, words = { 1, 2 }, { "got a list of 2 values", "in_" }
    local function say(what) return { what, words[1], words[2] } end
    local x = User.id:eq(mr.bindparam "ids")
    refuse("ArgumentError", say "parameter 'ids'", s.execute, s, mr.text "SELECT :ids", { ids = list })
    refuse("ArgumentError", say "bindparams: 'ids'", function() mr.text "SELECT :ids":bindparams{ ids = list } end)
    refuse("ArgumentError", say "'ids'", function() s:query(User):filter(x):params{ ids = list } end)
    refuse("ArgumentError", say "User.id", User.id.eq, User.id, list)
    refuse("ArgumentError", say "User.id", User.id.ne, User.id, list)
    refuse("ArgumentError", say "User.born", User.born.eq, User.born, { "2024-01-01", "2024-01-02" })
    refuse("ArgumentError", say "User.id", function() s:query(User):filter_by{ id = list } end)
    local connection <close> = db.engine:connect()
    refuse("ArgumentError", say "parameter 'ids'", connection.execute, connection, mr.text "SELECT :ids", {
      ids = list })
  end)

  it("has no cure of in_ where nothing is compared", function()
    lacks(refuse("ArgumentError", { "User.name", "table" }, User, { name = { 1 } }), "in_")
    lacks(refuse("ArgumentError", { "User.name", "table" }, s.execute, s, mr.insert(User), { name = { 1 } }), "in_")
    lacks(refuse("ArgumentError", { "User.name", "table" }, User.name.in_, User.name, { { "a" } }), "in_")
  end)
end)

describe("query:update and query:delete", function()
  it("say that they take a table of values, or of options", function()
    local q = s:query(User)
    refuse("ArgumentError", { "update", "a table of values" }, q.update, q, User.name, "x")
    refuse("ArgumentError", { "update", "a table of values", '"name"' }, q.update, q, "name", "x")
    refuse("ArgumentError", { "update", "a table of options", "synchronize_session", '"fetch"' }, q.update, q, {
      name = "x" }, "fetch")
    refuse("ArgumentError", { "delete", "a table of options", "synchronize_session" }, q.delete, q, "fetch")
  end)
end)

describe("a database's URL and options", function()
  it("take the URL's parameters as options, too", function()
    local file = os.tmpname()
    for _, options in ipairs{ { journal_mode = "wal" }, { journal_mode = "WAL", synchronous = "off",
      busy_timeout = 10 } } do
      local other = mr.open("sqlite:///" .. file, options)
      assert.equal("wal", other.session:scalar(mr.text "PRAGMA journal_mode"))
      assert.equal(options.synchronous and 0 or 2, other.session:scalar(mr.text "PRAGMA synchronous"))
      other.session:close()
      other.engine:dispose()
    end
    local both = mr.create_engine("sqlite:///" .. file .. "?journal_mode=delete", { synchronous = "normal" })
    local connection = both:connect()
    assert.equal("delete", connection:execute(mr.text "PRAGMA journal_mode"):scalar())
    assert.equal(1, connection:execute(mr.text "PRAGMA synchronous"):scalar())
    connection:close()
    both:dispose()
    os.remove(file)
    refuse("ArgumentError", { "journal_mode", "wal", "off" }, mr.open, "sqlite://", { journal_mode = "fast" })
    refuse("ArgumentError", { "journal_mode", "a string" }, mr.open, "sqlite://", { journal_mode = true })
    refuse("ArgumentError", { "journal_mode" }, mr.open, "sqlite://", { journal_mode = "wal&x=y" })
    refuse("ArgumentError", { "'journal_mod'", "did you mean 'journal_mode'?" }, mr.open, "sqlite://", {
      journal_mod = "wal" })
  end)

  it("say what is known where an option is not", function()
    refuse("ArgumentError", { "'readonly'", "for open", "echo", "journal_mode" }, mr.open, "sqlite://", {
      readonly = true })
    refuse("ArgumentError", { "'readonly'", "for create_engine", "echo" }, mr.create_engine, "sqlite://", {
      readonly = true })
    refuse("ArgumentError", { "'colour'", "for sessionmaker", "autoflush" }, mr.sessionmaker, { colour = true })
    refuse("ArgumentError", { "'colour'", "for subqueryload, which has none" }, mr.subqueryload, User.posts, {
      colour = 1 })
    refuse("ArgumentError", { "'colour'", "for selectinload", "limit" }, mr.selectinload, User.posts, { colour = 1 })
  end)

  it("name the dialect that was meant, and no driver of tests", function()
    for _, dialect in ipairs{ "sqllite", "sqlite3", "SQLite", "sqilte" } do
      local e = refuse("ArgumentError", ("'%s'"):format(dialect), mr.create_engine, dialect .. ":///x.db")
      lacks(e, "mock")
      if dialect ~= "SQLite" then assert.matches("did you mean 'sqlite'%?", e.message) end
    end
    for _, dialect in ipairs{ "mysql", "mssql", "oracle" } do
      local e = refuse("ArgumentError", { dialect, "sqlite" }, mr.create_engine, dialect .. "://u@h/d")
      lacks(e, "mock")
      lacks(e, "did you mean")
    end
    refuse("ArgumentError", "did you mean 'mock+postgresql'?", mr.create_engine, "mock+postgresq://")
  end)
end)

describe("what belongs to the class", function()
  it("is not assigned on an object, and the message says so", function()
    local ann = User{ name = "ann", note = "n" }
    for _, name in ipairs{ "greet", "LIMIT" } do
      refuse("ArgumentError", { "User." .. name, "method or constant", "mr.field()" }, function() ann[name] = 6 end)
      refuse("ArgumentError", { "User." .. name, "method or constant" }, User, { [name] = 6 })
    end
    assert.equal("hi", ann:greet())
    assert.equal("n", ann.note)
  end)
end)

describe("getmetatable", function()
  it("gives a string for every value that is no table, as printers index what it gives", function()
    local ann = User{ name = "ann" }
    s:add(ann)
    s:commit()
    for _, value in ipairs{
      s(), db.engine, db.engine:connect(), s:query(User), mr.now(), mr.date(2024, 1, 1), ann, ann.posts, User,
      User.name, User.posts,
      mr.select(User), s:query(User.id):first(), s:execute(mr.text "select 1"), db.metadata, mr.inspect(ann),
      s:begin_nested(),
      s:no_autoflush(), s().identity_map, mr.Integer, mr.joinedload(User.posts), db.Column{ db.Integer }, mr.field(),
      db.relationship "User", db.backref "x", User.c, db.engine.dialect and db.session(),
    } do
      assert.equal("userdata", type(value))
      assert.equal("string", type(getmetatable(value)), tostring(value))
      assert.is_nil(getmetatable(value).__index and getmetatable(value).nothing)
    end
  end)
end)

describe("two reads of a date or a collection", function()
  it("are equal, have one text to be a table's key, and the object is one key", function()
    local ann = User{ name = "ann", born = "2024-02-29", seen = "2024-02-29 12:00:00" }
    s:add(ann)
    s:commit()
    local found = {}
    for _ = 1, 2 do
      s:expire_all()
      for _, name in ipairs{ "born", "seen" } do
        local key = tostring(ann[name])
        found[key] = (found[key] or 0) + 1
        assert.equal(ann[name], ann[name])
      end
      assert.is_true(ann.posts == ann.posts)
      found[User.query:one()] = true
    end
    assert.equal(2, found["2024-02-29"])
    assert.equal(2, found["2024-02-29 12:00:00"])
    assert.is_true(found[ann])
  end)
end)

describe("a column's default", function()
  it("is whatever can be called", function()
    local n = 0
    local callable = setmetatable({}, { __call = function()
      n = n + 1
      return n
    end })
    local Counted = db.Model:extend("Counted", {
      __tablename = "counted",
      id = db.Column{ db.Integer, primary_key = true },
      made = db.Column{ db.Integer, default = callable },
      changed = db.Column{ db.Integer, default = 0, onupdate = callable },
    })
    db:create_all()
    local x = Counted{}
    s:add(x)
    s:flush()
    assert.equal(1, x.made)
    x.made = 7
    s:flush()
    assert.equal(2, x.changed)
    refuse("ArgumentError", "default", db.Column, { db.Integer, default = User })
    refuse("ArgumentError", "default", db.Column, { db.Integer, default = {} })
  end)
end)

describe("a scoped session", function()
  it("can be watched and replaced by busted's spies and stubs, and is as before when they are reverted", function()
    local watched = spy.on(db.session, "commit")
    db.session:add(User{ name = "ann" })
    db.session:commit()
    assert.spy(watched).was.called(1)
    assert.equal(1, User.query:count())
    watched:revert()
    db.session:add(User{ name = "bob" })
    db.session:commit()
    assert.spy(watched).was.called(1)
    assert.equal(2, User.query:count())
    local stubbed = require "luassert.stub"(db.session, "commit")
    db.session:add(User{ name = "cid" })
    db.session:commit()
    assert.stub(stubbed).was.called(1)
    stubbed:revert()
    db.session:rollback()
    assert.equal(2, User.query:count())
    refuse("ArgumentError", "commit", function() db.session.commit = 5 end)
    refuse("ArgumentError", "comit", function() db.session.comit = print end)
  end)
end)
