-- rows.lua: what `make bench` measures.
--
-- A set names the programs that run: the bare one, and work_* with a suffix. Its `fill` is the workload that fills
-- their database. A group has a set and rows. A row has
--   name        the name of its workload, which is also its name for ROW=
--   words       its description in the table
--   must, aim   limits of its ratio to the bare loop, or of its own figure if it has a unit
--   empty       the workload begins with empty tables
--   writes      compares the database afterwards, instead of the results that the programs print
--   times       multiplies the number of rounds, because times of a millisecond vary more
--   plain       the yardstick is a plain Lua table
--   beside      the yardstick is another workload of moonrow's, bare_workload; nobody else runs
--   alone       the bare loop and moonrow alone take part
--   of          a longer explanation for the legend

local item = { bare = "bare", suffix = "", fill = "insert" }
local product = { bare = "bare", suffix = "", fill = "fill-products" }
local million = { bare = "bare", suffix = "", fill = "million" }
local inherited = { bare = "bare_inherited", suffix = "_inherited", fill = "fill" }
local typed = { suffix = "_typed", fill = "fill" }
local tables = { bare = "bare_tables", suffix = "_tables", fill = "fill" }
local related = { bare = "bare_related", suffix = "_related", fill = "fill" }

return {
  { group = "reading", set = item,
    { name = "load", words = "load 100k entities, touch one attribute", must = 1.7, aim = 1.4 },
    { name = "load-all", words = "the same, touch all five", must = 2.1, aim = 1.8 },
    { name = "columns", words = "100k rows of columns", must = 2.0, aim = 1.7,
      of = "a query of the five columns instead of the class; one is read of each row" },
    { name = "get", words = "20k gets, autocommit", must = 1.15, aim = 1.05,
      of = "of 20k different rows that are not in memory" },
    { name = "get-in-transaction", words = "20k gets in a transaction", must = 1.8, aim = 1.5 },
    { name = "first", words = "20k filter_by{unique}:first()", set = product, must = 1.2, aim = 1.1,
      of = "of 20k texts in a unique column, autocommit; each query is built anew, in the C loop prepared once" } },
  { group = "criteria", set = product,
    { name = "where-text", words = '20k where"text":first()', bare_workload = "first", must = 1.3, aim = 1.2,
      of = "of a text that was read before, code == $code, with 20k values; as 20k filter_by{unique}:first()" } },
  { group = "types", set = typed,
    { name = "load-typed", words = "load 100k with four typed columns", beside = true, bare_workload = "load-plain",
      must = 1.3, aim = 1.2,
      of = "a DateTime, a Boolean, an Enum and a Numeric, beside moonrow with text and integers; one plain column is "
        .. "read" },
    { name = "load-typed-all", words = "the same, touch all", beside = true, bare_workload = "load-plain-all",
      must = 1.3,
      aim = 1.1 } },
  { group = "writing", set = item,
    { name = "insert", words = "insert 100k through add and commit", empty = true, writes = true, must = 2.7, aim = 2.3,
      of = "making the texts and the objects counts; in the C loop making the texts" },
    { name = "flush", words = "flush and commit in it alone", empty = true, writes = true, must = 1.3, aim = 1.1,
      of = "commit of 100k objects that were added before; in the C loop, too, the texts were made before" },
    { name = "change-each", words = "load 100k, change one of each, commit", writes = true, must = 1.4, aim = 1.2,
      of = "loading counts" },
    { name = "change", words = "change 100 of 100k loaded, commit", writes = true, times = 3, must = 1.1, aim = 1.0,
      of = "loading does not count" },
    { name = "change-of-1k", words = "change 100 of 1k loaded, commit", writes = true, times = 3 },
    { name = "import", words = "import of 300k rows (dicts)", empty = true, writes = true, must = 2.0, aim = 1.6,
      of = "session:execute(insert(Class), rows), commit; the tables were made before, in the C loop the texts" } },
  { group = "relationships", set = related,
    { name = "joined", words = "joined load, 10k parents, 100k children", must = 1.6, aim = 1.4 },
    { name = "selectin", words = "selectin load of the same", must = 1.6, aim = 1.4 },
    { name = "lazy", words = "lazy, 10k statements", must = 1.4, aim = 1.2 },
    { name = "batch", words = 'the same, lazy = "batch", 22 statements', bare_workload = "lazy", must = 0.9, aim = 0.7,
      of = "the C loop, LuaSQL and SQLAlchemy send the 10k statements of the row before" },
    { name = "limited", words = "selectin load of the first three of each", must = 1.6, aim = 1.4,
      of = "by a window function; the C loop sends the same statements, LuaSQL one for each parent, with a LIMIT" },
    { name = "count-of", words = "mr.count_of in a query of the 10k parents", must = 2.0, aim = 1.7,
      of = "rows of an object and a number" },
    { name = "count", words = "mr.count of each, 22 statements", must = 3.0, aim = 2.3,
      of = "the C loop and SQLAlchemy send one grouped count for each 500 parents; LuaSQL one for all" },
    { name = "delete-children", words = "delete 100k loaded before", writes = true, must = 1.2, aim = 1.05 } },
  { group = "inheritance", set = inherited,
    { name = "hierarchy", words = "load 100k of three joined tables", must = 1.5, aim = 1.3,
      of = "objects of a class with two base classes, each with a table; one attribute of the last is touched" } },
  { group = "reflection", set = tables,
    { name = "automap", words = "automap of 400 tables", alone = true, times = 3, must = 3.0, aim = 2.5,
      of = "of nine columns, ten rows, two indexes and a foreign key each; it looks at stored values, and makes "
        .. "tables, classes and relationships; the C loop sends the PRAGMAs" } },
  { group = "memory and attributes", set = item,
    { name = "bytes", words = "bytes per entity, untouched", unit = "bytes", must = 190, aim = 170,
      of = "of five columns, in a list: what the allocators count; the C loop keeps a struct and two texts" },
    { name = "bytes-touched", words = "bytes per entity, with its proxy", unit = "bytes", must = 260, aim = 230,
      bare_workload = "bytes" },
    { name = "attribute-read", words = "attribute read", unit = "ns", plain = true, must = 30, aim = 25,
      of = "a million times, the loop's own time taken off; the yardstick is a field of a plain Lua table" },
    { name = "attribute-write", words = "attribute write", unit = "ns", plain = true, must = 40, aim = 30,
      of = "of another integer each time, in an object that is changed already" },
    { name = "hybrid-read", words = "hybrid read", unit = "ns", only = "moonrow", must = 110, aim = 75,
      of = "of a hybrid that is one attribute; it must cost what a method that does the same costs" },
    { name = "method-call", words = "method call, for comparison", unit = "ns", only = "moonrow",
      of = "of an object's method in Lua that reads the same attribute" },
    { name = "stream", words = "most kB held by a loop over 1M rows", set = million, unit = "kB", only = "moonrow",
      of = "yield_per(1000), beyond the start" } },
}
