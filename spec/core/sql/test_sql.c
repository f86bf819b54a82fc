/*
 * test_sql.c: the SQL of expressions, in both dialects.
 */
#include "test_sql.h"

static void comparisons(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_value values[3] = {mr_int_value(1), mr_int_value(2), mr_int_value(3)};
    const mr_type *integer = mr_type_simple(MR_TYPE_INTEGER);
    check(w, eq(w, col(w, w->id), num(w, 1)), "user.id = ?", "\"user\".id = $1");
    check(w, binary(w, MR_OP_NE, col(w, w->id), num(w, 1)), "user.id != ?", "\"user\".id != $1");
    check(w, eq(w, col(w, w->id), null(w)), "user.id IS NULL", "\"user\".id IS NULL");
    check(w, eq(w, null(w), col(w, w->id)), "user.id IS NULL", NULL);
    check(w, binary(w, MR_OP_NE, col(w, w->id), null(w)), "user.id IS NOT NULL", NULL);
    check(w, binary(w, MR_OP_IN, col(w, w->id), mr_sql_binds(w->env, integer, values, 3)), "user.id IN (?, ?, ?, ?)",
          "\"user\".id IN ($1, $2, $3, $4)");
    check(w, binary(w, MR_OP_NOT_IN, col(w, w->id), mr_sql_binds(w->env, integer, values, 1)), "(user.id NOT IN (?))",
          NULL);
    check(w, binary(w, MR_OP_IN, col(w, w->id), mr_sql_binds(w->env, integer, values, 0)),
          "user.id IN (SELECT 1 FROM (SELECT 1) WHERE 1!=1)", "\"user\".id IN (NULL) AND (1 != 1)");
    check(w, binary(w, MR_OP_NOT_IN, col(w, w->id), mr_sql_binds(w->env, integer, values, 0)),
          "(user.id NOT IN (SELECT 1 FROM (SELECT 1) WHERE 1!=1))", "(\"user\".id NOT IN (NULL) OR (1 = 1))");
    check(w, mr_sql_like(w->env, MR_OP_LIKE, col(w, w->username), str(w, "a%"), "/"), "user.username LIKE ? ESCAPE '/'",
          NULL);
    check(w, mr_sql_like(w->env, MR_OP_LIKE, col(w, w->username), str(w, "a%"), "'"),
          "user.username LIKE ? ESCAPE ''''", NULL);
    check(w, mr_sql_like(w->env, MR_OP_NOT_ILIKE, col(w, w->username), str(w, "a%"), "/"),
          "lower(user.username) NOT LIKE lower(?) ESCAPE '/'", "\"user\".username NOT ILIKE $1 ESCAPE '/'");
    check(w, mr_sql_between(w->env, col(w, w->id), num(w, 1), num(w, 2)), "user.id BETWEEN ? AND ?", NULL);
    check(w, binary(w, MR_OP_IS, col(w, w->active), mr_sql_raw(w->env, NULL, "true")),
          "(user.active IS NOT NULL AND user.active IN (1, '1', 't', 'true'))", "\"user\".active IS true");
    check(w, mr_sql_custom(w->env, "->>", col(w, w->email), str(w, "k")), "user.email ->> ?", NULL);
    assert_null(mr_sql_custom(w->env, "; --", col(w, w->email), str(w, "k")));
    assert_null(mr_sql_like(w->env, MR_OP_LIKE, col(w, w->email), str(w, "k"), "ab"));
    w_close(w);
}

static void arithmetic(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    check(w, binary(w, MR_OP_MUL, binary(w, MR_OP_ADD, col(w, w->id), num(w, 1)), col(w, w->age)),
          "(user.id + ?) * user.age", NULL);
    check(w, binary(w, MR_OP_ADD, col(w, w->id), binary(w, MR_OP_ADD, col(w, w->age), num(w, 1))),
          "user.id + (user.age + ?)", NULL);
    check(w, binary(w, MR_OP_SUB, col(w, w->id), binary(w, MR_OP_SUB, col(w, w->age), num(w, 1))),
          "user.id - (user.age - ?)", NULL);
    check(w, mr_sql_unary(w->env, MR_OP_NEG, mr_sql_unary(w->env, MR_OP_NEG, col(w, w->id))), "-(-user.id)", NULL);
    check(w, binary(w, MR_OP_DIV, col(w, w->id), col(w, w->age)), "user.id / (user.age + 0.0)",
          "\"user\".id / CAST(\"user\".age AS NUMERIC)");
    check(w, binary(w, MR_OP_DIV, col(w, w->score), col(w, w->age)), "user.score / (user.age + 0.0)",
          "\"user\".score / \"user\".age");
    check(w, binary(w, MR_OP_CONCAT, binary(w, MR_OP_CONCAT, col(w, w->username), str(w, "a")), col(w, w->email)),
          "user.username || ? || user.email", NULL);
    check(w, binary(w, MR_OP_CONCAT, col(w, w->username), binary(w, MR_OP_ADD, num(w, 1), num(w, 2))),
          "user.username || (? + ?)", NULL);
    check(w, eq(w, binary(w, MR_OP_BIT_XOR, col(w, w->id), num(w, 1)), num(w, 2)),
          "((user.id | ?) - (user.id & ?)) = ?", "\"user\".id # $1 = $2");
    check(w, binary(w, MR_OP_MOD, col(w, w->id), num(w, 2)), "user.id % ?", "\"user\".id % $1");
    w_close(w);
}

static void logic_and_precedence(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_node *either = logic(w, MR_OP_OR, eq(w, col(w, w->id), num(w, 1)), eq(w, col(w, w->id), num(w, 2)));
    check(w, logic(w, MR_OP_AND, either, eq(w, col(w, w->age), num(w, 3))),
          "(user.id = ? OR user.id = ?) AND user.age = ?", NULL);
    mr_node *both = logic(w, MR_OP_AND, eq(w, col(w, w->id), num(w, 1)), eq(w, col(w, w->age), num(w, 2)));
    check(w, logic(w, MR_OP_OR, mr_node_retain(both), eq(w, col(w, w->age), num(w, 3))),
          "user.id = ? AND user.age = ? OR user.age = ?", NULL);
    check(w, mr_sql_not(w->env, both), "NOT (user.id = ? AND user.age = ?)", NULL);
    check(w, mr_sql_not(w->env, eq(w, col(w, w->id), num(w, 1))), "user.id != ?", NULL);
    check(w, mr_sql_not(w->env, mr_sql_between(w->env, col(w, w->id), num(w, 1), num(w, 2))),
          "user.id NOT BETWEEN ? AND ?", NULL);
    check(w, mr_sql_not(w->env, mr_sql_not(w->env, func1(w, "foo", col(w, w->id)))), "foo(user.id)", NULL);
    check(w, mr_sql_not(w->env, col(w, w->active)), "user.active IN (0, '0', 'f', 'false', '')", "NOT \"user\".active");
    check(w, logic(w, MR_OP_AND, col(w, w->active), eq(w, col(w, w->id), num(w, 1))),
          "user.active IN (1, '1', 't', 'true') AND user.id = ?", "\"user\".active AND \"user\".id = $1");
    check(w, eq(w, eq(w, col(w, w->id), num(w, 1)), eq(w, col(w, w->id), num(w, 2))), "(user.id = ?) = (user.id = ?)",
          NULL);
    check(w, logic(w, MR_OP_AND, mr_sql_text(w->env, "a OR b", 6), eq(w, col(w, w->id), num(w, 1))),
          "(a OR b) AND user.id = ?", NULL);
    check(w, mr_sql_and(w->env, NULL, eq(w, col(w, w->id), num(w, 1))), "user.id = ?", NULL);
    assert_null(mr_sql_and(w->env, eq(w, col(w, w->id), num(w, 1)), NULL));
    w_close(w);
}

static void calls(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_node *parts[5] = {eq(w, col(w, w->id), num(w, 1)), str(w, "a"), str(w, "b")};
    check(w, mr_sql_func(w->env, "count", NULL, NULL, 0), "count(*)", "count(*)");
    check(w, func1(w, "count", mr_sql_unary(w->env, MR_OP_DISTINCT, col(w, w->id))), "count(DISTINCT user.id)", NULL);
    check(w, mr_sql_func(w->env, "now", NULL, NULL, 0), "CURRENT_TIMESTAMP", "now()");
    check(w, mr_sql_func(w->env, "current_date", NULL, NULL, 0), "CURRENT_DATE", "CURRENT_DATE");
    check(w, func1(w, "odd name", num(w, 1)), "\"odd name\"(?)", NULL);
    check(w, mr_sql_cast(w->env, col(w, w->id), mr_type_simple(MR_TYPE_INTEGER)), "CAST(user.id AS INTEGER)", NULL);
    check(w, mr_sql_cast(w->env, col(w, w->born), mr_type_simple(MR_TYPE_DATE)),
          "moonrow_cast(user.born, 'DateTime', 'Date')", "CAST(\"user\".born AS DATE)");
    check(w, mr_sql_case(w->env, parts, 3), "CASE WHEN (user.id = ?) THEN ? ELSE ? END", NULL);
    check(w, mr_sql_extract(w->env, "year", col(w, w->born)), "CAST(STRFTIME('%Y', user.born) AS INTEGER)",
          "EXTRACT(year FROM \"user\".born)");
    check(w, mr_sql_collate(w->env, col(w, w->username), "NOCASE"), "user.username COLLATE \"NOCASE\"", NULL);
    mr_node *order = list1(w, mr_sql_unary(w->env, MR_OP_DESC, col(w, w->id)));
    check(w,
          mr_sql_over(w->env, mr_sql_func(w->env, "row_number", NULL, NULL, 0), list1(w, col(w, w->age)), order,
                      "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"),
          "row_number() OVER (PARTITION BY user.age ORDER BY user.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND "
          "CURRENT ROW)",
          NULL);
    mr_node *pair[] = {num(w, 1), num(w, 2)}, *columns[] = {col(w, w->id), col(w, w->age)};
    mr_node *rows = list1(w, mr_sql_tuple(w->env, pair, 2));
    check(w, binary(w, MR_OP_IN, mr_sql_tuple(w->env, columns, 2), rows), "(user.id, user.age) IN (VALUES (?, ?))",
          "(\"user\".id, \"user\".age) IN (($1, $2))");
    const char *sql = "select :a, x::int, '\\:foo :b', \"c:d\", \\:e -- :f\n from t where y = :a";
    check(w, mr_sql_text(w->env, sql, strlen(sql)),
          "select ?, x::int, '\\:foo :b', \"c:d\", :e -- :f\n from t where y = ?",
          "select $1, x::int, '\\:foo :b', \"c:d\", :e -- :f\n from t where y = $2");
    w_close(w);
}

static void types_are_guessed(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    struct {
        mr_node *node;
        mr_typecode code;
    } cases[] = {
        {func1(w, "count", col(w, w->id)), MR_TYPE_INTEGER},
        {func1(w, "max", col(w, w->born)), MR_TYPE_DATETIME},
        {func1(w, "sum", col(w, w->score)), MR_TYPE_FLOAT},
        {func1(w, "lower", col(w, w->username)), MR_TYPE_STRING},
        {func1(w, "foo", col(w, w->username)), MR_TYPE_NULL},
        {binary(w, MR_OP_ADD, col(w, w->id), num(w, 1)), MR_TYPE_INTEGER},
        {binary(w, MR_OP_DIV, col(w, w->id), num(w, 1)), MR_TYPE_FLOAT},
        {eq(w, col(w, w->id), num(w, 1)), MR_TYPE_BOOLEAN},
        {mr_sql_scalar(w->env, select_from(w, list1(w, func1(w, "max", col(w, w->id))), NULL, NULL)), MR_TYPE_INTEGER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ptr_equal(cases[i].node->type->rules, mr_type_simple(cases[i].code)->rules);
        mr_node_release(cases[i].node);
    }
    w_close(w);
}

static void names_are_quoted(void **state) {
    (void)state;
    fa_state fa = FA_INIT;
    mr_env *env = fa_env_new(&fa);
    const char *names[][3] = {
        {"user", "user", "\"user\""},  {"order", "\"order\"", "\"order\""}, {"Camel", "\"Camel\"", "\"Camel\""},
        {"1st", "\"1st\"", "\"1st\""}, {"a b", "\"a b\"", "\"a b\""},       {"a\"b", "\"a\"\"b\"", "\"a\"\"b\""},
        {"", "\"\"", "\"\""},          {"when", "\"when\"", "\"when\""},    {"with", "\"with\"", "\"with\""},
        {"abort", "abort", "abort"},   {"add", "\"add\"", "add"},           {"zebra", "zebra", "zebra"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int d = 0; d < 2; d++) {
            mr_strbuf out;
            mr_strbuf_init(&out, env);
            mr_quote_name(d ? mr_dialect_postgresql() : mr_dialect_sqlite(), names[i][0], &out);
            assert_string_equal(mr_strbuf_str(&out), names[i][d + 1]);
            mr_strbuf_done(&out);
        }
    mr_env_free(env);
}

/* Ten thousand criteria are added one by one. Each list before is still held for a while, as by chained filters. */
static void long_lists(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_node *all = NULL, *kept = NULL;
    for (int i = 0; i < 10000; i++) {
        mr_node *next = mr_sql_and(w->env, mr_node_retain(all), eq(w, col(w, w->id), num(w, i)));
        mr_node_release(kept);
        kept = all;
        all = next;
    }
    assert_int_equal(all->n, 10000);
    assert_int_equal(all->depth, 3);
    assert_int_equal(kept->n, 9999);
    mr_node *other = mr_sql_and(w->env, mr_node_retain(kept), eq(w, col(w, w->age), num(w, 0)));
    /* Two lists that began as one do not share their last items. */
    assert_ptr_not_equal(other->child[9999], all->child[9999]);
    mr_strbuf sql;
    mr_strbuf_init(&sql, w->env);
    assert_int_equal(mr_sql_string(w->env, mr_dialect_sqlite(), all, &sql), MR_OK);
    mr_strbuf_done(&sql);
    mr_node_release(other);
    mr_node_release(kept);
    mr_node_release(all);
    w_close(w);
}

static void limits_are_errors(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_node *deep = col(w, w->id);
    for (int i = 0; i < 600 && deep; i++) deep = mr_sql_unary(w->env, MR_OP_NEG, deep);
    assert_null(deep);
    assert_int_equal(mr_env_error(w->env)->kind, MR_ERR_ARGUMENT);
    mr_node *wide = col(w, w->id);
    for (int i = 0; i < 64 && wide; i++) wide = binary(w, MR_OP_ADD, mr_node_retain(wide), wide);
    assert_null(wide);
    assert_int_equal(mr_env_error(w->env)->kind, MR_ERR_ARGUMENT);
    assert_null(mr_sql_extract(w->env, "year from x) --", col(w, w->born)));
    mr_compiled *c;
    mr_node *expression = num(w, 1);
    assert_int_equal(mr_sql_compile(w->env, mr_dialect_sqlite(), expression, &c), MR_FAIL);
    mr_node_release(expression);
    w_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons), cmocka_unit_test(arithmetic),        cmocka_unit_test(logic_and_precedence),
        cmocka_unit_test(calls),       cmocka_unit_test(types_are_guessed), cmocka_unit_test(names_are_quoted),
        cmocka_unit_test(long_lists),  cmocka_unit_test(limits_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
