-- db:check_schema: how a file and the classes of a program differ.

local mr = require "moonrow"
local saved = require "spec.support.saved"

local path, db

before_each(function()
  path = saved.path()
  db = mr.open("sqlite:///" .. path)
  db.Model:extend("Clan", { id = mr.Column{ mr.Integer, primary_key = true } })
  db.Model:extend("Hero", {
    id = mr.Column{ mr.Integer, primary_key = true },
    name = mr.Column{ mr.String(20), nullable = false, unique = true },
    mana = mr.Column{ mr.Integer, nullable = false, default = 7 },
    clan_id = mr.Column{ mr.ForeignKey "clan.id", index = true },
    __table_args = { mr.CheckConstraint("mana > 0", { name = "ck" }) },
  })
end)
after_each(function()
  db.engine:dispose()
  saved.remove(path)
end)

describe("db:check_schema", function()
  it("says nothing where they agree, and does not count what migrations remember", function()
    db:create_all()
    db:migrate("game", { { "01", function() end } })
    assert.same({}, db:check_schema())
  end)

  it("says nothing of another base's classes, nor of a default that a step has left", function()
    mr.declarative_base():extend("Other", { id = mr.Column{ mr.Integer, primary_key = true } })
    db:migrate("game", { { "01", function(m)
      m:create_table("clan", mr.Column{ "id", mr.Integer, primary_key = true })
      m:create_table("hero", mr.Column{ "id", mr.Integer, primary_key = true },
        mr.Column{ "name", mr.String(20), nullable = false, unique = true },
        mr.Column{ "clan_id", mr.ForeignKey "clan.id", index = true })
      m:execute "INSERT INTO hero (name) VALUES ('Ann')"
      m:add_column("hero", "mana", mr.Integer, { default = 7, nullable = false })
      m:create_check("ck", "hero", "mana > 0")
    end } })
    assert.same({}, db:check_schema())
  end)

  it("names each difference, with its table", function()
    saved.make(path, "CREATE TABLE hero (id INTEGER PRIMARY KEY, name TEXT, mana REAL NOT NULL DEFAULT 1, old INT,"
      .. " UNIQUE (old))",
      "CREATE TABLE extra (id INTEGER PRIMARY KEY)")
    assert.same({
      "clan: the database has no such table",
      "extra: no class has the table",
      "hero: NOT NULL of 'name': yes; in the database no",
      "hero: has not: UNIQUE (old)",
      "hero: no column 'old'",
      "hero: the database has no column 'clan_id'",
      "hero: the database has not: CHECK (mana > 0)",
      "hero: the database has not: UNIQUE (name)",
      "hero: the database has not: the foreign key (clan_id) to clan (id)",
      "hero: the database has not: the index 'ix_hero_clan_id' (clan_id)",
      "hero: type of 'mana': INTEGER; in the database REAL",
      "hero: type of 'name': VARCHAR(20); in the database TEXT",
    }, (function(list) table.sort(list) return list end)(db:check_schema()))
  end)
end)
