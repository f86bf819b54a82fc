-- Behaviours that SQLAlchemy's own tests of schema objects prove (test/sql/test_metadata, test_constraints,
--   test_defaults,
-- test_computed, test_identity_column, test/dialect/sqlite), restated for our models. Those that other specs have had
-- already, ORIGIN: FILE, TITLE:
--
-- test_computed DDLComputedTest.column_computed: computed_spec, "says STORED or VIRTUAL as persisted says"
-- test_computed DDLComputedTest.other_options: computed_spec, "is NOT NULL if it says so, and may have an index ..."
-- test_computed DDLComputedTest.server_default_onupdate: computed_spec, "is refused beside what else makes values ..."
-- test_computed DDLComputedTest.to_metadata: computed_spec, "is a mixin's and a base class's, each table with its own"
-- test_identity_column create_ddl: autoincrement_spec, "is written with its options in PostgreSQL"
-- test_identity_column nullable_kwarg: autoincrement_spec, "is refused, as it would be NOT NULL all the same"
-- test_identity_column identity_is_ignored_in_pk: autoincrement_spec, "is an integer primary key in SQLite"
-- test_identity_column IdentityTest.server_default_onupdate: autoincrement_spec, "does not go with what else makes
--   values"
-- test_identity_column IdentityTest.identity_autoincrement_false: the same
-- sqlite AutoIncrementTest.sqlite_autoincrement: autoincrement_spec, "is written by sqlite_autoincrement of a table"
-- sqlite AutoIncrementTest.sqlite_autoincrement_constraint: autoincrement_spec, "keeps the name of the key ..."
-- sqlite AutoIncrementTest.sqlite_no_autoincrement: autoincrement_spec, "is not written where nothing asks for it"
-- sqlite SQLTest.no_autoinc_on_composite_pk: autoincrement_spec, "by sqlite_autoincrement is refused without a key ..."
-- sqlite SQLTest.create_table_without_rowid, _strict, _without_rowid_strict: table_options_spec (3)
-- sqlite SQLTest.create_partial_index: index_spec, "is partial by where, one text for all or one for each database"
-- sqlite OnConflictDDLTest.column_not_null, column_many_clause, unique_constraint, primary_key_constraint,
--   check_constraint: conflict_clause_spec, "stands behind each constraint that says it" (5)
-- sqlite OnConflictDDLTest.unique_constraint_from_column, primary_key_constraint_from_column:
--   conflict_clause_spec, "of a
--   column's own constraints is said with the column" (2)
-- test_metadata PKAutoIncrementTest.single_string_illegal_autoinc, float_illegal_autoinc: autoincrement_spec, "=
--   true is
--   refused where no database numbers the column" (2)
-- test_metadata PKAutoIncrementTest.multi_integer_multi_autoinc: autoincrement_spec, "of two columns is one
--   mistake each"
-- test_metadata PKAutoIncrementTest.explicit_autoinc_but_fks: autoincrement_spec, "is written by autoincrement =
--   true of a
--   column, also of BigInteger and of a foreign key"
-- test_metadata NamingConventionTest.uq_name, ix_name, pk_conventions, fk_name_schema: naming_spec, "names every
--   kind" (4)
-- test_metadata NamingConventionTest.ck_name_required: naming_spec, "needs a name where it uses one ..."
-- test_metadata NamingConventionTest.uq_allcols_underscore_name, uq_allcols_merged_name: naming_spec, "knows any
--   column by
--   number, all of them with and without a sign between" (2)
-- test_metadata NamingConventionTest.fk_allcols_underscore_name: naming_spec, "knows the referred table and
--   columns ..."
-- test_metadata NamingConventionTest.custom: naming_spec, "has tokens of the program's own"
-- test_metadata NamingConventionTest.uq_name_already_conv: naming_spec, "leaves given names as they are ..."
-- test_metadata TableTest.append_column_existing_name: schema_spec, "is to have the name of another"
-- test_metadata MetaDataTest.fk_no_such_target_col_error_delayed: schema_spec, "is a foreign key to a column that
--   is not
--   there"; MetaDataTest.nonexistent: "is a foreign key to nowhere" (2)
-- test_metadata TableTest.pk_col_mismatch_one: table_mistakes_spec, "are a primary key without its columns ..."
-- test_metadata DialectKWArgTest.bad_kwarg_raise: table_options_spec, "refuse an unknown option ..."
-- test_metadata DialectKWArgTest.participating: table_options_spec, "take options of other databases ..."
-- test_metadata SchemaTest.default_schema_metadata_fk_alt_local: schema_name_spec, "is referred to by its name
--   alone ..."
-- test_constraints ConstraintGenTest.cycle_unnamed_fks, cycle_named_fks: constraint_spec, "need a name for that
--   key to be
--   dropped; making them needs none" (2)
-- test_constraints ConstraintGenTest.fk_column_use_alter_constraint_create: constraint_spec, "say by use_alter
--   which ..."
-- test_constraints ConstraintGenTest.check_constraint_create: constraint_spec, "of a table stands behind the columns"
-- test_constraints ConstraintCompilationTest.deferrable_column_fk: constraint_spec, "is deferrable, or not ..."
-- test_constraints ConstraintCompilationTest.column_level_ck_name: constraint_spec, "of a column stands in the column"
-- test_constraints ConstraintCompilationTest.functional_index_w_string_cols_combo: index_spec, "takes expressions ..."
-- test_constraints ConstraintCompilationTest.create_index_if_not_exists: ddl_spec, "shows it in another dialect,
--   and with
--   IF EXISTS"; create_index_schema: index_spec, "of a table in a schema is made in that schema" (2)
-- test_defaults DefaultRoundTripTest.insertmany, insert_values: default_value_spec, "that is a function is called
--   once" (2)
-- test_defaults DefaultRoundTripTest.update: default_value_spec, "is not used in an UPDATE, and onupdate not in an
--   INSERT"
-- test_defaults PKDefaultTest.pk_default: default_value_spec, "of a key is made before the row is sent, and known"
-- test_defaults PKIncrementTest.autoincrement: default_value_spec, "is numbered by the database ..."
-- test_defaults CurrentParametersTest.parameters: mapping/default_spec, "has the values that the object's row gets ..."
--
-- Those of the values of types are in spec/value/behaviours_spec.lua.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local ddl = require "spec.support.ddl"

local function plain(text) return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end
local function created(...) return plain(tostring(mr.CreateTable(mr.Table("t", mr.MetaData(), ...)))) end
local function key() return mr.Column("id", mr.Integer, { primary_key = true }) end
-- What stands between the parentheses behind the name of a table with these parts.
local function inside(...) return created(...):match "^CREATE TABLE t %( (.*) %)$" end

describe("the default of the database", function()
  it("is a text, with its quotes doubled", function() -- test_defaults DDLTest.string, string_w_quotes
    assert.equal("a VARCHAR DEFAULT 'x'", inside(mr.Column("a", mr.String, { server_default = "x" })))
    assert.equal("a VARCHAR DEFAULT 'it''s \"x\"'",
      inside(mr.Column("a", mr.String, { server_default = [[it's "x"]] })))
  end)

  it("is SQL as it is written, in parentheses where it is no single value", function()
    -- DDLTest.text, text_w_quotes; sqlite column_defaults_ddl
    assert.equal("a INTEGER DEFAULT (5 + 2)", inside(mr.Column("a", mr.Integer, { server_default = mr.text "5 + 2" })))
    assert.equal("a VARCHAR DEFAULT 'o''x'",
      inside(mr.Column("a", mr.String, { server_default = mr.text "'o''x'" })))
  end)

  it("may be a function of the database", function() -- DDLTest.sqlexpr
    assert.equal("a DATETIME DEFAULT CURRENT_TIMESTAMP",
      inside(mr.Column("a", mr.DateTime, { server_default = mr.func.now() })))
  end)

  it("stands before NOT NULL or behind it as the database takes it", function() -- sqlite DefaultsTest, round trip
    local db = mr.open "sqlite://"
    local Row = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ db.String, nullable = false, server_default = "x" } })
    db:create_all()
    db.session:execute(mr.text "INSERT INTO item (id) VALUES (1)")
    assert.equal("x", db.session:get(Row, 1).a)
  end)

  it("does not keep a default of the program from being used first", function() -- DefaultObjectTest.py_vs_server_...
    local db = mr.open "sqlite://"
    local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ db.Integer, default = 5, server_default = "7" } })
    db:create_all()
    db.session:add(Item{})
    db.session:commit()
    db.session:execute(mr.text "INSERT INTO item (id) VALUES (9)")
    assert.same({ 5, 7 }, db.session:execute(mr.select(Item.a):order_by(Item.id)):scalars():all())
  end)

  it("is no number: the cure is said", function() -- DefaultObjectTest.bad_arg_signature
    refuse("ArgumentError", { "server_default", "mr.text" }, mr.Column, "a", mr.Integer, { server_default = 5 })
  end)

  it("of the program is not written into the table", function() -- DefaultObjectTest.no_embed_in_sql
    assert.equal("a INTEGER", inside(mr.Column("a", mr.Integer, { default = 5 })))
    assert.equal("a INTEGER", inside(mr.Column("a", mr.Integer, { onupdate = 5 })))
  end)

  it("of a key that is no integer is fetched", function() -- SpecialTypePKTest.server_default, ServerDefaultsOnPKTest
    local db = mr.open "sqlite://"
    local Item = db.Model:extend("Item", {
      id = db.Column{ db.String, primary_key = true, server_default = mr.text "'k' || (6 * 7)" } })
    db:create_all()
    local item = Item{}
    db.session:add(item)
    db.session:flush()
    assert.equal("k42", item.id)
  end)

  it("of a key of integers makes it one that is not numbered", function()
    -- PKAutoIncrementTest.single_integer_server_default
    local db = mr.open "sqlite://"
    local Item = db.Model:extend("Item", {
      id = db.Column{ db.BigInteger, primary_key = true, server_default = "7" }, v = db.Column{ db.Integer } })
    db:create_all()
    local item = Item{ v = 1 }
    db.session:add(item)
    db.session:flush()
    assert.equal(7, item.id)
  end)

  it("fills columns that an INSERT from a select does not name", function() -- InsertFromSelectTest.override_defaults
    local db = mr.open "sqlite://"
    local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ db.Integer }, b = db.Column{ db.Integer, default = 12 } })
    db:create_all()
    db.session:add_all{ Item{ a = 1, b = 1 }, Item{ a = 2, b = 2 } }
    db.session:flush()
    db.session:execute(mr.insert(Item):from_select({ "a" }, mr.select(Item.a + 10)))
    assert.same({ 12, 12 }, db.session:execute(mr.select(Item.b):where(Item.a:gt(10))):scalars():all())
  end)
end)

describe("a table", function()
  it("is made once in its metadata", function() -- MetaDataTest.dupe_tables, UseExistingTest.exception_no_flags
    local md = mr.MetaData()
    mr.Table("t", md, key())
    refuse("ArgumentError", "table 't' is already defined in this metadata", mr.Table, "t", md, key())
    mr.Table("t", mr.MetaData(), key())
  end)

  it("is found in its metadata by name", function() -- MetaDataTest.metadata_contains
    local md = mr.MetaData()
    local t = mr.Table("t", md, key())
    assert.is_true(md.tables.t == t)
    assert.is_nil(md.tables.u)
  end)

  it("comes after those that it refers to, whatever was declared first", function() -- MetaDataTest.sort_by_..., manual
    local md = mr.MetaData()
    mr.Table("child", md, key(), mr.Column("p", mr.ForeignKey "parent.id"))
    mr.Table("grandchild", md, key(), mr.Column("c", mr.ForeignKey "child.id"))
    mr.Table("parent", md, key())
    local names = {}
    for _, t in ipairs(md.sorted_tables) do names[#names + 1] = t.name end
    assert.same({ "parent", "child", "grandchild" }, names)
  end)

  it("has one column of a name", function() -- TableTest.table_ctor_duplicated_column_name
    refuse("ArgumentError", "two columns named 'a'", created, mr.Column("a", mr.Integer), mr.Column("a", mr.String))
  end)

  it("refuses what is no part of one", function() -- TableTest.invalid_objects
    refuse("ArgumentError", "a Column, a constraint or an Index", mr.Table, "t", mr.MetaData(), key(), 5)
    refuse("ArgumentError", "a MetaData after the name", mr.Table, "t", key())
  end)

  it("has columns that cannot be put or replaced from outside", function() -- TableTest.c_immutable
    local t = mr.Table("t", mr.MetaData(), key())
    assert.is_false((pcall(function() t.c.id = mr.Column("x", mr.Integer) end)))
    assert.is_false((pcall(function() t.c.other = mr.Column("x", mr.Integer) end)))
    assert.equal("t.id", tostring(t.c.id))
  end)

  it("may have a column named as a function of the list", function() -- TableTest.c_mutator_names_ok
    local t = mr.Table("t", mr.MetaData(), key(), mr.Column("keys", mr.Integer), mr.Column("values", mr.Integer))
    assert.equal("t.keys", tostring(t.c.keys))
    assert.equal('t."values"', tostring(t.c["values"]))
  end)

  it("needs columns to be created", function() -- ddl of an empty table
    refuse("ArgumentError", "table 't' has no columns", created)
  end)

  it("of a reserved name, and such columns, is quoted", function()
    -- sqlite DialectTest.extra_reserved_words, quoted_...
    local t = mr.Table("order", mr.MetaData(), mr.Column("group", mr.Integer, { primary_key = true }),
      mr.Column("A b", mr.Integer))
    assert.equal('CREATE TABLE "order" ( "group" INTEGER NOT NULL, "A b" INTEGER, PRIMARY KEY ("group") )',
      plain(tostring(mr.CreateTable(t))))
  end)
end)

describe("a primary key", function()
  it("said as a constraint marks its columns, in the constraint's order", function() -- TableTest.pk_cols_sets_flags
    local t = mr.Table("t", mr.MetaData(), mr.Column("a", mr.Integer), mr.Column("b", mr.Integer),
      mr.PrimaryKeyConstraint("b", "a"))
    assert.same({ "t.b", "t.a" }, { tostring(t.primary_key[1]), tostring(t.primary_key[2]) })
    assert.equal("CREATE TABLE t ( a INTEGER NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (b, a) )",
      plain(tostring(mr.CreateTable(t))))
  end)

  it("with a name is one constraint", function() -- ConstraintCompilationTest.multiple
    assert.equal("a INTEGER NOT NULL, CONSTRAINT pk PRIMARY KEY (a)",
      inside(mr.Column("a", mr.Integer), mr.PrimaryKeyConstraint("a", { name = "pk" })))
  end)

  it("makes its columns NOT NULL", function() -- TableTest.pk_always_flips_nullable
    assert.equal("a VARCHAR NOT NULL, PRIMARY KEY (a)", inside(mr.Column("a", mr.String, { primary_key = true })))
    refuse("ArgumentError", "a key is never NULL", inside, mr.Column("a", mr.Integer,
      { primary_key = true, nullable = true }))
  end)

  it("of no columns, and a UNIQUE of none, is refused", function() -- ConstraintCompilationTest.empty_pkc, empty_uc
    refuse("ArgumentError", "at least one column", mr.PrimaryKeyConstraint)
    refuse("ArgumentError", "at least one column", mr.UniqueConstraint)
  end)

  it("of one integer is numbered, unless it refers or has a default", function()
    -- PKAutoIncrementTest.implicit_..., single_integer_default
    local db = mr.open "mock+postgresql://"
    local P = db.Model:extend("P", { id = db.Column{ db.Integer, primary_key = true } })
    db.Model:extend("C", { id = db.Column{ db.Integer, db.ForeignKey "p.id", primary_key = true } })
    db.Model:extend("D", { id = db.Column{ db.Integer, primary_key = true, default = 5 } })
    local sql = table.concat(ddl.created(db), "\n")
    assert.equal(1, select(2, sql:gsub("SERIAL", "")), sql)
    assert.truthy(sql:find("CREATE TABLE p %(%s*id SERIAL"), sql)
    assert.truthy(P)
  end)
end)

describe("a foreign key", function()
  local function refers(...)
    local md = mr.MetaData()
    mr.Table("p", md, mr.Column("id", mr.String(7), { primary_key = true }), mr.Column("n", mr.Integer))
    mr.Table("q", md, mr.Column("b", mr.ForeignKey "p.id"), mr.Column("n", mr.Integer))
    return plain(tostring(mr.CreateTable(mr.Table("t", md, ...))))
  end

  it("gives its column the type of what it refers to", function() -- ConstraintTest.type_propagate_standalone_fk_string
    assert.equal("CREATE TABLE t ( a VARCHAR(7), FOREIGN KEY(a) REFERENCES p (id) )",
      refers(mr.Column("a", mr.ForeignKey "p.id")))
  end)

  it("does so along a chain", function() -- ConstraintTest.type_propagate_chained_string_source_first
    assert.equal("CREATE TABLE t ( a VARCHAR(7), FOREIGN KEY(a) REFERENCES q (b) )",
      refers(mr.Column("a", mr.ForeignKey "q.b")))
  end)

  it("writes its name and its actions", function() -- ConstraintGenTest.pk_fk_constraint_create, deferrable_column_fk
    assert.equal("CREATE TABLE t ( a VARCHAR(7), CONSTRAINT fkx FOREIGN KEY(a) REFERENCES p (id) ON DELETE CASCADE ON "
      .. "UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED )",
      refers(mr.Column("a", mr.ForeignKey("p.id", { name = "fkx", ondelete = "CASCADE", onupdate = "SET NULL",
        deferrable = true, initially = "DEFERRED" }))))
  end)

  it("of several columns has as many targets", function() -- MetaDataTest.fk_mismatched_local_remote_cols
    refuse("ArgumentError", "as many columns as targets", mr.ForeignKeyConstraint, { "a" }, { "p.id", "p.n" })
    refuse("ArgumentError", "as many columns as targets", mr.ForeignKeyConstraint, { "a", "b" }, { "p.id" })
  end)

  it("of several columns refers to one table", function() -- ConstraintTest.invalid_composite_fk_check_strings
    refuse("ArgumentError", { "table 't'", "'p.id' and 'q.n'", "two tables" }, refers, mr.Column("a", mr.String(7)),
      mr.Column("b", mr.Integer), mr.ForeignKeyConstraint({ "a", "b" }, { "p.id", "q.n" }))
    refuse("ArgumentError", "two tables", refers, mr.Column("a", mr.Integer), mr.Column("b", mr.Integer),
      mr.ForeignKeyConstraint({ "a", "b" }, { "r.p.id", "s.p.n" }))
    assert.truthy(refers(mr.Column("a", mr.String(7)), mr.Column("b", mr.Integer),
      mr.ForeignKeyConstraint({ "a", "b" }, { "p.id", "p.n" })):find("REFERENCES p (id, n)", 1, true))
  end)

  it("names a column of its own table", function() -- MetaDataTest.fk_no_such_parent_col_error
    refuse("ArgumentError", "the foreign key names no column 'x'", refers, mr.Column("a", mr.String(7)),
      mr.ForeignKeyConstraint({ "x" }, { "p.id" }))
  end)

  it("is no other value", function() -- MetaDataTest.fk_given_non_col
    refuse("ArgumentError", "ForeignKey", mr.ForeignKey, 5)
    refuse("ArgumentError", "ForeignKey", mr.ForeignKey, "id")
  end)

  it("is refused when the tables are created, if its table never came", function() -- MetaDataTest.nonexistent
    local md = mr.MetaData()
    mr.Table("t", md, mr.Column("a", mr.Integer, mr.ForeignKey "nope.id"))
    refuse("ArgumentError", "foreign key of t.a to 'nope.id': there is no table 'nope'", md.create_all, md,
      { bind = mr.create_engine "sqlite://" })
  end)
end)

describe("a column", function()
  it("needs a type, or a foreign key to take it from", function() -- ColumnDefinitionTest.incomplete_key
    refuse("ArgumentError", { "'a' needs a type", "ForeignKey" }, mr.Column, "a")
  end)

  it("has a name that is not empty", function() -- ColumnDefinitionTest.name_none, name_blank
    refuse("ArgumentError", "needs a name", created, mr.Column(mr.Integer))
    assert.is_false((pcall(mr.Column, "", mr.Integer)))
  end)

  it("is of one table", function() -- ColumnDefinitionTest.no_shared_column_schema
    local c = mr.Column("a", mr.Integer)
    mr.Table("t", mr.MetaData(), c)
    refuse("ArgumentError", "is in the table 't' already", mr.Table, "u", mr.MetaData(), c)
  end)

  it("refuses options that it does not know", function() -- ColumnDefinitionTest.bogus, PKAutoIncrementTest.no_kw_args
    refuse("ArgumentError", "unknown option 'foo' for Column", mr.Column, "a", mr.Integer, { foo = 1 })
  end)

  it("that is unique and has an index has one unique index", function() -- ConstraintGenTest.index_create_inline
    local t = mr.Table("t", mr.MetaData(), mr.Column("a", mr.Integer, { unique = true, index = true }),
      mr.Column("b", mr.Integer, { unique = true }), mr.Column("c", mr.Integer, { index = true }))
    assert.equal("CREATE TABLE t ( a INTEGER, b INTEGER, c INTEGER, UNIQUE (b) )", plain(tostring(mr.CreateTable(t))))
    assert.same({ 2, true, "ix_t_a", false, "ix_t_c" },
      { #t.indexes, t.indexes[1].unique, t.indexes[1].name, t.indexes[2].unique, t.indexes[2].name })
  end)
end)

describe("constraints of a table", function()
  it("say UNIQUE with and without a name", function() -- ConstraintCompositionTest.define_unique_body_*, preamble_*
    assert.equal("a INTEGER, b INTEGER, UNIQUE (a), CONSTRAINT uq UNIQUE (a, b)",
      inside(mr.Column("a", mr.Integer), mr.Column("b", mr.Integer), mr.UniqueConstraint "a",
        mr.UniqueConstraint("a", "b", { name = "uq" })))
  end)

  it("say CHECK with their name", function() -- ConstraintCompositionTest.define_check_body, render_ck_constraint_inline
    assert.equal("a INTEGER, CONSTRAINT ck CHECK (a > 1)",
      inside(mr.Column("a", mr.Integer), mr.CheckConstraint("a > 1", { name = "ck" })))
  end)

  it("hold: CHECK and UNIQUE refuse a row in the database", function()
    -- ConstraintGenTest.check_, unique_constraint_create
    local db = mr.open "sqlite://"
    local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true },
      a = db.Column{ db.Integer }, b = db.Column{ db.Integer },
      __table_args = { db.CheckConstraint "a > b", db.UniqueConstraint("a", "b") } })
    db:create_all()
    local s = db.session
    s:add(Item{ a = 10, b = 5 })
    s:commit()
    for _, body in ipairs{ { a = 5, b = 10 }, { a = 10, b = 5 } } do
      s:add(Item(body))
      refuse("IntegrityError", "constraint failed", s.flush, s)
      s:rollback()
    end
    assert.equal(1, Item.query:count())
  end)
end)
