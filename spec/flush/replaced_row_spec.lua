-- UNIQUE ... ON CONFLICT REPLACE: an object notices that its row was deleted in favor of another one.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function model(column)
  local db = mr.open "sqlite://"
  db.session:execute(mr.text("CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT " .. column .. ", body TEXT)"))
  db.session:commit()
  return db, db.Model:extend("T", { __tablename = "t", id = db.Column{ db.Integer, primary_key = true },
                                    code = db.Column{ db.String }, body = db.Column{ db.String } })
end

local unique = "UNIQUE on  conflict /* of codes */ replace"

describe("a row that another one replaces", function()
  it("expires its object: reading, changing and deleting it are errors, and no row of another is touched", function()
    local db, T = model(unique)
    for _, what in ipairs{ "insert", "update" } do
      local old, other = T{ code = what, body = "old" }, T{ code = "other" .. what, body = "o" }
      db.session:add_all{ old, other }
      db.session:commit()
      assert.same({ "old", "o" }, { old.body, other.body })
      local new = what == "insert" and T{ code = what, body = "new" } or other
      new.code = what
      db.session:add(new)
      db.session:flush()
      refuse("ObjectDeletedError", "T", function() return old.body end)
      assert.same({ what, what == "insert" and "new" or "o" }, { new.code, new.body })
      assert.equal("otherinsert", T.query:get(2).code)
      db.session:rollback()
      assert.equal("old", old.body)
    end
    local old = T.query:filter_by{ code = "insert" }:first()
    local new = T{ code = "insert", body = "new" }
    db.session:add(new)
    db.session:flush()
    old.body = "late"
    assert.has_error(function() db.session:flush() end)
    db.session:rollback()
    db.session:add(T{ code = "insert", body = "new" })
    db.session:flush()
    db.session:delete(old)
    assert.has_error(function() db.session:flush() end)
    db.session:rollback()
    assert.equal("old", old.body)
  end)

  it("may be one of the same flush", function()
    local db, T = model(unique)
    local a, b = T{ code = "x", body = "a" }, T{ code = "x", body = "b" }
    db.session:add_all{ a, b }
    db.session:commit()
    refuse("ObjectDeletedError", "T", function() return a.body end)
    assert.same({ 2, "b" }, { b.id, b.body })
    assert.equal(1, T.query:count())
  end)

  it("keeps what others have changed for their own flush", function()
    local db, T = model(unique)
    local a, b = T{ code = "a", body = "1" }, T{ code = "b", body = "2" }
    db.session:add_all{ a, b }
    db.session:commit()
    local new = T{ code = "a", body = "new" }
    db.session:add(new)
    b.body = "changed"
    db.session:flush()
    b.body = "again"
    db.session:commit()
    assert.equal("again", b.body)
    assert.equal(2, T.query:count())
  end)

  it("may be replaced by a statement", function()
    local db, T = model(unique)
    local statements = {
      function() db.session:execute(mr.insert(T):values{ code = "a", body = "new" }) end,
      function() db.session:execute(mr.insert(T), { { code = "z" }, { code = "a", body = "new" } }) end,
      function() db.session:execute(mr.insert(T):values{ code = "a", body = "new" }:returning(T)):all() end,
      function() db.session:execute(mr.update(T):where(T.code:eq "b"):values{ code = "a" }) end,
      function() T.query:where(T.code:eq "b"):update{ code = "a" } end,
    }
    for _, run in ipairs(statements) do
      local a, b = T{ code = "a", body = "1" }, T{ code = "b", body = "2" }
      db.session:add_all{ a, b }
      db.session:flush()
      assert.equal("1", a.body)
      run()
      refuse("ObjectDeletedError", "T", function() return a.body end)
      assert.equal("2", b.body)
      db.session:rollback()
    end
  end)

  it("may be a link: the collections that showed it are read again", function()
    local db = mr.open "sqlite://"
    for _, sql in ipairs{ "CREATE TABLE a (id INTEGER PRIMARY KEY)", "CREATE TABLE b (id INTEGER PRIMARY KEY)",
                          "CREATE TABLE ab (a_id INTEGER, b_id INTEGER UNIQUE ON CONFLICT REPLACE)",
                          "INSERT INTO a VALUES (1), (2)", "INSERT INTO b VALUES (1)",
                          "INSERT INTO ab VALUES (1, 1)" } do
      db.session:execute(mr.text(sql))
    end
    local ab = db.Table("ab", db.Column{ "a_id", db.Integer, db.ForeignKey "a.id" },
      db.Column{ "b_id", db.Integer, db.ForeignKey "b.id" })
    local A = db.Model:extend("A", { id = db.Column{ db.Integer, primary_key = true },
                                     bs = db.relationship("B", { secondary = ab }) })
    local B = db.Model:extend("B", { id = db.Column{ db.Integer, primary_key = true } })
    local one, two, b = A.query:get(1), A.query:get(2), B.query:get(1)
    assert.same({ 1, 0 }, { #one.bs, #two.bs })
    two.bs:append(b)
    db.session:flush()
    assert.same({ 0, 1 }, { #one.bs, #two.bs })
  end)

  it("in tables without such a constraint, nothing is read again", function()
    local db, T = model "UNIQUE"
    local a = T{ code = "a", body = "1" }
    db.session:add(a)
    db.session:flush()
    local record = db:record(function()
      db.session:add(T{ code = "b", body = "2" })
      db.session:flush()
      assert.equal("1", a.body)
    end)
    assert.equal(1, #record)
  end)

  it("a NULL that NOT NULL ON CONFLICT REPLACE makes the default is read as what it is", function()
    local db, T = model "NOT NULL ON CONFLICT REPLACE DEFAULT 'made'"
    local a = T{ body = "x" }
    db.session:add(a)
    db.session:flush()
    assert.equal("made", a.code)
  end)
end)
