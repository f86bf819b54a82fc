-- Edits inside the tables of JSON columns: a flush finds them. Restates behaviour that SQLAlchemy proves in
-- test/ext/test_mutable.py (in place changes of dicts and lists, their rollback, expiry, refresh, merge, pickling's
-- counterpart here: objects without a session).

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, session, Doc

before_each(function()
  db = mr.open "sqlite://"
  session = db.session
  Doc = db.Model:extend("Doc", {
    id = db.Column{ db.Integer, primary_key = true },
    data = db.Column{ mr.JSON }, more = db.Column{ mr.JSON }, n = db.Column{ db.Integer, default = 0 },
    parent_id = db.Column{ db.Integer, db.ForeignKey "doc.id" },
    children = db.relationship("Doc", { remote_side = "Doc.parent_id", cascade = "all" }),
  })
  db:create_all()
end)

-- A stored object with the value.
local function stored(value, fields)
  local values = { data = value }
  for name, v in pairs(fields or {}) do values[name] = v end
  local d = Doc(values)
  session:add(d)
  session:commit()
  return d
end

-- The text in the row.
local function text(id)
  return session:scalar(mr.text "SELECT data FROM doc WHERE id = :id", { id = id or 1 })
end

-- The statements of a flush.
local function flushed()
  local list = {}
  for i, r in ipairs(db:record(function() session:flush() end)) do list[i] = r.statement end
  return list
end

local UPDATE = { "UPDATE doc SET data=? WHERE doc.id = ?" }

local function collect()
  for _ = 1, 3 do collectgarbage() end
end

describe("A table that an object shows", function()
  it("is the same each time, and the one that was assigned", function()
    local given = { a = { 1 } }
    local d = Doc{ data = given }
    assert.equal(given, d.data)
    local other = { 1, 2 }
    d.data = other
    assert.equal(other, d.data)
    session:add(d)
    session:flush()
    assert.equal(other, d.data)
    session:commit()
    local read = d.data
    assert.same({ 1, 2 }, read)
    assert.equal(read, d.data)
    session:flush()
    assert.equal(read, d.data)
    assert.equal(read, Doc.query:first().data)
  end)

  it("is found changed by a flush, however deep the change is", function()
    local d = stored{ a = { { b = 1 } }, list = mr.array() }
    d.data.a[1].b = 2
    assert.same(UPDATE, flushed())
    d.data.list[1] = "x"
    assert.same(UPDATE, flushed())
    d.data.a = nil
    assert.same(UPDATE, flushed())
    d.data.a = { new = true }
    assert.same(UPDATE, flushed())
    d.data.a.new = 1.0
    assert.same(UPDATE, flushed())
    d.data.a.new = 1
    assert.same(UPDATE, flushed())
    assert.equal([[{"a":{"new":1},"list":["x"]}]], text())
    table.insert(d.data.list, 1, mr.null)
    session:commit()
    assert.equal([[{"a":{"new":1},"list":[null,"x"]}]], text())
  end)

  it("is not changed by being read, whatever its text looks like", function()
    stored{}
    session:execute(mr.text([==[UPDATE doc SET data = '{ "z": [1, 2.50], "a": 1e2, "z": [1, 2.5] }']==]))
    session:commit()
    local d = session:get(Doc, 1)
    assert.same({ z = { 1, 2.5 }, a = 100.0 }, d.data)
    assert.same({}, flushed())
    d.data = { a = 100.0, z = { 1, 2.5 } } -- equal to what is there
    assert.same({}, flushed())
    d.data.z = { 1, 2.5 }
    assert.same({}, flushed())
    assert.same({}, session.dirty)
    d.data.a = 100
    assert.same(UPDATE, flushed())
  end)

  it("is not changed by a change that was taken back", function()
    local d = stored{ a = 1 }
    d.data.a = 2
    assert.is_true(session:is_modified(d))
    d.data.a = 1
    assert.is_false(session:is_modified(d))
    assert.same({}, flushed())
  end)

  it("costs no statement, and no UPDATE of what nobody has read", function()
    stored({ a = 1 }, { more = { b = 1 } })
    session:expunge_all()
    local d = session:get(Doc, 1)
    d.n = 5
    assert.same({ "UPDATE doc SET n=? WHERE doc.id = ?" }, flushed())
    d.more.b = 2
    assert.same({ "UPDATE doc SET more=? WHERE doc.id = ?" }, flushed())
  end)
end)

describe("The session", function()
  it("knows of the edit: dirty, is_modified, modified, history", function()
    local d = stored{ a = { 1 } }
    assert.same({}, { table.unpack(session.dirty) })
    d.data.a[2] = 2
    assert.same({ d }, { table.unpack(session.dirty) })
    assert.is_true(session:is_modified(d))
    assert.is_true(mr.inspect(d).modified)
    local history = mr.inspect(d):history "data"
    assert.same({ a = { 1, 2 } }, history.added[1])
    assert.same({ a = { 1 } }, history.deleted[1])
    session:flush()
    assert.same({ a = { 1, 2 } }, mr.inspect(d):history "data".unchanged[1])
    d.data.a[3] = 3
    assert.same({ a = { 1, 2 } }, mr.inspect(d):history "data".deleted[1])
  end)

  it("flushes the edit before a query", function()
    local d = stored{ a = 1 }
    d.data.a = 2
    assert.equal(d, Doc.query:filter(Doc.data:eq{ a = 2 }):one())
    d.data.a = 3
    assert.equal(1, session:scalar(mr.select(mr.func.count()):where(Doc.data:eq{ a = 3 })))
    d.data.a = 4
    assert.is_nil(session:get(Doc, 99))
    assert.equal([[{"a":4}]], session:no_autoflush(function() return text() end))
  end)

  it("does not lose the edit to a query without autoflush", function()
    local d = stored{ a = 1 }
    d.data.a = 2
    session:no_autoflush(function() Doc.query:all() end)
    Doc.query:autoflush(false):all()
    assert.equal(2, d.data.a)
    session:commit()
    assert.equal([[{"a":2}]], text())
  end)

  it("takes the edit back in a rollback", function()
    local d = stored{ a = 1 }
    local old = d.data
    old.a = 2
    session:rollback()
    assert.same({ a = 1 }, d.data)
    old.a = 3
    session:commit()
    assert.equal([[{"a":1}]], text())
    d.data.a = 2
    session:flush()
    d.data.a = 3
    session:rollback()
    assert.same({ a = 1 }, d.data)
    assert.same({}, flushed())
  end)

  it("takes the edit back in the rollback of a savepoint", function()
    local d = stored{ a = 1 }
    d.data.a = 2
    local nested = session:begin_nested()
    d.data.a = 3
    session:flush()
    nested:rollback()
    assert.same({ a = 2 }, d.data)
    session:commit()
    assert.equal([[{"a":2}]], text())
  end)

  it("takes an edit back in the rollback of a savepoint that has not flushed it", function()
    local d, other = stored{ a = 1 }, stored{ b = 1 }
    local kept = d.data
    local nested = session:begin_nested()
    d.data.a = 3
    nested:rollback()
    assert.same({ a = 1 }, d.data)
    assert.same({ b = 1 }, other.data)
    assert.is_false(session:is_modified(d))
    kept.a = 4
    pcall(session.begin_nested, session, function()
      d.data.a = 5
      session:begin_nested(function() other.data.b = { 2 } end)
      other.data.b[2] = 3
      error "the block fails"
    end)
    assert.same({ { a = 1 }, { b = 1 } }, { d.data, other.data })
    nested = session:begin_nested()
    d.data.a = print
    other.data.b = 9
    nested:rollback()
    assert.same({ { a = 1 }, { b = 1 } }, { d.data, other.data })
    d.data.a = 6
    session:commit()
    assert.same({ { a = 6 }, { b = 1 } }, { d.data, other.data })
  end)

  it("finds an edit in each of several columns, in whatever order they were read", function()
    local own = mr.open "sqlite://"
    local Sheet = own.Model:extend("Sheet", {
      id = own.Column{ own.Integer, primary_key = true }, j = own.Column{ own.JSON },
      l = own.Column{ own.Array(own.Integer) }, m = own.Column{ own.JSON },
    })
    own:create_all()
    local s = own.session
    for n, names in ipairs{ { "j", "l" }, { "l", "j" }, { "m", "l", "j" }, { "j", "m", "l" }, { "l", "m", "j" } } do
      for _, edited in ipairs(names) do
        local sheet = Sheet{ j = { 0 }, l = { 0 }, m = { 0 } }
        s:add(sheet)
        s:commit()
        for _, name in ipairs(names) do assert.equal(0, sheet[name][1]) end
        sheet.j[2] = 1
        s:flush()
        s:refresh(sheet)
        for _, name in ipairs(names) do assert.equal(0, sheet[name][1]) end
        sheet[edited][1] = n
        s:flush()
        s:expire_all()
        assert.equal(n, sheet[edited][1], table.concat(names, " ") .. ": " .. edited)
      end
    end
  end)

  it("drops the edit in refresh and expire", function()
    local d = stored{ a = 1 }
    session.autoflush = false
    d.data.a = 2
    session:refresh(d)
    assert.same({ a = 1 }, d.data)
    d.data.a = 2
    session:expire(d)
    assert.same({ a = 1 }, d.data)
    d.data.a = 2
    session:expire(d, { "data" })
    assert.same({ a = 1 }, d.data)
    d.data.a = 2
    session:expire_all()
    assert.same({ a = 1 }, d.data)
    assert.same({}, flushed())
  end)

  it("merges the edit of an object of any session", function()
    local d = stored{ a = 1 }
    local _ = d.data
    session:expunge(d)
    d.data.a = 2 -- detached
    local merged = session:merge(d)
    assert.same({ a = 2 }, merged.data)
    assert.not_equal(d.data, merged.data)
    session:commit()
    assert.equal([[{"a":2}]], text())
    local new = Doc{ id = 7, data = { x = 1 } }
    new.data.x = 2 -- transient
    session:merge(new)
    session:commit()
    assert.equal([[{"x":2}]], text(7))
    local other = mr.Session{ bind = db.engine }
    local there = other:get(Doc, 1)
    there.data.a = 3
    session:merge(there)
    session:commit()
    assert.equal([[{"a":3}]], text())
    other:close()
  end)

  it("leaves the edits of another session alone", function()
    stored{ a = 1 }
    local other = mr.Session{ bind = db.engine, autoflush = false }
    local there = other:get(Doc, 1)
    there.data.a = 2
    assert.same({}, flushed())
    assert.same({ there }, { table.unpack(other.dirty) })
    assert.same({}, { table.unpack(session.dirty) })
    other:rollback()
    other:close()
  end)

  it("writes the edits of a pending object, and of one that comes by a cascade", function()
    local d = Doc{ data = { a = 1 } }
    d.data.a = 2
    session:add(d)
    d.data.b = 3
    local child = Doc{ data = { list = mr.array() } }
    child.data.list[1] = 1
    d.children:append(child)
    child.data.list[2] = 2
    session:flush()
    assert.equal([[{"a":2,"b":3}]], text(d.id))
    assert.equal([[{"list":[1,2]}]], text(child.id))
    d.data.a = 4
    session:commit()
    assert.equal([[{"a":4,"b":3}]], text(d.id))
  end)

  it("adds a detached object with its edits", function()
    local d = stored{ a = 1 }
    local _ = d.data
    session:expunge(d)
    d.data.a = 2
    session:add(d)
    session:commit()
    assert.equal([[{"a":2}]], text())
  end)

  it("forgets an edit of an object that is deleted", function()
    local d = stored{ a = 1 }
    d.data.a = 2
    session:delete(d)
    session:commit()
    assert.equal(0, Doc.query:count())
  end)

  it("writes one table that was given to two objects into both", function()
    local shared = { a = 1 }
    session:add_all{ Doc{ data = shared, more = shared }, Doc{ data = shared } }
    collect()
    shared.a = 2
    session:flush()
    assert.same({ [[{"a":2}]], [[{"a":2}]] }, { text(1), text(2) })
    assert.equal([[{"a":2}]], session:scalar(mr.text "SELECT more FROM doc WHERE id = 1"))
    local one, two = session:get(Doc, 1), session:get(Doc, 2)
    two.data = one.data
    one.data.a = 3
    session:flush()
    assert.same({ [[{"a":3}]], [[{"a":3}]] }, { text(1), text(2) })
  end)

  it("lets the program fill a table anew for the next object, once a flush has written it", function()
    local values, objects = {}, {}
    for i = 1, 20 do
      values.i = i
      local d = Doc{ id = i, data = values }
      session:add(d)
      if i % 2 == 0 then objects[i] = d end
      session:flush()
      if i % 5 == 0 then collect() end
    end
    values.i = 99
    session:commit()
    for i = 1, 20 do assert.equal(('{"i":%d}'):format(i), text(i)) end
    for i, d in pairs(objects) do assert.same({ i = i }, d.data) end
    local d = objects[2]
    d.data = values
    session:flush()
    values.i = 100
    session:flush()
    assert.equal([[{"i":99}]], text(2))
    assert.same({ i = 99 }, d.data)
    collect()
    values = nil -- luacheck: ignore
    local weak = setmetatable({ d }, { __mode = "v" })
    d, objects = nil, nil -- luacheck: ignore
    session:commit()
    collect()
    assert.is_nil(weak[1])
  end)

  it("keeps a table that was given and then read from the object", function()
    local given = { a = 1 }
    local d = Doc{ data = given }
    session:add(d)
    local read = d.data
    assert.equal(given, read)
    session:flush()
    read.a = 2
    session:flush()
    assert.equal([[{"a":2}]], text())
    assert.equal(given, d.data)
  end)

  it("writes what was changed in a given table before the flush, also where it was equal to the row", function()
    stored{ a = 1 }
    local d = session:get(Doc, 1)
    local _ = d.n
    local given = { a = 1 }
    d.data = given
    assert.is_false(session:is_modified(d))
    given.a = 2
    assert.is_true(session:is_modified(d))
    session:flush()
    assert.equal([[{"a":2}]], text())
  end)

  it("writes an edit that a listener of before_flush has made", function()
    local d = stored{ a = 1 }
    mr.event.listen(session, "before_flush", function() d.data.a = d.n + 10 end)
    d.n = 5
    session:commit()
    d.n = 6
    session:commit()
    assert.equal(16, d.data.a)
  end)
end)

describe("An edit that JSON cannot hold", function()
  it("is an error of the flush that names its place, until it is mended", function()
    local d = stored{ settings = { 1 } }
    d.data.settings[2] = { b = print }
    refuse("DataError", "Doc.data.settings[2].b: JSON cannot hold a function", function() session:flush() end)
    assert.is_true(session:is_modified(d))
    assert.same({ d }, { table.unpack(session.dirty) })
    refuse("DataError", "Doc.data.settings[2].b", function() Doc.query:all() end)
    assert.equal([[{"settings":[1]}]], session:no_autoflush(function() return text() end))
    d.data.settings[2].b = true
    session:commit()
    assert.equal([[{"settings":[1,{"b":true}]}]], text())
  end)

  it("goes away with a rollback", function()
    local d = stored{ a = 1 }
    d.data.a = d.data
    refuse("DataError", "Doc.data.a: the table contains itself", function() session:commit() end)
    session:rollback()
    assert.same({ a = 1 }, d.data)
    session:commit()
  end)
end)

describe("Listeners and validators", function()
  it("are given the very table, and may change it", function()
    local seen
    mr.event.listen(Doc.data, "set", function(_, value) seen = value end)
    local given = { a = 1 }
    local d = Doc{ data = given }
    assert.equal(given, seen)
    assert.equal(given, d.data)
    local other = { b = 1 }
    d.data = other
    assert.equal(other, seen)
  end)

  it("may give another", function()
    mr.event.listen(Doc.data, "set", function(_, value) value.checked = true return value end, { retval = true })
    mr.event.listen(Doc.more, "set", function() return { replaced = true } end, { retval = true })
    local given = { a = 1 }
    local d = Doc{ data = given, more = given }
    assert.equal(given, d.data)
    assert.same({ a = 1, checked = true }, given)
    assert.same({ replaced = true }, d.more)
    session:add(d)
    session:commit()
    assert.equal([[{"a":1,"checked":true}]], text())
  end)
end)

describe("The collector", function()
  it("does not lose an edit whose object nothing else holds", function()
    stored{ a = 1 }
    session:get(Doc, 1).data.a = 2
    collect()
    session:commit()
    assert.equal([[{"a":2}]], text())
    local data = session:get(Doc, 1).data
    collect()
    session:flush()
    collect()
    data.a = 3
    collect()
    session:flush()
    collect()
    data.a = 4
    session:commit()
    assert.equal([[{"a":4}]], text())
  end)

  it("frees what was read and compared", function()
    for i = 1, 50 do session:add(Doc{ id = i, data = { i } }) end
    session:commit()
    local weak = setmetatable({}, { __mode = "k" })
    for i = 1, 50 do weak[session:get(Doc, i).data] = true end
    collect()
    session:flush()
    collect()
    assert.is_nil(next(weak))
    assert.same({}, flushed())
  end)

  it("frees objects that show tables and never come into a session", function()
    local weak = setmetatable({}, { __mode = "k" })
    for i = 1, 50 do
      local d = Doc{ data = { i = i } }
      d.data.x = i
      weak[d] = true
    end
    session:flush()
    collect()
    assert.is_nil(next(weak))
  end)

  it("keeps tables apart when many objects come and go", function()
    for i = 1, 200 do session:add(Doc{ id = i, data = { i = i } }) end
    session:commit()
    for round = 1, 3 do
      for i = 1, 200 do
        local d = session:get(Doc, i)
        assert.equal(i, d.data.i)
        d.data.round = round
        if i % 50 == 0 then collectgarbage "step" end
      end
      session:commit()
    end
    for i = 1, 200 do assert.same({ i = i, round = 3 }, session:get(Doc, i).data) end
  end)
end)
