/*
 * test_db_mock.c: the rows that a test gives to the mock driver are its answers.
 */
#include "test_db.h"

static void test_generated_keys(void **state) {
    mr_engine *engine = db_engine(((db_fixture *)*state)->env, "mock+postgresql://", -1);
    mr_conn *conn = db_connect(engine);
    assert_string_equal(mr_engine_dialect(engine)->name, "postgresql");
    const char *sql = "INSERT INTO t (a, b) VALUES (coalesce($1, ','), $2), ($3, $4) RETURNING t.id, f(a, b)";
    mr_value values[4] = {mr_int_value(1), mr_int_value(2), mr_int_value(3), mr_int_value(4)}, row[2];
    for (int64_t first = 1; first <= 3; first += 2) {
        mr_cursor *c = db_open(conn, sql, values, 4);
        for (int64_t id = first; id < first + 2; id++) {
            assert_int_equal(mr_cursor_step(c), MR_ROW);
            assert_int_equal(mr_cursor_column_count(c), 2);
            assert_string_equal(mr_cursor_column_name(c, 0), "t.id");
            assert_string_equal(mr_cursor_column_name(c, 1), "f(a, b)");
            assert_int_equal(mr_cursor_fetch(c, NULL, row), MR_OK);
            assert_int_equal(row[0].u.i, id);
        }
        assert_int_equal(mr_cursor_step(c), MR_DONE);
        assert_int_equal(mr_cursor_rowcount(c), 2);
        mr_cursor_close(c);
    }
    assert_int_equal(db_int(conn, "INSERT INTO t (a) VALUES (1) RETURNING id"), 5);
    mr_cursor *c = db_open(conn, "INSERT INTO t (a) VALUES ($1)", values, 1);
    assert_int_equal(mr_cursor_step(c), MR_DONE);
    assert_int_equal(mr_cursor_last_insert_id(c), 6);
    mr_cursor_close(c);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static void test_scripted_rows(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_engine(f->env, "mock+sqlite://", -1);
    mr_conn *conn = db_connect(engine);
    const char *names[] = {"id", "born"};
    mr_value values[4] = {mr_int_value(1), mr_text_value("2024-02-29", 10), mr_int_value(0), mr_null_value()}, row[2];
    assert_int_equal(mr_mock_rows(engine, "FROM person", names, 2, values, 2), MR_OK);
    assert_int_equal(mr_mock_rows(engine, "UPDATE", NULL, 0, NULL, 7), MR_OK);
    mr_cursor *c = db_open(conn, "SELECT id, born FROM other", NULL, 0);
    assert_int_equal(mr_cursor_step(c), MR_DONE);
    mr_cursor_close(c);
    const mr_type *types[] = {mr_type_simple(MR_TYPE_BOOLEAN), mr_type_simple(MR_TYPE_DATE)};
    c = db_open(conn, "SELECT id, born FROM person", NULL, 0);
    assert_int_equal(mr_cursor_step(c), MR_ROW);
    assert_int_equal(mr_cursor_fetch(c, types, row), MR_OK);
    assert_int_equal(row[0].kind, MR_BOOL);
    assert_int_equal(row[1].kind, MR_DATE);
    assert_int_equal(mr_cursor_step(c), MR_ROW);
    assert_int_equal(mr_cursor_fetch(c, types, row), MR_OK);
    assert_int_equal(row[1].kind, MR_NULL);
    assert_int_equal(mr_cursor_step(c), MR_DONE);
    mr_cursor_close(c);
    c = db_open(conn, "SELECT id, born FROM person", NULL, 0); /* each answer is given once */
    assert_int_equal(mr_cursor_step(c), MR_DONE);
    mr_cursor_close(c);
    int64_t n = 0;
    mr_compiled *update = db_stmt(f->env, "UPDATE t SET x = 1", 0);
    for (int expected = 7; expected >= 1; expected -= 6) {
        mr_cursor *u;
        assert_int_equal(mr_conn_execute(conn, update, NULL, &u), MR_OK);
        while (mr_cursor_step(u) == MR_ROW) {}
        n = mr_cursor_rowcount(u);
        mr_cursor_close(u);
        assert_int_equal(n, expected);
    }
    mr_compiled_release(update);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static void test_scripted_failures(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_engine(f->env, "mock+postgresql://", -1);
    mr_conn *conn = db_connect(engine);
    assert_int_equal(mr_mock_fail(engine, "INSERT", MR_ERR_INTEGRITY, "duplicate key", 1), MR_OK);
    assert_int_equal(mr_mock_fail(engine, "COMMIT", MR_ERR_OPERATIONAL, "server is gone", 0), MR_OK);
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    db_run(conn, "INSERT INTO t VALUES (1)");
    assert_int_equal(db_try(conn, "INSERT INTO t VALUES (1)"), MR_FAIL);
    db_assert_error(f->env, MR_ERR_INTEGRITY, "(mock) duplicate key");
    assert_string_equal(mr_env_error(f->env)->orig, "duplicate key");
    db_run(conn, "INSERT INTO t VALUES (1)");
    assert_int_equal(mr_conn_commit(conn), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "server is gone");
    assert_true(mr_conn_in_transaction(conn));
    assert_int_equal(mr_conn_commit(conn), MR_OK);
    assert_false(mr_conn_in_transaction(conn));
    mr_conn_close(conn);
    mr_engine_release(engine);
    engine = db_engine(f->env, "sqlite://", -1);
    assert_int_equal(mr_mock_fail(engine, "x", MR_ERR_DATA, "x", 0), MR_FAIL);
    db_assert_error(f->env, MR_ERR_ARGUMENT, "is no mock");
    mr_engine_release(engine);
}

static mr_status scripted(mr_env *env) {
    mr_engine *engine = NULL;
    mr_conn *conn = NULL;
    const char *names[] = {"a", "b"};
    mr_value values[2] = {mr_text_value("text", 4), mr_int_value(2)};
    mr_status status = mr_engine_new(env, "mock+sqlite://", 14, NULL, &engine);
    if (status == MR_OK) status = mr_engine_connect(engine, &conn);
    if (status == MR_OK) status = mr_mock_rows(engine, "FROM t", names, 2, values, 1);
    if (status == MR_OK) status = mr_mock_fail(engine, "never", MR_ERR_DATA, "words", 0);
    if (status == MR_OK) status = mr_conn_run_sql(conn, "SELECT * FROM t");
    if (status == MR_OK) status = mr_conn_run_sql(conn, "INSERT INTO t VALUES (1), (2) RETURNING a, b");
    mr_conn_close(conn);
    mr_engine_release(engine);
    return status;
}

static void test_failing_allocations(void **state) {
    (void)state;
    for (size_t n = 1, done = 0; !done; n++) {
        fa_state fa = FA_INIT;
        mr_env *env = fa_env_new(&fa);
        fa_arm(&fa, n);
        if (scripted(env) == MR_OK) done = 1;
        else assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
        fa_disarm(&fa);
        mr_env_free(env);
        assert_int_equal(fa_live(&fa), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_generated_keys),
        DB_TEST(test_scripted_rows),
        DB_TEST(test_scripted_failures),
        DB_TEST(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
