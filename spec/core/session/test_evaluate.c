/*
 * test_evaluate.c: UPDATE and DELETE by a query: expressions are evaluated over objects, and the objects follow the
 * database. Each allocation and each driver call fails in turn.
 */
#include "session_fixture.h"

#include "../../../src/session/evaluate.h"

static mr_mapper *item, *special;
static mr_entity *one, *two;

static mr_property *typed(mr_mapper *m, const char *name, mr_typecode code) {
    return mr_mapper_add_column(m, name, mr_column_new(env, NULL, mr_type_simple(code)));
}

static mr_entity *made(const char *name, int64_t n) {
    mr_entity *e = mr_entity_new(env, item);
    mr_entity_pin(e);
    ok(set(e, "name", text(name)));
    ok(set(e, "n", mr_int_value(n)));
    ok(set(e, "f", mr_float_value(0.5)));
    ok(set(e, "flag", mr_bool_value(true)));
    add(e);
    return e;
}

static int set_up(void **state) {
    if (open_all(state) != 0) return -1;
    mr_mapper *m = begin_class("Item");
    text_attribute(m, "name");
    typed(m, "n", MR_TYPE_INTEGER);
    typed(m, "f", MR_TYPE_FLOAT);
    typed(m, "flag", MR_TYPE_BOOLEAN);
    typed(m, "price", MR_TYPE_NUMERIC);
    end_class(m, "item");
    item = m;
    create_tables();
    one = made("one", 1);
    two = made("two", INT64_MAX);
    flush();
    commit();
    get(one, "n");
    get(two, "n");
    return 0;
}

static int tear_down(void **state) {
    mr_entity_unpin(one);
    mr_entity_unpin(two);
    return close_all(state);
}

/* ---------------------------------------------------------------- nodes */

static mr_node *col(const char *name) { return mr_property_node(mr_mapper_property(item, name, true), NULL); }

static mr_node *val(mr_value v) { return mr_sql_bind(env, mr_type_simple(MR_TYPE_NULL), &v); }

static mr_node *num(int64_t i) { return val(mr_int_value(i)); }

static mr_node *bin(mr_op op, mr_node *a, mr_node *b) { return mr_sql_binary(env, op, a, b); }

static mr_node *both(mr_op op, mr_node *a, mr_node *b) {
    mr_node *parts[2] = {a, b};
    return mr_sql_list(env, op, parts, 2);
}

static mr_node *null(void) { return mr_sql_raw(env, mr_type_simple(MR_TYPE_NULL), "NULL"); }

static mr_value value_of(mr_entity *e, mr_node *node, int line) {
    mr_evaluation x = {item, NULL, 0};
    assert_non_null(node);
    if (!mr_evaluable(&x, node)) fail_msg("line %d: cannot be evaluated", line);
    mr_value v = mr_evaluate(&x, e, node);
    mr_node_release(node);
    return v;
}

static void expect_at(mr_node *node, mr_value wanted, int line) {
    mr_value v = value_of(one, node, line);
    if (v.kind != wanted.kind || !mr_value_equal(env, &v, &wanted))
        fail_msg("line %d: is %s", line, mr_kind_name(v.kind));
}
#define expect(node, wanted) expect_at((node), (wanted), __LINE__)
#define YES                  mr_int_value(1)
#define NO                   mr_int_value(0)
#define NOTHING              mr_null_value()
#define UNKNOWN              mr_value_of(MR_UNLOADED, 0)

static void refuses_at(mr_node *node, int line) {
    mr_evaluation x = {item, NULL, 0};
    assert_non_null(node);
    if (mr_evaluable(&x, node)) fail_msg("line %d: can be evaluated", line);
    mr_node_release(node);
}
#define refuses(node) refuses_at((node), __LINE__)

/* ---------------------------------------------------------------- expressions */

static void comparisons(void **state) {
    (void)state;
    expect(bin(MR_OP_EQ, col("n"), num(1)), YES);
    expect(bin(MR_OP_NE, col("n"), num(1)), NO);
    expect(bin(MR_OP_LT, col("f"), col("n")), YES);
    expect(bin(MR_OP_GE, col("f"), val(mr_float_value(0.5))), YES);
    expect(bin(MR_OP_EQ, col("flag"), val(mr_bool_value(true))), YES);
    expect(bin(MR_OP_GT, col("name"), val(text("onA"))), YES);
    expect(bin(MR_OP_LE, col("n"), null()), NOTHING);
    expect(bin(MR_OP_IS, col("n"), null()), NO);
    expect(bin(MR_OP_IS_NOT, col("n"), null()), YES);
    mr_value list[3] = {mr_int_value(3), mr_null_value(), mr_int_value(1)};
    const mr_type *integer = mr_type_simple(MR_TYPE_INTEGER);
    expect(bin(MR_OP_IN, col("n"), mr_sql_binds(env, integer, list, 3)), YES);
    expect(bin(MR_OP_IN, col("n"), mr_sql_binds(env, integer, list, 2)), NOTHING);
    expect(bin(MR_OP_NOT_IN, col("n"), mr_sql_binds(env, integer, list, 2)), NOTHING);
    expect(bin(MR_OP_NOT_IN, col("n"), mr_sql_binds(env, integer, list, 1)), YES);
    expect(bin(MR_OP_IN, null(), mr_sql_binds(env, integer, list, 0)), NO);
    expect(mr_sql_between(env, col("n"), num(0), num(1)), YES);
    expect(mr_sql_not(env, mr_sql_between(env, col("n"), num(0), num(1))), NO);
    expect(mr_sql_between(env, col("n"), num(2), null()), NO);
    expect(mr_sql_between(env, col("n"), num(0), null()), NOTHING);
}

static void truth_tables(void **state) {
    (void)state;
    mr_value values[3] = {YES, NO, NOTHING};
    mr_value both_true[9] = {YES, NO, NOTHING, NO, NO, NO, NOTHING, NO, NOTHING};
    mr_value one_true[9] = {YES, YES, YES, YES, NO, NOTHING, YES, NOTHING, NOTHING};
    for (int i = 0; i < 9; i++) {
        expect(both(MR_OP_AND, val(values[i / 3]), val(values[i % 3])), both_true[i]);
        expect(both(MR_OP_OR, val(values[i / 3]), val(values[i % 3])), one_true[i]);
    }
    expect(mr_sql_unary(env, MR_OP_NOT, col("flag")), NO);
    expect(mr_sql_unary(env, MR_OP_NOT, null()), NOTHING);
    /* With an attribute that is not loaded, the result may still be known. */
    mr_entity_forget(one, attribute(one, "n")->slot);
    expect(bin(MR_OP_EQ, col("n"), num(1)), UNKNOWN);
    expect(bin(MR_OP_IS, col("n"), null()), UNKNOWN);
    expect(both(MR_OP_AND, bin(MR_OP_EQ, col("n"), num(1)), num(0)), NO);
    expect(both(MR_OP_AND, num(1), bin(MR_OP_EQ, col("n"), num(1))), UNKNOWN);
    expect(both(MR_OP_AND, null(), bin(MR_OP_EQ, col("n"), num(1))), UNKNOWN);
    expect(both(MR_OP_OR, bin(MR_OP_EQ, col("n"), num(1)), num(1)), YES);
    expect(both(MR_OP_OR, bin(MR_OP_EQ, col("n"), num(1)), null()), UNKNOWN);
    expect(bin(MR_OP_EQ, col("n"), val(NOTHING)), UNKNOWN); /* this means IS NULL */
    expect(bin(MR_OP_LT, col("n"), null()), NOTHING);
    one->flags |= MR_ENTITY_PARTIAL;
}

static void arithmetic(void **state) {
    (void)state;
    expect(bin(MR_OP_ADD, col("n"), num(2)), mr_int_value(3));
    expect(bin(MR_OP_SUB, col("n"), num(2)), mr_int_value(-1));
    expect(bin(MR_OP_MUL, num(-7), num(6)), mr_int_value(-42));
    expect(bin(MR_OP_DIV, col("n"), num(4)), mr_float_value(0.25));
    expect(bin(MR_OP_MOD, num(-7), num(3)), mr_int_value(-1));
    expect(bin(MR_OP_ADD, col("f"), col("n")), mr_float_value(1.5));
    expect(mr_sql_unary(env, MR_OP_NEG, col("f")), mr_float_value(-0.5));
    expect(bin(MR_OP_ADD, col("n"), null()), NOTHING);
    const int64_t low = INT64_MIN, high = INT64_MAX;
    expect(bin(MR_OP_ADD, num(high), num(1)), UNKNOWN);
    expect(bin(MR_OP_ADD, num(low), num(-1)), UNKNOWN);
    expect(bin(MR_OP_ADD, num(high), num(low)), mr_int_value(-1));
    expect(bin(MR_OP_SUB, num(low), num(1)), UNKNOWN);
    expect(bin(MR_OP_SUB, num(0), num(low)), UNKNOWN);
    expect(bin(MR_OP_SUB, num(-1), num(low)), mr_int_value(high));
    expect(bin(MR_OP_MUL, num(high), num(2)), UNKNOWN);
    expect(bin(MR_OP_MUL, num(low), num(1)), UNKNOWN);
    expect(bin(MR_OP_MUL, num(high), num(-1)), mr_int_value(-high));
    expect(bin(MR_OP_MOD, num(low), num(-1)), NO);
    expect(bin(MR_OP_MOD, num(1), num(0)), UNKNOWN);
    expect(bin(MR_OP_DIV, num(1), num(0)), UNKNOWN);
    expect(bin(MR_OP_MUL, val(mr_float_value(1e308)), num(10)), UNKNOWN);
    expect(mr_sql_unary(env, MR_OP_NEG, num(low)), UNKNOWN);
}

static void limits(void **state) {
    (void)state;
    mr_value list[1] = {text("x")};
    refuses(bin(MR_OP_EQ, col("n"), val(text("1"))));
    expect(bin(MR_OP_EQ, col("price"), num(1)), NOTHING);
    refuses(bin(MR_OP_EQ, bin(MR_OP_ADD, col("price"), num(1)), num(1)));
    refuses(bin(MR_OP_EQ, col("n"), col("name")));
    refuses(bin(MR_OP_IN, col("n"), mr_sql_binds(env, mr_type_simple(MR_TYPE_TEXT), list, 1)));
    refuses(bin(MR_OP_ADD, col("name"), num(1)));
    refuses(mr_sql_like(env, MR_OP_LIKE, col("name"), val(text("o%")), NULL));
    refuses(mr_sql_func(env, "lower", NULL, (mr_node *[]){col("name")}, 1));
    refuses(mr_sql_collate(env, col("name"), "NOCASE"));
    refuses(mr_sql_param(env, mr_type_simple(MR_TYPE_INTEGER), "absent"));
    refuses(both(MR_OP_AND, num(1), val(text("x"))));
    mr_node *alias = mr_sql_alias(env, mr_sql_table(env, item->table), NULL);
    refuses(mr_property_node(mr_mapper_property(item, "n", true), alias));
    mr_node_release(alias);
    mr_node *deep = num(1);
    for (int i = 0; i < 450; i++) deep = bin(MR_OP_ADD, deep, num(1));
    expect(deep, mr_int_value(451));
    mr_evaluation x = {item, &(mr_named_value){"p", mr_int_value(5)}, 1};
    mr_node *param = bin(MR_OP_LT, col("n"), mr_sql_param(env, mr_type_simple(MR_TYPE_INTEGER), "p"));
    assert_true(mr_evaluable(&x, param));
    assert_int_equal(mr_evaluate(&x, one, param).u.i, 1);
    mr_node_release(param);
}

static void flushed_values_count(void **state) {
    (void)state;
    ok(set(one, "n", mr_int_value(9)));
    expect(col("n"), mr_int_value(1));
    flush();
    expect(col("n"), mr_int_value(9));
}

/* ---------------------------------------------------------------- rows */

static mr_query *query_of(mr_mapper *m, mr_node *where) {
    mr_query *q = mr_query_new(env, &(mr_query_item){m, NULL, NULL, m->name}, 1, false), *made;
    if (!q || !where) {
        if (!q) mr_node_release(where);
        return q;
    }
    made = mr_query_where(q, where);
    mr_query_release(q);
    return made;
}

static mr_status update(mr_query *q, const char *name, mr_node *value, mr_synchronize how, int64_t *rows) {
    mr_node *column = value ? col(name) : NULL, *columns = NULL, *values = NULL;
    mr_status status = MR_FAIL;
    if (column) columns = mr_sql_list(env, MR_OP_COMMA, &column, 1);
    if (columns) values = mr_sql_list(env, MR_OP_COMMA, &value, 1);
    else mr_node_release(value);
    if (q && values) status = mr_session_update_rows(session, q, columns, values, how, rows);
    else {
        mr_node_release(columns);
        mr_node_release(values);
    }
    mr_query_release(q);
    return status;
}

static mr_status delete_rows(mr_query *q, mr_synchronize how, int64_t *rows) {
    mr_status status = q ? mr_session_delete_rows(session, q, how, rows) : MR_FAIL;
    mr_query_release(q);
    return status;
}

static void rows_are_followed(void **state) {
    (void)state;
    int64_t rows = 0;
    record();
    ok(update(query_of(item, NULL), "n", bin(MR_OP_ADD, col("n"), num(-1)), MR_SYNCHRONIZE_AUTO, &rows));
    assert_int_equal(rows, 2);
    expect_int(one, "n", 0);
    expect_int(two, "n", INT64_MAX - 1);
    assert_int_equal(mr_session_dirty_count(session), 0);
    expect_count(1);
    record();
    ok(delete_rows(query_of(item, bin(MR_OP_EQ, col("name"), val(text("one")))), MR_SYNCHRONIZE_FETCH, &rows));
    expect_statements("SELECT item.id FROM item WHERE item.name = ?\nDELETE FROM item WHERE item.name = ?");
    assert_int_equal(rows, 1);
    expect_state(one, MR_DELETED);
    rollback();
    expect_state(one, MR_PERSISTENT);
    expect_int(one, "n", 1);
}

/* What evaluation cannot know (an overflow, a division by zero) is read from the database. */
static void what_is_unknown_is_read(void **state) {
    (void)state;
    int64_t rows = 0;
    ok(set(two, "n", mr_int_value(7)));
    flush();
    ok(update(query_of(item, NULL), "n", bin(MR_OP_MOD, col("n"), num(0)), MR_SYNCHRONIZE_EVALUATE, &rows));
    assert_false(mr_attribute_is_loaded(one, attribute(one, "n")));
    assert_true(mr_attribute_is_loaded(one, attribute(one, "name")));
    expect_nil(one, "n");
}

static void shared_table(void **state) {
    (void)state;
    int64_t rows = 0;
    item->discriminator = mr_mapper_property(item, "name", true);
    special = mr_mapper_new(registry, "Special", item);
    special->polymorphic_identity = text("two");
    assert_int_equal(mr_mapper_finish(special, item->table, NULL, NULL, NULL, NULL), MR_OK);
    configure();
    record();
    ok(update(query_of(special, NULL), "n", num(5), MR_SYNCHRONIZE_NONE, &rows));
    mr_dml d = {.table = mr_sql_table(env, item->table)};
    mr_node *statement = mr_statement_with_criteria(session, special, NULL, mr_sql_delete(env, &d));
    mr_session_cursor cursor;
    ok(mr_session_execute(session, statement, NULL, 0, &cursor));
    assert_int_equal(mr_cursor_step(cursor.cursor), MR_DONE);
    mr_session_cursor_close(env, &cursor);
    expect_statements("UPDATE item SET n=? WHERE item.name IN (?)\nDELETE FROM item WHERE item.name IN (?)");
    assert_int_equal(rows, 1);
}

/* ---------------------------------------------------------------- failures */

static mr_status all_of_it(int64_t *rows) {
    mr_node *like = mr_sql_like(env, MR_OP_LIKE, col("name"), val(text("o%")), NULL);
    if (!like) return MR_FAIL;
    if (update(query_of(item, like), "name", val(text("a longer name than before")), MR_SYNCHRONIZE_AUTO, rows) !=
        MR_OK)
        return MR_FAIL;
    mr_node *criterion = bin(MR_OP_GT, col("n"), num(0));
    if (!criterion) return MR_FAIL;
    if (update(query_of(item, criterion), "f", bin(MR_OP_MUL, col("n"), num(2)), MR_SYNCHRONIZE_EVALUATE, rows) !=
        MR_OK)
        return MR_FAIL;
    return delete_rows(query_of(item, NULL), MR_SYNCHRONIZE_AUTO, rows);
}

/* Rolls back, and asserts that the objects have the values of their rows. */
static void check_truth(void) {
    rollback();
    expect_state(one, MR_PERSISTENT);
    expect_state(two, MR_PERSISTENT);
    expect_text(one, "name", "one");
    expect_int(one, "n", 1);
    expect_int(two, "n", INT64_MAX);
    assert_ptr_equal(fetch_by("Item", 1), one);
    mr_entity_unpin(one);
    mr_env_clear_error(env);
}

static void every_allocation_fails(void **state) {
    (void)state;
    int64_t rows;
    for (int nested = 0; nested < 2; nested++) {
        mr_status status = MR_FAIL;
        for (size_t n = 1; status != MR_OK; n++) {
            check_truth();
            if (nested) ok(mr_session_begin_nested(session));
            fa_arm(&fa, n);
            status = all_of_it(&rows);
            fa_disarm(&fa);
            if (status != MR_OK) assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
            if (nested) ok(mr_session_rollback(session));
        }
        if (!nested) {
            assert_int_equal(rows, 2);
            expect_state(two, MR_DELETED);
        }
        check_truth();
    }
}

static void every_call_fails(void **state) {
    (void)state;
    int64_t rows;
    mr_status status = MR_FAIL;
    for (uint64_t n = 1; status != MR_OK; n++) {
        check_truth();
        mr_engine_fail_at(engine, n);
        status = all_of_it(&rows);
        mr_engine_fail_at(engine, 0);
        if (status != MR_OK) assert_int_equal(mr_env_error(env)->kind, MR_ERR_OPERATIONAL);
    }
    check_truth();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comparisons, set_up, tear_down),
        cmocka_unit_test_setup_teardown(truth_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arithmetic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flushed_values_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_are_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_unknown_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shared_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_allocation_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_call_fails, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
