-- query:sql{ literals = true }: SQL for people to read, with values in place of parameters.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, s, Thing

before_each(function()
  db = mr.open "sqlite://"
  s = db.session
  Thing = db.Model:extend("Thing", {
    __tablename = "thing",
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40) },
    ok = db.Column{ db.Boolean },
    size = db.Column{ db.Float },
    at = db.Column{ db.DateTime },
    on = db.Column{ db.Date },
    time = db.Column{ db.Time },
    span = db.Column{ db.Interval },
    bytes = db.Column{ db.LargeBinary },
    kind = db.Column{ db.Enum("big", "small") },
    parent_id = db.Column{ db.ForeignKey "thing.id" },
    parts = db.relationship{ "Thing", order_by = "Thing.id" },
  })
  db:create_all()
end)

local function where(...) return mr.select(Thing.id):where(...):sql{ literals = true }:match "WHERE (.*)$" end
local function ids(rows)
  local list = {}
  for i, row in ipairs(rows) do list[i] = row.id end
  return table.concat(list, " ")
end

describe("the SQL of a query with its values", function()
  it("has a value of each type as it is stored", function()
    assert.equal("thing.id = -7", where(Thing.id:eq(-7)))
    assert.equal("thing.name = 'O''Hara'", where(Thing.name:eq "O'Hara"))
    assert.equal("thing.name = ''", where(Thing.name:eq ""))
    assert.equal("thing.name IS NULL", where(Thing.name:is_(nil)))
    assert.equal("thing.ok IN (1, '1', 't', 'true')", where(Thing.ok:eq(true)))
    assert.equal("thing.size BETWEEN 0.1 AND 3.0", where(Thing.size:between(0.1, 3)))
    assert.equal("thing.size < 1e+300", where(Thing.size:lt(1e300)))
    assert.equal("thing.size > -9e999", where(Thing.size:gt(-math.huge)))
    assert.equal("thing.at > '2024-02-29 10:00:00.000000'", where(Thing.at:gt "2024-02-29T10:00:00"))
    assert.equal("thing.\"on\" = '2024-02-29'", where(Thing.on:eq(mr.date(2024, 2, 29))))
    assert.equal("thing.time IN ('10:00:00', '10:00:00.000', '10:00:00.000000')", where(Thing.time:eq "10:00"))
    assert.matches("thing.span IN ('1970-01-02 00:00:00',", where(Thing.span:eq(mr.interval{ days = 1 })), 1, true)
    assert.equal("thing.bytes = X'610027FF'", where(Thing.bytes:eq "a\0'\xFF"))
    assert.equal("thing.kind = 'big'", where(Thing.kind:eq "big"))
    assert.equal("thing.name = CAST(X'610062' AS TEXT)", where(Thing.name:eq "a\0b"))
  end)

  it("has the numbers that Lua has, to the last digit", function()
    for _, x in ipairs{ 0.1, 1 / 3, 1e300, 5e-324, 2.0 ^ 53, -0.5, 123456789.123 } do
      local text = mr.literal(x):sql{ literals = true }
      assert.equal(x, tonumber(text))
      assert.equal("float", math.type(tonumber(text)))
      assert.equal(x, s:scalar(mr.text("SELECT " .. text)))
    end
    for _, x in ipairs{ 0, -1, math.maxinteger, math.mininteger } do
      assert.equal(x, s:scalar(mr.text("SELECT " .. mr.literal(x):sql{ literals = true })))
    end
  end)

  it("begins no comment before a negative number", function()
    assert.equal("- -3", (-mr.literal(3 - 6)):sql{ literals = true })
    assert.equal("- -0.5", (-mr.literal(-0.5)):sql{ literals = true })
    assert.equal("- -0.0", (-mr.literal(-0.0)):sql{ literals = true })
    assert.equal("thing.id - -3", (Thing.id - mr.literal(-3)):sql{ literals = true })
  end)

  it("has an IN list as long as it was given", function()
    assert.equal("thing.id IN (1, 2, 3)", where(Thing.id:in_{ 1, 2, 3 }))
    assert.matches("IN (?, ?, ?, ?)", tostring(Thing.query:filter(Thing.id:in_{ 1, 2, 3 })), 1, true)
    assert.equal("thing.\"on\" IN ('2024-01-01', '2024-01-02')", where(Thing.on:in_{ "2024-01-01", "2024-01-02" }))
  end)

  it("has the values of subqueries, of common tables and of unions, each at its place", function()
    local cte = mr.select(Thing.id):where(Thing.name:eq "in the cte"):cte "few"
    local q = mr.select(Thing.id):where(Thing.name:eq "outside", Thing.id:in_(mr.select(cte.c.id)),
      mr.exists(mr.select(Thing.id):where(Thing.size:gt(1))))
    local sql = q:sql{ literals = true }
    assert.matches("^WITH few AS %(SELECT thing.id AS id FROM thing WHERE thing.name = 'in the cte'%) SELECT", sql)
    assert.matches("thing.name = 'outside'", sql)
    assert.matches("thing.size > 1.0", sql)
    local a, b = mr.select(Thing.id):where(Thing.name:eq "a"), mr.select(Thing.id):where(Thing.name:eq "b")
    assert.matches("'a'.* UNION .*'b'.* LIMIT 2", a:union(b):limit(2):sql{ literals = true })
  end)

  it("has the values of params, and :name where there is none", function()
    local q = Thing.query:filter(Thing.id:eq(mr.bindparam "id"), Thing.name:eq(mr.bindparam "name"))
    assert.matches("thing.id = 4 AND thing.name = :name$", q:params{ id = 4 }:sql{ literals = true })
    assert.matches("thing.id = :id AND thing.name = :name$", q:compiled():sql{ literals = true })
    assert.matches("thing.id = %? AND thing.name = %?$", q:compiled():sql())
  end)

  it("has the key of a parent, also of one that expired, and what is joined", function()
    local thing = Thing{ id = 5 }
    s:add(thing)
    s:commit()
    local q = Thing.query:with_parent(thing, Thing.parts)
    assert.matches("WHERE 5 = thing.parent_id$", q:sql{ literals = true })
    s:expire(thing)
    assert.matches("WHERE 5 = thing.parent_id$", q:sql{ literals = true })
    assert.matches("LIMIT 2%) AS anon_1 LEFT OUTER JOIN thing AS thing_1",
      Thing.query:options(mr.joinedload(Thing.parts)):limit(2):sql{ literals = true })
    refuse("InvalidRequestError", "has no id yet", function()
      return Thing.query:with_parent(Thing{}, Thing.parts):sql{ literals = true }
    end)
  end)

  it("is that of statements, texts and criteria, too", function()
    local sql = { literals = true }
    assert.equal("INSERT INTO thing (name, size) VALUES ('a', NULL)",
      mr.insert(Thing):values{ name = "a", size = mr.null }:sql(sql))
    assert.equal("INSERT INTO thing (name) VALUES ('a'), ('b')",
      mr.insert(Thing):values{ { name = "a" }, { name = "b" } }:sql(sql))
    assert.equal("UPDATE thing SET name='x' WHERE thing.id = 3",
      mr.update(Thing):values{ name = "x" }:where(Thing.id:eq(3)):sql(sql))
    local delete = mr.delete(Thing):where(Thing.id:eq(mr.bindparam "id"))
    assert.equal("DELETE FROM thing WHERE thing.id = :id", delete:sql(sql))
    assert.equal("SELECT 'it''s', :b, ':c'", mr.text("SELECT :a, :b, ':c'"):bindparams{ a = "it's" }:sql(sql))
    assert.equal("thing.name LIKE '50%' OR thing.id = 1", (Thing.name:like "50%" | Thing.id:eq(1)):sql(sql))
    assert.equal("SELECT * FROM thing WHERE id = 5",
      s:query(Thing):from_statement(mr.text "SELECT * FROM thing WHERE id = :i"):params{ i = 5 }:sql(sql))
  end)

  it("finds the same rows when somebody runs it by hand", function()
    for i, name in ipairs{ "it's", "a\0b", "--", ":x", "\\", "Ärger" } do
      s:add(Thing{ id = i, name = name, bytes = name, ok = i % 2 == 0, at = mr.datetime(2024, 1, i), size = i / 3 })
    end
    s:commit()
    for i, thing in ipairs(Thing.query:order_by(Thing.id):all()) do
      for _, name in ipairs{ "name", "bytes", "at", "size" } do
        local q = Thing.query:filter_by{ [name] = thing[name] }
        local text = mr.text(q:sql{ literals = true })
        assert.equal(tostring(i), ids(s:query(Thing):from_statement(text):all()), name)
      end
    end
    local even = Thing.query:filter_by{ ok = true }:sql{ literals = true }
    assert.equal("2 4 6", ids(s:query(Thing):from_statement(mr.text(even)):all()))
  end)

  it("never takes a number in ORDER BY or GROUP BY for the place of a column", function()
    for i, name in ipairs{ "c", "a", "b", "a" } do s:add(Thing{ id = i, name = name }) end
    s:commit()
    local function same(columns, q)
      local function values(rows)
        local list = {}
        for i, row in ipairs(rows) do list[i] = { table.unpack(row, 1, columns) } end
        return list
      end
      local expected = values(q:all())
      assert.same(expected, values(s:execute(mr.text(q:sql{ literals = true })):all()))
      return #expected
    end
    local names = s:query(Thing.name, Thing.id)
    for _, term in ipairs{ mr.literal(1), mr.literal(7), -mr.literal(1), mr.literal(-1), mr.literal(1):desc(),
                           mr.literal(1):desc():nulls_last(), mr.literal(1):label "one", mr.literal(true),
                           mr.literal(1):collate "NOCASE", mr.literal "name", mr.literal(1) + 1, mr.text "2",
                           mr.text(" ( :n)"):bindparams{ n = 1 }, mr.text(":n"):bindparams{ n = 7 } } do
      assert.equal(4, same(2, names:order_by(term, Thing.id:desc())))
    end
    assert.matches("ORDER BY %(SELECT 1%) DESC, thing.id$",
      names:order_by(mr.literal(1):desc(), Thing.id):sql{ literals = true })
    assert.equal(1, same(1, s:query(mr.func.count()):select_from(Thing):group_by(mr.literal(1))))
    assert.equal(3, same(2, s:query(Thing.name, mr.func.count()):group_by(mr.literal(2), Thing.name)))
    local two = names:order_by(mr.literal(1), Thing.id:desc()):limit(2)
    assert.equal(2, same(2, two:union_all(names:filter(Thing.id:lt(0)))))
  end)

  it("without the option is what tostring gives", function()
    local q = Thing.query:filter_by{ name = "x" }
    assert.equal(tostring(q), q:sql())
    assert.equal(tostring(q), q:sql{})
    assert.equal(tostring(q), q:sql{ literals = false })
    assert.equal(tostring(mr.delete(Thing)), mr.delete(Thing):sql())
    assert.equal("thing.name = ?", Thing.name:eq("x"):sql())
  end)

  it("is written as the engine's database writes it", function()
    local session = mr.Session(mr.create_engine "mock+postgresql://")
    local q = session:query(Thing.id):filter(Thing.ok:is_(true), Thing.bytes:eq "a\0", Thing.size:gt(1))
    local sql = q:sql{ literals = true }
    assert.matches("thing.ok IS true AND thing.bytes = '\\x6100' AND thing.size > 1.0", sql, 1, true)
    session:close()
  end)

  it("refuses other options and a dot", function()
    refuse("ArgumentError", "did you mean 'literals'?", function() return Thing.query:sql{ literal = true } end)
    refuse("ArgumentError", "sql{ literals = true }", function() return Thing.query:sql(true) end)
    refuse("ArgumentError", { "sql: literals", "true or false" }, function() return Thing.query:sql{ literals = 1 } end)
    refuse("ArgumentError", { "sql", "with a colon" }, function() return Thing.query.sql{ literals = true } end)
    refuse("ArgumentError", { "sql", "with a colon" }, function() return mr.delete(Thing).sql{ literals = true } end)
    refuse("ArgumentError", { "sql", "with a colon" }, function() return Thing.name.sql{ literals = true } end)
  end)
end)
