-- What a statement is run with besides its values: a tag, which stands in a comment before the SQL wherever that is
-- shown, and a timeout, after which the database stops.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local db, User, Post, s

local function open(options)
  db = mr.open("sqlite://", options)
  User = db.Model:extend("User", {
    id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String(20) },
    posts = db.relationship{ "Post" },
  })
  Post = db.Model:extend("Post", {
    id = db.Column{ db.Integer, primary_key = true }, user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
  })
  db:create_all()
  db.session:add_all{ User{ name = "ann", posts = { Post{} } }, User{ name = "bob" } }
  db.session:commit()
  db.session:remove()
  s = mr.Session(db.engine)
end

before_each(function() open() end)
after_each(function()
  s:close()
  db.session:remove()
end)

local function line() return debug.getinfo(2, "l").currentline end

local function first_of(fn) return support.statements(db, fn)[1] end

describe("query:tag", function()
  it("writes the words, and the file and line of its call, in front of the SQL", function()
    local q, at = s:query(User.id):tag "shop", line()
    local comment = ("/* shop spec/query/marks_spec.lua:%d */ "):format(at)
    assert.equal(comment .. "SELECT user.id AS user_id FROM user", first_of(function() q:all() end))
    assert.equal(comment, tostring(q):sub(1, #comment))
    assert.equal(comment, q:sql{ literals = true, dialect = "postgresql" }:sub(1, #comment))
  end)

  it("stands before each statement of the query, however it runs", function()
    local q = s:query(User):tag "t":options(mr.selectinload(User.posts))
    local texts = support.statements(db, function()
      q:all()
      q:count()
      q:first()
      q:update({ name = "x" }, { synchronize_session = false })
      s:scalars(mr.select(User.id):tag "t"):all()
      s:query(User):tag "t":filter(User.id:eq(mr.bindparam "id")):compiled():one{ id = 1 }
      for _ in s:query(User.id):tag "t":yield_per(1):iter() do s:query(User.id):tag "t":first() end
    end)
    assert.is_true(#texts >= 8)
    for _, text in ipairs(texts) do assert.equal("/* t ", text:sub(1, 5)) end
  end)

  it("stands before the statement of get, which sends none for an object in memory", function()
    s:expunge_all()
    local q, user = s:query(User):tag "by key", nil
    local texts = support.statements(db, function() user = q:get(1) end)
    assert.equal(1, #texts)
    assert.equal("/* by key ", texts[1]:sub(1, 10))
    assert.equal(0, #support.statements(db, function() assert.equal(user, q:get(1)) end))
  end)

  it("stands in the echo, too", function()
    local lines = {}
    local loud = mr.create_engine("sqlite://", { echo = true })
    local session = mr.Session(loud)
    mr.set_log(function(text) lines[#lines + 1] = text end)
    local ok, e = pcall(function() session:scalar(mr.select(mr.literal(1)):tag "loud") end)
    mr.set_log(nil)
    session:close()
    assert.is_true(ok, e)
    assert.is_truthy(table.concat(lines, "\n"):find("/* loud spec/query/marks_spec.lua:", 1, true))
  end)

  it("is seen by listeners, in errors, and in explain's statement", function()
    local seen = {}
    local function note(_, statement) seen[#seen + 1] = statement end
    mr.event.listen(db.engine, "before_execute", note)
    mr.event.listen(db.engine, "after_execute", note)
    s:query(User.id):tag "heard":all()
    assert.equal(2, #seen)
    assert.has.match("^/%* heard ", seen[1])
    assert.has.match("^/%* heard ", seen[2])
    local e = refuse("OperationalError", "nope", function()
      s:query(mr.literal_column "nope"):select_from(User):tag "failed":all()
    end)
    assert.has.match("^/%* failed ", e.statement)
    local plan = first_of(function() s:query(User.id):tag "why":explain() end)
    assert.has.match("why spec/query/marks_spec", plan)
  end)

  it("is no part of the caches: many places share one plan and one prepared statement", function()
    local plain = s:query(User.id):filter(User.name:eq "ann")
    local function run(q) return first_of(function() q:all() end) end
    local sql = run(plain)
    for i = 1, 50 do assert.equal(sql, (run(plain:tag("n" .. i)):gsub("^/%*.-%*/ ", ""))) end
    assert.equal(sql, run(plain))
    local before = mr.memory().bytes
    for i = 1, 2000 do plain:tag("m" .. i):all() end
    collectgarbage()
    collectgarbage()
    assert.is_true(mr.memory().bytes < before + 200000)
  end)

  it("belongs to its query alone, and the last one counts", function()
    local q = s:query(User.id)
    local tagged = q:tag "a":tag "b"
    assert.has.match("^/%* b ", first_of(function() tagged:all() end))
    assert.has.match("^SELECT", first_of(function() q:all() end))
    local inner = s:query(Post.user_id):tag "zz"
    assert.is_nil(tostring(s:query(User.id):filter(User.id:in_(inner))):find "zz")
  end)

  it("refuses what would end the comment, and what is no text", function()
    local q = s:query(User)
    for _, words in ipairs{ "a */ DROP TABLE user; /*", "*/", "/*", "a\0b" } do
      refuse("ArgumentError", "tag: the text stands in a comment of SQL", q.tag, q, words)
    end
    refuse("ArgumentError", "tag", q.tag, q, "")
    refuse("ArgumentError", "tag", q.tag, q)
    refuse("ArgumentError", "tag", q.tag, q, 1)
    refuse("ArgumentError", "tag", q.tag, q, "a", "b")
  end)

  it("is off by default; the engine's option tag has the place of each statement", function()
    assert.has.match("^SELECT", first_of(function() s:query(User):all() end))
    s:close()
    db.session:remove()
    open{ tag = true }
    local texts, at
    texts = support.statements(db, function()
      s:get(User, 1) at = line()
      s:add(User{ name = "new" })
      s:flush()
      s:execute(mr.text "SELECT 1"):all()
      s:query(User):tag "own":first()
    end)
    local place = "/* spec/query/marks_spec.lua:%d */ "
    assert.equal(place:format(at), texts[1]:match "^/%*.-%*/ ")
    assert.equal(place:format(at + 2), texts[2]:match "^/%*.-%*/ ")
    assert.equal(place:format(at + 3), texts[3]:match "^/%*.-%*/ ")
    assert.has.match("^/%* own spec/query/marks_spec.lua:%d+ %*/ SELECT", texts[4])
    refuse("ArgumentError", "tag", mr.open, "sqlite://", { tag = "x" })
  end)

  it("of a file whose name would end the comment does not end it", function()
    local fn = assert(load("local q = ... return q:tag 'x'", "@a*/b/*c.lua"))
    local text = first_of(function() fn(s:query(User.id)):all() end)
    assert.equal("/* x a_/b/_c.lua:1 */ SELECT user.id AS user_id FROM user", text)
  end)
end)

describe("a timeout", function()
  local endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

  -- A query over an endless CTE.
  local function forever(session)
    local n = session:query(mr.literal(1):label "i"):cte("n", { recursive = true })
    n = n:union_all(session:query(n.c.i + 1))
    return session:query(mr.func.count(n.c.i))
  end

  local function times_out(fn, ...)
    local e = refuse("OperationalError", "the statement ran longer than its timeout", fn, ...)
    assert.equal("interrupted", e.orig.message)
    return e
  end

  local function works(session)
    assert.equal(2, session:query(User):count())
    session:add(User{ name = "more" })
    session:flush()
    session:rollback()
    assert.equal(2, session:query(User):count())
  end

  it("stops a query, and the session stays usable", function()
    local q = forever(s):execution_options{ timeout = 0.02 }
    times_out(q.scalar, q)
    times_out(q.all, q)
    times_out(q.count, q)
    works(s)
  end)

  it("stops a statement, by an option of execute or its own", function()
    times_out(s.execute, s, mr.text(endless), {}, { timeout = 0.02 })
    local n = forever(s)
    local select = mr.select(mr.literal(1)):where(n:scalar_subquery():gt(0)):execution_options{ timeout = 0.02 }
    times_out(function() s:execute(select):all() end)
    local update = mr.update(User):where(n:scalar_subquery():gt(0)):values{ name = "x" }
    times_out(s.execute, s, update:execution_options{ timeout = 0.02, synchronize_session = false })
    s:rollback()
    works(s)
  end)

  it("is that of the SELECT by which an UPDATE or DELETE finds objects, and of one that returns objects", function()
    local n = forever(s):scalar_subquery()
    local which = User.id:eq(n)
    local limit = { timeout = 0.02, synchronize_session = "fetch" }
    times_out(s.execute, s, mr.update(User):values{ name = "x" }:where(which), nil, limit)
    s:rollback()
    times_out(s.execute, s, mr.delete(User):where(which), nil, limit)
    s:rollback()
    times_out(s.execute, s, mr.update(User):values{ name = "x" }:where(which):returning(User), nil,
      { timeout = 0.02, synchronize_session = false })
    s:rollback()
    local q = s:query(User):filter(which):execution_options{ timeout = 0.02 }
    times_out(q.update, q, { name = "x" }, { synchronize_session = "fetch" })
    s:rollback()
    times_out(q.delete, q, { synchronize_session = "fetch" })
    s:rollback()
  end)

  it("of a session holds for all its statements, and a query may say otherwise", function()
    local own <close> = mr.Session(db.engine, { timeout = 0.02 })
    times_out(function() forever(own):scalar() end)
    times_out(function() own:execute(mr.text(endless)) end)
    works(own)
    local all = forever(own):execution_options{ timeout = false }
    assert.equal(2, own:query(User):execution_options{ timeout = false }:count())
    assert.is_truthy(all)
    local maker = mr.sessionmaker{ bind = db.engine, timeout = 0.02 }
    local made <close> = maker()
    times_out(function() forever(made):scalar() end)
  end)

  it("of an engine holds for all its sessions and connections", function()
    s:close()
    open{ timeout = 0.02 }
    times_out(function() forever(s):scalar() end)
    local connection <close> = db.engine:connect()
    times_out(function() connection:execute(mr.text(endless)) end)
    works(s)
  end)

  it("stops a write inside a transaction, which is then over, as SQLite has it", function()
    s:add(User{ name = "lost" })
    s:flush()
    local n = forever(s)
    local q = s:query(User):filter(n:scalar_subquery():gt(0)):execution_options{ timeout = 0.02 }
    times_out(q.update, q, { name = "x" }, { synchronize_session = false })
    s:rollback()
    works(s)
  end)

  it("counts the time of the database, and not that of the loop", function()
    local q = s:query(User):yield_per(1):execution_options{ timeout = 0.05 }
    local n = 0
    for _ in q:iter() do
      n = n + 1
      local till = os.clock() + 0.06
      while os.clock() < till do end
    end
    assert.equal(2, n)
  end)

  it("is no part of the plan: the next run has no limit", function()
    local q = s:query(User):filter(User.name:eq "ann")
    assert.equal(1, #q:execution_options{ timeout = 5 }:all())
    assert.equal(1, #q:all())
    assert.equal(q:sql(), q:execution_options{ timeout = 5 }:sql())
  end)

  it("is seconds above 0, or false", function()
    local q = s:query(User)
    for _, bad in ipairs{ 0, -1, "1", true, 0 / 0 } do
      refuse("ArgumentError", "timeout", q.execution_options, q, { timeout = bad })
      refuse("ArgumentError", "timeout", mr.Session, db.engine, { timeout = bad })
      refuse("ArgumentError", "timeout", mr.sessionmaker, { timeout = bad })
      refuse("ArgumentError", "timeout", mr.create_engine, "sqlite://", { timeout = bad })
      refuse("ArgumentError", "timeout", s.execute, s, mr.text "SELECT 1", {}, { timeout = bad })
    end
    refuse("ArgumentError", "timeout", q.update, q, { name = "x" }, { timeout = 1 })
  end)

  it("is refused where the driver cannot stop a statement", function()
    local engine = mr.create_engine("mock+postgresql://", { timeout = 1 })
    local mock <close> = mr.Session(engine)
    refuse("InvalidRequestError", "this driver cannot stop a statement", function() mock:query(User):all() end)
  end)

  it("ends a get, and what it reads again, of a session with one", function()
    local Endless = db.Model:extend("Endless", {
      __tablename = "endless", __table_args = { is_view = true },
      id = db.Column{ db.Integer, primary_key = true }, n = db.Column{ db.Integer },
    })
    db.session:execute(mr.text("CREATE VIEW endless AS SELECT 1 AS id, (" .. endless .. ") AS n"))
    db.session:commit()
    local own <close> = mr.Session(db.engine, { timeout = 0.02 })
    times_out(own.get, own, Endless, 1)
    times_out(own.get, own, Endless, 1, { populate_existing = true })
    times_out(function() return own:query(Endless):get(1) end)
    times_out(function() return own:query(Endless):first() end)
    times_out(function() return own:query(Endless):filter_by{ id = 1 }:first() end)
    times_out(function() for _ in own:query(Endless):iter() do error "no row" end end)
    own:begin()
    own:add(User{ name = "in" })
    own:flush()
    times_out(own.get, own, Endless, 1)
    assert.equal(3, own:query(User):count())
    own:rollback()
    works(own)
  end)
end)
