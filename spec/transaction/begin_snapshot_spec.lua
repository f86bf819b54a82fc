-- What was read before a transaction began may be older than its snapshot, in whatever way it begins: then it is read
-- again.

local mr = require "moonrow"
local support = require "spec.support.models"
local process = require "spec.support.process"

local path, db, Account

local function open(where)
  path = os.tmpname()
  db = mr.open(where == "in memory" and "sqlite://" or "sqlite:///" .. path .. where, { busy_timeout = 50 })
  Account = db.Model:extend("Account", {
    id    = db.Column{ db.Integer, primary_key = true },
    gold  = db.Column{ db.Integer },
    owner = db.Column{ db.String(20) },
  })
  db:create_all()
  db.session:add_all{ Account{ id = 1, gold = 100, owner = "a" }, Account{ id = 2, gold = 7, owner = "b" } }
  db.session:commit()
  db.session:remove()
end

local function close()
  db.session:remove()
  process.remove(path, "-more")
end

--- Another session sets the account's gold, and commits.
local function pay(gold, id)
  local other <close> = mr.Session(db.engine)
  other:get(Account, id or 1).gold = gold
  other:commit()
end

local function stored(id)
  local other <close> = mr.Session(db.engine)
  return other:get(Account, id or 1).gold
end

local ways = {
  { "without a mode, at its first write", {}, function(session)
    session:execute(mr.text "UPDATE account SET owner = 'x' WHERE id = 2")
  end },
  { "without a mode, by a savepoint", {}, function(session) session:begin_nested() end },
  { "immediate", { mode = "immediate" } },
  { "exclusive", { mode = "exclusive" } },
  { "deferred", { mode = "deferred" } },
  { "SERIALIZABLE", { isolation_level = "SERIALIZABLE" } },
  { "REPEATABLE READ", { isolation_level = "REPEATABLE READ" } },
}

for _, where in ipairs{ "", "?journal_mode=wal", "in memory" } do
  describe("a transaction and what was read before it, " .. (where == "" and "in a file" or where), function()
    before_each(function() open(where) end)
    after_each(close)

    for _, way in ipairs(ways) do
      it("is not taken for its snapshot: " .. way[1], function()
        local session <close> = mr.Session(db.engine)
        local account = session:get(Account, 1)
        assert.equal(100, account.gold)
        pay(500)
        session:begin(function()
          if way[3] then way[3](session) end
          assert.equal(500, account.gold)
          account.gold = account.gold + 1
        end, way[2])
        assert.equal(501, stored())
      end)

      it("costs no statement where nobody has committed: " .. way[1], function()
        local session <close> = mr.Session(db.engine)
        local account, other = session:get(Account, 1), session:get(Account, 2)
        session:begin(function()
          if way[3] then way[3](session) end
          assert.same({}, support.statements(db, function() return account.gold + other.gold end))
        end, way[2])
      end)
    end

    it("is not taken for a read-only one's", function()
      local session <close> = mr.Session(db.engine)
      local account = session:get(Account, 1)
      pay(500)
      session:begin(function() assert.equal(500, account.gold) end, { read_only = true })
    end)

    it("is not taken for that of a block that is a value", function()
      local session <close> = mr.Session(db.engine)
      local account = session:get(Account, 1)
      pay(500)
      do
        local _ <close> = session:begin{ mode = "immediate" }
        account.gold = account.gold + 1
      end
      assert.equal(501, stored())
    end)

    it("is not taken for it where a later read has seen the commit already", function()
      local session <close> = mr.Session(db.engine)
      local account = session:get(Account, 1)
      pay(500)
      assert.equal(7, session:get(Account, 2).gold) -- this row is new, the account is still old
      session:begin(function() account.gold = account.gold + 1 end, { mode = "immediate" })
      assert.equal(501, stored())
    end)

    it("counts by columns and by statements, too", function()
      local session <close> = mr.Session(db.engine)
      local account = session:get(Account, 1)
      pay(500)
      assert.same(500, session:execute(mr.text "SELECT gold FROM account WHERE id = 1"):scalar())
      session:begin(function() account.gold = account.gold + 1 end, { mode = "immediate" })
      assert.equal(501, stored())
    end)

    it("is not taken for it after a commit that kept the objects", function()
      local session <close> = mr.Session(db.engine, { expire_on_commit = false })
      local account = session:get(Account, 1)
      session:commit()
      pay(500)
      session:begin(function() account.gold = account.gold + 1 end, { mode = "immediate" })
      assert.equal(501, stored())
    end)

    it("is not taken for it when other connections took their turns meanwhile", function()
      local session <close> = mr.Session(db.engine, { expire_on_commit = false })
      local account = session:get(Account, 1)
      session:commit()
      local one, two = mr.Session(db.engine), mr.Session(db.engine)
      local a = one:get(Account, 1)
      assert.equal(7, two:get(Account, 2).gold)
      a.gold = 500
      if where == "" then two:rollback() end -- in a file a reader's end comes before the commit
      one:commit()
      two:close()
      one:close()
      session:begin(function() account.gold = account.gold + 1 end, { mode = "deferred" })
      assert.equal(501, stored())
    end)

    it("is not taken for it by session:retry, which takes begin's options", function()
      local session <close> = mr.Session(db.engine)
      local account = session:get(Account, 1)
      pay(500)
      local texts = {}
      session:retry(function(s)
        assert.is_true(s:in_transaction())
        texts = support.statements(db, function() account.gold = account.gold + 1 end)
      end, { mode = "immediate", times = 2 })
      assert.equal(1, #texts) -- only the refresh
      assert.equal(501, stored())
    end)

    -- Reads in a transaction are not told the version of the data: so the next transaction must know how old its
    -- objects are.
    local earlier = {
      ["that began with others' commits"] = function(session, read)
        session:get(Account, 2)
        pay(200)
        session:begin(read, { mode = "deferred" })
      end,
      ["whose flush found others' commits"] = function(session, read)
        session:get(Account, 2)
        pay(200)
        session:get(Account, 2).owner = "c"
        session:flush()
        read()
        session:commit()
      end,
      ["in which everything was expired"] = function(session, read)
        session:begin(function()
          read()
          session:expire_all()
          read()
        end, { mode = "immediate" })
      end,
      ["in which everything was expunged"] = function(session, read)
        session:begin(function()
          read()
          session:expunge_all()
          read()
        end, { mode = "deferred" })
      end,
      ["in which a savepoint was rolled back"] = function(session, read)
        session:begin(function()
          local savepoint = session:begin_nested()
          session:get(Account, 2).owner = "d"
          session:flush()
          session:query(Account):all()
          savepoint:rollback()
          read()
        end)
      end,
    }
    for words, read_first in pairs(earlier) do
      it("is not taken for it after a transaction " .. words .. ", and that kept the objects", function()
        local session <close> = mr.Session(db.engine, { expire_on_commit = false })
        local account
        read_first(session, function()
          account = session:get(Account, 1)
          return account.gold
        end)
        pay(500)
        session:begin(function() account.gold = account.gold + 1 end, { mode = "immediate" })
        assert.equal(501, stored())
        -- Once more, after a transaction that found nothing new.
        session:begin(function() return account.owner end, { mode = "deferred" })
        pay(700)
        session:begin(function() account.gold = account.gold + 1 end, { mode = "deferred" })
        assert.equal(701, stored())
      end)
    end

    it("keeps changes that were not written yet", function()
      local session <close> = mr.Session(db.engine)
      local account = session:get(Account, 1)
      pay(500)
      local block = session:begin{ mode = "deferred" }
      account.owner = "mine"
      assert.equal(500, account.gold)
      block:commit()
      assert.equal(500, stored())
      assert.equal("mine", account.owner)
    end)

    it("knows its own commit, which is no news", function()
      local session <close> = mr.Session(db.engine, { expire_on_commit = false })
      local account, other = session:get(Account, 1), session:get(Account, 2)
      account.gold = 5
      session:commit()
      assert.same({}, support.statements(db, function()
        session:begin(function() return account.gold + other.gold end, { mode = "immediate" })
      end))
    end)
  end)
end

describe("an object that has been changed before the transaction begins", function()
  local game = require "spec.support.game"
  local m, session, ann

  before_each(function()
    path = os.tmpname()
    m = game.open("sqlite:///" .. path .. "?journal_mode=wal", true)
    db = m.db
    session = mr.Session(db.engine, { autoflush = false })
    ann = session:get(m.Player, 1)
    assert.equal("red", ann.team.name)
    assert.equal("first", ann.notes)
    assert.equal(2, #ann.skills)
  end)
  after_each(function()
    session:close()
    close()
  end)

  local function elsewhere()
    db.engine:begin(function(c)
      c:execute(mr.text "UPDATE player SET name = 'eve', notes = 'other', team_id = 2 WHERE id = 1")
    end)
  end

  local function assert_renewed()
    assert.equal(50, ann.gold)
    assert.equal("eve", ann.name)
    assert.equal("other", ann.notes)
    assert.equal(2, ann.team_id)
    assert.equal("blue", ann.team.name)
    assert.is_true(session:in_transaction())
    session:commit()
    assert.equal(50, ann.gold)
    assert.equal("eve", ann.name)
    assert.equal(2, ann.team_id)
  end

  it("has the rest of its row as it is now, once its flush has begun it", function()
    ann.gold = 50
    elsewhere()
    session:flush()
    assert_renewed()
  end)

  it("has the rest of its row as it is now, once a statement has begun it", function()
    ann.gold = 50
    elsewhere()
    session:execute(mr.text "UPDATE badge SET name = 'x' WHERE id = 1")
    assert_renewed()
  end)

  it("has it at once by a savepoint", function()
    ann.gold = 50
    elsewhere()
    session:begin_nested()
    assert_renewed()
  end)

  it("keeps a reference that was changed, and its collection", function()
    ann.team = session:get(m.Team, 1)
    ann.team = nil
    elsewhere()
    session:flush()
    assert.is_nil(ann.team)
    assert.same({}, support.statements(db, function() return #ann.skills end))
    assert.equal("eve", ann.name)
    session:commit()
    assert.is_nil(ann.team_id)
  end)
end)

describe("a changed object of a versioned class", function()
  local Doc, session, doc

  before_each(function()
    path = os.tmpname()
    db = mr.open("sqlite:///" .. path)
    Doc = support.versioned(db)
    db.session:add(Doc{ id = 1, title = "t", body = "b" })
    db.session:commit()
    db.session:remove()
    session = mr.Session(db.engine, { autoflush = false })
    doc = session:get(Doc, 1)
    doc.body = "mine"
    db.engine:begin(function(c) c:execute(mr.text "UPDATE doc SET title = 'u', body = 'theirs', version = 2") end)
  end)
  after_each(function()
    session:close()
    close()
  end)

  local function assert_stale(fn)
    assert.is_true(mr.errors.StaleDataError:is(support.error_of(fn)))
    session:rollback()
    assert.equal("theirs", doc.body)
  end

  it("is found stale by the flush that begins the transaction", function()
    assert_stale(function() session:flush() end)
  end)

  it("is found stale where a statement has begun it", function()
    session:execute(mr.text "UPDATE doc SET title = title")
    assert.equal("u", doc.title)
    assert.equal("mine", doc.body)
    assert_stale(function() session:flush() end)
  end)

  it("is found stale where it is read again in between", function()
    session:execute(mr.text "UPDATE doc SET title = title")
    assert.equal(doc, session:query(Doc):one())
    assert.equal("mine", session:get(Doc, 1).body)
    assert_stale(function() session:flush() end)
  end)
end)

describe("a deferred transaction", function()
  before_each(function() open "?journal_mode=wal" end)
  after_each(close)

  it("shows what was true when it began, not at its first read", function()
    local session <close> = mr.Session(db.engine)
    local account = session:get(Account, 1)
    session:begin(function()
      pay(500)
      assert.equal(100, account.gold)
      assert.equal(100, session:query(Account):populate_existing():filter_by{ id = 1 }:one().gold)
    end, { read_only = true })
    assert.equal(500, session:query(Account):filter_by{ id = 1 }:one().gold)
  end)
end)

describe("a transaction over attached databases", function()
  local more, Note

  --- Attaches the file as "more" on all connections of the engine.
  local function attach()
    open "?journal_mode=wal"
    more = mr.open("sqlite:///" .. path .. "-more?journal_mode=wal")
    more.engine:begin(function(c) c:execute(mr.text "CREATE TABLE note (id INTEGER PRIMARY KEY, text VARCHAR)") end)
    more.engine:begin(function(c) c:execute(mr.text "INSERT INTO note VALUES (1, 'old')") end)
    db = mr.open("sqlite:///" .. path, { busy_timeout = 50 })
    mr.event.listen(db.engine, "connect", function(c) c:execute(mr.text(("ATTACH '%s-more' AS more"):format(path))) end)
    Note = db.Model:extend("Note", {
      __tablename = "note", __table_args = { schema = "more" },
      id = db.Column{ db.Integer, primary_key = true }, text = db.Column{ db.String(20) },
    })
  end

  local function write(text)
    more.engine:begin(function(c) c:execute(mr.text "UPDATE note SET text = :t", { t = text }) end)
  end

  before_each(attach)
  after_each(function()
    more.session:remove()
    close()
    os.remove(path .. "-more-wal")
    os.remove(path .. "-more-shm")
  end)

  for _, mode in ipairs{ "immediate", "deferred", "exclusive" } do
    it("has the snapshot of each: " .. mode, function()
      local session <close> = mr.Session(db.engine)
      local note = session:get(Note, 1)
      assert.equal("old", note.text)
      write "new"
      session:begin(function()
        assert.equal("new", note.text)
        assert.same({}, support.statements(db, function() return note.text end))
      end, { mode = mode })
    end)
  end

  it("and what is read outside of one is as new", function()
    local session <close> = mr.Session(db.engine)
    local note = session:get(Note, 1)
    assert.equal("old", note.text)
    write "new"
    assert.equal("new", session:query(Note):one().text)
    assert.equal("new", note.text)
  end)
end)

describe("session:retry", function()
  before_each(function() open "" end)
  after_each(close)

  it("refuses what begin refuses, once", function()
    local runs = 0
    local e = support.error_of(db.session.retry, db.session, function() runs = runs + 1 end, { mode = "soon" })
    assert.matches("mode is 'deferred', 'immediate' or 'exclusive', not 'soon'", tostring(e))
    assert.equal(0, runs)
  end)

  it("begins a read-only transaction", function()
    local e = support.error_of(db.session.retry, db.session, function(s)
      s:add(Account{ id = 3 })
      s:flush()
    end, { read_only = true })
    assert.matches("read%-only", tostring(e))
  end)
end)
