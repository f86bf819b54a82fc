-- A type of the program's own (TypeDecorator) in each place that a column has in a mapping: what says of which class a
-- row is, a part of a composite, a default, a version; around each kind of type; and what its functions may do.
local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local function same(v) return v end
local function prefixed()
  return mr.TypeDecorator{ impl = mr.String(20), name = "Prefixed",
    bind = function(v) return v and "k:" .. v end, result = function(v) return v and v:sub(3) end }
end

local function open(column_type)
  local db = mr.open "sqlite://"
  local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true },
    v = db.Column{ column_type }, n = db.Column{ db.Integer } })
  db:create_all()
  return db, Row
end

describe("a decorated column that polymorphic_on names", function()
  local function family(column_type)
    local db = mr.open "sqlite://"
    local Pet = db.Model:extend("Pet", { id = db.Column{ db.Integer, primary_key = true },
      kind = db.Column{ column_type }, __mapper_args = { polymorphic_on = "kind", polymorphic_identity = "pet" } })
    local Cat = Pet:extend("Cat", { lives = db.Column{ db.Integer },
      __mapper_args = { polymorphic_identity = "cat" } })
    return db, Pet, Cat
  end

  it("stores the identities by its functions, and finds the classes of rows by them", function()
    local db, Pet, Cat = family(prefixed())
    db:create_all()
    db.session:add_all{ Pet{}, Cat{ lives = 9 } }
    db.session:commit()
    db.session:expunge_all()
    assert.same({ "k:pet", "k:cat" }, db.session:scalars(mr.text "SELECT kind FROM pet ORDER BY id"):all())
    local all = Pet.query:order_by(Pet.id):all()
    assert.equal("{<Pet 1>, <Cat 2>}", tostring(all))
    assert.same({ "pet", "cat" }, { all[1].kind, all[2].kind })
    assert.equal(1, Cat.query:count())
    assert.equal(2, Pet.query:filter(Pet.kind:eq "cat"):one().id)
    db.session:execute(mr.insert(Cat), { { lives = 1 }, { lives = 2 } })
    assert.equal(3, Cat.query:count())
    assert.equal("<Cat 2>", tostring(db.session:get(Pet, 2)))
  end)

  it("says at the declaration what its function says of an identity", function()
    local strict = mr.TypeDecorator{ impl = mr.Text, name = "Strict",
      bind = function(v) return v == "cat" and error("no cats", 0) or v end }
    local e = refuse("MappingError", "", family, strict)
    assert.equal('Cat: polymorphic_identity: the function bind of the type Strict cannot convert string "cat": no cats',
      e.message)
    local wrong = mr.TypeDecorator{ impl = mr.Text, name = "Wrong", bind = function() return 5 end }
    e = refuse("MappingError", "", family, wrong)
    assert.equal("Pet: polymorphic_identity (what the function bind of the type Wrong gave): expected a string, got "
      .. "integer 5 (tostring makes one)", e.message)
  end)

  it("has two classes of one stored identity refused", function()
    local one = mr.TypeDecorator{ impl = mr.Text, name = "One", bind = function() return "x" end }
    refuse("MappingError", "Cat has the polymorphic_identity of Pet", family, one)
  end)
end)

describe("a decorated column", function()
  it("has defaults and onupdate in the program's values, and server_default in the stored one", function()
    local T = prefixed()
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true },
      one = db.Column{ T, default = "d" }, two = db.Column{ T, default = function() return "f" end },
      three = db.Column{ T, onupdate = function() return "u" end }, four = db.Column{ T, server_default = "k:s" },
      n = db.Column{ db.Integer } })
    db:create_all()
    local row = Row{}
    db.session:add(row)
    db.session:commit()
    row.n = 1
    db.session:commit()
    assert.same({ "d", "f", "u", "s" }, { row.one, row.two, row.three, row.four })
    db.session:execute(mr.insert(Row), { { n = 2 }, { n = 3 } })
    db.session:execute(mr.update(Row):where(Row.n:eq(3)):values{ n = 4 })
    assert.same({ "k:d|k:f|k:u|k:s", "k:d|k:f|-|k:s", "k:d|k:f|k:u|k:s" }, db.session:scalars(
      mr.text "SELECT one || '|' || two || '|' || ifnull(three, '-') || '|' || four FROM row ORDER BY id"):all())
  end)

  it("may be the version of its row, which counts in the program's values where they are made by a function", function()
    local Tens = mr.TypeDecorator{ impl = mr.Integer, name = "Tens", bind = function(v) return v and v * 10 end,
      result = function(v) return v and v // 10 end }
    local db = mr.open "sqlite://"
    local Doc = db.Model:extend("Doc", { id = db.Column{ db.Integer, primary_key = true }, t = db.Column{ db.Text },
      version = db.Column{ Tens, nullable = false }, __mapper_args = { version_id_col = "version",
        version_id_generator = function(version) return (version or 0) + 1 end } })
    db:create_all()
    local doc = Doc{ t = "a" }
    db.session:add(doc)
    db.session:commit()
    local first, stored = doc.version, db.session:scalar(mr.text "SELECT version FROM doc")
    assert.equal(stored, first * 10)
    db.session:execute(mr.text "UPDATE doc SET version = 500")
    doc.t = "b"
    refuse("StaleDataError", "Doc", db.session.flush, db.session)
    db.session:rollback()
  end)

  -- Around each kind of type: the program's value, and what is stored.
  local AROUND = {
    { "JSON", mr.JSON, function(v) return v and { w = v } end, function(v) return v and v.w end, "abc", '{"w":"abc"}' },
    { "Enum by position", mr.Enum("a", "b", { storage = "position" }), function(v) return v and v:lower() end,
      function(v) return v and v:upper() end, "B", 1 },
    { "scaled Numeric", mr.Numeric(10, 2, { storage = "scaled" }),
      function(v) return v and (mr.decimal(v) / 100):round(2) end,
      function(v) return v and (v * 100):tointeger() end, 1250, 1250 },
    { "DateTime as seconds", mr.DateTime{ storage = "unix" }, function(v) return v and mr.datetime.from_unix(v) end,
      function(v) return v and v:timestamp() end, 1000, 1000 },
    { "LargeBinary", mr.LargeBinary, function(v) return v and v:reverse() end,
      function(v) return v and v:reverse() end, "a\0b", "b\0a" },
    { "Array", mr.Array(mr.Integer), function(v) return v and { v, v + 1 } end, function(v) return v and v[1] end, 7,
      "[7,8]" },
    { "Interval as seconds", mr.Interval{ storage = "seconds" }, function(v) return v and mr.interval(v) end,
      function(v) return v and v.total_seconds end, 90.0, 90 },
    { "another decorator", prefixed(), function(v) return v and v:upper() end, function(v) return v and v:lower() end,
      "ab", "k:AB" },
  }
  for _, case in ipairs(AROUND) do
    local name, impl, bind, result, value, stored = table.unpack(case)
    it("around " .. name .. " is written, found and returned on each path", function()
      local db, Row = open(mr.TypeDecorator{ impl = impl, name = "Own", bind = bind, result = result })
      local s = db.session
      s:add(Row{ id = 1, v = value })
      s:commit()
      assert.equal(value, s:get(Row, 1).v)
      assert.equal(1, Row.query:filter(Row.v:eq(value)):count())
      assert.equal(1, Row.query:filter(Row.v:in_{ value }):count())
      assert.equal(1, Row.query:filter(Row.v:eq(mr.bindparam "x")):params{ x = value }:count())
      s:execute(mr.insert(Row), { { id = 2, v = value }, { id = 3, v = value } })
      assert.equal(value, s:execute(mr.insert(Row):values{ id = 4, v = value }:returning(Row.v)):scalar())
      local change = mr.update(Row):where(Row.v:eq(value)):values{ v = value, n = 1 }:returning(Row.id)
      assert.equal(4, #s:execute(change):all())
      s:execute(mr.update(Row), { { id = 2, v = value } })
      for id = 1, 4 do assert.equal(stored, s:scalar(mr.text "SELECT v FROM row WHERE id = :id", { id = id })) end
      s:commit()
      assert.equal(value, s:get(Row, 2).v)
    end)
  end
end)

describe("a type's function", function()
  local function bound(bind)
    local db, Row = open(mr.TypeDecorator{ impl = mr.Integer, name = "Own", bind = bind })
    return db.session, Row
  end

  it("that gives what is no value of the type is named, and the session goes on", function()
    local GIVEN = { { 1.5, "float 1.5" }, { "x", 'string "x"' }, { {}, "table" }, { print, "function" },
      { mr.func.now(), "an SQL expression" } }
    for _, given in ipairs(GIVEN) do
      local answer = given[1]
      local s, Row = bound(function() return answer end)
      s:add(Row{ v = 1 })
      refuse("ArgumentError", { "Row.v (what the function bind of the type Own gave)", "expected an integer",
        given[2] }, s.flush, s)
      s:rollback()
      answer = 7
      s:add(Row{ v = 1 })
      s:commit()
      assert.equal(7, s:scalar(mr.text "SELECT v FROM row"))
    end
  end)

  it("that fails for nil names the column", function()
    local s, Row = bound(function(v) return v.n end)
    s:add(Row{})
    refuse("DataError", "Row.v: the function bind of the type Own cannot convert nil", s.flush, s)
  end)

  it("that assigns to the column that it converts is told to leave the object alone", function()
    local s, Row, row
    s, Row = bound(function(v)
      row.v = 9
      return v
    end)
    row = Row{ v = 1 }
    s:add(row)
    refuse("InvalidRequestError", { "Row.v: the function bind of the column's type", "this very column" }, s.flush, s)
    s:rollback()
    assert.equal(0, Row.query:count())
  end)

  it("may assign to columns and objects that were converted before it", function()
    local db = mr.open "sqlite://"
    local calls = {}
    local first, last
    local function change(v) first.a, last.a = v * 10, v * 100 end
    local function own(name, also)
      return mr.TypeDecorator{ impl = mr.Integer, name = name, bind = function(v)
        calls[#calls + 1] = name
        if also then also(v) end
        return v
      end }
    end
    local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ "a", own "A" },
      b = db.Column{ "b", own("B", function(v) if v == 2 then change(v) end end) } })
    db:create_all()
    first, last = Row{ a = 1, b = 1 }, Row{ a = 1, b = 2 }
    db.session:add_all{ first, last }
    db.session:commit()
    assert.same({ "A", "B", "A", "B", "A", "A" }, calls)
    assert.same({ 20, 200 }, { first.a, last.a })
    assert.same({ 20, 200 }, db.session:scalars(mr.text "SELECT a FROM row ORDER BY id"):all())
  end)

  it("may not do so without an end", function()
    local db = mr.open "sqlite://"
    local row
    local function other(name)
      return mr.TypeDecorator{ impl = mr.Integer, bind = function(v)
        row[name] = v + 1
        return v
      end }
    end
    local Row = db.Model:extend("Row", { id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ other "b" }, b = db.Column{ other "a" } })
    db:create_all()
    row = Row{ a = 1, b = 1 }
    db.session:add(row)
    refuse("InvalidRequestError", "assign to columns again and again", db.session.flush, db.session)
    db.session:rollback()
    assert.equal(0, Row.query:count())
  end)

  it("may run queries, add objects, and use coroutines that end inside", function()
    local s, Row, n
    n = 0
    s, Row = bound(function(v)
      n = n + 1
      if n < 4 then s:add(Row{ v = n * 10 }) end
      Row.query:count()
      return coroutine.wrap(function() coroutine.yield(v) end)()
    end)
    s:add(Row{ v = 1 })
    s:commit()
    assert.equal(4, Row.query:count())
  end)

  it("that yields, or ends the transaction that it is called in, is refused with its name", function()
    local s, Row
    s, Row = bound(function(v) coroutine.yield() return v end)
    s:add(Row{ v = 1 })
    refuse("DataError", { "the function bind of the type Own", "it yields" }, coroutine.wrap(function() s:flush() end))
    s:rollback()
    for _, name in ipairs{ "commit", "rollback", "close" } do
      s, Row = bound(function(v) s[name](s) return v end)
      s:add(Row{ v = 1 })
      refuse("DataError", { "Row.v", name .. "() is not possible while the session is flushing" }, s.flush, s)
      s:rollback()
    end
  end)

  it("that calls itself by what it asks ends with an error, not with the program", function()
    local db, Row
    db, Row = open(mr.TypeDecorator{ impl = mr.Integer, name = "Own", bind = same,
      result = function() return Row.query:populate_existing():first().v end })
    db.session:add(Row{ v = 1 })
    db.session:commit()
    refuse("DataError", "the function result of the type Own", function() return Row.query:first().v end)
    assert.equal(1, db.session:scalar(mr.text "SELECT v FROM row"))
  end)

  it("that compares, and fails, leaves the two values different", function()
    local db, Row = open(mr.TypeDecorator{ impl = mr.Integer, name = "Own", bind = same,
      equal = function() error "no" end })
    local row = Row{ v = 1 }
    db.session:add(row)
    db.session:commit()
    row.v = row.v
    assert.is_true(db.session:is_modified(row))
    db.session:commit()
    assert.equal(1, row.v)
  end)
end)
