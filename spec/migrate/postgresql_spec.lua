-- The steps of a migration in PostgreSQL's words: plain ALTER TABLE.

local mr = require "moonrow"
-- What a step sends, without what is remembered of it.
local function sql(fn)
  local db, list = mr.open "mock+postgresql://", {}
  for _, record in ipairs(db:record(function() db:migrate("spec", { { "step", fn } }) end)) do
    local statement = record.statement
    if not statement:find "moonrow_steps" and not statement:find "^SELECT" then list[#list + 1] = statement end
  end
  return list
end

describe("in PostgreSQL", function()
  it("columns are altered in place", function()
    assert.same({
      'ALTER TABLE "hero" ADD COLUMN mana INTEGER',
      'UPDATE "hero" SET "mana" = (7)',
      'ALTER TABLE "hero" ALTER COLUMN "mana" SET NOT NULL',
    }, sql(function(m) m:add_column("hero", "mana", mr.Integer, { default = 7, nullable = false }) end))
    assert.same({
      'ALTER TABLE "hero" ADD COLUMN clan_id INTEGER',
      'ALTER TABLE "hero" ADD CONSTRAINT fk FOREIGN KEY(clan_id) REFERENCES clan (id) ON DELETE CASCADE',
      "CREATE INDEX ix_hero_clan_id ON hero (clan_id)",
      [[COMMENT ON COLUMN "hero"."clan_id" IS 'it''s']],
    }, sql(function(m)
      m:add_column("hero", mr.Column{ "clan_id", mr.Integer, index = true, comment = "it's",
        mr.ForeignKey("clan.id", { ondelete = "CASCADE", name = "fk" }) })
    end))
    assert.same({
      'ALTER TABLE "he ""ro" ALTER COLUMN "level" TYPE BIGINT USING level::bigint',
      'UPDATE "he ""ro" SET "level" = (1) WHERE "level" IS NULL',
      'ALTER TABLE "he ""ro" ALTER COLUMN "level" SET NOT NULL',
      [[ALTER TABLE "he ""ro" ALTER COLUMN "level" SET DEFAULT '5']],
      'ALTER TABLE "he ""ro" RENAME COLUMN "level" TO "rank"',
    }, sql(function(m)
      m:alter_column('he "ro', "level", { type = mr.BigInteger, using = "level::bigint", default = 1, nullable = false,
        server_default = "5", name = "rank" })
    end))
    assert.same({
      'ALTER TABLE "hero" ALTER COLUMN "a" DROP NOT NULL',
      'ALTER TABLE "hero" ALTER COLUMN "a" DROP DEFAULT',
      'ALTER TABLE "hero" DROP COLUMN "b"',
    }, sql(function(m)
      m:batch("hero", function(t)
        t:alter_column("a", { nullable = true, server_default = false })
        t:drop_column "b"
      end)
    end))
  end)

  it("keys, constraints and indexes are added and dropped by name", function()
    assert.same({
      'ALTER TABLE "hero" ADD CONSTRAINT uq UNIQUE (a, b)',
      'ALTER TABLE "hero" ADD CONSTRAINT ck CHECK (a > 0)',
      'ALTER TABLE "hero" ADD CONSTRAINT fk FOREIGN KEY(a) REFERENCES clan (id)',
      'ALTER TABLE "hero" ADD PRIMARY KEY (a)',
      "CREATE UNIQUE INDEX ix ON hero (a) WHERE a > 1",
      'ALTER TABLE "hero" DROP CONSTRAINT "uq"', 'ALTER TABLE "hero" DROP CONSTRAINT "ck"',
      'ALTER TABLE "hero" DROP CONSTRAINT "fk"', 'DROP INDEX "ix"', 'ALTER TABLE "hero" RENAME TO "person"',
      'DROP TABLE IF EXISTS "old"',
    }, sql(function(m)
      m:create_unique("uq", "hero", { "a", "b" })
      m:create_check("ck", "hero", "a > 0")
      m:create_foreign_key("fk", "hero", "a", "clan", "id")
      m:create_primary_key("hero", "a")
      m:create_index("ix", "hero", "a", { unique = true, where = "a > 1" })
      m:drop_unique("hero", "uq")
      m:drop_check("hero", "ck")
      m:drop_foreign_key("hero", "fk")
      m:drop_index "ix"
      m:rename_table("hero", "person")
      m:drop_table("old", { if_exists = true })
    end))
  end)

  it("tables are made with its types", function()
    assert.same({ "CREATE TABLE t ( id SERIAL NOT NULL, at TIMESTAMP WITHOUT TIME ZONE, PRIMARY KEY (id) )" },
      sql(function(m)
        m:create_table("t", mr.Column{ "id", mr.Integer, primary_key = true }, mr.Column{ "at", mr.DateTime })
      end))
  end)
end)
