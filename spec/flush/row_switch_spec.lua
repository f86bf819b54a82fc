-- One flush deletes an object and inserts a new one with the same key: this is an UPDATE of the row.

local mr = require "moonrow"
local support = require "spec.support.models"

local db

local function sent() return support.statements(db, function() db.session:flush() end) end

describe("a row that changes its object", function()
  local Doc, calls

  before_each(function()
    db, calls = mr.open "sqlite://", 0
    Doc = db.Model:extend("Doc", {
      id      = db.Column{ db.Integer, primary_key = true },
      body    = db.Column{ db.String(20) },
      kind    = db.Column{ db.String(20), default = "plain" },
      state   = db.Column{ db.String(20), server_default = "new" },
      size    = db.Column{ db.Integer, default = mr.func.abs(-3) },
      changes = db.Column{ db.Integer, onupdate = function() calls = calls + 1 return calls end },
    })
    db:create_all()
    db.session:add(Doc{ id = 1, body = "a", kind = "own", state = "old", size = 9 })
    db.session:commit()
    db.session:delete(db.session:get(Doc, 1))
  end)

  it("is given what the new one was given; the rest it keeps; defaults are of an INSERT", function()
    local doc = Doc{ id = 1, body = "b" }
    db.session:add(doc)
    assert.same({ "UPDATE doc SET body=?, changes=? WHERE doc.id = ?" }, sent())
    assert.equal(doc, db.session:get(Doc, 1))
    assert.same({ "b", "own", "old", 9, 1 }, { doc.body, doc.kind, doc.state, doc.size, doc.changes })
  end)

  it("is not written where the new one was given nothing", function()
    local doc = Doc{ id = 1 }
    db.session:add(doc)
    assert.is_nil(doc.body)
    assert.same({}, sent())
    assert.same({ "a", "own", "old", 9, nil }, { doc.body, doc.kind, doc.state, doc.size, doc.changes })
    db.session:rollback()
    assert.equal("transient", mr.inspect(doc).state)
    assert.equal("own", db.session:get(Doc, 1).kind)
  end)

  it("is given nil, and an expression", function()
    local doc = Doc{ id = 1, body = mr.func.upper "x" }
    assert.equal(nil, doc.kind)
    doc.kind = nil
    db.session:add(doc)
    assert.same({ "UPDATE doc SET body=upper(?), kind=?, changes=? WHERE doc.id = ?" }, sent())
    assert.same({ "X", nil, 9 }, { doc.body, doc.kind, doc.size })
  end)
end)

describe("a row that changes its object, and its many-to-one", function()
  local A, B, C, a

  before_each(function()
    db = mr.open "sqlite://"
    A = db.Model:extend("A", {
      id = db.Column{ db.Integer, primary_key = true },
      bs = db.relationship{ "B", cascade = "all, delete-orphan" },
    })
    B = db.Model:extend("B", {
      id = db.Column{ db.Integer, primary_key = true },
      a_id = db.Column{ db.Integer, db.ForeignKey "a.id" },
      c_id = db.Column{ db.Integer, db.ForeignKey "c.id" },
      link = db.relationship{ "C" },
    })
    C = db.Model:extend("C", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    db.session:add(A{ id = 1, bs = { B{ id = 1, link = C{ id = 1 } } } })
    db.session:commit()
    a = A.query:one()
  end)

  it("keeps it where the new object says nothing of it", function()
    a.bs = { B{ id = 1 } }
    assert.same({ "UPDATE b SET a_id=? WHERE b.id = ?" }, { sent()[1] })
    assert.equal(1, a.bs[1].link.id)
  end)

  it("loses it where the new object has nil", function()
    a.bs = { B{ id = 1, link = mr.null } }
    assert.same({ "UPDATE b SET a_id=?, c_id=? WHERE b.id = ?" }, { sent()[1] })
    db.session:commit()
    assert.is_nil(a.bs[1].link)
    assert.equal(1, C.query:count())
  end)

  it("has the foreign key that was set by hand", function()
    db.session:add(C{ id = 2 })
    db.session:flush()
    local b = B{ id = 1, c_id = 2 }
    a.bs = { b }
    db.session:commit()
    assert.equal(2, b.link.id)
  end)
end)
