-- Behaviours that SQLAlchemy's own tests of types prove (test/sql/test_types, test/dialect/sqlite/test_types), restated
-- for our models. Those that other specs have had already, ORIGIN: FILE, TITLE:
--
-- test_types UserDefinedRoundTripTest.processing: decorator_spec, "sends what bind makes, and gives what result makes"
-- test_types UserDefinedRoundTripTest.plain_in_typedec_of_typedec: decorator_spec, "decorates another one: the
--   outer bind
--   is first, the inner result is first"
-- test_types UserDefinedRoundTripTest.expanding_in_typedec: decorator_query_spec, "convert values, each once: eq,
--   ne ..."
-- test_types UserDefinedTest.typedecorator_literal_render: decorator_query_spec, "are written with their values as
--   they are
--   sent, by `literal` where there is one"
-- test_types UserDefinedTest.typedecorator_impl: decorator_spec, "has its name, the SQL type and the arguments ..."
-- test_types UserDefinedTest.user_defined_dialect_specific_args: decorator_spec, "gives both functions the name of the
--   dialect"
-- test_types ExpressionTest.typedec_operator_adapt: decorator_query_spec, "keep the type: .., +, coalesce, max ..."
-- test_types ExpressionTest.bind_adapt_insert, bind_adapt_update: decorator_query_spec, "convert what they write,
--   and what
--   they return" (2)
-- test_types TypeDecoratorSpecialCasesTest.typedec_of_json, _of_array: decorator_places_spec, "around NAME is
--   written, found
--   and returned on each path" (2)
-- test_types VariantTest.compile, compile_composite: variant_spec, "gives a column another SQL type in one
--   dialect", "takes
--   several dialects at once" (2)
-- test_types VariantTest.one_dialect_is_req, illegal_dupe: variant_spec, "refuses ..." (2)
-- test_types VariantTest.bind_process: variant_spec, "sends the other dialect its own form"
-- test_types VariantTest.round_trip_sqlite_datetime: variant_spec, "stores, reads and compares in the dialect's form"
-- test_types JSONTest.bind_serialize_None, none_as_null, null: json_spec, "is SQL's where it is nil, and JSON's
--   where it is
--   mr.null", "is always SQL's under none_as_null", "is written as SQL's by an expression" (3)
-- test_types JSONTest.result_deserialize_default: json_spec, "gives tables of tables back"
-- test_types JSONTest.index_bind_proc_int, _str: query/json_path_spec, "sends each database its own path" (2)
-- test_types NumericRawSQLTest.decimal_fp, decimal_int: numeric_spec, "is read with the digits of the column ..." (2)
-- test_types CompileTest.numeric_plain, numeric_precision, numeric_scale: numeric_spec, "is called so in the table" (3)
-- test_types CompileTest.string_plain, string_length, text_plain: schema_spec, "spells the types" (3)
-- test_types TypeCoerceCastTest.vs_non_coerced_where_cast: cast_spec, "makes TYPE of TYPE in each form, and a criterion
--   finds it"; cast_bind: "reads the texts of other programs, NULL and named parameters" (2)
-- test_types PickleTest.eq_comparison: decorator_spec, "takes a value that the program finds equal for no change ..."
-- sqlite TestTypes.string_dates_passed_raise: types_spec, "refuses what is no date"
-- sqlite TestTypes.cant_parse_datetime_message: types_spec, "says which column holds text that is no date"
-- sqlite TestTypes.boolean: boolean_spelling_spec; stored_values_spec, "is read by the rule of its type, on every path"
-- sqlite JSONTest.rudimentary_roundtrip: json_spec; extract_subobject: query/json_path_spec, "goes by keys ..." (2)
-- sqlite DateTimeTest.custom_format_compact, DateTest.custom_format, TimeTest.custom_format: storage_spec, the
--   forms (3)
--
-- Those of schema objects are in spec/schema/behaviours_spec.lua.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db, Item, s

before_each(function()
  db = mr.open "sqlite://"
  Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
    e = db.Column{ db.Enum("one", "two", "three") }, b = db.Column{ db.Boolean }, i = db.Column{ db.Interval },
    d = db.Column{ db.Date }, t = db.Column{ db.Time }, dt = db.Column{ db.DateTime },
    bin = db.Column{ db.LargeBinary }, n = db.Column{ db.Numeric(8, 4) }, s = db.Column{ db.String(5) } })
  db:create_all()
  s = db.session
end)

-- Stores the value of the attribute, forgets the object, and returns what is read, and what stands in the file.
local function stored(name, value)
  local item = Item{ [name] = value }
  s:add(item)
  s:commit()
  local id = item.id
  s:expunge_all()
  return s:get(Item, id)[name], s:scalar(mr.text("SELECT " .. name .. " FROM item WHERE id = " .. id))
end

-- The condition of a query with its values written in.
local function written(criterion)
  return mr.select(Item.id):where(criterion):sql{ literals = true }:match "WHERE (.*)$"
end

describe("an Enum", function()
  it("is written and read as its word, in order of the rows", function() -- EnumTest.round_trip
    for _, word in ipairs{ "two", "two", "one", "three" } do s:add(Item{ e = word }) end
    s:commit()
    assert.same({ "two", "two", "one", "three" }, s:execute(mr.select(Item.e):order_by(Item.id)):scalars():all())
  end)

  it("is NULL where it has none", function() -- EnumTest.null_round_trip
    local read, file = stored("e", mr.null)
    assert.is_nil(read)
    assert.is_nil(file)
  end)

  it("takes none but its choices", function() -- EnumTest.validators_plain
    refuse("DataError", { "Item.e", '"four" is not a choice of Enum(one, two, three)' }, function()
      s:add(Item{ e = "four" })
      s:flush()
    end)
  end)

  it("may be searched by patterns that are no choices", function() -- EnumTest.validators_not_in_like_roundtrip
    for _, word in ipairs{ "one", "two", "three" } do s:add(Item{ e = word }) end
    s:commit()
    assert.equal(2, Item.query:filter(Item.e:like "%o%"):count())
    assert.equal(1, Item.query:filter(Item.e:startswith "th"):count())
  end)

  it("may be joined to texts that are no choices", function() -- EnumTest.validators_not_in_concatenate_roundtrip
    s:add(Item{ e = "one" })
    s:commit()
    assert.equal("one and more", s:scalar(mr.select(Item.e .. " and more")))
  end)

  it("in a list of IN finds each of its words", function() -- EnumTest.pep435_enum_expanding_in, plain words
    for _, word in ipairs{ "one", "two", "three" } do s:add(Item{ e = word }) end
    s:commit()
    assert.equal(2, Item.query:filter(Item.e:in_{ "one", "three" }):count())
  end)

  it("names the row and the stored word that is no choice", function() -- EnumTest.lookup_failure
    s:execute(mr.text "INSERT INTO item (id, e) VALUES (1, 'nine')")
    refuse("DataError", { 'Item.e of Item 1 holds "nine"', "Enum(one, two, three)" }, function()
      return s:get(Item, 1).e
    end)
  end)

  it("has the length of its longest word", function() -- EnumTest.length_native, none_length_non_native
    assert.truthy(tostring(mr.CreateTable(Item)):find("e VARCHAR(5)", 1, true))
  end)

  it("prints as it is written", function() -- EnumTest.repr
    assert.equal("Enum(a, bb)", tostring(mr.Enum("a", "bb")))
  end)

  it("has choices, each once, which are texts", function() -- EnumTest.duplicate_values_accepted: refused here
    refuse("ArgumentError", "the choice 'a' is there twice", mr.Enum, "a", "a")
    refuse("ArgumentError", "write its choices", mr.Enum)
    refuse("ArgumentError", "expected a string", mr.Enum, 1, 2)
  end)
end)

describe("a LargeBinary", function()
  it("holds all bytes, and nothing", function() -- BinaryTest.round_trip
    local all = {}
    for byte = 0, 255 do all[#all + 1] = string.char(byte) end
    local bytes = table.concat(all)
    assert.equal(bytes, (stored("bin", bytes)))
    assert.equal("", (stored("bin", "")))
    assert.is_nil((stored("bin", mr.null)))
  end)

  it("is compared with bytes, and with NULL", function() -- BinaryTest.comparison
    stored("bin", "a\0b")
    assert.equal(1, Item.query:filter(Item.bin:eq "a\0b"):count())
    assert.equal(0, Item.query:filter(Item.bin:eq "a"):count())
    assert.equal("item.bin IS NULL", written(Item.bin:eq(mr.null)))
  end)

  it("is written into SQL in hex", function() -- BinaryTest.literal_roundtrip
    assert.equal("item.bin = X'006127'", written(Item.bin:eq "\0a'"))
    stored("bin", "\0a'")
    assert.equal(1, s:scalar(mr.text("SELECT count(*) FROM item WHERE " .. written(Item.bin:eq "\0a'"))))
  end)
end)

describe("an Interval", function()
  it("is written from 1970 on, and read as it was", function() -- IntervalTest.roundtrip, non_native_adapt
    local span = mr.interval{ days = 4, hours = 1 }
    local read, file = stored("i", span)
    assert.is_true(read == span)
    assert.equal("1970-01-05 01:00:00.000000", file)
  end)

  it("is NULL where it has none", function() -- IntervalTest.null
    assert.is_nil((stored("i", mr.null)))
  end)
end)

describe("a Boolean", function()
  it("is 1 or 0 in the file, and true or false in Lua", function() -- BooleanTest.nonnative_processor_coerces_to_onezero
    local read, file = stored("b", true)
    assert.same({ true, 1 }, { read, file })
    read, file = stored("b", false)
    assert.same({ false, 0 }, { read, file })
    read, file = stored("b", mr.null)
    assert.is_nil(read)
    assert.is_nil(file)
  end)

  it("takes neither numbers nor texts", function() -- BooleanTest.bind_processor_coercion_*_str, _int_out_of_range
    for _, wrong in ipairs{ 0, 1, 15, "yes", "true" } do
      refuse("ArgumentError", { "Item.b", "a boolean" }, Item, { b = wrong })
    end
  end)

  it("that holds another number is named", function() -- BooleanTest.nonnative_processor_coerces_integer_to_boolean
    s:execute(mr.text "INSERT INTO item (id, b) VALUES (6, 5)")
    refuse("DataError", "Item.b of Item 6 holds 5", function() return s:get(Item, 6).b end)
  end)

  it("is unconstrained in the file: other programs may write NULL, 0 and 1", function() -- BooleanTest.unconstrained
    assert.is_nil(tostring(mr.CreateTable(Item)):find "CHECK")
  end)
end)

describe("values written into SQL", function()
  it("are dates and times in quotes", function() -- LiteralTest.render_datetime
    assert.equal("item.d = '2012-01-02'", written(Item.d:eq(mr.date(2012, 1, 2))))
    assert.truthy(written(Item.dt:eq(mr.datetime(2012, 1, 2, 3, 4, 5))):find("'2012-01-02 03:04:05'", 1, true))
    assert.truthy(written(Item.t:eq(mr.time(10, 1, 2))):find("'10:01:02'", 1, true))
  end)

  it("are texts with their quotes doubled", function() -- UserDefinedTest.typedecorator_literal_render_fallback_bound
    assert.equal("item.s = 'it''s'", written(Item.s:eq "it's"))
  end)

  it("are integers as they are", function() -- IntegerTest.integer_literal_processor
    assert.equal("item.id = 5", written(Item.id:eq(5)))
    refuse("ArgumentError", "Item.id", function() return Item.id:eq "5; DROP TABLE item" end)
  end)
end)

describe("a comparison", function()
  it("with null is IS NULL and IS NOT NULL, whatever the type", function() -- ExpressionTest.null_comparison
    for _, name in ipairs{ "e", "b", "i", "d", "t", "dt", "bin", "n", "s" } do
      assert.equal(("item.%s IS NULL"):format(name), written(Item[name]:eq(mr.null)))
      assert.equal(("item.%s IS NOT NULL"):format(name), written(Item[name]:ne(mr.null)))
    end
  end)

  it("gives the value beside a column the column's type", function() -- ExpressionTest.bind_adapt, bind_typing
    refuse("ArgumentError", { "Item.d", "a date" }, function() return Item.d:eq "x" end)
    refuse("ArgumentError", "Item.n", function() return Item.n:eq(1.5) end)
    assert.truthy(written(Item.d:eq "2012-01-02"):find("'2012-01-02'", 1, true))
  end)

  it("of what DISTINCT gives has the column's type", function() -- ExpressionTest.distinct
    s:add_all{ Item{ d = "2012-01-02" }, Item{ d = "2012-01-02" } }
    s:commit()
    assert.equal(mr.date(2012, 1, 2), s:scalar(mr.select(Item.d):distinct()))
    assert.equal(1, s:scalar(mr.select(mr.func.count(Item.d:distinct()))))
  end)

  it("of a cast NULL is NULL", function() -- TypeCoerceCastTest.coerce_none_cast
    assert.is_nil(s:scalar(mr.select(mr.cast(mr.null, mr.Integer))))
  end)
end)

describe("dates and times of SQLite", function()
  it("keep six digits of a second", function() -- sqlite DateTimeTest.time_microseconds
    local read, file = stored("dt", mr.datetime(2008, 6, 27, 12, 0, 0, 125))
    assert.equal(mr.datetime(2008, 6, 27, 12, 0, 0, 125), read)
    assert.equal("2008-06-27 12:00:00.000125", file)
  end)

  it("are their ISO texts", function() -- sqlite DateTest.default, TimeTest.default
    local read, file = stored("d", mr.date(2008, 6, 27))
    assert.equal(mr.date(2008, 6, 27), read)
    assert.equal("2008-06-27", file)
    read, file = stored("t", mr.time(0, 0, 0))
    assert.equal(mr.time(0, 0, 0), read)
    assert.equal("00:00:00", (tostring(file):sub(1, 8)))
  end)

  it("are named where a row has something else", function() -- sqlite TestTypes.cant_parse_datetime_message
    for name, word in pairs{ d = "date", t = "time", dt = "datetime" } do
      s:execute(mr.text("INSERT OR REPLACE INTO item (id, " .. name .. ") VALUES (1, '2004-05-21T00:00:00x')"))
      refuse("DataError", { "Item." .. name, "which is no", word }, function() return s:get(Item, 1)[name] end)
      s:rollback()
      s:expunge_all()
    end
  end)
end)

describe("a type", function()
  it("is equal to one of equal arguments", function() -- TypeAffinityTest.compare_type_affinity
    assert.is_true(mr.String(5) == mr.String(5))
    assert.is_false(mr.String(5) == mr.String(6))
    assert.is_false(mr.Integer == mr.BigInteger)
  end)

  it("prints with its arguments", function() -- AdaptTest.repr, str; ReprTest.type_repr
    assert.equal("String(5) Numeric(5, 2) Array(Integer) Integer", ("%s %s %s %s"):format(mr.String(5),
      mr.Numeric(5, 2), mr.Array(mr.Integer), mr.Integer))
  end)
end)
