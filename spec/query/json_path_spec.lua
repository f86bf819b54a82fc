-- Values in JSON: paths of keys and indexes, what they are compared with, the types that they are read as.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local select_support = require "spec.support.select"

local w, s, doc, x

before_each(function()
  w = select_support.open()
  s = w.session
  s:execute(mr.text "CREATE TABLE doc (id INTEGER PRIMARY KEY, data TEXT)")
  doc = mr.table("doc", mr.column("id", mr.Integer), mr.column("data", mr.Text))
  x = doc.c.data
  s:execute(mr.insert(doc), {
    { id = 1, data = '{"name": "ann", "age": 30, "tags": ["a", "b", {"deep": [1, 2.5]}], "on": true, "odd '
      .. 'key": 1, "none": null}' },
    { id = 2, data = '{"name": "bob", "age": "20", "tags": [], "on": false}' },
    { id = 3, data = '{"name": "10", "age": 9.5}' },
    { id = 4, data = mr.null },
  })
end)
after_each(function() s:remove() end)

local function where(criterion) return mr.select(doc.c.id):where(criterion):order_by(doc.c.id) end

describe("a path into JSON", function()
  it("goes by keys, and by indexes from 1, or from the end", function()
    w.gives("ann a b 2.5 1", mr.select(x:at "name", x:at("tags", 1), x:at("tags", -2), x:at("tags", 3, "deep", -1),
      x:at "odd key")
      :where(doc.c.id:eq(1)),
      "SELECT json_extract(doc.data, ?) AS anon_1, json_extract(doc.data, ?) AS anon_2, "
        .. "json_extract(doc.data, ?) AS anon_3, "
        .. "json_extract(doc.data, ?) AS anon_4, json_extract(doc.data, ?) AS anon_5 FROM doc WHERE doc.id = ?")
  end)

  it("goes on behind another path", function()
    w.gives("1", mr.select(x:at("tags"):at(3):at("deep", 1)):where(doc.c.id:eq(1)))
    w.on_postgresql("SELECT (CAST(doc.data AS JSONB) #>> $1) AS anon_1 FROM doc", mr.select(x:at("tags"):at(3)))
  end)

  it("is NULL where there is nothing, and the text of a part that is no single value", function()
    w.gives("- -", mr.select(x:at "none", x:at "nothing"):where(doc.c.id:eq(1)))
    w.gives('["a","b",{"deep":[1,2.5]}]', mr.select(x:at "tags"):where(doc.c.id:eq(1)))
    w.gives("1; 4", where(x:at("on"):is_(nil) | x:at("on"):eq(true)):where(doc.c.id:ne(3)))
  end)

  it("finds keys with every character that a text spells by an escape", function()
    local db = mr.open "sqlite://"
    local Doc = db.Model:extend("Doc", { id = db.Column{ db.Integer, primary_key = true },
      data = db.Column{ db.JSON } })
    db:create_all()
    local keys = { "a\\b", "a\nb", "\t", "\r\b\f", "\1\31\127", "a/b", "größe", "\\n", "\\", "", " ", "$", "[0]", "#" }
    local data = {}
    for i, key in ipairs(keys) do data[key] = i end
    db.session:add(Doc{ data = { inner = data } })
    db.session:commit()
    for i, key in ipairs(keys) do
      assert.equal(i, db.session:query(Doc.data:at("inner", key)):scalar(), key)
      assert.equal(i, db.session:query(Doc.data:at "inner":at(key)):scalar(), key)
    end
    db.session:remove()
  end)

  it("is a parameter: statements that differ by it are one statement", function()
    assert.equal(tostring(mr.select(x:at "a")), tostring(mr.select(x:at("b", 3))))
    w.gives("", where(x:at("name' OR 1=1 --"):eq(1)))
  end)

  it("is compared by the type of the other side", function()
    w.gives("1", where(x:at("age"):eq(30)))
    w.gives("1", where(x:at("age"):gt(9.5)):where(doc.c.id:lt(2)))
    w.gives("2", where(x:at("age"):eq "20"))
    w.gives("1", where(x:at("on"):eq(true)))
    w.gives("2", where(x:at("on"):eq(false)))
    w.gives("1; 2", where(x:at("name"):in_{ "ann", "bob" }))
    w.gives("1; 2", where(x:at("name"):like "%n%" | x:at("name"):startswith "b"))
  end)

  it("is compared with a table as JSON, and so are all values of a list that has a table", function()
    w.gives("1", where(x:at("tags", 3):eq{ deep = { 1, 2.5 } }))
    w.gives("2", where(x:at("tags"):eq(mr.array{})))
    w.gives("1", where(x:at("tags"):ne(mr.array{})))
    w.gives("1; 2", where(x:at("tags"):in_{ mr.array{}, { "a", "b", { deep = { 1, 2.5 } } } }))
    w.gives("1; 2", where(x:at("tags", 2):in_{ "b", { 7 } } | x:at("tags"):eq(mr.array{})))
    w.gives("1; 3; 4", where(x:at("tags"):is_distinct_from(mr.array{})))
    local q, head = mr.select(doc.c.id), "SELECT doc.id FROM doc WHERE (CAST(doc.data AS JSONB) #> $1) "
    w.on_postgresql(head .. "= CAST($2 AS JSONB)", q:where(x:at("tags"):eq{ 2 }))
    w.on_postgresql(head .. "IN (CAST($2 AS JSONB), CAST($3 AS JSONB))", q:where(x:at("tags"):in_{ 1, { 2 } }))
    refuse("ArgumentError", "JSON has no order", function()
      return s:execute(q:where(x:at("tags"):lt{ 2 }))
    end)
    local loop = {}
    loop.me = loop
    refuse("ArgumentError", "contains itself", function() return x:at("tags"):eq(loop) end)
  end)

  it("is cast for PostgreSQL to the type of the other side", function()
    local q = mr.select(doc.c.id)
    w.on_postgresql("SELECT doc.id FROM doc WHERE CAST((CAST(doc.data AS JSONB) #>> $1) AS NUMERIC) = $2",
      q:where(x:at("age"):eq(30)))
    w.on_postgresql("SELECT doc.id FROM doc WHERE CAST((CAST(doc.data AS JSONB) #>> $1) AS BOOLEAN) = $2",
      q:where(x:at("on"):eq(true)))
    w.on_postgresql("SELECT doc.id FROM doc WHERE (CAST(doc.data AS JSONB) #>> $1) = $2",
      q:where(x:at("name", 1):eq "x"))
    local age = "CAST((CAST(doc.data AS JSONB) #>> $1) AS NUMERIC)"
    local head = "SELECT doc.id FROM doc WHERE " .. age
    w.on_postgresql(head .. " BETWEEN $2 AND $3", q:where(x:at("age"):between(1, 2)))
    w.on_postgresql(head .. " IN ($2, $3)", q:where(x:at("age"):in_{ 1, 2 }))
    w.on_postgresql(head .. " IS DISTINCT FROM $2", q:where(x:at("age"):is_distinct_from(1)))
    w.on_postgresql("SELECT " .. age .. " + $2 AS anon_1 FROM doc", mr.select(x:at "age" + 1))
    w.on_postgresql("SELECT doc.id FROM doc WHERE CAST((CAST(doc.data AS JSONB) #>> $1) AS BIGINT) > $2",
      q:where(x:at("age"):as_integer():gt(3)))
  end)

  it("sends each database its own path", function()
    local engine = mr.create_engine "mock+postgresql://"
    local session = mr.Session(engine)
    local seen
    mr.event.listen(engine, "before_execute", function(_, _, parameters) seen = parameters[1] end)
    local function path(...)
      session:execute(mr.select(x:at(...))):all()
      return seen
    end
    assert.equal("{tags,0,deep}", path("tags", 1, "deep"))
    assert.equal("{-1}", path(-1))
    assert.equal([[{"odd key","a\\b","NULL"}]], path("odd key", "a\\b", "NULL"))
    session:close()
    local sent
    for _, record in ipairs(w.db:record(function() s:execute(mr.select(x:at("tags", 1, "odd key",
      -1))):all() end)) do sent = record end
    assert.equal('$."tags"[0]."odd key"[#-1]', sent.parameters[1])
  end)

  it("is read as the type that is asked for", function()
    local row = s:execute(mr.select(x:at("age"):as_string():label "a", x:at("age"):as_float():label "f",
      x:at("on"):as_boolean():label "b", x:at("age"):as_integer():label "i"):where(doc.c.id:eq(1))):one()
    assert.equal("30", row.a)
    assert.equal(30.0, row.f)
    assert.equal("float", math.type(row.f))
    assert.equal(true, row.b)
    assert.equal("integer", math.type(row.i))
    w.gives("2; 1", mr.select(doc.c.id):where(doc.c.id:le(2)):order_by(x:at("age"):as_integer()))
    w.gives("1; 2", where(x:at("age"):as_integer():gt(15)))
  end)

  it("is read as a table, of a column of JSON and of a text", function()
    local db = mr.open "sqlite://"
    local Doc = db.Model:extend("Doc",
      { id = db.Column{ db.Integer, primary_key = true }, data = db.Column{ db.JSON } })
    db:create_all()
    db.session:add_all{ Doc{ data = { bag = { { name = "rope" } }, n = 5, none = mr.null, s = "txt" } },
      Doc{ data = { n = 7 } } }
    db.session:commit()
    local function one(value) return db.session:query(value):order_by(Doc.id):first()[1] end
    assert.equal("rope", one(Doc.data:at("bag"):as_json())[1].name)
    assert.equal("rope", one(Doc.data:at("bag", 1, "name")))
    assert.equal("txt", one(Doc.data:at("s"):as_json()))
    assert.equal(5, one(Doc.data:at("n"):as_json()))
    assert.equal(mr.null, one(Doc.data:at("none"):as_json()))
    assert.is_nil(one(Doc.data:at("nothing"):as_json()))
    assert.equal(1, db.session:query(Doc):filter(Doc.data:at("n"):gt(5)):count())
    assert.equal(2, db.session:query(Doc):filter(Doc.data:at("n"):between(5, 7)):count())
    assert.equal("b", s:scalar(mr.select(x:at("tags"):as_json()):where(doc.c.id:eq(1)))[2])
    local seen = w.postgresql(mr.select(Doc.data:at("bag"):as_json(), Doc.data:at "n"))
    assert.equal("SELECT (doc.data #> $1) AS anon_1, (doc.data #>> $2) AS anon_2 FROM doc", seen)
    db.session:remove()
  end)

  it("stands in groups, orders, functions and updates", function()
    w.gives("4", mr.select(mr.func.count(x:at("name"):distinct()) + 1))
    w.gives("BOB", mr.select(mr.func.upper(x:at "name")):where(x:at("age"):eq "20"))
    w.gives("1; 1; 1; 1", mr.select(mr.func.count(doc.c.id)):group_by(x:at "name"))
  end)

  it("has keys and indexes that can be", function()
    refuse("ArgumentError", { "at", "counted from 1" }, function() return x:at(0) end)
    refuse("ArgumentError", { "at", "keys and indexes" }, function() return x:at() end)
    refuse("ArgumentError", { "at", "key or an index" }, function() return x:at(1.5) end)
    refuse("ArgumentError", { "at", "key or an index" }, function() return x:at(nil, 1) end)
    refuse("ArgumentError", { "at", "double quote" }, function() return x:at 'a"b' end)
    refuse("ArgumentError", { "as_integer", "no argument" }, function() return x:at("a"):as_integer(5) end)
    refuse("ArgumentError", { "as_integer", "at(" }, function() return x:as_integer() end)
  end)
end)

describe("an operator with the type of its result", function()
  it("reads and compares by this type", function()
    local age = x:op("->>", { return_type = mr.Integer })
    assert.equal("Integer", tostring(age("$.age").type))
    assert.equal("Boolean", tostring(x:op("~", "a", { return_type = mr.Boolean }).type))
    refuse("ArgumentError", "integer", function() return age("$.age"):eq "x" end)
    refuse("ArgumentError", { "unknown option 'type'", "return_type" },
      function() return x:op("->>", { type = mr.Integer }) end)
    refuse("ArgumentError", { "op", "return_type" }, function() return x:op("->>", { return_type = "Integer" }) end)
  end)
end)
