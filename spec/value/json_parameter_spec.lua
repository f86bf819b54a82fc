-- Tables as values of named parameters of JSON and Array: in criteria, texts, statements and compiled queries.
local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function open()
  local db = mr.open "sqlite://"
  local Item = db.Model:extend("Item", {
    id = db.Column{ db.Integer, primary_key = true }, data = db.Column{ db.JSON },
    list = db.Column{ db.Array(db.Date) }, plain = db.Column{ db.JSON{ none_as_null = true } },
  })
  db:create_all()
  db.session:add_all{ Item{ id = 1, data = { n = 9, t = "b" }, list = { "2024-02-29" } },
    Item{ id = 2, data = { 1, { 2 } }, list = {} }, Item{ id = 3, data = mr.null, plain = "x" },
    Item{ id = 4, data = {} }, Item{ id = 5, data = mr.array{} }, Item{ id = 6 } }
  db.session:commit()
  return db, Item
end

local function ids(query)
  local found = {}
  for i, item in ipairs(query:all()) do found[i] = item.id end
  return found
end

describe("a table as the value of a named parameter", function()
  it("is JSON beside a column of JSON", function()
    local _, Item = open()
    local same = Item.query:filter(Item.data:eq(mr.bindparam "x")):order_by(Item.id)
    assert.same({ 1 }, ids(same:params{ x = { t = "b", n = 9 } }))
    assert.same({ 2 }, ids(same:params{ x = { 1, { 2 } } }))
    assert.same({ 4 }, ids(same:params{ x = {} }))
    assert.same({ 5 }, ids(same:params{ x = mr.array{} }))
    assert.same({ 3 }, ids(same:params{ x = mr.null }))
    assert.same({}, ids(same:params{ x = "b" }))
    local other = Item.query:filter(Item.data:ne(mr.bindparam "x")):order_by(Item.id)
    assert.same({ 1, 3, 4, 5 }, ids(other:params{ x = { 1, { 2 } } }))
    local between = Item.query:filter(Item.data:is_not_distinct_from(mr.bindparam "x"))
    assert.same({ 1 }, ids(between:params{ x = { n = 9, t = "b" } }))
  end)

  it("is a list of an Array's items, which are checked", function()
    local _, Item = open()
    local same = Item.query:filter(Item.list:eq(mr.bindparam "x"))
    assert.same({ 1 }, ids(same:params{ x = { mr.date(2024, 2, 29) } }))
    assert.same({ 1 }, ids(same:params{ x = { "2024-02-29" } }))
    assert.same({ 2 }, ids(same:params{ x = {} }))
    refuse("ArgumentError", "params: 'x'[2]: expected a date, got string \"soon\"", same.params, same,
      { x = { "2024-02-29", "soon" } })
    assert.same({}, ids(same:params{ x = mr.null }))
  end)

  it("is JSON where the parameter says so, whatever stands beside it", function()
    local db, Item = open()
    local text = mr.text("SELECT id FROM item WHERE data = :x"):bindparams(mr.bindparam("x", mr.JSON))
    assert.equal(1, db.session:execute(text, { x = { n = 9, t = "b" } }):scalar())
    assert.equal(2, db.session:scalar(text, { x = { 1, { 2 } } }))
    assert.equal(1, db.session:scalar(text:bindparams{ x = { n = 9, t = "b" } }))
    local by_name = mr.bindparam("x", { type = mr.JSON })
    assert.same({ 2 }, ids(Item.query:filter(mr.text "data = :x":bindparams(by_name)):params{ x = { 1, { 2 } } }))
    assert.same({ 1, "[1.5]" }, { db.session:query(mr.literal(1), by_name:cast(mr.Text)):params{ x = { 1.5 } }
      :one():unpack() })
    local defaulted = mr.bindparam("x", { type = mr.JSON, value = { 1, { 2 } } })
    assert.same({ 2 }, ids(Item.query:filter(Item.data:eq(defaulted))))
  end)

  it("is written by statements", function()
    local db, Item = open()
    local change = mr.update(Item):where(Item.id:eq(mr.bindparam "key")):values{ data = mr.bindparam "x" }
    db.session:execute(change, { key = 1, x = { deep = { 1, 2 } } })
    assert.equal(2, db.session:get(Item, 1).data.deep[2])
    db.session:execute(mr.insert(Item):values{ id = 9, data = mr.bindparam "x" }, { x = { 7 } })
    assert.equal(7, db.session:get(Item, 9).data[1])
    local put = mr.text("INSERT INTO item (id, data) VALUES (:id, :x)"):bindparams(mr.bindparam("x", mr.JSON))
    db.session:execute(put, { { id = 10, x = { a = 1 } }, { id = 11, x = { 2 } }, { id = 12, x = mr.null } })
    assert.same({ '{"a":1}', "[2]", "null" }, db.session:scalars(mr.text "SELECT data FROM item WHERE id >= 10"):all())
    local gone = mr.delete(Item):where(Item.data:eq(mr.bindparam "x"))
    local held = { db.session:get(Item, 10), db.session:get(Item, 11) }
    assert.equal(1, db.session:execute(gone, { x = { a = 1 } }).rowcount)
    assert.equal("deleted", mr.inspect(held[1]).state)
    assert.equal("persistent", mr.inspect(held[2]).state)
    db.session:commit()
  end)

  it("is an item of a list behind in_, and of an expanding parameter of JSON", function()
    local db, Item = open()
    local among = Item.query:filter(Item.data:in_(mr.bindparam "x")):order_by(Item.id)
    assert.same({ 1, 2, 3 }, ids(among:params{ x = { { n = 9, t = "b" }, { 1, { 2 } }, mr.null } }))
    assert.same({}, ids(among:params{ x = {} }))
    assert.same({ 4, 5 }, ids(among:params{ x = { {}, mr.array{} } }))
    local text = mr.text("SELECT count(*) FROM item WHERE data IN :x")
      :bindparams(mr.bindparam("x", { type = mr.JSON, expanding = true }))
    assert.equal(2, db.session:scalar(text, { x = { { 1, { 2 } }, {} } }))
    refuse("ArgumentError", "params: 'x'.use: JSON cannot hold a function", among.params, among,
      { x = { { use = print } } })
  end)

  it("is a value of a compiled query", function()
    local _, Item = open()
    local find = Item.query:filter(Item.data:eq(mr.bindparam "x")):compiled()
    for _ = 1, 3 do
      assert.equal(1, find:one{ x = { n = 9, t = "b" } }.id)
      assert.equal(2, find:first{ x = { 1, { 2 } } }.id)
      assert.equal(3, find:all{ x = mr.null }[1].id)
      assert.equal(5, find:one{ x = mr.array{} }.id)
    end
    local among = Item.query:filter(Item.data:in_(mr.bindparam "x")):compiled()
    refuse("ArgumentError", "'x' is a list, whose length is part of the SQL", among.all, among, { x = { { 1 } } })
  end)

  it("keeps its value inside of unions, subqueries and CTEs, each its own", function()
    local db, Item = open()
    local same = Item.query:filter(Item.data:eq(mr.bindparam "x"))
    local one, two = same:params{ x = { n = 9, t = "b" } }, same:params{ x = { 1, { 2 } } }
    assert.same({ 1, 2 }, ids(one:union(two):order_by(Item.id)))
    assert.equal(2, db.session:query(two:subquery()):first()[1])
    assert.equal(1, db.session:query(one:cte "c"):first()[1])
    assert.truthy(one:sql{ literals = true }:find([['{"n":9,"t":"b"}']], 1, true))
  end)

  it("is read when it is given: what is changed later is no part of it", function()
    local _, Item = open()
    local given = { 1, { 2 } }
    local query = Item.query:filter(Item.data:eq(mr.bindparam "x")):params{ x = given }
    given[2][1] = 3
    collectgarbage()
    assert.same({ 2 }, ids(query))
  end)

  it("is refused where the parameter is of another type, or of none", function()
    local db, Item = open()
    local by_id = Item.query:filter(Item.id:eq(mr.bindparam("x", mr.Integer)))
    refuse("ArgumentError", { "params: 'x': expected an integer, got ", "a list goes into in_" },
      by_id.params, by_id, { x = { 1 } })
    local cure = "JSON goes into a parameter of that type: mr.bindparam(name, mr.JSON)"
    local text = mr.text "SELECT count(*) FROM item WHERE data = :x"
    refuse("ArgumentError", { "parameter 'x': expected a value, got a table", cure }, db.session.execute, db.session,
      text, { x = { n = 9 } })
    refuse("ArgumentError", { "bindparams: 'x'", "a list goes into in_", cure }, text.bindparams, text, { x = { 1 } })
    local same = Item.query:filter(Item.data:eq(mr.bindparam "x"))
    refuse("ArgumentError", { "params: 'x'.a[2]: JSON cannot hold a function" }, same.params, same,
      { x = { a = { 1, print } } })
    local typed = text:bindparams(mr.bindparam("x", mr.JSON))
    refuse("ArgumentError", { "parameter 'x'.a: JSON cannot hold" }, db.session.execute, db.session, typed,
      { x = { a = print } })
  end)
end)
