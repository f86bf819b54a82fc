-- Stored values that do not fit their column's type: which are read, which are refused, and the options of the query
-- for them.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

-- A class Thing over a table of other programs: id, and `value`, declared as sql and mapped as type.
local function thing(type, sql, options)
  local db = mr.open "sqlite://"
  local body = { id = db.Column{ db.Integer, primary_key = true } }
  local column = { type }
  for name, value in pairs(options or {}) do column[name] = value end
  body.value = db.Column(column)
  local Thing = db.Model:extend("Thing", body)
  db.session:execute(mr.text("CREATE TABLE thing (id INTEGER PRIMARY KEY, value " .. (sql or "") .. ")"))
  db.session:commit()
  return db, Thing
end

local function store(db, ...)
  for i, literal in ipairs{ ... } do
    db.session:execute(mr.text(("INSERT INTO thing (id, value) VALUES (%d, %s)"):format(i, literal)))
  end
  db.session:commit()
end

local function stored(db, id)
  local sql = "SELECT typeof(value) || ' ' || quote(value) AS it FROM thing WHERE id = " .. id
  return db.session:execute(mr.text(sql)):one().it
end

-- For each type: values in a column without a type that it accepts, and what it reads of them.
local taken = {
  { mr.Boolean, "0", false }, { mr.Boolean, "1", true }, { mr.Boolean, "0.0", false }, { mr.Boolean, "1.0", true },
  { mr.Boolean, "'t'", true }, { mr.Boolean, "'f'", false }, { mr.Boolean, "'true'", true },
  { mr.Boolean, "'false'", false }, { mr.Boolean, "''", false }, { mr.Boolean, "'0'", false },
  { mr.Boolean, "'1'", true },
  { mr.Integer, "42", 42 }, { mr.Integer, "42.0", 42 }, { mr.BigInteger, "9223372036854775807", math.maxinteger },
  { mr.SmallInteger, "-1", -1 },
  { mr.Float, "1.5", 1.5 }, { mr.Float, "2", 2.0 },
  { mr.String(3), "'abc'", "abc" }, { mr.String(3), "'longer'", "longer" }, { mr.Text, "''", "" },
  { mr.LargeBinary, "x'00ff'", "\0\xff" },
  { mr.Enum("a", "b"), "'b'", "b" },
  { mr.Uuid, "'00112233-4455-6677-8899-aabbccddeeff'", "00112233-4455-6677-8899-aabbccddeeff" },
  { mr.Any, "42", 42 }, { mr.Any, "1.0", 1.0 }, { mr.Any, "'x'", "x" }, { mr.Any, "x'00'", "\0" },
  { mr.Date, "'2024-02-29'", mr.date "2024-02-29" }, { mr.Time, "'13:04'", mr.time(13, 4) },
  { mr.Time, "'13:04:05.5'", mr.time(13, 4, 5, 500000) },
  { mr.DateTime, "'2024-02-29'", mr.datetime "2024-02-29 00:00:00" },
  { mr.DateTime, "'2024-02-29T13:04:05.123'", mr.datetime "2024-02-29 13:04:05.123" },
}

local refused = {
  { mr.Boolean, "2", "2" }, { mr.Boolean, "-1", "-1" }, { mr.Boolean, "0.5", "0.5" }, { mr.Boolean, "'yes'", '"yes"' },
  { mr.Boolean, "x'01'", "x'01'" },
  { mr.Integer, "'abc'", '"abc"' }, { mr.Integer, "'42'", '"42"' }, { mr.Integer, "1.5", "1.5" },
  { mr.Integer, "x'31'", "x'31'" }, { mr.Integer, "1e30", "1" }, { mr.BigInteger, "'1'", '"1"' },
  { mr.SmallInteger, "''", '""' },
  { mr.Float, "'1.5'", '"1.5"' }, { mr.Float, "x'00'", "x'00'" },
  { mr.String(9), "42", "42" }, { mr.String(9), "x'6162'", "x'6162'" }, { mr.Text, "1.5", "1.5" },
  { mr.LargeBinary, "'abc'", '"abc"' }, { mr.LargeBinary, "7", "7" },
  { mr.Enum("a", "b"), "'c'", '"c"' }, { mr.Enum("a", "b"), "1", "1" }, { mr.Enum("a", "b"), "''", '""' },
  { mr.Uuid, "'abc'", '"abc"' },
  { mr.Date, "'soon'", '"soon"' }, { mr.Date, "'2024-02-29 13:00:00'", '"2024-02-29 13:00:00"' },
  { mr.Time, "'25:00'", '"25:00"' }, { mr.DateTime, "1709640429", "1709640429" }, { mr.DateTime, "''", '""' },
  { mr.DateTime, "x'00'", "x'00'" }, { mr.Interval, "1.5", "1.5" },
}

describe("a stored value", function()
  it("is read by the rule of its type, on every path", function()
    for _, case in ipairs(taken) do
      local type, literal, value = table.unpack(case)
      local db, Thing = thing(type)
      store(db, literal)
      local s = db.session
      local object = Thing.query:one()
      assert.equal(value, object.value)
      assert.equal(math.type(value), math.type(object.value))
      assert.equal(value, s:query(Thing.value):scalar())
      assert.equal(value, s:execute(mr.select(Thing.value)):scalar())
      assert.equal(value, s:query(mr.func.max(Thing.value)):scalar())
      s:refresh(object)
      assert.equal(value, object.value)
      s:remove()
      assert.equal(value, db.session:get(Thing, 1).value)
    end
  end)

  it("that is none of its type's is refused, and named, on every path", function()
    for _, case in ipairs(refused) do
      local type, literal, shown = table.unpack(case)
      local db, Thing = thing(type)
      store(db, literal)
      local s = db.session
      local words = { "Thing.value of Thing 1 holds " .. shown, "which is no ", "bad_values" }
      refuse("DataError", words, function() return Thing.query:all() end)
      refuse("DataError", words, function() return s:get(Thing, 1) end)
      refuse("DataError", { "Thing.value of row 1 of the result holds " .. shown }, function()
        return s:query(Thing.value):all()
      end)
      refuse("DataError", { "Thing.value", shown }, function() return s:execute(mr.select(Thing.value)):all() end)
      refuse("DataError", words, function()
        return s:query(Thing):from_statement(mr.text "SELECT * FROM thing"):all()
      end)
      s:execute(mr.text "UPDATE thing SET value = NULL")
      local object = Thing.query:one()
      assert.is_nil(object.value)
      s:execute(mr.text("UPDATE thing SET value = " .. literal))
      refuse("DataError", words, function() s:refresh(object) end)
      s:expire(object)
      refuse("DataError", words, function() return object.value end)
    end
  end)

  it("that is refused has its statement in the error, and the session goes on", function()
    local db, Thing = thing(mr.Integer)
    store(db, "1", "'abc'", "3")
    local e = refuse("DataError", 'Thing.value of Thing 2 holds "abc", which is no integer', function()
      return Thing.query:order_by(Thing.id):all()
    end)
    assert.matches("FROM thing", e.statement, 1, true)
    assert.equal(3, Thing.query:filter(Thing.id:eq(3)):one().value)
    db.session:add(Thing{ id = 4, value = 4 })
    db.session:commit()
    assert.equal("integer 4", stored(db, 4))
  end)

  it("is named by the whole key, and by the class that it is of", function()
    local db = mr.open "sqlite://"
    local Slot = db.Model:extend("Slot", {
      room = db.Column{ db.String(9), primary_key = true }, hour = db.Column{ db.Integer, primary_key = true },
      free = db.Column{ "is_free", db.Boolean },
    })
    db:create_all()
    db.session:execute(mr.text "INSERT INTO slot VALUES ('blue', 7, 'maybe')")
    refuse("DataError", { "Slot.free of Slot ('blue', 7) holds \"maybe\", which is no boolean" }, function()
      return Slot.query:all()
    end)
    assert.equal(1, Slot.query:count())
  end)

  it("is refused in an item of a joined collection, under its own name", function()
    local db = mr.open "sqlite://"
    local Team = db.Model:extend("Team", {
      id = db.Column{ db.Integer, primary_key = true }, members = db.relationship{ "Member", back_populates = "team" },
    })
    local Member = db.Model:extend("Member", {
      id = db.Column{ db.Integer, primary_key = true }, team_id = db.Column{ db.ForeignKey "team.id" },
      age = db.Column{ db.Integer }, team = db.relationship{ "Team", back_populates = "members" },
    })
    db:create_all()
    db.session:execute(mr.text "INSERT INTO team VALUES (1)")
    db.session:execute(mr.text "INSERT INTO member VALUES (1, 1, 'old'), (2, 1, 7)")
    db.session:commit()
    for _, load in ipairs{ mr.joinedload, mr.selectinload, mr.subqueryload, mr.lazyload } do
      local q = Team.query:options(load(Team.members))
      refuse("DataError", { 'Member.age of Member 1 holds "old"' }, function() return #q:one().members end)
      db.session:remove()
      if load ~= mr.lazyload then
        local team = q:execution_options{ bad_values = "null" }:one()
        local ages = {}
        for _, member in ipairs(team.members) do ages[member.id] = tostring(member.age) end
        assert.same({ "nil", "7" }, ages)
        db.session:remove()
      end
    end
    assert.equal(2, Member.query:execution_options{ bad_values = "keep" }:count())
  end)

  it("that an expression computes is left as it is, unless it would be taken for another value", function()
    local db, Thing = thing(mr.Integer)
    store(db, "1", "NULL")
    local s = db.session
    assert.equal("none", s:query(mr.func.coalesce(Thing.value, "none")):filter(Thing.id:eq(2)):scalar())
    assert.equal(1.5, s:query(Thing.value + 0.5):filter(Thing.id:eq(1)):scalar())
  end)
end)

describe("what a column's affinity has made of a value", function()
  it("is read as what was written, found by it, and stays what it is", function()
    for _, case in ipairs{
      { mr.Integer, "TEXT", 42, "text '42'" }, { mr.Integer, "VARCHAR(9)", -7, "text '-7'" },
      { mr.BigInteger, "TEXT", 0, "text '0'" },
      { mr.BigInteger, "TEXT", math.mininteger, "text '-9223372036854775808'" },
      { mr.Float, "TEXT", 1.5, "text '1.5'" }, { mr.Float, "TEXT", 2.0, "text '2.0'" },
      { mr.Boolean, "TEXT", true, "text '1'" },
      { mr.Text, "INTEGER", "42", "integer 42" }, { mr.String(9), "INTEGER_OR_TEXT", "7", "integer 7" },
      { mr.Text, "NUMERIC", "1.5", "real 1.5" }, { mr.Text, "INTEGER", "x1", "text 'x1'" },
    } do
      local db, Thing = thing(case[1], case[2])
      db.session:add(Thing{ id = 1, value = case[3] })
      db.session:commit()
      local object = Thing.query:one()
      assert.equal(case[3], object.value)
      assert.equal(math.type(case[3]), math.type(object.value))
      assert.equal(case[4], stored(db, 1))
      assert.equal(object, Thing.query:filter_by{ value = object.value }:one())
      object.value = nil
      object.value = case[3]
      assert.same({}, db:record(function() db.session:flush() end))
      assert.equal(case[3], db.session:query(Thing.value):scalar())
    end
  end)

  it("is refused where no such value would be stored so", function()
    for _, case in ipairs{ { mr.Integer, "'042'" }, { mr.Integer, "' 1'" },
      { mr.Integer, "'1.0'" }, { mr.Integer, "''" },
      { mr.BigInteger, "'9223372036854775808'" }, { mr.Float, "'1.50'" }, { mr.Float, "'x'" } } do
      local db, Thing = thing(case[1], "TEXT")
      store(db, case[2])
      refuse("DataError", "Thing.value of Thing 1", function() return Thing.query:all() end)
    end
  end)
end)

describe("bad_values", function()
  it("of a query hold for its get, too", function()
    local db, Thing = thing(mr.Integer, "TEXT")
    store(db, "'maybe'")
    refuse("DataError", "maybe", function() return Thing.query:get(1) end)
    assert.is_nil(Thing.query:execution_options{ bad_values = "null" }:get(1).value)
    db.session:remove()
    assert.equal("maybe", Thing.query:execution_options{ bad_values = "keep" }:get(1).value)
    db.session:remove()
    assert.is_nil(Thing.query:execution_options{ bad_values = "null", populate_existing = true }:get(1).value)
    assert.is_nil(Thing.query:execution_options{ bad_values = "null" }:get(2))
  end)

  it("raises by default and when asked to", function()
    local db, Thing = thing(mr.Boolean)
    store(db, "1", "'maybe'", "0")
    refuse("DataError", "maybe", function() return Thing.query:all() end)
    refuse("DataError", "maybe", function() return Thing.query:execution_options{ bad_values = "raise" }:all() end)
  end)

  it("reads nil, and writes nothing that was not set", function()
    local db, Thing = thing(mr.Boolean)
    store(db, "1", "'maybe'", "0")
    local q = Thing.query:order_by(Thing.id):execution_options{ bad_values = "null" }
    local all = q:all()
    assert.equal(3, #all)
    assert.same({ true, "nil", false }, { all[1].value, tostring(all[2].value), all[3].value })
    assert.same({}, db:record(function() db.session:flush() end))
    assert.equal("text 'maybe'", stored(db, 2))
    all[2].value = nil -- the program sets it: this is a change
    db.session:commit()
    assert.equal("null NULL", stored(db, 2))
  end)

  it("keeps what is stored, which can be put back unchanged and replaced", function()
    for _, case in ipairs(refused) do
      local type, literal = table.unpack(case)
      local db, Thing = thing(type)
      store(db, literal)
      local before = stored(db, 1)
      local object = Thing.query:execution_options{ bad_values = "keep" }:one()
      local value = object.value
      assert.is_not_nil(value)
      assert.same({}, db:record(function()
        object.value = value
        db.session:flush()
      end))
      assert.equal(before, stored(db, 1))
      object.value = nil
      object.value = value
      assert.same({}, db:record(function() db.session:flush() end))
      object.value = nil
      db.session:commit()
      assert.equal("null NULL", stored(db, 1))
    end
  end)

  it("goes with columns, selects, and the options of a call", function()
    local db, Thing = thing(mr.Integer)
    store(db, "1", "'abc'", "3")
    local s = db.session
    local rows = s:query(Thing.value):order_by(Thing.id):execution_options{ bad_values = "keep" }:all()
    assert.same({ 1, "abc", 3 }, { rows[1][1], rows[2][1], rows[3][1] })
    local stmt = mr.select(Thing.value):order_by(Thing.id)
    local list = s:execute(stmt, nil, { bad_values = "null" }):all()
    assert.same({ 1, "nil", 3 }, { list[1][1], tostring(list[2][1]), list[3][1] })
    assert.equal(3, #s:query(Thing):from_statement(mr.text "SELECT * FROM thing")
      :execution_options{ bad_values = "keep" }:all())
  end)

  it("keeps a key that is none, so that its row can be mended", function()
    local db = mr.open "sqlite://"
    local Thing = db.Model:extend("Thing", { id = db.Column{ db.BigInteger, primary_key = true, autoincrement = false },
      name = db.Column{ db.Text } })
    db.session:execute(mr.text "CREATE TABLE thing (id PRIMARY KEY, name TEXT)")
    db.session:execute(mr.text "INSERT INTO thing VALUES (1, 'a'), ('x', 'b')")
    db.session:commit()
    refuse("DataError", { 'Thing.id of row 2 of the result holds "x"' }, function()
      return Thing.query:order_by(Thing.name):all()
    end)
    for _, how in ipairs{ "keep", "null" } do
      local all = Thing.query:order_by(Thing.name):execution_options{ bad_values = how }:all()
      assert.same({ 1, "x" }, { all[1].id, all[2].id })
      all[2].name = how
      db.session:flush()
      assert.equal(how, db.session:execute(mr.text "SELECT name FROM thing WHERE id = 'x'"):scalar())
      db.session:expunge(all[2])
    end
  end)

  it("keeps a version that is none, so that its row can be written", function()
    for _, how in ipairs{ "keep", "null" } do
      local db = mr.open "sqlite://"
      local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true },
        name = db.Column{ db.Text }, version = db.Column{ db.DateTime },
        __mapper_args = { version_id_col = "version",
          version_id_generator = function() return mr.datetime "2024-01-01 00:00:00" end } })
      db:create_all()
      db.session:execute(mr.text "INSERT INTO thing VALUES (1, 'a', 'soon'), (2, 'b', 'soon')")
      db.session:commit()
      local all = Thing.query:order_by(Thing.id):execution_options{ bad_values = how }:all()
      all[1].name = "c"
      db.session:delete(all[2])
      db.session:commit()
      local left = Thing.query:one()
      assert.equal("c", left.name)
      assert.equal(mr.datetime "2024-01-01 00:00:00", left.version)
    end
  end)

  it("refuses other words", function()
    local _, Thing = thing(mr.Integer)
    refuse("ArgumentError", { "bad_values", '"raise", "null" or "keep"' }, function()
      return Thing.query:execution_options{ bad_values = "ignore" }
    end)
    refuse("ArgumentError", "bad_values", function() return Thing.query:execution_options{ bad_values = true } end)
  end)
end)

describe("a stored value that breaks the declaration", function()
  local function broken(type, literal)
    local db, Thing = thing(type)
    store(db, literal)
    return db, Thing, function()
      return Thing.query:execution_options{ bad_values = "keep" }:one()
    end
  end

  for name, case in pairs{
    ["a string that is too long"] = { mr.String(3), "'Müller'", "Müller" },
    ["text that is no choice of an Enum"] = { mr.Enum("a", "b"), "'other'", "other" },
  } do
    it("is written back unchanged: " .. name, function()
      local db, Thing, read = broken(case[1], case[2])
      local object = read()
      assert.equal(case[3], object.value)
      object.value = object.value
      object.value = nil
      object.value = case[3]
      assert.same({}, db:record(function() db.session:flush() end))
      db.session:commit() -- now it is expired
      object.value = case[3]
      db.session:commit()
      assert.equal(case[3], object.value)
      local copy = db.session:merge(Thing{ id = 1, value = case[3] })
      assert.equal(object, copy)
      db.session:commit()
      assert.equal("text " .. case[2], stored(db, 1))
      refuse("DataError", "Thing.value", function()
        object.value = case[3] .. "!"
        db.session:flush()
      end)
      db.session:rollback()
      refuse("DataError", "Thing.value", function()
        db.session:add(Thing{ id = 2, value = case[3] .. "!" })
        db.session:flush()
      end)
    end)

    it("keeps no other column from being written, nor the row from being made again: " .. name, function()
      local db = mr.open "sqlite://"
      local Thing = db.Model:extend("Thing", { id = db.Column{ db.Integer, primary_key = true },
        value = db.Column{ case[1] }, n = db.Column{ db.Integer, default = 0 },
        version = db.Column{ db.Integer }, __mapper_args = { version_id_col = "version" } })
      db:create_all()
      db.session:execute(mr.text(("INSERT INTO thing VALUES (1, %s, 0, 1)"):format(case[2])))
      db.session:commit()
      local object = Thing.query:execution_options{ bad_values = "keep" }:one()
      object.n = 1
      db.session:commit()
      assert.equal(1, object.n)
      assert.equal(case[3], object.value)
      db.session:delete(object)
      db.session:flush()
      mr.make_transient(object)
      db.session:add(object)
      db.session:commit()
      assert.equal("text " .. case[2], stored(db, 1))
    end)
  end

  it("may be an object's key", function()
    local db = mr.open "sqlite://"
    local Thing = db.Model:extend("Thing", { id = db.Column{ db.String(3), primary_key = true },
      n = db.Column{ db.Integer } })
    db:create_all()
    db.session:execute(mr.text "INSERT INTO thing VALUES ('longer', 1)")
    local object = db.session:get(Thing, "longer")
    object.n = 2
    object.id = "longer"
    db.session:commit()
    assert.equal(2, db.session:get(Thing, "longer").n)
  end)
end)
