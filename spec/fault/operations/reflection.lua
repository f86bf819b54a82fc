-- Reflection: a database with a part of each kind is inspected, and its tables are made again.

local mr = require "moonrow"

return {
  setup = function()
    local engine = mr.create_engine "sqlite://"
    local conn = engine:connect{ isolation_level = "AUTOCOMMIT" }
    for _, sql in ipairs{
      "CREATE TABLE p (a, b, PRIMARY KEY (b, a))",
      [[CREATE TABLE t (id INTEGER PRIMARY KEY, n VARCHAR(20) DEFAULT 'x' CHECK (n <> '' AND (n > 1)), at DATETIME,
        g AS (n || 'y'), x, y, CONSTRAINT fk FOREIGN KEY (x, y) REFERENCES p ON DELETE CASCADE DEFERRABLE,
        CONSTRAINT u UNIQUE (n, at) ON CONFLICT REPLACE)]],
      "CREATE INDEX i ON t (lower(n), at COLLATE NOCASE DESC) WHERE n > 'a'",
      "CREATE TRIGGER tr AFTER INSERT ON p BEGIN SELECT 1; END", "CREATE VIEW v (one) AS SELECT id FROM t",
      "CREATE VIEW broken AS SELECT id FROM nobody", "CREATE VIRTUAL TABLE words USING fts5(body)",
      "INSERT INTO t (id, n, at) VALUES (1, 'a', 1709640429123), (2, 'b', 'odd')",
    } do conn:execute(sql) end
    conn:close()
    return { engine = engine }
  end,
  run = function(c)
    local md = mr.MetaData()
    local seen = md:reflect{ bind = c.engine, views = true }
    c.kinds = seen:kind "words" .. seen:kind "words_data" .. #seen:columns "v" .. #seen:triggers "p"
    c.choices = #seen:choices "t"
    seen:schema_names()
    c.alone = #mr.inspect(c.engine):indexes "t"
    c.sql = tostring(mr.CreateTable(md.tables.t)) .. tostring(mr.CreateIndex(md.tables.t.indexes[1]))
  end,
  check = function(c)
    assert(c.kinds == "virtualshadow11")
    assert(c.choices == 1)
    assert(c.sql:find("CONSTRAINT fk", 1, true))
  end,
}
