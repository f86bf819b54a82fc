-- TypeDecorator beyond one object: criteria, functions, statements, keys and relationships, listeners, other sessions.
-- It restates the behaviours of SQLAlchemy's test/sql/test_types.py (ExpressionTest, UserDefinedTest) and of
-- test/orm/test_unitofwork.py (ClauseAttributesTest, TypeMatchTest).

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

-- A text in brackets. `log` has the calls of its functions.
local function bracketed(impl, log)
  log = log or {}
  return mr.TypeDecorator{
    impl = impl or mr.String(40), name = "Bracketed",
    bind = function(value)
      log[#log + 1] = "bind " .. tostring(value)
      return value and "<" .. value .. ">"
    end,
    result = function(value)
      log[#log + 1] = "result " .. tostring(value)
      return value and value:sub(2, -2)
    end,
  }, log
end

local function model(column_type)
  local db = mr.open "sqlite://"
  local Row = db.Model:extend("Row", {
    id = db.Column{ db.Integer, primary_key = true }, v = db.Column{ column_type }, n = db.Column{ db.Integer },
  })
  db:create_all()
  return db, Row
end

local function filled(column_type)
  local db, Row = model(column_type)
  for i, word in ipairs{ "ant", "bee", "cat" } do db.session:add(Row{ id = i, v = word, n = i }) end
  db.session:commit()
  return db, Row
end

describe("criteria with a decorated column", function()
  it("convert values, each once: eq, ne, lt, in_, not_in, between, filter_by, tuple_", function()
    local Type, log = bracketed()
    local db, Row = filled(Type)
    local function ids(criterion)
      local list = db.session:query(Row.id):filter(criterion):order_by(Row.id):all()
      for i, row in ipairs(list) do list[i] = tostring(row.id) end
      return table.concat(list, " ")
    end
    for i = #log, 1, -1 do log[i] = nil end
    assert.equal("2", ids(Row.v:eq "bee"))
    assert.same({ "bind bee" }, log)
    assert.equal("1 3", ids(Row.v:ne "bee"))
    assert.equal("1", ids(Row.v:lt "bee"))
    assert.equal("1 3", ids(Row.v:in_{ "ant", "cat", "dog" }))
    assert.equal("2", ids(Row.v:not_in{ "ant", "cat" }))
    assert.equal("1 2", ids(Row.v:between("ant", "bee")))
    assert.equal("3", ids(mr.tuple_(Row.v, Row.n):in_{ { "cat", 3 }, { "bee", 1 } }))
    assert.equal("", ids(Row.v:eq(mr.null)))
    assert.equal("2", ids(Row.v:like "b%"))
    assert.equal(2, Row.query:filter_by{ v = "bee" }:one().id)
    assert.equal("bee", Row.query:filter_by{ v = "bee", n = 2 }:first().v)
    assert.equal(1, Row.query:filter(Row.v:in_(db.session:query(Row.v):filter(Row.n:eq(2)))):count())
  end)

  it("keep the values of in_ while the collector runs", function()
    local db, Row = filled(bracketed())
    local function many()
      local list = {}
      for i = 1, 200 do list[i] = "word" .. i end
      list[201] = "cat"
      return list
    end
    local criterion = Row.v:in_(many())
    collectgarbage()
    collectgarbage()
    assert.equal(3, db.session:query(Row.id):filter(criterion):scalar())
  end)

  it("take the values of named parameters", function()
    local db, Row = filled(bracketed())
    local query = Row.query:filter(Row.v:eq(mr.bindparam "word"))
    assert.equal(2, query:params{ word = "bee" }:one().id)
    local compiled = query:compiled()
    assert.equal(3, compiled:one{ word = "cat" }.id)
    local select = mr.select(Row.id):where(Row.v:eq(mr.bindparam "word"))
    assert.equal(1, db.session:execute(select, { word = "ant" }):first().id)
  end)

  it("take lists for parameters of IN", function()
    local db, Row = filled(bracketed())
    local list = mr.bindparam("list", { expanding = true })
    assert.equal(2, Row.query:filter(Row.v:in_(list)):params{ list = { "ant", "bee", "dog" } }:count())
    assert.equal(1, #db.session:execute(mr.select(Row.id):where(Row.v:in_(list)), { list = { "cat" } }):all())
  end)

  it("take tables for named parameters", function()
    local List = mr.TypeDecorator{ impl = mr.String(40), name = "List",
      bind = function(v) return v and table.concat(v, ",") end }
    local db, Row = model(List)
    db.session:add(Row{ v = { "a", "b" } })
    db.session:commit()
    assert.equal(1, Row.query:filter(Row.v:eq(mr.bindparam "list")):params{ list = { "a", "b" } }:count())
    assert.equal(1, #db.session:execute(mr.select(Row.id):where(Row.v:eq(mr.bindparam "list")),
      { list = { "a", "b" } }):all())
    refuse("ArgumentError", "params: 'n': expected an integer, got a list of 1 value", function()
      Row.query:filter(Row.n:eq(mr.bindparam "n")):params{ n = { 1 } }:count()
    end)
  end)

  it("name the parameter for which their function fails", function()
    local Picky = mr.TypeDecorator{ impl = mr.String(3), name = "Picky",
      bind = function(v) return v == "boom" and error("no", 0) or v end }
    local db, Row = model(Picky)
    local stop = mr.bindparam "stop"
    local insert = mr.insert(Row):values{ v = stop }
    refuse("DataError", 'stop: the function bind of the type Picky cannot convert string "boom": no', function()
      Row.query:filter(Row.v:eq(stop)):params{ stop = "boom" }:count()
    end)
    refuse("DataError", "stop: the function bind of the type Picky", db.session.execute, db.session, insert,
      { stop = "boom" })
    refuse("DataError", 'stop: string "long" has 4 characters', db.session.execute, db.session, insert,
      { stop = "long" })
  end)

  it("are written with their values as they are sent, by `literal` where there is one", function()
    local _, Bracketed = filled(bracketed())
    assert.truthy(Bracketed.query:filter(Bracketed.v:eq "bee"):sql{ literals = true }:find("'<bee>'", 1, true))
    local Shown = mr.TypeDecorator{ impl = mr.String(40), name = "Shown",
      bind = function(v) return v and "b" .. v end, literal = function(v) return "l" .. v end }
    local db, Row = model(Shown)
    assert.truthy(Row.query:filter(Row.v:eq "x"):sql{ literals = true }:find("'lx'", 1, true))
    db.session:add(Row{ v = "x" })
    db.session:commit()
    assert.equal(1, Row.query:filter(Row.v:eq "x"):count())
  end)
end)

describe("expressions over a decorated column", function()
  it("keep the type: .., +, coalesce, max, case, literal, cast, a label, a subquery", function()
    local db, Row = filled(bracketed())
    local function one(expression) return db.session:query(expression):filter(Row.id:eq(1)):scalar() end
    assert.equal("ant><x", one(Row.v .. "x"))
    assert.equal("x><ant", one("x" .. Row.v))
    assert.equal("cat", db.session:query(mr.func.max(Row.v)):scalar())
    assert.equal("ant", one(mr.func.coalesce(Row.v, "none")))
    assert.equal("none", one(mr.func.coalesce(mr.func.nullif(Row.v, "ant"), "none")))
    assert.equal("one", one(mr.case{ { Row.n:eq(1), "one" }, else_ = Row.v }))
    assert.equal("ant", one(mr.case{ { Row.n:eq(2), "one" }, else_ = Row.v }))
    assert.equal("lit", one(mr.literal("lit", Row.v.type)))
    assert.equal("word", one(mr.cast("word", Row.v.type)))
    assert.equal("ant", one(Row.v:label "other"))
    assert.equal("<ant>", one(mr.cast(Row.v, mr.Text)))
    local sub = db.session:query(Row.v, Row.id):subquery()
    assert.equal("bee", db.session:query(sub.c.v):filter(sub.c.v:eq "bee"):scalar())
    assert.same(3, db.session:query(mr.func.count(Row.v)):scalar())
  end)

  it("are converted in each way to read rows, when a value is asked for", function()
    local Type, log = bracketed()
    local db, Row = filled(Type)
    for i = #log, 1, -1 do log[i] = nil end
    local rows = db.session:query(Row.v, Row.id):order_by(Row.id):all()
    assert.same({}, log)
    assert.equal("bee", rows[2].v)
    assert.equal("bee", rows[2][1])
    assert.equal("bee", (rows[2]:unpack()))
    assert.equal("bee", rows[2]:mapping().v)
    assert.same({ "result <bee>" }, log)
    assert.equal('("cat", 3)', tostring(rows[3]))
    for name, value in pairs(rows[1]) do assert.truthy(name == "id" or value == "ant") end
    assert.same({ "ant", "bee", "cat" }, db.session:execute(mr.select(Row.v):order_by(Row.v)):scalars():all())
    assert.equal("ant", db.session:execute(mr.select(Row.v):order_by(Row.v)):mappings():first().v)
    local seen = {}
    for row in db.session:query(Row.v):order_by(Row.v):yield_per(1):iter() do seen[#seen + 1] = row.v end
    assert.same({ "ant", "bee", "cat" }, seen)
    local parts = db.session:execute(mr.select(Row.id, Row.v):order_by(Row.id)):columns("v", "id"):all()
    assert.equal("ant", parts[1].v)
    assert.equal(1, parts[1][2])
    local row = db.session:query(Row.v):first() -- it may outlive its result
    collectgarbage()
    assert.equal("ant", row.v)
    assert.is_true(row == db.session:query(Row.v):first())
  end)

  it("of long texts and blobs are converted, too", function()
    local long = ("x"):rep(5000)
    local db, Row = model(bracketed(mr.Text))
    db.session:add(Row{ v = long })
    db.session:commit()
    assert.equal(long, db.session:query(Row.v):first().v)
    db, Row = model(bracketed(mr.LargeBinary))
    db.session:add(Row{ v = "\0\1" })
    db.session:commit()
    assert.equal("\0\1", db.session:query(Row.v):first().v)
    assert.equal("\0\1", Row.query:first().v)
  end)
end)

describe("statements with a decorated column", function()
  it("convert what they write, and what they return", function()
    local Type = bracketed()
    local db, Row = filled(Type)
    local session = db.session
    local given = session:execute(mr.insert(Row):values{ v = "dog" }:returning(Row.v, Row.id)):first()
    assert.equal("dog", given.v)
    session:execute(mr.insert(Row), { { v = "eel" }, { v = "fox", n = 6 }, { v = mr.null } })
    session:execute(mr.update(Row):where(Row.v:eq "ant"):values{ v = "ape" })
    session:execute(mr.delete(Row):where(Row.v:eq "bee"))
    session:execute(mr.update(Row), { { id = 3, v = "cow" } })
    assert.same({ "<ape>", "<cow>", "<dog>", "<eel>", "<fox>" },
      session:execute(mr.text "SELECT v FROM row WHERE v IS NOT NULL ORDER BY v"):scalars():all())
  end)

  it("convert each value once", function()
    local Type, log = bracketed()
    local db, Row = filled(Type)
    for i = #log, 1, -1 do log[i] = nil end
    db.session:execute(mr.insert(Row), { { v = "a" }, { v = "b" }, { v = "c" } })
    db.session:execute(mr.update(Row):where(Row.v:eq "a"):values{ v = "d" })
    db.session:execute(mr.update(Row), { { id = 1, v = "e" }, { id = 2, v = "f" } })
    assert.equal("bind a bind b bind c bind d bind a bind e bind f", table.concat(log, " "))
  end)

  it("keep the objects in memory equal to their rows", function()
    local db, Row = filled(bracketed())
    local ant, bee, cat = table.unpack(Row.query:order_by(Row.id):all())
    Row.query:filter(Row.v:eq "ant"):update{ v = "ape" }
    assert.equal("ape", ant.v)
    Row.query:filter(Row.v:eq "bee"):update({ v = "bat" }, { synchronize_session = "evaluate" })
    assert.equal("bat", bee.v)
    db.session:execute(mr.update(Row), { { id = 3, v = "cow" } })
    assert.equal("cow", cat.v)
    Row.query:filter(Row.v:in_{ "ape", "bat" }):delete()
    assert.equal("deleted", mr.inspect(ant).state)
    assert.equal("cow", Row.query:one().v)
  end)
end)

describe("a decorated key", function()
  local function family()
    local Type, log = bracketed()
    local db = mr.open "sqlite://"
    local Parent = db.Model:extend("Parent", {
      id = db.Column{ Type, primary_key = true }, name = db.Column{ db.String(20) },
      kids = db.relationship{ "Kid", backref = "parent" },
    })
    local Kid = db.Model:extend("Kid", {
      id = db.Column{ db.Integer, primary_key = true },
      parent_id = db.Column{ db.ForeignKey("parent.id", { onupdate = "CASCADE" }) },
    })
    db:create_all()
    return db, Parent, Kid, log
  end

  it("finds objects, in memory and in the database", function()
    local db, Parent = family()
    local one = Parent{ id = "one" }
    db.session:add(one)
    db.session:commit()
    assert.equal(one, db.session:get(Parent, "one"))
    assert.equal(one, db.session:get(Parent, { id = "one" }))
    assert.equal(one, Parent.query:get "one")
    assert.is_nil(db.session:get(Parent, "two"))
    db.session:expunge_all()
    local again = db.session:get(Parent, "one")
    assert.equal("one", again.id)
    assert.not_equal(one, again)
    assert.same({ "one" }, mr.inspect(again).identity)
    assert.equal(again, Parent.query:filter_by{ id = "one" }:one())
    refuse("ArgumentError", "get(Parent): Parent.id: got nil", db.session.get, db.session, Parent, nil)
  end)

  it("is copied to foreign keys, and followed by every loader", function()
    local db, Parent, Kid = family()
    local one = Parent{ id = "one", kids = { Kid{}, Kid{} } }
    db.session:add(one)
    db.session:commit()
    assert.equal("one", one.kids[1].parent_id)
    db.session:expunge_all()
    assert.equal("one", Kid.query:first().parent.id)
    assert.equal(2, #Parent.query:one().kids)
    for _, option in ipairs{ mr.joinedload, mr.selectinload, mr.subqueryload } do
      db.session:expunge_all()
      assert.equal(2, #Parent.query:options(option(Parent.kids)):one().kids)
      assert.equal("one", Kid.query:options(option(Kid.parent)):first().parent.id)
    end
    assert.equal(2, Kid.query:filter(Kid.parent_id:eq "one"):count())
    assert.equal(2, Kid.query:join(Kid.parent):filter(Parent.id:eq "one"):count())
    assert.equal(2, Kid.query:with_parent(Parent.query:one()):count())
    local kid = Kid{ parent_id = "one" }
    db.session:add(kid)
    db.session:flush()
    assert.equal("one", kid.parent.id)
  end)

  it("can be changed, merged and deleted", function()
    local db, Parent, Kid = family()
    local one = Parent{ id = "one", name = "first", kids = { Kid{} } }
    db.session:add(one)
    db.session:commit()
    one.id = "uno"
    db.session:commit()
    assert.equal("uno", one.kids[1].parent_id)
    assert.equal(one, db.session:get(Parent, "uno"))
    local merged = db.session:merge(Parent{ id = "uno", name = "merged" })
    assert.equal(one, merged)
    assert.equal("merged", one.name)
    db.session:commit()
    db.session:delete(one.kids[1])
    db.session:delete(one)
    db.session:commit()
    assert.equal(0, Parent.query:count())
  end)

  it("of an INSERT is given as the program has it", function()
    local db, Parent = family()
    assert.same({ "x" }, db.session:execute(mr.insert(Parent):values{ id = "x" }).inserted_primary_key)
    db.session:execute(mr.update(Parent), { { id = "x", name = "named" } })
    assert.equal("named", db.session:get(Parent, "x").name)
  end)

  it("that cannot be converted is refused at once", function()
    local db, Parent = family()
    refuse("DataError", "Parent.id: the function bind of the type Bracketed cannot convert table",
      function() Parent{ id = {} } end)
    refuse("DataError", "get(Parent): Parent.id: the function bind of the type Bracketed cannot convert",
      db.session.get, db.session, Parent, { {} })
  end)

  it("may be a table", function()
    local Point = mr.TypeDecorator{ impl = mr.String(20), name = "Point",
      bind = function(p) return p and p.x .. ":" .. p.y end,
      result = function(v)
        if not v then return nil end
        local x, y = v:match "(%d+):(%d+)"
        return { x = tonumber(x), y = tonumber(y) }
      end }
    local db = mr.open "sqlite://"
    local Cell = db.Model:extend("Cell", { at = db.Column{ Point, primary_key = true }, n = db.Column{ db.Integer } })
    db:create_all()
    local at = { x = 1, y = 2 }
    local cell = Cell{ at = at, n = 5 }
    db.session:add(cell)
    db.session:flush()
    assert.equal(at, cell.at)
    assert.equal(cell, db.session:get(Cell, { x = 1, y = 2 }))
    assert.equal(cell, db.session:get(Cell, { at = { x = 1, y = 2 } }))
    db.session:commit()
    db.session:expunge_all()
    assert.same({ x = 1, y = 2 }, db.session:get(Cell, { { x = 1, y = 2 } }).at)
  end)
end)

describe("a decorated attribute", function()
  it("is shown to listeners as the program has it, and may be set by them", function()
    local Type = bracketed()
    local db, Row = filled(Type)
    local seen = {}
    mr.event.listen(Row.v, "set", function(_, value, old) seen[#seen + 1] = tostring(old) .. ">" .. tostring(value) end)
    mr.event.listen(Row, "before_update", function(_, _, row) row.v = row.v .. "!" end)
    mr.event.listen(Row, "before_insert", function(_, _, row) row.v = "made" end)
    local row = Row.query:first()
    row.v = "ape"
    assert.same({ "ant>ape" }, seen)
    db.session:add(Row{})
    db.session:commit()
    assert.equal("ape!", row.v)
    assert.equal("made", Row.query:filter_by{ id = 4 }:one().v)
    assert.same({ "<ape!>", "<bee>", "<cat>", "<made>" },
      db.session:execute(mr.text "SELECT v FROM row ORDER BY id"):scalars():all())
  end)

  it("goes back with a rollback, a savepoint and a refresh", function()
    local db, Row = filled(bracketed())
    local row = Row.query:first()
    assert.equal("ant", row.v)
    row.v = "x"
    db.session:rollback()
    assert.equal("ant", row.v)
    pcall(function()
      db.session:begin_nested(function()
        row.v = "y"
        db.session:flush()
        assert.equal("y", row.v)
        error "back"
      end)
    end)
    assert.equal("ant", row.v)
    row.v = "z"
    db.session:refresh(row)
    assert.equal("ant", row.v)
    row.v = "z"
    db.session:expire(row)
    assert.equal("ant", row.v)
    local new = Row{ v = "new" }
    db.session:add(new)
    db.session:flush()
    db.session:rollback()
    assert.equal("new", new.v)
    db.session:add(new)
    db.session:commit()
    assert.equal("new", new.v)
  end)

  it("can be merged from an object of another session, and is kept by a detached one", function()
    local db, Row = filled(bracketed())
    local other = mr.Session(db.engine)
    local theirs = other:get(Row, 2)
    theirs.v = "bat"
    local mine = db.session:merge(theirs)
    assert.equal("bat", mine.v)
    db.session:commit()
    other:close()
    assert.equal("bat", theirs.v)
    assert.equal("bat", mine.v)
    assert.equal("cat", db.session:merge(Row{ id = 3 }).v)
  end)

  it("can be deferred", function()
    local Type, log = bracketed()
    local db = mr.open "sqlite://"
    local Animal = db.Model:extend("Animal", {
      id = db.Column{ db.Integer, primary_key = true },
      v = db.deferred(db.Column{ Type }), bark = db.Column{ Type },
    })
    db:create_all()
    db.session:add(Animal{ v = "rex", bark = "wuff" })
    db.session:commit()
    db.session:expunge_all()
    for i = #log, 1, -1 do log[i] = nil end
    local dog = Animal.query:one()
    assert.equal("wuff", dog.bark)
    assert.equal(1, #db:record(function() assert.equal("rex", dog.v) end))
    assert.same({ "result <wuff>", "result <rex>" }, log)
    dog.v = "max"
    db.session:commit()
    assert.equal("max", dog.v)
  end)

  it("counts for session.dirty, import and bulk inserts", function()
    local db, Row = filled(bracketed())
    db.session:import(Row, { { v = "imp" }, { v = "ort" } })
    assert.equal("imp", Row.query:filter_by{ v = "imp" }:one().v)
    local many = {}
    for i = 1, 300 do many[i] = Row{ v = "m" .. i } end
    db.session:add_all(many)
    db.session:commit()
    assert.equal("m300", many[300].v)
    assert.equal(300, Row.query:filter(Row.v:like "m%"):count())
  end)
end)
