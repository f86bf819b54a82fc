-- moonrow migrate on a PostgreSQL server: what it finds, what it writes, and what it leaves. It runs where
-- MOONROW_TEST_URL names a server.

local mr = require "moonrow"
local migrations = require "spec.support.migrations"
local postgresql = require "spec.support.postgresql"
local process = require "spec.support.process"

if not postgresql.url then
  pending "migrations of PostgreSQL: MOONROW_TEST_URL names no server"
  return
end

local BEFORE = [[
local mr = require "moonrow"
local Base = mr.declarative_base()
Base:extend("User", {
  id = mr.Column{ mr.Integer, primary_key = true },
  name = mr.Column{ mr.String(20), nullable = false, unique = true, comment = "who's it" },
  mood = mr.Column{ mr.Enum("sad", "happy", { name = "mood" }), nullable = false, server_default = "sad" },
  money = mr.Column{ mr.Numeric(10, 2) }, data = mr.Column(mr.JSON), tags = mr.Column(mr.Array(mr.Text)),
  born = mr.Column(mr.DateTime), code = mr.Column(mr.Uuid), kind = mr.Column(mr.Enum("a", "b")),
  __table_args = { mr.CheckConstraint{ "money > 0", name = "ck_money" }, comment = "all users" } })
Base:extend("Post", {
  id = mr.Column{ mr.BigInteger, mr.Identity{ start = 5 }, primary_key = true }, title = mr.Column{ mr.Text },
  user_id = mr.Column{ mr.ForeignKey("user.id", { ondelete = "CASCADE" }), index = true },
  n = mr.Column{ mr.Integer, mr.Computed("id * 2", { persisted = true }) },
  __table_args = { mr.Index{ "ix_low", mr.text "lower(title)", postgresql_where = "title <> ''" } } })
]]

local AFTER = [[
local mr = require "moonrow"
local Base = mr.declarative_base()
Base:extend("User", {
  id = mr.Column{ mr.BigInteger, primary_key = true },
  full = mr.Column{ mr.String(30), comment = "new" },
  mood = mr.Column{ mr.Enum("sad", "so so", "happy", { name = "mood" }), server_default = "happy" },
  money = mr.Column{ mr.Numeric(12, 2), nullable = false, server_default = "0" }, data = mr.Column(mr.JSONB),
  tags = mr.Column(mr.Array(mr.Text)), code = mr.Column(mr.Text), kind = mr.Column(mr.Enum("a", "b")),
  born = mr.Column{ mr.DateTime, postgresql_type = "TIMESTAMP WITH TIME ZONE" },
  level = mr.Column{ mr.Enum("lo", "hi", { name = "Lev el" }), nullable = false, server_default = "lo" },
  __table_args = { mr.CheckConstraint{ "money >= 0", name = "ck_money" } } })
Base:extend("Post", {
  id = mr.Column{ mr.BigInteger, mr.Identity{ start = 5 }, primary_key = true }, title = mr.Column{ mr.Text },
  user_id = mr.Column{ mr.ForeignKey("user.id", { ondelete = "SET NULL" }) },
  n = mr.Column{ mr.Integer, mr.Computed("id * 3", { persisted = true }) },
  __table_args = { mr.Index{ "ix_low", mr.text "lower(title)", postgresql_where = "title <> 'x'" },
    mr.UniqueConstraint{ "title", "n" }, comment = "it's" } })
Base:extend("Tag", { a = mr.Column{ mr.Integer, primary_key = true }, b = mr.Column{ mr.Integer, primary_key = true } })
]]

local at, url, engine

local function scalar(sql)
  local connection <close> = engine:connect()
  return connection:scalar(mr.text(sql))
end

local function has(text, parts)
  for _, part in ipairs(parts) do assert(text:find(part, 1, true), part .. "\n" .. text) end
end

describe("a step on PostgreSQL", function()
  it("loses no values, unless it is allowed", function()
    local db = mr.open(postgresql.fresh())
    local function migrate(fn, options) return pcall(db.migrate, db, "game", { { "one", fn } }, options) end
    db.session:execute(mr.text "CREATE TABLE hero (id INTEGER, mana INTEGER)")
    db.session:execute(mr.text "INSERT INTO hero VALUES (1, 7), (2, NULL)")
    db.session:commit()
    local ok, err = migrate(function(m) m:drop_column("hero", "mana") end)
    assert.is_false(ok)
    assert.matches("drop_column: 1 rows of 'hero' have a value in 'mana', which would be lost", tostring(err))
    ok, err = migrate(function(m) m:drop_table "hero" end)
    assert.is_false(ok)
    assert.matches("drop_table: 'hero' has 2 rows, which would be lost", tostring(err))
    assert.is_true(migrate(function(m)
      m:drop_table("nobody", { if_exists = true })
      m:drop_column("hero", "mana", { allow_loss = true })
      m:drop_table("hero", { allow_loss = true })
    end))
    db.engine:dispose()
  end)
end)

describe("moonrow migrate on PostgreSQL", function()
  before_each(function()
    url = postgresql.fresh()
    engine = mr.create_engine(url)
    at = migrations.new(BEFORE)
    at:write("migrations/config.lua", ("return { url = %q, models = 'models.lua' }"):format(url))
  end)
  after_each(function()
    engine:dispose()
    at:remove()
  end)

  it("makes tables with their types, comments and numbers, and takes all of it back", function()
    has(at:revision "-m first --autogenerate", { 'mr.Enum("sad", "happy", { name = "mood" })', "mr.Array(mr.Text)",
      'mr.Enum("a", "b")', "mr.Identity{ start = 5 }", [[{ comment = "all users" }]], [[comment = "who's it"]],
      'mr.Computed("(id * 2)", { persisted = true })', 'm:execute("DROP TYPE mood")' })
    local _, said = at:fine "upgrade"
    assert.is_nil(said:find("exists", 1, true))
    at:fine "check"
    assert.equal("all users", scalar [[SELECT obj_description('"user"'::regclass)]])
    at:fails("the database is older than the revisions", "revision -m x --autogenerate --url sqlite://")
    local _, agree = at:fine "revision -m nothing --autogenerate"
    has(agree, { "models and database agree" })
    at:fine "downgrade base"
    assert.equal("moonrow_revisions", scalar [[SELECT string_agg(relname, ' ') FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r']])
    assert.is_nil(scalar "SELECT to_regtype('mood')")
  end)

  it("finds every kind of difference, and what it writes makes it go, with the rows kept", function()
    at:fine "revision -m first --autogenerate"
    at:fine "upgrade"
    local connection <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
    connection:execute(mr.text [[INSERT INTO "user" (name, money, data, born, code)
      VALUES ('Ann', 3, '{"a": 1}', '2024-01-02 03:04:05', '00000000-0000-0000-0000-00000000000a')]])
    connection:execute(mr.text "INSERT INTO post (title, user_id) VALUES ('t', 1)")
    at:write("models.lua", AFTER)
    local lines, _, code = at:run "check"
    assert.equal(1, code)
    has(lines, { "type of 'user_id': BIGINT; in the database INTEGER", "values of 'mood'", "the comment all users",
      "expression of 'n': (id * 3); in the database (id * 2)", "tag: the database has no such table" })
    local text, said = at:revision "-m second --autogenerate --rename user.name=full"
    has(text, { [[ALTER TYPE mood ADD VALUE IF NOT EXISTS 'so so' AFTER 'sad']], 'm:drop_index("ix_low")',
      'm:drop_foreign_key("post", "post_user_id_fkey")', 'm:rename_column("user", "name", "full")',
      [[m:alter_column("user", "data", { type = mr.JSONB, using = "\"data\"::jsonb" })]],
      [[postgresql_type = "timestamp with time zone"]],
      [[m:create_unique("post_title_n_key", "post", { "title", "n" })]],
      [[postgresql_where = "title <> 'x'::text"]], [[COMMENT ON TABLE \"user\" IS NULL]],
      [[m:execute("DROP TYPE \"Lev el\"")]] })
    has(said, { "mood: a value of it can be used only when the revision has ended" })
    at:fine "upgrade"
    at:fine "check"
    assert.equal("Ann|3.00|1|lo|15", scalar [[SELECT u."full" || '|' || money || '|' || (data->>'a') || '|' || level
      || '|' || n FROM "user" u JOIN post p ON p.user_id = u.id]])
    at:fine "downgrade -1"
    at:write("models.lua", (BEFORE:gsub('"sad", "happy"', '"sad", "so so", "happy"')))
    assert.matches("^%x+ second has not run\n$", (at:run "check")) -- and nothing else: the value has stayed
    at:write("models.lua", AFTER)
    at:fine "upgrade"
    at:fine "check"
    at:fine "test"
    assert.equal(0, scalar "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'moonrow!_%' ESCAPE '!'")
  end)

  it("replaces a key, and says what it does not change", function()
    at:write("models.lua", [[
      local mr = require "moonrow"
      local Base = mr.declarative_base()
      Base:extend("Tag", { a = mr.Column{ mr.Integer, mr.Identity(), primary_key = true },
        b = mr.Column{ mr.Integer, primary_key = true }, d = mr.Column{ mr.Integer, mr.Computed "a + 1" } })]])
    local connection <close> = engine:connect{ isolation_level = "AUTOCOMMIT" }
    connection:execute "CREATE TABLE tag (a INTEGER CONSTRAINT odd PRIMARY KEY, b INTEGER NOT NULL, d INTEGER)"
    local text, said = at:revision "-m key --autogenerate"
    has(text, { 'm:create_primary_key("tag", { "a", "b" })' })
    has(said, { "tag.a: it is numbered by mr.Identity(), in the database by nothing",
      "tag.d: it is computed in the models, and stored in the database" })
    at:fine "upgrade"
    assert.equal("tag_pkey a,b", scalar [[SELECT conname || ' ' || string_agg(attname, ',' ORDER BY attnum)
      FROM pg_constraint c JOIN pg_attribute a ON attrelid = conrelid AND attnum = ANY (conkey)
      WHERE contype = 'p' AND conrelid = 'tag'::regclass GROUP BY conname]])
  end)

  it("makes and drops tables that refer to each other, in whatever order", function()
    at:write("models.lua", [[
      local mr = require "moonrow"
      local Base = mr.declarative_base()
      local function key(of, options) return mr.Column(mr.ForeignKey(of .. ".id", options or {})) end
      local id = function() return mr.Column{ mr.Integer, primary_key = true } end
      Base:extend("Zoo", { id = id(), best_id = key("ant", { name = "fk_best", use_alter = true }),
        above_id = key "zoo" })
      Base:extend("Ant", { id = id(), zoo_id = key("zoo", { deferrable = true, initially = "DEFERRED" }) })
      Base:extend("Bee", { id = id(), ant_id = key "ant", zoo_id = key "zoo" })]])
    local text = at:revision "-m first --autogenerate"
    has(text, { "m:create_foreign_key(", 'deferrable = true, initially = "DEFERRED"' })
    at:fine "upgrade"
    at:fine "check"
    at:write("models.lua", "require 'moonrow'.declarative_base()")
    at:fine "revision -m none --autogenerate"
    at:fine "upgrade"
    at:fine "check"
    assert.equal("moonrow_revisions", scalar [[SELECT string_agg(relname, ' ') FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r']])
    at:fine "downgrade -1"
    assert.equal(4, scalar [[SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace
      AND relkind = 'r']])
    assert.equal(5, scalar [[SELECT count(*) FROM pg_constraint WHERE contype = 'f'
      AND connamespace = current_schema()::regnamespace]])
    at:fine "downgrade base"
  end)

  it("leaves out tables that name a schema, and says so", function()
    local other = scalar "SELECT current_schema() || '_other'"
    at:write("models.lua", ([[
      local mr = require "moonrow"
      local Base = mr.declarative_base()
      Base:extend("Zoo", { id = mr.Column{ mr.Integer, primary_key = true } })
      Base:extend("Far", { id = mr.Column{ mr.Integer, primary_key = true }, zoo_id = mr.Column(mr.ForeignKey "zoo.id"),
        __table_args = { schema = %q } })]]):format(other))
    local text, said = at:revision "-m first --autogenerate"
    has(said, { other .. ".far names a schema, and is not compared" })
    assert.is_nil(text:find("far", 1, true))
    at:fine "upgrade"
    at:fine "check"
  end)

  it("tells names apart that differ in capitals alone", function()
    at:write("models.lua", [[
      local mr = require "moonrow"
      local Base = mr.declarative_base()
      for _, name in ipairs{ "Ant", "ant" } do
        Base:extend("C" .. name, { __tablename = name, id = mr.Column{ mr.Integer, primary_key = true },
          Id = mr.Column{ "Id", mr.Text } })
      end]])
    at:fine "revision -m first --autogenerate"
    at:fine "upgrade"
    at:fine "check"
    assert.equal(4, scalar [[SELECT count(*) FROM information_schema.columns WHERE lower(table_name) = 'ant'
      AND table_schema = current_schema()]])
  end)

  it("keeps a revision whole or not at all, and lets one of two programs wait for the other", function()
    at:write("migrations/aa1_x.lua", [[return { revision = "aa1", message = "one", upgrade = function(m)
      m:execute "CREATE TABLE a (x INTEGER)"
      m:execute "SELECT pg_sleep(0.5)"
    end }]])
    local command = ("cd '%s' && '%s' migrate upgrade"):format(at.path, at.host)
    local output, ok = process.run(("( (%s) & (%s); a=$?; wait $! && exit $a )"):format(command, command))
    assert.is_true(ok, output)
    assert.equal(1, select(2, output:gsub("upgraded to", "")))
    assert.equal(1, scalar "SELECT count(*) FROM moonrow_revisions")
    at:write("migrations/aa2_x.lua", [[return { revision = "aa2", down_revision = "aa1", message = "two",
      upgrade = function(m)
        m:execute "CREATE TABLE b (x INTEGER)"
        m:execute "INSERT INTO a VALUES ('no number')"
      end }]])
    at:fails("no number", "upgrade")
    assert.is_nil(scalar "SELECT to_regclass('b')")
    assert.equal(1, scalar "SELECT count(*) FROM moonrow_revisions")
  end)
end)
