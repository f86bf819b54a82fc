-- RETURNING of INSERT, UPDATE and DELETE, in a session and on a connection: rows of columns, or objects.

local mr = require "moonrow"
local items = require "spec.support.library".items
local support = require "spec.support.models"
local refuse = require "spec.support.refuse"

describe("what a statement returns", function()
  it("has the attributes' names, and a label's", function()
    local db, Item = items()
    local row = db.session:execute(
      mr.insert(Item):values{ name = "a" }:returning(Item.id, Item.name, mr.func.upper(Item.name):label "loud")):one()
    assert.same({ 1, "a", "A" }, { row.id, row.name, row.loud })
    row = db.session:execute(mr.update(Item):values{ score = 1 }:returning(Item.name)):one()
    assert.equal("a", row.name)
  end)

  it("are objects of the session where it is the class, by one statement", function()
    local db, Item = items()
    local made
    local texts = support.statements(db, function()
      made = db.session:scalars(mr.insert(Item):returning(Item), { { name = "a" }, { name = "b" } }):all()
      assert.equal(made[2], db.session:get(Item, 2))
    end)
    assert.same({ "INSERT INTO item (label, score) VALUES (?, ?), (?, ?) RETURNING id, label, score" }, texts)
    assert.same({ "a", 7, "persistent" }, { made[1].name, made[1].score, mr.inspect(made[1]).state })
    db.session:commit()
    assert.equal(2, Item.query:count())
    local one = db.session:execute(mr.insert(Item):values{ name = "c" }:returning(Item)):one()
    assert.equal("c", one[1].name)
    assert.equal(one[1], one.Item)
  end)

  it("are the loaded objects, with the new values, of an update", function()
    local db, Item = items()
    local made = db.session:scalars(mr.insert(Item):returning(Item), { { name = "a" }, { name = "b" } }):all()
    local changed = db.session:scalars(
      mr.update(Item):where(Item.id:le(mr.bindparam "most")):values{ score = Item.score + 1 }:returning(Item),
      { most = 1 }):all()
    assert.same({ 1, made[1] }, { #changed, changed[1] })
    assert.same({ 8, 7 }, { made[1].score, made[2].score })
    assert.equal(0, #db.session.dirty)
    db.session:rollback()
    assert.equal(0, Item.query:count())
  end)

  it("are deleted, or detached where a delete was the first to load them", function()
    local db, Item = items()
    db.session:execute(mr.insert(Item), { { name = "a" }, { name = "b" } })
    local a = db.session:get(Item, 1)
    local gone = db.session:scalars(mr.delete(Item):returning(Item)):all()
    assert.same({ 2, a, "b" }, { #gone, gone[1], gone[2].name })
    assert.same({ "deleted", "detached" }, { mr.inspect(gone[1]).state, mr.inspect(gone[2]).state })
    db.session:commit()
    assert.equal("b", gone[2].name)
    assert.is_nil(db.session:get(Item, 2))
  end)

  it("may come of rows unlike each other: a statement for each run of like ones, in order", function()
    local db, Item = items()
    local names = {}
    local texts = support.statements(db, function()
      local rows = db.session:execute(mr.insert(Item):returning(Item.name, Item.score),
        { { name = "a" }, { name = "b" }, { name = "c", score = 1 }, { name = "d", score = mr.null }, { name = "e" } })
      for i, row in ipairs(rows:all()) do names[i] = row.name .. tostring(row.score) end
    end)
    assert.same({ "a7", "b7", "c1", "dnil", "e7" }, names)
    assert.equal(3, #texts)
  end)

  it("may be asked for by a query, from_statement", function()
    local db, Item = items()
    local query = db.session:query(Item):from_statement(mr.insert(Item):values{ name = "a" }:returning(Item))
    local texts = support.statements(db, function() assert.equal("a", query:one().name) end)
    assert.equal(1, #texts)
    refuse("ArgumentError", { "from_statement", "returning" }, query.from_statement, query, mr.delete(Item))
    db.session:commit()
    assert.equal(1, Item.query:count())
  end)

  it("are rows of columns on a connection, which has no objects", function()
    local db, Item = items()
    local connection <close> = db.engine:connect()
    local row = connection:execute(mr.insert(Item):values{ name = "a" }:returning(Item)):one()
    assert.same({ 1, "a", 7 }, { row:unpack() })
  end)
end)
