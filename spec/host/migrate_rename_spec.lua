-- moonrow migrate: tables and columns that have another name now, and names of indexes that go from table to table.

local migrations = require "spec.support.migrations"
local saved = require "spec.support.saved"

local at -- the folder

local function rows(sql) return saved.sqlite3(at.path .. "/app.db", sql) end
local function models(text)
  at:write("models.lua", [[
local mr = require "moonrow"
local Base = mr.declarative_base()
]] .. text)
end

local BEFORE = [[
Base:extend("User", { id = mr.Column{ mr.Integer, primary_key = true, autoincrement = true },
  name = mr.Column{ mr.Text, unique = true }, boss_id = mr.Column{ mr.ForeignKey("user.id") } })
Base:extend("Post", { id = mr.Column{ mr.Integer, primary_key = true }, __table_args = {
  mr.CheckConstraint{ "user_id > 0 AND user_id <> length('user_id')", name = "ck" },
  mr.Index{ "ix", mr.text "user_id + 1", sqlite_where = "user_id > 3" } },
  user_id = mr.Column{ mr.ForeignKey("user.id", { ondelete = "CASCADE" }), index = true },
  twice = mr.Column{ mr.Integer, mr.Computed "user_id * 2" } })
]]
-- Everything of BEFORE under other names.
local AFTER = BEFORE:gsub("'user_id'", "'\1'"):gsub("user_id", "owner_no"):gsub("\1", "user_id")
  :gsub("user%.id", "person.no"):gsub('"User", { id', '"Person", { no'):gsub('"Post"', '"Mail"')
local RENAMES = " --rename user=person --rename post=mail --rename user.id=no --rename post.user_id=owner_no"

-- The statements of a revision's function.
local function body(text, name) return text:match(name .. " = function%(m%)%s*\n(.-)\n  end,") end

describe("moonrow migrate", function()
  if not migrations.has_host() then
    pending "the host has not been built"
    return
  end

  before_each(function()
    at = migrations.new ""
    models(BEFORE)
    at:fine "revision -m first --autogenerate"
    at:fine "upgrade"
    rows "INSERT INTO user (id, name) VALUES (5, 'Ann'), (9, 'Bob'); DELETE FROM user WHERE id = 9;"
    rows "INSERT INTO post (id, user_id) VALUES (1, 5)"
  end)
  after_each(function() at:remove() end)

  it("renames tables and columns, and nothing else of what has their names", function()
    models(AFTER)
    local text = at:revision("-m names --autogenerate" .. RENAMES)
    -- The names of indexes are made of those of columns.
    assert.equal([[
    m:rename_table("post", "mail")
    m:rename_table("user", "person")
    m:rename_column("mail", "user_id", "owner_no")
    m:rename_column("person", "id", "no")
    m:drop_index("ix_post_user_id")
    m:create_index("ix_mail_owner_no", "mail", { "owner_no" })]], body(text, "upgrade"))
    local schema = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'moonrow%' ORDER BY name"
    local before = rows(schema)
    at:fine "upgrade"
    at:fine "check"
    assert.equal("5|Ann\n1|5|10", rows "SELECT no, name FROM person; SELECT id, owner_no, twice FROM mail")
    assert.equal("10", rows "INSERT INTO person (name) VALUES ('Cid'); SELECT max(no) FROM person")
    at:fine "downgrade -1"
    assert.equal(before:gsub('"', ""), (rows(schema):gsub('"', "")))
    at:fine "test"
    saved.check(at.path .. "/app.db")
  end)

  it("drops a column that is not renamed, and says what it may be", function()
    models(AFTER)
    local _, said = at:revision("-m names --autogenerate --rename user=person --rename user.id=no")
    assert.matches("if 'mail' is 'post' under another name, say so: --rename post=mail", said, 1, true)
    assert.is_nil(said:find("--rename user", 1, true))
  end)

  it("makes a table with the indexes' names of one that goes", function()
    models(BEFORE:gsub('"Post"', '"Entry"'))
    local text = at:revision "-m names --autogenerate"
    assert.matches('m:drop_index%("ix"%)\n.*m:create_table%("entry"', body(text, "upgrade"))
    assert.matches('m:drop_index%("ix"%)\n.*m:create_table%("post"', body(text, "downgrade"))
    at:fine "upgrade"
    at:fine "check"
    at:fine "test"
  end)

  it("makes an index in another table than the one that had it", function()
    models(BEFORE:gsub('mr.Index{ "ix".-" } },', "},"):gsub('"user.id"%) } }%)', [["user.id") },
      __table_args = { mr.Index{ "ix", "name" } } })]], 1))
    at:fine "revision -m moved --autogenerate"
    at:fine "upgrade"
    at:fine "check"
    at:fine "test"
  end)

  it("refuses renames that cannot be", function()
    models(AFTER)
    for rename, words in pairs{ ["nix=person"] = "the database has no table nix",
      ["user=nix"] = "no class has the table nix", ["user.nix=no"] = "the database has no column user.nix",
      ["user.id=nix"] = "no class has a column person.nix", ["user.id=name"] = "the database has a column user.name",
      ["user=person=x"] = "no class has the table person=x" } do
      at:fails("--rename: " .. words, "revision -m x --autogenerate --rename user=person --rename " .. rename)
    end
    at:fails("--rename is TABLE.OLD=NEW or TABLE=NEW, and not 'user'", "revision -m x --autogenerate --rename user")
    models(BEFORE)
    at:fails("--rename: the database has a table post already", "revision -m x --autogenerate --rename user=post")
  end)

  it("tells that every table is dropped because no class was declared", function()
    models ""
    local text, said = at:revision "-m none --autogenerate"
    assert.matches("models.lua declares no class: every table of the database is dropped", said, 1, true)
    assert.equal('    m:drop_table("post")\n    m:drop_table("user")', body(text, "upgrade"))
  end)
end)
