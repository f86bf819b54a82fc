-- Names of constraints and indexes by convention. Behaviour of SQLAlchemy's test/sql/test_metadata
-- (NamingConventionTest) and test/sql/test_constraints.

local mr = require "moonrow"
local ddl = require "spec.support.ddl"
local refuse = require "spec.support.refuse"

local all = {
  ix = "ix_%(column_0_label)s",
  uq = "uq_%(table_name)s_%(column_0_name)s",
  ck = "ck_%(table_name)s_%(constraint_name)s",
  fk = "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
  pk = "pk_%(table_name)s",
}

local function metadata(convention) return mr.MetaData{ naming_convention = convention } end

local function id() return mr.Column{ "id", mr.Integer, primary_key = true } end

-- CREATE TABLE of a table with these parts in a metadata with this convention.
local function sql(convention, ...) return tostring(mr.CreateTable(mr.Table("t", metadata(convention), ...))) end

describe("a naming convention", function()
  it("names every kind, written with columns or with the table", function()
    local db = mr.open("sqlite://", { metadata = metadata(all) })
    db.Model:extend("User", {
      id = db.Column{ db.Integer, primary_key = true },
      name = db.Column{ db.String(20), unique = true },
      mail = db.Column{ db.String(20), index = true },
      __table_args = { db.CheckConstraint("id > 0", { name = "positive" }), db.UniqueConstraint("mail", "name") },
    })
    db.Model:extend("Post", { id = db.Column{ db.Integer, primary_key = true },
                              user_id = db.Column{ db.Integer, db.ForeignKey "user.id" } })
    assert.same({
      "CREATE TABLE user ( id INTEGER NOT NULL, name VARCHAR(20), mail VARCHAR(20), "
        .. "CONSTRAINT pk_user PRIMARY KEY (id), CONSTRAINT ck_user_positive CHECK (id > 0), "
        .. "CONSTRAINT uq_user_mail UNIQUE (mail, name), CONSTRAINT uq_user_name UNIQUE (name) )",
      "CREATE INDEX ix_user_mail ON user (mail)",
      "CREATE TABLE post ( id INTEGER NOT NULL, user_id INTEGER, CONSTRAINT pk_post PRIMARY KEY (id), "
        .. "CONSTRAINT fk_post_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) )",
    }, ddl.created(db))
    local e = refuse("IntegrityError", "ck_user_positive", db.session.execute, db.session,
      mr.text "INSERT INTO user (id) VALUES (-1)")
    assert.truthy(e)
  end)

  it("leaves given names as they are, unless it uses them", function()
    ddl.has(sql(all, mr.Column("a", mr.Integer), mr.UniqueConstraint("a", { name = "mine" })), "CONSTRAINT mine UNIQUE")
    ddl.has(sql(all, mr.Column("a", mr.Integer), mr.CheckConstraint("a", { name = "x" })), "CONSTRAINT ck_t_x CHECK")
    ddl.has(
      sql({ uq = "uq_%(constraint_name)s" }, mr.Column("a", mr.Integer), mr.UniqueConstraint("a", { name = "x" })),
      "CONSTRAINT uq_x UNIQUE")
  end)

  it("without one for a kind leaves that kind without a name; indexes have ix_TABLE_COLUMN", function()
    local text = sql({ pk = "pk_%(table_name)s" }, id(), mr.Column("a", mr.Integer, { unique = true }))
    ddl.has(text, "CONSTRAINT pk_t PRIMARY KEY (id), UNIQUE (a)")
    local t = mr.Table("t", metadata{ pk = "x" }, mr.Column("a", mr.Integer, { index = true }))
    assert.equal("ix_t_a", t.indexes[1].name)
    t = mr.Table{ "t", mr.MetaData(), mr.Column("a", mr.Integer, { index = true }), schema = "s" }
    assert.equal("ix_s_t_a", t.indexes[1].name)
  end)

  it("needs a name where it uses one, and says so at the declaration", function()
    refuse("ArgumentError", { "'t'", "CheckConstraint", "no name", "ck_%(table_name)s_%(constraint_name)s" },
      sql, all, mr.Column("a", mr.Integer), mr.CheckConstraint "a > 0")
    refuse("ArgumentError", { "'t'", "CheckConstraint", "no name" },
      sql, all, mr.Column("a", mr.Integer, mr.CheckConstraint "a > 0"))
  end)

  it("takes no function in place of a pattern: functions are tokens", function()
    for _, kind in ipairs{ "ix", "uq", "ck", "fk", "pk" } do
      refuse("ArgumentError", "naming_convention: expected a pattern, got function", mr.MetaData,
        { naming_convention = { [kind] = function() return "x" end } })
    end
  end)

  it("knows any column by number, all of them with and without a sign between", function()
    local function uq(pattern)
      local text = sql({ uq = pattern }, mr.Column("a", mr.Integer), mr.Column("b", mr.Integer),
        mr.UniqueConstraint("a", "b"))
      return text:match "CONSTRAINT (%S+) UNIQUE"
    end
    assert.equal("uq_b", uq "uq_%(column_1_name)s")
    assert.equal("uq_t_a_b", uq "uq_%(table_name)s_%(column_0_N_name)s")
    assert.equal("uq_ab", uq "uq_%(column_0N_name)s")
    assert.equal("uq_t_a_t_b", uq "uq_%(column_0_N_label)s")
    assert.equal("uq_a", uq "uq_%(column_0_key)s")
  end)

  it("knows the referred table and columns of a foreign key of several columns", function()
    local md = metadata{ fk = "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s_"
      .. "%(referred_column_0_N_name)s" }
    mr.Table("r", md, mr.Column{ "x", mr.Integer, primary_key = true },
      mr.Column{ "y", mr.Integer, primary_key = true })
    local t = mr.Table("t", md, mr.Column("a", mr.Integer), mr.Column("b", mr.Integer),
      mr.ForeignKeyConstraint({ "a", "b" }, { "r.x", "r.y" }))
    ddl.has(tostring(mr.CreateTable(t)), "CONSTRAINT fk_t_a_b_r_x_y FOREIGN KEY(a, b) REFERENCES r (x, y)")
    assert.equal("fk_t_a_b_r_x_y", t.constraints[1].name)
    md = metadata{ fk = "fk_%(table_name)s_%(referred_table_name)s" }
    t = mr.Table("t", md, mr.Column{ "r_id", mr.Integer, mr.ForeignKey "r.id" }) -- before the table that it refers to
    mr.Table("r", md, id())
    ddl.has(tostring(mr.CreateTable(t)), "CONSTRAINT fk_t_r FOREIGN KEY(r_id)")
  end)

  it("has tokens of the program's own: functions of the constraint and its table", function()
    local seen = {}
    local convention = {
      uq = "uq_%(columns)s_%(table_name)s",
      columns = function(constraint, t)
        seen[#seen + 1] = t.name
        return table.concat(constraint.columns, "_and_")
      end,
    }
    ddl.has(sql(convention, mr.Column("a", mr.Integer), mr.Column("b", mr.Integer), mr.UniqueConstraint("a", "b")),
      "CONSTRAINT uq_a_and_b_t UNIQUE")
    assert.same({ "t" }, seen)
    local failing = { pk = "%(own)s", own = function() error "my own" end }
    local ok, e = pcall(sql, failing, id())
    assert.is_false(ok)
    assert.truthy(tostring(e):find "my own")
    failing.own = function() return 5 end
    refuse("ArgumentError", { "own", "a string", "5" }, sql, failing, id())
  end)

  it("is checked when it is given", function()
    refuse("ArgumentError", { "'table_nam'", "did you mean 'table_name'?" }, metadata, { pk = "pk_%(table_nam)s" })
    refuse("ArgumentError", { "'index'", "ix, uq, ck, fk and pk" }, metadata, { index = "x" })
    refuse("ArgumentError", { "naming_convention", "a table" }, metadata, "pk")
    refuse("ArgumentError", { "naming_convention", "5" }, metadata, { pk = 5 })
    refuse("ArgumentError", { "%(NAME)s" }, metadata, { pk = "pk_%(table_name" })
    refuse("ArgumentError", { "'naming_conventions'", "did you mean 'naming_convention'?" }, mr.MetaData,
      { naming_conventions = {} })
    refuse("ArgumentError", { "referred", "foreign keys" }, sql, { pk = "pk_%(referred_table_name)s" }, id())
  end)

  it("never makes an empty name", function()
    refuse("ArgumentError", { "'t'", "PrimaryKeyConstraint", "%(column_1_name)s", "empty" }, sql,
      { pk = "%(column_1_name)s" }, id())
    local own = { ix = "%(own)s", uq = "%(own)s", own = function() return "" end }
    refuse("ArgumentError", { "'t'", "UniqueConstraint", "%(own)s", "empty" }, sql, own, id(),
      mr.UniqueConstraint "id")
    local db = mr.open("sqlite://", { metadata = metadata(own) })
    db.Table("t", id(), mr.Index(nil, "id"))
    refuse("ArgumentError", { "'t'", "Index", "%(own)s", "empty" }, db.create_all, db)
  end)

  it("is each metadata's own", function()
    assert.is_nil(tostring(mr.CreateTable(mr.Table("t", mr.MetaData(), id()))):find "CONSTRAINT")
    ddl.has(sql(all, id()), "CONSTRAINT pk_t")
  end)

  it("names the constraints of mixins by the table of each class", function()
    local db = mr.open("sqlite://", { metadata = metadata(all) })
    local Aged = { age = db.Column{ db.Integer, db.CheckConstraint("age >= 0", { name = "old" }), unique = true },
                   __table_args = { db.Index(nil, "age") } }
    for _, name in ipairs{ "Cat", "Dog" } do
      db.Model:extend(name, { Aged, id = db.Column{ db.Integer, primary_key = true } })
    end
    local text = table.concat(ddl.created(db), "\n")
    for _, table_name in ipairs{ "cat", "dog" } do
      ddl.has(text, ("CONSTRAINT ck_%s_old CHECK (age >= 0)"):format(table_name))
      ddl.has(text, ("CONSTRAINT uq_%s_age UNIQUE (age)"):format(table_name))
      ddl.has(text, ("CREATE INDEX ix_%s_age ON %s (age)"):format(table_name, table_name))
    end
  end)
end)
