-- Expressions and selects: the SQL (of SQLite, with values) and the results of SQLAlchemy's test/sql/test_operators.py,
-- test_select.py, test_functions.py, test_case_statement.py, test_text.py and test_cte.py, restated for our classes
-- ("ours": a neighbour that has no test there). Each case is { "origin test", an expression or select, its SQL, its
-- result }. An expression is computed of one row: x = 5, y = 2, s = 'some %text', n = NULL, t = true.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

local db = mr.open "sqlite://"
local T = db.Model:extend("T", {
  __tablename = "t", id = db.Column{ db.Integer, primary_key = true }, x = db.Column{ db.Integer },
  y = db.Column{ db.Integer }, s = db.Column{ db.String(20) }, n = db.Column{ db.Integer }, t = db.Column{ db.Boolean },
})
db:create_all()
db.session:add(T{ id = 1, x = 5, y = 2, s = "some %text", t = true })
db.session:commit()
local f, x, y, s, n, t = mr.func, T.x, T.y, T.s, T.n, T.t
local lit = mr.literal

local function text_of(value)
  if value == nil or value == mr.null then return "NULL" end
  return tostring(value)
end

local function run(made)
  local select = tostring(made):find "^SELECT" or tostring(made):find "^WITH" or tostring(made):find "^VALUES"
  local out = {}
  local records = db:record(function()
    for i, row in ipairs(db.session:execute(select and made or mr.select(made):select_from(T)):all()) do
      local values = {}
      for k = 1, #row do values[k] = text_of(row[k]) end
      out[i] = table.concat(values, ",")
    end
  end)
  return table.concat(out, " "), #records
end

local function check(cases)
  for i, case in ipairs(cases) do
    it(("%d: %s"):format(i, case[1]), function()
      if case[3] then assert.equal(case[3], case[2]:sql{ literals = true }) end
      local result, statements = run(case[2])
      assert.equal(case[4], result)
      assert.equal(1, statements)
    end)
  end
end

describe("test_operators", function()
  check{
    { "OperatorPrecedenceTest.test_operator_precedence_1", (x + 3) * y, "(t.x + 3) * t.y", "16" },
    { "OperatorPrecedenceTest.test_operator_precedence_2", x + y * 3, "t.x + t.y * 3", "11" },
    { "OperatorAssociativityTest.test_associativity_1", x - y, "t.x - t.y", "3" },
    { "OperatorAssociativityTest.test_associativity_2", x - y - 1, "(t.x - t.y) - 1", "2" },
    { "OperatorAssociativityTest.test_associativity_3", x - (y - 1), "t.x - (t.y - 1)", "4" },
    { "OperatorAssociativityTest.test_associativity_4", x / (y * 1), "t.x / (t.y * 1 + 0.0)", "2.5" },
    { "OperatorAssociativityTest.test_associativity_7", -(x - y), "-(t.x - t.y)", "-3" },
    { "OperatorAssociativityTest.test_associativity_8", -x - y, "-t.x - t.y", "-7" },
    { "NegationTest.test_negate_operators_1", -x, "-t.x", "-5" },
    { "NegationTest.test_negate_operators_2", ~x:eq(3), "t.x != 3", "true" },
    { "NegationTest.test_negate_operators_3", ~(x:eq(3) & y:eq(2)), "NOT (t.x = 3 AND t.y = 2)", "true" },
    { "NegationTest.test_negate_operators_4", ~(x:eq(5) | y:eq(1)), "NOT (t.x = 5 OR t.y = 1)", "false" },
    { "BooleanEvalTest.test_one",
      mr.and_(x:eq(5), mr.or_(y:eq(1), y:eq(2))), "t.x = 5 AND (t.y = 1 OR t.y = 2)", "true" },
    { "ours: two (and of ands", mr.and_(x:eq(5), mr.and_(y:eq(2), s:ne "a")),
      "t.x = 5 AND t.y = 2 AND t.s != 'a'", "true" },
    { "ours: or of ors", x:eq(1) | y:eq(1) | n:is_(nil), "t.x = 1 OR t.y = 1 OR t.n IS NULL", "true" },
    { "ours: single", mr.and_(x:eq(5)), "t.x = 5", "true" },
    { "ComparisonOperatorTest.test_comparison_op", x:gt(y), "t.x > t.y", "true" },
    { "NonZeroTest.test_column_compare_eq", x:eq(x), "t.x = t.x", "true" },
    { "IsDistinctFromTest.test_is_distinct_from", n:is_distinct_from(x), "t.n IS NOT t.x", "true" },
    { "IsDistinctFromTest.test_is_not_distinct_from", n:is_not_distinct_from(n), "t.n IS t.n", "true" },
    { "IsDistinctFromTest.test_is_distinct_from (NULL)", n:is_distinct_from(mr.null), "t.n IS NOT NULL", "false" },
    { "ConjunctionTest.test_is_true_literal", n:is_(nil) & mr.true_, "t.n IS NULL AND 1 = 1", "true" },
    { "MathOperatorTest.test_math_op (+)", x + 5, "t.x + 5", "10" },
    { "MathOperatorTest.test_math_op (reversed)", 5 - x, "5 - t.x", "0" },
    { "MathOperatorTest.test_integer_truediv", x / y, "t.x / (t.y + 0.0)", "2.5" },
    { "CustomUnaryOperatorTest.test_modulus", x % y, "t.x % t.y", "1" },
    { "CustomUnaryOperatorTest.test_modulus_prefix", 7 % x, "7 % t.x", "2" },
    { "ours: bitwise and", x:bitwise_and(4), "t.x & 4", "4" },
    { "ours: bitwise or", x:bitwise_or(2), "t.x | 2", "7" },
    { "ours: bitwise not", x:bitwise_not(), "~t.x", "-6" },
    { "ExtensionOperatorTest.test_lshift", x:lshift(2), "t.x << 2", "20" },
    { "ExtensionOperatorTest.test_rshift", x:rshift(1), "t.x >> 1", "2" },
    { "OperatorPrecedenceTest.test_bitwise_op_precedence", (x + 1):bitwise_and(y), "(t.x + 1) & t.y", "2" },
    { "InTest.test_in_1", x:in_{ 4, 5 }, "t.x IN (4, 5)", "true" },
    { "DefaultColumnComparatorTest.test_not_in", x:not_in{ 4, 5 }, "(t.x NOT IN (4, 5))", "false" },
    { "InTest.test_in_empty_single", x:in_{}, "t.x IN (SELECT 1 FROM (SELECT 1) WHERE 1!=1)", "false" },
    { "InTest.test_in_self_plus_negated_empty",
      x:not_in{}, "(t.x NOT IN (SELECT 1 FROM (SELECT 1) WHERE 1!=1))", "true" },
    { "InSelectableTest.test_in_select", x:in_(mr.select(lit(5))), "t.x IN (SELECT 5 AS anon_1)", "true" },
    { "InTest.test_in_20 (expressions)", x:in_{ y, y + 3 }, "t.x IN (t.y, t.y + 3)", "true" },
    { "ours: in tuple",
      mr.tuple_(x, y):in_{ { 1, 2 }, { 5, 2 } }, "(t.x, t.y) IN (VALUES (1, 2), (5, 2))", "true" },
    { "BetweenTest.test_between_1", x:between(4, 6), "t.x BETWEEN 4 AND 6", "true" },
    { "BetweenTest.test_between_3 (negated)", ~x:between(4, 6), "t.x NOT BETWEEN 4 AND 6", "false" },
    { "LikeTest.test_like_1", s:like "some%", "t.s LIKE 'some%'", "true" },
    { "LikeTest.test_like_2 (escape)", s:like("%/%text", { escape = "/" }), "t.s LIKE '%/%text' ESCAPE '/'", "true" },
    { "ComposedLikeOperatorsTest.test_not_like", s:not_like "x%", "t.s NOT LIKE 'x%'", "true" },
    { "ComposedLikeOperatorsTest.test_ilike", s:ilike "SOME%", "lower(t.s) LIKE lower('SOME%')", "true" },
    { "ComposedLikeOperatorsTest.test_contains_autoescape",
      s:contains "%te", "t.s LIKE '%' || '/%te' || '%' ESCAPE '/'", "true" },
    { "ComposedLikeOperatorsTest.test_startswith", s:startswith "some", "t.s LIKE 'some' || '%' ESCAPE '/'", "true" },
    { "ComposedLikeOperatorsTest.test_endswith", s:endswith "text", "t.s LIKE '%' || 'text' ESCAPE '/'", "true" },
    { "ComposedLikeOperatorsTest.test_not_contains",
      ~s:contains "a", "t.s NOT LIKE '%' || 'a' || '%' ESCAPE '/'", "true" },
    { "ours: concat", s .. "!", "t.s || '!'", "some %text!" },
    { "ours: concat (reversed)", "<" .. s, "'<' || t.s", "<some %text" },
    { "ours: custom op", s:op "GLOB" "some*", "t.s GLOB 'some*'", "1" },
    { "DefaultColumnComparatorTest.test_collate",
      s:collate "NOCASE":eq "SOME %TEXT", "(t.s COLLATE \"NOCASE\") = 'SOME %TEXT'", "true" },
    { "ours: a column alone", t & x:eq(5), "t.t IN (1, '1', 't', 'true') AND t.x = 5", "true" },
    { "ours: its negation", ~t, "t.t IN (0, '0', 'f', 'false', '')", "false" },
  }

  it("refuses: a comparison with nil, Lua's operators, a list for one value", function()
    refuse("ArgumentError", "nil", function() return x:eq(nil) end)
    refuse("ArgumentError", ":lt", function() return x < 3 end)
    refuse("ArgumentError", "in_", function() return x:eq{ 1, 2 } end)
    refuse("ArgumentError", "in_", function() return x:in_(5) end)
    refuse("ArgumentError", "nil", function() return x:between(1) end)
  end)
end)

describe("test_functions and test_case_statement", function()
  check{
    { "CompileTest.test_generic_count", f.count(), "count(*)", "1" },
    { "CompileTest.test_generic_count (a column)", f.count(x:distinct()), "count(DISTINCT t.x)", "1" },
    { "CompileTest.test_assorted", f.coalesce(n, 3), "coalesce(t.n, 3)", "3" },
    { "CompileTest.test_functions_with_cols", f.max(x, y), "max(t.x, t.y)", "5" },
    { "CompileTest.test_underscores (nested)", f.upper(f.substr(s, 1, 4)), "upper(substr(t.s, 1, 4))", "SOME" },
    { "CompileTest.test_quote_special_chars", f["lower"](s), "lower(t.s)", "some %text" },
    { "CompileTest.test_funcfilter_criterion", f.count():filter(x:gt(9)), "count(*) FILTER (WHERE t.x > 9)", "0" },
    { "CompileTest.test_funcfilter_compound_criterion", f.count():filter(x:gt(1), y:gt(1)),
      "count(*) FILTER (WHERE t.x > 1 AND t.y > 1)", "1" },
    { "CompileTest.test_funcfilter_windowing_orderby", f.sum(x):filter(y:eq(2)):over{ order_by = x },
      "sum(t.x) FILTER (WHERE t.y = 2) OVER (ORDER BY t.x)", "5" },
    { "ours: partition by", f.row_number():over{ partition_by = x, order_by = y },
      "row_number() OVER (PARTITION BY t.x ORDER BY t.y)", "1" },
    { "ours: rows", f.sum(x):over{ order_by = y, rows = { -1, 0 } },
      "sum(t.x) OVER (ORDER BY t.y ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)", "5" },
    { "ours: unbounded", f.sum(x):over{ order_by = y, rows = { mr.null, mr.null } },
      "sum(t.x) OVER (ORDER BY t.y ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)", "5" },
    { "ExecuteTest.test_conn_execute", mr.select(f.abs(-3)), "SELECT abs(-3) AS abs_1", "3" },
    { "TableValuedCompileTest.test_table_valued_one", mr.select(f.json_each("[7,8]"):table_valued("value").c.value),
      "SELECT anon_1.value FROM json_each('[7,8]') AS anon_1", "7 8" },
    { "CaseTest.test_case", mr.case{ { x:lt(3), "low" }, { x:lt(9), "mid" }, else_ = "high" },
      "CASE WHEN (t.x < 3) THEN 'low' WHEN (t.x < 9) THEN 'mid' ELSE 'high' END", "mid" },
    { "CaseTest.test_case (without else)",
      mr.case{ { x:eq(1), "one" } }, "CASE WHEN (t.x = 1) THEN 'one' END", "NULL" },
    { "CaseTest.test_when_dicts", mr.case{ { 5, "five" }, { 6, "six" }, value = x, else_ = "?" },
      "CASE t.x WHEN 5 THEN 'five' WHEN 6 THEN 'six' ELSE '?' END", "five" },
    { "CaseTest.test_literal_interpretation_three", mr.case{ { x:eq(5), y + 1 }, else_ = 0 } + 1,
      "CASE WHEN (t.x = 5) THEN t.y + 1 ELSE 0 END + 1", "4" },
    { "ours: a condition", mr.case{ { x:eq(5), "a" }, else_ = "b" }:eq "a",
      "CASE WHEN (t.x = 5) THEN 'a' ELSE 'b' END = 'a'", "true" },
    { "ours: cast", mr.cast(x, mr.String) .. "!", "CAST(t.x AS VARCHAR) || '!'", "5!" },
    { "ours: extract", mr.extract("year", lit "2024-05-01"), "CAST(STRFTIME('%Y', '2024-05-01') AS INTEGER)", "2024" },
  }
end)

local U = mr.aliased(T, { name = "u" })

describe("test_select, test_text and test_cte", function()
  local sub = mr.select(x, y):subquery "q"
  local cte = mr.select(x):where(y:gt(1)):cte "c"
  local rec = mr.select(lit(1):label "k"):cte("r", { recursive = true })
  rec = rec:union_all(mr.select(rec.c.k + 1):where(rec.c.k:lt(3)))
  check{
    { "SelectTest.test_new_calling_style", mr.select(x, y), "SELECT t.x, t.y FROM t", "5,2" },
    { "SelectTest.test_select_no_columns (a constant)", mr.select(lit(1)), "SELECT 1 AS anon_1", "1" },
    { "ours: label", mr.select((x + 1):label "z"), "SELECT t.x + 1 AS z FROM t", "6" },
    { "TextErrorsTest.test_where", mr.select(x):where(y:eq(2)):where(x:gt(1)),
      "SELECT t.x FROM t WHERE t.y = 2 AND t.x > 1", "5" },
    { "SelectTest.test_joins_w_filter_by", mr.select(x):filter_by{ y = 2 }, "SELECT t.x FROM t WHERE t.y = 2", "5" },
    { "SelectTest.test_join_nofrom_implicit_left_side_explicit_onclause", mr.select(x):join(U, U.id:eq(T.id)),
      "SELECT t.x FROM t JOIN t AS u ON u.id = t.id", "5" },
    { "SelectTest.test_join_nofrom_explicit_left_side_explicit_onclause",
      mr.select(x, U.y):join_from(T, U, U.id:eq(T.id)),
      "SELECT t.x, u.y FROM t JOIN t AS u ON u.id = t.id", "5,2" },
    { "SelectTest.test_outerjoin_nofrom_explicit_left_side_explicit_onclause",
      mr.select(x, U.y):join_from(T, U, U.id:gt(T.id), { isouter = true }),
      "SELECT t.x, u.y FROM t LEFT OUTER JOIN t AS u ON u.id > t.id", "5,NULL" },
    { "SelectTest.test_select_tuple_subquery",
      mr.select(sub.c.x), "SELECT q.x FROM (SELECT t.x AS x, t.y AS y FROM t) AS q",
      "5" },
    { "ColumnCollectionAsSelectTest.test_c_collection_as_from",
      mr.select(sub), "SELECT q.x, q.y FROM (SELECT t.x AS x, t.y AS y FROM t) AS q",
      "5,2" },
    { "ours: distinct, order, limit", mr.select(x):distinct():order_by(y:desc()):limit(1),
      "SELECT DISTINCT t.x FROM t ORDER BY t.y DESC LIMIT 1", "5" },
    { "ours: group by, having", mr.select(x, f.count()):group_by(x):having(f.count():gt(0)),
      "SELECT t.x, count(*) AS count_1 FROM t GROUP BY t.x HAVING count(*) > 0", "5,1" },
    { "SelectTest.test_select_multiple_compound_elements",
      mr.union(mr.select(lit(1)), mr.select(lit(2)), mr.select(lit(1))),
      "SELECT 1 AS anon_1 UNION SELECT 2 AS anon_1 UNION SELECT 1 AS anon_1", "1 2" },
    { "ours: a label", mr.select((x + 1):label "z"):order_by(mr.desc "z"),
      "SELECT t.x + 1 AS z FROM t ORDER BY z DESC", "6" },
    { "ours: exists", mr.select(mr.exists(mr.select(T.id):where(x:eq(5)))),
      "SELECT EXISTS (SELECT t.id FROM t WHERE t.x = 5) AS anon_1", "true" },
    { "ours: scalar_subquery", mr.select(mr.select(f.max(x)):scalar_subquery() + 1),
      "SELECT (SELECT max(t.x) AS max_1 FROM t) + 1 AS anon_1", "6" },
    { "ours: correlated", mr.select(x, mr.select(f.count(U.id)):where(U.id:ge(T.id)):scalar_subquery()),
      "SELECT t.x, (SELECT count(u.id) AS count_1 FROM t AS u WHERE u.id >= t.id) AS anon_1 FROM t", "5,1" },
    { "SelectCompositionTest.test_select_composition_one", mr.select(mr.literal_column "x + 1"):select_from(T),
      "SELECT x + 1 FROM t", "6" },
    { "BindParamTest.test_text_in_select_nonfrom", mr.select(x):where(mr.text "y = 2"),
      "SELECT t.x FROM t WHERE y = 2", "5" },
    { "BindParamTest.test_escaping_colons", mr.select(mr.literal_column "'a:b'"), "SELECT 'a:b'", "a:b" },
    { "AsFromTest.test_basic_toplevel_resultmap", mr.select(mr.text "SELECT 3 AS k":columns(mr.column("k", mr.Integer))
      :subquery("v").c.k), "SELECT v.k FROM (SELECT 3 AS k) AS v", "3" },
    { "AsFromTest.test_cte", mr.select(mr.text "SELECT 4 AS k":columns(mr.column("k", mr.Integer)):cte("v").c.k),
      "WITH v AS (SELECT 4 AS k) SELECT v.k FROM v", "4" },
    { "CTETest.test_nonrecursive",
      mr.select(cte.c.x), "WITH c AS (SELECT t.x AS x FROM t WHERE t.y > 1) SELECT c.x FROM c",
      "5" },
    { "CTETest.test_recursive", mr.select(rec.c.k),
      "WITH RECURSIVE r(k) AS (SELECT 1 AS k UNION ALL SELECT r.k + 1 AS anon_1 FROM r WHERE r.k < 3) "
        .. "SELECT r.k FROM r",
      "1 2 3" },
    { "CTETest.test_cte_refers_to_aliased_cte_twice", mr.select(cte:alias("a").c.x, cte:alias("b").c.x):where(mr.true_),
      nil, "5,5" },
    { "CTETest.test_reserved_quote", mr.select(mr.select(x):cte("order").c.x),
      'WITH "order" AS (SELECT t.x AS x FROM t) SELECT "order".x FROM "order"', "5" },
    { "CTETest.test_union", mr.select(mr.union_all(mr.select(lit(1):label "k"), mr.select(lit(2))):cte("c").c.k),
      "WITH c AS (SELECT 1 AS k UNION ALL SELECT 2 AS anon_1) SELECT c.k FROM c", "1 2" },
    { "ours: values", mr.select(mr.values({ mr.column("a", mr.Integer) }, { { 1 }, { 2 } }, { name = "v" }).c.a),
      "SELECT v.a FROM (SELECT column1 AS a FROM (VALUES (1), (2))) AS v", "1 2" },
  }
end)
