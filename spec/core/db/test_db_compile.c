/*
 * test_db_compile.c: the engine's cache of compiled statements: one compilation for each structure.
 */
#include "test_db.h"

typedef struct fixture {
    mr_env *env;
    mr_engine *engine;
    mr_table *table;
} fixture;

static fixture start(void **state) {
    fixture x = {.env = ((db_fixture *)*state)->env};
    x.engine = db_engine(x.env, "sqlite://", -1);
    mr_column *columns[2] = {mr_column_new(x.env, "id", mr_type_simple(MR_TYPE_INTEGER)),
                             mr_column_new(x.env, "name", mr_type_simple(MR_TYPE_STRING))};
    columns[0]->primary_key = true;
    x.table = mr_table_new(mr_metadata_new(x.env), "person", NULL, columns, 2, NULL, NULL);
    assert_non_null(x.table);
    return x;
}

/* SELECT person.name FROM person WHERE criterion */
static mr_node *query(const fixture *x, mr_node *criterion) {
    mr_node *name = mr_sql_column(x->env, x->table->columns[1], NULL, NULL);
    mr_node *from = mr_sql_table(x->env, x->table);
    mr_select select = {.columns = mr_sql_list_append(x->env, NULL, name),
                        .from = mr_sql_list_append(x->env, NULL, from),
                        .where = criterion};
    return mr_sql_select(x->env, &select);
}

static mr_node *id_is(const fixture *x, mr_op op, mr_node *right) {
    return mr_sql_binary(x->env, op, mr_sql_column(x->env, x->table->columns[0], NULL, NULL), right);
}

static mr_node *by_id(const fixture *x, int64_t id) {
    mr_value value = mr_int_value(id);
    return query(x, id_is(x, MR_OP_EQ, mr_sql_bind(x->env, mr_type_simple(MR_TYPE_INTEGER), &value)));
}

static mr_node *by_ids(const fixture *x, size_t n) {
    mr_value values[8];
    for (size_t i = 0; i < n; i++) values[i] = mr_int_value((int64_t)i + 1);
    return query(x, id_is(x, MR_OP_IN, mr_sql_binds(x->env, mr_type_simple(MR_TYPE_INTEGER), values, n)));
}

static mr_compiled *compile(const fixture *x, const mr_node *statement, mr_value **values) {
    mr_compiled *c = NULL;
    if (mr_engine_compile(x->engine, statement, NULL, 0, &c, values)) {
        fail_msg("%s", mr_env_error(x->env)->message);
    }
    return c;
}

static void test_one_compilation(void **state) {
    fixture x = start(state);
    mr_node *one = by_id(&x, 1), *two = by_id(&x, 2);
    mr_value *values_one, *values_two;
    mr_compiled *a = compile(&x, one, &values_one), *b = compile(&x, two, &values_two);
    assert_ptr_equal(a, b);
    assert_int_equal(a->nparams, 1);
    assert_int_equal(a->ncolumns, 1);
    assert_null(a->columns[0].node);
    assert_int_equal(values_one[0].u.i, 1);
    assert_int_equal(values_two[0].u.i, 2);
    mr_free(x.env, values_one);
    mr_free(x.env, values_two);
    mr_compiled_release(a);
    mr_node_release(one);
    /* The compiled statement still works after its node is released. */
    mr_conn *conn = db_connect(x.engine);
    db_run(conn, "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT)");
    db_run(conn, "INSERT INTO person VALUES (1, 'ann'), (2, 'bob')");
    b = (mr_compiled_release(b), compile(&x, two, &values_two));
    mr_cursor *cursor;
    mr_value row;
    assert_int_equal(mr_conn_execute(conn, b, values_two, &cursor), MR_OK);
    assert_int_equal(mr_cursor_step(cursor), MR_ROW);
    assert_int_equal(mr_cursor_fetch(cursor, NULL, &row), MR_OK);
    assert_memory_equal(row.u.s, "bob", 3);
    mr_cursor_close(cursor);
    mr_free(x.env, values_two);
    mr_compiled_release(b);
    mr_node_release(two);
    mr_conn_close(conn);
    mr_engine_release(x.engine);
}

static void test_lists_are_padded(void **state) {
    fixture x = start(state);
    mr_node *three = by_ids(&x, 3), *four = by_ids(&x, 4), *five = by_ids(&x, 5);
    mr_value *v3, *v4, *v5;
    mr_compiled *c3 = compile(&x, three, &v3), *c4 = compile(&x, four, &v4), *c5 = compile(&x, five, &v5);
    assert_ptr_equal(c3, c4);
    assert_ptr_not_equal(c4, c5);
    assert_int_equal(c3->nparams, 4);
    assert_int_equal(v3[2].u.i, 3);
    assert_int_equal(v3[3].u.i, 3);
    assert_int_equal(v4[3].u.i, 4);
    mr_node *nodes[] = {three, four, five};
    mr_compiled *compiled[] = {c3, c4, c5};
    mr_value *values[] = {v3, v4, v5};
    for (int i = 0; i < 3; i++) {
        mr_node_release(nodes[i]);
        mr_compiled_release(compiled[i]);
        mr_free(x.env, values[i]);
    }
    mr_engine_release(x.engine);
}

static void test_the_oldest_goes(void **state) {
    fixture x = start(state);
    mr_node *kept = by_id(&x, 1);
    mr_value *values;
    mr_compiled *first = compile(&x, kept, &values);
    mr_free(x.env, values);
    for (int i = 0; i < 1200; i++) {
        char name[20];
        snprintf(name, sizeof name, "n%d", i);
        mr_node *other = query(&x, mr_sql_raw(x.env, mr_type_simple(MR_TYPE_BOOLEAN), name));
        mr_compiled_release(compile(&x, other, &values));
        assert_null(values);
        mr_node_release(other);
        if (i >= 600) continue;
        /* A statement that is used again and again stays in the cache. */
        mr_compiled *again = compile(&x, kept, &values);
        assert_ptr_equal(again, first);
        mr_compiled_release(again);
        mr_free(x.env, values);
    }
    mr_compiled *later = compile(&x, kept, &values);
    assert_ptr_not_equal(later, first);
    assert_string_equal(later->sql, first->sql);
    mr_free(x.env, values);
    mr_compiled_release(first);
    mr_compiled_release(later);
    mr_node_release(kept);
    mr_engine_release(x.engine);
}

static void test_missing_value(void **state) {
    fixture x = start(state);
    mr_node *param = mr_sql_param(x.env, mr_type_simple(MR_TYPE_INTEGER), "it");
    mr_node *named = query(&x, id_is(&x, MR_OP_EQ, param));
    mr_named_value it = {"it", mr_int_value(5)};
    mr_compiled *c;
    mr_value *values;
    assert_int_equal(mr_engine_compile(x.engine, named, NULL, 0, &c, &values), MR_FAIL);
    db_assert_error(x.env, MR_ERR_INVALID_REQUEST, "a value is required for bind parameter 'it'");
    assert_int_equal(mr_engine_compile(x.engine, named, &it, 1, &c, &values), MR_OK);
    assert_int_equal(values[0].u.i, 5);
    mr_free(x.env, values);
    mr_compiled_release(c);
    mr_node_release(named);
    mr_engine_release(x.engine);
}

static void test_failing_allocations(void **state) {
    fixture x = start(state);
    fa_state *fa = &((db_fixture *)*state)->fa;
    mr_node *statement = by_ids(&x, 3);
    mr_engine_release(x.engine);
    for (size_t n = 1, done = 0; !done; n++) {
        x.engine = db_engine(x.env, "sqlite://", -1);
        mr_compiled *c;
        mr_value *values;
        fa_arm(fa, n);
        mr_status status = mr_engine_compile(x.engine, statement, NULL, 0, &c, &values);
        fa_disarm(fa);
        if (status == MR_OK) {
            done = 1;
            mr_compiled_release(c);
            mr_free(x.env, values);
        } else {
            assert_int_equal(mr_env_error(x.env)->kind, MR_ERR_NO_MEMORY);
            mr_compiled_release(compile(&x, statement, &values));
            mr_free(x.env, values);
        }
        mr_engine_release(x.engine);
    }
    mr_node_release(statement);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_one_compilation), DB_TEST(test_lists_are_padded),    DB_TEST(test_the_oldest_goes),
        DB_TEST(test_missing_value),   DB_TEST(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
