-- eager_defaults: when are the values read that the database makes for a row?

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local support = require "spec.support.models"

local function open(eager)
  local db = mr.open "sqlite://"
  local Doc = db.Model:extend("Doc", {
    id    = db.Column{ db.Integer, primary_key = true },
    body  = db.Column{ db.String(20) },
    state = db.Column{ db.String(20), server_default = "new" },
    size  = db.Column{ db.Integer, default = mr.func.abs(-3), onupdate = mr.func.abs(-4) },
    seen  = db.Column{ db.DateTime, server_default = mr.text "'2024-02-29 13:04:05'" },
    __mapper_args = { eager_defaults = eager },
  })
  db:create_all()
  return db, Doc
end

local function sent(db, fn) return support.statements(db, fn or function() db.session:flush() end) end

describe("eager_defaults", function()
  it('is "auto": new rows bring what the database made of them, changed ones are asked', function()
    for _, eager in ipairs{ "auto", false } do
      local db, Doc = open(eager or nil)
      local one, two = Doc{ body = "a" }, Doc{ body = "b", size = 8 }
      local four = Doc{ body = mr.func.lower "D", size = mr.text "5 + 6" }
      db.session:add_all{ one, two, Doc{ body = "c", size = 8 }, four }
      assert.same({ "INSERT INTO doc (body, size) VALUES (?, abs(?)) RETURNING id, state, size, seen",
                    "INSERT INTO doc (body, size) VALUES (?, ?) RETURNING id, state, seen",
                    "INSERT INTO doc (body, size) VALUES (lower(?), 5 + 6) RETURNING id, state, size, seen" }, sent(db))
      assert.same({}, sent(db, function()
        assert.same({ 1, "new", 3, "2024-02-29 13:04:05" }, { one.id, one.state, one.size, tostring(one.seen) })
        assert.same({ 2, "new", 8 }, { two.id, two.state, two.size })
        assert.equal(11, four.size)
      end))
      one.body = "x"
      assert.same({ "UPDATE doc SET body=?, size=abs(?) WHERE doc.id = ?" }, sent(db))
      assert.equal(1, #sent(db, function() assert.equal(4, one.size) end))
      db.session:commit()
      assert.same({ "x", "new", 4 }, { one.body, one.state, one.size })
    end
  end)

  it("= true reads what an UPDATE made, too", function()
    local db, Doc = open(true)
    local doc = Doc{ body = "a" }
    db.session:add(doc)
    db.session:flush()
    doc.body = "b"
    assert.same({ "UPDATE doc SET body=?, size=abs(?) WHERE doc.id = ? RETURNING size" }, sent(db))
    doc.body, doc.size = Doc.body .. "c", 1
    assert.same({ "UPDATE doc SET body=(doc.body || ?), size=? WHERE doc.id = ?" }, sent(db))
    assert.equal(1, #sent(db, function() assert.same({ "bc", 1 }, { doc.body, doc.size }) end))
    doc.body = "gone"
    db.session:no_autoflush(function() db.session:execute(mr.text "DELETE FROM doc") end)
    refuse("StaleDataError", "0 were matched", db.session.flush, db.session)
    db.session:rollback()
    assert.is_nil(doc.id)
  end)

  it("= false reads all of it when it is asked for", function()
    local db, Doc = open(false)
    local doc = Doc{ body = "a" }
    db.session:add(doc)
    assert.same({ "INSERT INTO doc (body, size) VALUES (?, abs(?))" }, sent(db))
    assert.equal(1, #sent(db, function() assert.same({ "new", 3 }, { doc.state, doc.size }) end))
  end)

  it("gives after_insert what the database made", function()
    local db, Doc = open()
    local state
    mr.event.listen(Doc, "after_insert", function(_, _, doc) state = doc.state end)
    db.session:add(Doc{ body = "a" })
    db.session:flush()
    assert.equal("new", state)
  end)

  it('is true, false or "auto"', function()
    refuse("ArgumentError", { "eager_defaults", 'true, false or "auto"' }, open, "always")
  end)
end)
