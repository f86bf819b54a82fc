-- JSON and arrays with the other parts of a mapping: mixins, deferred and computed columns, versions, listeners,
-- relationships, composite keys, named parameters. Restates behaviour that SQLAlchemy proves in
-- test/ext/test_mutable.py (with mixins and deferred loading) and test/orm/test_versioning.py.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, session

before_each(function()
  db = mr.open "sqlite://"
  session = db.session
end)

local function key() return db.Column{ db.Integer, primary_key = true } end

-- Stores the object, and empties the session.
local function stored(object)
  session:add(object)
  session:commit()
  session:expunge_all()
end

-- The statements that fn sends, without their parameters.
local function sent(fn)
  local list = {}
  for i, r in ipairs(db:record(fn)) do list[i] = r.statement:match "^%w+ ?%w* ?%w*" end
  return list
end

describe("A JSON column", function()
  it("of a mixin, and of each class that has it", function()
    local Tagged = { tags = db.Column{ mr.Array(mr.String(10)), default = {} } }
    local User = db.Model:extend("User", { Tagged, id = key() })
    local Post = db.Model:extend("Post", { Tagged, id = key(), data = db.Column{ mr.JSON } })
    db:create_all()
    session:add_all{ User{ tags = { "a" } }, Post{ data = { x = 1 } } }
    session:commit()
    User.query:one().tags[2] = "b"
    Post.query:one().tags[1] = "c"
    session:commit()
    session:expunge_all()
    assert.same({ { "a", "b" }, { "c" } }, { User.query:one().tags, Post.query:one().tags })
    refuse("DataError", "Post.tags[1]", function() Post{ tags = { ("x"):rep(11) } } end)
  end)

  -- A class Unit, and Tank, which inherits from it: in the same table, or joined to it.
  local function units(joined)
    local Unit = db.Model:extend("Unit", {
      id = key(), kind = db.Column{ db.String(10) }, base = db.Column{ mr.JSON },
      __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "unit" },
    })
    local body = { gun = db.Column{ mr.JSON }, __mapper_args = { polymorphic_identity = "tank" } }
    if joined then
      body.__tablename, body.id = "tank", db.Column{ db.Integer, db.ForeignKey "unit.id", primary_key = true }
    end
    local Tank = Unit:extend("Tank", body)
    db:create_all()
    stored(Tank{ base = { x = 1 }, gun = { shells = { 1, 2 } } })
    return Unit, Tank
  end

  it("of a base and of a class that inherits, in one table", function()
    local Unit, Tank = units(false)
    local tank = Unit.query:one()
    tank.gun.shells[3] = 3
    tank.base.x = 2
    assert.same({ "UPDATE unit SET" }, sent(function() session:flush() end))
    session:commit()
    session:expunge_all()
    tank = Tank.query:one()
    assert.same({ shells = { 1, 2, 3 } }, tank.gun)
    assert.same({ x = 2 }, tank.base)
    refuse("ArgumentError", "Tank.gun.x: JSON cannot hold", function() tank.gun = { x = print } end)
  end)

  it("of a base and of a class that inherits, in two tables", function()
    local Unit = units(true)
    local tank = session:get(Unit, 1)
    tank.gun.shells[3] = 3
    assert.same({ "UPDATE tank SET" }, sent(function() session:flush() end))
    tank.base.y = 2
    tank.gun.more = 3
    assert.same({ "UPDATE tank SET", "UPDATE unit SET" }, (function()
      local list = sent(function() session:flush() end)
      table.sort(list)
      return list
    end)())
    session:expunge_all()
    assert.same({ x = 1, y = 2 }, Unit.query:one().base)
  end)

  it("that is deferred is read when it is asked for, and found changed", function()
    local Doc = db.Model:extend("Doc",
      { id = key(), n = db.Column{ db.Integer }, data = db.Column{ mr.JSON, deferred = true } })
    db:create_all()
    stored(Doc{ data = { a = 1 } })
    local doc = Doc.query:one()
    doc.n = 1
    assert.same({ "UPDATE doc SET" }, sent(function() session:flush() end))
    assert.same({ "SELECT doc" }, sent(function() doc.data.a = 2 end))
    session:commit()
    assert.equal([[{"a":2}]], session:scalar(mr.text "SELECT data FROM doc"))
  end)

  it("under a synonym is the same table", function()
    local Doc = db.Model:extend("Doc", { id = key(), data = db.Column{ mr.JSON }, content = mr.synonym "data" })
    db:create_all()
    local doc = Doc{ content = { a = 1 } }
    assert.equal(doc.data, doc.content)
    stored(doc)
    doc = Doc.query:one()
    assert.equal(doc.data, doc.content)
    doc.content.a = 2
    session:commit()
    assert.equal([[{"a":2}]], session:scalar(mr.text "SELECT data FROM doc"))
    assert.equal(1, Doc.query:filter(Doc.content:eq{ a = 2 }):count())
    refuse("ArgumentError", "Doc.data.a: JSON cannot hold", function() doc.content = { a = print } end)
  end)

  it("as the type of a column_property is read, and refuses edits", function()
    local Doc = db.Model:extend("Doc", { id = key(), n = db.Column{ db.Integer } })
    Doc.made = mr.column_property(mr.cast(mr.func.json_object("n", Doc.n), mr.JSON))
    db:create_all()
    stored(Doc{ n = 5 })
    local doc = Doc.query:one()
    assert.same({ n = 5 }, doc.made)
    assert.equal(doc.made, doc.made)
    doc.made.n = 6
    refuse("DataError", "Doc.made is computed by the database", function() session:flush() end)
    session:rollback()
    assert.same({ n = 5 }, doc.made)
  end)

  it("under another name in the database", function()
    local Doc = db.Model:extend("Doc", { id = key(), data = db.Column{ "json_text", mr.JSON } })
    db:create_all()
    stored(Doc{ data = { a = 1 } })
    Doc.query:one().data.a = 2
    assert.same({ "UPDATE doc SET" }, sent(function() session:flush() end))
    refuse("ArgumentError", "Doc.data.b", function() Doc.query:one().data = { b = print } end)
  end)

  it("that is computed gives the same table each time, and refuses edits", function()
    local Doc = db.Model:extend("Doc", {
      id = key(), n = db.Column{ db.Integer }, made = db.Column{ mr.JSON, mr.Computed "json_object('n', n)" },
    })
    db:create_all()
    stored(Doc{ n = 5 })
    local doc = Doc.query:one()
    assert.same({ n = 5 }, doc.made)
    assert.equal(doc.made, doc.made)
    assert.same({}, sent(function() session:flush() end))
    doc.made.n = 6
    refuse("DataError", { "Doc.made is computed by the database", "refresh()" }, function() session:flush() end)
    session:rollback()
    doc.n = 6
    session:commit()
    assert.same({ n = 6 }, doc.made)
  end)

  it("raises the version of its row when its table was edited", function()
    local Doc = db.Model:extend("Doc", {
      id = key(), version = db.Column{ db.Integer, nullable = false }, data = db.Column{ mr.JSON },
      __mapper_args = { version_id_col = "version" },
    })
    db:create_all()
    stored(Doc{ data = { a = 1 } })
    local doc = Doc.query:one()
    local _ = doc.data
    session:commit()
    assert.equal(1, doc.version)
    doc.data.a = 2
    session:commit()
    assert.equal(2, doc.version)
    local other = mr.Session{ bind = db.engine }
    local there = other:get(Doc, 1)
    there.data.a = 3
    session:execute(mr.text "UPDATE doc SET version = 7")
    session:commit()
    refuse("StaleDataError", "doc", function() other:commit() end)
    other:close()
  end)

  it("is edited by listeners of its row", function()
    local Doc = db.Model:extend("Doc", {
      id = key(),
      n = db.Column{ db.Integer },
      data = db.Column{ mr.JSON },
      log = db.Column{ mr.JSON, default = { first = true } },
    })
    db:create_all()
    mr.event.listen(Doc, "before_insert", function(_, _, doc) doc.data.inserted = true end)
    mr.event.listen(Doc, "after_insert", function(_, _, doc) doc.log.seen = 1 end)
    mr.event.listen(Doc, "before_update", function(_, _, doc) doc.data.updated = doc.n or mr.null end)
    session:add(Doc{ data = { a = 1 } })
    session:flush()
    session:flush()
    local row = session:execute(mr.text "SELECT data, log FROM doc"):first()
    assert.same({ [[{"a":1,"inserted":true,"updated":null}]], [[{"first":true,"seen":1}]] }, { row.data, row.log })
    local doc = Doc.query:one()
    doc.n = 5
    session:commit()
    assert.equal([[{"a":1,"inserted":true,"updated":5}]], session:scalar(mr.text "SELECT data FROM doc"))
    assert.same({ a = 1, inserted = true, updated = 5 }, doc.data)
  end)

  it("of an object that is reached by a relationship, and held by nothing else", function()
    local Parent = db.Model:extend("Parent",
      { id = key(), children = db.relationship("Child", { backref = "parent" }) })
    local Child = db.Model:extend("Child", {
      id = key(), data = db.Column{ mr.JSON }, parent_id = db.Column{ db.Integer, db.ForeignKey "parent.id" },
    })
    db:create_all()
    stored(Parent{ children = { Child{ data = { 1 } }, Child{ data = { 2 } } } })
    local parent = Parent.query:one()
    parent.children[1].data[2] = "x"
    parent.children[2].data[2] = "y"
    collectgarbage()
    collectgarbage()
    session:commit()
    assert.same({ { 1, "x" }, { 2, "y" } }, { parent.children[1].data, parent.children[2].data })
    local new = Parent{ children = { Child{ data = { list = mr.array() } } } }
    new.children[1].data.list[1] = "z"
    collectgarbage()
    session:add(new)
    session:commit()
    assert.same({ list = { "z" } }, new.children[1].data)
  end)

  it("of a table whose key has several columns, and that is not in the key", function()
    local Cell = db.Model:extend("Cell", {
      x = db.Column{ db.Integer, primary_key = true }, y = db.Column{ db.String(3), primary_key = true },
      data = db.Column{ mr.JSON }, list = db.Column{ mr.Array(mr.Integer) },
    })
    db:create_all()
    for x = 1, 3 do session:add(Cell{ x = x, y = "a", data = { x = x }, list = { x } }) end
    session:commit()
    session:no_autoflush(function()
      for x = 1, 3 do
        local cell = session:get(Cell, { x, "a" })
        cell.data.x = x * 10
        cell.list[2] = x
      end
    end)
    local records = db:record(function() session:commit() end)
    assert.equal(1, #records)
    assert.equal(3, #records[1].parameters)
    session:expunge_all()
    assert.same({ 20, { 2, 2 } }, { session:get(Cell, { 2, "a" }).data.x, session:get(Cell, { 2, "a" }).list })
  end)
end)

describe("A table that was read and is kept in a variable", function()
  local Doc

  before_each(function()
    Doc = db.Model:extend("Doc", {
      id = key(), n = db.Column{ db.Integer }, data = db.Column{ mr.JSON }, days = db.Column{ mr.Array(mr.Date) },
    })
    db:create_all()
    stored(Doc{ id = 1, data = { a = 1 }, days = { "2024-05-01" } })
  end)

  local function text() return session:scalar(mr.text "SELECT data FROM doc") end

  -- Another program writes the row.
  local function elsewhere(sql)
    session:execute(mr.text(sql))
    session:commit()
  end

  it("stays the object's over a commit, when the row says the same", function()
    local doc = session:get(Doc, 1)
    local data, days = doc.data, doc.days
    data.a = 2
    session:commit()
    assert.equal(data, doc.data)
    assert.equal(days, doc.days)
    data.a = 3
    days[2] = mr.date(2024, 5, 2)
    session:commit()
    assert.equal([[{"a":3}]], text())
    elsewhere "UPDATE doc SET n = 1, data = '{ \"a\": 3.0 }'"
    elsewhere "UPDATE doc SET data = '{ \"a\": 3 }'" -- another spelling
    assert.equal(data, doc.data)
    assert.same({}, sent(function() session:flush() end))
  end)

  it("is changed after a commit, before the object is read again: the flush finds it", function()
    local doc = session:get(Doc, 1)
    local data, days = doc.data, doc.days
    session:commit()
    for i = 2, 4 do
      data.a = i
      days[i] = mr.date(2024, 5, i)
      session:commit()
      assert.equal(('{"a":%d}'):format(i), text())
    end
    session:expunge_all()
    assert.equal(4, #session:get(Doc, 1).days)
  end)

  it("is changed after a commit, and the object read before the flush", function()
    local doc = session:get(Doc, 1)
    local data = doc.data
    session:commit()
    data.a = 2
    assert.equal(data, doc.data)
    assert.equal(2, doc.data.a)
    session:commit()
    assert.equal([[{"a":2}]], text())
    data = doc.data
    doc = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    data.a = 3
    session:commit()
    assert.equal([[{"a":3}]], text())
  end)

  it("costs a statement only where it was changed", function()
    local data = session:get(Doc, 1).data
    session:commit()
    assert.same({}, sent(function() session:commit() end))
    data.a = 2
    assert.same({ "SELECT doc", "UPDATE doc SET" }, sent(function() session:commit() end))
  end)

  it("is another one when the row says something else", function()
    local doc = session:get(Doc, 1)
    local data = doc.data
    session:commit()
    elsewhere "UPDATE doc SET data = '{\"a\":7}'"
    assert.same({ a = 7 }, doc.data)
    assert.not_equal(data, doc.data)
    data.a = 8
    session:commit()
    assert.equal([[{"a":7}]], text())
  end)

  it("is refused when both the row and the table have changed", function()
    local doc = session:get(Doc, 1)
    local data = doc.data
    session:commit()
    elsewhere "UPDATE doc SET data = '{\"a\":7}'"
    data.a = 8
    refuse("StaleDataError", "Doc.data: its table was changed after it had expired", function() session:flush() end)
    assert.same({ a = 7 }, doc.data)
    session:commit()
    assert.equal([[{"a":7}]], text())
  end)

  it("is forgotten by a rollback, a refresh and an expire", function()
    for _, forget in ipairs{ function() session:rollback() end, function(doc) session:refresh(doc) end,
                             function(doc) session:expire(doc) end, function(doc) session:expire(doc, { "data" }) end,
                             function() session:expire_all() end } do
      session:rollback()
      local doc = session:get(Doc, 1)
      local data = doc.data
      session:commit()
      data.a = 5
      session:no_autoflush(function() forget(doc) end)
      data.a = 6
      assert.same({}, sent(function() session:flush() end))
      assert.same({ a = 1 }, doc.data)
    end
  end)

  it("is forgotten when its object has been deleted", function()
    local doc = session:get(Doc, 1)
    local data = doc.data
    session:commit()
    session:delete(doc)
    session:commit()
    data.a = 2
    assert.same({}, sent(function() session:flush() end))
  end)
end)

describe("A parameter with a name", function()
  local Doc

  before_each(function()
    Doc = db.Model:extend("Doc", { id = key(), data = db.Column{ mr.JSON } })
    db:create_all()
    for i, value in ipairs{ "x", 5, 1.5, true, mr.array() } do session:add(Doc{ id = i, data = value }) end
    session:commit()
  end)

  it("that is compared with a JSON column is sent as JSON", function()
    local untyped = Doc.query:filter(Doc.data:eq(mr.bindparam "d"))
    local typed = Doc.query:filter(Doc.data:eq(mr.bindparam("d", mr.JSON)))
    for i, value in ipairs{ "x", 5, 1.5, true } do
      assert.equal(i, untyped:params{ d = value }:one().id)
      assert.equal(i, typed:params{ d = value }:one().id)
      assert.equal(i, untyped:compiled():first{ d = value }.id)
    end
    refuse("ArgumentError", "UTF-8", function() typed:params{ d = "\xff" }:all() end)
    refuse("ArgumentError", "NaN", function() typed:params{ d = 0 / 0 }:all() end)
    assert.equal(5, typed:params{ d = mr.array() }:one().id)
  end)

  it("is not needed for a table: an expression has it", function()
    assert.equal(5, Doc.query:filter(Doc.data:eq(mr.literal(mr.array(), mr.JSON))):one().id)
    assert.same({ a = 1 }, session:scalar(mr.select(mr.cast({ a = 1 }, mr.JSON))))
    refuse("ArgumentError", "table", function() return mr.cast({ a = 1 }, mr.Text) end)
  end)
end)

describe("What is inside a JSON column", function()
  it("is no attribute of the column: the error says how it is asked for", function()
    local Doc = db.Model:extend("Doc", { id = key(), data = db.Column{ mr.JSON }, n = db.Column{ db.Integer } })
    refuse("ArgumentError", [[Doc.data:at("settings")]], function() return Doc.data.settings end)
    refuse("ArgumentError", "Doc.data:at(1)", function() return Doc.data[1] end)
    local e = refuse("ArgumentError", "did you mean 'eq'", function() return Doc.data.eqq end)
    assert.is_nil(e.message:find(":at(", 1, true))
    e = refuse("ArgumentError", "cannot be indexed", function() return Doc.n[1] end)
    assert.is_nil(e.message:find(":at(", 1, true))
  end)

  it("is asked for by at", function()
    local Doc = db.Model:extend("Doc", {
      id = key(), data = db.Column{ mr.JSON }, list = db.Column{ mr.Array(mr.Integer) },
    })
    db:create_all()
    stored(Doc{ data = { tags = { "a", "b" }, n = 5, bag = { x = 1 } }, list = { 7, 8 } })
    local query = Doc.query:filter(Doc.data:at("tags", 2):eq "b", Doc.data:at("n"):gt(4), Doc.list:at(1):eq(7))
    assert.equal(1, query:count())
    assert.same({ x = 1 }, session:scalar(mr.select(Doc.data:at("bag"):as_json())))
  end)
end)
